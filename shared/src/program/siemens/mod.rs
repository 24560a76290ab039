//! Siemens 840D: another language on the same machine.
//!
//! A block holds words (`X10`, `X=AC(R5)`), names (`SUPA`, `TRAFOOF`), calls (`CYCLE832(0.02,1,1)`) and
//! assignments (`_HOME=-365.`), so it is read by a reader of its own; what it does is done by the same state,
//! frames, arcs and operations as in the other dialects.
//!
//! * [`value`]: expressions. [`words`]: one block. [`codes`]: what the names and G codes are.
//! * [`block`]: what a block does. [`path`]: its motion. [`frames`]: TRANS, ROT, SCALE, MIRROR, CYCLE800.
//! * [`cycles`]: drilling, called once or by MCALL. [`flow`]: jumps, loops, subprograms.
//!
//! Tools have names here (`T="BALL_6"`); [`Options::tool_names`](super::Options::tool_names) gives them numbers, other
//! names get the next free ones, and the facts give the names. Under TRAORI the coordinates are those of the tool tip in the work frame, the rotary
//! axes are angles, and machine coordinates are what three axes would give: this room knows no kinematics.
//!
//! The words are read as the corpus' programs and public descriptions of the 840D use them; no manual was at hand.

mod block;
mod codes;
mod cycles;
mod flow;
mod frames;
mod path;
mod value;
mod words;

#[cfg(test)]
pub(super) use codes::{g_code, inert_names};

use super::fault::*;
use super::interpreter::Interpreter;
use super::local::Local;
use super::text::Place;
use crate::ident::ToolNumber;
use std::collections::BTreeMap;
pub(super) use value::Value;
use words::Item;

/// A loop that is open.
#[derive(Clone, Debug)]
struct Open {
    /// Line of its beginning.
    place: Place,
    /// FOR: variable and last value.
    count: Option<(String, f64)>,
    /// REPEAT of labels: how often still, and where to go on. `None` for other loops.
    again: Option<(u32, Place, Place)>,
}

/// Variables and loops of one program in the chain of calls.
#[derive(Clone, Debug, Default)]
struct Level {
    variables: BTreeMap<String, Value>,
    open: Vec<Open>,
}

/// A cycle as it was called.
#[derive(Clone, Debug)]
struct Called {
    name: String,
    arguments: Vec<Option<Value>>,
}

/// What this dialect remembers beyond the common state.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    levels: Vec<Level>,
    /// R parameters, and variables of the machine.
    globals: BTreeMap<String, Value>,
    /// MCALL.
    modal: Option<Called>,
    /// Pole, and the last distance and angle of AP and RP.
    pole: [f64; 2],
    polar: [f64; 2],
    /// CYCLE800, and TRANS, ROT, SCALE, MIRROR.
    swivel: Local,
    programmable: Local,
    /// Millimetres in the unit of F; G70 and G71 leave it, G700 and G710 do not.
    feed_unit_mm: f64,
    labels: BTreeMap<usize, flow::Labels>,
    /// What stands behind a loop or branch, by text, byte and kind of end.
    partners: BTreeMap<(usize, usize, bool), (Place, Place)>,
}

impl Memory {
    /// Nothing said yet.
    pub(super) fn new(unit_mm: f64) -> Self {
        Self {
            levels: vec![Level::default()],
            globals: BTreeMap::new(),
            modal: None,
            pole: [0.0; 2],
            polar: [0.0; 2],
            swivel: Local::IDENTITY,
            programmable: Local::IDENTITY,
            feed_unit_mm: unit_mm,
            labels: BTreeMap::new(),
            partners: BTreeMap::new(),
        }
    }

    /// The same without what was looked up in the texts, for a checkpoint.
    pub(super) fn without_places(&self) -> Self {
        let (labels, partners) = (BTreeMap::new(), BTreeMap::new());
        let (levels, globals, modal) = (self.levels.clone(), self.globals.clone(), self.modal.clone());
        Self { levels, globals, modal, labels, partners, ..*self }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.levels.last().and_then(|level| level.variables.get(key)).or_else(|| self.globals.get(key))
    }

    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn count(&self) -> usize {
        self.globals.len() + self.levels.iter().map(|level| level.variables.len()).sum::<usize>()
    }
}

/// Where the words of a line begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    at: usize,
    is_skipped: bool,
}

/// Looks past `/`, the line number and a label.
fn start_of(line: &[u8]) -> Start {
    let blanks = |at: usize| super::number::skip_blanks(line, at);
    let mut at = blanks(0);
    let is_skipped = line.get(at) == Some(&b'/');
    if is_skipped {
        at = blanks(at + 1);
        at += usize::from(line.get(at).is_some_and(u8::is_ascii_digit));
        at = blanks(at);
    }
    let is_number =
        matches!(line.get(at), Some(b'N' | b'n' | b':')) && line.get(at + 1).is_some_and(u8::is_ascii_digit);
    if is_number {
        at += 1;
        at += line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = blanks(at);
    }
    if let Some((_, behind)) = label_at(line, at) {
        at = blanks(behind);
    }
    Start { at, is_skipped }
}

