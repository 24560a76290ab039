//! From an agreed job to a baseline, and from samples to chunks.
//!
//! The baseline is a whole-program plan that the edge holds for the time when nothing fresh arrives. It is
//! made with a wider band of uncertainty than live chunks ([`BASELINE_EXTRA_UNCERTAINTY`]): nobody will look
//! at how the cut really goes while it is in force. A chunk covers the stretch from the machine's newest
//! station to the end of the horizon and is absolute: where it overlaps an earlier one it says the same again.
//!
//! A chunk is made by need, never by sample: for a trigger of the edge, for a horizon that has become shorter
//! than [`REFILL_SHARE`] of its target, or for a bound that has moved by what was learned ([`crate::follow`]). It is made in two steps, cut and plan, so that each stage has its own
//! stamp. While nothing is asked for, the path beyond the horizon is cut and its bounds are verified
//! ([`CUT_AHEAD_HORIZONS`]), so that the next trigger finds most of its answer done.

use std::sync::Arc;

use shared::budget::WorkAllowance;
use shared::ident::{ContextDigest, Epoch, PlanSequence, SampleSequence};
use shared::job::{Job, JobSources};
use shared::motion::Station;
use shared::plan::{KeepAlive, Limits, OverridePlan, PlanChunk, Span, StageStamps};
use shared::time::{Duration, Instant};
use shared::units::{Length, Seconds};
use shared::wire::{
    Accept, BASELINE_PARTS_MAX, BASELINE_SPANS_MAX, BaselinePart, CHUNK_SPANS_MAX, Message, PlanMessage, Progress,
    StateBatch, StateSample,
};

use crate::ahead::{Ahead, MapChoice};
use crate::collision::Finding;
use crate::estimator::Estimator;
use crate::executor::{Executor, Serial};
use crate::follow::{Follow, Place};
use crate::holds::{Hold, holds, with_holds};
use crate::loads::LoadModels;
use crate::optimise::{BoundContext, ScheduleInput, StepBound, bound_steps, schedule, verify_in_parts};
use crate::prediction::Prediction;
use crate::session::{ChunkTiming, Numbering, Outbox, SessionConfig, SessionEvent};
use crate::window::Window;

/// Added to the uncertainty of the predictions for the baseline.
pub const BASELINE_EXTRA_UNCERTAINTY: f64 = 0.05;

/// A horizon shorter than this share of its target is filled again without being asked: the edge asks earlier,
/// so this answers a trigger that was lost.
const REFILL_SHARE: f64 = 0.25;

/// How far the path is cut while nothing is asked for, in horizons ahead of the machine: the chunk after the next.
const CUT_AHEAD_HORIZONS: f64 = 2.0;

/// Most contacts of a program that are said.
const CONTACTS_MAX: usize = 64;

/// Steps cut ahead whose bounds are verified together; each takes some ten microseconds.
const VERIFIED_AHEAD: usize = 64;

/// Path behind the machine that is kept: it decides whether the next contact is a first one, mm beyond the
/// greatest tool diameter.
const KEPT_BEHIND_MM: f64 = 5.0;

/// Time after which baseline parts that were not acknowledged are sent again.
const BASELINE_RESEND: Duration = Duration::from_ms(500);

/// Time after which an answer to a trigger is taken for lost.
const ANSWER_RESEND: Duration = Duration::from_ms(40);

/// Baseline parts sent again at once.
const BASELINE_RESEND_PARTS: usize = 32;

/// Bounds verified in one step of planning; each takes some ten microseconds.
const VERIFIED_AT_ONCE: usize = 8192;

/// Share of the progress that is said while the program is cut, per mille; the rest is verification.
const CUTTING_PERMILLE: u32 = 600;

/// The baseline is being computed.
pub(crate) struct Planning {
    accept: Accept,
    start: Ahead,
    ahead: Ahead,
    prediction: Prediction,
    /// Once the program is cut: its limits, wider for the baseline, and the bounds found under them.
    bounding: Option<Bounding>,
    permille_said: u16,
    newest: Option<(StateSample, Instant)>,
}

struct Bounding {
    limits: Limits,
    wider: Limits,
    bounds: Vec<StepBound>,
    verified: usize,
}

