//! Where contact begins, ends and hugs a slope: the identity section × length = removed volume, in hard places.

use cloud_sim::engagement::swept_section_mm2;
use cloud_sim::executor::Serial;
use cloud_sim::stock::HeightMap;
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, cut_segment, straight_on_mm};
use shared::motion::{Geometry, Segment};
use shared::tool::{CutterShape, Tool};

use crate::setup::*;

const CELL_MM: f64 = 0.05;

/// As the cut ahead does it: a last step of its own, parts at contacts.
fn cut_ahead(map: &mut HeightMap, tool: &Tool, geometry: Geometry) -> SegmentCut {
    let short_mm = 1.5 * CELL_MM;
    let options =
        SweepOptions { step_mm: 0.5, last_mm: short_mm, beyond_mm: 0.0, contact_mm: short_mm, begins: Begins::Anew };
    let mut out = SegmentCut::default();
    cut_segment(map, &Cutter::new(tool), 0, &segment(geometry), &options, &Serial, &mut out);
    out
}

/// By how much the sum of section × length differs from the removed volume.
fn difference(cut: &SegmentCut, tool: &Tool, geometry: &Geometry) -> f64 {
    let cutter = Cutter::new(tool);
    let length_mm = length_mm(geometry);
    let swept_mm3: f64 = cut
        .steps
        .iter()
        .map(|step| {
            let middle = (step.from.as_mm() + step.to.as_mm()) / 2.0 - cut.steps[0].from.as_mm();
            let travel = geometry.tangent(middle / length_mm);
            swept_section_mm2(&step.engagement, cutter.profile(), &travel) * step.to.beyond(step.from).as_mm()
        })
        .sum();
    assert!(cut.removed_mm3 > 0.1, "{} mm³ is too little to compare", cut.removed_mm3);
    swept_mm3 / cut.removed_mm3 - 1.0
}

#[test]
fn a_wall_met_within_a_step_is_cut_in_parts() {
    for shape in [CutterShape::Flat, CutterShape::Ball] {
        let tool = tool(shape, 6.0);
        let mut map = block(40.0, 30.0, 10.0, CELL_MM);
        let pocket = line(point(10.0, 15.0, -4.0), point(20.0, 15.0, -4.0));
        cut_ahead(&mut map, &tool, pocket);
        // Air, then 0.3 mm into the wall: the last of its steps of 0.5 mm meets it.
        let into = line(point(12.0, 15.0, -4.0), point(20.3, 15.0, -4.0));
        let cut = cut_ahead(&mut map, &tool, into);
        let cutting = cut.steps.iter().filter(|step| step.removed_cells > 0).count();
        assert!(cutting >= 4, "{shape:?}: {cutting} steps cut");
        assert!(difference(&cut, &tool, &into).abs() < 0.05, "{shape:?}: {}", difference(&cut, &tool, &into));
    }
}

#[test]
fn a_layer_along_a_slope_is_as_thick_uphill_as_downhill() {
    let (finish, rough) = (tool(CutterShape::Ball, 6.0), tool(CutterShape::Ball, 5.4));
    for slope in [-0.6f64, -0.3, 0.0, 0.3, 0.6] {
        let mut map = block(50.0, 30.0, 25.0, CELL_MM);
        let along = |x0: f64, x1: f64, up: f64| {
            line(point(x0, 15.0, -12.0 + slope * (x0 - 25.0) + up), point(x1, 15.0, -12.0 + slope * (x1 - 25.0) + up))
        };
        // A ball of 5.4 with the same centre leaves a shell of 0.3 mm: half a ring of it across.
        cut_ahead(&mut map, &rough, along(5.0, 45.0, 0.3));
        cut_ahead(&mut map, &finish, along(5.0, 15.0, 0.0));
        let geometry = along(15.0, 32.0, 0.0);
        let cut = cut_ahead(&mut map, &finish, geometry);
        let found = difference(&cut, &finish, &geometry);
        assert!(found.abs() < 0.05, "slope {slope}: {found}");
    }
}

#[test]
fn a_ramp_beside_a_cleared_pocket_cuts_with_the_rim_of_its_face() {
    let flat = tool(CutterShape::Flat, 6.0);
    let mut map = block(40.0, 30.0, 12.0, CELL_MM);
    cut_ahead(&mut map, &flat, line(point(0.0, 15.0, -8.0), point(40.0, 15.0, -8.0)));
    // 0.6 mm of the face lies over the wall, the rest over the pocket.
    let ramp = line(point(8.0, 15.6, 0.0), point(32.0, 15.6, -2.4));
    let cut = cut_ahead(&mut map, &flat, ramp);
    assert!(difference(&cut, &flat, &ramp).abs() < 0.05, "{}", difference(&cut, &flat, &ramp));
}

#[test]
fn a_path_is_straight_up_to_where_it_turns() {
    let to = |x: f64, y: f64| segment(line(point(0.0, 0.0, 0.0), point(x, y, 0.0)));
    let east = to(4.0, 0.0);
    let still = segment(Geometry::Still { at: point(4.0, 0.0, 0.0) });
    let on = |next: Option<&Segment>| straight_on_mm(&east, next, 0.1);
    assert_eq!(on(None), 0.0);
    assert_eq!(on(Some(&to(3.0, 0.0))), 3.0, "the whole of a collinear one");
    assert_eq!(on(Some(&to(-3.0, 0.0))), 0.0, "back is not on");
    // A quarter of a cell beside the tangent after 0.025 / sin 10°.
    let turned = to(3.0 * 10f64.to_radians().cos(), 3.0 * 10f64.to_radians().sin());
    assert!((on(Some(&turned)) - 0.025 / 10f64.to_radians().sin()).abs() < 1e-9);
    // A circle leaves its tangent by d²/2ρ.
    let bend = segment(arc(point(0.0, 0.0, 0.0), (0.0, 5.0), 1.0, 0.0));
    assert!((on(Some(&bend)) - (2.0 * 0.025 * 5.0f64).sqrt()).abs() < 1e-9);
    assert_eq!(on(Some(&still)), 0.0);
}
