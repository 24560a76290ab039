//! Heights of the material around half a ring of the cutter, looked up in the map.

use super::sample::{HALF, View};
use crate::stock::{COLUMNS, Job, LANES, Lanes, ROWS, Tile, Wide};

/// Where to look, mm: ahead of the axis and beside it, and where ahead the surface itself is.
struct Place<L> {
    ahead: L,
    beside: L,
    ring: L,
}

/// Which half of a ring is looked at, and how far from it.
#[derive(Clone, Copy)]
pub(super) enum Half {
    /// The forward one, just ahead of the surface.
    Ahead,
    /// On the surface, from this part of the table on.
    On { first: usize },
}

/// Looks at half a ring of one height.
pub(super) struct Ring<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) radius: f32,
    pub(super) half: Half,
    pub(super) phase: usize,
    pub(super) stride: usize,
}

impl Job for Ring<'_> {
    type Output = [f32; HALF];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [f32; HALF] {
        let (view, radius) = (self.view, L::splat(self.radius));
        let (sine, cosine) = (&view.sampler.sine[self.phase], &view.sampler.cosine[self.phase]);
        match self.half {
            Half::On { first } => view.heights(self.stride, 0.0, |part| {
                let ring = radius * L::new(sine[first + part]);
                Place { ahead: ring, beside: radius * L::new(cosine[first + part]), ring }
            }),
            Half::Ahead => {
                let zero = L::splat(0.0);
                let (half, half_ahead) = (L::splat(view.half_beside), L::splat(view.half_ahead));
                let beside_max = (radius - half).greatest(zero);
                let straight_on = L::splat(view.straight_on);
                view.heights(self.stride, view.climb, |part| {
                    let beside = (radius * L::new(cosine[part])).greatest(zero - beside_max).least(beside_max);
                    let inner = (beside.abs() - half).greatest(zero);
                    let clear = (radius * radius - inner * inner).greatest(zero).sqrt() + half_ahead;
                    let ring = radius * L::new(sine[part]);
                    let way = (clear - ring).least(straight_on);
                    Place { ahead: ring + way, beside, ring }
                })
            }
        }
    }
}

impl View<'_> {
    /// Height of the material above the tip in the cells at places relative to the axis, mm; −∞ where there is
    /// none and between strides. `climb` is what the tip climbs for each mm until the surface is at the centre of
    /// such a cell. The places are arithmetic on lanes, the look-ups are not.
    #[inline(always)]
    fn heights<L: Lanes>(&self, stride: usize, climb: f32, place: impl Fn(usize) -> Place<L>) -> [f32; HALF] {
        let grid = &self.map.grid;
        // Exact in single precision: a map has at most 2²⁰ cells along an axis.
        let (zero, x_end, y_end) = (L::splat(0.0), L::splat(grid.columns as f32), L::splat(grid.rows as f32));
        let mut heights = [f32::NEG_INFINITY; HALF];
        let Some(first) = self.map.tiles.first() else { return heights };
        let mut last: (usize, &Tile) = (0, first);
        for (part, heights) in heights.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let Place { ahead, beside, ring } = place(part);
            let along = |axis: f32, index: usize| {
                L::splat(axis) + ahead * L::splat(self.ahead[index]) + beside * L::splat(self.beside[index])
            };
            let (x, y) = (along(self.axis_x, 0), along(self.axis_y, 1));
            let inside = L::bits(zero.le(x) & zero.le(y) & x.lt(x_end) & y.lt(y_end));
            let (columns, rows) = (x.trunc(), y.trunc());
            let mut found = [f32::NEG_INFINITY; LANES];
            for lane in (stride / 2..LANES).step_by(stride).filter(|lane| inside >> lane & 1 == 1) {
                let (column, row) = (columns[lane] as usize, rows[lane] as usize);
                let index = (row / ROWS) * grid.tile_columns + column / COLUMNS;
                if index != last.0 {
                    last = (index, &self.map.tiles[index]);
                }
                let height = last.1.rows[row % ROWS][column % COLUMNS];
                if height > grid.floor {
                    found[lane] = height;
                }
            }
            let centre =
                |cells: [i32; LANES], axis: f32| L::new(cells.map(|cell| cell as f32)) + L::splat(0.5) - L::splat(axis);
            let (x, y) = (centre(columns, self.axis_x), centre(rows, self.axis_y));
            let way = x * L::splat(self.ahead_mm[0]) + y * L::splat(self.ahead_mm[1]) - ring;
            *heights = (L::new(found) - (L::splat(self.tip_z) + way * L::splat(climb))).to_array();
        }
        heights
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

/// Copies the bit in the middle of every group of `stride` bins to the whole group.
pub(super) fn spread(mask: u128, stride: usize) -> u128 {
    match stride {
        // The sample stands at bit 1 of two, or bit 2 of four.
        2 => mask | mask >> 1,
        4 => {
            let pair = mask | mask << 1;
            pair | pair >> 2
        }
        _ => mask,
    }
}
