//! A command that expires unless it is renewed.
//!
//! Whoever slows a machine from outside can die, hang or lose its network at the worst instant, and the
//! value it wrote last would stay for the rest of the job. So a factor is granted for a time to live. When
//! it runs out, the factor ramps at a stated slew to the *value without us*: 1.0, or 1/k under a ceiling
//! program. This is the watchdog beside the controller: it needs nothing from the sender, not even that the
//! sender's process still exists.
//!
//! ```text
//!  factor
//!   1.0 ─┐              ╱───── without us
//!        │            ╱   slew
//!   0.6  └──────────╱
//!        command    expiry
//! ```

use shared::plan::Override;
use shared::time::{Deadline, Duration, Instant};

/// Who decides the factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A command that has not expired.
    Commanded,
    /// Nobody: on the way to the value without us.
    LettingGo,
    /// Nobody: at the value without us.
    WithoutUs,
}

/// The factor in force and when it stops being so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadMan {
    without_us: Override,
    slew_per_s: f64,
    hold: Hold,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    WithoutUs,
    Command { factor: Override, deadline: Deadline },
}

impl DeadMan {
    /// Nothing commanded yet: the value without us is in force. A slew that is not above zero lets go in one
    /// step.
    pub fn new(without_us: Override, slew_per_s: f64) -> Self {
        Self { without_us, slew_per_s, hold: Hold::WithoutUs }
    }

    /// A command that came at `now`: in force at once and until `now + time_to_live`.
    pub fn renew(&mut self, now: Instant, factor: Override, time_to_live: Duration) {
        self.hold = Hold::Command { factor, deadline: Deadline::at(now.after(time_to_live)) };
    }

    /// The ratio in force at `now`, in [0, 1].
    ///
    /// It is a function of the last command and of `now` alone: asking rarely, often or twice gives the same
    /// ramp.
    pub fn ratio(&self, now: Instant) -> f64 {
        let Hold::Command { factor, deadline } = self.hold else {
            return self.without_us.ratio();
        };
        if !deadline.has_passed(now) {
            return factor.ratio();
        }
        let (from, to) = (factor.ratio(), self.without_us.ratio());
        let change = now.since(deadline.instant()).as_s() * self.slew_per_s;
        match change {
            _ if self.slew_per_s <= 0.0 || self.slew_per_s.is_nan() => to,
            change if from < to => (from + change).min(to),
            change => (from - change).max(to),
        }
    }

    /// Who decides at `now`.
    pub fn authority(&self, now: Instant) -> Authority {
        match self.hold {
            Hold::Command { deadline, .. } if !deadline.has_passed(now) => Authority::Commanded,
            Hold::Command { .. } if self.ratio(now) != self.without_us.ratio() => Authority::LettingGo,
            _ => Authority::WithoutUs,
        }
    }

    /// When the command in force expires; `None` where there is none, or it has.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match self.hold {
            Hold::Command { deadline, .. } if !deadline.has_passed(now) => Some(deadline.instant()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Instant {
        Instant::from_ns(value * 1_000_000)
    }

    fn permille(value: u16) -> Override {
        Override::from_permille(value).expect("in range")
    }

    #[test]
    fn h25_a_command_that_is_not_renewed_lets_go_by_the_slew() {
        let mut dead_man = DeadMan::new(Override::PROGRAMMED, 2.0);
        assert_eq!((dead_man.ratio(ms(0)), dead_man.authority(ms(0))), (1.0, Authority::WithoutUs));
        dead_man.renew(ms(10), permille(600), Duration::from_ms(100));
        assert_eq!((dead_man.ratio(ms(109)), dead_man.authority(ms(109))), (0.6, Authority::Commanded));
        assert_eq!(dead_man.poll_timeout(ms(50)), Some(ms(110)));
        assert_eq!((dead_man.ratio(ms(110)), dead_man.authority(ms(110))), (0.6, Authority::LettingGo));
        assert!((dead_man.ratio(ms(210)) - 0.8).abs() < 1e-12);
        assert_eq!((dead_man.ratio(ms(310)), dead_man.authority(ms(310))), (1.0, Authority::WithoutUs));
        assert_eq!(dead_man.poll_timeout(ms(310)), None);
    }

    #[test]
    fn renewing_keeps_it_and_a_late_renewal_takes_it_back() {
        let mut dead_man = DeadMan::new(Override::PROGRAMMED, 2.0);
        for at in (0..1000).step_by(50) {
            dead_man.renew(ms(at), permille(500), Duration::from_ms(60));
            assert_eq!(dead_man.ratio(ms(at + 49)), 0.5);
        }
        assert!(dead_man.ratio(ms(1100)) > 0.5);
        dead_man.renew(ms(1101), permille(400), Duration::from_ms(60));
        assert_eq!(dead_man.ratio(ms(1101)), 0.4);
    }

    #[test]
    fn under_a_ceiling_program_it_lets_go_downwards() {
        let mut dead_man = DeadMan::new(permille(800), 1.0);
        dead_man.renew(ms(0), permille(1000), Duration::from_ms(10));
        assert!((dead_man.ratio(ms(110)) - 0.9).abs() < 1e-12);
        assert_eq!(dead_man.ratio(ms(1000)), 0.8);
    }

    #[test]
    fn a_command_without_life_is_already_over_and_no_slew_is_one_step() {
        let mut dead_man = DeadMan::new(Override::PROGRAMMED, 0.0);
        dead_man.renew(ms(5), Override::STOP, Duration::ZERO);
        assert_eq!((dead_man.ratio(ms(5)), dead_man.authority(ms(5))), (1.0, Authority::WithoutUs));
    }
}
