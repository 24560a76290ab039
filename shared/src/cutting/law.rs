use crate::units::{Feedrate, Length, RotaryVelocity, Stress};

/// How much force a chip costs: the material's half of every load.
///
/// Chip thickness h in mm, edge length dS and chip width b in mm. Both laws give force on an element of the
/// edge in its tangential, radial (normal to the edge) and axial (along the edge) direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CuttingLaw {
    /// dF_q = K_qc·h·db + K_qe·dS (Altintas, *Manufacturing Automation*, 2nd ed., section 2.3). The second
    /// term is the force of an edge that only ploughs; it takes power and removes nothing.
    Mechanistic {
        /// K_tc, tangential.
        k_tc: Stress,
        /// K_rc, radial.
        k_rc: Stress,
        /// K_ac, axial.
        k_ac: Stress,
        /// K_te, tangential edge coefficient in N/mm.
        k_te_n_mm: f64,
        /// K_re, radial edge coefficient in N/mm.
        k_re_n_mm: f64,
        /// K_ae, axial edge coefficient in N/mm.
        k_ae_n_mm: f64,
    },
    /// dF_t = k_c1.1·h^(−m_c)·h·db (Kienzle 1952); radial and axial force as fixed shares of dF_t, because
    /// tables give the tangential force only.
    Kienzle {
        /// k_c1.1, specific cutting force at h = 1 mm.
        k_c11: Stress,
        /// m_c, how fast the specific force falls with chip thickness, in [0, 1).
        m_c: f64,
        /// dF_r / dF_t.
        radial_ratio: f64,
        /// dF_a / dF_t.
        axial_ratio: f64,
    },
}

impl CuttingLaw {
    /// Specific cutting force k_c(h) of the cutting term, without edge forces: what the power of removing a
    /// volume is counted with. A chip thickness at or below zero counts as a thousandth of a millimetre
    /// in the law of Kienzle, where the specific force has no limit.
    pub fn specific_force(&self, chip: Length) -> Stress {
        match *self {
            Self::Mechanistic { k_tc, .. } => k_tc,
            Self::Kienzle { k_c11, m_c, .. } => k_c11 * crate::det::math::pow(chip.as_mm().max(1e-3), -m_c),
        }
    }

    /// The same material, `factor` times as hard: every coefficient raised by it.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        match *self {
            Self::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => Self::Mechanistic {
                k_tc: k_tc * factor,
                k_rc: k_rc * factor,
                k_ac: k_ac * factor,
                k_te_n_mm: k_te_n_mm * factor,
                k_re_n_mm: k_re_n_mm * factor,
                k_ae_n_mm: k_ae_n_mm * factor,
            },
            Self::Kienzle { k_c11, m_c, radial_ratio, axial_ratio } => {
                Self::Kienzle { k_c11: k_c11 * factor, m_c, radial_ratio, axial_ratio }
            }
        }
    }

    /// True where every coefficient is finite and in its range, and the tangential force is above zero.
    pub fn is_valid(&self) -> bool {
        match *self {
            Self::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => {
                let rest = [k_rc.as_n_mm2(), k_ac.as_n_mm2(), k_te_n_mm, k_re_n_mm, k_ae_n_mm];
                k_tc.is_finite() && k_tc > Stress::ZERO && rest.iter().all(|k| k.is_finite() && *k >= 0.0)
            }
            Self::Kienzle { k_c11, m_c, radial_ratio, axial_ratio } => {
                let ratios = [radial_ratio, axial_ratio];
                k_c11.is_finite()
                    && k_c11 > Stress::ZERO
                    && (0.0..1.0).contains(&m_c)
                    && ratios.iter().all(|ratio| ratio.is_finite() && *ratio >= 0.0)
            }
        }
    }
}

/// Start values for a carbide cutter, where a program or a job does not say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CuttingData {
    /// v_c, speed of the edge.
    pub cutting_speed: Feedrate,
    /// f_z as a share of the cutter's diameter.
    pub feed_per_tooth_of_diameter: f64,
    /// Greatest f_z whatever the diameter.
    pub feed_per_tooth_max: Length,
}

impl CuttingData {
    /// Spindle speed that gives v_c at a cutter diameter: n = v_c / (π D).
    pub fn speed(&self, diameter: Length) -> RotaryVelocity {
        RotaryVelocity::rev_s(self.cutting_speed.as_mm_s() / (std::f64::consts::PI * diameter.as_mm()))
    }

    /// f_z for a cutter diameter.
    pub fn feed_per_tooth(&self, diameter: Length) -> Length {
        (diameter * self.feed_per_tooth_of_diameter).min(self.feed_per_tooth_max)
    }
}

/// A work material.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    /// Name for reports.
    pub name: String,
    /// Forces.
    pub law: CuttingLaw,
    /// Where the coefficients come from.
    pub source: String,
    /// Start values for speed and feed.
    pub data: CuttingData,
    /// Relative standard deviation of the coefficients; `None` where nobody says.
    pub coefficient_sigma: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specific_force_of_kienzle_meets_its_definition() {
        let law = CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.4, axial_ratio: 0.2 };
        assert_eq!(law.specific_force(Length::mm(1.0)).as_n_mm2(), 700.0);
        // A sixteenth of a millimetre: 16^0.25 = 2.
        assert!((law.specific_force(Length::mm(0.0625)).as_n_mm2() - 1400.0).abs() < 1e-9);
        assert!(law.is_valid() && !law.scaled(f64::NAN).is_valid() && !law.scaled(0.0).is_valid());
        assert_eq!(law.scaled(2.0).specific_force(Length::mm(1.0)).as_n_mm2(), 1400.0);
    }

    #[test]
    fn feed_per_tooth_grows_with_the_cutter_up_to_its_maximum() {
        let data = CuttingData {
            cutting_speed: Feedrate::mm_s(5000.0),
            feed_per_tooth_of_diameter: 0.01,
            feed_per_tooth_max: Length::mm(0.2),
        };
        assert!((data.feed_per_tooth(Length::mm(10.0)).as_mm() - 0.1).abs() < 1e-12);
        assert_eq!(data.feed_per_tooth(Length::mm(50.0)).as_mm(), 0.2);
    }
}
