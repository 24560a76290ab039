//! Volumes that have a formula. Cells do not line up with the cuts, so what is left is the error of sampling: half a cell
//! against the depth or width of the cut at worst, and a fraction of that where the surface is not along the axes.

use std::f64::consts::PI;

use cloud_sim::executor::Serial;
use cloud_sim::stock::TriDexel;
use cloud_sim::sweep::body::{AptCutter, RevolvedTool};
use cloud_sim::sweep::{Cutter, ToolMotion, Workpiece};
use shared::geom::{Point, Vector};
use shared::motion::Geometry;
use shared::tool::CutterShape;
use shared::units::Angle;

use super::setup::{bull, cone, cut, cut_tilted, cutter, near, point};

/// Removes what is said, as said by the removal and by the volumes before and after.
fn check(part: &mut TriDexel, expected_mm3: f64, share: f64, what: &str, take: impl FnOnce(&mut TriDexel) -> f64) {
    let before = part.volume_mm3();
    let taken = take(part);
    near(taken, expected_mm3, share, what);
    let left = part.volume_mm3();
    assert!((before - left - taken).abs() < 1e-5 * before, "{what}: {before} less {taken} is not {left}");
}

fn block() -> TriDexel {
    super::setup::block(60.07, 40.03, 20.05, 0.2)
}

#[test]
fn slot_side_and_plunge() {
    let flat = cutter(CutterShape::Flat, 10.0);
    let slot = |part: &mut TriDexel| cut(part, &flat, point(-8.0, 20.01, -3.03), point(70.0, 20.01, -3.03));
    check(&mut block(), 60.07 * 10.0 * 3.03, 0.002, "slot", slot);
    let side = |part: &mut TriDexel| cut(part, &flat, point(-8.0, -2.93, -5.0), point(70.0, -2.93, -5.0));
    check(&mut block(), 60.07 * 2.07 * 5.0, 0.05, "side milling of ten cells", side);
    let plunge = |part: &mut TriDexel| cut(part, &flat, point(30.0, 20.0, 5.0), point(30.0, 20.0, -7.03));
    check(&mut block(), PI * 25.0 * 7.03, 0.01, "plunge", plunge);
    let ramp = |part: &mut TriDexel| cut(part, &flat, point(-8.0, 20.01, -2.0), point(70.0, 20.01, -4.0));
    // The low end of the disc cuts: on every line across the low rim leads, x + √(R² − d²).
    let depth = |x: f64, d: f64| 2.0 + 2.0 * (x + 8.0 + (25.0f64 - d * d).sqrt()) / 78.0;
    let expected: f64 =
        (0..2000).map(|i| (f64::from(i) + 0.5) / 2000.0 * 10.0 - 5.0).map(|d| 60.07 * depth(30.035, d) / 200.0).sum();
    check(&mut block(), expected, 0.015, "ramp", ramp);
}

#[test]
fn error_of_a_volume_falls_with_the_cell() {
    let flat = cutter(CutterShape::Ball, 10.0);
    let (radius, depth) = (5.0f64, 3.0);
    let half: f64 = (2.0 * radius * depth - depth * depth).sqrt();
    let section = radius * radius * (1.0 - depth / radius).acos() - (radius - depth) * half;
    let mut errors = Vec::new();
    for cell_mm in [0.8, 0.4, 0.2, 0.1] {
        let mut part = super::setup::block(40.0, 30.0, 12.0, cell_mm);
        let found = cut(&mut part, &flat, point(-8.0, 15.0123, -depth), point(48.0, 15.0123, -depth));
        errors.push((found / (40.0 * section) - 1.0).abs());
    }
    assert!(errors.iter().zip([0.04, 0.02, 0.01, 0.005]).all(|(error, most)| *error < most), "{errors:?}");
}

#[test]
fn capsule_of_a_sphere_within_the_part() {
    let ball = RevolvedTool::lollipop(6.0, 2.0, 10.0);
    let direction = Vector::new(2.0, 1.0, -0.4).normalize();
    for axis in [Vector::z(), -Vector::z(), Vector::new(1.0, -1.0, 0.3)] {
        let base = point(20.0, 15.0, -8.0) - axis.normalize() * 3.0;
        let sweep = |part: &mut TriDexel| cut_tilted(part, &ball, (base, base + direction * 15.0), axis).removed_mm3;
        check(&mut block(), PI * 9.0 * 15.0 + 4.0 / 3.0 * PI * 27.0, 0.002, "capsule", sweep);
    }
}

