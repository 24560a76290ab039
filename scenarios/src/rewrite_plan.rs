//! A plan turned into a program: the same program with F words under which it keeps its limits by itself.
//!
//! For machines without an edge agent, and for the first look at what there is to win. Each block gets the lowest of
//! the bounds on it, so that a long block runs at the feed of its worst place, unless it was split before
//! ([`crate::rewrite_split`]); what that costs against the plan over station is reported. A block that stays clear of the inflated stock may get a feed above
//! the programmed one, if the user states by how much.
//!
//! The loop is closed. A bound holds at the speeds the drives reached in the *old* program; with other feeds before
//! a block they may reach more in it. So the text that comes out is compiled and loaded again, blocks that are
//! above a limit are lowered, and that is repeated until none is. What cannot be met (a limit below the smallest
//! factor, a feed per revolution) is counted and said.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud_sim::executor::Executor;
use cloud_sim::optimise::{bucket_levels, load_over_limit, lowest_by_segment};
use shared::job::{Job, JobSources, reading_of};
use shared::motion::{Path, SegmentKind, plan_profile};
use shared::plan::{Override, Reason};
use shared::program::{Diagnostic, LineFactors, NoSubprograms, RewriteError, Rewritten, rewrite};
use shared::units::Seconds;

use crate::simulate::Simulation;

/// Most rounds of writing and loading again.
const ROUNDS_MAX: usize = 6;
/// Share by which a load may be above its limit before its block is lowered: what verified bounds may be, too.
const TOLERANCE: f64 = 2e-3;
/// Lowered blocks end this much below what the loads ask for, so that rounds end.
const LOWERED: f64 = 0.998;

/// What a program may become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedRules {
    /// Factor of blocks in air, per mille; 1000 leaves them as programmed.
    pub air_permille: u16,
    /// Most different factors.
    pub buckets: Option<usize>,
}

/// The feed of one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineFeed {
    /// Factor of the programmed feed, per mille.
    pub permille: u16,
    /// What binds there; [`Reason::Programmed`] in air.
    pub reason: Reason,
    /// True where the line stays outside the inflated stock.
    pub air: bool,
    /// True where the factor must stay as it is.
    pub fixed: bool,
    /// Time at 100 %.
    time: Seconds,
}

/// A rewritten program and what it does.
#[derive(Clone)]
pub struct RewrittenPlan {
    /// The text and what was changed.
    pub rewritten: Rewritten,
    /// Feed by line of the main program.
    pub lines: BTreeMap<u32, LineFeed>,
    /// The rewritten program, loaded again at the feeds it states.
    pub after: Simulation,
    /// Cycle time with the faster air alone.
    pub air_only: Seconds,
    /// Rounds until no load was above its limit.
    pub rounds: usize,
}

