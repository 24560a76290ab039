//! Header, checksum, one encode and one strict decode.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body::*;
use super::message::*;
use super::seal::SealKind;
use super::{
    BASELINE_SPANS_MAX, CHUNK_SPANS_MAX, HEADER_BYTES, MAGIC, MAJOR, MESSAGE_BYTES_MAX, MINOR, OFFER_PART_BYTES_MAX,
    REFUSAL_BYTES_MAX, STATE_SAMPLES_MAX,
};
use crate::ident::{ContextDigest, Digest, Epoch, Name};
use crate::motion::Station;
use crate::plan::{OverridePlan, RejectReason, Span};
use crate::planted::{self, Bug};

const CONFIG: Configuration<LittleEndian, Fixint, Limit<MESSAGE_BYTES_MAX>> =
    bincode::config::standard().with_fixed_int_encoding().with_limit::<MESSAGE_BYTES_MAX>();
const SEAL_AT: usize = 7;
const CHECKSUM_AT: usize = 12;
const CHECKSUM_BYTES: usize = HEADER_BYTES - CHECKSUM_AT;

/// Why bytes are not a message of ours, or a message cannot be put into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Shorter than its header or its stated length, or longer.
    #[error("the message has {found} bytes; its header says {stated}")]
    Length {
        /// Bytes at hand.
        found: usize,
        /// Bytes that should be there, header included.
        stated: usize,
    },
    /// Does not begin with the magic.
    #[error("not a message of this system")]
    Magic,
    /// Another major version.
    #[error("major version {found} is not {MAJOR}, the one spoken here")]
    Version {
        /// What the header says.
        found: u8,
    },
    /// Unknown kind of message or seal.
    #[error("unknown kind of message or seal")]
    Kind,
    /// Damaged.
    #[error("the checksum does not fit: the message is damaged")]
    Checksum,
    /// A list is longer than agreed.
    #[error("{field} has {count} entries; at most {max} are agreed")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// Its length.
        count: usize,
        /// The agreed maximum.
        max: usize,
    },
    /// The body ends early.
    #[error("the body of the message ends early")]
    Short,
    /// Bytes follow the body.
    #[error("{count} bytes follow the body")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A field holds what it may not.
    #[error("{0} holds a value out of range")]
    Value(&'static str),
}

impl WireError {
    /// How the gate counts it.
    pub const fn reject_reason(self) -> RejectReason {
        match self {
            Self::Version { .. } => RejectReason::Version,
            _ => RejectReason::Malformed,
        }
    }
}

/// Writes one message into `out`, replacing what was there.
///
/// # Errors
/// [`WireError::TooMany`] for a list beyond its maximum, [`WireError::Value`] for an empty list that must not
/// be. `out` is empty then.
pub fn encode(message: &Message, out: &mut Vec<u8>) -> Result<(), WireError> {
    framed(message.kind(), out, |out| match message {
        Message::Offer(offer) => {
            put(out, &OfferHead::of(offer));
            out.extend_from_slice(offer.machine.as_str().as_bytes());
            Ok(())
        }
        Message::OfferPart(part) => {
            let count = counted("bytes", part.bytes.len(), OFFER_PART_BYTES_MAX)?;
            put(out, &OfferPartHead { epoch: part.epoch.0, index: part.index, count });
            out.extend_from_slice(&part.bytes);
            Ok(())
        }
        Message::State(batch) => put_state(batch, out),
        Message::Close { epoch } => {
            put(out, &CloseBody { epoch: epoch.0 });
            Ok(())
        }
        Message::Accept(accept) => {
            put(out, &AcceptBody::of(accept));
            Ok(())
        }
        Message::Refuse(refuse) => {
            let text = cut(&refuse.reason);
            put(out, &RefuseHead { epoch: refuse.epoch.0, count: text.len() as u32 });
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Message::Progress(progress) => {
            put(out, &ProgressBody { epoch: progress.epoch.0, done_permille: progress.done_permille });
            Ok(())
        }
        Message::BaselinePart(part) => put_baseline(part, out),
        Message::Plan(plan) => {
            counted("spans", plan.chunk.plan.spans().len(), CHUNK_SPANS_MAX)?;
            put(out, &PlanHead::of(plan));
            plan.chunk.plan.spans().iter().for_each(|span| put(out, &SpanBody::of(span)));
            Ok(())
        }
        Message::KeepAlive(keep_alive) => {
            put(out, &KeepAliveBody::of(keep_alive));
            Ok(())
        }
    })
}

/// Writes a state batch; allocates nothing where `out` is large enough.
///
/// # Errors
/// As [`encode`].
pub fn encode_state(batch: &StateBatch, out: &mut Vec<u8>) -> Result<(), WireError> {
    framed(MessageKind::State, out, |out| put_state(batch, out))
}

fn framed(
    kind: MessageKind,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    out.clear();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[MAJOR, MINOR, kind as u8, 0]);
    out.extend_from_slice(&[0; HEADER_BYTES - 8]);
    if let Err(error) = body(out) {
        out.clear();
        return Err(error);
    }
    let length = (out.len() - HEADER_BYTES) as u32;
    out[8..CHECKSUM_AT].copy_from_slice(&length.to_le_bytes());
    let digest = digest(&out[..CHECKSUM_AT], &out[HEADER_BYTES..]);
    out[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&digest[..CHECKSUM_BYTES]);
    Ok(())
}

