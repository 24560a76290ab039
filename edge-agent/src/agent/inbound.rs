//! What the cloud says, judged.

use shared::ident::{Epoch, PlanSequence};
use shared::motion::Station;
use shared::plan::{Admission, KeepAlive, PlanView, RejectReason};
use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};
use shared::wire::{Accept, BaselinePart, ChunkHead, Frame, Message, MessageKind, Progress};

use super::{Agent, Switch};
use crate::blackbox::Event;
use crate::config::{Arming, Trust};
use crate::follower::{Admitted, MergeBounds};
use crate::gate::{Standing, judge};
use crate::guard::Condition;
use crate::handoff;
use crate::session::Phase;

/// Window over which damaged and foreign messages are counted.
const FORGED_WINDOW: Duration = Duration::from_ms(60_000);

/// Bytes from the transport.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// When they arrived, which may lie before the call.
    pub received_at: Instant,
    /// One whole message.
    pub bytes: &'a [u8],
}

/// How often which reason rejected a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rejects {
    counts: [u64; RejectReason::ALL.len()],
    session: u32,
    last: Option<RejectReason>,
    window_from: Instant,
    forged: u32,
}

impl Rejects {
    pub(super) fn new(now: Instant) -> Self {
        Self { counts: [0; RejectReason::ALL.len()], session: 0, last: None, window_from: now, forged: 0 }
    }

    pub(super) fn begin_session(&mut self) {
        (self.session, self.last) = (0, None);
    }

    pub(super) fn forgive(&mut self, now: Instant) {
        (self.window_from, self.forged) = (now, 0);
    }

    pub(super) fn count(&self, reason: RejectReason) -> u64 {
        self.counts[reason as usize]
    }

    pub(super) fn in_session(&self) -> (u32, Option<RejectReason>) {
        (self.session, self.last)
    }

    /// Counts one. Returns how many damaged or foreign messages this minute has seen.
    fn push(&mut self, now: Instant, reason: RejectReason) -> u32 {
        self.counts[reason as usize] += 1;
        self.session = self.session.saturating_add(1);
        self.last = Some(reason);
        if now.since(self.window_from) >= FORGED_WINDOW {
            self.forgive(now);
        }
        if matches!(reason, RejectReason::Malformed | RejectReason::Version | RejectReason::Signature)
            && !planted::on(Bug::ForgedNotCounted)
        {
            self.forged = self.forged.saturating_add(1);
        }
        self.forged
    }
}

impl Agent {
    /// Takes in one message that arrived just now.
    pub fn handle_message(&mut self, now: Instant, bytes: &[u8]) {
        self.handle_inbound(now, Inbound { received_at: now, bytes });
    }

    /// Takes in one message. Allocates nothing for plan chunks and keep-alives; parts of a baseline do.
    pub fn handle_inbound(&mut self, now: Instant, inbound: Inbound<'_>) {
        let frame = match Frame::open(inbound.bytes) {
            Ok(frame) => frame,
            Err(error) => return self.reject(now, error.reject_reason()),
        };
        if !self.believes(&frame) {
            return self.reject(now, RejectReason::Signature);
        }
        let outcome = if frame.kind() == MessageKind::Plan {
            self.handle_chunk(now, inbound.received_at, &frame)
        } else {
            match frame.message() {
                Ok(message) => self.handle_other(now, message),
                Err(error) => Err(error.reject_reason()),
            }
        };
        match outcome {
            Ok(()) => self.session.heard(now),
            Err(reason) => self.reject(now, reason),
        }
    }

    /// Whether a message was sent by whom it should. Allocates nothing.
    fn believes(&self, frame: &Frame<'_>) -> bool {
        match self.config.trust {
            Trust::Sealed(key) => key.check(&self.job.machine, frame) || planted::on(Bug::SealIgnored),
            Trust::Observer | Trust::Unsigned => true,
        }
    }

    fn reject(&mut self, now: Instant, reason: RejectReason) {
        self.blackbox.push(now, Event::Rejected { reason });
        if self.rejects.push(now, reason) > self.config.forged_per_minute_max {
            self.raise(now, Condition::ForgedMessages);
        }
    }

