//! The cut of the tri-dexel: bands of rows of tiles, each band by one job, the pieces of path in order within it.
//!
//! Work is skipped from coarse to fine: rows of tiles and tiles by the box of a sweep, tiles by where they have
//! material, rows by the span that the sweep's box has there. What a ray loses depends on the ray and the piece alone,
//! sums are made in the order of faces, bands, pieces and tiles: no bit depends on who did the work.

use std::sync::{Arc, Mutex, PoisonError};

use shared::geom::{Point, Vector};

use super::body::ConvexPart;
use super::ray::{Covered, Row, SweptForm};
use crate::executor::Executor;
use crate::stock::{Face, RAY_COLUMNS, RAY_ROWS, RayBounds, RayTile, TriDexel};

/// A straight piece of a path with the tool at one inclination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltedPiece {
    /// Tip at the start, work frame, mm.
    pub start: Point,
    /// Tip at the end.
    pub end: Point,
    /// Unit vector from the tip to the spindle.
    pub axis: Vector,
}

/// What a cut took, or would take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Taken {
    /// Removed volume, mm³: the mean of the three grids.
    pub removed_mm3: f64,
    /// Removed volume by the rays along X, Y and Z, mm³.
    pub by_axis_mm3: [f64; 3],
    /// Rays that lost material, in all three grids.
    pub rays: u32,
    /// Where most was lost on one ray along the axis nearest to the tool's: the upper end, and how much, mm.
    pub deepest: Option<(Point, f64)>,
}

impl Taken {
    /// Adds another after this one: the order of additions is part of the result.
    pub(super) fn add(&mut self, other: &Self) {
        self.removed_mm3 += other.removed_mm3;
        (0..3).for_each(|axis| self.by_axis_mm3[axis] += other.by_axis_mm3[axis]);
        self.rays = self.rays.saturating_add(other.rays);
        if let Some((_, depth)) = other.deepest
            && self.deepest.is_none_or(|(_, own)| depth > own)
        {
            self.deepest = other.deepest;
        }
    }
}

/// Pieces that are cut together: enough to pay for handing out bands, few enough to stay in the cache.
const BATCH: usize = 64;

/// Tiles under a batch from which handing bands to several threads is worth their waking.
const PARALLEL_TILES_MIN: usize = 256;

/// One convex part on one piece, as one face sees it.
struct Swept {
    forms: Vec<SweptForm>,
    /// Box of all forms: u, v, t.
    low: [f64; 3],
    high: [f64; 3],
}

impl Swept {
    fn new(part: &ConvexPart, piece: &TiltedPiece, corner: &Point, axis: usize) -> Self {
        let (u, v) = Face::across(axis);
        let seen = |vector: &Vector| [vector[u], vector[v], vector[axis]];
        let (start, along) = (piece.start - corner, piece.end - piece.start);
        let form = |form| SweptForm::new(form, seen(&start), seen(&piece.axis), seen(&along));
        let forms: Vec<SweptForm> = part.forms.iter().map(form).collect();
        let end = |index: usize, pick: fn(f64, f64) -> f64, from: f64, high: bool| {
            forms.iter().map(|form| if high { form.range(index).1 } else { form.range(index).0 }).fold(from, pick)
        };
        Self {
            low: std::array::from_fn(|index| end(index, f64::min, f64::INFINITY, false)),
            high: std::array::from_fn(|index| end(index, f64::max, f64::NEG_INFINITY, true)),
            forms,
        }
    }

    fn tile_rows(&self, face: &Frame) -> std::ops::Range<usize> {
        tiles(self.low[1], self.high[1], face.cell_v, face.rows, RAY_ROWS)
    }

    fn tile_columns(&self, face: &Frame) -> std::ops::Range<usize> {
        tiles(self.low[0], self.high[0], face.cell_u, face.columns, RAY_COLUMNS)
    }
}

/// Tiles with cells whose centres lie between two places; empty where there are none.
fn tiles(low: f64, high: f64, cell: f64, cells: usize, per_tile: usize) -> std::ops::Range<usize> {
    let first = (low / cell - 0.5).ceil().max(0.0);
    let last = (high / cell - 0.5).floor().min(cells as f64 - 1.0);
    if first > last { 0..0 } else { first as usize / per_tile..last as usize / per_tile + 1 }
}

/// A face without its tiles.
#[derive(Clone, Copy)]
struct Frame {
    columns: usize,
    rows: usize,
    cell_u: f64,
    cell_v: f64,
    tile_columns: usize,
    /// True where the deepest ray is looked for.
    track: bool,
}

impl Frame {
    fn of(face: &Face, track: bool) -> Self {
        let Face { columns, rows, cell_u, cell_v, tile_columns, .. } = *face;
        Self { columns, rows, cell_u, cell_v, tile_columns, track }
    }
}

/// What one band lost.
#[derive(Clone, Copy, Default)]
struct Band {
    length_mm: f64,
    rays: u32,
    /// Length, column, row and upper end of what was lost.
    deepest: Option<(f32, usize, usize, f32)>,
}

