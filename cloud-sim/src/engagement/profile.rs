use shared::tool::{CutterShape, GeneralProfile, Tool, UndercutForm};

/// The cutting end of a cutter as numbers, prepared once: the underside f(r), its inverse and its slope.
///
/// ```text
///   z  |      |   wall, r = R             z > tip_mm
///      |     /    cone, ball or corner    0 .. tip_mm, slope f′ = dz/dr
///      |____/     flat face, r < face_mm  z = 0
///      axis
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// R, mm.
    pub radius_mm: f64,
    /// Radius of the flat face at the tip, mm: R for a flat cutter, R − RE for a bull nose, else 0.
    pub face_mm: f64,
    /// Height above the tip from which the cutter has its full radius, mm.
    pub tip_mm: f64,
    /// Height above the tip up to which it can cut, mm; infinite where the tool does not say.
    pub flute_mm: f64,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Flat,
    /// Ball and corner: an arc of this radius, mm.
    Round {
        corner_mm: f64,
    },
    /// dz/dr.
    Cone {
        slope: f64,
    },
    General(GeneralProfile),
}

impl Profile {
    /// From a tool.
    pub fn new(tool: &Tool) -> Self {
        let radius_mm = tool.radius().as_mm();
        let tip_mm = tool.tip_height().as_mm();
        let (form, face_mm) = match tool.shape {
            CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) => {
                (Form::Round { corner_mm: radius_mm }, 0.0)
            }
            CutterShape::Flat | CutterShape::Special(_) | CutterShape::Undercut(_) => (Form::Flat, radius_mm),
            CutterShape::BullNose { corner_radius } => {
                let corner_mm = corner_radius.as_mm().min(radius_mm);
                (Form::Round { corner_mm }, radius_mm - corner_mm)
            }
            CutterShape::General(cutter) => {
                let general = cutter.profile();
                let face_mm = if general.bottom_slope > 0.0 { 0.0 } else { general.corner_offset_mm };
                (Form::General(general), face_mm)
            }
            CutterShape::Cone { .. } | CutterShape::Drill { .. } => (Form::Cone { slope: tip_mm / radius_mm }, 0.0),
        };
        let flute = tool.flute_length.as_mm();
        Self { radius_mm, face_mm, tip_mm, flute_mm: if flute > 0.0 { flute } else { f64::INFINITY }, form }
    }

    /// Radius at a height above the tip, mm; the rim of the face at the tip itself.
    pub fn radius_at(&self, z_mm: f64) -> f64 {
        if z_mm >= self.tip_mm {
            return self.radius_mm;
        }
        match self.form {
            Form::Flat => self.radius_mm,
            Form::Round { corner_mm } => {
                let rise_mm = corner_mm - z_mm.max(0.0);
                self.face_mm + (corner_mm * corner_mm - rise_mm * rise_mm).max(0.0).sqrt()
            }
            Form::Cone { slope } => z_mm.max(0.0) / slope,
            Form::General(general) => general.radius_mm(z_mm).min(self.radius_mm),
        }
    }

    /// Slope dz/dr of the underside at a height above the tip; infinite on the wall.
    pub fn slope_at(&self, z_mm: f64) -> f64 {
        if z_mm >= self.tip_mm {
            return f64::INFINITY;
        }
        match self.form {
            Form::Flat => f64::INFINITY,
            Form::Round { corner_mm } => (self.radius_at(z_mm) - self.face_mm) / (corner_mm - z_mm),
            Form::Cone { slope } => slope,
            Form::General(general) => general.slope(z_mm),
        }
    }

    /// RE of the rounded end, mm: the radius of a ball, the corner of a bull nose.
    pub(crate) fn corner_mm(&self) -> Option<f64> {
        match self.form {
            Form::Round { corner_mm } => Some(corner_mm),
            Form::Flat | Form::Cone { .. } | Form::General(_) => None,
        }
    }

    /// dz/dr of a conical end.
    pub(crate) fn cone_slope(&self) -> Option<f64> {
        match self.form {
            Form::Cone { slope } => Some(slope),
            Form::Flat | Form::Round { .. } | Form::General(_) => None,
        }
    }
}
