//! Corners rounded by the control.

use std::collections::BTreeSet;
use std::f64::consts::{FRAC_PI_2, PI};

use super::fixture::{Script, machine, random_script};
use crate::det::Rng;
use crate::machine::{CornerBlend, Machine};
use crate::motion::{CornerRule, Geometry, Path, SegmentKind, plan_profile};
use crate::program::{PathMode, Plane};
use crate::units::{Feedrate, Length, Seconds};

const SHARE: f64 = 0.25;

/// A machine that keeps to the path, and the same one blending its corners.
fn machines(acceleration_mm_s2: f64) -> (Machine, Machine) {
    let exact = machine(100.0, acceleration_mm_s2);
    let blend = CornerBlend { share: SHARE, speed_ratio: 1.0, arc_share: 0.5, cycle: Seconds::ZERO };
    (exact.clone(), Machine { corner_blend: Some(blend), ..exact })
}

fn arcs(path: &Path) -> Vec<(f64, f64)> {
    let arc = |segment: &crate::motion::Segment| match segment.geometry {
        Geometry::Arc { start, centre, sweep_rad, .. } => Some(((start - centre).norm(), sweep_rad)),
        _ => None,
    };
    path.segments().iter().filter_map(arc).collect()
}

#[test]
fn a_right_angle_is_rounded_as_wide_as_parabolas_would() {
    // Measured on LinuxCNC with these figures: the arc begins 0.85 mm before the corner (20 mm/s, 600 mm/s²).
    let (_, blending) = machines(600.0);
    let path = Script::new(20.0).feed(40.0, 0.0, 0.0).feed(40.0, 30.0, 0.0).path(&blending);
    let radius_mm = 20.0 * (20.0 / 300.0) / FRAC_PI_2;
    let [(radius, sweep)] = arcs(&path)[..] else { panic!("one arc: {:?}", path.segments()) };
    assert!((radius - radius_mm).abs() < 1e-9 && (sweep - FRAC_PI_2).abs() < 1e-9, "{radius} {sweep}");
    assert!((path.length().as_mm() - (70.0 - 2.0 * radius_mm + FRAC_PI_2 * radius_mm)).abs() < 1e-9);
    // The speed is held through: from rest at 600 and, before the end of the program, back to it at half of that.
    let time_s = plan_profile(&path, &blending, &[]).cycle_time().as_s();
    assert!((time_s - (path.length().as_mm() / 20.0 + 20.0 / 1200.0 + 20.0 / 600.0)).abs() < 1e-7, "{time_s}");
    let lines: Vec<u32> = path.segments().iter().map(|segment| segment.at.line).collect();
    assert_eq!(lines, [1, 1, 2]);
}

#[test]
fn a_tolerance_bounds_the_way_off_the_corner_and_the_speed() {
    let (_, blending) = machines(600.0);
    let mut script = Script::new(50.0);
    script.modal.path = PathMode::Continuous { tolerance_mm: Some(0.05), naive_cam_mm: None };
    let path = script.feed(40.0, 0.0, 0.0).feed(40.0, 30.0, 0.0).path(&blending);
    // h = R·(√2 − 1) for a right angle.
    let radius_mm = 0.05 / (2f64.sqrt() - 1.0);
    assert!((arcs(&path)[0].0 - radius_mm).abs() < 1e-9, "{:?}", arcs(&path));
    let profile = plan_profile(&path, &blending, &[]);
    let corner = profile.velocity_at(&path, path.segments()[1].station(0.5)).as_mm_s();
    assert!((corner - (600.0 * 0.75f64.sqrt() * radius_mm).sqrt()).abs() < 1e-6, "{corner}");
}

#[test]
fn exact_modes_reversals_and_changes_between_rapid_and_feed_keep_their_corners() {
    let (exact, blending) = machines(600.0);
    for mode in [PathMode::ExactPath, PathMode::ExactStop] {
        let mut script = Script::new(20.0);
        script.modal.path = mode;
        script.feed(40.0, 0.0, 0.0).feed(40.0, 30.0, 0.0);
        let ways = [&blending, &exact].map(|machine| {
            script.path(machine).segments().iter().map(|s| (s.geometry, s.start, s.end)).collect::<Vec<_>>()
        });
        assert_eq!(ways[0], ways[1]);
    }
    let back = Script::new(20.0).feed(40.0, 0.0, 0.0).feed(0.0, 0.0, 0.0).path(&blending);
    assert_eq!(back.segments().len(), 2);
    let changes = Script::new(20.0).rapid(40.0, 0.0, 0.0).feed(40.0, 30.0, 0.0).rapid(0.0, 30.0, 0.0).path(&blending);
    assert!(arcs(&changes).is_empty() && changes.segments().iter().all(|segment| segment.stop_at_end));
    let tangent = Script::new(20.0).feed(40.0, 0.0, 0.0).feed(60.0, 0.0, 0.0).path(&blending);
    assert_eq!(tangent.segments().len(), 2);
}

