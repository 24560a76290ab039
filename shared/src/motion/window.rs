//! The stretch ahead that a runner has looked at.
//!
//! A control that may have to stop needs to know what comes within its braking distance, and nothing
//! beyond. The window holds the limits of the next segments: a fresh part that is used up before it is
//! filled again, and behind it enough room to brake from the greatest speed at which the fresh part can be
//! left. At its end the window assumes standstill, which therefore never shows in the fresh part. What
//! depends on geometry alone is computed once per filling; a new factor only repeats one pass over numbers.

use super::anchors::Link;
use super::glide::Spot;
use super::jerk::{Bounds, Phase, State, travel};
use super::limits::{Drives, Limits};
use super::{Path, Segment, SegmentKind};
use crate::machine::Machine;

/// Stretches used up before the window is filled again. More means fewer fillings and longer passes.
const FRESH: usize = 32;

/// Most stretches of a window. A path so finely divided that this is not enough for braking is run more
/// slowly, never unsafely: the window still ends in standstill.
const STRETCHES_MAX: usize = 4096;

/// How near before a border counts as on it, mm: a hundredth of the station's grain, and ten thousand times what
/// rounding leaves.
const NEAR_MM: f64 = 1e-8;

/// Most times limits are made tighter because phases reach further; each adds at least one link's.
const AGREE_MAX: usize = 8;

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
    /// True if the last stretch ends at rest whatever comes.
    ends_at_rest: bool,
}

