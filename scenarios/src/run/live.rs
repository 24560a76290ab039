use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edge_agent::guard::Condition;
use edge_agent::shell::{EdgeSummary, StatusLine};
use rustix::process::Signal;
use serde_json::Value;
use shared::units::Force;
use shared::wire::Preset;

use super::child::{Ears, Heard, Process, Who};
use super::folder::RunFolder;
use super::outcome::{ControllerOutcome, RunOutcome};
use super::progress::Progress;
use super::{Keep, RunError};
use crate::format::{FaultAction, FaultSection, Scenario, ScenarioFile};
use crate::world;

/// How long a process may take until it is ready: the controller sets up the hidden process in that time.
const READY_MAX: Duration = Duration::from_secs(90);
/// How long a process may take to leave when it was told to.
const LEAVE_MAX: Duration = Duration::from_secs(4);
/// Longest silence between two looks at clocks and children.
const TURN: Duration = Duration::from_millis(20);
/// How long the program waits for its baseline before it is started without, s.
const START_WITHOUT_BASELINE_S: f64 = 60.0;
/// How long summaries may take after the children have ended.
const LAST_LINES_MAX: Duration = Duration::from_secs(2);

/// A run in real time.
#[derive(Clone, Debug)]
pub struct LiveSetup<'a> {
    /// The `cosim` to start; this program itself where absent. Tests are another program.
    pub program: Option<PathBuf>,
    /// The scenario as the user named it, for the controller to load again.
    pub name: &'a str,
    /// The scenario, loaded with [`Self::speed`].
    pub scenario: &'a Scenario,
    /// Machine seconds in one second.
    pub speed: f64,
    /// Limit on the peak force that the run is held against.
    pub limit: Option<Force>,
    /// Seeds of the hidden process.
    pub truth_seeds: u32,
    /// Threads of the service; all processors where absent.
    pub threads: Option<usize>,
    /// Record the edge's inputs and decisions into this file.
    pub record: Option<PathBuf>,
    /// Where the run's files stay.
    pub keep: Keep,
    /// Where its processes are.
    pub places: LivePlaces,
}

/// Where the processes of a run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePlaces {
    /// What stands before the command lines of agent and controller.
    pub edge: Vec<OsString>,
    /// What stands before the command line of the service.
    pub cloud: Vec<OsString>,
    /// Where the service listens.
    pub listen: String,
    /// The kind of network between them.
    pub preset: Preset,
}

impl LivePlaces {
    /// All here, over the loopback device.
    pub fn here() -> Self {
        Self { edge: Vec::new(), cloud: Vec::new(), listen: "tcp/127.0.0.1:0".to_owned(), preset: Preset::Lan }
    }
}

/// Runs a scenario with real processes and gives progress while it goes on.
///
/// # Errors
/// [`RunError`]; all processes have ended then.
pub fn run_live(setup: &LiveSetup<'_>, progress: &mut dyn FnMut(Progress<'_>)) -> Result<RunOutcome, RunError> {
    let faults = supported(&setup.scenario.file.faults)?;
    let stop = Arc::new(AtomicBool::new(false));
    let wanted = Arc::clone(&stop);
    // A second run in one process keeps the first handler; its flag is then never set, and the limits still hold.
    let _ = ctrlc::set_handler(move || wanted.store(true, Ordering::Relaxed));
    let folder = RunFolder::make(&setup.keep)?;
    let mut run =
        Live { setup, faults, stop, began: Instant::now(), ears: Ears::new(), state: State::default(), progress };
    let mut children = run.start(&folder)?;
    run.watch(&mut children)?;
    run.finish(children)
}

/// Faults that signals can make.
fn supported(faults: &[FaultSection]) -> Result<Vec<FaultSection>, RunError> {
    let by_signal = |fault: &&FaultSection| !matches!(fault.action, FaultAction::CloudStop | FaultAction::CloudKill);
    match faults.iter().find(by_signal) {
        Some(fault) => Err(RunError::Unsupported { what: format!("the fault {}", fault.action.name()) }),
        None => Ok(faults.to_vec()),
    }
}

struct Children {
    controller: Process,
    /// `None` while it is dead.
    cloud: Option<Process>,
    edge: Process,
    cloud_args: Vec<OsString>,
}

impl Children {
    fn of(&mut self, who: Who) -> Option<&mut Process> {
        match who {
            Who::Controller => Some(&mut self.controller),
            Who::Cloud => self.cloud.as_mut(),
            Who::Edge => Some(&mut self.edge),
        }
    }
}

