//! Same inputs, same bytes: twice, and on one thread and on two.

use std::sync::Arc;

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::workers::Workers;
use scenarios::format::Scenario;
use scenarios::virtual_run::{RunOptions, run_virtual};
use shared::job::Job;

fn recording(executor: &dyn Executor) -> Vec<u8> {
    let scenario = Scenario::load("demo", 1.0).expect("the demo is built in");
    let (job, _) = Job::compile(&scenario.sources);
    let job = Arc::new(job.expect("the demo compiles"));
    let options = RunOptions { record: true, compare: false, truth_seeds: 1 };
    let run = run_virtual(&scenario, &job, options, executor).expect("the world runs to its end");
    run.outcome.recording.expect("it was asked for")
}

#[test]
fn invariant_5_a_run_on_virtual_time_is_the_same_bytes_twice_and_on_any_number_of_threads() {
    let first = recording(&Serial);
    assert!(first.len() > 100_000, "only {} bytes were recorded", first.len());
    assert!(first == recording(&Serial), "two runs differ");
    let workers = Workers::new(2).expect("two threads");
    assert!(first == recording(&workers), "one thread and two threads differ");
    let jobs = workers.jobs_per_worker();
    assert!(jobs.len() == 2 && jobs.iter().all(|jobs| *jobs > 100), "both threads must have worked: {jobs:?}");
}
