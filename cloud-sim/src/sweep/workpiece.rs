//! One face for whatever the stock is sampled by: a height map for machines of three axes, a tri-dexel where the work or
//! the tool turns, and for cutters that reach under material.
//!
//! Callers hold a [`Stock`], which decides once per segment, never per cell, so that each keeps the speed of its own loops.
//! Forking is cheap (tiles are copied when first written), so a dry run is a cut on a fork or a probe, and rolling
//! back is taking the fork back.

use shared::geom::{Aabb, Vector};
use shared::ident::Digest;
use shared::motion::Segment;
use shared::units::RotaryVelocity;

use super::Cutter;
use super::body::{ConvexPart, PartKind};
use super::dexel_cut::{cut_pieces, probe_pieces};
use super::dexel_segment::{SegmentJob, cut_segment_rays};
use super::motion::{SubPoses, ToolMotion};
use super::segment::{SegmentCut, SweepOptions, cut_geometry, cut_segment, removed_dry_mm3};
use crate::engagement::{Pose, Sample, TiltedPose, sample_tilted};
use crate::executor::Executor;
use crate::stock::{HeightMap, MapOptions, MapReport, StockError, StockShape, TriDexel, ply_of_stl};

/// Material that a tool can cut.
pub trait Workpiece: Clone {
    /// The box of the stock before the first cut, work frame.
    fn bounds(&self) -> Aabb;

    /// Smallest and greatest edge of a cell, mm.
    fn cell_mm(&self) -> (f64, f64);

    /// Volume of the material, mm³, summed in a fixed order. Reads everything.
    fn volume_mm3(&self) -> f64;

    /// Digest of every bit of the material. Reads everything.
    fn digest(&self) -> Digest;

    /// Bytes of this stock with every tile of its own.
    fn memory_bytes(&self) -> u64;

    /// Appends a binary STL in mm: one closed mesh.
    fn to_stl(&self, out: &mut Vec<u8>);

    /// Appends a binary PLY in mm: the mesh of [`Workpiece::to_stl`], each vertex once.
    fn to_ply(&self, out: &mut Vec<u8>) {
        let mut stl = Vec::new();
        self.to_stl(&mut stl);
        ply_of_stl(&stl, out);
    }

    /// A second stock with the same material; cutting one leaves the other alone.
    #[must_use]
    fn fork(&self) -> Self {
        self.clone()
    }

