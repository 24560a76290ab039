use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use edge_agent::recording::{Tape, replay};

use shared::time::Duration;

use super::simulate::{Prepared, prepare};
use super::{EXIT_EXPECTATION, EXIT_PASS, ReplayArgs, bad_input, draw};
use crate::fit::Recording;
use crate::format::SimulateRequest;
use crate::log_check::check_log;
use crate::replay_log::{LogReport, LogRun, quantile, replay_log};

/// Bounds of a speed: slower than a person waits, and faster than a reader can follow.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=1000.0;

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
    if let Some(speed) = args.speed.filter(|speed| !SPEEDS.contains(speed)) {
        let (least, most) = (SPEEDS.start(), SPEEDS.end());
        return draw::message(&format!("--speed {speed} is outside {least} to {most}"));
    }
    let machine = args.machine.clone();
    let request = SimulateRequest { program: program.to_path_buf(), machine, ..SimulateRequest::default() };
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
            if args.machine.is_some() { follow(args, &prepared, log) } else { EXIT_PASS }
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

/// Plays the log to an agent in shadow mode and says how well it knew the place.
fn follow(args: &ReplayArgs, prepared: &Prepared, log: &[u8]) -> u8 {
    let truth = match Recording::read(&args.file.display().to_string(), log) {
        Ok(truth) => Some(truth),
        Err(error) => {
            say(&format!("the place is not judged: {error}"));
            None
        }
    };
    let bundle = Arc::from(prepared.sources.to_bytes());
    let speed = args.speed.unwrap_or(1.0);
    let run = LogRun { job: &prepared.job, bundle, log, speed, truth: truth.as_ref(), restart_at_s: None };
    let began = std::time::Instant::now();
    let mut on_the_clock = |due: Duration| {
        while let Some(left) = std::time::Duration::from_nanos(due.as_ns()).checked_sub(began.elapsed()) {
            std::thread::park_timeout(left.max(std::time::Duration::from_micros(50)));
        }
        Duration::from_ns(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    };
    let played = match args.speed {
        Some(_) => replay_log(&run, &mut on_the_clock),
        None => replay_log(&run, &mut |due| due),
    };
    match played {
        Ok(report) => {
            say(&figures(&report));
            EXIT_PASS
        }
        Err(error) => draw::message(&error.to_string()),
    }
}

fn figures(report: &LogReport) -> String {
    let share = |part: u64, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    let mut text = format!(
        "{} gaps; place known in {:.1} % of {} reports, within ± {:.1} mm (half of them), {:.1} mm (95 %)\n\
         predicted place within that in {:.1} %; beyond it by {:.1} mm or {:.2} s at 95 %\n\
         not known {} times, given up {}, found anew {}",
        report.gaps.len(),
        share(report.located, report.active as usize),
        report.active,
        quantile(&report.uncertainty_mm, 0.5),
        quantile(&report.uncertainty_mm, 0.95),
        share(report.within, report.off_mm.len()),
        quantile(&report.off_mm, 0.95),
        quantile(&report.off_s, 0.95),
        report.episodes.len(),
        report.given_up,
        report.relocked,
    );
    for episode in &report.episodes {
        let again =
            episode.for_s.map_or("never known again".to_owned(), |for_s| format!("known again after {for_s:.1} s"));
        let (at_s, line, after) = (episode.at_s, episode.line, episode.after.name());
        text.push_str(&format!("\n  {at_s:8.1} s, line {line}: {after}, {again}"));
    }
    text
}

fn say(text: &str) {
    // A closed standard output leaves nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
