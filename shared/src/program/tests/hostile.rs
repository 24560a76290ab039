//! Broken and hostile input: a diagnosis with a name, an end, and no panic.

use super::*;
use crate::det::Rng;

fn codes(text: &[u8], options: &Options) -> Vec<&'static str> {
    interpret("t.nc", text, &NoSubprograms, options).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn encodings() {
    let options = options(Dialect::Rs274ngc);
    assert_eq!(codes(b"\xFF\xFEG\x000\x00", &options), ["program::encoding"]);
    assert_eq!(codes(b"\xFE\xFF\x00G\x000", &options), ["program::encoding"]);
    assert_eq!(codes(b"G21\nG0 X1\0\nM2\n", &options), ["program::encoding"]);
    assert_eq!(codes(b"\xEF\xBB\xBFG21\nG0 X1\nM2\n", &options), [] as [&str; 0]);
    for ending in ["\n", "\r\n", "\n\r", "\r"] {
        let text = ["G21", "(c)", "G0 X1", "M2"].join(ending);
        let result = run(&text, &options);
        assert_eq!(rows(&result), ["3 rapid 1 0 0", "4 end"], "{ending:?}");
    }
}

#[test]
fn an_empty_program_says_so() {
    for text in ["", "\n\n", "%\n%", "(nothing)\n"] {
        let result = run(text, &options(Dialect::Auto));
        let has_motion = result.ops.iter().any(|op| op.call != Call::End);
        assert!(!has_motion, "{text:?}");
    }
    assert_eq!(codes(b"", &options(Dialect::Auto)), ["program::empty"]);
}

#[test]
fn limits_are_named() {
    let limits = Limits { bytes_max: 100, ..Limits::STANDARD };
    let small = Options { limits, ..options(Dialect::Rs274ngc) };
    let result = run(&"G0 X1\n".repeat(50), &small);
    assert!(result.ops.is_empty() && result.diagnostics[0].message.contains("bytes_max"), "{:?}", result.diagnostics);

    let long = format!("G21\nG0 X{}\nG0 Y2\nM2\n", "1".repeat(200_000));
    let result = run(&long, &options(Dialect::Rs274ngc));
    assert!(result.diagnostics[0].message.contains("line_bytes_max"));
    assert_eq!(rows(&result), ["3 rapid 0 2 0", "4 end"]);

    let limits = Limits { operations_max: 10, ..Limits::STANDARD };
    let few = Options { limits, ..options(Dialect::Rs274ngc) };
    let result = run(&format!("G21\n{}M2\n", "G0 X1\n".repeat(50)), &few);
    assert_eq!(result.ops.len(), 10);
    assert!(result.diagnostics[0].message.contains("operations_max"));

    let result = run(&"Q\n".repeat(5000), &options(Dialect::Rs274ngc));
    assert_eq!(result.diagnostics.len(), Limits::STANDARD.diagnostics_max + 1);
    assert!(result.diagnostics[Limits::STANDARD.diagnostics_max].message.contains("diagnostics_max"));

    for deep in ["[", "#", "-", "SIN["] {
        let result = run(&format!("G0 X{}\n", deep.repeat(10_000)), &options(Dialect::Rs274ngc));
        assert!(result.diagnostics[0].is_error(), "{deep}");
    }
}

#[test]
fn a_million_repeats_are_drilled_one_by_one() {
    let mut text = String::from("G21 F100\nG91 G81 X.001 Z-1 R1 L1000000\nM2\n").into_bytes();
    text.push(b'\n');
    let options = options(Dialect::Rs274ngc);
    let mut interpreter = Interpreter::new("t.nc", &text, &NoSubprograms, &options);
    let mut count = 0u64;
    while interpreter.next_op().is_some() {
        count += 1;
    }
    assert_eq!(count, 3_000_002, "a rapid, a feed and a rapid for each hole, the way to R, and the end");
}

/// The first error of a text, and that it ends at all.
fn first_error(dialect: Dialect, text: &[u8]) -> String {
    let result = interpret("t.nc", text, &NoSubprograms, &options(dialect));
    let error = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
    error.map(|error| error.message.clone()).unwrap_or_default()
}

