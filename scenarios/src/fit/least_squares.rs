//! Bounded, robust least squares for a handful of parameters.
//!
//! Levenberg's and Marquardt's method with derivatives by differences: the residuals come from a planner
//! whose passes take minima, so they bend but do not jump, and central differences over a step well above
//! its rounding see their trend. Steps are cut at the bounds. Residuals are given in units of their own
//! standard deviation and weighted by Huber's rule: beyond [`HUBER`] of them an outlier pulls no harder. All
//! sums run in index order, so that equal inputs give equal bits.
//!
//! Intervals come from the Jacobian at the end: covariance s²·(JᵀWJ)⁻¹, with s² from the residuals
//! themselves where they are larger than they were said to be (K. Madsen, H. B. Nielsen, O. Tingleff,
//! "Methods for non-linear least squares problems", 2004; P. J. Huber, "Robust Statistics", 1981).

/// Residual in standard deviations from which weights fall.
const HUBER: f64 = 2.0;
/// Share of a diagonal that is added before inverting.
const SINGULAR_GRAIN: f64 = 1e-9;
/// Most steps of the method.
const STEPS_MAX: usize = 40;
/// Most attempts at one step with more damping.
const ATTEMPTS_MAX: usize = 8;
/// Relative gain below which the method ends.
const GAIN_MIN: f64 = 1e-6;

/// One unknown, on a scale on which its steps are comparable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unknown {
    pub(super) start: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Step of the differences.
    pub(super) step: f64,
}

/// What the method found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Solution {
    pub(super) values: Vec<f64>,
    /// Standard deviation of each; infinite where the residuals do not depend on it.
    pub(super) deviations: Vec<f64>,
}

/// Minimises the robust sum of residuals. `residuals` gives as many numbers for any values, or `None` where
/// there is no prediction; then the step is not taken.
pub(super) fn solve(unknowns: &[Unknown], residuals: &mut dyn FnMut(&[f64]) -> Option<Vec<f64>>) -> Option<Solution> {
    let mut values: Vec<f64> = unknowns.iter().map(|unknown| unknown.start.clamp(unknown.low, unknown.high)).collect();
    let mut found = residuals(&values)?;
    let mut cost = robust(&found);
    let mut damping = 1e-2;
    for _ in 0..STEPS_MAX {
        let jacobian = jacobian(unknowns, &values, residuals)?;
        let (normal, gradient) = normal_equations(&jacobian, &found);
        let mut gained = 0.0;
        for _ in 0..ATTEMPTS_MAX {
            let mut damped = normal.clone();
            for (index, row) in damped.iter_mut().enumerate() {
                // What nothing depends on does not move.
                row[index] += if row[index] > 0.0 { damping * row[index] } else { 1.0 };
            }
            let Some(step) = inverse(&damped).map(|inverse| times(&inverse, &gradient)) else { break };
            let next: Vec<f64> = (0..values.len())
                .map(|index| (values[index] - step[index]).clamp(unknowns[index].low, unknowns[index].high))
                .collect();
            if let Some(there) = residuals(&next)
                && robust(&there) < cost
            {
                gained = (cost - robust(&there)) / cost;
                (cost, values, found) = (robust(&there), next, there);
                damping = (damping * 0.2).max(1e-9);
                break;
            }
            damping *= 5.0;
        }
        if gained < GAIN_MIN {
            break;
        }
    }
    let jacobian = jacobian(unknowns, &values, residuals)?;
    let (normal, _) = normal_equations(&jacobian, &found);
    let freedom = found.len().saturating_sub(values.len()).max(1) as f64;
    let variance = (2.0 * cost / freedom).max(1.0);
    let deviations = deviations(&normal, variance);
    Some(Solution { values, deviations })
}

/// Huber's sum of residuals.
fn robust(residuals: &[f64]) -> f64 {
    residuals.iter().map(|r| if r.abs() <= HUBER { 0.5 * r * r } else { HUBER * (r.abs() - 0.5 * HUBER) }).sum()
}

fn jacobian(
    unknowns: &[Unknown],
    values: &[f64],
    residuals: &mut dyn FnMut(&[f64]) -> Option<Vec<f64>>,
) -> Option<Vec<Vec<f64>>> {
    let mut columns = Vec::with_capacity(values.len());
    for (index, unknown) in unknowns.iter().enumerate() {
        let mut at = |offset: f64| {
            let mut moved = values.to_vec();
            moved[index] = (moved[index] + offset).clamp(unknown.low, unknown.high);
            residuals(&moved).map(|found| (moved[index], found))
        };
        let ((low, before), (high, after)) = (at(-unknown.step)?, at(unknown.step)?);
        let width = high - low;
        columns.push(before.iter().zip(&after).map(|(before, after)| (after - before) / width).collect());
    }
    Some(columns)
}

