use std::collections::BTreeMap;

use edge_agent::blackbox::{Event, TraceEntry};
use edge_agent::guard::Condition;
use edge_agent::handoff::{HandoffCounts, HandoffRecord};
use edge_agent::{Source, Status};
use firmware_bridge::controller::Execution;
use shared::ident::Digest;
use shared::plan::Admission;
use shared::time::{Duration, Instant};
use shared::units::Seconds;

/// Something that happened, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// When, on the edge's clock.
    pub at: Instant,
    /// What.
    pub name: String,
}

/// A time in which the edge did not follow a plan although it should have had one.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallback {
    /// When it began.
    pub at: Instant,
    /// Why.
    pub cause: Condition,
    /// Until a plan was followed again, or the end.
    pub lasted: Duration,
    /// From the end of the last plan's time to live to the cycle that left it; where a plan ran out of life.
    pub reaction: Option<Duration>,
}

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct WorldOutcome {
    /// When the program was started.
    pub started: Instant,
    /// Machine time of the program.
    pub cycle_time: Seconds,
    /// Times without a plan.
    pub fallbacks: Vec<Fallback>,
    /// What happened, in order.
    pub events: Vec<RunEvent>,
    /// Finished handoffs.
    pub handoffs: Vec<HandoffRecord>,
    /// How many of what.
    pub counts: HandoffCounts,
    /// Messages rejected, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Share of the running time under an admitted plan; `None` where nothing ran.
    pub covered_share: Option<f64>,
    /// Chunks admitted.
    pub chunks_admitted: u64,
    /// Digest over every input and decision of the edge.
    pub digest: Digest,
    /// The recording's bytes, where they were asked for.
    pub recording: Option<Vec<u8>>,
    /// Report lines that arrived torn.
    pub lost_reports: u64,
    /// The black box.
    pub trace: Vec<TraceEntry>,
}

/// Adds up for how long which source commanded while the program ran.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coverage {
    last: Option<(Instant, bool, bool)>,
    running: Duration,
    covered: Duration,
}

impl Coverage {
    pub(super) fn take(&mut self, now: Instant, status: &Status) {
        if let Some((before, running, covered)) = self.last {
            let span = now.since(before);
            if running {
                self.running = self.running.plus(span);
                if covered {
                    self.covered = self.covered.plus(span);
                }
            }
        }
        let running = status.execution == Some(Execution::Active);
        self.last = Some((now, running, status.source == Source::Plan));
    }

    pub(super) fn last_seen(&self) -> Instant {
        self.last.map_or(Instant::ORIGIN, |(at, ..)| at)
    }

    pub(super) fn share(&self) -> Option<f64> {
        (self.running > Duration::ZERO).then(|| self.covered.as_s() / self.running.as_s())
    }

    pub(super) fn chunks_admitted(&self, trace: &[TraceEntry]) -> u64 {
        let admitted = |entry: &&TraceEntry| {
            matches!(entry.event, Event::Judged { verdict: Admission::Admitted | Admission::Clamped, .. })
        };
        trace.iter().filter(admitted).count() as u64
    }
}

/// True where a condition means that something failed, not that nothing is wanted.
fn is_fault(cause: Condition) -> bool {
    use Condition::{NoPlanYet, NotArmed, NotRunning, OperatorOff};
    !matches!(cause, NotArmed | OperatorOff | NotRunning | NoPlanYet)
}

/// The fallbacks of a run, from the changes of the factor's source.
pub(super) fn fallbacks(trace: &[TraceEntry], started: Instant, end: Instant) -> Vec<Fallback> {
    let mut found: Vec<Fallback> = Vec::new();
    let mut open = false;
    for entry in trace.iter().filter(|entry| entry.at >= started) {
        let Event::Source { source, cause, plan_deadline } = entry.event else { continue };
        match cause.filter(|cause| is_fault(*cause)) {
            Some(cause) if !open => {
                let expired = cause == Condition::PlanExpired;
                let reaction = plan_deadline.filter(|_| expired).map(|deadline| entry.at.since(deadline));
                found.push(Fallback { at: entry.at, cause, lasted: Duration::ZERO, reaction });
                open = true;
            }
            Some(_) => {}
            None => open = false,
        }
        if source == Source::Plan {
            open = false;
        }
        if !open && let Some(last) = found.last_mut().filter(|last| last.lasted == Duration::ZERO) {
            last.lasted = entry.at.since(last.at);
        }
    }
    if open && let Some(last) = found.last_mut() {
        last.lasted = end.since(last.at);
    }
    found
}

/// What the world did and what the edge noted, in order of time. Of the edge: phases, faults, and the first
/// plan of each session.
pub(super) fn merged_events(mut events: Vec<RunEvent>, trace: &[TraceEntry]) -> Vec<RunEvent> {
    let mut awaiting_plan = true;
    for entry in trace {
        let name = match entry.event {
            Event::Granted { .. } => {
                awaiting_plan = true;
                "lease_granted".to_owned()
            }
            Event::Judged { verdict: Admission::Admitted | Admission::Clamped, .. } if awaiting_plan => {
                awaiting_plan = false;
                "plan_admitted".to_owned()
            }
            Event::Raised { condition } if is_fault(condition) => format!("began_{}", condition.name()),
            Event::Cleared { condition } if is_fault(condition) => format!("ended_{}", condition.name()),
            Event::Source { source: Source::Baseline, cause: Some(cause), .. } if is_fault(cause) => {
                "fallback_baseline".to_owned()
            }
            Event::Miss { .. } => "handoff_missed".to_owned(),
            _ => continue,
        };
        events.push(RunEvent { at: entry.at, name });
    }
    // Stable: what happened at one instant stays in the order in which it was noted.
    events.sort_by_key(|event| event.at);
    events
}
