//! What a block does, in the order of RS274/NGC.
//!
//! The order of words in a block has no meaning; the order of *actions* is fixed: feed mode, F, S, T, tool
//! change, spindle, coolant, overrides, dwell, plane, units, cutter compensation, tool length, work offset,
//! path mode, distance mode, return mode, the non-modal codes, motion, stop (NISTIR 6556, table 8).

use super::block::{Block, letters};
use super::canon::{Call, CanonOp, PathMode, Plane, StopKind};
use super::codes::{group, m_group};
use super::fault::*;
use super::flow::Called;
use super::lathe::Turning;
use super::options::{Dialect, Options};
use super::report::Report;
use super::state::{State, Sticky};
use crate::machine::LengthUnit;
use crate::units::{Feedrate, Seconds};
use std::collections::VecDeque;

/// X, Y, Z, A, B, C in the order of [`super::frame::Axes`].
pub(super) const AXIS_LETTERS: [u8; 6] = *b"XYZABC";
pub(super) const AXES: u32 = letters(&AXIS_LETTERS);
/// Coordinates beyond this many mm are refused, so that no sum or square of them overflows.
const COORDINATE_MAX_MM: f64 = 1e9;
/// Greatest number of a program or line.
const PROGRAM_MAX: u32 = 99_999_999;
/// Longest dwell in s: a day.
const DWELL_MAX_S: f64 = 86_400.0;

/// What comes after the block.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// The next line.
    Next,
    /// M97, M98, G65.
    Call(Called),
    /// M99, to the line behind the call or to a numbered one.
    Return(Option<u32>),
    /// Nothing: M2, M30.
    End,
}

/// Holes of a cycle block that are still to be drilled.
pub(super) type Pending = Option<super::cycle::Holes>;

/// One block at work on the state.
pub(super) struct Execution<'x, 'a> {
    pub(super) block: &'x Block,
    pub(super) state: &'x mut State,
    pub(super) report: &'x mut Report<'a>,
    pub(super) ready: &'x mut VecDeque<CanonOp>,
    pub(super) holes: &'x mut Pending,
    pub(super) turning: &'x mut Option<Turning>,
    pub(super) options: &'x Options,
    pub(super) dialect: Dialect,
}

impl Execution<'_, '_> {
    /// Carries the block out.
    ///
    /// # Errors
    /// The first thing the control would refuse; operations already made stay, the motion is not made.
    pub(super) fn run(&mut self) -> Checked<After> {
        if self.block.g(group::NON_MODAL) == Some(650) {
            return self.macro_call();
        }
        if self.block.g(group::MODAL_CALL) == Some(660) {
            return self.take_modal_call();
        }
        self.check_repeats()?;
        let motion = self.motion_of_block()?;
        self.check_words(motion)?;
        for (letter, code, reason) in self.block.inert() {
            self.report.without_effect(*letter, *code, reason);
        }
        self.check_before_compensation()?;
        self.feed_mode();
        self.feed(motion)?;
        self.speed_mode()?;
        self.speed()?;
        self.tool()?;
        self.signals()?;
        self.spindle_and_coolant()?;
        self.overrides()?;
        self.dwell()?;
        self.plane_and_units();
        self.cutter_compensation()?;
        self.check_after_compensation(motion)?;
        self.tool_length()?;
        self.modes()?;
        self.fanuc_modes()?;
        self.non_modal()?;
        if let Some(code) = motion {
            self.state.forced = None;
            self.motion(code)?;
        }
        match self.stop()? {
            After::Next => Ok(self.after_motion(motion.is_some())),
            after => Ok(after),
        }
    }

    /// A second I, J or K is an argument of G65 or G66 and of nothing else.
    fn check_repeats(&self) -> Checked<()> {
        let Some((start, letter, _)) = self.block.repeats().first() else { return Ok(()) };
        let text = format!("the block has two {} words", char::from(*letter));
        Err(Fault::error(REPEATED_WORD, *start..start + 1, text, "keep one of them, or write two blocks"))
    }

