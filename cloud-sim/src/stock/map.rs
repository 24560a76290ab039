use std::sync::Arc;

use shared::det::{DigestChain, ExactSum};
use shared::geom::{Aabb, Point};
use shared::ident::Digest;

use super::lanes::TILES_MAX;
use super::shape::{MapOptions, MapReport, StockError, StockShape};
use super::tile::{COLUMNS, ROWS, Tile, TileBounds};

/// Where the cells lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Lower left corner of the first cell, mm.
    pub(crate) min_x: f64,
    pub(crate) min_y: f64,
    /// Edges of a cell, mm.
    pub(crate) cell_x: f64,
    pub(crate) cell_y: f64,
    /// Number of cells along X and Y, without the padding of the last tiles.
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// Number of tiles along X and Y.
    pub(crate) tile_columns: usize,
    pub(crate) tile_rows: usize,
    /// Bottom of the stock, mm: no cell is ever lower. A cell without material stands at it.
    pub(crate) floor: f32,
}

/// The stock as columns of material; see the module's text. Cloning is [`HeightMap::fork`].
#[derive(Clone)]
pub struct HeightMap {
    pub(crate) grid: Grid,
    pub(crate) tiles: Vec<Arc<Tile>>,
    pub(crate) bounds: Vec<TileBounds>,
    /// Top of the stock before the first cut: no cell is ever higher.
    pub(crate) top: f32,
}

/// Bytes that one tile takes.
pub(crate) const TILE_BYTES: u64 = (size_of::<Tile>() + size_of::<Arc<Tile>>() + size_of::<TileBounds>()) as u64;

/// Cells along the longer edge below which a map is of no use, and being told is better.
const CELLS_ALONG_MIN: f64 = 32.0;

/// Most cells along an edge: single precision counts them exactly, with room for parts of a cell.
const CELLS_ALONG_MAX: f64 = (1u32 << 20) as f64;

impl HeightMap {
    /// A map of uncut stock, and what became of the options.
    ///
    /// # Errors
    /// [`StockError`] for a stock that is empty or not finite, a cell that is not positive, or a memory
    /// limit that leaves fewer than 32 cells along the longer edge.
    pub fn new(shape: &StockShape, options: MapOptions) -> Result<(Self, MapReport), StockError> {
        let bounds = checked_bounds(shape)?;
        let (grid, coarsened) = checked_grid(&bounds, options)?;
        let top = bounds.max.z as f32;
        let tile_count = grid.tile_columns * grid.tile_rows;
        let mut map = match shape {
            StockShape::Box(_) => Self::filled(grid, top),
            StockShape::Cylinder { .. } | StockShape::Mesh(_) => {
                let blank = Arc::new(Tile::filled(grid.floor));
                let bounds = blank.bounds();
                Self { grid, tiles: vec![blank; tile_count], bounds: vec![bounds; tile_count], top }
            }
        };
        let mut filled_mm3 = None;
        match shape {
            StockShape::Box(_) => {}
            StockShape::Cylinder { centre, diameter_mm, .. } => map.raise_disc(centre, diameter_mm / 2.0, top),
            StockShape::Mesh(triangles) => {
                triangles.iter().for_each(|triangle| map.raise_triangle(triangle));
                map.refresh_bounds();
                filled_mm3 = Some(map.volume_mm3() - enclosed_mm3(triangles, &bounds.min));
            }
        }
        let report = MapReport {
            cell_mm: (grid.cell_x, grid.cell_y),
            cells: (grid.columns * grid.rows) as u64,
            bytes: tile_count as u64 * TILE_BYTES,
            coarsened,
            filled_mm3,
        };
        Ok((map, report))
    }

