//! Many one-minute lives, and a flood of hostile messages: no promise is broken, and everything is reached.

#![allow(clippy::print_stderr)] // Counts are part of the result.

use std::thread;

use scenarios::swarm::{self, Coverage};

/// Lives in continuous integration, and at a desk.
fn lives() -> u64 {
    if std::env::var("CI").as_deref() == Ok("true") { 20_000 } else { 1000 }
}

/// Lives seeds in as many threads as there are processors; breaches come back in the order of their seeds.
fn live_all(seeds: std::ops::Range<u64>) -> (Coverage, Vec<String>) {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let parts: Vec<(Coverage, Vec<String>)> = thread::scope(|scope| {
        let part = |first: u64| {
            let (mut coverage, mut broken) = (Coverage::default(), Vec::new());
            for seed in (seeds.start + first..seeds.end).step_by(threads as usize) {
                let life = swarm::live(seed, false);
                coverage.add(&life.coverage);
                broken.extend(life.breaches.first().map(|breach| format!("seed {seed}: {breach:?}")));
            }
            (coverage, broken)
        };
        let handles: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        handles.into_iter().map(|handle| handle.join().expect("a life does not panic")).collect()
    });
    let (mut coverage, mut broken) = (Coverage::default(), Vec::new());
    for (part, lines) in parts {
        coverage.add(&part);
        broken.extend(lines);
    }
    broken.sort();
    (coverage, broken)
}

#[test]
fn h1_h3_h7_h9_h11_h13_h35_no_life_breaks_a_promise_and_every_reason_condition_and_fault_is_met() {
    let lives = lives();
    let (coverage, broken) = live_all(1..lives + 1);
    eprintln!("{lives} lives: {coverage:?}");
    assert!(broken.is_empty(), "{} lives broke a promise; `cosim world --seed N` tells one: {broken:#?}", broken.len());
    assert!(coverage.missing().is_empty(), "never reached: {:?}", coverage.missing());
    // Late, lost, repeated and overtaken chunks are refused without refusing those that arrived in time.
    assert!(coverage.valid >= lives, "{} chunks were valid beyond doubt", coverage.valid);
    assert!(coverage.valid_admitted * 100 >= coverage.valid * 95);
    assert!(coverage.cycles >= lives * 1000, "lives end early");
}

#[test]
fn h3_no_message_of_a_flood_is_taken_and_the_honest_ones_between_them_are() {
    let (life, counts) = swarm::flood(7, 60);
    eprintln!("{counts:?} {:?}", life.coverage);
    assert_eq!(life.breaches, []);
    assert!(counts.hostile > 100_000 && counts.honest > 10_000, "{counts:?}");
    assert_eq!(counts.taken, 0);
    assert!(counts.honest_taken * 100 >= counts.honest * 95, "{counts:?}");
}

#[test]
fn a_seed_tells_the_same_life_twice() {
    for seed in [3, 100] {
        let first = swarm::live(seed, true);
        assert!(first.trace.len() > 500, "{} lines", first.trace.len());
        assert_eq!(first.trace, swarm::live(seed, true).trace);
    }
}
