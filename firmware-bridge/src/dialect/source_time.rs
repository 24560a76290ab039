//! The time a controller prints on its reports, and what it means on our clock.
//!
//! A controller stamps its reports with its own clock: UTC of unknown accuracy, or milliseconds since it
//! was switched on. Neither may decide anything, because wall clocks are set and restarted. What the stamps
//! are good for is the *spacing* of reports: the transport delays some more than others, and the least
//! delayed one tells best how the two clocks stand to each other. So the offset is the smallest difference
//! "received − stamp" seen so far, allowed to grow slowly so that a controller whose clock runs slow is
//! followed; a report is then valid at stamp + offset, never later than it was received. The smallest delay
//! itself stays in the result: no one-way measurement can remove it.

use shared::time::{Duration, Instant};

/// A time stamp as a controller prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceTime {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    Utc(u64),
    /// Nanoseconds since the controller's own origin, printed as milliseconds with a decimal fraction.
    Relative(u64),
}

impl SourceTime {
    /// Nanoseconds since whichever origin.
    pub const fn as_ns(self) -> u64 {
        match self {
            Self::Utc(ns) | Self::Relative(ns) => ns,
        }
    }

    /// Reads `2017-02-07T19:48:30.1875Z` or `1234.5` (milliseconds). `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > 40 {
            return None;
        }
        if text.contains('T') { utc(text).map(Self::Utc) } else { decimal_ns(text, 1_000_000).map(Self::Relative) }
    }
}

/// `digits[.digits]` times `unit_ns`, digits below a nanosecond dropped.
fn decimal_ns(text: &str, unit_ns: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let mut ns = whole.parse::<u64>().ok()?.checked_mul(unit_ns)?;
    let mut place_ns = unit_ns / 10;
    for digit in fraction.bytes() {
        ns = ns.checked_add(u64::from(digit - b'0') * place_ns)?;
        place_ns /= 10;
    }
    Some(ns)
}

fn utc(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| decimal_ns(part, 1).filter(|_| !part.contains('.')));
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut parts = time.splitn(3, ':');
    let hour = parts.next()?.parse::<u64>().ok()?;
    let minute = parts.next()?.parse::<u64>().ok()?;
    let second_ns = decimal_ns(parts.next()?, 1_000_000_000)?;
    let in_range = (1970..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second_ns < 61_000_000_000;
    // Only figures in range can be multiplied without running over.
    if !in_range {
        return None;
    }
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60;
    Some(seconds * 1_000_000_000 + second_ns)
}

/// Days since 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day is
/// the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day;
    (year * 365 + year / 4 - year / 100 + year / 400 + day_of_year).saturating_sub(719_469)
}

/// How a source's clock stands to ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceClock {
    anchor: Option<Anchor>,
    /// How often a source's clock went back; each begins a new relation.
    pub(crate) jumps: u64,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    offset_ns: i128,
    at: Instant,
    last: SourceTime,
}

impl SourceClock {
    /// Begins a new relation, without counting it as a jump.
    pub(crate) fn forget(&mut self) {
        self.anchor = None;
    }

    /// Growth of the offset that follows a slow source: well above a quartz, well below what matters.
    const LEAK_PPM: i128 = 200;

    /// The instant on our clock that a report is about: at most `received`.
    pub(crate) fn valid_at(&mut self, source: SourceTime, received: Instant) -> Instant {
        let difference_ns = i128::from(received.as_ns()) - i128::from(source.as_ns());
        let offset_ns = match self.anchor {
            Some(anchor) if continues(anchor.last, source) => {
                let leak_ns = i128::from(received.since(anchor.at).as_ns()) * Self::LEAK_PPM / 1_000_000;
                difference_ns.min(anchor.offset_ns + leak_ns)
            }
            Some(_) => {
                self.jumps += 1;
                difference_ns
            }
            None => difference_ns,
        };
        self.anchor = Some(Anchor { offset_ns, at: received, last: source });
        let age_ns = (difference_ns - offset_ns).max(0);
        Instant::from_ns(received.since(Instant::ORIGIN).minus(Duration::from_ns(age_ns as u64)).as_ns())
    }
}

/// True where `next` can follow `last` on one running clock.
fn continues(last: SourceTime, next: SourceTime) -> bool {
    let same_kind = matches!(
        (last, next),
        (SourceTime::Utc(_), SourceTime::Utc(_)) | (SourceTime::Relative(_), SourceTime::Relative(_))
    );
    same_kind && next.as_ns() >= last.as_ns()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_stamp_are_read() {
        let check = |text: &str, expected: Option<SourceTime>| assert_eq!(SourceTime::parse(text), expected, "{text}");
        // 2017-02-07T00:00:00Z is 1 486 425 600 s after the epoch (GNU date).
        check("2017-02-07T00:00:00Z", Some(SourceTime::Utc(1_486_425_600_000_000_000)));
        check("2017-02-07T19:48:30.1875000Z", Some(SourceTime::Utc(1_486_496_910_187_500_000)));
        check("1970-01-01T00:00:00Z", Some(SourceTime::Utc(0)));
        check("2000-02-29T00:00:00Z", Some(SourceTime::Utc(951_782_400_000_000_000)));
        check("12.5", Some(SourceTime::Relative(12_500_000)));
        check("0", Some(SourceTime::Relative(0)));
        // Found by the hunt over damaged input: these ran over before they were refused.
        for far in ["99999999999999999-01-01T00:00:00Z", "2017-01-01T9999999999999999999:00:00Z"] {
            check(far, None);
        }
        for bad in
            ["", "2017", "-1", "1e9", "2017-02-07T19:4", "2017-13-07T00:00:00Z", "12.", "T", "99999999999999999999"]
        {
            let expected = if bad == "2017" { Some(SourceTime::Relative(2_017_000_000)) } else { None };
            check(bad, expected);
        }
    }

    #[test]
    fn the_least_delayed_report_sets_the_offset() {
        let mut clock = SourceClock::default();
        let ms = |value: u64| Instant::from_ns(value * 1_000_000);
        let stamp = |value: u64| SourceTime::Relative(value * 1_000_000);
        assert_eq!(clock.valid_at(stamp(100), ms(1103)), ms(1103));
        // Delayed by 1 ms less: nothing can be older than received.
        assert_eq!(clock.valid_at(stamp(110), ms(1112)), ms(1112));
        // Delayed by 30 ms more: dated back, but for the leak.
        let late = clock.valid_at(stamp(120), ms(1152));
        assert!(late >= ms(1122) && late.since(ms(1122)) < Duration::from_us(20), "{late:?}");
    }

    #[test]
    fn a_restarted_source_begins_again() {
        let mut clock = SourceClock::default();
        let received = Instant::from_ns(5_000_000_000);
        clock.valid_at(SourceTime::Relative(4_000_000_000), received);
        let later = received.after(Duration::from_ms(10));
        assert_eq!(clock.valid_at(SourceTime::Relative(1_000_000), later), later);
        assert_eq!(clock.jumps, 1);
    }

    #[test]
    fn a_slow_source_is_followed() {
        let mut clock = SourceClock::default();
        let mut age = Duration::ZERO;
        for second in 0..36_000u64 {
            let received = Instant::from_ns(second * 1_000_000_000);
            let stamp = SourceTime::Relative(second * (1_000_000_000 - 50_000));
            age = received.since(clock.valid_at(stamp, received));
        }
        assert_eq!(age, Duration::ZERO, "50 ppm over ten hours");
    }
}
