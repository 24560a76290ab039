//! Bounds on the feed that no load sets: the surface, inside arcs, and plunging.
//!
//! * Surface: teeth leave cusps of f_z²/(8R) along the feed, R being the radius that draws them, so that a limit on them is
//!   one on f_z. (What a ball leaves between two lines depends on their distance and not on the feed.)
//! * Inside arcs: a feed is stated for the contour, and the axis of the cutter runs on a smaller circle, so that at the
//!   stated feed the edge would run v_f·R/(R − r) along the contour. Whether the post or the control already sees to that
//!   is a matter of the machine.
//! * Plunge: a milling cutter that goes down steeply.

use shared::cutting::{ANGLE_BINS, Engagement};
use shared::geom::Vector;
use shared::machine::InsideArcs;
use shared::motion::{Geometry, Segment};
use shared::plan::{Binding, Limits, Reason};
use shared::tool::{CutterShape, SpecialCutter, Tool};
use shared::units::{Length, RotaryVelocity};

use crate::loads::KnownLoads;

/// Descending steeper than this sine of the path's angle counts as a plunge: 45°.
pub(super) const PLUNGE_SINE: f64 = 0.707;

/// Bins beside the left (φ = 0) and the right wall (φ = π).
const WALLS: [u128; 2] = [0b11, 0b11 << (ANGLE_BINS / 2 - 2)];

/// A greatest ratio of the programmed feed and why.
pub(super) type Cap = (f64, Binding);

/// True where a milling cutter goes down steeply; drills, spot drills, taps and reamers do nothing else.
pub(super) fn plunges(tool: &Tool, direction: &Vector) -> bool {
    let mills = !matches!(
        tool.shape,
        CutterShape::Drill { .. }
            | CutterShape::Cone { .. }
            | CutterShape::Special(SpecialCutter::Tap | SpecialCutter::Reamer)
    );
    mills && -direction.z > PLUNGE_SINE
}

/// The feed at which cusps are as high as they may be.
pub(super) fn surface(limits: &Limits, tool: &Tool, known: &KnownLoads) -> Option<Cap> {
    let limit_mm = limits.surface_cusp_max?.as_mm();
    let radius_mm = match tool.shape {
        CutterShape::Flat | CutterShape::Ball => tool.radius().as_mm(),
        CutterShape::BullNose { corner_radius } => corner_radius.as_mm(),
        CutterShape::Cone { .. }
        | CutterShape::Drill { .. }
        | CutterShape::General(_)
        | CutterShape::Undercut(_)
        | CutterShape::Special(_) => return None,
    };
    let teeth_per_s = known.motion.spindle.abs().as_rev_s() * f64::from(tool.flutes?);
    let f_z_mm = known.motion.across.as_mm_s() / teeth_per_s;
    if !(f_z_mm > 0.0 && f_z_mm.is_finite()) {
        return None;
    }
    let ratio = (8.0 * radius_mm * limit_mm).sqrt() / f_z_mm;
    let at = |ratio: f64| shared::cutting::chip::cusp_height(Length::mm(radius_mm), Length::mm(f_z_mm * ratio));
    let value = at(ratio.min(1.0)).as_mm() as f32;
    Some((ratio, Binding { reason: Reason::Surface, value: Some(value), limit: Some(limit_mm as f32) }))
}

/// The feed on an inside arc at which the contour runs at what was programmed; `None` on anything else, and where the
/// machine sees to it.
pub(super) fn contour(rule: InsideArcs, segment: &Segment, tool: &Tool, engagement: &Engagement) -> Option<Cap> {
    let (InsideArcs::Reduce, Geometry::Arc { start, centre, normal, sweep_rad, .. }) = (rule, segment.geometry) else {
        return None;
    };
    // Only arcs of the plane across the spindle are contours of a side.
    if normal.z.abs() < 0.999 {
        return None;
    }
    let mask = engagement.slices.iter().fold(0u128, |mask, slice| mask | slice.mask);
    let turns_left = sweep_rad * normal.z > 0.0;
    // M4 mirrors the picture: φ = 0 is then right of the path.
    let mirrored = segment.spindle.is_some_and(|spindle| spindle < RotaryVelocity::ZERO);
    let outer = WALLS[usize::from(turns_left != mirrored)];
    if mask & outer == 0 {
        return None;
    }
    let path_mm = (start - centre).xy().norm();
    let contour_mm = path_mm + tool.radius().as_mm();
    let ratio = path_mm / contour_mm;
    (ratio > 0.0).then_some((ratio, Binding::plain(Reason::Contour)))
}
