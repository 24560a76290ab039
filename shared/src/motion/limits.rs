//! What the drives allow on a segment and at the border between two.
//!
//! **Along a line** with unit direction t the axes allow v = min vᵢ/|tᵢ| and a = min aᵢ/|tᵢ|.
//!
//! **Along an arc** the direction turns, so the greatest |tᵢ| on the swept range counts. The centripetal
//! part takes its share of the acceleration: with A the smaller limit of the plane's two axes and k the
//! share of the path that lies in the plane, a_n = (k·v)²/R is kept at or below [`NORMAL_SHARE`]·A, and
//! k·a_t at or below √(A² − a_n²) at the greatest speed of the arc, so that their resultant, and with it
//! each axis, stays within A. LinuxCNC shares in the same proportion (`BLEND_ACC_RATIO_NORMAL`, tp.c).
//!
//! Where the axes limit their jerk, the jerk of turning takes its share as well (`share_jerk`). A control that
//! smooths its accelerations over a time of its own ([`crate::machine::Control::smoothing`]) limits the jerk
//! along the path only, and its centripetal acceleration may be all that the axes allow, whatever the radius: a
//! mill of the NIST test bed turns at 0.36 m/s² on radii from 0.35 to 3.3 mm.
//!
//! **At a corner** the control may leave the programmed point by δ: the machine's corner deviation, nothing under
//! G61, or the tolerance of G64 P ([`CornerRule`]). A circle
//! tangent to both sides that stays within δ of the corner has, with the interior angle θ,
//!
//! ```text
//! R = δ · sin(θ/2) / (1 − sin(θ/2)),   v = √(a · R)
//! ```
//!
//! with a the acceleration the axes allow along t_out − t_in (S. Jeon, "Improving Grbl: Cornering
//! Algorithm", 2011; `plan_buffer_line` in grbl 1.1). That rule alone lets a curve of many short lines be
//! taken at any speed, since each of its corners is almost straight. The circle must therefore also touch
//! both sides no further away than their middle, R ≤ ½·L·tan(θ/2) (Klipper, `toolhead.py`), which for
//! the chords of a true circle gives back its radius.
//!
//! **Rotary axes** turn in proportion to the way: with r = turn/way in rad/mm they allow v = min ωᵢ/|rᵢ|, and the
//! like for acceleration and jerk. Where r changes at a border, the same corner rule holds for each axis by itself,
//! v² = min(8·α·δ/Δr², α·L/Δr), with δ in degrees what it is in mm for the tip. It is the rule above written
//! with the change of direction 2·cos(θ/2) in place of Δr.

use super::blend::KINKED;
use super::{CornerRule, Geometry, Segment, SegmentKind, TURN_MM_PER_RAD};
use crate::det::math;
use crate::geom::{Point, Vector};
use crate::machine::{Axis, Machine, RotaryAxis};
use crate::units::{Feedrate, Jerk, Length};

/// Greatest dial the motion is planned for: above it, feeds do not get faster. Controls offer up to 2.0
/// (CONTROLLERS.md section 1); a bound lets arcs at a low feed keep nearly all acceleration for braking.
pub const DIAL_MAX: f64 = 2.0;

/// Share of the acceleration that turning along an arc may take: √3/2 leaves one half for the tangent.
const NORMAL_SHARE: f64 = 0.866_025_403_784_438_6;

/// sin of half the turn below which a corner counts as tangential when the machine allows no deviation:
/// about 0.1°, which is what four decimals leave of a tangent on a stretch of 0.1 mm.
const TANGENT_HALF_TURN: f64 = 1e-3;

/// sin of half the turn below which two directions are the same but for rounding.
const STRAIGHT_HALF_TURN: f64 = 1e-9;

/// Jerk of an axis that states none, mm/s³, beside axes that do: it ramps 10 m/s² in 10 µs.
const JERK_MAX_MM_S3: f64 = 1e9;

/// Shares of the jerk of a plane that turning along an arc may take: at right angles to the acceleration
/// and along it.
const TURNING_JERK_SHARE: f64 = 0.5;
const SPEEDING_JERK_SHARE: f64 = 0.5;

/// Shares of the acceleration of [`Drives::share_of`].
const OVERLAPPED_SHARE: f64 = 0.5;
const KINKED_SHARE: f64 = 0.9;

