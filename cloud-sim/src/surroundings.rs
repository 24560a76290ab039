//! What stands around the cut, made ready from a job: fixtures, the bodies of the tools, the finished part.
//!
//! Beside the stock map, which everything cuts into, these are looked at and never changed; what changes is where the tool
//! was left and which gouges have been reported. So a copy is cheap, and a session that begins again begins with a copy.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use shared::geom::{Point, Vector};
use shared::ident::ToolNumber;
use shared::job::{FixtureSpec, Job, JobSources, PartSpec, SolidSpec};
use shared::kinematics::{Kinematics, Setup};
use shared::machine::LengthUnit;
use shared::motion::{Geometry, Segment, SegmentKind};

use crate::collision::{
    Clearance, Continuity, Finding, FindingKind, Finished, Fixture, FixtureSolid, Fixtures, LeaningPiece, LeaningWay,
    SegmentClearance, ToolBody, check_leaning, check_segments, path_bounds,
};
use crate::executor::Executor;
use crate::mesh::{Mesh, MeshLimits, read_mesh};
use crate::stock::HeightMap;
use crate::sweep::{SegmentCut, Stock, TiltedPiece, ToolMotion};

/// Cells by whose sub-poses a move that turns is held against fixtures: each leaves an error of at most half of one, mm.
/// Coarsely to pass by what is far away, and finely where it is not.
const COARSE_MM: f64 = 4.0;
const FINE_MM: f64 = 0.2;

/// Fixtures, tools and part of a job, and how far a path has been held against them.
#[derive(Clone)]
pub(crate) struct Surroundings {
    fixtures: Arc<Fixtures>,
    bodies: Arc<BTreeMap<ToolNumber, ToolBody>>,
    state: Continuity,
    turning: Option<Arc<Turning>>,
    /// Where A, B and C stand before the next segment that is held.
    rotary_rad: [f64; 3],
    finished: Option<Finished>,
    remarks: Arc<Vec<String>>,
}

/// What turns on the machine of a job.
struct Turning {
    kinematics: Kinematics,
    origin: Point,
    /// Lengths in force, by tool.
    lengths: BTreeMap<ToolNumber, shared::units::Length>,
}

impl Turning {
    fn of(job: &Job) -> Option<Self> {
        let lengths = job.tools.iter().map(|(number, tool)| (*number, tool.length_offset)).collect();
        Some(Self { kinematics: job.machine.kinematics.clone()?, origin: job.work_origin, lengths })
    }

    /// How a move that begins with the rotary axes at `from_rad` passes the fixtures; `None` where its tool is not known,
    /// or nothing moves or has turned.
    fn hold(
        &self,
        (fixtures, bodies): (&Fixtures, &BTreeMap<ToolNumber, ToolBody>),
        (segment, index): (&Segment, u32),
        from_rad: [f64; 3],
    ) -> Option<SegmentClearance> {
        let tool = segment.tool?;
        let (body, length) = (bodies.get(&tool)?, self.lengths.get(&tool)?);
        let setup = Setup { origin: self.origin, tool_length: *length };
        let motion = ToolMotion::of(segment, &self.kinematics, setup, from_rad);
        let stands = !motion.turns()
            && (matches!(segment.kind, SegmentKind::Still(_)) || matches!(segment.geometry, Geometry::Still { .. }));
        if stands || (from_rad == [0.0; 3] && !motion.turns()) {
            return None;
        }
        let way = |cell_mm: f64| {
            let poses = motion.sub_poses(body.reach_mm(), cell_mm);
            let pieces = motion.pieces((0.0, 1.0), &poses);
            let piece = |piece: &TiltedPiece| LeaningPiece { start: piece.start, end: piece.end, axis: piece.axis };
            // The chords of an arc leave it by less than a cell where nothing turns.
            let bound_mm =
                poses.bound_mm + if matches!(segment.geometry, Geometry::Arc { .. }) { cell_mm } else { 0.0 };
            LeaningWay { pieces: pieces.iter().map(piece).collect(), bound_mm }
        };
        Some(check_leaning((fixtures, body), (segment, index), &way(COARSE_MM), &|| way(FINE_MM)))
    }
}

impl Surroundings {
    /// Reads the meshes of a job and prepares all for the grid of a stock; `remarks` are those on the stock.
    pub(crate) fn new(
        job: &Job,
        sources: &JobSources,
        stock: &Stock,
        mut remarks: Vec<String>,
    ) -> Result<Self, String> {
        let fixtures: Result<Vec<Fixture>, String> =
            job.fixtures.iter().map(|spec| fixture(spec, sources, &mut remarks)).collect();
        let nose = &job.machine.spindle_nose;
        let bodies = job.tools.iter().map(|(number, tool)| (*number, ToolBody::new(tool, nose))).collect();
        let finished = match (&job.part, stock.height_map()) {
            (Some(part), Some(map)) => Some(finished(part, sources, map, &mut remarks)?),
            (Some(part), None) => {
                remarks.push(format!(
                    "{}: not compared with a stock that turns or is undercut; gouges are not looked for",
                    part.part
                ));
                None
            }
            (None, _) => None,
        };
        Ok(Self {
            fixtures: Arc::new(Fixtures::new(fixtures?)),
            bodies: Arc::new(bodies),
            state: Continuity::default(),
            turning: Turning::of(job).map(Arc::new),
            rotary_rad: [0.0; 3],
            finished,
            remarks: Arc::new(remarks),
        })
    }

