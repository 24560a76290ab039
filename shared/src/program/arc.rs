//! Centre, turns and length of an arc, from its end and either its centre offset or its radius.
//!
//! Two points and a radius allow two circles; the sign of R picks one, and so does the direction. With a
//! centre, the end may lie off the circle a little, because posts round: how much is tolerated is a property
//! of the control.

use super::options::Dialect;
use crate::det::math;
use std::f64::consts::{FRAC_PI_2, TAU};

/// A circle's arc in its plane: first and second axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arc {
    /// Centre, mm.
    pub(super) centre: [f64; 2],
    /// Swept angle in rad, positive counter-clockwise.
    pub(super) sweep: f64,
    /// Mean of the radii at start and end, mm.
    pub(super) radius: f64,
}

/// Why there is no such arc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NoArc {
    /// The radii at start and end differ, mm.
    Radii(f64, f64),
    /// The centre is the start.
    NoRadius,
    /// R is shorter than half the distance, mm.
    TooShort(f64),
    /// By radius, and the end is the start.
    SamePoint,
}

/// How far a control lets an arc miss its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// Below this difference of radii, mm, every arc is good.
    small_mm: f64,
    /// Above this difference, mm, no arc is good.
    large_mm: f64,
    /// Between the two: greatest difference by the radius.
    ratio: f64,
    /// How much R may be too short, mm.
    chord_mm: f64,
}

impl Tolerance {
    /// Of a control.
    ///
    /// LinuxCNC: measured on its interpreter 2.9. grbl 1.1: `gcode.c`, 0.005 mm, 0.5 mm and 0.1 %. Fanuc and
    /// Haas leave it to a machine parameter; 0.05 mm accepts arcs of radius 0.06 mm in inch programs of four
    /// decimals, as posts write them.
    pub(super) fn of(dialect: Dialect, unit_mm: f64) -> Self {
        match dialect {
            Dialect::Rs274ngc | Dialect::Auto => {
                // 2√2 hundredths of a millimetre, or thousandths of an inch.
                let grain_mm = if unit_mm > 1.0 { 0.0254 } else { 0.01 };
                let small_mm = grain_mm * 2.0 * std::f64::consts::SQRT_2;
                Self { small_mm, large_mm: grain_mm * 100.0, ratio: 0.001, chord_mm: 0.001_27 }
            }
            Dialect::Grbl => Self { small_mm: 0.005, large_mm: 0.5, ratio: 0.001, chord_mm: 0.0 },
            Dialect::Fanuc | Dialect::Haas | Dialect::Siemens => {
                Self { small_mm: 0.05, large_mm: 0.05, ratio: 0.0, chord_mm: 0.01 }
            }
        }
    }
}

/// The arc from `start` to `end` about `centre`. Equal ends make a full circle.
pub(super) fn about(
    start: [f64; 2],
    end: [f64; 2],
    centre: [f64; 2],
    clockwise: bool,
    tolerance: Tolerance,
) -> Result<Arc, NoArc> {
    let at_start = math::hypot(start[0] - centre[0], start[1] - centre[1]);
    let at_end = math::hypot(end[0] - centre[0], end[1] - centre[1]);
    if at_start < RADIUS_MIN_MM || at_end < RADIUS_MIN_MM {
        return Err(NoArc::NoRadius);
    }
    let miss = (at_start - at_end).abs();
    let is_large = miss > tolerance.large_mm;
    let is_relative = miss > tolerance.small_mm && miss > tolerance.ratio * at_start.max(at_end);
    if is_large || is_relative {
        return Err(NoArc::Radii(at_start, at_end));
    }
    Ok(Arc { centre, sweep: sweep(start, end, centre, clockwise), radius: 0.5 * (at_start + at_end) })
}

/// A centre closer than this to a point of the arc is that point.
const RADIUS_MIN_MM: f64 = 1e-9;

