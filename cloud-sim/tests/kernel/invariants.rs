//! Order, splitting, mirroring, forks and threads.

use cloud_sim::executor::Serial;
use cloud_sim::stock::HeightMap;
use cloud_sim::sweep::{Cutter, SegmentCut, cut_geometry, removed_dry_mm3};
use shared::det::Rng;
use shared::motion::Geometry;
use shared::tool::{CutterShape, Tool};
use shared::units::RotaryVelocity;

use crate::setup::*;

fn random_moves(rng: &mut Rng, count: usize) -> Vec<Geometry> {
    let place = |rng: &mut Rng| point(rng.between(-3.0, 33.0), rng.between(-3.0, 33.0), rng.between(-6.0, 1.0));
    (0..count)
        .map(|_| {
            let start = place(rng);
            if rng.chance(0.3) {
                let centre = (start.x + rng.between(-6.0, 6.0), start.y + rng.between(-6.0, 6.0));
                let (sweep_rad, rise_mm) = (rng.between(-5.0, 5.0), rng.between(-1.0, 1.0));
                arc(start, centre, sweep_rad, rise_mm)
            } else {
                line(start, place(rng))
            }
        })
        .collect()
}

fn shapes() -> [CutterShape; 5] {
    [CutterShape::Flat, CutterShape::Ball, bull(1.0), cone(90.0), general(5.0, 1.0, 0.8, 25.0)]
}

fn cut_all(map: &mut HeightMap, tool: &Tool, moves: &[Geometry]) -> f64 {
    moves.iter().map(|geometry| cut(map, tool, *geometry, 1.0).removed_mm3).sum()
}

#[test]
fn the_order_of_moves_does_not_matter_to_a_bit() {
    let mut rng = Rng::new(5);
    for shape in shapes() {
        let tool = tool(shape, 6.0);
        let moves = random_moves(&mut rng, 24);
        let mut reversed = moves.clone();
        reversed.reverse();
        let (mut forth, mut back) = (block(30.0, 30.0, 10.0, 0.1), block(30.0, 30.0, 10.0, 0.1));
        let (first_mm3, second_mm3) = (cut_all(&mut forth, &tool, &moves), cut_all(&mut back, &tool, &reversed));
        assert_eq!(forth.digest(), back.digest(), "{shape:?}");
        assert_close("volume", first_mm3, second_mm3, 1e-9);
        assert_close("stock", 30.0 * 30.0 * 10.0 - forth.volume_mm3(), first_mm3, 1e-6);
    }
}

#[test]
fn steps_split_a_move_without_loss() {
    let mut rng = Rng::new(6);
    for shape in shapes() {
        let tool = tool(shape, 6.0);
        for geometry in random_moves(&mut rng, 12) {
            let (mut whole, mut split) = (block(30.0, 30.0, 10.0, 0.1), block(30.0, 30.0, 10.0, 0.1));
            let once = cut(&mut whole, &tool, geometry, 1e9);
            let many = cut(&mut split, &tool, geometry, 0.37);
            assert_eq!(once.steps.len(), 1);
            assert_eq!(many.steps.len(), (length_mm(&geometry) / 0.37).ceil() as usize);
            let steps_mm3: f64 = many.steps.iter().map(|step| step.removed_mm3).sum();
            assert_eq!(steps_mm3, many.removed_mm3, "the segment is the sum of its steps");
            let difference_mm3 = (once.removed_mm3 - many.removed_mm3).abs();
            // Lines are the same to rounding at the rim; the chords of an arc fall elsewhere, within their sagitta.
            assert!(difference_mm3 < 5e-4 * once.removed_mm3 + 0.05, "{shape:?} {geometry:?}: {difference_mm3} mm³");
            let stations = many.steps.windows(2).all(|pair| pair[0].to == pair[1].from);
            assert!(stations, "steps are contiguous");
        }
    }
}

