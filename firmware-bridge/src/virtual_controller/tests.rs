#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

use std::sync::{Arc, Mutex};

use shared::det::Rng;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::machine::{Axis, Machine, OverrideRange, Spindle, ToolLengthRule};
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station, StillKind, StopRule};
use shared::plan::Override;
use shared::program::Provenance;
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Feedrate, Force, Length, Power, RotaryVelocity, Seconds, Torque};

use super::*;
use crate::controller::ControllerSample;
use crate::dialect::virtual_link::{ReportEvent, encode_command, report_decoder};
use crate::process::{Air, ToolMotion};

const ACCELERATION_MM_S2: f64 = 500.0;

pub(crate) fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(200.0),
        acceleration: Acceleration::mm_s2(ACCELERATION_MM_S2),
        rapid_acceleration: Acceleration::mm_s2(ACCELERATION_MM_S2),
        jerk: None,
    };
    let plain = Machine::of_equal_axes(axis);
    Machine {
        corner_deviation: Length::ZERO,
        spindle: Spindle {
            power_max: Power::w(5000.0),
            torque_max: Torque::n_m(20.0),
            idle_power: Power::w(400.0),
            ..plain.spindle
        },
        tool_change: Seconds::s(2.0),
        m_code: Seconds::ZERO,
        tool_length_rule: ToolLengthRule::AtToolChange,
        override_range: OverrideRange { effect_time: Seconds::s(0.02), ..plain.override_range },
        ..plain
    }
}

/// Builds a path piece by piece.
struct PathBuilder {
    segments: Vec<Segment>,
    at: Point,
    tool: u32,
}

impl PathBuilder {
    fn new() -> Self {
        Self { segments: Vec::new(), at: Point::origin(), tool: 1 }
    }

    fn push(mut self, kind: SegmentKind, geometry: Geometry, still_s: f64) -> Self {
        let length = Length::mm((geometry.end() - geometry.start()).norm());
        let start = self.segments.last().map_or(Station::START, |segment| segment.end);
        let line = self.segments.len() as u32 + 1;
        self.at = geometry.end();
        self.segments.push(Segment {
            kind,
            geometry,
            start,
            end: start.advanced(if length > Length::ZERO { length } else { Length::mm(1.0) }),
            length,
            feed: Feedrate::mm_s(if kind == SegmentKind::Rapid { 200.0 } else { 20.0 }),
            spindle: Some(RotaryVelocity::rev_s(100.0)),
            tool: Some(ToolNumber(self.tool)),
            at: Provenance { line, ..Provenance::default() },
            forced: None,
            still: Seconds::s(still_s),
            stop_at_end: false,
            corner: shared::motion::CornerRule::Machine,
            turn_rad: [0.0; 3],
        });
        self
    }

    fn feed(self, x: f64, y: f64, z: f64) -> Self {
        let start = self.at;
        self.push(SegmentKind::Feed, Geometry::Line { start, end: Point::new(x, y, z) }, 0.0)
    }

    fn rapid(self, x: f64, y: f64, z: f64) -> Self {
        let start = self.at;
        self.push(SegmentKind::Rapid, Geometry::Line { start, end: Point::new(x, y, z) }, 0.0)
    }

    fn still(self, kind: StillKind, still_s: f64) -> Self {
        let at = self.at;
        self.push(SegmentKind::Still(kind), Geometry::Still { at }, still_s)
    }

    /// Changes the tool; the new one is longer by 30 mm, so the tip jumps.
    fn change_tool(self) -> Self {
        let mut next = self.still(StillKind::ToolChange, 0.2);
        next.tool += 1;
        next.at.z -= 30.0;
        next
    }

    fn build(self) -> Arc<Path> {
        Arc::new(Path::new(self.segments).expect("contiguous"))
    }
}

/// 100 mm at 20 mm/s: 100/20 + 20/500 = 5.04 s.
pub(crate) fn straight() -> Arc<Path> {
    PathBuilder::new().feed(100.0, 0.0, 0.0).build()
}

