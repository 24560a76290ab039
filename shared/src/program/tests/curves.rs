//! Splines, polar words, synchronised and probing moves, saved modes. The expected places were checked against
//! LinuxCNC's interpreter.

use super::*;

#[test]
fn splines_end_at_their_end_and_keep_their_shape() {
    let result = run("G21 F100\nG5.1 X20 Y0 I10 J10\nM2", &options(Dialect::Rs274ngc));
    let found = rows(&result);
    assert_eq!(found.len(), 46, "fifteen pieces for each of three points, and the end");
    assert_eq!((found[14].as_str(), found[44].as_str()), ("2 feed 6.667 4.444 0 F100", "2 feed 20 0 0 F100"));
    // The second spline goes on in the direction of the first.
    let text = "G21 F100\nG5 X10 Y0 I0 J5 P0 Q5\nG5 X20 Y0 P0 Q-5\nM2";
    let found = rows(&run(text, &options(Dialect::Rs274ngc)));
    assert_eq!((found[29].as_str(), found[89].as_str()), ("2 feed 5 3.75 0 F100", "3 feed 15 -3.75 0 F100"));
    check_fault(Dialect::Rs274ngc, "G21 F1\nG5.1 X1 Y1", "program::missing-word", 2, 1);
    check_fault(Dialect::Rs274ngc, "G21 F1 G18\nG5.1 X1 Y1 I1", "program::wrong-mode", 2, 1);
}

#[test]
fn polar_words_give_distance_and_angle() {
    check(
        Dialect::Rs274ngc,
        "G21 F100\nG0 @10 ^90\n^0\n@20\nG91 ^90\nG90 G0 X1\nG91 G81 @1 Z-1 R1 L2\nG80",
        &[
            "2 rapid 0 10 0",
            "3 rapid 10 0 0",
            "4 rapid 20 0 0",
            "5 rapid 0 20 0",
            "6 rapid 1 20 0",
            "7 rapid 1 20 1",
            "7 rapid 1.05 20.999 1",
            "7 feed 1.05 20.999 0 F100",
            "7 rapid 1.05 20.999 1",
            "7 rapid 1.1 21.998 1",
            "7 feed 1.1 21.998 0 F100",
            "7 rapid 1.1 21.998 1",
        ],
    );
    check_fault(Dialect::Rs274ngc, "G21 G0 @10 X5", "program::modal-group", 1, 12);
    check_fault(Dialect::Fanuc, "G21 G0 @10", "program::bad-character", 1, 8);
}

#[test]
fn synchronised_and_probing_moves_are_forced() {
    let result =
        run("G21 S120 M3\nG33 Z-5 K1.5\nG33.1 Z-10 K1\nF60\nG38.2 Z-20\nG1 X1\nM2", &options(Dialect::Rs274ngc));
    let found: Vec<_> = result.ops.iter().map(|op| (row(op), op.modal.forced)).collect();
    let expect = |index: usize, text: &str, forced: Option<ForcedReason>| {
        assert_eq!((found[index].0.as_str(), found[index].1), (text, forced));
    };
    expect(2, "2 feed 0 0 -5 F180", Some(ForcedReason::Synchronised));
    expect(3, "3 feed 0 0 -10 F120", Some(ForcedReason::Synchronised));
    expect(5, "3 feed 0 0 -5 F120", Some(ForcedReason::Synchronised));
    expect(7, "5 feed 0 0 -20 F60", Some(ForcedReason::Probing));
    expect(8, "6 feed 1 0 -20 F60", None);
    assert!(result.diagnostics.iter().any(|diagnostic| diagnostic.message.contains("probe")));
}

#[test]
fn modes_are_saved_and_brought_back() {
    check(
        Dialect::Rs274ngc,
        "G21 G90 F100 S60 M3\nM70\nG20 G91 M5\nM72\nG0 X1\nG0 X1",
        &["1 speed 60", "1 spindle 1", "3 spindle 0", "4 spindle 1", "5 rapid 1 0 0", "6 rapid 1 0 0"],
    );
    // M73 brings the modes back at the end of the call.
    check(
        Dialect::Rs274ngc,
        "G21 G90\no<s> sub\nM73\nG91 G0 X5\no<s> endsub\no<s> call\nG0 X1",
        &["4 rapid 5 0 0", "7 rapid 1 0 0"],
    );
}

#[test]
fn tool_lengths_and_names_set_by_the_program() {
    let last = |text: &str| rows(&run(text, &options(Dialect::Rs274ngc))).into_iter().rev().nth(1).expect("a motion");
    assert_eq!(last("G21 G10 L1 P1 Z5\nG43 H1\nG0 X1\nM2"), "3 rapid 1 0 -5");
    assert_eq!(last("G21 G0 Z9\nG10 L10 P1 Z5\nG43 H1\nG0 X1\nM2"), "4 rapid 1 0 5");
    let result = run("G21 M61 Q2\nG0 X1\nM2", &options(Dialect::Rs274ngc));
    assert_eq!(result.ops[0].modal.tool, Some(ToolNumber(2)));
}

#[test]
fn diameter_mode_halves_x() {
    check(Dialect::Rs274ngc, "G21 G7\nG0 X10 Z1\nG8 X10", &["2 rapid 5 0 1", "3 rapid 10 0 1"]);
}
