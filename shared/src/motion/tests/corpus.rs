//! Real programs, where they are at hand.

use super::fixture::machine;
use super::jerk::worst_of_axes;
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::limits::Drives;
use crate::motion::{CompileOptions, Drive, Path, Runner, SegmentKind, StopRule, compile, plan_profile};
use crate::program::{Dialect, NoSubprograms, Options, interpret};
use crate::units::{Acceleration, Jerk, Length, Seconds};

fn corpus(file: &str) -> Option<Vec<u8>> {
    let path = format!("{}/../../shared/corpus/{file}", env!("CARGO_MANIFEST_DIR"));
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {file}");
        #[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
        {
            eprintln!("SKIPPED: the corpus is not at hand: {file}");
        }
    }
    found
}

fn mill() -> Machine {
    let mut machine = machine(200.0, 1200.0);
    machine.axes[2].acceleration = Acceleration::mm_s2(800.0);
    machine.corner_deviation = Length::mm(0.005);
    machine
}

pub(super) fn path(file: &str, text: &[u8], machine: &Machine) -> Path {
    let mut work_offsets_mm = [[-300.0, -200.0, -300.0]; 9];
    work_offsets_mm[4] = [-600.0, -400.0, -300.0];
    let options = Options { work_offsets_mm, ..Options::without_machine(Dialect::Auto) };
    let program = interpret(file, text, &NoSubprograms, &options);
    let options = CompileOptions { machine, work_origin_mm: work_offsets_mm[0] };
    let (path, diagnostics) = compile(&program.ops, &options);
    let errors: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{file}: {errors:?}");
    path.expect("the program moves")
}

const PROGRAMS: [&str; 12] = [
    "nist/nist_box_op2_front.nc",
    "nist/nist_cover.nc",
    "nist/nist_d2mi_fixture.nc",
    "nist/nist_d2mi_op1.nc",
    "nist/nist_plate_01.nc",
    "nist/nist_plate_04.nc",
    "maestro/maestro_g83.nc",
    "maestro/maestro_g91.nc",
    "maestro/maestro_parallel.nc",
    "maestro/maestro_planes.nc",
    "cncjs/cncjs_jsdc.gcode",
    "cncjs/cncjs_tball_pocket.gcode",
];

#[test]
fn the_runner_takes_the_planned_time_on_real_programs() {
    for file in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let machine = mill();
        let path = path(file, &text, &machine);
        let profile = plan_profile(&path, &machine, &[]);
        let planned_s = profile.cycle_time().as_s();
        let feeds = path.segments().iter().filter(|segment| segment.kind == SegmentKind::Feed);
        let at_feed_s: f64 = feeds.map(|segment| (segment.length / segment.feed).as_s()).sum();
        assert!(profile.split().feed.as_s() >= at_feed_s, "{file}: faster than its feeds");
        let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
        let mut steps = 0u32;
        let mut finished = false;
        while !finished {
            finished = runner.advance(&path, &machine, Seconds::s(1e-3), Drive::PROGRAMMED).finished;
            steps += 1;
            assert!(f64::from(steps) * 1e-3 < 2.0 * planned_s + 10.0, "{file}: does not end");
        }
        // The last step is used in part only.
        let late_s = f64::from(steps) * 1e-3 - planned_s;
        assert!((-1e-4..2e-3).contains(&late_s), "{file}: {planned_s} s planned, {late_s} s later");
    }
}

fn soft(jerk_mm_s3: f64) -> Machine {
    let mut machine = mill();
    machine.axes.iter_mut().for_each(|axis| axis.jerk = Some(Jerk::mm_s3(jerk_mm_s3)));
    machine
}

#[test]
fn with_limited_jerk_the_runner_takes_the_planned_time_on_real_programs() {
    for file in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let machine = soft(3e4);
        let path = path(file, &text, &machine);
        let planned_s = plan_profile(&path, &machine, &[]).cycle_time().as_s();
        let mut hard = mill();
        let hard_s = plan_profile(&path, &hard, &[]).cycle_time().as_s();
        hard.axes.iter_mut().for_each(|axis| axis.jerk = Some(Jerk::mm_s3(1e8)));
        let stiff_s = plan_profile(&path, &hard, &[]).cycle_time().as_s();
        assert!(planned_s >= stiff_s && stiff_s >= hard_s * (1.0 - 1e-9), "{file}: {planned_s}, {stiff_s}, {hard_s} s");
        // Anchors are a simplification: where jerk is no limit it costs less than one part in a thousand.
        assert!(stiff_s <= hard_s * 1.001, "{file}: {stiff_s} s instead of {hard_s} s");
        let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
        let mut steps = 0u32;
        let mut finished = false;
        while !finished {
            finished = runner.advance(&path, &machine, Seconds::s(1e-3), Drive::PROGRAMMED).finished;
            steps += 1;
            assert!(f64::from(steps) * 1e-3 < 2.0 * planned_s + 10.0, "{file}: does not end");
        }
        let late_s = f64::from(steps) * 1e-3 - planned_s;
        assert!((-1e-4..2e-3).contains(&late_s), "{file}: {planned_s} s planned, {late_s} s later");
    }
}

#[test]
fn every_axis_keeps_its_limits_on_real_programs() {
    for file in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let machine = soft(3e4);
        let path = path(file, &text, &machine);
        let profile = plan_profile(&path, &machine, &[]);
        let tick_s = 1e-3;
        let count = (profile.cycle_time().as_s() / tick_s).min(60_000.0) as u32;
        let place = |index: u32| profile.station_at(&path, Seconds::s(f64::from(index) * tick_s));
        let stations: Vec<_> = (0..=count).map(place).collect();
        let worst = worst_of_axes(&path, &machine, tick_s, &stations);
        assert!(worst.iter().all(|ratio| *ratio <= 1.003), "{file}: {worst:?}");
    }
}

#[test]
fn live_overrides_break_no_limit_on_real_programs() {
    let (mut rng, mut corners) = (Rng::new(97), 0);
    for file in PROGRAMS {
        let Some(text) = corpus(file) else { return };
        let machine = soft(3e4);
        let path = path(file, &text, &machine);
        let drives = Drives::of(&machine);
        let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
        let (mut drive, tick_s) = (Drive::PROGRAMMED, 1e-3);
        let mut before = runner.advance(&path, &machine, Seconds::ZERO, drive);
        let mut stations = vec![before.station];
        for _ in 0..40_000 {
            if rng.chance(0.03) {
                let hold = rng.chance(0.05);
                drive = Drive { factor: rng.between(0.1, 1.0), dial: rng.between(0.3, 1.5), hold };
            }
            let now = runner.advance(&path, &machine, Seconds::s(tick_s), drive);
            for index in before.segment..now.segment {
                let corner = drives.corner_mm_s(&path.segments()[index], &path.segments()[index + 1]);
                // Between two steps of 1 ms the speed changes by at most a·dt along a space diagonal.
                let slower = before.velocity.min(now.velocity).as_mm_s();
                assert!(slower <= corner * 1.001 + 2.1, "{file}: {slower} at a corner of {corner}: {now:?}");
                corners += 1;
            }
            before = now;
            stations.push(now.station);
            if now.finished {
                break;
            }
        }
        let worst = worst_of_axes(&path, &machine, tick_s, &stations);
        assert!(worst.iter().all(|ratio| *ratio <= 1.003), "{file}: {worst:?}");
    }
    assert!(corners > 1000, "only {corners} corners");
}
