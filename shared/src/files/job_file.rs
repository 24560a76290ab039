use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::machine_file::MachinePatch;

/// What is cut, on which machine, with which tools, under which limits: the part of a scenario that edge and
/// cloud must agree on. A scenario file has these sections among its own; the offer of a session carries
/// them by themselves, with paths replaced by the names of the parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Version of the format: 1.
    pub schema: u32,
    /// Name of the job.
    pub name: String,
    /// Machine seconds in one wall second: 1.0 on a real machine.
    #[serde(default = "one")]
    pub time_scale: f64,
    /// Program.
    pub program: ProgramSection,
    /// Machine.
    pub machine: MachineSection,
    /// Work offsets by name, `G54` to `G59.3`.
    #[serde(default)]
    pub wcs: BTreeMap<String, WorkOffsetSection>,
    /// Stock; assumed from the program where absent.
    pub stock: Option<StockSection>,
    /// Tools.
    #[serde(default)]
    pub tools: ToolsSection,
    /// Material of the part.
    pub material: MaterialSection,
    /// Limits of the optimiser and the envelope.
    #[serde(default)]
    pub limits: LimitsSection,
}

fn one() -> f64 {
    1.0
}

/// `[program]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramSection {
    /// Path, relative to the file that names it.
    pub file: String,
    /// `rs274ngc`, `fanuc`, `haas`, `siemens`, `grbl` or `auto`.
    #[serde(default = "auto")]
    pub dialect: String,
    /// Unit of a program that says neither G20 nor G21: `mm` or `inch`; the machine's where absent.
    pub units: Option<String>,
    /// Whether M1 stops.
    #[serde(default)]
    pub optional_stop: bool,
    /// Whether lines that begin with `/` are skipped.
    #[serde(default)]
    pub block_delete: bool,
    /// Preset `#` variables by number.
    #[serde(default)]
    pub params: BTreeMap<String, f64>,
}

fn auto() -> String {
    "auto".to_owned()
}

/// `[machine]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSection {
    /// Path, or the name of a built-in machine.
    pub file: String,
    /// Single values replaced.
    #[serde(rename = "override", default)]
    pub patch: MachinePatch,
}

/// `[wcs.G54]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkOffsetSection {
    /// Machine coordinates of the work zero.
    pub origin: [f64; 3],
    /// `mm` or `inch`.
    pub units: String,
}

/// `[stock]`, in program coordinates of the first work offset used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase", deny_unknown_fields)]
pub enum StockSection {
    /// A block.
    Box {
        /// Smallest corner.
        min: [f64; 3],
        /// Greatest corner.
        max: [f64; 3],
        /// `mm` or `inch`.
        units: String,
    },
    /// A round bar standing on its face.
    Cylinder {
        /// Centre of the lower face.
        centre: [f64; 3],
        /// Diameter.
        diameter: f64,
        /// Height.
        height: f64,
        /// `mm` or `inch`.
        units: String,
    },
    /// A block that an earlier operation has roughed to the surface of this very program plus an allowance:
    /// for finishing programs that come without their roughing.
    Roughed {
        /// Smallest corner of the block.
        min: [f64; 3],
        /// Greatest corner of the block.
        max: [f64; 3],
        /// Material left on the surface, measured square to it.
        allowance: f64,
        /// `mm` or `inch`.
        units: String,
    },
    /// A closed mesh.
    Mesh {
        /// STL file, path relative to the file that names it.
        file: String,
        /// `mm` or `inch`.
        units: String,
    },
}

/// `[tools]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolsSection {
    /// Path of a tool library, or a list of several that complete each other; without one, tools are read from the
    /// program's comments.
    #[serde(default, deserialize_with = "one_or_several")]
    pub library: Vec<String>,
    /// Unit of a library that does not say one, `mm` or `inch`; the machine's where absent.
    pub units: Option<String>,
    /// Number of the tool that is in the spindle when the program starts.
    pub in_spindle: Option<u32>,
    /// Spindle speed in rpm for a program that never says S.
    pub speed_rpm: Option<f64>,
    /// Refuse a tool without holder geometry.
    #[serde(default)]
    pub require_holder: bool,
    /// Name of a library entry by T number.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a path or a list of paths")]
    enum Written {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::One(path) => vec![path],
        Written::Several(paths) => paths,
    })
}

/// `[material]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterialSection {
    /// Path, or the name of a built-in material.
    pub name: String,
    /// Kienzle's specific cutting force at h = b = 1 mm, N/mm², in place of the file's law.
    pub kc1_1: Option<f64>,
    /// Kienzle's exponent, with `kc1_1`.
    pub mc: Option<f64>,
}

/// A range `{ min, max }` in the unit of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthRange {
    /// Lower end.
    pub min: Option<f64>,
    /// Upper end.
    pub max: Option<f64>,
}

/// `feed_override` in `[limits]`
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideSection {
    /// Smallest factor the plan may use.
    pub min: f64,
    /// Greatest factor; at most 1.0.
    pub max: f64,
    /// Grain.
    pub step: f64,
    /// Greatest change in one second.
    pub slew_per_s: f64,
}

/// An operation the optimiser leaves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishSection {
    /// All cuts of this tool.
    pub tool: u32,
}

/// `spindle_duty` in `[limits]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DutyWord {
    /// Continuous load.
    S1,
    /// Periodic load, 40 %.
    S6,
}

/// `[limits]`: what the plan must respect. Absent limits do not bind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// Range, grain and slew of the factor.
    pub feed_override: Option<OverrideSection>,
    /// Peak resultant in the plane, N.
    pub force_peak_xy_n: Option<f64>,
    /// The same as a share of the highest peak of the program run at 100 %; set by the run.
    pub force_peak_share: Option<f64>,
    /// Mean spindle torque, N·m.
    pub torque_n_m: Option<f64>,
    /// Mean spindle power, kW.
    pub spindle_power_kw: Option<f64>,
    /// Chip thickness, mm.
    pub chip_thickness_mm: Option<LengthRange>,
    /// Height of the cusps along the feed, mm.
    pub surface_cusp_mm: Option<f64>,
    /// Rating of the spindle that binds: `"s1"` or `"s6"`.
    pub spindle_duty: Option<DutyWord>,
    /// Deflection at the tip, mm.
    pub deflection_mm: Option<f64>,
    /// Bending stress in the cutter, N/mm².
    pub bending_stress_n_mm2: Option<f64>,
    /// Share by which predictions are raised before they meet a limit, e.g. 0.12.
    pub uncertainty: Option<f64>,
    /// Factor in force when the cutter first meets material.
    pub first_contact: Option<f64>,
    /// Factor in force while plunging.
    pub plunge: Option<f64>,
    /// Operations marked *finish, do not touch*.
    #[serde(default)]
    pub finish_do_not_touch: Vec<FinishSection>,
}
