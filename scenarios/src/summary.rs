//! From a simulation to the figures of its report.

use std::collections::BTreeMap;

use cloud_sim::collision::FindingKind;
use cloud_sim::optimise::{lost_time_by_reason, time_by_reason, won_by_reason};
use cloud_sim::sweep::Workpiece;
use edge_agent::tally::Quantiles;
use shared::machine::LengthUnit;
use shared::plan::Reason;
use shared::program::{Diagnostic, Facts, Severity};
use shared::time::{Duration, Instant};
use shared::units::Seconds;

use crate::format::{Scenario, Verdict};
use crate::power_check::power_check;
use crate::report::{
    CollisionJson, EventJson, FallbackJson, Figure, HandoffJson, RapidInStockJson, RunJson, SimulateJson, StageJson,
    StockJson, VerdictJson,
};
use crate::simulate::Simulation;
use crate::virtual_run::{VirtualRun, rejects_json, truth_json};

/// The report of a simulation. `assumed` is what the command line filled in before the job was compiled.
pub fn simulate_json(
    program: &str,
    simulation: &Simulation,
    diagnostics: &[Diagnostic],
    assumed: &[String],
) -> SimulateJson {
    let job = &simulation.job;
    let programmed = simulation.peaks(&|_| 1.0);
    let planned = simulation.peaks(&|step| simulation.planned_factor(step));
    let input = simulation.schedule_input();
    let (constant, constant_time) = simulation.constant;
    let (collisions, rapids_in_stock) = findings(simulation);
    let check = power_check(simulation);
    SimulateJson {
        program: program.to_owned(),
        program_digest: job.program.0.to_string(),
        machine: job.machine.name.clone(),
        material: job.material.name.clone(),
        read_as: read_as(&job.facts.program),
        motions: job.facts.motions,
        path_mm: job.path.length().as_mm(),
        cycle_time_programmed_s: simulation.programmed.cycle_time().as_s(),
        cycle_time_planned_s: simulation.planned.cycle_time().as_s(),
        cycle_time_split_s: split(simulation),
        cycle_time_constant_s: constant_time.as_s().into(),
        constant_override: constant.ratio().into(),
        removed_volume_mm3: simulation.prediction.removed_mm3,
        force_peak_xy_n: Figure(planned.force_peak_xy_n),
        force_peak_xy_n_programmed: Figure(programmed.force_peak_xy_n),
        force_mean_n: Figure(planned.force_mean_n),
        force_mean_n_programmed: Figure(programmed.force_mean_n),
        power_peak_w: Figure(planned.power_peak_w),
        power_peak_w_programmed: Figure(programmed.power_peak_w),
        force_limit_n: Figure(simulation.limits.force_peak_xy.map(|limit| limit.as_n())),
        reasons: shares(&time_by_reason(&input, &simulation.plan)),
        time_lost_s: seconds(&lost_time_by_reason(&input, &simulation.plan)),
        time_won_over_constant_s: seconds(&won_by_reason(&input, &simulation.plan, constant)),
        collisions,
        rapids_in_stock,
        assumed: assumed.iter().chain(&job.assumed).cloned().collect(),
        skipped: job.skipped.clone(),
        notes: notes(diagnostics),
        stock: StockJson {
            cell_mm: [simulation.map_report.cell_mm.0, simulation.map_report.cell_mm.1],
            cells: simulation.map_report.cells,
            bytes: simulation.map_report.bytes,
            coarsened: simulation.map_report.coarsened,
            digest: simulation.map.digest().to_string(),
        },
        power_check_worst: Figure(check.worst),
        power_check_line: check.worst.map(|_| check.line),
        power_check_volume_share: check.volume_share,
        power_check_runs: check.compared,
        power_check_beyond: check.beyond,
    }
}

/// The report of a run on virtual time.
pub fn run_json(scenario: &Scenario, simulated: SimulateJson, run: &VirtualRun) -> RunJson {
    let outcome = &run.outcome;
    let tally = &outcome.tally;
    let seconds_in = |at: Instant| at.since(outcome.started).as_s();
    let handoff = tally.stages().into_iter().map(|(name, times)| (name, stage(&times))).collect();
    let fallbacks = tally
        .fallbacks()
        .iter()
        .map(|fallback| FallbackJson {
            at_s: seconds_in(fallback.began),
            line: Some(fallback.line),
            reason: fallback.cause.name().to_owned(),
            for_s: fallback.ended.map_or(f64::NAN, |ended| ended.since(fallback.began).as_s()).into(),
            reaction_ms: Figure(fallback.reaction.map(|reaction| reaction.as_ms())),
        })
        .collect();
    let events = outcome.events.iter().map(|event| EventJson { at_s: seconds_in(event.at), event: event.name.clone() });
    let mut report = RunJson {
        scenario: scenario.file.name.clone(),
        mode: "virtual",
        speed: 1.0,
        cycle_time_run_s: outcome.cycle_time.as_s(),
        machine_stood_still_ms: Figure(None),
        edge_cycle: None,
        handoff,
        handoff_counts: HandoffJson {
            triggered: outcome.counts.triggers,
            answered: outcome.counts.answered,
            chunks_admitted: tally.admitted().len() as u64,
            cells_removed: outcome.cells_removed,
        },
        misses: outcome.counts.missed,
        fallbacks,
        covered_share: Figure(tally.covered_share()),
        rejects: rejects_json(outcome),
        events: events.collect(),
        truth: truth_json(&run.feeling, run.simulation.limits.force_peak_xy),
        comparison: run.comparison.clone(),
        recording_digest: outcome.digest.to_string(),
        expectations: Vec::new(),
        simulated,
    };
    report.expectations = judged(scenario, &report);
    report
}

