use std::f64::consts::TAU;

use shared::cutting::{ANGLE_BINS, Engagement, EngagementSlice};
use shared::det::math;
use shared::geom::{Point, Vector};

use super::Profile;
use super::ring::{Angles, Half, Ring, RingBits, RingHeights, bits};
use super::sector::{Corners, Sectors};
use crate::stock::{HeightMap, LANES, Simd};

/// Bins of the forward half turn.
pub(super) const HALF: usize = ANGLE_BINS / 2;
/// Bins of a quarter turn.
const QUARTER: usize = ANGLE_BINS / 4;
/// Slices of the part below the full radius.
const PROFILE_SLICES: usize = 12;
/// Rings on which a descending flat face is looked at.
const FACE_RINGS: usize = 8;
/// Rings of the face, and slices below the full radius, that share the bounds of what is around them.
const SECTOR_RINGS: usize = 4;
const SECTOR_SLICES: usize = 4;
/// Levels at which the part below the full radius is searched for contact.
const SEARCH_LEVELS: usize = 8;
/// Halvings of the distance between two of them to find where contact ends.
const TOP_HALVINGS: usize = 3;
const _: () = assert!(PROFILE_SLICES.is_multiple_of(SECTOR_SLICES) && FACE_RINGS.is_multiple_of(SECTOR_RINGS));
/// Most cells that one sample reads: the face, the search for where the part below the full radius touches, its slices, the
/// rings of the wall.
pub(crate) const SAMPLE_CELLS_MAX: usize =
    (FACE_RINGS + PROFILE_SLICES) * ANGLE_BINS + (2 + SEARCH_LEVELS + TOP_HALVINGS) * ANGLE_BINS / 4 + PHASES * HALF;
/// Fewest slices of the wall.
const WALL_SLICES_MIN: f64 = 8.0;
/// Places within a bin at which it can be sampled.
pub(super) const PHASES: usize = 8;
/// The order in which neighbouring slices use them: any few in a row are spread evenly.
const PHASE_ORDER: [usize; PHASES] = [0, 4, 2, 6, 1, 5, 3, 7];
/// A phase near the middle of a bin.
const MIDDLE_PHASE: usize = 4;
/// Different heights on the wall that get a slice border of their own.
const WALL_LEVELS_MAX: usize = 8;
/// Material thinner than this, mm, is not seen: single precision at the far end of a machine, doubled.
const THIN_MM: f64 = 1e-3;
/// Material this far below a face that descends touches it, mm.
const FACE_THIN_MM: f64 = 2e-5;
/// Share of the path that is horizontal below which a move is a plunge.
const PLUNGE_SHARE: f64 = 1e-3;

/// Where the tip stands and where it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Tip, work frame, mm.
    pub tip: Point,
    /// Unit vector of travel.
    pub travel: Vector,
    /// True for M4: the picture is mirrored at the path.
    pub mirrored: bool,
    /// How far the path goes straight on from here, to a fraction of a cell of the map, mm: material further ahead
    /// will not be met in this direction.
    pub straight_on_mm: f64,
}

/// What was found at a pose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Where the cutting end is in material.
    pub engagement: Engagement,
    /// How far material ahead of the cutter stands above its flutes, mm; zero where it does not.
    pub above_flutes_mm: f64,
}

/// Samples the surface of cutters; holds the sines of the bins.
///
/// A bin that is half in material would be all or nothing if every slice looked at its middle, and at a small
/// a_e one bin is a fifth of the cut. So slices look at different places within their bins, and the bin is
/// set in half of the slices.
#[derive(Clone, Debug)]
pub struct Sampler {
    pub(super) angles: Angles,
    pub(super) corners: Corners,
    /// Sines of the middles of the bins of a quarter turn, rising.
    middles: [f64; QUARTER],
    pub(super) simd: Simd,
}

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    /// Ready to sample.
    pub fn new() -> Self {
        let middles = std::array::from_fn(|bin| math::sin((bin as f64 + 0.5) * TAU / ANGLE_BINS as f64));
        Self { angles: Angles::new(), corners: Corners::new(), middles, simd: Simd::widest() }
    }

    /// The same sampler, computed another way: no bit of a sample changes.
    #[must_use]
    pub fn computed(self, simd: Simd) -> Self {
        Self { simd, ..self }
    }

    /// The engagement of a cutter at a pose. Costs about a microsecond for a flat cutter and a
    /// few for others; the bench `kernel` prints it.
    pub fn sample(&self, map: &HeightMap, profile: &Profile, pose: &Pose) -> Sample {
        let mut found = Sample::default();
        let Some((view, top_mm)) = self.view(map, profile, pose) else { return found };
        view.face(&mut found.engagement);
        view.profile(top_mm, &mut found.engagement);
        view.wall(top_mm, &mut found);
        found
    }

    /// What is to be looked at, and how high the material around stands above the tip; `None` where there is none.
    pub(super) fn view<'a>(&'a self, map: &'a HeightMap, profile: &'a Profile, pose: &Pose) -> Option<(View<'a>, f64)> {
        let (cell_x, cell_y) = map.cell_mm();
        let reach_mm = profile.radius_mm + 2.0 * (cell_x + cell_y) + (profile.radius_mm * (cell_x + cell_y)).sqrt();
        let tip = pose.tip;
        let highest = map.max_over(tip.x - reach_mm, tip.x + reach_mm, tip.y - reach_mm, tip.y + reach_mm)?;
        let top_mm = f64::from(highest) - tip.z;
        let bottom_mm = (f64::from(map.grid.floor) - tip.z).max(0.0);
        if top_mm <= bottom_mm {
            return None;
        }
        Some((View::new(self, map, profile, pose, bottom_mm), top_mm))
    }
}

