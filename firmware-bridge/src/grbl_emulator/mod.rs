//! A grbl or grblHAL of our own, written from the protocol facts, to be the peer in tests and at the bench.
//!
//! It is there for the traps: presses that meet in one turn of the main loop are one press (grbl) or the seventeenth
//! is dropped (grblHAL); `Ov` comes on change and every ten to twenty reports, `WCO` every ten to thirty and never
//! beside it; a status request is served before overrides that came with it; a receive buffer that overflows loses
//! bytes without a word; an answered line may still wait in the planner, and a reset throws it away. Bytes take time
//! on the line in both directions, and a seeded line damages them.
//!
//! A state machine without clock, like [`crate::virtual_controller`]: it is driven by `now`, and the same bytes at the
//! same instants give the same run. It shares no arithmetic with the dialect it is the peer of: register, parser and
//! report are its own. Not here: homing that finds switches, probing, tool change, stored settings.
//!
//! Source: grbl 1.1 wiki and, for the order in which its main loop serves requests, its documented protocol notes;
//! measured behaviour in CONTROLLERS.md section 2.

mod config;
mod gcode;
mod intake;
mod line_out;
mod motion;
mod report;

use std::collections::VecDeque;

use shared::det::Rng;
use shared::time::{Duration, Instant};

use crate::dialect::grbl::{FeedStep, Flavour};
use gcode::{Block, Modal, Request};
use intake::Intake;
use line_out::LineOut;
use motion::{Axes, Drive};
use report::Refresh;

pub use config::{EmulatorConfig, Incident, IncidentKind, Noise};

/// Most bytes on the way in.
const INCOMING_MAX: usize = 1 << 16;
/// Bytes of the ring that are read in one turn of the main loop.
const READ_PER_PASS: usize = 256;

/// What really happened, which no controller tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    /// A line was answered.
    Answered {
        /// As the parser saw it: no blanks, no comments, capitals.
        line: &'a [u8],
        /// 0 for `ok`.
        error: u8,
    },
    /// A motion ended.
    Done {
        /// Its N word; 0 without one.
        line: u32,
    },
    /// The controller started anew.
    Started,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Run,
    Hold,
    Door,
    Alarm,
}

/// What the parser waits for before it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pending {
    Block(Block),
    /// Planner empty, then so many s.
    Dwell(f64),
    DwellUntil(Instant),
    Pause,
    Paused,
    End,
}

/// The emulator.
#[derive(Clone, Debug)]
pub struct Emulator {
    config: EmulatorConfig,
    origin: Instant,
    next_pass: Instant,
    incoming: VecDeque<(Instant, u8)>,
    last_in: Instant,
    rng_in: Rng,
    intake: Intake,
    out: LineOut,
    axes: Axes,
    modal: Modal,
    state: State,
    locked: bool,
    line: Vec<u8>,
    comment: Option<u8>,
    overflow: bool,
    pending: Option<Pending>,
    feed: u8,
    /// Overrides that motion does not know yet.
    lagging: VecDeque<(Instant, u8)>,
    feed_in_motion: u8,
    overrides_off: bool,
    refresh: Refresh,
    busy_until: Instant,
    incident: usize,
    inches: bool,
}

impl Emulator {
    /// Switched on at `origin`; it welcomes.
    pub fn new(config: EmulatorConfig, origin: Instant) -> Self {
        let (ring, blocks) = match config.flavour {
            Flavour::Grbl => (128, 15),
            Flavour::GrblHal => (1024, 100),
        };
        let rng = Rng::new(config.seed);
        let mut emulator = Self {
            origin,
            next_pass: origin.after(config.pass),
            incoming: VecDeque::new(),
            last_in: origin,
            rng_in: rng.fork("in"),
            intake: Intake::new(config.flavour, ring),
            out: LineOut::new(rng.fork("out"), config.noise, config.byte_time),
            axes: Axes::new(blocks, config.acceleration_mm_s2, config.rapid_mm_s),
            modal: Modal::new([0.0; 3]),
            state: State::Idle,
            locked: false,
            line: Vec::with_capacity(256),
            comment: None,
            overflow: false,
            pending: None,
            feed: config.feed_override.clamp(10, 200),
            lagging: VecDeque::new(),
            feed_in_motion: config.feed_override.clamp(10, 200),
            overrides_off: false,
            refresh: Refresh::default(),
            busy_until: origin,
            incident: 0,
            inches: false,
            config,
        };
        emulator.welcome(origin);
        emulator
    }

