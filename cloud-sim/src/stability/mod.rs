//! Regenerative stability of milling: at which speed and depth a cut chatters.
//!
//! A tooth cuts the wave the tooth before it left; at some depths the wave grows. Two methods, which have to agree
//! before anyone is told to change a speed:
//!
//! * [`zeroth_order`] (Altintas and Budak 1995) replaces the turning directional factors by their mean. Closed, quick, and
//!   right at high immersion; at low immersion it misses the flip lobes and is too optimistic.
//! * [`largest_multiplier`] (semi-discretisation, Insperger and Stépán) advances the delay equation over one tooth
//!   period; the cut is stable where the largest multiplier of that map is below one.
//!
//! Stability limits speed and depth, never the feed: chips cancel out of both methods. What the room does not
//! know: where a frequency response comes from. The zeroth order takes a measured one as it is; the second method needs
//! modes, which [`fit_modes`] finds in it.

mod fit;
mod limit;
mod risk;
mod semi;
mod zeroth;

pub use fit::{ModalFit, fit_modes};
pub use limit::{
    DEPTH_MAX, SPEED_CHANGE_MAX, SpeedLimit, Suggestion, band_hz, depth_limit, limit_at, speed_suggestion,
};
pub use risk::{ChatterRisk, ChatterSurvey, chatter_survey};
pub use semi::largest_multiplier;
pub use shared::machine::{Mode, TipResponse};
pub use zeroth::{Lobe, lowest_limit, zeroth_order};

use shared::units::{Length, Stress};

/// A cutter in a cut, as far as chatter is concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatterCut {
    /// The tip along the feed.
    pub x: TipResponse,
    /// The tip across the feed.
    pub y: TipResponse,
    /// K_tc.
    pub k_tc: Stress,
    /// K_rc.
    pub k_rc: Stress,
    /// N.
    pub flutes: u32,
    /// φ_st in rad.
    pub start_rad: f64,
    /// φ_ex in rad.
    pub exit_rad: f64,
}

impl ChatterCut {
    /// The same cut with modes in place of measured responses, and the greatest error of their fits (zero where nothing was
    /// fitted). `None` where a measured response shows no mode.
    pub fn modal(&self) -> Option<(Self, f64)> {
        let mut error = 0.0f64;
        let mut modal = |tip: &TipResponse| match tip {
            TipResponse::Measured(table) => {
                let fit = fit_modes(table)?;
                error = error.max(fit.error);
                Some(TipResponse::Modes(fit.modes))
            }
            known => Some(known.clone()),
        };
        let (x, y) = (modal(&self.x)?, modal(&self.y)?);
        Some((Self { x, y, ..self.clone() }, error))
    }
}

