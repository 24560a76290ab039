//! The network's share of a round trip, from echoed stamps alone.
//!
//! No two clocks are compared: the cloud echoes the instant at which the edge sent, and says how long it held
//! the sample. What is left of the round trip was spent in the network, both ways together. One way is
//! estimated as half of it, and the bound of this estimate is the same half.

use shared::time::{Duration, Instant};

/// The fastest round trip so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundTrip {
    fastest: Option<Duration>,
}

impl RoundTrip {
    /// Takes in one echo. Returns the time spent in the network; `None` where the stamps contradict each
    /// other: the cloud claims to have held the sample longer than the round trip took.
    pub(crate) fn observe(&mut self, sent_at: Instant, received_at: Instant, held: Duration) -> Option<Duration> {
        let total = received_at.since(sent_at);
        if received_at < sent_at || held > total {
            return None;
        }
        let network = total.minus(held);
        self.fastest = Some(self.fastest.map_or(network, |fastest| fastest.min(network)));
        Some(network)
    }

    /// The shortest network time seen.
    pub(crate) fn fastest(&self) -> Option<Duration> {
        self.fastest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_what_the_cloud_did_not_use() {
        let mut trip = RoundTrip::default();
        let at = |ms| Instant::ORIGIN.after(Duration::from_ms(ms));
        assert_eq!(trip.observe(at(10), at(30), Duration::from_ms(5)), Some(Duration::from_ms(15)));
        assert_eq!(trip.observe(at(40), at(48), Duration::from_ms(5)), Some(Duration::from_ms(3)));
        assert_eq!(trip.observe(at(50), at(90), Duration::from_ms(5)), Some(Duration::from_ms(35)));
        assert_eq!(trip.fastest(), Some(Duration::from_ms(3)));
    }

    #[test]
    fn impossible_echoes_are_not_used() {
        let mut trip = RoundTrip::default();
        let at = |ms| Instant::ORIGIN.after(Duration::from_ms(ms));
        assert_eq!(trip.observe(at(30), at(10), Duration::ZERO), None);
        assert_eq!(trip.observe(at(10), at(30), Duration::from_ms(21)), None);
        assert_eq!(trip.fastest(), None);
    }
}
