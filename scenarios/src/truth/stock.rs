//! A dense grid of columns: what is left of the stock.
//!
//! One `f32` a column, the height of its top; a column without material has minus infinity. Sampling is at
//! column centres. The grid knows the underside of the stock as one height: what is cut down to it is gone.
//! There are no tiles, no copy-on-write and no cleverness; it is meant to be obviously right.

use std::ops::Range;

use shared::geom::Point;
use shared::units::Length;

use super::TruthError;

/// Most columns of a grid: 256 MB.
pub(super) const COLUMNS_MAX: u128 = 1 << 26;

const EMPTY: f32 = f32::NEG_INFINITY;

/// What stands on the table, in the work frame.
#[derive(Clone, Debug, PartialEq)]
pub enum TrueStock {
    /// A box.
    Box {
        /// Smallest coordinates.
        min: Point,
        /// Greatest coordinates.
        max: Point,
    },
    /// A cylinder that stands upright.
    Cylinder {
        /// Centre of the lower face.
        base: Point,
        /// Diameter.
        diameter: Length,
        /// Height.
        height: Length,
    },
    /// A closed surface of triangles, seen from above: undercuts are filled, the underside is its lowest point.
    Surface(Vec<[Point; 3]>),
}

/// The columns.
#[derive(Clone, Debug)]
pub(super) struct ColumnGrid {
    tops: Vec<f32>,
    columns_x: usize,
    columns_y: usize,
    origin_x_mm: f64,
    origin_y_mm: f64,
    cell_mm: f64,
    per_mm: f64,
    floor_mm: f32,
    top_mm: f32,
}

/// Underside of a cutter over the squared distance from its axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Underside {
    pub(super) radius_mm: f64,
    pub(super) form: UndersideForm,
}

/// Which curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum UndersideForm {
    /// Level.
    Flat,
    /// Level up to the corner, then a quarter circle. A ball has no level part.
    Corner { corner_mm: f64 },
    /// Rises by this much per mm of radius.
    Cone { slope: f64 },
}

impl ColumnGrid {
    pub(super) fn new(stock: &TrueStock, cell_mm: f64) -> Result<Self, TruthError> {
        if !(cell_mm > 0.0 && cell_mm.is_finite()) {
            return Err(TruthError::OutOfRange { what: "the cell in mm", value: cell_mm });
        }
        let (min, max) = extent(stock);
        let size = max - min;
        if !size.iter().all(|length| length.is_finite() && *length > 0.0) {
            return Err(TruthError::EmptyStock);
        }
        let (count_x, count_y) = ((size.x / cell_mm).ceil().max(1.0), (size.y / cell_mm).ceil().max(1.0));
        let columns = count_x as u128 * count_y as u128;
        if columns > COLUMNS_MAX {
            return Err(TruthError::TooManyColumns { columns });
        }
        let mut grid = Self {
            tops: vec![EMPTY; columns as usize],
            columns_x: count_x as usize,
            columns_y: count_y as usize,
            origin_x_mm: min.x,
            origin_y_mm: min.y,
            cell_mm,
            per_mm: 1.0 / cell_mm,
            floor_mm: min.z as f32,
            top_mm: max.z as f32,
        };
        grid.fill(stock);
        Ok(grid)
    }

    /// Greatest height the stock ever had, mm.
    pub(super) fn top_mm(&self) -> f64 {
        f64::from(self.top_mm)
    }

    /// Underside of the stock, mm.
    pub(super) fn floor_mm(&self) -> f64 {
        f64::from(self.floor_mm)
    }

    /// Edge length of a column, mm.
    pub(super) fn cell_mm(&self) -> f64 {
        self.cell_mm
    }

    /// Top of the material at a place, minus infinity where there is none, mm.
    #[inline]
    pub(super) fn top_at(&self, x_mm: f64, y_mm: f64) -> f64 {
        let (place_x, place_y) = ((x_mm - self.origin_x_mm) * self.per_mm, (y_mm - self.origin_y_mm) * self.per_mm);
        if place_x < 0.0 || place_y < 0.0 {
            return f64::NEG_INFINITY;
        }
        let (column_x, column_y) = (place_x as usize, place_y as usize);
        if column_x >= self.columns_x || column_y >= self.columns_y {
            return f64::NEG_INFINITY;
        }
        f64::from(self.tops[column_y * self.columns_x + column_x])
    }

