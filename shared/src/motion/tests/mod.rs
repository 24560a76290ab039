mod compile;
mod fixture;
mod profile;
mod runner;
