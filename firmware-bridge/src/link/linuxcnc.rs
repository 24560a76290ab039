//! LinuxCNC as the cycle of an agent uses it: ticks and reports in, a factor and a heartbeat out.
//!
//! What blocks is done in a thread of its own: looking whether LinuxCNC runs, entering HAL, reading what the program
//! beside it tells, reading the program's bytes again and hashing them. The cycle takes what that thread has left in a
//! bounded queue, takes the ticks, and writes. LinuxCNC may start after the agent and end before it: the link waits, and
//! whoever comes back after an end finds a machine that says *stopped*.
//!
//! The heartbeat changes only in a turn in which a command came, which is one that passed the agent's gate. Nothing is
//! written before the first command: an agent in shadow leaves no trace in HAL but its name.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use shared::plan::Override;
use shared::time::{Duration, Instant};

use super::LinkError;
use super::hal::HalLink;
use crate::controller::{Command, ControllerSample, Execution, Objection};
use crate::dialect::linuxcnc::{
    Commander, ContextExpectation, DialInCommand, EffectMeter, EffectTimes, GateVerdict, Reader, ReaderConfig, Tick,
    TickSample,
};
use watch::{Watch, Watched};

/// Reports on their way to the cycle; a cycle takes all that wait.
const QUEUE_LEN: usize = 64;
/// Room for the ticks of one look: more than a sampler keeps.
const TICKS_MAX: usize = 65_536;
/// Changes after which the effect time counts as measured.
const MEASURED_AFTER: usize = 8;

/// How LinuxCNC is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct LinuxCncSettings {
    /// LinuxCNC's library of HAL ([`super::hal::HAL_LIBRARY`]).
    pub library: String,
    /// Which sampler.
    pub channel: u32,
    /// Where the program that tells what only the task knows is found.
    pub status: StatusSource,
    /// Figures of the machine.
    pub reader: ReaderConfig,
    /// Value without us.
    pub without_us: Override,
    /// Longest effect time under which a plan is followed.
    pub effect_time_max: Duration,
    /// What the job rests on.
    pub expected: ContextExpectation,
}

/// Where reports come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusSource {
    /// The agent starts the program itself, with this Python, from this file.
    Program {
        /// LinuxCNC's own Python.
        python: PathBuf,
        /// The program.
        script: PathBuf,
    },
    /// Somebody else runs it with `--socket`.
    Socket(PathBuf),
}

/// What the link has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinuxCncFigures {
    /// Ticks taken.
    pub ticks: u64,
    /// Numbers of ticks that never came.
    pub ticks_lost: u64,
    /// Reports taken.
    pub reports: u64,
    /// Reports that found the queue full.
    pub reports_dropped: u64,
    /// From a write to the tick with another factor.
    pub taken: EffectTimes,
    /// From a write at steady speed to the tick with another speed.
    pub felt: EffectTimes,
    /// Writes without any effect.
    pub unanswered: u64,
    /// The effect time, once it counts as measured: the middle one of the first changes.
    pub measured: Option<Duration>,
}

/// What cycle and thread share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// LinuxCNC has ended: HAL is to be left.
    gone: AtomicBool,
    /// How often the operator has accepted what the job leaves open.
    accepted: AtomicU64,
    dropped: AtomicU64,
}

/// An open link; LinuxCNC need not run.
pub struct LinuxCncLink {
    hal: Option<Box<HalLink>>,
    reader: Reader,
    commander: Commander,
    meter: EffectMeter,
    settings: LinuxCncSettings,
    newest: Option<TickSample>,
    ticks: Vec<Tick>,
    watched: Receiver<Watched>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// When the last turn began, on both clocks.
    turn: Option<(Instant, std::time::Instant)>,
    commanded: bool,
    has_commanded: bool,
    entered_before: bool,
    objection: Option<Objection>,
    measured: Option<Duration>,
    counts: (u64, u64),
}

impl std::fmt::Debug for LinuxCncLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinuxCncLink").field("hal", &self.hal).finish_non_exhaustive()
    }
}