/// What a ride with limited jerk sees from a place.
#[derive(Clone, Debug)]
pub(super) struct Horizon {
    /// From the place on; the first one is what is left of its segment.
    pub(super) links: Vec<Link>,
    /// Greatest speed at the entry of each link by geometry alone.
    hard_mm_s: Vec<f64>,
    /// Where the first link begins.
    origin: Spot,
    /// Last border of which the end of the horizon changes nothing.
    pub(super) trusted: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        let speeds = Speeds { feed: 1.0, rapid: 1.0, forced: 1.0 };
        Self { first: 0, stretches: Vec::new(), refill_at: 0, speeds, ends_at_rest: false }
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
        let drives = Drives::of(machine);
        let segments = &path.segments()[first..];
        self.first = first;
        self.stretches.clear();
        let mut beyond = Beyond::new(drives.smooth);
        self.ends_at_rest = false;
        for (index, segment) in segments.iter().take(STRETCHES_MAX).enumerate() {
            let corner_mm_s =
                if index == 0 { f64::INFINITY } else { drives.corner_mm_s(&segments[index - 1], segment) };
            if corner_mm_s == 0.0 {
                self.ends_at_rest = true;
                break;
            }
            let limits = drives.segment((first + index).checked_sub(1).map(|before| &path.segments()[before]), segment);
            let stretch = Stretch::new(segment, limits, corner_mm_s);
            self.stretches.push(stretch);
            if index + 1 >= FRESH && beyond.is_enough(&stretch, index + 1 == FRESH) {
                break;
            }
        }
        let count = self.stretches.len();
        self.ends_at_rest |= first + count == path.segments().len();
        self.refill_at = first + if self.ends_at_rest { count } else { FRESH.min(count.div_ceil(2)) };
    }

    /// Begins at a segment, unless the window shows everything there is or begins there; true if it moved.
    pub(super) fn refill(&mut self, path: &Path, machine: &Machine, index: usize) -> bool {
        let inside = (self.first..self.first + self.stretches.len()).contains(&index);
        let is_best = inside && (self.ends_at_rest || self.first == index);
        if !is_best {
            self.fill(path, machine, index);
        }
        !is_best
    }

    /// What a ride with limited jerk sees from a place on a moving segment.
    pub(super) fn horizon(&mut self, path: &Path, machine: &Machine, origin: Spot, speeds: Speeds) -> Horizon {
        if self.stretches.is_empty() || origin.segment >= self.refill_at || origin.segment < self.first {
            self.fill(path, machine, origin.segment);
        }
        let shown = &self.stretches[origin.segment - self.first..];
        let mut horizon = Horizon {
            links: Vec::with_capacity(shown.len()),
            hard_mm_s: Vec::with_capacity(shown.len()),
            origin,
            trusted: if self.ends_at_rest { shown.len() } else { self.refill_at - origin.segment },
        };
        let (mut cap_before, mut hard_before) = (f64::INFINITY, f64::INFINITY);
        for stretch in shown {
            let (cap_mm_s, corner_mm_s) = (stretch.speed(speeds), stretch.corner_mm2_s2.sqrt());
            horizon.links.push(Link {
                length_mm: stretch.length_mm,
                bounds: stretch.bounds(),
                cap_mm_s,
                entry_mm_s: cap_mm_s.min(cap_before).min(corner_mm_s),
            });
            horizon.hard_mm_s.push(stretch.cap_mm_s.min(hard_before).min(corner_mm_s));
            (cap_before, hard_before) = (cap_mm_s, stretch.cap_mm_s);
        }
        horizon.links[0].length_mm = (horizon.links[0].length_mm - origin.done_mm).max(0.0);
        horizon
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

/// How much of the path behind the fresh part is enough to brake in.
struct Beyond {
    smooth: bool,
    /// Square of a speed that still has to be braked, where acceleration is stepped.
    to_brake_mm2_s2: f64,
    /// Where jerk is limited: length so far, tightest limits and greatest speed on it.
    length_mm: f64,
    tightest: Option<Bounds>,
    fastest_mm_s: f64,
}

impl Beyond {
    fn new(smooth: bool) -> Self {
        Self { smooth, to_brake_mm2_s2: f64::INFINITY, length_mm: 0.0, tightest: None, fastest_mm_s: 0.0 }
    }

    /// Takes one more stretch and says if that is enough; the last fresh one only says how fast it can be left.
    fn is_enough(&mut self, stretch: &Stretch, is_fresh: bool) -> bool {
        self.fastest_mm_s = self.fastest_mm_s.max(stretch.cap_mm_s);
        if is_fresh {
            self.to_brake_mm2_s2 = stretch.cap_mm_s * stretch.cap_mm_s;
            return false;
        }
        if !self.smooth {
            self.to_brake_mm2_s2 -= 2.0 * stretch.acceleration_mm_s2 * stretch.length_mm;
            return self.to_brake_mm2_s2 <= 0.0;
        }
        let tightest = self.tightest.map_or(stretch.bounds(), |bounds| bounds.least(stretch.bounds()));
        self.tightest = Some(tightest);
        self.length_mm += stretch.length_mm;
        // A ramp up and a ramp down: a leg that begins in the fresh part reaches its top before the end matters.
        self.length_mm >= 2.0 * tightest.ramp_mm(0.0, self.fastest_mm_s)
    }
}

impl Horizon {
    /// The place of a border.
    pub(super) fn place(&self, border: usize) -> Spot {
        match border {
            0 => self.origin,
            _ => Spot { segment: self.origin.segment + border, done_mm: 0.0 },
        }
    }

    /// Limits for phases from a state that suit every link they lead over: the given ones, or tighter. `None` if the
    /// acceleration at hand is more than a link there allows.
    pub(super) fn agree<const N: usize>(
        &self,
        from: State,
        mut bounds: Bounds,
        phases: impl Fn(Bounds) -> [Phase; N],
    ) -> Option<Bounds> {
        for _ in 0..AGREE_MAX {
            let length_mm = travel(from, &phases(bounds)).1;
            let tightest = self.tightest(bounds, length_mm)?;
            if tightest == bounds {
                return Some(bounds);
            }
            if from.acceleration_mm_s2.abs() > tightest.acceleration_mm_s2 * (1.0 + 1e-9) {
                return None;
            }
            bounds = tightest;
        }
        None
    }

    /// The tightest limits within a length; `None` if the horizon ends before.
    fn tightest(&self, mut bounds: Bounds, length_mm: f64) -> Option<Bounds> {
        let mut start_mm = 0.0;
        for link in &self.links {
            if start_mm >= length_mm - NEAR_MM {
                return Some(bounds);
            }
            bounds = bounds.least(link.bounds);
            start_mm += link.length_mm;
        }
        (start_mm >= length_mm - NEAR_MM).then_some(bounds)
    }

    /// True if phases keep within what geometry allows at every border that they cross.
    pub(super) fn passes(&self, from: State, phases: &[Phase]) -> bool {
        let (mut state, mut done_mm, mut border) = (from, 0.0, 1);
        let mut border_mm = self.links[0].length_mm;
        for phase in phases {
            let (next, way_mm) = state.after(phase.jerk_mm_s3, phase.time_s);
            while border_mm <= done_mm + way_mm {
                let Some(hard_mm_s) = self.hard_mm_s.get(border) else {
                    // Beyond the horizon: only its very end, and at rest.
                    return border_mm >= done_mm + way_mm && next.velocity_mm_s <= 0.0;
                };
                let (there, _) = state.after(phase.jerk_mm_s3, state.time_over(*phase, (border_mm - done_mm).max(0.0)));
                if there.velocity_mm_s > hard_mm_s * (1.0 + 1e-9) + 1e-9 {
                    return false;
                }
                border_mm += self.links[border].length_mm;
                border += 1;
            }
            (state, done_mm) = (next, done_mm + way_mm);
        }
        true
    }

    /// The same horizon from a length further on; `None` if that is not inside it. So near before a border that
    /// only rounding can tell counts as on it: a rest of a link too short to see would lend its limits to the next
    /// ramp, and the last bit would decide whether a wait has begun.
    pub(super) fn cut(&self, length_mm: f64) -> Option<Self> {
        if length_mm <= 0.0 {
            return Some(self.clone());
        }
        let (mut index, mut left_mm) = (0, length_mm);
        while left_mm >= self.links.get(index)?.length_mm - NEAR_MM {
            left_mm -= self.links[index].length_mm;
            index += 1;
        }
        let left_mm = left_mm.max(0.0);
        let mut cut = Self {
            links: self.links[index..].to_vec(),
            hard_mm_s: self.hard_mm_s[index..].to_vec(),
            origin: self.place(index),
            trusted: self.trusted.saturating_sub(index),
        };
        cut.links[0].length_mm -= left_mm;
        cut.origin.done_mm += left_mm;
        Some(cut)
    }

    /// True if geometry allows a speed where the horizon begins.
    pub(super) fn admits(&self, speed_mm_s: f64) -> bool {
        self.origin.done_mm > 0.0 || speed_mm_s <= self.hard_mm_s[0] * (1.0 + 1e-9) + 1e-9
    }
}

impl Stretch {
    fn new(segment: &Segment, limits: Limits, corner_mm_s: f64) -> Self {
        Self {
            length_mm: (segment.end.as_nm() - segment.start.as_nm()) as f64 * 1e-6,
            acceleration_mm_s2: limits.acceleration_mm_s2,
            jerk_mm_s3: limits.jerk_mm_s3,
            cap_mm_s: limits.cap_mm_s,
            programmed_mm_s: segment.feed.as_mm_s(),
            obeys: obeys(segment.kind, segment.forced.is_some()),
            corner_mm2_s2: corner_mm_s * corner_mm_s,
            speed_mm_s: 0.0,
            exit_mm2_s2: 0.0,
            exit_corner_mm2_s2: 0.0,
        }
    }

    fn bounds(&self) -> Bounds {
        Bounds { acceleration_mm_s2: self.acceleration_mm_s2, jerk_mm_s3: self.jerk_mm_s3 }
    }

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
