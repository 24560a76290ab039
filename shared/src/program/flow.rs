//! Which line comes next: O-words, subprograms, macro B.
//!
//! A place is a text and a byte in it, so a jump is an assignment. Loops remember where they began; a branch
//! not taken is skipped by looking for its partner by label, as LinuxCNC does. Each jump backwards and each
//! call is counted, so that an endless loop ends at a named limit.

use super::canon::SourceId;
use super::execute::After;
use super::expression::{Reader, Scope};
use super::fault::*;
use super::interpreter::Interpreter;
use super::labels::{Index, find_end, find_o_word, keyword, o_word};
use super::options::Sources;
use super::parameters::{Locals, Target};
use super::state::Saved;
use super::text::Place;
use std::ops::Range;

/// A text that was opened.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    index: Option<Index>,
}

/// A loop or branch that is open in the running call.
#[derive(Clone, Debug)]
pub(super) struct Open {
    label: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// `while` or macro B's `WHILE … DO`: the place of that line.
    While(Place),
    /// `do`: the place behind that line.
    Do(Place),
    /// `repeat`: the place behind that line, and how often still.
    Repeat(Place, u32),
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
}

/// Texts, place and calls.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    sources: &'a dyn Sources,
    pub(super) texts: Vec<Text<'a>>,
    pub(super) names: Vec<String>,
    pub(super) source: usize,
    pub(super) place: Place,
    pub(super) frames: Vec<Frame>,
    pub(super) open: Vec<Open>,
    pub(super) jumps: u64,
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

impl<'a> Flow<'a> {
    /// At the beginning of the main program.
    pub(super) fn new(text: &'a [u8], sources: &'a dyn Sources) -> Self {
        Self {
            sources,
            texts: vec![Text { bytes: text, index: None }],
            names: vec![String::new()],
            source: 0,
            place: Place::default(),
            frames: Vec::new(),
            open: Vec::new(),
            jumps: 0,
        }
    }

    /// The running text.
    pub(super) fn text(&self) -> &'a [u8] {
        self.texts[self.source].bytes
    }

    /// Where the running text stands among the sources, and how deep the call is.
    pub(super) fn at(&self) -> (SourceId, u16) {
        let id = u16::try_from(self.source).unwrap_or(u16::MAX);
        (SourceId(id), u16::try_from(self.frames.len()).unwrap_or(u16::MAX))
    }

    fn index(&mut self, source: usize) -> &Index {
        let text = &mut self.texts[source];
        text.index.get_or_insert_with(|| Index::of(text.bytes))
    }

    /// A subprogram file by name, opened once.
    pub(super) fn open_text(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.names.iter().position(|known| known == name) {
            return Some(known);
        }
        let bytes = self.sources.find(name)?;
        self.texts.push(Text { bytes, index: None });
        self.names.push(name.to_owned());
        Some(self.texts.len() - 1)
    }

    fn close(&mut self, label: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open.label == label) {
            self.open.truncate(at);
        }
    }

    fn opened(&self, label: &str) -> Option<Kind> {
        self.open.iter().rev().find(|open| open.label == label).map(|open| open.kind)
    }
}

fn malformed(span: Range<usize>, text: impl Into<String>, advice: &str) -> Box<Fault> {
    Fault::error(FLOW, span, text, advice)
}

