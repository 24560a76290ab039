//! Corners that the control rounds by arcs of its own.
//!
//! Some controls pass a programmed corner slowly and exactly; LinuxCNC leaves it and takes a short cut: an arc tangent
//! to both moves, no larger than the tolerance permits and, roughly, no larger than the speed needs. The way is then
//! another one than programmed, by up to a quarter of a move where the program states no tolerance, and so is the
//! time. Where a machine says that it does so ([`crate::machine::CornerBlend`]), the arcs become segments of the
//! path like any other: what plans speed, cuts material or locates the tool need not know that nobody wrote them.
//! An arc has the source line of the move before its corner.
//!
//! With φ the turn at the corner, θ = (π − φ)/2, δ the tolerance and L the length that each move can spare:
//!
//! ```text
//! d   = min(L₁, L₂, δ·cos θ/(1 − sin θ))          way before and behind the corner that may be cut off
//! R_g = d·tan θ,  v = min(v_goal, √(a_n·R_g))     greatest radius, and the speed at the corner
//! R   = max(v²/a_n, min(R_g, v·t/φ)),             no tighter than a blend of parabolas would be, which
//! t   = min(√(a·d), v)/(a/2)                      overlaps the moves at half their acceleration
//! ```
//!
//! a_n is √3/2 of a, the acceleration that the axes allow in every direction of the plane. A move gives at most half
//! of itself to a corner (an arc a third of it to the corner it comes from, two thirds to the one it leads to). A
//! corner at an arc that does not lie in the corner's plane has no arc: the two moves overlap there, at half their
//! acceleration (`limits`). Between rapids and feed moves, and where the way turns back, such a control comes to rest,
//! at the end of a cycle of its interpolator (`cycles`).
//!
//! Source: LinuxCNC's manual, "Trajectory Control" and "INI Configuration" (ARC_BLEND); its planner's documented
//! behaviour (R. Ellenberg, "Circular arc blending", 2014), measured against a running LinuxCNC in
//! `scenarios/tests/linuxcnc`.

use super::compile::{STILL_MM_MIN, STILL_MM_PER_S, length_mm};
use super::cycles::settle;
use super::limits::Drives;
use super::naive::join;
use super::{CornerRule, Geometry, Segment, SegmentKind, Station, StillKind};
use crate::det::{ExactSum, math};
use crate::geom::{Point, Vector};
use crate::machine::{CornerBlend, Machine};
use crate::units::{Feedrate, Length, Seconds};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Share of the acceleration that turning takes, as in `limits`.
const NORMAL_SHARE: f64 = 0.866_025_403_784_438_6;

/// Turn below which a corner is none, and above which it is a reversal that no arc can round, rad.
const TURN_RAD_MIN: f64 = 1e-3;
const TURN_RAD_MAX: f64 = PI - 0.02;

/// Least angle between the moves, halved, at which two arcs are blended.
const THETA_RAD_MIN: f64 = PI / 12.0;

/// Shortest arc, and what of a move is too short to be kept, mm.
const ARC_MM_MIN: f64 = 1e-5;
const REST_MM_MIN: f64 = 1e-6;

/// How far two unit vectors may be apart and still be the same.
const SAME: f64 = 1e-6;

/// Corner of a move that meets another one exactly, in a kink: see `limits` for what it costs.
pub(super) const KINKED: CornerRule = CornerRule::Within(Length::ZERO);

/// A move with its programmed length, of which its neighbours may take shares.
struct Move {
    segment: Segment,
    nominal_mm: f64,
    /// True where it is no move but the rest between two, which lasts to the end of the control's cycle.
    is_rest: bool,
}

/// A corner in the plane of its two moves.
struct Corner {
    at: Point,
    into: Vector,
    out: Vector,
    normal: Vector,
    turn_rad: f64,
    theta_rad: f64,
}

/// What a move can spare at a corner.
struct Side {
    /// Length that counts for the radius.
    spare_mm: f64,
    /// Greatest angle of an arc that may go.
    angle_rad_max: f64,
    /// By how much an arc that turns the same way makes the corner sharper.
    sharper_rad: f64,
}

/// A tangent arc, and where the moves before and behind it now end and begin, as shares of what is left of them.
struct Rounded {
    arc: Geometry,
    before_share: f64,
    after_share: f64,
}

