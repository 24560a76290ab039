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
