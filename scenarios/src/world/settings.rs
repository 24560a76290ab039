use cloud_sim::session::SessionConfig;
use edge_agent::{AgentConfig, Arming, DialRule};
use firmware_bridge::virtual_controller::{PowerMeter, SensorNoise, VirtualConfig};
use shared::job::Job;
use shared::motion::StopRule;
use shared::plan::{Envelope, Override};
use shared::time::Duration;
use shared::units::{Length, Seconds};

use crate::format::ScenarioFile;
use crate::link::LinkRules;

/// Time between two commands of the edge.
const CYCLE_PERIOD: Duration = Duration::from_ms(5);

/// Most memory of one stock map of a session.
const MEMORY_MAX_BYTES: u64 = 512 << 20;

fn ms(value: f64) -> Duration {
    Duration::from_s(value / 1e3)
}

/// The edge's settings for a scenario. The budget sets what counts as late; the time to live sets what
/// counts as gone.
pub fn agent_config(file: &ScenarioFile, job: &Job) -> AgentConfig {
    let budget = &file.budget;
    let time_to_live = ms(budget.time_to_live_ms);
    let range = &job.machine.override_range;
    AgentConfig {
        envelope: Envelope {
            factor_min: Override::from_permille(range.min_permille).unwrap_or(Override::PROGRAMMED),
            factor_max: Override::PROGRAMMED,
            step_permille: range.step_permille,
            slew_per_s: range.slew_per_s.min(job.limits.slew_per_s),
            reach_max: Length::mm(REACH_MAX_MM),
        },
        arming: Arming::Active,
        dial_rule: DialRule::Product,
        without_us: Override::PROGRAMMED,
        time_scale: job.time_scale,
        cycle_period: CYCLE_PERIOD,
        command_time_to_live: CYCLE_PERIOD.times(20),
        plan_time_to_live_max: time_to_live,
        latency_bound: ms(budget.end_to_end_ms),
        lead: CYCLE_PERIOD.times(2),
        horizon_min: Duration::from_s(budget.horizon_s.min),
        horizon_required: Duration::from_s(budget.horizon_s.min),
        trigger_timeout: ms(budget.end_to_end_ms).times(4),
        state_period: Duration::from_ms(10),
        sample_age_max: ms(file.run.sample_ms).times(10),
        healthy_interval: Duration::from_ms(1000),
        session_silence_max: time_to_live.times(8),
        offer_retry: Duration::from_ms(1000),
        offer_part_spacing: Duration::from_ms(2),
        position_tolerance: Length::mm(0.5),
        forged_per_minute_max: 100,
    }
}

/// One chunk may cover this much of path: a minute of roughing at 15 m/min.
const REACH_MAX_MM: f64 = 15_000.0;

/// The cloud's settings for a scenario.
pub fn session_config(file: &ScenarioFile) -> SessionConfig {
    let time_to_live = ms(file.budget.time_to_live_ms);
    SessionConfig {
        horizon_target: Duration::from_s(file.budget.horizon_s.target),
        time_to_live,
        keep_alive_period: Duration::from_ns(time_to_live.as_ns() / 4),
        cell_mm: file.run.resolution_mm,
        memory_max_bytes: MEMORY_MAX_BYTES,
    }
}

/// The virtual machine's settings for a scenario: a power meter as real ones are, everything else exact.
pub fn virtual_config(file: &ScenarioFile, job: &Job) -> VirtualConfig {
    VirtualConfig {
        sample_period: ms(file.run.sample_ms),
        time_scale: job.time_scale,
        without_us: Override::PROGRAMMED,
        stops: StopRule::PassThrough,
        noise: SensorNoise::NONE,
        meter: PowerMeter { filter: Seconds::s(0.3), step_share: 0.01 },
        faults: Vec::new(),
        dial: Vec::new(),
        seed: file.seed,
    }
}

/// The link's rules for a scenario.
pub fn link_rules(file: &ScenarioFile) -> LinkRules {
    let network = &file.network;
    LinkRules {
        delay_p50: ms(network.one_way_ms.p50),
        delay_p99: ms(network.one_way_ms.p99),
        loss: network.loss,
        duplicate: network.duplicate,
    }
}
