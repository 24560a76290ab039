use std::collections::BTreeMap;

use serde::Deserialize;
use shared::files::{
    FixtureSection, JobFile, LimitsSection, MachineSection, MaterialSection, PartSection, ProgramSection, StockSection,
    ToolsSection, WorkOffsetSection,
};

/// A scenario as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Version of the format: 1.
    pub schema: u32,
    /// Name, also the name of the machine in key expressions: `[a-z0-9-]{1,64}`.
    pub name: String,
    /// Title by language.
    #[serde(default)]
    pub title: BTreeMap<String, String>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Every random draw (network, truth, noise) derives from this.
    #[serde(default)]
    pub seed: u64,
    /// Program.
    pub program: ProgramSection,
    /// Machine.
    pub machine: MachineSection,
    /// Work offsets.
    #[serde(default)]
    pub wcs: BTreeMap<String, WorkOffsetSection>,
    /// Stock.
    pub stock: Option<StockSection>,
    /// What holds the stock and what else stands in the way.
    #[serde(default, rename = "fixture")]
    pub fixtures: Vec<FixtureSection>,
    /// The finished part.
    pub part: Option<PartSection>,
    /// Tools.
    #[serde(default)]
    pub tools: ToolsSection,
    /// Material.
    pub material: MaterialSection,
    /// Limits.
    #[serde(default)]
    pub limits: LimitsSection,
    /// How it is run.
    #[serde(default)]
    pub run: RunSection,
    /// The link between edge and cloud in the one-thread world.
    #[serde(default)]
    pub network: NetworkSection,
    /// Latency budget.
    #[serde(default)]
    pub budget: BudgetSection,
    /// The hidden true process.
    #[serde(default)]
    pub truth: TruthSection,
    /// What goes wrong.
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultSection>,
    /// What must come out.
    #[serde(default)]
    pub expect: ExpectSection,
}

impl ScenarioFile {
    /// The part that edge and cloud must agree on.
    pub fn job_file(&self, time_scale: f64) -> JobFile {
        JobFile {
            schema: 1,
            name: self.name.clone(),
            time_scale,
            program: self.program.clone(),
            machine: self.machine.clone(),
            wcs: self.wcs.clone(),
            stock: self.stock.clone(),
            fixtures: self.fixtures.clone(),
            part: self.part.clone(),
            tools: self.tools.clone(),
            material: self.material.clone(),
            limits: self.limits.clone(),
        }
    }
}

/// How a scenario is run unless the command says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// One thread on virtual time: as fast as possible and deterministic.
    #[default]
    Virtual,
    /// Real processes over Zenoh.
    Realtime,
}

/// `[run]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// Mode.
    pub mode: RunMode,
    /// How much faster than the real machine the virtual machine runs, in real time.
    pub real_time_factor: f64,
    /// Time between two samples of the controller, machine time.
    pub sample_ms: f64,
    /// Cell of the stock map; chosen from the tools where absent.
    pub resolution_mm: Option<f64>,
    /// Wall time after which a run is given up.
    pub max_wall_s: f64,
}

impl Default for RunSection {
    fn default() -> Self {
        Self { mode: RunMode::Virtual, real_time_factor: 1.0, sample_ms: 10.0, resolution_mm: None, max_wall_s: 600.0 }
    }
}

/// A median and an upper quantile, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadSection {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// `[network]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSection {
    /// Delay of one direction.
    pub one_way_ms: SpreadSection,
    /// Share of messages lost.
    pub loss: f64,
    /// Share of messages delivered twice.
    pub duplicate: f64,
}

impl Default for NetworkSection {
    fn default() -> Self {
        Self { one_way_ms: SpreadSection { p50: 0.3, p99: 1.0 }, loss: 0.0, duplicate: 0.0 }
    }
}

/// How far ahead plans reach, in seconds of wall time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HorizonSection {
    /// Below this the edge asks for more.
    pub min: f64,
    /// What the cloud aims for.
    pub target: f64,
}

/// `[budget]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSection {
    /// From trigger to admitted plan.
    pub end_to_end_ms: f64,
    /// Horizon.
    pub horizon_s: HorizonSection,
    /// How long an admitted plan may be used without news.
    pub time_to_live_ms: f64,
}

impl Default for BudgetSection {
    fn default() -> Self {
        Self { end_to_end_ms: 50.0, horizon_s: HorizonSection { min: 0.5, target: 1.5 }, time_to_live_ms: 200.0 }
    }
}

/// `[truth]`: the hidden true process that the virtual machine cuts with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruthSection {
    /// Share by which its coefficients may differ from the model's, drawn by seed.
    pub spread: f64,
    /// Runout of the spindle and tool, mm.
    pub runout_mm: f64,
    /// Relative noise of each force evaluation, one standard deviation.
    pub noise: f64,
    /// How many seeds are evaluated beside the one that the machine feels.
    pub seeds: u32,
}

impl Default for TruthSection {
    fn default() -> Self {
        Self { spread: 0.10, runout_mm: 0.010, noise: 0.01, seeds: 1 }
    }
}

/// When a fault happens: the first that is reached.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlace {
    /// Seconds after the first motion.
    pub time_s: Option<f64>,
    /// When the controller reports this physical line.
    pub line: Option<u32>,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// The cloud process does not run for a while (stop and continue).
    CloudStop,
    /// The cloud process is killed; with `for_s` it is started again after it.
    CloudKill,
    /// The link carries nothing, both ways.
    LinkDown,
    /// A torn report line from the controller.
    TornRecord,
}

impl FaultAction {
    /// Its name in files, reports and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloudStop => "cloud_stop",
            Self::CloudKill => "cloud_kill",
            Self::LinkDown => "link_down",
            Self::TornRecord => "torn_record",
        }
    }
}

/// `[[fault]]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSection {
    /// When.
    pub at: FaultPlace,
    /// What.
    #[serde(rename = "do")]
    pub action: FaultAction,
    /// How long, wall time; absent is for ever.
    pub for_s: Option<f64>,
}

/// `[expect]`: each line is `== 0`, `<= 0.05`, `>= 3`, `< 50`, `> 0` or `within 5% of 80.3`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSection {
    /// Number of collisions found.
    pub collisions: Option<String>,
    /// Number of passes of a fixture closer than its clearance.
    pub close_passes: Option<String>,
    /// Deepest gouge of the finished part, mm.
    pub gouges_mm: Option<String>,
    /// Number of rapids through stock found.
    pub rapids_in_stock: Option<String>,
    /// Cycle time as planned, s.
    pub cycle_time_s: Option<String>,
    /// Worst ratio of true peak force to its limit.
    pub true_peak_ratio: Option<String>,
    /// Planned time over the time of the best constant override under the same limits.
    pub time_over_constant: Option<String>,
    /// Number of reasons with a share of the time.
    pub reasons_binding: Option<String>,
    /// Handoff, 99th percentile, ms.
    pub handoff_p99_ms: Option<String>,
    /// Share of handoffs that missed.
    pub handoff_miss_ratio: Option<String>,
    /// Number of times the edge fell back.
    pub fallbacks: Option<String>,
    /// Share of the cutting time under an admitted plan.
    pub covered_share: Option<String>,
    /// Events that must occur, in this order.
    pub events: Option<Vec<String>>,
}
