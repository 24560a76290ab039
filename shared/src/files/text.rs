use serde::de::DeserializeOwned;

use crate::program::{Diagnostic, Severity, Span};

/// Something that was not given and was filled in, said in one sentence.
pub type Assumed = String;

/// A text with its name, for diagnostics that point into it.
#[derive(Clone, Copy, Debug)]
pub struct FileText<'a> {
    /// Name as the user knows it.
    pub name: &'a str,
    /// Contents.
    pub text: &'a str,
}

impl<'a> FileText<'a> {
    /// From bytes that should be UTF-8.
    ///
    /// # Errors
    /// A diagnostic at the first byte that is not.
    pub fn from_bytes(name: &'a str, bytes: &'a [u8]) -> Result<Self, Box<Diagnostic>> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(Box::new(Diagnostic {
                severity: Severity::Error,
                code: "file::not-utf8",
                source: name.to_owned(),
                line: 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() as u32,
                column: 0,
                span: None,
                message: "this is not UTF-8 text".to_owned(),
                advice: "save the file as UTF-8 without a byte order mark".to_owned(),
            })),
        }
    }

    /// An error about the value of a key, pointing at the key where it can be found, else at the table it
    /// stands in.
    pub fn error_at(&self, key: &str, code: &'static str, message: String, advice: String) -> Diagnostic {
        let span =
            self.find_key(key).or_else(|| self.find_key(key.rsplit_once('.')?.0)).or_else(|| self.find_table(key));
        self.diagnostic(Severity::Error, span, code, message, advice)
    }

    /// A diagnostic about a whole line, from 1, pointing at what is written in it.
    pub fn on_line(
        &self,
        severity: Severity,
        line: u32,
        code: &'static str,
        message: String,
        advice: String,
    ) -> Diagnostic {
        Diagnostic { line, ..self.diagnostic(severity, self.line_span(line), code, message, advice) }
    }

    /// What is written in a line, from 1, without the blanks around it; `None` for an empty line.
    fn line_span(&self, line: u32) -> Option<Span> {
        let mut start = 0;
        for (index, text) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == line as usize {
                let written = text.trim_end();
                let blank = written.len() - written.trim_start().len();
                return (written.len() > blank).then_some(Span { start: start + blank, len: written.len() - blank });
            }
            start += text.len();
        }
        None
    }

    /// A diagnostic at a span of this text.
    pub fn diagnostic(
        &self,
        severity: Severity,
        span: Option<Span>,
        code: &'static str,
        message: String,
        advice: String,
    ) -> Diagnostic {
        let (line, column) = span.map_or((0, 0), |span| self.line_and_column(span.start));
        Diagnostic { severity, code, source: self.name.to_owned(), line, column, span, message, advice }
    }

    fn line_and_column(&self, offset: usize) -> (u32, u32) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line as u32, column as u32)
    }

    /// Finds the header `[key]`.
    fn find_table(&self, key: &str) -> Option<Span> {
        let header = format!("[{key}]");
        let own_line = |start: &usize| start.checked_sub(1).is_none_or(|before| self.text.as_bytes()[before] == b'\n');
        let start = self.text.match_indices(&header).map(|(start, _)| start).find(own_line)?;
        Some(Span { start, len: header.len() })
    }

    /// Finds `section.key`, `key`, or `table.0.key` (the first of an array of tables) by scanning headers.
    fn find_key(&self, key: &str) -> Option<Span> {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut current = String::new();
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            let trimmed = line.trim();
            if trimmed.starts_with('[') && !trimmed.contains('=') {
                current = trimmed.trim_matches(|c| matches!(c, '[' | ']' | ' ')).to_owned();
            } else if current == section {
                let written = line.trim_start();
                let rest = written.strip_prefix(name).or_else(|| {
                    written.strip_prefix('"').and_then(|rest| rest.strip_prefix(name)).and_then(|r| r.strip_prefix('"'))
                });
                if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                    let start = offset + (line.len() - written.len());
                    return Some(Span { start, len: name.len() });
                }
            }
            offset += line.len();
        }
        None
    }
}

/// Parses a TOML text into a file struct.
///
/// # Errors
/// A diagnostic at the place TOML names: syntax, a missing or misspelt key, or a value of the wrong kind.
pub fn parse_toml<T: DeserializeOwned>(file: FileText<'_>) -> Result<T, Box<Diagnostic>> {
    toml::from_str(file.text).map_err(|error| {
        let span = error.span().map(|range| Span { start: range.start, len: range.len() });
        let message = error.message().replace('\n', " ");
        let (code, advice) = if message.contains("unknown field") || message.contains("unknown variant") {
            ("file::unknown-key", "check the spelling against the names listed")
        } else if message.contains("missing field") {
            ("file::missing-key", "add the key")
        } else if message.contains("invalid type") || message.contains("invalid value") {
            ("file::wrong-type", "give the value in the form named")
        } else {
            ("file::syntax", "the file must be TOML; see the examples among the built-in scenarios")
        };
        Box::new(file.diagnostic(Severity::Error, span, code, message, advice.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        speed: f64,
    }

    #[test]
    fn a_misspelt_key_is_named_with_line_and_column() {
        let file = FileText { name: "a.toml", text: "# note\nsped = 3.0\n" };
        let error = parse_toml::<Sample>(file).expect_err("misspelt");
        assert_eq!((error.line, error.column, error.code), (2, 1, "file::unknown-key"));
        assert!(error.message.contains("sped") && error.message.contains("speed"), "{}", error.message);
    }

    #[test]
    fn keys_are_found_in_their_section() {
        let text = "x = 1\n[axis.x]\n  x = 2\n[axis.y]\nx = 3\n";
        let file = FileText { name: "m.toml", text };
        let error = file.error_at("axis.y.x", "file::range", "no".to_owned(), String::new());
        assert_eq!((error.line, error.column), (5, 1));
        assert_eq!(file.error_at("axis.x.x", "file::range", String::new(), String::new()).column, 3);
        assert_eq!(file.error_at("nowhere", "file::range", String::new(), String::new()).line, 0);
        let inline = FileText { name: "s.toml", text: "[limits]\nfeed = { min = 0.1 }\n\n[wcs.G60]\nunits = 1\n" };
        let line = |key: &str| inline.error_at(key, "file::range", String::new(), String::new()).line;
        assert_eq!((line("limits.feed.min"), line("wcs.G60"), line("wcs.G60.units")), (2, 4, 5));
    }

    #[test]
    fn a_whole_line_is_pointed_at_without_its_blanks() {
        let file = FileText { name: "a.nc", text: "G0 X1\n  G1 X2  \n\n" };
        let error = file.on_line(Severity::Error, 2, "x::y", String::new(), String::new());
        assert_eq!((error.line, error.column, error.span), (2, 3, Some(Span { start: 8, len: 5 })));
        assert_eq!(file.on_line(Severity::Error, 3, "x::y", String::new(), String::new()).span, None);
    }

    #[test]
    fn bytes_that_are_no_text_are_named_by_line() {
        let error = FileText::from_bytes("m.toml", b"a = 1\n\xff\xfe").expect_err("not text");
        assert_eq!((error.line, error.code), (2, "file::not-utf8"));
    }
}
