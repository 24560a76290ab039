//! Measurements: one bench per promise of the README, under `benches/`. The library holds what several of them measure.

pub mod zigzag;
