//! What must not depend on order, direction, cutting up, orientation or the number of threads.

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::stock::{MapOptions, StockError, TriDexel};
use cloud_sim::sweep::body::{PartKind, RevolvedTool};
use cloud_sim::sweep::{Cutter, Sampling, Stock, TiltedPiece, Workpiece, cut_pieces, probe_pieces};
use shared::det::Rng;
use shared::geom::{Point, Vector};
use shared::tool::CutterShape;

use super::setup::{block, bull, cone, cut, cut_tilted, cutter, line, near, options, point, rotation, shape, tool};

fn random_point(rng: &mut Rng) -> Point {
    point(rng.between(-5.0, 45.0), rng.between(-5.0, 35.0), rng.between(-12.0, 2.0))
}

fn random_axis(rng: &mut Rng) -> Vector {
    if rng.chance(0.3) { Vector::z() } else { Vector::new(rng.normal(), rng.normal(), rng.normal()).normalize() }
}

fn bodies() -> [RevolvedTool; 5] {
    [
        RevolvedTool::new(&tool(CutterShape::Flat, 8.0)),
        RevolvedTool::new(&tool(CutterShape::Ball, 6.0)),
        RevolvedTool::new(&tool(bull(2.0), 8.0)),
        RevolvedTool::new(&tool(cone(60.0), 8.0)),
        RevolvedTool::t_slot(12.0, 3.0, 5.0, 20.0),
    ]
}

/// Moves of one tool each.
fn moves(rng: &mut Rng, count: usize) -> Vec<(usize, TiltedPiece)> {
    let piece =
        |rng: &mut Rng| TiltedPiece { start: random_point(rng), end: random_point(rng), axis: random_axis(rng) };
    (0..count).map(|_| (rng.below(5) as usize, piece(rng))).collect()
}

fn cut_all(part: &mut TriDexel, moves: &[(usize, TiltedPiece)], executor: &dyn Executor) -> f64 {
    let bodies = bodies();
    let cut = |(body, piece): &(usize, TiltedPiece)| {
        let parts: Vec<_> = bodies[*body].of_kind(PartKind::Cutting).collect();
        cut_pieces(part, &parts, &[*piece], executor).removed_mm3
    };
    moves.iter().map(cut).sum()
}

#[test]
fn the_order_of_moves_and_their_direction_do_not_show() {
    for seed in 0..8 {
        let mut rng = Rng::new(seed);
        let mut moves = moves(&mut rng, 12);
        let mut first = block(40.0, 30.0, 10.0, 0.4);
        cut_all(&mut first, &moves, &Serial);
        for index in (1..moves.len()).rev() {
            moves.swap(index, rng.below(index as u64 + 1) as usize);
        }
        let mut other = block(40.0, 30.0, 10.0, 0.4);
        cut_all(&mut other, &moves, &Serial);
        assert_eq!(first.digest(), other.digest(), "seed {seed}");
        let back: Vec<_> = moves
            .iter()
            .map(|(body, TiltedPiece { start, end, axis })| {
                (*body, TiltedPiece { start: *end, end: *start, axis: *axis })
            })
            .collect();
        let mut backwards = block(40.0, 30.0, 10.0, 0.4);
        cut_all(&mut backwards, &back, &Serial);
        near(backwards.volume_mm3(), first.volume_mm3(), 1e-6, &format!("seed {seed}: backwards"));
    }
}

#[test]
fn a_move_cut_in_parts_takes_what_the_whole_does() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let (body, whole) = moves(&mut rng, 1)[0];
        let share = rng.uniform();
        let middle = whole.start + (whole.end - whole.start) * share;
        let parts = [(body, TiltedPiece { end: middle, ..whole }), (body, TiltedPiece { start: middle, ..whole })];
        let (mut one, mut two) = (block(40.0, 30.0, 10.0, 0.4), block(40.0, 30.0, 10.0, 0.4));
        let (at_once, in_parts) = (cut_all(&mut one, &[(body, whole)], &Serial), cut_all(&mut two, &parts, &Serial));
        assert!((at_once - in_parts).abs() < 1e-3 + 1e-5 * at_once, "seed {seed}: {at_once} and {in_parts}");
        // The whole again finds nothing.
        assert!(cut_all(&mut two, &[(body, whole)], &Serial) < 1e-3 + 1e-5 * at_once, "seed {seed}");
    }
}

