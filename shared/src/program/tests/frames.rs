//! Offsets, tool length, G28, G53, G92: program against machine coordinates.

use super::*;

/// Program and machine coordinates of the last motion.
fn last(text: &str, options: &Options) -> ([String; 2], Modal) {
    let result = run(&format!("{text}\nM2\n"), options);
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    let place = |op: &CanonOp| match &op.call {
        Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } => {
            Some(([numbers(&end.program_mm), numbers(&end.machine_mm)], op.modal))
        }
        _ => None,
    };
    result.ops.iter().rev().find_map(place).expect("a motion")
}

fn check_place(text: &str, program: &str, machine: &str) {
    let mut options = options(Dialect::Rs274ngc);
    options.work_offsets_mm[0] = [100.0, 200.0, 300.0];
    options.work_offsets_mm[8] = [1.0, 2.0, 3.0];
    options.reference_mm = [0.0, 0.0, 400.0];
    assert_eq!(last(text, &options).0, [program, machine], "{text}");
}

#[test]
fn machine_is_program_and_offsets() {
    check_place("G21\nG0 X1 Y2 Z3", "1 2 3", "101 202 303");
    check_place("G21 G59.3\nG0 X1 Y2 Z3", "1 2 3", "2 4 6");
    // Z is not named: the axis stays where it stood, at the reference.
    check_place("G21 G0 X1", "1 -200 100", "101 0 400");
    check_place("G21 G43 H1 G0 X0 Y0 Z0", "0 0 0", "100 200 350");
    check_place("G21 G43 H1\nG49 G0 X0 Y0 Z0", "0 0 0", "100 200 300");
    check_place("G21 G43.1 Z7\nG0 X0 Y0 Z0", "0 0 0", "100 200 307");
}

#[test]
fn reference_and_machine_moves() {
    check_place("G21 G0 X1 Y2 Z3\nG91 G28 Z0", "1 2 100", "101 202 400");
    check_place("G21 G43 H1 G0 X1 Y2 Z3\nG28", "-100 -200 50", "0 0 400");
    check_place("G21 G0 X1 Y2 Z3\nG53 G0 Z10", "1 2 -290", "101 202 10");
    check_place("G21 G0 X5 Y5 Z5\nG28.1\nG0 X9\nG28", "5 5 5", "105 205 305");
    check(
        Dialect::Fanuc,
        "G21 G0 X1. Z2.\nG91 G28 Z0 M6 T3",
        &["1 rapid 1 0 2", "2 select T3", "2 change T3", "2 rapid 1 0 2", "2 rapid 1 0 0"],
    );
}

#[test]
fn g92_g52_and_g10_move_the_frame_and_not_the_machine() {
    check_place("G21 G0 X1 Y2 Z3\nG92 X0 Y0\nG0 X10", "10 0 3", "111 202 303");
    check_place("G21 G0 X1 Y2 Z3\nG92 X0\nG92.2\nG0 Y5", "1 5 3", "101 205 303");
    check_place("G21 G0 X1 Y2 Z3\nG92 X0\nG92.2\nG92.3\nG0 Y5", "0 5 3", "101 205 303");
    check_place("G21 G52 X10\nG0 X1 Y2 Z3", "1 2 3", "111 202 303");
    check_place("G21 G10 L2 P1 X0 Y0 Z0\nG0 X1 Y2 Z3", "1 2 3", "1 2 3");
    check_place("G21 G10 L2 P1 X0 Y0 Z0 R90\nG0 X1 Y0 Z3", "1 0 3", "0 1 3");
    check_place("G21 G0 X1 Y2 Z3\nG10 L20 P1 X0 Y0\nG0 X5 Y5", "5 5 3", "106 207 303");
}

#[test]
fn tool_length_applies_by_program_or_at_the_tool_change() {
    let text = "G21 T1 M6\nG0 X0 Y0 Z0";
    let by_program = options(Dialect::Fanuc);
    assert_eq!(last(text, &by_program).0, ["0 0 0", "0 0 0"]);
    let at_change = Options { tool_length_rule: ToolLengthRule::AtToolChange, ..options(Dialect::Fanuc) };
    let (place, modal) = last(text, &at_change);
    assert_eq!((place, modal.tool_offset_mm), (["0 0 0".to_owned(), "0 0 50".to_owned()], [0.0, 0.0, 50.0]));
    // G49 takes back what G43 added, not the tool in the spindle.
    assert_eq!(last("G21 T1 M6\nG49\nG0 X0 Y0 Z0", &at_change).0[1], "0 0 50");
    assert_eq!(last("G21 T2 M6\nG43 H1\nG0 X0 Y0 Z0", &at_change).0[1], "0 0 50");
}

#[test]
fn a_missing_length_is_an_error_in_a_table_and_a_note_without() {
    check_fault(Dialect::Fanuc, "T9 M6\nG43 H9", "program::tool-length", 2, 5);
    let none = Options { tool_lengths_mm: BTreeMap::new(), ..options(Dialect::Fanuc) };
    let result = run("T9 M6\nG43 H9\nG43 H9\nM2", &none);
    let found: Vec<_> = result.diagnostics.iter().map(|diagnostic| (diagnostic.code, diagnostic.severity)).collect();
    assert_eq!(found, [("program::tool-length", Severity::Note)], "said once");
}

#[test]
fn machine_coordinates_are_program_coordinates_through_the_frame() {
    // Property: under random offsets, rotation and tool length, the distance between two places is the same in
    // both frames, and an absolute move to where the tool stands moves nothing.
    let mut rng = crate::det::Rng::new(2024);
    for _ in 0..200 {
        let mut draw = |bound: f64| (rng.between(-bound, bound) * 1000.0).round() / 1000.0;
        let text = format!(
            "G21 G10 L2 P3 X{} Y{} Z{} R{}\nG56 G43 H2\nG92 X{} Y{}\nG0 X{} Y{} Z{}\nX{} Y{} Z{}\nM2",
            draw(500.0),
            draw(500.0),
            draw(500.0),
            draw(180.0),
            draw(50.0),
            draw(50.0),
            draw(90.0),
            draw(90.0),
            draw(90.0),
            draw(90.0),
            draw(90.0),
            draw(90.0)
        );
        let result = run(&text, &options(Dialect::Rs274ngc));
        let poses: Vec<Pose> = result
            .ops
            .iter()
            .filter_map(|op| if let Call::StraightTraverse { end } = op.call { Some(end) } else { None })
            .collect();
        let distance = |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt();
        let program = distance(poses[0].program_mm, poses[1].program_mm);
        let machine = distance(poses[0].machine_mm, poses[1].machine_mm);
        assert!((program - machine).abs() < 1e-9, "{text}");
    }
}
