//! Pieces of path cut into the map: one by one, or many in one go.
//!
//! The value of a cell depends on the cell and the piece alone, never on what was skipped, in what order, or who did
//! the work. So a run of pieces is cut row of tiles by row of tiles: each row takes all its pieces in their order,
//! on whichever thread, and what each piece took is added up over its rows in a fixed order. The bits are those
//! of one piece after the other on one thread.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::band::{Band, Tally};
use super::cutter::{Cutter, Form};
use super::piece::{Piece, Prepared};
use super::underside::Underside;
use crate::executor::Executor;
use crate::stock::{Grid, HeightMap, Tile, TileBounds};

/// Tiles under a run of pieces from which handing rows of tiles to several threads is worth their waking: about
/// 50 µs of work against 5 to 10 µs.
const PARALLEL_TILES_MIN: usize = 96;

/// Pieces of one go: their prepared forms and tallies stay in the cache, and the rows of tiles under them are many more
/// than threads, so that these end together.
const GO_PIECES: usize = 4096;

/// Pieces that are prepared in one job.
const JOB_PIECES: usize = 64;

/// A piece with its cutter, and the tiles under it.
struct Swath {
    prepared: Prepared,
    form: Form,
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Swath {
    /// `None` where the piece passes above or beside everything.
    fn new(map: &HeightMap, cutter: &Cutter, piece: &Piece) -> Option<Self> {
        let grid = &map.grid;
        let radius = cutter.profile().radius_mm;
        let prepared = Prepared::new(grid, piece, radius, cutter.simd, |rise| cutter.underside.lead(rise));
        if prepared.low() >= map.top {
            return None;
        }
        let (x_low, x_high) = (prepared.x_end.min(0.0) - radius, prepared.x_end.max(0.0) + radius);
        let (y_low, y_high) = (prepared.y_end.min(0.0) - radius, prepared.y_end.max(0.0) + radius);
        let columns = grid.tile_range_x(prepared.origin_x + x_low, prepared.origin_x + x_high)?;
        let rows = grid.tile_range_y(prepared.origin_y + y_low, prepared.origin_y + y_high)?;
        Some(Self { prepared, form: cutter.underside, columns, rows })
    }

    fn tiles(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// Cuts one row of tiles, all of it given; leaves off once the executor is cancelled.
    fn cut_row(&self, row: Row<'_>, executor: &dyn Executor) -> Tally {
        let (tiles, bounds) = (&mut row.tiles[self.columns.clone()], &mut row.bounds[self.columns.clone()]);
        let (prepared, first_column) = (&self.prepared, self.columns.start);
        let band = Band { grid: row.grid, prepared, tile_row: row.index, first_column, executor };
        match self.form {
            Form::Flat(flat) => cut_band(&band, flat, tiles, bounds),
            Form::Ball(ball) => cut_band(&band, ball, tiles, bounds),
            Form::BullNose(bull) => cut_band(&band, bull, tiles, bounds),
            Form::Cone(cone) => cut_band(&band, cone, tiles, bounds),
            Form::General(general) => cut_band(&band, general, tiles, bounds),
        }
    }
}

/// A row of tiles.
struct Row<'a> {
    grid: &'a Grid,
    index: usize,
    tiles: &'a mut [Arc<Tile>],
    bounds: &'a mut [TileBounds],
}

fn cut_band<U: Underside>(band: &Band<'_>, underside: U, tiles: &mut [Arc<Tile>], bounds: &mut [TileBounds]) -> Tally {
    if band.prepared.is_level() {
        band.cut::<U, true>(underside, tiles, bounds)
    } else {
        band.cut::<U, false>(underside, tiles, bounds)
    }
}

/// Cuts one piece and says what it took.
pub(super) fn cut_piece(map: &mut HeightMap, cutter: &Cutter, piece: &Piece, executor: &dyn Executor) -> Tally {
    let Some(swath) = Swath::new(map, cutter, piece) else { return Tally::default() };
    if executor.width() >= 2 && swath.tiles() >= PARALLEL_TILES_MIN {
        let mut tally = [Tally::default()];
        cut_swaths(map, &[(0, &swath)], executor, &mut tally);
        return tally[0];
    }
    let grid = map.grid;
    let width = grid.tile_columns;
    let mut total = Tally::default();
    for index in swath.rows.clone() {
        let row = index * width..(index + 1) * width;
        let (tiles, bounds) = (&mut map.tiles[row.clone()], &mut map.bounds[row]);
        total.add(&swath.cut_row(Row { grid: &grid, index, tiles, bounds }, executor));
    }
    total
}

/// Cuts many pieces, in order, and says what each took. On more than one thread each row of tiles is one job.
pub(super) fn cut_pieces<'a>(
    map: &mut HeightMap,
    pieces: impl IntoIterator<Item = (&'a Cutter, Piece)>,
    executor: &dyn Executor,
) -> Vec<Tally> {
    let mut pieces = pieces.into_iter();
    let mut tallies = Vec::new();
    loop {
        let go: Vec<_> = pieces.by_ref().take(GO_PIECES).collect();
        if go.is_empty() {
            return tallies;
        }
        let prepared = prepare(map, &go, executor);
        let swaths = prepared.iter().filter_map(OnceLock::get).flatten().enumerate();
        let swaths: Vec<_> = swaths.filter_map(|(index, swath)| Some((index, swath.as_ref()?))).collect();
        let first = tallies.len();
        tallies.resize(first + go.len(), Tally::default());
        cut_swaths(map, &swaths, executor, &mut tallies[first..]);
    }
}

/// The pieces with what the loops need of them, in order, a job's worth at a time.
fn prepare(map: &HeightMap, pieces: &[(&Cutter, Piece)], executor: &dyn Executor) -> Vec<OnceLock<Vec<Option<Swath>>>> {
    let jobs: Vec<_> = pieces.chunks(JOB_PIECES).collect();
    let done: Vec<_> = jobs.iter().map(|_| OnceLock::new()).collect();
    executor.run(jobs.len(), &|job| {
        done[job].get_or_init(|| jobs[job].iter().map(|(cutter, piece)| Swath::new(map, cutter, piece)).collect());
    });
    done
}

/// What one row of tiles took of each piece: index of the piece, tally.
type RowTallies = Vec<(usize, Tally)>;

/// Cuts swaths with the index of their piece, in order.
fn cut_swaths(map: &mut HeightMap, swaths: &[(usize, &Swath)], executor: &dyn Executor, tallies: &mut [Tally]) {
    let known = || swaths.iter().map(|(_, swath)| swath);
    let (Some(first), Some(end)) = (known().map(|s| s.rows.start).min(), known().map(|s| s.rows.end).max()) else {
        return;
    };
    let grid = map.grid;
    let width = grid.tile_columns;
    let cells = first * width..end * width;
    let rows = map.tiles[cells.clone()].chunks_mut(width).zip(map.bounds[cells].chunks_mut(width));
    let cut_row = |row: usize, tiles: &mut [Arc<Tile>], bounds: &mut [TileBounds]| -> RowTallies {
        let under = swaths.iter().filter(|(_, swath)| swath.rows.contains(&row));
        let wanted = under.take_while(|_| !executor.is_cancelled());
        let mut taken = RowTallies::new();
        for (index, swath) in wanted {
            let under = Row { grid: &grid, index: row, tiles: &mut *tiles, bounds: &mut *bounds };
            taken.push((*index, swath.cut_row(under, executor)));
        }
        taken
    };
    let mut add = |row: RowTallies| row.iter().for_each(|(index, tally)| tallies[*index].add(tally));
    if executor.width() < 2 || known().map(|swath| swath.tiles()).sum::<usize>() < PARALLEL_TILES_MIN {
        rows.zip(first..).for_each(|((tiles, bounds), tile_row)| add(cut_row(tile_row, tiles, bounds)));
        return;
    }
    // Each lock is taken once, by the one job it belongs to.
    let jobs: Vec<_> = rows.map(|row| Mutex::new((row, RowTallies::new()))).collect();
    executor.run(jobs.len(), &|index| {
        let mut job = jobs[index].lock().unwrap_or_else(PoisonError::into_inner);
        let ((tiles, bounds), taken) = &mut *job;
        *taken = cut_row(first + index, tiles, bounds);
    });
    jobs.into_iter().for_each(|job| add(job.into_inner().unwrap_or_else(PoisonError::into_inner).1));
}
