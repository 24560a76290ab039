//! grbl and grblHAL against our own emulator: overrides, streams, watching, letting go.
#![allow(clippy::print_stderr, reason = "the figures of a test belong to its output")]

mod facts;
mod overrides;
mod rig;
mod streams;
mod watching;
