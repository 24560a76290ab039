use super::fixture::{Script, machine, random_script};
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::jerk::{Bounds, State, travel};
use crate::motion::{FactorStep, SegmentKind, Station, plan_profile};
use crate::units::{Feedrate, Jerk, Length, Seconds};

fn jerky(speed_mm_s: f64, acceleration_mm_s2: f64, jerk_mm_s3: f64) -> Machine {
    let mut machine = machine(speed_mm_s, acceleration_mm_s2);
    machine.axes.iter_mut().for_each(|axis| axis.jerk = Some(Jerk::mm_s3(jerk_mm_s3)));
    machine
}

fn cycle_s(script: &Script, machine: &Machine) -> f64 {
    plan_profile(&script.path(machine), machine, &[]).cycle_time().as_s()
}

#[test]
fn rest_to_rest_takes_1_09_s() {
    // PROCESS.md section 4.
    let mut script = Script::new(100.0);
    script.feed(100.0, 0.0, 0.0);
    let time_s = cycle_s(&script, &jerky(500.0, 2000.0, 5e4));
    assert!((time_s - 1.09).abs() < 1e-9, "{time_s}");
    let short_s = cycle_s(Script::new(100.0).feed(0.1, 0.0, 0.0), &jerky(500.0, 2000.0, 5e4));
    // Four phases of t with length 2·j·t³.
    assert!((short_s - 4.0 * (0.1f64 / 1e5).cbrt()).abs() < 1e-9, "{short_s}");
}

#[test]
fn a_change_of_override_takes_63_25_ms_over_4_743_mm() {
    let bounds = Bounds { acceleration_mm_s2: 2000.0, jerk_mm_s3: 5e4 };
    let from = State { velocity_mm_s: 100.0, acceleration_mm_s2: 0.0 };
    let phases = bounds.change(from, 50.0);
    let time_s: f64 = phases.iter().map(|phase| phase.time_s).sum();
    let (end, length_mm) = travel(from, &phases);
    assert!((time_s - 0.063_25).abs() < 5e-6 && (length_mm - 4.743).abs() < 1e-3, "{time_s} {length_mm}");
    assert!((end.velocity_mm_s - 50.0).abs() < 1e-9 && end.acceleration_mm_s2.abs() < 1e-9);
    assert!((bounds.length_mm(100.0, 50.0) - length_mm).abs() < 1e-9);
}

#[test]
fn changes_from_any_state_arrive_and_keep_their_limits() {
    let mut rng = Rng::new(31);
    for round in 0..10_000 {
        let bounds = Bounds { acceleration_mm_s2: rng.between(100.0, 3000.0), jerk_mm_s3: rng.between(1e3, 1e5) };
        let (a, j) = (bounds.acceleration_mm_s2, bounds.jerk_mm_s3);
        let from = State { velocity_mm_s: rng.between(0.0, 300.0), acceleration_mm_s2: rng.between(-a, a) };
        let aim = rng.between(0.0, 300.0);
        let phases = bounds.change(from, aim);
        // Without the floor at standstill, which an undershoot on the way may touch.
        let (mut v, mut acceleration) = (from.velocity_mm_s, from.acceleration_mm_s2);
        for phase in phases {
            assert!(phase.time_s >= 0.0 && phase.jerk_mm_s3.abs() <= j);
            v += phase.time_s * (acceleration + 0.5 * phase.time_s * phase.jerk_mm_s3);
            acceleration += phase.time_s * phase.jerk_mm_s3;
            assert!(acceleration.abs() <= a * (1.0 + 1e-9), "round {round}: {acceleration} of {a}");
        }
        assert!((v - aim).abs() < 1e-6 && acceleration.abs() < 1e-6, "round {round}: {v} for {aim}, {acceleration}");
    }
}

#[test]
fn rides_cover_their_length() {
    let mut rng = Rng::new(37);
    let mut found = 0;
    for round in 0..10_000 {
        let bounds = Bounds { acceleration_mm_s2: rng.between(100.0, 3000.0), jerk_mm_s3: rng.between(1e3, 1e5) };
        let from = State { velocity_mm_s: rng.between(0.0, 100.0), acceleration_mm_s2: 0.0 };
        let (aim, cap) = (rng.between(0.0, 100.0), rng.between(100.0, 300.0));
        let length_mm = rng.between(0.01, 200.0);
        let Some(ride) = bounds.ride(from, aim, length_mm, cap) else {
            assert!(bounds.length_mm(from.velocity_mm_s, aim) > length_mm);
            continue;
        };
        found += 1;
        let (end, covered_mm) = travel(from, &ride.phases);
        assert!((covered_mm - length_mm).abs() < 1e-7, "round {round}: {covered_mm} of {length_mm}");
        assert!((end.velocity_mm_s - aim).abs() < 1e-6, "round {round}: {end:?} for {aim}");
    }
    assert!(found > 5000, "only {found} rides were possible");
}

#[test]
fn fine_division_of_a_line_costs_nothing() {
    let machine = jerky(500.0, 2000.0, 5e4);
    let mut script = Script::new(100.0);
    for index in 1..=5000 {
        script.feed(f64::from(index) * 0.02, 0.0, 0.0);
    }
    let time_s = cycle_s(&script, &machine);
    assert!((time_s - 1.09).abs() < 1e-6, "{time_s}");
}

