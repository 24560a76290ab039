use clap::Args;
use shared::plan::RejectReason;

use super::{EXIT_EXPECTATION, EXIT_PASS};
use crate::swarm::{self, Coverage, LIFE_S, Life};

/// Hostile messages in one cycle of a flooded life.
const HOSTILE_PER_CYCLE: u64 = 200;

#[derive(Debug, Args)]
pub(super) struct WorldArgs {
    /// First seed. Every hundredth uses real signatures.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Instead of faults: at least this many damaged, replayed, forged and wrongly sealed messages.
    #[arg(long, value_name = "COUNT", conflicts_with = "seeds")]
    hostile: Option<u64>,
}

#[allow(clippy::print_stdout)] // The result of the command.
pub(super) fn command(args: &WorldArgs) -> u8 {
    if let Some(count) = args.hostile {
        return hostile(args.seed, count);
    }
    if args.seeds == 1 {
        let life = swarm::live(args.seed, true);
        life.trace.iter().for_each(|line| println!("{line}"));
        return said(args.seed, &life);
    }
    let mut coverage = Coverage::default();
    let mut code = EXIT_PASS;
    for seed in args.seed..args.seed.saturating_add(args.seeds) {
        let life = swarm::live(seed, false);
        coverage.add(&life.coverage);
        if !life.breaches.is_empty() {
            code = said(seed, &life);
        }
    }
    println!("{} lives of {LIFE_S} s", args.seeds);
    table(&coverage);
    coverage.missing().iter().for_each(|missing| println!("never reached: {missing}"));
    code
}

#[allow(clippy::print_stdout)]
fn hostile(seed: u64, count: u64) -> u8 {
    let mut coverage = Coverage::default();
    let (mut hostile, mut taken, mut honest, mut honest_taken) = (0, 0, 0, 0);
    let mut code = EXIT_PASS;
    for seed in seed.. {
        let (life, counts) = swarm::flood(seed, HOSTILE_PER_CYCLE);
        coverage.add(&life.coverage);
        (hostile, taken) = (hostile + counts.hostile, taken + counts.taken);
        (honest, honest_taken) = (honest + counts.honest, honest_taken + counts.honest_taken);
        if !life.breaches.is_empty() {
            code = said(seed, &life);
        }
        if hostile >= count || counts.hostile == 0 {
            break;
        }
    }
    println!("{hostile} hostile messages, {taken} chunks of them admitted");
    println!("{honest} honest signs of life between them, {honest_taken} taken");
    table(&coverage);
    if taken > 0 { EXIT_EXPECTATION } else { code }
}

#[allow(clippy::print_stdout)]
fn said(seed: u64, life: &Life) -> u8 {
    for breach in &life.breaches {
        let at_ms = breach.at_ns as f64 * 1e-6;
        println!("seed {seed}: promise {} is broken at {at_ms:.3} ms: {}", breach.promise, breach.what);
    }
    if life.breaches.is_empty() { EXIT_PASS } else { EXIT_EXPECTATION }
}

#[allow(clippy::print_stdout)]
fn table(coverage: &Coverage) {
    println!("{} messages, {} chunks admitted", coverage.messages, coverage.admitted);
    println!("{} of {} chunks valid beyond doubt admitted", coverage.valid_admitted, coverage.valid);
    for reason in RejectReason::ALL {
        println!("{:>12} rejected: {}", coverage.rejects[reason as usize], reason.name());
    }
}
