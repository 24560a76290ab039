use shared::det::Rng;
use shared::time::{Duration, Instant};

use super::rules::{LinkRules, LossLaw, Order};

/// What happens to one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, perhaps twice.
    Arrives {
        /// When.
        at: Instant,
        /// When its double does.
        again: Option<Instant>,
    },
    /// It is lost.
    Lost(Loss),
}

/// Why a packet is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// By the law of losses.
    Drawn,
    /// The queue before the bottleneck was full.
    QueueFull,
}

/// The fates of one direction's packets, one after the other.
///
/// The draws of packet `n` are a function of the seed, the direction (both in the generator given to [`Fates::new`])
/// and `n` alone: a packet more in one direction moves nothing in the other, and how long packets are or when they
/// come does not move the draws. What depends on their times (rate, order, stalls) is computed, not drawn.
#[derive(Debug)]
pub struct Fates {
    rules: LinkRules,
    rng: Rng,
    bursts: Rng,
    stalls: Rng,
    index: u64,
    is_bad: bool,
    busy_until: Instant,
    newest: Instant,
}

impl Fates {
    /// `rng` should be forked by the name of the direction.
    pub fn new(rules: LinkRules, rng: Rng) -> Self {
        let (bursts, stalls) = (rng.fork("bursts"), rng.fork("stalls"));
        Self {
            rules,
            rng,
            bursts,
            stalls,
            index: 0,
            is_bad: false,
            busy_until: Instant::ORIGIN,
            newest: Instant::ORIGIN,
        }
    }

    /// Other rules from the next packet on.
    pub fn set_rules(&mut self, rules: LinkRules) {
        self.rules = rules;
    }

    /// Number of the packet whose fate was told last, from 1.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The fate of the next packet, of `bytes` bytes, which enters the link now. `now` never goes back.
    pub fn tell(&mut self, now: Instant, bytes: usize) -> Fate {
        self.index += 1;
        let mut rng = self.rng.fork(&self.index.to_string());
        // Drawn in any case, so that the draws behind them do not depend on the law.
        let lost = rng.uniform() < self.loss_probability();
        let doubled = rng.chance(self.rules.duplicate);
        if lost {
            return Fate::Lost(Loss::Drawn);
        }
        let Some(through) = self.through_bottleneck(now, bytes) else { return Fate::Lost(Loss::QueueFull) };
        let first = through.after(self.rules.delay.draw(&mut rng));
        let second = doubled.then(|| through.after(self.rules.delay.draw(&mut rng)));
        let mut held = rng.fork("held");
        let hold = self.rules.reorder.filter(|reorder| held.chance(reorder.share));
        let at = self.settle(hold.map_or(first, |reorder| first.after(reorder.by)), hold.is_some());
        Fate::Arrives { at, again: second.map(|second| self.settle(second, true)) }
    }

    /// Probability that this packet is lost; moves the channel's state on.
    fn loss_probability(&mut self) -> f64 {
        match self.rules.loss {
            LossLaw::Share(share) => share,
            LossLaw::GilbertElliott { enter_bad, leave_bad, loss_good, loss_bad } => {
                let change = if self.is_bad { leave_bad } else { enter_bad };
                self.is_bad ^= self.bursts.fork(&self.index.to_string()).chance(change);
                if self.is_bad { loss_bad } else { loss_good }
            }
        }
    }

    /// When the last byte leaves the bottleneck; `None` where the queue before it is full.
    fn through_bottleneck(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let Some(rate) = self.rules.rate else { return Some(now) };
        let begins = self.busy_until.max(now);
        if begins.since(now) > rate.queue_max {
            return None;
        }
        let sending_s = bytes as f64 / rate.bytes_per_s.max(1) as f64;
        self.busy_until = begins.after(Duration::from_s(sending_s));
        Some(self.busy_until)
    }

    /// Stalls and order: what was to arrive at `at` arrives then. What is `held` back does not hold up others.
    fn settle(&mut self, at: Instant, held: bool) -> Instant {
        let at = self.after_stall(at);
        if self.rules.order == Order::Free || held {
            return at;
        }
        self.newest = self.newest.max(at);
        self.newest
    }

