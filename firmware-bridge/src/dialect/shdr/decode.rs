use shared::time::{Duration, Instant};

use super::words::{self, Taken};
use crate::controller::ControllerSample;
use crate::dialect::SourceTime;
use crate::dialect::lines::{Line, LineSplitter};
use crate::dialect::source_time::SourceClock;

/// Which lines are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every line whose pairs are whole: other people's adapters.
    WholePairs,
    /// Only lines that end in `Fields|n` with the true number of pairs: our own reports.
    Counted,
}

/// What the source has said up to and including one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The stamp on the line; `None` where it had none.
    pub source: Option<SourceTime>,
    /// State of the controller; `valid_at` is the stamp on our clock, at most the instant of receipt.
    pub sample: ControllerSample,
    /// Dial of the rapids, per mille.
    pub rapid_override_permille: Option<u16>,
    /// Dial of the spindle, per mille.
    pub spindle_override_permille: Option<u16>,
    /// Time the program has been running, as the controller counts it, s.
    pub runtime_s: Option<u32>,
}

impl Report {
    /// A source that has said nothing yet.
    pub const fn nothing() -> Self {
        Self {
            source: None,
            sample: ControllerSample::unavailable(Instant::ORIGIN),
            rapid_override_permille: None,
            spindle_override_permille: None,
            runtime_s: None,
        }
    }
}

/// What a stream of bytes contains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// One line of observations.
    Report(Report),
    /// The source answers a ping, or asks for one; the time is the longest silence to expect from it.
    Heartbeat {
        /// `* PONG 10000` says 10 s; `* PING` says nothing.
        silence_max: Option<Duration>,
    },
}

/// What was not understood, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lines that became reports.
    pub reports: u64,
    /// Lines that are not SHDR at all.
    pub garbage_lines: u64,
    /// Lines that are incomplete, the unfinished one at the end of a stream among them.
    pub torn_lines: u64,
    /// Lines longer than [`Decoder::LINE_MAX`] bytes.
    pub long_lines: u64,
    /// Pairs with a key nobody knows.
    pub unknown_keys: u64,
    /// Pairs with a value that makes no sense; the field became unavailable.
    pub bad_values: u64,
    /// How often the source's clock went back.
    pub clock_jumps: u64,
}

/// Bytes in, reports out.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: LineSplitter,
    state: State,
}

#[derive(Clone, Debug)]
struct State {
    completeness: Completeness,
    report: Report,
    clock: SourceClock,
    counters: Counters,
}

impl Decoder {
    /// Longest line in bytes. The longest our controller writes is below 400.
    pub const LINE_MAX: usize = 4096;

    /// A decoder that has heard nothing yet.
    pub fn new(completeness: Completeness) -> Self {
        let state = State {
            completeness,
            report: Report::nothing(),
            clock: SourceClock::default(),
            counters: Counters::default(),
        };
        Self { lines: LineSplitter::new(Self::LINE_MAX), state }
    }

    /// Takes bytes that came at `received` and hands over what they complete. Memory stays bounded by
    /// [`Self::LINE_MAX`]; nothing is allocated.
    pub fn feed(&mut self, bytes: &[u8], received: Instant, events: &mut dyn FnMut(Event)) {
        let Self { lines, state } = self;
        lines.feed(bytes, |line| match line {
            Line::Whole(line) => {
                if let Some(event) = state.line(line, received) {
                    events(event);
                }
            }
            Line::TooLong => state.counters.long_lines += 1,
        });
    }

    /// The stream has ended or was interrupted: an unfinished line is torn, and what the source said before
    /// no longer describes it.
    pub fn disconnect(&mut self) {
        self.state.counters.torn_lines += u64::from(self.lines.reset());
        self.state.report = Self::new(self.state.completeness).state.report;
        self.state.clock.forget();
    }

    /// What was understood and what not.
    pub fn counters(&self) -> Counters {
        Counters { clock_jumps: self.state.clock.jumps, ..self.state.counters }
    }
}

impl State {
    fn line(&mut self, line: &[u8], received: Instant) -> Option<Event> {
        let Ok(line) = std::str::from_utf8(line) else {
            self.counters.garbage_lines += 1;
            return None;
        };
        if let Some(comment) = line.strip_prefix('*') {
            return self.heartbeat(comment);
        }
        let Some((stamp, pairs)) = line.split_once('|') else {
            // A stamp alone is what a cut leaves of a line; anything else alone never was one.
            let torn = line.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
            *(if torn { &mut self.counters.torn_lines } else { &mut self.counters.garbage_lines }) += 1;
            return None;
        };
        // The reference agent allows a duration behind the stamp (`stamp@duration`); it says nothing here.
        let stamp = stamp.split('@').next().unwrap_or(stamp);
        let source = SourceTime::parse(stamp);
        if source.is_none() && !stamp.is_empty() {
            self.counters.garbage_lines += 1;
            return None;
        }
        let pairs = self.complete(pairs)?;
        Some(Event::Report(self.observe(source, pairs, received)))
    }

    /// The pairs of a whole line, without the closing count.
    fn complete<'a>(&mut self, pairs: &'a str) -> Option<&'a str> {
        let bars = pairs.bytes().filter(|byte| *byte == b'|').count();
        let counted = pairs.rsplit_once("|Fields|").and_then(|(before, count)| {
            let whole = before.bytes().filter(|byte| *byte == b'|').count().div_ceil(2);
            (count.parse() == Ok(whole)).then_some(before)
        });
        let found = match self.completeness {
            Completeness::Counted => counted,
            Completeness::WholePairs => counted.or((bars % 2 == 1 && !pairs.contains("|Fields|")).then_some(pairs)),
        };
        self.counters.torn_lines += u64::from(found.is_none());
        found
    }

    fn observe(&mut self, source: Option<SourceTime>, pairs: &str, received: Instant) -> Report {
        let mut fields = pairs.split('|');
        while let (Some(key), Some(value)) = (fields.next(), fields.next()) {
            match words::take(&mut self.report, key.trim(), value.trim()) {
                Taken::Value => {}
                Taken::BadValue => self.counters.bad_values += 1,
                Taken::UnknownKey => self.counters.unknown_keys += 1,
            }
        }
        self.counters.reports += 1;
        self.report.source = source;
        self.report.sample.valid_at = source.map_or(received, |source| self.clock.valid_at(source, received));
        self.report
    }

    fn heartbeat(&mut self, comment: &str) -> Option<Event> {
        let mut words = comment.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("PING"), None, None) => Some(Event::Heartbeat { silence_max: None }),
            (Some("PONG"), Some(ms), None) => {
                let silence_max = ms.parse::<u32>().ok().map(|ms| Duration::from_ms(u64::from(ms)));
                self.counters.bad_values += u64::from(silence_max.is_none());
                silence_max.map(|_| Event::Heartbeat { silence_max })
            }
            // Other starred lines configure an agent (`* device: …`): nothing for us.
            _ => None,
        }
    }
}
