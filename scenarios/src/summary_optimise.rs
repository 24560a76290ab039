//! From a rewritten program to the figures of its report.

use std::collections::{BTreeMap, BTreeSet};

use shared::ident::ToolNumber;
use shared::motion::SegmentKind;
use shared::plan::Reason;
use shared::program::{Diagnostic, NoSubprograms, Severity, digest};
use shared::units::Length;

use crate::report::{Figure, OptimiseJson, PeaksJson};
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
        program_digest: job.program.0.to_string(),
        optimised_digest: digest(&plan.rewritten.text, &[], &NoSubprograms).0.to_string(),
        machine: job.machine.name.clone(),
        material: job.material.name.clone(),
        limits: facts.limits.clone(),
        force_limit_n: job.tools.keys().map(|tool| (tool.to_string(), Figure(limit(tool)))).collect(),
        air_factor: f64::from(facts.rules.air_permille) / 1000.0,
        air_allowance_mm: facts.allowance.as_mm(),
        buckets: Figure(facts.rules.buckets.map(|buckets| buckets as f64)),
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
    let mut notes =
        vec!["one feed a block: the lowest that is allowed anywhere on it; blocks are not split".to_owned()];
    if facts.rules.air_permille > 1000 {
        let seen = before.air.iter().filter(|air| **air).count();
        notes.push(format!(
            "{seen} moves at feed stay outside the stock and {:.1} mm around it",
            facts.allowance.as_mm()
        ));
        notes.push("fixtures are not known: look through the faster blocks before the program is run".to_owned());
    }
    let called = before.job.path.segments().iter().filter(|segment| segment.at.source.0 > 0).count();
    if called > 0 {
        notes.push(format!("{called} moves of subprograms keep their feeds: only the main program is written"));
    }
    for tool in &facts.unused {
        notes.push(format!("the limits of {tool} have no effect: the program does not use it"));
    }
    let said = facts.diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Error);
    notes.extend(said.map(ToString::to_string));
    notes
}
