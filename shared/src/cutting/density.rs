//! The force of a tooth over the immersion φ, written as what changes in it and where.
//!
//! On a piece of the edge every chip is A·sinφ + B between a few immersions: where the tooth begins to cut,
//! where runout makes another path the deepest, where material begins and ends. Kienzle's h^(1−m_c) is replaced by four
//! parabolas over h, close to a thousandth where chips are thick, so that with it too the scale of the force
//! is g_0 + g_1·sinφ + g_2·sin²φ between immersions. A tooth is then a short list of [`Change`]s, and every integral
//! over φ is closed: nothing is sampled, whatever the length of the arc.
//!
//! Positions are in bins of the mask, from −32 (φ = −π/2, where chips are thinnest) to 96; π/2 is 32.

use std::f64::consts::{FRAC_PI_2, PI};

use super::complex::Complex;
use super::edge::{EdgeElement, EdgeGroup};
use super::engagement::ANGLE_BINS;
use super::model::BIN_RAD;
use super::tooth::ChipLine;
use crate::det::math;

/// A quarter turn in bins.
pub(super) const QUARTER: usize = ANGLE_BINS / 4;

/// Chips, as a share of the thickest, at which the parabolas of Kienzle's law begin.
const LEVELS: [f64; 4] = [0.0, 0.05, 0.2, 0.5];

/// Steps of the table from sine to immersion over [−1, 1].
const SINE_STEPS: usize = 256;

/// What does not change from cut to cut: sines, and x^(1−m_c) as parabolas.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    /// sin and cos at position i − 32.
    turn: Vec<[f64; 2]>,
    /// Angle in rad, its sine and its cosine where the sine is 2i / [`SINE_STEPS`] − 1.
    arcs: Vec<[f64; 3]>,
    /// Coefficients over x, for each of [`LEVELS`]; `None` for a law that is linear in the chip.
    powers: Option<[[f64; 3]; LEVELS.len()]>,
}

impl Tables {
    pub(super) fn new(exponent: Option<f64>) -> Self {
        let turn = (0..=ANGLE_BINS).map(|i| {
            let (sin, cos) = math::sin_cos((i as f64 - QUARTER as f64) * BIN_RAD);
            [sin, cos]
        });
        let arcs = (0..=SINE_STEPS).map(|i| {
            let angle = math::asin(2.0 * i as f64 / SINE_STEPS as f64 - 1.0);
            let (sin, cos) = math::sin_cos(angle);
            [angle, sin, cos]
        });
        let level = |exponent: f64, level: usize| {
            parabola(exponent, LEVELS[level], LEVELS.get(level + 1).copied().unwrap_or(1.0))
        };
        let powers = exponent.map(|exponent| std::array::from_fn(|i| level(exponent, i)));
        Self { turn: turn.collect(), arcs: arcs.collect(), powers }
    }

    /// A border between bins.
    pub(super) fn border(&self, position: i64) -> Place {
        let [sin, cos] = self.turn[(position + QUARTER as i64) as usize];
        Place { bins: position as f64, sin, cos }
    }

    /// Where on the rising flank the sine has a value inside (−1, 1).
    fn rising(&self, sin: f64) -> Place {
        let cos = (1.0 - sin * sin).sqrt();
        let nearest = ((sin + 1.0) * (SINE_STEPS as f64 / 2.0) + 0.5) as usize;
        let [angle, near_sin, near_cos] = self.arcs[nearest.min(SINE_STEPS)];
        // The rest is at most 0.09 rad; three terms of the arc sine leave less than 1e-8 of it.
        let rest = sin * near_cos - cos * near_sin;
        let square = rest * rest;
        let angle = angle + rest * (1.0 + square * (1.0 / 6.0 + square * (3.0 / 40.0)));
        Place { bins: angle / BIN_RAD, sin, cos }
    }

