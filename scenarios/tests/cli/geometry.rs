//! Depths, angles, volumes and lengths against geometry.

use std::f64::consts::PI;

use serde_json::Value;

use crate::support::{Bench, cutting, near, number};

const TOOLS: &str = r#"schema = 1
[[tool]]
number = 1
name = "flat"
shape = "flat"
diameter_mm = 10.0
flutes = 4
flute_length_mm = 25.0
stickout_mm = 40.0
[[tool]]
number = 2
name = "ball"
shape = "ball"
diameter_mm = 10.0
flutes = 2
flute_length_mm = 25.0
stickout_mm = 40.0
[[tool]]
number = 3
name = "cone"
shape = "cone"
point_angle_deg = 90.0
diameter_mm = 10.0
flutes = 2
flute_length_mm = 25.0
stickout_mm = 40.0
"#;

/// Stock 100 × 60 × 20 mm, its top at Z0, the middle of its left side at the origin.
const STOCK: &str = "box:100x60x20@0,-30,-20";

fn simulate(program: &str, more: &[&str]) -> (Value, Vec<Value>) {
    let bench = Bench::new();
    bench.write("tools.toml", TOOLS).write("part.nc", program);
    bench.simulate(&[&["part.nc", "--tools", "tools.toml", "--stock", STOCK], more].concat())
}

/// A pass along X at a height: tool, spindle word, y, tip height, direction.
fn pass(tool: u32, spindle: &str, y: f64, z: f64, backwards: bool) -> String {
    let (from, to) = if backwards { (110.0, -10.0) } else { (-10.0, 110.0) };
    format!(
        "G21 G90 G17 G94\nT{tool} M6\nS6000 {spindle}\nG0 X{from:.3} Y{y:.3} Z10.\nG1 Z{z:.4} F2000.\nG1 X{to:.3} F1200.\nG0 Z10.\nM30\n"
    )
}

/// What the middle of a pass looks like: the segment of line 6.
fn check_pass(program: &str, a_p: f64, a_e: f64, phi: [f64; 2], volume: f64) {
    let (report, segments) = simulate(program, &[]);
    let cuts = cutting(&segments, 6);
    assert_eq!(cuts.len(), 1, "one segment:\n{program}");
    near(number(cuts[0], "ap_mm"), a_p, 0.02, &format!("a_p of\n{program}"));
    // Angles come in bins of 2.8°: 0.25 mm on this cutter where it runs along the wall, more in front.
    let a_e_found = number(cuts[0], "ae_mm");
    assert!((a_e_found - a_e).abs() < 0.2, "a_e {a_e_found}, expected {a_e}:\n{program}");
    let found = [number(cuts[0], "phi_start_deg"), number(cuts[0], "phi_exit_deg")];
    assert!((0..2).all(|end| (found[end] - phi[end]).abs() < 3.0), "φ {found:?}, expected {phi:?}:\n{program}");
    near(number(&report, "removed_volume_mm3"), volume, 0.005, &format!("volume of\n{program}"));
    assert!(report["collisions"] == Value::Array(vec![]) && report["rapids_in_stock"] == Value::Array(vec![]));
}

#[test]
fn side_milling_both_ways_and_with_the_spindle_reversed() {
    // a_e 2 of D 10: 53.13°.
    let arc_deg = (1.0f64 - 2.0 * 2.0 / 10.0).acos().to_degrees();
    let (up, down) = ([0.0, arc_deg], [180.0 - arc_deg, 180.0]);
    let volume = 2.0 * 4.0 * 100.0;
    // Material on the right of the feed and a clockwise spindle: down-milling.
    check_pass(&pass(1, "M3", 33.0, -4.0, false), 4.0, 2.0, down, volume);
    check_pass(&pass(1, "M3", 33.0, -4.0, true), 4.0, 2.0, up, volume);
    check_pass(&pass(1, "M4", 33.0, -4.0, false), 4.0, 2.0, up, volume);
    check_pass(&pass(1, "M3", -33.0, -4.0, false), 4.0, 2.0, up, volume);
}

