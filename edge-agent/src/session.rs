//! The exchange that opens a session, as the edge sees it.
//!
//! The edge sends the offer and its parts, spaced, and the whole again after a while, until the cloud answers.
//! `Accept` names the digests the cloud found; only if all are ours does anything it sends later count. The
//! baseline follows in parts, acknowledged by a count in the state batches. Every session has its own epoch:
//! after silence, a stop of the controller or a refusal a new lease is needed, and everything begins again.

use shared::ident::{Digest, Epoch};
use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};
use shared::wire::{self, Message, MessageKind, OFFER_PART_BYTES_MAX, Offer, OfferPart};

use crate::config::{AgentConfig, AgentJob};

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No lease.
    NoLease,
    /// The offer is on its way.
    Opening,
    /// Accepted; the cloud computes and sends the baseline.
    Computing {
        /// Done, per mille.
        done_permille: u16,
    },
    /// Accepted, and the baseline lies here.
    Ready,
    /// The cloud refused the offer.
    Refused,
    /// The cloud found other digests than ours.
    Mismatch,
    /// The program has ended.
    Ended,
}

/// Offers, parts and their timing.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    phase: Phase,
    parts: u32,
    blob: Digest,
    /// 0 for the offer itself, then its parts.
    next_piece: u32,
    next_at: Instant,
    heard_at: Instant,
    closing: Option<Epoch>,
}

impl Session {
    pub(crate) fn new(job: &AgentJob) -> Self {
        Self {
            phase: Phase::NoLease,
            parts: job.offer.len().div_ceil(OFFER_PART_BYTES_MAX) as u32,
            blob: Digest::of(&job.offer),
            next_piece: 0,
            next_at: Instant::ORIGIN,
            heard_at: Instant::ORIGIN,
            closing: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// A lease was granted: the offer goes out at once.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.phase = Phase::Opening;
        (self.next_piece, self.next_at, self.heard_at) = (0, now, now);
    }

    /// The session ends; the cloud is told once.
    pub(crate) fn end(&mut self, phase: Phase, epoch: Option<Epoch>) {
        self.phase = phase;
        self.closing = epoch.or(self.closing);
    }

    /// The cloud has confirmed that it means what we mean.
    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self.phase, Phase::Computing { .. } | Phase::Ready)
    }

    /// A valid message of this session arrived.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// True where an accepted session has been silent for too long.
    pub(crate) fn is_silent(&self, now: Instant, limit: Duration) -> bool {
        self.is_accepted() && !planted::on(Bug::SessionNeverSilent) && now.since(self.heard_at) >= limit
    }

    /// The cloud has the whole offer and works on it: sending it again can wait.
    pub(crate) fn postpone(&mut self, now: Instant, config: &AgentConfig) {
        if self.phase == Phase::Opening && self.next_piece == 0 {
            self.next_at = now.after(config.offer_retry);
        }
    }

    /// When the next piece is due; `None` where nothing is.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        if self.closing.is_some() {
            return Some(Instant::ORIGIN);
        }
        if planted::on(Bug::SessionOffersOnce) && self.next_piece == 0 && self.next_at > self.heard_at {
            return None;
        }
        (self.phase == Phase::Opening).then_some(self.next_at)
    }

    /// Writes the next piece that is due.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        epoch: Option<Epoch>,
        config: &AgentConfig,
        job: &AgentJob,
        out: &mut Vec<u8>,
    ) -> Option<MessageKind> {
        let message = if let Some(epoch) = self.closing.take() {
            Message::Close { epoch }
        } else {
            self.next_at().filter(|at| now >= *at)?;
            self.piece(now, epoch?, config, job)
        };
        wire::encode(&message, out).ok().map(|()| message.kind())
    }

    fn piece(&mut self, now: Instant, epoch: Epoch, config: &AgentConfig, job: &AgentJob) -> Message {
        let piece = self.next_piece;
        let last = piece == self.parts;
        self.next_piece = if last { 0 } else { piece + 1 };
        self.next_at = now.after(if last { config.offer_retry } else { config.offer_part_spacing });
        let Some(index) = piece.checked_sub(1) else {
            return Message::Offer(Offer {
                epoch,
                machine: job.machine.clone(),
                program: job.program,
                context: job.context,
                path: job.path.digest(),
                parts: self.parts,
                bytes: job.offer.len() as u64,
                blob: self.blob,
                time_scale: config.time_scale,
            });
        };
        let from = index as usize * OFFER_PART_BYTES_MAX;
        let to = job.offer.len().min(from + OFFER_PART_BYTES_MAX);
        Message::OfferPart(OfferPart { epoch, index, bytes: job.offer[from..to].to_vec() })
    }
}
