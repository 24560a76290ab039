//! A machine on a straight path, a cloud that keeps its word, and a link between them, stepped by hand.
//!
//! The machine knows only what it is commanded; the cloud knows only what it is sent. What the tests expect is
//! computed from the figures here, never from the agent.
#![allow(dead_code)] // Each test file uses its own part.

use std::collections::VecDeque;
use std::sync::Arc;

use edge_agent::blackbox::TraceEntry;
use edge_agent::{Agent, AgentConfig, AgentJob, Arming, Braking, DialRule, OperatorAction, Trust};
use firmware_bridge::controller::{Capabilities, Command, ControllerMode, ControllerSample, Execution};
use shared::budget::WorkAllowance;
use shared::geom::Point;
use shared::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence, ToolNumber};
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station};
use shared::plan::{Binding, Envelope, KeepAlive, Override, OverridePlan, PlanChunk, Reason, Span, StageStamps};
use shared::program::{ForcedReason, Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Feedrate, Length, Seconds};
use shared::wire::{self, Accept, BaselinePart, Message, PlanMessage, StateBatch};

pub(crate) const FEED_MM_S: f64 = 20.0;
pub(crate) const SEGMENT_MM: f64 = 100.0;
pub(crate) const SEGMENTS: u32 = 10;
pub(crate) const CYCLE: Duration = Duration::from_ms(10);
pub(crate) const TIME_TO_LIVE: Duration = Duration::from_ms(500);
pub(crate) const BASELINE_PERMILLE: u16 = 600;

pub(crate) fn permille(value: u16) -> Override {
    Override::from_permille(value).expect("in range")
}

pub(crate) fn ms(ms: u64) -> Instant {
    Instant::ORIGIN.after(Duration::from_ms(ms))
}

/// Ten segments of 100 mm along X, lines 1 to 10; the seventh is forced.
pub(crate) fn path(forced: Option<u32>) -> Path {
    let segment = |index: u32| {
        let (from, to) = (f64::from(index) * SEGMENT_MM, f64::from(index + 1) * SEGMENT_MM);
        Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: Point::new(from, 0.0, 0.0), end: Point::new(to, 0.0, 0.0) },
            start: Station::from_mm(from),
            end: Station::from_mm(to),
            length: Length::mm(SEGMENT_MM),
            feed: Feedrate::mm_s(FEED_MM_S),
            spindle: None,
            tool: Some(ToolNumber(1)),
            at: Provenance { source: SourceId(0), line: index + 1, ..Provenance::default() },
            forced: (forced == Some(index)).then_some(ForcedReason::Synchronised),
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: shared::motion::CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    };
    Path::new((0..SEGMENTS).map(segment).collect()).expect("contiguous")
}

pub(crate) fn config() -> AgentConfig {
    AgentConfig {
        envelope: Envelope {
            factor_min: permille(100),
            factor_max: Override::PROGRAMMED,
            step_permille: 1,
            slew_per_s: 2.0,
            reach_max: Length::mm(400.0),
        },
        arming: Arming::Active,
        trust: Trust::Unsigned,
        dial_rule: DialRule::LowerOfBoth,
        without_us: Override::PROGRAMMED,
        time_scale: 1.0,
        cycle_period: CYCLE,
        command_time_to_live: Duration::from_ms(100),
        plan_time_to_live_max: Duration::from_ms(2000),
        latency_bound: Duration::from_ms(60),
        lead: Duration::from_ms(60),
        horizon_min: Duration::from_ms(2000),
        horizon_required: Duration::from_ms(4000),
        trigger_timeout: Duration::from_ms(400),
        state_period: Duration::from_ms(20),
        sample_age_max: Duration::from_ms(300),
        healthy_interval: Duration::from_ms(1000),
        session_silence_max: Duration::from_ms(4000),
        offer_retry: Duration::from_ms(500),
        offer_part_spacing: Duration::from_ms(1),
        position_tolerance: Length::mm(0.2),
        braking: Braking { deceleration: Acceleration::mm_s2(1000.0), delay: Duration::ZERO },
        forged_per_minute_max: 1000,
    }
}

