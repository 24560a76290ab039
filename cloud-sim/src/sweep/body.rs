//! Cutters, shanks and holders as stacks of frusta and spheres about an axis.
//!
//! A sweep against rays needs bodies, not undersides: a T-slot cutter takes material below its own neck. So a tool is
//! cut along its axis into forms whose swept volume has a closed form, and neighbouring forms whose union is
//! convex make one part: a convex body swept along a line is convex, and a ray meets it once.
//!
//! Flat, ball, cone and drill are exact. A rounded corner is a chain of frusta inscribed in its arc, nowhere further than
//! [`CORNER_ERROR_MM`] from it.

use shared::det::math;
use shared::machine::NoseSection;
use shared::tool::{CutterShape, Tool, UndercutForm};
use shared::units::Angle;

/// Greatest distance of the frusta from the round corner that they stand for, mm.
pub const CORNER_ERROR_MM: f64 = 0.002;

/// Shank and holder are this much slimmer than drawn, mm, so that a shank as wide as its cutter does not touch the wall
/// that the cutter has just left.
const SKIN_MM: f64 = 0.005;

/// Shorter than this, mm, is nothing.
const NOTHING_MM: f64 = 1e-9;

/// One form about the axis; heights above the tip, mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Between two heights, the radius in proportion.
    Frustum {
        /// Lower end.
        low_mm: f64,
        /// Upper end, above the lower.
        high_mm: f64,
        /// Radius at the lower end.
        radius_low_mm: f64,
        /// Radius at the upper end.
        radius_high_mm: f64,
    },
    /// A whole sphere.
    Sphere {
        /// Height of its centre.
        centre_mm: f64,
        /// Radius.
        radius_mm: f64,
    },
}

/// What a part of the tool is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// It has cutting edges.
    Cutting,
    /// The tool above its flutes.
    Shank,
    /// What holds it.
    Holder,
    /// The nose of the spindle.
    Spindle,
}

/// Forms whose union is convex.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvexPart {
    /// What it is for.
    pub kind: PartKind,
    /// Its forms, upwards.
    pub forms: Vec<Form>,
}

/// A tool as a body of revolution.
#[derive(Clone, Debug, PartialEq)]
pub struct RevolvedTool {
    /// Convex parts: cutting ones first, upwards.
    pub parts: Vec<ConvexPart>,
}

/// A milling cutter by the seven parameters of APT (ISO 4343), mm and rad.
///
/// ```text
///   |        / b, taper of the side against the axis
///   |       |
///   |  E  .-'      corner of radius R about (E, F)
///   |___.-'  a, rise of the bottom against the plane
///   tip
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AptCutter {
    /// R, radius of the corner.
    pub corner_mm: f64,
    /// E, distance of the corner's centre from the axis.
    pub centre_radius_mm: f64,
    /// F, its height above the tip.
    pub centre_height_mm: f64,
    /// α, in [0, π/2).
    pub bottom: Angle,
    /// β, in (−π/2, π/2); positive widens upwards.
    pub side: Angle,
    /// H, height of the cutting part.
    pub height_mm: f64,
}

impl Form {
    /// Radius at both ends and heights of them; a sphere's box.
    pub(crate) fn height_range_mm(&self) -> (f64, f64) {
        match *self {
            Self::Frustum { low_mm, high_mm, .. } => (low_mm, high_mm),
            Self::Sphere { centre_mm, radius_mm } => (centre_mm - radius_mm, centre_mm + radius_mm),
        }
    }

    /// Greatest distance of a point of it from the axis, mm.
    pub(crate) fn radius_max_mm(&self) -> f64 {
        match *self {
            Self::Frustum { radius_low_mm, radius_high_mm, .. } => radius_low_mm.max(radius_high_mm),
            Self::Sphere { radius_mm, .. } => radius_mm,
        }
    }