impl Planning {
    pub(crate) fn new(
        accept: Accept,
        job: &Arc<Job>,
        sources: &JobSources,
        config: &SessionConfig,
        executor: &dyn Executor,
    ) -> Result<Self, String> {
        let choice = MapChoice { cell_mm: config.cell_mm, memory_max_bytes: config.memory_max_bytes };
        let (start, _) = Ahead::new(job, sources, choice, executor)?;
        let ahead = start.clone();
        let prediction = Prediction::default();
        Ok(Self { accept, start, ahead, prediction, bounding: None, permille_said: 0, newest: None })
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.accept.epoch
    }

    pub(crate) fn accept(&self) -> Accept {
        self.accept
    }

    pub(crate) fn handle_state(&mut self, now: Instant, batch: &StateBatch) {
        self.newest = batch.samples.last().map(|sample| (*sample, now));
    }

    /// Cuts a part of the program, or verifies a part of its bounds; gives the live session once the baseline is
    /// made. Beside it stand the segments that were cut.
    pub(crate) fn step(
        &mut self,
        allowance: WorkAllowance,
        executor: &dyn Executor,
        outbox: &mut Outbox,
    ) -> (WorkAllowance, Option<Result<Box<Live>, String>>) {
        let mut used = WorkAllowance(0);
        let permille = match &mut self.bounding {
            None => {
                let prediction = &mut self.prediction;
                let take = &mut |cut| {
                    used.0 += 1;
                    prediction.take(cut);
                };
                if self.ahead.extend(Station::MAX, allowance, executor, take) {
                    self.bounding = Some(self.bounding());
                }
                u32::from(self.ahead.done_permille()) * CUTTING_PERMILLE / 1000
            }
            Some(bounding) => {
                let job = self.start.job();
                let context = context(job, self.start.models(), &bounding.wider);
                let from = bounding.verified;
                let to = (from + VERIFIED_AT_ONCE).min(bounding.bounds.len());
                let Prediction { steps, loads, .. } = &self.prediction;
                verify_in_parts(&context, (steps, loads), &mut bounding.bounds[from..to], executor);
                bounding.verified = to;
                let share = to as u64 * u64::from(1000 - CUTTING_PERMILLE) / (bounding.bounds.len().max(1) as u64);
                CUTTING_PERMILLE + share as u32
            }
        };
        let done = self.bounding.as_ref().is_some_and(|bounding| bounding.verified == bounding.bounds.len());
        let permille = permille.min(1000) as u16;
        if permille >= self.permille_said + 50 || done {
            self.permille_said = permille;
            outbox.push(Message::Progress(Progress { epoch: self.accept.epoch, done_permille: permille }));
        }
        let bounding = self.bounding.take_if(|_| done);
        (used, bounding.map(|bounding| self.live(&bounding, outbox)))
    }

    fn bounding(&self) -> Bounding {
        let job = self.start.job();
        let limits = self.prediction.resolved_limits(job);
        let wider = Limits { uncertainty: limits.uncertainty + BASELINE_EXTRA_UNCERTAINTY, ..limits.clone() };
        let context = context(job, self.start.models(), &wider);
        let Prediction { steps, loads, reached, .. } = &self.prediction;
        let bounds = bound_steps(&context, steps, loads, reached);
        Bounding { limits, wider, bounds, verified: 0 }
    }

    fn live(&self, bounding: &Bounding, outbox: &mut Outbox) -> Result<Box<Live>, String> {
        let job = Arc::clone(self.start.job());
        let Bounding { limits, wider, bounds, .. } = bounding;
        let input = ScheduleInput { path: &job.path, bounds, limits: wider, from: Station::START, to: job.path.end() };
        let baseline = schedule(&input, WorkAllowance(u32::MAX)).map_err(|error| error.to_string())?;
        let holds = holds(&job, self.start.profile(), &self.prediction);
        let baseline = split(&with_holds(&baseline, &holds).map_err(|error| error.to_string())?);
        if baseline.len() > BASELINE_PARTS_MAX as usize {
            return Err("the baseline of this program is longer than a session can carry".to_owned());
        }
        let behind = job.tools.values().map(|tool| tool.diameter).fold(Length::ZERO, Length::max);
        let live = Live {
            accept: self.accept,
            limits: limits.clone(),
            force_peak_n: self.prediction.force_peak_programmed(&job.path).map(|force| force.as_n()),
            contacts: self.prediction.contacts().take(CONTACTS_MAX).copied().collect(),
            holds,
            kept_behind: behind + Length::mm(KEPT_BEHIND_MM),
            ahead: self.start.clone(),
            models: self.start.models().as_ref().clone(),
            follow: Follow::new(&job),
            replan: false,
            window: Window::default(),
            job,
            baseline,
            baseline_have: 0,
            baseline_sent_at: Instant::ORIGIN,
            numbering: Numbering::default(),
            newest: self.newest,
            trigger: None,
            answered: None,
            planned_to: Station::START,
            last_chunk: None,
            in_work: None,
            cut: Cut::default(),
        };
        live.send_baseline(outbox, 0, live.baseline.len());
        Ok(Box::new(live))
    }
}

