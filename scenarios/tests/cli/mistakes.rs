//! The twenty commonest mistakes in programs, as a user sees them: the drawn message with caret and advice.
//!
//! After a change of wording: `INSTA_UPDATE=always cargo test -p scenarios --test cli mistakes`, and read the
//! difference.

use crate::support::Bench;

/// Name, and the lines between `G21` and `M2`.
const MISTAKES: [(&str, &str); 20] = [
    ("no_feed", "G1 X10."),
    ("letter_o_for_zero", "G1 X1O. F100"),
    ("two_decimal_points", "G1 X1.2.5 F100"),
    ("word_without_number", "G1 X F100"),
    ("word_twice", "G1 X1 X2 F100"),
    ("two_motions", "G0 G1 X1 F100"),
    ("unknown_g_code", "G123 X1"),
    ("unknown_m_code", "M777"),
    ("axis_without_motion", "X10 Y10"),
    ("arc_radii_differ", "G2 X10 Y0 I4 J0 F100"),
    ("arc_radius_too_short", "G2 X10 Y0 R2 F100"),
    ("arc_without_centre", "G2 X10 Y10 F100"),
    ("cycle_without_r", "G81 X1 Z-5 F100"),
    ("peck_without_q", "G83 X1 Z-5 R2 F100"),
    ("word_without_use", "G0 X1 R5"),
    ("comment_without_end", "G0 X1 (rapid"),
    ("bracket_without_end", "G0 X[1+2"),
    ("parameter_without_value", "G0 X#<depht>"),
    ("subprogram_missing", "o<pocket> call [1]"),
    ("dwell_without_time", "G4"),
];

#[test]
fn the_twenty_commonest_mistakes_are_drawn_with_caret_and_advice() {
    for (name, lines) in MISTAKES {
        let bench = Bench::new();
        bench.write("part.ngc", format!("G21\n{lines}\nM2\n"));
        let done = bench.cosim(&["canon", "part.ngc", "--dialect", "rs274ngc"]);
        assert_eq!(done.code, 2, "{name}: {}", done.err);
        let message = &done.err;
        assert!(message.contains("part.ngc:2"), "{name}: the line is not told: {message}");
        assert!(message.contains("┬") && message.contains("here"), "{name}: no caret: {message}");
        assert!(message.contains("help:"), "{name}: no advice: {message}");
        insta::assert_snapshot!(name, message);
    }
}
