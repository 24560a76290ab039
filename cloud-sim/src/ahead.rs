//! The cut ahead of the tool: a stock map, the place up to which the path has been cut into it, and the loads
//! of every step on the way.
//!
//! One mechanism serves three users. A simulation of a whole program runs it from the first segment to the
//! last. A session runs it once for its baseline and then again, step by step, as the machine advances
//! ([`crate::live`]): in steady state only the segments that enter the horizon are cut, never the whole
//! window. The map is forked cheaply, so both begin with the same raw part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use shared::budget::WorkAllowance;
use shared::cutting::Runout;
use shared::det::math;
use shared::geom::Vector;
use shared::ident::ToolNumber;
use shared::job::{Job, JobSources, StockSpec};
use shared::kinematics::Setup;
use shared::motion::{Geometry, Path, Profile, Segment, SegmentKind, Station, plan_profile};
use shared::tool::{CutterShape, GeneralCutter, Tool};
use shared::units::{Feedrate, Length};

use crate::collision::{Clearance, Fixture, Leftover};
use crate::engagement::CutStep;
use crate::executor::Executor;
use crate::loads::{LoadModels, StepLoads};
use crate::mesh::Mesh;
use crate::stock::{MapOptions, MapReport, StockShape, cell_for};
use crate::surroundings::{self, Surroundings};
use crate::sweep::{
    Begins, Cutter, NotCut, Sampling, SegmentCut, Stock, SweepOptions, ToolMotion, Workpiece, straight_on_mm,
};

/// Longest stretch of path with one engagement, in cutter radii: entry angles change little within it.
const STEP_RADII: f64 = 0.1;
/// Bounds of that stretch, mm.
const STEP_MM_MIN: f64 = 0.1;
const STEP_MM_MAX: f64 = 1.0;

/// Share of a step by which its length may be exceeded rather than cut another one.
const STEP_SLACK: f64 = 0.1;

/// The same where the cutter goes down steeply (dz/ds beyond [`STEEP`]): its tip gets wider as it goes in, and
/// one sample in the middle of a cone's first step would miss a quarter of what it removes.
const STEEP_STEP_RADII: f64 = 0.01;
const STEEP_STEP_MM_MIN: f64 = 0.02;
const STEEP: f64 = 0.5;

/// Length of the last step of a segment, and of the parts of one in which contact begins or ends, in cells of the
/// map: the shortest that still lowers some.
const LAST_STEP_CELLS: f64 = 1.5;

/// Cells across the layer that is left on a roughed part, and the smallest cell that is chosen for it, mm.
const LAYER_CELLS: f64 = 6.0;
const CELL_MM_MIN: f64 = 0.01;

/// Segments that are cut while the loads of as many before them are computed, and steps of one job of loads:
/// enough to pay for handing it out.
const BATCH_SEGMENTS: u32 = 64;
const JOB_STEPS: usize = 16;

/// Places within a step at which the speed that the drives reach is looked up.
const REACHED_SAMPLES: u64 = 4;

/// How the stock map is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapChoice {
    /// Cell in mm; chosen from the tools where `None`.
    pub cell_mm: Option<f64>,
    /// Most memory of one map.
    pub memory_max_bytes: u64,
}

/// A cut segment with the loads of its steps.
#[derive(Clone, Debug, Default)]
pub struct CutAhead {
    /// What was cut.
    pub cut: SegmentCut,
    /// Loads, one for each step of the cut.
    pub loads: Vec<StepLoads>,
    /// Greatest speed the drives reach within each step at 100 %.
    pub reached: Vec<Feedrate>,
    /// How the segment passes the fixtures.
    pub clearance: Clearance,
}

/// Consecutive segments that have been cut, and how each passes the fixtures.
#[derive(Default)]
struct Batch {
    cuts: Vec<SegmentCut>,
    clearances: Vec<Clearance>,
}

/// What a cut changes: where to go back to when one is cancelled.
struct Place {
    map: Stock,
    rotary_rad: [f64; 3],
    around: Surroundings,
    next: usize,
}

/// The stock as it will be when the tool has reached a station.
#[derive(Clone)]
pub struct Ahead {
    job: Arc<Job>,
    profile: Arc<Profile>,
    cutters: Arc<BTreeMap<ToolNumber, Cutter>>,
    models: Arc<LoadModels>,
    map: Stock,
    /// Where A, B and C stand before the next segment.
    rotary_rad: [f64; 3],
    around: Surroundings,
    next: usize,
}

