use shared::budget::WorkAllowance;
use shared::det::Rng;
use shared::ident::{ContextDigest, Epoch, PlanSequence, SampleSequence};
use shared::motion::Station;
use shared::plan::{Binding, KeepAlive, Override, OverridePlan, PlanChunk, Reason, Span, StageStamps};
use shared::time::{Duration, Instant};
use shared::wire::{Accept, BaselinePart, Message, Offer, PlanMessage, StateBatch};

use super::machine::LENGTH_MM;
use super::world::STRETCH_MM;
use crate::checkers::{ChunkRecord, KeepAliveRecord, Sent};

/// Life of a chunk from the sending of its basis.
pub(super) const LIFE: Duration = Duration::from_ms(400);
/// Signs of life: four in one life.
const KEEP_ALIVE: Duration = Duration::from_ms(80);
/// Wanted factors change each so many millimetres.
const PIECE_MM: usize = 10;
/// An answer is given again after this.
const ANSWER_AGAIN: Duration = Duration::from_ms(60);
/// Parts of the baseline.
const PARTS: u32 = 3;

/// The baseline, per mille by millimetres.
pub(super) fn baseline() -> Vec<u16> {
    (0..LENGTH_MM).map(|mm| if (300..350).contains(&mm) { 500 } else { 600 }).collect()
}

/// A plan from factors by millimetres; neighbours that are equal are one span.
pub(super) fn plan(from_mm: usize, factors: &[u16]) -> OverridePlan {
    let mut spans: Vec<Span> = Vec::new();
    for (index, &permille) in factors.iter().enumerate() {
        let mm = (from_mm + index) as f64;
        let factor = Override::from_permille(permille).unwrap_or(Override::PROGRAMMED);
        let to = Station::from_mm(mm + 1.0);
        match spans.last_mut() {
            Some(last) if last.factor == factor => last.to = to,
            _ => {
                let reason = if permille == 0 { Reason::Collision } else { Reason::ForcePeak };
                spans.push(Span { from: Station::from_mm(mm), to, factor, binding: Binding::plain(reason) });
            }
        }
    }
    OverridePlan::new(spans).expect("contiguous by construction")
}

/// A source of plans: draws them, and keeps the rules of the house otherwise.
#[derive(Debug)]
pub(super) struct Source {
    rng: Rng,
    pub(super) wanted: Vec<u16>,
    pub(super) offer: Option<Offer>,
    parts_have: u32,
    accepted: bool,
    pub(super) newest: Option<StateBatch>,
    pub(super) sequence: u64,
    stands_behind: u64,
    answered: Option<Instant>,
    keep_alive_at: Instant,
    refresh: bool,
    baseline_sent_at: Instant,
    /// Grants every chunk this instead of [`LIFE`].
    pub(super) life: Duration,
    /// Part of the path would touch.
    holds: bool,
}

impl Source {
    pub(super) fn new(rng: Rng, holds: bool) -> Self {
        let mut source = Self {
            rng,
            wanted: Vec::new(),
            offer: None,
            parts_have: 0,
            accepted: false,
            newest: None,
            sequence: 0,
            stands_behind: 0,
            answered: None,
            keep_alive_at: Instant::ORIGIN,
            refresh: false,
            baseline_sent_at: Instant::ORIGIN,
            life: LIFE,
            holds,
        };
        source.change_mind();
        source
    }

    /// Forgets everything but its plan.
    pub(super) fn restart(&mut self) {
        let wanted = std::mem::take(&mut self.wanted);
        *self = Self { wanted, ..Self::new(self.rng.fork("again"), self.holds) };
    }

    /// Wants other factors, and says so with the next message.
    pub(super) fn change_mind(&mut self) {
        let choice = [1000, 900, 900, 700, 400, 250];
        let pieces: Vec<u16> =
            (0..LENGTH_MM / PIECE_MM).map(|_| choice[self.rng.below(choice.len() as u64) as usize]).collect();
        self.wanted = (0..LENGTH_MM).map(|mm| self.held_or(mm, pieces[mm / PIECE_MM])).collect();
        self.refresh = true;
    }

    /// A factor, or 0 where the path would touch.
    fn held_or(&self, mm: usize, permille: u16) -> u16 {
        if self.holds && STRETCH_MM.contains(&mm) { 0 } else { permille }
    }

    pub(super) fn hear(&mut self, now: Instant, message: Message, say: &mut dyn FnMut(Message, Sent)) {
        match message {
            Message::Offer(offer) => {
                if self.offer.as_ref().is_some_and(|known| known.epoch == offer.epoch) && self.accepted {
                    self.accept(now, say);
                } else if self.offer.as_ref().is_none_or(|known| known.epoch < offer.epoch) {
                    (self.parts_have, self.accepted, self.newest, self.answered) = (0, false, None, None);
                    (self.sequence, self.stands_behind) = (0, 0);
                    self.offer = Some(offer);
                }
            }
            Message::OfferPart(part) => {
                let Some(offer) = &self.offer else { return };
                if part.epoch == offer.epoch && part.index == self.parts_have && !self.accepted {
                    self.parts_have += 1;
                    if self.parts_have == offer.parts {
                        self.accepted = true;
                        self.accept(now, say);
                    }
                }
            }
            Message::State(batch) if self.accepted && self.epoch() == Some(batch.epoch) => {
                self.answer(now, batch, say);
            }
            Message::Close { epoch } if self.epoch() == Some(epoch) => self.accepted = false,
            _ => {}
        }
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.offer.as_ref().map(|offer| offer.epoch)
    }

