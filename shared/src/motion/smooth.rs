//! A whole path ridden with limited jerk, as phases over time and length.

use super::anchors::{Anchor, Link, Planner, Ride};
use super::jerk::{Phase, State};

/// A phase with where and when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Timed {
    start_mm: f64,
    start_s: f64,
    state: State,
    phase: Phase,
}

/// Phases over a path. A wait is a phase without velocity.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Smooth {
    timed: Vec<Timed>,
    end_s: f64,
    /// What rounding has kept from `end_s`.
    rest_s: f64,
}

/// The end of a plan at some time of its making.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) timed: usize,
    end_s: f64,
    rest_s: f64,
}

/// Rides over the links of a path, one stretch between two standstills after the other.
#[derive(Debug, Default)]
pub(super) struct Rider {
    planner: Planner,
    anchors: Vec<Anchor>,
    pub(super) smooth: Smooth,
    /// When each place is reached.
    pub(super) times_s: Vec<f64>,
}

impl Rider {
    /// For about so many links; more only cost memory to be moved.
    pub(super) fn with_capacity(links: usize) -> Self {
        let smooth = Smooth { timed: Vec::with_capacity(links), ..Smooth::default() };
        Self { smooth, times_s: Vec::with_capacity(links), ..Self::default() }
    }

    /// Links from rest to rest. `places_mm` are the places of their borders along the path, one more than there
    /// are links; the times at all but the last are noted.
    pub(super) fn ride(&mut self, links: &[Link], places_mm: &[f64]) {
        let mut anchors = std::mem::take(&mut self.anchors);
        self.planner.anchors(links, 0.0, 0.0, &mut anchors);
        for pair in anchors.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let ride = self.planner.ride(&links[from.border..to.border], from.speed_mm_s, to.speed_mm_s);
            self.smooth.take(&ride, from.speed_mm_s, &places_mm[from.border..to.border], &mut self.times_s);
        }
        self.anchors = anchors;
    }

    /// A standstill at a place.
    pub(super) fn wait(&mut self, place_mm: f64, time_s: f64) {
        self.times_s.push(self.smooth.end_s);
        self.smooth.wait(place_mm, time_s);
    }

    /// The phases, when each place is reached, and when all is over.
    pub(super) fn finish(self) -> (Smooth, Vec<f64>, f64) {
        let end_s = self.smooth.end_s;
        (self.smooth, self.times_s, end_s)
    }
}

impl Smooth {
    /// Appends a ride over links. `places_mm` are the places of their entries; the times there are noted.
    pub(super) fn take(&mut self, ride: &Ride, from_mm_s: f64, places_mm: &[f64], times_s: &mut Vec<f64>) {
        times_s.push(self.end_s);
        let first = self.timed.len();
        let mut at_mm = places_mm[0];
        let parts = [(from_mm_s, &ride.up[..]), (ride.top_mm_s, &[ride.hold]), (ride.top_mm_s, &ride.down)];
        for (speed_mm_s, phases) in parts {
            let mut state = State::level(speed_mm_s);
            for phase in phases.iter().filter(|phase| phase.time_s > 0.0) {
                self.push(at_mm, state, *phase);
                let (next, way_mm) = state.after(phase.jerk_mm_s3, phase.time_s);
                (state, at_mm) = (next, at_mm + way_mm);
            }
        }
        let mut index = first;
        let mut last_s = self.timed.get(first).map_or(self.end_s, |timed| timed.start_s);
        for place_mm in &places_mm[1..] {
            while self.timed.get(index + 1).is_some_and(|next| next.start_mm <= *place_mm) {
                index += 1;
            }
            last_s = self.timed.get(index).map_or(last_s, |timed| timed.time_s(*place_mm)).max(last_s);
            times_s.push(last_s);
        }
    }

    /// Where the plan ends now, to come back to.
    pub(super) fn mark(&self) -> Mark {
        Mark { timed: self.timed.len(), end_s: self.end_s, rest_s: self.rest_s }
    }

    /// Forgets what came after a mark.
    pub(super) fn rewind(&mut self, mark: Mark) {
        self.timed.truncate(mark.timed);
        (self.end_s, self.rest_s) = (mark.end_s, mark.rest_s);
    }

    /// Forgets the first phases.
    pub(super) fn forget(&mut self, phases: usize) {
        self.timed.drain(..phases);
    }

    /// When all is over.
    pub(super) fn end_s(&self) -> f64 {
        self.end_s
    }

    /// A standstill at a place.
    pub(super) fn wait(&mut self, place_mm: f64, time_s: f64) {
        self.push(place_mm, State::REST, Phase { time_s, jerk_mm_s3: 0.0 });
    }

    fn push(&mut self, start_mm: f64, state: State, phase: Phase) {
        self.timed.push(Timed { start_mm, start_s: self.end_s, state, phase });
        // Compensated, so that a million phases do not add up their rounding.
        let time_s = phase.time_s + self.rest_s;
        let end_s = self.end_s + time_s;
        self.rest_s = time_s - (end_s - self.end_s);
        self.end_s = end_s;
    }

    /// When a place that is no wait is reached, and how fast.
    pub(super) fn at_mm(&self, place_mm: f64) -> (f64, f64) {
        let after = self.timed.partition_point(|timed| timed.start_mm <= place_mm);
        let Some(timed) = after.checked_sub(1).map(|index| &self.timed[index]) else {
            return (0.0, 0.0);
        };
        let time_s = timed.time_s(place_mm);
        let (state, _) = timed.state.after(timed.phase.jerk_mm_s3, time_s - timed.start_s);
        (time_s, state.velocity_mm_s)
    }

    /// The place at a time that is in no wait.
    pub(super) fn place_mm(&self, time_s: f64) -> f64 {
        let after = self.timed.partition_point(|timed| timed.start_s <= time_s);
        let Some(timed) = after.checked_sub(1).map(|index| &self.timed[index]) else {
            return 0.0;
        };
        let within_s = (time_s - timed.start_s).min(timed.phase.time_s);
        timed.start_mm + timed.state.after(timed.phase.jerk_mm_s3, within_s).1
    }
}

impl Timed {
    fn time_s(&self, place_mm: f64) -> f64 {
        self.start_s + self.state.time_over(self.phase, place_mm - self.start_mm)
    }
}
