//! What is planned piece by piece against what is planned at once.

use super::fixture::{machine, random_script, winding};
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::{
    Drive, FactorStep, Path, PathError, Profile, RollingProfile, Runner, Segment, Station, StopRule, plan_profile,
};
use crate::units::{Jerk, Length, Seconds};

fn mill(jerk_mm_s3: Option<f64>) -> Machine {
    let mut machine = machine(150.0, 1500.0);
    machine.corner_deviation = Length::mm(0.02);
    machine.axes.iter_mut().for_each(|axis| axis.jerk = jerk_mm_s3.map(Jerk::mm_s3));
    machine.axes[2].jerk = jerk_mm_s3.map(|jerk| Jerk::mm_s3(0.7 * jerk));
    machine
}

/// Asks both the same at random places that are not passed.
fn compare(path: &Path, whole: &Profile, rolling: &RollingProfile, rng: &mut Rng, context: &str) {
    let (low, high) = (rolling.passed().as_nm(), rolling.settled().as_nm());
    // A border is settled; what begins there is not.
    for _ in 0..if high > low { 20 } else { 0 } {
        let station = Station::from_nm(low + rng.below(high - low));
        let time = whole.time_at(path, station);
        assert_eq!(rolling.time_at(station), Some(time), "{context}: time at {station}");
        assert_eq!(rolling.velocity_at(station), Some(whole.velocity_at(path, station)), "{context}: {station}");
        let back = whole.station_at(path, time).max(rolling.passed());
        assert_eq!(rolling.station_at(time), back, "{context}: station at {time}");
    }
}

/// Appends in random portions and passes what is settled, or nothing.
fn in_portions(path: &Path, machine: &Machine, passes: bool, rng: &mut Rng, context: &str) -> RollingProfile {
    let whole = plan_profile(path, machine, &[]);
    let mut rolling = RollingProfile::new(machine, Station::START);
    let mut rest = path.segments();
    while !rest.is_empty() {
        let count = [1, 7, 100][rng.below(3) as usize].min(rest.len());
        rolling.append(&rest[..count], &[]).expect("contiguous");
        rest = &rest[count..];
        compare(path, &whole, &rolling, rng, context);
        if passes && rng.chance(0.7) {
            let (low, high) = (rolling.passed().as_nm(), rolling.settled().as_nm());
            rolling.pass(Station::from_nm(low + rng.below(high - low + 1)));
        }
    }
    let from = path.index_at(rolling.passed());
    for index in from + 1..path.segments().len() {
        assert_eq!(rolling.segment_start(index), Some(whole.segment_start(index)), "{context}: segment {index}");
    }
    assert_eq!(rolling.end_time(), whole.cycle_time(), "{context}");
    assert_eq!((rolling.end(), rolling.appended()), (path.end(), path.segments().len()));
    rolling
}

#[test]
fn portions_give_the_bits_of_the_whole() {
    let mut rng = Rng::new(101);
    for round in 0..40 {
        for jerk in [None, Some(3e4), Some(1e6)] {
            let machine = mill(jerk);
            let script = random_script(&mut rng, 150).path(&machine);
            let fine = winding(&mut rng, 1500, 0.2);
            for (path, name) in [(script, "script"), (fine, "fine")] {
                for passes in [false, true] {
                    let context = format!("round {round}, {name}, jerk {jerk:?}, passes: {passes}");
                    in_portions(&path, &machine, passes, &mut rng, &context);
                }
            }
        }
    }
}

#[test]
fn factors_may_come_in_portions_too() {
    let mut rng = Rng::new(103);
    for jerk in [None, Some(3e4)] {
        let machine = mill(jerk);
        let path = winding(&mut rng, 2000, 0.2);
        let steps: Vec<FactorStep> = (1..40)
            .map(|step| FactorStep {
                from: Station::from_nm(path.end().as_nm() / 40 * step),
                ratio: rng.between(0.2, 1.2),
            })
            .collect();
        let whole = plan_profile(&path, &machine, &steps);
        let mut rolling = RollingProfile::new(&machine, Station::START);
        for portion in path.segments().chunks(130) {
            let (from, to) = (portion[0].start, portion[portion.len() - 1].end);
            let inside = |step: &&FactorStep| step.from >= from && step.from < to;
            let own: Vec<FactorStep> = steps.iter().filter(inside).copied().collect();
            rolling.append(portion, &own).expect("contiguous");
        }
        assert_eq!(rolling.end_time(), whole.cycle_time());
        for index in 0..path.segments().len() {
            assert_eq!(rolling.segment_start(index), Some(whole.segment_start(index)), "segment {index}");
        }
    }
}

