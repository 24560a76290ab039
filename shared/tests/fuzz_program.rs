//! Mutated programs through the interpreter, steered by what they reach.
//!
//! A corpus of small programs of every dialect is mutated: bytes, words, lines, pieces of other programs, hostile
//! tokens. A mutant that reaches something new joins the corpus and is mutated in its turn. What counts as
//! reached is what the interpreter shows from outside: codes of diagnoses by severity and dialect, kinds of
//! operations with their mode, limits, depth of calls; each with its count by powers of two. The number of
//! inputs is fixed and the seed too, so the run is the same everywhere; `COSIM_FUZZ_INPUTS` and `COSIM_SEED` make
//! it longer and other.
//!
//! Two tests: no input of the stated number panics, gives a number that is not finite, or passes a limit; and a
//! planted crash, a panic on a construct that no program of the corpus has, is found within that number.
#![allow(clippy::disallowed_methods, reason = "a test may read the environment")]
#![allow(clippy::print_stderr, reason = "the coverage is its result")]

use shared::det::Rng;
use shared::ident::ToolNumber;
use shared::machine::{LengthUnit, ToolLengthRule};
use shared::program::{Call, Dialect, Interpreted, Limits, NoSubprograms, Options, Plane, interpret};
use std::collections::BTreeSet;
use std::panic::catch_unwind;

/// Inputs of one run in continuous integration.
const INPUTS: u64 = 30_000;
/// Least number of different things reached.
const REACHED_MIN: usize = 400;
const CORPUS_MAX: usize = 3000;
const TEXT_MAX: usize = 4096;

const BEGINNINGS: [&str; 8] = [
    "G21 G90 F100 S10 M3\nG0 X1 Y2\nG1 Z-1\nG2 X3 Y2 I1 J0\nG3 X1 R2\nM2\n",
    "G20\nG81 X1 Z-1 R1 F5\nX2\nG80\nG83 Z-2 R1 Q.5 X1 L2\nM30\n",
    "o1 sub\nG1 X#1 F9\no1 endsub\no1 call [3]\no2 while [#5 LT 3]\n#5=[#5+1]\no2 endwhile\no3 if [1]\nG0 X1\no3 else\no3 endif\nM2\n",
    "%\nO1001 (A)\n#1=2.\nIF [#1 GT 1] GOTO 10\nN10 G90 G54 G00 X0.\nM98 P2 L2\nM30\nO2\nG01 X1. F5.\nM99\n%\n",
    "G21 G41 D1 G1 X10 F100\nY10\nX0\nG40\nG0 X-9\nG43 H1\nG49\nG10 L2 P1 X1 R30\nG52 X1\nG92 X0\nG92.1\nM2\n",
    "G18 G2 X1 Z1 I1 K0 F5\nG19 G3 Y1 Z1 J1 K0 P2\nG17 G5 X1 Y1 I1 J1 P1 Q1\nG5.1 X2 I1 J1\nG33 Z1 K1\nG38.2 Z-9\nG76 P1 Z-1 I-1 J1 K2\n",
    "N10 G710 G60\nG0 X0 Y0\nT=\"MILL\"\nMSG(\"A\")\nG1 X=10 F500\nM30\n",
    "G93 G1 X1 F2\nG94 F100\nG95 X2 F.1\nG96 D100 S5\nM66 P0 L0\nM70\nG91\nM72\n#<_a>=[SIN[30]**2]\n@1 ^45\nG28 G91 Z0\nM1\n",
];

const TOKENS: [&str; 44] = [
    "G0",
    "G1",
    "G2",
    "G3",
    "G5.2",
    "G5.3",
    "G10",
    "G17",
    "G18",
    "G19",
    "G28",
    "G38.2",
    "G41",
    "G42.1",
    "G43.1",
    "G53",
    "G59.3",
    "G73",
    "G76",
    "G84",
    "G87",
    "G90.1",
    "G92.2",
    "G93",
    "G95",
    "G96",
    "M0",
    "M6",
    "M50",
    "M66",
    "M73",
    "M98",
    "M99",
    "o1 do",
    "o1 while [1]",
    "o1 call [#1]",
    "GOTO 1",
    "[",
    "]",
    "#",
    "1e308",
    "99999999999999999999",
    "\0",
    "(",
];

