//! What a run amounts to: handoffs by stage, times in fallback, coverage, events.
//!
//! The agent says what it decides cycle by cycle and forgets it; a report wants quantiles and intervals. This
//! room turns the first into the second. It is fed beside the cycle, by whoever drives the agent, and allocates;
//! it decides nothing.
//!
//! A **fallback** begins in the cycle in which the factor no longer comes from the plan for a reason that is a
//! fault, while the program runs, and ends with the first cycle that follows the plan again (alone or with
//! the baseline as a cap) or in which the program no longer runs. Opening a session is not a fault before
//! the first plan of the run was admitted.

use std::collections::BTreeMap;

use firmware_bridge::controller::Execution;
use shared::budget::Stage;
use shared::ident::{Epoch, PlanSequence};
use shared::plan::Admission;
use shared::time::{Duration, Instant};

use crate::blackbox::{Event, TraceEntry};
use crate::guard::Condition;
use crate::handoff::HandoffRecord;
use crate::{Phase, Source, Status};

/// Most handoffs, events and fallbacks that are kept; what comes on top is only counted.
const KEPT_MAX: usize = 1_000_000;

/// A time in fallback.
#[derive(Clone, Debug, PartialEq)]
pub struct Fallback {
    /// First cycle in fallback.
    pub began: Instant,
    /// First cycle out of it; `None` while it lasts.
    pub ended: Option<Instant>,
    /// Line of the place where it began.
    pub line: u32,
    /// What began it.
    pub cause: Condition,
    /// Where the factor came from instead, at the beginning.
    pub source: Source,
    /// From the expiry of the last admitted plan to the first cycle in fallback; `None` where it was not an
    /// expiry that began it.
    pub reaction: Option<Duration>,
}

/// Something that happened, by its stable name.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When.
    pub at: Instant,
    /// `phase_…`, `begin_…` and `end_…` of a condition, `source_…`, `lease_granted`, `plan_admitted` (the first
    /// of a session), `miss`.
    pub name: String,
}

/// Quantiles of a span over many handoffs, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many.
    pub count: u64,
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// The greatest.
    pub max: Duration,
}

impl Quantiles {
    /// Of these spans.
    pub fn of(mut spans: Vec<Duration>) -> Self {
        spans.sort_unstable();
        let rank = |share: f64| {
            let rank = (share * spans.len() as f64).ceil() as usize;
            spans.get(rank.max(1) - 1).copied().unwrap_or_default()
        };
        Self { count: spans.len() as u64, p50: rank(0.5), p99: rank(0.99), max: rank(1.0) }
    }
}

/// Collects what a run amounts to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    handoffs: Vec<HandoffRecord>,
    fallbacks: Vec<Fallback>,
    happenings: Vec<Happening>,
    left_out: u64,
    admitted: Vec<(Epoch, PlanSequence)>,
    epoch: Epoch,
    admitted_in_session: bool,
    cycles_running: u64,
    cycles_covered: u64,
    first_running: Option<Instant>,
    last_running: Option<Instant>,
    completed: bool,
}

impl Tally {
    /// Takes in one cycle: the status right after its command was decided.
    pub fn cycle(&mut self, now: Instant, status: &Status) {
        let running = status.execution == Some(Execution::Active);
        if running {
            self.first_running.get_or_insert(now);
            self.last_running = Some(now);
            self.cycles_running += 1;
            self.cycles_covered += u64::from(matches!(status.source, Source::Plan | Source::LowerOfBoth));
        } else if status.execution == Some(Execution::ProgramCompleted)
            && self.first_running.is_some()
            && !self.completed
        {
            self.completed = true;
            self.last_running = Some(now);
        }
        self.fallback(now, status, running);
    }

    fn fallback(&mut self, now: Instant, status: &Status, running: bool) {
        let fault = status.cause.filter(|cause| running && self.is_fault(*cause));
        let away = matches!(status.source, Source::Baseline | Source::PassThrough);
        let has_room = self.fallbacks.len() < KEPT_MAX;
        let open = self.fallbacks.last_mut().filter(|fallback| fallback.ended.is_none());
        match (open, fault.filter(|_| away)) {
            (Some(open), None) => open.ended = Some(now),
            (None, Some(cause)) if has_room => {
                let expired = status.fresh_until.filter(|_| cause == Condition::PlanExpired);
                let reaction = expired.map(|until| now.since(until));
                self.fallbacks.push(Fallback {
                    began: now,
                    ended: None,
                    line: status.line,
                    cause,
                    source: status.source,
                    reaction,
                });
            }
            _ => {}
        }
    }

    fn is_fault(&self, cause: Condition) -> bool {
        match cause {
            Condition::NotRunning | Condition::NotArmed | Condition::OperatorOff => false,
            Condition::NoSession | Condition::NoPlanYet => !self.admitted.is_empty(),
            _ => true,
        }
    }