    /// Lowers every column under the cutter at a pose; the volume that went, mm³.
    ///
    /// `before` is the pose stamped last, if nothing else was stamped since. A cutter that has not gone down
    /// since then can only meet material in front of the line half-way between the two poses, because what
    /// lies behind it is nearer to the pose before; a flat one only in the crescent.
    pub(super) fn stamp(&mut self, under: Underside, at: Point, before: Option<Point>) -> f64 {
        let radius_mm = under.radius_mm;
        let before = before.filter(|before| before.z <= at.z);
        let rows = self.span(self.origin_y_mm, self.columns_y, at.y, radius_mm);
        let mut lowered_mm = 0.0;
        for row in rows {
            let y_mm = self.origin_y_mm + (row as f64 + 0.5) * self.cell_mm;
            let whole = self.span(self.origin_x_mm, self.columns_x, at.x, half_chord(radius_mm, y_mm - at.y));
            let done = match before {
                Some(before) if under.form == UndersideForm::Flat => {
                    let half_mm = half_chord(radius_mm, y_mm - before.y);
                    self.span(self.origin_x_mm, self.columns_x, before.x, half_mm)
                }
                Some(before) => self.behind(before, at, y_mm, &whole),
                None => 0..0,
            };
            if done.is_empty() {
                lowered_mm += self.lower(row, whole, under, at);
            } else {
                lowered_mm += self.lower(row, whole.start..whole.end.min(done.start), under, at);
                lowered_mm += self.lower(row, whole.start.max(done.end)..whole.end, under, at);
            }
        }
        lowered_mm * self.cell_mm * self.cell_mm
    }

    /// The columns of a row that lie nearer to `before` than to `at`, a column's width left out for rounding.
    fn behind(&self, before: Point, at: Point, y_mm: f64, whole: &Range<usize>) -> Range<usize> {
        let (dx_mm, dy_mm) = (at.x - before.x, at.y - before.y);
        let (middle_x_mm, middle_y_mm) = ((at.x + before.x) / 2.0, (at.y + before.y) / 2.0);
        if dx_mm.abs() < 1e-9 {
            let nearer = (y_mm - middle_y_mm) * dy_mm < 0.0;
            return if nearer { whole.clone() } else { 0..0 };
        }
        let border_mm = middle_x_mm - (y_mm - middle_y_mm) * dy_mm / dx_mm;
        let column = ((border_mm - self.origin_x_mm) / self.cell_mm).clamp(0.0, self.columns_x as f64) as usize;
        if dx_mm > 0.0 { 0..column.saturating_sub(1) } else { (column + 1).min(self.columns_x)..self.columns_x }
    }

    fn lower(&mut self, row: usize, columns: Range<usize>, under: Underside, at: Point) -> f64 {
        if columns.is_empty() {
            return 0.0;
        }
        let dy_mm = (self.origin_y_mm + (row as f64 + 0.5) * self.cell_mm - at.y) as f32;
        let first_mm = (self.origin_x_mm + (columns.start as f64 + 0.5) * self.cell_mm - at.x) as f32;
        let start = row * self.columns_x;
        let tops = &mut self.tops[start + columns.start..start + columns.end];
        let run = Run { first_mm, cell_mm: self.cell_mm as f32, dy2_mm2: dy_mm * dy_mm, floor_mm: self.floor_mm };
        let tip_mm = at.z as f32;
        match under.form {
            UndersideForm::Flat => run.lower(tops, |_| tip_mm),
            UndersideForm::Corner { corner_mm } => {
                let (corner, level) = (corner_mm as f32, (under.radius_mm - corner_mm) as f32);
                run.lower(tops, |r2| {
                    let out = positive(r2.sqrt() - level);
                    tip_mm + corner - positive(corner * corner - out * out).sqrt()
                })
            }
            UndersideForm::Cone { slope } => {
                let slope = slope as f32;
                run.lower(tops, |r2| tip_mm + slope * r2.sqrt())
            }
        }
    }

    /// Columns (or rows) whose centre is within `half_mm` of a coordinate; empty for a negative half.
    fn span(&self, origin_mm: f64, count: usize, at_mm: f64, half_mm: f64) -> Range<usize> {
        if half_mm < 0.0 {
            return 0..0;
        }
        let place = |mm: f64| ((mm - origin_mm) / self.cell_mm - 0.5).ceil().clamp(0.0, count as f64) as usize;
        // The upper end is exclusive, so a centre exactly on the border counts once on the lower side only.
        place(at_mm - half_mm)..place(at_mm + half_mm)
    }