fn context<'a>(job: &'a Job, models: &'a LoadModels, limits: &'a Limits) -> BoundContext<'a> {
    BoundContext { path: &job.path, models, machine: &job.machine, limits }
}

/// Spans in parts that fit a message.
fn split(plan: &OverridePlan) -> Vec<OverridePlan> {
    // A piece of a valid plan is a valid plan: contiguous, advancing and not empty.
    plan.spans().chunks(BASELINE_SPANS_MAX).filter_map(|spans| OverridePlan::new(spans.to_vec()).ok()).collect()
}

/// A trigger the edge has open.
#[derive(Clone, Copy)]
struct Trigger {
    basis: SampleSequence,
    reach: Station,
}

/// A chunk whose stock has been cut and whose plan is still to be made.
#[derive(Clone, Copy)]
struct InWork {
    sample: StateSample,
    arrived: Instant,
    began: Instant,
    /// Up to where the chunk reaches.
    target: Station,
    complete: bool,
}

/// What was cut for the next chunk, when it was asked for and before.
#[derive(Clone, Copy, Default)]
struct Cut {
    segments: u32,
    removed_cells: u64,
}

/// A job that is running.
pub(crate) struct Live {
    accept: Accept,
    job: Arc<Job>,
    limits: Limits,
    force_peak_n: Option<f64>,
    /// What touches in the program as it is, at most [`CONTACTS_MAX`].
    contacts: Vec<Finding>,
    /// Where the feed is to be held for them.
    holds: Vec<Hold>,
    kept_behind: Length,
    ahead: Ahead,
    /// Those of `ahead`, with what was learned.
    models: LoadModels,
    follow: Follow,
    /// A bound has moved since the last chunk.
    replan: bool,
    window: Window,
    baseline: Vec<OverridePlan>,
    baseline_have: u32,
    baseline_sent_at: Instant,
    numbering: Numbering,
    newest: Option<(StateSample, Instant)>,
    trigger: Option<Trigger>,
    /// Basis and instant of the newest chunk.
    answered: Option<(SampleSequence, Instant)>,
    planned_to: Station,
    last_chunk: Option<PlanSequence>,
    in_work: Option<InWork>,
    cut: Cut,
}

impl Live {
    pub(crate) fn epoch(&self) -> Epoch {
        self.accept.epoch
    }

    pub(crate) fn context(&self) -> ContextDigest {
        self.accept.context
    }

    pub(crate) fn estimator(&self) -> &Estimator {
        self.follow.estimator()
    }

    /// What was learned on earlier parts of this job.
    pub(crate) fn begin_with(&mut self, estimator: Estimator) {
        self.follow.begin_with(estimator);
    }

    pub(crate) fn ready_event(&self) -> SessionEvent {
        let spans = self.baseline.iter().map(|part| part.spans().len()).sum();
        SessionEvent::BaselineReady { spans, force_peak_n: self.force_peak_n }
    }

    /// What will touch if the program runs as it is, in the order of the path.
    pub(crate) fn contacts(&self) -> Vec<SessionEvent> {
        let fixture = |index: u16| self.job.fixtures.get(usize::from(index)).map_or("", |fixture| &fixture.name);
        let event = |found: &Finding| SessionEvent::ContactAhead { line: found.line, what: found.in_words(&fixture) };
        self.contacts.iter().map(event).collect()
    }

    /// The edge has not seen our answer: give it again.
    pub(crate) fn offered_again(&self, outbox: &mut Outbox) {
        outbox.push(Message::Accept(self.accept));
        self.send_baseline(outbox, 0, BASELINE_RESEND_PARTS);
    }

    fn send_baseline(&self, outbox: &mut Outbox, from: usize, count: usize) {
        for (index, plan) in self.baseline.iter().enumerate().skip(from).take(count) {
            outbox.push(Message::BaselinePart(BaselinePart {
                epoch: self.accept.epoch,
                context: self.accept.context,
                index: index as u32,
                count: self.baseline.len() as u32,
                plan: plan.clone(),
            }));
        }
    }