    /// Takes bytes that were sent at `now`; they arrive one after the other.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        for byte in bytes {
            self.last_in = self.last_in.max(now).after(self.config.byte_time);
            let joined = *byte == b'\n' && self.rng_in.chance(self.config.noise.joined);
            self.out.damaged += u64::from(joined);
            if self.incoming.len() < INCOMING_MAX && !joined {
                self.incoming.push_back((self.last_in, *byte));
            }
        }
    }

    /// Moves the controller to an instant.
    pub fn advance_to(&mut self, now: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        while self.next_pass <= now {
            let at = self.next_pass;
            self.next_pass = at.after(self.config.pass.max(Duration::from_us(100)));
            while let Some((_, byte)) = self.incoming.front().copied().filter(|(arrived, _)| *arrived <= at) {
                self.incoming.pop_front();
                self.intake.receive(byte);
            }
            self.pass(at, happened);
        }
    }

    /// Appends what has come out of the line by `now`.
    pub fn poll_bytes(&mut self, now: Instant, into: &mut Vec<u8>) {
        self.out.poll(now, into);
    }

    /// When the main loop next comes round.
    pub fn poll_timeout(&self) -> Instant {
        self.next_pass
    }

    /// The override register, per cent.
    pub fn feed_override(&self) -> u8 {
        self.feed
    }

    /// Real speed, mm/s.
    pub fn speed_mm_s(&self) -> f64 {
        self.axes.speed()
    }

    /// True where it stands with nothing to do.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle && self.axes.is_empty() && self.pending.is_none()
    }

    /// Lines damaged or lost on the way, both ways.
    pub fn lines_damaged(&self) -> u64 {
        self.out.damaged
    }

    /// Bytes that found a buffer full.
    pub fn bytes_dropped(&self) -> u64 {
        self.intake.dropped
    }

    fn pass(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        self.incidents(at, happened);
        if at >= self.busy_until {
            self.requests(at, happened);
        }
        self.motion(at, happened);
        if at >= self.busy_until && !self.locked {
            self.parse(at, happened);
        }
    }

    fn incidents(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        while let Some(incident) = self.config.incidents.get(self.incident).copied() {
            if self.origin.after(incident.at) > at {
                return;
            }
            self.incident += 1;
            match incident.kind {
                IncidentKind::PowerCycle => {
                    self.state = State::Idle;
                    self.start_anew(at, happened);
                }
                IncidentKind::Alarm(code) => self.alarm(at, code, happened),
                IncidentKind::Hold => self.intake.flags.hold = true,
                IncidentKind::Resume => self.intake.flags.start = true,
                IncidentKind::Door => self.intake.flags.door = true,
                IncidentKind::Press(step) => {
                    let change = |percent: u8, by: i16| (i16::from(percent) + by).clamp(10, 200) as u8;
                    let pressed = match step {
                        FeedStep::Reset => 100,
                        FeedStep::Plus10 => change(self.feed, 10),
                        FeedStep::Minus10 => change(self.feed, -10),
                        FeedStep::Plus1 => change(self.feed, 1),
                        FeedStep::Minus1 => change(self.feed, -1),
                    };
                    self.set_feed(at, pressed);
                }
                IncidentKind::Busy(span) => self.busy_until = at.after(span),
                IncidentKind::Garbage(bytes) => self.out.garbage(at, bytes),
                IncidentKind::OverridesOff(off) => self.overrides_off = off,
            }
        }
    }

    /// In the order of the main loop: reset, status, hold and start, overrides.
    fn requests(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        if self.intake.flags.reset {
            let moving = self.axes.is_moving() || self.state == State::Run;
            if moving {
                self.out.say(at, "ALARM:3");
            }
            let stays = self.state == State::Alarm && !self.locked;
            self.state = if moving || stays { State::Alarm } else { State::Idle };
            self.start_anew(at, happened);
        }
        if self.locked {
            self.intake.flags = Default::default();
            return;
        }
        let flags = std::mem::take(&mut self.intake.flags);
        if flags.status {
            let text = self.status_report();
            self.out.say(at, &text);
        }
        match (flags, self.state) {
            (intake::Flags { door: true, .. }, State::Idle | State::Run | State::Hold) => self.state = State::Door,
            (intake::Flags { hold: true, .. }, State::Run) => self.state = State::Hold,
            (intake::Flags { start: true, .. }, State::Hold | State::Door) if !self.axes.is_moving() => {
                self.state = if self.axes.is_empty() { State::Idle } else { State::Run };
                if self.pending == Some(Pending::Paused) {
                    self.pending = None;
                    self.answer(at, 0, happened);
                }
            }
            _ => {}
        }
        let feed = self.intake.overridden(self.feed);
        if !self.overrides_off {
            self.set_feed(at, feed);
        }
    }

    fn set_feed(&mut self, at: Instant, percent: u8) {
        if percent != self.feed {
            self.feed = percent;
            self.refresh.override_changed();
            self.lagging.push_back((at.after(self.config.segment_lag), percent));
        }
    }

    fn motion(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        while let Some((_, percent)) = self.lagging.front().copied().filter(|(due, _)| *due <= at) {
            self.lagging.pop_front();
            self.feed_in_motion = percent;
        }
        let hold = matches!(self.state, State::Hold | State::Door);
        let drive = Drive { feed: f64::from(self.feed_in_motion) / 100.0, rapid: 1.0, hold };
        if self.state != State::Alarm {
            self.axes.step(self.config.pass.as_s(), drive, &mut |line| happened(Happening::Done { line }));
        }
        match self.state {
            State::Idle if !self.axes.is_empty() => self.state = State::Run,
            State::Run if self.axes.is_empty() => self.state = State::Idle,
            _ => {}
        }
    }

    fn parse(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        for _ in 0..READ_PER_PASS {
            if !self.resolve(at, happened) {
                return;
            }
            let Some(byte) = self.intake.next() else { return };
            match (byte, self.comment) {
                (b'\n' | b'\r', _) => {
                    self.comment = None;
                    self.execute(at, happened);
                }
                (b')', Some(b'(')) => self.comment = None,
                (_, Some(_)) => {}
                (b'(' | b';', None) => self.comment = Some(byte),
                (b'!'..=b'~', None) => {
                    self.overflow |= self.line.len() >= self.line_len_max();
                    if !self.overflow {
                        self.line.push(byte.to_ascii_uppercase());
                    }
                }
                _ => {}
            }
        }
    }

    fn line_len_max(&self) -> usize {
        if self.config.flavour == Flavour::Grbl { 79 } else { 256 }
    }

    /// Gets rid of what the parser waits for; false where it still waits.
    fn resolve(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) -> bool {
        let empty = self.axes.is_empty();
        match self.pending {
            None => return true,
            Some(Pending::Block(block)) if self.axes.free() > 0 => self.axes.push(block),
            Some(Pending::Dwell(span_s)) if empty => {
                self.pending = Some(Pending::DwellUntil(at.after(Duration::from_s(span_s))));
                return false;
            }
            Some(Pending::DwellUntil(until)) if at >= until => {}
            Some(Pending::Pause) if empty => {
                (self.state, self.pending) = (State::Hold, Some(Pending::Paused));
                return false;
            }
            Some(Pending::End) if empty => {
                self.set_feed(at, 100);
                self.out.say(at, "[MSG:Pgm End]");
            }
            Some(_) => return false,
        }
        self.pending = None;
        self.answer(at, 0, happened);
        true
    }

    fn execute(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        let line = std::mem::take(&mut self.line);
        let request = if std::mem::take(&mut self.overflow) {
            Err(11)
        } else if line.first() == Some(&b'$') {
            self.command(at, &line).map(|()| Request::Nothing)
        } else if line.is_empty() {
            Ok(Request::Nothing)
        } else if self.state == State::Alarm {
            Err(9)
        } else {
            self.modal.read(&line, self.config.work_offset_mm)
        };
        self.line = line;
        match request {
            Ok(Request::Nothing) => self.answer(at, 0, happened),
            Ok(Request::Move(block)) => self.pending = Some(Pending::Block(block)),
            Ok(Request::Dwell(span_s)) => self.pending = Some(Pending::Dwell(span_s)),
            Ok(Request::Pause) => self.pending = Some(Pending::Pause),
            Ok(Request::End) => self.pending = Some(Pending::End),
            Err(code) => self.answer(at, code, happened),
        }
    }

    fn command(&mut self, at: Instant, line: &[u8]) -> Result<(), u8> {
        match line {
            b"$G" => {
                let text = self.modal.describe();
                self.out.say(at, &text);
            }
            b"$X" => {
                if self.state == State::Alarm {
                    self.state = State::Idle;
                    self.out.say(at, "[MSG:Caution: Unlocked]");
                }
            }
            b"$H" => self.state = State::Idle,
            b"$I" => self.out.say(at, "[VER:1.1h.20190825:]"),
            b"$$" if self.state == State::Run => return Err(8),
            b"$$" => {
                let mask = u8::from(self.config.machine_position) | u8::from(self.config.buffer_in_report) << 1;
                self.out.say(at, &format!("$10={mask}"));
                self.out.say(at, &format!("$13={}", u8::from(self.inches)));
            }
            b"$13=0" | b"$13=1" => self.inches = line.ends_with(b"1"),
            _ => return Err(3),
        }
        Ok(())
    }

    /// The answer to the line that is in the line buffer.
    fn answer(&mut self, at: Instant, error: u8, happened: &mut dyn FnMut(Happening<'_>)) {
        let text = if error == 0 { "ok".to_owned() } else { format!("error:{error}") };
        self.out.say(at, &text);
        happened(Happening::Answered { line: &self.line, error });
        self.line.clear();
    }

    fn alarm(&mut self, at: Instant, code: u8, happened: &mut dyn FnMut(Happening<'_>)) {
        self.out.say(at, &format!("ALARM:{code}"));
        self.axes.flush();
        self.modal.position = self.axes.position();
        self.state = State::Alarm;
        self.locked = code <= 2;
        if self.locked {
            self.out.say(at, "[MSG:Reset to continue]");
        } else if self.pending.take().is_some() {
            self.answer(at, 9, happened);
        }
    }

    fn start_anew(&mut self, at: Instant, happened: &mut dyn FnMut(Happening<'_>)) {
        self.axes.flush();
        self.modal = Modal::new(self.axes.position());
        self.intake.clear();
        self.line.clear();
        (self.comment, self.overflow, self.pending, self.locked) = (None, false, None, false);
        (self.feed, self.feed_in_motion, self.overrides_off) = (100, 100, false);
        self.lagging.clear();
        self.refresh = Refresh::default();
        happened(Happening::Started);
        self.welcome(at);
    }

    fn welcome(&mut self, at: Instant) {
        self.out.say(at, "");
        self.out.say(
            at,
            match self.config.flavour {
                Flavour::Grbl => "Grbl 1.1h ['$' for help]",
                Flavour::GrblHal => "GrblHAL 1.1f ['$' or '$HELP' for help]",
            },
        );
        if self.state == State::Alarm {
            self.out.say(at, "[MSG:'$H'|'$X' to unlock]");
        }
    }
}
