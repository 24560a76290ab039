//! The service as a process: Zenoh outside, sessions inside, one thread that decides.
//!
//! ```text
//!  Zenoh callbacks ──▶ inbox (bounded rings) ──▶ scheduler thread ──▶ outboxes (bounded) ──▶ sender threads ──▶ Zenoh
//!                                                  sessions, clock        control, bulk
//!                                                  worker pool
//! ```
//!
//! Callbacks run on Zenoh's receive runtime and only push; the scheduler alone touches sessions and never
//! calls Zenoh; each sender thread waits for the transport on behalf of one lane, so that a stalled bulk
//! transfer cannot delay a plan. What is full drops its oldest entry and counts it: plans and states are
//! absolute, and everything else is asked for again.

mod arguments;
mod clock;
mod gateway;
mod pace;
mod probe;
mod ring;
mod scheduler;
mod sessions;
mod stop;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Parser;

use crate::workers::Workers;
use arguments::{Arguments, Command, ServeArgs};
use clock::Clock;
use gateway::Gateway;
use scheduler::Scheduler;
use shared::wire::CloudKeys;
use stop::Stop;

pub use probe::echo;

/// The arguments contradict each other.
const EXIT_BAD_INPUT: u8 = 2;
/// A process, a port or the network failed.
const EXIT_INFRASTRUCTURE: u8 = 3;

/// Runs the service with the given arguments, the first of them the program's name. Wrong arguments end the
/// process with code 2 and a message.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Command::Serve(serve_args) = Arguments::parse_from(args).command;
    if let Some(objection) = serve_args.objection() {
        stop::say(&format!("error: {objection}"));
        return ExitCode::from(EXIT_BAD_INPUT);
    }
    match serve(&serve_args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stop::say(&format!("error: {error:#}"));
            ExitCode::from(EXIT_INFRASTRUCTURE)
        }
    }
}

fn serve(args: &ServeArgs) -> anyhow::Result<()> {
    let stop = Arc::new(Stop::default());
    stop.on_signals()?;
    if args.ends_with_stdin() {
        stop.when_stdin_closes()?;
    }
    let keys = args.key().map(read_key).transpose()?;
    match &keys {
        Some(keys) => stop::say(&format!("plans are signed; edge agents pin key = \"{}\"", keys.public())),
        None => stop::say("WARNING: plans are not signed; edge agents take them only with unsigned = \"accept\""),
    }
    let clock = Clock::start();
    let workers = Workers::new(args.thread_count()).context("the worker threads do not start")?;
    let gateway = Gateway::open(&args.access(), clock, args.sessions_max(), &stop)?;
    stop::announce(&format!("READY {}", gateway.endpoint()));
    let mut scheduler = Scheduler::new(args.session_config(), args.sessions_max(), clock, workers);
    scheduler.sign_with(keys);
    scheduler.run(gateway.inbox(), gateway.outboxes(), &stop);
    let losses = gateway.losses();
    gateway.close();
    stop::announce(&scheduler.summary(&losses).to_string());
    Ok(())
}

/// Reads the secret key. Its text is never part of a message.
fn read_key(path: &Path) -> anyhow::Result<CloudKeys> {
    #[expect(clippy::disallowed_methods, reason = "the shell reads the key for the core")]
    let text = std::fs::read_to_string(path).with_context(|| format!("the key file {}", path.display()))?;
    CloudKeys::parse(&text).map_err(|_| anyhow!("{} holds no key: 64 hexadecimal digits are expected", path.display()))
}