impl LinuxCncLink {
    /// Starts to look for LinuxCNC. `say` is told, in the link's own thread, what happens and what is in the way.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the thread does not start.
    pub fn open(settings: LinuxCncSettings, say: impl Fn(&str) + Send + 'static) -> Result<Self, LinkError> {
        let (sender, watched) = sync_channel(QUEUE_LEN);
        let shared = Arc::new(Shared::default());
        let watch = Watch::new(settings.clone(), sender, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("linuxcnc".to_owned())
            .spawn(move || watch.run(say))
            .map_err(LinkError::io("starting the thread beside LinuxCNC"))?;
        Ok(Self {
            hal: None,
            reader: Reader::new(settings.reader),
            commander: Commander::new(DialInCommand::Divided, settings.without_us),
            meter: EffectMeter::new(),
            newest: None,
            ticks: Vec::with_capacity(TICKS_MAX),
            watched,
            shared,
            thread: Some(thread),
            turn: None,
            commanded: false,
            has_commanded: false,
            entered_before: false,
            objection: None,
            measured: None,
            counts: (0, 0),
            settings,
        })
    }

    /// Takes what has come and hands over a sample for each tick, oldest first.
    pub fn receive(&mut self, now: Instant, sampled: &mut dyn FnMut(ControllerSample)) {
        self.turn = Some((now, std::time::Instant::now()));
        self.commanded = false;
        while let Ok(watched) = self.watched.try_recv() {
            match watched {
                Watched::Entered(hal) => self.enter(now, hal, sampled),
                Watched::Status { status, objection, accepted } => {
                    self.reader.handle_status(now, &status);
                    // One from before the operator re-armed is over.
                    self.objection = objection.filter(|_| accepted == self.shared.accepted.load(Ordering::Acquire));
                    self.counts.1 += 1;
                }
            }
        }
        if self.shared.gone.load(Ordering::Acquire) && self.hal.take().is_some() {
            // Its memory goes with the last one who holds it.
            self.newest = None;
            sampled(stopped(now));
            self.shared.gone.store(false, Ordering::Release);
        }
        self.take_ticks(now, sampled);
    }

    fn enter(&mut self, now: Instant, mut hal: Box<HalLink>, sampled: &mut dyn FnMut(ControllerSample)) {
        // What the sampler kept from before this reader is nobody's present.
        hal.take_ticks(|_| {});
        self.reader.reset();
        self.commander = Commander::new(DialInCommand::Divided, self.settings.without_us);
        self.has_commanded = false;
        self.hal = Some(hal);
        if std::mem::replace(&mut self.entered_before, true) {
            sampled(stopped(now));
        }
    }

    fn take_ticks(&mut self, now: Instant, sampled: &mut dyn FnMut(ControllerSample)) {
        let Some(hal) = &mut self.hal else { return };
        let (ticks, meter, newest) = (&mut self.ticks, &mut self.meter, &mut self.newest);
        ticks.clear();
        hal.take_ticks(|tick| {
            if ticks.len() < TICKS_MAX {
                ticks.push(tick);
            }
        });
        self.counts.0 += ticks.len() as u64;
        self.reader.handle_ticks(now, ticks, |seen| {
            meter.handle_tick(&seen);
            *newest = Some(seen);
            sampled(seen.sample);
        });
        if self.measured.is_none() && self.meter.count() >= MEASURED_AFTER {
            self.measured = self.meter.first(MEASURED_AFTER);
        }
    }

    /// Takes the command of this turn.
    pub fn command(&mut self, now: Instant, command: Command) {
        self.commander.handle_command(now, command);
        (self.commanded, self.has_commanded) = (true, true);
    }

    /// Writes what is due. In a turn without a command the heartbeat stands still.
    pub fn flush(&mut self, now: Instant) {
        let Some(hal) = self.hal.as_mut().filter(|_| self.has_commanded) else { return };
        let verdict = if self.commanded { GateVerdict::Passed } else { GateVerdict::Refused };
        let write = self.commander.poll_write(now, self.newest.as_ref(), verdict);
        if let (Some(newest), Some((began, clock)), true) = (&self.newest, self.turn, write.beat) {
            let at = began.after(Duration::from_ns(u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX)));
            self.meter.handle_write(at, write.factor.ratio(), newest);
        }
        hal.write(&write);
    }

    /// What keeps this machine from being steered, if anything does.
    pub fn objection(&self) -> Option<Objection> {
        let slow = self.measured.is_some_and(|took| took > self.settings.effect_time_max);
        self.objection.or(slow.then_some(Objection::EffectTime))
    }

    /// The effect time as it was measured on this machine, once it was.
    pub fn effect_time(&self) -> Option<Duration> {
        self.measured
    }

    /// The operator has re-armed: offsets that the job leaves open count as they are now, a feed hold of ours is released,
    /// and the effect time is measured anew.
    pub fn accept(&mut self) {
        self.shared.accepted.fetch_add(1, Ordering::AcqRel);
        self.objection = None;
        self.commander.release_hold();
        (self.measured, self.meter) = (None, EffectMeter::new());
    }

    /// What was counted so far. Allocates.
    pub fn figures(&self) -> LinuxCncFigures {
        LinuxCncFigures {
            ticks: self.counts.0,
            ticks_lost: self.reader.ticks_lost(),
            reports: self.counts.1,
            reports_dropped: self.shared.dropped.load(Ordering::Relaxed),
            taken: self.meter.taken(),
            felt: self.meter.felt(),
            unanswered: self.meter.unanswered(),
            measured: self.measured,
        }
    }
}

impl Drop for LinuxCncLink {
    fn drop(&mut self) {
        self.hal = None;
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It looks for the wish to stop several times a second.
            let _ = thread.join();
        }
    }
}

fn stopped(now: Instant) -> ControllerSample {
    ControllerSample { execution: Some(Execution::Stopped), ..ControllerSample::unavailable(now) }
}
