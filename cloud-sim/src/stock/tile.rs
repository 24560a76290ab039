/// Rows of a tile.
pub(crate) const ROWS: usize = 16;
/// Columns of a tile.
pub(crate) const COLUMNS: usize = 64;
/// Cells that an inner loop handles at once: one cache line.
pub(crate) const BLOCK: usize = 16;
const _: () = assert!(COLUMNS.is_multiple_of(BLOCK));

/// Heights of 16 × 64 cells, mm in the work frame, row by row.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Tile {
    pub(crate) rows: [[f32; COLUMNS]; ROWS],
}

/// Bounds on the heights of a tile.
///
/// They may be wider than the truth: a cut lowers `min` at once but leaves `max` alone until enough cells
/// have changed that looking at all of them again is worth it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TileBounds {
    /// No cell is higher.
    pub(crate) max: f32,
    /// No cell is lower.
    pub(crate) min: f32,
    /// Cells lowered since the bounds were exact.
    pub(crate) stale: u32,
}

/// Lowered cells after which the bounds of a tile are taken again. Taking them costs about as much as
/// cutting a dozen blocks of cells.
const STALE_MAX: u32 = 256;

impl Tile {
    pub(crate) fn filled(height: f32) -> Self {
        Self { rows: [[height; COLUMNS]; ROWS] }
    }

    /// The exact bounds.
    pub(crate) fn bounds(&self) -> TileBounds {
        let mut max = wide::f32x8::splat(f32::NEG_INFINITY);
        let mut min = wide::f32x8::splat(f32::INFINITY);
        for row in &self.rows {
            for cells in row.as_chunks::<8>().0 {
                let cells = wide::f32x8::new(*cells);
                max = max.fast_max(cells);
                min = min.fast_min(cells);
            }
        }
        let (max, min) = (max.to_array(), min.to_array());
        TileBounds {
            max: max.into_iter().fold(f32::NEG_INFINITY, f32::max),
            min: min.into_iter().fold(f32::INFINITY, f32::min),
            stale: 0,
        }
    }

    /// Σ (height − floor) over all cells, mm, in a fixed order.
    pub(crate) fn sum_above(&self, floor: f32) -> f64 {
        let mut lanes = [0.0f64; BLOCK];
        for row in &self.rows {
            for block in row.as_chunks::<BLOCK>().0 {
                for lane in 0..BLOCK {
                    lanes[lane] += f64::from(block[lane]) - f64::from(floor);
                }
            }
        }
        lanes.iter().sum()
    }
}

impl TileBounds {
    /// Takes note of a visit that lowered `cells` cells, none below `low`, and looks at the tile again
    /// where that pays: after many changes, or after a visit that found the upper bound too wide.
    pub(crate) fn visited(&mut self, tile: &Tile, cells: u32, low: f32) {
        if cells > 0 && low < self.min {
            self.min = low;
        }
        self.stale = self.stale.saturating_add(cells);
        if self.stale >= STALE_MAX || (self.stale > 0 && cells == 0) {
            *self = tile.bounds();
        }
    }
}
