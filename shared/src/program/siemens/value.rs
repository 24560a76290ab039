//! Values and expressions of the Siemens language.
//!
//! Operators by falling strength: `NOT`; `*` `/` `DIV` `MOD`; `+` `-`; `B_AND`; `B_XOR`; `B_OR`; `AND`; `XOR`;
//! `OR`; `<<`; the comparisons. So `A==1 AND B==2` needs brackets on the control, and here.

use super::super::fault::*;
use super::super::number;
use super::super::state::State;
use super::Memory;
use crate::det::math;
use std::ops::Range;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Value {
    Number(f64),
    Text(String),
}

impl Value {
    fn truth(is: bool) -> Self {
        Self::Number(f64::from(u8::from(is)))
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) => format!("{number}"),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Reads values from a line.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    pub(super) line: &'e [u8],
    pub(super) at: usize,
    pub(super) memory: &'e Memory,
    pub(super) state: &'e State,
    pub(super) depth_max: usize,
    pub(super) depth: usize,
}

/// Text and strength of the operators, longer texts before their prefixes.
const OPERATORS: [(&str, u8); 20] = [
    ("==", 1),
    ("<>", 1),
    (">=", 1),
    ("<=", 1),
    ("<<", 2),
    (">", 1),
    ("<", 1),
    ("B_AND", 8),
    ("B_XOR", 7),
    ("B_OR", 6),
    ("AND", 5),
    ("XOR", 4),
    ("OR", 3),
    ("DIV", 10),
    ("MOD", 10),
    ("**", 11),
    ("*", 10),
    ("/", 10),
    ("+", 9),
    ("-", 9),
];

fn wrong(span: Range<usize>, text: impl Into<String>, advice: &str) -> Box<Fault> {
    Fault::error(EXPRESSION, span, text, advice)
}

/// True for a byte a name may contain.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

