//! Four real programs from real posts, on virtual time, to their last line.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use cloud_sim::executor::Serial;
use scenarios::format::Scenario;
use scenarios::report::RunJson;
use scenarios::summary::{binding_reasons, run_json, simulate_json};
use scenarios::virtual_run::{RunOptions, run_virtual};
use shared::job::Job;

/// Seeds of the hidden process that each plan is held against.
const SEEDS: u32 = 20;
/// Worst permitted ratio of true peak to limit, over all seeds.
const WORST_RATIO: f64 = 1.15;
/// Fewest bounds that must bind, and on how many programs all of the comparison must hold.
const BINDING_MIN: usize = 4;
const PROGRAMS_MIN: usize = 2;

/// Share of the compared stretches on which power by force and power by volume may differ by more than 5 %, and
/// the most they may: a strip along a wall of fewer cells than the check wants cannot always be told from the rest.
const BEYOND_SHARE_MAX: f64 = 0.01;
const POWER_DIFFERENCE_MAX: f64 = 0.10;

/// The cases by thread: the pocket, two hours of cutting, takes as long as the three others together.
const LANES: [&[&str]; 2] = [&["tball-pocket"], &["nist-cover", "nist-box-op2", "maestro-parallel"]];

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

/// Runs a case to its end, where every expectation of its scenario must hold.
fn run(case: &str) -> RunJson {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(case).join("scenario.toml");
    let scenario = Scenario::load(path.to_str().expect("a path in text"), 1.0)
        .unwrap_or_else(|error| panic!("{case}: {:?}", error.diagnostics));
    let (job, diagnostics) = Job::compile(&scenario.sources);
    let job = Arc::new(job.unwrap_or_else(|| panic!("{case}: {diagnostics:?}")));
    let options = RunOptions { record: false, compare: true, truth_seeds: SEEDS };
    let run = run_virtual(&scenario, &job, options, &Serial).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(run.outcome.tally.is_completed(), "{case} did not reach its end");
    let simulated = simulate_json(case, &run.simulation, &diagnostics, &[]);
    let report = run_json(&scenario, simulated, &run);
    for verdict in &report.expectations {
        assert!(verdict.holds, "{case}: {} {}: {}", verdict.key, verdict.expected, verdict.found);
    }
    report
}

/// Checks and prints what must hold for every program; true if the comparison with the other policies holds too.
#[allow(clippy::print_stdout)] // The table is part of what the test shows.
fn check(case: &str, report: &RunJson) -> bool {
    let simulated = &report.simulated;
    let sum: f64 = simulated.reasons.values().sum();
    assert!((sum - 1.0).abs() < 1e-9, "{case}: shares sum to {sum}");
    let constant_s = simulated.cycle_time_constant_s.0.expect("a constant override exists");
    let binding = binding_reasons(&simulated.reasons);
    let truth = report.truth.as_ref().expect("a force limit is set");
    println!(
        "{case}: plan {:.1} s, as run {:.1} s, best constant {constant_s:.1} s; {binding} bounds bind; {SEEDS} seeds: worst true \
         peak over limit {:.3}, {} overshoots, {:.2} s",
        simulated.cycle_time_planned_s, report.cycle_time_run_s, truth.worst, truth.overshoots, truth.overshoot_s
    );
    assert!(simulated.cycle_time_planned_s < constant_s, "{case}: the plan is not faster than the best constant");
    assert!(report.cycle_time_run_s < constant_s, "{case}: the run is not faster than the best constant");
    assert_eq!(truth.peak_ratio.len(), SEEDS as usize);
    let worst = simulated.power_check_worst.0.expect("something was compared");
    let (runs, beyond) = (simulated.power_check_runs, simulated.power_check_beyond);
    println!(
        "{case}: power by force and by volume differ by more than 5 % on {beyond} of {runs} stretches ({:.1} % of the volume \
         compared), worst {worst:.3} at line {:?}",
        100.0 * simulated.power_check_volume_share,
        simulated.power_check_line
    );
    assert!(runs > 100 && beyond as f64 <= BEYOND_SHARE_MAX * runs as f64, "{case}: {beyond} of {runs}");
    assert!(worst <= POWER_DIFFERENCE_MAX, "{case}: power by force and by volume differ by {worst}");
    assert!(truth.worst > 0.5 && truth.worst <= WORST_RATIO, "{case}: worst ratio {}", truth.worst);
    for row in &report.comparison {
        println!(
            "  {:<10} {:>8.1} s, peak {:.3}, entries {} mean {:.3} max {:.3}, above the limit {:.2} s",
            row.policy,
            row.cycle_time_s,
            row.peak_ratio,
            row.entries,
            row.entry_peak_ratio_mean,
            row.entry_peak_ratio_max,
            row.overshoot_s
        );
    }
    let of = |policy: &str| report.comparison.iter().find(|row| row.policy == policy);
    let [plan, reactive, constant] = ["plan", "reactive", "constant"].map(|policy| of(policy).expect("it was run"));
    let lower_entries = plan.entry_peak_ratio_mean < reactive.entry_peak_ratio_mean
        && plan.entry_peak_ratio_max < reactive.entry_peak_ratio_max;
    binding >= BINDING_MIN && plan.cycle_time_s < constant.cycle_time_s && lower_entries
}

#[test]
fn the_plan_matters_on_four_real_programs() {
    if !corpus_is_there() {
        return;
    }
    let reports: Vec<(&str, RunJson)> = thread::scope(|scope| {
        let lanes =
            LANES.map(|cases| scope.spawn(move || cases.iter().map(|case| (*case, run(case))).collect::<Vec<_>>()));
        lanes.into_iter().flat_map(|lane| lane.join().expect("every case runs to its end")).collect()
    });
    assert_eq!(reports.len(), 4);
    let holds = reports.iter().filter(|(case, report)| check(case, report)).count();
    assert!(
        holds >= PROGRAMS_MIN,
        "faster, softer at entries and with {BINDING_MIN} bounds binding on {holds} programs only"
    );
}
