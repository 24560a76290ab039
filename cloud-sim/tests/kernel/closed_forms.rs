//! Volumes and heights that can be written down.

use std::f64::consts::PI;

use cloud_sim::executor::Serial;
use cloud_sim::stock::{HeightMap, MapOptions, StockShape};
use cloud_sim::sweep::{Cutter, cut_geometry};
use shared::det::Rng;
use shared::tool::{CutterShape, Tool};

use crate::setup::*;

#[test]
fn volumes_of_single_moves() {
    let flat = tool(CutterShape::Flat, 10.0);
    let ball = tool(CutterShape::Ball, 10.0);
    let spot = tool(cone(90.0), 10.0);
    let drill = tool(CutterShape::Drill { point_angle: shared::units::Angle::rad(118f64.to_radians()) }, 8.0);
    // Section of a ball slot of depth a: circular segment; the ends are halves of a spherical cap.
    let segment_mm2 = |r: f64, a: f64| r * r * ((r - a) / r).acos() - (r - a) * (2.0 * r * a - a * a).sqrt();
    let cap_mm3 = |r: f64, a: f64| PI * a * a * (3.0 * r - a) / 3.0;
    let drill_tip_mm = 4.0 / 59f64.to_radians().tan();
    let cases = [
        ("slot through", &flat, line(point(-6.0, 10.0, -3.0), point(66.0, 10.0, -3.0)), 60.0 * 10.0 * 3.0, 2e-4),
        (
            "slot with ends",
            &flat,
            line(point(10.0, 10.0, -3.0), point(40.0, 10.0, -3.0)),
            (300.0 + PI * 25.0) * 3.0,
            1e-3,
        ),
        (
            "slot askew",
            &flat,
            line(point(10.0, 10.0, -3.0), point(40.0, 27.0, -3.0)),
            (34.4819 * 10.0 + PI * 25.0) * 3.0,
            1e-3,
        ),
        ("side 2 mm", &flat, line(point(-6.0, -3.0, -4.0), point(66.0, -3.0, -4.0)), 60.0 * 2.0 * 4.0, 2e-4),
        ("flat plunge", &flat, line(point(20.0, 20.0, 1.0), point(20.0, 20.0, -5.0)), PI * 25.0 * 5.0, 1e-3),
        (
            "capsule of a ball",
            &ball,
            line(point(10.0, 10.0, -2.0), point(40.0, 10.0, -2.0)),
            segment_mm2(5.0, 2.0) * 30.0 + cap_mm3(5.0, 2.0),
            5e-4,
        ),
        (
            "capsule askew",
            &ball,
            line(point(10.0, 10.0, -2.0), point(40.0, 27.0, -2.0)),
            segment_mm2(5.0, 2.0) * 34.4819 + cap_mm3(5.0, 2.0),
            5e-4,
        ),
        ("ball plunge", &ball, line(point(20.0, 20.0, 0.0), point(20.0, 20.0, -2.0)), cap_mm3(5.0, 2.0), 1e-3),
        ("spot drill", &spot, line(point(20.0, 20.0, 2.0), point(20.0, 20.0, -3.0)), PI * 9.0, 2e-3),
        (
            "drill",
            &drill,
            line(point(20.0, 20.0, 2.0), point(20.0, 20.0, -9.0)),
            PI * 16.0 * (9.0 - drill_tip_mm * 2.0 / 3.0),
            1e-3,
        ),
        ("drill through", &drill, line(point(20.0, 20.0, 2.0), point(20.0, 20.0, -40.0)), PI * 16.0 * 20.0, 1e-3),
        (
            "cone groove",
            &spot,
            line(point(10.0, 10.0, -2.0), point(40.0, 10.0, -2.0)),
            4.0 * 30.0 + PI * 8.0 / 3.0,
            1e-3,
        ),
    ];
    for (name, tool, geometry, expected_mm3, tolerance) in cases {
        let mut map = block(60.0, 40.0, 20.0, 0.1);
        let before_mm3 = map.volume_mm3();
        assert_close("the block", before_mm3, 60.0 * 40.0 * 20.0, 1e-6);
        let cut = cut(&mut map, tool, geometry, 1.0);
        assert_close(name, cut.removed_mm3, expected_mm3, tolerance);
        assert_close(name, before_mm3 - map.volume_mm3(), cut.removed_mm3, 1e-9);
    }
}

/// Volume under a profile turned about the axis, between the tip and a height: ∫ π r² dz by many thin discs.
fn turned_mm3(tool: &Tool, depth_mm: f64) -> f64 {
    let discs = 20_000;
    let dz = depth_mm / f64::from(discs);
    let disc = |index: i32| {
        let height = shared::units::Length::mm((f64::from(index) + 0.5) * dz);
        PI * tool.width(height).as_mm().powi(2) * dz
    };
    (0..discs).map(disc).sum()
}

