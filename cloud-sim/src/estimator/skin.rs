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

#[cfg(test)]
mod tests {
    use shared::cutting::Engagement;
    use shared::geom::Point;
    use shared::motion::{SegmentKind, Station};

    use super::*;
    use crate::optimise::tests::segment;

    const BLOCK: [[f64; 3]; 2] = [[0.0, 0.0, -30.0], [100.0, 100.0, 0.0]];

    /// A straight cut along x with a cutter of 20 mm, engaged up to `high_mm` above the tip on the whole forward half.
    fn share(y: f64, z: f64, high_mm: f64) -> f64 {
        let (start, end) = (Point::new(20.0, y, z), Point::new(80.0, y, z));
        let segment = segment(SegmentKind::Feed, start, end, Station::START, 30.0);
        let mask = (1u128 << (ANGLE_BINS / 2)) - 1;
        let slices = vec![EngagementSlice { low_mm: 0.0, high_mm, mask }];
        let step = CutStep {
            segment: 0,
            from: segment.start,
            to: segment.end,
            removed_mm3: 1.0,
            removed_cells: 1,
            engagement: Engagement { slices },
            way: None,
        };
        let [min, max] = BLOCK.map(|[x, y, z]| Point::new(x, y, z));
        skin_per_mm(&step, &segment, 10.0, Some(&Aabb { min, max }))
    }

    #[test]
    fn a_cut_at_a_face_hangs_on_it_by_its_depth_or_width_and_one_inside_does_not() {
        let check = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
        // The top layer of 4 mm: a millimetre more is a quarter more.
        check(share(50.0, -4.0, 4.0), 0.25);
        // The next one.
        check(share(50.0, -8.0, 4.0), 0.0);
        // 3 mm wide along the side, below the top.
        check(share(-7.0, -8.0, 4.0), 1.0 / 3.0);
        // Both at once; and a cut so thin that it may not be there.
        check(share(-7.0, -4.0, 4.0), 0.25 + 1.0 / 3.0);
        check(share(-9.9, -8.0, 4.0), 1.0 / WIDTH_MIN_MM);
    }

    #[test]
    fn where_an_earlier_operation_has_cut_there_is_no_sawn_face() {
        let [min, max] = BLOCK.map(|[x, y, z]| Point::new(x, y, z));
        let bounds = Aabb { min, max };
        assert_eq!(sawn(&StockSpec::Box(bounds)), Some(bounds));
        let allowance = shared::units::Length::mm(1.0);
        assert_eq!(sawn(&StockSpec::Roughed { bounds, allowance }), None);
    }
}
