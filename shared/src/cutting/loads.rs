use crate::geom::Vector;
use crate::units::{Angle, Feedrate, Force, Length, Power, RotaryVelocity, Stress, Torque};

/// How far the cutter's axis stands off the axis of rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Runout {
    /// e.
    pub offset: Length,
    /// λ, the direction of the offset seen from the first tooth.
    pub angle: Angle,
}

impl Runout {
    /// A cutter that runs true.
    pub const NONE: Self = Self { offset: Length::ZERO, angle: Angle::ZERO };

    /// 10 µm towards the first tooth: what is assumed where nobody has measured (PROCESS.md section 2).
    pub const ASSUMED: Self = Self { offset: Length::mm(0.010), angle: Angle::ZERO };
}

/// How a cutter moves through the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CuttingMotion {
    /// Spindle speed; its sign does not matter here, because the engagement is already in the tool's sense.
    pub spindle: RotaryVelocity,
    /// Speed along the path in the plane across the spindle, not negative.
    pub across: Feedrate,
    /// Speed along the spindle into the work; negative where the cutter rises.
    pub down: Feedrate,
}

impl CuttingMotion {
    /// From a feed along a direction; `direction` is a unit vector in the work frame.
    pub fn along(direction: &Vector, feed: Feedrate, spindle: RotaryVelocity) -> Self {
        let across = crate::det::math::hypot(direction.x, direction.y);
        Self { spindle, across: feed * across, down: feed * -direction.z }
    }

    /// The same path at `ratio` of the feed; the spindle stays.
    #[must_use]
    pub fn at_ratio(&self, ratio: f64) -> Self {
        Self { spindle: self.spindle, across: self.across * ratio, down: self.down * ratio }
    }
}

/// What a cut asks of cutter, spindle and work.
///
/// Forces act on the tool, in the tool's frame: x along the feed in the plane, y to its left, z along the
/// spindle away from the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loads {
    /// Greatest resultant in the plane over a revolution, with runout: what breaks a cutter.
    pub force_peak_xy: Force,
    /// Greatest force across the feed while an edge generates a wall (φ at 0 or π); where no wall is being
    /// generated, the greatest resultant. What the surface sees.
    pub force_normal: Force,
    /// Magnitude of the mean force vector in the plane over a revolution.
    pub force_mean: Force,
    /// Mean force vector over a revolution, N.
    pub force_mean_xyz_n: [f64; 3],
    /// Mean torque over a revolution.
    pub torque_mean: Torque,
    /// Mean power at the cutter, edge forces included.
    pub power: Power,
    /// The part of it that removes material: k_c(h) times the removal rate, without edge forces.
    pub power_cutting: Power,
    /// Material removed in one second as the engagement has it, mm³/s.
    pub removal_rate_mm3_s: f64,
    /// Greatest chip thickness of a tooth without runout: proportional to the feed.
    pub chip_max: Length,
    /// Mean chip thickness over edge and angle in material.
    pub chip_mean: Length,
    /// Deflection of the tool alone under `force_normal`: a lower bound, holder and spindle come on top.
    pub deflection: Length,
    /// Greatest bending stress in the tool under `force_peak_xy`.
    pub bending_stress: Stress,
}

impl Loads {
    /// Loads of a cutter in air.
    pub const AIR: Self = Self {
        force_peak_xy: Force::ZERO,
        force_normal: Force::ZERO,
        force_mean: Force::ZERO,
        force_mean_xyz_n: [0.0; 3],
        torque_mean: Torque::ZERO,
        power: Power::ZERO,
        power_cutting: Power::ZERO,
        removal_rate_mm3_s: 0.0,
        chip_max: Length::ZERO,
        chip_mean: Length::ZERO,
        deflection: Length::ZERO,
        bending_stress: Stress::ZERO,
    };

    /// Specific cutting force the cut really has, power per removal rate; `None` where nothing is removed.
    pub fn specific_force(&self) -> Option<Stress> {
        let removes = self.removal_rate_mm3_s > 0.0;
        removes.then(|| Stress::n_mm2(self.power_cutting.as_w() * 1e3 / self.removal_rate_mm3_s))
    }
}
