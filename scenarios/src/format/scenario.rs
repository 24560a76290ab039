use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use shared::files::{
    FileText, JobFile, LimitsSection, MachineSection, MaterialSection, ProgramSection, StockSection, ToolsSection,
    parse_toml, read_dynamics, read_machine, response_files,
};
use shared::ident::Name;
use shared::job::{JobSources, check_manifest};
use shared::machine::{LengthUnit, TipDynamics};
use shared::program::{Diagnostic, Severity};

use super::builtin::{Builtin, builtin_names};
use super::expect::Expectation;
use super::scenario_file::ScenarioFile;
use super::tools::{UnitOfFile, import_tools};

/// Cells that a stock map can be made of, mm: finer takes more memory than there is, coarser shows nothing.
pub const RESOLUTION_MM: RangeInclusive<f64> = 0.001..=10.0;

/// Greatest size of one file of a scenario.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A scenario with everything it names.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// As it was written.
    pub file: ScenarioFile,
    /// What edge and cloud agree on.
    pub sources: JobSources,
}

/// Why a scenario or a program does not load: diagnostics, with the texts they point into.
#[derive(Debug, Default)]
pub struct LoadError {
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Texts by source name, for drawing carets.
    pub texts: BTreeMap<String, String>,
}

impl LoadError {
    fn one(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic], texts: BTreeMap::new() }
    }

    fn file(name: &str, code: &'static str, message: String, advice: String) -> Self {
        Self::one(Diagnostic {
            severity: Severity::Error,
            code,
            source: name.to_owned(),
            line: 0,
            column: 0,
            span: None,
            message,
            advice,
        })
    }
}

/// What `cosim simulate` was told; everything else is assumed, and said.
#[derive(Clone, Debug, Default)]
pub struct SimulateRequest {
    /// Program file.
    pub program: PathBuf,
    /// Machine: path or built-in name.
    pub machine: Option<String>,
    /// Tool libraries that complete each other.
    pub tools: Vec<PathBuf>,
    /// Unit of a library that does not say one: `mm` or `inch`.
    pub tool_units: Option<String>,
    /// Names of library entries by T number.
    pub tool_map: BTreeMap<String, String>,
    /// Material: path or built-in name.
    pub material: Option<String>,
    /// Stock.
    pub stock: Option<StockArgument>,
    /// Limits.
    pub limits: LimitsSection,
}

/// `--stock` on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct StockArgument(pub StockSection);

