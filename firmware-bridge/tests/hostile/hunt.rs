//! Runs a target over damaged input and says what broke it: a panic, growth, a flood of output, or silence.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::memory::held;
use crate::mutate::input;

/// Something that reads bytes.
pub(crate) trait Target {
    /// Reads one input. Says how many things it made of it: events, occurrences, bytes.
    fn read(&mut self, input: &[u8]) -> u64;
}

/// What is hunted.
pub(crate) struct Hunt {
    pub(crate) name: &'static str,
    pub(crate) target: fn(&Arc<AtomicBool>) -> Box<dyn Target>,
    pub(crate) samples: &'static [&'static [u8]],
    pub(crate) inputs: u64,
    /// Most bytes the target may hold beyond what it held at first.
    pub(crate) growth_max: i64,
    /// Most things made of one input, for each of its bytes and once.
    pub(crate) things_a_byte: u64,
    pub(crate) things: u64,
}

/// What broke the target; the number makes the input again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Panic { number: u64 },
    Growth { number: u64 },
    Flood { number: u64 },
    Hang { number: u64 },
}

/// What a harmless hunt did.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) inputs: u64,
    pub(crate) bytes: u64,
    pub(crate) things: u64,
    pub(crate) growth: i64,
}

/// Runs a hunt on a thread of its own. `patience` is for the whole hunt and only ends one that hangs: it has to be
/// far longer than the slowest machine needs.
pub(crate) fn hunt(hunt: Hunt, seed: u64, patience: Duration) -> Result<Figures, Found> {
    let (number, give_up) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (sender, receiver) = channel();
    let worker = std::thread::spawn({
        let (number, give_up) = (Arc::clone(&number), Arc::clone(&give_up));
        move || {
            // Nobody is left to take it where the hunt was given up.
            let _ = sender.send(run(&hunt, seed, &number, &give_up));
        }
    });
    match receiver.recv_timeout(patience) {
        Ok(found) => {
            worker.join().expect("the worker catches what it runs");
            found
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            give_up.store(true, Ordering::Relaxed);
            Err(Found::Hang { number: number.load(Ordering::Relaxed) })
        }
    }
}

fn run(hunt: &Hunt, seed: u64, at: &AtomicU64, give_up: &Arc<AtomicBool>) -> Result<Figures, Found> {
    let mut target = (hunt.target)(give_up);
    let mut figures = Figures::default();
    // The first inputs fill what is sized on first use.
    let mut before = held();
    for number in 0..hunt.inputs {
        at.store(number, Ordering::Relaxed);
        let bytes = input(seed, number, hunt.samples);
        let things = catch_unwind(AssertUnwindSafe(|| target.read(&bytes))).map_err(|_| Found::Panic { number })?;
        if things > hunt.things + hunt.things_a_byte * bytes.len() as u64 {
            return Err(Found::Flood { number });
        }
        figures.inputs += 1;
        figures.bytes += bytes.len() as u64;
        figures.things += things;
        drop(bytes);
        if number < 100 {
            before = before.max(held());
        }
        figures.growth = figures.growth.max(held() - before);
        if figures.growth > hunt.growth_max {
            return Err(Found::Growth { number });
        }
    }
    Ok(figures)
}
