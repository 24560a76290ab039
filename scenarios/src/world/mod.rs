//! Edge core, cloud core, virtual controller and link in one thread, on virtual time.
//!
//! Real processes show that the parts work together; they cannot be run twice the same. Here the same cores
//! run without a clock: time jumps to the next instant at which anybody has something to do, so that an hour of
//! machining takes seconds and two runs of one scenario give the same bytes. What the shells do around the
//! cores (carry bytes, grant leases, call in time) is done here by plain loops, and nothing else is.
//!
//! A run that is held before a predicted collision ends there: nobody is here to re-arm.
//!
//! A run is bounded twice: by [`VIRTUAL_TIME_MAX`], and by a watch that gives up when the machine has not
//! moved on for [`STANDSTILL_MAX`].

mod cloud;
mod edge;
mod outcome;
mod settings;

use std::sync::Arc;

use cloud_sim::executor::Executor;
use cloud_sim::session::{SessionConfig, SessionEvent};
use edge_agent::AgentConfig;
use edge_agent::tally::Happening;
use firmware_bridge::controller::{Capabilities, Execution};
use firmware_bridge::dialect::virtual_link::{LinkCommand, encode_command};
use firmware_bridge::process::CuttingProcess;
use firmware_bridge::virtual_controller::{TracePoint, VirtualConfig, VirtualController};
use shared::det::Rng;
use shared::ident::Name;
use shared::job::Job;
use shared::time::{Duration, Instant};
use shared::units::Seconds;

use crate::format::{FaultAction, FaultSection};
use crate::link::{Link, LinkRules};

pub use edge::EdgeSide;
pub use outcome::WorldOutcome;
pub use settings::{budget, link_rules, session_config, virtual_config};

use cloud::CloudSide;

/// Longest virtual time of one run.
pub const VIRTUAL_TIME_MAX: Duration = Duration::from_ms(24 * 3600 * 1000);

/// Longest virtual time without progress: longer than any tool change.
pub const STANDSTILL_MAX: Duration = Duration::from_ms(120 * 1000);

/// The end of a run that was held before something that would have touched.
pub const HELD_EVENT: &str = "held_before_collision";

/// The program starts when the baseline is here, or after this, whatever the cloud does.
const START_WITHOUT_BASELINE: Duration = Duration::from_ms(60 * 1000);

/// What a run is made of.
pub struct WorldSetup<'a> {
    /// The job, compiled.
    pub job: Arc<Job>,
    /// The job as bytes: what the edge offers.
    pub bundle: Vec<u8>,
    /// Name of the machine.
    pub machine: Name,
    /// The edge's settings.
    pub agent: AgentConfig,
    /// What the controller can do.
    pub capabilities: Capabilities,
    /// The cloud's settings.
    pub session: SessionConfig,
    /// The virtual machine's settings.
    pub controller: VirtualConfig,
    /// What it cuts.
    pub process: Box<dyn CuttingProcess + Send>,
    /// Both directions of the link.
    pub link: LinkRules,
    /// Every draw of the link derives from it.
    pub seed: u64,
    /// What goes wrong, in any order.
    pub faults: Vec<FaultSection>,
    /// Who does the cloud's work.
    pub executor: &'a dyn Executor,
    /// Keep the recording's bytes.
    pub record: bool,
}