/// Where the files that a scenario names are looked for.
enum Place<'a> {
    Folder(&'a Path),
    Builtin(&'a str),
}

impl Scenario {
    /// Loads a scenario file, or a built-in case by its name.
    ///
    /// # Errors
    /// [`LoadError`] with everything that is wrong, each with file, line and advice.
    pub fn load(path_or_name: &str, time_scale: f64) -> Result<Self, LoadError> {
        let path = Path::new(path_or_name);
        if path.exists() {
            let bytes = read_file(path, path_or_name)?;
            let folder = path.parent().unwrap_or(Path::new("."));
            return Self::parse(path_or_name, &bytes, &Place::Folder(folder), time_scale);
        }
        match Builtin::Case.find(&format!("{path_or_name}/scenario.toml")) {
            Some(bytes) => Self::parse(path_or_name, bytes, &Place::Builtin(path_or_name), time_scale),
            None => Err(LoadError::file(
                path_or_name,
                "scenario::not-found",
                "there is no such file, and no built-in case of this name".to_owned(),
                format!("name a scenario file, or one of the cases {}", case_names().join(", ")),
            )),
        }
    }

    fn parse(name: &str, bytes: &[u8], place: &Place<'_>, time_scale: f64) -> Result<Self, LoadError> {
        let text = FileText::from_bytes(name, bytes).map_err(|error| LoadError::one(*error))?;
        let with_text = |diagnostics: Vec<Diagnostic>| LoadError {
            diagnostics,
            texts: [(name.to_owned(), text.text.to_owned())].into(),
        };
        let file: ScenarioFile = parse_toml(text).map_err(|error| with_text(vec![*error]))?;
        let errors = check(&file, text);
        if !errors.is_empty() {
            return Err(with_text(errors));
        }
        let sources = gather(file.job_file(time_scale), place)?;
        Ok(Self { file, sources })
    }
}

/// The scenario's own values; those of the job are checked where it is compiled.
fn check(file: &ScenarioFile, text: FileText<'_>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut error = |key: &str, message: String, advice: &str| {
        errors.push(text.error_at(key, "scenario::value", message, advice.to_owned()));
    };
    if file.schema != 1 {
        error("schema", format!("schema {} is not known", file.schema), "this version reads schema 1");
    }
    if let Err(problem) = Name::parse(&file.name) {
        error("name", problem.to_string(), "rename the scenario");
    }
    let positive = [
        ("run.real_time_factor", file.run.real_time_factor),
        ("run.sample_ms", file.run.sample_ms),
        ("run.max_wall_s", file.run.max_wall_s),
        ("budget.end_to_end_ms", file.budget.end_to_end_ms),
        ("budget.time_to_live_ms", file.budget.time_to_live_ms),
        ("network.one_way_ms", file.network.one_way_ms.p50),
    ];
    for (key, value) in positive {
        if !(value > 0.0 && value < 1e6) {
            error(
                key,
                format!("`{key}` is {value}, expected a number above 0 and below 1000000"),
                "correct the figure",
            );
        }
    }
    if let Some(mm) = file.run.resolution_mm.filter(|mm| !RESOLUTION_MM.contains(mm)) {
        let (least, most) = (RESOLUTION_MM.start(), RESOLUTION_MM.end());
        error(
            "run.resolution_mm",
            format!("`run.resolution_mm` is {mm}, expected {least} to {most}"),
            "correct the figure, or leave it out: the tools then decide",
        );
    }
    for (key, share) in [("network.loss", file.network.loss), ("network.duplicate", file.network.duplicate)] {
        if !(0.0..1.0).contains(&share) {
            error(key, format!("`{key}` is {share}, expected a share from 0 to below 1"), "correct the figure");
        }
    }
    for problem in check_manifest(&file.job_file(1.0)) {
        error(&problem.key, format!("`{}`: {}", problem.key, problem.message), problem.advice);
    }
    for (key, written) in file.expect.comparisons() {
        if let Err(message) = Expectation::parse(written) {
            error(&format!("expect.{key}"), message, "correct the expectation");
        }
    }
    errors
}

impl SimulateRequest {
    /// Gathers what the command named, with the sentences for what it did not name.
    ///
    /// # Errors
    /// [`LoadError`] for a file that is not there or cannot be read.
    pub fn sources(&self) -> Result<(JobSources, Vec<String>), LoadError> {
        let mut assumed = Vec::new();
        let mut or_assume = |given: &Option<String>, usual: &str, what: &str| {
            given.clone().unwrap_or_else(|| {
                assumed.push(format!("{what}: {usual} (built in), none was named"));
                usual.to_owned()
            })
        };
        let machine = or_assume(&self.machine, "generic-vmc", "machine");
        let material = or_assume(&self.material, "6061-T6", "material");
        let program = self.program.display().to_string();
        let stem = self.program.file_stem().map_or_else(|| program.clone(), |stem| stem.to_string_lossy().into_owned());
        let manifest = JobFile {
            schema: 1,
            name: stem,
            time_scale: 1.0,
            program: ProgramSection {
                file: program,
                dialect: "auto".to_owned(),
                units: None,
                optional_stop: false,
                block_delete: false,
                params: BTreeMap::new(),
            },
            machine: MachineSection { file: machine, patch: Default::default() },
            wcs: BTreeMap::new(),
            stock: self.stock.clone().map(|stock| stock.0),
            tools: ToolsSection {
                library: self.tools.iter().map(|path| path.display().to_string()).collect(),
                units: self.tool_units.clone(),
                map: self.tool_map.clone(),
                ..ToolsSection::default()
            },
            material: MaterialSection { name: material, kc1_1: None, mc: None },
            limits: self.limits.clone(),
        };
        Ok((gather(manifest, &Place::Folder(Path::new("")))?, assumed))
    }
}

