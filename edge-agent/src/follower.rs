//! What the edge holds: the baseline for the whole program and the admitted plan for the next stretch.
//!
//! The admitted plan is rebuilt with every chunk into a second buffer and swapped, so that a chunk that turns
//! out to be inadmissible half way leaves no trace. The newest chunk wins on its own stretch beyond the commit
//! end; inside, the slower of both stands. Where neither a plan nor a chunk says anything the baseline fills
//! in, so that nothing is guessed and nothing has gaps. Both buffers have their size from the beginning.

use shared::ident::{ContextDigest, PlanSequence};
use shared::motion::Station;
use shared::plan::{Binding, Envelope, Override, OverridePlan, PlanView, Reason, Span};
use shared::planted::{self, Bug};
use shared::time::{Deadline, Duration, Instant};
use shared::units::Length;
use shared::wire::{BaselinePart, CHUNK_SPANS_MAX};

/// Most spans of the admitted plan; beyond it neighbours are joined at the lower factor.
pub(crate) const PLAN_SPANS_MAX: usize = 3 * CHUNK_SPANS_MAX;
/// How much admitted plan is kept behind the tool, for a fix that widens backwards.
const BEHIND: Length = Length::mm(20.0);

/// Most pieces looked at for a hold in one cycle.
const HOLD_PIECES_MAX: usize = 1024;

/// The newest admitted chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Admitted {
    pub(crate) sequence: PlanSequence,
    pub(crate) time_to_live: Duration,
    pub(crate) basis_sent_at: Instant,
    pub(crate) deadline: Deadline,
}

/// Where a chunk is merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MergeBounds {
    /// The tool is not before this.
    pub(crate) behind: Station,
    /// Nothing before this is raised.
    pub(crate) commit_end: Station,
    /// Nothing from here on is taken.
    pub(crate) reach_end: Station,
}

/// What a merge did to the chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merge {
    /// A factor was pulled into the envelope or lowered inside the commit distance, or the end was cut off.
    pub(crate) clamped: bool,
    /// At least one stretch follows the chunk.
    pub(crate) taken: bool,
}

/// A stretch on which what is held does not change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) factor: Override,
    pub(crate) binding: Binding,
    /// First station no longer part of it.
    pub(crate) to: Station,
}

impl Piece {
    /// True where the feed is to be held: what lies here would touch.
    pub(crate) fn is_hold(&self) -> bool {
        self.factor == Override::STOP && self.binding.reason == Reason::Collision
    }
}

/// What holds at each station: plan, else baseline, else the value without us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) plan: Option<PlanView<'a>>,
    pub(crate) baseline: Option<PlanView<'a>>,
    pub(crate) without_us: Override,
    /// Holds before this were seen to by the operator.
    pub(crate) holds_seen_to: Station,
}

impl Held<'_> {
    /// What holds at a station, and up to where. O(log n).
    pub(crate) fn at(&self, station: Station) -> Piece {
        let piece = self.as_planned(station);
        if station >= self.holds_seen_to || !piece.is_hold() {
            return piece;
        }
        Piece { factor: self.without_us, ..piece }
    }

    fn as_planned(&self, station: Station) -> Piece {
        if let Some(span) = self.plan.and_then(|plan| plan.span_at(station)) {
            return Piece { factor: span.factor, binding: span.binding, to: span.to };
        }
        let until =
            self.plan.map_or(Station::MAX, |plan| if station < plan.from() { plan.from() } else { Station::MAX });
        match self.baseline.and_then(|baseline| baseline.span_at(station)) {
            Some(span) => Piece { factor: span.factor, binding: span.binding, to: span.to.min(until) },
            None => Piece { factor: self.without_us, binding: Binding::plain(Reason::Programmed), to: until },
        }
    }

    /// The first hold that touches a stretch, whole, as (from, to); at most [`HOLD_PIECES_MAX`] pieces are looked at. A
    /// plan changes its factor by the slew limit at most, so a stretch of braking has far fewer.
    pub(crate) fn hold_within(&self, from: Station, to: Station) -> Option<(Station, Station)> {
        let (mut at, mut found) = (from, None);
        for _ in 0..HOLD_PIECES_MAX {
            let piece = self.at(at);
            match (piece.is_hold(), found) {
                (true, _) => found = Some((found.map_or(at, |(first, _)| first), piece.to)),
                (false, Some(_)) => return found,
                (false, None) if piece.to > to => return None,
                (false, None) => {}
            }
            at = piece.to;
        }
        found
    }
}

