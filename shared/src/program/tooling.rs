//! The tool in the spindle: its change and its length; its table entries set by the program.

use super::block::letters;
use super::canon::Call;
use super::codes::{group, m_group};
use super::execute::{AXES, Execution};
use super::fault::*;
use super::frame::Axes;
use super::options::Dialect;
use crate::ident::ToolNumber;
use crate::machine::ToolLengthRule;

impl Execution<'_, '_> {
    /// T and M6.
    pub(super) fn tool(&mut self) -> Checked<()> {
        if let Some(number) = self.block.whole(b'T', 0, 99_999_999)? {
            let tool = ToolNumber(number);
            let is_known = number == 0 || self.state.tool_offsets.contains_key(&tool);
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
        // LinuxCNC stops the spindle for the change, and M3 has to start it again. What other controls do is in
        // the macro of the machine's builder.
        if self.dialect == Dialect::Rs274ngc && self.state.spindle.direction != 0 {
            self.state.spindle.direction = 0;
            self.emit(Call::SetSpindleDirection { direction: 0 });
        }
        self.find_place();
        self.state.tool = Some(tool);
        self.report.facts.tools_changed.insert(tool);
        if self.options.tool_length_rule == ToolLengthRule::AtToolChange {
            let span = self.block.m_span(m_group::TOOL);
            self.state.offset_at_change = self.offset_of(tool, span)?;
            let offset = self.state.base_offset(self.options.tool_length_rule);
            self.state.apply_offset(offset);
        }
        self.emit(Call::ChangeTool { tool });
        Ok(())
    }

    /// Offset of a tool, from the table.
    pub(super) fn offset_of(&mut self, tool: ToolNumber, span: std::ops::Range<usize>) -> Checked<Axes> {
        if let Some(offset) = self.state.tool_offsets.get(&tool) {
            return Ok(*offset);
        }
        if tool == ToolNumber(0) {
            return Ok([0.0; 6]);
        }
        if !self.options.tool_lengths_mm.is_empty() {
            return Err(Fault::error(
                TOOL_LENGTH,
                span,
                format!("the tool table has no length for {}", self.label_of(tool)),
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
        Ok([0.0; 6])
    }

    /// `T3`, or `T3 (DRILL_D3)` where the program calls it by name.
    fn label_of(&self, tool: ToolNumber) -> String {
        self.report.facts.tool_names.get(&tool).map_or_else(|| tool.to_string(), |name| format!("{tool} ({name})"))
    }

    /// M61 Q: the tool in the spindle is called so; nothing is changed.
    fn name_tool(&mut self) -> Checked<()> {
        let Some(number) = self.block.whole(b'Q', 0, 99_999_999)? else {
            let span = self.block.m_span(m_group::TOOL);
            return Err(Fault::error(MISSING_WORD, span, "M61 has no Q word", "write Q with the number of the tool"));
        };
        self.offset_of(ToolNumber(number), self.block.span(b'Q'))?;
        self.state.tool = Some(ToolNumber(number));
        self.report.facts.tools_changed.insert(ToolNumber(number));
        Ok(())
    }

    /// G10 L1, L10, L11: radius and orientation of a tool, and its offset by its values or by what the place shall
    /// be called: in the active work offset, or for L11 in G59.3 without G92.
    pub(super) fn set_tool(&mut self, kind: u32) -> Checked<()> {
        let span = self.block.g_span(group::NON_MODAL);
        let Some(number) = self.block.whole(b'P', 1, 99_999_999)? else {
            return Err(Fault::error(MISSING_WORD, span, "G10 needs P, the number of the tool", "write P"));
        };
        if !self.block.has_any(AXES | letters(b"IJQR")) && self.dialect.is_strict() {
            return Err(Fault::error(MISSING_WORD, span, "G10 changes nothing of the tool", "write an axis word"));
        }
        let tool = ToolNumber(number);
        let old = self.offset_of(tool, self.block.span(b'P'))?;
        if let Some(radius_mm) = self.length(b'R')? {
            self.state.diameters_mm.insert(tool, 2.0 * radius_mm);
        }
        if let Some(orientation) = self.block.whole(b'Q', 0, 9)? {
            self.state.orientations.insert(tool, orientation as u8);
        }
        let mut frame = self.state.frame;
        if kind == 11 {
            let fixture = self.state.work_offsets.len() - 1;
            (frame.origin, frame.shift) = (self.state.work_offsets[fixture], [0.0; 6]);
            frame.rotate(self.state.rotations_deg[fixture]);
        }
        let machine = self.state.frame.machine(&self.state.position);
        frame.tool = [0.0; 6];
        let here = frame.program(&machine);
        // Offsets lie along the axes of the machine, the words along those of the work.
        let mut offset = if kind == 1 { old } else { frame.turned(&old, false) };
        for (axis, amount) in offset.iter_mut().enumerate() {
            if let Some(value) = self.axis_word(axis)? {
                *amount = if kind == 1 { value } else { here[axis] - value };
            }
        }
        let offset = if kind == 1 { offset } else { frame.turned(&offset, true) };
        self.state.tool_offsets.insert(tool, offset);
        Ok(())
    }

    /// G43, G43.1, G43.2 and G49.
    pub(super) fn tool_length(&mut self) -> Checked<()> {
        let Some(code) = self.block.g(group::LENGTH) else { return Ok(()) };
        let span = self.block.g_span(group::LENGTH);
        let mut offset = self.state.frame.tool;
        match code {
            490 => offset = self.state.base_offset(self.options.tool_length_rule),
            431 => {
                for (axis, amount) in offset.iter_mut().enumerate() {
                    *amount = self.axis_word(axis)?.unwrap_or(*amount);
                }
            }
            432 => {
                let Some(number) = self.block.whole(b'H', 0, 99_999)? else {
                    let text = "G43.2 has no H word";
                    return Err(Fault::error(MISSING_WORD, span, text, "write H, the tool whose offset is added"));
                };
                if self.block.has_any(AXES) && self.block.g(group::MOTION).is_none() && self.dialect.is_strict() {
                    return Err(Fault::error(CYCLE, span, "G43.2 has H and axis words", "write H alone"));
                }
                let more = self.offset_of(ToolNumber(number), self.block.span(b'H'))?;
                offset.iter_mut().zip(more).for_each(|(amount, more)| *amount += more);
            }
            _ => {
                let number = self.block.whole(b'H', 0, 99_999)?;
                let tool = number.map(ToolNumber).or(self.state.tool).unwrap_or(ToolNumber(0));
                let span = if number.is_some() { self.block.span(b'H') } else { span };
                offset = self.offset_of(tool, span)?;
            }
        }
        self.state.apply_offset(offset);
        Ok(())
    }
}
