//! Engagement angles, and the identity section × length = removed volume.

use std::f64::consts::{FRAC_PI_2, PI};

use cloud_sim::engagement::{CutStep, swept_section_mm2};
use cloud_sim::stock::HeightMap;
use cloud_sim::sweep::Cutter;
use shared::cutting::Engagement;
use shared::motion::Geometry;
use shared::tool::{CutterShape, Tool};
use shared::units::RotaryVelocity;

use crate::setup::*;

/// Greatest error of an angle at which contact begins or ends.
const WITHIN_DEG: f64 = 2.0;

/// One bin of the turn, in degrees.
const BIN_DEG: f64 = 360.0 / 128.0;

/// Engaged angle, the mean over the engaged height: finer than a bin, for slices look at different places in theirs.
fn mean_angle_deg(engagement: &Engagement) -> f64 {
    let (angle, height) = engagement.slices.iter().fold((0.0, 0.0), |(angle, height), slice| {
        let thick_mm = slice.high_mm - slice.low_mm;
        (angle + thick_mm * f64::from(slice.mask.count_ones()) * BIN_DEG, height + thick_mm)
    });
    angle / height
}

fn middle(steps: &[CutStep]) -> &CutStep {
    &steps[steps.len() / 2]
}

fn assert_immersion(name: &str, step: &CutStep, expected_deg: (f64, f64)) {
    let (start, exit) = step.engagement.immersion_rad().expect("engaged");
    let found = (start.to_degrees(), exit.to_degrees());
    let close = (found.0 - expected_deg.0).abs() <= WITHIN_DEG && (found.1 - expected_deg.1).abs() <= WITHIN_DEG;
    assert!(close, "{name}: {found:?}, expected {expected_deg:?}");
    assert_eq!(step.engagement.mask() >> 64, 0, "{name}: the trailing half never cuts on a level move");
}

#[test]
fn slots_and_sides_have_their_textbook_angles() {
    let flat = tool(CutterShape::Flat, 10.0);
    for a_e_mm in [0.5, 1.0, 2.0, 5.0, 8.0] {
        let angle = (1.0 - a_e_mm / 5.0f64).acos().to_degrees();
        // Material on y > 0; the cutter's axis runs so that a_e of it is inside.
        let y = a_e_mm - 5.0;
        // Feed +x, M3: material on the left, from φ = 0: up-milling. Back along −x: down-milling.
        for (from, to, reverse, expected) in [
            (-8.0, 48.0, false, (0.0, angle)),
            (48.0, -8.0, false, (180.0 - angle, 180.0)),
            (-8.0, 48.0, true, (180.0 - angle, 180.0)),
        ] {
            let mut map = block(40.0, 30.0, 20.0, 0.1);
            let mut segment = segment(line(point(from, y, -4.0), point(to, y, -4.0)));
            if reverse {
                segment.spindle = Some(RotaryVelocity::rev_s(-50.0));
            }
            let cut = cut_as(&mut map, &flat, &segment, 1.0, &cloud_sim::executor::Serial);
            let step = middle(&cut.steps);
            assert_immersion(&format!("side {a_e_mm}"), step, expected);
            let found = mean_angle_deg(&step.engagement);
            assert!((found - angle).abs() < 0.5, "side {a_e_mm}: {found}°, expected {angle}°");
            assert!((step.engagement.axial_depth_mm() - 4.0).abs() < 1e-4);
        }
    }
    let mut map = block(40.0, 30.0, 20.0, 0.1);
    let cut = cut(&mut map, &flat, line(point(8.0, 15.0, -3.0), point(32.0, 15.0, -3.0)), 1.0);
    assert_immersion("slot", middle(&cut.steps), (0.0, 180.0));
}

#[test]
fn slots_askew_are_slots_and_a_second_pass_is_air() {
    for shape in [CutterShape::Flat, CutterShape::Ball, bull(2.0), cone(90.0)] {
        let tool = tool(shape, 10.0);
        for degrees in [0.0f64, 17.0, 45.0, 61.0, 90.0] {
            let mut map = block(60.0, 60.0, 20.0, 0.1);
            let (sin, cos) = degrees.to_radians().sin_cos();
            let geometry = line(point(15.0, 15.0, -3.0), point(15.0 + 30.0 * cos, 15.0 + 30.0 * sin, -3.0));
            let first = cut(&mut map, &tool, geometry, 1.0);
            let (start, exit) = middle(&first.steps).engagement.immersion_rad().expect("engaged");
            assert!(start < 0.06 && exit > PI - 0.06, "{shape:?} {degrees}°: {start} to {exit}");
            let again = cut(&mut map, &tool, geometry, 1.0);
            assert!(again.steps.iter().all(|step| step.engagement.is_air()), "{shape:?} {degrees}°: air");
            assert_eq!(again.removed_mm3, 0.0);
        }
    }
}

