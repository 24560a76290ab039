//! Canonical operations to segments over station.
//!
//! Operations speak of machine axes, the cut speaks of the tip of the tool. A segment is therefore the path
//! of the tip in the work frame: machine coordinates minus the tool length in force minus the origin of the
//! job's first work offset. When the tool length changes, the axes stand still and the tip does not: the next
//! segment begins at the new tip, and that one border of the chain is not contiguous in space.
//!
//! Where the axes stand before the first move, the program does not say. They are taken to stand at the
//! machine's reference position (where G28 goes), each until it first moves.
//!
//! What does not move has a length too, so that the station never stands still while the program advances:
//! [`STILL_MM_PER_S`] of nominal time, at least [`STILL_MM_MIN`]. A move of rotary axes alone counts
//! [`TURN_MM_PER_RAD`], one millimetre for a degree, and its F word is degrees a minute. A move shorter than a
//! nanometre is dropped and counts nothing; its way is not lost, the next move begins where the last one kept ended.
//!
//! | operation | segments |
//! | --- | --- |
//! | straight traverse | one rapid line, or as many as there are axes for a dog-leg |
//! | straight feed, arc feed | one feed line or arc; where only rotary axes turn, one whose tip stands still |
//! | dwell | still for its time, also for zero: a dwell stops the axes |
//! | change tool | still for the machine's tool change, the spindle stands afterwards; nothing where the tool is in the spindle already |
//! | spindle direction | still while the spindle changes speed, down to rest and up again where it reverses |
//! | spindle speed | still while a turning spindle changes speed, before the next thing that waits for it |
//! | coolant | M code time; a spindle that is not waited for at once spins up meanwhile ([`SpindleStart`]) |
//! | start and end of the program | the control's own delays, where it has any |
//! | stop | M code time, then a stop of no time that waits for a person |
//! | select tool, end | none |
//!
//! Where the spindle changes speed while the axes move ([`crate::machine::Control::spindle_wait`]) only what the
//! moves leave of its time is a segment: ahead of the next block that moves after a start, and ahead of a stop,
//! a tool change or the end. The moves' times are those from rest to rest.
//!
//! Diagnostics: `motion::feed-missing` (a feed move before any F word, or at no usable feed),
//! `motion::arc-radius` (start and end at different distances from the centre), `motion::not-finite` (a
//! coordinate or time that is no number), `motion::rotary` (rotary axes turn: where the machine states no kinematics the frame of the work does
//! not, and where it states no limits their time is not known),
//! `motion::empty` and `motion::too-many` (no path), `motion::more`.

use std::borrow::Borrow;
use std::f64::consts::TAU;

use super::blend::blend;
use super::diagnosis::Findings;
use super::limits::Drives;
use super::{CornerRule, Geometry, Path, PathError, Segment, SegmentKind, Station, StillKind};
use crate::det::{ExactSum, math};
use crate::geom::{Point, Vector};
use crate::ident::ToolNumber;
use crate::machine::{Machine, RapidEnd, RapidMode, SpindleStart};
use crate::program::{Call, CanonOp, Diagnostic, Modal, PathMode, Plane, Pose, Provenance, Severity};
use crate::units::{Feedrate, Length, RotaryVelocity, Seconds};

/// Equivalent length of a second in which nothing moves. One millimetre keeps a long wait short beside a
/// long path, and still gives a plan 10⁶ places within a second.
pub const STILL_MM_PER_S: f64 = 1.0;

/// Least equivalent length of a stretch without movement, mm: a thousand of the station's grains, so that a
/// place before, within and behind even the shortest one can be told apart.
pub const STILL_MM_MIN: f64 = 1e-3;

/// Equivalent length of a radian that rotary axes turn while the tip stands: a millimetre for a degree, so that the
/// F word of such a move, in degrees, is its speed over station.
pub const TURN_MM_PER_RAD: f64 = 180.0 / std::f64::consts::PI;

