//! What is known of the material around a cutter before any cell is looked up: the bounds of the tiles.
//!
//! Ahead of a cutter lies mostly stock that nobody has touched, and beside it mostly floor that has been cut: whole
//! tiles above every slice or below it. So a half turn is parted into eight sectors of eight bins, and the tiles under the
//! box around each give bounds on what its look-ups can find. Only where a slice lies between the two is a cell read. A bound
//! is never narrower than the truth, so that not a bit of a sample depends on it.

use std::f64::consts::PI;

use shared::det::math;

use super::ring::Half;
use super::sample::{HALF, View};
use crate::stock::{COLUMNS, Job, LANES, Lanes, ROWS};

/// Bins of a sector.
const BINS: usize = HALF / LANES;
const ALL: u64 = (1 << BINS) - 1;
/// Half cells of radius below which the sample is held inside the radius beside the path in every sector, and how far ahead
/// of the surface it is then, in half cells.
const SMALL_HALVES: f32 = 16.0;
const SMALL_AHEAD_HALVES: f32 = 9.0;
/// What single precision may lose: of a place, in cells and for each cell of the map; of a height, as a share.
const PLACE_SLACK_CELLS: f32 = 0.02;
const PLACE_SLACK_SHARE: f32 = 2.5e-7;
const HEIGHT_SLACK: f32 = 1e-6;

/// Least and greatest sine, least and greatest cosine of each sector of the forward half.
#[derive(Clone, Debug)]
pub(super) struct Corners([[f32; LANES]; 4]);

impl Corners {
    pub(super) fn new() -> Self {
        let ends = |sector: usize| [sector, sector + 1].map(|end| end as f64 * PI / LANES as f64);
        let table = |function: fn(f64) -> f64, of: fn(f64, f64) -> f64| {
            std::array::from_fn(|sector| {
                let [first, last] = ends(sector).map(function);
                of(first, last) as f32
            })
        };
        Self([
            table(math::sin, f64::min),
            table(math::sin, f64::max),
            table(math::cos, f64::min),
            table(math::cos, f64::max),
        ])
    }
}

/// Bounds on what look-ups in each sector find.
pub(super) struct Sectors {
    /// Heights above the tip, with what a climb may take from them or add.
    low: [f32; LANES],
    high: [f32; LANES],
    /// True where the two are the height of every cell.
    level: bool,
}

impl Sectors {
    /// Of rings between two radii.
    pub(super) fn new(view: &View<'_>, half: Half, (from, to): (f64, f64)) -> Self {
        let boxes = view.sampler.simd.run(Boxes { view, half, from: from as f32, to: to as f32 });
        let grid = &view.map.grid;
        let (mut low, mut high) = ([f32::NEG_INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for sector in 0..LANES {
            let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
            let columns = boxes.columns[0][sector] as usize..=boxes.columns[1][sector] as usize;
            for row in boxes.rows[0][sector] as usize..=boxes.rows[1][sector] as usize {
                let base = row * grid.tile_columns;
                for bounds in &view.map.bounds[base + columns.start()..=base + columns.end()] {
                    min = min.min(bounds.min);
                    max = max.max(bounds.max);
                }
            }
            let slack = boxes.climb[sector];
            let slack = if slack == 0.0 { 0.0 } else { slack + HEIGHT_SLACK * (view.tip_z.abs() + max.abs()) };
            high[sector] = max - view.tip_z + slack;
            // What lies on the floor is no material, nor is what lies outside.
            if min > grid.floor && boxes.inside >> sector & 1 == 1 {
                low[sector] = min - view.tip_z - slack;
            }
        }
        Self { low, high, level: view.climb == 0.0 }
    }

    /// Bins of the half turn that are in material above z whatever the cells are, and those that depend on them.
    pub(super) fn settle(&self, z: f32) -> (u64, u64) {
        let bins = |sector: usize, is: bool| if is { ALL << (BINS * sector) } else { 0 };
        (0..LANES).fold((0, 0), |(certain, open), sector| {
            let (low, high) = (self.low[sector], self.high[sector]);
            (certain | bins(sector, low > z), open | bins(sector, low <= z && high > z))
        })
    }

    /// The height of every cell of a sector, where they are known to be the same.
    pub(super) fn uniform(&self, sector: usize) -> Option<f32> {
        (self.level && self.low[sector] == self.high[sector]).then_some(self.low[sector])
    }
}

/// The tiles under the boxes around sectors.
struct Found {
    columns: [[i32; LANES]; 2],
    rows: [[i32; LANES]; 2],
    /// One bit for each sector that lies in the map.
    inside: u32,
    /// By how much a climb may change what is found, mm.
    climb: [f32; LANES],
}

struct Boxes<'a> {
    view: &'a View<'a>,
    half: Half,
    from: f32,
    to: f32,
}

impl Boxes<'_> {
    /// Ends of the sectors ahead of the axis and beside it, mm, and the longest way from the surface to the sample.
    #[inline(always)]
    fn ends<L: Lanes>(&self) -> ([L; 2], [L; 2], L) {
        let view = self.view;
        let [sine_min, sine_max, cosine_min, cosine_max] = view.sampler.corners.0.map(L::new);
        let (from, to, zero) = (L::splat(self.from), L::splat(self.to), L::splat(0.0));
        let ahead = [from * sine_min, to * sine_max];
        let beside = [(from * cosine_min).least(to * cosine_min), (from * cosine_max).greatest(to * cosine_max)];
        match self.half {
            Half::On { first: 0 } => (ahead, beside, zero),
            Half::On { .. } => ([zero - ahead[1], zero - ahead[0]], [zero - beside[1], zero - beside[0]], zero),
            Half::Ahead => {
                // The way grows with the radius and towards both sides.
                let half = view.half_beside;
                let out = (to * cosine_min.abs().greatest(cosine_max.abs())).least(L::splat((self.to - half).max(0.0)));
                let inner = (out - L::splat(half)).greatest(zero);
                let clear = (to * to - inner * inner).greatest(zero).sqrt() - to * sine_min;
                let small = if self.from < SMALL_HALVES * half { SMALL_AHEAD_HALVES * half } else { 0.0 };
                let way = clear.greatest(L::splat(small)) + L::splat(view.half_ahead);
                let way = way.least(L::splat(view.straight_on)).greatest(zero);
                let aside = L::splat(half);
                ([ahead[0], ahead[1] + way], [beside[0] - aside, beside[1] + aside], way)
            }
        }
    }
}