/// Rounds the corners of segments and lays their stations anew. O(n).
pub(super) fn blend(segments: Vec<Segment>, machine: &Machine, how: CornerBlend) -> Vec<Segment> {
    let drives = Drives::of(machine);
    let mut moves: Vec<Move> = Vec::with_capacity(segments.len() + segments.len() / 2);
    for mut segment in join(segments, &drives) {
        if segment.corner == KINKED {
            // No tolerance is no bound, other than at an exact corner, which is marked so from here on.
            segment.corner = CornerRule::Machine;
        }
        if let Some(last) = moves.last_mut() {
            meet_exactly(&mut last.segment, &mut segment);
            let rest = rest(&last.segment, &segment, how);
            moves.extend(rest.map(|segment| Move { nominal_mm: 0.0, segment, is_rest: true }));
        }
        let mut next = Move { nominal_mm: segment.length.as_mm(), segment, is_rest: false };
        if let Some(last) = moves.last_mut().filter(|last| is_rounded(&last.segment, &next.segment)) {
            let arc = round(last, &mut next, &drives, how);
            if last.segment.length.as_mm() < REST_MM_MIN {
                moves.pop();
            }
            moves.extend(arc);
        }
        moves.push(next);
    }
    let rests: Vec<usize> = (0..moves.len()).filter(|index| moves[*index].is_rest).collect();
    settle(lay(moves), &rests, how.cycle, machine)
}

/// Corners that are not rounded: at rest between a rapid and a feed move, and as programmed in the exact modes.
fn meet_exactly(before: &mut Segment, after: &mut Segment) {
    let still = |segment: &Segment| matches!(segment.kind, SegmentKind::Still(_));
    if still(before) || still(after) {
        return;
    }
    if before.kind != after.kind {
        before.stop_at_end = true;
        if before.corner != KINKED {
            before.corner = CornerRule::Exact;
        }
    } else if !is_exact(before) && turns_back(&before.geometry, &after.geometry) {
        before.stop_at_end = true;
        before.corner = CornerRule::Exact;
    } else if is_exact(before) && corner(&before.geometry, &after.geometry).is_some() {
        before.corner = KINKED;
    }
}

/// What coming to rest between two moves costs beyond the ramps; `cycles` says how long it takes.
fn rest(before: &Segment, after: &Segment, how: CornerBlend) -> Option<Segment> {
    let still = |segment: &Segment| matches!(segment.kind, SegmentKind::Still(_));
    let stops = before.stop_at_end || before.corner == KINKED;
    let span_mm = (how.cycle.as_s() * STILL_MM_PER_S).max(STILL_MM_MIN);
    (stops && how.cycle > Seconds::ZERO && !still(before) && !still(after)).then(|| Segment {
        kind: SegmentKind::Still(StillKind::Dwell),
        geometry: Geometry::Still { at: before.geometry.end() },
        start: Station::START,
        end: Station::from_mm(span_mm),
        length: Length::ZERO,
        feed: Feedrate::ZERO,
        still: Seconds::ZERO,
        stop_at_end: true,
        forced: None,
        turn_rad: [0.0; 3],
        ..before.clone()
    })
}

fn is_exact(segment: &Segment) -> bool {
    matches!(segment.corner, CornerRule::Exact | KINKED)
}

/// True where two moves meet in a corner that may be rounded. Moves that turn a rotary axis keep theirs.
fn is_rounded(before: &Segment, after: &Segment) -> bool {
    let moves = |segment: &Segment| !matches!(segment.kind, SegmentKind::Still(_)) && segment.turn_rad == [0.0; 3];
    moves(before) && moves(after) && !before.stop_at_end && !is_exact(before)
}

