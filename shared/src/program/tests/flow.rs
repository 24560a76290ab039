//! Loops, branches, subprograms, macro B.

use super::*;

#[test]
fn o_words_loop_and_branch() {
    check(
        Dialect::Rs274ngc,
        "G21\n#1=0\no1 while [#1 LT 3]\no2 if [#1 EQ 1]\nG0 X#1\no2 elseif [#1 EQ 2]\nG0 Y#1\no2 else\nG0 Z5\no2 endif\n#1=[#1+1]\no1 endwhile\nG0 X9",
        &["9 rapid 0 0 5", "5 rapid 1 0 5", "7 rapid 1 2 5", "13 rapid 9 2 5"],
    );
    check(
        Dialect::Rs274ngc,
        "G21 G91\no1 do\n#1=[#1+1]\no3 if [#1 EQ 2]\no1 continue\no3 endif\nG0 X1\no4 if [#1 GT 3]\no1 break\no4 endif\no1 while [#1 LT 9]\no2 repeat [2]\nG0 Y1\no2 endrepeat",
        &["7 rapid 1 0 0", "7 rapid 2 0 0", "7 rapid 3 0 0", "13 rapid 3 1 0", "13 rapid 3 2 0"],
    );
}

#[test]
fn o_subprograms_have_arguments_locals_and_a_value() {
    let text = "G21\n#5=7 #<here>=1\no<move> sub\nG0 X#1 Y#2 Z#5\n#5=99\no<move> endsub [#1 + 1]\no<move> call [1] [2]\nG0 X#<_value> Z#5 Y#<here>";
    check(Dialect::Rs274ngc, text, &["4 rapid 1 2 0", "8 rapid 2 1 7"]);
    // Recursion: 4! = 24.
    let text = "G21\no<f> sub\no10 if [#1 LE 1]\no<f> return [1]\no10 endif\no<f> call [#1-1]\no<f> endsub [#1*#<_value>]\no<f> call [4]\nG0 X#<_value>";
    check(Dialect::Rs274ngc, text, &["9 rapid 24 0 0"]);
}

#[test]
fn subprograms_in_files_keep_their_own_lines() {
    let sources = BTreeMap::from([("square".to_owned(), b"o<square> sub\nG0 X#1\no<square> endsub\n".to_vec())]);
    let result = interpret("t.nc", b"G21\no<square> call [5]\nG0 Y1\nM2\n", &sources, &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result), ["2 rapid 5 0 0", "3 rapid 5 1 0", "4 end"]);
    let Provenance { source, line, depth, .. } = result.ops[0].at;
    assert_eq!((source, line, depth), (SourceId(1), 2, 1));
    assert_eq!(result.facts.sources, ["t.nc", "square"]);
}

#[test]
fn m98_m99_and_macro_calls_of_fanuc() {
    let text = "O1\nG21 G91\nM98 P10 L2\nM98 P30010\nG65 P20 X5. I2.\nM30\nO10\nG0 X1.\nM99\nO20\nG0 X#24 Y#4\nM99";
    let result = run(text, &options(Dialect::Fanuc));
    let found: Vec<_> = rows(&result).into_iter().filter(|row| row.contains("rapid")).collect();
    assert_eq!(
        found,
        ["8 rapid 1 0 0", "8 rapid 2 0 0", "8 rapid 3 0 0", "8 rapid 4 0 0", "8 rapid 5 0 0", "11 rapid 10 2 0"]
    );
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    let sources = BTreeMap::from([("O0010".to_owned(), b"%\nO0010\nG0 X7.\n%\n".to_vec())]);
    let result = interpret("t.nc", b"O1\nM98 P10\nG0 Y1.\nM30", &sources, &options(Dialect::Fanuc));
    assert_eq!(rows(&result), ["3 rapid 7 0 0", "3 rapid 7 1 0", "4 end"]);
}

