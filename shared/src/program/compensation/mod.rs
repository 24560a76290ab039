//! Cutter radius compensation: G40, G41, G42, G41.1 and G42.1.
//!
//! The program states the contour of the part; the centre of the cutter runs one radius beside it. Between two
//! parallel curves there is a gap at an outer corner and an overlap at an inner one, and whether a corner is
//! the one or the other is known only when the next move has been read. So a move is held back until then:
//!
//! ```text
//!   convex: an arc about the corner fills the gap      concave: the held move ends where the next one begins
//!        ____                                                   |   |
//!    ___/    \  centre                                     _____|   |  contour
//!   ____|     |                                             ________|
//!  contour    |
//! ```
//!
//! Other operations met meanwhile wait behind the move ([`queue`]), so the order of the program stays. The
//! first move ([`entry`]) brings the cutter beside its end point and may be no shorter than the radius; the
//! following ones are joined to it ([`follow`]), with the plane geometry of the corners apart ([`corner`]).
//!
//! What is refused is what LinuxCNC refuses, at the same line: a tool that does not fit, an entry that is too
//! short, a code that would change the frame, the plane or the tool under way. Sources: LinuxCNC user manual,
//! "Cutter Compensation" and "Tool Compensation"; Kramer, Proctor and Messina, NISTIR 6556, appendix B.
//!
//! Fanuc and Haas keep radii in registers that no tool list holds; there a contour is cut as written, with a warning,
//! unless the program fills the register itself (G10 L12, L13). Siemens takes the radius of the tool. Both enter
//! the contour here as LinuxCNC does, square to the entry move, but are not refused for a short one.
//!
//! `Provenance` names the line of the move itself, also for arcs put in at its beginning. For a dwell that
//! waited, LinuxCNC's preview names the line that set it free; we name the line it is written in.

mod corner;
mod entry;
mod follow;
mod queue;

use super::canon::{Call, CanonOp, Plane};
use super::codes::{group, m_group};
use super::execute::Execution;
use super::fault::*;
use super::frame::Axes;
use super::options::Dialect;
use super::state::State;
use crate::ident::ToolNumber;
use queue::{Held, HeldMove, Motion, Queue, Slack};
use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

/// Operations held back at most: moves along the normal and what stands between them.
const HELD_MAX: usize = 100_000;
/// Highest orientation of a lathe tool, and the one whose origin is its centre.
const ORIENTATION_MAX: u32 = 9;

/// A point on the plane's first and second axis, mm.
type Point = [f64; 2];

/// On which side of the contour, seen along the motion, the cutter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// G41.
    Left,
    /// G42.
    Right,
}

impl Side {
    /// From the direction of motion to the cutter, rad.
    fn quarter(self) -> f64 {
        if self == Self::Left { FRAC_PI_2 } else { -FRAC_PI_2 }
    }

    /// True if the cutter runs inside an arc that turns so.
    fn is_inside(self, turns: i32) -> bool {
        (self == Self::Left) == (turns > 0)
    }

    fn other(self) -> Self {
        if self == Self::Left { Self::Right } else { Self::Left }
    }
}

/// The state of compensation.
#[derive(Clone, Debug, Default)]
pub(super) struct Compensation {
    /// `None` after G40.
    side: Option<Side>,
    radius_mm: f64,
    /// Where the origin of a lathe tool lies, 1 to 8; 0 and 9 are its centre.
    orientation: u8,
    /// X, Y, Z where the contour stands; `None` until the entry move is made.
    contour: Option<[f64; 3]>,
    /// G40 has left the contour and no straight move was made since.
    is_arc_forbidden: bool,
    /// Machine coordinates where the tool stands beside the contour that G40 left, until it moves.
    left_at: Option<Axes>,
    queue: Queue,
}

impl Compensation {
    /// True between G41 or G42 and G40.
    pub(super) fn is_on(&self) -> bool {
        self.side.is_some()
    }

    /// True if moves are changed: it is on, and the tool has a radius.
    pub(super) fn is_active(&self) -> bool {
        self.is_on() && self.radius_mm > 0.0
    }

