//! Turning profiles: lines and arcs in the plane of a lathe, and what roughing does along them.
//!
//! A point is a complex number, Z real and X imaginary, so that offsets, turns and mirror images are products.
//! A profile is brought into one position first, with Z and X falling from its entry on, by mirroring and a
//! quarter turn; everything here speaks of that position. *Diving* goes into the material, *climbing* follows
//! the profile out of it.
//!
//! Tolerances are in the unit of the program, as LinuxCNC has them: the decisions at their edges are part of
//! what its cycles cut.

use crate::det::math;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Closer than this is the same place.
pub(super) const SAME: f64 = 1e-6;
/// A piece shorter than this is dropped, a move shorter than this is not made.
pub(super) const SHORT: f64 = 1e-3;
/// Offset pieces that miss each other by more than this are joined by an arc.
const GAP: f64 = 1e-2;

/// Z and X.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) z: f64,
    pub(super) x: f64,
}

impl Point {
    pub(super) fn new(z: f64, x: f64) -> Self {
        Self { z, x }
    }

    pub(super) fn conj(self) -> Self {
        Self::new(self.z, -self.x)
    }

    /// A quarter turn counter-clockwise.
    pub(super) fn quarter(self) -> Self {
        Self::new(-self.x, self.z)
    }

    pub(super) fn abs(self) -> f64 {
        math::hypot(self.z, self.x)
    }

    /// Square of the length.
    pub(super) fn norm(self) -> f64 {
        self.z * self.z + self.x * self.x
    }

    fn over(self, other: Self) -> Self {
        let below = other.norm();
        let above = self * other.conj();
        Self::new(above.z / below, above.x / below)
    }

    pub(super) fn halfway(self, other: Self) -> Self {
        (self + other) / 2.0
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.z + other.z, self.x + other.x)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.z - other.z, self.x - other.x)
    }
}

impl Neg for Point {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.z, -self.x)
    }
}

impl Mul for Point {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::new(self.z * other.z - self.x * other.x, self.z * other.x + self.x * other.z)
    }
}

impl Mul<f64> for Point {
    type Output = Self;
    fn mul(self, scale: f64) -> Self {
        Self::new(self.z * scale, self.x * scale)
    }
}

impl Div<f64> for Point {
    type Output = Self;
    fn div(self, scale: f64) -> Self {
        Self::new(self.z / scale, self.x / scale)
    }
}

/// A move the cycle makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cut {
    Rapid(Point),
    Feed(Point),
    Arc { centre: Point, ccw: bool, end: Point },
}

/// Why a profile cannot be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As LinuxCNC says it.
    Shape(&'static str),
    /// More moves or steps than are allowed.
    TooLong,
}

/// Moves, brought back from the position of the profile.
#[derive(Debug)]
pub(super) struct Cuts {
    /// Bit 0: Z was mirrored; bit 1: X was mirrored; bit 2: a quarter turn was made before.
    flip: u8,
    left: u32,
    pub(super) moves: Vec<Cut>,
}

impl Cuts {
    /// At most `left` moves and steps together.
    pub(super) fn new(left: u32) -> Self {
        Self { flip: 0, left, moves: Vec::new() }
    }

    /// For a profile that was brought into its position so.
    pub(super) fn set_flip(&mut self, flip: u8) {
        self.flip = flip;
    }

    /// Counts a step.
    pub(super) fn count(&mut self) -> Result<(), Refusal> {
        self.left = self.left.checked_sub(1).ok_or(Refusal::TooLong)?;
        Ok(())
    }

    fn back(&self, point: Point) -> Point {
        let point = if self.flip & 1 != 0 { -point.conj() } else { point };
        let point = if self.flip & 2 != 0 { point.conj() } else { point };
        if self.flip & 4 != 0 { point.quarter() } else { point }
    }

    pub(super) fn rapid(&mut self, to: Point) -> Result<(), Refusal> {
        self.count()?;
        self.moves.push(Cut::Rapid(self.back(to)));
        Ok(())
    }

    pub(super) fn feed(&mut self, to: Point) -> Result<(), Refusal> {
        self.count()?;
        self.moves.push(Cut::Feed(self.back(to)));
        Ok(())
    }

