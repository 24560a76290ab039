//! What a plan costs on its way to the machine: signature, door, gate, cycle. The README's figures come from here.
//!
//! Promises: gate and verification together at most 60 µs at the median; the cycle without verification at most 5 µs,
//! which also allocates nothing (`edge-agent/tests/no_allocation.rs`).

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use edge_agent::{Agent, AgentConfig, AgentJob, Arming, Braking, DialRule, Door, Inbound, OperatorAction, Trust};
use firmware_bridge::controller::{Capabilities, ControllerMode, ControllerSample, Execution};
use shared::budget::WorkAllowance;
use shared::geom::Point;
use shared::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence};
use shared::motion::{CornerRule, Geometry, Path, Segment, SegmentKind, Station};
use shared::plan::{Binding, Envelope, Override, OverridePlan, PlanChunk, Reason, Span, StageStamps};
use shared::program::{Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Feedrate, Length, Seconds};
use shared::wire::{self, Accept, CloudKeys, LocalKey, Message, PlanMessage, Sealer};

const LOCAL: LocalKey = LocalKey::from_bytes([9; 32]);
/// Spans of the chunk: about 4 kB.
const SPANS: u64 = 300;

fn name() -> Name {
    Name::parse("mill-1").expect("a name")
}

fn path() -> Path {
    let segment = |index: u32| {
        let (from, to) = (f64::from(index) * 10.0, f64::from(index + 1) * 10.0);
        Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: Point::new(from, 0.0, 0.0), end: Point::new(to, 0.0, 0.0) },
            start: Station::from_mm(from),
            end: Station::from_mm(to),
            length: Length::mm(10.0),
            feed: Feedrate::mm_s(20.0),
            spindle: None,
            tool: None,
            at: Provenance { source: SourceId(0), line: index + 1, ..Provenance::default() },
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        }
    };
    Path::new((0..1000).map(segment).collect()).expect("contiguous")
}

fn config() -> AgentConfig {
    let ms = Duration::from_ms;
    AgentConfig {
        envelope: Envelope {
            factor_min: Override::from_permille(100).expect("in range"),
            factor_max: Override::PROGRAMMED,
            step_permille: 1,
            slew_per_s: 2.0,
            reach_max: Length::mm(500.0),
        },
        arming: Arming::Active,
        trust: Trust::Sealed(LOCAL),
        dial_rule: DialRule::Product,
        without_us: Override::PROGRAMMED,
        time_scale: 1.0,
        cycle_period: ms(1),
        command_time_to_live: ms(20),
        plan_time_to_live_max: ms(60_000),
        latency_bound: ms(50),
        lead: ms(5),
        horizon_min: ms(1000),
        horizon_required: ms(2000),
        trigger_timeout: ms(200),
        state_period: ms(10),
        sample_age_max: ms(100),
        healthy_interval: ms(1000),
        session_silence_max: ms(3_600_000),
        offer_retry: ms(1000),
        offer_part_spacing: ms(1),
        position_tolerance: Length::mm(0.2),
        braking: Braking { deceleration: Acceleration::mm_s2(1000.0), delay: Duration::ZERO },
        forged_per_minute_max: 100,
    }
}

fn job() -> AgentJob {
    AgentJob {
        machine: name(),
        path: Arc::new(path()),
        program: ProgramDigest(Digest::of(b"program")),
        context: ContextDigest(Digest::of(b"context")),
        offer: Arc::from(b"job".as_slice()),
        capabilities: Capabilities {
            factor: true,
            factor_step_permille: 1,
            effect_time: Duration::from_ms(20),
            sample_period: Duration::from_ms(1),
            watchdog: true,
        },
        lines_max: 1000,
    }
}

fn sample(now: Instant, at_mm: f64) -> ControllerSample {
    ControllerSample {
        execution: Some(Execution::Active),
        mode: Some(ControllerMode::Automatic),
        line: Some(1 + (at_mm / 10.0) as u32),
        position: Some(Point::new(at_mm, 0.0, 0.0)),
        path_feedrate: Some(Feedrate::mm_s(20.0)),
        dial_permille: Some(1000),
        factor: Some(Override::PROGRAMMED),
        ..ControllerSample::unavailable(now)
    }
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes).expect("short");
    bytes
}

