//! What the receive interrupt does: real-time bytes into flags or a queue, the rest into a ring that drops what does
//! not fit.

use std::collections::VecDeque;

use crate::dialect::grbl::Flavour;

/// grblHAL's queue of override commands.
const QUEUE_PLACES: usize = 16;

/// Requests that wait for the main loop. Each is a flag: asked twice is asked once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) status: bool,
    pub(super) hold: bool,
    pub(super) start: bool,
    pub(super) reset: bool,
    pub(super) door: bool,
}

/// The interrupt's side of the line.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    flavour: Flavour,
    ring: VecDeque<u8>,
    ring_len_max: usize,
    pub(super) flags: Flags,
    /// grbl: one bit a command, bit n for byte 0x90 + n.
    pressed: u8,
    /// grblHAL: the commands themselves.
    queue: VecDeque<u8>,
    /// Bytes that found the ring or the queue full.
    pub(super) dropped: u64,
}

impl Intake {
    pub(super) fn new(flavour: Flavour, ring_len_max: usize) -> Self {
        Self {
            flavour,
            ring: VecDeque::with_capacity(ring_len_max),
            ring_len_max,
            flags: Flags::default(),
            pressed: 0,
            queue: VecDeque::with_capacity(QUEUE_PLACES),
            dropped: 0,
        }
    }

    pub(super) fn receive(&mut self, byte: u8) {
        match byte {
            b'?' => self.flags.status = true,
            b'!' => self.flags.hold = true,
            b'~' => self.flags.start = true,
            0x18 => self.flags.reset = true,
            0x84 => self.flags.door = true,
            0x90..=0x94 if self.flavour == Flavour::Grbl => self.pressed |= 1 << (byte - 0x90),
            0x90..=0x94 if self.queue.len() < QUEUE_PLACES => self.queue.push_back(byte),
            0x90..=0x94 => self.dropped += 1,
            0x80..=0xFF => {}
            _ if self.ring.len() < self.ring_len_max => self.ring.push_back(byte),
            _ => self.dropped += 1,
        }
    }

    /// The register after what was pressed since the last time; grbl takes reset, +10, −10, +1, −1 in this order.
    pub(super) fn overridden(&mut self, percent: u8) -> u8 {
        let apply = |percent: u8, byte: u8| match byte {
            0x90 => 100,
            0x91 => (percent + 10).min(200),
            0x92 => percent.saturating_sub(10).max(10),
            0x93 => (percent + 1).min(200),
            _ => (percent - 1).max(10),
        };
        let pressed = std::mem::take(&mut self.pressed);
        let flagged = (0..5).filter(|bit| pressed & (1 << bit) != 0).map(|bit| 0x90 + bit);
        let percent = flagged.fold(percent, apply);
        self.queue.drain(..).fold(percent, apply)
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        self.ring.pop_front()
    }

    pub(super) fn free(&self) -> usize {
        self.ring_len_max - self.ring.len()
    }

    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.queue.clear();
        (self.pressed, self.flags) = (0, Flags::default());
    }
}
