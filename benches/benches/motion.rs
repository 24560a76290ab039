//! Cost of planning motion, one core: at least a million segments a second, with stepped and with limited
//! acceleration, linear in their number.
//!
//! Run with `cargo bench -p benches --bench motion`.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shared::geom::{Point, Vector};
use shared::machine::{Axis, Control, LengthUnit, Machine, OverrideRange, RapidMode, Spindle, ToolLengthRule};
use shared::motion::{
    CornerRule, Drive, Geometry, Path, Runner, Segment, SegmentKind, Station, StopRule, plan_profile,
};
use shared::program::Provenance;
use shared::units::{Acceleration, Feedrate, Jerk, Length, Power, RotaryVelocity, Seconds, Torque};

fn machine(jerk: Option<Jerk>) -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(400.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(2000.0),
        jerk,
    };
    Machine {
        name: "bench".to_owned(),
        axes: [axis; 3],
        rapid_mode: RapidMode::Linear,
        corner_deviation: Length::mm(0.01),
        corner_blend_share: None,
        path_speed_max: None,
        spindle: Spindle {
            speed_max: RotaryVelocity::rev_s(200.0),
            speed_slew_rev_s2: 100.0,
            power_max: Power::w(10e3),
            torque_max: Torque::n_m(80.0),
            efficiency: 0.9,
            idle_power: Power::w(500.0),
        },
        tool_change: Seconds::s(6.0),
        m_code: Seconds::s(0.5),
        tool_length_rule: ToolLengthRule::ByProgram,
        length_unit: LengthUnit::Millimetre,
        reference: Point::origin(),
        override_range: OverrideRange {
            min_permille: 10,
            step_permille: 10,
            slew_per_s: 5.0,
            effect_time: Seconds::s(0.01),
        },
        control: Control::NONE,
    }
}

/// A winding path of short lines at changing feeds, as a finishing program has them.
fn path(count: usize) -> Path {
    let (mut at, mut station) = (Point::origin(), 0u64);
    let segments = (0..count).map(|index| {
        let turn = index as f64 * 0.02;
        let heading = turn + 2.0 * (turn * 0.37).sin();
        let length_mm = 0.15 + 0.1 * (turn * 1.7).sin();
        let end = at + Vector::new(heading.cos(), heading.sin(), 0.1) * length_mm;
        let length_mm = (end - at).norm();
        let stop = station + (length_mm * 1e6).round() as u64;
        let segment = Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: at, end },
            start: Station::from_nm(station),
            end: Station::from_nm(stop),
            length: Length::mm(length_mm),
            feed: Feedrate::mm_s(60.0 + 20.0 * (turn * 0.11).sin()),
            spindle: None,
            tool: None,
            at: Provenance { line: index as u32, ..Provenance::default() },
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
        };
        (at, station) = (end, stop);
        segment
    });
    Path::new(segments.collect()).expect("contiguous")
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    for count in [10_000usize, 1_000_000] {
        let path = path(count);
        group.throughput(Throughput::Elements(count as u64));
        for (name, jerk) in [("stepped", None), ("limited", Some(Jerk::mm_s3(5e4)))] {
            let machine = machine(jerk);
            group.bench_with_input(BenchmarkId::new(name, count), &path, |bencher, path| {
                bencher.iter(|| black_box(plan_profile(path, &machine, &[])));
            });
        }
    }
    group.finish();
}

/// The interpolator at 1 kHz, under overrides that change in every step: a thousand steps.
fn run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10);
    let path = path(10_000);
    for (name, jerk) in [("stepped", None), ("limited", Some(Jerk::mm_s3(5e4)))] {
        let machine = machine(jerk);
        group.throughput(Throughput::Elements(1000));
        group.bench_function(BenchmarkId::new("changing", name), |bencher| {
            bencher.iter(|| {
                let mut runner = Runner::with_stops(&machine, StopRule::PassThrough);
                for step in 0..1000u32 {
                    let factor = 0.6 + 0.3 * (f64::from(step) * 0.01).sin();
                    let drive = Drive { factor, ..Drive::PROGRAMMED };
                    black_box(runner.advance(&path, &machine, Seconds::s(1e-3), drive));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, plan, run);
criterion_main!(benches);
