//! Tools, stocks and moves for the tests.

use cloud_sim::executor::Serial;
use cloud_sim::stock::{HeightMap, MapOptions, StockShape, TriDexel};
use cloud_sim::sweep::body::{PartKind, RevolvedTool};
use cloud_sim::sweep::{Cutter, Taken, TiltedPiece, ToolMotion, Workpiece, cut_pieces};
use shared::det::Rng;
use shared::geom::{Aabb, Point, Vector};
use shared::ident::ToolNumber;
use shared::motion::{CornerRule, Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, HolderSection, Tool};
use shared::units::{Angle, Feedrate, Length, RotaryVelocity, Seconds};

pub(crate) fn tool(shape: CutterShape, diameter_mm: f64) -> Tool {
    let section = |low, high, length| HolderSection {
        diameter_low: Length::mm(low),
        diameter_high: Length::mm(high),
        length: Length::mm(length),
    };
    Tool {
        flute_length: Length::mm(30.0),
        stickout: Length::mm(50.0),
        holder: vec![section(30.0, 40.0, 20.0)],
        length_offset: Length::mm(100.0),
        ..Tool::of_shape(shape, Length::mm(diameter_mm))
    }
}

pub(crate) fn cutter(shape: CutterShape, diameter_mm: f64) -> Cutter {
    Cutter::new(&tool(shape, diameter_mm))
}

pub(crate) fn cone(point_deg: f64) -> CutterShape {
    CutterShape::Cone { point_angle: Angle::rad(point_deg.to_radians()) }
}

pub(crate) fn bull(corner_mm: f64) -> CutterShape {
    CutterShape::BullNose { corner_radius: Length::mm(corner_mm) }
}

pub(crate) fn shape(x_mm: f64, y_mm: f64, z_mm: f64) -> StockShape {
    StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -z_mm), max: Point::new(x_mm, y_mm, 0.0) })
}

pub(crate) fn options(cell_mm: f64) -> MapOptions {
    MapOptions { cell_mm, memory_max_bytes: 1 << 30 }
}

/// A box with its top at Z0 and a corner at the origin.
pub(crate) fn block(x_mm: f64, y_mm: f64, z_mm: f64, cell_mm: f64) -> TriDexel {
    TriDexel::new(&shape(x_mm, y_mm, z_mm), options(cell_mm)).expect("a plain box").0
}

pub(crate) fn heights(x_mm: f64, y_mm: f64, z_mm: f64, cell_mm: f64) -> HeightMap {
    HeightMap::new(&shape(x_mm, y_mm, z_mm), options(cell_mm)).expect("a plain box").0
}

pub(crate) fn point(x: f64, y: f64, z: f64) -> Point {
    Point::new(x, y, z)
}

pub(crate) fn line(start: Point, end: Point) -> ToolMotion<'static> {
    ToolMotion::upright(Geometry::Line { start, end })
}

/// Cuts an upright line; the removed volume.
pub(crate) fn cut<W: Workpiece>(part: &mut W, cutter: &Cutter, start: Point, end: Point) -> f64 {
    part.cut(cutter, &line(start, end), &Serial)
}

/// Cuts a line with a tool that leans.
pub(crate) fn cut_tilted(
    part: &mut TriDexel,
    tool: &RevolvedTool,
    (start, end): (Point, Point),
    axis: Vector,
) -> Taken {
    let parts: Vec<_> = tool.of_kind(PartKind::Cutting).collect();
    cut_pieces(part, &parts, &[TiltedPiece { start, end, axis: axis.normalize() }], &Serial)
}

pub(crate) fn segment(kind: SegmentKind, geometry: Geometry) -> Segment {
    let length = match geometry {
        Geometry::Line { start, end } => Length::mm((end - start).norm()),
        Geometry::Arc { start, centre, sweep_rad, .. } => Length::mm((start - centre).norm() * sweep_rad.abs()),
        Geometry::Still { .. } => Length::ZERO,
    };
    let span = if length > Length::ZERO { length } else { Length::mm(90.0) };
    Segment {
        kind,
        geometry,
        start: Station::START,
        end: Station::START.advanced(span),
        length,
        feed: Feedrate::mm_s(20.0),
        spindle: Some(RotaryVelocity::rev_s(100.0)),
        tool: Some(ToolNumber(1)),
        at: Provenance { line: 7, ..Provenance::default() },
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: false,
        corner: CornerRule::Machine,
        turn_rad: [0.0; 3],
    }
}

/// A rotation drawn at random: its three columns.
pub(crate) fn rotation(rng: &mut Rng) -> [Vector; 3] {
    let mut draw = || Vector::new(rng.normal(), rng.normal(), rng.normal());
    let x = draw().normalize();
    let y = draw();
    let y = (y - x * y.dot(&x)).normalize();
    [x, y, x.cross(&y)]
}

/// Fails unless two numbers agree within a share of the expected one.
pub(crate) fn near(found: f64, expected: f64, share: f64, what: &str) {
    let off = (found / expected - 1.0).abs();
    let (percent, permitted) = (off * 1e2, share * 1e2);
    assert!(off <= share, "{what}: found {found}, expected {expected}, {percent:.3} % off, {permitted:.3} % permitted");
}