#[test]
fn the_inside_corner_adds_ninety_degrees() {
    // a_e 1 on D10: 36.87°, in the corner 126.87° (PROCESS.md, reference values). Material stands at y > 0
    // and at x > 30; the cutter runs along the first wall up to the second.
    let flat = tool(CutterShape::Flat, 10.0);
    let mut map = block(60.0, 60.0, 20.0, 0.1);
    let rough = |map: &mut HeightMap, x, y| cut(map, &flat, line(point(5.0, y, -4.0), point(x, y, -4.0)), 0.1);
    // A pocket with a corner of radius zero, as if a small cutter had cleared it: y from 0 to 21, x from 0 to 41.
    let small = tool(CutterShape::Flat, 1.0);
    for row in 0..42 {
        let y = 0.5 * f64::from(row) + 0.5;
        cut(&mut map, &small, line(point(0.5, y, -4.0), point(40.5, y, -4.0)), 1e9);
    }
    // Its walls lie at y = 21.5 and x = 41; take 1 mm more along both.
    let wall = rough(&mut map, 36.5, 17.5);
    let along = middle(&wall.steps).engagement.immersion_rad().expect("engaged");
    assert!(((along.1 - along.0).to_degrees() - 36.87).abs() < WITHIN_DEG, "along the wall: {along:?}");
    // In the step whose middle is where the axis stands 4 mm before the second wall, it is 1 mm in there too.
    let corner = line(point(36.5, 17.5, -4.0), point(37.5, 17.5, -4.0));
    let found = cut(&mut map, &flat, corner, 1.0).steps.remove(0).engagement;
    let angle = mean_exit_deg(&found);
    assert!((angle - 126.87).abs() < WITHIN_DEG, "in the corner: {angle}°");
    let first = found.immersion_rad().expect("engaged").0.to_degrees();
    assert!(first < 2.0, "from the first wall on: {first}°");
}

/// The angle at which contact ends, the mean over the engaged height.
fn mean_exit_deg(engagement: &Engagement) -> f64 {
    let (angle, height) = engagement.slices.iter().fold((0.0, 0.0), |(angle, height), slice| {
        let thick_mm = slice.high_mm - slice.low_mm;
        (angle + thick_mm * f64::from(128 - slice.mask.leading_zeros()) * BIN_DEG, height + thick_mm)
    });
    angle / height
}

#[test]
fn plunges_engage_all_around() {
    for shape in [CutterShape::Flat, CutterShape::Ball, bull(2.0), cone(118.0)] {
        let mut map = block(40.0, 40.0, 20.0, 0.1);
        let cut = cut(&mut map, &tool(shape, 8.0), line(point(20.0, 20.0, 0.0), point(20.0, 20.0, -6.0)), 1.0);
        for step in &cut.steps {
            let engagement = &step.engagement;
            assert_eq!(engagement.mask(), u128::MAX, "{shape:?} at {}", step.from);
        }
    }
}

#[test]
fn the_edge_of_the_stock_is_where_contact_begins() {
    let flat = tool(CutterShape::Flat, 10.0);
    let mut map = block(40.0, 40.0, 20.0, 0.1);
    let cut = cut(&mut map, &flat, line(point(-20.0, 20.0, -2.0), point(10.0, 20.0, -2.0)), 1.0);
    let first = cut.steps.iter().find(|step| !step.engagement.is_air()).expect("it cuts");
    assert!((first.from.as_mm() - 15.0).abs() < 1e-9, "contact at {}", first.from);
    assert!(cut.steps.iter().all(|step| (step.removed_cells > 0) != step.engagement.is_air()));
}

/// Sum over steps of section × length and of removed volume, over the middle of a run.
fn sections(steps: &[CutStep], tool: &Tool, geometry: &Geometry) -> (f64, f64) {
    let cutter = Cutter::new(tool);
    let (first, last) = (steps.len() / 5, steps.len() - steps.len() / 5);
    let count = steps.len() as f64;
    steps[first..last].iter().enumerate().fold((0.0, 0.0), |(swept, removed), (index, step)| {
        let middle = ((first + index) as f64 + 0.5) / count;
        let travel = geometry.tangent(middle);
        let length_mm = step.to.beyond(step.from).as_mm();
        let section_mm2 = swept_section_mm2(&step.engagement, cutter.profile(), &travel);
        (swept + section_mm2 * length_mm, removed + step.removed_mm3)
    })
}