/// What has been heard so far.
#[derive(Default)]
struct State {
    line: u32,
    /// The newest status says that the feed is held before what would touch.
    held: bool,
    /// When the program was first seen to run.
    running_since: Option<Instant>,
    summary: Option<EdgeSummary>,
    controller: Option<ControllerOutcome>,
    cloud: Option<Value>,
    injected: Vec<(f64, &'static str)>,
    /// The stopped service goes on at this time.
    continue_at: Option<Instant>,
    /// The killed service is started again at this time.
    restart_at: Option<Instant>,
}

struct Live<'a> {
    setup: &'a LiveSetup<'a>,
    faults: Vec<FaultSection>,
    stop: Arc<AtomicBool>,
    began: Instant,
    ears: Ears,
    state: State,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Live<'_> {
    fn start(&mut self, folder: &RunFolder) -> Result<Children, RunError> {
        let (controller, address) = self.start_one(Who::Controller, &self.controller_args())?;
        let mut cloud_args = self.cloud_args(&self.setup.places.listen);
        let (cloud, endpoint) = self.start_one(Who::Cloud, &cloud_args)?;
        // If it has to be started again, it must be found at the same place.
        cloud_args = self.cloud_args(&endpoint);
        let job = folder.write("part.cosim-job", &self.setup.scenario.sources.to_bytes())?;
        let config = edge_config(self.setup, &job, folder.path(), &address, &endpoint);
        let config = folder.write("edge.toml", config.as_bytes())?;
        let args = [OsString::from("run"), "--config".into(), config.into(), "--until-stdin-closes".into()];
        (self.progress)(Progress::Starting(Who::Edge.name()));
        let edge = Process::start(self.program(Who::Edge), Who::Edge, &args, &self.ears)?;
        Ok(Children { controller, cloud: Some(cloud), edge, cloud_args })
    }

    /// How a process is started.
    fn program(&self, who: Who) -> (&[OsString], Option<&Path>) {
        let setup = self.setup;
        let inside: &[OsString] = if who == Who::Cloud { &setup.places.cloud } else { &setup.places.edge };
        (inside, setup.program.as_deref())
    }

    fn controller_args(&self) -> Vec<OsString> {
        let setup = self.setup;
        let mut args: Vec<OsString> = vec!["--scenario".into(), setup.name.into()];
        args.extend(["--speed".into(), setup.speed.to_string().into()]);
        args.extend(["--seeds".into(), setup.truth_seeds.to_string().into()]);
        if let Some(limit) = setup.limit {
            args.extend(["--limit-n".into(), limit.as_n().to_string().into()]);
        }
        args
    }

    fn cloud_args(&self, listen: &str) -> Vec<OsString> {
        let session = world::session_config(&self.setup.scenario.file);
        let mut args: Vec<OsString> = vec!["serve".into(), "--listen".into(), listen.into()];
        args.push("--until-stdin-closes".into());
        args.extend(["--preset".into(), self.setup.places.preset.name().into()]);
        args.extend(["--horizon-s".into(), session.horizon_target.as_s().to_string().into()]);
        args.extend(["--time-to-live-ms".into(), (session.time_to_live.as_ns() / 1_000_000).to_string().into()]);
        args.extend(["--memory-mb".into(), (session.memory_max_bytes >> 20).to_string().into()]);
        if let Some(cell_mm) = session.cell_mm {
            args.extend(["--cell-mm".into(), cell_mm.to_string().into()]);
        }
        if let Some(threads) = self.setup.threads {
            args.extend(["--threads".into(), threads.to_string().into()]);
        }
        args
    }

    /// Starts one process and waits until it says where it listens.
    fn start_one(&mut self, who: Who, args: &[OsString]) -> Result<(Process, String), RunError> {
        (self.progress)(Progress::Starting(who.name()));
        let mut process = Process::start(self.program(who), who, args, &self.ears)?;
        let until = Instant::now() + READY_MAX;
        loop {
            match self.ears.hear(TURN) {
                Some(Heard::Said(from, line)) if from == who => {
                    if let Some(place) = line.strip_prefix("READY ") {
                        return Ok((process, place.to_owned()));
                    }
                }
                Some(Heard::Noted(from, line)) if from == who => process.remember(&line),
                _ => {}
            }
            if let Some(status) = process.ended() {
                let said = self.last_words(&mut process);
                return Err(RunError::Died { who: who.name(), status: status.to_string(), said });
            }
            self.check_interrupt()?;
            if Instant::now() >= until {
                let said = process.last_words();
                return Err(RunError::NotReady { who: who.name(), within_s: READY_MAX.as_secs(), said });
            }
        }
    }

