//! Planned velocity and time over the whole path, for factors that are known beforehand.
//!
//! The path is cut where its limits change: at the borders of segments and where the factor changes. In a
//! piece the limits are constant, so its quickest ride is a trapezoid. What speed is possible at a border is
//! found in two passes (the look-ahead of every CNC; Klipper's `toolhead.py` has the same two): backwards,
//! with v² ≤ v²_next + 2aL so that everything behind can still be braked for, and forwards, with
//! v² ≤ v²_before + 2aL because nothing gets faster than it can accelerate. Both passes only lower speeds, and
//! after them every piece can be ridden from its entry to its exit. The result is the quickest one under
//! these limits; cost is linear in the number of pieces.

use super::anchors::Link;
use super::jerk::Bounds;
use super::limits::Drives;
use super::pieces::{Cutter, FactorStep, Piece};
use super::ramp::Ramp;
use super::smooth::{Rider, Smooth};
use super::{Path, Segment, SegmentKind, Station, StillKind};
use crate::det::ExactSum;
use crate::machine::Machine;
use crate::units::{Feedrate, Length, Seconds};

/// Cycle time by what the machine does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TimeSplit {
    /// Rapids.
    pub rapid: Seconds,
    /// Feed moves.
    pub feed: Seconds,
    /// Dwells.
    pub dwell: Seconds,
    /// Spindle starts, stops and changes.
    pub spindle: Seconds,
    /// Tool changes.
    pub tool_change: Seconds,
    /// Other M codes.
    pub m_code: Seconds,
}

/// Velocity and time over a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pieces: Vec<Piece>,
    /// Index of the first piece of each segment, and the number of pieces behind the last.
    first_piece: Vec<u32>,
    end: Station,
    cycle_time_s: f64,
    split: TimeSplit,
    /// The ride where jerk is limited; otherwise each piece is a trapezoid.
    smooth: Option<Smooth>,
}

/// Plans the quickest ride along a path. Factors are in rising order of station; before the first the
/// factor is 1.0, and rapids and forced segments ignore them. A ratio that is not finite counts as 1.0.
pub fn plan_profile(path: &Path, machine: &Machine, factors: &[FactorStep]) -> Profile {
    let drives = Drives::of(machine);
    let mut profile = cut(path, &drives, factors);
    if drives.smooth {
        profile.smooth(path);
    } else {
        profile.look_ahead();
        profile.clock(path);
    }
    profile.add_up(path);
    profile
}

/// Pieces with the speeds that their borders allow by themselves.
fn cut(path: &Path, drives: &Drives, factors: &[FactorStep]) -> Profile {
    let segments = path.segments();
    let mut pieces = Vec::with_capacity(segments.len() + factors.len());
    let mut first_piece = Vec::with_capacity(segments.len() + 1);
    let mut cutter = Cutter::new(factors, 1.0);
    let mut before = None;
    for (index, segment) in segments.iter().enumerate() {
        first_piece.push(pieces.len() as u32);
        cutter.cut(drives, before, segment, index as u32, |piece, _| pieces.push(piece));
        before = Some(segment);
    }
    first_piece.push(pieces.len() as u32);
    Profile { pieces, first_piece, end: path.end(), cycle_time_s: 0.0, split: TimeSplit::default(), smooth: None }
}

impl Profile {
    fn look_ahead(&mut self) {
        let mut exit = 0.0;
        for index in (0..self.pieces.len()).rev() {
            let length_mm = self.length_mm(index);
            let before_mm_s = index.checked_sub(1).map_or(f64::INFINITY, |before| self.pieces[before].cap_mm_s);
            let piece = &mut self.pieces[index];
            let allowed = piece.entry_mm_s.min(piece.cap_mm_s).min(before_mm_s);
            let entry = (exit + 2.0 * piece.acceleration_mm_s2 * length_mm).min(allowed * allowed);
            piece.entry_mm_s = entry.sqrt();
            exit = entry;
        }
        let mut reach = f64::INFINITY;
        for index in 0..self.pieces.len() {
            let length_mm = self.length_mm(index);
            let piece = &mut self.pieces[index];
            let entry = (piece.entry_mm_s * piece.entry_mm_s).min(reach);
            piece.entry_mm_s = entry.sqrt();
            reach = entry + 2.0 * piece.acceleration_mm_s2 * length_mm;
        }
    }

