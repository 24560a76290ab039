//! The conversation with an agent: probe, current, then samples without end, and again from the beginning after a break.

use shared::time::{Duration, Instant};

use super::document::{self, Binding, DocumentFault, Head, Item, Observation};
use super::http::{Answer, HttpFault};
use crate::dialect::SourceTime;
use crate::dialect::shdr::Report;
use crate::dialect::shdr::words::{Taken, take};
use crate::dialect::source_time::SourceClock;

/// Longest name of a program that is compared, bytes.
const PROGRAM_BYTES_MAX: usize = 1024;

/// Whom to ask, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// What stands in `Host:`, and where the agent is: `name:port`.
    pub host: String,
    /// The device, where the agent has several.
    pub device: Option<String>,
    /// Least time between two parts of the stream.
    pub interval: Duration,
    /// Longest silence of a healthy stream.
    pub heartbeat: Duration,
    /// Most observations in one part.
    pub count: u32,
    /// Wait before the first new attempt; doubles with every further one, up to [`Session::RETRY_MAX`].
    pub retry: Duration,
}

/// Why what was known of the machine no longer holds, or is known not to be all. Each voids the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The connection closed.
    Disconnected,
    /// Nothing came for longer than a healthy agent is silent.
    Silent,
    /// The agent was started again.
    InstanceChanged {
        /// The instance before.
        from: u64,
        /// The instance now.
        to: u64,
    },
    /// The agent no longer had what came next.
    Gap {
        /// Observations of the agent, of all its devices, that were never seen here.
        missing: u64,
    },
    /// The numbers of the same instance went back.
    SequenceBack {
        /// What came next.
        expected: u64,
        /// What the agent says comes next.
        found: u64,
    },
    /// Another program is loaded.
    ProgramChanged,
    /// An answer could not be read.
    Fault(Fault),
}

impl Break {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Silent => "silent",
            Self::InstanceChanged { .. } => "instance_changed",
            Self::Gap { .. } => "gap",
            Self::SequenceBack { .. } => "sequence_back",
            Self::ProgramChanged => "program_changed",
            Self::Fault(_) => "fault",
        }
    }
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its framing.
    #[error(transparent)]
    Http(#[from] HttpFault),
    /// Its contents.
    #[error(transparent)]
    Document(#[from] DocumentFault),
}

/// What the conversation gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// State of the device after observations with one stamp.
    Report(Report),
    /// What was agreed on the ground of earlier reports is void.
    Break(Break),
}

/// What was met, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reports made.
    pub reports: u64,
    /// Documents read.
    pub documents: u64,
    /// Observations of followed items that were taken.
    pub observations: u64,
    /// Observations that had come before.
    pub duplicates: u64,
    /// Observations whose stamp lies before one that came earlier; they count as of that one.
    pub out_of_order: u64,
    /// Values that make no sense; the field became unavailable.
    pub bad_values: u64,
    /// Answers that were not read.
    pub faults: u64,
    /// Breaks.
    pub breaks: u64,
    /// Observations known to be lost.
    pub missing: u64,
    /// Times the source's clock went back.
    pub clock_jumps: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Close what is open, connect, and send this.
    Ask(Vec<u8>),
    /// Read; call again by then.
    Listen(Instant),
    /// Close what is open; call again by then.
    Rest(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Probe,
    Current,
    Sample,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing is asked; from then on it may be.
    Idle(Instant),
    /// Asked; since then, or since the last part of a stream. Single bytes do not count: an agent that lets them drip says
    /// nothing either.
    Open(Instant),
}

/// The conversation. Bytes and instants in, events and requests out; memory stays below
/// [`Session::MEMORY_BYTES_MAX`].
#[derive(Clone, Debug)]
pub struct Session {
    settings: SessionSettings,
    stage: Stage,
    line: Line,
    answer: Answer,
    binding: Binding,
    instance: Option<u64>,
    next: Option<u64>,
    attempts: u32,
    known: Known,
    fault: Option<Fault>,
    counters: Counters,
}

