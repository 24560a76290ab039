//! The bounds on the feed of one step.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use shared::budget::WorkAllowance;
use shared::cutting::{Affine, Loads};
use shared::ident::ToolNumber;
use shared::machine::Machine;
use shared::motion::{Path, Segment, SegmentKind, Station};
use shared::plan::{Binding, Limits, Reason};
use shared::units::Feedrate;

use super::caps;
use crate::engagement::CutStep;
use crate::executor::Executor;
use crate::loads::{KnownLoads, LoadModels, StepLoads};

/// Share by which a verified load may exceed its limit before the bound is lowered further.
const VERIFY_TOLERANCE: f64 = 2e-3;

/// Most evaluations spent on lowering one bound.
const VERIFY_ROUNDS: u32 = 8;

/// Where the drives do not even come this close to the feed, they are named as what binds.
const DRIVES_SHARE: f64 = 0.995;

/// The greatest feed at one stretch, as a ratio of the programmed one, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepBound {
    /// Where it begins.
    pub from: Station,
    /// Where it ends.
    pub to: Station,
    /// Greatest ratio of the programmed feed, in [0, 1].
    pub feed_max_ratio: f64,
    /// The same from loads alone, without slow-downs by policy (first contact, plunge).
    pub load_max_ratio: f64,
    /// What binds.
    pub binding: Binding,
    /// Programmed feed.
    pub feed: Feedrate,
    /// Greatest speed along the path that the drives reach in this stretch at 100 %.
    pub reached: Feedrate,
}

impl StepBound {
    /// True where the factor is 1.0 whatever is cut: rapids, what does not move, locked and finish operations.
    pub fn is_exempt(&self) -> bool {
        is_exempt(self.binding.reason)
    }

    /// The ratio at which the commanded speed no longer exceeds what the drives reach.
    pub(super) fn reached_ratio(&self) -> f64 {
        self.reached / self.feed
    }
}

/// True for reasons that fix the factor at 1.0.
pub(super) fn is_exempt(reason: Reason) -> bool {
    matches!(reason, Reason::Rapid | Reason::Still | Reason::Locked | Reason::Finish)
}

/// What a segment says about overrides before anything is cut: the reason that fixes the factor at 1.0.
pub(super) fn fixed_reason(segment: &Segment, limits: &Limits) -> Option<Reason> {
    match segment.kind {
        SegmentKind::Rapid => return Some(Reason::Rapid),
        SegmentKind::Still(_) => return Some(Reason::Still),
        SegmentKind::Feed => {}
    }
    if segment.forced.is_some() {
        return Some(Reason::Locked);
    }
    segment.tool.is_some_and(|tool| limits.finish.contains(&tool)).then_some(Reason::Finish)
}

/// What bounds are computed from.
#[derive(Clone, Copy, Debug)]
pub struct BoundContext<'a> {
    /// The path the steps belong to.
    pub path: &'a Path,
    /// Force models of the job's tools.
    pub models: &'a LoadModels,
    /// The machine: its spindle bounds torque and power where the limits do not.
    pub machine: &'a Machine,
    /// Limits of the job.
    pub limits: &'a Limits,
}

/// Limits of single tools that differ from those of the job.
pub type LimitsByTool = BTreeMap<ToolNumber, Limits>;

/// Every tool has the limits of the job.
static NO_TOOLS: LimitsByTool = BTreeMap::new();

impl<'a> BoundContext<'a> {
    /// The same under the limits of a tool, where it has its own.
    pub(super) fn of_tool(&self, by_tool: &'a LimitsByTool, tool: Option<ToolNumber>) -> Self {
        Self { limits: tool.and_then(|tool| by_tool.get(&tool)).unwrap_or(self.limits), ..*self }
    }

    fn of_step(&self, by_tool: &'a LimitsByTool, step: &CutStep) -> Self {
        self.of_tool(by_tool, self.path.segments()[step.segment as usize].tool)
    }
}

/// One limit on one load.
struct Candidate {
    reason: Reason,
    line: Affine,
    value: fn(&Loads) -> f64,
    limit: f64,
}

/// Bounds of steps in order of station, first contact included.
///
/// `loads` and `reached` belong to the steps by index; `reached` is the greatest speed the drives reach within
/// a step at 100 %. There may be more bounds than steps, because a slow-down may begin inside a step in air.
pub fn bound_steps(
    context: &BoundContext<'_>,
    steps: &[CutStep],
    loads: &[StepLoads],
    reached: &[Feedrate],
) -> Vec<StepBound> {
    bound_steps_by_tool(context, &NO_TOOLS, steps, (loads, reached))
}

