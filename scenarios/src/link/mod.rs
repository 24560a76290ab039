//! What a network does to packets, as rules: arrives then, arrives twice, is lost.
//!
//! One set of rules serves two links. The [`Link`] of the one-thread world holds messages until their time comes; the
//! emulated link of `handoff-bench` does the same to the packets of the real TCP, QUIC and UDP stacks. What happens to
//! a packet is told by [`Fates`]: its draws are a pure function of the seed, the direction and the packet's number, so
//! that a run can be repeated and a message that is added in one direction does not move the fate of those in the
//! other. Unless the rules keep the order, two packets may overtake each other, as datagrams do: nothing above may rely
//! on order.
//!
//! This room knows no clock and no socket. [`LinkProfile`] names what is measured through; its file form is
//! `crate::format::read_link_profile`.

mod fates;
mod profile;
mod rules;

use std::collections::BTreeMap;

use shared::det::Rng;
use shared::time::Instant;

pub use fates::{Fate, Fates, Loss};
pub use profile::{LinkProfile, Partition, Way};
pub use rules::{DelayLaw, LinkRules, LossLaw, Order, Rate, Reorder, Stalls};

/// Most messages under way in one direction; beyond it new ones are dropped, as a full queue drops them.
const UNDER_WAY_MAX: usize = 65_536;

/// One direction of a link.
#[derive(Debug)]
pub struct Link {
    fates: Fates,
    down_until: Option<Instant>,
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    /// Messages lost to rules, a cut or a full queue.
    pub dropped: u64,
}

impl Link {
    /// A direction with its own stream of draws: `rng` should be forked by the name of the direction.
    pub fn new(rules: LinkRules, rng: Rng) -> Self {
        Self { fates: Fates::new(rules, rng), down_until: None, under_way: BTreeMap::new(), dropped: 0 }
    }

    /// Behaves otherwise from now on; what is under way keeps its time.
    pub fn set_rules(&mut self, rules: LinkRules) {
        self.fates.set_rules(rules);
    }

    /// Carries nothing until an instant; what is under way is lost with it.
    pub fn cut(&mut self, until: Instant) {
        self.down_until = Some(until);
        self.dropped += self.under_way.len() as u64;
        self.under_way.clear();
    }

    /// Takes a message.
    pub fn send(&mut self, now: Instant, bytes: &[u8]) {
        let fate = self.fates.tell(now, bytes.len());
        let is_down = self.down_until.is_some_and(|until| now < until);
        let Fate::Arrives { at, again } = fate else {
            self.dropped += 1;
            return;
        };
        if is_down || self.under_way.len() >= UNDER_WAY_MAX {
            self.dropped += 1;
            return;
        }
        let number = self.fates.index() * 2;
        self.under_way.insert((at, number), bytes.to_vec());
        if let Some(again) = again {
            self.under_way.insert((again, number + 1), bytes.to_vec());
        }
    }

    /// The next message whose time has come.
    pub fn deliver(&mut self, now: Instant) -> Option<Vec<u8>> {
        let first = self.under_way.first_entry()?;
        if first.key().0 > now { None } else { Some(first.remove()) }
    }

    /// When the next message arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use shared::time::Duration;

    use super::*;

    fn rules(loss: f64, duplicate: f64) -> LinkRules {
        let delay = DelayLaw::LogNormal { p50: Duration::from_ms(20), p99: Duration::from_ms(60) };
        LinkRules::new(delay).losing(loss).doubling(duplicate)
    }

    fn delays(rules: LinkRules, count: u64) -> Vec<f64> {
        let mut link = Link::new(rules, Rng::new(1).fork("up"));
        let mut delays = Vec::new();
        for number in 0..count {
            let now = Instant::from_ns(number * 1_000_000_000);
            link.send(now, &[7]);
            while let Some(at) = link.poll_timeout() {
                assert_eq!(link.deliver(at), Some(vec![7]));
                delays.push(at.since(now).as_ms());
            }
        }
        delays.sort_by(f64::total_cmp);
        delays
    }

    #[test]
    fn delays_have_the_stated_quantiles_and_repeat() {
        let sorted = delays(rules(0.0, 0.0), 10_000);
        assert!((sorted[5_000] - 20.0).abs() < 0.7 && (sorted[9_900] - 60.0).abs() < 4.0);
        assert_eq!(sorted, delays(rules(0.0, 0.0), 10_000));
    }

    #[test]
    fn losses_and_duplicates_have_their_shares() {
        assert!((9_400..9_600).contains(&delays(rules(0.05, 0.0), 10_000).len()));
        assert!((10_900..11_100).contains(&delays(rules(0.0, 0.1), 10_000).len()));
    }

    #[test]
    fn a_cut_loses_what_is_under_way_and_ends() {
        let mut link = Link::new(rules(0.0, 0.0), Rng::new(3));
        link.send(Instant::ORIGIN, &[1]);
        link.cut(Instant::from_ns(2_000_000_000));
        link.send(Instant::from_ns(1_000_000_000), &[2]);
        assert_eq!((link.poll_timeout(), link.dropped), (None, 2));
        link.send(Instant::from_ns(2_000_000_000), &[3]);
        assert!(link.poll_timeout().is_some());
    }
}
