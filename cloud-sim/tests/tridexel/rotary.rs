//! Work and tools that turn: closed forms, sub-poses, findings through the segment path.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use cloud_sim::collision::FindingKind;
use cloud_sim::executor::Serial;
use cloud_sim::loads::motion_of;
use cloud_sim::stock::{StockShape, TriDexel};
use cloud_sim::sweep::{Begins, Cutter, SegmentCut, SweepOptions, ToolMotion, Turning, Workpiece};
use shared::cutting::{CuttingLaw, CuttingModel, Engagement, Loads, Runout};
use shared::geom::{Aabb, Point, Vector};
use shared::kinematics::{Carries, Kinematics, RotaryJoint, Setup};
use shared::motion::{Geometry, Segment, SegmentKind};
use shared::tool::{CutterShape, Tool};
use shared::units::{Length, Stress};

use super::setup::{bull, cutter, near, options, point, segment, tool};

const SETUP: Setup = Setup { origin: Point::new(0.0, 0.0, 0.0), tool_length: Length::mm(100.0) };

fn joint(word: usize, carries: Carries, direction: Vector, centre: [f64; 3]) -> RotaryJoint {
    RotaryJoint { word, carries, direction, centre: Point::from(centre) }
}

/// A turns the work about X through the origin.
fn rotary_a() -> Kinematics {
    Kinematics::new(vec![joint(0, Carries::Work, -Vector::x(), [0.0; 3])]).expect("one joint")
}

/// A bar along X of 24 × 24 mm about the axis.
fn bar(cell_mm: f64) -> TriDexel {
    let bounds = Aabb { min: point(0.0, -12.0, -12.0), max: point(60.0, 12.0, 12.0) };
    TriDexel::new(&StockShape::Box(bounds), options(cell_mm)).expect("a bar").0
}

fn turn_a<'a>(kinematics: &'a Kinematics, geometry: Geometry, from: f64, turn: f64) -> ToolMotion<'a> {
    let turning = Turning { kinematics, setup: SETUP, from_rad: [from, 0.0, 0.0], turn_rad: [turn, 0.0, 0.0] };
    ToolMotion { geometry, turning: Some(turning) }
}

fn sweep_options(step_mm: f64) -> SweepOptions {
    SweepOptions { step_mm, last_mm: 0.0, beyond_mm: 0.0, contact_mm: 0.0, begins: Begins::Anew }
}

fn cut_segment(
    part: &mut TriDexel,
    cutter: &Cutter,
    motion: &ToolMotion<'_>,
    kind: SegmentKind,
) -> (Segment, SegmentCut) {
    let mut segment = segment(kind, motion.geometry);
    segment.turn_rad = motion.turning.map_or([0.0; 3], |turning| turning.turn_rad);
    let mut out = SegmentCut::default();
    part.cut_segment(cutter, (3, &segment), motion, &sweep_options(1.0), &Serial, &mut out);
    (segment, out)
}

#[test]
fn a_bar_turned_once_under_a_mill_is_round_within_the_slivers() {
    let kinematics = rotary_a();
    let radius_mm = 9.0;
    for (shape, cell_mm) in [(CutterShape::Flat, 0.25), (bull(1.0), 0.25), (CutterShape::Flat, 0.5)] {
        let mill = cutter(shape, 16.0);
        let mut part = bar(cell_mm);
        let motion = turn_a(&kinematics, Geometry::Still { at: point(30.0, 0.0, radius_mm) }, 0.0, TAU);
        let reach_mm = (30.0f64 * 30.0 + 64.0).sqrt();
        let poses = motion.sub_poses(reach_mm, 0.999 * cell_mm);
        let removed = part.cut(&mill, &motion, &Serial);
        // In the plane of the axis of the mill: rays along Y and Z end on the circle, free of the cells.
        let face_mm = if shape == CutterShape::Flat { 7.0 } else { 6.0 };
        for (x, share) in [(30.0, 0.0), (30.0 - face_mm, 0.3), (30.0 + face_mm, 0.6), (31.0, 0.8)] {
            let beside = share * radius_mm;
            let expected = (radius_mm * radius_mm - beside * beside).sqrt();
            // Steeper towards the rim: how far along the ray a step off the surface is.
            let along = (poses.bound_mm + 0.5 * cell_mm * beside / expected) * radius_mm / expected + 0.001;
            for (low, high) in [
                (point(x, beside, expected - along), point(x, beside, expected + along)),
                (point(x, beside, -expected + along), point(x, beside, -expected - along)),
            ] {
                let found = format!("{} cell {cell_mm}: x {x}, y {beside}", shape.name());
                // Off the plane of the mill the flat face leaves more than the circle, never less.
                assert!(part.covers(&low), "{found}: too much is gone");
                assert!(x != 30.0 || !part.covers(&high), "{found}: too much is left, beyond {along} mm");
            }
        }
        assert!(removed > 0.0 && poses.count > 100, "{removed} mm³ in {} sub-poses", poses.count);
    }
}

