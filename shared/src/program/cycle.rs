//! Canned cycles: one block, many motions.
//!
//! ```text
//!   initial ----.------------.        G98 returns here
//!               | G0         ^
//!   R     ------v----.       |        G99 returns here
//!                 G1 |       |
//!   bottom ----------v-------'
//! ```
//!
//! The order of motions is that of LinuxCNC's interpreter, G87 (back boring) included. Words stay in force until the cycle ends. Repeats
//! (L, on Fanuc K) are drilled one hole at a time, so that a block with a million of them needs no memory.

use super::block::code_name;
use super::canon::{Call, FeedMode, ForcedReason, PathMode, StopKind};
use super::execute::{AXIS_LETTERS, Execution};
use super::fault::*;
use super::frame::Axes;
use super::options::Dialect;
use crate::machine::LengthUnit;
use crate::units::Seconds;
use std::ops::Range;

/// Clearance above the last peck when G73 and G83 go back: a hundredth of an inch, as LinuxCNC has it.
const PECK_CLEARANCE_MM: f64 = 0.254;

/// The holes of a cycle block that are still to be drilled.
#[derive(Clone, Debug)]
pub(super) struct Holes {
    code: u16,
    left: u32,
    /// From hole to hole, mm and degrees; zero in absolute mode.
    step: Axes,
    target: Axes,
    /// Height to travel at, along the normal.
    travel: f64,
    retract: f64,
    bottom: f64,
    /// Height after each hole.
    clear: f64,
    peck: f64,
    dwell_s: f64,
    /// G87: offset of the place to enter by, and the top of the back bore along the normal.
    bore: [f64; 3],
    /// The step to the next hole is one of distance and angle.
    is_polar: bool,
    span: Range<usize>,
}

impl Execution<'_, '_> {
    /// A cycle block: checks its words, then drills its first hole and leaves the others pending.
    pub(super) fn cycle(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        if self.state.feed_mode == FeedMode::InverseTime {
            return Err(Fault::error(
                WRONG_MODE,
                span,
                "a cycle cannot run under G93",
                "write G94 and a feed before it",
            ));
        }
        let [first, second, normal] = self.state.plane.axes();
        let is_named = [first, second, normal].into_iter().any(|axis| self.block.has(AXIS_LETTERS[axis]));
        if !is_named && !self.block.has_polar() {
            if self.dialect.is_strict() {
                let text = format!("{} has no axis word", code_name(b'G', code));
                let advice = "write the place of the hole, for example X10 Y5";
                return Err(Fault::error(MISSING_WORD, span, text, advice));
            }
            return Ok(());
        }
        if !self.state.motion.is_some_and(is_cycle) {
            self.state.sticky = super::state::Sticky::default();
        }
        if self.dialect.is_strict()
            && let Some(letter) = AXIS_LETTERS[3..].iter().find(|letter| self.block.has(**letter))
        {
            let text = format!("the cycle has a {} word", char::from(*letter));
            return Err(Fault::error(CYCLE, self.block.span(*letter), text, "turn the axis in a block before"));
        }
        self.take_sticky(normal)?;
        let holes = self.plan_holes(code, [first, second, normal], span)?;
        self.state.motion = Some(code);
        self.state.forced = forced_by(code);
        // LinuxCNC looks at the height the series began at.
        let is_ngc = self.dialect == Dialect::Rs274ngc;
        let here = self.state.programmed();
        let from = if is_ngc { self.state.sticky.initial.unwrap_or(holes.retract) } else { here[normal] };
        if from < holes.retract {
            let mut up = here;
            up[normal] = holes.retract;
            self.cycle_line(0, up, &holes.span)?;
        }
        *self.holes = Some(holes);
        self.drill_next()
    }

    /// Takes over the words that stay in force.
    fn take_sticky(&mut self, normal: usize) -> Checked<()> {
        let (bottom, retract, peck) = (self.length(AXIS_LETTERS[normal])?, self.length(b'R')?, self.length(b'Q')?);
        let sticky = &mut self.state.sticky;
        sticky.bottom = bottom.or(sticky.bottom);
        sticky.retract = retract.or(sticky.retract);
        sticky.peck = peck.or(sticky.peck);
        for (slot, letter) in [b'I', b'J', b'K'].into_iter().enumerate() {
            let length = self.length(letter)?;
            let bore = &mut self.state.sticky.bore[slot];
            *bore = length.or(*bore);
        }
        let dwell_s = self.dwell_word_s();
        self.state.sticky.dwell_s = dwell_s.or(self.state.sticky.dwell_s);
        self.state.tap_dwell_s = dwell_s.unwrap_or(self.state.tap_dwell_s);
        Ok(())
    }

