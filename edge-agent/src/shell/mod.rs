//! The agent as a process: a cycle on an absolute timer, and everything that may wait in threads of its own.
//!
//! ```text
//!             ┌────────────── cycle thread ──────────────┐
//!  controller ◀──TCP, never waited for──▶ agent ──▶ command
//!             └───▲────────▲──────┬────────┬─────────┬───┘
//!          inboxes│  grants│      │outboxes│journal  │notes
//!        door thread     lease  send-control  recorder  main: progress, summary
//!      Zenoh callbacks   thread send-bulk
//! ```
//!
//! The door thread verifies signatures, so that the cycle need not. The cycle thread alone owns the agent and the link to the controller. It locks nothing, allocates nothing once
//! it runs, and calls neither Zenoh nor a file: every arrow is a bounded ring, and what a ring does not take is
//! counted. Epochs are on disk before they are granted, so the lease thread answers a wish only after its `fsync`.
//!
//! The cycle asks for real-time scheduling, and the process, where its configuration says so, for processors and memory
//! of its own. Where the system refuses, that is said, a gateway under load delays its cycle, the summary says by how
//! much, and the controller's own dead man stands behind it.
#![allow(clippy::disallowed_methods, reason = "clock, threads, files and environment are what this room is for")]

mod arguments;
mod client;
mod clock;
mod config;
mod control;
mod cycle;
mod doctor;
mod door;
mod epochs;
mod frames;
mod install;
mod journal;
mod linuxcnc;
mod network;
mod probe;
mod report;
mod stop;
mod summary;
mod words;

use std::ffi::OsString;
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use control::Actions;
use doctor::Finding;
use firmware_bridge::controller::Capabilities;
use firmware_bridge::dialect::linuxcnc::InstallError;
use firmware_bridge::link::{ControllerKind, ControllerLink, ControllerLinkSettings, ShdrExport, lock_memory, pin_to};
use rtrb::{Consumer, Producer, RingBuffer};
use shared::files::JobFile;
use shared::ident::Epoch;
use shared::job::{Job, JobSources};
use shared::plan::Override;
use shared::time::Duration;

use crate::config::{AgentConfig, DialRule};
use crate::exported::exported;
use crate::recording::RecordingHead;
use crate::setup::{agent_config, agent_job};
use crate::{Agent, Door, OperatorAction, Trust};
use arguments::{Arguments, Command, RunArgs};
use clock::Clock;
use config::{Config, Controller, Pin, RealTimeWish};
use cycle::{Cycle, CycleCounts, CycleEnd, Rings};
use epochs::EpochFile;
use frames::frames;
use journal::{Journal, JournalEnd};
use network::{Network, NetworkRings};
use report::{Ending, Reporter};
use stop::{Stop, announce, say};

pub use probe::TransportProbe;
pub use summary::{
    CycleFigures, EdgeSummary, EffectFigures, EventLine, FallbackLine, LinuxCncLine, StageFigures, StatusLine,
};

/// `doctor` has found something that does not keep the agent from its work.
const EXIT_TO_KNOW: u8 = 1;
/// The configuration or the job is wrong.
const EXIT_BAD_INPUT: u8 = 2;
/// A process, a port, a file or the network failed.
const EXIT_INFRASTRUCTURE: u8 = 3;

/// Plans and keep-alives on their way to the cycle: at least four of the longest.
const CONTROL_IN_BYTES: usize = 1 << 18;
/// Answers and baseline parts on their way to the cycle.
const BULK_IN_BYTES: usize = 1 << 22;
/// State batches on their way to the network: several hundred.
const CONTROL_OUT_BYTES: usize = 1 << 17;
/// Offers on their way to the network.
const BULK_OUT_BYTES: usize = 1 << 22;
/// Entries on their way to the recorder: some seconds of a busy run.
const JOURNAL_BYTES: usize = 1 << 24;
/// Cycle notes, events and handoffs on their way to the report: twenty seconds at 5 ms.
const NOTES_MAX: usize = 4096;
/// How long the controller may take to answer.
const CONNECT_MAX: Duration = Duration::from_ms(5000);
/// How often the report looks for news.
const REPORT_TURN: std::time::Duration = std::time::Duration::from_millis(50);

