//! The five feed-override commands and the shortest way from one override to another.
//!
//! The register holds whole per cents from 10 to 200 and is moved by ten, by one, or back to 100. The shortest way
//! to a value often goes past it (−17 is −10 −10 +3), which is allowed downwards only: on the way no step rises
//! above the target, and of ways of the same length the one that decreases first is taken. The ends of the
//! range stop a step that would leave it: the way makes use of that (13 → 10 is one step), and where there is no room
//! for a decrease a ten up goes before it (10 → 26 is +10 −1 −1 −1 −1 +10).

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

/// In the order in which they are tried: of two ways of the same length, the one that decreases first.
const PREFERRED: [FeedStep; 4] = [FeedStep::Minus10, FeedStep::Minus1, FeedStep::Plus1, FeedStep::Plus10];

/// The first step of the shortest way on which no step rises above the target, and how many steps the way has; `None`
/// at the target. The reset is used only where `may_reset` says so.
///
/// A breadth-first search of at most 191 values; a few microseconds.
pub(super) fn next_step(from: Register, to: Register, may_reset: bool) -> Option<(FeedStep, u32)> {
    let mut first = [None; OVERRIDE_MAX as usize + 1];
    let mut queue = [(from, 0); OVERRIDE_MAX as usize + 1];
    let (mut taken, mut put) = (0, 1);
    while taken < put {
        let (at, steps) = queue[taken];
        if at == to {
            return first[usize::from(at.0)].map(|step| (step, steps));
        }
        // After another step a reset leads nowhere that it does not lead at once.
        let reset = (taken == 0 && may_reset).then_some(FeedStep::Reset);
        taken += 1;
        for step in reset.into_iter().chain(PREFERRED) {
            let next = at.after(step);
            if next <= at.max(to) && next != from && first[usize::from(next.0)].is_none() {
                first[usize::from(next.0)] = first[usize::from(at.0)].or(Some(step));
                queue[put] = (next, steps + 1);
                put += 1;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Register> + Clone {
        (OVERRIDE_MIN..=OVERRIDE_MAX).map(Register)
    }

    #[test]
    fn every_way_ends_where_it_should_and_never_rises_above_it() {
        for (from, to) in all().flat_map(|from| all().map(move |to| (from, to))) {
            for may_reset in [false, true] {
                let (mut at, mut steps, mut planned) = (from, 0, None);
                while let Some((step, count)) = next_step(at, to, may_reset) {
                    assert_eq!(
                        *planned.get_or_insert(count),
                        count + steps,
                        "{from:?} → {to:?} at {at:?}: longer than said"
                    );
                    let before = at;
                    at = at.after(step);
                    assert!(at <= before.max(to), "{from:?} → {to:?} rises to {at:?}");
                    steps += 1;
                }
                assert!(at == to && steps <= 23, "{from:?} → {to:?}: {at:?} after {steps}");
            }
        }
    }

    /// Distances relaxed until nothing changes, over all orders of steps that never rise above the target.
    #[test]
    fn no_way_is_shorter() {
        let (mut sum, mut worst) = (0, 0);
        for (from, to) in all().flat_map(|from| all().map(move |to| (from, to))) {
            let mut distance = [1000; 256];
            distance[usize::from(from.0)] = 0;
            let mut changed = true;
            while std::mem::take(&mut changed) {
                for at in all() {
                    let next = FeedStep::ALL.map(|step| at.after(step));
                    for next in next.into_iter().filter(|next| *next <= at.max(to)) {
                        let through = distance[usize::from(at.0)] + 1;
                        changed |= through < distance[usize::from(next.0)];
                        distance[usize::from(next.0)] = through.min(distance[usize::from(next.0)]);
                    }
                }
            }
            let found = next_step(from, to, true).map_or(0, |(_, count)| count);
            assert_eq!(found, distance[usize::from(to.0)], "{from:?} → {to:?}");
            (sum, worst) = (sum + found, worst.max(found));
        }
        // Where ways may rise above the target the mean is 6.46 and the worst 15, the figures measured before.
        let mean = f64::from(sum) / f64::from(191 * 190);
        assert!((mean - 6.614).abs() < 1e-3 && worst == 15, "mean {mean}, worst {worst}");
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
