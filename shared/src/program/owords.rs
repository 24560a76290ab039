//! O-words of RS274/NGC: branches, loops, subprograms.
//!
//! A branch not taken is skipped by looking for its partner by label, as LinuxCNC does; what it refuses while it
//! skips is refused here, too.

use super::expression::Reader;
use super::fault::*;
use super::flow::{Entry, Kind, Open, malformed};
use super::interpreter::Interpreter;
use super::labels::{Found, find_o_word, keyword, o_word};
use super::parameters::{Locals, Target};
use super::text::Place;
use std::ops::Range;

impl Interpreter<'_> {
    /// A line that begins with an O-word.
    pub(super) fn o_line(&mut self, at: usize) -> Checked<()> {
        let line = self.report.line;
        let Some(word) = o_word(line, at) else {
            return self.computed_call(at);
        };
        let span = at..word.end;
        self.check_behind(word.end)?;
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
                self.flow.close(&word.label);
                self.flow.open.push(Open { label: word.label.clone(), kind: Kind::If });
                if value == 0.0 { self.next_branch(&word.label, &span) } else { Ok(()) }
            }
            "else" | "elseif" | "endif" => self.end_branch(&word.keyword, &word.label, &span),
            "while" | "do" | "repeat" | "endwhile" | "endrepeat" | "break" | "continue" => {
                self.o_loop(&word.keyword, &word.label, word.end, &span)
            }
            other => {
                let text = format!("`{other}` is no O-word");
                Err(malformed(span, text, KEYWORDS))
            }
        }
    }

    /// The end of a branch that was taken.
    fn end_branch(&mut self, word: &str, label: &str, span: &Range<usize>) -> Checked<()> {
        if !matches!(self.flow.opened(label), Some(Kind::If)) {
            let text = format!("o{label} {word} has no o{label} if above it that was reached");
            return Err(malformed(span.clone(), text, "write the `if` with the same label"));
        }
        if word != "endif" {
            self.flow.place = self.partner(label, &["endif"], span)?.1;
        }
        self.flow.close(label);
        Ok(())
    }

    /// Behind an O-word and its brackets there is nothing but a comment.
    fn check_behind(&self, end: usize) -> Checked<()> {
        let line = self.report.line;
        let (mut at, mut depth) = (end, 0u32);
        while let Some(byte) = line.get(at) {
            match byte {
                b'[' => depth += 1,
                b']' if depth > 0 => depth -= 1,
                byte if depth > 0 || super::number::is_blank(*byte) => {}
                b'(' => at += line[at..].iter().position(|byte| *byte == b')').unwrap_or(line.len() - at - 1),
                b';' => return Ok(()),
                _ => {
                    let text = "something stands behind the O-word";
                    return Err(malformed(at..line.len(), text, "write it on a line of its own"));
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// LinuxCNC remembers a `break` out of a `while` loop until the next `do` loop ends, and leaves that one, too.
    fn warn_of_break(&mut self, label: &str, span: &Range<usize>) {
        let note = || {
            let text =
                format!("o{label} do ends after this pass: LinuxCNC has not forgotten the `break` of a while loop");
            malformed(span.clone(), text, "write it as a while loop, or leave the other one by its condition")
                .with(super::Severity::Warning)
        };
        self.report.once(self.report.at.line, note, FLOW);
    }

    fn partner(&mut self, label: &str, keywords: &[&str], span: &Range<usize>) -> Checked<(Place, Place)> {
        match find_o_word(self.flow.text(), self.flow.place, label, keywords) {
            Found::At(before, behind) => Ok((before, behind)),
            Found::Missing => {
                let text = format!("o{label} has no {} below", keywords.join(" or "));
                Err(malformed(span.clone(), text, "write the partner with the same label").fatal())
            }
            Found::Malformed(place) => {
                self.look_at(place);
                let text = "a line that begins with O is no O-word";
                Err(malformed(0..self.report.line.len(), text, KEYWORDS).fatal())
            }
        }
    }

    /// Makes another line than the one in work that of diagnoses.
    fn look_at(&mut self, mut place: Place) {
        let text = self.flow.text();
        if let Some(line) = super::text::next_line(text, &mut place) {
            self.report.at.line = line.number;
            self.report.line_start = line.range.start;
            self.report.line = &text[line.range];
        }
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
                if word.keyword == "endif" {
                    self.flow.close(label);
                }
                return Ok(());
            }
            // The condition stands on another line than the one in work.
            self.look_at(before);
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
                let is_left = std::mem::take(&mut self.flow.is_breaking);
                self.flow.close(label);
                let is_true = self.bracket(end)?.0 != 0.0;
                if is_true && is_left {
                    self.warn_of_break(label, span);
                } else if is_true {
                    self.flow.open.push(Open { label: label.to_owned(), kind: Kind::Do(start) });
                    return self.jump_back(start);
                }
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
            ("break", Some(Kind::While(_))) => {
                self.flow.place = self.partner(label, &["endwhile"], span)?.1;
                self.flow.is_breaking = true;
                self.flow.close(label);
            }
            ("break", Some(Kind::Do(_))) => {
                self.flow.place = self.partner(label, &["while"], span)?.1;
                self.flow.is_breaking = false;
                self.flow.close(label);
            }
            ("continue", Some(Kind::While(_))) => self.flow.place = self.partner(label, &["endwhile"], span)?.0,
            ("continue", Some(Kind::Do(_))) => self.flow.place = self.partner(label, &["while"], span)?.0,
            ("break" | "continue", Some(Kind::Repeat(..))) => {
                let text = format!("{word} does not leave or shorten a repeat");
                return Err(malformed(span.clone(), text, "write the loop with while or do"));
            }
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
        self.o_call_with(label, arguments, span)
    }

    /// Calls an O-word subprogram.
    pub(super) fn o_call_with(&mut self, label: &str, arguments: Vec<f64>, span: Range<usize>) -> Checked<()> {
        if arguments.len() > ARGUMENTS_MAX {
            let text = format!("the call has {} arguments, more than {ARGUMENTS_MAX}", arguments.len());
            return Err(malformed(span, text, "pass fewer"));
        }
        let running = self.flow.source;
        let found =
            [running, 0].into_iter().find_map(|source| self.flow.find_sub(source, label).map(|place| (source, place)));
        let found = found.or_else(|| {
            let source = self.flow.open_text(label)?;
            Some((source, self.flow.find_sub(source, label)?))
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
        let entry = Entry { target, locals: Some(locals), count: 1, label: label.to_owned(), called: label.to_owned() };
        self.enter(entry, span)
    }

    fn o_return(&mut self, label: &str, end: usize, span: Range<usize>) -> Checked<()> {
        // RETURN may carry the label of the branch it stands in.
        let is_end = self.report.line[..end].to_ascii_lowercase().ends_with(b"endsub");
        let is_ours = self.flow.runs(is_end.then_some(label));
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
}

/// Arguments of an O-word call.
const ARGUMENTS_MAX: usize = 30;

const KEYWORDS: &str = "behind `O` and the label write sub, call, return, if, while, do, repeat, break or continue";
