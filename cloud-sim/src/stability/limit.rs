//! Limit depth at a speed by both methods, and which other speed may be suggested.
//!
//! A suggestion has to be confirmed: the second method, which misses no flip lobe, must find the cut stable at more than
//! the depth that is cut, at the suggested speed. The zeroth order alone never suggests anything; where it does not agree it
//! only takes away, as long as the immersion is high enough for it. No suggestion goes beyond ±10 %, because a tool
//! and a material have a speed they are meant for; without a response there is nothing to suggest from, and nobody
//! should change a speed by more than ±5 % then.

use shared::units::{Length, RotaryVelocity};

use super::{ChatterCut, Lobe, largest_multiplier, lowest_limit, zeroth_order};

/// Deepest a_p that is tried.
pub const DEPTH_MAX: Length = Length::mm(100.0);

/// Greatest change of a speed that is suggested, as a share.
pub const SPEED_CHANGE_MAX: f64 = 0.10;

/// a_e/D below which the zeroth order is not asked: it misses the flip lobes there.
const LOW_IMMERSION: f64 = 0.25;

/// Steps of the chatter frequency in the zeroth order.
const FREQUENCY_STEPS: u32 = 20_000;
/// The same where many speeds are looked through.
const FREQUENCY_STEPS_COARSE: u32 = 4000;
/// Intervals of a tooth period in the semi-discretisation: at least twenty to a vibration, within these.
const INTERVALS: (u32, u32) = (60, 400);
/// A suggested speed has to bear this many times the depth that is cut.
const DEPTH_RESERVE: f64 = 1.1;
/// Speeds looked at on each side.
const CANDIDATES: u32 = 10;

/// Limit depths at one speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedLimit {
    /// By the zeroth order; `None` where no lobe crosses this speed.
    pub zeroth: Option<Lobe>,
    /// By semi-discretisation; `None` where the cut is stable up to [`DEPTH_MAX`].
    pub semi: Option<Length>,
}

/// A speed at which a cut would not chatter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// Speed.
    pub spindle: RotaryVelocity,
    /// Depth at which the second method has found it stable.
    pub stable_at: Length,
    /// Limit by the zeroth order; `None` where it knows none, or is not asked because of the low immersion.
    pub zeroth: Option<Length>,
}

/// Frequencies in which chatter is looked for; `None` where both directions are rigid.
pub fn band_hz(cut: &ChatterCut) -> Option<(f64, f64)> {
    let bands = [cut.x.band_hz(), cut.y.band_hz()];
    let band = bands.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    // In measured directions nothing is known outside the band, so that there lobes end by themselves.
    band.filter(|band| band.0 < band.1)
}

/// Limits of a cut at a speed by both methods. The cut as it is goes into the zeroth order, `modal` ([`ChatterCut::modal`])
/// into the semi-discretisation. `None` where the spindle stands or nothing gives way.
pub fn limit_at(cut: &ChatterCut, modal: &ChatterCut, spindle: RotaryVelocity) -> Option<SpeedLimit> {
    let band = band_hz(cut)?;
    if spindle == RotaryVelocity::ZERO {
        return None;
    }
    let start = lowest_limit(cut, band, FREQUENCY_STEPS_COARSE).map_or(0.01, |lobe| lobe.depth.as_mm() * 0.2);
    Some(SpeedLimit {
        zeroth: zeroth_order(cut, spindle, band, FREQUENCY_STEPS),
        semi: depth_limit(modal, spindle, Length::mm(start)),
    })
}

/// Largest multiplier with as many intervals as the highest mode asks for.
pub(super) fn multiplier(modal: &ChatterCut, spindle: RotaryVelocity, depth: Length) -> Option<f64> {
    // The band of modes ends at four times the highest.
    let highest_hz = band_hz(modal)?.1 / 4.0;
    let period_s = 1.0 / (spindle.abs().as_rev_s() * f64::from(modal.flutes));
    let intervals = ((20.0 * highest_hz * period_s).ceil() as u32).clamp(INTERVALS.0, INTERVALS.1);
    largest_multiplier(modal, spindle, depth, intervals)
}

/// The lowest depth at which the largest multiplier reaches one, to a thousandth: depths are tried upwards from `start` in
/// steps of 5 %, because an island of chatter may lie below a stable stretch; `None` where the cut is stable up to
/// [`DEPTH_MAX`], or where nothing is known.
pub fn depth_limit(modal: &ChatterCut, spindle: RotaryVelocity, start: Length) -> Option<Length> {
    let unstable = |depth: Length| multiplier(modal, spindle, depth).is_some_and(|mu| mu > 1.0);
    let (mut below, mut above) = (Length::ZERO, start);
    while !unstable(above) {
        if above >= DEPTH_MAX {
            return None;
        }
        (below, above) = (above, (above * 1.05).min(DEPTH_MAX));
    }
    while above - below > above * 1e-3 {
        let middle = (below + above) * 0.5;
        if unstable(middle) { above = middle } else { below = middle }
    }
    Some(above)
}

