//! One line of text as words: `N250G0G90G54X-.0531Y.5345S12000M3`.
//!
//! A block is a fixed set of slots, filled in place and emptied by one assignment, so that the plain path
//! allocates nothing. Words may come in any order; blanks and case do not count. What a block *does* is
//! decided elsewhere; here it is only checked that each word is well formed and named once.

use super::codes::{Code, g_code, group, m_code, m_group};
use super::expression::{Reader, Scope};
use super::fault::{
    BAD_CHARACTER, BAD_NUMBER, COMMENT, Checked, ENCODING, Fault, MODAL_GROUP, OUT_OF_RANGE, REPEATED_WORD,
    UNKNOWN_CODE, UNSUPPORTED,
};
use super::number;
use super::options::Dialect;
use super::parameters::Target;
use std::ops::Range;

/// No code of this group in the block.
const NONE: u16 = u16::MAX;
/// Inert codes remembered of one block; further ones of the same block are not listed.
const INERT_MAX: usize = 6;

/// A code that is accepted and does nothing: letter, number times ten, reason.
pub(super) type Inert = (u8, u16, &'static str);

/// The words of a line.
#[derive(Clone, Debug)]
pub(super) struct Block {
    values: [f64; 26],
    starts: [u32; 26],
    ends: [u32; 26],
    present: u32,
    pointed: u32,
    /// `@` and `^`.
    polar: [Option<f64>; 2],
    g: [u16; group::COUNT],
    g_spans: [(u32, u32); group::COUNT],
    m: [u16; m_group::COUNT],
    m_spans: [(u32, u32); m_group::COUNT],
    /// `,R` or `,C`: letter, value, first byte and the byte behind.
    comma: Option<(u8, f64, u32, u32)>,
    /// Second and further I, J, K: first byte, letter, value.
    repeats: Vec<(usize, u8, f64)>,
    /// Line number (N word).
    pub(super) number: Option<u32>,
    /// Program number (`O1001`).
    pub(super) program: Option<u32>,
    /// The block begins with `/` and block delete is on.
    pub(super) deleted: bool,
    /// Codes without effect.
    inert: [Inert; INERT_MAX],
    inert_count: usize,
    /// `#… = …`, in order; carried out after the block is read.
    pub(super) assignments: Vec<(Target, Option<f64>)>,
    /// True where the line had neither word nor assignment.
    pub(super) is_empty: bool,
}

impl Block {
    /// A block without words.
    pub(super) fn new() -> Self {
        Self {
            values: [0.0; 26],
            starts: [0; 26],
            ends: [0; 26],
            present: 0,
            pointed: 0,
            polar: [None; 2],
            comma: None,
            repeats: Vec::new(),
            g: [NONE; group::COUNT],
            g_spans: [(0, 0); group::COUNT],
            m: [NONE; m_group::COUNT],
            m_spans: [(0, 0); m_group::COUNT],
            number: None,
            program: None,
            deleted: false,
            inert: [(0, 0, ""); INERT_MAX],
            inert_count: 0,
            assignments: Vec::new(),
            is_empty: true,
        }
    }

    pub(super) fn clear(&mut self) {
        (self.present, self.pointed, self.inert_count) = (0, 0, 0);
        self.polar = [None; 2];
        self.comma = None;
        self.repeats.clear();
        self.g = [NONE; group::COUNT];
        self.m = [NONE; m_group::COUNT];
        (self.number, self.program) = (None, None);
        (self.deleted, self.is_empty) = (false, true);
        self.assignments.clear();
    }

    /// Value of a word.
    pub(super) fn word(&self, letter: u8) -> Option<f64> {
        self.has(letter).then(|| self.values[slot(letter)])
    }

    /// True if the word is there.
    pub(super) fn has(&self, letter: u8) -> bool {
        self.present & bit(letter) != 0
    }

    /// True if the word was written with a decimal point.
    pub(super) fn has_point(&self, letter: u8) -> bool {
        self.pointed & bit(letter) != 0
    }

    /// True if any of the words is there.
    pub(super) fn has_any(&self, letters: u32) -> bool {
        self.present & letters != 0
    }

    /// The words that are there, as bits.
    pub(super) fn words(&self) -> u32 {
        self.present
    }

    /// Distance and angle of a polar target, as written.
    pub(super) fn polar(&self) -> [Option<f64>; 2] {
        self.polar
    }

    /// True if there is a polar word.
    pub(super) fn has_polar(&self) -> bool {
        self.polar != [None; 2]
    }

    /// `,R` or `,C` with its value and bytes.
    pub(super) fn corner(&self) -> Option<(u8, f64, Range<usize>)> {
        self.comma.map(|(letter, value, start, end)| (letter, value, start as usize..end as usize))
    }

    /// Second and further I, J, K of the block: first byte, letter, value.
    pub(super) fn repeats(&self) -> &[(usize, u8, f64)] {
        &self.repeats
    }

    /// Bytes of a word.
    pub(super) fn span(&self, letter: u8) -> Range<usize> {
        self.starts[slot(letter)] as usize..self.ends[slot(letter)] as usize
    }

    /// G code of a group.
    pub(super) fn g(&self, group: usize) -> Option<u16> {
        Some(self.g[group]).filter(|code| *code != NONE)
    }

    /// Bytes of the G code of a group.
    pub(super) fn g_span(&self, group: usize) -> Range<usize> {
        self.g_spans[group].0 as usize..self.g_spans[group].1 as usize
    }

    /// M code of a group.
    pub(super) fn m(&self, group: usize) -> Option<u16> {
        Some(self.m[group]).filter(|code| *code != NONE)
    }

    /// Bytes of the M code of a group.
    pub(super) fn m_span(&self, group: usize) -> Range<usize> {
        self.m_spans[group].0 as usize..self.m_spans[group].1 as usize
    }

    /// Codes without effect.
    pub(super) fn inert(&self) -> &[Inert] {
        &self.inert[..self.inert_count]
    }

    /// A word that must be a whole number, in a range.
    pub(super) fn whole(&self, letter: u8, low: u32, high: u32) -> Checked<Option<u32>> {
        let Some(value) = self.word(letter) else { return Ok(None) };
        let rounded = value.round();
        if (value - rounded).abs() > WHOLE_WITHIN {
            return Err(Fault::error(
                BAD_NUMBER,
                self.span(letter),
                format!("{}{value} is not a whole number", char::from(letter)),
                "write it without decimals",
            ));
        }
        if rounded < f64::from(low) || rounded > f64::from(high) {
            return Err(Fault::error(
                OUT_OF_RANGE,
                self.span(letter),
                format!("{}{value} is outside {low} to {high}", char::from(letter)),
                "write a number in that range",
            ));
        }
        Ok(Some(rounded as u32))
    }

    /// Fills the block from a line.
    ///
    /// # Errors
    /// The first word that is malformed, unknown or named twice; the block is then half filled.
    pub(super) fn read(&mut self, line: &[u8], scope: Scope<'_>, delete: bool) -> Checked<()> {
        self.clear();
        let mut at = number::skip_blanks(line, 0);
        if line.get(at) == Some(&b'/') {
            at = number::skip_blanks(line, at + 1);
            // `/2` names one of nine switches; all are taken as the one.
            if line.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if delete {
                self.deleted = true;
                return Ok(());
            }
        }
        while at < line.len() {
            let byte = line[at];
            at = match byte {
                b' ' | b'\t' | b'\r' => at + 1,
                b'(' => comment_end(line, at, scope.dialect)?,
                b';' => break,
                b'@' | b'^' if scope.dialect == Dialect::Rs274ngc => self.polar_word(line, at, scope)?,
                byte if scope.dialect == Dialect::Grbl && super::grbl::is_real_time(byte) => at + 1,
                b'#' if scope.dialect == Dialect::Grbl => return Err(bad_character(line, at)),
                b',' if scope.dialect.is_fanuc_like() => self.comma_word(line, at, scope)?,
                b':' if scope.dialect.is_fanuc_like() && self.is_empty => {
                    let (value, _, end) = word_value(line, at + 1, scope)?;
                    self.program = Some(code_number(b'O', value, 1.0, at..end)?);
                    end
                }
                b'#' => self.assignment(line, at, scope)?,
                byte if byte.is_ascii_alphabetic() => self.read_word(line, at, scope)?,
                _ => return Err(bad_character(line, at)),
            };
        }
        Ok(())
    }

    fn assignment(&mut self, line: &[u8], at: usize, scope: Scope<'_>) -> Checked<usize> {
        let mut reader = Reader::new(line, at, scope);
        let target = reader.target()?;
        if reader.peek() != Some(b'=') {
            return Err(Fault::error(
                super::fault::EXPRESSION,
                at..reader.at,
                "a parameter stands where a word was expected",
                "write `#number = value`, or a letter before `#`",
            ));
        }
        reader.at += 1;
        // Macro B takes a whole expression here, RS274/NGC one value: brackets where it has operators.
        let value = if scope.dialect.is_fanuc_like() { reader.expression(1)? } else { reader.value()? };
        self.is_empty = false;
        self.assignments.push((target, value.given()));
        Ok(reader.at)
    }

    /// `,R5.` and `,C5.`: a corner between this line and the next.
    fn comma_word(&mut self, line: &[u8], at: usize, scope: Scope<'_>) -> Checked<usize> {
        let behind = number::skip_blanks(line, at + 1);
        let letter = line.get(behind).map_or(b' ', u8::to_ascii_uppercase);
        if !matches!(letter, b'R' | b'C') {
            return Err(bad_character(line, at));
        }
        let (value, _, end) = word_value(line, behind + 1, scope)?;
        if self.comma.is_some() {
            return Err(Fault::error(REPEATED_WORD, at..end, "the block has two corners", "keep one of them"));
        }
        self.comma = value.map(|value| (letter, value, at as u32, end as u32));
        self.is_empty = false;
        Ok(end)
    }

    fn polar_word(&mut self, line: &[u8], at: usize, scope: Scope<'_>) -> Checked<usize> {
        let (value, _, end) = word_value(line, at + 1, scope)?;
        let slot = usize::from(line[at] == b'^');
        if self.polar[slot].is_some() {
            return Err(Fault::error(REPEATED_WORD, at..end, "the block has two of this polar word", "keep one"));
        }
        self.polar[slot] = value;
        self.is_empty = false;
        Ok(end)
    }

    fn read_word(&mut self, line: &[u8], at: usize, scope: Scope<'_>) -> Checked<usize> {
        let letter = line[at].to_ascii_uppercase();
        if scope.dialect == Dialect::Grbl {
            refuse_what_grbl_does_not_read(line, at, letter)?;
        }
        let (value, has_point, end) = word_value(line, at + 1, scope)?;
        let is_first = self.is_empty && self.number.is_none();
        match letter {
            b'N' if is_first => {
                self.number = Some(code_number(letter, value, 1.0, at..end)?);
                return Ok(end);
            }
            b'N' if scope.dialect.is_strict() => {
                return Err(Fault::error(
                    BAD_CHARACTER,
                    at..end,
                    "the line number does not come first",
                    "write the N word at the beginning of the line, once",
                ));
            }
            b'O' if is_first => {
                self.program = Some(code_number(letter, value, 1.0, at..end)?);
                return Ok(end);
            }
            b'G' => self.read_g(value, at..end, scope.dialect)?,
            b'M' => self.read_m(value, at..end, scope.dialect)?,
            b'I' | b'J' | b'K' if scope.dialect.is_fanuc_like() && self.has(letter) && self.repeats.len() < 64 => {
                self.repeats.extend(value.map(|value| (at, letter, value)));
            }
            _ => self.keep(letter, value, has_point, at..end)?,
        }
        self.is_empty = false;
        Ok(end)
    }

    fn keep(&mut self, letter: u8, value: Option<f64>, has_point: bool, span: Range<usize>) -> Checked<()> {
        // A vacant value counts as a word that was not written.
        let Some(value) = value else { return Ok(()) };
        if self.has(letter) {
            return Err(Fault::error(
                REPEATED_WORD,
                span,
                format!("the block has two {} words", char::from(letter)),
                "keep one of them, or write two blocks",
            ));
        }
        let index = slot(letter);
        self.present |= bit(letter);
        if has_point {
            self.pointed |= bit(letter);
        }
        self.values[index] = value;
        (self.starts[index], self.ends[index]) = (span.start as u32, span.end as u32);
        Ok(())
    }

    fn read_g(&mut self, value: Option<f64>, span: Range<usize>, dialect: Dialect) -> Checked<()> {
        let code = code_number(b'G', value, 10.0, span.clone())?;
        let code = u16::try_from(code).unwrap_or(NONE - 1);
        match g_code(dialect, code) {
            Code::Acts(group) => {
                // G80 only ends a cycle: beside another motion code of the block it says nothing.
                let is_idle = |code: u16| group == group::MOTION && code == 800;
                if self.g[group] != NONE && is_idle(code) {
                    return Ok(());
                }
                if self.g[group] != NONE && !is_idle(self.g[group]) {
                    return Err(two_of_a_group(b'G', self.g[group], code, span));
                }
                self.g[group] = code;
                self.g_spans[group] = (span.start as u32, span.end as u32);
                Ok(())
            }
            Code::Inert(reason) => {
                self.note_inert(b'G', code, reason);
                Ok(())
            }
            Code::Unsupported(advice) => Err(unsupported(b'G', code, span, advice)),
            Code::Unknown => Err(unknown(b'G', code, span, dialect)),
        }
    }

    fn read_m(&mut self, value: Option<f64>, span: Range<usize>, dialect: Dialect) -> Checked<()> {
        let code = code_number(b'M', value, 1.0, span.clone())?;
        let code = u16::try_from(code.saturating_mul(10)).unwrap_or(NONE - 1);
        match m_code(dialect, code / 10) {
            Code::Acts(group) => {
                if self.m[group] != NONE {
                    return Err(two_of_a_group(b'M', self.m[group] * 10, code, span));
                }
                self.m[group] = code / 10;
                self.m_spans[group] = (span.start as u32, span.end as u32);
                Ok(())
            }
            Code::Inert(reason) => {
                self.note_inert(b'M', code, reason);
                Ok(())
            }
            Code::Unsupported(advice) => Err(unsupported(b'M', code, span, advice)),
            Code::Unknown => Err(unknown(b'M', code, span, dialect)),
        }
    }

    fn note_inert(&mut self, letter: u8, code: u16, reason: &'static str) {
        if self.inert_count < INERT_MAX {
            self.inert[self.inert_count] = (letter, code, reason);
            self.inert_count += 1;
        }
    }
}

/// A whole number may be off by this: it may come from an expression.
const WHOLE_WITHIN: f64 = 1e-4;

/// Bit of a letter in a set of words.
pub(super) const fn bit(letter: u8) -> u32 {
    1 << (letter - b'A')
}

/// Set of the letters of a text.
pub(super) const fn letters(text: &[u8]) -> u32 {
    let (mut set, mut at) = (0, 0);
    while at < text.len() {
        set |= bit(text[at]);
        at += 1;
    }
    set
}

const fn slot(letter: u8) -> usize {
    (letter - b'A') as usize
}

/// The value behind a letter; `None` where it is vacant.
fn word_value(line: &[u8], at: usize, scope: Scope<'_>) -> Checked<(Option<f64>, bool, usize)> {
    let mut start = number::skip_blanks(line, at);
    let is_negative = line.get(start) == Some(&b'-');
    start += usize::from(is_negative);
    if line.get(start).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        let (number, end) = number::read(line, start)?;
        let value = if is_negative { -number.value } else { number.value };
        return Ok((Some(value), number.has_point, end));
    }
    let mut reader = Reader::new(line, at, scope);
    let value = reader.value()?;
    // Some posts close an expression with a decimal point: `F[#100 * 4].`
    if scope.dialect.is_fanuc_like() && reader.peek() == Some(b'.') {
        reader.at += 1;
    }
    Ok((value.given(), true, reader.at))
}

