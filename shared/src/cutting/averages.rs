//! Exact mean forces of a cylindrical cutter at constant a_p, φ_st and φ_ex.
//!
//! Over a revolution the helix drops out of the means, and the integrals of sin and cos are closed (Altintas,
//! *Manufacturing Automation*, 2nd ed., section 2.8). This is the independent check of the force model, which
//! integrates bins; it shares nothing with it but the coefficients.

use std::f64::consts::PI;

use super::law::CuttingLaw;
use crate::det::math;

/// A cut with constant depth and immersion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantCut {
    /// N, flutes.
    pub flutes: u32,
    /// a_p in mm.
    pub axial_depth_mm: f64,
    /// f_z in mm.
    pub feed_per_tooth_mm: f64,
    /// φ_st in rad.
    pub start_rad: f64,
    /// φ_ex in rad.
    pub exit_rad: f64,
}

/// Mean force on the tool in N over a revolution: x along the feed, y to its left, z along the spindle. `None` for the law of Kienzle,
/// whose power of sin φ has no closed integral.
pub fn mean_force_n(law: &CuttingLaw, cut: &ConstantCut) -> Option<[f64; 3]> {
    let CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } = *law else {
        return None;
    };
    let (k_tc, k_rc, k_ac) = (k_tc.as_n_mm2(), k_rc.as_n_mm2(), k_ac.as_n_mm2());
    let depth = f64::from(cut.flutes) * cut.axial_depth_mm;
    let cutting = depth * cut.feed_per_tooth_mm / (8.0 * PI);
    let edge = depth / (2.0 * PI);
    let at = |phi: f64| {
        let (sin, cos) = math::sin_cos(phi);
        let (sin2, cos2) = math::sin_cos(2.0 * phi);
        [
            cutting * (k_tc * cos2 - k_rc * (2.0 * phi - sin2)) + edge * (-k_te_n_mm * sin + k_re_n_mm * cos),
            cutting * (k_tc * (2.0 * phi - sin2) + k_rc * cos2) - edge * (k_te_n_mm * cos + k_re_n_mm * sin),
            edge * (-k_ac * cut.feed_per_tooth_mm * cos + k_ae_n_mm * phi),
        ]
    };
    let (exit, start) = (at(cut.exit_rad), at(cut.start_rad));
    Some(std::array::from_fn(|axis| exit[axis] - start[axis]))
}