/// Why a world does not run to the end.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The agent's settings.
    #[error("the edge agent cannot start: {0}")]
    Agent(#[from] edge_agent::AgentError),
    /// The virtual machine's settings.
    #[error("the virtual controller cannot start: {0}")]
    Controller(#[from] firmware_bridge::virtual_controller::ConfigError),
    /// The recording.
    #[error(transparent)]
    Record(#[from] edge_agent::recording::RecordError),
    /// It stands still.
    #[error("the machine has not moved on for {after_s} s of virtual time at line {line}")]
    Standstill {
        /// How long.
        after_s: f64,
        /// Where.
        line: u32,
    },
    /// It takes too long.
    #[error("the run takes longer than {max_s} s of virtual time", max_s = VIRTUAL_TIME_MAX.as_s())]
    TooLong,
}

/// Runs a scenario to its end; `trace` gets every step of the machine.
///
/// # Errors
/// [`WorldError`].
pub fn run(setup: WorldSetup<'_>, trace: &mut dyn FnMut(&TracePoint)) -> Result<WorldOutcome, WorldError> {
    World::new(setup)?.run(trace)
}

struct World<'a> {
    now: Instant,
    controller: VirtualController,
    edge: EdgeSide,
    cloud: CloudSide<'a>,
    up: Link,
    down: Link,
    faults: Vec<FaultSection>,
    /// When the program was started.
    started: Option<Instant>,
    events: Vec<Happening>,
    buffer: Vec<u8>,
    progress: (Instant, shared::motion::Station),
}

impl<'a> World<'a> {
    fn new(setup: WorldSetup<'a>) -> Result<Self, WorldError> {
        let origin = Instant::ORIGIN;
        let rng = Rng::new(setup.seed).fork("link");
        let controller = VirtualController::new(
            setup.job.machine.clone(),
            Arc::clone(&setup.job.path),
            setup.process,
            setup.controller,
            origin,
        )?;
        let edge = EdgeSide::new(
            &setup.job,
            setup.bundle,
            setup.machine,
            (setup.agent, setup.capabilities),
            setup.record,
            origin,
        )?;
        Ok(Self {
            now: origin,
            controller,
            edge,
            cloud: CloudSide::new(setup.session, setup.executor),
            up: Link::new(setup.link, rng.fork("up")),
            down: Link::new(setup.link, rng.fork("down")),
            faults: setup.faults,
            started: None,
            events: Vec::new(),
            buffer: Vec::new(),
            progress: (origin, shared::motion::Station::START),
        })
    }

    fn run(mut self, trace: &mut dyn FnMut(&TracePoint)) -> Result<WorldOutcome, WorldError> {
        while self.controller.execution() != Execution::ProgramCompleted || !self.edge.has_seen_the_end() {
            if self.edge.is_held(self.now) {
                self.note(HELD_EVENT);
                break;
            }
            self.inject_faults();
            self.start_when_ready();
            self.controller_to_edge(trace)?;
            self.edge_cycle()?;
            self.carry()?;
            self.cloud_work();
            self.watch()?;
            self.now = self.next_instant();
        }
        let end_s = self.controller.cycle_time();
        self.finish(end_s)
    }

    fn finish(mut self, cycle_time: Seconds) -> Result<WorldOutcome, WorldError> {
        let started = self.started.unwrap_or(Instant::ORIGIN);
        let learned = self.cloud.into_learned();
        for (at, event) in &learned {
            if let SessionEvent::Residual(alarm) = event {
                self.events.push(Happening { at: *at, name: format!("residual_{}", alarm.symptom.name()) });
            }
        }
        Ok(WorldOutcome { learned, ..self.edge.finish(started, cycle_time, self.events)? })
    }

    /// The next instant at which anybody has something to do; always later than now.
    fn next_instant(&self) -> Instant {
        let fault = self
            .faults
            .iter()
            .filter_map(|fault| fault.at.time_s)
            .filter_map(|time_s| self.started.map(|started| started.after(Duration::from_s(time_s))));
        let others = [
            Some(self.controller.poll_timeout()),
            self.edge.poll_timeout(),
            self.cloud.poll_timeout(self.now),
            self.up.poll_timeout(),
            self.down.poll_timeout(),
        ];
        let later = self.now.after(Duration::from_us(1));
        let next = others.into_iter().flatten().chain(fault).filter(|at| *at > self.now).min();
        next.unwrap_or(later).max(later)
    }

    /// The program is started by the operator's hand: when the agent is ready, or when he has waited enough.
    fn start_when_ready(&mut self) {
        let waited = self.now.since(Instant::ORIGIN) >= START_WITHOUT_BASELINE;
        if self.started.is_none() && (self.edge.is_ready() || waited) {
            self.buffer.clear();
            encode_command(LinkCommand::Run, &mut self.buffer);
            self.controller.handle_bytes(self.now, &self.buffer);
            self.started = Some(self.now);
            self.note("program_started");
        }
    }

    fn controller_to_edge(&mut self, trace: &mut dyn FnMut(&TracePoint)) -> Result<(), WorldError> {
        self.controller.advance_to(self.now, trace);
        self.buffer.clear();
        self.controller.poll_bytes(&mut self.buffer);
        self.edge.handle_controller_bytes(self.now, &self.buffer)
    }

    fn edge_cycle(&mut self) -> Result<(), WorldError> {
        self.edge.grant_if_wanted(self.now)?;
        if let Some(command) = self.edge.cycle(self.now)? {
            self.buffer.clear();
            if encode_command(command.into(), &mut self.buffer) {
                self.controller.handle_bytes(self.now, &self.buffer);
            }
        }
        Ok(())
    }

    fn carry(&mut self) -> Result<(), WorldError> {
        while let Some(bytes) = self.edge.transmit(self.now)? {
            self.up.send(self.now, bytes);
        }
        while let Some(bytes) = self.up.deliver(self.now) {
            self.cloud.handle_message(self.now, &bytes);
        }
        while let Some(bytes) = self.down.deliver(self.now) {
            self.edge.handle_message(self.now, &bytes)?;
        }
        Ok(())
    }

    fn cloud_work(&mut self) {
        if let Some(event) = self.cloud.revive(self.now) {
            self.note(event);
        }
        let Self { cloud, down, now, .. } = self;
        cloud.work(*now, &mut |bytes| down.send(*now, bytes));
    }

    fn inject_faults(&mut self) {
        let Some(started) = self.started else { return };
        let (elapsed_s, line) = (self.now.since(started).as_s(), self.edge.line());
        let due = |fault: &FaultSection| {
            fault.at.time_s.is_some_and(|time_s| elapsed_s >= time_s)
                || fault.at.line.is_some_and(|at| line.is_some_and(|line| line >= at))
        };
        let (now_due, later): (Vec<_>, Vec<_>) = self.faults.drain(..).partition(due);
        self.faults = later;
        for fault in now_due {
            let until = fault.for_s.map_or(Instant::from_ns(u64::MAX), |for_s| self.now.after(Duration::from_s(for_s)));
            match fault.action {
                FaultAction::CloudStop => self.cloud.stop(until),
                FaultAction::CloudKill => self.cloud.kill(until),
                FaultAction::LinkDown => {
                    self.up.cut(until);
                    self.down.cut(until);
                }
                FaultAction::TornRecord => self.edge.tear_next_report(),
            }
            self.note(fault.action.name());
        }
    }

    fn watch(&mut self) -> Result<(), WorldError> {
        let motion = self.controller.motion();
        if motion.station != self.progress.1 || self.started.is_none() {
            self.progress = (self.now, motion.station);
        }
        let still_for = self.now.since(self.progress.0);
        if still_for >= STANDSTILL_MAX && self.controller.execution() != Execution::ProgramCompleted {
            let line = self.edge.line().unwrap_or(0);
            return Err(WorldError::Standstill { after_s: still_for.as_s(), line });
        }
        if self.now.since(Instant::ORIGIN) >= VIRTUAL_TIME_MAX { Err(WorldError::TooLong) } else { Ok(()) }
    }

    fn note(&mut self, name: &str) {
        self.events.push(Happening { at: self.now, name: name.to_owned() });
    }
}
