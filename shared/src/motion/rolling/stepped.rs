//! Where acceleration is stepped: one trapezoid for each stretch.

use super::Track;
use crate::det::ExactSum;
use crate::motion::anchors::Link;
use crate::motion::ramp::Ramp;

/// Speeds at the borders and times, one entry for each stretch.
#[derive(Clone, Debug, Default)]
pub(super) struct Stepwise {
    /// Square of the speed at the entry from which everything behind can be braked for.
    braked: Vec<f64>,
    /// Square of the speed at the entry.
    planned: Vec<f64>,
    /// Time of everything before.
    clock: Vec<ExactSum>,
    total: ExactSum,
    /// Index of the first stretch that may be planned again; the speed at its entry stands.
    open: usize,
}

impl Stepwise {
    /// Plans what the track has more, and what that changes.
    pub(super) fn extend(&mut self, track: &Track) {
        let (known, count) = (self.planned.len(), track.links.len());
        self.braked.resize(count, f64::INFINITY);
        let (mut exit, mut first) = (0.0, self.open);
        for index in (self.open..count).rev() {
            let link = &track.links[index];
            let entry = (exit + reach(link)).min(link.entry_mm_s * link.entry_mm_s);
            if index < known && entry == self.braked[index] {
                first = index;
                break;
            }
            (self.braked[index], exit) = (entry, entry);
        }
        if first >= count {
            return;
        }
        // The speed at the entry of the first one stands; at the very beginning it is rest.
        let begins = self.planned.get(first).copied().unwrap_or(0.0);
        let mut clock = self.clock.get(first).copied().unwrap_or(self.total);
        self.planned.truncate(first);
        self.planned.push(begins);
        let mut behind = begins + reach(&track.links[first]);
        for index in first + 1..count {
            // By way of the root, as the whole profile stores it: the same bits.
            let root = self.braked[index].sqrt();
            let entry = (root * root).min(behind);
            self.planned.push(entry);
            behind = entry + reach(&track.links[index]);
        }
        self.clock.truncate(first);
        for index in first..count {
            self.clock.push(clock);
            clock.add(track.cells[index].still_s.unwrap_or_else(|| self.ramp(track, index).time_s()));
        }
        self.total = clock;
    }

    /// Makes history up to a border; returns how many stretches are needed no more for one that is.
    pub(super) fn pass(&mut self, border: usize, needed: usize) -> usize {
        self.open = self.open.max(border);
        needed
    }

    pub(super) fn forget(&mut self, count: usize) {
        self.braked.drain(..count);
        self.planned.drain(..count);
        self.clock.drain(..count);
        self.open -= count;
    }

    /// The last border whose own limit binds although the machine is to stand at the end.
    pub(super) fn settled(&self, track: &Track) -> usize {
        let binds = |index: &usize| {
            let limit = track.links[*index].entry_mm_s;
            self.braked[*index] == limit * limit
        };
        (self.open..track.links.len()).rev().find(binds).unwrap_or(self.open)
    }

    pub(super) fn start_s(&self, index: usize) -> f64 {
        self.clock[index].total()
    }

    pub(super) fn end_s(&self) -> f64 {
        self.total.total()
    }

    pub(super) fn ramp(&self, track: &Track, index: usize) -> Ramp {
        let link = &track.links[index];
        let speed = |index: usize| self.planned.get(index).map_or(0.0, |square| square.sqrt());
        Ramp::new(link.length_mm, speed(index), speed(index + 1), link.cap_mm_s, link.bounds.acceleration_mm_s2)
    }
}

/// What the square of the speed can change by over a stretch.
fn reach(link: &Link) -> f64 {
    2.0 * link.bounds.acceleration_mm_s2 * link.length_mm
}
