//! The tool against fixtures: by dense sampling, by coal, and by hand.
// Oracles use the platform's own functions on purpose; files and sentences are for coal and for the reader of the run.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod against_stock;
mod by_coal;
mod by_hand;
mod by_sampling;
mod finished;
mod leaning;
mod oracle;
mod setup;
