//! The cutter as a clamped beam.
//!
//! δ = F·L³/(3·E·I) and σ = 32·F·L/(π·d³) with I = π·d⁴/64. Flutes take away material: over the fluted
//! length the beam counts with 0.8 of the cutting diameter. Holder and spindle are often as soft again, so
//! that the deflection of the tool alone is a lower bound of what the surface sees.

use std::f64::consts::PI;

use crate::tool::Tool;
use crate::units::{Force, Length, Stress};

/// Effective share of the diameter of a fluted cutter.
pub const FLUTED_DIAMETER_RATIO: f64 = 0.8;

/// Deflection at the end of a round cantilever under a force across its end.
///
/// `youngs_modulus_n_mm2` in N/mm².
pub fn cantilever_deflection(force: Force, length: Length, diameter: Length, youngs_modulus_n_mm2: f64) -> Length {
    let compliance_mm_n = length.as_mm().powi(3) / (3.0 * youngs_modulus_n_mm2 * second_moment_mm4(diameter.as_mm()));
    Length::mm(force.as_n() * compliance_mm_n)
}

/// Greatest bending stress at the clamped end of a round cantilever under a force across its end.
pub fn bending_stress(force: Force, length: Length, diameter: Length) -> Stress {
    Stress::n_mm2(32.0 * force.as_n() * length.as_mm() / (PI * diameter.as_mm().powi(3)))
}

/// Deflection and stress of one tool for one newton across its tip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// Deflection of the tip in mm for one newton.
    pub compliance_mm_n: f64,
    /// Greatest bending stress in N/mm² for one newton.
    pub stress_n_mm2_n: f64,
}

impl Beam {
    /// A tool clamped at its stick-out: fluted with 0.8·DC up to APMX, then its shank. Deflection is the
    /// integral of M²/(E·I) over both, stress the greater of both roots.
    pub fn of(tool: &Tool) -> Self {
        let stickout_mm = tool.stickout.as_mm().max(0.0);
        let fluted_mm = tool.flute_length.as_mm().clamp(0.0, stickout_mm);
        let core_mm = tool.diameter.as_mm() * FLUTED_DIAMETER_RATIO;
        let modulus = tool.material.youngs_modulus_n_mm2();
        let cubes = [fluted_mm.powi(3), stickout_mm.powi(3) - fluted_mm.powi(3)];
        let moments = [second_moment_mm4(core_mm), second_moment_mm4(tool.shank_diameter.as_mm())];
        let compliance_mm_n = (0..2).filter(|&part| cubes[part] > 0.0).map(|part| cubes[part] / moments[part]);
        let stress = |length_mm: f64, diameter_mm: f64| 32.0 * length_mm / (PI * diameter_mm.powi(3));
        let shank = if fluted_mm < stickout_mm { stress(stickout_mm, tool.shank_diameter.as_mm()) } else { 0.0 };
        Self {
            compliance_mm_n: compliance_mm_n.sum::<f64>() / (3.0 * modulus),
            stress_n_mm2_n: stress(fluted_mm, core_mm).max(shank),
        }
    }
}

fn second_moment_mm4(diameter_mm: f64) -> f64 {
    PI * diameter_mm.powi(4) / 64.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutting::testing;

    #[test]
    fn reference_cantilever() {
        // PROCESS.md section 4: 600 GPa, D10, L40, 500 N.
        let deflect =
            |d_mm| cantilever_deflection(Force::n(500.0), Length::mm(40.0), Length::mm(d_mm), 600_000.0).as_mm();
        assert!((deflect(10.0) / 36.217e-3 - 1.0).abs() < 1e-4, "{}", deflect(10.0));
        assert!((deflect(8.0) / 88.419e-3 - 1.0).abs() < 1e-4, "{}", deflect(8.0));
    }

    #[test]
    fn a_tool_fluted_to_the_holder_is_the_plain_cantilever_and_a_shank_stiffens() {
        let mut tool = testing::end_mill(10.0, 4, 30.0);
        tool.stickout = Length::mm(40.0);
        tool.flute_length = Length::mm(60.0);
        let fluted = Beam::of(&tool);
        assert!((fluted.compliance_mm_n * 500.0 / 88.419e-3 - 1.0).abs() < 1e-4);
        let stress = bending_stress(Force::n(1.0), Length::mm(40.0), Length::mm(8.0)).as_n_mm2();
        assert!((fluted.stress_n_mm2_n / stress - 1.0).abs() < 1e-12);
        tool.flute_length = Length::mm(20.0);
        assert!(Beam::of(&tool).compliance_mm_n < fluted.compliance_mm_n);
    }
}
