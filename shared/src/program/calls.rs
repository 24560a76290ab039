//! Who called the running subprogram: chains of calls, each stored once.
//!
//! An operation carries the number of its chain instead of the chain. Chains form a tree whose root is the main
//! program: a chain is a node and the way up from it, so a million calls from one line cost one node.

use super::canon::{CallStackId, SourceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a subprogram was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallSite {
    /// Text of the calling line.
    pub source: SourceId,
    /// The calling line, from 1.
    pub line: u32,
    /// What was called: the name or number behind `o`, the number behind M98, M97 or G65.
    pub label: Arc<str>,
}

/// All chains met so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CallStacks {
    /// Caller's chain and call; node `n` is chain `n + 1`.
    nodes: Vec<(CallStackId, CallSite)>,
    known: BTreeMap<(CallStackId, CallSite), CallStackId>,
}

impl CallStacks {
    /// Greatest number of different chains; later ones are told as the chain of their caller.
    const COUNT_MAX: usize = 65_536;

    /// The chain of a call made from another.
    pub(super) fn enter(&mut self, from: CallStackId, site: CallSite) -> CallStackId {
        let key = (from, site);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        if self.nodes.len() >= Self::COUNT_MAX {
            return from;
        }
        self.nodes.push(key.clone());
        let id = CallStackId(self.nodes.len() as u32);
        self.known.insert(key, id);
        id
    }

    /// The calls of a chain, the innermost first.
    pub(super) fn chain(&self, mut id: CallStackId) -> Vec<&CallSite> {
        let mut chain = Vec::new();
        while let Some((from, site)) = (id.0 as usize).checked_sub(1).and_then(|node| self.nodes.get(node)) {
            chain.push(site);
            id = *from;
        }
        chain
    }
}
