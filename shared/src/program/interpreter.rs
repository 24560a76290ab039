use super::block::Block;
use super::canon::{Call, CanonOp};
use super::detect::detect;
use super::diagnostic::{Diagnostic, Severity};
use super::execute::{After, Execution, Pending};
use super::expression::{Scope, System};
use super::facts::Facts;
use super::fault::*;
use super::flow::Flow;
use super::labels::{Head, head, o_word};
use super::lathe::Turning;
use super::options::{Dialect, Limits, Options, Sources};
use super::parameters::{Parameters, Target};
use super::report::Report;
use super::siemens::Memory;
use super::state::State;
use super::text::next_line;
use super::unknown::UnknownValue;
use crate::units::Feedrate;
use std::collections::VecDeque;

/// Reads a program on demand: each call of [`next_op`](Self::next_op) takes as many lines as the next
/// operation needs. Memory does not grow with the program.
///
/// Nothing fails. What is wrong with the text is told by [`diagnostics`](Self::diagnostics); a block with an
/// error makes no motion and the next one is read, so that one run finds more than one mistake. A program with
/// an error is one a control would refuse: its operations are good for looking at, not for running.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    pub(super) flow: Flow<'a>,
    pub(super) options: &'a Options,
    pub(super) dialect: Dialect,
    pub(super) state: State,
    pub(super) parameters: Parameters,
    pub(super) block: Block,
    pub(super) holes: Pending,
    /// A turning cycle whose profile is being read.
    pub(super) turning: Option<Turning>,
    pub(super) stopped: Option<UnknownValue>,
    /// Values of the machine that hold for one block.
    pub(super) supplied: Vec<String>,
    pub(super) ready: VecDeque<CanonOp>,
    pub(super) report: Report<'a>,
    /// Number of blocks at which the next checkpoint is due.
    pub(super) checkpoint_next: u64,
    /// What the Siemens dialect remembers beyond the state.
    pub(super) siemens: Memory,
    pub(super) has_tape_mark: bool,
    pub(super) is_over: bool,
    /// The text is the beginning or a middle of the program; its end is not the end.
    pub(super) more_follows: bool,
    /// All lines of such a text were taken.
    pub(super) is_starved: bool,
}

/// The whole of an interpretation.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpreted {
    /// Operations in order.
    pub ops: Vec<CanonOp>,
    /// What is wrong or was assumed, in order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What the program said.
    pub facts: Facts,
}

/// Reads a program to its end and keeps every operation: about 300 bytes each.
pub fn interpret(name: &str, text: &[u8], sources: &dyn Sources, options: &Options) -> Interpreted {
    let mut interpreter = Interpreter::new(name, text, sources, options);
    let mut ops = Vec::new();
    while let Some(op) = interpreter.next_op() {
        ops.push(op);
    }
    Interpreted { ops, diagnostics: interpreter.report.diagnostics, facts: interpreter.report.facts }
}

impl<'a> Interpreter<'a> {
    /// At the beginning of a program. `name` is what diagnostics call it.
    pub fn new(name: &str, text: &'a [u8], sources: &'a dyn Sources, options: &'a Options) -> Self {
        let (dialect, evidence) = match options.dialect {
            Dialect::Auto => detect(text),
            given => (given, vec!["chosen by the caller".to_owned()]),
        };
        let mut interpreter = Self {
            flow: Flow::new(text, sources),
            options,
            dialect,
            state: State::new(options, dialect),
            parameters: Parameters::new(&options.parameters, dialect.is_fanuc_like()),
            block: Block::new(),
            holes: None,
            turning: None,
            stopped: None,
            supplied: Vec::new(),
            ready: VecDeque::new(),
            report: Report::new(Facts::new(name, dialect, evidence), options.limits.diagnostics_max),
            checkpoint_next: Self::CHECKPOINT_BLOCKS,
            siemens: Memory::new(options.length_unit.mm()),
            has_tape_mark: false,
            is_over: false,
            more_follows: false,
            is_starved: false,
        };
        interpreter.check_text(text);
        interpreter
    }

