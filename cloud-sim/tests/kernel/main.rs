//! The kernel against closed forms, conservation laws and itself: stock, sweep, engagement, collision.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

mod cancel;
mod closed_forms;
mod contacts;
mod digests;
mod engagement;
mod hard_places;
mod invariants;
mod meshes;
mod setup;
#[cfg(feature = "workers")]
mod sharing;
