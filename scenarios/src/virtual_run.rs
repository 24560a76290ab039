//! A scenario on virtual time, from its file to its report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Executor;
use edge_agent::setup::agent_config;
use edge_agent::{Arming, Trust};
use firmware_bridge::dialect::virtual_link::capabilities;
use shared::ident::Name;
use shared::job::Job;
use shared::plan::Override;
use shared::time::Duration;
use shared::units::{Force, Seconds};

use crate::format::{Scenario, ScenarioFile};
use crate::hidden::{Feeling, Hidden};
use crate::policy::{Policy, run_policy};
use crate::report::{ComparisonJson, TruthJson, WorstAtJson};
use crate::simulate::Simulation;
use crate::world::{self, WorldOutcome, WorldSetup};

/// Everything a report of a run is made of.
pub struct VirtualRun {
    /// The job, simulated offline.
    pub simulation: Simulation,
    /// What happened live.
    pub outcome: WorldOutcome,
    /// How it felt.
    pub feeling: Feeling,
    /// Other ways to run it, if asked for; the plan is among them.
    pub comparison: Vec<ComparisonJson>,
}

/// What to do beside the run itself.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// Keep a recording.
    pub record: bool,
    /// Run the other policies too.
    pub compare: bool,
    /// Seeds of the hidden process.
    pub truth_seeds: u32,
}

/// Why a run on virtual time did not come to its end; each is a sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// What was given cannot be simulated.
    #[error("{0}")]
    Input(String),
    /// The run itself failed.
    #[error("{0}")]
    Failed(String),
}

/// Why a job with kinematics that turns is not run.
pub(crate) const TURNING: &str =
    "the hidden process cuts with three axes, and this path turns the work or the tool; simulate it";

/// Runs a scenario on virtual time.
///
/// # Errors
/// [`RunError`].
pub fn run_virtual(
    scenario: &Scenario,
    job: &Arc<Job>,
    options: RunOptions,
    executor: &dyn Executor,
) -> Result<VirtualRun, RunError> {
    let file = &scenario.file;
    let session = world::session_config(file);
    let choice = MapChoice { cell_mm: session.cell_mm, memory_max_bytes: session.memory_max_bytes };
    let simulation = Simulation::run(job, &scenario.sources, choice, executor).map_err(RunError::Input)?;
    let limit = simulation.limits.force_peak_xy;
    let (start, _) = Ahead::new(job, &scenario.sources, choice, executor).map_err(RunError::Input)?;
    let seeds: Vec<u64> = (0..u64::from(options.truth_seeds.max(1))).map(|index| file.seed + index).collect();
    let hidden = |seeds: Vec<u64>| {
        let map = start.map().height_map().ok_or_else(|| RunError::Input(TURNING.to_owned()))?;
        Hidden::new(job, map, &file.truth, seeds, limit)
            .map_err(|error| RunError::Input(format!("the hidden process cannot be set up: {error}")))
    };
    let (process, feeling) = hidden(seeds)?;
    let setup = setup(file, job, scenario.sources.to_bytes(), Box::new(process), options.record, executor)
        .map_err(RunError::Input)?;
    let outcome = world::run(setup, &mut |_| {}).map_err(|error| RunError::Failed(error.to_string()))?;
    let feeling = taken(&feeling);
    let mut comparison = Vec::new();
    if let (true, Some(limit)) = (options.compare, limit) {
        comparison.push(row("plan", outcome.cycle_time, &feeling, limit));
        let reactive = Policy::Reactive {
            limit,
            floor: job.limits.factor_min,
            slew_per_s: job.limits.slew_per_s.min(job.machine.override_range.slew_per_s),
        };
        let policies = [
            ("programmed", Policy::Constant(Override::PROGRAMMED)),
            ("constant", Policy::Constant(simulation.constant.0)),
            ("reactive", reactive),
        ];
        for (name, policy) in policies {
            let (process, felt) = hidden(vec![file.seed])?;
            let config = world::virtual_config(file, job);
            let time = run_policy(job, config, Box::new(process), policy)
                .map_err(|error| RunError::Failed(error.to_string()))?;
            comparison.push(row(name, time, &taken(&felt), limit));
        }
    }
    Ok(VirtualRun { simulation, outcome, feeling, comparison })
}

/// The world of a scenario.
///
/// # Errors
/// A sentence for the user.
pub fn setup<'a>(
    file: &ScenarioFile,
    job: &Arc<Job>,
    bundle: Vec<u8>,
    process: Box<dyn firmware_bridge::process::CuttingProcess + Send>,
    record: bool,
    executor: &'a dyn Executor,
) -> Result<WorldSetup<'a>, String> {
    let capabilities = capabilities(&job.machine, Duration::from_s(file.run.sample_ms / 1e3));
    Ok(WorldSetup {
        job: Arc::clone(job),
        bundle,
        machine: Name::parse(&file.name).map_err(|error| error.to_string())?,
        agent: agent_config(job, &world::budget(file), &capabilities, (Arming::Active, Trust::Unsigned)),
        capabilities,
        session: world::session_config(file),
        controller: world::virtual_config(file, job),
        process,
        link: world::link_rules(file),
        seed: file.seed,
        faults: file.faults.clone(),
        executor,
        record,
    })
}

fn taken(feeling: &Mutex<Feeling>) -> Feeling {
    feeling.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn row(policy: &'static str, time: Seconds, feeling: &Feeling, limit: Force) -> ComparisonJson {
    let limit_n = limit.as_n();
    let entries = feeling.entry_peaks_n.len() as f64;
    ComparisonJson {
        policy,
        cycle_time_s: time.as_s(),
        peak_ratio: feeling.peak_n.iter().copied().take(1).fold(0.0, f64::max) / limit_n,
        entry_peak_ratio_mean: feeling.entry_peaks_n.iter().sum::<f64>() / entries.max(1.0) / limit_n,
        entry_peak_ratio_max: feeling.entry_peaks_n.iter().copied().fold(0.0, f64::max) / limit_n,
        entries: feeling.entry_peaks_n.len() as u64,
        overshoot_s: feeling.overshoot_s,
    }
}

/// True peaks against the limit; `None` without a limit.
pub fn truth_json(feeling: &Feeling, limit: Option<Force>) -> Option<TruthJson> {
    let limit_n = limit?.as_n();
    let peak_ratio: Vec<f64> = feeling.peak_n.iter().map(|peak| peak / limit_n).collect();
    Some(TruthJson {
        seeds: peak_ratio.len(),
        limit_n,
        worst: peak_ratio.iter().copied().fold(0.0, f64::max),
        peak_ratio,
        overshoots: feeling.overshoots,
        overshoot_s: feeling.overshoot_s,
        worst_at: feeling.worst.map(|worst| WorstAtJson {
            time_s: worst.time_s,
            at_mm: worst.at_mm,
            feed_mm_min: worst.feed_mm_min,
        }),
    })
}

/// Rejected messages with owned names, for the report.
pub fn rejects_json(outcome: &WorldOutcome) -> BTreeMap<String, u64> {
    outcome.rejects.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}
