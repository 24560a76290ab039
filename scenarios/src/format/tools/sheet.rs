//! What the importers share: entries with the places of their figures, and the sentences about them.

use std::collections::BTreeMap;

use shared::files::{FileText, ToolEntry, ToolFile};
use shared::machine::LengthUnit;
use shared::program::{CommentTool, Diagnostic, Severity, Span};

use super::{ImportError, ToolImport, UnitOfFile};

/// Most tools of one file, and most errors reported of it.
const TOOLS_MAX: usize = 20_000;
const ERRORS_MAX: usize = 50;

/// An entry on its way, with where its figures stand.
pub(super) struct Draft {
    pub(super) entry: ToolEntry,
    pub(super) span: Span,
    places: BTreeMap<&'static str, Span>,
}

impl Draft {
    pub(super) fn new(span: Span) -> Self {
        Self { entry: ToolEntry::default(), span, places: BTreeMap::new() }
    }

    /// Remembers where the figure of a key stands.
    pub(super) fn at(&mut self, key: &'static str, span: Span) {
        self.places.insert(key, span);
    }

    /// Takes from a description in words what the table itself does not say.
    pub(super) fn describe(&mut self, words: CommentTool) {
        let entry = &mut self.entry;
        if let (Some(own_mm), Some(said)) = (entry.diameter_mm, words.diameter) {
            let said_mm = said.as_mm();
            if (own_mm - said_mm).abs() > 0.02 * own_mm {
                entry.assumed.push(format!("the table's diameter {own_mm} mm is used, its words say {said_mm:.3} mm"));
            }
        } else if let Some(said) = words.diameter {
            let said_mm = (said.as_mm() * 1e9).round() / 1e9;
            entry.diameter_mm = Some(said_mm);
            entry.assumed.push(format!("diameter {said_mm} mm, read from its words"));
        }
        entry.flutes = entry.flutes.or(words.flutes);
        if let (None, Some(shape)) = (entry.shape, words.shape) {
            entry.set_shape(shape);
            entry.assumed.push(format!("{}, read from its words", shape.name()));
            entry.assumed.extend(words.assumed);
        }
    }
}

