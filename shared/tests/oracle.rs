//! The interpreter against LinuxCNC's own, on the example programs of the Debian package `linuxcnc-uspace` and
//! on random ones. The comparison stands in `oracle/mod.rs`. Where the oracle refuses a program, we have to
//! refuse it at the same line.
#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]
#![allow(clippy::print_stderr, reason = "a skipped test must be seen, and the counts are its result")]

#[path = "oracle/mod.rs"]
mod common;

use common::{PROGRAMS, at_hand, compare, compare_with, options, oracle_of_all, scratch};
use shared::det::{Rng, math};
use shared::program::interpret;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[test]
fn the_programs_of_the_package_give_the_same_motions() {
    if !at_hand() {
        return;
    }
    let folder = scratch("package");
    let mut files: Vec<PathBuf> = std::fs::read_dir(PROGRAMS)
        .expect("the folder was found")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ngc"))
        .collect();
    files.sort();
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let sources: BTreeMap<String, Vec<u8>> = files
        .iter()
        .filter_map(|path| Some((path.file_stem()?.to_string_lossy().to_lowercase(), std::fs::read(path).ok()?)))
        .collect();
    let (mut agreed, mut steps, mut wrong) = (0, 0, String::new());
    for path in &files {
        match compare(path, &folder.join("tool.tbl"), &sources) {
            Ok(count) => (agreed, steps) = (agreed + 1, steps + count),
            Err(what) => writeln!(wrong, "{}: {what}", name(path)).expect("a string"),
        }
    }
    eprintln!("{agreed} of {} programs agree with the oracle in {steps} steps", files.len());
    assert!(wrong.is_empty(), "{wrong}");
    assert!(agreed >= 35 && steps > 30_000, "{agreed} programs, {steps} steps: the package has changed");
}

/// A random valid program: lines, arcs in both forms, planes, cycles, offsets, units, feed modes, loops.
fn random_program(rng: &mut Rng) -> String {
    let mut text = String::from("G21 G90 G17 G94 G91.1 F300 S1000\nG0 X1 Y2 Z30\n");
    let coordinate = |rng: &mut Rng| format!("{:.3}", rng.between(-20.0, 20.0));
    for _ in 0..rng.below(12) + 4 {
        let (x, y, z) = (coordinate(rng), coordinate(rng), coordinate(rng));
        let line = match rng.below(16) {
            0 => format!("G0 X{x} Y{y}\n"),
            1 => format!("G1 X{x} Y{y} Z{z} A{x}\n"),
            2 => {
                // The end of a quarter or half circle about a relative centre is exact.
                let (i, j) = (rng.below(9) as f64 + 1.0, rng.below(9) as f64 - 4.0);
                let code = if rng.chance(0.5) { 2 } else { 3 };
                format!("G91 G{code} X{} Y{} Z{z} I{i} J{j}\nG90\n", 2.0 * i, 2.0 * j)
            }
            3 => {
                let (dx, dy) = (rng.between(1.0, 9.0), rng.between(-9.0, 9.0));
                let radius = 0.5 * math::hypot(dx, dy) * rng.between(1.01, 2.0);
                let sign = if rng.chance(0.5) { "" } else { "-" };
                format!("G91 G2 X{dx:.4} Y{dy:.4} R{sign}{radius:.4}\nG90\n")
            }
            4 => format!("G18 G3 X[#5420+4] Z[#5422] I2 K0 P{}\nG17\n", rng.below(3) + 1),
            5 => format!("G19 G2 Y[#5421] Z[#5422+6] J0 K3 X{x}\nG17\n"),
            6 => format!("G0 Z30\nG98 G81 X{x} Y{y} Z-3 R2\nX{y}\nG99 Y{x}\nG80\n"),
            7 => format!("G0 Z30\nG91 G83 X1 Y1 Z-8 R-20 Q3 L{}\nG90 G80\n", rng.below(3) + 1),
            8 => format!("G52 X{x} Y{y}\nG1 X0\nG52 X0 Y0\n"),
            9 => format!("G92 X{x} Z{z}\nG1 X0 Y0\nG92.1\n"),
            10 => format!("G10 L2 P2 X{x} Y{y} Z{z} R{x}\nG55 G0 X1 Y1\nG54\n"),
            11 => format!("G20\nG1 X{} F10\nG21\nF300\n", rng.below(4)),
            12 => format!("G93 G1 X{x} F{}\nG94 F300\n", rng.below(9) + 1),
            13 => format!(
                "#<a>=[{x}*2]\no{} repeat [3]\nG91 G1 X[#<a>/10] Y[SIN[#<a>]]\no{} endrepeat\nG90\n",
                text.len(),
                text.len()
            ),
            14 => format!("G0 @[ABS[{x}]+1] ^{y}\nG4 P.25\n"),
            _ => format!("G28 Z40\nG53 G0 X{x}\nG59.3 G1 Y{y}\nG54\n"),
        };
        text.push_str(&line);
    }
    text.push_str("M2\n");
    text
}