pub(crate) fn config() -> VirtualConfig {
    VirtualConfig {
        sample_period: Duration::from_ms(10),
        time_scale: 1.0,
        without_us: Override::PROGRAMMED,
        stops: StopRule::PassThrough,
        noise: SensorNoise::NONE,
        meter: PowerMeter { filter: Seconds::ZERO, step_share: 0.0 },
        faults: Vec::new(),
        dial: Vec::new(),
        seed: 1,
    }
}

fn controller(path: Arc<Path>, config: VirtualConfig) -> VirtualController {
    VirtualController::new(machine(), path, Box::new(Air), config, Instant::ORIGIN).expect("valid")
}

fn ms(value: u64) -> Instant {
    Instant::from_ns(value * 1_000_000)
}

fn say(controller: &mut VirtualController, now: Instant, command: LinkCommand) {
    let mut bytes = Vec::new();
    assert!(encode_command(command, &mut bytes));
    controller.handle_bytes(now, &bytes);
}

fn factor(permille: u16, ttl_ms: u64) -> LinkCommand {
    let factor = Override::from_permille(permille).expect("in range");
    LinkCommand::Factor { factor, time_to_live: Duration::from_ms(ttl_ms) }
}

/// Runs from the start of the program to an instant, a call each ms, and gives every step.
fn run_to(controller: &mut VirtualController, until_ms: u64) -> Vec<TracePoint> {
    let mut steps = Vec::new();
    (1..=until_ms).for_each(|at| controller.advance_to(ms(at), &mut |point| steps.push(*point)));
    steps
}

fn samples(bytes: &[u8]) -> Vec<ControllerSample> {
    let mut found = Vec::new();
    report_decoder().feed(bytes, Instant::from_ns(u64::MAX / 2), &mut |event| {
        if let ReportEvent::Report(report) = event {
            found.push(report.sample);
        }
    });
    found
}

#[test]
fn a_program_runs_to_its_end_in_the_time_of_its_trapezoid() {
    let mut controller = controller(straight(), config());
    assert_eq!(controller.execution(), Execution::Ready);
    controller.advance_to(ms(500), &mut |_| ());
    assert_eq!(controller.execution(), Execution::Ready, "nobody has said run");
    say(&mut controller, ms(500), LinkCommand::Run);
    controller.advance_to(ms(7_000), &mut |_| ());
    assert_eq!(controller.execution(), Execution::ProgramCompleted);
    assert!((controller.cycle_time().as_s() - 5.04).abs() < 2e-3, "{}", controller.cycle_time());
    let mut bytes = Vec::new();
    controller.poll_bytes(&mut bytes);
    let samples = samples(&bytes);
    let middle = samples.iter().find(|sample| sample.position.expect("said").x > 50.0).expect("passed");
    assert_eq!(middle.path_feedrate, Some(Feedrate::mm_s(20.0)));
    assert_eq!((middle.line, middle.tool, middle.factor_enabled), (Some(1), Some(ToolNumber(1)), Some(true)));
    assert_eq!((middle.dial_permille, middle.factor), (Some(1000), Some(Override::PROGRAMMED)));
    let last = samples[samples.len() - 1];
    assert_eq!((last.execution, last.position), (Some(Execution::ProgramCompleted), Some(Point::new(100.0, 0.0, 0.0))));
    assert_eq!(samples.len(), 700, "a report every 10 ms");
    say(&mut controller, ms(7_000), LinkCommand::Run);
    controller.advance_to(ms(7_100), &mut |_| ());
    assert_eq!((controller.execution(), controller.counters().commands_refused), (Execution::ProgramCompleted, 1));
}

