use std::collections::BTreeMap;
use std::sync::Arc;

use super::inputs::Inputs;
use super::sources::JobSources;
use super::stock::StockSpec;
use crate::cutting::Material;
use crate::det::DigestChain;
use crate::files::{Assumed, FileText, uncertainty_of};
use crate::ident::{ContextDigest, ProgramDigest, ToolNumber};
use crate::machine::{Machine, TipDynamics, ToolAtStart};
use crate::motion::{CompileOptions, Path, Segment, SegmentKind, compile};
use crate::plan::Limits;
use crate::program::{self, Call, CanonOp, Diagnostic, Facts, NoSubprograms};
use crate::tool::Tool;
use crate::units::{Length, RotaryVelocity};

/// Version of everything that turns bytes into a path and a plan; part of the context digest, so that two
/// versions that might differ never share one.
const COMPILER_VERSION: &str = concat!("cosim ", env!("CARGO_PKG_VERSION"), " path 3");

/// What the program itself said, and how it was read.
#[derive(Clone, Debug)]
pub struct JobFacts {
    /// Facts of the interpreter.
    pub program: Facts,
    /// Number of physical lines of the program.
    pub lines: u32,
    /// Number of canonical operations.
    pub operations: usize,
    /// Number of motions among them.
    pub motions: usize,
}

/// A compiled job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name.
    pub name: String,
    /// Digest of the program bytes.
    pub program: ProgramDigest,
    /// Digest of everything.
    pub context: ContextDigest,
    /// The machine.
    pub machine: Machine,
    /// How the tips of its tools give way, where the machine file says so.
    pub tips: Vec<TipDynamics>,
    /// The tools that the program uses.
    pub tools: BTreeMap<ToolNumber, Tool>,
    /// Material of the part.
    pub material: Material,
    /// The raw part.
    pub stock: StockSpec,
    /// The path of the tip over station.
    pub path: Arc<Path>,
    /// What the plan must respect.
    pub limits: Limits,
    /// Force limit as a share of the peak at 100 %, where it is given so.
    pub force_peak_share: Option<f64>,
    /// Machine seconds in one wall second.
    pub time_scale: f64,
    /// What was not given and was filled in.
    pub assumed: Vec<Assumed>,
    /// What the tool libraries hold that has no effect, of the files as a whole and of the tools in use.
    pub skipped: Vec<String>,
    /// What the program itself said.
    pub facts: JobFacts,
}

impl Job {
    /// Compiles a job. The diagnostics hold everything worth saying; with an error among them there is no job.
    pub fn compile(sources: &JobSources) -> (Option<Self>, Vec<Diagnostic>) {
        let mut inputs = Inputs::new(sources);
        let job = build(sources, &mut inputs);
        let failed = inputs.diagnostics.iter().any(Diagnostic::is_error);
        (job.filter(|_| !failed), inputs.diagnostics)
    }
}

/// How the program of a job is read: what [`Job::compile`] gives the interpreter. `None` for a job that does not compile.
pub fn reading_of(sources: &JobSources) -> Option<program::Options> {
    let mut inputs = Inputs::new(sources);
    let (machine, work_origin) = inputs.machine()?;
    let library = inputs.tool_library()?;
    let text = inputs.program()?;
    let offsets = inputs.work_offsets(work_origin)?;
    inputs.program_options(&machine, library.as_ref(), offsets, text)
}

