//! The force model against the dense evaluation it replaced: every bin of every tooth and piece sampled.

use super::dense::DenseModel;
use super::testing::{al6061, al7050, end_mill};
use super::*;
use crate::det::Rng;
use crate::tool::{CutterShape, Tool};
use crate::units::{Angle, Feedrate, Length, RotaryVelocity};

/// Quantities compared: how many of 3000 may be more than a thousandth off, and by how much.
const QUANTITIES: [(&str, usize, f64); 5] = [
    ("peak", 75, 5e-2),
    ("normal force", 110, 6e-2),
    ("torque", 15, 2e-3),
    ("volume", 5, 2e-3),
    ("mean force", 10, 2e-3),
];

fn engagement(rng: &mut Rng, slices: u32, height_mm: f64) -> Engagement {
    let arcs = 1 + rng.below(3);
    let base: Vec<(u32, u32)> = (0..arcs).map(|_| (rng.below(128) as u32, 2 + rng.below(60) as u32)).collect();
    let slice = |i: u32, rng: &mut Rng| {
        let arc = |&(from, count): &(u32, u32)| ((1u128 << (count + rng.below(3) as u32)) - 1).rotate_left(from);
        let mask = base.iter().map(arc).fold(0, |mask, arc| mask | arc);
        EngagementSlice { low_mm: f64::from(i) * height_mm, high_mm: f64::from(i + 1) * height_mm, mask }
    };
    Engagement { slices: (0..slices).map(|i| slice(i, rng)).collect() }
}

fn tool(rng: &mut Rng) -> Tool {
    let shape = match rng.below(4) {
        0 => CutterShape::Flat,
        1 => CutterShape::Ball,
        2 => CutterShape::BullNose { corner_radius: Length::mm(rng.between(0.3, 1.5)) },
        _ => CutterShape::Cone { point_angle: Angle::rad(rng.between(0.6, 2.4)) },
    };
    let helix_deg = if rng.below(5) == 0 { 0.0 } else { rng.between(0.0, 60.0) };
    Tool { shape, ..end_mill(rng.between(4.0, 25.0), 1 + rng.below(8) as u32, helix_deg) }
}

/// Differences relative to the peak, the torque, the volume and the mean tangential force; and what was compared.
fn case(seed: u64) -> ([f64; 5], String) {
    let mut rng = Rng::new(seed);
    let tool = tool(&mut rng);
    let law = if rng.below(2) == 0 { al6061() } else { al7050() };
    let runout = match rng.below(3) {
        0 => Runout::NONE,
        1 => Runout::ASSUMED,
        _ => Runout { offset: Length::mm(rng.between(0.0, 0.03)), angle: Angle::rad(rng.between(0.0, 6.0)) },
    };
    let flutes = f64::from(tool.flutes.expect("a test tool has flutes"));
    let count = 1 + rng.below(16) as u32;
    let height_mm = rng.between(0.05, 1.0);
    let engagement = engagement(&mut rng, count, height_mm);
    let f_z = rng.between(0.005, 0.25);
    let down = [0.0, 0.0, 0.1, -0.1, 0.6][rng.below(5) as usize];
    let motion = CuttingMotion {
        spindle: RotaryVelocity::rev_s(100.0),
        across: Feedrate::mm_s(f_z * flutes * 100.0),
        down: Feedrate::mm_s(down * f_z * flutes * 100.0),
    };
    let sparse_model = CuttingModel::new(&tool, &law, runout).expect("sound");
    let sparse = sparse_model.loads(&engagement, &motion).expect("known");
    let dense = DenseModel::new(&tool, &law, runout).expect("sound").loads(&engagement, &motion).expect("known");
    let what = format!("seed {seed}: {:?} {law:?} {runout:?} f_z {f_z} down {down} {engagement:x?}", tool.shape);
    // A sliver of chip at the end of an arc weighs nothing; what a full turn of the same slices costs is the scale.
    let mut full = engagement.clone();
    full.slices.iter_mut().for_each(|slice| slice.mask = u128::MAX);
    let full = sparse_model.loads(&full, &motion).expect("known");
    let off = |found: f64, expected: f64, full: f64| (found - expected).abs() / expected.abs().max(0.3 * full);
    let peak_n = dense.force_peak_xy.as_n();
    let full_n = full.force_peak_xy.as_n();
    let vector = sparse.force_mean_xyz_n.iter().zip(dense.force_mean_xyz_n).map(|(found, expected)| found - expected);
    let mean_n = vector.map(|difference| difference * difference).sum::<f64>().sqrt();
    let size_n = dense.force_mean_xyz_n.iter().map(|force| force * force).sum::<f64>().sqrt();
    let differences = [
        off(sparse.force_peak_xy.as_n(), peak_n, full_n),
        (sparse.force_normal.as_n() - dense.force_normal.as_n()).abs() / peak_n.max(0.3 * full_n),
        off(sparse.torque_mean.as_n_m(), dense.torque_mean.as_n_m(), full.torque_mean.as_n_m()),
        off(sparse.removal_rate_mm3_s, dense.removal_rate_mm3_s, full.removal_rate_mm3_s),
        mean_n / size_n.max(0.3 * full_n),
    ];
    (differences, what)
}