/// The arc between two moves, which are shortened; `None` where the corner stays.
fn round(before: &mut Move, after: &mut Move, drives: &Drives, how: CornerBlend) -> Option<Move> {
    // From here on a tolerance says that the two moves overlap at their corner.
    let tolerance_mm = tolerance_mm(before, after, how);
    before.segment.corner = CornerRule::Machine;
    let corner = corner(&before.segment.geometry, &after.segment.geometry)?;
    let rounded = tangent_arc(before, after, &corner, tolerance_mm, drives, how);
    let Some(rounded) = rounded else {
        before.segment.corner = CornerRule::Within(Length::mm(tolerance_mm));
        return None;
    };
    let nominal_mm = length_mm(&rounded.arc);
    let mut segment = Segment { geometry: rounded.arc, length: Length::mm(nominal_mm), ..before.segment.clone() };
    // It meets both moves exactly, and says by this that it rounds a corner.
    segment.corner = CornerRule::Exact;
    segment.feed = before.segment.feed.max(after.segment.feed);
    if after.segment.kind == SegmentKind::Feed {
        segment.kind = SegmentKind::Feed;
    }
    segment.forced = before.segment.forced.or(after.segment.forced);
    segment.feed =
        segment.feed.min(Feedrate::mm_s(drives.axis_speed_mm_s(segment.kind, &segment.geometry, &Vector::zeros())));
    cut(&mut before.segment, 0.0, rounded.before_share);
    cut(&mut after.segment, rounded.after_share, 1.0);
    Some(Move { segment, nominal_mm, is_rest: false })
}

/// How far the way may leave the corner.
fn tolerance_mm(before: &Move, after: &Move, how: CornerBlend) -> f64 {
    let shares_mm = before.nominal_mm.min(after.nominal_mm) * how.share;
    let stated = |side: &Move| match side.segment.corner {
        CornerRule::Within(tolerance) if tolerance > Length::ZERO => tolerance.as_mm(),
        _ => f64::INFINITY,
    };
    shares_mm.min(stated(before)).min(stated(after))
}

/// `None` where the direction hardly changes or turns back, and where the moves do not meet.
fn corner(before: &Geometry, after: &Geometry) -> Option<Corner> {
    // Where the tool length changes, the tip is somewhere else without a move.
    if (before.end() - after.start()).norm() > REST_MM_MIN {
        return None;
    }
    let (into, out) = (before.tangent(1.0), after.tangent(0.0));
    let cross = into.cross(&out);
    let turn_rad = math::atan2(cross.norm(), into.dot(&out));
    if !(TURN_RAD_MIN..=TURN_RAD_MAX).contains(&turn_rad) {
        return None;
    }
    let normal = cross / cross.norm();
    Some(Corner { at: after.start(), into, out, normal, turn_rad, theta_rad: (PI - turn_rad) / 2.0 })
}

/// True where the second move goes back the way of the first: between them the control comes to rest.
fn turns_back(before: &Geometry, after: &Geometry) -> bool {
    let (into, out) = (before.tangent(1.0), after.tangent(0.0));
    math::atan2(into.cross(&out).norm(), into.dot(&out)) > TURN_RAD_MAX
}

fn tangent_arc(
    before: &Move,
    after: &Move,
    corner: &Corner,
    tolerance_mm: f64,
    drives: &Drives,
    how: CornerBlend,
) -> Option<Rounded> {
    let (first, second) = (&before.segment.geometry, &after.segment.geometry);
    let spare_before_mm = before.segment.length.as_mm().min(before.nominal_mm / 2.0);
    let sides = [
        side(first, corner, spare_before_mm, 2.0 / 3.0)?,
        side(second, corner, after.segment.length.as_mm() / 2.0, 1.0 / 3.0)?,
    ];
    let theta_rad = corner.theta_rad - sides[0].sharper_rad - sides[1].sharper_rad;
    if theta_rad < THETA_RAD_MIN && matches!((first, second), (Geometry::Arc { .. }, Geometry::Arc { .. })) {
        return None;
    }
    let turn_rad = PI - 2.0 * theta_rad;
    let (sin, cos) = math::sin_cos(theta_rad);
    let by_tolerance_mm = tolerance_mm * cos / (1.0 - sin);
    let cut_mm = sides[0].spare_mm.min(sides[1].spare_mm).min(by_tolerance_mm);
    let radius_mm = radius_mm(before, after, corner, drives, how, (cut_mm, sin / cos, turn_rad));
    let rounded = place(first, second, corner, radius_mm)?;
    let gone = |geometry: &Geometry, share: f64| match *geometry {
        Geometry::Arc { sweep_rad, .. } => sweep_rad.abs() * share,
        _ => 0.0,
    };
    let fits = gone(first, 1.0 - rounded.before_share) <= sides[0].angle_rad_max
        && gone(second, rounded.after_share) <= sides[1].angle_rad_max;
    (fits && length_mm(&rounded.arc) >= ARC_MM_MIN).then_some(rounded)
}

