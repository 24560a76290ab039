//! Whether readings have left what was learned: a two-sided sequential test.
//!
//! Readings are averaged over a second of the same kind, divided by what their error should be, and summed as
//! long as they lean to one side by more than half of the change that matters (Page's cumulative sum). A single second
//! counts for no more than [`BLOCK_MOST`]: an entry that comes a millimetre early is not a change.
//!
//! Source: Page 1954, *Continuous inspection schemes*; Basseville and Nikiforov, *Detection of Abrupt Changes*, ch. 2.

/// Time over which readings are averaged, s.
const BLOCK_S: f64 = 1.0;

/// Most that one average counts, in standard deviations.
const BLOCK_MOST: f64 = 4.0;

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
    residual_w: f64,
    expected_w: f64,
    blocks: u32,
}

/// The test over one kind of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ChangeTest {
    sides: [Side; 2],
    residual_w_s: f64,
    expected_w_s: f64,
    variance_w2_s: f64,
    time_s: f64,
}

impl ChangeTest {
    /// Takes a reading's residual, expected cutting power and variance, W and W², with the time it stands for. An average
    /// within `dead_w` of nothing is nothing: a reading that was rounded, however still it stands.
    pub(super) fn take(
        &mut self,
        threshold: &Threshold,
        dead_w: f64,
        (residual_w, expected_w, variance_w2): (f64, f64, f64),
        span_s: f64,
    ) -> Option<Change> {
        self.residual_w_s += residual_w * span_s;
        self.expected_w_s += expected_w * span_s;
        self.variance_w2_s += variance_w2 * span_s;
        self.time_s += span_s;
        // Ten tenths are a hair less than a second.
        if self.time_s < BLOCK_S - 1e-6 {
            return None;
        }
        let (residual_w, expected_w) = (self.residual_w_s / self.time_s, self.expected_w_s / self.time_s);
        let sigma_w = (self.variance_w2_s / self.time_s).sqrt();
        (self.residual_w_s, self.expected_w_s, self.variance_w2_s, self.time_s) = (0.0, 0.0, 0.0, 0.0);
        let beyond_w = (residual_w.abs() - dead_w).max(0.0) * residual_w.signum();
        let score = if sigma_w > 0.0 { (beyond_w / sigma_w).clamp(-BLOCK_MOST, BLOCK_MOST) } else { 0.0 };
        for (side, (sign, lean)) in self.sides.iter_mut().zip([(1.0, Lean::Above), (-1.0, Lean::Below)]) {
            side.sum = (side.sum + sign * score - threshold.slack).max(0.0);
            if side.sum == 0.0 {
                *side = Side::default();
                continue;
            }
            side.residual_w += residual_w;
            side.expected_w += expected_w;
            side.blocks += 1;
            if side.sum >= threshold.sum {
                let ratio = if side.expected_w > 0.0 { 1.0 + side.residual_w / side.expected_w } else { f64::INFINITY };
                return Some(Change { lean, ratio: ratio.max(0.0), for_s: f64::from(side.blocks) * BLOCK_S });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: Threshold = Threshold { slack: 0.75, sum: 10.0 };

    fn run(residuals_w: impl Iterator<Item = f64>) -> Option<(usize, Change)> {
        let mut test = ChangeTest::default();
        residuals_w.enumerate().find_map(|(tenth, residual)| {
            test.take(&THRESHOLD, 0.0, (residual, 1000.0, 900.0), 0.1).map(|change| (tenth, change))
        })
    }

    #[test]
    fn a_lasting_lean_is_found_with_its_side_and_ratio() {
        let check = |residual_w: f64, lean: Lean| {
            let (tenth, change) = run(std::iter::repeat_n(residual_w, 1000)).expect("found");
            assert_eq!(change.lean, lean);
            assert!((change.ratio - (1.0 + residual_w / 1000.0)).abs() < 1e-9, "{change:?}");
            // |score| − slack a second, up to the sum.
            let seconds = (10.0 / (residual_w.abs() / 30.0 - 0.75)).ceil();
            assert!((tenth as f64 / 10.0 - seconds).abs() <= 0.31, "after {tenth} tenths instead of {seconds} s");
        };
        check(90.0, Lean::Above);
        check(-60.0, Lean::Below);
    }

    #[test]
    fn what_stays_within_the_slack_and_a_single_burst_are_no_change() {
        assert_eq!(run(std::iter::repeat_n(20.0, 100_000)), None);
        assert_eq!(run((0..10_000).map(|tenth| if tenth % 300 < 20 { 900.0 } else { 0.0 })), None);
    }
}
