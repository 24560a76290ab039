//! Fixtures as triangles under a tree of boxes.
//!
//! Blocks and cylinders become closed meshes too, a cylinder as the prism around it: one way of looking for all, and never
//! on the unsafe side. A mesh that is open counts as a surface: it can be touched, but nothing is inside it.

use parry3d_f64::bounding_volume::Aabb as Box3;
use parry3d_f64::math::Vector as Vec3;
use parry3d_f64::partitioning::{Bvh, BvhBuildStrategy};
use parry3d_f64::query::Ray;
use shared::det::math;
use shared::geom::{Aabb, Point};

use super::swept::{Nearest, Swept, vec3};
use crate::mesh::Mesh;

/// How far the prism around a cylinder may stand out, mm, and bounds on its number of sides.
const PRISM_MM: f64 = 0.005;
const PRISM_SIDES: std::ops::RangeInclusive<f64> = 12.0..=720.0;

/// Directions of the rays that count crossings; askew to whatever a CAD program draws.
const ASKEW: [[f64; 3]; 3] = [
    [0.573_915_662_9, 0.317_729_495_7, 0.759_071_268_3],
    [-0.421_994_281_9, 0.683_517_190_6, 0.575_622_039_2],
    [0.239_381_672_8, -0.861_779_102_4, 0.443_913_595_5],
];

/// How close to an edge, as a share of the triangle, a ray may pass and still count.
const EDGE_SHARE: f64 = 1e-9;

/// Form of a fixture, work frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FixtureSolid {
    /// A block.
    Box(Aabb),
    /// An upright cylinder.
    Cylinder {
        /// Centre of the lower face.
        centre: Point,
        /// Diameter, mm.
        diameter_mm: f64,
        /// Height, mm.
        height_mm: f64,
    },
    /// A mesh.
    Mesh(Mesh),
}

/// A fixture made ready for questions.
pub struct Fixture {
    /// Name for reports.
    pub name: String,
    /// How close the tool may pass, mm.
    pub clearance_mm: f64,
    triangles: Vec<[Vec3; 3]>,
    tree: Bvh,
    closed: bool,
    bounds: Aabb,
}

impl Fixture {
    /// From a form in the work frame.
    pub fn new(name: String, clearance_mm: f64, solid: &FixtureSolid) -> Self {
        let corners: Vec<[Point; 3]> = match solid {
            FixtureSolid::Box(bounds) => box_triangles(bounds),
            FixtureSolid::Cylinder { centre, diameter_mm, height_mm } => prism(centre, diameter_mm / 2.0, *height_mm),
            FixtureSolid::Mesh(mesh) => mesh.corners().collect(),
        };
        let triangles: Vec<[Vec3; 3]> = corners.iter().map(|triangle| triangle.each_ref().map(vec3)).collect();
        let boxed = |[a, b, c]: &[Vec3; 3]| Box3::new(a.min(*b).min(*c), a.max(*b).max(*c));
        let leaves = triangles.iter().map(boxed).enumerate();
        Self {
            name,
            clearance_mm,
            tree: Bvh::from_iter(BvhBuildStrategy::Binned, leaves),
            triangles,
            closed: !matches!(solid, FixtureSolid::Mesh(mesh) if !mesh.is_closed()),
            bounds: corners.iter().flatten().fold(Aabb::EMPTY, |bounds, point| bounds.with(point)),
        }
    }

    /// Number of triangles.
    pub fn triangles(&self) -> usize {
        self.triangles.len()
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> Aabb {
        self.bounds
    }

    /// True where some triangle's box overlaps a box.
    pub(super) fn any_within(&self, bounds: &Aabb) -> bool {
        let (min, max) = (vec3(&bounds.min), vec3(&bounds.max));
        let overlaps = |from: Vec3, to: Vec3| from.cmple(max).all() && to.cmpge(min).all();
        self.bounds.overlaps(bounds) && self.tree.leaves(|node| overlaps(node.mins(), node.maxs())).next().is_some()
    }

    /// The triangles that are not shown to be further than a gap from a swept body.
    pub(super) fn near<'a>(&'a self, swept: &'a Swept<'_>, gap: f64) -> impl Iterator<Item = &'a [Vec3; 3]> + 'a {
        let leaves = self.tree.leaves(move |node| swept.may_meet(node.mins(), node.maxs(), gap));
        leaves.map(|index| &self.triangles[index as usize]).filter(move |triangle| swept.is_near(triangle, gap))
    }

    /// False only where the whole surface is shown to be further than a gap from a swept body.
    pub(super) fn is_near(&self, swept: &Swept<'_>, gap: f64) -> bool {
        self.near(swept, gap).next().is_some()
    }

    /// The nearest place of the surface within a gap.
    pub(super) fn nearest(&self, swept: &Swept<'_>, gap: f64) -> Option<Nearest> {
        let found = self.near(swept, gap).map(|triangle| swept.nearest(triangle, gap));
        found.min_by(|a, b| a.distance_mm.total_cmp(&b.distance_mm))
    }

    /// True for a place inside a closed fixture: the number of crossings of a ray is odd. A ray that passes an edge too
    /// closely to be sure is given up for another one; when none is left, the solid angle of the surface is summed.
    pub fn holds(&self, place: &Point) -> bool {
        let within = (0..3).all(|axis| self.bounds.min[axis] <= place[axis] && place[axis] <= self.bounds.max[axis]);
        if !self.closed || !within {
            return false;
        }
        let place = vec3(place);
        let counted = ASKEW.iter().find_map(|&[x, y, z]| self.crossings(place, Vec3::new(x, y, z)));
        match counted {
            Some(crossings) => crossings % 2 == 1,
            None => self.windings(place).abs() > 0.5,
        }
    }