/// Shortest move that is kept, mm: below the station's grain it has no station of its own.
const MOVE_MM_MIN: f64 = 1e-6;

/// Chord below which an arc ends where it began and therefore is a full circle, mm.
const CLOSED_MM: f64 = 1e-6;

/// Greatest difference of the radii at both ends of an arc: absolute in mm, and as a share of the radius.
/// Either may be reached, as LinuxCNC's interpreter has it for centres given with few decimals.
const RADIUS_DIFFERENCE_MM: f64 = 0.0127;
const RADIUS_DIFFERENCE_SHARE: f64 = 1e-3;

/// What compiling rests on besides the operations.
#[derive(Clone, Copy, Debug)]
pub struct CompileOptions<'a> {
    /// Axis limits, times, reference position.
    pub machine: &'a Machine,
    /// Origin of the first work offset the job uses, machine coordinates, mm.
    pub work_origin_mm: [f64; 3],
}

/// Compiles operations, in order, to a path. Takes a slice of operations or an iterator over them.
///
/// Diagnostics stand beside the result: with an error among them the path is what could be understood, for
/// display only. `None` where nothing moves or waits, and where there are too many segments. O(n).
pub fn compile<O: Borrow<CanonOp>>(
    ops: impl IntoIterator<Item = O>,
    options: &CompileOptions<'_>,
) -> (Option<Path>, Vec<Diagnostic>) {
    let mut compiler = Compiler::new(options);
    for op in ops {
        compiler.operation(op.borrow());
        if compiler.segments.len() > Path::SEGMENTS_MAX {
            break;
        }
    }
    compiler.finish()
}

/// Cycles that a control which blends corners loses at a spindle command: one until it sees that the moves have ended,
/// one until the next of them is taken up. Measured on LinuxCNC.
const HANDOVER_CYCLES: f64 = 2.0;

struct Compiler<'a> {
    machine: &'a Machine,
    drives: Drives,
    origin_mm: Vector,
    segments: Vec<Segment>,
    /// Length of everything so far; stations are its rounded values, so rounding does not add up.
    length_mm: ExactSum,
    /// Where the axes stand, machine coordinates.
    axes_mm: Point,
    rotary_rad: [f64; 3],
    /// Speed at which the spindle turns in fact, signed.
    turning: RotaryVelocity,
    /// Set by an S word until something waits for the spindle.
    awaits_spindle: Option<Provenance>,
    /// Time that has gone by since the spindle was told its speed.
    spinning_s: f64,
    /// A change of spindle speed under way while the axes move.
    under_way: Option<SpindleChange>,
    started: bool,
    /// Block being compiled, and the tool in the spindle before and after it.
    block: Provenance,
    tool_before: Option<ToolNumber>,
    tool_after: Option<ToolNumber>,
    findings: Findings,
}

/// Where a move leads.
#[derive(Clone, Copy, Debug)]
struct Aim {
    axes_mm: Point,
    rotary_rad: [f64; 3],
}

/// A change of spindle speed while the axes move.
#[derive(Clone, Copy, Debug)]
struct SpindleChange {
    /// The block that asked for it; its own moves do not wait.
    at: Provenance,
    /// True if the spindle turns afterwards.
    starts: bool,
    /// Time it takes.
    due_s: f64,
    /// Time that has passed since, by the moves' own times from rest to rest.
    passed_s: f64,
}

/// What every segment takes over from its operation.
#[derive(Clone, Copy)]
struct Origin<'a> {
    at: Provenance,
    modal: &'a Modal,
}

