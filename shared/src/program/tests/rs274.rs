//! Call stacks, values that only the machine knows, checkpoints, and reading no more than is needed.

use super::*;
use crate::det::Rng;

fn sources(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

#[test]
fn operations_know_the_calls_that_led_to_them() {
    let text =
        "G21\no<a> sub\no<b> call [#1]\no<a> endsub\no1 repeat [2]\no<a> call [3]\no1 endrepeat\nM98 P7\nG0 X9\nM2\n";
    let files = sources(&[("b", "o<b> sub\nG0 X#1\no<b> endsub\n"), ("O0007", "O7\nG0 X5\nM99\n")]);
    let result = interpret("main.nc", text.as_bytes(), &files, &options(Dialect::Rs274ngc));
    let told: Vec<String> = result
        .ops
        .iter()
        .map(|op| {
            let place = format!("{}:{}", result.facts.source(op.at.source).unwrap_or("?"), op.at.line);
            let calls = result.facts.call_stack(op.at.calls);
            assert_eq!(calls.len(), usize::from(op.at.depth), "the depth is the length of the chain");
            calls.iter().fold(place, |told, site| {
                let source = result.facts.source(site.source).unwrap_or("?");
                format!("{told} < {} at {source}:{}", site.label, site.line)
            })
        })
        .collect();
    let inner = "b:2 < b at main.nc:3 < a at main.nc:6";
    assert_eq!(told, [inner, inner, "O0007:2 < 7 at main.nc:8", "main.nc:9", "main.nc:10"]);
    assert_eq!(result.ops[0].at, result.ops[1].at, "a chain is stored once");
}

#[test]
fn a_fault_in_a_subprogram_tells_who_called() {
    let text = "o1 sub\nG0 X1 X2\no1 endsub\no2 sub\no1 call\no2 endsub\no2 call\nM2\n";
    let result = run(text, &options(Dialect::Rs274ngc));
    let fault = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error()).expect("two X words");
    assert_eq!(fault.line, 2);
    assert!(fault.message.ends_with("(called from t.nc:5) (called from t.nc:7)"), "{fault}");
}

#[test]
fn the_interpretation_stops_at_the_first_use_and_goes_on_when_it_is_told() {
    let text = "G21 F100\nG38.2 Z-5\nG1 X1\n#1=[#5063+1]\nG1 Z#1\nM66 P0 L3 Q1\nG0 X#5399\nG0 Y#<_hal[pin.x]>\nG0 A#5063\nM2\n";
    let options = options(Dialect::Rs274ngc);
    let mut interpreter = Interpreter::new("t.nc", text.as_bytes(), &NoSubprograms, &options);
    let mut told = Vec::new();
    let supplies = [
        (Parameter::Number(5063), -2.5, 4, "probe"),
        (Parameter::Number(5399), 1.0, 7, "input"),
        (Parameter::Name("_hal[pin.x]".to_owned()), 8.0, 8, "hardware"),
    ];
    for (parameter, value, line, reason) in supplies {
        while let Some(op) = interpreter.next_op() {
            told.push(row(&op));
        }
        let stopped = interpreter.stopped().expect("a value is awaited").clone();
        assert_eq!((&stopped.parameter, stopped.at.line), (&parameter, line));
        assert!(stopped.reason.contains(reason), "{}", stopped.reason);
        assert!(interpreter.diagnostics().iter().any(|diagnostic| diagnostic.code == "program::not-known-ahead"));
        assert!(!interpreter.supply(&Parameter::Number(5070), 1.0), "another value is not the awaited one");
        assert!(interpreter.next_op().is_none() && interpreter.supply(&parameter, value));
    }
    while let Some(op) = interpreter.next_op() {
        told.push(row(&op));
    }
    let expected = [
        "2 feed 0 0 -5 F100",
        "3 feed 1 0 -5 F100",
        "5 feed 1 0 -1.5 F100",
        "7 rapid 1 0 -1.5",
        "8 rapid 1 8 -1.5",
        "9 rapid 1 8 -1.5",
        "10 end",
    ];
    assert_eq!(told, expected);
    assert!(
        interpreter.stopped().is_none() && interpreter.diagnostics().iter().all(|diagnostic| !diagnostic.is_error())
    );
}

#[test]
fn a_result_that_nobody_reads_stops_nothing() {
    let result = run("G21 F100\nG38.3 X5\nM66 E1\nG0 X0\nM2\n", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["2 feed 5 0 0 F100", "4 rapid 0 0 0", "5 end"]);
}

/// Loops, calls, cycles, a turning profile and parameters, drawn at random.
fn random_program(rng: &mut Rng) -> String {
    let mut text = String::from("G21 F100 S100 M3\no9 sub\nG91 G1 X#1\nG90\n#<_all>=[#1+1]\no9 endsub\n");
    for label in 10..10 + rng.below(12) {
        let piece = match rng.below(6) {
            0 => format!("o{label} repeat [{}]\nG91 G1 X1\nG90\no{label} endrepeat\n", rng.below(40)),
            1 => {
                format!("#2={}\no{label} while [#2 GT 0]\n#2=[#2-1]\no9 call [#2]\no{label} endwhile\n", rng.below(20))
            }
            2 => format!("G0 Z9\nG91 G81 X1 Z-2 R-1 L{}\nG80 G90\n", rng.below(9) + 1),
            3 => "G10 L2 P2 X3 R30\nG55 G0 X1 Y1\nG54\n".to_owned(),
            4 => format!(
                "G18\no{label} sub\nG0 X2 Z0\nG1 Z-3\nG1 X4 Z-5\nX5\no{label} endsub\nG71 Q{label} X6 Z2 D.2 I.4\nG17\n"
            ),
            _ => "G0 X1 X2\nG99999\n".to_owned(),
        };
        text.push_str(&piece);
    }
    text + "M2\n"
}