/// What the device has said.
#[derive(Clone, Debug)]
struct Known {
    report: Report,
    clock: SourceClock,
    newest: Option<SourceTime>,
    program: Option<String>,
    /// True once something was reported that a break takes back.
    live: bool,
}

impl Known {
    fn nothing() -> Self {
        Self { report: Report::nothing(), clock: SourceClock::default(), newest: None, program: None, live: false }
    }

    /// Nothing that was said holds any more; what was counted stays.
    fn forget(&mut self) {
        let mut clock = std::mem::take(&mut self.clock);
        clock.forget();
        *self = Self { clock, ..Self::nothing() };
    }
}

impl Session {
    /// Longest wait before a new attempt.
    pub const RETRY_MAX: Duration = Duration::from_ms(10_000);
    /// Time for an answer to come whole.
    pub const ANSWER_MAX: Duration = Duration::from_ms(10_000);
    /// Most memory behind a session beyond the tree of one document: document, head, ids.
    pub const MEMORY_BYTES_MAX: usize = 2 * super::DOCUMENT_BYTES_MAX + (1 << 20);

    /// A conversation that has not begun.
    pub fn new(settings: SessionSettings) -> Self {
        Self {
            settings,
            stage: Stage::Probe,
            line: Line::Idle(Instant::ORIGIN),
            answer: Answer::new(),
            binding: Binding::default(),
            instance: None,
            next: None,
            attempts: 0,
            known: Known::nothing(),
            fault: None,
            counters: Counters::default(),
        }
    }

    /// What was met so far.
    pub fn counters(&self) -> Counters {
        Counters { clock_jumps: self.known.clock.jumps, ..self.counters }
    }

    /// What was wrong with the last answer that was not read: what a person who sets it up wants to know.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What of the device is followed.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Bytes of memory behind the framing.
    pub fn memory_bytes(&self) -> usize {
        self.answer.memory_bytes()
    }

    /// What to do now. An answer that does not come, and a stream that falls silent, are given up here.
    pub fn poll(&mut self, now: Instant, events: &mut dyn FnMut(Event)) -> Turn {
        if let Line::Open(since) = self.line {
            let patience = self.patience();
            if now.since(since) < patience {
                return Turn::Listen(since.after(patience));
            }
            self.give_up(now, Break::Silent, events);
        }
        match self.line {
            Line::Idle(at) if now < at => Turn::Rest(at),
            _ => {
                self.line = Line::Open(now);
                self.answer = Answer::new();
                Turn::Ask(self.request())
            }
        }
    }

