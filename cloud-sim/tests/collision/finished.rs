//! The finished part: what is too deep, with its place, and what is left.

use cloud_sim::collision::Finished;
use cloud_sim::executor::Serial;
use cloud_sim::mesh::{Mesh, MeshLimits, read_mesh};
use cloud_sim::stock::{HeightMap, MapOptions, StockShape};
use cloud_sim::sweep::{Cutter, cut_geometry};
use shared::geom::{Aabb, Point};
use shared::machine::LengthUnit;
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::setup::{line, stl, tool};

/// A block of 40 × 30, its top at Z−5, in a stock of 60 × 50 with its top at Z0.
fn part() -> Mesh {
    let (min, max) = ([10.0f32, 10.0, -20.0], [50.0f32, 40.0, -5.0]);
    let corner = |index: usize| -> [f32; 3] { std::array::from_fn(|axis| [min, max][index >> axis & 1][axis]) };
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let halves = faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]);
    let triangles: Vec<[[f32; 3]; 3]> = halves.map(|half| half.map(corner)).collect();
    read_mesh(&stl(&triangles), Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).expect("a box")
}

fn stock() -> HeightMap {
    let shape = StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -20.0), max: Point::new(60.0, 50.0, 0.0) });
    HeightMap::new(&shape, MapOptions { cell_mm: 0.2, memory_max_bytes: 1 << 28 }).expect("a box").0
}

fn cut(map: &mut HeightMap, from: [f64; 3], to: [f64; 3]) {
    let geometry: Geometry = line(Point::from(from), Point::from(to));
    cut_geometry(map, &Cutter::new(&tool(CutterShape::Flat)), &geometry, &Serial);
}

const EVERYWHERE: Aabb = Aabb { min: Point::new(-100.0, -100.0, -100.0), max: Point::new(100.0, 100.0, 100.0) };

#[test]
fn facing_to_size_leaves_nothing_and_gouges_nothing() {
    let mut map = stock();
    let mut finished = Finished::new(&part(), 0.05, &map);
    let before = finished.compare(&map);
    assert!((before.left_mm3 / (40.0 * 30.0 * 5.0) - 1.0).abs() < 0.01, "{before:?}");
    assert!(before.highest.is_some_and(|(height, _)| (height - 5.0).abs() < 1e-5) && before.deepest.is_none());
    for pass in 0..10 {
        let y = 5.0 * f64::from(pass) + 2.5;
        cut(&mut map, [-10.0, y, -5.0], [70.0, y, -5.0]);
    }
    // Around it, with the edge of the cutter on its walls.
    for (from, to) in
        [([5.0, 5.0], [55.0, 5.0]), ([55.0, 5.0], [55.0, 45.0]), ([55.0, 45.0], [5.0, 45.0]), ([5.0, 45.0], [5.0, 5.0])]
    {
        cut(&mut map, [from[0], from[1], -15.0], [to[0], to[1], -15.0]);
    }
    assert_eq!(finished.gouge(&map, &EVERYWHERE), None);
    let after = finished.compare(&map);
    assert!(after.highest.is_none() && after.deepest.is_none() && after.gouged_mm3 < 1.0, "{after:?}");
    assert!(after.left_mm3.abs() < 1e-3, "{after:?}");
}

#[test]
fn a_gouge_is_reported_once_with_its_depth_and_place() {
    let mut map = stock();
    let mut finished = Finished::new(&part(), 0.05, &map);
    cut(&mut map, [-10.0, 25.0, -4.9], [70.0, 25.0, -4.9]);
    assert_eq!(finished.gouge(&map, &EVERYWHERE), None);
    cut(&mut map, [30.0, 25.0, -4.9], [30.0, 25.0, -5.3]);
    let (depth, place) = finished.gouge(&map, &EVERYWHERE).expect("0.3 mm too deep");
    assert!((depth - 0.3).abs() < 1e-5 && (place.z + 5.3).abs() < 1e-5, "{depth} {place}");
    assert!((place.x - 30.0).hypot(place.y - 25.0) < 5.0, "{place}");
    let known = finished.clone().gouge(&map, &EVERYWHERE);
    assert_eq!(known, None, "it was reported");
    cut(&mut map, [30.0, 25.0, -5.0], [30.0, 25.0, -5.4]);
    let again = finished.gouge(&map, &EVERYWHERE);
    assert!(again.is_some_and(|(depth, _)| (depth - 0.4).abs() < 1e-5), "{again:?}");
    // A wall that is cut into by more than a cell.
    cut(&mut map, [6.0, 25.0, -15.0], [6.0, 26.0, -15.0]);
    let wall = finished.gouge(&map, &EVERYWHERE).expect("a millimetre into the wall");
    assert!((wall.0 - 10.0).abs() < 1e-5 && wall.1.x < 11.0, "{wall:?}");
    let whole = finished.compare(&map);
    assert!(whole.deepest.is_some_and(|(depth, _)| (depth - 10.0).abs() < 1e-5), "{whole:?}");
}
