//! Who does indexed jobs: one thread or many, with the same result.
//!
//! A core hands out jobs by index and combines their results in index order, so that the number of threads
//! cannot show in a single bit (DESIGN.md section 7). The serial executor lives here; the service's
//! workers bring one backed by rayon.

use std::sync::atomic::{AtomicBool, Ordering};

/// Runs indexed jobs.
pub trait Executor: Sync {
    /// Calls `job(0)` to `job(count − 1)`, each exactly once, in any order and possibly at the same time;
    /// returns when all are done.
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync));

    /// How many jobs may run at the same time; a hint for cutting work into pieces, never for what the
    /// result is.
    fn width(&self) -> usize;

    /// The wish to stop, where there may be one.
    fn cancel(&self) -> Option<&Cancel> {
        None
    }

    /// True once the work is no longer wanted.
    fn is_cancelled(&self) -> bool {
        self.cancel().is_some_and(Cancel::is_wanted)
    }

    /// Asked before so many cells of a stock are looked at, which is never more than a few thousand: true once the
    /// work is no longer wanted. The count is for whoever wants to know how much is done between two questions.
    fn stops_before(&self, _cells: usize) -> bool {
        self.is_cancelled()
    }
}

/// A wish to stop, which may come from another thread. It is never taken back.
///
/// Work that is asked to stop looks at this before each pose that is sampled and each tile that is cut, some thousand cells
/// or a microsecond apart, and gives back nothing of what it had begun: [`crate::ahead::Ahead`] then stands where it
/// stood before.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// No wish yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks to stop.
    pub fn want(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True once asked to.
    pub fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// An executor whose work can be stopped.
#[derive(Clone, Copy)]
pub struct Cancellable<'a> {
    /// Who does the work.
    pub executor: &'a dyn Executor,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

impl Executor for Cancellable<'_> {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        self.executor.run(count, job);
    }

    fn width(&self) -> usize {
        self.executor.width()
    }

    fn cancel(&self) -> Option<&Cancel> {
        Some(self.cancel)
    }
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
