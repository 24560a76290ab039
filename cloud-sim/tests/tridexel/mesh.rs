//! The mesh of a part: closed, oriented, and as large as the part.

use std::collections::BTreeMap;

use cloud_sim::mesh::{MeshLimits, read_mesh};
use cloud_sim::stock::TriDexel;
use cloud_sim::sweep::body::RevolvedTool;
use shared::geom::{Point, Vector};
use shared::machine::LengthUnit;
use shared::tool::CutterShape;

use super::setup::{block, cut, cut_tilted, cutter, near, point};

fn mesh(part: &TriDexel) -> Vec<[Point; 3]> {
    let mut bytes = Vec::new();
    part.to_stl(&mut bytes);
    read_mesh(&bytes, Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).expect("just written").corners().collect()
}

/// Every directed edge has its opposite, as often.
fn assert_closed(triangles: &[[Point; 3]]) {
    let key = |point: &Point| point.coords.map(f64::to_bits).into();
    let mut edges: BTreeMap<([u64; 3], [u64; 3]), i32> = BTreeMap::new();
    for triangle in triangles {
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            let (from, to): ([u64; 3], [u64; 3]) = (key(&triangle[from]), key(&triangle[to]));
            if from < to {
                *edges.entry((from, to)).or_default() += 1;
            } else {
                *edges.entry((to, from)).or_default() -= 1;
            }
        }
    }
    let open = edges.values().filter(|count| **count != 0).count();
    assert_eq!(open, 0, "{open} of {} edges are open", edges.len());
}

fn enclosed_mm3(triangles: &[[Point; 3]]) -> f64 {
    triangles.iter().map(|[a, b, c]| a.coords.dot(&b.coords.cross(&c.coords)) / 6.0).sum()
}

#[test]
fn undercuts_are_in_the_mesh() {
    let mut part = block(40.0, 30.0, 15.0, 0.4);
    let whole = mesh(&part);
    assert_closed(&whole);
    near(enclosed_mm3(&whole), 40.0 * 30.0 * 15.0, 0.003, "block");
    let tool = RevolvedTool::t_slot(12.0, 3.0, 5.0, 20.0);
    cut_tilted(&mut part, &tool, (point(-8.0, 15.0, -9.0), point(30.0, 15.0, -9.0)), Vector::z());
    cut_tilted(&mut part, &tool, (point(-8.0, 25.0, 3.0), point(48.0, 2.0, 0.0)), Vector::new(0.4, 0.4, 1.0));
    cut(&mut part, &cutter(CutterShape::Ball, 6.0), point(35.0, 5.0, -4.0), point(35.0, 25.0, -3.0));
    let cut = mesh(&part);
    assert_closed(&cut);
    near(enclosed_mm3(&cut), part.volume_mm3(), 0.005, "cut block");
    assert!(cut.len() > whole.len());
}

#[test]
fn a_large_part_is_written_in_strides() {
    let mut part = block(120.0, 120.0, 60.0, 0.25);
    cut(&mut part, &cutter(CutterShape::Ball, 20.0), point(-20.0, 60.0, -15.0), point(140.0, 60.0, -15.0));
    let triangles = mesh(&part);
    assert_closed(&triangles);
    assert!(triangles.len() < 400_000, "{} triangles", triangles.len());
    near(enclosed_mm3(&triangles), part.volume_mm3(), 0.01, "in strides");
}
