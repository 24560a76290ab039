//! The point of a segment nearest to a position.

use std::f64::consts::TAU;

use shared::det::math;
use shared::geom::{Point, Vector};
use shared::motion::Geometry;

/// A foot point on a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Foot {
    /// Fraction of the segment in [0, 1].
    pub(crate) fraction: f64,
    /// Distance of the position from it, mm.
    pub(crate) distance_mm: f64,
}

/// Most turns of one arc that are looked at.
const TURNS_MAX: u32 = 64;

/// Hands out every point of a geometry that is locally nearest to a position, and its ends; not in order. A flat
/// arc of several turns passes the same position once a turn; on a helix the turns around the height of the
/// position are looked at, which is exact on the helix itself.
pub(crate) fn feet(geometry: &Geometry, position: &Point, mut sink: impl FnMut(Foot)) {
    let mut at = |fraction: f64| {
        let distance_mm = (geometry.point(fraction) - position).norm();
        sink(Foot { fraction, distance_mm });
    };
    match *geometry {
        Geometry::Line { start, end } => at(on_line(start, end, position)),
        Geometry::Still { .. } => at(0.0),
        Geometry::Arc { start, end, centre, normal, sweep_rad } => {
            at(0.0);
            at(1.0);
            let turn = TAU / sweep_rad.abs();
            let Some(within) = first_turn(start - centre, position - centre, normal, sweep_rad) else {
                return;
            };
            let rise = (end - start).dot(&normal);
            let height = (position - start).dot(&normal);
            // A finite number of turns, whatever the position holds: the cast saturates and maps NaN to zero.
            let wanted = ((height / rise - within) / turn).round();
            let first = if rise == 0.0 { 0 } else { (wanted as u32).saturating_sub(1) };
            let count = if rise == 0.0 { TURNS_MAX } else { 3 };
            let turns = (first..first.saturating_add(count)).map(|index| within + turn * f64::from(index));
            turns.take_while(|fraction| *fraction <= 1.0).for_each(at);
        }
    }
}

fn on_line(start: Point, end: Point, position: &Point) -> f64 {
    let along = end - start;
    let length2 = along.norm_squared();
    if length2 > 0.0 { ((position - start).dot(&along) / length2).clamp(0.0, 1.0) } else { 0.0 }
}

/// Fraction at which an arc first passes the angle of a position, not limited to 1; `None` on the axis.
fn first_turn(start: Vector, position: Vector, normal: Vector, sweep_rad: f64) -> Option<f64> {
    let flat = |v: Vector| v - normal * v.dot(&normal);
    let (first, arm) = (flat(start), flat(position));
    if arm.norm_squared() == 0.0 || sweep_rad == 0.0 {
        return None;
    }
    let angle_rad = math::atan2(arm.dot(&normal.cross(&first)), arm.dot(&first));
    Some((angle_rad * sweep_rad.signum()).rem_euclid(TAU) / sweep_rad.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    fn project(geometry: &Geometry, position: &Point) -> Foot {
        let mut best = Foot { fraction: 0.0, distance_mm: f64::INFINITY };
        feet(geometry, position, |foot| {
            if foot.distance_mm < best.distance_mm {
                best = foot;
            }
        });
        best
    }

    #[test]
    fn points_of_a_geometry_project_onto_themselves() {
        let mut rng = Rng::new(20);
        for round in 0..3000 {
            let mut coordinate = || rng.between(-50.0, 50.0);
            let start = Point::new(coordinate(), coordinate(), coordinate());
            let centre = Point::new(coordinate(), coordinate(), start.z);
            let rise = coordinate() * 0.2;
            let sweep_rad = rng.between(-12.0, 12.0);
            let arm = start - centre;
            let (sin, cos) = math::sin_cos(sweep_rad);
            let end = centre + Vector::new(arm.x * cos - arm.y * sin, arm.x * sin + arm.y * cos, rise);
            let arc = Geometry::Arc { start, end, centre, normal: Vector::z(), sweep_rad };
            let line = Geometry::Line { start, end };
            for geometry in [arc, line] {
                let fraction = rng.uniform();
                let found = project(&geometry, &geometry.point(fraction));
                assert!(found.distance_mm < 1e-6, "round {round}: {geometry:?} at {fraction}: {found:?}");
            }
        }
    }

    #[test]
    fn a_flat_arc_of_several_turns_passes_a_position_once_a_turn() {
        let start = Point::new(10.0, 0.0, 0.0);
        let geometry =
            |sweep_rad| Geometry::Arc { start, end: start, centre: Point::origin(), normal: Vector::z(), sweep_rad };
        let passes = |turns: f64| {
            let arc = geometry(turns * TAU);
            let mut count = 0;
            feet(&arc, &Point::new(0.0, 10.0, 0.0), |foot| count += u32::from(foot.distance_mm < 1e-9));
            count
        };
        assert_eq!([0.5, 1.0, 3.0, -3.0].map(passes), [1, 1, 3, 3]);
    }

    #[test]
    fn outside_the_ends_the_end_is_nearest() {
        let line = Geometry::Line { start: Point::origin(), end: Point::new(10.0, 0.0, 0.0) };
        assert_eq!(project(&line, &Point::new(13.0, 4.0, 0.0)), Foot { fraction: 1.0, distance_mm: 5.0 });
        assert_eq!(project(&line, &Point::new(4.0, 3.0, 0.0)), Foot { fraction: 0.4, distance_mm: 3.0 });
        let still = Geometry::Still { at: Point::new(0.0, 2.0, 0.0) };
        assert_eq!(project(&still, &Point::origin()), Foot { fraction: 0.0, distance_mm: 2.0 });
    }
}
