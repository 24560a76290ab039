//! Canonical operations to segments, stations and velocities.
//!
//! A program says where the tool goes and how fast it would like to go there. What it does not say is how
//! long that takes: the axes need room to accelerate, corners need a lower speed, the spindle needs time to
//! turn. Distance over feed is wrong by 10 to 43 % on real programs, and a plan is worth what its timing is
//! worth. This room owns the way from operations to time:
//!
//! ```text
//! CanonOp --compile--> Path (segments over Station) --plan_profile--> Profile (velocity and time over Station)
//!                                                   --Runner--------> Motion, step by step, under live overrides
//! ```
//!
//! [`Profile`] answers what will happen when all factors are known beforehand; [`Runner`] does what a
//! controller does, which learns of a new factor only when it comes. Both draw on the same limits
//! (`limits`): per-axis velocity and acceleration along the direction of movement, centripetal acceleration
//! on arcs, and the corner rule. With the same factors throughout they take the same time.
//!
//! Where the machine states a jerk ([`crate::machine::Axis::jerk`]), both ride with limited jerk (`anchors`,
//! `jerk`); else accelerations are stepped.
//!
//! What it does not know: material, forces, and why a factor is what it is.

mod anchors;
mod blend;
mod compile;
mod cycles;
mod diagnosis;
mod glide;
mod jerk;
mod limits;
mod naive;
mod path;
mod pieces;
mod profile;
mod ramp;
mod rolling;
mod runner;
mod segment;
mod smooth;
mod station;
#[cfg(test)]
mod tests;
mod window;

pub use compile::{CompileOptions, STILL_MM_MIN, STILL_MM_PER_S, TURN_MM_PER_RAD, compile};
pub use limits::DIAL_MAX;
pub use path::{Path, PathError};
pub use pieces::{FACTOR_MIN, FactorStep};
pub use profile::{Profile, TimeSplit, plan_profile};
pub use rolling::RollingProfile;
pub use runner::{Drive, Motion, Runner, StopRule};
pub use segment::{CornerRule, Geometry, Segment, SegmentKind, StillKind};
pub use station::Station;
