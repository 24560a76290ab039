use shared::wire::{Frame, HEADER_BYTES, MAGIC, Message};

/// What a measuring message begins with; its number follows.
pub const MARK: [u8; 8] = *b"HNDOFF\x01\x7f";

/// How far into a packet a mark is looked for: the heads of IP, TCP and Zenoh stand before it.
const MARK_WITHIN: usize = 320;
/// Bytes of the seals by their code in the header.
const SEAL_BYTES: [usize; 4] = [0, 64, 96, 32];

/// A message recognised in a packet that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noted {
    /// A measuring message.
    Marked {
        /// Its number.
        number: u64,
    },
    /// A batch of samples.
    State {
        /// The last sample in it.
        last_sample: u64,
    },
    /// A piece of a plan.
    Plan {
        /// Session.
        epoch: u64,
        /// Its number in the session.
        sequence: u64,
        /// The sample it rests on.
        basis: u64,
    },
}

/// Writes mark and number at the beginning of a measuring message of at least 16 bytes.
pub fn mark(message: &mut [u8], number: u64) {
    if let Some(head) = message.first_chunk_mut::<16>() {
        head[..8].copy_from_slice(&MARK);
        head[8..].copy_from_slice(&number.to_le_bytes());
    }
}

/// The number of a measuring message.
pub(crate) fn marked(message: &[u8]) -> Option<u64> {
    let rest = message.strip_prefix(&MARK)?;
    rest.first_chunk::<8>().map(|number| u64::from_le_bytes(*number))
}

/// The first message that can be recognised in a packet.
pub(super) fn find(packet: &[u8]) -> Option<Noted> {
    let near = &packet[..packet.len().min(MARK_WITHIN)];
    let starts = |from: u8| near.iter().enumerate().filter(move |(_, byte)| **byte == from).map(|(at, _)| at);
    if let Some(number) = starts(MARK[0]).find_map(|at| marked(&packet[at..])) {
        return Some(Noted::Marked { number });
    }
    starts(MAGIC[0]).find_map(|at| one_of_ours(&packet[at..]))
}

fn one_of_ours(bytes: &[u8]) -> Option<Noted> {
    if !bytes.starts_with(&MAGIC) {
        return None;
    }
    let header = bytes.first_chunk::<HEADER_BYTES>()?;
    let seal = SEAL_BYTES.get(usize::from(header[7]))?;
    let body = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
    let message = bytes.get(..HEADER_BYTES.checked_add(body)?.checked_add(*seal)?)?;
    match Frame::open(message).ok()?.message().ok()? {
        Message::State(batch) => Some(Noted::State { last_sample: batch.samples.last()?.sequence.0 }),
        Message::Plan(plan) => {
            Some(Noted::Plan { epoch: plan.chunk.epoch.0, sequence: plan.chunk.sequence.0, basis: plan.chunk.basis.0 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_behind_the_heads_and_nothing_else_is() {
        let mut message = vec![0; 64];
        mark(&mut message, 77);
        let packet = [vec![b'H'; 90], message.clone()].concat();
        assert_eq!(find(&packet), Some(Noted::Marked { number: 77 }));
        assert_eq!(find(&packet[..100]), None, "its number is in the next packet");
        assert_eq!((marked(&message), marked(&message[1..])), (Some(77), None));
        assert_eq!(find(b"COSM\x02\x00\x02\x00\xff\xff\xff\xff........"), None);
    }
}
