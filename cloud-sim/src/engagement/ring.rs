//! Heights of the material around half a ring of the cutter, looked up in the map.
//!
//! A pose looks at some hundred rings' worth of eight cells, so what each eight cost is what a pose costs: their places
//! and the tiles that hold them are arithmetic on lanes, and the eight look-ups that remain have no branch.
//! Bins that do not move into material are not looked at, and where neighbours would read the same cell
//! only one of them is: tables of every second and fourth bin keep the lanes full.

use shared::cutting::ANGLE_BINS;
use shared::det::math;

use super::sample::{HALF, PHASES, View};
use crate::stock::{Job, LANES, Lanes, Wide};

/// Where to look, mm: ahead of the axis and beside it, and where ahead the surface itself is.
struct Place<L> {
    ahead: L,
    beside: L,
    ring: L,
}

/// Sines and cosines of eight bins.
type Part = [[f32; LANES]; 2];

/// Sines and cosines of the angles at which bins are looked at.
#[derive(Clone, Debug)]
pub(super) struct Angles {
    /// Every bin, every second, every fourth: parts of the turn, phase after phase.
    strides: [Vec<Part>; 3],
}

impl Angles {
    pub(super) fn new() -> Self {
        Self { strides: [1, 2, 4].map(|stride| (0..PHASES).flat_map(|phase| Self::turn(phase, stride)).collect()) }
    }

    /// One turn: of every `stride` bins the one behind their middle, at a place within it.
    fn turn(phase: usize, stride: usize) -> Vec<Part> {
        let place = (phase as f64 + 0.5) / PHASES as f64;
        let angle = |bin: usize| (bin as f64 + place) * std::f64::consts::TAU / ANGLE_BINS as f64;
        let bins: Vec<usize> = (stride / 2..ANGLE_BINS).step_by(stride).collect();
        let table = |bins: &[usize; LANES], function: fn(f64) -> f64| bins.map(|bin| function(angle(bin)) as f32);
        let parts = bins.as_chunks::<LANES>().0.iter();
        parts.map(|bins| [table(bins, math::sin), table(bins, math::cos)]).collect()
    }

    /// The parts of half a turn.
    fn half(&self, phase: usize, stride: usize, first_bin: usize) -> &[Part] {
        let parts = &self.strides[stride.trailing_zeros() as usize];
        let turn = ANGLE_BINS / LANES / stride;
        &parts[phase * turn + first_bin / LANES / stride..][..turn / 2]
    }
}

/// Which half of a ring is looked at, and how far from it.
#[derive(Clone, Copy)]
pub(super) enum Half {
    /// The forward one, just ahead of the surface.
    Ahead,
    /// On the surface, from this bin on.
    On { first: usize },
}

/// Looks at half a ring of one height.
pub(super) struct Ring<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) radius: f32,
    pub(super) half: Half,
    pub(super) phase: usize,
    /// Bins that one sample stands for: 1, 2 or 4.
    pub(super) stride: usize,
}

/// Heights above the tip at the bins of a ring of stride 1, −∞ where there is no material; each eight of which any is in
/// `bins` are looked up.
pub(super) struct RingHeights<'a> {
    pub(super) ring: Ring<'a>,
    pub(super) bins: u64,
}

impl Job for RingHeights<'_> {
    type Output = [f32; HALF];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [f32; HALF] {
        let mut heights = [f32::NEG_INFINITY; HALF];
        let (parts, _) = heights.as_chunks_mut::<LANES>();
        self.ring.look::<L>(self.bins, |part, found| parts[part] = found.to_array());
        heights
    }
}

/// One bit for each bin of a ring in material above z, looked for where `bins` has one.
pub(super) struct RingBits<'a> {
    pub(super) ring: Ring<'a>,
    pub(super) bins: u64,
    pub(super) z: f32,
}

impl Job for RingBits<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> u64 {
        let z = L::splat(self.z);
        let mut mask = 0;
        self.ring.look::<L>(self.bins, |part, found| mask |= u64::from(L::bits(z.lt(found))) << (LANES * part));
        spread(mask, self.ring.stride) & self.bins
    }
}

