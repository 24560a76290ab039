//! The finished part as heights over the cells of the stock: what was cut too deep, and what is left.
//!
//! A wall of the part stands where the cutter's edge runs, and a cell whose centre lies within the error of a chord of it would
//! be called a gouge as deep as the wall is high. So a cell counts as gouged only against the lowest part surface within a cell,
//! or within the tolerance if that is more: a gouge sideways is seen from there on. Undercuts do not exist here: the part is its
//! upper surface.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::det::ExactSum;
use shared::geom::{Aabb, Point};

use crate::mesh::Mesh;
use crate::stock::{COLUMNS, Grid, HeightMap, ROWS};

/// Where the part is not.
const NOTHING: f32 = f32::NEG_INFINITY;

/// Most cells by which a tolerance widens the look sideways.
const SIDEWAYS_MAX: usize = 64;

/// The finished part over the grid of one stock map, and the gouges found so far. A copy shares the heights.
#[derive(Clone)]
pub struct Finished {
    heights: Arc<Heights>,
    tolerance_mm: f64,
    /// Deepest gouge that was reported, by tile and cell; tiles without one are absent.
    known: BTreeMap<usize, Arc<Vec<f32>>>,
}

struct Heights {
    grid: Grid,
    /// Height of the part over each cell, row by row.
    surface: Vec<f32>,
    /// The lowest of them around a cell.
    lower: Vec<f32>,
    /// Greatest `lower` of each tile.
    tile_max: Vec<f32>,
}

/// How the stock as cut differs from the part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leftover {
    /// Greatest height of material above the part's surface, mm, and where; `None` where there is none above the tolerance.
    pub highest: Option<(f64, Point)>,
    /// Volume above the part's surface, over the part, mm³.
    pub left_mm3: f64,
    /// Deepest gouge, mm, and where; `None` where there is none below the tolerance.
    pub deepest: Option<(f64, Point)>,
    /// Volume missing below the part's surface, mm³; walls count by the cells that their error touches.
    pub gouged_mm3: f64,
}

impl Finished {
    /// The part over the grid of a map. Takes eight bytes for each cell.
    pub fn new(part: &Mesh, tolerance_mm: f64, map: &HeightMap) -> Self {
        let grid = map.grid;
        let mut surface = vec![NOTHING; grid.columns * grid.rows];
        part.corners().for_each(|triangle| raise(&grid, &mut surface, &triangle));
        let cell_mm = grid.cell_x.min(grid.cell_y);
        let sideways = ((tolerance_mm / cell_mm).ceil() as usize).clamp(1, SIDEWAYS_MAX);
        let lower = lowest_around(&grid, &surface, sideways);
        let mut tile_max = vec![NOTHING; grid.tile_columns * grid.tile_rows];
        for (index, height) in lower.iter().enumerate() {
            let tile = index / grid.columns / ROWS * grid.tile_columns + index % grid.columns / COLUMNS;
            tile_max[tile] = tile_max[tile].max(*height);
        }
        let heights = Heights { grid, surface, lower, tile_max };
        Self { heights: Arc::new(heights), tolerance_mm, known: BTreeMap::new() }
    }

    /// Gouges within a box that were not there, or were less deep, when this was last asked: the deepest, with its place on
    /// the stock as cut.
    pub fn gouge(&mut self, map: &HeightMap, bounds: &Aabb) -> Option<(f64, Point)> {
        let Heights { grid, lower, tile_max, .. } = self.heights.as_ref();
        let columns = grid.tile_range_x(bounds.min.x, bounds.max.x)?;
        let rows = grid.tile_range_y(bounds.min.y, bounds.max.y)?;
        let tolerance = self.tolerance_mm as f32;
        let mut deepest: Option<(f32, usize, usize)> = None;
        for tile_row in rows {
            for tile_column in columns.clone() {
                let index = tile_row * grid.tile_columns + tile_column;
                if map.bounds[index].min >= tile_max[index] - tolerance {
                    continue;
                }
                for (row, cells) in map.tiles[index].rows.iter().enumerate() {
                    let row = tile_row * ROWS + row;
                    if row >= grid.rows {
                        break;
                    }
                    let first = tile_column * COLUMNS;
                    let count = (grid.columns - first).min(COLUMNS);
                    let part = &lower[row * grid.columns + first..][..count];
                    for (column, (part, cell)) in part.iter().zip(cells).enumerate() {
                        let depth = part - cell;
                        if depth > tolerance
                            && is_new(&mut self.known, index, (row % ROWS) * COLUMNS + column, depth)
                            && deepest.is_none_or(|(known, ..)| depth > known)
                        {
                            deepest = Some((depth, first + column, row));
                        }
                    }
                }
            }
        }
        deepest.map(|(depth, column, row)| {
            let place = Point::new(grid.centre_x(column), grid.centre_y(row), f64::from(map.cell(column, row)));
            (f64::from(depth), place)
        })
    }

