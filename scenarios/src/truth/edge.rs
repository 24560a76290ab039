//! The cutting edge as short elements.
//!
//! ```text
//!      |      | side: κ = π/2
//!      |      |
//!       \    /   corner arc, ball or cone: κ between, n = (sin κ outwards, −cos κ downwards)
//!        ‾‾‾‾    bottom: κ = 0, cuts only when the tool goes down
//! ```
//!
//! An element stands for a length dS of edge with one radius, one height and one κ. The tip is divided anew
//! for each engaged height, so that a ball that touches by a tenth of a millimetre has as many elements there
//! as one that is buried.

use std::f64::consts::FRAC_PI_2;

use shared::det::math;
use shared::tool::{CutterShape, Tool};

use super::TruthError;
use super::stock::{Underside, UndersideForm};

/// Most flutes of a cutter.
pub(super) const FLUTES_MAX: u32 = 24;

/// Elements of the bottom, of the curved tip, and at most of the side.
const BOTTOM: usize = 6;
const TIP: usize = 12;
const SIDE_MAX: usize = 40;

/// One element of the edge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Element {
    /// Distance from the axis, mm.
    pub(super) radius_mm: f64,
    /// Lower end above the tip, mm.
    pub(super) low_mm: f64,
    /// Upper end above the tip, mm; equal to the lower one on the bottom.
    pub(super) high_mm: f64,
    /// Length along the edge, mm.
    pub(super) length_mm: f64,
    /// Sine of κ.
    pub(super) sin_kappa: f64,
    /// Cosine of κ.
    pub(super) cos_kappa: f64,
}

/// A cutter prepared for this room.
#[derive(Clone, Debug)]
pub(super) struct Cutter {
    pub(super) radius_mm: f64,
    pub(super) flutes: usize,
    pub(super) tan_helix: f64,
    pub(super) underside: Underside,
    flute_length_mm: f64,
    tip: Tip,
}

/// The curved or conical part between bottom and side.
#[derive(Clone, Copy, Debug)]
enum Tip {
    /// Corner radius, zero for a sharp corner, half the diameter for a ball.
    Arc { corner_mm: f64 },
    /// Half of the point angle.
    Cone { half_angle_rad: f64 },
}

impl Cutter {
    pub(super) fn new(tool: &Tool) -> Result<Self, TruthError> {
        let flutes = tool.flutes.filter(|flutes| (1..=FLUTES_MAX).contains(flutes));
        let Some(flutes) = flutes else {
            return Err(TruthError::Flutes { tool: tool.name.clone() });
        };
        if !tool.shape.has_force_model() {
            return Err(TruthError::Form { tool: tool.name.clone(), form: tool.shape.name() });
        }
        let radius_mm = tool.diameter.as_mm() / 2.0;
        if !(radius_mm > 0.0 && radius_mm.is_finite()) {
            return Err(TruthError::OutOfRange { what: "a cutter's radius in mm", value: radius_mm });
        }
        let tip = match tool.shape {
            // A form without a force model has been refused above.
            CutterShape::Flat | CutterShape::Special(_) | CutterShape::General(_) | CutterShape::Undercut(_) => {
                Tip::Arc { corner_mm: 0.0 }
            }
            CutterShape::Ball => Tip::Arc { corner_mm: radius_mm },
            CutterShape::BullNose { corner_radius } => Tip::Arc { corner_mm: corner_radius.as_mm() },
            CutterShape::Cone { point_angle } | CutterShape::Drill { point_angle } => {
                Tip::Cone { half_angle_rad: point_angle.as_rad() / 2.0 }
            }
        };
        let in_range = match tip {
            Tip::Arc { corner_mm } => (0.0..=radius_mm).contains(&corner_mm),
            Tip::Cone { half_angle_rad } => half_angle_rad > 0.0 && half_angle_rad < FRAC_PI_2,
        };
        if !in_range {
            return Err(TruthError::OutOfRange { what: "a cutter's corner or point", value: radius_mm });
        }
        let form = match tip {
            Tip::Arc { corner_mm: 0.0 } => UndersideForm::Flat,
            Tip::Arc { corner_mm } => UndersideForm::Corner { corner_mm },
            Tip::Cone { half_angle_rad } => UndersideForm::Cone { slope: 1.0 / math::tan(half_angle_rad) },
        };
        let tan_helix = math::tan(tool.helix.as_rad());
        Ok(Self {
            radius_mm,
            flutes: flutes as usize,
            tan_helix,
            underside: Underside { radius_mm, form },
            flute_length_mm: tool.flute_length.as_mm(),
            tip,
        })
    }