#[test]
fn cones_drills_and_corners() {
    for (point_deg, depth) in [(90.0f64, 4.0), (118.0, 2.5), (30.0, 8.0)] {
        let drill = cutter(cone(point_deg), 12.0);
        let radius = depth * (point_deg.to_radians() / 2.0).tan();
        let plunge = |part: &mut TriDexel| cut(part, &drill, point(30.0, 20.0, 3.0), point(30.0, 20.0, -depth));
        check(&mut block(), PI * radius * radius * depth / 3.0, 0.02, "drill cone", plunge);
        let engrave = |part: &mut TriDexel| cut(part, &drill, point(-9.0, 20.01, -depth), point(70.0, 20.01, -depth));
        check(&mut block(), 60.07 * radius * depth, 0.01, "groove of a cone", engrave);
    }
    let (radius, corner, depth) = (5.0f64, 2.0f64, 6.0);
    let section = 2.0 * radius * depth - (2.0 - PI / 2.0) * corner * corner;
    let slot =
        |part: &mut TriDexel| cut(part, &cutter(bull(2.0), 10.0), point(-9.0, 20.01, -6.0), point(70.0, 20.01, -6.0));
    check(&mut block(), 60.07 * section, 0.005, "slot of a bull nose", slot);
    let apt = AptCutter {
        corner_mm: corner,
        centre_radius_mm: radius - corner,
        centre_height_mm: corner,
        bottom: Angle::ZERO,
        side: Angle::ZERO,
        height_mm: 25.0,
    };
    let general = cutter(CutterShape::Flat, 10.0).with_body(RevolvedTool::apt(&apt));
    let slot = |part: &mut TriDexel| cut(part, &general, point(-9.0, 20.01, -6.0), point(70.0, 20.01, -6.0));
    check(&mut block(), 60.07 * section, 0.005, "slot of the same by APT", slot);
    let taper = AptCutter {
        side: Angle::rad(10f64.to_radians()),
        corner_mm: 0.0,
        centre_radius_mm: 3.0,
        centre_height_mm: 0.0,
        ..apt
    };
    let tapered = cutter(CutterShape::Flat, 10.0).with_body(RevolvedTool::apt(&taper));
    let slot = |part: &mut TriDexel| cut(part, &tapered, point(-12.0, 20.01, -6.0), point(72.0, 20.01, -6.0));
    check(&mut block(), 60.07 * (6.0 * 6.0 + 36.0 * 10f64.to_radians().tan()), 0.01, "slot of a tapered mill", slot);
    // With a corner as well: half the section is what the corner's arc and the side bound up to the depth.
    let (slope, offset) = (10f64.to_radians(), 3.0);
    let rounded = AptCutter { corner_mm: corner, centre_height_mm: corner, ..taper };
    let side_mm = corner * (1.0 - slope.sin());
    let radius = |z: f64| {
        if z < side_mm {
            offset + (corner * corner - (corner - z).powi(2)).sqrt()
        } else {
            offset + corner * slope.cos() + (z - side_mm) * slope.tan()
        }
    };
    let section: f64 = (0..6000).map(|i| 2.0 * radius((f64::from(i) + 0.5) * 0.001) * 0.001).sum();
    let rounded = cutter(CutterShape::Flat, 10.0).with_body(RevolvedTool::apt(&rounded));
    let slot = |part: &mut TriDexel| cut(part, &rounded, point(-12.0, 20.01, -6.0), point(72.0, 20.01, -6.0));
    check(&mut block(), 60.07 * section, 0.01, "slot of a tapered mill with a corner", slot);
}

#[test]
fn a_leaning_tool_plunges_along_its_own_axis() {
    let axis = Vector::new(0.35, -0.5, 1.0).normalize();
    let entry = point(30.0, 20.0, 0.0);
    for (shape, end_mm3, from_mm) in [
        (CutterShape::Ball, 2.0 / 3.0 * PI * 125.0, 5.0),
        (CutterShape::Flat, 0.0, 0.0),
        (cone(90.0), PI * 125.0 / 3.0, 5.0),
    ] {
        // An obliquely cut cylinder holds what an upright one of the length of its axis does.
        let deep_mm = 14.0;
        let tool = RevolvedTool::new(&super::setup::tool(shape, 10.0));
        let expected = end_mm3 + PI * 25.0 * (deep_mm - from_mm);
        let plunge = |part: &mut TriDexel| {
            cut_tilted(part, &tool, (entry + axis * 20.0, entry - axis * deep_mm), axis).removed_mm3
        };
        check(&mut block(), expected, 0.003, shape.name(), plunge);
    }
}