    /// Takes what a tool sweeps on a move; returns the removed volume, mm³. The result is the same bits
    /// whatever the executor.
    fn cut(&mut self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64;

    /// What [`Workpiece::cut`] would remove; the stock stays.
    fn removed_dry_mm3(&self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64;

    /// Cuts a segment in steps, engagement before each, and looks for contacts. `out` is emptied first.
    fn cut_segment(
        &mut self,
        cutter: &Cutter,
        segment: (u32, &Segment),
        motion: &ToolMotion<'_>,
        options: &SweepOptions,
        executor: &dyn Executor,
        out: &mut SegmentCut,
    );

    /// How a cutter stands in material at a fraction of a move, before that is cut.
    fn sample(&self, cutter: &Cutter, motion: &ToolMotion<'_>, at: f64, spindle: Option<RotaryVelocity>) -> Sample;
}

impl Workpiece for HeightMap {
    fn bounds(&self) -> Aabb {
        Self::bounds(self)
    }

    fn cell_mm(&self) -> (f64, f64) {
        let (x, y) = Self::cell_mm(self);
        (x.min(y), x.max(y))
    }

    fn volume_mm3(&self) -> f64 {
        Self::volume_mm3(self)
    }

    fn digest(&self) -> Digest {
        Self::digest(self)
    }

    fn memory_bytes(&self) -> u64 {
        self.tiles.len() as u64 * crate::stock::TILE_BYTES
    }

    fn to_stl(&self, out: &mut Vec<u8>) {
        Self::to_stl(self, out);
    }

    /// What turns is left out: the work is taken to stand.
    fn cut(&mut self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        cut_geometry(self, cutter, &motion.geometry, executor)
    }

    fn removed_dry_mm3(&self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        removed_dry_mm3(self, cutter, &motion.geometry, executor)
    }

    fn cut_segment(
        &mut self,
        cutter: &Cutter,
        (index, segment): (u32, &Segment),
        _motion: &ToolMotion<'_>,
        options: &SweepOptions,
        executor: &dyn Executor,
        out: &mut SegmentCut,
    ) {
        cut_segment(self, cutter, index, segment, options, executor, out);
    }

    fn sample(&self, cutter: &Cutter, motion: &ToolMotion<'_>, at: f64, spindle: Option<RotaryVelocity>) -> Sample {
        let pose = Pose {
            tip: motion.geometry.point(at),
            travel: motion.geometry.tangent(at),
            mirrored: is_mirrored(spindle),
            straight_on_mm: motion.length_mm(0.0) * (1.0 - at),
        };
        cutter.sampler.sample(self, cutter.profile(), &pose)
    }
}

impl Workpiece for TriDexel {
    fn bounds(&self) -> Aabb {
        Self::bounds(self)
    }

    fn cell_mm(&self) -> (f64, f64) {
        let edges = Self::cell_mm(self);
        (edges.into_iter().fold(f64::INFINITY, f64::min), edges.into_iter().fold(0.0, f64::max))
    }

    fn volume_mm3(&self) -> f64 {
        Self::volume_mm3(self)
    }

    fn digest(&self) -> Digest {
        Self::digest(self)
    }

    fn memory_bytes(&self) -> u64 {
        Self::memory_bytes(self)
    }

    fn to_stl(&self, out: &mut Vec<u8>) {
        Self::to_stl(self, out);
    }

    fn cut(&mut self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        let (parts, poses) = prepared(cutter, motion, Workpiece::cell_mm(self).0);
        cut_pieces(self, &parts, &motion.pieces((0.0, 1.0), &poses), executor).removed_mm3
    }

    fn removed_dry_mm3(&self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        let (parts, poses) = prepared(cutter, motion, Workpiece::cell_mm(self).0);
        let pieces = motion.pieces((0.0, 1.0), &poses);
        match pieces.as_slice() {
            // What several pieces share counts once: they must be cut.
            [_, _, ..] => cut_pieces(&mut self.fork(), &parts, &pieces, executor).removed_mm3,
            _ => probe_pieces(self, &parts, &pieces).removed_mm3,
        }
    }

    fn cut_segment(
        &mut self,
        cutter: &Cutter,
        (index, segment): (u32, &Segment),
        motion: &ToolMotion<'_>,
        options: &SweepOptions,
        executor: &dyn Executor,
        out: &mut SegmentCut,
    ) {
        cut_segment_rays(self, &SegmentJob { cutter, index, segment, motion, options }, executor, out);
    }

    fn sample(&self, cutter: &Cutter, motion: &ToolMotion<'_>, at: f64, spindle: Option<RotaryVelocity>) -> Sample {
        let mut travel = motion.travel(at, 0.0);
        if travel == Vector::zeros() {
            travel = motion.travel(at, 0.5 * cutter.revolved().cutting_height_mm());
        }
        let straight_on_mm = motion.length_mm(0.0) * (1.0 - at);
        let pose = TiltedPose { tool: motion.pose(at), travel, mirrored: is_mirrored(spindle), straight_on_mm };
        Sample { engagement: sample_tilted(self, cutter.revolved(), &pose), above_flutes_mm: 0.0 }
    }
}

fn is_mirrored(spindle: Option<RotaryVelocity>) -> bool {
    spindle.is_some_and(|speed| speed < RotaryVelocity::ZERO)
}

/// The cutting parts of a tool and the sub-poses of a move.
fn prepared<'a>(cutter: &'a Cutter, motion: &ToolMotion<'_>, cell_mm: f64) -> (Vec<&'a ConvexPart>, SubPoses) {
    let body = cutter.revolved();
    let (height_mm, radius_mm) = (body.cutting_height_mm(), body.cutting_radius_mm());
    let reach_mm = (height_mm * height_mm + radius_mm * radius_mm).sqrt();
    (body.of_kind(PartKind::Cutting).collect(), motion.sub_poses(reach_mm, cell_mm))
}

/// How a stock is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// One height a cell, seen along Z: for tools that stay upright and reach under nothing.
    Heights,
    /// Three grids of rays: for everything else, at about ten times the cost.
    Rays,
}

/// A stock sampled one way or the other.
#[derive(Clone)]
pub enum Stock {
    /// By a height map.
    Heights(HeightMap),
    /// By a tri-dexel.
    Rays(Box<TriDexel>),
}

macro_rules! either {
    ($stock:expr, $part:ident => $value:expr) => {
        match $stock {
            Stock::Heights($part) => $value,
            Stock::Rays(boxed) => {
                let $part = boxed.as_ref();
                $value
            }
        }
    };
}

macro_rules! either_mut {
    ($stock:expr, $part:ident => $value:expr) => {
        match $stock {
            Stock::Heights($part) => $value,
            Stock::Rays(boxed) => {
                let $part = boxed.as_mut();
                $value
            }
        }
    };
}

impl Stock {
    /// Uncut stock, and what became of the options.
    ///
    /// # Errors
    /// [`StockError`].
    pub fn new(shape: &StockShape, sampling: Sampling, options: MapOptions) -> Result<(Self, MapReport), StockError> {
        Ok(match sampling {
            Sampling::Heights => HeightMap::new(shape, options).map(|(map, report)| (Self::Heights(map), report))?,
            Sampling::Rays => {
                TriDexel::new(shape, options).map(|(part, report)| (Self::Rays(Box::new(part)), report))?
            }
        })
    }