#[test]
fn a_mirrored_path_takes_the_mirrored_volume() {
    for seed in 0..12 {
        let mut rng = Rng::new(seed);
        let moves = moves(&mut rng, 6);
        let mirror = |place: &Point| point(40.0 - place.x, place.y, place.z);
        let mirrored: Vec<_> = moves
            .iter()
            .map(|(body, piece)| {
                let axis = Vector::new(-piece.axis.x, piece.axis.y, piece.axis.z);
                (*body, TiltedPiece { start: mirror(&piece.start), end: mirror(&piece.end), axis })
            })
            .collect();
        let (mut one, mut two) = (block(40.0, 30.0, 10.0, 0.4), block(40.0, 30.0, 10.0, 0.4));
        cut_all(&mut one, &moves, &Serial);
        cut_all(&mut two, &mirrored, &Serial);
        near(two.volume_mm3(), one.volume_mm3(), 1e-5, &format!("seed {seed}"));
    }
}

#[test]
fn the_same_cut_in_a_turned_frame_takes_the_same_volume() {
    let bodies = bodies();
    let mut worst: f64 = 0.0;
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let columns = rotation(&mut rng);
        let turn = |vector: Vector| columns[0] * vector.x + columns[1] * vector.y + columns[2] * vector.z;
        let centre = Vector::new(40.0, 40.0, -40.0);
        let along = Vector::new(rng.between(-6.0, 6.0), rng.between(-6.0, 6.0), rng.between(-6.0, 6.0));
        let body = &bodies[rng.below(5) as usize];
        // Wholly inside, so that no face of the box takes part.
        let base = Vector::new(0.0, 0.0, -15.0) - along * 0.5;
        let cut = |turned: &dyn Fn(Vector) -> Vector| {
            let mut part = block(80.0, 80.0, 80.0, 0.25);
            let ends = (Point::from(centre + turned(base)), Point::from(centre + turned(base + along)));
            cut_tilted(&mut part, body, ends, turned(Vector::z())).removed_mm3
        };
        let (upright, leaning) = (cut(&|vector| vector), cut(&turn));
        worst = worst.max((leaning / upright - 1.0).abs());
        near(leaning, upright, 0.05, &format!("seed {seed}: {along:?}"));
    }
    // Half a cell against a disc of six: a twelfth at worst, less than half of that in fact.
    assert!(worst > 1e-6, "turning has changed nothing at all: the frames were the same");
}

#[cfg(feature = "workers")]
#[test]
fn invariant_5_the_same_bits_with_one_two_and_four_threads() {
    use cloud_sim::workers::Workers;
    let mut rng = Rng::new(3);
    let moves = moves(&mut rng, 40);
    let mut alone = block(40.0, 30.0, 10.0, 0.1);
    let taken = cut_all(&mut alone, &moves, &Serial);
    for threads in [1, 2, 4] {
        let workers = Workers::new(threads).expect("threads");
        let mut part = block(40.0, 30.0, 10.0, 0.1);
        assert_eq!(cut_all(&mut part, &moves, &workers).to_bits(), taken.to_bits(), "{threads} threads");
        assert_eq!(part.digest(), alone.digest(), "{threads} threads");
        let done: u64 = workers.jobs_per_worker().iter().sum();
        assert!(threads == 1 || done > 100, "{threads} threads did {done} jobs: nothing was handed out");
    }
}

