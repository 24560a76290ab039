//! Any frustum, any way against the ray: the candidates of [`super::ray`], for tapered forms and tools that lean.

use super::ray::{NONE, SLACK};

/// The quadratic form of the module's text, what of it is the same for every ray.
pub(super) struct General {
    n: [f64; 3],
    height: f64,
    radius: f64,
    slope: f64,
    /// n·D.
    rise: f64,
    a_tt: f64,
    a_tp: f64,
    a_pp: f64,
}

/// One ray: what of the quadratic form depends on it.
struct Ray<'a> {
    form: &'a General,
    /// n·m.
    s: f64,
    b_t: f64,
    b_p: f64,
    c: f64,
}

/// Roots of a x² + 2 b x + c, lower first; `None` where there are none, or where everything or nothing is below zero.
fn roots(a: f64, b: f64, c: f64) -> Option<(f64, f64)> {
    let square = b * b - a * c;
    if square < 0.0 {
        return None;
    }
    // Without cancellation: the larger by magnitude first.
    let q = -(b + square.sqrt().copysign(b));
    let (x, y) = (q / a, if q == 0.0 { 0.0 } else { c / q });
    Some((x.min(y), x.max(y)))
}

impl General {
    /// A frustum of a height along the unit vector `n` (n·t not below zero) with its radii at both ends, on a move.
    pub(super) fn new(n: [f64; 3], height: f64, (radius, radius_top): (f64, f64), along: &[f64; 3]) -> Self {
        let slope = (radius_top - radius) / height;
        let steep = 1.0 + slope * slope;
        let rise = n[0] * along[0] + n[1] * along[1] + n[2] * along[2];
        let along2 = along.iter().map(|value| value * value).sum::<f64>();
        Self {
            n,
            height,
            radius,
            slope,
            rise,
            a_tt: 1.0 - steep * n[2] * n[2],
            a_tp: -along[2] + steep * n[2] * rise,
            a_pp: along2 - steep * rise * rise,
        }
    }

    /// Between which t, from the base, a ray at (u, v) from the base is covered.
    pub(super) fn extent(&self, u: f64, v: f64, along: &[f64; 3]) -> Option<(f64, f64)> {
        let (m2, m_d) = (u * u + v * v, u * along[0] + v * along[1]);
        let s = self.n[0] * u + self.n[1] * v;
        let (steep, taper) = (1.0 + self.slope * self.slope, self.radius * self.slope);
        let ray = Ray {
            form: self,
            s,
            b_t: -(steep * s + taper) * self.n[2],
            b_p: -m_d + (steep * s + taper) * self.rise,
            c: m2 - steep * s * s - 2.0 * taper * s - self.radius * self.radius,
        };
        let mut found = (f64::INFINITY, f64::NEG_INFINITY);
        let mut take = |low: f64, high: f64| found = (found.0.min(low), found.1.max(high));
        for p in [0.0, 1.0] {
            if let Some((low, high)) = ray.standing(p) {
                take(low, high);
            }
        }
        for height in [0.0, self.height] {
            if let Some((low, high)) = ray.rim(height) {
                take(low, high);
            }
        }
        ray.silhouette(&mut take);
        (found.0 <= found.1).then_some(found)
    }
}

impl Ray<'_> {
    /// Where the form is met when it stands at a fraction of the move.
    fn standing(&self, p: f64) -> Option<(f64, f64)> {
        let form = self.form;
        let s = self.s - p * form.rise;
        let (mut low, mut high) = if form.n[2] > NONE {
            (-s / form.n[2], (form.height - s) / form.n[2])
        } else if s >= 0.0 && s <= form.height {
            (f64::NEG_INFINITY, f64::INFINITY)
        } else {
            return None;
        };
        let (a, b) = (form.a_tt, form.a_tp * p + self.b_t);
        let c = (form.a_pp * p + 2.0 * self.b_p) * p + self.c;
        if a > SLACK {
            let (from, to) = roots(a, b, c)?;
            (low, high) = (low.max(from), high.min(to));
        } else if a < -SLACK {
            // Steeper than the flank of a cone: one border, on the nappe that is the form. Without roots the ray passes
            // through the apex.
            let (from, to) = roots(a, b, c).unwrap_or((-b / a, -b / a));
            if form.slope > 0.0 {
                low = low.max(to);
            } else {
                high = high.min(from);
            }
        } else if b.abs() > NONE {
            let border = -c / (2.0 * b);
            if b > 0.0 {
                high = high.min(border);
            } else {
                low = low.max(border);
            }
        } else if c > 0.0 {
            return None;
        }
        (low <= high).then_some((low, high))
    }

    /// Where the disc at a height of the form passes over the ray.
    fn rim(&self, height: f64) -> Option<(f64, f64)> {
        let form = self.form;
        if form.n[2] <= NONE {
            if form.rise.abs() <= NONE {
                return None;
            }
            let p = (self.s - height) / form.rise;
            if !(0.0..=1.0).contains(&p) {
                return None;
            }
            let b = form.a_tp * p + self.b_t;
            return roots(form.a_tt, b, (form.a_pp * p + 2.0 * self.b_p) * p + self.c);
        }
        let (at, rate) = ((height - self.s) / form.n[2], form.rise / form.n[2]);
        let a = (form.a_tt * rate + 2.0 * form.a_tp) * rate + form.a_pp;
        let b = form.a_tt * at * rate + form.a_tp * at + self.b_t * rate + self.b_p;
        let c = (form.a_tt * at + 2.0 * self.b_t) * at + self.c;
        let (from, to) = if a > SLACK * SLACK { roots(a, b, c)? } else { (0.0, 1.0) };
        if a <= SLACK * SLACK && c > 0.0 {
            return None;
        }
        let (from, to) = (from.max(0.0), to.min(1.0));
        if from > to {
            return None;
        }
        let (x, y) = (at + rate * from, at + rate * to);
        Some((x.min(y), x.max(y)))
    }

    /// Where the ray touches the line on the flank that sweeps along.
    fn silhouette(&self, take: &mut impl FnMut(f64, f64)) {
        let form = self.form;
        if form.a_pp <= SLACK {
            return;
        }
        let inverse = 1.0 / form.a_pp;
        let a = form.a_tt - form.a_tp * form.a_tp * inverse;
        let b = self.b_t - form.a_tp * self.b_p * inverse;
        let c = self.c - self.b_p * self.b_p * inverse;
        if a.abs() <= SLACK * SLACK {
            return;
        }
        let Some((low, high)) = roots(a, b, c) else {
            return;
        };
        for t in [low, high] {
            let p = -(form.a_tp * t + self.b_p) * inverse;
            let s = self.s + t * form.n[2] - p * form.rise;
            let slack = SLACK * form.height;
            if (-SLACK..=1.0 + SLACK).contains(&p) && s >= -slack && s <= form.height + slack {
                take(t, t);
            }
        }
    }
}
