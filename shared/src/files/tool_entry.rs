//! The tool library file: one `[[tool]]` an entry, everything optional but the name, units in the keys.
//!
//! Importers of other formats write the same entries ([`ToolFile::to_toml`]), with the place each came from and
//! the sentences that belong to it; so edge and cloud read one format, and what an importer had to assume
//! travels with the job. Ranges are checked here and nowhere else.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::text::{FileText, parse_toml};
use crate::det::math;
use crate::program::Diagnostic;
use crate::tool::{CutterShape, GeneralCutter, SpecialCutter, UndercutForm};
use crate::units::{Angle, Length};

/// DC of anything a machining centre holds.
const DIAMETER_MM: RangeInclusive<f64> = 0.01..=500.0;
/// Lengths and diameters along a cutter.
const SIZE_MM: RangeInclusive<f64> = 0.01..=2000.0;
/// Offsets in a controller's table, either way.
const OFFSET_MM: RangeInclusive<f64> = -10_000.0..=10_000.0;
const HOLDER_MM: RangeInclusive<f64> = 0.0..=1000.0;
const FLUTES: RangeInclusive<u32> = 1..=64;
const HELIX_DEG: RangeInclusive<f64> = 0.0..=75.0;
/// α and β of a general mill.
const GENERAL_DEG: RangeInclusive<f64> = 0.0..=89.0;
const TURN_DEG: RangeInclusive<f64> = -360.0..=360.0;
/// LinuxCNC's tool orientation, 0 to 9.
const ORIENTATION: RangeInclusive<u32> = 0..=9;
/// Greatest tool number: eight digits, as the T word takes them.
const NUMBER_MAX: u32 = 99_999_999;

/// A tool library as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolFile {
    /// Version of the format: 1.
    pub schema: u32,
    /// What an importer assumed about the file as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
    /// What an importer did not take over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The tools.
    #[serde(default)]
    pub tool: Vec<ToolEntry>,
}

/// Form of the cutting end, in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeWord {
    /// Flat end mill or face mill.
    Flat,
    /// Ball nose.
    Ball,
    /// Flat with rounded corner.
    BullNose,
    /// Cone down to its tip.
    Cone,
    /// Twist drill.
    Drill,
    /// Cone, corner, cone: tapered mills and all that APT's seven parameters describe.
    General,
    /// T-slot or Woodruff cutter, saw: a disc on a neck.
    TSlot,
    /// Lollipop: a sphere on a neck.
    Lollipop,
    /// Dovetail: narrower upwards, on a neck.
    Dovetail,
    /// Tap.
    Tap,
    /// Reamer.
    Reamer,
    /// Thread mill.
    ThreadMill,
    /// A form without a model.
    Other,
}

/// Cutter material, in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaterialWord {
    /// Cemented carbide.
    Carbide,
    /// High-speed steel.
    Hss,
}

