//! The HAL link and the LinuxCNC dialect on a real LinuxCNC.
//!
//! A mill without a screen is started from Debian's package, with the co-simulation installed into its INI file by the
//! installer's own code. What LinuxCNC starts in place of a screen is this binary again (`drive`): it has the agent's
//! place in HAL, the operator's hands (`console.py`), and writers of its own that it kills and stops (`writer`). Timing is
//! printed, not judged: what is asserted is that every step took effect, that no tick is missing, and that HAL lets go.
//!
//! `LINUXCNC_S` sets the length of the run in which ticks are counted, 10 s without it.

#![allow(clippy::disallowed_methods, reason = "a real controller has a clock, processes and files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a skipped test must be seen, and tables are results")]

mod letting_go;
mod rig;
mod steering;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use firmware_bridge::dialect::linuxcnc::{HalOptions, STATUS_PROGRAM, Wiring, install, uninstall};
use shared::plan::Override;
use shared::time::Duration;

use rig::Scenario;

/// Figures the machine is installed with; the scenarios know them.
const WATCHDOG: Duration = Duration::from_ms(50);
const SLEW_PER_S: f64 = 2.0;

/// Longest time for all of it.
const RUN_S_MAX: &str = "400";

/// In this order; the last ones leave LinuxCNC as it is not to be used afterwards.
const SCENARIOS: [Scenario; 14] = [
    ("without_an_agent_the_factor_is_one", letting_go::without_an_agent),
    ("no_tick_is_missing", steering::no_tick_is_missing),
    ("places_are_the_programs", steering::places_are_the_programs),
    ("every_step_takes_effect", steering::every_step_takes_effect),
    ("h27_the_dial_is_respected_and_never_written", steering::dial_is_respected),
    ("h26_the_program_can_forbid_overrides", steering::program_forbids),
    ("rapids_are_not_slowed", steering::rapids_are_not_slowed),
    ("h25_a_killed_writer_lets_go", letting_go::killed_writer),
    ("h25_a_stopped_writer_lets_go", letting_go::stopped_writer),
    ("inv2_under_a_ceiling_program_it_lets_go_downwards", letting_go::killed_under_a_ceiling),
    ("h11_abort_and_emergency_stop", letting_go::abort_and_emergency_stop),
    ("h31_a_hold_outlives_its_agent_and_off_releases_it", letting_go::hold_and_off),
    ("off_works_while_the_agent_beats", letting_go::off_while_beating),
    ("the_off_file_unloads_a_running_machine", letting_go::off_file),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("drive") => rig::drive(&SCENARIOS),
        Some("writer") => rig::writer(&arguments[1..]),
        Some("--list") => {
            SCENARIOS.iter().for_each(|(name, _)| println!("{name}: test"));
            ExitCode::SUCCESS
        }
        _ => run(arguments.iter().find(|word| !word.starts_with('-')).map(String::as_str)),
    }
}

/// Starts LinuxCNC with this binary as its screen, and reads what came of it.
fn run(filter: Option<&str>) -> ExitCode {
    let wanted = |name: &&str| filter.is_none_or(|filter| name.contains(filter));
    let names: Vec<&str> = SCENARIOS.iter().map(|(name, _)| *name).filter(wanted).collect();
    if names.is_empty() || !has_linuxcnc() {
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::Builder::new().prefix("linuxcnc").tempdir().expect("a writable folder");
    set_up(folder.path(), &names);
    let mut start = Command::new("timeout");
    start.args(["-k", "5", RUN_S_MAX]).arg(here("start.sh")).arg(folder.path());
    let output = start.output().expect("timeout, start.sh and bash are there");
    let results = std::fs::read_to_string(folder.path().join("results")).unwrap_or_default();
    print!("{results}");
    let passed = |name: &&&str| results.lines().any(|line| line == format!("test {name} ... ok"));
    let count = names.iter().filter(passed).count();
    println!("\ntest result: {} passed, {} failed, on a real LinuxCNC", count, names.len() - count);
    if count == names.len() {
        return ExitCode::SUCCESS;
    }
    let said = [output.stdout, output.stderr].concat();
    println!("LinuxCNC ended with {} and said:\n{}", output.status, String::from_utf8_lossy(&said));
    ExitCode::FAILURE
}

/// True if LinuxCNC is there; says how to get it where it is not, and fails where it must be there.
fn has_linuxcnc() -> bool {
    let there = Path::new("/usr/bin/linuxcnc").exists() && Path::new(rig::PROGRAMS).is_dir();
    let must = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(there || !must, "LinuxCNC is missing: apt-get install --no-install-recommends linuxcnc-uspace");
    if !there {
        eprintln!("SKIPPED: no LinuxCNC here; apt-get install --no-install-recommends linuxcnc-uspace");
    }
    there
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linuxcnc").join(name)
}

/// The folder LinuxCNC runs in: the mill that the other tests compare with, and the co-simulation installed into it.
fn set_up(folder: &Path, names: &[&str]) {
    let mill = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/tests/linuxcnc");
    let read = |name: &str| std::fs::read_to_string(mill.join(name)).expect("the mill is there");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a writable folder");
    // A dial that goes above 1, and this binary for a screen.
    let ini = read("mill.ini")
        .replace("./drive.py", "./drive.sh")
        .replace("MAX_FEED_OVERRIDE = 1.0", "MAX_FEED_OVERRIDE = 2.0");
    let hal = machine_hal(&read("mill.hal"));
    let options = HalOptions {
        without_us: Override::PROGRAMMED,
        watchdog: WATCHDOG,
        slew_per_s: SLEW_PER_S,
        queue_len: 4000,
        thread: "servo-thread".to_owned(),
    };
    let installed = install(&ini, &options, &Wiring::read([hal.as_str()])).expect("the mill can be installed into");
    assert!(installed.feed_hold && installed.ini.contains("G94 M52\n"), "{}", installed.ini);
    assert_eq!(uninstall(&installed.ini).as_deref(), Ok(ini.as_str()));
    write("mill.ini", &installed.ini);
    write("mill.hal", &hal);
    write("cosim.hal", &installed.hal);
    write("cosim-off.hal", &installed.hal_off);
    // A tool with a length.
    write("tool.tbl", &read("tool.tbl").replace("T2 P2 D10 Z0", "T2 P2 D10 Z12.5"));
    write("mill.var", "");
    write("status.py", STATUS_PROGRAM);
    write("console.py", &std::fs::read_to_string(here("console.py")).expect("console.py is there"));
    write("drive.sh", "#!/bin/sh\nexec ./driver drive\n");
    write("scenarios", &names.join("\n"));
    write("seconds", &std::env::var("LINUXCNC_S").unwrap_or_else(|_| "10".to_owned()));
    std::fs::copy(std::env::current_exe().expect("this binary is a file"), folder.join("driver")).expect("room for it");
    for name in ["drive.sh", "driver"] {
        std::fs::set_permissions(folder.join(name), Permissions::from_mode(0o755)).expect("our own file");
    }
}

/// The mill's wiring without its own sampler, and with a spindle that turns, for threads.
fn machine_hal(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.contains("sampler depth") && !line.contains("f sampler"));
    let kept = kept.filter(|line| !line.starts_with("setp sampler"));
    let mut hal: String = kept
        .map(|line| {
            let words = line.split(' ').filter(|word| !word.starts_with("sampler.0.pin"));
            words.collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect();
    hal.push_str("loadrt integ names=turns\naddf turns servo-thread\n");
    hal.push_str("net turning spindle.0.speed-out-rps => turns.in\nnet turned turns.out => spindle.0.revs\n");
    hal
}
