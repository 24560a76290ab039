//! Tools, materials and a brute-force integrator for the tests of this room.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

use super::engagement::{ANGLE_BINS, Engagement, EngagementSlice};
use super::law::CuttingLaw;
use crate::tool::{CutterShape, Tool};
use crate::units::{Angle, Length, Stress};

pub(super) fn end_mill(diameter_mm: f64, flutes: u32, helix_deg: f64) -> Tool {
    let diameter = Length::mm(diameter_mm);
    Tool {
        flutes: Some(flutes),
        helix: Angle::rad(helix_deg.to_radians()),
        stickout: diameter * 4.0,
        ..Tool::of_shape(CutterShape::Flat, diameter)
    }
}

pub(super) fn ball(diameter_mm: f64, flutes: u32, helix_deg: f64) -> Tool {
    Tool { shape: CutterShape::Ball, ..end_mill(diameter_mm, flutes, helix_deg) }
}

/// Al7050-T7451, PROCESS.md section 1.
pub(super) fn al7050() -> CuttingLaw {
    CuttingLaw::Mechanistic {
        k_tc: Stress::n_mm2(796.1),
        k_rc: Stress::n_mm2(168.8),
        k_ac: Stress::n_mm2(222.0),
        k_te_n_mm: 27.7,
        k_re_n_mm: 30.8,
        k_ae_n_mm: 1.4,
    }
}

/// Aluminium as the scenario sketch has it.
pub(super) fn al6061() -> CuttingLaw {
    CuttingLaw::Kienzle { k_c11: Stress::n_mm2(700.0), m_c: 0.25, radial_ratio: 0.35, axial_ratio: 0.2 }
}

/// Bins [from, to) of one slice from the tip up to `depth_mm`.
pub(super) fn arc(depth_mm: f64, from: u32, to: u32) -> Engagement {
    let mask = (from..to).fold(0u128, |mask, bin| mask | 1 << bin);
    Engagement { slices: vec![EngagementSlice { low_mm: 0.0, high_mm: depth_mm, mask }] }
}

/// Brute force over angle and height for a cylinder without runout, straight from the definitions: greatest
/// resultant in the plane, mean force and mean torque (N, N, N·m).
pub(super) fn brute_force(
    law: &CuttingLaw,
    tool: &Tool,
    depth_mm: f64,
    bins: (u32, u32),
    f_z_mm: f64,
) -> (f64, [f64; 3], f64) {
    let (heights, angles) = (400u32, 1440u32);
    let bin_rad = std::f64::consts::TAU / ANGLE_BINS as f64;
    let (start, exit) = (f64::from(bins.0) * bin_rad, f64::from(bins.1) * bin_rad);
    let flutes = tool.flutes.expect("a test tool has flutes");
    let radius_mm = tool.radius().as_mm();
    let dz = depth_mm / f64::from(heights);
    let (mut peak, mut mean, mut torque) = (0.0f64, [0.0; 3], 0.0);
    for step in 0..angles {
        let theta = std::f64::consts::TAU * f64::from(step) / f64::from(angles);
        let mut force = [0.0; 3];
        for tooth in 0..flutes {
            for height in 0..heights {
                let z = (f64::from(height) + 0.5) * dz;
                let lag = z * tool.helix.as_rad().tan() / radius_mm;
                let pitch = std::f64::consts::TAU * f64::from(tooth) / f64::from(flutes);
                let phi = (theta + pitch - lag).rem_euclid(std::f64::consts::TAU);
                if phi < start || phi >= exit {
                    continue;
                }
                let h = f_z_mm * phi.sin();
                let [t, r, a] = densities(law, h).map(|density| density * dz);
                force[0] += -t * phi.cos() - r * phi.sin();
                force[1] += t * phi.sin() - r * phi.cos();
                force[2] += a;
                torque += t * radius_mm * 1e-3;
            }
        }
        peak = peak.max(force[0].hypot(force[1]));
        (0..3).for_each(|axis| mean[axis] += force[axis] / f64::from(angles));
    }
    (peak, mean, torque / f64::from(angles))
}

fn densities(law: &CuttingLaw, h: f64) -> [f64; 3] {
    match *law {
        CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => {
            [k_tc.as_n_mm2() * h + k_te_n_mm, k_rc.as_n_mm2() * h + k_re_n_mm, k_ac.as_n_mm2() * h + k_ae_n_mm]
        }
        CuttingLaw::Kienzle { k_c11, m_c, radial_ratio, axial_ratio } => {
            let t = k_c11.as_n_mm2() * h.max(0.0).powf(1.0 - m_c);
            [t, radial_ratio * t, axial_ratio * t]
        }
    }
}
