//! Time as an argument.
//!
//! A core never asks what time it is; it is told. [`Instant`] counts nanoseconds on the edge's own
//! monotonic clock since an origin the shell chose, so that a recorded run and its replay hold the same
//! numbers. The cloud never compares its clock with it: it echoes the edge's stamps and adds how long it
//! took itself (DESIGN.md section 4; TRANSPORT.md section 7).

use crate::planted::{self, Bug};

/// A point on one monotonic clock, in nanoseconds since the origin its shell chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The clock's origin.
    pub const ORIGIN: Self = Self(0);

    /// From nanoseconds since the origin.
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the origin.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Seconds since the origin, for display and physics.
    pub const fn as_s(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Time since `earlier`; zero where `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// This instant plus a span; stays at the greatest instant instead of wrapping.
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// A span of clock time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// From microseconds.
    pub const fn from_us(us: u64) -> Self {
        Self(us.saturating_mul(1_000))
    }

    /// From milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// From seconds; negative and NaN become zero, too large becomes the greatest span.
    pub fn from_s(s: f64) -> Self {
        // `as` saturates and maps NaN to zero: exactly what is wanted here.
        Self((s * 1e9).round() as u64)
    }

    /// Nanoseconds.
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Milliseconds with fraction.
    pub const fn as_ms(self) -> f64 {
        self.0 as f64 * 1e-6
    }

    /// Seconds with fraction.
    pub const fn as_s(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Sum, staying at the greatest span instead of wrapping.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference, staying at zero instead of wrapping.
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// A multiple, staying at the greatest span instead of wrapping.
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// An instant after which something no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline at an instant.
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The instant of the deadline.
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// True from the deadline on, the deadline itself included.
    pub fn has_passed(self, now: Instant) -> bool {
        if planted::on(Bug::ClockDeadlineLate) {
            return now >= self.0.after(Duration::from_ms(60));
        }
        now >= self.0
    }

    /// What is left; zero once it has passed.
    pub const fn remaining(self, now: Instant) -> Duration {
        self.0.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_saturate() {
        assert_eq!(Instant::from_ns(5).since(Instant::from_ns(9)), Duration::ZERO);
        assert_eq!(Duration::from_s(-1.0), Duration::ZERO);
        assert_eq!(Duration::from_s(f64::NAN), Duration::ZERO);
        assert_eq!(Duration::from_s(1.5).as_ms(), 1500.0);
        assert_eq!(Instant::from_ns(u64::MAX).after(Duration::from_ns(1)).as_ns(), u64::MAX);
    }

    #[test]
    fn a_deadline_has_passed_at_its_own_instant() {
        let deadline = Deadline::at(Instant::from_ns(10));
        assert!(!deadline.has_passed(Instant::from_ns(9)));
        assert!(deadline.has_passed(Instant::from_ns(10)));
        assert_eq!(deadline.remaining(Instant::from_ns(4)), Duration::from_ns(6));
    }
}