impl Ahead {
    /// The raw part, nothing cut, and how its map was chosen.
    ///
    /// # Errors
    /// A sentence for the user: the stock cannot be represented.
    pub fn new(
        job: &Arc<Job>,
        sources: &JobSources,
        choice: MapChoice,
        executor: &dyn Executor,
    ) -> Result<(Self, MapReport), String> {
        let cell_mm = choice.cell_mm.unwrap_or_else(|| chosen_cell_mm(job));
        let options = MapOptions { cell_mm, memory_max_bytes: choice.memory_max_bytes };
        let mut remarks = Vec::new();
        let shape = shape(&job.stock, sources, &mut remarks)?;
        let sampling = sampling(job)?;
        let (mut map, report) = Stock::new(&shape, sampling, options).map_err(|error| error.to_string())?;
        let around = Surroundings::new(job, sources, &map, remarks)?;
        let nose = &job.machine.spindle_nose;
        let cutter = |tool: &Tool| Cutter::new(tool).in_spindle(tool, nose);
        let cutters: BTreeMap<_, _> = job.tools.iter().map(|(number, tool)| (*number, cutter(tool))).collect();
        if let StockSpec::Roughed { allowance, .. } = job.stock {
            rough(&mut map, job, allowance, executor);
        }
        let ahead = Self {
            job: Arc::clone(job),
            profile: Arc::new(plan_profile(&job.path, &job.machine, &[])),
            cutters: Arc::new(cutters),
            models: Arc::new(LoadModels::new(job.tools.values(), &job.material, Runout::ASSUMED)),
            map,
            rotary_rad: [0.0; 3],
            around,
            next: 0,
        };
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

    /// Force models of the job's tools.
    pub fn models(&self) -> &Arc<LoadModels> {
        &self.models
    }

    /// The stock as cut so far: a height map, or a tri-dexel where the machine states its kinematics and the path turns, or where a
    /// cutter reaches under material.
    pub fn map(&self) -> &Stock {
        &self.map
    }

    /// What was repaired in the meshes of the job, or is worth knowing about them.
    pub fn remarks(&self) -> &[String] {
        self.around.remarks()
    }

    /// The fixtures of the job, in its order.
    pub fn fixtures(&self) -> &[Fixture] {
        self.around.fixtures()
    }

    /// The stock as cut so far against the finished part; `None` where the job names none, or the stock is not a height map.
    pub fn leftover(&self) -> Option<Leftover> {
        self.around.finished().zip(self.map.height_map()).map(|(part, map)| part.compare(map))
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

    /// Cuts whole segments, in order, until the path is cut up to `until` or the allowance of segments is used
    /// up. Returns true when `until`, or the end of the path, is reached; false, too, once the executor is
    /// cancelled, and then the stock is as after the last segment that was handed over.
    pub fn extend(
        &mut self,
        until: Station,
        allowance: WorkAllowance,
        executor: &dyn Executor,
        sink: &mut dyn FnMut(CutAhead),
    ) -> bool {
        let mut left = allowance.0;
        // Where to go back to if the work is cancelled: before what has not been handed over.
        let can_stop = executor.cancel().is_some();
        let mut before = can_stop.then(|| self.place());
        let mut cut = Batch::default();
        loop {
            let begun = (can_stop && !cut.cuts.is_empty()).then(|| self.place());
            let loads = self.loads();
            let (next, found) = {
                let parts = loads.parts(&cut);
                let this = Mutex::new((&mut *self, Batch::default()));
                // The next segments are cut while the loads of those before are computed.
                executor.run(1 + parts.jobs(), &|job| match job {
                    0 => {
                        let mut this = this.lock().unwrap_or_else(PoisonError::into_inner);
                        let (ahead, next) = &mut *this;
                        ahead.cut_batch(until, &mut left.min(BATCH_SEGMENTS), executor, next);
                    }
                    part => parts.compute(part - 1, executor),
                });
                (this.into_inner().unwrap_or_else(PoisonError::into_inner).1, parts.into_found())
            };
            if executor.is_cancelled() {
                if let Some(Place { map, rotary_rad, around, next }) = before {
                    (self.map, self.rotary_rad, self.around, self.next) = (map, rotary_rad, around, next);
                }
                return false;
            }
            hand_over(cut, found, sink);
            left -= next.cuts.len() as u32;
            if next.cuts.is_empty() {
                return self.is_complete() || self.reached() >= until;
            }
            before = begun.or(before);
            cut = next;
        }
    }

    fn place(&self) -> Place {
        let Self { map, rotary_rad, around, next, .. } = self;
        Place { map: map.clone(), rotary_rad: *rotary_rad, around: around.clone(), next: *next }
    }

    /// Cuts at most so many segments, in order, up to a station, and holds them against the fixtures.
    fn cut_batch(&mut self, until: Station, left: &mut u32, executor: &dyn Executor, batch: &mut Batch) {
        while !self.is_complete() && self.reached() < until && *left > 0 && !executor.is_cancelled() {
            *left -= 1;
            batch.cuts.push(self.cut(executor));
        }
        if executor.is_cancelled() {
            return;
        }
        batch.clearances = self.around.hold(self.job.path.segments(), &mut batch.cuts, executor);
    }

    fn loads(&self) -> StepLoader {
        let Self { job, profile, models, .. } = self;
        StepLoader { job: Arc::clone(job), profile: Arc::clone(profile), models: Arc::clone(models) }
    }

    /// Cuts the next segment: engagement before each step, then the step.
    fn cut(&mut self, executor: &dyn Executor) -> SegmentCut {
        let index = self.next;
        self.next += 1;
        let segment = &self.job.path.segments()[index];
        let mut cut = SegmentCut { segment: index as u32, ..SegmentCut::default() };
        let from_rad = self.rotary_rad;
        self.rotary_rad = turned(from_rad, segment);
        if matches!(segment.kind, SegmentKind::Still(_)) {
            return cut;
        }
        let Some((tool, cutter)) =
            segment.tool.and_then(|number| Some((self.job.tools.get(&number)?, self.cutters.get(&number)?)))
        else {
            cut.not_cut = Some(NotCut::NoTool);
            return cut;
        };
        let radius_mm = tool.radius().as_mm();
        let is_steep = -segment.geometry.tangent(0.5).z > STEEP && !matches!(tool.shape, CutterShape::Flat);
        let step_mm = if is_steep {
            (radius_mm * STEEP_STEP_RADII).clamp(STEEP_STEP_MM_MIN, STEP_MM_MAX)
        } else {
            (radius_mm * STEP_RADII).clamp(STEP_MM_MIN, STEP_MM_MAX)
        };
        let length_mm = segment.length.as_mm();
        // A segment a little longer than so many steps gets no further one.
        let steps = (length_mm / step_mm - STEP_SLACK).ceil().max(1.0);
        let step_mm = step_mm.max(length_mm / steps * (1.0 + 1e-9));
        let (cell_min_mm, cell_max_mm) = self.map.cell_mm();
        let next = self.job.path.segments().get(index + 1);
        let shortest_mm = cell_max_mm * LAST_STEP_CELLS;
        let beyond_mm = straight_on_mm(segment, next, cell_min_mm);
        let before = index.checked_sub(1).and_then(|before| self.job.path.segments().get(before));
        let ended_here = |before: &Segment| {
            before.tool == segment.tool
                && (before.turn_rad, segment.turn_rad) == ([0.0; 3], [0.0; 3])
                && !matches!(before.kind, SegmentKind::Still(_))
                && before.geometry.end() == segment.geometry.start()
        };
        let options = SweepOptions {
            step_mm,
            // A path that goes straight on does not end against a wall.
            last_mm: if beyond_mm < step_mm { shortest_mm } else { 0.0 },
            beyond_mm,
            contact_mm: shortest_mm,
            begins: if before.is_some_and(ended_here) { Begins::WhereTheLastEnded } else { Begins::Anew },
        };
        let motion = motion(&self.job, segment, tool, from_rad);
        self.map.cut_segment(cutter, (index as u32, segment), &motion, &options, executor, &mut cut);
        self.around.look_for_gouge(&self.map, &self.job, &mut cut);
        cut
    }
}

/// Computes the loads of steps that have been cut; shares nothing with the cut that goes on.
struct StepLoader {
    job: Arc<Job>,
    profile: Arc<Profile>,
    models: Arc<LoadModels>,
}

/// The loads of a batch, as indexed jobs.
struct Parts<'a> {
    loader: &'a StepLoader,
    steps: Vec<&'a CutStep>,
    found: Vec<OnceLock<(StepLoads, Feedrate)>>,
}

impl StepLoader {
    fn parts<'a>(&'a self, batch: &'a Batch) -> Parts<'a> {
        let steps: Vec<_> = batch.cuts.iter().flat_map(|cut| &cut.steps).collect();
        let found = steps.iter().map(|_| OnceLock::new()).collect();
        Parts { loader: self, steps, found }
    }

