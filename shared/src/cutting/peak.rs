//! The greatest force over a revolution.
//!
//! The helix makes the upper end of an element follow its lower end, so that at spindle angle θ the element covers
//! the immersions from θ − ψ_high to θ − ψ_low. With P(φ) the integral of the force over φ, its force is
//! (P(θ − ψ_low) − P(θ − ψ_high)) / (ψ_high − ψ_low): exact, however long the edge is.
//!
//! That function has kinks where an end of the edge enters or leaves the material, and the peak stands on one of
//! them. A fixed grid of θ would step over it, so the revolution is sampled on two grids: one on which the tip
//! of the leading tooth meets the borders of the mask, and one on which its upper end does.

use super::edge::EdgeElement;
use super::engagement::ANGLE_BINS;

/// Least lag of an element in bins: stands for an edge parallel to the axis.
const LAG_BINS_MIN: f64 = 0.05;

/// Greatest forces over a revolution in N.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// Greatest resultant in the plane.
    pub(super) resultant_n: f64,
    /// Greatest force across the feed while a wall is generated.
    pub(super) normal_n: f64,
}

/// Force of one tooth on one element over φ: in each bin a parabola through both borders and the middle.
pub(super) struct ToothForce {
    first: usize,
    count: usize,
    /// Integral from the first bin to the beginning of each bin, in N · bins; one more for the end.
    before: [[f64; 2]; ANGLE_BINS + 1],
    /// Coefficients of x, x²/2 and x³/3 of the integral within a bin.
    within: [[[f64; 3]; 2]; ANGLE_BINS],
}

impl ToothForce {
    pub(super) fn new() -> Self {
        Self { first: 0, count: 0, before: [[0.0; 2]; ANGLE_BINS + 1], within: [[[0.0; 3]; 2]; ANGLE_BINS] }
    }

    /// Starts over for the bins from `first` up to `last`, which are then pushed in order.
    pub(super) fn begin(&mut self, first: usize, last: usize) {
        debug_assert!(first <= last && last <= ANGLE_BINS);
        self.first = first;
        self.count = 0;
        self.before[0] = [0.0; 2];
    }

    /// The next bin has no force.
    pub(super) fn push_air(&mut self) {
        self.before[self.count + 1] = self.before[self.count];
        self.within[self.count] = [[0.0; 3]; 2];
        self.count += 1;
    }

    /// The next bin: x and y force at its beginning, middle and end.
    pub(super) fn push(&mut self, [left, middle, right]: [[f64; 2]; 3]) {
        for axis in 0..2 {
            let (l, m, r) = (left[axis], middle[axis], right[axis]);
            self.within[self.count][axis] = [l, -3.0 * l + 4.0 * m - r, 2.0 * l - 4.0 * m + 2.0 * r];
            self.before[self.count + 1][axis] = self.before[self.count][axis] + (l + 4.0 * m + r) / 6.0;
        }
        self.count += 1;
    }

    /// The integral up to a fraction `x` into each of the bins.
    fn integrals(&self, x: f64, out: &mut [[f64; 2]; ANGLE_BINS]) {
        let powers = [x, x * x / 2.0, x * x * x / 3.0];
        for bin in 0..self.count {
            for axis in 0..2 {
                let [a, b, c] = self.within[bin][axis];
                out[bin][axis] = self.before[bin][axis] + a * powers[0] + b * powers[1] + c * powers[2];
            }
        }
    }
}

/// Force in the plane over one revolution on the two grids.
pub(super) struct Revolution {
    grids: [Grid; 2],
}

struct Grid {
    /// θ of sample k is k + offset, in bins.
    offset: f64,
    force_n: [[f64; 2]; ANGLE_BINS],
}

impl Revolution {
    /// An empty revolution; the grids are laid for these elements and for a tooth `pitch_bins` after the first.
    pub(super) fn new(elements: &[EdgeElement], pitch_bins: f64) -> Self {
        let bottom = elements.first().map_or(0.0, |element| element.lag_low_bins);
        let top = elements.last().map_or(0.0, |element| element.lag_low_bins + span_bins(element));
        let grid =
            |lag_bins: f64| Grid { offset: (lag_bins + pitch_bins).rem_euclid(1.0), force_n: [[0.0; 2]; ANGLE_BINS] };
        Self { grids: [grid(bottom), grid(top)] }
    }

