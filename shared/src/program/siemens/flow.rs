//! Which line comes next: labels and jumps, IF, LOOP, FOR, WHILE, REPEAT, CASE, and subprograms by name.

use super::super::fault::*;
use super::super::flow::Entry;
use super::super::interpreter::Interpreter;
use super::super::text::{Place, next_line};
use super::words::{Words, is_identifier};
use super::{Level, Open, Value, is_r_parameter, label_at, start_of};
use std::collections::BTreeMap;
use std::ops::Range;

/// Labels and numbered lines of a text, in order; and programs that begin in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    places: BTreeMap<String, Vec<Place>>,
    programs: BTreeMap<String, Place>,
}

const WORDS: [&str; 25] = [
    "IF", "ELSE", "ENDIF", "GOTO", "GOTOF", "GOTOB", "GOTOC", "GOTOS", "LOOP", "ENDLOOP", "FOR", "ENDFOR", "WHILE",
    "ENDWHILE", "REPEAT", "REPEATB", "UNTIL", "CASE", "DEF", "PROC", "EXTERN", "RET", "TO", "DO", "OF",
];

/// True for a name that steers the flow.
pub(super) fn is_flow(name: &str) -> bool {
    WORDS.contains(&name)
}

fn wrong(span: Range<usize>, text: impl Into<String>, advice: &str) -> Box<Fault> {
    Fault::error(FLOW, span, text, advice)
}

impl Labels {
    fn of(text: &[u8]) -> Self {
        let (mut labels, mut place) = (Self::default(), Place::default());
        loop {
            let before = place;
            let Some(line) = next_line(text, &mut place) else { return labels };
            let line = &text[line.range];
            for name in names_of_line(line) {
                labels.places.entry(name).or_default().push(before);
            }
            if let Some(name) = program_of_line(line) {
                labels.programs.entry(name).or_insert(place);
            }
        }
    }
}

/// `N10` and `LABEL` of a line.
fn names_of_line(line: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = super::super::number::skip_blanks(line, 0);
    if line.get(at) == Some(&b'/') {
        at = super::super::number::skip_blanks(line, at + 1);
    }
    if matches!(line.get(at), Some(b'N' | b'n')) {
        let digits = line[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let number = String::from_utf8_lossy(&line[at + 1..at + 1 + digits]).into_owned();
            names.push(format!("N{number}"));
            at = super::super::number::skip_blanks(line, at + 1 + digits);
        }
    }
    names.extend(label_at(line, at).map(|(name, _)| name));
    names
}

/// `%_N_NAME_SPF` and `PROC NAME`.
fn program_of_line(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line).trim().to_ascii_uppercase();
    let name = text.strip_prefix("%_N_").map(|rest| {
        let end = rest.rfind('_').unwrap_or(rest.len());
        rest[..end].to_owned()
    });
    name.filter(|name| !name.is_empty())
}

