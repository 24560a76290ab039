//! Siemens 840D: words, expressions, frames, cycles, flow.

use super::*;

fn check_siemens(text: &str, expected: &[&str]) {
    check(Dialect::Siemens, &format!("G710 G17 G90 G94 F100\n{text}"), expected);
}

fn fault(text: &str, code: &str, column: u32) {
    check_fault(Dialect::Siemens, &format!("G710 F100\n{text}"), code, 2, column);
}

#[test]
fn coordinates_by_number_expression_and_mode() {
    check_siemens(
        "N10 G0 X10 Y=2*(3+1) Z=IC(5)\nG91 X1 Y=AC(0)\nG90 R1=4 _Q=R1/2 X=_Q+R1 Y=R[1]",
        &["2 rapid 10 8 5", "3 rapid 11 0 5", "4 rapid 6 4 5"],
    );
    check_siemens("DEF REAL AA=2.5, BB\nBB=AA**2\nG1 X=BB Y=-AA", &["4 feed 6.25 -2.5 0 F100"]);
    check_siemens("G1 X1.5EX1 B=DC(90) C45", &["2 feed 15 0 0 F100"]);
    let result = run("G710 G0 B90 C=AC(-45)\nM30", &options(Dialect::Siemens));
    let Call::StraightTraverse { end } = result.ops[0].call else { panic!("{:?}", result.ops[0]) };
    assert_eq!(end.rotary_rad, [0.0, std::f64::consts::FRAC_PI_2, -std::f64::consts::FRAC_PI_4]);
}

#[test]
fn functions_and_operators() {
    let value = |text: &str, expected: f64| {
        let result = run(&format!("G710\nR1={text}\nG0 X=R1\nM30"), &options(Dialect::Siemens));
        let Some(Call::StraightTraverse { end }) = result.ops.first().map(|op| op.call.clone()) else {
            panic!("{text}: {:?}", result.diagnostics)
        };
        assert!((end.program_mm[0] - expected).abs() < 1e-9, "{text} is {}", end.program_mm[0]);
    };
    value("SIN(30)", 0.5);
    value("ATAN2(1,1)", 45.0);
    value("POT(3)+SQRT(16)", 13.0);
    value("7 DIV 2", 3.0);
    value("7 MOD 4", 3.0);
    value("TRUNC(-1.5)", -1.0);
    value("ROUND(2.6)", 3.0);
    value("BOUND(0,10,17)", 10.0);
    value("MINVAL(2,-3)", -3.0);
    value("2+3*4-6/2", 11.0);
    value("6 B_AND 3", 2.0);
    value("(1==1) AND (2>1)", 1.0);
    // Comparisons are weaker than AND: 1 == (1 AND 2) == 2 compares 1 with 2.
    value("1==1 AND 2==2", 0.0);
    value("NOT(1==2)", 1.0);
    value("(\"a\"<<5)==\"A5\"", 1.0);
}

#[test]
fn arcs_by_centre_radius_opening_and_turns() {
    check_siemens(
        "G2 X10 Y0 I5 J0\nG3 X0 Y0 CR=5\nG2 X10 Y0 I=AC(5) J=AC(0) TURN=2\nG3 I-5 J0 AR=180\nG3 X10 Y0 AR=180",
        &[
            "2 arc 10 0 0 Xy about 5 0 turns -1 F100",
            "3 arc 0 0 0 Xy about 5 0 turns 1 F100",
            "4 arc 10 0 0 Xy about 5 0 turns -3 F100",
            "5 arc 0 0 0 Xy about 5 0 turns 1 F100",
            "6 arc 10 0 0 Xy about 5 0 turns 1 F100",
        ],
    );
}

#[test]
fn polar_coordinates_about_a_pole() {
    check_siemens(
        "G111 X10 Y10\nG0 AP=90 RP=5\nAP=0\nAP=IC(180)",
        &["3 rapid 10 15 0", "4 rapid 15 10 0", "5 rapid 5 10 0"],
    );
}

