//! Closed forms of chip, surface and power for a constant depth: the formulas of the shop's handbook.
//!
//! They check the force model from outside and answer the calculators; no plan rests on them, because a
//! path rarely has one a_p and one a_e.

use std::f64::consts::PI;

use crate::det::math;
use crate::units::{Feedrate, Length, Power, RotaryVelocity, Stress, Torque};

/// Constant engagement of a cylindrical cutter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// D.
    pub diameter: Length,
    /// a_p.
    pub axial_depth: Length,
    /// a_e, at most D.
    pub radial_depth: Length,
    /// v_f.
    pub feed: Feedrate,
}

impl Cut {
    /// Q = a_p·a_e·v_f in mm³/s.
    pub fn removal_rate_mm3_s(&self) -> f64 {
        self.axial_depth.as_mm() * self.radial_depth.as_mm() * self.feed.as_mm_s()
    }

    /// P = Q·k_c/η: what the drive has to give for a specific cutting force and an efficiency.
    pub fn power(&self, specific_force: Stress, efficiency: f64) -> Power {
        Power::w(self.removal_rate_mm3_s() * specific_force.as_n_mm2() * 1e-3 / efficiency)
    }

    /// The angle a tooth is in material in side milling, acos(1 − 2·a_e/D), in rad.
    pub fn immersion_rad(&self) -> f64 {
        math::acos(1.0 - 2.0 * (self.radial_depth / self.diameter).clamp(0.0, 1.0))
    }
}

/// M_c = P/(2πn).
pub fn torque_of(power: Power, spindle: RotaryVelocity) -> Torque {
    Torque::n_m(power.as_w() / (2.0 * PI * spindle.as_rev_s()))
}

/// h_max = f_z·sinκ·max sin φ over [φ_st, φ_ex], angles in rad within [0, π].
///
/// For side milling with a_e below D/2 this is 2·f_z·√(a_e/D − (a_e/D)²); a cutter that straddles the cut
/// reaches f_z, whatever its a_e.
pub fn chip_thickness_max(feed_per_tooth: Length, sin_kappa: f64, immersion_rad: (f64, f64)) -> Length {
    let (start, exit) = immersion_rad;
    let straddles = start <= PI / 2.0 && exit >= PI / 2.0;
    let sine = if straddles { 1.0 } else { math::sin(start).max(math::sin(exit)) };
    feed_per_tooth * (sin_kappa * sine)
}

/// h_m = 2·f_z·a_e·sinκ/(D·φ_s) with φ_s = acos(1 − 2·a_e/D): mean over the angle in material.
pub fn chip_thickness_mean(feed_per_tooth: Length, sin_kappa: f64, cut: &Cut) -> Length {
    feed_per_tooth * (2.0 * sin_kappa * (cut.radial_depth / cut.diameter) / cut.immersion_rad())
}

/// Height of the ridges a ball of radius `radius` leaves between lines `step_over` apart:
/// R − √(R² − s²/4). `None` where the lines are further apart than the ball is wide.
pub fn scallop_height(radius: Length, step_over: Length) -> Option<Length> {
    let (r_mm, s_mm) = (radius.as_mm(), step_over.as_mm());
    let under = r_mm * r_mm - s_mm * s_mm / 4.0;
    (under >= 0.0).then(|| Length::mm(r_mm - under.sqrt()))
}

/// Height of the cusps along the feed of a cutter of radius R: f_z²/(8R).
pub fn cusp_height(radius: Length, feed_per_tooth: Length) -> Length {
    Length::mm(feed_per_tooth.as_mm() * feed_per_tooth.as_mm() / (8.0 * radius.as_mm()))
}

/// Diameter at which a ball really cuts at a depth: 2·√(a_p·(D − a_p)); D from a_p = D/2 on.
pub fn ball_effective_diameter(diameter: Length, axial_depth: Length) -> Length {
    let (d_mm, a_mm) = (diameter.as_mm(), axial_depth.as_mm());
    let depth_mm = a_mm.clamp(0.0, d_mm / 2.0);
    Length::mm(2.0 * (depth_mm * (d_mm - depth_mm)).sqrt())
}

/// How many times as long an edge lasts when v_c is multiplied by `speed_ratio`: ratio^(−1/n), with Taylor's
/// exponent n (0.25 for carbide in steel).
pub fn taylor_life_ratio(speed_ratio: f64, exponent: f64) -> f64 {
    math::pow(speed_ratio, -1.0 / exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found / expected - 1.0).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn worked_example_of_a_tool_maker() {
        // PROCESS.md section 4: D250 z12 v_f 280 mm/min a_p 2 a_e 80 k_c 1800 η 0.8.
        let cut = Cut {
            diameter: Length::mm(250.0),
            axial_depth: Length::mm(2.0),
            radial_depth: Length::mm(80.0),
            feed: Feedrate::mm_s(280.0 / 60.0),
        };
        let power = cut.power(Stress::n_mm2(1800.0), 0.8);
        near(power.as_w(), 1680.0, 1e-3);
        let torque = torque_of(power, RotaryVelocity::rev_s(80_000.0 / 60.0 / (PI * 250.0)));
        near(torque.as_n_m(), 1.68 * 30e3 / (PI * 80_000.0 / (PI * 250.0)), 1e-9);
    }

    #[test]
    fn chip_thins_in_side_milling_and_does_not_under_a_straddling_cutter() {
        let cut = Cut {
            diameter: Length::mm(20.0),
            axial_depth: Length::mm(1.0),
            radial_depth: Length::mm(2.0),
            feed: Feedrate::mm_s(1.0),
        };
        let f_z = Length::mm(0.1);
        let up = (0.0, cut.immersion_rad());
        near(chip_thickness_max(f_z, 1.0, up).as_mm() / 0.1, 0.6, 1e-4);
        let down = (PI - cut.immersion_rad(), PI);
        near(chip_thickness_max(f_z, 1.0, down).as_mm() / 0.1, 0.6, 1e-4);
        assert_eq!(chip_thickness_max(f_z, 1.0, (1.0, 2.0)), f_z);
        // 360·f_z·a_e/(π·D·φ_s in degrees) is the same figure in the letters of the handbook.
        let handbook = 360.0 * 0.1 * 2.0 / (PI * 20.0 * cut.immersion_rad().to_degrees());
        near(chip_thickness_mean(f_z, 1.0, &cut).as_mm(), handbook, 1e-12);
    }

    #[test]
    fn reference_surfaces_and_life() {
        let scallop = scallop_height(Length::mm(5.0), Length::mm(0.5)).expect("lines overlap");
        near(scallop.as_mm(), 6.2539e-3, 1e-4);
        assert_eq!(scallop_height(Length::mm(1.0), Length::mm(3.0)), None);
        near(cusp_height(Length::mm(10.0), Length::mm(0.2)).as_mm(), 0.0005, 1e-12);
        near(ball_effective_diameter(Length::mm(10.0), Length::mm(1.0)).as_mm(), 6.0, 1e-12);
        near(taylor_life_ratio(1.1, 0.25), 0.683, 1e-3);
    }
}