/// How near to 1 a component of a unit vector is that is parallel to an axis.
const PARALLEL: f64 = 1e-9;

/// Axis limits of one kind of movement.
#[derive(Clone, Copy, Debug)]
struct AxisLimits {
    speed_mm_s: [f64; 3],
    acceleration_mm_s2: [f64; 3],
    jerk_mm_s3: [f64; 3],
    /// Of A, B and C; infinite where the machine states none.
    turning_rad_s: [f64; 3],
    turning_rad_s2: [f64; 3],
    turning_rad_s3: [f64; 3],
}

/// What the drives can do, as plain numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drives {
    feed: AxisLimits,
    rapid: AxisLimits,
    deviation_mm: f64,
    /// Greatest speed along the path; infinite where only the axes limit it.
    path_mm_s: f64,
    /// Greatest share of a plane's acceleration that is used along an arc.
    arc_share: f64,
    /// True if corners are blended, and the period of the interpolator that does so.
    blends: bool,
    cycle_s: f64,
    /// True if jerk is limited, by an axis or by the control.
    pub(super) smooth: bool,
    /// True if any axis limits its own jerk.
    axes_limit_jerk: bool,
    /// Time over which the control builds up an acceleration; zero where it does not smooth.
    smoothing_s: f64,
}

/// Limits of one segment that moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    /// Greatest speed along the path, whatever the overrides.
    pub(super) cap_mm_s: f64,
    /// Acceleration and deceleration along the path.
    pub(super) acceleration_mm_s2: f64,
    /// Jerk along the path; without meaning where no axis limits its jerk.
    pub(super) jerk_mm_s3: f64,
}

impl Drives {
    pub(super) fn of(machine: &Machine) -> Self {
        let each = |value: fn(&Axis) -> f64| machine.axes.each_ref().map(value);
        let jerk_mm_s3 = each(|axis| axis.jerk.map_or(JERK_MAX_MM_S3, Jerk::as_mm_s3));
        let turn = |value: fn(&RotaryAxis) -> f64| {
            machine.rotary.each_ref().map(|axis| axis.as_ref().map_or(f64::INFINITY, value))
        };
        let (turning_rad_s2, turning_rad_s3) =
            (turn(|axis| axis.acceleration_rad_s2), turn(|axis| axis.jerk_rad_s3.unwrap_or(f64::INFINITY)));
        let axes_limit_jerk = machine.axes.iter().any(|axis| axis.jerk.is_some());
        let smoothing_s = machine.control.smoothing.as_s();
        Self {
            feed: AxisLimits {
                speed_mm_s: each(|axis| axis.feed_max.as_mm_s()),
                acceleration_mm_s2: each(|axis| axis.acceleration.as_mm_s2()),
                jerk_mm_s3,
                turning_rad_s: turn(|axis| axis.feed_max_rad_s),
                turning_rad_s2,
                turning_rad_s3,
            },
            rapid: AxisLimits {
                speed_mm_s: each(|axis| axis.rapid.as_mm_s()),
                acceleration_mm_s2: each(|axis| axis.rapid_acceleration.as_mm_s2()),
                jerk_mm_s3,
                turning_rad_s: turn(|axis| axis.rapid_rad_s),
                turning_rad_s2,
                turning_rad_s3,
            },
            deviation_mm: machine.corner_deviation.as_mm(),
            path_mm_s: machine.path_speed_max.map_or(f64::INFINITY, Feedrate::as_mm_s),
            arc_share: machine.corner_blend.map_or(1.0, |blend| blend.arc_share),
            blends: machine.corner_blend.is_some(),
            cycle_s: machine.corner_blend.map_or(0.0, |blend| blend.cycle.as_s()),
            smooth: axes_limit_jerk
                || smoothing_s > 0.0
                || machine.rotary.iter().flatten().any(|axis| axis.jerk_rad_s3.is_some()),
            axes_limit_jerk,
            smoothing_s,
        }
    }

