use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use shared::job::Job;

use super::simulate::write_file;
use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::fit::{Case, FitOutcome, Recording, fit_json, fit_machine, fit_text, fitted_text, run_json, run_text};
use crate::format::SimulateRequest;

#[derive(Debug, Args)]
pub(super) struct FitArgs {
    /// A program that was recorded; give it once for all recordings, or once for each, in their order.
    #[arg(long, value_name = "FILE", required = true)]
    program: Vec<PathBuf>,
    /// A recording of it in SHDR lines with time stamps, from ACTIVE to PROGRAM_COMPLETED.
    #[arg(long, value_name = "FILE", required = true)]
    recording: Vec<PathBuf>,
    /// Machine to begin with: a file, or a built-in name. What the recordings do not determine stays as it is there.
    #[arg(long)]
    machine: Option<String>,
    /// Machine file to write: the one the fit began with, with the fitted figures and their intervals.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Name of the machine in that file; as before where absent.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Also print the residual of each line range.
    #[arg(long)]
    ranges: bool,
    /// Write the result as JSON to standard output, or with `--json=FILE` to a file.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
}

/// Reads a recording of a run.
pub(super) fn read_recording(path: &Path) -> Result<Recording, String> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| format!("{shown} cannot be read: {error}; name a recording"))?;
    let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
    Recording::read(&name, &bytes).map_err(|error| format!("{shown}: {error}"))
}

/// Fits a machine file to recordings.
pub(super) fn command(args: &FitArgs) -> u8 {
    let cases = match cases(args) {
        Ok(cases) => cases,
        Err(code) => return code,
    };
    let Some(text) = cases.first().and_then(|case| case.sources.parts.get(&case.sources.manifest.machine.file)) else {
        return draw::message("there is no machine to begin with");
    };
    let text = String::from_utf8_lossy(text).into_owned();
    let start = match text.parse::<toml::Table>() {
        Ok(start) => start,
        Err(error) => return draw::message(&format!("the machine file does not read: {error}")),
    };
    match fit_machine(&start, &cases) {
        Ok(outcome) => report(args, &cases, &text, &outcome),
        Err(message) => draw::message(&format!("{message}; give recordings of these programs at 100 %")),
    }
}

/// Programs with their recordings.
fn cases(args: &FitArgs) -> Result<Vec<Case>, u8> {
    let (programs, recordings) = (args.program.len(), args.recording.len());
    if programs != 1 && programs != recordings {
        return Err(draw::message(&format!(
            "{programs} programs and {recordings} recordings; give one program for all recordings, or one for each"
        )));
    }
    let mut by_program: BTreeMap<&PathBuf, Vec<Recording>> = BTreeMap::new();
    for (index, path) in args.recording.iter().enumerate() {
        let recording = read_recording(path).map_err(|message| draw::message(&message))?;
        by_program.entry(&args.program[index.min(programs - 1)]).or_default().push(recording);
    }
    let case = |(program, recordings): (&PathBuf, Vec<Recording>)| {
        let request =
            SimulateRequest { program: program.clone(), machine: args.machine.clone(), ..SimulateRequest::default() };
        let (sources, _) = request.sources().map_err(|error| bad_input(&error))?;
        Ok(Case { program: program.display().to_string(), sources, recordings })
    };
    by_program.into_iter().map(case).collect()
}

fn report(args: &FitArgs, cases: &[Case], start: &str, outcome: &FitOutcome) -> u8 {
    let mut runs = Vec::new();
    for case in cases {
        let mut sources = case.sources.clone();
        let machine = toml::to_string(&outcome.machine).unwrap_or_default();
        sources.parts.insert(sources.manifest.machine.file.clone(), machine.into_bytes());
        if let (Some(job), _) = Job::compile(&sources) {
            runs.extend(case.recordings.iter().map(|recording| run_json(&case.program, &job, recording)));
        }
    }
    let mut failed = false;
    let mut note = |done: Result<(), String>| {
        if let Err(message) = done {
            draw::line(&message);
            failed = true;
        }
    };
    if let Some(path) = &args.out {
        let names = |paths: &[PathBuf]| {
            let names: Vec<_> =
                paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
            names.join(", ")
        };
        let said = [
            format!("Fitted by `cosim machine fit` to {} intervals of {}", outcome.data, names(&args.recording)),
            format!("running {}; figures without an interval are as the fit found them.", names(&args.program)),
        ];
        note(write_file(path, &mut |out| {
            out.write_all(fitted_text(start, outcome, args.name.as_deref(), &said).as_bytes())
        }));
    }
    if let Some(path) = &args.json {
        let json = json!({ "fit": fit_json(outcome), "runs": runs });
        note(write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &json)?;
            out.write_all(b"\n")
        }));
    }
    if [&args.json, &args.out].into_iter().flatten().all(|path| path.as_os_str() != "-") {
        let mut text = fit_text(outcome);
        runs.iter().for_each(|run| text.push_str(&run_text(run, args.ranges)));
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
    if failed { EXIT_INFRASTRUCTURE } else { EXIT_PASS }
}
