use firmware_bridge::controller::Capabilities;
use serde::{Deserialize, Serialize};
use shared::ident::{Epoch, Name};
use shared::plan::{Envelope, Override};
use shared::time::{Duration, Instant};
use shared::units::{Acceleration, Length};
use shared::wire::LocalKey;

use crate::{AgentConfig, Arming, Braking, DialRule, Trust};

/// What an agent was given before its first input.
#[derive(Clone, Copy, Debug)]
pub struct RecordingHead<'a> {
    /// First lease.
    pub epoch: Epoch,
    /// When the agent was made.
    pub started_at: Instant,
    /// Name of the machine.
    pub machine: &'a Name,
    /// Configuration.
    pub config: &'a AgentConfig,
    /// What the controller can do.
    pub capabilities: Capabilities,
    /// The job bundle, as the cloud gets it too.
    pub job: &'a [u8],
}

/// Why the head of a recording does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A part is not there.
    #[error("the part `{part}` is missing")]
    Missing {
        /// Its name.
        part: &'static str,
    },
    /// The configuration does not read.
    #[error("the configuration does not read: {message}")]
    Config {
        /// What is wrong.
        message: String,
    },
}

/// The configuration as it is written: JSON with spans in ns and lengths in mm. Its numbers are the shortest
/// decimals that read back to the same bits.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigRecord {
    factor_min_permille: u16,
    factor_max_permille: u16,
    step_permille: u16,
    slew_per_s: f64,
    reach_max_mm: f64,
    active: bool,
    trust: TrustRecord,
    dial_product: bool,
    without_us_permille: u16,
    time_scale: f64,
    cycle_period_ns: u64,
    command_time_to_live_ns: u64,
    plan_time_to_live_max_ns: u64,
    latency_bound_ns: u64,
    lead_ns: u64,
    horizon_min_ns: u64,
    horizon_required_ns: u64,
    trigger_timeout_ns: u64,
    state_period_ns: u64,
    sample_age_max_ns: u64,
    healthy_interval_ns: u64,
    session_silence_max_ns: u64,
    offer_retry_ns: u64,
    offer_part_spacing_ns: u64,
    position_tolerance_mm: f64,
    braking_mm_s2: f64,
    braking_delay_ns: u64,
    forged_per_minute_max: u32,
    controller: CapabilitiesRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapabilitiesRecord {
    factor: bool,
    factor_step_permille: u16,
    effect_time_ns: u64,
    sample_period_ns: u64,
    watchdog: bool,
}

/// Whom the agent believed. The local key is that of the recorded process, which has ended when somebody replays it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TrustRecord {
    Sealed([u8; 32]),
    Observer,
    Unsigned,
}

impl TrustRecord {
    fn of(trust: Trust) -> Self {
        match trust {
            Trust::Sealed(key) => Self::Sealed(key.to_bytes()),
            Trust::Observer => Self::Observer,
            Trust::Unsigned => Self::Unsigned,
        }
    }

    fn trust(self) -> Trust {
        match self {
            Self::Sealed(key) => Trust::Sealed(LocalKey::from_bytes(key)),
            Self::Observer => Trust::Observer,
            Self::Unsigned => Trust::Unsigned,
        }
    }
}

impl RecordingHead<'_> {
    /// The configuration as bytes; equal configurations give equal bytes.
    pub(super) fn config_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&ConfigRecord::of(self.config, &self.capabilities))
            .expect("a record of numbers and flags goes into JSON")
    }
}

/// Reads what [`RecordingHead::config_bytes`] wrote.
pub(super) fn config_from_bytes(bytes: &[u8]) -> Result<(AgentConfig, Capabilities), HeadError> {
    let record: ConfigRecord =
        serde_json::from_slice(bytes).map_err(|error| HeadError::Config { message: error.to_string() })?;
    record.config().ok_or_else(|| HeadError::Config { message: "a factor lies above 1000 per mille".to_owned() })
}

