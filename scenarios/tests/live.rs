//! Real processes over TCP and Zenoh, bounded in time: a run, its replay, and a service that stops and dies.
#![cfg(feature = "live")]

use std::path::PathBuf;

use edge_agent::recording::{Tape, replay};
use scenarios::format::{FaultAction, FaultPlace, FaultSection, Scenario};
use scenarios::run::{Keep, LiveSetup, RunOutcome, run_live};

const SPEED: f64 = 4.0;

fn run(faults: Vec<FaultSection>, record: Option<PathBuf>) -> RunOutcome {
    let mut scenario = Scenario::load("slot", SPEED).expect("a built-in case");
    scenario.file.faults = faults;
    scenario.file.run.max_wall_s = 60.0;
    let setup = LiveSetup {
        program: Some(env!("CARGO_BIN_EXE_cosim").into()),
        name: "slot",
        scenario: &scenario,
        speed: SPEED,
        limit: None,
        truth_seeds: 1,
        threads: Some(2),
        record,
        keep: Keep::Nothing,
    };
    run_live(&setup, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_real_run_ends_and_its_replay_decides_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("slot.mcap");
    let outcome = run(Vec::new(), Some(path.clone()));
    assert!(outcome.controller.completed && outcome.edge.ended == "program_completed", "{outcome:?}");
    assert!(outcome.edge.answered > 0, "no handoff was answered: {outcome:?}");
    assert_eq!(outcome.edge.recording_lost, 0);
    let bytes = std::fs::read(&path).expect("the recording");
    let tape = Tape::read(&bytes).expect("a recording");
    assert!(tape.is_complete());
    assert_eq!(tape.end().digest.to_string(), outcome.edge.recording_digest);
    let result = replay(&tape).expect("it begins");
    assert_eq!((result.difference, result.digest), (None, tape.end().digest));
    assert!(result.commands > 100, "{result:?}");
}

#[test]
fn h7_the_service_is_killed_and_the_program_ends_all_the_same() {
    let place = FaultPlace { time_s: Some(2.0), line: None };
    let outcome = run(vec![FaultSection { at: place, action: FaultAction::CloudKill, for_s: None }], None);
    assert!(outcome.controller.completed, "{outcome:?}");
    assert_eq!(outcome.faults.iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["cloud_kill"]);
    let fallback = outcome.edge.fallbacks.first().unwrap_or_else(|| panic!("no fallback: {outcome:?}"));
    assert_eq!(fallback.reason, "plan_expired", "{fallback:?}");
    assert!(fallback.reaction_ms.is_some(), "{fallback:?}");
}
