//! The stretch ahead that a runner has looked at.
//!
//! A control that may have to stop needs to know what comes within its braking distance, and nothing
//! beyond. The window holds the limits of the next segments: a fresh part that is used up before it is
//! filled again, and behind it enough room to brake from the greatest speed at which the fresh part can be
//! left. At its end the window assumes standstill, which therefore never shows in the fresh part. What
//! depends on geometry alone is computed once per filling; a new factor only repeats one pass over numbers.

use super::anchors::Link;
use super::jerk::Bounds;
use super::limits::Drives;
use super::{Path, SegmentKind};
use crate::machine::Machine;

/// Stretches used up before the window is filled again. More means fewer fillings and longer passes.
const FRESH: usize = 32;

/// Most stretches of a window. A path so finely divided that this is not enough for braking is run more
/// slowly, never unsafely: the window still ends in standstill.
const STRETCHES_MAX: usize = 4096;

/// Which override a segment obeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obeys {
    /// The factor and the dial.
    Feed,
    /// The dial, up to 1.0.
    Rapid,
    /// Neither: forced.
    Nothing,
}

/// Overrides in force, already checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speeds {
    pub(super) feed: f64,
    pub(super) rapid: f64,
    pub(super) forced: f64,
}

/// One moving segment of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) length_mm: f64,
    pub(super) acceleration_mm_s2: f64,
    jerk_mm_s3: f64,
    cap_mm_s: f64,
    programmed_mm_s: f64,
    obeys: Obeys,
    /// Square of the speed that geometry allows at the entry.
    corner_mm2_s2: f64,
    /// Speed that is held on it under the overrides in force.
    pub(super) speed_mm_s: f64,
    /// Square of the greatest speed at its end from which everything behind it can be obeyed.
    pub(super) exit_mm2_s2: f64,
    /// Square of the greatest speed at its end that geometry allows.
    pub(super) exit_corner_mm2_s2: f64,
}

/// Limits ahead of a runner.
#[derive(Clone, Debug)]
pub(super) struct Window {
    first: usize,
    stretches: Vec<Stretch>,
    /// Index of the first segment that needs a new filling.
    refill_at: usize,
    speeds: Speeds,
    filled: bool,
}

impl Window {
    pub(super) fn new() -> Self {
        let speeds = Speeds { feed: 1.0, rapid: 1.0, forced: 1.0 };
        Self { first: 0, stretches: Vec::new(), refill_at: 0, speeds, filled: false }
    }

    /// Forgets everything: another path, or another place in it.
    pub(super) fn clear(&mut self) {
        self.stretches.clear();
        self.refill_at = 0;
        self.first = 0;
    }

    /// The stretch of a moving segment under the given overrides. Segments are asked for in rising order.
    pub(super) fn stretch(&mut self, path: &Path, machine: &Machine, index: usize, speeds: Speeds) -> &Stretch {
        let empty = self.stretches.is_empty();
        if empty || index >= self.refill_at || index < self.first {
            self.fill(path, machine, index);
            self.speeds = speeds;
            self.look_ahead();
        } else if self.speeds != speeds {
            self.speeds = speeds;
            self.look_ahead();
        }
        &self.stretches[index - self.first]
    }