/// grbl has a word for few letters, and no expressions.
fn refuse_what_grbl_does_not_read(line: &[u8], at: usize, letter: u8) -> Checked<()> {
    if !super::grbl::reads(letter) {
        let text = format!("grbl reads no {} word", char::from(letter));
        return Err(Fault::error(UNKNOWN_CODE, at..at + 1, text, "take it out, or name the control's dialect"));
    }
    let behind = number::skip_blanks(line, at + 1);
    match line.get(behind) {
        Some(byte @ (b'[' | b'#')) => Err(Fault::error(
            BAD_NUMBER,
            behind..behind + 1,
            format!("grbl has neither expressions nor parameters; `{}` was found", char::from(*byte)),
            "let the post write numbers",
        )),
        _ => Ok(()),
    }
}

/// Number of a code, times `scale`.
fn code_number(letter: u8, value: Option<f64>, scale: f64, span: Range<usize>) -> Checked<u32> {
    let scaled = value.unwrap_or(-1.0) * scale;
    let rounded = scaled.round();
    if (scaled - rounded).abs() > WHOLE_WITHIN || !(0.0..=f64::from(u32::MAX)).contains(&rounded) {
        let found = value.map_or("an empty value".to_owned(), |value| format!("{}{value}", char::from(letter)));
        return Err(Fault::error(
            UNKNOWN_CODE,
            span,
            format!("{found} is no code"),
            "write a whole number, for G codes with one decimal at most",
        ));
    }
    Ok(rounded as u32)
}

