//! Machine time in whole steps, and where each lies on the wall clock.

use shared::time::{Duration, Instant};

/// Counts steps of machine time.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepClock {
    origin: Instant,
    /// Machine time over wall time, per mille: an integer, so that every step has one exact instant.
    scale_permille: u64,
    done: u64,
}

impl StepClock {
    /// Machine time of a step, ns.
    const STEP_NS: u64 = 1_000_000;

    /// Machine time of a step, s.
    pub(super) const STEP_S: f64 = 1e-3;

    /// `time_scale` is rounded to a per mille and at least that.
    pub(super) fn new(origin: Instant, time_scale: f64) -> Self {
        Self { origin, scale_permille: ((time_scale * 1000.0).round() as u64).max(1), done: 0 }
    }

    /// The instant at which the next step ends.
    pub(super) fn next_step(&self) -> Instant {
        self.at(self.done + 1)
    }

    /// The instant up to which the steps are done.
    pub(super) fn present(&self) -> Instant {
        self.at(self.done)
    }

    /// Lets the machine stand still where its steps lie more than `behind_max` before `now`; says for how long.
    pub(super) fn stand_still(&mut self, now: Instant, behind_max: Duration) -> Duration {
        let stood = now.since(self.present()).minus(behind_max);
        self.origin = self.origin.after(stood);
        stood
    }

    /// Counts one step.
    pub(super) fn advance(&mut self) {
        self.done += 1;
    }

    /// Machine time since the origin, s.
    pub(super) fn machine_s(&self) -> f64 {
        self.done as f64 * Self::STEP_S
    }

    /// How long a command must wait so that its first effect is seen no later than `effect` after it came:
    /// it is picked up at the start of a step and shows at its end.
    pub(super) fn lag(&self, effect: Duration) -> Duration {
        effect.minus(self.at(2).since(self.origin))
    }

    fn at(&self, step: u64) -> Instant {
        let wall_ns = (u128::from(step) * u128::from(Self::STEP_NS) * 1000).div_ceil(u128::from(self.scale_permille));
        self.origin.after(Duration::from_ns(u64::try_from(wall_ns).unwrap_or(u64::MAX)))
    }
}