impl Interpreter<'_> {
    /// A statement at a byte of the line that steers the flow. False where there is none.
    pub(super) fn siemens_flow(&mut self, at: usize) -> Checked<bool> {
        let mut reader = self.reader(at);
        let name = reader.name();
        let (start, end) = (at, reader.at);
        if !is_flow(&name) {
            return Ok(false);
        }
        let span = start..end;
        match name.as_str() {
            "DEF" => self.define(end)?,
            "PROC" => self.procedure(end)?,
            "EXTERN" => self.report.named_without_effect("EXTERN", "subprograms are found by their names"),
            "RET" => self.return_from(&Words::default())?,
            "IF" => self.branch(end, span)?,
            "ELSE" => self.flow.place = self.partner_of("IF", &["ENDIF"], &span)?.1,
            "ENDIF" => {}
            "GOTO" | "GOTOF" | "GOTOB" | "GOTOC" => self.jump(&name, end, span)?,
            "CASE" => self.case(end, span)?,
            "REPEAT" | "REPEATB" if self.names_label(end) => self.repeat_labels(&name, end, span)?,
            "LOOP" | "WHILE" | "FOR" | "REPEAT" => self.open_loop(&name, end, span)?,
            "ENDLOOP" | "ENDWHILE" | "ENDFOR" | "UNTIL" => self.close_loop(&name, end, span)?,
            _ => return Err(wrong(span, format!("{name} stands without its beginning"), "correct the statement")),
        }
        Ok(true)
    }

    fn here(&self) -> Place {
        Place { offset: self.report.line_start, line: self.report.at.line.saturating_sub(1) }
    }

    /// DEF REAL A=1, B: variables of the program.
    fn define(&mut self, at: usize) -> Checked<()> {
        let mut at = at;
        let mut kind = self.word_at(&mut at);
        while matches!(kind.as_str(), "NCK" | "CHAN" | "SYNR" | "SYNW" | "SYNRW" | "PHU" | "LLI" | "ULI") {
            kind = self.word_at(&mut at);
        }
        let default = match kind.as_str() {
            "REAL" | "INT" | "BOOL" | "CHAR" => Value::Number(0.0),
            "STRING" => Value::Text(String::new()),
            "AXIS" | "FRAME" => {
                let text = format!("variables of the kind {kind} are not simulated");
                return Err(Fault::error(UNSUPPORTED, at..at, text, "write the frame with TRANS and ROT"));
            }
            _ => {
                return Err(wrong(
                    0..at,
                    format!("`{kind}` is no kind of variable"),
                    "write DEF REAL, INT, BOOL or STRING",
                ));
            }
        };
        let mut reader = self.reader(at);
        if default == Value::Text(String::new()) && reader.peek() == Some(b'[') {
            let length = reader.line[reader.at..].iter().position(|byte| *byte == b']').unwrap_or(0);
            reader.at += length + 1;
        }
        let mut defined = Vec::new();
        loop {
            let start = reader.at;
            let name = reader.name();
            if !is_identifier(&name) {
                return Err(wrong(
                    start..reader.at.max(start),
                    format!("`{name}` is no name of a variable"),
                    "write a name of two letters or more",
                ));
            }
            // Elements of an array are made when they are written.
            let is_array = reader.peek() == Some(b'[');
            if is_array {
                reader.index(name.clone())?;
            }
            let mut value = default.clone();
            if reader.peek() == Some(b'=') {
                reader.at += 1;
                value = reader.expression(1)?;
            }
            if !is_array {
                defined.push((name, value));
            } else {
                defined.push((format!("{name}[0]"), value));
            }
            match reader.peek() {
                Some(b',') => reader.at += 1,
                None | Some(b';') => break,
                Some(_) => return Err(super::super::block::bad_character(reader.line, reader.at)),
            }
        }
        let limit = self.options.limits.parameters_max;
        if self.siemens.count() + defined.len() > limit {
            let text = format!("the program uses more than {limit} variables (parameters_max)");
            return Err(Fault::error(TOO_LONG, 0..0, text, "raise the limit or use fewer variables").fatal());
        }
        self.siemens.level().variables.extend(defined);
        Ok(())
    }

    fn word_at(&self, at: &mut usize) -> String {
        let mut reader = self.reader(*at);
        let name = reader.name();
        *at = reader.at;
        name
    }

    /// PROC NAME(REAL X, INT N=1): gives the arguments of the call their names.
    fn procedure(&mut self, at: usize) -> Checked<()> {
        let mut reader = self.reader(at);
        reader.name();
        let mut names = Vec::new();
        if reader.peek() == Some(b'(') {
            reader.at += 1;
            while !matches!(reader.peek(), None | Some(b')' | b';')) {
                let mut name = reader.name();
                while matches!(name.as_str(), "VAR" | "REAL" | "INT" | "BOOL" | "CHAR" | "STRING" | "AXIS") {
                    reader.peek();
                    name = reader.name();
                }
                let mut value = Value::Number(0.0);
                if reader.peek() == Some(b'=') {
                    reader.at += 1;
                    value = reader.expression(1)?;
                }
                names.push((name, value));
                if reader.peek() == Some(b',') {
                    reader.at += 1;
                } else {
                    break;
                }
            }
        }
        let level = self.siemens.level();
        for (index, (name, default)) in names.into_iter().enumerate() {
            let given = level.variables.remove(&argument(index));
            level.variables.insert(name, given.unwrap_or(default));
        }
        Ok(())
    }

    /// IF … GOTOF LABEL, or IF … ELSE … ENDIF.
    fn branch(&mut self, at: usize, span: Range<usize>) -> Checked<()> {
        let mut reader = self.reader(at);
        let is_true = reader.number()? != 0.0;
        let behind = reader.at;
        let next = reader.name();
        let end = reader.at;
        if next.starts_with("GOTO") {
            return if is_true { self.jump(&next, end, span) } else { Ok(()) };
        }
        if !next.is_empty() {
            return Err(wrong(behind..end, format!("`{next}` behind a condition"), "write GOTOF, or a new line"));
        }
        if !is_true {
            self.flow.place = self.partner_of("IF", &["ELSE", "ENDIF"], &span)?.1;
        }
        Ok(())
    }

    /// The place of, and behind, the next line of the same depth that begins with one of the words.
    fn partner_of(&mut self, opens: &str, closes: &[&str], span: &Range<usize>) -> Checked<(Place, Place)> {
        let text = self.flow.text();
        let key = (usize::from(self.report.at.source.0), self.flow.place.offset, closes.len() > 1);
        if let Some(known) = self.siemens.partners.get(&key) {
            return Ok(*known);
        }
        let (mut place, mut depth) = (self.flow.place, 0usize);
        loop {
            let before = place;
            let Some(line) = next_line(text, &mut place) else {
                let text = format!("{opens} has no {} below", closes.join(" or "));
                return Err(wrong(span.clone(), text, "write its end").fatal());
            };
            let line = &text[line.range];
            let first = first_name(line);
            if depth == 0 && closes.contains(&first.as_str()) {
                self.siemens.partners.insert(key, (before, place));
                return Ok((before, place));
            }
            let ends = closes[closes.len() - 1];
            let is_opening =
                first == opens && !(opens == "IF" && has_jump(line)) && !(opens == "REPEAT" && names_label(line));
            if is_opening {
                depth += 1;
            } else if first == ends {
                depth = depth.saturating_sub(1);
            }
        }
    }

    /// GOTOF, GOTOB, GOTO and GOTOC.
    fn jump(&mut self, word: &str, at: usize, span: Range<usize>) -> Checked<()> {
        let mut reader = self.reader(at);
        let target = match reader.peek() {
            Some(b'"') => reader.text()?.to_ascii_uppercase(),
            _ => reader.name(),
        };
        let (here, source) = (self.report.line_start, usize::from(self.report.at.source.0));
        let text = self.flow.text();
        let labels = self.siemens.labels.entry(source).or_insert_with(|| Labels::of(text));
        let places = labels.places.get(&target).map(Vec::as_slice).unwrap_or_default();
        let first_behind = places.partition_point(|place| place.offset <= here);
        let (forward, backward) = (places.get(first_behind), places[..first_behind].last());
        let found = match word {
            "GOTOF" => forward,
            "GOTOB" => backward,
            _ => forward.or(backward),
        };
        match found.copied() {
            Some(place) => self.jump_back(place),
            None if word == "GOTOC" => Ok(()),
            None => {
                let text = format!("{word} finds no label {target} in its direction");
                Err(wrong(span, text, "write the label, or jump the other way").fatal())
            }
        }
    }

    /// CASE(expression) OF 1 GOTOF A 2 GOTOF B DEFAULT GOTOF C.
    fn case(&mut self, at: usize, span: Range<usize>) -> Checked<()> {
        let mut reader = self.reader(at);
        let value = reader.operand_number()?;
        if reader.name() != "OF" {
            return Err(wrong(span, "CASE needs OF", "write CASE(R1) OF 1 GOTOF LABEL"));
        }
        loop {
            let before = reader.at;
            let word = reader.name();
            let fits = if word == "DEFAULT" {
                true
            } else if word.is_empty() && reader.peek().is_none_or(|byte| byte == b';') {
                return Ok(());
            } else {
                reader.at = before;
                (reader.operand_number()? - value).abs() < 1e-9
            };
            let jump = reader.name();
            let target_at = reader.at;
            if !jump.starts_with("GOTO") {
                return Err(wrong(span, "CASE needs a jump behind each value", "write 1 GOTOF LABEL"));
            }
            if fits {
                return self.jump(&jump, target_at, span);
            }
            reader.name();
        }
    }

    fn open_loop(&mut self, name: &str, at: usize, span: Range<usize>) -> Checked<()> {
        let here = self.here();
        // A loop that was left by a jump is open no longer when it begins again.
        if let Some(known) = self.siemens.level().open.iter().position(|open| open.place == here) {
            self.siemens.level().open.truncate(known);
        }
        if self.siemens.level().open.len() >= LOOPS_MAX {
            let text = format!("more than {LOOPS_MAX} loops are open");
            return Err(Fault::error(TOO_LONG, span, text, "end loops instead of jumping out of them").fatal());
        }
        let mut open = Open { place: here, count: None, again: None };
        let (goes_on, end) = match name {
            "WHILE" => (self.reader(at).number()? != 0.0, "ENDWHILE"),
            "FOR" => {
                let (key, first, last) = self.range(at, &span)?;
                self.assign(key.clone(), Value::Number(first), span.clone())?;
                open.count = Some((key, last));
                // The line behind is where each further round begins.
                open.place = here;
                (first <= last, "ENDFOR")
            }
            "LOOP" => (true, "ENDLOOP"),
            _ => (true, "UNTIL"),
        };
        if goes_on {
            self.siemens.level().open.push(open);
        } else {
            self.flow.place = self.partner_of(name, &[end], &span)?.1;
        }
        Ok(())
    }

    /// `I = 1 TO 5`.
    fn range(&self, at: usize, span: &Range<usize>) -> Checked<(String, f64, f64)> {
        let mut reader = self.reader(at);
        let name = reader.name();
        let key = reader.index(name)?;
        if reader.peek() != Some(b'=') || !(is_identifier(&key) || is_r_parameter(&key)) {
            return Err(wrong(span.clone(), "FOR needs a variable", "write FOR R1 = 1 TO 5"));
        }
        reader.at += 1;
        let first = reader.number()?;
        if reader.name() != "TO" {
            return Err(wrong(span.clone(), "FOR needs TO", "write FOR R1 = 1 TO 5"));
        }
        Ok((key, first, reader.number()?))
    }

    fn close_loop(&mut self, name: &str, at: usize, span: Range<usize>) -> Checked<()> {
        let Some(open) = self.siemens.level().open.pop() else {
            return Err(wrong(span, format!("{name} stands outside its loop"), "write the beginning of the loop"));
        };
        match (name, &open.count) {
            ("ENDWHILE", _) => self.jump_back(open.place),
            ("ENDFOR", Some((key, last))) => {
                let now = match self.siemens.get(key) {
                    Some(Value::Number(number)) => number + 1.0,
                    _ => last + 1.0,
                };
                self.assign(key.clone(), Value::Number(now), span)?;
                if now > *last { Ok(()) } else { self.loop_again(open) }
            }
            ("UNTIL", _) => {
                if self.reader(at).number()? != 0.0 {
                    Ok(())
                } else {
                    self.loop_again(open)
                }
            }
            _ => self.loop_again(open),
        }
    }

    /// Behind the line of the loop's beginning, the loop staying open.
    fn loop_again(&mut self, open: Open) -> Checked<()> {
        let mut place = open.place;
        next_line(self.flow.text(), &mut place);
        self.siemens.level().open.push(open);
        self.jump_back(place)
    }

    fn names_label(&self, at: usize) -> bool {
        let mut reader = self.reader(at);
        is_identifier(&reader.name())
    }

    /// REPEAT A B P=3: the part between two labels once more; REPEATB A: the one line.
    fn repeat_labels(&mut self, word: &str, at: usize, span: Range<usize>) -> Checked<()> {
        let mut reader = self.reader(at);
        let first = reader.name();
        let before = reader.at;
        let mut last = reader.name();
        if last == "P" || last.is_empty() {
            reader.at = before;
            last = String::new();
        }
        let mut count = 1.0;
        if reader.name() == "P" && reader.peek() == Some(b'=') {
            reader.at += 1;
            count = reader.number()?;
        }
        let (here, behind) = (self.here(), self.flow.place);
        let source = usize::from(self.report.at.source.0);
        let text = self.flow.text();
        let labels = self.siemens.labels.entry(source).or_insert_with(|| Labels::of(text));
        let place_of = |name: &str| labels.places.get(name).and_then(|places| places.first()).copied();
        let Some(start) = place_of(&first) else {
            return Err(wrong(span, format!("there is no label {first}"), "write the label"));
        };
        // The part ends with the line of the last label; without one, before this line.
        let end = if word == "REPEATB" {
            Some(start)
        } else if last.is_empty() {
            Some(here)
        } else {
            place_of(&last)
        };
        let Some(mut end) = end else {
            return Err(wrong(span, format!("there is no label {last}"), "write the label"));
        };
        if end != here {
            next_line(text, &mut end);
        }
        let rounds = count.round().clamp(0.0, f64::from(self.options.limits.repeats_max)) as u32;
        if rounds == 0 {
            return Ok(());
        }
        if self.siemens.level().open.len() >= LOOPS_MAX {
            let text = format!("more than {LOOPS_MAX} loops are open");
            return Err(Fault::error(TOO_LONG, span, text, "end loops instead of jumping out of them").fatal());
        }
        let again = Some((rounds - 1, end, behind));
        self.siemens.level().open.push(Open { place: start, count: None, again });
        self.jump_back(start)
    }

    /// Where a repeated part has come to its end: once more, or on behind REPEAT.
    pub(super) fn end_of_repeated_part(&mut self) -> Checked<()> {
        let next = self.flow.place;
        let Some(Open { place, again: Some((left, end, behind)), .. }) = self.siemens.level().open.last().cloned()
        else {
            return Ok(());
        };
        if next != end {
            return Ok(());
        }
        self.siemens.level().open.pop();
        if left == 0 {
            self.flow.place = behind;
            return Ok(());
        }
        self.siemens.level().open.push(Open { place, count: None, again: Some((left - 1, end, behind)) });
        self.jump_back(place)
    }

    /// A subprogram by name, in the text or beside it. False where there is none.
    pub(super) fn call_program(
        &mut self,
        name: &str,
        arguments: &[Option<Value>],
        words: &Words,
        span: &Range<usize>,
    ) -> Checked<bool> {
        if !is_identifier(name) {
            return Ok(false);
        }
        let Some(target) = self.program_of_name(name) else { return Ok(false) };
        let count = words.number("P")?.unwrap_or(1.0);
        if count.fract() != 0.0 || !(0.0..=f64::from(self.options.limits.repeats_max)).contains(&count) {
            let text = format!("P{count} is no count of calls");
            return Err(Fault::error(OUT_OF_RANGE, span.clone(), text, "write a whole number"));
        }
        if count == 0.0 {
            return Ok(true);
        }
        let entry = Entry { target, locals: None, count: count as u32, label: String::new(), called: name.to_owned() };
        self.enter(entry, span.clone())?;
        let mut level = Level::default();
        for (index, value) in arguments.iter().enumerate() {
            if let Some(value) = value {
                level.variables.insert(argument(index), value.clone());
            }
        }
        self.siemens.levels.push(level);
        Ok(true)
    }

    fn program_of_name(&mut self, name: &str) -> Option<(usize, Place)> {
        let upper = name.to_ascii_uppercase();
        let text = self.flow.text();
        let source = usize::from(self.report.at.source.0);
        let labels = self.siemens.labels.entry(source).or_insert_with(|| Labels::of(text));
        if let Some(place) = labels.programs.get(&upper) {
            return Some((source, *place));
        }
        let lower = name.to_ascii_lowercase();
        let names = [name.to_owned(), upper.clone(), lower.clone(), format!("{upper}.SPF"), format!("{lower}.spf")];
        let source = names.iter().find_map(|name| self.flow.open_text(name))?;
        Some((source, Place::default()))
    }
}

/// Loops open inside each other, at most.
const LOOPS_MAX: usize = 1000;

/// Where an argument waits for PROC to name it: no program can write this name.
fn argument(index: usize) -> String {
    format!("#{index}")
}

/// The first name of a line, behind its number and label.
fn first_name(line: &[u8]) -> String {
    let at = start_of(line).at;
    let length = line[at..].iter().take_while(|byte| super::value::is_name(**byte)).count();
    String::from_utf8_lossy(&line[at..at + length]).to_ascii_uppercase()
}

fn has_jump(line: &[u8]) -> bool {
    let code = line.split(|byte| *byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(code).to_ascii_uppercase().contains("GOTO")
}

/// `REPEAT LABEL …`, which has no UNTIL.
fn names_label(line: &[u8]) -> bool {
    let at = start_of(line).at;
    let code = line[at..].split(|byte| *byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(code).split_whitespace().nth(1).is_some()
}