/// Baseline and admitted plan.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    without_us: Override,
    baseline: Option<OverridePlan>,
    assembling: Vec<Span>,
    parts_have: u32,
    parts_count: Option<u32>,
    front: Vec<Span>,
    back: Vec<Span>,
    admitted: Option<Admitted>,
    holds_seen_to: Station,
}

impl Follower {
    pub(crate) fn new(without_us: Override) -> Self {
        let buffer = || Vec::with_capacity(PLAN_SPANS_MAX);
        Self {
            without_us,
            baseline: None,
            assembling: Vec::new(),
            parts_have: 0,
            parts_count: None,
            front: buffer(),
            back: buffer(),
            admitted: None,
            holds_seen_to: Station::START,
        }
    }

    /// A new lease: the plan of the old one is void, a complete baseline is kept until its successor is
    /// complete.
    pub(crate) fn begin_session(&mut self) {
        if !planted::on(Bug::SessionKeepsPlan) {
            self.admitted = None;
            self.front.clear();
        }
        self.assembling.clear();
        (self.parts_have, self.parts_count) = (0, None);
    }

    /// The context changed: neither plan nor baseline holds.
    pub(crate) fn clear(&mut self) {
        self.begin_session();
        self.baseline = None;
    }

    /// How many parts of the baseline lie here without a gap.
    pub(crate) fn parts_have(&self) -> u32 {
        self.parts_have
    }

    /// Takes the next part; parts that are not the next are left out and will be sent again. Returns true
    /// when the baseline became complete with it: it begins at the start and covers the path to its end.
    pub(crate) fn handle_part(&mut self, part: BaselinePart, context: ContextDigest, path_end: Station) -> bool {
        let count = *self.parts_count.get_or_insert(part.count);
        let spans = part.plan.spans();
        let continues = match self.assembling.last() {
            Some(last) => last.to == spans[0].from,
            None => spans[0].from == Station::START,
        };
        let fits = self.assembling.len() + spans.len() <= OverridePlan::SPANS_MAX;
        if part.context != context || part.count != count || part.index != self.parts_have || !continues || !fits {
            return false;
        }
        self.assembling.extend_from_slice(spans);
        self.parts_have += 1;
        let early = planted::on(Bug::SessionBaselineEarly);
        if self.parts_have < count && !early {
            return false;
        }
        let complete = OverridePlan::new(std::mem::take(&mut self.assembling)).ok();
        let Some(baseline) = complete.filter(|baseline| baseline.to() >= path_end || early) else {
            (self.parts_have, self.parts_count) = (0, None);
            return false;
        };
        self.baseline = Some(baseline);
        true
    }

    /// The operator has seen to what would touch before a station: it does not hold again in this run.
    pub(crate) fn see_to_holds(&mut self, before: Station) {
        self.holds_seen_to = self.holds_seen_to.max(before);
    }

    /// The program is over: the next run begins with every hold.
    pub(crate) fn forget_holds_seen_to(&mut self) {
        self.holds_seen_to = Station::START;
    }

    pub(crate) fn admitted(&self) -> Option<Admitted> {
        self.admitted
    }

