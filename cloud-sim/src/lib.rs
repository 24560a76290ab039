//! The simulation service.
//!
//! Runs ahead of the tool: removes material, computes engagement, loads and collisions for the path that has
//! not been cut yet, and plans factors over station. Kernel (`stock`, `sweep`, `engagement`, `collision`),
//! planner (`loads`, `optimise`, `prediction`) and service (`ahead`, `estimator`, `live`, `session`) are pure cores: work is
//! handed to an [`executor::Executor`], time is an argument. Zenoh, threads and the command line are in
//! `shell`, behind the feature of that name.
#![deny(unsafe_code)]

pub mod ahead;
pub mod collision;
pub mod engagement;
pub mod estimator;
pub mod executor;
mod follow;
mod holds;
mod live;
pub mod loads;
pub mod mesh;
pub mod optimise;
pub mod prediction;
pub mod session;
#[cfg(feature = "shell")]
pub mod shell;
pub mod stability;
pub mod stock;
mod surroundings;
pub mod sweep;
pub mod turns;
mod window;
#[cfg(feature = "workers")]
pub mod workers;

pub use live::BASELINE_EXTRA_UNCERTAINTY;