/// One cutter over one map at one pose.
pub(super) struct View<'a> {
    pub(super) sampler: &'a Sampler,
    pub(super) map: &'a HeightMap,
    pub(super) profile: &'a Profile,
    pub(super) tip_z: f32,
    /// Axis of the cutter in cells from the map's corner.
    pub(super) axis_x: f32,
    pub(super) axis_y: f32,
    /// Columns and rows of the map; exact, as it has at most 2²⁰ of them.
    pub(super) size: [f32; 2],
    /// Cells for each mm ahead and for each mm to the side where φ = 0.
    pub(super) ahead: [f32; 2],
    /// mm ahead for each cell.
    pub(super) ahead_mm: [f32; 2],
    pub(super) beside: [f32; 2],
    /// Half the extent of a cell ahead and beside, mm.
    pub(super) half_ahead: f32,
    pub(super) half_beside: f32,
    /// Height of the bottom of the stock above the tip, mm, or zero.
    pub(super) bottom_mm: f64,
    /// Horizontal share and rise dz/ds of the travel; no horizontal share in a plunge.
    pub(super) horizontal: f64,
    pub(super) travel_z: f64,
    /// Horizontal part of [`Pose::straight_on_mm`], and dz for each mm of it.
    pub(super) straight_on: f32,
    pub(super) climb: f32,
    pub(super) cell_mm: f64,
}

impl<'a> View<'a> {
    fn new(sampler: &'a Sampler, map: &'a HeightMap, profile: &'a Profile, pose: &Pose, bottom_mm: f64) -> Self {
        let (cell_x, cell_y) = map.cell_mm();
        let horizontal = (pose.travel.x * pose.travel.x + pose.travel.y * pose.travel.y).sqrt();
        let plunge = horizontal < PLUNGE_SHARE;
        let (ux, uy) = if plunge { (1.0, 0.0) } else { (pose.travel.x / horizontal, pose.travel.y / horizontal) };
        let side = if pose.mirrored { -1.0 } else { 1.0 };
        Self {
            sampler,
            map,
            profile,
            tip_z: pose.tip.z as f32,
            axis_x: ((pose.tip.x - map.grid.min_x) / cell_x) as f32,
            axis_y: ((pose.tip.y - map.grid.min_y) / cell_y) as f32,
            size: [map.grid.columns as f32, map.grid.rows as f32],
            ahead: [(ux / cell_x) as f32, (uy / cell_y) as f32],
            ahead_mm: [(ux * cell_x) as f32, (uy * cell_y) as f32],
            beside: [(-uy * side / cell_x) as f32, (ux * side / cell_y) as f32],
            half_ahead: (0.5 * (ux.abs() * cell_x + uy.abs() * cell_y)) as f32,
            half_beside: (0.5 * (uy.abs() * cell_x + ux.abs() * cell_y)) as f32,
            bottom_mm,
            horizontal: if plunge { 0.0 } else { horizontal },
            travel_z: pose.travel.z,
            straight_on: (pose.straight_on_mm * horizontal) as f32,
            climb: if plunge { 0.0 } else { (pose.travel.z / horizontal) as f32 },
            cell_mm: cell_x.max(cell_y),
        }
    }

