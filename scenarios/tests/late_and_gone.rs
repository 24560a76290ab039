//! The cloud late, stopped, killed, the link cut: on virtual time, exactly.

use std::sync::Arc;

use cloud_sim::executor::Serial;
use scenarios::format::{FaultAction, FaultPlace, FaultSection, Scenario};
use scenarios::virtual_run::{RunOptions, VirtualRun, run_virtual};
use shared::job::Job;
use shared::time::Duration;

/// Time between two commands of the edge in every scenario.
const CYCLE: Duration = Duration::from_ms(5);

fn run(faults: Vec<FaultSection>) -> VirtualRun {
    let mut scenario = Scenario::load("demo", 1.0).expect("the demo is built in");
    scenario.file.faults = faults;
    let (job, _) = Job::compile(&scenario.sources);
    let job = Arc::new(job.expect("the demo compiles"));
    let options = RunOptions { record: true, compare: false, truth_seeds: 1 };
    run_virtual(&scenario, &job, options, &Serial).expect("the world runs to its end")
}

fn fault(action: FaultAction, time_s: f64, for_s: Option<f64>) -> FaultSection {
    FaultSection { at: FaultPlace { time_s: Some(time_s), line: None }, action, for_s }
}

fn names(run: &VirtualRun) -> Vec<&str> {
    run.outcome.events.iter().map(|event| event.name.as_str()).collect()
}

/// True if the names occur in this order.
fn in_order(names: &[&str], wanted: &[&str]) -> bool {
    let mut names = names.iter();
    wanted.iter().all(|wanted| names.any(|name| name == wanted))
}

#[test]
fn h7_h9_every_fault_ends_on_the_baseline_within_a_cycle_and_heals() {
    let undisturbed = run(Vec::new());
    assert!(undisturbed.outcome.tally.fallbacks().is_empty());
    let cases = [
        (FaultAction::CloudStop, "cloud_stop"),
        (FaultAction::CloudKill, "cloud_kill"),
        (FaultAction::LinkDown, "link_down"),
    ];
    for (action, name) in cases {
        let disturbed = run(vec![fault(action, 12.0, Some(2.0))]);
        let fallbacks = disturbed.outcome.tally.fallbacks();
        assert_eq!(fallbacks.len(), 1, "{name}: {fallbacks:?}");
        let reaction = fallbacks[0].reaction.expect("a plan expired");
        assert!(reaction <= CYCLE, "{name}: {} ms after expiry", reaction.as_ms());
        let ended = fallbacks[0].ended.expect("it healed");
        assert!(ended.since(fallbacks[0].began) < Duration::from_ms(4000), "{name} lasted too long");
        let wanted = [name, "begin_plan_expired", "source_baseline", "source_plan", "phase_ended"];
        assert!(in_order(&names(&disturbed), &wanted), "{name}: {:?}", names(&disturbed));
        // Nothing stays slow for the rest of the job: the baseline costs a little while it is in force.
        let (with, without) = (disturbed.outcome.cycle_time.as_s(), undisturbed.outcome.cycle_time.as_s());
        assert!((with - without).abs() < 1.0, "{name}: {with} s instead of {without} s");
    }
}

#[test]
fn h7_a_cloud_that_never_comes_back_leaves_the_machine_on_the_baseline_to_the_end() {
    let gone = run(vec![fault(FaultAction::CloudKill, 12.0, None)]);
    let fallbacks = gone.outcome.tally.fallbacks();
    assert_eq!(fallbacks.len(), 1);
    assert!(gone.outcome.tally.is_completed());
    let undisturbed = run(Vec::new()).outcome.cycle_time.as_s();
    let slower = gone.outcome.cycle_time.as_s() / undisturbed;
    assert!((1.0..1.1).contains(&slower), "the baseline took {slower} × the time of the plan");
    let worst = gone.feeling.peak_n.iter().copied().fold(0.0, f64::max);
    let limit = gone.simulation.limits.force_peak_xy.expect("the demo limits the force").as_n();
    assert!(worst <= 1.15 * limit, "true peak {worst} N, limit {limit} N");
}

#[test]
fn a_torn_report_changes_nothing_but_is_survived() {
    let torn = run((0..5).map(|n| fault(FaultAction::TornRecord, 10.0 + f64::from(n), None)).collect());
    assert!(torn.outcome.tally.fallbacks().is_empty() && torn.outcome.tally.is_completed());
}

#[test]
fn invariant_5_a_recording_replays_to_the_same_decisions() {
    let run = run(vec![fault(FaultAction::CloudStop, 12.0, Some(2.0))]);
    let bytes = run.outcome.recording.expect("it was asked for");
    let tape = edge_agent::recording::Tape::read(&bytes).expect("what was written reads");
    let replayed = edge_agent::recording::replay(&tape).expect("the job compiles again");
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.digest, run.outcome.digest);
    assert!(replayed.commands > 10_000, "{} commands", replayed.commands);
}
