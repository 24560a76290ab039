//! A program simulated offline: cut from the first segment to the last, loaded, bounded and scheduled.
//!
//! The same core that plans live does the work here, with the whole program as its horizon. Beside the plan
//! stand two other ways to run the program under the same limits: as programmed, and at the best constant
//! override.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cloud_sim::ahead::{Ahead, MapChoice, reached_within};
use cloud_sim::collision::{Clearance, Leftover};
use cloud_sim::executor::Executor;
use cloud_sim::loads::{LoadModels, StepLoads};
use cloud_sim::optimise::{
    BoundContext, LimitsByTool, ScheduleInput, StepBound, air_segments, best_constant, bound_steps_by_tool, is_clear,
    schedule, verify_by_tool,
};
use cloud_sim::prediction::Prediction;
use cloud_sim::stock::MapReport;
use cloud_sim::sweep::{Stock, Workpiece};
use shared::budget::WorkAllowance;
use shared::cutting::Loads;
use shared::ident::ToolNumber;
use shared::job::{Job, JobSources};
use shared::motion::{FactorStep, Profile, SegmentKind, Station, plan_profile};
use shared::plan::{Limits, Override, OverridePlan};
use shared::units::{Feedrate, Force, Length, Seconds};

/// Limits of one tool as they were stated.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedLimits {
    /// Limits.
    pub limits: Limits,
    /// Force limit as a share of the tool's own highest peak at 100 %.
    pub force_peak_share: Option<f64>,
}

/// What is simulated beyond the job itself.
#[derive(Clone, Debug)]
pub struct Order {
    /// How the stock map is made.
    pub choice: MapChoice,
    /// Tools with limits of their own.
    pub by_tool: BTreeMap<ToolNumber, StatedLimits>,
    /// Look for moves that stay outside the stock inflated by this.
    pub air: Option<Length>,
}

/// Everything a report of a simulation is made of.
#[derive(Clone)]
pub struct Simulation {
    /// The job.
    pub job: Arc<Job>,
    /// How the stock map was chosen.
    pub map_report: MapReport,
    /// The stock as cut.
    pub map: Stock,
    /// Steps, loads and findings.
    pub prediction: Prediction,
    /// Force models of the tools.
    pub models: Arc<LoadModels>,
    /// Limits with shares resolved.
    pub limits: Limits,
    /// Limits of tools that have their own, shares resolved.
    pub by_tool: LimitsByTool,
    /// Segments that may be faster than programmed; all false unless it was asked for.
    pub air: Vec<bool>,
    /// The stock as cut against the finished part, where the job names one.
    pub left: Option<Leftover>,
    /// What was repaired in the meshes of the job, or is worth knowing about them.
    pub remarks: Vec<String>,
    /// Bounds by step.
    pub bounds: Vec<StepBound>,
    /// The plan.
    pub plan: OverridePlan,
    /// Velocity at 100 %.
    pub programmed: Arc<Profile>,
    /// Velocity under the plan.
    pub planned: Profile,
    /// Best constant override under the same limits, and its cycle time.
    pub constant: (Override, Seconds),
}

/// Highest figures of a run, and the mean force over its cutting time; `None` where a load is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peaks {
    /// Peak resultant in the plane, N.
    pub force_peak_xy_n: Option<f64>,
    /// Mean resultant over the time in material, N.
    pub force_mean_n: Option<f64>,
    /// Greatest power at the cutter, W.
    pub power_peak_w: Option<f64>,
}

impl Simulation {
    /// Simulates a compiled job.
    ///
    /// # Errors
    /// A sentence for the user: the stock cannot be represented, or there is nothing to plan.
    pub fn run(
        job: &Arc<Job>,
        sources: &JobSources,
        choice: MapChoice,
        executor: &dyn Executor,
    ) -> Result<Self, String> {
        Self::run_order(job, sources, &Order { choice, by_tool: BTreeMap::new(), air: None }, executor)
    }

    /// Simulates a compiled job, with limits of single tools, and looks for air.
    ///
    /// # Errors
    /// As [`Simulation::run`].
    pub fn run_order(
        job: &Arc<Job>,
        sources: &JobSources,
        order: &Order,
        executor: &dyn Executor,
    ) -> Result<Self, String> {
        let (mut ahead, map_report) = Ahead::new(job, sources, order.choice, executor)?;
        let mut prediction = Prediction::default();
        let mut clear = vec![false; job.path.segments().len()];
        if let Some(allowance) = order.air {
            look_for_air(&mut ahead, allowance, &mut clear, executor, &mut prediction);
        }
        ahead.extend(Station::MAX, WorkAllowance(u32::MAX), executor, &mut |cut| prediction.take(cut));
        let limits = prediction.resolved_limits(job);
        let own = |(tool, stated): (&ToolNumber, &StatedLimits)| {
            let own = resolved(job, &prediction, *tool, stated);
            // A tool with other limits of its own keeps the force limit of the job.
            (*tool, Limits { force_peak_xy: own.force_peak_xy.or(limits.force_peak_xy), ..own })
        };
        let by_tool = order.by_tool.iter().map(own).collect();
        let free = |class: &Clearance| matches!(class, Clearance::Clear | Clearance::NoFixture);
        clear.iter_mut().zip(&prediction.clearances).for_each(|(clear, class)| *clear &= free(class));
        let cut = Cut {
            map_report,
            map: ahead.map().clone(),
            limits,
            by_tool,
            prediction,
            models: Arc::clone(ahead.models()),
            programmed: Arc::clone(ahead.profile()),
            clear,
            left: ahead.leftover(),
            remarks: ahead.remarks().to_vec(),
        };
        cut.planned(job, executor)
    }

