//! Fanuc and Haas: macro B, frames, polar input, pockets, corners, offsets.

use super::*;

fn check_fanuc(text: &str, expected: &[&str]) {
    check(Dialect::Fanuc, &format!("G21 G17 G90 G94 F100.\n{text}"), expected);
}

fn fault(text: &str, code: &str, column: u32) {
    check_fault(Dialect::Fanuc, &format!("G21 F100.\n{text}"), code, 2, column);
}

fn value(dialect: Dialect, text: &str, expected: f64) {
    let result = run(&format!("G21\n#100={text}\nG0 X#100\nM30"), &options(dialect));
    let Some(Call::StraightTraverse { end }) = result.ops.first().map(|op| op.call.clone()) else {
        panic!("{text}: {:?}", result.diagnostics)
    };
    assert!((end.program_mm[0] - expected).abs() < 1e-9, "{text} is {}", end.program_mm[0]);
}

#[test]
fn macro_b_computes_as_the_control_does() {
    let check = |text: &str, expected: f64| value(Dialect::Fanuc, text, expected);
    check("FIX[-1.2]", -1.0);
    check("FUP[-1.2]", -2.0);
    check("FUP[1.2]", 2.0);
    check("ROUND[2.5]", 3.0);
    check("ATAN[-1.]/[-1.]", 225.0);
    check("ATAN[1.]", 45.0);
    check("BCD[26]", 38.0);
    check("BIN[38]", 26.0);
    check("6 AND 3", 2.0);
    check("6 XOR 3", 5.0);
    // AND is a product, OR a sum: 1 OR (2 AND 2), then a comparison.
    check("1 OR 2 AND 2", 3.0);
    check("10 MOD 4", 2.0);
    check("SQRT[16]+ABS[-2]*EXP[0]-LN[1]", 6.0);
    check("SIN[30]+COS[60]+TAN[45]", 2.0);
    check("ASIN[1]+ACOS[1]", 90.0);
    value(Dialect::Haas, "ATAN[-1.]/[-1.]", -135.0);
}

#[test]
fn empty_is_neither_zero_nor_a_word() {
    check_fanuc("IF [#1 EQ #0] THEN #2=5.\nG0 X#2 Y#1", &["3 rapid 5 0 0"]);
    check_fanuc(
        "IF [#1 EQ 0] GOTO 9\nG0 X1.\nN9 #1=0\nIF [#1 NE #0] GOTO 20\nX9.\nN20 Y1.",
        &["3 rapid 1 0 0", "7 rapid 1 1 0"],
    );
    fault("#0=5.", "program::parameter", 0);
}

#[test]
fn arguments_of_both_kinds() {
    let text = "G65 P20 A1. B2. I3. I4. D5. K6.\nM30\nO20\nG0 X#4 Y#7 Z#9\nX#1 Y#2\nM99";
    // I I K: the second I begins the second set, whose #7 is D's as well; D comes later.
    check_fanuc(text, &["5 rapid 3 5 6", "6 rapid 1 2 6"]);
    fault("G1 X1. I2. I3.", "program::repeated-word", 12);
    // #31 to #33 belong to the call.
    check_fanuc("#33=1.\nG65 P20\nG0 X#33\nM30\nO20\n#33=7.\nM99", &["4 rapid 1 0 0"]);
}

#[test]
fn a_modal_macro_follows_each_motion() {
    check_fanuc(
        "G66 P20 Z-2.\nG0 X1.\nM8\nX2.\nG67\nX3.\nM30\nO20\n#5=#5003\nG1 Z#26\nG0 Z#5\nM99",
        &[
            "3 rapid 1 0 0",
            "11 feed 1 0 -2 F100",
            "12 rapid 1 0 0",
            "4 coolant true",
            "5 rapid 2 0 0",
            "11 feed 2 0 -2 F100",
            "12 rapid 2 0 0",
            "7 rapid 3 0 0",
        ],
    );
}

#[test]
fn computed_jumps_calls_by_line_and_colons() {
    check_fanuc("#1=5\nGOTO #1\nG0 X9.\nN5 GOTO[#1+5]\nX8.\nN10 G0 Y1.", &["7 rapid 0 1 0"]);
    check(Dialect::Haas, "G21 G91\nM97 P100 L2\nM30\nN100 G0 X1.\nM99", &["4 rapid 1 0 0", "4 rapid 2 0 0"]);
    check_fanuc("G91 M98 P0020010\nM30\n:0010\nG0 X1.\nM99", &["5 rapid 1 0 0", "5 rapid 2 0 0"]);
    // On Haas P is the number alone.
    check(Dialect::Haas, "G21\nM98 P20010\nM30\nO20010\nG0 X1.\nM99", &["5 rapid 1 0 0"]);
}

