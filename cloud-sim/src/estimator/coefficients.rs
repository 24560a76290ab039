//! The bounded recursive estimate of what a chip costs.
//!
//! Four unknowns: a factor on the cutting coefficients, a factor on the edge coefficients, the share by which the
//! idle power has drifted, and by how much the raw part is higher than it was said to be. A reading is linear in
//! them, so a Kalman filter with a slow random walk (which is recursive least squares with forgetting, with the
//! forgetting in the unit of the unknowns) is exact. Two things are added. Both factors start as nearly the same
//! unknown: a harder material raises both, and only a change of feed or immersion tells them apart. And all unknowns
//! have bounds that no reading can push them beyond.
//!
//! The walk of the factors is slow, a time constant of a quarter of an hour: what changes within seconds is to be
//! found by [`super::change`], and a filter that follows it would hide it.
//!
//! Source: Altintas, *Manufacturing Automation*, 2nd ed., section 2.8 (mean forces are linear in the coefficients).

/// Cutting factor, edge factor, drift of the idle power, height of the raw part.
pub(super) const UNKNOWNS: usize = 4;

/// What each unknown multiplies in a reading, W at the drive: cutting part, edge part, idle, and what a millimetre of
/// height adds.
pub(super) type Parts = [f64; UNKNOWNS];

/// Standard deviation of both factors before anything was measured.
const PRIOR_SIGMA: f64 = 0.3;

/// How much of both is the same unknown.
const PRIOR_CORRELATION: f64 = 0.95;

/// What is added when a tool known from an earlier use is taken again: the place of its edges in the holder.
const TAKEN_AGAIN_SIGMA: f64 = 0.002;

/// The same after a change that has been named.
const REOPENED_SIGMA: f64 = 0.15;

/// Random walk of the factors, per root second of observable cutting.
const WALK_PER_ROOT_S: f64 = 0.00004;

/// Random walk of the idle power's share, per root second: 2 % in ten minutes.
const IDLE_WALK_PER_ROOT_S: f64 = 0.0008;

/// Standard deviation of the height of a raw part, mm: within half a millimetre of what was said.
const HEIGHT_SIGMA_MM: f64 = 0.3;

/// Bounds of the factors.
pub const FACTOR_BOUNDS: (f64, f64) = (0.4, 2.5);

/// Bound of the drift of the idle power.
const IDLE_BOUND: f64 = 0.15;

/// Bound of the error of the raw part's height, mm.
const HEIGHT_BOUND_MM: f64 = 4.0;

/// What is known of a tool's factors, to be kept while it is in the magazine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    mean: [f64; 2],
    covariance: [[f64; 2]; 2],
}

impl Known {
    /// Of a tool that has not cut yet.
    fn fresh() -> Self {
        Self { mean: [1.0, 1.0], covariance: together(PRIOR_SIGMA) }
    }

    fn widened(mut self, sigma: f64) -> Self {
        for (row, more) in self.covariance.iter_mut().zip(together(sigma)) {
            row[0] += more[0];
            row[1] += more[1];
        }
        self
    }
}

/// Covariance of two factors that are nearly one unknown.
fn together(sigma: f64) -> [[f64; 2]; 2] {
    let (own, both) = (sigma * sigma, sigma * sigma * PRIOR_CORRELATION);
    [[own, both], [both, own]]
}

/// The unknowns with their covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Coefficients {
    mean: [f64; UNKNOWNS],
    covariance: [[f64; UNKNOWNS]; UNKNOWNS],
}

