use std::collections::BTreeMap;

use edge_agent::shell::{EdgeSummary, StageFigures};
use serde_json::Value;
use shared::budget::Stage;

use super::RunOutcome;
use crate::format::Scenario;
use crate::report::{
    CycleJson, EventJson, FallbackJson, Figure, HandoffJson, LearnedJson, RunJson, SimulateJson, StageJson,
};
use crate::simulate::Simulation;
use crate::summary::judged;
use crate::virtual_run::truth_json;

/// The report of a run in real time.
pub fn live_json(
    scenario: &Scenario,
    speed: f64,
    simulated: SimulateJson,
    simulation: &Simulation,
    outcome: &RunOutcome,
) -> RunJson {
    let edge = &outcome.edge;
    let mut report = RunJson {
        scenario: scenario.file.name.clone(),
        mode: "realtime",
        speed,
        simulated,
        cycle_time_run_s: outcome.controller.cycle_time_s,
        machine_stood_still_ms: outcome.controller.stood_still_ms.into(),
        edge_cycle: Some(CycleJson {
            period_ms: edge.cycle.period_ms,
            count: edge.cycle.count,
            real_time: edge.cycle.real_time,
            overruns: edge.cycle.overruns,
            late_p50_us: edge.cycle.late_p50_us,
            late_p99_us: edge.cycle.late_p99_us,
            late_max_us: edge.cycle.late_max_us,
        }),
        handoff: stages(edge),
        handoff_counts: HandoffJson {
            triggered: edge.triggered,
            answered: edge.answered,
            chunks_admitted: edge.chunks_admitted,
            cells_removed: edge.cells_removed,
        },
        misses: edge.misses,
        fallbacks: edge
            .fallbacks
            .iter()
            .map(|fallback| FallbackJson {
                at_s: fallback.at_s,
                line: Some(fallback.line),
                reason: fallback.reason.clone(),
                for_s: fallback.for_s.into(),
                reaction_ms: Figure(fallback.reaction_ms),
            })
            .collect(),
        covered_share: Figure(edge.covered_share),
        rejects: edge.rejects.clone(),
        events: outcome.events().into_iter().map(|(at_s, event)| EventJson { at_s, event }).collect(),
        learned: learned(outcome),
        truth: truth_json(&outcome.controller.feeling, simulation.limits.force_peak_xy),
        comparison: Vec::new(),
        recording_digest: edge.recording_digest.clone(),
        expectations: Vec::new(),
    };
    report.expectations = judged(scenario, &report);
    report
}

/// What the service says at its end; nothing where it was killed.
fn learned(outcome: &RunOutcome) -> Vec<LearnedJson> {
    let rows = outcome.cloud.as_ref().and_then(|cloud| cloud.get("learned")?.as_array());
    let text = |row: &Value, key: &str| Some(row.get(key)?.as_str()?.to_owned());
    let read =
        |row: &Value| Some(LearnedJson { at_s: Figure(None), kind: text(row, "kind")?, what: text(row, "what")? });
    rows.into_iter().flatten().filter_map(read).collect()
}

fn stages(edge: &EdgeSummary) -> BTreeMap<&'static str, StageJson> {
    let names = Stage::ALL.into_iter().map(Stage::name).chain(["unexplained", "total"]);
    let figures = |figures: &StageFigures| StageJson {
        count: figures.count,
        p50_us: figures.p50_us,
        p99_us: figures.p99_us,
        max_us: figures.max_us,
    };
    names.filter_map(|name| edge.handoff.get(name).map(|found| (name, figures(found)))).collect()
}
