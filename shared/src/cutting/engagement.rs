use std::f64::consts::{PI, TAU};

/// Number of equal bins of the full turn in an engagement mask.
pub const ANGLE_BINS: usize = 128;

/// One axial slice of the cutter and the part of its turn on which it is in material.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngagementSlice {
    /// Lower end above the tip, mm.
    pub low_mm: f64,
    /// Upper end above the tip, mm.
    pub high_mm: f64,
    /// Bit i is set where the slice is in material at φ in [i, i + 1) · 2π / [`ANGLE_BINS`].
    pub mask: u128,
}

/// Where a cutter is in material at one pose: the input of every force.
///
/// Slices go upwards from the tip and do not overlap; slices that touch nothing may be absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Engagement {
    /// Slices, lowest first.
    pub slices: Vec<EngagementSlice>,
}

impl Engagement {
    /// True where no slice touches material.
    pub fn is_air(&self) -> bool {
        self.slices.iter().all(|slice| slice.mask == 0)
    }

    /// All angles at which any slice is in material.
    pub fn mask(&self) -> u128 {
        self.slices.iter().fold(0, |mask, slice| mask | slice.mask)
    }

    /// a_p in mm: from the lowest to the highest engaged slice; zero in air.
    pub fn axial_depth_mm(&self) -> f64 {
        let mut engaged = self.slices.iter().filter(|slice| slice.mask != 0);
        let Some(first) = engaged.next() else {
            return 0.0;
        };
        engaged.next_back().unwrap_or(first).high_mm - first.low_mm
    }

    /// φ_st and φ_ex in rad: the ends of the smallest arc that holds every engaged bin of the forward half
    /// turn [0, π]; the full half turn for a slot. `None` in air, and where only the trailing half touches.
    ///
    /// Finer than a bin: slices look at different places within their bins, so contact that ends within a bin is seen in as
    /// many of the slices that are in the bin before it, and the arc reaches as far into the last bin.
    pub fn immersion_rad(&self) -> Option<(f64, f64)> {
        const HALF: u32 = ANGLE_BINS as u32 / 2;
        let forward = self.mask() & ((1u128 << HALF) - 1);
        if forward == 0 {
            return None;
        }
        let bin = TAU / ANGLE_BINS as f64;
        let (first, last) = (forward.trailing_zeros(), 127 - forward.leading_zeros());
        // Of the slices that are in the bin further in, those that are in this one too.
        let share = |outer: u32, inner: u32| {
            let within = self.slices.iter().filter(|slice| slice.mask >> inner & 1 == 1);
            let (count, both) = within
                .fold((0u32, 0u32), |(count, both), slice| (count + 1, both + u32::from(slice.mask >> outer & 1 == 1)));
            if count == 0 || both == 0 { 1.0 } else { f64::from(both) / f64::from(count) }
        };
        let (before, behind) =
            if first == last { (1.0, 1.0) } else { (share(first, first + 1), share(last, last - 1)) };
        Some(((f64::from(first) + 1.0 - before) * bin, ((f64::from(last) + behind) * bin).min(PI)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immersion_reads_the_forward_half() {
        let slice = |low_mm, mask| EngagementSlice { low_mm, high_mm: low_mm + 1.0, mask };
        let slot = Engagement { slices: vec![slice(0.0, (1 << 64) - 1), slice(1.0, (1 << 64) - 1), slice(2.0, 0)] };
        assert_eq!(slot.immersion_rad(), Some((0.0, PI)));
        assert_eq!(slot.axial_depth_mm(), 2.0);
        // Half of the slices of a side are in its last bin: it ends in the middle of that.
        let side = Engagement { slices: vec![slice(0.0, 0b111_1000), slice(1.0, 0b1111_1000)] };
        let bin = TAU / ANGLE_BINS as f64;
        assert_eq!(side.immersion_rad(), Some((3.0 * bin, 7.5 * bin)));
        let behind = Engagement { slices: vec![slice(0.0, 1 << 100)] };
        assert_eq!(behind.immersion_rad(), None);
        assert!(!behind.is_air() && Engagement::default().is_air());
    }
}
