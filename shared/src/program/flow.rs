//! Which line comes next: O-words, subprograms, macro B.
//!
//! A place is a text and a byte in it, so a jump is an assignment. Loops remember where they began; a branch
//! not taken is skipped by looking for its partner by label, as LinuxCNC does. Each jump backwards and each
//! call is counted, so that an endless loop ends at a named limit.

use super::calls::CallSite;
use super::canon::{CallStackId, Provenance, SourceId};
use super::execute::After;
use super::expression::{Reader, Scope};
use super::fault::*;
use super::interpreter::Interpreter;
use super::labels::{Index, find_end, keyword};
use super::options::Sources;
use super::parameters::Locals;
use super::state::Saved;
use super::text::Place;
use std::ops::Range;
use std::sync::Arc;

/// A text that was opened.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    index: Arc<Index>,
}

/// A loop or branch that is open in the running call.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) label: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `while` or macro B's `WHILE … DO`: the place of that line.
    While(Place),
    /// `do`: the place behind that line.
    Do(Place),
    /// `repeat`: the place behind that line, and how often still.
    Repeat(Place, u32),
    /// `if`, whose `elseif`, `else` and `endif` may follow.
    If,
}

/// A call to come back from.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    source: usize,
    place: Place,
    open: Vec<Open>,
    /// Parameters of the caller; `None` where the subprogram shares them (M98).
    locals: Option<Locals>,
    /// Start of the subprogram and how often it still runs.
    again: (Place, u32),
    /// What M70 or M73 saved in the caller, and whether it is brought back.
    saved: (Option<Saved>, bool),
    /// Label of the O-word subprogram; empty for M98 and G65.
    label: String,
    /// Calls that led to the caller.
    calls: CallStackId,
}

/// Texts, place and calls.
#[derive(Clone, Debug)]
pub(super) struct Flow<'a> {
    sources: &'a dyn Sources,
    pub(super) texts: Vec<Text<'a>>,
    pub(super) names: Vec<String>,
    pub(super) source: usize,
    pub(super) place: Place,
    pub(super) frames: Vec<Frame>,
    pub(super) open: Vec<Open>,
    pub(super) jumps: u64,
    /// A `break` was met and no `do` loop has ended since: LinuxCNC leaves the next one after its first pass.
    pub(super) is_breaking: bool,
    pub(super) calls: CallStackId,
}

impl std::fmt::Debug for dyn Sources + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

/// What M98, M97 or G65 calls.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Called {
    /// Number of the program, or of the line for M97.
    pub(super) number: u32,
    /// How often.
    pub(super) count: u32,
    /// M97: a line of the same text.
    pub(super) is_line: bool,
    /// G65: parameters of the macro.
    pub(super) arguments: Option<Vec<(u32, f64)>>,
    pub(super) span: Range<usize>,
}

/// A subprogram to run.
#[derive(Debug)]
pub(super) struct Entry {
    /// Text and place.
    pub(super) target: (usize, Place),
    /// Parameters of its own; `None` where it shares the caller's.
    pub(super) locals: Option<Locals>,
    pub(super) count: u32,
    /// Label of an O-word subprogram; empty for M98 and G65.
    pub(super) label: String,
    /// What the caller named.
    pub(super) called: String,
}

impl<'a> Flow<'a> {
    /// At the beginning of the main program.
    pub(super) fn new(text: &'a [u8], sources: &'a dyn Sources) -> Self {
        Self {
            sources,
            texts: vec![Text { bytes: text, index: Arc::default() }],
            names: vec![String::new()],
            source: 0,
            place: Place::default(),
            frames: Vec::new(),
            open: Vec::new(),
            jumps: 0,
            is_breaking: false,
            calls: CallStackId::default(),
        }
    }

    /// The running text.
    pub(super) fn text(&self) -> &'a [u8] {
        self.texts[self.source].bytes
    }

    /// A line of the running text, as operations name it.
    pub(super) fn at(&self, line: u32) -> Provenance {
        let source = SourceId(u16::try_from(self.source).unwrap_or(u16::MAX));
        let depth = u16::try_from(self.frames.len()).unwrap_or(u16::MAX);
        Provenance { source, line, depth, calls: self.calls }
    }

    /// True where a subprogram of this label runs, or any O-word subprogram where the label does not matter.
    pub(super) fn runs(&self, label: Option<&str>) -> bool {
        self.frames.last().is_some_and(|frame| label.is_none_or(|label| frame.label == label))
    }

    /// Depth of the running call.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The line behind `o… sub` in a text.
    pub(super) fn find_sub(&mut self, source: usize, label: &str) -> Option<Place> {
        let Text { bytes, index } = &mut self.texts[source];
        index.subs.get(label).copied().or_else(|| Arc::make_mut(index).search_sub(bytes, label))
    }

    /// The line behind `O1001` in a text.
    pub(super) fn find_program(&mut self, source: usize, label: &str) -> Option<Place> {
        let Text { bytes, index } = &mut self.texts[source];
        index.programs.get(label).copied().or_else(|| Arc::make_mut(index).search_program(bytes, label))
    }

    /// The line that has an N word.
    pub(super) fn find_line(&mut self, source: usize, number: u32) -> Option<Place> {
        let Text { bytes, index } = &mut self.texts[source];
        index.lines.get(&number).copied().or_else(|| Arc::make_mut(index).search_line(bytes, number))
    }

    /// A subprogram file by name, opened once.
    pub(super) fn open_text(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.names.iter().position(|known| known == name) {
            return Some(known);
        }
        let bytes = self.sources.find(name)?;
        self.texts.push(Text { bytes, index: Arc::default() });
        self.names.push(name.to_owned());
        Some(self.texts.len() - 1)
    }

    pub(super) fn close(&mut self, label: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open.label == label) {
            self.open.truncate(at);
        }
    }

    pub(super) fn opened(&self, label: &str) -> Option<Kind> {
        self.open.iter().rev().find(|open| open.label == label).map(|open| open.kind)
    }
}

