use std::collections::BTreeMap;

use serde::Serialize;

use super::Figure;

/// Result of a simulation.
#[derive(Clone, Debug, Serialize)]
pub struct SimulateJson {
    /// File of the program.
    pub program: String,
    /// Digest of its bytes.
    pub program_digest: String,
    /// Machine.
    pub machine: String,
    /// Material.
    pub material: String,
    /// How the program was read: dialect and units, with the evidence.
    pub read_as: Vec<String>,
    /// Number of motions.
    pub motions: usize,
    /// Length of the path of the tip, mm.
    pub path_mm: f64,
    /// Cycle time at 100 %, s.
    pub cycle_time_programmed_s: f64,
    /// Cycle time under the plan, s.
    pub cycle_time_planned_s: f64,
    /// Cycle time at 100 % by what the machine does, s.
    pub cycle_time_split_s: BTreeMap<&'static str, f64>,
    /// Cycle time at the best constant override under the same limits, s.
    pub cycle_time_constant_s: Figure,
    /// The best constant override under the same limits, ratio.
    pub constant_override: Figure,
    /// Removed volume, mm³.
    pub removed_volume_mm3: f64,
    /// Peak resultant in the plane under the plan, N.
    pub force_peak_xy_n: Figure,
    /// The same at 100 %.
    pub force_peak_xy_n_programmed: Figure,
    /// Mean resultant over the cutting time under the plan, N.
    pub force_mean_n: Figure,
    /// The same at 100 %.
    pub force_mean_n_programmed: Figure,
    /// Greatest cutting power under the plan, W.
    pub power_peak_w: Figure,
    /// The same at 100 %.
    pub power_peak_w_programmed: Figure,
    /// Limit on the peak resultant that the plan was made for, N.
    pub force_limit_n: Figure,
    /// Share of the planned time in which each reason binds; sums to 1.
    pub reasons: BTreeMap<&'static str, f64>,
    /// Time lost against 100 %, by reason, s.
    pub time_lost_s: BTreeMap<&'static str, f64>,
    /// Time won against the best constant override, by the reason that binds in the plan, s; negative where the plan is slower.
    pub time_won_over_constant_s: BTreeMap<&'static str, f64>,
    /// Holder, shank, spindle or a cutter that must not plunge, in material; any of them in a fixture; gouges of the part.
    pub collisions: Vec<CollisionJson>,
    /// Passes of a fixture closer than its clearance, without contact.
    pub close_passes: Vec<ClosePassJson>,
    /// Rapids through stock.
    pub rapids_in_stock: Vec<RapidInStockJson>,
    /// Moves whose way past the fixtures is not known: a rotary axis has turned on a machine that states no kinematics.
    pub fixtures_unchecked: usize,
    /// The stock as cut against the finished part; absent where the job names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<PartJson>,
    /// What was not given and was filled in.
    pub assumed: Vec<String>,
    /// What the tool libraries hold that has no effect.
    pub skipped: Vec<String>,
    /// Warnings and notes about the input.
    pub notes: Vec<String>,
    /// The stock map.
    pub stock: StockJson,
    /// Cutting-term power against k_c(h) · MRR, worst relative difference over what the stock map resolves
    /// ([`crate::power_check`]).
    pub power_check_worst: Figure,
    /// Physical line of that worst.
    pub power_check_line: Option<u32>,
    /// Share of the removed volume that was compared.
    pub power_check_volume_share: f64,
    /// Stretches of path that were compared, and those of them that differ by more than 5 %.
    pub power_check_runs: usize,
    /// See [`Self::power_check_runs`].
    pub power_check_beyond: usize,
}

/// A collision.
#[derive(Clone, Debug, Serialize)]
pub struct CollisionJson {
    /// Physical line, from 1.
    pub line: u32,
    /// `cutter`, `shank`, `holder` or `spindle`; `plunge` for a cutter that must not, `gouge` for one below the part.
    pub kind: &'static str,
    /// What was touched: `stock`, `part`, or the name of a fixture.
    pub with: String,
    /// `rapid` or `feed`.
    #[serde(rename = "move")]
    pub motion: &'static str,
    /// Station, mm.
    pub station_mm: f64,
    /// Place in the work frame, mm.
    pub place_mm: [f64; 3],
    /// How deep, mm.
    pub depth_mm: f64,
}

