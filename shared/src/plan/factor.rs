use std::fmt;

/// A checked override factor in per mille of the programmed feed, in [0, 1000].
///
/// An `f64` override can be NaN, negative or infinite, and some controllers run the path backwards on a
/// negative one (CONTROLLERS.md). This type cannot: it is an integer with a checked range, on the wire too.
/// Nothing above 1.0 exists, because what we write is a second factor beside the operator's dial and is
/// only ever allowed to slow (DESIGN.md section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Override(u16);

impl Override {
    /// As programmed: 1.0.
    pub const PROGRAMMED: Self = Self(1000);

    /// Stands still: 0.0.
    pub const STOP: Self = Self(0);

    /// From per mille; `None` above 1000.
    pub const fn from_permille(permille: u16) -> Option<Self> {
        if permille <= 1000 { Some(Self(permille)) } else { None }
    }

    /// From a ratio, rounded down to a per mille and limited to [0, 1]; `None` unless finite.
    pub fn floor_of_ratio(ratio: f64) -> Option<Self> {
        // The small addition keeps 0.29 (which is 0.28999…) at 290.
        ratio.is_finite().then(|| Self((ratio.clamp(0.0, 1.0) * 1000.0 + 1e-9).floor() as u16))
    }

    /// Per mille.
    pub const fn permille(self) -> u16 {
        self.0
    }

    /// Ratio in [0, 1].
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// The greatest multiple of `step` per mille that is not above this.
    #[must_use]
    pub const fn quantised_down(self, step: u16) -> Self {
        match self.0.checked_div(step) {
            Some(steps) => Self(steps * step),
            None => self,
        }
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", f64::from(self.0) / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h12_only_finite_values_become_overrides_and_all_stay_in_range() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Override::floor_of_ratio(odd), None);
        }
        let check = |ratio: f64, permille| {
            assert_eq!(Override::floor_of_ratio(ratio).map(Override::permille), Some(permille), "{ratio}");
        };
        check(-1.0, 0);
        check(-0.0, 0);
        check(f64::MIN_POSITIVE / 2.0, 0);
        check(0.29, 290);
        check(0.9999, 999);
        check(7.0, 1000);
        assert_eq!(Override::from_permille(1001), None);
    }

    #[test]
    fn quantising_never_raises() {
        let factor = Override::from_permille(857).expect("in range");
        assert_eq!(factor.quantised_down(10).permille(), 850);
        assert_eq!(factor.quantised_down(0).permille(), 857);
    }
}
