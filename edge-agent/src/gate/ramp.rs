//! The only way from one factor to the next.

use shared::plan::Override;
use shared::planted::{self, Bug};

/// Which way the factor may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Both ways.
    Both,
    /// It may not rise.
    Lower,
}

/// A slew-limited factor. Kept as a ratio, so that a limit below one per mille a cycle still moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ramp {
    ratio: f64,
}

impl Ramp {
    /// A ramp that stands at a factor.
    pub(crate) fn at(factor: Override) -> Self {
        Self { ratio: factor.ratio() }
    }

    /// Moves towards `target` by at most `step`, a ratio of at least zero.
    pub(crate) fn step(&mut self, target: f64, step: f64, permit: Permit) {
        let target = target.clamp(0.0, 1.0);
        let (step, up) = match (planted::on(Bug::RampDownUnlimited), planted::on(Bug::RampUpUnlimited)) {
            (true, _) => (if target < self.ratio { 1.0 } else { step }, step),
            (_, true) => (step, 1.0),
            _ => (step, step),
        };
        let highest = if permit == Permit::Lower { self.ratio } else { self.ratio + up };
        let moved = target.clamp(self.ratio - step, highest.max(self.ratio - step));
        if moved.is_finite() {
            self.ratio = moved.clamp(0.0, 1.0);
        }
    }

    /// The factor to command: rounded down to the controller's grain, but not below `floor` unless the ramp
    /// itself is.
    pub(crate) fn factor(&self, grain_permille: u16, floor: Override) -> Override {
        let exact = Override::floor_of_ratio(self.ratio).unwrap_or(Override::STOP);
        let coarse = exact.quantised_down(grain_permille);
        if exact >= floor { coarse.max(floor) } else { coarse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    #[test]
    fn h13_no_step_is_steeper_than_permitted_and_none_leaves_zero_to_one() {
        let mut rng = Rng::new(13);
        let mut ramp = Ramp::at(Override::PROGRAMMED);
        for round in 0..100_000 {
            let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -3.0, 7.0];
            let target = if rng.chance(0.1) { odd[rng.below(5) as usize] } else { rng.uniform() };
            let step = rng.uniform() * 0.05;
            let permit = if rng.chance(0.3) { Permit::Lower } else { Permit::Both };
            let before = ramp.ratio;
            ramp.step(target, step, permit);
            assert!((ramp.ratio - before).abs() <= step + 1e-15, "round {round}");
            assert!((0.0..=1.0).contains(&ramp.ratio), "round {round}");
            assert!(permit == Permit::Both || ramp.ratio <= before, "round {round}");
            assert!(ramp.factor(10, Override::STOP).ratio() <= ramp.ratio + 1e-9);
        }
    }

    #[test]
    fn small_steps_add_up() {
        let mut ramp = Ramp::at(Override::STOP);
        (0..2000).for_each(|_| ramp.step(1.0, 0.0005, Permit::Both));
        assert_eq!(ramp.factor(1, Override::STOP), Override::PROGRAMMED);
    }

    #[test]
    fn the_floor_holds_against_the_grain() {
        let floor = Override::from_permille(125).expect("in range");
        let mut ramp = Ramp::at(Override::from_permille(128).expect("in range"));
        assert_eq!(ramp.factor(10, floor), floor);
        ramp.step(0.0, 0.1, Permit::Lower);
        assert_eq!(ramp.factor(10, floor).permille(), 20);
    }
}
