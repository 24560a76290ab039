use crate::budget::WorkAllowance;
use crate::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence};
use crate::motion::Station;
use crate::plan::{KeepAlive, Override, OverridePlan, PlanChunk, StageStamps};
use crate::time::{Duration, Instant};
use crate::units::{Feedrate, Length, Power};

/// Number of a message's kind in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum MessageKind {
    /// [`Offer`], edge to cloud.
    Offer = 1,
    /// [`OfferPart`], edge to cloud.
    OfferPart = 2,
    /// [`StateBatch`], edge to cloud.
    State = 3,
    /// End of a session, edge to cloud.
    Close = 4,
    /// [`Accept`], cloud to edge.
    Accept = 16,
    /// [`Refuse`], cloud to edge.
    Refuse = 17,
    /// [`Progress`], cloud to edge.
    Progress = 18,
    /// [`BaselinePart`], cloud to edge.
    BaselinePart = 19,
    /// [`PlanMessage`], cloud to edge.
    Plan = 20,
    /// [`KeepAlive`], cloud to edge.
    KeepAlive = 21,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Offer,
        Self::OfferPart,
        Self::State,
        Self::Close,
        Self::Accept,
        Self::Refuse,
        Self::Progress,
        Self::BaselinePart,
        Self::Plan,
        Self::KeepAlive,
    ];

    /// From its number in the header.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

/// Everything that travels.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The edge offers a job under a new lease.
    Offer(Offer),
    /// A piece of the offered bytes.
    OfferPart(OfferPart),
    /// What the machine does.
    State(StateBatch),
    /// The edge ends the session: the program has ended, or the lease is void.
    Close {
        /// Lease that ends.
        epoch: Epoch,
    },
    /// The cloud has read the offer and found these digests.
    Accept(Accept),
    /// The cloud cannot plan for the offer.
    Refuse(Refuse),
    /// The cloud computes the baseline.
    Progress(Progress),
    /// A piece of the baseline.
    BaselinePart(BaselinePart),
    /// A stretch of plan.
    Plan(PlanMessage),
    /// The cloud is alive and believes its plan.
    KeepAlive(KeepAlive),
}

impl Message {
    /// Its kind.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Offer(_) => MessageKind::Offer,
            Self::OfferPart(_) => MessageKind::OfferPart,
            Self::State(_) => MessageKind::State,
            Self::Close { .. } => MessageKind::Close,
            Self::Accept(_) => MessageKind::Accept,
            Self::Refuse(_) => MessageKind::Refuse,
            Self::Progress(_) => MessageKind::Progress,
            Self::BaselinePart(_) => MessageKind::BaselinePart,
            Self::Plan(_) => MessageKind::Plan,
            Self::KeepAlive(_) => MessageKind::KeepAlive,
        }
    }
}

/// A job: what will run, on which machine, and how to check that both sides read it alike. The bytes of the
/// job itself follow in [`OfferPart`]s.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Lease granted for this session.
    pub epoch: Epoch,
    /// Machine that offers.
    pub machine: Name,
    /// Program, all bytes.
    pub program: ProgramDigest,
    /// Everything a plan rests on.
    pub context: ContextDigest,
    /// The path as the edge compiled it.
    pub path: Digest,
    /// How many parts follow.
    pub parts: u32,
    /// Bytes of all parts together.
    pub bytes: u64,
    /// Digest of all parts together.
    pub blob: Digest,
    /// Machine seconds in one second of the clock; 1 on a real machine, more on a virtual one that runs
    /// faster. Finite and above zero.
    pub time_scale: f64,
}

/// A piece of the offered bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferPart {
    /// Lease.
    pub epoch: Epoch,
    /// Position among the parts, from 0.
    pub index: u32,
    /// The bytes, 1 to [`super::OFFER_PART_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// What a machine is doing, as far as a planner must know. The controller's own states stay at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Activity {
    /// The controller does not say.
    Unknown = 0,
    /// No program runs.
    Idle = 1,
    /// The program runs.
    Running = 2,
    /// The program is held or waits for a person.
    Held = 3,
    /// The program has reached its end.
    Ended = 4,
    /// Stopped; the place may be lost.
    Stopped = 5,
}

impl Activity {
    /// Every activity, in the order of their numbers.
    pub const ALL: [Self; 6] = [Self::Unknown, Self::Idle, Self::Running, Self::Held, Self::Ended, Self::Stopped];
}

