//! Words, their order, modes and single moves.

use super::*;

#[test]
fn a_block_without_blanks_in_the_order_of_execution() {
    check(
        Dialect::Fanuc,
        "G20T3M6(6MM EM)\nN250G0G90G54X-.0531Y.5345S12000M3\nN260 x 1 y2. z-.5 m8",
        &[
            "1 select T3",
            "1 change T3",
            "2 speed 12000",
            "2 spindle 1",
            "2 rapid -1.349 13.576 0",
            "3 coolant true",
            "3 rapid 25.4 50.8 -12.7",
        ]
        .map(|row| row),
    );
}

#[test]
fn comments_percent_and_program_numbers_are_no_words() {
    check(Dialect::Fanuc, "%\nO1001(NAME X5)\nG0 X1. (X2) Y2. ; X9\n(only a comment)\n;\n\nN10", &["3 rapid 1 2 0"]);
    let result = run("%\nG0 X1\n%\nG0 X2\n", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["2 rapid 1 0 0", "3 end"], "nothing is read behind the second %");
    let result = run("G0 X1\nM30\nG0 X2\n", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["1 rapid 1 0 0", "2 end"], "nothing is read behind M30");
}

#[test]
fn a_text_without_end_ends_at_its_last_line_and_says_so() {
    let result = run("G21 G0 X1\nG0 X2", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["1 rapid 1 0 0", "2 rapid 2 0 0", "2 end"]);
    assert_eq!(result.diagnostics.len(), 1);
    assert_eq!((result.diagnostics[0].code, result.diagnostics[0].severity), ("program::no-end", Severity::Note));
}

#[test]
fn units_distance_and_feed_modes() {
    check(
        Dialect::Rs274ngc,
        "G21 G90\nF600\nG1 X10\nG91 X10 Y1\nG20\nX1\nG90 X1\nG21 G0 X5",
        &["3 feed 10 0 0 F600", "4 feed 20 1 0 F600", "6 feed 45.4 1 0 F600", "7 feed 25.4 1 0 F600", "8 rapid 5 1 0"],
    );
    // G93: a move of 30 mm in half a minute. G95: 0.1 mm a turn at 1000 rev/min.
    check(
        Dialect::Rs274ngc,
        "G21\nG93 G1 X30 F2\nG95 S1000\nG1 X0 F.1\nG94\nG1 X1 F50",
        &["2 feed 30 0 0 F60", "3 speed 1000", "4 feed 0 0 0 F100", "6 feed 1 0 0 F50"],
    );
    let result = run("G21 S100 G95 F1\nG1 X1\nM2", &options(Dialect::Rs274ngc));
    assert_eq!(result.ops[1].modal.forced, Some(ForcedReason::Synchronised));
    assert_eq!(result.ops[1].modal.feed_mode, FeedMode::PerRevolution);
}

#[test]
fn inch_and_millimetre_twins_give_equal_geometry() {
    let inch = run("G20\nF10\nG1 X1 Y-.5\nG2 X2 Y-.5 I.5 J0\nG3 X3 Y.5 R1\nM2", &options(Dialect::Rs274ngc));
    let metric = run(
        "G21\nF254\nG1 X25.4 Y-12.7\nG2 X50.8 Y-12.7 I12.7 J0\nG3 X76.2 Y12.7 R25.4\nM2",
        &options(Dialect::Rs274ngc),
    );
    assert_eq!(rows(&inch), rows(&metric));
    assert_eq!(inch.facts.units_said, [LengthUnit::Inch]);
}

#[test]
fn the_unit_in_the_block_of_f() {
    // LinuxCNC carries F out before G20; Fanuc reads the whole block first.
    check(Dialect::Rs274ngc, "G21 F1\nG20 G1 X1 F10", &["2 feed 25.4 0 0 F10"]);
    check(Dialect::Fanuc, "G21 F1\nG20 G1 X1. F10.", &["2 feed 25.4 0 0 F254"]);
    check_fault(Dialect::Rs274ngc, "G21 F1\nG20 G1 X1 F10", "program::assumed", 2, 11);
}