    fn after_stall(&self, at: Instant) -> Instant {
        let Some(stalls) = self.rules.stalls else { return at };
        let (every, length) = (stalls.every.as_ns().max(1), stalls.length.as_ns().min(stalls.every.as_ns()));
        let number = at.as_ns() / every;
        let begins = number * every + self.stalls.fork(&number.to_string()).below(every - length + 1);
        let ends = begins + length;
        if (begins..ends).contains(&at.as_ns()) { Instant::from_ns(ends) } else { at }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{DelayLaw, Rate, Reorder, Stalls};
    use super::*;

    fn at_ms(ms: u64) -> Instant {
        Instant::ORIGIN.after(Duration::from_ms(ms))
    }

    fn fixed(ms: u64) -> LinkRules {
        LinkRules::new(DelayLaw::Fixed(Duration::from_ms(ms)))
    }

    /// Delay of each of `count` packets, one a millisecond; `None` for a lost one.
    fn delays(rules: LinkRules, count: u64) -> Vec<Option<f64>> {
        let mut fates = Fates::new(rules, Rng::new(5).fork("up"));
        (0..count)
            .map(|number| match fates.tell(at_ms(number), 1000) {
                Fate::Arrives { at, .. } => Some(at.since(at_ms(number)).as_ms()),
                Fate::Lost(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_fate_depends_on_seed_direction_and_number_alone() {
        let rules =
            LinkRules::new(DelayLaw::Uniform { middle: Duration::from_ms(20), half_width: Duration::from_ms(5) })
                .losing(0.2)
                .doubling(0.1);
        let tell = |rng: Rng, bytes: &dyn Fn(u64) -> usize| {
            let mut fates = Fates::new(rules, rng);
            (0..500).map(|number| fates.tell(at_ms(number), bytes(number))).collect::<Vec<_>>()
        };
        let up = tell(Rng::new(5).fork("up"), &|_| 100);
        assert_eq!(up, tell(Rng::new(5).fork("up"), &|number| 10 * number as usize), "lengths move nothing");
        assert_ne!(up, tell(Rng::new(5).fork("down"), &|_| 100));
        assert_ne!(up, tell(Rng::new(6).fork("up"), &|_| 100));
        // The times at which packets come move nothing but the times at which they arrive.
        let mut late = Fates::new(rules, Rng::new(5).fork("up"));
        let again: Vec<Fate> = (0..500).map(|_| late.tell(Instant::ORIGIN, 1)).collect();
        let took = |fate: Fate, from: Instant| match fate {
            Fate::Arrives { at, again } => Ok((at.since(from), again.map(|again| again.since(from)))),
            Fate::Lost(loss) => Err(loss),
        };
        for number in 0..500 {
            assert_eq!(took(up[number], at_ms(number as u64)), took(again[number], Instant::ORIGIN), "{number}");
        }
    }

    #[test]
    fn uniform_delays_fill_their_interval() {
        let law = DelayLaw::Uniform { middle: Duration::from_ms(20), half_width: Duration::from_ms(5) };
        let mut sorted: Vec<f64> = delays(LinkRules::new(law), 20_000).into_iter().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted[0] >= 15.0 && sorted[0] < 15.01 && sorted[19_999] <= 25.0 && sorted[19_999] > 24.99);
        assert!((sorted[10_000] - 20.0).abs() < 0.15 && (sorted[2_000] - 16.0).abs() < 0.15);
    }

    #[test]
    fn gilbert_and_elliott_lose_their_share_in_bursts_of_their_length() {
        let loss = LossLaw::GilbertElliott { enter_bad: 0.01, leave_bad: 0.2, loss_good: 0.0, loss_bad: 1.0 };
        let told = delays(LinkRules { loss, ..fixed(1) }, 200_000);
        let lost = told.iter().filter(|delay| delay.is_none()).count() as f64;
        // Closed form: 0.01 / (0.01 + 0.2) lost, in bursts of 1 / 0.2 = 5.
        assert!((lost / 200_000.0 - 1.0 / 21.0).abs() < 0.003, "{lost} lost");
        let bursts = told.windows(2).filter(|pair| pair[0].is_some() && pair[1].is_none()).count() as f64;
        assert!((lost / bursts - 5.0).abs() < 0.25, "{} a burst", lost / bursts);
        let single = delays(fixed(1).losing(1.0 / 21.0), 200_000);
        let bursts = single.windows(2).filter(|pair| pair[0].is_some() && pair[1].is_none()).count() as f64;
        assert!(single.iter().filter(|delay| delay.is_none()).count() as f64 / bursts < 1.1);
    }

    #[test]
    fn a_bottleneck_serialises_and_a_full_queue_drops() {
        // 1000 bytes each ms into 500 bytes a ms: 2 ms of sending each, and the queue grows by 1 ms a packet.
        let rate = Some(Rate { bytes_per_s: 500_000, queue_max: Duration::from_ms(10) });
        let told = delays(LinkRules { rate, ..fixed(5) }, 100);
        assert_eq!(told[..3], [Some(7.0), Some(8.0), Some(9.0)]);
        assert_eq!((told[10], told[11]), (Some(17.0), None), "{told:?}");
        // From then on every second one finds room.
        let arrived = told[20..100].iter().flatten().count();
        assert!((38..=42).contains(&arrived), "{arrived} of 80");
    }

    #[test]
    fn order_is_kept_where_it_was_asked_for_and_reordering_breaks_it() {
        let law = DelayLaw::Uniform { middle: Duration::from_ms(20), half_width: Duration::from_ms(5) };
        let overtaken = |rules: LinkRules| {
            let arrivals: Vec<f64> =
                delays(rules, 5_000).iter().enumerate().filter_map(|(i, d)| d.map(|d| d + i as f64)).collect();
            arrivals.windows(2).filter(|pair| pair[1] < pair[0]).count()
        };
        assert!(overtaken(LinkRules::new(law)) > 1_000);
        assert_eq!(overtaken(LinkRules { order: Order::Kept, ..LinkRules::new(law) }), 0);
        let reorder = Some(Reorder { share: 0.1, by: Duration::from_us(1_500) });
        let count = overtaken(LinkRules { order: Order::Kept, reorder, ..fixed(20) });
        assert!((400..600).contains(&count), "{count} of 5000 at 10 %");
    }

    #[test]
    fn a_stall_holds_everything_and_lets_it_go_at_once() {
        let stalls = Some(Stalls { every: Duration::from_ms(1000), length: Duration::from_ms(100) });
        let told = delays(LinkRules { stalls, ..fixed(1) }, 10_000);
        let held: Vec<f64> = told.iter().flatten().copied().filter(|delay| *delay > 1.0).collect();
        assert!((950..=1010).contains(&held.len()), "{} of 10 000 wait at 10 %", held.len());
        assert!(held.iter().all(|delay| *delay <= 101.0) && held.iter().any(|delay| *delay > 99.0));
    }
}
