//! Tools, stocks and segments for the tests.

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::stock::{HeightMap, MapOptions, StockShape};
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, cut_segment};
use shared::geom::{Aabb, Point, Vector};
use shared::ident::ToolNumber;
use shared::motion::{Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, GeneralCutter, HolderSection, Tool};
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
        ..Tool::of_shape(shape, Length::mm(diameter_mm))
    }
}

pub(crate) fn cone(point_deg: f64) -> CutterShape {
    CutterShape::Cone { point_angle: Angle::rad(point_deg.to_radians()) }
}

/// Cone, corner, cone: α, E, R, β.
pub(crate) fn general(bottom_deg: f64, offset_mm: f64, corner_mm: f64, taper_deg: f64) -> CutterShape {
    CutterShape::General(GeneralCutter {
        bottom: Angle::rad(bottom_deg.to_radians()),
        corner_offset: Length::mm(offset_mm),
        corner_radius: Length::mm(corner_mm),
        taper: Angle::rad(taper_deg.to_radians()),
    })
}

pub(crate) fn bull(corner_mm: f64) -> CutterShape {
    CutterShape::BullNose { corner_radius: Length::mm(corner_mm) }
}

/// A box with its top at Z0 and a corner at the origin.
pub(crate) fn block(x_mm: f64, y_mm: f64, z_mm: f64, cell_mm: f64) -> HeightMap {
    let shape = StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -z_mm), max: Point::new(x_mm, y_mm, 0.0) });
    HeightMap::new(&shape, MapOptions { cell_mm, memory_max_bytes: 1 << 30 }).expect("a plain box").0
}

pub(crate) fn point(x: f64, y: f64, z: f64) -> Point {
    Point::new(x, y, z)
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

pub(crate) fn length_mm(geometry: &Geometry) -> f64 {
    match geometry {
        Geometry::Line { start, end } => (end - start).norm(),
        Geometry::Arc { start, end, centre, normal, sweep_rad } => {
            let arm = start - centre;
            let flat = arm - normal * arm.dot(normal);
            let rise = (end - start).dot(normal);
            (flat.norm() * sweep_rad).hypot(rise)
        }
        Geometry::Still { .. } => 0.0,
    }
}

pub(crate) fn segment(geometry: Geometry) -> Segment {
    let length = Length::mm(length_mm(&geometry));
    Segment {
        kind: SegmentKind::Feed,
        geometry,
        start: Station::START,
        end: Station::from_mm(length.as_mm()),
        length,
        feed: Feedrate::mm_s(10.0),
        spindle: Some(RotaryVelocity::rev_s(100.0)),
        tool: Some(ToolNumber(1)),
        at: Provenance { line: 7, ..Provenance::default() },
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: false,
        corner: shared::motion::CornerRule::Machine,
        turn_rad: [0.0; 3],
    }
}

pub(crate) fn cut_as(
    map: &mut HeightMap,
    tool: &Tool,
    segment: &Segment,
    step_mm: f64,
    executor: &dyn Executor,
) -> SegmentCut {
    let mut out = SegmentCut::default();
    cut_segment(
        map,
        &Cutter::new(tool),
        3,
        segment,
        &SweepOptions { step_mm, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew },
        executor,
        &mut out,
    );
    out
}

pub(crate) fn cut(map: &mut HeightMap, tool: &Tool, geometry: Geometry, step_mm: f64) -> SegmentCut {
    cut_as(map, tool, &segment(geometry), step_mm, &Serial)
}

pub(crate) fn assert_close(what: &str, found: f64, expected: f64, tolerance_ratio: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-12);
    assert!(error <= tolerance_ratio, "{what}: found {found}, expected {expected}, off by {:.3} %", error * 100.0);
}

/// Threads of the test, handed out by stride.
pub(crate) struct Threads(pub(crate) usize);

impl Executor for Threads {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for first in 0..self.0 {
                scope.spawn(move || (first..count).step_by(self.0).for_each(job));
            }
        });
    }

    fn width(&self) -> usize {
        self.0
    }
}
