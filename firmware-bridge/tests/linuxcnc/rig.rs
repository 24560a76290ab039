//! What runs in place of LinuxCNC's screen: the agent's place in HAL, the operator's hands, and a record.

use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration as Span, Instant as Clock};

use firmware_bridge::controller::Command as Order;
use firmware_bridge::dialect::linuxcnc::{
    Commander, DialInCommand, GateVerdict, Reader, ReaderConfig, StatusEvent, TaskStatus, Tick, TickSample,
};
use firmware_bridge::link::StatusProgram;
use firmware_bridge::link::hal::{HAL_LIBRARY, HalLink};
use shared::plan::Override;
use shared::time::{Duration, Instant};

/// Where the package keeps its programs.
pub(crate) const PROGRAMS: &str = "/usr/share/linuxcnc/ncfiles";
/// LinuxCNC's module is Debian's own Python's.
const PYTHON: &str = "/usr/bin/python3";
/// Time between two cycles of the agent, and how long its commands live.
const CYCLE: Span = Span::from_millis(1);
const TIME_TO_LIVE: Duration = Duration::from_ms(100);
/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_ms(20_000);

/// Figures, or what went wrong.
pub(crate) type Outcome = Result<String, String>;
/// A name and what is done under it.
pub(crate) type Scenario = (&'static str, fn(&mut Rig) -> Outcome);

/// What goes wrong, said where it does not hold.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

pub(crate) fn permille(value: u16) -> Override {
    Override::from_permille(value).expect("tests ask for factors up to 1000")
}

/// A tick with when it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) is: TickSample,
}