    fn fill(&mut self, stock: &TrueStock) {
        if let TrueStock::Surface(triangles) = stock {
            triangles.iter().for_each(|triangle| self.raise(triangle));
            return;
        }
        for row in 0..self.columns_y {
            for column in 0..self.columns_x {
                let inside = match stock {
                    TrueStock::Cylinder { base, diameter, .. } => {
                        let dx_mm = self.origin_x_mm + (column as f64 + 0.5) * self.cell_mm - base.x;
                        let dy_mm = self.origin_y_mm + (row as f64 + 0.5) * self.cell_mm - base.y;
                        4.0 * (dx_mm * dx_mm + dy_mm * dy_mm) <= diameter.as_mm() * diameter.as_mm()
                    }
                    _ => true,
                };
                if inside {
                    self.tops[row * self.columns_x + column] = self.top_mm;
                }
            }
        }
    }

    /// Raises the columns under a triangle to it.
    fn raise(&mut self, [a, b, c]: &[Point; 3]) {
        let area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
        if area == 0.0 {
            return;
        }
        let (low_x, high_x) = (a.x.min(b.x).min(c.x), a.x.max(b.x).max(c.x));
        let (low_y, high_y) = (a.y.min(b.y).min(c.y), a.y.max(b.y).max(c.y));
        let half = |low: f64, high: f64| (high - low) / 2.0 + self.cell_mm;
        let rows = self.span(self.origin_y_mm, self.columns_y, (low_y + high_y) / 2.0, half(low_y, high_y));
        let columns = self.span(self.origin_x_mm, self.columns_x, (low_x + high_x) / 2.0, half(low_x, high_x));
        for row in rows {
            let y_mm = self.origin_y_mm + (row as f64 + 0.5) * self.cell_mm;
            for column in columns.clone() {
                let x_mm = self.origin_x_mm + (column as f64 + 0.5) * self.cell_mm;
                let share_b = ((x_mm - a.x) * (c.y - a.y) - (c.x - a.x) * (y_mm - a.y)) / area;
                let share_c = ((b.x - a.x) * (y_mm - a.y) - (x_mm - a.x) * (b.y - a.y)) / area;
                // The slack closes the seam between two triangles that share an edge.
                if share_b >= -1e-9 && share_c >= -1e-9 && share_b + share_c <= 1.0 + 1e-9 {
                    let z_mm = (a.z + share_b * (b.z - a.z) + share_c * (c.z - a.z)) as f32;
                    let top = &mut self.tops[row * self.columns_x + column];
                    *top = top.max(z_mm);
                }
            }
        }
    }

    /// Volume of what is left, mm³.
    #[cfg(test)]
    pub(super) fn volume_mm3(&self) -> f64 {
        let heights = self.tops.iter().filter(|top| **top > self.floor_mm).map(|top| f64::from(top - self.floor_mm));
        heights.sum::<f64>() * self.cell_mm * self.cell_mm
    }
}

/// A run of columns of one row.
#[derive(Clone, Copy, Debug)]
struct Run {
    first_mm: f32,
    cell_mm: f32,
    dy2_mm2: f32,
    floor_mm: f32,
}

impl Run {
    /// Lowers the run to a surface over the squared radius; the sum of what went, mm. Written without branches
    /// so that it becomes vector code: this is where the time of a stamp goes.
    #[inline]
    fn lower(self, tops: &mut [f32], surface_mm: impl Fn(f32) -> f32) -> f64 {
        let mut lowered_mm = 0.0f64;
        for (part, tops) in tops.chunks_mut(64).enumerate() {
            let mut sums = [0.0f32; 8];
            for (index, top) in tops.iter_mut().enumerate() {
                let dx_mm = self.first_mm + (part * 64 + index) as f32 * self.cell_mm;
                let cut = surface_mm(dx_mm * dx_mm + self.dy2_mm2);
                let left = if cut > self.floor_mm { cut } else { self.floor_mm };
                sums[index & 7] += positive(*top - left);
                let left = if cut > self.floor_mm { cut } else { EMPTY };
                *top = if cut < *top { left } else { *top };
            }
            lowered_mm += f64::from(sums.iter().sum::<f32>());
        }
        lowered_mm
    }
}

#[inline]
fn positive(value: f32) -> f32 {
    if value > 0.0 { value } else { 0.0 }
}

