//! The runner's ride where jerk is limited.
//!
//! Under unchanged overrides it is the ride the profile plans: from anchor to anchor, each leg in phases. A
//! new override makes a new plan from the speed and acceleration of that instant, as a drive must. The trap
//! is that a state in the middle of a ramp may not be able to meet what a fresh plan asks for: to arrive at a
//! low speed with acceleration zero takes more room than to pass it. So one rule stands above all others:
//!
//! > A plan is given up only for one that has been checked from the present state to a standstill.
//!
//! The plan in force always ends at rest with every corner kept. Candidates for a new one begin with a
//! prefix that brings the acceleration to zero (on the way up also none: the ramp is simply aimed anew), and
//! from there are anchors and legs like those of the profile. A prefix must pass every border within what
//! geometry allows, and the first leg must fit; the others do by construction. If no candidate passes, the
//! plan in force stays, and the next end of one of its phases is the time to try again. Such plans are those
//! that are braking for a corner already, so the answer to an override comes late only where the machine is
//! slowing down anyway. Programmed feeds may be exceeded while a lowered factor takes effect, geometry never.
//!
//! When to plan depends on the overrides and on phases, never on how wide the steps of time are.

use super::Path;
use super::anchors::{Anchor, Planner, Ride};
use super::jerk::{Bounds, Phase, State, travel};
use super::window::{Horizon, Speeds, Window};
use crate::machine::Machine;

/// Most prefixes one after another in a candidate: to the speed allowed here, then to that of an anchor.
const PREFIXES_MAX: usize = 4;

/// Relative difference below which two speeds are equal.
const SAME: f64 = 1e-9;

/// What is left of a segment when it counts as done, mm: a thousandth of the station's grain.
const DONE_MM: f64 = 1e-9;

/// Where the ride is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) segment: usize,
    pub(super) done_mm: f64,
}

/// What the glide moves over.
pub(super) struct Course<'a> {
    pub(super) path: &'a Path,
    pub(super) machine: &'a Machine,
    pub(super) window: &'a mut Window,
}

/// A phase, and the limits of the ramp it belongs to.
type Bound = (Phase, Bounds);

/// What follows when the phases of a part are over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    /// The leg from this anchor, which is at that place.
    Leg(usize, Spot),
    /// A new plan, since the view was too short for the whole leg.
    Plan,
    /// Nothing: the overrides ask for standstill.
    Stand,
}

/// A way from the present state to a standstill.
#[derive(Clone, Debug)]
struct Plan {
    horizon: Horizon,
    anchors: Vec<Anchor>,
    /// Phases to come of this part, the last one first.
    phases: Vec<Bound>,
    /// Speed at their end.
    end_mm_s: f64,
    /// Last segment this part may enter.
    last: usize,
    next: Next,
    /// What is left of the leg after this part, last one first, should planning anew fail.
    later: Vec<Bound>,
}

/// A ride under way.
#[derive(Clone, Debug)]
pub(super) struct Glide {
    pub(super) state: State,
    plan: Option<Plan>,
    speeds: Option<Speeds>,
    /// True while the plan in force does not rest on the overrides in force.
    pending: bool,
    /// True at the instants at which planning is tried.
    due: bool,
    planner: Planner,
}

impl Glide {
    pub(super) fn new() -> Self {
        Self { state: State::REST, plan: None, speeds: None, pending: true, due: true, planner: Planner::default() }
    }

    /// Stands still and forgets the plan.
    pub(super) fn stop(&mut self) {
        (self.state, self.plan, self.speeds, self.pending, self.due) = (State::REST, None, None, true, true);
    }

