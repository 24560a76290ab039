//! Station arithmetic over a program of a million segments.

use super::fixture::{machine, winding};
use crate::det::Rng;
use crate::machine::Machine;
use crate::motion::{Path, Profile, Station, plan_profile};
use crate::units::{Jerk, Length, Seconds};

const SEGMENTS: usize = 1_000_000;

fn check(path: &Path, profile: &Profile, rng: &mut Rng) {
    let cycle_s = profile.cycle_time().as_s();
    let (mut checked, mut last) = (0, (Seconds::ZERO, Station::START));
    let mut times: Vec<f64> = (0..20_000).map(|_| rng.between(0.0, cycle_s)).collect();
    times.sort_by(f64::total_cmp);
    for time in times.into_iter().map(Seconds::s) {
        let station = profile.station_at(path, time);
        assert!(station >= last.1, "{station} after {}", last.1);
        // Time → station → time: 10 µs, except where a nanometre takes longer than that.
        let back = profile.time_at(path, station);
        let crawls = profile.velocity_at(path, station).as_mm_s() < 1.0;
        if !crawls {
            assert!((back - time).abs().as_s() < 1e-5, "{time} came back as {back} at {station}");
            checked += 1;
        }
        // Station → time → station: 1 µm. Position → segment and fraction → station: exact.
        let forth = profile.station_at(path, back);
        assert!(forth.beyond(station).as_mm().abs() < 1e-3, "{station} came back as {forth}");
        let segment = &path.segments()[path.index_at(station)];
        let again = segment.station(segment.fraction(station));
        assert_eq!(again, station, "fraction and back");
        last = (time, station);
    }
    assert!(checked > 19_000, "only {checked} places move");
    assert_eq!(profile.station_at(path, profile.cycle_time()), path.end());
    let sum: f64 = (0..SEGMENTS).map(|index| profile.segment_time(index).as_s()).sum();
    assert!((sum - cycle_s).abs() < 1e-5, "{sum} of {cycle_s}");
}

fn mill(jerk: Option<Jerk>) -> Machine {
    let mut machine = machine(200.0, 2000.0);
    machine.corner_deviation = Length::mm(0.01);
    machine.axes.iter_mut().for_each(|axis| axis.jerk = jerk);
    machine
}

#[test]
fn station_and_time_stay_exact_over_a_million_segments() {
    let mut rng = Rng::new(83);
    let path = winding(&mut rng, SEGMENTS, 0.05);
    for jerk in [None, Some(Jerk::mm_s3(5e4))] {
        let profile = plan_profile(&path, &mill(jerk), &[]);
        check(&path, &profile, &mut rng);
    }
}
