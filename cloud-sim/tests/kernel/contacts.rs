//! Rapids in stock, holders, shanks and plunges: found with line, place and depth, and not found where nothing is.

use cloud_sim::collision::{Finding, FindingKind};
use cloud_sim::executor::Serial;
use cloud_sim::sweep::{Begins, NotCut, PathCutter, SweepOptions, cut_path};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station, StillKind};
use shared::tool::{CutterShape, Tool};
use shared::units::Length;

use crate::setup::*;

fn findings(tool: &Tool, segment: &Segment) -> Vec<Finding> {
    let mut map = block(60.0, 60.0, 40.0, 0.2);
    cut_as(&mut map, tool, segment, 1.0, &Serial).findings
}

fn rapid(start: Point, end: Point) -> Segment {
    Segment { kind: SegmentKind::Rapid, ..segment(line(start, end)) }
}

#[test]
fn a_rapid_through_stock_is_found_and_cut() {
    let flat = tool(CutterShape::Flat, 10.0);
    let found = findings(&flat, &rapid(point(-20.0, 30.0, -2.0), point(80.0, 30.0, -2.0)));
    let [finding] = found.as_slice() else { panic!("one finding, not {found:?}") };
    assert_eq!((finding.kind, finding.line, finding.segment), (FindingKind::RapidInStock, 7, 3));
    assert_close("removed", finding.removed_mm3, 60.0 * 10.0 * 2.0, 1e-3);
    assert_close("depth", finding.depth_mm, 2.0, 1e-6);
    assert_eq!(finding.place.z, 0.0);
    for (start, end) in [
        (point(-20.0, 30.0, 0.0), point(80.0, 30.0, 0.0)),
        (point(-20.0, -6.0, -2.0), point(80.0, -6.0, -2.0)),
        (point(30.0, 30.0, 20.0), point(30.0, 30.0, 1.0)),
    ] {
        assert_eq!(findings(&flat, &rapid(start, end)), [], "{start} to {end}");
    }
}

#[test]
fn a_short_tool_brings_its_holder_into_the_stock() {
    let mut short = tool(CutterShape::Flat, 10.0);
    short.stickout = Length::mm(12.0);
    short.flute_length = Length::mm(12.0);
    let along = |z: f64| segment(line(point(-20.0, 30.0, z), point(80.0, 30.0, z)));
    assert_eq!(findings(&short, &along(-11.9)), []);
    let found = findings(&short, &along(-12.0 - 1.5));
    let kinds: Vec<FindingKind> = found.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::HolderInStock, FindingKind::ShankInStock], "1.5 mm above the flutes as well");
    assert_close("depth of the holder", found[0].depth_mm, 1.5, 1e-5);
    assert!((found[0].place.y - 30.0).abs() <= 15.0 && found[0].place.z == 0.0);
    // Beside the stock: the holder of radius 15 to 20 mm overhangs, the cutter does not touch.
    let beside = segment(line(point(-20.0, -14.0, -13.0), point(80.0, -14.0, -13.0)));
    assert_eq!(
        findings(&short, &beside).iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [FindingKind::HolderInStock]
    );
    // The cone of the holder: 5 mm wider over 20 mm of height, so at y = −17 it clears by its slope.
    let cone = segment(line(point(-20.0, -17.0, -18.0), point(80.0, -17.0, -18.0)));
    assert_eq!(findings(&short, &cone), []);
    let deeper = segment(line(point(-20.0, -17.0, -22.0), point(80.0, -17.0, -22.0)));
    // Underside at ρ = 17: 12 + 2/5 · 20 = 20 mm above the tip, so 2 mm deep at the wall.
    let found = findings(&short, &deeper);
    assert_eq!(found.len(), 1);
    assert!((found[0].depth_mm - 2.0).abs() < 0.45, "{found:?}");
}

