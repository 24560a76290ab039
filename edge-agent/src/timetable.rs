//! The earliest time at which each station can be reached at programmed speed.
//!
//! Three questions need it: may the tool be there already (the locator), how long does the admitted plan last,
//! and how far must a new one reach. It is a lower bound: no acceleration, no dwell, no tool change, dial at
//! 100 %.

use std::sync::Arc;

use shared::motion::{Path, Station};

/// Cumulative machine seconds over the segments of a path.
#[derive(Clone, Debug)]
pub(crate) struct Timetable {
    path: Arc<Path>,
    /// Earliest time at the start of each segment, and at the end of the last.
    at_s: Vec<f64>,
}

impl Timetable {
    /// O(n); 8 bytes a segment.
    pub(crate) fn new(path: Arc<Path>) -> Self {
        let mut at_s = Vec::with_capacity(path.segments().len() + 1);
        let mut time_s = 0.0;
        at_s.push(time_s);
        for segment in path.segments() {
            let feed_mm_s = segment.feed.as_mm_s();
            if feed_mm_s.is_finite() && feed_mm_s > 0.0 {
                time_s += segment.length.as_mm().max(0.0) / feed_mm_s;
            }
            at_s.push(time_s);
        }
        Self { path, at_s }
    }

    /// Earliest machine time at a station, in seconds from the start. O(log n).
    pub(crate) fn time_s(&self, station: Station) -> f64 {
        let index = self.path.index_at(station);
        let (start_s, end_s) = (self.at_s[index], self.at_s[index + 1]);
        start_s + (end_s - start_s) * self.path.segments()[index].fraction(station)
    }

    /// Earliest machine time at the start of a segment.
    pub(crate) fn start_s(&self, index: usize) -> f64 {
        self.at_s[index]
    }

    /// The farthest station that can be reached by a machine time. O(log n).
    pub(crate) fn station(&self, time_s: f64) -> Station {
        let index = self.at_s.partition_point(|at_s| *at_s <= time_s);
        if index == 0 {
            return Station::START;
        }
        let Some(segment) = self.path.segments().get(index - 1) else {
            return self.path.end();
        };
        let (start_s, end_s) = (self.at_s[index - 1], self.at_s[index]);
        segment.station((time_s - start_s) / (end_s - start_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locator::testing::{path, straight};

    #[test]
    fn time_and_station_are_inverse() {
        // 10 mm at 10 mm/s, then 20 mm at 5 mm/s.
        let path = Arc::new(path(&[straight(1, 0.0, 10.0, 10.0), straight(2, 10.0, 30.0, 5.0)]));
        let table = Timetable::new(path.clone());
        for (station_mm, time_s) in [(0.0, 0.0), (5.0, 0.5), (10.0, 1.0), (20.0, 3.0), (30.0, 5.0)] {
            assert!((table.time_s(Station::from_mm(station_mm)) - time_s).abs() < 1e-12);
            assert_eq!(table.station(time_s), Station::from_mm(station_mm));
        }
        assert_eq!(table.station(99.0), path.end());
        assert_eq!(table.station(-1.0), Station::START);
    }
}
