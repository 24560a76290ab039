//! Reference values, symmetry and random cuts for the force model as a whole.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

use std::f64::consts::{PI, TAU};

use super::averages::{ConstantCut, mean_force_n, mean_tangential_n};
use super::testing::{al6061, al7050, arc, ball, brute_force, end_mill};
use super::*;
use crate::det::Rng;
use crate::tool::{CutterShape, Tool};
use crate::units::{Angle, Feedrate, Force, Length, RotaryVelocity};

const HALF_BINS: u32 = ANGLE_BINS as u32 / 2;

fn model(tool: &Tool, law: &CuttingLaw, runout: Runout) -> CuttingModel {
    CuttingModel::new(tool, law, runout).expect("a sound tool and law")
}

fn level(tool: &Tool, f_z_mm: f64, rev_s: f64) -> CuttingMotion {
    let flutes = f64::from(tool.flutes.expect("known"));
    CuttingMotion {
        spindle: RotaryVelocity::rev_s(rev_s),
        across: Feedrate::mm_s(f_z_mm * flutes * rev_s),
        down: Feedrate::ZERO,
    }
}

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found / expected - 1.0).abs() <= tolerance, "{what}: {found} against {expected}");
}

#[test]
fn reference_cuts_of_al7050() {
    // PROCESS.md section 4: D20 N4 β30° f_z 0.1 a_p 5 n 5000, slot and half immersion down.
    let tool = end_mill(20.0, 4, 30.0);
    let model = model(&tool, &al7050(), Runout::NONE);
    let motion = level(&tool, 0.1, 5000.0 / 60.0);
    let check = |from: u32, mean: [f64; 3], peak: f64, torque: f64, power: f64| {
        let loads = model.loads(&arc(5.0, from, HALF_BINS), &motion).expect("known");
        for (found, expected) in loads.force_mean_xyz_n.iter().zip(mean) {
            near(*found, expected, 2e-3, "mean force");
        }
        near(loads.force_peak_xy.as_n(), peak, 1e-2, "peak");
        near(loads.torque_mean.as_n_m(), torque, 2e-3, "torque");
        near(loads.power.as_w(), power, 2e-3, "power");
        loads
    };
    let slot = check(0, [-280.48, 574.39, 155.33], 698.8, 7.8381, 4104.0);
    // Q = 200 cm³/min.
    near(slot.removal_rate_mm3_s, 200e3 / 60.0, 1e-6, "removal rate");
    near(slot.power_cutting.as_w(), 796.1 * slot.removal_rate_mm3_s * 1e-3, 1e-9, "cutting power");
    near(slot.chip_max.as_mm(), 0.1, 1e-12, "chip");
    near(slot.chip_mean.as_mm(), 0.1 * 2.0 / PI, 1e-6, "mean chip");
    check(HALF_BINS / 2, [74.64, 412.10, 77.66], 579.6, 3.9191, 2052.0);
}

#[test]
fn feed_for_a_peak_of_600_newton() {
    let tool = end_mill(20.0, 4, 30.0);
    let model = model(&tool, &al7050(), Runout::NONE);
    let (engagement, motion) = (arc(5.0, HALF_BINS / 2, HALF_BINS), level(&tool, 0.1, 5000.0 / 60.0));
    let ratio = solve_force_peak(&model, &engagement, &motion, Force::n(600.0), 2.0).expect("within reach");
    near(0.1 * ratio, 0.10520, 5e-3, "f_z");
    let full = model.loads(&engagement, &motion).expect("known");
    let lines = AffineLoads::of(&model, &engagement, &motion, &full).expect("known");
    near(0.1 * lines.force_peak_n.solve(600.0).expect("a slope"), 0.10520, 5e-3, "f_z by the line");
    assert_eq!(solve_force_peak(&model, &engagement, &motion, Force::n(600.0), 1.0), None);
}

