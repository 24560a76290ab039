//! Semi-discretisation over one tooth period.
//!
//! M·ẍ + C·ẋ + K·x = −a_p·H(t)·(x(t) − x(t − τ)) with H(t) = Σ over teeth in material of the turning directional matrix.
//! The period τ is cut into m intervals; within one of them H and the delayed position (the mean of both its ends) are constant,
//! so that the state follows an exact matrix exponential. The map over a period acts on the state and m delayed
//! positions; its largest multiplier is found by iterating it: the growth of a vector in the long run.
//!
//! Source: Insperger and Stépán, *Semi-Discretization for Time-Delay Systems*, 2011, zeroth-order averaging.

use std::f64::consts::{PI, TAU};

use shared::det::math;
use shared::units::{Length, RotaryVelocity};

use super::{ChatterCut, Mode, TipResponse};

/// A square matrix, row by row.
type Matrix = Vec<Vec<f64>>;

/// Periods that are iterated before growth is measured, and over which it is measured.
const PERIODS: (u32, u32) = (300, 600);

/// A mode and the direction it moves in: 0 along the feed, 1 across.
type Part = (usize, Mode);

/// One interval: state ← `own`·state + `delayed`·(delayed x, delayed y). The state holds the displacements of all
/// modes, then their velocities; the tip is where the displacements of a direction add up to.
struct Interval {
    own: Vec<f64>,
    delayed: Vec<[f64; 2]>,
}

