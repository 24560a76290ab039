//! What a network does to messages, as rules: pass, deliver after, deliver twice, drop.
//!
//! The link of the one-thread world holds messages until their time comes. What happens to a message is a
//! pure function of the seed, the direction and the message's number, so that a run can be repeated and a
//! message that is added in one direction does not move the fate of those in the other. Two messages may
//! overtake each other, as datagrams do: nothing above may rely on order.

use std::collections::BTreeMap;

use shared::det::Rng;
use shared::det::math;
use shared::time::{Duration, Instant};

/// How one direction of a link behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkRules {
    /// Median delay.
    pub delay_p50: Duration,
    /// 99th percentile of the delay.
    pub delay_p99: Duration,
    /// Share of messages lost.
    pub loss: f64,
    /// Share of messages delivered twice.
    pub duplicate: f64,
}

/// Most messages under way in one direction; beyond it new ones are dropped, as a full queue drops them.
const UNDER_WAY_MAX: usize = 65_536;

/// Standard normal quantile of 0.99.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// One direction of a link.
#[derive(Debug)]
pub struct Link {
    rules: LinkRules,
    rng: Rng,
    sent: u64,
    down_until: Option<Instant>,
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    /// Messages lost to rules, a cut or a full queue.
    pub dropped: u64,
}

impl Link {
    /// A direction with its own stream of draws: `rng` should be forked by the name of the direction.
    pub fn new(rules: LinkRules, rng: Rng) -> Self {
        Self { rules, rng, sent: 0, down_until: None, under_way: BTreeMap::new(), dropped: 0 }
    }

    /// Behaves otherwise from now on; what is under way keeps its time.
    pub fn set_rules(&mut self, rules: LinkRules) {
        self.rules = rules;
    }

    /// Carries nothing until an instant; what is under way is lost with it.
    pub fn cut(&mut self, until: Instant) {
        self.down_until = Some(until);
        self.dropped += self.under_way.len() as u64;
        self.under_way.clear();
    }

    /// Takes a message.
    pub fn send(&mut self, now: Instant, bytes: &[u8]) {
        self.sent += 1;
        let mut rng = self.rng.fork(&self.sent.to_string());
        let lost = rng.chance(self.rules.loss) || self.down_until.is_some_and(|until| now < until);
        if lost || self.under_way.len() >= UNDER_WAY_MAX {
            self.dropped += 1;
            return;
        }
        let copies = 1 + u64::from(rng.chance(self.rules.duplicate));
        for copy in 0..copies {
            let at = now.after(self.delay(&mut rng));
            self.under_way.insert((at, self.sent * 2 + copy), bytes.to_vec());
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

    /// Log-normal, through the median and the 99th percentile.
    fn delay(&self, rng: &mut Rng) -> Duration {
        let (p50, p99) = (self.rules.delay_p50.as_s(), self.rules.delay_p99.as_s());
        if p99 <= p50 || p50 <= 0.0 {
            return self.rules.delay_p50;
        }
        let sigma = math::ln(p99 / p50) / NORMAL_P99;
        Duration::from_s(p50 * math::exp(sigma * rng.normal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(loss: f64, duplicate: f64) -> LinkRules {
        LinkRules { delay_p50: Duration::from_ms(20), delay_p99: Duration::from_ms(60), loss, duplicate }
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