    fn handle_other(&mut self, now: Instant, message: Message) -> Result<(), RejectReason> {
        match message {
            Message::Accept(accept) => self.handle_accept(now, &accept),
            Message::Refuse(refuse) => {
                self.check_epoch(refuse.epoch)?;
                self.enter(now, Phase::Refused);
                Ok(())
            }
            Message::Progress(progress) => self.handle_progress(now, progress),
            Message::BaselinePart(part) => self.handle_part(now, part),
            Message::KeepAlive(keep_alive) => self.handle_keep_alive(now, &keep_alive),
            // Messages of the other direction, and chunks, which have a way of their own.
            Message::Offer(_)
            | Message::OfferPart(_)
            | Message::State(_)
            | Message::Close { .. }
            | Message::Plan(_) => Err(RejectReason::Malformed),
        }
    }

    fn check_epoch(&self, epoch: Epoch) -> Result<(), RejectReason> {
        match self.lease.epoch() {
            None => Err(RejectReason::NoLease),
            Some(granted) if granted != epoch => Err(RejectReason::Epoch),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn enter(&mut self, now: Instant, phase: Phase) {
        if self.session.phase() != phase {
            self.session.enter(phase);
            self.blackbox.push(now, Event::Phase { phase });
        }
    }

    /// The digests the cloud found must be ours, every one; otherwise nothing it plans is for this machine.
    fn handle_accept(&mut self, now: Instant, accept: &Accept) -> Result<(), RejectReason> {
        self.check_epoch(accept.epoch)?;
        let reason = if planted::on(Bug::SessionAnyDigest) {
            None
        } else if accept.program != self.job.program {
            Some(RejectReason::Program)
        } else if accept.context != self.job.context || accept.path != self.job.path.digest() {
            Some(RejectReason::Context)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.enter(now, Phase::Mismatch);
            self.follower.clear();
            self.raise(now, Condition::ContextWrong);
            return Err(reason);
        }
        if self.session.phase() == Phase::Opening {
            self.enter(now, Phase::Computing { done_permille: 0 });
        }
        Ok(())
    }

    fn handle_progress(&mut self, now: Instant, progress: Progress) -> Result<(), RejectReason> {
        self.check_epoch(progress.epoch)?;
        if let Phase::Computing { done_permille } = self.session.phase() {
            // Every step of it in the trace would say nothing; the status has the newest.
            let done_permille = progress.done_permille.max(done_permille);
            self.session.enter(Phase::Computing { done_permille });
        }
        self.session.postpone(now, &self.config);
        Ok(())
    }

    fn handle_part(&mut self, now: Instant, part: BaselinePart) -> Result<(), RejectReason> {
        self.check_epoch(part.epoch)?;
        if !self.session.is_accepted() || part.context != self.job.context {
            return Err(RejectReason::Context);
        }
        if self.follower.handle_part(part, self.job.context, self.job.path.end()) {
            self.enter(now, Phase::Ready);
        }
        Ok(())
    }

    fn standing(&self, now: Instant) -> Standing {
        let fix = self.locator.fix();
        let armed = self.config.arming == Arming::Shadow || self.switch == Switch::Armed;
        Standing {
            now,
            epoch: self.lease.epoch(),
            program: self.job.program,
            context: self.session.is_accepted().then_some(self.job.context),
            permitted: (armed && !self.guard.is_latched()) || planted::on(Bug::ArmingIgnored),
            newest: self.newest_chunk,
            behind: fix.station.advanced(-fix.uncertainty),
            reach_end: fix.station.advanced(fix.uncertainty + self.config.envelope.reach_max),
            time_to_live_max: self.config.plan_time_to_live_max,
        }
    }

    fn handle_chunk(&mut self, now: Instant, received_at: Instant, frame: &Frame<'_>) -> Result<(), RejectReason> {
        let mut spans = std::mem::take(&mut self.chunk_spans);
        let outcome = match frame.chunk_into(&mut spans) {
            Ok(head) => match PlanView::new(&spans) {
                Ok(chunk) => self.admit(now, received_at, &head, chunk),
                Err(_) => Err(RejectReason::Malformed),
            },
            Err(error) => Err(error.reject_reason()),
        };
        self.chunk_spans = spans;
        outcome
    }

    fn admit(
        &mut self,
        now: Instant,
        received_at: Instant,
        head: &ChunkHead,
        chunk: PlanView<'_>,
    ) -> Result<(), RejectReason> {
        let standing = self.standing(now);
        let judged = judge(head, chunk, &standing, &self.sent);
        // Once identified, a number is used up: nothing older than it may be admitted any more.
        let foreign = [
            RejectReason::NoLease,
            RejectReason::Epoch,
            RejectReason::Program,
            RejectReason::Context,
            RejectReason::Basis,
        ];
        let is_ours = !matches!(judged, Err(reason) if foreign.contains(&reason));
        if is_ours && !planted::on(Bug::NewestNotRemembered) {
            self.newest_chunk = self.newest_chunk.max(head.sequence);
        }
        let slack = self.slack(now);
        let outcome = judged.and_then(|(basis_sent_at, deadline)| {
            let bounds = MergeBounds {
                behind: standing.behind,
                commit_end: self.commit_end(now),
                reach_end: standing.reach_end,
            };
            let merge = self.follower.merge(now, chunk, bounds, &self.config.envelope);
            if !merge.taken && merge.clamped {
                return Err(RejectReason::Committed);
            }
            let uncapped = planted::on(Bug::TimeToLiveUncapped);
            let time_to_live =
                if uncapped { head.time_to_live } else { head.time_to_live.min(self.config.plan_time_to_live_max) };
            self.follower.swap(Admitted { sequence: head.sequence, time_to_live, basis_sent_at, deadline });
            Ok(if merge.clamped { Admission::Clamped } else { Admission::Admitted })
        });
        let verdict = outcome.unwrap_or_else(Admission::Rejected);
        let horizon = self.follower.horizon(now);
        let (sequence, basis) = (head.sequence, head.basis);
        self.blackbox.push(now, Event::Judged { sequence, basis, verdict, horizon });
        if outcome.is_ok() {
            let network = self.round_trip.observe(head.basis_sent_at, received_at, head.stamps.total);
            self.handoff.admitted(
                now,
                &handoff::Admission {
                    basis,
                    basis_sent_at: head.basis_sent_at,
                    received_at,
                    to: chunk.to().min(standing.reach_end),
                    stamps: head.stamps,
                    network,
                    slack,
                },
            );
        }
        outcome.map(|_| ())
    }

    /// Refreshes the admitted plan where the cloud still stands behind it; never extends it.
    fn handle_keep_alive(&mut self, now: Instant, keep_alive: &KeepAlive) -> Result<(), RejectReason> {
        let standing = self.standing(now);
        let context = if planted::on(Bug::KeepAliveAnyContext) { self.job.context } else { keep_alive.context };
        standing.identify(keep_alive.epoch, None, context)?;
        if keep_alive.sequence <= self.newest_keep_alive {
            return Err(RejectReason::Sequence);
        }
        let sent_at = self.sent.sent_at(keep_alive.basis).ok_or(RejectReason::Basis)?;
        self.newest_keep_alive = keep_alive.sequence;
        let Some(admitted) = self.follower.admitted() else {
            return Ok(());
        };
        if admitted.sequence < keep_alive.stands_behind && !planted::on(Bug::KeepAliveStandsBehindAll) {
            return Err(RejectReason::Sequence);
        }
        // A plan that has expired stays so: only a new chunk, judged from where the tool is now, replaces it.
        let dead = admitted.deadline.has_passed(now) || now.since(sent_at) >= admitted.time_to_live;
        if dead && !planted::on(Bug::KeepAliveWakesTheDead) {
            return Err(RejectReason::Expired);
        }
        self.follower.refresh(sent_at);
        Ok(())
    }

    /// Up to here nothing may be raised: what the tool passes until a chunk could take effect.
    fn commit_end(&self, now: Instant) -> Station {
        if planted::on(Bug::CommitIgnored) {
            return Station::START;
        }
        let span = self.config.latency_bound.plus(self.config.lead);
        self.ahead(now, span)
    }

    pub(super) fn newest_admitted(&self) -> Option<PlanSequence> {
        self.follower.admitted().map(|admitted| admitted.sequence)
    }
}
