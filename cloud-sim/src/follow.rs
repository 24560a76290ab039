//! Follows the machine through what was predicted and hands both to the estimator.
//!
//! Between two samples the machine passes a stretch of path: the steps in it, at the speed the samples say, are what
//! the spindle should have felt. Where the place is not known for sure (another program state, a jump, a stretch that
//! was not cut yet, an unknown load) nothing is compared until the meter has forgotten it.

use shared::geom::Aabb;
use shared::ident::ToolNumber;
use shared::job::Job;
use shared::motion::{Segment, Station};
use shared::time::Instant;
use shared::units::{Feedrate, RotaryVelocity};
use shared::wire::{Activity, StateSample};

use crate::estimator::{Alarm, Estimate, Estimator, SignalModel, Stretch, Thresholds, sawn, skin_per_mm};
use crate::loads::{LoadModels, LostTooth, StepLoads};
use crate::window::Window;

/// Longest time between two samples that are compared, s of machine time.
const GAP_S_MAX: f64 = 1.0;

/// Least change of a factor on loads that is worth a new plan.
const MOVED_SHARE: f64 = 0.01;

/// Observable cutting after which the estimate is said again, s.
const SAY_S: f64 = 10.0;

/// Greatest ratio of the programmed feed that a sample is believed to show.
const RATIO_MAX: f64 = 1.3;

/// What is predicted around the machine.
pub(crate) struct Place<'a> {
    pub(crate) job: &'a Job,
    pub(crate) models: &'a LoadModels,
    pub(crate) window: &'a Window,
    /// Up to where the path has been cut.
    pub(crate) reached: Station,
}

/// The last place that was compared.
#[derive(Clone, Copy)]
struct Last {
    station: Station,
    at: Instant,
    velocity: Option<Feedrate>,
}

/// Where the machine was, and what it taught.
pub(crate) struct Follow {
    estimator: Estimator,
    last: Option<Last>,
    tool: Option<ToolNumber>,
    /// The raw part, where its faces are sawn.
    sawn: Option<Aabb>,
    /// Observable cutting up to which the estimate was said, s.
    said_s: f64,
}

impl Follow {
    pub(crate) fn new(job: &Job) -> Self {
        let estimator = Estimator::new(SignalModel::usual(&job.machine.spindle), Thresholds::CHOSEN);
        Self { estimator, last: None, tool: None, sawn: sawn(&job.stock), said_s: 0.0 }
    }

    pub(crate) fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    /// Goes on from earlier parts of the same job.
    pub(crate) fn begin_with(&mut self, mut estimator: Estimator) {
        estimator.begin_job();
        self.estimator = estimator;
    }

    pub(crate) fn estimate(&self) -> Option<Estimate> {
        self.estimator.estimate()
    }

    /// The tool in the spindle and what is known of it, each time more of it has been seen.
    pub(crate) fn poll_estimate(&mut self) -> Option<(ToolNumber, Estimate)> {
        let estimate = self.estimator.estimate().filter(|estimate| estimate.observed_s >= self.said_s + SAY_S)?;
        self.said_s = estimate.observed_s;
        Some((self.tool?, estimate))
    }

    /// The tool in the spindle and its factor, where that has moved away from the one in use.
    pub(crate) fn moved(&self, models: &LoadModels) -> Option<(ToolNumber, f64)> {
        let tool = self.tool?;
        let (now, used) = (self.estimator.raise(Some(tool)), models.raise(Some(tool)));
        (now >= used * (1.0 + MOVED_SHARE) || now < used).then_some((tool, now))
    }

    /// Takes a sample; says what no longer fits.
    pub(crate) fn take(&mut self, sample: &StateSample, place: &Place<'_>) -> Option<Alarm> {
        let here = Last { station: sample.station, at: sample.valid_at, velocity: sample.velocity };
        let power = sample.spindle_power.filter(|_| sample.activity == Activity::Running);
        let (Some(power), Some(last), true) = (power, self.last, sample.station <= place.reached) else {
            self.begin(power.map(|_| here));
            return None;
        };
        let time_s = here.at.since(last.at).as_s() * place.job.time_scale;
        if here.at > last.at && here.station >= last.station && time_s <= GAP_S_MAX {
            self.last = Some(here);
        } else {
            self.begin(Some(here));
            return None;
        }
        let path = &place.job.path;
        let segment = &path.segments()[path.index_at(here.station)];
        if segment.tool != self.tool {
            self.tool = segment.tool;
            self.said_s = 0.0;
            self.estimator.begin_use(segment.tool);
            return None;
        }
        let feed = speed(&last, &here, time_s);
        if !self.pass(&last, &here, (feed, time_s), place) {
            self.estimator.restart();
            return None;
        }
        let lost_tooth = || lost_tooth(&last, &here, segment, feed, place);
        self.estimator.measure(power.as_w(), &lost_tooth)
    }