#[test]
fn a_bar_is_turned_round_along_its_length() {
    // A spiral with a fine pitch: the whole bar between the ends becomes a cylinder.
    let kinematics = rotary_a();
    let (radius_mm, turns) = (8.0, 12.0);
    let mill = cutter(CutterShape::Flat, 10.0);
    let mut part = bar(0.25);
    let geometry = Geometry::Line { start: point(-6.0, 0.0, radius_mm), end: point(66.0, 0.0, radius_mm) };
    part.cut(&mill, &turn_a(&kinematics, geometry, 0.0, turns * TAU), &Serial);
    near(part.volume_mm3(), PI * radius_mm * radius_mm * 60.0, 0.01, "turned bar");
}

#[test]
fn an_indexed_cut_is_the_same_cut_on_another_side() {
    let kinematics = rotary_a();
    let mill = cutter(CutterShape::Ball, 6.0);
    let geometry = Geometry::Line { start: point(-5.0, 1.3, 9.0), end: point(50.0, 2.1, 8.0) };
    let mut volumes = Vec::new();
    for index in 0..4 {
        let mut part = bar(0.2);
        let motion = turn_a(&kinematics, geometry, f64::from(index) * FRAC_PI_2, 0.0);
        let before = part.volume_mm3();
        let (_, out) = cut_segment(&mut part, &mill, &motion, SegmentKind::Feed);
        assert!(!out.turns && out.findings.is_empty(), "{:?}", out.findings);
        assert!((before - part.volume_mm3() - out.removed_mm3).abs() < 1e-4 * out.removed_mm3);
        let depths: f64 = out.steps.iter().map(|step| step.engagement.axial_depth_mm()).fold(0.0, f64::max);
        assert!((depths - 4.0).abs() < 0.3, "a_p {depths}");
        volumes.push(out.removed_mm3);
    }
    for volume in &volumes {
        near(*volume, volumes[0], 0.002, "quarter turns");
    }
    let mut part = bar(0.2);
    let (_, out) = cut_segment(&mut part, &mill, &turn_a(&kinematics, geometry, 0.4, 0.0), SegmentKind::Feed);
    assert!(out.removed_mm3 > volumes[0], "over a corner of the bar there is more to take");
}

