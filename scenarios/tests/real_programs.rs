//! Four real programs from real posts, on virtual time, to their last line.

use std::path::Path;
use std::sync::Arc;

use cloud_sim::workers::Workers;
use scenarios::format::Scenario;
use scenarios::report::ComparisonJson;
use scenarios::summary::{run_json, simulate_json};
use scenarios::virtual_run::{RunOptions, run_virtual};
use shared::job::Job;

/// Seeds of the hidden process that each plan is held against.
const SEEDS: u32 = 20;
/// Worst permitted ratio of true peak to limit, over all seeds.
const WORST_RATIO: f64 = 1.15;

/// What one program gave.
struct Row {
    case: &'static str,
    plan_s: f64,
    constant_s: f64,
    reasons: usize,
    worst: f64,
    comparison: Vec<ComparisonJson>,
}

/// Runs a case; `None`, loudly, where the corpus is absent. In CI it must be there.
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen.
fn run(case: &'static str, compare: bool) -> Option<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !folder.join("../../shared/corpus").exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the corpus is missing in CI");
        eprintln!("SKIPPED: {case}: ../shared/corpus is absent; put it beside the project");
        return None;
    }
    let path = folder.join("cases").join(case).join("scenario.toml");
    let scenario = Scenario::load(path.to_str().expect("a path in text"), 1.0)
        .unwrap_or_else(|error| panic!("{case}: {:?}", error.diagnostics));
    let (job, diagnostics) = Job::compile(&scenario.sources);
    let job = Arc::new(job.unwrap_or_else(|| panic!("{case}: {diagnostics:?}")));
    let workers = Workers::new(2).expect("two threads");
    let options = RunOptions { record: false, compare, truth_seeds: SEEDS };
    let run = run_virtual(&scenario, &job, options, &workers).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(run.outcome.tally.is_completed(), "{case} did not reach its end");
    assert!(workers.jobs_per_worker().iter().all(|jobs| *jobs > 0), "{case}: both threads work");
    let simulated = simulate_json(case, &run.simulation, &diagnostics, &[]);
    let report = run_json(&scenario, simulated, &run);
    for verdict in &report.expectations {
        assert!(verdict.holds, "{case}: {} {}: {}", verdict.key, verdict.expected, verdict.found);
    }
    let sum: f64 = report.simulated.reasons.values().sum();
    assert!((sum - 1.0).abs() < 1e-9, "{case}: shares sum to {sum}");
    let truth = report.truth.expect("a force limit is set");
    Some(Row {
        case,
        plan_s: report.simulated.cycle_time_planned_s,
        constant_s: report.simulated.cycle_time_constant_s.0.expect("a constant override exists"),
        reasons: report.simulated.reasons.values().filter(|share| **share > 0.0).count(),
        worst: truth.worst,
        comparison: report.comparison,
    })
}

#[test]
#[allow(clippy::print_stdout)] // The table is part of what the test shows.
fn the_plan_matters_on_four_real_programs() {
    let cases = [("nist-cover", true), ("nist-box-op2", true), ("maestro-parallel", true), ("tball-pocket", true)];
    let rows: Vec<Row> = cases.into_iter().filter_map(|(case, compare)| run(case, compare)).collect();
    let mut below_reactive = 0;
    for row in &rows {
        println!(
            "{}: plan {:.1} s, best constant {:.1} s, {} reasons, worst true peak over limit {:.3} in {SEEDS} seeds",
            row.case, row.plan_s, row.constant_s, row.reasons, row.worst
        );
        assert!(row.plan_s < row.constant_s, "{}: the plan is not faster than the best constant", row.case);
        assert!(row.reasons >= 4, "{}: only {} reasons bind", row.case, row.reasons);
        assert!(row.worst <= WORST_RATIO, "{}: worst ratio {}", row.case, row.worst);
        let of = |policy: &str| row.comparison.iter().find(|row| row.policy == policy).expect("it was run");
        let (plan, reactive) = (of("plan"), of("reactive"));
        for row in &row.comparison {
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
        let lower = plan.entry_peak_ratio_mean < reactive.entry_peak_ratio_mean
            && plan.entry_peak_ratio_max < reactive.entry_peak_ratio_max;
        below_reactive += usize::from(lower);
    }
    assert!(rows.is_empty() || below_reactive >= 2, "entry peaks are lower on {below_reactive} programs only");
}
