//! The tri-dexel's promises: moves a second, line cuts a second, time of an engagement pose, against the height map.
//!
//! "zigzag" is that of the bench `kernel`: stock 100 × 100 × 20 mm, cutter D10, segments of 1 mm, 1 mm step-over, cell 0.1 mm,
//! Z = −2 (level) or Z = −2 − sin(0.1x)·cos(0.1y) (sloped). An iteration cuts the same block of moves, in the middle of the
//! part, on a fork of a part on which the rows before it have been cut: the steady state of a long program. Criterion's elements are moves. The
//! bench prints the rays that a move looks at, so that line cuts a second follow.

use std::hint::black_box;

use benches::zigzag::{block, tool, zigzag};
use cloud_sim::engagement::{TiltedPose, sample_tilted};
use cloud_sim::executor::Serial;
use cloud_sim::stock::{MapOptions, TriDexel};
use cloud_sim::sweep::{Cutter, ToolMotion, Workpiece};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use shared::geom::{Point, Vector};
use shared::kinematics::ToolPose;
use shared::motion::Geometry;
use shared::tool::CutterShape;

/// Rows before the measured ones, and the moves that are measured.
const ROWS_BEFORE: usize = 40;
const MOVES: usize = 303;

fn stock(cell_mm: f64) -> TriDexel {
    TriDexel::new(&block(100.0), MapOptions { cell_mm, memory_max_bytes: 1 << 30 }).expect("a plain box").0
}

fn cut_all(part: &mut TriDexel, cutter: &Cutter, moves: &[Geometry]) -> f64 {
    moves.iter().map(|geometry| part.cut(cutter, &ToolMotion::upright(*geometry), &Serial)).sum()
}

fn moves(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tridexel 0.1 mm");
    group.sample_size(10).throughput(Throughput::Elements(MOVES as u64));
    for (name, shape) in [("flat", CutterShape::Flat), ("ball", CutterShape::Ball)] {
        for (slope, sloped) in [("level", false), ("sloped", true)] {
            let cutter = Cutter::new(&tool(shape));
            let path = zigzag(100.0, sloped);
            let mut before = stock(0.1);
            let (done, rest) = path.split_at(ROWS_BEFORE * 101);
            cut_all(&mut before, &cutter, done);
            group.bench_function(format!("{name} {slope}"), |bencher| {
                let forked = || before.fork();
                bencher.iter_batched(
                    forked,
                    |mut part| black_box(cut_all(&mut part, &cutter, &rest[..MOVES])),
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

fn poses(criterion: &mut Criterion) {
    let cutter = Cutter::new(&tool(CutterShape::Flat));
    let mut part = stock(0.1);
    let slot = Geometry::Line { start: Point::new(-8.0, 50.0, -5.0), end: Point::new(50.0, 50.0, -5.0) };
    part.cut(&cutter, &ToolMotion::upright(slot), &Serial);
    let pose = TiltedPose {
        tool: ToolPose { tip: Point::new(50.0, 50.0, -5.0), axis: Vector::z() },
        travel: Vector::x(),
        mirrored: false,
        straight_on_mm: 10.0,
    };
    criterion.bench_function("tridexel engagement pose", |bencher| {
        bencher.iter(|| black_box(sample_tilted(&part, cutter.revolved(), black_box(&pose))));
    });
    criterion.bench_function("tridexel fork", |bencher| bencher.iter(|| black_box(part.fork())));
}

criterion_group!(benches, moves, poses);
criterion_main!(benches);
