//! Diagnostics and facts of a running interpretation, each with its place, each bounded.

use super::block::code_name;
use super::canon::Provenance;
use super::diagnostic::{Diagnostic, Severity, Span};
use super::facts::{Facts, WithoutEffect};
use super::fault::{Fault, TOO_LONG};
use super::options::Dialect;
use super::text::column;
use std::collections::BTreeSet;

/// Calls told with a diagnosis; of deeper ones their number.
const CALLERS_TOLD: usize = 8;

/// Where the interpretation stands and what it has to tell.
#[derive(Clone, Debug)]
pub(super) struct Report<'a> {
    pub(super) facts: Facts,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Where the block in work comes from.
    pub(super) at: Provenance,
    /// The line in work.
    pub(super) line: &'a [u8],
    /// Its first byte in the text.
    pub(super) line_start: usize,
    /// Bytes of the main program before the text at hand, where it is read in pieces.
    pub(super) starts_at: usize,
    /// True once there were more errors than are kept, or a limit was reached.
    pub(super) is_over: bool,
    diagnostics_max: usize,
    /// Notes already given: code and a key of its own.
    given: BTreeSet<(&'static str, u32)>,
    /// Keys of `facts.without_effect`, in its order.
    inert_keys: Vec<(u8, u16)>,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub(super) fn new(facts: Facts, diagnostics_max: usize) -> Self {
        Self {
            facts,
            diagnostics: Vec::new(),
            at: Provenance::default(),
            line: &[],
            line_start: 0,
            starts_at: 0,
            is_over: false,
            diagnostics_max,
            given: BTreeSet::new(),
            inert_keys: Vec::new(),
        }
    }

    /// The same between two lines.
    pub(super) fn without_line(&self) -> Report<'static> {
        Report {
            facts: self.facts.clone(),
            diagnostics: self.diagnostics.clone(),
            at: self.at,
            line: &[],
            line_start: 0,
            starts_at: self.starts_at,
            is_over: self.is_over,
            diagnostics_max: self.diagnostics_max,
            given: self.given.clone(),
            inert_keys: self.inert_keys.clone(),
        }
    }

    /// Takes a fault of the line in work.
    pub(super) fn take(&mut self, fault: &Fault) {
        self.is_over |= fault.fatal;
        if self.diagnostics.len() >= self.diagnostics_max {
            self.is_over |= fault.severity == Severity::Error;
            return;
        }
        let diagnostic = self.placed(fault);
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() == self.diagnostics_max {
            let end = Fault::error(
                TOO_LONG,
                0..0,
                format!("there are more than {} diagnostics (diagnostics_max); no more are kept", self.diagnostics_max),
                "correct the first ones, the others often follow from them",
            )
            .with(Severity::Warning);
            let diagnostic = self.placed(&end);
            self.diagnostics.push(diagnostic);
        }
    }

    /// Withdraws the last diagnosis: what it told is settled.
    pub(super) fn withdraw(&mut self) {
        self.diagnostics.pop();
    }

    /// Drops the beginning of the line in work: what follows is a block of its own.
    pub(super) fn cut_line(&mut self, bytes: usize) {
        let bytes = bytes.min(self.line.len());
        self.line = &self.line[bytes..];
        self.line_start += bytes;
    }

    /// Takes a fault once for each key; later ones of the same code and key are dropped.
    pub(super) fn once(&mut self, key: u32, fault: impl FnOnce() -> Box<Fault>, code: &'static str) {
        if self.given.contains(&(code, key)) || self.given.len() >= self.diagnostics_max {
            return;
        }
        self.given.insert((code, key));
        let fault = fault();
        self.take(&fault);
    }

    fn placed(&self, fault: &Fault) -> Diagnostic {
        let has_line = self.at.line > 0;
        let has_span = has_line && !(fault.span.is_empty() && fault.span.start == 0);
        Diagnostic {
            severity: fault.severity,
            code: fault.code,
            source: self.facts.sources.get(usize::from(self.at.source.0)).cloned().unwrap_or_default(),
            line: self.at.line,
            column: if has_span { column(self.line, fault.span.start) } else { 0 },
            span: has_span
                .then(|| Span { start: self.starts_at + self.line_start + fault.span.start, len: fault.span.len() }),
            message: self.with_callers(&self.message_of(fault)),
            advice: fault.advice.clone(),
        }
    }

    /// A message with the calls that led to the line in work.
    fn with_callers(&self, message: &str) -> String {
        let mut text = message.to_owned();
        let calls = self.facts.call_stack(self.at.calls);
        for site in calls.iter().take(CALLERS_TOLD) {
            let source = self.facts.source(site.source).unwrap_or_default();
            text.push_str(&format!(" (called from {source}:{})", site.line));
        }
        if calls.len() > CALLERS_TOLD {
            text.push_str(&format!(" (and {} calls before)", calls.len() - CALLERS_TOLD));
        }
        text
    }

    /// The message; under grbl with the answer the controller gives.
    fn message_of(&self, fault: &Fault) -> String {
        let is_refusal = self.facts.dialect == Dialect::Grbl && fault.severity == Severity::Error;
        match super::grbl::answer(fault.code, &fault.message).filter(|_| is_refusal) {
            Some((number, meaning)) => format!("{} (grbl: error:{number}, {meaning})", fault.message),
            None => fault.message.clone(),
        }
    }

    /// Counts a word or code that changes nothing. `code` is ten times its number, or `u16::MAX` for a word.
    pub(super) fn without_effect(&mut self, letter: u8, code: u16, reason: &'static str) {
        if let Some(index) = self.inert_keys.iter().position(|key| *key == (letter, code)) {
            self.facts.without_effect[index].count += 1;
            return;
        }
        if self.inert_keys.len() >= Facts::WITHOUT_EFFECT_MAX {
            return;
        }
        self.inert_keys.push((letter, code));
        let word = if code == u16::MAX { char::from(letter).to_string() } else { code_name(letter, code) };
        self.remember(word, reason);
    }

    /// Counts a word without effect that is more than a letter and a number.
    pub(super) fn named_without_effect(&mut self, word: &str, reason: &'static str) {
        if let Some(known) = self.facts.without_effect.iter_mut().find(|known| known.word == word) {
            known.count += 1;
            return;
        }
        if self.inert_keys.len() >= Facts::WITHOUT_EFFECT_MAX {
            return;
        }
        // No letter: this entry is found by its name.
        self.inert_keys.push((0, u16::MAX));
        self.remember(word.to_owned(), reason);
    }

    fn remember(&mut self, word: String, reason: &'static str) {
        let Provenance { source, line, .. } = self.at;
        self.facts.without_effect.push(WithoutEffect { word, source, line, count: 1, reason });
    }
}