    /// True if every axis can move: speeds and accelerations above zero and finite.
    pub(super) fn can_move(&self) -> bool {
        let positive = |values: &[f64; 3]| values.iter().all(|value| value.is_finite() && *value > 0.0);
        [self.feed, self.rapid]
            .iter()
            .flat_map(|axes| [&axes.speed_mm_s, &axes.acceleration_mm_s2, &axes.jerk_mm_s3])
            .all(positive)
            && [self.feed, self.rapid]
                .iter()
                .flat_map(|axes| [axes.turning_rad_s, axes.turning_rad_s2, axes.turning_rad_s3])
                .flatten()
                .all(|value| value > 0.0)
    }

    fn of_kind(&self, kind: SegmentKind) -> &AxisLimits {
        if kind == SegmentKind::Rapid { &self.rapid } else { &self.feed }
    }

    /// Greatest speed the axes allow along a geometry, without regard to acceleration; infinite where
    /// nothing moves.
    pub(super) fn axis_speed_mm_s(&self, kind: SegmentKind, geometry: &Geometry, rates: &Vector) -> f64 {
        let axes = self.of_kind(kind);
        let tip_mm_s = along(&axes.speed_mm_s, &steepest(geometry)).min(self.path_mm_s);
        tip_mm_s.min(along(&axes.turning_rad_s, rates))
    }

    /// Speed and acceleration that the axes allow in every direction of a plane, given its unit normal.
    pub(super) fn in_plane(&self, kind: SegmentKind, normal: &Vector) -> (f64, f64) {
        let axes = self.of_kind(kind);
        let reach = reach(normal);
        (along(&axes.speed_mm_s, &reach), along(&axes.acceleration_mm_s2, &reach))
    }

    /// Share of the acceleration that a control which blends corners uses on a move, from what is at its two ends: all
    /// of it where they are settled. A corner that no arc rounds is passed by parabolas: the move before it brakes
    /// while the one behind it speeds up, and for the sum of both to be allowed, each has half, over its whole length.
    /// A move behind which nothing is queued yet, since the program waits there, may still become one of them. A kink
    /// that is met exactly costs a tenth on both its sides. Measured on LinuxCNC.
    fn share_of(&self, before: Option<&Segment>, segment: &Segment) -> f64 {
        if !self.blends {
            return 1.0;
        }
        let end = match segment.corner {
            KINKED => KINKED_SHARE,
            CornerRule::Exact => 1.0,
            CornerRule::Within(_) => OVERLAPPED_SHARE,
            _ if segment.stop_at_end => OVERLAPPED_SHARE,
            CornerRule::Machine => 1.0,
        };
        let start = match before {
            Some(before) if before.corner == KINKED => KINKED_SHARE,
            Some(before) if overlaps(before) => OVERLAPPED_SHARE,
            _ => 1.0,
        };
        end.min(start)
    }

