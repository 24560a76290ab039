//! What the controller answers to a line, and what it says when it stops. Numbers have names only where somebody
//! can do something with the name.

use std::fmt;

/// The answer to one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Ok,
    /// Refused; nothing of the line was done.
    Error(ErrorCode),
}

/// The n of `error:n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorCode(pub u8);

impl ErrorCode {
    /// What it means; `None` for numbers without a name here.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "a word without a letter",
            2 => "a number that is none",
            3 => "a $ command that does not exist",
            5 => "homing is not enabled",
            7 => "stored settings were lost and reset",
            8 => "only possible while idle",
            9 => "locked by an alarm or a jog",
            11 => "the line is too long for the controller",
            13 => "the safety door is open",
            14 => "the start-up line is too long",
            15 => "the jog leaves the travel",
            16 => "not a jog",
            17 => "laser mode needs a spindle with speed control",
            20 => "a code the controller does not have",
            21 => "two codes of one group in a line",
            22 => "no feed was set",
            23 => "a code that needs a whole number",
            24 => "two codes that both use the axis words",
            25 => "a word twice in a line",
            26 => "axis words are missing",
            27 => "a line number out of range",
            28 => "a value word is missing",
            30 => "G53 without G0 or G1",
            31 => "axis words nobody uses",
            32 => "an arc without axis words in its plane",
            33 => "an arc or probe target that is impossible",
            34 => "an arc whose radius does not fit its ends",
            35 => "an arc without centre words",
            36 => "words nobody uses",
            38 => "a tool number out of range",
            _ => return None,
        })
    }
}

/// The n of `ALARM:n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlarmCode(pub u8);

impl AlarmCode {
    /// The state is Alarm and the line that says why was not heard.
    pub const UNHEARD: Self = Self(0);

    /// What it means; `None` for numbers without a name here.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "the reason was not heard",
            1 => "a limit switch",
            2 => "a target outside the travel",
            3 => "reset while moving",
            4 => "the probe was not in its initial state",
            5 => "the probe did not touch",
            6 => "reset while homing",
            7 => "the door opened while homing",
            8 => "homing did not leave the switch",
            9 => "homing did not find the switch",
            10 => "homing did not find the second switch",
            11 => "homing is required first",
            12 => "a limit switch is already closed",
            13 => "the probe protection tripped",
            14 => "the spindle does not reach its speed",
            _ => return None,
        })
    }

    /// False only where the axes stood, or stop under control, so that the position still holds. An unknown alarm
    /// is one that lost it.
    pub const fn position_lost(self) -> bool {
        !matches!(self.0, 2 | 4 | 5 | 11 | 13)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error:{} ({})", self.0, self.meaning().unwrap_or("unknown"))
    }
}

impl fmt::Display for AlarmCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ALARM:{} ({})", self.0, self.meaning().unwrap_or("unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h11_position_is_lost_unless_the_alarm_is_known_to_keep_it() {
        for (code, lost) in
            [(1, true), (2, false), (3, true), (4, false), (5, false), (6, true), (9, true), (200, true)]
        {
            assert_eq!(AlarmCode(code).position_lost(), lost, "{}", AlarmCode(code));
        }
        assert_eq!(ErrorCode(9).to_string(), "error:9 (locked by an alarm or a jog)");
        assert_eq!(AlarmCode(99).to_string(), "ALARM:99 (unknown)");
    }
}
