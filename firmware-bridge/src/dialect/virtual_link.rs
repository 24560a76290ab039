//! The byte dialect of our own virtual controller.
//!
//! Upwards it sends SHDR ([`super::shdr`]): one line a sample, every field in it, closed by `Fields|n`.
//! Downwards it takes one short line a command:
//!
//! ```text
//! command = ( factor | "hold" | "resume" | "run" | "* PING" ) LF
//! factor  = "factor" SP permille SP ttl_ms
//! permille = 0 … 1000        factor of the programmed feed, decimal, no sign
//! ttl_ms   = 1 … 10000       time to live in ms of wall time from receipt
//! ```
//!
//! `factor` is in force after the controller's effect time and until its time to live has passed; then the
//! controller's own [`crate::dead_man`] lets go. `hold` holds the feed until `resume`. `run` starts the
//! program once. `* PING` is answered by `* PONG ms`. Numbers have no leading zeros, words are separated by
//! exactly one space, a line ends in `\n` (a `\r` before it is tolerated) and has at most
//! [`COMMAND_LEN_MAX`] bytes. Anything else is refused as a whole and counted: a command that is nearly
//! right is not one. The link is local and reliable, so there is no checksum; a torn line cannot become a
//! longer number, and `factor 85 10` instead of `factor 850 100` asks for less, for a shorter time.

use std::io::Write;

use shared::machine::Machine;
use shared::plan::Override;
use shared::time::Duration;

use super::lines::{Line, LineSplitter};
use crate::controller::{Capabilities, Command};

pub use super::shdr::{Completeness, Decoder as ReportDecoder, Event as ReportEvent};

/// Longest command line in bytes.
pub const COMMAND_LEN_MAX: usize = 64;

/// Longest time to live a command may ask for, ms.
pub const TIME_TO_LIVE_MS_MAX: u64 = 10_000;

/// What may be said to the virtual controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkCommand {
    /// Multiply programmed feeds until the time has passed.
    Factor {
        /// The factor.
        factor: Override,
        /// How long it holds: whole milliseconds, 1 to [`TIME_TO_LIVE_MS_MAX`].
        time_to_live: Duration,
    },
    /// Hold the feed.
    Hold,
    /// Release the hold.
    Resume,
    /// Start the program.
    Run,
    /// Ask for a sign of life.
    Ping,
}

impl From<Command> for LinkCommand {
    fn from(command: Command) -> Self {
        match command {
            Command::Factor { factor, time_to_live } => Self::Factor { factor, time_to_live },
            Command::FeedHold => Self::Hold,
        }
    }
}

/// A decoder of the controller's reports, as strict as the dialect allows.
pub fn report_decoder() -> ReportDecoder {
    ReportDecoder::new(Completeness::Counted)
}

/// What the virtual controller of a machine can do.
pub fn capabilities(machine: &Machine, sample_period: Duration) -> Capabilities {
    let range = &machine.override_range;
    Capabilities {
        factor: true,
        factor_step_permille: range.step_permille,
        effect_time: Duration::from_s(range.effect_time.as_s()),
        sample_period,
        watchdog: true,
    }
}

/// Appends one command line. A time to live is rounded down to whole milliseconds and limited to the
/// longest; one below a millisecond would be dead on arrival and is not sent: `false` then.
pub fn encode_command(command: LinkCommand, out: &mut Vec<u8>) -> bool {
    let mut line = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("writing to a Vec does not fail");
    match command {
        LinkCommand::Factor { factor, time_to_live } => {
            let ttl_ms = (time_to_live.as_ns() / 1_000_000).min(TIME_TO_LIVE_MS_MAX);
            if ttl_ms == 0 {
                return false;
            }
            line(format_args!("factor {} {ttl_ms}\n", factor.permille()));
        }
        LinkCommand::Hold => line(format_args!("hold\n")),
        LinkCommand::Resume => line(format_args!("resume\n")),
        LinkCommand::Run => line(format_args!("run\n")),
        LinkCommand::Ping => line(format_args!("* PING\n")),
    }
    true
}

/// Bytes in, commands out: the controller's side.
#[derive(Clone, Debug)]
pub struct CommandDecoder {
    lines: LineSplitter,
    refused: u64,
}

impl CommandDecoder {
    /// A decoder that has heard nothing yet.
    pub fn new() -> Self {
        Self { lines: LineSplitter::new(COMMAND_LEN_MAX), refused: 0 }
    }

