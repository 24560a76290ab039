use super::Station;
use crate::geom::{Point, Vector};
use crate::ident::ToolNumber;
use crate::program::{ForcedReason, Provenance};
use crate::units::{Feedrate, Length, RotaryVelocity, Seconds};

/// Path of the tool tip in the work frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Geometry {
    /// A straight line.
    Line {
        /// First point.
        start: Point,
        /// Last point.
        end: Point,
    },
    /// An arc or helix about an axis parallel to X, Y or Z; blends of corners are flat arcs about any axis.
    Arc {
        /// First point.
        start: Point,
        /// Last point.
        end: Point,
        /// A point on the axis.
        centre: Point,
        /// Unit vector of the axis: +Z for the XY plane, +Y for ZX, +X for YZ, either way for blends.
        normal: Vector,
        /// Swept angle in rad about `normal`, positive counter-clockwise, |sweep| may exceed 2π.
        sweep_rad: f64,
    },
    /// No movement.
    Still {
        /// Where the tip stands.
        at: Point,
    },
}

/// Why the tool does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StillKind {
    /// G4.
    Dwell,
    /// M6.
    ToolChange,
    /// Spindle start, stop, reversal or change of speed.
    Spindle,
    /// Another M code that waits for the machine's logic.
    MCode,
    /// M0, M1 or M60: waits for a person; its time is not part of the cycle.
    Stop,
}

/// What kind of stretch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// G0, G28, G30: the factor is 1.0.
    Rapid,
    /// G1, G2, G3.
    Feed,
    /// No movement.
    Still(StillKind),
}

/// How exactly the corner at the end of a move is passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CornerRule {
    /// As the machine does by itself (G64 without P): within its corner deviation.
    Machine,
    /// Through the programmed point (G61): at rest there, unless the direction stays the same.
    Exact,
    /// Rounded by at most this (G64 P), whatever the machine does by itself.
    Within(Length),
}

/// A stretch of the program with one geometry, one feed and one source line.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Kind.
    pub kind: SegmentKind,
    /// Path of the tip.
    pub geometry: Geometry,
    /// Where it begins.
    pub start: Station,
    /// Where it ends: `start` plus the path length, or plus the equivalent where nothing moves.
    pub end: Station,
    /// Length of the path of the tip; zero where nothing moves.
    pub length: Length,
    /// Programmed feed, limited to what the axes can do; for rapids the rapid speed along this direction.
    pub feed: Feedrate,
    /// Speed of the spindle, negative for M4, zero for M5; `None` where the program has not said an S word.
    pub spindle: Option<RotaryVelocity>,
    /// Tool in the spindle.
    pub tool: Option<ToolNumber>,
    /// Where it came from.
    pub at: Provenance,
    /// Set where overrides must stay at 1.0 although it is a feed move.
    pub forced: Option<ForcedReason>,
    /// Time of a stretch without movement; zero for moves.
    pub still: Seconds,
    /// True where the control must come to rest at the end (G61.1, a stop or a change follows).
    pub stop_at_end: bool,
    /// How the corner to the next move is passed where it need not come to rest.
    pub corner: CornerRule,
    /// How far A, B and C turn on the way, those of which the machine states limits. A move that only turns has a
    /// tip that stands still and counts [`super::TURN_MM_PER_RAD`] of station.
    pub turn_rad: [f64; 3],
}

impl Geometry {
    /// First point.
    pub fn start(&self) -> Point {
        match *self {
            Self::Line { start, .. } | Self::Arc { start, .. } => start,
            Self::Still { at } => at,
        }
    }

    /// Last point.
    pub fn end(&self) -> Point {
        match *self {
            Self::Line { end, .. } | Self::Arc { end, .. } => end,
            Self::Still { at } => at,
        }
    }

    /// The point at a fraction in [0, 1] of the path.
    pub fn point(&self, fraction: f64) -> Point {
        match *self {
            Self::Line { start, end } => start + (end - start) * fraction,
            Self::Arc { start, end, centre, normal, sweep_rad } => {
                let rise = normal * (end - start).dot(&normal);
                let arm = start - centre;
                let flat = arm - normal * arm.dot(&normal);
                let (sin, cos) = crate::det::math::sin_cos(sweep_rad * fraction);
                let turned = flat * cos + normal.cross(&flat) * sin;
                start + (turned - flat) + rise * fraction
            }
            Self::Still { at } => at,
        }
    }

    /// Unit vector along the path at a fraction in [0, 1]; zero where nothing moves.
    pub fn tangent(&self, fraction: f64) -> Vector {
        match *self {
            Self::Line { start, end } => normalised(end - start),
            Self::Arc { start, end, centre, normal, sweep_rad } => {
                let rise = normal * (end - start).dot(&normal);
                let arm = start - centre;
                let flat = arm - normal * arm.dot(&normal);
                let (sin, cos) = crate::det::math::sin_cos(sweep_rad * fraction);
                let along = (normal.cross(&flat) * cos - flat * sin) * sweep_rad;
                normalised(along + rise)
            }
            Self::Still { .. } => Vector::zeros(),
        }
    }
}

fn normalised(vector: Vector) -> Vector {
    vector.try_normalize(0.0).unwrap_or_else(Vector::zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_2;

    #[test]
    fn a_quarter_helix_ends_where_it_says() {
        let arc = Geometry::Arc {
            start: Point::new(10.0, 0.0, 0.0),
            end: Point::new(0.0, 10.0, -1.0),
            centre: Point::new(0.0, 0.0, 0.0),
            normal: Vector::z(),
            sweep_rad: FRAC_PI_2,
        };
        assert!((arc.point(1.0) - arc.end()).norm() < 1e-12);
        assert!((arc.point(0.5) - Point::new(50f64.sqrt(), 50f64.sqrt(), -0.5)).norm() < 1e-12);
        let tangent = arc.tangent(0.0);
        assert!(tangent.y > 0.99 && tangent.z < 0.0 && (tangent.norm() - 1.0).abs() < 1e-12);
    }
}
