//! The status report, with its fields that come and go.

use std::fmt::Write;

use super::{Emulator, Pending, State};
use crate::dialect::grbl::Flavour;

/// Countdown to the next `WCO` and the next `Ov`, in reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refresh {
    offset: u8,
    overrides: u8,
}

impl Refresh {
    pub(super) fn override_changed(&mut self) {
        self.overrides = 0;
    }
}

impl Emulator {
    pub(super) fn status_report(&mut self) -> String {
        let moving = self.axes.is_moving();
        let state = match self.state {
            State::Idle => "Idle",
            State::Run => "Run",
            State::Hold if moving => "Hold:1",
            State::Hold => "Hold:0",
            State::Door if moving => "Door:2",
            State::Door => "Door:0",
            State::Alarm => "Alarm",
        };
        let busy = self.state != State::Idle && self.state != State::Alarm;
        let offset = self.config.work_offset_mm;
        let unit = if self.inches { 1.0 / 25.4 } else { 1.0 };
        let (name, shift) = if self.config.machine_position { ("MPos", [0.0; 3]) } else { ("WPos", offset) };
        let position = self.axes.position();
        let [x, y, z] = [0, 1, 2].map(|axis| (position[axis] - shift[axis]) * unit);
        let mut text = format!("<{state}|{name}:{x:.3},{y:.3},{z:.3}");
        // Writing to a String does not fail.
        if self.config.buffer_in_report {
            let _ = write!(text, "|Bf:{},{}", self.axes.free(), self.intake.free());
        }
        if self.config.line_numbers && self.axes.line() > 0 {
            let _ = write!(text, "|Ln:{}", self.axes.line());
        }
        let spindle = if self.modal.spindle.is_some() { self.modal.spindle_rpm } else { 0.0 };
        let _ = write!(text, "|FS:{:.0},{spindle:.0}", self.axes.speed() * 60.0 * unit);
        if self.refresh.offset > 0 {
            self.refresh.offset -= 1;
        } else {
            self.refresh.offset = if busy { 29 } else { 9 };
            // The override waits for the next report.
            self.refresh.overrides = self.refresh.overrides.max(1);
            let [x, y, z] = offset.map(|value| value * unit);
            let _ = write!(text, "|WCO:{x:.3},{y:.3},{z:.3}");
        }
        if self.refresh.overrides > 0 {
            self.refresh.overrides -= 1;
        } else {
            self.refresh.overrides = if busy { 19 } else { 9 };
            let _ = write!(text, "|Ov:{},100,100", self.feed);
            let spindle = match self.modal.spindle {
                Some(true) => "S",
                Some(false) => "C",
                None => "",
            };
            let coolant = if self.modal.coolant { "F" } else { "" };
            if !spindle.is_empty() || !coolant.is_empty() {
                let _ = write!(text, "|A:{spindle}{coolant}");
            }
        }
        if self.config.flavour == Flavour::GrblHal && self.pending == Some(Pending::Paused) {
            text.push_str("|H:0");
        }
        text.push('>');
        text
    }
}
