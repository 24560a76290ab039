//! Two threads on one shared map.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cloud_sim::executor::{Executor, Serial};
use cloud_sim::sweep::{Cutter, cut_geometries};
use cloud_sim::workers::Workers;
use shared::motion::Geometry;

use crate::clock::{Took, least, thread_time, time};
use crate::cut::begun;
use benches::zigzag::{shapes, tool, zigzag};

/// Workers whose processor time is added up for each thread.
pub(crate) struct Timed {
    workers: Workers,
    busy_ns: Vec<AtomicU64>,
}

static NEXT: AtomicUsize = AtomicUsize::new(0);
thread_local! { static SLOT: Cell<Option<usize>> = const { Cell::new(None) }; }

impl Timed {
    pub(crate) fn new(threads: usize) -> Self {
        let busy_ns = (0..64).map(|_| AtomicU64::new(0)).collect();
        Self { workers: Workers::new(threads).expect("threads"), busy_ns }
    }

    /// Processor time of the busiest thread since the last call.
    pub(crate) fn busiest(&self) -> Duration {
        let times = self.busy_ns.iter().map(|ns| ns.swap(0, Ordering::Relaxed));
        Duration::from_nanos(times.max().unwrap_or(0))
    }
}

impl Executor for Timed {
    fn run(&self, count: usize, job: &(dyn Fn(usize) + Sync)) {
        self.workers.run(count, &|index| {
            let slot = SLOT.get().unwrap_or_else(|| {
                let slot = NEXT.fetch_add(1, Ordering::Relaxed) % 64;
                SLOT.set(Some(slot));
                slot
            });
            let began = thread_time();
            job(index);
            let took = (thread_time() - began).as_nanos() as u64;
            self.busy_ns[slot].fetch_add(took, Ordering::Relaxed);
        });
    }

    fn width(&self) -> usize {
        self.workers.width()
    }
}

/// The zigzag in one go. Promise: ≥ 1.8 × on two cores.
pub(crate) fn threads() {
    for (name, shape) in shapes() {
        let cutter = Cutter::new(&tool(shape));
        let moves = zigzag(100.0, true);
        let fresh = begun(&cutter, &moves);
        let paths: Vec<(&Cutter, Geometry)> = moves[101 * 20..101 * 50].iter().map(|path| (&cutter, *path)).collect();
        let two = Timed::new(2);
        let mut best: [Option<Took>; 2] = [None; 2];
        let mut digests = [None; 2];
        for _ in 0..15 {
            let mut map = fresh.fork();
            let serial = time(|| black_box(cut_geometries(&mut map, &paths, &Serial))).0;
            digests[0] = Some(map.digest());
            let mut map = fresh.fork();
            two.busiest();
            let (took, _) = time(|| black_box(cut_geometries(&mut map, &paths, &two)));
            digests[1] = Some(map.digest());
            best[0] = Some(least(best[0], serial));
            best[1] = Some(least(best[1], Took { cpu: two.busiest() + took.cpu, wall: took.wall }));
        }
        assert_eq!(digests[0], digests[1], "two threads give the same stock");
        let [Some(one), Some(two)] = best else { return };
        println!(
            "{name:6} one {:7.2} ms, two {:7.2} ms: {:4.2} x by the wall, {:4.2} x by the busier thread",
            one.cpu.as_secs_f64() * 1e3,
            two.wall.as_secs_f64() * 1e3,
            one.wall.as_secs_f64() / two.wall.as_secs_f64(),
            one.cpu.as_secs_f64() / two.cpu.as_secs_f64(),
        );
    }
}
