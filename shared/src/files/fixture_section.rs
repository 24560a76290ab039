use serde::{Deserialize, Serialize};

/// `[[fixture]]`: a clamp, a vice, the table. Exactly one of `box`, `cylinder` and `mesh` says its form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureSection {
    /// Name for reports.
    pub name: String,
    /// Frame of its coordinates: `work`, the frame of the stock, or `machine`, which stays where it is when the work
    /// offset is wrong.
    #[serde(default = "work")]
    pub frame: String,
    /// How close the tool may pass, mm.
    #[serde(default = "usual_clearance_mm")]
    pub clearance_mm: f64,
    /// Shift of the whole, mm.
    #[serde(default)]
    pub at_mm: [f64; 3],
    /// A block.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    pub block: Option<BoxSection>,
    /// An upright cylinder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cylinder: Option<CylinderSection>,
    /// A mesh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mesh: Option<MeshSection>,
}

fn work() -> String {
    "work".to_owned()
}

fn usual_clearance_mm() -> f64 {
    1.0
}

/// `box = { min, max, units }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxSection {
    /// Smallest corner.
    pub min: [f64; 3],
    /// Greatest corner.
    pub max: [f64; 3],
    /// `mm` or `inch`.
    pub units: String,
}

/// `cylinder = { centre, diameter, height, units }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CylinderSection {
    /// Centre of the lower face.
    pub centre: [f64; 3],
    /// Diameter.
    pub diameter: f64,
    /// Height.
    pub height: f64,
    /// `mm` or `inch`.
    pub units: String,
}

/// `mesh = { file, units }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshSection {
    /// STL or 3MF file, path relative to the file that names it.
    pub file: String,
    /// `mm` or `inch`; an STL does not say, a 3MF does.
    pub units: Option<String>,
}

/// `[part]`: the finished part, against which gouges and leftovers are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSection {
    /// How far the surface may lie below the part's, mm.
    pub tolerance_mm: f64,
    /// Shift of the whole, mm.
    #[serde(default)]
    pub at_mm: [f64; 3],
    /// A closed mesh in the work frame.
    pub mesh: MeshSection,
}
