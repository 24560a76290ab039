//! What a person and what a program read about a simulation or a run.
//!
//! The JSON has stable keys, listed in the README; a figure that is not known is the string `"unavailable"`,
//! never a number. The text says the same in the words of the shop.

mod canon;
mod figure;
mod json;
mod optimise;
mod segments;
mod text;
mod timing;

pub use canon::write_canon;
pub use figure::Figure;
pub use json::{
    CollisionJson, ComparisonJson, CycleJson, EventJson, FallbackJson, HandoffJson, RapidInStockJson, RunJson,
    SimulateJson, StageJson, StockJson, TruthJson, VerdictJson, WorstAtJson,
};
pub use optimise::{ChatterJson, ChatterRiskJson, OptimiseJson, PeaksJson, optimise_text};
pub use segments::write_segments;
pub use text::{run_text, simulate_text};
pub use timing::{TimingJson, timing_json, timing_text, write_blocks};
