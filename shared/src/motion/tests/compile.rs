use std::f64::consts::{FRAC_PI_2, TAU};

use super::fixture::{Script, machine, pose, random_script};
use crate::det::Rng;
use crate::geom::Point;
use crate::machine::RapidMode;
use crate::motion::{CompileOptions, CornerRule, Geometry, Path, SegmentKind, Station, StillKind, compile};
use crate::program::{Call, CanonOp, Diagnostic, Modal, PathMode, Plane, Provenance, StopKind};
use crate::units::{Feedrate, Seconds};

fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn stills(path: &Path) -> Vec<(StillKind, f64)> {
    let still = |segment: &crate::motion::Segment| match segment.kind {
        SegmentKind::Still(kind) => Some((kind, segment.still.as_s())),
        _ => None,
    };
    path.segments().iter().filter_map(still).collect()
}

#[test]
fn a_line_has_its_length_feed_and_line_number() {
    let path = Script::new(10.0).feed(3.0, 4.0, 0.0).path(&machine(100.0, 1000.0));
    let segment = &path.segments()[0];
    assert_eq!((segment.length.as_mm(), segment.feed.as_mm_s(), segment.at.line), (5.0, 10.0, 1));
    assert_eq!(segment.end, Station::from_mm(5.0));
    assert!(segment.stop_at_end);
}

#[test]
fn feed_and_rapid_are_limited_by_the_slowest_axis_along_the_direction() {
    let mut machine = machine(100.0, 1000.0);
    machine.axes[2].feed_max = Feedrate::mm_s(6.0);
    machine.axes[2].rapid = Feedrate::mm_s(12.0);
    let path = Script::new(50.0).feed(3.0, 0.0, 4.0).rapid(3.0, 0.0, 0.0).path(&machine);
    assert!((path.segments()[0].feed.as_mm_s() - 7.5).abs() < 1e-12);
    assert!((path.segments()[1].feed.as_mm_s() - 12.0).abs() < 1e-12);
}

#[test]
fn an_arc_is_as_slow_as_its_slowest_direction() {
    let mut machine = machine(100.0, 1e6);
    machine.axes[1].feed_max = Feedrate::mm_s(20.0);
    // From 0° to 30° the direction is mostly Y; a quarter from 60° to 90° has at most cos 60° of it.
    let at = |degrees: f64| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        [10.0 * cos, 10.0 * sin, 0.0]
    };
    let path = Script::new(100.0)
        .feed(10.0, 0.0, 0.0)
        .arc(at(30.0), Plane::Xy, [0.0; 3], 1)
        .arc(at(60.0), Plane::Xy, [0.0; 3], 1)
        .arc(at(90.0), Plane::Xy, [0.0; 3], 1)
        .path(&machine);
    let feed = |index: usize| path.segments()[index].feed.as_mm_s();
    assert!((feed(1) - 20.0).abs() < 1e-9, "{}", feed(1));
    assert!((feed(3) - 40.0).abs() < 1e-9, "{}", feed(3));
}

#[test]
fn the_tip_is_machine_minus_tool_minus_origin() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.rapid(5.0, 5.0, -10.0);
    script.modal.tool_offset_mm = [0.0, 0.0, 50.0];
    script.feed(6.0, 5.0, -10.0);
    let options = CompileOptions { machine: &machine, work_origin_mm: [1.0, 2.0, -100.0] };
    let (path, diagnostics) = compile(&script.ops, &options);
    let path = path.expect("moves");
    assert_eq!(diagnostics, Vec::new());
    assert_eq!(path.segments()[0].geometry.start(), Point::new(-1.0, -2.0, 100.0));
    assert_eq!(path.segments()[0].geometry.end(), Point::new(4.0, 3.0, 90.0));
    // The tool length came into force while the axes stood: the tip is elsewhere, the way is the same.
    assert_eq!(path.segments()[1].geometry.start(), Point::new(4.0, 3.0, 40.0));
    assert_eq!(path.segments()[1].length.as_mm(), 1.0);
}

#[test]
fn axes_stand_at_the_reference_until_they_move() {
    let mut machine = machine(100.0, 1000.0);
    machine.reference = Point::new(1.0, 2.0, 3.0);
    let path = Script::new(10.0).rapid(1.0, 2.0, 0.0).feed(5.0, 2.0, 0.0).path(&machine);
    assert_eq!(path.segments()[0].geometry.start(), machine.reference);
    assert_eq!(path.segments()[0].length.as_mm(), 3.0);
}