#[test]
fn arcs_in_three_planes_helices_and_full_circles() {
    check(
        Dialect::Rs274ngc,
        "G21 F100\nG2 X10 Y0 I5 J0\nG3 X10 Y0 I-5\nI-5 Z3\nG18 G2 X20 Z3 I5 K0\nG19 G3 Y0 Z13 J0 K5\nG17 G90.1 G2 X30 Y0 I25 J0\nG91.1 G3 X30 Y0 I1 P3",
        &[
            "2 arc 10 0 0 Xy about 5 0 turns -1 F100",
            "3 arc 10 0 0 Xy about 5 0 turns 1 F100",
            "4 arc 10 0 3 Xy about 5 0 turns 1 F100",
            "5 arc 20 0 3 Zx about 3 15 turns -1 F100",
            "6 arc 20 0 13 Yz about 0 8 turns 1 F100",
            "7 arc 30 0 13 Xy about 25 0 turns -1 F100",
            "8 arc 30 0 13 Xy about 31 0 turns 3 F100",
        ],
    );
    check(
        Dialect::Rs274ngc,
        "G21 F100\nG2 X10 Y10 R10\nG2 X0 Y0 R-10",
        &["2 arc 10 10 0 Xy about 10 0 turns -1 F100", "3 arc 0 0 0 Xy about 10 0 turns -1 F100"],
    );
}

#[test]
fn inverse_time_counts_the_length_of_the_helix() {
    // A quarter of a circle of radius 10 rising by 5, in one minute.
    let result = run("G21 G93\nG3 X0 Y20 Z5 I0 J10 F1\nM2", &options(Dialect::Rs274ngc));
    let expected = ((std::f64::consts::PI * 10.0).powi(2) + 25.0).sqrt();
    let feed = result.ops[0].modal.feed.expect("a feed").as_mm_s() * 60.0;
    assert!((feed - expected).abs() < 1e-9, "{feed} instead of {expected}");
}

#[test]
fn dwell_in_the_unit_of_the_control() {
    check(Dialect::Rs274ngc, "G4 P1.5", &["1 dwell 1.5"]);
    check(Dialect::Grbl, "G4 P1.5", &["1 dwell 1.5"]);
    check(Dialect::Fanuc, "G4 P1500\nG4 X1.5", &["1 dwell 1.5", "2 dwell 1.5"]);
    check(Dialect::Haas, "G4 P1500\nG4 P2.", &["1 dwell 1.5", "2 dwell 2"]);
}

#[test]
fn stops_depend_on_the_switches_of_the_operator() {
    let text = "M0\nM1\n/G0 X1\nG0 X2\nM60\nM2";
    let off = run(text, &options(Dialect::Rs274ngc));
    assert_eq!(rows(&off), ["1 stop Unconditional", "3 rapid 1 0 0", "4 rapid 2 0 0", "5 stop Pallet", "6 end"]);
    assert_eq!((off.facts.without_effect[0].word.as_str(), off.facts.without_effect[0].line), ("M1", 2));
    let on = run(text, &Options { optional_stop: true, block_delete: true, ..options(Dialect::Rs274ngc) });
    assert_eq!(rows(&on), ["1 stop Unconditional", "2 stop Optional", "4 rapid 2 0 0", "5 stop Pallet", "6 end"]);
}

#[test]
fn the_state_beside_an_operation_is_that_after_its_block() {
    let result = run("G21 T1 M6 S600 M3\nG55 G61 G1 X1 F60 M49\nG64 M48 X2\nM2", &options(Dialect::Rs274ngc));
    let first = result.ops[4].modal;
    assert_eq!((first.tool, first.work_offset, first.path), (Some(ToolNumber(1)), 1, PathMode::ExactPath));
    assert_eq!(first.forced, Some(ForcedReason::DisabledByProgram));
    assert_eq!((first.spindle.speed.map(|s| s.as_rev_s()), first.spindle.direction), (Some(10.0), 1));
    assert_eq!(first.feed.map(|feed| feed.as_mm_s()), Some(1.0));
    let second = result.ops[5].modal;
    assert_eq!((second.forced, second.path), (None, PathMode::default()));
}

