//! Where jerk is limited: legs between anchors.

use super::Track;
use crate::motion::anchors::{Anchor, Link, Planner, look_back, look_forth};
use crate::motion::smooth::{Mark, Smooth};

/// Full ramps between what is settled and the end: one up, one down.
const RAMPS: f64 = 2.0;

/// Legs and their phases over the stretches of a track. Indices are those of stretches.
#[derive(Clone, Debug, Default)]
pub(super) struct Smoothly {
    planner: Planner,
    /// Speed at which each border is an anchor for what lies behind it.
    limits: Vec<f64>,
    places_mm: Vec<f64>,
    /// When each stretch begins.
    times_s: Vec<f64>,
    legs: Vec<Leg>,
    smooth: Smooth,
    /// First stretch that may be planned again, and the speed there, which stands. Since the last standstill at
    /// the earliest.
    open: usize,
    open_mm_s: f64,
    /// Working memory.
    anchors: Vec<Anchor>,
}

/// The beginning of a leg or of a wait.
#[derive(Clone, Copy, Debug)]
struct Leg {
    cell: usize,
    speed_mm_s: f64,
    mark: Mark,
}

impl Smoothly {
    /// Plans what the track has more, and what that changes.
    pub(super) fn extend(&mut self, track: &Track) {
        let (known, count) = (self.limits.len(), track.links.len());
        self.limits.resize(count, f64::INFINITY);
        self.places_mm.extend(track.cells[known..].iter().map(|cell| cell.start.as_mm()));
        for cell in known..count {
            let Some(still_s) = track.cells[cell].still_s else {
                continue;
            };
            self.plan(track, known, cell);
            self.legs.push(Leg { cell, speed_mm_s: 0.0, mark: self.smooth.mark() });
            self.times_s.push(self.smooth.end_s());
            self.smooth.wait(self.places_mm[cell], still_s);
            (self.open, self.open_mm_s) = (cell + 1, 0.0);
        }
        self.plan(track, known, count);
    }

    /// Plans from what is open to rest at the end of a stretch. Those before `known` have been planned before.
    fn plan(&mut self, track: &Track, known: usize, end: usize) {
        let mut trusted = known;
        while self.open < end {
            let links = &track.links[self.open..end];
            let old = trusted.saturating_sub(self.open);
            let changed = self.open + look_back(links, &mut self.limits[self.open..end], old, 0.0);
            // From the last anchor before the change on; the first open one stands in any case.
            let kept = self.legs.partition_point(|leg| leg.cell < changed);
            let from = kept.checked_sub(1).filter(|leg| self.legs[*leg].cell >= self.open);
            let first = from
                .map_or(Leg { cell: self.open, speed_mm_s: self.open_mm_s, mark: self.smooth.mark() }, |leg| {
                    self.legs[leg]
                });
            self.anchors.clear();
            let start = Anchor { border: first.cell - self.open, speed_mm_s: first.speed_mm_s };
            look_forth(links, &self.limits[self.open..end], start, |anchor| self.anchors.push(anchor));
            self.anchors.push(Anchor { border: end - self.open, speed_mm_s: 0.0 });
            let aim = self.anchors[0];
            if first.cell > self.open
                || aim.speed_mm_s >= first.speed_mm_s
                || self.planner.fits(&links[..aim.border], first.speed_mm_s, aim.speed_mm_s)
            {
                self.legs.truncate(from.unwrap_or(self.legs.len()));
                self.smooth.rewind(first.mark);
                self.times_s.truncate(first.cell);
                return self.ride(track, start, end);
            }
            // No room for the new plan where the old one stands: the old one ends in standstill, so one of its
            // legs more is always possible.
            let next = from.and_then(|leg| self.legs.get(leg + 1));
            (self.open, self.open_mm_s) = next.map_or((known, 0.0), |leg| (leg.cell, leg.speed_mm_s));
            trusted = 0;
        }
    }

    /// Rides from an anchor over those that have been found.
    fn ride(&mut self, track: &Track, mut from: Anchor, end: usize) {
        let links = &track.links[self.open..end];
        let places_mm = &self.places_mm[self.open..end];
        for &to in &self.anchors {
            let (speed_mm_s, mark) = (from.speed_mm_s, self.smooth.mark());
            self.legs.push(Leg { cell: self.open + from.border, speed_mm_s, mark });
            let ride = self.planner.ride(&links[from.border..to.border], speed_mm_s, to.speed_mm_s);
            self.smooth.take(&ride, speed_mm_s, &places_mm[from.border..to.border], &mut self.times_s);
            from = to;
        }
    }

    /// Makes history up to the end of the leg before a border; returns how many stretches are needed no more for
    /// one that is.
    pub(super) fn pass(&mut self, track: &Track, border: usize, needed: usize) -> usize {
        let next = self.legs.partition_point(|leg| leg.cell < border);
        let end = self.legs.get(next).map_or((track.cells.len(), 0.0), |leg| (leg.cell, leg.speed_mm_s));
        if end.0 > self.open {
            (self.open, self.open_mm_s) = end;
        }
        let holds = self.legs.partition_point(|leg| leg.cell <= needed);
        holds.checked_sub(1).map_or(0, |leg| self.legs[leg].cell)
    }

    pub(super) fn forget(&mut self, count: usize) {
        let legs = self.legs.partition_point(|leg| leg.cell < count);
        self.legs.drain(..legs);
        let phases = self.legs.first().map_or(0, |leg| leg.mark.timed);
        self.smooth.forget(phases);
        for leg in &mut self.legs {
            leg.cell -= count;
            leg.mark.timed -= phases;
        }
        self.limits.drain(..count);
        self.places_mm.drain(..count);
        self.times_s.drain(..count);
        self.open -= count;
    }

    /// The last anchor from which two full ramps fit before the end, and which is the same whether the machine is to
    /// stand there or passes at full speed.
    pub(super) fn settled(&self, track: &Track) -> usize {
        let links = &track.links[self.open..];
        let Some(count) = beyond_ramps(links) else {
            return self.open;
        };
        let mut limits = self.limits[self.open..].to_vec();
        let full_mm_s = links[links.len() - 1].cap_mm_s;
        let same = look_back(links, &mut limits, links.len(), full_mm_s) - 1;
        let leg = self.legs.partition_point(|leg| leg.cell <= self.open + same.min(count));
        leg.checked_sub(1).map_or(self.open, |leg| self.legs[leg].cell.max(self.open))
    }

    pub(super) fn start_s(&self, index: usize) -> f64 {
        self.times_s[index]
    }

    pub(super) fn end_s(&self) -> f64 {
        self.smooth.end_s()
    }

    pub(super) fn at_mm(&self, place_mm: f64) -> (f64, f64) {
        self.smooth.at_mm(place_mm)
    }

    pub(super) fn place_mm(&self, time_s: f64) -> f64 {
        self.smooth.place_mm(time_s)
    }
}

/// How many links lie before the last ones on which the machine can speed up fully and brake again.
fn beyond_ramps(links: &[Link]) -> Option<usize> {
    let (mut length_mm, mut fastest_mm_s) = (0.0, 0.0f64);
    let mut tightest = links.last()?.bounds;
    for (index, link) in links.iter().enumerate().rev() {
        tightest = tightest.least(link.bounds);
        length_mm += link.length_mm;
        fastest_mm_s = fastest_mm_s.max(link.cap_mm_s);
        if length_mm >= RAMPS * tightest.ramp_mm(0.0, fastest_mm_s) {
            return Some(index);
        }
    }
    None
}
