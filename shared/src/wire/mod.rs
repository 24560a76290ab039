//! The bytes between edge and cloud: the only serialised structs, their versions, one encode and one strict
//! bounded decode, and the keys under which they travel.
//!
//! A message that is damaged, forged, from another version or longer than agreed must be recognised before
//! any figure in it is used; and no figure that passes may be one that the domain types cannot hold. So a
//! message has one fixed header with a checksum over everything, a body of fixed layout, and nothing after
//! it. Domain types never derive serialisation: private structs in `body` mirror what travels, and converting
//! them back is where every float, code and count is checked.
//!
//! Layout, little endian, integers and floats at their full width:
//!
//! ```text
//! offset size
//!      0    4  magic "COSM"
//!      4    1  major version, 2: another one is refused
//!      5    1  minor version: grows when a message kind is added; the layout of a kind never changes within a major
//!      6    1  kind (MessageKind)
//!      7    1  seal: 0 none, 1 signed, 2 announcing, 3 local (`seal`)
//!      8    4  length of the body in bytes, without the seal
//!     12    8  checksum: the first eight bytes of BLAKE3 over bytes 0..12 and the body
//!     20    …  body: a head of fixed fields, then `count` items where the head ends in a count; its first field is the epoch
//!      …    …  seal: 0, 64, 96 or 32 bytes, by the header's seal
//! ```
//!
//! An optional field is one byte 0 or 1 and, after 1, its value. A digest is its 32 bytes. The body is written
//! by bincode 2.0.1 (serde, fixed-width integers) field by field in the order of the structs in `body`; it
//! adds nothing of its own, so that another codec can be put under the same bytes. The checksum finds
//! damage; who sent a message is proved by its seal.
//!
//! Limits: every list has a named maximum that is checked before memory is taken; a message is at most
//! [`MESSAGE_BYTES_MAX`] long. Decoding a chunk into a caller's buffer ([`Frame::chunk_into`]) and encoding a
//! state batch ([`encode_state`]) allocate nothing once the buffers have their size.

mod body;
mod codec;
pub mod keys;
mod message;
pub mod preset;
mod seal;

#[cfg(test)]
mod tests;

pub use codec::{Frame, WireError, encode, encode_state};
pub use keys::{Channel, Direction, Lane};
pub use message::{
    Accept, Activity, BaselinePart, ChunkHead, Message, MessageKind, Offer, OfferPart, PlanMessage, Progress, Refuse,
    StateBatch, StateSample,
};
pub use preset::Preset;
pub use seal::{CloudKeys, KeyError, LocalKey, PublicKey, SealKind, Sealer, unseal};

/// First four bytes of every message.
pub const MAGIC: [u8; 4] = *b"COSM";
/// Major version of the layout.
pub const MAJOR: u8 = 2;
/// Minor version of the layout.
pub const MINOR: u8 = 0;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 20;
/// Longest message, header included: the limit for plans on slow links (64 kB).
pub const MESSAGE_BYTES_MAX: usize = 64_000;
/// Most bytes of one part of an offer.
pub const OFFER_PART_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of a whole offer.
pub const OFFER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most samples of one batch.
pub const STATE_SAMPLES_MAX: usize = 16;
/// Most spans of one part of a baseline.
pub const BASELINE_SPANS_MAX: usize = 1024;
/// Most parts of one baseline.
pub const BASELINE_PARTS_MAX: u32 = 1024;
/// Most spans of one plan chunk.
pub const CHUNK_SPANS_MAX: usize = 2048;
/// Most bytes of the text in a refusal.
pub const REFUSAL_BYTES_MAX: usize = 512;

// A whole-program baseline of the greatest size must fit into its parts, and the longest chunk into a message.
const _: () = assert!(BASELINE_SPANS_MAX * BASELINE_PARTS_MAX as usize >= crate::plan::OverridePlan::SPANS_MAX);
const _: () =
    assert!(HEADER_BYTES + 256 + seal::SEAL_BYTES_MAX + CHUNK_SPANS_MAX * body::SPAN_BYTES_MAX <= MESSAGE_BYTES_MAX);
const _: () = assert!(HEADER_BYTES + 256 + seal::SEAL_BYTES_MAX + OFFER_PART_BYTES_MAX <= MESSAGE_BYTES_MAX);

/// Reads one message.
///
/// # Errors
/// [`WireError`] for anything but one whole, undamaged message of this major version with values in range.
pub fn decode(bytes: &[u8]) -> Result<Message, WireError> {
    Frame::open(bytes)?.message()
}