    /// Radius at a height; `None` beyond its ends.
    pub(crate) fn radius_at_mm(&self, height_mm: f64) -> Option<f64> {
        let (low, high) = self.height_range_mm();
        if !(low..=high).contains(&height_mm) {
            return None;
        }
        Some(match *self {
            Self::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm } => {
                radius_low_mm + (radius_high_mm - radius_low_mm) * (height_mm - low_mm) / (high_mm - low_mm)
            }
            Self::Sphere { centre_mm, radius_mm } => {
                let above = height_mm - centre_mm;
                (radius_mm * radius_mm - above * above).max(0.0).sqrt()
            }
        })
    }
}

impl RevolvedTool {
    /// From a tool of the table: its cutting end, the shank above the flutes, the sections of the holder.
    pub fn new(tool: &Tool) -> Self {
        let mut parts = Self::cutting(cutting_profile(tool), ball_of(tool)).parts;
        let (flute_mm, stickout_mm) = (flute_mm(tool), tool.stickout.as_mm());
        let mut above = |kind, low_mm: f64, high_mm: f64, (low, high): (f64, f64)| {
            let (radius_low_mm, radius_high_mm) = (low - SKIN_MM, high - SKIN_MM);
            if high_mm - low_mm > NOTHING_MM && radius_low_mm > 0.0 && radius_high_mm > 0.0 {
                let form = Form::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm };
                parts.push(ConvexPart { kind, forms: vec![form] });
            }
        };
        let shank_mm = tool.shank_diameter.as_mm() / 2.0;
        above(PartKind::Shank, flute_mm, stickout_mm, (shank_mm, shank_mm));
        let mut low_mm = stickout_mm.max(flute_mm);
        for section in &tool.holder {
            let high_mm = low_mm + section.length.as_mm();
            let radii = (section.diameter_low.as_mm() / 2.0, section.diameter_high.as_mm() / 2.0);
            above(PartKind::Holder, low_mm, high_mm, radii);
            low_mm = high_mm;
        }
        Self { parts }
    }

    /// The same below the nose of a spindle, which begins where the holder ends; where that is not known, at the length offset of
    /// the tool or at its stick-out, whichever is higher up.
    #[must_use]
    pub fn in_spindle(mut self, tool: &Tool, nose: &[NoseSection]) -> Self {
        let mut low_mm = tool.stickout.as_mm().max(flute_mm(tool));
        low_mm += tool.holder.iter().map(|section| section.length.as_mm()).sum::<f64>();
        if tool.holder.is_empty() {
            low_mm = low_mm.max(tool.length_offset.as_mm());
        }
        for section in nose {
            let high_mm = low_mm + section.length.as_mm();
            let radii = [section.diameter_low, section.diameter_high].map(|diameter| diameter.as_mm() / 2.0 - SKIN_MM);
            if high_mm - low_mm > NOTHING_MM && radii.iter().all(|radius_mm| *radius_mm > 0.0) {
                let [radius_low_mm, radius_high_mm] = radii;
                let form = Form::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm };
                self.parts.push(ConvexPart { kind: PartKind::Spindle, forms: vec![form] });
            }
            low_mm = high_mm;
        }
        self
    }

    /// A general milling cutter without shank and holder.
    pub fn apt(cutter: &AptCutter) -> Self {
        let AptCutter { corner_mm, centre_radius_mm, centre_height_mm, bottom, side, height_mm } = *cutter;
        let (sin_a, cos_a) = math::sin_cos(bottom.as_rad());
        let (sin_b, cos_b) = math::sin_cos(side.as_rad());
        let at = |sin: f64, cos: f64| (centre_radius_mm + corner_mm * sin, centre_height_mm - corner_mm * cos);
        let mut profile = vec![(0.0, 0.0), at(sin_a, cos_a)];
        let ball = (centre_radius_mm == 0.0 && centre_height_mm >= corner_mm).then_some((centre_height_mm, corner_mm));
        if ball.is_none() {
            // The outward normal turns from −(axis) + α to radial − β.
            let (from, to) = (bottom.as_rad(), std::f64::consts::FRAC_PI_2 - side.as_rad());
            arc(&mut profile, (centre_radius_mm, centre_height_mm), corner_mm, (from, to));
        }
        let (radius_mm, from_mm) = (centre_radius_mm + corner_mm * cos_b, centre_height_mm - corner_mm * sin_b);
        profile.push((radius_mm, from_mm));
        profile.push((radius_mm + (height_mm - from_mm) * sin_b / cos_b, height_mm));
        Self::cutting(profile, ball)
    }

    /// A disc of a height on a slimmer neck, which does not cut: a T-slot or Woodruff cutter, a saw.
    pub fn t_slot(diameter_mm: f64, height_mm: f64, neck_diameter_mm: f64, neck_to_mm: f64) -> Self {
        let radius_mm = diameter_mm / 2.0;
        let mut tool = Self::cutting(vec![(radius_mm, 0.0), (radius_mm, height_mm)], None);
        tool.add_neck(neck_diameter_mm, height_mm, neck_to_mm);
        tool
    }

    /// A sphere on a slimmer neck, which does not cut.
    pub fn lollipop(diameter_mm: f64, neck_diameter_mm: f64, neck_to_mm: f64) -> Self {
        let radius_mm = diameter_mm / 2.0;
        let sphere = Form::Sphere { centre_mm: radius_mm, radius_mm };
        let mut tool = Self { parts: vec![ConvexPart { kind: PartKind::Cutting, forms: vec![sphere] }] };
        let neck_mm = neck_diameter_mm / 2.0;
        let leaves_mm = radius_mm + (radius_mm * radius_mm - neck_mm * neck_mm).max(0.0).sqrt();
        tool.add_neck(neck_diameter_mm, leaves_mm, neck_to_mm);
        tool
    }

    fn add_neck(&mut self, diameter_mm: f64, low_mm: f64, high_mm: f64) {
        let radius_mm = diameter_mm / 2.0;
        if radius_mm > 0.0 && high_mm > low_mm {
            let form = Form::Frustum { low_mm, high_mm, radius_low_mm: radius_mm, radius_high_mm: radius_mm };
            self.parts.push(ConvexPart { kind: PartKind::Shank, forms: vec![form] });
        }
    }

    /// A cutting part from its generatrix, points (radius, height) upwards, and a sphere that the generatrix leaves
    /// out. Convex as far as its radius grows ever more slowly; what does not is a part of its own.
    pub fn cutting(profile: Vec<(f64, f64)>, ball: Option<(f64, f64)>) -> Self {
        let mut parts: Vec<ConvexPart> = Vec::new();
        let mut forms: Vec<Form> = Vec::new();
        if let Some((centre_mm, radius_mm)) = ball {
            forms.push(Form::Sphere { centre_mm, radius_mm });
        }
        // Slope dr/dz and end of the last frustum of the open part.
        let mut last: Option<(f64, f64)> = None;
        for pair in profile.windows(2) {
            let [(radius_low_mm, low_mm), (radius_high_mm, high_mm)] = [pair[0], pair[1]];
            if high_mm - low_mm <= NOTHING_MM || radius_low_mm.max(radius_high_mm) <= NOTHING_MM {
                continue;
            }
            let slope = (radius_high_mm - radius_low_mm) / (high_mm - low_mm);
            let joins = last.is_none_or(|(before, end)| slope <= before + 1e-9 && (end - radius_low_mm).abs() <= 1e-6);
            if !joins {
                parts.push(ConvexPart { kind: PartKind::Cutting, forms: std::mem::take(&mut forms) });
            }
            forms.push(Form::Frustum { low_mm, high_mm, radius_low_mm, radius_high_mm });
            last = Some((slope, radius_high_mm));
        }
        parts.push(ConvexPart { kind: PartKind::Cutting, forms });
        parts.retain(|part| !part.forms.is_empty());
        Self { parts }
    }

    /// The parts of a kind.
    pub fn of_kind(&self, kind: PartKind) -> impl Iterator<Item = &ConvexPart> {
        self.parts.iter().filter(move |part| part.kind == kind)
    }

    /// Height above the tip of the upper end of the cutting parts, mm.
    pub fn cutting_height_mm(&self) -> f64 {
        let forms = self.of_kind(PartKind::Cutting).flat_map(|part| &part.forms);
        forms.map(|form| form.height_range_mm().1).fold(0.0, f64::max)
    }

    /// Greatest radius of the cutting parts, mm.
    pub fn cutting_radius_mm(&self) -> f64 {
        self.of_kind(PartKind::Cutting).flat_map(|part| &part.forms).map(Form::radius_max_mm).fold(0.0, f64::max)
    }

    /// Greatest radius of the cutting parts at a height above the tip, mm; zero where there are none.
    pub fn cutting_radius_at_mm(&self, height_mm: f64) -> f64 {
        let forms = self.of_kind(PartKind::Cutting).flat_map(|part| &part.forms);
        forms.filter_map(|form| form.radius_at_mm(height_mm)).fold(0.0, f64::max)
    }
}