    /// Rides with limited jerk.
    fn smooth(&mut self, path: &Path) {
        let mut rider = Rider::with_capacity(self.pieces.len());
        let mut links: Vec<Link> = Vec::new();
        let mut places_mm: Vec<f64> = Vec::new();
        for index in 0..self.pieces.len() {
            let piece = &self.pieces[index];
            let place_mm = piece.start.as_mm();
            if let Some(still) = self.still(index, path) {
                places_mm.push(place_mm);
                rider.ride(&links, &places_mm);
                rider.wait(place_mm, still.as_s());
                links.clear();
                places_mm.clear();
                continue;
            }
            let before_mm_s = index.checked_sub(1).map_or(0.0, |before| self.pieces[before].cap_mm_s);
            places_mm.push(place_mm);
            links.push(Link {
                length_mm: self.length_mm(index),
                bounds: Bounds { acceleration_mm_s2: piece.acceleration_mm_s2, jerk_mm_s3: piece.jerk_mm_s3 },
                cap_mm_s: piece.cap_mm_s,
                entry_mm_s: piece.entry_mm_s.min(piece.cap_mm_s).min(before_mm_s),
            });
        }
        places_mm.push(self.end.as_mm());
        rider.ride(&links, &places_mm);
        let (smooth, times_s, end_s) = rider.finish();
        for (piece, time_s) in self.pieces.iter_mut().zip(times_s) {
            piece.start_s = time_s;
        }
        self.cycle_time_s = end_s;
        self.smooth = Some(smooth);
    }

    /// When each piece is reached, as trapezoids.
    fn clock(&mut self, path: &Path) {
        let mut total = ExactSum::default();
        for index in 0..self.pieces.len() {
            self.pieces[index].start_s = total.total();
            total.add(self.still(index, path).map_or_else(|| self.ramp(index).time_s(), Seconds::as_s));
        }
        self.cycle_time_s = total.total();
    }

    /// What the time is spent on.
    fn add_up(&mut self, path: &Path) {
        let mut kinds = [ExactSum::default(); 7];
        for (index, piece) in self.pieces.iter().enumerate() {
            let end_s = self.pieces.get(index + 1).map_or(self.cycle_time_s, |next| next.start_s);
            let segment = &path.segments()[piece.segment as usize];
            kinds[slot(segment.kind)].add(still(segment).map_or(end_s - piece.start_s, Seconds::as_s));
        }
        let [rapid, feed, dwell, spindle, tool_change, m_code, _stop] = kinds.map(|sum| Seconds::s(sum.total()));
        self.split = TimeSplit { rapid, feed, dwell, spindle, tool_change, m_code };
    }

    /// Speed along the path at a station; zero where nothing moves and beyond the end. O(log n).
    pub fn velocity_at(&self, path: &Path, station: Station) -> Feedrate {
        if station >= self.end {
            return Feedrate::ZERO;
        }
        let index = self.piece_at(station);
        if self.still(index, path).is_some() {
            return Feedrate::ZERO;
        }
        if let Some(smooth) = &self.smooth {
            return Feedrate::mm_s(smooth.at_mm(station.as_mm()).1);
        }
        let done = station.beyond(self.pieces[index].start);
        Feedrate::mm_s(self.ramp(index).at_mm(done.as_mm()).velocity_mm_s)
    }

    /// Time from the start of the program to a station; the cycle time beyond the end. Rises with the
    /// station, except over stops, which take none. O(log n).
    pub fn time_at(&self, path: &Path, station: Station) -> Seconds {
        if station >= self.end {
            return self.cycle_time();
        }
        let index = self.piece_at(station);
        let (start_s, done) = (self.pieces[index].start_s, station.beyond(self.pieces[index].start));
        Seconds::s(match (self.still(index, path), &self.smooth) {
            (Some(still), _) => start_s + still.as_s() * (done.as_mm() / self.length_mm(index)),
            (None, Some(smooth)) => smooth.at_mm(station.as_mm()).0.max(start_s),
            (None, None) => start_s + self.ramp(index).at_mm(done.as_mm()).time_s,
        })
    }

