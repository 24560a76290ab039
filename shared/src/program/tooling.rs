//! The tool in the spindle: its change and its length; its table entries set by the program.

use super::canon::Call;
use super::codes::{group, m_group};
use super::execute::{AXIS_LETTERS, Execution};
use super::fault::*;
use crate::ident::ToolNumber;
use crate::machine::ToolLengthRule;

impl Execution<'_, '_> {
    /// T and M6.
    pub(super) fn tool(&mut self) -> Checked<()> {
        if let Some(number) = self.block.whole(b'T', 0, 99_999_999)? {
            let tool = ToolNumber(number);
            let is_known = number == 0 || self.state.lengths_mm.contains_key(&tool);
            if self.dialect.is_strict() && !self.options.tool_lengths_mm.is_empty() && !is_known {
                let text = format!("the tool table has no {tool}");
                let advice = "add the tool to the table, or correct the number";
                return Err(Fault::error(TOOL_LENGTH, self.block.span(b'T'), text, advice));
            }
            self.report.facts.tool_said = true;
            self.state.selected = Some(tool);
            self.emit(Call::SelectTool { tool });
        }
        let Some(code) = self.block.m(m_group::TOOL) else { return Ok(()) };
        if code == 61 {
            return self.name_tool();
        }
        if self.state.selected.is_none() {
            let span = self.block.m_span(m_group::TOOL);
            let note = || {
                Fault::error(
                    NO_TOOL,
                    span,
                    "M6 comes before any T word; the spindle is taken as empty (T0)",
                    "write T before M6",
                )
                .with(super::Severity::Warning)
            };
            self.report.once(0, note, NO_TOOL);
        }
        let tool = self.state.selected.unwrap_or(ToolNumber(0));
        self.state.tool = Some(tool);
        self.report.facts.tools_changed.insert(tool);
        if self.options.tool_length_rule == ToolLengthRule::AtToolChange {
            let span = self.block.m_span(m_group::TOOL);
            self.state.length_at_change_mm = self.length_of(tool, span)?;
            let length = self.state.base_length(self.options.tool_length_rule);
            self.state.apply_length(length);
        }
        self.emit(Call::ChangeTool { tool });
        Ok(())
    }

    /// Length of a tool, from the table.
    pub(super) fn length_of(&mut self, tool: ToolNumber, span: std::ops::Range<usize>) -> Checked<f64> {
        if let Some(length_mm) = self.state.lengths_mm.get(&tool) {
            return Ok(*length_mm);
        }
        if tool == ToolNumber(0) {
            return Ok(0.0);
        }
        if !self.options.tool_lengths_mm.is_empty() {
            return Err(Fault::error(
                TOOL_LENGTH,
                span,
                format!("the tool table has no length for {tool}"),
                "add the tool to the table, or correct the number",
            ));
        }
        let note = || {
            Fault::error(
                TOOL_LENGTH,
                span,
                format!("the length of {tool} is not known; it is taken as zero"),
                "give a tool table",
            )
            .with(super::Severity::Note)
        };
        self.report.once(tool.0, note, TOOL_LENGTH);
        Ok(0.0)
    }

    /// M61 Q: the tool in the spindle is called so; nothing is changed.
    fn name_tool(&mut self) -> Checked<()> {
        let Some(number) = self.block.whole(b'Q', 0, 99_999_999)? else {
            let span = self.block.m_span(m_group::TOOL);
            return Err(Fault::error(MISSING_WORD, span, "M61 has no Q word", "write Q with the number of the tool"));
        };
        self.state.tool = Some(ToolNumber(number));
        self.report.facts.tools_changed.insert(ToolNumber(number));
        Ok(())
    }

    /// G10 L1, L10, L11: radius and orientation of a tool, and its length by its value or by what the place shall
    /// be called.
    pub(super) fn set_length(&mut self, kind: u32) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        let Some(number) = self.block.whole(b'P', 1, 99_999_999)? else {
            return Err(Fault::error(MISSING_WORD, span, "G10 needs P, the number of the tool", "write P"));
        };
        let tool = ToolNumber(number);
        if let Some(radius_mm) = self.length(b'R')? {
            self.state.diameters_mm.insert(tool, 2.0 * radius_mm);
        }
        if let Some(orientation) = self.block.whole(b'Q', 0, 9)? {
            self.state.orientations.insert(tool, orientation as u8);
        }
        let Some(value) = self.length(b'Z')? else { return Ok(()) };
        let machine = self.state.frame.machine(&self.state.position)[2];
        let length_mm = match kind {
            1 => value,
            10 => machine - self.state.frame.origin[2] - self.state.frame.shift[2] - value,
            _ => machine - value,
        };
        self.state.lengths_mm.insert(tool, length_mm);
        Ok(())
    }

    /// G43 and G49.
    pub(super) fn tool_length(&mut self) -> Checked<()> {
        let Some(code) = self.block.g(group::LENGTH) else { return Ok(()) };
        let span = self.block.g_span(group::LENGTH);
        let length = match code {
            490 => self.state.base_length(self.options.tool_length_rule),
            431 => {
                let mut length = self.state.frame.tool_mm;
                for axis in 0..3 {
                    length[axis] = self.length(AXIS_LETTERS[axis])?.unwrap_or(length[axis]);
                }
                length
            }
            _ => {
                let number = self.block.whole(b'H', 0, 99_999)?;
                let tool = number.map(ToolNumber).or(self.state.tool).unwrap_or(ToolNumber(0));
                let span = if number.is_some() { self.block.span(b'H') } else { span };
                let length_mm = self.length_of(tool, span)?;
                let [x, y, z] = if code == 432 { self.state.frame.tool_mm } else { [0.0; 3] };
                [x, y, z + length_mm]
            }
        };
        self.state.apply_length(length);
        Ok(())
    }
}