    /// True while the admitted plan may be used.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        self.admitted.is_some_and(|admitted| !admitted.deadline.has_passed(now) || planted::on(Bug::ExpiredPlanUsed))
    }

    /// Up to where the fresh plan reaches; the start without one.
    pub(crate) fn horizon(&self, now: Instant) -> Station {
        match self.front.last() {
            Some(span) if self.is_fresh(now) => span.to,
            _ => Station::START,
        }
    }

    /// What holds now.
    pub(crate) fn held(&self, now: Instant) -> Held<'_> {
        Held { plan: self.fresh(now), ..self.held_without_plan() }
    }

    /// What holds where no plan may be used.
    pub(crate) fn held_without_plan(&self) -> Held<'_> {
        let baseline = self.baseline.as_ref().map(OverridePlan::view);
        Held { plan: None, baseline, without_us: self.without_us, holds_seen_to: self.holds_seen_to }
    }

    /// Lengthens the life of the admitted plan; never shortens it.
    pub(crate) fn refresh(&mut self, basis_sent_at: Instant) {
        if let Some(admitted) = &mut self.admitted {
            let deadline = Deadline::at(basis_sent_at.after(admitted.time_to_live));
            admitted.deadline = admitted.deadline.max(deadline);
            admitted.basis_sent_at = admitted.basis_sent_at.max(basis_sent_at);
        }
    }

    /// Merges a chunk into the back buffer. Allocates nothing.
    pub(crate) fn merge(
        &mut self,
        now: Instant,
        chunk: PlanView<'_>,
        bounds: MergeBounds,
        envelope: &Envelope,
    ) -> Merge {
        let mut back = std::mem::take(&mut self.back);
        back.clear();
        let held = self.held(now);
        let end = chunk.to().min(bounds.reach_end);
        let mut merge = Merge { clamped: end < chunk.to(), taken: false };
        // What is held beyond the chunk stays: a chunk speaks for its own stretch only.
        let stop = held.plan.map_or(end, |plan| plan.to().max(end));
        let mut at = bounds.behind.advanced(-BEHIND);
        while at < stop {
            let piece = held.at(at);
            let Some(span) = chunk.span_at(at).filter(|_| at < end) else {
                if at >= end && back.len() == PLAN_SPANS_MAX {
                    break;
                }
                let until = if at < chunk.from() { chunk.from().min(stop) } else { stop };
                let to = piece.to.min(until);
                append(&mut back, at, to, piece.factor, piece.binding);
                at = to;
                continue;
            };
            let factor = enveloped(span.factor, envelope);
            merge.clamped |= factor != span.factor;
            let inside = at < bounds.commit_end;
            let to = if inside { span.to.min(piece.to).min(bounds.commit_end) } else { span.to }.min(end);
            if inside && factor > piece.factor {
                append(&mut back, at, to, piece.factor, piece.binding);
                merge.clamped = true;
            } else {
                append(&mut back, at, to, factor, span.binding);
                // Inside the commit distance equal is nothing new; slower is.
                merge.taken |= !inside || factor < piece.factor;
            }
            at = to;
        }
        self.back = back;
        merge
    }

    /// Makes the merged plan the admitted one.
    pub(crate) fn swap(&mut self, admitted: Admitted) {
        std::mem::swap(&mut self.front, &mut self.back);
        self.admitted = Some(admitted);
    }

    fn fresh(&self, now: Instant) -> Option<PlanView<'_>> {
        // The front buffer was contiguous when it was built; checking it again each cycle would cost O(n).
        if self.is_fresh(now) { PlanView::of_checked(&self.front) } else { None }
    }
}

/// A factor inside the envelope; zero, which holds, stays zero.
fn enveloped(factor: Override, envelope: &Envelope) -> Override {
    if factor == Override::STOP { factor } else { factor.clamp(envelope.factor_min, envelope.factor_max) }
}

/// Appends a stretch. Equal neighbours are joined; in a full buffer the last stretch grows at the lower factor.
fn append(spans: &mut Vec<Span>, from: Station, to: Station, factor: Override, binding: Binding) {
    if from >= to {
        return;
    }
    let full = spans.len() == PLAN_SPANS_MAX;
    match spans.last_mut() {
        Some(last) if last.factor == factor && last.binding == binding => last.to = to,
        Some(last) if full => {
            if factor < last.factor {
                (last.factor, last.binding) = (factor, binding);
            }
            last.to = to;
        }
        _ => spans.push(Span { from, to, factor, binding }),
    }
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
