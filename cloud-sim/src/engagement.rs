//! Where the cutter is in material, sampled against the stock before each step cuts it.

use shared::cutting::Engagement;
use shared::motion::Station;

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
    /// Engagement at the middle of the step, against the stock before the step.
    pub engagement: Engagement,
}