/// A pass closer than the clearance of a fixture.
#[derive(Clone, Debug, Serialize)]
pub struct ClosePassJson {
    /// Physical line, from 1.
    pub line: u32,
    /// `cutter`, `shank`, `holder` or `spindle`.
    pub kind: &'static str,
    /// Name of the fixture.
    pub with: String,
    /// `rapid` or `feed`.
    #[serde(rename = "move")]
    pub motion: &'static str,
    /// Station, mm.
    pub station_mm: f64,
    /// Place on the fixture, mm.
    pub place_mm: [f64; 3],
    /// How far away it passes, mm.
    pub distance_mm: f64,
    /// How far it should, mm.
    pub clearance_mm: f64,
}

/// The stock as cut against the finished part.
#[derive(Clone, Debug, Serialize)]
pub struct PartJson {
    /// Deepest gouge, mm; zero where there is none beyond the tolerance.
    pub gouge_mm: f64,
    /// Where, mm.
    pub gouge_place_mm: Option<[f64; 3]>,
    /// Volume missing below the part's surface, mm³.
    pub gouged_mm3: f64,
    /// Greatest height of material left on the part, mm; zero where there is none beyond the tolerance.
    pub left_mm: f64,
    /// Where, mm.
    pub left_place_mm: Option<[f64; 3]>,
    /// Volume left on the part, mm³.
    pub left_mm3: f64,
}

/// A rapid through stock.
#[derive(Clone, Debug, Serialize)]
pub struct RapidInStockJson {
    /// Physical line, from 1.
    pub line: u32,
    /// Station, mm.
    pub station_mm: f64,
    /// Place in the work frame, mm.
    pub place_mm: [f64; 3],
    /// How deep, mm.
    pub depth_mm: f64,
    /// What it would remove, mm³.
    pub removed_mm3: f64,
}

/// The stock map.
#[derive(Clone, Debug, Serialize)]
pub struct StockJson {
    /// Cell along X and Y, mm.
    pub cell_mm: [f64; 2],
    /// Number of cells.
    pub cells: u64,
    /// Memory, bytes.
    pub bytes: u64,
    /// True if the cell was made coarser to stay under the memory cap.
    pub coarsened: bool,
    /// Digest of the stock as cut.
    pub digest: String,
}

/// Result of a run: the simulation's keys beside what happened live.
#[derive(Clone, Debug, Serialize)]
pub struct RunJson {
    /// Name of the scenario.
    pub scenario: String,
    /// `virtual` or `realtime`.
    pub mode: &'static str,
    /// Machine seconds in one wall second.
    pub speed: f64,
    /// The simulation.
    #[serde(flatten)]
    pub simulated: SimulateJson,
    /// Cycle time as it was run, machine seconds from the first motion command to the end.
    pub cycle_time_run_s: f64,
    /// How long the virtual machine stood still because its process was not run, ms of wall time; unavailable on virtual
    /// time.
    pub machine_stood_still_ms: Figure,
    /// How the cycle of the edge kept its time; absent on virtual time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge_cycle: Option<CycleJson>,
    /// Handoff by stage, with `total` and `unexplained`.
    pub handoff: BTreeMap<&'static str, StageJson>,
    /// Counts of handoffs.
    pub handoff_counts: HandoffJson,
    /// Handoffs that were not answered in time.
    pub misses: u64,
    /// When, why and for how long the edge fell back.
    pub fallbacks: Vec<FallbackJson>,
    /// Share of the feed time under an admitted live plan.
    pub covered_share: Figure,
    /// Messages rejected, by reason.
    pub rejects: BTreeMap<String, u64>,
    /// What happened, in order.
    pub events: Vec<EventJson>,
    /// What the spindle's power has taught, what no longer fitted and what was tightened for it, as sentences in order.
    pub learned: Vec<LearnedJson>,
    /// The hidden true process.
    pub truth: Option<TruthJson>,
    /// Plan, best constant and reactive controller on the same hidden process.
    pub comparison: Vec<ComparisonJson>,
    /// Digest over every input and decision of the edge.
    pub recording_digest: String,
    /// Expectations of the scenario.
    pub expectations: Vec<VerdictJson>,
}

