//! Random programs, right and wrong, against LinuxCNC's own interpreter.
//!
//! A right program is put together from statements that leave the state as they found it, so that any order of
//! them is valid; which constructs it used is counted. A wrong one is a right one with one mistake of a typist
//! or of a post. Each is interpreted by both: the motions agree, or both refuse it at the same line. A failure
//! prints the seed, and the program.
#![allow(clippy::disallowed_methods, reason = "a test may read files")]
#![allow(clippy::print_stderr, reason = "a skipped test must be seen, and the counts are its result")]

mod curves;
mod flow;
mod generate;
mod mutate;
#[path = "../oracle/mod.rs"]
mod oracle;

use generate::Generator;
use oracle::{at_hand, compare_with, options, oracle_of_all, scratch};
use shared::det::Rng;
use shared::program::interpret;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const PROGRAMS_COUNT: u64 = 600;
/// Mutants; those that are still right count as programs more.
const MUTANTS_COUNT: u64 = 1200;
const REFUSED_MIN: usize = 600;
const USES_MIN: u32 = 20;
/// Seeds of the mutants that the oracle, which has no limit, follows for ever, with the reason. We refuse them.
const ENDLESS: [(u64, &str); 1] = [(1096, "the deleted line counts the passes of a loop")];

/// `COSIM_SEED` runs one seed alone and prints its program.
fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("COSIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..count).collect(),
    }
}

#[test]
fn random_programs_give_the_motions_of_the_oracle() {
    if !at_hand() {
        return;
    }
    let folder = scratch("generated");
    let mut uses: BTreeMap<&'static str, u32> = BTreeMap::new();
    let seeds = seeds(PROGRAMS_COUNT);
    let texts: Vec<String> = seeds
        .iter()
        .map(|seed| {
            let (text, used) = Generator::program(Rng::new(*seed));
            used.into_iter().for_each(|(name, count)| *uses.entry(name).or_default() += count);
            text
        })
        .collect();
    let (mut steps, mut wrong, mut wrong_count) = (0, String::new(), 0);
    for ((seed, text), said) in seeds.iter().zip(&texts).zip(oracle_of_all(&folder, &texts)) {
        let result = match said {
            None => Err("the oracle does not end".to_owned()),
            Some((_, Some(line))) => Err(format!("the oracle refuses line {line}")),
            Some(said) => compare_with(text.as_bytes(), said, &BTreeMap::new()),
        };
        match result {
            Ok(count) => steps += count,
            Err(what) => {
                wrong_count += 1;
                writeln!(wrong, "seed {seed}: {what}\n{}", numbered(text)).expect("a string");
            }
        }
    }
    eprintln!("{} random programs agree with the oracle in {steps} steps", texts.len() - wrong_count);
    eprintln!("uses: {uses:?}");
    eprintln!("{wrong_count} differ\n{wrong}");
    assert!(wrong_count == 0, "{wrong_count} differ\n{wrong}");
    if texts.len() as u64 == PROGRAMS_COUNT {
        assert!(steps > 20_000, "only {steps} steps were compared");
        for construct in generate::CONSTRUCTS {
            let count = uses.get(construct).copied().unwrap_or(0);
            assert!(count >= USES_MIN, "{construct} was used {count} times");
        }
    }
}

#[test]
fn mutated_programs_are_refused_at_the_line_of_the_oracle() {
    if !at_hand() {
        return;
    }
    let folder = scratch("mutated");
    let seeds = seeds(MUTANTS_COUNT);
    let mut kinds: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut texts = Vec::new();
    let mut changes = Vec::new();
    for seed in &seeds {
        let mut rng = Rng::new(*seed).fork("mutant");
        let (text, _) = Generator::short_program(rng.fork("program"));
        let (text, kind, what) = mutate::mutated(&mut rng, &text);
        texts.push(text);
        changes.push((kind, what));
    }
    let (mut refused, mut right, mut endless) = (0, 0, Vec::new());
    let (mut wrong, mut wrong_count) = (String::new(), 0);
    for (index, said) in oracle_of_all(&folder, &texts).into_iter().enumerate() {
        let Some(said) = said else {
            endless.push(seeds[index]);
            let ours = interpret("program", texts[index].as_bytes(), &BTreeMap::new(), &options());
            let is_stopped = ours.diagnostics.iter().any(|diagnostic| diagnostic.code == "program::too-long");
            assert!(is_stopped, "seed {}: we do not stop it either: {:?}", seeds[index], changes[index]);
            continue;
        };
        let is_refused = said.1.is_some();
        match compare_with(texts[index].as_bytes(), said, &BTreeMap::new()) {
            Ok(_) if is_refused => {
                refused += 1;
                *kinds.entry(changes[index].0).or_default() += 1;
            }
            Ok(_) => right += 1,
            Err(what) => {
                wrong_count += 1;
                let (seed, (kind, change)) = (seeds[index], &changes[index]);
                writeln!(wrong, "seed {seed}: {kind}: {change}\n  {what}").expect("a string");
                if seeds.len() == 1 {
                    writeln!(wrong, "{}", numbered(&texts[index])).expect("a string");
                }
            }
        }
    }
    eprintln!(
        "{refused} mutants are refused at the oracle's line, {right} are still right and agree, {endless:?} do not end"
    );
    eprintln!("refused by kind: {kinds:?}");
    eprintln!("{wrong_count} differ\n{wrong}");
    assert!(wrong_count == 0, "{wrong_count} differ\n{wrong}");
    if seeds.len() as u64 == MUTANTS_COUNT {
        assert!(refused >= REFUSED_MIN, "{refused} refused");
        assert_eq!(endless, ENDLESS.map(|(seed, _)| seed), "other mutants than {ENDLESS:?} do not end");
        for kind in mutate::KINDS {
            let count = kinds.get(kind).copied().unwrap_or(0);
            assert!(count >= USES_MIN, "{kind} made {count} refused programs");
        }
    }
}

fn numbered(text: &str) -> String {
    text.lines().enumerate().map(|(index, line)| format!("{:4} {line}\n", index + 1)).collect()
}