/// A file being imported.
pub(super) struct Sheet<'a> {
    pub(super) text: FileText<'a>,
    unit: UnitOfFile,
    unit_said: bool,
    line_starts: Vec<usize>,
    drafts: Vec<Draft>,
    assumed: Vec<String>,
    skipped: Vec<String>,
    errors: Vec<Diagnostic>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(text: FileText<'a>, unit: UnitOfFile) -> Self {
        let line_starts = text.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            text,
            unit,
            unit_said: false,
            line_starts: line_starts.collect(),
            drafts: Vec::new(),
            assumed: Vec::new(),
            skipped: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Millimetres in the unit of a file that does not say one; where the user has not said it either, that is
    /// an assumption.
    pub(super) fn unit_mm(&mut self) -> f64 {
        let unit = match self.unit {
            UnitOfFile::Stated(unit) => return unit.mm(),
            UnitOfFile::OfMachine(unit) => unit,
        };
        if !self.unit_said {
            self.unit_said = true;
            let word = if unit == LengthUnit::Inch { "inch" } else { "mm" };
            let name = self.text.name;
            self.assumed.push(format!("{name}: lengths without a unit are in {word}, the machine's unit"));
        }
        unit.mm()
    }

    /// Line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= at) as u32 + 1
    }

    pub(super) fn error(&mut self, span: Span, code: &'static str, message: String, advice: &str) {
        if self.errors.len() < ERRORS_MAX {
            let error = self.text.diagnostic(Severity::Error, Some(span), code, message, advice.to_owned());
            self.errors.push(error);
        }
    }

    pub(super) fn skip(&mut self, at: usize, what: String) {
        self.skipped.push(format!("{}:{}: {what}", self.text.name, self.line(at)));
    }

    pub(super) fn skip_file(&mut self, what: String) {
        self.skipped.push(format!("{}: {what}", self.text.name));
    }

    /// Adds a tool; its figures are checked, and an impossible one is an error at its place.
    pub(super) fn add(&mut self, mut draft: Draft) {
        draft.entry.line = Some(self.line(draft.span.start));
        draft.entry.name = draft.entry.name.trim().to_owned();
        if draft.entry.name.is_empty() {
            let number = draft.entry.number.map_or(String::new(), |number| format!(" {number}"));
            draft.entry.name = format!("tool{number}");
        }
        if let Some((key, message)) = draft.entry.problem() {
            let span = draft.places.get(key).copied().unwrap_or(draft.span);
            let message = format!("{}: {message}", draft.entry.label());
            self.error(span, "tool::range", message, "correct the figure");
        } else if self.drafts.len() == TOOLS_MAX {
            let message = format!("the file has more than {TOOLS_MAX} tools");
            self.error(draft.span, "tool::too-many", message, "give a library with the tools of the job");
        }
        if self.drafts.len() <= TOOLS_MAX {
            self.drafts.push(draft);
        }
    }

    /// Entries with a number that stands twice in a table where a controller would take either.
    pub(super) fn refuse_twice(&mut self) {
        let mut seen: BTreeMap<u32, Span> = BTreeMap::new();
        let numbers: Vec<(u32, Span)> =
            self.drafts.iter().filter_map(|d| Some((d.entry.number?, d.places.get("number").copied()?))).collect();
        for (number, span) in numbers {
            if let Some(first) = seen.get(&number) {
                let message = format!("T{number} stands in the table twice, first in line {}", self.line(first.start));
                self.error(span, "tool::twice", message, "remove or renumber one of the two");
            } else {
                seen.insert(number, span);
            }
        }
    }

    /// The import, if nothing is wrong.
    pub(super) fn finish(mut self, done: Result<(), Box<Diagnostic>>) -> Result<Option<ToolImport>, ImportError> {
        if let Err(error) = done {
            self.errors.push(*error);
        } else if self.errors.is_empty() && self.drafts.is_empty() {
            let message = "the file holds no tool".to_owned();
            let advice = "check that it is the right file".to_owned();
            self.errors.push(self.text.diagnostic(Severity::Error, None, "tool::none", message, advice));
        }
        if !self.errors.is_empty() {
            return Err(ImportError { diagnostics: self.errors, text: self.text.text.to_owned() });
        }
        let name = self.text.name;
        let imported = self.drafts.iter().map(|draft| imported(name, &draft.entry)).collect();
        let tool = self.drafts.into_iter().map(|draft| placed(name, draft.entry)).collect();
        let file = ToolFile { schema: 1, assumed: self.assumed, skipped: self.skipped, tool };
        Ok(Some(ToolImport { file, imported }))
    }
}

/// The entry with its place before each sentence.
fn placed(name: &str, mut entry: ToolEntry) -> ToolEntry {
    let place = format!("{name}:{}: {}", entry.line.unwrap_or(0), entry.label());
    for sentence in entry.assumed.iter_mut().chain(&mut entry.skipped) {
        *sentence = format!("{place}: {sentence}");
    }
    entry
}

/// `tool.tbl:3: T2 (10mm end mill): flat, diameter 10.000 mm, 4 flutes, length offset 51.000 mm`.
fn imported(name: &str, entry: &ToolEntry) -> String {
    let mut parts = vec![match entry.shape {
        Some(shape) => format!("{shape:?}"),
        None => "form not given".to_owned(),
    }];
    let sizes = [
        ("diameter", entry.diameter_mm),
        ("corner radius", entry.corner_radius_mm),
        ("cutting edge", entry.flute_length_mm),
        ("shank", entry.shank_diameter_mm),
        ("stick-out", entry.stickout_mm),
        ("overall length", entry.overall_length_mm),
        ("length offset", entry.length_offset_mm),
    ];
    parts.extend(sizes.iter().filter_map(|(what, size)| Some(format!("{what} {:.3} mm", (*size)?))));
    parts.extend(entry.point_angle_deg.map(|deg| format!("point angle {deg:.1}°")));
    parts.extend(entry.flutes.map(|flutes| format!("{flutes} flutes")));
    if !entry.holder.is_empty() {
        parts.push(format!("holder of {} sections", entry.holder.len()));
    }
    format!("{name}:{}: {}: {}", entry.line.unwrap_or(0), entry.label(), parts.join(", "))
}
