//! Which moves at feed may be faster than programmed: those that stay clear of the stock.
//!
//! "Nothing is removed" is not enough. A stock that is half a millimetre larger than stated, or a tool that is
//! longer than its table says, turns a move that grazes the surface into a cut. So *air* means outside the stock
//! inflated by an allowance on all sides, as it stands when the tool comes past, for the cutter and for what holds it.
//! And it is a property of a whole move: a program states one feed for it.
//!
//! Never faster, whatever the stock: rapids and waits (they have no feed), operations with a fixed factor,
//! moves that go steeply down, the lead before a first contact, and moves with a tool nobody described.
//! Fixtures are not known here; whoever uses the answer must say so.

use shared::geom::Point;
use shared::motion::{Geometry, Segment, SegmentKind};
use shared::tool::Tool;
use shared::units::Length;

use super::bound::{BoundContext, LimitsByTool, fixed_reason};
use super::caps::PLUNGE_SINE;
use super::contact::windows;
use crate::engagement::CutStep;
use crate::loads::StepLoads;
use crate::stock::HeightMap;

/// Longest piece of path that is held against the stock as one box, mm.
const PIECE_MM: f64 = 2.0;

/// True where the tool stays outside the stock, inflated by an allowance on all sides, on the whole of a move.
/// `map` is the stock before the move. Conservative: pieces of the path are held against the highest material
/// below their boxes. O(length), and done at the first piece that is too near.
pub fn is_clear(map: &HeightMap, tool: &Tool, segment: &Segment, allowance: Length) -> bool {
    let count = (segment.length.as_mm() / PIECE_MM).ceil().max(1.0) as u32;
    let allowance_mm = allowance.as_mm();
    let cutter_mm = tool.radius().max(tool.shank_diameter * 0.5).as_mm();
    // Sections of the holder with the height of their lower end above the tip.
    let mut low_mm = tool.stickout.as_mm();
    let mut parts = vec![(cutter_mm, 0.0)];
    for section in &tool.holder {
        parts.push((section.diameter_low.max(section.diameter_high).as_mm() / 2.0, low_mm));
        low_mm += section.length.as_mm();
    }
    let bulge_mm = bulge_mm(&segment.geometry, count);
    (0..count).all(|piece| {
        let at = |index: u32| segment.geometry.point(f64::from(index) / f64::from(count));
        let (a, b) = (at(piece), at(piece + 1));
        parts.iter().all(|(radius_mm, above_mm)| {
            let around_mm = radius_mm + allowance_mm + bulge_mm;
            let lowest_mm = a.z.min(b.z) - bulge_mm + above_mm - allowance_mm;
            is_above(map, (&a, &b), around_mm, lowest_mm)
        })
    })
}

/// How far an arc lies beside the chord of one of its pieces, mm.
fn bulge_mm(geometry: &Geometry, count: u32) -> f64 {
    match geometry {
        Geometry::Arc { start, centre, sweep_rad, .. } => {
            let half = sweep_rad.abs() / f64::from(count) / 2.0;
            // R (1 − cos x) ≤ R x² / 2; the distance to any point of the axis is at least the radius.
            (start - centre).norm() * half * half / 2.0
        }
        Geometry::Line { .. } | Geometry::Still { .. } => 0.0,
    }
}

fn is_above(map: &HeightMap, (a, b): (&Point, &Point), around_mm: f64, lowest_mm: f64) -> bool {
    let (min, max) = (a.inf(b), a.sup(b));
    let highest =
        map.max_over(min.x - around_mm, max.x + around_mm, min.y - around_mm, max.y + around_mm).map(f64::from);
    // A column without material stands at the floor, and what lies below the floor is not known.
    highest.is_none_or(|highest| highest <= lowest_mm)
}