/// What a move can spare; `None` for an arc that does not lie in the corner's plane.
fn side(geometry: &Geometry, corner: &Corner, spare_mm: f64, share: f64) -> Option<Side> {
    let Geometry::Arc { start, end, centre, normal, sweep_rad } = *geometry else {
        return Some(Side { spare_mm, angle_rad_max: 0.0, sharper_rad: 0.0 });
    };
    let flat = (end - start).dot(&normal).abs() < REST_MM_MIN;
    if !flat || normal.dot(&corner.normal).abs() < 1.0 - SAME {
        return None;
    }
    let radius_mm = (start - centre).norm();
    let same_way = turns_same_way(normal, sweep_rad, corner);
    let limit_rad = if same_way { corner.theta_rad } else { FRAC_PI_2 };
    let angle_rad_max = (sweep_rad.abs() * share).min(limit_rad);
    let spare_mm = if same_way { math::sin(angle_rad_max / 4.0) } else { angle_rad_max } * radius_mm;
    Some(Side { spare_mm, angle_rad_max, sharper_rad: if same_way { angle_rad_max / 4.0 } else { 0.0 } })
}

fn turns_same_way(normal: Vector, sweep_rad: f64, corner: &Corner) -> bool {
    normal.dot(&corner.normal) * sweep_rad > 0.0
}

/// The radius by tolerance, length and speed; `shape` is the way that may be cut off, tan θ and the turn.
fn radius_mm(
    before: &Move,
    after: &Move,
    corner: &Corner,
    drives: &Drives,
    how: CornerBlend,
    shape: (f64, f64, f64),
) -> f64 {
    let (cut_mm, tan, turn_rad) = shape;
    let kind = if before.segment.kind == SegmentKind::Rapid { after.segment.kind } else { SegmentKind::Feed };
    let (plane_mm_s, plane_mm_s2) = drives.in_plane(kind, &corner.normal);
    let wanted_mm_s = before.segment.feed.max(after.segment.feed).as_mm_s() * how.speed_ratio;
    let goal_mm_s = wanted_mm_s.min(plane_mm_s.max(through_mm_s(before, after, corner, drives)));
    let normal_mm_s2 = NORMAL_SHARE * plane_mm_s2;
    let radius_mm_max = tan * cut_mm;
    let speed_mm_s = goal_mm_s.min((normal_mm_s2 * radius_mm_max).sqrt());
    let half_mm_s2 = plane_mm_s2 / 2.0;
    let time_s = (2.0 * half_mm_s2 * cut_mm).sqrt().min(speed_mm_s) / half_mm_s2;
    let overlap_mm = (time_s * speed_mm_s / turn_rad).min(radius_mm_max);
    (speed_mm_s * speed_mm_s / normal_mm_s2).max(overlap_mm)
}

/// Speed in the direction of the corner when both moves run as fast as their axes allow: lines only.
fn through_mm_s(before: &Move, after: &Move, corner: &Corner, drives: &Drives) -> f64 {
    let lines = [before, after].iter().all(|side| matches!(side.segment.geometry, Geometry::Line { .. }));
    if !lines {
        return 0.0;
    }
    let [first, second] =
        [before, after].map(|side| drives.axis_speed_mm_s(side.segment.kind, &side.segment.geometry, &Vector::zeros()));
    let cos = math::cos(corner.turn_rad.min(0.49 * PI));
    let (one, two) = (first.min(second / cos), second.min(first / cos));
    let base = (corner.out * two - corner.into * one).norm();
    if base > 0.0 { one * two * math::sin(corner.turn_rad) / base } else { 0.0 }
}