#[test]
fn a_ride_from_rest_to_rest_takes_whole_cycles() {
    let (_, mut blending) = machines(600.0);
    let script = |machine: &Machine| {
        Script::new(20.0)
            .rapid(40.0, 0.0, 0.0)
            .feed(40.0, 30.0, 0.0)
            .feed(0.0, 30.0, 0.0)
            .rapid(0.0, 0.0, 0.0)
            .path(machine)
    };
    if let Some(blend) = &mut blending.corner_blend {
        blend.cycle = Seconds::s(0.001);
    }
    let path = script(&blending);
    let profile = plan_profile(&path, &blending, &[]);
    // Two stops between rapid and feed; the corner between the feeds is rounded.
    let mut ends_s = vec![0.0];
    for (index, segment) in path.segments().iter().enumerate() {
        if matches!(segment.kind, SegmentKind::Still(_)) {
            ends_s.push(profile.segment_start(index + 1).as_s());
            assert!((0.0..0.001).contains(&segment.still.as_s()), "{:?}", segment.still);
        }
    }
    assert_eq!(ends_s.len(), 3);
    for ride in ends_s.windows(2) {
        let cycles = (ride[1] - ride[0]) / 0.001;
        assert!((cycles - cycles.round()).abs() < 1e-6, "{cycles} cycles");
    }
}

#[test]
fn a_line_and_an_arc_are_joined_by_an_arc_that_touches_both() {
    let (_, blending) = machines(600.0);
    // The arc turns on as the corner does, and against it; then the other way round.
    for turns in [1, -1] {
        for reversed in [false, true] {
            let mut script = Script::new(20.0);
            if reversed {
                script.arc([20.0, 0.0, 0.0], Plane::Xy, [10.0, 0.0, 0.0], turns).feed(50.0, 10.0, 0.0);
            } else {
                script.feed(30.0, 5.0, 0.0).arc([50.0, 5.0, 0.0], Plane::Xy, [40.0, 5.0, 0.0], turns);
            }
            let path = script.path(&blending);
            assert_eq!(path.segments().len(), 3, "turns {turns}, reversed {reversed}: {:?}", path.segments());
            for pair in path.segments().windows(2) {
                let (last, first) = (pair[0].geometry, pair[1].geometry);
                assert!((last.point(1.0) - first.point(0.0)).norm() < 1e-9);
                assert!((last.tangent(1.0) - first.tangent(0.0)).norm() < 1e-6, "{last:?} {first:?}");
            }
        }
    }
}

#[test]
fn whatever_the_program_the_path_stays_whole_and_near() {
    let (exact, blending) = machines(800.0);
    let mut rounded = 0;
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut script = random_script(&mut rng, 60);
        if rng.chance(0.5) {
            let tolerance_mm = Some(rng.between(0.005, 1.0));
            script.ops.iter_mut().for_each(|op| {
                op.modal.path = PathMode::Continuous { tolerance_mm, naive_cam_mm: None };
            });
        }
        let (plain, path) = (script.path(&exact), script.path(&blending));
        assert!(path.length().as_mm() <= plain.length().as_mm() + 1e-6, "seed {seed}: a short cut is no way round");
        let moves = |segment: &&crate::motion::Segment| !matches!(segment.kind, SegmentKind::Still(_));
        let moving: Vec<_> = path.segments().iter().filter(moves).collect();
        for pair in moving.windows(2) {
            let gap_mm = (pair[0].geometry.point(1.0) - pair[1].geometry.point(0.0)).norm();
            assert!(gap_mm < 1e-5, "seed {seed}: a gap of {gap_mm} mm at line {}", pair[0].at.line);
        }
        let made = moving.len().saturating_sub(plain.segments().iter().filter(moves).count());
        rounded += made;
        let profile = plan_profile(&path, &blending, &[]);
        assert!(profile.cycle_time().as_s().is_finite() && profile.cycle_time().as_s() > 0.0, "seed {seed}");
        assert_eq!(path.digest(), script.path(&blending).digest());
    }
    assert!(rounded > 3000, "only {rounded} corners were rounded");
}

