//! Oracles: what must hold whatever happens, said again by somebody who has not read the gate.
//!
//! They see what a by-stander at the machine and on the wire sees: which lease was granted, which message was sent and
//! when it arrived, where the tool really is, what the operator did, what was commanded. From that they keep
//! books of their own, in whole millimetres and per mille, and never ask the agent why. They share no code with
//! what they check: no type of the gate, the follower or the guard is named here.
//!
//! What they demand, and the number under which a breach is reported:
//!
//! 1. no step is steeper than the slew limit, also after a stall, an expiry and a restart;
//! 2. nothing is faster than what a fresh, valid, delivered chunk or the baseline permits where the tool is;
//! 3. a slow stretch that was known in time is entered at its speed;
//! 4. only chunks that are valid by the books are admitted, each once, and obviously valid ones are;
//! 5. a latch, a lost place or a switched off agent ends in the value without us, or in silence;
//! 6. no slow-down outlives the plan that asked for it;
//! 7. leases only go up, and what goes up the wire is true: the tool is where it is said to be;
//! 8. on a healthy link plans are admitted again within a bounded time;
//! 9. stretches on which overrides are forbidden run as programmed;
//! 10. what would touch is not run into before the operator has re-armed (the lives of `swarm::world::held`).

mod admission;
mod books;
mod speed;

pub use books::{ChunkRecord, Flaw, KeepAliveRecord, Oracle, Rules, Sent, Truth};

/// A broken promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Breach {
    /// Which, by the list in this module.
    pub promise: u8,
    /// When, in ns of virtual time.
    pub at_ns: u64,
    /// What was seen and what was expected.
    pub what: String,
}
