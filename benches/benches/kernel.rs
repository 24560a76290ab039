//! The kernel's promises: moves a second when cutting, time of an engagement pose, cost of a fork.
//!
//! "zigzag": stock 100 × 100 × 20 mm, cutter D10, segments of 1 mm, 1 mm step-over, Z = −2 (level) or
//! Z = −2 − sin(0.1x)·cos(0.1y) (sloped). An iteration cuts one block of the zigzag on a fork of fresh
//! stock, so every iteration does the same work; criterion's elements are moves.

use std::hint::black_box;

use benches::zigzag::{segments, shapes, stock, tool, zigzag};
use cloud_sim::engagement::{Pose, Sampler};
use cloud_sim::executor::{Executor, Serial};
use cloud_sim::stock::HeightMap;
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, cut_geometry, cut_segment};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use shared::geom::{Point, Vector};
use shared::motion::Geometry;
use shared::tool::{CutterShape, Tool};
use shared::units::{Feedrate, Length};

fn cut_all(map: &mut HeightMap, cutter: &Cutter, moves: &[Geometry], executor: &dyn Executor) -> f64 {
    moves.iter().map(|geometry| cut_geometry(map, cutter, geometry, executor)).sum()
}

/// The 3030 moves of 30 rows in the middle of the zigzag, over what the rows before have left.
fn cutting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cut");
    group.sample_size(20);
    for (name, shape) in shapes() {
        for sloped in [false, true] {
            let cutter = Cutter::new(&tool(shape));
            let moves = zigzag(100.0, sloped);
            let mut begun = stock(100.0, 0.1);
            cut_all(&mut begun, &cutter, &moves[..101 * 20], &Serial);
            let measured = &moves[101 * 20..101 * 50];
            group.throughput(Throughput::Elements(measured.len() as u64));
            let slope = if sloped { "sloped" } else { "level" };
            group.bench_function(format!("{name} {slope}, moves"), |bencher| {
                bencher.iter_batched_ref(
                    || begun.fork(),
                    |map| black_box(cut_all(map, &cutter, measured, &Serial)),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// The same through `cut_segment`: engagement sampled before each move, steps and findings kept.
fn engaging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cut and engage");
    group.sample_size(20);
    for (name, shape) in [("flat", CutterShape::Flat), ("ball", CutterShape::Ball)] {
        let cutter = Cutter::new(&tool(shape));
        let segments = segments(&zigzag(100.0, true), Feedrate::mm_s(50.0));
        let options =
            SweepOptions { step_mm: 2.0, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew };
        let cut_range = |map: &mut HeightMap, range: std::ops::Range<usize>| {
            let mut cut = SegmentCut::default();
            let mut steps = 0;
            for segment in &segments[range] {
                cut_segment(map, &cutter, 0, segment, &options, &Serial, &mut cut);
                steps += cut.steps.len();
            }
            steps
        };
        let mut begun = stock(100.0, 0.1);
        cut_range(&mut begun, 0..101 * 20);
        group.throughput(Throughput::Elements(101 * 30));
        group.bench_function(format!("{name} sloped, moves"), |bencher| {
            bencher.iter_batched_ref(
                || begun.fork(),
                |map| black_box(cut_range(map, 101 * 20..101 * 50)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// One pose in the middle of the zigzag.
fn poses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engagement");
    group.throughput(Throughput::Elements(1));
    let sampler = Sampler::new();
    for (name, shape) in [("flat", CutterShape::Flat), ("ball", CutterShape::Ball)] {
        let cutter = Cutter::new(&tool(shape));
        let moves = zigzag(100.0, true);
        let mut map = stock(100.0, 0.1);
        cut_all(&mut map, &cutter, &moves[..101 * 50 + 40], &Serial);
        let next = moves[101 * 50 + 40];
        let pose =
            Pose { tip: next.point(0.5), travel: next.tangent(0.5), mirrored: false, straight_on_mm: f64::INFINITY };
        group.bench_function(format!("{name}, poses"), |bencher| {
            bencher.iter(|| black_box(sampler.sample(&map, cutter.profile(), black_box(&pose))));
        });
    }
    group.finish();
}

/// Large tools in steps of 1 mm, and forks.
fn others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("other");
    group.sample_size(20);
    let mill = Cutter::new(&Tool::of_shape(CutterShape::Flat, Length::mm(50.0)));
    let fresh = stock(100.0, 0.1);
    let slope = Vector::new(100.0, 20.0, 0.0);
    let start = Point::new(0.0, 40.0, -1.0);
    let mut moves = Vec::new();
    for step in 0..100 {
        let at = |step: i32| start + slope * (f64::from(step) / 100.0);
        moves.push(Geometry::Line { start: at(step), end: at(step + 1) });
    }
    group.throughput(Throughput::Elements(100));
    group.bench_function("face mill D50 level, moves", |bencher| {
        bencher.iter_batched_ref(
            || fresh.fork(),
            |map| black_box(cut_all(map, &mill, &moves, &Serial)),
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("fork of a million cells", |bencher| bencher.iter(|| black_box(fresh.fork())));
    group.finish();
}

criterion_group!(kernel, cutting, engaging, poses, others);
criterion_main!(kernel);
