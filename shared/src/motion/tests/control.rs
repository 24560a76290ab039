//! What a control adds: delays, smoothing, and a spindle that runs up while the axes move.

use super::fixture::{Script, machine};
use crate::machine::{Control, Machine, RapidEnd, SpindleWait};
use crate::motion::{SegmentKind, StillKind, plan_profile};
use crate::program::{Call, Plane, StopKind};
use crate::units::Seconds;

fn with(control: Control) -> Machine {
    let mut machine = machine(100.0, 1000.0);
    machine.m_code = Seconds::ZERO;
    machine.control = control;
    machine
}

fn cycle_s(script: &Script, machine: &Machine) -> f64 {
    let path = script.path(machine);
    plan_profile(&path, machine, &[]).cycle_time().as_s()
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn a_smoothed_move_takes_its_trapezoid_and_the_smoothing_time() {
    // L/v + v/a + T, whatever the length, as long as v and a are reached.
    let machine = with(Control { smoothing: Seconds::s(0.05), ..Control::NONE });
    for length_mm in [50.0, 200.0] {
        let mut script = Script::new(100.0);
        script.feed(length_mm, 0.0, 0.0);
        near(cycle_s(&script, &machine), length_mm / 100.0 + 0.1 + 0.05);
    }
}

#[test]
fn a_smoothing_control_turns_with_all_the_acceleration() {
    // v = √(a·R) = √(1000·2.5) = 50 mm/s in the middle of a long arc.
    let machine = with(Control { smoothing: Seconds::s(0.01), ..Control::NONE });
    let mut script = Script::new(100.0);
    script.arc([0.0; 3], Plane::Xy, [2.5, 0.0, 0.0], 10);
    let path = script.path(&machine);
    let profile = plan_profile(&path, &machine, &[]);
    let middle = crate::motion::Station::from_mm(path.length().as_mm() / 2.0);
    near(profile.velocity_at(&path, middle).as_mm_s(), 50.0);
}

#[test]
fn the_spindle_runs_up_while_its_block_moves_and_the_next_one_waits() {
    let wait = SpindleWait { ready: Seconds::s(8.0), stopped: Seconds::s(4.0) };
    let machine =
        with(Control { start: Seconds::s(1.0), end: Seconds::s(0.25), spindle_wait: Some(wait), ..Control::NONE });
    // Half the greatest speed: a quarter of the energy, 2 s up and 1 s down, both above the ramp of 1 s.
    let mut script = Script::new(100.0);
    script.spindle(100.0, 1).rapid(50.0, 0.0, 0.0);
    let same = script.ops[1].at;
    script.ops[2].at = same;
    script.feed(150.0, 0.0, 0.0);
    script.modal.spindle.direction = 0;
    script.call(Call::SetSpindleDirection { direction: 0 });
    script.rapid(50.0, 0.0, 0.0).call(Call::Stop { kind: StopKind::Unconditional }).call(Call::End);
    let path = script.path(&machine);
    let kinds: Vec<SegmentKind> = path.segments().iter().map(|segment| segment.kind).collect();
    let still = SegmentKind::Still;
    let expected = [
        still(StillKind::MCode),
        SegmentKind::Rapid,
        still(StillKind::Spindle),
        SegmentKind::Feed,
        SegmentKind::Rapid,
        still(StillKind::Stop),
        still(StillKind::MCode),
    ];
    // The stop of 1 s is over before the last rapid of 1.1 s is.
    assert_eq!(kinds, expected);
    near(path.segments()[2].still.as_s(), 2.0 - 0.6);
    let moved_s = cycle_s(&script, &with(Control::NONE));
    assert!(moved_s > 0.0, "the same program on a control that stands for the spindle");
}

#[test]
fn rapids_and_feeds_are_parted_by_standstill_where_the_control_says_so() {
    let mut script = Script::new(50.0);
    script.rapid(100.0, 0.0, 0.0).feed(200.0, 0.0, 0.0);
    let blended_s = cycle_s(&script, &with(Control::NONE));
    let parted_s = cycle_s(&script, &with(Control { rapid_end: RapidEnd::AtRest, ..Control::NONE }));
    // Rest between 100 and 50 mm/s on one line: each side loses its ramp's half.
    near(parted_s, (1.0 + 0.1) + (2.0 + 0.05));
    assert!(blended_s < parted_s);
}
