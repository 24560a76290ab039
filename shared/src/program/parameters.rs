//! Numbered and named parameters: what a program can remember.

use super::fault::{Checked, Fault, PARAMETER, TOO_LONG};
use std::collections::BTreeMap;
use std::ops::Range;

/// A parameter, as an assignment or a question names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `#5`.
    Number(u32),
    /// `#<name>`, in lower case; a leading underscore makes it global.
    Name(String),
}

pub(super) use Parameter as Target;

/// Parameters of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Locals {
    numbers: BTreeMap<u32, f64>,
    names: BTreeMap<String, f64>,
}

impl Locals {
    /// An argument.
    pub(super) fn set_number(&mut self, number: u32, value: f64) {
        self.numbers.insert(number, value);
    }
}

/// Parameters of the running call and those all calls share.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    global: BTreeMap<u32, f64>,
    global_named: BTreeMap<String, f64>,
    local: Locals,
    /// Numbers whose value only the machine knows, with the reason.
    unknown: BTreeMap<u32, &'static str>,
}

impl Parameters {
    /// With the values a machine keeps over power-off.
    pub(super) fn new(initial: &BTreeMap<u32, f64>) -> Self {
        Self { global: initial.clone(), ..Self::default() }
    }

    /// Value of a numbered parameter; `None` where it was never written.
    pub(super) fn number(&self, number: u32) -> Option<f64> {
        self.local.numbers.get(&number).or_else(|| self.global.get(&number)).copied()
    }

    /// Why the value of a number is not known ahead; `None` where it is.
    pub(super) fn unknown(&self, number: u32) -> Option<&'static str> {
        self.unknown.get(&number).copied()
    }

    /// From now on only the machine knows this one.
    pub(super) fn forget(&mut self, number: u32, reason: &'static str) {
        self.unknown.insert(number, reason);
    }

    /// Value of a named parameter; `None` where it was never written.
    pub(super) fn named(&self, name: &str) -> Option<f64> {
        if name.starts_with('_') { self.global_named.get(name).copied() } else { self.local.names.get(name).copied() }
    }

    /// Makes the parameters of another call the running ones; gives back those that were.
    pub(super) fn swap_locals(&mut self, locals: Locals) -> Locals {
        std::mem::replace(&mut self.local, locals)
    }

    /// Writes one; `None` empties it.
    pub(super) fn set(&mut self, target: &Target, value: Option<f64>, count_max: usize) -> Checked<()> {
        let count = self.global.len() + self.global_named.len() + self.local.numbers.len() + self.local.names.len();
        if count >= count_max {
            return Err(Fault::error(
                TOO_LONG,
                0..0,
                format!("the program uses more than {count_max} parameters (parameters_max)"),
                "raise the limit or use fewer parameters",
            )
            .fatal());
        }
        if let Target::Number(number) = target {
            self.unknown.remove(number);
        }
        match (target, value) {
            (Target::Number(number), Some(value)) => {
                self.numbers(*number).insert(*number, value);
            }
            (Target::Number(number), None) => {
                self.numbers(*number).remove(number);
            }
            (Target::Name(name), Some(value)) => {
                self.names(name).insert(name.clone(), value);
            }
            (Target::Name(name), None) => {
                self.names(name).remove(name);
            }
        }
        Ok(())
    }

    fn numbers(&mut self, number: u32) -> &mut BTreeMap<u32, f64> {
        if number <= LOCAL_MAX { &mut self.local.numbers } else { &mut self.global }
    }

    fn names(&mut self, name: &str) -> &mut BTreeMap<String, f64> {
        if name.starts_with('_') { &mut self.global_named } else { &mut self.local.names }
    }
}

/// `#1` to here belong to the call.
const LOCAL_MAX: u32 = 30;

/// An index of a parameter from a computed value.
pub(super) fn index(value: f64, span: Range<usize>) -> Checked<u32> {
    let rounded = value.round();
    if (value - rounded).abs() > 1e-4 || !(0.0..=99_999.0).contains(&rounded) {
        return Err(Fault::error(
            PARAMETER,
            span,
            format!("`#{value}` is no parameter: numbers run from 1 to 99999"),
            "use a whole number in that range",
        ));
    }
    Ok(rounded as u32)
}