    /// Limits of a segment that moves, with the one before it.
    pub(super) fn segment(&self, before: Option<&Segment>, segment: &Segment) -> Limits {
        let axes = self.of_kind(segment.kind);
        let feed_mm_s = segment.feed.as_mm_s();
        let wanted_mm_s = if segment.kind == SegmentKind::Rapid { feed_mm_s } else { feed_mm_s * DIAL_MAX };
        let steepest = steepest(&segment.geometry);
        let cap_mm_s = wanted_mm_s.min(along(&axes.speed_mm_s, &steepest)).min(self.path_mm_s);
        let acceleration_mm_s2 = along(&axes.acceleration_mm_s2, &steepest) * self.share_of(before, segment);
        let jerk_mm_s3 = if self.smooth { along(&axes.jerk_mm_s3, &steepest) } else { f64::INFINITY };
        let limits = Limits { cap_mm_s, acceleration_mm_s2, jerk_mm_s3 };
        let limits = match segment.geometry {
            Geometry::Arc { start, end, centre, normal, sweep_rad } => {
                let turn = Turn::new(start, end, centre, normal, sweep_rad);
                let limits = if self.axes_limit_jerk {
                    turn.share_jerk(&axes.jerk_mm_s3, &axes.acceleration_mm_s2, limits)
                } else if self.smoothing_s > 0.0 {
                    turn.each_by_itself(&axes.acceleration_mm_s2, limits)
                } else {
                    turn.share(&axes.acceleration_mm_s2, limits)
                };
                let plane_mm_s2 = turn.in_plane(&axes.acceleration_mm_s2);
                // What turning at the axes' own speed leaves, whatever the feed is.
                let turning_mm_s2 = square(turn.in_plane(&axes.speed_mm_s).min(self.path_mm_s)) / turn.radius_mm;
                let left = (1.0 - square(turning_mm_s2 / plane_mm_s2)).max(0.0).sqrt();
                // An arc that rounds a corner is made for its speed: it has the lesser share however wide it is.
                let rounds = segment.corner == CornerRule::Exact && !segment.stop_at_end;
                let left = if self.blends && rounds { self.arc_share } else { self.arc_share.max(left) };
                let share = left * self.share_of(before, segment);
                let along_mm_s2 = share * plane_mm_s2 / turn.flat;
                Limits { acceleration_mm_s2: limits.acceleration_mm_s2.min(along_mm_s2), ..limits }
            }
            Geometry::Line { .. } | Geometry::Still { .. } => limits,
        };
        let smoothed_mm_s3 =
            if self.smoothing_s > 0.0 { limits.acceleration_mm_s2 / self.smoothing_s } else { f64::INFINITY };
        let limits = Limits { jerk_mm_s3: limits.jerk_mm_s3.min(smoothed_mm_s3), ..limits };
        if segment.turn_rad == [0.0; 3] {
            return limits;
        }
        let rates = segment.rates();
        let jerk_mm_s3 = limits.jerk_mm_s3.min(along(&axes.turning_rad_s3, &rates));
        Limits {
            cap_mm_s: limits.cap_mm_s.min(along(&axes.turning_rad_s, &rates)),
            acceleration_mm_s2: limits.acceleration_mm_s2.min(along(&axes.turning_rad_s2, &rates)),
            // An axis that turns and states no jerk, beside others that do, has that of one that does not either.
            jerk_mm_s3: if self.smooth { jerk_mm_s3.min(JERK_MAX_MM_S3) } else { jerk_mm_s3 },
        }
    }

    /// About the time a move takes from rest to rest at its programmed feed; exact where it reaches its feed.
    pub(super) fn rest_to_rest_s(&self, segment: &Segment) -> f64 {
        let limits = self.segment(None, segment);
        let (length_mm, a) = (segment.length.as_mm(), limits.acceleration_mm_s2);
        let feed_mm_s = segment.feed.as_mm_s().min(limits.cap_mm_s);
        let ramped_s = if feed_mm_s * feed_mm_s <= a * length_mm {
            length_mm / feed_mm_s + feed_mm_s / a
        } else {
            2.0 * (length_mm / a).sqrt()
        };
        if self.smooth { ramped_s + a / limits.jerk_mm_s3 } else { ramped_s }
    }

    /// Greatest speed at the border between two segments, by the corner rule alone; zero where the control
    /// must come to rest there.
    pub(super) fn corner_mm_s(&self, before: &Segment, after: &Segment) -> f64 {
        let still = |segment: &Segment| matches!(segment.kind, SegmentKind::Still(_));
        if before.stop_at_end || still(before) || still(after) {
            return 0.0;
        }
        let turns = before.turn_rad != [0.0; 3] || after.turn_rad != [0.0; 3];
        if !turns {
            return self.tip_corner_mm_s(before, after);
        }
        let only = |segment: &Segment| matches!(segment.geometry, Geometry::Still { .. });
        if only(before) != only(after) {
            // The tip begins or ends to move here.
            return 0.0;
        }
        self.tip_corner_mm_s(before, after).min(self.turning_corner_mm_s(before, after))
    }

    /// The corner rule for the tip.
    fn tip_corner_mm_s(&self, before: &Segment, after: &Segment) -> f64 {
        let change = after.geometry.tangent(0.0) - before.geometry.tangent(1.0);
        let half_turn = change.norm() / 2.0;
        if half_turn < STRAIGHT_HALF_TURN {
            return f64::INFINITY;
        }
        if self.blends && overlaps(before) {
            return self.overlap_mm_s(before, after, half_turn);
        }
        let acceleration: [f64; 3] = std::array::from_fn(|axis| {
            let [before, after] = [before, after].map(|side| self.of_kind(side.kind).acceleration_mm_s2[axis]);
            before.min(after)
        });
        let acceleration_mm_s2 = along(&acceleration, &(change / (2.0 * half_turn)));
        let shorter_mm = before.length.as_mm().min(after.length.as_mm());
        let deviation_mm = self.deviation_mm(before.corner);
        (acceleration_mm_s2 * corner_radius_mm(deviation_mm, half_turn, shorter_mm)).sqrt()
    }

