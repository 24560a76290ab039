//! A job: one program on one machine with its stock, tools, material and limits, compiled the same way on
//! both sides.
//!
//! The edge offers the *bytes* of everything a plan rests on ([`JobSources`]); both sides compile them with
//! this code ([`Job::compile`]) and compare digests. Nothing derived travels: a path that was compiled
//! differently, by another version or on another processor, shows as another digest and no plan is
//! admitted (DESIGN.md section 4).
//!
//! What was not given is filled in and listed in [`Job::assumed`], in words for a person.

mod compile;
mod inputs;
mod manifest;
mod sources;
mod stock;

pub use compile::{Job, JobFacts, reading_of};
pub use manifest::{ManifestProblem, check_manifest};
pub use sources::{BundleError, JobSources};
pub use stock::StockSpec;
