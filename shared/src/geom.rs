//! Points, vectors and boxes in millimetres, double precision, right-handed, Z along the spindle and away
//! from the work.
//!
//! The vector algebra is nalgebra's. What is added here is the axis-aligned box, and the names of frames:
//!
//! * **program frame**: coordinates as the program states them, in the active work offset;
//! * **machine frame**: what the axes are commanded to, tool length included;
//! * **work frame**: the tool *tip* relative to the origin of the job's first work offset. Stock, fixtures,
//!   segments and engagement live in it. With one work offset it equals the program frame.

/// A place, in mm.
pub type Point = nalgebra::Point3<f64>;

/// A direction or a difference of places, in mm unless normalised.
pub type Vector = nalgebra::Vector3<f64>;

/// An axis-aligned box. An empty box has `min` above `max`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aabb {
    /// Smallest coordinates.
    pub min: Point,
    /// Greatest coordinates.
    pub max: Point,
}

impl Aabb {
    /// The box that holds nothing and gives way to everything.
    pub const EMPTY: Self = Self {
        min: Point::new(f64::INFINITY, f64::INFINITY, f64::INFINITY),
        max: Point::new(f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY),
    };

    /// True where no point lies inside.
    pub fn is_empty(&self) -> bool {
        (0..3).any(|axis| self.min[axis] > self.max[axis])
    }

    /// The smallest box that also holds `point`.
    #[must_use]
    pub fn with(&self, point: &Point) -> Self {
        Self { min: self.min.inf(point), max: self.max.sup(point) }
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { min: self.min.inf(&other.min), max: self.max.sup(&other.max) }
    }

    /// The box grown by a margin in mm on all sides.
    #[must_use]
    pub fn grown(&self, margin_mm: f64) -> Self {
        let margin = Vector::repeat(margin_mm);
        Self { min: self.min - margin, max: self.max + margin }
    }

    /// True where the two share at least a point.
    pub fn overlaps(&self, other: &Self) -> bool {
        (0..3).all(|axis| self.min[axis] <= other.max[axis] && other.min[axis] <= self.max[axis])
    }

    /// Edge lengths in mm; negative for an empty box.
    pub fn size(&self) -> Vector {
        self.max - self.min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_box_takes_the_first_point() {
        let point = Point::new(1.0, -2.0, 3.0);
        let grown = Aabb::EMPTY.with(&point);
        assert!(Aabb::EMPTY.is_empty() && !grown.is_empty());
        assert_eq!((grown.min, grown.max), (point, point));
        assert!(grown.overlaps(&grown.grown(1.0)) && !grown.overlaps(&Aabb::EMPTY));
    }
}
