//! The report's keys and what they promise.

use serde_json::Value;
use shared::plan::Reason;

use crate::support::{Bench, cutting, near, number};

/// Stock 100 × 60 × 20 mm.
const STOCK: &str = "box:100x60x20@0,-30,-20";
const STOCK_MM3: f64 = 100.0 * 60.0 * 20.0;

const PROGRAM: &str = "G21 G90 G17 G94\n(T1 D=10. CR=0. - FLAT END MILL)\nT1 M6\nS6000 M3\nG0 X-10. Y0. Z5.\nG1 Z-3. F600.\n\
    G1 X60. F900.\nG3 X60. Y20. I0. J10.\nG1 X-10. Z-1.\nG0 Z5.\nM5\nM30\n";

fn simulate(program: &str, more: &[&str]) -> (Value, Vec<Value>) {
    let bench = Bench::new();
    bench.write("part.nc", program);
    bench.simulate(&[&["part.nc"], more].concat())
}

/// `n` a number, `f` a number or "unavailable", `s` text, `l` a list, `o` an object, `i` an integer.
fn has(value: &Value, keys: &[(&str, char)]) {
    for (key, kind) in keys {
        let found = &value[*key];
        let fits = match kind {
            'n' => found.is_number(),
            'i' => found.is_u64(),
            'f' => found.is_number() || found == "unavailable",
            's' => found.is_string(),
            'l' => found.is_array(),
            _ => found.is_object(),
        };
        assert!(fits, "`{key}` is {found}, expected kind {kind}");
    }
}

const SIMULATE_KEYS: &[(&str, char)] = &[
    ("program", 's'),
    ("motions", 'i'),
    ("path_mm", 'n'),
    ("cycle_time_programmed_s", 'n'),
    ("cycle_time_planned_s", 'n'),
    ("removed_volume_mm3", 'n'),
    ("force_peak_xy_n", 'f'),
    ("force_peak_xy_n_programmed", 'f'),
    ("force_mean_n", 'f'),
    ("force_mean_n_programmed", 'f'),
    ("power_peak_w", 'f'),
    ("power_peak_w_programmed", 'f'),
    ("force_limit_n", 'f'),
    ("reasons", 'o'),
    ("time_lost_s", 'o'),
    ("time_won_over_constant_s", 'o'),
    ("collisions", 'l'),
    ("rapids_in_stock", 'l'),
    ("assumed", 'l'),
    ("skipped", 'l'),
    ("notes", 'l'),
    ("stock", 'o'),
    ("power_check_worst", 'f'),
    ("power_check_volume_share", 'n'),
    ("power_check_runs", 'n'),
    ("power_check_beyond", 'n'),
];

