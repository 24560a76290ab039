use super::fixture::{Script, machine, random_script};
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::{Drive, Motion, Path, Runner, SegmentKind, StillKind, StopRule, plan_profile};
use crate::units::{Acceleration, Feedrate, Length, Seconds};

const STEP: Seconds = Seconds::s(1e-3);

/// Runs to the end with the drive of each step; the motions, one a step.
fn run(path: &Path, machine: &Machine, mut drive: impl FnMut(usize, &Motion) -> Drive) -> Vec<Motion> {
    let mut runner = Runner::with_stops(machine, StopRule::PassThrough);
    let mut motions = vec![runner.advance(path, machine, Seconds::ZERO, Drive::PROGRAMMED)];
    while let Some(last) = motions.last().filter(|motion| !motion.finished) {
        assert!(motions.len() < 2_000_000, "does not end: {last:?}");
        let drive = drive(motions.len(), last);
        motions.push(runner.advance(path, machine, STEP, drive));
    }
    motions
}

#[test]
fn rest_to_rest_takes_1_05_s() {
    let machine = machine(500.0, 2000.0);
    let path = Script::new(100.0).feed(100.0, 0.0, 0.0).path(&machine);
    let motions = run(&path, &machine, |_, _| Drive::PROGRAMMED);
    assert_eq!(motions.len() - 1, 1050);
    let top = motions.iter().map(|motion| motion.velocity.as_mm_s()).fold(0.0, f64::max);
    assert!((top - 100.0).abs() < 1e-9, "{top}");
}

#[test]
fn step_width_does_not_matter() {
    let mut rng = Rng::new(11);
    for _ in 0..20 {
        let mut machine = machine(150.0, 1500.0);
        machine.corner_deviation = Length::mm(0.02);
        let path = random_script(&mut rng, 60).path(&machine);
        let (mut fine, mut coarse) = (Runner::new(&machine), Runner::new(&machine));
        for _ in 0..40 {
            let drive = Drive { factor: rng.between(0.2, 1.0), dial: rng.between(0.5, 1.2), hold: rng.chance(0.1) };
            let mut last = None;
            for _ in 0..64 {
                last = Some(fine.advance(&path, &machine, STEP, drive));
            }
            let fine = last.expect("steps were made");
            let coarse = coarse.advance(&path, &machine, STEP * 64.0, drive);
            let apart = fine.station.beyond(coarse.station).as_mm().abs();
            assert!(apart < 1e-5, "{apart} mm apart: {fine:?} {coarse:?}");
        }
    }
}

#[test]
fn takes_the_time_of_the_profile() {
    let mut rng = Rng::new(5);
    for round in 0..40 {
        let mut machine = machine(150.0, 1500.0);
        machine.corner_deviation = Length::mm([0.0, 0.02][round % 2]);
        let path = random_script(&mut rng, 80).path(&machine);
        let planned = plan_profile(&path, &machine, &[]).cycle_time().as_s();
        let taken = (run(&path, &machine, |_, _| Drive::PROGRAMMED).len() - 1) as f64 * STEP.as_s();
        assert!(
            taken >= planned - 1e-6 && taken - planned < 1.001e-3,
            "round {round}: {planned} planned, {taken} taken"
        );
    }
}