/// As [`bound_steps`], some tools under limits of their own.
pub fn bound_steps_by_tool(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    steps: &[CutStep],
    (loads, reached): (&[StepLoads], &[Feedrate]),
) -> Vec<StepBound> {
    assert_eq!(steps.len(), loads.len(), "one load a step");
    assert_eq!(steps.len(), reached.len(), "one reached speed a step");
    let each = steps.iter().zip(loads).zip(reached);
    let bound = |((step, loads), reached): ((&CutStep, &StepLoads), &Feedrate)| {
        bound_step(&context.of_step(by_tool, step), step, loads, *reached)
    };
    let bounds: Vec<_> = each.map(bound).collect();
    super::contact::slow_before_contact(context, by_tool, (steps, loads), bounds)
}

/// The bound of one step, seen alone.
pub fn bound_step(context: &BoundContext<'_>, step: &CutStep, loads: &StepLoads, reached: Feedrate) -> StepBound {
    let segment = &context.path.segments()[step.segment as usize];
    let bound = |ratio: f64, load_ratio: f64, binding: Binding| StepBound {
        from: step.from,
        to: step.to,
        feed_max_ratio: ratio,
        load_max_ratio: load_ratio,
        binding,
        feed: segment.feed,
        reached,
    };
    if let Some(reason) = fixed_reason(segment, context.limits) {
        return bound(1.0, 1.0, Binding::plain(reason));
    }
    let ratio_max = context.limits.ratio_max();
    let known = match loads {
        StepLoads::Air => return with_drives(bound(ratio_max, 1.0, Binding::plain(Reason::Programmed))),
        StepLoads::Unknown(_) => return bound(ratio_max, 1.0, Binding::plain(Reason::Unknown)),
        StepLoads::Known(known) => known,
    };
    let (load_ratio, binding) = load_bound(context, known);
    let mut found = bound(load_ratio.min(ratio_max), load_ratio, binding);
    // An infeasible step is not made feasible by slow drives: its ratio is above what the loads allow.
    if binding.reason != Reason::Infeasible {
        found = with_drives(found);
        if found.binding.reason == Reason::Drives {
            found.load_max_ratio = 1.0;
        }
    }
    let Some(tool) = context.models.model(segment.tool).map(|model| model.tool()) else { return found };
    let middle = segment.fraction(step.from).midpoint(segment.fraction(step.to));
    let plunge = || (context.limits.plunge_factor.ratio(), Binding::plain(Reason::Plunge));
    let caps = [
        caps::surface(context.limits, tool, known),
        caps::contour(context.machine.inside_arcs, segment, tool, &step.engagement),
        caps::plunges(tool, &segment.geometry.tangent(middle)).then(plunge),
    ];
    let rubs = rubbing_ratio(context.limits, known).unwrap_or(0.0);
    for (cap, binding) in caps.into_iter().flatten() {
        // No slower than rubbing, which marks the surface that a cap is to keep; an infeasible step stays one.
        let cap = cap.max(rubs.min(1.0)).max(context.limits.floor().ratio());
        if cap < found.feed_max_ratio && cap < found.reached_ratio() && found.binding.reason != Reason::Infeasible {
            found.feed_max_ratio = cap;
            found.binding = binding;
            if matches!(binding.reason, Reason::Surface | Reason::Contour) {
                found.load_max_ratio = found.load_max_ratio.min(cap);
            }
        }
    }
    found
}

/// The ratio below which the thickest chip is thinner than the least one; `None` where that is not watched.
fn rubbing_ratio(limits: &Limits, known: &KnownLoads) -> Option<f64> {
    let chip_max_mm = known.full.chip_max.as_mm();
    limits.chip_thickness_min.filter(|_| chip_max_mm > 0.0).map(|least| least.as_mm() / chip_max_mm)
}

/// Where the drives do not reach the bound, it holds by itself: the factor stays, and the drives are named.
fn with_drives(bound: StepBound) -> StepBound {
    let reached = bound.reached_ratio();
    // A named load that the drives keep below its limit is no longer what binds.
    if reached < DRIVES_SHARE && reached <= bound.feed_max_ratio {
        return StepBound { feed_max_ratio: 1.0, binding: Binding::plain(Reason::Drives), ..bound };
    }
    bound
}

