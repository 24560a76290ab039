//! Who does indexed jobs: one thread or many, with the same result.
//!
//! A core hands out jobs by index and combines their results in index order, so that the number of threads
//! cannot show in a single bit (DESIGN.md section 7). The serial executor lives here; the service's
//! workers bring one backed by rayon.

/// Runs indexed jobs.
pub trait Executor: Sync {
    /// Calls `job(0)` to `job(count − 1)`, each exactly once, in any order and possibly at the same time;
    /// returns when all are done.
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync));

    /// How many jobs may run at the same time; a hint for cutting work into pieces, never for what the
    /// result is.
    fn width(&self) -> usize;
}

/// One thread: the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(job);
    }

    fn width(&self) -> usize {
        1
    }
}