#[test]
fn an_alarm_of_the_program_ends_it() {
    let result = run("G21\nIF [#1 EQ #0] THEN #3000=7 (NO TOOL)\nG0 X1.\nM30", &options(Dialect::Fanuc));
    let alarm = result.diagnostics.iter().find(|diagnostic| diagnostic.code == "program::alarm").expect("an alarm");
    assert!(alarm.line == 2 && alarm.message.contains("7: NO TOOL"), "{alarm}");
    assert!(result.ops.is_empty());
    let result = run("G21\n#3001=0\nG0 X1.\nM30", &options(Dialect::Fanuc));
    assert_eq!(result.facts.without_effect[0].word, "#3001");
}

#[test]
fn rotation_scaling_and_mirror() {
    check_fanuc("G68 X10. Y0. R90.\nG0 X15. Y0.\nG69\nX15. Y0.", &["3 rapid 10 5 0", "5 rapid 15 0 0"]);
    check_fanuc(
        "G51 X0 Y0 Z0 P2.\nG1 X5. Y1.\nG3 X5. Y3. J1.\nG50\nG1 X0",
        &["3 feed 10 2 0 F100", "4 arc 10 6 0 Xy about 10 4 turns 1 F100", "6 feed 0 6 0 F100"],
    );
    check_fanuc("G51 X0 Y0 Z0 P500\nG0 X5.\nG50", &["3 rapid 2.5 0 0"]);
    check_fanuc(
        "G51.1 X10.\nG1 X15. Y0\nG2 X17. Y2. I2. J0\nG50.1 X0\nG1 X1.",
        &["3 feed 5 0 0 F100", "4 arc 3 2 0 Xy about 3 0 turns 1 F100", "6 feed 1 2 0 F100"],
    );
    // Mirror first, then rotation: (5, 0) becomes (-5, 0), then (0, -5).
    check_fanuc("G51.1 X0\nG68 X0 Y0 R90.\nG0 X5. Y0.", &["4 rapid 0 -5 0"]);
    fault("G68 X1. Y1.", "program::missing-word", 1);
    fault("G51 X1.", "program::missing-word", 1);
    fault("G51 X1. P0.", "program::out-of-range", 1);
}

#[test]
fn polar_input_of_a_bolt_circle() {
    check_fanuc("G16\nG0 X10. Y90.\nY180.\nG15 X1. Y1.", &["3 rapid 0 10 0", "4 rapid -10 0 0", "5 rapid 1 1 0"]);
    // Under G91 R counts from the height the series began at, 5, and Z from R.
    check_fanuc(
        "G0 Z5.\nG16\nG91 G99 G81 X10. Y0. Z-2. R-4.\nY90. K2\nG80 G15",
        &[
            "2 rapid 0 0 5",
            "4 rapid 10 0 5",
            "4 rapid 10 0 1",
            "4 feed 10 0 -1 F100",
            "4 rapid 10 0 1",
            "5 rapid 0 10 1",
            "5 feed 0 10 -1 F100",
            "5 rapid 0 10 1",
            "5 rapid -10 0 1",
            "5 feed -10 0 -1 F100",
            "5 rapid -10 0 1",
        ],
    );
}

#[test]
fn corners_between_two_lines() {
    check_fanuc(
        "G1 X10. ,R2.\nY10.\nX0 ,C1.\nY20.",
        &[
            "2 feed 8 0 0 F100",
            "2 arc 10 2 0 Xy about 8 2 turns 1 F100",
            "3 feed 10 10 0 F100",
            "4 feed 1 10 0 F100",
            "4 feed 0 11 0 F100",
            "5 feed 0 20 0 F100",
        ],
    );
    // 60°: the arc begins r / tan 30° before the corner and its centre lies r above the first line.
    check_fanuc(
        "G1 X10. ,R1.\nX5. Y8.660254",
        &["2 feed 8.268 0 0 F100", "2 arc 9.134 1.5 0 Xy about 8.268 1 turns 1 F100", "3 feed 5 8.66 0 F100"],
    );
    fault("G0 X10. ,R2.\nY10.", "program::cycle", 9);
    check_fault(Dialect::Fanuc, "G21 F9.\nG1 X10. ,R20.\nY10.", "program::cycle", 3, 0);
    check_fault(Dialect::Fanuc, "G21 F9.\nG1 X10. ,R2.\nM8", "program::cycle", 3, 0);
}

