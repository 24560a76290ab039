//! Turning cycles G70, G71 and G72 with their decimals: reading the profile and making the moves.
//!
//! The profile is a subprogram (Q), called as any other: its loops, conditions and assignments run, but its
//! blocks are collected instead of carried out. When it returns, the cycle is computed and its moves are made
//! at the line of the cycle. A and C at the end of a piece stand for a fillet and a chamfer.

use super::block::{code_name, letters};
use super::canon::{FeedMode, Plane, Provenance};
use super::codes::group;
use super::execute::Execution;
use super::fault::*;
use super::interpreter::Interpreter;
use super::profile::{Cut, Piece, Point, Refusal};
use super::roughing::{Words, turn};
use std::ops::Range;

/// Words a turning cycle takes beside its axis words.
pub(super) const TURNING: u32 = letters(b"DEIPQRUW");
/// Arcs closer than this to where the axes stand are not made, in the program's unit.
const EQUAL_WITHIN: f64 = 1e-4;

/// A turning cycle whose profile is being read.
#[derive(Clone, Debug)]
pub(super) struct Turning {
    /// Code times ten.
    code: u16,
    /// Number of the subprogram.
    label: u32,
    words: Words,
    pieces: Vec<Piece>,
    /// Where the profile has come to.
    place: Point,
    span: Range<usize>,
    at: Provenance,
    /// First byte of the line, and the line itself: the moves are made after others have been read.
    line: Range<usize>,
    /// Depth of calls at the cycle; `None` until the profile is called.
    depth: Option<usize>,
    /// The profile had a mistake; no moves are made.
    is_broken: bool,
}

impl Execution<'_, '_> {
    /// The block of the cycle: checks, the rapid to its place, and the order to read the profile.
    pub(super) fn turning_cycle(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        let fault = |code, text: &str, advice: &str| Err(Fault::error(code, span.clone(), text, advice));
        let Some(label) = self.block.whole(b'Q', 0, 99_999_999)? else {
            let text = format!("{} has no Q word", code_name(b'G', code));
            let advice = "write Q, the number of the subprogram with its profile: Q100 for o100, for example";
            return fault(MISSING_WORD, &text, advice);
        };
        if self.state.plane != Plane::Zx {
            return fault(WRONG_MODE, "a turning cycle needs the ZX plane", "write G18 before it");
        }
        if self.state.feed_mode == FeedMode::InverseTime {
            return fault(WRONG_MODE, "a turning cycle cannot run under G93", "write G94 or G95 before it");
        }
        let unit_mm = self.state.unit.mm();
        let target = self.target()?;
        let mut word = |letter: u8, default: f64| {
            self.length(letter).map(|value| value.map_or(default, |length_mm| length_mm / unit_mm))
        };
        let words = Words {
            from: Point::new(target[2] / unit_mm, target[0] / unit_mm),
            distance: word(b'D', 0.0)?,
            last: word(b'E', 0.0)?,
            depth: word(b'I', 1.0)?,
            retract: word(b'R', 0.5)?,
            shift: Point::new(word(b'W', 0.0)?, word(b'U', 0.0)?),
            passes: self.block.word(b'P').unwrap_or(1.0),
        };
        if words.depth <= 0.0 {
            return fault(CYCLE, "I, the depth of a cut, is not above zero", "write I without sign");
        }
        self.set_motion(0);
        self.line_to(0, target, span.clone())?;
        *self.turning = Some(Turning {
            code,
            label,
            words,
            pieces: Vec::new(),
            place: words.from,
            span,
            at: self.report.at,
            line: self.report.line_start..self.report.line_start + self.report.line.len(),
            depth: None,
            is_broken: false,
        });
        Ok(())
    }

