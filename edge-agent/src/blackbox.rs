//! What happened, as typed entries in a bounded ring.
//!
//! The cycle writes, someone else drains; nothing is formatted here. A full ring drops its oldest entry and
//! counts it: a slow reader loses history, never the cycle its time.

use std::collections::VecDeque;

use shared::ident::{Epoch, PlanSequence, SampleSequence};
use shared::motion::Station;
use shared::plan::{Admission, Override, RejectReason};
use shared::time::Instant;

use crate::fallback::{Cause, Source};
use crate::guard::Condition;
use crate::locator::Finding;
use crate::session::Phase;

/// Entries the ring holds.
pub const ENTRIES_MAX: usize = 4096;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A lease was granted.
    Granted {
        /// Its epoch.
        epoch: Epoch,
    },
    /// The session entered a phase.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// The locator found something.
    Located {
        /// What.
        finding: Finding,
        /// Where the tool is believed to be now.
        station: Station,
    },
    /// A condition of the guard began.
    Raised {
        /// Which.
        condition: Condition,
    },
    /// A condition of the guard ended.
    Cleared {
        /// Which.
        condition: Condition,
    },
    /// A chunk was judged.
    Judged {
        /// Its number.
        sequence: PlanSequence,
        /// Sample it rests on.
        basis: SampleSequence,
        /// The verdict.
        verdict: Admission,
        /// Admitted plan reaches up to here afterwards.
        horizon: Station,
    },
    /// A message was rejected before or beside a chunk's judgement.
    Rejected {
        /// Why.
        reason: RejectReason,
    },
    /// The factor comes from somewhere else now.
    Source {
        /// Where from.
        source: Source,
        /// Why not from the plan; `None` where it is.
        cause: Option<Cause>,
    },
    /// The commanded factor changed.
    Factor {
        /// New factor.
        factor: Override,
        /// The greatest factor that plan and baseline permit here.
        authority: Override,
        /// Where.
        station: Station,
    },
    /// A trigger was fired.
    Trigger {
        /// Sample that carries it.
        basis: SampleSequence,
        /// Station a chunk must reach.
        reach: Station,
    },
    /// A trigger was not answered in time.
    Miss {
        /// Sample that carried it.
        basis: SampleSequence,
    },
}

/// An event with its instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceEntry {
    /// When, on the edge's clock.
    pub at: Instant,
    /// What.
    pub event: Event,
}

/// The ring.
#[derive(Clone, Debug)]
pub(crate) struct Blackbox {
    entries: VecDeque<TraceEntry>,
    dropped: u64,
}

impl Blackbox {
    pub(crate) fn new() -> Self {
        Self { entries: VecDeque::with_capacity(ENTRIES_MAX), dropped: 0 }
    }

    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(TraceEntry { at, event });
    }

    pub(crate) fn pop(&mut self) -> Option<TraceEntry> {
        self.entries.pop_front()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h10_a_full_ring_drops_its_oldest_and_counts() {
        let mut ring = Blackbox::new();
        for epoch in 0..ENTRIES_MAX as u64 + 3 {
            ring.push(Instant::from_ns(epoch), Event::Granted { epoch: Epoch(epoch) });
        }
        assert_eq!(ring.dropped(), 3);
        assert_eq!(ring.pop().map(|entry| entry.at), Some(Instant::from_ns(3)));
    }
}
