//! A program whose long blocks are split where their feed should change, simulated again.
//!
//! One feed a block is what a program can say, and a long block runs at what its worst place allows. Split where the
//! bounds change, it loses little against the plan over station. The split program makes the same moves at the same feeds;
//! it is cut again from the raw stock, under the limits of the first run, and then rewritten like any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud_sim::executor::Executor;
use cloud_sim::optimise::{SplitRules, cuts_by_segment};
use shared::job::{Job, JobSources, reading_of};
use shared::motion::SegmentKind;
use shared::program::{LineCuts, NoSubprograms, split_blocks};
use shared::units::Length;

use crate::rewrite_plan::PlanRewriteError;
use crate::simulate::{Order, Simulation, StatedLimits};

/// Shortest piece, most pieces, and what a block has to win: shorter pieces are ridden over by the drives, and a
/// program should stay one that people read.
const RULES: SplitRules = SplitRules { piece_min: Length::mm(2.0), pieces_max: 8, gain_min: 0.03 };

/// By how much the paths of both programs may differ in length, as a share.
const LENGTH_WITHIN: f64 = 1e-4;

/// A program in pieces, as it runs at 100 %.
#[derive(Clone)]
pub struct SplitProgram {
    /// The job with the split text.
    pub sources: JobSources,
    /// The split program, cut.
    pub simulation: Simulation,
    /// Blocks that were split.
    pub blocks: usize,
    /// What they became.
    pub pieces: usize,
}

/// Splits the blocks of a program where its bounds change; `None` where no block is worth it or may be split.
///
/// # Errors
/// [`PlanRewriteError`] where the program does not read, or what came out does not compile or is not the same path.
pub fn split_program(
    before: &Simulation,
    sources: &JobSources,
    order: &Order,
    executor: &dyn Executor,
) -> Result<Option<SplitProgram>, PlanRewriteError> {
    let name = &sources.manifest.program.file;
    let (Some(options), Some(text)) = (reading_of(sources), sources.parts.get(name)) else {
        return Err(PlanRewriteError::Differs);
    };
    let cuts = cuts_by_line(before);
    let split = split_blocks(name, text, &NoSubprograms, &options, &cuts)?;
    if split.blocks.is_empty() {
        return Ok(None);
    }
    let mut changed = sources.clone();
    changed.parts.insert(name.clone(), split.text);
    // Shares of a peak are taken from the first run: a limit is not to move with the blocks.
    changed.manifest.limits.force_peak_share = None;
    changed.manifest.limits.force_peak_xy_n = before.limits.force_peak_xy.map(|limit| limit.as_n());
    let by_tool = before
        .by_tool
        .iter()
        .map(|(tool, limits)| (*tool, StatedLimits { limits: limits.clone(), force_peak_share: None }));
    let order = Order { by_tool: by_tool.collect(), ..order.clone() };
    let (job, diagnostics) = Job::compile(&changed);
    let job = job.map(Arc::new).ok_or(PlanRewriteError::Compile(diagnostics))?;
    let (own, other) = (before.job.path.end().as_mm(), job.path.end().as_mm());
    if (other / own - 1.0).abs() > LENGTH_WITHIN {
        return Err(PlanRewriteError::Differs);
    }
    let simulation = Simulation::run_order(&job, &changed, &order, executor).map_err(|_| PlanRewriteError::Differs)?;
    let (blocks, pieces) = (split.blocks.len(), split.blocks.values().sum());
    Ok(Some(SplitProgram { sources: changed, simulation, blocks, pieces }))
}

/// Cuts of the lines that are one segment of the path each.
fn cuts_by_line(before: &Simulation) -> LineCuts {
    let mut lines: BTreeMap<u32, Option<Vec<f64>>> = BTreeMap::new();
    let cuts = cuts_by_segment(&before.schedule_input(), RULES);
    for (segment, cuts) in before.job.path.segments().iter().zip(cuts) {
        let known = (segment.at.source.0 == 0 && segment.kind == SegmentKind::Feed).then_some(cuts);
        lines.entry(segment.at.line).and_modify(|line| *line = None).or_insert(known);
    }
    lines.into_iter().filter_map(|(line, cuts)| Some((line, cuts.filter(|cuts| !cuts.is_empty())?))).collect()
}