#[test]
fn parameters_and_expressions_of_macro_b() {
    check(
        Dialect::Fanuc,
        "G21\n#501 = 1 ( SELECT [ 1=G54 ] )\n#510=0.( X )\nG90 G10 L2 P#501 X[#510]\n#100=2.+3.*4.\nG1 X#100 F[#100 * .5 * 2].\nG0 X[SIN[30.]*10.] Y-#100\nX#33 Z1.",
        &["6 feed 14 0 0 F14", "7 rapid 5 -14 0", "8 rapid 5 -14 1"],
    );
    // RS274/NGC carries assignments out behind the block, and an unwritten parameter is zero.
    check(Dialect::Rs274ngc, "G21\n#1=5 #2=[#1+1]\nG0 X#1 #1=7 Y#2\nX#1 Y#3", &["3 rapid 5 1 0", "4 rapid 7 0 0"]);
    check(
        Dialect::Rs274ngc,
        "G21\n#<_all>=[2**3 + 10 MOD 4 - 6/4]\nG0 X#<_all> Y[ATAN[1]/[1]] Z[1 LT 2 AND 3 GE 4]",
        &["3 rapid 8.5 45 0"],
    );
}

#[test]
fn diagnoses_with_place_and_advice() {
    let check =
        |text: &str, code: &str, line: u32, column: u32| check_fault(Dialect::Rs274ngc, text, code, line, column);
    check("G21\nG0 X1 G999", "program::unknown-code", 2, 7);
    check("M999", "program::unknown-code", 1, 1);
    check("G1.05 X1", "program::unknown-code", 1, 1);
    check("G0 X1.2.3", "program::bad-number", 1, 5);
    check("G0 X", "program::bad-number", 1, 5);
    check("T1.5", "program::bad-number", 1, 1);
    check("G1 X1", "program::no-feed", 1, 1);
    check("X1", "program::no-motion", 1, 1);
    check("G0 G1 X1", "program::modal-group", 1, 4);
    check("M3 M4", "program::modal-group", 1, 4);
    check("G0 G92 X1", "program::modal-group", 1, 1);
    check("G0 X1 X2", "program::repeated-word", 1, 7);
    check("G0 X1 P2", "program::unused-word", 1, 7);
    check("F100\nG2 X10 Y0 I6 J0", "program::arc-radius", 2, 1);
    check("F100\nG2 X10 Y0 R4", "program::arc-radius", 2, 1);
    check("F100\nG2 X0 Y0 R4", "program::arc-radius", 2, 1);
    check("F100\nG2 X10", "program::arc-form", 2, 1);
    check("F100\nG2 X10 Y0 I5 R5", "program::arc-form", 2, 1);
    check("F100\nG2 X10 Y0 I5 K5", "program::arc-form", 2, 14);
    check("G0 X1 (open", "program::comment", 1, 7);
    check("(a (b) c)", "program::comment", 1, 1);
    check("G0 X1 ) Y2", "program::bad-character", 1, 7);
    check("G0 X\u{e4}1", "program::bad-number", 1, 5);
    check("G0 X1 \u{e4}", "program::encoding", 1, 7);
    check("S-1", "program::out-of-range", 1, 1);
    check("F-1", "program::out-of-range", 1, 1);
    check("G0 X99999999999999999999", "program::out-of-range", 1, 4);
    check("G4", "program::missing-word", 1, 1);
    check("M6", "program::no-tool", 1, 1);
    check("T9", "program::tool-length", 1, 1);
    check("G43 H9", "program::tool-length", 1, 5);
    check("G95 F1\nG1 X1", "program::no-speed", 2, 1);
    check("G91 G53 G0 X1", "program::wrong-mode", 1, 5);
    check("G0 X[1", "program::expression", 1, 5);
    check("G0 X[1/0]", "program::arithmetic", 1, 6);
    check("G0 X#<none>", "program::parameter", 1, 5);
    check("G0 X1", "program::unit-assumed", 1, 4);
    check_fault(Dialect::Fanuc, "G21 G41 D1", "program::unsupported", 1, 5);
}

#[test]
fn a_block_with_an_error_makes_no_motion_and_the_next_is_read() {
    let result = run("G21\nG0 X1\nG1 X2\nG0 X3 G77\nG0 Y4\nM2", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["2 rapid 1 0 0", "5 rapid 1 4 0", "6 end"]);
    assert_eq!(result.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count(), 2);
}

#[test]
fn what_the_program_never_said_is_a_fact() {
    let facts = run("G21\nG1 X1 F100\nM2", &options(Dialect::Rs274ngc)).facts;
    assert!(!facts.speed_said && !facts.tool_said && facts.feed_said && !facts.unit_assumed);
    assert_eq!((facts.blocks, facts.operations), (3, 2));
    let facts = run("X1.\nM2", &options(Dialect::Fanuc)).facts;
    assert!(facts.unit_assumed);
}
