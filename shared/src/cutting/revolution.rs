//! The force in the plane over one revolution, and its greatest value.
//!
//! The helix makes the upper end of an element follow its lower end, so that at spindle angle θ the element covers
//! the immersions from θ − ψ_high to θ − ψ_low. With R(φ) the antiderivative of the force over φ, its force is
//! (R(θ − ψ_low) − R(θ − ψ_high)) / (ψ_high − ψ_low): exact, however long the edge is.
//!
//! R is, between two changes of the tooth's density, a sum of 1, φ, e^(±iφ), e^(−2iφ) and e^(−3iφ), and so is
//! R(θ − ψ) over θ. The force of all teeth and elements is therefore such a sum too, whose six coefficients change
//! at few θ only. Each change is added to the sample behind it, a running sum over the samples gives the
//! coefficients at every θ, and an arc costs its two ends, whatever it spans.
//!
//! The force has kinks where an end of the edge enters or leaves the material, and the peak stands on one of
//! them. A fixed grid of θ would step over it, so the revolution is sampled on two grids: one on which the tip
//! of the leading tooth meets the borders of the mask, and one on which its upper end does. Both have a sample a
//! bin, so that they interleave: they are one row of samples, and a change is added to it once.

use std::f64::consts::TAU;

use super::chain::Cut;
use super::complex::Complex;
use super::density::Change;
use super::edge::EdgeElement;
use super::engagement::ANGLE_BINS;
use super::model::BIN_RAD;
use crate::det::math;

/// Least lag of an element in bins: stands for an edge parallel to the axis.
const LAG_BINS_MIN: f64 = 0.05;

/// A hair below a whole bin is that bin: the grids are laid so that ends meet borders.
const HAIR_BINS: f64 = 1e-9;

/// Bins beside the two walls: φ just after 0 and just before π.
const WALLS: u128 = 1 | 1 << (ANGLE_BINS / 2 - 1);

/// Coefficients where the scale of the force has no sin²φ: those of 1, φ, e^(−iφ) and e^(−2iφ), x and y each.
pub(super) const LINEAR: usize = 8;

/// And with sin²φ: e^(iφ) and e^(−3iφ) as well.
pub(super) const QUADRATIC: usize = 12;

/// Greatest forces over a revolution in N.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// Greatest resultant in the plane.
    pub(super) resultant_n: f64,
    /// Greatest force across the feed while a wall is generated.
    pub(super) normal_n: f64,
}

/// e^(−iθ) at whole bins, once for all cuts.
#[derive(Clone, Debug)]
pub(super) struct Waves(Vec<Complex>);

impl Waves {
    pub(super) fn new() -> Self {
        Self((0..ANGLE_BINS).map(|bin| turn(bin as f64).conjugate()).collect())
    }
}

/// One end of an element, or two ends that meet: how much of each change of a tooth begins there.
pub(super) struct End<'a> {
    /// ψ in bins.
    pub(super) lag_bins: f64,
    /// e^(iψ).
    pub(super) turn: Complex,
    /// What changes, for an edge of one millimetre.
    pub(super) changes: &'a [Change],
    /// Length of the edge for each rad of lag, in mm; below zero at an upper end.
    pub(super) weight: f64,
}

/// Force over one revolution on two interleaved grids, with `L` coefficients ([`LINEAR`] or [`QUADRATIC`]).
pub(super) struct Revolution<const L: usize> {
    /// Both grids, of a sample a bin each: θ of sample 2k + i is k + offset i, in bins. The lower offset is the first.
    offsets: [f64; 2],
    /// What changes at each sample.
    changes: [[f64; L]; SAMPLES],
    /// Force across the feed, N, once the peak has been sought.
    y_n: [f64; SAMPLES],
    /// By tooth: how far it is behind the first one, in bins and as a turn.
    pitches: Vec<(f64, Complex)>,
}

/// Samples of a revolution.
const SAMPLES: usize = 2 * ANGLE_BINS;

impl<const L: usize> Revolution<L> {
    /// An empty revolution of a cutter with `flutes`; the grids are laid for these elements and the tooth `leading`.
    pub(super) fn new(elements: &[EdgeElement], flutes: u32, leading: u32) -> Self {
        let pitch = |tooth: u32| f64::from(tooth) * ANGLE_BINS as f64 / f64::from(flutes);
        let bottom = elements.first().map_or(0.0, |element| element.lag_low_bins);
        let top = elements.last().map_or(0.0, |element| element.lag_low_bins + span_bins(element));
        let [a, b] = [bottom, top].map(|lag| (lag + pitch(leading)).rem_euclid(1.0));
        Self {
            offsets: [a.min(b), a.max(b)],
            changes: [[0.0; L]; SAMPLES],
            y_n: [0.0; SAMPLES],
            pitches: (0..flutes).map(|tooth| (pitch(tooth), turn(pitch(tooth)))).collect(),
        }
    }

