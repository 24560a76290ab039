//! Drilling cycles: CYCLE81 to CYCLE85, where the tool stands, once or after each positioning (MCALL).
//!
//! ```text
//!   RTP  ----.------------.
//!            | G0         ^
//!   RFP+SDIS v----        |
//!            G1           |
//!   DP, or RFP-DPR -------'
//! ```
//!
//! Strokes of CYCLE83 as the control is described to make them: the first to FDEP, each next one shorter by DAM, none shorter
//! than DAM, the last two equal.

use super::super::canon::{Call, ForcedReason};
use super::super::fault::*;
use super::super::interpreter::Interpreter;
use super::{Called, Value};
use crate::units::Seconds;
use std::ops::Range;

/// Chip breaking: the way back, mm (VRT where it is not given).
const BREAK_MM: f64 = 1.0;

/// The cycles that are simulated.
pub(super) fn is_cycle(name: &str) -> bool {
    matches!(name, "CYCLE81" | "CYCLE82" | "CYCLE83" | "CYCLE84" | "CYCLE85")
}

/// Heights of a cycle along the normal, mm.
#[derive(Clone, Copy, Debug)]
struct Heights {
    /// Retraction plane.
    clear: f64,
    /// Reference plane.
    surface: f64,
    /// Where the feed begins.
    start: f64,
    bottom: f64,
}

impl Interpreter<'_> {
    /// The cycle of MCALL, where a block has moved.
    pub(super) fn modal_cycle(&mut self) -> Checked<()> {
        let Some(called) = self.siemens.modal.clone() else { return Ok(()) };
        self.drilling_cycle(&called, &(0..0))
    }

    /// One hole where the tool stands.
    pub(super) fn drilling_cycle(&mut self, called: &Called, span: &Range<usize>) -> Checked<()> {
        let mut values = [None; 24];
        for (slot, argument) in values.iter_mut().zip(&called.arguments) {
            if let Some(Value::Number(number)) = argument {
                *slot = Some(*number);
            }
        }
        let heights = self.heights(&called.name, &values, span)?;
        self.state.forced = match called.name.as_str() {
            "CYCLE83" | "CYCLE85" => Some(ForcedReason::HoleCycle),
            "CYCLE84" => Some(ForcedReason::Synchronised),
            _ => None,
        };
        let before = self.state.motion;
        let done = self.drill_at(&called.name, &values, heights, span);
        (self.state.forced, self.state.motion) = (None, before);
        done
    }

    fn heights(&self, name: &str, values: &[Option<f64>; 24], span: &Range<usize>) -> Checked<Heights> {
        let unit_mm = self.state.unit.mm();
        let length = |index: usize| values[index].map(|value| value * unit_mm);
        let missing = |what: &str| {
            let text = format!("{name} has no {what}");
            Fault::error(MISSING_WORD, span.clone(), text, "write RTP, RFP, SDIS and DP or DPR")
        };
        let clear = length(0).ok_or_else(|| missing("RTP"))?;
        let surface = length(1).ok_or_else(|| missing("RFP"))?;
        let safety = length(2).unwrap_or(0.0).abs();
        // DP is a height, DPR a depth without sign; where both are given, DPR counts.
        let depth = length(4).filter(|depth| *depth != 0.0).map(|depth| surface - depth.abs());
        let bottom = depth.or(length(3)).ok_or_else(|| missing("DP"))?;
        let start = surface + safety;
        if bottom > start || clear < start {
            let text = format!("{name} does not lead from RTP {clear} over {start} down to {bottom} mm");
            return Err(Fault::error(CYCLE, span.clone(), text, "correct RTP, RFP and DP"));
        }
        Ok(Heights { clear, surface, start, bottom })
    }

    fn drill_at(
        &mut self,
        name: &str,
        values: &[Option<f64>; 24],
        heights: Heights,
        span: &Range<usize>,
    ) -> Checked<()> {
        let value = |index: usize| values[index].unwrap_or(0.0);
        let Heights { clear, start, bottom, .. } = heights;
        let dwell_s = value(5);
        self.height(0, start, span)?;
        match name {
            "CYCLE83" => return self.pecks(values, heights, span),
            "CYCLE84" => {
                let pitch = values[8].or(values[7]).unwrap_or(0.0).abs() * self.state.unit.mm();
                let speed = values[10].filter(|speed| *speed > 0.0);
                if pitch <= 0.0 {
                    let text = "CYCLE84 has neither PIT nor MPIT";
                    return Err(Fault::error(MISSING_WORD, span.clone(), text, "write the pitch as PIT"));
                }
                if values[8].is_none_or(|pitch| pitch == 0.0) {
                    let text = "MPIT names a thread by its size; its pitch is not at hand";
                    return Err(Fault::error(UNSUPPORTED, span.clone(), text, "write the pitch as PIT"));
                }
                let turns = speed.or(self.state.spindle.speed.map(|speed| speed.as_rpm())).unwrap_or(0.0);
                let direction = if values[8].is_some_and(|pitch| pitch < 0.0) { -1 } else { 1 };
                let feed = self.state.feed.replace(pitch * turns);
                self.execution().turn_spindle(direction);
                let there = self.height(10, bottom, span);
                self.wait(dwell_s);
                self.execution().turn_spindle(-direction);
                let back = there.and_then(|()| self.height(10, start, span));
                self.execution().turn_spindle(0);
                self.state.feed = feed;
                back?;
            }
            "CYCLE85" => {
                let feed = self.state.feed;
                let unit_mm = self.siemens.feed_unit_mm;
                let of = |index: usize| values[index].filter(|rate| *rate > 0.0).map(|rate| rate * unit_mm);
                self.state.feed = of(6).or(feed);
                let there = self.height(10, bottom, span);
                self.wait(dwell_s);
                self.state.feed = of(7).or(feed);
                let back = there.and_then(|()| self.height(10, start, span));
                self.state.feed = feed;
                back?;
            }
            _ => {
                self.height(10, bottom, span)?;
                if name == "CYCLE82" {
                    self.wait(dwell_s);
                }
            }
        }
        self.height(0, clear, span)
    }

    /// CYCLE83(RTP, RFP, SDIS, DP, DPR, FDEP, FDPR, DAM, DTB, DTS, FRF, VARI).
    fn pecks(&mut self, values: &[Option<f64>; 24], heights: Heights, span: &Range<usize>) -> Checked<()> {
        let unit_mm = self.state.unit.mm();
        let value = |index: usize| values[index].unwrap_or(0.0);
        let (dwell_s, dwell_above_s, leaves_hole) = (value(8), value(9), value(11) != 0.0);
        let factor = values[10].filter(|factor| (0.001..=1.0).contains(factor)).unwrap_or(1.0);
        let strokes = strokes(values, heights, unit_mm, self.options.limits.pecks_max)
            .map_err(|text| Fault::error(CYCLE, span.clone(), text, "correct FDEP, FDPR and DAM"))?;
        let depth = heights.surface - heights.bottom;
        // How far the rapid stays above the last stroke: 0.6 mm up to 30 mm, then a fiftieth, at most 7 mm.
        let ahead = if depth <= 30.0 { 0.6 } else { (depth / 50.0).min(7.0) };
        let break_mm = values[14].filter(|way| *way > 0.0).map_or(BREAK_MM, |way| way * unit_mm);
        let feed = self.state.feed;
        for (index, height) in strokes.iter().enumerate() {
            self.state.feed = if index == 0 { feed.map(|feed| feed * factor) } else { feed };
            let done = self.height(10, *height, span);
            self.state.feed = feed;
            done?;
            self.wait(dwell_s);
            if index + 1 == strokes.len() {
                break;
            }
            if leaves_hole {
                self.height(0, heights.start, span)?;
                self.wait(dwell_above_s);
                self.height(0, (*height + ahead).min(heights.start), span)?;
            } else {
                self.height(10, (*height + break_mm).min(heights.start), span)?;
            }
        }
        self.height(0, heights.clear, span)
    }

    fn wait(&mut self, time_s: f64) {
        if time_s > 0.0 && time_s <= 86_400.0 {
            self.execution().emit(Call::Dwell { time: Seconds::s(time_s) });
        }
    }

    /// To a height along the normal; nothing where the tool stands there.
    fn height(&mut self, code: u16, height: f64, span: &Range<usize>) -> Checked<()> {
        let mut place = self.state.programmed();
        let normal = self.state.plane.axes()[2];
        if place[normal] == height {
            return Ok(());
        }
        place[normal] = height;
        let work = self.state.local.work(&place);
        self.execution().line_to(code, work, span.clone())
    }
}