    /// Appends an operation made under the feed in force.
    pub(super) fn emit(&mut self, call: Call) {
        let feed = self.state.feed_by_time();
        self.emit_at(call, feed);
    }

    /// Appends an operation with the feed of its move.
    pub(super) fn emit_at(&mut self, call: Call, feed: Option<Feedrate>) {
        if self.state.corner.is_some() {
            self.leave_corner();
        }
        self.append(CanonOp { call, at: self.report.at, modal: self.state.modal(feed) });
    }

    /// A word that is a length, in mm.
    pub(super) fn length(&mut self, letter: u8) -> Checked<Option<f64>> {
        let Some(value) = self.block.word(letter) else { return Ok(None) };
        self.check_unit(letter, value);
        let length_mm = value * self.state.unit.mm();
        if length_mm.abs() > COORDINATE_MAX_MM {
            return Err(Fault::error(
                OUT_OF_RANGE,
                self.block.span(letter),
                format!("{}{value} lies beyond {COORDINATE_MAX_MM:e} mm", char::from(letter)),
                "check the number for a missing decimal point",
            ));
        }
        Ok(Some(length_mm))
    }

    /// Says once that the unit was assumed, or that a number without a point may be read otherwise.
    fn check_unit(&mut self, letter: u8, value: f64) {
        let span = self.block.span(letter);
        if self.report.facts.units_said.is_empty() && !self.report.facts.unit_assumed {
            self.report.facts.unit_assumed = true;
            let (unit, code) = unit_words(self.state.unit);
            let span = span.clone();
            let note = || {
                let text = format!("the program has not said G20 or G21; lengths are read in {unit}");
                let advice = format!("write {code} at its beginning, or state the machine's unit");
                Fault::error(UNIT_ASSUMED, span, text, advice).with(super::Severity::Note)
            };
            self.report.once(0, note, UNIT_ASSUMED);
        }
        if self.dialect.is_fanuc_like() && !self.block.has_point(letter) && value != 0.0 {
            let note = || {
                let text = format!("{}{value} has no decimal point; it is read as {value} units", char::from(letter));
                let advice = "some controls are set to read the least increment here; write the point to be sure";
                Fault::error(ASSUMED, span, text, advice).with(super::Severity::Note)
            };
            self.report.once(1, note, ASSUMED);
        }
    }

    /// The motion this block makes: its own code, or the modal one if it has axis words.
    fn motion_of_block(&mut self) -> Checked<Option<u16>> {
        let own = self.block.g(group::MOTION);
        // A full circle under a modal G2 or G3 may be written by its centre alone.
        let is_circle = matches!(self.state.motion, Some(20 | 30)) && self.block.has_any(letters(b"IJK"));
        let has_axes = self.block.has_any(AXES) || is_circle || self.block.has_polar();
        let non_modal = self.block.g(group::NON_MODAL);
        let length = self.block.g(group::LENGTH);
        let moves_frame = [group::SCALING, group::MIRROR, group::ROTATION];
        let moves_frame =
            moves_frame.into_iter().any(|group| matches!(self.block.g(group), Some(501 | 510 | 511 | 680)));
        let takes_axes = matches!(non_modal, Some(100 | 120 | 130 | 280 | 300 | 310 | 520 | 920))
            || moves_frame
            || (non_modal == Some(40) && self.dialect.is_fanuc_like())
            || length == Some(431)
            || (length == Some(432) && !self.block.has(b'H'));
        if takes_axes {
            if let Some(code) = own.filter(|code| *code != 800) {
                if self.dialect.is_strict() {
                    return Err(Fault::error(
                        MODAL_GROUP,
                        self.block.g_span(group::MOTION),
                        "two codes of the block use its axis words",
                        "write two blocks",
                    ));
                }
                self.set_motion(code);
            } else if own.is_some() {
                self.end_cycle();
            }
            return Ok(None);
        }
        if own == Some(800) {
            self.end_cycle();
            return if has_axes { self.without_code() } else { Ok(None) };
        }
        match own {
            Some(code) => Ok(Some(code)),
            None if !has_axes => Ok(None),
            None if self.state.motion.is_some() => Ok(self.state.motion),
            None => self.without_code(),
        }
    }