/// Takes the sweeps of some parts of a tool along pieces of path from the stock.
pub fn cut_pieces(
    stock: &mut TriDexel,
    parts: &[&ConvexPart],
    pieces: &[TiltedPiece],
    executor: &dyn Executor,
) -> Taken {
    let mut taken = Taken::default();
    for batch in pieces.chunks(BATCH) {
        let track = main_axis(batch);
        let corner = stock.min;
        let mut lengths = [Band::default(); 3];
        for face in &mut stock.faces {
            let sweeps = sweeps(parts, batch, &corner, face.axis);
            lengths[face.axis] = cut_face(face, &sweeps, face.axis == track, executor);
        }
        taken.add(&summed(stock, &lengths, track));
    }
    taken
}

/// What the same would take; the stock stays, and nothing is copied.
pub fn probe_pieces(stock: &TriDexel, parts: &[&ConvexPart], pieces: &[TiltedPiece]) -> Taken {
    let mut taken = Taken::default();
    for batch in pieces.chunks(BATCH) {
        let track = main_axis(batch);
        let lengths = std::array::from_fn(|axis| {
            let face = &stock.faces[axis];
            let frame = Frame::of(face, axis == track);
            let mut band = Band::default();
            for swept in &sweeps(parts, batch, &stock.min, axis) {
                for tile_row in swept.tile_rows(&frame) {
                    for tile_column in swept.tile_columns(&frame) {
                        let index = tile_row * frame.tile_columns + tile_column;
                        if misses(swept, &frame, (tile_column, tile_row), &face.bounds[index]) {
                            continue;
                        }
                        let tile = &face.tiles[index];
                        each_row(swept, &frame, (tile_column, tile_row), |ray, low, high| {
                            band.note(&frame, (tile_column, tile_row), ray, tile.overlap(ray, low, high), high);
                        });
                    }
                }
            }
            band
        });
        taken.add(&summed(stock, &lengths, track));
    }
    taken
}

/// False where the sweeps lie wholly beside the material, by the bounds of the tiles; true proves nothing.
pub(super) fn reaches(stock: &TriDexel, parts: &[&ConvexPart], pieces: &[TiltedPiece]) -> bool {
    let face = &stock.faces[main_axis(pieces)];
    let frame = Frame::of(face, false);
    sweeps(parts, pieces, &stock.min, face.axis).iter().any(|swept| {
        swept.tile_rows(&frame).any(|row| {
            let bounds = &face.bounds[row * frame.tile_columns..][..frame.tile_columns];
            swept.tile_columns(&frame).any(|column| !misses(swept, &frame, (column, row), &bounds[column]))
        })
    })
}

/// The axis nearest to the tool's.
fn main_axis(pieces: &[TiltedPiece]) -> usize {
    pieces.first().map_or(2, |piece| piece.axis.iamax())
}

fn sweeps(parts: &[&ConvexPart], pieces: &[TiltedPiece], corner: &Point, axis: usize) -> Vec<Swept> {
    pieces.iter().flat_map(|piece| parts.iter().map(|part| Swept::new(part, piece, corner, axis))).collect()
}

fn summed(stock: &TriDexel, bands: &[Band; 3], track: usize) -> Taken {
    let by_axis_mm3 = std::array::from_fn(|axis| bands[axis].length_mm * stock.faces[axis].cell_area_mm2());
    let deepest = bands[track].deepest.map(|(depth, column, row, end)| {
        let (u, v) = Face::across(track);
        let face = &stock.faces[track];
        let mut place = stock.min;
        place[u] += (column as f64 + 0.5) * face.cell_u;
        place[v] += (row as f64 + 0.5) * face.cell_v;
        place[track] += f64::from(end);
        (place, f64::from(depth))
    });
    Taken {
        removed_mm3: by_axis_mm3.iter().sum::<f64>() / 3.0,
        by_axis_mm3,
        rays: bands.iter().map(|band| band.rays).sum(),
        deepest,
    }
}

fn cut_face(face: &mut Face, sweeps: &[Swept], track: bool, executor: &dyn Executor) -> Band {
    let frame = Frame::of(face, track);
    let (mut first, mut end, mut tiles) = (usize::MAX, 0, 0);
    for swept in sweeps {
        let (rows, columns) = (swept.tile_rows(&frame), swept.tile_columns(&frame));
        if !rows.is_empty() && !columns.is_empty() {
            (first, end) = (first.min(rows.start), end.max(rows.end));
            tiles += rows.len() * columns.len();
        }
    }
    let mut total = Band::default();
    if first >= end {
        return total;
    }
    let width = frame.tile_columns;
    let slice = first * width..end * width;
    let bands = face.tiles[slice.clone()].chunks_mut(width).zip(face.bounds[slice].chunks_mut(width)).zip(first..end);
    if executor.width() < 2 || tiles < PARALLEL_TILES_MIN {
        for ((tiles, bounds), tile_row) in bands {
            total.add(&cut_band(&frame, sweeps, tile_row, tiles, bounds));
        }
        return total;
    }
    // One job a row of tiles; each lock is taken once, by the one job it belongs to.
    let jobs: Vec<_> = bands.map(|band| Mutex::new((band, Band::default()))).collect();
    executor.run(jobs.len(), &|index| {
        let mut job = jobs[index].lock().unwrap_or_else(PoisonError::into_inner);
        let (((tiles, bounds), tile_row), band) = &mut *job;
        *band = cut_band(&frame, sweeps, *tile_row, tiles, bounds);
    });
    for job in jobs {
        total.add(&job.into_inner().unwrap_or_else(PoisonError::into_inner).1);
    }
    total
}

