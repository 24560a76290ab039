//! The agent: everything of the core behind one set of `handle_*` and `poll_*`.
//!
//! A shell calls, in any order and at any rate: [`Agent::handle_sample`] for what the controller said,
//! [`Agent::handle_message`] for bytes from the cloud, [`Agent::handle_operator`] and [`Agent::handle_grant`] for
//! people and leases, [`Agent::poll_command`] once a cycle for what to tell the controller,
//! [`Agent::poll_transmit`] until it returns `None` for what to tell the cloud, and nothing before
//! [`Agent::poll_timeout`] unless there is input. Each takes the time as an argument.
//!
//! `cycle` decides the command, `inbound` judges messages, this file holds the state and what goes out.

mod cycle;
mod inbound;
mod status;

use std::sync::Arc;

use firmware_bridge::controller::{Command, ControllerMode, ControllerSample, Execution, Objection};
use shared::ident::{Epoch, PlanSequence, SampleSequence};
use shared::motion::{Path, Station};
use shared::plan::{Override, RejectReason};
use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};
use shared::units::Feedrate;
use shared::wire::{self, Activity, Channel, STATE_SAMPLES_MAX, StateBatch, StateSample};

pub use inbound::Inbound;
pub use status::{Lamp, Status};

use crate::blackbox::{Blackbox, Event, TraceEntry};
use crate::clock_sync::RoundTrip;
use crate::config::{AgentConfig, AgentError, AgentJob};
use crate::fallback::{Cause, Recovery, Source};
use crate::follower::Follower;
use crate::gate::{Ramp, SentRing};
use crate::guard::{Clears, Condition, Conditions, Guard};
use crate::handoff::{Handoff, HandoffCounts, HandoffRecord};
use crate::lease::{Lease, LeaseError};
use crate::locator::{Finding, Locator};
use crate::session::{Phase, Session};
use inbound::Rejects;

/// What a person at the machine can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// Lets the agent command.
    Arm,
    /// Lets the agent command for the first part of a setup: only below the baseline, and never faster than without us.
    ArmFirstPart,
    /// Ramps to the value without us and falls silent.
    Off,
    /// Ends the latches after the cause was seen to. A void lease needs a new grant as well.
    ReArm,
    /// The stock is as the program left it at the present line.
    ConfirmStock,
}

/// The operator's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    NeverArmed,
    Armed,
    Off,
}

/// What the cycle decided last.
#[derive(Clone, Copy, Debug)]
struct Decision {
    source: Source,
    cause: Option<Cause>,
    binding: shared::plan::Binding,
    authority: Override,
    factor: Override,
}

/// The agent core.
#[derive(Clone, Debug)]
pub struct Agent {
    config: AgentConfig,
    job: AgentJob,
    lease: Lease,
    session: Session,
    locator: Locator,
    follower: Follower,
    guard: Guard,
    recovery: Recovery,
    handoff: Handoff,
    round_trip: RoundTrip,
    blackbox: Blackbox,
    sent: SentRing,
    rejects: Rejects,
    switch: Switch,
    first_part: bool,
    newest_chunk: PlanSequence,
    newest_keep_alive: PlanSequence,
    sample: Option<ControllerSample>,
    sequence: SampleSequence,
    batch: StateBatch,
    samples_dropped: u64,
    state_at: Instant,
    ramp: Option<Ramp>,
    cycle_at: Instant,
    last_cycle: Option<Instant>,
    commanded: Option<(Instant, Override)>,
    decision: Decision,
    chunk_spans: Vec<shared::plan::Span>,
    /// The stretch before which the feed was held last, until the operator has seen to it.
    held_before: Option<(Station, Station)>,
}

impl Agent {
    /// An agent for one run of one program, under the lease `epoch`: the shell has written it to disk.
    ///
    /// # Errors
    /// [`AgentError`] for a setting out of range, an empty or too long offer, or epoch 0.
    pub fn new(config: AgentConfig, job: AgentJob, epoch: Epoch, now: Instant) -> Result<Self, AgentError> {
        config.validate()?;
        if job.offer.is_empty() || job.offer.len() as u64 > wire::OFFER_BYTES_MAX {
            return Err(AgentError::Offer { bytes: job.offer.len() });
        }
        let without_us = config.without_us;
        let mut agent = Self {
            lease: Lease::default(),
            session: Session::new(&job),
            locator: Locator::new(&config, &job),
            follower: Follower::new(without_us),
            guard: Guard::default(),
            recovery: Recovery::Healthy,
            handoff: Handoff::new(config.trigger_timeout),
            round_trip: RoundTrip::default(),
            blackbox: Blackbox::new(),
            sent: SentRing::new(),
            rejects: Rejects::new(now),
            switch: Switch::NeverArmed,
            first_part: false,
            newest_chunk: PlanSequence(0),
            newest_keep_alive: PlanSequence(0),
            sample: None,
            sequence: SampleSequence(0),
            batch: empty_batch(),
            samples_dropped: 0,
            state_at: now,
            ramp: None,
            cycle_at: now,
            last_cycle: None,
            commanded: None,
            decision: Decision::first(without_us),
            chunk_spans: Vec::with_capacity(wire::CHUNK_SPANS_MAX),
            held_before: None,
            config,
            job,
        };
        agent.handle_grant(now, epoch)?;
        Ok(agent)
    }