    /// What was said about the meshes.
    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The fixtures, in the order of the job.
    pub(crate) fn fixtures(&self) -> &[Fixture] {
        self.fixtures.list()
    }

    /// The finished part, where the job names one.
    pub(crate) fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    /// Looks at what a segment has just cut for gouges.
    pub(crate) fn look_for_gouge(&mut self, stock: &Stock, job: &Job, cut: &mut SegmentCut) {
        let (Some(finished), Some(map), true) = (&mut self.finished, stock.height_map(), cut.removed_mm3 > 0.0) else {
            return;
        };
        let segment = &job.path.segments()[cut.segment as usize];
        let Some(tool) = segment.tool.and_then(|tool| job.tools.get(&tool)) else { return };
        let radius = tool.radius().as_mm();
        let mut bounds = path_bounds(&segment.geometry);
        bounds.min -= Vector::new(radius, radius, 0.0);
        bounds.max += Vector::new(radius, radius, 0.0);
        if let Some((depth_mm, place)) = finished.gouge(map, &bounds) {
            cut.findings.push(Finding {
                kind: FindingKind::Gouge,
                segment: cut.segment,
                line: segment.at.line,
                station: segment.station(1.0),
                place,
                depth_mm,
                removed_mm3: 0.0,
            });
        }
    }

    /// Holds what turns, or has turned, against the fixtures by the way of the tool against the work.
    fn hold_turned(
        &mut self,
        (segments, first): (&[Segment], u32),
        checked: &mut [SegmentClearance],
        executor: &dyn Executor,
    ) {
        let what = (self.fixtures.as_ref(), self.bodies.as_ref());
        let mut at_rad = self.rotary_rad;
        let mut begins = Vec::with_capacity(segments.len());
        for segment in segments {
            begins.push(at_rad);
            at_rad = std::array::from_fn(|axis| at_rad[axis] + segment.turn_rad[axis]);
        }
        self.rotary_rad = at_rad;
        let Some(turning) = self.turning.as_ref().filter(|_| !what.0.is_empty()) else { return };
        let held: Vec<OnceLock<Option<SegmentClearance>>> = segments.iter().map(|_| OnceLock::new()).collect();
        executor.run(segments.len(), &|at| {
            held[at].get_or_init(|| turning.hold(what, (&segments[at], first + at as u32), begins[at]));
        });
        for (checked, held) in checked.iter_mut().zip(held) {
            if let Some(held) = held.into_inner().flatten() {
                *checked = held;
            }
        }
    }

    /// Holds consecutive segments against the fixtures; what is found goes to their cuts, how they pass is returned.
    pub(crate) fn hold(
        &mut self,
        segments: &[Segment],
        cuts: &mut [SegmentCut],
        executor: &dyn Executor,
    ) -> Vec<Clearance> {
        let Some(first) = cuts.first().map(|cut| cut.segment) else { return Vec::new() };
        let segments = &segments[first as usize..first as usize + cuts.len()];
        let what = (self.fixtures.as_ref(), self.bodies.as_ref());
        let mut checked = check_segments(what, (segments, first), &mut self.state, executor);
        self.hold_turned((segments, first), &mut checked, executor);
        let mut classes = Vec::with_capacity(checked.len());
        for (cut, result) in cuts.iter_mut().zip(checked) {
            cut.findings.extend(result.findings);
            classes.push(result.class);
        }
        classes
    }
}

/// A mesh of the job, by the name of its part; what was repaired in it is noted.
pub(crate) fn mesh(
    part: &str,
    unit: Option<LengthUnit>,
    sources: &JobSources,
    remarks: &mut Vec<String>,
) -> Result<Mesh, String> {
    let bytes = sources.parts.get(part).ok_or_else(|| format!("the mesh {part} is missing"))?;
    let mesh = read_mesh(bytes, unit, &MeshLimits::STANDARD).map_err(|error| format!("{part}: {error}"))?;
    remarks.extend(mesh.remarks.iter().map(|remark| format!("{part}: {remark}")));
    Ok(mesh)
}

fn fixture(spec: &FixtureSpec, sources: &JobSources, remarks: &mut Vec<String>) -> Result<Fixture, String> {
    let solid = match &spec.solid {
        SolidSpec::Box(bounds) => FixtureSolid::Box(*bounds),
        SolidSpec::Cylinder { centre, diameter, height } => {
            FixtureSolid::Cylinder { centre: *centre, diameter_mm: diameter.as_mm(), height_mm: height.as_mm() }
        }
        SolidSpec::Mesh { part, unit, at } => {
            let mesh = mesh(part, *unit, sources, remarks)?;
            if !mesh.is_closed() {
                remarks.push(format!("{part}: taken as a surface: a tool inside it would not be seen"));
            }
            FixtureSolid::Mesh(mesh.moved(at))
        }
    };
    Ok(Fixture::new(spec.name.clone(), spec.clearance.as_mm(), &solid))
}

fn finished(
    part: &PartSpec,
    sources: &JobSources,
    map: &HeightMap,
    remarks: &mut Vec<String>,
) -> Result<Finished, String> {
    let mesh = mesh(&part.part, part.unit, sources, remarks)?;
    let mesh = mesh.closed().map_err(|error| format!("{}: {error}", part.part))?.moved(&part.at);
    Ok(Finished::new(&mesh, part.tolerance.as_mm(), map))
}
