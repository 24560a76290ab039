use super::simulate::{STOCK_ADVICE, executor, prepare};
use super::{EXIT_BAD_INPUT, EXIT_INFRASTRUCTURE, RunArgs, bad_input, draw, run};
use crate::format::Scenario;
use crate::run::{Keep, LivePlaces, LiveSetup, live_json, progress_line, run_live};
use crate::simulate::Simulation;
use crate::summary::simulate_json;
use crate::world;
use cloud_sim::ahead::MapChoice;

/// Runs a scenario with real processes, with progress on standard error.
pub(super) fn in_real_time(args: &RunArgs, first: &Scenario) -> u8 {
    let speed = args.speed.unwrap_or(first.file.run.real_time_factor);
    let scenario = match Scenario::load(&args.scenario, speed) {
        Ok(scenario) => scenario,
        Err(error) => return bad_input(&error),
    };
    let prepared = match prepare(scenario.sources.clone(), Vec::new()) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let executor = match executor(args.threads) {
        Ok(executor) => executor,
        Err(message) => return draw::message(&message),
    };
    let session = world::session_config(&scenario.file);
    let choice = MapChoice { cell_mm: session.cell_mm, memory_max_bytes: session.memory_max_bytes };
    let simulation = match Simulation::run(&prepared.job, &scenario.sources, choice, executor.as_ref()) {
        Ok(simulation) => simulation,
        Err(message) => return draw::message(&format!("{message}; {STOCK_ADVICE}")),
    };
    drop(executor);
    let setup = LiveSetup {
        program: None,
        name: &args.scenario,
        scenario: &scenario,
        speed,
        limit: simulation.limits.force_peak_xy,
        truth_seeds: args.truth_seeds.unwrap_or(1),
        threads: args.threads,
        record: args.record.clone(),
        keep: Keep::Nothing,
        places: LivePlaces::here(),
    };
    let mut show = |progress: crate::run::Progress<'_>| {
        if let Some(line) = progress_line(progress) {
            draw::line(&line);
        }
    };
    let outcome = match run_live(&setup, &mut show) {
        Ok(outcome) => outcome,
        Err(error) => {
            draw::line(&format!("error: {error}"));
            return if error.is_bad_input() { EXIT_BAD_INPUT } else { EXIT_INFRASTRUCTURE };
        }
    };
    let program = &scenario.sources.manifest.program.file;
    let simulated = simulate_json(program, &simulation, &prepared.diagnostics, &prepared.assumed);
    run::finish(args, &live_json(&scenario, speed, simulated, &simulation, &outcome))
}
