//! Many short lives of one machine, each with its own misfortunes.
//!
//! One seed is one life: a minute of virtual time with the real agent (gate, guard, follower, locator, session), the
//! real codec and seals, the rules of [`crate::link`], a machine that goes straight ahead, and a source of plans that
//! costs nothing because it draws them. Faults are drawn from the seed ([`Fault`]); the oracles of
//! [`crate::checkers`] look on. The first breach ends a life, and the same seed lives it again with a trace
//! (`cosim world --seed N`).
//!
//! Time jumps to the next instant at which anybody has something to do. Messages are sealed with a keyed hash; every
//! hundredth seed uses real signatures and the door that verifies them.

mod faults;
mod forge;
mod machine;
mod source;
mod world;

use std::collections::BTreeSet;

use edge_agent::guard::Condition;
use shared::plan::RejectReason;

use crate::checkers::Breach;

pub use faults::Fault;

/// How long a life lasts, in seconds of virtual time.
pub const LIFE_S: u64 = 60;

/// What a life has touched.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// Messages rejected, by reason.
    pub rejects: [u64; RejectReason::ALL.len()],
    /// Conditions that were raised.
    pub conditions: BTreeSet<Condition>,
    /// Faults that happened.
    pub faults: BTreeSet<Fault>,
    /// Messages delivered to the agent.
    pub messages: u64,
    /// Chunks admitted.
    pub admitted: u64,
    /// Chunks that were valid beyond doubt by the oracles' books.
    pub valid: u64,
    /// Those of them that were admitted.
    pub valid_admitted: u64,
    /// Cycles of the agent.
    pub cycles: u64,
}

impl Coverage {
    /// Adds what another life has touched.
    pub fn add(&mut self, other: &Self) {
        self.rejects.iter_mut().zip(&other.rejects).for_each(|(sum, more)| *sum += more);
        self.conditions.extend(&other.conditions);
        self.faults.extend(&other.faults);
        self.messages += other.messages;
        self.admitted += other.admitted;
        self.valid += other.valid;
        self.valid_admitted += other.valid_admitted;
        self.cycles += other.cycles;
    }

    /// What no life has reached: a reason, a condition or a fault that was never met proves nothing.
    pub fn missing(&self) -> Vec<String> {
        let reasons = RejectReason::ALL.iter().filter(|reason| self.rejects[**reason as usize] == 0);
        let reasons = reasons.map(|reason| format!("reject reason {}", reason.name()));
        let conditions = edge_agent::guard::RULES.iter().map(|rule| rule.condition);
        // The machine of a life is not asked about its setup; edge-agent's own tests raise each of those.
        let conditions =
            conditions.filter(|condition| !condition.is_of_setup() && !self.conditions.contains(condition));
        let conditions = conditions.map(|condition| format!("condition {}", condition.name()));
        let faults = Fault::ALL.iter().filter(|fault| !self.faults.contains(fault));
        reasons.chain(conditions).chain(faults.map(|fault| format!("fault {fault:?}"))).collect()
    }
}

/// How a life went.
#[derive(Clone, Debug)]
pub struct Life {
    /// Promises that were broken; the life ended with the first.
    pub breaches: Vec<Breach>,
    /// What it touched.
    pub coverage: Coverage,
    /// What happened, line by line, where a trace was asked for.
    pub trace: Vec<String>,
}

/// What became of the messages of a flood.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloodCounts {
    /// Damaged, cut, replayed, forged, and wrong ones under the right key.
    pub hostile: u64,
    /// Chunks among them that were admitted.
    pub taken: u64,
    /// Honest signs of life between them.
    pub honest: u64,
    /// Those of them that were not rejected.
    pub honest_taken: u64,
}

/// Lives one life without faults, but with hostile messages in every cycle; the rejects stand in its coverage.
pub fn flood(seed: u64, hostile_per_cycle: u64) -> (Life, FloodCounts) {
    world::World::flooded(seed, hostile_per_cycle).survive()
}

/// Lives one life.
pub fn live(seed: u64, traced: bool) -> Life {
    world::World::new(seed, traced).live()
}
