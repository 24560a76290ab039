//! Moves along the contour: each is joined to the one that is held back.

use super::super::arc::Arc;
use super::super::execute::Execution;
use super::super::fault::*;
use super::super::frame::Axes;
use super::corner::{
    Corner, FLAT_RAD, NextArc, NoCorner, angle, arc_arc, arc_bend, arc_line, at, distance, line_arc, line_bend,
    line_line, sort, sweep,
};
use super::entry::too_small;
use super::queue::{HeldArc, Motion};
use super::{Point, gouge};
use crate::units::Feedrate;
use std::f64::consts::{FRAC_PI_2, PI};
use std::ops::Range;

impl Execution<'_, '_> {
    /// G0 or G1 while compensation changes moves.
    pub(in super::super) fn compensated_line(
        &mut self,
        is_rapid: bool,
        target: &Axes,
        feed: Option<Feedrate>,
        span: Range<usize>,
    ) -> Checked<()> {
        if self.state.compensation.contour.is_none() {
            return self.enter_by_line(is_rapid, target, feed, span);
        }
        let (corner, to) = (self.state.in_plane(&self.state.programmed()), self.state.in_plane(target));
        let here = self.state.in_plane(&self.state.position);
        if to == corner {
            let standing = Motion::Line { is_rapid, direction: [0.0; 2] };
            self.hold_move(standing, here, target, feed);
            self.arrive(here, target);
            return Ok(());
        }
        let (side, radius) = (self.state.compensation.side(), self.state.compensation.radius_mm);
        let (to_cutter, outgoing) = (angle(corner, here), angle(corner, to));
        let bend = line_bend(side, to_cutter, outgoing);
        let beside = outgoing + side.quarter();
        let held = self.held_arc();
        let is_arch = held.is_some_and(|arc| !side.is_inside(arc.turns));
        match sort(bend, bend > PI - FLAT_RAD, is_arch) {
            Corner::Convex => {
                self.release_at(here)?;
                self.go_round(is_rapid, corner, at(corner, radius, beside), target, feed);
            }
            Corner::Concave => {
                let meeting = match held {
                    None => line_line(side, here, to_cutter, bend, radius)
                        .ok_or_else(|| gouge("the contour turns straight back in an inner corner"))?,
                    Some(arc) => arc_line(side, arc, corner, outgoing, radius)
                        .ok_or_else(|| gouge("the cutter does not fit into the corner of an arc and a line"))?,
                };
                self.join_at(meeting, &span)?;
            }
            Corner::Smooth => self.go_on_from(here),
        }
        let end = at(to, radius, beside);
        let direction = [to[0] - corner[0], to[1] - corner[1]];
        self.hold_move(Motion::Line { is_rapid, direction }, end, target, feed);
        self.arrive(end, target);
        Ok(())
    }

    /// G2 or G3 while compensation changes moves; `arc` is the one of the contour.
    pub(in super::super) fn compensated_arc(
        &mut self,
        arc: Arc,
        turns: i32,
        target: &Axes,
        feed: Option<Feedrate>,
        span: Range<usize>,
    ) -> Checked<()> {
        if self.state.compensation.contour.is_none() {
            return self.enter_by_arc(arc, turns, target, feed, span);
        }
        let (corner, to) = (self.state.in_plane(&self.state.programmed()), self.state.in_plane(target));
        let here = self.state.in_plane(&self.state.position);
        let (side, radius) = (self.state.compensation.side(), self.state.compensation.radius_mm);
        let next = NextArc { centre: arc.centre, radius: distance(arc.centre, to), turns };
        let is_inside = side.is_inside(turns);
        if is_inside && next.radius <= radius {
            return Err(too_small(span));
        }
        let inwards = angle(corner, arc.centre);
        let tangent = if turns > 0 { inwards - FRAC_PI_2 } else { inwards + FRAC_PI_2 };
        let to_cutter = angle(corner, here);
        let bend = arc_bend(side, to_cutter, tangent);
        let beside = |inwards: f64| if is_inside { inwards } else { inwards + PI };
        match sort(bend, (bend - PI).abs() < FLAT_RAD, !is_inside) {
            Corner::Convex => {
                self.release();
                let start = at(corner, radius, beside(inwards));
                self.go_round(false, corner, start, target, feed);
            }
            Corner::Concave => {
                let incoming = to_cutter - side.quarter();
                let meeting = match self.held_arc() {
                    None => line_arc(side, incoming, bend, next, radius)
                        .ok_or_else(|| gouge("the cutter does not fit into the corner of a line and an arc"))?,
                    Some(held) => arc_arc(side, held, next, radius).map_err(|reason| {
                        gouge(match reason {
                            NoCorner::SameCentre => "two arcs that follow each other have the same centre",
                            NoCorner::DoNotMeet => "the cutter does not fit into the corner of two arcs",
                        })
                    })?,
                };
                self.join_at(meeting, &span)?;
            }
            Corner::Smooth => self.go_on_from(here),
        }
        let outwards = if is_inside { angle(to, arc.centre) } else { angle(arc.centre, to) };
        let end = at(to, radius, outwards);
        let own = sweep(corner, arc.centre, turns, to);
        self.hold_move(Motion::Arc { centre: arc.centre, turns, sweep: own }, end, target, feed);
        self.arrive(end, target);
        Ok(())
    }

    fn held_arc(&self) -> Option<HeldArc> {
        let [first, second, _] = self.state.plane.axes();
        self.state.compensation.queue.arc([first, second])
    }

    /// No corner: the held moves are good as they are.
    fn go_on_from(&mut self, here: Point) {
        self.release();
        self.state.compensation.queue.anchor = Some(here);
    }

    /// An inner corner: the held moves end where the next one begins. Behind a stop there are none, and the
    /// cutter has been driven into the contour; LinuxCNC accepts that.
    fn join_at(&mut self, meeting: Point, span: &Range<usize>) -> Checked<()> {
        if self.state.compensation.queue.is_empty() {
            let text = "a stop stands in an inner corner: the cutter has cut into the contour there";
            let fault = Fault::error(GOUGE, span.clone(), text, "write the stop elsewhere");
            self.report.take(&fault.with(super::super::Severity::Warning));
        }
        self.release_at(meeting)
    }

    /// An outer corner: an arc about it, or for a traverse a line, since no arc is rapid. Turning axes move
    /// with it, the others wait for the move itself.
    fn go_round(&mut self, is_rapid: bool, corner: Point, to: Point, target: &Axes, feed: Option<Feedrate>) {
        let motion = if is_rapid {
            Motion::Line { is_rapid, direction: [0.0; 2] }
        } else {
            let turns = if self.state.compensation.side().quarter() > 0.0 { -1 } else { 1 };
            Motion::Arc { centre: corner, turns, sweep: 0.0 }
        };
        let rest = self.state.with_rotary_of(target);
        self.hold_move(motion, to, &rest, feed);
        self.release();
        self.state.compensation.queue.anchor = Some(to);
    }
}

impl super::State {
    /// Where the tool stands, with the turning axes of another place.
    pub(super) fn with_rotary_of(&self, target: &Axes) -> Axes {
        std::array::from_fn(|axis| if axis < 3 { self.position[axis] } else { target[axis] })
    }
}
