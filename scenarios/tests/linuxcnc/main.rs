//! The time that is predicted, beside the time that a real controller takes.
//!
//! LinuxCNC runs programs of its own package on a mill without a screen (`start.sh`), and the place of its axes is
//! recorded in every servo tick. The same `mill.ini` is imported as any other machine, the same programs are planned as
//! any other; what is not in the configuration because it is in `mill.hal` (no time for a tool change or an M code, a
//! spindle that has its speed at once) is stated at the import. Nothing is fitted.
//!
//! `table.sh` runs all programs and prints the table; as a test, one short program is run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped test must be seen, and the table is its result"
)]

mod record;

use std::path::{Path, PathBuf};
use std::process::Command;

use record::{Record, Times};
use scenarios::format::{MachineImportRequest, SimulateRequest, import_machine};
use shared::geom::Point;
use shared::job::Job;
use shared::motion::{Profile, SegmentKind, plan_profile};
use shared::units::Seconds;

/// Where the package keeps its programs.
const PROGRAMS: &str = "/usr/share/linuxcnc/ncfiles";
/// The program that is run as a test.
const SHORT: &str = "hole-circle.ngc";
/// Programs of the package that do not lie with the others.
const SPLASH: &str = "/usr/share/axis/images/axis.ngc";
const ENGRAVING: &str = "/usr/share/doc/linuxcnc/examples/sample-configs/sim/craftsman/screens/craftsmancnc.ngc";
/// All programs of the table, and what is known to lie beyond the bounds, with the reason.
const ALL: [(&str, Option<&str>); 10] = [
    (SHORT, None),
    ("polar.ngc", None),
    ("3dtest.ngc", None),
    ("3D_Chips.ngc", Some("short rests of moves that LinuxCNC makes part of their arcs")),
    ("spiral.ngc", None),
    ("arcspiral.ngc", Some("arcs of a few servo ticks at the centre of the spiral")),
    ("systems.ngc", Some("moves of a few servo ticks")),
    ("plasmatest.ngc", Some("short arcs at full feed, blended by parabolas")),
    (SPLASH, None),
    (ENGRAVING, Some("a tool change of its own length")),
];
/// Longest run that is waited for.
const RUN_S_MAX: &str = "400";

/// Figures of `mill.hal`.
const STATED: [(&str, f64); 3] = [("tool_change_s", 0.0), ("m_code_s", 0.0), ("spindle.speed_slew_rpm_s", 1e7)];

/// Greatest difference of the times, and of the places at the same time.
const TIME_SHARE_MAX: f64 = 0.02;
const PLACE_MM_MAX: f64 = 0.2;

/// What came out for one program.
struct Row {
    program: String,
    times: Times,
    predicted_s: f64,
    /// Distance of the places at the same time: median, 95 of 100, greatest.
    apart_mm: [f64; 3],
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linuxcnc").join(name)
}

/// True if LinuxCNC is there; says how to get it where it is not, and fails where it must be there.
fn has_linuxcnc() -> bool {
    let there = Path::new(PROGRAMS).is_dir() && Path::new("/usr/bin/linuxcnc").exists();
    let must = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(there || !must, "LinuxCNC is missing: apt-get install --no-install-recommends linuxcnc-uspace");
    if !there {
        eprintln!("SKIPPED: no LinuxCNC here; apt-get install --no-install-recommends linuxcnc-uspace");
    }
    there
}

/// Runs programs on LinuxCNC; the folder with their records.
fn run(programs: &[&str], folder: &Path) {
    let mut command = Command::new(here("start.sh"));
    command.arg(folder).arg(RUN_S_MAX).args(programs.iter().map(|name| Path::new(PROGRAMS).join(name)));
    let output = command.output().expect("start.sh is there and bash is too");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "LinuxCNC ended with {}:\n{said}", output.status);
}

/// The machine as imported, in a file.
fn machine(folder: &Path) -> PathBuf {
    let bytes = std::fs::read(here("mill.ini")).expect("mill.ini is there");
    let stated = STATED.map(|(key, value)| (key.to_owned(), value)).into();
    let request = MachineImportRequest { device: None, stated };
    let imported = import_machine("mill.ini", &bytes, &request).expect("mill.ini can be imported");
    let path = folder.join("machine.toml");
    std::fs::write(&path, imported.toml).expect("a writable folder");
    path
}

