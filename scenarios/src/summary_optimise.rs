//! From a rewritten program to the figures of its report.

use std::collections::{BTreeMap, BTreeSet};

use cloud_sim::stability::{ChatterRisk, ChatterSurvey, chatter_survey};
use shared::ident::ToolNumber;
use shared::motion::SegmentKind;
use shared::plan::Reason;
use shared::program::{Diagnostic, NoSubprograms, Severity, digest};
use shared::units::Length;

use crate::report::{ChatterJson, ChatterRiskJson, Figure, OptimiseJson, PeaksJson};
use crate::rewrite_plan::{FeedRules, RewrittenPlan, worst_over_limit};
use crate::simulate::Simulation;

/// What the report says beside the two runs.
#[derive(Debug)]
pub struct OptimiseFacts<'a> {
    /// File of the program.
    pub program: &'a str,
    /// Where the limits come from.
    pub limits: String,
    /// What was asked for.
    pub rules: FeedRules,
    /// Allowance around the stock.
    pub allowance: Length,
    /// What was said about the input.
    pub diagnostics: &'a [Diagnostic],
    /// What the command line filled in.
    pub assumed: &'a [String],
    /// Tools with limits that the program does not use.
    pub unused: Vec<ToolNumber>,
    /// Digest of the program as it was.
    pub program_digest: String,
    /// True where blocks were to be split.
    pub split_asked: bool,
    /// What was split.
    pub split: Option<SplitCounts>,
}

/// How many blocks were split, and what that is measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitCounts {
    /// Blocks that were split.
    pub blocks: usize,
    /// What they became.
    pub pieces: usize,
    /// Cycle time with one feed for each whole block, s.
    pub whole_blocks_s: f64,
}

/// The report of a program before and after its feeds were rewritten.
pub fn optimise_json(before: &Simulation, plan: &RewrittenPlan, facts: &OptimiseFacts<'_>) -> OptimiseJson {
    let (after, job) = (&plan.after, &before.job);
    let factors: BTreeSet<u16> = plan.lines.values().filter(|line| !line.fixed).map(|line| line.permille).collect();
    let count = |wanted: &dyn Fn(u16) -> bool| plan.lines.values().filter(|line| wanted(line.permille)).count();
    let programmed_s = before.programmed.cycle_time().as_s();
    let air_won_s = programmed_s - plan.air_only.as_s();
    let optimised_s = after.programmed.cycle_time().as_s();
    let plan_s = before.planned.cycle_time().as_s();
    let limit = |tool: &ToolNumber| before.by_tool.get(tool).unwrap_or(&before.limits).force_peak_xy.map(|n| n.as_n());
    let words = [&plan.rewritten.changed, &plan.rewritten.added, &plan.rewritten.fixed];
    let (optimised, above) = peaks(after);
    OptimiseJson {
        program: facts.program.to_owned(),
        program_digest: facts.program_digest.clone(),
        optimised_digest: digest(&plan.rewritten.text, &[], &NoSubprograms).0.to_string(),
        machine: job.machine.name.clone(),
        material: job.material.name.clone(),
        limits: facts.limits.clone(),
        force_limit_n: job.tools.keys().map(|tool| (tool.to_string(), Figure(limit(tool)))).collect(),
        air_factor: f64::from(facts.rules.air_permille) / 1000.0,
        air_allowance_mm: facts.allowance.as_mm(),
        buckets: Figure(facts.rules.buckets.map(|buckets| buckets as f64)),
        blocks_split: facts.split.map_or([0, 0], |split| [split.blocks, split.pieces]),
        cycle_time_whole_blocks_s: facts.split.map_or(optimised_s, |split| split.whole_blocks_s),
        factors: factors.len(),
        cycle_time_programmed_s: programmed_s,
        cycle_time_optimised_s: optimised_s,
        cycle_time_plan_s: plan_s,
        cycle_time_constant_s: before.constant.1.as_s(),
        constant_override: before.constant.0.ratio(),
        cycle_time_air_only_s: plan.air_only.as_s(),
        lost_to_whole_blocks_s: optimised_s + air_won_s - plan_s,
        programmed: peaks(before).0,
        optimised,
        reasons: reasons(plan),
        lines_slower: count(&|permille| permille < 1000),
        lines_faster: count(&|permille| permille > 1000),
        words: words.map(Vec::len),
        steps_above_limit: above,
        rounds: plan.rounds,
        chatter: chatter(before),
        assumed: facts.assumed.iter().chain(&job.assumed).cloned().collect(),
        notes: notes(before, facts),
    }
}

/// Highest loads as the program is written, and the number of steps above a limit.
fn peaks(simulation: &Simulation) -> (PeaksJson, usize) {
    let peaks = simulation.peaks(&|_| 1.0);
    let (worst, above) = worst_over_limit(simulation, &|_| 1.0);
    let json = PeaksJson {
        force_peak_xy_n: Figure(peaks.force_peak_xy_n),
        force_mean_n: Figure(peaks.force_mean_n),
        power_peak_w: Figure(peaks.power_peak_w),
        load_over_limit: worst,
    };
    (json, above)
}

