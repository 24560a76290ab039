//! The bounded recursive estimate of what a chip costs.
//!
//! Three unknowns: a factor on the cutting coefficients, a factor on the edge coefficients, and the share by which
//! the idle power has drifted. A reading is linear in them, so a Kalman filter with a slow random walk (which is
//! recursive least squares with forgetting, with the forgetting in the unit of the unknowns) is exact. Two things are
//! added. Both factors start as nearly the same unknown: a harder material raises both, and only a change of feed or
//! immersion tells them apart. And all unknowns have bounds that no reading can push them beyond.
//!
//! Errors of prediction last for a while, and a reading in whole steps shows the same error as long as the load stands:
//! readings closer than [`CORRELATED_S`], and for the step those closer than [`STANDING_S`], share one error and count
//! together as one. Otherwise a standing load would seem known ever better, to a step that is wrong.
//!
//! Source: Altintas, *Manufacturing Automation*, 2nd ed., section 2.8 (mean forces are linear in the coefficients).

/// Cutting factor, edge factor, drift of the idle power.
const UNKNOWNS: usize = 3;

/// Standard deviation of both factors before anything was measured.
const PRIOR_SIGMA: f64 = 0.3;

/// How much of both is the same unknown.
const PRIOR_CORRELATION: f64 = 0.95;

/// The same when a tool known from an earlier use is taken again, or after a change that has been named.
const REOPENED_SIGMA: f64 = 0.15;

/// Random walk of the factors, per root second of observable cutting: 3 % in ten minutes.
const WALK_PER_ROOT_S: f64 = 0.0012;

/// Random walk of the idle power's share, per root second: 2 % in ten minutes.
const IDLE_WALK_PER_ROOT_S: f64 = 0.0008;

/// Time within which errors of a prediction are the same error, s.
const CORRELATED_S: f64 = 1.5;

/// Time within which a load stands on one step of the meter, s.
const STANDING_S: f64 = 15.0;

/// Bounds of the factors.
pub const FACTOR_BOUNDS: (f64, f64) = (0.4, 2.5);

/// Bound of the drift of the idle power.
const IDLE_BOUND: f64 = 0.15;

/// The unknowns with their covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Coefficients {
    mean: [f64; UNKNOWNS],
    covariance: [[f64; UNKNOWNS]; UNKNOWNS],
}

impl Coefficients {
    pub(super) fn new(idle_share: f64) -> Self {
        let mut new = Self { mean: [1.0, 1.0, 0.0], covariance: [[0.0; UNKNOWNS]; UNKNOWNS] };
        new.covariance[2][2] = idle_share * idle_share;
        new.open(PRIOR_SIGMA);
        new
    }

    /// Factor on the cutting coefficients.
    pub(super) fn cutting(&self) -> f64 {
        self.mean[0]
    }

    /// Factor on the edge coefficients.
    pub(super) fn edge(&self) -> f64 {
        self.mean[1]
    }

    /// Another tool: the factors begin anew at those of an earlier use, or at one; what is known of idle stays.
    pub(super) fn begin_use(&mut self, earlier: Option<[f64; 2]>) {
        let [cutting, edge] = earlier.unwrap_or([1.0, 1.0]);
        (self.mean[0], self.mean[1]) = (cutting, edge);
        self.open(if earlier.is_some() { REOPENED_SIGMA } else { PRIOR_SIGMA });
    }

    /// Something has changed: the factors stay where they are and can move again.
    pub(super) fn reopen(&mut self) {
        self.open(REOPENED_SIGMA);
    }

    fn open(&mut self, sigma: f64) {
        let variance = sigma * sigma;
        for row in 0..2 {
            for column in 0..2 {
                self.covariance[row][column] = variance * if row == column { 1.0 } else { PRIOR_CORRELATION };
            }
            self.covariance[row][2] = 0.0;
            self.covariance[2][row] = 0.0;
        }
    }

    /// The reading that parts at the drive give with these unknowns, W.
    pub(super) fn reading_w(&self, parts_w: &[f64; UNKNOWNS]) -> f64 {
        parts_w[2] + parts_w.iter().zip(self.mean).map(|(part, mean)| part * mean).sum::<f64>()
    }

    /// Variance of that reading from the unknowns alone, W².
    pub(super) fn variance_w2(&self, parts_w: &[f64; UNKNOWNS]) -> f64 {
        let spread = self.spread(parts_w);
        parts_w.iter().zip(spread).map(|(part, spread)| part * spread).sum::<f64>().max(0.0)
    }

    fn spread(&self, parts_w: &[f64; UNKNOWNS]) -> [f64; UNKNOWNS] {
        self.covariance.map(|row| row.iter().zip(parts_w).map(|(entry, part)| entry * part).sum())
    }

    /// Factor on the power of a cut with these parts, and its standard deviation. `None` without a cut.
    pub(super) fn on_power(&self, parts_w: &[f64; UNKNOWNS]) -> Option<(f64, f64)> {
        let whole_w = parts_w[0] + parts_w[1];
        let cut = [parts_w[0], parts_w[1], 0.0];
        (whole_w > 0.0).then(|| {
            let mean = (cut[0] * self.mean[0] + cut[1] * self.mean[1]) / whole_w;
            (mean, self.variance_w2(&cut).sqrt() / whole_w)
        })
    }

