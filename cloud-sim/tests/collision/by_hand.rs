//! Plain cases with their figures: who, what, where, how deep.

use cloud_sim::collision::{Clearance, FindingKind, Fixture, FixtureSolid, Fixtures, SegmentClearance, ToolPart};
use cloud_sim::executor::{Executor, Serial};
use cloud_sim::mesh::Mesh;
use shared::det::Rng;
use shared::geom::{Aabb, Point};
use shared::motion::{Geometry, Segment, Station};
use shared::tool::CutterShape;
use shared::units::Length;

use crate::setup::{arc, bumpy, check_apart, check_path, fixtures, line, segment};

/// A clamp: 20 mm square, its top at Z10.
fn clamp() -> FixtureSolid {
    FixtureSolid::Box(Aabb { min: Point::new(-10.0, -10.0, 0.0), max: Point::new(10.0, 10.0, 10.0) })
}

fn one(geometry: Geometry) -> SegmentClearance {
    check_apart(&fixtures(clamp()), CutterShape::Flat, &[geometry]).remove(0)
}

fn at(x: f64, y: f64, z: f64) -> Point {
    Point::new(x, y, z)
}

fn touched(part: ToolPart) -> FindingKind {
    FindingKind::FixtureTouched { part, fixture: 0 }
}

#[test]
fn each_part_is_named_with_place_depth_and_station() {
    // The cutter, D10, runs 3 mm deep into the side of the clamp and would go on through it.
    let found = one(line(at(-30.0, 12.0, 5.0), at(30.0, 12.0, 5.0)));
    assert_eq!(found.class, Clearance::Touch);
    let [cut] = found.findings.as_slice() else { panic!("{found:?}") };
    assert_eq!((cut.kind, cut.line), (touched(ToolPart::Cutter), 1));
    assert!((cut.depth_mm - 3.0).abs() < 0.01, "{cut:?}");
    // It first meets the corner at X−10 Y10, from √(5² − 2²) mm before it: 15.417 of 60 mm.
    assert!((cut.place - at(-10.0, 10.0, cut.place.z)).norm() < 0.05, "{cut:?}");
    assert!((cut.station.as_mm() - 10.0 * 15.417 / 60.0).abs() < 0.01, "{cut:?}");
    // The holder, D30 from 35 mm up, comes down on the clamp beside the cutter.
    let found = one(line(at(22.0, 0.0, -20.0), at(22.0, 0.0, -27.0)));
    let [holder] = found.findings.as_slice() else { panic!("{found:?}") };
    assert_eq!(holder.kind, touched(ToolPart::Holder));
    assert!((holder.depth_mm - 2.0).abs() < 0.01 && (holder.place.z - 10.0).abs() < 0.02, "{holder:?}");
    assert!((holder.station.as_mm() - 10.0 * 5.0 / 7.0).abs() < 0.03, "{holder:?}");
    // The spindle, D60 from 60 mm up, where the holder passes.
    let found = one(line(at(35.0, 0.0, -49.0), at(35.0, 0.0, -51.5)));
    let [spindle] = found.findings.as_slice() else { panic!("{found:?}") };
    assert_eq!(spindle.kind, touched(ToolPart::Spindle));
    assert!((spindle.depth_mm - 1.5).abs() < 0.01, "{spindle:?}");
}

#[test]
fn classes_change_at_the_clearance_and_at_contact() {
    // The side of the cutter passes the side of the clamp at a distance.
    let pass = |distance: f64| one(line(at(-30.0, 15.0 + distance, 5.0), at(30.0, 15.0 + distance, 5.0)));
    assert_eq!(pass(1.01).class, Clearance::Clear);
    assert_eq!(pass(0.99).class, Clearance::Near);
    assert_eq!(pass(0.02).class, Clearance::Near);
    assert_eq!(pass(0.005).class, Clearance::Touch);
    let near = pass(0.4);
    let [finding] = near.findings.as_slice() else { panic!("{near:?}") };
    assert_eq!(finding.kind, FindingKind::FixtureNear { part: ToolPart::Cutter, fixture: 0 });
    assert!((finding.depth_mm - 0.6).abs() < 1e-6 && (finding.place.y - 10.0).abs() < 1e-6, "{finding:?}");
    // Over the top, and beside the corner: the distance is that of a straight line.
    assert_eq!(one(line(at(-30.0, 0.0, 11.01), at(30.0, 0.0, 11.01))).class, Clearance::Clear);
    let corner = 10.0 + (5.0 + 0.99) / 2f64.sqrt();
    assert_eq!(one(line(at(corner, corner, 5.0), at(corner, corner, 6.0))).class, Clearance::Near);
    let corner = 10.0 + (5.0 + 1.01) / 2f64.sqrt();
    assert_eq!(one(line(at(corner, corner, 5.0), at(corner, corner, 6.0))).class, Clearance::Clear);
}

#[test]
fn an_arc_is_its_chords_and_not_more() {
    // Around the clamp with 0.5 mm of air at its corners; then with 0.05 mm too little.
    let circle = |air: f64| {
        let radius = 200f64.sqrt() + 5.0 + air;
        one(arc(at(radius, 0.0, 5.0), (0.0, 0.0), std::f64::consts::TAU, 0.0))
    };
    assert_eq!(circle(1.02).class, Clearance::Clear);
    assert_eq!(circle(0.5).class, Clearance::Near);
    assert!((circle(0.5).findings[0].depth_mm - 0.5).abs() < 0.01, "{:?}", circle(0.5));
    assert_eq!(circle(-0.05).class, Clearance::Touch);
    // A helix that winds down beside the clamp.
    let helix = one(arc(at(30.0, 0.0, 30.0), (15.0, 0.0), 6.0 * std::f64::consts::TAU, -25.0));
    assert_eq!(helix.class, Clearance::Touch);
}

