//! A straight piece of a path and what the inner loops need of it: the local frame, row spans, heights of cells.

use super::underside::{Line, Underside};
use crate::stock::{BLOCK, Grid, LANES, Lanes, Simd};
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

/// Below this horizontal length, mm, a piece is a plunge.
const PLUNGE_MM: f64 = 1e-6;
/// A piece that goes less far than this along y, mm, is taken to lie along x where spans may be wider than exact.
const ALONG_X_MM: f32 = 0.05;
/// What is added to the ends of a side, as a share of it, where spans may be wider than exact: a hundred times the rounding
/// of the shortest sides under the largest cutters.
const SIDE_SLACK: f32 = 1e-3;
/// Spans of a disc that is drawn out from the first centre to the last, so far beside them; empty ones go from +∞ to −∞.
#[inline(always)]
fn disc<L: Lanes>((first, last): (f32, f32), beside: L, radius: f32) -> (L, L) {
    let zero = L::splat(0.0);
    let half2 = L::splat(radius * radius) - beside * beside;
    let (some, half) = (zero.le(half2), half2.greatest(zero).sqrt());
    let from = L::select(some, L::splat(first) - half, L::splat(f32::INFINITY));
    (from, L::select(some, L::splat(last) + half, L::splat(f32::NEG_INFINITY)))
}

/// Parts of a block that are computed at once.
const PARTS: usize = BLOCK / LANES;
/// A piece, prepared for the loops: local frame at its start, single precision.
pub(super) struct Prepared {
    pub(super) origin_x: f64,
    pub(super) origin_y: f64,
    /// Horizontal direction.
    pub(super) ux: f32,
    pub(super) uy: f32,
    pub(super) line: Line,
    /// Tip at the start and at the end.
    pub(super) z_start: f32,
    pub(super) z_end: f32,
    /// Cells with s below are under the pose at the start only, above `s_end` under the one at the end.
    pub(super) s_start: f32,
    pub(super) s_end: f32,
    /// Cells with s below need not be looked at.
    pub(super) s_from: f32,
    /// Half the width of the stadium and the ends of its axis, for row spans.
    pub(super) radius: f64,
    pub(super) x_end: f64,
    pub(super) y_end: f64,
    /// From the first to the last cell of a block.
    pub(super) block_width: f32,
    /// x of the cells of a block from the block's first cell.
    pub(super) offsets: [[f32; LANES]; PARTS],
    pub(super) simd: Simd,
    pub(super) floor: f32,
    pub(super) track: bool,
}

impl Prepared {
    pub(super) fn new(grid: &Grid, piece: &Piece, radius: f64, simd: Simd, lead: impl Fn(f32) -> f32) -> Self {
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
                std::array::from_fn(|lane| ((part * LANES + lane) as f64 * grid.cell_x) as f32)
            }),
            simd,
            block_width: ((BLOCK - 1) as f64 * grid.cell_x) as f32,
            floor: grid.floor,
            track: piece.track,
        }
    }

    pub(super) fn is_level(&self) -> bool {
        self.line.rise == 0.0
    }

    pub(super) fn low(&self) -> f32 {
        if self.z_start < self.z_end { self.z_start } else { self.z_end }
    }

    /// x from the origin between which a row at y from the origin lies under the cutter: the hull of two
    /// discs, which is convex, so that its span is that of its discs and its two straight sides.
    pub(super) fn span(&self, y: f64) -> Option<(f64, f64)> {
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

    /// The same for eight rows, under that part of the cutter whose radius is `reach`, and a little wider than exact.
    /// Empty spans go from +∞ to −∞.
    #[inline(always)]
    pub(super) fn span_within<L: Lanes>(&self, y: L, reach: f32) -> (L, L) {
        let (x_end, y_end) = (self.x_end as f32, self.y_end as f32);
        let (none_from, none_to) = (L::splat(f32::INFINITY), L::splat(f32::NEG_INFINITY));
        if y_end.abs() < ALONG_X_MM {
            // A disc that is drawn out along x, and as near to every row as its nearer end.
            let beside = (y - L::splat(0.5 * y_end)).abs() - L::splat(0.5 * y_end.abs());
            return disc((x_end.min(0.0), x_end.max(0.0)), beside.greatest(L::splat(0.0)), reach);
        }
        let (start, end) = (disc((0.0, 0.0), y, reach), disc((x_end, x_end), y - L::splat(y_end), reach));
        let (mut from, mut to) = (start.0.least(end.0), start.1.greatest(end.1));
        let (low, high, slack) =
            (L::splat(-SIDE_SLACK), L::splat(1.0 + SIDE_SLACK), L::splat(SIDE_SLACK * x_end.abs()));
        for side in [-reach, reach] {
            let t = (y - L::splat(self.ux * side)) * L::splat(1.0 / y_end);
            let x = L::splat(-self.uy * side) + t * L::splat(x_end);
            let some = low.le(t) & t.le(high);
            from = from.least(L::select(some, x - slack, none_from));
            to = to.greatest(L::select(some, x + slack, none_to));
        }
        (from, to)
    }
}

/// Heights that a block is lowered to, part by part. A trait and not a closure: the loop that takes them is compiled for
/// each way of computing, and a closure may be left out of that.
pub(super) trait Surface<L: Lanes> {
    /// Heights of a part of the block.
    fn part(&self, part: usize) -> L;
}

/// One height within a span of x.
pub(super) struct Plane<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) x: f32,
    pub(super) span: (f32, f32),
}

impl<L: Lanes> Surface<L> for Plane<'_> {
    #[inline(always)]
    fn part(&self, part: usize) -> L {
        let x = L::splat(self.x) + L::new(self.prepared.offsets[part]);
        let inside = L::splat(self.span.0).le(x) & x.le(L::splat(self.span.1));
        L::select(inside, L::splat(self.prepared.z_start), L::splat(f32::INFINITY))
    }
}

/// A cutter that stands at one point; x and y of the block's first cell are from its axis.
pub(super) struct Standing<'a, U> {
    pub(super) prepared: &'a Prepared,
    pub(super) underside: U,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

impl<L: Lanes, U: Underside> Surface<L> for Standing<'_, U> {
    #[inline(always)]
    fn part(&self, part: usize) -> L {
        let x = L::splat(self.x) + L::new(self.prepared.offsets[part]);
        L::splat(self.z) + self.underside.height(x * x + L::splat(self.y * self.y))
    }
}

/// Any cutter on the way: on a level piece the nearest pose is the lowest.
pub(super) struct Moving<'a, U, const LEVEL: bool> {
    pub(super) prepared: &'a Prepared,
    pub(super) underside: U,
    pub(super) x: f32,
    pub(super) y: f32,
}

impl<L: Lanes, U: Underside, const LEVEL: bool> Surface<L> for Moving<'_, U, LEVEL> {
    #[inline(always)]
    fn part(&self, part: usize) -> L {
        let prepared = self.prepared;
        // s along and d beside the line.
        let (x, ux, uy) = (L::splat(self.x) + L::new(prepared.offsets[part]), prepared.ux, prepared.uy);
        let s = x * L::splat(ux) + L::splat(self.y * uy);
        let d = L::splat(self.y * ux) - x * L::splat(uy);
        let above = if LEVEL {
            let e = s - s.least(L::splat(prepared.line.length)).greatest(L::splat(0.0));
            self.underside.height(d * d + e * e)
        } else {
            self.underside.swept(&prepared.line, s, d)
        };
        L::splat(prepared.z_start) + above
    }
}
