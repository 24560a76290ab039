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
}
impl Prepared {
    /// A cutter that stands at one point; x and y of the block's first cell are from its axis.
    #[inline(always)]
    pub(super) fn standing<L: Lanes, U: Underside>(&self, underside: U, part: usize, x: f32, y: f32, z: f32) -> L {
        let x = L::splat(x) + L::new(self.offsets[part]);
        L::splat(z) + underside.height(x * x + L::splat(y * y))
    }

    /// s along and d beside the line.
    #[inline(always)]
    pub(super) fn along<L: Lanes>(&self, part: usize, x: f32, y: f32) -> (L, L) {
        let x = L::splat(x) + L::new(self.offsets[part]);
        (x * L::splat(self.ux) + L::splat(y * self.uy), L::splat(y * self.ux) - x * L::splat(self.uy))
    }

    /// Any cutter on a level piece: the nearest pose is the lowest.
    #[inline(always)]
    pub(super) fn level<L: Lanes, U: Underside>(&self, underside: U, part: usize, x: f32, y: f32) -> L {
        let (s, d): (L, L) = self.along(part, x, y);
        let e = s - s.least(L::splat(self.line.length)).greatest(L::splat(0.0));
        L::splat(self.z_start) + underside.height(d * d + e * e)
    }

    /// Any cutter on a piece that rises or falls.
    #[inline(always)]
    pub(super) fn sloped<L: Lanes, U: Underside>(&self, underside: U, part: usize, x: f32, y: f32) -> L {
        let (s, d): (L, L) = self.along(part, x, y);
        L::splat(self.z_start) + underside.swept(&self.line, s, d)
    }
}