fn cut_band(
    frame: &Frame,
    sweeps: &[Swept],
    tile_row: usize,
    tiles: &mut [Arc<RayTile>],
    bounds: &mut [RayBounds],
) -> Band {
    let mut total = Band::default();
    for swept in sweeps {
        if !swept.tile_rows(frame).contains(&tile_row) {
            continue;
        }
        for tile_column in swept.tile_columns(frame) {
            let place = (tile_column, tile_row);
            if misses(swept, frame, place, &bounds[tile_column]) {
                continue;
            }
            let tile = &mut tiles[tile_column];
            let band = match Arc::get_mut(tile) {
                Some(rays) => cut_tile(swept, frame, place, rays),
                None => {
                    // Shared with a fork. Cut a copy and keep it only if that changed it.
                    let mut copy = RayTile::clone(tile);
                    let band = cut_tile(swept, frame, place, &mut copy);
                    if band.rays > 0 {
                        *tile = Arc::new(copy);
                    }
                    band
                }
            };
            bounds[tile_column].visited(tile, band.rays);
            total.add(&band);
        }
    }
    total
}

/// True where a sweep lies wholly beside the material of a tile. Places are rounded as those of a cut are, so that a tile
/// is left out only where none of its rays would change.
fn misses(swept: &Swept, frame: &Frame, (tile_column, tile_row): (usize, usize), bounds: &RayBounds) -> bool {
    let beside = |low: f64, high: f64| low as f32 >= bounds.high || high as f32 <= bounds.low;
    if beside(swept.low[2], swept.high[2]) {
        return true;
    }
    let range = |tile: usize, per_tile: usize, cell: f64| {
        let first = (tile * per_tile) as f64;
        ((first + 0.5) * cell, (first + per_tile as f64 - 0.5) * cell)
    };
    let (u, v) = (range(tile_column, RAY_COLUMNS, frame.cell_u), range(tile_row, RAY_ROWS, frame.cell_v));
    swept.forms.iter().all(|form| {
        let (low, high) = form.within(u, v);
        beside(low, high)
    })
}

fn cut_tile(swept: &Swept, frame: &Frame, place: (usize, usize), tile: &mut RayTile) -> Band {
    let mut band = Band::default();
    each_row(swept, frame, place, |ray, low, high| {
        let taken = tile.cut(ray, low, high);
        band.note(frame, place, ray, taken, high);
    });
    band
}

/// Every ray of a tile that a sweep covers, with where.
#[inline]
fn each_row(
    swept: &Swept,
    frame: &Frame,
    (tile_column, tile_row): (usize, usize),
    mut see: impl FnMut(usize, f32, f32),
) {
    let first_row = tile_row * RAY_ROWS;
    let u = ((tile_column * RAY_COLUMNS) as f64 + 0.5) * frame.cell_u;
    // One form that covers every row alike is looked at once for a tile.
    let is_same = matches!(swept.forms.as_slice(), [form] if form.is_same_for_rows());
    let mut covered = Covered::NOTHING;
    let mut is_first = true;
    for row in 0..RAY_ROWS.min(frame.rows - first_row) {
        let v = ((first_row + row) as f64 + 0.5) * frame.cell_v;
        if v < swept.low[1] || v > swept.high[1] {
            continue;
        }
        if !is_same || is_first {
            covered = Covered::NOTHING;
            for form in &swept.forms {
                form.cover(&Row { v, u, cell_u: frame.cell_u }, &mut covered);
            }
            // A row on the very rim may be missed by rounding: the next is looked at afresh.
            is_first = covered.is_nothing();
        }
        for column in 0..RAY_COLUMNS {
            let (low, high) = (covered.low[column], covered.high[column]);
            if low < high {
                see(row * RAY_COLUMNS + column, low, high);
            }
        }
    }
}

impl Band {
    #[inline]
    fn note(&mut self, frame: &Frame, place: (usize, usize), ray: usize, taken: f32, end: f32) {
        if taken <= 0.0 {
            return;
        }
        self.length_mm += f64::from(taken);
        self.rays += 1;
        if frame.track && self.deepest.is_none_or(|(deep, ..)| taken > deep) {
            let column = place.0 * RAY_COLUMNS + ray % RAY_COLUMNS;
            self.deepest = Some((taken, column, place.1 * RAY_ROWS + ray / RAY_COLUMNS, end));
        }
    }

    fn add(&mut self, other: &Self) {
        self.length_mm += other.length_mm;
        self.rays = self.rays.saturating_add(other.rays);
        if let Some(deep) = other.deepest
            && self.deepest.is_none_or(|own| deep.0 > own.0)
        {
            self.deepest = other.deepest;
        }
    }
}
