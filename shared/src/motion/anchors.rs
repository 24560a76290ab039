//! Look-ahead with limited jerk: which limits are touched, and the rides between them.
//!
//! With limited acceleration, v² falls by 2aL over a length, and two lengths after one another do the same
//! as one. With limited jerk that is gone: a ramp over many short segments must not bring its acceleration
//! to zero at each border, or a finely divided path would crawl. So the borders are not planned one by one.
//! Of all speed limits at the borders only a few are touched; the others lie above the ramps to and from
//! their lower neighbours. Those that are touched are **anchors**: there the acceleration is zero. Between
//! two neighbouring anchors one ride of at most seven phases runs over all segments in between, with the
//! tightest acceleration and jerk among them.
//!
//! Seen from an anchor at speed v and distance d, with R the speed that a ramp reaches which ends there with
//! acceleration zero, and P > R the speed at which a ramp passes that goes on, a limit L is
//!
//! * an anchor itself, at L, where L ≤ R;
//! * never touched, where L ≥ P, since no ride from the anchor is faster than that;
//! * in between an anchor at R, which is the safe choice; except where the segment on the far side is
//!   limited to L as well, so that the ride does not want to exceed it.
//!
//! A ramp in two parts is never shorter than one in a single part, so the nearest anchor on a side decides,
//! and one pass in each direction finds them all.

use super::jerk::{Bounds, Ride, State};

/// One stretch of constant limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) length_mm: f64,
    pub(super) bounds: Bounds,
    /// Greatest speed on it.
    pub(super) cap_mm_s: f64,
    /// Greatest speed at its entry, its own cap and that of the link before included.
    pub(super) entry_mm_s: f64,
}

/// A border whose limit is touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Anchor {
    /// Index of the link behind it; the number of links at the end.
    pub(super) border: usize,
    pub(super) speed_mm_s: f64,
}

/// What an anchor on one side means for a limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    speed_mm_s: f64,
    bounds: Bounds,
    /// Length from the anchor; below zero where it lies ahead.
    length_mm: f64,
}

impl Side {
    pub(super) fn at(speed_mm_s: f64) -> Self {
        Self { speed_mm_s, bounds: Bounds::NONE, length_mm: 0.0 }
    }

    /// The anchor of a ride that is under way: where the ramp it is on began, or, while it slows down, where
    /// it can begin to get faster.
    pub(super) fn under_way(state: State, bounds: Bounds) -> Self {
        let ramp_s = state.acceleration_mm_s2.abs() / bounds.jerk_mm_s3;
        let change_mm_s = 0.5 * ramp_s * ramp_s * bounds.jerk_mm_s3;
        let speed_mm_s = (state.velocity_mm_s - change_mm_s).max(0.0);
        let length_mm = ramp_s * (speed_mm_s + change_mm_s / 3.0);
        let ahead = state.acceleration_mm_s2 < 0.0;
        Self { speed_mm_s, bounds: Bounds::NONE, length_mm: if ahead { -length_mm } else { length_mm } }
    }

    fn move_over(&mut self, link: &Link) {
        self.bounds = self.bounds.with(link.bounds);
        self.length_mm += link.length_mm;
    }

    /// The speed of the anchor at a border with a limit; `None` if it is none.
    fn anchor(&self, limit_mm_s: f64, far_cap_mm_s: f64) -> Option<f64> {
        if limit_mm_s <= self.speed_mm_s || self.bounds.length_mm(self.speed_mm_s, limit_mm_s) <= self.length_mm {
            return Some(limit_mm_s);
        }
        let untouched = self.bounds.passing_length_mm(self.speed_mm_s, limit_mm_s) >= self.length_mm;
        if untouched || far_cap_mm_s <= limit_mm_s {
            return None;
        }
        Some(self.bounds.reach_mm_s(self.speed_mm_s, self.length_mm, limit_mm_s))
    }
}

