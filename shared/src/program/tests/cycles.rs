//! Canned cycles. The expected motions are those of LinuxCNC's interpreter for the same text.

use super::*;

const START: &str = "G21 G90 G17 F100\nG0 Z5\n";

fn check_cycle(text: &str, expected: &[&str]) {
    let mut all = vec!["2 rapid 0 0 5"];
    all.extend(expected);
    check(Dialect::Rs274ngc, &format!("{START}{text}"), &all);
}

#[test]
fn drilling_returns_to_r_or_to_the_initial_height() {
    check_cycle(
        "G99 G81 X1 Z-1 R1\nX2\nG98 X3\nG80\nG0 X4",
        &[
            "3 rapid 1 0 5",
            "3 rapid 1 0 1",
            "3 feed 1 0 -1 F100",
            "3 rapid 1 0 1",
            "4 rapid 2 0 1",
            "4 feed 2 0 -1 F100",
            "4 rapid 2 0 1",
            "5 rapid 3 0 5",
            "5 rapid 3 0 1",
            "5 feed 3 0 -1 F100",
            "5 rapid 3 0 5",
            "7 rapid 4 0 5",
        ],
    );
}

#[test]
fn incremental_cycles_repeat() {
    check_cycle(
        "G91 G98 G81 X1 Y0 Z-3 R-4 L2\nG80",
        &[
            "3 rapid 1 0 5",
            "3 rapid 1 0 1",
            "3 feed 1 0 -2 F100",
            "3 rapid 1 0 5",
            "3 rapid 2 0 5",
            "3 rapid 2 0 1",
            "3 feed 2 0 -2 F100",
            "3 rapid 2 0 5",
        ],
    );
}

#[test]
fn pecks_leave_the_hole_or_break_the_chip() {
    check_cycle(
        "G99 G83 X0 Z-2 R1 Q2\nG80",
        &[
            "3 rapid 0 0 1",
            "3 feed 0 0 -1 F100",
            "3 rapid 0 0 1",
            "3 rapid 0 0 -0.746",
            "3 feed 0 0 -2 F100",
            "3 rapid 0 0 1",
        ],
    );
    check_cycle(
        "G99 G73 X0 Z-2 R1 Q2\nG80",
        &["3 rapid 0 0 1", "3 feed 0 0 -1 F100", "3 rapid 0 0 -0.746", "3 feed 0 0 -2 F100", "3 rapid 0 0 1"],
    );
}

#[test]
fn dwell_feed_out_and_spindle_at_the_bottom() {
    check_cycle("G99 G82 X0 Z-1 R1 P.5\nG80", &["3 rapid 0 0 1", "3 feed 0 0 -1 F100", "3 dwell 0.5", "3 rapid 0 0 1"]);
    check_cycle("G99 G85 X0 Z-1 R1\nG80", &["3 rapid 0 0 1", "3 feed 0 0 -1 F100", "3 feed 0 0 1 F100"]);
    check_cycle(
        "M3 G99 G84 X0 Z-1 R1\nG80",
        &[
            "3 spindle 1",
            "3 rapid 0 0 1",
            "3 feed 0 0 -1 F100",
            "3 dwell 0",
            "3 spindle -1",
            "3 feed 0 0 1 F100",
            "3 spindle 1",
        ],
    );
    check_cycle(
        "M3 G99 G86 X0 Z-1 R1 P1\nG80",
        &[
            "3 spindle 1",
            "3 rapid 0 0 1",
            "3 feed 0 0 -1 F100",
            "3 dwell 1",
            "3 spindle 0",
            "3 rapid 0 0 1",
            "3 spindle 1",
        ],
    );
}

#[test]
fn a_cycle_in_another_plane_drills_along_its_normal() {
    check_cycle(
        "G18 G99 G81 X1 Z-1 Y-3 R2\nG80",
        &["3 rapid 0 2 5", "3 rapid 1 2 -1", "3 feed 1 -3 -1 F100", "3 rapid 1 2 -1"],
    );
}

#[test]
fn the_factor_is_forced_where_the_cycle_must_run_as_programmed() {
    let forced = |code: &str| {
        let text = format!("{START}M3 S100 {code} X1 Z-1 R1 Q1 P0\nG80\nG1 X5\nM2");
        let text = if matches!(code, "G83" | "G73") { text } else { text.replace(" Q1", "") };
        let text = if matches!(code, "G81" | "G85" | "G84" | "G83" | "G73") { text.replace(" P0", "") } else { text };
        let result = run(&text, &options(Dialect::Fanuc));
        assert!(result.diagnostics.iter().all(|diagnostic| !diagnostic.is_error()), "{:?}", result.diagnostics);
        let last = result.ops[result.ops.len() - 2].modal.forced;
        assert_eq!(last, None, "{code}: forced ends with the cycle");
        result.ops.iter().find(|op| matches!(op.call, Call::StraightFeed { .. })).and_then(|op| op.modal.forced)
    };
    assert_eq!(forced("G81"), None);
    assert_eq!(forced("G82"), None);
    assert_eq!(forced("G84"), Some(ForcedReason::Synchronised));
    for code in ["G73", "G83", "G85", "G86", "G89"] {
        assert_eq!(forced(code), Some(ForcedReason::HoleCycle), "{code}");
    }
}

#[test]
fn fanuc_returns_to_the_line_mode_and_knows_k() {
    check(
        Dialect::Fanuc,
        "G21 G90 F100.\nG0 Z5.\nG91 G99 G81 X1. Z-3. R-4. K2\nG90 G80 X0. Y0.",
        &[
            "2 rapid 0 0 5",
            "3 rapid 1 0 5",
            "3 rapid 1 0 1",
            "3 feed 1 0 -2 F100",
            "3 rapid 1 0 1",
            "3 rapid 2 0 1",
            "3 feed 2 0 -2 F100",
            "3 rapid 2 0 1",
            "4 rapid 0 0 1",
        ],
    );
}

#[test]
fn contradictions_are_diagnosed() {
    let check = |text: &str, code: &str, column: u32| {
        check_fault(Dialect::Rs274ngc, &format!("{START}{text}"), code, 3, column);
    };
    check("G81 X1", "program::missing-word", 1);
    check("G81 X1 R1", "program::missing-word", 1);
    check("G81 X1 Z-1 R-2", "program::cycle", 1);
    check("G83 X1 Z-1 R1", "program::missing-word", 1);
    check("G83 X1 Z-1 R1 Q0", "program::cycle", 1);
    check("G83 X1 Z-1 R1 Q.00001", "program::too-long", 1);
    check("G93 G81 X1 Z-1 R1 F1", "program::wrong-mode", 5);
    check("G81 X1 Z-1 R1 L0", "program::out-of-range", 15);
}
