//! Where the cutter is in material, sampled against the stock before each step cuts it.
//!
//! Forces depend on which part of each cutting edge is in material, and removed volume alone cannot say that.
//! So the surface of the cutter is sampled against the height map at the middle of a step, before the step is
//! cut: slices along the axis, 128 bins of the turn, one bit each ([`Engagement`]; the angle convention is
//! that of [`shared::cutting`], and a move without a horizontal direction takes +x for it).
//!
//! Engagement is material *about to be cut*, not the wall this cutter has just left at exactly its radius.
//! Three rules keep the two apart on a map whose cells are as large as the difference:
//!
//! 1. A bin counts only where the surface moves into material, n·t > 0 for the outward normal n and the
//!    direction of travel t. On a level move that is the forward half; on a rise it excludes the part near the tip, and on
//!    a descent it adds the part of the trailing half that is flatter than the descent.
//! 2. In the forward half the sample is taken just ahead of the surface along the travel: far enough that
//!    the whole cell that holds it lies outside what the cutter stood in, but not beyond where the path goes
//!    straight on. By how much the travel climbs or falls on that way is taken off the height found. Sideways it is kept
//!    half a cell inside the radius, so that no cell of a wall beside the path is ever read.
//! 3. In the trailing half and in plunges the sample is on the surface, and material that touches it is enough.
//!
//! Slices look at different places within their bins, so that a bin half in material is set in half of
//! them: at a small a_e one bin is a fifth of the cut. Slices end where the material ends: on the cylindrical part the heights found around the turn are the borders
//! of the slices, so that steps in the stock do not fall into the middle of one. Slices are at most a tenth of the diameter
//! high there, for the lag of helical flutes. A flat face that descends cuts with its whole area
//! at no height: it is reported as a slice of zero height at the tip.
//!
//! [`swept_section_mm2`] is the check: the area that the engaged surface sweeps into, times the length of
//! the step, is the removed volume, which is computed by other means. A step of a few cells removes a
//! ragged number of them: compare over runs of twenty cells or more. The two agree within 5 % where a_e is five
//! cells or more; a thinner strip is a matter of which cell centres it happens to hold.

mod profile;
mod ring;
mod sample;
mod section;
mod sector;
mod tilted;

use shared::cutting::Engagement;
use shared::motion::Station;

pub use profile::Profile;
pub(crate) use sample::SAMPLE_CELLS_MAX;
pub use sample::{Pose, Sample, Sampler};
pub use section::swept_section_mm2;
pub use tilted::{TiltedPose, sample_tilted};

/// One step of a segment: what it removed and how the cutter stood in material while it did.
#[derive(Clone, Debug, PartialEq)]
pub struct CutStep {
    /// Index of the segment in the path.
    pub segment: u32,
    /// Where the step begins.
    pub from: Station,
    /// Where it ends.
    pub to: Station,
    /// Removed volume, mm³.
    pub removed_mm3: f64,
    /// Cells of the stock that were lowered.
    pub removed_cells: u32,
    /// Engagement at the middle of the step, against the stock before the step; in air where the step
    /// lowered no cell.
    pub engagement: Engagement,
}