/// An agent in a session with a program that runs, and the instant it has reached.
fn running() -> (Agent, Instant) {
    let (job, mut local) = (job(), LOCAL);
    let accept = Accept { epoch: Epoch(1), program: job.program, context: job.context, path: job.path.digest() };
    let mut now = Instant::ORIGIN.after(Duration::from_ms(1000));
    let mut agent = Agent::new(config(), job, Epoch(1), now).expect("in range");
    agent.handle_operator(now, OperatorAction::Arm);
    let mut bytes = encoded(&Message::Accept(accept));
    local.seal(&name(), &mut bytes).expect("a message");
    agent.handle_message(now, &bytes);
    let mut out = Vec::new();
    for cycle in 0..50u32 {
        now = now.after(Duration::from_ms(1));
        agent.handle_sample(now, &sample(now, f64::from(cycle) * 0.02));
        agent.poll_command(now);
        while agent.poll_transmit(now, &mut out).is_some() {}
    }
    (agent, now)
}

fn chunk(sequence: u64) -> Message {
    let job = job();
    let span = |index: u64| Span {
        from: Station::from_mm(index as f64),
        to: Station::from_mm((index + 1) as f64),
        factor: Override::from_permille(500 + (index % 400) as u16).expect("in range"),
        binding: Binding::plain(Reason::ForcePeak),
    };
    Message::Plan(PlanMessage {
        basis_sent_at: Instant::ORIGIN,
        chunk: PlanChunk {
            epoch: Epoch(1),
            sequence: PlanSequence(sequence),
            program: job.program,
            context: job.context,
            basis: SampleSequence(1),
            time_to_live: Duration::from_ms(60_000),
            plan: OverridePlan::new((0..SPANS).map(span).collect()).expect("contiguous"),
            stamps: StageStamps::default(),
            work: WorkAllowance(1),
            removed_cells: 1,
        },
    })
}

fn gate(criterion: &mut Criterion) {
    let plain = encoded(&chunk(1));
    let mut keys = CloudKeys::from_secret(&[1; 32]);
    criterion.bench_function("sign a chunk of 4 kB", |bencher| {
        bencher.iter_batched_ref(|| plain.clone(), |bytes| keys.seal(&name(), bytes), BatchSize::SmallInput);
    });
    let (mut agent, now) = running();
    let accept =
        Accept { epoch: Epoch(1), program: job().program, context: job().context, path: agent.path().digest() };
    let mut door = Door::new(name(), keys.public(), LOCAL);
    let mut announced = encoded(&Message::Accept(accept));
    keys.seal(&name(), &mut announced).expect("a message");
    door.pass(&mut announced);
    let mut signed = plain.clone();
    keys.seal(&name(), &mut signed).expect("a message");
    criterion.bench_function("verify and reseal a chunk of 4 kB at the door", |bencher| {
        bencher.iter_batched_ref(|| signed.clone(), |bytes| door.pass(bytes), BatchSize::SmallInput);
    });
    let (mut local, mut sealed) = (LOCAL, plain);
    local.seal(&name(), &mut sealed).expect("a message");
    criterion.bench_function("judge a sealed chunk of 4 kB in the cycle", |bencher| {
        bencher.iter(|| agent.handle_inbound(now, Inbound { received_at: now, bytes: black_box(&sealed) }));
    });
    let (mut agent, mut now) = running();
    let mut out = Vec::with_capacity(wire::MESSAGE_BYTES_MAX);
    criterion.bench_function("cycle: sample, command, state", |bencher| {
        bencher.iter(|| {
            now = now.after(Duration::from_ms(1));
            agent.handle_sample(now, &sample(now, 1.0));
            black_box(agent.poll_command(now));
            while agent.poll_transmit(now, &mut out).is_some() {}
            agent.drain_events(&mut |entry| {
                black_box(entry);
            });
        });
    });
}

criterion_group!(benches, gate);
criterion_main!(benches);
