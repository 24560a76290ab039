use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};
use shared::time::Instant;

/// The edge's monotonic clock, counted from its start.
///
/// It reads `CLOCK_MONOTONIC` itself, because an absolute sleep needs the same clock: a relative sleep would add its
/// own lateness to every cycle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin_ns: u64,
}

fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // The kernel counts from boot: neither part is negative.
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { origin_ns: monotonic_ns() }
    }

    /// Now, since the start.
    pub(super) fn now(self) -> Instant {
        Instant::from_ns(monotonic_ns().saturating_sub(self.origin_ns))
    }

    /// Sleeps until an instant on the absolute timer; returns at once for one that has passed. Signals do not
    /// shorten it.
    pub(super) fn sleep_until(self, instant: Instant) {
        let ns = self.origin_ns.saturating_add(instant.as_ns());
        let request = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(rustix::io::Errno::INTR) {}
    }
}

#[cfg(test)]
mod tests {
    use shared::time::Duration;

    use super::*;

    #[test]
    fn a_sleep_until_the_past_returns_and_one_until_the_future_is_never_short() {
        let clock = Clock::start();
        clock.sleep_until(Instant::ORIGIN);
        let wake = clock.now().after(Duration::from_us(300));
        clock.sleep_until(wake);
        assert!(clock.now() >= wake);
    }
}
