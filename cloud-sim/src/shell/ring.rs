use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bounded queue between threads that drops its oldest entry when it is full, and counts it. Each push
/// rings a bell, which several queues may share.
///
/// The lock is held for one push or pop and never while something is done with an entry.
#[derive(Debug)]
pub(super) struct Ring<T> {
    state: Mutex<State<T>>,
    bell: Arc<Bell>,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    entries: VecDeque<T>,
    dropped: u64,
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize, bell: &Arc<Bell>) -> Self {
        let state = State { entries: VecDeque::with_capacity(capacity), dropped: 0 };
        Self { state: Mutex::new(state), bell: Arc::clone(bell), capacity }
    }

    pub(super) fn push(&self, entry: T) {
        let mut state = locked(&self.state);
        if state.entries.len() == self.capacity {
            state.entries.pop_front();
            state.dropped += 1;
        }
        state.entries.push_back(entry);
        drop(state);
        self.bell.ring();
    }

    pub(super) fn pop(&self) -> Option<T> {
        locked(&self.state).entries.pop_front()
    }

    /// Entries lost so far.
    pub(super) fn dropped(&self) -> u64 {
        locked(&self.state).dropped
    }
}

/// Wakes one waiting thread.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *locked(&self.rung) = true;
        self.ringing.notify_one();
    }

    /// Waits until the bell has been rung since the last wait, but no longer than `time`.
    pub(super) fn wait(&self, time: Duration) {
        let mut rung = locked(&self.rung);
        if !*rung {
            rung = match self.ringing.wait_timeout(rung, time) {
                Ok((rung, _)) => rung,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        *rung = false;
    }
}

/// A thread that panicked while it held one of these locks leaves whole data behind: nothing between lock and
/// unlock panics half way.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h10_a_full_ring_drops_its_oldest_and_counts() {
        let bell = Arc::new(Bell::default());
        let ring = Ring::new(2, &bell);
        (0..5).for_each(|entry| ring.push(entry));
        // The bell has been rung: this returns at once, however long it might wait.
        bell.wait(Duration::from_secs(3600));
        assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some(3), Some(4), None));
        assert_eq!(ring.dropped(), 3);
    }
}
