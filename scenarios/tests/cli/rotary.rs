//! Work that turns: what `cosim simulate` cuts where the machine states its kinematics, and says where it does not.

use std::f64::consts::PI;

use serde_json::Value;

use crate::support::{Bench, near, number};

const TOOLS: &str = r#"schema = 1
[[tool]]
number = 1
name = "flat"
shape = "flat"
diameter_mm = 20.0
flutes = 4
flute_length_mm = 12.0
stickout_mm = 40.0
length_offset_mm = 80.0
[[tool]]
number = 2
name = "ball"
shape = "ball"
diameter_mm = 12.0
flutes = 2
flute_length_mm = 12.0
stickout_mm = 40.0
length_offset_mm = 70.0
"#;

const A_AXIS: &str = "\n[axis.a]\nfeed_max_deg_min = 36000.0\nrapid_deg_min = 36000.0\nacceleration_deg_s2 = 3600.0\n";

/// A on the table, its line along X through the work origin that the machine assumes.
const A_JOINT: &str = "\n[[kinematics.joint]]\naxis = \"a\"\ncarries = \"work\"\ndirection = [-1.0, 0.0, 0.0]\n\
    centre_mm = [-400.0, -250.0, -400.0]\n";

/// A bar of 24 × 24 mm along the line of A.
const BAR: &str = "box:60x24x24@0,-12,-12";

fn machine(more: &str) -> String {
    let plain = include_str!("../../data/machines/generic-vmc.toml");
    format!("{plain}{more}")
}

fn bench(machine_tables: &str, program: &str) -> Bench {
    let bench = Bench::new();
    bench.write("tools.toml", TOOLS).write("part.nc", program).write("machine.toml", machine(machine_tables));
    bench
}

const ARGS: [&str; 9] =
    ["part.nc", "--tools", "tools.toml", "--stock", BAR, "--machine", "machine.toml", "--threads", "2"];

fn simulate(program: &str) -> (Value, Vec<Value>) {
    bench(&format!("{A_AXIS}{A_JOINT}"), program).simulate(&ARGS)
}

#[test]
fn four_flats_of_an_indexed_bar_are_four_times_one() {
    let flat = |a: u32| format!("G0 Z30.\nA{a}.\nG0 X-14. Y0.\nG1 Z10. F1000.\nX75.\n");
    let program = |sides: &[u32]| {
        format!(
            "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG43 H1\n{}G0 Z60.\nM30\n",
            sides.iter().map(|a| flat(*a)).collect::<String>()
        )
    };
    // One pass of 20 mm over a side of 24 mm, 2 mm deep; passes on other sides do not meet it.
    let expected = 60.0 * 20.0 * 2.0;
    for sides in [&[0u32][..], &[90], &[0, 90, 180, 270]] {
        let (report, segments) = simulate(&program(sides));
        near(number(&report, "removed_volume_mm3"), expected * sides.len() as f64, 0.02, &format!("sides {sides:?}"));
        assert_eq!(report["collisions"], Value::Array(vec![]), "sides {sides:?}");
        assert_eq!(report["rapids_in_stock"], Value::Array(vec![]), "sides {sides:?}");
        let cuts: Vec<&Value> = segments.iter().filter(|segment| !segment["ap_mm"].is_null()).collect();
        assert_eq!(cuts.len(), sides.len());
        for cut in cuts {
            near(number(cut, "ap_mm"), 2.0, 0.06, "a_p");
            assert!((number(cut, "ae_mm") - 20.0).abs() < 0.5, "{cut}");
            // The work stands while it is cut: loads are those of any slot.
            assert!(number(cut, "force_peak_xy_n") > 0.0, "{cut}");
        }
    }
}

