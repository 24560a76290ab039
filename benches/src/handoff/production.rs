//! Production handoffs: a scenario through real service, agent and machine, and what its recording tells.
//!
//! The agent records its inputs and decisions. Here they are told again to the same agent core, cycle by cycle, which
//! gives every handoff with its stages, the chunk that closed it, and whether each cycle's station was covered. A
//! handoff **counts** only where its chunk came from a simulation step that removed cells: a plan that was made from
//! nothing must not make the figures better.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use edge_agent::blackbox::Event;
use edge_agent::handoff::HandoffRecord;
use edge_agent::recording::{Entry, TRANSMITS_PER_CYCLE_MAX, Tape};
use edge_agent::setup::agent_job;
use edge_agent::{Agent, Inbound};
use firmware_bridge::controller::Execution;
use scenarios::format::Scenario;
use scenarios::link::Way;
use scenarios::run::{Keep, LivePlaces, LiveSetup, Progress, progress_line, run_live};
use shared::budget::Stage;
use shared::job::{Job, JobSources};
use shared::motion::Station;
use shared::time::{Duration, Instant};
use shared::wire::{Frame, Message};

use crate::emulator::{Noted, Stamps};

/// How far ahead a cycle must be covered.
pub const LOOK_AHEAD: Duration = Duration::from_ms(100);

/// The chunk that closed a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Session.
    pub epoch: u64,
    /// Number in the session.
    pub sequence: u64,
    /// Cells removed in the simulation step behind it.
    pub removed_cells: u64,
    /// Effort that was granted to the step.
    pub work: u32,
}

/// One handoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Handoff {
    /// As the agent keeps it.
    pub record: HandoffRecord,
    /// What closed it; `None` for a miss.
    pub closing: Option<Closing>,
}

impl Handoff {
    /// True where it was closed by a chunk whose step removed cells, or missed: a miss always counts.
    pub fn counts(&self) -> bool {
        self.closing.is_none_or(|closing| closing.removed_cells > 0)
    }
}

/// What the forwarder saw of one handoff, ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnTheLink {
    /// On the link, up and down together.
    pub link: u64,
    /// Between leaving the link and entering it again, at the cloud.
    pub cloud: u64,
}

/// What a run amounts to.
#[derive(Clone, Debug, Default)]
pub struct Production {
    /// All handoffs.
    pub handoffs: Vec<Handoff>,
    /// Cycles in which the program ran, after the first admitted plan.
    pub cycles: u64,
    /// Of these, with the station [`LOOK_AHEAD`] later inside an unexpired plan.
    pub covered: u64,
    /// Chunks that were admitted.
    pub admitted: u64,
    /// Chunks that arrived.
    pub arrived: u64,
    /// Greatest work allowance of an admitted chunk.
    pub work_max: u32,
    /// Cells removed behind all chunks that arrived.
    pub removed_cells: u64,
    /// Fallbacks by the agent's own account.
    pub fallbacks: u64,
    /// Whether the cycle ran under real-time scheduling.
    pub cycle_real_time: bool,
}

/// Runs a scenario with its processes in `places` and tells what its recording holds.
///
/// # Errors
/// A scenario that does not load, a process that fails, a recording that cannot be told again.
pub fn measure(
    scenario: &str,
    (speed, places): (Option<f64>, LivePlaces),
    folder: &Path,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Production> {
    let load =
        |speed: f64| Scenario::load(scenario, speed).map_err(|_| anyhow!("the scenario {scenario} does not load"));
    let first = load(1.0)?;
    let speed = speed.unwrap_or(first.file.run.real_time_factor);
    let loaded = load(speed)?;
    let recording = folder.join("production.mcap");
    let setup = LiveSetup {
        program: None,
        name: scenario,
        scenario: &loaded,
        speed,
        limit: None,
        truth_seeds: 1,
        threads: None,
        record: Some(recording.clone()),
        keep: Keep::Nothing,
        places,
    };
    let mut show = |progress: Progress<'_>| {
        if !matches!(progress, Progress::Status(_))
            && let Some(line) = progress_line(progress)
        {
            say(&line);
        }
    };
    let outcome = run_live(&setup, &mut show)?;
    let mut production = tell(&recording)?;
    production.fallbacks = outcome.edge.fallbacks.len() as u64;
    production.cycle_real_time = outcome.edge.cycle.real_time;
    Ok(production)
}

/// Tells a recording again.
///
/// # Errors
/// A file that is no recording, or one with losses.
pub fn tell(recording: &Path) -> anyhow::Result<Production> {
    let bytes = std::fs::read(recording).with_context(|| format!("the recording {}", recording.display()))?;
    let tape = Tape::read(&bytes)?;
    let head = tape.head();
    anyhow::ensure!(tape.end().lost == 0, "the recording has losses and cannot be told again");
    let sources = JobSources::from_bytes(head.job)?;
    let (job, _) = Job::compile(&sources);
    let job = job.context("the job of the recording does not compile")?;
    let job = agent_job(head.machine.clone(), &job, head.job.into(), head.capabilities);
    let agent = Agent::new(*head.config, job, head.epoch, head.started_at)?;
    let mut telling = Telling { agent, last: None, production: Production::default(), coverage: Vec::new() };
    for (now, entry) in tape.entries() {
        telling.take(now, &entry)?;
    }
    Ok(telling.finish())
}

