use firmware_bridge::controller::{Command, ControllerMode, ControllerSample, Execution, Objection};
use shared::geom::Point;
use shared::ident::{Digest, Epoch, ToolNumber};
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Power, RotaryVelocity};
use shared::wire::Channel;

use crate::OperatorAction;

/// Which stream of a recording an entry belongs to; also its channel in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntryKind {
    /// Input: what the controller said.
    Sample = 1,
    /// Input: bytes from the cloud, as they came.
    Message = 2,
    /// Input: what the operator did.
    Operator = 3,
    /// Input: a lease was granted.
    Grant = 4,
    /// Output: the command of one cycle, or none.
    Cycle = 5,
    /// Output: a message handed to the transport.
    Transmit = 6,
    /// Input: what the controller was found to have otherwise than the job.
    Objection = 7,
}

impl EntryKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Sample, Self::Message, Self::Operator, Self::Grant, Self::Cycle, Self::Transmit, Self::Objection];

    /// From its number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Its topic in the file.
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Sample => "in/sample",
            Self::Message => "in/message",
            Self::Operator => "in/operator",
            Self::Grant => "in/grant",
            Self::Cycle => "out/cycle",
            Self::Transmit => "out/transmit",
            Self::Objection => "in/objection",
        }
    }
}

/// One input or output of the edge core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A sample was handed in.
    Sample(ControllerSample),
    /// A message was handed in.
    Message {
        /// When it arrived: at or before the instant it was handed in.
        received_at: Instant,
        /// As it came.
        bytes: &'a [u8],
    },
    /// The operator acted.
    Operator(OperatorAction),
    /// A lease was granted.
    Grant(Epoch),
    /// A command was asked for; what came.
    Cycle(Option<Command>),
    /// A message was handed out.
    Transmit(Transmitted),
    /// An objection was handed in.
    Objection(Objection),
}

/// A message that the core handed to the transport: where it goes and what it is. The bytes themselves come
/// back from a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmitted {
    /// Where it goes.
    pub channel: Channel,
    /// How many bytes it has.
    pub bytes: u32,
    /// Digest of the bytes.
    pub digest: Digest,
}

impl Transmitted {
    /// Of a message.
    pub fn of(channel: Channel, bytes: &[u8]) -> Self {
        Self { channel, bytes: bytes.len() as u32, digest: Digest::of(bytes) }
    }
}

/// Bytes that are not an entry of the stated kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of an entry of kind {kind:?} do not read")]
pub struct EntryError {
    /// The kind it should be.
    pub kind: EntryKind,
}

const EXECUTIONS: [Execution; 8] = [
    Execution::Ready,
    Execution::Active,
    Execution::Interrupted,
    Execution::FeedHold,
    Execution::Stopped,
    Execution::ProgramStopped,
    Execution::OptionalStop,
    Execution::ProgramCompleted,
];

const MODES: [ControllerMode; 4] =
    [ControllerMode::Automatic, ControllerMode::Manual, ControllerMode::ManualDataInput, ControllerMode::SingleBlock];

impl<'a> Entry<'a> {
    /// Its kind.
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Sample(_) => EntryKind::Sample,
            Self::Message { .. } => EntryKind::Message,
            Self::Operator(_) => EntryKind::Operator,
            Self::Grant(_) => EntryKind::Grant,
            Self::Cycle(_) => EntryKind::Cycle,
            Self::Transmit(_) => EntryKind::Transmit,
            Self::Objection(_) => EntryKind::Objection,
        }
    }

    /// Appends its bytes; allocates nothing where `out` has room.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sample(sample) => put_sample(sample, out),
            Self::Message { received_at, bytes } => {
                out.extend(received_at.as_ns().to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Operator(action) => out.push(operator_code(*action)),
            Self::Grant(epoch) => out.extend(epoch.0.to_le_bytes()),
            Self::Cycle(None) => out.push(0),
            Self::Cycle(Some(Command::Factor { factor, time_to_live })) => {
                out.push(1);
                out.extend(factor.permille().to_le_bytes());
                out.extend(time_to_live.as_ns().to_le_bytes());
            }
            Self::Cycle(Some(Command::FeedHold)) => out.push(2),
            Self::Transmit(transmitted) => {
                out.push(transmitted.channel as u8);
                out.extend(transmitted.bytes.to_le_bytes());
                out.extend(transmitted.digest.as_bytes());
            }
            Self::Objection(objection) => out.push(*objection as u8),
        }
    }

    /// Reads the bytes of an entry, all of them.
    ///
    /// # Errors
    /// [`EntryError`] for other lengths and for codes and values that no entry holds.
    pub fn decode(kind: EntryKind, bytes: &'a [u8]) -> Result<Self, EntryError> {
        let mut reader = Reader { rest: bytes };
        let entry = match kind {
            EntryKind::Message => reader.u64().map(|received_at| {
                let received_at = Instant::from_ns(received_at);
                Self::Message { received_at, bytes: std::mem::take(&mut reader.rest) }
            }),
            EntryKind::Sample => reader.sample().map(Self::Sample),
            EntryKind::Operator => reader.u8().and_then(operator_of_code).map(Self::Operator),
            EntryKind::Grant => reader.u64().map(|epoch| Self::Grant(Epoch(epoch))),
            EntryKind::Cycle => reader.command().map(Self::Cycle),
            EntryKind::Transmit => reader.transmitted().map(Self::Transmit),
            EntryKind::Objection => reader.u8().and_then(objection_of_code).map(Self::Objection),
        };
        entry.filter(|_| reader.rest.is_empty()).ok_or(EntryError { kind })
    }
}