    fn accept(&mut self, now: Instant, say: &mut dyn FnMut(Message, Sent)) {
        let Some(Offer { epoch, program, context, path, .. }) = self.offer.clone() else { return };
        say(Message::Accept(Accept { epoch, program, context, path }), Sent::Accept(epoch.0, true));
        self.send_baseline(now, 0, say);
    }

    fn send_baseline(&mut self, now: Instant, first: u32, say: &mut dyn FnMut(Message, Sent)) {
        self.baseline_sent_at = now;
        let Some(Offer { epoch, context, .. }) = self.offer.clone() else { return };
        let each = LENGTH_MM / PARTS as usize;
        let all: Vec<u16> = baseline().into_iter().enumerate().map(|(mm, factor)| self.held_or(mm, factor)).collect();
        for index in first..PARTS {
            let from = index as usize * each;
            let plan = plan(from, &all[from..from + each]);
            let part = BaselinePart { epoch, context, index, count: PARTS, plan };
            say(Message::BaselinePart(part), Sent::Part(epoch.0, index, PARTS));
        }
    }

    fn answer(&mut self, now: Instant, batch: StateBatch, say: &mut dyn FnMut(Message, Sent)) {
        let newer = |old: &StateBatch| {
            let last = |batch: &StateBatch| batch.samples.last().map(|sample| sample.sequence);
            last(&batch) > last(old)
        };
        if !self.newest.as_ref().is_none_or(newer) {
            return;
        }
        if batch.baseline_parts < PARTS && now.since(self.baseline_sent_at) > Duration::from_ms(300) {
            self.send_baseline(now, batch.baseline_parts, say);
        }
        let wants = batch.trigger && self.answered.is_none_or(|at| now.since(at) > ANSWER_AGAIN);
        let reach_mm = batch.trigger_reach.as_mm();
        let running = batch.admitted.is_some();
        self.newest = Some(batch);
        if wants || (self.refresh && running) {
            self.refresh = false;
            self.answered = Some(now);
            self.say_chunk(reach_mm, say);
        } else if now >= self.keep_alive_at && self.stands_behind > 0 {
            self.keep_alive_at = now.after(KEEP_ALIVE);
            if let Some((message, record)) = self.keep_alive(None) {
                say(message, record);
            }
        }
    }

    fn say_chunk(&mut self, reach_mm: f64, say: &mut dyn FnMut(Message, Sent)) {
        let Some(sample) = self.newest.as_ref().and_then(|batch| batch.samples.last().copied()) else { return };
        let from_mm = (sample.station.as_mm() as usize).min(LENGTH_MM - 1);
        let to_mm = ((reach_mm as usize).max(from_mm + 60) + 20).min(LENGTH_MM);
        let factors = self.wanted[from_mm..to_mm].to_vec();
        if let Some((message, record)) = self.chunk(from_mm, factors) {
            self.stands_behind = self.sequence;
            say(Message::Plan(message), Sent::Chunk(record));
        }
    }

    /// A chunk that rests on the newest sample, with its record.
    pub(super) fn chunk(&mut self, from_mm: usize, factors: Vec<u16>) -> Option<(PlanMessage, ChunkRecord)> {
        let sample = *self.newest.as_ref()?.samples.last()?;
        let offer = self.offer.as_ref()?;
        self.sequence += 1;
        let record = ChunkRecord {
            epoch: offer.epoch.0,
            sequence: self.sequence,
            basis: sample.sequence.0,
            life_ns: self.life.as_ns(),
            from_mm,
            factors,
        };
        let chunk = PlanChunk {
            epoch: offer.epoch,
            sequence: PlanSequence(self.sequence),
            program: offer.program,
            context: offer.context,
            basis: sample.sequence,
            time_to_live: self.life,
            plan: plan(from_mm, &record.factors),
            stamps: StageStamps { total: Duration::from_us(300), ..StageStamps::default() },
            work: WorkAllowance(1),
            removed_cells: 1,
        };
        Some((PlanMessage { basis_sent_at: sample.sent_at, chunk }, record))
    }

    /// A sign of life, for this context or another.
    pub(super) fn keep_alive(&mut self, context: Option<ContextDigest>) -> Option<(Message, Sent)> {
        let basis: SampleSequence = self.newest.as_ref()?.samples.last()?.sequence;
        let offer = self.offer.as_ref()?;
        self.sequence += 1;
        let record = KeepAliveRecord {
            epoch: offer.epoch.0,
            sequence: self.sequence,
            basis: basis.0,
            stands_behind: self.stands_behind,
        };
        let message = KeepAlive {
            epoch: offer.epoch,
            sequence: PlanSequence(self.sequence),
            basis,
            context: context.unwrap_or(offer.context),
            stands_behind: PlanSequence(self.stands_behind),
        };
        Some((Message::KeepAlive(message), Sent::KeepAlive(record)))
    }
}
