//! The programmable frame: what G51, G50.1, G68, TRANS, ROT, SCALE, MIRROR and CYCLE800 make of a place.
//!
//! ```text
//! work coordinates = matrix · programmed + shift
//! ```
//!
//! The words of a block are read in the *programmed* frame; what the room gives out as program coordinates is
//! the *work* frame, in which the active work offset has its origin. So whoever reads operations needs to know
//! nothing of these codes: an arc under a mirror is the mirrored arc, with its turns reversed, and an arc under
//! a tilt that leaves its plane becomes short lines.

use super::arc::Arc;
use super::canon::Plane;
use super::execute::Execution;
use super::fault::{Checked, Fault, UNSUPPORTED};
use super::frame::Axes;
use super::state::State;
use crate::det::math;
use std::ops::Range;

type Matrix = [[f64; 3]; 3];

const UNIT: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// Two directions are the same within this.
const SAME_WITHIN: f64 = 1e-9;
/// Greatest distance of a line from the arc it stands for, mm: a tenth of what controls resolve in a contour.
const CHORD_MM: f64 = 0.0005;
/// Lines of one tilted arc at most.
const PIECES_MAX: f64 = 20_000.0;

/// An affine map that can be undone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Local {
    matrix: Matrix,
    inverse: Matrix,
    shift: [f64; 3],
    is_identity: bool,
}

/// What a map makes of circles in a plane.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Circles {
    /// Circles of the same plane; true where they turn the other way.
    Stay(bool),
    /// Circles of a plane that no G17, G18 or G19 names.
    Tilt,
    /// Ellipses.
    Stretch,
}

fn apply(matrix: &Matrix, at: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|row| matrix[row][0] * at[0] + matrix[row][1] * at[1] + matrix[row][2] * at[2])
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    std::array::from_fn(|row| std::array::from_fn(|column| (0..3).map(|k| left[row][k] * right[k][column]).sum()))
}

impl Local {
    /// Programmed coordinates are work coordinates.
    pub(super) const IDENTITY: Self = Self { matrix: UNIT, inverse: UNIT, shift: [0.0; 3], is_identity: true };

    fn new(matrix: Matrix, inverse: Matrix, shift: [f64; 3]) -> Self {
        Self { matrix, inverse, shift, is_identity: matrix == UNIT && shift == [0.0; 3] }
    }

    /// A shift in mm.
    pub(super) fn translation(shift: [f64; 3]) -> Self {
        Self::new(UNIT, UNIT, shift)
    }

    /// A turn about an axis through the origin (0 is X), counter-clockwise seen against it.
    pub(super) fn rotation(axis: usize, angle_deg: f64) -> Self {
        // Quarter turns are exact, so that planes stay planes.
        let quarters = angle_deg / 90.0;
        let (sin, cos) = if quarters == quarters.round() {
            match (quarters as i64).rem_euclid(4) {
                0 => (0.0, 1.0),
                1 => (1.0, 0.0),
                2 => (0.0, -1.0),
                _ => (-1.0, 0.0),
            }
        } else {
            math::sin_cos(angle_deg.to_radians())
        };
        let (first, second) = ((axis + 1) % 3, (axis + 2) % 3);
        let mut matrix = UNIT;
        (matrix[first][first], matrix[first][second]) = (cos, -sin);
        (matrix[second][first], matrix[second][second]) = (sin, cos);
        let inverse = std::array::from_fn(|row| std::array::from_fn(|column| matrix[column][row]));
        Self::new(matrix, inverse, [0.0; 3])
    }

    /// Factors along the axes; −1 mirrors. `None` where one is zero.
    pub(super) fn scale(factors: [f64; 3]) -> Option<Self> {
        let is_good = factors.iter().all(|factor| factor.is_finite() && factor.abs() > 1e-6 && factor.abs() < 1e6);
        let diagonal = |of: [f64; 3]| {
            let mut matrix = UNIT;
            (0..3).for_each(|axis| matrix[axis][axis] = of[axis]);
            matrix
        };
        is_good.then(|| Self::new(diagonal(factors), diagonal(factors.map(|factor| 1.0 / factor)), [0.0; 3]))
    }

    /// The same map with its fixed point at `centre` instead of the origin.
    pub(super) fn about(self, centre: [f64; 3]) -> Self {
        Self::translation(centre).then(&self).then(&Self::translation(centre.map(|value| -value)))
    }

    /// `inner` first, then this map.
    pub(super) fn then(&self, inner: &Self) -> Self {
        let turned = apply(&self.matrix, inner.shift);
        Self::new(
            product(&self.matrix, &inner.matrix),
            product(&inner.inverse, &self.inverse),
            std::array::from_fn(|axis| turned[axis] + self.shift[axis]),
        )
    }

    /// Work coordinates of a programmed place.
    pub(super) fn work(&self, at: &Axes) -> Axes {
        if self.is_identity {
            return *at;
        }
        let moved = apply(&self.matrix, [at[0], at[1], at[2]]);
        [moved[0] + self.shift[0], moved[1] + self.shift[1], moved[2] + self.shift[2], at[3], at[4], at[5]]
    }

    /// Programmed coordinates of a place of the work frame.
    pub(super) fn programmed(&self, at: &Axes) -> Axes {
        if self.is_identity {
            return *at;
        }
        let back = apply(&self.inverse, std::array::from_fn(|axis| at[axis] - self.shift[axis]));
        [back[0], back[1], back[2], at[3], at[4], at[5]]
    }

    /// True where the numbers stay within what coordinates may be, so that no sum of them overflows.
    pub(super) fn is_sane(&self) -> bool {
        let small = |value: &f64| value.abs() < 1e9;
        self.matrix.iter().chain(&self.inverse).flatten().all(small) && self.shift.iter().all(small)
    }