    fn plan_holes(&mut self, code: u16, axes: [usize; 3], span: Range<usize>) -> Checked<Holes> {
        let [first, second, normal] = axes;
        let here = self.state.programmed();
        let at = here[normal];
        let initial = *self.state.sticky.initial.get_or_insert(at);
        let sticky = self.state.sticky;
        let unit = self.state.unit;
        let missing = |letter: u8| missing_word(unit, code, letter, span.clone());
        let retract = sticky.retract.ok_or_else(|| missing(b'R'))?;
        let bottom = sticky.bottom.ok_or_else(|| missing(AXIS_LETTERS[normal]))?;
        if self.dialect.is_strict() && matches!(code, 820 | 860 | 880 | 890) && sticky.dwell_s.is_none() {
            return Err(missing(b'P'));
        }
        let mut bore = [0.0; 3];
        if code == 870 {
            for (slot, letter) in b"IJK".iter().enumerate() {
                bore[slot] = sticky.bore[slot].ok_or_else(|| missing(*letter))?;
            }
        }
        let is_incremental = self.state.is_incremental;
        // Incremental: R from the height the series began at, the bottom from R.
        let retract = if is_incremental { initial + retract } else { retract };
        let bottom = if is_incremental { retract + bottom } else { bottom };
        bore[2] += if is_incremental { bottom } else { 0.0 };
        if retract < bottom {
            return Err(Fault::error(
                CYCLE,
                span,
                "R lies below the bottom of the hole",
                "raise R or lower the bottom",
            ));
        }
        let letter = if self.block.has(b'K') && self.dialect.is_fanuc_like() { b'K' } else { b'L' };
        let lowest = u32::from(self.dialect.is_strict());
        let left = self.block.whole(letter, lowest, self.options.limits.repeats_max)?.unwrap_or(1);
        let peck = self.peck_of(code, retract - bottom, &span)?;
        let mut target = self.programmed_target()?;
        target[normal] = at;
        let mut step = [0.0; 6];
        let is_polar = is_incremental && (self.block.has_polar() || self.state.extras.is_polar());
        if is_incremental && !is_polar {
            [first, second].into_iter().for_each(|axis| step[axis] = target[axis] - here[axis]);
        }
        let travel = at.max(retract).max(if self.state.returns_to_initial { initial } else { f64::NEG_INFINITY });
        let clear = if self.state.returns_to_initial { initial.max(retract) } else { retract };
        Ok(Holes {
            code,
            left,
            step,
            target,
            travel,
            retract,
            bottom,
            clear,
            peck,
            dwell_s: match code {
                740 | 840 if self.dialect == Dialect::Rs274ngc => self.state.tap_dwell_s,
                _ => sticky.dwell_s.unwrap_or(0.0),
            },
            bore,
            is_polar,
            span,
        })
    }

    fn peck_of(&mut self, code: u16, depth: f64, span: &Range<usize>) -> Checked<f64> {
        if !matches!(code, 730 | 830) {
            return Ok(depth);
        }
        let Some(peck) = self.state.sticky.peck else {
            let mut fault = missing_word(self.state.unit, code, b'Q', span.clone());
            if self.dialect.is_strict() {
                return Err(fault);
            }
            let note = || {
                fault.code = ASSUMED;
                fault.message.push_str("; the hole is drilled in one stroke");
                fault.with(super::Severity::Warning)
            };
            self.report.once(4, note, ASSUMED);
            return Ok(depth);
        };
        if peck <= 0.0 {
            return Err(Fault::error(CYCLE, span.clone(), "Q is not above zero", "write Q, the peck, without sign"));
        }
        if depth / peck > f64::from(self.options.limits.pecks_max) {
            let text = format!("the hole takes more than {} pecks (pecks_max)", self.options.limits.pecks_max);
            return Err(Fault::error(TOO_LONG, span.clone(), text, "correct Q"));
        }
        Ok(peck)
    }

