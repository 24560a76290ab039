mod held;
mod hostile;
mod misfortune;

use std::collections::VecDeque;
use std::sync::Arc;

use edge_agent::blackbox::Event;
use edge_agent::{
    Agent, AgentConfig, AgentJob, Arming, Braking, DialRule, Door, Inbound, OperatorAction, Passage, Phase, Trust,
};
use firmware_bridge::controller::{Capabilities, Command, ControllerMode, ControllerSample, Execution};
use shared::det::Rng;
use shared::ident::{ContextDigest, Digest, Epoch, Name, ProgramDigest};
use shared::plan::{Admission, Envelope, Override};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Length};
use shared::wire::{self, CloudKeys, LocalKey, Message};

use super::faults::Fault;
use super::forge::{Seals, encoded};
use super::machine::{EFFECT, FORCED, Machine, SEGMENT_MM, SEGMENTS, SLEW_PERMILLE_S, path};
use super::source::{Source, baseline};
use super::{Coverage, FloodCounts, LIFE_S, Life};
use crate::checkers::{Breach, Flaw, Oracle, Rules, Sent, Truth};
use crate::link::{DelayLaw, Link, LinkRules};
use held::Held;
pub(super) use held::STRETCH_MM;

const CYCLE: Duration = Duration::from_ms(10);
const SAMPLE: Duration = Duration::from_ms(20);
/// The operator looks at the lamp this often.
const LOOK: Duration = Duration::from_ms(100);
/// The program starts this long after the agent.
const START: Duration = Duration::from_ms(300);
/// Messages that can be replayed.
const REMEMBERED: usize = 256;
/// Bytes before each message on the link: its number in the books.
const TAG: usize = 8;

/// The key between door and agent.
const LOCAL: LocalKey = LocalKey::from_bytes([0x5a; 32]);

fn settings(trust: Trust) -> AgentConfig {
    AgentConfig {
        envelope: Envelope {
            factor_min: Override::from_permille(100).expect("in range"),
            factor_max: Override::PROGRAMMED,
            step_permille: 1,
            slew_per_s: SLEW_PERMILLE_S / 1000.0,
            reach_max: Length::mm(400.0),
        },
        arming: Arming::Active,
        trust,
        dial_rule: DialRule::Product,
        without_us: Override::PROGRAMMED,
        time_scale: 1.0,
        cycle_period: CYCLE,
        command_time_to_live: Duration::from_ms(100),
        plan_time_to_live_max: Duration::from_ms(1000),
        latency_bound: Duration::from_ms(60),
        lead: Duration::from_ms(60),
        horizon_min: Duration::from_ms(2500),
        horizon_required: Duration::from_ms(4000),
        trigger_timeout: Duration::from_ms(300),
        state_period: Duration::from_ms(40),
        sample_age_max: Duration::from_ms(300),
        healthy_interval: Duration::from_ms(1000),
        session_silence_max: Duration::from_ms(4000),
        offer_retry: Duration::from_ms(500),
        offer_part_spacing: Duration::from_ms(1),
        position_tolerance: Length::mm(0.2),
        braking: Braking { deceleration: Acceleration::mm_s2(1000.0), delay: Duration::ZERO },
        forged_per_minute_max: 20,
    }
}

fn job() -> AgentJob {
    AgentJob {
        machine: Name::parse("mill-1").expect("a name"),
        path: Arc::new(path()),
        program: ProgramDigest(Digest::of(b"program")),
        context: ContextDigest(Digest::of(b"context")),
        offer: Arc::from(vec![7; 40_000]),
        capabilities: Capabilities {
            factor: true,
            factor_step_permille: 1,
            effect_time: EFFECT,
            sample_period: SAMPLE,
            watchdog: true,
        },
        lines_max: SEGMENTS,
    }
}

fn rules() -> Rules {
    Rules {
        slew_permille_s: SLEW_PERMILLE_S as u64,
        cycle_ns: CYCLE.as_ns(),
        life_max_ns: 1_000_000_000,
        healthy_ns: 1_000_000_000,
        baseline: baseline(),
        forced_mm: (f64::from(FORCED) * SEGMENT_MM, f64::from(FORCED + 1) * SEGMENT_MM),
        forged_max: 20,
        reach_mm: 400.0,
        commit_s: 0.12,
    }
}