/// The arc from `start` to `end` with a radius; a negative one takes the longer way.
pub(super) fn by_radius(
    start: [f64; 2],
    end: [f64; 2],
    radius: f64,
    clockwise: bool,
    tolerance: Tolerance,
) -> Result<Arc, NoArc> {
    if start == end {
        return Err(NoArc::SamePoint);
    }
    let (along, across) = (end[0] - start[0], end[1] - start[1]);
    let half = 0.5 * math::hypot(along, across);
    let magnitude = radius.abs();
    if magnitude < RADIUS_MIN_MM {
        return Err(NoArc::NoRadius);
    }
    if half - magnitude > tolerance.chord_mm {
        return Err(NoArc::TooShort(half));
    }
    // Beyond this the difference of two nearly equal numbers is all noise: a half circle was meant.
    let half = if half / magnitude > 1.0 - 1e-12 { magnitude } else { half };
    let side = if clockwise == (radius > 0.0) { -FRAC_PI_2 } else { FRAC_PI_2 };
    let towards = math::atan2(across, along) + side;
    let distance = magnitude * math::cos(math::asin(half / magnitude));
    let centre = [
        0.5 * (start[0] + end[0]) + distance * math::cos(towards),
        0.5 * (start[1] + end[1]) + distance * math::sin(towards),
    ];
    Ok(Arc { centre, sweep: sweep(start, end, centre, clockwise), radius: magnitude })
}

/// Swept angle, never zero: equal directions make a full circle.
fn sweep(start: [f64; 2], end: [f64; 2], centre: [f64; 2], clockwise: bool) -> f64 {
    let direction = if clockwise { -1.0 } else { 1.0 };
    if start == end {
        return direction * TAU;
    }
    let from = math::atan2(start[1] - centre[1], start[0] - centre[0]);
    let to = math::atan2(end[1] - centre[1], end[0] - centre[0]);
    let mut angle = direction * (to - from);
    while angle <= 0.0 {
        angle += TAU;
    }
    direction * if angle > TAU { angle - TAU } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose() -> Tolerance {
        Tolerance::of(Dialect::Rs274ngc, 1.0)
    }

    #[test]
    fn quarter_half_and_full_circles() {
        let quarter = about([1.0, 0.0], [0.0, 1.0], [0.0, 0.0], false, loose()).expect("an arc");
        assert!((quarter.sweep - FRAC_PI_2).abs() < 1e-15 && quarter.radius == 1.0);
        let other_way = about([1.0, 0.0], [0.0, 1.0], [0.0, 0.0], true, loose()).expect("an arc");
        assert!((other_way.sweep + 1.5 * std::f64::consts::PI).abs() < 1e-15);
        let full = about([1.0, 0.0], [1.0, 0.0], [0.0, 0.0], true, loose()).expect("an arc");
        assert_eq!(full.sweep, -TAU);
    }

    #[test]
    fn radius_and_centre_form_agree() {
        let mut rng = crate::det::Rng::new(3);
        for round in 0..2000 {
            let mut draw = || [rng.between(-50.0, 50.0), rng.between(-50.0, 50.0)];
            let (start, end) = (draw(), draw());
            let half = 0.5 * math::hypot(end[0] - start[0], end[1] - start[1]);
            let (clockwise, long) = (round % 2 == 0, round % 3 == 0);
            let radius = half * rng.between(1.001, 3.0) * if long { -1.0 } else { 1.0 };
            let one = by_radius(start, end, radius, clockwise, loose()).expect("the radius is long enough");
            let two = about(start, end, one.centre, clockwise, loose()).expect("the ends lie on the circle");
            assert!((one.sweep - two.sweep).abs() < 1e-9 && (one.radius - two.radius).abs() < 1e-8);
            assert_eq!(one.sweep.abs() > std::f64::consts::PI, long, "the sign of R picks the side");
        }
    }

    #[test]
    fn refuses_what_is_no_arc() {
        let (a, b) = ([0.0, 0.0], [10.0, 0.0]);
        assert_eq!(about(a, b, [6.0, 0.0], true, loose()), Err(NoArc::Radii(6.0, 4.0)));
        assert_eq!(about(a, b, a, true, loose()), Err(NoArc::NoRadius));
        assert_eq!(by_radius(a, b, 4.0, true, loose()), Err(NoArc::TooShort(5.0)));
        assert_eq!(by_radius(a, a, 4.0, true, loose()), Err(NoArc::SamePoint));
    }
}