/// Height up to which a tool cuts: its flutes, at least its cutting end; all that stands out where it does not say.
fn flute_mm(tool: &Tool) -> f64 {
    let flute_mm = tool.flute_length.as_mm();
    let flute_mm = if flute_mm > 0.0 { flute_mm } else { tool.stickout.as_mm() };
    let end_mm = match tool.shape {
        CutterShape::Ball => tool.diameter.as_mm(),
        CutterShape::Undercut(UndercutForm::Lollipop) => {
            // Where the neck leaves the sphere.
            let (radius_mm, neck_mm) = (tool.radius().as_mm(), tool.shank_diameter.as_mm() / 2.0);
            return radius_mm + (radius_mm * radius_mm - neck_mm * neck_mm).max(0.0).sqrt();
        }
        _ => tool.tip_height().as_mm(),
    };
    flute_mm.max(end_mm).max(1e-3)
}

/// The sphere of a ball mill: height of its centre and radius.
fn ball_of(tool: &Tool) -> Option<(f64, f64)> {
    let radius_mm = tool.radius().as_mm();
    let round = match tool.shape {
        CutterShape::Ball | CutterShape::Undercut(UndercutForm::Lollipop) => true,
        CutterShape::BullNose { corner_radius } => corner_radius.as_mm() >= radius_mm,
        _ => false,
    };
    round.then_some((radius_mm, radius_mm))
}

