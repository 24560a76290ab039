//! The inner loops: lower the cells of one row of tiles under one straight piece of path.
//!
//! Work is skipped from coarse to fine: tiles by their greatest height, blocks of 16 cells by the row's span under
//! that part of the cutter which is lower than the tile's greatest height: where a ball or a cone has been before, little of
//! it is. What is left is a loop over one cache line with no branch inside.

use std::sync::Arc;

use super::piece::{Moving, Plane, Prepared, Standing, Surface};
use super::underside::Underside;
use crate::executor::Executor;
use crate::stock::{BLOCK, COLUMNS, Grid, Job, LANES, Lanes, ROWS, Scalar, Tile, TileBounds, Wide};

/// What a cut took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Σ of the drops of all lowered cells, mm; times the cell's area it is the removed volume.
    pub(super) drop_mm: f64,
    /// Lowered cells.
    pub(super) cells: u32,
    /// The greatest drop, mm, and the cell (column, row) where it was; found only where it is asked for.
    pub(super) deepest: Option<(f32, usize, usize)>,
}

impl Tally {
    /// Adds another one after this one: the order of additions is part of the result.
    pub(super) fn add(&mut self, other: &Self) {
        self.drop_mm += other.drop_mm;
        self.cells = self.cells.saturating_add(other.cells);
        if let Some(deep) = other.deepest
            && self.deepest.is_none_or(|own| deep.0 > own.0)
        {
            self.deepest = other.deepest;
        }
    }
}

/// A stretch of one row of tiles under a piece.
pub(super) struct Band<'a> {
    pub(super) grid: &'a Grid,
    pub(super) prepared: &'a Prepared,
    pub(super) tile_row: usize,
    pub(super) first_column: usize,
    pub(super) executor: &'a dyn Executor,
}

/// The span of each row of a tile under the cutter: x from the origin, empty where from > to.
#[derive(Clone, Copy)]
struct Spans {
    from: [f32; ROWS],
    to: [f32; ROWS],
}

/// Share of the radius below which it pays to take the spans of a tile from how much of the cutter is low enough for it.
const REACH_SHARE: f32 = 0.97;

/// What is added to how high a tile stands above the tip, as a share of the numbers involved, and to the radius that reaches
/// it, as a share and in mm: more than single precision loses, so that nothing is skipped that would have been cut.
const HEIGHT_SLACK: f32 = 1e-5;
const REACH_SLACK: f32 = 1e-4;
const REACH_SLACK_MM: f32 = 1e-3;