#[test]
fn a_bar_is_turned_round_by_its_fourth_axis() {
    // 24° a millimetre: 15 mm a turn, less than the face of the mill is wide.
    let program = "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG43 H1\nG0 X-14. Y0. Z30. A0.\nG1 Z9. F2000.\nX74. A2112. F3000.\nG0 Z60.\nM30\n";
    let (report, _) = simulate(program);
    let left = 60.0 * 24.0 * 24.0 - number(&report, "removed_volume_mm3");
    near(left, PI * 81.0 * 60.0, 0.015, "turned bar");
    assert_eq!(report["rapids_in_stock"], Value::Array(vec![]));
    let notes = report["notes"].to_string();
    assert!(!notes.contains("motion::rotary"), "{notes}");
}

#[test]
fn a_rapid_that_turns_through_the_work_is_found_with_its_line() {
    let program = "G21 G90 G17 G94\nT2 M6\nS6000 M3\nG43 H2\nG0 X30. Y0. Z14. A0.\nG0 A90.\nG0 Z60.\nM30\n";
    let (report, _) = simulate(program);
    let rapids = report["rapids_in_stock"].as_array().expect("a list");
    assert_eq!(rapids.len(), 1, "{report}");
    // The corners of the bar are 17 mm from the line, the tip 14 mm.
    assert_eq!(
        (&rapids[0]["line"], rapids[0]["removed_mm3"].as_f64().is_some_and(|mm3| mm3 > 1.0)),
        (&Value::from(6), true)
    );
}

#[test]
fn without_kinematics_the_work_stands_and_the_report_says_so() {
    let program =
        "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG43 H1\nG0 X-14. Y0. Z30. A0.\nG1 Z10. F1000.\nX75. A90.\nG0 Z60.\nM30\n";
    for tables in ["", A_AXIS] {
        let (report, _) = bench(tables, program).simulate(&ARGS);
        let notes = report["notes"].to_string();
        assert!(notes.contains("motion::rotary") || notes.contains("rotary axes turn"), "{notes}");
        near(number(&report, "removed_volume_mm3"), 60.0 * 20.0 * 2.0, 0.01, "as if it stood");
    }
}

#[test]
fn a_mistake_in_the_kinematics_is_named_by_file_and_line() {
    let tables = format!("{A_AXIS}{}", A_JOINT.replace("[-1.0, 0.0, 0.0]", "[0.0, 0.0, 0.0]"));
    let text = machine(&tables);
    let line = 1 + text.lines().position(|line| line.starts_with("direction")).expect("it is there");
    let done = bench(&tables, "G0 X1\nM30\n").cosim(&["simulate", "part.nc", "--machine", "machine.toml"]);
    assert_ne!(done.code, 0);
    assert!(done.err.contains(&format!("machine.toml:{line}")), "line {line}:\n{}", done.err);
}

#[test]
fn threads_do_not_show_in_the_stock() {
    let program =
        "G21 G90 G17 G94\nT2 M6\nS6000 M3\nG43 H2\nG0 X5. Y2. Z30. A10.\nG1 Z9. F1000.\nX20. A100.\nG0 Z60.\nM30\n";
    let bench = bench(&format!("{A_AXIS}{A_JOINT}"), program);
    let digest = |threads: &str| {
        let mut args = ARGS;
        args[8] = threads;
        let report = bench.simulate(&args).0;
        // Drawn out of where it has turned to, the tool touches nothing.
        assert_eq!(report["rapids_in_stock"], Value::Array(vec![]));
        report["stock"]["digest"].clone()
    };
    assert_eq!(digest("1"), digest("2"));
}

/// The bar with a clamp under it, bolted to what turns: on top once A has turned by half.
const WITH_CLAMP: &str = r#"schema = 1
name = "clamp-on-a-table"
[program]
file = "part.nc"
[machine]
file = "machine.toml"
[wcs.G54]
origin = [-400.0, -250.0, -400.0]
units = "mm"
[stock]
shape = "box"
min = [0.0, -12.0, -12.0]
max = [60.0, 12.0, 12.0]
units = "mm"
[tools]
library = "tools.toml"
[material]
name = "6061-T6"
[[fixture]]
name = "clamp"
clearance_mm = 1.0
box = { min = [40.0, -20.0, -20.0], max = [70.0, 20.0, -12.5], units = "mm" }
"#;