impl<'a> Compiler<'a> {
    fn new(options: &CompileOptions<'a>) -> Self {
        Self {
            machine: options.machine,
            drives: Drives::of(options.machine),
            origin_mm: Vector::from(options.work_origin_mm),
            segments: Vec::new(),
            length_mm: ExactSum::default(),
            axes_mm: options.machine.reference,
            rotary_rad: [0.0; 3],
            turning: RotaryVelocity::ZERO,
            awaits_spindle: None,
            spinning_s: 0.0,
            under_way: None,
            started: false,
            block: Provenance::default(),
            tool_before: None,
            tool_after: None,
            findings: Findings::default(),
        }
    }

    fn operation(&mut self, op: &CanonOp) {
        let from = Origin { at: op.at, modal: &op.modal };
        if !self.started {
            self.started = true;
            self.delay(from, self.machine.control.start);
        }
        if op.at != self.block {
            self.block = op.at;
            self.tool_before = self.tool_after;
        }
        self.tool_after = op.modal.tool;
        match op.call {
            Call::StraightTraverse { end } => self.traverse(from, &end),
            Call::StraightFeed { end } => self.feed_line(from, &end),
            Call::ArcFeed { end, plane, centre_machine_mm, turns, .. } => {
                self.feed_arc(from, &end, plane, centre_machine_mm, turns);
            }
            Call::Dwell { time } => {
                self.wait_for_spindle(from);
                self.still(from, StillKind::Dwell, time);
            }
            // T and M6 for the tool that is there already: the changer has nothing to do.
            Call::ChangeTool { tool } if self.tool_before == Some(tool) => {}
            Call::ChangeTool { .. } => {
                self.wait_for_standstill(from);
                self.still(from, StillKind::ToolChange, self.machine.tool_change);
                // The changer takes the tool from a standing spindle; what the program has asked for since
                // the last M3 is waited for afterwards.
                self.turning = RotaryVelocity::ZERO;
                self.tell_spindle(op.at);
            }
            Call::SetSpindleSpeed { .. } => self.tell_spindle(op.at),
            Call::SetSpindleDirection { .. } => {
                self.tell_spindle(op.at);
                if self.machine.spindle_start == SpindleStart::AtCommand {
                    self.wait_for_spindle(from);
                }
            }
            Call::Coolant { .. } => self.m_code(from),
            Call::Stop { .. } => {
                self.wait_for_standstill(from);
                self.m_code(from);
                self.still(from, StillKind::Stop, Seconds::ZERO);
            }
            Call::End => {
                self.wait_for_standstill(from);
                self.delay(from, self.machine.control.end);
            }
            Call::SelectTool { .. } => {}
        }
    }

    fn finish(mut self) -> (Option<Path>, Vec<Diagnostic>) {
        if let Some(last) = self.segments.last_mut() {
            last.stop_at_end = true;
        }
        let segments = match self.machine.corner_blend {
            Some(how) => blend(self.segments, self.machine, how),
            None => self.segments,
        };
        let path = match Path::new(segments) {
            Ok(path) => Some(path),
            Err(PathError::Empty) => {
                let message = "the program moves nothing".to_owned();
                let at = Provenance::default();
                self.findings.add(Severity::Error, "motion::empty", at, message, "check that this is the right file");
                None
            }
            Err(error) => {
                let at = Provenance::default();
                self.findings.add(Severity::Error, "motion::too-many", at, error.to_string(), "split the program");
                None
            }
        };
        (path, self.findings.finish())
    }

    fn traverse(&mut self, from: Origin<'_>, end: &Pose) {
        self.wait_for_spindle(from);
        let Some(aim) = self.target(from, end) else {
            return;
        };
        match self.machine.rapid_mode {
            RapidMode::Linear => self.rapid_line(from, aim),
            RapidMode::Dogleg => {
                for corner in self.dogleg(aim) {
                    self.rapid_line(from, corner);
                }
            }
        }
    }

    fn rapid_line(&mut self, from: Origin<'_>, aim: Aim) {
        let geometry = Geometry::Line { start: self.tip(self.axes_mm, from), end: self.tip(aim.axes_mm, from) };
        self.advance(from, SegmentKind::Rapid, geometry, None, aim);
    }

