//! Radial depth of a sampled engagement: the width of the cut across the feed, on any cutter.

use shared::cutting::{ANGLE_BINS, Engagement};
use shared::det::math;
use shared::tool::Tool;
use shared::units::Length;

/// a_e in mm: from the leftmost to the rightmost engaged point of the forward half turn, seen along the feed.
/// Each slice counts with the radius the cutter has at its upper end, so that the shallow cut of a ball or a
/// cone is as wide as the ball or cone is there. `None` where the forward half touches nothing.
///
/// The place across the feed of φ is R·cosφ: 0 on the axis, +R where φ = 0, −R where φ = π.
pub fn radial_depth_mm(engagement: &Engagement, tool: &Tool) -> Option<f64> {
    let forward = (1u128 << (ANGLE_BINS / 2)) - 1;
    let bin_rad = std::f64::consts::TAU / ANGLE_BINS as f64;
    let mut across: Option<(f64, f64)> = None;
    for slice in engagement.slices.iter().filter(|slice| slice.mask & forward != 0) {
        let mask = slice.mask & forward;
        let start_rad = f64::from(mask.trailing_zeros()) * bin_rad;
        let exit_rad = f64::from(u128::BITS - mask.leading_zeros()) * bin_rad;
        let radius_mm = tool.width(Length::mm(slice.high_mm)).as_mm();
        let (left_mm, right_mm) = (radius_mm * math::cos(exit_rad), radius_mm * math::cos(start_rad));
        across = Some(across.map_or((left_mm, right_mm), |(least, most)| (least.min(left_mm), most.max(right_mm))));
    }
    across.map(|(least, most)| most - least)
}
