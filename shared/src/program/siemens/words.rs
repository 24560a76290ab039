//! One block as items: `X10`, `X=AC(5)`, `SUPA`, `CYCLE83(…)`, `R1=R1+1`.

use super::super::fault::*;
use super::super::interpreter::Interpreter;
use super::super::number;
use super::value::{Reader, Value, is_name};
use super::{Called, codes};
use std::ops::Range;

/// How a coordinate is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As G90 or G91 says.
    Modal,
    /// AC, DC, ACP, ACN.
    Absolute,
    /// IC.
    Incremental,
}

/// An address with its value.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// `X`, `CR`, `A3`, in upper case.
    pub(super) address: String,
    pub(super) value: Value,
    pub(super) mode: Mode,
    pub(super) span: Range<usize>,
}

/// A piece of a block.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Word(Word),
    Assign { key: String, value: Value, span: Range<usize> },
    Name { name: String, span: Range<usize> },
    Call { name: String, arguments: Vec<Option<Value>>, span: Range<usize> },
}

/// The words of a block, and its names and calls in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    words: Vec<Word>,
    /// G and M codes.
    pub(super) g: Vec<(u16, Range<usize>)>,
    pub(super) m: Vec<(u16, Range<usize>)>,
    pub(super) names: Vec<(String, Range<usize>)>,
    pub(super) calls: Vec<(Called, Range<usize>)>,
}

/// Words of one block at most: a line of noise costs no more.
const WORDS_MAX: usize = 64;

impl Words {
    /// True where the block says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
            && self.g.is_empty()
            && self.m.is_empty()
            && self.names.is_empty()
            && self.calls.is_empty()
    }

    /// A word by its address.
    pub(super) fn get(&self, address: &str) -> Option<&Word> {
        self.words.iter().find(|word| word.address == address)
    }

    /// The number of a word.
    pub(super) fn number(&self, address: &str) -> Checked<Option<f64>> {
        self.get(address).map(Word::number).transpose()
    }

    /// True where one of the addresses is there.
    pub(super) fn has_any(&self, addresses: &[&str]) -> bool {
        self.words.iter().any(|word| addresses.contains(&word.address.as_str()))
    }

    /// All words.
    pub(super) fn all(&self) -> &[Word] {
        &self.words
    }

    /// True where a name stands in the block.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }

    /// Takes a word.
    pub(super) fn take(&mut self, word: Word) -> Checked<()> {
        let list = match word.address.as_str() {
            "G" => &mut self.g,
            "M" => &mut self.m,
            _ => {
                if self.get(&word.address).is_some() || self.words.len() >= WORDS_MAX {
                    let text = format!("the block has two {} words", word.address);
                    return Err(Fault::error(REPEATED_WORD, word.span, text, "keep one of them, or write two blocks"));
                }
                self.words.push(word);
                return Ok(());
            }
        };
        let code = word.number()?;
        if code.fract() != 0.0 || !(0.0..=9999.0).contains(&code) || list.len() >= WORDS_MAX {
            let text = format!("{}{code} is no code", word.address);
            return Err(Fault::error(UNKNOWN_CODE, word.span, text, "write a whole number"));
        }
        list.push((code as u16, word.span));
        Ok(())
    }
}

impl Word {
    /// The value, which must be a number.
    pub(super) fn number(&self) -> Checked<f64> {
        match &self.value {
            Value::Number(number) => Ok(*number),
            Value::Text(_) => {
                let text = format!("{} takes a number, not a text", self.address);
                Err(Fault::error(BAD_NUMBER, self.span.clone(), text, "write a number"))
            }
        }
    }
}

/// Addresses of more than one letter.
const ADDRESSES: [&str; 12] = ["CR", "AP", "RP", "AR", "TURN", "RND", "RNDM", "CHF", "CHR", "RPL", "FRC", "FRCM"];

