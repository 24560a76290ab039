//! The kernel against closed forms, conservation laws and itself: stock, sweep, engagement, collision.

mod closed_forms;
mod contacts;
mod engagement;
mod invariants;
mod meshes;
mod setup;
