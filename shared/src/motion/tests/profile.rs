use std::f64::consts::TAU;

use super::fixture::{Script, machine, random_script};
use crate::det::Rng;
use crate::machine::{Machine, RapidMode};
use crate::motion::{FactorStep, Path, SegmentKind, Station, plan_profile};
use crate::program::{Call, ForcedReason, Plane, StopKind};
use crate::units::{Acceleration, Feedrate, Length, Seconds};

fn step(from_mm: f64, ratio: f64) -> FactorStep {
    FactorStep { from: Station::from_mm(from_mm), ratio }
}

fn cycle_s(script: &Script, machine: &Machine, factors: &[FactorStep]) -> f64 {
    plan_profile(&script.path(machine), machine, factors).cycle_time().as_s()
}

/// A machine with rounding of corners and axes that differ.
fn uneven(speed_mm_s: f64, acceleration_mm_s2: f64) -> Machine {
    let mut machine = machine(speed_mm_s, acceleration_mm_s2);
    machine.corner_deviation = Length::mm(0.02);
    machine.axes[1].feed_max = Feedrate::mm_s(0.7 * speed_mm_s);
    for (axis, share) in machine.axes.iter_mut().zip([1.0, 0.8, 0.5]) {
        axis.acceleration = Acceleration::mm_s2(share * acceleration_mm_s2);
        axis.rapid_acceleration = Acceleration::mm_s2(1.5 * share * acceleration_mm_s2);
    }
    machine
}

#[test]
fn reference_vectors_without_jerk() {
    let machine = machine(500.0, 2000.0);
    let mut whole = Script::new(100.0);
    whole.feed(100.0, 0.0, 0.0);
    assert!((cycle_s(&whole, &machine, &[]) - 1.05).abs() < 1e-9);
    // PROCESS.md section 4: 100 mm at 100, 30 from 40 to 60 mm, and 100 mm/s.
    let zone = cycle_s(&whole, &machine, &[step(40.0, 0.3), step(60.0, 1.0)]);
    assert!((zone - 1.541_167).abs() < 1e-6, "{zone}");
    let mut pieces = Script::new(100.0);
    pieces.feed(40.0, 0.0, 0.0);
    pieces.modal.feed = Some(Feedrate::mm_s(30.0));
    pieces.feed(60.0, 0.0, 0.0);
    pieces.modal.feed = Some(Feedrate::mm_s(100.0));
    let by_feed = cycle_s(pieces.feed(100.0, 0.0, 0.0), &machine, &[]);
    assert!((by_feed - zone).abs() < 1e-12);
}

#[test]
fn collinear_short_segments_do_not_stop() {
    let machine = machine(500.0, 2000.0);
    let mut script = Script::new(100.0);
    for index in 1..=10_000 {
        let x = f64::from(index) * 0.006;
        script.feed(x, x * 4.0 / 3.0, 0.0);
    }
    let long = cycle_s(Script::new(100.0).feed(60.0, 80.0, 0.0), &machine, &[]);
    let short = cycle_s(&script, &machine, &[]);
    assert!((short - long).abs() < 1e-6, "{short} instead of {long}");
}

#[test]
fn corners_stop_without_deviation_and_slow_down_with_it() {
    let right_angle = |machine: &Machine| {
        let mut script = Script::new(100.0);
        let path = script.feed(50.0, 0.0, 0.0).feed(50.0, 50.0, 0.0).path(machine);
        plan_profile(&path, machine, &[]).velocity_at(&path, Station::from_mm(50.0)).as_mm_s()
    };
    let mut machine = machine(500.0, 1000.0);
    assert_eq!(right_angle(&machine), 0.0);
    // R = δ·s/(1 − s) with s = sin 45°; a = 1000·√2, as both axes share the change of direction.
    machine.corner_deviation = Length::mm(0.1);
    let sin = 0.5f64.sqrt();
    let expected = (1000.0 * 2f64.sqrt() * 0.1 * sin / (1.0 - sin)).sqrt();
    assert!((right_angle(&machine) - expected).abs() < 1e-9);
}

#[test]
fn chords_of_a_circle_are_ridden_like_the_circle() {
    // The corner rule alone would let fine chords be taken at any speed.
    let mut machine = machine(1000.0, 1000.0);
    machine.corner_deviation = Length::mm(0.05);
    let mut script = Script::new(400.0);
    script.feed(10.0, 0.0, 0.0);
    for index in 1..=720 {
        let (sin, cos) = (TAU * f64::from(index) / 360.0).sin_cos();
        script.feed(10.0 * cos, 10.0 * sin, 0.0);
    }
    let path = script.path(&machine);
    let profile = plan_profile(&path, &machine, &[]);
    let middle = profile.velocity_at(&path, Station::from_mm(10.0 + TAU * 10.0)).as_mm_s();
    let expected = (1000.0f64 * 10.0).sqrt();
    assert!((middle / expected - 1.0).abs() < 0.01, "{middle}, the circle allows {expected}");
}

