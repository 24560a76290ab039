//! Time lines of samples against small paths.

use std::sync::Arc;

use super::testing::{between, path, straight};
use super::*;
use crate::agent_fixture as fixture;
use firmware_bridge::controller::ControllerSample;
use shared::motion::Segment;

fn locator(segments: &[Segment]) -> Locator {
    let job = fixture::job(Arc::new(path(segments)));
    Locator::new(&fixture::config(), &job)
}

fn sample(ms: u64, line: u32, position: [f64; 3]) -> ControllerSample {
    ControllerSample {
        execution: Some(Execution::Active),
        line: Some(line),
        position: Some(Point::from(position)),
        ..ControllerSample::unavailable(Instant::ORIGIN.after(Duration::from_ms(ms)))
    }
}

fn station_mm(locator: &Locator) -> f64 {
    locator.fix().station.as_mm()
}

#[test]
fn it_follows_a_straight_program() {
    let mut locator = locator(&[straight(1, 0.0, 10.0, 10.0), straight(2, 10.0, 30.0, 10.0)]);
    assert_eq!(locator.handle_sample(&sample(1, 1, [0.0, 0.0, 0.0])), Finding::Locked);
    for step in 1..=30u64 {
        let x = step as f64;
        let line = if x <= 10.0 { 1 } else { 2 };
        assert_eq!(locator.handle_sample(&sample(1 + 100 * step, line, [x, 0.0, 0.0])), Finding::None);
        assert_eq!((station_mm(&locator), locator.fix().quality), (x, Quality::Located));
    }
}

#[test]
fn a_loop_over_the_same_line_is_told_apart_by_time() {
    // Line 5 is run three times over the same 20 mm; between them the tool goes back.
    let there = |station| between(5, station, [0.0; 3], [20.0, 0.0, 0.0], 10.0);
    let back = |station| between(6, station, [20.0, 0.0, 0.0], [0.0; 3], 10.0);
    let mut locator = locator(&[there(0.0), back(20.0), there(40.0), back(60.0), there(80.0)]);
    let mut worst = 0f64;
    for step in 0..=100u64 {
        let travelled = step as f64;
        let within = travelled % 40.0;
        let (line, x) = if within <= 20.0 { (5, within) } else { (6, 40.0 - within) };
        locator.handle_sample(&sample(1 + 100 * step, line, [x, 0.0, 0.0]));
        let fix = locator.fix();
        worst = worst.max((fix.station.as_mm() - travelled).abs() - fix.uncertainty.as_mm());
    }
    assert!(worst <= 1e-9, "the true place left the uncertainty by {worst} mm");
    assert_eq!(station_mm(&locator), 100.0);
}

#[test]
fn h1_off_the_path_it_holds_widens_and_is_lost_and_a_jump_back_is_found_anew() {
    let mut locator = locator(&[straight(1, 0.0, 100.0, 10.0), straight(2, 100.0, 200.0, 10.0)]);
    locator.handle_sample(&sample(0, 1, [0.0; 3]));
    locator.handle_sample(&sample(1000, 1, [10.0, 0.0, 0.0]));
    let mut findings = Vec::new();
    for step in 1..=10u64 {
        let before = locator.fix();
        findings.push(locator.handle_sample(&sample(1000 + 100 * step, 1, [10.0, 50.0, 0.0])));
        assert_eq!(locator.fix().station, before.station, "the station is held");
        assert!(locator.fix().uncertainty > before.uncertainty, "the uncertainty widens");
        if step < 8 {
            assert_eq!(locator.fix().quality, Quality::Held);
        }
    }
    assert_eq!(locator.fix().quality, Quality::Lost);
    assert_eq!(findings.iter().filter(|finding| **finding == Finding::Lost).count(), 1);
    // The operator starts again from the beginning: found after three samples that agree.
    let x = |step: u64| [2.0 + step as f64, 0.0, 0.0];
    let again: Vec<_> = (0..3).map(|step| locator.handle_sample(&sample(3000 + 100 * step, 1, x(step)))).collect();
    assert_eq!(again, [Finding::None, Finding::None, Finding::Relocked]);
    assert_eq!(station_mm(&locator), 4.0);
}

