//! Height of the underside of a cutter, standing or swept along a straight line, in single precision.
//!
//! For a line with rise m = dz/ds the swept height at (s along, d beside) is the least over p in [0, L] of
//! m·p + f(√(d² + (s − p)²)), and because f is convex there is one clamped minimiser (KERNEL.md section 3).
//! Every function here returns +∞ where the cutter does not reach, and has no branch that a vectoriser
//! could not turn into a select. Any p in range is a real pose of the cutter, so an error of the minimiser
//! leaves a little too much material and never cuts what the tool would not.

/// The smaller; compiles to one instruction, which `f32::min` with its rule for NaN does not.
#[inline(always)]
pub(super) fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The greater.
#[inline(always)]
pub(super) fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
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
    fn height(&self, rho2: f32) -> f32;

    /// Swept height above the tip at the start of a line that rises or falls.
    fn swept(&self, line: &Line, s: f32, d: f32) -> f32;

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
fn half_chord2(radius: f32, d: f32) -> f32 {
    radius * radius - d * d
}

impl Underside for Flat {
    const LEVEL_IS_FLAT: bool = true;

    #[inline(always)]
    fn height(&self, rho2: f32) -> f32 {
        if rho2 <= self.radius * self.radius { 0.0 } else { f32::INFINITY }
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: f32, d: f32) -> f32 {
        let w2 = half_chord2(self.radius, d);
        let w = greater(w2, 0.0).sqrt();
        // The low end of the poses that reach the cell: the first when rising, the last when falling.
        let low_end = if line.rise > 0.0 { s - w } else { s + w };
        let p = greater(lesser(low_end, line.length), 0.0);
        let e = s - p;
        // A little slack: where p = s ∓ w the cell lies on the rim by construction.
        if e * e <= w2 + self.radius * self.radius * 1e-6 && w2 >= 0.0 { line.rise * p } else { f32::INFINITY }
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }
}

impl Underside for Ball {
    #[inline(always)]
    fn height(&self, rho2: f32) -> f32 {
        let depth2 = self.radius * self.radius - rho2;
        if depth2 >= 0.0 { self.radius - depth2.sqrt() } else { f32::INFINITY }
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: f32, d: f32) -> f32 {
        // m·cosine of the slope is a constant of the line; the optimiser lifts it out of the loop.
        let sine = line.rise / (1.0 + line.rise * line.rise).sqrt();
        let w2 = half_chord2(self.radius, d);
        let w = greater(w2, 0.0).sqrt();
        let p = greater(lesser(s - sine * w, line.length), 0.0);
        let e = s - p;
        let depth2 = w2 - e * e;
        if depth2 >= 0.0 { line.rise * p + self.radius - depth2.sqrt() } else { f32::INFINITY }
    }

    fn lead(&self, rise: f32) -> f32 {
        self.radius * rise.abs() / (1.0 + rise * rise).sqrt()
    }
}

impl Underside for Cone {
    #[inline(always)]
    fn height(&self, rho2: f32) -> f32 {
        if rho2 <= self.radius * self.radius { self.slope * rho2.sqrt() } else { f32::INFINITY }
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: f32, d: f32) -> f32 {
        let w2 = half_chord2(self.radius, d);
        let w = greater(w2, 0.0).sqrt();
        let gap2 = self.slope * self.slope - line.rise * line.rise;
        // Steeper than the flank: the rim leads.
        let offset =
            if gap2 > 1e-6 { line.rise * d.abs() / greater(gap2, 1e-6).sqrt() } else { line.rise.signum() * w };
        let offset = greater(lesser(offset, w), -w);
        let p = greater(lesser(s - offset, line.length), 0.0);
        let e = s - p;
        let rho2 = d * d + e * e;
        let inside = e * e <= w2 + self.radius * self.radius * 1e-6 && w2 >= 0.0;
        if inside { line.rise * p + self.slope * rho2.sqrt() } else { f32::INFINITY }
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }
}

/// Halvings of the bracket of the bull nose's minimiser. The height is flat at its minimum, so that an error
/// of a thousandth of the bracket is an error of a millionth of the corner.
const HALVINGS: usize = 10;

impl Underside for BullNose {
    #[inline(always)]
    fn height(&self, rho2: f32) -> f32 {
        let out = greater(rho2.sqrt() - self.face, 0.0);
        let depth2 = self.corner * self.corner - out * out;
        let height = self.corner - greater(depth2, 0.0).sqrt();
        if rho2 <= self.radius * self.radius { height } else { f32::INFINITY }
    }

    #[inline(always)]
    fn swept(&self, line: &Line, s: f32, d: f32) -> f32 {
        let w2 = half_chord2(self.radius, d);
        let w = greater(w2, 0.0).sqrt();
        // d/de of f(√(d² + e²)) grows with ρ; find the ρ where it equals |m|, between the face and the rim:
        // out/depth · e/ρ < |m|, squared, so that it takes neither roots nor divisions.
        let (rise2, d2, corner2) = (line.rise * line.rise, d * d, self.corner * self.corner);
        let mut low = greater(self.face, d.abs());
        let mut high = greater(self.radius, low);
        for _ in 0..HALVINGS {
            let rho = 0.5 * (low + high);
            let (rho2, out2) = (rho * rho, (rho - self.face) * (rho - self.face));
            let before = out2 * (rho2 - d2) < rise2 * (corner2 - out2) * rho2;
            low = if before { rho } else { low };
            high = if before { high } else { rho };
        }
        let lead = lesser(greater(low * low - d2, 0.0).sqrt(), w);
        let offset = if line.rise > 0.0 { lead } else { -lead };
        let p = greater(lesser(s - offset, line.length), 0.0);
        let e = s - p;
        let z = line.rise * p + self.height(lesser(d * d + e * e, self.radius * self.radius));
        let inside = e * e <= w2 + self.radius * self.radius * 1e-6 && w2 >= 0.0;
        if inside { z } else { f32::INFINITY }
    }

    fn lead(&self, _rise: f32) -> f32 {
        self.radius
    }
}