#[test]
fn arcs_keep_their_centripetal_acceleration() {
    let machine = machine(1000.0, 1000.0);
    let mut script = Script::new(400.0);
    script.feed(10.0, 0.0, 0.0).arc([10.0, 0.0, 0.0], Plane::Xy, [0.0; 3], 4);
    let path = script.path(&machine);
    let profile = plan_profile(&path, &machine, &[]);
    let top = profile.velocity_at(&path, Station::from_mm(10.0 + 2.0 * TAU * 10.0)).as_mm_s();
    let expected = (0.75f64.sqrt() * 1000.0 * 10.0).sqrt();
    assert!((top - expected).abs() < 1e-9, "{top}");
}

#[test]
fn time_scales_as_it_must() {
    let mut rng = Rng::new(9);
    for round in 0..30 {
        let mut script = random_script(&mut rng, 60);
        script.ops.retain(|op| !matches!(op.call, Call::Dwell { .. }));
        let base = cycle_s(&script, &uneven(100.0, 1000.0), &[]);
        // Twice the speeds and four times the accelerations: half the time.
        let mut faster = script.ops.clone();
        faster.iter_mut().for_each(|op| op.modal.feed = op.modal.feed.map(|feed| feed * 2.0));
        let faster = Script { ops: faster, modal: script.modal };
        let half = cycle_s(&faster, &uneven(200.0, 4000.0), &[]);
        assert!((2.0 * half / base - 1.0).abs() < 1e-6, "round {round}: {base} and {half}");
        // With speeds beyond reach only acceleration counts: t ~ 1/√a.
        let mut free = script.ops.clone();
        free.iter_mut().for_each(|op| op.modal.feed = Some(Feedrate::mm_s(1e6)));
        let free = Script { ops: free, modal: script.modal };
        let [slow, fast] = [1000.0, 4000.0].map(|acceleration| cycle_s(&free, &uneven(1e6, acceleration), &[]));
        assert!((2.0 * fast / slow - 1.0).abs() < 1e-6, "round {round}: {slow} and {fast}");
    }
}

#[test]
fn a_path_takes_the_same_time_backwards() {
    let mut rng = Rng::new(13);
    for round in 0..40 {
        let machine = uneven(100.0, 1000.0);
        let points: Vec<[f64; 3]> = (0..60)
            .map(|_| {
                let scale = [0.1, 2.0, 30.0][rng.below(3) as usize];
                [(); 3].map(|()| rng.between(-scale, scale))
            })
            .collect();
        let ride = |points: &mut dyn Iterator<Item = &[f64; 3]>, start: [f64; 3]| {
            let mut machine = machine.clone();
            machine.reference = start.into();
            let mut script = Script::new(90.0);
            points.for_each(|point| {
                script.feed(point[0], point[1], point[2]);
            });
            cycle_s(&script, &machine, &[])
        };
        let forth = ride(&mut points.iter().skip(1), points[0]);
        let back = ride(&mut points.iter().rev().skip(1), points[points.len() - 1]);
        assert!((forth - back).abs() < 1e-6 * forth, "round {round}: {forth} forth, {back} back");
    }
}

fn random_factors(rng: &mut Rng, path: &Path) -> Vec<FactorStep> {
    let mut stations: Vec<f64> = (0..20).map(|_| rng.between(0.0, path.end().as_mm())).collect();
    stations.sort_by(f64::total_cmp);
    stations.into_iter().map(|from| step(from, rng.between(0.1, 1.0))).collect()
}

#[test]
fn station_and_time_are_monotone_and_inverse() {
    let mut rng = Rng::new(17);
    for round in 0..40 {
        let machine = uneven(100.0, 1000.0);
        let path = random_script(&mut rng, 60).path(&machine);
        let profile = plan_profile(&path, &machine, &random_factors(&mut rng, &path));
        let cycle_s = profile.cycle_time().as_s();
        let mut last = Station::START;
        for index in 0..=2000 {
            let time = Seconds::s(cycle_s * f64::from(index) / 2000.0);
            let station = profile.station_at(&path, time);
            assert!(station >= last, "round {round}: {station} after {last}");
            last = station;
            let back = profile.time_at(&path, station);
            // The grain is a nanometre: beside a standstill half of it takes √(2·0.5 nm/a), 63 µs at 250 mm/s².
            let standstill = profile.velocity_at(&path, station).as_mm_s() < 1.0;
            let tolerance_s = if standstill { 6.4e-5 } else { 1e-5 };
            assert!((back - time).abs().as_s() < tolerance_s, "round {round}: {time} came back as {back}");
            let forth = profile.station_at(&path, back);
            assert!(forth.beyond(station).as_mm().abs() < 1e-5, "round {round}: {station} came back as {forth}");
        }
        assert_eq!(last, path.end());
        let mut last = Seconds::ZERO;
        for index in 0..=2000u64 {
            let station = Station::from_nm(path.end().as_nm() / 2000 * index);
            let time = profile.time_at(&path, station);
            assert!(time >= last, "round {round}: {time} after {last}");
            last = time;
        }
        assert_eq!(profile.time_at(&path, Station::MAX), profile.cycle_time());
    }
}