/// `NAME:` at a byte, and the byte behind it.
fn label_at(line: &[u8], at: usize) -> Option<(String, usize)> {
    let length = line.get(at..)?.iter().take_while(|byte| value::is_name(**byte)).count();
    let behind = super::number::skip_blanks(line, at + length);
    let is_label = length > 1 && line.get(behind) == Some(&b':') && line.get(behind + 1) != Some(&b'=');
    is_label.then(|| (String::from_utf8_lossy(&line[at..at + length]).to_ascii_uppercase(), behind + 1))
}

impl Interpreter<'_> {
    /// Carries out a line of a Siemens program.
    pub(super) fn siemens_line(&mut self) -> Checked<()> {
        let line = self.report.line;
        let depth = usize::from(self.report.at.depth);
        self.siemens.levels.truncate(depth + 1);
        while self.siemens.levels.len() <= depth {
            self.siemens.levels.push(Level::default());
        }
        let start = start_of(line);
        if line.get(start.at).is_none_or(|byte| matches!(byte, b';' | b'%')) {
            return self.end_of_repeated_part();
        }
        self.report.facts.blocks += 1;
        if start.is_skipped && self.options.block_delete {
            self.report.without_effect(b'/', u16::MAX, "block delete is switched on");
            return Ok(());
        }
        self.block_mut().clear();
        if !self.siemens_flow(start.at)? {
            self.siemens_words(start.at)?;
        }
        self.end_of_repeated_part()
    }

    /// Words, names and calls from a byte of the line on.
    fn siemens_words(&mut self, at: usize) -> Checked<()> {
        let (mut at, mut words) = (at, words::Words::default());
        while let Some(item) = self.siemens_item(&mut at)? {
            match item {
                Item::Assign { key, value, span } => self.assign(key, value, span)?,
                Item::Word(word) => words.take(word)?,
                Item::Name { name, span } if flow::is_flow(&name) => {
                    self.siemens_block(&words)?;
                    self.siemens_flow(span.start)?;
                    return Ok(());
                }
                Item::Name { name, span } => words.names.push((name, span)),
                Item::Call { name, arguments, span } => words.calls.push((Called { name, arguments }, span)),
            }
        }
        self.siemens_block(&words)
    }

    /// Writes a variable.
    fn assign(&mut self, key: String, value: Value, span: std::ops::Range<usize>) -> Checked<()> {
        let limit = self.options.limits.parameters_max;
        if self.siemens.count() >= limit {
            let text = format!("the program uses more than {limit} variables (parameters_max)");
            return Err(Fault::error(TOO_LONG, span, text, "raise the limit or use fewer variables").fatal());
        }
        if key.starts_with('$') {
            let text = format!("{key} belongs to the control; writing it has no effect in the simulation");
            let note =
                || Fault::error(PARAMETER, span, text, "set offsets with the job").with(super::Severity::Warning);
            self.report.once(self.report.at.line, note, PARAMETER);
            self.report.named_without_effect(&key, "a system variable is not written by the simulation");
            return Ok(());
        }
        let is_global = is_r_parameter(&key) || self.siemens.globals.contains_key(&key);
        if let Some(known) = self.siemens.level().variables.get_mut(&key) {
            *known = value;
            return Ok(());
        }
        if !is_global {
            let text = format!("`{key}` is not defined in the program; it is taken as a variable of the machine");
            let note = || Fault::error(ASSUMED, span, text, "define it with DEF REAL").with(super::Severity::Note);
            self.report.once(self.report.at.line, note, ASSUMED);
        }
        self.siemens.globals.insert(key, value);
        Ok(())
    }

    /// The number of a tool with a name: the one it was given, else the next free one.
    fn tool_of_name(&mut self, name: &str) -> ToolNumber {
        let given = &self.options.tool_names;
        let names = &mut self.report.facts.tool_names;
        if let Some((number, _)) = given.iter().find(|(_, known)| *known == name) {
            names.insert(*number, name.to_owned());
            return *number;
        }
        if let Some((number, _)) = names.iter().find(|(_, known)| *known == name) {
            return *number;
        }
        let free = (1..)
            .map(ToolNumber)
            .find(|number| !names.contains_key(number) && !given.contains_key(number))
            .unwrap_or_default();
        names.insert(free, name.to_owned());
        free
    }
}

/// `R5`.
fn is_r_parameter(key: &str) -> bool {
    key.strip_prefix('R').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
