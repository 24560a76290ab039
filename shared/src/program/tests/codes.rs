//! No code is ignored in silence: each either changes an operation or the state, is listed, or is refused.

use super::super::codes::{Code, g_code, m_code};
use super::super::siemens;
use super::*;

/// True where the word stands in the list.
fn is_said(result: &Interpreted, word: &str) -> bool {
    result.facts.without_effect.iter().any(|known| known.word == word)
}

/// Words that codes may need.
const WORDS: &[&str] = &[
    "",
    "\nG91\nM72",
    "\nM72",
    " X3. Y2.",
    " P1",
    " P2.",
    " P1 X4.",
    " P0",
    " X9.",
    " Z3.",
    " H2",
    " Q2",
    " X3. Y2. R30.",
    " X7. Y1. R20.",
    " X1. Y2. Z-1. R1. Q.5 P1 L1",
    " X1. Z-1. R1.",
    " X1. Z-1. R1. Q.5",
    " X1. Z-1. R1. P1",
    " I2. Z-1. D0",
    " X7. K2.",
    " I1. J1. P1. Q1. X7. Y1.",
    " I1. J1. X7.",
    " I1. J0 X3. Y1.",
    " L2 P1 X4.",
    " P1
M30
N1
O1
G0 X77.
M99",
];

/// Whether a code, in a program with what it may need, leaves a trace in the operations behind it.
fn leaves_a_trace(dialect: Dialect, code: &str) -> bool {
    // G41, G8 and their like need states before them; what they undo must have been done.
    let before = [
        "G21 G90 G17 G94 G54 F100. S500 M3\nT1 M6\nG0 X1. Y1. Z5.",
        "G20 G91 G18 G93 G55 F2. S500 M4\nT1 M6\nG43 H1\nG92 X5. Y5.\nM8 M49\nG61 G99 G7 M70",
        "G21 F100. S500 M3 T1 M6 G90 G52 X1.\nG68 X0 Y0 R30.\nG51 X0 Y0 Z0 P2.\nG51.1 X1.\nG16\nG0 X1. Y1.",
        "G21 F100. S500 M3 T1 M6 G90 G90.1 G92 X5.\nG92.2\nG0 X3. Y1.",
        "G21 G90 G18 G98 G61 F100. S500 M3\nT1 M6\nG0 X1. Y1. Z5.",
        "G21 F100.\nG66 P7",
        "G21 F100.\nG81 X1. Z-1. R1.",
        "G21 G98 F100.\nG0 X1. Y1. Z5.",
        "G21 G18 F100.",
        "G21 M70\nG91",
        "G21 F100.\nG43.1 Z5.\nG0 Z9.",
    ];
    let behind =
        "G0 X2. Y2. Z3.\nG1 X4. Y4. F50.\nG2 X6. Y4. I1. J0\nG81 X8. Z-1. R1.\nG80\nG28\nG30\nM2\nO7\nG0 Z33.\nM99";
    let body = |text: &str| {
        let options = Options {
            reference_mm: [9.0, 8.0, 70.0],
            optional_stop: true,
            work_offsets_mm: [
                [1.0, 2.0, 3.0],
                [4.0, 5.0, 6.0],
                [7.0; 3],
                [8.0; 3],
                [9.0; 3],
                [10.0; 3],
                [11.0; 3],
                [12.0; 3],
                [13.0; 3],
            ],
            ..options(dialect)
        };
        let result = run(text, &options);
        result.ops.into_iter().map(|op| (op.call, op.modal)).collect::<Vec<_>>()
    };
    before.iter().any(|before| {
        // The same words without the code: what they do by themselves is no trace of it.
        WORDS.iter().any(|words| {
            body(&format!("{before}\n{code}{words}\n{behind}")) != body(&format!("{before}\n{words}\n{behind}"))
        })
    })
}

#[test]
fn every_code_of_every_dialect_acts_is_listed_or_refused() {
    let (mut counts, mut silent) = ([0usize; 3], Vec::new());
    for dialect in [Dialect::Rs274ngc, Dialect::Fanuc, Dialect::Haas, Dialect::Grbl] {
        for (letter, top) in [('G', 2600u16), ('M', 200)] {
            for code in 0..top {
                let (word, kind) = match letter {
                    'G' if code % 10 == 0 => (format!("G{}", code / 10), g_code(dialect, code)),
                    'G' => (format!("G{}.{}", code / 10, code % 10), g_code(dialect, code)),
                    _ => (format!("M{code}"), m_code(dialect, code)),
                };
                match kind {
                    Code::Unknown | Code::Unsupported(_) => {
                        let result = run(&format!("G21\n{word}\nM2"), &options(dialect));
                        assert!(result.diagnostics.iter().any(Diagnostic::is_error), "{dialect:?} {word}");
                        counts[0] += 1;
                    }
                    Code::Inert(_) => {
                        let result = run(&format!("G21\n{word}\nG0 X1.\nM2"), &options(dialect));
                        assert!(is_said(&result, &word), "{dialect:?} {word} is ignored in silence");
                        counts[1] += 1;
                    }
                    Code::Acts(_) => {
                        let bare = run(&format!("G21 S1 M3 F9.\nG0 X1.\n{word}\nM2"), &options(dialect));
                        let is_silent = !is_said(&bare, &word) && !leaves_a_trace(dialect, &word);
                        if is_silent && !STATES_AT_POWER_ON.contains(&word.as_str()) {
                            silent.push(format!("{} {word}", dialect.name()));
                        }
                        counts[2] += 1;
                    }
                }
            }
        }
    }
    assert!(silent.is_empty(), "neither act nor are listed: {silent:?}");
    assert!(counts.iter().all(|count| *count > 100), "refused, listed, acting: {counts:?}");
}

/// G40 ends what the tests here do not begin; of its group grbl has G91.1 alone.
const STATES_AT_POWER_ON: [&str; 2] = ["G40", "G91.1"];

#[test]
fn every_name_of_the_siemens_tables_is_listed() {
    for name in siemens::inert_names() {
        let result = run(&format!("G710\n{name}\nG0 X1\nM30"), &options(Dialect::Siemens));
        assert!(result.facts.without_effect.iter().any(|known| known.word == name), "{name}: {:?}", result.diagnostics);
    }
    for code in 0..1000u16 {
        let result = run(&format!("G710 F9\nG{code}\nG0 X1\nM30"), &options(Dialect::Siemens));
        let word = format!("G{code}");
        match siemens::g_code(code) {
            Code::Inert(_) => assert!(is_said(&result, &word), "{word} is ignored in silence"),
            Code::Acts(_) => {}
            _ => assert!(result.diagnostics.iter().any(Diagnostic::is_error), "{word}"),
        }
    }
}
