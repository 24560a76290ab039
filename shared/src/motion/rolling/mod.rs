//! A profile over the stretch ahead that grows at its far end and is forgotten behind.
//!
//! A [`super::Profile`] needs the whole program. Who plans ahead of a running machine gets the program piece by
//! piece, wants to know its timing at once, and must not pay again for what he has planned already. A rolling
//! profile takes segments as they come; behind the last one it assumes standstill, as a control does that may
//! have to stop there. What new segments can change is only the way to that standstill, so only that is planned
//! again. The look-ahead passes find where it begins by themselves: they run backwards from the new end until they
//! meet a value that is as it was, and from there on everything before is as it was, bit by bit.
//!
//! Therefore all segments appended in any portions give the same bits as [`super::plan_profile`] gives at once, as
//! long as nothing is passed that was not settled. [`RollingProfile::pass`] says what is history: it stays as it
//! was planned, and what lies far enough behind is forgotten, so that memory follows the stretch ahead and not the
//! program. Passing beyond [`RollingProfile::settled`] is safe but slow: the machine has then begun to brake for
//! an end that was not one.
//!
//! Where acceleration is stepped, a settled border is proven to stay: its limit binds although the standstill
//! behind is the worst that can come. Where jerk is limited it lies two full ramps before the end, as in the
//! window of [`super::Runner`]; that nothing changes before it is tested, not proven.

mod smooth;
mod stepped;

use super::anchors::Link;
use super::jerk::Bounds;
use super::limits::Drives;
use super::pieces::{Cutter, FactorStep};
use super::{PathError, Segment, SegmentKind, Station};
use crate::machine::Machine;
use crate::units::{Feedrate, Length, Seconds};
use smooth::Smoothly;
use stepped::Stepwise;

/// Fewest stretches that are forgotten at a time: moving the others costs as much.
const FORGET_MIN: usize = 64;

/// Velocity and time over the stretch ahead. Times count from where it was begun.
#[derive(Clone, Debug)]
pub struct RollingProfile {
    drives: Drives,
    /// Factor in force at the end.
    ratio: f64,
    before: Option<Segment>,
    appended: u32,
    /// Before it everything is history.
    passed: Station,
    track: Track,
    ride: Ride,
}

/// Stretches of constant limits, as far as they are not forgotten.
#[derive(Clone, Debug, Default)]
struct Track {
    cells: Vec<Cell>,
    /// One for each cell.
    links: Vec<Link>,
    end: Station,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    start: Station,
    segment: u32,
    still_s: Option<f64>,
}

#[derive(Clone, Debug)]
enum Ride {
    Stepped(Stepwise),
    Smooth(Smoothly),
}

impl RollingProfile {
    /// At rest at a station, with nothing ahead.
    ///
    /// # Panics
    /// If an axis of the machine has no speed or no acceleration: such a machine never moves.
    pub fn new(machine: &Machine, at: Station) -> Self {
        let drives = Drives::of(machine);
        assert!(drives.can_move(), "every axis needs a speed, an acceleration and, if it states one, a jerk above 0");
        let ride = if drives.smooth { Ride::Smooth(Smoothly::default()) } else { Ride::Stepped(Stepwise::default()) };
        let track = Track { end: at, ..Track::default() };
        Self { drives, ratio: 1.0, before: None, appended: 0, passed: at, track, ride }
    }

