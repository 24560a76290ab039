//! Cutters as surfaces of revolution, with flutes, shank and holder.
//!
//! Material removal needs one function of a cutter: how high its underside stands at a distance from its
//! axis. Everything a milling cutter, ball, bull nose, spot drill or drill does to a height map follows from
//! `height(r)`, and its inverse `width(h)` says how wide the cutter is at a height. Dimensions carry their
//! ISO 13399 symbols: DC cutting diameter, RE corner radius, SIG point angle, APMX length of the cutting
//! edge, LF functional length from the gauge line to the tip, DMM shank diameter, ZEFP number of flutes.
//!
//! ```text
//!        |  holder |        z = LF (gauge line)
//!        +--+   +--+
//!           |DMM|           shank
//!           +---+           z = APMX
//!           |   |           flutes
//!            \_/            z = 0, the tip
//! ```

use crate::det::math;
use crate::ident::ToolNumber;
use crate::units::{Angle, Length};

pub use crate::tool_general::{GeneralCutter, GeneralProfile};

/// Form of the cutting end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CutterShape {
    /// Flat end mill or face mill.
    Flat,
    /// Ball nose: RE is half of DC.
    Ball,
    /// Flat with rounded corner of radius RE.
    BullNose {
        /// RE, above zero and below half of DC.
        corner_radius: Length,
    },
    /// A cone down to its tip: spot drill, engraving cutter, chamfer mill.
    Cone {
        /// SIG, the full angle at the tip, in (0, π).
        point_angle: Angle,
    },
    /// A twist drill: a cone at the tip, and it feeds along its axis only.
    Drill {
        /// SIG, the full angle at the tip, in (0, π).
        point_angle: Angle,
    },
    /// Tapered and all other cutters of three pieces. Its forces are not modelled.
    General(GeneralCutter),
    /// A cutter that reaches under material, on a neck as thick as its shank. Its forces are not modelled.
    Undercut(UndercutForm),
    /// A cutter whose forces no model here covers: removed as a cylinder of DC, its loads stay unknown.
    Special(SpecialCutter),
}

/// Cutters that are wider than what is above them; the neck above is DMM wide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UndercutForm {
    /// A disc of DC, APMX high: T-slot and Woodruff cutters, saws.
    TSlot,
    /// A sphere of DC.
    Lollipop,
    /// DC at the tip, narrower upwards over APMX.
    Dovetail {
        /// Angle of the side against the axis, in (0, π/2): 30° for a dovetail of 60°.
        taper: Angle,
    },
}

/// Cutters without a force model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialCutter {
    /// Tap or forming tap: its feed is its pitch.
    Tap,
    /// Reamer.
    Reamer,
    /// Thread mill, single or full profile.
    ThreadMill,
    /// A form that is named but not modelled (dovetail, slitting saw), or not named at all.
    Other,
}

impl CutterShape {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat end mill",
            Self::Ball => "ball mill",
            Self::BullNose { .. } => "bull-nose mill",
            Self::Cone { .. } => "cone",
            Self::Drill { .. } => "drill",
            Self::General(_) => "general mill",
            Self::Undercut(UndercutForm::TSlot) => "T-slot cutter",
            Self::Undercut(UndercutForm::Lollipop) => "lollipop mill",
            Self::Undercut(UndercutForm::Dovetail { .. }) => "dovetail mill",
            Self::Special(SpecialCutter::Tap) => "tap",
            Self::Special(SpecialCutter::Reamer) => "reamer",
            Self::Special(SpecialCutter::ThreadMill) => "thread mill",
            Self::Special(SpecialCutter::Other) => "cutter of another form",
        }
    }

    /// False where no force model covers the form.
    pub const fn has_force_model(self) -> bool {
        !matches!(self, Self::Special(_) | Self::General(_) | Self::Undercut(_))
    }

    /// True where the cutter takes material from under other material, which no map of heights can show.
    pub const fn reaches_under(self) -> bool {
        matches!(self, Self::Undercut(_))
    }
}

/// One section of a holder, a frustum, listed from the cutter upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HolderSection {
    /// Diameter at the lower end.
    pub diameter_low: Length,
    /// Diameter at the upper end.
    pub diameter_high: Length,
    /// Axial length.
    pub length: Length,
}

/// What the cutter is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutterMaterial {
    /// Cemented carbide, E about 600 GPa.
    Carbide,
    /// High-speed steel, E about 210 GPa.
    HighSpeedSteel,
}

impl CutterMaterial {
    /// Young's modulus in N/mm².
    pub const fn youngs_modulus_n_mm2(self) -> f64 {
        match self {
            Self::Carbide => 600_000.0,
            Self::HighSpeedSteel => 210_000.0,
        }
    }
}

/// A cutting tool as the machine holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its number in the table.
    pub number: ToolNumber,
    /// Name for reports.
    pub name: String,
    /// Form of the cutting end.
    pub shape: CutterShape,
    /// DC.
    pub diameter: Length,
    /// ZEFP; `None` where it is not known, and then no force is computed.
    pub flutes: Option<u32>,
    /// Helix angle of the flutes.
    pub helix: Angle,
    /// APMX.
    pub flute_length: Length,
    /// DMM.
    pub shank_diameter: Length,
    /// Tip to holder: how far the cutter stands out.
    pub stickout: Length,
    /// Sections of the holder, upwards from the stick-out; empty where it is not known.
    pub holder: Vec<HolderSection>,
    /// Length offset in the machine's table, added along Z by G43 or at the tool change.
    pub length_offset: Length,
    /// False for cutters that must not plunge straight down.
    pub centre_cutting: bool,
    /// Cutter material.
    pub material: CutterMaterial,
}