#[test]
fn a_factor_acts_within_the_effect_time_and_is_read_back() {
    let mut controller = controller(straight(), config());
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 1_000);
    say(&mut controller, ms(1_000), factor(505, 1_000));
    let steps = run_to(&mut controller, 1_200);
    let first = steps.iter().find(|step| step.velocity < Feedrate::mm_s(20.0)).expect("it slows").wall;
    let after = first.since(ms(1_000));
    assert!(after <= Duration::from_ms(20) && after >= Duration::from_ms(17), "{after:?}");
    // The grain is 10: 505 is taken as 500.
    assert!((steps[steps.len() - 1].velocity.as_mm_s() - 10.0).abs() < 1e-9);
    let mut bytes = Vec::new();
    controller.poll_bytes(&mut bytes);
    assert_eq!(samples(&bytes).last().expect("reports").factor.map(Override::permille), Some(500));
}

#[test]
fn h25_without_renewal_the_machine_lets_go_by_itself_and_finishes() {
    let mut controller = controller(straight(), config());
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 1_000);
    say(&mut controller, ms(1_000), factor(500, 200));
    let steps = run_to(&mut controller, 2_000);
    let at = |at_ms: u64| steps.iter().find(|step| step.wall >= ms(at_ms)).expect("running").factor;
    assert_eq!(at(1_100), 0.5);
    // Expiry at 1200 ms plus the effect time, then 2.0 a second.
    assert_eq!(at(1_215), 0.5);
    assert!((at(1_320) - 0.7).abs() < 0.01, "{}", at(1_320));
    assert_eq!(at(1_480), 1.0);
    assert_eq!(controller.counters().expiries, 1);
    run_to(&mut controller, 9_000);
    assert_eq!(controller.execution(), Execution::ProgramCompleted);
    assert!(controller.cycle_time().as_s() < 5.04 + 0.3, "nothing stays slow: {}", controller.cycle_time());
}

#[test]
fn under_a_ceiling_program_the_value_without_us_is_lower() {
    let without_us = Override::from_permille(800).expect("in range");
    let mut controller = controller(straight(), VirtualConfig { without_us, ..config() });
    say(&mut controller, ms(0), LinkCommand::Run);
    let steps = run_to(&mut controller, 1_000);
    assert_eq!(steps[steps.len() - 1].velocity, Feedrate::mm_s(16.0));
}

/// The same bytes at the same instants: the cuts of time in between do not matter.
#[test]
fn inv5_the_run_does_not_depend_on_how_often_it_is_advanced() {
    let path =
        || PathBuilder::new().rapid(5.0, 5.0, 0.0).feed(20.0, 5.0, -1.0).change_tool().feed(20.0, 25.0, -32.0).build();
    let noise = SensorNoise {
        position: Length::mm(0.01),
        feedrate_share: 0.01,
        power: Power::w(20.0),
        jitter_max: Duration::from_ms(4),
        drop_share: 0.05,
    };
    let faults = vec![
        Fault { at: Duration::from_ms(300), kind: FaultKind::TornLine },
        Fault { at: Duration::from_ms(500), kind: FaultKind::Garbage { bytes: 300 } },
        Fault { at: Duration::from_ms(700), kind: FaultKind::Stall(Duration::from_ms(200)) },
    ];
    let config = VirtualConfig { noise, faults, time_scale: 1.7, ..config() };
    let record = |cuts: u64| {
        let mut controller = controller(path(), config.clone());
        let mut rng = Rng::new(cuts);
        let (mut bytes, mut now) = (Vec::new(), ms(0));
        say(&mut controller, ms(0), LinkCommand::Run);
        for (at, command) in
            [(400, factor(600, 300)), (900, LinkCommand::Hold), (1200, LinkCommand::Resume), (4000, LinkCommand::Ping)]
        {
            while now < ms(at) {
                now = if cuts == 0 { ms(at) } else { now.after(Duration::from_us(rng.below(9_000))) }.min(ms(at));
                controller.advance_to(now, &mut |_| ());
                controller.poll_bytes(&mut bytes);
            }
            say(&mut controller, now, command);
        }
        controller.poll_bytes(&mut bytes);
        (bytes, controller.counters(), controller.motion())
    };
    let whole = record(0);
    assert_eq!(whole.2.segment, 3);
    for cuts in 1..6 {
        assert!(record(cuts) == whole, "cuts of seed {cuts}");
    }
}

