//! The agent on the gateway beside the machine.
//!
//! It reads what the controller does, finds the place on the programmed path, tells the cloud, and turns
//! what the cloud proposes into at most one command a cycle. It is the authority: the cloud proposes, the gate
//! here admits, clamps or rejects, and without a fresh admitted plan the machine runs on a baseline held
//! here, or as programmed. It knows no cloud-side types: only messages of `shared::wire`.
//!
//! The core is sans-io: bytes, samples and the time are arguments of [`Agent`]'s `handle_*`, commands and bytes
//! are results of its `poll_*`. Rooms, in import order:
//! `config` · `door` · `blackbox` · `lease` · `clock_sync` · `timetable` · `projection` · `locator` · `follower` ·
//! `gate` · `guard` · `fallback` · `handoff` · `session` · `agent` · `setup` · `tally` · `recording` · `shell` (feature
//! `shell`: the only room with threads, files and sockets).
//!
//! Words of this crate: a **fix** is a place on the path with the uncertainty it has; the **authority** is the
//! greatest factor that plan and baseline permit here; the **ramp** is the only way to a new factor.
//!
//! From sample to command nothing is allocated, locked, logged or awaited (`tests/no_allocation.rs`).
#![forbid(unsafe_code)]

#[cfg(all(feature = "planted", feature = "shell"))]
compile_error!("planted bugs must never be in a process that can reach a machine");

mod agent;
#[cfg(test)]
mod agent_fixture;
pub mod blackbox;
mod clock_sync;
pub mod config;
pub mod door;
pub mod exported;
mod fallback;
mod follower;
mod gate;
pub mod guard;
pub mod handoff;
mod lease;
pub mod locator;
mod projection;
pub mod recording;
mod session;
pub mod setup;
#[cfg(feature = "shell")]
pub mod shell;
pub mod tally;
mod timetable;

pub use agent::{Agent, Inbound, Lamp, OperatorAction, Status};
pub use config::{AgentConfig, AgentError, AgentJob, Arming, Braking, DialRule, Trust};
pub use door::{Door, Passage};
pub use fallback::{Cause, Source};
pub use lease::LeaseError;
pub use session::Phase;