    fn arc(&mut self, ccw: bool, centre: Point, to: Point) -> Result<(), Refusal> {
        self.count()?;
        let mirrored = matches!(self.flip & 3, 1 | 2);
        self.moves.push(Cut::Arc { centre: self.back(centre), ccw: ccw != mirrored, end: self.back(to) });
        Ok(())
    }
}

/// Intersections of a level with a piece: at most two.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hits {
    at: [f64; 2],
    count: usize,
}

impl Hits {
    fn push(&mut self, z: f64) {
        self.at[self.count] = z;
        self.count += 1;
    }

    pub(super) fn front(&self) -> Option<f64> {
        (self.count > 0).then_some(self.at[0])
    }

    pub(super) fn back(&self) -> Option<f64> {
        self.count.checked_sub(1).map(|last| self.at[last])
    }
}

/// A line, or an arc about a centre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: Point,
    pub(super) end: Point,
    /// Centre, and true for counter-clockwise.
    pub(super) arc: Option<(Point, bool)>,
    /// Size of a fillet or chamfer still to be fitted between its neighbours.
    corner: f64,
    is_corner: bool,
}

impl Piece {
    pub(super) fn line(start: Point, end: Point) -> Self {
        Self { start, end, arc: None, corner: 0.0, is_corner: false }
    }

    pub(super) fn arc(ccw: bool, start: Point, centre: Point, end: Point) -> Self {
        Self { arc: Some((centre, ccw)), ..Self::line(start, end) }
    }

    /// A fillet of a radius at a corner of the profile.
    pub(super) fn fillet(radius: f64, at: Point) -> Self {
        Self { corner: radius, is_corner: true, ..Self::arc(false, at, at, at) }
    }

    /// A chamfer at a corner of the profile.
    pub(super) fn chamfer(size: f64, at: Point) -> Self {
        Self { corner: size, is_corner: true, ..Self::line(at, at) }
    }

    fn each(&mut self, change: impl Fn(Point) -> Point) {
        (self.start, self.end) = (change(self.start), change(self.end));
        if let Some((centre, _)) = &mut self.arc {
            *centre = change(*centre);
        }
    }

    pub(super) fn mirror_x(&mut self) {
        self.each(Point::conj);
        self.arc = self.arc.map(|(centre, ccw)| (centre, !ccw));
    }

    pub(super) fn mirror_z(&mut self) {
        self.each(|point| -point.conj());
        self.arc = self.arc.map(|(centre, ccw)| (centre, !ccw));
    }

    pub(super) fn turn(&mut self) {
        self.each(|point| -point.quarter());
    }

    pub(super) fn shift(&mut self, by: Point) {
        self.each(|point| point + by);
    }

    /// Length of a line; of an arc the smaller of chord and radius.
    pub(super) fn size(&self) -> f64 {
        let chord = (self.start - self.end).abs();
        self.arc.map_or(chord, |(centre, _)| chord.min((self.start - centre).abs()))
    }

    /// True where Z never rises along the piece.
    pub(super) fn is_monotonic(&self) -> bool {
        let along = (self.end - self.start).z;
        let Some((centre, ccw)) = self.arc else { return along <= SHORT };
        if self.corner != 0.0 {
            return true;
        }
        let side = if ccw { 1.0 } else { -1.0 };
        let (entry, exit) = ((self.start - centre).x * side, (self.end - centre).x * side);
        entry >= -SHORT && exit >= -SHORT && along <= -SHORT
    }

    /// Moves the piece to its left by a distance.
    pub(super) fn offset(&mut self, distance: f64) {
        if let Some((centre, ccw)) = self.arc {
            let radius = (self.start - centre).abs();
            let factor = (radius + if ccw { distance } else { -distance }) / radius;
            self.start = (self.start - centre) * factor + centre;
            self.end = (self.end - centre) * factor + centre;
        } else {
            let along = self.start - self.end;
            let aside = (along * distance).quarter() / along.abs();
            (self.start, self.end) = (self.start + aside, self.end + aside);
        }
    }

    pub(super) fn draw(&self, cuts: &mut Cuts) -> Result<(), Refusal> {
        match self.arc {
            Some((centre, ccw)) => cuts.arc(ccw, centre, self.end),
            None => cuts.feed(self.end),
        }
    }

