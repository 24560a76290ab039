//! `cosim machine`: machine descriptions.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::simulate::write_file;
use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw, machine_fit};
use crate::format::{LoadError, MachineImport, MachineImportRequest, Remark, import_machine, read_file};

#[derive(Debug, Subcommand)]
pub(super) enum MachineCommand {
    /// Turn a LinuxCNC .ini, an MTConnect probe .xml or a FreeCAD .fcm into a machine file.
    ///
    /// Says what was imported from which line, what was assumed, and what was skipped.
    Import(ImportArgs),
    /// Fit a machine file to recordings of programs that ran on the machine.
    ///
    /// Prints each parameter with its interval, and what each run and each interval of it leaves unexplained.
    Fit(machine_fit::FitArgs),
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The description to import.
    file: PathBuf,
    /// Machine file to write; without it, standard output gets the machine and standard error the report.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Device of a probe that describes several.
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// A figure that the file does not say, for instance tool_change_s=3.5; may be repeated.
    #[arg(long, value_name = "KEY=NUMBER", value_parser = stated)]
    assume: Vec<(String, f64)>,
    /// Write the report as JSON to standard output, or with `--json=FILE` to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-",
          requires = "out")]
    json: Option<PathBuf>,
}

fn stated(text: &str) -> Result<(String, f64), String> {
    let (key, value) = text.split_once('=').ok_or("write a key, `=` and a number")?;
    let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    Ok((key.trim().to_owned(), number.ok_or_else(|| format!("`{value}` is no number"))?))
}

/// Runs one of the sub-commands.
pub(super) fn command(command: &MachineCommand) -> u8 {
    match command {
        MachineCommand::Import(args) => import(args),
        MachineCommand::Fit(args) => machine_fit::command(args),
    }
}

fn import(args: &ImportArgs) -> u8 {
    let name = args.file.display().to_string();
    let bytes = match read_file(&args.file, &name) {
        Ok(bytes) => bytes,
        Err(error) => return bad_input(&error),
    };
    let request = MachineImportRequest { device: args.device.clone(), stated: args.assume.iter().cloned().collect() };
    match import_machine(&name, &bytes, &request) {
        Ok(import) => tell(args, &name, &import),
        Err(diagnostics) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bad_input(&LoadError { diagnostics, texts: BTreeMap::from([(name, text)]) })
        }
    }
}

fn tell(args: &ImportArgs, name: &str, import: &MachineImport) -> u8 {
    let mut done = match &args.out {
        Some(path) => write_file(path, &mut |out| out.write_all(import.toml.as_bytes())),
        None => Ok(()),
    };
    if let Some(path) = &args.json {
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &report_json(name, import))?;
            out.write_all(b"\n")
        });
        done = done.and(written);
    }
    let text = report_text(name, import);
    // Somebody who closed the stream does not want to be told.
    match (&args.out, &args.json) {
        (None, _) => {
            let _ = std::io::stdout().lock().write_all(import.toml.as_bytes());
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
        (Some(_), Some(json)) if json.as_os_str() == "-" => {}
        (Some(_), _) => drop(std::io::stdout().lock().write_all(text.as_bytes())),
    }
    match done {
        Ok(()) => EXIT_PASS,
        Err(message) => {
            draw::line(&message);
            EXIT_INFRASTRUCTURE
        }
    }
}

fn parts(import: &MachineImport) -> [(&'static str, &[Remark]); 3] {
    [("imported", &import.imported), ("assumed", &import.assumed), ("skipped", &import.skipped)]
}

fn report_text(name: &str, import: &MachineImport) -> String {
    let mut out = format!("{}, from {name}\n", import.name);
    for (title, remarks) in parts(import) {
        out.push_str(&format!("{title} ({}):\n", remarks.len()));
        for remark in remarks {
            let place = remark.line.map_or(String::new(), |line| format!("{name}:{line}: "));
            out.push_str(&format!("  {place}{}\n", remark.text));
        }
    }
    out
}

fn report_json(name: &str, import: &MachineImport) -> serde_json::Value {
    let mut report = serde_json::Map::new();
    report.insert("machine".to_owned(), import.name.clone().into());
    report.insert("file".to_owned(), name.into());
    for (title, remarks) in parts(import) {
        let one = |remark: &Remark| serde_json::json!({ "line": remark.line, "text": remark.text });
        report.insert(title.to_owned(), remarks.iter().map(one).collect());
    }
    report.into()
}
