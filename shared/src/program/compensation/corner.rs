//! Plane geometry of corners: where the paths of the cutter's centre along two pieces of a contour meet.
//!
//! All angles are in rad, counter-clockwise from the first axis; all lengths in mm.

use super::queue::HeldArc;
use super::{Point, Side};
use crate::det::math;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Corners flatter than this, rad, are none: LinuxCNC's bound between concave, smooth and convex.
pub(super) const FLAT_RAD: f64 = 0.05;

/// What a corner asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Corner {
    /// The held moves end earlier.
    Concave,
    /// An arc goes round it.
    Convex,
    /// Nothing.
    Smooth,
}

/// The arc of a contour that follows, uncompensated.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextArc {
    pub(super) centre: Point,
    pub(super) radius: f64,
    pub(super) turns: i32,
}

pub(super) fn angle(from: Point, to: Point) -> f64 {
    math::atan2(to[1] - from[1], to[0] - from[0])
}

pub(super) fn distance(a: Point, b: Point) -> f64 {
    math::hypot(a[0] - b[0], a[1] - b[1])
}

/// The point at a distance from another.
pub(super) fn at(from: Point, distance: f64, direction: f64) -> Point {
    [from[0] + distance * math::cos(direction), from[1] + distance * math::sin(direction)]
}

/// Signed angle an arc sweeps; equal directions make a full circle.
pub(super) fn sweep(start: Point, centre: Point, turns: i32, end: Point) -> f64 {
    let (mut from, mut to) = (angle(centre, start), angle(centre, end));
    if turns > 0 {
        if to <= from {
            to += TAU;
        }
        (to - from) + f64::from(turns - 1) * TAU
    } else {
        if from <= to {
            from += TAU;
        }
        (to - from) + f64::from(turns + 1) * TAU
    }
}

/// Angle between the contour that comes in and the one that goes out: 0 is straight on, π is back again on the
/// outer side, below zero is an inner corner.
pub(super) fn line_bend(side: Side, to_cutter: f64, outgoing: f64) -> f64 {
    let (theta, alpha) = (to_cutter, outgoing);
    match side {
        Side::Left => (if theta < alpha { theta + TAU } else { theta }) - alpha - FRAC_PI_2,
        Side::Right => (if alpha < theta { alpha + TAU } else { alpha }) - theta - FRAC_PI_2,
    }
}

/// The same towards an arc that begins with the direction `tangent`.
pub(super) fn arc_bend(side: Side, to_cutter: f64, tangent: f64) -> f64 {
    let incoming = to_cutter - side.quarter();
    let bend = if side == Side::Left { incoming - tangent } else { tangent - incoming };
    if bend > 1.5 * PI {
        bend - TAU
    } else if bend < -FRAC_PI_2 {
        bend + TAU
    } else {
        bend
    }
}

/// Sorts a bend. `is_arch` says that an outer arc meets the corner: where that turns back on itself, the cutter
/// stays above instead of looping round.
pub(super) fn sort(bend: f64, is_back: bool, is_arch: bool) -> Corner {
    if bend < -FLAT_RAD || bend > PI + FLAT_RAD || (is_back && is_arch) {
        Corner::Concave
    } else if bend > FLAT_RAD {
        Corner::Convex
    } else {
        Corner::Smooth
    }
}

/// Inner corner of two lines; `here` is where the held one ends beside the corner. `None` where the contour
/// turns straight back.
pub(super) fn line_line(side: Side, here: Point, to_cutter: f64, bend: f64, radius: f64) -> Option<Point> {
    let half = (bend + PI) / 2.0;
    if half == 0.0 {
        return None;
    }
    // For the right side the angle to the cutter is taken as it was before the bend was normalised; whole
    // turns do not count.
    Some(at(here, radius / math::tan(half), to_cutter + side.quarter()))
}

/// Inner corner of a held arc and a line that goes out from `corner`. `None` where they do not meet.
pub(super) fn arc_line(side: Side, held: HeldArc, corner: Point, outgoing: f64, radius: f64) -> Option<Point> {
    let is_inside = side.is_inside(held.turns);
    let across = if held.turns > 0 { outgoing + FRAC_PI_2 } else { outgoing - FRAC_PI_2 };
    let own_radius = if is_inside { held.radius + radius } else { held.radius - radius };
    let height = own_radius * math::cos(across - angle(corner, held.centre));
    let ratio = if is_inside { height - radius } else { height + radius } / held.radius;
    if !(-1.0..=1.0).contains(&ratio) {
        return None;
    }
    let opening = if is_inside == (held.turns > 0) { -math::acos(ratio) } else { math::acos(ratio) };
    Some(at(held.centre, held.radius, opening + across + PI))
}