#[test]
fn a_head_that_turns_and_a_table_that_turns_cut_the_same_slot() {
    // The same relative motion twice: B of a head leans the tool, B of a table leans the work.
    let lean = 0.5;
    let head = Kinematics::new(vec![joint(1, Carries::Tool, Vector::y(), [0.0, 0.0, 150.0])]).expect("a head");
    let table = Kinematics::new(vec![joint(1, Carries::Work, -Vector::y(), [0.0; 3])]).expect("a table");
    let mill = cutter(CutterShape::Flat, 8.0);
    let (mut by_head, mut by_table) = (bar(0.25), bar(0.25));
    let moved = |kinematics: &Kinematics, standing: (Point, Point), part: &mut TriDexel| {
        let turning = Turning { kinematics, setup: SETUP, from_rad: [0.0, lean, 0.0], turn_rad: [0.0; 3] };
        let geometry = Geometry::Line { start: standing.0, end: standing.1 };
        let motion = ToolMotion { geometry, turning: Some(turning) };
        (part.cut(&mill, &motion, &Serial), motion.pose(0.0), motion.pose(1.0))
    };
    let (sin, cos) = lean.sin_cos();
    let place = |x: f64, y: f64, z: f64| point(x, y, z);
    // Standing places that bring the tip to x = 20 to 40, y = −15 to 15, z = 6 in the work.
    let (a, b) = (place(20.0, -18.0, 6.0), place(35.0, 18.0, 6.0));
    let for_head = |tip: Point| tip + Vector::new(250.0 * sin, 0.0, 250.0 * cos - 250.0);
    let for_table = |tip: Point| point(tip.x * cos - tip.z * sin, tip.y, tip.x * sin + tip.z * cos);
    let head_cut = moved(&head, (for_head(a), for_head(b)), &mut by_head);
    let table_cut = moved(&table, (for_table(a), for_table(b)), &mut by_table);
    for (one, other) in [(head_cut.1, table_cut.1), (head_cut.2, table_cut.2)] {
        assert!((one.tip - other.tip).norm() < 1e-9 && (one.axis - other.axis).norm() < 1e-9, "{one:?} and {other:?}");
    }
    assert!((head_cut.1.tip - a).norm() < 1e-9, "{:?}", head_cut.1);
    assert!(head_cut.0 > 100.0);
    near(head_cut.0, table_cut.0, 1e-6, "head and table");
}

#[test]
fn sub_poses_in_steps_take_what_the_whole_does() {
    let kinematics = rotary_a();
    let mill = cutter(CutterShape::Ball, 8.0);
    let geometry = Geometry::Line { start: point(10.0, 3.0, 9.0), end: point(45.0, 3.0, 8.0) };
    let motion = turn_a(&kinematics, geometry, 0.2, 2.5);
    let (mut whole, mut stepped) = (bar(0.3), bar(0.3));
    let at_once = whole.cut(&mill, &motion, &Serial);
    let (_, out) = cut_segment(&mut stepped, &mill, &motion, SegmentKind::Feed);
    near(out.removed_mm3, at_once, 0.002, "in steps");
    assert!(out.turns && out.steps.len() > 10);
    assert!(out.steps.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].from < pair[0].to));
    let engaged = out.steps.iter().filter(|step| !step.engagement.is_air()).count();
    assert!(engaged * 10 > out.steps.len() * 9, "{engaged} of {} steps are engaged", out.steps.len());
    near(out.steps.iter().map(|step| step.removed_mm3).sum::<f64>(), out.removed_mm3, 1e-12, "sum of steps");
}

#[test]
fn contacts_of_a_leaning_tool_are_found_with_their_line() {
    let kinematics = rotary_a();
    let mill = cutter(CutterShape::Flat, 6.0);
    let check = |start: Point, end: Point, kind, expected: &[FindingKind]| {
        let mut part = bar(0.3);
        let geometry = Geometry::Line { start, end };
        let (_, out) = cut_segment(&mut part, &mill, &turn_a(&kinematics, geometry, FRAC_PI_2, 0.0), kind);
        let mut found: Vec<FindingKind> = out.findings.iter().map(|finding| finding.kind).collect();
        found.sort();
        assert_eq!(found, expected, "{start:?} to {end:?}");
        assert!(
            out.findings.iter().all(|finding| finding.line == 7 && finding.segment == 3 && finding.depth_mm > 0.05)
        );
        out
    };
    check(point(20.0, -20.0, 11.0), point(20.0, 20.0, 11.0), SegmentKind::Feed, &[]);
    let rapid =
        check(point(20.0, -20.0, 11.0), point(20.0, 20.0, 11.0), SegmentKind::Rapid, &[FindingKind::RapidInStock]);
    assert!((rapid.findings[0].depth_mm - 1.0).abs() < 0.01, "{:?}", rapid.findings);
    near(rapid.findings[0].removed_mm3, rapid.removed_mm3, 1e-9, "a rapid removes what it removes");
    // Flutes of 30 mm, 24 mm of bar; the shank is as thick as the cutter, the holder begins 50 mm above the tip.
    check(point(20.0, -20.0, -12.5), point(20.0, 20.0, -12.5), SegmentKind::Feed, &[]);
    check(point(20.0, -20.0, -35.0), point(20.0, 20.0, -35.0), SegmentKind::Feed, &[FindingKind::ShankInStock]);
    let both = [FindingKind::HolderInStock, FindingKind::ShankInStock];
    check(point(20.0, -20.0, -40.0), point(20.0, 20.0, -40.0), SegmentKind::Feed, &both);
    check(point(-10.0, 0.0, -45.0), point(-10.0, 0.0, -39.0), SegmentKind::Feed, &[FindingKind::HolderInStock]);
}

