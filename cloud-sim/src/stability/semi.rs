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

use super::{ChatterCut, Mode};

/// Positions and velocities of x and y.
const STATE: usize = 4;

type Matrix = [[f64; STATE]; STATE];

/// Periods that are iterated before growth is measured, and over which it is measured.
const PERIODS: (u32, u32) = (300, 600);

/// One interval: state ← `own`·state + `delayed`·(delayed x, delayed y).
struct Interval {
    own: Matrix,
    delayed: [[f64; 2]; STATE],
}

/// Magnitude of the largest multiplier of the map over one tooth period: below one the cut is stable. `None`
/// where the spindle stands, the cutter has no flutes, or there are fewer than four intervals.
///
/// Use at least 20·f_n·τ intervals. Cost: intervals × a thousand periods × a small matrix.
pub fn largest_multiplier(cut: &ChatterCut, spindle: RotaryVelocity, depth: Length, intervals: u32) -> Option<f64> {
    let teeth_hz = spindle.abs().as_rev_s() * f64::from(cut.flutes);
    if teeth_hz <= 0.0 || intervals < 4 {
        return None;
    }
    let step_s = 1.0 / teeth_hz / f64::from(intervals);
    let rows: Vec<Interval> = (0..intervals).map(|i| interval(cut, depth, i, intervals, step_s)).collect();
    let free = [cut.mode_x, cut.mode_y].map(|mode| f64::from(u8::from(mode.is_some())));
    Some(growth(&rows, free))
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

fn interval(cut: &ChatterCut, depth: Length, index: u32, intervals: u32, step_s: f64) -> Interval {
    let process = process_n_m(cut, depth, index, intervals);
    // State (x, y, ẋ, ẏ); a rigid direction stays at rest.
    let mut rate: Matrix = [[0.0; STATE]; STATE];
    let mut input = [[0.0; 2]; STATE];
    for (axis, mode) in [cut.mode_x, cut.mode_y].into_iter().enumerate() {
        let Some(mode) = mode else { continue };
        let Mode { damping_ratio, mass_kg, .. } = mode;
        let natural = mode.natural_rad_s();
        rate[axis][axis + 2] = 1.0;
        rate[axis + 2][axis] = -natural * natural;
        rate[axis + 2][axis + 2] = -2.0 * damping_ratio * natural;
        for other in 0..2 {
            rate[axis + 2][other] += process[axis][other] / mass_kg;
            input[axis + 2][other] = -process[axis][other] / mass_kg;
        }
    }
    let (own, integral) = exponential(&rate, step_s);
    let mut delayed = [[0.0; 2]; STATE];
    for (row, out) in delayed.iter_mut().enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            *out = (0..STATE).map(|inner| integral[row][inner] * input[inner][column]).sum();
        }
    }
    Interval { own, delayed }
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
    let mut own = identity();
    let mut integral = scale(&identity(), h);
    let mut term = identity();
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

/// Growth of a vector by one period in the long run; `free` is one for a direction that can move, else zero.
///
/// A complex pair of multipliers makes the norm beat; the mean of its logarithm over many periods does not.
fn growth(rows: &[Interval], free: [f64; 2]) -> f64 {
    let count = rows.len();
    // Ring of positions of the last period: index i holds the position at the beginning of interval i.
    let mut past: Vec<[f64; 2]> = (0..=count).map(|i| [free[0] * (1.0 + i as f64 * 1e-3), free[1] * 0.7]).collect();
    let mut state = [free[0], free[1] * 0.7, 0.0, 0.0];
    let mut log = 0.0;
    for period in 0..PERIODS.0 + PERIODS.1 {
        let mut next = Vec::with_capacity(count + 1);
        for (i, row) in rows.iter().enumerate() {
            next.push([state[0], state[1]]);
            let late = [(past[i][0] + past[i + 1][0]) / 2.0, (past[i][1] + past[i + 1][1]) / 2.0];
            state = std::array::from_fn(|r| {
                let own: f64 = (0..STATE).map(|c| row.own[r][c] * state[c]).sum();
                own + row.delayed[r][0] * late[0] + row.delayed[r][1] * late[1]
            });
        }
        next.push([state[0], state[1]]);
        let size = next.iter().map(|[x, y]| x * x + y * y).sum::<f64>().sqrt();
        if size < 1e-280 {
            return 0.0;
        }
        past = next;
        past.iter_mut().flatten().chain(&mut state).for_each(|value| *value /= size);
        if period >= PERIODS.0 {
            log += math::ln(size);
        }
    }
    math::exp(log / f64::from(PERIODS.1))
}

fn identity() -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| f64::from(u8::from(r == c))))
}

fn scale(a: &Matrix, factor: f64) -> Matrix {
    a.map(|row| row.map(|value| value * factor))
}

fn add(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| a[r][c] + b[r][c]))
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| (0..STATE).map(|i| a[r][i] * b[i][c]).sum()))
}