#[test]
fn great_jerk_is_no_jerk_limit() {
    let mut rng = Rng::new(41);
    for round in 0..20 {
        let mut soft = jerky(100.0, 1000.0, 1e8);
        soft.corner_deviation = Length::mm(0.02);
        let mut hard = soft.clone();
        hard.axes.iter_mut().for_each(|axis| axis.jerk = None);
        let script = random_script(&mut rng, 60);
        let (with, without) = (cycle_s(&script, &soft), cycle_s(&script, &hard));
        // Rides over several segments take the tightest limits of all of them: a little slower, never faster.
        assert!(with >= without * (1.0 - 1e-9) && with < without * 1.02, "round {round}: {with} and {without}");
    }
}

#[test]
fn less_jerk_takes_longer() {
    let mut rng = Rng::new(43);
    for round in 0..20 {
        let script = random_script(&mut rng, 60);
        let times: Vec<f64> = [1e6, 1e5, 1e4, 1e3]
            .map(|jerk| {
                let mut machine = jerky(100.0, 1000.0, jerk);
                machine.corner_deviation = Length::mm(0.02);
                cycle_s(&script, &machine)
            })
            .to_vec();
        assert!(times.windows(2).all(|pair| pair[1] > pair[0] * 0.999), "round {round}: {times:?}");
    }
}

#[test]
fn velocity_acceleration_and_jerk_stay_within_limits() {
    let mut rng = Rng::new(47);
    for round in 0..20 {
        let mut machine = jerky(100.0, 1000.0, 2e4);
        machine.corner_deviation = Length::mm(0.02);
        let path = random_script(&mut rng, 40).path(&machine);
        let factors = [FactorStep { from: Station::from_mm(path.end().as_mm() / 2.0), ratio: 0.4 }];
        let profile = plan_profile(&path, &machine, &factors);
        let tick_s = 1e-3;
        let count = (profile.cycle_time().as_s() / tick_s) as u32;
        let velocity: Vec<f64> = (0..=count)
            .map(|index| {
                let station = profile.station_at(&path, Seconds::s(f64::from(index) * tick_s));
                let segment = &path.segments()[path.index_at(station)];
                let v = profile.velocity_at(&path, station).as_mm_s();
                let half = station >= factors[0].from && segment.kind == SegmentKind::Feed;
                let limit = segment.feed.as_mm_s() * if half { 0.4 } else { 1.0 };
                assert!(v <= limit * (1.0 + 1e-6) + 1e-6, "round {round}: {v} of {limit} at {station}");
                v
            })
            .collect();
        // √3: along a space diagonal the three axes add up.
        for three in velocity.windows(3) {
            let acceleration = (three[1] - three[0]) / tick_s;
            let jerk = (three[2] - 2.0 * three[1] + three[0]) / (tick_s * tick_s);
            assert!(acceleration.abs() <= 1000.0 * 3f64.sqrt() * 1.001, "round {round}: {acceleration} mm/s²");
            assert!(jerk.abs() <= 2e4 * 3f64.sqrt() * 1.01 + 500.0, "round {round}: {jerk} mm/s³");
        }
    }
}

#[test]
fn time_and_station_are_inverse_with_jerk() {
    let mut rng = Rng::new(53);
    for round in 0..20 {
        let mut machine = jerky(100.0, 1000.0, 2e4);
        machine.corner_deviation = Length::mm(0.02);
        let path = random_script(&mut rng, 60).path(&machine);
        let profile = plan_profile(&path, &machine, &[]);
        let (mut last, mut last_time) = (Station::START, Seconds::ZERO);
        for index in 0..=2000 {
            let time = profile.cycle_time() * (f64::from(index) / 2000.0);
            let station = profile.station_at(&path, time);
            let back = profile.time_at(&path, station);
            assert!(station >= last && back >= last_time - Seconds::s(1e-9), "round {round}: {station} after {last}");
            // Beside a standstill half a nanometre takes ∛(6·0.5 nm/j), half a millisecond.
            let tolerance_s = if profile.velocity_at(&path, station).as_mm_s() < 1.0 { 1e-3 } else { 1e-5 };
            assert!((back - time).abs().as_s() < tolerance_s, "round {round}: {time} came back as {back}");
            (last, last_time) = (station, back);
        }
        let all: f64 = (0..path.segments().len()).map(|index| profile.segment_time(index).as_s()).sum();
        assert!((all - profile.cycle_time().as_s()).abs() < 1e-6);
    }
}

#[test]
fn a_rapid_after_a_short_slow_move_is_not_held_back() {
    let machine = jerky(300.0, 1000.0, 1e4);
    let mut script = Script::new(5.0);
    script.feed(0.01, 0.0, 0.0).rapid(200.0, 0.0, 0.0);
    let both = cycle_s(&script, &machine);
    let alone = cycle_s(Script::new(5.0).rapid(200.0, 0.0, 0.0), &machine);
    assert!(both < alone + 0.1, "{both} for both, {alone} for the rapid");
    assert!(Feedrate::mm_s(200.0 / both) > Feedrate::mm_s(50.0));
}
