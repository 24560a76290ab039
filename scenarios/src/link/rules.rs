use shared::det::{Rng, math};
use shared::time::Duration;

/// Standard normal quantile of 0.99.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// How long a packet is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DelayLaw {
    /// Always the same.
    Fixed(Duration),
    /// Uniform between `middle` − `half_width` and `middle` + `half_width`; never below zero.
    Uniform {
        /// Centre of the interval.
        middle: Duration,
        /// Half of its width.
        half_width: Duration,
    },
    /// Log-normal through the median and the 99th percentile; the median alone where the second is not above it.
    LogNormal {
        /// Median.
        p50: Duration,
        /// 99th percentile.
        p99: Duration,
    },
}

impl DelayLaw {
    /// One draw. Takes two numbers from `rng` for a log-normal delay, one for a uniform one, none for a fixed one.
    pub(super) fn draw(self, rng: &mut Rng) -> Duration {
        match self {
            Self::Fixed(delay) => delay,
            Self::Uniform { middle, half_width } => {
                let (middle, half) = (middle.as_s(), half_width.as_s());
                Duration::from_s((middle + half * rng.between(-1.0, 1.0)).max(0.0))
            }
            Self::LogNormal { p50, p99 } => {
                let (p50_s, p99_s) = (p50.as_s(), p99.as_s());
                if p99_s <= p50_s || p50_s <= 0.0 {
                    return p50;
                }
                let sigma = math::ln(p99_s / p50_s) / NORMAL_P99;
                Duration::from_s(p50_s * math::exp(sigma * rng.normal()))
            }
        }
    }
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossLaw {
    /// Each with this probability, whatever happened to the others (Bernoulli).
    Share(f64),
    /// A channel with a good and a bad state (Gilbert 1960, Elliott 1963): before each packet it may change, then the
    /// packet is lost with the probability of the state. It begins good.
    ///
    /// Share lost in the long run: (`leave_bad` · `loss_good` + `enter_bad` · `loss_bad`) / (`enter_bad` + `leave_bad`);
    /// mean length of a bad stretch: 1 / `leave_bad` packets.
    GilbertElliott {
        /// Probability of good → bad before a packet.
        enter_bad: f64,
        /// Probability of bad → good before a packet.
        leave_bad: f64,
        /// Probability of loss in the good state.
        loss_good: f64,
        /// Probability of loss in the bad state.
        loss_bad: f64,
    },
}

/// May packets overtake each other?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each takes its own time, as datagrams over several paths do.
    Free,
    /// None arrives before its predecessor, as through one queue.
    Kept,
}

/// A bottleneck: a queue that is emptied at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes in one second.
    pub bytes_per_s: u64,
    /// What would wait longer than this for its turn is dropped, as a full queue drops it.
    pub queue_max: Duration,
}

/// From time to time everything waits, and then comes at once: a roaming radio, a handover between cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// One in each stretch of this length, at a place in it that is drawn.
    pub every: Duration,
    /// How long each lasts; no longer than `every`.
    pub length: Duration,
}

/// Packets that are held back and so come after later ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// Share of the packets.
    pub share: f64,
    /// How much longer they take.
    pub by: Duration,
}

/// How one direction of a link behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkRules {
    /// Time under way.
    pub delay: DelayLaw,
    /// Which packets are lost.
    pub loss: LossLaw,
    /// Share of packets delivered twice.
    pub duplicate: f64,
    /// Packets held back; `None` for nothing beyond what [`Order::Free`] lets the delays do.
    pub reorder: Option<Reorder>,
    /// Whether packets may overtake each other.
    pub order: Order,
    /// The bottleneck; `None` for a link that is never full.
    pub rate: Option<Rate>,
    /// Stalls; `None` for none.
    pub stalls: Option<Stalls>,
}

impl LinkRules {
    /// A link that only delays; packets may overtake each other.
    pub const fn new(delay: DelayLaw) -> Self {
        Self {
            delay,
            loss: LossLaw::Share(0.0),
            duplicate: 0.0,
            reorder: None,
            order: Order::Free,
            rate: None,
            stalls: None,
        }
    }

    /// The same with a share of packets lost, each by itself.
    #[must_use]
    pub const fn losing(self, share: f64) -> Self {
        Self { loss: LossLaw::Share(share), ..self }
    }

    /// The same with a share of packets delivered twice.
    #[must_use]
    pub const fn doubling(self, share: f64) -> Self {
        Self { duplicate: share, ..self }
    }
}
