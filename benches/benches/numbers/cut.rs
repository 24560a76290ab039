//! Moves and poses of one core.

use std::hint::black_box;

use cloud_sim::engagement::{Pose, Sampler};
use cloud_sim::executor::{Executor, Serial};
use cloud_sim::stock::{HeightMap, Simd};
use cloud_sim::sweep::{Begins, Cutter, SweepOptions, cut_geometry, cut_segment};
use shared::motion::Geometry;
use shared::units::Feedrate;

use crate::clock::{Candidate, Took, interleaved, time};
use benches::zigzag::{segments, shapes, stock, tool, zigzag};

/// Rows of the zigzag that have been cut before, and rows that are measured.
const BEFORE: usize = 101 * 20;
const MEASURED: usize = 101 * 30;
const ROUNDS: usize = 15;

type Candidates<'a> = Vec<Candidate<'a>>;

pub(crate) fn cut_all(map: &mut HeightMap, cutter: &Cutter, moves: &[Geometry], executor: &dyn Executor) -> f64 {
    moves.iter().map(|geometry| cut_geometry(map, cutter, geometry, executor)).sum()
}

/// The stock and the cutter, with the first rows cut.
pub(crate) fn begun(cutter: &Cutter, moves: &[Geometry]) -> HeightMap {
    let mut map = stock(100.0, 0.1);
    cut_all(&mut map, cutter, &moves[..BEFORE], &Serial);
    map
}

/// Cutting alone. Promise: ≥ 120 k moves/s with a ball.
pub(crate) fn cut() {
    let mut candidates: Candidates<'_> = Vec::new();
    for (name, shape) in shapes() {
        for sloped in [false, true] {
            for simd in [Simd::widest(), Simd::PORTABLE, Simd::SCALAR] {
                let cutter = Cutter::new(&tool(shape)).computed(simd);
                let moves = zigzag(100.0, sloped);
                let fresh = begun(&cutter, &moves);
                let slope = if sloped { "sloped" } else { "level" };
                let run = move || {
                    let mut map = fresh.fork();
                    time(|| black_box(cut_all(&mut map, &cutter, &moves[BEFORE..BEFORE + MEASURED], &Serial))).0
                };
                candidates.push((format!("{name} {slope}, {}", simd.name()), Box::new(run)));
            }
        }
    }
    let best = interleaved(ROUNDS, &mut candidates);
    for ((name, _), took) in candidates.iter().zip(best) {
        let rate = MEASURED as f64 / took.cpu.as_secs_f64();
        println!("{name:24} {:8.1} k moves/s {:8.2} us a move", rate / 1e3, 1e6 / rate);
    }
}

/// One pose in the middle of the zigzag, and moves cut with their engagement. Promise: ≤ 2 µs a pose.
pub(crate) fn engage() {
    const POSES: u32 = 2000;
    let mut candidates: Candidates<'_> = Vec::new();
    for (name, shape) in shapes() {
        for simd in [Simd::widest(), Simd::PORTABLE] {
            let cutter = Cutter::new(&tool(shape)).computed(simd);
            let moves = zigzag(100.0, true);
            let mut map = begun(&cutter, &moves);
            cut_all(&mut map, &cutter, &moves[BEFORE..101 * 50 + 40], &Serial);
            let sampler = Sampler::new().computed(simd);
            let run = move || {
                let took = time(|| {
                    for place in 0..POSES {
                        let next = moves[101 * 50 + 40];
                        let at = f64::from(place) / f64::from(POSES);
                        let (tip, travel) = (next.point(at), next.tangent(at));
                        let pose = Pose { tip, travel, mirrored: false, straight_on_mm: f64::INFINITY };
                        black_box(sampler.sample(&map, cutter.profile(), black_box(&pose)));
                    }
                });
                Took { cpu: took.0.cpu / POSES, wall: took.0.wall / POSES }
            };
            candidates.push((format!("{name}, {}", simd.name()), Box::new(run)));
        }
    }
    let best = interleaved(ROUNDS, &mut candidates);
    for ((name, _), took) in candidates.iter().zip(best) {
        println!("{name:24} {:8.2} us a pose", took.cpu.as_secs_f64() * 1e6);
    }
    let mut candidates: Candidates<'_> = Vec::new();
    for (name, shape) in shapes() {
        let cutter = Cutter::new(&tool(shape));
        let moves = zigzag(100.0, true);
        let fresh = begun(&cutter, &moves);
        let segments = segments(&moves, Feedrate::mm_s(50.0));
        let options =
            SweepOptions { step_mm: 2.0, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew };
        let run = move || {
            let mut map = fresh.fork();
            time(|| {
                let mut cut = cloud_sim::sweep::SegmentCut::default();
                for segment in &segments[BEFORE..BEFORE + MEASURED] {
                    cut_segment(&mut map, &cutter, 0, segment, &options, &Serial, &mut cut);
                }
                black_box(cut)
            })
            .0
        };
        candidates.push((name.to_owned(), Box::new(run)));
    }
    let best = interleaved(ROUNDS, &mut candidates);
    for ((name, _), took) in candidates.iter().zip(best) {
        let rate = MEASURED as f64 / took.cpu.as_secs_f64();
        println!("{name:24} {:8.1} k moves/s cut and engaged", rate / 1e3);
    }
}
