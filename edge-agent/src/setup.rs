//! From a job and a latency budget to the settings of an agent.
//!
//! A person sets a handful of figures: how fast a handoff has to be, how far ahead plans reach, how long they live.
//! Everything else follows from those, from the job's limits and from the machine; it is derived here, once, so
//! that the agent on a gateway, in the one-thread world and in a test runs with the same figures.

use std::sync::Arc;

use firmware_bridge::controller::Capabilities;
use shared::ident::Name;
use shared::job::Job;
use shared::machine::Axis;
use shared::plan::{Envelope, Override};
use shared::time::Duration;
use shared::units::{Acceleration, Jerk, Length};

use crate::config::{AgentConfig, AgentJob, Arming, Braking, DialRule, Trust};

/// What a person sets. Spans are clock time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Greatest time from trigger to admitted plan; an answer that takes longer is a miss. Also the latency part
    /// of the commit distance.
    pub end_to_end: Duration,
    /// A trigger fires when the admitted horizon is nearer than this at programmed speed.
    pub horizon_min: Duration,
    /// How far ahead the cloud aims to plan.
    pub horizon_target: Duration,
    /// How long an admitted plan may be used without news.
    pub time_to_live: Duration,
    /// Time between two commands.
    pub cycle: Duration,
}

/// Commands may be used for this many cycles: short enough that the controller lets go soon after the agent died,
/// long enough that an ordinary delay of a busy gateway does not look like that.
const COMMAND_CYCLES: u64 = 20;
/// Samples count as stale after this many sample periods.
const SAMPLE_PERIODS: u64 = 10;
/// But not before the cycle has looked this often: a servo tick a millisecond says nothing about how soon it is read.
const SAMPLE_CYCLES: u64 = 10;
/// State goes up at least this far apart.
const STATE_PERIOD: Duration = Duration::from_ms(10);
/// After a fault plans may raise above the baseline only after this without another.
const HEALTHY_INTERVAL: Duration = Duration::from_ms(1000);
/// A session that is silent for this many times to live is opened again under a new lease.
const SILENT_LIVES: u64 = 8;
const OFFER_RETRY: Duration = Duration::from_ms(1000);
/// 16 MB/s of offer at most.
const OFFER_PART_SPACING: Duration = Duration::from_ms(2);
/// Beyond this a tip is not on the path: a few times the following error of a machining centre at full feed.
const POSITION_TOLERANCE: Length = Length::mm(0.5);
const FORGED_PER_MINUTE_MAX: u32 = 100;
/// Added to the reach of a chunk for paths of hardly any speed.
const REACH_LEAST: Length = Length::mm(100.0);

/// Settings for a job on a machine whose controller multiplies factor and dial.
pub fn agent_config(
    job: &Job,
    budget: &Budget,
    capabilities: &Capabilities,
    (arming, trust): (Arming, Trust),
) -> AgentConfig {
    // No move is faster than all axes at their rapid speed together.
    let fastest_mm_s: f64 = job.machine.axes.iter().map(|axis| axis.rapid.as_mm_s()).sum();
    let ahead_s = budget.horizon_target.as_s() * job.time_scale;
    let range = &job.machine.override_range;
    AgentConfig {
        envelope: Envelope {
            factor_min: Override::from_permille(range.min_permille).unwrap_or(Override::PROGRAMMED),
            factor_max: Override::PROGRAMMED,
            step_permille: capabilities.factor_step_permille.max(1),
            slew_per_s: range.slew_per_s.min(job.limits.slew_per_s),
            // Twice what can be travelled within the horizon: a chunk begins behind the tool.
            reach_max: Length::mm(2.0 * fastest_mm_s * ahead_s) + REACH_LEAST,
        },
        arming,
        trust,
        dial_rule: DialRule::Product,
        without_us: Override::PROGRAMMED,
        time_scale: job.time_scale,
        cycle_period: budget.cycle,
        command_time_to_live: budget.cycle.times(COMMAND_CYCLES),
        plan_time_to_live_max: budget.time_to_live,
        latency_bound: budget.end_to_end,
        lead: budget.cycle.times(2),
        horizon_min: budget.horizon_min,
        horizon_required: budget.horizon_min,
        trigger_timeout: budget.end_to_end,
        state_period: STATE_PERIOD.max(budget.cycle),
        sample_age_max: capabilities.sample_period.times(SAMPLE_PERIODS).max(budget.cycle.times(SAMPLE_CYCLES)),
        healthy_interval: HEALTHY_INTERVAL,
        session_silence_max: budget.time_to_live.times(SILENT_LIVES),
        offer_retry: OFFER_RETRY,
        offer_part_spacing: OFFER_PART_SPACING,
        position_tolerance: POSITION_TOLERANCE,
        braking: braking(job),
        forged_per_minute_max: FORGED_PER_MINUTE_MAX,
    }
}

/// The slowest axis brakes every move: a bound, since a line along it is as slow.
fn braking(job: &Job) -> Braking {
    let axes = &job.machine.axes;
    let slowest = |of: fn(&Axis) -> f64| axes.iter().map(of).fold(f64::INFINITY, f64::min);
    let mm_s2 = slowest(|axis| axis.acceleration.as_mm_s2().min(axis.rapid_acceleration.as_mm_s2()));
    let jerk_mm_s3 = slowest(|axis| axis.jerk.map_or(f64::INFINITY, Jerk::as_mm_s3));
    let delay_s = job.machine.control.smoothing.as_s() + mm_s2 / jerk_mm_s3;
    Braking { deceleration: Acceleration::mm_s2(mm_s2), delay: Duration::from_s(delay_s) }
}

/// The job as the agent takes it; `offer` is the bundle the job was compiled from.
pub fn agent_job(machine: Name, job: &Job, offer: Arc<[u8]>, capabilities: Capabilities) -> AgentJob {
    AgentJob {
        machine,
        path: Arc::clone(&job.path),
        program: job.program,
        context: job.context,
        offer,
        capabilities,
        lines_max: job.facts.lines,
    }
}