    /// A box: whole tiles inside share one blank; tiles at the far edges hold padding at the floor.
    fn filled(grid: Grid, top: f32) -> Self {
        let blank = Arc::new(Tile::filled(top));
        let blank_bounds = blank.bounds();
        let tile_count = grid.tile_columns * grid.tile_rows;
        let mut tiles = vec![blank; tile_count];
        let mut bounds = vec![blank_bounds; tile_count];
        let (last_column, last_row) = (grid.tile_columns - 1, grid.tile_rows - 1);
        for (index, slot) in tiles.iter_mut().enumerate() {
            let (tile_row, tile_column) = (index / grid.tile_columns, index % grid.tile_columns);
            if tile_row != last_row && tile_column != last_column {
                continue;
            }
            let mut tile = Tile::filled(grid.floor);
            let columns = (grid.columns - tile_column * COLUMNS).min(COLUMNS);
            for row in tile.rows.iter_mut().take((grid.rows - tile_row * ROWS).min(ROWS)) {
                row[..columns].fill(top);
            }
            bounds[index] = tile.bounds();
            *slot = Arc::new(tile);
        }
        Self { grid, tiles, bounds, top }
    }

    fn raise_disc(&mut self, centre: &Point, radius_mm: f64, top: f32) {
        let grid = self.grid;
        for row in 0..grid.rows {
            let dy = grid.centre_y(row) - centre.y;
            let half = radius_mm * radius_mm - dy * dy;
            if half < 0.0 {
                continue;
            }
            let half = half.sqrt();
            let first = grid.column_from(centre.x - half);
            let end = grid.column_from(centre.x + half);
            for column in first..end {
                *self.cell_mut(column, row) = top;
            }
        }
        self.refresh_bounds();
    }

    /// Raises the cells whose centres lie under a triangle to its height there. Borders count as inside,
    /// so that meshes have no cracks between their triangles.
    fn raise_triangle(&mut self, triangle: &[Point; 3]) {
        let [a, b, c] = *triangle;
        let normal = (b - a).cross(&(c - a));
        let scale = (b - a).norm() * (c - a).norm();
        if normal.z.abs() <= 1e-12 * scale {
            return; // Upright or degenerate: no cell centre sees it from above, save by its edges.
        }
        let (min, max) = (a.inf(&b).inf(&c), a.sup(&b).sup(&c));
        let grid = self.grid;
        let slack_mm = 1e-9 * (1.0 + max.x.abs().max(max.y.abs()).max(min.x.abs()).max(min.y.abs()));
        let edge = |p: &Point, q: &Point, x: f64, y: f64| {
            let cross = (q.x - p.x) * (y - p.y) - (q.y - p.y) * (x - p.x);
            let length = ((q.x - p.x) * (q.x - p.x) + (q.y - p.y) * (q.y - p.y)).sqrt();
            cross * normal.z.signum() >= -slack_mm * length
        };
        for row in grid.row_from(min.y - slack_mm)..grid.row_from(max.y + slack_mm) {
            let y = grid.centre_y(row);
            for column in grid.column_from(min.x - slack_mm)..grid.column_from(max.x + slack_mm) {
                let x = grid.centre_x(column);
                if edge(&a, &b, x, y) && edge(&b, &c, x, y) && edge(&c, &a, x, y) {
                    let z = a.z - (normal.x * (x - a.x) + normal.y * (y - a.y)) / normal.z;
                    let height = z.clamp(min.z, max.z) as f32;
                    let cell = self.cell_mut(column, row);
                    *cell = cell.max(height);
                }
            }
        }
    }

    fn cell_mut(&mut self, column: usize, row: usize) -> &mut f32 {
        let index = (row / ROWS) * self.grid.tile_columns + column / COLUMNS;
        &mut Arc::make_mut(&mut self.tiles[index]).rows[row % ROWS][column % COLUMNS]
    }

    fn refresh_bounds(&mut self) {
        for (bounds, tile) in self.bounds.iter_mut().zip(&self.tiles) {
            *bounds = tile.bounds();
        }
    }