/// The nearest speed within ±[`SPEED_CHANGE_MAX`] and at most `speed_max` at which a depth is held with reserve. `None` where
/// there is none, or where the cut does not chatter as it is.
pub fn speed_suggestion(
    cut: &ChatterCut,
    modal: &ChatterCut,
    spindle: RotaryVelocity,
    depth: Length,
    speed_max: RotaryVelocity,
) -> Option<Suggestion> {
    let band = band_hz(cut)?;
    if multiplier(modal, spindle, depth)? <= 1.0 {
        return None;
    }
    // Share of the arc in material: a_e/D of the same arc in side milling.
    let immersion = (1.0 - shared::det::math::cos(cut.exit_rad - cut.start_rad)) / 2.0;
    let wanted = depth * DEPTH_RESERVE;
    for step in 1..=CANDIDATES {
        let change = SPEED_CHANGE_MAX * f64::from(step) / f64::from(CANDIDATES);
        for factor in [1.0 - change, 1.0 + change] {
            let speed = spindle * factor;
            if speed.abs() > speed_max {
                continue;
            }
            let asked = immersion >= LOW_IMMERSION;
            let zeroth = asked.then(|| zeroth_order(cut, speed, band, FREQUENCY_STEPS_COARSE)).flatten();
            let zeroth = zeroth.map(|lobe| lobe.depth);
            if zeroth.is_some_and(|limit| limit < wanted) {
                continue;
            }
            // Islands of chatter lie below stable depths: what is cut has to be stable too, not only what is wanted.
            let stable = |depth: Length| multiplier(modal, speed, depth).is_some_and(|mu| mu < 1.0);
            if stable(depth) && stable(wanted) {
                return Some(Suggestion { spindle: speed, stable_at: wanted, zeroth });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::reference;
    use super::super::{TipResponse, fit_modes};
    use super::*;
    use shared::machine::{FrequencyResponse, ResponsePoint};
    use std::f64::consts::PI;

    #[test]
    fn a_measured_response_gives_the_limits_of_the_modes_it_was_made_of() {
        let modes = reference();
        let point = |i: u32| {
            let frequency_hz = 300.0 + f64::from(i) * 0.5;
            ResponsePoint { frequency_hz, value_m_n: modes.x.at(frequency_hz).expect("modes are known everywhere") }
        };
        let table = FrequencyResponse::new((0..6000).map(point).collect()).expect("rising");
        assert!(fit_modes(&table).expect("a peak").error < 1e-3);
        let measured = ChatterCut { x: TipResponse::Measured(table), ..modes.clone() };
        let (modal, error) = measured.modal().expect("a peak");
        assert!(error < 1e-3);
        for rpm in [5000.0, 9000.0] {
            let spindle = RotaryVelocity::rev_s(rpm / 60.0);
            let found = limit_at(&measured, &modal, spindle).expect("limits");
            let expected = limit_at(&modes, &modes, spindle).expect("limits");
            let near = |a: Length, b: Length| (a / b - 1.0).abs() < 1e-2;
            let (a, b) = (found.zeroth.expect("a lobe"), expected.zeroth.expect("a lobe"));
            assert!(near(a.depth, b.depth), "{a:?} {b:?}");
            assert!(near(found.semi.expect("a limit"), expected.semi.expect("a limit")), "{found:?} {expected:?}");
        }
        // The second method has no modes to work with before they are fitted.
        assert_eq!(depth_limit(&measured, RotaryVelocity::rev_s(80.0), Length::mm(99.0)), None);
    }

    #[test]
    fn every_suggestion_is_stable_by_the_second_method_and_near() {
        let (mut suggested, mut without) = (0, 0);
        for (start_rad, exit_rad) in [(0.0, PI), (0.0, PI / 2.0), (2.7, PI)] {
            let cut = ChatterCut { start_rad, exit_rad, ..reference() };
            for rpm in [5000.0, 6500.0, 8500.0, 10_500.0, 16_000.0] {
                let spindle = RotaryVelocity::rev_s(rpm / 60.0);
                let Some(limit) = limit_at(&cut, &cut, spindle).and_then(|limit| limit.semi) else { continue };
                let below = speed_suggestion(&cut, &cut, spindle, limit * 0.97, RotaryVelocity::rev_s(1000.0));
                assert_eq!(below, None, "{rpm}: a stable cut needs no other speed");
                let depth = limit * 1.05;
                let Some(found) = speed_suggestion(&cut, &cut, spindle, depth, RotaryVelocity::rev_s(1000.0)) else {
                    without += 1;
                    continue;
                };
                suggested += 1;
                assert!((found.spindle / spindle - 1.0).abs() <= SPEED_CHANGE_MAX + 1e-12, "{found:?}");
                let mu = multiplier(&cut, found.spindle, depth).expect("turns");
                assert!(mu < 1.0 && found.stable_at >= depth, "{rpm}: {mu}");
                let slow = speed_suggestion(&cut, &cut, spindle, depth, spindle);
                assert!(slow.is_none_or(|slow| slow.spindle <= spindle), "beyond the spindle's greatest speed");
            }
        }
        assert!(suggested > 3 && without > 0, "{suggested} suggested, {without} not");
    }
}
