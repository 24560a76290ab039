use shared::det::Rng;

/// What can go wrong, or is done by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing goes up.
    CutUp,
    /// Nothing comes down.
    CutDown,
    /// Nothing passes.
    CutBoth,
    /// Half of all messages are lost.
    LossBurst,
    /// Messages take long, and overtake each other.
    Slow,
    /// Half of all messages arrive twice.
    Duplicates,
    /// The service stands still; what it got meanwhile is answered late.
    CloudStop,
    /// The service forgets everything.
    CloudRestart,
    /// The service sends nothing but signs of life for another context.
    CloudOtherContext,
    /// The service changes its mind about the stretch ahead.
    PlanChange,
    /// The service grants its chunks an hour, and dies.
    LongLife,
    /// The service accepts with other digests.
    WrongAccept,
    /// The service refuses the job.
    Refusal,
    /// The agent is started anew.
    EdgeRestart,
    /// The agent gets no processor.
    EdgeStall,
    /// The controller stops, as after a reset.
    Reset,
    /// The feed is held.
    Hold,
    /// Somebody jogs the axes off the path.
    Jog,
    /// The program goes on from an earlier place.
    JumpBack,
    /// Another revision of the program runs.
    OtherRevision,
    /// Another tool than the program's is in the spindle.
    OtherTool,
    /// The tip leaves the path while the program runs.
    OffPath,
    /// The dial is moved.
    Dial,
    /// The operator switches the agent off, and on again.
    OffAndOn,
    /// The factor is disabled at the controller.
    FactorDisabled,
    /// The controller falls silent.
    SampleGap,
    /// An old sample comes again.
    OldSample,
    /// A well-formed chunk without a seal.
    Unsealed,
    /// A well-formed chunk under another key.
    OtherKey,
    /// Messages are damaged on the way.
    Damage,
    /// An old message comes again.
    Replay,
    /// Sealed by the right key: for another program, context, lease, basis, place, or no message at all.
    Resealed,
    /// A flood of noise.
    Flood,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 33] = [
        Self::CutUp,
        Self::CutDown,
        Self::CutBoth,
        Self::LossBurst,
        Self::Slow,
        Self::Duplicates,
        Self::CloudStop,
        Self::CloudRestart,
        Self::CloudOtherContext,
        Self::PlanChange,
        Self::LongLife,
        Self::WrongAccept,
        Self::Refusal,
        Self::EdgeRestart,
        Self::EdgeStall,
        Self::Reset,
        Self::Hold,
        Self::Jog,
        Self::JumpBack,
        Self::OtherRevision,
        Self::OtherTool,
        Self::OffPath,
        Self::Dial,
        Self::OffAndOn,
        Self::FactorDisabled,
        Self::SampleGap,
        Self::OldSample,
        Self::Unsealed,
        Self::OtherKey,
        Self::Damage,
        Self::Replay,
        Self::Resealed,
        Self::Flood,
    ];

    /// Faults of one life: kind, instant and length, in ms from the start of the program.
    pub(super) fn draw(rng: &mut Rng, life_ms: u64) -> Vec<(Self, u64, u64)> {
        let count = 3 + rng.below(7);
        let mut faults: Vec<_> = (0..count)
            .map(|_| {
                let fault = Self::ALL[rng.below(Self::ALL.len() as u64) as usize];
                let at = 1500 + rng.below(life_ms - 8000);
                // Most are short; some outlast every time-out.
                let length = if rng.chance(0.3) { 1000 + rng.below(6000) } else { 50 + rng.below(1200) };
                (fault, at, length)
            })
            .collect();
        faults.sort_by_key(|(_, at, _)| *at);
        faults
    }
}
