//! LinuxCNC's INI dialect: `[SECTION]`, `KEY = value`, comments on lines of their own behind `#` or `;`, a line that
//! ends in a backslash goes on in the next. A section may be opened more than once; of a key that stands there twice,
//! the first counts. Files drawn in by `#INCLUDE` are not read.

use std::collections::BTreeMap;

use shared::program::Span;

use super::draft::Draft;

/// Most keys of one file.
const KEYS_MAX: usize = 20_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) span: Span,
}

/// All values, by section and key in capitals.
#[derive(Debug, Default)]
pub(super) struct Ini {
    sections: BTreeMap<String, BTreeMap<String, Value>>,
    /// Keys of the file, used or not.
    pub(super) keys: usize,
}

/// Reads the whole file; what is wrong goes to the draft's errors.
pub(super) fn parse(draft: &mut Draft<'_>) -> Ini {
    let text = draft.file.text;
    let mut ini = Ini::default();
    let (mut section, mut start, mut goes_on) = (String::new(), 0, false);
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start().len();
        let written = line.trim();
        let span = Span { start: start + lead, len: written.len() };
        start += line.len();
        let continues = std::mem::replace(&mut goes_on, written.ends_with('\\'));
        if continues || written.is_empty() || written.starts_with(';') {
            continue;
        }
        if written.starts_with('#') {
            if written.to_ascii_uppercase().starts_with("#INCLUDE") {
                draft.skips(span, "the included file is not read: what it says is missing here".to_owned());
            }
            continue;
        }
        if let Some(rest) = written.strip_prefix('[') {
            match rest.split_once(']') {
                Some((name, _)) if !name.trim().is_empty() => section = name.trim().to_ascii_uppercase(),
                _ => draft.error(span, "machine::ini", "this section has no end".to_owned(), "write [NAME]"),
            }
            continue;
        }
        let Some((key, value)) = written.split_once('=') else {
            let message = format!("`{}` is neither [SECTION] nor KEY = value", shown(written));
            draft.error(span, "machine::ini", message, "correct the line, or put it behind #");
            continue;
        };
        if ini.keys == KEYS_MAX {
            let message = format!("the file has more than {KEYS_MAX} keys");
            draft.error(span, "machine::ini", message, "name the configuration itself");
            return ini;
        }
        ini.keys += 1;
        let value_start = span.start + written.len() - value.trim_start().len();
        let value = value.trim().trim_end_matches('\\').trim_end();
        let value = Value { text: value.to_owned(), span: Span { start: value_start, len: value.len() } };
        ini.sections.entry(section.clone()).or_default().entry(key.trim().to_ascii_uppercase()).or_insert(value);
    }
    ini
}

impl Ini {
    pub(super) fn text(&self, section: &str, key: &str) -> Option<&Value> {
        self.sections.get(section)?.get(key)
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// A number; what is none is an error.
    pub(super) fn number(&self, draft: &mut Draft<'_>, section: &str, key: &str) -> Option<(f64, Span)> {
        let value = self.text(section, key)?;
        let mut words = value.text.split_whitespace();
        let (word, next) = (words.next().unwrap_or(""), words.next());
        let plain = word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        let number = word.parse::<f64>().ok().filter(|number| plain && number.is_finite());
        let alone = next.is_none_or(|rest| rest.starts_with(['#', ';', '(']));
        if let Some(number) = number.filter(|_| alone) {
            return Some((number, value.span));
        }
        let message = format!("`[{section}]{key}` is `{}`, expected a number", shown(&value.text));
        draft.error(value.span, "machine::ini", message, "write a number, comments on lines of their own");
        None
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
