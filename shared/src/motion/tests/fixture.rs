//! Machines, operations and paths for the tests of this room.

use crate::det::Rng;
use crate::geom::{Point, Vector};
use crate::ident::ToolNumber;
use crate::machine::{Axis, Machine};
use crate::motion::{CompileOptions, CornerRule, Geometry, Path, Segment, SegmentKind, Station, StillKind, compile};
use crate::program::{Call, CanonOp, Diagnostic, Modal, Plane, Pose, Provenance, SpindleState};
use crate::units::{Acceleration, Feedrate, Length, RotaryVelocity, Seconds};

/// Three equal axes, no corner deviation, nothing that waits takes no time.
pub(super) fn machine(speed_mm_s: f64, acceleration_mm_s2: f64) -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(speed_mm_s),
        rapid: Feedrate::mm_s(speed_mm_s),
        acceleration: Acceleration::mm_s2(acceleration_mm_s2),
        rapid_acceleration: Acceleration::mm_s2(acceleration_mm_s2),
        jerk: None,
    };
    let plain = Machine::of_equal_axes(axis);
    Machine { corner_deviation: Length::ZERO, tool_change: Seconds::s(6.0), m_code: Seconds::s(0.5), ..plain }
}

/// Writes operations as an interpreter would, line by line.
pub(super) struct Script {
    pub(super) ops: Vec<CanonOp>,
    pub(super) modal: Modal,
}

impl Script {
    pub(super) fn new(feed_mm_s: f64) -> Self {
        let modal = Modal { feed: Some(Feedrate::mm_s(feed_mm_s)), ..Modal::default() };
        Self { ops: Vec::new(), modal }
    }

    pub(super) fn call(&mut self, call: Call) -> &mut Self {
        let at = Provenance { line: self.ops.len() as u32 + 1, ..Provenance::default() };
        self.ops.push(CanonOp { call, at, modal: self.modal });
        self
    }

    pub(super) fn feed(&mut self, x: f64, y: f64, z: f64) -> &mut Self {
        self.call(Call::StraightFeed { end: pose(x, y, z) })
    }

    pub(super) fn rapid(&mut self, x: f64, y: f64, z: f64) -> &mut Self {
        self.call(Call::StraightTraverse { end: pose(x, y, z) })
    }

    pub(super) fn arc(&mut self, end: [f64; 3], plane: Plane, centre: [f64; 3], turns: i32) -> &mut Self {
        let [first, second, _] = plane.axes();
        self.call(Call::ArcFeed {
            end: pose(end[0], end[1], end[2]),
            plane,
            centre_mm: [centre[first], centre[second]],
            centre_machine_mm: centre,
            turns,
        })
    }

    pub(super) fn spindle(&mut self, speed_rev_s: f64, direction: i8) -> &mut Self {
        let speed = RotaryVelocity::rev_s(speed_rev_s);
        self.modal.spindle.speed = Some(speed);
        self.call(Call::SetSpindleSpeed { speed });
        self.modal.spindle = SpindleState { speed: Some(speed), direction };
        self.call(Call::SetSpindleDirection { direction })
    }

    pub(super) fn change_tool(&mut self, tool: u32) -> &mut Self {
        let tool = ToolNumber(tool);
        self.modal.tool = Some(tool);
        self.call(Call::ChangeTool { tool })
    }

    pub(super) fn compile(&self, machine: &Machine) -> (Option<Path>, Vec<Diagnostic>) {
        compile(&self.ops, &CompileOptions { machine, work_origin_mm: [0.0; 3] })
    }

    pub(super) fn path(&self, machine: &Machine) -> Path {
        let (path, diagnostics) = self.compile(machine);
        assert_eq!(diagnostics, Vec::new());
        path.expect("the script moves")
    }
}

pub(super) fn pose(x: f64, y: f64, z: f64) -> Pose {
    Pose { program_mm: [x, y, z], machine_mm: [x, y, z], rotary_rad: [0.0; 3] }
}

/// A random part program: lines and arcs of mixed length at mixed feeds, a few rapids and waits.
pub(super) fn random_script(rng: &mut Rng, moves: usize) -> Script {
    let mut script = Script::new(rng.between(5.0, 120.0));
    let mut at = [0.0f64; 3];
    for _ in 0..moves {
        if rng.chance(0.3) {
            script.modal.feed = Some(Feedrate::mm_s(rng.between(5.0, 120.0)));
        }
        let scale = [0.05, 1.0, 30.0][rng.below(3) as usize];
        let mut end = at.map(|from| from + rng.between(-scale, scale));
        match rng.below(12) {
            0 => script.rapid(end[0], end[1], end[2]),
            1 => script.call(Call::Dwell { time: Seconds::s(rng.between(0.0, 0.4)) }),
            2..=4 => {
                let plane = [Plane::Xy, Plane::Zx, Plane::Yz][rng.below(3) as usize];
                let [first, second, _] = plane.axes();
                let (chord, way) = ([end[first] - at[first], end[second] - at[second]], rng.between(-1.0, 1.0));
                let mut centre = at;
                centre[first] += chord[0] / 2.0 - chord[1] * way;
                centre[second] += chord[1] / 2.0 + chord[0] * way;
                script.arc(end, plane, centre, [-2, -1, 1, 2][rng.below(4) as usize])
            }
            _ => script.feed(end[0], end[1], end[2]),
        };
        if matches!(script.ops.last().map(|op| &op.call), Some(Call::Dwell { .. })) {
            end = at;
        }
        at = end;
    }
    script
}

/// A winding path of short lines at changing feeds, with a wait now and then.
pub(super) fn winding(rng: &mut Rng, count: usize, turn_rad: f64) -> Path {
    let (mut at, mut heading, mut station) = (Point::origin(), 0.0f64, 0u64);
    let segment = |index: usize| {
        heading += rng.between(-turn_rad, turn_rad);
        let length_mm = rng.between(0.01, 0.3);
        let waits = index % 5000 == 4999;
        let end = at + Vector::new(heading.cos(), heading.sin(), 0.0) * length_mm;
        let span_nm = if waits { 100_000 } else { (length_mm * 1e6).round() as u64 };
        let segment = Segment {
            kind: if waits { SegmentKind::Still(StillKind::Dwell) } else { SegmentKind::Feed },
            geometry: if waits { Geometry::Still { at } } else { Geometry::Line { start: at, end } },
            start: Station::from_nm(station),
            end: Station::from_nm(station + span_nm),
            length: Length::mm(if waits { 0.0 } else { length_mm }),
            feed: Feedrate::mm_s(if waits { 0.0 } else { 40.0 + 30.0 * (index as f64 * 1e-3).sin() }),
            spindle: None,
            tool: None,
            at: Provenance { line: index as u32, ..Provenance::default() },
            forced: None,
            still: Seconds::s(if waits { 0.1 } else { 0.0 }),
            stop_at_end: waits,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        };
        station += span_nm;
        if !waits {
            at = end;
        }
        segment
    };
    Path::new((0..count).map(segment).collect()).expect("contiguous")
}