#[test]
fn closed_means_and_brute_force_agree_on_random_cuts() {
    let mut rng = Rng::new(20_240_607);
    for case in 0..60 {
        let tool = end_mill(rng.between(3.0, 40.0), 1 + rng.below(8) as u32, rng.between(0.0, 50.0));
        let from = rng.below(56) as u32;
        let bins = (from, from + 8 + rng.below(u64::from(HALF_BINS - from - 7)) as u32);
        let (depth_mm, f_z_mm) = (rng.between(0.2, 20.0), rng.between(0.01, 0.3));
        let law = if case % 3 == 0 { al6061() } else { al7050() };
        let loads = model(&tool, &law, Runout::NONE)
            .loads(&arc(depth_mm, bins.0, bins.1), &level(&tool, f_z_mm, 100.0))
            .expect("known");
        let what = format!("case {case}: {tool:?} {bins:?} {depth_mm} {f_z_mm}");
        let bin = TAU / ANGLE_BINS as f64;
        let cut = ConstantCut {
            flutes: tool.flutes.expect("known"),
            axial_depth_mm: depth_mm,
            feed_per_tooth_mm: f_z_mm,
            start_rad: f64::from(bins.0) * bin,
            exit_rad: f64::from(bins.1) * bin,
        };
        if let (Some(mean), Some(tangential)) = (mean_force_n(&law, &cut), mean_tangential_n(&law, &cut)) {
            for (found, expected) in loads.force_mean_xyz_n.iter().zip(mean) {
                assert!((found - expected).abs() <= 1e-3 * tangential, "{what}: {found} against {expected}");
            }
            near(loads.torque_mean.as_n_m(), tangential * tool.radius().as_mm() * 1e-3, 1e-3, &what);
        }
        let (peak, mean, torque) = brute_force(&law, &tool, depth_mm, bins, f_z_mm);
        near(loads.force_peak_xy.as_n(), peak, 1.5e-2, &what);
        near(loads.torque_mean.as_n_m(), torque, 1.5e-2, &what);
        let size = mean.iter().fold(1.0f64, |size, force| size.max(force.abs()));
        for (found, expected) in loads.force_mean_xyz_n.iter().zip(mean) {
            assert!((found - expected).abs() <= 1.5e-2 * size, "{what}: {found} against {expected}");
        }
    }
}

#[test]
fn chips_add_up_to_the_volume_the_feed_sweeps() {
    // Conservation, with and without runout, for every shape of edge: Σ chips = a_p · a_e · v_f.
    let mut rng = Rng::new(77);
    for shape in [CutterShape::Flat, CutterShape::Ball, CutterShape::BullNose { corner_radius: Length::mm(2.0) }] {
        for runout in [Runout::NONE, Runout { offset: Length::mm(0.03), angle: Angle::rad(1.0) }] {
            let tool = Tool { shape, ..end_mill(10.0, 3, 30.0) };
            let f_z_mm = rng.between(0.01, 0.2);
            let loads = model(&tool, &al7050(), runout)
                .loads(&arc(4.0, 0, HALF_BINS), &level(&tool, f_z_mm, 50.0))
                .expect("known");
            // A slot of this cutter: its silhouette up to 4 mm, times the feed.
            let slices = 4000;
            let area_mm2: f64 = (0..slices)
                .map(|i| 2.0 * tool.width(Length::mm((f64::from(i) + 0.5) * 4.0 / f64::from(slices))).as_mm())
                .sum::<f64>()
                * 4.0
                / f64::from(slices);
            let swept = area_mm2 * f_z_mm * 3.0 * 50.0;
            near(loads.removal_rate_mm3_s, swept, 6e-3, &format!("{shape:?} {runout:?} f_z {f_z_mm}"));
        }
    }
}

#[test]
fn a_plunge_removes_the_area_of_the_cutter_and_needs_no_side_force() {
    let right_angle = Angle::rad(PI / 2.0);
    for shape in [CutterShape::Flat, CutterShape::Ball, CutterShape::Cone { point_angle: right_angle }] {
        let tool = Tool { shape, ..end_mill(10.0, 2, 30.0) };
        // A flat cutter plunges with its face alone, which is a slice of no height at the tip.
        let depth_mm = if shape == CutterShape::Flat { 0.0 } else { 5.0 };
        let motion =
            CuttingMotion { spindle: RotaryVelocity::rev_s(-50.0), across: Feedrate::ZERO, down: Feedrate::mm_s(5.0) };
        let loads = model(&tool, &al7050(), Runout::ASSUMED).loads(&arc(depth_mm, 0, 128), &motion).expect("known");
        near(loads.removal_rate_mm3_s, PI * 25.0 * 5.0, 5e-3, &format!("{shape:?}"));
        assert!(loads.force_mean.as_n() < 1e-6 * loads.torque_mean.as_n_m() * 1e3, "{shape:?}: {loads:?}");
        assert!(loads.force_mean_xyz_n[2] > 0.0, "{shape:?}: the work pushes the tool up");
    }
}

