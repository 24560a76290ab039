//! Whether readings have left what was learned: a two-sided sequential test.
//!
//! Averages of readings ([`super::batch`]) are divided by what their error should be, and summed as long as they lean
//! to one side by more than half of the change that matters (Page's cumulative sum). A single average counts for no
//! more than [`SCORE_MOST`]: an entry that comes a millimetre early is not a change.
//!
//! Source: Page 1954, *Continuous inspection schemes*; Basseville and Nikiforov, *Detection of Abrupt Changes*, ch. 2.

/// Most that one average counts, in standard deviations.
const SCORE_MOST: f64 = 4.0;

/// Share of the sum of a change from which one is being weighed.
const WEIGHING_SHARE: f64 = 0.4;

/// Which way readings lean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lean {
    Above,
    Below,
}

/// A change that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) lean: Lean,
    /// Mean reading since it began, over what was expected; both without idle.
    pub(super) ratio: f64,
    /// Since the sum began to grow, s of readings.
    pub(super) for_s: f64,
}

/// Thresholds of the test, in standard deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// What an average may lean without being counted.
    pub slack: f64,
    /// Sum at which it is a change.
    pub sum: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Side {
    sum: f64,
    residual_w_s: f64,
    expected_w_s: f64,
    time_s: f64,
}

/// An average held against its prediction, W and W².
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Residual {
    /// Reading less prediction.
    pub(super) residual_w: f64,
    /// Predicted cutting power.
    pub(super) expected_w: f64,
    /// Variance of the difference.
    pub(super) variance_w2: f64,
    /// A difference within this is none.
    pub(super) dead_w: f64,
    /// How long the average is, s.
    pub(super) time_s: f64,
}

impl Residual {
    /// Standard deviations by which it lies beyond nothing, up to [`SCORE_MOST`].
    fn score(&self) -> f64 {
        let sigma_w = self.variance_w2.sqrt();
        let beyond_w = (self.residual_w.abs() - self.dead_w).max(0.0) * self.residual_w.signum();
        if sigma_w > 0.0 { (beyond_w / sigma_w).clamp(-SCORE_MOST, SCORE_MOST) } else { 0.0 }
    }

    /// True where it lies so far out that it is no error of what is being learned.
    pub(super) fn is_outlier(&self) -> bool {
        self.score().abs() >= SCORE_MOST
    }
}

/// The test over one kind of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ChangeTest {
    sides: [Side; 2],
}

impl ChangeTest {
    /// Nothing seen.
    pub(super) const NONE: Self = {
        const SIDE: Side = Side { sum: 0.0, residual_w_s: 0.0, expected_w_s: 0.0, time_s: 0.0 };
        Self { sides: [SIDE; 2] }
    };

    /// True while a change is being weighed: what is learned meanwhile would explain it away.
    pub(super) fn is_weighing(&self, threshold: &Threshold) -> bool {
        self.sides.iter().any(|side| side.sum > WEIGHING_SHARE * threshold.sum)
    }

    pub(super) fn take(&mut self, threshold: &Threshold, average: &Residual) -> Option<Change> {
        let Residual { residual_w, expected_w, time_s, .. } = *average;
        let score = average.score();
        for (side, (sign, lean)) in self.sides.iter_mut().zip([(1.0, Lean::Above), (-1.0, Lean::Below)]) {
            side.sum = (side.sum + sign * score - threshold.slack).max(0.0);
            if side.sum == 0.0 {
                *side = Side::default();
                continue;
            }
            side.residual_w_s += residual_w * time_s;
            side.expected_w_s += expected_w * time_s;
            side.time_s += time_s;
            if side.sum >= threshold.sum {
                let whole_w_s = side.expected_w_s;
                let ratio = if whole_w_s > 0.0 { 1.0 + side.residual_w_s / whole_w_s } else { f64::INFINITY };
                return Some(Change { lean, ratio: ratio.max(0.0), for_s: side.time_s });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: Threshold = Threshold { slack: 0.75, sum: 10.0 };

    /// Averages of a second.
    fn run(residuals_w: impl Iterator<Item = f64>) -> Option<(usize, Change)> {
        let mut test = ChangeTest::default();
        residuals_w.enumerate().find_map(|(second, residual_w)| {
            let average = Residual { residual_w, expected_w: 1000.0, variance_w2: 900.0, dead_w: 0.0, time_s: 1.0 };
            test.take(&THRESHOLD, &average).map(|change| (second, change))
        })
    }

    #[test]
    fn a_lasting_lean_is_found_with_its_side_and_ratio() {
        let check = |residual_w: f64, lean: Lean| {
            let (second, change) = run(std::iter::repeat_n(residual_w, 1000)).expect("found");
            assert_eq!(change.lean, lean);
            assert!((change.ratio - (1.0 + residual_w / 1000.0)).abs() < 1e-9, "{change:?}");
            // |score| − slack a second, up to the sum.
            let seconds = (10.0 / (residual_w.abs() / 30.0 - 0.75)).ceil();
            assert!((second as f64 + 1.0 - seconds).abs() < 1e-9, "after {} s instead of {seconds}", second + 1);
        };
        check(90.0, Lean::Above);
        check(-60.0, Lean::Below);
    }

    #[test]
    fn what_stays_within_the_slack_and_a_single_burst_are_no_change() {
        assert_eq!(run(std::iter::repeat_n(20.0, 100_000)), None);
        assert_eq!(run((0..10_000).map(|second| if second % 30 < 2 { 900.0 } else { 0.0 })), None);
    }
}
