//! `[[dynamics]]` of a machine file: how the tips of its tools give way.
//!
//! Modes stand in the machine file itself; a measured response is a table in a file of its own, named there and lying
//! beside it. Whoever opens files hands over the bytes by name.

use super::machine_file::{DynamicsTable, MachineFile, ModeTable};
use super::response_file::read_response;
use super::text::{FileText, parse_toml};
use crate::ident::ToolNumber;
use crate::machine::{Mode, TipDynamics, TipResponse};
use crate::program::Diagnostic;

/// Most modes of one direction.
const MODES_MAX: usize = 4;

/// Names of the files with measured responses that a machine file wants; none where it does not read.
pub fn response_files(file: FileText<'_>) -> Vec<String> {
    let read: Option<MachineFile> = parse_toml(file).ok();
    read.map_or_else(Vec::new, |read| read.dynamics.into_iter().filter_map(|table| table.response).collect())
}

/// Reads how tips give way, with the files it names by `part`.
///
/// # Errors
/// Every diagnostic found: figures out of range, an entry that says nothing or twice the same, a file that is not there or
/// does not read.
pub fn read_dynamics<'a>(
    file: FileText<'_>,
    part: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<Vec<TipDynamics>, Vec<Diagnostic>> {
    let read: MachineFile = parse_toml(file).map_err(|error| vec![*error])?;
    let (mut tips, mut errors): (Vec<TipDynamics>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    for (number, table) in read.dynamics.iter().enumerate() {
        match tip(file, (number, table), part) {
            Ok(tip) if tips.iter().any(|other| other.tool == tip.tool) => {
                let whose = tip.tool.map_or_else(|| "every other tool".to_owned(), |tool| tool.to_string());
                errors.push(wrong(file, number, format!("the response of {whose} is given twice")));
            }
            Ok(tip) => tips.push(tip),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(tips) } else { Err(errors) }
}

fn tip<'a>(
    file: FileText<'_>,
    (number, table): (usize, &DynamicsTable),
    part: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<TipDynamics, Vec<Diagnostic>> {
    let tool = table.tool.map(ToolNumber);
    let has_modes = table.x.is_some() || table.y.is_some();
    match &table.response {
        Some(_) if has_modes => {
            Err(vec![wrong(file, number, "`response` and modes are given for the same tool".to_owned())])
        }
        None if !has_modes => {
            Err(vec![wrong(file, number, "neither modes (`x`, `y`) nor `response` is given".to_owned())])
        }
        None => {
            let x = modes(file, number, table.x.as_deref())?;
            Ok(TipDynamics { tool, x, y: modes(file, number, table.y.as_deref())? })
        }
        Some(name) => {
            let missing = || vec![wrong(file, number, format!("the file {name} is not there"))];
            let bytes = part(name).ok_or_else(missing)?;
            let text = FileText::from_bytes(name, bytes).map_err(|error| vec![*error])?;
            let measured = read_response(text)?;
            let table = |table: Option<_>| table.map_or(TipResponse::Rigid, TipResponse::Measured);
            Ok(TipDynamics { tool, x: table(measured.x), y: table(measured.y) })
        }
    }
}

fn modes(file: FileText<'_>, number: usize, tables: Option<&[ModeTable]>) -> Result<TipResponse, Vec<Diagnostic>> {
    let Some(tables) = tables.filter(|tables| !tables.is_empty()) else {
        return Ok(TipResponse::Rigid);
    };
    let mode = |table: &ModeTable| Mode {
        frequency_hz: table.frequency_hz,
        damping_ratio: table.damping_ratio,
        mass_kg: table.mass_kg,
    };
    let modes: Vec<Mode> = tables.iter().map(mode).collect();
    if modes.len() > MODES_MAX {
        return Err(vec![wrong(file, number, format!("{} modes, at most {MODES_MAX} are taken", modes.len()))]);
    }
    match modes.iter().find(|mode| !mode.is_sound()) {
        Some(mode) => Err(vec![wrong(
            file,
            number,
            format!(
                "a mode has {} Hz, damping ratio {} and {} kg, expected 1 to 20000 Hz, 0.0001 to 0.5 and 0.0001 to 10000 kg",
                mode.frequency_hz, mode.damping_ratio, mode.mass_kg
            ),
        )]),
        None => Ok(TipResponse::Modes(modes)),
    }
}

/// A diagnostic at the header of the entry with this number.
fn wrong(file: FileText<'_>, number: usize, message: String) -> Diagnostic {
    let advice = "give each tool once, with `x` and `y` as lists of modes, or with `response`".to_owned();
    let headers = file.text.lines().zip(1u32..).filter(|(line, _)| line.trim_start().starts_with("[[dynamics]]"));
    let line = headers.map(|(_, line)| line).nth(number).unwrap_or(0);
    file.on_line(crate::program::Severity::Error, line, "machine::dynamics", message, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = include_str!("../../../scenarios/data/machines/generic-vmc.toml");
    const MODE: &str =
        "[[dynamics]]\ntool = 3\nx = [{ frequency_hz = 922.0, damping_ratio = 0.011, mass_kg = 0.03993 }]\n";

    fn read(more: &str, files: &[(&str, &'static [u8])]) -> Result<Vec<TipDynamics>, Vec<Diagnostic>> {
        let text = format!("{MACHINE}\n{more}");
        let part = |name: &str| files.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes);
        read_dynamics(FileText { name: "m.toml", text: &text }, &part)
    }

    #[test]
    fn modes_and_measured_responses_are_read() {
        let table = b"frequency_hz,y_real_um_n,y_imaginary_um_n\n10,1,0\n20,1,0\n30,1,0\n40,1,0\n50,1,-1\n60,1,0\n70,1,0\n80,1,0\n";
        let more = format!("{MODE}[[dynamics]]\nresponse = \"all.csv\"\n");
        let tips = read(&more, &[("all.csv", table)]).expect("valid");
        assert_eq!((tips.len(), tips[0].tool, tips[1].tool), (2, Some(ToolNumber(3)), None));
        assert!(matches!(&tips[0].x, TipResponse::Modes(modes) if modes.len() == 1) && tips[0].y == TipResponse::Rigid);
        let [real, imaginary] = tips[1].y.at(50.0).expect("measured");
        assert!((real - 1e-6).abs() < 1e-18 && (imaginary + 1e-6).abs() < 1e-18);
        let text = format!("{MACHINE}\n{more}");
        assert_eq!(response_files(FileText { name: "m.toml", text: &text }), ["all.csv"]);
        assert_eq!(read("", &[]), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let first = MACHINE.lines().count() as u32 + 2;
        let check = |more: &str, line: u32, words: &str| {
            let errors = read(more, &[]).expect_err(more);
            let said = errors[0].to_string();
            assert!(errors[0].line == first + line && said.contains(words), "{more}: {said} at {}", errors[0].line);
        };
        check("[[dynamics]]\ntool = 3\n", 0, "neither modes");
        check(&format!("{MODE}{MODE}"), 3, "twice");
        check(&MODE.replace("922.0", "-5.0"), 0, "-5 Hz");
        check("[[dynamics]]\nresponse = \"no.csv\"\n", 0, "no.csv");
        check(&format!("{MODE}response = \"no.csv\"\n"), 0, "same tool");
    }
}