#[test]
fn a_circular_pocket() {
    check(
        Dialect::Haas,
        "G21 G90 F100.\nG0 X5. Y5. Z1.\nG13 I4. Z-1. D0",
        &[
            "2 rapid 5 5 1",
            "3 feed 5 5 -1 F100",
            "3 arc 9 5 -1 Xy about 7 5 turns 1 F100",
            "3 arc 9 5 -1 Xy about 5 5 turns 1 F100",
            "3 arc 5 5 -1 Xy about 7 5 turns 1 F100",
        ],
    );
    let result = run("G21 G91 F100.\nG12 I2. K6. Q2. Z-1. L2 D0\nM30", &options(Dialect::Haas));
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    let turns: Vec<_> = result
        .ops
        .iter()
        .filter_map(|op| if let Call::ArcFeed { turns, .. } = op.call { Some(turns) } else { None })
        .collect();
    // In, circle, two rings of two halves each, circle, out; twice.
    assert_eq!(turns, [-1; 16]);
    let radius = |op: &CanonOp| match &op.call {
        Call::ArcFeed { end, .. } => end.program_mm[0].abs(),
        _ => 0.0,
    };
    assert!((result.ops.iter().map(radius).fold(0.0, f64::max) - 6.0).abs() < 1e-12, "the last circle has radius K");
    check_fault(Dialect::Haas, "G21 F9.\nG12 Z-1.", "program::missing-word", 2, 1);
    check_fault(Dialect::Haas, "G21 F9.\nG12 I5. K3. Q1. D0", "program::cycle", 2, 1);
}

#[test]
fn further_work_offsets_and_tool_offsets() {
    let check_machine = |dialect: Dialect, text: &str, expected: &str| {
        let mut options = options(dialect);
        options.parameters.extend([(7001, 7.0), (14_021, 14.0)]);
        let result = run(&format!("G21 {text}\nM30"), &options);
        assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
        let last = result
            .ops
            .iter()
            .rev()
            .find_map(|op| if let Call::StraightTraverse { end } = op.call { Some(end) } else { None });
        assert_eq!(numbers(&last.expect("a motion").machine_mm), expected, "{text}");
    };
    check_machine(Dialect::Fanuc, "G54.1 P1\nG0 X1. Y0 Z0", "8 0 0");
    check_machine(Dialect::Haas, "G154 P2\nG0 X1. Y0 Z0", "15 0 0");
    check_machine(Dialect::Haas, "G111\nG0 X1. Y0 Z0", "15 0 0");
    check_machine(Dialect::Fanuc, "G10 L20 P3 X30.\nG54.1 P3\nG0 X1. Y0 Z0", "31 0 0");
    check_machine(Dialect::Fanuc, "G10 L10 P1 R40.\nG10 L11 P1 R-.5\nG43 H1 G0 X0 Y0 Z0", "0 0 39.5");
    check_machine(Dialect::Fanuc, "G91 G10 L11 P1 R.25\nG90 G43 H1 G0 X0 Y0 Z0", "0 0 50.25");
    check_machine(Dialect::Fanuc, "G0 X5. Y5. Z5.\nG28 W2.", "5 5 0");
    let result = run("G21 G54.1 P9 G0 X1.\nM30", &options(Dialect::Fanuc));
    assert!(result.diagnostics.iter().any(|found| found.severity == Severity::Warning && found.message.contains("P9")));
    assert_eq!(result.ops[0].modal.work_offset, 17);
}

#[test]
fn a_skip_is_a_probe_and_leaves_the_motion_code() {
    let result = run("G21 G1 F100. X0\nG31 Z-5.\nX3.\nM30", &options(Dialect::Fanuc));
    assert_eq!(rows(&result)[1..], ["2 feed 0 0 -5 F100", "3 feed 3 0 -5 F100", "4 end"], "the motion code stays");
    assert_eq!((result.ops[1].modal.forced, result.ops[2].modal.forced), (Some(ForcedReason::Probing), None));
}

#[test]
fn what_is_not_simulated_is_refused_with_advice() {
    for text in ["G150 P1", "G101 X0", "G47", "G70 I5."] {
        check_fault(Dialect::Haas, text, "program::unsupported", 1, 1);
    }
    for text in ["G12.1", "G43.4 H1", "G68.2 X0", "G36", "G66.1 P1"] {
        check_fault(Dialect::Fanuc, text, "program::unsupported", 1, 1);
    }
    check_fault(Dialect::Fanuc, "G154 P1", "program::unknown-code", 1, 1);
    check_fault(Dialect::Fanuc, "G777", "program::unknown-code", 1, 1);
}