    /// The tool moves: it stands where the program believes again.
    pub(super) fn forget_place(&mut self) {
        self.left_at = None;
    }

    fn side(&self) -> Side {
        self.side.unwrap_or(Side::Left)
    }
}

impl State {
    /// Where the program believes the tool to be: on the contour in the plane, where it is along the normal.
    pub(super) fn on_contour(&self) -> Axes {
        if let Some(waiting) = &self.corner {
            return waiting.tip;
        }
        let mut at = self.position;
        if let Some(contour) = self.compensation.contour.filter(|_| self.compensation.is_on()) {
            let [first, second, _] = self.plane.axes();
            (at[first], at[second]) = (contour[first], contour[second]);
        }
        at
    }

    fn in_plane(&self, at: &Axes) -> Point {
        let [first, second, _] = self.plane.axes();
        [at[first], at[second]]
    }

    fn with_plane(&self, at: &Axes, place: Point) -> Axes {
        let [first, second, _] = self.plane.axes();
        let mut at = *at;
        [at[first], at[second]] = place;
        at
    }

    /// A held move as an operation.
    fn carried_out(&self, held: HeldMove) -> CanonOp {
        let shift = lathe_origin(self.plane, &self.compensation);
        let moved = |at: &Axes| -> Axes { std::array::from_fn(|axis| at[axis] + shift[axis]) };
        let end = self.pose(&moved(&held.target));
        let call = match held.motion {
            Motion::Line { is_rapid: true, .. } => Call::StraightTraverse { end },
            Motion::Line { is_rapid: false, .. } => Call::StraightFeed { end },
            Motion::Arc { centre, turns, .. } => {
                let centre = moved(&self.with_plane(&held.target, centre));
                let [x, y, z, ..] = self.frame.machine(&centre);
                Call::ArcFeed {
                    end,
                    plane: self.plane,
                    centre_mm: self.in_plane(&centre),
                    centre_machine_mm: [x, y, z],
                    turns,
                }
            }
        };
        CanonOp { call, at: held.at, modal: held.modal }
    }
}

/// From the centre of a lathe tool's nose to its origin, mm.
fn lathe_origin(plane: Plane, compensation: &Compensation) -> Axes {
    let mut shift = [0.0; 6];
    if plane != Plane::Zx {
        return shift;
    }
    let radius = compensation.radius_mm;
    shift[0] = match compensation.orientation {
        1 | 2 | 6 => -radius,
        3 | 4 | 8 => radius,
        _ => 0.0,
    };
    shift[2] = match compensation.orientation {
        2 | 3 | 7 => -radius,
        1 | 4 | 5 => radius,
        _ => 0.0,
    };
    shift
}

impl Execution<'_, '_> {
    /// G40, G41, G42, G41.1 and G42.1.
    pub(super) fn cutter_compensation(&mut self) -> Checked<()> {
        let Some(code) = self.block.g(group::CUTTER) else { return Ok(()) };
        if code == 400 {
            return self.leave_contour();
        }
        let span = self.block.g_span(group::CUTTER);
        if self.state.is_plane_of_uvw {
            let text = "cutter compensation goes on in the planes XY and XZ only";
            return Err(Fault::error(UNSUPPORTED, span, text, "write G17 or G18 before it"));
        }
        if self.dialect.is_fanuc_like() {
            let number = self.block.whole(b'D', 0, 99_999)?.map(ToolNumber);
            if number.is_none() && self.state.compensation.is_on() {
                return self.compensate(code, 2.0 * self.state.compensation.radius_mm, 0, span);
            }
            return match number.and_then(|number| self.state.extras.radius_mm(number)) {
                Some(radius_mm) => self.compensate(code, 2.0 * radius_mm, 0, span),
                None => self.radius_is_not_known(code, "the wear offset", span),
            };
        }
        let (diameter_mm, orientation) = if matches!(code, 411 | 421) {
            self.stated_diameter(span.clone())?
        } else {
            self.diameter_of_tool(span.clone())?
        };
        if self.state.plane != Plane::Zx && !matches!(orientation, 0 | 9) {
            let text = format!("a lathe tool of orientation {orientation} is compensated in the plane ZX alone");
            return Err(Fault::error(WRONG_MODE, span, text, "write G18 before it"));
        }
        self.compensate(code, diameter_mm, orientation, span)
    }