    /// The greatest sin φ at the borders of the bins of a mask that is not empty.
    pub(super) fn sine_max(&self, mask: u128) -> f64 {
        let turned = mask.rotate_left(QUARTER as u32);
        let top = ANGLE_BINS / 2;
        let below = (turned & ((1 << top) - 1)).leading_zeros() as usize;
        let above = (turned >> top).trailing_zeros() as usize;
        // How far from π/2 the nearest border is: above 64 says that there is none on that side.
        let away = below.saturating_sub(top).min(above);
        self.turn[top - away.min(top)][0]
    }
}

/// x^exponent over [from, to] through its values at the nodes of Chebyshev.
fn parabola(exponent: f64, from: f64, to: f64) -> [f64; 3] {
    let node = |angle: f64| (from + to) / 2.0 + (to - from) / 2.0 * math::cos(angle);
    let x = [node(PI / 6.0), node(FRAC_PI_2), node(5.0 * PI / 6.0)];
    let y = x.map(|x| math::pow(x, exponent));
    let first = (y[1] - y[0]) / (x[1] - x[0]);
    let second = ((y[2] - y[1]) / (x[2] - x[1]) - first) / (x[2] - x[0]);
    [y[0] - first * x[0] + second * x[0] * x[1], first - second * (x[0] + x[1]), second]
}

/// An immersion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) bins: f64,
    pub(super) sin: f64,
    pub(super) cos: f64,
}

/// Chip thickness and scale of the cutting force as polynomials in sin φ.
#[derive(Clone, Copy, Debug, Default)]
struct Density {
    chip: [f64; 2],
    scale: [f64; 3],
}

/// What is added to the density of a tooth at an immersion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) at: Place,
    pub(super) chip: [f64; 2],
    pub(super) scale: [f64; 3],
    /// Share of the edge that begins to touch.
    pub(super) touch: f64,
    /// The antiderivative of the change at its place, once forces are known.
    pub(super) value: Complex,
}

impl Change {
    /// True where anything changes in the force.
    fn is_some(&self) -> bool {
        self.scale != [0.0; 3] || self.touch != 0.0
    }
}

/// Integrals over a turn of one tooth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Integrals {
    /// Of the chip thickness, mm.
    pub(super) chip: f64,
    /// Of the scale of the cutting force.
    pub(super) scale: f64,
    /// Of the share of the edge that touches, rad.
    pub(super) touch: f64,
    /// Of the force of a millimetre, N.
    pub(super) force: Complex,
}

/// A range of bins with the share of the edge that is in material there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    from: i64,
    to: i64,
    share: f64,
}

/// Ranges of bins in which the same part of a group is in material, by rising position.
pub(super) fn runs(group: &EdgeGroup, mask: u128, found: &mut Vec<Run>) {
    found.clear();
    let single = group.members.len() == 1;
    let turned = |mask: u128| mask.rotate_left(QUARTER as u32);
    let borders = match single {
        true => mask_borders(turned(mask)),
        false => group.members.iter().fold(0, |borders, member| borders | mask_borders(turned(member.mask & mask))),
    };
    let share = |bit: u32| {
        let engaged = |member: &&EdgeElement| turned(member.mask & mask) >> bit & 1 == 1;
        group.members.iter().filter(engaged).map(|member| member.ds_mm).sum::<f64>() / group.element.ds_mm
    };
    let all = turned(mask);
    // Bit 0 is a border of its own where the mask begins there.
    let mut left = borders | (all & 1);
    while left != 0 {
        let from = left.trailing_zeros();
        left &= left - 1;
        let to = if left == 0 { ANGLE_BINS as u32 } else { left.trailing_zeros() };
        if all >> from & 1 == 1 {
            let share = if single { 1.0 } else { share(from) };
            let place = |bit: u32| i64::from(bit) - QUARTER as i64;
            found.push(Run { from: place(from), to: place(to), share });
        }
    }
}

