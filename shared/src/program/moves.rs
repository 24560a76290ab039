//! Motions of a block: traverses, feeds, arcs, returns to the reference, and the codes that move the frame.

use super::arc::{Arc, NoArc, Tolerance, about, by_radius};
use super::block::letters;
use super::canon::Call;
use super::codes::group;
use super::execute::{AXES, AXIS_LETTERS, Execution};
use super::fault::*;
use super::frame::Axes;
use super::options::Dialect;
use crate::det::math;
use std::ops::Range;

/// Greatest number of turns of one arc.
const TURNS_MAX: u32 = 10_000;
const CENTRE_LETTERS: [u8; 3] = *b"IJK";

impl Execution<'_, '_> {
    /// Value of an axis word in mm or degrees.
    pub(super) fn axis_word(&mut self, axis: usize) -> Checked<Option<f64>> {
        let letter = AXIS_LETTERS[axis];
        let value = if axis < 3 { self.length(letter)? } else { self.block.word(letter) };
        Ok(if axis == 0 && self.state.is_diameter { value.map(|value| value / 2.0) } else { value })
    }

    /// Where the axis words lead, in program coordinates.
    pub(super) fn target(&mut self) -> Checked<Axes> {
        let target = self.programmed_target()?;
        Ok(self.state.local.work(&target))
    }

    /// Where the axis words lead, in the programmed frame.
    pub(super) fn programmed_target(&mut self) -> Checked<Axes> {
        let mut target = self.state.programmed();
        for (axis, place) in target.iter_mut().enumerate() {
            if let Some(value) = self.axis_word(axis)? {
                *place = if self.state.is_incremental { *place + value } else { value };
            }
        }
        if self.state.extras.is_polar() {
            self.polar_input(&mut target)?;
        }
        if self.block.has_polar() {
            if self.block.has(b'X') || self.block.has(b'Y') {
                let span = self.block.span(if self.block.has(b'X') { b'X' } else { b'Y' });
                return Err(Fault::error(MODAL_GROUP, span, "the block has polar words and X or Y", "keep one kind"));
            }
            let from = self.state.programmed();
            [target[0], target[1]] = self.polar(&from)?;
        }
        Ok(target)
    }

    /// Carries out a motion code.
    pub(super) fn motion(&mut self, code: u16) -> Checked<()> {
        let span = self.motion_span();
        if self.state.is_plane_of_uvw && (!matches!(code, 0 | 10) || self.block.has_polar()) {
            let text = "in a plane of U, V and W there are only straight moves";
            return Err(Fault::error(UNSUPPORTED, span, text, "write G17, G18 or G19 before it"));
        }
        let is_machine = self.block.g(group::NON_MODAL) == Some(530);
        if is_machine {
            return self.machine_move(code, span);
        }
        match code {
            0 | 10 => {
                let target = self.target()?;
                self.set_motion(code);
                self.note_straight_move();
                match self.block.corner() {
                    Some((letter, size, at)) => self.comma_corner(code, target, (letter, size), at),
                    None => self.line_to(code, target, span),
                }
            }
            20 | 30 => {
                self.set_motion(code);
                self.arc(code == 20, span)
            }
            50 | 51 => self.spline(code, span),
            52 => self.control_point(span),
            700..=722 => self.turning_cycle(code, span),
            760 => {
                self.note_straight_move();
                self.threading(span)
            }
            330 | 331 => {
                self.note_straight_move();
                self.synchronised(code, span)
            }
            382..=385 => self.probe(code, span),
            _ => self.cycle(code, span),
        }
    }

    /// The motion code where it is written, else the first axis word.
    fn motion_span(&self) -> Range<usize> {
        if self.block.g(group::MOTION).is_some() {
            return self.block.g_span(group::MOTION);
        }
        AXIS_LETTERS.into_iter().find(|letter| self.block.has(*letter)).map_or(0..0, |letter| self.block.span(letter))
    }

