//! The job that the kernel is measured by: "zigzag", a stock of 100 × 100 × 20 mm under a cutter of 10 mm in segments of 1 mm, 1 mm
//! step-over, Z = −2 (level) or Z = −2 − sin(0.1x)·cos(0.1y) (sloped).

use cloud_sim::stock::{HeightMap, MapOptions, StockShape};
use shared::geom::{Aabb, Point};
use shared::ident::ToolNumber;
use shared::motion::{Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, Tool};
use shared::units::{Angle, Feedrate, Length, Seconds};

/// A plain cutter of 10 mm.
pub fn tool(shape: CutterShape) -> Tool {
    Tool::of_shape(shape, Length::mm(10.0))
}

/// A cutter of each kind of underside, D10, with its name.
pub fn shapes() -> [(&'static str, CutterShape); 4] {
    [
        ("flat", CutterShape::Flat),
        ("ball", CutterShape::Ball),
        ("bull", CutterShape::BullNose { corner_radius: Length::mm(2.0) }),
        ("cone", CutterShape::Cone { point_angle: Angle::rad(std::f64::consts::FRAC_PI_2) }),
    ]
}

/// A box of 20 mm with its top at Z0 and a corner at the origin.
pub fn block(edge_mm: f64) -> StockShape {
    StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -20.0), max: Point::new(edge_mm, edge_mm, 0.0) })
}

/// That box as a height map.
///
/// # Panics
/// Where the box does not fit into 4 GiB.
pub fn stock(edge_mm: f64, cell_mm: f64) -> HeightMap {
    HeightMap::new(&block(edge_mm), MapOptions { cell_mm, memory_max_bytes: 4 << 30 }).expect("a plain box").0
}

/// Rows of moves over a square of `edge_mm`, and the steps between rows.
pub fn zigzag(edge_mm: f64, sloped: bool) -> Vec<Geometry> {
    let z = |x: f64, y: f64| if sloped { -2.0 - (0.1 * x).sin() * (0.1 * y).cos() } else { -2.0 };
    let edge = edge_mm as i32;
    let points = (0..=edge).flat_map(|row| {
        (0..=edge).map(move |column| {
            let (x, y) = (f64::from(if row % 2 == 0 { column } else { edge - column }), f64::from(row));
            Point::new(x, y, z(x, y))
        })
    });
    let points: Vec<Point> = points.collect();
    points.windows(2).map(|pair| Geometry::Line { start: pair[0], end: pair[1] }).collect()
}

/// The moves as segments of one feed.
pub fn segments(moves: &[Geometry], feed: Feedrate) -> Vec<Segment> {
    let mut at = Station::START;
    let segment = |geometry: &Geometry| {
        let length = Length::mm((geometry.end() - geometry.start()).norm());
        let start = at;
        at = at.advanced(length);
        Segment {
            kind: SegmentKind::Feed,
            geometry: *geometry,
            start,
            end: at,
            length,
            feed,
            spindle: None,
            tool: Some(ToolNumber(1)),
            at: Provenance::default(),
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: shared::motion::CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    };
    moves.iter().map(segment).collect()
}
