use shared::budget::WorkAllowance;
use shared::time::Duration;

/// Least and greatest work of one step. The upper bound limits how long a step can take that turns out much
/// dearer than all before it.
const UNITS_MIN: u64 = 1;
const UNITS_MAX: u64 = 1024;
/// What a unit is taken to cost before the first step.
const COST_FIRST: Duration = Duration::from_us(200);
/// No unit is taken to be cheaper.
const COST_MIN: Duration = Duration::from_us(1);

/// Turns time that is left into an integer allowance of work, from what work has cost so far.
///
/// A step that was dearer than expected counts at once, a cheaper one moves the estimate down by an eighth:
/// answering late is worse than answering with less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    cost: Duration,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { cost: COST_FIRST }
    }

    /// What fits into `left`; at least one unit, so that every session gets on.
    pub(super) fn allowance(&self, left: Duration) -> WorkAllowance {
        let units = (left.as_ns() / self.cost.as_ns()).clamp(UNITS_MIN, UNITS_MAX);
        WorkAllowance(units as u32)
    }

    /// Takes note that a step did so much work in such a time. One that did none says nothing about a unit's cost.
    pub(super) fn note(&mut self, used: WorkAllowance, took: Duration) {
        if used.0 == 0 {
            return;
        }
        let observed = Duration::from_ns(took.as_ns() / u64::from(used.0));
        let eased = Duration::from_ns(self.cost.as_ns() - self.cost.as_ns() / 8);
        self.cost = observed.max(eased).max(COST_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dear_step_counts_at_once_and_a_cheap_one_slowly() {
        let slice = Duration::from_ms(4);
        let mut pace = Pace::new();
        assert_eq!(pace.allowance(slice), WorkAllowance(20));
        pace.note(WorkAllowance(20), Duration::from_ms(40));
        assert_eq!(pace.allowance(slice), WorkAllowance(2));
        let mut last = 2;
        for _ in 0..200 {
            let granted = pace.allowance(slice);
            assert!(granted.0 >= last && granted.0 <= last + last / 4 + 1, "{granted:?} after {last}");
            last = granted.0;
            pace.note(granted, Duration::from_us(u64::from(granted.0)));
        }
        assert_eq!(u64::from(last), UNITS_MAX);
    }

    #[test]
    fn without_time_there_is_still_one_unit() {
        assert_eq!(Pace::new().allowance(Duration::ZERO), WorkAllowance(1));
    }
}