/// `[[tool]]`: what a file says about one tool. What it leaves out is filled in, and said, when the library is built.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolEntry {
    /// T; entries without one are found by name.
    pub number: Option<u32>,
    /// Name.
    pub name: String,
    /// Where the figures come from; read by people.
    pub source: Option<String>,
    /// Line of the imported file it was read from, from 1.
    pub line: Option<u32>,
    /// Form of the cutting end.
    pub shape: Option<ShapeWord>,
    /// DC.
    pub diameter_mm: Option<f64>,
    /// ZEFP.
    pub flutes: Option<u32>,
    /// RE.
    pub corner_radius_mm: Option<f64>,
    /// SIG, full angle.
    pub point_angle_deg: Option<f64>,
    /// α of a general mill: rise of its bottom against the plane.
    pub bottom_deg: Option<f64>,
    /// E of a general mill: distance of its corner's centre from the axis.
    pub corner_offset_mm: Option<f64>,
    /// R of a general mill: radius of its corner.
    pub general_corner_mm: Option<f64>,
    /// β of a general mill: taper of its side against the axis, wider upwards; of a dovetail, narrower upwards.
    pub taper_deg: Option<f64>,
    /// Helix angle.
    pub helix_deg: Option<f64>,
    /// APMX.
    pub flute_length_mm: Option<f64>,
    /// DMM.
    pub shank_diameter_mm: Option<f64>,
    /// Tip to holder.
    pub stickout_mm: Option<f64>,
    /// OAL.
    pub overall_length_mm: Option<f64>,
    /// Offset along Z in the controller's table.
    pub length_offset_mm: Option<f64>,
    /// False for cutters that must not plunge.
    pub centre_cutting: Option<bool>,
    /// Cutter material.
    pub material: Option<MaterialWord>,
    /// P of a LinuxCNC table.
    pub pocket: Option<u32>,
    /// I: front angle of a lathe tool.
    pub front_angle_deg: Option<f64>,
    /// J: back angle of a lathe tool.
    pub back_angle_deg: Option<f64>,
    /// Q: orientation of a lathe tool.
    pub orientation: Option<u32>,
    /// What an importer assumed about this tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
    /// What an importer did not take over of this tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Offsets along x, y, u, v, w.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offset_mm: BTreeMap<String, f64>,
    /// Offsets about a, b, c.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offset_deg: BTreeMap<String, f64>,
    /// Sections of the holder, upwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holder: Vec<HolderEntry>,
}

/// One frustum of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderEntry {
    /// Diameter at the lower end.
    pub diameter_low_mm: f64,
    /// Diameter at the upper end.
    pub diameter_high_mm: f64,
    /// Axial length.
    pub length_mm: f64,
}

