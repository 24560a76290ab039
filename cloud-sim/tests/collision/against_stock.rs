//! Cutter, shank, holder and spindle against the stock, on both kinds of stock, from outside and from a start within it.

use cloud_sim::collision::FindingKind;
use cloud_sim::executor::Serial;
use cloud_sim::stock::{HeightMap, MapOptions, StockShape, TriDexel};
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, ToolMotion, Workpiece};
use shared::geom::{Aabb, Point};
use shared::motion::{Geometry, Segment, SegmentKind};
use shared::tool::{CutterShape, Tool};
use shared::units::{Length, RotaryVelocity};

use crate::setup::{line, nose, segment, tool};

const BOUNDS: Aabb = Aabb { min: Point::new(-60.0, -40.0, -120.0), max: Point::new(60.0, 40.0, 0.0) };

/// The D10 cutter with flutes of 20 mm and a shank wider than itself; the holder begins at 35 mm, the spindle at 60 mm.
fn wide() -> Tool {
    Tool { shank_diameter: Length::mm(12.0), ..tool(CutterShape::Flat) }
}

fn kinds<W: Workpiece>(mut part: W, kind: SegmentKind, geometry: Geometry) -> Vec<FindingKind> {
    let tool = wide();
    let cutter = Cutter::new(&tool).in_spindle(&tool, &nose());
    let segment = Segment { kind, spindle: Some(RotaryVelocity::rev_s(100.0)), ..segment(geometry, 0) };
    let options = SweepOptions { step_mm: 2.0, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew };
    let mut out = SegmentCut::default();
    part.cut_segment(&cutter, (0, &segment), &ToolMotion::upright(geometry), &options, &Serial, &mut out);
    assert!(out.findings.iter().all(|finding| finding.line == 1 && finding.depth_mm > 0.0), "{:?}", out.findings);
    let mut found: Vec<FindingKind> = out.findings.iter().map(|finding| finding.kind).collect();
    found.sort();
    found
}

fn check(what: &str, kind: SegmentKind, geometry: Geometry, expected: &[FindingKind]) {
    let options = MapOptions { cell_mm: 0.5, memory_max_bytes: 1 << 28 };
    let shape = StockShape::Box(BOUNDS);
    let map = HeightMap::new(&shape, options).expect("a plain box").0;
    let rays = TriDexel::new(&shape, options).expect("a plain box").0;
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(kinds(map, kind, geometry), expected, "{what}, by heights");
    assert_eq!(kinds(rays, kind, geometry), expected, "{what}, by rays");
}

#[test]
fn each_part_is_found_in_the_stock_and_the_part_above_it_is_not() {
    use FindingKind::{HolderInStock, RapidInStock, ShankInStock, SpindleInStock};
    // Down along the side of the stock and then into it, level.
    let across = |z: f64| line(Point::new(-100.0, 0.0, z), Point::new(0.0, 0.0, z));
    check("above", SegmentKind::Rapid, across(1.0), &[]);
    check("cutter, in a feed", SegmentKind::Feed, across(-10.0), &[]);
    check("cutter, in a rapid", SegmentKind::Rapid, across(-10.0), &[RapidInStock]);
    check("shank", SegmentKind::Feed, across(-30.0), &[ShankInStock]);
    check("holder", SegmentKind::Feed, across(-45.0), &[ShankInStock, HolderInStock]);
    check("spindle", SegmentKind::Feed, across(-75.0), &[ShankInStock, HolderInStock, SpindleInStock]);
    // Beside the stock, D60 of the spindle reaches over its edge where the holder's D30 does not.
    let beside = line(Point::new(-100.0, 60.0, -75.0), Point::new(0.0, 60.0, -75.0));
    check("spindle alone", SegmentKind::Feed, beside, &[SpindleInStock]);
}

#[test]
fn a_start_within_the_stock_is_found_for_every_part() {
    use FindingKind::{HolderInStock, RapidInStock, ShankInStock, SpindleInStock};
    // The whole tool stands in the stock when the move begins, and goes nowhere near its faces.
    let within = |z: f64| line(Point::new(0.0, 0.0, z), Point::new(1.0, 0.5, z));
    check("cutter", SegmentKind::Rapid, within(-15.0), &[RapidInStock]);
    check("shank", SegmentKind::Rapid, within(-30.0), &[RapidInStock, ShankInStock]);
    check("all", SegmentKind::Rapid, within(-110.0), &[RapidInStock, ShankInStock, HolderInStock, SpindleInStock]);
}
