//! The material as three grids of rays: what is left on each line parallel to X, Y and Z.
//!
//! A height map sees the part from above and knows no undercut. Where the work or the tool turns, material is taken
//! from all sides: so the part is sampled along three directions, each ray a list of the intervals on which it is in
//! material, and a cut takes an interval from each ray it meets. A face that one direction sees edge-on is seen
//! square by another, so that every face is placed exactly by at least one of the three (Menon, Marisa and
//! Zagajac, *More powerful solid modeling through ray representations*, IEEE CG&A 1994; Benouamer and
//! Michelucci, 1997).
//!
//! ```text
//!   z-rays  | | | | |      x-rays  ------------      records of one ray:
//!           | | | | |              ----    ----      low high   low high     two intervals, 16 bytes,
//!           |_|_|_|_|              ------------      low high   NaN  index   or an entry of the spill table
//! ```
//!
//! Taking intervals away commutes, so the stock has the same bits whatever the order of the moves and however many
//! threads made them. Rays lie in tiles of 8 × 32 (4 KiB) behind `Arc`, copied when first written; each tile knows
//! between which two places its rays have material.
//!
//! **Volume** is the mean of the three grids. One grid samples a solid at the centres of its cells; its error is the
//! part of the cells on the silhouette seen along its rays, |ΔV| ≤ ½ h · Σ (silhouette length × depth) and in
//! practice a tenth of it, as cells over and under cancel: O(h). The spread of the three grids is an estimate of it.
//!
//! **Memory** is 16 bytes a ray, three rays a cell of the surface of the box, plus the spill table of rays with
//! three or more intervals, which is not part of the stated figure and is counted by [`TriDexel::memory_bytes`].

mod fill;
mod mesh;
mod record;

use std::sync::Arc;

use shared::det::{DigestChain, ExactSum};
use shared::geom::{Aabb, Point, Vector};
use shared::ident::Digest;

pub use record::INTERVALS_MAX;
pub(crate) use record::{RAY_COLUMNS, RAY_ROWS, RAY_TILE_BYTES, RayBounds, RayTile, Record};

use super::{MapOptions, MapReport, StockError, StockShape};

/// Cells along the longest edge below which a grid is of no use.
const CELLS_ALONG_MIN: f64 = 24.0;

/// One grid of parallel rays. Its rows and columns run along the two axes that follow its own in X, Y, Z, X, Y.
#[derive(Clone, Debug)]
pub(crate) struct Face {
    /// Axis of the rays.
    pub(crate) axis: usize,
    /// Rays along the columns' and the rows' axis.
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Distance of rays along both, mm.
    pub(crate) cell_u: f64,
    pub(crate) cell_v: f64,
    pub(crate) tile_columns: usize,
    pub(crate) tiles: Vec<Arc<RayTile>>,
    pub(crate) bounds: Vec<RayBounds>,
}

/// The stock as three grids of rays; see the module's text. Cloning is [`TriDexel::fork`].
#[derive(Clone, Debug)]
pub struct TriDexel {
    pub(crate) min: Point,
    pub(crate) size: Vector,
    pub(crate) faces: [Face; 3],
}

impl Face {
    /// Axis of the columns, then of the rows.
    pub(crate) const fn across(axis: usize) -> (usize, usize) {
        ((axis + 1) % 3, (axis + 2) % 3)
    }

    fn new(axis: usize, counts: [usize; 3], size: &Vector, record: Record) -> Self {
        let (u, v) = Self::across(axis);
        let (columns, rows) = (counts[u], counts[v]);
        let (tile_columns, tile_rows) = (columns.div_ceil(RAY_COLUMNS), rows.div_ceil(RAY_ROWS));
        let blank = Arc::new(RayTile::filled(record));
        let bounds = blank.bounds();
        let mut face = Self {
            axis,
            columns,
            rows,
            cell_u: size[u] / columns as f64,
            cell_v: size[v] / rows as f64,
            tile_columns,
            tiles: vec![blank; tile_columns * tile_rows],
            bounds: vec![bounds; tile_columns * tile_rows],
        };
        if record != Record::EMPTY {
            face.empty_padding();
        }
        face
    }

    /// Rays of the last tiles that lie outside the box have no material.
    fn empty_padding(&mut self) {
        for index in 0..self.tiles.len() {
            let (tile_row, tile_column) = (index / self.tile_columns, index % self.tile_columns);
            let columns = (self.columns - tile_column * RAY_COLUMNS).min(RAY_COLUMNS);
            let rows = (self.rows - tile_row * RAY_ROWS).min(RAY_ROWS);
            if columns == RAY_COLUMNS && rows == RAY_ROWS {
                continue;
            }
            let tile = Arc::make_mut(&mut self.tiles[index]);
            for ray in 0..RAY_ROWS * RAY_COLUMNS {
                if ray / RAY_COLUMNS >= rows || ray % RAY_COLUMNS >= columns {
                    tile.set(ray, &[]);
                }
            }
            self.bounds[index] = tile.bounds();
        }
    }