    /// G0 or G1 to a place.
    pub(super) fn line_to(&mut self, code: u16, target: Axes, span: Range<usize>) -> Checked<()> {
        if code == 10 && self.state.corner.is_some() {
            self.enter_corner(&target)?;
        }
        let is_compensated = self.state.compensation.is_active();
        self.state.compensation.forget_place();
        let end = self.state.pose(&target);
        if code == 0 {
            if is_compensated {
                let feed = self.state.feed_by_time();
                return self.compensated_line(true, &target, feed, span);
            }
            self.state.position = target;
            self.emit(Call::StraightTraverse { end });
            return Ok(());
        }
        let from = self.state.on_contour();
        let square = |axes: Range<usize>| axes.map(|axis| (target[axis] - from[axis]) * (target[axis] - from[axis]));
        let (length_mm, turn_deg) = (square(0..3).sum::<f64>().sqrt(), square(3..6).sum::<f64>().sqrt());
        let feed = self.feed_of(length_mm, turn_deg, span.clone())?;
        if is_compensated {
            return self.compensated_line(false, &target, Some(feed), span);
        }
        self.state.position = target;
        self.emit_at(Call::StraightFeed { end }, Some(feed));
        Ok(())
    }

    /// G53: axis words are machine coordinates.
    fn machine_move(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        let own = self.block.g_span(group::NON_MODAL);
        let is_strict = self.dialect.is_strict();
        if is_strict && code > 10 {
            return Err(Fault::error(WRONG_MODE, own, "G53 needs G0 or G1", "write G0 or G1 in the block"));
        }
        if is_strict && self.state.is_incremental {
            return Err(Fault::error(WRONG_MODE, own, "G53 cannot be incremental", "write G90 before it"));
        }
        let code = if code == 10 { 10 } else { 0 };
        let mut machine = self.state.frame.machine(&self.state.position);
        for (axis, place) in machine.iter_mut().enumerate() {
            *place = self.axis_word(axis)?.unwrap_or(*place);
        }
        let target = self.state.frame.program(&machine);
        self.set_motion(code);
        self.note_straight_move();
        self.line_to(code, target, span)
    }

    /// G2 and G3.
    fn arc(&mut self, clockwise: bool, span: Range<usize>) -> Checked<()> {
        self.check_arc_after_exit(span.clone())?;
        let target = self.target()?;
        let [first, second, normal] = self.state.plane.axes();
        let (start, end) = (self.state.programmed(), self.state.local.programmed(&target));
        let from = [start[first], start[second]];
        let to = [end[first], end[second]];
        let tolerance = Tolerance::of(self.dialect, self.state.unit.mm());
        let found = if self.block.has(b'R') {
            if self.block.has_any(letters(b"IJK")) {
                return Err(Fault::error(ARC_FORM, span, "the arc has R and a centre", "keep R, or I J K"));
            }
            let radius = self.length(b'R')?.unwrap_or(0.0);
            by_radius(from, to, radius, clockwise, tolerance)
        } else {
            let centre = self.arc_centre([first, second], normal, from, span.clone())?;
            about(from, to, centre, clockwise, tolerance)
        };
        let arc = found.map_err(|reason| no_arc(reason, span.clone()))?;
        let turns = self.block.whole(b'P', 1, TURNS_MAX)?.unwrap_or(1);
        if !self.state.local.is_identity() {
            return self.local_arc(arc, target, turns, span);
        }
        self.emit_arc(arc, target, turns, span)
    }

    /// An arc about a centre to a place, in the plane in force.
    pub(super) fn arc_about(
        &mut self,
        centre: [f64; 2],
        target: Axes,
        clockwise: bool,
        span: Range<usize>,
    ) -> Checked<()> {
        let [first, second, _] = self.state.plane.axes();
        let here = self.state.on_contour();
        let from = [here[first], here[second]];
        let tolerance = Tolerance::of(self.dialect, self.state.unit.mm());
        let found = about(from, [target[first], target[second]], centre, clockwise, tolerance);
        let arc = found.map_err(|reason| no_arc(reason, span.clone()))?;
        self.emit_arc(arc, target, 1, span)
    }

    /// An arc of the work frame.
    pub(super) fn emit_arc(&mut self, arc: Arc, target: Axes, turns: u32, span: Range<usize>) -> Checked<()> {
        let [first, second, normal] = self.state.plane.axes();
        let more = f64::from(turns - 1) * std::f64::consts::TAU;
        let rise = target[normal] - self.state.position[normal];
        let length_mm = math::hypot((arc.sweep.abs() + more) * arc.radius, rise);
        let feed = self.feed_of(length_mm, 0.0, span.clone())?;
        let signed = if arc.sweep < 0.0 { -(turns as i32) } else { turns as i32 };
        if self.state.compensation.is_active() {
            return self.compensated_arc(arc, signed, &target, Some(feed), span);
        }
        let mut centre = target;
        (centre[first], centre[second]) = (arc.centre[0], arc.centre[1]);
        let centre_machine = self.state.frame.machine(&centre);
        let call = Call::ArcFeed {
            end: self.state.pose(&target),
            plane: self.state.plane,
            centre_mm: arc.centre,
            centre_machine_mm: [centre_machine[0], centre_machine[1], centre_machine[2]],
            turns: signed,
        };
        self.state.position = target;
        self.emit_at(call, Some(feed));
        Ok(())
    }