impl Interpreter<'_> {
    /// A reader of values at a byte of the line.
    pub(super) fn reader(&self, at: usize) -> Reader<'_> {
        Reader {
            line: self.report.line,
            at,
            memory: &self.siemens,
            state: &self.state,
            depth_max: self.options.limits.expression_depth_max,
            depth: 0,
        }
    }

    /// The next piece of the block; `None` at its end.
    pub(super) fn siemens_item(&self, at: &mut usize) -> Checked<Option<Item>> {
        let line = self.report.line;
        let mut reader = self.reader(*at);
        let Some(byte) = reader.peek().filter(|byte| *byte != b';') else { return Ok(None) };
        let start = reader.at;
        let next = line.get(start + 1).copied().unwrap_or(b' ');
        if !(byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$') {
            return Err(super::super::block::bad_character(line, start));
        }
        let is_word = byte.is_ascii_alphabetic() && !(next.is_ascii_alphabetic() || matches!(next, b'_' | b'$'));
        let item = if is_word { letter_word(&mut reader, byte)? } else { named_item(&mut reader)? };
        *at = reader.at;
        Ok(Some(item))
    }
}

/// `X10`, `X=10`, `A3=0.5`, `R1=5`, `R[2]=5`.
fn letter_word(reader: &mut Reader<'_>, byte: u8) -> Checked<Item> {
    let start = reader.at;
    let letter = char::from(byte.to_ascii_uppercase());
    let digits = reader.line[start + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut behind = number::skip_blanks(reader.line, start + 1 + digits);
    if letter == 'R' && reader.line.get(behind) == Some(&b'[') {
        reader.at = behind;
        let key = reader.index("R".to_owned())?;
        return assignment(reader, key, start);
    }
    let is_equation = |at: usize| reader.line.get(at) == Some(&b'=') && reader.line.get(at + 1) != Some(&b'=');
    if is_equation(behind) {
        let index = String::from_utf8_lossy(&reader.line[start + 1..start + 1 + digits]).into_owned();
        reader.at = behind;
        if letter == 'R' && digits > 0 {
            return assignment(reader, format!("R{}{}", index.trim_start_matches('0'), zero_of(&index)), start);
        }
        reader.at += 1;
        // `S1=`, `M1=`: the extension names the spindle, 1 is the main one.
        let is_extension = matches!(letter, 'S' | 'M') && index == "1";
        let address = if is_extension { letter.to_string() } else { format!("{letter}{index}") };
        return word_behind(reader, address, start);
    }
    let mut sign = 1.0;
    behind = number::skip_blanks(reader.line, start + 1);
    if let Some(byte @ (b'-' | b'+')) = reader.line.get(behind) {
        sign = if *byte == b'-' { -1.0 } else { 1.0 };
        behind += 1;
    }
    reader.at = behind;
    let Value::Number(value) = reader.literal()? else {
        return Err(Fault::error(BAD_NUMBER, start..reader.at, "a number was expected", "write digits"));
    };
    let value = Value::Number(sign * value);
    Ok(Item::Word(Word { address: letter.to_string(), value, mode: Mode::Modal, span: start..reader.at }))
}

/// R0 and R00 keep one zero.
fn zero_of(index: &str) -> &'static str {
    if index.bytes().all(|byte| byte == b'0') { "0" } else { "" }
}

fn assignment(reader: &mut Reader<'_>, key: String, start: usize) -> Checked<Item> {
    if reader.peek() != Some(b'=') {
        let advice = "write NAME = value";
        return Err(Fault::error(
            EXPRESSION,
            start..reader.at,
            format!("`{key}` stands where a word was expected"),
            advice,
        ));
    }
    reader.at += 1;
    let value = reader.expression(1)?;
    Ok(Item::Assign { key, value, span: start..reader.at })
}