    /// Adds the ends of one tooth's edge in a cut. Over all ends the changes add up to nothing.
    pub(super) fn add<'a>(&mut self, ends: impl Iterator<Item = End<'a>> + Clone, tooth: u32, cut: &Cut) {
        let (mut first_bins, mut last_bins) = (f64::INFINITY, 0.0f64);
        for end in ends.clone() {
            if let (Some(first), Some(last)) = (end.changes.first(), end.changes.last()) {
                first_bins = first_bins.min(first.at.bins + end.lag_bins);
                last_bins = last_bins.max(last.at.bins + end.lag_bins);
            }
        }
        if first_bins == f64::INFINITY {
            return;
        }
        let (pitch_bins, pitch) = self.pitches[tooth as usize];
        // Whole turns are taken off, so that the first change falls into the first turn; a grid begins at most
        // one bin later.
        let turns = ((first_bins + pitch_bins - 1.0) * (1.0 / ANGLE_BINS as f64)).floor();
        let shift_bins = pitch_bins - turns * ANGLE_BINS as f64;
        let last_turn = first_at(last_bins + shift_bins) / ANGLE_BINS;
        for end in ends {
            let lag_bins = end.lag_bins + shift_bins;
            let terms =
                Terms::new(end.turn * pitch, cut.cutting * end.weight, cut.edge * end.weight, lag_bins * BIN_RAD);
            for change in end.changes {
                let lanes = terms.of::<L>(change, change.value * end.weight);
                let sample = self.sample(change.at.bins + lag_bins);
                self.add_lanes(sample, last_turn, &lanes);
            }
        }
    }

    /// The first sample at or behind a place.
    #[inline(always)]
    fn sample(&self, place_bins: f64) -> usize {
        let place = place_bins - self.offsets[0] - HAIR_BINS;
        // What is behind a sample of the first grid may still be before that of the second; a place is above −1.
        let before = place.max(0.0) as i32;
        let beyond = place - f64::from(before);
        2 * before as usize + usize::from(beyond > 0.0) + usize::from(beyond > self.offsets[1] - self.offsets[0])
    }

    /// Adds a change from `sample` on until the end of turn `last_turn`, folded into one turn.
    #[inline(always)]
    fn add_lanes(&mut self, sample: usize, last_turn: usize, lanes: &[f64; L]) {
        let turn = sample / SAMPLES;
        add_turned(&mut self.changes[sample % SAMPLES], lanes, turn);
        for later in turn + 1..=last_turn {
            add_turned(&mut self.changes[0], lanes, later);
        }
    }

    /// The greatest forces, once every tooth and element has been added.
    pub(super) fn peak(&mut self, waves: &Waves, elements: &[EdgeElement]) -> Peak {
        let resultant_n = self.run(waves).sqrt();
        let walls = || elements.iter().filter(|element| element.mask & WALLS != 0);
        let any = walls().next().is_some();
        let normal_n = any.then(|| (0..2).map(|grid| self.normal_n(grid, walls())).fold(0.0, f64::max));
        Peak { resultant_n, normal_n: normal_n.unwrap_or(resultant_n) }
    }

    /// Greatest |F_y| on one of the grids while any tooth draws any of the elements along a wall.
    fn normal_n<'a>(&self, grid: usize, elements: impl Iterator<Item = &'a EdgeElement>) -> f64 {
        // Samples of the grid at which that is so.
        let mut marked = 0u128;
        for element in elements {
            for (bin, wall) in [(0, 0.0), (ANGLE_BINS / 2 - 1, ANGLE_BINS as f64 / 2.0)] {
                if element.mask >> bin & 1 == 0 {
                    continue;
                }
                for (pitch_bins, _) in &self.pitches {
                    let passes = wall + pitch_bins - self.offsets[grid];
                    let first = (passes + element.lag_low_bins + HAIR_BINS).floor() as i64;
                    let last = (passes + element.lag_high_bins).ceil() as i64;
                    let count = (last - first + 1).clamp(0, ANGLE_BINS as i64) as u32;
                    let run = if count == ANGLE_BINS as u32 { u128::MAX } else { (1 << count) - 1 };
                    marked |= run.rotate_left(first.rem_euclid(ANGLE_BINS as i64) as u32);
                }
            }
        }
        let samples = self.y_n.iter().skip(grid).step_by(2).enumerate();
        let samples = samples.filter(|(sample, _)| marked >> sample & 1 == 1);
        samples.fold(0.0, |greatest, (_, y_n)| greatest.max(y_n.abs()))
    }

    /// Runs over the samples: keeps the force across the feed, returns the square of the greatest resultant.
    fn run(&mut self, waves: &Waves) -> f64 {
        let mut greatest = 0.0f64;
        let mut sums = [0.0; L];
        let backs = self.offsets.map(|offset| turn(offset).conjugate());
        let rows = self.changes.as_chunks::<2>().0.iter().zip(self.y_n.as_chunks_mut::<2>().0);
        for (bin, ((pair, y_n), wave)) in rows.zip(&waves.0).enumerate() {
            for grid in 0..2 {
                sums.iter_mut().zip(&pair[grid]).for_each(|(sum, change)| *sum += change);
                let theta = (bin as f64 + self.offsets[grid]) * BIN_RAD;
                let part = |i: usize| Complex::new(sums[2 * i], sums[2 * i + 1]);
                // e^(−iθ); powers of it by Horner's rule.
                let turned = *wave * backs[grid];
                let mut force = part(3);
                if L == QUADRATIC {
                    force = force + part(5) * turned;
                }
                force = part(0) + part(1) * theta + (part(2) + force * turned) * turned;
                if L == QUADRATIC {
                    force = force + part(4) * turned.conjugate();
                }
                y_n[grid] = force.im;
                greatest = greatest.max(force.re * force.re + force.im * force.im);
            }
        }
        greatest
    }
}