#[test]
fn frames_move_turn_scale_and_mirror() {
    check_siemens(
        "TRANS X10 Y5\nG0 X1 Y1\nATRANS X1\nX1 Y1\nTRANS\nX1 Y1",
        &["3 rapid 11 6 0", "5 rapid 12 6 0", "7 rapid 1 1 0"],
    );
    check_siemens("TRANS X10\nAROT Z90\nG0 X5 Y0\nROT RPL=180\nX5", &["4 rapid 10 5 0", "6 rapid -5 5 0"]);
    check_siemens(
        "SCALE X2 Y2\nG1 X5 Y0\nG2 X10 Y0 I2.5 J0",
        &["3 feed 10 0 0 F100", "4 arc 20 0 0 Xy about 15 0 turns -1 F100"],
    );
    // The mirrored arc turns the other way.
    check_siemens(
        "MIRROR X0\nG1 X5 Y0\nG2 X10 Y0 I2.5 J0",
        &["3 feed -5 0 0 F100", "4 arc -10 0 0 Xy about -7.5 0 turns 1 F100"],
    );
    // A quarter turn about X: the programmed Y is up.
    check_siemens("ROT X90\nG0 X1 Y2 Z3", &["3 rapid 1 -3 2"]);
}

#[test]
fn a_tilted_arc_becomes_lines_on_its_circle() {
    let result = run("G710 F100\nROT X30\nG1 X10 Y0 Z0\nG3 X-10 Y0 I-10 J0\nM30", &options(Dialect::Siemens));
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    let feeds: Vec<_> = result
        .ops
        .iter()
        .filter_map(|op| if let Call::StraightFeed { end } = op.call { Some(end.program_mm) } else { None })
        .collect();
    assert!(feeds.len() > 50, "{}", feeds.len());
    for at in &feeds {
        let radius = (at[0] * at[0] + at[1] * at[1] + at[2] * at[2]).sqrt();
        assert!((radius - 10.0).abs() < 1e-9, "{at:?}");
        assert!((at[2] - at[1] * 30f64.to_radians().tan()).abs() < 1e-9, "{at:?} lies in the tilted plane");
    }
}

#[test]
fn cycle800_turns_the_frame_axis_by_axis() {
    // MODE 57: about X, the new Y, the new Z.
    let text = "CYCLE800(1,\"TC1\",100000,57,10,0,0,90,0,0,0,0,5,-1)\nG0 X1 Y2 Z3\nCYCLE800()\nX1 Y2 Z3";
    check_siemens(text, &["3 rapid 11 -8 2", "5 rapid 1 2 3"]);
    check_fault(Dialect::Siemens, "CYCLE800(1,\"TC1\",0,192,0,0,0,10,0,0,0,0,0,-1)", "program::unsupported", 1, 1);
}

#[test]
fn machine_coordinates_and_the_length_of_the_tool() {
    let mut options = options(Dialect::Siemens);
    options.work_offsets_mm[0] = [100.0, 200.0, 300.0];
    let text = "G710 T=\"MILL\"\nM6\nG0 X1 Y2 Z3\nSUPA X0 Z10\nSUPA Z10 D0\nG500 X1 Y2 Z3 D1\nG53 X0\nM30";
    let result = run(text, &options);
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    let machine: Vec<_> = result
        .ops
        .iter()
        .filter_map(
            |op| if let Call::StraightTraverse { end } = op.call { Some(numbers(&end.machine_mm)) } else { None },
        )
        .collect();
    // The tool named first is T1 of the table, 50 mm long; D0 takes its length back.
    assert_eq!(machine, ["101 202 353", "0 202 60", "0 202 10", "1 2 53", "0 2 53"]);
    assert_eq!(result.facts.tool_names, BTreeMap::from([(ToolNumber(1), "MILL".to_owned())]));
}

#[test]
fn inches_for_lengths_and_for_feeds() {
    check_siemens(
        "G700 G1 X1 F10\nG710 X0 F100\nG70 X1 F100",
        &["2 feed 25.4 0 0 F254", "3 feed 0 0 0 F100", "4 feed 25.4 0 0 F100"],
    );
}

#[test]
fn corners_are_rounded_and_cut() {
    check_siemens(
        "G1 X10 RND=2\nY10\nG1 X0 CHR=1\nY20\nX-10 CHF=1.4142135623730951\nY0",
        &[
            "2 feed 8 0 0 F100",
            "2 arc 10 2 0 Xy about 8 2 turns 1 F100",
            "3 feed 10 10 0 F100",
            "4 feed 1 10 0 F100",
            "4 feed 0 11 0 F100",
            "5 feed 0 20 0 F100",
            "6 feed -9 20 0 F100",
            "6 feed -10 19 0 F100",
            "7 feed -10 0 0 F100",
        ],
    );
}

