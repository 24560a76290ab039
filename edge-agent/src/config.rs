//! What the agent is told before it starts: limits, times and the job.

use std::sync::Arc;

use firmware_bridge::controller::Capabilities;
use shared::ident::{ContextDigest, Name, ProgramDigest};
use shared::motion::Path;
use shared::plan::{Envelope, Override};
use shared::time::Duration;
use shared::units::{Acceleration, Feedrate, Length};
use shared::wire::LocalKey;

/// Whether commands go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arming {
    /// Everything is decided and reported, nothing is commanded.
    Shadow,
    /// Commands go out once the operator has armed the agent.
    Active,
}

/// Whom the agent believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// What the [`crate::Door`] has verified and sealed with this key.
    Sealed(LocalKey),
    /// Everything; nothing may be commanded by it.
    Observer,
    /// Everything, and it is commanded: for demonstrations and tests, where nobody else is on the network.
    Unsigned,
}

/// How the controller combines our factor with the operator's dial. The dial itself is never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialRule {
    /// It uses the lower of the two, or the dial must not enter the factor: the factor is the authority.
    LowerOfBoth,
    /// It multiplies (LinuxCNC): the factor is `min(1, authority / dial)`, so that the product is the lower
    /// of both.
    Product,
}

/// Limits and times. All spans are clock time; `time_scale` turns them into machine time where the machine is
/// a virtual one that runs faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgentConfig {
    /// Local limits.
    pub envelope: Envelope,
    /// Whether commands go out.
    pub arming: Arming,
    /// Whom to believe.
    pub trust: Trust,
    /// How the controller combines our factor with the dial.
    pub dial_rule: DialRule,
    /// The value without us: 1.0, or 1/k under a ceiling program. Nothing goes beyond it without a plan.
    pub without_us: Override,
    /// Machine seconds in one second of the clock, at least a thousandth.
    pub time_scale: f64,
    /// Time between two commands.
    pub cycle_period: Duration,
    /// How long the controller may use a command; several cycles.
    pub command_time_to_live: Duration,
    /// Longest time to live of a plan, whatever the cloud states.
    pub plan_time_to_live_max: Duration,
    /// Upper bound of a handoff; part of the commit distance.
    pub latency_bound: Duration,
    /// Time before the tool that stays untouched beyond the latency; part of the commit distance.
    pub lead: Duration,
    /// A trigger fires when the admitted horizon is nearer than this at programmed speed.
    pub horizon_min: Duration,
    /// A trigger is answered by a chunk that reaches this far beyond the place of the trigger.
    pub horizon_required: Duration,
    /// A trigger that is not answered within this is a miss.
    pub trigger_timeout: Duration,
    /// Time between two state batches.
    pub state_period: Duration,
    /// Without a sample for longer than this the tool may be anywhere ahead: no plan raises. Ten times as long, and the
    /// machine is left to itself.
    pub sample_age_max: Duration,
    /// How long plans must have been fresh without a break before they may raise above the baseline again.
    pub healthy_interval: Duration,
    /// Without a valid message for longer than this a new lease is wanted and the session opened again.
    pub session_silence_max: Duration,
    /// The offer is sent again after this without an answer.
    pub offer_retry: Duration,
    /// Time between two parts of the offer.
    pub offer_part_spacing: Duration,
    /// Greatest distance of the tip from the path at which it still counts as on it: the deviation at
    /// corners plus what the position may be off.
    pub position_tolerance: Length,
    /// How the machine comes to rest.
    pub braking: Braking,
    /// More damaged or foreign messages than this in a minute set a latch.
    pub forged_per_minute_max: u32,
}

/// How the machine comes to rest after a feed hold, at worst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Braking {
    /// Deceleration along the path.
    pub deceleration: Acceleration,
    /// Time for which it goes on at its speed before it has that deceleration: smoothing, jerk.
    pub delay: Duration,
}