#[test]
fn a_ramp_counts_the_thicker_of_its_two_chips() {
    // PROCESS.md section 2: the larger bound of ramp angle and a_e. The side forms f_z·max sin φ, the face f_z·tan of the
    // ramp: the chip that binds is the thicker one.
    let tool = end_mill(10.0, 4, 30.0);
    let model = model(&tool, &al7050(), Runout::NONE);
    let mut engagement = arc(1.0, HALF_BINS - 10, HALF_BINS);
    engagement.slices.insert(0, EngagementSlice { low_mm: 0.0, high_mm: 0.0, mask: u128::MAX });
    let side_mm = 0.1 * (10.0 * TAU / ANGLE_BINS as f64).sin();
    for ramp_deg in [0.0, 2.0, 10.0, 25.0, 60.0f64] {
        let mut motion = level(&tool, 0.1, 100.0);
        motion.down = motion.across * ramp_deg.to_radians().tan();
        let chip_mm = model.loads(&engagement, &motion).expect("known").chip_max.as_mm();
        near(chip_mm, side_mm.max(0.1 * ramp_deg.to_radians().tan()), 1e-9, &format!("{ramp_deg}°"));
    }
}

#[test]
fn up_and_down_milling_are_mirror_images() {
    let tool = end_mill(16.0, 2, 0.0);
    let model = model(&tool, &al7050(), Runout::NONE);
    let motion = level(&tool, 0.08, 80.0);
    let loads = |from, to| model.loads(&arc(3.0, from, to), &motion).expect("known");
    let (up, down) = (loads(0, 20), loads(HALF_BINS - 20, HALF_BINS));
    near(up.torque_mean.as_n_m(), down.torque_mean.as_n_m(), 1e-12, "torque");
    near(up.force_peak_xy.as_n(), down.force_peak_xy.as_n(), 1e-6, "peak");
    near(up.chip_max.as_mm(), down.chip_max.as_mm(), 1e-12, "chip");
}

#[test]
fn slices_give_what_one_slice_gives() {
    let (whole, mut cut) = (arc(8.0, 10, 64), arc(8.0, 10, 64));
    let slice = cut.slices[0];
    cut.slices = (0..20)
        .map(|i| EngagementSlice { low_mm: f64::from(i) * 0.4, high_mm: f64::from(i + 1) * 0.4, ..slice })
        .collect();
    for tool in [end_mill(12.0, 4, 35.0), ball(20.0, 2, 20.0)] {
        let model = model(&tool, &al7050(), Runout::ASSUMED);
        let motion = level(&tool, 0.05, 120.0);
        let [one, many] = [&whole, &cut].map(|engagement| model.loads(engagement, &motion).expect("known"));
        near(one.force_peak_xy.as_n(), many.force_peak_xy.as_n(), 1e-2, "peak");
        near(one.torque_mean.as_n_m(), many.torque_mean.as_n_m(), 5e-3, "torque");
    }
}

#[test]
fn runout_raises_the_peak_and_never_the_volume() {
    let tool = end_mill(10.0, 2, 30.0);
    let engagement = arc(2.0, 40, HALF_BINS);
    let mut last = 0.0;
    for e_mm in [0.0, 0.005, 0.01, 0.02, 0.05, 0.2] {
        let runout = Runout { offset: Length::mm(e_mm), angle: Angle::ZERO };
        let loads = model(&tool, &al7050(), runout).loads(&engagement, &level(&tool, 0.03, 100.0)).expect("known");
        assert!(loads.force_peak_xy.as_n() >= last, "peak falls with runout {e_mm}");
        last = loads.force_peak_xy.as_n();
        near(
            loads.removal_rate_mm3_s,
            0.03 * 2.0 * 100.0 * 2.0 * 5.0 * (1.0 + (40.0 * PI / 64.0).cos()),
            5e-3,
            "volume",
        );
    }
    // From e = f_z/2 on one of two teeth takes everything: the chip of a single tooth at twice the feed.
    let single = Tool { flutes: Some(1), ..tool };
    let alone =
        model(&single, &al7050(), Runout::NONE).loads(&engagement, &level(&single, 0.06, 100.0)).expect("known");
    near(last, alone.force_peak_xy.as_n(), 1e-9, "one tooth alone");
}