/// The segments that may be faster than programmed: those of `clear` that feed, that remove nothing, and that none
/// of the rules of this room excludes. `clear` has one entry a segment.
pub fn air_segments(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    (steps, loads): (&[CutStep], &[StepLoads]),
    clear: &[bool],
) -> Vec<bool> {
    let segments = context.path.segments();
    assert_eq!(clear.len(), segments.len(), "one entry a segment");
    let mut air: Vec<bool> =
        segments.iter().zip(clear).map(|(segment, clear)| *clear && may(context, segment)).collect();
    for (step, loads) in steps.iter().zip(loads) {
        air[step.segment as usize] &= matches!(loads, StepLoads::Air);
    }
    let windows = windows(context, by_tool, steps, loads);
    let mut next = 0;
    for (segment, air) in segments.iter().zip(&mut air) {
        while next < windows.len() && windows[next].end <= segment.start {
            next += 1;
        }
        *air &= windows.get(next).is_none_or(|window| window.begin >= segment.end);
    }
    air
}

/// What a segment says by itself.
fn may(context: &BoundContext<'_>, segment: &Segment) -> bool {
    let is_steep = || [0.0, 0.5, 1.0].iter().any(|at| -segment.geometry.tangent(*at).z > PLUNGE_SINE);
    segment.kind == SegmentKind::Feed
        && segment.tool.is_some()
        && segment.turn_rad == [0.0; 3]
        && fixed_reason(segment, context.limits).is_none()
        && !is_steep()
}

#[cfg(test)]
mod tests {
    use shared::cutting::{CuttingData, CuttingLaw, Engagement, Material, Runout};
    use shared::geom::Aabb;
    use shared::ident::ToolNumber;
    use shared::motion::{Path, Station, StillKind};
    use shared::program::ForcedReason;
    use shared::tool::{CutterShape, HolderSection};
    use shared::units::{Angle, Feedrate, Stress};

    use super::super::tests::{limits, segment};
    use super::*;
    use crate::engagement::CutStep;
    use crate::loads::{LoadModels, UnknownLoad};
    use crate::stock::{MapOptions, StockShape};

    fn tool(holder: Vec<HolderSection>) -> Tool {
        Tool {
            flutes: Some(4),
            helix: Angle::rad(0.5),
            flute_length: Length::mm(20.0),
            stickout: Length::mm(30.0),
            holder,
            ..Tool::of_shape(CutterShape::Flat, Length::mm(10.0))
        }
    }

    #[test]
    fn air_begins_where_the_inflated_stock_ends() {
        let bounds = Aabb { min: Point::new(0.0, 0.0, -20.0), max: Point::new(50.0, 50.0, 0.0) };
        let options = MapOptions { cell_mm: 0.5, memory_max_bytes: 1 << 24 };
        let (map, _) = HeightMap::new(&StockShape::Box(bounds), options).expect("a box");
        let check = |from: [f64; 3], to: [f64; 3], holder: Vec<HolderSection>, expected: bool| {
            let point = |[x, y, z]: [f64; 3]| Point::new(x, y, z);
            let moved = segment(SegmentKind::Feed, point(from), point(to), Station::START, 10.0);
            assert_eq!(is_clear(&map, &tool(holder), &moved, Length::mm(2.0)), expected, "{from:?} to {to:?}");
        };
        // Above: the allowance counts.
        check([-20.0, 25.0, 2.1], [70.0, 25.0, 2.1], vec![], true);
        check([-20.0, 25.0, 1.9], [70.0, 25.0, 1.9], vec![], false);
        // Beside: radius and allowance count.
        check([-7.2, 0.0, -5.0], [-7.2, 50.0, -5.0], vec![], true);
        check([-6.8, 0.0, -5.0], [-6.8, 50.0, -5.0], vec![], false);
        // A move that comes down to the surface at its end is not clear, however long it was in air.
        check([-20.0, 25.0, 50.0], [25.0, 25.0, 1.0], vec![], false);
        // A wide holder reaches the stock where the cutter does not.
        let wide = Length::mm(60.0);
        let holder = vec![HolderSection { diameter_low: wide, diameter_high: wide, length: Length::mm(20.0) }];
        check([-15.0, 0.0, -35.0], [-15.0, 50.0, -35.0], holder, false);
        check([-15.0, 0.0, -35.0], [-15.0, 50.0, -35.0], vec![], true);
    }

