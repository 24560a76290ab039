//! Motion: where the words of a block lead, and along what.

use super::super::arc::{Arc, Tolerance, about, by_radius};
use super::super::corner::Corner;
use super::super::fault::*;
use super::super::frame::Axes;
use super::super::interpreter::Interpreter;
use super::super::moves::no_arc;
use super::words::{Mode, Word, Words};
use crate::det::math;
use std::ops::Range;

const AXES: [&str; 6] = ["X", "Y", "Z", "A", "B", "C"];
const CENTRE: [&str; 3] = ["I", "J", "K"];
const COORDINATE_MAX_MM: f64 = 1e9;
const TURNS_MAX: f64 = 10_000.0;

impl Interpreter<'_> {
    /// The motion of a block. True where there was one.
    pub(super) fn path_of(&mut self, words: &Words) -> Checked<bool> {
        if let Some((code, span)) = words.g.iter().find(|(code, _)| matches!(code, 110..=112)) {
            self.set_pole(*code, words, span.clone())?;
            return Ok(false);
        }
        let motion = self.state.motion.unwrap_or(10);
        let is_circle = motion >= 20 && words.has_any(&["I", "J", "K", "CR", "AR"]);
        if let Some(word) = ["A2", "B2", "C2", "A3", "B3", "C3"].iter().find_map(|address| words.get(address)) {
            let text = "a direction of the tool needs the kinematics of the machine to become angles of its axes";
            return Err(Fault::error(UNSUPPORTED, word.span.clone(), text, "let the post write the rotary axes"));
        }
        if !words.has_any(&AXES) && !words.has_any(&["AP", "RP"]) && !is_circle {
            return Ok(false);
        }
        let span = words
            .all()
            .iter()
            .find(|word| AXES.contains(&word.address.as_str()))
            .map_or(0..0, |word| word.span.clone());
        if self.is_machine_block(words) {
            return self.machine_place(words, motion, span).map(|()| true);
        }
        let target = self.place(words)?;
        if motion >= 20 {
            self.arc_of(words, motion == 20, target, span)?;
            return Ok(true);
        }
        let work = self.state.local.work(&target);
        let corner = self.corner_of(words)?;
        self.state.forced = None;
        match corner {
            Some(corner) if motion == 10 => self.execution().line_to_corner(work, corner, span)?,
            Some(_) => {
                let text = "a corner can be rounded between feed lines only";
                return Err(Fault::error(UNSUPPORTED, span, text, "write it in a block of G1"));
            }
            None => self.execution().line_to(motion, work, span)?,
        }
        Ok(true)
    }

    /// SUPA, G53, G153: without work offset and frames, with the length of the tool.
    fn machine_place(&mut self, words: &Words, motion: u16, span: Range<usize>) -> Checked<()> {
        let tool = self.state.frame.tool;
        let mut machine = self.state.frame.machine(&self.state.on_contour());
        for (axis, place) in machine.iter_mut().enumerate() {
            if let Some(word) = words.get(AXES[axis]) {
                *place = self.coordinate(word, axis)? + tool[axis];
            }
        }
        let target = self.state.frame.program(&machine);
        if motion >= 20 {
            return Err(Fault::error(WRONG_MODE, span, "SUPA needs G0 or G1", "write G0 or G1 in the block"));
        }
        self.state.forced = None;
        self.execution().line_to(motion, target, span)
    }

    /// A word in mm or degrees.
    fn coordinate(&mut self, word: &Word, axis: usize) -> Checked<f64> {
        let value = word.number()?;
        let scaled = if axis < 3 {
            self.note_unit(word.span.clone());
            value * self.state.unit.mm()
        } else {
            value
        };
        if scaled.abs() > COORDINATE_MAX_MM {
            let text = format!("{}{value} lies beyond {COORDINATE_MAX_MM:e} mm", word.address);
            return Err(Fault::error(OUT_OF_RANGE, word.span.clone(), text, "check the number"));
        }
        Ok(scaled)
    }

    /// Says once that the unit was assumed.
    fn note_unit(&mut self, span: Range<usize>) {
        if !self.report.facts.units_said.is_empty() || self.report.facts.unit_assumed {
            return;
        }
        self.report.facts.unit_assumed = true;
        let text = format!("the program has not said G70, G71, G700 or G710; one is {} mm", self.state.unit.mm());
        let advice = "write G71 or G710 at its beginning, or state the machine's unit";
        let note = || Fault::error(UNIT_ASSUMED, span, text, advice).with(super::super::Severity::Note);
        self.report.once(0, note, UNIT_ASSUMED);
    }

    /// A length by its address, mm.
    fn length_word(&mut self, words: &Words, address: &str) -> Checked<Option<f64>> {
        words.get(address).map(|word| self.coordinate(word, 0)).transpose()
    }

    /// Where the words lead, in the programmed frame.
    fn place(&mut self, words: &Words) -> Checked<Axes> {
        let mut place = self.state.programmed();
        for axis in 0..6 {
            let Some(word) = words.get(AXES[axis]) else { continue };
            let value = self.coordinate(word, axis)?;
            let is_incremental = match word.mode {
                Mode::Modal => self.state.is_incremental,
                mode => mode == Mode::Incremental,
            };
            place[axis] = if is_incremental { place[axis] + value } else { value };
        }
        if !words.has_any(&["AP", "RP"]) {
            return Ok(place);
        }
        let [first, second, _] = self.state.plane.axes();
        for (index, address) in ["RP", "AP"].into_iter().enumerate() {
            let Some(word) = words.get(address) else { continue };
            let value = if index == 0 { self.coordinate(word, 0)? } else { word.number()? };
            let before = self.siemens.polar[index];
            self.siemens.polar[index] = if word.mode == Mode::Incremental { before + value } else { value };
        }
        let ([distance, angle_deg], pole) = (self.siemens.polar, self.siemens.pole);
        let (sin, cos) = math::sin_cos(angle_deg.to_radians());
        (place[first], place[second]) = (pole[0] + distance * cos, pole[1] + distance * sin);
        Ok(place)
    }

    /// G110: from where the tool stands. G111: from the origin. G112: from the last pole.
    fn set_pole(&mut self, code: u16, words: &Words, span: Range<usize>) -> Checked<()> {
        let [first, second, _] = self.state.plane.axes();
        let here = self.state.programmed();
        let base = match code {
            110 => [here[first], here[second]],
            111 => [0.0; 2],
            _ => self.siemens.pole,
        };
        if words.has_any(&["AP", "RP"]) {
            return Err(Fault::error(
                UNSUPPORTED,
                span,
                "a pole in polar coordinates is not simulated",
                "write X and Y",
            ));
        }
        for (index, axis) in [first, second].into_iter().enumerate() {
            let value = words.get(AXES[axis]).map(|word| self.coordinate(word, axis)).transpose()?;
            self.siemens.pole[index] = base[index] + value.unwrap_or(0.0);
        }
        Ok(())
    }

    /// RND, CHR and CHF.
    fn corner_of(&mut self, words: &Words) -> Checked<Option<Corner>> {
        if let Some(radius) = self.length_word(words, "RND")? {
            return Ok(Some(Corner::Round(radius)));
        }
        if let Some(leg) = self.length_word(words, "CHR")? {
            return Ok(Some(Corner::Leg(leg)));
        }
        Ok(self.length_word(words, "CHF")?.map(Corner::Edge))
    }

    fn arc_of(&mut self, words: &Words, clockwise: bool, target: Axes, span: Range<usize>) -> Checked<()> {
        let [first, second, _] = self.state.plane.axes();
        let start = self.state.programmed();
        let (from, mut to) = ([start[first], start[second]], [target[first], target[second]]);
        let tolerance = Tolerance::of(self.dialect, self.state.unit.mm());
        let opening = words.number("AR")?;
        let has_centre = words.has_any(&[CENTRE[first], CENTRE[second]]);
        let arc = if let Some(radius) = self.length_word(words, "CR")? {
            by_radius(from, to, radius, clockwise, tolerance)
        } else if has_centre {
            let centre = self.centre_of(words, [first, second], from)?;
            if let Some(opening) = opening {
                let angle = if clockwise { -opening } else { opening };
                let (sin, cos) = math::sin_cos(angle.to_radians());
                let away = [from[0] - centre[0], from[1] - centre[1]];
                to = [centre[0] + away[0] * cos - away[1] * sin, centre[1] + away[0] * sin + away[1] * cos];
            }
            about(from, to, centre, clockwise, tolerance)
        } else if let Some(opening) = opening.filter(|opening| *opening > 0.0 && *opening < 360.0) {
            let half = 0.5 * math::hypot(to[0] - from[0], to[1] - from[1]);
            let radius = half / math::sin((0.5 * opening).to_radians());
            by_radius(from, to, if opening > 180.0 { -radius } else { radius }, clockwise, tolerance)
        } else {
            let advice = "write I and J, or CR=";
            return Err(Fault::error(ARC_FORM, span, "the arc has neither centre nor radius", advice));
        };
        let arc = arc.map_err(|reason| no_arc(reason, span.clone()))?;
        let turns = words.number("TURN")?.unwrap_or(0.0);
        if turns.fract() != 0.0 || !(0.0..TURNS_MAX).contains(&turns) {
            let text = format!("TURN={turns} is no count of turns");
            return Err(Fault::error(OUT_OF_RANGE, span, text, "write a whole number from 0 to 999"));
        }
        let mut end = target;
        (end[first], end[second]) = (to[0], to[1]);
        self.give_arc(arc, end, turns as u32 + 1, span)
    }

    fn give_arc(&mut self, arc: Arc, end: Axes, turns: u32, span: Range<usize>) -> Checked<()> {
        let work = self.state.local.work(&end);
        self.state.forced = None;
        if self.state.local.is_identity() {
            self.execution().emit_arc(arc, work, turns, span)
        } else {
            self.execution().local_arc(arc, work, turns, span)
        }
    }

    /// I, J, K: from the start of the arc, with AC from the origin.
    fn centre_of(&mut self, words: &Words, axes: [usize; 2], from: [f64; 2]) -> Checked<[f64; 2]> {
        let mut centre = from;
        for (index, axis) in axes.into_iter().enumerate() {
            let Some(word) = words.get(CENTRE[axis]) else { continue };
            let value = self.coordinate(word, 0)?;
            centre[index] = if word.mode == Mode::Absolute { value } else { from[index] + value };
        }
        Ok(centre)
    }
}
