//! Keys under which messages travel, and the lane each takes.
//!
//! Two lanes: control messages are small, absolute and superseded by the next one, so they travel at the
//! highest priority and are dropped rather than queued; bulk messages are many, resent when missing, and must
//! never stand in the way of the first kind. Chunks and keep-alives have keys of their own, so that a receiver
//! that holds only the newest message of a key cannot lose a chunk to a keep-alive.

use super::MessageKind;
use crate::ident::Name;

/// How urgent a message is to the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Dropped rather than delayed; the newest supersedes.
    Control,
    /// In order, in pieces, below everything else.
    Bulk,
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Edge to cloud.
    Up,
    /// Cloud to edge.
    Down,
}

/// A key of its own under each machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Offers, their parts and the end of a session.
    Offer,
    /// State batches.
    State,
    /// Accept, refuse, progress.
    Session,
    /// Parts of the baseline.
    Baseline,
    /// Plan chunks.
    Plan,
    /// Keep-alives.
    KeepAlive,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] = [Self::Offer, Self::State, Self::Session, Self::Baseline, Self::Plan, Self::KeepAlive];

    /// The channel of a kind of message.
    pub const fn of(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Offer | MessageKind::OfferPart | MessageKind::Close => Self::Offer,
            MessageKind::State => Self::State,
            MessageKind::Accept | MessageKind::Refuse | MessageKind::Progress => Self::Session,
            MessageKind::BaselinePart => Self::Baseline,
            MessageKind::Plan => Self::Plan,
            MessageKind::KeepAlive => Self::KeepAlive,
        }
    }

    /// Its lane.
    pub const fn lane(self) -> Lane {
        match self {
            Self::State | Self::Plan | Self::KeepAlive => Lane::Control,
            Self::Offer | Self::Session | Self::Baseline => Lane::Bulk,
        }
    }

    /// Which way it goes.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Offer | Self::State => Direction::Up,
            Self::Session | Self::Baseline | Self::Plan | Self::KeepAlive => Direction::Down,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Offer => "up/offer",
            Self::State => "up/state",
            Self::Session => "down/session",
            Self::Baseline => "down/baseline",
            Self::Plan => "down/plan",
            Self::KeepAlive => "down/keepalive",
        }
    }

    /// The key of this channel for one machine: `cosim/<machine>/<up|down>/<channel>`.
    pub fn key(self, machine: &Name) -> String {
        format!("cosim/{machine}/{}", self.suffix())
    }

    /// The key expression of this channel for every machine.
    pub fn key_of_all(self) -> String {
        format!("cosim/*/{}", self.suffix())
    }

    /// Machine and channel of a key; `None` for a key that is not ours.
    pub fn parse(key: &str) -> Option<(Name, Self)> {
        let (machine, suffix) = key.strip_prefix("cosim/")?.split_once('/')?;
        let channel = Self::ALL.into_iter().find(|channel| channel.suffix() == suffix)?;
        Some((Name::parse(machine).ok()?, channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_machine_direction_and_channel_and_nothing_else_parses() {
        let machine = Name::parse("mill-1").expect("valid");
        for channel in Channel::ALL {
            let key = channel.key(&machine);
            assert_eq!(Channel::parse(&key), Some((machine.clone(), channel)));
            let way = if channel.direction() == Direction::Up { "/up/" } else { "/down/" };
            assert!(key.contains(way), "{key}");
        }
        for foreign in ["cosim/mill-1/up/plan", "cosim/../down/plan", "cosim/a/b/down/plan", "x/mill-1/down/plan", ""] {
            assert_eq!(Channel::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn only_small_superseding_messages_take_the_control_lane() {
        let control = |kind| Channel::of(kind).lane() == Lane::Control;
        let fast: Vec<_> = MessageKind::ALL.into_iter().filter(|kind| control(*kind)).collect();
        assert_eq!(fast, [MessageKind::State, MessageKind::Plan, MessageKind::KeepAlive]);
    }
}