#[test]
fn a_tool_is_drawn_out_of_a_turning_cut_without_touching() {
    let kinematics = rotary_a();
    let mill = cutter(bull(1.0), 8.0);
    let mut part = bar(0.3);
    let end = point(40.0, 3.0, 7.0);
    let geometry = Geometry::Line { start: point(-6.0, 3.0, 9.0), end };
    cut_segment(&mut part, &mill, &turn_a(&kinematics, geometry, 0.0, 1.3), SegmentKind::Feed);
    let out = Geometry::Line { start: end, end: end + Vector::z() * 40.0 };
    let (_, found) = cut_segment(&mut part, &mill, &turn_a(&kinematics, out, 1.3, 0.0), SegmentKind::Rapid);
    assert!(found.findings.is_empty() && found.removed_mm3 < 1e-3, "{:?}", found.findings);
}

#[test]
fn what_stands_cuts_nothing_and_says_nothing() {
    let kinematics = rotary_a();
    let mill = cutter(CutterShape::Flat, 6.0);
    let mut part = bar(0.5);
    let before = part.digest();
    let motion = turn_a(&kinematics, Geometry::Still { at: point(20.0, 0.0, 5.0) }, 1.0, 0.0);
    let (_, out) = cut_segment(&mut part, &mill, &motion, SegmentKind::Feed);
    assert!(out.steps.is_empty() && out.findings.is_empty() && part.digest() == before);
}

/// A D10 mill of three teeth.
fn mill_of_three(flute_mm: f64) -> Tool {
    Tool { flutes: Some(3), flute_length: Length::mm(flute_mm), ..tool(CutterShape::Flat, 10.0) }
}

/// Engagement and loads in the middle of a segment.
fn loads_of(part: &mut TriDexel, tool: &Tool, motion: &ToolMotion<'_>, segment: &Segment) -> (Engagement, Loads) {
    let law = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.35, axial_ratio: 0.2 };
    let model = CuttingModel::new(tool, &law, Runout::ASSUMED).expect("a sound tool");
    let mut out = SegmentCut::default();
    part.cut_segment(&Cutter::new(tool), (0, segment), motion, &sweep_options(1.0), &Serial, &mut out);
    let step = &out.steps[out.steps.len() / 2];
    let moves = motion_of(step, segment).expect("the spindle turns");
    (step.engagement.clone(), model.loads(&step.engagement, &moves).expect("it cuts"))
}

fn same_loads((engagement, loads): &(Engagement, Loads), (other, others): &(Engagement, Loads), what: &str) {
    let ends = |engagement: &Engagement| engagement.immersion_rad().expect("in material");
    let (a, b) = (ends(engagement), ends(other));
    let off_deg = (a.0 - b.0).abs().max((a.1 - b.1).abs()).to_degrees();
    assert!(off_deg < 2.0, "{what}: engaged {a:?}, with three axes {b:?}");
    near(engagement.axial_depth_mm(), other.axial_depth_mm(), 0.03, &format!("{what}: a_p"));
    near(loads.force_peak_xy.as_n(), others.force_peak_xy.as_n(), 0.03, &format!("{what}: peak force"));
    near(loads.power.as_w(), others.power.as_w(), 0.05, &format!("{what}: power"));
}