#[test]
fn what_never_ends_ends_at_a_named_limit() {
    let endless = [
        (Dialect::Rs274ngc, "o1 while [1]\no1 endwhile\nM2\n", "jumps_max"),
        (Dialect::Rs274ngc, "o1 do\no1 while [1]\nM2\n", "jumps_max"),
        (Dialect::Rs274ngc, "o1 repeat [4000000000]\no1 endrepeat\nM2\n", "jumps_max"),
        (Dialect::Fanuc, "N1 GOTO 1\nM30\n", "jumps_max"),
        (Dialect::Fanuc, "WHILE [1] DO1\nEND1\nM30\n", "jumps_max"),
        (Dialect::Rs274ngc, "G21\no1 while [1]\nG0 X1\nX0\nY1\nY0\nX2\nX0\no1 endwhile\nM2\n", "operations_max"),
        // Ten million deep, if it were let.
        (Dialect::Rs274ngc, "o1 sub\n#5=[#1-1]\no1 call [#5]\no1 endsub\no1 call [10000000]\nM2\n", "call_depth_max"),
        (Dialect::Fanuc, "O1\nM98 P1\nM30\n", "call_depth_max"),
        (Dialect::Fanuc, "O1\nG65 P1 A1\nM30\n", "call_depth_max"),
    ];
    for (dialect, text, limit) in endless {
        let message = first_error(dialect, text.as_bytes());
        assert!(message.contains(limit), "{text:?}: {message}");
    }
}

#[test]
fn a_line_of_a_gigabyte_is_refused_before_it_is_read() {
    // Zeros take no memory until they are looked at.
    let message = first_error(Dialect::Auto, &vec![0; 1 << 30]);
    assert!(message.contains("bytes_max"), "{message}");
    let mut text = b"G21\nG0 X".to_vec();
    text.resize(100 << 20, b'1');
    assert!(first_error(Dialect::Auto, &text).contains("line_bytes_max"));
}

#[test]
fn numbers_beyond_reason() {
    for text in
        ["G2 X1 Y1 R1e308", "G2 X1 I9999999999999999999999 J0", "G0 X-99999999999", "G1 X1 F99999999999999", "S1E400"]
    {
        let digits = text.replace("1e308", &format!("1{}", "0".repeat(308)));
        let result = run(&format!("G21 F10\n{digits}\nM2\n"), &options(Dialect::Rs274ngc));
        assert!(result.diagnostics.iter().any(Diagnostic::is_error), "{text}");
        let is_finite = |op: &CanonOp| match &op.call {
            Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } => {
                end.machine_mm.iter().all(|value| value.is_finite())
            }
            _ => true,
        };
        assert!(result.ops.iter().all(is_finite), "{text}");
    }
}

/// Pieces that programs are made of, right and wrong.
const PIECES: [&str; 60] = [
    "G0", "G1", "G2", "G3", "G4", "G10", "G17", "G18", "G19", "G20", "G21", "G28", "G30", "G40", "G41", "G43", "G49",
    "G52", "G53", "G54", "G59.3", "G61", "G64", "G73", "G80", "G81", "G82", "G83", "G84", "G85", "G86", "G88", "G89",
    "G90", "G91", "G92", "G92.1", "G93", "G94", "G95", "G98", "G99", "M0", "M3", "M5", "M6", "M8", "X", "Y", "Z", "R",
    "I", "J", "K", "P", "Q", "L", "F", "S", "T",
];
const VALUES: [&str; 16] = [
    "1",
    "-.5",
    "0",
    "10.",
    "1e9",
    "[1/0]",
    "#1",
    "[2*[3-1]]",
    "1.2.3",
    "(",
    ";",
    "\n",
    "999999999999",
    "-0",
    "]",
    "SIN[9]",
];

#[test]
fn random_programs_end_without_panic_and_make_finite_moves() {
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..1500u64 {
        let mut rng = Rng::new(seed);
        let mut text = String::new();
        for _ in 0..rng.below(60) {
            text.push_str(PIECES[rng.below(PIECES.len() as u64) as usize]);
            if rng.chance(0.6) {
                text.push_str(VALUES[rng.below(VALUES.len() as u64) as usize]);
            }
            text.push_str(if rng.chance(0.3) { "\n" } else { " " });
        }
        for dialect in [Dialect::Rs274ngc, Dialect::Fanuc, Dialect::Auto] {
            let result = run(&text, &options(dialect));
            for op in &result.ops {
                if let Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } =
                    &op.call
                {
                    assert!(end.machine_mm.iter().all(|value| value.is_finite()), "seed {seed}: {text}");
                }
                assert!(op.modal.feed.is_none_or(|feed| feed.is_finite()), "seed {seed}: {text}");
            }
            reached.extend(result.diagnostics.iter().map(|diagnostic| diagnostic.code));
        }
    }
    assert!(reached.len() >= 18, "random programs reach the diagnoses: {reached:?}");
}