fn planned(program: &Path, machine: &Path) -> (Job, Profile) {
    let request = SimulateRequest {
        program: program.to_owned(),
        machine: Some(machine.display().to_string()),
        tools: Vec::new(),
        tool_units: None,
        tool_map: Default::default(),
        material: None,
        stock: None,
        limits: Default::default(),
    };
    let (sources, _) = request.sources().expect("the files are there");
    let (job, diagnostics) = Job::compile(&sources);
    let job = job.unwrap_or_else(|| panic!("{} does not compile: {diagnostics:?}", program.display()));
    let profile = plan_profile(&job.path, &job.machine, &[]);
    (job, profile)
}

/// When the first move begins and the last one ends.
fn moving(job: &Job, profile: &Profile) -> (f64, f64) {
    let moves = |index: &usize| !matches!(job.path.segments()[*index].kind, SegmentKind::Still(_));
    let mut indices = (0..job.path.segments().len()).filter(moves);
    let first = indices.next().expect("the program moves");
    let last = indices.next_back().unwrap_or(first);
    (profile.segment_start(first).as_s(), profile.segment_start(last + 1).as_s())
}

/// By how much the first movement begins later than with the tick before it: the ramp begins within a tick, and the
/// sampler sees it one later. Found on the first tenth of a second.
fn aligned(record: &Record, place: impl Fn(f64) -> Point) -> f64 {
    let off = |lead_s: f64| -> f64 {
        record.places().take(100).map(|(time_s, at)| (place(time_s - lead_s) - at).norm_squared()).sum()
    };
    let leads = (0..100).map(|step| f64::from(step) * 5e-5);
    leads.min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(0.0)
}

fn compare(name: &str, record: &Record, job: &Job, profile: &Profile) -> Row {
    let (start_s, end_s) = moving(job, profile);
    let times = record.times();
    let place = |time_s: f64| job.path.point_at(profile.station_at(&job.path, Seconds::s(start_s + time_s)));
    let lead_s = aligned(record, place);
    let mut apart_mm: Vec<f64> = record.places().map(|(time_s, at)| (place(time_s - lead_s) - at).norm()).collect();
    apart_mm.sort_by(f64::total_cmp);
    let share = |share: f64| apart_mm[((apart_mm.len() - 1) as f64 * share).round() as usize];
    Row {
        program: name.to_owned(),
        times,
        predicted_s: end_s - start_s,
        apart_mm: [share(0.5), share(0.95), share(1.0)],
    }
}

impl Row {
    fn off_share(&self) -> f64 {
        self.predicted_s / self.times.moving_s - 1.0
    }

    fn line(&self) -> String {
        let [half, most, all] = self.apart_mm;
        format!(
            "{:<16} {:>10.3} {:>10.3} {:>+8.2} % {:>9.3} {:>9.3} {:>9.3}",
            self.program,
            self.times.moving_s,
            self.predicted_s,
            self.off_share() * 1e2,
            half,
            most,
            all
        )
    }
}

#[test]
fn predicted_time_and_place_are_those_of_a_real_controller() {
    if !has_linuxcnc() {
        return;
    }
    let all = std::env::var("COSIM_LINUXCNC_ALL").is_ok_and(|value| value == "true");
    let programs = if all { ALL.as_slice() } else { &ALL[..1] };
    // Not below the temporary folder, which the controller gets anew.
    let own = tempfile::TempDir::new_in("/var/tmp").expect("a writable folder");
    let kept = std::env::var_os("COSIM_LINUXCNC_RECORDS").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| own.path().to_owned());
    if !folder.join("0.ticks").exists() {
        run(&programs.iter().map(|(name, _)| *name).collect::<Vec<_>>(), &folder);
    }
    let machine = machine(own.path());
    println!("program            measured s predicted s     off   place off: p50       p95       max mm");
    let mut wrong = Vec::new();
    for (number, (name, beyond)) in programs.iter().enumerate() {
        let trouble = std::fs::read_to_string(folder.join(format!("{number}.error"))).unwrap_or_default();
        assert!(trouble.is_empty(), "LinuxCNC did not run {name}: {trouble}");
        let record = Record::read(&folder.join(format!("{number}.ticks")));
        let program = Path::new(PROGRAMS).join(name);
        let (job, profile) = planned(&program, &machine);
        let row = compare(&program.file_name().unwrap_or_default().to_string_lossy(), &record, &job, &profile);
        println!("{}{}", row.line(), beyond.map_or(String::new(), |reason| format!("  not judged: {reason}")));
        let place_is_off = row.apart_mm[2] > PLACE_MM_MAX;
        if beyond.is_none() && (row.off_share().abs() > TIME_SHARE_MAX || place_is_off) {
            wrong.push(row.line());
        }
    }
    assert!(wrong.is_empty(), "beyond {TIME_SHARE_MAX} of the time or {PLACE_MM_MAX} mm:\n{}", wrong.join("\n"));
}
