//! Cutter compensation by closed form: squares and circles whose offset curves are known, and what is refused.
//! That every corner agrees with LinuxCNC is shown in `tests/oracle_comp.rs`.

use super::*;
use crate::det::Rng;
use crate::det::math;

/// Tool 2 has the radius 2 mm.
const START: &str = "G21 F100 T2 M6\n";

fn motions(text: &str) -> Vec<String> {
    let result = run(&format!("{START}{text}\nM2\n"), &options(Dialect::Rs274ngc));
    let errors: Vec<_> = result.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let rows = rows(&result);
    rows.into_iter().filter(|row| !row.contains("change") && !row.contains("select") && !row.contains("end")).collect()
}

#[test]
fn a_square_from_outside_is_rounded_at_its_corners() {
    assert_eq!(
        motions("G0 X-10 Y-10\nG41 G1 X0 Y0\nY20\nX20\nY0\nX0\nG40 G1 X-10 Y-10"),
        [
            "2 rapid -10 -10 0",
            // An inner corner of 45° between entry and contour: 2 tan 22.5° = 0.828.
            "3 feed -2 0.828 0 F100",
            "4 feed -2 20 0 F100",
            "5 arc 0 22 0 Xy about 0 20 turns -1 F100",
            "5 feed 20 22 0 F100",
            "6 arc 22 20 0 Xy about 20 20 turns -1 F100",
            "6 feed 22 0 0 F100",
            "7 arc 20 -2 0 Xy about 20 0 turns -1 F100",
            "7 feed 0 -2 0 F100",
            "8 feed -10 -10 0 F100",
        ]
    );
}

#[test]
fn a_square_from_inside_shrinks_by_the_radius() {
    assert_eq!(
        motions("G0 X10 Y5\nG42 G1 X10 Y0\nX0\nY20\nX20\nY0\nX10\nG40 Y10"),
        [
            "2 rapid 10 5 0",
            "3 feed 8 2 0 F100",
            "4 feed 2 2 0 F100",
            "5 feed 2 18 0 F100",
            "6 feed 18 18 0 F100",
            "7 feed 18 2 0 F100",
            "8 feed 10 2 0 F100",
            "9 feed 10 10 0 F100",
        ]
    );
}

#[test]
fn circles_change_their_radius_by_that_of_the_cutter() {
    let mut rng = Rng::new(41);
    for _ in 0..300 {
        let (circle, radius) = (rng.between(5.0, 50.0), rng.between(0.1, 4.0));
        let is_left = rng.chance(0.5);
        // Counter-clockwise from the rightmost point; the entry comes in along the tangent.
        let code = if is_left { "G41.1" } else { "G42.1" };
        let text =
            format!("G0 X{circle} Y-9\n{code} D{} G1 X{circle} Y0\nG3 I-{circle} J0\nG40 G1 X0 Y9\nM2", 2.0 * radius);
        let result = run(&format!("{START}{text}"), &options(Dialect::Rs274ngc));
        let arcs: Vec<_> = result
            .ops
            .iter()
            .filter_map(|op| match &op.call {
                Call::ArcFeed { end, centre_mm, turns, .. } => Some((end.program_mm, *centre_mm, *turns)),
                _ => None,
            })
            .collect();
        assert_eq!(arcs.len(), 1, "{text}: {:?}", result.diagnostics);
        let (end, centre, turns) = arcs[0];
        let expected = if is_left { circle - radius } else { circle + radius };
        let found = math::hypot(end[0] - centre[0], end[1] - centre[1]);
        assert!((found - expected).abs() < 1e-9 && turns == 1, "{found} instead of {expected}");
        assert!(math::hypot(centre[0], centre[1]) < 1e-9, "the centre stays");
    }
}