impl Ring<'_> {
    /// Gives the heights of each eight bins of which any is in `bins`.
    #[inline(always)]
    fn look<L: Lanes>(&self, bins: u64, mut found: impl FnMut(usize, L)) {
        let (view, radius, stride) = (self.view, L::splat(self.radius), self.stride);
        let span = LANES * stride;
        let wanted = |part: usize| bins >> (span * part) & ((1 << span) - 1) != 0;
        match self.half {
            Half::On { first } => {
                let parts = view.sampler.angles.half(self.phase, stride, first);
                for (part, [sine, cosine]) in parts.iter().enumerate().filter(|(part, _)| wanted(*part)) {
                    let ring = radius * L::new(*sine);
                    let place = Place { ahead: ring, beside: radius * L::new(*cosine), ring };
                    found(part, view.heights::<L, false>(&place));
                }
            }
            Half::Ahead => {
                let parts = view.sampler.angles.half(self.phase, stride, 0);
                for (part, angles) in parts.iter().enumerate().filter(|(part, _)| wanted(*part)) {
                    let place = self.ahead(angles, radius);
                    // What is level gains nothing on the way.
                    let heights = if view.climb == 0.0 {
                        view.heights::<L, false>(&place)
                    } else {
                        view.heights::<L, true>(&place)
                    };
                    found(part, heights);
                }
            }
        }
    }

    /// Just ahead of the surface, and half a cell inside the radius.
    #[inline(always)]
    fn ahead<L: Lanes>(&self, [sine, cosine]: &Part, radius: L) -> Place<L> {
        let view = self.view;
        let zero = L::splat(0.0);
        let (half, half_ahead) = (L::splat(view.half_beside), L::splat(view.half_ahead));
        let beside_max = (radius - half).greatest(zero);
        let beside = (radius * L::new(*cosine)).greatest(zero - beside_max).least(beside_max);
        let inner = (beside.abs() - half).greatest(zero);
        let clear = (radius * radius - inner * inner).greatest(zero).sqrt() + half_ahead;
        let ring = radius * L::new(*sine);
        let way = (clear - ring).least(L::splat(view.straight_on));
        Place { ahead: ring + way, beside, ring }
    }
}

impl View<'_> {
    /// Height of the material above the tip in the cells at places relative to the axis, mm; −∞ where there is
    /// none. On a climb, less what the tip climbs until the surface is at the centre of such a cell.
    #[inline(always)]
    fn heights<L: Lanes, const CLIMBS: bool>(&self, &Place { ahead, beside, ring }: &Place<L>) -> L {
        let grid = &self.map.grid;
        let [columns, rows] = self.size;
        let zero = L::splat(0.0);
        let along = |axis: f32, index: usize| {
            L::splat(axis) + ahead * L::splat(self.ahead[index]) + beside * L::splat(self.beside[index])
        };
        let (x, y) = (along(self.axis_x, 0), along(self.axis_y, 1));
        let inside = zero.le(x) & zero.le(y) & x.lt(L::splat(columns)) & y.lt(L::splat(rows));
        // Outside, some cell that exists is read and left out.
        let within = |place: L, end: f32| place.greatest(zero).least(L::splat(end - 1.0));
        let cells = L::cells(within(x, columns), within(y, rows), grid.tile_columns as i32);
        let found = L::new(cells.heights(&self.map.tiles));
        let found = L::select(inside & L::splat(grid.floor).lt(found), found, L::splat(f32::NEG_INFINITY));
        if !CLIMBS {
            return found - L::splat(self.tip_z);
        }
        let centre = |cell: L, axis: f32| cell + L::splat(0.5) - L::splat(axis);
        let (x, y) = (centre(cells.column, self.axis_x), centre(cells.row, self.axis_y));
        let way = x * L::splat(self.ahead_mm[0]) + y * L::splat(self.ahead_mm[1]) - ring;
        found - (L::splat(self.tip_z) + way * L::splat(self.climb))
    }
}

/// One bit for each height above z.
pub(super) fn bits(heights: &[f32; HALF], z: f32) -> u64 {
    let parts = heights.as_chunks::<LANES>().0.iter().enumerate();
    parts.fold(0, |mask, (part, heights)| {
        let above = Wide::bits(Wide::splat(z).lt(Wide::new(*heights)));
        mask | u64::from(above) << (LANES * part)
    })
}

/// Gives each bit to a whole group of `stride` bins.
fn spread(mask: u64, stride: usize) -> u64 {
    // Apart first, in halves of halves.
    let apart = |mask: u64, step: u32, keep: u64| (mask | mask << step) & keep;
    match stride {
        2 => {
            let mask = apart(mask, 16, 0x0000_ffff_0000_ffff);
            let mask = apart(mask, 8, 0x00ff_00ff_00ff_00ff);
            let mask = apart(mask, 4, 0x0f0f_0f0f_0f0f_0f0f);
            let mask = apart(mask, 2, 0x3333_3333_3333_3333);
            let mask = apart(mask, 1, 0x5555_5555_5555_5555);
            mask | mask << 1
        }
        4 => spread(spread(mask, 2), 2),
        _ => mask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_given_to_its_group() {
        for stride in [1, 2, 4] {
            for bit in 0..HALF / stride {
                let group = (u64::MAX >> (64 - stride)) << (bit * stride);
                assert_eq!(spread(1 << bit, stride), group, "bit {bit} of groups of {stride}");
            }
        }
    }
}