impl Braking {
    /// Way from a speed to rest.
    pub(crate) fn way(&self, speed: Feedrate) -> Length {
        let (speed_mm_s, braking_mm_s2) = (speed.as_mm_s(), self.deceleration.as_mm_s2());
        Length::mm(speed_mm_s * self.delay.as_s() + speed_mm_s * speed_mm_s / (2.0 * braking_mm_s2))
    }
}

/// What will run.
#[derive(Clone, Debug)]
pub struct AgentJob {
    /// Name of the machine, part of the keys.
    pub machine: Name,
    /// The compiled path.
    pub path: Arc<Path>,
    /// Digest of the program.
    pub program: ProgramDigest,
    /// Digest of everything a plan rests on.
    pub context: ContextDigest,
    /// The job as the cloud reads it, opaque to the agent.
    pub offer: Arc<[u8]>,
    /// What the controller can do.
    pub capabilities: Capabilities,
    /// Last physical line of the program: a greater one proves another revision.
    pub lines_max: u32,
}

/// Why an agent cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AgentError {
    /// A setting is out of its range.
    #[error("the setting `{field}` {problem}")]
    Setting {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The offer is empty or too long.
    #[error("the offer has {bytes} bytes; between 1 and {max} can be sent", max = shared::wire::OFFER_BYTES_MAX)]
    Offer {
        /// Its length.
        bytes: usize,
    },
    /// The first lease is not above the last.
    #[error(transparent)]
    Lease(#[from] crate::lease::LeaseError),
}

impl AgentConfig {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`AgentError::Setting`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), AgentError> {
        let check =
            |holds: bool, field, problem| if holds { Ok(()) } else { Err(AgentError::Setting { field, problem }) };
        let envelope = &self.envelope;
        let believed = self.trust != Trust::Observer || self.arming == Arming::Shadow;
        check(believed, "trust", "must name the cloud's key before anything is commanded")?;
        check(self.time_scale.is_finite() && self.time_scale >= 1e-3, "time_scale", "must be at least 0.001")?;
        check(envelope.slew_per_s.is_finite() && envelope.slew_per_s > 0.0, "slew_per_s", "must be above zero")?;
        check(envelope.factor_min <= envelope.factor_max, "factor_min", "must not exceed factor_max")?;
        check(envelope.factor_min <= self.without_us, "factor_min", "must not exceed the value without us")?;
        check(self.without_us <= envelope.factor_max, "factor_max", "must not lie below the value without us")?;
        check(envelope.reach_max > Length::ZERO && envelope.reach_max.is_finite(), "reach_max", "must be above zero")?;
        let tolerance = self.position_tolerance;
        check(tolerance > Length::ZERO && tolerance.is_finite(), "position_tolerance", "must be above zero")?;
        let braking_mm_s2 = self.braking.deceleration.as_mm_s2();
        check(braking_mm_s2.is_finite() && braking_mm_s2 > 0.0, "braking", "must be above zero")?;
        check(self.cycle_period > Duration::ZERO, "cycle_period", "must be above zero")?;
        let cycles = self.cycle_period.times(2);
        check(self.command_time_to_live >= cycles, "command_time_to_live", "must be at least two cycles")?;
        check(self.plan_time_to_live_max >= cycles, "plan_time_to_live_max", "must be at least two cycles")?;
        check(self.state_period > Duration::ZERO, "state_period", "must be above zero")?;
        check(self.horizon_required >= self.horizon_min, "horizon_required", "must be at least horizon_min")?;
        check(self.trigger_timeout > Duration::ZERO, "trigger_timeout", "must be above zero")?;
        check(self.offer_retry > Duration::ZERO, "offer_retry", "must be above zero")?;
        check(self.sample_age_max >= self.cycle_period, "sample_age_max", "must be at least one cycle")
    }

    /// Clock time as machine time, in seconds.
    pub(crate) fn machine_s(&self, span: Duration) -> f64 {
        span.as_s() * self.time_scale
    }
}
