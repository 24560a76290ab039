//! One grbl at the other end of a pair of byte streams, in the words of every controller.
//!
//! It owns the order of what goes out: a hold first, then one override byte, then a status request, then lines. It
//! never sends a cycle start and never resets: what a person stopped, or the controller, a person starts again.

use shared::geom::Point;
use shared::machine::LengthUnit;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, RotaryVelocity};

use super::status::{Axes, Position, State, StatusReport};
use super::{
    AlarmCode, Counters, Declaration, Decoder, Event, Flavour, OverrideLoop, OverrideSettings, RealTime, Register,
    Standing, StreamEnd, Streamer, Tap,
};
use crate::controller::{Command, ControllerMode, ControllerSample, Execution};

/// Settings; no default, all matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionSettings {
    /// What is believed to be there; the welcome corrects it.
    pub flavour: Flavour,
    /// Time between two status requests, not below [`super::STATUS_PERIOD_MIN`].
    pub status_period: Duration,
    /// For the override.
    pub overrides: OverrideSettings,
    /// Unit of reports, `$13`. Where the setting passes by it is corrected.
    pub report_unit: LengthUnit,
}

/// Who sends the program.
#[derive(Clone, Debug)]
pub enum Role {
    /// Another sender, through us.
    Watching(Tap),
    /// We do. Boxed: it is ten times the size of a tap.
    Sending(Box<Streamer>),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Occurrence<'a> {
    /// A status report, as a sample.
    Sample(ControllerSample),
    /// The controller has started anew; overrides are given up, a stream has ended.
    Reset {
        /// Which of the two says so; `None` where the welcome was not readable.
        flavour: Option<Flavour>,
    },
    /// The controller has stopped. Position is lost if the alarm says so.
    Alarm(AlarmCode),
    /// The stream has ended; its account is in [`Session::streamer`].
    StreamEnded(StreamEnd),
    /// A message, without its brackets.
    Message(&'a str),
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The override will be driven there.
    Factor,
    /// The controller does not go so low: its lowest override is used. Whether to hold instead is the caller's
    /// decision.
    BelowRange {
        /// Lowest factor.
        lowest: Override,
    },
    /// A feed hold goes out. A person releases it.
    Hold,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Session {
    settings: SessionSettings,
    declaration: Declaration,
    decoder: Decoder,
    heard: Heard,
    role: Role,
    status_at: Instant,
    hold_due: bool,
    held: bool,
}

/// What the controller's words go through.
#[derive(Clone, Debug)]
struct Heard {
    overrides: OverrideLoop,
    offset: Option<Axes>,
    unit: LengthUnit,
    program_ended: bool,
    stream_ended: bool,
}

impl Session {
    /// Knows nothing about the controller yet.
    pub fn new(settings: SessionSettings, role: Role) -> Self {
        Self {
            declaration: settings.flavour.declaration(settings.status_period),
            decoder: Decoder::new(),
            heard: Heard {
                overrides: OverrideLoop::new(settings.overrides),
                offset: None,
                unit: settings.report_unit,
                program_ended: false,
                stream_ended: false,
            },
            role,
            status_at: Instant::ORIGIN,
            hold_due: false,
            held: false,
            settings,
        }
    }

    /// What is declared for the controller.
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// Takes bytes of the controller that came at `now`.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8], occurred: &mut dyn FnMut(Occurrence<'_>)) {
        let Self { decoder, heard, role, hold_due, held, .. } = self;
        if let Role::Watching(tap) = role {
            tap.hear(bytes);
        }
        decoder.feed(bytes, &mut |event| {
            if let Role::Sending(streamer) = role {
                streamer.handle_event(now, &event);
                *hold_due |= streamer.poll_hold();
            }
            if let Event::Welcome { .. } | Event::PerhapsWelcome = event {
                *held = false;
            }
            heard.event(now, &event, role, occurred);
        });
    }

    /// Takes bytes of the other sender and says how many; offer the rest again. As the sender ourselves: none.
    pub fn handle_sender(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let Self { heard, role: Role::Watching(tap), status_at, settings, .. } = self else {
            return 0;
        };
        let period = settings.status_period.max(super::STATUS_PERIOD_MIN);
        tap.take(bytes, &mut |command| match command {
            RealTime::Feed(step) => heard.overrides.handle_operator_step(now, step),
            // Half a period longer: whoever asks as often as we do need not be asked beside.
            RealTime::StatusRequest => *status_at = now.after(period.plus(Duration::from_ns(period.as_ns() / 2))),
            RealTime::SoftReset => heard.overrides.forget(),
            _ => {}
        })
    }

    /// Takes a command; bytes follow from [`Self::poll_bytes`].
    pub fn handle_command(&mut self, now: Instant, command: Command) -> Taken {
        let Command::Factor { factor, time_to_live } = command else {
            return self.hold();
        };
        if factor == Override::STOP {
            return self.hold();
        }
        self.held = false;
        // Rounded down: to round up would break the bound that the factor rests on.
        let register = u8::try_from(factor.permille() / 10).ok().and_then(Register::new);
        let lowest = Register::clamped(0);
        self.heard.overrides.hold(register.unwrap_or(lowest), now.after(time_to_live));
        match register {
            Some(_) => Taken::Factor,
            None => Taken::BelowRange { lowest: permille(lowest) },
        }
    }

    /// Gives the operator's value back at once instead of when the last command expires.
    pub fn let_go(&mut self) {
        self.heard.overrides.let_go();
    }

    /// Appends what has to go to the controller now.
    pub fn poll_bytes(&mut self, now: Instant, into: &mut Vec<u8>) {
        if std::mem::take(&mut self.hold_due) {
            into.push(RealTime::FeedHold.byte());
        }
        if let Some(step) = self.heard.overrides.poll_step(now) {
            into.push(RealTime::Feed(step).byte());
        }
        if now >= self.status_at {
            self.status_at = now.after(self.settings.status_period.max(super::STATUS_PERIOD_MIN));
            into.push(RealTime::StatusRequest.byte());
        }
        match &mut self.role {
            Role::Watching(tap) => tap.poll_controller(into),
            Role::Sending(streamer) => streamer.poll_bytes(now, into),
        }
    }

    /// Appends what has to go to the other sender.
    pub fn poll_sender(&mut self, into: &mut Vec<u8>) {
        if let Role::Watching(tap) = &mut self.role {
            tap.poll_sender(into);
        }
    }

    /// When to ask for bytes again if nothing comes before.
    pub fn poll_timeout(&self, now: Instant) -> Instant {
        let status_at = self.status_at.max(now);
        self.heard.overrides.poll_timeout(now).map_or(status_at, |at| at.min(status_at)).max(now)
    }

    /// Begins a program, as the sender. A stream that is under way is stopped.
    pub fn send_program(&mut self, streamer: Streamer) {
        self.heard.stream_ended = false;
        self.heard.program_ended = false;
        self.role = Role::Sending(Box::new(streamer));
    }

    /// The link broke. A stream has ended and a command is forgotten; after reconnecting nothing goes on by itself.
    pub fn handle_disconnect(&mut self, occurred: &mut dyn FnMut(Occurrence<'_>)) {
        self.decoder.disconnect();
        self.heard.overrides.forget();
        self.heard.offset = None;
        (self.hold_due, self.held) = (false, false);
        match &mut self.role {
            Role::Watching(tap) => tap.reset_controller(),
            Role::Sending(streamer) => streamer.disconnect(),
        }
        self.heard.stream(&self.role, occurred);
    }

    /// The account of our stream; `None` where another sends.
    pub fn streamer(&self) -> Option<&Streamer> {
        match &self.role {
            Role::Sending(streamer) => Some(streamer),
            Role::Watching(_) => None,
        }
    }

    /// The way to the other sender; `None` where we send.
    pub fn tap(&mut self) -> Option<&mut Tap> {
        match &mut self.role {
            Role::Watching(tap) => Some(tap),
            Role::Sending(_) => None,
        }
    }

    /// The override as it stands.
    pub fn standing(&self, now: Instant) -> Standing {
        self.heard.overrides.standing(now)
    }

    /// What was understood and what not.
    pub fn counters(&self) -> Counters {
        self.decoder.counters()
    }

    /// Bytes of memory that could grow, and do not.
    pub fn memory_bytes(&self) -> usize {
        let role = match &self.role {
            Role::Watching(tap) => tap.memory_bytes(),
            Role::Sending(streamer) => streamer.memory_bytes(),
        };
        self.decoder.memory_bytes() + role
    }

    fn hold(&mut self) -> Taken {
        // Once: a hold that a person has released is not repeated by the same command.
        self.hold_due |= !std::mem::replace(&mut self.held, true);
        Taken::Hold
    }
}

impl Heard {
    fn event(&mut self, now: Instant, event: &Event<'_>, role: &Role, occurred: &mut dyn FnMut(Occurrence<'_>)) {
        match event {
            Event::Status(report) => {
                self.overrides.handle_report(now, report.overrides.map(|overrides| overrides.feed));
                self.offset = report.offset.or(self.offset);
                if report.state == State::Run {
                    self.program_ended = false;
                }
                occurred(Occurrence::Sample(self.sample(now, report, role)));
            }
            Event::Welcome { .. } | Event::PerhapsWelcome => {
                self.overrides.forget();
                (self.offset, self.program_ended) = (None, false);
                let flavour = if let Event::Welcome { flavour, .. } = event { Some(*flavour) } else { None };
                occurred(Occurrence::Reset { flavour });
            }
            Event::Alarm(code) => {
                self.overrides.let_go();
                occurred(Occurrence::Alarm(*code));
            }
            Event::Message(text) => {
                self.program_ended |= text.starts_with("MSG:Pgm End");
                occurred(Occurrence::Message(text));
            }
            Event::Setting { number: 13, value } => {
                self.unit = if value.starts_with('1') { LengthUnit::Inch } else { LengthUnit::Millimetre };
            }
            Event::Answer(_) | Event::ParserState | Event::Setting { .. } => {}
            Event::StartupLine(_) | Event::Unreadable => {}
        }
        self.stream(role, occurred);
    }

    fn stream(&mut self, role: &Role, occurred: &mut dyn FnMut(Occurrence<'_>)) {
        if let Role::Sending(streamer) = role
            && let Some(end) = streamer.end_reason()
            && !self.stream_ended
        {
            self.stream_ended = true;
            occurred(Occurrence::StreamEnded(end));
        }
    }

    fn sample(&self, now: Instant, report: &StatusReport, role: &Role) -> ControllerSample {
        let unit_mm = self.unit.mm();
        let standing = self.overrides.standing(now);
        let counter_clockwise = report.accessories.is_some_and(|set| set & (1 << (b'C' - b'A')) != 0);
        let spindle = |rpm: f64| RotaryVelocity::rpm(if counter_clockwise { -rpm } else { rpm });
        ControllerSample {
            execution: Some(self.execution(report.state, role)),
            mode: Some(match report.state {
                State::Jog | State::Home => ControllerMode::Manual,
                _ => ControllerMode::Automatic,
            }),
            line: report.line.filter(|line| *line > 0),
            position: self.tip(report, unit_mm),
            path_feedrate: report.feed_per_min.map(|feed| Feedrate::mm_s(feed * unit_mm / 60.0)),
            dial_permille: standing.operator.map(|value| u16::from(value.percent()) * 10),
            factor: standing.reported.map(|value| in_force(value, &standing)),
            factor_enabled: standing.reported.map(|_| standing.obeyed),
            rotary_velocity: report.spindle_rpm.map(spindle),
            ..ControllerSample::unavailable(now)
        }
    }

    /// Machine positions need the work offset, which comes only now and then.
    fn tip(&self, report: &StatusReport, unit_mm: f64) -> Option<Point> {
        let [x, y, z] = match report.position? {
            Position::Work(axes) => axes.xyz()?,
            Position::Machine(axes) => {
                let (at, offset) = (axes.xyz()?, self.offset?.xyz()?);
                [at[0] - offset[0], at[1] - offset[1], at[2] - offset[2]]
            }
        };
        Some(Point::new(x * unit_mm, y * unit_mm, z * unit_mm))
    }

    fn execution(&self, state: State, role: &Role) -> Execution {
        // Between two motions and in a dwell the state is Idle while the program goes on.
        let sending = match role {
            Role::Sending(streamer) => !streamer.has_ended() && streamer.report_begun(),
            Role::Watching(_) => false,
        };
        let completed = match role {
            Role::Sending(streamer) => streamer.has_completed(),
            Role::Watching(_) => self.program_ended,
        };
        match state {
            State::Idle if sending => Execution::Active,
            State::Idle if completed => Execution::ProgramCompleted,
            State::Idle | State::Jog | State::Check | State::Home => Execution::Ready,
            State::Run => Execution::Active,
            State::Hold(_) => Execution::FeedHold,
            State::Door(_) => Execution::Interrupted,
            State::Tool => Execution::ProgramStopped,
            State::Alarm | State::Sleep => Execution::Stopped,
        }
    }
}

/// The factor of ours that the register shows: below the operator's value it is ours that holds it down.
fn in_force(reported: Register, standing: &Standing) -> Override {
    let ours = standing.operator.is_some_and(|operator| reported < operator);
    if ours { permille(reported) } else { Override::PROGRAMMED }
}

fn permille(register: Register) -> Override {
    Override::from_permille(u16::from(register.percent()) * 10).unwrap_or(Override::PROGRAMMED)
}
