//! Planted bugs, one at a time: the swarm finds every one. One test, because what is planted is planted for the whole
//! process.

#![allow(clippy::print_stderr)] // The seeds that found them are the result.

use scenarios::swarm;
use shared::planted::{Bug, plant};

/// A bug that this many lives do not notice is not found.
const LIVES_MAX: u64 = 400;

#[test]
fn the_swarm_finds_every_planted_bug() {
    const { assert!(Bug::GATE.len() + Bug::AROUND.len() >= 30 && 2 * Bug::AROUND.len() >= Bug::GATE.len()) };
    let mut missed = Vec::new();
    for bug in Bug::GATE.into_iter().chain(Bug::AROUND) {
        plant(None);
        let clean = |seed: &u64| swarm::live(*seed, false).breaches.is_empty();
        let found = (1..=LIVES_MAX).find_map(|seed| {
            plant(Some(bug));
            let breach = swarm::live(seed, false).breaches.first().cloned()?;
            // A life that is broken without the bug too proves nothing.
            plant(None);
            clean(&seed).then_some((seed, breach))
        });
        match found {
            Some((seed, breach)) => eprintln!("{bug:?}: seed {seed}, promise {}: {}", breach.promise, breach.what),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found within {LIVES_MAX} lives: {missed:?}");
}
