//! Look-ahead with limited jerk: which limits are touched, and the rides between them.
//!
//! With limited acceleration, v² falls by 2aL over a length, and two lengths after one another do the same
//! as one. With limited jerk that is gone: a ramp over many short segments must not bring its acceleration
//! to zero at each border, or a finely divided path would crawl. So borders are not planned one by one. Of
//! all limits at the borders only a few are touched; the others lie above the ramps to and from their lower
//! neighbours, which pass them with the acceleration they happen to have. Those that are touched are
//! **anchors**: there the acceleration is zero. Between two anchors runs a ramp up, a hold and a ramp down.
//!
//! Seen from an anchor at speed v and distance d, with R the speed that a ramp reaches which ends there with
//! acceleration zero, and P > R the speed at which a ramp passes that goes on, a limit L is
//!
//! * an anchor itself, at L, where L ≤ R;
//! * never touched, where L ≥ P, since no ride from the anchor is faster than that;
//! * in between an anchor at R, which is the safe choice; except where the far side is limited to L as well,
//!   so that the ride does not want to exceed it. The next limits then lie further above, so that a slope of
//!   limits is followed at a small distance below it, not at a crawl.
//!
//! A ramp obeys the tightest acceleration and jerk of the links it runs over, and only of those. P is
//! therefore taken with the widest limits between anchor and border, R with the tightest: both err on the
//! slow side. Two passes, one in each direction, find the anchors; both only lower speeds, and what the
//! second pass drops or lowers leaves every ramp at least the room that the first pass kept for it.

use super::jerk::{Bounds, Phase};

/// Most trials in the search for the top of a ride; a search that jumps at a change of limits needs them.
const TRIALS_MAX: usize = 80;

/// Share of the length of a ride that may be left for its hold when the search for its top ends.
const LEFT_SHARE: f64 = 1e-11;

/// One stretch of constant limits.
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// Phases of a ride between two anchors: up, hold, down. Those that take no time are there too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ride {
    pub(super) up: [Phase; 3],
    pub(super) hold: Phase,
    pub(super) down: [Phase; 3],
    pub(super) up_bounds: Bounds,
    pub(super) down_bounds: Bounds,
    pub(super) top_mm_s: f64,
}

/// What an anchor on one side means for a limit.
#[derive(Clone, Copy, Debug)]
struct Side {
    speed_mm_s: f64,
    tightest: Bounds,
    widest: Bounds,
    length_mm: f64,
}

/// Up to a length from an anchor, a ramp has these limits.
#[derive(Clone, Copy, Debug)]
struct Step {
    end_mm: f64,
    bounds: Bounds,
}

/// Working memory of the planner.
#[derive(Clone, Debug, Default)]
pub(super) struct Planner {
    limits: Vec<f64>,
    up: Vec<Step>,
    down: Vec<Step>,
    safe: Vec<bool>,
}

impl Side {
    fn at(speed_mm_s: f64, link: &Link) -> Self {
        Self { speed_mm_s, tightest: link.bounds, widest: link.bounds, length_mm: 0.0 }
    }

    fn move_over(&mut self, link: &Link) {
        if self.length_mm == 0.0 {
            *self = Self::at(self.speed_mm_s, link);
        } else {
            self.tightest = self.tightest.least(link.bounds);
            self.widest = self.widest.most(link.bounds);
        }
        self.length_mm += link.length_mm;
    }

    /// True if no ride from the anchor is faster than the limit here.
    fn stays_below(&self, limit_mm_s: f64) -> bool {
        let (v, limit) = (self.speed_mm_s, limit_mm_s);
        limit >= v
            && (v * v + 2.0 * self.widest.acceleration_mm_s2 * self.length_mm <= limit * limit
                || self.widest.passing_mm(v, limit) >= self.length_mm)
    }

    /// The speed of the anchor at a border with a limit; infinite if it is none.
    fn anchor(&self, limit_mm_s: f64, far_cap_mm_s: f64) -> f64 {
        if limit_mm_s <= self.speed_mm_s {
            return limit_mm_s;
        }
        if self.stays_below(limit_mm_s) {
            return f64::INFINITY;
        }
        if self.tightest.ramp_mm(self.speed_mm_s, limit_mm_s) <= self.length_mm {
            return limit_mm_s;
        }
        if far_cap_mm_s <= limit_mm_s {
            return f64::INFINITY;
        }
        self.tightest.reach_mm_s(self.speed_mm_s, self.length_mm).min(limit_mm_s)
    }
}

