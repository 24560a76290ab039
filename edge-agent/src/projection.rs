//! The point of a segment nearest to a position.

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

/// The nearest point of a geometry. Exact for lines and plane arcs; on a helix the angle is that of the
/// position and the turn the one nearest in height, which is exact on the helix itself.
pub(crate) fn project(geometry: &Geometry, position: &Point) -> Foot {
    let fraction = match *geometry {
        Geometry::Line { start, end } => on_line(start, end, position),
        Geometry::Arc { start, end, centre, normal, sweep_rad } => {
            return on_arc(geometry, &Arc { start, end, centre, normal, sweep_rad }, position);
        }
        Geometry::Still { .. } => 0.0,
    };
    foot(geometry, position, fraction)
}

struct Arc {
    start: Point,
    end: Point,
    centre: Point,
    normal: Vector,
    sweep_rad: f64,
}

fn foot(geometry: &Geometry, position: &Point, fraction: f64) -> Foot {
    Foot { fraction, distance_mm: (geometry.point(fraction) - position).norm() }
}

fn on_line(start: Point, end: Point, position: &Point) -> f64 {
    let along = end - start;
    let length2 = along.norm_squared();
    if length2 > 0.0 { ((position - start).dot(&along) / length2).clamp(0.0, 1.0) } else { 0.0 }
}

fn on_arc(geometry: &Geometry, arc: &Arc, position: &Point) -> Foot {
    let ends = [foot(geometry, position, 0.0), foot(geometry, position, 1.0)];
    let nearest = |a: Foot, b: Foot| if b.distance_mm < a.distance_mm { b } else { a };
    let mut best = nearest(ends[0], ends[1]);
    let flat = |v: Vector| v - arc.normal * v.dot(&arc.normal);
    let first = flat(arc.start - arc.centre);
    let second = arc.normal.cross(&first);
    let arm = flat(position - arc.centre);
    if arm.norm_squared() == 0.0 || arc.sweep_rad == 0.0 {
        return best;
    }
    let angle_rad = math::atan2(arm.dot(&second), arm.dot(&first));
    // The turn: the angle repeats every 2π along the sweep; at most `TURNS_MAX` of them are looked at, those
    // around the height of the position.
    let turn = std::f64::consts::TAU / arc.sweep_rad.abs();
    let within = (angle_rad * arc.sweep_rad.signum()).rem_euclid(std::f64::consts::TAU) / arc.sweep_rad.abs();
    let rise = (arc.end - arc.start).dot(&arc.normal);
    let height = (position - arc.start).dot(&arc.normal);
    let wanted = if rise == 0.0 { 0.0 } else { ((height / rise - within) / turn).round() };
    for offset in -1..=1 {
        let fraction = within + turn * (wanted + f64::from(offset));
        if (0.0..=1.0).contains(&fraction) {
            best = nearest(best, foot(geometry, position, fraction));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

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
    fn outside_the_ends_the_end_is_nearest() {
        let line = Geometry::Line { start: Point::origin(), end: Point::new(10.0, 0.0, 0.0) };
        assert_eq!(project(&line, &Point::new(13.0, 4.0, 0.0)), Foot { fraction: 1.0, distance_mm: 5.0 });
        assert_eq!(project(&line, &Point::new(4.0, 3.0, 0.0)), Foot { fraction: 0.4, distance_mm: 3.0 });
        let still = Geometry::Still { at: Point::new(0.0, 2.0, 0.0) };
        assert_eq!(project(&still, &Point::origin()), Foot { fraction: 0.0, distance_mm: 2.0 });
    }
}
