//! What stands beside the stock, and what is to become of it.
//!
//! Fixtures are solids in the work frame. One that is stated in machine coordinates is moved there by the origin of
//! the work frame: it stays where it is bolted, and a work offset that is wrong brings the tool to it. Meshes are
//! named here and read by who needs them.

use super::inputs::Inputs;
use super::stock::{block, mesh_unit, within_reach};
use crate::files::{FixtureSection, JobFile, MeshSection, PartSection};
use crate::geom::{Aabb, Point, Vector};
use crate::machine::LengthUnit;
use crate::units::Length;

/// Most fixtures of a job.
const FIXTURES_MAX: usize = 256;
/// Greatest clearance that may be asked for, mm.
const CLEARANCE_MAX_MM: f64 = 1e3;

/// Form of a fixture, work frame.
#[derive(Clone, Debug, PartialEq)]
pub enum SolidSpec {
    /// A block.
    Box(Aabb),
    /// An upright cylinder.
    Cylinder {
        /// Centre of the lower face.
        centre: Point,
        /// Diameter.
        diameter: Length,
        /// Height.
        height: Length,
    },
    /// A mesh, by the name of its part in the sources.
    Mesh {
        /// Name of the part.
        part: String,
        /// Unit of its coordinates; `None` leaves it to a file that says one.
        unit: Option<LengthUnit>,
        /// From the origin of the mesh to where it stands, mm.
        at: Vector,
    },
}

/// A fixture.
#[derive(Clone, Debug, PartialEq)]
pub struct FixtureSpec {
    /// Name for reports.
    pub name: String,
    /// Form and place.
    pub solid: SolidSpec,
    /// How close the tool may pass.
    pub clearance: Length,
}

/// The finished part: a closed mesh in the work frame.
#[derive(Clone, Debug, PartialEq)]
pub struct PartSpec {
    /// Name of the mesh in the sources.
    pub part: String,
    /// Unit of its coordinates; `None` leaves it to a file that says one.
    pub unit: Option<LengthUnit>,
    /// From the origin of the mesh to where it stands, mm.
    pub at: Vector,
    /// How far the surface may lie below the part's.
    pub tolerance: Length,
}

impl FixtureSpec {
    /// From a job file, for a work frame with this origin in machine coordinates.
    fn from_section(section: &FixtureSection, origin_mm: [f64; 3]) -> Result<Self, (&'static str, String)> {
        let shift = Vector::from(section.at_mm) - frame_origin(section, origin_mm)?;
        within_reach("at_mm", &section.at_mm)?;
        if !(0.0..=CLEARANCE_MAX_MM).contains(&section.clearance_mm) {
            let message = format!("{} is not a clearance, expected 0 to {CLEARANCE_MAX_MM} mm", section.clearance_mm);
            return Err(("clearance_mm", message));
        }
        let scale = |word: &str| {
            super::stock::length_unit(word)
                .map(LengthUnit::mm)
                .ok_or_else(|| ("units", format!("`{word}` is not a unit, expected \"mm\" or \"inch\"")))
        };
        let solid = match (&section.block, &section.cylinder, &section.mesh) {
            (Some(written), None, None) => {
                let bounds = block(&written.min, &written.max, scale(&written.units)?)
                    .map_err(|(key, message)| (if key == "stock.min" { "box.min" } else { "box.max" }, message))?;
                SolidSpec::Box(Aabb { min: bounds.min + shift, max: bounds.max + shift })
            }
            (None, Some(written), None) => {
                let scale = scale(&written.units)?;
                within_reach("cylinder.centre", &written.centre)?;
                within_reach("cylinder.diameter", &[written.diameter, written.height])?;
                if written.diameter <= 0.0 || written.height <= 0.0 {
                    let message = format!("a cylinder {} × {} has no volume", written.diameter, written.height);
                    return Err(("cylinder.diameter", message));
                }
                SolidSpec::Cylinder {
                    centre: Point::from(written.centre.map(|v| v * scale)) + shift,
                    diameter: Length::mm(written.diameter * scale),
                    height: Length::mm(written.height * scale),
                }
            }
            (None, None, Some(MeshSection { file, units })) => {
                let unit = mesh_unit(file, units.as_deref()).map_err(|message| ("mesh.units", message))?;
                SolidSpec::Mesh { part: file.clone(), unit, at: shift }
            }
            _ => return Err(("box", "a fixture has exactly one of `box`, `cylinder` and `mesh`".to_owned())),
        };
        Ok(Self { name: section.name.clone(), solid, clearance: Length::mm(section.clearance_mm) })
    }
}

impl PartSpec {
    fn from_section(section: &PartSection) -> Result<Self, (&'static str, String)> {
        within_reach("at_mm", &section.at_mm)?;
        if !(section.tolerance_mm > 0.0 && section.tolerance_mm <= CLEARANCE_MAX_MM) {
            return Err(("tolerance_mm", format!("{} is not a tolerance, expected above 0", section.tolerance_mm)));
        }
        let MeshSection { file, units } = &section.mesh;
        Ok(Self {
            part: file.clone(),
            unit: mesh_unit(file, units.as_deref()).map_err(|message| ("mesh.units", message))?,
            at: Vector::from(section.at_mm),
            tolerance: Length::mm(section.tolerance_mm),
        })
    }
}

