//! Height of the underside of a cutter, standing or swept along a straight line, in single precision.
//!
//! For a line with rise m = dz/ds the swept height at (s along, d beside) is the least over p in [0, L] of
//! m·p + f(√(d² + (s − p)²)), and because f is convex there is one clamped minimiser (KERNEL.md section 3).
//! Every function here returns +∞ where the cutter does not reach, and works on eight cells at
//! once with selects in place of branches. Any p in range is a real pose of the cutter, so an error of the minimiser
//! leaves a little too much material and never cuts what the tool would not.

use shared::tool::GeneralProfile;

use crate::stock::Lanes;

/// `value` where `limit` is not below `test`, +∞ elsewhere.
#[inline(always)]
fn within<L: Lanes>(test: L, limit: L, value: L) -> L {
    L::select(test.le(limit), value, L::splat(f32::INFINITY))
}

/// A straight line in the frame of its start, along its horizontal direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Horizontal length L.
    pub(super) length: f32,
    /// m = dz/ds.
    pub(super) rise: f32,
}

/// Underside of a cutter.
pub(super) trait Underside: Copy + Sync {
    /// True where a level sweep leaves a plane, whose cells need only be counted in or out.
    const LEVEL_IS_FLAT: bool = false;

    /// f(ρ) above the tip from ρ²; +∞ beyond the radius.
    fn height<L: Lanes>(&self, rho2: L) -> L;

    /// Swept height above the tip at the start of a line that rises or falls.
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L;

    /// How far from s, at most, the pose lies that makes the lowest height on a line of rise m: behind it on a
    /// rising line, ahead of it on a falling one.
    fn lead(&self, rise: f32) -> f32;

    /// Radius beyond which the underside is higher above the tip than this; at most that of the cutter.
    fn reach(&self, height: f32) -> f32;
}

