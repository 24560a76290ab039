//! Measurements: one bench per promise of the README, under `benches/`, and `handoff-bench` for who wants to know what a
//! handoff costs over his own network. The library holds what several of them measure.
#![forbid(unsafe_code)]

#[cfg(feature = "live")]
pub mod emulator;
pub mod handoff;
pub mod zigzag;
