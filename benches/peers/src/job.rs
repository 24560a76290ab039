//! Stock, cutters and paths, the same for every candidate.

use cloud_sim::stock::{HeightMap, MapOptions, StockShape};
use shared::geom::{Aabb, Point};
use shared::ident::ToolNumber;
use shared::motion::Geometry;
use shared::tool::{CutterMaterial, CutterShape, Tool};
use shared::units::{Angle, Length};

pub(crate) const CELL_MM: f64 = 0.1;
pub(crate) const DIAMETER_MM: f64 = 10.0;
pub(crate) const FLUTE_MM: f64 = 30.0;

pub(crate) fn bounds() -> Aabb {
    Aabb { min: Point::new(0.0, 0.0, -20.0), max: Point::new(100.0, 100.0, 0.0) }
}

pub(crate) fn map(cell_mm: f64) -> HeightMap {
    let options = MapOptions { cell_mm, memory_max_bytes: 1 << 30 };
    HeightMap::new(&StockShape::Box(bounds()), options).expect("a plain box").0
}

pub(crate) fn tool(shape: CutterShape) -> Tool {
    Tool {
        number: ToolNumber(1),
        name: "peer".to_owned(),
        shape,
        diameter: Length::mm(DIAMETER_MM),
        flutes: Some(2),
        helix: Angle::ZERO,
        flute_length: Length::mm(FLUTE_MM),
        shank_diameter: Length::mm(DIAMETER_MM),
        stickout: Length::mm(50.0),
        holder: Vec::new(),
        length_offset: Length::ZERO,
        centre_cutting: true,
        material: CutterMaterial::Carbide,
    }
}

/// The corners of the zigzag: rows of 100 moves of 1 mm along X, 1 mm apart.
pub(crate) fn corners(sloped: bool) -> Vec<Point> {
    let z = |x: f64, y: f64| if sloped { -2.0 - (0.1 * x).sin() * (0.1 * y).cos() } else { -2.0 };
    let row = |row: i32| {
        (0..=100).map(move |column| {
            let (x, y) = (f64::from(if row % 2 == 0 { column } else { 100 - column }), f64::from(row));
            Point::new(x, y, z(x, y))
        })
    };
    (0..=100).flat_map(row).collect()
}

pub(crate) fn moves(sloped: bool) -> Vec<Geometry> {
    corners(sloped).windows(2).map(|pair| Geometry::Line { start: pair[0], end: pair[1] }).collect()
}