/// Area of the section of a profile, between the tip and a height.
fn section_mm2(tool: &Tool, depth_mm: f64) -> f64 {
    let strips = 20_000;
    let dz = depth_mm / f64::from(strips);
    (0..strips).map(|i| 2.0 * tool.width(shared::units::Length::mm((f64::from(i) + 0.5) * dz)).as_mm() * dz).sum()
}

#[test]
fn every_cutter_plunges_and_slots_by_its_profile() {
    // Flat, ball, bull nose, cone, drill, face mill, tapered end mill, tapered ball mill, all of APT's pieces.
    let drill = CutterShape::Drill { point_angle: shared::units::Angle::rad(118f64.to_radians()) };
    let cases = [
        ("flat", tool(CutterShape::Flat, 10.0), 3.0),
        ("ball", tool(CutterShape::Ball, 10.0), 3.0),
        ("bull nose", tool(bull(2.0), 10.0), 3.0),
        ("cone", tool(cone(90.0), 10.0), 3.0),
        ("drill", tool(drill, 8.0), 6.0),
        ("face mill", tool(CutterShape::Flat, 32.0), 2.0),
        ("tapered end mill", tool(general(0.0, 2.0, 0.0, 10.0), 12.0), 8.0),
        ("tapered ball mill", tool(general(0.0, 0.0, 1.5, 8.0), 8.0), 9.0),
        ("face mill with a lead angle", tool(general(0.0, 14.0, 0.8, 45.0), 40.0), 3.0),
        ("all three pieces", tool(general(10.0, 2.0, 1.0, 20.0), 12.0), 5.0),
    ];
    for (name, tool, depth_mm) in cases {
        let mut map = block(90.0, 60.0, 20.0, 0.1);
        let hole = cut(&mut map, &tool, line(point(30.0, 30.0, 1.0), point(30.0, 30.0, -depth_mm)), 0.5);
        assert_close(&format!("{name}, plunge"), hole.removed_mm3, turned_mm3(&tool, depth_mm), 2e-3);
        let slot = cut(&mut map, &tool, line(point(30.0, 30.0, -depth_mm), point(60.0, 34.0, -depth_mm)), 1.0);
        let length_mm = 30f64.hypot(4.0);
        assert_close(&format!("{name}, slot"), slot.removed_mm3, section_mm2(&tool, depth_mm) * length_mm, 2e-3);
    }
}

/// Volume error of a cell h: samples at cell centres miss at most h/√2 at a wall, and errors of a boundary of length p
/// spread over its p/h cells; the error shall not grow faster than h. Measured, mean over places within a cell: flat 0.30,
/// 0.075, 0.038, 0.0075, 0.0042 % at 0.8, 0.4, 0.2, 0.1, 0.05 mm; ball 0.039 to 0.0001 %.
#[test]
fn the_error_of_a_volume_falls_with_the_cell() {
    let (flat, ball) = (tool(CutterShape::Flat, 10.0), tool(CutterShape::Ball, 10.0));
    let ball_mm3 = |a: f64| {
        let (r, length) = (5.0f64, 34.4819);
        let section = r * r * ((r - a) / r).acos() - (r - a) * (2.0 * r * a - a * a).sqrt();
        section * length + PI * a * a * (3.0 * r - a) / 3.0
    };
    let flat_mm3 = (34.4819 * 10.0 + PI * 25.0) * 2.0;
    for (name, tool, expected_mm3, per_mm) in [("flat", &flat, flat_mm3, 1e-2), ("ball", &ball, ball_mm3(2.0), 5e-3)] {
        for cell_mm in [0.8, 0.4, 0.2, 0.1, 0.05] {
            // The mean over places within a cell, so that no lucky one decides.
            let places = 6;
            let error = (0..places).map(|place| {
                let off = cell_mm * f64::from(place) / f64::from(places);
                let mut map = block(60.0, 40.0, 20.0, cell_mm);
                let (a, b) = (point(10.0 + off, 10.0 + off, -2.0), point(40.0 + off, 27.0 + off, -2.0));
                (cut(&mut map, tool, line(a, b), 100.0).removed_mm3 / expected_mm3 - 1.0).abs()
            });
            let mean = error.sum::<f64>() / f64::from(places);
            assert!(mean <= per_mm * cell_mm, "{name}, cell {cell_mm}: {mean}");
        }
    }
}

#[test]
fn a_full_circle_leaves_an_annulus() {
    for rise_mm in [0.0, -2.0] {
        let mut map = block(60.0, 60.0, 20.0, 0.1);
        let flat = tool(CutterShape::Flat, 8.0);
        let start = point(45.0, 30.0, -1.0);
        let first = cut(&mut map, &flat, arc(start, (30.0, 30.0), 2.0 * PI, rise_mm), 1.0);
        let level = cut(&mut map, &flat, arc(start + nalgebra_z(rise_mm), (30.0, 30.0), 2.0 * PI, 0.0), 1.0);
        let expected_mm3 = PI * (19.0f64.powi(2) - 11.0f64.powi(2)) * (1.0 - rise_mm);
        assert_close("annulus", first.removed_mm3 + level.removed_mm3, expected_mm3, 2e-3);
    }
}

