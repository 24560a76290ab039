use crate::files::{Assumed, StockSection};
use crate::geom::{Aabb, Point};
use crate::machine::LengthUnit;
use crate::motion::{Geometry, Path, SegmentKind};
use crate::units::Length;

/// Height of the stock of a program that never goes below Z0.
const AIR_STOCK_HEIGHT_MM: f64 = 1.0;

/// The raw part, in the work frame.
#[derive(Clone, Debug, PartialEq)]
pub enum StockSpec {
    /// A block.
    Box(Aabb),
    /// A round bar standing on its face.
    Cylinder {
        /// Centre of the lower face.
        centre: Point,
        /// Diameter.
        diameter: Length,
        /// Height.
        height: Length,
    },
    /// A block roughed to the surface of the program plus an allowance: an earlier operation has cut everything that lies
    /// further from it than that.
    Roughed {
        /// The block.
        bounds: Aabb,
        /// Material left on the surface, square to it.
        allowance: Length,
    },
    /// A closed mesh, by the name of its part in the sources.
    Mesh {
        /// Name of the part.
        part: String,
        /// Unit of its coordinates; `None` leaves it to a file that says one.
        unit: Option<LengthUnit>,
    },
}

impl StockSpec {
    /// From a job file; the message says which figure is wrong.
    ///
    /// # Errors
    /// A sentence for the user, and the key it is about.
    pub fn from_section(section: &StockSection) -> Result<Self, (&'static str, String)> {
        let unit = |word: &str| {
            length_unit(word).ok_or(("stock.units", format!("`{word}` is not a unit, expected \"mm\" or \"inch\"")))
        };
        match section {
            StockSection::Box { min, max, units } => Ok(Self::Box(block(min, max, unit(units)?.mm())?)),
            StockSection::Roughed { min, max, allowance, units } => {
                let scale = unit(units)?.mm();
                if !(*allowance > 0.0 && *allowance < 1e3) {
                    return Err(("stock.allowance", format!("{allowance} is not an allowance, expected above 0")));
                }
                Ok(Self::Roughed { bounds: block(min, max, scale)?, allowance: Length::mm(allowance * scale) })
            }
            StockSection::Cylinder { centre, diameter, height, units } => {
                let scale = unit(units)?.mm();
                within_reach("stock.centre", centre)?;
                within_reach("stock.diameter", &[*diameter, *height])?;
                if *diameter <= 0.0 || *height <= 0.0 {
                    return Err(("stock.diameter", format!("a cylinder {diameter} × {height} has no volume")));
                }
                Ok(Self::Cylinder {
                    centre: Point::from(centre.map(|v| v * scale)),
                    diameter: Length::mm(diameter * scale),
                    height: Length::mm(height * scale),
                })
            }
            StockSection::Mesh { file, units } => {
                let unit = mesh_unit(file, units.as_deref()).map_err(|message| ("stock.units", message))?;
                Ok(Self::Mesh { part: file.clone(), unit })
            }
        }
    }

    /// The stock of a job that does not name one: the bounding box of the feed moves plus a tool radius at the
    /// sides, its top at Z0. A program whose feed moves all stay above Z0 gets a plate of
    /// [`AIR_STOCK_HEIGHT_MM`] below it, and cuts nothing. `None` where there is no feed move at all.
    pub fn assumed(path: &Path, radius_max: Length, assumed: &mut Vec<Assumed>) -> Option<Self> {
        let mut bounds = Aabb::EMPTY;
        for segment in path.segments().iter().filter(|segment| segment.kind == SegmentKind::Feed) {
            // Chords of 1/64 of an arc miss its extremes by at most R·(1 − cos(π/64)), 0.12 % of the radius.
            let pieces = if matches!(segment.geometry, Geometry::Arc { .. }) { 64 } else { 1 };
            for piece in 0..=pieces {
                bounds = bounds.with(&segment.geometry.point(f64::from(piece) / f64::from(pieces)));
            }
        }
        if bounds.is_empty() {
            return None;
        }
        if bounds.min.z >= 0.0 {
            assumed.push("stock: no feed move goes below Z0, so that nothing will be cut".to_owned());
            bounds.min.z = -AIR_STOCK_HEIGHT_MM;
        }
        let radius_mm = radius_max.as_mm();
        bounds.min -= crate::geom::Vector::new(radius_mm, radius_mm, 0.0);
        bounds.max += crate::geom::Vector::new(radius_mm, radius_mm, 0.0);
        bounds.max.z = 0.0;
        assumed.push(format!(
            "stock: box from ({:.2}, {:.2}, {:.2}) to ({:.2}, {:.2}, {:.2}) mm, the feed moves plus a tool radius, top at Z0",
            bounds.min.x, bounds.min.y, bounds.min.z, bounds.max.x, bounds.max.y, bounds.max.z
        ));
        Some(Self::Box(bounds))
    }
}

/// Greatest coordinate of a stock, in the unit it is written in: far beyond any machine.
const REACH_MAX: f64 = 1e6;

pub(super) fn within_reach(key: &'static str, figures: &[f64]) -> Result<(), (&'static str, String)> {
    match figures.iter().find(|figure| !(-REACH_MAX..=REACH_MAX).contains(*figure)) {
        Some(figure) => {
            Err((key, format!("{figure} is not a coordinate, expected a number from -{REACH_MAX} to {REACH_MAX}")))
        }
        None => Ok(()),
    }
}

pub(super) fn block(min: &[f64; 3], max: &[f64; 3], scale: f64) -> Result<Aabb, (&'static str, String)> {
    let bounds = Aabb { min: Point::from(min.map(|v| v * scale)), max: Point::from(max.map(|v| v * scale)) };
    let solid = (0..3).all(|axis| bounds.min[axis] < bounds.max[axis]);
    within_reach("stock.min", min)?;
    within_reach("stock.max", max)?;
    if solid { Ok(bounds) } else { Err(("stock.max", format!("the box from {min:?} to {max:?} has no volume"))) }
}

/// The unit of a mesh file. An STL has none, so that it must be stated; a 3MF says its own.
pub(super) fn mesh_unit(file: &str, units: Option<&str>) -> Result<Option<LengthUnit>, String> {
    match units {
        Some(word) => {
            length_unit(word).map(Some).ok_or_else(|| format!("`{word}` is not a unit, expected \"mm\" or \"inch\""))
        }
        None if file.to_ascii_lowercase().ends_with(".3mf") => Ok(None),
        None => Err(format!("`{file}` does not say its unit; write units = \"mm\" or \"inch\"")),
    }
}

/// `mm` or `inch`.
pub(super) fn length_unit(word: &str) -> Option<LengthUnit> {
    match word {
        "mm" => Some(LengthUnit::Millimetre),
        "inch" => Some(LengthUnit::Inch),
        _ => None,
    }
}
