//! The inner loops: lower the cells under one straight piece of path, tile by tile.
//!
//! Work is skipped from coarse to fine: rows of tiles by the piece's box, tiles by their greatest height,
//! blocks of 16 cells by the row's span under the cutter. What is left is a loop over one cache line with no
//! branch inside. The value of a cell depends on the cell and the piece alone, never on what was skipped
//! or who did the work.

use std::sync::{Arc, Mutex};

use super::cutter::{Cutter, Form};
use super::underside::{Flat, LANES, Lanes, Line, Underside, splat};
use crate::executor::Executor;
use crate::stock::{BLOCK, COLUMNS, Grid, HeightMap, ROWS, Tile, TileBounds};
use shared::geom::Point;

/// A straight piece of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) start: Point,
    pub(super) end: Point,
    /// True where the same straight line was cut up to `start` just before: what lies behind is already
    /// at or below what this piece could make of it.
    pub(super) continued: bool,
    /// True where the deepest drop is wanted.
    pub(super) track: bool,
}

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

/// Below this horizontal length, mm, a piece is a plunge.
const PLUNGE_MM: f64 = 1e-6;

/// Tiles under a piece from which handing rows of tiles to several threads is worth their waking: about
/// 50 µs of work against 5 to 10 µs.
const PARALLEL_TILES_MIN: usize = 96;

/// A piece, prepared for the loops: local frame at its start, single precision.
struct Prepared {
    origin_x: f64,
    origin_y: f64,
    /// Horizontal direction.
    ux: f32,
    uy: f32,
    line: Line,
    /// Tip at the start and at the end.
    z_start: f32,
    z_end: f32,
    /// Cells with s below are under the pose at the start only, above `s_end` under the one at the end.
    s_start: f32,
    s_end: f32,
    /// Cells with s below need not be looked at.
    s_from: f32,
    /// Half the width of the stadium and the ends of its axis, for row spans.
    radius: f64,
    x_end: f64,
    y_end: f64,
    /// From the first to the last cell of a block.
    block_width: f32,
    /// x of the cells of a block from the block's first cell.
    offsets: [Lanes; PARTS],
    floor: f32,
    track: bool,
}

impl Prepared {
    fn new(grid: &Grid, piece: &Piece, radius: f64, lead: impl Fn(f32) -> f32) -> Self {
        let along = piece.end - piece.start;
        let length = (along.x * along.x + along.y * along.y).sqrt();
        let plunge = length < PLUNGE_MM;
        // A plunge is its lower end, standing still.
        let (low, high) = if piece.start.z < piece.end.z { (piece.start, piece.end) } else { (piece.end, piece.start) };
        let (start, end) = if plunge { (low, Point::new(low.x, low.y, high.z)) } else { (piece.start, piece.end) };
        let (ux, uy, length, rise) =
            if plunge { (1.0, 0.0, 0.0, 0.0) } else { (along.x / length, along.y / length, length, along.z / length) };
        let lead = if rise == 0.0 { 0.0 } else { lead(rise as f32) };
        // Rising, the minimiser trails s; falling, it leads.
        let (s_start, s_end) = if rise > 0.0 { (0.0, length as f32 + lead) } else { (-lead, length as f32) };
        let margin = if rise < 0.0 { lead } else { 0.0 };
        let cell = grid.cell_x.max(grid.cell_y) as f32;
        Self {
            origin_x: start.x,
            origin_y: start.y,
            ux: ux as f32,
            uy: uy as f32,
            line: Line { length: length as f32, rise: rise as f32 },
            z_start: start.z as f32,
            z_end: if plunge { low.z as f32 } else { end.z as f32 },
            s_start,
            s_end,
            s_from: if piece.continued && !plunge { -margin - cell } else { f32::NEG_INFINITY },
            radius,
            x_end: end.x - start.x,
            y_end: end.y - start.y,
            offsets: std::array::from_fn(|part| {
                Lanes::new(std::array::from_fn(|lane| ((part * LANES + lane) as f64 * grid.cell_x) as f32))
            }),
            block_width: ((BLOCK - 1) as f64 * grid.cell_x) as f32,
            floor: grid.floor,
            track: piece.track,
        }
    }

    fn is_level(&self) -> bool {
        self.line.rise == 0.0
    }

    fn low(&self) -> f32 {
        if self.z_start < self.z_end { self.z_start } else { self.z_end }
    }

    /// x from the origin between which a row at y from the origin lies under the cutter: the hull of two
    /// discs, which is convex, so that its span is that of its discs and its two straight sides.
    fn span(&self, y: f64) -> Option<(f64, f64)> {
        let radius = self.radius;
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        for (cx, cy) in [(0.0, 0.0), (self.x_end, self.y_end)] {
            let half2 = radius * radius - (y - cy) * (y - cy);
            if half2 >= 0.0 {
                let half = half2.sqrt();
                from = from.min(cx - half);
                to = to.max(cx + half);
            }
        }
        if self.y_end != 0.0 {
            let (ux, uy) = (f64::from(self.ux), f64::from(self.uy));
            for side in [-radius, radius] {
                let (x0, y0) = (-uy * side, ux * side);
                let t = (y - y0) / self.y_end;
                if (0.0..=1.0).contains(&t) {
                    from = from.min(x0 + t * self.x_end);
                    to = to.max(x0 + t * self.x_end);
                }
            }
        }
        (from <= to).then_some((from, to))
    }
}