fn build(sources: &JobSources, inputs: &mut Inputs<'_>) -> Option<Job> {
    // Each reads its own part; all are read before giving up, so that one run names every mistake.
    let (machine, material, limits, library) =
        (inputs.machine(), inputs.material(), inputs.limits(), inputs.tool_library());
    let text = inputs.program();
    let ((machine, work_origin), material, limits, library, text) = (machine?, material?, limits?, library?, text?);
    let tips = inputs.tips()?;
    // A limit binds the upper edge of the prediction's band; how wide that is, the material may say.
    let stated = sources.manifest.limits.uncertainty;
    let limits = Limits { uncertainty: stated.unwrap_or(uncertainty_of(material.coefficient_sigma)), ..limits };
    let name = &sources.manifest.program.file;
    let offsets = inputs.work_offsets(work_origin)?;
    let options = inputs.program_options(&machine, library.as_ref(), offsets, text)?;
    let interpreted = program::interpret(name, text, &NoSubprograms, &options);
    inputs.name_table(interpreted.diagnostics, library.as_ref());
    let ops = interpreted.ops;
    let work = first_work_offset(&ops);
    let further = interpreted.facts.further_origins_mm.get(&work);
    let origin_mm = offsets.get(usize::from(work)).or(further).copied().unwrap_or([0.0; 3]);
    let waiting = tool_waiting(&machine, &ops);
    let moved = ops.iter().enumerate().filter(|(index, _)| Some(*index) != waiting).map(|(_, op)| op);
    let (path, problems) = compile(moved, &CompileOptions { machine: &machine, work_origin_mm: origin_mm });
    take_problems(inputs, name, text, problems);
    let mut segments = path?.segments().to_vec();
    let in_spindle = inputs.tool_in_spindle(&segments);
    for segment in &mut segments {
        segment.tool = segment.tool.or(in_spindle);
    }
    let tools = inputs.tools(library.as_ref(), &segments, text)?;
    say_speeds(inputs, &mut segments, &tools, &material, &machine);
    let path = match Path::new(segments) {
        Ok(path) => path,
        Err(error) => {
            inputs.error(name, "job::no-motion", error.to_string(), "give a program that moves");
            return None;
        }
    };
    let radius_max = tools.values().map(Tool::radius).fold(Length::ZERO, Length::max);
    let stock = inputs.stock(&path, radius_max)?;
    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u32 + u32::from(text.last() != Some(&b'\n'));
    let motions = ops.iter().filter(|op| is_motion(op)).count();
    Some(Job {
        name: sources.manifest.name.clone(),
        program: program::digest(text, &[], &NoSubprograms),
        context: context(sources, &path),
        machine,
        tips,
        tools,
        material,
        stock,
        path: Arc::new(path),
        limits,
        force_peak_share: sources.manifest.limits.force_peak_share,
        time_scale: sources.manifest.time_scale,
        assumed: std::mem::take(&mut inputs.assumed),
        skipped: std::mem::take(&mut inputs.skipped),
        facts: JobFacts { program: interpreted.facts, lines, operations: ops.len(), motions },
    })
}

/// Adds what is wrong with the motion. Subprograms are not read, so that every line is one of the program; a
/// program that did not read has no motion for that reason, and says so by itself.
fn take_problems(inputs: &mut Inputs<'_>, name: &str, text: &[u8], problems: Vec<Diagnostic>) {
    let unread = inputs.failed();
    let file = FileText { name, text: std::str::from_utf8(text).unwrap_or_default() };
    for problem in problems.into_iter().filter(|problem| !(unread && problem.code == "motion::empty")) {
        let placed = file.on_line(problem.severity, problem.line, problem.code, problem.message, problem.advice);
        inputs.diagnostics.push(placed);
    }
}

/// The work frame's origin is that of the first work offset a motion uses.
fn first_work_offset(ops: &[CanonOp]) -> u8 {
    ops.iter().find(|op| is_motion(op)).map_or(0, |op| op.modal.work_offset)
}

/// Index of a first tool change to the tool the program ends with, where the machine makes parts one after the
/// other: that tool is in the spindle already.
fn tool_waiting(machine: &Machine, ops: &[CanonOp]) -> Option<usize> {
    if machine.control.tool_at_start != ToolAtStart::AsAtEnd {
        return None;
    }
    let at_end = ops.last()?.modal.tool;
    let (index, first) = ops.iter().enumerate().find(|(_, op)| matches!(op.call, Call::ChangeTool { .. }))?;
    (matches!(first.call, Call::ChangeTool { tool } if Some(tool) == at_end)).then_some(index)
}

fn is_motion(op: &CanonOp) -> bool {
    matches!(op.call, Call::StraightTraverse { .. } | Call::StraightFeed { .. } | Call::ArcFeed { .. })
}

