use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of progress on standard output, about twice a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusLine {
    /// Always `status`.
    pub kind: String,
    /// Edge's clock, ms.
    pub t_ms: f64,
    /// `ok`, `late`, `fallback`, `shadow`, `off`, `opening`.
    pub lamp: String,
    /// Physical line of the program.
    pub line: u32,
    /// Place on the path, mm.
    pub station_mm: f64,
    /// Commanded factor.
    pub factor: f64,
    /// What binds, or why there is no plan.
    pub reason: String,
    /// Predicted figure over its limit where a load binds.
    pub load: Option<f64>,
    /// Spindle power as measured, W.
    pub spindle_power_w: Option<f64>,
    /// Newest handoff, ms.
    pub handoff_ms: Option<f64>,
    /// Admitted plan reaches this far ahead, mm.
    pub horizon_mm: f64,
    /// Session: `opening`, `computing`, `ready`, ….
    pub phase: String,
    /// Baseline done while computing, per mille.
    pub done_permille: Option<u16>,
    /// True while the program runs.
    pub running: bool,
    /// From a write to the first tick that obeys it, ms, once it has been measured on this machine; a declared figure
    /// is used before.
    #[serde(default)]
    pub effect_ms: Option<f64>,
}

/// What the link to a LinuxCNC has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinuxCncLine {
    /// Ticks taken.
    pub ticks: u64,
    /// Ticks that never came.
    pub ticks_lost: u64,
    /// Reports of what only the task knows.
    pub reports: u64,
    /// Reports that found no room.
    pub reports_dropped: u64,
    /// From a write to the first tick with another factor.
    pub write_to_factor: EffectFigures,
    /// From a write at steady speed to the first tick with another speed.
    pub write_to_velocity: EffectFigures,
    /// Writes that had no effect.
    pub unanswered: u64,
    /// `measured` or `declared`: what the effect time of the capability record rests on.
    pub effect_basis: String,
}

/// Quantiles of an effect time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectFigures {
    /// How many.
    pub count: usize,
    /// Half of them, ms.
    pub p50_ms: f64,
    /// 95 of 100, ms.
    pub p95_ms: f64,
    /// All, ms.
    pub max_ms: f64,
}

/// The last line on standard output: what the run amounts to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeSummary {
    /// Always `edge_summary`.
    pub kind: String,
    /// `program_completed`, `link_closed` or `stopped`.
    pub ended: String,
    /// Clock time from the first cycle in which the program ran to its end, s.
    pub run_wall_s: f64,
    /// The same in machine seconds.
    pub cycle_time_s: f64,
    /// Handoff by stage, with `total` and `unexplained`.
    pub handoff: BTreeMap<String, StageFigures>,
    /// Triggers fired.
    pub triggered: u64,
    /// Answered in time.
    pub answered: u64,
    /// Not answered in time.
    pub misses: u64,
    /// Least horizon slack at admission, ms.
    pub horizon_slack_min_ms: Option<f64>,
    /// Chunks admitted.
    pub chunks_admitted: u64,
    /// Cells of stock removed in the simulation steps behind admitted chunks.
    pub cells_removed: u64,
    /// Times in fallback.
    pub fallbacks: Vec<FallbackLine>,
    /// Share of the running time under an admitted plan.
    pub covered_share: Option<f64>,
    /// Messages rejected, by reason.
    pub rejects: BTreeMap<String, u64>,
    /// What happened, in order.
    pub events: Vec<EventLine>,
    /// The cycle.
    pub cycle: CycleFigures,
    /// What found a ring full, or was refused, by place.
    pub losses: BTreeMap<String, u64>,
    /// Digest over every input and decision.
    pub recording_digest: String,
    /// Number of recorded inputs and decisions.
    pub recording_entries: u64,
    /// Entries lost on the way to the recorder; with any, the run cannot be replayed.
    pub recording_lost: u64,
    /// What the link has seen, where the controller is a LinuxCNC.
    #[serde(default)]
    pub linuxcnc: Option<LinuxCncLine>,
}

/// Quantiles of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageFigures {
    /// How many.
    pub count: u64,
    /// Median, µs.
    pub p50_us: f64,
    /// 99th percentile, µs.
    pub p99_us: f64,
    /// Greatest, µs.
    pub max_us: f64,
}

/// A time in fallback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FallbackLine {
    /// Seconds after the program began to run.
    pub at_s: f64,
    /// Physical line.
    pub line: u32,
    /// Why.
    pub reason: String,
    /// Where the factor came from instead.
    pub source: String,
    /// How long, s.
    pub for_s: f64,
    /// From the expiry of the last admitted plan to the first cycle in fallback, ms.
    pub reaction_ms: Option<f64>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// Seconds after the program began to run; negative before it.
    pub at_s: f64,
    /// Name.
    pub event: String,
}

/// How the cycle kept its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CycleFigures {
    /// Period, ms.
    pub period_ms: f64,
    /// Cycles.
    pub count: u64,
    /// Whether the system granted the cycle real-time scheduling.
    pub real_time: bool,
    /// Whether the agent was kept on processors of its own.
    pub pinned: bool,
    /// Whether its memory was kept in RAM.
    pub memory_locked: bool,
    /// Cycles that began a whole period late or more.
    pub overruns: u64,
    /// Lateness against the absolute timer: median, µs.
    pub late_p50_us: f64,
    /// 99th percentile, µs.
    pub late_p99_us: f64,
    /// Greatest, µs.
    pub late_max_us: f64,
    /// Samples read.
    pub samples: u64,
    /// Messages taken in.
    pub messages: u64,
    /// Commands sent.
    pub commands: u64,
}
