//! Importers of the machine descriptions that shops have: LinuxCNC configurations (`.ini`), MTConnect probe
//! documents (`Devices.xml`) and FreeCAD machines (`.fcm`).
//!
//! None of them says everything that timing needs: a probe knows no acceleration, a controller's configuration no
//! spindle power. So an import is a machine file in our own format *and* a report: what was taken and from which
//! line, what was assumed because nobody said it, and what the file says that has no place here. What the user
//! states beside the file ([`MachineImportRequest::stated`]) takes the place of an assumption, never of a figure
//! in the file. Everything else that is missing is the generic mill's, and said.
//!
//! A figure that cannot be meant is an error at its place in the file. Files are bounded before they are read, and so
//! is what is reported of them.
//!
//! Sources: LinuxCNC's manual ("INI Configuration", sections TRAJ, AXIS, JOINT, SPINDLE) and the sample
//! configurations of its package; MTConnect standard part 2 (Constraints, Specifications, units); the machine files
//! that FreeCAD's CAM workbench ships and writes.

mod draft;
mod freecad;
mod ini;
mod linuxcnc;
mod mtconnect;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;

use shared::files::FileText;
use shared::program::{Diagnostic, Severity};

use draft::Draft;

/// Longest description that is read.
const FILE_BYTES_MAX: usize = 16 << 20;

/// What is known besides the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineImportRequest {
    /// Which device of a probe that describes several.
    pub device: Option<String>,
    /// Figures that the file does not say, by their key in the machine file (`tool_change_s`, `spindle.power_max_kw`).
    pub stated: BTreeMap<String, f64>,
}

/// A sentence about the import, and the line of the file it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The sentence.
    pub text: String,
    /// Line of the file, from 1; `None` where it is about what the file does not say.
    pub line: Option<u32>,
}

/// A machine description in our own format, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineImport {
    /// Name of the machine.
    pub name: String,
    /// The machine file.
    pub toml: String,
    /// What was taken from the file.
    pub imported: Vec<Remark>,
    /// What nobody said and was filled in.
    pub assumed: Vec<Remark>,
    /// What the file says and is not used.
    pub skipped: Vec<Remark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Ini,
    Probe,
    FreeCad,
}

fn format_of(name: &str, text: &str) -> Option<Format> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match (extension.as_deref(), text.trim_start().as_bytes().first()) {
        (Some("ini"), _) => Some(Format::Ini),
        (Some("xml"), _) | (_, Some(b'<')) => Some(Format::Probe),
        (Some("fcm" | "json"), _) | (_, Some(b'{')) => Some(Format::FreeCad),
        _ if text.lines().any(|line| line.trim().eq_ignore_ascii_case("[TRAJ]")) => Some(Format::Ini),
        _ => None,
    }
}

/// Reads a machine description of another program.
///
/// # Errors
/// Every diagnostic found, with the place, what was read and what was expected.
pub fn import_machine(
    name: &str,
    bytes: &[u8],
    request: &MachineImportRequest,
) -> Result<MachineImport, Vec<Diagnostic>> {
    if bytes.len() > FILE_BYTES_MAX {
        let file = FileText { name, text: "" };
        let message = format!("the file has {} bytes, more than the {FILE_BYTES_MAX} accepted", bytes.len());
        let advice = "name the machine description itself".to_owned();
        return Err(vec![file.diagnostic(Severity::Error, None, "file::too-large", message, advice)]);
    }
    let file = FileText::from_bytes(name, bytes).map_err(|error| vec![*error])?;
    let file = FileText { name, text: file.text.trim_start_matches('\u{feff}') };
    let mut draft = Draft::new(file, &request.stated);
    let done = match format_of(name, file.text) {
        Some(Format::Ini) => {
            linuxcnc::read(&mut draft);
            Ok(())
        }
        Some(Format::Probe) => mtconnect::read(&mut draft, request.device.as_deref()),
        Some(Format::FreeCad) => freecad::read(&mut draft),
        None => {
            let message = "this is no machine description that is known".to_owned();
            let advice = "name a LinuxCNC .ini, an MTConnect probe .xml or a FreeCAD .fcm".to_owned();
            Err(Box::new(file.diagnostic(Severity::Error, None, "machine::format", message, advice)))
        }
    };
    if let Err(error) = done {
        draft.errors.push(*error);
    }
    draft.finish()
}
