//! Rotary axes: limits in degrees, moves that only turn, and both at once.

use super::corpus;
use super::fixture::{Script, machine, pose, random_script};
use crate::det::Rng;
use crate::machine::{Machine, RapidMode, RotaryAxis};
use crate::motion::{
    Drive, Geometry, Path, RollingProfile, Runner, SegmentKind, Station, StopRule, TURN_MM_PER_RAD, plan_profile,
};
use crate::program::{Call, Pose};
use crate::units::{Feedrate, Jerk, Length, Seconds};

/// A, B and C of 30 °/s in feed, 60 °/s in rapids, 60 °/s².
fn turning() -> Machine {
    let mut machine = machine(100.0, 1000.0);
    let axis = RotaryAxis {
        feed_max_rad_s: 30f64.to_radians(),
        rapid_rad_s: 60f64.to_radians(),
        acceleration_rad_s2: 60f64.to_radians(),
        jerk_rad_s3: None,
    };
    machine.rotary = [Some(axis); 3];
    machine
}

fn turned(x: f64, a_deg: f64, c_deg: f64) -> Pose {
    Pose { rotary_rad: [a_deg.to_radians(), 0.0, c_deg.to_radians()], ..pose(x, 0.0, 0.0) }
}

fn compiled(script: &Script, machine: &Machine) -> Path {
    let (path, diagnostics) = script.compile(machine);
    assert!(diagnostics.iter().all(|found| found.code == "motion::rotary" && !found.is_error()), "{diagnostics:?}");
    path.expect("the script moves")
}

