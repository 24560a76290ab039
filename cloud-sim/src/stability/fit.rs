//! Modes in a measured frequency response.
//!
//! Near a resonance the inverse of the response of one mode is a straight line over ω²: 1/G = k − m·ω² + i·c·ω, so that its
//! three figures follow by linear least squares from the points around a peak. Other modes are taken off before, and since
//! they are found in turn, the round is repeated until it settles. A point counts with |G|², which makes an error of
//! the inverse one of the response. New modes are looked for in what is left, until that is small or no peak is left.
//!
//! What is left in the end is the error of the fit: √(Σ|G − Ĝ|² / Σ|G|²). It is said, never hidden: the second method is worth
//! what the fit is.

use shared::machine::{FrequencyResponse, Mode, ResponsePoint};

/// Most modes that are looked for in one direction.
const MODES_MAX: usize = 4;
/// Share of the response that may be left over before another mode is looked for.
const ERROR_SMALL: f64 = 0.01;
/// Rounds in which all modes are fitted in turn.
const ROUNDS: usize = 25;
/// A mode is fitted to points at which the response is above this share of its peak.
const PEAK_SHARE: f64 = 0.35;

/// Modes found in a measured response.
#[derive(Clone, Debug, PartialEq)]
pub struct ModalFit {
    /// Modes by frequency; at least one.
    pub modes: Vec<Mode>,
    /// Share of the response that they leave over, root of the mean square.
    pub error: f64,
}

/// Finds modes in a response. `None` where it has no peak that a mode with damping and mass makes.
pub fn fit_modes(table: &FrequencyResponse) -> Option<ModalFit> {
    let points = table.points();
    let mut best: Option<ModalFit> = None;
    let mut modes: Vec<Mode> = Vec::new();
    while modes.len() < MODES_MAX {
        let Some(found) = strongest(&rest(points, &modes, None)) else { break };
        modes.push(found);
        settle(points, &mut modes);
        let fit = ModalFit { modes: modes.clone(), error: error(points, &modes) };
        // A mode that does not help is noise.
        if best.as_ref().is_some_and(|best| fit.error > 0.8 * best.error) {
            break;
        }
        let small = fit.error < ERROR_SMALL;
        best = Some(fit);
        if small {
            break;
        }
    }
    best.map(|mut fit| {
        fit.modes.sort_by(|a, b| a.frequency_hz.total_cmp(&b.frequency_hz));
        fit
    })
}

/// The response without the modes, one of them kept.
fn rest(points: &[ResponsePoint], modes: &[Mode], kept: Option<usize>) -> Vec<ResponsePoint> {
    let others = || modes.iter().enumerate().filter(|(index, _)| Some(*index) != kept).map(|(_, mode)| mode);
    let without = |point: &ResponsePoint| {
        let omega = std::f64::consts::TAU * point.frequency_hz;
        let value = others().fold(point.value_m_n, |left, mode| {
            let value = mode.response_m_n(omega);
            [left[0] - value[0], left[1] - value[1]]
        });
        ResponsePoint { value_m_n: value, ..*point }
    };
    points.iter().map(without).collect()
}

fn square(value: [f64; 2]) -> f64 {
    value[0] * value[0] + value[1] * value[1]
}

fn error(points: &[ResponsePoint], modes: &[Mode]) -> f64 {
    let sum = |points: &[ResponsePoint]| points.iter().map(|point| square(point.value_m_n)).sum::<f64>();
    let whole = sum(points);
    if whole > 0.0 { (sum(&rest(points, modes, None)) / whole).sqrt() } else { 0.0 }
}

/// Fits every mode in turn to what the others leave, until nothing moves.
fn settle(points: &[ResponsePoint], modes: &mut [Mode]) {
    for _ in 0..ROUNDS {
        let before = modes.to_vec();
        for index in 0..modes.len() {
            let left = rest(points, modes, Some(index));
            if let Some(mode) = around(&left, modes[index].frequency_hz) {
                modes[index] = mode;
            }
        }
        let still = |(a, b): (&Mode, &Mode)| {
            (a.frequency_hz / b.frequency_hz - 1.0).abs() < 1e-9 && (a.mass_kg / b.mass_kg - 1.0).abs() < 1e-7
        };
        if before.iter().zip(modes.iter()).all(still) {
            return;
        }
    }
}

/// The mode at the deepest imaginary part.
fn strongest(points: &[ResponsePoint]) -> Option<Mode> {
    let inner = points.get(1..points.len() - 1)?;
    let deepest = inner.iter().min_by(|a, b| a.value_m_n[1].total_cmp(&b.value_m_n[1]))?;
    if deepest.value_m_n[1] < 0.0 { around(points, deepest.frequency_hz) } else { None }
}

