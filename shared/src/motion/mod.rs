//! Canonical operations to segments, stations and velocities.

mod segment;
mod station;

pub use segment::{Geometry, Segment, SegmentKind, StillKind};
pub use station::Station;