/// What a unit of each part of a change adds to the coefficients, for one end of one tooth's element.
struct Terms {
    cutting: [Complex; 5],
    edge: Complex,
    lag_rad: f64,
}

impl Terms {
    /// With `turn` = e^(iψ) and ψ as `lag_rad`.
    #[inline(always)]
    fn new(turn: Complex, cutting: Complex, edge: Complex, lag_rad: f64) -> Self {
        let turned = cutting * turn;
        let turned_2 = turned * turn;
        let by_i = |z: Complex| Complex::new(-z.im, z.re);
        Self {
            cutting: [
                by_i(cutting) * -0.5,
                by_i(turned),
                turned_2 * -0.25,
                by_i(cutting * turn.conjugate()) * 0.25,
                by_i(turned_2 * turn) * (-1.0 / 12.0),
            ],
            edge: by_i(edge * turn),
            lag_rad,
        }
    }

    /// Coefficients of a change whose antiderivative at its place is `value`, so that it begins there at zero.
    #[inline(always)]
    fn of<const L: usize>(&self, change: &Change, value: Complex) -> [f64; L] {
        let [g_0, g_1, g_2] = change.scale;
        let [slope, one, two, minus, three] = self.cutting;
        let slope = slope * g_1;
        let constant = slope * -self.lag_rad - value;
        let one = one * (g_0 + g_2 / 2.0) + self.edge * change.touch;
        let two = two * g_1;
        let mut lanes = [0.0; L];
        lanes[..8].copy_from_slice(&[constant.re, constant.im, slope.re, slope.im, one.re, one.im, two.re, two.im]);
        if L == QUADRATIC {
            let (minus, three) = (minus * g_2, three * g_2);
            lanes[8..].copy_from_slice(&[minus.re, minus.im, three.re, three.im]);
        }
        lanes
    }
}

/// Adds coefficients that hold for θ counted over whole turns: only the slope over φ is not periodic.
#[inline(always)]
fn add_turned<const L: usize>(row: &mut [f64; L], lanes: &[f64; L], turn: usize) {
    row.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += lane);
    if turn > 0 {
        let turned = turn as f64 * TAU;
        row[0] += lanes[2] * turned;
        row[1] += lanes[3] * turned;
    }
}

/// The first whole bin at or behind a place.
#[inline(always)]
fn first_at(place_bins: f64) -> usize {
    // Not `ceil`, which is a call on processors without an instruction for it; a place is above −1.
    let place = place_bins - HAIR_BINS;
    let whole = place as i32;
    (whole + i32::from(f64::from(whole) < place)) as usize
}

pub(super) fn span_bins(element: &EdgeElement) -> f64 {
    (element.lag_high_bins - element.lag_low_bins).max(LAG_BINS_MIN)
}

pub(super) fn turn(bins: f64) -> Complex {
    let (sin, cos) = math::sin_cos(bins * BIN_RAD);
    Complex::new(cos, sin)
}