/// Its beginning is the checksum, and the whole is what a seal rests on.
fn digest(header: &[u8], body: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(header).update(body).finalize().as_bytes()
}

/// Replaces the seal of a message; `write` appends it, given the digest.
///
/// # Errors
/// As [`Frame::open`]; [`WireError::Length`] where the seal does not fit. The message is unchanged then.
pub(super) fn reseal(
    message: &mut Vec<u8>,
    kind: SealKind,
    write: impl FnOnce(&[u8; 32], &mut Vec<u8>),
) -> Result<(), WireError> {
    let end = HEADER_BYTES + Frame::open(message)?.body.len();
    let stated = end + kind.bytes();
    if stated > MESSAGE_BYTES_MAX {
        return Err(WireError::Length { found: message.len(), stated });
    }
    message.truncate(end);
    message[SEAL_AT] = kind as u8;
    let digest = digest(&message[..CHECKSUM_AT], &message[HEADER_BYTES..]);
    message[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&digest[..CHECKSUM_BYTES]);
    write(&digest, message);
    Ok(())
}

fn put(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing to a `Vec` cannot fail, and the bodies hold only types that bincode supports.
    bincode::serde::encode_into_std_write(value, out, CONFIG).expect("a fixed body goes into a Vec");
}

fn put_state(batch: &StateBatch, out: &mut Vec<u8>) -> Result<(), WireError> {
    counted("samples", batch.samples.len(), STATE_SAMPLES_MAX)?;
    put(out, &StateHead::of(batch));
    batch.samples.iter().for_each(|sample| put(out, &SampleBody::of(sample)));
    Ok(())
}

fn put_baseline(part: &BaselinePart, out: &mut Vec<u8>) -> Result<(), WireError> {
    let spans = counted("spans", part.plan.spans().len(), BASELINE_SPANS_MAX)?;
    let head = BaselineHead {
        epoch: part.epoch.0,
        context: *part.context.0.as_bytes(),
        index: part.index,
        count: part.count,
        from_nm: part.plan.from().as_nm(),
        spans,
    };
    head.check()?;
    put(out, &head);
    part.plan.spans().iter().for_each(|span| put(out, &SpanBody::of(span)));
    Ok(())
}

/// The length of a list that must hold between one and `max` entries.
fn counted(field: &'static str, count: usize, max: usize) -> Result<u32, WireError> {
    check(count > 0, field)?;
    if count > max { Err(WireError::TooMany { field, count, max }) } else { Ok(count as u32) }
}