    fn begin(&mut self, here: Option<Last>) {
        self.last = here;
        self.estimator.restart();
    }

    /// Passes what was predicted between two samples; false where a load is not known.
    fn pass(&mut self, last: &Last, here: &Last, (feed, time_s): (Feedrate, f64), place: &Place<'_>) -> bool {
        let segments = place.job.path.segments();
        let idle_w = |segment: &Segment| {
            let spindle = segment.spindle.unwrap_or(RotaryVelocity::ZERO);
            place.job.machine.idle_power(spindle).as_w()
        };
        let idle_here_w = idle_w(&segments[place.job.path.index_at(here.station)]);
        let length_nm = here.station.as_nm() - last.station.as_nm();
        if length_nm == 0 {
            self.estimator.pass(&Stretch { idle_w: idle_here_w, time_s, ..Stretch::default() });
            return true;
        }
        let share_s = |from: Station, to: Station| time_s * (to.as_nm() - from.as_nm()) as f64 / length_nm as f64;
        let mut at = last.station;
        for (step, loads) in place.window.between(last.station, here.station) {
            let (from, to) = (step.from.max(at), step.to.min(here.station));
            if from > at {
                let air = Stretch { idle_w: idle_here_w, time_s: share_s(at, from), ..Stretch::default() };
                self.estimator.pass(&air);
            }
            let segment = &segments[step.segment as usize];
            let Some((cutting_w, edge_w)) = powers(loads, feed / segment.feed) else { return false };
            let tool = segment.tool.and_then(|tool| place.job.tools.get(&tool));
            let radius_mm = tool.map_or(0.0, |tool| tool.radius().as_mm());
            let skin_per_mm = skin_per_mm(step, segment, radius_mm, self.sawn.as_ref());
            let time_s = share_s(from, to);
            self.estimator.pass(&Stretch { cutting_w, edge_w, skin_per_mm, idle_w: idle_w(segment), time_s });
            at = to;
        }
        if at < here.station {
            let air = Stretch { idle_w: idle_here_w, time_s: share_s(at, here.station), ..Stretch::default() };
            self.estimator.pass(&air);
        }
        true
    }
}

/// Speed along the path between two samples.
fn speed(last: &Last, here: &Last, time_s: f64) -> Feedrate {
    match (last.velocity, here.velocity) {
        (Some(before), Some(now)) => (before + now) * 0.5,
        _ => Feedrate::mm_s(here.station.beyond(last.station).as_mm() / time_s),
    }
}

/// Cutting and edge power of a step at a ratio of its feed, W; `None` where it is not known.
fn powers(loads: &StepLoads, ratio: f64) -> Option<(f64, f64)> {
    match loads {
        StepLoads::Air => Some((0.0, 0.0)),
        StepLoads::Unknown(_) => None,
        StepLoads::Known(known) => {
            let ratio = if ratio.is_finite() { ratio.clamp(0.0, RATIO_MAX) } else { 1.0 };
            // Edges plough whatever the feed; the rest of the line removes material.
            let edge_w = (known.full.power - known.full.power_cutting).as_w().max(0.0);
            let cutting_w = (known.lines.power_w.at(ratio) - edge_w).max(0.0);
            Some(if ratio > 0.0 { (cutting_w, edge_w) } else { (0.0, 0.0) })
        }
    }
}

/// What losing a tooth does to the heaviest step between two samples.
fn lost_tooth(last: &Last, here: &Last, segment: &Segment, feed: Feedrate, place: &Place<'_>) -> Option<LostTooth> {
    let peak = |loads: &StepLoads| loads.full().map_or(0.0, |full| full.force_peak_xy.as_n());
    let steps = place.window.between(last.station, here.station);
    let (step, _) = steps.max_by(|one, other| peak(one.1).total_cmp(&peak(other.1)))?;
    let ratio = feed / segment.feed;
    let ratio = if ratio.is_finite() { ratio.clamp(0.1, 1.0) } else { 1.0 };
    place.models.lost_tooth(step, &place.job.path.segments()[step.segment as usize], ratio)
}