    /// Appends segments, and factors from stations on in rising order; the last factor goes on into what comes
    /// next. The first segment of all may have begun before the profile does. Cost: what is appended and what it
    /// changes.
    ///
    /// # Errors
    /// [`PathError::Gap`] if a segment does not continue the path or does not advance, with its index in
    /// `segments`; nothing is appended then.
    pub fn append(&mut self, segments: &[Segment], factors: &[FactorStep]) -> Result<(), PathError> {
        let mut at = self.track.end;
        for (index, segment) in segments.iter().enumerate() {
            let begins = segment.start == at || self.before.is_none() && index == 0 && segment.start < at;
            if !begins || segment.end <= at {
                return Err(PathError::Gap { index });
            }
            at = segment.end;
        }
        let mut cutter = Cutter::new(factors, self.ratio);
        let mut before = self.before.as_ref();
        for segment in segments {
            let track = &mut self.track;
            cutter.cut(&self.drives, before, segment, self.appended, |piece, end| {
                track.push(
                    segment,
                    piece.segment,
                    end,
                    Link {
                        length_mm: 0.0,
                        bounds: Bounds { acceleration_mm_s2: piece.acceleration_mm_s2, jerk_mm_s3: piece.jerk_mm_s3 },
                        cap_mm_s: piece.cap_mm_s,
                        entry_mm_s: piece.entry_mm_s,
                    },
                );
            });
            before = Some(segment);
            self.appended += 1;
        }
        if let Some(last) = segments.last() {
            (self.before, self.ratio) = (Some(last.clone()), cutter.ratio);
        }
        match &mut self.ride {
            Ride::Stepped(ride) => ride.extend(&self.track),
            Ride::Smooth(ride) => ride.extend(&self.track),
        }
        Ok(())
    }

    /// Makes history of what lies before a station: it is not planned again. Nothing for stations passed already.
    pub fn pass(&mut self, station: Station) {
        self.passed = self.passed.max(station.min(self.track.end));
        // The first border that is not behind, and the stretch that holds the place.
        let border = self.track.cells.partition_point(|cell| cell.start < self.passed);
        let Some(cell) = self.track.cell_at(self.passed) else {
            return;
        };
        let needless = match &mut self.ride {
            Ride::Stepped(ride) => ride.pass(border, cell),
            Ride::Smooth(ride) => ride.pass(&self.track, border, cell),
        };
        if needless >= FORGET_MIN && 2 * needless >= self.track.cells.len() {
            self.track.cells.drain(..needless);
            self.track.links.drain(..needless);
            match &mut self.ride {
                Ride::Stepped(ride) => ride.forget(needless),
                Ride::Smooth(ride) => ride.forget(needless),
            }
        }
    }

    /// From here on it answers.
    pub fn passed(&self) -> Station {
        self.passed
    }

    /// Up to here nothing that is appended changes anything (see the module).
    pub fn settled(&self) -> Station {
        let border = match &self.ride {
            Ride::Stepped(ride) => ride.settled(&self.track),
            Ride::Smooth(ride) => ride.settled(&self.track),
        };
        self.track.start(border).max(self.passed)
    }

    /// Where the last segment ends, and the machine with it.
    pub fn end(&self) -> Station {
        self.track.end
    }

    /// When the end is reached.
    pub fn end_time(&self) -> Seconds {
        Seconds::s(match &self.ride {
            Ride::Stepped(ride) => ride.end_s(),
            Ride::Smooth(ride) => ride.end_s(),
        })
    }

    /// Stretches that are held in memory.
    pub fn held(&self) -> usize {
        self.track.cells.len()
    }

    /// Number of segments appended so far.
    pub fn appended(&self) -> usize {
        self.appended as usize
    }

    /// Time from the beginning to a station; `None` before what was passed. The end time behind the end. O(log n).
    pub fn time_at(&self, station: Station) -> Option<Seconds> {
        if station < self.passed {
            return None;
        }
        let Some(index) = self.track.cell_at(station).filter(|_| station < self.track.end) else {
            return Some(self.end_time());
        };
        let (cell, start_s) = (&self.track.cells[index], self.start_s(index));
        let done_mm = station.beyond(cell.start).as_mm();
        Some(Seconds::s(match (&self.ride, cell.still_s) {
            (_, Some(still_s)) => start_s + still_s * (done_mm / self.track.links[index].length_mm),
            (Ride::Stepped(ride), None) => start_s + ride.ramp(&self.track, index).at_mm(done_mm).time_s,
            (Ride::Smooth(ride), None) => ride.at_mm(station.as_mm()).0.max(start_s),
        }))
    }

