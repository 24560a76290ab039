//! Importers of the tool tables that shops have: LinuxCNC `tool.tbl`, Fusion 360 libraries (`.json`, `.tools`), FreeCAD
//! tool bits (`.fctb`), CAMotics projects, and CSV lists with Siemens tool names.
//!
//! Each reads bytes and gives a [`ToolImport`]: the entries in our own format, which is what edge and cloud then
//! read, and sentences of what was imported, assumed and skipped, each with file and line. Units are never guessed
//! in silence: a file that does not say one is read in the unit it was given, or in the machine's, and that is
//! among the assumptions. A figure that cannot be meant is an error at its place in the file; an entry that is no cutter
//! (holder, probe) is skipped and said.
//!
//! Sources: LinuxCNC's tool table page and `tool.tbl` files of its sample configurations; libraries exported by
//! Fusion 360; `Tools/Bit` of FreeCAD 0.21 and 1.0; the example projects of CAMotics; the tool list of the
//! Spinner U5 data set.

mod camotics;
mod csv;
mod freecad;
mod fusion;
pub(in crate::format) mod json;
mod library;
mod sheet;
mod table;
#[cfg(test)]
mod tests;

use std::io::{Cursor, Read};

use shared::files::{FileText, ToolFile};
use shared::machine::LengthUnit;
use shared::program::{Diagnostic, Severity};

pub use library::LibraryRequest;
use sheet::Sheet;

/// Most bytes of an archive's library once it is unpacked.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;
/// Name of the library inside a `.tools` archive.
const ARCHIVED: &str = "tools.json";

/// Unit of a file that does not say one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitOfFile {
    /// The user has said it.
    Stated(LengthUnit),
    /// Nobody has: the machine's is taken, and said.
    OfMachine(LengthUnit),
}

/// What an importer read.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolImport {
    /// The tools, with what was assumed and skipped.
    pub file: ToolFile,
    /// What was imported, a sentence a tool.
    pub imported: Vec<String>,
}

/// Why a file is no tool table, with the text that the diagnostics point into.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportError {
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The text, where there is one.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Own,
    Table,
    Json,
    Archive,
    Csv,
}

/// By its name, and by its contents where the name does not tell.
fn format_of(name: &str, bytes: &[u8]) -> Format {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        _ if bytes.starts_with(b"PK\x03\x04") => Format::Archive,
        Some("tools" | "zip") => Format::Archive,
        Some("toml") => Format::Own,
        Some("tbl") => Format::Table,
        Some("json" | "fctb" | "fctl" | "camotics") => Format::Json,
        Some("csv") => Format::Csv,
        _ => format_by_contents(bytes),
    }
}

fn format_by_contents(bytes: &[u8]) -> Format {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let first = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let is_word = |word: &str| word.len() > 1 && word[1..].parse::<f64>().is_ok();
    match first.as_bytes().first() {
        Some(b'{') => Format::Json,
        Some(b'T' | b't' | b'P' | b'p') if first.split_whitespace().next().is_some_and(is_word) => Format::Table,
        Some(b'#' | b'[') => Format::Own,
        _ if !first.contains('=') && first.contains([';', ',']) => Format::Csv,
        _ => Format::Own,
    }
}

/// Reads a tool table of another program; `None` for a file in our own format, which needs no import.
///
/// # Errors
/// [`ImportError`] with the place, what was read and what was expected.
pub fn import_tools(name: &str, bytes: &[u8], unit: UnitOfFile) -> Result<Option<ToolImport>, ImportError> {
    let format = format_of(name, bytes);
    let unpacked;
    let bytes = match format {
        Format::Own => return Ok(None),
        Format::Archive => {
            unpacked = unpack(name, bytes)?;
            &unpacked
        }
        _ => bytes,
    };
    let text = FileText::from_bytes(name, bytes)
        .map_err(|error| ImportError { diagnostics: vec![*error], text: String::new() })?;
    let text = FileText { name, text: text.text.trim_start_matches('\u{feff}') };
    let mut sheet = Sheet::new(text, unit);
    let done = match format {
        Format::Table => table::read(&mut sheet),
        Format::Csv => csv::read(&mut sheet),
        _ => by_kind_of_json(&mut sheet),
    };
    sheet.finish(done)
}

/// Which program wrote a JSON file shows in its keys.
fn by_kind_of_json(sheet: &mut Sheet<'_>) -> Result<(), Box<Diagnostic>> {
    let root = json::parse(sheet.text, "tool::json")?;
    let object = root.object()?;
    if object.contains_key("data") {
        fusion::read(sheet, &object)
    } else if object.contains_key("parameter") || object.contains_key("shape") {
        freecad::read(sheet, &root)
    } else if let Some(tools) = object.get("tools").filter(|tools| tools.is_array()) {
        let advice = "give its tool bits (.fctb) instead, and their numbers with `tools.map`";
        Err(tools.error("this is a FreeCAD library, which only names its tool bits".to_owned(), advice))
    } else {
        camotics::read(sheet, &root, &object)
    }
}

/// The library inside a `.tools` archive. What is unpacked is bounded whatever the archive claims.
fn unpack(name: &str, bytes: &[u8]) -> Result<Vec<u8>, ImportError> {
    let error = |message: String| ImportError {
        diagnostics: vec![Diagnostic {
            severity: Severity::Error,
            code: "tool::archive",
            source: name.to_owned(),
            line: 0,
            column: 0,
            span: None,
            message,
            advice: format!("export the library again; a .tools file is a zip archive with {ARCHIVED} inside"),
        }],
        text: String::new(),
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|problem| error(format!("this is no zip archive: {problem}")))?;
    let entry = archive.by_name(ARCHIVED).map_err(|problem| error(format!("{ARCHIVED} cannot be read: {problem}")))?;
    let mut unpacked = Vec::new();
    entry
        .take(UNPACKED_BYTES_MAX + 1)
        .read_to_end(&mut unpacked)
        .map_err(|problem| error(format!("{ARCHIVED} is damaged: {problem}")))?;
    if unpacked.len() as u64 > UNPACKED_BYTES_MAX {
        return Err(error(format!("{ARCHIVED} unpacks to more than the {UNPACKED_BYTES_MAX} bytes accepted")));
    }
    Ok(unpacked)
}