impl ToolFile {
    /// Reads a library of this format.
    ///
    /// # Errors
    /// Unknown keys, wrong kinds, a schema of another version, figures out of range; each with its place.
    pub fn read(file: FileText<'_>) -> Result<Self, Vec<Diagnostic>> {
        let read: Self = parse_toml(file).map_err(|error| vec![*error])?;
        let mut errors = Vec::new();
        if read.schema != 1 {
            let message = format!("schema {} is not known, this version reads schema 1", read.schema);
            errors.push(file.error_at("schema", "file::schema", message, "use a newer version".to_owned()));
        }
        for (index, entry) in read.tool.iter().enumerate() {
            if let Some((_, message)) = entry.problem() {
                let message = format!("{}: {message}", entry.label());
                errors.push(entry_error(file, index, "tool::range", message, "correct the figure"));
            }
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// The library in this format.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

/// An error at the header of the `index`-th `[[tool]]`.
pub(super) fn entry_error(
    file: FileText<'_>,
    index: usize,
    code: &'static str,
    message: String,
    advice: &str,
) -> Diagnostic {
    let headers = file.text.lines().enumerate().filter(|(_, line)| line.trim() == "[[tool]]");
    let line = headers.map(|(at, _)| at as u32 + 1).nth(index).unwrap_or(0);
    file.on_line(crate::program::Severity::Error, line, code, message, advice.to_owned())
}

impl ToolEntry {
    /// `T3 (1/8 spot drill)`.
    pub fn label(&self) -> String {
        match (self.number, self.name.trim()) {
            (Some(number), "") => format!("T{number}"),
            (Some(number), name) => format!("T{number} ({name})"),
            (None, name) => format!("`{name}`"),
        }
    }

    /// Sets form, corner and point from a shape.
    pub fn set_shape(&mut self, shape: CutterShape) {
        self.shape = Some(match shape {
            CutterShape::Flat => ShapeWord::Flat,
            CutterShape::Ball => ShapeWord::Ball,
            CutterShape::BullNose { corner_radius } => {
                self.corner_radius_mm = Some(corner_radius.as_mm());
                ShapeWord::BullNose
            }
            CutterShape::Cone { point_angle } => {
                self.point_angle_deg = Some(point_angle.as_rad().to_degrees());
                ShapeWord::Cone
            }
            CutterShape::Drill { point_angle } => {
                self.point_angle_deg = Some(point_angle.as_rad().to_degrees());
                ShapeWord::Drill
            }
            CutterShape::General(cutter) => {
                self.bottom_deg = Some(cutter.bottom.as_rad().to_degrees());
                self.corner_offset_mm = Some(cutter.corner_offset.as_mm());
                self.general_corner_mm = Some(cutter.corner_radius.as_mm());
                self.taper_deg = Some(cutter.taper.as_rad().to_degrees());
                ShapeWord::General
            }
            CutterShape::Undercut(UndercutForm::TSlot) => ShapeWord::TSlot,
            CutterShape::Undercut(UndercutForm::Lollipop) => ShapeWord::Lollipop,
            CutterShape::Undercut(UndercutForm::Dovetail { taper }) => {
                self.taper_deg = Some(taper.as_rad().to_degrees());
                ShapeWord::Dovetail
            }
            CutterShape::Special(SpecialCutter::Tap) => ShapeWord::Tap,
            CutterShape::Special(SpecialCutter::Reamer) => ShapeWord::Reamer,
            CutterShape::Special(SpecialCutter::ThreadMill) => ShapeWord::ThreadMill,
            CutterShape::Special(SpecialCutter::Other) => ShapeWord::Other,
        });
    }

    /// The first figure that cannot be meant: its key, and what was read and expected.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let figures = [
            ("diameter_mm", self.diameter_mm, DIAMETER_MM),
            ("helix_deg", self.helix_deg, HELIX_DEG),
            ("bottom_deg", self.bottom_deg, GENERAL_DEG),
            ("taper_deg", self.taper_deg, GENERAL_DEG),
            ("corner_offset_mm", self.corner_offset_mm, HOLDER_MM),
            ("general_corner_mm", self.general_corner_mm, HOLDER_MM),
            ("flute_length_mm", self.flute_length_mm, SIZE_MM),
            ("shank_diameter_mm", self.shank_diameter_mm, SIZE_MM),
            ("stickout_mm", self.stickout_mm, SIZE_MM),
            ("overall_length_mm", self.overall_length_mm, SIZE_MM),
            ("length_offset_mm", self.length_offset_mm, OFFSET_MM),
            ("front_angle_deg", self.front_angle_deg, TURN_DEG),
            ("back_angle_deg", self.back_angle_deg, TURN_DEG),
        ];
        let wrong = |key: &'static str, value: f64, range: &RangeInclusive<f64>| {
            let (low, high) = range.clone().into_inner();
            (!range.contains(&value)).then(|| (key, format!("`{key}` is {value}, expected {low} to {high}")))
        };
        let offsets = self.offset_mm.values().map(|mm| ("offset_mm", *mm, &OFFSET_MM));
        let turns = self.offset_deg.values().map(|deg| ("offset_deg", *deg, &TURN_DEG));
        let holder = self.holder.iter().flat_map(|section| {
            [section.diameter_low_mm, section.diameter_high_mm, section.length_mm].map(|mm| ("holder", mm, &HOLDER_MM))
        });
        let given = figures.iter().filter_map(|(key, value, range)| Some((*key, (*value)?, range)));
        let mut all = given.chain(offsets).chain(turns).chain(holder);
        all.find_map(|(key, value, range)| wrong(key, value, range)).or_else(|| self.odd_problem())
    }

    /// What of a cutter that reaches under material does not go together.
    fn undercut_problem(&self, half_mm: f64) -> Option<(&'static str, String)> {
        let (shape, shank_mm) = (self.shape?, self.shank_diameter_mm);
        if !matches!(shape, ShapeWord::TSlot | ShapeWord::Lollipop | ShapeWord::Dovetail) {
            return None;
        }
        if let Some(neck_mm) = shank_mm.filter(|neck_mm| neck_mm / 2.0 >= half_mm) {
            let message = format!("`shank_diameter_mm` is {neck_mm}, expected below `diameter_mm`: it is the neck");
            return Some(("shank_diameter_mm", message));
        }
        let (Some(deg), Some(high_mm)) = (self.taper_deg, self.flute_length_mm) else { return None };
        let top_mm = half_mm - high_mm * math::tan(deg.to_radians());
        (shape == ShapeWord::Dovetail && top_mm <= 0.0).then(|| {
            let message = format!("with `flute_length_mm` {high_mm} a `taper_deg` of {deg} leaves nothing at the top");
            ("taper_deg", message)
        })
    }