    /// Takes in one entry of the trace.
    pub fn event(&mut self, entry: &TraceEntry) {
        let name = match entry.event {
            Event::Granted { epoch } => {
                self.epoch = epoch;
                self.admitted_in_session = false;
                "lease_granted".to_owned()
            }
            Event::Phase { phase } => match phase {
                // Progress is not an event.
                Phase::Computing { done_permille } if done_permille > 0 => return,
                phase => format!("phase_{}", phase_name(phase)),
            },
            Event::Raised { condition } => format!("begin_{}", condition.name()),
            Event::Cleared { condition } => format!("end_{}", condition.name()),
            Event::Source { source, .. } => format!("source_{}", source.name()),
            Event::Miss { .. } => "miss".to_owned(),
            Event::Judged { sequence, verdict: Admission::Admitted | Admission::Clamped, .. } => {
                if self.admitted.len() < KEPT_MAX {
                    self.admitted.push((self.epoch, sequence));
                }
                if std::mem::replace(&mut self.admitted_in_session, true) {
                    return;
                }
                "plan_admitted".to_owned()
            }
            Event::Judged { .. }
            | Event::Rejected { .. }
            | Event::Located { .. }
            | Event::Factor { .. }
            | Event::Trigger { .. } => return,
        };
        if self.happenings.len() < KEPT_MAX {
            self.happenings.push(Happening { at: entry.at, name });
        } else {
            self.left_out += 1;
        }
    }

    /// Takes in one finished handoff.
    pub fn handoff(&mut self, record: &HandoffRecord) {
        if self.handoffs.len() < KEPT_MAX {
            self.handoffs.push(*record);
        } else {
            self.left_out += 1;
        }
    }

    /// Stages of the answered handoffs by name, with `unexplained`, and `total` over all that were fired: a miss
    /// counts there with the time-out, which it was at least.
    pub fn stages(&self) -> BTreeMap<&'static str, Quantiles> {
        let answers = || self.handoffs.iter().filter_map(|record| record.answer.as_ref());
        let mut stages: BTreeMap<_, _> = Stage::ALL
            .into_iter()
            .map(|stage| (stage.name(), Quantiles::of(answers().map(|answer| answer.stages.get(stage)).collect())))
            .collect();
        stages.insert("unexplained", Quantiles::of(answers().map(|answer| answer.unexplained).collect()));
        stages.insert("total", Quantiles::of(self.handoffs.iter().map(|record| record.total).collect()));
        stages
    }

    /// Horizon slack at admission, least first quantile; `None` without an answered handoff.
    pub fn slack_min(&self) -> Option<Duration> {
        self.handoffs.iter().filter_map(|record| record.answer.as_ref()).map(|answer| answer.slack).min()
    }

    /// The newest handoff.
    pub fn last_handoff(&self) -> Option<&HandoffRecord> {
        self.handoffs.last()
    }

    /// Times in fallback, in order.
    pub fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// What happened, in order.
    pub fn happenings(&self) -> &[Happening] {
        &self.happenings
    }

    /// Chunks admitted, by lease and number.
    pub fn admitted(&self) -> &[(Epoch, PlanSequence)] {
        &self.admitted
    }

    /// Share of the running cycles in which the factor came from an admitted plan; `None` before the first.
    pub fn covered_share(&self) -> Option<f64> {
        (self.cycles_running > 0).then(|| self.cycles_covered as f64 / self.cycles_running as f64)
    }

    /// First cycle in which the program ran.
    pub fn first_running(&self) -> Option<Instant> {
        self.first_running
    }

    /// Clock time from the first cycle in which the program ran to the end of the last; zero if it never did.
    pub fn run_time(&self) -> Duration {
        match (self.first_running, self.last_running) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// True once the controller has said that the program reached its end.
    pub fn is_completed(&self) -> bool {
        self.completed
    }

    /// Entries that were only counted.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

pub(crate) const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::NoLease => "no_lease",
        Phase::Opening => "opening",
        Phase::Computing { .. } => "computing",
        Phase::Ready => "ready",
        Phase::Refused => "refused",
        Phase::Mismatch => "mismatch",
        Phase::Ended => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_rank() {
        let spans = |count: u64| Quantiles::of((1..=count).rev().map(Duration::from_ms).collect());
        let ms = |q: Quantiles| (q.count, q.p50.as_ms(), q.p99.as_ms(), q.max.as_ms());
        assert_eq!(ms(spans(100)), (100, 50.0, 99.0, 100.0));
        assert_eq!(ms(spans(1)), (1, 1.0, 1.0, 1.0));
        assert_eq!(ms(spans(0)), (0, 0.0, 0.0, 0.0));
    }
}
