//! Learning from the machine: what the spindle's power says about coefficients, wear and things gone wrong.
//!
//! A prediction is as good as its coefficients, and tables are off by a third. The only signal most machines give is
//! spindle power, coarse and slow. This room turns it into a factor on predicted loads, and says when that signal no
//! longer fits anything that was learned.
//!
//! 1. Predicted powers go through the same filter as the meter's ([`signal`](SignalModel)), so that reading and
//!    prediction can be compared at every instant.
//! 2. Readings are averaged as far as a meter in whole steps allows ([`batch`]). Those in air give the idle reference;
//!    those in a cut whose expected power stands three sigma above what idle may be are *observable* and teach the
//!    coefficients, a bounded Kalman filter that is slow once it has settled. Nothing else teaches: not the first
//!    seconds after a contact, where half a millimetre of raw part decides.
//! 3. How far the raw part ends from where it was said to end is learned beside the coefficients ([`skin`]): it acts
//!    on cuts at its faces only, a lost tooth on all.
//! 4. What is left over is tested for a lasting change ([`change`]). A change names the hypotheses that fit.
//! 5. The factor on loads, [`Estimator::raise`], is at least 1 and never falls while a tool stays in the spindle.
//!
//! Why falling power raises the factor: a lost tooth lowers the mean power by a tenth and raises the peak by half, and
//! without a signal of the tooth's passing that cannot be told from a softer material. So a fall is answered by the
//! peak that a lost tooth would give. A factor falls only where a tool is taken again: then it begins at what
//! was last learned of it, never below 1. A tool in which a change was found keeps its factor until the operator arms
//! the next job, which confirms that it was looked at: a broken cutter in the magazine is still broken.
//!
//! What it does not know: stock, path, plans. Radial and axial coefficients are taken to rise with the tangential
//! one: power shows no other.

mod batch;
mod change;
mod coefficients;
mod hypothesis;
mod signal;
mod skin;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use shared::ident::ToolNumber;

use crate::loads::LostTooth;

pub use change::Threshold;
pub use coefficients::FACTOR_BOUNDS;
pub use hypothesis::{Hypotheses, Hypothesis, Symptom};
pub use signal::{SignalModel, Stretch};
pub use skin::{sawn, skin_per_mm};

use batch::{Average, Batch};
use change::{Change, ChangeTest, Lean, Residual};
use coefficients::{Coefficients, Known};
use hypothesis::that_fit;
use signal::ExpectedReading;

/// Every threshold of the room: one set for all tools, materials and programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Expected cutting power over the standard deviation of idle from which a reading is observable.
    pub observable_sigmas: f64,
    /// Relative standard deviation of the estimate from which it is believed.
    pub settled_share: f64,
    /// Change of power in a cut.
    pub in_cut: Threshold,
    /// Power in air.
    pub in_air: Threshold,
    /// Least share of the expected power by which a change must differ from none.
    pub change_share_min: f64,
    /// Error of the raw part's height that is no longer a sawn block's, mm.
    pub height_mm: f64,
    /// Share by which an estimate may differ from the material data.
    pub level_share: f64,
    /// Share of the expected power below which a change is no cut at all.
    pub no_cut_share: f64,
}

impl Thresholds {
    /// Chosen on 200 simulated clean hours and 200 seeded faults for at most one false alarm in 100 hours.
    pub const CHOSEN: Self = Self {
        observable_sigmas: 3.0,
        settled_share: 0.05,
        in_cut: Threshold { slack: 0.3, sum: 17.5 },
        in_air: Threshold { slack: 1.5, sum: 8.4 },
        change_share_min: 0.034,
        height_mm: 1.0,
        level_share: 0.22,
        no_cut_share: 0.25,
    };
}

/// What a straight line over the height of the raw part leaves open in a cut at one of its faces, mm.
const HEIGHT_MM: f64 = 0.1;

/// Factor on the variance of what is learned while a change is being weighed.
const WEIGHING_DOUBT: f64 = 10.0;

/// Least time between two readings that are used, s: a usual meter has no more to say.
const READING_S: f64 = 0.0999;

/// Time after a change of the spindle's speed before its idle power is a reference, s.
const SPIN_UP_S: f64 = 3.0;

/// Observable cutting in a use before its estimate is believed, s.
const OBSERVED_S_MIN: f64 = 5.0;

/// Standard deviations of an estimate that is not yet believed which are taken off before it raises a load.
const DOUBT_SIGMAS: f64 = 2.0;

/// Factor on the peak where it is not known what a lost tooth does: twice the chip.
const LOST_PEAK_RATIO: f64 = 2.0;