impl ConfigRecord {
    fn of(config: &AgentConfig, capabilities: &Capabilities) -> Self {
        Self {
            factor_min_permille: config.envelope.factor_min.permille(),
            factor_max_permille: config.envelope.factor_max.permille(),
            step_permille: config.envelope.step_permille,
            slew_per_s: config.envelope.slew_per_s,
            reach_max_mm: config.envelope.reach_max.as_mm(),
            active: config.arming == Arming::Active,
            trust: TrustRecord::of(config.trust),
            dial_product: config.dial_rule == DialRule::Product,
            without_us_permille: config.without_us.permille(),
            time_scale: config.time_scale,
            cycle_period_ns: config.cycle_period.as_ns(),
            command_time_to_live_ns: config.command_time_to_live.as_ns(),
            plan_time_to_live_max_ns: config.plan_time_to_live_max.as_ns(),
            latency_bound_ns: config.latency_bound.as_ns(),
            lead_ns: config.lead.as_ns(),
            horizon_min_ns: config.horizon_min.as_ns(),
            horizon_required_ns: config.horizon_required.as_ns(),
            trigger_timeout_ns: config.trigger_timeout.as_ns(),
            state_period_ns: config.state_period.as_ns(),
            sample_age_max_ns: config.sample_age_max.as_ns(),
            healthy_interval_ns: config.healthy_interval.as_ns(),
            session_silence_max_ns: config.session_silence_max.as_ns(),
            offer_retry_ns: config.offer_retry.as_ns(),
            offer_part_spacing_ns: config.offer_part_spacing.as_ns(),
            position_tolerance_mm: config.position_tolerance.as_mm(),
            braking_mm_s2: config.braking.deceleration.as_mm_s2(),
            braking_delay_ns: config.braking.delay.as_ns(),
            forged_per_minute_max: config.forged_per_minute_max,
            controller: CapabilitiesRecord {
                factor: capabilities.factor,
                factor_step_permille: capabilities.factor_step_permille,
                effect_time_ns: capabilities.effect_time.as_ns(),
                sample_period_ns: capabilities.sample_period.as_ns(),
                watchdog: capabilities.watchdog,
            },
        }
    }

    fn config(self) -> Option<(AgentConfig, Capabilities)> {
        let config = AgentConfig {
            envelope: Envelope {
                factor_min: Override::from_permille(self.factor_min_permille)?,
                factor_max: Override::from_permille(self.factor_max_permille)?,
                step_permille: self.step_permille,
                slew_per_s: self.slew_per_s,
                reach_max: Length::mm(self.reach_max_mm),
            },
            arming: if self.active { Arming::Active } else { Arming::Shadow },
            trust: self.trust.trust(),
            dial_rule: if self.dial_product { DialRule::Product } else { DialRule::LowerOfBoth },
            without_us: Override::from_permille(self.without_us_permille)?,
            time_scale: self.time_scale,
            cycle_period: Duration::from_ns(self.cycle_period_ns),
            command_time_to_live: Duration::from_ns(self.command_time_to_live_ns),
            plan_time_to_live_max: Duration::from_ns(self.plan_time_to_live_max_ns),
            latency_bound: Duration::from_ns(self.latency_bound_ns),
            lead: Duration::from_ns(self.lead_ns),
            horizon_min: Duration::from_ns(self.horizon_min_ns),
            horizon_required: Duration::from_ns(self.horizon_required_ns),
            trigger_timeout: Duration::from_ns(self.trigger_timeout_ns),
            state_period: Duration::from_ns(self.state_period_ns),
            sample_age_max: Duration::from_ns(self.sample_age_max_ns),
            healthy_interval: Duration::from_ns(self.healthy_interval_ns),
            session_silence_max: Duration::from_ns(self.session_silence_max_ns),
            offer_retry: Duration::from_ns(self.offer_retry_ns),
            offer_part_spacing: Duration::from_ns(self.offer_part_spacing_ns),
            position_tolerance: Length::mm(self.position_tolerance_mm),
            braking: Braking {
                deceleration: Acceleration::mm_s2(self.braking_mm_s2),
                delay: Duration::from_ns(self.braking_delay_ns),
            },
            forged_per_minute_max: self.forged_per_minute_max,
        };
        let controller = self.controller;
        let capabilities = Capabilities {
            factor: controller.factor,
            factor_step_permille: controller.factor_step_permille,
            effect_time: Duration::from_ns(controller.effect_time_ns),
            sample_period: Duration::from_ns(controller.sample_period_ns),
            watchdog: controller.watchdog,
        };
        Some((config, capabilities))
    }
}
