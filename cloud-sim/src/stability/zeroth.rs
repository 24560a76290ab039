//! The zeroth-order solution.
//!
//! With the directional factors averaged, the characteristic equation a_0·Λ² + a_1·Λ + 1 = 0 is quadratic for every
//! chatter frequency ω_c; each root Λ gives a depth a_lim = −2πΛ_R(1 + κ²)/(N·K_tc), κ = Λ_I/Λ_R, and a row of
//! speeds n = ω_c/(2π) / (N·(k + (π − 2·atan κ)/(2π))): one for each whole number k of waves between two teeth.

use std::f64::consts::{PI, TAU};

use shared::det::math;
use shared::units::{Length, RotaryVelocity};

use super::{ChatterCut, depth};

/// A point of a lobe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lobe {
    /// Limit depth a_lim.
    pub depth: Length,
    /// Chatter frequency.
    pub frequency_hz: f64,
    /// Waves between two teeth beyond the whole ones: ε/2π in [0, 1).
    pub phase_turns: f64,
}

/// Most whole waves between two teeth that are looked at.
const WAVES_MAX: u32 = 400;

/// Limit depth at a speed: the lowest of all lobes there. Chatter frequencies are looked for in `band_hz` in
/// `steps` equal steps, with the place between two steps interpolated. `None` where no lobe crosses the speed in
/// that band: nothing is known, not "stable".
pub fn zeroth_order(cut: &ChatterCut, spindle: RotaryVelocity, band_hz: (f64, f64), steps: u32) -> Option<Lobe> {
    let teeth_hz = spindle.abs().as_rev_s() * f64::from(cut.flutes);
    if teeth_hz <= 0.0 {
        return None;
    }
    let mut lowest: Option<Lobe> = None;
    let mut before: [Option<Lobe>; 2] = [None, None];
    for step in 0..=steps {
        let now = lobes_at(cut, frequency_hz(band_hz, step, steps), before);
        for (before, now) in before.iter().zip(&now) {
            let Some((before, now)) = before.zip(*now) else { continue };
            if let Some(crossed) = crossing(&before, &now, teeth_hz)
                && lowest.is_none_or(|lowest| crossed.depth < lowest.depth)
            {
                lowest = Some(crossed);
            }
        }
        before = now;
    }
    lowest
}

/// The lowest limit of any speed: below it no speed chatters, by this method.
pub fn lowest_limit(cut: &ChatterCut, band_hz: (f64, f64), steps: u32) -> Option<Lobe> {
    let mut tracked = [None, None];
    let mut lowest: Option<Lobe> = None;
    for step in 0..=steps {
        tracked = lobes_at(cut, frequency_hz(band_hz, step, steps), tracked);
        for lobe in tracked.iter().flatten() {
            if lowest.is_none_or(|lowest| lobe.depth < lowest.depth) {
                lowest = Some(*lobe);
            }
        }
    }
    lowest
}

fn frequency_hz(band_hz: (f64, f64), step: u32, steps: u32) -> f64 {
    band_hz.0 + (band_hz.1 - band_hz.0) * f64::from(step) / f64::from(steps.max(1))
}

/// Where a lobe between two neighbouring frequencies meets a tooth-passing frequency.
fn crossing(before: &Lobe, now: &Lobe, teeth_hz: f64) -> Option<Lobe> {
    // ω_c/(teeth) − phase is a whole number of waves on a lobe.
    let waves = |lobe: &Lobe| lobe.frequency_hz / teeth_hz - lobe.phase_turns;
    if (before.phase_turns - now.phase_turns).abs() > 0.5 {
        return None;
    }
    let (first, second) = (waves(before), waves(now));
    let whole = first.max(second).floor();
    let crosses = whole >= first.min(second) && (0.0..=f64::from(WAVES_MAX)).contains(&whole);
    if !crosses || first == second {
        return None;
    }
    let place = (whole - first) / (second - first);
    let between = |a: f64, b: f64| a + (b - a) * place;
    Some(Lobe {
        depth: Length::mm(between(before.depth.as_mm(), now.depth.as_mm())),
        frequency_hz: between(before.frequency_hz, now.frequency_hz),
        phase_turns: between(before.phase_turns, now.phase_turns),
    })
}

