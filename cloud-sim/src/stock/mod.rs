//! The material: what is left of the stock, as one height for each small cell seen along Z.
//!
//! A three-axis machine can only take material away from above, so the stock over a cell is a column from the
//! floor to one height, and a cut is a minimum. A minimum commutes: the stock has the same bits whatever the
//! order of the moves and however many threads made them.
//!
//! The room owns the map, how it is built from a box, a cylinder or a mesh, and how it is written as a mesh
//! again. It knows nothing of cutters. Undercuts do not exist in a height map: a mesh is filled below its upper surface, and
//! the [`MapReport`] says how much that was. Where the work or the tool turns, or a cutter reaches under material, the stock is a
//! [`TriDexel`] instead; [`crate::sweep::Workpiece`] is the face of both.
//!
//! ```text
//!  z |   ____        ___          heights are sampled at cell centres: a wall that lies on a cell border
//!    |__|    |______|   |__       is exact, where samples on the wall would count it as inside
//!    |__|____|______|___|__| floor
//! ```
//!
//! Cells lie in tiles of 16 rows × 64 columns (4 KiB, one page, 64-byte aligned) behind `Arc`, copied when
//! first written: a fork of a map of 9 million cells costs its 9 thousand pointers, and the blank tiles of a
//! fresh box are one tile. Each tile has bounds on its heights, so that a cutter that passes above its
//! material never touches its cells. Measured facts behind these choices: KERNEL.md, sections 1 and 4.

mod dexel;
mod lanes;
mod map;
mod mesh_write;
mod ply_write;
mod shape;
mod stl_read;
mod tile;

pub use dexel::{INTERVALS_MAX, TriDexel};
pub use lanes::Simd;
pub use map::HeightMap;
pub use mesh_write::{STL_VERTICES_MAX, VIEW_VERTICES};
pub use ply_write::ply_of_stl;
pub use shape::{CELL_MAX_MM, CELL_MIN_MM, MapOptions, MapReport, StockError, StockShape, cell_for};
pub use stl_read::{STL_COORDINATE_MAX_MM, STL_TRIANGLES_MAX, StlError, read_stl};

pub(crate) use dexel::{Face, RAY_COLUMNS, RAY_ROWS, RayBounds, RayTile};
pub(crate) use lanes::{Job, LANES, Lanes, Scalar, Wide};
pub(crate) use map::{Grid, TILE_BYTES};
pub(crate) use tile::{BLOCK, COLUMNS, ROWS, Tile, TileBounds};