    /// Speed at the corner with which two moves that overlap there take as long as one behind the other.
    ///
    /// Each move is braked from its own speed v to rest, or the other way round, within half of its length, and the
    /// way must not leave the corner by more than the tolerance: braking begins d = 2δ/cos θ before it, d = v²/2a.
    /// Both ramps begin at once and last t = v/a, the second one no less than the first, so against riding through at
    /// v₁ and v₂ they lose (t₂ − t₁)/2 where that is positive, and the cycle c that the second one waits for the first
    /// to have braked at all. Passing at v loses (v₁ − v)²/2a₁v₁ + (v₂ − v)²/2a₂v₂;
    /// the same loss has the lesser root of
    ///
    /// ```text
    /// (1/2a₁v₁ + 1/2a₂v₂)·v² − (1/a₁ + 1/a₂)·v + max(0, min(t₁, (t₁ + t₂)/2) − c) = 0
    /// ```
    fn overlap_mm_s(&self, before: &Segment, after: &Segment, half_turn: f64) -> f64 {
        let limits = [self.segment(None, before), self.segment(Some(before), after)];
        let sides = [before, after];
        let acceleration = limits.map(|limits| limits.acceleration_mm_s2);
        let reach: [f64; 2] = std::array::from_fn(|side| {
            let top_mm_s = sides[side].feed.as_mm_s().min(limits[side].cap_mm_s);
            (acceleration[side] * sides[side].length.as_mm()).sqrt().min(top_mm_s)
        });
        let longest_s = (sides[0].length.as_mm() / reach[0]).min(sides[1].length.as_mm() / reach[1]);
        let ramp_s = (reach[0] / acceleration[0]).max(reach[1] / acceleration[1]).min(longest_s);
        let by_deviation_mm_s = 2.0 * (acceleration[0] * self.deviation_mm(before.corner) / half_turn).sqrt();
        let speed: [f64; 2] =
            std::array::from_fn(|side| reach[side].min(ramp_s * acceleration[side]).min(by_deviation_mm_s));
        let least_mm_s = speed[0].min(speed[1]);
        if least_mm_s <= 0.0 {
            return 0.0;
        }
        let time = [speed[0] / acceleration[0], speed[1] / acceleration[1]];
        let square = 0.5 / (acceleration[0] * speed[0]) + 0.5 / (acceleration[1] * speed[1]);
        let linear = 1.0 / acceleration[0] + 1.0 / acceleration[1];
        let kept_s = (time[0].min((time[0] + time[1]) / 2.0) - self.cycle_s).max(0.0);
        let root = (linear * linear - 4.0 * square * kept_s).max(0.0).sqrt();
        ((linear - root) / (2.0 * square)).min(least_mm_s)
    }

    fn deviation_mm(&self, rule: CornerRule) -> f64 {
        match rule {
            CornerRule::Machine => self.deviation_mm,
            CornerRule::Exact => 0.0,
            CornerRule::Within(tolerance) => tolerance.as_mm(),
        }
    }

    /// The corner rule for each rotary axis.
    fn turning_corner_mm_s(&self, before: &Segment, after: &Segment) -> f64 {
        let (from, to) = (before.rates(), after.rates());
        let shorter_mm = before.span_mm().min(after.span_mm());
        let deviation_rad = self.deviation_mm(before.corner).max(0.0) / TURN_MM_PER_RAD;
        let square = (0..3).fold(f64::INFINITY, |least, axis| {
            let (change, most) = ((to[axis] - from[axis]).abs(), from[axis].abs().max(to[axis].abs()));
            if change <= 2.0 * STRAIGHT_HALF_TURN * most {
                return least;
            }
            let [before, after] = [before, after].map(|side| self.of_kind(side.kind).turning_rad_s2[axis]);
            let by_length = before.min(after) * shorter_mm / change;
            if deviation_rad <= 0.0 && change < 2.0 * TANGENT_HALF_TURN * most {
                return least.min(by_length);
            }
            least.min(by_length).min(8.0 * before.min(after) * deviation_rad / (change * change))
        });
        square.sqrt()
    }
}

