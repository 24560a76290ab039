use super::fixture::{Script, machine, random_script};
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::anchors::{Link, Planner};
use crate::motion::jerk::{Bounds, State, travel};
use crate::motion::limits::Drives;
use crate::motion::{FactorStep, Path, SegmentKind, Station, plan_profile};
use crate::units::{Acceleration, Feedrate, Jerk, Length, Seconds};

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
    let phases = bounds.ramp(100.0, 50.0);
    let time_s: f64 = phases.iter().map(|phase| phase.time_s).sum();
    let (end, length_mm) = travel(State::level(100.0), &phases);
    assert!((time_s - 0.063_25).abs() < 5e-6 && (length_mm - 4.743).abs() < 1e-3, "{time_s} {length_mm}");
    assert!((end.velocity_mm_s - 50.0).abs() < 1e-9 && end.acceleration_mm_s2.abs() < 1e-9);
    assert!((bounds.ramp_mm(100.0, 50.0) - length_mm).abs() < 1e-9);
}

#[test]
fn ramps_their_lengths_and_their_reach_agree() {
    let mut rng = Rng::new(31);
    for round in 0..10_000 {
        let bounds = Bounds { acceleration_mm_s2: rng.between(100.0, 3000.0), jerk_mm_s3: rng.between(1e3, 1e6) };
        let low = if rng.chance(0.2) { 0.0 } else { rng.between(0.0, 300.0) };
        let high = low + [1e-3, 1.0, 300.0][rng.below(3) as usize] * rng.between(1e-3, 1.0);
        for (from, to) in [(low, high), (high, low)] {
            let (end, length_mm) = travel(State::level(from), &bounds.ramp(from, to));
            assert!((end.velocity_mm_s - to).abs() < 1e-9 * (1.0 + to), "round {round}: {end:?} for {to}");
            assert!((length_mm / bounds.ramp_mm(from, to) - 1.0).abs() < 1e-9, "round {round}");
        }
        let reached = bounds.reach_mm_s(low, bounds.ramp_mm(low, high));
        assert!((reached - high).abs() < 1e-9 * (1.0 + high), "round {round}: {reached} for {high} from {low}");
        // One that goes on accelerating is there earlier, and no later than one without jerk limit.
        let passing_mm = bounds.passing_mm(low, high);
        assert!(passing_mm < bounds.ramp_mm(low, high) && passing_mm > 0.0, "round {round}");
        assert!(passing_mm >= (high * high - low * low) / (2.0 * bounds.acceleration_mm_s2) * (1.0 - 1e-9));
    }
}

#[test]
fn slowing_down_further_from_any_state_arrives_and_keeps_its_limits() {
    let mut rng = Rng::new(33);
    for round in 0..10_000 {
        let bounds = Bounds { acceleration_mm_s2: rng.between(100.0, 3000.0), jerk_mm_s3: rng.between(1e3, 1e5) };
        let acceleration_mm_s2 = -rng.between(0.0, bounds.acceleration_mm_s2);
        let fall = acceleration_mm_s2 * acceleration_mm_s2 / (2.0 * bounds.jerk_mm_s3);
        let from = State { velocity_mm_s: fall + rng.between(0.0, 300.0), acceleration_mm_s2 };
        let aim = rng.between(0.0, bounds.settled_mm_s(from));
        let mut state = from;
        for phase in bounds.slow_down(from, aim) {
            assert!(phase.time_s >= 0.0 && phase.jerk_mm_s3.abs() <= bounds.jerk_mm_s3);
            (state, _) = state.after(phase.jerk_mm_s3, phase.time_s);
            assert!(-state.acceleration_mm_s2 <= bounds.acceleration_mm_s2 * (1.0 + 1e-9), "round {round}: {state:?}");
        }
        let off = (state.velocity_mm_s - aim).abs();
        assert!(off < 1e-6 && state.acceleration_mm_s2.abs() < 1e-6, "round {round}: {state:?} for {aim}");
    }
}

