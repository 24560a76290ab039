use rustix::time::{ClockId, clock_gettime};
use scenarios::link::Way;

use super::messages::Noted;

/// Most packets that are stamped; those after them are forwarded all the same, and counted.
const STAMPS_MAX: usize = 20_000_000;

/// Now on the clock that every process of this computer shares, ns since it was started.
pub fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Counted from the start of the computer: neither part is negative.
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketStamp {
    /// Its direction.
    pub way: Way,
    /// Its number in this direction, from 1.
    pub number: u64,
    /// Length in bytes.
    pub bytes: u32,
    /// When it was read from the sender's device ([`monotonic_ns`]).
    pub entered_ns: u64,
    /// When it was to leave; 0 where it was lost.
    pub due_ns: u64,
    /// When it had been written to the receiver's device; 0 where it was lost.
    pub left_ns: u64,
    /// The message that was seen in it.
    pub noted: Option<Noted>,
}

/// The stamps of all packets.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    entries: Vec<PacketStamp>,
    left_out: u64,
}

impl Stamps {
    pub(super) fn push(&mut self, stamp: PacketStamp) -> Option<usize> {
        if self.entries.len() >= STAMPS_MAX {
            self.left_out += 1;
            return None;
        }
        self.entries.push(stamp);
        Some(self.entries.len() - 1)
    }

    pub(super) fn left(&mut self, place: Option<usize>, at_ns: u64) {
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            // A double leaves too; the first arrival counts.
            if entry.left_ns == 0 {
                entry.left_ns = at_ns;
            }
        }
    }

    /// In the order in which the packets entered.
    pub fn entries(&self) -> &[PacketStamp] {
        &self.entries
    }

    /// Packets that were not stamped because there were too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How late the packets left against their time, sorted, in ns.
    pub fn release_errors_ns(&self) -> Vec<u64> {
        let sent = self.entries.iter().filter(|stamp| stamp.left_ns > 0);
        let mut errors: Vec<u64> = sent.map(|stamp| stamp.left_ns.saturating_sub(stamp.due_ns)).collect();
        errors.sort_unstable();
        errors
    }
}
