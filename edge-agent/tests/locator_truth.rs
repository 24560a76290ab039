//! The locator against a machine that knows where it is.
//!
//! Random programs with lines, arcs, rapids, waits, drill cycles, tiny segments, loops over the same lines and
//! crossings are run by the shared runner with acceleration and changing factors; the locator sees line and noisy
//! position at the sample rate. The true station must lie within the uncertainty of every fix, and the place must
//! be known nearly always. The runner shares no code with the locator.

mod world;

use std::f64::consts::TAU;
use std::sync::Arc;

use edge_agent::locator::{Finding, Locator, Quality};
use firmware_bridge::controller::{ControllerSample, Execution};
use shared::det::Rng;
use shared::geom::{Point, Vector};
use shared::machine::{Axis, LengthUnit, Machine, OverrideRange, RapidMode, Spindle, ToolLengthRule};
use shared::motion::{Drive, Geometry, Path, Runner, Segment, SegmentKind, Station, StillKind, StopRule};
use shared::program::{Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Feedrate, Length, Power, RotaryVelocity, Seconds, Torque};

fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(300.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(3000.0),
        jerk: None,
    };
    Machine {
        name: "test".to_owned(),
        axes: [axis; 3],
        rapid_mode: RapidMode::Linear,
        corner_deviation: Length::mm(0.01),
        spindle: Spindle {
            speed_max: RotaryVelocity::rev_s(200.0),
            speed_slew_rev_s2: 100.0,
            power_max: Power::w(5000.0),
            torque_max: Torque::n_m(20.0),
            efficiency: 0.8,
            idle_power: Power::w(400.0),
        },
        tool_change: Seconds::s(2.0),
        m_code: Seconds::ZERO,
        tool_length_rule: ToolLengthRule::AtToolChange,
        length_unit: LengthUnit::Millimetre,
        reference: Point::origin(),
        override_range: OverrideRange {
            min_permille: 100,
            step_permille: 10,
            slew_per_s: 2.0,
            effect_time: Seconds::s(0.02),
        },
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
            at: Provenance { source: SourceId(0), line: self.line, depth: 0 },
            forced: None,
            still: Seconds::s(still_s),
            stop_at_end: false,
        });
    }

    fn line_to(&mut self, kind: SegmentKind, end: Point, feed_mm_s: f64) {
        let start = self.at;
        self.push(kind, Geometry::Line { start, end }, (end - start).norm(), feed_mm_s, 0.0);
    }

    fn arc(&mut self, rng: &mut Rng) {
        let (start, radius_mm) = (self.at, rng.between(1.0, 15.0));
        let angle = rng.between(0.0, TAU);
        let centre = start + Vector::new(angle.cos(), angle.sin(), 0.0) * radius_mm;
        let sweep_rad = rng.between(0.2, 9.0) * if rng.chance(0.5) { 1.0 } else { -1.0 };
        let rise = if rng.chance(0.3) { rng.between(-3.0, 3.0) } else { 0.0 };
        let (sin, cos) = sweep_rad.sin_cos();
        let arm = start - centre;
        let end = centre + Vector::new(arm.x * cos - arm.y * sin, arm.x * sin + arm.y * cos, rise);
        let length_mm = (sweep_rad * radius_mm).hypot(rise);
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
            let step = Vector::new(heading.cos(), heading.sin(), 0.0) * rng.between(0.02, 0.4);
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

fn run(seed: u64, period: Duration, time_scale: f64, noise_mm: f64) -> Outcome {
    let mut rng = Rng::new(seed);
    let program = Program::random(&mut rng);
    let lines_max = program.line + 1;
    let path = Arc::new(Path::new(program.segments).expect("contiguous"));
    let mut settings = world::config();
    (settings.time_scale, settings.position_tolerance) = (time_scale, Length::mm(0.1));
    let mut job = world::job(world::path(None));
    (job.path, job.lines_max) = (path.clone(), lines_max);
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
        let noise = Vector::new(rng.between(-1.0, 1.0), rng.between(-1.0, 1.0), rng.between(-1.0, 1.0)) * noise_mm;
        let sample = ControllerSample {
            execution: Some(Execution::Active),
            line: Some(path.segments()[motion.segment].at.line),
            position: Some(motion.position + noise),
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
fn the_true_station_is_within_the_uncertainty_of_every_fix() {
    for (period_ms, time_scale, located_min) in [(10, 1.0, 0.99), (10, 4.0, 0.98), (20, 10.0, 0.95), (10, 50.0, 0.7)] {
        let (mut samples, mut located, mut lost) = (0, 0, 0);
        let mut worst_mm = 0f64;
        for seed in 0..40 {
            let outcome = run(seed, Duration::from_ms(period_ms), time_scale, 0.01);
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