#[test]
fn macro_b_jumps_and_loops() {
    check(
        Dialect::Fanuc,
        "G21\n#1=0\nWHILE [#1 LT 3] DO1\n#1=#1+1\nIF [#1 EQ 2] GOTO 5\nG0 X#1\nN5 END1\nIF [#9 EQ #0] THEN #2=8.\nG0 Y#2\nGOTO 9\nG0 Z99.\nN9 G0 Z1.",
        &["6 rapid 1 0 0", "6 rapid 3 0 0", "9 rapid 3 8 0", "12 rapid 3 8 1"],
    );
}

#[test]
fn m99_in_the_main_program_ends_with_a_note() {
    let result = run("O1\nG21 G0 X1.\nM99\n", &options(Dialect::Fanuc));
    assert_eq!(rows(&result), ["2 rapid 1 0 0", "3 end"]);
    assert!(result.diagnostics.iter().any(|d| d.code == "program::assumed" && d.message.contains("M99")));
}

#[test]
fn endless_programs_end_at_a_named_limit() {
    let limits = Limits { jumps_max: 1000, ..Limits::STANDARD };
    let check = |dialect: Dialect, text: &str, limit: &str| {
        let result = run(text, &Options { limits, ..options(dialect) });
        let last = result.diagnostics.last().expect("a diagnosis");
        assert!(last.is_error() && last.message.contains(limit), "{text:?}: {last}");
    };
    check(Dialect::Rs274ngc, "o1 while [1]\no1 endwhile\nM2", "jumps_max");
    check(Dialect::Rs274ngc, "o1 do\no1 while [1]\nM2", "jumps_max");
    check(Dialect::Rs274ngc, "o1 repeat [999999999]\no1 endrepeat\nM2", "jumps_max");
    check(Dialect::Rs274ngc, "o<f> sub\no<f> call\no<f> endsub\no<f> call\nM2", "call_depth_max");
    check(Dialect::Fanuc, "N1 GOTO 1", "jumps_max");
    check(Dialect::Fanuc, "O1\nDO1\nEND1", "jumps_max");
    check(Dialect::Fanuc, "O1\nM98 P1\nM30", "call_depth_max");
    check(Dialect::Fanuc, "O1\nM98 P2 L99999\nM30\nO2\nM99", "jumps_max");
}

#[test]
fn flow_without_a_partner_is_diagnosed() {
    check_fault(Dialect::Rs274ngc, "o1 while [0]\nG0 X1", "program::flow", 1, 1);
    check_fault(Dialect::Rs274ngc, "o1 if [0]\nG0 X1", "program::flow", 1, 1);
    check_fault(Dialect::Rs274ngc, "o1 endwhile", "program::flow", 1, 1);
    check_fault(Dialect::Rs274ngc, "o1 sub\nG0 X1", "program::flow", 1, 1);
    check_fault(Dialect::Rs274ngc, "o1 bogus", "program::flow", 1, 1);
    check_fault(Dialect::Rs274ngc, "o<none> call", "program::no-subprogram", 1, 1);
    check_fault(Dialect::Fanuc, "GOTO 7", "program::flow", 1, 1);
    check_fault(Dialect::Fanuc, "WHILE [0 EQ 1] DO1", "program::flow", 1, 1);
    check_fault(Dialect::Fanuc, "M98 P77", "program::no-subprogram", 1, 1);
}

#[test]
fn parameters_of_the_control() {
    check(
        Dialect::Rs274ngc,
        "G20\nG0 X2 Y1\nG0 X[#5420+#5421] Y[#5220]\n#5001=7\nZ#5001 X#<_x>",
        &["2 rapid 50.8 25.4 0", "3 rapid 76.2 25.4 0", "5 rapid 76.2 25.4 177.8"],
    );
    check(Dialect::Fanuc, "G21 G0 X2. Y1.\nG0 X[#5001+#5042] Z[#4003-#4006]", &["1 rapid 2 1 0", "2 rapid 3 1 69"]);
    check_fault(Dialect::Fanuc, "G21 G0 X#3001", "program::parameter", 1, 9);
    check_fault(Dialect::Fanuc, "#5221=7.", "program::parameter", 1, 0);
}
