//! The slow-down before a cutter first meets material.
//!
//! A contact counts as first when the tool has been out of material for at least the lead; a gap shorter than
//! that is a ripple of the stock. From the lead before the contact to the end of the step that touches, the
//! factor is at most that of the limits. Rapids, dwells and locked operations are left as they are.

use shared::motion::Station;
use shared::plan::{Binding, Reason};
use shared::units::Length;

use super::bound::{BoundContext, StepBound};
use crate::engagement::CutStep;
use crate::loads::StepLoads;

/// Lowers bounds before each first contact; splits a bound where a slow-down begins inside it.
pub(super) fn slow_before_contact(
    context: &BoundContext<'_>,
    steps: &[CutStep],
    loads: &[StepLoads],
    bounds: Vec<StepBound>,
) -> Vec<StepBound> {
    let windows = windows(context, steps, loads);
    let cap = context.limits.first_contact_factor.ratio();
    let mut slowed = Vec::with_capacity(bounds.len() + windows.len());
    let mut next = 0;
    for bound in bounds {
        while next < windows.len() && windows[next].1 <= bound.from {
            next += 1;
        }
        let mut at = bound;
        // Windows may overlap a bound one after the other where steps are long.
        for window in windows[next..].iter().take_while(|window| window.0 < bound.to) {
            if at.is_exempt() || cap >= at.feed_max_ratio || cap >= at.reached_ratio() {
                break;
            }
            let (begin, end) = (window.0.max(at.from), window.1.min(at.to));
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

/// Stretches from the lead before a first contact to the end of the step that touches; ordered, disjoint.
fn windows(context: &BoundContext<'_>, steps: &[CutStep], loads: &[StepLoads]) -> Vec<(Station, Station)> {
    let lead_radii = context.limits.first_contact_lead_radii.max(1.0);
    let mut windows: Vec<(Station, Station)> = Vec::new();
    // End of the last step in material; before the first one the tool has always been in air.
    let mut left_at: Option<Station> = None;
    for (step, loads) in steps.iter().zip(loads) {
        if matches!(loads, StepLoads::Air) {
            continue;
        }
        let tool = context.path.segments()[step.segment as usize].tool;
        let radius = context.models.model(tool).map_or(Length::ZERO, |model| model.tool().radius());
        let lead = radius * lead_radii;
        let in_air = left_at.is_none_or(|left| step.from.beyond(left) >= lead && step.from > left);
        if in_air {
            let begin = step.from.advanced(-lead).max(windows.last().map_or(Station::START, |window| window.1));
            windows.push((begin, step.to));
        }
        left_at = Some(step.to);
    }
    windows
}
