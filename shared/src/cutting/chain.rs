//! Neighbouring groups of the edge whose ends meet.
//!
//! On a cylinder the upper end of one group and the lower end of the next lie at the same lag and draw the same
//! chip: what leaves through the one enters through the other, and only where they differ in material does the
//! force change. A chain holds such groups; where two of them meet, what they have in common cancels, so that a
//! deep cut costs little more than a shallow one. On a curved part every group is a chain of its own.

use super::complex::Complex;
use super::density::{self, Change, Integrals, Run, Tables, Tooth, ToothFeed};
use super::edge::{EdgeElement, EdgeGroup};
use super::model::{BIN_RAD, cutting_mask};
use super::revolution::{End, span_bins, turn};
use super::tooth::ChipLine;

/// Where an end of a chain, or a joint in it, lies, what is in material above it and not below, and what changes there.
#[derive(Debug, Default)]
struct Joint {
    /// ψ in bins, and e^(iψ).
    lag: (f64, Complex),
    runs: Vec<Run>,
    changes: Vec<Change>,
}

/// Groups that meet, and what changes at each of their ends. Its buffers are used again for the next chain.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The whole chain as one element.
    pub(super) element: EdgeElement,
    /// Where it is in material, and what changes there.
    whole: Joint,
    /// Lowest first, the upper end last. A chain of one group has none: both its ends are as the whole is.
    joints: Vec<Joint>,
    count: usize,
    tooth: Tooth,
    groups: Vec<Vec<Run>>,
    low: (f64, Complex),
    high: (f64, Complex),
    weight: f64,
}

impl Chain {
    /// Takes the longest chain that cuts from the front of `elements`, and leaves the rest; false at the end.
    pub(super) fn take(&mut self, elements: &mut &[EdgeElement], feed: ToothFeed) -> bool {
        self.count = 0;
        loop {
            let mut rest = *elements;
            let Some(group) = EdgeGroup::take(&mut rest) else {
                break;
            };
            let mask = cutting_mask(&group.element, feed);
            if self.count > 0 && (mask == 0 || !self.meets(&group.element)) {
                break;
            }
            *elements = rest;
            if mask != 0 {
                self.push(&group, mask);
            }
        }
        if self.count > 1 {
            self.join();
        } else if self.count == 1 {
            std::mem::swap(&mut self.whole.runs, &mut self.groups[0]);
        }
        self.count > 0
    }

    fn push(&mut self, group: &EdgeGroup, mask: u128) {
        let element = group.element;
        let high_bins = element.lag_low_bins + span_bins(&element);
        let known = (element.lag_low_bins - self.high.0).abs() < 1e-12 && self.high.1 != Complex::default();
        let low = (element.lag_low_bins, if known { self.high.1 } else { turn(element.lag_low_bins) });
        self.high = (high_bins, turn(high_bins));
        while self.groups.len() <= self.count {
            self.groups.push(Vec::new());
            self.joints.push(Joint::default());
            if self.joints.len() == 1 {
                self.joints.push(Joint::default());
            }
        }
        density::runs(group, mask, &mut self.groups[self.count]);
        self.joints[self.count].lag = low;
        self.joints[self.count + 1].lag = self.high;
        if self.count == 0 {
            (self.element, self.low, self.weight) = (element, low, weight(&element));
        } else {
            let whole = &mut self.element;
            whole.dz_mm += element.dz_mm;
            whole.ds_mm += element.ds_mm;
            whole.lag_high_bins = element.lag_high_bins;
            whole.mask |= element.mask;
        }
        self.count += 1;
    }

    /// True where a group goes on where the last one ends, on the same cylinder.
    fn meets(&self, next: &EdgeElement) -> bool {
        self.element.dr_mm == 0.0
            && next.dr_mm == 0.0
            && self.element.radius_mm == next.radius_mm
            && (self.high.0 - next.lag_low_bins).abs() <= 1e-6
            && (weight(next) - self.weight).abs() <= 1e-9 * self.weight
    }