#[test]
fn a_faster_machine_takes_less_wall_time_and_the_same_machine_time() {
    let mut controller = controller(straight(), VirtualConfig { time_scale: 4.0, ..config() });
    say(&mut controller, ms(0), LinkCommand::Run);
    let steps = run_to(&mut controller, 1_000);
    assert!((steps[steps.len() - 1].velocity.as_mm_s() - 20.0).abs() < 1e-9, "the display shows the program's feed");
    let moved_mm = controller.motion().position.x;
    // 80 mm, less 0.4 mm for speeding up and 19.5 ms until the command acts.
    assert!((moved_mm - 78.04).abs() < 0.1, "{moved_mm} in one wall second");
    run_to(&mut controller, 2_000);
    assert!((controller.cycle_time().as_s() - 5.04).abs() < 2e-3, "{}", controller.cycle_time());
}

#[test]
fn hold_stops_until_resume_and_outlives_every_factor() {
    let mut controller = controller(straight(), config());
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 1_000);
    say(&mut controller, ms(1_000), LinkCommand::Hold);
    let steps = run_to(&mut controller, 3_000);
    assert_eq!((controller.execution(), steps[steps.len() - 1].velocity), (Execution::FeedHold, Feedrate::ZERO));
    say(&mut controller, ms(3_000), factor(1000, 100));
    assert_eq!(run_to(&mut controller, 4_000).last().expect("steps").velocity, Feedrate::ZERO);
    say(&mut controller, ms(4_000), LinkCommand::Resume);
    run_to(&mut controller, 9_000);
    assert_eq!(controller.execution(), Execution::ProgramCompleted);
}

#[test]
fn h27_the_operators_dial_multiplies_and_ours_never_touches_it() {
    let dial = vec![
        DialChange { at: Duration::from_ms(500), permille: 500 },
        DialChange { at: Duration::from_ms(1_000), permille: 1200 },
    ];
    let mut controller = controller(straight(), VirtualConfig { dial, ..config() });
    say(&mut controller, ms(0), LinkCommand::Run);
    say(&mut controller, ms(0), factor(500, 10_000));
    let steps = run_to(&mut controller, 1_500);
    let at = |at_ms: usize| (steps[at_ms].dial_permille, steps[at_ms].velocity.as_mm_s());
    assert_eq!(at(400), (1000, 10.0));
    assert_eq!(at(900), (500, 5.0));
    assert_eq!(at(1_400).0, 1200);
    assert!((at(1_400).1 - 12.0).abs() < 1e-9);
}

#[test]
fn a_stop_waits_for_resume_where_it_is_told_to() {
    let path = PathBuilder::new().feed(5.0, 0.0, 0.0).still(StillKind::Stop, 0.0).feed(10.0, 0.0, 0.0).build();
    let mut controller = controller(path, VirtualConfig { stops: StopRule::WaitForPerson, ..config() });
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 5_000);
    assert_eq!(controller.execution(), Execution::ProgramStopped);
    assert!(controller.cycle_time().as_s() < 0.5, "waiting for a person is not part of the cycle");
    say(&mut controller, ms(5_000), LinkCommand::Resume);
    run_to(&mut controller, 6_000);
    assert_eq!(controller.execution(), Execution::ProgramCompleted);
}

/// A process that writes down what it was told.
struct Witness(Arc<Mutex<Vec<ToolMotion>>>);

impl CuttingProcess for Witness {
    fn cut(&mut self, motion: &ToolMotion) -> CutLoad {
        self.0.lock().expect("no test panics while holding it").push(*motion);
        CutLoad { power: Power::w(800.0), force_peak_xy: Force::n(100.0) }
    }
}