    /// One step over a whole segment.
    fn step(path: &Path, index: usize) -> CutStep {
        let segment = &path.segments()[index];
        CutStep {
            segment: index as u32,
            from: segment.start,
            to: segment.end,
            removed_mm3: 0.0,
            removed_cells: 0,
            engagement: Engagement { slices: Vec::new() },
            way: None,
        }
    }

    #[test]
    fn no_rule_is_forgotten_where_the_stock_is_far_away() {
        use SegmentKind::{Feed, Rapid, Still};
        // Kind, rise per mm of way, what is changed about it, load, and whether it may be faster.
        let unknown = StepLoads::Unknown(UnknownLoad::Cutter);
        let rows: [(SegmentKind, f64, &str, StepLoads, bool); 11] = [
            (Feed, 0.0, "", StepLoads::Air, true),
            (Feed, -0.3, "", StepLoads::Air, true),
            (Feed, 1.0, "", StepLoads::Air, true),
            (Feed, -1.0, "", StepLoads::Air, false),
            (Rapid, 0.0, "", StepLoads::Air, false),
            (Still(StillKind::Dwell), 0.0, "", StepLoads::Air, false),
            (Feed, 0.0, "forced", StepLoads::Air, false),
            (Feed, 0.0, "finish", StepLoads::Air, false),
            (Feed, 0.0, "no tool", StepLoads::Air, false),
            // The way to a first contact, and the contact of which nobody knows the load.
            (Feed, 0.0, "", StepLoads::Air, false),
            (Feed, 0.0, "", unknown, false),
        ];
        let (mut at, mut from) = (Station::START, Point::new(0.0, 0.0, 100.0));
        let mut row = Vec::new();
        for (index, (kind, rise, what, _, _)) in rows.iter().enumerate() {
            // The move before the contact is shorter than its lead, a tool radius; the one before it is not.
            let way_mm = if index == 9 { 3.0 } else { 10.0 };
            let along = if rise.abs() == 1.0 { 0.0 } else { 1.0 };
            let to = from + shared::geom::Vector::new(along, 0.0, *rise) * way_mm;
            let mut next = segment(*kind, from, if matches!(kind, Still(_)) { from } else { to }, at, 10.0);
            next.tool = match *what {
                "no tool" => None,
                "finish" => Some(ToolNumber(2)),
                _ => Some(ToolNumber(1)),
            };
            next.forced = (*what == "forced").then_some(ForcedReason::DisabledByProgram);
            (at, from) = (next.end, next.geometry.end());
            row.push(next);
        }
        let path = Path::new(row).expect("contiguous");
        let law = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.35, axial_ratio: 0.2 };
        let data = CuttingData {
            cutting_speed: Feedrate::mm_s(5000.0),
            feed_per_tooth_of_diameter: 0.01,
            feed_per_tooth_max: Length::mm(0.2),
        };
        let material =
            Material { name: "test".to_owned(), law, source: "test".to_owned(), data, coefficient_sigma: None };
        let models = LoadModels::new(&[tool(vec![])], &material, Runout::ASSUMED);
        let mut limits = limits();
        limits.finish.insert(ToolNumber(2));
        let machine = super::super::bound_tests::machine();
        let context = BoundContext { path: &path, models: &models, machine: &machine, limits: &limits };
        let steps: Vec<_> = (0..rows.len()).map(|index| step(&path, index)).collect();
        let loads: Vec<_> = rows.iter().map(|row| row.3).collect();
        let found = air_segments(&context, &LimitsByTool::new(), (&steps, &loads), &vec![true; rows.len()]);
        let expected: Vec<_> = rows.iter().map(|row| row.4).collect();
        assert_eq!(found, expected);
        let none = air_segments(&context, &LimitsByTool::new(), (&steps, &loads), &vec![false; rows.len()]);
        assert!(none.iter().all(|air| !air));
    }
}