    /// Material above the tip just ahead of the forward half of the full radius; what is not higher than `low` may be left out.
    fn ahead_of_wall(&self, sectors: &Sectors, phase: usize, low: f32) -> [f32; HALF] {
        let uniform: [Option<f32>; LANES] = std::array::from_fn(|sector| sectors.uniform(sector));
        let (certain, open) = sectors.settle(low);
        let known = uniform.iter().enumerate().filter(|(_, height)| height.is_some());
        let known = known.fold(0u64, |bins, (sector, _)| bins | 0xff << (LANES * sector));
        let ring = Ring { view: self, radius: self.profile.radius_mm as f32, half: Half::Ahead, phase, stride: 1 };
        let mut heights = self.sampler.simd.run(RingHeights { ring, bins: (certain | open) & !known });
        for (heights, uniform) in heights.as_chunks_mut::<LANES>().0.iter_mut().zip(uniform) {
            if let Some(height) = uniform {
                *heights = [height; LANES];
            }
        }
        heights
    }

    /// Which of these bins of half a ring are in material above z; one sample stands for `stride` bins.
    fn in_material(&self, half: Half, radius_mm: f64, (phase, stride): (usize, usize), bins: u64, z: f32) -> u128 {
        if bins == 0 {
            return 0;
        }
        let ring = Ring { view: self, radius: radius_mm as f32, half, phase, stride };
        u128::from(self.sampler.simd.run(RingBits { ring, bins, z }))
    }

    /// The flat face cuts only when it descends.
    fn face(&self, engagement: &mut Engagement) {
        if self.profile.face_mm <= 0.0 || self.travel_z >= 0.0 || self.bottom_mm > 0.0 {
            return;
        }
        // Rings of equal area; touching is enough, as the face goes down.
        let radius_mm = |ring: usize| self.profile.face_mm * ((ring as f64 + 0.5) / FACE_RINGS as f64).sqrt();
        let z = -FACE_THIN_MM as f32;
        let mut rings = [0u128; FACE_RINGS];
        for (group, rings) in rings.chunks_mut(SECTOR_RINGS).enumerate() {
            let first_ring = group * SECTOR_RINGS;
            for first in [0, HALF] {
                let half = Half::On { first };
                let zone = (radius_mm(first_ring), radius_mm(first_ring + rings.len() - 1));
                let (certain, open) = Sectors::new(self, half, zone).settle(z);
                for (ring, mask) in rings.iter_mut().enumerate() {
                    let found = self.in_material(half, radius_mm(first_ring + ring), (MIDDLE_PHASE, 1), open, z);
                    *mask |= (u128::from(certain) | found) << first;
                }
            }
        }
        // As many bins as the area in material has, there where it is: what does not fill a bin is carried to the next.
        let any = rings.iter().fold(0, |any, ring| any | ring);
        let mut mask = rings.iter().fold(u128::MAX, |all, ring| all & ring);
        let (mut partly, mut carried) = (any & !mask, FACE_RINGS / 2);
        while partly != 0 {
            let bin = partly.trailing_zeros();
            partly &= partly - 1;
            carried += rings.iter().filter(|ring| *ring >> bin & 1 == 1).count();
            if carried >= FACE_RINGS {
                carried -= FACE_RINGS;
                mask |= 1 << bin;
            }
        }
        if mask != 0 {
            engagement.slices.push(EngagementSlice { low_mm: 0.0, high_mm: 0.0, mask });
        }
    }

    /// Bins of a slice whose surface moves into material: sinφ > (dz/ds) / f′, f′ = dz/dr.
    fn moving_in(&self, slope: f64) -> u128 {
        if self.horizontal == 0.0 {
            return if self.travel_z < 0.0 && slope.is_finite() { u128::MAX } else { 0 };
        }
        let least_sine = self.travel_z / self.horizontal / slope;
        let front = (1u128 << HALF) - 1;
        if slope.is_infinite() || least_sine == 0.0 {
            return front;
        }
        if least_sine >= 1.0 {
            return 0;
        }
        if least_sine <= -1.0 {
            return u128::MAX;
        }
        let skipped = self.sampler.middles.partition_point(|sine| *sine < least_sine.abs());
        if least_sine > 0.0 {
            return ((1u128 << (HALF - 2 * skipped)) - 1) << skipped;
        }
        // The trailing bins next to both ends of the forward half; none where even the first is beyond the edge.
        let trailing = (1u128 << skipped) - 1;
        let before_start = if skipped == 0 { 0 } else { trailing << (ANGLE_BINS - skipped) };
        front | (trailing << HALF) | before_start
    }

