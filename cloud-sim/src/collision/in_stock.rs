//! Shank, holder and spindle against the stock being cut.
//!
//! The parts above the flutes are frusta about the axis. Their underside is tested against the cells of the height map
//! itself, after the cutter has cut: tile maxima first, which settles nearly every step, then cell by cell. On a straight
//! piece the underside over a cell is lowest where the piece goes lowest within the frustum's inner or outer circle, or
//! where slope of path and slope of cone agree: the height is convex along the piece (KERNEL.md, section 3), and its
//! minimum is at one of these places.

use shared::geom::{Point, Vector};
use shared::machine::NoseSection;
use shared::tool::Tool;

use super::{FindingKind, TOUCH_MAX_MM};
use crate::executor::Executor;
use crate::stock::{COLUMNS, HeightMap, ROWS};

/// Parts are this much slimmer than drawn, mm, so that a shank as wide as its cutter does not touch the
/// wall that the cutter has just left.
const SKIN_MM: f64 = 0.005;

/// A frustum above the flutes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    kind: FindingKind,
    low_mm: f64,
    high_mm: f64,
    radius_low_mm: f64,
    radius_high_mm: f64,
}

/// Shank and holder of a tool, and the nose of the spindle; heights above the tip.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Body {
    parts: Vec<Part>,
}

/// The deepest touch of one part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Touch {
    pub(crate) kind: FindingKind,
    pub(crate) place: Point,
    pub(crate) depth_mm: f64,
}

impl Body {
    pub(crate) fn new(tool: &Tool, nose: &[NoseSection]) -> Self {
        let mut parts = Vec::with_capacity(tool.holder.len() + nose.len() + 1);
        let (flute_mm, stickout_mm) = (tool.flute_length.as_mm(), tool.stickout.as_mm());
        let shank_mm = tool.shank_diameter.as_mm() / 2.0;
        // A slimmer shank stands in the groove of its own cutter; material above the flutes is seen by the sampler.
        if shank_mm > tool.radius().as_mm() && stickout_mm > flute_mm {
            parts.push(Part {
                kind: FindingKind::ShankInStock,
                low_mm: flute_mm,
                high_mm: stickout_mm,
                radius_low_mm: shank_mm,
                radius_high_mm: shank_mm,
            });
        }
        let mut low_mm = stickout_mm;
        for section in &tool.holder {
            let high_mm = low_mm + section.length.as_mm();
            parts.push(Part {
                kind: FindingKind::HolderInStock,
                low_mm,
                high_mm,
                radius_low_mm: section.diameter_low.as_mm() / 2.0,
                radius_high_mm: section.diameter_high.as_mm() / 2.0,
            });
            low_mm = high_mm;
        }
        if tool.holder.is_empty() {
            low_mm = low_mm.max(tool.length_offset.as_mm());
        }
        for section in nose {
            let high_mm = low_mm + section.length.as_mm();
            parts.push(Part {
                kind: FindingKind::SpindleInStock,
                low_mm,
                high_mm,
                radius_low_mm: section.diameter_low.as_mm() / 2.0,
                radius_high_mm: section.diameter_high.as_mm() / 2.0,
            });
            low_mm = high_mm;
        }
        Self { parts }
    }

    /// The deepest touch of each part on a straight piece of path, as far as it is looked for: not once the executor is cancelled.
    pub(crate) fn touches(
        &self,
        map: &HeightMap,
        (start, end): (Point, Point),
        executor: &dyn Executor,
    ) -> impl Iterator<Item = Touch> {
        self.parts.iter().filter_map(move |part| part.touch(map, (&start, &end), executor))
    }
}

impl Part {
    /// Height of the underside above the tip at a distance from the axis; `None` beyond it.
    fn underside_mm(&self, rho_mm: f64) -> Option<f64> {
        let (low_mm, high_mm) = (self.radius_low_mm - SKIN_MM, self.radius_high_mm - SKIN_MM);
        if rho_mm <= low_mm {
            Some(self.low_mm)
        } else if rho_mm <= high_mm {
            Some(self.low_mm + (rho_mm - low_mm) / (high_mm - low_mm) * (self.high_mm - self.low_mm))
        } else {
            None
        }
    }

    fn touch(&self, map: &HeightMap, (start, end): (&Point, &Point), executor: &dyn Executor) -> Option<Touch> {
        let lowest_mm = start.z.min(end.z) + self.low_mm;
        if lowest_mm >= f64::from(map.top) {
            return None;
        }
        let radius_mm = self.radius_low_mm.max(self.radius_high_mm);
        let (min, max) = (start.inf(end), start.sup(end));
        let (min_x, max_x, min_y, max_y) = (min.x - radius_mm, max.x + radius_mm, min.y - radius_mm, max.y + radius_mm);
        let columns = map.grid.tile_range_x(min_x, max_x)?;
        let rows = map.grid.tile_range_y(min_y, max_y)?;
        let mut deepest: Option<Touch> = None;
        for tile_row in rows {
            for tile_column in columns.clone() {
                let index = tile_row * map.grid.tile_columns + tile_column;
                if f64::from(map.bounds[index].max) <= lowest_mm + TOUCH_MAX_MM {
                    continue;
                }
                if executor.stops_before(COLUMNS * ROWS) {
                    return deepest;
                }
                self.touch_tile(map, (tile_column, tile_row), (start, end), &mut deepest);
            }
        }
        deepest
    }