#[test]
fn axis_limits_hold_under_any_overrides() {
    let mut rng = Rng::new(77);
    for round in 0..30 {
        let mut machine = machine(120.0, 1800.0);
        machine.axes[2].acceleration = Acceleration::mm_s2(900.0);
        machine.axes[2].rapid_acceleration = Acceleration::mm_s2(900.0);
        machine.axes[1].feed_max = Feedrate::mm_s(80.0);
        machine.axes[1].rapid = Feedrate::mm_s(80.0);
        let path = random_script(&mut rng, 60).path(&machine);
        let mut drive = Drive::PROGRAMMED;
        let mut overrides = rng.fork("overrides");
        let motions = run(&path, &machine, |step, _| {
            if step % 37 == 0 {
                let hold = overrides.chance(0.1);
                drive = Drive { factor: overrides.between(0.1, 1.0), dial: overrides.between(0.3, 1.5), hold };
            }
            drive
        });
        for pair in motions.windows(2) {
            // Positions inside one segment only: the corner itself is a step of the ideal path.
            if pair[0].segment == pair[1].segment && pair[1].still.is_none() {
                let way = pair[1].position - pair[0].position;
                for axis in 0..3 {
                    let speed = way[axis].abs() / STEP.as_s();
                    assert!(speed <= machine.axes[axis].feed_max.as_mm_s() * (1.0 + 1e-6), "round {round}: {speed}");
                }
            }
            assert!(pair[1].station >= pair[0].station);
        }
        let same = |three: &[Motion]| three[0].segment == three[2].segment && three[2].still.is_none();
        for three in motions.windows(3).filter(|three| same(three)) {
            let bend = three[2].position - three[1].position - (three[1].position - three[0].position);
            for axis in 0..3 {
                let acceleration = bend[axis].abs() / (STEP.as_s() * STEP.as_s());
                let limit = machine.axes[axis].acceleration.as_mm_s2();
                assert!(acceleration <= limit * 1.001, "round {round}, axis {axis}: {acceleration} at {three:?}");
            }
        }
        for pair in motions.windows(2) {
            let change = (pair[1].velocity - pair[0].velocity).abs().as_mm_s();
            // Along a space diagonal three axes together reach √3 of one.
            assert!(change <= 1800.0 * 3f64.sqrt() * STEP.as_s() * 1.001, "round {round}: {pair:?}");
        }
    }
}

#[test]
fn a_lower_factor_acts_at_once_and_a_higher_accelerates() {
    let machine = machine(500.0, 2000.0);
    let path = Script::new(100.0).feed(400.0, 0.0, 0.0).path(&machine);
    let mut runner = Runner::new(&machine);
    let half = Drive { factor: 0.5, ..Drive::PROGRAMMED };
    let before = runner.advance(&path, &machine, Seconds::s(1.0), Drive::PROGRAMMED);
    assert!((before.velocity.as_mm_s() - 100.0).abs() < 1e-9);
    let ramp = runner.advance(&path, &machine, Seconds::s(0.0125), half);
    assert!((ramp.velocity.as_mm_s() - 75.0).abs() < 1e-9);
    let slow = runner.advance(&path, &machine, Seconds::s(0.0125), half);
    assert!((slow.velocity.as_mm_s() - 50.0).abs() < 1e-9);
    assert!((slow.station.beyond(before.station).as_mm() - 0.025 * 75.0).abs() < 1e-6);
    let fast = runner.advance(&path, &machine, Seconds::s(0.025), Drive::PROGRAMMED);
    assert!((fast.velocity.as_mm_s() - 100.0).abs() < 1e-9);
}

#[test]
fn hold_stands_and_releases_without_losing_the_place() {
    let machine = machine(500.0, 2000.0);
    let path = Script::new(100.0).feed(100.0, 0.0, 0.0).path(&machine);
    let mut runner = Runner::new(&machine);
    let held = Drive { hold: true, ..Drive::PROGRAMMED };
    runner.advance(&path, &machine, Seconds::s(0.5), Drive::PROGRAMMED);
    let standing = runner.advance(&path, &machine, Seconds::s(1.0), held);
    assert_eq!(standing.velocity, Feedrate::ZERO);
    assert_eq!(runner.advance(&path, &machine, Seconds::s(9.0), held), standing);
    let zero = Drive { factor: 0.0, ..Drive::PROGRAMMED };
    assert_eq!(runner.advance(&path, &machine, Seconds::s(9.0), zero), standing);
    assert!(runner.advance(&path, &machine, Seconds::s(2.0), Drive::PROGRAMMED).finished);
}

