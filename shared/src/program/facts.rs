use super::calls::{CallSite, CallStacks};
use super::canon::{CallStackId, SourceId};
use super::options::Dialect;
use crate::ident::ToolNumber;
use crate::machine::LengthUnit;
use std::collections::{BTreeMap, BTreeSet};

/// A word or code that was accepted and changes nothing in the simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutEffect {
    /// As a person writes it: `G61.1`, `D`, `M29`.
    pub word: String,
    /// Text it was first met in.
    pub source: SourceId,
    /// Line it was first met in.
    pub line: u32,
    /// How often it was met.
    pub count: u64,
    /// Why it changes nothing.
    pub reason: &'static str,
}

/// What the program itself said, as far as it has been read.
///
/// Facts are no diagnoses: a program without an S word is a fact, and whoever needs a speed asks here
/// whether there was one.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Dialect it was read in; never [`Dialect::Auto`].
    pub dialect: Dialect,
    /// Why this dialect, in sentences with line numbers.
    pub dialect_evidence: Vec<String>,
    /// Units it said (G20, G21), in order of first use; empty where it never did.
    pub units_said: Vec<LengthUnit>,
    /// True where a length was read before any G20 or G21.
    pub unit_assumed: bool,
    /// There was an S word.
    pub speed_said: bool,
    /// There was an F word.
    pub feed_said: bool,
    /// There was a T word.
    pub tool_said: bool,
    /// Names of tools that the program calls by name, by the number they are given here.
    pub tool_names: BTreeMap<ToolNumber, String>,
    /// Origins of work offsets beyond G59.3 when they were first made active, machine coordinates, mm, by
    /// [`Modal::work_offset`](super::Modal::work_offset); the machine's own origin where nobody gave one.
    pub further_origins_mm: BTreeMap<u8, [f64; 3]>,
    /// Tools brought into the spindle.
    pub tools_changed: BTreeSet<ToolNumber>,
    /// Words without effect, in order of first use, at most [`Facts::WITHOUT_EFFECT_MAX`].
    pub without_effect: Vec<WithoutEffect>,
    /// Names of the texts, by [`SourceId`].
    pub sources: Vec<String>,
    /// Chains of calls that operations name.
    pub(super) call_stacks: CallStacks,
    /// Blocks carried out; in a loop each round counts.
    pub blocks: u64,
    /// Canonical operations given out.
    pub operations: u64,
}

impl Facts {
    /// Greatest number of different words without effect that are remembered.
    pub const WITHOUT_EFFECT_MAX: usize = 200;

    /// The calls that led to an operation ([`super::Provenance::calls`]), the innermost first; empty in the main
    /// program.
    pub fn call_stack(&self, calls: CallStackId) -> Vec<&CallSite> {
        self.call_stacks.chain(calls)
    }

    /// Name of a text: that of the main program for 0, else as the program called it.
    pub fn source(&self, source: SourceId) -> Option<&str> {
        self.sources.get(usize::from(source.0)).map(String::as_str)
    }

    /// Facts of a program of which nothing was read yet.
    pub(super) fn new(name: &str, dialect: Dialect, dialect_evidence: Vec<String>) -> Self {
        Self {
            dialect,
            dialect_evidence,
            units_said: Vec::new(),
            unit_assumed: false,
            speed_said: false,
            feed_said: false,
            tool_said: false,
            tool_names: BTreeMap::new(),
            further_origins_mm: BTreeMap::new(),
            tools_changed: BTreeSet::new(),
            without_effect: Vec::new(),
            sources: vec![name.to_owned()],
            call_stacks: CallStacks::default(),
            blocks: 0,
            operations: 0,
        }
    }
}
