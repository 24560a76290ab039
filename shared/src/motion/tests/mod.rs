#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

mod compile;
mod corpus;
mod fixture;
mod glide;
mod jerk;
mod profile;
mod runner;