    /// Centre from I, J, K.
    fn arc_centre(&mut self, axes: [usize; 2], normal: usize, from: [f64; 2], span: Range<usize>) -> Checked<[f64; 2]> {
        let strange = CENTRE_LETTERS[normal];
        if self.block.has(strange) {
            if self.dialect.is_strict() {
                let text = format!("{} does not lie in the plane of the arc", char::from(strange));
                return Err(Fault::error(
                    ARC_FORM,
                    self.block.span(strange),
                    text,
                    "select the plane with G17, G18 or G19",
                ));
            }
            self.report.without_effect(strange, u16::MAX, "it does not lie in the plane of the arc");
        }
        let given = axes.map(|axis| self.block.has(CENTRE_LETTERS[axis]));
        if given == [false; 2] {
            let names = axes.map(|axis| char::from(CENTRE_LETTERS[axis]));
            let advice = format!("write {} and {}, or R", names[0], names[1]);
            return Err(Fault::error(ARC_FORM, span, "the arc has neither centre nor radius", advice));
        }
        if self.state.is_arc_absolute && given != [true; 2] {
            return Err(Fault::error(ARC_FORM, span, "G90.1 needs both centre words", "write both"));
        }
        let mut centre = [0.0; 2];
        for index in 0..2 {
            let offset = self.length(CENTRE_LETTERS[axes[index]])?.unwrap_or(0.0);
            centre[index] = if self.state.is_arc_absolute { offset } else { from[index] + offset };
        }
        Ok(centre)
    }

    /// G10, G28, G30, G52, G92.
    pub(super) fn non_modal(&mut self) -> Checked<()> {
        match self.block.g(group::NON_MODAL) {
            Some(code @ (280 | 300)) => self.go_home(usize::from(code == 300)),
            Some(code @ (281 | 301)) => {
                self.state.references[usize::from(code == 301)] = self.state.frame.machine(&self.state.position);
                Ok(())
            }
            Some(520) => self.shift(false),
            Some(920) => self.shift(true),
            Some(53) => self.run_spline(self.block.g_span(group::NON_MODAL)),
            Some(code @ (921 | 922)) => {
                self.state.is_shifted = false;
                if code == 921 {
                    self.state.suspended = [0.0; 6];
                }
                self.state.reframe(|frame| frame.shift = [0.0; 6]);
                Ok(())
            }
            Some(923) => {
                let suspended = self.state.suspended;
                self.state.is_shifted = true;
                self.state.reframe(|frame| frame.shift = suspended);
                Ok(())
            }
            Some(100) => self.set_data(),
            Some(code @ (120 | 130)) => self.circular_pocket(code == 120),
            Some(310) => self.skip_move(),
            _ => Ok(()),
        }
    }

    /// G28 and G30: by way of a point, only the axes that are named; all of them where none is.
    fn go_home(&mut self, which: usize) -> Checked<()> {
        let mut target = self.target()?;
        let by_increment = self.incremental_words(&mut target)?;
        let is_named = self.block.has_any(AXES) || by_increment.contains(&true);
        let by_increment = |axis: usize| by_increment.get(axis).copied().unwrap_or(false);
        let named: [bool; 6] =
            std::array::from_fn(|axis| !is_named || self.block.has(AXIS_LETTERS[axis]) || by_increment(axis));
        self.line_to(0, target, 0..0)?;
        let mut machine = self.state.frame.machine(&target);
        let reference = self.state.references[which];
        for axis in 0..6 {
            if named[axis] {
                machine[axis] = reference[axis];
            }
        }
        let home = self.state.frame.program(&machine);
        self.line_to(0, home, 0..0)
    }

    /// G92 makes the place have the given coordinates; G52 states the shift itself.
    fn shift(&mut self, is_place: bool) -> Checked<()> {
        if !self.block.has_any(AXES) {
            let span = self.block.g_span(group::NON_MODAL);
            return Err(Fault::error(MISSING_WORD, span, "G52 and G92 need an axis word", "write at least one axis"));
        }
        let mut shift = self.state.frame.shift;
        for (axis, amount) in shift.iter_mut().enumerate() {
            if let Some(value) = self.axis_word(axis)? {
                *amount = if is_place { *amount + self.state.position[axis] - value } else { value };
            }
        }
        self.state.suspended = shift;
        self.state.is_shifted = true;
        self.state.reframe(|frame| frame.shift = shift);
        Ok(())
    }