impl Coefficients {
    pub(super) fn new(idle_share: f64) -> Self {
        let mut new = Self { mean: [1.0, 1.0, 0.0, 0.0], covariance: [[0.0; UNKNOWNS]; UNKNOWNS] };
        new.covariance[2][2] = idle_share * idle_share;
        new.covariance[3][3] = HEIGHT_SIGMA_MM * HEIGHT_SIGMA_MM;
        new.open(&Known::fresh());
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

    /// How much higher the raw part is than was said, and its standard deviation, mm.
    pub(super) fn height_mm(&self) -> (f64, f64) {
        (self.mean[3], self.covariance[3][3].max(0.0).sqrt())
    }

    /// What is known of the tool in the spindle.
    pub(super) fn known(&self) -> Known {
        let row = |row: usize| [self.covariance[row][0], self.covariance[row][1]];
        Known { mean: [self.mean[0], self.mean[1]], covariance: [row(0), row(1)] }
    }

    /// Another tool: its factors begin at what is known of them; what is known of idle and raw part stays.
    pub(super) fn begin_use(&mut self, earlier: Option<Known>) {
        self.open(&earlier.map_or_else(Known::fresh, |known| known.widened(TAKEN_AGAIN_SIGMA)));
    }

    /// Another raw part.
    pub(super) fn begin_part(&mut self) {
        self.mean[3] = 0.0;
        for other in 0..UNKNOWNS {
            self.covariance[3][other] = 0.0;
            self.covariance[other][3] = 0.0;
        }
        self.covariance[3][3] = HEIGHT_SIGMA_MM * HEIGHT_SIGMA_MM;
    }

    /// Something has changed: the factors stay where they are and can move again.
    pub(super) fn reopen(&mut self) {
        self.open(&Known { mean: [self.mean[0], self.mean[1]], covariance: together(REOPENED_SIGMA) });
    }

    fn open(&mut self, known: &Known) {
        for row in 0..2 {
            self.mean[row] = known.mean[row];
            self.covariance[row][..2].copy_from_slice(&known.covariance[row]);
            for column in 2..UNKNOWNS {
                self.covariance[row][column] = 0.0;
                self.covariance[column][row] = 0.0;
            }
        }
    }

    /// The reading that parts at the drive give with these unknowns, W.
    pub(super) fn reading_w(&self, parts_w: &Parts) -> f64 {
        parts_w[2] + parts_w.iter().zip(self.mean).map(|(part, mean)| part * mean).sum::<f64>()
    }

    /// Variance of that reading from the unknowns alone, W².
    pub(super) fn variance_w2(&self, parts_w: &Parts) -> f64 {
        let spread = self.spread(parts_w);
        parts_w.iter().zip(spread).map(|(part, spread)| part * spread).sum::<f64>().max(0.0)
    }

    fn spread(&self, parts_w: &Parts) -> Parts {
        self.covariance.map(|row| row.iter().zip(parts_w).map(|(entry, part)| entry * part).sum())
    }

    /// Factor on the power of a cut with these parts, height included, and its standard deviation. `None` without a cut.
    pub(super) fn on_power(&self, parts_w: &Parts) -> Option<(f64, f64)> {
        self.on(&[parts_w[0], parts_w[1], 0.0, parts_w[3]])
    }

    /// The same without the height: what the material and the edge do.
    pub(super) fn on_material(&self, parts_w: &Parts) -> Option<(f64, f64)> {
        self.on(&[parts_w[0], parts_w[1], 0.0, 0.0])
    }

    fn on(&self, cut_w: &Parts) -> Option<(f64, f64)> {
        let whole_w = cut_w[0] + cut_w[1];
        (whole_w > 0.0).then(|| {
            let mean_w: f64 = cut_w.iter().zip(self.mean).map(|(part, mean)| part * mean).sum();
            (mean_w / whole_w, self.variance_w2(cut_w).sqrt() / whole_w)
        })
    }

    /// Learns from an average over `span_s` of readings with this variance of its own.
    pub(super) fn learn(&mut self, parts_w: &Parts, reading_w: f64, own_w2: f64, span_s: f64) {
        self.covariance[2][2] += IDLE_WALK_PER_ROOT_S * IDLE_WALK_PER_ROOT_S * span_s;
        if parts_w[0] + parts_w[1] > 0.0 {
            // Both factors walk together, as they were drawn together.
            let walked = together(WALK_PER_ROOT_S * span_s.sqrt());
            for (row, walked) in walked.iter().enumerate() {
                self.covariance[row][0] += walked[0];
                self.covariance[row][1] += walked[1];
            }
        }
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
        self.mean[3] = self.mean[3].clamp(-HEIGHT_BOUND_MM, HEIGHT_BOUND_MM);
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
            let [cutting_w, edge_w, idle_w] = parts_w(tenth / 10);
            let parts = [cutting_w, edge_w, idle_w, 0.0];
            let exact = parts[0] * truth[0] + parts[1] * truth[1] + parts[2] * (1.0 + truth[2]);
            coefficients.learn(&parts, exact + sigma_w * rng.normal(), sigma_w * sigma_w, 0.1);
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
                let cut_w = rng.between(0.0, 9e3);
                let parts = [cut_w, rng.between(0.0, 3e3), rng.between(0.0, 500.0), cut_w * rng.between(0.0, 1.0)];
                coefficients.learn(&parts, rng.between(0.0, 4e4), rng.between(900.0, 1e5), rng.between(0.0, 2.0));
                let (least, most) = FACTOR_BOUNDS;
                let inside = [coefficients.cutting(), coefficients.edge()].iter().all(|k| (least..=most).contains(k));
                assert!(inside && coefficients.mean[2].abs() <= IDLE_BOUND, "seed {seed}: {coefficients:?}");
                let diagonal = (0..UNKNOWNS).all(|i| coefficients.covariance[i][i] > 0.0);
                assert!(diagonal, "seed {seed}: {coefficients:?}");
            }
        }
    }
}