    /// Ends of the pieces of a rapid on which each axis runs at its own speed, linear and rotary.
    fn dogleg(&self, aim: Aim) -> [Aim; 6] {
        let arrival_s: [f64; 6] = std::array::from_fn(|axis| match axis.checked_sub(3) {
            None => (aim.axes_mm[axis] - self.axes_mm[axis]).abs() / self.machine.axes[axis].rapid.as_mm_s(),
            Some(turn) => self.machine.rotary[turn]
                .map_or(0.0, |rotary| (aim.rotary_rad[turn] - self.rotary_rad[turn]).abs() / rotary.rapid_rad_s),
        });
        let mut order_s = arrival_s;
        order_s.sort_by(f64::total_cmp);
        order_s.map(|time_s| {
            let place = |axis: usize, from: f64, to: f64| {
                if arrival_s[axis] <= time_s { to } else { from + (to - from) * (time_s / arrival_s[axis]) }
            };
            let linear = |axis: usize| place(axis, self.axes_mm[axis], aim.axes_mm[axis]);
            let turned = |axis: usize| place(axis + 3, self.rotary_rad[axis], aim.rotary_rad[axis]);
            Aim { axes_mm: Point::new(linear(0), linear(1), linear(2)), rotary_rad: std::array::from_fn(turned) }
        })
    }

    fn feed_line(&mut self, from: Origin<'_>, end: &Pose) {
        self.wait_for_spindle(from);
        let Some(aim) = self.target(from, end) else {
            return;
        };
        let geometry = Geometry::Line { start: self.tip(self.axes_mm, from), end: self.tip(aim.axes_mm, from) };
        self.feed(from, geometry, aim);
    }

    fn feed_arc(&mut self, from: Origin<'_>, end: &Pose, plane: Plane, centre_mm: [f64; 3], turns: i32) {
        if turns == 0 {
            return self.feed_line(from, end);
        }
        self.wait_for_spindle(from);
        let Some(aim) = self.target(from, end) else {
            return;
        };
        let end_mm = aim.axes_mm;
        let [first, second, up] = plane.axes();
        if !(centre_mm[first].is_finite() && centre_mm[second].is_finite()) {
            return self.not_finite(from);
        }
        let flat = |point: Point| [point[first], point[second]];
        let (start, stop) = (flat(self.axes_mm), flat(end_mm));
        let centre = self.centred(from, start, stop, [centre_mm[first], centre_mm[second]]);
        let angle = |point: [f64; 2]| math::atan2(point[1] - centre[1], point[0] - centre[0]);
        let counter_clockwise_rad = if math::hypot(stop[0] - start[0], stop[1] - start[1]) < CLOSED_MM {
            TAU
        } else {
            let turned_rad = angle(stop) - angle(start);
            if turned_rad > 0.0 { turned_rad } else { turned_rad + TAU }
        };
        let whole_rad = TAU * f64::from(turns.unsigned_abs() - 1);
        let sweep_rad = if turns > 0 {
            counter_clockwise_rad + whole_rad
        } else if counter_clockwise_rad == TAU {
            -(TAU + whole_rad)
        } else {
            counter_clockwise_rad - TAU - whole_rad
        };
        let mut middle_mm = self.axes_mm;
        middle_mm[first] = centre[0];
        middle_mm[second] = centre[1];
        let mut normal = Vector::zeros();
        normal[up] = 1.0;
        let [start, end, centre] = [self.axes_mm, end_mm, middle_mm].map(|point| self.tip(point, from));
        self.feed(from, Geometry::Arc { start, end, centre, normal, sweep_rad }, aim);
    }

