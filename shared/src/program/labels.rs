//! Finding places in a text: subprograms, programs, numbered lines, and the partners of flow words.

use super::number::skip_blanks;
use super::text::{Place, next_line};
use std::collections::BTreeMap;

/// What a line begins with, behind its line number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Words.
    Plain,
    /// `O`, at a byte.
    OWord(usize),
    /// Two letters in a row, at a byte: a word of macro B.
    Keyword(usize),
}

/// Looks at the beginning of a line. Fast for lines of words, which are nearly all.
pub(super) fn head(line: &[u8]) -> Head {
    let mut at = skip_blanks(line, 0);
    if line.get(at) == Some(&b'/') {
        at = skip_blanks(line, at + 1);
    }
    if matches!(line.get(at), Some(b'N' | b'n')) {
        at = skip_blanks(line, at + 1);
        while line.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
            at += 1;
        }
        at = skip_blanks(line, at);
    }
    match line.get(at) {
        Some(b'O' | b'o') => Head::OWord(at),
        Some(b':') if line.get(at + 1).is_some_and(u8::is_ascii_digit) => Head::OWord(at),
        Some(byte) if byte.is_ascii_alphabetic() && line.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => {
            Head::Keyword(at)
        }
        _ => Head::Plain,
    }
}

/// An O-word that needs no evaluation: `o100 sub`, `o<name> call [1]`, `O1001`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OWord {
    /// `100` or `name`, in lower case.
    pub(super) label: String,
    /// `sub`, `while` …, in lower case; empty for a program number.
    pub(super) keyword: String,
    /// The byte behind the keyword.
    pub(super) end: usize,
}