#[test]
fn velocity_is_the_derivative_and_stays_within_the_drives() {
    let mut rng = Rng::new(19);
    for round in 0..20 {
        let machine = uneven(100.0, 1000.0);
        let path = random_script(&mut rng, 40).path(&machine);
        let profile = plan_profile(&path, &machine, &random_factors(&mut rng, &path));
        let tick = Seconds::s(1e-4);
        let count = (profile.cycle_time() / tick) as u32;
        for index in 1..count.min(20_000) {
            let stations = [-1.0, 0.0, 1.0].map(|side| profile.station_at(&path, tick * (f64::from(index) + side)));
            let indices = stations.map(|station| path.index_at(station));
            let segment = &path.segments()[indices[0]];
            if indices[0] != indices[2] || matches!(segment.kind, SegmentKind::Still(_)) {
                continue;
            }
            let [before, at, after] = stations.map(|station| path.point_at(station));
            let mean = stations[2].beyond(stations[0]).as_mm() / (2.0 * tick.as_s());
            let velocity = profile.velocity_at(&path, stations[1]).as_mm_s();
            assert!((velocity - mean).abs() < 0.2, "round {round}: {velocity} is not {mean}");
            for (axis, limits) in machine.axes.iter().enumerate() {
                let rapid = segment.kind == SegmentKind::Rapid;
                let speed = (after[axis] - before[axis]).abs() / (2.0 * tick.as_s());
                let limit = if rapid { limits.rapid } else { limits.feed_max };
                assert!(speed <= limit.as_mm_s() * 1.001, "round {round}: axis {axis} at {speed}");
                let bend = (after[axis] - 2.0 * at[axis] + before[axis]).abs() / (tick.as_s() * tick.as_s());
                let limit = if rapid { limits.rapid_acceleration } else { limits.acceleration };
                // Four roundings to a nanometre within 0.1 ms are 200 mm/s² of noise at worst.
                assert!(bend <= limit.as_mm_s2() * 1.001 + 200.0, "round {round}: axis {axis} at {bend} mm/s²");
            }
        }
    }
}

/// Quickest speeds at the nodes of a finely divided path, found by relaxing each node until nothing moves.
fn brute_force_s(path: &Path, machine: &Machine) -> f64 {
    const PARTS: usize = 64;
    let (mut lengths, mut limits, mut accelerations) = (Vec::new(), vec![0.0], Vec::new());
    for (index, segment) in path.segments().iter().enumerate() {
        let direction = segment.geometry.tangent(0.0);
        let least = |value: &dyn Fn(usize) -> f64| {
            (0..3).filter(|axis| direction[*axis] != 0.0).map(value).fold(f64::INFINITY, f64::min)
        };
        let acceleration = least(&|axis| machine.axes[axis].acceleration.as_mm_s2() / direction[axis].abs());
        for part in 1..=PARTS {
            lengths.push(segment.length.as_mm() / PARTS as f64);
            accelerations.push(acceleration);
            limits.push(segment.feed.as_mm_s());
            if part == PARTS {
                // The corner itself is taken from closed forms tested above; here it is only a limit.
                let corner = path.segments().get(index + 1).map_or(0.0, |next| {
                    let corner = crate::motion::limits::Drives::of(machine).corner_mm_s(segment, next);
                    corner.min(next.feed.as_mm_s())
                });
                *limits.last_mut().expect("just pushed") = corner.min(segment.feed.as_mm_s());
            }
        }
    }
    let mut speeds = limits;
    loop {
        let mut changed = false;
        for index in 0..lengths.len() {
            let gain = 2.0 * accelerations[index] * lengths[index];
            for (from, to) in [(index, index + 1), (index + 1, index)] {
                let reach = (speeds[from] * speeds[from] + gain).sqrt();
                if speeds[to] > reach * (1.0 + 1e-12) {
                    speeds[to] = reach;
                    changed = true;
                }
            }
        }
        if !changed {
            break;
        }
    }
    let time = |index: usize| {
        let (a, b, length) = (speeds[index], speeds[index + 1], lengths[index]);
        // Two nodes of equal speed below the limit hide a little peak between them.
        let peak = ((a * a + b * b) / 2.0 + accelerations[index] * length).sqrt();
        let top = peak.min(path.segments()[index / PARTS].feed.as_mm_s());
        (2.0 * top - a - b) / accelerations[index]
            + (length - (2.0 * top * top - a * a - b * b) / (2.0 * accelerations[index])) / top
    };
    (0..lengths.len()).map(time).sum()
}

