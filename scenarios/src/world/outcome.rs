use std::collections::BTreeMap;

use cloud_sim::session::SessionEvent;
use edge_agent::handoff::HandoffCounts;
use edge_agent::tally::{Happening, Tally};
use shared::ident::Digest;
use shared::time::Instant;
use shared::units::Seconds;

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct WorldOutcome {
    /// When the program was started.
    pub started: Instant,
    /// Machine time of the program.
    pub cycle_time: Seconds,
    /// Handoffs, fallbacks, coverage.
    pub tally: Tally,
    /// What the world did and what the edge noted, in order.
    pub events: Vec<Happening>,
    /// How many handoffs of what kind.
    pub counts: HandoffCounts,
    /// Messages rejected, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Cells of stock removed in the simulation steps behind the chunks that arrived.
    pub cells_removed: u64,
    /// Digest over every input and decision of the edge.
    pub digest: Digest,
    /// What the cloud learned from the spindle's power, and what it found not to fit, in order of time.
    pub learned: Vec<(Instant, SessionEvent)>,
    /// The recording's bytes, where they were asked for.
    pub recording: Option<Vec<u8>>,
}
