//! Cycle times against recordings of two real mills, and the fit that makes their machine files.

use std::path::{Path, PathBuf};

use scenarios::fit::{Case, FitOutcome, Recording, fit_machine, fitted_text, run_json};
use scenarios::format::SimulateRequest;
use serde_json::Value;
use shared::job::Job;

const COVER: (&str, [&str; 4]) = (
    "nist_cover.nc",
    [
        "Cover-Op3-Hurco04-01of20.txt",
        "Cover-Op3-Hurco04-06of20.txt",
        "Cover-Op3-Hurco04-12of20.txt",
        "Cover-Op3-Hurco04-18of20.txt",
    ],
);
const BOX: (&str, [&str; 2]) = ("nist_box_op2_front.nc", ["Box-OP2-Hurco02-16of20.txt", "Box-OP2-Hurco02-10of20.txt"]);

fn shared_folder(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(name)
}

fn machine_file(name: &str) -> String {
    format!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/machines/{}.toml"), name)
}

/// True if the recordings are there; without them these tests say nothing, which is said, and is a failure in CI.
#[allow(clippy::print_stderr)] // A skip must be seen.
fn recordings_are_there() -> bool {
    if shared_folder("recordings/nist").exists() && shared_folder("corpus/nist").exists() {
        return true;
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the recordings are missing in CI");
    eprintln!("SKIPPED: ../shared/recordings is absent; put it beside the project");
    false
}

fn case(program: &str, recordings: &[&str], machine: &str) -> Case {
    let request = SimulateRequest {
        program: shared_folder("corpus/nist").join(program),
        machine: Some(machine.to_owned()),
        ..SimulateRequest::default()
    };
    let (sources, _) = request.sources().expect("the program and the machine are there");
    let read = |name: &&str| {
        let bytes = std::fs::read(shared_folder("recordings/nist").join(name)).expect("the recording is there");
        Recording::read(name, &bytes).expect("a run")
    };
    Case { program: program.to_owned(), sources, recordings: recordings.iter().map(read).collect() }
}

/// A run beside a machine's prediction.
fn run(program: &str, recording: &str, machine: &str) -> Value {
    let case = case(program, &[recording], machine);
    let (job, diagnostics) = Job::compile(&case.sources);
    let job = job.unwrap_or_else(|| panic!("{program}: {diagnostics:?}"));
    run_json(program, &job, &case.recordings[0])
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("`{key}` of {value}"))
}

/// Predicted over measured, less one.
fn off(value: &Value, predicted: &str) -> f64 {
    number(value, predicted) / number(value, "measured_s") - 1.0
}

fn of_kind<'a>(run: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    run["intervals"].as_array().expect("rows").iter().filter(move |row| row["kind"] == kind)
}

#[test]
#[allow(clippy::print_stdout)] // The figures are part of what the test shows.
fn cycle_and_block_times_of_two_mills_agree_with_their_recordings() {
    if !recordings_are_there() {
        return;
    }
    let runs = [(COVER.0, &COVER.1[..], "hurco-04", 0.02), (BOX.0, &BOX.1[..], "hurco-02", 0.03)];
    for (program, recordings, machine, limit) in runs {
        for recording in recordings {
            let run = run(program, recording, machine);
            let timing = &run["block_timing"];
            let (median_s, slope) = (number(timing, "median_s"), number(timing, "slope"));
            let cycle = off(&run, "cycle_time_s");
            println!("{recording}: {:+.2} %, {timing}", 100.0 * cycle);
            assert!(cycle.abs() <= limit, "{recording}: {cycle}");
            assert!(median_s <= 0.3 && slope.abs() <= 1e-3, "{recording}: {timing}");
            for kind in ["cut", "spindle stop", "tool change", "feed moves", "retract and stop", "start"] {
                for row in of_kind(&run, kind) {
                    assert!(off(row, "predicted_s").abs() <= 0.05, "{recording}: {row}");
                }
            }
        }
    }
    let spin_ups: Vec<f64> = BOX
        .1
        .iter()
        .flat_map(|name| {
            of_kind(&run(BOX.0, name, "hurco-02"), "spin-up").map(|row| off(row, "predicted_s")).collect::<Vec<_>>()
        })
        .collect();
    assert!(spin_ups.len() == 4 && spin_ups.iter().all(|off| off.abs() <= 0.05), "{spin_ups:?}");
}

