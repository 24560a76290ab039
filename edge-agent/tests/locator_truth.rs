//! The locator against a machine that knows where it is.
//!
//! Random programs with lines, arcs, rapids, waits, drill cycles, tiny segments, loops over the same lines and
//! crossings are run by the shared runner with acceleration and changing factors; the locator sees line and noisy
//! position at the sample rate. The true station must lie within the uncertainty of every fix, and the place must
//! be known nearly always. The runner shares no code with the locator.

mod world;

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::sync::Arc;

use edge_agent::locator::{Finding, Locator, Quality};
use firmware_bridge::controller::{ControllerSample, Execution};
use shared::det::{Rng, math};
use shared::geom::{Point, Vector};
use shared::machine::{Axis, LengthUnit, Machine, OverrideRange, Spindle, ToolLengthRule};
use shared::motion::{
    CompileOptions, Drive, Geometry, Path, Runner, Segment, SegmentKind, Station, StillKind, StopRule, compile,
};
use shared::program::{self, Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Feedrate, Length, Power, Seconds, Torque};

fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(300.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(3000.0),
        jerk: None,
    };
    let plain = Machine::of_equal_axes(axis);
    Machine {
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

/// A path under construction.
struct Program {
    segments: Vec<Segment>,
    at: Point,
    line: u32,
}

impl Program {
    fn push(&mut self, kind: SegmentKind, geometry: Geometry, length_mm: f64, feed_mm_s: f64, still_s: f64) {
        let start = self.segments.last().map_or(Station::START, |last| last.end);
        let equivalent_mm = if length_mm > 0.0 { length_mm } else { still_s.max(1e-3) };
        if length_mm < 1e-6 && still_s == 0.0 {
            return;
        }
        self.at = geometry.end();
        self.segments.push(Segment {
            kind,
            geometry,
            start,
            end: start.advanced(Length::mm(equivalent_mm)),
            length: Length::mm(length_mm),
            feed: Feedrate::mm_s(feed_mm_s),
            spindle: None,
            tool: None,
            at: Provenance { source: SourceId(0), line: self.line, ..Provenance::default() },
            forced: None,
            still: Seconds::s(still_s),
            stop_at_end: false,
            corner: shared::motion::CornerRule::Machine,
            turn_rad: [0.0; 3],
        });
    }

    fn line_to(&mut self, kind: SegmentKind, end: Point, feed_mm_s: f64) {
        let start = self.at;
        self.push(kind, Geometry::Line { start, end }, (end - start).norm(), feed_mm_s, 0.0);
    }

    fn arc(&mut self, rng: &mut Rng) {
        let (start, radius_mm) = (self.at, rng.between(1.0, 15.0));
        let angle = rng.between(0.0, TAU);
        let centre = start + Vector::new(math::cos(angle), math::sin(angle), 0.0) * radius_mm;
        let sweep_rad = rng.between(0.2, 9.0) * if rng.chance(0.5) { 1.0 } else { -1.0 };
        let rise = if rng.chance(0.3) { rng.between(-3.0, 3.0) } else { 0.0 };
        let (sin, cos) = math::sin_cos(sweep_rad);
        let arm = start - centre;
        let end = centre + Vector::new(arm.x * cos - arm.y * sin, arm.x * sin + arm.y * cos, rise);
        let length_mm = math::hypot(sweep_rad * radius_mm, rise);
        let geometry = Geometry::Arc { start, end, centre, normal: Vector::z(), sweep_rad };
        self.push(SegmentKind::Feed, geometry, length_mm, rng.between(3.0, 60.0), 0.0);
    }

    fn drill(&mut self, rng: &mut Rng) {
        let (top, depth_mm) = (self.at, rng.between(1.0, 12.0));
        self.line_to(SegmentKind::Feed, top - Vector::z() * depth_mm, rng.between(1.0, 8.0));
        self.line_to(SegmentKind::Rapid, top, 300.0);
    }

    fn tiny(&mut self, rng: &mut Rng) {
        let mut heading = rng.between(0.0, TAU);
        for _ in 0..rng.below(80) {
            heading += rng.between(-0.3, 0.3);
            let step = Vector::new(math::cos(heading), math::sin(heading), 0.0) * rng.between(0.02, 0.4);
            self.line += 1;
            self.line_to(SegmentKind::Feed, self.at + step, 40.0);
        }
    }

    fn random(rng: &mut Rng) -> Self {
        let mut program = Self { segments: Vec::new(), at: Point::origin(), line: 1 };
        program.line_to(SegmentKind::Rapid, Point::new(10.0, 5.0, 2.0), 300.0);
        for _ in 0..60 {
            program.line += 1 + rng.below(3) as u32;
            let mut coordinate = || rng.between(-40.0, 40.0);
            let target = Point::new(coordinate(), coordinate(), coordinate() * 0.1);
            match rng.below(8) {
                0 => program.line_to(SegmentKind::Rapid, target, 300.0),
                1 => program.arc(rng),
                2 => program.drill(rng),
                3 => program.tiny(rng),
                4 => {
                    let geometry = Geometry::Still { at: program.at };
                    program.push(SegmentKind::Still(StillKind::Dwell), geometry, 0.0, 0.0, rng.between(0.05, 1.5));
                }
                5 => {
                    // A subprogram: the same lines three times over.
                    let (first, from) = (program.line, program.at);
                    for _ in 0..3 {
                        program.line = first;
                        program.line_to(SegmentKind::Feed, target, 25.0);
                        program.line += 1;
                        program.line_to(SegmentKind::Feed, from, 25.0);
                    }
                }
                _ => program.line_to(SegmentKind::Feed, target, rng.between(2.0, 80.0)),
            }
        }
        program
    }
}

struct Outcome {
    samples: u64,
    located: u64,
    lost: u64,
    worst_uncertainty_mm: f64,
}

/// How the machine is watched.
#[derive(Clone, Copy)]
struct Watch {
    period: Duration,
    time_scale: f64,
    /// Noise of the position; without one the line alone is reported, looked at every so often.
    noise_mm: Option<f64>,
    line_late: Duration,
}

fn run_random(seed: u64, watch: Watch) -> Outcome {
    let program = Program::random(&mut Rng::new(seed));
    let lines_max = program.line + 1;
    run(seed, Arc::new(Path::new(program.segments).expect("contiguous")), lines_max, watch)
}

fn run(seed: u64, path: Arc<Path>, lines_max: u32, watch: Watch) -> Outcome {
    let Watch { period, time_scale, noise_mm, line_late } = watch;
    let mut rng = Rng::new(seed).fork("machine");
    let mut settings = world::config();
    (settings.time_scale, settings.position_tolerance) = (time_scale, Length::mm(0.1));
    let mut job = world::job(world::path(None));
    (job.path, job.lines_max) = (path.clone(), lines_max);
    (job.capabilities.factor, job.capabilities.sample_period) = (noise_mm.is_some(), line_late);
    let (mut line, mut looked_at) = (0, None);
    let mut locator = Locator::new(&settings, &job);
    let machine = machine();
    let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
    let mut outcome = Outcome { samples: 0, located: 0, lost: 0, worst_uncertainty_mm: 0.0 };
    let mut now = Instant::ORIGIN;
    let mut factor = 1.0;
    for _ in 0..2_000_000u32 {
        if rng.chance(0.02) {
            factor = rng.between(0.2, 1.0);
        }
        let drive = Drive { factor, ..Drive::PROGRAMMED };
        let motion = runner.advance(&path, &machine, Seconds::s(period.as_s() * time_scale), drive);
        now = now.after(period);
        if motion.finished {
            break;
        }
        let noise = Vector::new(rng.between(-1.0, 1.0), rng.between(-1.0, 1.0), rng.between(-1.0, 1.0));
        if noise_mm.is_some() || looked_at.is_none_or(|at| now.since(at) >= line_late) {
            (line, looked_at) = (path.segments()[motion.segment].at.line, Some(now));
        }
        let sample = ControllerSample {
            execution: Some(Execution::Active),
            line: Some(line),
            position: noise_mm.map(|noise_mm| motion.position + noise * noise_mm),
            path_feedrate: Some(motion.velocity),
            ..ControllerSample::unavailable(now)
        };
        let finding = locator.handle_sample(&sample);
        outcome.lost += u64::from(finding == Finding::Lost);
        let fix = locator.fix();
        outcome.samples += 1;
        outcome.located += u64::from(fix.quality == Quality::Located);
        if fix.quality == Quality::Unlocked {
            continue;
        }
        let off_mm = fix.station.beyond(motion.station).as_mm().abs();
        assert!(
            off_mm <= fix.uncertainty.as_mm() + 1e-6,
            "seed {seed}, sample {}: {off_mm} mm off, {fix:?}, true {:?} on line {:?}",
            outcome.samples,
            motion.station,
            sample.line
        );
        if fix.quality == Quality::Located {
            outcome.worst_uncertainty_mm = outcome.worst_uncertainty_mm.max(fix.uncertainty.as_mm());
        }
    }
    outcome
}

#[test]
#[allow(clippy::print_stdout)] // The figures of the report come from here.
fn the_true_station_is_within_the_uncertainty_of_every_fix() {
    for (period_ms, time_scale, located_min) in [(10, 1.0, 0.99), (10, 4.0, 0.98), (20, 10.0, 0.95), (10, 50.0, 0.7)] {
        let (mut samples, mut located, mut lost) = (0, 0, 0);
        let mut worst_mm = 0f64;
        for seed in 0..40 {
            let outcome = run_random(
                seed,
                Watch {
                    period: Duration::from_ms(period_ms),
                    time_scale,
                    noise_mm: Some(0.01),
                    line_late: Duration::ZERO,
                },
            );
            samples += outcome.samples;
            located += outcome.located;
            lost += outcome.lost;
            worst_mm = worst_mm.max(outcome.worst_uncertainty_mm);
        }
        let share = located as f64 / samples as f64;
        println!(
            "{period_ms} ms at {time_scale} x: {samples} samples, {share:.4} located, {lost} lost, ± {worst_mm} mm"
        );
        assert!(share >= located_min && lost == 0, "{period_ms} ms at {time_scale} x: {share} located, {lost} lost");
    }
}

#[test]
#[allow(clippy::print_stdout)] // The figures of the report come from here.
fn the_line_alone_never_leaves_the_true_station_out() {
    for (period_ms, late_ms) in [(20, 20), (20, 100), (50, 300)] {
        let (mut samples, mut located, mut lost) = (0, 0, 0);
        for seed in 0..40 {
            let line_late = Duration::from_ms(late_ms);
            let watch = Watch { period: Duration::from_ms(period_ms), time_scale: 1.0, noise_mm: None, line_late };
            let outcome = run_random(seed, watch);
            samples += outcome.samples;
            located += outcome.located;
            lost += outcome.lost;
        }
        let share = f64::from(located as u32) / f64::from(samples as u32);
        println!("line alone, looked at every {late_ms} ms: {samples} samples, {share:.4} located, {lost} lost");
        assert!(share > 0.5, "{share} located, {lost} lost");
    }
}

/// A real program as a path; `None` where the corpus is absent, which is said, and is a failure in CI.
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen; a test may read a file.
fn corpus(file: &str, unit: LengthUnit) -> Option<(Arc<Path>, u32)> {
    let name = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus/{}"), file);
    let Ok(text) = std::fs::read(&name) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{name} is missing");
        eprintln!("SKIPPED: {file}: the corpus is absent");
        return None;
    };
    let machine = machine();
    let options = program::Options {
        length_unit: unit,
        tool_length_rule: machine.tool_length_rule,
        reference_mm: [0.0, 0.0, 100.0],
        parameters: BTreeMap::from([(501, 1.0)]),
        ..program::Options::without_machine(program::Dialect::Auto)
    };
    let ops = program::interpret(file, &text, &program::NoSubprograms, &options).ops;
    let (path, _) = compile(&ops, &CompileOptions { machine: &machine, work_origin_mm: [0.0; 3] });
    let lines = text.split(|byte| *byte == b'\n').count() as u32;
    Some((Arc::new(path.expect("a program that moves")), lines))
}

#[test]
#[allow(clippy::print_stdout)] // The figures of the report come from here.
fn real_programs_are_followed_to_their_last_line() {
    let programs = [
        ("nist/nist_cover.nc", LengthUnit::Inch, 4.0),
        ("nist/nist_box_op2_front.nc", LengthUnit::Inch, 4.0),
        ("maestro/maestro_parallel.nc", LengthUnit::Millimetre, 4.0),
        ("cncjs/cncjs_tball_pocket.gcode", LengthUnit::Millimetre, 50.0),
    ];
    for (file, unit, time_scale) in programs {
        let Some((path, lines_max)) = corpus(file, unit) else { continue };
        let outcome = run(
            1,
            path,
            lines_max,
            Watch { period: Duration::from_ms(10), time_scale, noise_mm: Some(0.002), line_late: Duration::ZERO },
        );
        let share = outcome.located as f64 / outcome.samples as f64;
        let Outcome { samples, lost, worst_uncertainty_mm, .. } = outcome;
        println!(
            "{file} at {time_scale} x: {samples} samples, {share:.4} located, {lost} lost, ± {worst_uncertainty_mm}"
        );
        assert!(lost == 0 && share > 0.85, "{file}: {share} located, {lost} lost");
    }
}