#[test]
fn random_programs_give_the_same_motions() {
    if !at_hand() {
        return;
    }
    let folder = scratch("random");
    let sources = BTreeMap::new();
    let (mut steps, mut wrong) = (0, String::new());
    const PROGRAMS_COUNT: u64 = 80;
    let texts: Vec<String> = (0..PROGRAMS_COUNT).map(|seed| random_program(&mut Rng::new(seed))).collect();
    for ((seed, text), said) in texts.iter().enumerate().zip(oracle_of_all(&folder, &texts)) {
        match compare_with(text.as_bytes(), said.expect("the oracle ends"), &sources) {
            Ok(count) => steps += count,
            Err(what) => writeln!(wrong, "seed {seed}: {what}\n{text}").expect("a string"),
        }
    }
    eprintln!("{PROGRAMS_COUNT} random programs agree with the oracle in {steps} steps");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(steps > 1000, "only {steps} steps were compared");
}

/// Lines that a control refuses, one mistake each. Loops without an end are not among them: the oracle finds
/// them at the end of the file, we at their beginning.
const MALFORMED: [&str; 82] = [
    "G1 X1 X2",
    "G0 G1 X1",
    "M3 M4",
    "M7 M9",
    "G999",
    "M999",
    "G1.05 X1",
    "G0 X",
    "G0 X1.2.3",
    "G0 X--",
    "(open",
    "(a (b) c)",
    "G0 X1 )",
    "G0 X[1+2",
    "G0 X[1+]",
    "G0 X[1/0]",
    "G0 X[SQRT[-1]]",
    "G0 X[LN[0]]",
    "G0 X[ACOS[2]]",
    "G0 X[ATAN[1]]",
    "G0 X#<nothing>",
    "G0 X[1 XX 2]",
    "G0 X1 P2",
    "G0 X1 R2",
    "G0 X1 Q2",
    "G0 X1 L2",
    "G0 X1 I2",
    "G0 X1 D2",
    "G0 X1 H2",
    "G2 X5 Y5",
    "G2 X5 Y5 I1 R2",
    "G2 X5 Y5 I1 J1 K1",
    "G2 X50 Y0 R1",
    "G2 R5 X[#5420] Y[#5421]",
    "G2 X5 Y5 I0 J0",
    "G2 X9 Y9 I3 J0",
    "G90.1 G2 X1 Y1 I4",
    "G4",
    "G4 P-1",
    "S-1",
    "F-1",
    "T-1",
    "T1.5",
    "G43 H77",
    "T77 M6",
    "G81 X1",
    "G81 X1 Z-1",
    "G81 X1 Z-1 R-2",
    "G81 X1 Z-1 R1 L0",
    "G83 X1 Z-1 R1",
    "G83 X1 Z-1 R1 Q0",
    "G82 X1 Z-1 R1",
    "G93 G81 X1 Z-1 R1 F1",
    "G93 G1 X1",
    "G95 S0 G1 X1 F1",
    "G91 G53 G0 X1",
    "G80 G53 X1",
    "G80 X1",
    "G80\nX1",
    "G92",
    "G52",
    "G10 L2 X1",
    "G10 L2 P12 X1",
    "G10 L99 P1",
    "G10 P1 X1",
    "G0 G92 X1",
    "G1 G28 X1",
    "G0 N5 X1",
    "N5 N6 G0 X1",
    "G0 X1 %",
    "G0 ! X1",
    "#1",
    "#1=",
    "#=1",
    "G0 X1 #",
    "o1 bogus",
    "o1 endwhile",
    "o<nothing> call",
    "G38.2 X[#5420]",
    "G38.2",
    "G5.1 X1 Y1",
    "G33 Z1 K1 M5 S0",
];

#[test]
fn malformed_programs_are_refused_at_the_same_line() {
    if !at_hand() {
        return;
    }
    let folder = scratch("malformed");
    let (mut refused, mut wrong) = (0, String::new());
    let behind = |(index, line): (usize, &&str)| {
        let mut text = random_program(&mut Rng::new(index as u64));
        // Before the end of the program, on a line of its own.
        text.truncate(text.len() - "M2\n".len());
        text + line + "\nM2\n"
    };
    let texts: Vec<String> = MALFORMED.iter().enumerate().map(behind).collect();
    for ((line, text), said) in MALFORMED.iter().zip(&texts).zip(oracle_of_all(&folder, &texts)) {
        let (_, refusal) = said.expect("the oracle ends");
        let result = interpret("program", text.as_bytes(), &BTreeMap::new(), &options());
        let error = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
        match (refusal, error) {
            (Some(at), Some(error)) if error.line == at || error.line + 1 == at => refused += 1,
            (None, None) => writeln!(wrong, "{line:?} is accepted by both: it is no mistake").expect("a string"),
            (at, error) => writeln!(wrong, "{line:?}: oracle {at:?}, ours {error:?}").expect("a string"),
        }
    }
    eprintln!("{refused} malformed programs are refused at the line of the oracle");
    assert!(wrong.is_empty(), "{wrong}");
}