    /// The station at a time from the start of the program, rounded to the station's grain; the inverse of
    /// [`Profile::time_at`]. The start for times before it, the end beyond the cycle time. O(log n).
    pub fn station_at(&self, path: &Path, time: Seconds) -> Station {
        if time >= self.cycle_time() {
            return self.end;
        }
        let after = self.pieces.partition_point(|piece| piece.start_s <= time.as_s());
        let Some(index) = after.checked_sub(1) else {
            return Station::START;
        };
        let within_s = time.as_s() - self.pieces[index].start_s;
        let done_mm = match (self.still(index, path), &self.smooth) {
            (Some(still), _) if still > Seconds::ZERO => self.length_mm(index) * (within_s / still.as_s()).min(1.0),
            (Some(_), _) => 0.0,
            (None, Some(smooth)) => smooth.place_mm(time.as_s()) - self.pieces[index].start.as_mm(),
            (None, None) => self.ramp(index).at_s(within_s).done_mm,
        };
        self.pieces[index].start.advanced(Length::mm(done_mm.max(0.0))).min(self.piece_end(index))
    }

    /// Time of the whole program, without the waits for a person at stops.
    pub fn cycle_time(&self) -> Seconds {
        Seconds::s(self.cycle_time_s)
    }

    /// What the cycle time is made of. The parts sum to it.
    pub fn split(&self) -> TimeSplit {
        self.split
    }

    /// Time from the start of the program to the start of a segment; the cycle time for the index behind
    /// the last one.
    pub fn segment_start(&self, segment: usize) -> Seconds {
        let first = self.first_piece[segment.min(self.first_piece.len() - 1)] as usize;
        Seconds::s(self.pieces.get(first).map_or(self.cycle_time_s, |piece| piece.start_s))
    }

    /// Time a segment takes.
    pub fn segment_time(&self, segment: usize) -> Seconds {
        self.segment_start(segment + 1) - self.segment_start(segment)
    }

    /// Mean speed that is really reached on a segment: its length over its time; zero where nothing moves.
    pub fn mean_speed(&self, path: &Path, segment: usize) -> Feedrate {
        let length = path.segments()[segment].length;
        if length > Length::ZERO { length / self.segment_time(segment) } else { Feedrate::ZERO }
    }

    fn piece_at(&self, station: Station) -> usize {
        self.pieces.partition_point(|piece| piece.start <= station).saturating_sub(1)
    }

    fn piece_end(&self, index: usize) -> Station {
        self.pieces.get(index + 1).map_or(self.end, |next| next.start)
    }

    fn length_mm(&self, index: usize) -> f64 {
        self.piece_end(index).beyond(self.pieces[index].start).as_mm()
    }

    fn ramp(&self, index: usize) -> Ramp {
        let piece = &self.pieces[index];
        let exit_mm_s = self.pieces.get(index + 1).map_or(0.0, |next| next.entry_mm_s);
        Ramp::new(self.length_mm(index), piece.entry_mm_s, exit_mm_s, piece.cap_mm_s, piece.acceleration_mm_s2)
    }

    fn still(&self, index: usize, path: &Path) -> Option<Seconds> {
        still(&path.segments()[self.pieces[index].segment as usize])
    }
}

fn still(segment: &Segment) -> Option<Seconds> {
    matches!(segment.kind, SegmentKind::Still(_)).then_some(segment.still)
}

fn slot(kind: SegmentKind) -> usize {
    match kind {
        SegmentKind::Rapid => 0,
        SegmentKind::Feed => 1,
        SegmentKind::Still(StillKind::Dwell) => 2,
        SegmentKind::Still(StillKind::Spindle) => 3,
        SegmentKind::Still(StillKind::ToolChange) => 4,
        SegmentKind::Still(StillKind::MCode) => 5,
        SegmentKind::Still(StillKind::Stop) => 6,
    }
}
