use std::io::Write;

#[cfg(feature = "live")]
use super::live::in_real_time;
use super::simulate::{STOCK_ADVICE, executor, prepare, write_file};
use super::{EXIT_EXPECTATION, EXIT_INFRASTRUCTURE, EXIT_PASS, RunArgs, bad_input, draw};
use crate::format::{RunMode, Scenario};
use crate::report::{RunJson, run_text};
use crate::summary::{run_json, simulate_json};
use crate::virtual_run::{RunError, RunOptions, run_virtual};

/// The scenario that runs when nothing else was said.
const DEMO: &str = "demo";

/// `cosim` without a command.
pub(super) fn demo() -> u8 {
    command(&RunArgs {
        scenario: DEMO.to_owned(),
        virtual_time: !cfg!(feature = "live"),
        speed: None,
        record: None,
        json: None,
        threads: None,
        compare: false,
        truth_seeds: None,
    })
}

pub(super) fn command(args: &RunArgs) -> u8 {
    if args.speed.is_some_and(|speed| !(0.01..=1000.0).contains(&speed)) {
        return draw::message("--speed must be a number from 0.01 to 1000");
    }
    // Virtual time always runs at machine speed; a real-time run may be told to be faster.
    let first = match Scenario::load(&args.scenario, 1.0) {
        Ok(scenario) => scenario,
        Err(error) => return bad_input(&error),
    };
    let on_virtual_time = args.virtual_time || (args.speed.is_none() && first.file.run.mode == RunMode::Virtual);
    if on_virtual_time {
        return on_virtual(args, &first);
    }
    in_real_time(args, &first)
}

fn on_virtual(args: &RunArgs, scenario: &Scenario) -> u8 {
    let prepared = match prepare(scenario.sources.clone(), Vec::new()) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let executor = match executor(args.threads) {
        Ok(executor) => executor,
        Err(message) => return draw::message(&message),
    };
    let options = RunOptions {
        record: args.record.is_some(),
        compare: args.compare,
        truth_seeds: args.truth_seeds.unwrap_or(scenario.file.truth.seeds),
    };
    let run = match run_virtual(scenario, &prepared.job, options, executor.as_ref()) {
        Ok(run) => run,
        Err(RunError::Input(message)) => return draw::message(&format!("{message}; {STOCK_ADVICE}")),
        Err(RunError::Failed(message)) => {
            draw::line(&format!("error: {message}"));
            return EXIT_INFRASTRUCTURE;
        }
    };
    let program = &scenario.sources.manifest.program.file;
    let simulated = simulate_json(program, &run.simulation, &prepared.diagnostics, &prepared.assumed);
    let report = run_json(scenario, simulated, &run);
    let recording = run.outcome.recording.as_deref();
    if let (Some(path), Some(bytes)) = (&args.record, recording)
        && let Err(message) = write_file(path, &mut |out| out.write_all(bytes))
    {
        draw::line(&message);
        return EXIT_INFRASTRUCTURE;
    }
    finish(args, &report)
}

/// Prints and writes the report; the exit code says whether every expectation holds.
pub(super) fn finish(args: &RunArgs, report: &RunJson) -> u8 {
    if let Some(path) = &args.json {
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, report)?;
            out.write_all(b"\n")
        });
        if let Err(message) = written {
            draw::line(&message);
            return EXIT_INFRASTRUCTURE;
        }
    }
    if args.json.as_ref().is_none_or(|path| path.as_os_str() != "-") {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(run_text(report).as_bytes());
    }
    if report.expectations.iter().all(|verdict| verdict.holds) { EXIT_PASS } else { EXIT_EXPECTATION }
}

#[cfg(not(feature = "live"))]
fn in_real_time(_: &RunArgs, _: &Scenario) -> u8 {
    draw::message("this cosim was built without live runs; add --virtual, or build with default features")
}