/// The sides of boxes along one axis of the map, in cells; ends ahead and beside are multiplied by u and v.
///
/// Not a closure, as none of what runs on lanes: what is called from two places may be compiled without the wide registers.
#[inline(always)]
fn sides<L: Lanes>(axis: f32, slack: f32, (ahead, u): ([L; 2], f32), (beside, v): ([L; 2], f32)) -> [L; 2] {
    let [a, b] = [ahead[0] * L::splat(u), ahead[1] * L::splat(u)];
    let [c, d] = [beside[0] * L::splat(v), beside[1] * L::splat(v)];
    let axis = L::splat(axis);
    [axis + a.least(b) + c.least(d) - L::splat(slack), axis + a.greatest(b) + c.greatest(d) + L::splat(slack)]
}

/// The tiles that hold places, or are nearest to them, on an axis of so many cells.
#[inline(always)]
fn tiles<L: Lanes>(place: L, size: f32, per_tile: usize) -> [i32; LANES] {
    (place.greatest(L::splat(0.0)).least(L::splat(size - 1.0)) * L::splat(1.0 / per_tile as f32)).trunc()
}

impl Job for Boxes<'_> {
    type Output = Found;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Found {
        let view = self.view;
        let (ahead, beside, way) = self.ends::<L>();
        let zero = L::splat(0.0);
        let [columns, rows] = view.size;
        let slack = PLACE_SLACK_CELLS + PLACE_SLACK_SHARE * (columns + rows);
        let [x_min, x_max] = sides(view.axis_x, slack, (ahead, view.ahead[0]), (beside, view.beside[0]));
        let [y_min, y_max] = sides(view.axis_y, slack, (ahead, view.ahead[1]), (beside, view.beside[1]));
        let inside = zero.le(x_min) & zero.le(y_min) & x_max.lt(L::splat(columns)) & y_max.lt(L::splat(rows));
        let climb = (way + L::splat(2.0 * view.cell_mm as f32)) * L::splat(view.climb.abs());
        Found {
            columns: [tiles(x_min, columns, COLUMNS), tiles(x_max, columns, COLUMNS)],
            rows: [tiles(y_min, rows, ROWS), tiles(y_max, rows, ROWS)],
            inside: L::bits(inside),
            climb: if matches!(self.half, Half::Ahead) { climb.to_array() } else { [0.0; LANES] },
        }
    }
}