/// The arc of a radius that touches both moves.
fn place(first: &Geometry, second: &Geometry, corner: &Corner, radius_mm: f64) -> Option<Rounded> {
    // Coordinates in the plane: x along the way into the corner, y towards the inner side; the corner at 0.
    let across = corner.normal.cross(&corner.into);
    let flat = |point: Point| {
        let from = point - corner.at;
        [from.dot(&corner.into), from.dot(&across)]
    };
    let (sin, cos) = math::sin_cos(corner.turn_rad);
    let one = Track::of(first, corner, flat, [1.0, 0.0]);
    let two = Track::of(second, corner, flat, [cos, sin]);
    let middle = meet(&one.moved(radius_mm)?, &two.moved(radius_mm)?, radius_mm, corner.theta_rad)?;
    let (from, to) = (one.foot(middle), two.foot(middle));
    let arm = |foot: [f64; 2]| math::atan2(foot[1] - middle[1], foot[0] - middle[0]);
    let sweep_rad = (arm(to) - arm(from)).rem_euclid(TAU);
    let share = |geometry: &Geometry, foot: [f64; 2], corner_end: bool| {
        let gone_mm = match *geometry {
            Geometry::Arc { start, centre, sweep_rad, .. } => {
                let [x, y] = flat(centre);
                let angle = |p: [f64; 2]| math::atan2(p[1] - y, p[0] - x);
                let between = (angle(foot) - angle([0.0, 0.0])).abs();
                let between = between.min(TAU - between);
                return (between * (start - centre).norm(), sweep_rad.abs() * (start - centre).norm(), between < PI);
            }
            _ => math::hypot(foot[0], foot[1]),
        };
        let forward = foot[0] * if corner_end { 1.0 } else { cos } + foot[1] * if corner_end { 0.0 } else { sin };
        let right_way = if corner_end { forward <= 0.0 } else { forward >= 0.0 };
        (gone_mm, length_mm(geometry), right_way)
    };
    let (gone_before_mm, before_mm, before_ok) = share(first, from, true);
    let (gone_after_mm, after_mm, after_ok) = share(second, to, false);
    let fits = before_ok
        && after_ok
        && gone_before_mm <= before_mm + REST_MM_MIN
        && gone_after_mm < after_mm
        && sweep_rad < PI;
    if !fits {
        return None;
    }
    // All that is left may go, and rounding may want a bit more.
    let (before_share, after_share) = ((1.0 - gone_before_mm / before_mm).max(0.0), gone_after_mm / after_mm);
    let centre = corner.at + corner.into * middle[0] + across * middle[1];
    let (start, end) = (first.point(before_share), second.point(after_share));
    let (normal, sense) = upright(corner.normal);
    let arc = Geometry::Arc { start, end, centre, normal, sweep_rad: sweep_rad * sense };
    Some(Rounded { arc, before_share, after_share })
}

/// The same axis as the other arcs have it: a machine's axis exactly where it is one but for rounding, pointing up
/// it; and the sense in which the arc then turns.
fn upright(normal: Vector) -> (Vector, f64) {
    let up = normal.iamax();
    let sense = normal[up].signum();
    let mut axis = Vector::zeros();
    axis[up] = 1.0;
    if normal[up].abs() > 1.0 - SAME * SAME { (axis, sense) } else { (normal * sense, sense) }
}

/// A line or circle in the plane of a corner.
enum Track {
    /// Through a point, in a direction.
    Line { at: [f64; 2], along: [f64; 2] },
    /// About a centre; `inner` where the arc turns as the corner does.
    Circle { centre: [f64; 2], radius: f64, inner: bool },
}

impl Track {
    fn of(geometry: &Geometry, corner: &Corner, flat: impl Fn(Point) -> [f64; 2], along: [f64; 2]) -> Self {
        match *geometry {
            Geometry::Arc { start, centre, normal, sweep_rad, .. } => Self::Circle {
                centre: flat(centre),
                radius: (start - centre).norm(),
                inner: turns_same_way(normal, sweep_rad, corner),
            },
            _ => Self::Line { at: [0.0, 0.0], along },
        }
    }

    /// Where the centres of circles of a radius lie that touch it from the inner side.
    fn moved(&self, by: f64) -> Option<Self> {
        match *self {
            Self::Line { at, along } => Some(Self::Line { at: [at[0] - by * along[1], at[1] + by * along[0]], along }),
            Self::Circle { centre, radius, inner } => {
                let radius = if inner { radius - by } else { radius + by };
                (radius > 0.0).then_some(Self::Circle { centre, radius, inner })
            }
        }
    }

