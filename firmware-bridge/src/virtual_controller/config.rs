//! What a virtual machine is told at the start.

use shared::motion::StopRule;
use shared::plan::Override;
use shared::time::Duration;
use shared::units::{Length, Power, Seconds};

/// How the virtual machine behaves. Spans are wall time unless they are [`Seconds`], which are machine time.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualConfig {
    /// Time between two reports.
    pub sample_period: Duration,
    /// Machine seconds in one wall second, 0.001 to 1000.
    pub time_scale: f64,
    /// The factor when nobody commands: 1.0, or 1/k under a ceiling program.
    pub without_us: Override,
    /// What M0 and M1 do. `resume` on the link ends a stop that waits.
    pub stops: StopRule,
    /// Noise on reports.
    pub noise: SensorNoise,
    /// The instrument that measures spindle power.
    pub meter: PowerMeter,
    /// Faults of the reports, in the order of their time.
    pub faults: Vec<Fault>,
    /// The operator's hand on the dial, in the order of time. Until the first change it stands at 100 %.
    pub dial: Vec<DialChange>,
    /// Seed of noise and faults.
    pub seed: u64,
}

/// Noise on reports; all of it drawn from the seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorNoise {
    /// Standard deviation of each coordinate.
    pub position: Length,
    /// Standard deviation of the feedrate as a share of it.
    pub feedrate_share: f64,
    /// Standard deviation of the power.
    pub power: Power,
    /// A report is taken and sent up to this late, uniformly; below the sample period.
    pub jitter_max: Duration,
    /// Share of reports that are lost.
    pub drop_share: f64,
}

impl SensorNoise {
    /// A perfect instrument.
    pub const NONE: Self = Self {
        position: Length::ZERO,
        feedrate_share: 0.0,
        power: Power::ZERO,
        jitter_max: Duration::ZERO,
        drop_share: 0.0,
    };
}

/// How spindle power is measured: at the drive, filtered, in steps of the motor's rating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerMeter {
    /// Time constant of the first-order filter; zero for none.
    pub filter: Seconds,
    /// Step as a share of the rated power, 0.01 on many controls; zero for none.
    pub step_share: f64,
}

/// Something goes wrong with the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When, since the program was started.
    pub at: Duration,
    /// What.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No report for so long.
    Stall(Duration),
    /// The next report is cut at a drawn place.
    TornLine,
    /// A line of drawn bytes, at most 4096, before the next report.
    Garbage {
        /// How many.
        bytes: u16,
    },
}

/// The operator turns the dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialChange {
    /// When, since the program was started.
    pub at: Duration,
    /// To which value, per mille; at most 2000.
    pub permille: u16,
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A figure is out of range.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// Which figure.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What would have been in range.
        expected: &'static str,
    },
    /// Faults or dial changes are not in the order of their time.
    #[error("{what} must be in the order of time")]
    Order {
        /// Which list.
        what: &'static str,
    },
}

impl VirtualConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let period_ms = self.sample_period.as_ms();
        let noise = &self.noise;
        let not_negative = |value: f64| value.is_finite() && value >= 0.0;
        let dial = self.dial.iter().map(|change| change.permille).max().unwrap_or(0);
        let garbage = self.faults.iter().map(|fault| match fault.kind {
            FaultKind::Garbage { bytes } => bytes,
            FaultKind::Stall(_) | FaultKind::TornLine => 0,
        });
        let garbage = garbage.max().unwrap_or(0);
        let checks = [
            ("the sample period in ms", period_ms, "0.1 to 10000", (0.1..=10_000.0).contains(&period_ms)),
            ("the time scale", self.time_scale, "0.001 to 1000", (0.001..=1000.0).contains(&self.time_scale)),
            ("position noise in mm", noise.position.as_mm(), "0 or more", not_negative(noise.position.as_mm())),
            ("feedrate noise", noise.feedrate_share, "0 or more", not_negative(noise.feedrate_share)),
            ("power noise in W", noise.power.as_w(), "0 or more", not_negative(noise.power.as_w())),
            ("the share of lost reports", noise.drop_share, "0 to 1", (0.0..=1.0).contains(&noise.drop_share)),
            (
                "jitter in ms",
                noise.jitter_max.as_ms(),
                "below the sample period",
                noise.jitter_max < self.sample_period,
            ),
            ("the power filter in s", self.meter.filter.as_s(), "0 or more", not_negative(self.meter.filter.as_s())),
            ("the power step", self.meter.step_share, "0 to 1", (0.0..=1.0).contains(&self.meter.step_share)),
            ("a dial change in per mille", f64::from(dial), "at most 2000", dial <= 2000),
            ("bytes of garbage", f64::from(garbage), "at most 4096", garbage <= 4096),
        ];
        for (what, value, expected, fits) in checks {
            if !fits {
                return Err(ConfigError::OutOfRange { what, value, expected });
            }
        }
        if !self.faults.is_sorted_by_key(|fault| fault.at) {
            return Err(ConfigError::Order { what: "faults" });
        }
        if !self.dial.is_sorted_by_key(|change| change.at) {
            return Err(ConfigError::Order { what: "dial changes" });
        }
        Ok(())
    }
}