#[test]
fn random_bytes_and_every_prefix_end_without_panic() {
    for seed in 0..300u64 {
        let mut rng = Rng::new(seed);
        let bytes: Vec<u8> = (0..rng.below(400)).map(|_| rng.below(256) as u8).collect();
        let result = interpret("t.nc", &bytes, &NoSubprograms, &options(Dialect::Auto));
        assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.message.is_empty()), "seed {seed}");
    }
    let text =
        "%\nO1 (A)\nG21 T1 M6 S100 M3\nG2 X[#1+2*SIN[30]] Y1 I-.5 J0 F#2\nG83 X1 Z-5 R1 Q1 P500\nG28 G91 Z0\nM30\n%";
    for end in 0..text.len() {
        for dialect in [Dialect::Rs274ngc, Dialect::Fanuc, Dialect::Grbl] {
            run(&text[..end], &options(dialect));
        }
    }
}

#[test]
fn pulling_and_collecting_agree() {
    let text = "G21 F100\nG1 X1\nG81 Z-1 R1 X2\nX3\nG80\nM2\n";
    let options = options(Dialect::Rs274ngc);
    let all = run(text, &options);
    let mut interpreter = Interpreter::new("t.nc", text.as_bytes(), &NoSubprograms, &options);
    let mut pulled = Vec::new();
    while let Some(op) = interpreter.next_op() {
        pulled.push(op);
    }
    assert_eq!((pulled, interpreter.facts()), (all.ops, &all.facts));
    assert_eq!(interpreter.next_op(), None, "the end stays the end");
}

/// Pieces of flow control, each on a line of its own or behind words.
const FLOW: [&str; 36] = [
    "o1 while [#1 LT 3]",
    "o1 endwhile",
    "o1 do",
    "o1 while [0]",
    "o2 sub",
    "o2 endsub",
    "o2 call [1]",
    "o2 return",
    "o3 if [#1]",
    "o3 else",
    "o3 elseif [1]",
    "o3 endif",
    "o4 repeat [3]",
    "o4 endrepeat",
    "o1 break",
    "o1 continue",
    "IF [#1 EQ 1] GOTO 1",
    "GOTO 2",
    "N1",
    "N2",
    "WHILE [#1 LT 2] DO1",
    "END1",
    "DO2",
    "END2",
    "IF [1] THEN #1=2",
    "O7",
    "M98 P7",
    "M99",
    "G65 P7 A1",
    "#1=[#1+1]",
    "G0 @5 ^3",
    "G5.1 X1 I1",
    "G33 Z1 K1",
    "G38.2 Z-1",
    "M70",
    "M72",
];

#[test]
fn random_flow_ends_within_its_limits() {
    let limits = Limits { jumps_max: 500, operations_max: 5000, diagnostics_max: 50, ..Limits::STANDARD };
    let (mut calls, mut jumps_ended) = (0, 0);
    for seed in 0..2000u64 {
        let mut rng = Rng::new(seed).fork("flow");
        let mut text = String::from("G21 F10 S10 M3\n");
        for _ in 0..rng.below(25) + 2 {
            text.push_str(FLOW[rng.below(FLOW.len() as u64) as usize]);
            text.push_str(if rng.chance(0.2) { "\nG91 G1 X1\n" } else { "\n" });
        }
        for dialect in [Dialect::Rs274ngc, Dialect::Fanuc] {
            let result = run(&text, &Options { limits, ..options(dialect) });
            assert!(result.diagnostics.len() <= limits.diagnostics_max + 1, "seed {seed}: {text}");
            assert!(result.ops.len() as u64 <= limits.operations_max, "seed {seed}: {text}");
            calls += usize::from(result.ops.iter().any(|op| op.at.depth > 0));
            jumps_ended += usize::from(result.diagnostics.iter().any(|d| d.message.contains("jumps_max")));
        }
    }
    assert!(calls > 20 && jumps_ended > 20, "{calls} programs made calls, {jumps_ended} ended at the limit of jumps");
}