    /// Holds a stock as cut against the part, over every cell of it.
    pub fn compare(&self, map: &HeightMap) -> Leftover {
        let Heights { grid, surface, lower, .. } = self.heights.as_ref();
        let upper = lowest_around(grid, &surface.iter().map(|height| -height).collect::<Vec<_>>(), 1);
        let mut found = Leftover { highest: None, left_mm3: 0.0, deepest: None, gouged_mm3: 0.0 };
        let (mut left, mut gouged) = (ExactSum::default(), ExactSum::default());
        for row in 0..grid.rows {
            for column in 0..grid.columns {
                let index = row * grid.columns + column;
                let cell = map.cell(column, row);
                if surface[index] == NOTHING {
                    continue;
                }
                let above = f64::from(cell) - f64::from(surface[index]);
                if above > 0.0 {
                    left.add(above)
                } else {
                    gouged.add(-above)
                }
                let place = || Point::new(grid.centre_x(column), grid.centre_y(row), f64::from(cell));
                // Against the highest surface around, so that a wall is not taken for material left beside it.
                let high = f64::from(cell) + f64::from(upper[index]);
                if high.is_finite() && high > self.tolerance_mm && found.highest.is_none_or(|(most, _)| high > most) {
                    found.highest = Some((high, place()));
                }
                let deep = f64::from(lower[index]) - f64::from(cell);
                if deep > self.tolerance_mm && found.deepest.is_none_or(|(most, _)| deep > most) {
                    found.deepest = Some((deep, place()));
                }
            }
        }
        found.left_mm3 = left.total() * grid.cell_area_mm2();
        found.gouged_mm3 = gouged.total() * grid.cell_area_mm2();
        found
    }
}

/// True where a gouge is deeper than what is known of its cell; it is known from then on.
fn is_new(known: &mut BTreeMap<usize, Arc<Vec<f32>>>, tile: usize, cell: usize, depth: f32) -> bool {
    let known = Arc::make_mut(known.entry(tile).or_insert_with(|| Arc::new(vec![0.0; ROWS * COLUMNS])));
    let is_new = depth > known[cell];
    known[cell] = known[cell].max(depth);
    is_new
}

/// Raises the cells whose centres lie under a triangle to its height there; borders count as inside.
fn raise(grid: &Grid, surface: &mut [f32], [a, b, c]: &[Point; 3]) {
    let normal = (b - a).cross(&(c - a));
    if normal.z.abs() <= 1e-12 * (b - a).norm() * (c - a).norm() {
        return;
    }
    let (min, max) = (a.inf(b).inf(c), a.sup(b).sup(c));
    let slack_mm = 1e-9 * (1.0 + max.coords.abs().max().max(min.coords.abs().max()));
    let within = |p: &Point, q: &Point, x: f64, y: f64| {
        let cross = (q.x - p.x) * (y - p.y) - (q.y - p.y) * (x - p.x);
        let length = ((q.x - p.x) * (q.x - p.x) + (q.y - p.y) * (q.y - p.y)).sqrt();
        cross * normal.z.signum() >= -slack_mm * length
    };
    let first = |low: f64, origin: f64, cell: f64| ((low - slack_mm - origin) / cell - 0.5).ceil().max(0.0) as usize;
    let end = |high: f64, origin: f64, cell: f64, count: usize| {
        (((high + slack_mm - origin) / cell - 0.5).floor() + 1.0).clamp(0.0, count as f64) as usize
    };
    for row in first(min.y, grid.min_y, grid.cell_y)..end(max.y, grid.min_y, grid.cell_y, grid.rows) {
        let y = grid.centre_y(row);
        for column in first(min.x, grid.min_x, grid.cell_x)..end(max.x, grid.min_x, grid.cell_x, grid.columns) {
            let x = grid.centre_x(column);
            if within(a, b, x, y) && within(b, c, x, y) && within(c, a, x, y) {
                let z = a.z - (normal.x * (x - a.x) + normal.y * (y - a.y)) / normal.z;
                let cell = &mut surface[row * grid.columns + column];
                *cell = cell.max(z.clamp(min.z, max.z) as f32);
            }
        }
    }
}

/// The lowest height within a number of cells along X and Y.
fn lowest_around(grid: &Grid, surface: &[f32], reach: usize) -> Vec<f32> {
    let (columns, rows) = (grid.columns, grid.rows);
    let least = |index: &dyn Fn(usize) -> usize, source: &[f32], at: usize, count: usize| {
        let (from, to) = (at.saturating_sub(reach), (at + reach).min(count - 1));
        (from..=to).map(|other| source[index(other)]).fold(f32::INFINITY, f32::min)
    };
    let mut along = vec![NOTHING; surface.len()];
    for row in 0..rows {
        for column in 0..columns {
            along[row * columns + column] = least(&|other| row * columns + other, surface, column, columns);
        }
    }
    let mut both = vec![NOTHING; surface.len()];
    for row in 0..rows {
        for column in 0..columns {
            both[row * columns + column] = least(&|other| other * columns + column, &along, row, rows);
        }
    }
    both
}