    /// The same cut with the feeds of another program that makes the same moves, under the limits of this one, which
    /// are not resolved again. `None` where the moves are not the same.
    pub fn with_feeds(&self, job: &Arc<Job>, executor: &dyn Executor) -> Option<Self> {
        let (own, other) = (self.job.path.segments(), job.path.segments());
        let is_same = own.len() == other.len()
            && own.iter().zip(other).all(|(own, other)| {
                (own.kind, own.geometry, own.start, own.end, own.tool, own.at)
                    == (other.kind, other.geometry, other.start, other.end, other.tool, other.at)
            });
        if !is_same {
            return None;
        }
        let programmed = Arc::new(plan_profile(&job.path, &job.machine, &[]));
        let steps = &self.prediction.steps;
        let results: Vec<OnceLock<(StepLoads, Feedrate)>> = steps.iter().map(|_| OnceLock::new()).collect();
        executor.run(steps.len().div_ceil(JOB_STEPS), &|part| {
            for index in part * JOB_STEPS..((part + 1) * JOB_STEPS).min(steps.len()) {
                let step = &steps[index];
                let loads = self.models.of_step(step, &other[step.segment as usize]);
                results[index].get_or_init(|| (loads, reached_within(&programmed, &job.path, step)));
            }
        });
        let (loads, reached) = results.into_iter().filter_map(OnceLock::into_inner).unzip();
        let cut = Cut {
            map_report: self.map_report,
            map: self.map.fork(),
            limits: self.limits.clone(),
            by_tool: self.by_tool.clone(),
            prediction: Prediction { loads, reached, ..self.prediction.clone() },
            models: Arc::clone(&self.models),
            programmed,
            clear: vec![false; own.len()],
            left: self.left,
            remarks: self.remarks.clone(),
        };
        cut.planned(job, executor).ok()
    }

    /// What bounds are computed from.
    pub fn bound_context(&self) -> BoundContext<'_> {
        BoundContext { path: &self.job.path, models: &self.models, machine: &self.job.machine, limits: &self.limits }
    }

    /// The scheduler's view of the whole program.
    pub fn schedule_input(&self) -> ScheduleInput<'_> {
        whole(&self.job, &self.bounds, &self.limits)
    }

    /// Ratio of the programmed feed at which a step runs at a commanded ratio: the drives may not reach it.
    pub fn run_ratio(&self, step: usize, commanded: f64) -> f64 {
        commanded.min(self.prediction.reached_ratio(&self.job.path, step))
    }

    /// Greatest factor the plan has within a step.
    pub fn planned_factor(&self, step: usize) -> f64 {
        let step = &self.prediction.steps[step];
        let first = self.plan.spans().partition_point(|span| span.to <= step.from);
        let within = self.plan.spans()[first..].iter().take_while(|span| span.from < step.to);
        within.map(|span| span.factor.ratio()).fold(0.0, f64::max)
    }

    /// Loads of one step at the ratio it runs at; `None` where they are not known.
    pub fn loads(&self, step: usize, commanded: f64) -> Option<Loads> {
        match &self.prediction.loads[step] {
            StepLoads::Air => Some(Loads::AIR),
            StepLoads::Unknown(_) => None,
            StepLoads::Known(_) => {
                let cut = &self.prediction.steps[step];
                let segment = &self.job.path.segments()[cut.segment as usize];
                self.models.at_ratio(cut, segment, self.run_ratio(step, commanded))
            }
        }
    }

    /// Highest figures when each step runs at the factor that `commanded` gives it.
    pub fn peaks(&self, commanded: &dyn Fn(usize) -> f64) -> Peaks {
        let (mut peak, mut power, mut impulse, mut time) = (0.0f64, 0.0f64, 0.0, 0.0);
        for (index, step) in self.prediction.steps.iter().enumerate() {
            if matches!(self.prediction.loads[index], StepLoads::Air) {
                continue;
            }
            let factor = commanded(index);
            let Some(loads) = self.loads(index, factor) else { return Peaks::default() };
            let feed = self.job.path.segments()[step.segment as usize].feed * self.run_ratio(index, factor);
            let step_s = if feed > Feedrate::ZERO { (step.to.beyond(step.from) / feed).as_s() } else { 0.0 };
            peak = peak.max(loads.force_peak_xy.as_n());
            power = power.max(loads.power.as_w());
            impulse += loads.force_mean.as_n() * step_s;
            time += step_s;
        }
        Peaks {
            force_peak_xy_n: Some(peak),
            force_mean_n: Some(if time > 0.0 { impulse / time } else { 0.0 }),
            power_peak_w: Some(power),
        }
    }
}

