//! Measurements: one bench per promise of the README, under `benches/`. The library itself is empty.