/// Anchors among the borders of links, rising; the first and the last border always.
pub(super) fn anchors(links: &[Link], entry: Side, exit_mm_s: f64) -> Vec<Anchor> {
    let count = links.len();
    let mut limits: Vec<Option<f64>> = vec![None; count];
    let mut side = Side::at(exit_mm_s);
    for border in (1..count).rev() {
        side.move_over(&links[border]);
        limits[border] = side.anchor(links[border].entry_mm_s, links[border - 1].cap_mm_s);
        if let Some(speed_mm_s) = limits[border] {
            side = Side::at(speed_mm_s);
        }
    }
    let mut anchors = vec![Anchor { border: 0, speed_mm_s: entry.speed_mm_s }];
    let mut side = entry;
    for border in 1..count {
        side.move_over(&links[border - 1]);
        let Some(limit_mm_s) = limits[border] else {
            continue;
        };
        if let Some(speed_mm_s) = side.anchor(limit_mm_s, links[border].cap_mm_s) {
            anchors.push(Anchor { border, speed_mm_s });
            side = Side::at(speed_mm_s);
        }
    }
    anchors.push(Anchor { border: count, speed_mm_s: exit_mm_s });
    settle(links, &mut anchors, entry.length_mm == 0.0);
    anchors
}

/// Lowers anchors until each can be reached from its neighbours under the limits of all that lies between:
/// a leg over an anchor that was dropped has tighter ones than its parts.
fn settle(links: &[Link], anchors: &mut [Anchor], starts_level: bool) {
    let lowered = |from: Anchor, to: Anchor, slow: f64, fast: f64| {
        let (bounds, length_mm) = between(links, from.border, to.border);
        bounds.reach_mm_s(slow, length_mm, fast)
    };
    for index in (1..anchors.len() - 1).rev() {
        let (from, to) = (anchors[index], anchors[index + 1]);
        if from.speed_mm_s > to.speed_mm_s {
            anchors[index].speed_mm_s = lowered(from, to, to.speed_mm_s, from.speed_mm_s);
        }
    }
    // A ride under way is further than its first anchor says; its first leg finds out by itself.
    for index in if starts_level { 1 } else { 2 }..anchors.len() {
        let (from, to) = (anchors[index - 1], anchors[index]);
        if to.speed_mm_s > from.speed_mm_s {
            anchors[index].speed_mm_s = lowered(from, to, from.speed_mm_s, to.speed_mm_s);
        }
    }
}

/// The quickest ride of one that is under way to an anchor; `None` where it cannot be there at that speed.
pub(super) fn first_leg(links: &[Link], from: State, entry: Side, to: Anchor) -> Option<Ride> {
    let (bounds, length_mm) = between(links, 0, to.border);
    let cap_mm_s = leg_cap_mm_s(&links[..to.border], bounds, length_mm, entry, to.speed_mm_s);
    bounds.ride(from, to.speed_mm_s, length_mm, cap_mm_s)
}

fn between(links: &[Link], from: usize, to: usize) -> (Bounds, f64) {
    let mut side = Side::at(0.0);
    links[from..to].iter().for_each(|link| side.move_over(link));
    (side.bounds, side.length_mm)
}

/// The quickest ride over the links between two anchors, and what it is bounded by.
pub(super) fn leg(links: &[Link], from: Anchor, to: Anchor) -> Ride {
    let state = State { velocity_mm_s: from.speed_mm_s, acceleration_mm_s2: 0.0 };
    let (bounds, length_mm) = between(links, from.border, to.border);
    let entry = Side::at(from.speed_mm_s);
    let cap_mm_s = leg_cap_mm_s(&links[from.border..to.border], bounds, length_mm, entry, to.speed_mm_s);
    bounds.ride(state, to.speed_mm_s, length_mm, cap_mm_s).unwrap_or_else(|| {
        // Rounding at an anchor that was lowered to the last bit: straight to the aim, off by less than a grain.
        let [up, hold, down] = bounds.change(state, to.speed_mm_s);
        Ride {
            phases: [up, hold, down, Default::default(), Default::default(), Default::default(), Default::default()],
        }
    })
}

/// Greatest speed of a leg: the least cap among the links on which a ramp from either end could exceed it.
fn leg_cap_mm_s(links: &[Link], bounds: Bounds, length_mm: f64, entry: Side, exit_mm_s: f64) -> f64 {
    let passes_below =
        |speed: f64, cap: f64, length: f64| cap >= speed && bounds.passing_length_mm(speed, cap) >= length;
    let (mut done_mm, mut least, mut most) = (0.0, f64::INFINITY, 0.0f64);
    for link in links {
        let to_go_mm = length_mm - done_mm;
        done_mm += link.length_mm;
        most = most.max(link.cap_mm_s);
        let safe = passes_below(entry.speed_mm_s, link.cap_mm_s, done_mm + entry.length_mm)
            || passes_below(exit_mm_s, link.cap_mm_s, to_go_mm);
        if !safe {
            least = least.min(link.cap_mm_s);
        }
    }
    least.min(most)
}
