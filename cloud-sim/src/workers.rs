//! Worker threads for the kernel.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::executor::Executor;

/// A pool of threads of its own. The result of a job never depends on how many there are.
#[derive(Debug)]
pub struct Workers {
    pool: ThreadPool,
    jobs: Vec<AtomicU64>,
}

impl Workers {
    /// Starts `threads` threads, at least one.
    ///
    /// # Errors
    /// If the system grants no thread.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let threads = threads.max(1);
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("worker-{i}")).build()?;
        Ok(Self { pool, jobs: (0..threads).map(|_| AtomicU64::new(0)).collect() })
    }

    /// How many jobs each thread has done so far.
    pub fn jobs_per_worker(&self) -> Vec<u64> {
        self.jobs.iter().map(|jobs| jobs.load(Ordering::Relaxed)).collect()
    }

    fn count(&self) {
        // Every job runs inside the pool, so there is an index.
        if let Some(jobs) = rayon::current_thread_index().and_then(|index| self.jobs.get(index)) {
            jobs.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Executor for Workers {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        self.pool.install(|| {
            // Each job may go to whoever is free: a few that take longest must not stay with one thread.
            (0..count).into_par_iter().with_max_len(1).for_each(|index| {
                job(index);
                self.count();
            });
        });
    }

    fn width(&self) -> usize {
        self.pool.current_num_threads()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn every_job_is_done_once_and_both_threads_work() {
        let workers = Workers::new(2).expect("two threads");
        let done: Vec<AtomicU64> = (0..100).map(|_| AtomicU64::new(0)).collect();
        workers.run(done.len(), &|index| {
            done[index].fetch_add(1, Ordering::Relaxed);
        });
        assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
        // Two jobs that wait for each other can only end on two threads.
        let barrier = Barrier::new(2);
        workers.run(2, &|_| {
            barrier.wait();
        });
        let jobs = workers.jobs_per_worker();
        assert_eq!(jobs.iter().sum::<u64>(), 102);
        assert!(jobs.iter().all(|jobs| *jobs > 0), "{jobs:?}");
    }
}