#[test]
fn arcs_turn_as_often_and_the_way_they_are_told() {
    let check = |end: [f64; 3], turns, sweep: f64, climb: f64| {
        let path = Script::new(10.0).feed(10.0, 0.0, 0.0).arc(end, Plane::Xy, [0.0; 3], turns).path(&machine(1e3, 1e4));
        let segment = &path.segments()[1];
        let Geometry::Arc { sweep_rad, .. } = segment.geometry else {
            panic!("{:?} is no arc", segment.geometry);
        };
        assert!((sweep_rad - sweep).abs() < 1e-12, "{end:?} {turns}: {sweep_rad}");
        let length = (10.0 * sweep).hypot(climb);
        assert!((segment.length.as_mm() - length).abs() < 1e-9);
        assert!((segment.geometry.point(1.0) - segment.geometry.end()).norm() < 1e-9);
    };
    check([0.0, 10.0, 0.0], 1, FRAC_PI_2, 0.0);
    check([0.0, 10.0, 0.0], -1, FRAC_PI_2 - TAU, 0.0);
    check([0.0, 10.0, -5.0], 3, FRAC_PI_2 + 2.0 * TAU, 5.0);
    check([10.0, 0.0, 0.0], 1, TAU, 0.0);
    check([10.0, 0.0, -2.0], -2, -2.0 * TAU, 2.0);
}

#[test]
fn arcs_in_other_planes_turn_about_their_own_normal() {
    let machine = machine(1e3, 1e4);
    // ZX plane: counter-clockwise goes from +Z to +X. YZ plane: from +Y to +Z.
    let path = Script::new(10.0).feed(0.0, 0.0, 4.0).arc([4.0, 0.0, 0.0], Plane::Zx, [0.0; 3], 1).path(&machine);
    let half = 8f64.sqrt();
    assert!((path.segments()[1].geometry.point(0.5) - Point::new(half, 0.0, half)).norm() < 1e-9);
    let path = Script::new(10.0).feed(0.0, 4.0, 0.0).arc([0.0, 0.0, 4.0], Plane::Yz, [0.0; 3], 1).path(&machine);
    assert!((path.segments()[1].geometry.point(0.5) - Point::new(0.0, half, half)).norm() < 1e-9);
}

#[test]
fn a_centre_of_few_decimals_is_set_right_and_a_wrong_one_is_reported() {
    let machine = machine(1e3, 1e4);
    let mut script = Script::new(10.0);
    script.feed(10.0, 0.0, 0.0).arc([0.0, 10.0, 0.0], Plane::Xy, [0.004, -0.003, 0.0], 1);
    let path = script.path(&machine);
    let geometry = path.segments()[1].geometry;
    assert!((geometry.point(1.0) - geometry.end()).norm() < 1e-9);
    let (_, diagnostics) =
        Script::new(10.0).feed(10.0, 0.0, 0.0).arc([0.0, 12.0, 0.0], Plane::Xy, [0.0; 3], 1).compile(&machine);
    assert_eq!(codes(&diagnostics), ["motion::arc-radius"]);
    assert!(diagnostics[0].is_error() && diagnostics[0].line == 2);
}

#[test]
fn a_dogleg_moves_each_axis_at_its_own_speed() {
    let mut machine = machine(10.0, 1000.0);
    machine.rapid_mode = RapidMode::Dogleg;
    machine.axes[2].rapid = Feedrate::mm_s(5.0);
    let path = Script::new(10.0).rapid(20.0, 10.0, 30.0).path(&machine);
    let ends: Vec<Point> = path.segments().iter().map(|segment| segment.geometry.end()).collect();
    let expected = [Point::new(10.0, 10.0, 5.0), Point::new(20.0, 10.0, 10.0), Point::new(20.0, 10.0, 30.0)];
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().zip(expected).all(|(end, expected)| (end - expected).norm() < 1e-12), "{ends:?}");
}