#[test]
fn a_tool_that_begins_inside_is_found_and_followed() {
    // Of about ten and a hundred thousand triangles.
    for body in [bumpy(70, 72, 1.0), bumpy(224, 224, 1.0)] {
        begins_inside(body);
    }
}

fn begins_inside(body: Mesh) {
    let solid = fixtures(FixtureSolid::Mesh(body.clone()));
    // The whole tool is 100 mm long: inside a body of the same form, five times the size.
    let mut large = body;
    large.points.iter_mut().for_each(|point| *point *= 8.0);
    let large = fixtures(FixtureSolid::Mesh(large));
    let inside = [at(0.0, 0.0, -60.0), at(3.0, 0.0, -60.0), at(3.0, 4.0, -58.0)];
    let path: Vec<Segment> =
        inside.windows(2).zip(0..).map(|(pair, number)| segment(line(pair[0], pair[1]), number)).collect();
    let found = check_path(&large, CutterShape::Ball, &path, &Serial);
    assert!(found.iter().all(|found| found.class == Clearance::Touch), "{found:?}");
    assert_eq!(found[0].findings.len(), 4, "cutter, shank, holder and spindle");
    assert!(found[0].findings.iter().all(|finding| finding.station == Station::START && finding.depth_mm > 1.0));
    // The same place outside of the small one is clear, and the way in from there is found at the surface.
    let above = at(0.0, 0.0, 60.0);
    let found = check_path(&solid, CutterShape::Ball, &[segment(line(above, at(0.0, 0.0, 40.0)), 0)], &Serial);
    assert_eq!(found[0].class, Clearance::Clear);
    // A small cutter alone within the small one: only the cutter is inside, the shank is in its surface.
    let found =
        check_path(&solid, CutterShape::Flat, &[segment(line(at(0.0, 0.0, -10.0), at(1.0, 0.0, -10.0)), 0)], &Serial);
    let cutter = found[0].findings.iter().find(|finding| finding.kind == touched(ToolPart::Cutter));
    assert!(cutter.is_some_and(|finding| finding.depth_mm >= 5.0), "{found:?}");
}

#[test]
fn an_open_mesh_has_a_surface_and_no_inside() {
    let mut body = bumpy(70, 72, 1.0);
    body.points.iter_mut().for_each(|point| *point *= 8.0);
    body.open_edges.push([0, 1]);
    let surface = fixtures(FixtureSolid::Mesh(body));
    let inside = segment(line(at(0.0, 0.0, -60.0), at(3.0, 0.0, -60.0)), 0);
    let through = segment(line(at(3.0, 0.0, -60.0), at(250.0, 0.0, -60.0)), 1);
    let found = check_path(&surface, CutterShape::Ball, &[inside, through], &Serial);
    assert_eq!([found[0].class, found[1].class], [Clearance::Clear, Clearance::Touch]);
}

#[test]
fn what_is_not_known_is_said() {
    let mut turned = segment(line(at(50.0, 0.0, 0.0), at(51.0, 0.0, 0.0)), 0);
    turned.turn_rad = [0.1, 0.0, 0.0];
    let after = segment(line(at(51.0, 0.0, 0.0), at(52.0, 0.0, 0.0)), 1);
    let found = check_path(&fixtures(clamp()), CutterShape::Flat, &[turned, after.clone()], &Serial);
    assert_eq!([found[0].class, found[1].class], [Clearance::Unchecked; 2]);
    let unknown = Segment { tool: None, ..after.clone() };
    assert_eq!(check_path(&fixtures(clamp()), CutterShape::Flat, &[unknown], &Serial)[0].class, Clearance::Unchecked);
    let none = check_path(&Fixtures::default(), CutterShape::Flat, &[after], &Serial);
    assert_eq!(none[0].class, Clearance::NoFixture);
}

/// Jobs in reverse order.
struct Backwards;

impl Executor for Backwards {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..count).rev().for_each(job);
    }

    fn width(&self) -> usize {
        3
    }
}

#[test]
fn the_result_depends_on_neither_the_executor_nor_the_calls() {
    use cloud_sim::collision::{Continuity, check_segments};
    let mut rng = Rng::new(9);
    let list = vec![
        Fixture::new("clamp".to_owned(), 1.0, &clamp()),
        Fixture::new(
            "body".to_owned(),
            2.0,
            &FixtureSolid::Mesh(bumpy(40, 40, 1.0).moved(&shared::geom::Vector::new(40.0, 0.0, 0.0))),
        ),
    ];
    let fixtures = Fixtures::new(list);
    let mut tip = at(0.0, 0.0, 30.0);
    let mut path = Vec::new();
    for number in 0..400 {
        let next = at(rng.between(-20.0, 70.0), rng.between(-30.0, 30.0), rng.between(-5.0, 40.0));
        path.push(Segment { length: Length::mm((next - tip).norm()), ..segment(line(tip, next), number) });
        tip = next;
    }
    let whole = check_path(&fixtures, CutterShape::Flat, &path, &Serial);
    assert!(whole.iter().any(|found| found.class == Clearance::Clear), "nothing clear shows nothing");
    assert!(whole.iter().any(|found| found.class == Clearance::Touch), "nothing touching shows nothing");
    assert_eq!(check_path(&fixtures, CutterShape::Flat, &path, &Backwards), whole);
    let bodies = crate::setup::bodies(CutterShape::Flat);
    let (mut state, mut parts) = (Continuity::default(), Vec::new());
    for (part, first) in path.chunks(37).zip((0u32..).step_by(37)) {
        parts.extend(check_segments((&fixtures, &bodies), (part, first), &mut state, &Backwards));
    }
    assert_eq!(parts, whole);
}
