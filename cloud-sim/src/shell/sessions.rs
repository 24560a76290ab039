use std::collections::BTreeMap;

use shared::ident::Name;
use shared::time::{Duration, Instant};
use shared::wire::{self, Channel, Frame, Message, MessageKind};

use super::pace::Pace;
use crate::session::{Session, SessionConfig, SessionEvent};
use crate::turns::next_in_turn;

/// A session that has heard nothing for this long gives its place to a new machine.
const SILENCE_MAX: Duration = Duration::from_ms(60_000);

/// Why a message found no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// Not an offer, and no offer came before it.
    NoSession,
    /// The offer names another machine than the key it came under, or does not read.
    NotAnOffer,
    /// As many machines as are served at the same time are there already.
    Full,
}

/// The sessions of this process by machine.
pub(super) struct Sessions {
    config: SessionConfig,
    max: usize,
    slots: BTreeMap<Name, Slot>,
    /// The machine that was worked for last.
    last: Option<Name>,
}

/// One machine.
pub(super) struct Slot {
    pub(super) session: Session,
    pub(super) pace: Pace,
    heard_at: Instant,
}

impl Sessions {
    pub(super) fn new(config: SessionConfig, max: usize) -> Self {
        Self { config, max, slots: BTreeMap::new(), last: None }
    }

    /// Hands a message to its session; an offer makes one.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        machine: &Name,
        channel: Channel,
        bytes: &[u8],
    ) -> Result<(), Ignored> {
        if !self.slots.contains_key(machine) {
            if channel != Channel::Offer || Frame::open(bytes).map(|frame| frame.kind()) != Ok(MessageKind::Offer) {
                return Err(Ignored::NoSession);
            }
            if !matches!(wire::decode(bytes), Ok(Message::Offer(offer)) if offer.machine == *machine) {
                return Err(Ignored::NotAnOffer);
            }
            self.make_room(now)?;
            let slot = Slot { session: Session::new(self.config), pace: Pace::new(), heard_at: now };
            self.slots.insert(machine.clone(), slot);
        }
        if let Some(slot) = self.slots.get_mut(machine) {
            slot.heard_at = slot.heard_at.max(now);
            slot.session.handle_message(now, bytes);
        }
        Ok(())
    }

    /// The longest silent session leaves if all places are taken.
    fn make_room(&mut self, now: Instant) -> Result<(), Ignored> {
        if self.slots.len() < self.max {
            return Ok(());
        }
        let silent = self.slots.iter().min_by_key(|(_, slot)| slot.heard_at);
        match silent.filter(|(_, slot)| now.since(slot.heard_at) >= SILENCE_MAX).map(|(name, _)| name.clone()) {
            Some(name) => {
                self.slots.remove(&name);
                Ok(())
            }
            None => Err(Ignored::Full),
        }
    }

    /// The next session with work, in turn.
    pub(super) fn next_with_work(&mut self, now: Instant) -> Option<(&Name, &mut Slot)> {
        let next = next_in_turn(&self.slots, self.last.as_ref(), |slot| slot.session.work_pending(now))?;
        self.last = Some(next.clone());
        self.slots.range_mut::<Name, _>(&next..=&next).next()
    }

    /// When the first session wants to be asked for messages although nothing happened.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.slots.values().filter_map(|slot| slot.session.poll_timeout()).min()
    }

    /// Hands over everything the sessions want to send.
    pub(super) fn transmit(&mut self, now: impl Fn() -> Instant, mut send: impl FnMut(&Name, Channel, Vec<u8>)) {
        for (name, slot) in &mut self.slots {
            let mut bytes = Vec::new();
            while let Some(channel) = slot.session.poll_transmit(now(), &mut bytes) {
                send(name, channel, std::mem::take(&mut bytes));
            }
        }
    }

    /// Hands over what happened.
    pub(super) fn drain_events(&mut self, mut note: impl FnMut(&Name, SessionEvent)) {
        for (name, slot) in &mut self.slots {
            slot.session.drain_events().for_each(|event| note(name, event));
        }
    }
}
