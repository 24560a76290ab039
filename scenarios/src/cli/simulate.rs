use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::sweep::Workpiece;
use cloud_sim::workers::Workers;
use shared::job::{Job, JobSources};
use shared::program::Diagnostic;

use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, SimulateArgs, bad_input, draw};
use crate::format::{LoadError, PlanFile};
use crate::report::{simulate_text, write_segments};
use crate::simulate::Simulation;
use crate::summary::simulate_json;

/// Most memory of one stock map unless a scenario says otherwise.
pub(super) const MEMORY_MAX_BYTES: u64 = 512 << 20;

/// What to do about a stock that cannot be represented.
pub(super) const STOCK_ADVICE: &str = "correct the stock (a box, a cylinder or a closed STL), or the size of its cells";

/// A compiled job with its sources and everything there was to say about them.
pub(super) struct Prepared {
    pub(super) job: Arc<Job>,
    pub(super) sources: JobSources,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Assumptions of the command line, ahead of those of the job.
    pub(super) assumed: Vec<String>,
}

pub(super) fn command(args: &SimulateArgs) -> u8 {
    let loaded = match args.job.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let choice = loaded.choice;
    let prepared = match prepare(loaded.sources, loaded.assumed) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let executor = match executor(args.job.threads) {
        Ok(executor) => executor,
        Err(message) => return draw::message(&message),
    };
    match Simulation::run(&prepared.job, &prepared.sources, choice, executor.as_ref()) {
        Ok(simulation) => report(args, &prepared, &simulation),
        Err(message) => draw::message(&format!("{message}; {STOCK_ADVICE}")),
    }
}

/// Compiles a job; draws what there is to say about it if it does not compile.
pub(super) fn prepare(sources: JobSources, assumed: Vec<String>) -> Result<Prepared, u8> {
    let (job, diagnostics) = Job::compile(&sources);
    match job {
        Some(job) => Ok(Prepared { job: Arc::new(job), sources, diagnostics, assumed }),
        None => Err(bad_input(&LoadError { texts: texts(&sources), diagnostics })),
    }
}

/// The parts of a job as texts, for drawing carets into them.
fn texts(sources: &JobSources) -> BTreeMap<String, String> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
    sources.parts.iter().filter_map(|(name, bytes)| Some((name.clone(), text(bytes)?))).collect()
}

/// One thread, or a pool of as many as asked for; all processors by default.
pub(super) fn executor(threads: Option<usize>) -> Result<Box<dyn Executor>, String> {
    match threads {
        Some(1) => Ok(Box::new(Serial)),
        wanted => {
            let threads = wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
            let workers = Workers::new(threads).map_err(|error| format!("no threads to simulate with: {error}"))?;
            Ok(Box::new(workers))
        }
    }
}

fn report(args: &SimulateArgs, prepared: &Prepared, simulation: &Simulation) -> u8 {
    let report = simulate_json(
        prepared.sources.manifest.program.file.as_str(),
        simulation,
        &prepared.diagnostics,
        &prepared.assumed,
    );
    let mut failed = false;
    let mut attempt = |path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>| {
        if let Err(message) = write_file(path, write) {
            draw::line(&message);
            failed = true;
        }
    };
    if let Some(path) = &args.json {
        attempt(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            out.write_all(b"\n")
        });
    }
    if let Some(path) = &args.segments {
        attempt(path, &mut |out| write_segments(simulation, out));
    }
    if let Some(path) = &args.plan {
        let plan = PlanFile::of(prepared.sources.manifest.program.file.as_str(), simulation);
        attempt(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, &plan)?;
            out.write_all(b"\n")
        });
    }
    if let Some(path) = &args.stl {
        let mut mesh = Vec::new();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ply")) {
            simulation.map.to_ply(&mut mesh);
        } else {
            simulation.map.to_stl(&mut mesh);
        }
        attempt(path, &mut |out| out.write_all(&mesh));
    }
    let to_stdout =
        [&args.json, &args.segments, &args.plan, &args.stl].into_iter().flatten().any(|path| path.as_os_str() == "-");
    if !to_stdout {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(simulate_text(&report).as_bytes());
    }
    if failed { EXIT_INFRASTRUCTURE } else { EXIT_PASS }
}

/// Writes through a buffer to a file, or to standard output for `-`.
pub(super) fn write_file(
    path: &Path,
    write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), String> {
    let done = if path.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        write(&mut out)
    } else {
        File::create(path).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()
        })
    };
    done.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
