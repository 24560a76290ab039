//! A whole path ridden with limited jerk, as phases over time and length.

use super::anchors::{Anchor, Link, Side, anchors, leg};
use super::jerk::{Phase, State, after, time_over};

/// A phase with where and when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Timed {
    start_mm: f64,
    start_s: f64,
    state: State,
    phase: Phase,
}

/// A link, or a wait instead of one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Move(Link),
    /// Time of a wait, s.
    Wait(f64),
}

/// Phases over a path. A wait is a phase without velocity.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Smooth {
    timed: Vec<Timed>,
    end_s: f64,
}

impl Smooth {
    /// Rides over the items between given places along the path, from rest to rest. `places_mm` has one more
    /// entry than there are items. Also returns when each of the places is reached.
    pub(super) fn new(items: &[Item], places_mm: &[f64]) -> (Self, Vec<f64>) {
        let mut smooth = Self::default();
        let mut times_s = Vec::with_capacity(places_mm.len());
        let mut links = Vec::new();
        let mut first = 0;
        for (index, item) in items.iter().enumerate() {
            match *item {
                Item::Move(link) => links.push(link),
                Item::Wait(time_s) => {
                    smooth.ride(&links, &places_mm[first..=index], &mut times_s);
                    links.clear();
                    first = index + 1;
                    times_s.push(smooth.end_s);
                    smooth.push(places_mm[index], State::REST, Phase { time_s, jerk_mm_s3: 0.0 });
                }
            }
        }
        smooth.ride(&links, &places_mm[first..], &mut times_s);
        times_s.push(smooth.end_s);
        (smooth, times_s)
    }

    /// Links from rest to rest; pushes the times at all places but the last.
    fn ride(&mut self, links: &[Link], places_mm: &[f64], times_s: &mut Vec<f64>) {
        if links.is_empty() {
            return;
        }
        for pair in anchors(links, Side::at(0.0), 0.0).windows(2) {
            self.leg(links, pair[0], pair[1], places_mm, times_s);
        }
    }

    fn leg(&mut self, links: &[Link], from: Anchor, to: Anchor, places_mm: &[f64], times_s: &mut Vec<f64>) {
        let ride = leg(links, from, to);
        let first = self.timed.len();
        let mut state = State { velocity_mm_s: from.speed_mm_s, acceleration_mm_s2: 0.0 };
        let mut at_mm = places_mm[from.border];
        for phase in ride.phases.into_iter().filter(|phase| phase.time_s > 0.0) {
            self.push(at_mm, state, phase);
            let (next, way_mm) = after(state, phase.jerk_mm_s3, phase.time_s);
            (state, at_mm) = (next, at_mm + way_mm);
        }
        times_s.push(self.timed.get(first).map_or(self.end_s, |timed| timed.start_s));
        let mut index = first;
        for place_mm in &places_mm[from.border + 1..to.border] {
            while self.timed.get(index + 1).is_some_and(|next| next.start_mm <= *place_mm) {
                index += 1;
            }
            times_s.push(self.timed.get(index).map_or(self.end_s, |timed| timed.time_s(*place_mm)));
        }
    }

    fn push(&mut self, start_mm: f64, state: State, phase: Phase) {
        self.timed.push(Timed { start_mm, start_s: self.end_s, state, phase });
        self.end_s += phase.time_s;
    }

    /// When a place that is no wait is reached, and how fast.
    pub(super) fn at_mm(&self, place_mm: f64) -> (f64, f64) {
        let index = self.timed.partition_point(|timed| timed.start_mm <= place_mm);
        let Some(timed) = index.checked_sub(1).map(|index| &self.timed[index]) else {
            return (0.0, 0.0);
        };
        let time_s = timed.time_s(place_mm);
        let (state, _) = after(timed.state, timed.phase.jerk_mm_s3, time_s - timed.start_s);
        (time_s, state.velocity_mm_s)
    }

    /// The place at a time that is in no wait.
    pub(super) fn place_mm(&self, time_s: f64) -> f64 {
        let index = self.timed.partition_point(|timed| timed.start_s <= time_s);
        let Some(timed) = index.checked_sub(1).map(|index| &self.timed[index]) else {
            return 0.0;
        };
        let within_s = (time_s - timed.start_s).min(timed.phase.time_s);
        timed.start_mm + after(timed.state, timed.phase.jerk_mm_s3, within_s).1
    }
}

impl Timed {
    fn time_s(&self, place_mm: f64) -> f64 {
        self.start_s + time_over(self.state, self.phase, place_mm - self.start_mm)
    }
}
