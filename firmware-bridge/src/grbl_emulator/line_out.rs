//! The line towards the sender: bytes take their time, and some do not arrive as they were sent.

use std::collections::VecDeque;

use shared::det::Rng;
use shared::time::{Duration, Instant};

use super::Noise;

/// Most bytes on the way; what comes on top is dropped, as a line that nobody reads does.
const ON_THE_WAY_MAX: usize = 1 << 16;

#[derive(Clone, Debug)]
pub(super) struct LineOut {
    rng: Rng,
    noise: Noise,
    byte_time: Duration,
    bytes: VecDeque<(Instant, u8)>,
    last: Instant,
    /// Lines damaged or lost.
    pub(super) damaged: u64,
}

impl LineOut {
    pub(super) fn new(rng: Rng, noise: Noise, byte_time: Duration) -> Self {
        Self { rng, noise, byte_time, bytes: VecDeque::new(), last: Instant::ORIGIN, damaged: 0 }
    }

    pub(super) fn say(&mut self, now: Instant, text: &str) {
        let mut line = text.as_bytes().to_vec();
        line.extend_from_slice(b"\r\n");
        let Noise { garbled, torn, inserted, swallowed, .. } = self.noise;
        let [garbled, torn, inserted, swallowed] =
            [garbled, torn, inserted, swallowed].map(|share| self.rng.chance(share));
        let place = self.rng.below(line.len() as u64) as usize;
        self.damaged += u64::from(garbled || torn || inserted || swallowed);
        if garbled {
            line[place] ^= 1 << self.rng.below(8);
        }
        if torn {
            line.remove(place);
        }
        if inserted {
            self.garbage(now, 1 + self.rng.clone().below(12) as u16);
        }
        if !swallowed {
            line.into_iter().for_each(|byte| self.push(now, byte));
        }
    }

    pub(super) fn garbage(&mut self, now: Instant, bytes: u16) {
        self.damaged += 1;
        for _ in 0..bytes {
            let byte = self.rng.next_u64() as u8;
            self.push(now, byte);
        }
    }

    pub(super) fn poll(&mut self, now: Instant, into: &mut Vec<u8>) {
        while let Some((_, byte)) = self.bytes.front().copied().filter(|(at, _)| *at <= now) {
            self.bytes.pop_front();
            into.push(byte);
        }
    }

    fn push(&mut self, now: Instant, byte: u8) {
        if self.bytes.len() < ON_THE_WAY_MAX {
            self.last = self.last.max(now).after(self.byte_time);
            self.bytes.push_back((self.last, byte));
        }
    }
}
