//! A quick look at how much of the edge is in material, to see where contact begins, ends or changes.

use shared::cutting::ANGLE_BINS;

use super::ring::bits;
use super::sample::{HALF, MIDDLE_PHASE, Sampler, THIN_MM, View};
use super::{Pose, Profile};
use crate::stock::HeightMap;

/// Bins that one look-up stands for.
const STRIDE: usize = 4;
/// Slices of the part below the full radius.
const SLICES: usize = 8;

/// How much of the edge is in material, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Glance {
    /// Height times share of the turn, mm.
    pub(crate) engaged_mm: f64,
    /// Bins in material at any height.
    pub(crate) mask: u128,
}

impl Sampler {
    /// Looks at every fourth bin of a few slices. Costs a fraction of [`Sampler::sample`].
    pub(crate) fn glance(&self, map: &HeightMap, profile: &Profile, pose: &Pose) -> Glance {
        let Some((view, top_mm)) = self.view(map, profile, pose) else { return Glance::default() };
        let below = view.glance_profile(top_mm);
        let wall = view.glance_wall(top_mm);
        Glance { engaged_mm: below.engaged_mm + wall.engaged_mm, mask: below.mask | wall.mask }
    }
}

impl View<'_> {
    fn glance_profile(&self, top_mm: f64) -> Glance {
        let to_mm = top_mm.min(self.profile.tip_mm).min(self.profile.flute_mm);
        let mut found = Glance::default();
        if to_mm <= self.bottom_mm || self.profile.slope_at(0.5 * to_mm).is_infinite() {
            return found;
        }
        // Thin near the tip, where shallow cuts are.
        let border = |index: usize| {
            let share = index as f64 / SLICES as f64;
            self.bottom_mm + (to_mm - self.bottom_mm) * share * share
        };
        for index in 0..SLICES {
            let (low_mm, high_mm) = (border(index), border(index + 1));
            let mask = self.ring_mask(0.5 * (low_mm + high_mm), MIDDLE_PHASE, STRIDE);
            found.engaged_mm += (high_mm - low_mm) * f64::from(mask.count_ones()) / ANGLE_BINS as f64;
            found.mask |= mask;
        }
        found
    }

    fn glance_wall(&self, top_mm: f64) -> Glance {
        let base_mm = self.profile.tip_mm.max(self.bottom_mm);
        if self.horizontal == 0.0 || top_mm <= base_mm + THIN_MM || base_mm >= self.profile.flute_mm {
            return Glance::default();
        }
        let heights = self.ahead_of_ring(self.profile.radius_mm, MIDDLE_PHASE, STRIDE);
        let depth = |height: &f32| (f64::from(*height).min(self.profile.flute_mm) - base_mm).max(0.0);
        let sum_mm: f64 = heights[STRIDE / 2..HALF].iter().step_by(STRIDE).map(depth).sum();
        let mask = super::ring::spread(u128::from(bits(&heights, (base_mm + THIN_MM) as f32)), STRIDE);
        Glance { engaged_mm: sum_mm * STRIDE as f64 / ANGLE_BINS as f64, mask }
    }
}
