//! When a tick was, on the edge's clock.
//!
//! A record carries its number, not its time. The real-time thread runs on an absolute timer, so ticks are one period
//! apart; the reader sees them later, by as much as it was asleep. Each look says: tick *n* was not later than now. The
//! least of `now − n·period` over the last while is therefore the best guess at when tick 0 was, late by at most the
//! quickest look. The least is taken over the last two stretches of time, so that the guess follows where the two clocks
//! drift apart or the real-time thread slips, and an instant is never in the future of the look that brought the tick.

use shared::time::{Duration, Instant};

/// Maps tick numbers to instants.
#[derive(Clone, Copy, Debug)]
pub struct TickClock {
    period: Duration,
    /// Number of the last tick, unwrapped.
    last: Option<u64>,
    /// Least origin, in ns of the edge's clock (may lie before its beginning), of this stretch and the one before.
    current: Option<i128>,
    previous: Option<i128>,
    stretch_end: Instant,
}

/// Length of a stretch.
const STRETCH: Duration = Duration::from_ms(500);

/// A tick's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickTime {
    /// When it was.
    pub valid_at: Instant,
    /// Ticks lost since the one before.
    pub lost: u64,
}

impl TickClock {
    /// For ticks a period apart.
    pub fn new(period: Duration) -> Self {
        Self { period, last: None, current: None, previous: None, stretch_end: Instant::ORIGIN }
    }

    /// Forgets everything: the controller was started again.
    pub fn reset(&mut self) {
        *self = Self::new(self.period);
    }

    /// Places a tick that was read at `now`. The last of the ticks that one look brings should be told to
    /// [`Self::handle_look`] first.
    pub fn time_of(&mut self, now: Instant, number: u32) -> TickTime {
        let unwrapped = self.unwrapped(number);
        let lost = self.last.map_or(0, |last| unwrapped.saturating_sub(last).saturating_sub(1));
        self.last = Some(unwrapped);
        let origin = [self.current, self.previous].into_iter().flatten().min();
        let now_ns = i128::from(now.as_ns());
        let at_ns = origin.map_or(now_ns, |origin| origin + self.offset(unwrapped)).min(now_ns);
        TickTime { valid_at: Instant::from_ns(u64::try_from(at_ns).unwrap_or(0)), lost }
    }

    /// A look at `now` found this tick as its newest.
    pub fn handle_look(&mut self, now: Instant, newest: u32) {
        if now >= self.stretch_end {
            self.previous = self.current.take();
            self.stretch_end = now.after(STRETCH);
        }
        let origin = i128::from(now.as_ns()) - self.offset(self.unwrapped(newest));
        self.current = Some(self.current.map_or(origin, |least| least.min(origin)));
    }

    fn offset(&self, unwrapped: u64) -> i128 {
        i128::from(unwrapped) * i128::from(self.period.as_ns())
    }

    /// The number with the turns of the counter that LinuxCNC's 32 bits lost.
    fn unwrapped(&self, number: u32) -> u64 {
        let Some(last) = self.last else { return u64::from(number) };
        let step = number.wrapping_sub(last as u32);
        last + u64::from(step)
    }
}

#[cfg(test)]
mod tests {
    use shared::det::Rng;

    use super::*;

    const PERIOD: Duration = Duration::from_ms(1);

    /// Looks at random moments; the true time of tick n is `start + n ms`.
    fn run(clock: &mut TickClock, first: u32, looks: u32, seed: u64) -> u64 {
        let mut rng = Rng::new(seed);
        let (mut worst, mut next) = (0, 0_u64);
        for look in 0..looks {
            let now_ns = 10_000_000_000 + u64::from(look) * 2_000_000 + rng.below(1_500_000);
            let newest = (now_ns - 10_000_000_000) / 1_000_000;
            let now = Instant::from_ns(now_ns);
            if newest < next {
                continue;
            }
            clock.handle_look(now, first.wrapping_add(newest as u32));
            for tick in next..=newest {
                let time = clock.time_of(now, first.wrapping_add(tick as u32));
                assert_eq!(time.lost, 0, "tick {tick} of seed {seed}");
                assert!(time.valid_at <= now);
                let truth_ns = 10_000_000_000 + tick * 1_000_000;
                if look > 100 {
                    worst = worst.max(time.valid_at.as_ns().abs_diff(truth_ns));
                }
            }
            next = newest + 1;
        }
        worst
    }

    #[test]
    fn ticks_are_placed_to_the_quickest_look() {
        for seed in 0..20 {
            let worst = run(&mut TickClock::new(PERIOD), 5, 2000, seed);
            assert!(worst < 150_000, "seed {seed}: {worst} ns");
        }
    }

    #[test]
    fn the_counter_may_turn_over() {
        let worst = run(&mut TickClock::new(PERIOD), u32::MAX - 700, 2000, 3);
        assert!(worst < 150_000, "{worst} ns");
    }

    #[test]
    fn lost_ticks_are_counted_and_a_slip_is_followed() {
        let mut clock = TickClock::new(PERIOD);
        let ms = |ms: u64| Instant::from_ns(ms * 1_000_000);
        clock.handle_look(ms(100), 100);
        assert_eq!(clock.time_of(ms(100), 100), TickTime { valid_at: ms(100), lost: 0 });
        assert_eq!(clock.time_of(ms(104), 104), TickTime { valid_at: ms(104), lost: 3 });
        // The real-time thread slips by 5 ms: ticks keep their numbers but come later.
        for at in (110..2000).step_by(10) {
            clock.handle_look(ms(at + 5), at as u32);
            clock.time_of(ms(at + 5), at as u32);
        }
        assert_eq!(clock.time_of(ms(2006), 2001).valid_at, ms(2006));
    }
}
