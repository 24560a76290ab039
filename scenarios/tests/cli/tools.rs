use serde_json::Value;

use crate::support::{Bench, Done, number};

const PROGRAM: &str = "G21 G90 G17\nT3 M6\nS5000 M3\nG43 H3\nG0 X-15 Y0 Z5\nG1 Z-2 F300\nG1 X20 F500\nM30\n";
const TABLE: &str = "T1 P1 Z20 D6 ;6mm end mill\nT3 P3 Z51 D10 ;10mm 4 flute end mill\n";
const LIBRARY: &str = r#"{"data": [{"type": "flat end mill", "unit": "millimeters", "description": "ten",
  "geometry": {"DC": 10, "NOF": 4, "LCF": 22, "LB": 32, "SFDM": 10}, "post-process": {"number": 3}}]}"#;
const BIT: &str = r#"{"name": "ten", "shape": "endmill.fcstd", "parameter": {"Diameter": "10 mm", "Flutes": 4, "CuttingEdgeHeight": "22 mm"}}"#;
const PROJECT: &str = r#"{"units": "metric", "tools": {"3": {"shape": "cylindrical", "length": 22, "diameter": 10, "description": "4 flute"}}}"#;
const LIST: &str = "name;number;type;diameter [mm];flutes\nten;3;120;10,0;4\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM).write("tool.tbl", TABLE).write("lib.json", LIBRARY);
    bench.write("ten.fctb", BIT).write("job.camotics", PROJECT).write("list.csv", LIST);
    bench
}

fn says(done: &Done, texts: &[&str]) {
    assert_eq!(done.code, 2, "stderr:\n{}", done.err);
    for text in texts {
        assert!(done.err.contains(text), "`{text}` is not said in:\n{}", done.err);
    }
}