/// The depths of the strokes, from above.
fn strokes(values: &[Option<f64>; 24], heights: Heights, unit_mm: f64, count_max: u32) -> Result<Vec<f64>, String> {
    let given = |index: usize| values[index].filter(|value| *value != 0.0);
    let first = given(6).map(|depth| heights.surface - depth.abs() * unit_mm).or(values[5].map(|at| at * unit_mm));
    let first = first.unwrap_or(heights.bottom).max(heights.bottom);
    if first > heights.surface {
        return Err(format!("the first stroke ends at {first} mm, above the surface at {} mm", heights.surface));
    }
    let mut stroke = heights.surface - first;
    let amount = given(7).unwrap_or(0.0);
    let (mut at, mut depths) = (first, vec![first]);
    while at > heights.bottom {
        let left = at - heights.bottom;
        let least = if amount > 0.0 { amount * unit_mm } else { 0.0 };
        // A negative DAM is a factor.
        stroke = if amount < 0.0 { stroke * -amount } else { stroke - least };
        let mut next = stroke.max(least);
        if next <= 0.0 {
            next = left;
        }
        if next >= left {
            next = left;
        } else if left <= 2.0 * least {
            next = 0.5 * left;
        }
        if depths.len() >= count_max as usize || next < 1e-6 {
            return Err(format!("the hole takes more than {count_max} strokes (pecks_max)"));
        }
        at = if next == left { heights.bottom } else { at - next };
        depths.push(at);
    }
    Ok(depths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_become_shorter_and_end_in_two_equal_ones() {
        let heights = Heights { clear: 5.0, surface: 0.0, start: 2.0, bottom: -50.0 };
        let mut values = [None; 24];
        (values[5], values[7]) = (Some(-20.0), Some(6.0));
        // 20, 14, 8, then 6 are more than the 8 that are left divided by two: 4 and 4.
        assert_eq!(strokes(&values, heights, 1.0, 100), Ok(vec![-20.0, -34.0, -42.0, -46.0, -50.0]));
        values[7] = None;
        assert_eq!(strokes(&values, heights, 1.0, 100), Ok(vec![-20.0, -40.0, -50.0]));
        values[7] = Some(-0.5);
        assert_eq!(strokes(&values, Heights { bottom: -35.0, ..heights }, 1.0, 100), Ok(vec![-20.0, -30.0, -35.0]));
    }
}
