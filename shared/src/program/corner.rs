//! Corners between two straight feed lines: `,R` and `,C` of Fanuc and Haas, RND, CHR and CHF of Siemens.
//!
//! ```text
//!   from ------ p1 .            d = R / tan(θ/2), θ the angle between the lines
//!                   \
//!                    p2
//!                    |
//!                    target
//! ```
//!
//! The first line is held back until the second one is known; then come the shortened line, the arc or edge,
//! and the second line from where the corner ends.

use super::arc::Arc;
use super::canon::{Call, CanonOp, Modal, Provenance};
use super::execute::Execution;
use super::fault::*;
use super::frame::Axes;
use crate::det::math;
use std::ops::Range;

/// Directions nearer to straight on, or straight back, than this make no corner.
const SAME_WITHIN: f64 = 1e-9;

/// What stands in the corner, in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Corner {
    /// An arc of this radius that touches both lines.
    Round(f64),
    /// An edge from this far before the corner to this far behind it.
    Leg(f64),
    /// An edge of this length.
    Edge(f64),
}

/// A line that waits for the next one.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    from: Axes,
    /// Where both lines would meet.
    pub(super) tip: Axes,
    corner: Corner,
    at: Provenance,
    modal: Modal,
    span: Range<usize>,
}

fn wrong(span: &Range<usize>, text: &str, advice: &str) -> Box<Fault> {
    Fault::error(CYCLE, span.clone(), text, advice)
}

impl Execution<'_, '_> {
    /// A feed line whose end is a corner with the next one.
    pub(super) fn line_to_corner(&mut self, target: Axes, corner: Corner, span: Range<usize>) -> Checked<()> {
        let (Corner::Round(size) | Corner::Leg(size) | Corner::Edge(size)) = corner;
        if size == 0.0 {
            return self.line_to(10, target, span);
        }
        if size < 0.0 {
            return Err(wrong(&span, "the size of a corner is negative", "write it without a sign"));
        }
        if self.state.corner.is_some() {
            self.enter_corner(&target)?;
        }
        let from = self.state.on_contour();
        let length_mm = distance(&from, &target);
        let feed = self.feed_of(length_mm, 0.0, span.clone())?;
        let (at, modal) = (self.report.at, self.state.modal(Some(feed)));
        self.state.corner = Some(Waiting { from, tip: target, corner, at, modal, span });
        // Beside a contour the tool stands where the last move left it.
        if !self.state.compensation.is_active() {
            self.state.position = target;
        }
        Ok(())
    }

    /// `,R` and `,C` of a block of G1.
    pub(super) fn comma_corner(
        &mut self,
        code: u16,
        target: Axes,
        (letter, value): (u8, f64),
        span: Range<usize>,
    ) -> Checked<()> {
        if code != 10 {
            let text = format!("`,{}` needs a feed line", char::from(letter));
            return Err(wrong(&span, &text, "write it in a block of G1"));
        }
        let size = value * self.state.unit.mm();
        self.line_to_corner(target, if letter == b'R' { Corner::Round(size) } else { Corner::Leg(size) }, span)
    }

    /// Gives the waiting line out, with the corner towards `target`.
    ///
    /// # Errors
    /// Where the corner is impossible; the waiting line is then given out whole.
    pub(super) fn enter_corner(&mut self, target: &Axes) -> Checked<()> {
        let Some(waiting) = self.state.corner.take() else { return Ok(()) };
        let tip = waiting.tip;
        match self.corner_points(&waiting, &tip, target) {
            Ok(None) => self.give(&waiting, tip, None),
            Ok(Some((first, second, arc))) => {
                self.give(&waiting, first, None)?;
                self.give(&waiting, second, arc)
            }
            Err(mut fault) => {
                self.give(&waiting, tip, None)?;
                // The block in work is the one behind the corner.
                fault.message = format!("the corner of line {}: {}", waiting.at.line, fault.message);
                fault.span = 0..0;
                Err(fault)
            }
        }
    }

    /// Gives the waiting line out whole, because what follows is no feed line.
    pub(super) fn leave_corner(&mut self) {
        let Some(waiting) = self.state.corner.take() else { return };
        let tip = waiting.tip;
        if let Err(fault) = self.give(&waiting, tip, None) {
            self.report.take(&fault);
        }
        let text = "a corner must be followed by a feed line in the next block";
        self.report.take(&wrong(&(0..0), text, "take the corner out, or write the line directly behind it"));
    }