/// One stage of the handoff.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StageJson {
    /// Handoffs measured.
    pub count: u64,
    /// Median, µs.
    pub p50_us: f64,
    /// 99th percentile, µs.
    pub p99_us: f64,
    /// Greatest, µs.
    pub max_us: f64,
}

/// Counts of handoffs and chunks.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HandoffJson {
    /// Triggers fired by the edge.
    pub triggered: u64,
    /// Answered in time.
    pub answered: u64,
    /// Chunks admitted, answers and others.
    pub chunks_admitted: u64,
    /// Cells of stock removed in the simulation steps behind admitted chunks.
    pub cells_removed: u64,
}

/// A time in fallback.
#[derive(Clone, Debug, Serialize)]
pub struct FallbackJson {
    /// Seconds after the first sample, on the edge's clock.
    pub at_s: f64,
    /// Physical line.
    pub line: Option<u32>,
    /// Why.
    pub reason: String,
    /// How long, s; unavailable where it lasted to the end.
    pub for_s: Figure,
    /// From the expiry of the last admitted plan to the first command on the fallback curve, ms.
    pub reaction_ms: Figure,
}

/// How the cycle of the edge kept its time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CycleJson {
    /// Period, ms.
    pub period_ms: f64,
    /// Cycles.
    pub count: u64,
    /// Whether the system granted real-time scheduling.
    pub real_time: bool,
    /// Cycles that began a whole period late or more.
    pub overruns: u64,
    /// Lateness against the absolute timer: median, µs.
    pub late_p50_us: f64,
    /// 99th percentile, µs.
    pub late_p99_us: f64,
    /// Greatest, µs.
    pub late_max_us: f64,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct EventJson {
    /// Seconds after the first sample, on the edge's clock.
    pub at_s: f64,
    /// Name.
    pub event: String,
}

/// Something learned.
#[derive(Clone, Debug, Serialize)]
pub struct LearnedJson {
    /// Seconds after the first sample; unavailable in real time, where the service has a clock of its own.
    pub at_s: Figure,
    /// `alarm`, `tightened` or `estimate`.
    pub kind: String,
    /// The sentence.
    pub what: String,
}

/// True loads against the limit, over seeds.
#[derive(Clone, Debug, Serialize)]
pub struct TruthJson {
    /// Seeds evaluated.
    pub seeds: usize,
    /// Limit, N.
    pub limit_n: f64,
    /// Ratio of the true peak to the limit, by seed.
    pub peak_ratio: Vec<f64>,
    /// The greatest of them.
    pub worst: f64,
    /// Number of overshoots, all seeds.
    pub overshoots: u64,
    /// Time above the limit, all seeds, s.
    pub overshoot_s: f64,
    /// Where the greatest peak was felt.
    pub worst_at: Option<WorstAtJson>,
}

/// Where and when a peak was felt.
#[derive(Clone, Debug, Serialize)]
pub struct WorstAtJson {
    /// Machine time since the first motion, s.
    pub time_s: f64,
    /// Tip in the work frame, mm.
    pub at_mm: [f64; 3],
    /// Speed along the path there, mm/min.
    pub feed_mm_min: f64,
}

/// One way to run the same job on the same hidden process.
#[derive(Clone, Debug, Serialize)]
pub struct ComparisonJson {
    /// `programmed`, `plan`, `constant` or `reactive`.
    pub policy: &'static str,
    /// Cycle time, s.
    pub cycle_time_s: f64,
    /// Highest true peak over its limit.
    pub peak_ratio: f64,
    /// Mean over entries into material of the true peak within the first radius, over the limit.
    pub entry_peak_ratio_mean: f64,
    /// The greatest of them.
    pub entry_peak_ratio_max: f64,
    /// Number of entries.
    pub entries: u64,
    /// Time above the limit, s.
    pub overshoot_s: f64,
}

/// One expectation.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictJson {
    /// Key.
    pub key: String,
    /// Expected, as written.
    pub expected: String,
    /// Found.
    pub found: String,
    /// Whether it holds.
    pub holds: bool,
}
