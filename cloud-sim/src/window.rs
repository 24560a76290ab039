//! The steps around and ahead of the machine, with the bounds that were found for them.
//!
//! A bound is solved on straight lines over the feed and then verified by evaluating the loads where it lands,
//! which costs ten times as much. The window remembers what verification made of each step, so that in
//! steady state only the steps that entered since the last plan are verified.

use std::collections::VecDeque;

use shared::budget::WorkAllowance;
use shared::motion::Station;
use shared::plan::Reason;
use shared::units::Feedrate;

use crate::ahead::CutAhead;
use crate::engagement::CutStep;
use crate::loads::StepLoads;
use crate::optimise::{BoundContext, StepBound, bound_steps, verify_bounds};

/// Steps in order of station.
#[derive(Default)]
pub(crate) struct Window {
    steps: VecDeque<CutStep>,
    loads: VecDeque<StepLoads>,
    reached: VecDeque<Feedrate>,
    /// Greatest ratio that verification left, for the steps at the front that have been through it.
    verified: VecDeque<f64>,
}

impl Window {
    pub(crate) fn take(&mut self, cut: CutAhead) {
        self.steps.extend(cut.cut.steps);
        self.loads.extend(cut.loads);
        self.reached.extend(cut.reached);
    }

    pub(crate) fn forget_before(&mut self, station: Station) {
        while self.steps.front().is_some_and(|step| step.to < station) {
            self.steps.pop_front();
            self.loads.pop_front();
            self.reached.pop_front();
            self.verified.pop_front();
        }
    }

    /// The steps that reach into a stretch, with their loads.
    pub(crate) fn between(&self, from: Station, to: Station) -> impl Iterator<Item = (&CutStep, &StepLoads)> {
        let first = self.steps.partition_point(|step| step.to <= from);
        self.steps.range(first..).zip(self.loads.range(first..)).take_while(move |(step, _)| step.from < to)
    }

    /// Loads count for more than when the bounds were verified, or for less: all are verified again.
    pub(crate) fn forget_verified(&mut self) {
        self.verified.clear();
    }

    /// Steps whose bounds have not been verified.
    pub(crate) fn unverified(&self) -> usize {
        self.steps.len() - self.verified.len()
    }

    /// Verified bounds of every step in the window.
    pub(crate) fn bounds(&mut self, context: &BoundContext<'_>) -> Vec<StepBound> {
        let (steps, loads) = (self.steps.make_contiguous(), self.loads.make_contiguous());
        let mut bounds = bound_steps(context, steps, loads, self.reached.make_contiguous());
        let step_of = |bound: &StepBound| steps.partition_point(|step| step.to <= bound.from);
        let known = self.verified.len();
        let first_new = bounds.partition_point(|bound| step_of(bound) < known);
        for bound in bounds[..first_new].iter_mut().filter(|bound| by_load(bound)) {
            bound.feed_max_ratio = bound.feed_max_ratio.min(self.verified[step_of(bound)]);
        }
        verify_bounds(context, steps, loads, &mut bounds[first_new..], WorkAllowance(u32::MAX));
        self.verified.resize(steps.len(), f64::INFINITY);
        for bound in bounds[first_new..].iter().filter(|bound| by_load(bound)) {
            if let Some(ratio) = self.verified.get_mut(step_of(bound)) {
                *ratio = ratio.min(bound.feed_max_ratio);
            }
        }
        bounds
    }
}

/// True where a load binds: only those ratios come from the lines.
fn by_load(bound: &StepBound) -> bool {
    use Reason::{BendingStress, ChipThickness, Deflection, ForcePeak, Infeasible, Power, Torque};
    matches!(bound.binding.reason, ForcePeak | Torque | Power | ChipThickness | Deflection | BendingStress | Infeasible)
}
