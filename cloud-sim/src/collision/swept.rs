//! A convex body of revolution moved along a straight piece is convex: the question whether it comes near a triangle is
//! one search for a separating plane.
//!
//! The search is parry's GJK over two support functions. Its *no* is not believed but checked: the plane it gives is held
//! against both supports, in a handful of operations. Two planes are tried first because they settle most triangles for a
//! twentieth of the price: the triangle's own, and the upright one along the move.

use parry3d_f64::math::{Pose, Vector as Vec3};
use parry3d_f64::query::PointQuery;
use parry3d_f64::query::gjk::{CsoPoint, GJKResult, VoronoiSimplex, closest_points};
use parry3d_f64::shape::{SupportMap, Triangle};
use shared::geom::{Point, Vector};

use super::body::Turned;

/// Rounding that a separating plane must survive, mm: coordinates go up to ten metres.
const ROUNDING_MM: f64 = 1e-9;

/// Halvings in the search for a distance.
const HALVINGS: usize = 30;

/// parry's vector of one of ours.
pub(super) fn vec3(point: &Point) -> Vec3 {
    Vec3::new(point.x, point.y, point.z)
}

/// Our point of one of parry's vectors.
pub(super) fn point(vector: Vec3) -> Point {
    Point::new(vector.x, vector.y, vector.z)
}

/// A body on its way from one place of the tip to another.
pub(super) struct Swept<'a> {
    body: &'a Turned,
    at: Vec3,
    along: Vec3,
    /// Unit vector from the tip to the spindle; `None` where that is +Z.
    axis: Option<Vec3>,
    /// Unit vector square to the move and to the axis, where the move goes sideways at all.
    aside: Option<Vec3>,
    /// Box around it.
    pub(super) min: Vec3,
    pub(super) max: Vec3,
}

/// What is nearest: how far, and where on the triangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nearest {
    pub(super) distance_mm: f64,
    pub(super) place: Vec3,
}

impl<'a> Swept<'a> {
    pub(super) fn new(body: &'a Turned, from: &Point, to: &Point) -> Self {
        let (at, end) = (vec3(from), vec3(to));
        let along = end - at;
        let level = (along.x * along.x + along.y * along.y).sqrt();
        let reach = |z: f64| Vec3::new(body.radius, body.radius, z);
        let (low, high) = (Vec3::new(-body.radius, -body.radius, body.low), reach(body.high));
        Self {
            body,
            at,
            along,
            axis: None,
            aside: (level > 1e-9).then(|| Vec3::new(-along.y / level, along.x / level, 0.0)),
            min: at.min(end) + low,
            max: at.max(end) + high,
        }
    }

    /// The same with the body leaning along a unit vector.
    pub(super) fn leaning(body: &'a Turned, from: &Point, to: &Point, axis: &Vector) -> Self {
        let mut swept = Self::new(body, from, to);
        let axis = Vec3::new(axis.x, axis.y, axis.z);
        let aside = axis.cross(swept.along);
        let length = aside.length();
        swept.axis = Some(axis);
        swept.aside = (length > 1e-9).then(|| aside / length);
        let all = [Vec3::X, Vec3::Y, Vec3::Z];
        swept.max = Vec3::from(all.map(|towards| swept.reach(towards)));
        swept.min = -Vec3::from(all.map(|towards| swept.reach(-towards)));
        swept
    }

    /// How much of a direction is along the axis, and the rest.
    fn parts(&self, towards: Vec3) -> (f64, Vec3) {
        match self.axis {
            None => (towards.z, Vec3::new(towards.x, towards.y, 0.0)),
            Some(axis) => {
                let up = towards.dot(axis);
                (up, towards - axis * up)
            }
        }
    }

    /// Greatest reach in a direction, which need not be of unit length.
    fn reach(&self, towards: Vec3) -> f64 {
        let (up, out) = self.parts(towards);
        let (level, length) = (out.length(), towards.length());
        let own = self.body.nodes.iter().map(|node| node.r * level + node.z * up + node.round * length);
        let own = own.fold(f64::NEG_INFINITY, f64::max);
        own + self.at.dot(towards) + self.along.dot(towards).max(0.0)
    }

    /// True where a plane square to this unit vector has the body on one side and the triangle further than a gap on the other.
    fn parted_by(&self, towards: Vec3, [a, b, c]: &[Vec3; 3], gap: f64) -> bool {
        let nearest = a.dot(towards).min(b.dot(towards)).min(c.dot(towards));
        nearest - self.reach(towards) > gap + ROUNDING_MM
    }

    /// False only where the box is further than a gap from the body: its own box, and the upright plane along the move.
    pub(super) fn may_meet(&self, min: Vec3, max: Vec3, gap: f64) -> bool {
        let apart = min.x > self.max.x + gap
            || min.y > self.max.y + gap
            || min.z > self.max.z + gap
            || max.x < self.min.x - gap
            || max.y < self.min.y - gap
            || max.z < self.min.z - gap;
        if apart {
            return false;
        }
        let Some(aside) = self.aside else { return true };
        let (middle, half) = ((min + max) * 0.5, (max - min) * 0.5);
        let offset = (middle - self.at).dot(aside).abs();
        offset - half.x * aside.x.abs() - half.y * aside.y.abs() - half.z * aside.z.abs()
            <= self.body.radius + gap + ROUNDING_MM
    }

