//! The whole chain on a real LinuxCNC: the service, Zenoh, the agent, HAL, and the controller itself.
//!
//! The machine is the mill that the other tests compare with, and `edge-agent install linuxcnc` puts the co-simulation
//! into it. What LinuxCNC starts in place of a screen is this binary again (`drive`): it starts the service and the agent
//! as processes, has the operator's hands (`console.py`) and the operator's commands (`edge-agent arm`), and records every
//! servo tick beside the agent, through a sampler of its own, so that what is believed of a run does not come from
//! whoever is judged by it. Peaks are computed afterwards, from those records, by the hidden truth.
//!
//! `COSIM_CHAIN_S` sets how long 3D_Chips is steered, 60 s without it.

#![allow(clippy::disallowed_methods, reason = "a real controller has a clock, processes and files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test must be seen, and tables are results")]

mod cases;
mod drive;
mod hands;
mod judge;
mod letting_go;
mod sampler;
mod setup;
mod steering;

use std::path::Path;
use std::process::{Command, ExitCode};

use drive::Scenario;

/// Longest time for all of it.
const RUN_S_MAX: &str = "900";

/// In this order.
const SCENARIOS: [Scenario; 16] = [
    ("chips_are_steered_below_the_limit", steering::chips),
    ("a_corpus_program_is_steered_below_the_limit", steering::corpus),
    ("h27_the_dial_moved_in_mid_run_is_respected", steering::dial),
    ("h25_a_killed_agent_lets_go", letting_go::killed),
    ("h25_a_stopped_agent_lets_go", letting_go::stopped),
    ("h7_a_stopped_service_costs_the_plan_only", letting_go::cloud_stopped),
    ("h9_a_cut_link_costs_the_plan_only", letting_go::link_cut),
    ("h11_an_abort_ends_the_lease", letting_go::aborted),
    ("h11_an_emergency_stop_ends_the_lease", letting_go::emergency_stop),
    ("h14_a_program_saved_again_in_mid_run_ends_the_lease", letting_go::other_program),
    ("h14_a_tool_edited_ends_the_lease", letting_go::tool_edited),
    ("h14_a_work_offset_edited_ends_the_lease", letting_go::offset_edited),
    ("h26_what_the_program_forbids_is_left_alone", letting_go::forbidden),
    ("off_works_while_the_agent_hangs", letting_go::off_while_hanging),
    ("h12_nothing_but_a_factor_reaches_the_machine", letting_go::hostile_requests),
    ("shadow_leaves_no_trace", letting_go::shadow),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("drive") => drive::drive(&SCENARIOS),
        Some("--list") => {
            SCENARIOS.iter().for_each(|(name, _)| println!("{name}: test"));
            ExitCode::SUCCESS
        }
        _ => run(arguments.iter().find(|word| !word.starts_with('-')).map(String::as_str)),
    }
}

/// Installs, starts LinuxCNC with this binary as its screen, judges what was recorded, uninstalls.
fn run(filter: Option<&str>) -> ExitCode {
    let wanted = |name: &&str| filter.is_none_or(|filter| name.contains(filter));
    let names: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).filter(wanted).collect();
    if names.is_empty() || !has_linuxcnc() || !cases::are_there() {
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::Builder::new().prefix("chain").tempdir_in("/var/tmp").expect("a writable folder");
    let before = setup::set_up(folder.path(), &names);
    let mut start = Command::new("timeout");
    start.args(["-k", "5", RUN_S_MAX]).arg(setup::start_script()).arg(folder.path());
    let output = start.output().expect("timeout, start.sh and bash are there");
    let mut results = std::fs::read_to_string(folder.path().join("results")).unwrap_or_default();
    results.push_str(&judge::peaks(folder.path(), &names));
    results.push_str(&setup::taken_out(folder.path(), &before));
    print!("{results}");
    let failed = results.lines().filter(|line| line.contains("... FAILED")).count();
    let passed = results.lines().filter(|line| line.ends_with("... ok")).count();
    println!("\ntest result: {passed} passed, {failed} failed, on a real LinuxCNC");
    let all = names.iter().all(|name| results.lines().any(|line| line == format!("test {name} ... ok")));
    if all && failed == 0 {
        return ExitCode::SUCCESS;
    }
    let said = [output.stdout, output.stderr].concat();
    println!("LinuxCNC ended with {} and said:\n{}", output.status, String::from_utf8_lossy(&said));
    ExitCode::FAILURE
}

/// True if LinuxCNC is there; says how to get it where it is not, and fails where it must be there.
fn has_linuxcnc() -> bool {
    let there = Path::new("/usr/bin/linuxcnc").exists() && Path::new(cases::PROGRAMS).is_dir();
    assert!(there || !must_run(), "LinuxCNC is missing: apt-get install --no-install-recommends linuxcnc-uspace");
    if !there {
        eprintln!("SKIPPED: no LinuxCNC here; apt-get install --no-install-recommends linuxcnc-uspace");
    }
    there
}

/// True where skipping is no choice.
fn must_run() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