fn nalgebra_z(z_mm: f64) -> shared::geom::Vector {
    shared::geom::Vector::new(0.0, 0.0, z_mm)
}

#[test]
fn ball_passes_leave_the_published_scallop() {
    // R − √(R² − s²/4): 6.2539 µm at R = 5, s = 0.5 (PROCESS.md, reference values).
    let mut map = block(20.0, 20.0, 10.0, 0.05);
    let ball = tool(CutterShape::Ball, 10.0);
    for pass in 0..20 {
        let y = 5.025 + 0.5 * f64::from(pass);
        cut(&mut map, &ball, line(point(-1.0, y, -2.0), point(21.0, y, -2.0)), 1.0);
    }
    let ridge_mm = map.height_at(10.0, 5.025 + 5.25).expect("inside") + 2.0;
    assert!((ridge_mm - 6.2539e-3).abs() < 2e-6, "ridge {ridge_mm} mm");
    let groove_mm = map.height_at(10.0, 5.025 + 5.0).expect("inside") + 2.0;
    assert!(groove_mm.abs() < 1e-6, "groove {groove_mm} mm");
}

/// Lowest underside over many poses of a line: shares nothing with the kernel but `Tool::height`.
fn dense_height(tool: &Tool, start: shared::geom::Point, end: shared::geom::Point, x: f64, y: f64) -> f64 {
    let poses = 2000;
    (0..=poses)
        .filter_map(|pose| {
            let axis = start + (end - start) * (f64::from(pose) / f64::from(poses));
            let rho = (x - axis.x).hypot(y - axis.y);
            tool.height(shared::units::Length::mm(rho)).map(|height| axis.z + height.as_mm())
        })
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn sloped_sweeps_match_dense_sampling() {
    // Tapered end mill, tapered ball mill, a face mill with a lead angle, all three pieces at once.
    let tapered = [general(0.0, 2.0, 0.0, 20.0), general(0.0, 0.0, 1.5, 15.0), general(5.0, 2.0, 0.5, 30.0)];
    let plain = [CutterShape::Flat, CutterShape::Ball, bull(1.5), cone(60.0), cone(120.0), general(0.0, 1.5, 1.5, 0.0)];
    let shapes = plain.into_iter().chain(tapered);
    let mut rng = Rng::new(11);
    for shape in shapes {
        let tool = tool(shape, 6.0);
        for round in 0..12 {
            let start = point(rng.between(6.0, 14.0), rng.between(6.0, 14.0), rng.between(-6.0, -1.0));
            let end = point(rng.between(6.0, 14.0), rng.between(6.0, 14.0), rng.between(-6.0, -1.0));
            let mut map = block(20.0, 20.0, 12.0, 0.25);
            cut_geometry(&mut map, &Cutter::new(&tool), &line(start, end), &Serial);
            for row in (round % 3..80).step_by(3) {
                for column in (0..80).step_by(3) {
                    let (x, y) = (0.125 + 0.25 * f64::from(column), 0.125 + 0.25 * f64::from(row));
                    let found = map.height_at(x, y).expect("inside");
                    let expected = dense_height(&tool, start, end, x, y).min(0.0);
                    if (found - expected).abs() < 8e-3 {
                        continue;
                    }
                    // On the rim, where a ball or corner is upright besides, a cell may fall either way.
                    let rim = |x: f64, y: f64| dense_height(&tool, start, end, x, y).is_infinite();
                    let near_rim = rim(x + 2e-3, y) != rim(x - 2e-3, y) || rim(x, y + 2e-3) != rim(x, y - 2e-3);
                    assert!(
                        near_rim,
                        "{shape:?} round {round} at ({x}, {y}): {found} against {expected}; {start} to {end}"
                    );
                }
            }
        }
    }
}

#[test]
fn cylinders_and_coarse_maps() {
    let shape = StockShape::Cylinder { centre: point(5.0, -3.0, -20.0), diameter_mm: 30.0, height_mm: 20.0 };
    let fine = MapOptions { cell_mm: 0.1, memory_max_bytes: 1 << 30 };
    let (map, report) = HeightMap::new(&shape, fine).expect("plain");
    assert_close("cylinder", map.volume_mm3(), PI * 225.0 * 20.0, 1e-3);
    assert!(!report.coarsened && report.cells == 300 * 300);
    let small = MapOptions { cell_mm: 0.1, memory_max_bytes: 100_000 };
    let (map, report) = HeightMap::new(&shape, small).expect("coarser");
    assert!(report.coarsened && report.bytes <= 100_000 && report.cell_mm.0 > 0.1);
    assert_close("coarse cylinder", map.volume_mm3(), PI * 225.0 * 20.0, 2e-2);
    assert!(HeightMap::new(&shape, MapOptions { cell_mm: 0.1, memory_max_bytes: 100 }).is_err());
    assert_eq!(map.height_at(5.0 - 14.0, -3.0 - 14.0), Some(-20.0), "outside the disc there is no material");
    assert_eq!(map.height_at(5.0 - 16.0, -3.0), None);
}
