mod compile;
mod fixture;
mod jerk;
mod profile;
mod runner;