    /// Grants a lease: a session opens under it. The shell has written the epoch to disk before.
    ///
    /// # Errors
    /// [`LeaseError`] unless the epoch is above every earlier one.
    pub fn handle_grant(&mut self, now: Instant, epoch: Epoch) -> Result<(), LeaseError> {
        self.lease.grant(epoch)?;
        self.session.begin(now);
        self.follower.begin_session();
        self.handoff.abandon();
        self.sent.clear();
        (self.newest_chunk, self.newest_keep_alive) = (PlanSequence(0), PlanSequence(0));
        self.rejects.begin_session();
        self.batch.samples.clear();
        self.blackbox.push(now, Event::Granted { epoch });
        self.blackbox.push(now, Event::Phase { phase: Phase::Opening });
        Ok(())
    }

    /// The epoch for which a lease is wanted: the session was silent for too long, or the operator has
    /// re-armed after the lease became void. The shell writes it to disk and calls [`Self::handle_grant`].
    pub fn lease_wanted(&self) -> Option<Epoch> {
        let open = self.switch != Switch::Off && !self.guard.is_latched();
        (self.lease.epoch().is_none() && open && self.session.phase() == Phase::NoLease)
            .then(|| if planted::on(Bug::EpochRepeats) { self.lease.last() } else { self.lease.last().next() })
    }

    /// Takes in what the controller said. Allocates nothing.
    pub fn handle_sample(&mut self, now: Instant, sample: &ControllerSample) {
        if self.sample.is_some_and(|last| sample.valid_at <= last.valid_at) && !planted::on(Bug::ClockOldSample) {
            return;
        }
        let stopped_before = self.sample.is_some_and(|last| last.execution == Some(Execution::Stopped));
        self.sample = Some(*sample);
        let finding = self.locator.handle_sample(sample);
        if finding != Finding::None {
            self.handle_finding(now, finding);
        }
        match sample.execution {
            Some(Execution::Stopped) if !stopped_before => self.handle_stop(now),
            Some(Execution::ProgramCompleted) => self.handle_end(now),
            _ => {}
        }
        self.sequence = self.sequence.next();
        self.handoff.carry(now, self.sequence);
        self.collect(sample);
        self.trigger(now, Some(self.sequence));
    }

    /// What the controller has loaded is not what the job rests on, or it does not obey as it was said to: plans end, and
    /// with them the lease. What ends it is the operator, and only where it is not found again then.
    pub fn handle_objection(&mut self, now: Instant, objection: Objection) {
        let condition = Condition::from(objection);
        if !self.guard.set().has(condition) {
            self.raise(now, condition);
            self.void_lease(now);
        }
    }

    /// A person did something.
    pub fn handle_operator(&mut self, now: Instant, action: OperatorAction) {
        match action {
            OperatorAction::Arm => (self.switch, self.first_part) = (Switch::Armed, false),
            OperatorAction::ArmFirstPart => (self.switch, self.first_part) = (Switch::Armed, true),
            OperatorAction::Off => self.switch = Switch::Off,
            OperatorAction::ReArm => {
                self.switch = Switch::Armed;
                self.see_to_hold();
                self.clear(now, Clears::OnReArm);
                self.rejects.forgive(now);
                // A mismatch needs a fresh offer; under the old epoch the cloud has already answered.
                if matches!(self.session.phase(), Phase::Mismatch | Phase::Refused) {
                    self.void_lease(now);
                }
            }
            OperatorAction::ConfirmStock => self.clear(now, Clears::OnConfirm),
        }
    }

    /// What the feed is held for was seen to.
    fn see_to_hold(&mut self) {
        if let Some((_, to)) = self.held_before.filter(|_| self.guard.set().has(Condition::CollisionAhead)) {
            self.follower.see_to_holds(to);
            self.held_before = None;
        }
    }