    /// The height map, if it is one.
    pub fn height_map(&self) -> Option<&HeightMap> {
        match self {
            Self::Heights(map) => Some(map),
            Self::Rays(_) => None,
        }
    }
}

impl Workpiece for Stock {
    fn bounds(&self) -> Aabb {
        either!(self, part => part.bounds())
    }

    fn cell_mm(&self) -> (f64, f64) {
        either!(self, part => Workpiece::cell_mm(part))
    }

    fn volume_mm3(&self) -> f64 {
        either!(self, part => part.volume_mm3())
    }

    fn digest(&self) -> Digest {
        either!(self, part => part.digest())
    }

    fn memory_bytes(&self) -> u64 {
        either!(self, part => Workpiece::memory_bytes(part))
    }

    fn to_stl(&self, out: &mut Vec<u8>) {
        either!(self, part => part.to_stl(out));
    }

    fn cut(&mut self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        either_mut!(self, part => part.cut(cutter, motion, executor))
    }

    fn removed_dry_mm3(&self, cutter: &Cutter, motion: &ToolMotion<'_>, executor: &dyn Executor) -> f64 {
        either!(self, part => Workpiece::removed_dry_mm3(part, cutter, motion, executor))
    }

    fn cut_segment(
        &mut self,
        cutter: &Cutter,
        segment: (u32, &Segment),
        motion: &ToolMotion<'_>,
        options: &SweepOptions,
        executor: &dyn Executor,
        out: &mut SegmentCut,
    ) {
        either_mut!(self, part => part.cut_segment(cutter, segment, motion, options, executor, out));
    }

    fn sample(&self, cutter: &Cutter, motion: &ToolMotion<'_>, at: f64, spindle: Option<RotaryVelocity>) -> Sample {
        either!(self, part => part.sample(cutter, motion, at, spindle))
    }
}