#[test]
fn no_blend_leaves_its_corner_by_more_than_permitted() {
    let (_, blending) = machines(800.0);
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let mut script = Script::new(rng.between(5.0, 100.0));
        let mut places = vec![[0.0; 3]];
        for _ in 0..20 {
            let scale = [0.1, 2.0, 30.0][rng.below(3) as usize];
            let at = places[places.len() - 1].map(|from| from + rng.between(-scale, scale));
            script.feed(at[0], at[1], at[2]);
            places.push(at);
        }
        let path = script.path(&blending);
        for (corner, at) in places.windows(3).map(|window| (window, crate::geom::Point::from(window[1]))) {
            let length = |a: [f64; 3], b: [f64; 3]| (crate::geom::Point::from(a) - crate::geom::Point::from(b)).norm();
            let permitted_mm = SHARE * length(corner[0], corner[1]).min(length(corner[1], corner[2]));
            let near = |segment: &crate::motion::Segment| {
                (0..=32)
                    .map(|step| (segment.geometry.point(f64::from(step) / 32.0) - at).norm())
                    .fold(f64::MAX, f64::min)
            };
            let off_mm = path.segments().iter().map(near).fold(f64::MAX, f64::min);
            // 32 places of a segment find the nearest one but for a part of its length.
            assert!(off_mm <= permitted_mm * 1.02 + 1e-6, "seed {seed}: {off_mm} mm off, {permitted_mm} permitted");
        }
    }
}

#[test]
fn corners_out_of_plane_are_passed_within_the_tolerance() {
    let (_, blending) = machines(600.0);
    // A plunge onto an arc in the level plane.
    let path = Script::new(20.0)
        .feed(0.0, 0.0, -10.0)
        .arc([20.0, 0.0, -10.0], Plane::Xy, [10.0, 0.0, -10.0], 1)
        .path(&blending);
    assert_eq!(path.segments().len(), 2);
    assert_eq!(path.segments()[0].corner, CornerRule::Within(Length::mm(SHARE * 10.0)));
    let sweep = arcs(&path)[0].1;
    assert!((sweep - PI).abs() < 1e-9);
}

/// Chords of a circle with a radius of 50 mm, each a degree long.
fn chords(feed_mm_s: f64, tolerance_mm: Option<f64>) -> Script {
    let mut script = Script::new(feed_mm_s);
    script.modal.path = PathMode::Continuous { tolerance_mm, naive_cam_mm: None };
    for degree in 0..=90 {
        let (sin, cos) = f64::from(degree).to_radians().sin_cos();
        script.feed(50.0 * cos, 50.0 * sin, 0.0);
    }
    script
}

#[test]
fn short_lines_within_the_tolerance_become_one() {
    let (exact, blending) = machines(600.0);
    // A line that its neighbours' arcs use up lives on in an arc with its number.
    let lines = |path: &Path| path.segments().iter().map(|segment| segment.at.line).collect::<BTreeSet<u32>>().len();
    assert_eq!(lines(&chords(20.0, Some(0.1)).path(&exact)), 91);
    assert_eq!(lines(&chords(20.0, None).path(&blending)), 91);
    // A chord of n degrees leaves the circle by 50·(1 − cos n/2): 0.0931 mm at 7°, 0.1218 mm at 8°.
    let path = chords(20.0, Some(0.1)).path(&blending);
    assert_eq!(lines(&path), 1 + 90usize.div_ceil(7));
    // A move that is slower only because its axes are was programmed alike; another feed is another line.
    assert_eq!(lines(&chords(1000.0, Some(0.1)).path(&blending)), 1 + 90usize.div_ceil(7));
    let mut mixed = chords(20.0, Some(0.1));
    mixed.ops.iter_mut().step_by(2).for_each(|op| op.modal.feed = Some(Feedrate::mm_s(21.0)));
    assert_eq!(lines(&mixed.path(&blending)), 91);
}
