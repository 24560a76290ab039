//! The tri-dexel: closed forms, conservation, agreement with the height map, tilted and turning work, threads and memory.
#![allow(clippy::disallowed_methods, reason = "a test may take the platform's functions as an oracle")]
#![allow(clippy::print_stdout)] // The greatest differences are part of the result.

mod closed_forms;
mod engagement;
mod invariants;
mod mesh;
mod parity;
mod rotary;
mod setup;