    /// Last words may still be on their way when the process is already gone.
    fn last_words(&mut self, process: &mut Process) -> String {
        while let Some(heard) = self.ears.hear(TURN) {
            if let Heard::Noted(from, line) = heard
                && from == process.who()
            {
                process.remember(&line);
            }
        }
        process.last_words()
    }

    /// Follows the run until the edge agent has ended.
    fn watch(&mut self, children: &mut Children) -> Result<(), RunError> {
        let max_wall_s = self.setup.scenario.file.run.max_wall_s;
        loop {
            if let Some(heard) = self.ears.hear(TURN) {
                self.take(heard, children);
            }
            if let Some(status) = children.edge.ended() {
                let said = self.last_words_of_all(children);
                return if self.state.summary.is_some() && status.success() {
                    Ok(())
                } else {
                    Err(RunError::Died { who: Who::Edge.name(), status: status.to_string(), said })
                };
            }
            self.end_where_held(children);
            self.check_children(children)?;
            self.check_interrupt()?;
            self.inject(children)?;
            if self.began.elapsed().as_secs_f64() >= max_wall_s {
                return Err(RunError::TooLong { max_wall_s, line: self.state.line });
            }
        }
    }

    /// A run that is held before a predicted collision ends there: nobody is here to re-arm.
    fn end_where_held(&mut self, children: &mut Children) {
        if std::mem::take(&mut self.state.held) {
            self.note_fault(world::HELD_EVENT);
            children.edge.dismiss();
        }
    }

    /// Takes what is still on its way from all children and gives the agent's last words.
    fn last_words_of_all(&mut self, children: &mut Children) -> String {
        let until = Instant::now() + LAST_LINES_MAX;
        while let Some(heard) = self.ears.hear(TURN) {
            self.take(heard, children);
            if Instant::now() >= until {
                break;
            }
        }
        children.edge.last_words()
    }

    fn check_children(&mut self, children: &mut Children) -> Result<(), RunError> {
        // The controller may leave after the program's end a little before the agent does.
        let mut others: Vec<&mut Process> = children.cloud.iter_mut().collect();
        others.push(&mut children.controller);
        for process in others {
            if let Some(status) = process.ended().filter(|status| !status.success()) {
                let who = process.who().name();
                return Err(RunError::Died { who, status: status.to_string(), said: process.last_words() });
            }
        }
        Ok(())
    }

    fn check_interrupt(&self) -> Result<(), RunError> {
        if self.stop.load(Ordering::Relaxed) { Err(RunError::Interrupted) } else { Ok(()) }
    }

    fn take(&mut self, heard: Heard, children: &mut Children) {
        match heard {
            Heard::Noted(who, line) => {
                (self.progress)(Progress::Note(&line));
                if let Some(process) = children.of(who) {
                    process.remember(&line);
                }
            }
            Heard::Said(Who::Edge, line) => self.take_edge(&line),
            Heard::Said(Who::Controller, line) => {
                let value: Option<Value> = serde_json::from_str(&line).ok();
                self.state.controller =
                    value.as_ref().and_then(ControllerOutcome::read).or(self.state.controller.take());
            }
            Heard::Said(Who::Cloud, line) => {
                if let Ok(value) = serde_json::from_str::<Value>(&line) {
                    self.state.cloud = Some(value);
                }
            }
        }
    }

    fn take_edge(&mut self, line: &str) {
        if let Ok(status) = serde_json::from_str::<StatusLine>(line) {
            self.state.line = status.line;
            self.state.held = !status.running && status.reason == Condition::CollisionAhead.name();
            if status.running {
                self.state.running_since.get_or_insert_with(Instant::now);
            }
            (self.progress)(Progress::Status(&status));
        } else if let Ok(summary) = serde_json::from_str::<EdgeSummary>(line) {
            self.state.summary = Some(summary);
        }
    }

