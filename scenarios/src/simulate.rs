//! A program simulated offline: cut from the first segment to the last, loaded, bounded and scheduled.
//!
//! The same core that plans live does the work here, with the whole program as its horizon. Beside the plan
//! stand two other ways to run the program under the same limits: as programmed, and at the best constant
//! override.

use std::sync::Arc;

use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Executor;
use cloud_sim::loads::{LoadModels, StepLoads};
use cloud_sim::optimise::{
    BoundContext, ScheduleInput, StepBound, best_constant, bound_steps, schedule, verify_in_parts,
};
use cloud_sim::prediction::Prediction;
use cloud_sim::stock::{HeightMap, MapReport};
use shared::budget::WorkAllowance;
use shared::cutting::Loads;
use shared::job::{Job, JobSources};
use shared::motion::{FactorStep, Profile, Station, plan_profile};
use shared::plan::{Limits, Override, OverridePlan};
use shared::units::{Feedrate, Seconds};

/// Everything a report of a simulation is made of.
#[derive(Clone)]
pub struct Simulation {
    /// The job.
    pub job: Arc<Job>,
    /// How the stock map was chosen.
    pub map_report: MapReport,
    /// The stock as cut.
    pub map: HeightMap,
    /// Steps, loads and findings.
    pub prediction: Prediction,
    /// Force models of the tools.
    pub models: Arc<LoadModels>,
    /// Limits with shares resolved.
    pub limits: Limits,
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
        let (mut ahead, map_report) = Ahead::new(job, sources, choice, executor)?;
        let mut prediction = Prediction::default();
        ahead.extend(Station::MAX, WorkAllowance(u32::MAX), executor, &mut |cut| prediction.take(cut));
        let limits = prediction.resolved_limits(job);
        let models = Arc::clone(ahead.models());
        let context = BoundContext { path: &job.path, models: &models, machine: &job.machine, limits: &limits };
        let (steps, loads) = (&prediction.steps, &prediction.loads);
        let mut bounds = bound_steps(&context, steps, loads, &prediction.reached);
        verify_in_parts(&context, (steps, loads), &mut bounds, executor);
        let input = whole(job, &bounds, &limits);
        let plan = schedule(&input, WorkAllowance(u32::MAX)).map_err(|error| error.to_string())?;
        let constant = best_constant(&bounds, &limits);
        let constant_time = plan_profile(&job.path, &job.machine, &constant_steps(constant)).cycle_time();
        let planned = plan_profile(&job.path, &job.machine, &factor_steps(&plan));
        Ok(Self {
            job: Arc::clone(job),
            map_report,
            map: ahead.map().clone(),
            programmed: Arc::clone(ahead.profile()),
            models,
            planned,
            plan,
            constant: (constant, constant_time),
            bounds,
            limits,
            prediction,
        })
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