#[test]
fn rides_cover_their_length() {
    let mut rng = Rng::new(37);
    let mut found = 0;
    for round in 0..10_000 {
        let bounds = Bounds { acceleration_mm_s2: rng.between(100.0, 3000.0), jerk_mm_s3: rng.between(1e3, 1e5) };
        let (from, to, cap_mm_s) = (rng.between(0.0, 100.0), rng.between(0.0, 100.0), rng.between(100.0, 300.0));
        let length_mm = rng.between(0.01, 100.0);
        let mut links = Vec::new();
        for _ in 0..rng.below(4) + 1 {
            let share = rng.between(0.5, 1.0);
            let bounds = Bounds { acceleration_mm_s2: bounds.acceleration_mm_s2 * share, ..bounds };
            links.push(Link { length_mm, bounds, cap_mm_s, entry_mm_s: cap_mm_s });
        }
        let whole_mm = length_mm * links.len() as f64;
        let mut planner = Planner::default();
        if !planner.fits(&links, from, to) {
            continue;
        }
        found += 1;
        let ride = planner.ride(&links, from, to);
        let phases = [&ride.up[..], &[ride.hold], &ride.down].concat();
        let (end, covered_mm) = travel(State::level(from), &phases);
        assert!((covered_mm - whole_mm).abs() < 1e-7, "round {round}: {covered_mm} of {whole_mm}: {ride:?}");
        assert!((end.velocity_mm_s - to).abs() < 1e-6, "round {round}: {end:?} for {to}");
        assert!(ride.top_mm_s <= cap_mm_s);
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

/// Greatest ratio of what each axis does to what it may do inside segments: speed, acceleration, jerk.
pub(super) fn worst_of_axes(path: &Path, machine: &Machine, tick_s: f64, stations: &[Station]) -> [f64; 3] {
    let mut worst = [0.0f64; 3];
    for four in stations.windows(4) {
        let index = path.index_at(four[0]);
        let segment = &path.segments()[index];
        if path.index_at(four[3]) != index || matches!(segment.kind, SegmentKind::Still(_)) {
            continue;
        }
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| path.point_at(four[at]));
        let rapid = segment.kind == SegmentKind::Rapid;
        for (index, axis) in machine.axes.iter().enumerate() {
            let [a, b, c, d] = [a, b, c, d].map(|point| point[index]);
            let acceleration = if rapid { axis.rapid_acceleration } else { axis.acceleration };
            let speed = if rapid { axis.rapid } else { axis.feed_max };
            let jerk = axis.jerk.map_or(f64::INFINITY, Jerk::as_mm_s3);
            worst[0] = worst[0].max((b - a).abs() / tick_s / speed.as_mm_s());
            // Stations are rounded to a nanometre: a second difference has 4·0.5 nm of it, a third one 8·0.5 nm.
            let second = ((c - 2.0 * b + a).abs() - 2e-6).max(0.0);
            worst[1] = worst[1].max(second / tick_s.powi(2) / acceleration.as_mm_s2());
            let third = ((d - 3.0 * c + 3.0 * b - a).abs() - 4e-6).max(0.0);
            worst[2] = worst[2].max(third / tick_s.powi(3) / jerk);
        }
    }
    worst
}

#[test]
fn every_axis_stays_within_its_limits() {
    let mut rng = Rng::new(47);
    for round in 0..40 {
        let mut machine = jerky(100.0, 1000.0, 2e4);
        machine.corner_deviation = Length::mm(0.02);
        machine.axes[1].jerk = Some(Jerk::mm_s3(4e4));
        machine.axes[2].acceleration = Acceleration::mm_s2(600.0);
        let path = random_script(&mut rng, 40).path(&machine);
        let factors = [FactorStep { from: Station::from_mm(path.end().as_mm() / 2.0), ratio: 0.4 }];
        let profile = plan_profile(&path, &machine, &factors);
        let tick_s = 1e-3;
        let count = (profile.cycle_time().as_s() / tick_s) as u32;
        let stations: Vec<Station> =
            (0..=count).map(|index| profile.station_at(&path, Seconds::s(f64::from(index) * tick_s))).collect();
        for station in &stations {
            let segment = &path.segments()[path.index_at(*station)];
            let v = profile.velocity_at(&path, *station).as_mm_s();
            let half = *station >= factors[0].from && segment.kind == SegmentKind::Feed;
            let limit = segment.feed.as_mm_s() * if half { 0.4 } else { 1.0 };
            assert!(v <= limit * (1.0 + 1e-6) + 1e-6, "round {round}: {v} of {limit} at {station}");
        }
        let worst = worst_of_axes(&path, &machine, tick_s, &stations);
        assert!(worst.iter().all(|ratio| *ratio <= 1.003), "round {round}: {worst:?}");
        assert!(worst[1] > 0.8 && worst[2] > 0.9, "the drives are used: {worst:?}");
    }
}

#[test]
fn corners_are_taken_no_faster_than_their_rule() {
    let mut rng = Rng::new(48);
    let mut corners = 0;
    for round in 0..60 {
        let mut machine = jerky(150.0, 1000.0, 2e4);
        machine.corner_deviation = Length::mm(0.02);
        let path = random_script(&mut rng, 60).path(&machine);
        let (profile, drives) = (plan_profile(&path, &machine, &[]), Drives::of(&machine));
        for pair in path.segments().windows(2) {
            let corner = drives.corner_mm_s(&pair[0], &pair[1]);
            let v = profile.velocity_at(&path, pair[1].start).as_mm_s();
            assert!(v <= corner * (1.0 + 1e-6) + 1e-4, "round {round}: {v} at a corner of {corner}");
            corners += 1;
        }
    }
    assert!(corners > 2000);
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
