//! Which chunks may be believed.

use shared::ident::{ContextDigest, Epoch, PlanSequence, ProgramDigest, SampleSequence};
use shared::motion::Station;
use shared::plan::{PlanView, RejectReason};
use shared::planted::{self, Bug};
use shared::time::{Deadline, Duration, Instant};
use shared::wire::ChunkHead;

/// Batches whose instant of sending is remembered; older bases are unknown.
pub(crate) const SENT_BATCHES_MAX: usize = 1024;

/// One batch that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    first: SampleSequence,
    last: SampleSequence,
    at: Instant,
}

/// When each sample was sent.
#[derive(Clone, Debug)]
pub(crate) struct SentRing {
    batches: Vec<Sent>,
    next: usize,
}

impl SentRing {
    pub(crate) fn new() -> Self {
        Self { batches: Vec::with_capacity(SENT_BATCHES_MAX), next: 0 }
    }

    /// Remembers a batch; the oldest gives way.
    pub(crate) fn push(&mut self, first: SampleSequence, last: SampleSequence, at: Instant) {
        let sent = Sent { first, last, at };
        if self.batches.len() < SENT_BATCHES_MAX {
            self.batches.push(sent);
        } else {
            self.batches[self.next] = sent;
        }
        self.next = (self.next + 1) % SENT_BATCHES_MAX;
    }

    /// Forgets everything: samples sent under an earlier lease are no basis.
    pub(crate) fn clear(&mut self) {
        self.batches.clear();
        self.next = 0;
    }

    /// When a sample was sent; `None` for one that was not sent or is too old to know.
    pub(crate) fn sent_at(&self, sequence: SampleSequence) -> Option<Instant> {
        // Newest first: answers rest on recent samples. At most `SENT_BATCHES_MAX` steps.
        let (new, old) = self.batches.split_at(self.next.min(self.batches.len()));
        let newest_first = new.iter().rev().chain(old.iter().rev());
        newest_first.into_iter().find(|sent| sent.first <= sequence && sequence <= sent.last).map(|sent| sent.at)
    }
}

/// What a chunk is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Now.
    pub(crate) now: Instant,
    /// Granted lease.
    pub(crate) epoch: Option<Epoch>,
    /// Running program.
    pub(crate) program: ProgramDigest,
    /// Running context; `None` until the cloud has confirmed it.
    pub(crate) context: Option<ContextDigest>,
    /// Armed, and no latch set.
    pub(crate) permitted: bool,
    /// Newest chunk of this lease that was identified as ours.
    pub(crate) newest: PlanSequence,
    /// The tool is not before this.
    pub(crate) behind: Station,
    /// No chunk may begin beyond this.
    pub(crate) reach_end: Station,
    /// Longest time to live.
    pub(crate) time_to_live_max: Duration,
}

impl Standing {
    /// Lease, program and context: who is meant.
    pub(crate) fn identify(
        &self,
        epoch: Epoch,
        program: Option<ProgramDigest>,
        context: ContextDigest,
    ) -> Result<(), RejectReason> {
        let granted = self.epoch.ok_or(RejectReason::NoLease)?;
        if epoch != granted && !planted::on(Bug::EpochIgnored) {
            return Err(RejectReason::Epoch);
        }
        if program.is_some_and(|program| program != self.program) && !planted::on(Bug::ProgramIgnored) {
            return Err(RejectReason::Program);
        }
        if self.context != Some(context) && !planted::on(Bug::ContextIgnored) {
            return Err(RejectReason::Context);
        }
        Ok(())
    }
}

/// Judges a chunk by everything that does not depend on its factors. Returns its basis' instant of sending and
/// its deadline.
///
/// # Errors
/// The first [`RejectReason`] that applies, in the order: lease, epoch, program, context, arming, sequence,
/// basis, age, range.
pub(crate) fn judge(
    head: &ChunkHead,
    range: PlanView<'_>,
    standing: &Standing,
    sent: &SentRing,
) -> Result<(Instant, Deadline), RejectReason> {
    standing.identify(head.epoch, Some(head.program), head.context)?;
    if !standing.permitted {
        return Err(RejectReason::NotArmed);
    }
    let repeats = planted::on(Bug::SequenceMayRepeat) && head.sequence == standing.newest;
    if head.sequence <= standing.newest && !repeats && !planted::on(Bug::SequenceIgnored) {
        return Err(RejectReason::Sequence);
    }
    let known = sent.sent_at(head.basis).filter(|at| *at == head.basis_sent_at);
    let known = known.or(planted::on(Bug::BasisIgnored).then_some(standing.now));
    let sent_at = known.ok_or(RejectReason::Basis)?;
    let lives = head.time_to_live.min(standing.time_to_live_max);
    let lives = if planted::on(Bug::TimeToLiveUncapped) { head.time_to_live } else { lives };
    let from = if planted::on(Bug::TimeToLiveFromArrival) { standing.now } else { sent_at };
    let deadline = Deadline::at(from.after(lives));
    if deadline.has_passed(standing.now) && !planted::on(Bug::DeadlineIgnored) {
        return Err(RejectReason::Expired);
    }
    let outside = range.to() <= standing.behind || range.from() >= standing.reach_end;
    if outside && !planted::on(Bug::WindowIgnored) {
        return Err(RejectReason::Window);
    }
    Ok((sent_at, deadline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_knows_what_was_sent_and_forgets_the_oldest() {
        let mut ring = SentRing::new();
        assert_eq!(ring.sent_at(SampleSequence(1)), None);
        let batches = SENT_BATCHES_MAX as u64 + 10;
        for batch in 0..batches {
            ring.push(SampleSequence(3 * batch + 1), SampleSequence(3 * batch + 2), Instant::from_ns(batch));
        }
        let newest = batches - 1;
        assert_eq!(ring.sent_at(SampleSequence(3 * newest + 2)), Some(Instant::from_ns(newest)));
        assert_eq!(ring.sent_at(SampleSequence(3 * newest + 3)), None, "never sent");
        assert_eq!(ring.sent_at(SampleSequence(3 * 10 + 1)), Some(Instant::from_ns(10)));
        assert_eq!(ring.sent_at(SampleSequence(3 * 9 + 1)), None, "forgotten");
        ring.clear();
        assert_eq!(ring.sent_at(SampleSequence(3 * newest + 2)), None);
    }
}