    /// Tile and place in it of a ray.
    pub(crate) fn place(&self, column: usize, row: usize) -> (usize, usize) {
        let tile = (row / RAY_ROWS) * self.tile_columns + column / RAY_COLUMNS;
        (tile, (row % RAY_ROWS) * RAY_COLUMNS + column % RAY_COLUMNS)
    }

    pub(crate) fn set(&mut self, column: usize, row: usize, intervals: &[[f32; 2]]) {
        let (tile, ray) = self.place(column, row);
        Arc::make_mut(&mut self.tiles[tile]).set(ray, intervals);
    }

    fn refresh_bounds(&mut self) {
        for (bounds, tile) in self.bounds.iter_mut().zip(&self.tiles) {
            *bounds = tile.bounds();
        }
    }

    pub(crate) fn cell_area_mm2(&self) -> f64 {
        self.cell_u * self.cell_v
    }

    /// Σ of the lengths on all rays times the area that each stands for, in a fixed order.
    fn volume_mm3(&self) -> f64 {
        let rays = RAY_ROWS * RAY_COLUMNS;
        let sum: ExactSum = self.tiles.iter().map(|tile| (0..rays).map(|ray| tile.length(ray)).sum::<f64>()).collect();
        sum.total() * self.cell_area_mm2()
    }

    /// Whether a place, from the corner of the box, is in material by the ray nearest to it.
    fn covers(&self, place: &Vector) -> bool {
        let (u, v) = Self::across(self.axis);
        let (column, row) = (place[u] / self.cell_u, place[v] / self.cell_v);
        if !(column >= 0.0 && row >= 0.0 && column < self.columns as f64 && row < self.rows as f64) {
            return false;
        }
        let (tile, ray) = self.place(column as usize, row as usize);
        let (bounds, at) = (&self.bounds[tile], place[self.axis] as f32);
        at > bounds.low && at < bounds.high && self.tiles[tile].covers(ray, at)
    }
}

impl TriDexel {
    /// Uncut stock, and what became of the options.
    ///
    /// # Errors
    /// [`StockError`] for a stock that is empty or not finite, a cell that is not positive, or a memory limit that
    /// leaves fewer than 24 cells along the longest edge.
    pub fn new(shape: &StockShape, options: MapOptions) -> Result<(Self, MapReport), StockError> {
        let bounds = super::map::checked_bounds(shape)?;
        let size = bounds.size();
        let (counts, coarsened) = counts(&size, options)?;
        let start = |record: Record| Self {
            min: bounds.min,
            size,
            faces: std::array::from_fn(|axis| {
                let record = if record == Record::EMPTY { record } else { Record::whole(0.0, size[axis] as f32) };
                Face::new(axis, counts, &size, record)
            }),
        };
        let mut filled_mm3 = None;
        let part = match shape {
            StockShape::Box(_) => start(Record::whole(0.0, 0.0)),
            StockShape::Cylinder { diameter_mm, .. } => {
                let mut part = start(Record::EMPTY);
                fill::cylinder(&mut part, diameter_mm / 2.0);
                part
            }
            StockShape::Mesh(triangles) => {
                let mut part = start(Record::EMPTY);
                fill::mesh(&mut part, triangles);
                filled_mm3 = Some(part.volume_mm3() - super::map::enclosed_mm3(triangles, &bounds.min));
                part
            }
        };
        let rays: usize = part.faces.iter().map(|face| face.columns * face.rows).sum();
        let report = MapReport {
            cell_mm: (part.faces[2].cell_u, part.faces[2].cell_v),
            cells: rays as u64,
            bytes: bytes_of(counts),
            coarsened,
            filled_mm3,
        };
        Ok((part, report))
    }

    /// A second part with the same material; cutting one leaves the other alone. Costs one pointer per 256 rays.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Volume of the material, mm³: the mean of the three grids. Reads every ray.
    pub fn volume_mm3(&self) -> f64 {
        let [x, y, z] = self.volumes_mm3();
        (x + y + z) / 3.0
    }

    /// Volume by the rays along X, Y and Z; their spread tells how much the cells blur it.
    pub fn volumes_mm3(&self) -> [f64; 3] {
        self.faces.each_ref().map(Face::volume_mm3)
    }