    /// Axis words, and no motion code in force.
    fn without_code(&mut self) -> Checked<Option<u16>> {
        let first = AXIS_LETTERS.into_iter().find(|letter| self.block.has(*letter)).unwrap_or(b'X');
        let span = self.block.span(first);
        if self.block.g(group::NON_MODAL) == Some(530) && !self.dialect.is_strict() {
            return Ok(Some(0));
        }
        if self.dialect.is_fanuc_like()
            && let Some(code) = self.state.line_motion
        {
            return Ok(Some(code));
        }
        if self.dialect.is_strict() || self.state.motion.is_some() {
            return Err(Fault::error(
                NO_MOTION,
                span,
                "the block has axis words and no motion code is in force",
                "write G0, G1, G2, G3 or a cycle in this block",
            ));
        }
        let note = || {
            Fault::error(ASSUMED, span, "no motion code is in force; the move is read as G0", "write G0 or G1")
                .with(super::Severity::Warning)
        };
        self.report.once(2, note, ASSUMED);
        Ok(Some(0))
    }

    fn end_cycle(&mut self) {
        self.state.motion = if self.dialect.is_fanuc_like() { self.state.line_motion } else { None };
        self.state.sticky = Sticky::default();
    }

    /// Makes a motion code modal.
    pub(super) fn set_motion(&mut self, code: u16) {
        if code <= 30 {
            self.state.line_motion = Some(code);
        }
        if code != 50 {
            self.state.spline_end = [0.0; 2];
        }
        if !super::cycle::is_cycle(code) {
            self.state.sticky = Sticky::default();
        }
        self.state.motion = Some(code);
    }

    pub(super) fn out_of_range(&self, letter: u8, value: f64, advice: &str) -> Box<Fault> {
        let text = format!("{}{value} is out of range", char::from(letter));
        Fault::error(OUT_OF_RANGE, self.block.span(letter), text, advice)
    }

    fn spindle_and_coolant(&mut self) -> Checked<()> {
        match self.block.m(m_group::SPINDLE) {
            Some(code @ 3..=5) => {
                let direction = match code {
                    3 => 1,
                    4 => -1,
                    _ => 0,
                };
                self.state.spindle.direction = direction;
                self.emit(Call::SetSpindleDirection { direction });
            }
            Some(19) => self.orient()?,
            Some(code) => self.save_and_restore(code)?,
            None => {}
        }
        if let Some(code) = self.block.m(m_group::COOLANT) {
            match code {
                7 => self.state.has_mist = true,
                8 => self.state.has_flood = true,
                _ => (self.state.has_mist, self.state.has_flood) = (false, false),
            }
            let on = self.state.has_mist || self.state.has_flood;
            self.emit(Call::Coolant { on });
        }
        Ok(())
    }

    fn overrides(&mut self) -> Checked<()> {
        let Some(code) = self.block.m(m_group::OVERRIDE) else { return Ok(()) };
        let is_off = self.block.word(b'P') == Some(0.0);
        match code {
            48 => {
                self.state.override_disabled = [false; 3];
                self.state.speed_override_off = false;
            }
            49 => self.state.override_disabled[0] = true,
            50 => self.state.override_disabled[1] = is_off,
            52 => {
                self.state.override_disabled[2] = is_off;
                self.state.is_adaptive = !is_off;
            }
            51 => self.state.speed_override_off = is_off,
            _ => self.state.feed_hold_off = is_off,
        }
        match code {
            48..=50 | 52 => {}
            _ => self.report.without_effect(b'M', code * 10, "spindle override and feed hold are not planned"),
        }
        Ok(())
    }