/// The mode around a frequency, by weighted least squares on the inverse of the response.
fn around(points: &[ResponsePoint], near_hz: f64) -> Option<Mode> {
    let peak = nearest_peak(points, near_hz)?;
    let floor = PEAK_SHARE * PEAK_SHARE * square(points[peak].value_m_n);
    let high = |point: &ResponsePoint| square(point.value_m_n) >= floor;
    let first = points[..peak].iter().rposition(|point| !high(point)).map_or(0, |index| index + 1);
    let last = points[peak..].iter().position(|point| !high(point)).map_or(points.len(), |index| peak + index);
    // A sharp peak between few points still has its two neighbours.
    let range = first.min(peak.saturating_sub(1))..last.max((peak + 2).min(points.len()));
    // Sums of w, w·ω², w·ω⁴, w·Re, w·Re·ω², w·ω·Im with frequencies relative to the peak.
    let scale = std::f64::consts::TAU * points[peak].frequency_hz;
    let mut sums = [0.0; 6];
    for point in &points[range] {
        let size = square(point.value_m_n);
        if size <= 0.0 {
            continue;
        }
        let inverse = [point.value_m_n[0] / size, -point.value_m_n[1] / size];
        let omega = std::f64::consts::TAU * point.frequency_hz / scale;
        let (weight, square) = (size * size, omega * omega);
        let terms = [1.0, square, square * square, inverse[0], inverse[0] * square, omega * inverse[1]];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
    }
    let [one, two, four, real, real_two, imaginary] = sums;
    let spread = one * four - two * two;
    if spread <= 1e-14 * one * four || two <= 0.0 {
        return None;
    }
    let stiffness = (real * four - real_two * two) / spread;
    let mass = (real * two - real_two * one) / spread / (scale * scale);
    let damping = imaginary / two / scale;
    if !(stiffness > 0.0 && mass > 0.0 && damping > 0.0) {
        return None;
    }
    let natural = (stiffness / mass).sqrt();
    let mode = Mode {
        frequency_hz: natural / std::f64::consts::TAU,
        damping_ratio: damping / (2.0 * mass * natural),
        mass_kg: mass,
    };
    mode.is_sound().then_some(mode)
}

/// Index of the point with the deepest imaginary part within a tenth of a frequency.
fn nearest_peak(points: &[ResponsePoint], near_hz: f64) -> Option<usize> {
    let near = |point: &ResponsePoint| (point.frequency_hz / near_hz - 1.0).abs() <= 0.1;
    let candidates = points.iter().enumerate().filter(|(_, point)| near(point) && point.value_m_n[1] < 0.0);
    candidates.min_by(|a, b| a.1.value_m_n[1].total_cmp(&b.1.value_m_n[1])).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    fn table(modes: &[Mode], step_hz: f64, noise: f64, rng: &mut Rng) -> FrequencyResponse {
        let point = |i: u32| {
            let frequency_hz = 100.0 + f64::from(i) * step_hz;
            let omega = std::f64::consts::TAU * frequency_hz;
            let mut value_m_n = [0.0; 2];
            for mode in modes {
                let value = mode.response_m_n(omega);
                (0..2).for_each(|part| value_m_n[part] += value[part]);
            }
            let value_m_n = value_m_n.map(|value| value * (1.0 + rng.between(-noise, noise)));
            ResponsePoint { frequency_hz, value_m_n }
        };
        FrequencyResponse::new((0..(3900.0 / step_hz) as u32).map(point).collect()).expect("rising")
    }

    fn near(found: &Mode, expected: &Mode, share: f64) -> bool {
        let pairs = [
            (found.frequency_hz, expected.frequency_hz),
            (found.damping_ratio, expected.damping_ratio),
            (found.mass_kg, expected.mass_kg),
        ];
        pairs.iter().all(|(a, b)| (a / b - 1.0).abs() <= share)
    }

    #[test]
    fn one_mode_is_found_exactly() {
        let mode = Mode { frequency_hz: 922.0, damping_ratio: 0.011, mass_kg: 0.03993 };
        let fit = fit_modes(&table(&[mode], 2.0, 0.0, &mut Rng::new(1))).expect("a peak");
        assert!(fit.modes.len() == 1 && near(&fit.modes[0], &mode, 1e-6) && fit.error < 1e-6, "{fit:?}");
    }

    #[test]
    fn random_modes_are_found_again_under_noise() {
        let mut rng = Rng::new(7);
        for case in 0..40 {
            let first = Mode {
                frequency_hz: rng.between(400.0, 900.0),
                damping_ratio: rng.between(0.01, 0.05),
                mass_kg: rng.between(0.1, 2.0),
            };
            let second = Mode {
                frequency_hz: rng.between(1400.0, 3000.0),
                damping_ratio: rng.between(0.01, 0.05),
                // As stiff as the first or up to three times as stiff: a weaker one hides in the noise.
                mass_kg: 0.0,
            };
            let stiffness = first.stiffness_n_m() * rng.between(1.0, 3.0);
            let natural = second.natural_rad_s();
            let second = Mode { mass_kg: stiffness / (natural * natural), ..second };
            let fit = fit_modes(&table(&[first, second], 2.0, 0.02, &mut rng)).expect("two peaks");
            let found = |mode: &Mode| fit.modes.iter().any(|other| near(other, mode, 0.08));
            assert!(found(&first) && found(&second), "case {case}: {first:?} {second:?} in {fit:?}");
            assert!(fit.error < 0.05, "case {case}: {}", fit.error);
        }
    }

    #[test]
    fn a_response_without_a_peak_has_no_mode() {
        let flat = |i: u32| ResponsePoint { frequency_hz: f64::from(i + 1), value_m_n: [1e-6, 1e-9] };
        assert_eq!(fit_modes(&FrequencyResponse::new((0..50).map(flat).collect()).expect("rising")), None);
    }
}