    /// Height of the underside at a radius, mm.
    pub(super) fn height_mm(&self, r_mm: f64) -> f64 {
        self.tip.height_mm(self.radius_mm, r_mm)
    }

    /// The elements up to a height above the tip, side elements at most `side_mm` long.
    pub(super) fn elements(&self, height_mm: f64, side_mm: f64, plunging: bool, out: &mut Vec<Element>) {
        out.clear();
        let height_mm = height_mm.min(self.flute_length_mm);
        let flat_mm = self.tip.flat_mm(self.radius_mm);
        if plunging && flat_mm > 0.0 {
            let width_mm = flat_mm / BOTTOM as f64;
            out.extend((0..BOTTOM).map(|index| Element {
                radius_mm: (index as f64 + 0.5) * width_mm,
                length_mm: width_mm,
                cos_kappa: 1.0,
                ..Element::default()
            }));
        }
        let tip_mm = self.tip.height_mm(self.radius_mm, self.radius_mm);
        if tip_mm > 0.0 {
            self.tip.elements(self.radius_mm, height_mm.min(tip_mm), out);
        }
        let side_height_mm = height_mm - tip_mm;
        if side_height_mm > 0.0 {
            let count = ((side_height_mm / side_mm).ceil() as usize).clamp(1, SIDE_MAX);
            let part_mm = side_height_mm / count as f64;
            out.extend((0..count).map(|index| Element {
                radius_mm: self.radius_mm,
                low_mm: tip_mm + index as f64 * part_mm,
                high_mm: tip_mm + (index + 1) as f64 * part_mm,
                length_mm: part_mm,
                sin_kappa: 1.0,
                cos_kappa: 0.0,
            }));
        }
    }
}

impl Tip {
    /// Radius of the flat bottom, mm.
    fn flat_mm(self, radius_mm: f64) -> f64 {
        match self {
            Self::Arc { corner_mm } => radius_mm - corner_mm,
            Self::Cone { .. } => 0.0,
        }
    }

    fn height_mm(self, radius_mm: f64, r_mm: f64) -> f64 {
        match self {
            Self::Arc { corner_mm } => {
                let out_mm = (r_mm - (radius_mm - corner_mm)).max(0.0);
                corner_mm - (corner_mm * corner_mm - out_mm * out_mm).max(0.0).sqrt()
            }
            Self::Cone { half_angle_rad } => r_mm / math::tan(half_angle_rad),
        }
    }

    fn elements(self, radius_mm: f64, height_mm: f64, out: &mut Vec<Element>) {
        match self {
            Self::Arc { corner_mm } => {
                let kappa_rad = math::acos(1.0 - height_mm / corner_mm);
                let step_rad = kappa_rad / TIP as f64;
                out.extend((0..TIP).map(|index| {
                    let angle = |place: f64| math::sin_cos((index as f64 + place) * step_rad);
                    let (sin_kappa, cos_kappa) = angle(0.5);
                    Element {
                        radius_mm: radius_mm - corner_mm + corner_mm * sin_kappa,
                        low_mm: corner_mm * (1.0 - angle(0.0).1),
                        high_mm: corner_mm * (1.0 - angle(1.0).1),
                        length_mm: corner_mm * step_rad,
                        sin_kappa,
                        cos_kappa,
                    }
                }));
            }
            Self::Cone { half_angle_rad } => {
                let (sin, cos) = math::sin_cos(half_angle_rad);
                let part_mm = height_mm / TIP as f64;
                out.extend((0..TIP).map(|index| Element {
                    radius_mm: (index as f64 + 0.5) * part_mm * sin / cos,
                    low_mm: index as f64 * part_mm,
                    high_mm: (index + 1) as f64 * part_mm,
                    length_mm: part_mm / cos,
                    sin_kappa: cos,
                    cos_kappa: sin,
                }));
            }
        }
    }
}