impl Ride {
    /// A link at one speed: most legs of a finely divided path are no more than that.
    fn level(link: &Link, speed_mm_s: f64) -> Self {
        let time_s = if speed_mm_s > 0.0 { link.length_mm.max(0.0) / speed_mm_s } else { 0.0 };
        Self {
            up: [Phase::default(); 3],
            hold: Phase { time_s, jerk_mm_s3: 0.0 },
            down: [Phase::default(); 3],
            up_bounds: link.bounds,
            down_bounds: link.bounds,
            top_mm_s: speed_mm_s,
        }
    }
}

impl Planner {
    /// Anchors among the borders of links, rising; the first and the last border always. The first pass
    /// keeps room for everything behind; whether the first ride has room to slow down is for the caller.
    pub(super) fn anchors(&mut self, links: &[Link], entry_mm_s: f64, exit_mm_s: f64, anchors: &mut Vec<Anchor>) {
        anchors.clear();
        if links.is_empty() {
            return;
        }
        let mut limits = std::mem::take(&mut self.limits);
        limits.clear();
        limits.resize(links.len(), f64::INFINITY);
        look_back(links, &mut limits, 0, exit_mm_s);
        let first = Anchor { border: 0, speed_mm_s: entry_mm_s };
        anchors.push(first);
        look_forth(links, &limits, first, |anchor| anchors.push(anchor));
        anchors.push(Anchor { border: links.len(), speed_mm_s: exit_mm_s });
        self.limits = limits;
    }

    /// The quickest ride over links from one speed to another, acceleration zero at both ends. The room must
    /// be there (see [`Planner::fits`]); what rounding leaves is absorbed by who rides.
    pub(super) fn ride(&mut self, links: &[Link], from_mm_s: f64, to_mm_s: f64) -> Ride {
        if let [link] = links
            && from_mm_s == to_mm_s
            && link.cap_mm_s <= from_mm_s
        {
            return Ride::level(link, from_mm_s);
        }
        let length_mm: f64 = steps(links.iter(), &mut self.up);
        steps(links.iter().rev(), &mut self.down);
        let cap_mm_s = self.cap_mm_s(links, length_mm, from_mm_s, to_mm_s);
        let used = |top_mm_s: f64| {
            let (up, up_mm) = ramp(&self.up, from_mm_s, top_mm_s);
            let (down, down_mm) = ramp(&self.down, to_mm_s, top_mm_s);
            (up, down, up_mm + down_mm)
        };
        let mut low = from_mm_s.max(to_mm_s);
        let mut high = cap_mm_s.max(low);
        let mut top = used(high);
        if top.2 > length_mm {
            top = used(low);
            let (mut below, mut above) = ((top.2 - length_mm).min(0.0), used(high).2 - length_mm);
            for trial in 0..TRIALS_MAX {
                if below >= -LEFT_SHARE * length_mm || high - low <= 1e-15 * high {
                    break;
                }
                // False position, with a halving now and then for the jumps where limits change.
                let share = if trial % 4 == 3 { 0.5 } else { (below / (below - above)).clamp(1e-3, 0.999) };
                let middle = low + share * (high - low);
                let found = used(middle);
                let over_mm = found.2 - length_mm;
                if over_mm <= 0.0 {
                    (low, below, top, above) = (middle, over_mm, found, above * 0.5);
                } else {
                    (high, above, below) = (middle, over_mm, below.min(-LEFT_SHARE * length_mm * 2.0));
                }
            }
        } else {
            low = high;
        }
        let (up_bounds, down_bounds, used_mm) = top;
        let left_mm = (length_mm - used_mm).max(0.0);
        let hold = Phase { time_s: if low > 0.0 { left_mm / low } else { 0.0 }, jerk_mm_s3: 0.0 };
        let (up, down) = (up_bounds.ramp(from_mm_s, low), down_bounds.ramp(low, to_mm_s));
        Ride { up, hold, down, up_bounds, down_bounds, top_mm_s: low }
    }

    /// True if there is room to go from one speed to another over links.
    pub(super) fn fits(&mut self, links: &[Link], from_mm_s: f64, to_mm_s: f64) -> bool {
        let length_mm = if from_mm_s > to_mm_s {
            steps(links.iter().rev(), &mut self.down)
        } else {
            steps(links.iter(), &mut self.down)
        };
        ramp(&self.down, from_mm_s, to_mm_s).1 <= length_mm * (1.0 + 1e-12)
    }

