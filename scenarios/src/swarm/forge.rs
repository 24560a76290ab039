use shared::det::Rng;
use shared::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence};
use shared::time::Duration;
use shared::wire::{CloudKeys, HEADER_BYTES, LocalKey, Message, PlanMessage, Sealer, encode};

use super::machine::LENGTH_MM;
use super::source::{Source, plan};
use crate::checkers::{Flaw, Sent};

/// Who seals in this life.
#[derive(Debug)]
pub(super) enum Seals {
    /// A keyed hash, straight to the agent.
    Hash(LocalKey),
    /// Signatures, through the door.
    Signatures(Box<CloudKeys>),
}

impl Seals {
    pub(super) fn seal(&mut self, machine: &Name, bytes: &mut Vec<u8>) {
        let sealed = match self {
            Self::Hash(key) => key.seal(machine, bytes),
            Self::Signatures(keys) => keys.seal(machine, bytes),
        };
        sealed.expect("what is sealed here is a message");
    }

    /// The same trade with another key.
    pub(super) fn thief(&self) -> Self {
        match self {
            Self::Hash(_) => Self::Hash(LocalKey::from_bytes([0x66; 32])),
            Self::Signatures(_) => Self::Signatures(Box::new(CloudKeys::from_secret(&[0x66; 32]))),
        }
    }
}

/// Bytes of a message.
pub(super) fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes).expect("messages here are short");
    bytes
}

/// Writes length and checksum so that they fit the bytes, as an able forger would.
fn fitted(bytes: &mut [u8]) {
    let length = (bytes.len() - HEADER_BYTES) as u32;
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let digest = Digest::of(&[&bytes[..12], &bytes[HEADER_BYTES..]].concat());
    bytes[12..HEADER_BYTES].copy_from_slice(&digest.as_bytes()[..8]);
}

/// Ways of [`resealed`] to be wrong; the last of them may be right where nothing binds.
pub(super) const KINDS: u64 = 14;

/// A chunk that is sealed by the right key and wrong in one respect; the last of the flaws are no flaws of the bytes but
/// of the place or the number, which the oracles judge by their books.
pub(super) fn resealed(
    rng: &mut Rng,
    source: &mut Source,
    seals: &mut Seals,
    machine: &Name,
    at_mm: f64,
    kinds: u64,
) -> Option<(Vec<u8>, Sent, Option<Flaw>)> {
    let from_mm = (at_mm as usize).min(LENGTH_MM - 100);
    let permille = [100, 1000][rng.below(2) as usize];
    let (mut message, mut record) = source.chunk(from_mm, vec![permille; 80])?;
    let other = Digest::of(b"another");
    let chunk = &mut message.chunk;
    let kind = rng.below(kinds);
    let flaw = match kind {
        0 => {
            chunk.program = ProgramDigest(other);
            Some(Flaw::Program)
        }
        1 => {
            chunk.context = ContextDigest(other);
            Some(Flaw::Context)
        }
        2 => {
            chunk.basis = SampleSequence(chunk.basis.0 + 1000);
            Some(Flaw::Basis)
        }
        3 => {
            message.basis_sent_at = message.basis_sent_at.after(Duration::from_ms(200));
            Some(Flaw::Basis)
        }
        4 | 5 => {
            let epoch = if kind == 4 { chunk.epoch.0 + 1 } else { chunk.epoch.0.saturating_sub(1) };
            chunk.epoch = Epoch(epoch);
            Some(Flaw::Epoch)
        }
        6..=8 => Some(Flaw::Body),
        9 => Some(Flaw::Version),
        10 => {
            // Not newer than what was there before.
            chunk.sequence = PlanSequence(1);
            record.sequence = 1;
            None
        }
        11 => place(&mut message, &mut record, from_mm.saturating_sub(60), 40, permille),
        12 => place(&mut message, &mut record, from_mm + 600, 80, permille),
        // Faster, and only where nothing may be made faster any more.
        _ => place(&mut message, &mut record, from_mm, 2, 1000),
    };
    let mut bytes = encoded(&Message::Plan(message));
    match kind {
        6 => bytes.push(0),
        7 => {
            // The factor of the last span: from its end, two options, the reason and the factor itself.
            let at = bytes.len() - 5;
            bytes[at..at + 2].copy_from_slice(&60_000u16.to_le_bytes());
        }
        8 => bytes.truncate(bytes.len() - 3),
        _ => {}
    }
    if flaw == Some(Flaw::Body) {
        fitted(&mut bytes);
    }
    seals.seal(machine, &mut bytes);
    if flaw == Some(Flaw::Version) {
        bytes[4] += 1;
    }
    Some((bytes, Sent::Chunk(record), flaw))
}

fn place(
    message: &mut PlanMessage,
    record: &mut crate::checkers::ChunkRecord,
    from_mm: usize,
    length_mm: usize,
    permille: u16,
) -> Option<Flaw> {
    (record.from_mm, record.factors) = (from_mm, vec![permille; length_mm]);
    message.chunk.plan = plan(from_mm, &record.factors);
    None
}