#[test]
fn look_ahead_finds_what_brute_force_finds() {
    let mut rng = Rng::new(23);
    for round in 0..60 {
        let machine = uneven(100.0, 1000.0);
        let mut script = Script::new(80.0);
        let mut at = [0.0; 3];
        for _ in 0..12 {
            script.modal.feed = Some(Feedrate::mm_s(rng.between(5.0, 100.0)));
            let scale = [0.05, 0.5, 10.0][rng.below(3) as usize];
            at = at.map(|from: f64| from + rng.between(-scale, scale));
            script.feed(at[0], at[1], at[2]);
        }
        let path = script.path(&machine);
        let profile = plan_profile(&path, &machine, &[]);
        let (planned, found) = (profile.cycle_time().as_s(), brute_force_s(&path, &machine));
        assert!((planned - found).abs() < 1e-6 * found, "round {round}: {planned} planned, {found} found");
    }
}

#[test]
fn split_names_what_the_time_is_for() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(50.0);
    script.change_tool(1).spindle(100.0, 1).rapid(100.0, 0.0, 0.0).feed(150.0, 0.0, 0.0);
    script
        .call(Call::Dwell { time: Seconds::s(0.3) })
        .call(Call::Coolant { on: false })
        .call(Call::Stop { kind: StopKind::Optional });
    let path = script.path(&machine);
    let profile = plan_profile(&path, &machine, &[]);
    let split = profile.split();
    let near = |seconds: Seconds, expected: f64| (seconds.as_s() - expected).abs() < 1e-9;
    assert!(near(split.tool_change, 6.0) && near(split.spindle, 1.0) && near(split.m_code, 1.0), "{split:?}");
    assert!(near(split.dwell, 0.3), "{split:?}");
    // Rapid and feed meet at 50 mm/s on one line: 0.1 s up, 0.05 s down to 50; then 50 and 0.05 s down.
    assert!(near(split.rapid, 0.1 + 0.05 + (100.0 - 5.0 - 3.75) / 100.0), "{split:?}");
    assert!(near(split.feed, (50.0 - 1.25) / 50.0 + 0.05), "{split:?}");
    let sum = [split.rapid, split.feed, split.dwell, split.spindle, split.tool_change, split.m_code];
    assert!(near(profile.cycle_time(), sum.iter().map(|part| part.as_s()).sum()));
    let all: f64 = (0..path.segments().len()).map(|index| profile.segment_time(index).as_s()).sum();
    assert!(near(profile.cycle_time(), all));
}

#[test]
fn factors_leave_rapids_and_forced_moves_alone() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(50.0);
    script.rapid(100.0, 0.0, 0.0);
    script.modal.forced = Some(ForcedReason::Synchronised);
    script.feed(200.0, 0.0, 0.0);
    script.modal.forced = None;
    let path = script.feed(300.0, 0.0, 0.0).path(&machine);
    let profile = plan_profile(&path, &machine, &[step(0.0, 0.5), step(250.0, f64::NAN)]);
    let velocity = |at_mm: f64| profile.velocity_at(&path, Station::from_mm(at_mm)).as_mm_s();
    let expected = [(50.0, 100.0), (150.0, 50.0), (225.0, 25.0), (275.0, 50.0)];
    assert!(expected.iter().all(|(at, expected)| (velocity(*at) - expected).abs() < 1e-9));
    assert!((profile.mean_speed(&path, 1).as_mm_s() - 50.0).abs() < 1.0);
}

#[test]
fn zero_factor_ends_all_the_same() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(50.0);
    let crawl = cycle_s(script.feed(1.0, 0.0, 0.0), &machine, &[step(0.0, 0.0)]);
    assert!((crawl - 1.0 / 0.05).abs() < 0.01, "{crawl}");
}

#[test]
fn a_dogleg_takes_longer_than_its_slowest_axis_alone_but_arrives() {
    let mut machine = machine(100.0, 1000.0);
    machine.corner_deviation = Length::mm(0.1);
    let mut script = Script::new(50.0);
    script.rapid(100.0, 40.0, 0.0);
    let straight = cycle_s(&script, &machine, &[]);
    machine.rapid_mode = RapidMode::Dogleg;
    let dogleg = cycle_s(&script, &machine, &[]);
    assert!(straight >= 1.1 - 1e-6 && dogleg > straight, "{straight} {dogleg}");
}
