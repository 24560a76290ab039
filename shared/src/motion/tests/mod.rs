mod compile;
mod corpus;
mod fixture;
mod jerk;
mod profile;
mod runner;