/// Magnitude of the largest multiplier of the map over one tooth period: below one the cut is stable. `None`
/// where the spindle stands, the cutter has no flutes, a response is measured and not given by modes
/// ([`ChatterCut::modal`]), or there are fewer than four intervals.
///
/// Use at least 20·f_n·τ intervals, f_n that of the highest mode. Cost: intervals × a thousand periods × a small matrix.
pub fn largest_multiplier(cut: &ChatterCut, spindle: RotaryVelocity, depth: Length, intervals: u32) -> Option<f64> {
    let teeth_hz = spindle.abs().as_rev_s() * f64::from(cut.flutes);
    if teeth_hz <= 0.0 || intervals < 4 {
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    for (direction, tip) in [&cut.x, &cut.y].into_iter().enumerate() {
        match tip {
            TipResponse::Rigid => {}
            TipResponse::Modes(modes) => parts.extend(modes.iter().map(|mode| (direction, *mode))),
            TipResponse::Measured(_) => return None,
        }
    }
    let step_s = 1.0 / teeth_hz / f64::from(intervals);
    let rows: Vec<Interval> =
        (0..intervals).map(|i| interval(&parts, &process_n_m(cut, depth, i, intervals), step_s)).collect();
    Some(growth(&rows, &parts))
}

/// −a_p·H at the middle of an interval in N/m, the matrix by which a displacement makes force.
fn process_n_m(cut: &ChatterCut, depth: Length, index: u32, intervals: u32) -> [[f64; 2]; 2] {
    let (k_t, k_r) = (cut.k_tc.as_n_mm2() * 1e6, cut.k_rc.as_n_mm2() * 1e6);
    let depth_m = depth.as_mm() * 1e-3;
    let pitch = TAU / f64::from(cut.flutes);
    let mut matrix = [[0.0; 2]; 2];
    for tooth in 0..cut.flutes {
        let turned = (f64::from(index) + 0.5) / f64::from(intervals) + f64::from(tooth);
        let phi = (pitch * turned).rem_euclid(TAU);
        if phi < cut.start_rad || phi > cut.exit_rad || phi > PI {
            continue;
        }
        let (sin, cos) = math::sin_cos(phi);
        // Chip of a displacement: sin φ·x + cos φ·y; force by PROCESS.md section 1.
        let force = [-k_t * cos - k_r * sin, k_t * sin - k_r * cos];
        for (row, force) in matrix.iter_mut().zip(force) {
            row[0] += depth_m * force * sin;
            row[1] += depth_m * force * cos;
        }
    }
    matrix
}

fn interval(parts: &[Part], process: &[[f64; 2]; 2], step_s: f64) -> Interval {
    let (count, size) = (parts.len(), 2 * parts.len());
    let mut rate: Matrix = vec![vec![0.0; size]; size];
    let mut input = vec![[0.0; 2]; size];
    for (row, (direction, mode)) in parts.iter().enumerate() {
        let natural = mode.natural_rad_s();
        rate[row][row + count] = 1.0;
        rate[row + count][row] = -natural * natural;
        rate[row + count][row + count] = -2.0 * mode.damping_ratio * natural;
        for (column, (other, _)) in parts.iter().enumerate() {
            rate[row + count][column] += process[*direction][*other] / mode.mass_kg;
        }
        input[row + count] = process[*direction].map(|force| -force / mode.mass_kg);
    }
    let (own, integral) = exponential(&rate, step_s);
    let delayed = integral.iter().map(|row| {
        std::array::from_fn(|column| row.iter().zip(&input).map(|(value, input)| value * input[column]).sum())
    });
    Interval { own: own.concat(), delayed: delayed.collect() }
}

/// e^(A·h) and ∫ e^(A·s) ds over [0, h], by their series; |A·h| is small, because an interval is a small part of a
/// vibration, and what it is not is halved and squared back.
fn exponential(rate: &Matrix, step_s: f64) -> (Matrix, Matrix) {
    let largest = rate.iter().flatten().fold(0.0f64, |size, value| size.max(value.abs().sqrt().min(value.abs())));
    let mut halvings = 0u32;
    while largest * step_s / f64::from(1u32 << halvings) > 0.25 && halvings < 20 {
        halvings += 1;
    }
    let h = step_s / f64::from(1u32 << halvings);
    let mut own = identity(rate.len());
    let mut integral = scale(&own, h);
    let mut term = own.clone();
    // Terms (A·h)^n/n!; with |A·h| ≤ 1/4 sixteen of them are below rounding.
    for n in 1..=16 {
        term = scale(&multiply(&term, rate), h / f64::from(n));
        own = add(&own, &term);
        integral = add(&integral, &scale(&term, h / f64::from(n + 1)));
    }
    for _ in 0..halvings {
        integral = add(&integral, &multiply(&own, &integral));
        own = multiply(&own, &own);
    }
    (own, integral)
}

/// Growth of a vector by one period in the long run.
///
/// A complex pair of multipliers makes the norm beat; the mean of its logarithm over many periods does not.
fn growth(rows: &[Interval], parts: &[Part]) -> f64 {
    let count = rows.len();
    let tip = |state: &[f64]| {
        let mut at = [0.0; 2];
        parts.iter().zip(state).for_each(|((direction, _), value)| at[*direction] += value);
        at
    };
    // All modes begin displaced, each a little otherwise, so that none is missed.
    let mut state: Vec<f64> = (0..2 * parts.len())
        .map(|i| if i < parts.len() { 1.0 - 0.3 * i as f64 / parts.len() as f64 } else { 0.0 })
        .collect();
    let mut after = state.clone();
    // Ring of positions of the last period: index i holds the position at the beginning of interval i.
    let start = tip(&state);
    let mut past: Vec<[f64; 2]> = (0..=count).map(|i| start.map(|value| value * (1.0 + i as f64 * 1e-3))).collect();
    let mut next = past.clone();
    let mut log = 0.0;
    for period in 0..PERIODS.0 + PERIODS.1 {
        for (i, row) in rows.iter().enumerate() {
            next[i] = tip(&state);
            let late = [(past[i][0] + past[i + 1][0]) / 2.0, (past[i][1] + past[i + 1][1]) / 2.0];
            for ((out, own), delayed) in after.iter_mut().zip(row.own.chunks_exact(state.len())).zip(&row.delayed) {
                let held: f64 = own.iter().zip(&state).map(|(a, b)| a * b).sum();
                *out = held + delayed[0] * late[0] + delayed[1] * late[1];
            }
            std::mem::swap(&mut state, &mut after);
        }
        next[count] = tip(&state);
        let size = next.iter().map(|[x, y]| x * x + y * y).sum::<f64>().sqrt();
        if size < 1e-280 {
            return 0.0;
        }
        std::mem::swap(&mut past, &mut next);
        past.iter_mut().flatten().chain(&mut state).for_each(|value| *value /= size);
        if period >= PERIODS.0 {
            log += math::ln(size);
        }
    }
    math::exp(log / f64::from(PERIODS.1))
}

fn identity(size: usize) -> Matrix {
    (0..size).map(|r| (0..size).map(|c| f64::from(u8::from(r == c))).collect()).collect()
}

fn scale(a: &Matrix, factor: f64) -> Matrix {
    a.iter().map(|row| row.iter().map(|value| value * factor).collect()).collect()
}

fn add(a: &Matrix, b: &Matrix) -> Matrix {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |row: &Vec<f64>, c: usize| row.iter().zip(b).map(|(value, other)| value * other[c]).sum();
    a.iter().map(|row| (0..b.len()).map(|c| column(row, c)).collect()).collect()
}
