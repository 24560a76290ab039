//! The first move after G41 or G42: it ends beside its end point.

use super::super::arc::Arc;
use super::super::execute::Execution;
use super::super::fault::*;
use super::super::frame::Axes;
use super::corner::{angle, at, distance, sweep};
use super::queue::Motion;
use crate::det::math;
use crate::units::Feedrate;
use std::ops::Range;

/// A half chord at a right angle to the radius has no circle through both its ends.
const COSINE_MIN: f64 = 1e-6;

impl Execution<'_, '_> {
    /// A straight entry: the cutter ends a radius beside the end point, square to the move as it is written.
    pub(super) fn enter_by_line(
        &mut self,
        is_rapid: bool,
        target: &Axes,
        feed: Option<Feedrate>,
        span: Range<usize>,
    ) -> Checked<()> {
        let (here, to) = (self.state.in_plane(&self.state.position), self.state.in_plane(target));
        let radius = self.state.compensation.radius_mm;
        let length = distance(here, to);
        if length <= radius {
            let text = format!(
                "the entry move into cutter compensation is {length:.4} mm long, no longer than the radius of the cutter, {radius:.4} mm"
            );
            return Err(Fault::error(ENTRY, span, text, "start farther from the contour"));
        }
        let beside = angle(here, to) + self.state.compensation.side().quarter();
        let end = at(to, radius, beside);
        self.state.compensation.queue.anchor = Some(here);
        // The direction is the one to the cutter: the end of an entry move may wander along the contour.
        let direction = [math::cos(beside), math::sin(beside)];
        self.hold_move(Motion::Line { is_rapid, direction }, end, target, feed);
        self.arrive(end, target);
        Ok(())
    }

    /// An entry by an arc: it ends beside its end point, tangent to the contour there; its radius follows.
    pub(super) fn enter_by_arc(
        &mut self,
        arc: Arc,
        turns: i32,
        target: &Axes,
        feed: Option<Feedrate>,
        span: Range<usize>,
    ) -> Checked<()> {
        let (here, to) = (self.state.in_plane(&self.state.position), self.state.in_plane(target));
        let (side, radius) = (self.state.compensation.side(), self.state.compensation.radius_mm);
        if distance(here, to) <= radius {
            let text = "the entry arc into cutter compensation is no longer than the radius of the cutter";
            return Err(Fault::error(ENTRY, span, text, "start farther from the contour"));
        }
        let is_inside = side.is_inside(turns);
        if is_inside && distance(arc.centre, here) <= radius {
            return Err(too_small(span));
        }
        let beside = if is_inside { angle(to, arc.centre) } else { angle(arc.centre, to) };
        let end = at(to, radius, beside);
        // The centre lies on the radius of the written arc at its end, equally far from start and end.
        let towards = angle(end, arc.centre);
        let half = 0.5 * distance(here, end);
        let cosine = math::cos(angle(end, here) - towards);
        if cosine.abs() < COSINE_MIN {
            return Err(too_small(span));
        }
        let centre = at(end, half / cosine, towards);
        if !matches!(self.state.compensation.orientation, 0 | 9) {
            // The origin of a lathe tool is not its centre: it moves there first, or the arc is none.
            let standing = Motion::Line { is_rapid: false, direction: [0.0; 2] };
            let rest = self.state.with_rotary_of(target);
            self.hold_move(standing, here, &rest, feed);
            self.state.compensation.queue.anchor = Some(here);
        }
        let motion = Motion::Arc { centre, turns, sweep: sweep(here, centre, turns, end) };
        self.hold_move(motion, end, target, feed);
        self.arrive(end, target);
        Ok(())
    }

    /// The cutter stands at `place` beside the point of the contour.
    pub(super) fn arrive(&mut self, place: [f64; 2], contour: &Axes) {
        self.state.position = self.state.with_plane(contour, place);
        self.state.compensation.contour = Some([contour[0], contour[1], contour[2]]);
    }
}

/// The cutter does not fit into an arc.
pub(super) fn too_small(span: Range<usize>) -> Box<Fault> {
    let text = "the radius of the arc is no greater than that of the cutter";
    Fault::error(GOUGE, span, text, "take a smaller cutter, or a greater radius")
}
