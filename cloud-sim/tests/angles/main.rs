//! Engagement angles within 2° of the closed form: slots, sides and inside corners, with and against the feed, in directions
//! that no grid favours and at places between its cells, on the height map and on the tri-dexel alike.
//!
//! A frame (ahead, beside) is laid into the block at an angle; what was cut before is cut by passes in that frame, then the
//! cutter runs up to the pose, and the step whose middle is the pose is looked at, as it comes out of
//! [`Workpiece::cut_segment`]: what loads are made of.
#![allow(clippy::disallowed_methods)] // Closed forms are told by the platform's functions, not by ours.
#![allow(clippy::print_stdout)] // The greatest differences are part of the result.

use cloud_sim::executor::Serial;
use cloud_sim::stock::{HeightMap, MapOptions, StockShape, TriDexel};
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, ToolMotion, Workpiece};
use shared::cutting::Engagement;
use shared::geom::{Aabb, Point, Vector};
use shared::ident::ToolNumber;
use shared::motion::{CornerRule, Geometry, Segment, SegmentKind, Station};
use shared::program::Provenance;
use shared::tool::{CutterShape, Tool};
use shared::units::{Feedrate, Length, RotaryVelocity, Seconds};

/// Greatest error of an angle at which contact begins or ends.
const WITHIN_DEG: f64 = 2.0;
const RADIUS_MM: f64 = 5.0;
const DEPTH_MM: f64 = 3.0;
const CELL_MM: f64 = 0.1;
/// Directions of feed: along the grid, across it, and askew.
const HEADINGS_DEG: [f64; 6] = [0.0, 17.0, 45.0, 73.0, 90.0, 217.0];
/// Where the frame lies between the cells.
const PLACES: [(f64, f64); 3] = [(0.0, 0.0), (0.037, 0.061), (0.05, 0.013)];

fn flat(diameter_mm: f64) -> Tool {
    Tool { flute_length: Length::mm(20.0), ..Tool::of_shape(CutterShape::Flat, Length::mm(diameter_mm)) }
}

/// A place to cut in: origin in the middle of a block of 50 × 50 × 6 mm.
#[derive(Clone, Copy)]
struct Frame {
    origin: Point,
    ahead: Vector,
}

impl Frame {
    fn new(heading_deg: f64, (x, y): (f64, f64)) -> Self {
        let (sin, cos) = heading_deg.to_radians().sin_cos();
        Self { origin: Point::new(25.0 + x, 25.0 + y, -DEPTH_MM), ahead: Vector::new(cos, sin, 0.0) }
    }

    fn at(&self, ahead_mm: f64, beside_mm: f64) -> Point {
        self.origin + self.ahead * ahead_mm + Vector::z().cross(&self.ahead) * beside_mm
    }

    fn line(&self, from: (f64, f64), to: (f64, f64)) -> Geometry {
        Geometry::Line { start: self.at(from.0, from.1), end: self.at(to.0, to.1) }
    }
}

fn block() -> StockShape {
    StockShape::Box(Aabb { min: Point::new(0.0, 0.0, -6.0), max: Point::new(50.0, 50.0, 0.0) })
}

fn options() -> MapOptions {
    MapOptions { cell_mm: CELL_MM, memory_max_bytes: 1 << 30 }
}

fn segment(geometry: Geometry, mirrored: bool) -> Segment {
    let length = Length::mm((geometry.end() - geometry.start()).norm());
    let speed = if mirrored { -100.0 } else { 100.0 };
    Segment {
        kind: SegmentKind::Feed,
        geometry,
        start: Station::START,
        end: Station::START.advanced(length),
        length,
        feed: Feedrate::mm_s(10.0),
        spindle: Some(RotaryVelocity::rev_s(speed)),
        tool: Some(ToolNumber(1)),
        at: Provenance { line: 1, ..Provenance::default() },
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: false,
        corner: CornerRule::Machine,
        turn_rad: [0.0; 3],
    }
}