    /// What of a general mill does not go together.
    fn general_problem(&self, half_mm: f64) -> Option<(&'static str, String)> {
        if self.shape != Some(ShapeWord::General) {
            return None;
        }
        let cutter = self.general();
        let (bottom_deg, taper_deg) = (self.bottom_deg.unwrap_or(0.0), self.taper_deg.unwrap_or(0.0));
        let side_mm = cutter.profile().corner_to_mm[0];
        if bottom_deg + taper_deg >= 90.0 {
            let sum = bottom_deg + taper_deg;
            return Some(("taper_deg", format!("`bottom_deg` and `taper_deg` make {sum}, expected below 90")));
        }
        if side_mm > half_mm * (1.0 + 1e-9) || (taper_deg == 0.0 && (side_mm - half_mm).abs() > 1e-6 * half_mm) {
            let message = format!(
                "the corner of this mill ends at a radius of {side_mm} mm; with `diameter_mm` the greatest diameter, expected {} {half_mm}",
                if taper_deg == 0.0 { "exactly" } else { "at most" },
            );
            return Some(("corner_offset_mm", message));
        }
        None
    }

    /// The profile of a general mill; what is not given is zero.
    pub(super) fn general(&self) -> GeneralCutter {
        let angle = |deg: Option<f64>| Angle::rad(deg.unwrap_or(0.0).to_radians());
        GeneralCutter {
            bottom: angle(self.bottom_deg),
            corner_offset: Length::mm(self.corner_offset_mm.unwrap_or(0.0)),
            corner_radius: Length::mm(self.general_corner_mm.unwrap_or(0.0)),
            taper: angle(self.taper_deg),
        }
    }

    /// Figures whose range depends on others, or that are counts.
    fn odd_problem(&self) -> Option<(&'static str, String)> {
        let half_mm = self.diameter_mm.map_or(f64::INFINITY, |mm| mm / 2.0);
        if let Some(number) = self.number.filter(|number| *number > NUMBER_MAX) {
            return Some(("number", format!("`number` is {number}, expected 0 to {NUMBER_MAX}")));
        }
        if let Some(flutes) = self.flutes.filter(|flutes| !FLUTES.contains(flutes)) {
            return Some(("flutes", format!("`flutes` is {flutes}, expected 1 to 64")));
        }
        if let Some(place) = self.orientation.filter(|place| !ORIENTATION.contains(place)) {
            return Some(("orientation", format!("`orientation` is {place}, expected 0 to 9")));
        }
        if let Some(deg) = self.point_angle_deg.filter(|deg| !(1.0..180.0).contains(deg)) {
            return Some(("point_angle_deg", format!("`point_angle_deg` is {deg}, expected 1 to below 180")));
        }
        let keys = self.offset_mm.keys().filter(|key| !matches!(key.as_str(), "x" | "y" | "u" | "v" | "w"));
        if let Some(key) = keys.chain(self.offset_deg.keys().filter(|k| !matches!(k.as_str(), "a" | "b" | "c"))).next()
        {
            return Some(("offset_mm", format!("`{key}` is no axis of an offset, expected x, y, u, v, w or a, b, c")));
        }
        if let Some(problem) = self.general_problem(half_mm).or_else(|| self.undercut_problem(half_mm)) {
            return Some(problem);
        }
        match (self.shape, self.corner_radius_mm) {
            (Some(ShapeWord::BullNose), None) => Some(("shape", "a bull nose needs `corner_radius_mm`".to_owned())),
            (_, Some(mm)) if !(0.0 < mm && mm < half_mm) => Some((
                "corner_radius_mm",
                format!("`corner_radius_mm` is {mm}, expected above 0 and below half the diameter"),
            )),
            _ => None,
        }
    }
}