#[test]
fn rapids_and_forced_moves_obey_what_they_should() {
    let machine = machine(100.0, 2000.0);
    let mut script = Script::new(50.0);
    script.rapid(200.0, 0.0, 0.0);
    script.modal.forced = Some(crate::program::ForcedReason::Synchronised);
    let path = script.feed(400.0, 0.0, 0.0).path(&machine);
    let drive = Drive { factor: 0.1, dial: 1.5, hold: false };
    let motions = run(&path, &machine, |_, _| drive);
    let top = |segment| {
        let inside = motions.iter().filter(|motion| motion.segment == segment && !motion.finished);
        inside.map(|motion| motion.velocity.as_mm_s()).fold(0.0, f64::max)
    };
    assert!((top(0) - 100.0).abs() < 1e-9 && (top(1) - 50.0).abs() < 0.2, "{} {}", top(0), top(1));
    let slow = run(&path, &machine, |_, _| Drive { dial: 0.5, ..drive });
    let top = slow.iter().map(|motion| motion.velocity.as_mm_s()).fold(0.0, f64::max);
    assert!((top - 50.0).abs() < 1e-9, "{top}");
}

#[test]
fn stops_wait_for_a_person_and_waits_end_in_the_middle_of_a_step() {
    let mut machine = machine(100.0, 2000.0);
    machine.m_code = Seconds::ZERO;
    let mut script = Script::new(50.0);
    script.call(crate::program::Call::Dwell { time: Seconds::s(0.25) });
    script.call(crate::program::Call::Stop { kind: crate::program::StopKind::Unconditional });
    let path = script.feed(10.0, 0.0, 0.0).path(&machine);
    let mut runner = Runner::new(&machine);
    runner.resume();
    let dwelling = runner.advance(&path, &machine, Seconds::s(0.1), Drive::PROGRAMMED);
    assert_eq!(dwelling.still, Some(StillKind::Dwell));
    let stopped = runner.advance(&path, &machine, Seconds::s(5.0), Drive::PROGRAMMED);
    assert_eq!((stopped.still, stopped.segment), (Some(StillKind::Stop), 1));
    runner.resume();
    let moving = runner.advance(&path, &machine, Seconds::s(0.01), Drive::PROGRAMMED);
    assert_eq!((moving.still, moving.velocity.as_mm_s().round()), (None, 20.0));
}

#[test]
fn a_lowered_factor_never_lets_it_overrun_a_stop() {
    let mut rng = Rng::new(3);
    let machine = machine(200.0, 1000.0);
    for _ in 0..50 {
        let mut script = Script::new(200.0);
        let mut x = 0.0;
        for _ in 0..30 {
            x += rng.between(0.01, 8.0);
            script.feed(x, 0.0, 0.0);
        }
        let path = script.path(&machine);
        let end = path.end();
        let mut overrides = rng.fork("overrides");
        let motions = run(&path, &machine, |_, _| Drive { factor: overrides.between(0.05, 1.0), ..Drive::PROGRAMMED });
        for motion in motions {
            let left_mm = end.beyond(motion.station).as_mm();
            let needed_mm = motion.velocity.as_mm_s().powi(2) / 2000.0;
            assert!(needed_mm <= left_mm + 1e-6, "{motion:?} needs {needed_mm} mm of {left_mm}");
        }
    }
}

#[test]
fn segments_of_the_path_are_reported_in_order() {
    let machine = machine(200.0, 1000.0);
    let mut script = Script::new(20.0);
    let path = script.rapid(1.0, 0.0, 0.0).spindle(100.0, 1).feed(2.0, 0.0, 0.0).path(&machine);
    let motions = run(&path, &machine, |_, _| Drive::PROGRAMMED);
    let mut seen: Vec<usize> = motions.iter().map(|motion| motion.segment).collect();
    seen.dedup();
    assert_eq!(seen, [0, 1, 2]);
    assert_eq!(path.segments()[1].kind, SegmentKind::Still(StillKind::Spindle));
    assert!(motions.last().is_some_and(|motion| motion.finished && motion.station == path.end()));
}
