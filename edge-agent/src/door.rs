//! The door: what comes over the network is verified here, before the cycle sees it.
//!
//! Verifying a signature takes longer than everything else the cycle does, so it happens in a thread of its own. The
//! door holds the cloud's pinned key and the session key that the newest `Accept` announced; a message that one of
//! them has signed leaves with the process' local seal, every other leaves without any. Nothing is dropped here: the
//! agent rejects what has no local seal, counts it, and latches when there is too much of it.

use shared::ident::{Epoch, Name};
use shared::wire::{Frame, LocalKey, MessageKind, PublicKey, Sealer, unseal};

/// What the door found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Signed by the cloud; sealed for the agent.
    Verified,
    /// Not signed, or by another key; left without a seal.
    Foreign,
    /// Of a session whose key is not known here, not yet or no more; to be dropped. It may be honest: its `Accept` was
    /// lost.
    Unknown,
    /// Not a message at all; unchanged.
    Damaged,
}

/// The door.
#[derive(Clone, Debug)]
pub struct Door {
    machine: Name,
    identity: PublicKey,
    local: LocalKey,
    session: Option<(Epoch, PublicKey)>,
}

impl Door {
    /// A door of one machine for one cloud. `local` is the key in the agent's [`crate::Trust`].
    pub fn new(machine: Name, identity: PublicKey, local: LocalKey) -> Self {
        Self { machine, identity, local, session: None }
    }

    /// Verifies one message and reseals it in place. Some ten microseconds; allocates where the buffer has no room
    /// for the seal.
    pub fn pass(&mut self, message: &mut Vec<u8>) -> Passage {
        let Ok(frame) = Frame::open(message) else { return Passage::Damaged };
        let by_identity = matches!(frame.kind(), MessageKind::Accept | MessageKind::Refuse);
        let session = self.session.filter(|(epoch, _)| frame.epoch() == Some(*epoch)).map(|(_, key)| key);
        let key = if by_identity { Some(self.identity) } else { session };
        let Some(key) = key else { return Passage::Unknown };
        let verified = key.check(&self.machine, &frame);
        if verified && frame.kind() == MessageKind::Accept {
            self.remember(&frame);
        }
        let resealed = if verified { self.local.seal(&self.machine, message) } else { unseal(message) };
        match resealed {
            Ok(()) if verified => Passage::Verified,
            Ok(()) => Passage::Foreign,
            // A message of the greatest length that leaves no room for the local seal: it keeps the cloud's, which
            // the agent does not take.
            Err(_) => Passage::Foreign,
        }
    }

    /// A session key is replaced by that of a later session only: a replayed `Accept` brings none back.
    fn remember(&mut self, frame: &Frame<'_>) {
        let (Some(epoch), Some(key)) = (frame.epoch(), PublicKey::announced(frame)) else { return };
        if self.session.is_none_or(|(known, _)| epoch >= known) {
            self.session = Some((epoch, key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ident::{ContextDigest, Digest, ProgramDigest};
    use shared::wire::{Accept, CloudKeys, Message, Progress, encode};

    fn sealed(message: &Message, keys: &mut CloudKeys, machine: &Name) -> Vec<u8> {
        let mut out = Vec::new();
        encode(message, &mut out).expect("short");
        keys.seal(machine, &mut out).expect("a message");
        out
    }

    fn accept(epoch: u64) -> Message {
        let digest = Digest::of(b"x");
        let (program, context) = (ProgramDigest(digest), ContextDigest(digest));
        Message::Accept(Accept { epoch: Epoch(epoch), program, context, path: digest })
    }

    fn progress(epoch: u64) -> Message {
        Message::Progress(Progress { epoch: Epoch(epoch), done_permille: 1 })
    }

    #[test]
    fn h3_only_what_the_pinned_cloud_signed_gets_the_local_seal() {
        let machine = Name::parse("mill-1").expect("valid");
        let (mut cloud, mut thief) = (CloudKeys::from_secret(&[1; 32]), CloudKeys::from_secret(&[2; 32]));
        let local = LocalKey::from_bytes([9; 32]);
        let mut door = Door::new(machine.clone(), cloud.public(), local);
        let mut pass = |mut bytes: Vec<u8>| {
            let passage = door.pass(&mut bytes);
            let sealed = Frame::open(&bytes).is_ok_and(|frame| local.check(&machine, &frame));
            assert_eq!(sealed, passage == Passage::Verified);
            passage
        };
        let early = sealed(&progress(3), &mut cloud, &machine);
        assert_eq!(pass(early.clone()), Passage::Unknown, "no session key is known yet");
        assert_eq!(pass(sealed(&accept(3), &mut thief, &machine)), Passage::Foreign);
        let first = sealed(&accept(3), &mut cloud, &machine);
        assert_eq!(pass(first.clone()), Passage::Verified);
        assert_eq!(pass(early.clone()), Passage::Verified);
        assert_eq!(pass(sealed(&progress(3), &mut thief, &machine)), Passage::Foreign);
        assert_eq!(pass(b"noise".to_vec()), Passage::Damaged);
        let mut forged = Vec::new();
        encode(&progress(3), &mut forged).expect("short");
        assert_eq!(pass(forged), Passage::Foreign, "unsigned");
        assert_eq!(pass(sealed(&accept(4), &mut cloud, &machine)), Passage::Verified);
        assert_eq!(pass(first), Passage::Verified, "the agent will reject its epoch");
        assert_eq!(pass(early), Passage::Unknown, "but it brings no old session back");
        assert_eq!(pass(sealed(&progress(4), &mut cloud, &machine)), Passage::Verified);
    }

    #[test]
    fn h3_a_local_seal_from_the_network_does_not_pass() {
        let machine = Name::parse("mill-1").expect("valid");
        let mut local = LocalKey::from_bytes([9; 32]);
        let cloud = CloudKeys::from_secret(&[1; 32]);
        let mut door = Door::new(machine.clone(), cloud.public(), local);
        let mut bytes = Vec::new();
        encode(&progress(1), &mut bytes).expect("short");
        local.seal(&machine, &mut bytes).expect("a message");
        assert_eq!(door.pass(&mut bytes), Passage::Unknown);
        let mut accept = sealed(&accept(1), &mut CloudKeys::from_secret(&[1; 32]), &machine);
        assert_eq!(door.pass(&mut accept), Passage::Verified);
        assert_eq!(door.pass(&mut bytes), Passage::Foreign);
        assert!(!local.check(&machine, &Frame::open(&bytes).expect("whole")));
    }
}
