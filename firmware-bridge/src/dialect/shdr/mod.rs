//! MTConnect's Simple Hierarchical Data Representation: `timestamp|key|value|key|value…`, a line a report.
//!
//! A source sends what has changed; what it does not mention stays as it was, and `UNAVAILABLE` is a value.
//! [`Decoder`] keeps that state and gives one [`Report`] a line, so that all pairs of a line belong to one
//! instant. Two vocabularies are read: MTConnect's words in MTConnect's units (what our own controller
//! sends), and the keys of the NIST recordings, in which `Block_Number` is the physical line from 1 (0 before the
//! first block) and `Feed_Rate` is in mm/s: `Box-OP2` reports 12.8 on moves at F30. (30 inch/min, 12.7 mm/s), and
//! its number 1158 is what runs while the tool of line 1158 is changed.
//!
//! | key | unit | into |
//! | --- | --- | --- |
//! | `Execution`, `Program_Status` | MTConnect words | execution |
//! | `ControllerMode` | MTConnect words | mode |
//! | `LineNumber`, `Block_Number` | from 1 | line, from 1 |
//! | `PathPosition` | mm, `x y z` | position |
//! | `PathFeedrate`, `Feed_Rate` | mm/s | path feedrate |
//! | `PathFeedrateOverride`, `Feed_Override` | per cent | dial |
//! | `PathFeedrateFactor` | per mille | factor of ours in force |
//! | `PathFeedrateFactorState` | `ENABLED`, `DISABLED` | whether the factor is obeyed |
//! | `RotaryVelocity`, `Spindle_Speed` | rev/min | spindle speed |
//! | `SpindlePower` | W | spindle power |
//! | `ToolNumber`, `Current_Tool` | number, 0 is an empty spindle | tool |
//! | `Rapid_Override`, `Spindle_Override` | per cent | dials of rapids and spindle |
//! | `Program_Runtime_Seconds` | s | runtime |
//! | `Fields` | number of pairs before it | completeness of the line |
//!
//! A torn line is usually not recognisable: `PathFeedrate|120` cut after the 2 is a line too. Our own reports
//! therefore end in `Fields|n`, the number of pairs before it, and [`Completeness::Counted`] believes no line
//! without it.
//!
//! Source: MTConnect standard part 2 (observation types and units) and the adapter protocol of the reference
//! agent; CONTROLLERS.md section 3 for the recordings.

mod decode;
mod encode;
pub(super) mod words;

pub use decode::{Completeness, Counters, Decoder, Event, Report};
pub use encode::{encode_pairs, encode_report};

#[cfg(test)]
mod tests;
