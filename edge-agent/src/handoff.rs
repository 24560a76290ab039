//! The handoff: from finding that a newer plan is needed to having admitted it.
//!
//! Only the edge fires a trigger and only the edge closes it, so that the figure cannot be improved by the side
//! it measures. One trigger is open at a time. It is closed by a chunk whose basis is at or after the sample that
//! carried the trigger and which reaches the station asked for; what is not closed within the time-out is a
//! miss, stays in the record as "at least the time-out", and makes room for the next.

use std::collections::VecDeque;

use shared::budget::{Stage, StageTimes};
use shared::ident::SampleSequence;
use shared::motion::Station;
use shared::plan::StageStamps;
use shared::time::{Duration, Instant};

/// Records kept until they are drained; the oldest gives way and is counted.
pub const RECORDS_MAX: usize = 512;

/// One handoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandoffRecord {
    /// When the trigger was fired.
    pub triggered_at: Instant,
    /// The sample that carried it; `None` where no sample came before the time-out.
    pub basis: Option<SampleSequence>,
    /// Trigger to admission; for a miss the time-out, which it was at least.
    pub total: Duration,
    /// The answer; `None` for a miss.
    pub answer: Option<Answer>,
}

/// What closed a handoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Time in each stage.
    pub stages: StageTimes,
    /// What the stages do not explain.
    pub unexplained: Duration,
    /// Clock time until the tool would have reached the old horizon at programmed speed, at admission.
    pub slack: Duration,
    /// Age of the sample the chunk rests on, at admission.
    pub basis_age: Duration,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandoffCounts {
    /// Triggers fired.
    pub triggers: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered within the time-out.
    pub missed: u64,
    /// Records that gave way before they were drained.
    pub dropped: u64,
}

/// The open trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Open {
    pub(crate) at: Instant,
    pub(crate) reach: Station,
    /// The sample that carries it, and when it was located.
    pub(crate) carried: Option<(SampleSequence, Instant)>,
    sent_at: Option<Instant>,
}

/// An admitted chunk, as far as a handoff is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    pub(crate) basis: SampleSequence,
    pub(crate) basis_sent_at: Instant,
    pub(crate) received_at: Instant,
    pub(crate) to: Station,
    pub(crate) stamps: StageStamps,
    pub(crate) network: Option<Duration>,
    pub(crate) slack: Duration,
}

/// Trigger, timer and records.
#[derive(Clone, Debug)]
pub(crate) struct Handoff {
    timeout: Duration,
    open: Option<Open>,
    records: VecDeque<HandoffRecord>,
    counts: HandoffCounts,
}

impl Handoff {
    pub(crate) fn new(timeout: Duration) -> Self {
        let records = VecDeque::with_capacity(RECORDS_MAX);
        Self { timeout, open: None, records, counts: HandoffCounts::default() }
    }

    pub(crate) fn open(&self) -> Option<Open> {
        self.open
    }

    pub(crate) fn counts(&self) -> HandoffCounts {
        self.counts
    }

    /// Fires a trigger unless one is open.
    pub(crate) fn fire(&mut self, now: Instant, reach: Station, carried: Option<SampleSequence>) {
        if self.open.is_none() {
            self.counts.triggers += 1;
            let carried = carried.map(|sequence| (sequence, now));
            self.open = Some(Open { at: now, reach, carried, sent_at: None });
        }
    }

    /// A sample was located: it carries an open trigger that none carries yet.
    pub(crate) fn carry(&mut self, now: Instant, sequence: SampleSequence) {
        if let Some(open) = &mut self.open {
            open.carried.get_or_insert((sequence, now));
        }
    }

    /// A batch up to this sample was handed to the transport.
    pub(crate) fn sent(&mut self, now: Instant, last: SampleSequence) {
        if let Some(open) = &mut self.open
            && open.carried.is_some_and(|(basis, _)| basis <= last)
        {
            open.sent_at.get_or_insert(now);
        }
    }

