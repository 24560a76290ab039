//! Cutting: a tool moves along its path and lowers the stock.
//!
//! The room turns segments into straight pieces, prepares cutters for the inner loops, and for each step of a
//! segment samples the engagement, cuts, and looks for contacts that must not be. It does not know feeds,
//! forces or plans.
//!
//! Lines are cut exactly. Arcs and helices become chords whose sagitta is at most a tenth of a cell
//! ([`SAGITTA_CELLS`]). A segment is cut in steps of equal length because engagement changes along it; on a line
//! each step looks only at what lies ahead of the one before, so that short steps cost half.
//!
//! A rapid goes through the same cut. Its material is gone afterwards, in the model as on the machine, and
//! what it removed is the finding; a dry run on a fork would find the same number ([`removed_dry_mm3`] does it).
//!
//! Two kinds of stock, one face ([`Workpiece`]): a height map for upright tools (`kernel`, `underside`, `segment`), a tri-dexel
//! for tools at any inclination ([`body`], `ray`, `ray_frustum`, `dexel_cut`, `dexel_segment`), whose way against the work is a
//! [`ToolMotion`].

mod band;
pub mod body;
mod cutter;
mod dexel_cut;
mod dexel_segment;
mod kernel;
mod motion;
mod path;
mod piece;
mod ray;
mod ray_frustum;
mod segment;
mod underside;
mod workpiece;

pub use cutter::Cutter;
pub use dexel_cut::{Taken, TiltedPiece, cut_pieces, probe_pieces};
pub use motion::{SLIVER_CELLS, SubPoses, ToolMotion, Turning};
pub use path::{PathCutter, cut_path};
pub use segment::{
    Begins, NotCut, SAGITTA_CELLS, SegmentCut, SweepOptions, cut_geometries, cut_geometry, cut_segment,
    removed_dry_mm3, straight_on_mm,
};
pub use workpiece::{Sampling, Stock, Workpiece};