/// JᵀWJ and JᵀWr with Huber's weights.
fn normal_equations(columns: &[Vec<f64>], residuals: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let weights: Vec<f64> = residuals.iter().map(|r| if r.abs() <= HUBER { 1.0 } else { HUBER / r.abs() }).collect();
    let product = |a: &[f64], b: &[f64]| (0..weights.len()).map(|row| weights[row] * a[row] * b[row]).sum::<f64>();
    let normal = columns.iter().map(|a| columns.iter().map(|b| product(a, b)).collect()).collect();
    (normal, columns.iter().map(|column| product(column, residuals)).collect())
}

/// Standard deviations of what the residuals determine; infinite for the rest, which is taken out first.
fn deviations(normal: &[Vec<f64>], variance: f64) -> Vec<f64> {
    let seen: Vec<usize> = (0..normal.len()).filter(|index| normal[*index][*index] > 0.0).collect();
    // A grain on the diagonal gives parameters that only act together a large deviation instead of none.
    let grain = |row: usize, column: usize| if row == column { 1.0 + SINGULAR_GRAIN } else { 1.0 };
    let reduced: Vec<Vec<f64>> = seen
        .iter()
        .map(|row| seen.iter().map(|column| normal[*row][*column] * grain(*row, *column)).collect())
        .collect();
    let mut out = vec![f64::INFINITY; normal.len()];
    if let Some(inverse) = inverse(&reduced) {
        for (place, index) in seen.iter().enumerate() {
            out[*index] = (variance * inverse[place][place].max(0.0)).sqrt();
        }
    }
    out
}

/// Inverse of a symmetric positive definite matrix by Gauss and Jordan, scaled by its diagonal first;
/// `None` where it is singular to working precision.
fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    let scale: Vec<f64> =
        (0..size).map(|index| if matrix[index][index] > 0.0 { matrix[index][index].sqrt() } else { 1.0 }).collect();
    let mut work: Vec<Vec<f64>> = (0..size)
        .map(|row| {
            let scaled = (0..size).map(|column| matrix[row][column] / (scale[row] * scale[column]));
            scaled.chain((0..size).map(|column| if column == row { 1.0 } else { 0.0 })).collect()
        })
        .collect();
    for pivot in 0..size {
        let head = work[pivot][pivot];
        if head.abs() <= 1e-12 {
            return None;
        }
        work[pivot].iter_mut().for_each(|entry| *entry /= head);
        let pivot_row = work[pivot].clone();
        for (row, entries) in work.iter_mut().enumerate() {
            let factor = entries[pivot];
            if row != pivot && factor != 0.0 {
                entries.iter_mut().zip(&pivot_row).for_each(|(entry, above)| *entry -= factor * above);
            }
        }
    }
    Some(
        (0..size)
            .map(|row| (0..size).map(|column| work[row][size + column] / (scale[row] * scale[column])).collect())
            .collect(),
    )
}

fn times(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    fn unknown(start: f64) -> Unknown {
        Unknown { start, low: -1e6, high: 1e6, step: 1e-4 }
    }

    #[test]
    fn a_straight_line_is_found_with_its_textbook_deviations() {
        // y = 2 + 3x at x = 0..9 with unit deviations: variances 1/Sxx and 1/n + mean²/Sxx, Sxx = 82.5.
        let mut line =
            |p: &[f64]| Some((0..10).map(|x| p[0] + p[1] * f64::from(x) - (2.0 + 3.0 * f64::from(x))).collect());
        let found = solve(&[unknown(0.0), unknown(0.0)], &mut line).expect("solvable");
        assert!((found.values[0] - 2.0).abs() < 1e-6 && (found.values[1] - 3.0).abs() < 1e-6, "{found:?}");
        let expected = [(0.1 + 4.5 * 4.5 / 82.5f64).sqrt(), (1.0 / 82.5f64).sqrt()];
        for (found, expected) in found.deviations.iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
        }
    }

    #[test]
    fn bounds_hold_and_what_is_not_seen_is_endless() {
        let bounded = Unknown { low: 0.0, high: 1.5, ..unknown(1.0) };
        let mut far = |p: &[f64]| Some(vec![p[0] - 3.0, 2.0 * (p[0] - 3.0)]);
        let found = solve(&[bounded, unknown(7.0)], &mut far).expect("solvable");
        assert_eq!(found.values, [1.5, 7.0]);
        assert!(found.deviations[1].is_infinite());
    }

    #[test]
    fn a_tenth_of_outliers_moves_little() {
        let mut worst = 0f64;
        for seed in 0..50 {
            let mut rng = Rng::new(seed);
            let noise: Vec<f64> =
                (0..100).map(|k| rng.between(-1.0, 1.0) + if k % 10 == 0 { 100.0 } else { 0.0 }).collect();
            let mut mean = |p: &[f64]| Some(noise.iter().map(|n| p[0] - n).collect());
            let found = solve(&[unknown(0.0)], &mut mean).expect("solvable");
            worst = worst.max(found.values[0].abs());
        }
        assert!(worst < 0.6, "{worst}: a plain mean would be off by 10");
    }
}