fn said(report: &Value, key: &str) -> String {
    let list = report[key].as_array().unwrap_or_else(|| panic!("`{key}` is no list"));
    list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_cutter_from_every_format_gives_one_force() {
    let bench = bench();
    let force = |args: &[&str]| {
        let (report, _) = bench.simulate(&[&["part.nc"], args].concat());
        number(&report, "force_peak_xy_n")
    };
    let table = force(&["--tools", "tool.tbl"]);
    assert!(table > 10.0, "{table}");
    for args in [
        &["--tools", "lib.json"] as &[&str],
        &["--tools", "ten.fctb", "--tool-map", "3=ten"],
        &["--tools", "job.camotics"],
        &["--tools", "list.csv"],
        &["--tools", "tool.tbl", "--tools", "lib.json"],
    ] {
        let found = force(args);
        assert!((found / table - 1.0).abs() < 1e-9, "{args:?}: {found}, by the table {table}");
    }
}

#[test]
fn a_report_lists_what_was_assumed_and_skipped_of_the_tools_in_use() {
    let bench = bench();
    bench.write("odd.tbl", format!("{TABLE}T7 D4 X3 ;ball\n").replace("Z51", "Z51 X2"));
    let (report, _) = bench.simulate(&["part.nc", "--tools", "odd.tbl"]);
    let assumed = said(&report, "assumed");
    assert!(assumed.contains("odd.tbl: lengths without a unit are in mm, the machine's unit"), "{assumed}");
    assert!(assumed.contains("odd.tbl:2: T3 (10mm 4 flute end mill): flat end mill, read from its words"), "{assumed}");
    assert!(!assumed.contains("T1 (") && !assumed.contains("T7"), "tools that are not used: {assumed}");
    assert_eq!(
        said(&report, "skipped"),
        "odd.tbl:2: T3 (10mm 4 flute end mill): of its offsets only that along Z is applied"
    );
    let (report, _) = bench.simulate(&["part.nc", "--tools", "tool.tbl", "--tool-units", "mm"]);
    assert!(!said(&report, "assumed").contains("machine's unit"), "the unit was stated");
}

#[test]
fn a_tool_that_no_table_has_is_an_error_that_says_what_they_have() {
    let bench = bench();
    bench.write("part.nc", PROGRAM.replace("T3", "T9").replace("H3", "H1"));
    let done = bench.cosim(&["simulate", "part.nc", "--tools", "tool.tbl", "--tools", "ten.fctb"]);
    says(&done, &["part.nc:", "T9", "tool.tbl and ten.fctb, which has T1, T3 and, without a number, `ten`"]);
    says(
        &bench.cosim(&["simulate", "part.nc", "--tools", "ten.fctb", "--tool-map", "9=eleven"]),
        &["tool::map", "eleven"],
    );
    says(&bench.cosim(&["simulate", "part.nc", "--tool-map", "nine=ten"]), &["`nine` is no T number"]);
}

#[test]
fn two_tables_may_not_contradict_each_other() {
    let bench = bench();
    bench.write("lib.json", LIBRARY.replace("\"DC\": 10", "\"DC\": 12"));
    let done = bench.cosim(&["simulate", "part.nc", "--tools", "tool.tbl", "--tools", "lib.json"]);
    says(&done, &["lib.json:1: error[tool::conflict]", "T3 (ten): `diameter_mm` is 12 here and 10 in tool.tbl:2"]);
}

#[test]
fn a_bad_file_is_drawn_with_its_place() {
    let bench = bench();
    let check = |name: &str, contents: &str, texts: &[&str]| {
        bench.write(name, contents);
        says(&bench.cosim(&["simulate", "part.nc", "--tools", name]), texts);
    };
    check(
        "bad.tbl",
        "T1 D6\nT1 D8\n",
        &["bad.tbl:2:1: error[tool::twice]", "first in line 1", "─┬", "help: remove or renumber"],
    );
    check("bad.json", &LIBRARY.replace("10,", "-10,"), &["bad.json:2:22: error[tool::range]", "-10", "─┬", "help:"]);
    check("bad.fctb", &BIT.replace("10 mm", "10 ells"), &["bad.fctb:1:", "`ells` is no unit", "expected mm or in"]);
    check("bad.camotics", &PROJECT[..60], &["bad.camotics:1:", "error[file::syntax]", "not JSON"]);
    check("bad.csv", "name;d\nten;wide\n", &["bad.csv:2:5: error[tool::csv]", "`wide` is no number", "─┬"]);
    check("bad.tools", "no archive", &["bad.tools: error[tool::archive]", "tools.json inside"]);
}

#[test]
fn a_tap_has_no_force_and_no_limit_is_none_stated() {
    let bench = bench();
    let part = PROGRAM.replace("T3 M6", "T3 M6 (D10 TAP)").replace("G43 H3\n", "");
    bench.write("part.nc", part);
    let (report, _) = bench.simulate(&["part.nc"]);
    assert_eq!(report["force_peak_xy_n"], "unavailable");
    let assumed = said(&report, "assumed");
    assert!(
        assumed.contains("part.nc:2: T3 (D10 TAP): there is no force model for it; its force is unavailable"),
        "{assumed}"
    );
    let done = bench.cosim(&["simulate", "part.nc"]);
    assert!(
        done.out.contains("none stated") && !done.out.contains("limit on the peak force  unavailable"),
        "{}",
        done.out
    );
}

#[test]
fn a_scenario_names_several_libraries_and_a_map() {
    let bench = bench();
    let scenario = include_str!("../../cases/slot/scenario.toml");
    bench.write("part.nc", include_str!("../../cases/slot/part.nc"));
    bench.write("own.toml", include_str!("../../cases/slot/tools.toml"));
    let with = |tools: &str| {
        bench.write("case.toml", scenario.replace("library = \"tools.toml\"", tools));
        bench.cosim(&["simulate", "--scenario", "case.toml", "--json", "r.json"])
    };
    let done = with("library = [\"own.toml\", \"tool.tbl\"]\nunits = \"mm\"");
    says(&done, &["error[tool::conflict]", "tool.tbl:1"]);
    let done = with("library = [\"own.toml\", \"ten.fctb\"]\nmap = { \"8\" = \"ten\" }");
    assert_eq!(done.code, 0, "{}", done.err);
    says(&with("library = 3"), &["case.toml:", "expected a path or a list of paths"]);
    says(&with("library = \"own.toml\"\nunits = \"cm\""), &["case.toml:", "`cm` is not a unit"]);
    says(&with("library = \"own.toml\"\nmap = { \"x\" = \"ten\" }"), &["case.toml:", "`x` is not a tool number"]);
}

const BY_NAME: &str = "; %_N_PART_MPF\nG71 G90 G17 G54\nT=\"SCHAFT_D8_N_AP20\"\nM6\nS5000 M3\nG0 X-15 Y0 Z5\n\
                       G1 Z-2 F300\nX20 F500\nT=\"BOHRER_D5\"\nM6\nS3000 M3\nG0 X0 Y0 Z5\nG1 Z-4 F100\nG0 Z5\nM30\n";
const NAMES: &str = "Tool Name;Type;Length [mm]\nBOHRER_D5;Drill;60\nSCHAFT_D8_N_AP20;End mill;80\nX_D3;End mill;9\n";

#[test]
fn a_siemens_program_runs_with_the_tools_of_a_list_by_their_names() {
    let bench = bench();
    bench.write("part.mpf", BY_NAME).write("part_tools.csv", NAMES);
    let (report, _) = bench.simulate(&["part.mpf", "--tools", "part_tools.csv"]);
    let assumed = said(&report, "assumed");
    assert!(assumed.contains("SCHAFT_D8_N_AP20") && !assumed.contains("X_D3"), "{assumed}");
    assert!(number(&report, "force_peak_xy_n") > 10.0, "{report}");
    let ends = |args: &[&str]| {
        let done = bench.cosim(&[&["canon", "part.mpf"], args].concat());
        let found = done.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
        let z = |op: Value| op["machine_mm"][2].as_f64();
        (done.code, found.filter(|op| op["call"] == "straight_feed").filter_map(z).collect::<Vec<_>>(), done.err)
    };
    let (code, heights, err) = ends(&["--tools", "part_tools.csv"]);
    assert_eq!((code, heights), (0, vec![78.0, 78.0, 56.0]), "the lengths of the list: {err}");
    let (code, heights, _) = ends(&[]);
    assert_eq!(
        (code, heights),
        (0, vec![-2.0, -2.0, -4.0]),
        "the list beside the program counts only where it is named"
    );
    bench.write("short.csv", NAMES.replace("BOHRER_D5", "BOHRER_D6"));
    let done = bench.cosim(&["simulate", "part.mpf", "--tools", "short.csv"]);
    says(&done, &["part.mpf:10", "(BOHRER_D5)", "short.csv"]);
}

/// A D10 mill, and a cutter that is to be described as T1.
const UNDER: &str = r#"schema = 1
[[tool]]
number = 2
name = "ten"
shape = "flat"
diameter_mm = 10.0
flutes = 3
flute_length_mm = 20.0
stickout_mm = 40.0
[[tool]]
number = 1
name = "odd"
"#;

/// Simulates a slot 10 mm deep along a stock of 60 × 40 × 20 mm with T2, if asked for, and then the same way with T1.
fn simulate_odd(odd: &str, is_slotted: bool, z_mm: f64) -> Value {
    let pass =
        |tool: u32, z: f64| format!("T{tool} M6\nS3000 M3\nG0 X-15. Y20. Z5.\nG1 Z{z:.3} F300.\nX75. F300.\nG0 Z20.\n");
    let slot = if is_slotted { pass(2, -10.0) } else { String::new() };
    let bench = Bench::new();
    bench.write("part.nc", format!("G21 G90 G17 G94\n{slot}{}M30\n", pass(1, z_mm)));
    bench.write("tools.toml", format!("{UNDER}{odd}"));
    let args = ["part.nc", "--tools", "tools.toml", "--stock", "box:60x40x20@0,0,-20", "--resolution", "0.1"];
    let (report, segments) = bench.simulate(&args);
    assert_eq!(report["collisions"], Value::Array(vec![]), "{odd}");
    let cut = segments.iter().rfind(|segment| !segment["ap_mm"].is_null()).expect("it cuts");
    assert_eq!(cut["force_peak_xy_n"], "unavailable", "no force model covers it");
    report
}

#[test]
fn cutters_that_reach_under_material_come_from_a_file() {
    let check = |odd: &str, beyond_mm2: f64| {
        let removed = number(&simulate_odd(odd, true, -10.0), "removed_volume_mm3");
        let expected = 60.0 * (10.0 * 10.0 + beyond_mm2);
        assert!((removed / expected - 1.0).abs() < 5e-3, "{odd}: {removed} mm³, expected {expected}");
    };
    // What each takes beside the walls of the slot, and nothing above itself.
    let t_slot =
        "shape = \"t_slot\"\ndiameter_mm = 20.0\nflute_length_mm = 4.0\nshank_diameter_mm = 8.0\nstickout_mm = 40.0\n";
    check(t_slot, 10.0 * 4.0);
    let dovetail = "shape = \"dovetail\"\ndiameter_mm = 20.0\ntaper_deg = 30.0\nflute_length_mm = 5.0\nshank_diameter_mm = 8.0\nstickout_mm = 40.0\n";
    check(dovetail, 10.0 * 5.0 - 25.0 * 30f64.to_radians().tan());
    let lollipop = "shape = \"lollipop\"\ndiameter_mm = 12.0\nshank_diameter_mm = 6.0\nstickout_mm = 40.0\n";
    check(lollipop, 2.0 * (36.0 * (5.0f64 / 6.0).acos() - 5.0 * 11f64.sqrt()));
}

#[test]
fn a_general_mill_comes_from_a_file() {
    // E 2 mm, R 1 mm, β 10°: a bottom, a corner and a side; 6 mm deep.
    let odd = "shape = \"general\"\ndiameter_mm = 10.0\ncorner_offset_mm = 2.0\ngeneral_corner_mm = 1.0\ntaper_deg = 10.0\nflute_length_mm = 20.0\nstickout_mm = 40.0\n";
    let (sin, cos) = 10f64.to_radians().sin_cos();
    let radius = |h: f64| match 1.0 - sin {
        corner_to if h < corner_to => 2.0 + (1.0 - (1.0 - h) * (1.0 - h)).sqrt(),
        corner_to => (2.0 + cos + (h - corner_to) * sin / cos).min(5.0),
    };
    let area_mm2 = (0..6000).map(|part| 2.0 * radius((f64::from(part) + 0.5) * 1e-3) * 1e-3).sum::<f64>();
    let removed = number(&simulate_odd(odd, false, -6.0), "removed_volume_mm3");
    assert!((removed / (60.0 * area_mm2) - 1.0).abs() < 5e-3, "{removed} mm³, expected {}", 60.0 * area_mm2);
}

#[test]
fn a_neck_that_is_none_is_refused() {
    let bench = bench();
    let odd = "shape = \"t_slot\"\ndiameter_mm = 20.0\nflute_length_mm = 4.0\nshank_diameter_mm = 20.0\n";
    bench.write("odd.toml", format!("{UNDER}{odd}"));
    says(&bench.cosim(&["simulate", "part.nc", "--tools", "odd.toml"]), &["odd.toml", "`shank_diameter_mm` is 20"]);
    let odd = "shape = \"dovetail\"\ndiameter_mm = 10.0\ntaper_deg = 45.0\nflute_length_mm = 8.0\n";
    bench.write("odd.toml", format!("{UNDER}{odd}"));
    says(&bench.cosim(&["simulate", "part.nc", "--tools", "odd.toml"]), &["`taper_deg` of 45"]);
}