#[test]
fn waits_take_the_machines_times() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.change_tool(3).spindle(150.0, 1).call(Call::Coolant { on: true });
    script.feed(1.0, 0.0, 0.0).call(Call::Dwell { time: Seconds::s(0.25) });
    script.spindle(50.0, -1).feed(2.0, 0.0, 0.0).call(Call::Stop { kind: StopKind::Optional });
    let path = script.path(&machine);
    let expected = [
        (StillKind::ToolChange, 6.0),
        (StillKind::Spindle, 1.5),
        (StillKind::MCode, 0.5),
        (StillKind::Dwell, 0.25),
        (StillKind::Spindle, 2.0),
        (StillKind::MCode, 0.5),
        (StillKind::Stop, 0.0),
    ];
    assert_eq!(stills(&path), expected);
    assert_eq!(path.segments()[0].end, Station::from_mm(6.0));
    let last = &path.segments()[path.segments().len() - 1];
    assert_eq!(last.end.as_nm() - last.start.as_nm(), 1000);
    let cut = path.segments().iter().find(|segment| segment.kind == SegmentKind::Feed).expect("a cut");
    assert_eq!(cut.spindle.map(|speed| speed.as_rev_s()), Some(150.0));
}

#[test]
fn a_tool_that_is_in_the_spindle_is_not_changed() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.change_tool(3).feed(1.0, 0.0, 0.0).change_tool(3).feed(2.0, 0.0, 0.0).change_tool(4);
    assert_eq!(stills(&script.path(&machine)).len(), 2);
    // The interpreter may know what is in the spindle before the program begins.
    let mut script = Script::new(10.0);
    script.modal.tool = Some(crate::ident::ToolNumber(23));
    script.feed(1.0, 0.0, 0.0).change_tool(23);
    assert_eq!(stills(&script.path(&machine)), []);
}

#[test]
fn a_speed_change_is_waited_for_once_and_before_the_next_move() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.spindle(100.0, 1).feed(1.0, 0.0, 0.0);
    let speed = crate::units::RotaryVelocity::rev_s(180.0);
    script.modal.spindle.speed = Some(speed);
    script.call(Call::SetSpindleSpeed { speed }).feed(2.0, 0.0, 0.0).feed(3.0, 0.0, 0.0);
    let spindle: Vec<f64> = stills(&script.path(&machine))
        .into_iter()
        .filter(|still| still.0 == StillKind::Spindle)
        .map(|still| still.1)
        .collect();
    assert_eq!(spindle, [1.0, 0.8]);
}

#[test]
fn nothing_is_counted_for_moves_of_no_length() {
    let machine = machine(100.0, 1000.0);
    let path = Script::new(10.0).feed(1.0, 0.0, 0.0).feed(1.0, 0.0, 0.0).rapid(1.0, 0.0, 0.0).path(&machine);
    assert_eq!(path.segments().len(), 1);
    // A thousand steps below the grain still arrive.
    let mut script = Script::new(10.0);
    for step in 1..=1000 {
        script.feed(f64::from(step) * 4e-7, 0.0, 0.0);
    }
    assert!((script.path(&machine).length().as_mm() - 4e-4).abs() < 2e-6);
}

#[test]
fn what_cannot_be_moved_is_said_with_its_line() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.modal.feed = None;
    script.feed(1.0, 0.0, 0.0).rapid(f64::NAN, 0.0, 0.0);
    let mut turned = pose(2.0, 0.0, 0.0);
    turned.rotary_rad[0] = 1.0;
    script.call(Call::StraightTraverse { end: turned });
    let (path, diagnostics) = script.compile(&machine);
    assert_eq!(codes(&diagnostics), ["motion::feed-missing", "motion::not-finite", "motion::rotary"]);
    assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.line).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(path.map(|path| path.segments().len()), Some(2));
    let (path, diagnostics) = Script::new(1.0).compile(&machine);
    assert_eq!((path, codes(&diagnostics)), (None, vec!["motion::empty"]));
}

#[test]
fn findings_are_bounded() {
    let mut script = Script::new(10.0);
    script.modal.feed = None;
    for step in 1..=300 {
        script.feed(f64::from(step), 0.0, 0.0);
    }
    let (_, diagnostics) = script.compile(&machine(100.0, 1000.0));
    assert_eq!(diagnostics.len(), 101);
    assert!(diagnostics[100].message.starts_with("200 more"));
}

