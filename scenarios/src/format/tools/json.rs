//! JSON values that know where they stand.
//!
//! The parser is `serde_json`; a value is kept as the piece of text it is written in, and read one level at a time, so that
//! its place in the file is the place of that piece.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use shared::files::FileText;
use shared::program::{Diagnostic, Severity, Span};

const ADVICE: &str = "export the file again, or correct the value";

/// A value, and the path to it.
#[derive(Clone, Debug)]
pub(in crate::format) struct Node<'a> {
    file: FileText<'a>,
    raw: &'a str,
    path: String,
    code: &'static str,
}

/// Values by key.
pub(in crate::format) type Object<'a> = BTreeMap<String, Node<'a>>;

type Found<T> = Result<T, Box<Diagnostic>>;

/// The value of a whole file, with its syntax checked throughout. `code` is the diagnostics' about its values.
pub(in crate::format) fn parse<'a>(file: FileText<'a>, code: &'static str) -> Found<Node<'a>> {
    match serde_json::from_str::<&RawValue>(file.text) {
        Ok(raw) => Ok(Node { file, raw: raw.get(), path: String::new(), code }),
        Err(error) => {
            let before = file.text.split_inclusive('\n').take(error.line().saturating_sub(1));
            let line_start: usize = before.map(str::len).sum();
            let start = line_start + error.column().saturating_sub(1);
            let start = (0..=start.min(file.text.len())).rev().find(|at| file.text.is_char_boundary(*at)).unwrap_or(0);
            let span = Span { start, len: file.text[start..].chars().next().map_or(0, char::len_utf8) };
            let message = format!("this is not JSON: {error}");
            let advice = "export the file again; it may be cut short".to_owned();
            Err(Box::new(file.diagnostic(Severity::Error, Some(span), "file::syntax", message, advice)))
        }
    }
}

impl<'a> Node<'a> {
    /// Where it stands: the value's own text, at most its first line.
    pub(in crate::format) fn span(&self) -> Span {
        let start = self.raw.as_ptr() as usize - self.file.text.as_ptr() as usize;
        Span { start, len: self.raw.lines().next().map_or(0, str::len) }
    }

    /// `data[3].geometry.DC`.
    pub(in crate::format) fn path(&self) -> &str {
        &self.path
    }

    pub(in crate::format) fn error(&self, message: String, advice: &str) -> Box<Diagnostic> {
        let message = if self.path.is_empty() { message } else { format!("`{}`: {message}", self.path) };
        let span = Some(self.span());
        Box::new(self.file.diagnostic(Severity::Error, span, self.code, message, advice.to_owned()))
    }

    fn wrong(&self, expected: &str) -> Box<Diagnostic> {
        let shown: String = self.raw.chars().take(40).collect();
        self.error(format!("{shown} was read, expected {expected}"), ADVICE)
    }

    pub(in crate::format) fn is_array(&self) -> bool {
        self.raw.starts_with('[')
    }

    pub(in crate::format) fn is_object(&self) -> bool {
        self.raw.starts_with('{')
    }

    pub(in crate::format) fn is_text(&self) -> bool {
        self.raw.starts_with('"')
    }

    /// Values by key; null counts as absent.
    pub(in crate::format) fn object(&self) -> Found<Object<'a>> {
        let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'a>>(self.raw) else {
            return Err(self.wrong("an object in braces"));
        };
        let mut object = Object::new();
        for (key, raw) in pairs {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            let node = Node { file: self.file, raw: raw.get(), path, code: self.code };
            if object.contains_key(&key) {
                return Err(node.error("this key stands here twice".to_owned(), "remove one of the two"));
            }
            object.insert(key, node);
        }
        object.retain(|_, node| node.raw != "null");
        Ok(object)
    }

    pub(in crate::format) fn items(&self) -> Found<Vec<Node<'a>>> {
        let Ok(raws) = serde_json::from_str::<Vec<&'a RawValue>>(self.raw) else {
            return Err(self.wrong("a list in brackets"));
        };
        let node = |(index, raw): (usize, &'a RawValue)| Node {
            file: self.file,
            raw: raw.get(),
            path: format!("{}[{index}]", self.path),
            code: self.code,
        };
        Ok(raws.into_iter().enumerate().map(node).collect())
    }

    pub(in crate::format) fn number(&self) -> Found<f64> {
        let is_number = self.raw.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let value = self.raw.parse::<f64>().ok().filter(|value| is_number && value.is_finite());
        value.ok_or_else(|| self.wrong("a finite number"))
    }

    /// A whole number from 0 up.
    pub(in crate::format) fn count(&self) -> Found<u32> {
        let value = self.number()?;
        let whole = (0.0..=f64::from(u32::MAX)).contains(&value) && value.fract() == 0.0;
        if whole { Ok(value as u32) } else { Err(self.wrong("a whole number from 0")) }
    }

    pub(in crate::format) fn text(&self) -> Found<String> {
        serde_json::from_str(self.raw).map_err(|_| self.wrong("a text in quotes"))
    }
}

/// Keys with their values, in order and with repetitions.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Read).map(Pairs)
    }
}

/// The text of an optional key.
pub(in crate::format) fn text_of(object: &Object<'_>, key: &str) -> Found<Option<String>> {
    object.get(key).map(Node::text).transpose()
}