/// A depth a_p from metres.
fn depth(depth_m: f64) -> Length {
    Length::mm(depth_m * 1e3)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A test may take the platform's functions as an oracle.
mod tests {
    use super::*;
    use shared::units::RotaryVelocity;
    use std::f64::consts::PI;

    pub(super) const MODE: Mode = Mode { frequency_hz: 922.0, damping_ratio: 0.011, mass_kg: 0.03993 };

    /// PROCESS.md section 4: one mode along the feed, two teeth, slot.
    pub(super) fn reference() -> ChatterCut {
        ChatterCut {
            x: TipResponse::Modes(vec![MODE]),
            y: TipResponse::Rigid,
            k_tc: Stress::n_mm2(600.0),
            k_rc: Stress::n_mm2(200.0),
            flutes: 2,
            start_rad: 0.0,
            exit_rad: PI,
        }
    }

    #[test]
    fn reference_minimum_of_the_zeroth_order() {
        let lowest = lowest_limit(&reference(), (800.0, 1200.0), 40_000).expect("a limit");
        assert!((lowest.depth.as_mm() / 0.29805 - 1.0).abs() < 5e-3, "{lowest:?}");
        assert!((lowest.frequency_hz / 932.09 - 1.0).abs() < 5e-3, "{lowest:?}");
    }

    #[test]
    fn reference_multiplier_of_the_semi_discretisation() {
        let spindle = RotaryVelocity::rev_s(5000.0 / 60.0);
        let multiplier = largest_multiplier(&reference(), spindle, Length::mm(0.5), 200).expect("a turning spindle");
        assert!((multiplier - 1.0727).abs() < 0.002, "{multiplier}");
    }

    #[test]
    fn both_methods_meet_in_a_slot() {
        // The slot of two teeth has a constant directional factor along x in the mean; off the flip lobes
        // the multiplier crosses one near the zeroth order's limit.
        let cut = reference();
        for rev_min in [3000.0, 4200.0, 7000.0] {
            let spindle = RotaryVelocity::rev_s(rev_min / 60.0);
            let limit = zeroth_order(&cut, spindle, (600.0, 2400.0), 20_000).expect("a limit").depth;
            let at = |share: f64| largest_multiplier(&cut, spindle, limit * share, 160).expect("turns");
            assert!(at(0.5) < 1.0 && at(2.0) > 1.0, "{rev_min}/min: {limit} {} {}", at(0.5), at(2.0));
        }
    }

    #[test]
    fn two_equal_modes_chatter_no_later_than_one() {
        let one = reference();
        let two = ChatterCut { y: one.x.clone(), ..one.clone() };
        let limit = |cut: &ChatterCut| lowest_limit(cut, (800.0, 1200.0), 20_000).expect("a limit").depth;
        assert!(limit(&two) <= limit(&one), "{} {}", limit(&two), limit(&one));
        let free = largest_multiplier(&two, RotaryVelocity::rev_s(80.0), Length::ZERO, 80).expect("turns");
        // Without a cut the modes ring down: e^(−ζ·ω_n·τ).
        let tau = 1.0 / 160.0;
        let ring = (-0.011 * MODE.natural_rad_s() * tau).exp();
        assert!((free / ring - 1.0).abs() < 1e-4, "{free} against {ring}");
        assert_eq!(largest_multiplier(&two, RotaryVelocity::ZERO, Length::ZERO, 80), None);
    }

    #[test]
    fn two_modes_in_one_direction_are_what_their_sum_is() {
        // Two equal modes of double mass, side by side, give way as one: both methods must see no difference.
        let one = reference();
        let half = Mode { mass_kg: 2.0 * MODE.mass_kg, ..MODE };
        let two = ChatterCut { x: TipResponse::Modes(vec![half, half]), ..one.clone() };
        let spindle = RotaryVelocity::rev_s(5000.0 / 60.0);
        let multiplier = |cut: &ChatterCut| largest_multiplier(cut, spindle, Length::mm(0.5), 200).expect("turns");
        assert!((multiplier(&one) / multiplier(&two) - 1.0).abs() < 1e-6, "{} {}", multiplier(&one), multiplier(&two));
        let lowest = |cut: &ChatterCut| lowest_limit(cut, (800.0, 1200.0), 20_000).expect("a limit").depth.as_mm();
        assert!((lowest(&one) / lowest(&two) - 1.0).abs() < 1e-9);
    }

    /// Largest |x| over the last fifth of a time-domain run divided by that of the second fifth, mode along x only:
    /// Euler-Cromer on the delay equation itself, with the delayed position from a buffer. Shares nothing with
    /// the map but the equation.
    fn time_domain_growth(cut: &ChatterCut, spindle: RotaryVelocity, depth: Length) -> f64 {
        let mode = MODE;
        let per_period = 4000usize;
        let periods = 500usize;
        let dt = 1.0 / (spindle.as_rev_s() * f64::from(cut.flutes)) / per_period as f64;
        let natural = mode.natural_rad_s();
        let mut past = vec![0.0f64; per_period];
        let (mut x, mut v) = (1e-6f64, 0.0f64);
        let mut fifths = [0.0f64; 5];
        for step in 0..periods * per_period {
            let phase = (step % per_period) as f64 / per_period as f64;
            let mut h = 0.0;
            for tooth in 0..cut.flutes {
                let turn = (phase + f64::from(tooth)) / f64::from(cut.flutes);
                let phi = turn * 2.0 * PI;
                if (cut.start_rad..=cut.exit_rad).contains(&phi) {
                    let (k_t, k_r) = (cut.k_tc.as_n_mm2() * 1e6, cut.k_rc.as_n_mm2() * 1e6);
                    let (sin, cos) = shared::det::math::sin_cos(phi);
                    h += sin * (k_t * cos + k_r * sin);
                }
            }
            let delayed = past[step % per_period];
            past[step % per_period] = x;
            let force = -depth.as_mm() * 1e-3 * h * (x - delayed);
            v += dt * (force / mode.mass_kg - natural * natural * x - 2.0 * mode.damping_ratio * natural * v);
            x += dt * v;
            let fifth = &mut fifths[step * 5 / (periods * per_period)];
            *fifth = fifth.max(x.abs());
        }
        fifths[4] / fifths[1]
    }

    #[test]
    fn the_delay_equation_decays_below_the_boundary_and_grows_above_it() {
        // Slot, half immersion up and down, at two speeds each; the boundary is found by halving the depth.
        let cells = [(0.0, PI), (0.0, PI / 2.0), (PI / 2.0, PI)];
        for (start_rad, exit_rad) in cells {
            for rev_min in [5000.0, 9500.0] {
                let cut = ChatterCut { start_rad, exit_rad, ..reference() };
                let spindle = RotaryVelocity::rev_s(rev_min / 60.0);
                let unstable =
                    |depth_mm: f64| largest_multiplier(&cut, spindle, Length::mm(depth_mm), 200).expect("turns") > 1.0;
                let mut above = 0.05;
                while !unstable(above) {
                    above *= 1.3;
                    assert!(above < 50.0, "no boundary at {rev_min}/min");
                }
                let mut below = above / 1.3;
                for _ in 0..10 {
                    let middle = (below + above) / 2.0;
                    if unstable(middle) { above = middle } else { below = middle }
                }
                let growth = |share: f64| time_domain_growth(&cut, spindle, Length::mm(above * share));
                let (under, over) = (growth(0.98), growth(1.02));
                assert!(under < 1.0 && over > 1.0, "{rev_min}/min {start_rad}: {above} mm, {under} and {over}");
            }
        }
    }
}
