//! The material as it really is: coefficients by seed, and what happens to them in mid-run.

use shared::det::Rng;
use shared::units::{Length, Seconds};

use super::TruthError;

/// The six coefficients of the mechanistic law dF = K_c·h·dS + K_e·dS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SixCoefficients {
    /// Tangential cutting coefficient, N/mm².
    pub k_tc_n_mm2: f64,
    /// Radial cutting coefficient, N/mm².
    pub k_rc_n_mm2: f64,
    /// Axial cutting coefficient, N/mm².
    pub k_ac_n_mm2: f64,
    /// Tangential edge coefficient, N/mm.
    pub k_te_n_mm: f64,
    /// Radial edge coefficient, N/mm.
    pub k_re_n_mm: f64,
    /// Axial edge coefficient, N/mm.
    pub k_ae_n_mm: f64,
}

/// Which law the material follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrueLaw {
    /// Force in proportion to chip area plus a share per length of edge.
    Mechanistic(SixCoefficients),
    /// Kienzle: dF_t = k_c1.1 · h^(1 − m_c) · dS; radial and axial force as shares of it.
    Kienzle {
        /// Specific cutting force at a chip of 1 mm², N/mm².
        k_c11_n_mm2: f64,
        /// Exponent, in [0, 1).
        m_c: f64,
        /// Radial over tangential force.
        radial_ratio: f64,
        /// Axial over tangential force.
        axial_ratio: f64,
    },
}

/// From when on a disturbance acts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DisturbanceStart {
    /// Machine time since the first motion.
    Time(Seconds),
    /// Length of path of the tip since the first motion, rapids included.
    Travel(Length),
}

/// A hidden change: from a place or time on all coefficients are multiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disturbance {
    /// From when on.
    pub from: DisturbanceStart,
    /// By how much. Several that act at once multiply.
    pub factor: f64,
}

/// Coefficients of one seed, laid out as the series of the revolution need them. Kienzle's have no edge part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    pub(super) cutting: [f64; 3],
    pub(super) edge: [f64; 3],
}

impl TrueLaw {
    /// Exponent of the chip thickness in the cutting part: 1 for the mechanistic law.
    pub(super) fn chip_exponent(&self) -> f64 {
        match self {
            Self::Mechanistic(_) => 1.0,
            Self::Kienzle { m_c, .. } => 1.0 - m_c,
        }
    }

    /// What a seed has drawn: each coefficient for itself, uniformly within ± `spread`.
    pub(super) fn draw(&self, seed: u64, spread: f64) -> Draw {
        let mut rng = Rng::new(seed).fork("true coefficients");
        let mut drawn = |nominal: f64| nominal * (1.0 + spread * rng.between(-1.0, 1.0));
        match *self {
            Self::Mechanistic(k) => Draw {
                cutting: [k.k_tc_n_mm2, k.k_rc_n_mm2, k.k_ac_n_mm2].map(&mut drawn),
                edge: [k.k_te_n_mm, k.k_re_n_mm, k.k_ae_n_mm].map(&mut drawn),
            },
            Self::Kienzle { k_c11_n_mm2, radial_ratio, axial_ratio, .. } => {
                let tangential = drawn(k_c11_n_mm2);
                let cutting = [tangential, tangential * drawn(radial_ratio), tangential * drawn(axial_ratio)];
                Draw { cutting, edge: [0.0; 3] }
            }
        }
    }

    pub(super) fn validate(&self) -> Result<(), TruthError> {
        let figures = match *self {
            Self::Mechanistic(k) => [k.k_tc_n_mm2, k.k_rc_n_mm2, k.k_ac_n_mm2, k.k_te_n_mm, k.k_re_n_mm, k.k_ae_n_mm],
            Self::Kienzle { k_c11_n_mm2, m_c, radial_ratio, axial_ratio } => {
                if !(0.0..1.0).contains(&m_c) {
                    return Err(TruthError::OutOfRange { what: "m_c", value: m_c });
                }
                [k_c11_n_mm2, radial_ratio, axial_ratio, 0.0, 0.0, 0.0]
            }
        };
        match figures.into_iter().find(|figure| !(figure.is_finite() && *figure >= 0.0)) {
            Some(value) => Err(TruthError::OutOfRange { what: "a cutting coefficient", value }),
            None => Ok(()),
        }
    }
}

impl DisturbanceStart {
    /// True once it has come.
    pub(super) fn has_come(&self, time_s: f64, travel_mm: f64) -> bool {
        match self {
            Self::Time(from) => time_s >= from.as_s(),
            Self::Travel(from) => travel_mm >= from.as_mm(),
        }
    }
}

/// Product of the factors that act at a time and a place.
pub(super) fn disturbed(disturbances: &[Disturbance], time_s: f64, travel_mm: f64) -> f64 {
    let acts = |disturbance: &&Disturbance| disturbance.from.has_come(time_s, travel_mm);
    disturbances.iter().filter(acts).map(|disturbance| disturbance.factor).product()
}
