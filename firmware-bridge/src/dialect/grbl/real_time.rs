//! Single bytes that the controller takes out of the stream before it reads lines.
//!
//! They act at once, belong to no line and are not counted as received. All override bytes lie above 0x7F, so
//! whatever carries them must be clean for eight bits: a text encoding in between breaks them.

use super::steps::FeedStep;

/// A real-time command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealTime {
    /// `?`
    StatusRequest,
    /// `!`
    FeedHold,
    /// `~`
    CycleStart,
    /// Ctrl-X.
    SoftReset,
    /// 0x84.
    SafetyDoor,
    /// 0x85.
    JogCancel,
    /// 0x90 to 0x94.
    Feed(FeedStep),
    /// Everything else above 0x7F: rapid and spindle overrides, coolant, what later versions add. Passed on, not
    /// used.
    Other(u8),
}

impl RealTime {
    /// What a byte is; `None` where it belongs to a line.
    pub fn of_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'?' => Self::StatusRequest,
            b'!' => Self::FeedHold,
            b'~' => Self::CycleStart,
            0x18 => Self::SoftReset,
            0x84 => Self::SafetyDoor,
            0x85 => Self::JogCancel,
            0x90 => Self::Feed(FeedStep::Reset),
            0x91 => Self::Feed(FeedStep::Plus10),
            0x92 => Self::Feed(FeedStep::Minus10),
            0x93 => Self::Feed(FeedStep::Plus1),
            0x94 => Self::Feed(FeedStep::Minus1),
            0x80..=0xFF => Self::Other(byte),
            _ => return None,
        })
    }

    /// The byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::StatusRequest => b'?',
            Self::FeedHold => b'!',
            Self::CycleStart => b'~',
            Self::SoftReset => 0x18,
            Self::SafetyDoor => 0x84,
            Self::JogCancel => 0x85,
            Self::Feed(FeedStep::Reset) => 0x90,
            Self::Feed(FeedStep::Plus10) => 0x91,
            Self::Feed(FeedStep::Minus10) => 0x92,
            Self::Feed(FeedStep::Plus1) => 0x93,
            Self::Feed(FeedStep::Minus1) => 0x94,
            Self::Other(byte) => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_command_or_part_of_a_line() {
        for byte in 0..=u8::MAX {
            match RealTime::of_byte(byte) {
                Some(command) => assert_eq!(command.byte(), byte),
                None => assert!(byte < 0x80 && !b"?!~\x18".contains(&byte), "{byte:#x}"),
            }
        }
    }
}