/// Lobes of both roots at a chatter frequency; the roots in the order that continues `before`.
fn lobes_at(cut: &ChatterCut, frequency_hz: f64, before: [Option<Lobe>; 2]) -> [Option<Lobe>; 2] {
    // Where a response was not measured, nothing is known of a lobe.
    let (Some(g_x), Some(g_y)) = (cut.x.at(frequency_hz), cut.y.at(frequency_hz)) else {
        return [None, None];
    };
    let [xx, xy, yx, yy] = directional(cut);
    let a_0 = scaled(product(g_x, g_y), xx * yy - xy * yx);
    let a_1 = sum(scaled(g_x, xx), scaled(g_y, yy));
    let lobe = |lambda: [f64; 2]| {
        let [real, imaginary] = lambda;
        let kappa = imaginary / real;
        let limit_m = -TAU * real * (1.0 + kappa * kappa) / (f64::from(cut.flutes) * cut.k_tc.as_n_mm2() * 1e6);
        let phase = (PI - 2.0 * math::atan(kappa)) / TAU;
        let sound = limit_m.is_finite() && limit_m > 0.0;
        sound.then(|| Lobe { depth: depth(limit_m), frequency_hz, phase_turns: phase.rem_euclid(1.0) })
    };
    let [first, second] = roots(a_0, a_1).map(|root| root.and_then(lobe));
    // Both roots keep their identity along the band: swap where the other order is closer.
    let apart = |a: Option<Lobe>, b: Option<Lobe>| match (a, b) {
        (Some(a), Some(b)) => (a.phase_turns - b.phase_turns).abs(),
        (None, None) => 0.0,
        _ => 1.0,
    };
    let straight = apart(before[0], first) + apart(before[1], second);
    let crossed = apart(before[0], second) + apart(before[1], first);
    if crossed < straight { [second, first] } else { [first, second] }
}

/// α_xx, α_xy, α_yx, α_yy over φ_st … φ_ex.
fn directional(cut: &ChatterCut) -> [f64; 4] {
    let k_r = cut.k_rc / cut.k_tc;
    let at = |phi: f64| {
        let (sin, cos) = math::sin_cos(2.0 * phi);
        [
            0.5 * (cos - 2.0 * k_r * phi + k_r * sin),
            0.5 * (-sin - 2.0 * phi + k_r * cos),
            0.5 * (-sin + 2.0 * phi + k_r * cos),
            0.5 * (-cos - 2.0 * k_r * phi - k_r * sin),
        ]
    };
    let (exit, start) = (at(cut.exit_rad), at(cut.start_rad));
    std::array::from_fn(|i| exit[i] - start[i])
}

/// Roots of a_0·Λ² + a_1·Λ + 1 = 0 over the complex numbers; one where a_0 vanishes, as with a single mode.
fn roots(a_0: [f64; 2], a_1: [f64; 2]) -> [Option<[f64; 2]>; 2] {
    let scale = product(a_1, a_1);
    if magnitude(a_0) <= 1e-12 * magnitude(scale) {
        return [quotient([-1.0, 0.0], a_1), None];
    }
    let square = sum(scale, scaled(a_0, -4.0));
    let root = square_root(square);
    let double = scaled(a_0, 2.0);
    let minus = scaled(a_1, -1.0);
    [quotient(sum(minus, root), double), quotient(sum(minus, scaled(root, -1.0)), double)]
}

fn magnitude(a: [f64; 2]) -> f64 {
    math::hypot(a[0], a[1])
}

fn sum(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

fn scaled(a: [f64; 2], factor: f64) -> [f64; 2] {
    [a[0] * factor, a[1] * factor]
}

fn product(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

fn quotient(a: [f64; 2], b: [f64; 2]) -> Option<[f64; 2]> {
    let square = b[0] * b[0] + b[1] * b[1];
    (square > 0.0).then(|| scaled(product(a, [b[0], -b[1]]), 1.0 / square))
}

fn square_root(a: [f64; 2]) -> [f64; 2] {
    let size = magnitude(a);
    let real = ((size + a[0]) / 2.0).max(0.0).sqrt();
    let imaginary = ((size - a[0]) / 2.0).max(0.0).sqrt();
    [real, if a[1] < 0.0 { -imaginary } else { imaginary }]
}
