//! A deterministic machine tool with a controller, behind a byte dialect.
//!
//! It runs a compiled path with the look-ahead planner of [`shared::motion::Runner`], ramps its spindle,
//! applies factors after its effect time, lets go by its own dead man, obeys the dial of an operator, and
//! reports what it does in sampled, noisy lines ([`crate::dialect::virtual_link`]). What it cuts is behind
//! [`CuttingProcess`]; it only feels the load. Whoever talks to it sees bytes and nothing else.
//!
//! It is a state machine without clock: [`VirtualController::advance_to`] moves it to an instant,
//! [`VirtualController::handle_bytes`] gives it commands that arrived at an instant, and
//! [`VirtualController::poll_bytes`] takes its reports. Inside, machine time passes in steps of 1 ms counted
//! from the origin, so that the same bytes at the same instants give the same run, however often and at which
//! instants it was advanced in between.
//!
//! Two times pass. *Wall time* is the `now` of every call: sample period, effect time, time to live, slew of
//! the dead man, stamps on reports, faults and dial changes are in wall time. *Machine time* drives motion,
//! spindle and the power meter and is `time_scale` times as fast: a machine at scale 4 moves four times its
//! reported feedrate in a wall second, and its reports still say the feedrate a display would show.
//!
//! What it does not know: plans, stations of the plan, the cloud. Rapids ignore the factor (the planner's
//! rule), forced moves ignore factor and dial.

mod clock;
mod config;
mod drive;
mod sensors;
#[cfg(test)]
pub(crate) mod tests;
mod trace;

use std::collections::VecDeque;
use std::sync::Arc;

use shared::machine::Machine;
use shared::motion::{Motion, Path, Runner};
use shared::time::{Duration, Instant};
use shared::units::Seconds;

use crate::controller::Execution;
use crate::dead_man::DeadMan;
use crate::dialect::virtual_link::{CommandDecoder, LinkCommand};
use crate::process::{CutLoad, CuttingProcess};
use clock::StepClock;
use sensors::Sensors;

pub use config::{ConfigError, DialChange, Fault, FaultKind, PowerMeter, SensorNoise, VirtualConfig};
pub use trace::{TracePoint, TraceRecorder};

/// Most bytes that wait to be taken, about 800 reports; what comes on top is dropped and counted.
const OUT_LEN_MAX: usize = 1 << 18;

/// Most commands that wait for their effect time.
const PENDING_MAX: usize = 64;

/// What happened that nobody may overlook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Reports written, torn ones included.
    pub reports: u64,
    /// Reports the noise or a stall swallowed.
    pub reports_dropped: u64,
    /// Reports that found the output full.
    pub reports_overflowed: u64,
    /// Commands taken.
    pub commands: u64,
    /// Lines that are no command, and `run` where the program cannot start.
    pub commands_refused: u64,
    /// Commands that were replaced before they had an effect because too many were waiting.
    pub commands_replaced: u64,
    /// How often a factor's time to live ran out while the program was running.
    pub expiries: u64,
}

/// The machine.
pub struct VirtualController {
    machine: Machine,
    path: Arc<Path>,
    config: VirtualConfig,
    process: Box<dyn CuttingProcess + Send>,
    runner: Runner,
    clock: StepClock,
    sensors: Sensors,
    dead_man: DeadMan,
    decoder: CommandDecoder,
    pending: VecDeque<(Instant, LinkCommand)>,
    out: Vec<u8>,
    state: State,
    counters: Counters,
}

/// Where the machine is.
#[derive(Clone, Copy, Debug)]
struct State {
    started: Option<Instant>,
    running_s: f64,
    held: bool,
    commanded: bool,
    dial_permille: u16,
    dial_next: usize,
    fault_next: usize,
    stalled_until: Instant,
    motion: Motion,
    spindle_rev_s: f64,
    load: CutLoad,
}