    /// The centre moved to equal distance from both ends: centres are written with few decimals, and an arc
    /// must end where the next segment begins. Says so where the move is more than that.
    fn centred(&mut self, from: Origin<'_>, start: [f64; 2], stop: [f64; 2], centre: [f64; 2]) -> [f64; 2] {
        let radius = |point: [f64; 2]| math::hypot(point[0] - centre[0], point[1] - centre[1]);
        let (start_mm, stop_mm) = (radius(start), radius(stop));
        let difference_mm = (start_mm - stop_mm).abs();
        if difference_mm > RADIUS_DIFFERENCE_MM && difference_mm > RADIUS_DIFFERENCE_SHARE * start_mm {
            let message = format!(
                "the arc begins {start_mm:.4} mm from its centre and ends {stop_mm:.4} mm from it; \
                 both should be equal within {RADIUS_DIFFERENCE_MM} mm"
            );
            let advice = "check I, J, K and whether they are incremental";
            self.findings.add(Severity::Error, "motion::arc-radius", from.at, message, advice);
        }
        let chord = [stop[0] - start[0], stop[1] - start[1]];
        let length_mm = math::hypot(chord[0], chord[1]);
        if length_mm < CLOSED_MM {
            return centre;
        }
        let unit = [chord[0] / length_mm, chord[1] / length_mm];
        let middle = [(start[0] + stop[0]) / 2.0, (start[1] + stop[1]) / 2.0];
        let off_mm = (centre[0] - middle[0]) * unit[0] + (centre[1] - middle[1]) * unit[1];
        [centre[0] - off_mm * unit[0], centre[1] - off_mm * unit[1]]
    }

    fn feed(&mut self, from: Origin<'_>, geometry: Geometry, aim: Aim) {
        let programmed = from.modal.feed.filter(|feed| feed.is_finite() && *feed > Feedrate::ZERO);
        if programmed.is_none() && (self.axes_mm, self.rotary_rad) != (aim.axes_mm, aim.rotary_rad) {
            let message = "a feed move without a feed above zero".to_owned();
            let advice = "put an F word before or in this block; the greatest feed of the axes is assumed";
            self.findings.add(Severity::Error, "motion::feed-missing", from.at, message, advice);
        }
        self.advance(from, SegmentKind::Feed, geometry, programmed, aim);
    }

    /// Appends a move unless it is too short to have a station; then the axes stay where they were.
    fn advance(
        &mut self,
        from: Origin<'_>,
        kind: SegmentKind,
        geometry: Geometry,
        programmed: Option<Feedrate>,
        aim: Aim,
    ) {
        let turn_rad: [f64; 3] = std::array::from_fn(|axis| aim.rotary_rad[axis] - self.rotary_rad[axis]);
        let (tip_mm, turn_mm) = (length_mm(&geometry), Vector::from(turn_rad).norm() * TURN_MM_PER_RAD);
        let (length_mm, span_mm, geometry) = if tip_mm >= MOVE_MM_MIN {
            (tip_mm, tip_mm, geometry)
        } else {
            (0.0, turn_mm, Geometry::Still { at: geometry.start() })
        };
        if span_mm < MOVE_MM_MIN {
            return;
        }
        let limit_mm_s = self.drives.axis_speed_mm_s(kind, &geometry, &(Vector::from(turn_rad) / span_mm));
        let feed = Feedrate::mm_s(programmed.map_or(limit_mm_s, |feed| feed.as_mm_s().min(limit_mm_s)));
        let forced = if kind == SegmentKind::Feed { from.modal.forced } else { None };
        let mut segment = self.segment(from, kind, geometry, span_mm);
        segment.length = Length::mm(length_mm);
        segment.feed = feed;
        segment.forced = forced;
        segment.turn_rad = turn_rad;
        (segment.stop_at_end, segment.corner) = match from.modal.path {
            PathMode::ExactStop => (true, CornerRule::Exact),
            PathMode::ExactPath => (false, CornerRule::Exact),
            PathMode::Continuous { tolerance_mm: Some(mm), .. } => (false, CornerRule::Within(Length::mm(mm))),
            PathMode::Continuous { tolerance_mm: None, .. } => (false, CornerRule::Machine),
        };
        if self.machine.control.rapid_end == RapidEnd::AtRest
            && let Some(before) = self.segments.last_mut()
        {
            before.stop_at_end |= before.kind != kind;
        }
        if let Some(change) = &mut self.under_way {
            change.passed_s += self.drives.rest_to_rest_s(&segment);
        }
        self.segments.push(segment);
        (self.axes_mm, self.rotary_rad) = (aim.axes_mm, aim.rotary_rad);
    }