/// What is known of one cycle until it is known where the machine was later.
struct CycleSeen {
    at: Instant,
    station: Station,
    horizon: Station,
    is_fresh: bool,
}

struct Telling {
    agent: Agent,
    last: Option<Closing>,
    production: Production,
    coverage: Vec<CycleSeen>,
}

impl Telling {
    fn take(&mut self, now: Instant, entry: &Entry<'_>) -> anyhow::Result<()> {
        match entry {
            Entry::Sample(sample) => self.agent.handle_sample(now, sample),
            Entry::Message { received_at, bytes } => self.message(now, *received_at, bytes),
            Entry::Operator(action) => self.agent.handle_operator(now, *action),
            Entry::Grant(epoch) => self.agent.handle_grant(now, *epoch)?,
            Entry::Objection(objection) => self.agent.handle_objection(now, *objection),
            Entry::Transmit(_) => {}
            Entry::Cycle(_) => self.cycle(now),
        }
        self.drain();
        Ok(())
    }

    fn message(&mut self, now: Instant, received_at: Instant, bytes: &[u8]) {
        if let Ok(Message::Plan(plan)) = Frame::open(bytes).and_then(|frame| frame.message()) {
            let chunk = plan.chunk;
            self.production.arrived += 1;
            self.production.removed_cells += chunk.removed_cells;
            self.production.work_max = self.production.work_max.max(chunk.work.0);
            self.last = Some(Closing {
                epoch: chunk.epoch.0,
                sequence: chunk.sequence.0,
                removed_cells: chunk.removed_cells,
                work: chunk.work.0,
            });
        }
        self.agent.handle_inbound(now, Inbound { received_at, bytes });
    }

    fn drain(&mut self) {
        let Self { agent, production, last, .. } = self;
        agent.drain_handoffs(&mut |record| {
            let closing = record.answer.and(*last);
            production.handoffs.push(Handoff { record, closing });
        });
        agent.drain_events(&mut |entry| {
            if let Event::Judged { verdict, .. } = entry.event {
                let taken = matches!(verdict, shared::plan::Admission::Admitted | shared::plan::Admission::Clamped);
                production.admitted += u64::from(taken);
            }
        });
    }

    fn cycle(&mut self, now: Instant) {
        self.agent.poll_command(now);
        let mut out = Vec::new();
        for _ in 0..TRANSMITS_PER_CYCLE_MAX {
            if self.agent.poll_transmit(now, &mut out).is_none() {
                break;
            }
        }
        let status = self.agent.status(now);
        if status.execution == Some(Execution::Active) && (self.production.admitted > 0 || !self.coverage.is_empty()) {
            self.coverage.push(CycleSeen {
                at: now,
                station: status.station,
                horizon: status.horizon,
                is_fresh: status.fresh_until.is_some_and(|until| now <= until),
            });
        }
    }

    /// Where the machine really was a while later decides whether the plan reached far enough.
    fn finish(mut self) -> Production {
        let seen = &self.coverage;
        let mut later = 0;
        for cycle in seen {
            while later + 1 < seen.len() && seen[later].at < cycle.at.after(LOOK_AHEAD) {
                later += 1;
            }
            self.production.cycles += 1;
            let reaches = cycle.horizon >= seen[later].station;
            self.production.covered += u64::from(cycle.is_fresh && reaches);
        }
        self.production
    }
}

/// What the forwarder saw of each handoff that was closed: the state that carried the trigger, the chunk that closed it.
pub fn on_the_link(production: &Production, stamps: &Stamps) -> Vec<(Handoff, OnTheLink)> {
    let mut states: Vec<(u64, u64, u64)> = Vec::new();
    let mut plans: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for stamp in stamps.entries().iter().filter(|stamp| stamp.left_ns > 0) {
        match (stamp.way, stamp.noted) {
            (Way::Up, Some(Noted::State { last_sample })) => {
                states.push((last_sample, stamp.entered_ns, stamp.left_ns));
            }
            (Way::Down, Some(Noted::Plan { epoch, sequence, .. })) => {
                plans.entry((epoch, sequence)).or_insert((stamp.entered_ns, stamp.left_ns));
            }
            _ => {}
        }
    }
    let seen = |handoff: &Handoff| {
        let basis = handoff.record.basis?.0;
        let closing = handoff.closing?;
        let (_, up_in, up_out) = *states.iter().find(|(last, ..)| *last >= basis)?;
        let (down_in, down_out) = *plans.get(&(closing.epoch, closing.sequence))?;
        let link = up_out.saturating_sub(up_in) + down_out.saturating_sub(down_in);
        Some((*handoff, OnTheLink { link, cloud: down_in.checked_sub(up_out)? }))
    };
    production.handoffs.iter().filter_map(seen).collect()
}

/// What the agent says of the same two, ns: network, and the service's stages.
pub fn as_told(handoff: &Handoff) -> Option<(u64, u64)> {
    let stages = handoff.record.answer?.stages;
    let sum = |which: &[Stage]| which.iter().map(|stage| stages.get(*stage).as_ns()).sum::<u64>();
    Some((sum(&[Stage::Uplink, Stage::Downlink]), sum(&[Stage::Queue, Stage::Simulate, Stage::Plan])))
}