/// Runs the agent with the given arguments, the first of them the program's name. Exit code 0 when the program
/// has ended or it was told to stop, 2 for wrong input, 3 when something it needs has failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = match Arguments::parse_from(args).command {
        Command::Run(run_args) => return run_main(&run_args),
        Command::Arm(arm) => client::arm(&arm),
        Command::Off(agent) => client::off(&agent),
        Command::Rearm(agent) => client::word(&agent, "rearm"),
        Command::ConfirmStock(agent) => client::word(&agent, "confirm-stock"),
        Command::Status(status) => client::status(&status),
        Command::Install(args) => install::install(&args),
        Command::Uninstall(args) => install::uninstall(&args),
        Command::Doctor(agent) => match doctor::doctor(&agent) {
            Ok(Finding::Well) => return ExitCode::SUCCESS,
            Ok(Finding::Know) => return ExitCode::from(EXIT_TO_KNOW),
            Ok(Finding::Fails) => return ExitCode::from(EXIT_INFRASTRUCTURE),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            let input = error.is::<config::ConfigError>() || error.is::<InstallError>();
            ExitCode::from(if input { EXIT_BAD_INPUT } else { EXIT_INFRASTRUCTURE })
        }
    }
}

fn run_main(run_args: &RunArgs) -> ExitCode {
    let config = match config::read(&run_args.config) {
        Ok(config) => config,
        Err(error) => {
            say(&error.to_string());
            return ExitCode::from(EXIT_BAD_INPUT);
        }
    };
    let job = match read_job(&config.job) {
        Ok(job) => job,
        Err(error) => {
            say(&format!("error: {error:#}"));
            return ExitCode::from(EXIT_BAD_INPUT);
        }
    };
    match run(&config, &job, run_args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(EXIT_INFRASTRUCTURE)
        }
    }
}

/// A job with the bytes it was compiled from.
struct LoadedJob {
    bytes: Vec<u8>,
    program: Arc<[u8]>,
    manifest: JobFile,
    job: Job,
}

fn read_job(path: &Path) -> anyhow::Result<LoadedJob> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("the job bundle {shown}"))?.len();
    if size > JobSources::BYTES_MAX as u64 {
        bail!("the job bundle {shown} has {size} bytes; at most {} are read", JobSources::BYTES_MAX);
    }
    #[expect(clippy::disallowed_methods, reason = "the shell reads the job for the core")]
    let bytes = std::fs::read(path).with_context(|| format!("the job bundle {shown}"))?;
    let sources = JobSources::from_bytes(&bytes).with_context(|| format!("the job bundle {shown}"))?;
    let (job, diagnostics) = Job::compile(&sources);
    match job {
        Some(job) => {
            let program = sources.parts.get(&sources.manifest.program.file).map(Vec::as_slice).unwrap_or_default();
            Ok(LoadedJob { program: program.into(), manifest: sources.manifest.clone(), bytes, job })
        }
        None => {
            let errors: Vec<_> = diagnostics.iter().filter(|one| one.is_error()).map(ToString::to_string).collect();
            Err(anyhow!("the job {shown} does not compile: {}", errors.join("; ")))
        }
    }
}

fn settings(config: &Config, job: &LoadedJob, capabilities: &Capabilities, trust: Trust) -> AgentConfig {
    let mut settings = agent_config(&job.job, &config.budget, capabilities, (config.arming, trust));
    if matches!(config.kind, ControllerKind::Grbl(_)) {
        beside_the_operator(&mut settings, config.kind);
    }
    settings
}