#[test]
fn drilling_once_and_by_mcall() {
    check_siemens(
        "G0 Z10\nMCALL CYCLE81(10.,0.,3.,-6)\nX5\nMCALL\nX6\nCYCLE82(5,0,1,,2,0.5)",
        &[
            "2 rapid 0 0 10",
            "4 rapid 5 0 10",
            "4 rapid 5 0 3",
            "4 feed 5 0 -6 F100",
            "4 rapid 5 0 10",
            "6 rapid 6 0 10",
            "7 rapid 6 0 1",
            "7 feed 6 0 -2 F100",
            "7 dwell 0.5",
            "7 rapid 6 0 5",
        ],
    );
    check_siemens(
        "G0 Z10\nCYCLE83(10,0,2,-25,,-10,,0,,,1,1)",
        &[
            "2 rapid 0 0 10",
            "3 rapid 0 0 2",
            "3 feed 0 0 -10 F100",
            "3 rapid 0 0 2",
            "3 rapid 0 0 -9.4",
            "3 feed 0 0 -20 F100",
            "3 rapid 0 0 2",
            "3 rapid 0 0 -19.4",
            "3 feed 0 0 -25 F100",
            "3 rapid 0 0 10",
        ],
    );
    check_siemens(
        "S500 M3\nG0 Z10\nCYCLE84(10,0,2,-8,,,5,,1.25,,500)",
        &[
            "2 speed 500",
            "2 spindle 1",
            "3 rapid 0 0 10",
            "4 rapid 0 0 2",
            "4 feed 0 0 -8 F625",
            "4 spindle -1",
            "4 feed 0 0 2 F625",
            "4 spindle 0",
            "4 rapid 0 0 10",
        ],
    );
}

#[test]
fn jumps_branches_and_loops() {
    check_siemens(
        "R1=0\nAGAIN: R1=R1+1\nG0 X=R1\nIF R1<3 GOTOB AGAIN\nGOTOF N90\nX99\nN90 Y1",
        &["4 rapid 1 0 0", "4 rapid 2 0 0", "4 rapid 3 0 0", "8 rapid 3 1 0"],
    );
    check_siemens(
        "IF 1==2\nG0 X1\nIF 1==1\nX2\nENDIF\nELSE\nG0 X3\nENDIF\nFOR R1=1 TO 2\nY=R1\nENDFOR\nWHILE R1<5\nR1=R1+1\nZ=R1\nENDWHILE",
        &["8 rapid 3 0 0", "11 rapid 3 1 0", "11 rapid 3 2 0", "15 rapid 3 2 4", "15 rapid 3 2 5"],
    );
    check_siemens(
        "R1=0\nREPEAT\nR1=R1+1\nG0 X=R1\nUNTIL R1==2\nLOOP\nR1=R1+1\nIF R1==4 GOTOF OUT\nENDLOOP\nOUT: Y=R1",
        &["5 rapid 1 0 0", "5 rapid 2 0 0", "11 rapid 2 4 0"],
    );
    check_siemens(
        "R1=2\nCASE R1 OF 1 GOTOF A1 2 GOTOF A2 DEFAULT GOTOF A3\nA1: G0 X1\nA2: G0 X2\nA3: Y3",
        &["5 rapid 2 0 0", "6 rapid 2 3 0"],
    );
    check_siemens(
        "G91\nPART: G0 X1\nENDE: Y1\nREPEAT PART ENDE P=2\nX5",
        &[
            "3 rapid 1 0 0",
            "4 rapid 1 1 0",
            "3 rapid 2 1 0",
            "4 rapid 2 2 0",
            "3 rapid 3 2 0",
            "4 rapid 3 3 0",
            "6 rapid 8 3 0",
        ],
    );
}

#[test]
fn subprograms_by_name_with_arguments() {
    let sources = BTreeMap::from([
        ("HOLE.SPF".to_owned(), b"PROC HOLE(REAL XX, REAL YY=7)\nG0 X=XX Y=YY\nRET\n".to_vec()),
        ("L10".to_owned(), b"G0 X=IC(1)\nM17\n".to_vec()),
    ]);
    let text = b"%_N_MAIN_MPF\nG710\nHOLE(3)\nHOLE(4,5)\nL10 P2\nSUB1\nM30\n%_N_SUB1_SPF\nG0 Z9\nM17\n";
    let result = interpret("t.mpf", text, &sources, &options(Dialect::Siemens));
    assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
    assert_eq!(
        rows(&result),
        ["2 rapid 3 7 0", "2 rapid 4 5 0", "1 rapid 5 5 0", "1 rapid 6 5 0", "9 rapid 6 5 9", "7 end"]
    );
    assert_eq!(result.ops[0].at, Provenance { source: SourceId(1), line: 2, depth: 1, calls: result.ops[0].at.calls });
}

