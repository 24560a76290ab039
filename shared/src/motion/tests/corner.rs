use super::fixture::{Script, machine};
use crate::det::Rng;
use crate::motion::{CornerRule, Drive, Path, Runner, Segment, StopRule, plan_profile};
use crate::units::{Jerk, Length, Seconds};

/// The path of a script under one corner rule.
fn ruled(path: &Path, rule: CornerRule) -> Path {
    let with = |segment: &Segment| Segment { corner: rule, ..segment.clone() };
    Path::new(path.segments().iter().map(with).collect()).expect("as contiguous as before")
}

fn speed_at_corner(rule: CornerRule, own_mm: f64) -> f64 {
    let mut machine = machine(500.0, 1000.0);
    machine.corner_deviation = Length::mm(own_mm);
    let mut script = Script::new(100.0);
    let path = ruled(&script.feed(50.0, 0.0, 0.0).feed(50.0, 50.0, 0.0).path(&machine), rule);
    plan_profile(&path, &machine, &[]).velocity_at(&path, path.segments()[1].start).as_mm_s()
}

#[test]
fn each_path_mode_takes_a_corner_as_it_means() {
    // R = δ·s/(1 − s) with s = sin 45°; a = 1000·√2, as both axes share the change of direction.
    let sin = 0.5f64.sqrt();
    let expected = |deviation_mm: f64| (1000.0 * 2f64.sqrt() * deviation_mm * sin / (1.0 - sin)).sqrt();
    assert!((speed_at_corner(CornerRule::Machine, 0.1) - expected(0.1)).abs() < 1e-9);
    assert_eq!(speed_at_corner(CornerRule::Exact, 0.1), 0.0);
    assert!((speed_at_corner(CornerRule::Within(Length::mm(0.02)), 0.1) - expected(0.02)).abs() < 1e-9);
    assert!((speed_at_corner(CornerRule::Within(Length::mm(0.3)), 0.1) - expected(0.3)).abs() < 1e-9);
    assert_eq!(speed_at_corner(CornerRule::Within(Length::ZERO), 0.1), 0.0);
}

#[test]
fn exact_path_does_not_stop_where_the_direction_stays() {
    let machine = machine(500.0, 2000.0);
    let mut script = Script::new(100.0);
    let path = ruled(&script.feed(40.0, 0.0, 0.0).feed(100.0, 0.0, 0.0).path(&machine), CornerRule::Exact);
    assert!((plan_profile(&path, &machine, &[]).cycle_time().as_s() - 1.05).abs() < 1e-9);
}

#[test]
fn the_corner_rule_is_part_of_the_digest() {
    let machine = machine(500.0, 2000.0);
    let path = Script::new(100.0).feed(40.0, 0.0, 0.0).path(&machine);
    let rules = [CornerRule::Machine, CornerRule::Exact, CornerRule::Within(Length::mm(0.1))];
    let digests = rules.map(|rule| ruled(&path, rule).digest());
    assert_eq!(digests[0], path.digest());
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
    assert_ne!(ruled(&path, CornerRule::Within(Length::mm(0.2))).digest(), digests[2]);
}

#[test]
fn a_runner_resumes_at_any_station() {
    let mut rng = Rng::new(91);
    for jerk in [None, Some(Jerk::mm_s3(3e4))] {
        let mut machine = machine(100.0, 1000.0);
        machine.corner_deviation = Length::mm(0.02);
        machine.axes.iter_mut().for_each(|axis| axis.jerk = jerk);
        for round in 0..20 {
            let path = super::fixture::random_script(&mut rng, 60).path(&machine);
            let profile = plan_profile(&path, &machine, &[]);
            let station = crate::motion::Station::from_mm(rng.between(0.0, path.end().as_mm()));
            let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
            runner.begin_at(&path, station);
            let begun = runner.advance(&path, &machine, Seconds::ZERO, Drive::PROGRAMMED);
            assert!(begun.station.beyond(station).as_mm().abs() < 1e-5, "round {round}: {begun:?} for {station}");
            let mut steps = 0u32;
            while !runner.advance(&path, &machine, Seconds::s(1e-3), Drive::PROGRAMMED).finished {
                steps += 1;
                assert!(steps < 1_000_000, "round {round}: does not end");
            }
            // From a standstill it takes a little longer than in passing.
            let late_s = f64::from(steps) * 1e-3 - (profile.cycle_time() - profile.time_at(&path, station)).as_s();
            assert!((-2e-3..0.5).contains(&late_s), "round {round}: {late_s} s");
        }
    }
}
