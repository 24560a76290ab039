use std::io::Write;

use super::words::{UNAVAILABLE, enabled_word, execution_word, mode_word};
use crate::controller::ControllerSample;
use crate::dialect::SourceTime;

/// Pairs of one report before `Fields`.
const PAIRS: usize = 11;

/// Appends one line that says everything about one instant, unavailable fields too, closed by `Fields|n`.
///
/// `valid_at` of the sample does not travel: the line carries the source's own time instead.
pub fn encode_report(at: SourceTime, sample: &ControllerSample, out: &mut Vec<u8>) {
    let mut line = LineWriter { out };
    line.stamp(at);
    line.word("Execution", sample.execution.map(execution_word));
    line.word("ControllerMode", sample.mode.map(mode_word));
    line.pair("LineNumber", sample.line);
    line.key("PathPosition");
    match sample.position {
        Some(point) => line.text(format_args!("{:.6} {:.6} {:.6}", point.x, point.y, point.z)),
        None => line.text(format_args!("{UNAVAILABLE}")),
    }
    line.number("PathFeedrate", sample.path_feedrate.map(|feedrate| feedrate.as_mm_s()));
    line.number("PathFeedrateOverride", sample.dial_permille.map(|permille| f64::from(permille) / 10.0));
    line.pair("PathFeedrateFactor", sample.factor.map(|factor| factor.permille()));
    line.word("PathFeedrateFactorState", sample.factor_enabled.map(enabled_word));
    line.number("RotaryVelocity", sample.rotary_velocity.map(|speed| speed.as_rpm()));
    line.number("SpindlePower", sample.spindle_power.map(|power| power.as_w()));
    line.pair("ToolNumber", sample.tool.map(|tool| tool.0));
    line.pair("Fields", Some(PAIRS));
    line.text(format_args!("\n"));
}

/// Appends one line of pairs as they are; what would end a pair or a line is a space in it. No line without a pair.
pub fn encode_pairs<'a>(at: SourceTime, pairs: impl IntoIterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    let mut pairs = pairs.into_iter().peekable();
    if pairs.peek().is_none() {
        return;
    }
    let mut line = LineWriter { out };
    line.stamp(at);
    for (key, value) in pairs {
        line.text(format_args!("|{}|{}", key.replace(ENDS, " "), value.replace(ENDS, " ")));
    }
    out.push(b'\n');
}

/// What ends a pair or a line.
const ENDS: [char; 3] = ['|', '\n', '\r'];

struct LineWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl LineWriter<'_> {
    fn stamp(&mut self, at: SourceTime) {
        match at {
            SourceTime::Relative(ns) => self.text(format_args!("{}.{:06}", ns / 1_000_000, ns % 1_000_000)),
            SourceTime::Utc(ns) => {
                let (seconds, fraction_ns) = (ns / 1_000_000_000, ns % 1_000_000_000);
                let [year, month, day] = civil(seconds / 86_400);
                let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
                self.text(format_args!(
                    "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction_ns:09}Z"
                ));
            }
        }
    }

    fn text(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("writing to a Vec does not fail");
    }

    fn key(&mut self, key: &str) {
        self.text(format_args!("|{key}|"));
    }

    fn pair<T: std::fmt::Display>(&mut self, key: &str, value: Option<T>) {
        self.key(key);
        match value {
            Some(value) => self.text(format_args!("{value}")),
            None => self.text(format_args!("{UNAVAILABLE}")),
        }
    }

    fn word(&mut self, key: &str, value: Option<&str>) {
        self.pair(key, value);
    }

    fn number(&mut self, key: &str, value: Option<f64>) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => {
                self.key(key);
                self.text(format_args!("{value:.4}"));
            }
            None => self.pair(key, None::<f64>),
        }
    }
}

/// Year, month and day of a number of days since 1970-01-01, Gregorian.
fn civil(days: u64) -> [u64; 3] {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    [year_of_era + era * 400 + u64::from(month <= 2), month, day]
}