impl StockArgument {
    /// Reads `box:XxYxZ@x,y,z`, `cyl:DxH@x,y,z` (program mm) or `FILE.stl:mm|inch`.
    ///
    /// # Errors
    /// A sentence that names the accepted forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a stock; write box:XxYxZ@x,y,z (sizes and smallest corner, program mm), \
                 cyl:DxH@x,y,z (diameter, height and centre of the lower face) or FILE.stl:mm or FILE.stl:inch"
            )
        };
        let numbers = |text: &str, separator: char, count: usize| {
            let read: Option<Vec<f64>> =
                text.split(separator).map(|part| part.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
            read.filter(|numbers| numbers.len() == count)
        };
        let at = |text: &str, count: usize| {
            let (sizes, corner) = text.split_once('@')?;
            let sizes = numbers(sizes, 'x', count)?;
            let corner = numbers(corner, ',', 3)?;
            sizes.iter().all(|size| *size > 0.0).then_some((sizes, [corner[0], corner[1], corner[2]]))
        };
        let units = "mm".to_owned();
        if let Some(rest) = text.strip_prefix("box:") {
            let (sizes, min) = at(rest, 3).ok_or_else(wrong)?;
            let max = [min[0] + sizes[0], min[1] + sizes[1], min[2] + sizes[2]];
            return Ok(Self(StockSection::Box { min, max, units }));
        }
        if let Some(rest) = text.strip_prefix("cyl:") {
            let (sizes, centre) = at(rest, 2).ok_or_else(wrong)?;
            return Ok(Self(StockSection::Cylinder { centre, diameter: sizes[0], height: sizes[1], units }));
        }
        let (file, units) = text.rsplit_once(':').ok_or_else(wrong)?;
        if !file.to_ascii_lowercase().ends_with(".stl") || !matches!(units, "mm" | "inch") {
            return Err(wrong());
        }
        Ok(Self(StockSection::Mesh { file: file.to_owned(), units: units.to_owned() }))
    }
}

/// Follows the names of a manifest to bytes.
fn gather(manifest: JobFile, place: &Place<'_>) -> Result<JobSources, LoadError> {
    let mut parts = BTreeMap::new();
    let mut errors = LoadError::default();
    let mut take = |name: &str, builtin: Option<Builtin>| match find(name, builtin, place) {
        Ok(bytes) => {
            parts.insert(name.to_owned(), bytes);
        }
        Err(error) => errors.diagnostics.extend(error.diagnostics),
    };
    take(&manifest.program.file, None);
    take(&manifest.machine.file, Some(Builtin::Machine));
    take(&manifest.material.name, Some(Builtin::Material));
    for library in &manifest.tools.library {
        take(library, None);
    }
    if let Some(StockSection::Mesh { file, .. }) = &manifest.stock {
        take(file, None);
    }
    import_libraries(&manifest, &mut parts, &mut errors);
    take_responses(&manifest.machine.file, place, &mut parts, &mut errors);
    if errors.diagnostics.is_empty() { Ok(JobSources { manifest, parts }) } else { Err(errors) }
}

/// The measured responses that a machine file names; they lie beside it.
fn take_responses(machine: &str, place: &Place<'_>, parts: &mut BTreeMap<String, Vec<u8>>, errors: &mut LoadError) {
    let file = parts.get(machine).and_then(|bytes| FileText::from_bytes(machine, bytes).ok());
    for name in file.map(response_files).unwrap_or_default() {
        let beside = Path::new(machine).with_file_name(&name);
        match find(&beside.display().to_string(), None, place) {
            Ok(bytes) => drop(parts.insert(name, bytes)),
            Err(error) => errors.diagnostics.extend(error.diagnostics),
        }
    }
}

/// A machine file with the responses it names.
pub(crate) struct MachineWithTips {
    /// Text of the machine file.
    pub(crate) text: String,
    /// How tips give way.
    pub(crate) tips: Vec<TipDynamics>,
}

/// Reads a machine file, or a built-in machine, with the responses it names.
pub(crate) fn load_machine(name: &str) -> Result<MachineWithTips, LoadError> {
    let place = Place::Folder(Path::new(""));
    let mut parts = BTreeMap::from([(name.to_owned(), find(name, Some(Builtin::Machine), &place)?)]);
    let mut errors = LoadError::default();
    take_responses(name, &place, &mut parts, &mut errors);
    if !errors.diagnostics.is_empty() {
        return Err(errors);
    }
    let wrong = |diagnostics: Vec<Diagnostic>| {
        let texts =
            parts.iter().filter_map(|(name, bytes)| Some((name.clone(), String::from_utf8(bytes.clone()).ok()?)));
        LoadError { diagnostics, texts: texts.collect() }
    };
    let file = FileText::from_bytes(name, &parts[name]).map_err(|error| wrong(vec![*error]))?;
    let tips = read_dynamics(file, &|part| parts.get(part).map(Vec::as_slice)).map_err(wrong)?;
    Ok(MachineWithTips { text: file.text.to_owned(), tips })
}

