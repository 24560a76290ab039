//! How long cancelled work goes on. Promise: a millisecond.

use std::time::{Duration, Instant};

use cloud_sim::executor::{Cancel, Cancellable, Executor, Serial};
use cloud_sim::workers::Workers;
use shared::budget::WorkAllowance;
use shared::motion::Station;

use crate::window::begun;

/// From the wish to the return, at many moments of the work.
pub(crate) fn cancel() {
    let (job, start) = begun(1);
    let two = Workers::new(2).expect("threads");
    for (name, executor) in [("one thread", &Serial as &dyn Executor), ("two threads", &two)] {
        let mut took: Vec<Duration> = Vec::new();
        for moment in 1..40 {
            let (cancel, mut ahead) = (Cancel::new(), start.clone());
            let wanted = std::sync::Mutex::new(None);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_micros(500 * moment));
                    *wanted.lock().expect("not poisoned") = Some(Instant::now());
                    cancel.want();
                });
                let stoppable = Cancellable { executor, cancel: &cancel };
                let done = ahead.extend(Station::MAX, WorkAllowance(u32::MAX), &stoppable, &mut |_| {});
                let ended = Instant::now();
                assert!(!done, "{} has more to cut than this", job.name);
                if let Some(wanted) = *wanted.lock().expect("not poisoned") {
                    took.push(ended.saturating_duration_since(wanted));
                }
            });
        }
        took.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("{name}: median {:.3} ms, greatest {:.3} ms", ms(took[took.len() / 2]), ms(took[took.len() - 1]));
    }
}
