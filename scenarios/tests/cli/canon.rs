//! `cosim canon` and `cosim rewrite` from outside.

#![allow(clippy::print_stderr, reason = "what was measured is its result")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::Bench;

fn canon(program: &str, more: &[&str]) -> (i32, Vec<Value>, String) {
    let bench = Bench::new();
    bench.write("part.ngc", program);
    let done = bench.cosim(&[&["canon", "part.ngc"], more].concat());
    (done.code, done.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect(), done.err)
}

#[test]
fn operations_have_the_promised_keys() {
    let (code, ops, err) =
        canon("G20 G90\nT2 M6 S1000 M3\nG10 L2 P1 X1 R90\nG0 X1 Y0\nG3 X0 Y1 I-1 J0 F10 A90\nG4 P.5 D3 \nM2\n", &[]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("part.ngc:6"), "{err}");
    let speed = &ops[0];
    assert_eq!(
        (&speed["line"], &speed["call"], &speed["tool"]),
        (&json!(2), &json!("set_spindle_speed"), &Value::Null)
    );
    let change = ops.iter().find(|op| op["call"] == "change_tool").expect("M6");
    assert_eq!((&change["tool"], &change["line"]), (&json!(2), &json!(2)));
    let rapid = ops.iter().find(|op| op["call"] == "straight_traverse").expect("G0");
    let near = |value: &Value, expected: f64| (value.as_f64().expect("a number") - expected).abs() < 1e-9;
    assert!(near(&speed["speed_rpm"], 1000.0) && near(&rapid["end_mm"][0], 25.4), "{speed} {rapid}");
    let machine = &rapid["machine_mm"];
    assert!(near(&machine[1], 25.4), "rotated by 90 degrees: {machine}");
    let arc = ops.iter().find(|op| op["call"] == "arc_feed").expect("G3");
    assert_eq!((&arc["plane"], &arc["turns"], &arc["tool"]), (&json!("xy"), &json!(1), &json!(2)));
    assert!(
        near(&arc["centre_mm"][0], 0.0) && near(&arc["feed_mm_min"], 254.0) && near(&arc["end_deg"][0], 90.0),
        "{arc}"
    );
}

#[test]
fn what_is_said_about_the_program() {
    let (code, ops, err) = canon("%\nO1001\nG21 G64 G54\nG1 X1. F100\nM01\nM30\n%\n", &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(ops.last().expect("an end")["call"], "program_end");
    assert!(err.contains("dialect: fanuc (line 2: the program number O1001)"), "{err}");
    assert!(err.contains("without effect: M1 ×1, first at part.ngc:5"), "{err}");
    let (_, _, err) = canon("G21\nG0 X1\nM2\n", &["--dialect", "grbl"]);
    assert!(err.contains("dialect: grbl (chosen by the caller)"), "{err}");
    let (code, _, err) = canon("G21\nT9 M6 G43 H9\nM2\n", &[]);
    assert_eq!(code, 0, "without a table lengths are an assumption: {err}");
}

#[test]
fn subprograms_lie_beside_the_program() {
    let bench = Bench::new();
    bench.write("part.ngc", "G21\no<hole> call [5]\nM2\n").write("hole.ngc", "o<hole> sub\nG0 X#1\no<hole> endsub\n");
    let done = bench.cosim(&["canon", "part.ngc"]);
    let first: Value = serde_json::from_str(done.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["line"], &first["depth"], &first["file"]),
        (&json!(2), &json!(1), &json!("hole")),
        "{}",
        done.err
    );
}

/// Processor and disk decide how fast; that it streams shows in memory and in when the first line comes.
#[test]
fn a_program_of_100_mb_streams() {
    let bench = Bench::new();
    let mut peaks_kb = Vec::new();
    for megabytes in [5usize, 100] {
        let block = "N10 G1 X1.234 Y-5.678 Z0.5 F900\nX2 Y3 (a comment)\nG0 X0\n".repeat(2000);
        let mut file = std::fs::File::create(bench.path("long.ngc")).expect("a writable folder");
        file.write_all(b"G21\n").expect("room on the disk");
        for _ in 0..megabytes * 1_000_000 / block.len() {
            file.write_all(block.as_bytes()).expect("room on the disk");
        }
        file.write_all(b"M2\n").expect("room on the disk");
        drop(file);
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_cosim"))
            .args(["canon", "long.ngc"])
            .current_dir(bench.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cosim starts");
        let mut out = BufReader::with_capacity(1 << 20, child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("the first line");
        let first = start.elapsed();
        assert!(line.contains("straight_feed"), "{line}");
        let (mut buffer, mut bytes, mut peak_kb) = (vec![0; 1 << 20], 0usize, 0);
        loop {
            let read = out.read(&mut buffer).expect("the pipe stays open");
            bytes += read;
            peak_kb = peak_memory_kb(child.id()).max(peak_kb);
            if read == 0 {
                break;
            }
        }
        assert!(child.wait().expect("it was started").success());
        eprintln!(
            "{megabytes} MB: first motion after {first:?}, all {bytes} bytes after {:?}, peak {peak_kb} kB",
            start.elapsed()
        );
        peaks_kb.push(peak_kb);
        assert!(first * 4 < start.elapsed(), "the first motion waited for the last");
    }
    assert!(peaks_kb[1] < peaks_kb[0] + 4096, "memory grows with the program: {peaks_kb:?} kB");
}

/// Greatest resident memory of a process so far; zero once it has ended.
fn peak_memory_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::new();
    bench.write("part.ngc", format!("G21\n{}M2\n", "G0 X1\nX2\n".repeat(100_000)));
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosim"))
        .args(["canon", "part.ngc"])
        .current_dir(bench.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cosim starts");
    let mut first = [0; 10];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("the beginning");
    let done = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && !err.contains("panicked"), "{err}");
}

#[test]
fn a_plan_is_written_into_the_program() {
    let bench = Bench::new();
    let program = "G21 G90\r\n(T1 D=10. CR=0. - FLAT END MILL)\r\nT1 M6\r\nS6000 M3\r\nG0 X-10. Y0. Z5.\r\nG1 Z-8. F600.\r\n\tG1 X60. F4000. (slot)\r\nY20.\r\nG0 Z5.\r\nM5\r\nM30\r\n";
    bench.write("part.nc", program);
    let stock = "box:100x60x20@0,-30,-20";
    let done = bench.cosim(&["simulate", "part.nc", "--stock", stock, "--material", "C45E", "--plan", "plan.json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let done = bench.cosim(&["rewrite", "part.nc", "--plan", "plan.json", "--out", "slow.nc"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let slow = std::fs::read_to_string(bench.path("slow.nc")).expect("it was written");
    assert_ne!(slow, program, "a full slot at 4 m/min is slowed");
    assert_eq!(slow.matches("\r\n").count(), 11, "{slow}");
    assert!(slow.contains("\tG1 X60. F") && slow.contains(" (slot)\r\n") && !slow.contains("F4000."), "{slow}");
    // The plan is of these bytes and no others.
    let done = bench.cosim(&["rewrite", "slow.nc", "--plan", "plan.json"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("digest"), "{}", done.err);
    // Nothing to slow: nothing changes.
    let plan: Value = serde_json::from_slice(&std::fs::read(bench.path("plan.json")).expect("a plan")).expect("JSON");
    let mut plan = plan;
    plan["lines"] = json!([]);
    bench.write("free.json", plan.to_string());
    let done = bench.cosim(&["rewrite", "part.nc", "--plan", "free.json"]);
    assert_eq!((done.code, done.out.as_str()), (0, program), "{}", done.err);
}