#[test]
fn a_leaning_slot_is_a_prism() {
    // A flat mill that leans about X and goes along X: a trench whose floor and walls lean.
    let lean = 0.3f64;
    let axis = Vector::new(0.0, lean.sin(), lean.cos());
    let tool = RevolvedTool::new(&super::setup::tool(CutterShape::Flat, 10.0));
    let middle = Vector::new(0.0, 20.0, 0.0) - axis * 6.0;
    let ends = (Point::from(middle + Vector::x() * -9.0), Point::from(middle + Vector::x() * 70.0));
    let sweep = |part: &mut TriDexel| cut_tilted(part, &tool, ends, axis).removed_mm3;
    check(&mut block(), 60.07 * 10.0 * 6.0, 0.003, "leaning slot", sweep);
}

#[test]
fn undercuts_leave_what_is_above_them() {
    let tool = RevolvedTool::t_slot(16.0, 4.0, 6.0, 30.0);
    let ends = (point(-9.0, 20.01, -12.0), point(70.0, 20.01, -12.0));
    let mut part = block();
    let sweep = |part: &mut TriDexel| cut_tilted(part, &tool, ends, Vector::z()).removed_mm3;
    check(&mut part, 60.07 * 16.0 * 4.0, 0.003, "T-slot", sweep);
    assert!(part.covers(&point(30.0, 20.0, -4.0)) && part.covers(&point(30.0, 20.0, -15.0)));
    assert!(!part.covers(&point(30.0, 13.0, -10.0)) && part.covers(&point(30.0, 11.0, -10.0)));
    // The neck does not cut; it is found by a probe, see the contacts.
    let helix = Geometry::Arc {
        start: point(40.0, 20.0, -2.0),
        end: point(40.0, 20.0, -6.0),
        centre: point(30.0, 20.0, -2.0),
        normal: Vector::z(),
        sweep_rad: 4.0 * PI,
    };
    let helical = cutter(CutterShape::Flat, 8.0);
    let bored = block().cut(&helical, &ToolMotion::upright(helix), &Serial);
    // An annulus down to where the helix has been by its end, its floor a ramp: bounded by both.
    let ring = PI * (14.0 * 14.0 - 6.0 * 6.0);
    assert!(bored > ring * 4.0 && bored < ring * 6.0, "{bored}");
}

#[test]
fn stocks_are_as_large_as_they_are() {
    use cloud_sim::mesh::{MeshLimits, read_mesh};
    use cloud_sim::stock::StockShape;
    use shared::machine::LengthUnit;
    let options = super::setup::options(0.2);
    let cylinder = StockShape::Cylinder { centre: point(3.0, 4.0, -5.0), diameter_mm: 30.0, height_mm: 20.0 };
    let (part, report) = TriDexel::new(&cylinder, options).expect("a cylinder");
    near(part.volume_mm3(), PI * 225.0 * 20.0, 0.001, "cylinder");
    assert_eq!(report.cells, part.rays());
    // A part with an undercut, by way of its own mesh: a mesh is not filled here.
    let mut slotted = block();
    let tool = RevolvedTool::t_slot(16.0, 4.0, 6.0, 30.0);
    cut_tilted(&mut slotted, &tool, (point(-9.0, 20.01, -12.0), point(70.0, 20.01, -12.0)), Vector::z());
    let mut bytes = Vec::new();
    slotted.to_stl(&mut bytes);
    let mesh = read_mesh(&bytes, Some(LengthUnit::Millimetre), &MeshLimits::STANDARD).expect("just written");
    let (read, report) = TriDexel::new(&StockShape::Mesh(mesh.corners().collect()), options).expect("a mesh");
    near(read.volume_mm3(), slotted.volume_mm3(), 0.004, "mesh");
    assert!(report.filled_mm3.expect("a mesh says so").abs() < 0.004 * read.volume_mm3(), "{report:?}");
    assert!(!read.covers(&point(30.0, 13.0, -10.0)) && read.covers(&point(30.0, 20.0, -4.0)));
}

#[test]
fn a_cutter_taken_as_a_whole_is_what_its_name_says() {
    // One shape each, deep in the part: what is removed is the body itself.
    let body = |cutter: &Cutter| {
        let mut part = super::setup::block(40.0, 40.0, 60.0, 0.25);
        let ends = (point(20.0, 20.0, -50.0), point(20.0, 20.0, -50.0));
        cut_tilted(&mut part, cutter.revolved(), ends, Vector::z()).removed_mm3
    };
    let (wall, ball) = (PI * 25.0, 2.0 / 3.0 * PI * 125.0);
    near(body(&cutter(CutterShape::Flat, 10.0)), wall * 30.0, 0.003, "flat");
    near(body(&cutter(CutterShape::Ball, 10.0)), wall * 25.0 + ball, 0.003, "ball");
    near(body(&cutter(cone(90.0), 10.0)), wall * 25.0 + PI * 125.0 / 3.0, 0.003, "cone");
    near(body(&cutter(CutterShape::Flat, 32.0)), PI * 256.0 * 30.0, 0.003, "face mill");
}
