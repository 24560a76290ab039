//! Canonical operations to segments, stations and velocities.

mod path;
mod segment;
mod station;

pub use path::{Path, PathError};
pub use segment::{Geometry, Segment, SegmentKind, StillKind};
pub use station::Station;