pub(crate) fn job(path: Path) -> AgentJob {
    AgentJob {
        machine: Name::parse("mill-1").expect("valid"),
        path: Arc::new(path),
        program: ProgramDigest(Digest::of(b"program")),
        context: ContextDigest(Digest::of(b"context")),
        offer: Arc::from(vec![7; 70_000]),
        capabilities: Capabilities {
            factor: true,
            factor_step_permille: 1,
            effect_time: Duration::from_ms(20),
            sample_period: CYCLE,
            watchdog: true,
        },
        lines_max: SEGMENTS,
    }
}

/// Spans of one plan: (from mm, to mm, per mille); 0 holds for a collision.
pub(crate) fn plan(spans: &[(f64, f64, u16)]) -> OverridePlan {
    let span = |&(from_mm, to_mm, factor): &(f64, f64, u16)| Span {
        from: Station::from_mm(from_mm),
        to: Station::from_mm(to_mm),
        factor: permille(factor),
        binding: match factor {
            0 => Binding::plain(Reason::Collision),
            _ => Binding { reason: Reason::ForcePeak, value: Some(400.0), limit: Some(500.0) },
        },
    };
    OverridePlan::new(spans.iter().map(span).collect()).expect("contiguous")
}

/// What the cloud does with the plan: a factor over station, in per mille.
pub(crate) type Wanted = fn(f64) -> u16;

/// The cloud: answers offers, sends the baseline, plans on triggers, keeps plans alive.
pub(crate) struct Cloud {
    pub(crate) alive: bool,
    pub(crate) answers_triggers: bool,
    pub(crate) keeps_alive: bool,
    pub(crate) wanted: Wanted,
    /// Where the feed is to be held, in the baseline.
    pub(crate) hold: Option<(f64, f64)>,
    pub(crate) offer: Option<wire::Offer>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) parts: u32,
    pub(crate) newest: Option<StateBatch>,
    pub(crate) sequence: u64,
    pub(crate) stands_behind: u64,
    pub(crate) chunks: u64,
    out: Vec<Message>,
}