/// One life.
pub(super) struct World {
    now: Instant,
    rng: Rng,
    agent: Agent,
    machine: Machine,
    source: Source,
    oracle: Oracle,
    seals: Seals,
    door: Option<Door>,
    up: Link,
    down: Link,
    calm: LinkRules,
    records: Vec<(Sent, Option<Flaw>)>,
    remembered: VecDeque<(usize, Vec<u8>)>,
    waiting: VecDeque<Vec<u8>>,
    faults: VecDeque<(Fault, Instant, Duration)>,
    active: Vec<(Fault, Instant)>,
    cycle_at: Instant,
    sample_at: Instant,
    sampled_at: Instant,
    look_at: Instant,
    restarted_at: Instant,
    epoch_on_disk: u64,
    /// Samples of a running program that the agent has got since it was started.
    found: u32,
    last_sample: Option<ControllerSample>,
    wrong_tool_since: Option<Instant>,
    coverage: Coverage,
    trace: Option<Vec<String>>,
    /// Where this life leads towards something that would touch.
    held: Option<Held>,
    /// Hostile messages a cycle, where that is what this life is about.
    hostile: u64,
    /// What became of them.
    flood: FloodCounts,
}

impl World {
    pub(super) fn new(seed: u64, traced: bool) -> Self {
        let rng = Rng::new(seed);
        let now = Instant::ORIGIN.after(Duration::from_ms(1000));
        let mut draws = rng.fork("world");
        let (seals, door) = if seed.is_multiple_of(100) {
            let keys = CloudKeys::from_secret(&[0x11; 32]);
            let door = Door::new(job().machine, keys.public(), LOCAL);
            (Seals::Signatures(Box::new(keys)), Some(door))
        } else {
            (Seals::Hash(LOCAL), None)
        };
        let one_way = Duration::from_us(500 + draws.below(30_000));
        let p99 = Duration::from_ns(one_way.as_ns() * (10 + draws.below(15)) / 10);
        let calm = LinkRules::new(DelayLaw::LogNormal { p50: one_way, p99 })
            .losing([0.0, 0.0, 0.01, 0.05][draws.below(4) as usize])
            .doubling([0.0, 0.01][draws.below(2) as usize]);
        let start = now.after(START);
        let faults = Fault::draw(&mut draws, LIFE_S * 1000);
        let leads_to_hold = Held::of(seed).is_some();
        let faults = faults
            .into_iter()
            .filter(|(fault, ..)| !leads_to_hold || Held::may_happen(*fault))
            .map(|(fault, at_ms, for_ms)| (fault, start.after(Duration::from_ms(at_ms)), Duration::from_ms(for_ms)));
        let agent =
            Agent::new(settings(Trust::Sealed(LOCAL)), job(), Epoch(1), now).expect("the settings are in range");
        let mut world = Self {
            now,
            agent,
            machine: Machine::new(now),
            source: Source::new(rng.fork("source"), Held::of(seed).is_some()),
            oracle: Oracle::new(rules(), now.as_ns()),
            seals,
            door,
            up: Link::new(calm, rng.fork("up")),
            down: Link::new(calm, rng.fork("down")),
            calm,
            records: Vec::new(),
            remembered: VecDeque::new(),
            waiting: VecDeque::new(),
            faults: faults.collect(),
            active: Vec::new(),
            cycle_at: now,
            sample_at: now,
            sampled_at: Instant::ORIGIN,
            look_at: now,
            restarted_at: now,
            epoch_on_disk: 1,
            found: 0,
            last_sample: None,
            wrong_tool_since: None,
            coverage: Coverage::default(),
            trace: traced.then(Vec::new),
            held: Held::of(seed),
            hostile: 0,
            flood: FloodCounts::default(),
            rng: draws,
        };
        world.oracle.granted(now.as_ns(), 1);
        world
    }

    pub(super) fn live(mut self) -> Life {
        self.pass()
    }

