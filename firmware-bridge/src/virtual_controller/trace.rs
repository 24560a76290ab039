//! What really happened on the machine, for reports: no controller would tell this.

use shared::motion::Station;
use shared::time::Instant;
use shared::units::{Feedrate, RotaryVelocity, Seconds};

use crate::process::CutLoad;

/// The end of one step of a running program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracePoint {
    /// Wall time.
    pub wall: Instant,
    /// Machine time since the origin.
    pub machine_time: Seconds,
    /// Place in the program.
    pub station: Station,
    /// Speed along the path.
    pub velocity: Feedrate,
    /// Spindle speed.
    pub spindle: RotaryVelocity,
    /// The factor that was in force, ratio.
    pub factor: f64,
    /// The operator's dial.
    pub dial_permille: u16,
    /// Source line, from 1.
    pub line: u32,
    /// Index of the segment.
    pub segment: u32,
    /// True within a rapid.
    pub rapid: bool,
    /// What the cut took: true figures, not the measured ones.
    pub load: CutLoad,
}

/// Keeps a trace in bounded memory: one point an interval, with the greatest load in it. When it is full it
/// doubles the interval and merges what it has.
#[derive(Clone, Debug)]
pub struct TraceRecorder {
    points: Vec<TracePoint>,
    points_max: usize,
    per_point: u64,
    taken: u64,
}

impl TraceRecorder {
    /// A recorder of at most `points_max` points (at least 2), beginning with one a step.
    pub fn new(points_max: usize) -> Self {
        Self { points: Vec::new(), points_max: points_max.max(2) / 2 * 2, per_point: 1, taken: 0 }
    }

    /// Takes a step.
    pub fn take(&mut self, point: &TracePoint) {
        if self.taken.is_multiple_of(self.per_point) {
            if self.points.len() == self.points_max {
                self.halve();
            }
            self.points.push(*point);
        } else if let Some(last) = self.points.last_mut() {
            *last = merged(last, point);
        }
        self.taken += 1;
    }

    /// The points so far. Each is the last step of its interval, with the greatest load and the lowest factor
    /// within it.
    pub fn points(&self) -> &[TracePoint] {
        &self.points
    }

    /// Steps in one point.
    pub fn steps_per_point(&self) -> u64 {
        self.per_point
    }

    /// Merges neighbours; the number of points is even here, so no half interval is left.
    fn halve(&mut self) {
        let halved = self.points.len() / 2;
        for index in 0..halved {
            self.points[index] = merged(&self.points[2 * index], &self.points[2 * index + 1]);
        }
        self.points.truncate(halved);
        self.per_point *= 2;
    }
}

fn merged(earlier: &TracePoint, later: &TracePoint) -> TracePoint {
    let load = CutLoad {
        power: earlier.load.power.max(later.load.power),
        force_peak_xy: earlier.load.force_peak_xy.max(later.load.force_peak_xy),
    };
    TracePoint { factor: earlier.factor.min(later.factor), load, ..*later }
}
