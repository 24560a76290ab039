//! F and S: what they mean under G93 to G97, and the feed of a move of a given length.

use super::canon::{Call, FeedMode, SurfaceSpeed};
use super::codes::group;
use super::execute::{Execution, unit_of, unit_words};
use super::fault::*;
use super::options::Dialect;
use crate::det::math;
use crate::units::{Feedrate, RotaryVelocity};

/// F beyond this many mm/min, S beyond this many rev/min: no machine, but what a broken file holds.
const RATE_MAX: f64 = 1e9;
/// Least feed that G93 gives, in units of the program a minute, as LinuxCNC has it: a move nowhere needs one.
pub(super) const INVERSE_FEED_MIN: f64 = 0.1;

impl Execution<'_, '_> {
    pub(super) fn feed_mode(&mut self) {
        let mode = match self.block.g(group::FEED_MODE) {
            Some(930) => FeedMode::InverseTime,
            Some(950) => FeedMode::PerRevolution,
            Some(_) => FeedMode::PerMinute,
            None => return,
        };
        // LinuxCNC forgets the feed at each G94 and G95, also where the mode was in force before.
        let forgets = self.dialect == Dialect::Rs274ngc && mode != FeedMode::InverseTime;
        if mode != self.state.feed_mode || forgets {
            self.state.feed_mode = mode;
            self.state.feed = None;
        }
    }

    pub(super) fn feed(&mut self, motion: Option<u16>) -> Checked<()> {
        let is_inverse = self.state.feed_mode == FeedMode::InverseTime;
        let Some(value) = self.block.word(b'F') else {
            // Under G93 an F word holds for its own block alone.
            if is_inverse && motion.is_some() {
                self.state.feed = None;
            }
            return Ok(());
        };
        if !(0.0..=RATE_MAX).contains(&value) {
            return Err(self.out_of_range(b'F', value, "a feed is not negative and below 1e9"));
        }
        self.report.facts.feed_said = true;
        let unit_mm = self.unit_of_feed();
        self.state.feed = Some(if is_inverse { value } else { value * unit_mm });
        Ok(())
    }

    /// RS274/NGC carries F out before the units of the same block; other controls read the block whole.
    fn unit_of_feed(&mut self) -> f64 {
        let own = self.block.g(group::UNITS).map(unit_of);
        let (old, new) = (self.state.unit, own.unwrap_or(self.state.unit));
        if old == new || self.dialect != Dialect::Rs274ngc || self.state.feed_mode == FeedMode::InverseTime {
            return new.mm();
        }
        let span = self.block.span(b'F');
        let (was, _) = unit_words(old);
        let note = || {
            let text = format!("F stands in the block that changes the unit; RS274/NGC reads it in {was}");
            Fault::error(ASSUMED, span, text, "write the unit in a block before F").with(super::Severity::Warning)
        };
        self.report.once(3, note, ASSUMED);
        old.mm()
    }

    pub(super) fn speed(&mut self) -> Checked<()> {
        let Some(value) = self.block.word(b'S') else { return Ok(()) };
        if !(0.0..=RATE_MAX).contains(&value) {
            return Err(self.out_of_range(b'S', value, "a speed is not negative and below 1e9; M4 turns backwards"));
        }
        self.report.facts.speed_said = true;
        if let Some(surface) = self.state.surface_speed {
            let speed_mm_s = self.surface_speed(value);
            self.state.surface_speed = Some(SurfaceSpeed { speed_mm_s, ..surface });
            return Ok(());
        }
        let speed = RotaryVelocity::rev_s(value / 60.0);
        self.state.spindle.speed = Some(speed);
        self.emit(Call::SetSpindleSpeed { speed });
        Ok(())
    }

    /// Feed of a move of a length, or of a turn of rotary axes in degrees where nothing linear moves.
    pub(super) fn feed_of(&mut self, length_mm: f64, turn_deg: f64, span: std::ops::Range<usize>) -> Checked<Feedrate> {
        let is_rotary = length_mm == 0.0 && turn_deg > 0.0;
        let Some(feed) = self.state.feed.filter(|feed| *feed > 0.0) else {
            return Err(Fault::error(
                NO_FEED,
                span,
                "this move needs a feed and no F word is in force",
                "write F in this block or before it",
            ));
        };
        let feed_mm_s = match self.state.feed_mode {
            FeedMode::PerMinute if is_rotary => feed / self.state.unit.mm() / 60.0,
            FeedMode::PerMinute => feed / 60.0,
            FeedMode::InverseTime => {
                let path = math::hypot(length_mm, if is_rotary { turn_deg } else { 0.0 });
                (path * feed).max(INVERSE_FEED_MIN * self.state.unit.mm()) / 60.0
            }
            FeedMode::PerRevolution => {
                let speed = self.state.spindle_speed().map_or(0.0, RotaryVelocity::as_rev_s);
                if speed <= 0.0 {
                    let advice = "write S before the first feed move under G95";
                    return Err(Fault::error(
                        NO_SPEED,
                        span,
                        "G95 feeds by the revolution and no S is in force",
                        advice,
                    ));
                }
                feed * speed
            }
        };
        Ok(Feedrate::mm_s(feed_mm_s))
    }
}
