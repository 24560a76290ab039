//! MTConnect agents: what a device reports, followed over HTTP. There is no way to write, so nothing is steered by it.
//!
//! An agent numbers what it hears, keeps the last so many, and hands it out: `/probe` says what there is, `/current` what
//! holds now, `/sample` streams what comes from a number on. Three things make such a stream other than a socket full of
//! lines. The agent may have been started again (another `instanceId`: all numbers begin anew). It may no longer have what
//! comes next (its first number is beyond ours). And it may hear from several sources with clocks of their own, so that
//! the order of numbers is the order of receipt and stamps can go back. [`Session`] sees to these: what was lost or begun
//! anew is a [`Break`], and **every break voids the lease** of an agent that follows the machine by this: what was agreed
//! rested on knowing what the machine did.
//!
//! `UNAVAILABLE` is a value like any other: the field is unavailable from then on.
//!
//! Nothing here owns a socket or a clock. An answer is read in three layers, `http` (framing), `document` (XML) and this
//! session; each has named limits, and whatever is beyond them ends the connection, never the process.
//!
//! Source: MTConnect standard, part 1 (protocol, sequence numbers, streaming) and part 2 (types, subtypes, units).

mod adapter;
mod document;
mod http;
mod session;

use shared::time::Duration;

pub use adapter::{Adapter, AdapterTurn};
pub use document::{Binding, DocumentFault};
pub use http::HttpFault;
pub use session::{Break, Counters, Event, Fault, Session, SessionSettings, Turn};

use crate::controller::Capabilities;

/// Longest document, bytes. A probe of a large cell has a few hundred kilobytes.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// Longest head of an answer or of a part, bytes.
pub const HEAD_BYTES_MAX: usize = 16 << 10;

/// What an installer has to know.
pub const ADVICE: &str = "MTConnect can only be read: the agent computes and records (shadow), and commands nothing";

/// What can be done by MTConnect: read. The period is the longest that a change of the line may take to show.
pub const fn capabilities(sample_period: Duration) -> Capabilities {
    Capabilities { factor: false, factor_step_permille: 1, effect_time: Duration::ZERO, sample_period, watchdog: false }
}