impl Reader<'_> {
    /// The byte at the place, after blanks.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.at = number::skip_blanks(self.line, self.at);
        self.line.get(self.at).copied()
    }

    /// The name at the place, in upper case, and the place behind it.
    pub(super) fn name(&mut self) -> String {
        self.peek();
        let length = self.line[self.at..].iter().take_while(|byte| is_name(**byte)).count();
        let name = String::from_utf8_lossy(&self.line[self.at..self.at + length]).to_ascii_uppercase();
        self.at += length;
        name
    }

    /// An expression that must be a number.
    pub(super) fn number(&mut self) -> Checked<f64> {
        let start = self.at;
        match self.expression(1)? {
            Value::Number(number) => Ok(number),
            Value::Text(_) => Err(wrong(start..self.at, "a text stands where a number is needed", "write a number")),
        }
    }

    /// An expression of operators at least as strong as `strength`.
    pub(super) fn expression(&mut self, strength: u8) -> Checked<Value> {
        let start = self.at;
        self.enter()?;
        let mut left = self.operand()?;
        while let Some((operator, found)) = self.operator().filter(|(_, found)| *found >= strength) {
            self.at += operator.len();
            let right = self.expression(found + 1)?;
            left = apply(operator, &left, &right).map_err(|reason| {
                Fault::error(ARITHMETIC, start..self.at, reason, "check the values before this block")
            })?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&mut self) -> Option<(&'static str, u8)> {
        self.peek()?;
        let rest = &self.line[self.at..];
        OPERATORS
            .iter()
            .find(|(text, _)| {
                let fits = rest.len() >= text.len() && rest[..text.len()].eq_ignore_ascii_case(text.as_bytes());
                let is_word = text.as_bytes()[0].is_ascii_alphabetic();
                fits && !(is_word && rest.get(text.len()).is_some_and(|byte| is_name(*byte) && !byte.is_ascii_digit()))
            })
            .copied()
    }

    /// One operand that must be a number.
    pub(super) fn operand_number(&mut self) -> Checked<f64> {
        let start = self.at;
        match self.operand()? {
            Value::Number(number) => Ok(number),
            Value::Text(_) => Err(wrong(start..self.at, "a text stands where a number is needed", "write a number")),
        }
    }

    fn operand(&mut self) -> Checked<Value> {
        let start = self.at;
        match self.peek() {
            Some(b'-') => {
                self.at += 1;
                self.enter()?;
                let value = self.operand()?;
                self.depth -= 1;
                match value {
                    Value::Number(number) => Ok(Value::Number(-number)),
                    Value::Text(_) => Err(wrong(start..self.at, "a text has no sign", "take the minus out")),
                }
            }
            Some(b'+') => {
                self.at += 1;
                self.enter()?;
                let value = self.operand();
                self.depth -= 1;
                value
            }
            Some(b'(') => {
                self.at += 1;
                let value = self.expression(1)?;
                self.close(start)?;
                Ok(value)
            }
            Some(b'"') => self.text().map(Value::Text),
            Some(byte) if byte.is_ascii_digit() || byte == b'.' => self.literal(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' => self.named(),
            _ => {
                Err(wrong(self.at..self.line.len().min(self.at + 1), "a value is missing", "write a number or a name"))
            }
        }
    }

    /// `1.5`, `1.5EX-3`.
    pub(super) fn literal(&mut self) -> Checked<Value> {
        let (number, end) = number::read(self.line, self.at)?;
        self.at = end;
        let rest = &self.line[end..];
        if !(rest.len() > 2 && rest[..2].eq_ignore_ascii_case(b"EX")) {
            return Ok(Value::Number(number.value));
        }
        let is_negative = rest[2] == b'-';
        let (exponent, end) = number::read(self.line, end + 2 + usize::from(matches!(rest[2], b'-' | b'+')))?;
        self.at = end;
        let power = if is_negative { -exponent.value } else { exponent.value };
        finite(number.value * math::pow(10.0, power.clamp(-400.0, 400.0)))
            .map_err(|reason| Fault::error(ARITHMETIC, end..end, reason, "write a smaller exponent"))
    }

    /// `"text"`.
    pub(super) fn text(&mut self) -> Checked<String> {
        let start = self.at;
        let length = self.line[start + 1..].iter().position(|byte| *byte == b'"').ok_or_else(|| {
            wrong(start..self.line.len(), "the text does not end in its line", "write `\"` at its end")
        })?;
        self.at = start + length + 2;
        Ok(String::from_utf8_lossy(&self.line[start + 1..start + 1 + length]).into_owned())
    }

    fn named(&mut self) -> Checked<Value> {
        let start = self.at;
        let name = self.name();
        match name.as_str() {
            "TRUE" => return Ok(Value::truth(true)),
            "FALSE" => return Ok(Value::truth(false)),
            "PI" | "$PI" => return Ok(Value::Number(std::f64::consts::PI)),
            "NOT" => {
                self.enter()?;
                let value = self.operand()?;
                self.depth -= 1;
                return Ok(Value::truth(value == Value::Number(0.0)));
            }
            _ => {}
        }
        if name.starts_with('$') {
            return self.system(&name, start);
        }
        if self.peek() == Some(b'(') {
            return self.function(&name, start);
        }
        let key = self.index(name)?;
        self.memory.get(&key).cloned().ok_or_else(|| {
            let text = format!("`{key}` has no value here");
            Fault::error(PARAMETER, start..self.at, text, "define it with DEF and assign it before this block")
        })
    }

    /// The key of a variable: its name with the indices behind it.
    pub(super) fn index(&mut self, name: String) -> Checked<String> {
        if self.peek() != Some(b'[') {
            return Ok(name);
        }
        let start = self.at;
        let mut key = name;
        // `R[5]` is R5.
        let is_parameter = key == "R";
        let mut separator = if is_parameter { "" } else { "[" };
        loop {
            self.at += 1;
            let value = self.number()?;
            let rounded = value.round();
            if (value - rounded).abs() > 1e-4 || !(0.0..=999_999.0).contains(&rounded) {
                return Err(Fault::error(PARAMETER, start..self.at, "the index is no whole number", "correct it"));
            }
            key.push_str(&format!("{separator}{rounded}"));
            separator = ",";
            match self.peek() {
                Some(b',') => {}
                Some(b']') => break,
                _ => return Err(wrong(start..self.at, "the bracket `[` is not closed", "write `]` behind the index")),
            }
        }
        self.at += 1;
        if !is_parameter {
            key.push(']');
        }
        Ok(key)
    }

    /// `$P_EP[X]` and its like: where the axes stand. Other system variables are not known ahead.
    fn system(&mut self, name: &str, start: usize) -> Checked<Value> {
        let unknown = |end: usize| {
            let text = format!("the value of the system variable {name} is not known before the machine runs");
            Fault::error(PARAMETER, start..end, text, "take the block out, or skip it with `/`")
        };
        if self.peek() != Some(b'[') {
            return match name {
                "$P_TOOLNO" => Ok(Value::Number(self.state.tool.map_or(0.0, |tool| f64::from(tool.0)))),
                _ => Err(unknown(self.at)),
            };
        }
        self.at += 1;
        let axis = self.name();
        let behind = self.at;
        if self.peek() != Some(b']') {
            return Err(unknown(behind));
        }
        self.at += 1;
        let Some(index) = ["X", "Y", "Z", "A", "B", "C"].iter().position(|known| *known == axis) else {
            return Err(unknown(self.at));
        };
        let place = match name {
            "$P_EP" | "$AA_IW" => self.state.programmed(),
            "$AA_IM" => self.state.frame.machine(&self.state.position),
            _ => return Err(unknown(self.at)),
        };
        let unit_mm = if index < 3 { self.state.unit.mm() } else { 1.0 };
        Ok(Value::Number(place[index] / unit_mm))
    }

    fn function(&mut self, name: &str, start: usize) -> Checked<Value> {
        self.at += 1;
        let mut arguments = Vec::new();
        while self.peek() != Some(b')') && arguments.len() < 4 {
            arguments.push(self.number()?);
            if self.peek() == Some(b',') {
                self.at += 1;
            }
        }
        self.close(start)?;
        evaluate(name, &arguments)
            .map_err(|reason| Fault::error(ARITHMETIC, start..self.at, reason, "check the argument"))
    }

    pub(super) fn close(&mut self, start: usize) -> Checked<()> {
        if self.peek() != Some(b')') {
            let end = self.line.len().min(self.at + 1);
            return Err(wrong(start..end, "the bracket `(` is not closed", "write `)` behind the value"));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Checked<()> {
        self.depth += 1;
        if self.depth > self.depth_max {
            let text = format!("brackets lie more than {} deep (expression_depth_max)", self.depth_max);
            return Err(Fault::error(TOO_LONG, self.at..self.at + 1, text, "split the expression over variables"));
        }
        Ok(())
    }
}

/// Two numbers are equal for `==` within this.
const EQUAL_WITHIN: f64 = 1e-9;

fn apply(operator: &str, left: &Value, right: &Value) -> Result<Value, String> {
    if operator == "<<" {
        return Ok(Value::Text(left.text() + &right.text()));
    }
    let (a, b) = match (left, right) {
        (Value::Number(a), Value::Number(b)) => (*a, *b),
        _ => {
            let is_same = left.text().eq_ignore_ascii_case(&right.text());
            return match operator {
                "==" => Ok(Value::truth(is_same)),
                "<>" => Ok(Value::truth(!is_same)),
                _ => Err(format!("`{operator}` does not take a text")),
            };
        }
    };
    let bits = |of: f64| of.clamp(-9e15, 9e15) as i64;
    finite(match operator {
        "*" => a * b,
        "**" => math::pow(a, b),
        "/" | "DIV" | "MOD" if b == 0.0 => return Err(format!("{a} is divided by zero")),
        "/" => a / b,
        "DIV" => (a / b).trunc(),
        "MOD" => a % b,
        "+" => a + b,
        "-" => a - b,
        "B_AND" => (bits(a) & bits(b)) as f64,
        "B_XOR" => (bits(a) ^ bits(b)) as f64,
        "B_OR" => (bits(a) | bits(b)) as f64,
        "AND" => return Ok(Value::truth(a != 0.0 && b != 0.0)),
        "XOR" => return Ok(Value::truth((a != 0.0) != (b != 0.0))),
        "OR" => return Ok(Value::truth(a != 0.0 || b != 0.0)),
        "==" => return Ok(Value::truth((a - b).abs() < EQUAL_WITHIN)),
        "<>" => return Ok(Value::truth((a - b).abs() >= EQUAL_WITHIN)),
        ">" => return Ok(Value::truth(a > b)),
        ">=" => return Ok(Value::truth(a >= b)),
        "<" => return Ok(Value::truth(a < b)),
        _ => return Ok(Value::truth(a <= b)),
    })
}

fn evaluate(name: &str, arguments: &[f64]) -> Result<Value, String> {
    let count = match name {
        "ATAN2" | "MINVAL" | "MAXVAL" => 2,
        "BOUND" => 3,
        _ => 1,
    };
    if arguments.len() != count {
        return Err(format!("{name} takes {count} arguments, {} were given", arguments.len()));
    }
    let a = arguments[0];
    finite(match name {
        "SIN" => math::sin(a.to_radians()),
        "COS" => math::cos(a.to_radians()),
        "TAN" => math::tan(a.to_radians()),
        "ASIN" | "ACOS" if a.abs() > 1.0 => return Err(format!("{a} lies outside -1 to 1")),
        "ASIN" => math::asin(a).to_degrees(),
        "ACOS" => math::acos(a).to_degrees(),
        "ATAN2" => math::atan2(a, arguments[1]).to_degrees(),
        "SQRT" if a < 0.0 => return Err(format!("{a} is negative and has no square root")),
        "SQRT" => a.sqrt(),
        "POT" => a * a,
        "LN" if a <= 0.0 => return Err(format!("{a} is not above zero and has no logarithm")),
        "LN" => math::ln(a),
        "EXP" => math::exp(a),
        "ABS" => a.abs(),
        "TRUNC" => a.trunc(),
        "ROUND" => a.round(),
        "ROUNDUP" => a.ceil(),
        "MINVAL" => a.min(arguments[1]),
        "MAXVAL" => a.max(arguments[1]),
        "BOUND" => arguments[2].max(a.min(arguments[1])).min(a.max(arguments[1])),
        _ => return Err(format!("`{name}` is no function that is known here")),
    })
}

fn finite(result: f64) -> Result<Value, String> {
    if result.is_finite() {
        Ok(Value::Number(result))
    } else {
        Err("the result is beyond the range of numbers".to_owned())
    }
}
