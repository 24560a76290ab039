use std::io::Write;
use std::path::Path;

use shared::motion::plan_profile;

use super::machine_fit::read_recording;
use super::simulate::{Prepared, prepare, write_file};
use super::{EXIT_EXPECTATION, EXIT_INFRASTRUCTURE, EXIT_PASS, TimeArgs, bad_input, draw};
use crate::fit::{run_json, run_text};
use crate::format::SimulateRequest;
use crate::report::{timing_json, timing_text, write_blocks};

/// Plans the motion of a program at 100 % and says how long it takes; nothing is cut.
pub(super) fn command(args: &TimeArgs) -> u8 {
    let request = SimulateRequest {
        program: args.program.clone(),
        machine: args.machine.clone(),
        tools: args.tools.tools.clone(),
        tool_units: args.tools.tool_units.clone(),
        tool_map: args.tools.tool_map.iter().cloned().collect(),
        material: None,
        stock: None,
        limits: Default::default(),
    };
    let (sources, mut assumed) = match request.sources() {
        Ok(loaded) => loaded,
        Err(error) => return bad_input(&error),
    };
    // The material has no part in the time.
    assumed.retain(|line| !line.starts_with("material"));
    match prepare(sources, assumed) {
        Ok(prepared) => match &args.against {
            Some(recording) => against(args, &prepared, recording),
            None => report(args, &prepared),
        },
        Err(code) => code,
    }
}

/// Lays a recording beside the prediction; refuses one of another revision.
fn against(args: &TimeArgs, prepared: &Prepared, recording: &Path) -> u8 {
    let recording = match read_recording(recording) {
        Ok(recording) => recording,
        Err(message) => return draw::message(&message),
    };
    let run = run_json(&args.program.display().to_string(), &prepared.job, &recording);
    let mut code = if run["foreign"].is_string() { EXIT_EXPECTATION } else { EXIT_PASS };
    if let Some(path) = &args.json {
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &run)?;
            out.write_all(b"\n")
        });
        if let Err(message) = written {
            draw::line(&message);
            code = EXIT_INFRASTRUCTURE;
        }
    }
    if args.json.as_ref().is_none_or(|path| path.as_os_str() != "-") {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(run_text(&run, true).as_bytes());
    }
    code
}

fn report(args: &TimeArgs, prepared: &Prepared) -> u8 {
    let job = &prepared.job;
    let profile = plan_profile(&job.path, &job.machine, &[]);
    let report = timing_json(&args.program.display().to_string(), job, &profile, &prepared.assumed);
    let mut failed = false;
    let mut note = |done: Result<(), String>| {
        if let Err(message) = done {
            draw::line(&message);
            failed = true;
        }
    };
    if let Some(path) = &args.blocks {
        note(write_file(path, &mut |out| write_blocks(job, &profile, out)));
    }
    if let Some(path) = &args.json {
        note(write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            out.write_all(b"\n")
        }));
    }
    let to_stdout = [&args.json, &args.blocks].into_iter().flatten().any(|path| path.as_os_str() == "-");
    if !to_stdout {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(timing_text(&report).as_bytes());
    }
    if failed { EXIT_INFRASTRUCTURE } else { EXIT_PASS }
}
