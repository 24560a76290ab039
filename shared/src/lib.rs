//! What edge and cloud must agree on.
//!
//! Two programs, on two computers, have to draw the same conclusion from the same bytes: where on the
//! programmed path the tool is, what a plan allows there, and whether a message may be believed. Whatever
//! takes part in that conclusion lives here, once: units, time, identities, program interpretation,
//! motion and station, the closed-form cutting law, the plan, the latency budget and the wire.
//!
//! The crate is pure. It performs no I/O, reads no clock, starts no thread, draws no random number and
//! keeps no global; time and bytes are arguments. Stock, sweeps, collision and optimisation do not live
//! here: the edge needs their results, not their state.
//!
//! Rooms, in import order (a room imports only rooms above it; `planted`, bugs for tests to find, stands above all):
//! `units` · `time` · `ident` · `det` · `geom` · `kinematics` · `machine` · `tool` · `program` · `motion` · `cutting` ·
//! `budget` · `plan` · `wire` · `files` · `job`.
//!
//! Words of our own, defined here once:
//!
//! * **Station** ([`motion::Station`]) is a place in the program, measured along the compensated tool path.
//! * **Commit distance** is the stretch ahead of the tool that no message may speed up.
//! * **Work allowance** ([`budget::WorkAllowance`]) is the integer effort granted to one planning step.
#![forbid(unsafe_code)]

pub mod budget;
pub mod cutting;
pub mod det;
pub mod files;
pub mod geom;
pub mod ident;
pub mod job;
pub mod kinematics;
pub mod machine;
pub mod motion;
pub mod plan;
pub mod planted;
pub mod program;
pub mod time;
pub mod tool;
mod tool_general;
pub mod units;
pub mod wire;
