//! Expressions: brackets, operators, functions and parameters, evaluated while they are read.
//!
//! One grammar serves RS274/NGC and macro B. Operators by falling strength: `**`; `*` `/` `MOD`; `+` `-`; the
//! comparisons; `AND` `OR` `XOR`; all from left to right. Angles are degrees. Where the dialects differ: a
//! parameter that was never written is zero in RS274/NGC and *vacant* in macro B, where a word with a vacant
//! value counts as not written.

use super::fault::{ARITHMETIC, Checked, EXPRESSION, Fault, NOT_AHEAD, PARAMETER, TOO_LONG};
use super::number;
use super::options::Dialect;
use super::parameters::{Parameters, Target, index};
use super::unknown::of_machine;
use crate::det::math;

/// What an expression may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'e> {
    pub(super) parameters: &'e Parameters,
    /// Parameters the control computes: positions, offsets, modes.
    pub(super) system: &'e dyn System,
    pub(super) dialect: Dialect,
    pub(super) depth_max: usize,
}

/// Read-only values of the control.
pub(super) trait System: std::fmt::Debug {
    /// A numbered parameter the control computes; `None` where the number is an ordinary one.
    fn number(&self, number: u32) -> Option<f64>;
    /// True for a parameter that may not be read now: positions under cutter compensation.
    fn is_hidden(&self, _number: u32) -> bool {
        false
    }
    /// A named parameter the control computes, such as `_x`.
    fn named(&self, name: &str) -> Option<f64>;
}

/// A value, or the absence of one (`#0`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Vacant,
}

impl Value {
    /// The number; vacant counts as zero in arithmetic.
    pub(super) fn number(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Vacant => 0.0,
        }
    }

    /// The number, or `None` where there is none.
    pub(super) fn given(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Vacant => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Power,
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    And,
    Or,
    ExclusiveOr,
}

/// Text, operator and strength; longer texts before their prefixes.
const OPERATORS: [(&[u8], Operator, u8); 16] = [
    (b"**", Operator::Power, 5),
    (b"*", Operator::Multiply, 4),
    (b"/", Operator::Divide, 4),
    (b"MOD", Operator::Modulo, 4),
    (b"+", Operator::Add, 3),
    (b"-", Operator::Subtract, 3),
    (b"EQ", Operator::Equal, 2),
    (b"NE", Operator::NotEqual, 2),
    (b"GE", Operator::GreaterEqual, 2),
    (b"GT", Operator::Greater, 2),
    (b"LE", Operator::LessEqual, 2),
    (b"LT", Operator::Less, 2),
    (b"AND", Operator::And, 1),
    (b"XOR", Operator::ExclusiveOr, 1),
    (b"OR", Operator::Or, 1),
    (b"<>", Operator::NotEqual, 2),
];

/// Macro B: AND binds as a product, OR and XOR as a sum, and the comparisons come last.
fn strength_in_macro_b(operator: Operator) -> u8 {
    match operator {
        Operator::Power => 5,
        Operator::Multiply | Operator::Divide | Operator::Modulo | Operator::And => 4,
        Operator::Add | Operator::Subtract | Operator::Or | Operator::ExclusiveOr => 3,
        _ => 2,
    }
}

const FUNCTIONS: [(&[u8], Function); 19] = [
    (b"ABS", Function::Abs),
    (b"ACOS", Function::Acos),
    (b"ASIN", Function::Asin),
    (b"ATAN", Function::Atan),
    (b"COS", Function::Cos),
    (b"EXISTS", Function::Exists),
    (b"EXP", Function::Exp),
    (b"FIX", Function::Fix),
    (b"FUP", Function::Fup),
    (b"LN", Function::Ln),
    (b"POW", Function::Pow),
    (b"ROUND", Function::Round),
    (b"SIN", Function::Sin),
    (b"SQRT", Function::Sqrt),
    (b"SQR", Function::Sqrt),
    (b"TAN", Function::Tan),
    (b"ADP", Function::Identity),
    (b"BIN", Function::Bin),
    (b"BCD", Function::Bcd),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Acos,
    Asin,
    Atan,
    Bcd,
    Bin,
    Cos,
    Exists,
    Exp,
    Fix,
    Fup,
    Identity,
    Ln,
    Pow,
    Round,
    Sin,
    Sqrt,
    Tan,
}