#[test]
fn from_a_checkpoint_the_rest_is_the_same() {
    let options = options(Dialect::Rs274ngc);
    let mut resumed = 0;
    for seed in 0..60 {
        let text = random_program(&mut Rng::new(seed).fork("checkpoint"));
        let all = run(&text, &options);
        let mut interpreter = Interpreter::new("t.nc", text.as_bytes(), &NoSubprograms, &options);
        let mut rng = Rng::new(seed);
        while interpreter.next_op().is_some() {
            if !rng.chance(0.1) {
                continue;
            }
            let checkpoint = interpreter.checkpoint();
            let whole = Piece { text: text.as_bytes(), starts_at: 0, more_follows: false };
            let mut again =
                Interpreter::resume(&checkpoint, whole, &NoSubprograms, &options).expect("the whole text is at hand");
            let mut rest = Vec::new();
            while let Some(op) = again.next_op() {
                rest.push(op);
            }
            let from = checkpoint.operations() as usize;
            assert_eq!(rest, all.ops[from..], "seed {seed}: {text}");
            assert_eq!((again.facts(), again.diagnostics()), (&all.facts, &all.diagnostics[..]), "seed {seed}");
            resumed += 1;
        }
    }
    assert!(resumed > 200, "only {resumed} checkpoints were resumed");
}

#[test]
fn checkpoints_fall_due_every_thousand_blocks() {
    let text = "G21 F100\n".to_owned() + &"G1 X1\nG1 X0\n".repeat(2500) + "M2\n";
    let options = options(Dialect::Rs274ngc);
    let mut interpreter = Interpreter::new("t.nc", text.as_bytes(), &NoSubprograms, &options);
    let mut lines = Vec::new();
    while interpreter.next_op().is_some() {
        lines.extend(interpreter.checkpoint_due().map(|checkpoint| checkpoint.at().line));
    }
    assert_eq!(lines, [1000, 2000, 3000, 4000, 5000]);
}

#[test]
fn g64_and_g61_stand_beside_operations() {
    let result =
        run("G21 F100\nG64 P.1 Q.05 G1 X1\nG64 P.2 X2\nG61 X3\nG61.1 X4\nG64 X5\nM2\n", &options(Dialect::Rs274ngc));
    let mode = |tolerance_mm, naive_cam_mm| PathMode::Continuous { tolerance_mm, naive_cam_mm };
    let expected = [
        mode(Some(0.1), Some(0.05)),
        mode(Some(0.2), Some(0.2)),
        PathMode::ExactPath,
        PathMode::ExactStop,
        mode(None, None),
    ];
    let found: Vec<PathMode> = result.ops.iter().take(5).map(|op| op.modal.path).collect();
    assert_eq!(found, expected);
}

#[test]
fn under_g96_the_spindle_follows_x() {
    let text = "G21 G18\nM3 G96 S100 D2000\nG95 F.1 G1 X50\nX10\nX0\nG97 S300\nX20\nM2\n";
    let result = run(text, &options(Dialect::Rs274ngc));
    let speeds: Vec<String> = result
        .ops
        .iter()
        .filter(|op| matches!(op.call, Call::StraightFeed { .. }))
        .map(|op| op.modal.spindle.speed.map_or("?".to_owned(), |speed| number(speed.as_rpm())))
        .collect();
    // 100 m/min over 2 pi X: 318.31 at 50 mm, 1591.549 at 10 mm, limited on the axis.
    assert_eq!(speeds, ["318.31", "1591.549", "2000", "300"]);
}

#[test]
fn a_tool_change_stops_the_spindle() {
    let directions = |dialect| -> Vec<i8> {
        let result = run("G21 S500 M3\nT1 M6\nG0 X1\nM3\nT2 M6\nM2", &options(dialect));
        let told = |op: &CanonOp| match op.call {
            Call::SetSpindleDirection { direction } => Some(direction),
            _ => None,
        };
        result.ops.iter().filter_map(told).collect()
    };
    assert_eq!(directions(Dialect::Rs274ngc)[..4], [1, 0, 1, 0], "LinuxCNC stops it");
    assert_eq!(directions(Dialect::Fanuc)[..2], [1, 1], "the macro of the machine decides");
}

#[test]
fn a_missing_word_is_told_with_its_code_and_an_example() {
    for (text, message, advice) in [
        ("G21\nG81 X1 Z-5 F100\nM2", "G81 has no R word", "R2"),
        ("G20\nG82 X1 R.1 F4\nM2", "G82 has no Z word", "Z-0.2"),
        ("G21\nG83 X1 Z-5 R2 F100\nM2", "G83 has no Q word", "Q2"),
        ("G21\nG4\nM2", "G4 has no time", "P0.5"),
        ("G21 G18\nG71.1 X1\nM2", "G71.1 has no Q word", "Q100"),
    ] {
        let result = run(text, &options(Dialect::Rs274ngc));
        let fault = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error()).expect("a word is missing");
        assert_eq!(fault.message, message);
        assert!(fault.advice.contains(advice), "{fault}");
    }
}
