//! The slow-down before a cutter first meets material.
//!
//! A contact counts as first when the tool has been out of material for at least the lead; a gap shorter than
//! that is a ripple of the stock. From the lead before the contact to the end of the step that touches, the
//! factor is at most that of the limits. Rapids, dwells and locked operations are left as they are.

use shared::motion::Station;
use shared::plan::{Binding, Reason};
use shared::units::Length;

use super::bound::{BoundContext, LimitsByTool, StepBound};
use crate::engagement::CutStep;
use crate::loads::StepLoads;

/// Lowers bounds before each first contact; splits a bound where a slow-down begins inside it.
pub(super) fn slow_before_contact(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    (steps, loads): (&[CutStep], &[StepLoads]),
    bounds: Vec<StepBound>,
) -> Vec<StepBound> {
    let windows = windows(context, by_tool, steps, loads);
    let mut slowed = Vec::with_capacity(bounds.len() + windows.len());
    let mut next = 0;
    for bound in bounds {
        while next < windows.len() && windows[next].end <= bound.from {
            next += 1;
        }
        let mut at = bound;
        // Windows may overlap a bound one after the other where steps are long.
        for window in windows[next..].iter().take_while(|window| window.begin < bound.to) {
            let cap = window.factor_max;
            if at.is_exempt() || cap >= at.feed_max_ratio || cap >= at.reached_ratio() {
                break;
            }
            let (begin, end) = (window.begin.max(at.from), window.end.min(at.to));
            if begin > at.from {
                slowed.push(StepBound { to: begin, ..at });
            }
            let binding = Binding::plain(Reason::FirstContact);
            slowed.push(StepBound { from: begin, to: end, feed_max_ratio: cap, binding, ..at });
            at.from = end;
            if at.from >= at.to {
                break;
            }
        }
        if at.from < at.to {
            slowed.push(at);
        }
    }
    slowed
}

/// A stretch from the lead before a first contact to the end of the step that touches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) begin: Station,
    pub(super) end: Station,
    /// Greatest factor within it.
    factor_max: f64,
}

/// Windows of all first contacts; ordered, disjoint.
pub(super) fn windows(
    context: &BoundContext<'_>,
    by_tool: &LimitsByTool,
    steps: &[CutStep],
    loads: &[StepLoads],
) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    // End of the last step in material; before the first one the tool has always been in air.
    let mut left_at: Option<Station> = None;
    for (step, loads) in steps.iter().zip(loads) {
        if matches!(loads, StepLoads::Air) {
            continue;
        }
        let tool = context.path.segments()[step.segment as usize].tool;
        let limits = context.of_tool(by_tool, tool).limits;
        let radius = context.models.model(tool).map_or(Length::ZERO, |model| model.tool().radius());
        let lead = radius * limits.first_contact_lead_radii.max(1.0);
        let in_air = left_at.is_none_or(|left| step.from.beyond(left) >= lead && step.from > left);
        if in_air {
            let begin = step.from.advanced(-lead).max(windows.last().map_or(Station::START, |window| window.end));
            windows.push(Window { begin, end: step.to, factor_max: limits.first_contact_factor.ratio() });
        }
        left_at = Some(step.to);
    }
    windows
}