fn cutting_profile(tool: &Tool) -> Vec<(f64, f64)> {
    let (radius_mm, flute_mm) = (tool.radius().as_mm(), flute_mm(tool));
    let wall = |from_mm: f64| [(radius_mm, from_mm), (radius_mm, flute_mm.max(from_mm))];
    match tool.shape {
        CutterShape::Flat | CutterShape::Special(_) | CutterShape::Undercut(UndercutForm::TSlot) => wall(0.0).to_vec(),
        CutterShape::Undercut(UndercutForm::Lollipop) => Vec::new(),
        CutterShape::Undercut(UndercutForm::Dovetail { taper }) => {
            let (sin, cos) = math::sin_cos(taper.as_rad());
            vec![(radius_mm, 0.0), ((radius_mm - flute_mm * sin / cos).max(0.0), flute_mm)]
        }
        CutterShape::Ball => wall(radius_mm).to_vec(),
        CutterShape::BullNose { corner_radius } => {
            let corner_mm = corner_radius.as_mm();
            if corner_mm >= radius_mm {
                return wall(radius_mm).to_vec();
            }
            let mut profile = vec![(radius_mm - corner_mm, 0.0)];
            let quarter = std::f64::consts::FRAC_PI_2;
            arc(&mut profile, (radius_mm - corner_mm, corner_mm), corner_mm, (0.0, quarter));
            profile.extend(wall(corner_mm.max(0.0)));
            profile
        }
        CutterShape::General(cutter) => {
            let general = cutter.profile();
            let mut profile = vec![(0.0, 0.0), general.corner_from_mm.into()];
            let (from, to) = (cutter.bottom.as_rad(), std::f64::consts::FRAC_PI_2 - cutter.taper.as_rad());
            let centre = (general.corner_offset_mm, general.corner_height_mm);
            arc(&mut profile, centre, general.corner_radius_mm, (from, to));
            profile.push(general.corner_to_mm.into());
            profile.extend(wall(tool.tip_height().as_mm()));
            profile
        }
        CutterShape::Cone { .. } | CutterShape::Drill { .. } => {
            let mut profile = vec![(0.0, 0.0)];
            profile.extend(wall(tool.tip_height().as_mm()));
            profile
        }
    }
}