/// Half of the chord of a circle at a distance from its centre; negative outside.
fn half_chord(radius_mm: f64, distance_mm: f64) -> f64 {
    let square = radius_mm * radius_mm - distance_mm * distance_mm;
    if square < 0.0 { -1.0 } else { square.sqrt() }
}

fn extent(stock: &TrueStock) -> (Point, Point) {
    match stock {
        TrueStock::Box { min, max } => (*min, *max),
        TrueStock::Cylinder { base, diameter, height } => {
            let radius_mm = diameter.as_mm() / 2.0;
            let low = Point::new(base.x - radius_mm, base.y - radius_mm, base.z);
            (low, Point::new(base.x + radius_mm, base.y + radius_mm, base.z + height.as_mm()))
        }
        TrueStock::Surface(triangles) => {
            let infinite = Point::new(f64::INFINITY, f64::INFINITY, f64::INFINITY);
            let corners = triangles.iter().flatten();
            corners.fold((infinite, -infinite), |(low, high), corner| (low.inf(corner), high.sup(corner)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    const FORMS: [UndersideForm; 4] = [
        UndersideForm::Flat,
        UndersideForm::Corner { corner_mm: 3.0 },
        UndersideForm::Corner { corner_mm: 1.0 },
        UndersideForm::Cone { slope: 1.0 },
    ];

    fn grid() -> ColumnGrid {
        let stock = TrueStock::Box { min: Point::new(0.0, 0.0, -10.0), max: Point::new(20.0, 20.0, 0.0) };
        ColumnGrid::new(&stock, 0.1).expect("valid")
    }

    /// What `before` allows to skip would not have been lowered.
    #[test]
    fn skipping_what_the_pose_before_cut_changes_no_column() {
        for (index, form) in FORMS.into_iter().enumerate() {
            let under = Underside { radius_mm: 3.0, form };
            let mut rng = Rng::new(index as u64);
            let (mut skipping, mut whole) = (grid(), grid());
            let (mut at, mut before) = (Point::new(10.0, 10.0, -4.0), None);
            for _ in 0..600 {
                skipping.stamp(under, at, before);
                whole.stamp(under, at, None);
                before = Some(at);
                let rise = if rng.chance(0.5) { 0.0 } else { rng.between(-0.05, 0.05) };
                let step = if rng.chance(0.2) { 0.0 } else { 0.15 };
                at.x = (at.x + rng.between(-step, step)).clamp(0.0, 20.0);
                at.y = (at.y + rng.between(-0.15, 0.15)).clamp(0.0, 20.0);
                at.z = (at.z + rise).clamp(-9.0, 1.0);
            }
            // Distances to two poses that round alike may still differ by the last bits of an f32.
            let worst_mm = skipping.tops.iter().zip(&whole.tops).fold(0.0f32, |worst, (a, b)| worst.max(a - b));
            assert!(worst_mm < 1e-5, "{form:?}: {worst_mm} mm were left standing");
        }
    }

    /// Area of the groove times its length, by the formula of the circular segment.
    #[test]
    fn a_level_groove_of_a_ball_has_the_volume_of_its_segment() {
        let mut grid = grid();
        let under = Underside { radius_mm: 3.0, form: UndersideForm::Corner { corner_mm: 3.0 } };
        let (mut before, mut gone_mm3) = (None, 0.0);
        for step in 0..=600 {
            let at = Point::new(-5.0 + f64::from(step) * 0.05, 10.0, -1.0);
            gone_mm3 += grid.stamp(under, at, before);
            before = Some(at);
        }
        let half_rad = (2.0f64 / 3.0).acos();
        let expected_mm3 = 9.0 * (half_rad - half_rad.sin() * half_rad.cos()) * 20.0;
        assert!((gone_mm3 / expected_mm3 - 1.0).abs() < 2e-3, "{gone_mm3} instead of {expected_mm3}");
        assert!((grid.volume_mm3() + gone_mm3 - 4000.0).abs() < 0.05);
    }

    #[test]
    fn what_is_cut_through_is_gone() {
        let mut grid = grid();
        let under = Underside { radius_mm: 3.0, form: UndersideForm::Flat };
        let gone_mm3 = grid.stamp(under, Point::new(10.0, 10.0, -12.0), None);
        assert!((gone_mm3 / (std::f64::consts::PI * 90.0) - 1.0).abs() < 0.01, "{gone_mm3}");
        assert_eq!(grid.top_at(10.0, 10.0), f64::NEG_INFINITY);
        assert_eq!(grid.stamp(under, Point::new(10.0, 10.0, -15.0), None), 0.0);
    }
}
