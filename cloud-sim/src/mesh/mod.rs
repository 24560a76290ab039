//! Meshes from files: stock, fixtures and finished parts as CAD programs write them.
//!
//! A mesh file is input from outside, and half of those that come along are damaged: open seams, triangles turned the wrong
//! way, doubled or without area. The room reads STL and 3MF, repairs what has one meaning and says so in a word,
//! and refuses the rest with its place. It knows neither stock nor collisions.
//!
//! Nothing is taken on trust: every count is held against the bytes that are there before memory is taken for it, and
//! every limit has a name and a number ([`MeshLimits`]). An STL has no unit and never gets one by guessing; a 3MF says its own,
//! and a scenario that says another is refused.
//!
//! A mesh is **closed** when every edge belongs to an even number of triangles: then a ray from any place to far away
//! crosses it an odd number of times exactly from inside. That meshes cross themselves is neither looked for nor repaired.
//!
//! Source of the formats: the STL of 3D Systems (1989) in its two spellings; the 3MF core specification 1.3.

mod stl;
#[cfg(test)]
mod tests;
mod three_mf;
mod weld;

use shared::geom::{Aabb, Point, Vector};
use shared::machine::LengthUnit;

pub use stl::{StlError, read_stl};
pub use three_mf::ThreeMfError;

/// Greatest magnitude of a coordinate after conversion, mm: no machine is that large.
pub const COORDINATE_MAX_MM: f64 = 10_000.0;

/// Bytes that reading and welding take for a triangle at their peak: corners as points, their order, the indices
/// and the edges.
const BYTES_PER_TRIANGLE: u64 = 240;

/// What a mesh file may hold at most. More is refused before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshLimits {
    /// Bytes of the file.
    pub bytes_max: usize,
    /// Triangles, every instance of an object counted.
    pub triangles_max: usize,
    /// Bytes of the model that an archive unpacks to.
    pub inflated_bytes_max: u64,
    /// Memory that reading may take.
    pub memory_max_bytes: u64,
}

impl MeshLimits {
    /// What the service accepts.
    pub const STANDARD: Self = Self {
        bytes_max: 256 << 20,
        triangles_max: 4_000_000,
        inflated_bytes_max: 48 << 20,
        memory_max_bytes: 1 << 30,
    };

    fn check_memory(&self, triangles: u64, more_bytes: u64) -> Result<(), MeshError> {
        let needed = triangles.saturating_mul(BYTES_PER_TRIANGLE).saturating_add(more_bytes);
        if needed > self.memory_max_bytes {
            return Err(MeshError::Memory { needed, limit: self.memory_max_bytes });
        }
        Ok(())
    }
}

/// Why a file is not a mesh, or not one that is accepted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeshError {
    /// The file is larger than [`MeshLimits::bytes_max`].
    #[error("the file has {bytes} bytes, more than the {limit} accepted")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Reading would take more than [`MeshLimits::memory_max_bytes`].
    #[error("reading the mesh would take {needed} bytes of memory, more than the {limit} granted")]
    Memory {
        /// Bytes that it would take.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// An STL, and nobody said in which unit.
    #[error("an STL file does not say its unit; state mm or inch")]
    UnitUnknown,
    /// A 3MF in another unit than was stated.
    #[error("the file is in {file} and was stated to be in {stated}; correct the statement or leave it out")]
    UnitDisagrees {
        /// By the file.
        file: &'static str,
        /// As stated.
        stated: &'static str,
    },
    /// Not a readable STL.
    #[error(transparent)]
    Stl(#[from] StlError),
    /// Not a readable 3MF.
    #[error(transparent)]
    ThreeMf(#[from] ThreeMfError),
    /// Every triangle is without area.
    #[error("the mesh has no triangle with an area")]
    NoArea,
    /// Open where a solid is needed.
    #[error(
        "the mesh is open at {edges} edges, the first near X{x_mm:.3} Y{y_mm:.3} Z{z_mm:.3} mm; a solid is needed: close it"
    )]
    Open {
        /// Number of edges without a partner.
        edges: usize,
        /// Middle of the first of them.
        x_mm: f64,
        /// The same.
        y_mm: f64,
        /// The same.
        z_mm: f64,
    },
}

/// A surface of triangles that share their corners, mm.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    /// Corners.
    pub points: Vec<Point>,
    /// Indices of the corners of each triangle, counter-clockwise from outside where the mesh is closed.
    pub triangles: Vec<[u32; 3]>,
    /// Edges that belong to an odd number of triangles, as indices of corners.
    pub open_edges: Vec<[u32; 2]>,
    /// What was repaired or is worth knowing, in words for a person.
    pub remarks: Vec<String>,
}

impl Mesh {
    /// True where the mesh bounds a volume.
    pub fn is_closed(&self) -> bool {
        self.open_edges.is_empty()
    }

    /// The mesh, if it bounds a volume.
    ///
    /// # Errors
    /// [`MeshError::Open`] with the place of the first gap.
    pub fn closed(self) -> Result<Self, MeshError> {
        match self.open_edges.first() {
            None => Ok(self),
            Some(edge) => {
                let [from, to] = edge.map(|index| self.points[index as usize]);
                let middle = from + (to - from) * 0.5;
                Err(MeshError::Open { edges: self.open_edges.len(), x_mm: middle.x, y_mm: middle.y, z_mm: middle.z })
            }
        }
    }

    /// The corners of every triangle.
    pub fn corners(&self) -> impl ExactSizeIterator<Item = [Point; 3]> + '_ {
        self.triangles.iter().map(|triangle| triangle.map(|index| self.points[index as usize]))
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> Aabb {
        self.points.iter().fold(Aabb::EMPTY, |bounds, point| bounds.with(point))
    }

    /// Enclosed volume, mm³, by the divergence theorem; negative inside out. Without meaning for an open mesh.
    pub fn volume_mm3(&self) -> f64 {
        let origin = self.points.first().copied().unwrap_or_else(Point::origin);
        let sum: shared::det::ExactSum =
            self.corners().map(|[a, b, c]| (a - origin).dot(&(b - origin).cross(&(c - origin))) / 6.0).collect();
        sum.total()
    }

    /// The same mesh elsewhere.
    #[must_use]
    pub fn moved(mut self, by: &Vector) -> Self {
        self.points.iter_mut().for_each(|point| *point += by);
        self
    }
}

/// Reads an STL or 3MF, by what the bytes are, welds and repairs it.
///
/// `stated` is the unit that the scenario says; an STL needs it, a 3MF must agree with it.
///
/// # Errors
/// [`MeshError`] with the place; memory stays within the limits.
pub fn read_mesh(bytes: &[u8], stated: Option<LengthUnit>, limits: &MeshLimits) -> Result<Mesh, MeshError> {
    if bytes.len() > limits.bytes_max {
        return Err(MeshError::TooLarge { bytes: bytes.len(), limit: limits.bytes_max });
    }
    let soup = if three_mf::is_archive(bytes) {
        let model = three_mf::read(bytes, limits)?;
        if let Some(stated) = stated.filter(|stated| stated.mm() != model.unit.mm()) {
            let stated = if stated == LengthUnit::Inch { "inch" } else { "mm" };
            return Err(MeshError::UnitDisagrees { file: model.unit.name(), stated });
        }
        model.triangles
    } else {
        let unit = stated.ok_or(MeshError::UnitUnknown)?;
        // A facet in words takes at least as many bytes as one in binary.
        limits.check_memory((bytes.len() / stl::TRIANGLE_BYTES).min(limits.triangles_max) as u64, 0)?;
        read_stl(bytes, unit.mm(), limits)?
    };
    weld::weld(soup)
}
