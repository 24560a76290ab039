//! Scenario files, the hidden truth, the one-thread world, the runner of real processes, and reports.
//!
//! This crate imports all four others and joins them: what a user types as `cosim` is here.
#![forbid(unsafe_code)]

pub mod checkers;
pub mod cli;
pub mod depths;
pub mod fit;
pub mod format;
pub mod hidden;
pub mod link;
pub mod log_check;
pub mod policy;
pub mod power_check;
pub mod replay_log;
pub mod report;
pub mod rewrite_plan;
pub mod rewrite_split;
#[cfg(feature = "live")]
pub mod run;
pub mod simulate;
pub mod summary;
mod summary_findings;
pub mod summary_optimise;
pub mod swarm;
pub mod truth;
pub mod virtual_run;
pub mod world;