    /// Moves through what is left of a phase, or to the next border; true if there may be more to do.
    pub(super) fn go(&mut self, course: &mut Course<'_>, spot: &mut Spot, speeds: Speeds, left_s: &mut f64) -> bool {
        if self.speeds != Some(speeds) {
            (self.speeds, self.pending, self.due) = (Some(speeds), true, true);
        }
        // The end of a part comes first: it puts the ride exactly on its border, where the next limits begin.
        let at_end = self.plan.as_ref().is_some_and(|plan| plan.phases.is_empty() && plan.next != Next::Stand);
        if self.pending && self.due && !at_end {
            let stands = self.plan.as_ref().is_none_or(|plan| plan.phases.is_empty() && plan.next == Next::Stand);
            if stands && room_mm(course.path, *spot) <= DONE_MM {
                // Held exactly at a border: what is left of the segment is less than a leg can be made of.
                *spot = Spot { segment: spot.segment + 1, done_mm: 0.0 };
                self.plan = None;
                return true;
            }
            self.due = false;
            if let Some(plan) = self.candidate(course, *spot, speeds) {
                (self.plan, self.pending) = (Some(plan), false);
            }
        }
        let Some(plan) = &mut self.plan else {
            // From a standstill there is always a plan; without one there is nowhere to go.
            self.state = State::REST;
            return false;
        };
        let Some((phase, bounds)) = plan.phases.pop() else {
            return self.part_over(course, spot, speeds);
        };
        let time_s = phase.time_s.min(*left_s);
        let (end, way_mm) = self.state.after(phase.jerk_mm_s3, time_s);
        let room_mm = room_mm(course.path, *spot);
        if spot.segment < plan.last && way_mm >= room_mm {
            // Over the border inside the phase.
            let border_s = self.state.time_over(Phase { time_s, ..phase }, room_mm.max(0.0));
            (self.state, _) = self.state.after(phase.jerk_mm_s3, border_s);
            plan.phases.push((Phase { time_s: phase.time_s - border_s, ..phase }, bounds));
            *left_s -= border_s;
            *spot = Spot { segment: spot.segment + 1, done_mm: 0.0 };
            return true;
        }
        self.state = end;
        spot.done_mm += way_mm.min(room_mm);
        *left_s -= time_s;
        if phase.time_s > time_s {
            plan.phases.push((Phase { time_s: phase.time_s - time_s, ..phase }, bounds));
            return false;
        }
        self.due = true;
        true
    }

    /// At the end of a part: begins the next one; false where the ride stands.
    fn part_over(&mut self, course: &mut Course<'_>, spot: &mut Spot, speeds: Speeds) -> bool {
        let Some(mut plan) = self.plan.take() else {
            return false;
        };
        self.state = State::level(plan.end_mm_s);
        match plan.next {
            Next::Stand => {
                self.plan = Some(plan);
                return false;
            }
            Next::Plan => {
                course.window.refill(course.path, course.machine, spot.segment);
                match self.candidate(course, *spot, speeds) {
                    Some(new) => (self.plan, self.pending) = (Some(new), false),
                    None => {
                        plan.phases = std::mem::take(&mut plan.later);
                        plan.next = plan.next_after_first();
                        self.plan = Some(plan);
                    }
                }
            }
            Next::Leg(at, place) => {
                *spot = place;
                if at + 1 >= plan.anchors.len() {
                    (self.pending, self.due) = (true, true);
                    return place.segment > 0 && self.state.velocity_mm_s == 0.0;
                }
                let short = plan.is_short(at) && course.window.refill(course.path, course.machine, spot.segment);
                if short && let Some(new) = self.candidate(course, *spot, speeds) {
                    (self.plan, self.pending) = (Some(new), false);
                    return true;
                }
                plan.begin_leg(&mut self.planner, at);
                self.plan = Some(plan);
            }
        }
        true
    }

