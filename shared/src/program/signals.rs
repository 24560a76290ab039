//! What a program says to the machine beside the axes: outputs, inputs, the angle of the spindle, speeds.
//!
//! Outputs (M62 to M65, M67, M68) and M19 change no motion: they are checked and listed as without effect. M66
//! reads an input, and its value (#5399) is known only when the machine runs.

use super::block::letters;
use super::canon::SurfaceSpeed;
use super::codes::{OUTPUTS, group, m_group};
use super::execute::Execution;
use super::fault::*;
use super::state::Awaits;
use crate::units::RotaryVelocity;

/// Greatest number of an input or output.
const CHANNEL_MAX: u32 = 9999;
/// Cutting speed unit of G96 under G20, in mm: a foot.
const MM_PER_FOOT: f64 = 304.8;
const MM_PER_METRE: f64 = 1000.0;

impl Execution<'_, '_> {
    /// M62 to M68.
    pub(super) fn signals(&mut self) -> Checked<()> {
        let Some(code) = self.block.m(m_group::SIGNAL) else { return Ok(()) };
        let span = self.block.m_span(m_group::SIGNAL);
        let missing = |letter: char| {
            let text = format!("M{code} has no {letter} word");
            Err(Fault::error(MISSING_WORD, span.clone(), text, "write the number of the input or output"))
        };
        let channel = |letter: u8| self.block.whole(letter, 0, CHANNEL_MAX);
        match code {
            62..=65 if channel(b'P')?.is_none() => return missing('P'),
            67 | 68 if channel(b'E')?.is_none() => return missing('E'),
            66 => {
                let (digital, analog) = (channel(b'P')?, channel(b'E')?);
                let wait = self.block.whole(b'L', 0, 4)?.unwrap_or(0);
                let wrong = |text: &str, advice: &str| Err(Fault::error(CYCLE, span.clone(), text, advice));
                if digital.is_some() == analog.is_some() {
                    return wrong("M66 needs P or E, and not both", "write P for a digital input, E for an analog one");
                }
                if wait > 0 && analog.is_some() {
                    return wrong("an analog input cannot be waited for", "write L0 or no L");
                }
                if wait > 0 && self.block.word(b'Q').unwrap_or(0.0) <= 0.0 {
                    return wrong("waiting for an input needs a time", "write Q, the longest time in seconds");
                }
                self.state.awaits = Some(Awaits::Input);
                return Ok(());
            }
            _ => {}
        }
        self.report.without_effect(b'M', code * 10, OUTPUTS);
        Ok(())
    }

    /// M19 R P Q: the spindle stands afterwards.
    pub(super) fn orient(&mut self) -> Checked<()> {
        let wrong = |letter: u8, text: &str, advice: &str| {
            Err(Fault::error(OUT_OF_RANGE, self.block.span(letter), text, advice))
        };
        if self.block.word(b'R').is_some_and(|angle| !(0.0..=360.0).contains(&angle)) {
            return wrong(b'R', "the angle of M19 lies outside 0 to 360", "write an angle in that range");
        }
        if self.block.word(b'Q').is_some_and(|time| time <= 0.0) {
            return wrong(b'Q', "the time of M19 is not above zero", "write Q in seconds, or none");
        }
        self.block.whole(b'P', 0, 2)?;
        self.report.without_effect(b'M', 190, "the angle of the spindle is not simulated");
        self.turn_spindle(0);
        Ok(())
    }

    /// G96 and G97. Under G96 the S word is a cutting speed, and the spindle follows X.
    pub(super) fn speed_mode(&mut self) -> Checked<()> {
        let Some(code) = self.block.g(group::SPEED_MODE) else { return Ok(()) };
        if code == 970 {
            self.state.surface_speed = None;
            return Ok(());
        }
        if !self.block.has(b'S') {
            let span = self.block.g_span(group::SPEED_MODE);
            return Err(Fault::error(MISSING_WORD, span, "G96 has no S word", "write S, the cutting speed"));
        }
        let greatest = self.block.word(b'D').map(|speed| RotaryVelocity::rev_s(speed.abs() / 60.0));
        self.state.surface_speed = Some(SurfaceSpeed { speed_mm_s: 0.0, greatest });
        Ok(())
    }

    /// S as a cutting speed: metres or feet a minute.
    pub(super) fn surface_speed(&self, value: f64) -> f64 {
        let unit_mm = if self.state.unit.mm() > 1.0 { MM_PER_FOOT } else { MM_PER_METRE };
        value * unit_mm / 60.0
    }

    /// Words of these codes.
    pub(super) fn words_of_signals(&self) -> u32 {
        let mut used = match self.block.m(m_group::SIGNAL) {
            Some(62..=65) => letters(b"P"),
            Some(66) => letters(b"PELQ"),
            Some(_) => letters(b"EQ"),
            None => 0,
        };
        used |= if self.block.m(m_group::SPINDLE) == Some(19) { letters(b"RPQ") } else { 0 };
        used | if self.block.g(group::SPEED_MODE) == Some(960) { letters(b"D") } else { 0 }
    }
}