    /// Drills one hole of the pending ones.
    pub(super) fn drill_next(&mut self) -> Checked<()> {
        let Some(mut holes) = self.holes.take() else { return Ok(()) };
        if holes.left == 0 {
            return Ok(());
        }
        let normal = self.state.plane.axes()[2];
        let mut over = holes.target;
        over[normal] = holes.travel;
        // LinuxCNC runs its cycles through the programmed points, whatever path mode is in force.
        let path = self.state.path;
        if self.dialect == Dialect::Rs274ngc && path != PathMode::ExactStop {
            self.state.path = PathMode::ExactPath;
        }
        let drilled = self
            .cycle_line(0, over, &holes.span)
            .and_then(|()| self.cycle_to(0, holes.retract, &holes))
            .and_then(|()| self.drill(&holes));
        self.state.path = path;
        drilled?;
        holes.left -= 1;
        for axis in 0..6 {
            holes.target[axis] += holes.step[axis];
        }
        if holes.is_polar && self.state.extras.is_polar() {
            if holes.left > 0 {
                self.polar_input(&mut holes.target)?;
            }
        } else if holes.is_polar {
            [holes.target[0], holes.target[1]] = self.polar(&holes.target)?;
        }
        holes.travel = holes.clear;
        if holes.left > 0 {
            *self.holes = Some(holes);
        }
        Ok(())
    }

    fn drill(&mut self, holes: &Holes) -> Checked<()> {
        let dwell = Call::Dwell { time: Seconds::s(holes.dwell_s) };
        match holes.code {
            730 | 830 => return self.peck(holes),
            810 => {
                self.cycle_to(10, holes.bottom, holes)?;
                self.cycle_to(0, holes.clear, holes)?;
            }
            820 => {
                self.cycle_to(10, holes.bottom, holes)?;
                self.emit(dwell);
                self.cycle_to(0, holes.clear, holes)?;
            }
            740 | 840 => return self.tap(holes, dwell),
            870 => return self.back_bore(holes),
            850 => {
                self.cycle_to(10, holes.bottom, holes)?;
                self.cycle_to(10, holes.retract, holes)?;
                self.cycle_to(0, holes.clear, holes)?;
            }
            890 => {
                self.cycle_to(10, holes.bottom, holes)?;
                self.emit(dwell);
                // RS274/NGC feeds all the way, others only to R.
                if self.dialect != Dialect::Rs274ngc {
                    self.cycle_to(10, holes.retract, holes)?;
                    return self.cycle_to(0, holes.clear, holes);
                }
                self.cycle_to(10, holes.clear, holes)?;
            }
            // G86 and G88 leave the hole with a standing spindle; G88 waits for the operator before.
            _ => {
                let direction = self.cycle_direction(holes, None)?;
                self.cycle_to(10, holes.bottom, holes)?;
                self.emit(dwell);
                self.turn_spindle(0);
                if holes.code == 880 {
                    self.emit(Call::Stop { kind: StopKind::Unconditional });
                }
                // The operator retracts by hand; LinuxCNC makes no move of its own.
                if holes.code == 860 || self.dialect != Dialect::Rs274ngc {
                    self.cycle_to(0, holes.clear, holes)?;
                } else {
                    self.state.position[self.state.plane.axes()[2]] = holes.clear;
                }
                self.turn_spindle(direction);
            }
        }
        Ok(())
    }

    /// Direction of the spindle, where a strict control wants it to turn, or to turn so.
    fn cycle_direction(&self, holes: &Holes, wanted: Option<i8>) -> Checked<i8> {
        let direction = self.state.spindle.direction;
        let is_wrong = direction == 0 || wanted.is_some_and(|wanted| wanted != direction);
        if is_wrong && self.dialect == Dialect::Rs274ngc {
            let (text, advice) = match wanted {
                Some(1) => ("G84 needs a spindle that turns clockwise", "write S and M3 before it, or G74"),
                Some(_) => ("G74 needs a spindle that turns counter-clockwise", "write S and M4 before it, or G84"),
                None => ("the cycle needs a turning spindle", "write S and M3 before it"),
            };
            return Err(Fault::error(NO_SPEED, holes.span.clone(), text, advice));
        }
        Ok(direction)
    }

    /// G84 and, left-handed, G74.
    fn tap(&mut self, holes: &Holes, dwell: Call) -> Checked<()> {
        let wanted = if holes.code == 740 { -1 } else { 1 };
        let direction = self.cycle_direction(holes, Some(wanted))?;
        let is_ngc = self.dialect == Dialect::Rs274ngc;
        self.cycle_to(10, holes.bottom, holes)?;
        if holes.dwell_s > 0.0 || is_ngc {
            self.emit(dwell);
        }
        self.turn_spindle(-direction);
        self.cycle_to(10, if is_ngc { holes.clear } else { holes.retract }, holes)?;
        self.turn_spindle(direction);
        self.cycle_to(0, holes.clear, holes)
    }