/// The longest beginning of a text that fits into a refusal; line breaks and other control characters end it.
fn cut(text: &str) -> &str {
    let text = text.split(char::is_control).next().unwrap_or("");
    let mut end = text.len().min(REFUSAL_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A message whose header and checksum hold; its body is not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    kind: MessageKind,
    body: &'a [u8],
    seal_kind: SealKind,
    seal: &'a [u8],
    digest: [u8; 32],
}

impl<'a> Frame<'a> {
    /// Checks header, length and checksum.
    ///
    /// # Errors
    /// Every [`WireError`] that does not concern the body.
    pub fn open(bytes: &'a [u8]) -> Result<Self, WireError> {
        let found = bytes.len();
        let Some((header, rest)) = bytes.split_at_checked(HEADER_BYTES) else {
            return Err(WireError::Length { found, stated: HEADER_BYTES });
        };
        if header[..4] != MAGIC {
            return Err(WireError::Magic);
        }
        if header[4] != MAJOR {
            return Err(WireError::Version { found: header[4] });
        }
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let seal_kind = SealKind::from_code(header[SEAL_AT]).ok_or(WireError::Kind)?;
        let stated = HEADER_BYTES.saturating_add(length).saturating_add(seal_kind.bytes());
        if stated != found || found > MESSAGE_BYTES_MAX {
            return Err(WireError::Length { found, stated });
        }
        let (body, seal) = rest.split_at(length);
        let digest = digest(&header[..CHECKSUM_AT], body);
        if header[CHECKSUM_AT..] != digest[..CHECKSUM_BYTES] && !planted::on(Bug::CodecNoChecksum) {
            return Err(WireError::Checksum);
        }
        let kind = MessageKind::from_code(header[6]).ok_or(WireError::Kind)?;
        Ok(Self { kind, body, seal_kind, seal, digest })
    }

    /// Lease under which it was sent: the first field of every body. `None` in a body too short for one.
    pub fn epoch(&self) -> Option<Epoch> {
        self.body.first_chunk::<8>().map(|bytes| Epoch(u64::from_le_bytes(*bytes)))
    }

    /// What stands behind the body.
    pub const fn seal_kind(&self) -> SealKind {
        self.seal_kind
    }

    /// The seal's bytes, as many as its kind has.
    pub const fn seal(&self) -> &'a [u8] {
        self.seal
    }

    /// BLAKE3 over header and body.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What kind of message it is.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Reads a plan chunk, its spans into `spans`, replacing what was there. Allocates nothing where `spans`
    /// has room for [`CHUNK_SPANS_MAX`].
    ///
    /// # Errors
    /// [`WireError`] for a body that is not a chunk; `spans` is not to be used then.
    pub fn chunk_into(&self, spans: &mut Vec<Span>) -> Result<ChunkHead, WireError> {
        if self.kind != MessageKind::Plan {
            return Err(WireError::Kind);
        }
        let mut rest = Reader { rest: self.body };
        let head: PlanHead = rest.take()?;
        counted("spans", head.spans as usize, CHUNK_SPANS_MAX)?;
        rest.spans(head.from_nm, head.spans, spans)?;
        rest.end()?;
        if planted::on(Bug::CodecLosesLastSpan) && spans.len() > 1 {
            spans.pop();
        }
        Ok(head.head())
    }

    /// Reads the whole message.
    ///
    /// # Errors
    /// [`WireError`] unless the body is exactly what its kind says, with every value in range.
    pub fn message(&self) -> Result<Message, WireError> {
        let mut rest = Reader { rest: self.body };
        let message = match self.kind {
            MessageKind::Offer => rest.offer()?,
            MessageKind::OfferPart => rest.offer_part()?,
            MessageKind::State => rest.state()?,
            MessageKind::Close => Message::Close { epoch: Epoch(rest.take::<CloseBody>()?.epoch) },
            MessageKind::Accept => Message::Accept(rest.take::<AcceptBody>()?.accept()),
            MessageKind::Refuse => rest.refuse()?,
            MessageKind::Progress => rest.progress()?,
            MessageKind::BaselinePart => rest.baseline()?,
            MessageKind::Plan => {
                let mut spans = Vec::new();
                let head = self.chunk_into(&mut spans)?;
                let plan = OverridePlan::new(spans).map_err(|_| WireError::Value("spans"))?;
                return Ok(Message::Plan(head.with_plan(plan)));
            }
            MessageKind::KeepAlive => Message::KeepAlive(rest.take::<KeepAliveBody>()?.keep_alive()),
        };
        rest.end()?;
        Ok(message)
    }
}

