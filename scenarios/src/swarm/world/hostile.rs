use edge_agent::{Agent, AgentConfig, Trust};
use shared::ident::Epoch;

use super::{LOCAL, World, job, rules, settings};
use crate::checkers::{Flaw, Oracle, Rules, Sent};
use crate::swarm::forge::{KINDS, encoded, resealed};
use crate::swarm::{FloodCounts, Life};

impl World {
    /// A life without faults but with hostile messages in every cycle.
    pub(in crate::swarm) fn flooded(seed: u64, hostile: u64) -> Self {
        let mut world = Self::new(seed, false);
        world.faults.clear();
        let agent = AgentConfig { forged_per_minute_max: u32::MAX, ..settings(Trust::Sealed(LOCAL)) };
        world.agent = Agent::new(agent, job(), Epoch(1), world.now).expect("the settings are in range");
        world.oracle = Oracle::new(Rules { forged_max: u32::MAX, ..rules() }, world.now.as_ns());
        world.oracle.granted(world.now.as_ns(), 1);
        world.hostile = hostile;
        world
    }

    /// Hostile messages of one cycle, straight to the door, and as many honest signs of life as chunks in ten of them.
    pub(super) fn be_hostile(&mut self) {
        if self.hostile == 0 || self.machine.at_mm < 110.0 || self.machine.at_mm > 900.0 {
            return;
        }
        for _ in 0..self.hostile {
            let made = self.hostile_message();
            let Some((bytes, sent, flaw)) = made else { return };
            self.flood.hostile += 1;
            let before = self.coverage.admitted;
            self.give_directly(&bytes, sent, flaw);
            self.flood.taken += self.coverage.admitted - before;
        }
        for _ in 0..self.hostile.div_ceil(10) {
            let Some((message, sent)) = self.source.keep_alive(None) else { return };
            let mut bytes = encoded(&message);
            self.seals.seal(&self.agent_name(), &mut bytes);
            let rejected = |agent: &Agent| -> u64 {
                shared::plan::RejectReason::ALL.iter().map(|reason| agent.reject_count(*reason)).sum()
            };
            let before = rejected(&self.agent);
            self.give_directly(&bytes, sent, None);
            self.flood.honest += 1;
            self.flood.honest_taken += u64::from(rejected(&self.agent) == before);
        }
    }

    fn give_directly(&mut self, bytes: &[u8], sent: Sent, flaw: Option<Flaw>) {
        let index = self.records.len();
        self.records.push((sent, flaw));
        self.give_message([&(index as u64).to_le_bytes(), bytes].concat());
        self.records.pop();
    }

    fn hostile_message(&mut self) -> Option<(Vec<u8>, Sent, Option<Flaw>)> {
        let (machine, at_mm) = (self.agent_name(), self.machine.at_mm);
        if self.rng.chance(0.3) {
            return resealed(&mut self.rng, &mut self.source, &mut self.seals, &machine, at_mm, KINDS - 3);
        }
        // What may still be on its way is left alone: a replay that overtakes it would be the honest one.
        let old = self.remembered.len().saturating_sub(40);
        let pick = self.rng.below(old.max(1) as u64) as usize;
        let (index, mut bytes) = self.remembered.get(pick)?.clone();
        let (sent, _) = self.records.get(index)?.clone();
        match self.rng.below(5) {
            0 => bytes.truncate(self.rng.below(bytes.len() as u64) as usize),
            1 => bytes.push(self.rng.next_u64() as u8),
            2 => return Some((bytes, if matches!(sent, Sent::Chunk(_)) { sent } else { Sent::Other }, None)),
            3 => {
                let mut thief = self.seals.thief();
                thief.seal(&machine, &mut bytes);
                return Some((bytes, sent, Some(Flaw::Seal)));
            }
            _ => (0..=self.rng.below(4)).for_each(|_| self.damage(&mut bytes)),
        }
        let whole = self.remembered.get(pick).is_some_and(|(_, honest)| *honest == bytes);
        Some((bytes, sent, (!whole).then_some(Flaw::Damaged)))
    }

    /// Lives, and says what became of the hostile messages.
    pub(in crate::swarm) fn survive(self) -> (Life, FloodCounts) {
        let mut world = self;
        let life = world.pass();
        (life, world.flood)
    }
}