    /// Adds one tooth on one element.
    pub(super) fn add(&mut self, element: &EdgeElement, force: &ToothForce, pitch_bins: f64) {
        if force.count == 0 {
            return;
        }
        let span = span_bins(element);
        let mut low = [[0.0; 2]; ANGLE_BINS];
        let mut high = [[0.0; 2]; ANGLE_BINS];
        for grid in &mut self.grids {
            let ends = [element.lag_low_bins, element.lag_low_bins + span].map(|lag| {
                let place = grid.offset - pitch_bins - lag;
                // A hair below a whole bin is that bin: the grids are laid so that ends meet borders.
                let whole = (place + 1e-9).floor();
                (whole as i64, (place - whole).max(0.0))
            });
            force.integrals(ends[0].1, &mut low);
            force.integrals(ends[1].1, &mut high);
            grid.spread(force, [(ends[0].0, &low), (ends[1].0, &high)], span);
        }
    }

    /// The greatest forces, once every tooth and element has been added.
    pub(super) fn peak(&self, elements: &[EdgeElement], flutes: u32) -> Peak {
        let square = |[x, y]: [f64; 2]| x * x + y * y;
        let greatest = |grid: &Grid| grid.force_n.iter().map(|force| square(*force)).fold(0.0, f64::max);
        let resultant_n = self.grids.iter().map(greatest).fold(0.0, f64::max).sqrt();
        let walls = elements.iter().filter(|element| element.mask & WALLS != 0);
        let normal_n = walls.map(|element| self.normal_n(element, flutes)).reduce(f64::max);
        Peak { resultant_n, normal_n: normal_n.unwrap_or(resultant_n) }
    }

    /// Greatest |F_y| while any tooth draws the element along a wall.
    fn normal_n(&self, element: &EdgeElement, flutes: u32) -> f64 {
        let mut greatest = 0.0f64;
        for (bin, wall) in [(0, 0.0), (ANGLE_BINS / 2 - 1, ANGLE_BINS as f64 / 2.0)] {
            if element.mask >> bin & 1 == 0 {
                continue;
            }
            for tooth in 0..flutes {
                let passes = wall + ANGLE_BINS as f64 * f64::from(tooth) / f64::from(flutes);
                for grid in &self.grids {
                    let first = (passes + element.lag_low_bins - grid.offset + 1e-9).floor() as i64;
                    let last = (passes + element.lag_high_bins - grid.offset).ceil() as i64;
                    for k in first..=last {
                        greatest = greatest.max(grid.force_n[index(k)][1].abs());
                    }
                }
            }
        }
        greatest
    }
}

/// Bins beside the two walls: φ just after 0 and just before π.
const WALLS: u128 = 1 | 1 << (ANGLE_BINS / 2 - 1);

fn span_bins(element: &EdgeElement) -> f64 {
    (element.lag_high_bins - element.lag_low_bins).max(LAG_BINS_MIN)
}

/// Sample k of a revolution, for any integer k.
fn index(k: i64) -> usize {
    k.rem_euclid(ANGLE_BINS as i64) as usize
}

impl Grid {
    /// Adds (P(low end) − P(high end)) / span for every sample at which either end is within the bins.
    fn spread(&mut self, force: &ToothForce, ends: [(i64, &[[f64; 2]; ANGLE_BINS]); 2], span: f64) {
        let [(low_shift, low), (high_shift, high)] = ends;
        let (first, count) = (force.first as i64, force.count as i64);
        let total = force.before[force.count];
        let at = |integrals: &[[f64; 2]; ANGLE_BINS], bin: i64| match bin - first {
            before if before < 0 => [0.0; 2],
            inside if inside < count => integrals[inside as usize],
            _ => total,
        };
        for k in first - low_shift..first + count - high_shift {
            let (upper, lower) = (at(low, k + low_shift), at(high, k + high_shift));
            let sample = &mut self.force_n[index(k)];
            sample[0] += (upper[0] - lower[0]) / span;
            sample[1] += (upper[1] - lower[1]) / span;
        }
    }
}
