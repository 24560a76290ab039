//! Another sender has the port through us.
//!
//! Its bytes go to the controller untouched and in order, the controller's bytes go to it untouched and in order.
//! Real-time bytes belong to no line, so ours may stand between any two of its bytes without changing what it says.
//! Answers to our status requests reach it too; every sender has to expect reports it did not ask for. Its own
//! requests serve us as well, so ours are only sent where it asks too seldom.
//!
//! Nothing is dropped: what does not fit is not taken ([`Tap::take`] says how much was), and a sender that does not
//! read its side is one that has to be cut off ([`Tap::is_stuck`]).

use super::real_time::RealTime;

/// Bytes on the way to the controller.
pub const TO_CONTROLLER_MAX: usize = 4096;
/// Bytes on the way to the other sender.
pub const TO_SENDER_MAX: usize = 1 << 16;

/// Both directions.
#[derive(Clone, Debug)]
pub struct Tap {
    to_controller: Vec<u8>,
    to_sender: Vec<u8>,
    stuck: bool,
}

impl Tap {
    /// Nothing on the way.
    pub fn new() -> Self {
        Self {
            to_controller: Vec::with_capacity(TO_CONTROLLER_MAX),
            to_sender: Vec::with_capacity(TO_SENDER_MAX),
            stuck: false,
        }
    }

    /// Takes bytes of the other sender and says how many; the rest must be offered again. `seen` gets its real-time
    /// commands.
    pub fn take(&mut self, bytes: &[u8], seen: &mut dyn FnMut(RealTime)) -> usize {
        let taken = bytes.len().min(TO_CONTROLLER_MAX - self.to_controller.len());
        self.to_controller.extend_from_slice(&bytes[..taken]);
        bytes[..taken].iter().filter_map(|byte| RealTime::of_byte(*byte)).for_each(seen);
        taken
    }

    /// Bytes of the controller, for the other sender.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.stuck |= bytes.len() > TO_SENDER_MAX - self.to_sender.len();
        if !self.stuck {
            self.to_sender.extend_from_slice(bytes);
        }
    }

    /// True where the other sender has not read for so long that bytes for it are missing.
    pub fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Moves what waits for the controller to the end of `into`.
    pub fn poll_controller(&mut self, into: &mut Vec<u8>) {
        into.append(&mut self.to_controller);
    }

    /// Moves what waits for the other sender to the end of `into`.
    pub fn poll_sender(&mut self, into: &mut Vec<u8>) {
        into.append(&mut self.to_sender);
    }

    /// The other sender came or went: nothing waits for it any more.
    pub fn reset_sender(&mut self) {
        self.to_sender.clear();
        self.stuck = false;
    }

    /// The controller went: what was on the way to it is lost.
    pub fn reset_controller(&mut self) {
        self.to_controller.clear();
    }

    /// Bytes of memory; never grows.
    pub fn memory_bytes(&self) -> usize {
        self.to_controller.capacity() + self.to_sender.capacity()
    }
}

impl Default for Tap {
    fn default() -> Self {
        Self::new()
    }
}
