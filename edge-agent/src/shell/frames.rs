use rtrb::{Consumer, Producer, RingBuffer};

/// Bytes of the length before a frame.
const LENGTH_BYTES: usize = 4;

/// A bounded ring of byte strings between two threads. Neither side locks or allocates; what does not fit is
/// refused and counted by the caller.
pub(super) fn frames(capacity_bytes: usize) -> (FrameWriter, FrameReader) {
    let (producer, consumer) = RingBuffer::new(capacity_bytes);
    (FrameWriter { producer }, FrameReader { consumer })
}

/// The writing end.
#[derive(Debug)]
pub(super) struct FrameWriter {
    producer: Producer<u8>,
}

impl FrameWriter {
    /// Appends one frame, made of parts; false if it does not fit, and nothing was written then.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let Ok(stated) = u32::try_from(length) else { return false };
        if self.producer.slots() < LENGTH_BYTES + length {
            return false;
        }
        // The reader takes nothing before the whole frame is there, so the pieces may arrive one by one.
        let mut fits = self.producer.push_entire_slice(&stated.to_le_bytes()).is_ok();
        for part in parts {
            fits &= self.producer.push_entire_slice(part).is_ok();
        }
        assert!(fits, "room was there and only this end fills it");
        true
    }
}

/// The reading end.
#[derive(Debug)]
pub(super) struct FrameReader {
    consumer: Consumer<u8>,
}

impl FrameReader {
    /// Takes the next frame into `out`, replacing what was there; false if none is whole. Allocates nothing where
    /// `out` has room.
    pub(super) fn pop(&mut self, out: &mut Vec<u8>) -> bool {
        let Ok(head) = self.consumer.read_chunk(LENGTH_BYTES) else { return false };
        let (first, second) = head.as_slices();
        let mut stated = [0; LENGTH_BYTES];
        stated[..first.len()].copy_from_slice(first);
        stated[first.len()..].copy_from_slice(second);
        let length = u32::from_le_bytes(stated) as usize;
        // Not committed: the length stays until its frame is whole.
        let Ok(chunk) = self.consumer.read_chunk(LENGTH_BYTES + length) else { return false };
        out.clear();
        let (first, second) = chunk.as_slices();
        let skip = LENGTH_BYTES.min(first.len());
        out.extend_from_slice(&first[skip..]);
        out.extend_from_slice(&second[LENGTH_BYTES - skip..]);
        chunk.commit_all();
        true
    }

    /// True once the writing end is gone and nothing is left.
    pub(super) fn is_finished(&self) -> bool {
        self.consumer.is_abandoned() && self.consumer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_through_every_wrap_and_a_full_ring_refuses() {
        let (mut writer, mut reader) = frames(29);
        let mut out = Vec::new();
        for round in 0_u8..100 {
            let (one, two) = ([round; 5], [round ^ 0xff; 3]);
            assert!(writer.push(&[&one, &two]) && writer.push(&[&[]]));
            assert!(!writer.push(&[&[0; 10]]), "4 + 8 and 4 bytes of 29 are taken");
            assert!(reader.pop(&mut out));
            assert_eq!(out, [one.as_slice(), &two].concat());
            assert!(reader.pop(&mut out) && out.is_empty() && !reader.pop(&mut out));
        }
        assert!(!reader.is_finished());
        drop(writer);
        assert!(reader.is_finished());
    }
}
