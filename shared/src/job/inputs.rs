use std::collections::BTreeMap;

use super::manifest::{OFFSET_NAMES, check_manifest};
use super::sources::JobSources;
use super::stock::{StockSpec, length_unit};
use crate::cutting::Material;
use crate::files::{
    Assumed, FileText, JobFile, ToolLibrary, assume_tool, read_dynamics, read_limits, read_machine, read_material,
    tool_from_comment,
};
use crate::ident::ToolNumber;
use crate::machine::{Machine, TipDynamics};
use crate::motion::{Path, Segment};
use crate::plan::Limits;
use crate::program::{self, Diagnostic, Dialect, Severity};
use crate::tool::Tool;
use crate::units::{Length, RotaryVelocity};

/// The tool library, where the job names one.
pub(super) type Library = Option<ToolLibrary>;

/// Code of the interpreter's refusal of a tool that the table does not have.
const NOT_IN_TABLE: &str = "program::tool-length";

/// Origins of G54 to G59.3 in machine coordinates, mm.
pub(super) type WorkOffsets = [[f64; 3]; 9];

/// Reads the parts of a job one by one and collects what there is to say about them.
pub(super) struct Inputs<'a> {
    sources: &'a JobSources,
    /// Everything worth saying.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What was filled in.
    pub(super) assumed: Vec<Assumed>,
    /// What the files say that has no effect.
    pub(super) skipped: Vec<String>,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(sources: &'a JobSources) -> Self {
        let mut inputs = Self { sources, diagnostics: Vec::new(), assumed: Vec::new(), skipped: Vec::new() };
        for problem in check_manifest(&sources.manifest) {
            inputs.manifest_error(&problem.key, problem.message, problem.advice);
        }
        inputs
    }

    /// True once something is wrong.
    pub(super) fn failed(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
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

    /// How the tips of tools give way, with the files that the machine file names.
    pub(super) fn tips(&mut self) -> Option<Vec<TipDynamics>> {
        let (name, sources) = (&self.manifest().machine.file, self.sources);
        let part = |name: &str| sources.parts.get(name).map(Vec::as_slice);
        self.read(name, |file| read_dynamics(file, &part))
    }

    pub(super) fn material(&mut self) -> Option<Material> {
        let section = &self.manifest().material;
        self.read(&section.name, |file| read_material(file, section))
    }

    pub(super) fn limits(&self) -> Option<Limits> {
        read_limits(&self.manifest().limits).ok()
    }

    /// `Some(None)` where the job names no library.
    pub(super) fn tool_library(&mut self) -> Option<Library> {
        let section = &self.manifest().tools;
        if section.library.is_empty() {
            return Some(None);
        }
        let names = self.sources.parts.get(&self.manifest().program.file);
        let names = names.map(|text| program::tool_names(text)).unwrap_or_default();
        let mut files = Vec::new();
        for name in &section.library {
            let bytes = self.part(name)?;
            match FileText::from_bytes(name, bytes) {
                Ok(file) => files.push(file),
                Err(error) => self.diagnostics.push(*error),
            }
        }
        let map =
            section.map.iter().filter_map(|(number, name)| Some((ToolNumber(number.parse().ok()?), name.clone())));
        match ToolLibrary::read(&files, &map.collect()) {
            Ok(mut library) => {
                library.number_names(&names);
                self.assumed.extend(library.assumed.iter().cloned());
                self.skipped.extend(library.skipped.iter().cloned());
                Some(Some(library))
            }
            Err(errors) => {
                self.diagnostics.extend(errors);
                None
            }
        }
    }

    pub(super) fn program(&mut self) -> Option<&'a [u8]> {
        self.part(&self.manifest().program.file)
    }

    /// Work offsets by the job; those it does not state stand where the machine file says work usually stands.
    pub(super) fn work_offsets(&mut self, usual_mm: [f64; 3]) -> Option<WorkOffsets> {
        let mut offsets = [usual_mm; 9];
        for (name, section) in &self.manifest().wcs {
            let index = OFFSET_NAMES.iter().position(|known| known == name)?;
            let unit = length_unit(&section.units)?;
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
        &self,
        machine: &Machine,
        library: Option<&ToolLibrary>,
        work_offsets_mm: WorkOffsets,
        text: &[u8],
    ) -> Option<program::Options> {
        let section = &self.manifest().program;
        let dialect = Dialect::parse(&section.dialect)?;
        let unit = match &section.units {
            None => machine.length_unit,
            Some(word) => length_unit(word)?,
        };
        let parameters: Option<BTreeMap<u32, f64>> =
            section.params.iter().map(|(name, value)| Some((name.parse().ok()?, *value))).collect();
        Some(program::Options {
            dialect,
            length_unit: unit,
            tool_length_rule: machine.tool_length_rule,
            work_offsets_mm,
            reference_mm: [machine.reference.x, machine.reference.y, machine.reference.z],
            tool_lengths_mm: library.map(ToolLibrary::lengths_mm).unwrap_or_default(),
            tool_diameters_mm: library.map_or_else(|| diameters_of_comments(text), ToolLibrary::diameters_mm),
            tool_orientations: library.map(ToolLibrary::orientations).unwrap_or_default(),
            tool_names: match library {
                Some(library) => library.numbers_of_names(&program::tool_names(text)),
                // As the tools of the comments are numbered.
                None => (1..).map(ToolNumber).zip(program::tool_names(text)).collect(),
            },
            optional_stop: section.optional_stop,
            block_delete: section.block_delete,
            parameters: parameters?,
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
        library: Option<&ToolLibrary>,
        segments: &[Segment],
        text: &[u8],
    ) -> Option<BTreeMap<ToolNumber, Tool>> {
        let name = self.manifest().program.file.clone();
        let comments = program::tools_from_comments(text);
        let mut used: BTreeMap<ToolNumber, u32> = BTreeMap::new();
        for segment in segments.iter().filter(|segment| segment.length > Length::ZERO) {
            segment.tool.map(|tool| *used.entry(tool).or_insert(segment.at.line));
        }
        let mut tools = BTreeMap::new();
        for (number, line) in used {
            let tool = match library {
                Some(library) => self.library_tool(library, number),
                None => Some(match comments.iter().find(|comment| comment.number == number) {
                    Some(comment) => tool_from_comment(comment, &name, &mut self.assumed),
                    None => assume_tool(number, &mut self.assumed),
                }),
            };
            match tool {
                Some(tool) => {
                    tools.insert(number, tool);
                }
                None => self.tool_missing(&name, text, library, (number, line)),
            }
        }
        self.check_holders(&tools);
        Some(tools)
    }

    /// A tool of the library, with its own sentences.
    fn library_tool(&mut self, library: &ToolLibrary, number: ToolNumber) -> Option<Tool> {
        let found = library.tools.get(&number)?;
        self.assumed.extend(found.assumed.iter().cloned());
        self.skipped.extend(found.skipped.iter().cloned());
        Some(found.tool.clone())
    }

    /// A refusal for want of a tool says which table it was, and what that has.
    pub(super) fn name_table(&mut self, diagnostics: Vec<Diagnostic>, library: Option<&ToolLibrary>) {
        for mut diagnostic in diagnostics {
            if let Some(library) = library.filter(|_| diagnostic.is_error() && diagnostic.code == NOT_IN_TABLE) {
                diagnostic.message += &format!(": {}", library.contents());
            }
            self.diagnostics.push(diagnostic);
        }
    }

    fn tool_missing(
        &mut self,
        program: &str,
        text: &[u8],
        library: Option<&ToolLibrary>,
        (number, line): (ToolNumber, u32),
    ) {
        let contents = library.map(ToolLibrary::contents).unwrap_or_default();
        let message = format!("{number} moves here and is not in the tool library {contents}");
        let advice = format!("add {number} to the library, or name no library to take tools from the comments");
        // A program that is not UTF-8 throughout is pointed into by line only.
        let file = FileText { name: program, text: std::str::from_utf8(text).unwrap_or_default() };
        self.diagnostics.push(file.on_line(Severity::Error, line, "tool::missing", message, advice));
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
        self.manifest().tools.speed_rpm.map(|rpm| RotaryVelocity::rev_s(rpm / 60.0))
    }

    pub(super) fn stock(&mut self, path: &Path, radius_max: Length) -> Option<StockSpec> {
        let Some(section) = &self.manifest().stock else {
            let stock = StockSpec::assumed(path, radius_max, &mut self.assumed);
            // Where the program did not read, that there is nothing to cut is no news.
            if stock.is_none() && !self.failed() {
                let name = self.manifest().program.file.clone();
                let message = "the program has no feed move, so there is no stock to assume".to_owned();
                self.error(&name, "job::no-stock", message, "state the stock");
            }
            return stock;
        };
        match StockSpec::from_section(section).ok()? {
            StockSpec::Mesh { part, unit } => self.part(&part).map(|_| StockSpec::Mesh { part, unit }),
            stock => Some(stock),
        }
    }
}

/// Diameters for cutter compensation where no library gives them.
fn diameters_of_comments(text: &[u8]) -> BTreeMap<ToolNumber, f64> {
    let comments = program::tools_from_comments(text);
    comments.iter().filter_map(|comment| Some((comment.number, comment.diameter?.as_mm()))).collect()
}
