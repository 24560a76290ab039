//! The factors a controller can really take.
//!
//! A plan thinks in per mille; a controller accepts multiples of its grain and does not move below a
//! smallest factor. Rounding up would break the bound the plan rests on, so rounding is downwards, and what
//! lies below the smallest moving factor is not a factor at all: whether to hold or to wait there is the
//! caller's decision, not an accident of rounding.

use shared::machine::OverrideRange;
use shared::plan::Override;

/// Grain and lower end of a controller's factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverrideSteps {
    step_permille: u16,
    lowest: Override,
}

/// What a wanted factor becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantised {
    /// This factor: a multiple of the grain, not above what was wanted.
    Factor(Override),
    /// Above zero, but the controller does not move so slowly; this is the slowest it does.
    BelowRange {
        /// Smallest factor that moves.
        lowest: Override,
    },
}

impl OverrideSteps {
    /// From the machine's description. A grain of zero counts as one per mille; a smallest factor that is
    /// not on the grid counts as the next one up.
    pub fn new(range: &OverrideRange) -> Self {
        let step = range.step_permille.clamp(1, 1000);
        let lowest = range.min_permille.max(1).div_ceil(step).saturating_mul(step).min(1000 / step * step);
        Self { step_permille: step, lowest: Override::from_permille(lowest).unwrap_or(Override::PROGRAMMED) }
    }

    /// The greatest factor of the controller that is not above `wanted`.
    pub fn quantised(&self, wanted: Override) -> Quantised {
        let factor = wanted.quantised_down(self.step_permille);
        if wanted == Override::STOP || factor >= self.lowest {
            Quantised::Factor(factor)
        } else {
            Quantised::BelowRange { lowest: self.lowest }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::units::Seconds;

    fn steps(min_permille: u16, step_permille: u16) -> OverrideSteps {
        let range = OverrideRange { min_permille, step_permille, slew_per_s: 2.0, effect_time: Seconds::s(0.02) };
        OverrideSteps::new(&range)
    }

    #[test]
    fn factors_go_down_to_the_grid_or_are_named_too_slow() {
        let check = |steps: OverrideSteps, wanted: u16, expected: Result<u16, u16>| {
            let found = match steps.quantised(Override::from_permille(wanted).expect("in range")) {
                Quantised::Factor(factor) => Ok(factor.permille()),
                Quantised::BelowRange { lowest } => Err(lowest.permille()),
            };
            assert_eq!(found, expected, "{wanted} on {steps:?}");
        };
        check(steps(100, 10), 1000, Ok(1000));
        check(steps(100, 10), 857, Ok(850));
        check(steps(100, 10), 100, Ok(100));
        check(steps(100, 10), 99, Err(100));
        check(steps(100, 10), 0, Ok(0));
        check(steps(25, 50), 60, Ok(50));
        check(steps(25, 50), 49, Err(50));
        check(steps(0, 0), 1, Ok(1));
        check(steps(1000, 300), 950, Ok(900));
    }

    #[test]
    fn no_factor_is_ever_raised() {
        for min in [0, 1, 7, 100, 1000, u16::MAX] {
            for step in [0, 1, 3, 10, 50, 1000, u16::MAX] {
                let steps = steps(min, step);
                for wanted in 0..=1000 {
                    let wanted = Override::from_permille(wanted).expect("in range");
                    if let Quantised::Factor(factor) = steps.quantised(wanted) {
                        assert!(factor <= wanted);
                    }
                }
            }
        }
    }
}