/// Cuts one piece and says what it took.
pub(super) fn cut_piece(map: &mut HeightMap, cutter: &Cutter, piece: &Piece, executor: &dyn Executor) -> Tally {
    let radius = cutter.profile().radius_mm;
    match cutter.underside {
        Form::Flat => cut_with(map, Flat { radius: radius as f32 }, radius, piece, executor),
        Form::Ball(ball) => cut_with(map, ball, radius, piece, executor),
        Form::BullNose(bull) => cut_with(map, bull, radius, piece, executor),
        Form::Cone(cone) => cut_with(map, cone, radius, piece, executor),
    }
}

fn cut_with<U: Underside + 'static>(
    map: &mut HeightMap,
    underside: U,
    radius: f64,
    piece: &Piece,
    executor: &dyn Executor,
) -> Tally {
    let grid = map.grid;
    let prepared = Prepared::new(&grid, piece, radius, |rise| underside.lead(rise));
    if prepared.low() >= map.top {
        return Tally::default();
    }
    let (x_low, x_high) = (prepared.x_end.min(0.0) - radius, prepared.x_end.max(0.0) + radius);
    let (y_low, y_high) = (prepared.y_end.min(0.0) - radius, prepared.y_end.max(0.0) + radius);
    let (Some(columns), Some(rows)) = (
        grid.tile_range_x(prepared.origin_x + x_low, prepared.origin_x + x_high),
        grid.tile_range_y(prepared.origin_y + y_low, prepared.origin_y + y_high),
    ) else {
        return Tally::default();
    };
    let cut = |tile_row: usize, tiles: &mut [Arc<Tile>], bounds: &mut [TileBounds]| {
        let band = Band { grid: &grid, prepared: &prepared, tile_row, first_column: columns.start };
        if prepared.is_level() {
            band.cut::<U, true>(underside, tiles, bounds)
        } else {
            band.cut::<U, false>(underside, tiles, bounds)
        }
    };
    let width = grid.tile_columns;
    let slice = rows.start * width..rows.end * width;
    let bands = map.tiles[slice.clone()].chunks_mut(width).zip(map.bounds[slice].chunks_mut(width));
    let bands = bands
        .zip(rows.clone())
        .map(|((tiles, bounds), tile_row)| (tile_row, &mut tiles[columns.clone()], &mut bounds[columns.clone()]));
    let mut total = Tally::default();
    if executor.width() < 2 || columns.len() * rows.len() < PARALLEL_TILES_MIN {
        bands.for_each(|(tile_row, tiles, bounds)| total.add(&cut(tile_row, tiles, bounds)));
        return total;
    }
    // One job a row of tiles; each lock is taken once, by the one job it belongs to.
    let jobs: Vec<_> = bands.map(|band| Mutex::new((band, Tally::default()))).collect();
    executor.run(jobs.len(), &|index| {
        let mut job = jobs[index].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ((tile_row, tiles, bounds), tally) = &mut *job;
        *tally = cut(*tile_row, tiles, bounds);
    });
    for job in jobs {
        total.add(&job.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).1);
    }
    total
}

/// A stretch of one row of tiles under a piece.
struct Band<'a> {
    grid: &'a Grid,
    prepared: &'a Prepared,
    tile_row: usize,
    first_column: usize,
}

/// The span of each row of a tile under the cutter: x from the origin, empty where from > to.
struct Spans {
    y: [f32; ROWS],
    from: [f32; ROWS],
    to: [f32; ROWS],
}

