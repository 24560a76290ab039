//! Height of the underside of a cutter, standing or swept along a straight line, in single precision.
//!
//! For a line with rise m = dz/ds the swept height at (s along, d beside) is the least over p in [0, L] of
//! m·p + f(√(d² + (s − p)²)), and because f is convex there is one clamped minimiser (KERNEL.md section 3).
//! Every function here returns +∞ where the cutter does not reach, and works on eight cells at
//! once with selects in place of branches. Any p in range is a real pose of the cutter, so an error of the minimiser
//! leaves a little too much material and never cuts what the tool would not.

/// Eight cells at once. On processors without such registers it is two fours; the bits are the same.
pub(super) type Lanes = wide::f32x8;

/// Number of lanes.
pub(super) const LANES: usize = 8;

#[inline(always)]
pub(super) fn splat(value: f32) -> Lanes {
    Lanes::splat(value)
}

/// `value` where `limit` is not below `test`, +∞ elsewhere.
#[inline(always)]
fn within(test: Lanes, limit: Lanes, value: Lanes) -> Lanes {
    test.simd_le(limit).bitselect(value, splat(f32::INFINITY))
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
    fn height(&self, rho2: Lanes) -> Lanes;

    /// Swept height above the tip at the start of a line that rises or falls.
    fn swept(&self, line: &Line, s: Lanes, d: Lanes) -> Lanes;

    /// How far from s, at most, the pose lies that makes the lowest height on a line of rise m: behind it on a
    /// rising line, ahead of it on a falling one.
    fn lead(&self, rise: f32) -> f32;
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
fn half_chord2(radius: f32, d2: Lanes) -> Lanes {
    splat(radius * radius) - d2
}

#[inline(always)]
fn root(value: Lanes) -> Lanes {
    value.fast_max(Lanes::ZERO).sqrt()
}

/// The pose on the line nearest to `wanted`.
#[inline(always)]
fn on_line(line: &Line, wanted: Lanes) -> Lanes {
    wanted.fast_min(splat(line.length)).fast_max(Lanes::ZERO)
}

/// A little slack for cells that lie on the rim by construction: they are s ∓ w from their pose.
#[inline(always)]
fn on_rim(radius: f32, w2: Lanes) -> Lanes {
    // Outside the stadium's width w² is negative by more than the slack, and e² is not.
    w2 + splat(radius * radius * 1e-6)
}

impl Underside for Flat {
    const LEVEL_IS_FLAT: bool = true;

    #[inline(always)]
    fn height(&self, rho2: Lanes) -> Lanes {
        within(rho2, splat(self.radius * self.radius), Lanes::ZERO)
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: Lanes, d: Lanes) -> Lanes {
        let w2 = half_chord2(self.radius, d * d);
        let w = root(w2);
        // The low end of the poses that reach the cell: the first when rising, the last when falling.
        let p = on_line(line, if line.rise > 0.0 { s - w } else { s + w });
        let e = s - p;
        within(e * e, on_rim(self.radius, w2), splat(line.rise) * p)
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }
}

impl Underside for Ball {
    #[inline(always)]
    fn height(&self, rho2: Lanes) -> Lanes {
        let r2 = splat(self.radius * self.radius);
        within(rho2, r2, splat(self.radius) - root(r2 - rho2))
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: Lanes, d: Lanes) -> Lanes {
        // A constant of the line; the optimiser lifts it out of the loop.
        let sine = line.rise / (1.0 + line.rise * line.rise).sqrt();
        let w2 = half_chord2(self.radius, d * d);
        let p = on_line(line, s - splat(sine) * root(w2));
        let e = s - p;
        let e2 = e * e;
        within(e2, w2, splat(line.rise) * p + splat(self.radius) - root(w2 - e2))
    }

    fn lead(&self, rise: f32) -> f32 {
        self.radius * rise.abs() / (1.0 + rise * rise).sqrt()
    }
}

impl Underside for Cone {
    #[inline(always)]
    fn height(&self, rho2: Lanes) -> Lanes {
        within(rho2, splat(self.radius * self.radius), splat(self.slope) * rho2.sqrt())
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: Lanes, d: Lanes) -> Lanes {
        let d2 = d * d;
        let w2 = half_chord2(self.radius, d2);
        let w = root(w2);
        let gap2 = self.slope * self.slope - line.rise * line.rise;
        // Steeper than the flank: the rim leads.
        let offset = if gap2 > 1e-6 { (splat(line.rise.abs() / gap2.sqrt()) * d.abs()).fast_min(w) } else { w };
        let p = on_line(line, if line.rise > 0.0 { s - offset } else { s + offset });
        let e = s - p;
        let e2 = e * e;
        within(e2, on_rim(self.radius, w2), splat(line.rise) * p + splat(self.slope) * (d2 + e2).sqrt())
    }

    fn lead(&self, rise: f32) -> f32 {
        let gap2 = self.slope * self.slope - rise * rise;
        if gap2 > 1e-6 { self.radius * (rise.abs() / gap2.sqrt()).min(1.0) } else { self.radius }
    }
}

/// Halvings of the bracket of the bull nose's minimiser. The height is flat at its minimum, so that an error
/// of a part in 250 of the bracket is an error of a part in 50 000 of the corner.
const HALVINGS: usize = 8;

impl Underside for BullNose {
    #[inline(always)]
    fn height(&self, rho2: Lanes) -> Lanes {
        let out = (rho2.sqrt() - splat(self.face)).fast_max(Lanes::ZERO);
        let height = splat(self.corner) - root(splat(self.corner * self.corner) - out * out);
        within(rho2, splat(self.radius * self.radius), height)
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: Lanes, d: Lanes) -> Lanes {
        let d2 = d * d;
        let w2 = half_chord2(self.radius, d2);
        let w = root(w2);
        // d/de of f(√(d² + e²)) grows with ρ; find the ρ where it equals |m|, between the face and the rim:
        // out/depth · e/ρ < |m|, squared, so that it takes neither roots nor divisions.
        let (rise2, corner2) = (splat(line.rise * line.rise), splat(self.corner * self.corner));
        let mut low = d.abs().fast_max(splat(self.face));
        let mut high = low.fast_max(splat(self.radius));
        for _ in 0..HALVINGS {
            let rho = splat(0.5) * (low + high);
            let out = rho - splat(self.face);
            let (rho2, out2) = (rho * rho, out * out);
            let before = (out2 * (rho2 - d2)).simd_lt(rise2 * (corner2 - out2) * rho2);
            low = before.bitselect(rho, low);
            high = before.bitselect(high, rho);
        }
        let lead = root(low * low - d2).fast_min(w);
        let p = on_line(line, if line.rise > 0.0 { s - lead } else { s + lead });
        let e = s - p;
        let e2 = e * e;
        let z = splat(line.rise) * p + self.height((d2 + e2).fast_min(splat(self.radius * self.radius)));
        within(e2, on_rim(self.radius, w2), z)
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }
}
