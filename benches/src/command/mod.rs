//! What a user types, and the order in which it is done.

mod arguments;
mod run;

use std::io::Write;
use std::process::ExitCode;

use benches::handoff::arms::{Arm, client, echo, router};
use benches::handoff::host::RealTime;
use clap::Parser;

use arguments::Arguments;

/// An expectation failed.
const EXIT_EXPECTATION: u8 = 99;
/// The input is wrong.
const EXIT_BAD_INPUT: u8 = 2;
/// A process, a port or the network failed.
const EXIT_INFRASTRUCTURE: u8 = 3;

/// Why nothing was measured.
pub(crate) enum Failure {
    /// The input is to blame.
    Input(String),
    /// Something else.
    Infrastructure(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Infrastructure(error)
    }
}

/// One line to the person at the terminal.
pub(crate) fn say(line: &str) {
    // Nobody is left to tell where standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        // The processes of a run in production are this program again, as those of `cosim` are.
        Some("__cloud" | "__edge" | "__controller") => return scenarios::cli::main(),
        Some("__router" | "__echo" | "__client") => return hidden(&words),
        _ => {}
    }
    match run::run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_EXPECTATION),
        Err(Failure::Input(message)) => {
            say(&format!("error: {message}"));
            ExitCode::from(EXIT_BAD_INPUT)
        }
        Err(Failure::Infrastructure(error)) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(EXIT_INFRASTRUCTURE)
        }
    }
}

/// `__router ENDPOINT …`, `__echo ARM ENDPOINT …`, `__client ARM ENDPOINT …`; the last three words are the real-time
/// measures, which must be in force before the first thread is started.
fn hidden(words: &[String]) -> ExitCode {
    let (own, measures) = words.split_at(words.len().saturating_sub(3));
    if let Some(real_time) = RealTime::from_words(measures) {
        // What is refused was told by the process that started this one, which asked for the same.
        real_time.apply();
    }
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let done = match own.as_slice() {
        ["__router", endpoint] => router(endpoint),
        ["__echo", arm, endpoint] => parsed(arm).and_then(|arm| echo(arm, endpoint)),
        ["__client", arm, endpoint] => parsed(arm).and_then(|arm| client(arm, endpoint)),
        _ => Err(anyhow::anyhow!("this command is only for handoff-bench itself")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error:#}", own.join(" ")));
            ExitCode::from(EXIT_INFRASTRUCTURE)
        }
    }
}

fn parsed(arm: &str) -> anyhow::Result<Arm> {
    arm.parse().map_err(|error: String| anyhow::anyhow!(error))
}