/// Why no program was written.
#[derive(Debug, thiserror::Error)]
pub enum PlanRewriteError {
    /// The F words cannot be changed.
    #[error("{0}; the program is left as it is")]
    Rewrite(#[from] RewriteError),
    /// What came out does not compile.
    #[error("the rewritten program does not compile")]
    Compile(Vec<Diagnostic>),
    /// What came out moves otherwise.
    #[error("the rewritten program would not make the same moves; the program is left as it is")]
    Differs,
}

/// Writes the plan of a simulation into the F words of its program.
///
/// # Errors
/// [`PlanRewriteError`]; nothing is given out then.
pub fn rewrite_plan(
    before: &Simulation,
    sources: &JobSources,
    rules: FeedRules,
    executor: &dyn Executor,
) -> Result<RewrittenPlan, PlanRewriteError> {
    let mut wanted = line_feeds(before, rules);
    let mut rounds = 0;
    loop {
        rounds += 1;
        let lines = bucketed(&wanted, rules.buckets);
        let (rewritten, after) = written(before, sources, &lines, executor)?;
        if rounds == ROUNDS_MAX || !lower(&after, &lines, &mut wanted) {
            let air_only = air_only_time(before, rules);
            return Ok(RewrittenPlan { rewritten, lines, after, air_only, rounds });
        }
    }
}

/// The feed of each line by the bounds of its segments.
fn line_feeds(simulation: &Simulation, rules: FeedRules) -> BTreeMap<u32, LineFeed> {
    let floor = simulation.limits.floor();
    let mut lines: BTreeMap<u32, LineFeed> = BTreeMap::new();
    let lowest = lowest_by_segment(&simulation.schedule_input());
    for (index, segment) in simulation.job.path.segments().iter().enumerate() {
        if segment.kind != SegmentKind::Feed || segment.at.source.0 > 0 {
            continue;
        }
        let Some((ratio, binding)) = lowest[index] else { continue };
        let fixed = matches!(binding.reason, Reason::Locked | Reason::Finish);
        let air = simulation.air[index] && ratio >= 1.0 && !fixed;
        let slowed = Override::floor_of_ratio(ratio).unwrap_or(floor).max(floor).permille();
        let permille = if air { rules.air_permille.max(1000) } else { slowed };
        let time = if segment.feed.as_mm_s() > 0.0 { segment.length / segment.feed } else { Seconds::ZERO };
        let found = LineFeed { permille, reason: binding.reason, air, fixed, time };
        let line = lines.entry(segment.at.line).or_insert(LineFeed { time: Seconds::ZERO, ..found });
        let time = line.time + time;
        *line = if found.permille < line.permille { found } else { *line };
        *line = LineFeed { time, air: line.air && air, fixed: line.fixed || fixed, ..*line };
    }
    for line in lines.values_mut().filter(|line| line.fixed) {
        line.permille = 1000;
    }
    lines
}

/// The same with at most so many different factors, rounded down.
fn bucketed(lines: &BTreeMap<u32, LineFeed>, buckets: Option<usize>) -> BTreeMap<u32, LineFeed> {
    let Some(buckets) = buckets else { return lines.clone() };
    let free = lines.values().filter(|line| !line.fixed);
    let levels = bucket_levels(&free.map(|line| (line.permille, line.time.as_s())).collect::<Vec<_>>(), buckets);
    let down = |line: &LineFeed| {
        let level = levels.iter().rev().find(|level| **level <= line.permille).copied().unwrap_or(line.permille);
        LineFeed { permille: if line.fixed { line.permille } else { level }, ..*line }
    };
    lines.iter().map(|(number, line)| (*number, down(line))).collect()
}

/// The program with these feeds, and the same cut at them.
fn written(
    before: &Simulation,
    sources: &JobSources,
    lines: &BTreeMap<u32, LineFeed>,
    executor: &dyn Executor,
) -> Result<(Rewritten, Simulation), PlanRewriteError> {
    let name = &sources.manifest.program.file;
    let (Some(options), Some(text)) = (reading_of(sources), sources.parts.get(name)) else {
        return Err(PlanRewriteError::Differs);
    };
    let other = lines.iter().filter(|(_, line)| line.permille != 1000 && !line.fixed);
    let factors: LineFactors = other.map(|(number, line)| (*number, line.permille)).collect();
    let rewritten = rewrite(name, text, &NoSubprograms, &options, &factors)?;
    let mut changed = sources.clone();
    changed.parts.insert(name.clone(), rewritten.text.clone());
    let (job, diagnostics) = Job::compile(&changed);
    let job = job.map(Arc::new).ok_or(PlanRewriteError::Compile(diagnostics))?;
    let after = before.with_feeds(&job, executor).ok_or(PlanRewriteError::Differs)?;
    Ok((rewritten, after))
}

/// Lowers the lines whose loads are above a limit; false where none is, or where nothing lower can be asked for.
fn lower(after: &Simulation, lines: &BTreeMap<u32, LineFeed>, wanted: &mut BTreeMap<u32, LineFeed>) -> bool {
    let floor = after.limits.floor().permille();
    let mut lowered = false;
    for index in 0..after.prediction.steps.len() {
        let step = &after.prediction.steps[index];
        let at = after.job.path.segments()[step.segment as usize].at;
        let ratio = after.prediction.reached_ratio(&after.job.path, index);
        let Some((share, reason)) = over_limit(after, index, ratio).filter(|found| found.0 > 1.0 + TOLERANCE) else {
            continue;
        };
        let (Some(line), Some(own)) = (lines.get(&at.line), wanted.get_mut(&at.line)) else { continue };
        if at.source.0 > 0 || line.fixed || line.reason == Reason::Infeasible {
            continue;
        }
        // The feed that is reached counts: where the drives hold it back, the F word is lowered to below that.
        let target = f64::from(line.permille) * ratio / share * LOWERED;
        let target = (target as u16).max(floor.min(line.permille));
        if target < own.permille {
            *own = LineFeed { permille: target, reason, ..*own };
            lowered = true;
        }
    }
    lowered
}

/// The greatest load of a step over its limit at a ratio; `None` where it is not known.
fn over_limit(simulation: &Simulation, index: usize, ratio: f64) -> Option<(f64, Reason)> {
    let (step, loads) = (&simulation.prediction.steps[index], &simulation.prediction.loads[index]);
    load_over_limit(&simulation.bound_context(), &simulation.by_tool, (step, loads), ratio)
}

/// The highest load of a run over its limit when each step runs at the factor that `commanded` gives it, with the
/// number of steps above their limit; steps with unknown loads are left out.
pub fn worst_over_limit(simulation: &Simulation, commanded: &dyn Fn(usize) -> f64) -> (f64, usize) {
    let mut worst = (0.0f64, 0);
    for index in 0..simulation.prediction.steps.len() {
        let ratio = simulation.run_ratio(index, commanded(index));
        if let Some((share, _)) = over_limit(simulation, index, ratio) {
            worst = (worst.0.max(share), worst.1 + usize::from(share > 1.0 + TOLERANCE));
        }
    }
    worst
}

/// Cycle time when nothing is slowed and air is faster.
fn air_only_time(simulation: &Simulation, rules: FeedRules) -> Seconds {
    let factor = f64::from(rules.air_permille.max(1000)) / 1000.0;
    let mut segments = simulation.job.path.segments().to_vec();
    for (segment, air) in segments.iter_mut().zip(&simulation.air) {
        if *air {
            segment.feed = segment.feed * factor;
        }
    }
    match Path::new(segments) {
        Ok(path) => plan_profile(&path, &simulation.job.machine, &[]).cycle_time(),
        Err(_) => simulation.programmed.cycle_time(),
    }
}
