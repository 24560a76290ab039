//! Bodies, tools and moves for the tests.

use std::collections::BTreeMap;

use cloud_sim::collision::{Continuity, Fixture, FixtureSolid, Fixtures, SegmentClearance, ToolBody, check_segments};
use cloud_sim::executor::{Executor, Serial};
use cloud_sim::mesh::{Mesh, MeshLimits, read_mesh};
use shared::geom::{Point, Vector};
use shared::ident::ToolNumber;
use shared::machine::{LengthUnit, NoseSection};
use shared::motion::{CornerRule, Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, HolderSection, Tool};
use shared::units::{Feedrate, Length, Seconds};

/// Gap that the fixtures of the tests ask for, mm.
pub(crate) const CLEARANCE_MM: f64 = 1.0;

/// A tool whose every part is a cylinder, a ball's end apart: cutter D10, shank D8, holder D30, and below a spindle D60.
pub(crate) fn tool(shape: CutterShape) -> Tool {
    let holder =
        HolderSection { diameter_low: Length::mm(30.0), diameter_high: Length::mm(30.0), length: Length::mm(25.0) };
    Tool {
        flute_length: Length::mm(20.0),
        shank_diameter: Length::mm(8.0),
        stickout: Length::mm(35.0),
        holder: vec![holder],
        ..Tool::of_shape(shape, Length::mm(10.0))
    }
}

pub(crate) fn nose() -> [NoseSection; 1] {
    [NoseSection { diameter_low: Length::mm(60.0), diameter_high: Length::mm(60.0), length: Length::mm(40.0) }]
}

pub(crate) fn bodies(shape: CutterShape) -> BTreeMap<ToolNumber, ToolBody> {
    [(ToolNumber(1), ToolBody::new(&tool(shape), &nose()))].into()
}

/// A closed body with bumps, about 40 mm across and `flat` times as high, of 2·m·(n − 1) triangles, read from a binary STL.
pub(crate) fn bumpy(n: usize, m: usize, flat: f64) -> Mesh {
    use std::f64::consts::{PI, TAU};
    let point = |ring: usize, side: usize| {
        let (theta, phi) = (PI * ring as f64 / n as f64, TAU * (side % m) as f64 / m as f64);
        let radius = 20.0 + 3.0 * (5.0 * theta).sin() * (4.0 * phi).sin() * theta.sin();
        // The poles are one corner each.
        let level = if ring == 0 || ring == n { 0.0 } else { radius * theta.sin() };
        let at = [level * phi.cos(), level * phi.sin(), flat * radius * theta.cos()];
        at.map(|value| value as f32)
    };
    let mut triangles: Vec<[[f32; 3]; 3]> = Vec::new();
    for ring in 0..n {
        for side in 0..m {
            let (a, b) = (point(ring, side), point(ring, side + 1));
            let (c, d) = (point(ring + 1, side), point(ring + 1, side + 1));
            if ring > 0 {
                triangles.push([a, c, b]);
            }
            if ring + 1 < n {
                triangles.push([b, c, d]);
            }
        }
    }
    read_mesh(&stl(&triangles), Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).expect("our own file")
}

/// A binary STL.
pub(crate) fn stl(triangles: &[[[f32; 3]; 3]]) -> Vec<u8> {
    let mut bytes = vec![0u8; 80];
    bytes.extend((triangles.len() as u32).to_le_bytes());
    for triangle in triangles {
        bytes.extend([0u8; 12]);
        bytes.extend(triangle.iter().flatten().flat_map(|value| value.to_le_bytes()));
        bytes.extend([0u8; 2]);
    }
    bytes
}

pub(crate) fn fixtures(solid: FixtureSolid) -> Fixtures {
    Fixtures::new(vec![Fixture::new("clamp".to_owned(), CLEARANCE_MM, &solid)])
}

pub(crate) fn line(start: Point, end: Point) -> Geometry {
    Geometry::Line { start, end }
}

/// An arc or helix about Z.
pub(crate) fn arc(start: Point, centre: (f64, f64), sweep_rad: f64, rise_mm: f64) -> Geometry {
    let arm = start - Point::new(centre.0, centre.1, start.z);
    let (sin, cos) = sweep_rad.sin_cos();
    let end = Point::new(centre.0 + arm.x * cos - arm.y * sin, centre.1 + arm.x * sin + arm.y * cos, start.z + rise_mm);
    Geometry::Arc { start, end, centre: Point::new(centre.0, centre.1, start.z), normal: Vector::z(), sweep_rad }
}

/// A move with ten millimetres of station.
pub(crate) fn segment(geometry: Geometry, number: u32) -> Segment {
    let start = Station::from_mm(10.0 * f64::from(number));
    Segment {
        kind: SegmentKind::Feed,
        geometry,
        start,
        end: start.advanced(Length::mm(10.0)),
        length: Length::mm(10.0),
        feed: Feedrate::mm_s(10.0),
        spindle: None,
        tool: Some(ToolNumber(1)),
        at: Provenance { line: number + 1, ..Provenance::default() },
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: false,
        corner: CornerRule::Machine,
        turn_rad: [0.0; 3],
    }
}

/// Each move by itself, as if the tool had come there by a jump.
pub(crate) fn check_apart(fixtures: &Fixtures, shape: CutterShape, moves: &[Geometry]) -> Vec<SegmentClearance> {
    let bodies = bodies(shape);
    let check = |(number, geometry): (usize, &Geometry)| {
        let segments = [segment(*geometry, number as u32)];
        let mut state = Continuity::default();
        check_segments((fixtures, &bodies), (&segments, number as u32), &mut state, &Serial).remove(0)
    };
    moves.iter().enumerate().map(check).collect()
}

/// A path, on an executor.
pub(crate) fn check_path(
    fixtures: &Fixtures,
    shape: CutterShape,
    segments: &[Segment],
    executor: &dyn Executor,
) -> Vec<SegmentClearance> {
    check_segments((fixtures, &bodies(shape)), (segments, 0), &mut Continuity::default(), executor)
}

/// True in CI, where nothing may be skipped.
pub(crate) fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
