use std::collections::BTreeMap;

use super::sources::JobSources;
use super::stock::{StockSpec, length_unit};
use crate::cutting::Material;
use crate::files::{
    Assumed, FileText, JobFile, assume_tool, read_limits, read_machine, read_material, read_tools, tool_from_comment,
};
use crate::ident::ToolNumber;
use crate::machine::Machine;
use crate::motion::{Path, Segment};
use crate::plan::Limits;
use crate::program::{self, Diagnostic, Dialect, Severity};
use crate::tool::Tool;
use crate::units::{Length, RotaryVelocity};

/// Tools by number, where the job names a library.
pub(super) type Library = Option<BTreeMap<ToolNumber, Tool>>;

/// Origins of G54 to G59.3 in machine coordinates, mm.
pub(super) type WorkOffsets = [[f64; 3]; 9];

const OFFSET_NAMES: [&str; 9] = ["G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3"];

/// Reads the parts of a job one by one and collects what there is to say about them.
pub(super) struct Inputs<'a> {
    sources: &'a JobSources,
    /// Everything worth saying.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What was filled in.
    pub(super) assumed: Vec<Assumed>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(sources: &'a JobSources) -> Self {
        Self { sources, diagnostics: Vec::new(), assumed: Vec::new() }
    }

    fn manifest(&self) -> &'a JobFile {
        &self.sources.manifest
    }

    pub(super) fn error(&mut self, source: &str, code: &'static str, message: String, advice: &str) {
        self.diagnostics.push(Diagnostic {
            severity: Severity::Error,
            code,
            source: source.to_owned(),
            line: 0,
            column: 0,
            span: None,
            message,
            advice: advice.to_owned(),
        });
    }

    fn manifest_error(&mut self, key: &str, message: String, advice: &str) {
        let name = self.manifest().name.clone();
        self.error(&name, "job::value", format!("`{key}`: {message}"), advice);
    }

    fn part(&mut self, name: &str) -> Option<&'a [u8]> {
        let part = self.sources.parts.get(name).map(Vec::as_slice);
        if part.is_none() {
            self.error(
                name,
                "job::missing-part",
                "this part of the job is missing".to_owned(),
                "name an existing file",
            );
        }
        part
    }

    /// Reads one text part; its own errors are collected.
    fn read<T>(&mut self, name: &str, reader: impl FnOnce(FileText<'_>) -> Result<T, Vec<Diagnostic>>) -> Option<T> {
        let bytes = self.part(name)?;
        match FileText::from_bytes(name, bytes).map_err(|error| vec![*error]).and_then(reader) {
            Ok(value) => Some(value),
            Err(errors) => {
                self.diagnostics.extend(errors);
                None
            }
        }
    }

    pub(super) fn machine(&mut self) -> Option<(Machine, [f64; 3])> {
        let section = &self.manifest().machine;
        self.read(&section.file, |file| read_machine(file, &section.patch))
    }

    pub(super) fn material(&mut self) -> Option<Material> {
        let section = &self.manifest().material;
        self.read(&section.name, |file| read_material(file, section))
    }

    pub(super) fn limits(&mut self) -> Option<Limits> {
        match read_limits(&self.manifest().limits) {
            Ok(limits) => Some(limits),
            Err((key, message)) => {
                self.manifest_error(key, message, "correct the figure in [limits]");
                None
            }
        }
    }

    /// `Some(None)` where the job names no library.
    pub(super) fn tool_library(&mut self) -> Option<Library> {
        let Some(name) = &self.manifest().tools.library else { return Some(None) };
        let (tools, assumed) = self.read(name, read_tools)?;
        self.assumed.extend(assumed);
        Some(Some(tools))
    }

    pub(super) fn program(&mut self) -> Option<&'a [u8]> {
        self.part(&self.manifest().program.file)
    }

    /// Work offsets by the job; those it does not state stand where the machine file says work usually stands.
    pub(super) fn work_offsets(&mut self, usual_mm: [f64; 3]) -> Option<WorkOffsets> {
        let mut offsets = [usual_mm; 9];
        for (name, section) in &self.manifest().wcs {
            let index = OFFSET_NAMES.iter().position(|known| known == name);
            let unit = length_unit(&section.units);
            let (Some(index), Some(unit)) = (index, unit) else {
                let message = format!("[wcs.{name}] with units \"{}\" is not known", section.units);
                self.manifest_error("wcs", message, "use G54 to G59.3, and \"mm\" or \"inch\"");
                return None;
            };
            offsets[index] = section.origin.map(|v| v * unit.mm());
        }
        if self.manifest().wcs.is_empty() {
            let [x, y, z] = usual_mm;
            self.assumed.push(format!(
                "work offsets: all at machine X{x} Y{y} Z{z} mm, where this machine's work usually stands"
            ));
        }
        Some(offsets)
    }

    pub(super) fn program_options(
        &mut self,
        machine: &Machine,
        library: Option<&BTreeMap<ToolNumber, Tool>>,
        work_offsets_mm: WorkOffsets,
    ) -> Option<program::Options> {
        let section = &self.manifest().program;
        let Some(dialect) = Dialect::parse(&section.dialect) else {
            let message = format!("`{}` is not a dialect", section.dialect);
            self.manifest_error("program.dialect", message, "use auto, rs274ngc, fanuc, haas, siemens or grbl");
            return None;
        };
        let unit = match &section.units {
            None => machine.length_unit,
            Some(word) => match length_unit(word) {
                Some(unit) => unit,
                None => {
                    self.manifest_error("program.units", format!("`{word}` is not a unit"), "use \"mm\" or \"inch\"");
                    return None;
                }
            },
        };
        let mut parameters = BTreeMap::new();
        for (name, value) in &section.params {
            let Ok(number) = name.parse::<u32>() else {
                self.manifest_error(
                    "program.params",
                    format!("`{name}` is not a number of a variable"),
                    "write \"501\" = 1",
                );
                return None;
            };
            parameters.insert(number, *value);
        }
        let lengths = library.into_iter().flatten().map(|(number, tool)| (*number, tool.length_offset.as_mm()));
        Some(program::Options {
            dialect,
            length_unit: unit,
            tool_length_rule: machine.tool_length_rule,
            work_offsets_mm,
            reference_mm: [machine.reference.x, machine.reference.y, machine.reference.z],
            tool_lengths_mm: lengths.collect(),
            optional_stop: section.optional_stop,
            block_delete: section.block_delete,
            parameters,
            limits: program::Limits::STANDARD,
        })
    }

    /// The tool of moves before the first tool change; assumed as T0 where nobody says.
    pub(super) fn tool_in_spindle(&mut self, segments: &[Segment]) -> Option<ToolNumber> {
        let needed = segments.iter().any(|segment| segment.tool.is_none() && segment.length > Length::ZERO);
        needed.then(|| ToolNumber(self.manifest().tools.in_spindle.unwrap_or(0)))
    }

    /// The tools the path uses: from the library, else from the program's comments, else assumed.
    pub(super) fn tools(
        &mut self,
        library: Option<&BTreeMap<ToolNumber, Tool>>,
        segments: &[Segment],
        text: &[u8],
    ) -> Option<BTreeMap<ToolNumber, Tool>> {
        let name = self.manifest().program.file.clone();
        let comments = program::tools_from_comments(&name, text);
        let mut used: BTreeMap<ToolNumber, u32> = BTreeMap::new();
        for segment in segments.iter().filter(|segment| segment.length > Length::ZERO) {
            segment.tool.map(|tool| *used.entry(tool).or_insert(segment.at.line));
        }
        let mut tools = BTreeMap::new();
        for (number, line) in used {
            let tool = match library {
                Some(library) => library.get(&number).cloned(),
                None => Some(
                    comments
                        .iter()
                        .find(|comment| comment.number == number)
                        .and_then(|comment| tool_from_comment(comment, &mut self.assumed))
                        .unwrap_or_else(|| assume_tool(number, &mut self.assumed)),
                ),
            };
            match tool {
                Some(tool) => {
                    tools.insert(number, tool);
                }
                None => self.tool_missing(&name, number, line),
            }
        }
        self.check_holders(&tools);
        Some(tools)
    }

    fn tool_missing(&mut self, program: &str, number: ToolNumber, line: u32) {
        let library = self.manifest().tools.library.clone().unwrap_or_default();
        self.diagnostics.push(Diagnostic {
            severity: Severity::Error,
            code: "tool::missing",
            source: program.to_owned(),
            line,
            column: 0,
            span: None,
            message: format!("{number} cuts here but is not in the tool library {library}"),
            advice: format!("add {number} to the library, or name no library to take tools from the comments"),
        });
    }

    fn check_holders(&mut self, tools: &BTreeMap<ToolNumber, Tool>) {
        if !self.manifest().tools.require_holder {
            return;
        }
        let bare: Vec<String> =
            tools.values().filter(|tool| tool.holder.is_empty()).map(|tool| tool.number.to_string()).collect();
        if !bare.is_empty() {
            let message = format!("no holder geometry for {}", bare.join(", "));
            self.manifest_error("tools.require_holder", message, "add `holder` to these tools, or do not require it");
        }
    }

    pub(super) fn speed_stated(&self) -> Option<RotaryVelocity> {
        self.manifest().tools.speed_rpm.filter(|rpm| *rpm > 0.0).map(|rpm| RotaryVelocity::rev_s(rpm / 60.0))
    }

    pub(super) fn stock(&mut self, path: &Path, radius_max: Length) -> Option<StockSpec> {
        let Some(section) = &self.manifest().stock else {
            let stock = StockSpec::assumed(path, radius_max, &mut self.assumed);
            if stock.is_none() {
                let name = self.manifest().program.file.clone();
                let message = "the program has no feed move, so there is no stock to assume".to_owned();
                self.error(&name, "job::no-stock", message, "state the stock");
            }
            return stock;
        };
        match StockSpec::from_section(section) {
            Ok(StockSpec::Mesh { part, unit }) => self.part(&part).map(|_| StockSpec::Mesh { part, unit }),
            Ok(stock) => Some(stock),
            Err((key, message)) => {
                self.manifest_error(key, message, "correct [stock]");
                None
            }
        }
    }
}