impl Band<'_> {
    pub(super) fn cut<U: Underside, const LEVEL: bool>(
        &self,
        underside: U,
        tiles: &mut [Arc<Tile>],
        bounds: &mut [TileBounds],
    ) -> Tally {
        let prepared = self.prepared;
        let radius = prepared.radius as f32;
        let mut total = Tally::default();
        let (mut y, mut whole) = (None, None);
        for (index, (tile, bounds)) in tiles.iter_mut().zip(bounds).enumerate() {
            let tile_column = self.first_column + index;
            let x_first = self.grid.centre_x(tile_column * COLUMNS) - prepared.origin_x;
            let nearest = underside.height(Scalar::splat(self.nearest2(x_first) as f32)).to_array()[0];
            let low = (prepared.low() + nearest).max(prepared.floor);
            if low >= bounds.max {
                continue;
            }
            if self.executor.stops_before(COLUMNS * ROWS) {
                break;
            }
            let slack = HEIGHT_SLACK * (bounds.max.abs() + prepared.low().abs() + radius);
            let reach = underside.reach(bounds.max - prepared.low() + slack) * (1.0 + REACH_SLACK) + REACH_SLACK_MM;
            let under = Under {
                x_first,
                y: y.get_or_insert_with(|| self.rows()),
                // The borders of the whole cutter are part of what is cut, so they are those of double precision.
                spans: if reach < REACH_SHARE * radius {
                    Err(reach)
                } else {
                    Ok(*whole.get_or_insert_with(|| self.spans()))
                },
            };
            let mut tally = match Arc::get_mut(tile) {
                Some(cells) => self.cut_tile::<U, LEVEL>(underside, cells, &under),
                None => {
                    // Shared with a fork. Cut a copy and keep it only if that changed it: most visits do not.
                    let mut copy = Tile::clone(tile);
                    let tally = self.cut_tile::<U, LEVEL>(underside, &mut copy, &under);
                    if tally.cells > 0 {
                        *tile = Arc::new(copy);
                    }
                    tally
                }
            };
            if let Some((_, column, row)) = &mut tally.deepest {
                *column += tile_column * COLUMNS;
                *row += self.tile_row * ROWS;
            }
            bounds.visited(tile, tally.cells, low);
            total.add(&tally);
        }
        total
    }

    /// The square of a lower bound on the distance of a tile's cells from the axis of the cutter: the gap
    /// between the tile and the box around the piece.
    fn nearest2(&self, x_first: f64) -> f64 {
        let prepared = self.prepared;
        let x_last = x_first + (COLUMNS - 1) as f64 * self.grid.cell_x;
        let y_first = self.grid.centre_y(self.tile_row * ROWS) - prepared.origin_y;
        let y_last = y_first + (ROWS - 1) as f64 * self.grid.cell_y;
        let gap = |first: f64, last: f64, end: f64| (first - end.max(0.0)).max(end.min(0.0) - last).max(0.0);
        let (gap_x, gap_y) = (gap(x_first, x_last, prepared.x_end), gap(y_first, y_last, prepared.y_end));
        // A grain less than exact: single precision must not turn "just touches" into "out of reach".
        (gap_x * gap_x + gap_y * gap_y) * 0.999_999
    }

    /// y of the rows from the origin.
    fn rows(&self) -> [f32; ROWS] {
        std::array::from_fn(|row| (self.grid.centre_y(self.tile_row * ROWS + row) - self.prepared.origin_y) as f32)
    }

    fn spans(&self) -> Spans {
        let prepared = self.prepared;
        let mut spans = Spans { from: [f32::INFINITY; ROWS], to: [f32::NEG_INFINITY; ROWS] };
        for row in 0..ROWS {
            let y = self.grid.centre_y(self.tile_row * ROWS + row) - prepared.origin_y;
            if let Some((from, to)) = prepared.span(y) {
                spans.from[row] = from as f32;
                spans.to[row] = to as f32;
            }
        }
        spans
    }

    fn cut_tile<U: Underside, const LEVEL: bool>(&self, underside: U, tile: &mut Tile, under: &Under<'_>) -> Tally {
        let prepared = self.prepared;
        prepared.simd.run(CutTile::<U, LEVEL> { prepared, underside, tile, cell: self.grid.cell_x, under })
    }
}

/// Where a tile lies under the cutter.
struct Under<'a> {
    /// x of its first column from the origin, and y of its rows.
    x_first: f64,
    y: &'a [f32; ROWS],
    /// The spans of its rows, or the radius of the part of the cutter that counts, for spans a little wider than exact.
    spans: Result<Spans, f32>,
}

/// Cuts the rows of one tile. Cells of the tally's deepest drop are counted from the tile's corner.
struct CutTile<'a, U, const LEVEL: bool> {
    prepared: &'a Prepared,
    underside: U,
    tile: &'a mut Tile,
    cell: f64,
    under: &'a Under<'a>,
}

/// Spans of all rows of a tile under a part of the cutter.
#[inline(always)]
fn spans_within<L: Lanes>(prepared: &Prepared, y: &[f32; ROWS], reach: f32) -> Spans {
    let mut spans = Spans { from: [f32::INFINITY; ROWS], to: [f32::NEG_INFINITY; ROWS] };
    let (from, to) = (spans.from.as_chunks_mut::<LANES>().0, spans.to.as_chunks_mut::<LANES>().0);
    for ((y, from), to) in y.as_chunks::<LANES>().0.iter().zip(from).zip(to) {
        let (first, last) = prepared.span_within::<L>(L::new(*y), reach);
        (*from, *to) = (first.to_array(), last.to_array());
    }
    spans
}