#[test]
fn what_changes_nothing_is_listed() {
    let text = "G710 G601 FNORM SOFT\nMSG(\"HELLO; G0 X5\")\nCYCLE832(0.02,1,1)\nSTOPRE\nTRAORI\nM27 H5\nCTOL=0.01\nG0 X1\nM30";
    let result = run(text, &options(Dialect::Siemens));
    assert!(result.diagnostics.is_empty(), "{:?}", result.diagnostics);
    let listed: Vec<_> = result.facts.without_effect.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(listed, ["G601", "FNORM", "SOFT", "MSG", "CYCLE832", "STOPRE", "TRAORI", "H", "M27", "CTOL"]);
}

#[test]
fn mistakes_have_a_place_and_advice() {
    fault("G0 X=", "program::expression", 6);
    fault("G0 X=(1+2", "program::expression", 6);
    fault("G0 X=1/0", "program::arithmetic", 6);
    fault("G0 X=_NONE", "program::parameter", 6);
    fault("G0 X=$AA_IB[X]", "program::parameter", 6);
    fault("MSG(\"no end", "program::expression", 5);
    fault("G0 G1 X1", "program::modal-group", 4);
    fault("G0 X1 X2", "program::repeated-word", 7);
    fault("G2 X1 Y1", "program::arc-form", 4);
    fault("G2 X10 Y0 CR=1", "program::arc-radius", 4);
    fault("G1 X1 A3=0 B3=0 C3=1", "program::unsupported", 7);
    fault("G444 X1", "program::unknown-code", 1);
    fault("FOOBAR X1", "program::unknown-code", 1);
    fault("POCKET3(1,2,3)", "program::unsupported", 1);
    fault("GOTOF NOWHERE", "program::flow", 1);
    fault("IF 1==2", "program::flow", 1);
    fault("ENDWHILE", "program::flow", 1);
    fault("DEF FOO X1", "program::flow", 1);
    fault("CYCLE81(10,0,1)", "program::missing-word", 1);
    fault("CYCLE81(10,0,1,5)", "program::cycle", 1);
    fault("SCALE X0", "program::out-of-range", 1);
    check_fault(Dialect::Siemens, "G710 F9\nSCALE X2 Y1\nG2 X1 Y1 I1 J0", "program::unsupported", 3, 4);
    check_fault(Dialect::Siemens, "G710 F9\nG1 X1 RND=5\nY1", "program::cycle", 3, 0);
    fault("G0 X1 ^", "program::bad-character", 7);
}

/// Pieces of programs, right and wrong.
const PIECES: &[&str] = &[
    "G0",
    "G1",
    "G2",
    "X",
    "Y=",
    "Z=IC(",
    "R1=",
    "R[",
    "DEF REAL ",
    "IF ",
    "ELSE",
    "ENDIF",
    "FOR R1=1 TO 3",
    "ENDFOR",
    "WHILE ",
    "ENDWHILE",
    "LOOP",
    "ENDLOOP",
    "REPEAT",
    "UNTIL ",
    "CASE ",
    "OF",
    "GOTOF A1",
    "GOTOB A1",
    "A1:",
    "MCALL ",
    "CYCLE81(",
    "CYCLE83(1,2,3",
    "CYCLE800(",
    ")",
    "TRANS ",
    "AROT ",
    "SCALE ",
    "MIRROR ",
    "SUPA ",
    "MSG(\"",
    "\"",
    ",",
    "1",
    "-5",
    "0.5",
    "EX",
    "==",
    "<<",
    " AND ",
    "SIN(",
    "$P_EP[X]",
    "CR=",
    "TURN=",
    "RND=1",
    "T=\"A\"",
    "M6",
    "D1",
    "PROC A(",
    "RET",
    "M17",
    "\n",
    "\n",
    "\n",
    "CALLME",
    "N10",
    "/",
    "%_N_",
    ";",
    "AC(",
    "\u{e4}",
    "REPEAT A1 A1 P=2",
];

#[test]
fn noise_ends_without_panic() {
    let mut rng = crate::det::Rng::new(77);
    let limits = Limits { jumps_max: 200, operations_max: 2000, ..Limits::STANDARD };
    let options = Options { limits, ..options(Dialect::Siemens) };
    for _ in 0..4000 {
        let count = 1 + rng.below(40);
        let text: String = (0..count).map(|_| PIECES[rng.below(PIECES.len() as u64) as usize]).collect();
        let result = run(&text, &options);
        for op in &result.ops {
            if let Call::StraightTraverse { end } | Call::StraightFeed { end } | Call::ArcFeed { end, .. } = &op.call {
                assert!(end.machine_mm.iter().all(|value| value.is_finite()), "{text:?}");
            }
        }
    }
}