/// Mean tangential force in N over a revolution, all teeth together; torque is this times D/2. `None` as for
/// [`mean_force_n`].
pub fn mean_tangential_n(law: &CuttingLaw, cut: &ConstantCut) -> Option<f64> {
    let CuttingLaw::Mechanistic { k_tc, k_te_n_mm, .. } = *law else {
        return None;
    };
    let chips = cut.feed_per_tooth_mm * (math::cos(cut.start_rad) - math::cos(cut.exit_rad));
    let angle = cut.exit_rad - cut.start_rad;
    let depth = f64::from(cut.flutes) * cut.axial_depth_mm / (2.0 * PI);
    Some(depth * (k_tc.as_n_mm2() * chips + k_te_n_mm * angle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutting::testing::al7050;
    use crate::det::Rng;
    use crate::units::Stress;

    /// Means over a revolution by the midpoint rule over φ, straight from the force of one edge element.
    fn integrated(law: &CuttingLaw, cut: &ConstantCut) -> ([f64; 3], f64) {
        let CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } = *law else {
            panic!("a mechanistic law");
        };
        let steps = 4000;
        let step_rad = (cut.exit_rad - cut.start_rad) / f64::from(steps);
        let (mut force, mut tangential) = ([0.0; 3], 0.0);
        for i in 0..steps {
            let (sin, cos) = math::sin_cos(cut.start_rad + (f64::from(i) + 0.5) * step_rad);
            let h = cut.feed_per_tooth_mm * sin;
            let t = k_tc.as_n_mm2() * h + k_te_n_mm;
            let r = k_rc.as_n_mm2() * h + k_re_n_mm;
            let share = cut.axial_depth_mm * step_rad * f64::from(cut.flutes) / (2.0 * PI);
            force[0] += share * (-t * cos - r * sin);
            force[1] += share * (t * sin - r * cos);
            force[2] += share * (k_ac.as_n_mm2() * h + k_ae_n_mm);
            tangential += share * t;
        }
        (force, tangential)
    }

    #[test]
    fn closed_means_are_those_of_numeric_integration_on_random_cuts() {
        let mut rng = Rng::new(31);
        for case in 0..500 {
            let start_rad = rng.between(0.0, 3.0);
            let cut = ConstantCut {
                flutes: 1 + rng.below(8) as u32,
                axial_depth_mm: rng.between(0.1, 30.0),
                feed_per_tooth_mm: rng.between(0.005, 0.5),
                start_rad,
                exit_rad: rng.between(start_rad + 0.05, PI),
            };
            let law = match case % 2 {
                0 => al7050(),
                _ => CuttingLaw::Mechanistic {
                    k_tc: Stress::n_mm2(rng.between(300.0, 3000.0)),
                    k_rc: Stress::n_mm2(rng.between(0.0, 1500.0)),
                    k_ac: Stress::n_mm2(rng.between(0.0, 800.0)),
                    k_te_n_mm: rng.between(0.0, 60.0),
                    k_re_n_mm: rng.between(0.0, 60.0),
                    k_ae_n_mm: rng.between(0.0, 10.0),
                },
            };
            let (force, tangential) = integrated(&law, &cut);
            let closed = mean_force_n(&law, &cut).expect("closed");
            // A component may pass through zero: the mean tangential force is the scale.
            for (found, expected) in closed.iter().zip(force) {
                assert!(
                    (found - expected).abs() <= 1e-3 * expected.abs().max(1e-3 * tangential),
                    "case {case}: {cut:?}"
                );
            }
            let found = mean_tangential_n(&law, &cut).expect("closed");
            assert!((found / tangential - 1.0).abs() <= 1e-3, "case {case}: {cut:?}");
        }
    }

    #[test]
    fn symmetric_cuts_have_symmetric_means() {
        let law = al7050();
        let cut = |start_rad: f64, exit_rad: f64| ConstantCut {
            flutes: 3,
            axial_depth_mm: 4.0,
            feed_per_tooth_mm: 0.08,
            start_rad,
            exit_rad,
        };
        for arc in [0.3, 1.0, 2.2] {
            // Up and down: the same torque and axial force, tangential part of F_x turned round.
            let (up, down) = (cut(0.0, arc), cut(PI - arc, PI));
            let tangential = |cut: &ConstantCut| mean_tangential_n(&law, cut).expect("closed");
            assert!((tangential(&up) / tangential(&down) - 1.0).abs() < 1e-12);
            let (a, b) = (mean_force_n(&law, &up).expect("closed"), mean_force_n(&law, &down).expect("closed"));
            assert!((a[2] / b[2] - 1.0).abs() < 1e-12);
            // About the feed direction nothing but the radial force pushes back: the tangential parts of both halves cancel.
            let middle = mean_force_n(&law, &cut(PI / 2.0 - arc / 2.0, PI / 2.0 + arc / 2.0)).expect("closed");
            let only_radial = CuttingLaw::Mechanistic {
                k_tc: Stress::n_mm2(1e-9),
                k_rc: Stress::n_mm2(168.8),
                k_ac: Stress::ZERO,
                k_te_n_mm: 0.0,
                k_re_n_mm: 30.8,
                k_ae_n_mm: 0.0,
            };
            let radial = mean_force_n(&only_radial, &cut(PI / 2.0 - arc / 2.0, PI / 2.0 + arc / 2.0)).expect("closed");
            assert!((middle[0] - radial[0]).abs() < 1e-6, "{middle:?} {radial:?}");
        }
    }
}
