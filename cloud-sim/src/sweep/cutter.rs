use shared::machine::NoseSection;
use shared::tool::{CutterShape, Tool, UndercutForm};

use crate::collision::Body;
use crate::engagement::{Profile, Sampler};

use super::body::RevolvedTool;
use super::underside::{Ball, BullNose, Cone, Flat, General, Underside};
use crate::stock::Simd;

/// A tool prepared for cutting: profile, underside in single precision, shank and holder.
#[derive(Clone, Debug)]
pub struct Cutter {
    profile: Profile,
    pub(super) sampler: Sampler,
    pub(super) underside: Form,
    pub(super) body: Body,
    pub(super) simd: Simd,
    revolved: RevolvedTool,
    centre_cutting: bool,
}

/// The underside as the inner loops want it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Flat(Flat),
    Ball(Ball),
    BullNose(BullNose),
    Cone(Cone),
    General(General),
}

impl Form {
    /// [`Underside::lead`].
    pub(super) fn lead(&self, rise: f32) -> f32 {
        match self {
            Self::Flat(flat) => flat.lead(rise),
            Self::Ball(ball) => ball.lead(rise),
            Self::BullNose(bull) => bull.lead(rise),
            Self::Cone(cone) => cone.lead(rise),
            Self::General(general) => general.lead(rise),
        }
    }
}

impl Cutter {
    /// From a tool. Dimensions are taken as they are; the tool table has checked them.
    pub fn new(tool: &Tool) -> Self {
        let profile = Profile::new(tool);
        let radius = profile.radius_mm as f32;
        let underside = match tool.shape {
            CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) => Form::Ball(Ball { radius }),
            CutterShape::Flat | CutterShape::Special(_) | CutterShape::Undercut(_) => Form::Flat(Flat { radius }),
            CutterShape::BullNose { .. } => match profile.corner_mm() {
                Some(corner) if corner > 0.0 && profile.face_mm > 0.0 => {
                    Form::BullNose(BullNose { radius, face: profile.face_mm as f32, corner: corner as f32 })
                }
                Some(corner) if corner > 0.0 => Form::Ball(Ball { radius }),
                _ => Form::Flat(Flat { radius }),
            },
            CutterShape::General(cutter) => Form::General(General::new(radius, &cutter.profile())),
            CutterShape::Cone { .. } | CutterShape::Drill { .. } => {
                Form::Cone(Cone { radius, slope: profile.cone_slope().unwrap_or(0.0) as f32 })
            }
        };
        Self {
            profile,
            sampler: Sampler::new(),
            underside,
            body: Body::new(tool, &[]),
            simd: Simd::widest(),
            revolved: RevolvedTool::new(tool),
            centre_cutting: tool.centre_cutting,
        }
    }

    /// The same cutter, computed another way: no bit of what it cuts changes.
    #[must_use]
    pub fn computed(self, simd: Simd) -> Self {
        Self { sampler: self.sampler.computed(simd), simd, ..self }
    }

    /// The same tool with a body of another form for the tri-dexel: an undercutting or general cutter. A height map still
    /// sees what the tool says.
    #[must_use]
    pub fn with_body(self, revolved: RevolvedTool) -> Self {
        Self { revolved, ..self }
    }

    /// The same in a spindle whose nose is known: it is held against the stock too.
    #[must_use]
    pub fn in_spindle(self, tool: &Tool, nose: &[NoseSection]) -> Self {
        let revolved = self.revolved.in_spindle(tool, nose);
        Self { body: Body::new(tool, nose), revolved, ..self }
    }

    /// The tool as a body of revolution: what a tri-dexel is cut with.
    pub fn revolved(&self) -> &RevolvedTool {
        &self.revolved
    }

    /// The cutting end.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// False for cutters that must not plunge.
    pub fn centre_cutting(&self) -> bool {
        self.centre_cutting
    }
}