#[test]
fn a_fork_rolls_back_and_a_dry_run_touches_nothing() {
    let ball = cutter(CutterShape::Ball, 8.0);
    for sampling in [Sampling::Heights, Sampling::Rays] {
        let (mut stock, _) = Stock::new(&shape(40.0, 30.0, 10.0), sampling, options(0.3)).expect("a box");
        cut(&mut stock, &ball, point(-5.0, 12.0, -2.0), point(45.0, 18.0, -3.0));
        let (before, volume) = (stock.digest(), stock.volume_mm3());
        let kept = stock.fork();
        let motion = line(point(20.0, -5.0, -4.0), point(22.0, 35.0, -1.0));
        let dry = stock.removed_dry_mm3(&ball, &motion, &Serial);
        assert_eq!(stock.digest(), before, "{sampling:?}: a dry run cut");
        let wet = stock.cut(&ball, &motion, &Serial);
        assert!(dry > 50.0 && (dry - wet).abs() < 1e-6 * wet, "{sampling:?}: {dry} dry, {wet} wet");
        assert!(stock.digest() != before && kept.digest() == before, "{sampling:?}: the fork was cut too");
        let stock = kept;
        assert_eq!((stock.digest(), stock.volume_mm3()), (before, volume), "{sampling:?}: not rolled back");
        assert_eq!(stock.bounds().max, point(40.0, 30.0, 0.0));
    }
}

#[test]
fn a_probe_sees_what_a_cut_takes() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let mut part = block(40.0, 30.0, 10.0, 0.4);
        cut_all(&mut part, &moves(&mut rng, 4), &Serial);
        let (body, piece) = moves(&mut rng, 1)[0];
        let bodies = bodies();
        let parts: Vec<_> = bodies[body].of_kind(PartKind::Cutting).collect();
        let probed = probe_pieces(&part, &parts, &[piece]);
        let taken = cut_pieces(&mut part, &parts, &[piece], &Serial);
        assert!((probed.removed_mm3 - taken.removed_mm3).abs() <= 1e-5 * (1.0 + taken.removed_mm3), "seed {seed}");
        assert_eq!(probed.rays, taken.rays, "seed {seed}");
    }
}

#[test]
fn memory_is_what_was_said_and_capped() {
    let (mut part, report) = TriDexel::new(&shape(100.0, 100.0, 20.0), options(0.2)).expect("a box");
    // 500 × 500 + 2 × 500 × 100 rays of 16 bytes, and what tiles cost.
    assert_eq!(report.cells, 250_000 + 2 * 50_000);
    let bytes_a_ray = report.bytes as f64 / report.cells as f64;
    assert!((16.0..18.0).contains(&bytes_a_ray), "{bytes_a_ray} bytes a ray");
    assert_eq!(part.memory_bytes(), report.bytes, "nothing is spilled yet");
    let slots = RevolvedTool::t_slot(4.0, 1.0, 1.0, 30.0);
    for depth in [3.0, 6.0, 9.0, 12.0] {
        cut_tilted(&mut part, &slots, (point(-5.0, 50.0, -depth), point(105.0, 50.0, -depth)), Vector::z());
    }
    let spilled = part.memory_bytes() - report.bytes;
    // Rays along Z over the slots of 4 mm, five intervals each: 16 pairs and a count; the table grows in doublings.
    let rays = 500 * 21;
    assert!((rays * 100..rays * 300).contains(&spilled), "{spilled} bytes are spilled by {rays} rays");
    assert_eq!(part.intervals_most(), 5);
    let tight = MapOptions { cell_mm: 0.05, memory_max_bytes: 2_000_000 };
    let (_, coarse) = TriDexel::new(&shape(100.0, 100.0, 20.0), tight).expect("coarser, not refused");
    assert!(coarse.coarsened && coarse.bytes <= 2_000_000 && coarse.cell_mm.0 > 0.2, "{coarse:?}");
    let hopeless = MapOptions { cell_mm: 0.05, memory_max_bytes: 10_000 };
    let refused = TriDexel::new(&shape(100.0, 100.0, 20.0), hopeless).expect_err("too little");
    assert!(matches!(refused, StockError::Memory { .. }), "{refused}");
}

#[test]
fn cutters_are_those_of_the_table() {
    let prepared: Cutter = cutter(CutterShape::Ball, 6.0);
    assert_eq!(prepared.revolved().of_kind(PartKind::Holder).count(), 1);
    assert_eq!(prepared.revolved().of_kind(PartKind::Shank).count(), 1);
}
