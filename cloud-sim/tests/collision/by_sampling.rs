//! No contact is missed that dense sampling finds, and hardly any is reported where there is room.

use cloud_sim::collision::{Clearance, FixtureSolid};
use cloud_sim::mesh::Mesh;
use shared::det::Rng;
use shared::geom::{Aabb, Point, Vector};
use shared::motion::Geometry;
use shared::tool::CutterShape;

use crate::oracle::{Form, forms};
use crate::setup::{CLEARANCE_MM, arc, bumpy, check_apart, fixtures, line, tool};

/// Moves on each of the two meshes; ten times as many where the environment asks for the long form.
fn moves_of_each() -> usize {
    if std::env::var_os("COSIM_LONG").is_some() { 50_000 } else { 5_000 }
}

/// Distance between two poses that are sampled, mm.
const STEP_MM: f64 = 0.1;

/// A move that comes close to a corner of the mesh with some part of the tool.
fn random_move(rng: &mut Rng, mesh: &Mesh, forms: &[Form]) -> Geometry {
    let any = |rng: &mut Rng| mesh.points[rng.below(mesh.points.len() as u64) as usize];
    let turn = rng.between(0.0, std::f64::consts::TAU);
    let tip = if rng.chance(0.3) {
        // Over it or in it with the tip, anywhere.
        any(rng) + Vector::new(0.0, 0.0, rng.between(-3.0, 8.0))
    } else {
        // Beside its rim with some part: over it the wide parts above would hide the others.
        let mut target = any(rng);
        while target.x.hypot(target.y) < 18.0 {
            target = any(rng);
        }
        let (reach, low, high) = forms[rng.below(forms.len() as u64) as usize].extent();
        let aside = reach + rng.between(-1.0, 9.0);
        let out = target.y.atan2(target.x) + rng.between(-0.5, 0.5);
        target + Vector::new(aside * out.cos(), aside * out.sin(), -rng.between(low, high))
    };
    let length = rng.between(0.05, 10.0);
    if rng.chance(0.2) {
        let radius = rng.between(1.0, 20.0);
        let centre = (tip.x + radius * turn.cos(), tip.y + radius * turn.sin());
        let sweep = rng.between(-1.0, 1.0) * (length / radius).min(6.2);
        return arc(tip, centre, sweep, rng.between(-3.0, 3.0));
    }
    let mut part = || rng.between(-1.0, 1.0);
    let way = match (part(), Vector::new(part(), part(), part())) {
        // Along an axis, straight up or down: the moves that programs are made of.
        (kind, way) if kind < -0.5 => Vector::new(0.0, 0.0, way.z.signum()),
        (kind, way) if kind < 0.0 => Vector::new(way.x.signum(), 0.0, 0.0),
        (_, way) => way / way.norm().max(1e-3),
    };
    line(tip, tip + way * length)
}

/// What sampling finds on a move: a contact of the tool, and of the tool grown by a margin.
struct Sampled {
    touches: bool,
    within_margin: bool,
}

/// A triangle with a ball around it, to pass over most of them quickly.
struct Ball {
    middle: Point,
    radius: f64,
    triangle: [Point; 3],
}

impl Ball {
    fn new(triangle: [Point; 3]) -> Self {
        let middle = Point::from((triangle[0].coords + triangle[1].coords + triangle[2].coords) / 3.0);
        let radius = triangle.iter().map(|corner| (corner - middle).norm()).fold(0.0, f64::max);
        Self { middle, radius, triangle }
    }

    fn meets(&self, form: Form, pose: &Point) -> bool {
        let (reach, low, high) = form.extent();
        let (dx, dy, dz) = (self.middle.x - pose.x, self.middle.y - pose.y, self.middle.z - pose.z);
        let near = reach + self.radius;
        dx * dx + dy * dy <= near * near
            && dz >= low - self.radius
            && dz <= high + self.radius
            && form.meets(pose, &self.triangle)
    }
}