/// A code as a person writes it: 593 is G59.3.
pub(super) fn code_name(letter: u8, code: u16) -> String {
    let (whole, decimal) = (code / 10, code % 10);
    let letter = char::from(letter);
    if decimal == 0 { format!("{letter}{whole}") } else { format!("{letter}{whole}.{decimal}") }
}

fn two_of_a_group(letter: u8, first: u16, second: u16, span: Range<usize>) -> Box<Fault> {
    Fault::error(
        MODAL_GROUP,
        span,
        format!("{} and {} exclude each other in a block", code_name(letter, first), code_name(letter, second)),
        "keep one of them, or write two blocks",
    )
}

fn unsupported(letter: u8, code: u16, span: Range<usize>, advice: &str) -> Box<Fault> {
    Fault::error(UNSUPPORTED, span, format!("{} is not simulated", code_name(letter, code)), advice)
}

fn unknown(letter: u8, code: u16, span: Range<usize>, dialect: Dialect) -> Box<Fault> {
    Fault::error(
        UNKNOWN_CODE,
        span,
        format!("{} is not a code of the dialect {}", code_name(letter, code), dialect.name()),
        "correct the code, or name the control's dialect",
    )
}

/// The byte behind a comment that begins at `at`.
fn comment_end(line: &[u8], at: usize, dialect: Dialect) -> Checked<usize> {
    let length = line[at..].iter().position(|byte| *byte == b')').ok_or_else(|| {
        Fault::error(COMMENT, at..line.len(), "the comment does not end in its line", "write `)` at its end")
    })?;
    let end = at + length + 1;
    if dialect == Dialect::Rs274ngc && line[at + 1..end].contains(&b'(') {
        return Err(Fault::error(COMMENT, at..end, "a comment stands inside a comment", "take the inner `(` out"));
    }
    Ok(end)
}

pub(super) fn bad_character(line: &[u8], at: usize) -> Box<Fault> {
    let byte = line[at];
    if byte == 0 || byte >= 0x80 {
        return Fault::error(
            ENCODING,
            at..at + 1,
            format!("the byte 0x{byte:02X} is no character of a program"),
            "save the file as plain ASCII text; outside comments no other characters are allowed",
        );
    }
    Fault::error(
        BAD_CHARACTER,
        at..at + 1,
        format!("`{}` has no meaning here", byte.escape_ascii()),
        "take it out, or put the text in a comment",
    )
}
