//! The runner's ride where jerk is limited.
//!
//! Under unchanged overrides it is the ride the profile plans: from anchor to anchor, each leg in phases. A
//! new override makes a new plan from the speed and acceleration of that instant, as a drive must. Anchors
//! that can no longer be met then are those of the programmed feed (the factor has dropped) or lie above what
//! can be reached; the first one that can be met ends the first leg. Limits of the geometry are always
//! among those that can, since the plan before has kept room for them.

use super::Path;
use super::anchors::{Anchor, Link, Side, anchors, first_leg, leg};
use super::jerk::{Phase, State, after, time_over, travel};
use super::window::{Speeds, Window};
use crate::machine::Machine;

/// A ride that ends this much before its anchor has stopped there; less is rounding.
const SHORT_MM: f64 = 1e-6;

/// A ride under way.
#[derive(Clone, Debug)]
pub(super) struct Glide {
    pub(super) state: State,
    /// Phases still to come, the last one first.
    phases: Vec<Phase>,
    /// Segment at whose start the phases end, and the speed there.
    leg_end: usize,
    leg_end_mm_s: f64,
    /// False where the phases come to rest before that segment: held, or at a factor of zero.
    arrives: bool,
    /// Anchors behind this leg, as absolute segments, the last one first.
    ahead: Vec<Anchor>,
    links: Vec<Link>,
    /// Segment of the first link, and the overrides of the plan; `None` before there is one.
    plan: Option<(usize, Speeds)>,
}

/// Where the ride is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) segment: usize,
    pub(super) done_mm: f64,
}

impl Glide {
    pub(super) fn new() -> Self {
        Self {
            state: State::REST,
            phases: Vec::new(),
            leg_end: 0,
            leg_end_mm_s: 0.0,
            arrives: false,
            ahead: Vec::new(),
            links: Vec::new(),
            plan: None,
        }
    }

    /// Stands still and forgets the plan.
    pub(super) fn stop(&mut self) {
        self.state = State::REST;
        self.plan = None;
        self.phases.clear();
        self.ahead.clear();
    }

    /// Moves through what is left of a phase, or to the next border; true if there may be more to do.
    pub(super) fn go(
        &mut self,
        (path, machine, window): (&Path, &Machine, &mut Window),
        spot: &mut Spot,
        speeds: Speeds,
        left_s: &mut f64,
    ) -> bool {
        let length_mm = window.stretch(path, machine, spot.segment, speeds).length_mm;
        let stale = self.plan.is_none_or(|(_, planned)| planned != speeds) || window.take_filled();
        if stale {
            self.replan(window, *spot, length_mm - spot.done_mm, speeds);
        }
        let Some(phase) = self.phases.pop() else {
            return self.next_leg(spot);
        };
        let time_s = phase.time_s.min(*left_s);
        let (end, way_mm) = after(self.state, phase.jerk_mm_s3, time_s);
        let room_mm = length_mm - spot.done_mm;
        if spot.segment + 1 < self.leg_end && way_mm >= room_mm {
            // Over the border inside the phase.
            let part = Phase { time_s, ..phase };
            let border_s = time_over(self.state, part, room_mm);
            (self.state, _) = after(self.state, phase.jerk_mm_s3, border_s);
            self.phases.push(Phase { time_s: phase.time_s - border_s, ..phase });
            *left_s -= border_s;
            (spot.segment, spot.done_mm) = (spot.segment + 1, 0.0);
            return true;
        }
        self.state = end;
        spot.done_mm = (spot.done_mm + way_mm).min(length_mm);
        *left_s -= time_s;
        if phase.time_s > time_s {
            self.phases.push(Phase { time_s: phase.time_s - time_s, ..phase });
            return false;
        }
        true
    }

    /// At the end of a leg: takes the next one; false where the ride stands.
    fn next_leg(&mut self, spot: &mut Spot) -> bool {
        let Some((first, _)) = self.plan.filter(|_| self.arrives) else {
            self.state = State::REST;
            return false;
        };
        (spot.segment, spot.done_mm) = (self.leg_end, 0.0);
        self.state = State { velocity_mm_s: self.leg_end_mm_s, acceleration_mm_s2: 0.0 };
        let from = Anchor { border: self.leg_end, speed_mm_s: self.leg_end_mm_s };
        match self.ahead.pop() {
            Some(to) => {
                let shifted = |anchor: Anchor| Anchor { border: anchor.border - first, ..anchor };
                let ride = leg(&self.links, shifted(from), shifted(to));
                self.take(&ride.phases, to);
            }
            None => self.plan = None,
        }
        true
    }

    fn take(&mut self, phases: &[Phase], to: Anchor) {
        self.arrives = true;
        self.phases.clear();
        self.phases.extend(phases.iter().rev().filter(|phase| phase.time_s > 0.0));
        (self.leg_end, self.leg_end_mm_s) = (to.border, to.speed_mm_s);
    }

    /// A new plan from where the ride is and how it moves.
    fn replan(&mut self, window: &Window, spot: Spot, room_mm: f64, speeds: Speeds) {
        window.links(spot.segment, room_mm.max(0.0), &mut self.links);
        self.plan = Some((spot.segment, speeds));
        self.ahead.clear();
        self.phases.clear();
        self.arrives = false;
        let bounds = self.links[0].bounds;
        if self.state == State::REST && self.links[0].cap_mm_s <= 0.0 {
            return;
        }
        let entry = Side::under_way(self.state, bounds);
        let found = anchors(&self.links, entry, 0.0);
        let met =
            found.iter().enumerate().skip(1).find_map(|(index, anchor)| {
                first_leg(&self.links, self.state, entry, *anchor).map(|ride| (index, ride))
            });
        let absolute = |anchor: &Anchor| Anchor { border: anchor.border + spot.segment, ..*anchor };
        match met {
            Some((index, ride)) => {
                self.take(&ride.phases, absolute(&found[index]));
                let length_mm: f64 = self.links[..found[index].border].iter().map(|link| link.length_mm).sum();
                self.arrives = travel(self.state, &ride.phases).1 > length_mm - SHORT_MM;
                self.ahead.extend(found[index + 1..].iter().rev().map(absolute));
            }
            // Nothing can be met any more: to rest as quickly as possible, wherever that is.
            None => {
                let phases = bounds.change(self.state, 0.0);
                let last = Anchor { border: spot.segment + self.links.len(), speed_mm_s: 0.0 };
                self.take(&phases, last);
                self.arrives = false;
            }
        }
    }
}