/// Reads the O-word at a byte of a line; `None` where its label is computed or missing.
pub(super) fn o_word(line: &[u8], at: usize) -> Option<OWord> {
    let mut at = skip_blanks(line, at + 1);
    let label = if line.get(at) == Some(&b'<') {
        let length = line[at..].iter().position(|byte| *byte == b'>')?;
        let name = plain(&line[at + 1..at + length]);
        at += length + 1;
        name
    } else {
        // Blanks do not count: `o10 1sub` is `o101 sub`.
        let is_part = |byte: &&u8| byte.is_ascii_digit() || super::number::is_blank(**byte);
        let length = line[at..].iter().take_while(is_part).count();
        let digits = plain(&line[at..at + length]);
        at += length;
        if digits.is_empty() {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
    };
    let (keyword, end) = o_keyword(line, at);
    Some(OWord { label, keyword, end })
}

/// What may stand behind a label; where one begins like another, the longer comes first.
const O_KEYWORDS: [&str; 15] = [
    "sub",
    "endsub",
    "call",
    "do",
    "while",
    "repeat",
    "if",
    "elseif",
    "else",
    "endif",
    "break",
    "continue",
    "endwhile",
    "endrepeat",
    "return",
];

/// The keyword from a byte on, blanks left out, and the byte behind it; letters that begin like none are given
/// as they stand.
fn o_keyword(line: &[u8], at: usize) -> (String, usize) {
    let is_part = |byte: &&u8| byte.is_ascii_alphabetic() || super::number::is_blank(**byte);
    let length = line[at..].iter().take_while(is_part).count();
    let letters = plain(&line[at..at + length]);
    let Some(known) = O_KEYWORDS.iter().find(|known| letters.starts_with(**known)) else {
        return keyword(line, at);
    };
    let is_letter = |(_, byte): &(usize, &u8)| byte.is_ascii_alphabetic();
    let last = line[at..].iter().enumerate().filter(is_letter).nth(known.len() - 1);
    ((*known).to_owned(), at + last.map_or(0, |(index, _)| index + 1))
}

/// The letters from a byte on, in lower case, and the byte behind them.
pub(super) fn keyword(line: &[u8], at: usize) -> (String, usize) {
    let start = skip_blanks(line, at);
    let length = line[start..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    (plain(&line[start..start + length]), start + length)
}

fn plain(bytes: &[u8]) -> String {
    let letters = bytes.iter().filter(|byte| !super::number::is_blank(**byte));
    letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// Where things are in one text, as far as it had to be looked through. The first of equal names counts.
///
/// Nothing is looked through before it is asked for, and then no farther than to what was asked for: a program of
/// many megabytes begins at once, and one without calls and jumps keeps nothing here.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The line behind `o… sub`.
    pub(super) subs: BTreeMap<String, Place>,
    /// The line behind `O1001`.
    pub(super) programs: BTreeMap<String, Place>,
    /// The line that has the N word.
    pub(super) lines: BTreeMap<u32, Place>,
    /// Looked through for O-words, and for N words, up to here.
    behind: [Place; 2],
}

impl Index {
    /// Looks on for the line behind `o… sub`.
    pub(super) fn search_sub(&mut self, text: &[u8], label: &str) -> Option<Place> {
        while let Some((found, place)) = self.next_label(text) {
            let is_sub = found.keyword == "sub";
            if is_sub && found.label == label {
                return Some(place);
            }
        }
        None
    }

    /// Looks on for the line behind `O1001`.
    pub(super) fn search_program(&mut self, text: &[u8], label: &str) -> Option<Place> {
        while let Some((found, place)) = self.next_label(text) {
            if found.keyword.is_empty() && found.label == label {
                return Some(place);
            }
        }
        None
    }

    /// The next O-word that names a subprogram or program for the first time, and the place behind its line.
    fn next_label(&mut self, text: &[u8]) -> Option<(OWord, Place)> {
        loop {
            let line = next_line(text, &mut self.behind[0])?;
            let line = &text[line.range];
            let Head::OWord(at) = head(line) else { continue };
            let Some(word) = o_word(line, at) else { continue };
            let places = match word.keyword.as_str() {
                "sub" => &mut self.subs,
                "" => &mut self.programs,
                _ => continue,
            };
            if !places.contains_key(&word.label) {
                places.insert(word.label.clone(), self.behind[0]);
                return Some((word, self.behind[0]));
            }
        }
    }

    /// Looks on for a numbered line.
    pub(super) fn search_line(&mut self, text: &[u8], number: u32) -> Option<Place> {
        loop {
            let before = self.behind[1];
            let line = next_line(text, &mut self.behind[1])?;
            let Some(found) = line_number(&text[line.range]) else { continue };
            self.lines.entry(found).or_insert(before);
            if found == number {
                return Some(before);
            }
        }
    }
}

/// The N word at the beginning of a line.
fn line_number(line: &[u8]) -> Option<u32> {
    let at = skip_blanks(line, 0);
    if !matches!(line.get(at), Some(b'N' | b'n')) {
        return None;
    }
    let mut digits = line[skip_blanks(line, at + 1)..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.try_fold(None, |number: Option<u32>, byte| {
        let next = number.unwrap_or(0).checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
        Some(Some(next))
    })?
}

/// What a search for an O-word came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The place of its line, and the place behind it.
    At(Place, Place),
    /// The place of a line before it that begins with an O and is no O-word: LinuxCNC reads those it passes over.
    Malformed(Place),
    /// The text ends without it.
    Missing,
}

/// The first line at or behind `place` whose O-word has this label and one of the keywords.
pub(super) fn find_o_word(text: &[u8], mut place: Place, label: &str, keywords: &[&str]) -> Found {
    // Inside a definition keywords are not looked at; but no other one may begin there.
    let is_definition = keywords == ["endsub"];
    loop {
        let before = place;
        let Some(line) = next_line(text, &mut place) else { return Found::Missing };
        let line = &text[line.range];
        let Head::OWord(at) = head(line) else { continue };
        let is_right = match o_word(line, at) {
            Some(word) if word.label == label && keywords.contains(&word.keyword.as_str()) => {
                return Found::At(before, place);
            }
            Some(word) if is_definition => word.keyword != "sub",
            Some(word) if word.keyword.is_empty() => {
                let rest = skip_blanks(line, word.end);
                line.get(rest).is_none_or(|byte| matches!(byte, b'(' | b';'))
            }
            Some(word) => O_KEYWORDS.contains(&word.keyword.as_str()),
            None => matches!(line.get(skip_blanks(line, at + 1)), Some(b'#' | b'[')),
        };
        if !is_right {
            return Found::Malformed(before);
        }
    }
}

/// The place behind `END n` of macro B.
pub(super) fn find_end(text: &[u8], mut place: Place, number: u32) -> Option<Place> {
    loop {
        let line = next_line(text, &mut place)?;
        let line = &text[line.range];
        let Head::Keyword(at) = head(line) else { continue };
        let (word, end) = keyword(line, at);
        if word == "end" && super::number::read(line, end).is_ok_and(|(found, _)| found.value == f64::from(number)) {
            return Some(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_labels() {
        assert_eq!(head(b"G0X1"), Head::Plain);
        assert_eq!(head(b" N10 G0"), Head::Plain);
        assert_eq!(head(b"N10o100 sub"), Head::OWord(3));
        assert_eq!(head(b"N20 IF[#1EQ0]GOTO5"), Head::Keyword(4));
        assert_eq!(head(b""), Head::Plain);
        let word = o_word(b"o<My Sub> CALL [1]", 0).expect("a label");
        assert_eq!((word.label.as_str(), word.keyword.as_str(), word.end), ("mysub", "call", 14));
        let word = o_word(b"O0010(NAME)", 0).expect("a label");
        assert_eq!((word.label.as_str(), word.keyword.as_str()), ("10", ""));
        assert_eq!(o_word(b"o[#1] call", 0), None);
    }

    #[test]
    fn an_index_knows_the_first_of_each_and_looks_no_farther() {
        let text = b"O1\nN10 G0\no<a> sub\nN10 G1\no<a> endsub\nO2\n";
        let mut index = Index::default();
        assert_eq!(index.search_sub(text, "a").map(|place| place.line), Some(3));
        assert_eq!(index.behind[0].line, 3, "what lies behind is not read");
        assert_eq!(index.programs["1"].line, 1);
        assert_eq!(index.search_program(text, "2").map(|place| place.line), Some(6));
        assert_eq!(index.search_line(text, 10).map(|place| place.line), Some(1));
        assert_eq!((index.search_line(text, 11), index.search_sub(text, "b")), (None, None));
    }
}