    /// A plan from the present state that has been checked; `None` if there is none under these overrides.
    fn candidate(&mut self, course: &mut Course<'_>, spot: Spot, speeds: Speeds) -> Option<Plan> {
        let horizon = course.window.horizon(course.path, course.machine, spot, speeds);
        let cap_mm_s = horizon.links.first()?.cap_mm_s;
        let bounds = self.plan.as_ref().and_then(|plan| plan.phases.last()).map(|phase| phase.1);
        // What rounding leaves of a ramp that is over is no ramp.
        let ramp = bounds.filter(|bounds| self.state.acceleration_mm_s2.abs() > SAME * bounds.acceleration_mm_s2);
        let Some(bounds) = ramp else {
            self.state.acceleration_mm_s2 = 0.0;
            return self.level(&horizon, Vec::new(), PREFIXES_MAX);
        };
        let now = self.state;
        let settled_mm_s = bounds.settled_mm_s(now).max(0.0);
        if now.acceleration_mm_s2 > 0.0
            && settled_mm_s <= cap_mm_s
            && let Some(plan) = self.aim_anew(&horizon, bounds)
        {
            return Some(plan);
        }
        if now.acceleration_mm_s2 < 0.0 {
            // Braking goes on with the limits of what it leads over, which may be tighter than those here.
            let further = |bounds: Bounds| bounds.slow_down(now, cap_mm_s);
            if settled_mm_s > cap_mm_s
                && let Some(bounds) = horizon.agree(now, bounds, further)
                && bounds.settled_mm_s(now) >= cap_mm_s
                && let Some(plan) =
                    self.level(&horizon, further(bounds).map(|phase| (phase, bounds)).to_vec(), PREFIXES_MAX)
            {
                return Some(plan);
            }
            // Who stops braking early is further on when the acceleration is zero than who brakes on: perhaps on
            // a segment with tighter limits.
            let bounds = horizon.agree(now, bounds, |bounds| [bounds.settle(now)])?;
            if bounds.settled_mm_s(now) < 0.0 {
                return None;
            }
            return self.level(&horizon, vec![(bounds.settle(now), bounds)], PREFIXES_MAX);
        }
        let settle = bounds.settle(now);
        self.level(&horizon, vec![(settle, bounds)], PREFIXES_MAX)
    }

    /// A plan that begins with a prefix after which the acceleration is zero.
    fn level(&mut self, horizon: &Horizon, prefix: Vec<Bound>, prefixes: usize) -> Option<Plan> {
        let (mut phases, mut left) = (prefix, prefixes);
        loop {
            let bare: Vec<Phase> = phases.iter().map(|phase| phase.0).collect();
            let (end, length_mm) = travel(self.state, &bare);
            let speed_mm_s = end.velocity_mm_s;
            if !horizon.passes(self.state, &bare) {
                return None;
            }
            let behind = horizon.cut(length_mm)?;
            let cap_mm_s = behind.links.first()?.cap_mm_s;
            if !phases.is_empty() && !behind.admits(speed_mm_s) {
                return None;
            }
            if cap_mm_s <= 0.0 && speed_mm_s <= SAME {
                return Some(Plan::with_prefix(behind, Vec::new(), phases, 0.0, Next::Stand));
            }
            let too_fast = speed_mm_s > cap_mm_s * (1.0 + SAME);
            if too_fast && left > 1 {
                let (bounds, _) = self.planner.ramp_from(&behind.links, speed_mm_s, cap_mm_s);
                let ramp = bounds.ramp(speed_mm_s, cap_mm_s).map(|phase| (phase, bounds));
                if let Some(plan) = self.level(horizon, [&phases[..], &ramp].concat(), left - 1) {
                    return Some(plan);
                }
            }
            let mut anchors = Vec::new();
            self.planner.anchors(&behind.links, speed_mm_s, 0.0, &mut anchors);
            let aim = *anchors.get(1)?;
            let links = &behind.links[..aim.border];
            if !too_fast && (aim.speed_mm_s >= speed_mm_s || self.planner.fits(links, speed_mm_s, aim.speed_mm_s)) {
                let next = Next::Leg(0, behind.place(0));
                let mut plan = Plan::with_prefix(behind, anchors, phases, speed_mm_s, next);
                if plan.phases.is_empty() {
                    plan.begin_leg(&mut self.planner, 0);
                }
                return Some(plan);
            }
            if left == 0 || aim.speed_mm_s >= speed_mm_s {
                return None;
            }
            left -= 1;
            let (bounds, _) = self.planner.ramp_from(&behind.links, speed_mm_s, aim.speed_mm_s);
            phases.extend(bounds.ramp(speed_mm_s, aim.speed_mm_s).map(|phase| (phase, bounds)));
        }
    }