fn options(dialect: Dialect) -> Options {
    let limits = Limits {
        jumps_max: 300,
        operations_max: 3000,
        diagnostics_max: 40,
        repeats_max: 500,
        pecks_max: 200,
        ..Limits::STANDARD
    };
    Options {
        dialect,
        length_unit: LengthUnit::Millimetre,
        tool_length_rule: ToolLengthRule::ByProgram,
        work_offsets_mm: [[0.0; 3]; 9],
        reference_mm: [0.0; 3],
        tool_lengths_mm: [(ToolNumber(1), 5.0)].into(),
        tool_diameters_mm: [(ToolNumber(1), 2.0)].into(),
        tool_orientations: Default::default(),
        tool_names: Default::default(),
        optional_stop: true,
        block_delete: false,
        parameters: Default::default(),
        limits,
    }
}

const DIALECTS: [Dialect; 5] = [Dialect::Rs274ngc, Dialect::Fanuc, Dialect::Siemens, Dialect::Grbl, Dialect::Auto];

/// Something reached, with the power of two of how often.
type Feature = (String, u32);

fn features(dialect: Dialect, result: &Interpreted) -> BTreeSet<Feature> {
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    let mut count = |name: String| *counts.entry(name).or_default() += 1;
    for diagnostic in &result.diagnostics {
        count(format!("{} {} {:?}", dialect.name(), diagnostic.code, diagnostic.severity));
        let limit = diagnostic.message.rsplit_once('(').map_or("", |(_, name)| name);
        if limit.ends_with("_max)") {
            count(format!("{} {limit}", dialect.name()));
        }
    }
    for op in &result.ops {
        let call = match &op.call {
            Call::ArcFeed { plane, turns, .. } => format!("arc {plane:?} {}", turns.signum()),
            other => format!("{other:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
        };
        count(format!(
            "{} {call} {:?} {:?} {}",
            dialect.name(),
            op.modal.feed_mode,
            op.modal.forced,
            op.at.depth.min(3)
        ));
    }
    counts.into_iter().map(|(name, count)| (name, count.ilog2())).collect()
}

/// One input: what it reached. Panics where a promise is broken.
fn run(text: &[u8], dialect: Dialect) -> (BTreeSet<Feature>, Interpreted) {
    let options = options(dialect);
    let result = interpret("fuzz", text, &NoSubprograms, &options);
    assert!(result.ops.len() as u64 <= options.limits.operations_max, "operations_max");
    assert!(result.diagnostics.len() <= options.limits.diagnostics_max + 1, "diagnostics_max");
    for op in &result.ops {
        if let Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } = &op.call {
            let numbers = end.machine_mm.iter().chain(&end.program_mm).chain(&end.rotary_rad);
            assert!(numbers.copied().all(f64::is_finite), "a place that is not finite");
        }
        assert!(op.modal.feed.is_none_or(|feed| feed.is_finite()), "a feed that is not finite");
    }
    (features(dialect, &result), result)
}