/// Gives every feed move of a program that never says S the speed the job states, or the one the material's
/// cutting speed gives, and says so. A spindle that the program stopped stays stopped.
fn say_speeds(
    inputs: &mut Inputs<'_>,
    segments: &mut [Segment],
    tools: &BTreeMap<ToolNumber, Tool>,
    material: &Material,
    machine: &Machine,
) {
    let stated = inputs.speed_stated();
    let mut chosen: BTreeMap<ToolNumber, RotaryVelocity> = BTreeMap::new();
    for segment in segments.iter_mut().filter(|segment| segment.kind == SegmentKind::Feed) {
        let (None, Some(number)) = (segment.spindle, segment.tool) else { continue };
        let Some(tool) = tools.get(&number) else { continue };
        let speed = *chosen.entry(number).or_insert_with(|| {
            let by_material = material.data.speed(tool.diameter).min(machine.spindle.speed_max);
            let (speed, why) = match stated {
                Some(speed) => (speed, "stated by the job"),
                None => (by_material, "from the material's cutting speed"),
            };
            let rpm = speed.as_rpm();
            inputs.assumed.push(format!("{number}: spindle speed {rpm:.0} rpm, {why}; the program never says S"));
            speed
        });
        segment.spindle = Some(speed);
    }
}

fn context(sources: &JobSources, path: &Path) -> ContextDigest {
    let mut chain = DigestChain::new(COMPILER_VERSION);
    chain.bytes(&sources.to_bytes()).bytes(path.digest().as_bytes());
    ContextDigest(chain.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job with its tool in a comment.
    fn job(program: &str) -> (Option<Job>, Vec<Diagnostic>) {
        let manifest = "schema = 1\nname = \"a\"\n[program]\nfile = \"a.ngc\"\ndialect = \"auto\"\n[machine]\nfile = \"m\"\n\
                        [material]\nname = \"x\"\n";
        let manifest = toml::from_str(manifest).expect("a valid manifest");
        let parts = [
            ("a.ngc", program.as_bytes().to_vec()),
            ("m", include_bytes!("../../../scenarios/data/machines/generic-vmc.toml").to_vec()),
            ("x", include_bytes!("../../../scenarios/data/materials/7050-t7451.toml").to_vec()),
        ];
        let parts = parts.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        Job::compile(&JobSources { manifest, parts })
    }

    #[test]
    fn a_compensated_contour_is_cut_a_radius_beside_it() {
        let text = "(T1 D=10. CR=0. - flat end mill)\nG21 G90 G17 G94 G40 G49 G54\nT1 M6\nS5000 M3\nG0 X-30 Y0 Z-2\n\
                    G41 D1 G1 X0 F1000\nX50\nG40 G0 X80\nM2\n";
        let (compiled, said) = job(text);
        let compiled = compiled.unwrap_or_else(|| panic!("{said:?}"));
        let beside = |line: u32| compiled.path.segments().iter().find(|segment| segment.at.line == line);
        let (entry, contour) = (beside(6).expect("the entry"), beside(7).expect("the contour"));
        let rise = contour.geometry.end().y - entry.geometry.start().y;
        assert!((rise - 5.0).abs() < 1e-9, "{rise} mm instead of the radius");
        let (none, said) = job(&text.replace("X-30 Y0", "X-4 Y0"));
        assert!(none.is_none() && said.iter().any(|one| one.code == "program::entry-move"), "{said:?}");
    }

    #[test]
    fn the_work_frame_of_a_further_offset_stands_where_the_program_put_it() {
        let text = "O1\n(TOOL 1 - 6MM END MILL)\nG21 G90 G17\nG10 L20 P3 X-300. Y-200. Z-250.\nT1 M6\nS5000 M3\n\
                    G54.1 P3\nG0 X0. Y0. Z5.\nG1 Z-1. F300.\nX30.\nM30\n";
        let (compiled, said) = job(text);
        let compiled = compiled.unwrap_or_else(|| panic!("{said:?}"));
        let cut = compiled.path.segments().last().expect("motions");
        let end = cut.geometry.end();
        assert!((end.x - 30.0).abs() < 1e-9 && (end.z + 1.0).abs() < 1e-9, "{end:?}");
    }
}