    /// A second map with the same material; cutting one leaves the other alone. Costs one pointer per 1024
    /// cells; tiles are copied when one of the two first cuts them.
    #[must_use]
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Height of the material at a place, mm; `None` outside the stock. A cell without material stands at
    /// the floor, [`HeightMap::bounds`]`.min.z`.
    pub fn height_at(&self, x_mm: f64, y_mm: f64) -> Option<f64> {
        let column = ((x_mm - self.grid.min_x) / self.grid.cell_x).floor();
        let row = ((y_mm - self.grid.min_y) / self.grid.cell_y).floor();
        let inside = column >= 0.0 && row >= 0.0 && column < self.grid.columns as f64 && row < self.grid.rows as f64;
        inside.then(|| f64::from(self.cell(column as usize, row as usize)))
    }

    /// Height of a cell; the cell must exist.
    pub(crate) fn cell(&self, column: usize, row: usize) -> f32 {
        let index = (row / ROWS) * self.grid.tile_columns + column / COLUMNS;
        self.tiles[index].rows[row % ROWS][column % COLUMNS]
    }

    /// Volume of the material in mm³, summed tile by tile in a fixed order. Reads every cell.
    pub fn volume_mm3(&self) -> f64 {
        let sum: ExactSum = self.tiles.iter().map(|tile| tile.sum_above(self.grid.floor)).collect();
        sum.total() * self.grid.cell_area_mm2()
    }

    /// Digest of the grid and the bits of every height. Reads every cell.
    pub fn digest(&self) -> Digest {
        let grid = &self.grid;
        let mut chain = DigestChain::new("cosim height map 1");
        chain.f64(grid.min_x).f64(grid.min_y).f64(grid.cell_x).f64(grid.cell_y).f64(f64::from(grid.floor));
        chain.u64(grid.columns as u64).u64(grid.rows as u64);
        let mut bytes = Vec::with_capacity(size_of::<Tile>());
        for tile in &self.tiles {
            bytes.clear();
            bytes.extend(tile.rows.iter().flatten().flat_map(|height| height.to_le_bytes()));
            chain.bytes(&bytes);
        }
        chain.digest()
    }

    /// The box of the stock before the first cut.
    pub fn bounds(&self) -> Aabb {
        let grid = &self.grid;
        Aabb {
            min: Point::new(grid.min_x, grid.min_y, f64::from(grid.floor)),
            max: Point::new(
                grid.min_x + grid.columns as f64 * grid.cell_x,
                grid.min_y + grid.rows as f64 * grid.cell_y,
                f64::from(self.top),
            ),
        }
    }

    /// Edges of a cell along X and Y, mm.
    pub fn cell_mm(&self) -> (f64, f64) {
        (self.grid.cell_x, self.grid.cell_y)
    }

    /// An upper bound on the material over a rectangle, mm; `None` where it lies outside the stock.
    pub(crate) fn max_over(&self, min_x: f64, max_x: f64, min_y: f64, max_y: f64) -> Option<f32> {
        let grid = &self.grid;
        let (columns, rows) = (grid.tile_range_x(min_x, max_x)?, grid.tile_range_y(min_y, max_y)?);
        let mut highest = f32::NEG_INFINITY;
        for tile_row in rows {
            let base = tile_row * grid.tile_columns;
            for bounds in &self.bounds[base + columns.start..base + columns.end] {
                highest = highest.max(bounds.max);
            }
        }
        Some(highest)
    }
}

impl Grid {
    pub(crate) fn cell_area_mm2(&self) -> f64 {
        self.cell_x * self.cell_y
    }

    pub(crate) fn centre_x(&self, column: usize) -> f64 {
        self.min_x + (column as f64 + 0.5) * self.cell_x
    }

    pub(crate) fn centre_y(&self, row: usize) -> f64 {
        self.min_y + (row as f64 + 0.5) * self.cell_y
    }

    /// The first column whose centre is not left of x, at most the number of columns.
    fn column_from(&self, x: f64) -> usize {
        (((x - self.min_x) / self.cell_x - 0.5).ceil().max(0.0) as usize).min(self.columns)
    }

    /// The first row whose centre is not below y, at most the number of rows.
    fn row_from(&self, y: f64) -> usize {
        (((y - self.min_y) / self.cell_y - 0.5).ceil().max(0.0) as usize).min(self.rows)
    }