fn cycle_s(script: &Script, machine: &Machine) -> f64 {
    plan_profile(&compiled(script, machine), machine, &[]).cycle_time().as_s()
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn a_turn_alone_takes_the_time_of_its_axis() {
    let machine = turning();
    let mut script = Script::new(10.0);
    script.call(Call::StraightTraverse { end: turned(0.0, 90.0, 0.0) });
    // Rest to rest: d/v + v/a.
    near(cycle_s(&script, &machine), 90.0 / 60.0 + 1.0);
    let path = compiled(&script, &machine);
    assert_eq!(path.segments()[0].geometry, Geometry::Still { at: path.segments()[0].geometry.start() });
    assert_eq!((path.end(), path.length()), (Station::from_mm(90.0), Length::ZERO));
    // In feed, F in degrees: 10 °/s; 45 °/s is more than the axis can.
    let mut feed = Script::new(10.0);
    near(cycle_s(feed.call(Call::StraightFeed { end: turned(0.0, 0.0, -45.0) }), &machine), 4.5 + 10.0 / 60.0);
    let mut fast = Script::new(45.0);
    near(cycle_s(fast.call(Call::StraightFeed { end: turned(0.0, 0.0, 45.0) }), &machine), 1.5 + 0.5);
    // With limited jerk: d/v + v/a + a/j.
    let mut soft = turning();
    soft.rotary.iter_mut().flatten().for_each(|axis| axis.jerk_rad_s3 = Some(600f64.to_radians()));
    near(cycle_s(&script, &soft), 90.0 / 60.0 + 1.0 + 0.1);
}

#[test]
fn moves_of_both_are_as_slow_as_the_slower() {
    let machine = turning();
    let mut script = Script::new(50.0);
    script.call(Call::StraightFeed { end: turned(100.0, 90.0, 0.0) });
    // 0.9 ° a millimetre: 33.3 mm/s and 66.7 mm/s².
    near(cycle_s(&script, &machine), 3.0 + 0.5);
    let mut slow = Script::new(10.0);
    near(
        cycle_s(slow.call(Call::StraightFeed { end: turned(100.0, 90.0, 0.0) }), &machine),
        10.0 + 10.0 / (60.0 / 0.9),
    );
    let path = compiled(&script, &machine);
    let segment = &path.segments()[0];
    assert!((segment.turn_rad[0] - 90f64.to_radians()).abs() < 1e-12 && segment.length.as_mm() == 100.0);
    assert!(matches!(segment.geometry, Geometry::Line { .. }));
    // A quarter of a circle with a turn: 90 ° over its length.
    let mut arc = Script::new(50.0);
    arc.feed(50.0, 0.0, 0.0).call(Call::ArcFeed {
        end: Pose { rotary_rad: [0.0, 90f64.to_radians(), 0.0], ..pose(0.0, 50.0, 0.0) },
        plane: crate::program::Plane::Xy,
        centre_mm: [0.0; 2],
        centre_machine_mm: [0.0; 3],
        turns: 1,
    });
    let feed = compiled(&arc, &machine).segments()[1].feed.as_mm_s();
    near(feed, 30.0 / 90.0 * 25.0 * std::f64::consts::PI);
}

#[test]
fn inverse_time_and_feed_a_revolution_take_the_time_they_say() {
    let machine = turning();
    let check = |program: &str, expected_s: f64| {
        let path = corpus::path("rotary.nc", program.as_bytes(), &machine);
        let moves = path.segments().iter().enumerate().filter(|(_, segment)| segment.kind == SegmentKind::Feed);
        let profile = plan_profile(&path, &machine, &[]);
        let found_s: f64 = moves.map(|(index, _)| profile.segment_time(index).as_s()).sum();
        assert!((found_s - expected_s).abs() < 1e-6, "{program}: {found_s} instead of {expected_s}");
    };
    let start = "G21 G17 G90 G94 G0 X-300 Y-200 Z-300 A0\nG53 G0 X0 Y0 Z0\nM0\n";
    // One tenth of a minute, ramps besides: v/a with 6 mm/s and 60 °/s² at 1.5 ° a millimetre.
    check(&format!("{start}G91 G93 G1 X60 A90 F6\nM30\n"), 10.0 + 6.0 / 40.0);
    // Half a minute for 90 °: 3 °/s.
    check(&format!("{start}G91 G93 G1 A90 F2\nM30\n"), 30.0 + 3.0 / 60.0);
    // 0.1 mm a revolution at 600 rev/min: 1 mm/s.
    check(&format!("{start}G91 G95 S600 M3 G1 X10 F0.1\nM30\n"), 10.0 + 1.0 / 1000.0);
}

#[test]
fn a_turn_in_pieces_does_not_stop_and_one_beside_a_line_does() {
    let machine = turning();
    let (mut whole, mut pieces) = (Script::new(20.0), Script::new(20.0));
    whole.call(Call::StraightFeed { end: turned(0.0, 90.0, 45.0) });
    for piece in 1..=90 {
        let share = f64::from(piece) / 90.0;
        pieces.call(Call::StraightFeed { end: turned(0.0, 90.0 * share, 45.0 * share) });
    }
    near(cycle_s(&pieces, &machine), cycle_s(&whole, &machine));
    // The same for a line that turns on its way.
    let (mut whole, mut pieces) = (Script::new(20.0), Script::new(20.0));
    whole.call(Call::StraightFeed { end: turned(50.0, 90.0, 0.0) });
    for piece in 1..=90 {
        let share = f64::from(piece) / 90.0;
        pieces.call(Call::StraightFeed { end: turned(50.0 * share, 90.0 * share, 0.0) });
    }
    near(cycle_s(&pieces, &machine), cycle_s(&whole, &machine));
    // Turn, line, turn: rest between them. A turn that comes to a line on its way asks for a slower border.
    let mut mixed = Script::new(20.0);
    mixed.call(Call::StraightFeed { end: turned(0.0, 30.0, 0.0) });
    mixed.call(Call::StraightFeed { end: turned(40.0, 30.0, 0.0) });
    mixed.call(Call::StraightFeed { end: turned(40.0, 60.0, 0.0) });
    near(cycle_s(&mixed, &machine), 2.0 * (30.0 / 20.0 + 20.0 / 60.0) + 40.0 / 20.0 + 20.0 / 1000.0);
    let mut begins = Script::new(20.0);
    begins.feed(40.0, 0.0, 0.0).call(Call::StraightFeed { end: turned(80.0, 30.0, 0.0) });
    let mut rounded = turning();
    rounded.corner_deviation = Length::mm(0.02);
    let path = compiled(&begins, &rounded);
    let profile = plan_profile(&path, &rounded, &[]);
    let border_mm_s = profile.velocity_at(&path, path.segments()[1].start).as_mm_s();
    // Δω = 0.75 v may be √(8·60·0.02).
    near(border_mm_s, (8.0f64 * 60.0 * 0.02).sqrt() / 0.75);
}

#[test]
fn rotary_axes_take_part_in_a_dogleg() {
    let mut machine = turning();
    machine.rapid_mode = RapidMode::Dogleg;
    let mut script = Script::new(10.0);
    script.call(Call::StraightTraverse { end: turned(50.0, 60.0, 0.0) });
    let path = compiled(&script, &machine);
    // X is there after half a second, A needs one.
    let turns: Vec<f64> = path.segments().iter().map(|segment| segment.turn_rad[0].to_degrees()).collect();
    assert_eq!(path.segments().len(), 2);
    near(turns[0], 30.0);
    near(turns[1], 30.0);
    assert_eq!((path.segments()[0].length.as_mm(), path.segments()[1].length.as_mm()), (50.0, 0.0));
}

/// Turns beside random moves; some moves only turn.
fn random_turning(rng: &mut Rng) -> Script {
    let mut script = random_script(rng, 60);
    let (mut angles, mut at) = ([0.0f64; 3], pose(0.0, 0.0, 0.0));
    for op in &mut script.ops {
        let only = rng.chance(0.2);
        if rng.chance(0.6) {
            angles = angles.map(|angle| angle + rng.between(-0.3, 0.3));
        }
        match &mut op.call {
            Call::StraightTraverse { end } | Call::StraightFeed { end } => {
                *end = if only { at } else { *end };
                end.rotary_rad = angles;
                at = *end;
            }
            Call::ArcFeed { end, .. } => {
                op.call = Call::StraightFeed { end: Pose { rotary_rad: angles, ..*end } };
                at = Pose { rotary_rad: angles, ..at };
            }
            _ => {}
        }
        if let Call::StraightFeed { end } = op.call {
            at = end;
        }
    }
    script
}

#[test]
fn rotary_limits_hold_wherever_they_are_sampled() {
    let mut rng = Rng::new(131);
    for round in 0..40 {
        let mut machine = turning();
        machine.corner_deviation = Length::mm(0.02);
        if round % 2 == 1 {
            machine.axes.iter_mut().for_each(|axis| axis.jerk = Some(Jerk::mm_s3(2e4)));
            machine.rotary.iter_mut().flatten().for_each(|axis| axis.jerk_rad_s3 = Some(20.0));
        }
        let path = compiled(&random_turning(&mut rng), &machine);
        let profile = plan_profile(&path, &machine, &[]);
        let tick_s = 1e-3;
        let count = (profile.cycle_time().as_s() / tick_s) as u32;
        let at = |tick: u32| profile.station_at(&path, Seconds::s(f64::from(tick) * tick_s));
        let mut worst = [0.0f64; 3];
        let stations: Vec<Station> = (0..=count).map(at).collect();
        for four in stations.windows(4) {
            let segment = &path.segments()[path.index_at(four[0])];
            if four[3] >= segment.end || segment.turn_rad == [0.0; 3] {
                continue;
            }
            let share = |station: Station| segment.fraction(station);
            let [a, b, c, d] = [share(four[0]), share(four[1]), share(four[2]), share(four[3])];
            let grain = 1e-6 / segment.end.beyond(segment.start).as_mm();
            let turn = segment.turn_rad.iter().fold(0.0f64, |most, turn| most.max(turn.abs()));
            let rapid = segment.kind == SegmentKind::Rapid;
            let speed = if rapid { 60f64 } else { 30f64 }.to_radians();
            let jerk = if round % 2 == 1 { 20.0 } else { f64::INFINITY };
            worst[0] = worst[0].max(turn * (b - a - grain) / tick_s / speed);
            let second = ((c - 2.0 * b + a).abs() - 2.0 * grain).max(0.0);
            worst[1] = worst[1].max(turn * second / tick_s.powi(2) / 60f64.to_radians());
            let third = ((d - 3.0 * c + 3.0 * b - a).abs() - 4.0 * grain).max(0.0);
            worst[2] = worst[2].max(turn * third / tick_s.powi(3) / jerk);
        }
        assert!(worst.iter().all(|share| *share < 1.01), "round {round}: {worst:?}");
        assert!(worst[0] > 0.5 && worst[1] > 0.9, "round {round}: the drives are used: {worst:?}");
        let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
        let mut steps = 0u32;
        while !runner.advance(&path, &machine, Seconds::s(tick_s), Drive::PROGRAMMED).finished {
            steps += 1;
        }
        let (planned, taken) = (profile.cycle_time().as_s(), f64::from(steps) * tick_s);
        assert!((taken - planned).abs() < 0.003 * planned, "round {round}: {planned} planned, {taken} taken");
        let mut rolling = RollingProfile::new(&machine, Station::START);
        for portion in path.segments().chunks(5) {
            rolling.append(portion, &[]).expect("contiguous");
        }
        assert_eq!(rolling.end_time(), profile.cycle_time());
    }
}

#[test]
fn a_turn_is_in_the_digest_and_counts_a_millimetre_for_a_degree() {
    near(TURN_MM_PER_RAD.to_radians(), 1.0);
    let machine = turning();
    let path = |angle: f64| {
        let mut script = Script::new(20.0);
        compiled(script.call(Call::StraightFeed { end: turned(10.0, angle, 0.0) }), &machine)
    };
    assert_ne!(path(1.0).digest(), path(-1.0).digest());
    assert_eq!(path(1.0).segments()[0].feed, Feedrate::mm_s(20.0));
}