#[test]
fn a_wide_shank_touches_and_one_as_wide_as_its_cutter_does_not() {
    let mut wide = tool(CutterShape::Flat, 6.0);
    wide.flute_length = Length::mm(8.0);
    wide.shank_diameter = Length::mm(10.0);
    let along = segment(line(point(-20.0, 30.0, -9.0), point(80.0, 30.0, -9.0)));
    let kinds: Vec<FindingKind> = findings(&wide, &along).iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::ShankInStock]);
    let shallow = segment(line(point(-20.0, 30.0, -7.9), point(80.0, 30.0, -7.9)));
    assert_eq!(findings(&wide, &shallow), []);
    let even = tool(CutterShape::Flat, 6.0);
    for geometry in [
        line(point(5.0, 5.0, -20.0), point(50.0, 33.0, -20.0)),
        arc(point(45.0, 30.0, -20.0), (30.0, 30.0), 6.0, 0.0),
        line(point(30.0, 30.0, 0.0), point(30.0, 30.0, -29.0)),
    ] {
        assert_eq!(findings(&even, &segment(geometry)), [], "{geometry:?}");
    }
}

#[test]
fn only_a_cutter_that_cannot_plunge_is_told_so() {
    let mut mill = tool(CutterShape::Flat, 10.0);
    mill.centre_cutting = false;
    let down = segment(line(point(30.0, 30.0, 5.0), point(30.0, 30.0, -3.0)));
    let ramp = segment(line(point(10.0, 30.0, 0.0), point(50.0, 30.0, -2.0)));
    let beside = segment(line(point(-10.0, 30.0, 5.0), point(-10.0, 30.0, -3.0)));
    let found = findings(&mill, &down);
    assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [FindingKind::NonCentreCuttingPlunge]);
    assert_close("removed", found[0].removed_mm3, std::f64::consts::PI * 75.0, 1e-2);
    assert_eq!((findings(&mill, &ramp), findings(&mill, &beside)), (vec![], vec![]));
    mill.centre_cutting = true;
    assert_eq!(findings(&mill, &down), []);
}

#[test]
fn a_path_is_cut_in_order_and_what_cannot_cut_says_why() {
    let flat = tool(CutterShape::Flat, 10.0);
    let mut at = Station::START;
    let mut add = |mut segment: Segment, tool: Option<u32>| {
        let length = segment.end;
        segment.start = at;
        at = at.advanced(Length::mm(length.as_mm().max(0.001)));
        segment.end = at;
        segment.tool = tool.map(ToolNumber);
        segment
    };
    let across = line(point(-10.0, 30.0, -2.0), point(70.0, 30.0, -2.0));
    let still = Segment {
        kind: SegmentKind::Still(StillKind::Dwell),
        length: Length::ZERO,
        ..segment(Geometry::Still { at: point(70.0, 30.0, -2.0) })
    };
    let segments = vec![
        add(segment(across), None),
        add(segment(across), Some(9)),
        add(still, None),
        add(segment(across), Some(1)),
    ];
    let path = Path::new(segments).expect("contiguous");
    let cutters = [(ToolNumber(1), cloud_sim::sweep::Cutter::new(&flat))].into();
    let mut map = block(60.0, 60.0, 20.0, 0.2);
    let mut cuts = Vec::new();
    let what = PathCutter {
        cutters: &cutters,
        path: &path,
        options: &SweepOptions { step_mm: 2.0, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew },
        executor: &Serial,
    };
    cut_path(&mut map, &what, 0..99, &mut |cut| cuts.push(cut));
    let reasons: Vec<Option<NotCut>> = cuts.iter().map(|cut| cut.not_cut).collect();
    assert_eq!(reasons, [Some(NotCut::NoTool), Some(NotCut::UnknownTool), None, None]);
    assert!(cuts[..3].iter().all(|cut| cut.steps.is_empty() && cut.removed_mm3 == 0.0));
    assert_eq!(cuts[3].steps.len(), 40);
    assert_eq!((cuts[3].steps[0].from, cuts[3].steps[39].to), (path.segments()[3].start, path.end()));
    assert_close("removed", cuts[3].removed_mm3, 60.0 * 10.0 * 2.0, 1e-3);
}