    fn touch_tile(
        &self,
        map: &HeightMap,
        (tile_column, tile_row): (usize, usize),
        (start, end): (&Point, &Point),
        deepest: &mut Option<Touch>,
    ) {
        let grid = &map.grid;
        let tile = &map.tiles[tile_row * grid.tile_columns + tile_column];
        let way = Way::new(start, end);
        for (row, cells) in tile.rows.iter().enumerate() {
            let y = grid.centre_y(tile_row * ROWS + row);
            for (column, &height) in cells.iter().enumerate() {
                if height <= grid.floor {
                    continue;
                }
                let x = grid.centre_x(tile_column * COLUMNS + column);
                let Some(underside_mm) = self.lowest_over(&way, x, y) else { continue };
                let depth_mm = f64::from(height) - underside_mm;
                if depth_mm > TOUCH_MAX_MM && deepest.is_none_or(|touch| depth_mm > touch.depth_mm) {
                    let place = Point::new(x, y, f64::from(height));
                    *deepest = Some(Touch { kind: self.kind, place, depth_mm });
                }
            }
        }
    }

    /// Height of the lowest pose of the underside over a place on the way; `None` where it never is over it.
    fn lowest_over(&self, way: &Way, x: f64, y: f64) -> Option<f64> {
        let (inner, outer) = (self.radius_low_mm - SKIN_MM, self.radius_low_mm.max(self.radius_high_mm) - SKIN_MM);
        let (dx, dy) = (x - way.start.x, y - way.start.y);
        let (along, aside) = (dx * way.x + dy * way.y, (dx * way.y - dy * way.x).abs());
        if aside > outer || along < -outer || along > way.level_mm + outer {
            return None;
        }
        let half = (outer * outer - aside * aside).max(0.0).sqrt();
        let (from, to) = ((along - half).max(0.0), (along + half).min(way.level_mm));
        if from > to {
            return None;
        }
        let at = |p: f64| {
            let off = along - p;
            // The ends of the stretch lie on the outer circle but for rounding.
            let rho = (aside * aside + off * off).sqrt().min(outer);
            self.underside_mm(rho).map(|underside| way.start.z + way.rise(p) + underside)
        };
        let core = (inner * inner - aside * aside).max(0.0).sqrt();
        let cone = if outer > inner { (self.high_mm - self.low_mm) / (outer - inner) } else { 0.0 };
        let tangent =
            if cone > way.slope.abs() { way.slope * aside / (cone * cone - way.slope * way.slope).sqrt() } else { 0.0 };
        let places = [from, to, along - core, along + core, along - tangent, along];
        let heights = places.into_iter().filter_map(|p| at(p.clamp(from, to)));
        heights.reduce(f64::min).map(|lowest| lowest + way.drop_mm.min(0.0))
    }
}

/// A straight piece seen from above.
struct Way {
    start: Point,
    /// Level unit vector; without meaning where the piece is upright.
    x: f64,
    y: f64,
    level_mm: f64,
    /// dz/ds.
    slope: f64,
    /// Change of height of an upright piece, mm; zero for all others.
    drop_mm: f64,
}

impl Way {
    fn new(start: &Point, end: &Point) -> Self {
        let way: Vector = end - start;
        let level_mm = (way.x * way.x + way.y * way.y).sqrt();
        if level_mm > 1e-9 {
            let (x, y, slope) = (way.x / level_mm, way.y / level_mm, way.z / level_mm);
            Self { start: *start, x, y, level_mm, slope, drop_mm: 0.0 }
        } else {
            Self { start: *start, x: 1.0, y: 0.0, level_mm: 0.0, slope: 0.0, drop_mm: way.z }
        }
    }

    fn rise(&self, p: f64) -> f64 {
        self.slope * p
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::det::Rng;

    #[test]
    fn the_lowest_pose_is_that_of_dense_sampling() {
        let mut rng = Rng::new(11);
        let mut worst = 0.0f64;
        for _ in 0..5000 {
            let mut in_range = |low: f64, high: f64| rng.between(low, high);
            let radius_low_mm = in_range(2.0, 20.0);
            let part = Part {
                kind: FindingKind::HolderInStock,
                low_mm: 10.0,
                high_mm: 10.0 + in_range(0.5, 40.0),
                radius_low_mm,
                radius_high_mm: (radius_low_mm + in_range(-3.0, 10.0)).max(1.0),
            };
            let mut place = || Point::new(in_range(-20.0, 20.0), in_range(-20.0, 20.0), in_range(-15.0, 15.0));
            let (start, end) = (place(), place());
            let (x, y) = (in_range(-30.0, 30.0), in_range(-30.0, 30.0));
            let sampled = (0..=4000).filter_map(|step| {
                let axis = start + (end - start) * (f64::from(step) / 4000.0);
                let rho = ((x - axis.x) * (x - axis.x) + (y - axis.y) * (y - axis.y)).sqrt();
                part.underside_mm(rho).map(|underside| axis.z + underside)
            });
            let sampled = sampled.reduce(f64::min);
            let found = part.lowest_over(&Way::new(&start, &end), x, y);
            match (sampled, found) {
                (Some(sampled), Some(found)) => {
                    assert!(found <= sampled + 1e-9, "{part:?} {start} {end}: {found} above {sampled}");
                    worst = worst.max(sampled - found);
                }
                // A sliver that no sample met.
                (None, _) => {}
                (Some(_), None) => panic!("{part:?} {start} {end}: not found over {x} {y}"),
            }
        }
        // A sample lies within a hundredth of a millimetre of the lowest pose; cones go up to eighty to one.
        assert!(worst < 1.0, "{worst} mm below every sample");
    }
}
