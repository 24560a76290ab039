//! A tool that leans against fixtures: turning the frame of everything changes nothing.

use cloud_sim::collision::{
    Clearance, Fixture, FixtureSolid, Fixtures, LeaningPiece, LeaningWay, SegmentClearance, check_leaning,
};
use cloud_sim::mesh::Mesh;
use shared::det::Rng;
use shared::geom::{Point, Vector};
use shared::ident::ToolNumber;
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::setup::{CLEARANCE_MM, bodies, bumpy, check_apart, fixtures, line, segment};

/// A rotation drawn at random: its three columns.
fn rotation(rng: &mut Rng) -> [Vector; 3] {
    let mut draw = || Vector::new(rng.normal(), rng.normal(), rng.normal());
    let x = draw().normalize();
    let y = draw();
    let y = (y - x * y.dot(&x)).normalize();
    [x, y, x.cross(&y)]
}

fn turned([x, y, z]: &[Vector; 3], place: &Point) -> Point {
    Point::from(x * place.x + y * place.y + z * place.z)
}

fn leaning(fixtures: &Fixtures, shape: CutterShape, (start, end, axis): (Point, Point, Vector)) -> SegmentClearance {
    let bodies = bodies(shape);
    let way = || LeaningWay { pieces: vec![LeaningPiece { start, end, axis }], bound_mm: 0.0 };
    check_leaning((fixtures, &bodies[&ToolNumber(1)]), (&segment(line(start, end), 0), 0), &way(), &way)
}

/// A move near the body, some part of the tool at its rim.
fn random_move(rng: &mut Rng, mesh: &Mesh) -> Geometry {
    let target = mesh.points[rng.below(mesh.points.len() as u64) as usize];
    let out = target.y.atan2(target.x) + rng.between(-0.6, 0.6);
    let aside = rng.between(0.0, 40.0);
    let tip = target + Vector::new(aside * out.cos(), aside * out.sin(), -rng.between(-6.0, 90.0));
    let way = Vector::new(rng.between(-1.0, 1.0), rng.between(-1.0, 1.0), rng.between(-1.0, 1.0));
    line(tip, tip + way * rng.between(0.0, 8.0))
}

#[test]
fn a_turned_frame_gives_the_verdicts_of_the_upright_one() {
    let mesh = bumpy(40, 40, 0.5);
    let mut rng = Rng::new(77);
    let (mut counts, mut false_alarms) = ([0usize; 3], 0);
    for round in 0..12 {
        let shape = if round % 2 == 0 { CutterShape::Flat } else { CutterShape::Ball };
        let moves: Vec<Geometry> = (0..60).map(|_| random_move(&mut rng, &mesh)).collect();
        let upright = check_apart(&fixtures(FixtureSolid::Mesh(mesh.clone())), shape, &moves);
        let frame = rotation(&mut rng);
        let mut other = mesh.clone();
        other.points.iter_mut().for_each(|point| *point = turned(&frame, point));
        let other = fixtures(FixtureSolid::Mesh(other));
        for (geometry, expected) in moves.iter().zip(&upright) {
            let (start, end) = (turned(&frame, &geometry.start()), turned(&frame, &geometry.end()));
            let found = leaning(&other, shape, (start, end, frame[2]));
            // Nothing that the upright one finds is missed; what its search leaves open may be called near.
            assert!(found.class >= expected.class, "round {round}: {geometry:?}: {found:?}, upright {expected:?}");
            let finds = |kind| found.findings.iter().any(|finding| finding.kind == kind);
            let contacts = expected.findings.iter().map(|finding| finding.kind).filter(|kind| kind.is_contact());
            assert!(contacts.into_iter().all(finds), "round {round}: {geometry:?}: {found:?}, upright {expected:?}");
            false_alarms += usize::from(found.class != expected.class);
            let counted = match found.class {
                Clearance::Clear => 0,
                Clearance::Near => 1,
                _ => 2,
            };
            counts[counted] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?} shows too little");
    assert!(false_alarms * 100 <= counts.iter().sum(), "{false_alarms} verdicts are worse than upright, of {counts:?}");
}

#[test]
fn a_bound_widens_every_margin() {
    let body = bumpy(40, 40, 0.5);
    let top = body.points.iter().map(|point| point.z).fold(f64::NEG_INFINITY, f64::max);
    let clamp = Fixture::new("clamp".to_owned(), CLEARANCE_MM, &FixtureSolid::Mesh(body));
    let fixtures = Fixtures::new(vec![clamp]);
    let class = |gap_mm: f64, bound_mm: f64| {
        let tip = Point::new(0.0, 0.0, top + gap_mm);
        let piece = LeaningPiece { start: tip, end: tip, axis: Vector::z() };
        let way = || LeaningWay { pieces: vec![piece], bound_mm };
        let (bodies, segment) = (bodies(CutterShape::Flat), segment(line(tip, tip), 0));
        check_leaning((&fixtures, &bodies[&ToolNumber(1)]), (&segment, 0), &way(), &way).class
    };
    assert_eq!([class(0.5, 0.0), class(1.2, 0.0)], [Clearance::Near, Clearance::Clear]);
    assert_eq!(
        [class(0.5, 0.6), class(1.2, 0.6), class(1.7, 0.6)],
        [Clearance::Touch, Clearance::Near, Clearance::Clear]
    );
}
