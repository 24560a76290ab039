//! Short lines that the control takes for one: LinuxCNC's "naive CAM detector".
//!
//! A curve that a CAM system has cut into short lines is slow to follow, since each line wants its own corner. Within
//! the tolerance of G64 P such a control replaces lines by the one from the first start to the last end, as long as
//! all ends between lie within the tolerance of it. The line that is left has the source line of the last block.
//!
//! Source: LinuxCNC's manual, G64 ("naive cam detector"); G64 Q, a tolerance of its own for this, counts as P.

use super::compile::length_mm;
use super::limits::Drives;
use super::{CornerRule, Geometry, Segment, SegmentKind};
use crate::geom::{Point, Vector};
use crate::units::{Feedrate, Length};

/// Most ends within one line.
const ENDS_MAX: usize = 100;

/// Relative difference below which two speeds are the same.
const SAME: f64 = 1e-9;

/// Joins lines. O(n·[`ENDS_MAX`]).
pub(super) fn join(segments: Vec<Segment>, drives: &Drives) -> Vec<Segment> {
    let mut joined: Vec<Segment> = Vec::with_capacity(segments.len());
    let mut ends: Vec<Point> = Vec::new();
    for next in segments {
        let line = joined.last().and_then(|last| one_line(last, &next, drives, &mut ends));
        match (line, joined.last_mut()) {
            (Some((geometry, feed)), Some(last)) => {
                *last = Segment { geometry, feed, length: Length::mm(length_mm(&geometry)), start: last.start, ..next };
            }
            _ => {
                ends.clear();
                joined.push(next);
            }
        }
    }
    joined
}

/// The line that stands for both, and its feed; remembers the end between them.
fn one_line(last: &Segment, next: &Segment, drives: &Drives, ends: &mut Vec<Point>) -> Option<(Geometry, Feedrate)> {
    let CornerRule::Within(tolerance) = last.corner else { return None };
    let same = last.kind == SegmentKind::Feed
        && last.kind == next.kind
        && !last.stop_at_end
        && last.turn_rad == [0.0; 3]
        && next.turn_rad == [0.0; 3]
        && (last.corner, last.spindle, last.tool, last.forced) == (next.corner, next.spindle, next.tool, next.forced);
    let (Geometry::Line { start, end: between }, Geometry::Line { start: after, end }) = (last.geometry, next.geometry)
    else {
        return None;
    };
    let meets = (between - after).norm() < 1e-6;
    if !same || !meets || tolerance <= Length::ZERO || ends.len() >= ENDS_MAX {
        return None;
    }
    let way = end - start;
    let square = way.norm_squared();
    let off_mm = |point: &Point| {
        let from = point - start;
        let share = if square > 0.0 { (from.dot(&way) / square).clamp(0.0, 1.0) } else { 0.0 };
        (from - way * share).norm()
    };
    let fits = ends.iter().chain([&between]).all(|point| off_mm(point) <= tolerance.as_mm());
    if !fits || square <= 0.0 {
        return None;
    }
    let line = Geometry::Line { start, end };
    let programmed_mm_s = one_feed_mm_s(last, next, drives)?;
    ends.push(between);
    Some((line, Feedrate::mm_s(programmed_mm_s.min(drives.axis_speed_mm_s(last.kind, &line, &Vector::zeros())))))
}

/// The feed that both moves were programmed with, if it can be the same one: a move that is as fast as its axes can
/// go was programmed with that speed or a greater one. Infinite where both are.
fn one_feed_mm_s(last: &Segment, next: &Segment, drives: &Drives) -> Option<f64> {
    let known = |segment: &Segment| {
        let (feed_mm_s, limit_mm_s) =
            (segment.feed.as_mm_s(), drives.axis_speed_mm_s(segment.kind, &segment.geometry, &Vector::zeros()));
        (feed_mm_s, feed_mm_s < limit_mm_s * (1.0 - SAME))
    };
    match (known(last), known(next)) {
        ((one, true), (two, true)) => ((one - two).abs() <= SAME * one).then_some(one),
        ((limit, false), (feed, true)) | ((feed, true), (limit, false)) => {
            (feed >= limit * (1.0 - SAME)).then_some(feed)
        }
        ((_, false), (_, false)) => Some(f64::INFINITY),
    }
}