    /// Where the corner begins and ends, and its arc; `None` where the lines go straight on.
    fn corner_points(
        &self,
        waiting: &Waiting,
        tip: &Axes,
        target: &Axes,
    ) -> Checked<Option<(Axes, Axes, Option<Arc>)>> {
        let (before, behind) = (distance(&waiting.from, tip), distance(tip, target));
        let span = &waiting.span;
        if before == 0.0 || behind == 0.0 {
            return Err(wrong(span, "a corner needs two lines with a length", "correct the end points"));
        }
        let a: [f64; 3] = std::array::from_fn(|axis| (waiting.from[axis] - tip[axis]) / before);
        let b: [f64; 3] = std::array::from_fn(|axis| (target[axis] - tip[axis]) / behind);
        let dot = (0..3).map(|axis| a[axis] * b[axis]).sum::<f64>().clamp(-1.0, 1.0);
        if dot < SAME_WITHIN - 1.0 {
            return Ok(None);
        }
        if dot > 1.0 - SAME_WITHIN {
            return Err(wrong(span, "the second line goes straight back; there is no corner", "take the corner out"));
        }
        let half = 0.5 * math::acos(dot);
        let reach = match waiting.corner {
            Corner::Round(radius) => radius / math::tan(half),
            Corner::Leg(leg) => leg,
            Corner::Edge(edge) => 0.5 * edge / math::sin(half),
        };
        if reach > before * (1.0 + SAME_WITHIN) || reach > behind * (1.0 + SAME_WITHIN) {
            let text =
                format!("the corner takes {reach:.3} mm of each line; they are {before:.3} and {behind:.3} mm long");
            return Err(wrong(span, &text, "make the corner smaller"));
        }
        let on = |towards: &[f64; 3]| -> Axes {
            std::array::from_fn(|axis| tip[axis] + towards.get(axis).map_or(0.0, |part| part * reach))
        };
        let (first_point, second_point) = (on(&a), on(&b));
        let Corner::Round(radius) = waiting.corner else { return Ok(Some((first_point, second_point, None))) };
        let [first, second, normal] = self.state.plane.axes();
        if a[normal].abs() > SAME_WITHIN || b[normal].abs() > SAME_WITHIN {
            let text = "a corner is rounded in the active plane; these lines leave it";
            return Err(wrong(span, text, "select the plane with G17, G18 or G19"));
        }
        let to_centre = radius / math::sin(half);
        let middle = [a[first] + b[first], a[second] + b[second]];
        let length = math::hypot(middle[0], middle[1]);
        let centre = [tip[first] + middle[0] / length * to_centre, tip[second] + middle[1] / length * to_centre];
        let is_left = a[second] * b[first] - a[first] * b[second] > 0.0;
        let sweep = (std::f64::consts::PI - 2.0 * half) * if is_left { 1.0 } else { -1.0 };
        Ok(Some((first_point, second_point, Some(Arc { centre, sweep, radius }))))
    }

    fn give(&mut self, waiting: &Waiting, end: Axes, arc: Option<Arc>) -> Checked<()> {
        if self.state.compensation.is_active() {
            let now = std::mem::replace(&mut self.report.at, waiting.at);
            let (feed, span) = (waiting.modal.feed, waiting.span.clone());
            let done = match arc {
                None => self.compensated_line(false, &end, feed, span),
                Some(arc) => self.compensated_arc(arc, if arc.sweep > 0.0 { 1 } else { -1 }, &end, feed, span),
            };
            self.report.at = now;
            return done;
        }
        let pose = self.state.pose(&end);
        let call = match arc {
            None => Call::StraightFeed { end: pose },
            Some(Arc { centre: centre_mm, sweep, .. }) => {
                let turns = if sweep > 0.0 { 1 } else { -1 };
                let [first, second, _] = self.state.plane.axes();
                let mut centre = end;
                (centre[first], centre[second]) = (centre_mm[0], centre_mm[1]);
                let machine = self.state.frame.machine(&centre);
                let centre_machine_mm = [machine[0], machine[1], machine[2]];
                Call::ArcFeed { end: pose, plane: self.state.plane, centre_mm, centre_machine_mm, turns }
            }
        };
        self.state.position = end;
        self.append(CanonOp { call, at: waiting.at, modal: waiting.modal });
        Ok(())
    }
}

fn distance(from: &Axes, to: &Axes) -> f64 {
    (0..3).map(|axis| (to[axis] - from[axis]) * (to[axis] - from[axis])).sum::<f64>().sqrt()
}