impl Cloud {
    fn new() -> Self {
        Self {
            alive: true,
            answers_triggers: true,
            keeps_alive: true,
            wanted: |_| 900,
            hold: None,
            offer: None,
            bytes: Vec::new(),
            parts: 0,
            newest: None,
            sequence: 0,
            stands_behind: 0,
            chunks: 0,
            out: Vec::new(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        match wire::decode(bytes).expect("the agent sends whole messages") {
            Message::Offer(offer) => {
                (self.bytes, self.parts, self.sequence, self.stands_behind) = (Vec::new(), 0, 0, 0);
                self.offer = Some(offer);
            }
            Message::OfferPart(part) if part.index == self.parts => {
                self.bytes.extend_from_slice(&part.bytes);
                self.parts += 1;
                self.accept();
            }
            Message::State(batch) => {
                self.newest = Some(batch);
                self.answer();
            }
            _ => {}
        }
    }

    fn accept(&mut self) {
        let Some(offer) = self.offer.clone().filter(|offer| offer.parts == self.parts) else { return };
        assert_eq!(Digest::of(&self.bytes), offer.blob, "the parts are the offer");
        let wire::Offer { epoch, program, context, path, .. } = offer;
        self.out.push(Message::Accept(Accept { epoch, program, context, path }));
        let half = f64::from(SEGMENTS) * SEGMENT_MM / 2.0;
        for (index, from_mm) in [(0, 0.0), (1, half)] {
            let end_mm = from_mm + half;
            let plan = match self.hold {
                Some((hold, until)) if from_mm <= hold && hold < end_mm => {
                    plan(&[(from_mm, hold, BASELINE_PERMILLE), (hold, until, 0), (until, end_mm, BASELINE_PERMILLE)])
                }
                _ => plan(&[(from_mm, end_mm, BASELINE_PERMILLE)]),
            };
            self.out.push(Message::BaselinePart(BaselinePart { epoch, context, index, count: 2, plan }));
        }
    }

    fn answer(&mut self) {
        let Some(batch) = self.newest.clone() else { return };
        if self.answers_triggers && batch.trigger {
            let from_mm = batch.samples[batch.samples.len() - 1].station.as_mm().floor();
            let end_mm = f64::from(SEGMENTS) * SEGMENT_MM;
            let to_mm = (batch.trigger_reach.as_mm() + 20.0).ceil().min(end_mm);
            let chunk = self.chunk(from_mm, to_mm);
            self.out.push(Message::Plan(chunk));
        } else if self.keeps_alive && self.sequence > 0 {
            self.sequence += 1;
            let (epoch, context) = self.identity();
            let basis = batch.samples[batch.samples.len() - 1].sequence;
            let (sequence, stands_behind) = (PlanSequence(self.sequence), PlanSequence(self.stands_behind));
            self.out.push(Message::KeepAlive(KeepAlive { epoch, sequence, basis, context, stands_behind }));
        }
    }

    fn identity(&self) -> (Epoch, ContextDigest) {
        let offer = self.offer.as_ref().expect("a session");
        (offer.epoch, offer.context)
    }

    /// A chunk on a grid of 5 mm that rests on the newest sample.
    pub(crate) fn chunk(&mut self, from_mm: f64, to_mm: f64) -> PlanMessage {
        let mut spans = Vec::new();
        let mut at_mm = from_mm;
        while at_mm < to_mm {
            let next_mm = ((at_mm / 5.0).floor() * 5.0 + 5.0).min(to_mm);
            spans.push((at_mm, next_mm, (self.wanted)(at_mm)));
            at_mm = next_mm;
        }
        self.chunk_of(plan(&spans))
    }

    /// A chunk with a given plan that rests on the newest sample.
    pub(crate) fn chunk_of(&mut self, plan: OverridePlan) -> PlanMessage {
        let sample = *self.newest.as_ref().and_then(|batch| batch.samples.last()).expect("a sample");
        let offer = self.offer.as_ref().expect("a session");
        self.sequence += 1;
        self.stands_behind = self.sequence;
        self.chunks += 1;
        PlanMessage {
            basis_sent_at: sample.sent_at,
            chunk: PlanChunk {
                epoch: offer.epoch,
                sequence: PlanSequence(self.sequence),
                program: offer.program,
                context: offer.context,
                basis: sample.sequence,
                time_to_live: TIME_TO_LIVE,
                plan,
                stamps: StageStamps { total: Duration::from_ms(1), ..StageStamps::default() },
                work: WorkAllowance(16),
                removed_cells: 100,
            },
        }
    }
}

/// The machine: moves at programmed feed × dial × factor.
pub(crate) struct Machine {
    pub(crate) at_mm: f64,
    pub(crate) off_mm: f64,
    pub(crate) dial_permille: u16,
    pub(crate) factor: Override,
    pub(crate) execution: Execution,
    pub(crate) mode: ControllerMode,
    pub(crate) line: Option<u32>,
    pub(crate) silent: bool,
    /// Where it comes to rest after a feed hold.
    pub(crate) rests_at_mm: Option<f64>,
    /// Feed holds it was told.
    pub(crate) holds: u32,
}

impl Machine {
    pub(crate) fn velocity_mm_s(&self) -> f64 {
        let moving = self.execution == Execution::Active;
        let factor = self.factor.ratio() * f64::from(self.dial_permille) / 1000.0;
        if moving { FEED_MM_S * factor } else { 0.0 }
    }

    /// A feed hold: as slow to obey and to brake as the machine may be, and the time to brake is left out.
    fn hold(&mut self, config: &AgentConfig, capabilities: &Capabilities) {
        self.holds += 1;
        let speed_mm_s = self.velocity_mm_s();
        let braking_mm = speed_mm_s * speed_mm_s / (2.0 * config.braking.deceleration.as_mm_s2());
        let rest_mm = self.at_mm + speed_mm_s * capabilities.effect_time.as_s() + braking_mm;
        self.rests_at_mm.get_or_insert(rest_mm);
    }

    fn step(&mut self, span: Duration) {
        let end_mm = f64::from(SEGMENTS) * SEGMENT_MM;
        self.at_mm = (self.at_mm + self.velocity_mm_s() * span.as_s()).min(end_mm);
        if let Some(rest_mm) = self.rests_at_mm.filter(|rest_mm| *rest_mm <= self.at_mm) {
            (self.at_mm, self.execution, self.rests_at_mm) = (rest_mm, Execution::FeedHold, None);
        }
        if self.at_mm >= end_mm && self.execution == Execution::Active {
            self.execution = Execution::ProgramCompleted;
        }
    }

    pub(crate) fn sample(&self, now: Instant) -> ControllerSample {
        let line = 1 + ((self.at_mm / SEGMENT_MM) as u32).min(SEGMENTS - 1);
        ControllerSample {
            execution: Some(self.execution),
            mode: Some(self.mode),
            line: Some(self.line.unwrap_or(line)),
            position: Some(Point::new(self.at_mm, self.off_mm, 0.0)),
            path_feedrate: Some(Feedrate::mm_s(self.velocity_mm_s())),
            dial_permille: Some(self.dial_permille),
            factor: Some(self.factor),
            factor_enabled: Some(true),
            tool: Some(ToolNumber(1)),
            ..ControllerSample::unavailable(now)
        }
    }
}

/// One cycle as it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) now: Instant,
    pub(crate) at_mm: f64,
    pub(crate) command: Option<Override>,
    pub(crate) status: edge_agent::Status,
}

/// Agent, machine, cloud and link.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) agent: Agent,
    pub(crate) machine: Machine,
    pub(crate) cloud: Cloud,
    /// One way, either way.
    pub(crate) delay: Duration,
    pub(crate) uplink: bool,
    pub(crate) downlink: bool,
    /// False while whoever reads the trace stands still.
    pub(crate) drains: bool,
    /// False while whoever takes messages for the network stands still.
    pub(crate) transmits: bool,
    /// How many times faster than the clock the machine runs.
    pub(crate) time_scale: u64,
    limits: (AgentConfig, Capabilities),
    pub(crate) rows: Vec<Row>,
    pub(crate) events: Vec<TraceEntry>,
    up: VecDeque<(Instant, Vec<u8>)>,
    down: VecDeque<(Instant, Vec<u8>)>,
}