    /// Where the piece has this X.
    pub(super) fn at_level(&self, x: f64) -> Hits {
        let mut hits = Hits::default();
        let Some((centre, ccw)) = self.arc else {
            let (low, high) = (self.start.x.min(self.end.x), self.start.x.max(self.end.x));
            if low > x + SAME || high < x - SAME {
                return hits;
            }
            if (self.start - self.end).x.abs() < SAME {
                hits.push(self.start.z);
                hits.push(self.end.z);
            } else {
                let part = (x - self.start.x) / (self.end.x - self.start.x);
                hits.push(part * (self.end.z - self.start.z) + self.start.z);
            }
            return hits;
        };
        let radius = (self.start - centre).abs();
        let square = -(x - radius - centre.x) * (x + radius - centre.x);
        if square < -SAME {
            return hits;
        }
        let half = square.max(0.0).sqrt();
        let side = if ccw { 1.0 } else { -1.0 };
        for z in [centre.z + half, centre.z - half] {
            let to = Point::new(z, x) - centre;
            let behind_start = ((self.start - centre).conj() * to).x * side >= -SAME;
            let before_end = ((self.end - centre).conj() * to).x * side <= SAME;
            if behind_start && before_end {
                hits.push(z);
            }
        }
        hits
    }

    /// Follows the piece outwards. True where it does not lead outwards (any more).
    pub(super) fn climb(&self, at: &mut Point, cuts: &mut Cuts) -> Result<bool, Refusal> {
        let Some((centre, ccw)) = self.arc else {
            if self.end.x + SAME < self.start.x {
                return Ok(true);
            }
            if (*at - self.start).abs() > SAME {
                return Err(Refusal::Shape("the profile is left while it is followed"));
            }
            cuts.feed(self.end)?;
            *at = self.end;
            return Ok(false);
        };
        if if ccw { at.z < centre.z } else { at.z > centre.z } {
            return Ok(true);
        }
        let end = self.top(centre, ccw);
        if (*at - end).abs() > SHORT {
            cuts.arc(ccw, centre, end)?;
        }
        *at = end;
        Ok(ccw)
    }

    /// Where following an arc outwards ends: a counter-clockwise one at its summit.
    fn top(&self, centre: Point, ccw: bool) -> Point {
        if ccw && self.end.z < centre.z {
            return Point::new(centre.z, centre.x + (self.start - centre).abs());
        }
        self.end
    }

    /// From inside a pocket across to the piece, and outwards along it.
    pub(super) fn climb_only(&self, at: &mut Point, cuts: &mut Cuts) -> Result<(), Refusal> {
        if self.arc.is_none() && self.end.x < self.start.x {
            return Ok(());
        }
        let hits = self.at_level(at.x);
        let (Some(front), Some(back)) = (hits.front(), hits.back()) else { return Ok(()) };
        let Some((centre, ccw)) = self.arc else {
            at.z = front;
            cuts.feed(*at)?;
            cuts.feed(self.end)?;
            *at = self.end;
            return Ok(());
        };
        if if ccw { front < centre.z } else { back > centre.z } {
            return Ok(());
        }
        at.z = if ccw { front } else { back };
        cuts.feed(*at)?;
        let end = self.top(centre, ccw);
        if (*at - end).abs() > SHORT {
            cuts.arc(ccw, centre, end)?;
        }
        *at = end;
        Ok(())
    }

    /// Goes inwards along the piece down to a level. True where the piece does not lead inwards.
    pub(super) fn dive(&self, at: &mut Point, x: f64, cuts: &mut Cuts, is_entry: bool) -> Result<bool, Refusal> {
        let Some((centre, ccw)) = self.arc else {
            if self.start.x <= self.end.x + SAME {
                return Ok(true);
            }
            let to = if x < self.end.x {
                self.end
            } else {
                let hit = self.at_level(x).front();
                Point::new(hit.ok_or(Refusal::Shape("a cut begins above the profile"))?, x)
            };
            if is_entry {
                cuts.rapid(to)?
            } else {
                cuts.feed(to)?
            }
            *at = to;
            return Ok(false);
        };
        if (*at - self.end).abs() < SAME || (*at - self.end).z <= SAME {
            *at = self.end;
            return Ok(false);
        }
        let mut hits = self.at_level(x);
        if hits.front().is_none() {
            hits = self.at_level(x - SAME);
        }
        if if ccw { at.z - SAME > centre.z } else { at.z <= centre.z } {
            return Ok(true);
        }
        let to = match (hits.front(), hits.back()) {
            (Some(_), Some(back)) if ccw && back <= centre.z => Point::new(back, x),
            // Only the far side is hit: the next level will be reached.
            (Some(front), _) if !ccw && front < centre.z => return Ok(false),
            (Some(front), _) if !ccw => Point::new(front, x),
            _ => self.end,
        };
        cuts.arc(ccw, centre, to)?;
        *at = to;
        Ok(false)
    }