fn reasons_are_shares(report: &Value) {
    let reasons = report["reasons"].as_object().expect("an object");
    let sum: f64 = reasons.values().filter_map(Value::as_f64).sum();
    assert!((sum - 1.0).abs() < 1e-9, "shares of time sum to {sum}");
    let known = Reason::ALL.map(Reason::name);
    for (name, share) in reasons {
        assert!(known.contains(&name.as_str()), "`{name}` is no reason");
        assert!(share.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{name}: {share}");
    }
}

#[test]
fn a_simulation_has_every_key() {
    let (report, _) = simulate(PROGRAM, &["--stock", STOCK]);
    has(&report, SIMULATE_KEYS);
    reasons_are_shares(&report);
    assert_eq!((&report["program"], &report["motions"]), (&"part.nc".into(), &6.into()));
    // Split by what the machine does, and by what binds: both are the whole.
    let sum = |key: &str| -> f64 {
        report[key].as_object().into_iter().flat_map(|map| map.values()).filter_map(Value::as_f64).sum()
    };
    near(sum("cycle_time_split_s"), number(&report, "cycle_time_programmed_s"), 1e-9, "split of the cycle time");
}

#[test]
fn segments_are_complete_null_in_air_and_sum_to_the_whole() {
    let (report, segments) = simulate(PROGRAM, &["--stock", STOCK]);
    let cut_keys = ["ap_mm", "ae_mm", "phi_start_deg", "phi_exit_deg", "force_peak_xy_n", "power_w"];
    let always = [
        ("line", 'i'),
        ("station_mm", 'n'),
        ("length_mm", 'n'),
        ("removed_mm3", 'n'),
        ("override", 'n'),
        ("reason", 's'),
    ];
    let mut station = 0.0;
    for segment in &segments {
        has(segment, &always);
        let in_air = number(segment, "removed_mm3") == 0.0;
        for key in cut_keys {
            assert_eq!(segment[key].is_null(), in_air, "{key} of {segment}");
        }
        assert!(number(segment, "station_mm") >= station, "{segment} goes back");
        station = number(segment, "station_mm");
        assert!((0.0..=1.0).contains(&number(segment, "override")), "{segment} is faster than programmed");
    }
    let lines: Vec<u64> = segments.iter().filter_map(|segment| segment["line"].as_u64()).collect();
    assert_eq!(lines, [5, 6, 7, 8, 9, 10], "one segment a moving line, counted from 1");
    let sum = |key: &str| segments.iter().map(|segment| number(segment, key)).sum::<f64>();
    near(sum("removed_mm3"), number(&report, "removed_volume_mm3"), 1e-9, "Σ removed");
    near(sum("length_mm"), number(&report, "path_mm"), 1e-9, "Σ length");
    let peak = |key: &str| segments.iter().filter_map(|segment| segment[key].as_f64()).fold(0.0, f64::max);
    near(peak("force_peak_xy_n"), number(&report, "force_peak_xy_n"), 1e-9, "greatest peak");
    near(peak("power_w"), number(&report, "power_peak_w"), 1e-9, "greatest power");
    assert_eq!(cutting(&segments, 9).len(), 1);
}

/// Volume of a binary STL by the divergence theorem; every edge must be shared by two triangles the other way round.
fn stl_volume_mm3(bytes: &[u8]) -> f64 {
    let count = u32::from_le_bytes(bytes[80..84].try_into().expect("four bytes")) as usize;
    assert_eq!(bytes.len(), 84 + 50 * count, "the header's count fits the file");
    let value = |at: usize| f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
    let corner = |triangle: usize, corner: usize| -> [f64; 3] {
        std::array::from_fn(|axis| value(84 + 50 * triangle + 12 + 12 * corner + 4 * axis))
    };
    let six_volumes = |triangle: usize| {
        let [a, b, c] = [0, 1, 2].map(|index| corner(triangle, index));
        a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
    };
    (0..count).map(six_volumes).sum::<f64>() / 6.0
}

#[test]
fn the_stock_as_cut_is_a_mesh_of_the_right_volume_that_can_be_read_again() {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM);
    let (report, _) = bench.simulate(&["part.nc", "--stock", STOCK, "--stl", "cut.stl", "--resolution", "0.2"]);
    let mesh = std::fs::read(bench.path("cut.stl")).expect("cosim wrote it");
    let removed = number(&report, "removed_volume_mm3");
    near(stl_volume_mm3(&mesh), STOCK_MM3 - removed, 0.001, "volume of the mesh");
    // The same as a PLY, by the name of the file.
    bench.simulate(&["part.nc", "--stock", STOCK, "--stl", "cut.ply", "--resolution", "0.2"]);
    let ply = std::fs::read(bench.path("cut.ply")).expect("cosim wrote it");
    let count = u32::from_le_bytes(mesh[80..84].try_into().expect("four bytes"));
    let faces = format!("element face {count}\n");
    let header = String::from_utf8_lossy(&ply[..400.min(ply.len())]);
    assert!(header.starts_with("ply\n") && header.contains(&faces), "{header}");
    // As the stock of the next operation it has nothing left to remove where this one went.
    let (again, _) = bench.simulate(&["part.nc", "--stock", "cut.stl:mm", "--resolution", "0.2"]);
    let left = number(&again, "removed_volume_mm3");
    assert!(left < 0.01 * removed, "{left} mm³ were left of {removed}");
}

#[test]
fn the_report_can_go_to_standard_output_alone() {
    let bench = Bench::new();
    bench.write("part.nc", PROGRAM);
    let done = bench.cosim(&["simulate", "part.nc", "--json", "-"]);
    assert_eq!(done.code, 0);
    has(&serde_json::from_str(&done.out).expect("nothing but JSON"), SIMULATE_KEYS);
}

#[test]
fn a_force_that_cannot_be_known_is_unavailable_and_never_a_number() {
    // The spindle is stopped in the middle of a slot, and the tool goes on.
    let program = "G21 G90 G17\nT1 M6\nS5000 M3\nG0 X-10. Y0. Z5.\nG1 Z-2. F300.\nX20. F500.\nM5\nX40.\nM30\n";
    let (report, segments) = simulate(program, &["--stock", STOCK]);
    for key in ["force_peak_xy_n", "force_mean_n", "power_peak_w"] {
        assert_eq!(report[key], "unavailable", "{key}");
        assert_eq!(report[format!("{key}_programmed")], "unavailable", "{key} at 100 %");
    }
    let (turning, standing) = (cutting(&segments, 6)[0], cutting(&segments, 8)[0]);
    assert!(number(turning, "force_peak_xy_n") > 0.0 && number(turning, "power_w") > 0.0);
    assert_eq!((&standing["force_peak_xy_n"], &standing["power_w"]), (&"unavailable".into(), &"unavailable".into()));
    assert_eq!((number(standing, "override"), &standing["reason"]), (1.0, &"unknown".into()));
    assert!(number(standing, "removed_mm3") > 0.0, "the geometry is known all the same");
}

