//! What rewritten feeds are worth on real programs, at both levels, beside the other ways to keep the same limits.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use cloud_sim::ahead::MapChoice;
use cloud_sim::executor::Serial;
use cloud_sim::loads::StepLoads;
use scenarios::format::{Level, Scenario, limits_by_tool};
use scenarios::rewrite_plan::{FeedRules, RewrittenPlan, rewrite_plan};
use scenarios::simulate::{Order, Simulation};
use scenarios::summary_optimise::{OptimiseFacts, optimise_json};
use serde_json::Value;
use shared::job::Job;
use shared::motion::SegmentKind;
use shared::units::Length;

/// The cases by thread.
const LANES: [&[&str]; 2] = [&["maestro-parallel"], &["nist-cover", "nist-box-op2", "tball-pocket"]];
const LEVELS: [Level; 2] = [Level::Normal, Level::Conservative];
/// Factor in air, per mille; bounds are verified to 0.2 %, and a number in a program is rounded down.
const AIR_PERMILLE: u16 = 1500;
/// Allowance around the stock.
const ALLOWANCE: Length = Length::mm(2.0);
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

/// One case at one level: as it is, and as it becomes.
struct Optimised {
    before: Simulation,
    plan: RewrittenPlan,
    report: Value,
}

fn optimise(case: &str, level: Level) -> Optimised {
    let path = format!("{}/cases/{case}/scenario.toml", env!("CARGO_MANIFEST_DIR"));
    let scenario = Scenario::load(&path, 1.0).unwrap_or_else(|error| panic!("{case}: {:?}", error.diagnostics));
    let mut sources = scenario.sources;
    // A level takes the place of shares of the program's peak, as on the command line.
    sources.manifest.limits.force_peak_share = None;
    let (job, said) = Job::compile(&sources);
    let job = Arc::new(job.unwrap_or_else(|| panic!("{case}: {said:?}")));
    let mut limits = sources.manifest.limits.clone();
    limits.uncertainty = limits.uncertainty.or(Some(job.limits.uncertainty));
    let tools = job.tools.keys().copied();
    let by_tool = limits_by_tool(tools, &job.material.name, &limits, Some(level), None).expect("limits of a level");
    let choice = MapChoice { cell_mm: scenario.file.run.resolution_mm, memory_max_bytes: 512 << 20 };
    let order = Order { choice, by_tool, air: Some(ALLOWANCE) };
    let before = Simulation::run_order(&job, &sources, &order, &Serial).expect("the stock can be represented");
    let rules = FeedRules { air_permille: AIR_PERMILLE, buckets: None };
    let plan = rewrite_plan(&before, &sources, rules, &Serial).unwrap_or_else(|error| panic!("{case}: {error}"));
    let facts = OptimiseFacts {
        program: case,
        limits: level.name().to_owned(),
        rules,
        allowance: ALLOWANCE,
        diagnostics: &said,
        assumed: &[],
        unused: Vec::new(),
        program_digest: job.program.0.to_string(),
        split_asked: false,
        split: None,
    };
    let report = serde_json::to_value(optimise_json(&before, &plan, &facts)).expect("the report is JSON");
    Optimised { before, plan, report }
}

/// No stretch is faster than programmed where it must not be, seen from outside: in the plan over station, and move by move in
/// the program that was written. Returns how many moves are faster.
fn check_nothing_is_faster_where_it_must_not_be(case: &str, optimised: &Optimised) -> usize {
    let (before, after) = (&optimised.before, &optimised.plan.after);
    assert!(before.plan.spans().iter().all(|span| span.factor.ratio() <= 1.0), "{case}: the plan is faster");
    let (old, new) = (before.job.path.segments(), after.job.path.segments());
    let (steps, loads) = (&before.prediction.steps, &before.prediction.loads);
    let mut faster = 0;
    for (index, (old, new)) in old.iter().zip(new).enumerate() {
        if new.feed <= old.feed * (1.0 + 1e-9) {
            continue;
        }
        faster += 1;
        let line = old.at.line;
        assert_eq!(old.kind, SegmentKind::Feed, "{case}, line {line}: not a move at feed");
        assert!(old.forced.is_none(), "{case}, line {line}: locked");
        assert!((0..=4).all(|i| old.geometry.tangent(f64::from(i) / 4.0).z > -0.707), "{case}, line {line}: a plunge");
        let tool = &before.job.tools[&old.tool.expect("a tool")];
        let cuts = |at: &usize| !matches!(loads[*at], StepLoads::Air);
        for at in (0..steps.len()).filter(|at| steps[*at].segment as usize == index) {
            assert!(!cuts(&at), "{case}, line {line}: something touches, or nobody knows what");
        }
        // First contact: at least a radius of the tool lies between the faster move and the next cut.
        let next = steps.partition_point(|step| step.from < old.end);
        let contact = (next..steps.len()).find(cuts);
        if let Some(contact) = contact {
            let way = steps[contact].from.beyond(old.end);
            assert!(way >= tool.radius() - Length::mm(1e-6), "{case}, line {line}: {way} before a first contact");
        }
    }
    faster
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
    let run = |case: &'static str| {
        LEVELS.map(|level| {
            let optimised = optimise(case, level);
            let faster = check_nothing_is_faster_where_it_must_not_be(case, &optimised);
            assert_eq!(optimised.report["lines_faster"] != 0, faster > 0, "{case}");
            (case, level.name(), optimised.report)
        })
    };
    let reports: Vec<(&str, &str, Value)> = thread::scope(|scope| {
        let lanes = LANES.map(|cases| scope.spawn(move || cases.iter().flat_map(|case| run(case)).collect::<Vec<_>>()));
        lanes.into_iter().flat_map(|lane| lane.join().expect("every case is optimised")).collect()
    });
    println!(
        "{:<18} {:<13} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>5} {:>8}",
        "program", "level", "100 % s", "peak N", "opt. s", "peak N", "plan s", "const. s", "at %", "air s"
    );
    assert_eq!(reports.len(), 8);
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