    /// How often a ray crosses the surface; `None` where an edge is too close to it.
    fn crossings(&self, from: Vec3, towards: Vec3) -> Option<usize> {
        let ray = Ray::new(from, towards);
        let mut count = 0;
        for index in self.tree.leaves(|node| node.cast_ray(&ray, f64::MAX) < f64::MAX) {
            let [a, b, c] = self.triangles[index as usize];
            let (ab, ac) = (b - a, c - a);
            let across = towards.cross(ac);
            let size = ab.dot(across);
            if size.abs() <= 1e-12 * ab.length() * ac.length() {
                return None;
            }
            let u = (from - a).dot(across) / size;
            let turned = (from - a).cross(ab);
            let (v, ahead) = (towards.dot(turned) / size, ac.dot(turned) / size);
            let least = u.min(v).min(1.0 - u - v);
            if least.abs() <= EDGE_SHARE {
                return None;
            }
            count += usize::from(least > 0.0 && ahead > 0.0);
        }
        Some(count)
    }

    /// How often the surface winds around a place: the sum of the solid angles of its triangles over 4π (van Oosterom and
    /// Strackee, 1983).
    fn windings(&self, place: Vec3) -> f64 {
        let angle = |triangle: &[Vec3; 3]| {
            let [a, b, c] = triangle.map(|corner| corner - place);
            let (la, lb, lc) = (a.length(), b.length(), c.length());
            let volume = a.dot(b.cross(c));
            2.0 * math::atan2(volume, la * lb * lc + a.dot(b) * lc + b.dot(c) * la + c.dot(a) * lb)
        };
        let sum: shared::det::ExactSum = self.triangles.iter().map(angle).collect();
        sum.total() / (4.0 * std::f64::consts::PI)
    }
}

/// All that stands in the way.
#[derive(Default)]
pub struct Fixtures {
    pub(super) list: Vec<Fixture>,
}

impl Fixtures {
    /// In the order of the job.
    pub fn new(list: Vec<Fixture>) -> Self {
        Self { list }
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the job.
    pub fn list(&self) -> &[Fixture] {
        &self.list
    }
}

/// The triangles of a block, counter-clockwise from outside.
fn box_triangles(bounds: &Aabb) -> Vec<[Point; 3]> {
    let corner = |index: usize| {
        let pick = |axis: usize| if index >> axis & 1 == 1 { bounds.max[axis] } else { bounds.min[axis] };
        Point::new(pick(0), pick(1), pick(2))
    };
    let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let halves = faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]);
    halves.map(|triangle| triangle.map(corner)).collect()
}

/// The prism around an upright cylinder.
fn prism(centre: &Point, radius: f64, height: f64) -> Vec<[Point; 3]> {
    let step = math::acos(radius / (radius + PRISM_MM));
    let sides = (std::f64::consts::PI / step).ceil().clamp(*PRISM_SIDES.start(), *PRISM_SIDES.end());
    let out = radius / math::cos(std::f64::consts::PI / sides);
    let corner = |side: usize, z: f64| {
        let (sin, cos) = math::sin_cos(std::f64::consts::TAU * (side % sides as usize) as f64 / sides);
        Point::new(centre.x + out * cos, centre.y + out * sin, centre.z + z)
    };
    let (low, high) = (*centre, Point::new(centre.x, centre.y, centre.z + height));
    let mut triangles = Vec::with_capacity(4 * sides as usize);
    for side in 0..sides as usize {
        let (a, b) = (corner(side, 0.0), corner(side + 1, 0.0));
        let (c, d) = (corner(side, height), corner(side + 1, height));
        triangles.extend([[a, b, d], [a, d, c], [low, b, a], [high, c, d]]);
    }
    triangles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Fixture {
        let bounds = Aabb { min: Point::new(-10.0, -5.0, 0.0), max: Point::new(10.0, 5.0, 8.0) };
        Fixture::new("block".to_owned(), 1.0, &FixtureSolid::Box(bounds))
    }

    #[test]
    fn inside_is_inside_by_rays_and_by_windings() {
        let bar = FixtureSolid::Cylinder { centre: Point::new(1.0, 2.0, -3.0), diameter_mm: 20.0, height_mm: 10.0 };
        let bar = Fixture::new("bar".to_owned(), 1.0, &bar);
        let mut rng = shared::det::Rng::new(5);
        for _ in 0..2000 {
            let mut at = |reach: f64| rng.between(-reach, reach);
            let place = Point::new(at(15.0), at(15.0), at(10.0));
            let (x, y) = (place.x - 1.0, place.y - 2.0);
            let radius = (x * x + y * y).sqrt();
            let expected = radius < 10.0 && place.z > -3.0 && place.z < 7.0;
            if (radius - 10.0).abs() > 0.01 {
                assert_eq!(bar.holds(&place), expected, "{place}");
                assert_eq!(bar.windings(vec3(&place)).abs() > 0.5, expected, "{place}");
            }
            let block = block();
            let inside = place.x.abs() < 10.0 && place.y.abs() < 5.0 && (0.0..8.0).contains(&place.z);
            assert_eq!(block.holds(&place), inside, "{place}");
        }
        // On the diagonal of a face, where a ray along an axis would meet two triangles or none.
        assert!(block().holds(&Point::new(0.0, 0.0, 4.0)) && !block().holds(&Point::new(0.0, 0.0, 9.0)));
    }
}