impl World {
    pub(crate) fn with(config: AgentConfig, job: AgentJob) -> Self {
        Self::starting_at(ms(1000), config, job)
    }

    /// A world whose clock stands at `now` when the agent starts.
    pub(crate) fn starting_at(now: Instant, config: AgentConfig, job: AgentJob) -> Self {
        Self {
            now,
            limits: (config, job.capabilities),
            agent: Agent::new(config, job, Epoch(1), now).expect("valid"),
            machine: Machine {
                at_mm: 0.0,
                off_mm: 0.0,
                dial_permille: 1000,
                factor: Override::PROGRAMMED,
                execution: Execution::Ready,
                mode: ControllerMode::Automatic,
                line: None,
                silent: false,
                rests_at_mm: None,
                holds: 0,
            },
            cloud: Cloud::new(),
            delay: Duration::from_ms(10),
            uplink: true,
            downlink: true,
            drains: true,
            transmits: true,
            time_scale: config.time_scale as u64,
            rows: Vec::new(),
            events: Vec::new(),
            up: VecDeque::new(),
            down: VecDeque::new(),
        }
    }

    /// Armed, session open, program started and on the plan.
    pub(crate) fn running() -> Self {
        Self::running_with(config(), job(path(None)))
    }

    pub(crate) fn running_with(config: AgentConfig, job: AgentJob) -> Self {
        let mut world = Self::with(config, job);
        world.agent.handle_operator(world.now, OperatorAction::Arm);
        world.run(500);
        world.machine.execution = Execution::Active;
        world.run(2000);
        world.rows.clear();
        world
    }

