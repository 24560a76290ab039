//! `cosim` from outside: what a user types, what comes back, and whether the figures are right.
//!
//! Nothing of the project's own arithmetic is used here: expected values come from geometry and from
//! textbook formulas written out again.

mod bad_input;
mod calculators;
mod canon;
mod contract;
mod geometry;
mod machine;
mod mistakes;
mod optimise;
mod rotary;
mod slot_forces;
mod support;
mod timing;
mod tools;