    /// M70 to M73.
    fn save_and_restore(&mut self, code: u16) -> Checked<()> {
        match code {
            70 | 73 => {
                self.state.saved = Some(self.state.save());
                self.state.restores |= code == 73;
            }
            71 => self.state.saved = None,
            _ if self.state.saved.is_none() => {
                let span = self.block.m_span(m_group::SPINDLE);
                return Err(Fault::error(
                    WRONG_MODE,
                    span,
                    "M72 finds nothing saved here",
                    "write M70 or M73 before it",
                ));
            }
            _ => self.restore(),
        }
        Ok(())
    }

    /// Brings the saved state back; spindle and coolant by operations, where they changed.
    pub(super) fn restore(&mut self) {
        let Some(saved) = self.state.saved else { return };
        self.state.restore(&saved);
        if let Some(speed) = saved.spindle.speed.filter(|_| saved.spindle.speed != self.state.spindle.speed) {
            self.state.spindle.speed = Some(speed);
            self.emit(Call::SetSpindleSpeed { speed });
        }
        self.turn_spindle(saved.spindle.direction);
        if (self.state.has_mist, self.state.has_flood) != (saved.has_mist, saved.has_flood) {
            (self.state.has_mist, self.state.has_flood) = (saved.has_mist, saved.has_flood);
            self.emit(Call::Coolant { on: saved.has_mist || saved.has_flood });
        }
    }

    fn dwell(&mut self) -> Checked<()> {
        if self.block.g(group::NON_MODAL) != Some(40) {
            return Ok(());
        }
        let by_seconds = if self.dialect.is_fanuc_like() {
            [b'X', b'U'].into_iter().find(|letter| self.block.has(*letter))
        } else {
            None
        };
        let letter = by_seconds.unwrap_or(b'P');
        let Some(seconds) = (match by_seconds {
            Some(letter) => self.block.word(letter),
            None => self.dwell_word_s(),
        }) else {
            let span = self.block.g_span(group::NON_MODAL);
            let advice = match self.dialect {
                Dialect::Fanuc | Dialect::Haas => "write P with the time in milliseconds: P500 is half a second",
                _ => "write P with the time in seconds: P0.5 is half a second",
            };
            return Err(Fault::error(MISSING_WORD, span, "G4 has no time", advice));
        };
        if !(0.0..=DWELL_MAX_S).contains(&seconds) {
            return Err(self.out_of_range(letter, seconds, "a dwell lies between nothing and a day"));
        }
        self.emit(Call::Dwell { time: Seconds::s(seconds) });
        Ok(())
    }

    /// P as a time: seconds, on Fanuc milliseconds, on Haas milliseconds unless it has a decimal point.
    pub(super) fn dwell_word_s(&self) -> Option<f64> {
        let value = self.block.word(b'P')?;
        let is_ms = match self.dialect {
            Dialect::Fanuc => true,
            Dialect::Haas => !self.block.has_point(b'P'),
            _ => false,
        };
        Some(if is_ms { value / 1000.0 } else { value })
    }

    fn plane_and_units(&mut self) {
        match self.block.g(group::PLANE) {
            Some(170 | 171) => self.state.plane = Plane::Xy,
            Some(180 | 181) => self.state.plane = Plane::Zx,
            Some(190 | 191) => self.state.plane = Plane::Yz,
            _ => {}
        }
        self.state.is_plane_of_uvw =
            self.block.g(group::PLANE).map_or(self.state.is_plane_of_uvw, |code| code % 10 == 1);
        if let Some(code) = self.block.g(group::UNITS) {
            let unit = unit_of(code);
            self.state.unit = unit;
            if !self.report.facts.units_said.contains(&unit) {
                self.report.facts.units_said.push(unit);
            }
        }
    }

