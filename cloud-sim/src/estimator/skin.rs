//! How much of a cut's power hangs on where the raw part ends.
//!
//! A sawn block is never the size that was written down. Half a millimetre more on top is an eighth more power in a
//! first layer of four, and nothing at all in the next one: seen from the spindle it is a harder material that
//! becomes soft. A contour along a sawn side has the same doubt about its width. Where a cut reaches a face of the raw
//! part, its power is therefore known no better than what a millimetre more on that face would add.
//!
//! A round bar is met as the box around it, and a side that an earlier pass has cut already counts as sawn: both say
//! more doubt than there is.

use shared::cutting::{ANGLE_BINS, EngagementSlice};
use shared::det::math;
use shared::geom::{Aabb, Vector};
use shared::job::StockSpec;
use shared::motion::Segment;

use crate::engagement::CutStep;

/// A cut that ends this far below the top, or less, reaches it, mm: a slice of the map.
const REACHES_MM: f64 = 0.3;

/// Least width of a cut at the side of the raw part that is told from none, mm.
const WIDTH_MIN_MM: f64 = 0.3;

/// The raw part where it has the faces that a saw made; `None` where an earlier operation has made them.
pub fn sawn(stock: &StockSpec) -> Option<Aabb> {
    match stock {
        StockSpec::Box(bounds) => Some(*bounds),
        StockSpec::Cylinder { centre, diameter, height } => {
            let (radius_mm, height_mm) = (diameter.as_mm() / 2.0, height.as_mm());
            let reach = Vector::new(radius_mm, radius_mm, 0.0);
            Some(Aabb { min: *centre - reach, max: *centre + reach + Vector::new(0.0, 0.0, height_mm) })
        }
        _ => None,
    }
}

/// Share of the power of a step that one more millimetre on every face of the raw part would add, 1/mm; zero where the
/// step does not reach a face.
pub fn skin_per_mm(step: &CutStep, segment: &Segment, radius_mm: f64, sawn: Option<&Aabb>) -> f64 {
    let Some(sawn) = sawn else { return 0.0 };
    let slices = &step.engagement.slices;
    let Some(highest) = slices.iter().rev().find(|slice| slice.mask != 0) else { return 0.0 };
    let tip = segment.geometry.point(segment.fraction(step.from).midpoint(segment.fraction(step.to)));
    let top = if tip.z + highest.high_mm < sawn.max.z - REACHES_MM { 0.0 } else { share_of_top(slices, highest) };
    // How far the axis stands inside each side.
    let inside_mm = [tip.x - sawn.min.x, sawn.max.x - tip.x, tip.y - sawn.min.y, sawn.max.y - tip.y];
    let sides = inside_mm.iter().filter(|inside_mm| inside_mm.abs() < radius_mm);
    top + sides.map(|inside_mm| 1.0 / (inside_mm + radius_mm).max(WIDTH_MIN_MM)).sum::<f64>()
}

fn share_of_top(slices: &[EngagementSlice], highest: &EngagementSlice) -> f64 {
    let whole: f64 = slices.iter().map(|slice| chip_sum(slice) * (slice.high_mm - slice.low_mm)).sum();
    if whole > 0.0 { chip_sum(highest) / whole } else { 0.0 }
}

/// Sum of the chip's thickness over the angles in material, as a share of the feed a tooth.
fn chip_sum(slice: &EngagementSlice) -> f64 {
    let bin = std::f64::consts::TAU / ANGLE_BINS as f64;
    let bins = (0..ANGLE_BINS).filter(|bin| slice.mask >> bin & 1 == 1);
    bins.map(|index| math::sin((index as f64 + 0.5) * bin).max(0.0)).sum()
}