fn run(config: &Config, job: &LoadedJob, args: &RunArgs) -> anyhow::Result<()> {
    let stop = Arc::new(Stop::default());
    stop.on_signals()?;
    let kept = ask_for_real_time(&config.real_time);
    let clock = Clock::start();
    let mut epochs = EpochFile::open(&config.state_dir)?;
    let epoch = epochs.advance(Epoch(1))?;
    let capabilities = config.kind.capabilities(&job.job.machine, config.sample_period);
    let (trust, door) = trust(config)?;
    let settings = settings(config, job, &capabilities, trust);
    let agent_job = agent_job(config.machine_name.clone(), &job.job, job.bytes.as_slice().into(), capabilities);
    let started_at = clock.now();
    let agent = Agent::new(settings, agent_job, epoch, started_at)?;
    let link = open_controller(config, &settings, job)?;
    let (rings, far) = rings();
    let head = RecordingHead {
        epoch,
        started_at,
        machine: &config.machine_name,
        config: &settings,
        capabilities,
        job: &job.bytes,
    };
    let journal = Journal::begin(config.recording.as_deref(), &head, far.journal)?;
    let ending = Arc::new(Stop::default());
    let network_rings = match door {
        Some(door) => behind(door, far.network, &ending)?,
        None => far.network,
    };
    let network = Network::start(&config.machine_name, &config.cloud, clock, network_rings, &ending)?;
    let (control_sender, bulk_sender) = network.senders();
    let rings = Rings { control_sender: Some(control_sender), bulk_sender: Some(bulk_sender), ..rings };
    spawn("lease", {
        let ending = Arc::clone(&ending);
        move || grant(epochs, far.lease_wishes, far.grants, &ending)
    })?;
    let actions: Actions = Arc::new(Mutex::new(far.operators));
    let latest = Arc::new(Mutex::new(String::new()));
    let socket = control::listen(&config.state_dir, Arc::clone(&actions), Arc::clone(&latest))?;
    read_operator(actions, args.until_stdin_closes, &stop)?;
    let recorder = spawn("recorder", move || journal.run())?;
    let timing = (config.budget.cycle, config.start);
    let cycle = Cycle::new(agent, (link, Arc::clone(&job.program)), rings, clock, timing);
    let (armed, stop_cycle) = (config.arm_at_start, Arc::clone(&stop));
    let export = config.export.map(ShdrExport::open).transpose().context("the export of our state")?;
    let cycle = spawn("cycle", move || cycle.run(started_at, armed, &stop_cycle))?;
    let mut reporter = far.reporter;
    let (agent, end, counts) = wait_for_cycle(cycle, &mut reporter, (&latest, export.as_ref()))?;
    drop(socket);
    ending.want();
    let (recorded, pending) = recorder.join().map_err(|_| anyhow!("the recorder has panicked"))?;
    let journal: JournalEnd = pending.finish(counts.journal_lost)?;
    let state = network.state();
    let time_scale = job.job.time_scale;
    let ended = Ending {
        agent: &agent,
        end,
        counts,
        period: config.budget.cycle,
        time_scale,
        network: state,
        journal: &journal,
        kept,
    };
    announce(&serde_json::to_string(&reporter.summary(&ended))?);
    network.close();
    recorded.context("the recording broke off")
}

/// What was granted of what the configuration asks for.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    pinned: bool,
    memory_locked: bool,
}

/// Asks before any other thread is started, so that all of them have it; what is refused is said.
fn ask_for_real_time(wish: &RealTimeWish) -> Kept {
    let granted = |asked: bool, result: &dyn Fn() -> Result<(), String>| {
        asked && result().inspect_err(|words| say(&format!("WARNING: {words}"))).is_ok()
    };
    Kept {
        pinned: granted(!wish.cpus.is_empty(), &|| pin_to(&wish.cpus)),
        memory_locked: granted(wish.lock_memory, &lock_memory),
    }
}

/// A controller with one override register for the operator and us: the lower of both is in force, and the factor
/// is not divided by a dial that already is in it.
fn beside_the_operator(settings: &mut AgentConfig, kind: ControllerKind) {
    settings.dial_rule = DialRule::LowerOfBoth;
    let lowest = Override::from_permille(kind.override_min_permille()).unwrap_or(Override::PROGRAMMED);
    settings.envelope.factor_min = settings.envelope.factor_min.max(lowest);
}

fn open_controller(config: &Config, settings: &AgentConfig, job: &LoadedJob) -> anyhow::Result<ControllerLink> {
    let address = match &config.controller {
        Controller::Port(address) => address.clone(),
        Controller::LinuxCnc(beside) => return linuxcnc::open(beside, &config.state_dir, job, settings.without_us),
    };
    let link = ControllerLinkSettings {
        kind: config.kind,
        address,
        sample_period: config.sample_period,
        raise_slew_per_s: settings.envelope.slew_per_s,
        sender: config.sender,
    };
    config.kind.advice(config.sample_period).into_iter().for_each(say);
    let mut link = ControllerLink::open(&link, CONNECT_MAX).context("the controller")?;
    if let Some(notices) = link.take_notices() {
        // Ends with the link.
        spawn("notices", move || notices.iter().for_each(|notice| say(&format!("controller: {notice}"))))?;
    }
    if let Some(path) = link.sender_path() {
        say(&format!("the sender of the program opens {}", path.display()));
    }
    Ok(link)
}

/// Whom the agent believes, and the door that makes sure of it.
fn trust(config: &Config) -> anyhow::Result<(Trust, Option<Door>)> {
    match config.pin {
        Pin::Key(key) => {
            let local = door::local_key()?;
            Ok((Trust::Sealed(local), Some(Door::new(config.machine_name.clone(), key, local))))
        }
        Pin::AcceptUnsigned => {
            say(
                "WARNING: plans are not verified (unsigned = \"accept\"): whoever reaches the network can slow this machine",
            );
            Ok((Trust::Unsigned, None))
        }
        Pin::Nobody => Ok((Trust::Observer, None)),
    }
}