#[test]
fn loads_are_those_of_the_dense_evaluation() {
    // The dense evaluation rounds what happens within a bin: where a tooth loses the material between two borders,
    // its force stops at one of them. That shows where it makes the peak: few cutting teeth, chips that thin out at the end
    // of an arc, no helix. The means hardly see it, and nearly every peak is the same.
    let cases: Vec<_> = (0..3000).map(case).collect();
    for (i, (name, above_max, worst_max)) in QUANTITIES.iter().enumerate() {
        let above = cases.iter().filter(|(differences, _)| differences[i] > 1e-3).count();
        let worst = cases.iter().max_by(|a, b| a.0[i].total_cmp(&b.0[i])).expect("there are cases");
        assert!(above <= *above_max && worst.0[i] <= *worst_max, "{name}: {above}, {:.2e} {}", worst.0[i], worst.1);
    }
}

#[test]
fn a_full_side_or_slot_gives_the_same_peak_within_a_thousandth() {
    // Arcs through π/2, in every slice, from a border where chips are thick: what planning lives on.
    let mut rng = Rng::new(99);
    for case in 0..1000 {
        let tool = tool(&mut rng);
        let law = if case % 2 == 0 { al6061() } else { al7050() };
        let flutes = f64::from(tool.flutes.expect("a test tool has flutes"));
        let (from, to) =
            if rng.below(4) == 0 { (0, 64) } else { (8 + rng.below(16) as u32, 40 + rng.below(16) as u32) };
        let slice = |i: u32, rng: &mut Rng| EngagementSlice {
            low_mm: f64::from(i) * 0.4,
            high_mm: f64::from(i + 1) * 0.4,
            mask: (from..to - if to == 64 { 0 } else { rng.below(3) as u32 }).fold(0, |mask, bin| mask | 1 << bin),
        };
        let engagement = Engagement { slices: (0..1 + rng.below(12) as u32).map(|i| slice(i, &mut rng)).collect() };
        let f_z = rng.between(0.03, 0.25);
        let motion = CuttingMotion {
            spindle: RotaryVelocity::rev_s(100.0),
            across: Feedrate::mm_s(f_z * flutes * 100.0),
            down: Feedrate::mm_s([0.0, 0.05, 0.3][rng.below(3) as usize] * f_z * flutes * 100.0),
        };
        let sparse = CuttingModel::new(&tool, &law, Runout::ASSUMED).expect("sound");
        let dense = DenseModel::new(&tool, &law, Runout::ASSUMED).expect("sound");
        let found_n = sparse.loads(&engagement, &motion).expect("known").force_peak_xy.as_n();
        let expected_n = dense.loads(&engagement, &motion).expect("known").force_peak_xy.as_n();
        let off = (found_n / expected_n - 1.0).abs();
        assert!(
            off < 1e-3,
            "case {case}: {found_n} against {expected_n}: {off:.2e}; {tool:?} f_z {f_z} {engagement:x?}"
        );
    }
}