    /// The tile columns that hold cells between two places; `None` where there are none.
    pub(crate) fn tile_range_x(&self, min_x: f64, max_x: f64) -> Option<std::ops::Range<usize>> {
        tile_range((min_x - self.min_x) / self.cell_x, (max_x - self.min_x) / self.cell_x, self.columns, COLUMNS)
    }

    /// The tile rows that hold cells between two places; `None` where there are none.
    pub(crate) fn tile_range_y(&self, min_y: f64, max_y: f64) -> Option<std::ops::Range<usize>> {
        tile_range((min_y - self.min_y) / self.cell_y, (max_y - self.min_y) / self.cell_y, self.rows, ROWS)
    }
}

fn tile_range(from: f64, to: f64, cells: usize, per_tile: usize) -> Option<std::ops::Range<usize>> {
    if !(to >= 0.0 && from < cells as f64) {
        return None;
    }
    let first = from.max(0.0) as usize / per_tile;
    let last = (to as usize).min(cells - 1) / per_tile;
    Some(first..last + 1)
}

pub(super) fn checked_bounds(shape: &StockShape) -> Result<Aabb, StockError> {
    if let StockShape::Mesh(triangles) = shape
        && !triangles.iter().flatten().all(|point| point.iter().all(|value| value.is_finite()))
    {
        return Err(StockError::NotFinite);
    }
    let bounds = shape.bounds();
    let size = bounds.size();
    if !bounds.is_empty() {
        let within = |value: &f64| value.abs() <= StockError::COORDINATE_MAX_MM;
        if !bounds.min.iter().chain(bounds.max.iter()).all(within) {
            return Err(StockError::NotFinite);
        }
    }
    if bounds.is_empty() || size.iter().any(|&edge| edge < 1e-3) {
        return Err(StockError::Empty { x_mm: size.x, y_mm: size.y, z_mm: size.z });
    }
    Ok(bounds)
}

/// The grid for a stock under the memory limit, and whether it had to be coarser than asked for.
fn checked_grid(bounds: &Aabb, options: MapOptions) -> Result<(Grid, bool), StockError> {
    if !(options.cell_mm.is_finite() && options.cell_mm >= 1e-4) {
        return Err(StockError::Cell { cell_mm: options.cell_mm });
    }
    let size = bounds.size();
    let mut cell_mm = options.cell_mm;
    let mut coarsened = false;
    loop {
        let (columns, rows) = ((size.x / cell_mm - 1e-9).ceil().max(1.0), (size.y / cell_mm - 1e-9).ceil().max(1.0));
        let tiles = (columns / COLUMNS as f64).ceil() * (rows / ROWS as f64).ceil();
        let bytes = tiles * TILE_BYTES as f64;
        let fits = bytes <= options.memory_max_bytes as f64 && tiles <= TILES_MAX as f64;
        if fits && columns.max(rows) <= CELLS_ALONG_MAX {
            let (columns, rows) = (columns as usize, rows as usize);
            let grid = Grid {
                min_x: bounds.min.x,
                min_y: bounds.min.y,
                cell_x: size.x / columns as f64,
                cell_y: size.y / rows as f64,
                columns,
                rows,
                tile_columns: columns.div_ceil(COLUMNS),
                tile_rows: rows.div_ceil(ROWS),
                floor: bounds.min.z as f32,
            };
            return Ok((grid, coarsened));
        }
        if columns.max(rows) <= CELLS_ALONG_MIN {
            return Err(StockError::Memory { needed: bytes as u64, limit: options.memory_max_bytes });
        }
        // A twentieth coarser at a time: at most a few hundred rounds, and never much coarser than needed.
        cell_mm *= 1.05;
        coarsened = true;
    }
}

/// Volume enclosed by a closed mesh, by the divergence theorem; the sign of its orientation is dropped.
pub(super) fn enclosed_mm3(triangles: &[[Point; 3]], origin: &Point) -> f64 {
    let sum: ExactSum =
        triangles.iter().map(|[a, b, c]| (a - origin).dot(&(b - origin).cross(&(c - origin))) / 6.0).collect();
    sum.total().abs()
}
