//! The simulation service.
//!
//! Runs ahead of the tool: removes material, computes engagement, loads and collisions for the path that has
//! not been cut yet, and plans factors over station. Kernel (`stock`, `sweep`, `engagement`, `collision`),
//! planner (`loads`, `optimise`) and service (`session`, `horizon`) are pure cores: work is handed to an
//! [`executor::Executor`], time is an argument.
#![deny(unsafe_code)]

pub mod engagement;
pub mod executor;
pub mod loads;
pub mod optimise;
pub mod stability;