fn mutated(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let pick = |rng: &mut Rng| corpus[rng.below(corpus.len() as u64) as usize].clone();
    let mut text = pick(rng);
    for _ in 0..rng.below(4) + 1 {
        let at = rng.below(text.len() as u64 + 1) as usize;
        let end = (at + rng.below(12) as usize).min(text.len());
        match rng.below(8) {
            0 => drop(text.drain(at..end)),
            1 => text.insert(at, rng.below(256) as u8),
            2 => {
                let piece = text[at..end].to_vec();
                let to = rng.below(text.len() as u64 + 1) as usize;
                text.splice(to..to, piece);
            }
            3 | 4 => {
                let token = TOKENS[rng.below(TOKENS.len() as u64) as usize];
                let end = if rng.chance(0.5) { " " } else { "\n" };
                text.splice(at..at, format!(" {token}{end}").into_bytes());
            }
            5 => {
                let other = pick(rng);
                let lines: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
                let mut line = lines[rng.below(lines.len() as u64) as usize].to_vec();
                line.push(b'\n');
                let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                text.splice(start..start, line);
            }
            6 if at < text.len() => text[at] ^= 1 << rng.below(8),
            _ => {
                let number = [0.0, -1.0, 1e-9, 1e9, 0.5, 3.0][rng.below(6) as usize];
                text.splice(at..at, format!("{number}").into_bytes());
            }
        }
    }
    text.truncate(TEXT_MAX);
    text
}

/// What a run found out.
struct Fuzzed {
    inputs: u64,
    reached: BTreeSet<Feature>,
    corpus: usize,
    crash: Option<Vec<u8>>,
}

/// Mutates until an input crashes `target` or there were enough.
fn fuzz(
    seed: u64,
    inputs: u64,
    target: impl Fn(&[u8], Dialect) -> BTreeSet<Feature> + std::panic::RefUnwindSafe,
) -> Fuzzed {
    let mut rng = Rng::new(seed).fork("fuzz");
    let mut corpus: Vec<Vec<u8>> = BEGINNINGS.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut reached = BTreeSet::new();
    for input in 0..inputs {
        let text = if (input as usize) < BEGINNINGS.len() {
            corpus[input as usize].clone()
        } else {
            mutated(&mut rng, &corpus)
        };
        let dialect = DIALECTS[rng.below(DIALECTS.len() as u64) as usize];
        let Ok(found) = catch_unwind(|| target(&text, dialect)) else {
            return Fuzzed { inputs: input + 1, reached, corpus: corpus.len(), crash: Some(text) };
        };
        let before = reached.len();
        reached.extend(found);
        if reached.len() > before && corpus.len() < CORPUS_MAX {
            corpus.push(text);
        }
    }
    Fuzzed { inputs, reached, corpus: corpus.len(), crash: None }
}

fn number_from(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn no_mutant_breaks_a_promise() {
    let fuzzed = fuzz(number_from("COSIM_SEED", 1), number_from("COSIM_FUZZ_INPUTS", INPUTS), |text, dialect| {
        run(text, dialect).0
    });
    let names: BTreeSet<&str> = fuzzed.reached.iter().map(|(name, _)| name.as_str()).collect();
    eprintln!(
        "{} inputs reach {} features ({} with counts); {} of them were kept",
        fuzzed.inputs,
        names.len(),
        fuzzed.reached.len(),
        fuzzed.corpus
    );
    let crash = fuzzed.crash.map(|text| String::from_utf8_lossy(&text).into_owned());
    assert_eq!(crash, None, "this text crashes");
    assert!(names.len() >= REACHED_MIN || fuzzed.inputs < INPUTS, "only {} features: {names:?}", names.len());
}

/// A crash as they happen: in a rare place, several conditions deep.
#[test]
fn a_planted_crash_is_found() {
    let planted = |text: &[u8], dialect: Dialect| {
        let (features, result) = run(text, dialect);
        let is_planted = result.ops.iter().any(|op| {
            matches!(op.call, Call::ArcFeed { plane: Plane::Yz, turns, .. } if turns < -1) && op.modal.forced.is_none()
        });
        assert!(!is_planted, "planted: several clockwise turns in the YZ plane");
        features
    };
    let has_it = |text: &str| catch_unwind(|| planted(text.as_bytes(), Dialect::Auto)).is_err();
    assert!(!BEGINNINGS.into_iter().any(has_it), "the corpus has it from the beginning");
    let fuzzed = fuzz(2, INPUTS, planted);
    eprintln!("the planted crash was found after {} inputs", fuzzed.inputs);
    assert!(fuzzed.crash.is_some(), "the planted crash was not found in {INPUTS} inputs");
}
