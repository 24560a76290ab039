//! How fast a factor may change along the path.
//!
//! The slew limit is a rate in time: |df/dt| ≤ s. Along the path it depends on the speed, and the speed on the
//! factor: v(f) = min(v_reached, f·v_programmed). With A(f) = ∫ v(f)/s df, the distance over which the factor
//! rises from f_0 to f_1 is A(f_1) − A(f_0): a parabola while the feed decides, a line where the drives do. It is the same function
//! upwards and downwards.

/// Distance over factor of one stretch with one feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ramp {
    /// v_programmed / s, mm.
    feed_mm: f64,
    /// Factor from which the drives decide.
    knee: f64,
}

impl Ramp {
    /// For a programmed and a reached speed in mm/s and a slew limit in 1/s.
    pub(super) fn new(feed_mm_s: f64, reached_mm_s: f64, slew_per_s: f64) -> Self {
        let knee = if feed_mm_s > 0.0 { (reached_mm_s / feed_mm_s).max(0.0) } else { 0.0 };
        Self { feed_mm: feed_mm_s.max(0.0) / slew_per_s, knee }
    }

    /// A(f) in mm.
    pub(super) fn distance(&self, factor: f64) -> f64 {
        if factor <= self.knee {
            return self.feed_mm * factor * factor / 2.0;
        }
        self.feed_mm * (self.knee * self.knee / 2.0 + self.knee * (factor - self.knee))
    }

    /// The factor at which A has a value; at most 2, which is beyond every factor.
    pub(super) fn factor(&self, distance_mm: f64) -> f64 {
        let knee_mm = self.feed_mm * self.knee * self.knee / 2.0;
        if distance_mm <= knee_mm {
            return (2.0 * distance_mm / self.feed_mm).sqrt().min(2.0);
        }
        let per_factor_mm = self.feed_mm * self.knee;
        if per_factor_mm <= 0.0 {
            return 2.0;
        }
        (self.knee + (distance_mm - knee_mm) / per_factor_mm).min(2.0)
    }

    /// The greatest factor at a distance from where it is `from`.
    pub(super) fn after(&self, from: f64, distance_mm: f64) -> f64 {
        self.factor(self.distance(from) + distance_mm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_and_factor_are_inverse_and_meet_the_clock() {
        let ramp = Ramp::new(50.0, 30.0, 2.0);
        for factor in [0.0, 0.1, 0.6, 0.7, 1.0] {
            assert!((ramp.factor(ramp.distance(factor)) - factor).abs() < 1e-12, "{factor}");
        }
        // In time: from 0.2 to 1.0 at 2/s takes 0.4 s; the path of it by small steps.
        let (mut factor, mut path_mm, dt) = (0.2f64, 0.0, 1e-6);
        while factor < 1.0 {
            path_mm += f64::min(30.0, 50.0 * factor) * dt;
            factor += 2.0 * dt;
        }
        assert!((path_mm - (ramp.distance(1.0) - ramp.distance(0.2))).abs() < 1e-3, "{path_mm}");
        assert!((ramp.after(0.2, path_mm) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn odd_speeds_give_factors_and_not_nan() {
        for ramp in [Ramp::new(0.0, 0.0, 2.0), Ramp::new(10.0, 0.0, 2.0), Ramp::new(10.0, 10.0, 1e12)] {
            let factor = ramp.after(0.5, 1.0);
            assert!((0.5..=2.0).contains(&factor), "{ramp:?} gives {factor}");
        }
    }
}