#[test]
fn the_station_never_runs_backwards() {
    let mut locator = locator(&[straight(1, 0.0, 100.0, 10.0)]);
    let mut last = Station::START;
    let mut rng = shared::det::Rng::new(1);
    for step in 0..1000u64 {
        let noise = rng.between(-0.3, 0.3);
        locator.handle_sample(&sample(1 + 10 * step, 1, [(step as f64 * 0.1 + noise).max(0.0), noise, 0.0]));
        assert!(locator.fix().station >= last);
        last = locator.fix().station;
    }
    assert!(last.as_mm() > 99.0);
}

#[test]
fn old_samples_change_nothing() {
    let mut locator = locator(&[straight(1, 0.0, 100.0, 10.0)]);
    locator.handle_sample(&sample(0, 1, [0.0; 3]));
    locator.handle_sample(&sample(1000, 1, [10.0, 0.0, 0.0]));
    let fix = locator.fix();
    locator.handle_sample(&sample(1000, 1, [10.1, 0.0, 0.0]));
    locator.handle_sample(&sample(500, 1, [5.0, 0.0, 0.0]));
    assert_eq!(locator.fix(), fix);
}

#[test]
fn h2_a_line_or_a_tool_that_the_program_cannot_have_is_another_revision() {
    let mut segments = [straight(1, 0.0, 100.0, 10.0), straight(3, 100.0, 200.0, 10.0)];
    segments[0].tool = Some(ToolNumber(4));
    let mut locator = locator(&segments);
    assert_eq!(locator.handle_sample(&sample(0, 1, [0.0; 3])), Finding::Locked);
    let beyond = fixture::LINES_MAX + 1;
    assert_eq!(locator.handle_sample(&sample(10, beyond, [0.1, 0.0, 0.0])), Finding::RevisionLine { line: beyond });
    let with_tool =
        |ms, line, tool| ControllerSample { tool: Some(ToolNumber(tool)), ..sample(ms, line, [1.0, 0.0, 0.0]) };
    assert_eq!(locator.handle_sample(&with_tool(100, 1, 9)), Finding::None, "line and tool are sampled apart");
    assert_eq!(locator.handle_sample(&with_tool(200, 1, 4)), Finding::None);
    assert_eq!(locator.handle_sample(&with_tool(300, 1, 9)), Finding::None);
    let finding = locator.handle_sample(&with_tool(2300, 1, 9));
    assert_eq!(finding, Finding::RevisionTool { line: 1, tool: ToolNumber(9) });
}

#[test]
fn a_drill_cycle_on_one_line_never_leaves_its_uncertainty() {
    // Down at feed and up again on the same line: near the bottom both fit.
    let down = between(7, 0.0, [0.0, 0.0, 0.0], [0.0, 0.0, -10.0], 5.0);
    let up = between(7, 10.0, [0.0, 0.0, -10.0], [0.0, 0.0, 0.0], 100.0);
    let mut locator = locator(&[down, up, straight(8, 20.0, 30.0, 10.0)]);
    let mut time_ms = 1u64;
    let mut step = |travelled: f64, by_ms: u64| {
        time_ms += by_ms;
        let z = if travelled <= 10.0 { -travelled } else { travelled - 20.0 };
        locator.handle_sample(&sample(time_ms, 7, [0.0, 0.0, z]));
        let fix = locator.fix();
        let off = (fix.station.as_mm() - travelled).abs();
        assert!(off <= fix.uncertainty.as_mm() + 1e-9, "{off} mm off at {travelled}: {fix:?}");
    };
    (0..=100).for_each(|i| step(f64::from(i) * 0.1, 20));
    (1..=10).for_each(|i| step(10.0 + f64::from(i), 10));
}

#[test]
fn h2_while_another_revision_runs_the_place_widens() {
    let mut locator = locator(&[straight(1, 0.0, 100.0, 10.0)]);
    locator.handle_sample(&sample(20, 1, [10.0, 0.0, 0.0]));
    for step in 1..=50u32 {
        let x_mm = 10.0 + 0.2 * f64::from(step);
        locator.handle_sample(&sample(20 + 20 * u64::from(step), fixture::LINES_MAX + 1, [x_mm, 0.0, 0.0]));
        let fix = locator.fix();
        assert!((fix.station.as_mm() - x_mm).abs() <= fix.uncertainty.as_mm(), "{fix:?} at {x_mm} mm");
    }
}
