//! The oracle and the comparison with it, shared by the tests that use it.
//!
//! The oracle is a script outside the tree that drives the `gcode` module of the Debian package
//! `linuxcnc-uspace` and shares no code with us. It prints one canonical call a line: lengths in inches, feeds
//! in inches a minute. Compared are, in order and with their source lines: traverses, feeds, arcs, dwells and
//! tool changes; zero-length traverses are dropped on both sides.
#![allow(dead_code, reason = "each test that shares it uses its part")]

pub(crate) mod batch;

pub(crate) use batch::oracle_of_all;
use shared::ident::ToolNumber;
use shared::machine::LengthUnit;
use shared::program::{Call, Dialect, Interpreted, Interpreter, Options, Parameter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/oracles/canon_oracle.py");
/// Where the Debian package puts its programs and the interpreter that has its module.
pub(crate) const PROGRAMS: &str = "/usr/share/linuxcnc/ncfiles";
pub(crate) const PYTHON: &str = "/usr/bin/python3";
pub(crate) const MM_PER_INCH: f64 = 25.4;
pub(crate) const WITHIN_MM: f64 = 1e-6;

/// A motion or action: source line, kind, numbers, feed in mm/min.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) line: u32,
    pub(crate) kind: char,
    pub(crate) numbers: Vec<f64>,
    pub(crate) feed: Option<f64>,
}

/// Runs the oracle; steps and the line of its refusal.
pub(crate) fn oracle(program: &Path, table: &Path) -> (Vec<Step>, Option<u32>) {
    let folder = program.parent().expect("a program lies in a folder");
    let run = Command::new(PYTHON).arg(ORACLE).arg(program).arg(table).current_dir(folder).output();
    let run = run.expect("the oracle starts");
    read_oracle(&run.stdout, &run.stderr, run.status.success())
}

/// What the oracle printed: steps and the line of its refusal.
pub(crate) fn read_oracle(stdout: &[u8], stderr: &[u8], success: bool) -> (Vec<Step>, Option<u32>) {
    let (mut steps, mut feed) = (Vec::new(), None);
    for line in String::from_utf8_lossy(stdout).lines() {
        let fields: Vec<&str> = line.trim_matches(['[', ']']).split(", ").collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let mm = |range: std::ops::Range<usize>| range.map(|index| number(index) * MM_PER_INCH).collect::<Vec<_>>();
        let plain = |range: std::ops::Range<usize>| range.map(number).collect::<Vec<_>>();
        let (kind, numbers) = match fields.get(1).copied().unwrap_or_default() {
            "\"set_feed_rate\"" => {
                feed = Some(number(2) * MM_PER_INCH);
                continue;
            }
            "\"straight_traverse\"" => ('t', [mm(2..5), plain(5..8)].concat()),
            "\"straight_feed\"" | "\"straight_probe\"" => ('f', [mm(2..5), plain(5..8)].concat()),
            "\"rigid_tap\"" => {
                // Down, and back by the turned spindle.
                let from = steps.iter().rev().find(|step: &&Step| matches!(step.kind, 't' | 'f'));
                let back = from.map_or(vec![0.0; 6], |step| step.numbers.clone());
                let down = [mm(2..5), back[3..].to_vec()].concat();
                for numbers in [down, back] {
                    steps.push(Step { line: number(0) as u32, kind: 'f', numbers, feed: None });
                }
                continue;
            }
            "\"arc_feed\"" => ('a', [mm(2..6), plain(6..7), mm(7..8), plain(8..11)].concat()),
            "\"dwell\"" => ('d', plain(2..3)),
            "\"change_tool\"" => ('T', plain(2..3)),
            _ => continue,
        };
        let feed = if matches!(kind, 'f' | 'a') { feed } else { None };
        // The moves of a turning cycle come without a line: they belong to the line of the cycle.
        let line = if number(0) < 0.0 { steps.last().map_or(0, |step| step.line) } else { number(0) as u32 };
        steps.push(Step { line, kind, numbers, feed });
    }
    mend_tool_changes(&mut steps);
    let refusal = String::from_utf8_lossy(stderr);
    let line = refusal.split("error line ").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
    (steps, if success { None } else { Some(line.unwrap_or(0)) })
}