/// Least factor on the peak after a fall: with a runout above the feed one tooth cuts for all, and losing another
/// changes nothing that is predicted.
const LOST_PEAK_RATIO_MIN: f64 = 1.1;

/// Greatest factor on loads.
pub const RAISE_MAX: f64 = 4.0;

/// A change that was found, with what was done about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// Tool in the spindle.
    pub tool: Option<ToolNumber>,
    /// What was seen.
    pub symptom: Symptom,
    /// Measured cutting power over the expected one; infinite where none was expected.
    pub ratio: f64,
    /// How long it had been going on when it was found, s of machine time.
    pub for_s: f64,
    /// What fits.
    pub hypotheses: Hypotheses,
    /// Factor on predicted loads from now on.
    pub raise: f64,
}

/// What has been learned of the tool in the spindle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Factor on the cutting coefficients.
    pub cutting: f64,
    /// Factor on the edge coefficients.
    pub edge: f64,
    /// Factor on the power of the newest observable cut: material and wear together.
    pub power: f64,
    /// Standard deviation of it.
    pub power_sigma: f64,
    /// Observable cutting in this use, s.
    pub observed_s: f64,
    /// True once it is believed.
    pub is_settled: bool,
    /// Factor on power over the one when this use had settled: above 1 as the edge wears; `None` before.
    pub wear: Option<f64>,
}

/// What is remembered of a tool.
#[derive(Clone, Copy, Debug)]
struct Use {
    raise: f64,
    /// What was known of its factors when it was put away.
    known: Option<Known>,
    /// Change of power in its cuts.
    in_cut: ChangeTest,
    /// Factor on power when its first use had settled.
    first_power: Option<f64>,
    observed_s: f64,
    power: f64,
    power_sigma: f64,
    /// The same without the height of the raw part.
    material: (f64, f64),
    /// A change was found: nothing falls any more.
    alarmed: bool,
    /// The level was reported.
    level_said: bool,
}

impl Use {
    const NEW: Self = Self {
        raise: 1.0,
        known: None,
        in_cut: ChangeTest::NONE,
        first_power: None,
        observed_s: 0.0,
        power: 1.0,
        power_sigma: f64::INFINITY,
        material: (1.0, f64::INFINITY),
        alarmed: false,
        level_said: false,
    };
}

/// Learns from one machine's readings.
#[derive(Clone, Debug)]
pub struct Estimator {
    model: SignalModel,
    thresholds: Thresholds,
    coefficients: Coefficients,
    expected: ExpectedReading,
    cut: Batch,
    air: Batch,
    in_air: ChangeTest,
    tool: Option<ToolNumber>,
    uses: BTreeMap<Option<ToolNumber>, Use>,
    /// The raw part's height was reported.
    height_said: bool,
    /// Since the last reading that was used, s.
    span_s: f64,
}

impl Estimator {
    /// Nothing learned.
    pub fn new(model: SignalModel, thresholds: Thresholds) -> Self {
        Self {
            model,
            thresholds,
            coefficients: Coefficients::new(model.idle_share),
            expected: ExpectedReading::default(),
            cut: Batch::default(),
            air: Batch::default(),
            in_air: ChangeTest::default(),
            tool: None,
            uses: BTreeMap::new(),
            height_said: false,
            span_s: 0.0,
        }
    }

    /// A tool has been taken into the spindle.
    pub fn begin_use(&mut self, tool: Option<ToolNumber>) {
        if let Some(last) = self.uses.get_mut(&self.tool) {
            last.known = Some(self.coefficients.known());
        }
        self.tool = tool;
        let next = self.uses.entry(tool).or_insert(Use::NEW);
        if !next.alarmed && next.power_sigma <= self.thresholds.settled_share {
            next.raise = next.power.max(1.0);
        }
        (next.observed_s, next.power_sigma) = (0.0, f64::INFINITY);
        self.coefficients.begin_use(next.known);
        self.restart();
    }

    /// The same program on the next part, armed by the operator: a new raw part, and every tool begins a new use. A tool
    /// in which a change was found counts as looked at and changed, and begins afresh.
    pub fn begin_job(&mut self) {
        self.begin_use(None);
        self.uses.retain(|_, this| !this.alarmed);
        self.uses.values_mut().for_each(|this| this.level_said = false);
        self.coefficients.begin_part();
        self.height_said = false;
    }

    /// The place was lost: what the meter's filter holds is not known until it has passed.
    pub fn restart(&mut self) {
        self.expected = ExpectedReading::default();
        (self.cut, self.air, self.span_s) = (Batch::default(), Batch::default(), 0.0);
    }

