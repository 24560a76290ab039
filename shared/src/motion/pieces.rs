//! A path cut into stretches of constant limits.

use super::limits::Drives;
use super::{DIAL_MAX, Segment, SegmentKind, Station};

/// Smallest factor of a profile. A factor of zero would never end; what stands is not planned.
pub const FACTOR_MIN: f64 = 1e-3;

/// A factor from a station on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactorStep {
    /// First station at which it holds.
    pub from: Station,
    /// Factor of the programmed feed, limited to [[`FACTOR_MIN`], [`DIAL_MAX`]].
    pub ratio: f64,
}

/// A stretch with constant limits: a whole segment, or its part under one factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) start: Station,
    pub(super) start_s: f64,
    pub(super) segment: u32,
    pub(super) cap_mm_s: f64,
    pub(super) acceleration_mm_s2: f64,
    pub(super) jerk_mm_s3: f64,
    /// Speed at its start: what the corner allows, then, where acceleration is stepped, what is planned. That at
    /// its end is the next piece's.
    pub(super) entry_mm_s: f64,
}

/// Cuts segments, in order, where the factor changes.
pub(super) struct Cutter<'a> {
    factors: &'a [FactorStep],
    next: usize,
    /// Factor in force.
    pub(super) ratio: f64,
}

impl<'a> Cutter<'a> {
    /// With factors in rising order of station, and the one in force before them.
    pub(super) fn new(factors: &'a [FactorStep], ratio: f64) -> Self {
        Self { factors, next: 0, ratio }
    }

    /// Hands out the pieces of a segment, each with the station of its end.
    pub(super) fn cut(
        &mut self,
        drives: &Drives,
        before: Option<&Segment>,
        segment: &Segment,
        index: u32,
        mut take: impl FnMut(Piece, Station),
    ) {
        let limits = drives.segment(before, segment);
        let obeys = segment.kind == SegmentKind::Feed && segment.forced.is_none();
        let mut piece = Piece {
            start: segment.start,
            start_s: 0.0,
            segment: index,
            cap_mm_s: limits.cap_mm_s,
            acceleration_mm_s2: limits.acceleration_mm_s2,
            jerk_mm_s3: limits.jerk_mm_s3,
            entry_mm_s: before.map_or(0.0, |before| drives.corner_mm_s(before, segment)),
        };
        loop {
            while let Some(step) = self.factors.get(self.next).filter(|step| step.from <= piece.start) {
                self.ratio = checked(step.ratio);
                self.next += 1;
            }
            let programmed_mm_s = segment.feed.as_mm_s() * if obeys { self.ratio } else { 1.0 };
            let next = self.factors.get(self.next).filter(|step| obeys && step.from < segment.end);
            let end = next.map_or(segment.end, |step| step.from);
            take(Piece { cap_mm_s: limits.cap_mm_s.min(programmed_mm_s), ..piece }, end);
            if next.is_none() {
                break;
            }
            piece = Piece { start: end, entry_mm_s: f64::INFINITY, ..piece };
        }
    }
}

fn checked(ratio: f64) -> f64 {
    if ratio.is_finite() { ratio.clamp(FACTOR_MIN, DIAL_MAX) } else { 1.0 }
}