    fn of_step(&self, step: &CutStep) -> (StepLoads, Feedrate) {
        let loads = self.models.of_step(step, &self.job.path.segments()[step.segment as usize]);
        (loads, reached_within(&self.profile, &self.job.path, step))
    }
}

impl Parts<'_> {
    fn jobs(&self) -> usize {
        self.steps.len().div_ceil(JOB_STEPS)
    }

    fn compute(&self, part: usize, executor: &dyn Executor) {
        let first = part * JOB_STEPS;
        for (step, found) in self.steps.iter().zip(&self.found).skip(first).take(JOB_STEPS) {
            if !executor.is_cancelled() {
                found.get_or_init(|| self.loader.of_step(step));
            }
        }
    }

    fn into_found(self) -> Vec<Option<(StepLoads, Feedrate)>> {
        self.found.into_iter().map(OnceLock::into_inner).collect()
    }
}

/// Hands the segments over in order, each with the loads of its steps.
fn hand_over(batch: Batch, found: Vec<Option<(StepLoads, Feedrate)>>, sink: &mut dyn FnMut(CutAhead)) {
    let mut found = found.into_iter().flatten();
    for (cut, clearance) in batch.cuts.into_iter().zip(batch.clearances) {
        let (loads, reached) = found.by_ref().take(cut.steps.len()).unzip();
        sink(CutAhead { cut, loads, reached, clearance });
    }
}

