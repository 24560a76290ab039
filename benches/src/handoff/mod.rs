//! `handoff-bench`: what a handoff costs over a network, by a method that stands up to an expert.
//!
//! Two tables that never share a row:
//!
//! * **Transport alone.** The same bytes both ways through three *arms*: ours (the agent's and the service's own rings,
//!   threads and settings, without agent and service), bare Zenoh (the same settings, a publisher, a callback), and raw
//!   UDP. Each arm is a process at each end, with one router between them for the first two; they take turns A B B A so
//!   that what drifts meets all alike. Open loop: messages are scheduled on an absolute timer and count from the
//!   scheduled instant ([`series`]).
//! * **Production handoffs.** A scenario through real service, agent and machine. A handoff counts only where its plan
//!   came from a simulation step that removed cells.
//!
//! Both go through an emulated link where one was asked for (`crate::emulator`), whose own stamps are put beside what
//! the ends say.

pub mod bootstrap;
pub mod series;

#[cfg(feature = "live")]
pub mod arms;
#[cfg(feature = "live")]
mod children;
#[cfg(feature = "live")]
pub mod files;
#[cfg(feature = "live")]
pub mod host;
#[cfg(feature = "live")]
pub mod page;
#[cfg(feature = "live")]
pub mod production;
#[cfg(feature = "live")]
pub mod report;
#[cfg(feature = "live")]
pub mod seal;
#[cfg(feature = "live")]
pub mod transport;