#[test]
fn other_operations_stay_behind_the_move_before_them() {
    let rows = motions("G0 X-10\nG41 G1 X0\nX10\nG4 P1\nS100\nF50\nX20\nM0\nX30\nG40 G1 Y10");
    let expected = [
        "2 rapid -10 0 0",
        "3 feed 0 2 0 F100",
        "4 feed 10 2 0 F100",
        "5 dwell 1",
        "6 speed 100",
        "8 feed 20 2 0 F50",
        "9 stop Unconditional",
        "10 feed 30 2 0 F50",
        "11 feed 30 10 0 F50",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_end_of_the_program_lets_everything_go() {
    assert_eq!(motions("G0 X-10\nG41 G1 X0\nX10"), ["2 rapid -10 0 0", "3 feed 0 2 0 F100", "4 feed 10 2 0 F100"]);
    let result = run("G21 F100 T2 M6\nG0 X-10\nG41 G1 X0\nX10", &options(Dialect::Rs274ngc));
    assert_eq!(rows(&result).last().map(String::as_str), Some("4 end"));
    assert_eq!(rows(&result).iter().filter(|row| row.contains("feed")).count(), 2);
}

#[test]
fn a_tool_change_behind_the_exit_finds_the_tool_beside_the_contour() {
    assert_eq!(
        motions("G0 X-10\nG41 G1 X0\nX10\nG40\nT1 M6\nG0 Z5"),
        ["2 rapid -10 0 0", "3 feed 0 2 0 F100", "4 feed 10 2 0 F100", "7 rapid 10 2 5"]
    );
}

#[test]
fn what_gouges_or_is_forbidden_is_refused_where_it_stands() {
    let fault = |text: &str, code: &str, line: u32, column: u32| {
        check_fault(Dialect::Rs274ngc, &format!("{START}{text}"), code, line, column);
    };
    fault("G41 G1 X2", "program::entry-move", 2, 5);
    fault("G41\nG2 X1 Y1 R1", "program::entry-move", 3, 1);
    // A slot narrower than the cutter.
    fault("G41 G1 X10\nX20\nY2\nX0\nG40", "program::gouge", 5, 0);
    fault("G41 G1 X10\nG3 X12 Y0 R1", "program::gouge", 3, 1);
    fault("G41 G1 X10\nG55", "program::wrong-mode", 3, 1);
    fault("G41 G1 X10\nG0 X[#5420]", "program::parameter", 3, 6);
    fault("G41 G1 X10\nG40\nG2 X20 Y0 I5 J0", "program::wrong-mode", 4, 1);
    fault("G19 G41", "program::wrong-mode", 2, 5);
    fault("G42.1", "program::missing-word", 2, 1);
    fault("G41 D7", "program::tool-diameter", 2, 5);
    check_fault(Dialect::Grbl, "G21 G41 D1", "program::unknown-code", 1, 5);
}

#[test]
fn without_a_table_the_path_is_as_written_and_that_is_said() {
    let none = Options { tool_diameters_mm: BTreeMap::new(), ..options(Dialect::Rs274ngc) };
    let result = run("G21 F100 T2 M6\nG41 G1 X10\nX20\nM2", &none);
    assert!(rows(&result).contains(&"3 feed 20 0 0 F100".to_owned()));
    let said = result.diagnostics.iter().find(|diagnostic| diagnostic.code == "program::tool-diameter");
    assert_eq!(said.map(|diagnostic| (diagnostic.line, diagnostic.is_error())), Some((2, false)));
}

#[test]
fn a_stop_in_an_inner_corner_is_warned_of() {
    let result = run(&format!("{START}G41 G1 X10\nX20\nM0\nY20\nX10\nG40 X0\nM2"), &options(Dialect::Rs274ngc));
    let warned = result.diagnostics.iter().find(|diagnostic| diagnostic.code == "program::gouge");
    assert_eq!(warned.map(|diagnostic| (diagnostic.line, diagnostic.is_error())), Some((5, false)));
}

#[test]
fn what_is_held_back_is_bounded() {
    let text = format!("{START}G41 G1 X10\no1 while [1]\nG4 P0\no1 endwhile\nM2");
    let result = run(&text, &options(Dialect::Rs274ngc));
    assert!(result.diagnostics.iter().any(|diagnostic| diagnostic.message.contains("HELD_MAX")));
}

/// The motions of another dialect, without its errors.
fn of_dialect(dialect: Dialect, text: &str) -> Vec<String> {
    let result = run(text, &options(dialect));
    let errors: Vec<_> = result.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{text}: {errors:?}");
    rows(&result).into_iter().filter(|row| ["rapid", "feed", "arc"].iter().any(|word| row.contains(word))).collect()
}

#[test]
fn fanuc_compensates_with_radii_that_the_program_gives_and_no_others() {
    let contour = "G0 X-10. Y0.\nG41 D7 G1 X0. F100.\nG41 X20.\nG40 G0 X40.\nM30";
    let given = format!("G21 G90\nG10 L12 P7 R3.\nG10 L13 P7 R-1.\n{contour}");
    assert_eq!(
        of_dialect(Dialect::Fanuc, &given),
        ["4 rapid -10 0 0", "5 feed 0 2 0 F100", "6 feed 20 2 0 F100", "7 rapid 40 0 0"]
    );
    // The tool table has a diameter for T1 and T2, but D is a register.
    let open = run(&format!("G21 G90 T2 M6\n{}", contour.replace("D7", "D2")), &options(Dialect::Fanuc));
    assert!(rows(&open).contains(&"4 feed 20 0 0 F100".to_owned()), "{:?}", rows(&open));
    assert!(open.diagnostics.iter().any(|said| said.code == "program::unsupported" && !said.is_error()));
    assert!(open.facts.without_effect.iter().any(|known| known.word == "G41"), "{:?}", open.facts.without_effect);
    // In a mirror left becomes right: both the contour and the cutter beside it are mirrored.
    let mirrored = given.replace("G0 X-10.", "G51.1 Y0.\nG0 X-10.");
    assert!(of_dialect(Dialect::Fanuc, &mirrored).contains(&"7 feed 20 -2 0 F100".to_owned()));
    check_fault(Dialect::Fanuc, &given.replace("X20.", "G68 X0 Y0 R10."), "program::unsupported", 6, 5);
}

#[test]
fn siemens_compensates_with_the_radius_of_the_tool() {
    let text = "G71 G90 T2\nM6\nG0 X-10 Y0\nG41 G1 X0 F100\nX20 RND=5\nY20\nG40 G0 Y40\nM30";
    assert_eq!(
        of_dialect(Dialect::Siemens, text),
        [
            "3 rapid -10 0 80",
            "4 feed 0 2 80 F100",
            "5 feed 15 2 80 F100",
            // The arc of the corner, of radius 5 mm, is cut from inside.
            "5 arc 18 5 80 Xy about 15 5 turns 1 F100",
            "6 feed 18 20 80 F100",
            "7 rapid 20 40 80",
        ]
        .map(|row| row.replace(" 80", " -80"))
    );
    // From the same line of the first move a shorter entry is no mistake here.
    assert_eq!(of_dialect(Dialect::Siemens, &text.replace("X-10", "X-1"))[1], "4 feed 0 2 -80 F100");
    let unknown = run(&text.replace("T2", "T0"), &options(Dialect::Siemens));
    assert!(unknown.diagnostics.iter().any(|said| said.code == "program::unsupported" && !said.is_error()));
    check_fault(Dialect::Siemens, &text.replace("X20 RND=5", "TRANS X5"), "program::unsupported", 5, 0);
}
