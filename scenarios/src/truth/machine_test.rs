//! The truth behind a virtual machine: what the machine feels follows the feed it really reaches.

use std::sync::Arc;

use firmware_bridge::dialect::virtual_link::{LinkCommand, encode_command};
use firmware_bridge::virtual_controller::{
    PowerMeter, SensorNoise, TracePoint, TraceRecorder, VirtualConfig, VirtualController,
};
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::machine::{Axis, Machine, OverrideRange, Spindle, ToolLengthRule};
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station, StopRule};
use shared::plan::Override;
use shared::program::Provenance;
use shared::time::{Duration, Instant};
use shared::tool::CutterShape;
use shared::units::{Acceleration, Feedrate, Length, Power, RotaryVelocity, Seconds};

use super::Truth;
use super::tests::{block, exact, near, tool};

fn machine() -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(200.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(2000.0),
        jerk: None,
    };
    let plain = Machine::of_equal_axes(axis);
    Machine {
        corner_deviation: Length::ZERO,
        spindle: Spindle { speed_slew_rev_s2: 1e6, idle_power: Power::w(400.0), ..plain.spindle },
        tool_change: Seconds::ZERO,
        m_code: Seconds::ZERO,
        tool_length_rule: ToolLengthRule::AtToolChange,
        override_range: OverrideRange { effect_time: Seconds::s(0.02), ..plain.override_range },
        ..plain
    }
}

/// The slot of PROCESS.md section 4 from x = −15 to x = 45.
fn slot() -> Arc<Path> {
    let length = Length::mm(60.0);
    let segment = Segment {
        kind: SegmentKind::Feed,
        geometry: Geometry::Line { start: Point::new(-15.0, 0.0, -5.0), end: Point::new(45.0, 0.0, -5.0) },
        start: Station::START,
        end: Station::START.advanced(length),
        length,
        feed: Feedrate::mm_s(2000.0 / 60.0),
        spindle: Some(RotaryVelocity::rev_s(5000.0 / 60.0)),
        tool: Some(ToolNumber(1)),
        at: Provenance { line: 1, ..Provenance::default() },
        forced: None,
        still: Seconds::ZERO,
        stop_at_end: true,
        corner: shared::motion::CornerRule::Machine,
        turn_rad: [0.0; 3],
    };
    Arc::new(Path::new(vec![segment]).expect("one segment"))
}

#[test]
fn the_machine_feels_the_slot_and_half_the_feed_takes_the_chip_part_of_it_in_half() {
    let cutter = tool(1, CutterShape::Flat, 20.0, 4, 30.0);
    let truth = Truth::new(exact(cutter, block([0.0, 60.0], [-15.0, 15.0], [-20.0, 0.0]), 0.1)).expect("valid");
    let config = VirtualConfig {
        sample_period: Duration::from_ms(10),
        time_scale: 1.0,
        without_us: Override::PROGRAMMED,
        stops: StopRule::PassThrough,
        noise: SensorNoise::NONE,
        meter: PowerMeter { filter: Seconds::ZERO, step_share: 0.0 },
        faults: Vec::new(),
        dial: Vec::new(),
        seed: 1,
    };
    let mut controller =
        VirtualController::new(machine(), slot(), Box::new(truth), config, Instant::ORIGIN).expect("valid");
    let at_ms = |ms: u64| Instant::from_ns(ms * 1_000_000);
    let say = |controller: &mut VirtualController, ms: u64, command: LinkCommand| {
        let mut bytes = Vec::new();
        assert!(encode_command(command, &mut bytes));
        controller.handle_bytes(at_ms(ms), &bytes);
    };
    let mut recorder = TraceRecorder::new(1 << 13);
    say(&mut controller, 0, LinkCommand::Run);
    controller.advance_to(at_ms(1_200), &mut |point| recorder.take(point));
    let half = Override::from_permille(500).expect("in range");
    say(&mut controller, 1_200, LinkCommand::Factor { factor: half, time_to_live: Duration::from_ms(9_000) });
    controller.advance_to(at_ms(4_000), &mut |point| recorder.take(point));
    let at = |x_mm: f64| -> &TracePoint {
        let reached = |point: &&TracePoint| point.station.as_mm() >= x_mm + 15.0;
        recorder.points().iter().find(reached).expect("passed")
    };
    assert_eq!(at(-11.0).load.power, Power::ZERO);
    near("peak at full feed", at(20.0).load.force_peak_xy.as_n(), 698.8, 0.01);
    near("power at full feed", at(20.0).load.power.as_w(), 4104.0, 0.005);
    assert_eq!(at(40.0).factor, 0.5);
    // P = ω·R·(N a_p/2π)·(K_tc·f_z·2 + K_te·π): the edge part stays.
    let flutes_depth = 4.0 * 5.0 / std::f64::consts::TAU;
    let power_w = |per_tooth_mm: f64| {
        let force_n = flutes_depth * (796.1 * per_tooth_mm * 2.0 + 27.7 * std::f64::consts::PI);
        force_n * 0.010 * std::f64::consts::TAU * 5000.0 / 60.0
    };
    near("the formula", power_w(0.1), 4104.0, 0.001);
    near("power at half the feed", at(40.0).load.power.as_w(), power_w(0.05), 0.005);
}