/// Steps of one job that computes loads anew.
const JOB_STEPS: usize = 32;

/// A program as cut, before it is planned.
struct Cut {
    map_report: MapReport,
    map: Stock,
    prediction: Prediction,
    models: Arc<LoadModels>,
    programmed: Arc<Profile>,
    limits: Limits,
    by_tool: LimitsByTool,
    clear: Vec<bool>,
    left: Option<Leftover>,
    remarks: Vec<String>,
}

impl Cut {
    fn planned(self, job: &Arc<Job>, executor: &dyn Executor) -> Result<Simulation, String> {
        let context =
            BoundContext { path: &job.path, models: &self.models, machine: &job.machine, limits: &self.limits };
        let (steps, loads) = (&self.prediction.steps, &self.prediction.loads);
        let mut bounds = bound_steps_by_tool(&context, &self.by_tool, steps, (loads, &self.prediction.reached));
        verify_by_tool(&context, &self.by_tool, (steps, loads), &mut bounds, executor);
        let air = air_segments(&context, &self.by_tool, (steps, loads), &self.clear);
        let plan = schedule(&whole(job, &bounds, &self.limits), WorkAllowance(u32::MAX));
        let plan = plan.map_err(|error| error.to_string())?;
        let constant = best_constant(&bounds, &self.limits);
        let constant_time = plan_profile(&job.path, &job.machine, &constant_steps(constant)).cycle_time();
        let planned = plan_profile(&job.path, &job.machine, &factor_steps(&plan));
        Ok(Simulation {
            job: Arc::clone(job),
            map_report: self.map_report,
            map: self.map,
            programmed: self.programmed,
            models: self.models,
            planned,
            plan,
            constant: (constant, constant_time),
            bounds,
            limits: self.limits,
            by_tool: self.by_tool,
            air,
            left: self.left,
            remarks: self.remarks,
            prediction: self.prediction,
        })
    }
}

/// Cuts the program up to each move at feed and holds the move against the stock as it stands then.
fn look_for_air(
    ahead: &mut Ahead,
    allowance: Length,
    clear: &mut [bool],
    executor: &dyn Executor,
    prediction: &mut Prediction,
) {
    let job = Arc::clone(ahead.job());
    for (segment, clear) in job.path.segments().iter().zip(clear) {
        let Some(tool) = segment.tool.and_then(|tool| job.tools.get(&tool)) else { continue };
        if segment.kind == SegmentKind::Feed {
            ahead.extend(segment.start, WorkAllowance(u32::MAX), executor, &mut |cut| prediction.take(cut));
            // A tri-dexel is not asked: where things turn, nothing is claimed to be air.
            *clear = ahead.map().height_map().is_some_and(|map| is_clear(map, tool, segment, allowance));
        }
    }
}

/// Limits of a tool with a share of its own peak at 100 % turned into newtons; where that peak is not known, or the
/// tool cuts nothing, the share does not bind.
fn resolved(job: &Job, prediction: &Prediction, tool: ToolNumber, stated: &StatedLimits) -> Limits {
    let segments = job.path.segments();
    let own = |index: &usize| segments[prediction.steps[*index].segment as usize].tool == Some(tool);
    let peak = (0..prediction.steps.len()).filter(own).try_fold(Force::ZERO, |peak, index| {
        Some(peak.max(prediction.force_peak_at(index, prediction.reached_ratio(&job.path, index))?))
    });
    let by_share =
        peak.filter(|peak| *peak > Force::ZERO).zip(stated.force_peak_share).map(|(peak, share)| peak * share);
    let force_peak_xy = match (stated.limits.force_peak_xy, by_share) {
        (Some(stated), Some(share)) => Some(stated.min(share)),
        (stated, share) => stated.or(share),
    };
    Limits { force_peak_xy, ..stated.limits.clone() }
}

fn whole<'a>(job: &'a Job, bounds: &'a [StepBound], limits: &'a Limits) -> ScheduleInput<'a> {
    ScheduleInput { path: &job.path, bounds, limits, from: Station::START, to: job.path.end() }
}

/// A plan as the motion planner takes it.
pub fn factor_steps(plan: &OverridePlan) -> Vec<FactorStep> {
    plan.spans().iter().map(|span| FactorStep { from: span.from, ratio: span.factor.ratio() }).collect()
}

fn constant_steps(factor: Override) -> [FactorStep; 1] {
    [FactorStep { from: Station::START, ratio: factor.ratio() }]
}
