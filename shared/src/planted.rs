//! Bugs that are planted on purpose, one at a time.
//!
//! A test that has never failed proves little. Each of these bugs is a mistake that somebody could make; the
//! swarm's oracles must find every one. Without the feature `planted`, [`on`] is the constant `false` and nothing of
//! this is in the machine code; with it no shell compiles, so that no process with planted bugs can reach a machine.
//!
//! The switch is the only global of the cores, for the reason that a planted bug sits in functions that have no
//! argument for it; it is there only in the tests that plant.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the place in the code where each is planted says what it does")]
pub enum Bug {
    // The gate and what it guards.
    EpochIgnored,
    ProgramIgnored,
    ContextIgnored,
    SequenceMayRepeat,
    SequenceIgnored,
    BasisIgnored,
    TimeToLiveFromArrival,
    TimeToLiveUncapped,
    DeadlineIgnored,
    WindowIgnored,
    ArmingIgnored,
    SealIgnored,
    RampUpUnlimited,
    RampDownUnlimited,
    ExpiredPlanUsed,
    AuthorityAtPoint,
    AuthorityShortSighted,
    KeepAliveStandsBehindAll,
    KeepAliveWakesTheDead,
    KeepAliveAnyContext,
    CommitIgnored,
    RecoveryAtOnce,
    SlowDownFrozen,
    LatchEndsByItself,
    LeaseSurvivesStop,
    EpochRepeats,
    ForcedIgnored,
    DialIgnored,
    BaselineSkipped,
    OffIgnored,
    ForgedNotCounted,
    NewestNotRemembered,
    HoldIgnored,
    HoldEndsWithTheBaseline,
    HoldForgetsTheSpeed,
    // Locator, codec, session, clock.
    LocatorCertain,
    LocatorNeverLost,
    LocatorNoRevision,
    LocatorAhead,
    CodecNoChecksum,
    CodecTrailing,
    CodecFactorClamped,
    CodecLosesLastSpan,
    SessionAnyDigest,
    SessionNeverSilent,
    SessionOffersOnce,
    SessionBaselineEarly,
    SessionKeepsPlan,
    ClockDeadlineLate,
    ClockOldSample,
    ClockSentEarly,
    ClockCatchesUp,
    ClockRestartAssumes,
}

impl Bug {
    /// Bugs in the gate, and in the follower, guard, ramp and lease around it.
    pub const GATE: [Self; 35] = [
        Self::EpochIgnored,
        Self::ProgramIgnored,
        Self::ContextIgnored,
        Self::SequenceMayRepeat,
        Self::SequenceIgnored,
        Self::BasisIgnored,
        Self::TimeToLiveFromArrival,
        Self::TimeToLiveUncapped,
        Self::DeadlineIgnored,
        Self::WindowIgnored,
        Self::ArmingIgnored,
        Self::SealIgnored,
        Self::RampUpUnlimited,
        Self::RampDownUnlimited,
        Self::ExpiredPlanUsed,
        Self::AuthorityAtPoint,
        Self::AuthorityShortSighted,
        Self::KeepAliveStandsBehindAll,
        Self::KeepAliveWakesTheDead,
        Self::KeepAliveAnyContext,
        Self::CommitIgnored,
        Self::RecoveryAtOnce,
        Self::SlowDownFrozen,
        Self::LatchEndsByItself,
        Self::LeaseSurvivesStop,
        Self::EpochRepeats,
        Self::ForcedIgnored,
        Self::DialIgnored,
        Self::BaselineSkipped,
        Self::OffIgnored,
        Self::ForgedNotCounted,
        Self::NewestNotRemembered,
        Self::HoldIgnored,
        Self::HoldEndsWithTheBaseline,
        Self::HoldForgetsTheSpeed,
    ];

    /// Bugs in locator, codec, session and clock.
    pub const AROUND: [Self; 18] = [
        Self::LocatorCertain,
        Self::LocatorNeverLost,
        Self::LocatorNoRevision,
        Self::LocatorAhead,
        Self::CodecNoChecksum,
        Self::CodecTrailing,
        Self::CodecFactorClamped,
        Self::CodecLosesLastSpan,
        Self::SessionAnyDigest,
        Self::SessionNeverSilent,
        Self::SessionOffersOnce,
        Self::SessionBaselineEarly,
        Self::SessionKeepsPlan,
        Self::ClockDeadlineLate,
        Self::ClockOldSample,
        Self::ClockSentEarly,
        Self::ClockCatchesUp,
        Self::ClockRestartAssumes,
    ];
}

/// Whether a bug is planted: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn on(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
mod switch {
    use super::Bug;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// The planted bug's number and one; zero for none.
    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Whether a bug is planted.
    pub fn on(bug: Bug) -> bool {
        PLANTED.load(Ordering::Relaxed) == bug as u8 + 1
    }

    /// Plants one bug in place of whatever was planted.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(0, |bug| bug as u8 + 1), Ordering::Relaxed);
    }
}

#[cfg(feature = "planted")]
pub use switch::{on, plant};