    /// Takes bytes that came at `now`.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8], events: &mut dyn FnMut(Event)) {
        if matches!(self.line, Line::Idle(_)) {
            return;
        }
        let mut answer = std::mem::replace(&mut self.answer, Answer::new());
        let mut result = Ok(Followup::Stay);
        let read = answer.feed(bytes, &mut |bytes| {
            // Behind the answer to one question, and behind a break, nothing more is read.
            if matches!(result, Ok(Followup::Stay)) {
                result = self.document(now, bytes, events);
            }
        });
        let ended = answer.has_ended();
        self.answer = answer;
        match (result, read) {
            (Err(fault), _) => self.refuse(now, fault, events),
            (Ok(Followup::Restart(broke)), _) => self.give_up(now, broke, events),
            (Ok(Followup::Next), _) => self.line = Line::Idle(now),
            (Ok(Followup::Stay), Err(fault)) => self.refuse(now, fault.into(), events),
            (Ok(Followup::Stay), Ok(())) if ended => self.give_up(now, Break::Disconnected, events),
            (Ok(Followup::Stay), Ok(())) => {}
        }
    }

    /// The connection closed, or could not be opened.
    pub fn handle_closed(&mut self, now: Instant, events: &mut dyn FnMut(Event)) {
        if matches!(self.line, Line::Idle(_)) {
            return;
        }
        let mut answer = std::mem::replace(&mut self.answer, Answer::new());
        let mut result = Ok(Followup::Stay);
        // Cut short or not begun, it is closed: which of them is no news.
        let _ = answer.close(&mut |bytes| result = self.document(now, bytes, events));
        match result {
            Err(fault) => self.refuse(now, fault, events),
            Ok(Followup::Next) => self.line = Line::Idle(now),
            Ok(Followup::Restart(broke)) => self.give_up(now, broke, events),
            Ok(Followup::Stay) => self.give_up(now, Break::Disconnected, events),
        }
    }

    fn patience(&self) -> Duration {
        match self.stage {
            Stage::Probe | Stage::Current => Self::ANSWER_MAX,
            // One heartbeat may be lost on the way, a second is silence.
            Stage::Sample => self.settings.heartbeat.times(2).plus(self.settings.interval),
        }
    }

    fn request(&self) -> Vec<u8> {
        let SessionSettings { host, interval, heartbeat, count, .. } = &self.settings;
        let device = match (&self.settings.device, self.binding.device()) {
            (Some(_), Some(device)) => format!("/{device}"),
            _ => String::new(),
        };
        let what = match self.stage {
            // The device is found in the whole probe, by name or by uuid.
            Stage::Probe => "/probe".to_owned(),
            Stage::Current => format!("{device}/current"),
            Stage::Sample => {
                let from = self.next.unwrap_or(1);
                let (interval_ms, heartbeat_ms) = (interval.as_ns() / 1_000_000, heartbeat.as_ns() / 1_000_000);
                format!("{device}/sample?from={from}&count={count}&interval={interval_ms}&heartbeat={heartbeat_ms}")
            }
        };
        format!("GET {what} HTTP/1.1\r\nHost: {host}\r\nAccept: text/xml\r\nConnection: close\r\n\r\n").into_bytes()
    }

    fn refuse(&mut self, now: Instant, fault: Fault, events: &mut dyn FnMut(Event)) {
        self.counters.faults += 1;
        self.fault = Some(fault);
        let refused = matches!(fault, Fault::Document(DocumentFault::Refused) | Fault::Http(HttpFault::Status(_)));
        if refused && self.stage == Stage::Sample {
            // What we ask for is not there any more; how much of it, the next answer to `current` says.
            self.stage = Stage::Current;
        }
        self.give_up(now, Break::Fault(fault), events);
    }

    /// Ends the connection and whatever was known by it.
    fn give_up(&mut self, now: Instant, broke: Break, events: &mut dyn FnMut(Event)) {
        let anew = matches!(broke, Break::InstanceChanged { .. } | Break::SequenceBack { .. });
        if self.known.live || anew {
            self.broke(broke, events);
        }
        if anew {
            self.next = None;
        }
        self.known.forget();
        let wait = self.settings.retry.times(1 << self.attempts.min(8)).min(Self::RETRY_MAX);
        self.attempts += 1;
        self.line = Line::Idle(now.after(wait));
        self.stage = Stage::Probe;
        self.answer = Answer::new();
    }

    fn broke(&mut self, broke: Break, events: &mut dyn FnMut(Event)) {
        self.counters.breaks += 1;
        events(Event::Break(broke));
    }

    fn document(&mut self, now: Instant, bytes: &[u8], events: &mut dyn FnMut(Event)) -> Result<Followup, Fault> {
        self.counters.documents += 1;
        if self.stage == Stage::Probe {
            let (instance, binding) = document::read_probe(bytes, self.settings.device.as_deref())?;
            self.binding = binding;
            self.meet(instance, events);
            self.stage = Stage::Current;
            return Ok(Followup::Next);
        }
        let binding = std::mem::take(&mut self.binding);
        let taken =
            document::read_streams(bytes, &binding, |head, observations| self.streams(now, head, observations, events));
        self.binding = binding;
        Ok(taken?)
    }

    /// The agent says which instance it is.
    fn meet(&mut self, instance: u64, events: &mut dyn FnMut(Event)) {
        if let Some(from) = self.instance.replace(instance).filter(|from| *from != instance) {
            self.next = None;
            self.known.forget();
            self.broke(Break::InstanceChanged { from, to: instance }, events);
        }
    }

    fn streams(
        &mut self,
        now: Instant,
        head: Head,
        observations: &[Observation<'_>],
        events: &mut dyn FnMut(Event),
    ) -> Followup {
        if let Some(from) = self.instance.filter(|from| *from != head.instance) {
            // Ids may mean other items now: nothing in here is read before the new probe.
            self.instance = Some(head.instance);
            return Followup::Restart(Break::InstanceChanged { from, to: head.instance });
        }
        if let Some(expected) = self.next.filter(|expected| head.next < *expected) {
            return Followup::Restart(Break::SequenceBack { expected, found: head.next });
        }
        let before = self.next.replace(head.next);
        if self.stage == Stage::Current {
            // What passed between is lost, though the state is whole again.
            self.gap(before.map_or(0, |before| head.next - before), events);
            self.attempts = 0;
            self.take_all(now, observations, events);
            self.stage = Stage::Sample;
            return Followup::Next;
        }
        let before = before.unwrap_or(head.first);
        self.gap(head.first.saturating_sub(before), events);
        let news = observations.partition_point(|observation| observation.sequence < before);
        self.counters.duplicates += news as u64;
        self.take(now, &observations[news..], events);
        self.line = Line::Open(now);
        Followup::Stay
    }

    fn gap(&mut self, missing: u64, events: &mut dyn FnMut(Event)) {
        if missing > 0 {
            self.counters.missing += missing;
            self.broke(Break::Gap { missing }, events);
        }
    }

    /// The state as it stands now, whenever each part of it was said.
    fn take_all(&mut self, now: Instant, observations: &[Observation<'_>], events: &mut dyn FnMut(Event)) {
        for observation in observations {
            self.observe(observation, events);
        }
        self.report(now, now, events);
    }

    /// News: what has one stamp belongs to one instant. All came together, so the newest stamp tells how the clocks stand,
    /// and the others lie before it by as much as they say.
    fn take(&mut self, now: Instant, observations: &[Observation<'_>], events: &mut dyn FnMut(Event)) {
        let stamps = observations.iter().filter_map(|observation| observation.stamp);
        let newest = stamps.chain(self.known.newest).max_by_key(|stamp| stamp.as_ns());
        let newest_at = newest.map_or(now, |stamp| self.known.clock.valid_at(stamp, now));
        for moment in observations.chunk_by(|one, next| one.stamp == next.stamp) {
            for observation in moment {
                self.observe(observation, events);
            }
            let before = newest.zip(self.known.newest).map_or(0, |(newest, its)| newest.as_ns() - its.as_ns());
            self.report(
                now,
                Instant::ORIGIN.after(newest_at.since(Instant::ORIGIN).minus(Duration::from_ns(before))),
                events,
            );
        }
    }

    fn observe(&mut self, observation: &Observation<'_>, events: &mut dyn FnMut(Event)) {
        self.counters.observations += 1;
        if let Some(stamp) = observation.stamp {
            let earlier = self.known.newest.is_some_and(|newest| stamp.as_ns() < newest.as_ns());
            self.counters.out_of_order += u64::from(earlier);
            if !earlier {
                self.known.newest = Some(stamp);
            }
        }
        match observation.item {
            Item::Field(key) => {
                let taken = take(&mut self.known.report, key, observation.value);
                self.counters.bad_values += u64::from(taken != Taken::Value);
            }
            Item::Program => self.program(observation.value, events),
        }
    }

    fn program(&mut self, name: &str, events: &mut dyn FnMut(Event)) {
        let name = name.get(..PROGRAM_BYTES_MAX).unwrap_or(name);
        let before = self.known.program.replace(name.chars().take(PROGRAM_BYTES_MAX).collect());
        if before.is_some_and(|before| Some(&before) != self.known.program.as_ref()) {
            self.broke(Break::ProgramChanged, events);
        }
    }

    fn report(&mut self, now: Instant, valid_at: Instant, events: &mut dyn FnMut(Event)) {
        self.counters.reports += 1;
        self.known.live = true;
        self.known.report.source = self.known.newest;
        self.known.report.sample.valid_at = valid_at.min(now);
        events(Event::Report(self.known.report));
    }
}

enum Followup {
    /// Nothing.
    Stay,
    /// The answer was all; the next question.
    Next,
    /// From the beginning.
    Restart(Break),
}