    /// Learns from a reading `span_s` after the one before. The variances are those of one reading: of what passes, and
    /// of the meter's step.
    pub(super) fn learn(
        &mut self,
        parts_w: &[f64; UNKNOWNS],
        reading_w: f64,
        (passing_w2, step_w2): (f64, f64),
        span_s: f64,
    ) {
        let cuts = parts_w[0] + parts_w[1] > 0.0;
        let walks = if cuts {
            [WALK_PER_ROOT_S, WALK_PER_ROOT_S, IDLE_WALK_PER_ROOT_S]
        } else {
            [0.0, 0.0, IDLE_WALK_PER_ROOT_S]
        };
        for (index, walk) in walks.iter().enumerate() {
            self.covariance[index][index] += walk * walk * span_s;
        }
        if cuts {
            // Both factors walk together, as they were drawn together.
            let together = PRIOR_CORRELATION * WALK_PER_ROOT_S * WALK_PER_ROOT_S * span_s;
            self.covariance[0][1] += together;
            self.covariance[1][0] += together;
        }
        let shared = |for_s: f64| (for_s / span_s.max(1e-3)).max(1.0);
        let own_w2 = passing_w2 * shared(CORRELATED_S) + step_w2 * shared(STANDING_S);
        let spread = self.spread(parts_w);
        let variance = own_w2 + self.variance_w2(parts_w);
        if !(variance.is_finite() && variance > 0.0 && reading_w.is_finite()) {
            return;
        }
        let residual_w = reading_w - self.reading_w(parts_w);
        for row in 0..UNKNOWNS {
            self.mean[row] += spread[row] / variance * residual_w;
            for (entry, column) in self.covariance[row].iter_mut().zip(spread) {
                *entry -= spread[row] * column / variance;
            }
        }
        self.keep_to_bounds();
    }

    fn keep_to_bounds(&mut self) {
        let (least, most) = FACTOR_BOUNDS;
        for factor in &mut self.mean[..2] {
            *factor = factor.clamp(least, most);
        }
        self.mean[2] = self.mean[2].clamp(-IDLE_BOUND, IDLE_BOUND);
        for row in 0..UNKNOWNS {
            self.covariance[row][row] = self.covariance[row][row].max(1e-9);
            for column in 0..row {
                let middle = (self.covariance[row][column] + self.covariance[column][row]) / 2.0;
                self.covariance[row][column] = middle;
                self.covariance[column][row] = middle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    /// Learns `seconds` of readings ten times a second; the parts are those of the second.
    fn learnt(truth: [f64; 3], parts_w: impl Fn(usize) -> [f64; 3], seconds: usize, sigma_w: f64) -> Coefficients {
        let mut coefficients = Coefficients::new(0.05);
        let mut rng = Rng::new(7);
        for tenth in 0..seconds * 10 {
            let parts = parts_w(tenth / 10);
            let exact = parts[0] * truth[0] + parts[1] * truth[1] + parts[2] * (1.0 + truth[2]);
            coefficients.learn(&parts, exact + sigma_w * rng.normal(), (sigma_w * sigma_w, 0.0), 0.1);
        }
        coefficients
    }

    #[test]
    fn a_standing_cut_gives_the_whole_factor_to_both_parts() {
        for factor in [0.7, 1.3] {
            let found = learnt([factor, factor, 0.0], |_| [3000.0, 1500.0, 400.0], 30, 60.0);
            assert!((found.cutting() - factor).abs() < 0.03, "{found:?}");
            assert!((found.edge() - factor).abs() < 0.03, "{found:?}");
        }
    }

    #[test]
    fn a_changing_feed_tells_cutting_from_edge_and_air_tells_idle() {
        let parts = |second: usize| match second % 3 {
            0 => [4000.0, 1500.0, 400.0],
            1 => [800.0, 1500.0, 400.0],
            _ => [0.0, 0.0, 400.0],
        };
        let found = learnt([1.25, 0.8, 0.04], parts, 300, 20.0);
        assert!((found.cutting() - 1.25).abs() < 0.02, "{found:?}");
        assert!((found.edge() - 0.8).abs() < 0.05, "{found:?}");
        assert!((found.mean[2] - 0.04).abs() < 0.02, "{found:?}");
    }

    #[test]
    fn nothing_leaves_its_bounds_and_the_covariance_stays_one() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut coefficients = Coefficients::new(0.05);
            for _ in 0..500 {
                let parts = [rng.between(0.0, 9e3), rng.between(0.0, 3e3), rng.between(0.0, 500.0)];
                coefficients.learn(
                    &parts,
                    rng.between(0.0, 4e4),
                    (rng.between(1.0, 1e5), 900.0),
                    rng.between(0.0, 2.0),
                );
                let (least, most) = FACTOR_BOUNDS;
                let inside = [coefficients.cutting(), coefficients.edge()].iter().all(|k| (least..=most).contains(k));
                assert!(inside && coefficients.mean[2].abs() <= IDLE_BOUND, "seed {seed}: {coefficients:?}");
                let diagonal = (0..UNKNOWNS).all(|i| coefficients.covariance[i][i] > 0.0);
                assert!(diagonal, "seed {seed}: {coefficients:?}");
            }
        }
    }
}
