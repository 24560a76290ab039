//! What LinuxCNC can do for us, each figure with where it comes from.

use shared::time::Duration;

use crate::controller::Capabilities;

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Stated here, from manual and source.
    Declared,
    /// Seen on this machine.
    Measured,
}

/// A figure and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure<T> {
    /// The figure.
    pub value: T,
    /// Where it comes from.
    pub basis: Basis,
}

/// Who sees to it that a dead agent leaves nothing behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailSafeOwner {
    /// The watchdog of `cosim.hal`, in the controller's real-time thread.
    ControllerRealTime,
    /// Nobody: only slowing that may stay is allowed.
    Nobody,
}

/// What can be read and written, how often and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityRecord {
    /// Between two records of the servo thread.
    pub tick_period: Figure<Duration>,
    /// Between two reports of what only the task knows, at least on change.
    pub status_period: Figure<Duration>,
    /// Smallest and greatest factor, per mille.
    pub factor_permille: Figure<(u16, u16)>,
    /// Steps of the factor, per mille.
    pub factor_step_permille: Figure<u16>,
    /// From a write to the first change of velocity; the axes' acceleration comes on top.
    pub effect_time: Figure<Duration>,
    /// Whether a factor waits behind motions that are queued already: it does not.
    pub queued: Figure<bool>,
    /// Who owns the fail-safe.
    pub fail_safe: Figure<FailSafeOwner>,
    /// From the last heartbeat to the begin of the ramp.
    pub watchdog: Figure<Duration>,
}

/// Upper bound of a gateway that is loaded and has no real-time kernel; a quiet one is ten times quicker.
const EFFECT_TIME_DECLARED: Duration = Duration::from_ms(10);

impl CapabilityRecord {
    /// As documented, before anything was measured. `watchdog` is `None` where `cosim.hal` is not loaded.
    pub fn declared(tick_period: Duration, status_period: Duration, watchdog: Option<Duration>) -> Self {
        let owner = if watchdog.is_some() { FailSafeOwner::ControllerRealTime } else { FailSafeOwner::Nobody };
        Self {
            tick_period: declared(tick_period),
            status_period: declared(status_period),
            factor_permille: declared((0, 1000)),
            factor_step_permille: declared(1),
            effect_time: declared(EFFECT_TIME_DECLARED),
            queued: declared(false),
            fail_safe: declared(owner),
            watchdog: declared(watchdog.unwrap_or(Duration::ZERO)),
        }
    }

    /// With the effect time that a self-test saw.
    #[must_use]
    pub fn with_effect_time(mut self, seen: Duration) -> Self {
        self.effect_time = Figure { value: seen, basis: Basis::Measured };
        self
    }

    /// With the watchdog as a self-test saw it let go.
    #[must_use]
    pub fn with_watchdog(mut self, seen: Duration) -> Self {
        self.watchdog = Figure { value: seen, basis: Basis::Measured };
        self.fail_safe = Figure { value: FailSafeOwner::ControllerRealTime, basis: Basis::Measured };
        self
    }

    /// The same for the agent.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            factor: true,
            factor_step_permille: self.factor_step_permille.value,
            effect_time: self.effect_time.value,
            sample_period: self.tick_period.value,
            watchdog: self.fail_safe.value == FailSafeOwner::ControllerRealTime,
        }
    }
}

fn declared<T>(value: T) -> Figure<T> {
    Figure { value, basis: Basis::Declared }
}