    pub(crate) fn handle_state(&mut self, now: Instant, batch: &StateBatch, note: &mut dyn FnMut(SessionEvent)) {
        self.newest = batch.samples.last().map(|sample| (*sample, now)).or(self.newest);
        self.baseline_have = batch.baseline_parts;
        let open = batch.trigger_basis.map(|basis| Trigger { basis, reach: batch.trigger_reach });
        // An answer may be on its way: it is given again only when it must be taken for lost.
        let under_way = |trigger: &Trigger| {
            self.answered.is_some_and(|(basis, at)| trigger.basis <= basis && now.since(at) < ANSWER_RESEND)
        };
        self.trigger = open.filter(|trigger| !under_way(trigger));
        self.learn(batch, note);
    }

    /// Compares what the spindle takes with what was predicted. A bound that moves by that is planned anew at once.
    fn learn(&mut self, batch: &StateBatch, note: &mut dyn FnMut(SessionEvent)) {
        let Self { job, models, window, follow, ahead, .. } = self;
        let place = Place { job, models, window, reached: ahead.reached() };
        for sample in &batch.samples {
            if let Some(alarm) = follow.take(sample, &place) {
                note(SessionEvent::Residual(alarm));
            }
        }
        if let Some((tool, estimate)) = follow.poll_estimate() {
            note(SessionEvent::Estimated { tool, estimate });
        }
        let Some((tool, raise)) = follow.moved(models) else { return };
        models.set_raise(tool, raise);
        window.forget_verified();
        self.replan = true;
        note(SessionEvent::Learned { tool, raise, estimate: follow.estimate() });
    }

    pub(crate) fn work_pending(&self, now: Instant, config: &SessionConfig) -> bool {
        self.in_work.is_some()
            || self.baseline_due(now)
            || self.wanted(config).is_some()
            || self.to_cut_ahead(config).is_some()
            || self.window.unverified() > 0
    }

    fn baseline_due(&self, now: Instant) -> bool {
        (self.baseline_have as usize) < self.baseline.len() && now.since(self.baseline_sent_at) >= BASELINE_RESEND
    }

    /// Up to where a new chunk should reach, if one is wanted now.
    fn wanted(&self, config: &SessionConfig) -> Option<Station> {
        let (sample, _) = self.newest?;
        if self.planned_to >= self.job.path.end() && self.trigger.is_none() && !self.replan {
            return None;
        }
        let target = self.after(sample.station, config.horizon_target.as_s());
        let refill = self.after(sample.station, config.horizon_target.as_s() * REFILL_SHARE);
        let reach = self.trigger.map_or(Station::START, |trigger| trigger.reach);
        // A bound that has moved is said for all that was planned.
        let replanned = if self.replan { self.planned_to } else { Station::START };
        let needed = self.trigger.is_some() || self.replan || self.planned_to < refill;
        needed.then(|| target.max(reach).max(replanned).min(self.job.path.end()))
    }

    /// Up to where the path is to be cut while nothing is asked for; `None` where it has been.
    fn to_cut_ahead(&self, config: &SessionConfig) -> Option<Station> {
        let (sample, _) = self.newest?;
        let target = self.after(sample.station, config.horizon_target.as_s() * CUT_AHEAD_HORIZONS);
        (!self.ahead.is_complete() && self.ahead.reached() < target).then_some(target)
    }

    /// The station that a machine at 100 % reaches in a time on the clock. The plan is never faster than
    /// that, so a horizon measured so is at least as long in time.
    fn after(&self, station: Station, clock_s: f64) -> Station {
        let profile = self.ahead.profile();
        let at = profile.time_at(&self.job.path, station);
        profile.station_at(&self.job.path, at + Seconds::s(clock_s * self.job.time_scale))
    }

    pub(crate) fn step(
        &mut self,
        now: Instant,
        allowance: WorkAllowance,
        executor: &dyn Executor,
        config: &SessionConfig,
        outbox: &mut Outbox,
    ) -> WorkAllowance {
        if self.baseline_due(now) {
            self.baseline_sent_at = now;
            self.send_baseline(outbox, self.baseline_have as usize, BASELINE_RESEND_PARTS);
        }
        match self.in_work {
            Some(work) if work.complete => {
                self.in_work = None;
                self.plan(now, work, config, outbox);
                WorkAllowance(0)
            }
            _ if self.wanted(config).is_some() => self.simulate(now, allowance, executor, config),
            _ => self.prepare(allowance, config),
        }
    }