impl<U: Underside, const LEVEL: bool> Job for CutTile<'_, U, LEVEL> {
    type Output = Tally;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Tally {
        let Self { prepared, underside, tile, cell, under } = self;
        let x_first = under.x_first;
        let spans = match under.spans {
            Ok(spans) => spans,
            Err(reach) => spans_within::<L>(prepared, under.y, reach),
        };
        let mut lowering =
            Lowering { lanes: [0.0; LANES], cells: 0, deepest: None, track: prepared.track, floor: prepared.floor };
        let starts: [f32; COLUMNS / BLOCK] =
            std::array::from_fn(|block| (x_first + (block * BLOCK) as f64 * cell) as f32);
        let block_width = prepared.block_width;
        for (row, cells) in tile.rows.iter_mut().enumerate() {
            let (from, to, y) = (spans.from[row], spans.to[row], under.y[row]);
            for (index, block) in cells.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
                let x = starts[index];
                if x > to || x + block_width < from {
                    continue;
                }
                let s_first = x * prepared.ux + y * prepared.uy;
                let s_last = s_first + block_width * prepared.ux;
                let (s_low, s_high) = (s_first.min(s_last), s_first.max(s_last));
                if s_high < prepared.s_from {
                    continue;
                }
                // Each arm has its own loop: heights stay in registers.
                let place = (index * BLOCK, row);
                if U::LEVEL_IS_FLAT && LEVEL {
                    lowering.lower::<L>(block, place, &Plane { prepared, x, span: (from, to) });
                } else if s_high < prepared.s_start {
                    let z = prepared.z_start;
                    lowering.lower::<L>(block, place, &Standing { prepared, underside, x, y, z });
                } else if s_low > prepared.s_end {
                    let (x, y, z) = (x - prepared.x_end as f32, y - prepared.y_end as f32, prepared.z_end);
                    lowering.lower::<L>(block, place, &Standing { prepared, underside, x, y, z });
                } else {
                    lowering.lower::<L>(block, place, &Moving::<U, LEVEL> { prepared, underside, x, y });
                }
            }
        }
        lowering.tally()
    }
}

/// Lowers blocks and counts what that took, in double precision and in a fixed order.
struct Lowering {
    lanes: [f64; LANES],
    cells: u32,
    deepest: Option<(f32, usize, usize)>,
    /// Whether anyone asks for the deepest drop.
    track: bool,
    floor: f32,
}

impl Lowering {
    #[inline(always)]
    fn lower<L: Lanes>(&mut self, block: &mut [f32; BLOCK], place: (usize, usize), surface: &impl Surface<L>) {
        for (part, cells) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let heights = surface.part(part);
            if L::any(heights.lt(L::new(*cells))) {
                self.take(cells, heights.to_array(), (place.0 + part * LANES, place.1));
            }
        }
    }

    /// Apart from the loop over blocks: most cells that are looked at are not lowered.
    #[inline(never)]
    fn take(&mut self, cells: &mut [f32; LANES], heights: [f32; LANES], (column, row): (usize, usize)) {
        let old = *cells;
        let (before, wanted) = (Wide::new(old), Wide::new(heights).greatest(Wide::splat(self.floor)));
        let lower = wanted.lt(before);
        *cells = wanted.least(before).to_array();
        self.cells += Wide::bits(lower).count_ones();
        for (lane, (old, new)) in self.lanes.iter_mut().zip(old.iter().zip(&*cells)) {
            *lane += f64::from(*old) - f64::from(*new);
        }
        if self.track {
            for (lane, (old, new)) in old.iter().zip(&*cells).enumerate() {
                let drop = old - new;
                if drop > self.deepest.map_or(0.0, |(deepest, ..)| deepest) {
                    self.deepest = Some((drop, column + lane, row));
                }
            }
        }
    }

    fn tally(&self) -> Tally {
        Tally { drop_mm: self.lanes.iter().sum(), cells: self.cells, deepest: self.deepest }
    }
}
