//! Places from which an interpretation can be resumed, with everything it remembers there.
//!
//! Reading a program again from its beginning costs its whole length; whoever jumps about in a long program (a
//! viewer, a simulation that follows a machine started in the middle) keeps a checkpoint every thousand blocks
//! instead. A checkpoint holds modes, parameters, open loops and calls, diagnostics and facts so far: its size is
//! bounded by [`Limits`](super::Limits) and does not grow with the program. The texts themselves are borrowed.

use super::canon::Provenance;
use super::interpreter::Interpreter;

/// An interpretation at one of its blocks.
#[derive(Clone, Debug)]
pub struct Checkpoint<'a>(Box<Interpreter<'a>>);

impl<'a> Checkpoint<'a> {
    /// An interpretation that goes on from here: its operations, diagnostics and facts are those the first one
    /// has from here on.
    pub fn resume(&self) -> Interpreter<'a> {
        (*self.0).clone()
    }

    /// The last block before the checkpoint.
    pub fn at(&self) -> Provenance {
        self.0.report.at
    }

    /// Operations given out before the checkpoint.
    pub fn operations(&self) -> u64 {
        self.0.report.facts.operations
    }
}

impl<'a> Interpreter<'a> {
    /// Blocks from one checkpoint of [`checkpoint_due`](Self::checkpoint_due) to the next.
    pub const CHECKPOINT_BLOCKS: u64 = 1000;

    /// A checkpoint here, at any time. Costs a copy of the state: some kilobytes, more where the program has
    /// filled thousands of parameters.
    pub fn checkpoint(&self) -> Checkpoint<'a> {
        Checkpoint(Box::new(self.clone()))
    }

    /// A checkpoint, if a thousand blocks were carried out since the last one this gave; to be asked between
    /// operations.
    pub fn checkpoint_due(&mut self) -> Option<Checkpoint<'a>> {
        if self.report.facts.blocks < self.checkpoint_next {
            return None;
        }
        self.checkpoint_next = self.report.facts.blocks + Self::CHECKPOINT_BLOCKS;
        Some(self.checkpoint())
    }
}