#[test]
fn fixtures_turn_with_the_table_they_are_bolted_to() {
    let program = |lines: &str| format!("G21 G90 G17 G94\nT1 M6\nS6000 M3\nG43 H1\n{lines}G0 Z80.\nM30\n");
    let report = |tables: &str, lines: &str| {
        let bench = bench(tables, &program(lines));
        bench.write("scenario.toml", WITH_CLAMP);
        bench.simulate(&["--scenario", "scenario.toml"]).0
    };
    let turns = format!("{A_AXIS}{A_JOINT}");
    let lines = |report: &Value| -> Vec<(u64, String)> {
        let list = report["collisions"].as_array().expect("a list").iter();
        list.filter(|found| found["with"] == "clamp")
            .map(|found| (found["line"].as_u64().expect("a line"), found["kind"].to_string()))
            .collect()
    };
    let pass = |a: u32| format!("G0 Z50.\nA{a}.\nG0 X-14. Y0.\nG1 Z10. F1000.\nX75.\n");
    // Under the bar it is out of the way, beside it, too; on top it is not.
    for (a, expected) in [(0, false), (90, false), (180, true)] {
        let report = report(&turns, &pass(a));
        assert_eq!(report["fixtures_unchecked"], 0, "A{a}");
        let found = lines(&report);
        assert_eq!(!found.is_empty(), expected, "A{a}: {found:?}");
        // It is met on the way along X, and the tool stands in it where it is drawn out.
        assert!(found.iter().all(|(line, _)| [9, 10].contains(line)), "A{a}: {found:?}");
    }
    // The cutter, 20 mm wide, stands 22 mm above the line, and the corner of the clamp comes around at 28 mm.
    let found = lines(&report(&turns, "G0 Z50.\nG0 X50. Y0. Z22. A0.\nG0 A180.\n"));
    assert_eq!(found, [(7, "\"cutter\"".to_owned())], "{found:?}");
    let clear = report(&turns, "G0 Z50.\nG0 X50. Y0. Z32. A0.\nG0 A180.\n");
    assert_eq!((lines(&clear), &clear["fixtures_unchecked"]), (vec![], &Value::from(0)));
    // At 29 mm it passes at 0.72 mm, and is said to pass no farther off than that; at 30 it is clear.
    let close = report(&turns, "G0 Z50.\nG0 X50. Y0. Z29. A0.\nG0 A180.\n");
    let distance_mm = number(&close["close_passes"][0], "distance_mm");
    assert!(lines(&close).is_empty() && (0.0..0.73).contains(&distance_mm), "{close}");
    let clear = report(&turns, "G0 Z50.\nG0 X50. Y0. Z30. A0.\nG0 A180.\n");
    assert_eq!((lines(&clear), &clear["close_passes"]), (vec![], &Value::Array(vec![])));
    // Without kinematics nobody knows, and that is said.
    let unknown = report(A_AXIS, &pass(180));
    assert!(unknown["fixtures_unchecked"].as_u64().is_some_and(|count| count > 0), "{unknown}");
}

#[test]
fn a_move_that_turns_has_forces() {
    let program = "G21 G90 G17 G94\nT1 M6\nS6000 M3\nG43 H1\nG0 X-14. Y0. Z30. A0.\nG1 Z9. F2000.\nX74. A300. F600.\nG0 Z60.\nM30\n";
    let (report, segments) = simulate(program);
    assert!(number(&report, "force_peak_xy_n") > 1.0, "{}", report["force_peak_xy_n"]);
    let cut = segments.iter().find(|segment| segment["line"] == 7).expect("the move that turns");
    assert!(number(cut, "force_peak_xy_n") > 1.0 && number(cut, "power_w") > 1.0, "{cut}");
}