    /// G40, G41 and G42 of Siemens: with the radius of the tool in the spindle, where that is known.
    pub(super) fn compensation_of_edge(&mut self, code: u16) -> Checked<()> {
        if code == 400 {
            return self.leave_contour();
        }
        let tool = self.state.tool.filter(|tool| *tool != ToolNumber(0));
        match tool.and_then(|tool| self.state.diameters_mm.get(&tool).copied()) {
            Some(diameter_mm) => self.compensate(code, diameter_mm, 0, 0..0),
            None => self.radius_is_not_known(code, "the diameter of the tool", 0..0),
        }
    }

    /// Switches on, with the side as it is seen in the work frame.
    fn compensate(&mut self, code: u16, diameter_mm: f64, orientation: u8, span: Range<usize>) -> Checked<()> {
        if self.state.plane == Plane::Yz {
            let text = "cutter compensation works in the planes XY and ZX alone";
            return Err(Fault::error(WRONG_MODE, span, text, "write G17 or G18 before it"));
        }
        let mut side = if matches!(code, 410 | 411) { Side::Left } else { Side::Right };
        // A negative diameter is that of a cutter on the other side.
        if (diameter_mm < 0.0) != self.state.local.is_mirrored(self.state.plane) {
            side = side.other();
        }
        if self.state.compensation.is_on() {
            // Other controls take the same code again for what it is.
            let is_same = self.state.compensation.side == Some(side) && self.dialect != Dialect::Rs274ngc;
            return if is_same { Ok(()) } else { self.refused(span, "switching cutter compensation on again") };
        }
        let compensation = &mut self.state.compensation;
        compensation.side = Some(side);
        compensation.radius_mm = 0.5 * diameter_mm.abs();
        compensation.orientation = orientation;
        compensation.contour = None;
        Ok(())
    }

    /// Fanuc's D words name registers of the control that no tool list holds: posts write the centre path and
    /// leave the wear to them as often as they write the contour. The program is believed where it fills them.
    fn radius_is_not_known(&mut self, code: u16, what: &str, span: Range<usize>) -> Checked<()> {
        self.report.without_effect(b'G', code, "the radius is not known: the path is cut as it is written");
        let text = format!("{what} is not known here: cutter compensation is off, the path is cut as it is written");
        let advice = "give the wear offset as zero, the diameter in a tool table (Siemens), or G10 L12 (Fanuc, Haas)";
        let note = || Fault::error(UNSUPPORTED, span, text, advice).with(super::Severity::Warning);
        self.report.once(u32::from(code), note, UNSUPPORTED);
        Ok(())
    }

    /// A code that is refused while the compensation is on, with what it does.
    fn refused(&self, span: Range<usize>, what: &str) -> Checked<()> {
        let (code, verb) =
            if self.dialect == Dialect::Rs274ngc { (WRONG_MODE, "possible") } else { (UNSUPPORTED, "simulated") };
        let text = format!("{what} is not {verb} while cutter compensation is on");
        Err(Fault::error(code, span, text, "write G40 and a move off the contour before it"))
    }

    /// G41.1 and G42.1: D is the diameter, L the orientation.
    fn stated_diameter(&mut self, span: Range<usize>) -> Checked<(f64, u8)> {
        let Some(diameter_mm) = self.length(b'D')? else {
            let text = "G41.1 and G42.1 need D, the diameter of the cutter";
            return Err(Fault::error(MISSING_WORD, span, text, "write D, or G41 with a tool of the table"));
        };
        let Some(orientation) = self.block.whole(b'L', 0, ORIENTATION_MAX)? else { return Ok((diameter_mm, 0)) };
        if self.state.plane != Plane::Zx {
            let text = "L, the orientation of a lathe tool, needs the plane ZX";
            return Err(Fault::error(WRONG_MODE, self.block.span(b'L'), text, "write G18, or take L out"));
        }
        Ok((diameter_mm, orientation as u8))
    }