/// Greatest speed along the path that a profile has within a step, looked up at a few places.
pub fn reached_within(profile: &Profile, path: &Path, step: &CutStep) -> Feedrate {
    let (from, length) = (step.from.as_nm(), step.to.as_nm() - step.from.as_nm());
    (0..=REACHED_SAMPLES)
        .map(|sample| Station::from_nm(from + length * sample / REACHED_SAMPLES))
        .map(|station| profile.velocity_at(path, station))
        .fold(Feedrate::ZERO, Feedrate::max)
}

/// Rays where the path turns and the machine says what turns, or a cutter reaches under material; else heights.
fn sampling(job: &Job) -> Result<Sampling, String> {
    let moved = job.path.segments().iter().filter_map(|segment| job.tools.get(&segment.tool?));
    let reaches_under = moved.map(|tool| tool.shape).any(CutterShape::reaches_under);
    let turns = job.path.segments().iter().any(|segment| segment.turn_rad != [0.0; 3]);
    let Some(kinematics) = job.machine.kinematics.as_ref().filter(|_| turns) else {
        return Ok(if reaches_under { Sampling::Rays } else { Sampling::Heights });
    };
    let unmeasured = job.tools.iter().find(|(_, tool)| tool.length_offset <= Length::ZERO);
    match unmeasured {
        Some((number, _)) if kinematics.has_head() => Err(format!(
            "{number} has no length in its table; a machine whose head turns cannot place its tip without one"
        )),
        _ => Ok(Sampling::Rays),
    }
}

/// Where A, B and C stand after a segment.
fn turned(from_rad: [f64; 3], segment: &Segment) -> [f64; 3] {
    std::array::from_fn(|axis| from_rad[axis] + segment.turn_rad[axis])
}

/// The move of a segment against the work. The length in force is that of the tool's table.
fn motion<'a>(job: &'a Job, segment: &Segment, tool: &Tool, from_rad: [f64; 3]) -> ToolMotion<'a> {
    match &job.machine.kinematics {
        None => ToolMotion::upright(segment.geometry),
        Some(kinematics) => {
            let setup = Setup { origin: job.work_origin, tool_length: tool.length_offset };
            ToolMotion::of(segment, kinematics, setup, from_rad)
        }
    }
}

