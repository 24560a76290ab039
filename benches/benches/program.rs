//! Blocks a second through canonical operations, beside LinuxCNC's `rs274` and the crate `gcode` in one run.
//!
//! Text: the programs 3D_Chips (expressions and named parameters in nearly every word) and arcspiral (arcs by
//! radius) of the Debian package `linuxcnc-uspace`, repeated to 140 000 lines. Each contestant reads the same
//! file on one core; the least of several runs counts; for `rs274`, a process, the time of a program of one
//! line is taken off. `gcode` builds a syntax tree and carries nothing out, so its figure is a floor for reading
//! alone. The programs are read from the package, never copied; without it the bench says so.

#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shared::ident::ToolNumber;
use shared::program::{Dialect, Interpreter, NoSubprograms, Options};

const PROGRAMS: &str = "/usr/share/linuxcnc/ncfiles";
const REFERENCE: &str = "/usr/bin/rs274";
const LINES: usize = 140_000;
const RUNS: usize = 9;

fn options() -> Options {
    Options {
        tool_lengths_mm: (1..60).map(|number| (ToolNumber(number), 0.0)).collect(),
        ..Options::without_machine(Dialect::Rs274ngc)
    }
}

/// A program repeated to [`LINES`] lines, ended once.
fn repeated(name: &str) -> Option<String> {
    let bytes = std::fs::read(Path::new(PROGRAMS).join(name)).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let is_end = |line: &str| {
        let words = line.trim().to_uppercase();
        let words = words.trim_start_matches(|c: char| c == 'N' || c.is_ascii_digit());
        words.starts_with('%') || ["M2", "M02", "M30"].contains(&words.trim())
    };
    let lines: Vec<&str> = text.lines().filter(|line| !is_end(line)).collect();
    let all: Vec<&str> = lines.iter().copied().cycle().take(LINES - 1).chain(["M2"]).collect();
    Some(all.join("\n") + "\n")
}

/// The least time of several runs.
fn least(mut run: impl FnMut()) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..RUNS).map(timed).min().unwrap_or_default()
}

/// Operations and errors of one interpretation.
fn interpreted(text: &str, options: &Options) -> (u64, u64, bool) {
    let mut interpreter = Interpreter::new("bench", text.as_bytes(), &NoSubprograms, options);
    let mut operations = 0;
    while let Some(op) = interpreter.next_op() {
        black_box(&op);
        operations += 1;
    }
    let failed = interpreter.diagnostics().iter().any(shared::program::Diagnostic::is_error);
    (interpreter.facts().blocks, operations, failed)
}

/// Time of `rs274` for a program; `None` where it fails.
fn reference(folder: &Path, program: &Path) -> Option<Duration> {
    let mut times = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let run = Command::new(REFERENCE)
            .args(["-g", "-t", "tool.tbl"])
            .arg(program)
            .arg("/dev/null")
            .current_dir(folder)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .output();
        times.push(start.elapsed());
        let output = run.ok()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).to_lowercase();
        if !output.status.success() || said.contains("error") {
            println!("  rs274 does not read it: {}", said.trim());
            return None;
        }
    }
    times.into_iter().min()
}

fn scratch() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cosim-bench-program-{}", std::process::id()));
    let table: String = (1..60).map(|number| format!("T{number} P{number} D1 Z0\n")).collect();
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    std::fs::write(folder.join("tool.tbl"), table).expect("a tool table");
    std::fs::write(folder.join("empty.ngc"), "M2\n").expect("an empty program");
    folder
}

fn main() {
    let (folder, options) = (scratch(), options());
    let start_up = reference(&folder, &folder.join("empty.ngc"));
    for name in ["3D_Chips.ngc", "arcspiral.ngc"] {
        let Some(text) = repeated(name) else {
            println!("{name}: SKIPPED, the package linuxcnc-uspace is not installed");
            continue;
        };
        let lines = text.lines().count();
        let (blocks, operations, failed) = interpreted(&text, &options);
        println!(
            "{name} repeated to {lines} lines, {} kB: {blocks} blocks, {operations} operations",
            text.len() / 1000
        );
        assert!(!failed, "{name} does not read");
        let rate = |time: Duration| lines as f64 / time.as_secs_f64() / 1e6;
        let ours = least(|| {
            black_box(interpreted(&text, &options));
        });
        println!("  canonical operations: {ours:?}, {:.2} million blocks/s", rate(ours));
        let parsed = gcode::parse(&text);
        let result = if parsed.is_ok() { "reads it" } else { "refuses it" };
        let parser = least(|| {
            black_box(gcode::parse(&text).is_ok());
        });
        println!("  gcode 0.7 (syntax only, {result}): {parser:?}, {:.2} million lines/s", rate(parser));
        let program = folder.join(name);
        std::fs::write(&program, &text).expect("the program can be written");
        let theirs = start_up.and_then(|start_up| Some(reference(&folder, &program)?.saturating_sub(start_up)));
        match theirs {
            Some(theirs) => println!(
                "  rs274 less start-up: {theirs:?}, {:.2} million blocks/s; ours is {:.1} times as fast",
                rate(theirs),
                theirs.as_secs_f64() / ours.as_secs_f64()
            ),
            None => println!("  rs274: SKIPPED"),
        }
    }
    // A folder that stays behind hurts nobody.
    let _ = std::fs::remove_dir_all(&folder);
}
