//! Where the feed must be held, because what lies ahead would touch.
//!
//! The whole program is cut before it starts, so every contact is known before the tool moves. What follows from one
//! is part of the plan, and of the baseline too: a stretch with the factor 0 and the reason `collision`, from the place
//! at which the tool has to be at rest to the end of the move that would touch. The edge brakes in time for it, on its
//! own, whatever has become of the link.
//!
//! The tool comes to rest where it cuts nothing, since a tool that stands in a cut rubs and marks the part: at the last
//! such place before the contact, unless that lies more than [`OUT_OF_CUT_S`] back. A gouge into the finished part is
//! said and not held for: it is a matter of the part's tolerance, not of the machine.

use shared::job::Job;
use shared::motion::{Path, Profile, Station};
use shared::plan::{Binding, Override, OverridePlan, PlanError, Reason, Span};
use shared::units::{Length, Seconds};

use crate::collision::{Finding, FindingKind};
use crate::engagement::CutStep;
use crate::prediction::Prediction;

/// At rest at least this far before the contact.
const STAND_OFF: Length = Length::mm(1.0);
/// A place out of the cut that lies further back than this at programmed speed is not gone back for.
const OUT_OF_CUT_S: Seconds = Seconds::s(30.0);

/// The stretch that the tool must not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    /// The tool rests here at the latest.
    pub(crate) from: Station,
    /// End of the move that would touch.
    pub(crate) to: Station,
}

/// The holds of a program, in order, none touching another.
pub(crate) fn holds(job: &Job, profile: &Profile, prediction: &Prediction) -> Vec<Hold> {
    let path = &job.path;
    let held = prediction.contacts().filter(|found| found.kind != FindingKind::Gouge);
    let mut holds: Vec<Hold> = held
        .map(|found| {
            let segment = &path.segments()[found.segment as usize];
            let contact = begins(found, path, &prediction.steps).advanced(-STAND_OFF);
            Hold { from: rest(contact, path, profile, &prediction.steps), to: segment.end.max(found.station) }
        })
        .collect();
    holds.sort_by_key(|hold| (hold.from, hold.to));
    holds.dedup_by(|later, earlier| {
        let joined = later.from <= earlier.to;
        if joined {
            earlier.to = earlier.to.max(later.to);
        }
        joined
    });
    holds
}

/// Where a contact begins, or before: a finding names the deepest place of a move, a fixture's the first.
fn begins(found: &Finding, path: &Path, steps: &[CutStep]) -> Station {
    let start = path.segments()[found.segment as usize].start;
    match found.kind {
        FindingKind::FixtureTouched { .. } => found.station,
        FindingKind::RapidInStock | FindingKind::NonCentreCuttingPlunge => {
            let first = steps.partition_point(|step| step.segment < found.segment);
            let own = steps[first..].iter().take_while(|step| step.segment == found.segment);
            own.filter(|step| step.removed_cells > 0).map(|step| step.from).next().unwrap_or(start)
        }
        _ => start,
    }
}

/// The last place before a contact at which nothing is cut; the contact itself where that is too far back.
fn rest(contact: Station, path: &Path, profile: &Profile, steps: &[CutStep]) -> Station {
    let earliest_s = (profile.time_at(path, contact) - OUT_OF_CUT_S).as_s();
    let mut at = contact;
    for step in steps[..steps.partition_point(|step| step.from < contact)].iter().rev() {
        if step.to < at || step.removed_cells == 0 {
            return at;
        }
        at = step.from;
        if profile.time_at(path, at).as_s() < earliest_s {
            return contact;
        }
    }
    at
}

/// A plan with its holds: factor 0 on each, whatever else was planned there.
///
/// # Errors
/// [`PlanError::TooMany`].
pub(crate) fn with_holds(plan: &OverridePlan, holds: &[Hold]) -> Result<OverridePlan, PlanError> {
    let mut spans: Vec<Span> = Vec::with_capacity(plan.spans().len() + 2 * holds.len());
    let mut at = plan.from();
    let within = holds.iter().filter(|hold| hold.from < plan.to() && hold.to > plan.from());
    for hold in within {
        let (from, to) = (hold.from.max(at), hold.to.min(plan.to()));
        spans.extend(plan.sliced(at, from).iter().flat_map(OverridePlan::spans));
        if from < to {
            spans.push(Span { from, to, factor: Override::STOP, binding: Binding::plain(Reason::Collision) });
            at = to;
        }
    }
    spans.extend(plan.sliced(at, plan.to()).iter().flat_map(OverridePlan::spans));
    OverridePlan::new(spans)
}