/// Least of the load bounds with the precedence of rubbing.
fn load_bound(context: &BoundContext<'_>, known: &KnownLoads) -> (f64, Binding) {
    let limits = context.limits;
    let raised = 1.0 + limits.uncertainty.max(0.0);
    let candidates = candidates(context, known);
    let mut ratio = 1.0f64;
    let mut binds: Option<&Candidate> = None;
    for candidate in &candidates {
        let solved = candidate.line.solve(candidate.limit / raised).unwrap_or(f64::INFINITY);
        if solved < ratio {
            ratio = solved;
            binds = Some(candidate);
        }
    }
    let binding = |reason: Reason, at: f64| match binds {
        Some(candidate) => {
            Binding { reason, value: Some(candidate.line.at(at) as f32), limit: Some(candidate.limit as f32) }
        }
        None => Binding::plain(reason),
    };
    let chip_max_mm = known.full.chip_max.as_mm();
    let rubbing = rubbing_ratio(limits, known);
    let floor = limits.floor().ratio();
    match (binds, rubbing) {
        (Some(_), Some(rubs)) if rubs > ratio => {
            (rubs.clamp(floor, 1.0), binding(Reason::Infeasible, rubs.clamp(floor, 1.0)))
        }
        (Some(_), _) if ratio < floor => (floor, binding(Reason::Infeasible, floor)),
        (Some(candidate), _) => (ratio, binding(candidate.reason, ratio)),
        (None, Some(rubs)) if rubs >= 1.0 => {
            let limit = limits.chip_thickness_min.map(|least| least.as_mm() as f32);
            (1.0, Binding { reason: Reason::Rubbing, value: Some(chip_max_mm as f32), limit })
        }
        (None, _) => (1.0, Binding::plain(Reason::Programmed)),
    }
}

fn candidates(context: &BoundContext<'_>, known: &KnownLoads) -> Vec<Candidate> {
    let (limits, spindle, lines) = (context.limits, &context.machine.spindle, &known.lines);
    // Torque at low speed, power above: together the curve T_max(n). A stated limit never lifts that of the spindle.
    let rating = context.machine.rating(limits.spindle_duty);
    let own = (rating.torque_max * spindle.efficiency, rating.power_max * spindle.efficiency);
    let torque_n_m = limits.torque_max.map_or(own.0, |limit| limit.min(own.0)).as_n_m();
    let power_w = limits.power_max.map_or(own.1, |limit| limit.min(own.1)).as_w();
    let row = |reason: Reason, line: Affine, value: fn(&Loads) -> f64, limit: Option<f64>| {
        limit.filter(|limit| *limit > 0.0).map(|limit| Candidate { reason, line, value, limit })
    };
    let force_n = limits.force_peak_xy.map(|limit| limit.as_n());
    let chip_mm = limits.chip_thickness_max.map(|limit| limit.as_mm());
    let deflection_mm = limits.deflection_max.map(|limit| limit.as_mm());
    let stress_n_mm2 = limits.bending_stress_max.map(|limit| limit.as_n_mm2());
    let rows = [
        row(Reason::ForcePeak, lines.force_peak_n, |loads| loads.force_peak_xy.as_n(), force_n),
        row(Reason::Torque, lines.torque_n_m, |loads| loads.torque_mean.as_n_m(), Some(torque_n_m)),
        row(Reason::Power, lines.power_w, |loads| loads.power.as_w(), Some(power_w)),
        row(Reason::ChipThickness, lines.chip_max_mm, |loads| loads.chip_max.as_mm(), chip_mm),
        row(Reason::Deflection, lines.deflection_mm, |loads| loads.deflection.as_mm(), deflection_mm),
        row(Reason::BendingStress, lines.bending_n_mm2, |loads| loads.bending_stress.as_n_mm2(), stress_n_mm2),
    ];
    rows.into_iter().flatten().collect()
}

/// Verifies every bound, as indexed jobs.
pub fn verify_in_parts(
    context: &BoundContext<'_>,
    (steps, loads): (&[CutStep], &[StepLoads]),
    bounds: &mut [StepBound],
    executor: &dyn Executor,
) {
    verify_by_tool(context, &NO_TOOLS, (steps, loads), bounds, executor);
}

/// As [`verify_in_parts`], some tools under limits of their own.
pub fn verify_by_tool(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    (steps, loads): (&[CutStep], &[StepLoads]),
    bounds: &mut [StepBound],
    executor: &dyn Executor,
) {
    /// Bounds of one job: enough to pay for handing it out.
    const JOB_BOUNDS: usize = 64;
    let parts: Vec<Mutex<&mut [StepBound]>> = bounds.chunks_mut(JOB_BOUNDS).map(Mutex::new).collect();
    executor.run(parts.len(), &|job| {
        let mut part = parts[job].lock().unwrap_or_else(PoisonError::into_inner);
        verify_part(context, by_tool, (steps, loads), &mut part, WorkAllowance(u32::MAX));
    });
}

