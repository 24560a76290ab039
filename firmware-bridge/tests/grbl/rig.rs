//! A session and an emulator at the two ends of a line, in virtual time.

use firmware_bridge::controller::{Command, ControllerSample};
use firmware_bridge::dialect::grbl::{
    AlarmCode, Flavour, Occurrence, OverrideSettings, Role, Session, SessionSettings, StreamEnd, Tap,
};
use firmware_bridge::grbl_emulator::{Emulator, EmulatorConfig, Happening};
use shared::machine::LengthUnit;
use shared::plan::Override;
use shared::time::{Duration, Instant};

pub(crate) const FLAVOURS: [Flavour; 2] = [Flavour::Grbl, Flavour::GrblHal];

pub(crate) fn settings(flavour: Flavour) -> SessionSettings {
    SessionSettings {
        flavour,
        status_period: Duration::from_ms(50),
        overrides: OverrideSettings { raise_slew_per_s: 0.0, operator_before: None },
        report_unit: LengthUnit::Millimetre,
    }
}

pub(crate) struct Rig {
    pub(crate) now: Instant,
    pub(crate) session: Session,
    pub(crate) emulator: Emulator,
    /// Bytes to the controller since this was last cleared.
    pub(crate) sent: Vec<u8>,
    pub(crate) sample: Option<ControllerSample>,
    pub(crate) samples: u64,
    pub(crate) resets: u32,
    pub(crate) alarms: Vec<AlarmCode>,
    pub(crate) ended: Option<StreamEnd>,
    pub(crate) answered: Vec<(Vec<u8>, u8)>,
    pub(crate) done: Vec<u32>,
    pub(crate) starts: u32,
    pub(crate) status_requests: u64,
    pub(crate) highest_override: u8,
    /// When the last override byte went out, and the shortest time between two, ms.
    pub(crate) last_override_at: Option<Instant>,
    pub(crate) override_spacing_min_ms: f64,
}

impl Rig {
    pub(crate) fn new(config: EmulatorConfig) -> Self {
        let settings = settings(config.flavour);
        Self::with(config, Session::new(settings, Role::Watching(Tap::new())))
    }

    pub(crate) fn with(config: EmulatorConfig, session: Session) -> Self {
        Self {
            now: Instant::ORIGIN,
            session,
            emulator: Emulator::new(config, Instant::ORIGIN),
            sent: Vec::new(),
            sample: None,
            samples: 0,
            resets: 0,
            alarms: Vec::new(),
            ended: None,
            answered: Vec::new(),
            done: Vec::new(),
            starts: 0,
            status_requests: 0,
            highest_override: 0,
            last_override_at: None,
            override_spacing_min_ms: f64::INFINITY,
        }
    }

    /// At a controller that has been on for a while: its welcome was not heard.
    pub(crate) fn attached(config: EmulatorConfig, session: Session) -> Self {
        let mut rig = Self::with(config, session);
        rig.now = rig.now.after(Duration::from_ms(10));
        rig.emulator.advance_to(rig.now, &mut |_| ());
        rig.emulator.poll_bytes(rig.now, &mut Vec::new());
        rig
    }

    /// One millisecond.
    pub(crate) fn step(&mut self) {
        self.now = self.now.after(Duration::from_ms(1));
        let Self { now, session, emulator, sample, samples, resets, alarms, ended, answered, done, starts, .. } = self;
        emulator.advance_to(*now, &mut |happening| match happening {
            Happening::Answered { line, error } => answered.push((line.to_vec(), error)),
            Happening::Done { line } => done.push(line),
            Happening::Started => *starts += 1,
        });
        let mut bytes = Vec::new();
        emulator.poll_bytes(*now, &mut bytes);
        session.handle_bytes(*now, &bytes, &mut |occurrence| match occurrence {
            Occurrence::Sample(found) => {
                *sample = Some(found);
                *samples += 1;
            }
            Occurrence::Reset { .. } => *resets += 1,
            Occurrence::Alarm(code) => alarms.push(code),
            Occurrence::StreamEnded(end) => *ended = Some(end),
            Occurrence::Message(_) => {}
        });
        bytes.clear();
        session.poll_bytes(*now, &mut bytes);
        emulator.handle_bytes(*now, &bytes);
        self.status_requests += bytes.iter().filter(|byte| **byte == b'?').count() as u64;
        for _ in bytes.iter().filter(|byte| (0x90..=0x94).contains(*byte)) {
            if let Some(last) = self.last_override_at.replace(self.now) {
                let spacing_ms = self.now.since(last).as_ms();
                self.override_spacing_min_ms = self.override_spacing_min_ms.min(spacing_ms);
            }
        }
        self.sent.extend_from_slice(&bytes);
        self.highest_override = self.highest_override.max(self.emulator.feed_override());
    }

    pub(crate) fn run(&mut self, ms: u64) {
        (0..ms).for_each(|_| self.step());
    }

    /// Runs until something holds, at most so long; whether it does.
    pub(crate) fn run_until(&mut self, ms_max: u64, holds: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..ms_max {
            if holds(self) {
                return true;
            }
            self.step();
        }
        holds(self)
    }

    pub(crate) fn factor(&mut self, permille: u16, time_to_live_ms: u64) {
        let factor = Override::from_permille(permille).expect("in range");
        let time_to_live = Duration::from_ms(time_to_live_ms);
        self.session.handle_command(self.now, Command::Factor { factor, time_to_live });
    }

    pub(crate) fn reported(&self) -> Option<u8> {
        self.session.standing(self.now).reported.map(|value| value.percent())
    }

    pub(crate) fn operator(&self) -> Option<u8> {
        self.session.standing(self.now).operator.map(|value| value.percent())
    }

    /// Override bytes sent since the last look.
    pub(crate) fn override_bytes(&mut self) -> usize {
        let count = self.sent.iter().filter(|byte| (0x90..=0x94).contains(*byte)).count();
        self.sent.clear();
        count
    }

    /// Waits until the session has heard of the register.
    pub(crate) fn settle(&mut self) {
        assert!(self.run_until(3000, |rig| rig.reported().is_some()), "no override was ever reported");
    }
}