fn sample(geometry: &Geometry, forms: &[Form], balls: &[Ball], margin: f64) -> Sampled {
    let count = (30.0f64.min((geometry.end() - geometry.start()).norm() + 10.0) / STEP_MM).ceil() as u32;
    let poses: Vec<Point> = (0..=count).map(|step| geometry.point(f64::from(step) / f64::from(count))).collect();
    let path = poses.iter().fold(Aabb::EMPTY, |bounds, pose| bounds.with(pose));
    let mut found = Sampled { touches: false, within_margin: false };
    for form in forms {
        let (reach, low, high) = form.grown(margin).extent();
        let (min, max) = (path.min + Vector::new(-reach, -reach, low), path.max + Vector::new(reach, reach, high));
        let own = |ball: &&Ball| {
            let (at, r) = (ball.middle, ball.radius);
            (0..3).all(|axis| at[axis] + r >= min[axis] && at[axis] - r <= max[axis])
        };
        let near: Vec<&Ball> = balls.iter().filter(own).collect();
        let meets = |form: Form| poses.iter().any(|pose| near.iter().any(|ball| ball.meets(form, pose)));
        found.touches = found.touches || meets(*form);
        found.within_margin = found.within_margin || found.touches || meets(form.grown(margin));
    }
    found
}

/// Counts over one mesh and cutter: moves that touch, that have room, and false alarms among these.
fn compare(mesh: &Mesh, shape: CutterShape, seed: u64, count: usize) -> (usize, usize, usize) {
    let forms = forms(&tool(shape));
    let mut rng = Rng::new(seed);
    let moves: Vec<Geometry> = (0..count).map(|_| random_move(&mut rng, mesh, &forms)).collect();
    let found = check_apart(&fixtures(FixtureSolid::Mesh(mesh.clone())), shape, &moves);
    let balls: Vec<Ball> = mesh.corners().map(Ball::new).collect();
    let (mut touching, mut roomy, mut false_alarms) = (0, 0, 0);
    for (geometry, found) in moves.iter().zip(&found) {
        let sampled = sample(geometry, &forms, &balls, 2.0 * CLEARANCE_MM);
        if sampled.touches {
            touching += 1;
            assert_eq!(found.class, Clearance::Touch, "seed {seed}: {geometry:?} touches and is {found:?}");
            assert!(found.findings.iter().any(|finding| finding.kind.is_contact()));
        } else if !sampled.within_margin && found.class != Clearance::Touch {
            roomy += 1;
            false_alarms += usize::from(found.class != Clearance::Clear);
        } else if !sampled.within_margin {
            // Touch without a triangle near: wholly inside, or a false alarm.
            let inside = found
                .findings
                .iter()
                .any(|finding| finding.station == crate::setup::segment(*geometry, 0).start || finding.depth_mm > 1.0);
            roomy += 1;
            false_alarms += usize::from(!inside);
        }
    }
    (touching, roomy, false_alarms)
}

#[test]
fn no_contact_is_missed_and_hardly_any_is_invented() {
    let count = moves_of_each() / 2;
    let (mut touching, mut roomy, mut false_alarms, mut all) = (0, 0, 0, 0);
    for (index, mesh) in [bumpy(70, 72, 0.3), bumpy(224, 224, 0.3)].iter().enumerate() {
        assert!(mesh.is_closed() && mesh.remarks.is_empty(), "{:?}", mesh.remarks);
        for (shape, seed) in [(CutterShape::Flat, 1), (CutterShape::Ball, 2)] {
            let counted = compare(mesh, shape, seed + 10 * index as u64, count);
            touching += counted.0;
            roomy += counted.1;
            false_alarms += counted.2;
            all += count;
        }
    }
    eprintln!("{all} moves: {touching} touch, none missed; {roomy} have room, {false_alarms} false alarms");
    assert!(touching > all / 10 && roomy > all / 20, "{touching} touching and {roomy} clear of {all} show nothing");
    assert!(false_alarms * 100 <= roomy, "{false_alarms} false alarms on {roomy} moves with room");
}
