//! Meshes in and out.

use std::collections::BTreeMap;

use cloud_sim::mesh::{MeshLimits, read_stl};
use cloud_sim::stock::{HeightMap, MapOptions, STL_VERTICES_MAX, StockError, StockShape, VIEW_VERTICES, cell_for};
use cloud_sim::sweep::Workpiece;
use shared::geom::{Aabb, Point};
use shared::tool::CutterShape;

use crate::setup::*;

const OPTIONS: MapOptions = MapOptions { cell_mm: 0.25, memory_max_bytes: 1 << 28 };

/// Volume by the divergence theorem; positive when the triangles face outwards.
fn volume_mm3(triangles: &[[Point; 3]]) -> f64 {
    triangles.iter().map(|[a, b, c]| a.coords.dot(&b.coords.cross(&c.coords)) / 6.0).sum()
}

/// Every edge is used once in each direction: closed and consistently oriented.
fn assert_closed(triangles: &[[Point; 3]]) {
    let key = |point: &Point| [point.x.to_bits(), point.y.to_bits(), point.z.to_bits()];
    let mut edges = BTreeMap::new();
    for triangle in triangles {
        for corner in 0..3 {
            let (from, to) = (key(&triangle[corner]), key(&triangle[(corner + 1) % 3]));
            assert_ne!(from, to, "no degenerate triangles");
            *edges.entry((from, to)).or_insert(0) += 1;
        }
    }
    for (&(from, to), &count) in &edges {
        assert_eq!(edges.get(&(to, from)), Some(&count), "an open edge");
    }
}

fn stl_of(map: &HeightMap) -> Vec<[Point; 3]> {
    let mut bytes = Vec::new();
    map.to_stl(&mut bytes);
    read_stl(&bytes, 1.0, &MeshLimits::STANDARD).expect("our own file")
}

#[test]
fn the_stock_as_cut_is_a_closed_mesh_of_its_volume() {
    let mut map = block(30.0, 20.0, 10.0, 0.25);
    cut(&mut map, &tool(CutterShape::Ball, 6.0), line(point(5.0, 10.0, -2.0), point(25.0, 12.0, -3.0)), 1.0);
    cut(&mut map, &tool(CutterShape::Flat, 8.0), line(point(10.0, 3.0, -1.0), point(10.0, 3.0, -20.0)), 1.0);
    let mesh = stl_of(&map);
    assert_closed(&mesh);
    assert_close("volume", volume_mm3(&mesh), map.volume_mm3(), 2e-3);
}

#[test]
fn a_mesh_goes_in_and_comes_out() {
    let mut map = block(30.0, 20.0, 10.0, 0.25);
    cut(&mut map, &tool(CutterShape::Flat, 8.0), line(point(5.0, 10.0, -2.0), point(25.0, 12.0, -3.0)), 1.0);
    let mesh = stl_of(&map);
    let (again, report) = HeightMap::new(&StockShape::Mesh(mesh.clone()), OPTIONS).expect("a good mesh");
    assert_close("volume", again.volume_mm3(), map.volume_mm3(), 1e-3);
    assert!(report.filled_mm3.expect("a mesh").abs() < 1e-3 * map.volume_mm3(), "nothing hidden below");
    for (x, y) in [(2.1, 3.2), (15.0, 11.0), (29.9, 19.9)] {
        let (a, b) = (map.height_at(x, y).expect("inside"), again.height_at(x, y).expect("inside"));
        assert!((a - b).abs() < 0.02, "({x}, {y}): {a} against {b}");
    }
    // Inside out is the same from above.
    let turned: Vec<[Point; 3]> = mesh.iter().map(|[a, b, c]| [*a, *c, *b]).collect();
    let (turned, _) = HeightMap::new(&StockShape::Mesh(turned), OPTIONS).expect("a good mesh");
    assert_eq!(turned.digest(), again.digest());
}

#[test]
fn a_cylinder_has_a_mesh_without_its_corners() {
    let shape = StockShape::Cylinder { centre: point(0.0, 0.0, -10.0), diameter_mm: 20.0, height_mm: 10.0 };
    let (map, _) = HeightMap::new(&shape, OPTIONS).expect("plain");
    let mesh = stl_of(&map);
    assert_closed(&mesh);
    assert_close("volume", volume_mm3(&mesh), map.volume_mm3(), 5e-3);
}

#[test]
fn a_ply_has_the_same_triangles_with_each_vertex_once() {
    let mut map = block(30.0, 20.0, 10.0, 0.25);
    cut(&mut map, &tool(CutterShape::Ball, 6.0), line(point(5.0, 10.0, -2.0), point(25.0, 12.0, -3.0)), 1.0);
    let mut ply = Vec::new();
    Workpiece::to_ply(&map, &mut ply);
    let end = b"end_header\n";
    let body = ply.windows(end.len()).position(|window| window == end).expect("a header") + end.len();
    let header = std::str::from_utf8(&ply[..body]).expect("text");
    let count = |word: &str| -> usize {
        let line = header.lines().find(|line| line.starts_with(word)).expect("an element");
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    };
    let (vertices, faces) = (count("element vertex"), count("element face"));
    assert_eq!(ply.len(), body + vertices * 12 + faces * 13, "nothing else");
    let number = |at: usize| f64::from(f32::from_le_bytes([ply[at], ply[at + 1], ply[at + 2], ply[at + 3]]));
    let vertex = |index: usize| {
        let at = body + index * 12;
        point(number(at), number(at + 4), number(at + 8))
    };
    let mesh: Vec<[Point; 3]> = (0..faces)
        .map(|face| {
            let at = body + vertices * 12 + face * 13;
            assert_eq!(ply[at], 3);
            std::array::from_fn(|corner| {
                let from = at + 1 + corner * 4;
                vertex(u32::from_le_bytes([ply[from], ply[from + 1], ply[from + 2], ply[from + 3]]) as usize)
            })
        })
        .collect();
    assert_eq!(mesh, stl_of(&map));
    assert!(vertices * 2 <= faces + 4, "{vertices} vertices of {faces} triangles: each once");
    assert_closed(&mesh);
}

