//! The cut ahead of the tool: a stock map, the place up to which the path has been cut into it, and the loads
//! of every step on the way.
//!
//! One mechanism serves three users. A simulation of a whole program runs it from the first segment to the
//! last. A session runs it once for its baseline and then again, step by step, as the machine advances
//! ([`crate::live`]): in steady state only the segments that enter the horizon are cut, never the whole
//! window. The map is forked cheaply, so both begin with the same raw part.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::budget::WorkAllowance;
use shared::ident::ToolNumber;
use shared::job::{Job, JobSources, StockSpec};
use shared::motion::{Profile, SegmentKind, Station, plan_profile};

use crate::collision::Finding;
use crate::executor::Executor;
use crate::loads::{StepLoads, step_loads};
use crate::stock::{HeightMap, MapOptions, MapReport, StockShape, cell_for, read_stl};
use crate::sweep::{Cutter, SegmentCut, SweepOptions, cut_segment};

/// Longest stretch of path with one engagement, in cutter radii: entry angles change little within it.
const STEP_RADII: f64 = 0.25;
/// Bounds of that stretch, mm.
const STEP_MM_MIN: f64 = 0.2;
const STEP_MM_MAX: f64 = 2.0;

/// A cut segment with the loads of its steps.
#[derive(Clone, Debug, Default)]
pub struct CutAhead {
    /// Index of the segment in the path.
    pub segment: u32,
    /// Its steps, in order.
    pub steps: Vec<StepLoads>,
    /// Removed volume, mm³.
    pub removed_mm3: f64,
    /// Lowered cells of the stock.
    pub removed_cells: u64,
    /// What touched what it must not.
    pub findings: Vec<Finding>,
}

/// The stock as it will be when the tool has reached a station.
#[derive(Clone, Debug)]
pub struct Ahead {
    job: Arc<Job>,
    profile: Arc<Profile>,
    cutters: Arc<BTreeMap<ToolNumber, Cutter>>,
    map: HeightMap,
    next: usize,
}

impl Ahead {
    /// The raw part, nothing cut.
    ///
    /// # Errors
    /// A sentence for the user: the stock cannot be represented.
    pub fn new(
        job: &Arc<Job>,
        sources: &JobSources,
        cell_mm: Option<f64>,
        memory_max_bytes: u64,
    ) -> Result<(Self, MapReport), String> {
        let shape = shape(&job.stock, sources)?;
        let cell_mm = cell_mm.unwrap_or_else(|| cell_for(job.tools.values()));
        let options = MapOptions { cell_mm, memory_max_bytes };
        let (map, report) = HeightMap::new(&shape, options).map_err(|error| error.to_string())?;
        let cutters = job.tools.iter().map(|(number, tool)| (*number, Cutter::new(tool))).collect();
        let profile = plan_profile(&job.path, &job.machine, &[]);
        let ahead =
            Self { job: Arc::clone(job), profile: Arc::new(profile), cutters: Arc::new(cutters), map, next: 0 };
        Ok((ahead, report))
    }

    /// The job.
    pub fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// Velocity profile at 100 %.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The stock as cut so far.
    pub fn map(&self) -> &HeightMap {
        &self.map
    }

    /// Station up to which the path has been cut.
    pub fn reached(&self) -> Station {
        self.job.path.segments().get(self.next).map_or(self.job.path.end(), |segment| segment.start)
    }

    /// True once the whole path has been cut.
    pub fn is_complete(&self) -> bool {
        self.next == self.job.path.segments().len()
    }

    /// Share of the path that has been cut, in per mille of its segments.
    pub fn done_permille(&self) -> u16 {
        (self.next as u64 * 1000 / self.job.path.segments().len() as u64) as u16
    }

    /// Cuts whole segments, in order, until the one that holds `until` is cut or the allowance of segments is
    /// used up. Returns true when `until` (or the end of the path) is reached.
    pub fn extend(
        &mut self,
        until: Station,
        allowance: WorkAllowance,
        executor: &dyn Executor,
        sink: &mut dyn FnMut(CutAhead),
    ) -> bool {
        let mut left = allowance.0;
        while !self.is_complete() && self.reached() < until {
            if left == 0 {
                return false;
            }
            left -= 1;
            let cut = self.cut(self.next, executor);
            self.next += 1;
            sink(cut);
        }
        true
    }

    /// Cuts one segment: engagement before each step, then the step, then its loads.
    fn cut(&mut self, index: usize, executor: &dyn Executor) -> CutAhead {
        let segment = &self.job.path.segments()[index];
        let mut result = CutAhead { segment: index as u32, ..CutAhead::default() };
        if matches!(segment.kind, SegmentKind::Still(_)) {
            return result;
        }
        let (Some(tool), Some(cutter)) = (
            segment.tool.and_then(|number| self.job.tools.get(&number)),
            segment.tool.and_then(|number| self.cutters.get(&number)),
        ) else {
            return result;
        };
        let step_mm = (tool.radius().as_mm() * STEP_RADII).clamp(STEP_MM_MIN, STEP_MM_MAX);
        let mut cut = SegmentCut::default();
        cut_segment(&mut self.map, cutter, index as u32, segment, &SweepOptions { step_mm }, executor, &mut cut);
        result.removed_mm3 = cut.removed_mm3;
        result.removed_cells = cut.steps.iter().map(|step| u64::from(step.removed_cells)).sum();
        result.findings = cut.findings;
        result.steps = step_loads(&cut.steps, segment, tool, &self.job, &self.profile);
        result
    }
}

/// The stock of a job as the kernel takes it.
fn shape(stock: &StockSpec, sources: &JobSources) -> Result<StockShape, String> {
    Ok(match stock {
        StockSpec::Box(bounds) => StockShape::Box(*bounds),
        StockSpec::Cylinder { centre, diameter, height } => StockShape::Cylinder {
            centre: *centre,
            diameter_mm: diameter.as_mm(),
            height_mm: height.as_mm(),
        },
        StockSpec::Mesh { part, unit } => {
            let bytes = sources.parts.get(part).ok_or_else(|| format!("the stock mesh {part} is missing"))?;
            StockShape::Mesh(read_stl(bytes, unit.mm()).map_err(|error| format!("{part}: {error}"))?)
        }
    })
}
