//! Which epoch is granted. One cloud at a time commands nothing: it may only propose, and only under the
//! epoch granted here. An epoch is written to disk by the shell *before* it is granted, so that not even a
//! restart repeats one.

use shared::ident::Epoch;
use shared::planted::{self, Bug};

/// The epoch does not advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("epoch {offered} does not follow epoch {last}: a lease never repeats an epoch")]
pub struct LeaseError {
    /// What was to be granted.
    pub offered: Epoch,
    /// The newest ever granted.
    pub last: Epoch,
}

/// The lease.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lease {
    granted: Option<Epoch>,
    last: Epoch,
}

impl Lease {
    /// Grants an epoch above every earlier one.
    pub(crate) fn grant(&mut self, epoch: Epoch) -> Result<(), LeaseError> {
        if epoch <= self.last && !(planted::on(Bug::EpochRepeats) && epoch == self.last) {
            return Err(LeaseError { offered: epoch, last: self.last });
        }
        (self.granted, self.last) = (Some(epoch), epoch);
        Ok(())
    }

    /// Takes the lease back; nothing is admitted until the next grant.
    pub(crate) fn void(&mut self) {
        self.granted = None;
    }

    /// The granted epoch.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.granted
    }

    /// The newest epoch ever granted.
    pub(crate) fn last(&self) -> Epoch {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h4_an_epoch_is_granted_once_and_never_goes_back() {
        let mut lease = Lease::default();
        assert!(lease.grant(Epoch(0)).is_err());
        lease.grant(Epoch(5)).expect("first");
        assert_eq!(lease.epoch(), Some(Epoch(5)));
        assert!(lease.grant(Epoch(5)).is_err() && lease.grant(Epoch(4)).is_err());
        lease.void();
        assert_eq!(lease.epoch(), None);
        assert!(lease.grant(Epoch(5)).is_err());
        assert!(lease.grant(Epoch(6)).is_ok());
    }
}
