use shared::geom::{Aabb, Point};
use shared::tool::Tool;

/// What the stock is before the first cut, work frame, mm.
#[derive(Clone, Debug, PartialEq)]
pub enum StockShape {
    /// A box.
    Box(Aabb),
    /// An upright cylinder.
    Cylinder {
        /// Centre of its bottom face.
        centre: Point,
        /// Diameter, mm.
        diameter_mm: f64,
        /// Height, mm.
        height_mm: f64,
    },
    /// The upper surface of a mesh, filled down to its lowest point.
    Mesh(Vec<[Point; 3]>),
}

impl StockShape {
    /// The smallest box around it.
    pub fn bounds(&self) -> Aabb {
        match self {
            Self::Box(bounds) => *bounds,
            Self::Cylinder { centre, diameter_mm, height_mm } => {
                let radius_mm = diameter_mm / 2.0;
                Aabb {
                    min: Point::new(centre.x - radius_mm, centre.y - radius_mm, centre.z),
                    max: Point::new(centre.x + radius_mm, centre.y + radius_mm, centre.z + height_mm),
                }
            }
            Self::Mesh(triangles) => triangles.iter().flatten().fold(Aabb::EMPTY, |bounds, point| bounds.with(point)),
        }
    }
}

/// How fine a map shall be and how much memory it may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapOptions {
    /// Greatest edge of a cell, mm.
    pub cell_mm: f64,
    /// Most bytes of all heights, every tile written. A coarser cell is taken rather than more memory.
    pub memory_max_bytes: u64,
}

/// What a map became.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapReport {
    /// Edge of a cell along X and Y, mm; the cells fit the stock exactly, so the two may differ a little.
    pub cell_mm: (f64, f64),
    /// Number of cells.
    pub cells: u64,
    /// Bytes of all heights once every tile has been written.
    pub bytes: u64,
    /// True where the cells are coarser than asked for, to stay under the memory limit.
    pub coarsened: bool,
    /// For a mesh: volume of the map less the volume the mesh encloses: filled undercuts and cavities, and
    /// the error of the cells.
    pub filled_mm3: Option<f64>,
}

/// Why there is no map.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum StockError {
    /// Some coordinate or size is NaN, infinite or beyond reason.
    #[error("the stock has a coordinate that is not a number or lies beyond ±{max} mm", max = StockError::COORDINATE_MAX_MM)]
    NotFinite,
    /// Nothing to cut.
    #[error("the stock is empty: {x_mm} × {y_mm} × {z_mm} mm")]
    Empty {
        /// Extent along X.
        x_mm: f64,
        /// Extent along Y.
        y_mm: f64,
        /// Extent along Z.
        z_mm: f64,
    },
    /// The cell size is not a positive number.
    #[error("a cell of {cell_mm} mm is not possible")]
    Cell {
        /// As asked for.
        cell_mm: f64,
    },
    /// Even the coarsest useful map is larger than the limit.
    #[error("a stock map needs at least {needed} bytes; the limit is {limit}")]
    Memory {
        /// Bytes of the coarsest map that is of use.
        needed: u64,
        /// As given.
        limit: u64,
    },
}

impl StockError {
    /// Greatest magnitude of a coordinate: no machine is that large, and single precision holds the
    /// micrometre up to here.
    pub const COORDINATE_MAX_MM: f64 = 10_000.0;
}

/// Finest cell that [`cell_for`] proposes, mm.
pub const CELL_MIN_MM: f64 = 0.02;
/// Coarsest cell that [`cell_for`] proposes, mm.
pub const CELL_MAX_MM: f64 = 0.25;

/// A cell that suits the cutters: a fiftieth of the smallest radius, in [[`CELL_MIN_MM`], [`CELL_MAX_MM`]]
/// mm; the coarsest where there is no cutter. A cell of R/50 keeps volumes within about 0.2 % and
/// engagement angles within about 2° (KERNEL.md, sections 3 and 5).
pub fn cell_for<'a>(tools: impl IntoIterator<Item = &'a Tool>) -> f64 {
    let finest = tools.into_iter().map(|tool| tool.radius().as_mm() / 50.0).fold(CELL_MAX_MM, f64::min);
    finest.clamp(CELL_MIN_MM, CELL_MAX_MM)
}
