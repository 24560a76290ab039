//! Does an upright cylinder, or a ball, meet a triangle? By clipping and by distance, sharing nothing with what is checked.

use shared::geom::{Point, Vector};
use shared::tool::{CutterShape, Tool};

/// A part of a tool for the oracle, heights above the tip.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// An upright cylinder.
    Cylinder { radius: f64, low: f64, high: f64 },
    /// A ball.
    Ball { radius: f64, middle: f64 },
}

/// The parts of a tool made of cylinders, with a nose of D60 × 40 above it.
pub(crate) fn forms(tool: &Tool) -> Vec<Form> {
    let (radius, flutes) = (tool.diameter.as_mm() / 2.0, tool.flute_length.as_mm());
    let mut forms = match tool.shape {
        CutterShape::Ball => {
            vec![Form::Ball { radius, middle: radius }, Form::Cylinder { radius, low: radius, high: flutes }]
        }
        _ => vec![Form::Cylinder { radius, low: 0.0, high: flutes }],
    };
    let mut low = tool.stickout.as_mm();
    forms.push(Form::Cylinder { radius: tool.shank_diameter.as_mm() / 2.0, low: flutes, high: low });
    for section in &tool.holder {
        let high = low + section.length.as_mm();
        forms.push(Form::Cylinder { radius: section.diameter_low.as_mm() / 2.0, low, high });
        low = high;
    }
    forms.push(Form::Cylinder { radius: 30.0, low, high: low + 40.0 });
    forms
}

impl Form {
    /// Larger by a margin on all sides: nothing closer than the margin stays outside.
    pub(crate) fn grown(self, by: f64) -> Self {
        match self {
            Self::Cylinder { radius, low, high } => {
                Self::Cylinder { radius: radius + by, low: low - by, high: high + by }
            }
            Self::Ball { radius, middle } => Self::Ball { radius: radius + by, middle },
        }
    }

    /// Reach sideways, and lowest and highest point.
    pub(crate) fn extent(self) -> (f64, f64, f64) {
        match self {
            Self::Cylinder { radius, low, high } => (radius, low, high),
            Self::Ball { radius, middle } => (radius, middle - radius, middle + radius),
        }
    }

    /// True where the form with the tip at a place meets a triangle.
    pub(crate) fn meets(self, tip: &Point, triangle: &[Point; 3]) -> bool {
        match self {
            Self::Ball { radius, middle } => {
                distance_to_triangle(&(tip + Vector::new(0.0, 0.0, middle)), triangle) <= radius
            }
            Self::Cylinder { radius, low, high } => {
                let above = clip(triangle, |p| p.z - (tip.z + low));
                let slab = clip(&above, |p| (tip.z + high) - p.z);
                !slab.is_empty() && distance_seen_from_above(tip, &slab) <= radius
            }
        }
    }
}

/// The part of a convex polygon where a linear function is not negative.
fn clip(polygon: &[Point], side: impl Fn(&Point) -> f64) -> Vec<Point> {
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for (index, here) in polygon.iter().enumerate() {
        let next = &polygon[(index + 1) % polygon.len()];
        let (a, b) = (side(here), side(next));
        if a >= 0.0 {
            kept.push(*here);
        }
        if (a > 0.0 && b < 0.0) || (a < 0.0 && b > 0.0) {
            kept.push(here + (next - here) * (a / (a - b)));
        }
    }
    kept
}

/// Level distance from an axis to a convex polygon; zero where the axis goes through it.
fn distance_seen_from_above(axis: &Point, polygon: &[Point]) -> f64 {
    let (mut left, mut right, mut least) = (false, false, f64::INFINITY);
    for (index, a) in polygon.iter().enumerate() {
        let b = &polygon[(index + 1) % polygon.len()];
        let (ex, ey, px, py) = (b.x - a.x, b.y - a.y, axis.x - a.x, axis.y - a.y);
        let cross = ex * py - ey * px;
        (left, right) = (left || cross > 0.0, right || cross < 0.0);
        let length2 = ex * ex + ey * ey;
        let along = if length2 > 0.0 { ((px * ex + py * ey) / length2).clamp(0.0, 1.0) } else { 0.0 };
        least = least.min((px - ex * along).hypot(py - ey * along));
    }
    if polygon.len() > 2 && left != right { 0.0 } else { least }
}

/// Distance from a point to a triangle, by the regions of its corners and edges (Ericson, Real-Time Collision Detection, 5.1.5).
fn distance_to_triangle(p: &Point, [a, b, c]: &[Point; 3]) -> f64 {
    let (ab, ac, ap) = (b - a, c - a, p - a);
    let (d1, d2) = (ab.dot(&ap), ac.dot(&ap));
    if d1 <= 0.0 && d2 <= 0.0 {
        return ap.norm();
    }
    let bp = p - b;
    let (d3, d4) = (ab.dot(&bp), ac.dot(&bp));
    if d3 >= 0.0 && d4 <= d3 {
        return bp.norm();
    }
    let vc = d1 * d4 - d3 * d2;
    if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        return (p - (a + ab * (d1 / (d1 - d3)))).norm();
    }
    let cp = p - c;
    let (d5, d6) = (ab.dot(&cp), ac.dot(&cp));
    if d6 >= 0.0 && d5 <= d6 {
        return cp.norm();
    }
    let vb = d5 * d2 - d1 * d6;
    if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        return (p - (a + ac * (d2 / (d2 - d6)))).norm();
    }
    let va = d3 * d6 - d5 * d4;
    if va <= 0.0 && d4 - d3 >= 0.0 && d5 - d6 >= 0.0 {
        return (p - (b + (c - b) * ((d4 - d3) / ((d4 - d3) + (d5 - d6))))).norm();
    }
    let sum = va + vb + vc;
    (p - (a + ab * (vb / sum) + ac * (vc / sum))).norm()
}

#[test]
fn the_oracle_knows_the_plain_cases() {
    let floor = [Point::new(-50.0, -50.0, 0.0), Point::new(50.0, -50.0, 0.0), Point::new(0.0, 80.0, 0.0)];
    let bar = Form::Cylinder { radius: 5.0, low: 0.0, high: 10.0 };
    assert!(bar.meets(&Point::new(0.0, 0.0, -0.1), &floor) && !bar.meets(&Point::new(0.0, 0.0, 0.1), &floor));
    let edge = [Point::new(6.0, -50.0, 5.0), Point::new(6.0, 50.0, 5.0), Point::new(60.0, 0.0, 90.0)];
    assert!(bar.meets(&Point::new(1.1, 0.0, 0.0), &edge) && !bar.meets(&Point::new(0.9, 0.0, 0.0), &edge));
    let ball = Form::Ball { radius: 5.0, middle: 5.0 };
    assert!(ball.meets(&Point::new(0.0, 0.0, -0.01), &floor) && !ball.meets(&Point::new(0.0, 0.0, 0.01), &floor));
    assert!(!ball.meets(&Point::new(2.0, 0.0, 8.0), &edge) && ball.meets(&Point::new(1.5, 0.0, 0.0), &edge));
}
