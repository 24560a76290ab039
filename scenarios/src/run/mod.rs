//! A scenario in real time: three processes over TCP and Zenoh, started, watched, disturbed and collected.
//!
//! ```text
//!  cosim ──starts──▶ __controller   virtual machine and hidden process, listens on TCP
//!        ──starts──▶ __cloud        the service with its router
//!        ──starts──▶ __edge         the agent, connects to both
//! ```
//!
//! The processes are `cosim` itself under hidden commands whose bodies are the same `shell::main` as those of the
//! standalone programs. They find each other on loopback at ports the system chose. Their standard input is a pipe
//! held here: when it closes, because a run is over or because this process died in whatever way, they end. Nothing
//! is waited for without an end: readiness, the run, and each child's leaving have limits of their own.
//!
//! Faults are injected from outside, as the world does it: a process is stopped, continued or killed by a signal.

mod child;
mod controller;
mod folder;
mod live;
mod outcome;
mod progress;
mod report;

use std::io;
use std::path::PathBuf;

pub use controller::controller_main;
pub use live::{LivePlaces, LiveSetup, run_live};
pub use outcome::{ControllerOutcome, RunOutcome};
pub use progress::{Progress, progress_line};
pub use report::live_json;

/// Why a run in real time did not come to its end. All of these are failures of the infrastructure, except
/// [`RunError::Unsupported`], which is an input that asks for too much.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario asks for something that only virtual time can do.
    #[error("{what} works on virtual time only; add --virtual")]
    Unsupported {
        /// What.
        what: String,
    },
    /// A file or folder of the run.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// A process did not become ready.
    #[error("the {who} was not ready within {within_s} s{said}")]
    NotReady {
        /// Which process.
        who: &'static str,
        /// The limit.
        within_s: u64,
        /// Its last words.
        said: String,
    },
    /// A process ended before its time.
    #[error("the {who} ended unexpectedly ({status}){said}")]
    Died {
        /// Which process.
        who: &'static str,
        /// How.
        status: String,
        /// Its last words.
        said: String,
    },
    /// A process said something that is not understood.
    #[error("the {who} did not say how it went{said}")]
    NoSummary {
        /// Which process.
        who: &'static str,
        /// Its last words.
        said: String,
    },
    /// The run took longer than the scenario allows.
    #[error("the run was given up after {max_wall_s} s ([run] max_wall_s) at line {line}")]
    TooLong {
        /// The limit.
        max_wall_s: f64,
        /// Line last reported.
        line: u32,
    },
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
}

impl RunError {
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// True where the input is to blame, not a process, port or file.
    pub const fn is_bad_input(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }
}

/// Where the files of a run stay; a temporary folder goes with the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In a temporary folder that is removed.
    Nothing,
    /// In this folder, which is made.
    In(PathBuf),
}
