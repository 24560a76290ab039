use shared::time::{Duration, Instant};

use super::rules::{DelayLaw, LinkRules, LossLaw, Order, Rate, Stalls};

/// A direction of a link, seen from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Edge to cloud.
    Up,
    /// Cloud to edge.
    Down,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Up, Self::Down];

    /// Its name, which also names its stream of draws.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A time in which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// When it begins, after the link came up.
    pub at: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// It comes again after each such time; `None` for once.
    pub every: Option<Duration>,
    /// The direction that is cut; `None` for both.
    pub way: Option<Way>,
}

impl Partition {
    /// True while this direction is cut; `since_up` is the time since the link came up.
    pub fn cuts(&self, way: Way, since_up: Duration) -> bool {
        if self.way.is_some_and(|cut| cut != way) || since_up < self.at {
            return false;
        }
        let since = since_up.minus(self.at).as_ns();
        let into = match self.every {
            Some(every) if every.as_ns() > 0 => since % every.as_ns(),
            _ => since,
        };
        into < self.length.as_ns()
    }
}

/// A link: rules for both directions, and partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkProfile {
    /// What it is called in reports.
    pub name: String,
    /// Edge to cloud.
    pub up: LinkRules,
    /// Cloud to edge.
    pub down: LinkRules,
    /// When nothing passes.
    pub partitions: Vec<Partition>,
}

impl LinkProfile {
    /// Names of the built-in profiles.
    pub const BUILT_IN: [&'static str; 5] = ["lan", "wifi", "lte", "satellite", "jitter-20"];

    /// The same rules in both directions, no partition.
    pub fn symmetric(name: &str, rules: LinkRules) -> Self {
        Self { name: name.to_owned(), up: rules, down: rules, partitions: Vec::new() }
    }

    /// A built-in profile; `None` for another name. The figures are round numbers of the kind of link, for comparing
    /// one's own changes under the same conditions; they describe no particular network.
    pub fn built_in(name: &str) -> Option<Self> {
        let (ms, us) = (Duration::from_ms, Duration::from_us);
        let mbit = |rate: u64, queue_ms: u64| Some(Rate { bytes_per_s: rate * 125_000, queue_max: ms(queue_ms) });
        let profile = match name {
            // A switch or two in the same building.
            "lan" => {
                let delay = DelayLaw::Uniform { middle: us(150), half_width: us(50) };
                Self::symmetric(name, LinkRules { order: Order::Kept, rate: mbit(1000, 5), ..LinkRules::new(delay) })
            }
            // A shop floor's access point: short, with a long tail, losses in bursts, and roaming.
            "wifi" => {
                let loss =
                    LossLaw::GilbertElliott { enter_bad: 0.002, leave_bad: 0.25, loss_good: 0.0005, loss_bad: 0.5 };
                let delay = DelayLaw::LogNormal { p50: ms(2), p99: ms(25) };
                let rules = LinkRules { loss, order: Order::Kept, rate: mbit(50, 100), ..LinkRules::new(delay) };
                Self::symmetric(
                    name,
                    LinkRules { stalls: Some(Stalls { every: ms(20_000), length: ms(120) }), ..rules },
                )
            }
            // A cellular modem: the way up is slower, and cells hand over.
            "lte" => {
                let rules = |p50: u64, p99: u64, rate: u64| LinkRules {
                    order: Order::Kept,
                    rate: mbit(rate, 300),
                    stalls: Some(Stalls { every: ms(30_000), length: ms(60) }),
                    ..LinkRules::new(DelayLaw::LogNormal { p50: ms(p50), p99: ms(p99) }).losing(0.002)
                };
                Self { up: rules(25, 70, 10), ..Self::symmetric(name, rules(20, 55, 40)) }
            }
            // A geostationary satellite: some 36 000 km up and down again, a quarter of a second each way.
            "satellite" => {
                let delay = DelayLaw::LogNormal { p50: ms(270), p99: ms(320) };
                let rules = |rate: u64| LinkRules {
                    order: Order::Kept,
                    rate: mbit(rate, 500),
                    ..LinkRules::new(delay).losing(0.005)
                };
                Self { up: rules(5), ..Self::symmetric(name, rules(20)) }
            }
            // The reference of TRANSPORT.md section 4: 20 ± 5 ms and 1 % loss, each way, packets may overtake.
            "jitter-20" => {
                let delay = DelayLaw::Uniform { middle: ms(20), half_width: ms(5) };
                Self::symmetric(name, LinkRules::new(delay).losing(0.01))
            }
            _ => return None,
        };
        Some(profile)
    }

    /// The rules of one direction.
    pub fn rules(&self, way: Way) -> LinkRules {
        match way {
            Way::Up => self.up,
            Way::Down => self.down,
        }
    }

    /// True where a direction is cut; `up_at` is when the link came up.
    pub fn is_cut(&self, way: Way, up_at: Instant, now: Instant) -> bool {
        self.partitions.iter().any(|partition| partition.cuts(way, now.since(up_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h9_partitions_cut_one_way_or_both_once_or_again_and_again() {
        let ms = Duration::from_ms;
        let once = Partition { at: ms(100), length: ms(50), every: None, way: Some(Way::Up) };
        let cut = |partition: Partition, way, at| partition.cuts(way, ms(at));
        assert!(!cut(once, Way::Up, 99) && cut(once, Way::Up, 100) && cut(once, Way::Up, 149));
        assert!(!cut(once, Way::Up, 150) && !cut(once, Way::Down, 120));
        let often = Partition { every: Some(ms(1000)), way: None, ..once };
        assert!(cut(often, Way::Down, 2_120) && cut(often, Way::Up, 7_149) && !cut(often, Way::Up, 7_150));
    }

    #[test]
    fn every_built_in_profile_is_there_and_no_other() {
        for name in LinkProfile::BUILT_IN {
            assert_eq!(LinkProfile::built_in(name).map(|profile| profile.name), Some(name.to_owned()));
        }
        assert_eq!(LinkProfile::built_in("dial-up"), None);
    }
}