#[test]
fn the_process_sees_every_stretch_once_and_no_jump() {
    let path = PathBuilder::new()
        .rapid(10.0, 0.0, 40.0)
        .feed(10.0, 10.0, 40.0)
        .change_tool()
        .feed(10.0, 10.0, 5.0)
        .feed(0.0, 0.0, 5.0)
        .build();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let process = Box::new(Witness(Arc::clone(&seen)));
    let mut controller = VirtualController::new(machine(), path, process, config(), Instant::ORIGIN).expect("valid");
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 8_000);
    assert_eq!(controller.execution(), Execution::ProgramCompleted);
    let seen = seen.lock().expect("no test panics while holding it");
    let length_mm = |tool: u32, rapid: bool| -> f64 {
        let of = seen.iter().filter(|motion| motion.tool == Some(ToolNumber(tool)) && motion.rapid == rapid);
        of.map(|motion| (motion.to - motion.from).norm()).sum()
    };
    assert!((length_mm(1, true) - 10f64.hypot(40.0)).abs() < 1e-6);
    assert!((length_mm(1, false) - 10.0).abs() < 1e-6);
    assert!((length_mm(2, false) - (5.0 + 200f64.sqrt())).abs() < 1e-6, "{}", length_mm(2, false));
    for motion in seen.iter() {
        assert!((motion.to - motion.from).norm() <= 0.2001, "no stretch is longer than a step: {motion:?}");
        assert!(motion.velocity > Feedrate::ZERO || motion.from == motion.to, "{motion:?}");
    }
    let spindle = seen.iter().map(|motion| motion.spindle.as_rev_s());
    assert_eq!(spindle.fold(0.0, f64::max), 100.0);
}

#[test]
fn measured_power_is_idle_and_cutting_over_efficiency_behind_filter_and_step() {
    let measured = |meter: PowerMeter, at_ms: u64| {
        let process = Box::new(Witness(Arc::default()));
        let config = VirtualConfig { meter, ..config() };
        let mut controller =
            VirtualController::new(machine(), straight(), process, config, Instant::ORIGIN).expect("valid");
        say(&mut controller, ms(0), LinkCommand::Run);
        run_to(&mut controller, at_ms);
        let mut bytes = Vec::new();
        controller.poll_bytes(&mut bytes);
        samples(&bytes).last().expect("reports").spindle_power.expect("said").as_w()
    };
    // 400 W at 200 rev/s is 200 W at 100 rev/s; 800 W at the cutter are 1000 W at the drive.
    assert!((measured(PowerMeter { filter: Seconds::ZERO, step_share: 0.0 }, 2_000) - 1200.0).abs() < 1e-3);
    assert_eq!(measured(PowerMeter { filter: Seconds::ZERO, step_share: 0.02 }, 2_000), 1200.0);
    assert_eq!(measured(PowerMeter { filter: Seconds::ZERO, step_share: 0.05 }, 2_000), 1250.0);
    let filtered = measured(PowerMeter { filter: Seconds::s(0.3), step_share: 0.0 }, 300);
    assert!((600.0..750.0).contains(&filtered), "one time constant after the start: {filtered} W");
}

#[test]
fn broken_reports_are_recognised_and_never_believed() {
    let faults = (1..40)
        .map(|index| Fault {
            at: Duration::from_ms(index * 100),
            kind: match index % 3 {
                0 => FaultKind::TornLine,
                1 => FaultKind::Garbage { bytes: 40 * index as u16 },
                _ => FaultKind::Stall(Duration::from_ms(50)),
            },
        })
        .collect();
    let mut controller = controller(straight(), VirtualConfig { faults, ..config() });
    say(&mut controller, ms(0), LinkCommand::Run);
    run_to(&mut controller, 5_000);
    let mut bytes = Vec::new();
    controller.poll_bytes(&mut bytes);
    let mut decoder = report_decoder();
    let mut count = 0;
    decoder.feed(&bytes, ms(5_000), &mut |event| {
        if let ReportEvent::Report(report) = event {
            let x_mm = report.sample.position.expect("every report is whole").x;
            assert!((0.0..=100.0).contains(&x_mm) && report.sample.line == Some(1));
            count += 1;
        }
    });
    let (found, said) = (decoder.counters(), controller.counters());
    assert_eq!(said.reports_dropped, 13 * 5);
    assert_eq!(count + 13, said.reports, "thirteen were torn");
    assert_eq!(found.torn_lines + found.garbage_lines + found.long_lines, 26, "{found:?}");
    assert_eq!((found.bad_values, found.unknown_keys), (0, 0));
}