/// Adds runs, each list with its factor: what is left where shares cancel to nothing is left out.
pub(super) fn combine(parts: &[(&[Run], f64)], found: &mut Vec<Run>) {
    found.clear();
    let mut borders = 0u128;
    // The first border is bit 0, the last one lies behind the last bit and needs none.
    let bit = |position: i64| (position + QUARTER as i64) as u32;
    for run in parts.iter().flat_map(|(runs, _)| *runs) {
        borders |= 1 << bit(run.from);
        borders |= 1u128.checked_shl(bit(run.to)).unwrap_or(0);
    }
    while borders != 0 {
        let from = i64::from(borders.trailing_zeros()) - QUARTER as i64;
        borders &= borders - 1;
        let to = if borders == 0 { ANGLE_BINS as i64 } else { i64::from(borders.trailing_zeros()) } - QUARTER as i64;
        let shares = parts.iter().map(|(runs, factor)| {
            let run = runs.iter().find(|run| run.from <= from && from < run.to);
            run.map_or(0.0, |run| run.share * factor)
        });
        let share: f64 = shares.sum();
        match found.last_mut() {
            Some(last) if last.to == from && last.share == share => last.to = to,
            _ if share != 0.0 => found.push(Run { from, to, share }),
            _ => {}
        }
    }
}

/// Bits at which a run of set or clear bits begins, the first one left out.
fn mask_borders(mask: u128) -> u128 {
    (mask ^ (mask << 1)) & !1
}

/// Feed of one tooth: along the path in the plane and downwards, in mm.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToothFeed {
    pub(super) across_mm: f64,
    pub(super) down_mm: f64,
}

/// One tooth on one piece of the edge over the whole turn, before the mask is laid on it.
#[derive(Debug, Default)]
pub(super) struct Tooth {
    densities: Vec<Density>,
    /// Where a density begins, by rising position.
    knots: Vec<(Place, usize)>,
    /// Bins on which the edge touches: those in whose middle there is a chip.
    touches: [i64; 2],
    /// The density at the first position.
    initial: usize,
}

impl Tooth {
    /// Lays a tooth: its chips on `element` at a feed, and their scale with the thickest chip of the cut as
    /// `chip_max_mm` and its power as `power_max`.
    pub(super) fn lay(
        &mut self,
        tables: &Tables,
        lines: &[ChipLine],
        element: &EdgeElement,
        feed: ToothFeed,
        [chip_max_mm, power_max]: [f64; 2],
    ) {
        self.densities.clear();
        self.densities.push(Density::default());
        self.knots.clear();
        self.initial = 0;
        self.touches = [0, 0];
        let sin_k = element.dz_mm / element.ds_mm;
        let (per_mm, per_across_mm) = (1.0 / chip_max_mm, 1.0 / feed.across_mm);
        let scaled = |level: usize, [h_0, h_1]: [f64; 2]| match &tables.powers {
            None => [h_0, h_1, 0.0],
            Some(powers) => {
                let [p_0, p_1, p_2] = powers[level];
                let (x_0, x_1) = (h_0 * per_mm, h_1 * per_mm);
                [p_0 + x_0 * (p_1 + p_2 * x_0), x_1 * (p_1 + 2.0 * p_2 * x_0), p_2 * x_1 * x_1].map(|g| g * power_max)
            }
        };
        let level_of = |chip_mm: f64| LEVELS.iter().rposition(|level| chip_mm >= level * chip_max_mm).unwrap_or(0);
        if sin_k == 0.0 {
            let chip_mm = feed.down_mm.max(0.0);
            let chip = [chip_mm, 0.0];
            self.densities.push(Density { chip, scale: scaled(level_of(chip_mm * (1.0 - 1e-12)), chip) });
            self.initial = 1;
            self.touches = [-(QUARTER as i64), (ANGLE_BINS - QUARTER) as i64];
            return;
        }
        let lifted_mm = element.dr_mm * feed.down_mm / element.dz_mm;
        for (number, line) in lines.iter().enumerate() {
            let chip = [sin_k * line.at(lifted_mm), sin_k * line.passes * feed.across_mm];
            let chip_at = |u_mm: f64| sin_k * line.at(u_mm);
            let ends_mm = lines.get(number + 1).map_or(f64::INFINITY, |next| chip_at(next.from_mm));
            let mut level = if tables.powers.is_some() { level_of(chip_at(line.from_mm) * (1.0 + 1e-12)) } else { 0 };
            let mut from_mm = line.from_mm;
            loop {
                if !self.begin(
                    tables,
                    from_mm - lifted_mm,
                    [feed.across_mm, per_across_mm],
                    Density { chip, scale: scaled(level, chip) },
                ) {
                    return self.fall();
                }
                level += 1;
                let next_mm = LEVELS.get(level).map_or(f64::INFINITY, |share| share * chip_max_mm);
                if tables.powers.is_none() || next_mm >= ends_mm || next_mm == f64::INFINITY {
                    break;
                }
                from_mm = (next_mm / sin_k - line.offset_mm) / line.passes;
            }
        }
        self.fall();
    }