/// Radius of a quarter circle that rises from its lowest point, at a height.
fn round_reach(corner: f32, height: f32) -> f32 {
    let height = height.clamp(0.0, corner);
    (height * (2.0 * corner - height)).sqrt()
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Flat {
    pub(super) radius: f32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ball {
    pub(super) radius: f32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BullNose {
    pub(super) radius: f32,
    pub(super) face: f32,
    pub(super) corner: f32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Cone {
    pub(super) radius: f32,
    pub(super) slope: f32,
}

/// Half the chord of the disc at d beside its centre, squared; negative outside.
#[inline(always)]
fn half_chord2<L: Lanes>(radius: f32, d2: L) -> L {
    L::splat(radius * radius) - d2
}

/// Where a cell lies against a line: s along it, d² beside it, half the chord of the cutter there squared.
struct Cell<L> {
    s: L,
    d2: L,
    w2: L,
}

/// Half the chord of a disc at d beside its centre; zero outside.
#[inline(always)]
fn chord<L: Lanes>(radius: f32, d2: L) -> L {
    root(half_chord2(radius, d2))
}

#[inline(always)]
fn root<L: Lanes>(value: L) -> L {
    value.greatest(L::splat(0.0)).sqrt()
}

/// The pose on the line nearest to `wanted`.
#[inline(always)]
fn on_line<L: Lanes>(line: &Line, wanted: L) -> L {
    wanted.least(L::splat(line.length)).greatest(L::splat(0.0))
}

/// A little slack for cells that lie on the rim by construction: they are s ∓ w from their pose.
#[inline(always)]
fn on_rim<L: Lanes>(radius: f32, w2: L) -> L {
    // Outside the stadium's width w² is negative by more than the slack, and e² is not.
    w2 + L::splat(radius * radius * 1e-6)
}

impl Underside for Flat {
    const LEVEL_IS_FLAT: bool = true;

    #[inline(always)]
    fn height<L: Lanes>(&self, rho2: L) -> L {
        within(rho2, L::splat(self.radius * self.radius), L::splat(0.0))
    }

    #[inline(always)]
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L {
        let w2 = half_chord2(self.radius, d * d);
        let w = root(w2);
        // The low end of the poses that reach the cell: the first when rising, the last when falling.
        let p = on_line(line, if line.rise > 0.0 { s - w } else { s + w });
        let e = s - p;
        within(e * e, on_rim(self.radius, w2), L::splat(line.rise) * p)
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }

    fn reach(&self, _height: f32) -> f32 {
        self.radius
    }
}

impl Underside for Ball {
    #[inline(always)]
    fn height<L: Lanes>(&self, rho2: L) -> L {
        let r2 = L::splat(self.radius * self.radius);
        within(rho2, r2, L::splat(self.radius) - root(r2 - rho2))
    }

    #[inline(always)]
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L {
        // A constant of the line; the optimiser lifts it out of the loop.
        let sine = line.rise / (1.0 + line.rise * line.rise).sqrt();
        let w2 = half_chord2(self.radius, d * d);
        let p = on_line(line, s - L::splat(sine) * root(w2));
        let e = s - p;
        let e2 = e * e;
        within(e2, w2, L::splat(line.rise) * p + L::splat(self.radius) - root(w2 - e2))
    }

    fn lead(&self, rise: f32) -> f32 {
        self.radius * rise.abs() / (1.0 + rise * rise).sqrt()
    }

    fn reach(&self, height: f32) -> f32 {
        round_reach(self.radius, height)
    }
}

impl Underside for Cone {
    #[inline(always)]
    fn height<L: Lanes>(&self, rho2: L) -> L {
        within(rho2, L::splat(self.radius * self.radius), L::splat(self.slope) * rho2.sqrt())
    }

    #[inline(always)]
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L {
        let d2 = d * d;
        let w2 = half_chord2(self.radius, d2);
        let w = root(w2);
        let gap2 = self.slope * self.slope - line.rise * line.rise;
        // Steeper than the flank: the rim leads.
        let offset = if gap2 > 1e-6 { (L::splat(line.rise.abs() / gap2.sqrt()) * d.abs()).least(w) } else { w };
        let p = on_line(line, if line.rise > 0.0 { s - offset } else { s + offset });
        let e = s - p;
        let e2 = e * e;
        within(e2, on_rim(self.radius, w2), L::splat(line.rise) * p + L::splat(self.slope) * (d2 + e2).sqrt())
    }

    fn lead(&self, rise: f32) -> f32 {
        let gap2 = self.slope * self.slope - rise * rise;
        if gap2 > 1e-6 { self.radius * (rise.abs() / gap2.sqrt()).min(1.0) } else { self.radius }
    }

    fn reach(&self, height: f32) -> f32 {
        if self.slope > 0.0 { (height / self.slope).clamp(0.0, self.radius) } else { self.radius }
    }
}

/// Halvings of the bracket of the bull nose's minimiser. The height is flat at its minimum, so that an error
/// of a part in 250 of the bracket is an error of a part in 50 000 of the corner.
const HALVINGS: usize = 8;

/// The distance ρ from the axis at which a round corner, its centre at `offset` from the axis, rises as steeply along the line
/// as the line itself; between the corner's ends.
///
/// d/de of f(√(d² + e²)) grows with ρ: out/depth · e/ρ < |m|, squared, so that it takes neither roots nor divisions.
#[inline(always)]
fn corner_rho<L: Lanes>(rise: f32, (offset, corner): (f32, f32), (from, to): (f32, f32), d: L) -> L {
    let (d2, rise2, corner2) = (d * d, L::splat(rise * rise), L::splat(corner * corner));
    let mut low = d.abs().greatest(L::splat(from));
    let mut high = low.greatest(L::splat(to));
    for _ in 0..HALVINGS {
        let rho = L::splat(0.5) * (low + high);
        let out = rho - L::splat(offset);
        let (rho2, out2) = (rho * rho, out * out);
        let before = (out2 * (rho2 - d2)).lt(rise2 * (corner2 - out2) * rho2);
        low = L::select(before, rho, low);
        high = L::select(before, high, rho);
    }
    low
}

impl Underside for BullNose {
    #[inline(always)]
    fn height<L: Lanes>(&self, rho2: L) -> L {
        let out = (rho2.sqrt() - L::splat(self.face)).greatest(L::splat(0.0));
        let height = L::splat(self.corner) - root(L::splat(self.corner * self.corner) - out * out);
        within(rho2, L::splat(self.radius * self.radius), height)
    }

    #[inline(always)]
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L {
        let d2 = d * d;
        let w2 = half_chord2(self.radius, d2);
        let w = root(w2);
        let rho = corner_rho(line.rise, (self.face, self.corner), (self.face, self.radius), d);
        let lead = root(rho * rho - d2).least(w);
        let p = on_line(line, if line.rise > 0.0 { s - lead } else { s + lead });
        let e = s - p;
        let e2 = e * e;
        let z = L::splat(line.rise) * p + self.height((d2 + e2).least(L::splat(self.radius * self.radius)));
        within(e2, on_rim(self.radius, w2), z)
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }

    fn reach(&self, height: f32) -> f32 {
        self.face + round_reach(self.corner, height)
    }
}

/// Cone, corner, cone: α, E and R, β.
#[derive(Clone, Copy, Debug)]
pub(super) struct General {
    pub(super) radius: f32,
    offset: f32,
    corner: f32,
    corner_height: f32,
    bottom_slope: f32,
    side_slope: f32,
    /// Radii where the corner begins and ends, and its height there.
    corner_from: f32,
    corner_to: f32,
    side_from: f32,
}

impl General {
    pub(super) fn new(radius: f32, profile: &GeneralProfile) -> Self {
        Self {
            radius,
            offset: profile.corner_offset_mm as f32,
            corner: profile.corner_radius_mm as f32,
            corner_height: profile.corner_height_mm as f32,
            bottom_slope: profile.bottom_slope as f32,
            // An upright side is never reached from below: its radius is that of the cutter.
            side_slope: if profile.side_slope.is_finite() { profile.side_slope as f32 } else { 0.0 },
            corner_from: profile.corner_from_mm[0] as f32,
            corner_to: profile.corner_to_mm[0] as f32,
            side_from: profile.corner_to_mm[1] as f32,
        }
    }

    /// Height at a cell when the cutter is led by so much: a pose on the line, whether the lowest or not.
    #[inline(always)]
    fn led_by<L: Lanes>(&self, line: &Line, &Cell { s, d2, w2 }: &Cell<L>, lead: L) -> L {
        let p = on_line(line, if line.rise > 0.0 { s - lead } else { s + lead });
        let e = s - p;
        let e2 = e * e;
        let z = L::splat(line.rise) * p + self.height((d2 + e2).least(L::splat(self.radius * self.radius)));
        within(e2, on_rim(self.radius, w2), z)
    }

    /// How far from s the slope of a straight piece equals the rise, or the end of the piece.
    #[inline(always)]
    fn cone_lead<L: Lanes>(slope: f32, rise: f32, d: L, end: L) -> L {
        let gap2 = slope * slope - rise * rise;
        if gap2 > 1e-6 { (L::splat(rise.abs() / gap2.sqrt()) * d.abs()).least(end) } else { end }
    }
}

impl Underside for General {
    #[inline(always)]
    fn height<L: Lanes>(&self, rho2: L) -> L {
        let rho = rho2.sqrt();
        let out = rho - L::splat(self.offset);
        let corner = L::splat(self.corner_height) - root(L::splat(self.corner * self.corner) - out * out);
        let side = L::splat(self.side_from) + (rho - L::splat(self.corner_to)) * L::splat(self.side_slope);
        let above = L::select(rho.le(L::splat(self.corner_to)), corner, side);
        let height = L::select(rho.le(L::splat(self.corner_from)), rho * L::splat(self.bottom_slope), above);
        within(rho2, L::splat(self.radius * self.radius), height)
    }

    #[inline(always)]
    fn swept<L: Lanes>(&self, line: &Line, s: L, d: L) -> L {
        let d2 = d * d;
        let w2 = half_chord2(self.radius, d2);
        let w = root(w2);
        // The height is convex along the line, so the least of the three pieces' own is the least of all; each is a
        // pose of the cutter.
        let corner_from = chord(self.corner_from, d2).least(w);
        let corner_to = chord(self.corner_to, d2).least(w);
        let bottom = Self::cone_lead(self.bottom_slope, line.rise, d, corner_from);
        let side = Self::cone_lead(self.side_slope, line.rise, d, w).greatest(corner_to);
        let rho = corner_rho(line.rise, (self.offset, self.corner), (self.corner_from, self.corner_to), d);
        let corner = root(rho * rho - d2).least(w);
        let cell = Cell { s, d2, w2 };
        let by_ends = self.led_by(line, &cell, bottom).least(self.led_by(line, &cell, corner));
        by_ends.least(self.led_by(line, &cell, side))
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }

    fn reach(&self, height: f32) -> f32 {
        if height < self.corner_from * self.bottom_slope { height / self.bottom_slope } else { self.radius }
    }
}