#[test]
fn exact_stop_and_forced_are_taken_over() {
    let machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.modal.path = PathMode::ExactStop;
    script.feed(1.0, 0.0, 0.0);
    script.modal.path = PathMode::Continuous { tolerance_mm: Some(0.05), naive_cam_mm: None };
    script.modal.forced = Some(crate::program::ForcedReason::Probing);
    script.feed(2.0, 0.0, 0.0).rapid(3.0, 0.0, 0.0);
    let path = script.path(&machine);
    let stops: Vec<bool> = path.segments().iter().map(|segment| segment.stop_at_end).collect();
    assert_eq!(stops, [true, false, true]);
    let corners: Vec<CornerRule> = path.segments().iter().map(|segment| segment.corner).collect();
    let within = CornerRule::Within(crate::units::Length::mm(0.05));
    assert_eq!(corners, [CornerRule::Exact, within, within]);
    let forced: Vec<bool> = path.segments().iter().map(|segment| segment.forced.is_some()).collect();
    assert_eq!(forced, [false, true, false]);
}

#[test]
fn random_programs_are_contiguous_in_space_and_station() {
    let mut rng = Rng::new(21);
    for round in 0..50 {
        let machine = machine(100.0, 1000.0);
        let script = random_script(&mut rng, 100);
        let path = script.path(&machine);
        for pair in path.segments().windows(2) {
            let gap = (pair[1].geometry.start() - pair[0].geometry.end()).norm();
            assert!(gap < 1e-9, "round {round}: {gap} at {:?}", pair[1].at);
            assert!((pair[1].geometry.point(1.0) - pair[1].geometry.end()).norm() < 1e-7);
        }
        // Taken by value or by reference, compiled twice: the same path.
        let options = CompileOptions { machine: &machine, work_origin_mm: [0.0; 3] };
        let again = compile(script.ops, &options).0.expect("moves");
        assert_eq!(again.digest(), path.digest());
    }
}

#[test]
fn stations_of_a_long_program_do_not_drift() {
    let machine = machine(100.0, 1000.0);
    let count = 200_000u32;
    let op = |index: u32| CanonOp {
        call: Call::StraightFeed { end: pose(f64::from(index) / 3.0, 0.0, 0.0) },
        at: Provenance::default(),
        modal: Modal { feed: Some(Feedrate::mm_s(10.0)), ..Modal::default() },
    };
    let options = CompileOptions { machine: &machine, work_origin_mm: [0.0; 3] };
    let path = compile((1..=count).map(op), &options).0.expect("moves");
    assert_eq!(path.end(), Station::from_mm(f64::from(count) / 3.0));
}

#[test]
fn a_reversal_goes_through_rest_and_m_codes_may_overlap_with_the_spin_up() {
    let mut machine = machine(100.0, 1000.0);
    let mut script = Script::new(10.0);
    script.spindle(150.0, 1).call(Call::Coolant { on: true }).feed(1.0, 0.0, 0.0);
    script.spindle(150.0, -1).call(Call::Coolant { on: false }).feed(2.0, 0.0, 0.0);
    script.spindle(160.0, -1).call(Call::Coolant { on: true }).feed(3.0, 0.0, 0.0);
    let (spindle, code) = (StillKind::Spindle, StillKind::MCode);
    // 100 rev/s²: up in 1.5 s, reversed in 3 s, 0.1 s more; each M code 0.5 s.
    let one_by_one = [(spindle, 1.5), (code, 0.5), (spindle, 3.0), (code, 0.5), (spindle, 0.1), (code, 0.5)];
    let found = stills(&script.path(&machine));
    let same = |found: &[(StillKind, f64)], expected: &[(StillKind, f64)]| {
        let near =
            |pair: (&(StillKind, f64), &(StillKind, f64))| pair.0.0 == pair.1.0 && (pair.0.1 - pair.1.1).abs() < 1e-9;
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}");
    };
    same(&found, &one_by_one);
    machine.spindle_start = crate::machine::SpindleStart::BeforeMotion;
    let found = stills(&script.path(&machine));
    same(&found, &[(code, 0.5), (spindle, 1.0), (code, 0.5), (spindle, 2.5), (code, 0.5)]);
    // A change of tool stops the spindle; the time of the change is no spin-up.
    let mut script = Script::new(10.0);
    script.spindle(150.0, 1).change_tool(3).feed(1.0, 0.0, 0.0);
    same(&stills(&script.path(&machine)), &[(StillKind::ToolChange, 6.0), (spindle, 1.5)]);
}
