//! grbl 1.1: its words, its refusals by their numbers, its tolerance of arcs.

use super::*;

fn refused(text: &str, answer: &str) {
    let result = run(&format!("G21 F100\n{text}\nM2\n"), &options(Dialect::Grbl));
    let found = result.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
    let found = found.unwrap_or_else(|| panic!("{text:?} was read: {:?}", rows(&result)));
    assert!(found.message.contains(&format!("error:{answer},")), "{text:?}: {found}");
    assert!(found.line == 2 && !found.advice.is_empty(), "{found}");
}

#[test]
fn what_grbl_reads() {
    check(
        Dialect::Grbl,
        "G21 G90 G17 G94 G54 G40 G49 G61 G91.1\nT1\nM3 S1000\nM8\nG0 X1\nG1 Y1 F100\nG2 X2 Y0 R1\nG38.2 Z-1\nG4 P1\nG80\nG53 G0 Z0\nG92 X0\nG92.1\nG10 L2 P1 X1\nG28.1\nG28\nM5 M9",
        &[
            "2 select T1",
            "3 speed 1000",
            "3 spindle 1",
            "4 coolant true",
            "5 rapid 1 0 0",
            "6 feed 1 1 0 F100",
            "7 arc 2 0 0 Xy about 1 0 turns -1 F100",
            "8 feed 2 0 -1 F100",
            "9 dwell 1",
            "11 rapid 2 0 0",
            "16 rapid 1 0 0",
            "16 rapid 1 0 0",
            "17 spindle 0",
            "17 coolant false",
        ],
    );
}

#[test]
fn refusals_bear_the_number_of_grbl() {
    refused("G81 X1 Z-1 R1", "20");
    refused("M6 T1", "20");
    refused("G64", "20");
    refused("G41 D1", "20");
    refused("G43 H1", "20");
    refused("G59.1", "20");
    refused("M98 P1", "20");
    refused("A10", "20");
    refused("O100 sub", "20");
    refused("#1=5", "1");
    refused("G1 X[1+2]", "2");
    refused("G1 X#1", "2");
    refused("G1 X", "2");
    refused("G0 G1 X1", "21");
    refused("G92 G0 X1", "24");
    refused("G1 X1 X2", "25");
    refused("G4", "28");
    refused("G2 X1 Y1", "35");
    refused("G2 X10 Y0 R1", "34");
    refused("G2 X10 Y0 I2 J0", "33");
    refused("G0 X1 P5", "36");
    refused("G53 G2 X1 Y1 I1", "30");
    refused("T1.5", "23");
    let result = run("G21\nG1 X1\nM2", &options(Dialect::Grbl));
    assert!(result.diagnostics.iter().any(|found| found.message.contains("error:22,")), "{:?}", result.diagnostics);
}

#[test]
fn system_commands_and_real_time_characters_are_listed() {
    let text = "$H\n$$\n$10=1\nG21 ?G0 X1!\n~G0 X2\nM2";
    let result = run(text, &options(Dialect::Grbl));
    assert!(result.diagnostics.is_empty(), "{:?}", result.diagnostics);
    assert_eq!(rows(&result), ["4 rapid 1 0 0", "5 rapid 2 0 0", "6 end"]);
    let listed: Vec<_> = result.facts.without_effect.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(listed, ["$H", "$$", "$10=1", "?", "!", "~"]);
    refused("$J=X10 F100", "20");
}

#[test]
fn arcs_miss_by_half_a_millimetre_and_a_thousandth_at_most() {
    // Radii 10 and 10.004: within 0.005 mm. 10 and 10.02: beyond 0.005 mm and 0.1 %. 100 and 100.05: within 0.1 %.
    check(Dialect::Grbl, "G21 F100\nG2 X20.004 Y0 I10 J0", &["2 arc 20.004 0 0 Xy about 10 0 turns -1 F100"]);
    refused("G2 X20.02 Y0 I10 J0", "33");
    check(Dialect::Grbl, "G21 F100\nG2 X200.05 Y0 I100 J0", &["2 arc 200.05 0 0 Xy about 100 0 turns -1 F100"]);
    refused("G2 X2000.6 Y0 I1000 J0", "33");
}