/// True if a move and the next one overlap at their corner, which only the blending of corners says, and by a tolerance.
fn overlaps(before: &Segment) -> bool {
    matches!(before.corner, CornerRule::Within(tolerance) if tolerance > Length::ZERO) && !before.stop_at_end
}

/// Radius of the circle that rounds a corner, from sin of half the turn (which is cos θ/2).
fn corner_radius_mm(deviation_mm: f64, half_turn: f64, shorter_mm: f64) -> f64 {
    let sin_half = (1.0 - half_turn * half_turn).max(0.0).sqrt();
    let by_length_mm = 0.5 * shorter_mm * sin_half / half_turn;
    if deviation_mm <= 0.0 && half_turn < TANGENT_HALF_TURN {
        return by_length_mm;
    }
    // 1 − sin(θ/2) written as cos²(θ/2)/(1 + sin(θ/2)), which does not cancel for small turns.
    let by_deviation_mm = deviation_mm.max(0.0) * sin_half * (1.0 + sin_half) / (half_turn * half_turn);
    by_deviation_mm.min(by_length_mm)
}

fn square(value: f64) -> f64 {
    value * value
}

/// Least of limitᵢ/|directionᵢ|: what the axes allow together along a direction.
fn along(limits: &[f64; 3], direction: &Vector) -> f64 {
    (0..3).fold(f64::INFINITY, |least, axis| {
        let share = direction[axis].abs();
        if share > 0.0 { least.min(limits[axis] / share) } else { least }
    })
}

/// Greatest share of each axis in a direction of the plane with this unit normal.
fn reach(normal: &Vector) -> Vector {
    normal.map(|part| (1.0 - part * part).max(0.0).sqrt())
}

/// Greatest magnitude of each component of the tangent anywhere along the path.
fn steepest(geometry: &Geometry) -> Vector {
    match *geometry {
        Geometry::Line { .. } => geometry.tangent(0.0),
        Geometry::Arc { start, end, centre, normal, sweep_rad } => {
            Turn::new(start, end, centre, normal, sweep_rad).steepest()
        }
        Geometry::Still { .. } => Vector::zeros(),
    }
}

/// An arc or helix in the numbers its limits need.
struct Turn {
    /// Axes in the plane and along the normal.
    axes: [usize; 3],
    radius_mm: f64,
    from_rad: f64,
    sweep_rad: f64,
    /// Share of the path in the plane and along the normal: cos and sin of the lead angle.
    flat: f64,
    rise: f64,
    /// Unit vector of the axis where it is parallel to none of the machine's: blends of corners.
    tilted: Option<Vector>,
}

impl Turn {
    fn new(start: Point, end: Point, centre: Point, normal: Vector, sweep_rad: f64) -> Self {
        let up = normal.iamax();
        let tilted = (normal[up].abs() < 1.0 - PARALLEL).then_some(normal);
        let axes = [(up + 1) % 3, (up + 2) % 3, up];
        let (first, second) = (start[axes[0]] - centre[axes[0]], start[axes[1]] - centre[axes[1]]);
        let radius_mm = if tilted.is_some() { (start - centre).norm() } else { math::hypot(first, second) };
        // A tilted arc is flat: it has no climb along its axis.
        let climb_mm = if tilted.is_some() { 0.0 } else { (end[up] - start[up]).abs() };
        let round_mm = radius_mm * sweep_rad.abs();
        let length_mm = math::hypot(round_mm, climb_mm);
        Self {
            axes,
            radius_mm,
            from_rad: math::atan2(second, first),
            sweep_rad: sweep_rad * normal[up].signum(),
            flat: round_mm / length_mm,
            rise: climb_mm / length_mm,
            tilted,
        }
    }

    fn steepest(&self) -> Vector {
        if let Some(normal) = self.tilted {
            return reach(&normal);
        }
        let mut steepest = Vector::zeros();
        steepest[self.axes[0]] = self.flat * greatest_sine(self.from_rad, self.sweep_rad);
        steepest[self.axes[1]] = self.flat * greatest_sine(self.from_rad + std::f64::consts::FRAC_PI_2, self.sweep_rad);
        steepest[self.axes[2]] = self.rise;
        steepest
    }

