//! Whose turn it is: one after the other, in the order of their names, passing over those with nothing to do.
//!
//! Each turn is one slice of bounded length, so that n that have work get one slice in n each, whatever the work of
//! the others is, and none waits longer than n − 1 slices.

use std::collections::BTreeMap;

/// The next after `last` that is `working`; the first one again after the last.
pub fn next_in_turn<K: Ord + Clone, V>(
    all: &BTreeMap<K, V>,
    last: Option<&K>,
    working: impl Fn(&V) -> bool,
) -> Option<K> {
    let is_working = |(_, value): &(&K, &V)| working(value);
    let after = last.and_then(|last| {
        use std::ops::Bound::{Excluded, Unbounded};
        all.range((Excluded(last), Unbounded)).find(is_working)
    });
    after.or_else(|| all.iter().find(is_working)).map(|(key, _)| key.clone())
}