#[test]
fn slots_of_every_shape() {
    let whole = [0.0, 180.0];
    check_pass(&pass(1, "M3", 0.0, -3.0, false), 3.0, 10.0, whole, 10.0 * 3.0 * 100.0);
    // A ball at its full depth: half a disc.
    check_pass(&pass(2, "M3", 0.0, -5.0, false), 5.0, 10.0, whole, PI * 25.0 / 2.0 * 100.0);
    // A ball 1 mm deep is 2·√(a_p·(D − a_p)) = 6 mm wide; the segment of its disc.
    let half = (9.0f64).sqrt();
    let segment = 25.0 * (half / 5.0).asin() - half * 4.0;
    check_pass(&pass(2, "M3", 0.0, -1.0, false), 1.0, 6.0, whole, segment * 100.0);
    // A cone of 90° 2 mm deep is 4 mm wide.
    check_pass(&pass(3, "M3", 0.0, -2.0, false), 2.0, 4.0, whole, 2.0 * 2.0 * 100.0);
}

#[test]
fn an_arc_by_centre_and_by_radius_is_the_same_arc() {
    let program =
        |arc: &str| format!("G21 G90 G17\nT1 M6\nS6000 M3\nG0 X30. Y0. Z5.\nG1 Z-2. F600.\n{arc} F800.\nG0 Z5.\nM30\n");
    let centre = simulate(&program("G2 X70. Y0. I20. J0."), &[]);
    let radius = simulate(&program("G2 X70. Y0. R20."), &[]);
    for key in ["removed_volume_mm3", "path_mm", "cycle_time_planned_s", "force_peak_xy_n_programmed"] {
        near(number(&centre.0, key), number(&radius.0, key), 1e-9, key);
    }
    let length = |(_, segments): &(Value, Vec<Value>)| number(cutting(segments, 6)[0], "length_mm");
    near(length(&centre), PI * 20.0, 1e-9, "half a circle");
    // Half a ring, and the half discs at its ends.
    let volume = (PI / 2.0 * (25.0f64.powi(2) - 15.0f64.powi(2)) + PI * 25.0) * 2.0;
    near(number(&centre.0, "removed_volume_mm3"), volume, 0.003, "half a ring");
    // The long way round: R below zero is the arc of more than half a turn.
    let long = simulate(&program("G3 X50. Y20. R-20."), &[]);
    near(number(cutting(&long.1, 6)[0], "length_mm"), 1.5 * PI * 20.0, 1e-9, "three quarters of a circle");
}

#[test]
fn a_helix_bores_a_hole_of_its_own_size() {
    let bore = "G21 G90 G17\nT1 M6\nS6000 M3\nG0 X53. Y0. Z5.\nG1 Z0. F600.\nG3 X53. Y0. Z-3. I-3. J0. F400.\n\
        G3 X53. Y0. Z-6. I-3. J0.\nG3 X53. Y0. I-3. J0.\nG0 Z5.\nM30\n";
    let (report, segments) = simulate(bore, &[]);
    let turn = cutting(&segments, 6)[0];
    near(number(turn, "length_mm"), (2.0 * PI * 3.0).hypot(3.0), 1e-9, "a turn of the helix");
    near(number(&report, "removed_volume_mm3"), PI * 64.0 * 6.0, 0.003, "a hole of D16");
}

