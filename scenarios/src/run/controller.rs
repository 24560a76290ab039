use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;

use anyhow::{Context, anyhow};
use clap::Parser;
use cloud_sim::ahead::{Ahead, MapChoice};
use cloud_sim::executor::Serial;
use firmware_bridge::link::{MACHINE_PRIORITY, ServeOptions, schedule_real_time, serve_virtual_controller};
use firmware_bridge::virtual_controller::VirtualController;
use serde_json::json;
use shared::job::Job;
use shared::time::{Duration, Instant};
use shared::units::Force;

use crate::cli::EXIT_INFRASTRUCTURE;
use crate::format::Scenario;
use crate::hidden::Hidden;
use crate::world;

/// How long the machine stays after the end of its program, so that the end can be read.
const LINGER: Duration = Duration::from_ms(3000);

/// The virtual controller of a scenario, with the hidden process it cuts.
#[derive(Debug, Parser)]
#[command(name = "virtual-controller")]
struct Arguments {
    /// Scenario file or built-in case.
    #[arg(long)]
    scenario: String,
    /// Machine seconds in one second.
    #[arg(long)]
    speed: f64,
    /// Limit on the peak force that the run is held against, N.
    #[arg(long)]
    limit_n: Option<f64>,
    /// Seeds of the hidden process.
    #[arg(long, default_value_t = 1)]
    seeds: u32,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

/// The body of the hidden command that runs the virtual controller. Prints `READY ADDRESS` when a client can
/// connect, and one line of JSON when it ends: after its program, or when standard input closes.
pub fn controller_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match serve(&Arguments::parse_from(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "virtual-controller: error: {error:#}");
            ExitCode::from(EXIT_INFRASTRUCTURE)
        }
    }
}

fn serve(args: &Arguments) -> anyhow::Result<()> {
    let scenario = Scenario::load(&args.scenario, args.speed).map_err(|_| anyhow!("the scenario does not load"))?;
    let file = &scenario.file;
    let (job, _) = Job::compile(&scenario.sources);
    let job = Arc::new(job.context("the job does not compile")?);
    let session = world::session_config(file);
    let choice = MapChoice { cell_mm: session.cell_mm, memory_max_bytes: session.memory_max_bytes };
    let (start, _) = Ahead::new(&job, &scenario.sources, choice, &Serial).map_err(|reason| anyhow!("{reason}"))?;
    let seeds = (0..u64::from(args.seeds.max(1))).map(|index| file.seed + index).collect();
    let limit = args.limit_n.map(Force::n);
    let map = start.map().height_map().context(crate::virtual_run::TURNING)?;
    let (process, feeling) = Hidden::new(&job, map, &file.truth, seeds, limit)?;
    drop(start);
    let config = world::virtual_config(file, &job);
    let mut controller =
        VirtualController::new(job.machine.clone(), Arc::clone(&job.path), Box::new(process), config, Instant::ORIGIN)?;
    let listener = TcpListener::bind(&args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let stop = Arc::new(AtomicBool::new(false));
    stop_when_stdin_closes(&stop)?;
    say(&format!("READY {}", listener.local_addr()?))?;
    // A machine does not wait for the host's other work. Where the system does not allow it, the report shows how long
    // it stood still.
    let real_time = schedule_real_time(MACHINE_PRIORITY).is_ok();
    let options = ServeOptions { stop: &stop, linger: LINGER };
    let summary = serve_virtual_controller(&listener, &mut controller, options, &mut |_| {})?;
    let counters = controller.counters();
    let feeling = feeling.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let line = json!({
        "kind": "controller_summary",
        "completed": summary.completed,
        "cycle_time_s": controller.cycle_time().as_s(),
        "late_max_ms": summary.late_max.as_ms(),
        "real_time": real_time,
        "stood_still_ms": summary.stood_still.as_ms(),
        "clients": summary.clients,
        "clients_dropped": summary.clients_dropped,
        "reports": counters.reports,
        "commands": counters.commands,
        "commands_refused": counters.commands_refused,
        "expiries": counters.expiries,
        "peak_n": feeling.peak_n,
        "overshoots": feeling.overshoots,
        "overshoot_s": feeling.overshoot_s,
        "entry_peaks_n": feeling.entry_peaks_n,
        "evaluations": feeling.evaluations,
        "worst": feeling.worst.map(|worst| json!({
            "peak_n": worst.peak_n,
            "time_s": worst.time_s,
            "at_mm": worst.at_mm,
            "feed_mm_min": worst.feed_mm_min,
        })),
    });
    say(&line.to_string())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("nobody listens")
}

fn stop_when_stdin_closes(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let stop = Arc::clone(stop);
    let wait = move || {
        let mut sink = [0; 256];
        while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
        stop.store(true, Ordering::Relaxed);
    };
    thread::Builder::new().name("stdin".to_owned()).spawn(wait)?;
    Ok(())
}
