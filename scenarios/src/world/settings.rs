use cloud_sim::session::SessionConfig;
use edge_agent::setup::Budget;
use firmware_bridge::virtual_controller::{PowerMeter, SensorNoise, VirtualConfig};
use shared::job::Job;
use shared::motion::StopRule;
use shared::plan::Override;
use shared::time::Duration;
use shared::units::Seconds;

use crate::format::ScenarioFile;
use crate::link::{DelayLaw, LinkRules};

/// Time between two commands of the edge.
const CYCLE: Duration = Duration::from_ms(5);

/// Most memory of one stock map of a session.
const MEMORY_MAX_BYTES: u64 = 512 << 20;

/// Signs of life in one time to live: at least three (DESIGN.md section 4), and one to spare.
const KEEP_ALIVES: u64 = 4;

fn ms(value: f64) -> Duration {
    Duration::from_s(value / 1e3)
}

/// The latency budget of a scenario.
pub fn budget(file: &ScenarioFile) -> Budget {
    let budget = &file.budget;
    Budget {
        end_to_end: ms(budget.end_to_end_ms),
        horizon_min: Duration::from_s(budget.horizon_s.min),
        horizon_target: Duration::from_s(budget.horizon_s.target),
        time_to_live: ms(budget.time_to_live_ms),
        cycle: CYCLE,
    }
}

/// The cloud's settings for a scenario.
pub fn session_config(file: &ScenarioFile) -> SessionConfig {
    let time_to_live = ms(file.budget.time_to_live_ms);
    SessionConfig {
        horizon_target: Duration::from_s(file.budget.horizon_s.target),
        time_to_live,
        keep_alive_period: Duration::from_ns(time_to_live.as_ns() / KEEP_ALIVES),
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
    let delay = DelayLaw::LogNormal { p50: ms(network.one_way_ms.p50), p99: ms(network.one_way_ms.p99) };
    LinkRules::new(delay).losing(network.loss).doubling(network.duplicate)
}