    /// G41 and G42: D is a tool of the table; without it, or with D0, the tool in the spindle counts.
    fn diameter_of_tool(&mut self, span: Range<usize>) -> Checked<(f64, u8)> {
        let number = self.block.whole(b'D', 0, 99_999_999)?.filter(|number| *number != 0).map(ToolNumber);
        let Some(tool) = number.or(self.state.tool).filter(|tool| *tool != ToolNumber(0)) else {
            let note = || {
                let text = "no tool is in the spindle: its radius is zero, and the path is cut as it is written";
                Fault::error(TOOL_DIAMETER, span, text, "write T and M6 before it, or D with the tool")
                    .with(super::Severity::Warning)
            };
            self.report.once(0, note, TOOL_DIAMETER);
            return Ok((0.0, 0));
        };
        let span = if number.is_some() { self.block.span(b'D') } else { span };
        let orientation = self.state.orientations.get(&tool).copied().unwrap_or(0);
        if let Some(diameter_mm) = self.state.diameters_mm.get(&tool) {
            return Ok((*diameter_mm, orientation));
        }
        if !self.options.tool_diameters_mm.is_empty() {
            let text = format!("the tool table has no diameter for {tool}");
            return Err(Fault::error(TOOL_DIAMETER, span, text, "add it to the table, or correct the number"));
        }
        let note = || {
            let text = format!("the diameter of {tool} is not known; the path is cut as it is written");
            Fault::error(TOOL_DIAMETER, span, text, "give a tool table, or write G41.1 with D, the diameter")
                .with(super::Severity::Warning)
        };
        self.report.once(tool.0, note, TOOL_DIAMETER);
        Ok((0.0, orientation))
    }

    /// G40: the last move ends beside its end point; from there the program goes on from the contour.
    fn leave_contour(&mut self) -> Checked<()> {
        if self.state.compensation.is_active() && self.state.compensation.contour.is_some() {
            self.release_at_place()?;
            let shift = lathe_origin(self.state.plane, &self.state.compensation);
            let stands: Axes = std::array::from_fn(|axis| self.state.position[axis] + shift[axis]);
            self.state.compensation.left_at = Some(self.state.frame.machine(&stands));
            self.state.position = self.state.on_contour();
            self.state.compensation.is_arc_forbidden = true;
        }
        self.state.compensation.side = None;
        self.state.compensation.contour = None;
        Ok(())
    }

    /// What the block does before its own G40, G41 or G42.
    pub(super) fn check_before_compensation(&self) -> Checked<()> {
        if !self.state.compensation.is_on() {
            return Ok(());
        }
        if self.block.m(m_group::TOOL).is_some() {
            return self.refused(self.block.m_span(m_group::TOOL), "changing the tool");
        }
        if self.block.m(m_group::OVERRIDE).is_some() {
            return self.refused(self.block.m_span(m_group::OVERRIDE), "switching overrides");
        }
        if self.block.m(m_group::SIGNAL).is_some() {
            return self.refused(self.block.m_span(m_group::SIGNAL), "an input or output");
        }
        let plane = match self.block.g(group::PLANE) {
            Some(170) => Plane::Xy,
            Some(180) => Plane::Zx,
            Some(_) => Plane::Yz,
            None => self.state.plane,
        };
        if plane != self.state.plane {
            return self.refused(self.block.g_span(group::PLANE), "changing the plane");
        }
        Ok(())
    }