/// All a scenario works with.
pub(crate) struct Rig {
    pub(crate) link: Option<HalLink>,
    pub(crate) reader: Reader,
    pub(crate) commander: Commander,
    /// What is commanded in every cycle.
    pub(crate) plan: Option<Override>,
    pub(crate) record: Vec<Seen>,
    /// Reports, each with how long the record was when it came.
    pub(crate) reports: Vec<(usize, TaskStatus)>,
    pub(crate) program: String,
    pub(crate) seconds: u64,
    /// When the last write began.
    pub(crate) written_at: Instant,
    ticks: Vec<Tick>,
    started: Clock,
    statuses: Receiver<StatusEvent>,
    hands: ChildStdin,
    answers: Receiver<String>,
    children: Vec<Child>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Rig {
    fn new() -> Self {
        let mut command = Command::new(PYTHON);
        command.args(["-u", "console.py"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut console = command.spawn().expect("python3 is LinuxCNC's own need");
        let hands = console.stdin.take().expect("piped");
        let said = BufReader::new(console.stdout.take().expect("piped"));
        let (answer, answers) = channel();
        std::thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| answer.send(line)));
        let python = Path::new(PYTHON);
        let mut beside = StatusProgram::start(python, Path::new("status.py")).expect("python3 is LinuxCNC's own need");
        let (event, statuses) = channel();
        // Ends with the program, which ends with LinuxCNC.
        std::thread::spawn(move || {
            while let Ok(true) = beside.wait(|status| drop(event.send(status))) {}
            assert_eq!(beside.refused(), 0, "status.py and its decoder disagree");
        });
        let config = ReaderConfig {
            tick_period: Duration::from_ms(1),
            status_age_max: Duration::from_ms(1000),
            power_wired: false,
            spindle_measured: false,
        };
        Self {
            link: None,
            reader: Reader::new(config),
            commander: Commander::new(DialInCommand::ToDivide, Override::PROGRAMMED),
            plan: None,
            record: Vec::with_capacity(200_000),
            reports: Vec::new(),
            program: String::new(),
            seconds: std::fs::read_to_string("seconds").ok().and_then(|text| text.parse().ok()).unwrap_or(10),
            written_at: Instant::ORIGIN,
            ticks: Vec::with_capacity(8192),
            started: Clock::now(),
            statuses,
            hands,
            answers,
            children: vec![console],
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_ns(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Takes the agent's place in HAL.
    pub(crate) fn enter(&mut self) -> Result<(), String> {
        let mut link = HalLink::open(HAL_LIBRARY, 0).map_err(|error| error.to_string())?;
        link.take_ticks(|_| {});
        self.link = Some(link);
        self.reader.reset();
        self.commander = Commander::new(DialInCommand::ToDivide, Override::PROGRAMMED);
        self.plan = None;
        self.run_for(300);
        Ok(())
    }

    /// One cycle, as the agent's shell runs it.
    pub(crate) fn cycle(&mut self) {
        let until = Clock::now() + CYCLE;
        while let Ok(event) = self.statuses.recv_timeout(until.saturating_duration_since(Clock::now())) {
            match event {
                StatusEvent::Status(status) => {
                    self.reader.handle_status(self.now(), &status);
                    self.reports.push((self.record.len(), status));
                }
                StatusEvent::Program(program) => self.program = program,
            }
        }
        let now = self.now();
        let Some(link) = &mut self.link else { return };
        self.ticks.clear();
        link.take_ticks(|tick| self.ticks.push(tick));
        let record = &mut self.record;
        self.reader.handle_ticks(now, &self.ticks, |is| record.push(Seen { at: now, is }));
        if let Some(factor) = self.plan {
            self.commander.handle_command(now, Order::Factor { factor, time_to_live: TIME_TO_LIVE });
        }
        let newest = self.record.last().map(|seen| &seen.is);
        let write = self.commander.poll_write(now, newest, GateVerdict::Passed);
        self.written_at = Instant::from_ns(u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX));
        link.write(&write);
    }

    pub(crate) fn run_for(&mut self, ms: u64) {
        let end = self.now().after(Duration::from_ms(ms));
        while self.now() < end {
            self.cycle();
        }
    }

    /// Cycles until the newest tick fits.
    pub(crate) fn until(&mut self, what: &str, fits: impl Fn(&TickSample) -> bool) -> Result<(), String> {
        let end = self.now().after(PATIENCE);
        while self.now() < end {
            self.cycle();
            if self.record.last().is_some_and(|seen| fits(&seen.is)) {
                return Ok(());
            }
        }
        let complaints = self.ask("complaints")?;
        Err(format!("no {what} within {} s; LinuxCNC: {complaints}; last: {:?}", PATIENCE.as_s(), self.record.last()))
    }

    pub(crate) fn velocity(&self) -> f64 {
        self.record.last().map_or(0.0, |seen| seen.is.tick.current_vel)
    }

    /// The operator's hands; the agent goes on meanwhile.
    pub(crate) fn ask(&mut self, order: &str) -> Result<String, String> {
        writeln!(self.hands, "{order}").map_err(|error| format!("{order}: {error}"))?;
        let end = self.now().after(PATIENCE.times(2));
        while self.now() < end {
            self.cycle();
            if let Ok(answer) = self.answers.try_recv() {
                return Ok(answer);
            }
        }
        Err(format!("{order}: no answer"))
    }

    pub(crate) fn tell(&mut self, order: &str) -> Result<(), String> {
        let answer = self.ask(order)?;
        ensure(answer == "ok", || format!("{order}: {answer}"))
    }

    /// Everything as after power-on: nothing runs, nothing is asked for, axes at zero.
    pub(crate) fn rest(&mut self) -> Result<(), String> {
        self.plan = None;
        // Whatever a scenario has left: off releases what is held.
        for (name, value) in [("cosim-hold-request", "0"), ("cosim-off", "1"), ("cosim-off", "0")] {
            halcmd(&["sets", name, value])?;
        }
        for order in ["state reset", "state on", "dial 1", "abort", "mode mdi"] {
            self.tell(order)?;
        }
        // M52 P1 is not among them: what the installer has LinuxCNC execute at its start has to be enough.
        let lines = ["G17 G21 G40 G49 G54 G64 G80 G90 G94", "G92.1", "G10 L2 P1 X0 Y0 Z0 R0", "M48", "M53 P1"];
        for line in lines.into_iter().chain(["M5 M9", "G53 G0 X0 Y0 Z0"]) {
            self.tell(&format!("mdi {line}"))?;
        }
        self.tell("idle")?;
        self.ask("complaints")?;
        Ok(())
    }

    /// Opens and starts a program; its first motion is on its way on return.
    pub(crate) fn start(&mut self, program: &str) -> Result<(), String> {
        std::fs::write("job.ngc", program).map_err(|error| error.to_string())?;
        let path = std::env::current_dir().map_err(|error| error.to_string())?.join("job.ngc");
        self.start_file(&path.display().to_string())
    }

    pub(crate) fn start_file(&mut self, path: &str) -> Result<(), String> {
        for order in ["mode auto", &format!("open {path}"), "run"] {
            self.tell(order)?;
        }
        if self.link.is_none() {
            return Ok(());
        }
        self.until("motion", |seen| seen.tick.program_line > 0 && seen.tick.current_vel > 0.0)
    }

    /// What was recorded from an index on.
    pub(crate) fn since(&self, from: usize) -> &[Seen] {
        &self.record[from.min(self.record.len())..]
    }
}

/// LinuxCNC's own tool, from outside of the agent.
pub(crate) fn halcmd(words: &[&str]) -> Result<String, String> {
    let output = Command::new("halcmd").args(words).output().map_err(|error| format!("halcmd: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure(output.status.success(), || format!("halcmd {words:?}: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(said)
}

/// Another agent, in a process of its own, until it is dropped.
pub(crate) struct Writer(Child);

impl Writer {
    pub(crate) fn spawn(words: &[&str]) -> Result<Self, String> {
        let mut command = Command::new("./driver");
        command.arg("writer").args(words).stdout(Stdio::piped());
        let mut writer = Self(command.spawn().map_err(|error| error.to_string())?);
        let mut line = String::new();
        let said = writer.0.stdout.take().expect("piped");
        BufReader::new(said).read_line(&mut line).map_err(|error| error.to_string())?;
        ensure(line.trim() == "writing", || format!("the writer says {line:?}"))?;
        Ok(writer)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A stopped process takes this signal too.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The writer: commands a factor in per mille, and with `hold` a feed hold, until it is killed.
pub(crate) fn writer(words: &[String]) -> ExitCode {
    let factor = words.first().and_then(|word| word.parse().ok()).and_then(Override::from_permille);
    let (Some(factor), Ok(mut link)) = (factor, HalLink::open(HAL_LIBRARY, 0)) else { return ExitCode::FAILURE };
    let started = Clock::now();
    let mut commander = Commander::new(DialInCommand::Divided, Override::PROGRAMMED);
    if words.iter().any(|word| word == "hold") {
        commander.handle_command(Instant::ORIGIN, Order::FeedHold);
    }
    println!("writing");
    loop {
        let now = Instant::from_ns(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
        commander.handle_command(now, Order::Factor { factor, time_to_live: TIME_TO_LIVE });
        link.write(&commander.poll_write(now, None, GateVerdict::Passed));
        std::thread::park_timeout(Span::from_millis(2));
    }
}

/// All scenarios that were asked for, one after the other; results go to a file.
pub(crate) fn drive(scenarios: &[Scenario]) -> ExitCode {
    let wanted = std::fs::read_to_string("scenarios").unwrap_or_default();
    let mut rig = Rig::new();
    let mut results = String::new();
    // What LinuxCNC executes at its start waits in a queue that the first order to the machine would empty.
    rig.run_for(1500);
    let brought_up = ["state reset", "state on", "home"].iter().try_for_each(|order| rig.tell(order));
    for (name, scenario) in scenarios.iter().filter(|(name, _)| wanted.lines().any(|line| line == *name)) {
        let outcome = brought_up.clone().and_then(|()| {
            let ran = catch_unwind(AssertUnwindSafe(|| scenario(&mut rig)));
            ran.unwrap_or_else(|_| Err("panicked".to_owned()))
        });
        match outcome {
            Ok(figures) => results.push_str(&format!("{figures}\ntest {name} ... ok\n")),
            Err(error) => results.push_str(&format!("test {name} ... FAILED: {error}\n")),
        }
        // After each, so that a crash of LinuxCNC leaves what came before.
        let _ = std::fs::write("results", &results);
    }
    ExitCode::SUCCESS
}