    /// Bins in material at a height below the full radius.
    fn ring_mask(&self, z_mm: f64, phase: usize, stride: usize, sectors: Option<&Sectors>) -> u128 {
        let slope = self.profile.slope_at(z_mm);
        let moving = self.moving_in(slope);
        if moving == 0 {
            return 0;
        }
        let radius_mm = self.profile.radius_at(z_mm);
        let z = z_mm as f32;
        // Touching is enough where the sample is on the surface: a cell's centre may be lower by its slope.
        let slack_mm = (slope * self.cell_mm * std::f64::consts::FRAC_1_SQRT_2).min(z_mm);
        let touching = z - slack_mm as f32;
        let forward = moving as u64;
        let front = if self.horizontal == 0.0 {
            self.in_material(Half::On { first: 0 }, radius_mm, (phase, stride), forward, touching)
        } else {
            let (certain, open) = sectors.map_or((0, u64::MAX), |sectors| sectors.settle(z));
            let found = self.in_material(Half::Ahead, radius_mm, (phase, stride), forward & open, z);
            found | u128::from(certain & forward)
        };
        let behind = Half::On { first: HALF };
        front | self.in_material(behind, radius_mm, (phase, stride), (moving >> HALF) as u64, touching) << HALF
    }

    /// The part below the full radius: search where it touches, then slice that.
    fn profile(&self, top_mm: f64, engagement: &mut Engagement) {
        let to_mm = top_mm.min(self.profile.tip_mm).min(self.profile.flute_mm);
        if to_mm <= self.bottom_mm || self.profile.slope_at(0.5 * to_mm).is_infinite() {
            return;
        }
        let Some((low_mm, high_mm)) = self.touched(to_mm) else {
            return;
        };
        engagement.slices.reserve(PROFILE_SLICES);
        let is_tall = self.profile.tip_mm > self.profile.radius_mm;
        // On a ball equal steps of the square root of height are equal steps of radius: thin near the tip, where a
        // shallow layer ends. A tall end is mostly its side.
        let border = |index: usize| {
            let share = index as f64 / PROFILE_SLICES as f64;
            low_mm + (high_mm - low_mm) * if is_tall { share } else { share * share }
        };
        let middle_mm = |index: usize| 0.5 * (border(index) + border(index + 1));
        let radius_mm = |index: usize| self.profile.radius_at(middle_mm(index));
        let mut sectors = None;
        for index in 0..PROFILE_SLICES {
            if index.is_multiple_of(SECTOR_SLICES) && self.horizontal > 0.0 {
                let zone = (radius_mm(index), radius_mm(index + SECTOR_SLICES - 1));
                sectors = Some(Sectors::new(self, Half::Ahead, zone));
            }
            let (phase, stride) = (PHASE_ORDER[index % PHASES], self.stride(radius_mm(index)));
            let mask = self.ring_mask(middle_mm(index), phase, stride, sectors.as_ref());
            if mask != 0 {
                engagement.slices.push(EngagementSlice { low_mm: border(index), high_mm: border(index + 1), mask });
            }
        }
    }

    /// Between which heights the part below the full radius touches material, looked for up to `to_mm`.
    fn touched(&self, to_mm: f64) -> Option<(f64, f64)> {
        let from_mm = self.bottom_mm;
        // Levels are closer together near the tip: shallow cuts touch only there.
        let level = |place: f64| {
            let share = place / SEARCH_LEVELS as f64;
            (from_mm + (to_mm - from_mm) * share * share).min(to_mm)
        };
        let touches = |z_mm: f64| self.ring_mask(z_mm, MIDDLE_PHASE, 4, None) != 0;
        let mut levels = (0..SEARCH_LEVELS).filter(|&index| touches(level(index as f64 + 0.5)));
        let first = levels.next()?;
        let last = levels.next_back().unwrap_or(first);
        let (mut below_mm, mut above_mm) = (level(last as f64 + 0.5), level(last as f64 + 1.5));
        if above_mm == to_mm && touches(to_mm - 0.02 * (to_mm - below_mm)) {
            return Some((level(first as f64), to_mm));
        }
        for _ in 0..TOP_HALVINGS {
            let middle_mm = 0.5 * (below_mm + above_mm);
            if touches(middle_mm) {
                below_mm = middle_mm;
            } else {
                above_mm = middle_mm;
            }
        }
        Some((level(first as f64), 0.5 * (below_mm + above_mm)))
    }

    /// Bins that one sample stands for: neighbours nearer to each other than a cell read the same one.
    fn stride(&self, radius_mm: f64) -> usize {
        let bin_mm = radius_mm * TAU / ANGLE_BINS as f64;
        if bin_mm * 4.0 <= self.cell_mm {
            4
        } else if bin_mm * 2.0 <= self.cell_mm {
            2
        } else {
            1
        }
    }