    /// The next operation; `None` after the last.
    pub fn next_op(&mut self) -> Option<CanonOp> {
        loop {
            if let Some(op) = self.ready.pop_front() {
                if self.report.facts.operations >= self.options.limits.operations_max {
                    self.stop_at_limit("operations", "operations_max", self.options.limits.operations_max);
                    return None;
                }
                self.report.facts.operations += 1;
                return Some(op);
            }
            if self.is_over || self.is_starved || self.stopped.is_some() {
                return None;
            }
            self.step();
            self.is_over |= self.report.is_over;
        }
    }

    /// Diagnostics so far, at most [`Limits::diagnostics_max`] and one that says so.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.report.diagnostics
    }

    /// What the program has said so far; complete once [`next_op`](Self::next_op) has returned `None`.
    pub fn facts(&self) -> &Facts {
        &self.report.facts
    }

    fn stop_at_limit(&mut self, what: &str, name: &str, limit: u64) {
        self.ready.clear();
        self.is_over = true;
        let text = format!("the program makes more than {limit} {what} ({name})");
        self.report.take(&Fault::error(TOO_LONG, 0..0, text, "look for an endless loop, or split the program"));
    }

    /// Ends the interpretation where the program is longer than [`Limits::bytes_max`]: for whoever reads in pieces and
    /// knows the length before.
    pub fn refuse_length(&mut self, bytes: usize) {
        let Limits { bytes_max, .. } = self.options.limits;
        if bytes > bytes_max {
            let message = format!("the program has {bytes} bytes, more than {bytes_max} (bytes_max)");
            self.report.take(&Fault::error(TOO_LONG, 0..0, message, "split the program").fatal());
            self.is_over = true;
        }
    }

    /// What can be said before the first line.
    fn check_text(&mut self, text: &[u8]) {
        let whole = |code, message: String, advice: &str| Fault::error(code, 0..0, message, advice).fatal();
        self.refuse_length(text.len());
        if text.starts_with(&[0xFF, 0xFE]) || text.starts_with(&[0xFE, 0xFF]) {
            let message = "the file is UTF-16: two bytes a character".to_owned();
            self.report.take(&whole(ENCODING, message, "save it as plain ASCII or UTF-8 text"));
        } else if text.starts_with(&[0xEF, 0xBB, 0xBF]) {
            self.flow.place.offset = 3;
        }
        self.is_over = self.report.is_over;
    }

    /// Reads a line and carries it out, or drills the next hole of a cycle.
    fn step(&mut self) {
        if self.holes.is_some() {
            if let Err(fault) = self.execution().drill_next() {
                self.report.take(&fault);
            }
            return;
        }
        let (text, before) = (self.flow.text(), self.flow.place);
        let Some(line) = next_line(text, &mut self.flow.place) else {
            self.is_starved = self.more_follows;
            if !self.is_starved {
                self.end_of_text();
            }
            return;
        };
        self.report.at = self.flow.at(line.number);
        (self.state.line, self.state.depth) = (line.number, self.report.at.depth);
        self.report.line_start = line.range.start;
        let length = line.range.len();
        self.report.line = &text[line.range];
        if length > self.options.limits.line_bytes_max {
            let limit = self.options.limits.line_bytes_max;
            let text = format!("the line has {length} bytes, more than {limit} (line_bytes_max)");
            self.report.take(&Fault::error(TOO_LONG, 0..0, text, "check the line ends of the file"));
            return;
        }
        if self.is_tape_mark() {
            return;
        }
        let blocks = self.report.facts.blocks;
        if let Err(fault) = self.carry_out() {
            if let Some(parameter) = fault.asks.clone() {
                // The block counts when it is carried out.
                self.report.facts.blocks = blocks;
                return self.stop_for(parameter, before, &fault);
            }
            self.report.take(&fault);
        }
        self.after_block();
    }

    /// `%`: the first opens the tape, the next one closes it.
    fn is_tape_mark(&mut self) -> bool {
        let line = self.report.line.trim_ascii();
        if line.first() != Some(&b'%') {
            return false;
        }
        if self.report.at.depth > 0 {
            // The tape of a subprogram: its end returns, as M99 does.
            return self.report.at.line == 1 || self.leave();
        }
        let is_first = self.report.facts.blocks == 0 && !self.has_tape_mark;
        if is_first {
            self.has_tape_mark = true;
            return true;
        }
        if line.len() > 1 && self.dialect.is_strict() {
            return false;
        }
        self.finish();
        true
    }

    fn carry_out(&mut self) -> Checked<()> {
        if self.dialect == Dialect::Siemens {
            return self.siemens_line();
        }
        if self.dialect == Dialect::Grbl {
            self.list_real_time_characters();
            if self.grbl_line()? {
                return Ok(());
            }
        }
        match head(self.report.line) {
            Head::OWord(at) if self.dialect != Dialect::Grbl && self.is_flow(at) => {
                self.report.facts.blocks += 1;
                self.o_line(at)?;
                return self.end_profile();
            }
            Head::Keyword(at) if self.dialect.is_fanuc_like() => {
                self.report.facts.blocks += 1;
                match self.macro_line(at)? {
                    Some(rest) => self.report.cut_line(rest),
                    None => return Ok(()),
                }
            }
            _ => {}
        }
        let scope = Scope {
            parameters: &self.parameters,
            system: &self.state,
            dialect: self.dialect,
            depth_max: self.options.limits.expression_depth_max,
        };
        self.block.read(self.report.line, scope, self.options.block_delete)?;
        self.report.facts.blocks += 1;
        if self.block.deleted {
            self.report.without_effect(b'/', u16::MAX, "block delete is switched on");
            return Ok(());
        }
        if self.block.is_empty {
            return Ok(());
        }
        if self.is_in_profile() {
            self.profile_block()?;
            return self.write_parameters();
        }
        let after = self.execution().run();
        self.write_parameters()?;
        match after? {
            After::Next => self.call_profile(),
            After::Call(called) => self.call(called),
            After::Return(to_line) => {
                self.is_over = self.return_from_program(to_line)? == After::End;
                if self.is_over {
                    self.finish();
                }
                Ok(())
            }
            After::End => {
                self.is_over = true;
                Ok(())
            }
        }
    }

    fn write_parameters(&mut self) -> Checked<()> {
        for (target, value) in &self.block.assignments {
            if self.dialect.is_fanuc_like() && alarm(&mut self.report, target, *value)? {
                continue;
            }
            warn_of_control(&mut self.report, &self.state, target, self.dialect)?;
            if let (Target::Number(number), Some(value)) = (target, value)
                && self.dialect == Dialect::Rs274ngc
            {
                self.state.write(*number, *value);
            }
            self.parameters.set(target, *value, self.options.limits.parameters_max)?;
        }
        Ok(())
    }

    /// Real-time characters of grbl act when they arrive, not where they stand.
    fn list_real_time_characters(&mut self) {
        let code = self.report.line.split(|byte| matches!(byte, b'(' | b';')).next().unwrap_or_default();
        for byte in code.iter().filter(|byte| super::grbl::is_real_time(**byte)) {
            let name = byte.escape_ascii().to_string();
            self.report
                .named_without_effect(&name, "a real-time character: it acts when it arrives, wherever it stands");
        }
    }

    /// True for O-words; false for program numbers and for a block that is skipped by `/`.
    fn is_flow(&self, at: usize) -> bool {
        let line = self.report.line;
        let is_number = o_word(line, at).is_some_and(|word| word.keyword.is_empty());
        let is_skipped = self.options.block_delete && line.trim_ascii_start().starts_with(b"/");
        !is_number && !is_skipped
    }

    /// The block, to be filled by another reader.
    pub(super) fn block_mut(&mut self) -> &mut Block {
        &mut self.block
    }

    pub(super) fn execution(&mut self) -> Execution<'_, 'a> {
        Execution {
            block: &self.block,
            state: &mut self.state,
            report: &mut self.report,
            ready: &mut self.ready,
            holes: &mut self.holes,
            turning: &mut self.turning,
            options: self.options,
            dialect: self.dialect,
        }
    }

    /// The text ends without M2 or M30.
    fn end_of_text(&mut self) {
        if self.flow.depth() > 0 && self.leave() {
            if let Err(fault) = self.end_profile() {
                self.report.take(&fault);
            }
            return;
        }
        let is_empty = self.report.facts.operations == 0 && self.report.diagnostics.is_empty();
        self.report.line = &[];
        self.report.at.line = self.flow.place.line;
        let fault = if is_empty {
            Fault::error(EMPTY, 0..0, "the program has nothing to do", "check that it is the right file")
        } else {
            Fault::error(
                NO_END,
                0..0,
                "the program ends without M2 or M30; its last line is taken as the end",
                "write M30",
            )
            .with(Severity::Note)
        };
        self.report.take(&fault);
        self.finish();
    }

    /// The end of the program.
    pub(super) fn finish(&mut self) {
        self.execution().leave_corner();
        self.execution().release();
        let feed: Option<Feedrate> = self.state.feed_by_time();
        self.ready.push_back(CanonOp { call: Call::End, at: self.report.at, modal: self.state.modal(feed) });
        self.is_over = true;
    }
}