    /// A chunk was admitted.
    pub(crate) fn admitted(&mut self, now: Instant, chunk: &Admission) {
        let Some(open) = self.open else { return };
        let Some((basis, located_at)) = open.carried else { return };
        if chunk.basis < basis || chunk.to < open.reach {
            return;
        }
        let total = now.since(open.at);
        let mut stages = StageTimes::default();
        stages.set(Stage::Read, located_at.since(open.at));
        stages.set(Stage::Encode, open.sent_at.unwrap_or(located_at).since(located_at));
        stages.set(Stage::Queue, chunk.stamps.queue);
        stages.set(Stage::Simulate, chunk.stamps.simulate);
        stages.set(Stage::Plan, chunk.stamps.plan);
        stages.set(Stage::Admit, now.since(chunk.received_at));
        if let Some(network) = chunk.network {
            let up = Duration::from_ns(network.as_ns() / 2);
            stages.set(Stage::Uplink, up);
            stages.set(Stage::Downlink, network.minus(up));
        }
        let answer = Answer {
            stages,
            unexplained: stages.unexplained(total),
            slack: chunk.slack,
            basis_age: now.since(chunk.basis_sent_at),
        };
        self.counts.answered += 1;
        self.close(HandoffRecord { triggered_at: open.at, basis: Some(basis), total, answer: Some(answer) });
    }

    /// Ends a trigger whose time-out has passed. Returns the sample that carried it, if it was a miss.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Option<SampleSequence>> {
        let open = self.open.filter(|open| now.since(open.at) >= self.timeout)?;
        Some(self.miss(open))
    }

    /// Ends an open trigger that can no longer be answered: the lease is void or the program has ended.
    pub(crate) fn abandon(&mut self) {
        if let Some(open) = self.open {
            self.miss(open);
        }
    }

    fn miss(&mut self, open: Open) -> Option<SampleSequence> {
        self.counts.missed += 1;
        let basis = open.carried.map(|(sequence, _)| sequence);
        self.close(HandoffRecord { triggered_at: open.at, basis, total: self.timeout, answer: None });
        basis
    }

    fn close(&mut self, record: HandoffRecord) {
        self.open = None;
        if self.records.len() == RECORDS_MAX {
            self.records.pop_front();
            self.counts.dropped += 1;
        }
        self.records.push_back(record);
    }

    pub(crate) fn pop(&mut self) -> Option<HandoffRecord> {
        self.records.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ORIGIN.after(Duration::from_ms(ms))
    }

    fn chunk(basis: u64, to_mm: f64) -> Admission {
        Admission {
            basis: SampleSequence(basis),
            basis_sent_at: at(12),
            received_at: at(29),
            to: Station::from_mm(to_mm),
            stamps: StageStamps {
                queue: Duration::from_ms(1),
                simulate: Duration::from_ms(4),
                plan: Duration::from_ms(2),
                total: Duration::from_ms(7),
            },
            network: Some(Duration::from_ms(10)),
            slack: Duration::from_ms(80),
        }
    }

    #[test]
    fn only_a_chunk_after_the_trigger_that_reaches_far_enough_closes_it() {
        let mut handoff = Handoff::new(Duration::from_ms(100));
        handoff.fire(at(10), Station::from_mm(50.0), None);
        handoff.admitted(at(11), &chunk(9, 60.0));
        handoff.carry(at(11), SampleSequence(7));
        handoff.carry(at(12), SampleSequence(8));
        handoff.sent(at(12), SampleSequence(7));
        handoff.admitted(at(20), &chunk(6, 60.0));
        handoff.admitted(at(20), &chunk(7, 49.0));
        assert!(handoff.open().is_some() && handoff.pop().is_none());
        handoff.admitted(at(30), &chunk(8, 50.0));
        let record = handoff.pop().expect("closed");
        let answer = record.answer.expect("answered");
        let ms = |stage| answer.stages.get(stage).as_ms();
        assert_eq!(record.total, Duration::from_ms(20));
        assert_eq!(Stage::ALL.map(ms), [1.0, 1.0, 5.0, 1.0, 4.0, 2.0, 5.0, 1.0]);
        assert_eq!(answer.unexplained, Duration::ZERO);
        assert_eq!(answer.basis_age, Duration::from_ms(18));
        assert_eq!(handoff.counts(), HandoffCounts { triggers: 1, answered: 1, missed: 0, dropped: 0 });
    }

    #[test]
    fn h7_what_is_not_answered_is_a_miss_of_at_least_the_timeout() {
        let mut handoff = Handoff::new(Duration::from_ms(100));
        handoff.fire(at(10), Station::from_mm(50.0), Some(SampleSequence(3)));
        handoff.fire(at(20), Station::from_mm(90.0), Some(SampleSequence(4)));
        assert_eq!(handoff.expire(at(109)), None);
        assert_eq!(handoff.expire(at(110)), Some(Some(SampleSequence(3))));
        let record = handoff.pop().expect("recorded");
        assert_eq!((record.total, record.answer), (Duration::from_ms(100), None));
        assert_eq!(handoff.counts().triggers, 1, "one open trigger at a time");
    }
}