    /// The machine has passed a stretch with these predicted powers.
    pub fn pass(&mut self, stretch: &Stretch) {
        self.expected.pass(&self.model, stretch);
        self.span_s += stretch.time_s;
    }

    /// Takes a reading in W at the drive at the end of what was passed. `lost_tooth` says what losing a
    /// tooth would do to the cut; it is asked only where a change was found.
    pub fn measure(&mut self, reading_w: f64, lost_tooth: &dyn Fn() -> Option<LostTooth>) -> Option<Alarm> {
        let model = self.model;
        if !reading_w.is_finite() || self.span_s < READING_S || !self.expected.is_known(&model) {
            return None;
        }
        let span_s = std::mem::take(&mut self.span_s).min(1.0);
        if self.expected.is_air(&model, SPIN_UP_S) {
            let average = self.air.take(&model, &self.expected, (reading_w, 0.0), span_s)?;
            let change = self.judge_air(&average)?;
            return Some(self.alarm(Symptom::LoadInAir, change.ratio, change.for_s, lost_tooth));
        }
        let idle_w2 = self.coefficients.variance_w2(&[0.0, 0.0, self.expected.parts_w[2], 0.0]);
        let idle_sigma_w = (idle_w2 + model.step_sigma_w() * model.step_sigma_w()).sqrt();
        if self.expected.is_entering() || self.expected.cut_w() < self.thresholds.observable_sigmas * idle_sigma_w {
            return None;
        }
        let factor = self.coefficients.on_power(&self.expected.parts_w).map_or(1.0, |(factor, _)| factor);
        let average = self.cut.take(&model, &self.expected, (reading_w, factor), span_s)?;
        let change = self.judge_cut(&average);
        self.settle(&average);
        match change {
            Some(change) => Some(self.changed(&change, lost_tooth)),
            None => self.level(lost_tooth).or_else(|| self.height(lost_tooth)),
        }
    }

    /// Holds an average in a cut against what was learned, then learns from it.
    fn judge_cut(&mut self, average: &Average) -> Option<Change> {
        let residual = self.residual(average);
        let this = self.uses.entry(self.tool).or_insert(Use::NEW);
        let change = this.in_cut.take(&self.thresholds.in_cut, &residual);
        self.learn(average, &residual);
        change.filter(|change| (change.ratio - 1.0).abs() >= self.thresholds.change_share_min)
    }

    fn judge_air(&mut self, average: &Average) -> Option<Change> {
        let residual = self.residual(average);
        let change = self.in_air.take(&self.thresholds.in_air, &residual);
        self.learn(average, &residual);
        change.filter(|change| change.lean == Lean::Above)
    }

    /// A load that is far out teaches nothing: it is an entry that came early, or what the test is there to find. At a
    /// face of the raw part it teaches where that lies.
    fn learn(&mut self, average: &Average, residual: &Residual) {
        let weighing = self.current().in_cut.is_weighing(&self.thresholds.in_cut);
        let own_w2 = average.own_w2 * if weighing { WEIGHING_DOUBT } else { 1.0 };
        if average.teaches && (average.parts_w[3] > 0.0 || !residual.is_outlier()) {
            self.coefficients.learn(&average.parts_w, average.reading_w, own_w2, average.time_s);
        }
    }

    /// What neither the coefficients nor the raw part explain.
    fn residual(&self, average: &Average) -> Residual {
        let parts_w = &average.parts_w;
        let cut_w = parts_w[0] + parts_w[1];
        let factor = self.coefficients.on_power(parts_w).map_or(0.0, |(factor, _)| factor);
        Residual {
            residual_w: average.reading_w - self.coefficients.reading_w(parts_w),
            expected_w: factor * cut_w,
            variance_w2: average.own_w2 + self.coefficients.variance_w2(parts_w),
            dead_w: average.dead_w + HEIGHT_MM * factor * parts_w[3],
            time_s: average.time_s,
        }
    }

    fn current(&self) -> Use {
        self.uses.get(&self.tool).copied().unwrap_or(Use::NEW)
    }

    /// Takes over what was learned, and raises the factor where it calls for that.
    fn settle(&mut self, average: &Average) {
        let Some((power, sigma)) = self.coefficients.on_power(&average.parts_w) else { return };
        let settled_share = self.thresholds.settled_share;
        let this = self.uses.entry(self.tool).or_insert(Use::NEW);
        this.observed_s += average.time_s;
        (this.power, this.power_sigma) = (power, sigma);
        this.material = self.coefficients.on_material(&average.parts_w).unwrap_or(this.material);
        let is_settled = sigma <= settled_share && this.observed_s >= OBSERVED_S_MIN;
        if is_settled {
            this.first_power.get_or_insert(power);
        }
        let doubt = if is_settled { 0.0 } else { DOUBT_SIGMAS * sigma };
        this.raise = this.raise.max((power - doubt).min(RAISE_MAX));
    }