/// Reads values from a line, from a place on.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    pub(super) line: &'e [u8],
    pub(super) at: usize,
    scope: Scope<'e>,
    depth: usize,
}

/// Longest name that is looked up without taking memory.
const NAME_BYTES: usize = 64;

impl<'e> Reader<'e> {
    /// At a byte of a line.
    pub(super) fn new(line: &'e [u8], at: usize, scope: Scope<'e>) -> Self {
        Self { line, at, scope, depth: 0 }
    }

    /// The byte at the place, after blanks.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.at = number::skip_blanks(self.line, self.at);
        self.line.get(self.at).copied()
    }

    /// A number, parameter, function or bracketed expression, with signs.
    pub(super) fn value(&mut self) -> Checked<Value> {
        let mut sign = 1.0;
        loop {
            match self.peek() {
                Some(b'-') => sign = -sign,
                Some(b'+') => {}
                _ => break,
            }
            self.at += 1;
        }
        let value = match self.peek() {
            Some(b'[') => self.bracket()?,
            Some(b'#') => self.parameter()?,
            Some(byte) if byte.is_ascii_alphabetic() => self.function()?,
            _ => {
                let (number, end) = number::read(self.line, self.at)?;
                self.at = end;
                Value::Number(number.value)
            }
        };
        Ok(match value {
            Value::Number(number) => Value::Number(sign * number),
            Value::Vacant => Value::Vacant,
        })
    }

    /// `[` expression `]`.
    pub(super) fn bracket(&mut self) -> Checked<Value> {
        let open = self.at;
        self.enter()?;
        self.at += 1;
        let value = self.expression(1)?;
        if self.peek() != Some(b']') {
            let end = self.line.len().min(self.at + 1);
            return Err(Fault::error(
                EXPRESSION,
                open..end,
                "the bracket `[` is not closed",
                "write `]` behind the expression",
            ));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(value)
    }

    /// An expression of operators at least as strong as `strength`; 1 takes all.
    pub(super) fn expression(&mut self, strength: u8) -> Checked<Value> {
        let start = self.at;
        let mut left = self.value()?;
        while let Some((operator, found, length)) = self.operator() {
            if found < strength {
                break;
            }
            self.at += length;
            let right = self.expression(found + 1)?;
            let is_bitwise = self.scope.dialect.is_fanuc_like();
            let result = if is_bitwise { bitwise(operator, left, right) } else { None };
            left = Value::Number(result.map_or_else(|| apply(operator, left, right), Ok).map_err(|reason| {
                Fault::error(ARITHMETIC, start..self.at, reason, "check the values before this block")
            })?);
        }
        Ok(left)
    }

    fn operator(&mut self) -> Option<(Operator, u8, usize)> {
        // The usual end, without looking through the table.
        if self.peek()? == b']' {
            return None;
        }
        let rest = &self.line[self.at..];
        OPERATORS
            .iter()
            .find(|(text, ..)| rest.len() >= text.len() && rest[..text.len()].eq_ignore_ascii_case(text))
            .map(|(text, operator, strength)| {
                let is_macro_b = self.scope.dialect.is_fanuc_like();
                (*operator, if is_macro_b { strength_in_macro_b(*operator) } else { *strength }, text.len())
            })
    }

    /// What stands behind `#`, the place being on `#`.
    pub(super) fn target(&mut self) -> Checked<Target> {
        let start = self.at;
        self.at += 1;
        if self.peek() == Some(b'<') {
            return self.name().map(Target::Name);
        }
        self.enter()?;
        let value = self.value()?.number();
        self.depth -= 1;
        match index(value, start..self.at)? {
            // Macro B's #0 is always vacant; RS274/NGC counts from 1.
            0 if self.scope.dialect == Dialect::Rs274ngc => {
                Err(Fault::error(PARAMETER, start..self.at, "there is no parameter #0", "use a number from 1 on"))
            }
            number => Ok(Target::Number(number)),
        }
    }

    /// `<name>`: blanks and case do not count.
    pub(super) fn name(&mut self) -> Checked<String> {
        let start = self.at;
        let length = self.line[start..].iter().position(|byte| *byte == b'>').ok_or_else(|| {
            Fault::error(
                PARAMETER,
                start..self.line.len(),
                "the name after `<` does not end",
                "write `>` behind the name",
            )
        })?;
        self.at = start + length + 1;
        let letters = self.line[start + 1..start + length].iter().filter(|byte| !number::is_blank(**byte));
        Ok(letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect())
    }

    /// The value of `#<name>` where the program gave it one: no memory is taken, since programs scaled by named
    /// parameters read one in every word.
    fn known_name(&mut self) -> Option<Value> {
        let rest = self.line.get(self.at..)?.strip_prefix(b"#<")?;
        let (mut name, mut length) = ([0; NAME_BYTES], 0);
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'>' => {
                    let value = self.scope.parameters.named(std::str::from_utf8(&name[..length]).ok()?)?;
                    self.at += b"#<".len() + index + 1;
                    return Some(Value::Number(value));
                }
                byte if number::is_blank(*byte) => {}
                byte if !byte.is_ascii() || length == NAME_BYTES => return None,
                byte => {
                    name[length] = byte.to_ascii_lowercase();
                    length += 1;
                }
            }
        }
        None
    }

    fn parameter(&mut self) -> Checked<Value> {
        if let Some(value) = self.known_name() {
            return Ok(value);
        }
        let start = self.at;
        let target = self.target()?;
        if let Some(reason) = self.unknown(&target) {
            return Err(Fault::error(
                NOT_AHEAD,
                start..self.at,
                format!("the value of {} is not known ahead: {reason}", self.line[start..self.at].escape_ascii()),
                "supply the value, or take the block out to simulate the rest",
            )
            .asking(target));
        }
        if let Target::Number(number) = target
            && self.scope.system.is_hidden(number)
        {
            let text = format!("#{number}, a position, cannot be read while cutter compensation is on");
            return Err(Fault::error(PARAMETER, start..self.at, text, "read it before G41 or G42"));
        }
        let found = self.look_up(&target);
        match (found, &target) {
            (Some(value), _) => Ok(Value::Number(value)),
            (None, Target::Number(number @ 1000..=9999)) if self.scope.dialect.is_fanuc_like() => Err(Fault::error(
                PARAMETER,
                start..self.at,
                format!("the value of the system variable #{number} is not known before the machine runs"),
                "give its value with the parameters of the machine",
            )),
            (None, Target::Number(_)) if self.scope.dialect.is_fanuc_like() => Ok(Value::Vacant),
            (None, Target::Number(_)) => Ok(Value::Number(0.0)),
            (None, Target::Name(name)) => Err(Fault::error(
                PARAMETER,
                start..self.at,
                format!("the parameter `#<{name}>` has no value here"),
                "assign it before this block, or check the spelling",
            )),
        }
    }

    /// Why only the machine knows this value.
    fn unknown(&self, target: &Target) -> Option<&'static str> {
        match target {
            Target::Number(number) => self.scope.parameters.unknown(*number),
            Target::Name(name) if self.look_up(target).is_none() => of_machine(name),
            Target::Name(_) => None,
        }
    }

    fn look_up(&self, target: &Target) -> Option<f64> {
        match target {
            Target::Number(number) => {
                self.scope.system.number(*number).or_else(|| self.scope.parameters.number(*number))
            }
            Target::Name(name) => self.scope.parameters.named(name).or_else(|| self.scope.system.named(name)),
        }
    }

    fn function(&mut self) -> Checked<Value> {
        let start = self.at;
        let length = self.line[start..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = &self.line[start..start + length];
        let found = FUNCTIONS.iter().find(|(text, _)| text.eq_ignore_ascii_case(name)).map(|(_, function)| *function);
        self.at += length;
        let (Some(function), Some(b'[')) = (found, self.peek()) else {
            return Err(Fault::error(
                EXPRESSION,
                start..start + length,
                format!("`{}` is neither a number nor a function", name.escape_ascii()),
                "write a number, a parameter, or a function with its argument in brackets, for instance SIN[30]",
            ));
        };
        if function == Function::Exists {
            return self.exists();
        }
        self.enter()?;
        self.at += 1;
        let first = self.expression(1)?.number();
        let mut second = None;
        if self.peek() == Some(b',') {
            self.at += 1;
            second = Some(self.expression(1)?.number());
        }
        self.close(start)?;
        if function == Function::Atan && second.is_none() {
            second = self.second_of_atan()?;
        }
        self.depth -= 1;
        let result = match self.scope.dialect {
            Dialect::Fanuc | Dialect::Haas => evaluate_in_macro_b(self.scope.dialect, function, first, second),
            _ => evaluate(function, first, second),
        };
        result
            .map(Value::Number)
            .map_err(|reason| Fault::error(ARITHMETIC, start..self.at, reason, "check the argument"))
    }

    /// `/[x]` behind `ATAN[y]`.
    fn second_of_atan(&mut self) -> Checked<Option<f64>> {
        if self.peek() != Some(b'/') {
            return if self.scope.dialect.is_fanuc_like() {
                Ok(None)
            } else {
                Err(Fault::error(EXPRESSION, self.at..self.at, "ATAN has two arguments", "write ATAN[y]/[x]"))
            };
        }
        self.at += 1;
        self.peek();
        self.bracket().map(|value| Some(value.number()))
    }

    fn exists(&mut self) -> Checked<Value> {
        let start = self.at;
        self.at += 1;
        if self.peek() != Some(b'#') {
            return Err(Fault::error(EXPRESSION, start..self.at, "EXISTS takes a parameter", "write EXISTS[#<name>]"));
        }
        let target = self.target()?;
        self.close(start)?;
        Ok(Value::Number(f64::from(u8::from(self.look_up(&target).is_some()))))
    }

    fn close(&mut self, start: usize) -> Checked<()> {
        if self.peek() != Some(b']') {
            let end = self.line.len().min(self.at + 1);
            return Err(Fault::error(
                EXPRESSION,
                start..end,
                "the bracket `[` is not closed",
                "write `]` behind the argument",
            ));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Checked<()> {
        self.depth += 1;
        if self.depth > self.scope.depth_max {
            return Err(Fault::error(
                TOO_LONG,
                self.at..self.at + 1,
                format!("brackets lie more than {} deep (expression_depth_max)", self.scope.depth_max),
                "split the expression over several parameters",
            ));
        }
        Ok(())
    }
}

/// Two numbers are equal for EQ and NE within this.
const EQUAL_WITHIN: f64 = 1e-6;

fn apply(operator: Operator, left: Value, right: Value) -> Result<f64, String> {
    let (a, b) = (left.number(), right.number());
    let same = match (left, right) {
        (Value::Number(_), Value::Number(_)) => (a - b).abs() < EQUAL_WITHIN,
        _ => left == right,
    };
    let truth = |is: bool| f64::from(u8::from(is));
    let result = match operator {
        Operator::Power if a < 0.0 && b.fract() != 0.0 => {
            return Err(format!("{a} is negative and cannot be raised to {b}"));
        }
        Operator::Power => math::pow(a, b),
        Operator::Multiply => a * b,
        Operator::Divide | Operator::Modulo if b == 0.0 => return Err(format!("{a} is divided by zero")),
        Operator::Divide => a / b,
        // The result has the sign of the divisor.
        Operator::Modulo => {
            let rest = a % b;
            if rest < 0.0 { rest + b.abs() } else { rest }
        }
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Equal => truth(same),
        Operator::NotEqual => truth(!same),
        Operator::Greater => truth(a > b),
        Operator::GreaterEqual => truth(a >= b),
        Operator::Less => truth(a < b),
        Operator::LessEqual => truth(a <= b),
        Operator::And => truth(a != 0.0 && b != 0.0),
        Operator::Or => truth(a != 0.0 || b != 0.0),
        Operator::ExclusiveOr => truth((a != 0.0) != (b != 0.0)),
    };
    finite(result)
}

fn evaluate(function: Function, a: f64, second: Option<f64>) -> Result<f64, String> {
    let (radians, degrees) = (a.to_radians(), |angle: f64| angle.to_degrees());
    let result = match function {
        Function::Abs => a.abs(),
        Function::Acos | Function::Asin if a.abs() > 1.0 => {
            return Err(format!("{a} lies outside -1 to 1 and has no arc cosine or arc sine"));
        }
        Function::Acos => degrees(math::acos(a)),
        Function::Asin => degrees(math::asin(a)),
        Function::Atan => degrees(second.map_or_else(|| math::atan(a), |x| math::atan2(a, x))),
        Function::Bcd | Function::Bin => return Err("BIN and BCD are functions of macro B".to_owned()),
        Function::Cos => math::cos(radians),
        Function::Exp => math::exp(a),
        Function::Fix => a.floor(),
        Function::Fup => a.ceil(),
        Function::Identity | Function::Exists => a,
        Function::Ln if a <= 0.0 => return Err(format!("{a} is not above zero and has no logarithm")),
        Function::Ln => math::ln(a),
        Function::Pow => math::pow(a, second.unwrap_or(1.0)),
        Function::Round => a.round(),
        Function::Sin => math::sin(radians),
        Function::Sqrt if a < 0.0 => return Err(format!("{a} is negative and has no square root")),
        Function::Sqrt => a.sqrt(),
        Function::Tan => math::tan(radians),
    };
    finite(result)
}

/// AND, OR and XOR of macro B: bit by bit on whole numbers.
fn bitwise(operator: Operator, left: Value, right: Value) -> Option<f64> {
    let bits = |value: Value| value.number().round().clamp(0.0, f64::from(u32::MAX)) as u32;
    let (a, b) = (bits(left), bits(right));
    Some(f64::from(match operator {
        Operator::And => a & b,
        Operator::Or => a | b,
        Operator::ExclusiveOr => a ^ b,
        _ => return None,
    }))
}

/// Where macro B differs: FIX goes towards zero and FUP away from it, ATAN of two values gives 0° to 360° on
/// Fanuc (parameter 6004.0 at zero), BIN and BCD convert between decimal digits and nibbles.
fn evaluate_in_macro_b(dialect: Dialect, function: Function, a: f64, second: Option<f64>) -> Result<f64, String> {
    let digits = |from: u64, to: u64| {
        let (mut rest, mut place, mut result) = (a.round().clamp(0.0, 99_999_999.0) as u64, 1, 0);
        while rest > 0 {
            result += (rest % from).min(9) * place;
            (rest, place) = (rest / from, place * to);
        }
        result as f64
    };
    match function {
        Function::Fix => Ok(a.trunc()),
        Function::Fup => Ok(if a < 0.0 { a.floor() } else { a.ceil() }),
        Function::Bcd => Ok(digits(10, 16)),
        Function::Bin => Ok(digits(16, 10)),
        Function::Atan if second.is_some() && dialect == Dialect::Fanuc => {
            evaluate(function, a, second).map(|angle| if angle < 0.0 { angle + 360.0 } else { angle })
        }
        _ => evaluate(function, a, second),
    }
}

fn finite(result: f64) -> Result<f64, String> {
    if result.is_finite() { Ok(result) } else { Err("the result is beyond the range of numbers".to_owned()) }
}
