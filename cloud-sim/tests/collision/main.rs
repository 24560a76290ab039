//! The tool against fixtures: by dense sampling, by coal, and by hand.

mod by_coal;
mod by_hand;
mod by_sampling;
mod finished;
mod oracle;
mod setup;
