//! What a block does, in order: modes, frame or calls, feed, speed, tool, spindle and coolant, length, dwell,
//! motion, modal cycle, stop.

use super::super::block::code_name;
use super::super::canon::{Call, FeedMode, PathMode, Plane, StopKind};
use super::super::codes::Code;
use super::super::execute::After;
use super::super::fault::*;
use super::super::interpreter::Interpreter;
use super::super::state::NO_OFFSET;
use super::Value;
use super::codes::{g_code, inert_address, inert_call, inert_name, kind, unsupported_name};
use super::words::Words;
use crate::ident::ToolNumber;
use crate::machine::LengthUnit;
use crate::units::{RotaryVelocity, Seconds};
use std::ops::Range;

/// F and S beyond this are what a broken file holds.
const RATE_MAX: f64 = 1e9;
/// Addresses a motion or frame may use.
const USED: [&str; 36] = [
    "X", "Y", "Z", "A", "B", "C", "I", "J", "K", "I1", "J1", "K1", "F", "S", "T", "D", "CR", "AP", "RP", "AR", "TURN",
    "RND", "CHF", "CHR", "RPL", "P", "A2", "B2", "C2", "A3", "B3", "C3", "L", "H", "N", "S0",
];

impl Interpreter<'_> {
    /// Carries out the words of a block.
    pub(super) fn siemens_block(&mut self, words: &Words) -> Checked<()> {
        if words.is_empty() {
            return Ok(());
        }
        self.check_addresses(words)?;
        let before = self.state.compensation.is_active().then(|| self.state.basis());
        let done = self.words_in_order(words);
        let is_moved = before.is_some_and(|before| before != self.state.basis());
        if is_moved && self.state.compensation.is_active() {
            let text = "changing plane, frame or tool while cutter compensation is on is not simulated";
            return Err(Fault::error(UNSUPPORTED, 0..0, text, "write G40 and a move off the contour before it"));
        }
        done
    }

    fn words_in_order(&mut self, words: &Words) -> Checked<()> {
        self.modes_of(words)?;
        if self.frame_of(words)? {
            return Ok(());
        }
        if self.calls_of(words)? {
            return Ok(());
        }
        self.feed_and_speed(words)?;
        self.tool_of(words)?;
        self.spindle_of(words);
        if words.g.iter().any(|(code, _)| *code == 4) {
            return self.dwell_of(words);
        }
        let has_moved = self.path_of(words)?;
        if has_moved && !self.is_machine_block(words) {
            self.modal_cycle()?;
        }
        self.stop_of(words)
    }

    /// True for SUPA, G53, G153: coordinates of the machine.
    pub(super) fn is_machine_block(&self, words: &Words) -> bool {
        words.has_name("SUPA") || words.g.iter().any(|(code, _)| matches!(code, 53 | 153))
    }

    fn check_addresses(&mut self, words: &Words) -> Checked<()> {
        for word in words.all() {
            let address = word.address.as_str();
            if let Some(reason) = inert_address(address) {
                self.report.named_without_effect(address, reason);
            } else if address == "H" || (address.starts_with(['S', 'H', 'M']) && address.len() > 1) {
                self.report.named_without_effect(address, "an auxiliary function or spindle that is not simulated");
            } else if matches!(address, "FRC" | "FRCM" | "RNDM") {
                let text = format!("{address} is not simulated");
                return Err(Fault::error(UNSUPPORTED, word.span.clone(), text, "write RND or CHR in each block"));
            } else if !USED.contains(&address) {
                let text = format!("{address} is no address of the dialect siemens that is known here");
                return Err(Fault::error(UNKNOWN_CODE, word.span.clone(), text, "correct it, or take it out"));
            }
        }
        Ok(())
    }

    fn modes_of(&mut self, words: &Words) -> Checked<()> {
        for (index, (code, span)) in words.g.iter().enumerate() {
            let Code::Acts(kind) = g_code(*code) else {
                match g_code(*code) {
                    Code::Inert(reason) => self.report.without_effect(b'G', code.saturating_mul(10), reason),
                    Code::Unsupported(advice) => {
                        return Err(Fault::error(
                            UNSUPPORTED,
                            span.clone(),
                            format!("G{code} is not simulated"),
                            advice,
                        ));
                    }
                    _ => {
                        let text = format!("G{code} is not a code of the dialect siemens");
                        let advice = "correct the code, or name the control's dialect";
                        return Err(Fault::error(UNKNOWN_CODE, span.clone(), text, advice));
                    }
                }
                continue;
            };
            let earlier = words.g[..index].iter().find(|(other, _)| g_code(*other) == Code::Acts(kind));
            if let Some((other, _)) = earlier {
                let text = format!("G{other} and G{code} exclude each other in a block");
                return Err(Fault::error(MODAL_GROUP, span.clone(), text, "keep one of them, or write two blocks"));
            }
            self.mode(kind, *code)?;
        }
        Ok(())
    }

    fn mode(&mut self, what: usize, code: u16) -> Checked<()> {
        match what {
            kind::MOTION => self.state.motion = Some(code * 10),
            kind::PLANE => {
                self.state.plane = match code {
                    17 => Plane::Xy,
                    18 => Plane::Zx,
                    _ => Plane::Yz,
                }
            }
            kind::UNIT => {
                let unit = if matches!(code, 70 | 700) { LengthUnit::Inch } else { LengthUnit::Millimetre };
                self.state.unit = unit;
                if code >= 700 {
                    self.siemens.feed_unit_mm = unit.mm();
                }
                if !self.report.facts.units_said.contains(&unit) {
                    self.report.facts.units_said.push(unit);
                }
            }
            kind::DISTANCE => self.state.is_incremental = code == 91,
            kind::FEED => {
                let mode = match code {
                    93 => FeedMode::InverseTime,
                    94 => FeedMode::PerMinute,
                    _ => FeedMode::PerRevolution,
                };
                if mode != self.state.feed_mode {
                    (self.state.feed_mode, self.state.feed) = (mode, None);
                }
            }
            kind::WORK => self.execution().activate_work(match code {
                500 => NO_OFFSET,
                505.. => (code - 505 + 4) as u8,
                _ => (code - 54) as u8,
            }),
            kind::EXACT if code == 60 => self.state.path = PathMode::ExactStop,
            kind::EXACT => self.state.path = PathMode::default(),
            kind::CUTTER => return self.execution().compensation_of_edge(code * 10),
            _ => {}
        }
        Ok(())
    }

    /// Names and calls. True where the block is done.
    fn calls_of(&mut self, words: &Words) -> Checked<bool> {
        let mut is_modal = false;
        for (name, span) in &words.names {
            if name == "MCALL" {
                is_modal = true;
                self.siemens.modal = None;
                continue;
            }
            if matches!(name.as_str(), "SUPA" | "G53") {
                continue;
            }
            if matches!(name.as_str(), "RET" | "M17") {
                self.return_from(words)?;
                return Ok(true);
            }
            if let Some(reason) = inert_name(name).or_else(|| inert_call(name)) {
                self.report.named_without_effect(name, reason);
                continue;
            }
            if self.call_program(name, &[], words, span)? {
                return Ok(true);
            }
            return Err(unknown_name(name, span));
        }
        for (called, span) in &words.calls {
            if let Some(reason) = inert_call(&called.name) {
                self.report.named_without_effect(&called.name, reason);
            } else if called.name == "CYCLE800" {
                self.swivel(&called.arguments, span)?;
            } else if called.name == "EXTCALL" {
                let name = match called.arguments.first() {
                    Some(Some(Value::Text(name))) => name.clone(),
                    _ => String::new(),
                };
                if !self.call_program(&name, &[], words, span)? {
                    return Err(no_program(&name, span));
                }
                return Ok(true);
            } else if super::cycles::is_cycle(&called.name) {
                if is_modal {
                    self.siemens.modal = Some(called.clone());
                } else {
                    self.drilling_cycle(called, span)?;
                }
            } else if self.call_program(&called.name, &called.arguments, words, span)? {
                return Ok(true);
            } else {
                return Err(unknown_name(&called.name, span));
            }
        }
        if let Some(word) = words.get("L") {
            let name = format!("L{}", word.number()?);
            if !self.call_program(&name, &[], words, &word.span)? {
                return Err(no_program(&name, &word.span));
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn feed_and_speed(&mut self, words: &Words) -> Checked<()> {
        if words.g.iter().any(|(code, _)| *code == 4) {
            return Ok(());
        }
        let rate = |address: &str| -> Checked<Option<f64>> {
            let Some(value) = words.number(address)? else { return Ok(None) };
            if (0.0..=RATE_MAX).contains(&value) {
                return Ok(Some(value));
            }
            let span = words.get(address).map_or(0..0, |word| word.span.clone());
            Err(Fault::error(
                OUT_OF_RANGE,
                span,
                format!("{address}{value} is out of range"),
                "write a number from 0 to 1e9",
            ))
        };
        if let Some(value) = rate("F")? {
            self.report.facts.feed_said = true;
            let is_inverse = self.state.feed_mode == FeedMode::InverseTime;
            self.state.feed = Some(if is_inverse { value } else { value * self.siemens.feed_unit_mm });
        }
        if let Some(value) = rate("S")? {
            let speed = RotaryVelocity::rev_s(value / 60.0);
            self.report.facts.speed_said = true;
            self.state.spindle.speed = Some(speed);
            self.execution().emit(Call::SetSpindleSpeed { speed });
        }
        Ok(())
    }

    /// T, M6 and D. After M6 the first edge of the tool is in force, as controls are set by default.
    fn tool_of(&mut self, words: &Words) -> Checked<()> {
        if let Some(word) = words.get("T") {
            let tool = match &word.value {
                Value::Text(name) => self.tool_of_name(name.trim()),
                Value::Number(number) if number.fract() == 0.0 && (0.0..=99_999_999.0).contains(number) => {
                    ToolNumber(*number as u32)
                }
                Value::Number(number) => {
                    let text = format!("T{number} is no number of a tool");
                    return Err(Fault::error(OUT_OF_RANGE, word.span.clone(), text, "write a whole number or a name"));
                }
            };
            self.report.facts.tool_said = true;
            self.state.selected = Some(tool);
            self.execution().emit(Call::SelectTool { tool });
        }
        let change = words.m.iter().find(|(code, _)| *code == 6);
        if let Some((_, span)) = change {
            let Some(tool) = self.state.selected else {
                return Err(Fault::error(NO_TOOL, span.clone(), "M6 comes before any T word", "write T before M6"));
            };
            self.state.tool = Some(tool);
            self.report.facts.tools_changed.insert(tool);
            self.length_of_edge(1, span.clone())?;
            self.execution().emit(Call::ChangeTool { tool });
        }
        if let Some(word) = words.get("D") {
            let edge = word.number()?;
            if edge.fract() != 0.0 || !(0.0..=99_999.0).contains(&edge) {
                let text = format!("D{edge} is no cutting edge");
                return Err(Fault::error(OUT_OF_RANGE, word.span.clone(), text, "write D0, D1 and so on"));
            }
            self.length_of_edge(edge as u32, word.span.clone())?;
        }
        Ok(())
    }

    /// D: zero takes the length back. Further edges of a tool have the length of the tool.
    fn length_of_edge(&mut self, edge: u32, span: Range<usize>) -> Checked<()> {
        let offset = match (edge, self.state.tool) {
            (0, _) | (_, None) => [0.0; 6],
            (_, Some(tool)) => self.execution().offset_of(tool, span)?,
        };
        if edge > 1 {
            self.report.named_without_effect(&format!("D{edge}"), "a further edge has the length of the tool here");
        }
        self.state.apply_offset(offset);
        Ok(())
    }

    fn spindle_of(&mut self, words: &Words) {
        for (code, _) in &words.m {
            match code {
                3..=5 => {
                    let direction = [1, -1, 0][usize::from(*code) - 3];
                    self.state.spindle.direction = direction;
                    self.execution().emit(Call::SetSpindleDirection { direction });
                }
                7..=9 => {
                    match code {
                        7 => self.state.has_mist = true,
                        8 => self.state.has_flood = true,
                        _ => (self.state.has_mist, self.state.has_flood) = (false, false),
                    }
                    let on = self.state.has_mist || self.state.has_flood;
                    self.execution().emit(Call::Coolant { on });
                }
                0 | 1 | 2 | 6 | 17 | 30 => {}
                _ => {
                    let reason = "an M code of the machine builder: its logic is not simulated";
                    self.report.named_without_effect(&code_name(b'M', code.saturating_mul(10)), reason);
                }
            }
        }
    }

    /// G4: F in seconds, S in turns of the spindle.
    fn dwell_of(&mut self, words: &Words) -> Checked<()> {
        let span = words.g.first().map_or(0..0, |(_, span)| span.clone());
        let turns = words.number("S")?;
        let time_s = match (words.number("F")?, turns, self.state.spindle.speed) {
            (Some(time_s), ..) => time_s,
            (None, Some(turns), Some(speed)) if speed.as_rev_s() > 0.0 => turns / speed.as_rev_s(),
            _ => {
                let advice = "write F with the time in seconds: F0.5 is half a second";
                return Err(Fault::error(MISSING_WORD, span, "G4 has no time", advice));
            }
        };
        if !(0.0..=86_400.0).contains(&time_s) {
            let text = format!("a dwell of {time_s} s is out of range");
            return Err(Fault::error(OUT_OF_RANGE, span, text, "a dwell lies between nothing and a day"));
        }
        self.execution().emit(Call::Dwell { time: Seconds::s(time_s) });
        Ok(())
    }

    fn stop_of(&mut self, words: &Words) -> Checked<()> {
        for (code, _) in &words.m {
            match code {
                0 => self.execution().emit(Call::Stop { kind: StopKind::Unconditional }),
                1 if self.options.optional_stop => self.execution().emit(Call::Stop { kind: StopKind::Optional }),
                1 => self.report.without_effect(b'M', 10, "the optional stop is switched off"),
                17 => return self.return_from(words),
                2 | 30 if self.report.at.depth > 0 => return self.return_from(words),
                2 | 30 => self.finish(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Back from a subprogram; in the main program this is its end.
    pub(super) fn return_from(&mut self, _words: &Words) -> Checked<()> {
        if self.return_from_program(None)? == After::End {
            self.finish();
        }
        Ok(())
    }
}

fn unknown_name(name: &str, span: &Range<usize>) -> Box<Fault> {
    if let Some(advice) = unsupported_name(name) {
        return Fault::error(UNSUPPORTED, span.clone(), format!("{name} is not simulated"), advice);
    }
    let text = format!("`{name}` is neither a word of the dialect siemens nor a subprogram that is at hand");
    Fault::error(UNKNOWN_CODE, span.clone(), text, "correct it, or put the subprogram beside the program")
}

fn no_program(name: &str, span: &Range<usize>) -> Box<Fault> {
    let text = format!("there is no subprogram {name}");
    Fault::error(NO_SUBPROGRAM, span.clone(), text, "put it beside the program").fatal()
}