    /// Fits a fillet or chamfer between its neighbours.
    pub(super) fn fit_corner(&mut self, before: &mut Self, after: &mut Self) -> Result<(), Refusal> {
        if !self.is_corner {
            return Ok(());
        }
        let offset = |by: f64| {
            let (mut one, mut two) = (*before, *after);
            one.offset(by);
            two.offset(by);
            (one, two)
        };
        let (mut one, mut two) = offset(self.corner);
        if (one.end - two.start).z > GAP {
            self.corner = -self.corner;
            (one, two) = offset(self.corner);
        }
        if (one.end - two.start).z > GAP {
            return Err(Refusal::Shape("a fillet or chamfer does not fit its corner"));
        }
        meet(&mut one, &mut two)?;
        let centre = one.end.halfway(two.start);
        one.offset(-self.corner);
        two.offset(-self.corner);
        (self.start, before.end) = (one.end, one.end);
        (self.end, after.start) = (two.start, two.start);
        if self.arc.is_some() {
            let ccw = (self.start - centre).x > 0.0 || (self.end - centre).x > 0.0;
            self.arc = Some((centre, ccw));
            self.corner = 0.0;
        }
        Ok(())
    }
}

/// Lets a piece end and the next begin where the two cross.
pub(super) fn meet(one: &mut Piece, two: &mut Piece) -> Result<(), Refusal> {
    let at = match (one.arc, two.arc) {
        (None, None) => {
            let along = two.start - two.end;
            let turn = along.conj() / along.abs();
            let (start, end) = ((one.start - two.end) * turn, (one.end - two.end) * turn);
            if (start - end).x == 0.0 {
                return Err(Refusal::Shape("two pieces in a row are parallel"));
            }
            let part = start.x / (start - end).x;
            (start + (end - start) * part).over(turn) + two.end
        }
        (Some((centre, _)), Some((other, _))) => {
            let (a, b) = ((two.start - other).abs(), (one.start - centre).abs());
            let c = (other - centre).abs();
            let cos = (c * c + a * a - b * b) / 2.0 / a / c;
            let turn = Point::new(cos, (1.0 - (cos * cos).min(1.0)).sqrt());
            turn * (centre - other) / c * a + other
        }
        _ if (two.start - one.end).abs() < SAME => return Ok(()),
        (Some((centre, _)), None) => on_line(two.start - two.end, two.end, one.end, centre, two.start),
        (None, Some((centre, _))) => on_line(one.start - one.end, one.end, two.end, centre, two.start),
    };
    (one.end, two.start) = (at, at);
    Ok(())
}

/// Where a line through `origin` crosses the circle about `centre` through `rim`: the crossing nearer to `near`.
fn on_line(along: Point, origin: Point, rim: Point, centre: Point, near: Point) -> Point {
    let turn = along.conj() / along.abs();
    let (rim, centre) = ((rim - origin) * turn, (centre - origin) * turn);
    let half = ((centre - rim).norm() - centre.x * centre.x).max(0.0).sqrt();
    let place = |z: f64| Point::new(z, 0.0).over(turn) + origin;
    let (one, two) = (place(centre.z + half), place(centre.z - half));
    if (near - one).abs() < (near - two).abs() { one } else { two }
}

/// Between two offset pieces that part: an arc about the corner they had.
pub(super) fn joint(one: &Piece, two: &Piece, distance: f64) -> Option<Piece> {
    if (one.end - two.start).z <= GAP {
        return None;
    }
    let (mut before, mut after) = (*one, *two);
    before.offset(-distance);
    after.offset(-distance);
    let centre = before.end.halfway(after.start);
    Some(Piece::arc(distance > 0.0, one.end, centre, two.start))
}