    /// The moves of a cycle whose profile was read.
    fn turn(&mut self, turning: Turning) -> Checked<()> {
        if turning.pieces.len() <= 1 {
            return Ok(());
        }
        let span = turning.span.clone();
        let (words, pieces) = (turning.words, turning.pieces);
        let (cycle, decimal) = (turning.code / 10, turning.code % 10);
        let cuts = turn(cycle, decimal, pieces, &words).map_err(|refusal| refused(refusal, span.clone()))?;
        let unit_mm = self.state.unit.mm();
        for cut in cuts {
            let (Cut::Rapid(to) | Cut::Feed(to) | Cut::Arc { end: to, .. }) = cut;
            if !(to.z.is_finite() && to.x.is_finite()) {
                return Err(refused(Refusal::Shape("a piece of it has no length or no centre"), span));
            }
            let mut target = self.state.position;
            (target[0], target[2]) = (to.x * unit_mm, to.z * unit_mm);
            match cut {
                Cut::Rapid(_) => {
                    self.set_motion(0);
                    self.line_to(0, target, span.clone())?;
                }
                Cut::Feed(_) => {
                    self.set_motion(10);
                    self.line_to(10, target, span.clone())?;
                }
                Cut::Arc { centre, ccw, .. } => {
                    let here = self.state.programmed();
                    let stands = |axis: usize| (target[axis] - here[axis]).abs() < EQUAL_WITHIN * unit_mm;
                    if !(stands(0) && stands(2)) {
                        self.set_motion(if ccw { 30 } else { 20 });
                        self.arc_about([centre.z * unit_mm, centre.x * unit_mm], target, !ccw, span.clone())?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn refused(refusal: Refusal, span: Range<usize>) -> Box<Fault> {
    match refusal {
        Refusal::Shape(text) => Fault::error(
            CYCLE,
            span,
            format!("the profile cannot be turned: {text}"),
            "check that Z and X of the profile never turn back, and that D and fillets fit it",
        ),
        Refusal::TooLong => Fault::error(
            TOO_LONG,
            span,
            "the turning cycle takes more than 200000 moves and steps",
            "correct I, D or P",
        ),
    }
}

impl Interpreter<'_> {
    /// Calls the profile of a cycle that was just read.
    pub(super) fn call_profile(&mut self) -> Checked<()> {
        let depth = self.flow.depth();
        let Some(turning) = self.turning.as_mut().filter(|turning| turning.depth.is_none()) else { return Ok(()) };
        turning.depth = Some(depth);
        let (label, span) = (turning.label.to_string(), turning.span.clone());
        self.o_call_with(&label, Vec::new(), span)
    }

    /// True while a profile is being read.
    pub(super) fn is_in_profile(&self) -> bool {
        self.turning.as_ref().is_some_and(|turning| turning.depth.is_some_and(|depth| self.flow.depth() > depth))
    }

    /// Makes the moves of the cycle once its profile has returned.
    pub(super) fn end_profile(&mut self) -> Checked<()> {
        let depth = self.flow.depth();
        let is_back = |turning: &mut Turning| turning.depth.is_some_and(|called| depth <= called);
        let Some(turning) = self.turning.take_if(is_back) else { return Ok(()) };
        if turning.is_broken {
            return Ok(());
        }
        self.report.at = turning.at;
        self.report.line_start = turning.line.start;
        self.report.line = &self.flow.text()[turning.line.clone()];
        self.execution().turn(turning)
    }

    /// A block of the profile: its assignments are made by the caller, its motion is collected.
    pub(super) fn profile_block(&mut self) -> Checked<()> {
        let Some(mut turning) = self.turning.take() else { return Ok(()) };
        let collected = self.execution().collect(&mut turning);
        turning.is_broken |= collected.is_err();
        self.turning = Some(turning);
        collected
    }
}

impl Execution<'_, '_> {
    fn collect(&mut self, turning: &mut Turning) -> Checked<()> {
        let (start, motion) = (turning.place, self.block.g(group::MOTION));
        if let Some(code) = motion {
            self.state.motion = Some(code);
        }
        let end = self.profile_end(start)?;
        if start == end {
            return Ok(());
        }
        let (motion, unit_mm) = (self.state.motion, self.state.unit.mm());
        match motion {
            Some(0 | 10) => turning.pieces.push(Piece::line(start, end)),
            Some(code @ (20 | 30)) => {
                let centre = self.profile_centre(start, end, code == 30)?;
                turning.pieces.push(Piece::arc(code == 30, start, centre, end));
            }
            _ => {}
        }
        if matches!(motion, Some(0 | 10 | 20 | 30)) {
            let corner = (self.block.word(b'A'), self.block.word(b'C'));
            match corner {
                (Some(_), Some(_)) => {
                    let span = self.block.span(b'C');
                    return Err(Fault::error(CYCLE, span, "the corner has A and C", "write a fillet or a chamfer"));
                }
                (Some(radius), None) => turning.pieces.push(Piece::fillet(radius, end)),
                (None, Some(size)) => turning.pieces.push(Piece::chamfer(size, end)),
                (None, None) => {}
            }
        }
        (self.state.position[0], self.state.position[2]) = (end.x * unit_mm, end.z * unit_mm);
        turning.place = end;
        Ok(())
    }

    /// A word in the program's unit; X and U halved under G7.
    fn profile_word(&mut self, letter: u8) -> Checked<Option<f64>> {
        let halves = self.state.is_diameter && matches!(letter, b'X' | b'U');
        let unit_mm = self.state.unit.mm() * if halves { 2.0 } else { 1.0 };
        Ok(self.length(letter)?.map(|length_mm| length_mm / unit_mm))
    }

    fn profile_end(&mut self, start: Point) -> Checked<Point> {
        let is_incremental = self.state.is_incremental;
        let mut place = |word: u8, step: u8, from: f64| -> Checked<f64> {
            match (self.profile_word(word)?, self.profile_word(step)?) {
                (Some(_), Some(_)) => {
                    let text = format!("the block has {} and {}", char::from(word), char::from(step));
                    Err(Fault::error(CYCLE, self.block.span(step), text, "keep one of them"))
                }
                (None, Some(_)) if is_incremental => {
                    let text = format!("{} stands under G91", char::from(step));
                    Err(Fault::error(WRONG_MODE, self.block.span(step), text, "write G90, or X and Z"))
                }
                (Some(value), None) if is_incremental => Ok(from + value),
                (Some(value), None) => Ok(value),
                (None, Some(step)) => Ok(from + step),
                (None, None) => Ok(from),
            }
        };
        let x = place(b'X', b'U', start.x)?;
        Ok(Point::new(place(b'Z', b'W', start.z)?, x))
    }

    fn profile_centre(&mut self, start: Point, end: Point, ccw: bool) -> Checked<Point> {
        let span = self.block.span(if self.block.has(b'R') { b'R' } else { b'X' });
        let (i, k) = (self.profile_word(b'I')?, self.profile_word(b'K')?);
        if let Some(radius) = self.profile_word(b'R')? {
            if i.is_some() || k.is_some() {
                return Err(Fault::error(ARC_FORM, span, "the arc has R and a centre", "keep R, or I and K"));
            }
            let chord = end - start;
            let aside = (chord * ((radius * radius - chord.norm() / 4.0) / chord.norm()).sqrt()).quarter();
            let middle = start.halfway(end);
            return Ok(if ccw { middle + aside } else { middle - aside });
        }
        if i.is_none() && k.is_none() {
            return Err(Fault::error(ARC_FORM, span, "the arc has neither centre nor radius", "write I and K, or R"));
        }
        let centre = Point::new(k.unwrap_or(0.0), i.unwrap_or(0.0));
        Ok(if self.state.is_arc_absolute { centre } else { centre + start })
    }
}
