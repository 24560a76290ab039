//! Service, agent and virtual machine as processes of their own, over TCP and Zenoh.
#![cfg(feature = "live")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn cosim(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cosim")).args(args).output().expect("cosim starts")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// The demo with faults appended, in a folder of its own.
fn demo_with(folder: &Path, faults: &str) -> PathBuf {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/demo");
    for file in ["part.nc", "tools.toml"] {
        fs::copy(case.join(file), folder.join(file)).expect("the demo is in the tree");
    }
    let scenario = fs::read_to_string(case.join("scenario.toml")).expect("the demo is in the tree");
    let path = folder.join("scenario.toml");
    fs::write(&path, format!("{scenario}\n{faults}")).expect("a temporary folder is writable");
    path
}

fn report(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the report was written")).expect("the report is JSON")
}

#[test]
fn the_slot_runs_through_real_processes_and_its_recording_replays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (recording, json) = (folder.path().join("slot.mcap"), folder.path().join("slot.json"));
    let run = cosim(&["run", "slot", "--speed", "4", "--record", text(&recording), "--json", text(&json)]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}\n{}", String::from_utf8_lossy(&run.stdout));
    let report = report(&json);
    assert_eq!(report["mode"], "realtime");
    assert!(report["handoff_counts"]["answered"].as_u64() > Some(0), "{report:#}");
    assert!(report["handoff"]["total"]["count"].as_u64() > Some(0));
    let replay = cosim(&["replay", text(&recording)]);
    let told = String::from_utf8_lossy(&replay.stdout);
    assert_eq!(replay.status.code(), Some(0), "{told}");
    assert!(told.contains("every decision is the same"), "{told}");
    let digest = report["recording_digest"].as_str().expect("a digest");
    assert!(told.contains(digest), "{told} does not name {digest}");
}

#[test]
fn h7_a_cloud_that_is_stopped_and_killed_costs_nothing_but_its_advice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let faults = "[[fault]]\nat = { time_s = 4.0 }\ndo = \"cloud_stop\"\nfor_s = 2.0\n\
                  [[fault]]\nat = { time_s = 12.0 }\ndo = \"cloud_kill\"\nfor_s = 2.0\n";
    let scenario = demo_with(folder.path(), faults);
    let json = folder.path().join("report.json");
    let run = cosim(&["run", text(&scenario), "--speed", "4", "--json", text(&json)]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}\n{}", String::from_utf8_lossy(&run.stdout));
    let report = report(&json);
    let fallbacks = report["fallbacks"].as_array().expect("a list");
    assert!(fallbacks.len() >= 2, "{fallbacks:?}");
    for fallback in fallbacks {
        assert!(fallback["for_s"].is_f64(), "it ended: {fallback}");
    }
    let events: Vec<&str> =
        report["events"].as_array().expect("a list").iter().filter_map(|event| event["event"].as_str()).collect();
    let mut rest = events.iter();
    for wanted in ["cloud_stop", "source_baseline", "source_plan", "cloud_kill", "source_baseline", "source_plan"] {
        assert!(rest.any(|event| *event == wanted), "`{wanted}` is missing in this order in {events:?}");
    }
    let (run_s, planned_s) = (report["cycle_time_run_s"].as_f64(), report["cycle_time_planned_s"].as_f64());
    let ratio = run_s.zip(planned_s).map(|(run, planned)| run / planned).expect("two times");
    assert!((0.9..1.15).contains(&ratio), "nothing may stay slow: {ratio}");
}
