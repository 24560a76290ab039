//! The general milling cutter of APT (ISO 4343): cone, corner, cone.
//!
//! Tapered end mills, tapered ball mills, chamfer mills with a rounded tip and face mills with a lead angle are all
//! one profile of three pieces, each tangent to the next:
//!
//! ```text
//!   |          /   side: a line, β from the axis
//!   |         /
//!   |  E   .-'     corner: radius R about (E, F)
//!   |___.-'        bottom: a line, α from the plane
//!   tip
//! ```
//!
//! F is not free: the bottom passes through the tip, so that F = E tan α + R / cos α.

use crate::det::math;
use crate::units::{Angle, Length};

/// Cone, corner, cone; the diameter of the tool is the greatest one, where the cutting part ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralCutter {
    /// α, rise of the bottom against the plane, in [0, π/2).
    pub bottom: Angle,
    /// E, distance of the corner's centre from the axis.
    pub corner_offset: Length,
    /// R, radius of the corner; zero for a sharp one.
    pub corner_radius: Length,
    /// β, taper of the side against the axis, in [0, π/2 − α).
    pub taper: Angle,
}

/// A general cutter as numbers, mm: borders of its pieces and their slopes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralProfile {
    /// E.
    pub corner_offset_mm: f64,
    /// R.
    pub corner_radius_mm: f64,
    /// F, height of the corner's centre above the tip.
    pub corner_height_mm: f64,
    /// Slope dz/dr of the bottom.
    pub bottom_slope: f64,
    /// Slope dz/dr of the side; infinite where it is upright.
    pub side_slope: f64,
    /// Radius and height where the bottom ends and the corner begins.
    pub corner_from_mm: [f64; 2],
    /// Radius and height where the corner ends and the side begins.
    pub corner_to_mm: [f64; 2],
}

impl GeneralCutter {
    /// Its pieces.
    pub fn profile(&self) -> GeneralProfile {
        let (e_mm, r_mm) = (self.corner_offset.as_mm(), self.corner_radius.as_mm());
        let (sin_a, cos_a) = math::sin_cos(self.bottom.as_rad());
        let (sin_b, cos_b) = math::sin_cos(self.taper.as_rad());
        let f_mm = e_mm * sin_a / cos_a + r_mm / cos_a;
        GeneralProfile {
            corner_offset_mm: e_mm,
            corner_radius_mm: r_mm,
            corner_height_mm: f_mm,
            bottom_slope: sin_a / cos_a,
            side_slope: if sin_b > 0.0 { cos_b / sin_b } else { f64::INFINITY },
            corner_from_mm: [e_mm + r_mm * sin_a, f_mm - r_mm * cos_a],
            corner_to_mm: [e_mm + r_mm * cos_b, f_mm - r_mm * sin_b],
        }
    }
}

impl GeneralProfile {
    /// Height above the tip at a distance from the axis, mm.
    pub fn height_mm(&self, rho_mm: f64) -> f64 {
        if rho_mm <= self.corner_from_mm[0] {
            return rho_mm * self.bottom_slope;
        }
        if rho_mm <= self.corner_to_mm[0] || self.side_slope.is_infinite() {
            let out_mm = rho_mm - self.corner_offset_mm;
            let inside = self.corner_radius_mm * self.corner_radius_mm - out_mm * out_mm;
            return self.corner_height_mm - inside.max(0.0).sqrt();
        }
        self.corner_to_mm[1] + (rho_mm - self.corner_to_mm[0]) * self.side_slope
    }

    /// Radius at a height above the tip, mm; of the face's rim at the tip itself.
    pub fn radius_mm(&self, height_mm: f64) -> f64 {
        if height_mm < self.corner_from_mm[1] {
            return height_mm.max(0.0) / self.bottom_slope;
        }
        if height_mm < self.corner_to_mm[1] {
            let below_mm = self.corner_height_mm - height_mm;
            let inside = self.corner_radius_mm * self.corner_radius_mm - below_mm * below_mm;
            return self.corner_offset_mm + inside.max(0.0).sqrt();
        }
        self.corner_to_mm[0] + (height_mm - self.corner_to_mm[1]) / self.side_slope
    }

    /// Slope dz/dr at a height above the tip.
    pub fn slope(&self, height_mm: f64) -> f64 {
        if height_mm < self.corner_from_mm[1] {
            self.bottom_slope
        } else if height_mm < self.corner_to_mm[1] {
            (self.radius_mm(height_mm) - self.corner_offset_mm) / (self.corner_height_mm - height_mm)
        } else {
            self.side_slope
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cutter(bottom_deg: f64, e_mm: f64, r_mm: f64, taper_deg: f64) -> GeneralProfile {
        let angle = |deg: f64| Angle::rad(deg.to_radians());
        GeneralCutter {
            bottom: angle(bottom_deg),
            corner_offset: Length::mm(e_mm),
            corner_radius: Length::mm(r_mm),
            taper: angle(taper_deg),
        }
        .profile()
    }

    #[test]
    fn known_cutters_are_cases_of_it() {
        // Ball, bull nose and cone, as they are written elsewhere.
        for rho_mm in [0.0, 0.7, 2.9, 4.0, 4.999] {
            let ball = 5.0 - (25.0f64 - rho_mm * rho_mm).sqrt();
            assert!((cutter(0.0, 0.0, 5.0, 0.0).height_mm(rho_mm) - ball).abs() < 1e-12);
            let out = (rho_mm - 3.0).max(0.0);
            let bull = 2.0 - (4.0 - out * out).sqrt();
            assert!((cutter(0.0, 3.0, 2.0, 0.0).height_mm(rho_mm) - bull).abs() < 1e-12);
            assert!((cutter(45.0, 5.0, 0.0, 0.0).height_mm(rho_mm) - rho_mm).abs() < 1e-12);
        }
    }

    #[test]
    fn pieces_join_without_step_or_kink_and_the_radius_is_the_inverse() {
        let shape = cutter(10.0, 2.0, 1.5, 12.0);
        for at in [shape.corner_from_mm, shape.corner_to_mm] {
            let [below, above] = [at[0] - 1e-9, at[0] + 1e-9].map(|rho| shape.height_mm(rho));
            assert!((below - above).abs() < 1e-7 && (below - at[1]).abs() < 1e-7, "{below} {above} {at:?}");
            let [before, after] = [at[1] - 1e-7, at[1] + 1e-7].map(|height| shape.slope(height));
            assert!((before / after - 1.0).abs() < 1e-4, "{before} {after}");
        }
        for rho_mm in [0.5, 2.3, 2.9, 3.3, 4.5, 6.0] {
            assert!((shape.radius_mm(shape.height_mm(rho_mm)) - rho_mm).abs() < 1e-9, "{rho_mm}");
        }
    }
}