    /// The least of the limits in any direction of the arc's plane.
    fn in_plane(&self, limits: &[f64; 3]) -> f64 {
        match self.tilted {
            Some(normal) => along(limits, &reach(&normal)),
            None => limits[self.axes[0]].min(limits[self.axes[1]]),
        }
    }

    /// Shares the acceleration of the plane between turning and speeding up.
    fn share(&self, acceleration_mm_s2: &[f64; 3], limits: Limits) -> Limits {
        let plane_mm_s2 = self.in_plane(acceleration_mm_s2);
        let turning_mm_s = (NORMAL_SHARE * plane_mm_s2 * self.radius_mm).sqrt() / self.flat;
        let cap_mm_s = limits.cap_mm_s.min(turning_mm_s);
        let in_plane_mm_s = cap_mm_s * self.flat;
        let normal_mm_s2 = in_plane_mm_s * in_plane_mm_s / self.radius_mm;
        let tangent_mm_s2 = (plane_mm_s2 * plane_mm_s2 - normal_mm_s2 * normal_mm_s2).max(0.0).sqrt() / self.flat;
        let climb_mm_s2 = acceleration_mm_s2[self.axes[2]] / self.rise;
        Limits { cap_mm_s, acceleration_mm_s2: tangent_mm_s2.min(climb_mm_s2), ..limits }
    }

    /// Turning and speeding up may each take the whole acceleration of the plane: what a control does that knows
    /// one acceleration and filters its set points.
    fn each_by_itself(&self, acceleration_mm_s2: &[f64; 3], limits: Limits) -> Limits {
        let plane_mm_s2 = acceleration_mm_s2[self.axes[0]].min(acceleration_mm_s2[self.axes[1]]);
        let turning_mm_s = (plane_mm_s2 * self.radius_mm).sqrt() / self.flat;
        Limits { cap_mm_s: limits.cap_mm_s.min(turning_mm_s), ..limits }
    }

    /// Shares the jerk of the plane as well. On a circle r⃛ = (s⃛ − ṡ³/R²)·t + (3·ṡ·s̈/R)·n: the speed alone has
    /// a jerk, and an acceleration along the path turns with the path.
    fn share_jerk(&self, jerk_mm_s3: &[f64; 3], acceleration_mm_s2: &[f64; 3], limits: Limits) -> Limits {
        let plane_mm_s3 = self.in_plane(jerk_mm_s3);
        let square = self.radius_mm * self.radius_mm;
        let turning_mm_s = math::pow(TURNING_JERK_SHARE * plane_mm_s3 * square, 1.0 / 3.0) / self.flat;
        let capped = Limits { cap_mm_s: limits.cap_mm_s.min(turning_mm_s), ..limits };
        let limits = self.share(acceleration_mm_s2, capped);
        let in_plane_mm_s = limits.cap_mm_s * self.flat;
        let speeding_mm_s2 = SPEEDING_JERK_SHARE * plane_mm_s3 * self.radius_mm / (3.0 * in_plane_mm_s) / self.flat;
        let acceleration_mm_s2 = limits.acceleration_mm_s2.min(speeding_mm_s2);
        let across = 3.0 * in_plane_mm_s * acceleration_mm_s2 * self.flat / (self.radius_mm * plane_mm_s3);
        let turning = in_plane_mm_s * in_plane_mm_s * in_plane_mm_s / (square * plane_mm_s3);
        let along = ((1.0 - across * across).max(0.0).sqrt() - turning) * plane_mm_s3 / self.flat;
        let climb_mm_s3 = jerk_mm_s3[self.axes[2]] / self.rise;
        Limits { acceleration_mm_s2, jerk_mm_s3: along.min(climb_mm_s3), ..limits }
    }
}

/// Greatest |sin| on a range of angles.
fn greatest_sine(from_rad: f64, sweep_rad: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, PI};
    let (low, high) = if sweep_rad < 0.0 { (from_rad + sweep_rad, from_rad) } else { (from_rad, from_rad + sweep_rad) };
    let crest = FRAC_PI_2 + ((low - FRAC_PI_2) / PI).ceil() * PI;
    if crest <= high { 1.0 } else { math::sin(low).abs().max(math::sin(high).abs()) }
}