/// Every part of the program against both methods, where the machine says how tips give way.
fn chatter(before: &Simulation) -> ChatterJson {
    let job = &before.job;
    let (steps, loads) = (&before.prediction.steps, &before.prediction.loads);
    let survey = match job.tips.as_slice() {
        [] => ChatterSurvey::default(),
        tips => chatter_survey(&job.path, (steps, loads), &before.models, tips, job.machine.spindle.speed_max),
    };
    let risk = |risk: &ChatterRisk| ChatterRiskJson {
        line: risk.line,
        tool: risk.tool.to_string(),
        rpm: risk.spindle.as_rpm(),
        depth_mm: risk.depth.as_mm(),
        immersion_deg: [risk.immersion_rad.0.to_degrees(), risk.immersion_rad.1.to_degrees()],
        zeroth_order_mm: Figure(risk.zeroth.map(|limit| limit.as_mm())),
        semi_discretisation_mm: Figure(risk.semi.map(|limit| limit.as_mm())),
        suggested_rpm: Figure(risk.suggestion.map(|suggestion| suggestion.spindle.as_rpm())),
    };
    ChatterJson {
        parts: survey.parts,
        left_out: survey.left_out,
        unknown: survey.unknown.iter().map(ToString::to_string).collect(),
        fit_error: survey.fit_error.iter().map(|(tool, error)| (tool.to_string(), *error)).collect(),
        risks: survey.risks.iter().map(risk).collect(),
    }
}

/// Name of the time that is faster than programmed.
const AIR: &str = "air";

/// Share of the time of the written program by what sets the feed of each block.
fn reasons(plan: &RewrittenPlan) -> BTreeMap<&'static str, f64> {
    let (job, profile) = (&plan.after.job, &plan.after.programmed);
    let whole_s = profile.cycle_time().as_s();
    let mut shares: BTreeMap<&'static str, f64> = BTreeMap::new();
    for (index, segment) in job.path.segments().iter().enumerate() {
        let line = plan.lines.get(&segment.at.line).filter(|_| segment.at.source.0 == 0);
        let name = match (segment.kind, line) {
            (SegmentKind::Rapid, _) => Reason::Rapid.name(),
            (SegmentKind::Still(_), _) => Reason::Still.name(),
            (SegmentKind::Feed, Some(line)) if line.air && line.permille > 1000 => AIR,
            (SegmentKind::Feed, Some(line)) => line.reason.name(),
            (SegmentKind::Feed, None) => Reason::Programmed.name(),
        };
        *shares.entry(name).or_default() += profile.segment_time(index).as_s() / whole_s;
    }
    shares.retain(|_, share| share.is_finite() && *share > 0.0);
    shares
}

fn notes(before: &Simulation, facts: &OptimiseFacts<'_>) -> Vec<String> {
    let mut notes = vec!["one feed a block: the lowest that is allowed anywhere on it".to_owned()];
    match (facts.split, facts.split_asked) {
        (Some(SplitCounts { blocks, pieces, .. }), _) => {
            notes.push(format!("{blocks} blocks became {pieces}; lines are counted in the program that was written"));
        }
        (None, true) => notes.push("no block was split: none that may be would win enough".to_owned()),
        (None, false) => notes.push("blocks are not split; --split does where it pays".to_owned()),
    }
    if facts.rules.air_permille > 1000 {
        let seen = before.air.iter().filter(|air| **air).count();
        notes.push(format!(
            "{seen} moves at feed stay outside the stock and {:.1} mm around it",
            facts.allowance.as_mm()
        ));
        notes.push("fixtures are not known: look through the faster blocks before the program is run".to_owned());
    }
    let job = &before.job;
    let called = job.path.segments().iter().filter(|segment| segment.at.source.0 > 0).count();
    if called > 0 {
        notes.push(format!("{called} moves of subprograms keep their feeds: only the main program is written"));
    }
    if job.tips.is_empty() {
        let said =
            "the machine file has no [[dynamics]]: no stability, no speed is suggested, change none by more than 5 %";
        notes.push(said.to_owned());
    }
    let infeasible = before.bounds.iter().filter(|bound| bound.binding.reason == Reason::Infeasible);
    let lines: BTreeSet<u32> =
        infeasible.map(|bound| job.path.segments()[job.path.index_at(bound.from)].at.line).collect();
    if !lines.is_empty() {
        let shown: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
        let more = if lines.len() > shown.len() { ", …" } else { "" };
        notes.push(format!(
            "infeasible at this speed and depth, lines {}{more}: a load is above its limit where the cutter already rubs, or at \
             the smallest factor; it runs at that feed, change speed or depth",
            shown.join(", ")
        ));
    }
    for tool in &facts.unused {
        notes.push(format!("the limits of {tool} have no effect: the program does not use it"));
    }
    let said = facts.diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Error);
    notes.extend(said.map(ToString::to_string));
    notes
}