impl VirtualController {
    /// A machine that stands at the beginning of the program, switched on at `origin`.
    ///
    /// # Errors
    /// [`ConfigError`] where a figure is out of range.
    pub fn new(
        machine: Machine,
        path: Arc<Path>,
        process: Box<dyn CuttingProcess + Send>,
        config: VirtualConfig,
        origin: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut runner = Runner::with_stops(&machine, config.stops);
        let motion = runner.advance(&path, &machine, Seconds::ZERO, shared::motion::Drive::PROGRAMMED);
        let state = State {
            started: None,
            running_s: 0.0,
            held: false,
            commanded: false,
            dial_permille: 1000,
            dial_next: 0,
            fault_next: 0,
            stalled_until: Instant::ORIGIN,
            motion,
            spindle_rev_s: 0.0,
            load: CutLoad::default(),
        };
        Ok(Self {
            runner,
            clock: StepClock::new(origin, config.time_scale),
            sensors: Sensors::new(&config, &machine, origin),
            dead_man: DeadMan::new(config.without_us, machine.override_range.slew_per_s),
            decoder: CommandDecoder::new(),
            pending: VecDeque::with_capacity(PENDING_MAX),
            out: Vec::with_capacity(1 << 12),
            state,
            counters: Counters::default(),
            machine,
            path,
            config,
            process,
        })
    }

    /// Takes bytes that arrived at `now`. They act after the effect time; an instant the machine has already
    /// passed counts as the present.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        let Self { decoder, pending, counters, out, clock, machine, config, .. } = self;
        let lag = clock.lag(Duration::from_s(machine.override_range.effect_time.as_s()));
        let silence_ms = config.sample_period.times(10).as_ns() / 1_000_000;
        decoder.feed(bytes, |command| {
            counters.commands += 1;
            if command == LinkCommand::Ping {
                push_line(out, format_args!("* PONG {}\n", silence_ms.max(1)));
                return;
            }
            if pending.len() == PENDING_MAX {
                // A newer factor makes an older one pointless; a hold is never given up for one.
                let oldest = pending.iter().position(|(_, waiting)| matches!(waiting, LinkCommand::Factor { .. }));
                pending.remove(oldest.unwrap_or(0));
                counters.commands_replaced += 1;
            }
            pending.push_back((now.after(lag), command));
        });
    }

    /// The link broke: an unfinished line is refused. The machine goes on; its dead man will let go.
    pub fn handle_disconnect(&mut self) {
        self.decoder.disconnect();
    }

    /// The process that plays the machine was not run for a while. A real machine would have gone on under commands
    /// renewed meanwhile; this one stands still instead of making up for it at once under an old command. Says for how
    /// long it stood, beyond `behind_max`.
    pub fn stand_still(&mut self, now: Instant, behind_max: Duration) -> Duration {
        self.clock.stand_still(now, behind_max)
    }

    /// Moves the machine to an instant and hands over every step of a running program.
    pub fn advance_to(&mut self, now: Instant, trace: &mut dyn FnMut(&TracePoint)) {
        loop {
            let (step_at, sample_at) = (self.clock.next_step(), self.sensors.next_at());
            if sample_at < step_at && sample_at <= now {
                self.sample(sample_at);
            } else if step_at <= now {
                self.step(trace);
            } else {
                return;
            }
        }
    }

    /// Moves all waiting output to the end of `into`.
    pub fn poll_bytes(&mut self, into: &mut Vec<u8>) {
        into.append(&mut self.out);
    }

    /// When the machine next has something to say.
    pub fn poll_timeout(&self) -> Instant {
        self.sensors.next_at()
    }

    /// What it is doing.
    pub fn execution(&self) -> Execution {
        use shared::motion::StillKind;
        let state = &self.state;
        match state.started {
            None => Execution::Ready,
            Some(_) if state.motion.finished => Execution::ProgramCompleted,
            Some(_) if state.held => Execution::FeedHold,
            Some(_) if state.motion.still == Some(StillKind::Stop) => Execution::ProgramStopped,
            Some(_) => Execution::Active,
        }
    }

    /// Where it is on its path.
    pub fn motion(&self) -> Motion {
        self.state.motion
    }

    /// Machine time from the start of the program until now or its end, waits for a person left out.
    pub fn cycle_time(&self) -> Seconds {
        Seconds::s(self.state.running_s)
    }

    /// What happened.
    pub fn counters(&self) -> Counters {
        Counters { commands_refused: self.counters.commands_refused + self.decoder.refused(), ..self.counters }
    }
}

impl std::fmt::Debug for VirtualController {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualController")
            .field("machine", &self.machine.name)
            .field("execution", &self.execution())
            .field("station", &self.state.motion.station)
            .finish_non_exhaustive()
    }
}

fn push_line(out: &mut Vec<u8>, line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    if out.len() < OUT_LEN_MAX {
        out.write_fmt(line).expect("writing to a Vec does not fail");
    }
}