    /// Runs a number of milliseconds.
    pub(crate) fn run(&mut self, span_ms: u64) {
        let end = self.now.after(Duration::from_ms(span_ms));
        while self.now < end {
            self.cycle();
        }
    }

    /// One cycle of 10 ms.
    pub(crate) fn cycle(&mut self) {
        self.now = self.now.after(CYCLE);
        self.machine.step(CYCLE.times(self.time_scale));
        self.deliver();
        if !self.machine.silent {
            let sample = self.machine.sample(self.now);
            self.agent.handle_sample(self.now, &sample);
        }
        let command = self.agent.poll_command(self.now).and_then(|command| match command {
            Command::Factor { factor, .. } => Some(factor),
            Command::FeedHold => {
                self.machine.hold(&self.limits.0, &self.limits.1);
                None
            }
        });
        if let Some(factor) = command {
            self.machine.factor = factor;
        }
        self.transmit();
        if self.drains {
            let events = &mut self.events;
            self.agent.drain_events(&mut |entry| events.push(entry));
        }
        let status = self.agent.status(self.now);
        self.rows.push(Row { now: self.now, at_mm: self.machine.at_mm, command, status });
    }

    fn deliver(&mut self) {
        while self.up.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, bytes)) = self.up.pop_front() else { break };
            if self.cloud.alive {
                self.cloud.hear(&bytes);
            }
        }
        let at = self.now.after(self.delay);
        for message in self.cloud.out.drain(..) {
            if self.downlink {
                self.down.push_back((at, encoded(&message)));
            }
        }
        while self.down.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, bytes)) = self.down.pop_front() else { break };
            self.agent.handle_message(self.now, &bytes);
        }
    }

    fn transmit(&mut self) {
        let mut out = Vec::new();
        while self.transmits && self.agent.poll_transmit(self.now, &mut out).is_some() {
            if self.uplink {
                self.up.push_back((self.now.after(self.delay), out.clone()));
            }
        }
        if let Some(epoch) = self.agent.lease_wanted() {
            self.agent.handle_grant(self.now, epoch).expect("the next epoch");
        }
    }

    /// The command of the last cycle.
    pub(crate) fn command(&self) -> Option<u16> {
        self.rows.last().and_then(|row| row.command).map(Override::permille)
    }

    pub(crate) fn status(&self) -> edge_agent::Status {
        self.agent.status(self.now)
    }

    pub(crate) fn sample_sequence(&self) -> SampleSequence {
        self.cloud.newest.as_ref().expect("a batch").samples[0].sequence
    }

    /// Asserts what holds in every run: no command above 1.0 or below the envelope, no step steeper than the
    /// slew limit, at most one command a cycle.
    pub(crate) fn check_every_row(&self, slew_per_s: f64) {
        let mut last: Option<(Instant, Override)> = None;
        for row in &self.rows {
            let Some(command) = row.command else {
                last = None;
                continue;
            };
            assert!(command <= Override::PROGRAMMED);
            if let Some((at, before)) = last {
                let step = f64::from(command.permille().abs_diff(before.permille())) / 1000.0;
                let permitted = slew_per_s * row.now.since(at).as_s() + 0.001 + 1e-9;
                assert!(step <= permitted, "a step of {step} at {:?}", row.now);
            }
            last = Some((row.now, command));
        }
    }
}

pub(crate) fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    wire::encode(message, &mut out).expect("within the limits");
    out
}
