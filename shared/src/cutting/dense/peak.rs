//! The greatest force over a revolution.
//!
//! The helix makes the upper end of an element follow its lower end, so that at spindle angle θ the element covers
//! the immersions from θ − ψ_high to θ − ψ_low. With P(φ) the integral of the force over φ, its force is
//! (P(θ − ψ_low) − P(θ − ψ_high)) / (ψ_high − ψ_low): exact, however long the edge is.
//!
//! That function has kinks where an end of the edge enters or leaves the material, and the peak stands on one of
//! them. A fixed grid of θ would step over it, so the revolution is sampled on two grids: one on which the tip
//! of the leading tooth meets the borders of the mask, and one on which its upper end does.

use crate::cutting::edge::EdgeElement;
use crate::cutting::engagement::ANGLE_BINS;

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
///
/// Rows by axis, and within them by coefficient: the loops over bins are the hot ones and run over plain rows.
pub(super) struct ToothForce {
    first: usize,
    count: usize,
    /// Integral from the first bin to the beginning of each bin, in N · bins; one more for the end.
    before: [[f64; ANGLE_BINS + 1]; 2],
    /// Coefficients of x, x²/2 and x³/3 of the integral within a bin.
    within: [[[f64; ANGLE_BINS]; 3]; 2],
}

impl ToothForce {
    pub(super) fn new() -> Self {
        Self { first: 0, count: 0, before: [[0.0; ANGLE_BINS + 1]; 2], within: [[[0.0; ANGLE_BINS]; 3]; 2] }
    }

    /// Takes the bins from `first` on: x and y force at borders and middles, two a bin and one for the end, and
    /// for each bin the share of the edge that has it.
    pub(super) fn fill(&mut self, first: usize, cuts: &[f64], samples: [&[f64]; 2]) {
        self.first = first;
        self.count = cuts.len();
        for (axis, values) in samples.into_iter().enumerate() {
            let [a, b, c] = &mut self.within[axis];
            let before = &mut self.before[axis];
            before[0] = 0.0;
            for (bin, (cuts, nodes)) in cuts.iter().zip(values.windows(3).step_by(2)).enumerate() {
                let (l, m, r) = (nodes[0] * cuts, nodes[1] * cuts, nodes[2] * cuts);
                a[bin] = l;
                b[bin] = -3.0 * l + 4.0 * m - r;
                c[bin] = 2.0 * l - 4.0 * m + 2.0 * r;
                before[bin + 1] = before[bin] + (l + 4.0 * m + r) / 6.0;
            }
        }
    }

    /// Integral of the x and y force over all bins, in N · bins.
    pub(super) fn total(&self) -> [f64; 2] {
        [self.before[0][self.count], self.before[1][self.count]]
    }

    /// The integral up to a fraction `x` into each of the bins.
    fn integrals(&self, axis: usize, x: f64, out: &mut [f64; ANGLE_BINS]) {
        let [x1, x2, x3] = [x, x * x / 2.0, x * x * x / 3.0];
        let [a, b, c] = &self.within[axis];
        let count = self.count.min(ANGLE_BINS);
        let rows = self.before[axis][..count].iter().zip(&a[..count]).zip(&b[..count]).zip(&c[..count]);
        for (out, (((before, a), b), c)) in out[..count].iter_mut().zip(rows) {
            *out = before + a * x1 + b * x2 + c * x3;
        }
    }
}

/// Force in the plane over one revolution on the two grids.
pub(super) struct Revolution {
    grids: [Grid; 2],
    scratch: [f64; ANGLE_BINS],
}

/// Samples of a grid before they are folded into one turn: an element may begin anywhere in the turn, and its
/// force lasts for at most a turn and half a turn of lag.
const UNFOLDED: usize = 3 * ANGLE_BINS;

struct Grid {
    /// θ of sample k is k + offset, in bins.
    offset: f64,
    /// x and y, N.
    force_n: [[f64; UNFOLDED]; 2],
}

impl Revolution {
    /// An empty revolution; the grids are laid for these elements and for a tooth `pitch_bins` after the first.
    pub(super) fn new(elements: &[EdgeElement], pitch_bins: f64) -> Self {
        let bottom = elements.first().map_or(0.0, |element| element.lag_low_bins);
        let top = elements.last().map_or(0.0, |element| element.lag_low_bins + span_bins(element));
        let grid =
            |lag_bins: f64| Grid { offset: (lag_bins + pitch_bins).rem_euclid(1.0), force_n: [[0.0; UNFOLDED]; 2] };
        Self { grids: [grid(bottom), grid(top)], scratch: [0.0; ANGLE_BINS] }
    }

    /// Adds one tooth on one element.
    pub(super) fn add(&mut self, element: &EdgeElement, force: &ToothForce, pitch_bins: f64) {
        let span = span_bins(element);
        let per_bin = 1.0 / span;
        for grid in &mut self.grids {
            let ends = [element.lag_low_bins, element.lag_low_bins + span].map(|lag| {
                let place = grid.offset - pitch_bins - lag;
                // A hair below a whole bin is that bin: the grids are laid so that ends meet borders.
                let whole = (place + 1e-9).floor();
                (whole as i64, (place - whole).max(0.0))
            });
            let [(low_shift, low_x), (high_shift, high_x)] = ends;
            let begin = index(force.first as i64 - low_shift);
            let late = (low_shift - high_shift) as usize;
            for axis in 0..2 {
                let total = force.total()[axis] * per_bin;
                let row = &mut grid.force_n[axis][begin..];
                force.integrals(axis, low_x, &mut self.scratch);
                for (sample, integral) in row.iter_mut().zip(&self.scratch[..force.count]) {
                    *sample += integral * per_bin;
                }
                row[force.count..force.count + late].iter_mut().for_each(|sample| *sample += total);
                force.integrals(axis, high_x, &mut self.scratch);
                for (sample, integral) in row[late..].iter_mut().zip(&self.scratch[..force.count]) {
                    *sample -= integral * per_bin;
                }
            }
        }
    }

    /// The greatest forces, once every tooth and element has been added.
    pub(super) fn peak(&mut self, elements: &[EdgeElement], flutes: u32) -> Peak {
        let mut greatest = 0.0f64;
        for grid in &mut self.grids {
            grid.fold();
            let [x, y] = &grid.force_n;
            let squares = x[..ANGLE_BINS].iter().zip(&y[..ANGLE_BINS]).map(|(x, y)| x * x + y * y);
            greatest = squares.fold(greatest, f64::max);
        }
        let resultant_n = greatest.sqrt();
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
                        greatest = greatest.max(grid.force_n[1][index(k)].abs());
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
    /// Brings what lies beyond the turn back into it.
    fn fold(&mut self) {
        for row in &mut self.force_n {
            let (turn, beyond) = row.split_at_mut(ANGLE_BINS);
            for later in beyond.chunks_exact_mut(ANGLE_BINS) {
                turn.iter_mut().zip(later).for_each(|(sample, later)| *sample += std::mem::take(later));
            }
        }
    }
}