impl<'a> Interpreter<'a> {
    fn scope(&self) -> Scope<'_> {
        Scope {
            parameters: &self.parameters,
            system: &self.state,
            dialect: self.dialect,
            depth_max: self.options.limits.expression_depth_max,
        }
    }

    /// The bracketed value at a byte of the line.
    fn bracket(&self, at: usize) -> Checked<(f64, usize)> {
        let mut reader = Reader::new(self.report.line, at, self.scope());
        if reader.peek() != Some(b'[') {
            return Err(malformed(at..at, "a condition or count in brackets is missing", "write it as [ … ]"));
        }
        let value = reader.bracket()?.number();
        Ok((value, reader.at))
    }

    fn jump_back(&mut self, place: Place) -> Checked<()> {
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

    /// A line that begins with an O-word.
    pub(super) fn o_line(&mut self, at: usize) -> Checked<()> {
        let line = self.report.line;
        let Some(word) = o_word(line, at) else {
            return self.computed_call(at);
        };
        let span = at..word.end;
        match word.keyword.as_str() {
            "sub" => {
                let behind = self.partner(&word.label, &["endsub"], &span)?.1;
                self.flow.place = behind;
                Ok(())
            }
            "call" => self.o_call(&word.label, word.end, span),
            "return" | "endsub" => self.o_return(&word.label, word.end, span),
            "if" => {
                let (value, _) = self.bracket(word.end)?;
                if value == 0.0 { self.next_branch(&word.label, &span) } else { Ok(()) }
            }
            // Reached from a branch that was taken.
            "else" | "elseif" => {
                self.flow.place = self.partner(&word.label, &["endif"], &span)?.1;
                Ok(())
            }
            "endif" => Ok(()),
            "while" | "do" | "repeat" | "endwhile" | "endrepeat" | "break" | "continue" => {
                self.o_loop(&word.keyword, &word.label, word.end, &span)
            }
            other => {
                let text = format!("`{other}` is no O-word");
                Err(malformed(span, text, "use sub, call, return, if, while, do, repeat, break or continue"))
            }
        }
    }

    fn partner(&self, label: &str, keywords: &[&str], span: &Range<usize>) -> Checked<(Place, Place)> {
        find_o_word(self.flow.text(), self.flow.place, label, keywords).ok_or_else(|| {
            let text = format!("o{label} has no {} below", keywords.join(" or "));
            malformed(span.clone(), text, "write the partner with the same label").fatal()
        })
    }

    /// The branch to take after a condition that was false.
    fn next_branch(&mut self, label: &str, span: &Range<usize>) -> Checked<()> {
        loop {
            let (before, behind) = self.partner(label, &["else", "elseif", "endif"], span)?;
            self.flow.place = behind;
            let text = self.flow.text();
            let mut place = before;
            let Some(line) = super::text::next_line(text, &mut place) else { return Ok(()) };
            let line_text = &text[line.range.clone()];
            let super::labels::Head::OWord(at) = super::labels::head(line_text) else { return Ok(()) };
            let Some(word) = o_word(line_text, at) else { return Ok(()) };
            if word.keyword != "elseif" {
                return Ok(());
            }
            // The condition stands on another line than the one in work.
            self.report.at.line = line.number;
            self.report.line = line_text;
            self.report.line_start = line.range.start;
            if self.bracket(word.end)?.0 != 0.0 {
                return Ok(());
            }
        }
    }

    fn o_loop(&mut self, word: &str, label: &str, end: usize, span: &Range<usize>) -> Checked<()> {
        let opened = self.flow.opened(label);
        let here = Place { offset: self.report.line_start, line: self.report.at.line.saturating_sub(1) };
        let behind = self.flow.place;
        match (word, opened) {
            ("while", Some(Kind::Do(start))) => {
                if self.bracket(end)?.0 != 0.0 {
                    return self.jump_back(start);
                }
                self.flow.close(label);
            }
            ("while", _) => {
                self.flow.close(label);
                if self.bracket(end)?.0 == 0.0 {
                    self.flow.place = self.partner(label, &["endwhile"], span)?.1;
                } else {
                    self.flow.open.push(Open { label: label.to_owned(), kind: Kind::While(here) });
                }
            }
            ("do", _) => {
                self.flow.close(label);
                self.flow.open.push(Open { label: label.to_owned(), kind: Kind::Do(behind) });
            }
            ("repeat", _) => {
                self.flow.close(label);
                let count = self.bracket(end)?.0.round().clamp(0.0, f64::from(u32::MAX)) as u32;
                if count == 0 {
                    self.flow.place = self.partner(label, &["endrepeat"], span)?.1;
                } else {
                    self.flow.open.push(Open { label: label.to_owned(), kind: Kind::Repeat(behind, count - 1) });
                }
            }
            ("endwhile", Some(Kind::While(start))) => return self.jump_back(start),
            ("endrepeat", Some(Kind::Repeat(start, left))) => {
                self.flow.close(label);
                if left > 0 {
                    self.flow.open.push(Open { label: label.to_owned(), kind: Kind::Repeat(start, left - 1) });
                    return self.jump_back(start);
                }
            }
            ("break", Some(kind)) => {
                self.flow.place = self.partner(label, end_of(kind), span)?.1;
                self.flow.close(label);
            }
            ("continue", Some(kind)) => self.flow.place = self.partner(label, end_of(kind), span)?.0,
            _ => {
                let text = format!("o{label} {word} stands outside its loop");
                return Err(malformed(span.clone(), text, "write the beginning of the loop with the same label"));
            }
        }
        Ok(())
    }

    /// `o[#1] call` and `o#1 call`.
    fn computed_call(&mut self, at: usize) -> Checked<()> {
        let mut reader = Reader::new(self.report.line, at + 1, self.scope());
        let value = reader.value()?.number();
        let behind = reader.at;
        let (word, end) = keyword(self.report.line, behind);
        let number = super::parameters::index(value, at..behind)?;
        if word != "call" {
            return Err(malformed(at..end, "only a call may compute its label", "write the label as a number"));
        }
        self.o_call(&number.to_string(), end, at..end)
    }

    fn o_call(&mut self, label: &str, end: usize, span: Range<usize>) -> Checked<()> {
        let mut arguments = Vec::new();
        let mut reader = Reader::new(self.report.line, end, self.scope());
        while reader.peek() == Some(b'[') {
            arguments.push(reader.bracket()?.number());
        }
        if arguments.len() > ARGUMENTS_MAX {
            let text = format!("the call has {} arguments, more than {ARGUMENTS_MAX}", arguments.len());
            return Err(malformed(span, text, "pass fewer"));
        }
        let running = self.flow.source;
        let found = [running, 0]
            .into_iter()
            .find_map(|source| self.flow.index(source).subs.get(label).copied().map(|place| (source, place)));
        let found = found.or_else(|| {
            let source = self.flow.open_text(label)?;
            let index = self.flow.index(source);
            Some((source, index.subs.get(label).copied()?))
        });
        let Some(target) = found else {
            let text = format!("there is no subprogram o<{label}>");
            return Err(Fault::error(NO_SUBPROGRAM, span, text, "put its file beside the program").fatal());
        };
        let mut locals = Locals::default();
        // Every parameter of a call has a value: zero where no argument was given.
        for (number, slot) in (1..=ARGUMENTS_MAX as u32).enumerate() {
            locals.set_number(slot, arguments.get(number).copied().unwrap_or(0.0));
        }
        self.enter(target, Some(locals), 1, label.to_owned(), span)
    }

    fn enter(
        &mut self,
        (source, place): (usize, Place),
        locals: Option<Locals>,
        count: u32,
        label: String,
        span: Range<usize>,
    ) -> Checked<()> {
        self.count_jump()?;
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
        };
        self.flow.frames.push(frame);
        (self.flow.source, self.flow.place) = (source, place);
        while self.report.facts.sources.len() < self.flow.names.len() {
            let name = self.flow.names[self.report.facts.sources.len()].clone();
            self.report.facts.sources.push(name);
        }
        Ok(())
    }

    fn o_return(&mut self, label: &str, end: usize, span: Range<usize>) -> Checked<()> {
        // RETURN may carry the label of the branch it stands in.
        let is_end = self.report.line[..end].to_ascii_lowercase().ends_with(b"endsub");
        let is_ours = self.flow.frames.last().is_some_and(|frame| !is_end || frame.label == label);
        if !is_ours {
            let text = format!("o{label} returns from a subprogram that does not run");
            return Err(malformed(span, text, "write the label of the running subprogram"));
        }
        let mut reader = Reader::new(self.report.line, end, self.scope());
        let value = if reader.peek() == Some(b'[') { reader.bracket()?.given() } else { None };
        let count_max = self.options.limits.parameters_max;
        self.parameters.set(&Target::Name("_value".to_owned()), Some(value.unwrap_or(0.0)), count_max)?;
        let returned = f64::from(u8::from(value.is_some()));
        self.parameters.set(&Target::Name("_value_returned".to_owned()), Some(returned), count_max)?;
        self.leave();
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
        true
    }

    /// M97, M98, G65.
    pub(super) fn call(&mut self, called: Called) -> Checked<()> {
        if called.count == 0 {
            return Ok(());
        }
        let target = if called.is_line {
            let source = self.flow.source;
            self.flow.index(source).lines.get(&called.number).copied().map(|place| (source, place))
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
        self.enter(target, locals, called.count, String::new(), called.span)
    }

    /// The line behind `O1001`, in the running text, the main program, or a text of that name.
    fn program(&mut self, number: u32) -> Option<(usize, Place)> {
        let label = number.to_string();
        for source in [self.flow.source, 0] {
            if let Some(place) = self.flow.index(source).programs.get(&label) {
                return Some((source, *place));
            }
        }
        let source =
            self.flow.open_text(&format!("O{number:04}")).or_else(|| self.flow.open_text(&format!("o{number}")))?;
        let place = self.flow.index(source).programs.get(&label).copied();
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
        let Some(place) = self.flow.index(source).lines.get(&number).copied() else {
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

/// Arguments of an O-word call.
const ARGUMENTS_MAX: usize = 30;

/// The words that end a loop.
fn end_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::While(_) => &["endwhile"],
        Kind::Do(_) => &["while"],
        Kind::Repeat(..) => &["endrepeat"],
    }
}