fn frame_origin(section: &FixtureSection, origin_mm: [f64; 3]) -> Result<Vector, (&'static str, String)> {
    match section.frame.as_str() {
        "work" => Ok(Vector::zeros()),
        "machine" => Ok(Vector::from(origin_mm)),
        other => Err(("frame", format!("`{other}` is not a frame, expected \"work\" or \"machine\""))),
    }
}

/// What is wrong with the fixtures and the part of a manifest: keys and sentences.
pub(super) fn fixture_problems(manifest: &JobFile) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if manifest.fixtures.len() > FIXTURES_MAX {
        let message = format!("{} fixtures are more than the {FIXTURES_MAX} supported", manifest.fixtures.len());
        problems.push(("fixture".to_owned(), message));
    }
    for section in manifest.fixtures.iter().take(FIXTURES_MAX) {
        if let Err((key, message)) = FixtureSpec::from_section(section, [0.0; 3]) {
            problems.push((format!("fixture.{key}"), format!("{}: {message}", section.name)));
        }
    }
    if let Some(Err((key, message))) = manifest.part.as_ref().map(PartSpec::from_section) {
        problems.push((format!("part.{key}"), message));
    }
    problems
}

impl Inputs<'_> {
    /// The fixtures in the work frame; what is wrong with them has been said by the check of the manifest.
    pub(super) fn fixtures(&mut self, origin_mm: [f64; 3]) -> Vec<FixtureSpec> {
        let sections = &self.manifest().fixtures;
        let fixtures = sections.iter().filter_map(|section| FixtureSpec::from_section(section, origin_mm).ok());
        let fixtures: Vec<FixtureSpec> = fixtures.collect();
        for fixture in &fixtures {
            if let SolidSpec::Mesh { part, .. } = &fixture.solid {
                self.part_named(part);
            }
        }
        fixtures
    }

    /// The finished part, where the job names one.
    pub(super) fn part(&mut self) -> Option<PartSpec> {
        let part = PartSpec::from_section(self.manifest().part.as_ref()?).ok()?;
        self.part_named(&part.part);
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(more: &str) -> JobFile {
        let job =
            "schema = 1\nname = \"a\"\n[program]\nfile = \"a.nc\"\n[machine]\nfile = \"m\"\n[material]\nname = \"x\"\n";
        toml::from_str(&format!("{job}{more}")).expect("the kinds are right")
    }

    #[test]
    fn a_fixture_in_machine_coordinates_stays_where_it_is() {
        let text = "[[fixture]]\nname = \"vice\"\nframe = \"machine\"\nat_mm = [1.0, 0.0, 0.0]\n\
                    box = { min = [-1.0, 0.0, 0.0], max = [0.0, 1.0, 1.0], units = \"inch\" }\n";
        let manifest = manifest(text);
        assert_eq!(fixture_problems(&manifest), []);
        let fixture = FixtureSpec::from_section(&manifest.fixtures[0], [100.0, 0.0, -50.0]).expect("valid");
        let SolidSpec::Box(bounds) = fixture.solid else { panic!("a box") };
        assert!((bounds.min.x + 124.4).abs() < 1e-9 && (bounds.max.z - 75.4).abs() < 1e-9, "{bounds:?}");
        assert_eq!(fixture.clearance, Length::mm(1.0));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let check = |more: &str, keys: &[&str]| {
            let found: Vec<String> = fixture_problems(&manifest(more)).into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, keys, "{more}");
        };
        let fixture = |rest: &str| format!("[[fixture]]\nname = \"a\"\n{rest}\n");
        check(&fixture(""), &["fixture.box"]);
        check(&fixture("mesh = { file = \"a.stl\" }"), &["fixture.mesh.units"]);
        check(&fixture("mesh = { file = \"a.3mf\" }"), &[]);
        check(&fixture("frame = \"table\"\nmesh = { file = \"a.3mf\" }"), &["fixture.frame"]);
        check(&fixture("clearance_mm = -1.0\nmesh = { file = \"a.3mf\" }"), &["fixture.clearance_mm"]);
        check(&fixture("at_mm = [nan, 0.0, 0.0]\nmesh = { file = \"a.3mf\" }"), &["fixture.at_mm"]);
        let inside_out = "box = { min = [0.0, 0.0, 0.0], max = [1.0, -1.0, 1.0], units = \"mm\" }";
        check(&fixture(inside_out), &["fixture.box.max"]);
        let flat = "cylinder = { centre = [0.0, 0.0, 0.0], diameter = 1.0, height = 0.0, units = \"mm\" }";
        check(&fixture(flat), &["fixture.cylinder.diameter"]);
        check("[part]\ntolerance_mm = 0.0\nmesh = { file = \"a.stl\", units = \"mm\" }\n", &["part.tolerance_mm"]);
    }
}
