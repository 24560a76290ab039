//! From an orthogonal cutting test to the coefficients of a milling edge.
//!
//! A material's shear stress, friction and shear angle are measured by turning tubes with an edge square to the cut.
//! An edge that stands at an angle i to it (the helix of an end mill) shears the same material obliquely. With
//! the two assumptions that everybody makes (the shear angle is that of the orthogonal test, and the chip
//! leaves at η = i, Stabler's rule) the forces of any helix and rake follow without a new test.
//!
//! K_tc = τ/sinφ_n · (cos(β_n − α_n) + tan i·tan η·sin β_n) / c,
//! K_rc = τ/(sinφ_n·cos i) · sin(β_n − α_n) / c,
//! K_ac = τ/sinφ_n · (cos(β_n − α_n)·tan i − tan η·sin β_n) / c,
//! c = √(cos²(φ_n + β_n − α_n) + tan²η·sin²β_n), tan β_n = tan β_a·cos η.
//!
//! Source: Budak, Altintas and Armarego 1996; Altintas, *Manufacturing Automation*, 2nd ed., section 2.6.

use super::law::CuttingLaw;
use crate::det::math;
use crate::units::{Angle, Stress};

/// What an orthogonal cutting test says of a material and a rake.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrthogonalData {
    /// τ, shear stress in the shear plane.
    pub shear_stress: Stress,
    /// φ_c, shear angle.
    pub shear_angle: Angle,
    /// β_a, mean friction angle on the rake face.
    pub friction_angle: Angle,
    /// α_r, rake angle of the edge, taken as the normal rake.
    pub rake: Angle,
    /// K_te, K_re, K_ae: edge forces in N/mm; they are measured and pass unchanged.
    pub edge_n_mm: [f64; 3],
}

impl OrthogonalData {
    /// The mechanistic law of an edge inclined by `inclination`: the helix angle of an end mill. `None` where
    /// the angles allow no shear (a shear angle at or below zero, φ_n + β_n − α_n at or beyond a right angle, an
    /// inclination of a right angle) or where a coefficient comes out negative.
    pub fn oblique(&self, inclination: Angle) -> Option<CuttingLaw> {
        let (i, phi, rake) = (inclination.abs().as_rad(), self.shear_angle.as_rad(), self.rake.as_rad());
        let right = std::f64::consts::FRAC_PI_2;
        let (tan_i, cos_i) = (math::tan(i), math::cos(i));
        // Stabler: the chip leaves at η = i.
        let tan_eta = tan_i;
        let friction = math::atan(math::tan(self.friction_angle.as_rad()) * cos_i);
        let sheared = phi > 0.0 && phi < right && i < right && (phi + friction - rake).abs() < right;
        if !sheared {
            return None;
        }
        let (sin_friction, along) = (math::sin(friction), math::cos(friction - rake));
        let spread = math::cos(phi + friction - rake);
        let c = (spread * spread + tan_eta * tan_eta * sin_friction * sin_friction).sqrt();
        let shear_n_mm2 = self.shear_stress.as_n_mm2() / (math::sin(phi) * c);
        let [k_te_n_mm, k_re_n_mm, k_ae_n_mm] = self.edge_n_mm;
        let law = CuttingLaw::Mechanistic {
            k_tc: Stress::n_mm2(shear_n_mm2 * (along + tan_i * tan_eta * sin_friction)),
            k_rc: Stress::n_mm2(shear_n_mm2 * math::sin(friction - rake) / cos_i),
            k_ac: Stress::n_mm2(shear_n_mm2 * (along * tan_i - tan_eta * sin_friction)),
            k_te_n_mm,
            k_re_n_mm,
            k_ae_n_mm,
        };
        law.is_valid().then_some(law)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(value: f64) -> Angle {
        Angle::rad(value.to_radians())
    }

    /// Ti6Al4V as in Budak, Altintas and Armarego 1996: τ 613 N/mm², β 19.1° + 0.29°·α, r = 0.4…, zero rake.
    fn data(rake: f64) -> OrthogonalData {
        OrthogonalData {
            shear_stress: Stress::n_mm2(613.0),
            shear_angle: degrees(28.0),
            friction_angle: degrees(19.1 + 0.29 * rake),
            rake: degrees(rake),
            edge_n_mm: [24.0, 43.0, 0.0],
        }
    }

    fn coefficients(law: CuttingLaw) -> [f64; 3] {
        let CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, .. } = law else {
            panic!("an oblique edge has a mechanistic law");
        };
        [k_tc.as_n_mm2(), k_rc.as_n_mm2(), k_ac.as_n_mm2()]
    }

    #[test]
    fn without_inclination_it_is_the_circle_of_merchant() {
        for rake in [0.0, 6.0, 12.0] {
            let data = data(rake);
            let [t, r, a] = coefficients(data.oblique(Angle::ZERO).expect("shears"));
            let (phi, beta, alpha) = (28f64.to_radians(), data.friction_angle.as_rad(), data.rake.as_rad());
            let merchant = 613.0 / (math::sin(phi) * math::cos(phi + beta - alpha));
            assert!((t / (merchant * math::cos(beta - alpha)) - 1.0).abs() < 1e-12);
            assert!((r / (merchant * math::sin(beta - alpha)) - 1.0).abs() < 1e-12);
            assert_eq!(a, 0.0);
        }
    }

    /// The work of shear and of friction is the work of the force along the cut: both sides written for the oblique edge.
    #[test]
    fn the_power_of_shear_and_friction_is_the_power_of_the_cut() {
        for (rake, helix) in [(0.0, 10.0), (5.0, 30.0), (12.0, 45.0)] {
            let data = data(rake);
            let [t, r, a] = coefficients(data.oblique(degrees(helix)).expect("shears"));
            let i = f64::to_radians(helix);
            let (sin_i, cos_i) = math::sin_cos(i);
            // The force of a unit of chip area, in the frame of the edge: along the cut and normal in the plane
            // square to the edge, and along the edge.
            let square = [t * cos_i + a * sin_i, r];
            let along = t * sin_i - a * cos_i;
            // On the rake face: friction along it and normal to it, in that plane.
            let (sin_rake, cos_rake) = math::sin_cos(data.rake.as_rad());
            let friction = [square[0] * sin_rake + square[1] * cos_rake, along];
            let normal = square[0] * cos_rake - square[1] * sin_rake;
            let ratio = math::hypot(friction[0], friction[1]) / normal;
            let expected = math::tan(data.friction_angle.as_rad());
            // Friction is Coulomb's with the angle of the test, and points where the chip goes (η = i).
            assert!((ratio / expected - 1.0).abs() < 1e-9, "{rake} {helix}: {ratio} {expected}");
            assert!((friction[1] / friction[0] / math::tan(i) - 1.0).abs() < 1e-9, "{rake} {helix}: {friction:?}");
        }
    }

    #[test]
    fn impossible_angles_give_no_law() {
        assert_eq!(OrthogonalData { shear_angle: Angle::ZERO, ..data(0.0) }.oblique(degrees(30.0)), None);
        assert_eq!(OrthogonalData { friction_angle: degrees(70.0), ..data(0.0) }.oblique(Angle::ZERO), None);
        assert_eq!(OrthogonalData { rake: degrees(40.0), ..data(0.0) }.oblique(Angle::ZERO), None);
    }
}