/// Verifies bounds that a load sets, by evaluating the loads at the ratio they allow, and lowers those that do not
/// keep every limit; the lines they were solved on cannot see a tooth begin to cut. At most `work` evaluations,
/// in order of station. Returns how many bounds were lowered.
///
/// `steps` and `loads` are those the bounds were made from.
pub fn verify_bounds(
    context: &BoundContext<'_>,
    steps: &[CutStep],
    loads: &[StepLoads],
    bounds: &mut [StepBound],
    work: WorkAllowance,
) -> usize {
    verify_part(context, &NO_TOOLS, (steps, loads), bounds, work)
}

fn verify_part(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    (steps, loads): (&[CutStep], &[StepLoads]),
    bounds: &mut [StepBound],
    work: WorkAllowance,
) -> usize {
    let (mut left, mut lowered) = (work.0, 0);
    for bound in bounds.iter_mut().filter(|bound| is_load(bound.binding.reason)) {
        let at = steps.partition_point(|step| step.to <= bound.from);
        let Some((step, StepLoads::Known(known))) = steps.get(at).zip(loads.get(at)) else { continue };
        let context = &context.of_step(by_tool, step);
        let candidates = candidates(context, known);
        let ratio = verified(context, step, &candidates, bound.feed_max_ratio, &mut left);
        if ratio < bound.feed_max_ratio {
            bound.feed_max_ratio = ratio.max(context.limits.floor().ratio());
            bound.load_max_ratio = bound.load_max_ratio.min(bound.feed_max_ratio);
            lowered += 1;
        }
        if left == 0 {
            break;
        }
    }
    lowered
}

/// The greatest load of a step over its limit when it runs at a ratio of the programmed feed, predictions raised
/// by the uncertainty, and which limit that is; above 1 the limit is broken. Zero in air; `None` where the loads
/// are not known.
pub fn load_over_limit(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    (step, loads): (&CutStep, &StepLoads),
    ratio: f64,
) -> Option<(f64, Reason)> {
    let known = match loads {
        StepLoads::Air => return Some((0.0, Reason::Programmed)),
        StepLoads::Unknown(_) => return None,
        StepLoads::Known(known) => known,
    };
    let context = &context.of_step(by_tool, step);
    let segment = &context.path.segments()[step.segment as usize];
    let found = context.models.at_ratio(step, segment, ratio)?;
    let raised = 1.0 + context.limits.uncertainty.max(0.0);
    let share = |row: &Candidate| ((row.value)(&found) * raised / row.limit, row.reason);
    let shares = candidates(context, known);
    Some(
        shares
            .iter()
            .map(share)
            .fold((0.0, Reason::Programmed), |worst, row| if row.0 > worst.0 { row } else { worst }),
    )
}

/// True for the reasons that stand for a limit on a load.
fn is_load(reason: Reason) -> bool {
    use Reason::{BendingStress, ChipThickness, Deflection, ForcePeak, Power, Torque};
    matches!(reason, ForcePeak | Torque | Power | ChipThickness | Deflection | BendingStress)
}

/// The ratio, lowered until the loads evaluated there keep every limit; each evaluation takes one from `left`.
fn verified(context: &BoundContext<'_>, step: &CutStep, candidates: &[Candidate], solved: f64, left: &mut u32) -> f64 {
    let segment = &context.path.segments()[step.segment as usize];
    let raised = 1.0 + context.limits.uncertainty.max(0.0);
    let floor = context.limits.floor().ratio();
    let mut ratio = solved;
    for _ in 0..VERIFY_ROUNDS {
        if ratio < floor || *left == 0 {
            break;
        }
        *left -= 1;
        let Some(loads) = context.models.at_ratio(step, segment, ratio) else { break };
        let excess = |candidate: &Candidate| (candidate.value)(&loads) * raised / candidate.limit - 1.0;
        let worst = candidates.iter().map(excess).fold(f64::NEG_INFINITY, f64::max);
        if worst <= VERIFY_TOLERANCE {
            break;
        }
        // Twice the excess: part of a force does not fall with the feed.
        ratio *= (1.0 - 2.0 * worst).max(0.5);
    }
    ratio
}
