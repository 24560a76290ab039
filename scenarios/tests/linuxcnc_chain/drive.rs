//! What runs in place of LinuxCNC's screen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use super::cases::ORIGIN;
use super::hands::{Agent, Cable, Cloud, Console, Mode, ensure, halcmd, mark, pass};
use super::sampler::{Row, Sampler};

/// Figures, or what went wrong.
pub(crate) type Outcome = Result<String, String>;
/// A name and what is done under it.
pub(crate) type Scenario = (&'static str, fn(&mut Shop) -> Outcome);

/// The machine, its operator, the service.
pub(crate) struct Shop {
    pub(crate) console: Console,
    pub(crate) cloud: Cloud,
    pub(crate) cable: Cable,
    /// How long 3D_Chips is steered.
    pub(crate) seconds: u64,
}

/// A run that is under way.
pub(crate) struct Run {
    pub(crate) agent: Agent,
    pub(crate) sampler: Sampler,
}

impl Shop {
    fn open() -> Result<Self, String> {
        let mut console = Console::start();
        // What LinuxCNC executes at its start waits in a queue that the first order to the machine would empty.
        pass(Duration::from_millis(1500));
        for order in ["state reset", "state on", "home"] {
            console.tell(order)?;
        }
        let cloud = Cloud::start()?;
        let cable = Cable::lay(&cloud.address)?;
        let seconds = std::fs::read_to_string("seconds").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
        Ok(Self { console, cloud, cable, seconds })
    }

    /// Everything as after power-on: nothing runs, nothing is asked for, axes at zero.
    pub(crate) fn rest(&mut self) -> Result<(), String> {
        self.cable.cut(false);
        mark(false)?;
        for (name, value) in [("cosim-hold-request", "0"), ("cosim-off", "1"), ("cosim-off", "0")] {
            halcmd(&["sets", name, value])?;
        }
        for order in ["state reset", "state on", "dial 1", "abort", "mode mdi"] {
            self.console.tell(order)?;
        }
        let [x, y, z] = ORIGIN;
        let offset = format!("G10 L2 P1 X{x} Y{y} Z{z} R0");
        // M52 P1 is not among them: what the installer has LinuxCNC execute at its start has to be enough.
        for line in
            ["G17 G21 G40 G49 G54 G64 G80 G90 G94", "G92.1", &offset, "M48", "M53 P1", "M5 M9", "G53 G0 X0 Y0 Z0"]
        {
            self.console.tell(&format!("mdi {line}"))?;
        }
        self.console.tell("idle")?;
        self.console.ask("complaints").map(drop)
    }

    /// Opens and starts a program; returns at once.
    pub(crate) fn start(&mut self, program: &str) -> Result<(), String> {
        let path = std::env::current_dir().map_err(|error| error.to_string())?.join(program);
        for order in ["mode auto", &format!("open {}", path.display()), "run"] {
            self.console.tell(order)?;
        }
        Ok(())
    }

    /// An armed agent that is ready, a record under the scenario's name, and the case's program running.
    pub(crate) fn run(&mut self, case: &str, record: &str, mode: Mode) -> Result<Run, String> {
        self.run_file(case, &format!("{case}.ngc"), record, mode)
    }

    fn run_file(&mut self, case: &str, file: &str, record: &str, mode: Mode) -> Result<Run, String> {
        self.rest()?;
        let agent = Agent::start(case, &self.cable.address, mode)?;
        agent.wait("ready", |status| status.phase == "ready")?;
        if mode == Mode::Active {
            agent.say("arm")?;
        }
        let sampler = Sampler::start(record)?;
        self.start(file)?;
        agent.wait("on the path", |status| status.running && status.station_mm > 0.0)?;
        Ok(Run { agent, sampler })
    }

    /// The same, on once the plan slows a cut.
    pub(crate) fn slowed(&mut self, record: &str) -> Result<Run, String> {
        self.slowed_on("slots.ngc", record)
    }

    /// The same with the program's bytes in another file.
    pub(crate) fn slowed_on(&mut self, file: &str, record: &str) -> Result<Run, String> {
        let run = self.run_file("slots", file, record, Mode::Active)?;
        run.agent.wait("slowed in the slot", |status| {
            status.running && status.lamp == "ok" && status.factor < 0.9 && status.line >= 7
        })?;
        Ok(run)
    }

    /// Ends a run that goes on: the program, the agent, the record.
    pub(crate) fn end(&mut self, run: Run) -> Result<Vec<Row>, String> {
        self.console.tell("abort")?;
        let rows = run.sampler.stop()?;
        run.agent.leave()?;
        Ok(rows)
    }
}

/// All scenarios that were asked for, one after the other; results go to a file.
pub(crate) fn drive(scenarios: &[Scenario]) -> ExitCode {
    let wanted = std::fs::read_to_string("scenarios").unwrap_or_default();
    let mut shop = Shop::open();
    let mut results = String::new();
    for (name, scenario) in scenarios.iter().filter(|(name, _)| wanted.lines().any(|line| line == *name)) {
        let outcome = match &mut shop {
            Ok(shop) => {
                let ran = catch_unwind(AssertUnwindSafe(|| scenario(shop)));
                ran.unwrap_or_else(|_| Err("panicked".to_owned()))
            }
            Err(error) => Err(error.clone()),
        };
        match outcome {
            Ok(figures) => results.push_str(&format!("{figures}\ntest {name} ... ok\n")),
            Err(error) => results.push_str(&format!("test {name} ... FAILED: {error}\n")),
        }
        // After each, so that a crash of LinuxCNC leaves what came before.
        let _ = std::fs::write("results", &results);
        if let Ok(shop) = &mut shop {
            let _ = shop.console.ask("abort");
        }
    }
    let left = ensure(shop.is_ok(), || "the shop never opened".to_owned());
    if left.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