#[test]
fn a_mirrored_path_mirrors_stock_and_engagement() {
    let mut rng = Rng::new(7);
    for shape in shapes() {
        let tool = tool(shape, 6.0);
        let mut plain = block(30.0, 30.0, 10.0, 0.1);
        let mut mirror = block(30.0, 30.0, 10.0, 0.1);
        for geometry in random_moves(&mut rng, 10) {
            let Geometry::Line { start, end } = geometry else { continue };
            let flip = |p: shared::geom::Point| point(p.x, 30.0 - p.y, p.z);
            let first = cut(&mut plain, &tool, geometry, 1.0);
            let mut other = segment(line(flip(start), flip(end)));
            other.spindle = Some(RotaryVelocity::rev_s(-100.0));
            let second = cut_as(&mut mirror, &tool, &other, 1.0, &Serial);
            assert_close("volume", second.removed_mm3.max(1.0), first.removed_mm3.max(1.0), 1e-5);
            let bits = |cut: &SegmentCut| -> (u32, u32) {
                cut.steps.iter().flat_map(|step| &step.engagement.slices).fold((0, 0), |(low, high), slice| {
                    (low + (slice.mask as u64).count_ones(), high + ((slice.mask >> 64) as u64).count_ones())
                })
            };
            let (first, second) = (bits(&first), bits(&second));
            assert!(first.0.abs_diff(second.0) <= 2 + first.0 / 100, "{shape:?}: {first:?} against {second:?} bins");
        }
        for row in 0..300 {
            let y = 0.05 + 0.1 * f64::from(row);
            let height = |map: &HeightMap, y: f64| map.height_at(11.05, y).expect("inside");
            let (a, b) = (height(&plain, y), height(&mirror, 30.0 - y));
            assert!((a - b).abs() < 0.05, "{shape:?} at y {y}: {a} against {b}");
        }
    }
}

#[test]
fn forks_are_independent_and_a_dry_run_leaves_no_trace() {
    let ball = tool(CutterShape::Ball, 6.0);
    let mut map = block(30.0, 30.0, 10.0, 0.1);
    cut(&mut map, &ball, line(point(5.0, 5.0, -1.0), point(25.0, 5.0, -1.0)), 1.0);
    let (before, fork_digest) = (map.digest(), map.fork().digest());
    assert_eq!(before, fork_digest);
    let mut fork = map.fork();
    let groove = line(point(5.0, 15.0, -2.0), point(25.0, 15.0, -2.0));
    let dry_mm3 = removed_dry_mm3(&map, &Cutter::new(&ball), &groove, &Serial);
    let removed_mm3 = cut_geometry(&mut fork, &Cutter::new(&ball), &groove, &Serial);
    assert_eq!(dry_mm3, removed_mm3);
    assert_eq!(map.digest(), before, "the original stays");
    assert_ne!(fork.digest(), before);
    cut_geometry(&mut map, &Cutter::new(&ball), &groove, &Serial);
    assert_eq!(map.digest(), fork.digest(), "the same cut on both makes them equal again");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // A face mill over many tiles, so that bands are really handed out.
    let mut rng = Rng::new(8);
    for shape in [CutterShape::Flat, bull(3.0)] {
        let mill = tool(shape, 50.0);
        let moves: Vec<Geometry> = (0..6)
            .map(|_| {
                let mut place = || point(rng.between(0.0, 100.0), rng.between(0.0, 100.0), rng.between(-3.0, 0.0));
                line(place(), place())
            })
            .collect();
        let run = |executor: &dyn cloud_sim::executor::Executor| {
            let mut map = block(100.0, 100.0, 10.0, 0.1);
            let cuts: Vec<SegmentCut> =
                moves.iter().map(|geometry| cut_as(&mut map, &mill, &segment(*geometry), 5.0, executor)).collect();
            (map.digest(), cuts)
        };
        let serial = run(&Serial);
        assert!(serial.1.iter().any(|cut| cut.removed_mm3 > 100.0), "something was cut");
        for threads in [1, 2, 4] {
            let counted = Counted { threads: Threads(threads), jobs: std::sync::atomic::AtomicUsize::new(0) };
            let parallel = run(&counted);
            assert_eq!(serial, parallel, "{threads} threads");
            let jobs = counted.jobs.into_inner();
            assert!(threads == 1 || jobs > 100, "{threads} threads were given {jobs} jobs");
        }
    }
}

struct Counted {
    threads: Threads,
    jobs: std::sync::atomic::AtomicUsize,
}

impl cloud_sim::executor::Executor for Counted {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        self.jobs.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        self.threads.run(count, job);
    }

    fn width(&self) -> usize {
        self.threads.width()
    }
}
