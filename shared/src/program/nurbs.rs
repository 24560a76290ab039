//! G5.2 and G5.3: a rational B-spline, opened by its first control point and closed by G5.3.
//!
//! With control points `P_i` of weight `w_i` and basis functions `N_i,k` over an open uniform knot vector
//! (Cox and de Boor), the curve is `Σ N_i,k(u) w_i P_i / Σ N_i,k(u) w_i`. It leaves here as straight feeds,
//! fifteen for each control point, as LinuxCNC's preview draws it. On a knot both neighbouring intervals count,
//! as there; the quotient does not see it.

use super::canon::FeedMode;
use super::execute::Execution;
use super::fault::*;
use std::ops::Range;

/// Straight pieces for each control point.
const PIECES_PER_POINT: usize = 15;
/// Control points of one spline.
const POINTS_MAX: usize = 1000;
/// Order where L says none.
const ORDER: usize = 3;

/// A spline that is being written: control points with weight, and order.
#[derive(Clone, Debug, Default)]
pub(super) struct Spline {
    points: Vec<[f64; 3]>,
    order: usize,
}

impl Execution<'_, '_> {
    /// G5.2: a control point.
    pub(super) fn control_point(&mut self, span: Range<usize>) -> Checked<()> {
        let fault = |code, text: &str, advice: &str| Err(Fault::error(code, span.clone(), text, advice));
        let has = [self.block.has(b'X'), self.block.has(b'Y')];
        if self.state.motion != Some(52) {
            self.state.spline = Spline::default();
        }
        let weight = self.block.word(b'P').unwrap_or(-1.0);
        let is_first = self.state.spline.points.is_empty();
        if has[0] != has[1] {
            return fault(MISSING_WORD, "a control point needs X and Y", "write both");
        }
        if !is_first && !has[0] && weight > 0.0 {
            return fault(MISSING_WORD, "P without X and Y stands behind the first control point", "write X and Y");
        }
        if !is_first && weight <= 0.0 {
            return fault(CYCLE, "the control point has no positive weight", "write P");
        }
        if self.state.feed_mode == FeedMode::PerMinute && self.state.feed.unwrap_or(0.0) == 0.0 {
            return fault(NO_FEED, "a spline needs a feed and no F word is in force", "write F before it");
        }
        if self.state.spline.points.len() >= POINTS_MAX {
            return fault(TOO_LONG, "the spline has more than 1000 control points", "write it as several");
        }
        if is_first {
            let own = if has[0] || weight <= 0.0 { 1.0 } else { weight };
            let [x, y, ..] = self.state.position;
            self.state.spline = Spline { points: vec![[x, y, own]], order: ORDER };
        }
        if let Some(order) = self.block.whole(b'L', 0, POINTS_MAX as u32)?.filter(|order| *order > ORDER as u32) {
            self.state.spline.order = order as usize;
        }
        if has[0] {
            let target = self.target()?;
            self.state.spline.points.push([target[0], target[1], weight]);
        }
        self.set_motion(52);
        Ok(())
    }

    /// G5.3: the spline is run.
    pub(super) fn run_spline(&mut self, span: Range<usize>) -> Checked<()> {
        if self.state.motion != Some(52) {
            return Err(Fault::error(WRONG_MODE, span, "G5.3 stands without G5.2", "write the control points before"));
        }
        let Spline { points, order } = std::mem::take(&mut self.state.spline);
        if points.len() < order.max(1) {
            let text = format!("the spline has {} control points, fewer than its order {order}", points.len());
            return Err(Fault::error(CYCLE, span, text, "write more control points, or a smaller L"));
        }
        self.state.motion = None;
        let places = curve(&points, order);
        for place in places {
            let mut next = self.state.position;
            (next[0], next[1]) = (place[0], place[1]);
            self.line_to(10, next, span.clone())?;
        }
        Ok(())
    }
}

/// The points of the curve behind its first.
fn curve(points: &[[f64; 3]], order: usize) -> Vec<[f64; 2]> {
    let last = points.len() - 1;
    let knot = |index: usize| (index + 1).saturating_sub(order).min(last + 2 - order) as f64;
    let (end, pieces) = ((last + 2 - order) as f64, points.len() * PIECES_PER_POINT);
    let step = end / pieces as f64;
    let (mut u, mut places) = (0.0, Vec::with_capacity(pieces));
    let mut basis = vec![0.0; last + order];
    while u + step < end {
        u += step;
        for (index, value) in basis.iter_mut().enumerate() {
            *value = f64::from(u8::from(u >= knot(index) && u <= knot(index + 1)));
        }
        for degree in 2..=order {
            for index in 0..basis.len() + 1 - degree {
                let rise = knot(index + degree - 1) - knot(index);
                let fall = knot(index + degree) - knot(index + 1);
                let up = if rise == 0.0 { 0.0 } else { (u - knot(index)) * basis[index] / rise };
                let down = if fall == 0.0 { 0.0 } else { (knot(index + degree) - u) * basis[index + 1] / fall };
                basis[index] = up + down;
            }
        }
        let sum = |part: fn(&[f64; 3]) -> f64| -> f64 {
            points.iter().zip(&basis).map(|(point, basis)| part(point) * point[2] * basis).sum()
        };
        let weight = sum(|_| 1.0);
        places.push([sum(|point| point[0]) / weight, sum(|point| point[1]) / weight]);
    }
    places.push([points[last][0], points[last][1]]);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_of_four_points_and_order_four_are_a_bezier_curve() {
        let points = [[0.0, 0.0, 1.0], [1.0, 2.0, 1.0], [3.0, 2.0, 1.0], [4.0, 0.0, 1.0]];
        let places = curve(&points, 4);
        assert_eq!(places.len(), 60);
        // The middle of a cubic: (P0 + 3 P1 + 3 P2 + P3) / 8.
        let middle = places[29];
        assert!((middle[0] - 2.0).abs() < 1e-12 && (middle[1] - 1.5).abs() < 1e-12, "{middle:?}");
        assert_eq!(places[59], [4.0, 0.0]);
    }

    #[test]
    fn a_weighted_quadratic_is_a_circle() {
        // The quarter circle: weights 1, 1/√2, 1.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let places = curve(&[[1.0, 0.0, 1.0], [1.0, 1.0, half], [0.0, 1.0, 1.0]], 3);
        assert!(
            places.iter().all(|place| (crate::det::math::hypot(place[0], place[1]) - 1.0).abs() < 1e-12),
            "{places:?}"
        );
    }
}