    /// The point nearest to another.
    fn foot(&self, from: [f64; 2]) -> [f64; 2] {
        match *self {
            Self::Line { at, along } => {
                let way = (from[0] - at[0]) * along[0] + (from[1] - at[1]) * along[1];
                [at[0] + way * along[0], at[1] + way * along[1]]
            }
            Self::Circle { centre, radius, .. } => {
                let (x, y) = (from[0] - centre[0], from[1] - centre[1]);
                let scale = radius / math::hypot(x, y);
                [centre[0] + x * scale, centre[1] + y * scale]
            }
        }
    }
}

/// The common point of two tracks that is nearest to where straight moves would have it.
fn meet(one: &Track, two: &Track, radius_mm: f64, theta_rad: f64) -> Option<[f64; 2]> {
    let straight_mm = radius_mm / math::tan(theta_rad);
    let expected = [-straight_mm, radius_mm];
    let points: Vec<[f64; 2]> = match (one, two) {
        (Track::Line { at, along }, Track::Line { at: other, along: way }) => {
            let cross = along[0] * way[1] - along[1] * way[0];
            let t = ((other[0] - at[0]) * way[1] - (other[1] - at[1]) * way[0]) / cross;
            vec![[at[0] + t * along[0], at[1] + t * along[1]]]
        }
        (Track::Line { at, along }, Track::Circle { centre, radius, .. })
        | (Track::Circle { centre, radius, .. }, Track::Line { at, along }) => {
            let (x, y) = (at[0] - centre[0], at[1] - centre[1]);
            let (half, rest) = (x * along[0] + y * along[1], x * x + y * y - radius * radius);
            let root = half * half - rest;
            if root < 0.0 {
                return None;
            }
            [-1.0, 1.0]
                .map(|sign| -half + sign * root.sqrt())
                .map(|t| [at[0] + t * along[0], at[1] + t * along[1]])
                .into()
        }
        (Track::Circle { centre, radius, .. }, Track::Circle { centre: other, radius: reach, .. }) => {
            let (x, y) = (other[0] - centre[0], other[1] - centre[1]);
            let apart = math::hypot(x, y);
            let along = (apart * apart + radius * radius - reach * reach) / (2.0 * apart);
            let root = radius * radius - along * along;
            if root < 0.0 || apart <= 0.0 {
                return None;
            }
            let (unit, up) = ([x / apart, y / apart], root.sqrt());
            [-up, up]
                .map(|up| [centre[0] + along * unit[0] - up * unit[1], centre[1] + along * unit[1] + up * unit[0]])
                .into()
        }
    };
    let off = |point: &[f64; 2]| math::hypot(point[0] - expected[0], point[1] - expected[1]);
    points.into_iter().filter(|point| off(point).is_finite()).min_by(|a, b| off(a).total_cmp(&off(b)))
}

/// Keeps a part of a move.
fn cut(segment: &mut Segment, from: f64, to: f64) {
    let (start, end) = (segment.geometry.point(from), segment.geometry.point(to));
    let (start, end) = (
        if from == 0.0 { segment.geometry.start() } else { start },
        if to == 1.0 { segment.geometry.end() } else { end },
    );
    segment.geometry = match segment.geometry {
        Geometry::Arc { centre, normal, sweep_rad, .. } => {
            Geometry::Arc { start, end, centre, normal, sweep_rad: sweep_rad * (to - from) }
        }
        _ => Geometry::Line { start, end },
    };
    segment.length = Length::mm(length_mm(&segment.geometry));
}

/// Segments one behind the other.
fn lay(moves: Vec<Move>) -> Vec<Segment> {
    let (mut sum, mut at) = (ExactSum::default(), Station::START);
    let place = |Move { mut segment, .. }: Move| {
        let still = matches!(segment.kind, SegmentKind::Still(_));
        let span_mm = if still { segment.end.beyond(segment.start).as_mm() } else { segment.length.as_mm() };
        sum.add(span_mm);
        segment.start = at;
        segment.end = Station::from_mm(sum.total()).max(Station::from_nm(at.as_nm() + 1));
        at = segment.end;
        segment
    };
    moves.into_iter().map(place).collect()
}
