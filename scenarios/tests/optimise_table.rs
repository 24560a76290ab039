//! What rewritten feeds are worth on real programs, at both levels, beside the other ways to keep the same limits.

use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;

/// The cases by thread.
const LANES: [&[&str]; 2] = [&["maestro-parallel"], &["nist-cover", "nist-box-op2"]];
const LEVELS: [&str; 2] = ["normal", "conservative"];
/// Factor in air; bounds are verified to 0.2 %, and a number in a program is rounded down.
const AIR_FACTOR: &str = "1.5";
const OVER_LIMIT_MAX: f64 = 1.003;

/// True where the corpus is; false, loudly, where it is absent. In CI it must be there.
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen.
fn corpus_is_there() -> bool {
    if Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").exists() {
        return true;
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the corpus is missing in CI");
    eprintln!("SKIPPED: ../shared/corpus is absent; put it beside the project");
    false
}

fn optimise(case: &str, level: &str) -> Value {
    let scenario = format!("cases/{case}/scenario.toml");
    let args = ["optimise", "--scenario", &scenario, "--level", level, "--air-factor", AIR_FACTOR, "--json", "-"];
    let output = Command::new(env!("CARGO_BIN_EXE_cosim"))
        .args(args)
        .args(["--threads", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cosim starts");
    assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("`{key}` is {}, expected a number", value[key]))
}

/// Prints a row and checks what must hold for every program.
#[allow(clippy::print_stdout)] // The table is what the test shows.
fn check(case: &str, level: &str, report: &Value) {
    let (before, after) = (&report["programmed"], &report["optimised"]);
    let (programmed_s, optimised_s) =
        (number(report, "cycle_time_programmed_s"), number(report, "cycle_time_optimised_s"));
    let (plan_s, constant_s) = (number(report, "cycle_time_plan_s"), number(report, "cycle_time_constant_s"));
    let air_s = number(report, "cycle_time_air_only_s");
    let (peak_n, peak_after_n) = (number(before, "force_peak_xy_n"), number(after, "force_peak_xy_n"));
    println!(
        "{case:<18} {level:<13} {programmed_s:>8.1} {peak_n:>8.1} {optimised_s:>8.1} {peak_after_n:>8.1} {plan_s:>8.1} \
         {constant_s:>8.1} {:>5.0} {air_s:>8.1}",
        number(report, "constant_override") * 100.0
    );
    let reasons = report["reasons"].as_object().expect("reasons");
    let shares: Vec<_> =
        reasons.iter().map(|(name, share)| (name.as_str(), share.as_f64().expect("a share") * 100.0)).collect();
    let said: Vec<_> = shares.iter().map(|(name, share)| format!("{name} {share:.1} %")).collect();
    println!("    {}", said.join(", "));
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    assert!((sum - 100.0).abs() < 1e-6, "{case}: shares sum to {sum}");
    assert!(number(before, "load_over_limit") > 1.0, "{case}: the limits bind nothing");
    let over = number(after, "load_over_limit");
    assert!(over <= OVER_LIMIT_MAX && report["steps_above_limit"] == 0, "{case}: {over} of a limit");
    assert!(peak_after_n < peak_n, "{case}: the peak is not lower");
    assert!(optimised_s < constant_s, "{case}: whole blocks are slower than the best constant override");
    assert!(plan_s < constant_s && air_s <= programmed_s + 1e-9, "{case}");
}

#[test]
#[allow(clippy::print_stdout)] // The table is what the test shows.
fn rewritten_feeds_keep_their_limits_and_beat_the_best_constant_on_real_programs() {
    if !corpus_is_there() {
        return;
    }
    let run = |case: &'static str| LEVELS.map(|level| (case, level, optimise(case, level)));
    let reports: Vec<(&str, &str, Value)> = thread::scope(|scope| {
        let lanes = LANES.map(|cases| scope.spawn(move || cases.iter().flat_map(|case| run(case)).collect::<Vec<_>>()));
        lanes.into_iter().flat_map(|lane| lane.join().expect("every case is optimised")).collect()
    });
    println!(
        "{:<18} {:<13} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>5} {:>8}",
        "program", "level", "100 % s", "peak N", "opt. s", "peak N", "plan s", "const. s", "at %", "air s"
    );
    assert_eq!(reports.len(), 6);
    for (case, level, report) in &reports {
        check(case, level, report);
    }
    // The stricter level costs more time and leaves lower peaks.
    for pair in reports.chunks(2) {
        let of = |index: usize, key: &str| number(&pair[index].2, key);
        assert!(of(1, "cycle_time_optimised_s") > of(0, "cycle_time_optimised_s"), "{}", pair[0].0);
        let peak = |index: usize| number(&pair[index].2["optimised"], "force_peak_xy_n");
        assert!(peak(1) < peak(0), "{}", pair[0].0);
    }
}
