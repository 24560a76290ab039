//! Where the factor comes from, and how a plan is trusted again after it failed.
//!
//! Regimes, from best to worst: the plan; the plan where it is slower than the baseline; the baseline; the value
//! without us. The way down is immediate and the way back is not: once a fault has ended, plans may slow the
//! machine at once, but raise it above the baseline only after they have been fresh without a break for the
//! healthy interval. A link that comes and goes thus leaves the machine on the baseline instead of pumping.
//! A slow-down never outlives the plan that asked for it: every regime has a target of its own, and the ramp
//! leads there.

use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};

use crate::guard::{Action, Condition};

/// Why the factor does not come from the plan.
pub type Cause = Condition;

/// Where the factor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The admitted plan.
    Plan,
    /// The admitted plan or the baseline, whichever is slower.
    LowerOfBoth,
    /// The baseline; the value without us where there is none.
    Baseline,
    /// The value without us.
    PassThrough,
}

impl Source {
    /// What an action leads to.
    pub(crate) fn of(action: Action) -> Self {
        match action {
            Action::Report => Self::Plan,
            // Until the hold has its effect nothing may be raised.
            Action::Cautious | Action::Hold => Self::LowerOfBoth,
            Action::Baseline if planted::on(Bug::BaselineSkipped) => Self::PassThrough,
            Action::Baseline => Self::Baseline,
            Action::PassThrough | Action::Silent => Self::PassThrough,
        }
    }

    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::LowerOfBoth => "lower_of_plan_and_baseline",
            Self::Baseline => "baseline",
            Self::PassThrough => "pass_through",
        }
    }
}

/// Whether plans have been healthy for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// They have.
    Healthy,
    /// A fault is present.
    Faulty,
    /// None since this instant.
    Healing {
        /// End of the fault.
        since: Instant,
    },
}

impl Recovery {
    /// Takes in one cycle.
    #[must_use]
    pub(crate) fn observed(self, now: Instant, faulty: bool, interval: Duration) -> Self {
        match self {
            _ if faulty => Self::Faulty,
            Self::Healthy => Self::Healthy,
            Self::Faulty => Self::Healing { since: now },
            Self::Healing { since } if now.since(since) >= interval || planted::on(Bug::RecoveryAtOnce) => {
                Self::Healthy
            }
            healing => healing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h8_health_needs_an_interval_without_a_single_fault() {
        let at = |ms| Instant::ORIGIN.after(Duration::from_ms(ms));
        let interval = Duration::from_ms(100);
        let mut recovery = Recovery::Healthy;
        let timeline = [
            (0, false, Recovery::Healthy),
            (10, true, Recovery::Faulty),
            (20, false, Recovery::Healing { since: at(20) }),
            (119, false, Recovery::Healing { since: at(20) }),
            (119, true, Recovery::Faulty),
            (130, false, Recovery::Healing { since: at(130) }),
            (230, false, Recovery::Healthy),
        ];
        for (ms, faulty, expected) in timeline {
            recovery = recovery.observed(at(ms), faulty, interval);
            assert_eq!(recovery, expected, "at {ms} ms");
        }
    }
}
