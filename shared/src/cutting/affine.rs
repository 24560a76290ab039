//! Loads as straight lines over the feed.
//!
//! At a fixed engagement chips are proportional to the feed and forces nearly affine in it: an edge force that
//! does not depend on the feed, plus a cutting force that grows with it. Three evaluations give two straight
//! pieces; a bound on the feed is then one division, without another look at the engagement.
//!
//! What the lines do not see: runout as large as the feed makes a tooth begin to cut at some feed, and its
//! edge force steps in. A bound that matters is therefore verified by an evaluation at the feed it allows.

use super::engagement::Engagement;
use super::loads::{CuttingMotion, Loads};
use super::model::CuttingModel;
use crate::units::Force;

/// Feed ratios at which the loads are evaluated.
const RATIOS: [f64; 3] = [0.3, 0.6, 1.0];

/// A load over the feed ratio x: straight between the ratios of its nodes, and on beyond them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Affine {
    nodes: [f64; 3],
}

impl Affine {
    /// The straight line `at_zero + slope · x`.
    pub fn line(at_zero: f64, slope: f64) -> Self {
        Self { nodes: RATIOS.map(|ratio| at_zero + slope * ratio) }
    }

    /// Value at zero and slope of the piece that begins at a node.
    fn piece(&self, node: usize) -> (f64, f64) {
        let slope = (self.nodes[node + 1] - self.nodes[node]) / (RATIOS[node + 1] - RATIOS[node]);
        (self.nodes[node] - slope * RATIOS[node], slope)
    }

    /// Value at a feed ratio.
    pub fn at(&self, ratio: f64) -> f64 {
        let (at_zero, slope) = self.piece(usize::from(ratio > RATIOS[1]));
        at_zero + slope * ratio
    }

    /// The same load raised by a factor: a harder material, or the upper edge of an uncertainty band.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { nodes: self.nodes.map(|value| value * factor) }
    }

    /// The greatest ratio in [0, ∞) up to which the value is not above `limit`; zero where even standing still
    /// is above it, `None` where no ratio reaches it.
    pub fn solve(&self, limit: f64) -> Option<f64> {
        let (at_zero, slope) = self.piece(usize::from(self.nodes[1] <= limit));
        if slope > 0.0 {
            return Some(((limit - at_zero) / slope).max(0.0));
        }
        if at_zero > limit { Some(0.0) } else { None }
    }
}

/// Loads of one engagement as lines over the ratio of the programmed feed, good for ratios up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AffineLoads {
    /// Peak resultant in the plane, N.
    pub force_peak_n: Affine,
    /// Normal force at the wall, N.
    pub force_normal_n: Affine,
    /// Mean torque, N·m.
    pub torque_n_m: Affine,
    /// Mean power at the cutter, W.
    pub power_w: Affine,
    /// Deflection of the tool, mm.
    pub deflection_mm: Affine,
    /// Bending stress in the tool, N/mm².
    pub bending_n_mm2: Affine,
    /// Greatest chip thickness without runout, mm; it is proportional to the feed.
    pub chip_max_mm: Affine,
}

impl AffineLoads {
    /// Lines from the loads at the programmed feed and two evaluations below it. `None` as for
    /// [`CuttingModel::loads`].
    pub fn of(model: &CuttingModel, engagement: &Engagement, motion: &CuttingMotion, full: &Loads) -> Option<Self> {
        let [low, middle] = model.loads_at(engagement, motion, [RATIOS[0], RATIOS[1]])?;
        let line = |value: &dyn Fn(&Loads) -> f64| Affine { nodes: [value(&low), value(&middle), value(full)] };
        Some(Self {
            force_peak_n: line(&|loads| loads.force_peak_xy.as_n()),
            force_normal_n: line(&|loads| loads.force_normal.as_n()),
            torque_n_m: line(&|loads| loads.torque_mean.as_n_m()),
            power_w: line(&|loads| loads.power.as_w()),
            deflection_mm: line(&|loads| loads.deflection.as_mm()),
            bending_n_mm2: line(&|loads| loads.bending_stress.as_n_mm2()),
            chip_max_mm: Affine::line(0.0, full.chip_max.as_mm()),
        })
    }
}

/// The feed ratio at which the peak resultant in the plane meets a limit, within 0.01 % of the limit and never
/// above it; searched in [0, `ratio_max`] by halving. `None` where the loads are not known, or where even
/// `ratio_max` stays below the limit.
pub fn solve_force_peak(
    model: &CuttingModel,
    engagement: &Engagement,
    motion: &CuttingMotion,
    limit: Force,
    ratio_max: f64,
) -> Option<f64> {
    let peak = |ratio: f64| model.loads(engagement, &motion.at_ratio(ratio)).map(|loads| loads.force_peak_xy);
    if peak(ratio_max)? <= limit {
        return None;
    }
    let (mut below, mut above) = (0.0, ratio_max);
    // 40 halvings of a ratio are below any tolerance; the test on the limit usually ends it after a dozen.
    for _ in 0..40 {
        let middle = (below + above) / 2.0;
        let force = peak(middle)?;
        if force > limit {
            above = middle;
        } else {
            below = middle;
            if (limit - force) / limit < 1e-4 {
                break;
            }
        }
    }
    Some(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_solved_on_the_piece_that_meets_the_limit() {
        let check = |nodes: [f64; 3], limit: f64, expected: Option<f64>| {
            let found = Affine { nodes }.solve(limit);
            let same = found.zip(expected).map_or(found == expected, |(a, b)| (a - b).abs() < 1e-12);
            assert!(same, "{nodes:?} at {limit}: {found:?} instead of {expected:?}");
        };
        check([30.0, 60.0, 100.0], 80.0, Some(0.8));
        check([30.0, 60.0, 100.0], 45.0, Some(0.45));
        check([30.0, 60.0, 140.0], 100.0, Some(0.8));
        check([30.0, 60.0, 140.0], 15.0, Some(0.15));
        check([30.0, 60.0, 100.0], 200.0, Some(2.0));
        check([50.0, 80.0, 120.0], 10.0, Some(0.0));
        check([0.0; 3], 1.0, None);
        check([5.0; 3], 1.0, Some(0.0));
        let line = Affine::line(3.0, 4.0);
        assert!((line.at(0.2) - 3.8).abs() < 1e-12 && (line.scaled(2.0).at(0.9) - 13.2).abs() < 1e-12);
    }
}
