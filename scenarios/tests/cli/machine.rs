//! `cosim machine import`.

use serde_json::Value;

use crate::support::Bench;

const INI: &str = "[EMC]\nMACHINE = shop mill\n[TRAJ]\nLINEAR_UNITS = mm\nCOORDINATES = XYZ\n[AXIS_X]\nMAX_VELOCITY = 50\n\
MAX_ACCELERATION = 500\n[AXIS_Y]\nMAX_VELOCITY = 50\nMAX_ACCELERATION = 500\n[AXIS_Z]\nMAX_VELOCITY = 50\n\
MAX_ACCELERATION = 500\n";

#[test]
fn an_imported_machine_times_a_program() {
    let bench = Bench::new();
    bench.write("mill.ini", INI).write("part.nc", "G21 G90 G61.1\nG1 X50 F6000\nM2\n");
    let done =
        bench.cosim(&["machine", "import", "mill.ini", "--out", "mill.toml", "--assume", "m_code_s=0", "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let report: Value = serde_json::from_str(&done.out).expect("the report is JSON");
    assert_eq!((&report["machine"], &report["file"]), (&"shop mill".into(), &"mill.ini".into()));
    let said = |part: &str, words: &str| {
        let remarks = report[part].as_array().expect("a list of remarks");
        remarks.iter().find(|remark| remark["text"].as_str().is_some_and(|text| text.contains(words))).cloned()
    };
    assert_eq!(said("imported", "speed of x: 3000 mm/min").expect("imported")["line"], 7);
    assert!(said("assumed", "spindle.power_max_kw").expect("assumed")["line"].is_null());
    let done = bench.cosim(&["time", "part.nc", "--machine", "mill.toml", "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let time: Value = serde_json::from_str(&done.out).expect("the report is JSON");
    // 50 mm at 50 mm/s (the axis' own limit), and the ramps of 0.1 s at 500 mm/s².
    let cycle_s = time["cycle_time_s"].as_f64().expect("a number");
    assert!((cycle_s - 1.1).abs() < 1e-6, "{cycle_s}");
}

#[test]
fn without_a_file_the_machine_goes_to_standard_output() {
    let bench = Bench::new();
    bench.write("mill.ini", INI);
    let done = bench.cosim(&["machine", "import", "mill.ini"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("name = \"shop mill\"") && done.out.contains("[axis.x]"), "{}", done.out);
    assert!(done.err.contains("imported (") && done.err.contains("mill.ini:7: speed of x"), "{}", done.err);
}

#[test]
fn what_is_wrong_is_shown_with_its_line() {
    let bench = Bench::new();
    bench.write("mill.ini", INI.replace("MAX_VELOCITY = 50", "MAX_VELOCITY = quick"));
    let done = bench.cosim(&["machine", "import", "mill.ini", "--out", "mill.toml"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("mill.ini:7:") && done.err.contains("`quick`"), "{}", done.err);
    assert!(!bench.path("mill.toml").exists());
    assert_eq!(bench.cosim(&["machine", "import", "nowhere.ini"]).code, 2);
    assert_eq!(bench.cosim(&["machine", "import", "mill.ini", "--assume", "tool_change_s=soon"]).code, 2);
}