    /// What goes to the cloud next: the bytes in `out` belong on the returned channel, whose lane is
    /// [`Channel::lane`]. Call until it returns `None`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Channel> {
        if self.state_is_due(now) && self.send_state(now, out) {
            return Some(Channel::State);
        }
        self.session.poll(now, self.lease.epoch(), &self.config, &self.job, out).map(Channel::of)
    }

    /// When to call again at the latest, if nothing comes in before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let state = self.may_send_state().then_some(self.state_at);
        [Some(self.cycle_at), state, self.session.next_at()].into_iter().flatten().min()
    }

    /// Hands out the trace, oldest first, and forgets it.
    pub fn drain_events(&mut self, sink: &mut dyn FnMut(TraceEntry)) {
        while let Some(entry) = self.blackbox.pop() {
            sink(entry);
        }
    }

    /// Trace entries that gave way before they were drained.
    pub fn events_dropped(&self) -> u64 {
        self.blackbox.dropped()
    }

    /// Hands out the finished handoffs, oldest first, and forgets them.
    pub fn drain_handoffs(&mut self, sink: &mut dyn FnMut(HandoffRecord)) {
        while let Some(record) = self.handoff.pop() {
            sink(record);
        }
    }

    /// Handoffs so far.
    pub fn handoff_counts(&self) -> HandoffCounts {
        self.handoff.counts()
    }

    /// How often a reason rejected a message in this run.
    pub fn reject_count(&self, reason: RejectReason) -> u64 {
        self.rejects.count(reason)
    }

    /// Samples that gave way before they were sent.
    pub fn samples_dropped(&self) -> u64 {
        self.samples_dropped
    }

    /// The shortest time a round trip has spent in the network, both ways together.
    pub fn network_fastest(&self) -> Option<Duration> {
        self.round_trip.fastest()
    }

    /// True once the session stands and the baseline lies here: the program may start under plans.
    pub fn is_ready(&self) -> bool {
        self.session.phase() == Phase::Ready
    }

    /// The path that runs.
    pub fn path(&self) -> &Arc<Path> {
        &self.job.path
    }

    fn handle_finding(&mut self, now: Instant, finding: Finding) {
        self.blackbox.push(now, Event::Located { finding, station: self.locator.fix().station });
        match finding {
            Finding::RevisionLine { .. } | Finding::RevisionTool { .. } => self.raise(now, Condition::RevisionMismatch),
            Finding::Relocked => self.raise(now, Condition::StockUnconfirmed),
            Finding::None | Finding::Locked | Finding::Lost => {}
        }
    }

    /// The controller stopped or was reset: whatever was agreed no longer holds. Before the program was found
    /// it is merely not running yet.
    fn handle_stop(&mut self, now: Instant) {
        if self.locator.fix().quality == crate::locator::Quality::Unlocked {
            return;
        }
        // Again at every stop: what the operator confirmed was the stock before this one.
        self.raise(now, Condition::StockUnconfirmed);
        if !self.guard.set().has(Condition::ControllerStopped) {
            self.raise(now, Condition::ControllerStopped);
            if !planted::on(Bug::LeaseSurvivesStop) {
                self.void_lease(now);
            }
        }
    }

    fn handle_end(&mut self, now: Instant) {
        if self.session.phase() != Phase::Ended && self.locator.fix().quality != crate::locator::Quality::Unlocked {
            self.session.end(Phase::Ended, self.lease.epoch());
            self.blackbox.push(now, Event::Phase { phase: Phase::Ended });
            self.lease.void();
            self.handoff.abandon();
            self.follower.begin_session();
            self.follower.forget_holds_seen_to();
            self.held_before = None;
            self.locator.unlock();
        }
    }

    fn void_lease(&mut self, now: Instant) {
        // Whatever ended the session was a fault: plans of the next one heal as after any other.
        self.recovery = Recovery::Faulty;
        self.session.end(Phase::NoLease, self.lease.epoch());
        self.blackbox.push(now, Event::Phase { phase: Phase::NoLease });
        self.lease.void();
        self.handoff.abandon();
        self.follower.begin_session();
    }

    fn raise(&mut self, now: Instant, condition: Condition) {
        if !self.guard.set().has(condition) {
            self.guard.raise(condition);
            self.blackbox.push(now, Event::Raised { condition });
        }
    }

    fn clear(&mut self, now: Instant, by: Clears) {
        let before = self.guard.clear(by);
        self.trace_cleared(now, before);
    }

    fn trace_cleared(&mut self, now: Instant, before: Conditions) {
        before.without(self.guard.set()).for_each(|condition| self.blackbox.push(now, Event::Cleared { condition }));
    }

    /// Puts a sample into the next batch.
    fn collect(&mut self, sample: &ControllerSample) {
        if !self.session.is_accepted() {
            return;
        }
        if self.batch.samples.len() == STATE_SAMPLES_MAX {
            self.batch.samples.remove(0);
            self.samples_dropped += 1;
        }
        let fix = self.locator.fix();
        // Before the program was found, and once it was lost, the tool may be anywhere on it.
        let at_rest = matches!(sample.execution, None | Some(Execution::Ready | Execution::ProgramCompleted));
        let lost = fix.quality == crate::locator::Quality::Lost;
        let anywhere = lost || (fix.quality == crate::locator::Quality::Unlocked && !at_rest);
        let uncertainty = if anywhere { self.job.path.end().beyond(Station::START) } else { fix.uncertainty };
        let magnitude = |value: f64| value.is_finite() && value >= 0.0;
        self.batch.samples.push(StateSample {
            sequence: self.sequence,
            valid_at: sample.valid_at,
            sent_at: sample.valid_at,
            station: fix.station,
            uncertainty,
            velocity: sample.path_feedrate.map(Feedrate::abs).filter(|speed| speed.is_finite()),
            factor: sample.factor.unwrap_or(self.decision.factor),
            dial_permille: sample.dial_permille,
            activity: activity(sample.execution),
            spindle_power: sample.spindle_power.filter(|power| magnitude(power.as_w())),
        });
    }

    fn may_send_state(&self) -> bool {
        self.session.is_accepted() && self.lease.epoch().is_some() && !self.batch.samples.is_empty()
    }

    fn state_is_due(&self, now: Instant) -> bool {
        self.may_send_state() && now >= self.state_at
    }

    fn send_state(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let (Some(epoch), Some(first), Some(last)) =
            (self.lease.epoch(), self.batch.samples.first(), self.batch.samples.last())
        else {
            return false;
        };
        let (first, last) = (first.sequence, last.sequence);
        self.batch.epoch = epoch;
        if !planted::on(Bug::ClockSentEarly) {
            self.batch.samples.iter_mut().for_each(|sample| sample.sent_at = now);
        }
        let open = self.handoff.open();
        self.batch.trigger_basis = open.and_then(|open| open.carried).map(|(sequence, _)| sequence);
        self.batch.trigger = self.batch.trigger_basis.is_some();
        self.batch.trigger_reach = open.map_or(Station::START, |open| open.reach);
        self.batch.admitted = self.follower.admitted().map(|admitted| admitted.sequence);
        self.batch.horizon = self.follower.horizon(now);
        self.batch.baseline_parts = self.follower.parts_have();
        (self.batch.rejects, self.batch.last_reject) = self.rejects.in_session();
        let encoded = wire::encode_state(&self.batch, out).is_ok();
        self.batch.samples.clear();
        self.state_at = now.after(self.config.state_period);
        if encoded {
            self.sent.push(first, last, now);
            self.handoff.sent(now, last);
        }
        encoded
    }
}

/// A batch that holds its buffers for good.
fn empty_batch() -> StateBatch {
    StateBatch {
        epoch: Epoch(0),
        samples: Vec::with_capacity(STATE_SAMPLES_MAX),
        trigger: false,
        trigger_basis: None,
        trigger_reach: Station::START,
        admitted: None,
        horizon: Station::START,
        baseline_parts: 0,
        rejects: 0,
        last_reject: None,
    }
}

fn activity(execution: Option<Execution>) -> Activity {
    match execution {
        None => Activity::Unknown,
        Some(Execution::Ready) => Activity::Idle,
        Some(Execution::Active) => Activity::Running,
        Some(Execution::Interrupted | Execution::FeedHold | Execution::ProgramStopped | Execution::OptionalStop) => {
            Activity::Held
        }
        Some(Execution::Stopped) => Activity::Stopped,
        Some(Execution::ProgramCompleted) => Activity::Ended,
    }
}

/// What can be asked of a command that is about to go out.
const _: () = assert!(size_of::<Command>() <= 32, "commands are copied each cycle");

/// Whether the controller follows the program by itself.
fn is_automatic(mode: Option<ControllerMode>) -> bool {
    matches!(mode, None | Some(ControllerMode::Automatic))
}
