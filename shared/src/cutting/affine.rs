//! Loads as straight lines over the feed.
//!
//! At a fixed engagement chips are proportional to the feed and forces nearly affine in it: an edge force that
//! does not depend on the feed, plus a cutting force that grows with it. Two evaluations in the upper part of the
//! range give the line and a third one, low down, checks it: where the true curve lies above the line there,
//! the whole line is raised by that much. A bound on the feed is then one division.
//!
//! What the line does not see: runout as large as the feed makes a tooth begin to cut at some feed, and its
//! edge force steps in. A bound that matters is therefore verified by an evaluation at the feed it allows.

use super::engagement::Engagement;
use super::loads::{CuttingMotion, Loads};
use super::model::CuttingModel;
use crate::units::Force;

/// Feed ratios at which the lines are taken and checked.
const RATIOS: [f64; 3] = [0.3, 0.6, 1.0];

/// A load as a straight line over the feed ratio x: `at_zero + slope · x`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Affine {
    /// Value at x = 0.
    pub at_zero: f64,
    /// Change for x from 0 to 1.
    pub slope: f64,
}

impl Affine {
    /// The line through the values at the last two of [`RATIOS`], raised to the first where that lies above it.
    fn above(values: [f64; 3]) -> Self {
        let slope = (values[2] - values[1]) / (RATIOS[2] - RATIOS[1]);
        let at_zero = values[2] - slope * RATIOS[2];
        let missing = values[0] - (at_zero + slope * RATIOS[0]);
        Self { at_zero: at_zero + missing.max(0.0), slope }
    }

    /// Value at a feed ratio.
    pub fn at(&self, ratio: f64) -> f64 {
        self.at_zero + self.slope * ratio
    }

    /// The greatest ratio in [0, ∞) at which the value is not above `limit`; zero where even standing still
    /// is above it, `None` where no ratio reaches it.
    pub fn solve(&self, limit: f64) -> Option<f64> {
        if self.slope <= 0.0 {
            return if self.at_zero > limit { Some(0.0) } else { None };
        }
        Some(((limit - self.at_zero) / self.slope).max(0.0))
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
        let low = model.loads(engagement, &motion.at_ratio(RATIOS[0]))?;
        let check = model.loads(engagement, &motion.at_ratio(RATIOS[1]))?;
        let line = |value: &dyn Fn(&Loads) -> f64| Affine::above([value(&low), value(&check), value(full)]);
        Some(Self {
            force_peak_n: line(&|loads| loads.force_peak_xy.as_n()),
            force_normal_n: line(&|loads| loads.force_normal.as_n()),
            torque_n_m: line(&|loads| loads.torque_mean.as_n_m()),
            power_w: line(&|loads| loads.power.as_w()),
            deflection_mm: line(&|loads| loads.deflection.as_mm()),
            bending_n_mm2: line(&|loads| loads.bending_stress.as_n_mm2()),
            chip_max_mm: Affine { at_zero: 0.0, slope: full.chip_max.as_mm() },
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