    /// True where nothing is changed.
    pub(super) fn is_identity(&self) -> bool {
        self.is_identity
    }

    fn circles(&self, plane: Plane) -> Circles {
        let [first, second, normal] = plane.axes();
        let column = |axis: usize| [0, 1, 2].map(|row| self.matrix[row][axis]);
        let (a, b) = (column(first), column(second));
        let dot = |a: [f64; 3], b: [f64; 3]| (0..3).map(|axis| a[axis] * b[axis]).sum::<f64>();
        let (length_a, length_b) = (dot(a, a).sqrt(), dot(b, b).sqrt());
        let grain = SAME_WITHIN * length_a.max(length_b);
        if (length_a - length_b).abs() > grain || dot(a, b).abs() > grain * length_a {
            return Circles::Stretch;
        }
        if a[normal].abs() > grain || b[normal].abs() > grain {
            return Circles::Tilt;
        }
        Circles::Stay(a[first] * b[second] - a[second] * b[first] < 0.0)
    }

    /// True where the plane is seen in a mirror: left and right change sides.
    pub(super) fn is_mirrored(&self, plane: Plane) -> bool {
        self.circles(plane) == Circles::Stay(true)
    }
}

impl State {
    /// Where the program believes the tool to be, in the programmed frame.
    pub(super) fn programmed(&self) -> Axes {
        self.local.programmed(&self.on_contour())
    }
}

impl Execution<'_, '_> {
    /// An arc of the programmed frame, brought into the work frame and given out. `target` is in the work frame.
    pub(super) fn local_arc(&mut self, arc: Arc, target: Axes, turns: u32, span: Range<usize>) -> Checked<()> {
        let local = self.state.local;
        let plane = self.state.plane;
        let [first, second, normal] = plane.axes();
        let mut centre = self.state.programmed();
        (centre[first], centre[second]) = (arc.centre[0], arc.centre[1]);
        match local.circles(plane) {
            Circles::Stay(is_mirrored) => {
                let centre = local.work(&centre);
                let from = self.state.on_contour();
                let radius = math::hypot(from[first] - centre[first], from[second] - centre[second]);
                let sweep = if is_mirrored { -arc.sweep } else { arc.sweep };
                self.emit_arc(Arc { centre: [centre[first], centre[second]], sweep, radius }, target, turns, span)
            }
            Circles::Stretch => Err(Fault::error(
                UNSUPPORTED,
                span,
                "an arc under different scales of its axes is no arc",
                "write equal factors, or let the post write lines",
            )),
            Circles::Tilt => {
                self.report.named_without_effect("arc in a tilted plane", "it is given out as lines within 0.0005 mm");
                let start = self.state.programmed();
                let end = local.programmed(&target);
                let whole = arc.sweep + arc.sweep.signum() * f64::from(turns - 1) * std::f64::consts::TAU;
                let step = 2.0 * math::acos((1.0 - CHORD_MM / arc.radius.max(CHORD_MM)).max(0.5));
                let pieces = (whole.abs() / step).ceil().clamp(1.0, PIECES_MAX);
                let away = [start[first] - arc.centre[0], start[second] - arc.centre[1]];
                for piece in 1..=pieces as u32 {
                    let part = f64::from(piece) / pieces;
                    let (sin, cos) = math::sin_cos(whole * part);
                    let mut at: Axes = std::array::from_fn(|axis| start[axis] + (end[axis] - start[axis]) * part);
                    at[first] = arc.centre[0] + away[0] * cos - away[1] * sin;
                    at[second] = arc.centre[1] + away[0] * sin + away[1] * cos;
                    at[normal] = start[normal] + (end[normal] - start[normal]) * part;
                    let next = if f64::from(piece) == pieces { target } else { local.work(&at) };
                    self.line_to(10, next, span.clone())?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_again_through_any_chain() {
        let mut rng = crate::det::Rng::new(8);
        for _ in 0..500 {
            let mut local = Local::IDENTITY;
            for _ in 0..4 {
                let mut draw = || [0; 3].map(|_| rng.between(-20.0, 20.0));
                let (a, b) = (draw(), draw());
                let next = match rng.below(4) {
                    0 => Local::translation(a),
                    1 => Local::rotation(rng.below(3) as usize, a[0] * 9.0),
                    2 => Local::scale([a[0] / 10.0 + 2.5, -1.0, 0.5]).expect("no factor is zero").about(b),
                    _ => Local::rotation(2, a[1]).about(b),
                };
                local = local.then(&next);
            }
            let at: Axes = std::array::from_fn(|_| rng.between(-100.0, 100.0));
            let back = local.programmed(&local.work(&at));
            assert!((0..6).all(|axis| (back[axis] - at[axis]).abs() < 1e-6), "{at:?} became {back:?}");
        }
    }

    #[test]
    fn circles_stay_tilt_or_stretch() {
        let check = |local: Local, expected: Circles| assert_eq!(local.circles(Plane::Xy), expected, "{local:?}");
        check(Local::rotation(2, 33.0), Circles::Stay(false));
        check(Local::scale([-1.0, 1.0, 1.0]).expect("good"), Circles::Stay(true));
        check(Local::scale([2.0, 2.0, 1.0]).expect("good"), Circles::Stay(false));
        check(Local::rotation(0, 180.0), Circles::Stay(true));
        check(Local::rotation(0, 30.0), Circles::Tilt);
        check(Local::scale([2.0, 1.0, 1.0]).expect("good"), Circles::Stretch);
        assert_eq!(Local::scale([0.0, 1.0, 1.0]), None);
    }
}