    /// G87: through the hole beside its axis with a standing spindle, the bore cut from below.
    fn back_bore(&mut self, holes: &Holes) -> Checked<()> {
        let direction = self.cycle_direction(holes, None)?;
        let [first, second, normal] = self.state.plane.axes();
        let on_axis = self.state.position;
        let place = |is_aside: bool, height: f64| {
            let mut place = on_axis;
            if is_aside {
                place[first] += holes.bore[0];
                place[second] += holes.bore[1];
            }
            place[normal] = height;
            place
        };
        let top = holes.bore[2];
        self.cycle_line(0, place(true, holes.retract), &holes.span)?;
        self.turn_spindle(0);
        self.cycle_line(0, place(true, holes.bottom), &holes.span)?;
        self.cycle_line(0, place(false, holes.bottom), &holes.span)?;
        self.turn_spindle(direction);
        self.cycle_to(10, top, holes)?;
        self.cycle_to(10, holes.bottom, holes)?;
        self.turn_spindle(0);
        self.cycle_line(0, place(true, holes.bottom), &holes.span)?;
        self.cycle_line(0, place(true, holes.clear), &holes.span)?;
        self.cycle_line(0, place(false, holes.clear), &holes.span)?;
        self.turn_spindle(direction);
        Ok(())
    }

    /// G83 leaves the hole after each peck, G73 only breaks the chip.
    fn peck(&mut self, holes: &Holes) -> Checked<()> {
        let mut depth = holes.retract - holes.peck;
        while depth > holes.bottom {
            self.cycle_to(10, depth, holes)?;
            if holes.code == 830 {
                self.cycle_to(0, holes.retract, holes)?;
            }
            self.cycle_to(0, depth + PECK_CLEARANCE_MM, holes)?;
            depth -= holes.peck;
        }
        self.cycle_to(10, holes.bottom, holes)?;
        self.cycle_to(0, holes.clear, holes)
    }

    pub(super) fn turn_spindle(&mut self, direction: i8) {
        if self.state.spindle.direction != direction {
            self.state.spindle.direction = direction;
            self.emit(Call::SetSpindleDirection { direction });
        }
    }

    fn cycle_to(&mut self, code: u16, height: f64, holes: &Holes) -> Checked<()> {
        let mut target = self.state.programmed();
        target[self.state.plane.axes()[2]] = height;
        self.cycle_line(code, target, &holes.span)
    }

    /// A motion of a cycle, in the programmed frame; those that lead nowhere are left out.
    fn cycle_line(&mut self, code: u16, target: Axes, span: &Range<usize>) -> Checked<()> {
        let target = self.state.local.work(&target);
        if target == self.state.position {
            return Ok(());
        }
        self.line_to(code, target, span.clone())
    }
}

/// The fault of a cycle without a word it needs, with an example in the unit in force.
fn missing_word(unit: LengthUnit, code: u16, letter: u8, span: Range<usize>) -> Box<Fault> {
    let is_mm = unit == LengthUnit::Millimetre;
    let (meaning, value) = match letter {
        b'R' => ("the height it feeds from", if is_mm { "2" } else { "0.1" }),
        b'P' => ("the dwell at the bottom in seconds", "0.5"),
        b'Q' => ("the peck", if is_mm { "2" } else { "0.1" }),
        b'I' | b'J' => ("the way aside to where the tool enters", if is_mm { "1" } else { "0.05" }),
        b'K' => ("the top of the back bore", if is_mm { "-3" } else { "-0.1" }),
        _ => ("the bottom of the hole", if is_mm { "-5" } else { "-0.2" }),
    };
    let letter = char::from(letter);
    let text = format!("{} has no {letter} word", code_name(b'G', code));
    let advice = format!("write {letter}, {meaning}, in the cycle's first block: {letter}{value}");
    Fault::error(MISSING_WORD, span, text, advice)
}

/// True for the codes of cycles.
pub(super) fn is_cycle(code: u16) -> bool {
    matches!(code, 730 | 740 | 810..=890)
}

/// Why a cycle must run as programmed.
fn forced_by(code: u16) -> Option<ForcedReason> {
    match code {
        740 | 840 => Some(ForcedReason::Synchronised),
        730 | 830 | 850..=890 => Some(ForcedReason::HoleCycle),
        _ => None,
    }
}
