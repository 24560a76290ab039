//! Time by processor and by wall, and rounds.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

pub(crate) fn time<R>(work: impl FnOnce() -> R) -> (Took, R) {
    let (wall, cpu) = (Instant::now(), thread_time());
    let result = work();
    (Took { cpu: thread_time() - cpu, wall: wall.elapsed() }, result)
}

/// The least of each.
pub(crate) fn least(a: Option<Took>, b: Took) -> Took {
    a.map_or(b, |a| Took { cpu: a.cpu.min(b.cpu), wall: a.wall.min(b.wall) })
}

/// What is measured: its name, and one run of it.
pub(crate) type Candidate<'a> = (String, Box<dyn FnMut() -> Took + 'a>);

/// Runs every candidate in turn, `rounds` times, and gives the least of each.
pub(crate) fn interleaved(rounds: usize, candidates: &mut [Candidate<'_>]) -> Vec<Took> {
    let mut best: Vec<Option<Took>> = vec![None; candidates.len()];
    for _ in 0..rounds {
        for ((_, run), best) in candidates.iter_mut().zip(&mut best) {
            *best = Some(least(*best, run()));
        }
    }
    best.into_iter().flatten().collect()
}