    fn modes(&mut self) -> Checked<()> {
        if let Some(code) = self.block.g(group::WORK) {
            let work = self.work_of(code)?;
            // LinuxCNC keeps what is active, even if its parameters were written since.
            if work != self.state.work || self.dialect != Dialect::Rs274ngc {
                self.activate_work(work);
            }
        }
        if let Some(code) = self.block.g(group::RADIUS) {
            self.state.is_diameter = code == 70;
        }
        if let Some(code) = self.block.g(group::PATH) {
            let lengths = if code == 640 { [self.length(b'P')?, self.length(b'Q')?] } else { [None; 2] };
            let [tolerance_mm, naive_mm] = lengths.map(|length_mm| length_mm.filter(|length_mm| *length_mm > 0.0));
            self.state.path = match code {
                610 => PathMode::ExactPath,
                611 => PathMode::ExactStop,
                // Without Q, P holds for both.
                _ => PathMode::Continuous { tolerance_mm, naive_cam_mm: naive_mm.or(tolerance_mm) },
            };
        }
        if let Some(code) = self.block.g(group::DISTANCE) {
            self.state.is_incremental = code == 910;
        }
        if let Some(code) = self.block.g(group::ARC_DISTANCE) {
            self.state.is_arc_absolute = code == 901;
        }
        if let Some(code) = self.block.g(group::RETRACT) {
            self.state.returns_to_initial = code == 980;
        }
        Ok(())
    }

    fn stop(&mut self) -> Checked<After> {
        if matches!(self.block.m(m_group::STOP), Some(0..=2 | 30 | 60)) {
            self.release_at_place()?;
        }
        match self.block.m(m_group::STOP) {
            Some(0) => self.emit(Call::Stop { kind: StopKind::Unconditional }),
            Some(1) if self.options.optional_stop => self.emit(Call::Stop { kind: StopKind::Optional }),
            Some(1) => self.report.without_effect(b'M', 10, "the optional stop is switched off"),
            Some(60) => self.emit(Call::Stop { kind: StopKind::Pallet }),
            Some(code @ (97 | 98)) => return self.program_call(code == 97),
            Some(99) => return self.block.whole(b'P', 0, PROGRAM_MAX).map(After::Return),
            Some(_) => {
                self.emit(Call::End);
                return Ok(After::End);
            }
            None => {}
        }
        Ok(After::Next)
    }

    /// M98 P L, M97 P L. On Fanuc P may begin with the count: P51001 runs O1001 five times.
    fn program_call(&mut self, is_line: bool) -> Checked<After> {
        let span = self.block.m_span(m_group::STOP);
        let Some(number) = self.block.whole(b'P', 0, PROGRAM_MAX)? else {
            return Err(Fault::error(MISSING_WORD, span, "the call has no P word", "write P with the number"));
        };
        let count = self.block.whole(b'L', 0, self.options.limits.repeats_max)?;
        let (number, count) = match count {
            None if number > 9999 && self.dialect == Dialect::Fanuc && !is_line => (number % 10_000, number / 10_000),
            count => (number, count.unwrap_or(1)),
        };
        Ok(After::Call(Called { number, count, is_line, arguments: None, span }))
    }

    /// G65: its words are parameters of the macro.
    pub(super) fn macro_call(&mut self) -> Checked<After> {
        let is_modal = self.block.g(group::MODAL_CALL).is_some();
        let span = self.block.g_span(if is_modal { group::MODAL_CALL } else { group::NON_MODAL });
        let Some(number) = self.block.whole(b'P', 0, PROGRAM_MAX)? else {
            return Err(Fault::error(MISSING_WORD, span, "the macro call has no P word", "write P with the number"));
        };
        let count = self.block.whole(b'L', 0, self.options.limits.repeats_max)?.unwrap_or(1);
        let arguments = Some(self.macro_arguments()?);
        Ok(After::Call(Called { number, count, is_line: false, arguments, span }))
    }
}

pub(super) fn unit_of(code: u16) -> LengthUnit {
    if code == 200 { LengthUnit::Inch } else { LengthUnit::Millimetre }
}

pub(super) fn unit_words(unit: LengthUnit) -> (&'static str, &'static str) {
    match unit {
        LengthUnit::Millimetre => ("millimetres", "G21"),
        LengthUnit::Inch => ("inches", "G20"),
    }
}