    /// G10 L2 and L20: origin of a work offset, by its value or by what the place shall be called.
    fn set_data(&mut self) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        let kind = self.block.whole(b'L', 0, 99)?;
        if let Some(kind @ (1 | 10 | 11)) = kind.filter(|_| !self.dialect.is_fanuc_like()) {
            return self.set_tool(kind);
        }
        if let Some(kind @ (10..=13 | 20)) = kind.filter(|_| self.dialect.is_fanuc_like()) {
            return self.fanuc_data(kind);
        }
        if !matches!(kind, Some(2 | 20)) {
            let text = "this form of G10 is not simulated";
            return Err(Fault::error(UNSUPPORTED, span, text, "enter tool data in the tool table"));
        }
        let Some(number) = self.block.whole(b'P', 0, 9)? else {
            return Err(Fault::error(
                MISSING_WORD,
                span,
                "G10 needs P, the number of the work offset",
                "write P1 for G54",
            ));
        };
        if number == 0 && self.dialect.is_fanuc_like() {
            let text = "G10 L2 P0 writes the external work offset, which is not simulated";
            return Err(Fault::error(UNSUPPORTED, self.block.span(b'P'), text, "write it into each work offset"));
        }
        if kind == Some(20) && self.dialect == Dialect::Rs274ngc && self.block.has(b'R') {
            return Err(Fault::error(
                UNUSED_WORD,
                self.block.span(b'R'),
                "G10 L20 takes no R",
                "write L2 for a rotation",
            ));
        }
        let index = if number == 0 { usize::from(self.state.work) } else { number as usize - 1 };
        if self.state.compensation.is_on() && index == usize::from(self.state.work) {
            let text = "the active work offset cannot be changed while cutter compensation is on";
            return Err(Fault::error(WRONG_MODE, span, text, "write G40 and a move off the contour before it"));
        }
        let mut origin = self.state.work_offsets[index];
        let rotation_deg = self.block.word(b'R').unwrap_or(self.state.rotations_deg[index]);
        if kind == Some(20) {
            origin = self.origin_of_here(index)?;
        } else {
            for (axis, amount) in origin.iter_mut().enumerate() {
                let Some(value) = self.axis_word(axis)? else { continue };
                let adds = self.state.is_incremental && self.dialect.is_fanuc_like();
                *amount = if adds { *amount + value } else { value };
            }
        }
        self.state.work_offsets[index] = origin;
        self.state.rotations_deg[index] = rotation_deg;
        if index == usize::from(self.state.work) {
            self.state.activate_work(self.state.work);
        }
        Ok(())
    }

    /// The origin at which the place where the axes stand has the coordinates of the axis words in a work offset:
    /// it moves along the axes of that offset.
    fn origin_of_here(&mut self, index: usize) -> Checked<Axes> {
        let machine = self.state.frame.machine(&self.state.position);
        let mut frame = self.state.frame;
        frame.origin = self.state.work_offsets[index];
        frame.rotate(self.state.rotations_deg[index]);
        let (at, mut step) = (frame.program(&machine), [0.0; 6]);
        for (axis, step) in step.iter_mut().enumerate() {
            if let Some(value) = self.axis_word(axis)? {
                *step = at[axis] - value;
            }
        }
        let step = frame.turned(&step, true);
        Ok(std::array::from_fn(|axis| frame.origin[axis] + step[axis]))
    }
}

/// A reason an arc is impossible, in words.
pub(super) fn no_arc(reason: NoArc, span: Range<usize>) -> Box<Fault> {
    let (text, advice) = match reason {
        NoArc::Radii(start, end) => (
            format!("the radius is {start:.4} mm at the start and {end:.4} mm at the end of the arc"),
            "correct the end point or the centre words; check whether the centre is absolute (G90.1)",
        ),
        NoArc::NoRadius => ("the centre of the arc lies on its start or end".to_owned(), "correct the centre words"),
        NoArc::TooShort(half) => (
            format!("R is shorter than half the distance to the end, {half:.4} mm"),
            "raise R or correct the end point",
        ),
        NoArc::SamePoint => ("the end of an arc by radius is its start".to_owned(), "write I J K for a full circle"),
    };
    Fault::error(ARC_RADIUS, span, text, advice)
}