#[test]
fn memory_follows_the_stretch_ahead() {
    let mut rng = Rng::new(107);
    for jerk in [None, Some(3e4)] {
        let machine = mill(jerk);
        let path = winding(&mut rng, 50_000, 0.2);
        let mut rolling = RollingProfile::new(&machine, Station::START);
        let mut most = 0;
        for portion in path.segments().chunks(100) {
            rolling.append(portion, &[]).expect("contiguous");
            most = most.max(rolling.held());
            rolling.pass(rolling.settled());
        }
        assert!(most < 2000, "{most} stretches were held");
        assert_eq!(rolling.end_time(), plan_profile(&path, &machine, &[]).cycle_time());
        assert_eq!(rolling.time_at(Station::START), None, "the beginning is forgotten");
    }
}

/// Passing what is not settled yet leaves the machine braking, never too fast and never without a way on.
#[test]
fn who_passes_too_early_is_slower_but_within_limits() {
    let mut rng = Rng::new(109);
    let mut slower = 0;
    for round in 0..60 {
        for jerk in [None, Some(3e4)] {
            let machine = mill(jerk);
            let path = random_script(&mut rng, 80).path(&machine);
            let whole = plan_profile(&path, &machine, &[]);
            let mut rolling = RollingProfile::new(&machine, Station::START);
            let (mut last, mut fastest_share) = (Station::START, 0.0f64);
            let ahead = rng.between(0.0, 1.0);
            for portion in path.segments().chunks(3) {
                rolling.append(portion, &[]).expect("contiguous");
                let (from, to) = (rolling.passed().as_mm(), rolling.end().as_mm());
                let stop = Station::from_mm(from + ahead * (to - from));
                let mut time = rolling.time_at(rolling.passed()).expect("not passed");
                let until = rolling.time_at(stop).expect("not passed");
                while time < until {
                    let station = rolling.station_at(time);
                    assert!(station >= last, "round {round}: {station} after {last}");
                    let limit = path.segments()[path.index_at(station)].feed.as_mm_s();
                    let velocity = rolling.velocity_at(station).expect("not passed").as_mm_s();
                    assert!(velocity <= limit * (1.0 + 1e-6) + 1e-6, "round {round}: {velocity} of {limit}");
                    fastest_share = fastest_share.max(velocity / limit.max(1e-9));
                    last = station;
                    time += Seconds::s(2e-3);
                }
                rolling.pass(stop);
            }
            let (found, least) = (rolling.end_time().as_s(), whole.cycle_time().as_s());
            assert!(found >= least * (1.0 - 1e-9), "round {round}: {found} s, at once {least} s");
            assert!(fastest_share > 0.3, "round {round}: it moves");
            slower += u32::from(found > least * 1.001);
        }
    }
    assert!(slower > 30, "only {slower} rounds passed too early");
}

#[test]
fn beginning_anywhere_takes_the_time_of_a_runner_that_begins_there() {
    let mut rng = Rng::new(113);
    for round in 0..60 {
        let jerk = [None, Some(3e4)][round % 2];
        let machine = mill(jerk);
        let path = random_script(&mut rng, 60).path(&machine);
        let at = Station::from_nm(rng.below(path.end().as_nm()));
        let mut rolling = RollingProfile::new(&machine, at);
        rolling.append(&path.segments()[path.index_at(at)..], &[]).expect("contiguous");
        let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
        runner.begin_at(&path, at);
        let mut steps = 0u32;
        while !runner.advance(&path, &machine, Seconds::s(1e-3), Drive::PROGRAMMED).finished {
            steps += 1;
        }
        let (planned, taken) = (rolling.end_time().as_s(), f64::from(steps) * 1e-3);
        assert!((taken - planned).abs() < 2e-3 + 0.003 * planned, "round {round}: {planned} planned, {taken} taken");
    }
}

#[test]
fn what_does_not_continue_is_refused_whole() {
    let machine = mill(None);
    let path = winding(&mut Rng::new(127), 20, 0.2);
    let segments: &[Segment] = path.segments();
    let mut rolling = RollingProfile::new(&machine, Station::START);
    rolling.append(&segments[..5], &[]).expect("contiguous");
    let (end, time) = (rolling.end(), rolling.end_time());
    assert_eq!(rolling.append(&segments[6..8], &[]), Err(PathError::Gap { index: 0 }));
    assert_eq!(rolling.append(&[segments[5].clone(), segments[7].clone()], &[]), Err(PathError::Gap { index: 1 }));
    assert_eq!((rolling.end(), rolling.end_time()), (end, time));
    rolling.append(&[], &[]).expect("nothing is contiguous");
    rolling.append(&segments[5..], &[]).expect("contiguous");
    assert_eq!(rolling.end_time(), plan_profile(&path, &machine, &[]).cycle_time());
}