#[test]
fn nothing_is_changed_in_a_thread_or_a_probing_move() {
    let program = "G21 G90 G17\n(T1 D=8. - TWIST DRILL)\nT1 M6\nS2000 M3\nG0 X10. Y0. Z5.\nG81 X10. Y0. Z-8. R2. F200.\nG80\n\
        S500 M3\nG84 X30. Y0. Z-8. R2. F625.\nG80\nG38.2 Z-3. F100.\nG0 Z10.\nM30\n";
    let (report, segments) = simulate(program, &["--stock", STOCK]);
    for line in [9, 11] {
        let feeds: Vec<&Value> =
            segments.iter().filter(|segment| segment["line"] == line && segment["reason"] != "rapid").collect();
        assert!(!feeds.is_empty());
        for segment in feeds {
            assert_eq!((number(segment, "override"), &segment["reason"]), (1.0, &"locked".into()), "{segment}");
        }
    }
    assert!(
        report["notes"].as_array().is_some_and(|notes| notes.iter().any(|note| note.to_string().contains("probe")))
    );
}

#[test]
fn a_drill_removes_its_hole_and_has_power() {
    let program = "G21 G90 G17\n(T1 D=8. - TWIST DRILL)\nT1 M6\nS2000 M3\nG0 X50. Y0. Z5.\nG81 X50. Y0. Z-8. R2. F200.\nG80\nM30\n";
    let (report, segments) = simulate(program, &["--stock", STOCK]);
    // A point of 118° is assumed: a cone of height R/tan 59° below a cylinder.
    let cone = 4.0 / 59.0f64.to_radians().tan();
    let hole = std::f64::consts::PI * 16.0 * (8.0 - cone + cone / 3.0);
    near(number(&report, "removed_volume_mm3"), hole, 0.005, "hole");
    assert!(number(cutting(&segments, 6)[0], "power_w") > 10.0);
}

#[test]
fn everything_that_was_not_given_is_listed_by_itself() {
    let bare = "G90\nG0 X-10. Y0. Z5.\nG1 Z-2. F300.\nG1 X40.\n";
    let (report, _) = simulate(bare, &[]);
    let said: Vec<&str> = report["assumed"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let check = |words: &[&str]| {
        let found = said.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
        assert_eq!(found, 1, "one line with {words:?} in {said:#?}");
    };
    check(&["machine", "generic-vmc"]);
    check(&["material", "6061-T6"]);
    check(&["work offsets"]);
    check(&["T0", "flat end mill", "diameter 6 mm"]);
    check(&["T0", "3 flutes"]);
    check(&["T0", "spindle speed", "rpm"]);
    check(&["stock", "box from", "top at Z0"]);
    assert!(report["read_as"].to_string().contains("units not said"), "{}", report["read_as"]);
    // What is given is not listed.
    let (given, _) = simulate(PROGRAM, &["--stock", STOCK, "--machine", "generic-vmc", "--material", "C45E"]);
    let said = given["assumed"].to_string();
    for absent in ["machine:", "material:", "stock:", "spindle speed"] {
        assert!(!said.contains(absent), "`{absent}` in {said}");
    }
}

#[test]
fn a_run_on_virtual_time_has_every_key_and_its_recording_replays() {
    let bench = Bench::new();
    let done = bench.cosim(&[
        "run",
        "slot",
        "--virtual",
        "--json",
        "run.json",
        "--record",
        "run.rec",
        "--compare",
        "--truth-seeds",
        "3",
    ]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(bench.path("run.json")).expect("written")).expect("JSON");
    has(&report, SIMULATE_KEYS);
    has(
        &report,
        &[
            ("scenario", 's'),
            ("mode", 's'),
            ("cycle_time_run_s", 'n'),
            ("handoff", 'o'),
            ("misses", 'i'),
            ("fallbacks", 'l'),
            ("events", 'l'),
            ("recording_digest", 's'),
            ("truth", 'o'),
            ("comparison", 'l'),
            ("covered_share", 'f'),
        ],
    );
    reasons_are_shares(&report);
    let stages = report["handoff"].as_object().expect("an object");
    for stage in ["read", "encode", "uplink", "queue", "simulate", "plan", "downlink", "admit", "unexplained", "total"]
    {
        has(&stages[stage], &[("count", 'i'), ("p50_us", 'n'), ("p99_us", 'n'), ("max_us", 'n')]);
        assert!(number(&stages[stage], "p50_us") <= number(&stages[stage], "max_us"), "{stage}");
    }
    assert_eq!(report["truth"]["peak_ratio"].as_array().map(Vec::len), Some(3), "one ratio a seed");
    let policies: Vec<&str> =
        report["comparison"].as_array().into_iter().flatten().filter_map(|row| row["policy"].as_str()).collect();
    assert_eq!(policies, ["plan", "programmed", "constant", "reactive"]);
    let replay = bench.cosim(&["replay", "run.rec"]);
    assert_eq!(replay.code, 0, "{}{}", replay.out, replay.err);
    let digest = report["recording_digest"].as_str().expect("text");
    assert!(replay.out.contains(digest) && replay.out.contains("every decision is the same"), "{}", replay.out);
}

#[test]
fn power_by_force_and_power_by_volume_agree() {
    for case in ["slot", "demo"] {
        let (report, _) = Bench::new().simulate(&["--scenario", case]);
        let (worst, share) = (number(&report, "power_check_worst"), number(&report, "power_check_volume_share"));
        assert!(worst <= 0.05, "{case}: {worst} at line {}", report["power_check_line"]);
        assert!(share >= 0.95, "{case}: only {share} of the volume was compared");
    }
}