/// What is left of a body.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take<T: DeserializeOwned>(&mut self) -> Result<T, WireError> {
        // Bodies hold integers, floats, arrays and options: the only failures are an early end and an option
        // tag that is neither 0 nor 1.
        let (value, used) = bincode::serde::decode_from_slice(self.rest, CONFIG).map_err(|error| match error {
            bincode::error::DecodeError::UnexpectedEnd { .. } => WireError::Short,
            _ => WireError::Value("body"),
        })?;
        self.rest = &self.rest[used..];
        Ok(value)
    }

    fn bytes(&mut self, count: u32) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count as usize).ok_or(WireError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn spans(&mut self, from_nm: u64, count: u32, spans: &mut Vec<Span>) -> Result<(), WireError> {
        spans.clear();
        spans.reserve(count as usize);
        let mut at = Station::from_nm(from_nm);
        for _ in 0..count {
            let span = self.take::<SpanBody>()?.span(at)?;
            at = span.to;
            spans.push(span);
        }
        Ok(())
    }

    fn end(&self) -> Result<(), WireError> {
        if self.rest.is_empty() || planted::on(Bug::CodecTrailing) {
            Ok(())
        } else {
            Err(WireError::Trailing { count: self.rest.len() })
        }
    }

    fn offer(&mut self) -> Result<Message, WireError> {
        let head: OfferHead = self.take()?;
        counted("machine", head.name_bytes as usize, Name::LEN_MAX)?;
        let name = std::str::from_utf8(self.bytes(head.name_bytes)?).map_err(|_| WireError::Value("machine"))?;
        let machine = Name::parse(name).map_err(|_| WireError::Value("machine"))?;
        Ok(Message::Offer(head.offer(machine)?))
    }

    fn offer_part(&mut self) -> Result<Message, WireError> {
        let head: OfferPartHead = self.take()?;
        counted("bytes", head.count as usize, OFFER_PART_BYTES_MAX)?;
        let bytes = self.bytes(head.count)?.to_vec();
        Ok(Message::OfferPart(OfferPart { epoch: Epoch(head.epoch), index: head.index, bytes }))
    }

    fn state(&mut self) -> Result<Message, WireError> {
        let head: StateHead = self.take()?;
        counted("samples", head.count as usize, STATE_SAMPLES_MAX)?;
        let samples: Result<Vec<_>, _> = (0..head.count).map(|_| self.take::<SampleBody>()?.sample()).collect();
        Ok(Message::State(head.batch(samples?)?))
    }

    fn refuse(&mut self) -> Result<Message, WireError> {
        let head: RefuseHead = self.take()?;
        let (count, max) = (head.count as usize, REFUSAL_BYTES_MAX);
        if count > max {
            return Err(WireError::TooMany { field: "reason", count, max });
        }
        let text = std::str::from_utf8(self.bytes(head.count)?).map_err(|_| WireError::Value("reason"))?;
        check(!text.chars().any(char::is_control), "reason")?;
        Ok(Message::Refuse(Refuse { epoch: Epoch(head.epoch), reason: text.to_owned() }))
    }

    fn progress(&mut self) -> Result<Message, WireError> {
        let body: ProgressBody = self.take()?;
        check(body.done_permille <= 1000, "done_permille")?;
        Ok(Message::Progress(Progress { epoch: Epoch(body.epoch), done_permille: body.done_permille }))
    }

    fn baseline(&mut self) -> Result<Message, WireError> {
        let head: BaselineHead = self.take()?;
        head.check()?;
        counted("spans", head.spans as usize, BASELINE_SPANS_MAX)?;
        let mut spans = Vec::new();
        self.spans(head.from_nm, head.spans, &mut spans)?;
        Ok(Message::BaselinePart(BaselinePart {
            epoch: Epoch(head.epoch),
            context: ContextDigest(Digest::from_bytes(head.context)),
            index: head.index,
            count: head.count,
            plan: OverridePlan::new(spans).map_err(|_| WireError::Value("spans"))?,
        }))
    }
}