/// After a tool change the interpreter asks where the axes stand, and the preview answers without the arcs it
/// has drawn: coordinates that are not named afterwards are those before the arcs. Here they are set right.
fn mend_tool_changes(steps: &mut [Step]) {
    let (mut real, mut answered) = ([0.0; 3], [0.0; 3]);
    let mut wrong: [Option<(f64, f64)>; 3] = [None; 3];
    for step in steps {
        match step.kind {
            't' | 'f' => {
                for axis in 0..3 {
                    match wrong[axis] {
                        Some((stale, good)) if step.numbers[axis] == stale => step.numbers[axis] = good,
                        _ => wrong[axis] = None,
                    }
                    (real[axis], answered[axis]) = (step.numbers[axis], step.numbers[axis]);
                }
            }
            // Arcs of the programs after which a tool is changed lie in XY.
            'a' => {
                real = [step.numbers[0], step.numbers[1], step.numbers[5]];
                wrong = [None; 3];
            }
            'T' => {
                for axis in 0..3 {
                    let is_wrong = real[axis] != answered[axis];
                    wrong[axis] = wrong[axis].or(is_wrong.then_some((answered[axis], real[axis])));
                }
            }
            _ => {}
        }
    }
}

/// True if the line calls a subprogram: a mistake in it is reported at the call.
fn is_call(text: &[u8], line: u32) -> bool {
    let line = text.split(|byte| *byte == b'\n').nth(line as usize - 1).unwrap_or_default();
    let line = String::from_utf8_lossy(line).trim().to_ascii_lowercase();
    line.starts_with('o') && line.contains("call")
}

pub(crate) fn ours(result: &Interpreted) -> Vec<Step> {
    let mut steps = Vec::new();
    for op in &result.ops {
        let feed = op.modal.feed.map(|feed| feed.as_mm_s() * 60.0);
        let is_synchronised = op.modal.forced == Some(shared::program::ForcedReason::Synchronised);
        let degrees = |rotary: [f64; 3]| rotary.map(f64::to_degrees);
        let (kind, numbers) = match &op.call {
            Call::StraightTraverse { end } => ('t', [end.program_mm, degrees(end.rotary_rad)].concat()),
            Call::StraightFeed { end } => ('f', [end.program_mm, degrees(end.rotary_rad)].concat()),
            Call::ArcFeed { end, plane, centre_mm, turns, .. } => {
                let [first, second, normal] = plane.axes();
                let at = end.program_mm;
                let mut numbers =
                    vec![at[first], at[second], centre_mm[0], centre_mm[1], f64::from(*turns), at[normal]];
                numbers.extend(degrees(end.rotary_rad));
                ('a', numbers)
            }
            Call::Dwell { time } => ('d', vec![time.as_s()]),
            Call::ChangeTool { tool } => ('T', vec![f64::from(tool.0)]),
            _ => continue,
        };
        // The oracle leaves the feed of G33 to the spindle; a rotary-only feed it prints as inches.
        let feed = if matches!(kind, 'f' | 'a') && !is_synchronised { feed } else { None };
        steps.push(Step { line: op.at.line, kind, numbers, feed });
    }
    steps
}

/// Without the traverses that lead nowhere.
pub(crate) fn collapsed(steps: Vec<Step>) -> Vec<Step> {
    let mut at = Some(vec![0.0; 6]);
    let mut kept = Vec::new();
    for step in steps {
        let place = matches!(step.kind, 't' | 'f').then(|| step.numbers.clone());
        let stands = |at: &Vec<f64>| at.iter().zip(&step.numbers).all(|(a, b)| (a - b).abs() < WITHIN_MM / 10.0);
        if step.kind == 't' && at.as_ref().is_some_and(stands) {
            continue;
        }
        if matches!(step.kind, 't' | 'f' | 'a') {
            at = place;
        }
        kept.push(step);
    }
    kept
}

/// The first difference between the two, in words.
pub(crate) fn difference(theirs: &[Step], ours: &[Step]) -> Option<String> {
    for (index, (a, b)) in theirs.iter().zip(ours).enumerate() {
        let same = a.numbers.len() == b.numbers.len()
            && a.numbers.iter().zip(&b.numbers).all(|(x, y)| (x - y).abs() <= WITHIN_MM);
        let feed = match (a.feed, b.feed) {
            (Some(x), Some(y)) => (x - y).abs() <= WITHIN_MM * x.max(1.0),
            _ => true,
        };
        if a.line != b.line || a.kind != b.kind || !same || !feed {
            return Some(format!("step {index}: oracle {a:?}, ours {b:?}"));
        }
    }
    let (a, b) = (theirs.len(), ours.len());
    (a != b).then(|| format!("oracle has {a} steps, we have {b}: {:?} {:?}", theirs.get(b), ours.get(a)))
}