#[test]
fn what_is_not_known_is_not_computed() {
    let tool = end_mill(10.0, 2, 30.0);
    assert!(CuttingModel::new(&Tool { flutes: None, ..tool.clone() }, &al7050(), Runout::NONE).is_none());
    assert!(CuttingModel::new(&Tool { flutes: Some(0), ..tool.clone() }, &al7050(), Runout::NONE).is_none());
    let model = model(&tool, &al7050(), Runout::ASSUMED);
    let mut motion = level(&tool, 0.1, 10.0);
    assert_eq!(model.loads(&Engagement::default(), &motion), Some(Loads::AIR));
    motion.spindle = RotaryVelocity::ZERO;
    assert_eq!(model.loads(&arc(1.0, 0, 64), &motion), None);
}

#[test]
fn lines_over_the_feed_follow_the_loads_while_every_tooth_cuts() {
    let mut rng = Rng::new(4);
    for case in 0..40 {
        let tool = end_mill(rng.between(3.0, 20.0), 1 + rng.below(5) as u32, 30.0);
        let law = if case % 2 == 0 { al6061() } else { al7050() };
        let model = model(&tool, &law, Runout::ASSUMED);
        let from = 4 + rng.below(46) as u32;
        let engagement = arc(rng.between(0.3, 6.0), from, from + 10);
        let motion = level(&tool, rng.between(0.1, 0.2), 100.0);
        let full = model.loads(&engagement, &motion).expect("known");
        let lines = AffineLoads::of(&model, &engagement, &motion, &full).expect("known");
        for step in 0..=14 {
            let ratio = 0.3 + 0.05 * f64::from(step);
            let loads = model.loads(&engagement, &motion.at_ratio(ratio)).expect("known");
            near(
                lines.force_peak_n.at(ratio),
                loads.force_peak_xy.as_n(),
                2e-2,
                &format!("case {case}, peak at {ratio}"),
            );
            near(
                lines.torque_n_m.at(ratio),
                loads.torque_mean.as_n_m(),
                3e-2,
                &format!("case {case}, torque at {ratio}"),
            );
        }
    }
}

#[test]
fn a_lost_tooth_lowers_the_torque_and_raises_the_peak() {
    // PROCESS.md section 2: four teeth of which one is lost, at the same feed. The chips are all still taken, so that
    // the torque falls only by edge forces: its ratio is closed.
    let check = |diameter_mm: f64, from: u32, torque: f64, peak: f64| {
        let tool = end_mill(diameter_mm, 4, 30.0);
        let motion = level(&tool, 0.1, 5000.0 / 60.0);
        let engagement = arc(5.0, from, HALF_BINS);
        let whole = model(&tool, &al7050(), Runout::NONE).loads(&engagement, &motion).expect("known");
        for lost in 0..4 {
            let broken = CuttingModel::with_lost_tooth(&tool, &al7050(), Runout::NONE, lost).expect("three are left");
            let loads = broken.loads(&engagement, &motion).expect("known");
            near(loads.torque_mean.as_n_m() / whole.torque_mean.as_n_m(), torque, 1e-2, "torque");
            near(loads.force_peak_xy.as_n() / whole.force_peak_xy.as_n(), peak, 1e-2, "peak");
            near(loads.removal_rate_mm3_s, whole.removal_rate_mm3_s, 1e-6, "volume");
        }
    };
    check(20.0, 0, 0.912, 1.568);
    check(20.0, HALF_BINS / 2, 0.912, 1.681);
    // a_e 1 is 13.1 bins.
    check(10.0, HALF_BINS - 13, 0.868, 1.402);
    let tool = end_mill(10.0, 1, 30.0);
    assert!(CuttingModel::with_lost_tooth(&tool, &al7050(), Runout::NONE, 0).is_none(), "no tooth is left");
}
