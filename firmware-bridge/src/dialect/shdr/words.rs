//! Keys and words of both vocabularies, and their units.

use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::plan::Override;
use shared::units::{Feedrate, Power, RotaryVelocity};

use super::decode::Report;
use crate::controller::{ControllerMode, Execution};

/// What a source says instead of a value it does not have.
pub(in crate::dialect) const UNAVAILABLE: &str = "UNAVAILABLE";

/// What became of one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect) enum Taken {
    /// A value, or unavailable.
    Value,
    /// The key is known, the value makes no sense: the field is unavailable now.
    BadValue,
    /// Nobody here knows the key.
    UnknownKey,
}

const EXECUTION: [(Execution, &str); 8] = [
    (Execution::Ready, "READY"),
    (Execution::Active, "ACTIVE"),
    (Execution::Interrupted, "INTERRUPTED"),
    (Execution::FeedHold, "FEED_HOLD"),
    (Execution::Stopped, "STOPPED"),
    (Execution::ProgramStopped, "PROGRAM_STOPPED"),
    (Execution::OptionalStop, "OPTIONAL_STOP"),
    (Execution::ProgramCompleted, "PROGRAM_COMPLETED"),
];

const MODE: [(ControllerMode, &str); 4] = [
    (ControllerMode::Automatic, "AUTOMATIC"),
    (ControllerMode::Manual, "MANUAL"),
    (ControllerMode::ManualDataInput, "MANUAL_DATA_INPUT"),
    (ControllerMode::SingleBlock, "SINGLE_BLOCK"),
];

const ENABLED: [(bool, &str); 2] = [(true, "ENABLED"), (false, "DISABLED")];

/// The word of an execution state.
pub(super) fn execution_word(execution: Execution) -> &'static str {
    word(&EXECUTION, execution)
}

/// The word of a mode.
pub(super) fn mode_word(mode: ControllerMode) -> &'static str {
    word(&MODE, mode)
}

/// The word of an enabling.
pub(super) fn enabled_word(enabled: bool) -> &'static str {
    word(&ENABLED, enabled)
}

fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(entry, _)| *entry == value).map_or(UNAVAILABLE, |(_, word)| word)
}

fn value<T: Copy>(table: &[(T, &'static str)], text: &str) -> Option<T> {
    table.iter().find(|(_, word)| *word == text).map(|(entry, _)| *entry)
}

/// Puts one pair into the report.
pub(in crate::dialect) fn take(report: &mut Report, key: &str, text: &str) -> Taken {
    let sample = &mut report.sample;
    match key {
        "Execution" | "Program_Status" => set(&mut sample.execution, text, |text| value(&EXECUTION, text)),
        "ControllerMode" => set(&mut sample.mode, text, |text| value(&MODE, text)),
        "LineNumber" => set(&mut sample.line, text, |text| text.parse().ok()),
        // Zero stands for a program that has not begun.
        "Block_Number" => set(&mut sample.line, text, |text| text.parse().ok()),
        "PathPosition" => set(&mut sample.position, text, position),
        "PathFeedrate" | "Feed_Rate" => {
            set(&mut sample.path_feedrate, text, |text| number(text, 1e5).map(Feedrate::mm_s))
        }
        "PathFeedrateOverride" | "Feed_Override" => set(&mut sample.dial_permille, text, permille_of_percent),
        "Rapid_Override" => set(&mut report.rapid_override_permille, text, permille_of_percent),
        "Spindle_Override" => set(&mut report.spindle_override_permille, text, permille_of_percent),
        "PathFeedrateFactor" => {
            set(&mut sample.factor, text, |text| text.parse().ok().and_then(Override::from_permille))
        }
        "PathFeedrateFactorState" => set(&mut sample.factor_enabled, text, |text| value(&ENABLED, text)),
        "RotaryVelocity" | "Spindle_Speed" => {
            set(&mut sample.rotary_velocity, text, |text| number(text, 1e6).map(|v| RotaryVelocity::rev_s(v / 60.0)))
        }
        "SpindlePower" => set(&mut sample.spindle_power, text, |text| number(text, 1e7).map(Power::w)),
        "ToolNumber" | "Current_Tool" => set(&mut sample.tool, text, tool),
        "Program_Runtime_Seconds" => set(&mut report.runtime_s, text, |text| text.parse().ok()),
        _ => Taken::UnknownKey,
    }
}

fn set<T>(field: &mut Option<T>, text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Taken {
    if text == UNAVAILABLE {
        *field = None;
        return Taken::Value;
    }
    *field = parse(text);
    if field.is_some() { Taken::Value } else { Taken::BadValue }
}

/// A finite number of at most the given magnitude. NaN, infinities and what no machine can mean are refused
/// here, so that nothing behind this line has to ask.
fn number(text: &str, magnitude_max: f64) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && value.abs() <= magnitude_max)
}

fn permille_of_percent(text: &str) -> Option<u16> {
    let percent = number(text, 1000.0).filter(|percent| *percent >= 0.0)?;
    Some((percent * 10.0).round() as u16)
}

fn tool(text: &str) -> Option<ToolNumber> {
    let tool = number(text, 1e9).filter(|tool| *tool >= 0.0 && tool.fract() == 0.0)?;
    Some(ToolNumber(tool as u32))
}

fn position(text: &str) -> Option<Point> {
    let mut parts = text.split(' ');
    let mut coordinate = || parts.next().and_then(|part| number(part, 1e6));
    let point = Point::new(coordinate()?, coordinate()?, coordinate()?);
    parts.next().is_none().then_some(point)
}
