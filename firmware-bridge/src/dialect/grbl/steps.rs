//! The five feed-override commands and the shortest way from one override to another.
//!
//! The register holds whole per cents from 10 to 200 and is moved by ten, by one, or back to 100. The shortest way
//! to a value often goes past it (−17 is −10 −10 +3), which is allowed downwards only: decreases come first, so that
//! on the way the override is never above both its ends. The ends of the range stop a step that would leave it,
//! and the way makes use of that (13 → 10 is one step).

/// Lowest feed override, per cent.
pub const OVERRIDE_MIN: u8 = 10;
/// Highest feed override, per cent.
pub const OVERRIDE_MAX: u8 = 200;

/// A feed override as the controller keeps it: whole per cents, [`OVERRIDE_MIN`] to [`OVERRIDE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register(u8);

/// One feed-override command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeedStep {
    /// Back to 100 %.
    Reset,
    /// Ten up.
    Plus10,
    /// Ten down.
    Minus10,
    /// One up.
    Plus1,
    /// One down.
    Minus1,
}

impl Register {
    /// 100 %.
    pub const PROGRAMMED: Self = Self(100);

    /// From per cent; `None` outside the range.
    pub const fn new(percent: u8) -> Option<Self> {
        if percent >= OVERRIDE_MIN && percent <= OVERRIDE_MAX { Some(Self(percent)) } else { None }
    }

    /// The nearest value in range.
    pub fn clamped(percent: i32) -> Self {
        let percent = percent.clamp(i32::from(OVERRIDE_MIN), i32::from(OVERRIDE_MAX));
        Self(u8::try_from(percent).unwrap_or(OVERRIDE_MIN))
    }

    /// Per cent.
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// The value after a step.
    #[must_use]
    pub fn after(self, step: FeedStep) -> Self {
        match step.change() {
            Some(change) => Self::clamped(i32::from(self.0) + i32::from(change)),
            None => Self::PROGRAMMED,
        }
    }
}

impl FeedStep {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Reset, Self::Plus10, Self::Minus10, Self::Plus1, Self::Minus1];

    /// By how many per cent it moves the register; `None` for the reset.
    pub const fn change(self) -> Option<i8> {
        match self {
            Self::Reset => None,
            Self::Plus10 => Some(10),
            Self::Minus10 => Some(-10),
            Self::Plus1 => Some(1),
            Self::Minus1 => Some(-1),
        }
    }
}

/// A way: tens down, ones down, then ones up, tens up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    minus10: u8,
    minus1: u8,
    plus1: u8,
    plus10: u8,
}

impl Way {
    fn of(tens: i32, ones: i32) -> Self {
        let count = |value: i32| u8::try_from(value.max(0)).unwrap_or(u8::MAX);
        Self { minus10: count(-tens), minus1: count(-ones), plus1: count(ones), plus10: count(tens) }
    }

    fn steps(self) -> u32 {
        u32::from(self.minus10) + u32::from(self.minus1) + u32::from(self.plus1) + u32::from(self.plus10)
    }

    fn first(self) -> Option<FeedStep> {
        let kinds = [
            (self.minus10, FeedStep::Minus10),
            (self.minus1, FeedStep::Minus1),
            (self.plus1, FeedStep::Plus1),
            (self.plus10, FeedStep::Plus10),
        ];
        kinds.into_iter().find(|(count, _)| *count > 0).map(|(_, step)| step)
    }

    fn end(self, from: Register) -> Register {
        let low = from.0.saturating_sub(self.minus10.saturating_mul(10)).max(OVERRIDE_MIN);
        let low = low.saturating_sub(self.minus1).max(OVERRIDE_MIN);
        Register::clamped(i32::from(low) + i32::from(self.plus1) + 10 * i32::from(self.plus10))
    }
}