#[test]
fn parameters_of_one_mill_predict_the_other() {
    if !recordings_are_there() {
        return;
    }
    for (program, recording, machine) in [(COVER.0, COVER.1[1], "hurco-02"), (BOX.0, BOX.1[0], "hurco-04")] {
        let off = off(&run(program, recording, machine), "cycle_time_s");
        assert!(off.abs() <= 0.06, "{program} on {machine}: {off}");
    }
}

#[test]
#[allow(clippy::print_stdout)] // The figures are part of what the test shows.
fn the_covers_machine_predicts_the_cuts_of_the_plate() {
    if !recordings_are_there() {
        return;
    }
    let run = run("nist_plate_01.nc", "Plate-Op1-Hurco04-20of20.txt", "hurco-04");
    assert!(run["foreign"].as_str().is_some_and(|why| why.contains("another revision")), "{run}");
    let by_tool = |kind: &str| -> Vec<(u64, f64)> {
        of_kind(&run, kind).map(|row| (row["tool"].as_u64().expect("a tool"), off(row, "predicted_s"))).collect()
    };
    let (feeds, whole) = (by_tool("feed moves"), by_tool("cut"));
    println!("feed moves {feeds:?}, with approach and retract {whole:?}");
    assert_eq!(feeds.iter().map(|feed| feed.0).collect::<Vec<_>>(), [3, 4, 5, 1, 7, 15, 23]);
    assert!(feeds.iter().all(|feed| feed.1.abs() <= 0.06), "{feeds:?}");
    // T1 is short: the wait for its spindle, at a speed the cover never runs, weighs most.
    assert!(whole.iter().all(|cut| cut.1.abs() <= if cut.0 == 1 { 0.08 } else { 0.06 }), "{whole:?}");
}

#[test]
fn h2_another_revision_is_refused() {
    if !recordings_are_there() {
        return;
    }
    let run = run(BOX.0, "Box-OP2-Hurco02-03of20.txt", "hurco-02");
    let why = run["foreign"].as_str().expect("refused");
    assert!(why.contains("line 1209") && run["block_timing"].is_null(), "{why}");
    let waited = self::run(BOX.0, "Box-OP2-Hurco02-10of20.txt", "hurco-02");
    assert!((number(&waited, "before_active_s") - 80.0).abs() < 0.5, "time before ACTIVE does not count");
}

/// The machine files of the tree are what the command makes of the recordings.
#[test]
fn the_fit_makes_the_machine_files_of_the_tree() {
    if !recordings_are_there() {
        return;
    }
    for (name, title, program, recordings) in [
        ("hurco-04", "Hurco mill 04 (NIST)", COVER.0, &COVER.1[..]),
        ("hurco-02", "Hurco mill 02 (NIST)", BOX.0, &BOX.1[..]),
    ] {
        let start_name = machine_file("hurco-start");
        let case = case(program, recordings, &start_name);
        let start = std::fs::read_to_string(&start_name).expect("the start is there");
        let outcome: FitOutcome = fit_machine(&start.parse().expect("TOML"), &[case]).expect("a fit");
        let fitted = outcome.parameters.iter().filter(|fitted| fitted.interval.is_some() && !fitted.read_off).count();
        assert!(fitted >= 6 && fitted < outcome.data, "{fitted} parameters from {} intervals", outcome.data);
        let made = fitted_text(&start, &outcome, Some(title), &[]);
        let there = std::fs::read_to_string(machine_file(name)).expect("the file is there");
        let body =
            |text: &str| text.lines().filter(|line| !line.starts_with("#:")).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(body(&made), body(&there), "{name}");
    }
}