/// What is cut before: tool, from, to in (ahead, beside).
type Passes<'a> = &'a [(&'a Cutter, (f64, f64), (f64, f64))];

/// The engagement of a D10 flat mill with its axis at the origin of the frame, in the middle of a step.
fn engaged<W: Workpiece>(mut part: W, frame: &Frame, passes: Passes<'_>, step_mm: f64, mirrored: bool) -> Engagement {
    let cutter = Cutter::new(&flat(2.0 * RADIUS_MM));
    for (cutter, from, to) in passes {
        part.cut(cutter, &ToolMotion::upright(frame.line(*from, *to)), &Serial);
    }
    part.cut(&cutter, &ToolMotion::upright(frame.line((-12.0, 0.0), (-0.5 * step_mm, 0.0))), &Serial);
    let geometry = frame.line((-0.5 * step_mm, 0.0), (0.5 * step_mm, 0.0));
    let options = SweepOptions { step_mm, last_mm: 0.0, beyond_mm: 1.0, contact_mm: 0.0, begins: Begins::Anew };
    let mut cut = SegmentCut::default();
    let segment = segment(geometry, mirrored);
    part.cut_segment(&cutter, (0, &segment), &ToolMotion::upright(geometry), &options, &Serial, &mut cut);
    assert_eq!(cut.steps.len(), 1, "one step");
    cut.steps.remove(0).engagement
}

/// Greatest errors found, to be printed.
#[derive(Default)]
struct Worst(f64, String);

impl Worst {
    fn see(&mut self, name: &str, engagement: &Engagement, (entry_deg, exit_deg): (f64, f64)) {
        let (entry, exit) = engagement.immersion_rad().expect("in material");
        let (entry, exit) = (entry.to_degrees(), exit.to_degrees());
        let error = (entry - entry_deg).abs().max((exit - exit_deg).abs());
        if error > self.0 {
            *self = Self(error, format!("{name}: {entry:.2} to {exit:.2}, expected {entry_deg:.2} to {exit_deg:.2}"));
        }
    }

    fn check(&self, what: &str) {
        println!("{what}: at most {:.2}° off ({})", self.0, self.1);
        assert!(self.0 <= WITHIN_DEG, "{what}: {:.2}° off: {}", self.0, self.1);
    }
}

fn over_all(what: &str, part: impl Fn(&Frame, &str, &mut Worst)) {
    let mut worst = Worst::default();
    for heading_deg in HEADINGS_DEG {
        for place in PLACES {
            part(&Frame::new(heading_deg, place), &format!("{heading_deg}° at {place:?}"), &mut worst);
        }
    }
    worst.check(what);
}

/// A groove beside leaves `a_e` on the other side, to the left where the groove is to the right.
fn sides<W: Workpiece>(what: &str, part: impl Fn() -> W) {
    let cutter = Cutter::new(&flat(2.0 * RADIUS_MM));
    over_all(what, |frame, name, worst| {
        for a_e_mm in [0.5, 1.0, 2.5, 5.0, 7.5] {
            let angle = (1.0 - a_e_mm / RADIUS_MM).acos().to_degrees();
            for (left, mirrored) in [(true, false), (false, false), (true, true)] {
                let beside = if left { -a_e_mm } else { a_e_mm };
                let passes = [(&cutter, (-12.0, beside), (12.0, beside))];
                for step_mm in [0.25, 1.0] {
                    let found = engaged(part(), frame, &passes, step_mm, mirrored);
                    let expected = if left != mirrored { (0.0, angle) } else { (180.0 - angle, 180.0) };
                    worst.see(
                        &format!("{name}, a_e {a_e_mm}, left {left}, M4 {mirrored}, step {step_mm}"),
                        &found,
                        expected,
                    );
                }
            }
        }
    });
}

fn slots<W: Workpiece>(what: &str, part: impl Fn() -> W) {
    over_all(what, |frame, name, worst| {
        for mirrored in [false, true] {
            worst.see(name, &engaged(part(), frame, &[], 1.0, mirrored), (0.0, 180.0));
        }
    });
}

/// A pocket with sharp walls `a_e` inside the cutter on its left and in front of it: 90° more than along a wall.
fn corners<W: Workpiece>(what: &str, part: impl Fn() -> W) {
    let small = Cutter::new(&flat(1.0));
    over_all(what, |frame, name, worst| {
        for a_e_mm in [1.0, 2.0] {
            let wall_mm = RADIUS_MM - a_e_mm;
            let rows: Vec<_> = (0..48)
                .map(|row| wall_mm - 0.5 - 0.25 * f64::from(row))
                .map(|beside| (&small, (-12.0, beside), (wall_mm - 0.5, beside)))
                .collect();
            let angle = 90.0 + (1.0 - a_e_mm / RADIUS_MM).acos().to_degrees();
            for (step_mm, mirrored) in [(0.25, false), (1.0, false), (1.0, true)] {
                let found = engaged(part(), frame, &rows, step_mm, mirrored);
                let expected = if mirrored { (180.0 - angle, 180.0) } else { (0.0, angle) };
                worst.see(&format!("{name}, a_e {a_e_mm}, step {step_mm}, M4 {mirrored}"), &found, expected);
            }
        }
    });
}

fn heights() -> impl Fn() -> HeightMap {
    let map = HeightMap::new(&block(), options()).expect("a plain box").0;
    move || map.fork()
}

fn rays() -> impl Fn() -> TriDexel {
    let part = TriDexel::new(&block(), options()).expect("a plain box").0;
    move || part.fork()
}

#[test]
fn sides_on_the_height_map() {
    sides("sides, height map", heights());
}

#[test]
fn sides_on_the_tri_dexel() {
    sides("sides, tri-dexel", rays());
}

#[test]
fn slots_on_the_height_map() {
    slots("slots, height map", heights());
}

#[test]
fn slots_on_the_tri_dexel() {
    slots("slots, tri-dexel", rays());
}

#[test]
fn corners_on_the_height_map() {
    corners("corners, height map", heights());
}

#[test]
fn corners_on_the_tri_dexel() {
    corners("corners, tri-dexel", rays());
}