/// The scenario's expectations held against a report.
pub fn judged(scenario: &Scenario, report: &RunJson) -> Vec<VerdictJson> {
    let find = |key: &str| figure(report, key);
    let events: Vec<&str> = report.events.iter().map(|event| event.event.as_str()).collect();
    let verdicts = scenario.file.expect.judge(&find, &events);
    let json = |verdict: Verdict| VerdictJson {
        key: verdict.key.to_owned(),
        expected: verdict.expected,
        found: verdict.found,
        holds: verdict.holds,
    };
    verdicts.into_iter().map(json).collect()
}

fn figure(report: &RunJson, key: &str) -> Option<f64> {
    let simulated = &report.simulated;
    match key {
        "collisions" => Some(simulated.collisions.len() as f64),
        "rapids_in_stock" => Some(simulated.rapids_in_stock.len() as f64),
        "cycle_time_s" => Some(simulated.cycle_time_planned_s),
        "true_peak_ratio" => report.truth.as_ref().map(|truth| truth.worst),
        "time_over_constant" => {
            simulated.cycle_time_constant_s.0.map(|constant| simulated.cycle_time_planned_s / constant)
        }
        "reasons_binding" => Some(binding_reasons(&simulated.reasons) as f64),
        "handoff_p99_ms" => report.handoff.get("total").filter(|total| total.count > 0).map(|total| total.p99_us / 1e3),
        "handoff_miss_ratio" => {
            let triggered = report.handoff_counts.triggered;
            (triggered > 0).then(|| report.misses as f64 / triggered as f64)
        }
        "fallbacks" => Some(report.fallbacks.len() as f64),
        "covered_share" => report.covered_share.0,
        _ => None,
    }
}

/// How many bounds bind somewhere. That a stretch runs as programmed, is a rapid, or that nothing moves, binds
/// nothing.
pub fn binding_reasons(reasons: &BTreeMap<&'static str, f64>) -> usize {
    let free = [Reason::Programmed, Reason::Rapid, Reason::Still].map(Reason::name);
    reasons.iter().filter(|(name, share)| **share > 0.0 && !free.contains(name)).count()
}

fn stage(times: &Quantiles) -> StageJson {
    let us = |time: Duration| time.as_ns() as f64 / 1e3;
    StageJson { count: times.count, p50_us: us(times.p50), p99_us: us(times.p99), max_us: us(times.max) }
}

/// Dialect with its evidence, units, and the words that were accepted without effect.
fn read_as(facts: &Facts) -> Vec<String> {
    let units = match (facts.units_said.as_slice(), facts.unit_assumed) {
        ([], _) => "units not said: the machine's".to_owned(),
        (said, _) => {
            let word = |unit: &LengthUnit| if *unit == LengthUnit::Inch { "inch" } else { "mm" };
            format!("units {}", said.iter().map(word).collect::<Vec<_>>().join(", then "))
        }
    };
    let mut lines = vec![format!("{} ({}); {units}", facts.dialect.name(), facts.dialect_evidence.join("; "))];
    if !facts.without_effect.is_empty() {
        let words: Vec<_> = facts.without_effect.iter().map(|word| format!("{} ×{}", word.word, word.count)).collect();
        lines.push(format!("accepted without effect on the simulation: {}", words.join(", ")));
    }
    lines
}

/// Shares of the whole, summing to 1; empty where no time passes.
fn shares(times: &BTreeMap<Reason, Seconds>) -> BTreeMap<&'static str, f64> {
    let whole: f64 = times.values().map(|time| time.as_s()).sum();
    if whole <= 0.0 {
        return BTreeMap::new();
    }
    times.iter().map(|(reason, time)| (reason.name(), time.as_s() / whole)).collect()
}

fn seconds(times: &BTreeMap<Reason, Seconds>) -> BTreeMap<&'static str, f64> {
    times.iter().map(|(reason, time)| (reason.name(), time.as_s())).collect()
}

fn split(simulation: &Simulation) -> BTreeMap<&'static str, f64> {
    let split = simulation.programmed.split();
    [
        ("rapid", split.rapid),
        ("feed", split.feed),
        ("dwell", split.dwell),
        ("spindle", split.spindle),
        ("tool_change", split.tool_change),
        ("m_code", split.m_code),
    ]
    .map(|(name, time)| (name, time.as_s()))
    .into()
}

fn findings(simulation: &Simulation) -> (Vec<CollisionJson>, Vec<RapidInStockJson>) {
    let (mut collisions, mut rapids) = (Vec::new(), Vec::new());
    for found in &simulation.prediction.findings {
        let place_mm = [found.place.x, found.place.y, found.place.z];
        let kind = match found.kind {
            FindingKind::RapidInStock => {
                rapids.push(RapidInStockJson {
                    line: found.line,
                    station_mm: found.station.as_mm(),
                    place_mm,
                    depth_mm: found.depth_mm,
                    removed_mm3: found.removed_mm3,
                });
                continue;
            }
            FindingKind::HolderInStock => "holder",
            FindingKind::ShankInStock => "shank",
            FindingKind::NonCentreCuttingPlunge => "plunge",
        };
        collisions.push(CollisionJson {
            line: found.line,
            kind,
            station_mm: found.station.as_mm(),
            place_mm,
            depth_mm: found.depth_mm,
        });
    }
    (collisions, rapids)
}

/// Everything said about the input that is not an error.
fn notes(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Error).map(ToString::to_string).collect()
}