pub(crate) fn options() -> Options {
    Options {
        tool_lengths_mm: (1..60).map(|number| (ToolNumber(number), 0.0)).collect(),
        tool_diameters_mm: (1..60).map(|number| (ToolNumber(number), f64::from(number))).collect(),
        ..Options::without_machine(Dialect::Rs274ngc)
    }
}

/// Oracle and package, or a loud reason to skip. Continuous integration must have both.
pub(crate) fn at_hand() -> bool {
    let found = Path::new(ORACLE).exists() && Path::new(PROGRAMS).exists() && Path::new(PYTHON).exists();
    if !found {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the package linuxcnc-uspace or the oracle is missing");
        eprintln!("SKIPPED: the package linuxcnc-uspace or the oracle script is not at hand");
    }
    found
}

/// A folder of this test process for tables and programs.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be made");
    let table: String = (1..60).map(|number| format!("T{number} P{number} D{number} Z0\n")).collect();
    std::fs::write(folder.join("tool.tbl"), table).expect("the tool table can be written");
    folder
}

/// Interprets a program; values that only the machine knows are those of the oracle: a probe trips at the end of
/// its move and says 0, inputs read 0.
pub(crate) fn supplied(text: &[u8], sources: &BTreeMap<String, Vec<u8>>, options: &Options) -> Interpreted {
    let mut interpreter = Interpreter::new("program", text, sources, options);
    let (mut ops, mut place) = (Vec::new(), [0.0; 3]);
    loop {
        while let Some(op) = interpreter.next_op() {
            if let Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } = &op.call {
                place = end.program_mm;
            }
            ops.push(op);
        }
        let Some(awaited) = interpreter.stopped().map(|stopped| stopped.parameter.clone()) else { break };
        let unit_mm = match interpreter.facts().units_said.last() {
            Some(LengthUnit::Inch) => MM_PER_INCH,
            _ => 1.0,
        };
        let value = match awaited {
            Parameter::Number(number @ 5061..=5063) => place[number as usize - 5061] / unit_mm,
            _ => 0.0,
        };
        assert!(interpreter.supply(&awaited, value), "the interpretation waits for {awaited:?}");
    }
    Interpreted { ops, diagnostics: interpreter.diagnostics().to_vec(), facts: interpreter.facts().clone() }
}

/// Compares one program; the number of steps, or what differs.
pub(crate) fn compare(program: &Path, table: &Path, sources: &BTreeMap<String, Vec<u8>>) -> Result<usize, String> {
    let text = std::fs::read(program).map_err(|error| error.to_string())?;
    compare_with(&text, oracle(program, table), sources)
}

/// Compares one program with what the oracle said; the number of steps, or what differs.
pub(crate) fn compare_with(
    text: &[u8],
    (theirs, refusal): (Vec<Step>, Option<u32>),
    sources: &BTreeMap<String, Vec<u8>>,
) -> Result<usize, String> {
    let result = supplied(text, sources, &options());
    let error = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
    let ends = result.diagnostics.iter().find(|diagnostic| diagnostic.code == "program::no-end");
    match (refusal, error, ends) {
        (None, None, _) => {
            let (theirs, ours) = (collapsed(theirs), collapsed(ours(&result)));
            difference(&theirs, &ours).map_or(Ok(ours.len()), Err)
        }
        (None, Some(error), _) => Err(format!("we refuse what the oracle accepts: {error}")),
        (Some(line), Some(error), _) if error.line < line && is_call(text, line) => Ok(0),
        // A partner that is missing we tell where it is missed, the oracle at the end of the file.
        (Some(line), Some(error), _) if error.message.contains(" below") && error.line < line => Ok(0),
        // The oracle tells the line of the outermost call, we the line in the subprogram and its callers.
        (Some(line), Some(error), _)
            if outermost_call(&error.message).is_some_and(|at| at == line || at + 1 == line) =>
        {
            Ok(0)
        }
        // What it finds while reading a line it reports at the next one.
        (Some(line), Some(error), _) if error.line == line || error.line + 1 == line => Ok(0),
        (Some(line), None, Some(end)) if end.line == line || end.line + 1 == line => Ok(0),
        (Some(line), error, _) => Err(format!("the oracle refuses line {line}, we: {error:?}")),
    }
}

/// The line of the main program from which the place of a diagnosis was reached.
fn outermost_call(message: &str) -> Option<u32> {
    let (_, callers) = message.rsplit_once("called from program:")?;
    callers.trim_end_matches(')').parse().ok()
}