    /// A segment over the next stretch of station; nothing of it moves yet.
    fn segment(&mut self, from: Origin<'_>, kind: SegmentKind, geometry: Geometry, span_mm: f64) -> Segment {
        let start = self.segments.last().map_or(Station::START, |before| before.end);
        self.length_mm.add(span_mm);
        let end = Station::from_mm(self.length_mm.total());
        let spindle = from.modal.spindle;
        Segment {
            kind,
            geometry,
            start,
            // A span of a whole grain ends on a later grain, but for the last bit of the sum.
            end: end.max(Station::from_nm(start.as_nm() + 1)),
            length: Length::ZERO,
            feed: Feedrate::ZERO,
            spindle: spindle.speed.map(|speed| speed * f64::from(spindle.direction)),
            tool: from.modal.tool,
            at: from.at,
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: true,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    }

    fn still(&mut self, from: Origin<'_>, kind: StillKind, time: Seconds) {
        if !time.is_finite() {
            return self.not_finite(from);
        }
        let time = time.max(Seconds::ZERO);
        self.spinning_s += time.as_s();
        if let Some(before) = self.segments.last_mut() {
            before.stop_at_end = true;
        }
        let at = self.tip(self.axes_mm, from);
        let span_mm = (time.as_s() * STILL_MM_PER_S).max(STILL_MM_MIN);
        let mut segment = self.segment(from, SegmentKind::Still(kind), Geometry::Still { at }, span_mm);
        segment.still = time;
        if let Some(change) = &mut self.under_way {
            change.passed_s += time.as_s();
        }
        self.segments.push(segment);
    }

    /// A delay of the control itself; none that takes no time.
    fn delay(&mut self, from: Origin<'_>, time: Seconds) {
        if time > Seconds::ZERO {
            self.still(from, StillKind::MCode, time);
        }
    }

    /// An M code that takes no time does not stop the axes either.
    fn m_code(&mut self, from: Origin<'_>) {
        if self.machine.m_code > Seconds::ZERO {
            self.still(from, StillKind::MCode, self.machine.m_code);
        }
    }

    /// The spindle is told another speed; what goes by until then has gone by for the one before.
    fn tell_spindle(&mut self, at: Provenance) {
        self.awaits_spindle = Some(at);
        self.spinning_s = 0.0;
    }

    fn wait_for_spindle(&mut self, from: Origin<'_>) {
        if self.under_way.is_some_and(|change| change.at != from.at && change.starts) {
            self.wait_for_change(from);
        }
        let Some(at) = self.awaits_spindle.take() else {
            return;
        };
        let spindle = from.modal.spindle;
        let limit = self.machine.spindle.speed_max;
        let wanted =
            spindle.speed.map_or(RotaryVelocity::ZERO, |speed| speed.min(limit) * f64::from(spindle.direction));
        let (before, ramp_s) = (self.turning, (wanted - self.turning).abs().as_rev_s());
        self.turning = wanted;
        let ramp_s = ramp_s / self.machine.spindle.speed_slew_rev_s2;
        if ramp_s <= 0.0 {
            return;
        }
        match self.machine.control.spindle_wait {
            None => {
                let gone_s = match self.machine.spindle_start {
                    SpindleStart::AtCommand => 0.0,
                    SpindleStart::BeforeMotion => self.spinning_s,
                };
                if ramp_s > gone_s {
                    let handed_s = self.machine.corner_blend.map_or(0.0, |blend| HANDOVER_CYCLES * blend.cycle.as_s());
                    self.still(Origin { at, ..from }, StillKind::Spindle, Seconds::s(ramp_s - gone_s + handed_s));
                }
            }
            Some(wait) => {
                self.wait_for_change(from);
                let due_s = ramp_s.max(wait.between(before, wanted, limit).as_s());
                self.under_way =
                    Some(SpindleChange { at, starts: wanted != RotaryVelocity::ZERO, due_s, passed_s: 0.0 });
            }
        }
    }

    /// Waits for what is left of a change of spindle speed that began while the axes moved.
    fn wait_for_change(&mut self, from: Origin<'_>) {
        if let Some(change) = self.under_way.take() {
            let left_s = change.due_s - change.passed_s;
            if left_s > 0.0 {
                self.still(from, StillKind::Spindle, Seconds::s(left_s));
            }
        }
    }

    /// Waits before something that needs a spindle that stands, or is what it was told to be.
    fn wait_for_standstill(&mut self, from: Origin<'_>) {
        if self.machine.control.spindle_wait.is_some() {
            self.wait_for_spindle(from);
            self.wait_for_change(from);
        }
    }

    /// Where the axes go, or `None` if that is no number. Notes that rotary axes turn; those without limits are
    /// taken to be there at once.
    fn target(&mut self, from: Origin<'_>, end: &Pose) -> Option<Aim> {
        let finite = |values: &[f64; 3]| values.iter().all(|value| value.is_finite());
        if !(finite(&end.machine_mm) && finite(&end.rotary_rad) && finite(&from.modal.tool_offset_mm)) {
            self.not_finite(from);
            return None;
        }
        if end.rotary_rad != self.rotary_rad {
            let turns = |axis: usize| end.rotary_rad[axis] != self.rotary_rad[axis];
            let joints = self.machine.kinematics.as_ref();
            let carried = (0..3).all(|axis| !turns(axis) || joints.is_some_and(|joints| joints.turns(axis)));
            let unknown = (0..3).any(|axis| turns(axis) && self.machine.rotary[axis].is_none());
            let (message, advice) = if unknown {
                ("rotary axes turn; their way and time are not part of the path", "state [axis.a], b, c of the machine")
            } else {
                (
                    "rotary axes turn; their time is planned, the work is taken to stand",
                    "state [kinematics] of the machine",
                )
            };
            if unknown || !carried {
                self.findings.add_once(Severity::Warning, "motion::rotary", from.at, message.to_owned(), advice);
            }
            for axis in 0..3 {
                if self.machine.rotary[axis].is_none() {
                    self.rotary_rad[axis] = end.rotary_rad[axis];
                }
            }
        }
        Some(Aim { axes_mm: Point::from(end.machine_mm), rotary_rad: end.rotary_rad })
    }

    fn not_finite(&mut self, from: Origin<'_>) {
        let message = "a coordinate, offset or time is not a number; the operation is left out".to_owned();
        self.findings.add(Severity::Error, "motion::not-finite", from.at, message, "check offsets and expressions");
    }

    fn tip(&self, axes_mm: Point, from: Origin<'_>) -> Point {
        axes_mm - Vector::from(from.modal.tool_offset_mm) - self.origin_mm
    }
}

/// Length of the path of the tip.
pub(super) fn length_mm(geometry: &Geometry) -> f64 {
    match *geometry {
        Geometry::Line { start, end } => (end - start).norm(),
        Geometry::Arc { start, end, centre, normal, sweep_rad } => {
            let (way, arm) = (end - start, start - centre);
            let radius_mm = (arm - normal * arm.dot(&normal)).norm();
            math::hypot(radius_mm * sweep_rad, way.dot(&normal))
        }
        Geometry::Still { .. } => 0.0,
    }
}