impl Tool {
    /// A plain carbide cutter of a shape: two straight flutes three diameters long, a shank as thick as the cutter, five
    /// diameters of stick-out, no holder; it may plunge. For tools that nobody has described further, and for tests, which
    /// name what they need besides.
    pub fn of_shape(shape: CutterShape, diameter: Length) -> Self {
        Self {
            number: ToolNumber(1),
            name: "cutter".to_owned(),
            shape,
            diameter,
            flutes: Some(2),
            helix: Angle::ZERO,
            flute_length: diameter * 3.0,
            shank_diameter: diameter,
            stickout: diameter * 5.0,
            holder: Vec::new(),
            length_offset: Length::ZERO,
            centre_cutting: true,
            material: CutterMaterial::Carbide,
        }
    }

    /// Half of DC.
    pub fn radius(&self) -> Length {
        self.diameter / 2.0
    }

    /// Height of the underside above the tip at a distance `r` from the axis; `None` beyond DC/2. Seen from below: what a cutter
    /// that reaches under material leaves above itself is not told.
    pub fn height(&self, r: Length) -> Option<Length> {
        let (r_mm, radius_mm) = (r.abs().as_mm(), self.radius().as_mm());
        if r_mm > radius_mm {
            return None;
        }
        let height_mm = match self.shape {
            CutterShape::Flat
            | CutterShape::Special(_)
            | CutterShape::Undercut(UndercutForm::TSlot | UndercutForm::Dovetail { .. }) => 0.0,
            CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) => {
                radius_mm - (radius_mm * radius_mm - r_mm * r_mm).max(0.0).sqrt()
            }
            CutterShape::BullNose { corner_radius } => {
                let corner_mm = corner_radius.as_mm();
                let out_mm = (r_mm - (radius_mm - corner_mm)).max(0.0);
                corner_mm - (corner_mm * corner_mm - out_mm * out_mm).max(0.0).sqrt()
            }
            CutterShape::Cone { point_angle } | CutterShape::Drill { point_angle } => {
                r_mm / math::tan(point_angle.as_rad() / 2.0)
            }
            CutterShape::General(cutter) => cutter.profile().height_mm(r_mm),
        };
        Some(Length::mm(height_mm))
    }

    /// Radius of the cutter at height `h` above the tip, at most DC/2; zero below the tip.
    pub fn width(&self, h: Length) -> Length {
        let (h_mm, radius_mm) = (h.as_mm(), self.radius().as_mm());
        if h_mm < 0.0 {
            return Length::ZERO;
        }
        let width_mm = match self.shape {
            CutterShape::Flat
            | CutterShape::Special(_)
            | CutterShape::Undercut(UndercutForm::TSlot | UndercutForm::Dovetail { .. }) => radius_mm,
            CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) if h_mm >= radius_mm => radius_mm,
            CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) => {
                (2.0 * radius_mm * h_mm - h_mm * h_mm).max(0.0).sqrt()
            }
            CutterShape::BullNose { corner_radius } if h_mm >= corner_radius.as_mm() => radius_mm,
            CutterShape::BullNose { corner_radius } => {
                let corner_mm = corner_radius.as_mm();
                let rise_mm = corner_mm - h_mm;
                radius_mm - corner_mm + (corner_mm * corner_mm - rise_mm * rise_mm).max(0.0).sqrt()
            }
            CutterShape::Cone { point_angle } | CutterShape::Drill { point_angle } => {
                (h_mm * math::tan(point_angle.as_rad() / 2.0)).min(radius_mm)
            }
            CutterShape::General(cutter) => cutter.profile().radius_mm(h_mm).min(radius_mm),
        };
        Length::mm(width_mm)
    }

    /// Height above the tip at which the cutter has reached its full diameter.
    pub fn tip_height(&self) -> Length {
        self.height(self.radius()).unwrap_or(Length::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(shape: CutterShape) -> Tool {
        Tool::of_shape(shape, Length::mm(10.0))
    }

    #[test]
    fn height_and_width_are_inverse() {
        let right_angle = Angle::rad(std::f64::consts::FRAC_PI_2);
        let shapes = [
            CutterShape::Ball,
            CutterShape::BullNose { corner_radius: Length::mm(2.0) },
            CutterShape::Cone { point_angle: right_angle },
            CutterShape::Drill { point_angle: Angle::rad(2.06) },
        ];
        for shape in shapes {
            let tool = tool(shape);
            for r_mm in [3.5, 4.0, 4.9] {
                let height = tool.height(Length::mm(r_mm)).expect("inside the radius");
                let back_mm = tool.width(height).as_mm();
                assert!((back_mm - r_mm).abs() < 1e-9, "{shape:?}: {r_mm} came back as {back_mm}");
            }
            assert_eq!(tool.height(Length::mm(5.1)), None);
        }
    }

    #[test]
    fn spot_drill_of_90_degrees_is_as_high_as_it_is_wide() {
        let spot = tool(CutterShape::Cone { point_angle: Angle::rad(std::f64::consts::FRAC_PI_2) });
        assert!((spot.tip_height().as_mm() - 5.0).abs() < 1e-12);
    }
}