/// `#3000 = n` raises an alarm of the program, at which the control stops. True for other variables of the control
/// that are written without effect: a message with a stop (#3006), clocks and switches (#3001 to #3012).
///
/// # Errors
/// The alarm; the interpretation ends there.
fn alarm(report: &mut Report<'_>, target: &Target, value: Option<f64>) -> Checked<bool> {
    let Target::Number(number) = *target else { return Ok(false) };
    match (number, value) {
        (3000, Some(value)) => {
            let comment = String::from_utf8_lossy(report.line);
            let comment =
                comment.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(text, _)| text);
            let text = format!("the program raises its alarm {value}: {comment}");
            Err(Fault::error(PROGRAM_ALARM, 0..0, text, "look for the condition that leads here").fatal())
        }
        (3001..=3012, _) => {
            let reason = "clocks, messages and switches of the control are not simulated";
            report.named_without_effect(&format!("#{number}"), reason);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Says that a parameter of the control was written: the frame does not follow, and reading gives the old value.
///
/// # Errors
/// LinuxCNC refuses to write some of them.
fn warn_of_control(report: &mut Report<'_>, state: &State, target: &Target, dialect: Dialect) -> Checked<()> {
    let (is_fixed, name) = match target {
        Target::Number(number) => (matches!(number, 5400..=5428), format!("#{number}")),
        Target::Name(name) => (state.named(name).is_some(), format!("#<{name}>")),
    };
    if is_fixed && dialect == Dialect::Rs274ngc {
        let text = format!("{name} is read-only");
        return Err(Fault::error(PARAMETER, 0..0, text, "use another parameter"));
    }
    let Target::Number(number) = *target else { return Ok(()) };
    let is_taken = dialect == Dialect::Rs274ngc && matches!(number, 5161..=5186 | 5211..=5216 | 5221..=5390);
    if state.number(number).is_none() || is_taken {
        return Ok(());
    }
    let note = || {
        let text = format!("#{number} belongs to the control; writing it has no effect in the simulation");
        Fault::error(PARAMETER, 0..0, text, "set offsets with G10 or G92").with(Severity::Warning)
    };
    report.once(number, note, PARAMETER);
    Ok(())
}