    fn pass(&mut self) -> Life {
        let born = self.now;
        let (arm_at, start_at) = (born.after(Duration::from_ms(200)), born.after(START));
        let end = born.after(Duration::from_ms(LIFE_S * 1000 - 500));
        let (mut armed, mut started) = (false, false);
        while self.now < end && self.breaches().is_empty() {
            if !armed && self.now >= arm_at {
                armed = true;
                self.operate(OperatorAction::Arm);
            }
            if !started && self.now >= start_at {
                started = true;
                self.machine.execution = Execution::Active;
            }
            self.machine.advance(self.now);
            self.advance_held();
            self.change_faults();
            self.deliver_up();
            self.edge();
            let next = [Some(self.cycle_at), Some(self.sample_at), self.up.poll_timeout(), self.down.poll_timeout()];
            let next = next.into_iter().flatten().filter(|at| *at > self.now).min();
            self.now = next.unwrap_or(self.now.after(CYCLE));
        }
        self.count_rejects();
        self.coverage.valid = self.oracle.valid;
        self.coverage.valid_admitted = self.oracle.valid_admitted;
        let breaches = self.breaches().to_vec();
        Life { breaches, coverage: std::mem::take(&mut self.coverage), trace: self.trace.take().unwrap_or_default() }
    }

    fn breaches(&self) -> &[Breach] {
        self.held.as_ref().map_or(self.oracle.breaches(), |held| &held.breaches)
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12.3} ms  {}", now.as_s() * 1e3, line()));
        }
    }

    fn is_active(&self, fault: Fault) -> bool {
        self.active.iter().any(|(active, _)| *active == fault)
    }

    fn count_rejects(&mut self) {
        for reason in shared::plan::RejectReason::ALL {
            self.coverage.rejects[reason as usize] += self.agent.reject_count(reason);
        }
    }

    // The edge.

    fn edge(&mut self) {
        let stalled = self.is_active(Fault::EdgeStall);
        while let Some(bytes) = self.down.deliver(self.now) {
            self.waiting.push_back(bytes);
        }
        if self.now >= self.sample_at {
            self.sample_at = self.now.after(SAMPLE);
            if !stalled && !self.is_active(Fault::SampleGap) {
                self.give_sample();
            }
        }
        if stalled {
            if self.now >= self.cycle_at {
                self.cycle_at = self.now.after(CYCLE);
            }
            return;
        }
        while let Some(bytes) = self.waiting.pop_front() {
            self.give_message(bytes);
        }
        if self.now >= self.cycle_at {
            self.cycle_at = self.now.after(CYCLE);
            self.cycle();
        }
    }

    fn give_sample(&mut self) {
        // A second sample of one instant is no news to anybody.
        if self.now <= self.sampled_at {
            return;
        }
        self.sampled_at = self.now;
        let sample = self.machine.sample(self.now);
        if self.is_active(Fault::OldSample)
            && let Some(old) = self.last_sample
        {
            self.agent.handle_sample(self.now, &old);
        }
        if self.last_sample.is_none() || self.rng.chance(0.05) {
            self.last_sample = Some(sample);
        }
        // Before an agent has found the program, a program that does not run is nothing new to it.
        let latches = self.found >= 5;
        self.found += u32::from(sample.execution == Some(Execution::Active) && self.machine.off_mm == 0.0);
        self.agent.handle_sample(self.now, &sample);
        let now = self.now.as_ns();
        let over = [Some(Execution::Ready), Some(Execution::ProgramCompleted), Some(Execution::Stopped)];
        if sample.mode != Some(ControllerMode::Automatic) && !over.contains(&sample.execution) {
            self.oracle.unconfirmed(now);
        }
        if sample.execution == Some(Execution::Stopped) && latches {
            self.oracle.stopped(now);
        } else if sample.execution == Some(Execution::Active) && sample.line > Some(SEGMENTS) {
            self.oracle.another_revision(now);
        } else if sample.execution == Some(Execution::Active) && self.machine.tool != 1 {
            // Line and tool are sampled at different instants: two seconds are granted.
            let since = *self.wrong_tool_since.get_or_insert(self.now);
            if self.now.since(since) >= Duration::from_ms(2000) {
                self.oracle.another_revision(now);
            }
        } else if sample.execution == Some(Execution::Active) {
            self.wrong_tool_since = None;
        }
        self.tell_truth();
        self.events(None);
    }

    fn tell_truth(&mut self) {
        let machine = &self.machine;
        let over = [Execution::Ready, Execution::ProgramCompleted, Execution::Stopped];
        let off_path = machine.off_mm != 0.0 || machine.mode != ControllerMode::Automatic || machine.line.is_some();
        self.oracle.machine(
            self.now.as_ns(),
            Truth {
                at_mm: machine.at_mm,
                speed_mm_s: machine.speed_mm_s(),
                dial: machine.dial,
                orderly: !off_path,
                active: !over.contains(&machine.execution),
                sampled: !self.is_active(Fault::SampleGap) && !self.is_active(Fault::OldSample),
                factor: machine.factor().permille(),
            },
        );
    }

    fn give_message(&mut self, tagged: Vec<u8>) {
        let Some((tag, bytes)) = tagged.split_first_chunk::<TAG>() else { return };
        let index = u64::from_le_bytes(*tag) as usize;
        let mut bytes = bytes.to_vec();
        if self.door.as_mut().is_some_and(|door| door.pass(&mut bytes) == Passage::Unknown) {
            return;
        }
        self.coverage.messages += 1;
        self.agent.handle_inbound(self.now, Inbound { received_at: self.now, bytes: &bytes });
        self.events(Some(index));
    }

    /// Reads the agent's trace; `index` is the message it was just given.
    fn events(&mut self, index: Option<usize>) {
        let mut admitted = None;
        let mut lines = Vec::new();
        let traced = self.trace.is_some();
        let conditions = &mut self.coverage.conditions;
        self.agent.drain_events(&mut |entry| {
            match entry.event {
                Event::Judged { sequence, verdict: Admission::Admitted | Admission::Clamped, horizon, .. } => {
                    admitted = Some((sequence.0, horizon.as_mm()));
                }
                Event::Raised { condition } => {
                    conditions.insert(condition);
                }
                _ => {}
            }
            if traced {
                lines.push(format!("{:?}", entry.event));
            }
        });
        for line in lines {
            self.note(|| line);
        }
        self.coverage.admitted += u64::from(admitted.is_some());
        if let Some((sent, flaw)) = index.and_then(|index| self.records.get(index)) {
            self.oracle.delivered(self.now.as_ns(), sent, *flaw, admitted);
        }
    }

    fn cycle(&mut self) {
        self.coverage.cycles += 1;
        self.tell_truth();
        self.be_hostile();
        let quiet = self.active.is_empty();
        self.oracle.healthy(self.now.as_ns(), quiet);
        let command = self.agent.poll_command(self.now);
        let permille = match command {
            Some(Command::Factor { factor, time_to_live }) => {
                self.machine.command(self.now, factor, time_to_live);
                Some(factor.permille())
            }
            Some(Command::FeedHold) => {
                self.held.iter_mut().for_each(|held| held.told(self.now));
                None
            }
            None => None,
        };
        self.events(None);
        self.oracle.command(self.now.as_ns(), permille);
        let mut out = Vec::new();
        while self.agent.poll_transmit(self.now, &mut out).is_some() {
            self.send_up(&out);
        }
        if let Some(epoch) = self.agent.lease_wanted()
            && self.agent.handle_grant(self.now, epoch).is_ok()
        {
            self.granted(epoch);
        }
        if self.now >= self.look_at {
            self.look_at = self.now.after(LOOK);
            self.look();
        }
        if self.trace.is_some() && (self.cycle_at.as_ns() / CYCLE.as_ns()).is_multiple_of(10) {
            let (at_mm, dial) = (self.machine.at_mm, self.machine.dial);
            self.note(|| format!("at {at_mm:.2} mm, dial {dial}, commanded {permille:?}"));
        }
    }

    fn granted(&mut self, epoch: Epoch) {
        self.epoch_on_disk = self.epoch_on_disk.max(epoch.0);
        self.oracle.granted(self.now.as_ns(), epoch.0);
        self.note(|| format!("lease {epoch} granted"));
        self.events(None);
    }

    fn send_up(&mut self, bytes: &[u8]) {
        if let Ok(Message::State(batch)) = wire::decode(bytes) {
            let samples: Vec<_> = batch
                .samples
                .iter()
                .map(|s| (s.sequence.0, s.valid_at.as_ns(), s.station.as_mm(), s.uncertainty.as_mm()))
                .collect();
            let admitted = batch.admitted.map(|sequence| sequence.0);
            self.oracle.state_sent(self.now.as_ns(), batch.epoch.0, &samples, admitted);
        }
        let mut bytes = bytes.to_vec();
        let damaged = self.is_active(Fault::Damage) && self.rng.chance(0.3);
        if damaged {
            self.damage(&mut bytes);
            if wire::decode(&bytes).is_ok() {
                self.oracle.damage_passed(self.now.as_ns());
            }
        }
        self.up.send(self.now, &bytes);
    }

    fn damage(&mut self, bytes: &mut [u8]) {
        let at = self.rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << self.rng.below(8);
    }

    // The operator.

    fn operate(&mut self, action: OperatorAction) {
        use OperatorAction::{Arm, ConfirmStock, Off, ReArm};
        if action == ReArm && self.agent.status(self.now).held_before_line.is_some() {
            self.held.iter_mut().for_each(Held::seen_to);
        }
        self.agent.handle_operator(self.now, action);
        let now = self.now.as_ns();
        self.oracle.operator(now, action == Arm, action == Off, action == ReArm, action == ConfirmStock);
        self.note(|| format!("operator: {action:?}"));
        self.events(None);
    }

    /// Looks at the lamp and, after a while, does what it asks for.
    fn look(&mut self) {
        let status = self.agent.status(self.now);
        let troubled = !self.active.is_empty();
        if (status.latched || matches!(status.phase, Phase::Refused | Phase::Mismatch)) && self.rng.chance(0.1) {
            let ready = self.machine.execution != Execution::Stopped && self.machine.line.is_none();
            if ready && self.machine.tool == 1 {
                self.operate(OperatorAction::ReArm);
            }
        } else if !troubled && self.rng.chance(0.02) {
            self.operate(OperatorAction::ConfirmStock);
        }
    }

    // The cloud and the link.

    fn deliver_up(&mut self) {
        while let Some(bytes) = self.up.deliver(self.now) {
            if self.is_active(Fault::CloudStop)
                || self.is_active(Fault::CloudRestart)
                || self.is_active(Fault::LongLife)
            {
                continue;
            }
            let Ok(message) = wire::decode(&bytes) else { continue };
            if self.is_active(Fault::CloudOtherContext) {
                let other = ContextDigest(Digest::of(b"another"));
                if let Message::State(batch) = message {
                    self.source.newest = Some(batch);
                    if let Some((message, sent)) = self.source.keep_alive(Some(other)) {
                        self.say(&message, sent, Some(Flaw::Context));
                    }
                }
                continue;
            }
            let mut said = Vec::new();
            self.source.hear(self.now, message, &mut |message, sent| said.push((message, sent)));
            for (message, sent) in said {
                self.say(&message, sent, None);
            }
        }
    }

    fn say(&mut self, message: &Message, sent: Sent, flaw: Option<Flaw>) {
        let mut bytes = encoded(message);
        self.seals.seal(&self.agent_name(), &mut bytes);
        self.send_down(bytes, sent, flaw);
    }

    fn agent_name(&self) -> Name {
        Name::parse("mill-1").expect("a name")
    }

    fn send_down(&mut self, mut bytes: Vec<u8>, sent: Sent, flaw: Option<Flaw>) {
        if self.remembered.len() == REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back((self.records.len(), bytes.clone()));
        let damaged = self.is_active(Fault::Damage) && self.rng.chance(0.3);
        if damaged {
            self.damage(&mut bytes);
        }
        self.records.push((sent, if damaged { Some(Flaw::Damaged) } else { flaw }));
        self.tag_and_send(self.records.len() - 1, &bytes);
    }

    fn tag_and_send(&mut self, index: usize, bytes: &[u8]) {
        let tagged = [&(index as u64).to_le_bytes(), bytes].concat();
        self.down.send(self.now, &tagged);
    }
}