    /// Velocity at a station; `None` before what was passed, zero in waits and from the end on. O(log n).
    pub fn velocity_at(&self, station: Station) -> Option<Feedrate> {
        if station < self.passed {
            return None;
        }
        let inside = self.track.cell_at(station).filter(|_| station < self.track.end);
        let Some(index) = inside.filter(|index| self.track.cells[*index].still_s.is_none()) else {
            return Some(Feedrate::ZERO);
        };
        Some(Feedrate::mm_s(match &self.ride {
            Ride::Stepped(ride) => {
                let done = station.beyond(self.track.cells[index].start);
                ride.ramp(&self.track, index).at_mm(done.as_mm()).velocity_mm_s
            }
            Ride::Smooth(ride) => ride.at_mm(station.as_mm()).1,
        }))
    }

    /// The station at a time from the beginning: the inverse of [`RollingProfile::time_at`]. What was passed for
    /// times before it, the end for later ones. O(log n).
    pub fn station_at(&self, time: Seconds) -> Station {
        if time >= self.end_time() {
            return self.track.end;
        }
        let times = self.track.cells.len();
        let index = partition_point(times, |index| self.start_s(index) <= time.as_s());
        let Some(index) = index.checked_sub(1) else {
            return self.passed;
        };
        let (cell, within_s) = (&self.track.cells[index], time.as_s() - self.start_s(index));
        let done_mm = match (&self.ride, cell.still_s) {
            (_, Some(still_s)) if still_s > 0.0 => self.track.links[index].length_mm * (within_s / still_s).min(1.0),
            (_, Some(_)) => 0.0,
            (Ride::Stepped(ride), None) => ride.ramp(&self.track, index).at_s(within_s).done_mm,
            (Ride::Smooth(ride), None) => ride.place_mm(time.as_s()) - cell.start.as_mm(),
        };
        let found = cell.start.advanced(Length::mm(done_mm.max(0.0)));
        found.min(self.track.start(index + 1)).max(self.passed)
    }

    /// When a segment begins, counted from 0 as they were appended; `None` for one that is forgotten or not there.
    pub fn segment_start(&self, segment: usize) -> Option<Seconds> {
        let index = self.track.cells.partition_point(|cell| (cell.segment as usize) < segment);
        let found = self.track.cells.get(index).is_some_and(|cell| cell.segment as usize == segment);
        found.then(|| Seconds::s(self.start_s(index)))
    }

    fn start_s(&self, index: usize) -> f64 {
        match &self.ride {
            Ride::Stepped(ride) => ride.start_s(index),
            Ride::Smooth(ride) => ride.start_s(index),
        }
    }
}

impl Track {
    /// Appends what reaches from the end to a station, given its limits.
    fn push(&mut self, segment: &Segment, index: u32, end: Station, limits: Link) {
        let start = self.end;
        if end <= start {
            // A part of the first segment that lies before where the profile begins.
            return;
        }
        let before_mm_s = self.links.last().map_or(0.0, |before| before.cap_mm_s);
        let length_mm = end.beyond(start).as_mm();
        let still = matches!(segment.kind, SegmentKind::Still(_));
        let whole_mm = segment.end.beyond(segment.start).as_mm();
        let still_s =
            still.then(|| segment.still.as_s() * if length_mm < whole_mm { length_mm / whole_mm } else { 1.0 });
        self.cells.push(Cell { start, segment: index, still_s });
        let entry_mm_s = limits.entry_mm_s.min(limits.cap_mm_s).min(before_mm_s);
        self.links.push(Link { length_mm, entry_mm_s, ..limits });
        self.end = end;
    }

    /// The cell that holds a station; the last one at the end.
    fn cell_at(&self, station: Station) -> Option<usize> {
        self.cells.partition_point(|cell| cell.start <= station).checked_sub(1)
    }

    fn start(&self, index: usize) -> Station {
        self.cells.get(index).map_or(self.end, |cell| cell.start)
    }
}

/// The first index of `0..count` for which a test that holds up to some index no longer holds.
fn partition_point(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