#[test]
fn inch_and_millimetre_give_the_same_figures() {
    let mm = "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG0 X-12.7 Y0. Z12.7\nG1 Z-2.54 F635.\nX76.2 F1270.\nG3 X76.2 Y25.4 I0. J12.7\n\
        G1 X25.4 Z-5.08\nG0 Z12.7\nM30\n";
    let inch = "G20 G90 G17 G94\nT1 M6\nS6000 M3\nG0 X-.5 Y0. Z.5\nG1 Z-.1 F25.\nX3. F50.\nG3 X3. Y1. I0. J.5\nG1 X1. Z-.2\nG0 Z.5\nM30\n";
    let (mm, inch) = (simulate(mm, &[]), simulate(inch, &[]));
    let keys = [
        "path_mm",
        "cycle_time_programmed_s",
        "cycle_time_planned_s",
        "removed_volume_mm3",
        "force_peak_xy_n_programmed",
        "force_mean_n_programmed",
        "power_peak_w_programmed",
        "force_peak_xy_n",
        "power_peak_w",
    ];
    for key in keys {
        near(number(&inch.0, key), number(&mm.0, key), 1e-6, key);
    }
    assert!(mm.1.len() == inch.1.len() && !cutting(&mm.1, 8).is_empty());
    assert!(mm.0["read_as"][0].as_str().is_some_and(|said| said.contains("units mm")));
    assert!(inch.0["read_as"][0].as_str().is_some_and(|said| said.contains("units inch")));
}

#[test]
fn a_rapid_through_stock_is_reported_with_its_line_and_what_it_takes() {
    let program =
        "G21 G90 G17\nT1 M6\nS6000 M3\nG0 X-10. Y0. Z5.\nG1 Z-3. F600.\nG0 X40.\nG1 X110. F900.\nG0 Z5.\nM30\n";
    let (report, _) = simulate(program, &[]);
    let rapids = report["rapids_in_stock"].as_array().expect("a list");
    assert_eq!(rapids.iter().map(|rapid| rapid["line"].as_u64()).collect::<Vec<_>>(), [Some(6)]);
    // 40 mm of a slot 10 × 3 and the half disc in front of the axis.
    near(number(&rapids[0], "removed_mm3"), (40.0 * 10.0 + PI * 12.5) * 3.0, 0.005, "removed by the rapid");
}

#[test]
fn cylinder_and_mesh_stocks_are_cut_like_boxes() {
    let bench = Bench::new();
    bench.write("tools.toml", TOOLS).write("part.nc", pass(1, "M3", 0.0, -3.0, false));
    bench.write("box.stl", box_stl([0.0, -30.0, -20.0], [100.0, 30.0, 0.0]));
    bench.write("inch.stl", box_stl([0.0, -30.0 / 25.4, -20.0 / 25.4], [100.0 / 25.4, 30.0 / 25.4, 0.0]));
    let volume = |stock: &str| {
        let (report, _) = bench.simulate(&["part.nc", "--tools", "tools.toml", "--stock", stock]);
        number(&report, "removed_volume_mm3")
    };
    near(volume("box.stl:mm"), 3000.0, 0.005, "mesh in mm");
    near(volume("inch.stl:inch"), 3000.0, 0.005, "mesh in inch");
    // A disc of D80: a chord strip of width 10 through its middle.
    let (radius, half) = (40.0f64, 5.0f64);
    let strip = 2.0 * (half * (radius * radius - half * half).sqrt() + radius * radius * (half / radius).asin());
    near(volume("cyl:80x20@50,0,-20"), strip * 3.0, 0.005, "a bar standing on its face");
}

/// A box as an ASCII STL.
fn box_stl(min: [f64; 3], max: [f64; 3]) -> String {
    let corner = |index: usize| -> [f64; 3] {
        std::array::from_fn(|axis| if index >> axis & 1 == 1 { max[axis] } else { min[axis] })
    };
    // Two triangles a face, their corners counter-clockwise from outside.
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let mut text = "solid box\n".to_owned();
    for [a, b, c, d] in faces {
        for triangle in [[a, b, c], [a, c, d]] {
            text.push_str("facet normal 0 0 0\nouter loop\n");
            for index in triangle {
                let [x, y, z] = corner(index);
                text.push_str(&format!("vertex {x:.6} {y:.6} {z:.6}\n"));
            }
            text.push_str("endloop\nendfacet\n");
        }
    }
    text + "endsolid box\n"
}