    /// Finds what differs where groups meet, and what the whole chain has in material.
    fn join(&mut self) {
        for number in 0..=self.count {
            let above = self.groups[..self.count].get(number).map_or(&[][..], Vec::as_slice);
            let below = number.checked_sub(1).map_or(&[][..], |below| self.groups[below].as_slice());
            density::combine(&[(above, 1.0), (below, -1.0)], &mut self.joints[number].runs);
        }
        let share = 1.0 / self.count as f64;
        // Every group weighs what its part of the chain does.
        let lags = self.joints[..=self.count].windows(2).map(|ends| ends[1].lag.0 - ends[0].lag.0);
        let span_bins = self.joints[self.count].lag.0 - self.joints[0].lag.0;
        let shares = lags.map(|lag| if span_bins > 0.0 { lag / span_bins } else { share });
        let parts: Vec<_> = self.groups[..self.count].iter().map(Vec::as_slice).zip(shares).collect();
        density::combine(&parts, &mut self.whole.runs);
    }

    /// Lays a tooth on the chain and returns the integrals of a millimetre of its edge; its ends are then known.
    pub(super) fn lay(&mut self, tables: &Tables, lines: &[ChipLine], cut: &Cut) -> Integrals {
        self.tooth.lay(tables, lines, &self.element, cut.feed, cut.chip_scale);
        self.tooth.changes(tables, &self.whole.runs, &mut self.whole.changes);
        if self.count > 1 {
            for joint in &mut self.joints[..=self.count] {
                self.tooth.changes(tables, &joint.runs, &mut joint.changes);
                density::integrate(&mut joint.changes, cut.cutting, cut.edge);
            }
        }
        density::integrate(&mut self.whole.changes, cut.cutting, cut.edge)
    }

    /// The ends of the chain and its joints, lowest first.
    pub(super) fn ends(&self) -> impl Iterator<Item = End<'_>> + Clone {
        let single = self.count == 1;
        let joints = if single { &[][..] } else { &self.joints[..=self.count] };
        let weight = self.weight;
        let whole = [(self.low, weight), (self.high, -weight)];
        let whole = whole.into_iter().take(if single { 2 } else { 0 });
        let end = |(lag_bins, turn), changes, weight| End { lag_bins, turn, changes, weight };
        let joints = joints.iter().map(move |joint| end(joint.lag, joint.changes.as_slice(), weight));
        whole.map(move |(lag, weight)| end(lag, self.whole.changes.as_slice(), weight)).chain(joints)
    }
}

/// What is the same for every tooth on a chain.
pub(super) struct Cut {
    pub(super) feed: ToothFeed,
    /// The thickest chip of the cut, and its power.
    pub(super) chip_scale: [f64; 2],
    /// Forces of a millimetre of edge.
    pub(super) cutting: Complex,
    pub(super) edge: Complex,
}

/// Edge for each rad of lag, in mm.
fn weight(element: &EdgeElement) -> f64 {
    element.ds_mm / (span_bins(element) * BIN_RAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutting::edge::elements;
    use crate::cutting::testing::end_mill;
    use crate::cutting::{Engagement, EngagementSlice};

    #[test]
    fn equal_arcs_leave_nothing_at_their_joint_and_unequal_ones_what_differs() {
        let slice = |i: u32| EngagementSlice {
            low_mm: f64::from(i),
            high_mm: f64::from(i + 1),
            mask: if i == 5 { 0xff0 } else { 0xffff },
        };
        let engagement = Engagement { slices: (0..10).map(slice).collect() };
        let found = elements(&engagement, &end_mill(10.0, 4, 45.0), false);
        let mut chain = Chain::default();
        let mut rest = found.as_slice();
        let feed = ToothFeed { across_mm: 0.1, down_mm: 0.0 };
        assert!(chain.take(&mut rest, feed) && rest.is_empty(), "one cylinder is one chain");
        assert_eq!((chain.count, chain.element.dz_mm), (3, 10.0));
        let runs = |joint: usize| chain.joints[joint].runs.len();
        assert_eq!([runs(0), runs(1), runs(2), runs(3)], [1, 2, 2, 1]);
        assert!(!chain.take(&mut rest, feed));
    }
}