/// Inner corner of a held line that comes in with the direction `incoming`, and an arc.
pub(super) fn line_arc(side: Side, incoming: f64, bend: f64, next: NextArc, radius: f64) -> Option<Point> {
    let height = next.radius * math::sin(bend - FRAC_PI_2);
    let is_inside = side.is_inside(next.turns);
    let (reach, towards) =
        if is_inside { (next.radius - radius, height + radius) } else { (next.radius + radius, height - radius) };
    let ratio = towards / reach;
    if !(-1.0..=1.0).contains(&ratio) {
        return None;
    }
    let opening = math::asin(ratio);
    let direction = match (is_inside, next.turns > 0) {
        (true, true) => incoming + opening,
        (true, false) => incoming - opening,
        (false, true) => incoming + PI - opening,
        (false, false) => incoming + PI + opening,
    };
    Some(at(next.centre, reach, direction))
}

/// Why two arcs have no corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCorner {
    SameCentre,
    DoNotMeet,
}

/// Inner corner of a held arc and another.
pub(super) fn arc_arc(side: Side, held: HeldArc, next: NextArc, radius: f64) -> Result<Point, NoCorner> {
    let reach = if side.is_inside(next.turns) { next.radius - radius } else { next.radius + radius };
    let apart = distance(held.centre, next.centre);
    if held.radius == 0.0 || apart == 0.0 {
        return Err(NoCorner::SameCentre);
    }
    let ratio = (held.radius * held.radius + apart * apart - reach * reach) / (2.0 * held.radius * apart);
    if !(-1.0..=1.0).contains(&ratio) {
        return Err(NoCorner::DoNotMeet);
    }
    let back = math::acos(ratio);
    let towards = angle(held.centre, next.centre);
    let direction = if side.is_inside(held.turns) == (next.turns > 0) { towards + back } else { towards - back };
    Ok(at(held.centre, held.radius, direction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_corners_are_sorted_by_side() {
        // Coming in along +X; the cutter is left of it, above.
        let (left, right) = (FRAC_PI_2, -FRAC_PI_2);
        let bend = |side, to_cutter, outgoing| sort(line_bend(side, to_cutter, outgoing), false, false);
        assert_eq!(bend(Side::Left, left, 0.0), Corner::Smooth);
        assert_eq!(bend(Side::Left, left, FRAC_PI_2), Corner::Concave);
        assert_eq!(bend(Side::Left, left, -FRAC_PI_2), Corner::Convex);
        assert_eq!(bend(Side::Right, right, FRAC_PI_2), Corner::Convex);
        assert_eq!(bend(Side::Right, right, -FRAC_PI_2), Corner::Concave);
    }

    #[test]
    fn inner_corners_lie_one_radius_from_both_pieces() {
        let mut rng = crate::det::Rng::new(11);
        let mut met = [0; 4];
        for _ in 0..4000 {
            let side = if rng.chance(0.5) { Side::Left } else { Side::Right };
            let radius = rng.between(0.1, 2.0);
            // The corner is the origin, the line before it runs along +X.
            let to_cutter = side.quarter();
            let outgoing = rng.between(-3.1, 3.1);
            let bend = line_bend(side, to_cutter, outgoing);
            if sort(bend, false, false) == Corner::Concave {
                let point = line_line(side, at([0.0, 0.0], radius, to_cutter), to_cutter, bend, radius);
                let point = point.expect("the contour does not turn straight back");
                let off = |direction: f64| (point[1] * math::cos(direction) - point[0] * math::sin(direction)).abs();
                assert!((off(0.0) - radius).abs() < 1e-9 && (off(outgoing) - radius).abs() < 1e-9);
                met[0] += 1;
            }
            let turns = if rng.chance(0.5) { 1 } else { -1 };
            let arc_radius = radius + rng.between(0.5, 9.0);
            let centre = at([0.0, 0.0], arc_radius, rng.between(-3.1, 3.1));
            let reach = arc_radius + if side.is_inside(turns) { -radius } else { radius };
            let next = NextArc { centre, radius: arc_radius, turns };
            let held = HeldArc { centre, radius: reach, turns };
            let delta = angle([0.0, 0.0], centre);
            let tangent = delta - f64::from(turns) * FRAC_PI_2;
            let bend = arc_bend(side, to_cutter, tangent);
            if let Some(point) = line_arc(side, 0.0, bend, next, radius) {
                assert!((distance(point, centre) - reach).abs() < 1e-9, "{point:?}");
                assert!((point[1] - side.quarter().signum() * radius).abs() < 1e-9, "{point:?} beside the line");
                met[1] += 1;
            }
            if let Some(point) = arc_line(side, held, [0.0, 0.0], outgoing, radius) {
                let off = point[1] * math::cos(outgoing) - point[0] * math::sin(outgoing);
                assert!((off - side.quarter().signum() * radius).abs() < 1e-9, "{point:?} beside the line");
                met[2] += 1;
            }
            let other = NextArc { centre: at([0.0, 0.0], 5.0, outgoing), radius: 5.0, turns: -turns };
            if let Ok(point) = arc_arc(side, held, other, radius) {
                let reach = 5.0 + if side.is_inside(-turns) { -radius } else { radius };
                assert!((distance(point, other.centre) - reach.abs()).abs() < 1e-8, "{point:?}");
                met[3] += 1;
            }
        }
        assert!(met.iter().all(|count| *count > 500), "{met:?}");
    }
}