    /// False only where the triangle is shown to be further than a gap from the body.
    pub(super) fn is_near(&self, triangle: &[Vec3; 3], gap: f64) -> bool {
        let [a, b, c] = *triangle;
        let normal = (b - a).cross(c - a);
        let length = normal.length();
        if length > 0.0 {
            let normal = normal / length;
            if self.parted_by(normal, triangle, gap) || self.parted_by(-normal, triangle, gap) {
                return false;
            }
        }
        if let Some(aside) = self.aside
            && (self.parted_by(aside, triangle, gap) || self.parted_by(-aside, triangle, gap))
        {
            return false;
        }
        match self.search(triangle, gap, false) {
            // Either way round: which shape comes first is parry's convention and costs nothing to leave open.
            GJKResult::NoIntersection(towards) => {
                let towards = towards / towards.length();
                !(self.parted_by(towards, triangle, gap) || self.parted_by(-towards, triangle, gap))
            }
            _ => !self.parted_leaning(triangle, gap),
        }
    }

    /// A last look for a plane where the body leans: a move that turns asks thousands of questions, and the search leaves a few of
    /// them open. The plane of the body's end, and the one between the two places nearest to each other.
    fn parted_leaning(&self, triangle: &[Vec3; 3], gap: f64) -> bool {
        let Some(axis) = self.axis else { return false };
        if self.parted_by(axis, triangle, gap) || self.parted_by(-axis, triangle, gap) {
            return true;
        }
        let GJKResult::ClosestPoints(own, place, _) = self.search(triangle, f64::MAX, true) else { return false };
        let (way, length) = (place - own, (place - own).length());
        length > 0.0 && self.parted_by(way / length, triangle, gap)
    }

    /// Distance to a triangle that is not shown to be further than a gap; zero where they meet.
    ///
    /// The search gives two places, so that what it finds is never less than the distance. Where it stays above the gap it
    /// has not arrived, and the distance is found by halving: the least gap at which the triangle is near.
    pub(super) fn nearest(&self, triangle: &[Vec3; 3], gap: f64) -> Nearest {
        let middle = Triangle::from_array(triangle).project_local_point(self.inner(), false).point;
        match self.search(triangle, f64::MAX, true) {
            // The search takes a few bodies that lean close by for touching; a plane between the two knows better.
            GJKResult::Intersection if self.is_near(triangle, 0.0) => {
                return Nearest { distance_mm: 0.0, place: middle };
            }
            GJKResult::ClosestPoints(own, place, _) if (own - place).length() <= gap => {
                return Nearest { distance_mm: (own - place).length(), place };
            }
            _ => {}
        }
        let (mut far, mut near) = (0.0, gap);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (far + near);
            if self.is_near(triangle, middle) { near = middle } else { far = middle }
        }
        Nearest { distance_mm: near, place: middle }
    }

    fn search(&self, triangle: &[Vec3; 3], gap: f64, exact: bool) -> GJKResult {
        let triangle = Triangle::from_array(triangle);
        let middle = self.inner() + self.along * 0.5;
        let towards = triangle.center() - middle;
        let towards = if towards.length_squared() > 1e-12 { towards.normalize() } else { Vec3::X };
        let mut simplex = VoronoiSimplex::new();
        simplex.reset(CsoPoint::from_shapes(&Pose::IDENTITY, self, triangle, towards));
        closest_points(&Pose::IDENTITY, self, triangle, gap, exact, &mut simplex)
    }

    /// The middle of the body at the beginning of the piece: a place inside it.
    pub(super) fn inner(&self) -> Vec3 {
        self.at + self.axis.unwrap_or(Vec3::Z) * ((self.body.low + self.body.high) / 2.0)
    }
}

impl SupportMap for Swept<'_> {
    fn local_support_point(&self, towards: Vec3) -> Vec3 {
        let (axis, (up, out)) = (self.axis.unwrap_or(Vec3::Z), self.parts(towards));
        let (level, length) = (out.length(), towards.length());
        let mut best = (f64::NEG_INFINITY, Vec3::ZERO);
        let out = if level > 0.0 { out / level } else { axis.any_orthonormal_vector() };
        let unit = if length > 0.0 { towards / length } else { Vec3::ZERO };
        for node in &self.body.nodes {
            let value = node.r * level + node.z * up + node.round * length;
            if value > best.0 {
                best = (value, out * node.r + axis * node.z + unit * node.round);
            }
        }
        let moved = if self.along.dot(towards) > 0.0 { self.along } else { Vec3::ZERO };
        self.at + best.1 + moved
    }
}

/// A place between two others.
pub(super) fn between(from: &Point, to: &Point, fraction: f64) -> Point {
    let way: Vector = to - from;
    from + way * fraction
}
