use std::fs;
use std::io::Write;
use std::path::Path;

use edge_agent::recording::{Tape, replay};

use super::simulate::prepare;
use super::{EXIT_EXPECTATION, EXIT_PASS, ReplayArgs, bad_input, draw};
use crate::format::SimulateRequest;
use crate::log_check::check_log;

pub(super) fn command(args: &ReplayArgs) -> u8 {
    let bytes = match fs::read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            return draw::message(&format!("{} cannot be read: {error}; name a recording", args.file.display()));
        }
    };
    match &args.program {
        Some(program) => check(args, program, &bytes),
        None => tell_again(args, &bytes),
    }
}

/// Feeds a recording to a fresh edge core and compares every command and message.
fn tell_again(args: &ReplayArgs, bytes: &[u8]) -> u8 {
    let shown = args.file.display();
    let tape = match Tape::read(bytes) {
        Ok(tape) => tape,
        Err(error) => {
            return draw::message(&format!(
                "{shown}: {error}; name a file made by `cosim run --record`, or give --program for a controller log"
            ));
        }
    };
    match replay(&tape) {
        Err(error) => draw::message(&format!("{shown}: {error}")),
        Ok(result) => {
            say(&format!(
                "{shown}: {} inputs, {} cycles, {} commands, {} messages told again\ndigest {}",
                result.inputs, result.cycles, result.commands, result.transmits, result.digest
            ));
            match result.difference {
                None => {
                    say("every decision is the same");
                    EXIT_PASS
                }
                Some(difference) => {
                    say(&format!("the first difference: {difference:?}"));
                    EXIT_EXPECTATION
                }
            }
        }
    }
}

/// Holds a controller's log against a program.
fn check(args: &ReplayArgs, program: &Path, log: &[u8]) -> u8 {
    let request = SimulateRequest { program: program.to_path_buf(), ..SimulateRequest::default() };
    let (sources, assumed) = match request.sources() {
        Ok(loaded) => loaded,
        Err(error) => return bad_input(&error),
    };
    let prepared = match prepare(sources, assumed) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let verdict = check_log(&prepared.job, prepared.sources.to_bytes(), log);
    let (file, lines) = (args.file.display(), prepared.job.facts.lines);
    if verdict.reports == 0 {
        return draw::message(&format!("{file}: no report line was found; expected SHDR, `time|key|value|…`"));
    }
    say(&format!(
        "{file}: {} reports, {} damaged lines, greatest line {} of {lines}",
        verdict.reports, verdict.damaged, verdict.line_max
    ));
    match verdict.foreign {
        None => {
            say("nothing in it contradicts the program");
            EXIT_PASS
        }
        Some((line, None)) => {
            say(&format!("another revision: it runs line {line}, the program ends at {lines}; plans would be refused"));
            EXIT_EXPECTATION
        }
        Some((line, Some(tool))) => {
            say(&format!(
                "another revision: it runs line {line} with {tool}, the program has another tool there; plans would be refused"
            ));
            EXIT_EXPECTATION
        }
    }
}

fn say(text: &str) {
    // A closed standard output leaves nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