    /// What the block does after its own G40, G41 or G42.
    pub(super) fn check_after_compensation(&self, motion: Option<u16>) -> Checked<()> {
        if !self.state.compensation.is_on() {
            return Ok(());
        }
        let modes = [
            (group::LENGTH, "changing the tool length"),
            (group::WORK, "changing the work offset"),
            (group::SCALING, "scaling"),
            (group::MIRROR, "mirroring"),
            (group::ROTATION, "turning the frame"),
            (group::PATH, "changing the path mode"),
            (group::RETRACT, "changing the return of cycles"),
        ];
        let is_ngc = self.dialect == Dialect::Rs274ngc;
        for (index, what) in modes {
            // Only LinuxCNC minds these two.
            if !is_ngc && matches!(index, group::PATH | group::RETRACT) {
                continue;
            }
            if self.block.g(index).is_some() {
                return self.refused(self.block.g_span(index), what);
            }
        }
        let span = self.block.g_span(group::NON_MODAL);
        let is_active = self.state.compensation.is_active();
        match self.block.g(group::NON_MODAL) {
            Some(280 | 281 | 300 | 301) => return self.refused(span, "a reference point"),
            Some(520 | 920) => return self.refused(span, "shifting the axes"),
            Some(530) if is_active && motion.is_some() => return self.refused(span, "a move in machine coordinates"),
            _ => {}
        }
        let span = self.block.g_span(group::MOTION);
        match motion {
            Some(50..=53) => self.refused(span, "a spline"),
            Some(382..=385) => self.refused(span, "probing"),
            Some(330 | 331 | 760) if is_active => self.refused(span, "a synchronised move"),
            Some(710..=722 | 730 | 740 | 810..=890) => self.refused(span, "a cycle"),
            _ => Ok(()),
        }
    }

    /// G2 and G3 need a straight move between them and G40.
    pub(super) fn check_arc_after_exit(&self, span: Range<usize>) -> Checked<()> {
        if !self.state.compensation.is_arc_forbidden {
            return Ok(());
        }
        let text = "the move after cutter compensation has to be straight, not an arc";
        Err(Fault::error(WRONG_MODE, span, text, "leave the contour with G0 or G1"))
    }

    /// A tool change asks the machine where the tool stands: beside the contour, not on it.
    pub(super) fn find_place(&mut self) {
        if let Some(machine) = self.state.compensation.left_at.take() {
            self.state.position = self.state.frame.program(&machine);
        }
    }

    /// A straight move: arcs are possible again.
    pub(super) fn note_straight_move(&mut self) {
        self.state.compensation.is_arc_forbidden = false;
    }

    /// Appends an operation, behind those that are held back.
    pub(super) fn append(&mut self, op: CanonOp) {
        if self.state.compensation.queue.is_empty() {
            self.ready.push_back(op);
        } else {
            self.hold(Held::Other(op));
        }
    }

    fn hold(&mut self, held: Held) {
        if self.state.compensation.queue.len() >= HELD_MAX {
            let text = format!("cutter compensation holds back more than {HELD_MAX} operations (HELD_MAX)");
            self.report.take(&Fault::error(TOO_LONG, 0..0, text, "write a move in the plane between them").fatal());
            return;
        }
        self.state.compensation.queue.push(held);
    }

    /// Holds a move that ends at a point of the plane and at the other coordinates of `rest`.
    fn hold_move(&mut self, motion: Motion, place: Point, rest: &Axes, feed: Option<crate::units::Feedrate>) {
        let target = self.state.with_plane(rest, place);
        let modal = self.state.modal(feed);
        self.hold(Held::Move(HeldMove { motion, target, at: self.report.at, modal }));
    }

    /// Sets free what is held, as it is.
    pub(super) fn release(&mut self) {
        for held in self.state.compensation.queue.drain() {
            self.ready.push_back(match held {
                Held::Other(op) => op,
                Held::Move(held) => self.state.carried_out(held),
            });
        }
    }

    /// Ends the held moves at a point and sets them free; the next move starts there.
    fn release_at(&mut self, place: Point) -> Checked<()> {
        if self.state.compensation.queue.is_empty() {
            return Ok(());
        }
        let slack = Slack::of(self.state.unit);
        let axes = self.state.plane.axes();
        if let Err(reason) = self.state.compensation.queue.end_at(place, [axes[0], axes[1]], slack) {
            return Err(gouge(reason));
        }
        self.release();
        self.state.compensation.queue.anchor = Some(place);
        Ok(())
    }

    /// Sets free what is held, ending beside the contour: before a stop, and when the contour is left.
    pub(super) fn release_at_place(&mut self) -> Checked<()> {
        let place = self.state.in_plane(&self.state.position);
        self.release_at(place)?;
        self.release();
        Ok(())
    }
}

/// The cutter does not fit.
fn gouge(text: &str) -> Box<Fault> {
    Fault::error(GOUGE, 0..0, text, "take a smaller cutter, or widen the corner")
}
