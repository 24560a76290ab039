use super::OverridePlan;
use crate::budget::WorkAllowance;
use crate::ident::{ContextDigest, Epoch, PlanSequence, ProgramDigest, SampleSequence};
use crate::time::Duration;

/// What the cloud stamps on a chunk about its own stages, on its own clock: spans, never instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageStamps {
    /// From the arrival of the basis sample to the beginning of the simulation step.
    pub queue: Duration,
    /// Cutting and engagement.
    pub simulate: Duration,
    /// Loads, bounds and schedule.
    pub plan: Duration,
    /// From arrival of the basis sample to handing the chunk to the transport.
    pub total: Duration,
}

/// A stretch of plan as the cloud proposes it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanChunk {
    /// Lease under which it was made.
    pub epoch: Epoch,
    /// Number within the epoch.
    pub sequence: PlanSequence,
    /// Program it was made for.
    pub program: ProgramDigest,
    /// Context it was made for.
    pub context: ContextDigest,
    /// Newest sample it rests on.
    pub basis: SampleSequence,
    /// How long it may be used, from the instant the edge sent the basis sample.
    pub time_to_live: Duration,
    /// Factors over station.
    pub plan: OverridePlan,
    /// Stages on the cloud's side.
    pub stamps: StageStamps,
    /// Effort that was granted to the planning step.
    pub work: WorkAllowance,
    /// Cells of stock removed in the simulation step behind this chunk; zero if nothing was simulated.
    pub removed_cells: u64,
}

/// Says that the cloud is alive and still believes its newest plan: refreshes, never extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Lease.
    pub epoch: Epoch,
    /// Number within the epoch, from the same counter as the chunks.
    pub sequence: PlanSequence,
    /// Newest sample the cloud has seen.
    pub basis: SampleSequence,
    /// Context it still plans for.
    pub context: ContextDigest,
    /// Oldest chunk it still stands behind: an edge whose newest admitted chunk is this one or a later one
    /// holds nothing that the cloud has taken back. Without it a keep-alive would keep a plan fresh that a
    /// lost chunk had already lowered.
    pub stands_behind: PlanSequence,
}