/// Appends points on an arc about (radius, height), between two directions of its outward normal from straight down, rad.
fn arc(profile: &mut Vec<(f64, f64)>, (radius, height): (f64, f64), corner_mm: f64, (from, to): (f64, f64)) {
    if corner_mm <= CORNER_ERROR_MM || to <= from {
        profile.push((radius + corner_mm, height));
        return;
    }
    let chord_rad = 2.0 * math::acos(1.0 - CORNER_ERROR_MM / corner_mm);
    let chords = ((to - from) / chord_rad).ceil().clamp(1.0, 1000.0);
    for chord in 0..=chords as usize {
        let (sin, cos) = math::sin_cos(from + (to - from) * chord as f64 / chords);
        profile.push((radius + corner_mm * sin, height - corner_mm * cos));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apt_cutter_with_the_figures_of_a_bull_nose_is_one() {
        let bull = AptCutter {
            corner_mm: 2.0,
            centre_radius_mm: 3.0,
            centre_height_mm: 2.0,
            bottom: Angle::ZERO,
            side: Angle::ZERO,
            height_mm: 20.0,
        };
        let tool = RevolvedTool::apt(&bull);
        assert_eq!(tool.parts.len(), 1, "a bull nose is convex");
        for height_mm in [0.1f64, 0.5, 1.0, 1.9, 2.0, 10.0] {
            let expected = if height_mm < 2.0 { 3.0 + (4.0 - (2.0 - height_mm).powi(2)).sqrt() } else { 5.0 };
            let found = tool.cutting_radius_at_mm(height_mm);
            // Measured sideways on an arc that is steep against the plane by z = 2 − √(4 − x²).
            assert!(
                found <= expected + 1e-9 && expected - found < 0.02,
                "{found} instead of {expected} at {height_mm}"
            );
        }
    }

    #[test]
    fn a_tapered_ball_leaves_its_sphere_tangentially() {
        let side = Angle::rad(5f64.to_radians());
        let cutter = AptCutter {
            corner_mm: 2.0,
            centre_radius_mm: 0.0,
            centre_height_mm: 2.0,
            bottom: Angle::ZERO,
            side,
            height_mm: 20.0,
        };
        let tool = RevolvedTool::apt(&cutter);
        assert_eq!(tool.parts.len(), 1);
        let (sin, cos) = math::sin_cos(side.as_rad());
        let (from, to) = (2.0 - 2.0 * sin, 20.0);
        let wide = |height: f64| 2.0 * cos + (height - from) * sin / cos;
        for height in [from + 1e-9, 5.0, to - 1e-9] {
            assert!((tool.cutting_radius_at_mm(height) - wide(height)).abs() < 1e-6);
        }
    }

    #[test]
    fn undercut_cutters_have_a_neck_that_does_not_cut() {
        let tool = RevolvedTool::t_slot(20.0, 4.0, 8.0, 30.0);
        assert_eq!(tool.parts.iter().map(|part| part.kind).collect::<Vec<_>>(), [PartKind::Cutting, PartKind::Shank]);
        assert_eq!((tool.cutting_height_mm(), tool.cutting_radius_mm()), (4.0, 10.0));
        // A profile that narrows and widens again is cut where it is no longer convex.
        let waist = RevolvedTool::cutting(vec![(5.0, 0.0), (3.0, 2.0), (5.0, 4.0)], None);
        assert_eq!(waist.parts.len(), 2);
    }
}