#[test]
fn nothing_grows_when_nobody_listens_or_somebody_babbles() {
    let mut controller = controller(straight(), config());
    say(&mut controller, ms(0), LinkCommand::Run);
    for at in 1..10_000 {
        controller.advance_to(ms(at), &mut |_| ());
        if at == 1_000 {
            (0..1_000).for_each(|permille| say(&mut controller, ms(at), factor(permille, 5_000)));
            say(&mut controller, ms(at), LinkCommand::Hold);
            controller.handle_bytes(ms(at), &[b'x'; 100_000]);
            (0..10_000).for_each(|_| say(&mut controller, ms(at), LinkCommand::Ping));
        }
    }
    let counters = controller.counters();
    assert_eq!(counters.commands_replaced, 1_001 - PENDING_MAX as u64);
    assert!(counters.reports_overflowed > 0);
    assert_eq!(controller.execution(), Execution::FeedHold, "a hold is not given up for a factor");
    controller.handle_disconnect();
    assert_eq!(controller.counters().commands_refused, 1);
    let mut bytes = Vec::new();
    controller.poll_bytes(&mut bytes);
    assert!(bytes.len() < OUT_LEN_MAX + 1_000, "{}", bytes.len());
}

#[test]
fn a_recorder_keeps_peaks_in_bounded_memory() {
    let mut controller = controller(straight(), config());
    say(&mut controller, ms(0), LinkCommand::Run);
    let template = run_to(&mut controller, 100)[50];
    let mut recorder = TraceRecorder::new(100);
    for step in 0..12_345u32 {
        let force_peak_xy = Force::n(if step == 7_777 { 900.0 } else { 100.0 });
        let load = CutLoad { force_peak_xy, power: Power::ZERO };
        recorder.take(&TracePoint { line: step, load, ..template });
    }
    let points = recorder.points();
    assert!((51..=100).contains(&points.len()) && recorder.steps_per_point() == 128);
    assert_eq!(points.last().expect("not empty").line, 12_344);
    let peaks: Vec<_> = points.iter().filter(|point| point.load.force_peak_xy == Force::n(900.0)).collect();
    assert!(peaks.len() == 1 && peaks[0].line / 128 == 7_777 / 128, "{peaks:?}");
}

#[test]
fn configurations_that_make_no_sense_are_refused() {
    let late = DialChange { at: Duration::from_ms(5), permille: 1000 };
    let early = DialChange { at: Duration::from_ms(4), permille: 1000 };
    let noise = |drop_share, jitter_max| SensorNoise { drop_share, jitter_max, ..SensorNoise::NONE };
    let cases = [
        VirtualConfig { sample_period: Duration::ZERO, ..config() },
        VirtualConfig { time_scale: 0.0, ..config() },
        VirtualConfig { time_scale: f64::NAN, ..config() },
        VirtualConfig { noise: noise(1.5, Duration::ZERO), ..config() },
        VirtualConfig { noise: noise(0.0, Duration::from_ms(10)), ..config() },
        VirtualConfig { dial: vec![late, early], ..config() },
        VirtualConfig { dial: vec![DialChange { at: Duration::ZERO, permille: 2001 }], ..config() },
        VirtualConfig {
            faults: vec![Fault { at: Duration::ZERO, kind: FaultKind::Garbage { bytes: 5000 } }],
            ..config()
        },
    ];
    for config in cases {
        let found = VirtualController::new(machine(), straight(), Box::new(Air), config.clone(), Instant::ORIGIN);
        assert!(found.is_err(), "{config:?}");
    }
}
