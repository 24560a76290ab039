use std::f64::consts::TAU;

use shared::cutting::{ANGLE_BINS, Engagement};
use shared::det::math;
use shared::geom::Vector;

use super::Profile;

/// Area in mm² that the engaged part of a cutter sweeps into for each mm of travel along the unit vector
/// `travel`: ∫ n·t dA over the engaged surface, n its outward normal. Times the length of a step it is the
/// removed volume. Level, it is the section of the chip: Σ slices Δz · ∫ r sinφ dφ; a rise or fall adds what
/// the slices cover seen from below, ½(r_high² − r_low²) for each radian.
pub fn swept_section_mm2(engagement: &Engagement, profile: &Profile, travel: &Vector) -> f64 {
    let horizontal = (travel.x * travel.x + travel.y * travel.y).sqrt();
    let bin_rad = TAU / ANGLE_BINS as f64;
    let mut section_mm2 = 0.0;
    for slice in &engagement.slices {
        let height_mm = slice.high_mm - slice.low_mm;
        let radius_mm = profile.radius_at(0.5 * (slice.low_mm + slice.high_mm));
        let (low_mm, high_mm) = if height_mm > 0.0 {
            (profile.radius_at(slice.low_mm.max(1e-12)), profile.radius_at(slice.high_mm))
        } else {
            (0.0, profile.face_mm)
        };
        let seen_mm2 = 0.5 * (high_mm * high_mm - low_mm * low_mm) * bin_rad;
        let bins = (0..ANGLE_BINS).filter(|bin| slice.mask >> bin & 1 == 1);
        section_mm2 += bins
            .map(|bin| {
                let (from, to) = (bin as f64 * bin_rad, (bin + 1) as f64 * bin_rad);
                let sine = math::cos(from) - math::cos(to);
                horizontal * radius_mm * sine * height_mm - travel.z * seen_mm2
            })
            .sum::<f64>();
    }
    section_mm2
}
