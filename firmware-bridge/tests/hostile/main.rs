//! Hostile input: every reader of the crate over a million damaged inputs, with no panic, no growth, no flood and no
//! hang; and five readers that are broken on purpose, to show that the hunt finds each of these.
#![allow(clippy::print_stderr, reason = "the figures of a test belong to its output")]
#![allow(clippy::disallowed_methods, reason = "a hunt runs on a thread of its own, so that one that hangs can be told")]

mod hunt;
mod memory;
mod more_targets;
mod mutate;
mod targets;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hunt::{Found, Hunt, Target, hunt};

/// Inputs in all, in CI and at home.
const INPUTS: u64 = 1_000_000;
/// For a hunt that takes seconds.
const PATIENCE: Duration = Duration::from_secs(600);

fn hunts() -> Vec<Hunt> {
    let plain =
        |name, target, samples| Hunt { name, target, samples, inputs: 0, growth_max: 0, things_a_byte: 1, things: 1 };
    let session = |name, target| Hunt {
        // A stream's lists of refusals; a sender's buffer is full once.
        growth_max: 1 << 16,
        things_a_byte: 2,
        things: 256,
        ..plain(name, target, targets::GRBL)
    };
    let mut hunts = vec![
        plain("grbl lines", targets::grbl_lines, targets::GRBL),
        session("grbl watching", targets::grbl_watching),
        session("grbl sending", targets::grbl_sending),
        plain("SHDR of others", targets::shdr_whole_pairs, targets::SHDR),
        plain("virtual link, reports", targets::shdr_counted, targets::SHDR),
        plain("virtual link, commands", targets::commands, targets::COMMANDS),
        // The document under way keeps its memory for the next.
        Hunt {
            growth_max: 1 << 17,
            things: 16,
            ..plain("MTConnect answers", more_targets::answers, more_targets::ANSWERS)
        },
        Hunt {
            growth_max: 1 << 17,
            things: 16,
            ..plain("MTConnect documents", more_targets::documents, more_targets::DOCUMENTS)
        },
        Hunt { things: 2, ..plain("SHDR adapter", more_targets::adapter, targets::SHDR) },
        // The name of one program is kept, to see it change.
        Hunt { growth_max: 1 << 12, ..plain("LinuxCNC status", more_targets::status, more_targets::STATUS) },
        Hunt { things: 16, ..plain("LinuxCNC sampler", more_targets::sampler, more_targets::RECORDS) },
        Hunt { growth_max: 1 << 22, things: 2048, ..plain("grbl emulator", targets::emulator, targets::BLOCKS) },
    ];
    // The peer is no reader of the field, and slow: a motion planner runs behind it.
    let readers = hunts.len() as u64 - 1;
    for hunt in &mut hunts {
        hunt.inputs = if hunt.name == "grbl emulator" { 20_000 } else { INPUTS.div_ceil(readers) };
    }
    hunts
}

#[test]
fn a_million_damaged_inputs_break_no_reader() {
    let mut inputs = 0;
    for one in hunts() {
        let (name, wanted) = (one.name, one.inputs);
        let figures = hunt(one, 1, PATIENCE).unwrap_or_else(|found| panic!("{name}, seed 1: {found:?}"));
        eprintln!(
            "{name}: {} inputs, {} bytes, {} things made of them, {} bytes grown",
            figures.inputs, figures.bytes, figures.things, figures.growth
        );
        assert!(
            figures.inputs == wanted && figures.things > wanted / 2,
            "{name}: hardly anything was read: {figures:?}"
        );
        inputs += if name == "grbl emulator" { 0 } else { figures.inputs };
    }
    assert!(inputs >= INPUTS, "{inputs}");
}

/// A parser of status reports as they are often written.
struct Broken {
    fault: Fault,
    seen: Vec<Vec<u8>>,
    give_up: Arc<AtomicBool>,
}

enum Fault {
    /// Takes the text after `Ov:` without asking whether it is there.
    Slices,
    /// Keeps an unfinished line for ever.
    Keeps,
    /// Says something for every byte of a long line, and once more for each before it.
    Floods,
    /// Waits for a closing bracket that does not come.
    Waits,
    /// Takes as many bytes of a part as were announced without asking whether they came.
    Believes,
}

impl Target for Broken {
    fn read(&mut self, input: &[u8]) -> u64 {
        let text = String::from_utf8_lossy(input);
        match self.fault {
            Fault::Slices => {
                text.lines().filter_map(|line| line.find("|Ov:").map(|at| line[at + 4..at + 7].len() as u64)).count()
                    as u64
            }
            Fault::Keeps => {
                if !input.ends_with(b"\n") {
                    self.seen.push(input.to_vec());
                }
                1
            }
            Fault::Floods => text.lines().map(|line| (line.len() * line.len()) as u64 / 64).sum(),
            Fault::Believes => {
                let announced = |part: &str| {
                    let (head, body) = part.split_once("\n\n")?;
                    let length: usize = head.split_once("ength: ")?.1.split_whitespace().next()?.parse().ok()?;
                    Some(body.as_bytes()[..length].len().min(1) as u64)
                };
                text.split("--part\n").skip(1).filter_map(announced).sum::<u64>().min(1)
            }
            Fault::Waits => {
                let open = text.matches('[').count() > text.matches(']').count();
                while open && !self.give_up.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                1
            }
        }
    }
}

fn broken(fault: Fault, give_up: &Arc<AtomicBool>) -> Box<dyn Target> {
    Box::new(Broken { fault, seen: Vec::new(), give_up: Arc::clone(give_up) })
}

#[test]
fn planted_faults_are_found() {
    let plant = |target| Hunt {
        name: "planted",
        target,
        samples: targets::GRBL,
        inputs: 100_000,
        growth_max: 1 << 16,
        things_a_byte: 1,
        things: 1,
    };
    let found = |target| hunt(plant(target), 1, PATIENCE).map(|figures| figures.inputs);
    let panics = found(|give_up| broken(Fault::Slices, give_up));
    let grows = found(|give_up| broken(Fault::Keeps, give_up));
    let floods = found(|give_up| broken(Fault::Floods, give_up));
    assert!(matches!(panics, Err(Found::Panic { .. })), "{panics:?}");
    assert!(matches!(grows, Err(Found::Growth { .. })), "{grows:?}");
    assert!(matches!(floods, Err(Found::Flood { .. })), "{floods:?}");
    let parts = Hunt { samples: more_targets::ANSWERS, ..plant(|give_up| broken(Fault::Believes, give_up)) };
    let believes = hunt(parts, 1, PATIENCE);
    assert!(matches!(believes, Err(Found::Panic { .. })), "{believes:?}");
    // This one hangs on its first unclosed bracket; waiting longer would find nothing else.
    let few = Hunt { inputs: 1000, ..plant(|give_up| broken(Fault::Waits, give_up)) };
    let hangs = hunt(few, 1, Duration::from_secs(3));
    assert!(matches!(hangs, Err(Found::Hang { .. })), "{hangs:?}");
    eprintln!("planted: {panics:?} {grows:?} {floods:?} {believes:?} {hangs:?}");
}
