//! The tri-dexel: closed forms, conservation, agreement with the height map, tilted and turning work, threads and memory.

mod closed_forms;
mod engagement;
mod invariants;
mod mesh;
mod parity;
mod rotary;
mod setup;