    /// Begins a density where f·sinφ reaches a value on the rising flank; false where it never does.
    fn begin(&mut self, tables: &Tables, reach_mm: f64, [across_mm, per_mm]: [f64; 2], density: Density) -> bool {
        if reach_mm >= across_mm {
            return false;
        }
        let first = self.densities.len() == 1;
        self.densities.push(density);
        let number = self.densities.len() - 1;
        if reach_mm <= -across_mm {
            self.initial = number;
            if first {
                self.touches = [-(QUARTER as i64), (ANGLE_BINS - QUARTER) as i64];
            }
            return true;
        }
        let place = tables.rising(reach_mm * per_mm);
        self.knots.push((place, number));
        if first {
            let from = (place.bins - 0.5).floor() as i64 + 1;
            self.touches = [from, ANGLE_BINS as i64 / 2 - from];
        }
        true
    }

    /// Mirrors the rising flank at π/2.
    fn fall(&mut self) {
        for index in (0..self.knots.len()).rev() {
            let (place, _) = self.knots[index];
            let before = if index == 0 { self.initial } else { self.knots[index - 1].1 };
            let mirrored = Place { bins: ANGLE_BINS as f64 / 2.0 - place.bins, sin: place.sin, cos: -place.cos };
            self.knots.push((mirrored, before));
        }
    }

    fn touches_at(&self, bin: i64) -> f64 {
        f64::from(u8::from(self.touches[0] <= bin && bin < self.touches[1]))
    }

    /// What of it is in material, as changes by rising position.
    pub(super) fn changes(&self, tables: &Tables, runs: &[Run], found: &mut Vec<Change>) {
        found.clear();
        let mut knot = 0;
        let mut current = self.initial;
        let mut before = 0.0;
        for (number, run) in runs.iter().enumerate() {
            let old = (before, current);
            while self.knots.get(knot).is_some_and(|(place, _)| place.bins <= run.from as f64) {
                current = self.knots[knot].1;
                knot += 1;
            }
            let touch = run.share * self.touches_at(run.from) - before * self.touches_at(run.from - 1);
            self.push(found, tables.border(run.from), old, (run.share, current), touch);
            let mut flips = self.touches.into_iter().zip([run.share, -run.share]);
            let inside = |at: i64| run.from < at && at < run.to;
            let mut flip = flips.find(|(at, _)| inside(*at));
            loop {
                let place = self.knots.get(knot).map(|(place, _)| *place).filter(|place| place.bins < run.to as f64);
                match (flip, place) {
                    (Some((at, touch)), later) if later.is_none_or(|place| place.bins >= at as f64) => {
                        self.push(found, tables.border(at), (0.0, current), (0.0, current), touch);
                        flip = flips.find(|(at, _)| inside(*at));
                    }
                    (_, Some(place)) => {
                        let next = self.knots[knot].1;
                        self.push(found, place, (run.share, current), (run.share, next), 0.0);
                        current = next;
                        knot += 1;
                    }
                    _ => break,
                }
            }
            let adjoins = runs.get(number + 1).is_some_and(|next| next.from == run.to);
            before = if adjoins { run.share } else { 0.0 };
            if !adjoins {
                let touch = -run.share * self.touches_at(run.to - 1);
                self.push(found, tables.border(run.to), (run.share, current), (0.0, current), touch);
            }
        }
    }