    /// Cuts beyond the horizon and verifies bounds there, in turn. Nobody waits for it: one thread does it, so that a
    /// step never waits for a worker that a busy machine does not run.
    fn prepare(&mut self, allowance: WorkAllowance, config: &SessionConfig) -> WorkAllowance {
        self.in_work = None;
        let target = self.to_cut_ahead(config);
        if self.window.unverified() >= if target.is_some() { VERIFIED_AHEAD } else { 1 } {
            let Self { window, job, models, limits, .. } = self;
            window.bounds(&context(job, models, limits));
            return WorkAllowance(0);
        }
        target.map_or(WorkAllowance(0), |target| self.extend(target, allowance, &Serial).1)
    }

    /// Cuts up to a station; true when it is reached, and how many segments that took.
    fn extend(&mut self, target: Station, allowance: WorkAllowance, executor: &dyn Executor) -> (bool, WorkAllowance) {
        let Self { ahead, window, cut: tally, .. } = self;
        let before = tally.segments;
        let reached = ahead.extend(target, allowance, executor, &mut |cut| {
            tally.segments += 1;
            tally.removed_cells += cut.cut.steps.iter().map(|step| u64::from(step.removed_cells)).sum::<u64>();
            window.take(cut);
        });
        (reached, WorkAllowance(self.cut.segments - before))
    }

    /// Cuts what enters the horizon. A machine that is beyond the cut (a session that began in mid-program)
    /// is caught up with first; that takes as many calls as the allowance makes it.
    fn simulate(
        &mut self,
        now: Instant,
        allowance: WorkAllowance,
        executor: &dyn Executor,
        config: &SessionConfig,
    ) -> WorkAllowance {
        let (Some(target), Some((sample, arrived))) = (self.wanted(config), self.newest) else {
            self.in_work = None;
            return WorkAllowance(0);
        };
        let work = self.in_work.unwrap_or(InWork { sample, arrived, began: now, target, complete: false });
        let (complete, used) = self.extend(target, allowance, executor);
        self.window.forget_before(sample.station.advanced(-self.kept_behind));
        self.in_work = Some(InWork { target, complete, ..work });
        used
    }

    /// Bounds and schedule over all that has been cut, as a chunk from the machine to the end of the horizon.
    fn plan(&mut self, now: Instant, work: InWork, config: &SessionConfig, outbox: &mut Outbox) {
        let from = work.sample.station.advanced(-work.sample.uncertainty);
        let to = self.ahead.reached();
        if from >= to {
            return;
        }
        let bounds = self.window.bounds(&context(&self.job, &self.models, &self.limits));
        let input = ScheduleInput { path: &self.job.path, bounds: &bounds, limits: &self.limits, from, to };
        // A plan that cannot be made is no plan: the edge stays on its baseline.
        let Ok(plan) = schedule(&input, WorkAllowance(u32::MAX)) else { return };
        let Ok(plan) = with_holds(&plan, &self.holds) else { return };
        let within = plan.spans().iter().take_while(|span| span.from < work.target);
        let spans: Vec<Span> = within.take(CHUNK_SPANS_MAX).copied().collect();
        let Ok(plan) = OverridePlan::new(spans) else { return };
        self.planned_to = plan.to();
        (self.trigger, self.replan) = (None, false);
        self.answered = Some((work.sample.sequence, now));
        let sequence = self.numbering.next();
        self.last_chunk = Some(sequence);
        let cut = std::mem::take(&mut self.cut);
        let stamps = StageStamps {
            queue: work.began.since(work.arrived),
            simulate: now.since(work.began),
            plan: Duration::ZERO,
            total: Duration::ZERO,
        };
        let chunk = PlanChunk {
            epoch: self.accept.epoch,
            sequence,
            program: self.accept.program,
            context: self.accept.context,
            basis: work.sample.sequence,
            time_to_live: config.time_to_live,
            plan,
            stamps,
            work: WorkAllowance(cut.segments),
            removed_cells: cut.removed_cells,
        };
        let timing = ChunkTiming { basis_arrived: work.arrived, plan_began: now };
        outbox.push_chunk(PlanMessage { basis_sent_at: work.sample.sent_at, chunk }, timing);
    }

    /// Says that the newest chunk still holds; `None` before there is one.
    pub(crate) fn keep_alive(&mut self) -> Option<KeepAlive> {
        let (sample, _) = self.newest?;
        let stands_behind = self.last_chunk?;
        Some(KeepAlive {
            epoch: self.accept.epoch,
            sequence: self.numbering.next(),
            basis: sample.sequence,
            context: self.accept.context,
            stands_behind,
        })
    }
}