    /// The cylindrical part: the heights on one ring are the borders of the slices.
    fn wall(&self, top_mm: f64, found: &mut Sample) {
        let base_mm = self.profile.tip_mm.max(self.bottom_mm);
        if self.horizontal == 0.0 || top_mm <= base_mm + THIN_MM {
            return;
        }
        let sectors = Sectors::new(self, Half::Ahead, (self.profile.radius_mm, self.profile.radius_mm));
        let low = base_mm.min(self.profile.flute_mm) as f32;
        let heights = self.ahead_of_wall(&sectors, MIDDLE_PHASE, low);
        // Beside the path the sample looks up to √(R·cell) ahead; what is claimed to hit the shank must be in the way.
        let clear = HALF / 16;
        let ahead = heights[clear..HALF - clear].iter().fold(f32::NEG_INFINITY, |high, &height| high.max(height));
        found.above_flutes_mm = (f64::from(ahead) - self.profile.flute_mm).max(0.0);

        let mut levels = [0.0f32; HALF];
        let mut count = 0;
        for &height in heights.iter().filter(|&&height| f64::from(height) > base_mm + THIN_MM) {
            levels[count] = height.min(self.profile.flute_mm as f32);
            count += 1;
        }
        let levels = &mut levels[..count];
        let Some(&first) = levels.first() else {
            return;
        };
        if base_mm >= self.profile.flute_mm {
            return;
        }
        let mut borders = Borders::default();
        if levels.iter().all(|level| (level - first).abs() < THIN_MM as f32) {
            borders.push(first);
        } else {
            levels.sort_unstable_by(f32::total_cmp);
            borders.choose(levels);
        }
        let depth_mm = borders.last_mm() - base_mm;
        let slice_max_mm = (0.2 * self.profile.radius_mm).max(depth_mm / 8.0).min(depth_mm / WALL_SLICES_MIN);
        // One ring for each phase that is used, whatever the number of slices.
        let mut rings: [Option<[f32; HALF]>; PHASES] = [None; PHASES];
        rings[MIDDLE_PHASE] = Some(heights);
        let mut low_mm = base_mm;
        let mut count = 0;
        for border_mm in borders.iter() {
            let parts = ((border_mm - low_mm) / slice_max_mm - 1e-6).ceil().max(1.0);
            let middle_mm = 0.5 * (low_mm + border_mm);
            let part_mm = (border_mm - low_mm) / parts;
            for part in 0..parts as usize {
                let phase = PHASE_ORDER[count % PHASES];
                count += 1;
                let ring = rings[phase].get_or_insert_with(|| self.ahead_of_wall(&sectors, phase, low));
                let mask = u128::from(bits(ring, middle_mm as f32));
                let from_mm = low_mm + part as f64 * part_mm;
                if mask != 0 {
                    found.engagement.slices.push(EngagementSlice { low_mm: from_mm, high_mm: from_mm + part_mm, mask });
                }
            }
            low_mm = border_mm;
        }
    }
}

/// Upper borders of wall slices, rising.
#[derive(Default)]
struct Borders {
    levels: [f32; WALL_LEVELS_MAX],
    count: usize,
}

impl Borders {
    fn push(&mut self, level: f32) {
        if self.count < WALL_LEVELS_MAX {
            self.levels[self.count] = level;
            self.count += 1;
        }
    }

    /// From sorted heights: every one where there are few, else every so-manieth, so that each slice's
    /// border has about as many bins above as below it.
    fn choose(&mut self, sorted: &[f32]) {
        let apart = |a: f32, b: f32| b - a >= THIN_MM as f32;
        let distinct = 1 + sorted.windows(2).filter(|pair| apart(pair[0], pair[1])).count();
        if distinct <= WALL_LEVELS_MAX {
            for pair in sorted.windows(2).filter(|pair| apart(pair[0], pair[1])) {
                self.push(pair[0]);
            }
            self.push(sorted[sorted.len() - 1]);
            return;
        }
        let mut last = f32::NEG_INFINITY;
        for place in 1..=WALL_LEVELS_MAX {
            let level = sorted[(sorted.len() * place).div_ceil(WALL_LEVELS_MAX) - 1];
            if apart(last, level) {
                self.push(level);
                last = level;
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = f64> {
        self.levels[..self.count].iter().map(|&level| f64::from(level))
    }

    fn last_mm(&self) -> f64 {
        self.levels[..self.count].last().map_or(0.0, |&level| f64::from(level))
    }
}
