//! What a row of messages amounts to: quantiles over everything that was sent, misses and their runs.
//!
//! A message counts from the instant at which it was *scheduled*, not from the one at which it was sent: a generator
//! that is held up by what it measures would otherwise leave out just the messages that had to wait (coordinated
//! omission). A message that never came back counts with "at least the time-out". A quantile is told only where at
//! least [`BEYOND_MIN`] samples lie beyond it; the greatest is told always.

/// Samples that must lie beyond a quantile for it to be told.
pub const BEYOND_MIN: usize = 100;

/// The quantiles that are told, with their names.
pub const QUANTILES: [(f64, &str); 5] =
    [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (0.9999, "p99.99")];

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its number.
    pub number: u64,
    /// When it was to be sent, ns.
    pub scheduled_ns: u64,
    /// When it was handed to the transport.
    pub sent_ns: u64,
    /// When its answer was there; `None` where none came in time.
    pub received_ns: Option<u64>,
}

impl Shot {
    /// From the scheduled instant to the answer, ns.
    pub fn latency_ns(&self) -> Option<u64> {
        self.received_ns.map(|received| received.saturating_sub(self.scheduled_ns))
    }

    /// How late the generator was, ns.
    pub fn lag_ns(&self) -> u64 {
        self.sent_ns.saturating_sub(self.scheduled_ns)
    }
}

/// A row of messages under one limit, in the order in which they were scheduled.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The messages.
    pub shots: Vec<Shot>,
    /// What has not come back by then has not come back, ns.
    pub timeout_ns: u64,
    /// What comes back later than this is a miss, ns.
    pub budget_ns: u64,
}

/// How often the budget was missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Misses {
    /// Came late or not at all.
    pub late: u64,
    /// Of these, never came.
    pub lost: u64,
    /// Most in a row.
    pub longest_run: u64,
    /// Most among any `window` messages in a row: the m of an (m, k) guarantee.
    pub most_in_window: u64,
    /// The k.
    pub window: u64,
}

impl Series {
    /// Latencies with the lost ones as the time-out, sorted, ns.
    pub fn sorted_ns(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.latencies().collect();
        all.sort_unstable();
        all
    }

    /// Latencies in order, the lost ones as the time-out, ns.
    pub fn latencies(&self) -> impl Iterator<Item = u64> + '_ {
        self.shots.iter().map(|shot| shot.latency_ns().unwrap_or(self.timeout_ns).min(self.timeout_ns))
    }

    /// Lateness of the generator, sorted, ns.
    pub fn lags_ns(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.shots.iter().map(Shot::lag_ns).collect();
        all.sort_unstable();
        all
    }

    fn is_miss(&self, shot: &Shot) -> bool {
        shot.latency_ns().is_none_or(|latency| latency > self.budget_ns)
    }

    /// Misses, their longest run, and the most in any `window` messages.
    pub fn misses(&self, window: usize) -> Misses {
        let flags: Vec<bool> = self.shots.iter().map(|shot| self.is_miss(shot)).collect();
        let (mut run, mut longest, mut inside, mut most) = (0_u64, 0, 0_u64, 0);
        for (index, miss) in flags.iter().enumerate() {
            run = if *miss { run + 1 } else { 0 };
            longest = longest.max(run);
            inside += u64::from(*miss);
            if index >= window {
                inside -= u64::from(flags[index - window]);
            }
            most = most.max(inside);
        }
        Misses {
            late: flags.iter().filter(|miss| **miss).count() as u64,
            lost: self.shots.iter().filter(|shot| shot.received_ns.is_none()).count() as u64,
            longest_run: longest,
            most_in_window: most,
            window: window as u64,
        }
    }
}

/// The quantile of sorted values by nearest rank; `None` of nothing.
pub fn quantile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The same, and `None` too where fewer than [`BEYOND_MIN`] samples lie beyond.
pub fn told_quantile(sorted: &[u64], share: f64) -> Option<u64> {
    let beyond = (1.0 - share) * sorted.len() as f64;
    // The product is rounded: 100 samples must not count as 99.999….
    if beyond + 1e-6 < BEYOND_MIN as f64 { None } else { quantile(sorted, share) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A responder that takes each message when it is free and answers at once; frozen once.
    fn frozen(rate_hz: u64, seconds: u64, from_ms: u64, for_ms: u64) -> Series {
        let frozen = from_ms * MS..(from_ms + for_ms) * MS;
        let shots = (0..rate_hz * seconds)
            .map(|number| {
                let scheduled_ns = number * 1_000_000_000 / rate_hz;
                let answered = if frozen.contains(&scheduled_ns) { frozen.end } else { scheduled_ns };
                Shot { number, scheduled_ns, sent_ns: scheduled_ns, received_ns: Some(answered) }
            })
            .collect();
        Series { shots, timeout_ns: 10_000 * MS, budget_ns: 50 * MS }
    }

    #[test]
    fn coordinated_omission_is_not_committed() {
        // TRANSPORT.md section 7: 100 Hz, 60 s, frozen once for 1.000 s: 1000, 990 … 10 ms.
        let series = frozen(100, 60, 30_000, 1000);
        let sorted = series.sorted_ns();
        let ms = |share: f64| quantile(&sorted, share).map_or(0.0, |ns| ns as f64 / 1e6);
        assert!((ms(0.99) - 410.0).abs() < 10.1, "p99 {} ms", ms(0.99));
        assert!((ms(0.999) - 950.0).abs() < 10.1, "p99.9 {} ms", ms(0.999));
        assert_eq!(ms(1.0), 1000.0);
        // 1000 … 60 ms are beyond the budget of 50 ms.
        assert_eq!(series.misses(100).late, 95);
        assert_eq!((series.misses(100).longest_run, series.misses(10).most_in_window), (95, 10));
        // 60 samples beyond p99: too few to tell it.
        assert_eq!(told_quantile(&sorted, 0.99), None);
        assert!(told_quantile(&sorted, 0.9).is_some());
    }

    #[test]
    fn where_the_latest_wins_the_superseded_are_misses_and_stay_in_the_record() {
        let mut series = frozen(100, 60, 30_000, 1000);
        // All but the last of the hundred are superseded and never answered.
        let waiting = series.shots.iter_mut().filter(|shot| shot.latency_ns() > Some(10 * MS));
        waiting.for_each(|shot| shot.received_ns = None);
        let misses = series.misses(1000);
        assert_eq!((misses.late, misses.lost, misses.longest_run), (99, 99, 99));
        assert_eq!(quantile(&series.sorted_ns(), 0.99), Some(series.timeout_ns));
    }

    #[test]
    fn a_quantile_needs_a_hundred_samples_beyond_it() {
        let sorted: Vec<u64> = (1..=10_000).collect();
        assert_eq!(told_quantile(&sorted, 0.99), Some(9_900));
        assert_eq!(told_quantile(&sorted[..9_999], 0.99), None);
        assert_eq!(told_quantile(&sorted, 0.999), None);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
