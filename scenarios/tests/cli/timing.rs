//! `cosim time`.

use serde_json::Value;

use crate::support::Bench;

/// 100 mm at 100 mm/s from rest to rest, twice: out as a feed and back.
const PROGRAM: &str = "G21 G90\n(T1 D=10. CR=0. - FLAT END MILL)\nG61\nG1 X100 F6000\nG4 P1.5\nG1 X0\nM30\n";

/// Limits of PROCESS.md's rest-to-rest vector, on every axis.
fn machine(bench: &Bench, jerk: &str) {
    let axis = |name: &str| {
        format!("[axis.{name}]\nfeed_max_mm_min = 30000\nrapid_mm_min = 30000\nacceleration_mm_s2 = 2000\n{jerk}\n")
    };
    let text = format!(
        "schema = 1\nname = \"vector\"\nsources = [\"test\"]\nlength_unit = \"mm\"\ntool_length = \"by_program\"\n\
         rapid_mode = \"linear\"\ncorner_deviation_mm = 0.01\ntool_change_s = 5\nm_code_s = 0\n\
         reference_mm = [0, 0, 0]\nwork_origin_mm = [0, 0, 0]\n{}{}{}[spindle]\nspeed_max_rpm = 12000\n\
         speed_slew_rpm_s = 6000\npower_max_kw = 10\ntorque_max_n_m = 80\nefficiency = 0.9\nidle_power_kw = 0.5\n\
         [override]\nmin = 0.01\nstep = 0.01\nslew_per_s = 5\neffect_time_ms = 10\n",
        axis("x"),
        axis("y"),
        axis("z")
    );
    bench.write("machine.toml", text);
}

fn timed(bench: &Bench, args: &[&str]) -> Value {
    let done = bench.cosim(&[&["time", "part.nc", "--machine", "machine.toml", "--json"], args].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    serde_json::from_str(&done.out).expect("the report is JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn the_reference_vectors_of_rest_to_rest() {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM);
    for (jerk, move_s) in [("", 1.05), ("jerk_mm_s3 = 5e4", 1.09)] {
        machine(&bench, jerk);
        let report = timed(&bench, &[]);
        assert!((number(&report["cycle_time_s"]) - (2.0 * move_s + 1.5)).abs() < 1e-4, "{report}");
        let split = &report["cycle_time_split_s"];
        assert!((number(&split["feed"]) - 2.0 * move_s).abs() < 1e-4 && number(&split["dwell"]) == 1.5, "{report}");
        let sum: f64 = split.as_object().expect("an object").values().map(number).sum();
        assert!((sum - number(&report["cycle_time_s"])).abs() < 1e-6, "{report}");
    }
}

#[test]
fn every_block_has_its_instant() {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM);
    machine(&bench, "jerk_mm_s3 = 5e4");
    let report = timed(&bench, &["--blocks", "blocks.jsonl"]);
    let text = std::fs::read_to_string(bench.path("blocks.jsonl")).expect("cosim wrote it");
    let blocks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let lines: Vec<u64> = blocks.iter().filter_map(|block| block["line"].as_u64()).collect();
    assert_eq!(lines, [4, 5, 6]);
    let instants: Vec<f64> = blocks.iter().map(|block| number(&block["start_s"])).collect();
    for (found, expected) in instants.iter().zip([0.0, 1.09, 2.59]) {
        assert!((found - expected).abs() < 1e-4, "{instants:?}");
    }
    assert_eq!(blocks[2]["end_s"], report["cycle_time_s"]);
    let text = bench.cosim(&["time", "part.nc", "--machine", "machine.toml"]).out;
    assert!(text.contains("Cycle     3.68 s"), "{text}");
}