/// The value behind `=`.
fn word_behind(reader: &mut Reader<'_>, address: String, start: usize) -> Checked<Item> {
    reader.peek();
    let before = reader.at;
    let name = reader.name();
    let mode = match name.as_str() {
        "AC" | "DC" | "ACP" | "ACN" => Some(Mode::Absolute),
        "IC" => Some(Mode::Incremental),
        _ => None,
    };
    let value = match mode {
        Some(_) if reader.peek() == Some(b'(') => {
            reader.at += 1;
            let value = reader.expression(1)?;
            reader.close(before)?;
            value
        }
        _ => {
            reader.at = before;
            reader.expression(1)?
        }
    };
    Ok(Item::Word(Word { address, value, mode: mode.unwrap_or(Mode::Modal), span: start..reader.at }))
}

/// `SUPA`, `_HOME=5`, `CR=5`, `CYCLE800()`.
fn named_item(reader: &mut Reader<'_>) -> Checked<Item> {
    let start = reader.at;
    let name = reader.name();
    let span = start..reader.at;
    match reader.peek() {
        Some(b'=') if reader.line.get(reader.at + 1) != Some(&b'=') => {
            let is_address = ADDRESSES.contains(&name.as_str()) || codes::inert_address(&name).is_some();
            if !is_address {
                return assignment(reader, name, start);
            }
            reader.at += 1;
            word_behind(reader, name, start)
        }
        Some(b'[') if !super::flow::is_flow(&name) => {
            let axis = codes::inert_address(&name).is_some() || name.starts_with('$');
            if axis {
                // The index is the name of an axis or a number: neither is used.
                let length = reader.line[reader.at..].iter().position(|byte| *byte == b']').unwrap_or(0);
                reader.at += length + 1;
                if length == 0 || reader.peek() != Some(b'=') {
                    return Err(Fault::error(
                        EXPRESSION,
                        span,
                        format!("`{name}` has no value"),
                        "write NAME[…] = value",
                    ));
                }
                reader.at += 1;
                if name.starts_with('$') {
                    let value = reader.expression(1)?;
                    return Ok(Item::Assign { key: name, value, span });
                }
                return word_behind(reader, name, start);
            }
            let key = reader.index(name)?;
            assignment(reader, key, start)
        }
        Some(b'(') if !super::flow::is_flow(&name) => {
            let arguments = arguments(reader)?;
            Ok(Item::Call { name, arguments, span })
        }
        _ => Ok(Item::Name { name, span }),
    }
}

/// `(1, , "text")`, the place being on the bracket. Empty places are `None`.
pub(super) fn arguments(reader: &mut Reader<'_>) -> Checked<Vec<Option<Value>>> {
    let start = reader.at;
    reader.at += 1;
    let mut arguments = Vec::new();
    loop {
        match reader.peek() {
            Some(b')') => break,
            Some(b',') => {
                arguments.push(None);
                reader.at += 1;
                continue;
            }
            None => return reader.close(start).map(|()| arguments),
            Some(_) => {}
        }
        // The name of an axis (`ACC[X]`, `WAITP(X)`) has no value.
        let before = reader.at;
        let name = reader.name();
        let is_axis = matches!(name.as_str(), "X" | "Y" | "Z" | "A" | "B" | "C");
        if !is_axis {
            reader.at = before;
        }
        arguments.push(if is_axis { Some(Value::Text(name)) } else { Some(reader.expression(1)?) });
        match reader.peek() {
            Some(b',') => reader.at += 1,
            Some(b')') => break,
            _ => {
                reader.close(start)?;
            }
        }
        if arguments.len() > WORDS_MAX {
            return Err(Fault::error(TOO_LONG, start..reader.at, "the call has more than 64 arguments", "pass fewer"));
        }
    }
    reader.at += 1;
    Ok(arguments)
}

/// True for the name of a variable or program.
pub(super) fn is_identifier(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 1 && bytes.iter().all(|byte| is_name(*byte)) && !bytes[0].is_ascii_digit()
}
