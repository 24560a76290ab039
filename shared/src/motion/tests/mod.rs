#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

mod blend;
mod compile;
mod control;
mod corner;
mod corpus;
mod fixture;
mod glide;
mod jerk;
mod million;
mod profile;
mod rolling;
mod rotary;
mod runner;