/// The cell that suits a job's tools, and the layer that is left on a roughed part.
fn chosen_cell_mm(job: &Job) -> f64 {
    let for_tools_mm = cell_for(job.tools.values());
    match job.stock {
        StockSpec::Roughed { allowance, .. } => for_tools_mm.min((allowance.as_mm() / LAYER_CELLS).max(CELL_MM_MIN)),
        _ => for_tools_mm,
    }
}

/// The stock of a job as the kernel takes it; what was repaired in its mesh is noted.
fn shape(stock: &StockSpec, sources: &JobSources, remarks: &mut Vec<String>) -> Result<StockShape, String> {
    Ok(match stock {
        StockSpec::Box(bounds) | StockSpec::Roughed { bounds, .. } => StockShape::Box(*bounds),
        StockSpec::Cylinder { centre, diameter, height } => {
            StockShape::Cylinder { centre: *centre, diameter_mm: diameter.as_mm(), height_mm: height.as_mm() }
        }
        StockSpec::Mesh { part, unit } => {
            let mesh = surroundings::mesh(part, *unit, sources, remarks)?;
            let mesh = Mesh::closed(mesh).map_err(|error| format!("{part}: {error}"))?;
            StockShape::Mesh(mesh.corners().collect())
        }
    })
}

/// Cuts every feed move with cutters that are smaller by the allowance on all sides: what they leave lies
/// everywhere that far from the surface the program makes.
fn rough(map: &mut Stock, job: &Job, allowance: Length, executor: &dyn Executor) {
    let smaller: BTreeMap<_, _> = job
        .tools
        .iter()
        .filter_map(|(number, tool)| smaller(tool, allowance).map(|(tool, up)| (*number, (Cutter::new(&tool), up))))
        .collect();
    let mut rotary_rad = [0.0; 3];
    for segment in job.path.segments() {
        let from_rad = rotary_rad;
        rotary_rad = turned(from_rad, segment);
        let known = segment.tool.and_then(|number| smaller.get(&number).zip(job.tools.get(&number)));
        let Some(((cutter, up), tool)) = known.filter(|_| segment.kind == SegmentKind::Feed) else { continue };
        // Along the axis of the tool: as if it were that much shorter.
        let up_mm = Vector::new(0.0, 0.0, up.as_mm());
        let mut motion = motion(job, segment, tool, from_rad);
        if let Some(turning) = &mut motion.turning {
            turning.setup.tool_length -= *up;
        }
        motion.geometry = match motion.geometry {
            Geometry::Line { start, end } => Geometry::Line { start: start + up_mm, end: end + up_mm },
            Geometry::Arc { start, end, centre, normal, sweep_rad } => {
                Geometry::Arc { start: start + up_mm, end: end + up_mm, centre: centre + up_mm, normal, sweep_rad }
            }
            Geometry::Still { at } => Geometry::Still { at: at + up_mm },
        };
        map.cut(cutter, &motion, executor);
    }
}

/// The cutter whose surface lies inside the tool's by an allowance, and how far its tip lies above the tool's.
/// `None` where the tool is not thicker than that: then nothing is roughed with it.
fn smaller(tool: &Tool, allowance: Length) -> Option<(Tool, Length)> {
    let diameter = tool.diameter - allowance * 2.0;
    if diameter <= Length::ZERO {
        return None;
    }
    let (shape, up) = match tool.shape {
        CutterShape::BullNose { corner_radius } if corner_radius > allowance => {
            (CutterShape::BullNose { corner_radius: corner_radius - allowance }, allowance)
        }
        CutterShape::BullNose { .. } => (CutterShape::Flat, allowance),
        CutterShape::Cone { point_angle } | CutterShape::Drill { point_angle } => {
            (tool.shape, allowance / math::sin(point_angle.as_rad() / 2.0))
        }
        CutterShape::General(cutter) => {
            let corner_radius = (cutter.corner_radius - allowance).max(Length::ZERO);
            let less = if cutter.corner_radius < allowance { allowance } else { Length::ZERO };
            let corner_offset = (cutter.corner_offset - less).max(Length::ZERO);
            let up = allowance / math::cos(cutter.bottom.as_rad());
            (CutterShape::General(GeneralCutter { corner_radius, corner_offset, ..cutter }), up)
        }
        shape => (shape, allowance),
    };
    Some((Tool { shape, diameter, ..tool.clone() }, up))
}