/// Where the machine was at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateSample {
    /// Number of the sample.
    pub sequence: SampleSequence,
    /// Instant it is about, on the edge's clock.
    pub valid_at: Instant,
    /// Instant it was sent, on the edge's clock: the cloud echoes it.
    pub sent_at: Instant,
    /// Place on the path.
    pub station: Station,
    /// The true place lies within this of `station`; at least zero.
    pub uncertainty: Length,
    /// Speed along the path in machine time; at least zero. `None` where the controller does not say.
    pub velocity: Option<Feedrate>,
    /// The factor in force, read back from the controller; where it does not say, the one last commanded.
    pub factor: Override,
    /// The operator's dial in per mille.
    pub dial_permille: Option<u16>,
    /// What the machine does.
    pub activity: Activity,
    /// Spindle power at the drive; at least zero.
    pub spindle_power: Option<Power>,
}

/// A few samples and what the edge has to say about plans.
#[derive(Clone, Debug, PartialEq)]
pub struct StateBatch {
    /// Lease.
    pub epoch: Epoch,
    /// 1 to [`super::STATE_SAMPLES_MAX`] samples, oldest first, sequence strictly increasing.
    pub samples: Vec<StateSample>,
    /// True while the edge waits for a chunk: one whose basis is at or after `trigger_basis` and that reaches
    /// `trigger_reach`.
    pub trigger: bool,
    /// Sample that carried the open trigger; `None` without one.
    pub trigger_basis: Option<SampleSequence>,
    /// Station that the awaited chunk has to reach; the start without an open trigger.
    pub trigger_reach: Station,
    /// Newest chunk that was admitted.
    pub admitted: Option<PlanSequence>,
    /// Admitted plan reaches up to here; the start without one.
    pub horizon: Station,
    /// How many parts of the baseline lie here without a gap, from the first.
    pub baseline_parts: u32,
    /// Messages rejected under this lease so far.
    pub rejects: u32,
    /// Why the last of them was rejected.
    pub last_reject: Option<crate::plan::RejectReason>,
}

/// What the cloud found in the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accept {
    /// Lease.
    pub epoch: Epoch,
    /// Digest of the program it read.
    pub program: ProgramDigest,
    /// Digest of the context it built.
    pub context: ContextDigest,
    /// Digest of the path it compiled.
    pub path: Digest,
}

/// Why the cloud does not plan for an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// Lease.
    pub epoch: Epoch,
    /// For a person; at most [`super::REFUSAL_BYTES_MAX`] bytes, longer text is cut when it is sent.
    pub reason: String,
}

/// How far the baseline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Lease.
    pub epoch: Epoch,
    /// Done, in per mille, at most 1000.
    pub done_permille: u16,
}

/// A piece of the whole-program plan. Parts follow each other over station without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselinePart {
    /// Lease.
    pub epoch: Epoch,
    /// Context it is valid with.
    pub context: ContextDigest,
    /// Position among the parts, from 0.
    pub index: u32,
    /// How many parts there are, 1 to [`super::BASELINE_PARTS_MAX`].
    pub count: u32,
    /// 1 to [`super::BASELINE_SPANS_MAX`] spans.
    pub plan: OverridePlan,
}

/// A chunk with the echo of the edge's stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanMessage {
    /// `sent_at` of the basis sample, as the edge stamped it.
    pub basis_sent_at: Instant,
    /// The chunk; its plan has 1 to [`super::CHUNK_SPANS_MAX`] spans.
    pub chunk: PlanChunk,
}

/// A chunk without its spans: what the gate judges first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHead {
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
    /// Echo of the stamp of that sample.
    pub basis_sent_at: Instant,
    /// How long it may be used, from the instant the edge sent the basis sample.
    pub time_to_live: Duration,
    /// Stages on the cloud's side.
    pub stamps: StageStamps,
    /// Effort that was granted to the planning step.
    pub work: WorkAllowance,
    /// Cells of stock removed in the simulation step behind it.
    pub removed_cells: u64,
}

impl ChunkHead {
    /// The head of a chunk.
    pub fn of(message: &PlanMessage) -> Self {
        let chunk = &message.chunk;
        Self {
            epoch: chunk.epoch,
            sequence: chunk.sequence,
            program: chunk.program,
            context: chunk.context,
            basis: chunk.basis,
            basis_sent_at: message.basis_sent_at,
            time_to_live: chunk.time_to_live,
            stamps: chunk.stamps,
            work: chunk.work,
            removed_cells: chunk.removed_cells,
        }
    }

    /// The chunk with its plan.
    pub fn with_plan(self, plan: OverridePlan) -> PlanMessage {
        let Self { epoch, sequence, program, context, basis, time_to_live, stamps, work, removed_cells, .. } = self;
        let chunk =
            PlanChunk { epoch, sequence, program, context, basis, time_to_live, plan, stamps, work, removed_cells };
        PlanMessage { basis_sent_at: self.basis_sent_at, chunk }
    }
}