/// Writes presence as one bit of a mask and the value, or zeros, at full width.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    mask_at: usize,
    mask: u16,
    bit: u16,
}

impl Fields<'_> {
    fn put<const N: usize>(&mut self, value: Option<[u8; N]>) {
        self.mask |= self.bit * u16::from(value.is_some());
        self.bit <<= 1;
        self.out.extend(value.unwrap_or([0; N]));
        let mask = self.mask.to_le_bytes();
        self.out[self.mask_at..self.mask_at + 2].copy_from_slice(&mask);
    }
}

fn put_sample(sample: &ControllerSample, out: &mut Vec<u8>) {
    out.extend(sample.valid_at.as_ns().to_le_bytes());
    let mask_at = out.len();
    out.extend([0; 2]);
    let mut fields = Fields { out, mask_at, mask: 0, bit: 1 };
    fields.put(sample.execution.map(|value| [value as u8]));
    fields.put(sample.mode.map(|value| [value as u8]));
    fields.put(sample.line.map(u32::to_le_bytes));
    fields.put(sample.position.map(|p| {
        let mut bytes = [0; 24];
        for (slot, value) in bytes.chunks_exact_mut(8).zip([p.x, p.y, p.z]) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }));
    fields.put(sample.path_feedrate.map(|value| value.as_mm_s().to_le_bytes()));
    fields.put(sample.dial_permille.map(u16::to_le_bytes));
    fields.put(sample.factor.map(|value| value.permille().to_le_bytes()));
    fields.put(sample.factor_enabled.map(|value| [u8::from(value)]));
    fields.put(sample.rotary_velocity.map(|value| value.as_rev_s().to_le_bytes()));
    fields.put(sample.spindle_power.map(|value| value.as_w().to_le_bytes()));
    fields.put(sample.tool.map(|value| value.0.to_le_bytes()));
}

const SAMPLE_FIELDS: u32 = 11;

/// What is left of an entry's bytes.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// The next field, `Some(None)` where its bit is clear; the bits are taken from the low end.
    fn field<T>(
        &mut self,
        mask: &mut u16,
        read: impl FnOnce(&mut Self) -> Option<T>,
        width: usize,
    ) -> Option<Option<T>> {
        let present = *mask & 1 == 1;
        *mask >>= 1;
        if present {
            return read(self).map(Some);
        }
        let (zeros, rest) = self.rest.split_at_checked(width)?;
        self.rest = rest;
        zeros.iter().all(|byte| *byte == 0).then_some(None)
    }

    fn sample(&mut self) -> Option<ControllerSample> {
        let valid_at = Instant::from_ns(self.u64()?);
        let mut mask = self.u16()?;
        if mask >> SAMPLE_FIELDS != 0 {
            return None;
        }
        let mask = &mut mask;
        Some(ControllerSample {
            valid_at,
            execution: self.field(mask, |r| EXECUTIONS.get(usize::from(r.u8()?)).copied(), 1)?,
            mode: self.field(mask, |r| MODES.get(usize::from(r.u8()?)).copied(), 1)?,
            line: self.field(mask, |r| r.bytes().map(u32::from_le_bytes), 4)?,
            position: self.field(mask, |r| Some(Point::new(r.f64()?, r.f64()?, r.f64()?)), 24)?,
            path_feedrate: self.field(mask, |r| r.f64().map(Feedrate::mm_s), 8)?,
            dial_permille: self.field(mask, Self::u16, 2)?,
            factor: self.field(mask, |r| Override::from_permille(r.u16()?), 2)?,
            factor_enabled: self.field(mask, |r| flag(r.u8()?), 1)?,
            rotary_velocity: self.field(mask, |r| r.f64().map(RotaryVelocity::rev_s), 8)?,
            spindle_power: self.field(mask, |r| r.f64().map(Power::w), 8)?,
            tool: self.field(mask, |r| r.bytes().map(|b| ToolNumber(u32::from_le_bytes(b))), 4)?,
        })
    }

    /// `Some(None)` for a cycle without a command.
    fn command(&mut self) -> Option<Option<Command>> {
        match self.u8()? {
            0 => Some(None),
            1 => {
                let factor = Override::from_permille(self.u16()?)?;
                Some(Some(Command::Factor { factor, time_to_live: Duration::from_ns(self.u64()?) }))
            }
            2 => Some(Some(Command::FeedHold)),
            _ => None,
        }
    }

    fn transmitted(&mut self) -> Option<Transmitted> {
        let channel = *Channel::ALL.get(usize::from(self.u8()?))?;
        let bytes = self.bytes().map(u32::from_le_bytes)?;
        Some(Transmitted { channel, bytes, digest: Digest::from_bytes(self.bytes()?) })
    }
}

fn objection_of_code(code: u8) -> Option<Objection> {
    Objection::ALL.into_iter().find(|objection| *objection as u8 == code)
}

fn flag(code: u8) -> Option<bool> {
    match code {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

const fn operator_code(action: OperatorAction) -> u8 {
    match action {
        OperatorAction::Arm => 1,
        OperatorAction::Off => 2,
        OperatorAction::ReArm => 3,
        OperatorAction::ConfirmStock => 4,
        OperatorAction::ArmFirstPart => 5,
    }
}

fn operator_of_code(code: u8) -> Option<OperatorAction> {
    let all = [
        OperatorAction::Arm,
        OperatorAction::Off,
        OperatorAction::ReArm,
        OperatorAction::ConfirmStock,
        OperatorAction::ArmFirstPart,
    ];
    all.into_iter().find(|action| operator_code(*action) == code)
}