/// The shortest way without the reset.
fn direct(from: Register, to: Register) -> Way {
    let (low, difference) = (i32::from(OVERRIDE_MIN), i32::from(to.0) - i32::from(from.0));
    let exact =
        (-9..=9).filter(|ones| (difference - ones) % 10 == 0).map(|ones| Way::of((difference - ones) / 10, ones));
    // Down to the end stop, then up from there.
    let (to_stop, up) = ((i32::from(from.0) - low + 9) / 10, i32::from(to.0) - low);
    let bounced = Way { minus10: Way::of(-to_stop, 0).minus10, ..Way::of(up / 10, up % 10) };
    // Up against the upper end stop.
    let stopped = Way::of((difference + 9) / 10, 0);
    let candidates = exact.chain([bounced, stopped]).filter(|way| way.end(from) == to);
    candidates.min_by_key(|way| way.steps()).unwrap_or(bounced)
}

/// The first step of the shortest way and how many steps it has; `None` at the target. The reset is used only where
/// `may_reset` says so and it does not rise above both ends.
pub(super) fn next_step(from: Register, to: Register, may_reset: bool) -> Option<(FeedStep, u32)> {
    if from == to {
        return None;
    }
    let way = direct(from, to);
    let hundred = Register::PROGRAMMED;
    let downwards = from > hundred || to >= hundred;
    if may_reset && downwards && from != hundred {
        let rest = if to == hundred { 0 } else { direct(hundred, to).steps() };
        if rest + 1 < way.steps() || (rest + 1 == way.steps() && to == hundred) {
            return Some((FeedStep::Reset, rest + 1));
        }
    }
    way.first().map(|step| (step, way.steps()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Register> + Clone {
        (OVERRIDE_MIN..=OVERRIDE_MAX).map(Register)
    }

    #[test]
    fn every_way_ends_where_it_should_and_is_never_above_both_ends() {
        for (from, to) in all().flat_map(|from| all().map(move |to| (from, to))) {
            for may_reset in [false, true] {
                let (mut at, mut steps, mut planned) = (from, 0, None);
                while let Some((step, count)) = next_step(at, to, may_reset) {
                    assert_eq!(
                        *planned.get_or_insert(count),
                        count + steps,
                        "{from:?} → {to:?} at {at:?}: longer than said"
                    );
                    at = at.after(step);
                    assert!(at <= from.max(to), "{from:?} → {to:?} rises to {at:?}");
                    steps += 1;
                }
                assert!(at == to && steps <= 20, "{from:?} → {to:?}: {at:?} after {steps}");
            }
        }
    }

    /// Breadth-first search over all orders of steps that are never above both ends: nothing is shorter. It shares
    /// no formula with the way.
    #[test]
    fn no_way_is_shorter() {
        for from in all() {
            for ceiling in all().filter(|ceiling| *ceiling >= from) {
                let mut distance = [u32::MAX; 256];
                distance[usize::from(from.0)] = 0;
                let mut front = vec![from];
                while !front.is_empty() {
                    let mut next = Vec::new();
                    for at in front {
                        for to in FeedStep::ALL.map(|step| at.after(step)).into_iter().filter(|to| *to <= ceiling) {
                            if distance[usize::from(to.0)] == u32::MAX {
                                distance[usize::from(to.0)] = distance[usize::from(at.0)] + 1;
                                next.push(to);
                            }
                        }
                    }
                    front = next;
                }
                for to in all().filter(|to| from.max(*to) == ceiling) {
                    let found = next_step(from, to, true).map_or(0, |(_, count)| count);
                    assert_eq!(found, distance[usize::from(to.0)], "{from:?} → {to:?}");
                }
            }
        }
    }

    #[test]
    fn rows() {
        let check = |from: u8, to: u8, step: FeedStep, count: u32| {
            assert_eq!(next_step(Register(from), Register(to), true), Some((step, count)), "{from} → {to}");
        };
        check(100, 83, FeedStep::Minus10, 5);
        check(83, 100, FeedStep::Reset, 1);
        check(13, 10, FeedStep::Minus10, 1);
        check(12, 20, FeedStep::Minus10, 2);
        check(150, 98, FeedStep::Reset, 3);
        check(40, 98, FeedStep::Minus1, 8);
        check(195, 200, FeedStep::Plus10, 1);
    }
}