#[test]
fn a_turning_table_loads_the_cutter_as_the_arc_with_three_axes_does() {
    // C turns the work about Z under a mill that stands 20 mm from the line: against the work it goes around an arc.
    let table = Kinematics::new(vec![joint(2, Carries::Work, Vector::z(), [0.0; 3])]).expect("one joint");
    let turn_rad = 1.0;
    let at = point(20.0, 0.0, -3.0);
    let turning = Turning { kinematics: &table, setup: SETUP, from_rad: [0.0; 3], turn_rad: [0.0, 0.0, turn_rad] };
    let by_table = ToolMotion { geometry: Geometry::Still { at }, turning: Some(turning) };
    let end = by_table.pose(1.0).tip;
    let arc = |radius_mm: f64, sweep_rad: f64| {
        let (sin, cos) = sweep_rad.sin_cos();
        let (start, end) = (point(radius_mm, 0.0, -3.0), point(radius_mm * cos, radius_mm * sin, -3.0));
        Geometry::Arc { start, end, centre: point(0.0, 0.0, -3.0), normal: Vector::z(), sweep_rad }
    };
    let sweep_rad = if end.y > 0.0 { turn_rad } else { -turn_rad };
    let geometry = arc(20.0, sweep_rad);
    assert!((geometry.end() - end).norm() < 1e-9, "{:?} and {end}", geometry.end());
    let bounds = Aabb { min: point(-40.0, -40.0, -8.0), max: point(40.0, 40.0, 0.0) };
    for beside_mm in [None, Some(23.0), Some(16.0)] {
        let fresh = || {
            let mut part = TriDexel::new(&StockShape::Box(bounds), options(0.1)).expect("a plate").0;
            if let Some(radius_mm) = beside_mm {
                let ring = arc(radius_mm, TAU);
                part.cut(&cutter(CutterShape::Flat, 10.0), &ToolMotion::upright(ring), &Serial);
            }
            part
        };
        let with_three = segment(SegmentKind::Feed, geometry);
        // A turn alone counts 90 mm of station here, the arc 20: at 4.5 times the feed it takes as long.
        let mut with_table = segment(SegmentKind::Feed, by_table.geometry);
        with_table.turn_rad = [0.0, 0.0, turn_rad];
        with_table.feed = with_three.feed * (90.0 / (20.0 * turn_rad));
        let mill = mill_of_three(30.0);
        let turned = loads_of(&mut fresh(), &mill, &by_table, &with_table);
        let stood = loads_of(&mut fresh(), &mill, &ToolMotion::upright(geometry), &with_three);
        same_loads(&turned, &stood, &format!("beside {beside_mm:?}"));
    }
}

#[test]
fn a_leaning_head_loads_the_cutter_as_an_upright_one_does() {
    // The tool leans by B; its way is chosen square to its own axis, as deep in the work as an upright one in a level face.
    let lean = 0.4f64;
    let (sin, cos) = lean.sin_cos();
    let head = Kinematics::new(vec![joint(1, Carries::Tool, Vector::y(), [0.0; 3])]).expect("a head");
    let bounds = Aabb { min: point(-40.0, -40.0, -40.0), max: point(40.0, 40.0, 0.0) };
    let block = || TriDexel::new(&StockShape::Box(bounds), options(0.1)).expect("a block").0;
    let turning = Turning { kinematics: &head, setup: SETUP, from_rad: [0.0, lean, 0.0], turn_rad: [0.0; 3] };
    // Where the tip stands if nothing were turned: the gauge point is 100 mm above it along the axis.
    let standing = |tip: Point| tip + Vector::new(100.0 * sin, 0.0, 100.0 * cos - 100.0);
    let loads = |motion: &ToolMotion<'_>| {
        loads_of(&mut block(), &mill_of_three(4.0), motion, &segment(SegmentKind::Feed, motion.geometry))
    };
    // Down an incline of the lean, wholly within the block: a slot over the whole of the flutes.
    let (from, to) = (point(-8.0, 0.0, -20.0), point(-8.0 + 16.0 * cos, 0.0, -20.0 - 16.0 * sin));
    let line = |start: Point, end: Point| Geometry::Line { start, end };
    let leaning = ToolMotion { geometry: line(standing(from), standing(to)), turning: Some(turning) };
    assert!((leaning.pose(0.0).tip - from).norm() < 1e-9, "{:?}", leaning.pose(0.0));
    assert!(leaning.travel(0.5, 0.0).dot(&leaning.pose(0.5).axis).abs() < 1e-9, "square to its axis");
    let upright = ToolMotion::upright(line(point(-8.0, 0.0, -20.0), point(8.0, 0.0, -20.0)));
    same_loads(&loads(&leaning), &loads(&upright), "leaning");
}