    /// Digest of the grids and the bits of every interval. Reads every ray.
    pub fn digest(&self) -> Digest {
        let mut chain = DigestChain::new("cosim tri-dexel 1");
        (0..3).for_each(|axis| {
            chain.f64(self.min[axis]).f64(self.size[axis]);
        });
        let mut bytes = Vec::new();
        for face in &self.faces {
            chain.u64(face.columns as u64).u64(face.rows as u64);
            for tile in &face.tiles {
                bytes.clear();
                for ray in 0..RAY_ROWS * RAY_COLUMNS {
                    for [low, high] in tile.intervals(ray) {
                        bytes.extend(low.to_le_bytes());
                        bytes.extend(high.to_le_bytes());
                    }
                    bytes.extend(f32::NAN.to_le_bytes());
                }
                chain.bytes(&bytes);
            }
        }
        chain.digest()
    }

    /// The box of the stock before the first cut.
    pub fn bounds(&self) -> Aabb {
        Aabb { min: self.min, max: self.min + self.size }
    }

    /// Edges of a cell along X, Y and Z, mm.
    pub fn cell_mm(&self) -> [f64; 3] {
        [self.faces[2].cell_u, self.faces[2].cell_v, self.faces[0].cell_v]
    }

    /// Bytes held by this part with every tile of its own, spilled intervals included. Reads every tile.
    pub fn memory_bytes(&self) -> u64 {
        let tiles = self.faces.iter().flat_map(|face| &face.tiles);
        tiles.map(|tile| RAY_TILE_BYTES + tile.spill_bytes()).sum()
    }

    /// Rays in all three grids.
    pub fn rays(&self) -> u64 {
        self.faces.iter().map(|face| (face.columns * face.rows) as u64).sum()
    }

    /// Most intervals of any ray; [`INTERVALS_MAX`] says that material may have been kept that is gone.
    pub fn intervals_most(&self) -> usize {
        self.faces.iter().flat_map(|face| &face.tiles).map(|tile| tile.intervals_most()).max().unwrap_or(0)
    }

    /// True where a place, work frame, is in material, by the nearest rays of at least two of the three grids: right
    /// where the surface is further away than half the diagonal of a cell.
    pub fn covers(&self, place: &Point) -> bool {
        let place = place - self.min;
        let mut hits = self.faces.iter().map(|face| face.covers(&place));
        let (x, y) = (hits.next() == Some(true), hits.next() == Some(true));
        if x == y { x } else { hits.next() == Some(true) }
    }

    /// The same by the nearest ray along one axis alone: exact along it, half a cell off across it.
    pub(crate) fn covers_along(&self, axis: usize, place: &Point) -> bool {
        self.faces[axis].covers(&(place - self.min))
    }

    /// A box that holds all material, by the bounds of the tiles: never too small. O(tiles).
    pub fn material_bounds(&self) -> Aabb {
        let mut bounds = Aabb::EMPTY;
        for face in &self.faces {
            let ends = face
                .bounds
                .iter()
                .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], tile| [low.min(tile.low), high.max(tile.high)]);
            bounds.min[face.axis] = self.min[face.axis] + f64::from(ends[0]);
            bounds.max[face.axis] = self.min[face.axis] + f64::from(ends[1]);
        }
        bounds
    }
}

/// Bytes of three grids once every tile has been written.
fn bytes_of(counts: [usize; 3]) -> u64 {
    let tiles = |axis: usize| {
        let (u, v) = Face::across(axis);
        (counts[u].div_ceil(RAY_COLUMNS) * counts[v].div_ceil(RAY_ROWS)) as u64
    };
    (0..3).map(tiles).sum::<u64>() * RAY_TILE_BYTES
}

/// Rays along each edge of the box under the memory limit, and whether they had to be fewer than asked for.
fn counts(size: &Vector, options: MapOptions) -> Result<([usize; 3], bool), StockError> {
    if !(options.cell_mm.is_finite() && options.cell_mm >= 1e-4) {
        return Err(StockError::Cell { cell_mm: options.cell_mm });
    }
    let mut cell_mm = options.cell_mm;
    loop {
        let along: [f64; 3] = std::array::from_fn(|axis| (size[axis] / cell_mm - 1e-9).ceil().max(1.0));
        let most = along.iter().fold(0.0, |most: f64, count| most.max(*count));
        // The counts are small enough to be multiplied before they are.
        let bytes = if most <= f64::from(1u32 << 20) { bytes_of(along.map(|count| count as usize)) } else { u64::MAX };
        if bytes <= options.memory_max_bytes {
            return Ok((along.map(|count| count as usize), cell_mm > options.cell_mm));
        }
        if most <= CELLS_ALONG_MIN {
            return Err(StockError::Memory { needed: bytes, limit: options.memory_max_bytes });
        }
        cell_mm *= 1.05;
    }
}