impl Band<'_> {
    fn cut<U: Underside, const LEVEL: bool>(
        &self,
        underside: U,
        tiles: &mut [Arc<Tile>],
        bounds: &mut [TileBounds],
    ) -> Tally {
        let prepared = self.prepared;
        let mut total = Tally::default();
        let mut spans = None;
        for (index, (tile, bounds)) in tiles.iter_mut().zip(bounds).enumerate() {
            let tile_column = self.first_column + index;
            let x_first = self.grid.centre_x(tile_column * COLUMNS) - prepared.origin_x;
            let nearest = underside.height(splat(self.nearest2(x_first) as f32)).to_array()[0];
            let low = (prepared.low() + nearest).max(prepared.floor);
            if low >= bounds.max {
                continue;
            }
            let spans = spans.get_or_insert_with(|| self.spans());
            let mut tally = match Arc::get_mut(tile) {
                Some(cells) => self.cut_tile::<U, LEVEL>(underside, cells, x_first, spans),
                None => {
                    // Shared with a fork. Cut a copy and keep it only if that changed it: most visits do not.
                    let mut copy = Tile::clone(tile);
                    let tally = self.cut_tile::<U, LEVEL>(underside, &mut copy, x_first, spans);
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

    fn spans(&self) -> Spans {
        let prepared = self.prepared;
        let mut spans = Spans { y: [0.0; ROWS], from: [f32::INFINITY; ROWS], to: [f32::NEG_INFINITY; ROWS] };
        for row in 0..ROWS {
            let y = self.grid.centre_y(self.tile_row * ROWS + row) - prepared.origin_y;
            spans.y[row] = y as f32;
            if let Some((from, to)) = prepared.span(y) {
                spans.from[row] = from as f32;
                spans.to[row] = to as f32;
            }
        }
        spans
    }

    /// Cuts the rows of one tile. Cells of the tally's deepest drop are counted from the tile's corner.
    fn cut_tile<U: Underside, const LEVEL: bool>(
        &self,
        underside: U,
        tile: &mut Tile,
        x_first: f64,
        spans: &Spans,
    ) -> Tally {
        let prepared = self.prepared;
        let cell = self.grid.cell_x;
        let mut lowering =
            Lowering { lanes: [0.0; LANES], cells: 0, deepest: None, track: prepared.track, floor: prepared.floor };
        let starts: [f32; COLUMNS / BLOCK] =
            std::array::from_fn(|block| (x_first + (block * BLOCK) as f64 * cell) as f32);
        let block_width = prepared.block_width;
        for (row, cells) in tile.rows.iter_mut().enumerate() {
            let (from, to, y) = (spans.from[row], spans.to[row], spans.y[row]);
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
                    let (from, to, z) = (splat(from), splat(to), splat(prepared.z_start));
                    lowering.lower(block, place, |part| {
                        let x = splat(x) + prepared.offsets[part];
                        (x.simd_ge(from) & x.simd_le(to)).bitselect(z, splat(f32::INFINITY))
                    });
                } else if s_high < prepared.s_start {
                    lowering.lower(block, place, |part| prepared.standing(underside, part, x, y, prepared.z_start));
                } else if s_low > prepared.s_end {
                    let (x, y) = (x - prepared.x_end as f32, y - prepared.y_end as f32);
                    lowering.lower(block, place, |part| prepared.standing(underside, part, x, y, prepared.z_end));
                } else if LEVEL {
                    lowering.lower(block, place, |part| prepared.level(underside, part, x, y));
                } else {
                    lowering.lower(block, place, |part| prepared.sloped(underside, part, x, y));
                }
            }
        }
        lowering.tally()
    }
}

impl Prepared {
    /// A cutter that stands at one point; x and y of the block's first cell are from its axis.
    #[inline(always)]
    fn standing<U: Underside>(&self, underside: U, part: usize, x: f32, y: f32, z: f32) -> Lanes {
        let x = splat(x) + self.offsets[part];
        splat(z) + underside.height(x * x + splat(y * y))
    }

    /// s along and d beside the line.
    #[inline(always)]
    fn along(&self, part: usize, x: f32, y: f32) -> (Lanes, Lanes) {
        let x = splat(x) + self.offsets[part];
        (x * splat(self.ux) + splat(y * self.uy), splat(y * self.ux) - x * splat(self.uy))
    }

    /// Any cutter on a level piece: the nearest pose is the lowest.
    #[inline(always)]
    fn level<U: Underside>(&self, underside: U, part: usize, x: f32, y: f32) -> Lanes {
        let (s, d) = self.along(part, x, y);
        let e = s - s.fast_min(splat(self.line.length)).fast_max(Lanes::ZERO);
        splat(self.z_start) + underside.height(d * d + e * e)
    }

    /// Any cutter on a piece that rises or falls.
    #[inline(always)]
    fn sloped<U: Underside>(&self, underside: U, part: usize, x: f32, y: f32) -> Lanes {
        let (s, d) = self.along(part, x, y);
        splat(self.z_start) + underside.swept(&self.line, s, d)
    }
}

/// Parts of a block that are computed at once.
const PARTS: usize = BLOCK / LANES;

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
    fn lower(&mut self, block: &mut [f32; BLOCK], place: (usize, usize), height: impl Fn(usize) -> Lanes) {
        for (part, cells) in block.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let heights = height(part);
            if heights.simd_lt(Lanes::new(*cells)).any() {
                self.take(cells, heights, (place.0 + part * LANES, place.1));
            }
        }
    }

    /// Apart from the loop over blocks: most cells that are looked at are not lowered.
    #[inline(never)]
    fn take(&mut self, cells: &mut [f32; LANES], heights: Lanes, (column, row): (usize, usize)) {
        let old = *cells;
        let wanted = splat(self.floor).simd_lt(heights).bitselect(heights, splat(self.floor));
        let lower = wanted.simd_lt(Lanes::new(old));
        *cells = lower.bitselect(wanted, Lanes::new(old)).to_array();
        self.cells += lower.to_bitmask().count_ones();
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