    /// Takes bytes and hands over the commands they complete.
    pub fn feed(&mut self, bytes: &[u8], mut command: impl FnMut(LinkCommand)) {
        let refused = &mut self.refused;
        self.lines.feed(bytes, |line| {
            let found = match line {
                Line::Whole(line) => std::str::from_utf8(line).ok().and_then(parse),
                Line::TooLong => None,
            };
            match found {
                Some(found) => command(found),
                None => *refused += 1,
            }
        });
    }

    /// The sender is gone: an unfinished line is refused.
    pub fn disconnect(&mut self) {
        self.refused += u64::from(self.lines.reset());
    }

    /// How many lines were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Default for CommandDecoder {
    fn default() -> Self {
        Self::new()
    }
}

fn parse(line: &str) -> Option<LinkCommand> {
    match line {
        "hold" => Some(LinkCommand::Hold),
        "resume" => Some(LinkCommand::Resume),
        "run" => Some(LinkCommand::Run),
        "* PING" => Some(LinkCommand::Ping),
        _ => {
            let (permille, ttl_ms) = line.strip_prefix("factor ")?.split_once(' ')?;
            let factor = whole_number(permille).and_then(|value| u16::try_from(value).ok())?;
            let factor = Override::from_permille(factor)?;
            let ttl_ms = whole_number(ttl_ms).filter(|ms| (1..=TIME_TO_LIVE_MS_MAX).contains(ms))?;
            Some(LinkCommand::Factor { factor, time_to_live: Duration::from_ms(ttl_ms) })
        }
    }
}

/// Decimal digits without sign or leading zero; `str::parse` would take `+5` and `007`.
fn whole_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], piece: usize) -> (Vec<LinkCommand>, u64) {
        let mut decoder = CommandDecoder::new();
        let mut found = Vec::new();
        bytes.chunks(piece).for_each(|part| decoder.feed(part, |command| found.push(command)));
        decoder.disconnect();
        (found, decoder.refused())
    }

    fn factor(permille: u16, ttl_ms: u64) -> LinkCommand {
        let factor = Override::from_permille(permille).expect("in range");
        LinkCommand::Factor { factor, time_to_live: Duration::from_ms(ttl_ms) }
    }

    #[test]
    fn commands_come_back_through_any_cut() {
        let commands = [
            LinkCommand::Run,
            factor(0, 1),
            factor(1000, TIME_TO_LIVE_MS_MAX),
            factor(850, 100),
            LinkCommand::Hold,
            LinkCommand::Resume,
            LinkCommand::Ping,
        ];
        let mut bytes = Vec::new();
        assert!(commands.iter().all(|command| encode_command(*command, &mut bytes)));
        for piece in 1..=bytes.len() {
            assert_eq!(decode(&bytes, piece), (commands.to_vec(), 0), "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_nearly_a_command_is_refused() {
        let bad = [
            "factor 1001 100",
            "factor -1 100",
            "factor +5 100",
            "factor 0.5 100",
            "factor 007 100",
            "factor NaN 100",
            "factor 500",
            "factor 500 0",
            "factor 500 10001",
            "factor 500 100 1",
            "factor  500 100",
            "Factor 500 100",
            " hold",
            "hold ",
            "stop",
            "factor 99999999999999999999 100",
        ];
        for line in bad {
            assert_eq!(decode(format!("{line}\n").as_bytes(), 7), (Vec::new(), 1), "{line:?}");
        }
        let long = [b"hold".as_slice(), &[b' '; 100], b"\nrun\n"].concat();
        assert_eq!(decode(&long, 3), (vec![LinkCommand::Run], 1));
        assert_eq!(decode(b"\xff\xfe\nhold", 2), (Vec::new(), 2));
    }

    #[test]
    fn a_time_to_live_is_never_lengthened() {
        let mut bytes = Vec::new();
        let command = |time_to_live| LinkCommand::Factor { factor: Override::STOP, time_to_live };
        assert!(!encode_command(command(Duration::from_us(999)), &mut bytes) && bytes.is_empty());
        assert!(encode_command(command(Duration::from_us(1999)), &mut bytes));
        assert!(encode_command(command(Duration::from_ms(99_999)), &mut bytes));
        assert_eq!(bytes, b"factor 0 1\nfactor 0 10000\n");
    }
}