    fn changed(&mut self, change: &Change, lost_tooth: &dyn Fn() -> Option<LostTooth>) -> Alarm {
        let symptom = match change.lean {
            Lean::Above => Symptom::Rise,
            Lean::Below if change.ratio < self.thresholds.no_cut_share => Symptom::AirInCut,
            Lean::Below => Symptom::Fall,
        };
        self.alarm(symptom, change.ratio, change.for_s, lost_tooth)
    }

    /// Reports once in a use that its factor is far from the material data.
    fn level(&mut self, lost_tooth: &dyn Fn() -> Option<LostTooth>) -> Option<Alarm> {
        let this = self.current();
        let (factor, sigma) = this.material;
        let settled = sigma <= self.thresholds.settled_share && this.observed_s >= OBSERVED_S_MIN;
        let beyond = (factor - 1.0).abs() - 2.0 * sigma > self.thresholds.level_share;
        if this.level_said || !settled || !beyond {
            return None;
        }
        self.uses.entry(self.tool).or_insert(Use::NEW).level_said = true;
        let symptom = if factor > 1.0 { Symptom::High } else { Symptom::Low };
        Some(self.alarm(symptom, factor, this.observed_s, lost_tooth))
    }

    /// Reports once that the raw part ends elsewhere than was said.
    fn height(&mut self, lost_tooth: &dyn Fn() -> Option<LostTooth>) -> Option<Alarm> {
        let (height_mm, sigma_mm) = self.coefficients.height_mm();
        if self.height_said || height_mm.abs() - 2.0 * sigma_mm <= self.thresholds.height_mm {
            return None;
        }
        self.height_said = true;
        let this = self.current();
        Some(self.alarm(Symptom::Height, this.power, this.observed_s, lost_tooth))
    }

    /// Names what fits and raises the factor to what the worst of it would need.
    fn alarm(&mut self, symptom: Symptom, ratio: f64, for_s: f64, lost_tooth: &dyn Fn() -> Option<LostTooth>) -> Alarm {
        let lost = if symptom.is_below() { lost_tooth() } else { None };
        let hypotheses = that_fit(symptom, ratio, lost);
        if matches!(symptom, Symptom::Rise | Symptom::Fall | Symptom::AirInCut) {
            self.coefficients.reopen();
        }
        self.in_air = ChangeTest::default();
        let this = self.uses.entry(self.tool).or_insert(Use::NEW);
        this.in_cut = ChangeTest::default();
        let level = this.power.max(1.0);
        let wanted = match symptom {
            Symptom::Rise => level * ratio.max(1.0),
            Symptom::High => this.power,
            Symptom::LoadInAir | Symptom::Height => this.raise,
            // A tool that was soft from the first cut on, by another amount than a tooth, has its teeth.
            Symptom::Low if !hypotheses.has(Hypothesis::FluteLoss) => this.raise,
            Symptom::Fall | Symptom::Low | Symptom::AirInCut => {
                level * lost.map_or(LOST_PEAK_RATIO, |lost| lost.peak_ratio.clamp(LOST_PEAK_RATIO_MIN, LOST_PEAK_RATIO))
            }
        };
        this.raise = this.raise.max(wanted.min(RAISE_MAX));
        this.alarmed = true;
        Alarm { tool: self.tool, symptom, ratio, for_s, hypotheses, raise: this.raise }
    }

    /// Factor on the predicted loads of a tool: at least 1, and never falling while the tool stays in the spindle.
    pub fn raise(&self, tool: Option<ToolNumber>) -> f64 {
        self.uses.get(&tool).map_or(1.0, |this| this.raise)
    }

    /// What has been learned of the tool in the spindle; `None` before the first observable reading.
    pub fn estimate(&self) -> Option<Estimate> {
        let this = self.uses.get(&self.tool).filter(|this| this.observed_s > 0.0)?;
        let is_settled = this.power_sigma <= self.thresholds.settled_share && this.observed_s >= OBSERVED_S_MIN;
        Some(Estimate {
            cutting: self.coefficients.cutting(),
            edge: self.coefficients.edge(),
            power: this.power,
            power_sigma: this.power_sigma,
            observed_s: this.observed_s,
            is_settled,
            wear: this.first_power.map(|first| this.power / first),
        })
    }
}
