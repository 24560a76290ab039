use std::collections::BTreeSet;

use super::job_file::{DutyWord, LimitsSection, OverrideSection};
use crate::ident::ToolNumber;
use crate::machine::SpindleDuty;
use crate::plan::{Limits, Override};
use crate::units::{Force, Length, Power, Stress, Torque};

/// Share by which predictions are raised before they meet a limit: the spread of tabulated coefficients of one
/// material is about ±10 %, the scatter of a cut about 3 %, and the sampling of the engagement adds up to 5 % where
/// cutters turn into corners; together 1.10 · 1.03 · 1.05.
const UNCERTAINTY_USUAL: f64 = 0.19;
/// The part of it that is not the coefficients'.
const UNCERTAINTY_OF_CUT: f64 = 1.03 * 1.05;

/// Upper edge of the band of a prediction whose coefficients have a relative standard deviation: two of them, and what a
/// cut scatters by itself. The usual band where it is not known.
pub fn uncertainty_of(coefficient_sigma: Option<f64>) -> f64 {
    coefficient_sigma.map_or(UNCERTAINTY_USUAL, |sigma| (1.0 + 2.0 * sigma) * UNCERTAINTY_OF_CUT - 1.0)
}
/// Range and slew of the factor unless the job says otherwise.
const OVERRIDE_USUAL: OverrideSection = OverrideSection { min: 0.3, max: 1.0, step: 0.01, slew_per_s: 5.0 };

/// A key of `[limits]` and what is wrong with its value.
pub type LimitProblem = (&'static str, String);

/// Turns `[limits]` into what the optimiser reads.
///
/// # Errors
/// The first key whose figure is out of range, with a sentence.
pub fn read_limits(section: &LimitsSection) -> Result<Limits, LimitProblem> {
    let chip = section.chip_thickness_mm.unwrap_or_default();
    let positive = [
        ("limits.force_peak_xy_n", section.force_peak_xy_n),
        ("limits.force_peak_share", section.force_peak_share),
        ("limits.torque_n_m", section.torque_n_m),
        ("limits.spindle_power_kw", section.spindle_power_kw),
        ("limits.chip_thickness_mm", chip.min),
        ("limits.chip_thickness_mm", chip.max),
        ("limits.surface_cusp_mm", section.surface_cusp_mm),
        ("limits.deflection_mm", section.deflection_mm),
        ("limits.bending_stress_n_mm2", section.bending_stress_n_mm2),
    ];
    for (key, value) in positive {
        if value.is_some_and(|value| !(value > 0.0 && value < 1e9)) {
            return Err((key, format!("{} is not a limit, expected a number above 0", value.unwrap_or(0.0))));
        }
    }
    let feed = section.feed_override.unwrap_or(OVERRIDE_USUAL);
    let factor = |key, ratio: f64| {
        Override::floor_of_ratio(ratio)
            .filter(|factor| (0.01..=1.0).contains(&ratio) && *factor > Override::STOP)
            .ok_or_else(|| (key, format!("{ratio} is not a factor, expected 0.01 to 1.0")))
    };
    let factor_min = factor("limits.feed_override.min", feed.min)?;
    let factor_max = factor("limits.feed_override.max", feed.max)?;
    if factor_min > factor_max {
        return Err(("limits.feed_override", format!("min {} is above max {}", feed.min, feed.max)));
    }
    let step = factor("limits.feed_override.step", feed.step)?;
    if !(feed.slew_per_s > 0.0 && feed.slew_per_s <= 1000.0) {
        return Err(("limits.feed_override.slew_per_s", format!("{} is not a slew limit", feed.slew_per_s)));
    }
    let uncertainty = section.uncertainty.unwrap_or(UNCERTAINTY_USUAL);
    if !(0.0..=2.0).contains(&uncertainty) {
        return Err(("limits.uncertainty", format!("{uncertainty} is not a share, expected 0 to 2")));
    }
    Ok(Limits {
        force_peak_xy: section.force_peak_xy_n.map(Force::n),
        torque_max: section.torque_n_m.map(Torque::n_m),
        power_max: section.spindle_power_kw.map(|kw| Power::w(kw * 1e3)),
        chip_thickness_max: chip.max.map(Length::mm),
        chip_thickness_min: chip.min.map(Length::mm),
        deflection_max: section.deflection_mm.map(Length::mm),
        bending_stress_max: section.bending_stress_n_mm2.map(Stress::n_mm2),
        surface_cusp_max: section.surface_cusp_mm.map(Length::mm),
        spindle_duty: match section.spindle_duty {
            Some(DutyWord::S6) => SpindleDuty::S6,
            Some(DutyWord::S1) | None => SpindleDuty::S1,
        },
        factor_min,
        factor_max,
        step_permille: step.permille(),
        slew_per_s: feed.slew_per_s,
        hold_min: Length::mm(HOLD_MIN_MM),
        uncertainty,
        first_contact_factor: factor("limits.first_contact", section.first_contact.unwrap_or(1.0))?,
        first_contact_lead_radii: FIRST_CONTACT_LEAD_RADII,
        plunge_factor: factor("limits.plunge", section.plunge.unwrap_or(1.0))?,
        finish: section.finish_do_not_touch.iter().map(|entry| ToolNumber(entry.tool)).collect::<BTreeSet<_>>(),
        station_margin: Length::mm(STATION_MARGIN_MM),
    })
}

/// Shortest stretch at one factor: below a quarter of a millimetre a change is not felt by the drives.
const HOLD_MIN_MM: f64 = 0.25;
/// Slow-down before contact begins this many tool radii ahead (PROCESS.md: at least one).
const FIRST_CONTACT_LEAD_RADII: f64 = 1.0;
/// How far the true engagement may lie from the predicted station: cell size and sampling.
const STATION_MARGIN_MM: f64 = 0.2;
