//! Bézier curves, probing and polar targets.
//!
//! G5 (cubic) and G5.1 (quadratic) are Bézier curves in XY; they leave here as short straight feeds, fifteen
//! for each control point, as LinuxCNC's own preview draws them.

use super::canon::{FeedMode, ForcedReason, Plane};
use super::execute::Execution;
use super::fault::*;
use super::frame::Axes;
use super::state::Awaits;
use crate::det::math;
use std::ops::Range;

/// Straight pieces for each control point of a spline.
const PIECES_PER_POINT: usize = 15;

impl Execution<'_, '_> {
    /// X and Y from `@` and `^` words; in incremental mode both are added to those of `from`.
    pub(super) fn polar(&mut self, from: &Axes) -> Checked<[f64; 2]> {
        let unit_mm = self.state.unit.mm();
        let [radius, angle] = self.block.polar();
        let (old_radius, old_angle) = (math::hypot(from[0], from[1]), math::atan2(from[1], from[0]));
        let add = |old: f64, new: Option<f64>, incremental: bool| match new {
            Some(new) if incremental => old + new,
            Some(new) => new,
            None => old,
        };
        let is_incremental = self.state.is_incremental;
        let radius = add(old_radius, radius.map(|radius| radius * unit_mm), is_incremental);
        let angle = add(old_angle, angle.map(f64::to_radians), is_incremental);
        let (sin, cos) = math::sin_cos(angle);
        Ok([radius * cos, radius * sin])
    }

    /// G5 and G5.1.
    pub(super) fn spline(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        if self.state.plane != Plane::Xy {
            return Err(Fault::error(WRONG_MODE, span, "a spline needs the XY plane", "write G17 before it"));
        }
        let target = self.target()?;
        let start = [self.state.position[0], self.state.position[1]];
        let end = [target[0], target[1]];
        let first = [self.length(b'I')?, self.length(b'J')?];
        let points = if code == 51 {
            if first == [None, None] || first == [Some(0.0), Some(0.0)] {
                return Err(Fault::error(MISSING_WORD, span, "G5.1 has no control point", "write I and J"));
            }
            let control = [start[0] + first[0].unwrap_or(0.0), start[1] + first[1].unwrap_or(0.0)];
            vec![start, control, end]
        } else {
            let (Some(p), Some(q)) = (self.length(b'P')?, self.length(b'Q')?) else {
                return Err(Fault::error(MISSING_WORD, span, "G5 needs P and Q", "write the second control point"));
            };
            let away = match first {
                [Some(i), Some(j)] => [i, j],
                // A spline that goes on takes the direction the last one came in with, whatever lies between; the
                // first one starts with its control point where it starts.
                [None, None] => self.state.spline_end.map(|part| -part),
                _ => {
                    return Err(Fault::error(
                        MISSING_WORD,
                        span,
                        "G5 has only one of I and J",
                        "write both for the first control point, or neither",
                    ));
                }
            };
            self.state.spline_end = [p, q];
            vec![start, [start[0] + away[0], start[1] + away[1]], [end[0] + p, end[1] + q], end]
        };
        // LinuxCNC does not make G5 and G5.1 modal.
        if !self.dialect.is_strict() {
            self.set_motion(code);
        }
        let pieces = PIECES_PER_POINT * points.len();
        for piece in 1..=pieces {
            let at = bezier(&points, piece as f64 / pieces as f64);
            let mut next = self.state.position;
            (next[0], next[1]) = (at[0], at[1]);
            self.line_to(10, next, span.clone())?;
        }
        Ok(())
    }

    /// G38.2 to G38.5. Where the probe trips is not known ahead: the move is made to its end, that is said, and
    /// the first block that reads the result waits for it.
    pub(super) fn probe(&mut self, code: u16, span: Range<usize>) -> Checked<()> {
        let target = self.target()?;
        if self.state.feed_mode == FeedMode::PerRevolution {
            return Err(Fault::error(WRONG_MODE, span, "a probe cannot move under G95", "write G94 before it"));
        }
        // G38.3 and G38.5 do not fail where nothing is found.
        if target == self.state.position && matches!(code, 382 | 384) {
            return Err(Fault::error(CYCLE, span, "the probe moves nowhere", "write the place to probe towards"));
        }
        self.set_motion(code);
        self.state.awaits = Some(Awaits::Probe);
        self.state.forced = Some(ForcedReason::Probing);
        let note_span = span.clone();
        let note = || {
            let text = "where the probe trips is not known ahead; the move is simulated to its end";
            Fault::error(ASSUMED, note_span, text, "what follows depends on it: check it on the machine")
                .with(super::Severity::Warning)
        };
        self.report.once(6, note, ASSUMED);
        self.line_to(10, target, span)
    }
}

/// De Casteljau's construction: the point of a Bézier curve at `t` in [0, 1].
fn bezier(points: &[[f64; 2]], t: f64) -> [f64; 2] {
    let mut level = points.to_vec();
    while level.len() > 1 {
        let between = |pair: &[[f64; 2]]| [0, 1].map(|axis| pair[0][axis] + (pair[1][axis] - pair[0][axis]) * t);
        level = level.windows(2).map(between).collect();
    }
    level[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bezier_curves_start_and_end_at_their_ends() {
        let points = [[0.0, 0.0], [1.0, 2.0], [3.0, 2.0], [4.0, 0.0]];
        assert_eq!((bezier(&points, 0.0), bezier(&points, 1.0)), (points[0], points[3]));
        // The middle of a cubic: (P0 + 3 P1 + 3 P2 + P3) / 8.
        assert_eq!(bezier(&points, 0.5), [2.0, 1.5]);
    }
}