    /// A plan that goes on with the ramp up that is under way, towards another top. The ramp is seen from
    /// where it would have begun with acceleration zero: that ride passes through the present state.
    fn aim_anew(&mut self, horizon: &Horizon, bounds: Bounds) -> Option<Plan> {
        let now = self.state;
        let gone_s = now.acceleration_mm_s2 / bounds.jerk_mm_s3;
        let start_mm_s = now.velocity_mm_s - 0.5 * now.acceleration_mm_s2 * gone_s;
        if start_mm_s < -SAME * (1.0 + now.velocity_mm_s) {
            return None;
        }
        let start_mm_s = start_mm_s.max(0.0);
        let mut horizon = horizon.clone();
        horizon.links[0].length_mm += State::level(start_mm_s).after(bounds.jerk_mm_s3, gone_s).1;
        horizon.links[0].bounds = bounds;
        let mut anchors = Vec::new();
        self.planner.anchors(&horizon.links, start_mm_s, 0.0, &mut anchors);
        let aim = *anchors.get(1)?;
        let links = &horizon.links[..aim.border];
        if !self.planner.fits(links, start_mm_s, aim.speed_mm_s) {
            return None;
        }
        let mut ride = self.planner.ride(links, start_mm_s, aim.speed_mm_s);
        let first = &mut ride.up[0];
        if first.jerk_mm_s3 != bounds.jerk_mm_s3 || first.time_s < gone_s * (1.0 - SAME) {
            return None;
        }
        first.time_s = (first.time_s - gone_s).max(0.0);
        let next = Next::Leg(0, horizon.place(0));
        let mut plan = Plan::with_prefix(horizon, anchors, Vec::new(), start_mm_s, next);
        plan.take(&ride, 0);
        Some(plan)
    }
}

/// What is left of a segment.
fn room_mm(path: &Path, spot: Spot) -> f64 {
    let segment = &path.segments()[spot.segment];
    (segment.end.as_nm() - segment.start.as_nm()) as f64 * 1e-6 - spot.done_mm
}

impl Plan {
    fn with_prefix(horizon: Horizon, anchors: Vec<Anchor>, prefix: Vec<Bound>, end_mm_s: f64, next: Next) -> Self {
        let phases = prefix.into_iter().rev().filter(|phase| phase.0.time_s > 0.0).collect();
        let last = horizon.place(0).segment;
        Self { horizon, anchors, phases, end_mm_s, last, next, later: Vec::new() }
    }

    /// True if the leg from an anchor ends where the horizon may be what it ends for.
    fn is_short(&self, at: usize) -> bool {
        self.anchors.get(at + 1).is_some_and(|to| to.border > self.horizon.trusted)
    }

    fn begin_leg(&mut self, planner: &mut Planner, at: usize) {
        let (from, to) = (self.anchors[at], self.anchors[at + 1]);
        let ride = planner.ride(&self.horizon.links[from.border..to.border], from.speed_mm_s, to.speed_mm_s);
        if ride.top_mm_s <= 0.0 {
            (self.end_mm_s, self.next, self.phases) = (0.0, Next::Stand, Vec::new());
            return;
        }
        self.take(&ride, at);
    }

    /// Takes the leg from an anchor, or only so much of it as does not depend on where the horizon ends.
    fn take(&mut self, ride: &Ride, at: usize) {
        let to = self.anchors[at + 1];
        let place = self.horizon.place(to.border);
        let up = ride.up.iter().map(|phase| (*phase, ride.up_bounds));
        let hold = std::iter::once((ride.hold, ride.up_bounds));
        let down = ride.down.iter().map(|phase| (*phase, ride.down_bounds));
        let mut all: Vec<Bound> = up.chain(hold).chain(down).collect();
        all.reverse();
        let rises = all[4..].iter().any(|phase| phase.0.time_s > 0.0);
        let holds = ride.hold.time_s > 0.0;
        self.last = self.horizon.place(to.border - 1).segment;
        let split = match (self.is_short(at), rises, holds) {
            (true, true, _) => 4,
            (true, false, true) => 3,
            _ => 0,
        };
        self.phases = all.split_off(split);
        self.later = all;
        self.phases.retain(|phase| phase.0.time_s > 0.0);
        (self.end_mm_s, self.next) =
            if split > 0 { (ride.top_mm_s, Next::Plan) } else { (to.speed_mm_s, Next::Leg(at + 1, place)) };
        self.anchors.drain(..at);
        if let Next::Leg(next, _) = &mut self.next {
            *next -= at;
        }
    }

    /// Where the leg from the first anchor leads.
    fn next_after_first(&self) -> Next {
        let to = self.anchors.get(1).map_or(0, |anchor| anchor.border);
        Next::Leg(1, self.horizon.place(to))
    }
}