    /// The limits of a ramp that begins at the start of links, and its length.
    pub(super) fn ramp_from(&mut self, links: &[Link], from_mm_s: f64, to_mm_s: f64) -> (Bounds, f64) {
        steps(links.iter(), &mut self.up);
        ramp(&self.up, from_mm_s, to_mm_s)
    }

    /// Greatest speed of a ride: the least cap among the links on which a ramp from either end could exceed it.
    fn cap_mm_s(&mut self, links: &[Link], length_mm: f64, from_mm_s: f64, to_mm_s: f64) -> f64 {
        let caps = || links.iter().map(|link| link.cap_mm_s);
        let (least, most) = (caps().fold(f64::INFINITY, f64::min), caps().fold(0.0, f64::max));
        if least >= most || length_mm <= 0.0 {
            return least;
        }
        self.safe.clear();
        let mut side = Side::at(from_mm_s, &links[0]);
        for link in links {
            side.move_over(link);
            self.safe.push(side.stays_below(link.cap_mm_s));
        }
        let mut side = Side::at(to_mm_s, &links[links.len() - 1]);
        let mut least = most;
        for (link, safe) in links.iter().zip(&self.safe).rev() {
            side.move_over(link);
            if !safe && !side.stays_below(link.cap_mm_s) {
                least = least.min(link.cap_mm_s);
            }
        }
        least
    }
}

/// The pass backwards: at which speed each border is an anchor for what lies behind it, infinite where it is
/// none. The first `known` limits are those of an earlier pass over the same links that ended with them. Its end
/// has moved on, but what lies before an anchor depends on that anchor alone: the pass ends at the first one that
/// is as it was. Returns the first border whose limit may have changed.
pub(super) fn look_back(links: &[Link], limits: &mut [f64], known: usize, exit_mm_s: f64) -> usize {
    let Some(last) = links.last() else {
        return 0;
    };
    let mut side = Side::at(exit_mm_s, last);
    for border in (1..links.len()).rev() {
        side.move_over(&links[border]);
        let speed_mm_s = side.anchor(links[border].entry_mm_s, links[border - 1].cap_mm_s);
        if border < known && speed_mm_s < f64::INFINITY && speed_mm_s == limits[border] {
            return border + 1;
        }
        limits[border] = speed_mm_s;
        if speed_mm_s < f64::INFINITY {
            side = Side::at(speed_mm_s, &links[border]);
        }
    }
    1
}

/// The pass forwards from an anchor: hands out those behind it, without the end.
pub(super) fn look_forth(links: &[Link], limits: &[f64], from: Anchor, mut take: impl FnMut(Anchor)) {
    let Some(first) = links.get(from.border) else {
        return;
    };
    let mut side = Side::at(from.speed_mm_s, first);
    for border in from.border + 1..links.len() {
        side.move_over(&links[border - 1]);
        if limits[border] == f64::INFINITY {
            continue;
        }
        let speed_mm_s = side.anchor(limits[border], links[border].cap_mm_s);
        if speed_mm_s < f64::INFINITY {
            take(Anchor { border, speed_mm_s });
            side = Side::at(speed_mm_s, &links[border]);
        }
    }
}

/// Limits of ramps by how far they reach, and the length of all links.
fn steps<'a>(links: impl Iterator<Item = &'a Link>, steps: &mut Vec<Step>) -> f64 {
    steps.clear();
    let mut end_mm = 0.0;
    for link in links {
        end_mm += link.length_mm;
        match steps.last_mut() {
            Some(last) if link.bounds.allows(last.bounds) => last.end_mm = end_mm,
            Some(&mut last) => steps.push(Step { end_mm, bounds: last.bounds.least(link.bounds) }),
            None => steps.push(Step { end_mm, bounds: link.bounds }),
        }
    }
    end_mm
}

/// Limits and length of a ramp from an anchor: the tightest of the links that it covers.
fn ramp(steps: &[Step], from_mm_s: f64, to_mm_s: f64) -> (Bounds, f64) {
    let mut found = (Bounds { acceleration_mm_s2: 1.0, jerk_mm_s3: 1.0 }, 0.0);
    for step in steps {
        found = (step.bounds, step.bounds.ramp_mm(from_mm_s, to_mm_s));
        if found.1 <= step.end_mm {
            break;
        }
    }
    found
}
