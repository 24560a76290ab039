//! The tool tables of a command that needs no whole job: read, imported and joined as those of a job are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use shared::files::{FileText, ToolLibrary};
use shared::ident::ToolNumber;
use shared::machine::LengthUnit;

use super::super::{LoadError, read_file};
use super::{UnitOfFile, import_tools};

/// Which tables, and what the user said about them.
#[derive(Clone, Debug, Default)]
pub struct LibraryRequest {
    /// The files; they complete each other.
    pub files: Vec<PathBuf>,
    /// Unit of a file that does not say one; millimetres, and said so, where absent.
    pub unit: Option<LengthUnit>,
    /// Names of entries by T number.
    pub map: BTreeMap<ToolNumber, String>,
}

impl LibraryRequest {
    /// The tools of all files together; `None` where no file is named.
    ///
    /// # Errors
    /// [`LoadError`] with everything that is wrong, each with file and line.
    pub fn read(&self) -> Result<Option<ToolLibrary>, LoadError> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let unit = match self.unit {
            Some(unit) => UnitOfFile::Stated(unit),
            None => UnitOfFile::OfMachine(LengthUnit::Millimetre),
        };
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut names = Vec::new();
        for path in &self.files {
            let name = path.display().to_string();
            let bytes = read_file(path, &name)?;
            let text = match import_tools(&name, &bytes, unit) {
                Ok(Some(import)) => import.file.to_toml(),
                Ok(None) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(problem) => {
                    let texts = [(name, problem.text)].into();
                    return Err(LoadError { diagnostics: problem.diagnostics, texts });
                }
            };
            texts.insert(name.clone(), text);
            names.push(name);
        }
        let files: Vec<_> = names.iter().map(|name| FileText { name, text: &texts[name] }).collect();
        match ToolLibrary::read(&files, &self.map) {
            Ok(library) => Ok(Some(library)),
            Err(diagnostics) => Err(LoadError { diagnostics, texts }),
        }
    }
}