pub(super) fn malformed(span: Range<usize>, text: impl Into<String>, advice: &str) -> Box<Fault> {
    Fault::error(FLOW, span, text, advice)
}

impl<'a> Interpreter<'a> {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            parameters: &self.parameters,
            system: &self.state,
            dialect: self.dialect,
            depth_max: self.options.limits.expression_depth_max,
        }
    }

    /// The bracketed value at a byte of the line.
    pub(super) fn bracket(&self, at: usize) -> Checked<(f64, usize)> {
        let mut reader = Reader::new(self.report.line, at, self.scope());
        if reader.peek() != Some(b'[') {
            return Err(malformed(at..at, "a condition or count in brackets is missing", "write it as [ … ]"));
        }
        let value = reader.bracket()?.number();
        Ok((value, reader.at))
    }

    pub(super) fn jump_back(&mut self, place: Place) -> Checked<()> {
        self.count_jump()?;
        self.flow.place = place;
        Ok(())
    }

    fn count_jump(&mut self) -> Checked<()> {
        self.flow.jumps += 1;
        let limit = self.options.limits.jumps_max;
        if self.flow.jumps > limit {
            let text = format!("the program jumps more than {limit} times (jumps_max)");
            return Err(Fault::error(TOO_LONG, 0..0, text, "look for an endless loop").fatal());
        }
        Ok(())
    }

    /// Goes to the beginning of a subprogram.
    pub(super) fn enter(&mut self, entry: Entry, span: Range<usize>) -> Checked<()> {
        self.count_jump()?;
        let Entry { target: (source, place), locals, count, label, called } = entry;
        let site = CallSite { source: self.report.at.source, line: self.report.at.line, label: called.into() };
        let limit = self.options.limits.call_depth_max;
        if self.flow.frames.len() >= limit {
            let text = format!("calls lie more than {limit} deep (call_depth_max)");
            return Err(Fault::error(TOO_LONG, span, text, "look for a subprogram that calls itself").fatal());
        }
        let locals = locals.map(|locals| self.parameters.swap_locals(locals));
        let frame = Frame {
            source: self.flow.source,
            place: self.flow.place,
            open: std::mem::take(&mut self.flow.open),
            locals,
            again: (place, count.saturating_sub(1)),
            saved: (self.state.saved.take(), std::mem::take(&mut self.state.restores)),
            label,
            calls: self.flow.calls,
        };
        self.flow.calls = self.report.facts.call_stacks.enter(frame.calls, site);
        self.flow.frames.push(frame);
        (self.flow.source, self.flow.place) = (source, place);
        while self.report.facts.sources.len() < self.flow.names.len() {
            let name = self.flow.names[self.report.facts.sources.len()].clone();
            self.report.facts.sources.push(name);
        }
        Ok(())
    }

    /// Back to the caller, or to the start of the subprogram where it runs again. False in the main program.
    pub(super) fn leave(&mut self) -> bool {
        let Some(mut frame) = self.flow.frames.pop() else { return false };
        if frame.again.1 > 0 {
            frame.again.1 -= 1;
            self.flow.place = frame.again.0;
            self.flow.open.clear();
            self.flow.frames.push(frame);
            return true;
        }
        if self.state.restores {
            self.execution().restore();
        }
        (self.state.saved, self.state.restores) = frame.saved;
        if let Some(locals) = frame.locals {
            self.parameters.swap_locals(locals);
        }
        (self.flow.source, self.flow.place, self.flow.open) = (frame.source, frame.place, frame.open);
        self.flow.calls = frame.calls;
        true
    }

    /// M97, M98, G65.
    pub(super) fn call(&mut self, called: Called) -> Checked<()> {
        if called.count == 0 {
            return Ok(());
        }
        let target = if called.is_line {
            let source = self.flow.source;
            self.flow.find_line(source, called.number).map(|place| (source, place))
        } else {
            self.program(called.number)
        };
        let Some(target) = target else {
            let text = format!("there is no subprogram {}", called.number);
            return Err(Fault::error(NO_SUBPROGRAM, called.span, text, "put it in the program or beside it").fatal());
        };
        let locals = called.arguments.map(|arguments| {
            let mut locals = Locals::default();
            arguments.into_iter().for_each(|(number, value)| locals.set_number(number, value));
            locals
        });
        let entry =
            Entry { target, locals, count: called.count, label: String::new(), called: called.number.to_string() };
        self.enter(entry, called.span)
    }

    /// The line behind `O1001`, in the running text, the main program, or a text of that name.
    fn program(&mut self, number: u32) -> Option<(usize, Place)> {
        let label = number.to_string();
        for source in [self.flow.source, 0] {
            if let Some(place) = self.flow.find_program(source, &label) {
                return Some((source, place));
            }
        }
        let source =
            self.flow.open_text(&format!("O{number:04}")).or_else(|| self.flow.open_text(&format!("o{number}")))?;
        let place = self.flow.find_program(source, &label);
        Some((source, place.unwrap_or_default()))
    }

    /// M99. In the main program it would start again; here it ends.
    pub(super) fn return_from_program(&mut self, to_line: Option<u32>) -> Checked<After> {
        self.count_jump()?;
        if !self.leave() {
            let note = || {
                let text = "M99 in the main program starts it again; the simulation ends here";
                Fault::error(ASSUMED, 0..0, text, "write M30").with(super::Severity::Note)
            };
            self.report.once(5, note, ASSUMED);
            return Ok(After::End);
        }
        if let Some(number) = to_line {
            self.go_to(number, 0..0)?;
        }
        Ok(After::Next)
    }

    fn go_to(&mut self, number: u32, span: Range<usize>) -> Checked<()> {
        let source = self.flow.source;
        let Some(place) = self.flow.find_line(source, number) else {
            let text = format!("there is no line N{number} to go to");
            return Err(Fault::error(FLOW, span, text, "write the N word at the line that is meant").fatal());
        };
        self.jump_back(place)
    }

    /// A statement of macro B. Where the rest of the line is a block of words (THEN), the byte it begins at.
    pub(super) fn macro_line(&mut self, at: usize) -> Checked<Option<usize>> {
        let (word, end) = keyword(self.report.line, at);
        let span = at..end;
        match word.as_str() {
            "goto" => {
                let number = self.number_behind(end)?.0;
                self.go_to(number, span)?;
            }
            "if" => {
                let (value, behind) = self.bracket(end)?;
                let (then, after) = keyword(self.report.line, behind);
                match (then.as_str(), value != 0.0) {
                    ("goto", true) => {
                        let number = self.number_behind(after)?.0;
                        self.go_to(number, span)?;
                    }
                    ("then", true) => return Ok(Some(after)),
                    ("goto" | "then", false) => {}
                    _ => return Err(malformed(span, "IF needs GOTO or THEN", "write IF [ … ] GOTO n")),
                }
            }
            "while" | "do" => self.macro_loop(&word, at, end)?,
            "end" => {
                let number = self.number_behind(end)?.0;
                let Some(Kind::While(start)) = self.flow.opened(&format!("do {number}")) else {
                    return Err(malformed(span, format!("END{number} has no DO{number} above"), "write the DO"));
                };
                self.jump_back(start)?;
            }
            "popen" | "pclos" | "dprnt" | "bprnt" => {
                self.report.without_effect(b'#', 0, "output to a printer or file is not simulated");
            }
            _ => {
                let text = format!("`{word}` is no word of the dialect {}", self.dialect.name());
                return Err(Fault::error(BAD_CHARACTER, span, text, "correct it, or put it in a comment"));
            }
        }
        Ok(None)
    }

    /// `WHILE [ … ] DO n` and `DO n`.
    fn macro_loop(&mut self, word: &str, at: usize, end: usize) -> Checked<()> {
        let (value, behind) = if word == "while" { self.bracket(end)? } else { (1.0, at) };
        let (word, after) = keyword(self.report.line, behind);
        if word != "do" {
            return Err(malformed(at..after, "WHILE needs DO", "write WHILE [ … ] DO1"));
        }
        let (number, _) = self.number_behind(after)?;
        let label = format!("do {number}");
        self.flow.close(&label);
        if value == 0.0 {
            let Some(place) = find_end(self.flow.text(), self.flow.place, number) else {
                return Err(malformed(at..after, format!("DO{number} has no END{number} below"), "write it").fatal());
            };
            self.flow.place = place;
            return Ok(());
        }
        let here = Place { offset: self.report.line_start, line: self.report.at.line.saturating_sub(1) };
        self.flow.open.push(Open { label, kind: Kind::While(here) });
        Ok(())
    }

    fn number_behind(&self, at: usize) -> Checked<(u32, usize)> {
        let mut reader = Reader::new(self.report.line, at, self.scope());
        let value = reader.value()?.number();
        super::parameters::index(value, at..reader.at).map(|number| (number, reader.at))
    }
}