    /// Faults that are due, and the ends of those that have one.
    fn inject(&mut self, children: &mut Children) -> Result<(), RunError> {
        let now = Instant::now();
        if self.state.continue_at.is_some_and(|at| now >= at) {
            self.state.continue_at = None;
            if let Some(cloud) = &children.cloud {
                cloud.signal(Signal::CONT)?;
            }
            self.note_fault("cloud_continued");
        }
        if self.state.restart_at.is_some_and(|at| now >= at) {
            self.state.restart_at = None;
            let args = children.cloud_args.clone();
            children.cloud = Some(self.start_again(&args)?);
            self.note_fault("cloud_restarted");
        }
        let Some(since) = self.state.running_since else { return Ok(()) };
        let (elapsed_s, line) = (since.elapsed().as_secs_f64(), self.state.line);
        let due = |fault: &FaultSection| {
            fault.at.time_s.is_some_and(|time_s| elapsed_s >= time_s) || fault.at.line.is_some_and(|at| line >= at)
        };
        let (due, later): (Vec<_>, Vec<_>) = self.faults.drain(..).partition(due);
        self.faults = later;
        for fault in due {
            let until = fault.for_s.map(|for_s| now + Duration::from_secs_f64(for_s.clamp(0.0, 1e6)));
            self.note_fault(fault.action.name());
            match (fault.action, &mut children.cloud) {
                (FaultAction::CloudStop, Some(cloud)) => {
                    cloud.signal(Signal::STOP)?;
                    self.state.continue_at = until;
                }
                (FaultAction::CloudKill, Some(cloud)) => {
                    cloud.kill()?;
                    children.cloud = None;
                    self.state.restart_at = until;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Starts the service again without waiting: the run goes on meanwhile, and it is ready when it is.
    fn start_again(&mut self, args: &[OsString]) -> Result<Process, RunError> {
        (self.progress)(Progress::Starting(Who::Cloud.name()));
        Process::start(self.program(Who::Cloud), Who::Cloud, args, &self.ears)
    }

    fn note_fault(&mut self, name: &'static str) {
        let at_s = self.state.running_since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        self.state.injected.push((at_s, name));
        (self.progress)(Progress::Fault(name));
    }

    /// Sends the others home and collects what they say.
    fn finish(mut self, mut children: Children) -> Result<RunOutcome, RunError> {
        children.controller.dismiss();
        if let Some(cloud) = &mut children.cloud {
            // A stopped process cannot leave.
            cloud.signal(Signal::CONT)?;
            cloud.dismiss();
        }
        let left =
            children.controller.leave(LEAVE_MAX) && children.cloud.as_mut().is_none_or(|cloud| cloud.leave(LEAVE_MAX));
        if !left {
            (self.progress)(Progress::Note("a process had to be killed at the end"));
        }
        self.last_words_of_all(&mut children);
        let missing = |process: &Process| RunError::NoSummary { who: process.who().name(), said: process.last_words() };
        let state = self.state;
        Ok(RunOutcome {
            edge: state.summary.ok_or_else(|| missing(&children.edge))?,
            controller: state.controller.ok_or_else(|| missing(&children.controller))?,
            cloud: state.cloud,
            faults: state.injected,
            recording: self.setup.record.clone(),
            wall_s: self.began.elapsed().as_secs_f64(),
        })
    }
}

/// The agent's configuration for a scenario.
fn edge_config(setup: &LiveSetup<'_>, job: &Path, folder: &Path, controller: &str, cloud: &str) -> String {
    let file: &ScenarioFile = &setup.scenario.file;
    let budget = world::budget(file);
    let mut root = toml::Table::new();
    let text = |value: &str| toml::Value::String(value.to_owned());
    let path = |path: &Path| toml::Value::String(path.display().to_string());
    root.insert("machine_name".to_owned(), text(&file.name));
    root.insert("job".to_owned(), path(job));
    root.insert("state_dir".to_owned(), path(&folder.join("state")));
    root.insert("mode".to_owned(), text("active"));
    root.insert("arm".to_owned(), text("at-start"));
    if let Some(record) = &setup.record {
        // The agent reads paths relative to its configuration; the user named one relative to here.
        root.insert("recording".to_owned(), path(&std::path::absolute(record).unwrap_or_else(|_| record.clone())));
    }
    let section = |entries: Vec<(&str, toml::Value)>| {
        toml::Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let controller = vec![
        ("link", text(&format!("tcp:{controller}"))),
        ("sample_ms", file.run.sample_ms.into()),
        ("start", text("when-ready")),
        ("start_within_s", START_WITHOUT_BASELINE_S.into()),
    ];
    root.insert("controller".to_owned(), section(controller));
    root.insert(
        "cloud".to_owned(),
        section(vec![
            ("connect", text(cloud)),
            ("preset", text(setup.places.preset.name())),
            ("unsigned", text("accept")),
        ]),
    );
    let budget = vec![
        ("cycle_ms", budget.cycle.as_ms().into()),
        ("end_to_end_ms", budget.end_to_end.as_ms().into()),
        ("horizon_min_s", budget.horizon_min.as_s().into()),
        ("horizon_target_s", budget.horizon_target.as_s().into()),
        ("time_to_live_ms", budget.time_to_live.as_ms().into()),
    ];
    root.insert("budget".to_owned(), section(budget));
    root.to_string()
}