#[test]
fn a_view_is_coarse_and_of_the_same_volume() {
    let mut map = block(100.0, 100.0, 10.0, 0.1);
    cut(&mut map, &tool(CutterShape::Flat, 20.0), line(point(0.0, 50.0, -5.0), point(100.0, 50.0, -5.0)), 10.0);
    let mut bytes = Vec::new();
    map.to_view_stl(&mut bytes);
    let mesh = read_stl(&bytes, 1.0, &MeshLimits::STANDARD).expect("our own file");
    assert!(mesh.len() <= 4 * VIEW_VERTICES + 4000, "{} triangles", mesh.len());
    assert_close("volume", volume_mm3(&mesh), map.volume_mm3(), 5e-3);
}

#[test]
fn a_part_of_300_mm_stays_under_64_mb_and_says_so_before() {
    let shape = StockShape::Box(Aabb { min: point(0.0, 0.0, -100.0), max: point(300.0, 300.0, 0.0) });
    let (mut map, report) =
        HeightMap::new(&shape, MapOptions { cell_mm: 0.1, memory_max_bytes: 64 << 20 }).expect("it fits");
    assert!(!report.coarsened && report.cells == 9_000_000, "{report:?}");
    assert!(report.bytes <= 64 << 20, "{} bytes", report.bytes);
    // Every tile written: one cut over all of it.
    let mill = tool(CutterShape::Flat, 500.0);
    cut(&mut map, &mill, line(point(0.0, 150.0, -1.0), point(300.0, 150.0, -1.0)), 400.0);
    assert_close("all of it", map.volume_mm3(), 300.0 * 300.0 * 99.0, 1e-6);
    assert_eq!(Workpiece::memory_bytes(&map), report.bytes, "as was said");
    // A finer cell than the limit allows: coarser, and said.
    let limit = MapOptions { cell_mm: 0.05, memory_max_bytes: 64 << 20 };
    let (_, report) = HeightMap::new(&shape, limit).expect("coarser");
    assert!(report.coarsened && report.bytes <= 64 << 20 && report.cell_mm.0 > 0.05, "{report:?}");
}

#[test]
fn large_maps_are_written_within_the_limit() {
    let mut map = block(100.0, 100.0, 10.0, 0.1);
    cut(&mut map, &tool(CutterShape::Flat, 20.0), line(point(0.0, 50.0, -5.0), point(100.0, 50.0, -5.0)), 10.0);
    let mesh = stl_of(&map);
    assert!(mesh.len() <= 4 * STL_VERTICES_MAX + 20_000, "{} triangles", mesh.len());
    assert_close("volume", volume_mm3(&mesh), map.volume_mm3(), 1e-3);
}

#[test]
fn bad_stock_is_refused() {
    let flat = |x: f64, z: f64| StockShape::Box(Aabb { min: point(0.0, 0.0, -z), max: point(x, 10.0, 0.0) });
    let nan = StockShape::Mesh(vec![[point(0.0, 0.0, f64::NAN), point(1.0, 0.0, 0.0), point(0.0, 1.0, 0.0)]]);
    assert!(matches!(HeightMap::new(&flat(0.0, 5.0), OPTIONS), Err(StockError::Empty { .. })));
    assert!(matches!(HeightMap::new(&flat(10.0, -5.0), OPTIONS), Err(StockError::Empty { .. })));
    assert!(matches!(HeightMap::new(&flat(f64::NAN, 5.0), OPTIONS), Err(StockError::NotFinite)));
    assert!(matches!(HeightMap::new(&flat(1e9, 5.0), OPTIONS), Err(StockError::NotFinite)));
    assert!(matches!(HeightMap::new(&nan, OPTIONS), Err(StockError::NotFinite)));
    assert!(matches!(HeightMap::new(&StockShape::Mesh(vec![]), OPTIONS), Err(StockError::Empty { .. })));
    let no_cell = MapOptions { cell_mm: 0.0, ..OPTIONS };
    assert!(matches!(HeightMap::new(&flat(10.0, 5.0), no_cell), Err(StockError::Cell { .. })));
}

#[test]
fn cells_follow_the_smallest_cutter() {
    let tools = [tool(CutterShape::Flat, 20.0), tool(CutterShape::Flat, 6.0)];
    assert!((cell_for(&tools) - 0.06).abs() < 1e-12);
    assert_eq!(cell_for(&[tool(CutterShape::Flat, 0.5)]), 0.02);
    assert_eq!(cell_for(&[]), 0.25);
}