    fn fill(&mut self, path: &Path, machine: &Machine, first: usize) {
        self.filled = true;
        let drives = Drives::of(machine);
        let segments = &path.segments()[first..];
        self.first = first;
        self.stretches.clear();
        // Behind the fresh part: the greatest speed to brake from, what brakes it, and the room for it.
        let (mut fresh_cap_mm_s, mut braking, mut reserve_mm) = (0.0, Bounds::NONE, 0.0);
        let mut ends_at_rest = false;
        for (index, segment) in segments.iter().take(STRETCHES_MAX).enumerate() {
            let corner_mm_s =
                if index == 0 { f64::INFINITY } else { drives.corner_mm_s(&segments[index - 1], segment) };
            if corner_mm_s == 0.0 {
                ends_at_rest = true;
                break;
            }
            let limits = drives.segment(segment);
            let length_mm = (segment.end.as_nm() - segment.start.as_nm()) as f64 * 1e-6;
            self.stretches.push(Stretch {
                length_mm,
                acceleration_mm_s2: limits.acceleration_mm_s2,
                jerk_mm_s3: limits.jerk_mm_s3,
                cap_mm_s: limits.cap_mm_s,
                programmed_mm_s: segment.feed.as_mm_s(),
                obeys: obeys(segment.kind, segment.forced.is_some()),
                corner_mm2_s2: corner_mm_s * corner_mm_s,
                speed_mm_s: 0.0,
                exit_mm2_s2: 0.0,
                exit_corner_mm2_s2: 0.0,
            });
            if index + 1 == FRESH {
                fresh_cap_mm_s = limits.cap_mm_s;
            } else if index + 1 > FRESH {
                let here = Bounds { acceleration_mm_s2: limits.acceleration_mm_s2, jerk_mm_s3: limits.jerk_mm_s3 };
                braking = braking.with(here);
                reserve_mm += length_mm;
                if reserve_mm >= braking.length_mm(fresh_cap_mm_s, 0.0) {
                    break;
                }
            }
        }
        let count = self.stretches.len();
        let whole = ends_at_rest || first + count == path.segments().len();
        self.refill_at = first + if whole { count } else { FRESH.min(count.div_ceil(2)) };
    }

    /// Links from a segment of the window on, of whose length so much is left, to standstill at the end of
    /// the window. The segment must have been asked for by [`Window::stretch`] before.
    pub(super) fn links(&self, index: usize, left_mm: f64, links: &mut Vec<Link>) {
        links.clear();
        let mut before_mm_s = f64::INFINITY;
        for stretch in &self.stretches[index - self.first..] {
            let cap_mm_s = stretch.speed_mm_s;
            let bounds = Bounds { acceleration_mm_s2: stretch.acceleration_mm_s2, jerk_mm_s3: stretch.jerk_mm_s3 };
            let entry_mm_s = stretch.corner_mm2_s2.sqrt().min(cap_mm_s).min(before_mm_s);
            links.push(Link { length_mm: stretch.length_mm, bounds, cap_mm_s, entry_mm_s });
            before_mm_s = cap_mm_s;
        }
        if let Some(first) = links.first_mut() {
            first.length_mm = left_mm;
        }
    }

    /// True once after each filling.
    pub(super) fn take_filled(&mut self) -> bool {
        std::mem::take(&mut self.filled)
    }

    /// One pass backwards from standstill at the end.
    fn look_ahead(&mut self) {
        let (mut exit, mut exit_corner) = (0.0, 0.0);
        for index in (0..self.stretches.len()).rev() {
            let before = index.checked_sub(1).map_or(f64::INFINITY, |index| self.stretches[index].speed(self.speeds));
            let stretch = &mut self.stretches[index];
            let speed = stretch.speed(self.speeds);
            stretch.speed_mm_s = speed;
            stretch.exit_mm2_s2 = exit;
            stretch.exit_corner_mm2_s2 = exit_corner;
            let slowest = speed.min(before);
            let braking = exit + 2.0 * stretch.acceleration_mm_s2 * stretch.length_mm;
            exit = braking.min(stretch.corner_mm2_s2).min(slowest * slowest);
            exit_corner = stretch.corner_mm2_s2;
        }
    }
}

impl Stretch {
    fn speed(&self, speeds: Speeds) -> f64 {
        let factor = match self.obeys {
            Obeys::Feed => speeds.feed,
            Obeys::Rapid => speeds.rapid,
            Obeys::Nothing => speeds.forced,
        };
        (self.programmed_mm_s * factor).min(self.cap_mm_s)
    }
}

fn obeys(kind: SegmentKind, forced: bool) -> Obeys {
    match kind {
        SegmentKind::Rapid => Obeys::Rapid,
        SegmentKind::Feed if !forced => Obeys::Feed,
        SegmentKind::Feed | SegmentKind::Still(_) => Obeys::Nothing,
    }
}
