//! Speaks to controllers.
//!
//! A controller is a stream of bytes that says what the machine does and, sometimes, a stream of bytes that
//! asks it to slow down. This crate turns the first into [`controller::ControllerSample`]s and commands
//! into the second. It knows no cloud and no plan.
#![deny(unsafe_code)]

pub mod controller;
pub mod dead_man;
pub mod dialect;
pub mod grbl_emulator;
#[cfg(feature = "link")]
pub mod link;
pub mod override_steps;
pub mod process;
pub mod virtual_controller;