/// Puts the door between the network and the cycle's inboxes.
fn behind(door: Door, rings: NetworkRings, ending: &Arc<Stop>) -> anyhow::Result<NetworkRings> {
    let (control_in, control) = frames(CONTROL_IN_BYTES);
    let (bulk_in, bulk) = frames(BULK_IN_BYTES);
    let lanes = [(control, rings.control_in), (bulk, rings.bulk_in)];
    let ending = Arc::clone(ending);
    let thread = spawn("door", move || door::run(door, lanes, &ending))?;
    let door = Some(thread.thread().clone());
    Ok(NetworkRings { control_in, bulk_in, control_out: rings.control_out, bulk_out: rings.bulk_out, door })
}

/// The far ends of the cycle's rings.
struct FarEnds {
    journal: frames::FrameReader,
    network: NetworkRings,
    lease_wishes: Consumer<Epoch>,
    grants: Producer<Epoch>,
    operators: Producer<OperatorAction>,
    reporter: Reporter,
}

fn rings() -> (Rings, FarEnds) {
    let (network_control_in, control_in) = frames(CONTROL_IN_BYTES);
    let (network_bulk_in, bulk_in) = frames(BULK_IN_BYTES);
    let (control_out, network_control_out) = frames(CONTROL_OUT_BYTES);
    let (bulk_out, network_bulk_out) = frames(BULK_OUT_BYTES);
    let (journal, far_journal) = frames(JOURNAL_BYTES);
    let (far_operators, operators) = RingBuffer::new(16);
    let (far_grants, grants) = RingBuffer::new(4);
    let (lease_wishes, far_wishes) = RingBuffer::new(4);
    let (notes, far_notes) = RingBuffer::new(NOTES_MAX);
    let (traces, far_traces) = RingBuffer::new(NOTES_MAX);
    let (handoffs, far_handoffs) = RingBuffer::new(NOTES_MAX);
    let near = Rings {
        control_in,
        bulk_in,
        operators,
        grants,
        lease_wishes,
        control_out,
        bulk_out,
        journal,
        notes,
        traces,
        handoffs,
        control_sender: None,
        bulk_sender: None,
    };
    let far = FarEnds {
        journal: far_journal,
        network: NetworkRings {
            control_in: network_control_in,
            bulk_in: network_bulk_in,
            control_out: network_control_out,
            bulk_out: network_bulk_out,
            door: None,
        },
        lease_wishes: far_wishes,
        grants: far_grants,
        operators: far_operators,
        reporter: Reporter::new(far_notes, far_traces, far_handoffs),
    };
    (near, far)
}

fn spawn<T: Send + 'static>(name: &str, body: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<JoinHandle<T>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .with_context(|| format!("the thread {name} does not start"))
}

/// Prints progress and shows the state until the cycle has ended.
fn wait_for_cycle(
    cycle: JoinHandle<(Agent, CycleEnd, CycleCounts)>,
    reporter: &mut Reporter,
    (latest, export): (&control::Latest, Option<&ShdrExport>),
) -> anyhow::Result<(Agent, CycleEnd, CycleCounts)> {
    let say_line = |line: &StatusLine| {
        if let Ok(text) = serde_json::to_string(line) {
            announce(&text);
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = text;
        }
    };
    while !cycle.is_finished() {
        reporter.collect(say_line);
        if let (Some(export), Some((at, status))) = (export, reporter.newest()) {
            export.publish(exported(status, *at));
        }
        thread::sleep(REPORT_TURN);
    }
    let result = cycle.join().map_err(|_| anyhow!("the cycle has panicked; the controller lets go by itself"))?;
    reporter.collect(say_line);
    Ok(result)
}

/// The lease thread's body: an epoch is granted only once it is on disk.
fn grant(mut epochs: EpochFile, mut wishes: Consumer<Epoch>, mut grants: Producer<Epoch>, ending: &Stop) {
    while !ending.is_wanted() {
        while let Ok(wish) = wishes.pop() {
            match epochs.advance(wish) {
                Ok(epoch) if grants.push(epoch).is_ok() => say(&format!("lease {epoch} granted")),
                Ok(epoch) => say(&format!("lease {epoch} was not taken")),
                Err(error) => say(&format!("no lease: {error}")),
            }
        }
        thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Reads what the operator types; the end of standard input ends the agent where that was asked for.
fn read_operator(actions: Actions, ends: bool, stop: &Arc<Stop>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    spawn("operator", move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let word: String = line.trim().chars().take(control::WORD_BYTES_MAX).collect();
            if word.is_empty() {
                continue;
            }
            let Some(action) = control::action(&word) else {
                say(&format!("`{word}` is not understood; say arm, arm-first-part, off, rearm or confirm-stock"));
                continue;
            };
            if !control::hand_over(&actions, action) {
                say("too many words at once; the last was not taken");
            }
        }
        if ends {
            stop.want();
        }
    })?;
    Ok(())
}
