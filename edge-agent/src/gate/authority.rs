//! How fast it may go here.

use shared::motion::Station;
use shared::plan::{Binding, Override};

use crate::follower::Held;

/// Most stretches looked at in one cycle.
const PIECES_MAX: usize = 1024;

/// Where the tool may be before a command given now takes effect, and how fast the ramp is along the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Station less its uncertainty.
    pub(crate) from: Station,
    /// Station plus uncertainty plus the way until a command takes effect.
    pub(crate) to: Station,
    /// Change of the factor that the ramp makes on one millimetre; infinite for a tool that stands.
    pub(crate) ramp_per_mm: f64,
}

/// The greatest permitted factor, with what binds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Authority {
    pub(crate) factor: Override,
    pub(crate) binding: Binding,
}

/// The lowest factor on the window, and less where a slower stretch ahead could not be reached by the ramp in
/// time: lower early, raise late.
///
/// A plan is slew-limited when it is made, but its end is not: where the horizon meets a slower baseline there is a
/// step that only a look ahead can meet. `floor` stands in for stretches beyond [`PIECES_MAX`] inside the window.
/// O(pieces touched · log n).
pub(crate) fn authority(held: &Held<'_>, window: Window, floor: Override) -> Authority {
    let first = held.at(window.from);
    let mut lowest = Authority { factor: first.factor, binding: first.binding };
    let mut lowest_ratio = first.factor.ratio();
    let mut at = first.to;
    for _ in 0..PIECES_MAX {
        if at == Station::MAX {
            return lowest;
        }
        let ahead_mm = at.beyond(window.to).as_mm();
        let grown = if ahead_mm > 0.0 { ahead_mm * window.ramp_per_mm } else { 0.0 };
        // Nothing farther can bind: even a stop would be reached in time. True for an infinite ramp too.
        if grown >= lowest_ratio && ahead_mm > 0.0 {
            return lowest;
        }
        let piece = held.at(at);
        let ratio = piece.factor.ratio() + grown;
        if ratio < lowest_ratio {
            lowest_ratio = ratio;
            // `ratio` is finite: the sum of a ratio and something below `lowest_ratio`.
            let factor = Override::floor_of_ratio(ratio).unwrap_or(piece.factor);
            lowest = Authority { factor, binding: piece.binding };
        }
        at = piece.to;
    }
    if at <= window.to && floor < lowest.factor {
        return Authority { factor: floor, ..lowest };
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::plan::{OverridePlan, Reason, Span};

    fn plan(spans: &[(f64, f64, u16)]) -> OverridePlan {
        let span = |&(from_mm, to_mm, permille): &(f64, f64, u16)| Span {
            from: Station::from_mm(from_mm),
            to: Station::from_mm(to_mm),
            factor: Override::from_permille(permille).expect("in range"),
            binding: Binding::plain(Reason::ForcePeak),
        };
        OverridePlan::new(spans.iter().map(span).collect()).expect("contiguous")
    }

    fn check(held: &Held<'_>, from_mm: f64, to_mm: f64, ramp_per_mm: f64, permille: u16) {
        let window = Window { from: Station::from_mm(from_mm), to: Station::from_mm(to_mm), ramp_per_mm };
        let found = authority(held, window, Override::STOP).factor.permille();
        assert_eq!(found, permille, "[{from_mm}, {to_mm}] with {ramp_per_mm}/mm");
    }

    #[test]
    fn it_lowers_early_and_raises_late() {
        let plan = plan(&[(0.0, 10.0, 1000), (10.0, 12.0, 400), (12.0, 30.0, 900)]);
        let held = Held {
            plan: Some(plan.view()),
            baseline: None,
            without_us: Override::PROGRAMMED,
            holds_seen_to: Station::START,
        };
        check(&held, 5.0, 6.0, f64::INFINITY, 1000);
        check(&held, 5.0, 10.0, f64::INFINITY, 400);
        check(&held, 11.5, 13.0, f64::INFINITY, 400);
        check(&held, 12.0, 13.0, f64::INFINITY, 900);
        // 4 mm before the slow stretch at 0.1 a millimetre: 0.4 + 0.4.
        check(&held, 5.0, 6.0, 0.1, 800);
        check(&held, 5.0, 6.0, 0.2, 1000);
    }

    #[test]
    fn beyond_the_plan_the_baseline_binds_and_without_one_the_value_without_us() {
        let (plan, baseline) = (plan(&[(0.0, 10.0, 1000)]), plan(&[(0.0, 20.0, 500)]));
        let mut held = Held {
            plan: Some(plan.view()),
            baseline: Some(baseline.view()),
            without_us: Override::PROGRAMMED,
            holds_seen_to: Station::START,
        };
        check(&held, 5.0, 6.0, 0.1, 900);
        check(&held, 9.0, 10.0, 0.1, 500);
        check(&held, 25.0, 26.0, 0.1, 1000);
        held.baseline = None;
        check(&held, 9.0, 15.0, 0.1, 1000);
    }

    #[test]
    fn a_window_full_of_tiny_stretches_falls_to_the_floor() {
        let spans: Vec<_> = (0..2000).map(|i| (f64::from(i), f64::from(i) + 1.0, 800 + (i % 2) as u16)).collect();
        let plan = plan(&spans);
        let held = Held {
            plan: Some(plan.view()),
            baseline: None,
            without_us: Override::PROGRAMMED,
            holds_seen_to: Station::START,
        };
        let window = Window { from: Station::START, to: Station::from_mm(1999.0), ramp_per_mm: 0.1 };
        let floor = Override::from_permille(100).expect("in range");
        assert_eq!(authority(&held, window, floor).factor, floor);
    }
}
