//! What must not touch the stock and does: rapids, holders, shanks, and cutters that cannot plunge.
//!
//! The parts of a tool above its flutes are frusta about the axis. Their underside is tested against the cells
//! of the height map itself, after the cutter has cut: tile maxima first, which settles nearly every step,
//! then cell by cell at the nearest pose and at both ends of a piece. Each is a pose that the tool really takes, so
//! there are no false alarms from the sweep; a contact that exists only between those poses is shallower
//! than the rise of the piece.
//!
//! Fixtures and the machine are not known here.

use shared::geom::Point;
use shared::motion::Station;
use shared::tool::Tool;

use crate::stock::HeightMap;

/// What touched what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A rapid removed material.
    RapidInStock,
    /// The holder touched the stock.
    HolderInStock,
    /// The tool touched the stock above its flutes.
    ShankInStock,
    /// A cutter that does not cut at its centre was driven down into material.
    NonCentreCuttingPlunge,
}

/// One contact; at most one of a kind for each segment, at its deepest place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// What happened.
    pub kind: FindingKind,
    /// Index of the segment in the path.
    pub segment: u32,
    /// Source line, from 1.
    pub line: u32,
    /// End of the step with the deepest contact.
    pub station: Station,
    /// Where the contact is: the cell's centre at the height of the material before it was touched; for
    /// material above the flutes, the tip.
    pub place: Point,
    /// How deep, along Z, mm.
    pub depth_mm: f64,
    /// Volume the segment removed while this held, mm³; zero for contacts that the model does not cut.
    pub removed_mm3: f64,
}

/// Removed volume of a rapid below which it is not reported, mm³: a corner of one coarse cell, grazed.
pub const RAPID_REMOVED_MAX_MM3: f64 = 0.01;

/// Depth below which a touch of holder or shank is not reported, mm.
pub const TOUCH_MAX_MM: f64 = 0.01;

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

/// Shank and holder of a tool; heights above the tip.
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
    pub(crate) fn new(tool: &Tool) -> Self {
        let mut parts = Vec::with_capacity(tool.holder.len() + 1);
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
        Self { parts }
    }

    /// The deepest touch of each part on a straight piece of path.
    pub(crate) fn touches(&self, map: &HeightMap, start: &Point, end: &Point) -> impl Iterator<Item = Touch> {
        let (start, end) = (*start, *end);
        self.parts.iter().filter_map(move |part| part.touch(map, &start, &end))
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

    fn touch(&self, map: &HeightMap, start: &Point, end: &Point) -> Option<Touch> {
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
        use crate::stock::{COLUMNS, ROWS};
        let grid = &map.grid;
        let tile = &map.tiles[tile_row * grid.tile_columns + tile_column];
        let along = end - start;
        let length2 = along.x * along.x + along.y * along.y;
        for (row, cells) in tile.rows.iter().enumerate() {
            let y = grid.centre_y(tile_row * ROWS + row);
            for (column, &height) in cells.iter().enumerate() {
                if height <= grid.floor {
                    continue;
                }
                let x = grid.centre_x(tile_column * COLUMNS + column);
                let dot = (x - start.x) * along.x + (y - start.y) * along.y;
                let nearest = if length2 > 0.0 { (dot / length2).clamp(0.0, 1.0) } else { 0.0 };
                for fraction in [0.0, nearest, 1.0] {
                    let axis = start + along * fraction;
                    let rho_mm = ((x - axis.x) * (x - axis.x) + (y - axis.y) * (y - axis.y)).sqrt();
                    let Some(underside_mm) = self.underside_mm(rho_mm) else {
                        continue;
                    };
                    let depth_mm = f64::from(height) - axis.z - underside_mm;
                    if depth_mm > TOUCH_MAX_MM && deepest.is_none_or(|touch| depth_mm > touch.depth_mm) {
                        let place = Point::new(x, y, f64::from(height));
                        *deepest = Some(Touch { kind: self.kind, place, depth_mm });
                    }
                }
            }
        }
    }
}