    fn push(&self, found: &mut Vec<Change>, at: Place, old: (f64, usize), new: (f64, usize), touch: f64) {
        let (old_share, new_share) = (old.0, new.0);
        let (old, new) = (&self.densities[old.1], &self.densities[new.1]);
        let step = |old: f64, new: f64| new_share * new - old_share * old;
        let change = Change {
            at,
            chip: std::array::from_fn(|i| step(old.chip[i], new.chip[i])),
            scale: std::array::from_fn(|i| step(old.scale[i], new.scale[i])),
            touch,
            value: Complex::default(),
        };
        if change.is_some() {
            found.push(change);
        }
    }
}

/// Fills in the antiderivative of every change for a cutting and an edge coefficient (the force of a density g
/// is `cutting`·g·e^(−iφ)), and integrates over the turn.
pub(super) fn integrate(changes: &mut [Change], cutting: Complex, edge: Complex) -> Integrals {
    let mut sums = Integrals::default();
    for change in changes {
        let Place { bins, sin, cos } = change.at;
        let phi = bins * BIN_RAD;
        let [g_0, g_1, g_2] = change.scale;
        let turn = Complex::new(cos, -sin);
        let turn_2 = turn * turn;
        // ∫ e^(−iφ), ∫ sinφ·e^(−iφ) and ∫ sin²φ·e^(−iφ).
        let constant = Complex::I * turn;
        let mut value =
            constant * (g_0 + g_2 / 2.0) + Complex::new(-turn_2.re / 4.0, -phi / 2.0 - turn_2.im / 4.0) * g_1;
        if g_2 != 0.0 {
            value = value + Complex::I * (turn.conjugate() * (1.0 / 4.0) - turn * turn_2 * (1.0 / 12.0)) * g_2;
        }
        change.value = cutting * value + edge * constant * change.touch;
        // All of them add up to zero behind the last change: what is left is minus the sum at the changes.
        sums.force = sums.force - change.value;
        sums.scale -= g_0 * phi - g_1 * cos + g_2 * (phi - sin * cos) / 2.0;
        sums.chip -= change.chip[0] * phi - change.chip[1] * cos;
        sums.touch -= change.touch * phi;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parabolas_follow_the_power_they_replace() {
        for exponent in [0.7, 0.74, 0.75, 0.79, 0.86, 1.0] {
            for (level, &from) in LEVELS.iter().enumerate() {
                let to = LEVELS.get(level + 1).copied().unwrap_or(1.0);
                let [a, b, c] = parabola(exponent, from, to);
                for step in 0..=100 {
                    let x = from + (to - from) * f64::from(step) / 100.0;
                    let error = (a + x * (b + x * c) - math::pow(x, exponent)).abs();
                    let allowed = if level == 0 { 1.5e-2 } else { 2e-3 };
                    assert!(error < allowed, "{exponent}: {error} at {x}");
                }
            }
        }
    }

    #[test]
    fn a_sine_is_found_again() {
        let tables = Tables::new(None);
        for step in -999..1000 {
            let sin = f64::from(step) / 1000.0;
            let found = tables.rising(sin);
            assert!((found.bins * BIN_RAD - math::asin(sin)).abs() < 1e-8, "{sin}: {found:?}");
        }
    }

    #[test]
    fn the_greatest_sine_of_a_mask() {
        let tables = Tables::new(None);
        let mut rng = crate::det::Rng::new(5);
        for _ in 0..500 {
            let (from, count) = (rng.below(128) as u32, 1 + rng.below(60) as u32);
            let mask = ((1u128 << count) - 1).rotate_left(from);
            let sine = |border: usize| math::sin(border as f64 * BIN_RAD);
            let bins = (0..ANGLE_BINS).filter(|bin| mask >> bin & 1 == 1);
            let greatest = bins.map(|bin| sine(bin).max(sine(bin + 1))).fold(-1.0, f64::max);
            assert!((tables.sine_max(mask) - greatest).abs() < 1e-12, "{mask:#x}");
        }
    }
}
