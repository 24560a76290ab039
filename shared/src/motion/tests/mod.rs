mod compile;
mod corpus;
mod fixture;
mod profile;
mod runner;
