use std::collections::BTreeSet;

use super::Override;
use crate::ident::ToolNumber;
use crate::machine::SpindleDuty;
use crate::units::{Force, Length, Power, Stress, Torque};

/// What a plan has to respect: limits of the job, and how it may change its factor.
///
/// A limit binds the upper edge of the prediction's uncertainty band. There is no default for any of these:
/// whoever sets up a job says each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Greatest peak resultant in the plane; `None`: not limited.
    pub force_peak_xy: Option<Force>,
    /// Greatest mean torque at the cutter; `None`: what the machine's spindle gives.
    pub torque_max: Option<Torque>,
    /// Greatest mean power at the cutter; `None`: what the machine's spindle gives.
    pub power_max: Option<Power>,
    /// Greatest chip thickness of a tooth, runout not counted; `None`: not limited.
    pub chip_thickness_max: Option<Length>,
    /// Least chip thickness below which a cutter rubs; `None`: not watched.
    pub chip_thickness_min: Option<Length>,
    /// Greatest deflection of the tool where it generates a wall; `None`: not limited.
    pub deflection_max: Option<Length>,
    /// Greatest bending stress in the tool; `None`: not limited.
    pub bending_stress_max: Option<Stress>,
    /// Greatest height of the cusps that teeth leave along the feed; `None`: not limited.
    pub surface_cusp_max: Option<Length>,
    /// Which rating of the machine's spindle binds torque and power.
    pub spindle_duty: SpindleDuty,
    /// Smallest factor a plan may ask for.
    pub factor_min: Override,
    /// Greatest factor a plan may ask for where it may change the feed at all.
    pub factor_max: Override,
    /// Grain of the controller in per mille; factors are multiples of it, or exactly as programmed.
    pub step_permille: u16,
    /// Greatest change of the factor in one second.
    pub slew_per_s: f64,
    /// Least length for which a factor is held.
    pub hold_min: Length,
    /// Share by which predictions are raised before they are held against a limit, at least zero.
    pub uncertainty: f64,
    /// Greatest factor while the cutter meets material after air.
    pub first_contact_factor: Override,
    /// How far before that contact it begins, in tool radii; less than one counts as one.
    pub first_contact_lead_radii: f64,
    /// Greatest factor while a milling cutter plunges.
    pub plunge_factor: Override,
    /// Tools whose operations are *finish, do not touch*.
    pub finish: BTreeSet<ToolNumber>,
    /// How far a bound reaches to both sides of where it was found: the uncertainty of the station.
    pub station_margin: Length,
}

impl Limits {
    /// Greatest value that `factor_max` permits, as a ratio.
    pub fn ratio_max(&self) -> f64 {
        self.factor_max.ratio()
    }

    /// The smallest factor the controller has that is not below `factor_min`: what a plan falls to where
    /// no factor meets the limits.
    pub fn floor(&self) -> Override {
        let step = self.step_permille.max(1);
        let permille = self.factor_min.permille().div_ceil(step) * step;
        Override::from_permille(permille).unwrap_or(Override::PROGRAMMED)
    }

    /// The greatest factor the controller has that is not above a ratio, and not below [`Limits::floor`].
    /// As programmed stays as programmed, whether or not the grain divides it.
    pub fn quantised(&self, ratio: f64) -> Override {
        let whole = Override::floor_of_ratio(ratio).unwrap_or(Override::STOP).min(self.factor_max);
        if whole == Override::PROGRAMMED {
            return whole;
        }
        whole.quantised_down(self.step_permille).max(self.floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantising_keeps_to_the_grain_and_to_both_ends() {
        let factor = |permille| Override::from_permille(permille).expect("in range");
        let limits = Limits {
            force_peak_xy: None,
            torque_max: None,
            power_max: None,
            chip_thickness_max: None,
            chip_thickness_min: None,
            deflection_max: None,
            bending_stress_max: None,
            surface_cusp_max: None,
            spindle_duty: SpindleDuty::S1,
            factor_min: factor(310),
            factor_max: factor(1000),
            step_permille: 30,
            slew_per_s: 2.0,
            hold_min: Length::mm(1.0),
            uncertainty: 0.1,
            first_contact_factor: factor(600),
            first_contact_lead_radii: 1.0,
            plunge_factor: factor(800),
            finish: BTreeSet::new(),
            station_margin: Length::mm(0.2),
        };
        let check = |ratio: f64, permille: u16| assert_eq!(limits.quantised(ratio).permille(), permille, "{ratio}");
        check(1.0, 1000);
        check(7.0, 1000);
        check(0.999, 990);
        check(0.62, 600);
        check(0.1, 330);
        check(f64::NAN, 330);
        let capped = Limits { factor_max: factor(900), ..limits };
        assert_eq!(capped.quantised(1.0).permille(), 900);
    }
}
