//! Indexed jobs on several threads.

use std::sync::atomic::{AtomicU64, Ordering};

use cloud_sim::executor::Executor;
use rayon::prelude::*;

/// Threads of its own, apart from every other pool of the process.
#[derive(Debug)]
pub struct Pool {
    pool: rayon::ThreadPool,
    jobs: Vec<AtomicU64>,
}

impl Pool {
    /// As many threads as asked for; one for each processor where `None`.
    ///
    /// # Errors
    /// A sentence if the system gives no threads.
    pub fn new(threads: Option<usize>) -> Result<Self, String> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|index| format!("simulate-{index}"))
            .build()
            .map_err(|error| format!("no threads to simulate with: {error}"))?;
        let jobs = (0..pool.current_num_threads()).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { pool, jobs })
    }

    /// Jobs done so far by each thread.
    pub fn jobs_by_thread(&self) -> Vec<u64> {
        self.jobs.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Executor for Pool {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        self.pool.install(|| {
            (0..count).into_par_iter().for_each(|index| {
                if let Some(done) = rayon::current_thread_index().and_then(|thread| self.jobs.get(thread)) {
                    done.fetch_add(1, Ordering::Relaxed);
                }
                job(index);
            });
        });
    }

    fn width(&self) -> usize {
        self.pool.current_num_threads()
    }
}
