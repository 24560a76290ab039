use super::Override;
use crate::units::Length;

/// Limits that hold at the edge whatever a plan says. Data of the local configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope {
    /// Smallest factor we may command, except zero for a hold.
    pub factor_min: Override,
    /// Greatest factor we may command.
    pub factor_max: Override,
    /// Grain of the controller, per mille.
    pub step_permille: u16,
    /// Greatest change of the factor in one second.
    pub slew_per_s: f64,
    /// Longest stretch ahead that one chunk may cover beyond the tool.
    pub reach_max: Length,
}

/// The edge's verdict on a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Taken as it is.
    Admitted,
    /// Taken, but at least one factor was pulled into the envelope or inside the commit distance.
    Clamped,
    /// Not taken.
    Rejected(RejectReason),
}

/// Why a message or chunk was not taken. Each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RejectReason {
    /// Not a message of ours, or damaged.
    Malformed = 0,
    /// Another major version.
    Version = 1,
    /// No lease is granted.
    NoLease = 2,
    /// Of another epoch.
    Epoch = 3,
    /// Not newer than what was seen: repeated or overtaken.
    Sequence = 4,
    /// For another program.
    Program = 5,
    /// For another context.
    Context = 6,
    /// Rests on a sample we did not send, or too long ago to know.
    Basis = 7,
    /// Its time to live has passed.
    Expired = 8,
    /// Its stations lie wholly behind the tool, or beyond the reach of one chunk.
    Window = 9,
    /// Would speed up inside the commit distance and holds nothing else.
    Committed = 10,
    /// The operator has not armed the agent, or a latch is set.
    NotArmed = 11,
    /// Not sealed, or by another key than the one that is trusted.
    Signature = 12,
}

impl RejectReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::Version,
        Self::NoLease,
        Self::Epoch,
        Self::Sequence,
        Self::Program,
        Self::Context,
        Self::Basis,
        Self::Expired,
        Self::Window,
        Self::Committed,
        Self::NotArmed,
        Self::Signature,
    ];

    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::NoLease => "no_lease",
            Self::Epoch => "epoch",
            Self::Sequence => "sequence",
            Self::Program => "program",
            Self::Context => "context",
            Self::Basis => "basis",
            Self::Expired => "expired",
            Self::Window => "window",
            Self::Committed => "committed",
            Self::NotArmed => "not_armed",
            Self::Signature => "signature",
        }
    }
}
