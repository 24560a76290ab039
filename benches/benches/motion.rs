//! Cost of planning motion, one core: at least a million segments a second, with stepped and with limited
//! acceleration; at most 50 µs for a hundred segments appended to a horizon; linear in their number up to ten
//! million, at once (which takes 8 GB) and in portions (which takes none to speak of).
//!
//! Run with `cargo bench -p benches --bench motion`; the table at the end comes with any filter.
#![allow(missing_docs)]
#![allow(clippy::print_stdout, reason = "a table is what this is for")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shared::geom::{Point, Vector};
use shared::machine::{Axis, Machine};
use shared::motion::{
    CornerRule, Drive, Geometry, Path, RollingProfile, Runner, Segment, SegmentKind, Station, StopRule, plan_profile,
};
use shared::program::Provenance;
use shared::units::{Acceleration, Feedrate, Jerk, Length, Seconds};

/// Segments that come at a time.
const PORTION: usize = 100;

fn machine(jerk: Option<Jerk>) -> Machine {
    let axis = Axis {
        travel: None,
        feed_max: Feedrate::mm_s(200.0),
        rapid: Feedrate::mm_s(400.0),
        acceleration: Acceleration::mm_s2(2000.0),
        rapid_acceleration: Acceleration::mm_s2(2000.0),
        jerk,
    };
    Machine::of_equal_axes(axis)
}

/// A winding path of short lines at changing feeds, as a finishing program has them, without end.
struct Winding {
    at: Point,
    station: u64,
    index: u32,
}

impl Winding {
    const fn new() -> Self {
        Self { at: Point::new(0.0, 0.0, 0.0), station: 0, index: 0 }
    }
}

impl Iterator for Winding {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let turn = f64::from(self.index) * 0.02;
        let heading = turn + 2.0 * (turn * 0.37).sin();
        let length_mm = 0.15 + 0.1 * (turn * 1.7).sin();
        let end = self.at + Vector::new(heading.cos(), heading.sin(), 0.1) * length_mm;
        let length_mm = (end - self.at).norm();
        let stop = self.station + (length_mm * 1e6).round() as u64;
        let segment = Segment {
            kind: SegmentKind::Feed,
            geometry: Geometry::Line { start: self.at, end },
            start: Station::from_nm(self.station),
            end: Station::from_nm(stop),
            length: Length::mm(length_mm),
            feed: Feedrate::mm_s(60.0 + 20.0 * (turn * 0.11).sin()),
            spindle: None,
            tool: None,
            at: Provenance { line: self.index, ..Provenance::default() },
            forced: None,
            still: Seconds::ZERO,
            stop_at_end: false,
            corner: CornerRule::Machine,
            turn_rad: [0.0; 3],
        };
        (self.at, self.station, self.index) = (end, stop, self.index + 1);
        Some(segment)
    }
}

fn path(count: usize) -> Path {
    Path::new(Winding::new().take(count).collect()).expect("contiguous")
}

const KINDS: [(&str, Option<Jerk>); 2] = [("stepped", None), ("limited", Some(Jerk::mm_s3(5e4)))];

/// A hundred segments appended to a horizon that reaches about 4000 segments ahead.
fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.sample_size(50);
    group.throughput(Throughput::Elements(PORTION as u64));
    for (name, jerk) in KINDS {
        let machine = machine(jerk);
        group.bench_function(BenchmarkId::new("hundred", name), |bencher| {
            let (mut rolling, mut source) = (RollingProfile::new(&machine, Station::START), Winding::new());
            let mut portion: Vec<Segment> = Vec::with_capacity(PORTION);
            let mut passed = 0usize;
            bencher.iter_custom(|rounds| {
                let mut took = std::time::Duration::ZERO;
                for _ in 0..rounds {
                    portion.clear();
                    portion.extend(source.by_ref().take(PORTION));
                    let begin = Instant::now();
                    rolling.append(black_box(&portion), &[]).expect("contiguous");
                    took += begin.elapsed();
                    if rolling.held() > 4000 {
                        rolling.pass(rolling.settled());
                        passed += 1;
                    }
                }
                took
            });
            black_box(passed);
        });
    }
    group.finish();
}

/// Time a segment against the number of segments: at once while they fit, and in portions.
fn scaling(_: &mut Criterion) {
    println!(
        "segments    ns a segment: at once (stepped, limited)    in portions of {PORTION} (stepped, limited; held)"
    );
    for count in [10_000usize, 100_000, 1_000_000, 10_000_000] {
        let mut row = format!("{count:>10}");
        for (_, jerk) in KINDS {
            row += &format!("{:>10.0}", at_once_ns(count, jerk));
        }
        for (_, jerk) in KINDS {
            let (each_ns, held) = in_portions_ns(count, jerk);
            row += &format!("{each_ns:>10.0} ({held})");
        }
        println!("{row}");
    }
}

fn at_once_ns(count: usize, jerk: Option<Jerk>) -> f64 {
    let (machine, path) = (machine(jerk), path(count));
    let begin = Instant::now();
    black_box(plan_profile(&path, &machine, &[]));
    begin.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// Time a segment, and most stretches held at once.
fn in_portions_ns(count: usize, jerk: Option<Jerk>) -> (f64, usize) {
    let machine = machine(jerk);
    let (mut rolling, mut source) = (RollingProfile::new(&machine, Station::START), Winding::new());
    let mut portion: Vec<Segment> = Vec::with_capacity(PORTION);
    let (mut took, mut most) = (std::time::Duration::ZERO, 0);
    for _ in 0..count / PORTION {
        portion.clear();
        portion.extend(source.by_ref().take(PORTION));
        let begin = Instant::now();
        rolling.append(&portion, &[]).expect("contiguous");
        most = most.max(rolling.held());
        if rolling.held() > 4000 {
            rolling.pass(rolling.settled());
        }
        took += begin.elapsed();
    }
    black_box(rolling.end_time());
    (took.as_secs_f64() * 1e9 / count as f64, most)
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    for count in [10_000usize, 1_000_000] {
        let path = path(count);
        group.throughput(Throughput::Elements(count as u64));
        for (name, jerk) in KINDS {
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
    for (name, jerk) in KINDS {
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

criterion_group!(benches, plan, append, run, scaling);
criterion_main!(benches);