fn assert_identity(name: &str, map: &mut HeightMap, tool: &Tool, geometry: Geometry, step_mm: f64) {
    let cut = cut(map, tool, geometry, step_mm);
    let (swept_mm3, removed_mm3) = sections(&cut.steps, tool, &geometry);
    assert!(removed_mm3 > 0.1, "{name}: {removed_mm3} mm³ is too little to compare");
    let error = swept_mm3 / removed_mm3 - 1.0;
    assert!(error.abs() < 0.05, "{name}: section {swept_mm3}, removed {removed_mm3} mm³, {:.2} %", error * 100.0);
}

#[test]
fn section_times_length_is_the_removed_volume() {
    let shapes = [
        ("flat", CutterShape::Flat),
        ("ball", CutterShape::Ball),
        ("bull", bull(2.0)),
        ("cone", cone(90.0)),
        ("tapered", general(0.0, 2.0, 1.0, 15.0)),
    ];
    for (name, shape) in shapes {
        let tool = tool(shape, 10.0);
        // Steps that are no multiple of the cell: at 30° every 1 mm is the same place within a row of cells.
        for step_mm in [0.25, 0.93] {
            for degrees in [0.0f64, 30.0, 45.0] {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let heading = shared::geom::Vector::new(cos, sin, 0.0);
                let side = shared::geom::Vector::new(-sin, cos, 0.0);
                let mut map = block(70.0, 70.0, 25.0, 0.1);
                let name = |what: &str| format!("{name} {degrees}° step {step_mm}: {what}");
                let start = point(12.0, 12.0, -2.0);
                let run = |offset: f64, z: f64, fall: f64| {
                    let start = start + side * offset + shared::geom::Vector::new(0.0, 0.0, z);
                    let down = shared::geom::Vector::new(0.0, 0.0, -40.0 * fall);
                    line(start, start + heading * 40.0 + down)
                };
                assert_identity(&name("slot"), &mut map, &tool, run(0.0, 0.0, 0.0), step_mm);
                assert_identity(&name("side 2 mm"), &mut map, &tool, run(2.0, 0.0, 0.0), step_mm);
                assert_identity(&name("side 1 mm"), &mut map, &tool, run(3.0, 0.0, 0.0), step_mm);
                assert_identity(&name("side 0.5 mm"), &mut map, &tool, run(3.5, 0.0, 0.0), step_mm);
                assert_identity(&name("second level"), &mut map, &tool, run(1.0, -3.0, 0.0), step_mm);
                let mut map = block(70.0, 70.0, 25.0, 0.1);
                assert_identity(&name("ramp 3°"), &mut map, &tool, run(0.0, 0.0, 3f64.to_radians().tan()), step_mm);
                assert_identity(
                    &name("climb 10°"),
                    &mut map,
                    &tool,
                    run(7.0, -9.0, -10f64.to_radians().tan()),
                    step_mm,
                );
            }
        }
    }
}

#[test]
fn the_identity_holds_on_helices_scallops_and_engraving() {
    for (name, shape) in [("flat", CutterShape::Flat), ("ball", CutterShape::Ball), ("bull", bull(2.0))] {
        let tool = tool(shape, 10.0);
        let mut map = block(70.0, 70.0, 25.0, 0.1);
        // Helical ramp of one turn on r = 8, 2.4° down, starting in a slot.
        let helix = arc(point(43.0, 35.0, -1.0), (35.0, 35.0), 2.0 * PI, -2.0);
        assert_identity(&format!("{name} helix"), &mut map, &tool, helix, 0.5);
        let quarter = arc(point(55.0, 35.0, -2.0), (35.0, 35.0), -FRAC_PI_2, 0.0);
        assert_identity(&format!("{name} arc slot"), &mut map, &tool, quarter, 0.5);
    }
    let ball = tool(CutterShape::Ball, 10.0);
    let mut map = block(60.0, 60.0, 25.0, 0.1);
    for pass in 0..6 {
        let y = 20.0 + 0.7 * f64::from(pass);
        assert_identity(
            &format!("ball pass {pass}"),
            &mut map,
            &ball,
            line(point(5.0, y, -1.0), point(55.0, y, -1.0)),
            0.5,
        );
    }
    let engraver = tool(cone(60.0), 3.0);
    let mut map = block(30.0, 30.0, 5.0, 0.03);
    for (index, depth_mm) in [0.2, 0.5, 1.5].into_iter().enumerate() {
        let y = 5.0 + 6.0 * index as f64;
        let groove = line(point(3.0, y, -depth_mm), point(27.0, y + 3.0, -depth_mm));
        assert_identity(&format!("engraving {depth_mm} deep"), &mut map, &engraver, groove, 0.3);
    }
}
