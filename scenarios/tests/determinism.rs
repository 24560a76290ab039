//! Invariant 5 of the design: the same inputs give the same bytes, however often and on however many threads.
//!
//! The demo and a face mill run through the library, so that the threads can be asked whether they worked; the
//! demo and a real program run through the command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::sweep::Workpiece;
use cloud_sim::workers::Workers;
use scenarios::format::Scenario;
use scenarios::virtual_run::{RunOptions, VirtualRun, run_virtual};
use shared::job::Job;
use tempfile::TempDir;

/// A face mill of D63 on cells of 0.1 mm covers some 400 tiles of the stock map, far above the 96 from which
/// the kernel hands rows of tiles to its executor.
const FACE_MILL: &str = r#"
schema = 1
name = "face"
seed = 3
[program]
file = "part.nc"
[machine]
file = "generic-vmc"
[stock]
shape = "box"
min = [0.0, 0.0, -10.0]
max = [120.0, 90.0, 0.0]
units = "mm"
[tools]
library = "tools.toml"
[material]
name = "C45E"
[limits]
feed_override = { min = 0.30, max = 1.00, step = 0.01, slew_per_s = 5.0 }
force_peak_share = 0.7
first_contact = 0.8
[run]
resolution_mm = 0.1
[truth]
seeds = 2
"#;

const FACE_MILL_PROGRAM: &str =
    "G21 G90 G17 G94\nT1 M6\nS1200 M3\nG0 X-40. Y25. Z10.\nG1 Z-2. F2000.\nX160. F900.\nY70.\nX-40.\nG0 Z10.\nM30\n";

const FACE_MILL_TOOLS: &str = "schema = 1\n[[tool]]\nnumber = 1\nname = \"face mill\"\nshape = \"flat\"\ndiameter_mm = 63.0\nflutes = 6\n\
    helix_deg = 10.0\nflute_length_mm = 10.0\nshank_diameter_mm = 40.0\nstickout_mm = 60.0\n";

fn run(scenario: &Scenario, executor: &dyn Executor) -> VirtualRun {
    let (job, diagnostics) = Job::compile(&scenario.sources);
    let job = Arc::new(job.unwrap_or_else(|| panic!("the case compiles: {diagnostics:?}")));
    let options = RunOptions { record: true, compare: false, truth_seeds: scenario.file.truth.seeds };
    run_virtual(scenario, &job, options, executor).expect("the case runs")
}

fn recording(executor: &dyn Executor) -> Vec<u8> {
    let scenario = Scenario::load("demo", 1.0).expect("the demo is built in");
    run(&scenario, executor).outcome.recording.expect("it was asked for")
}

#[test]
fn invariant_5_a_run_on_virtual_time_is_the_same_bytes_twice_and_on_any_number_of_threads() {
    let first = recording(&Serial);
    assert!(first.len() > 100_000, "only {} bytes were recorded", first.len());
    assert!(first == recording(&Serial), "two runs differ");
    let workers = Workers::new(2).expect("two threads");
    assert!(first == recording(&workers), "one thread and two threads differ");
    let jobs = workers.jobs_per_worker();
    assert!(jobs.len() == 2 && jobs.iter().all(|jobs| *jobs > 100), "both threads must have worked: {jobs:?}");
}

#[test]
fn invariant_5_two_threads_that_both_work_give_the_bytes_of_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a writable folder");
    write("case.toml", FACE_MILL);
    write("part.nc", FACE_MILL_PROGRAM);
    write("tools.toml", FACE_MILL_TOOLS);
    let path = folder.path().join("case.toml");
    let scenario = Scenario::load(path.to_str().expect("a path of text"), 1.0).expect("the case loads");
    let workers = Workers::new(2).expect("two threads");
    let (one, two) = (run(&scenario, &Serial), run(&scenario, &workers));
    let jobs = workers.jobs_per_worker();
    assert!(jobs.len() == 2 && jobs.iter().all(|jobs| *jobs > 0), "both threads must work: {jobs:?}");
    assert!(one.outcome.recording.as_ref().is_some_and(|bytes| !bytes.is_empty()));
    assert!(one.outcome.recording == two.outcome.recording, "the recordings differ");
    assert_eq!(one.outcome.digest, two.outcome.digest);
    assert_eq!(one.simulation.map.digest(), two.simulation.map.digest());
    assert_eq!(one.simulation.plan, two.simulation.plan);
}

/// Records a scenario by the command line.
fn record(scenario: &Path, threads: &str, into: &Path) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_cosim"))
        .args(["run", "--virtual", "--threads", threads, "--record"])
        .args([into, scenario])
        .output()
        .expect("cosim starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(into).expect("cosim recorded")
}

fn check_twice_and_on_two_threads(scenario: &Path) {
    let folder = TempDir::new().expect("a temporary folder");
    let first = record(scenario, "1", &folder.path().join("first"));
    assert!(first.len() > 10_000, "a recording of {} bytes holds no run", first.len());
    for (threads, name) in [("1", "again"), ("2", "two")] {
        let other = record(scenario, threads, &folder.path().join(name));
        assert!(first == other, "{}: recording `{name}` on {threads} threads differs", scenario.display());
    }
}

#[test]
fn invariant_5_the_command_line_records_the_demo_as_the_same_bytes() {
    check_twice_and_on_two_threads(Path::new("demo"));
}

#[test]
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen.
fn invariant_5_the_command_line_records_a_real_program_as_the_same_bytes() {
    let case = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/nist-box-op2/scenario.toml"));
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus"));
    if corpus.is_dir() {
        check_twice_and_on_two_threads(&case);
        return;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "the real programs are absent in CI");
    eprintln!("SKIPPED: {} is absent; no real program was recorded", corpus.display());
}