/// Turns tool tables of other programs into our own format, which is what edge and cloud read.
fn import_libraries(manifest: &JobFile, parts: &mut BTreeMap<String, Vec<u8>>, errors: &mut LoadError) {
    let stated = manifest.tools.units.as_deref().and_then(length_unit);
    let unit = match stated {
        Some(unit) => UnitOfFile::Stated(unit),
        None => UnitOfFile::OfMachine(machine_unit(manifest, parts)),
    };
    for name in &manifest.tools.library {
        let Some(bytes) = parts.get(name) else { continue };
        match import_tools(name, bytes, unit) {
            Ok(None) => {}
            Ok(Some(import)) => drop(parts.insert(name.clone(), import.file.to_toml().into_bytes())),
            Err(problem) => {
                errors.diagnostics.extend(problem.diagnostics);
                errors.texts.insert(name.clone(), problem.text);
            }
        }
    }
}

fn length_unit(word: &str) -> Option<LengthUnit> {
    match word {
        "mm" => Some(LengthUnit::Millimetre),
        "inch" => Some(LengthUnit::Inch),
        _ => None,
    }
}

/// The machine's unit; what is wrong with its file is said where the job is compiled.
fn machine_unit(manifest: &JobFile, parts: &BTreeMap<String, Vec<u8>>) -> LengthUnit {
    let name = &manifest.machine.file;
    let file = parts.get(name).and_then(|bytes| FileText::from_bytes(name, bytes).ok());
    let machine = file.and_then(|file| read_machine(file, &manifest.machine.patch).ok());
    machine.map_or(LengthUnit::Millimetre, |(machine, _)| machine.length_unit)
}

fn find(name: &str, builtin: Option<Builtin>, place: &Place<'_>) -> Result<Vec<u8>, LoadError> {
    if let Some(bytes) = builtin.and_then(|kind| kind.find(name)) {
        return Ok(bytes.to_vec());
    }
    let advice = match builtin {
        Some(kind) => format!("name an existing file, or one of the built-in {}", builtin_names(kind).join(", ")),
        None => "name an existing file".to_owned(),
    };
    match place {
        Place::Folder(folder) => read_file(&folder.join(name), name).map_err(|mut error| {
            error.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.advice.clone_from(&advice));
            error
        }),
        Place::Builtin(case) => Builtin::Case
            .find(&format!("{case}/{name}"))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| LoadError::file(name, "file::not-found", "no such file in this case".to_owned(), advice)),
    }
}

/// A file within the accepted size.
pub(crate) fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, LoadError> {
    let unreadable = |message: String, code| LoadError::file(name, code, message, "name an existing file".to_owned());
    let size = fs::metadata(path).map_err(|error| {
        let looked = path.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => unreadable(format!("there is no file {looked}"), "file::not-found"),
            _ => unreadable(format!("{looked} cannot be read: {error}"), "file::unreadable"),
        }
    })?;
    if size.is_dir() {
        return Err(unreadable(format!("{} is a folder", path.display()), "file::unreadable"));
    }
    if size.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, more than the {FILE_BYTES_MAX} accepted", size.len());
        return Err(unreadable(message, "file::too-large"));
    }
    fs::read(path)
        .map_err(|error| unreadable(format!("{} cannot be read: {error}", path.display()), "file::unreadable"))
}

fn case_names() -> Vec<&'static str> {
    builtin_names(Builtin::Case).into_iter().filter_map(|name| name.strip_suffix("/scenario.toml")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_arguments() {
        let check = |text: &str, expected: Option<StockSection>| {
            assert_eq!(StockArgument::parse(text).ok().map(|stock| stock.0), expected, "{text}");
        };
        let units = || "mm".to_owned();
        let min = [-10.0, 0.0, -5.5];
        check("box:20x30x5.5@-10,0,-5.5", Some(StockSection::Box { min, max: [10.0, 30.0, 0.0], units: units() }));
        let centre = [0.0, 0.0, -20.0];
        check(
            "cyl:50x20@0,0,-20",
            Some(StockSection::Cylinder { centre, diameter: 50.0, height: 20.0, units: units() }),
        );
        check(
            "a.b/part.STL:inch",
            Some(StockSection::Mesh { file: "a.b/part.STL".to_owned(), units: "inch".to_owned() }),
        );
        for wrong in
            ["box:20x30@0,0,0", "box:0x1x1@0,0,0", "part.stl", "part.stl:cm", "part.step:mm", "box:axbxc@0,0,0", ""]
        {
            check(wrong, None);
        }
    }
}
