//! What the calculators share: figures within a range, sides of the cut, materials, a result in text or JSON.

use std::f64::consts::PI;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;
use shared::cutting::Material;
use shared::det::math;
use shared::files::{FileText, MaterialSection, read_material};

use super::simulate::write_file;
use super::{EXIT_INFRASTRUCTURE, EXIT_PASS, bad_input, draw};
use crate::format::{Builtin, LoadError, builtin_names, read_file};

/// A number from `least` to `most`; what is said otherwise names both and the unit.
pub(super) fn within(
    least: f64,
    most: f64,
    unit: &'static str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let expected = || format!("expected a number from {least} to {most} {unit}");
        let value: f64 = text.trim().parse().map_err(|_| expected())?;
        if (least..=most).contains(&value) { Ok(value) } else { Err(expected()) }
    }
}

/// On which side of the cutter the material stands, seen along the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    /// Climb milling: the chip begins thick.
    Down,
    /// Conventional milling: the chip begins at nothing.
    Up,
    /// A face mill that straddles the cut, the cut in the middle.
    Centre,
}

impl Side {
    /// φ_st and φ_ex in rad for a_e as a share of the diameter, 0 to 1.
    pub(super) fn immersion_rad(self, share: f64) -> (f64, f64) {
        let arc = math::acos(1.0 - 2.0 * share.clamp(0.0, 1.0));
        match self {
            Self::Up => (0.0, arc),
            Self::Down => (PI - arc, PI),
            Self::Centre => {
                let half = math::asin(share.clamp(0.0, 1.0));
                (PI / 2.0 - half, PI / 2.0 + half)
            }
        }
    }
}

/// A material by the name of a built-in or by file; what is wrong is drawn, and the exit code returned.
pub(super) fn material(name: &str) -> Result<Material, u8> {
    let bytes = match Builtin::Material.find(name) {
        Some(bytes) => bytes.to_vec(),
        None => read_file(Path::new(name), name).map_err(|error: LoadError| {
            let code = bad_input(&error);
            draw::line(&format!("built-in materials: {}", builtin_names(Builtin::Material).join(", ")));
            code
        })?,
    };
    let text = String::from_utf8(bytes).map_err(|_| draw::message(&format!("{name} is not UTF-8 text")))?;
    let section = MaterialSection { name: name.to_owned(), kc1_1: None, mc: None };
    read_material(FileText { name, text: &text }, &section).map_err(|diagnostics| {
        bad_input(&LoadError { diagnostics, texts: [(name.to_owned(), text.clone())].into_iter().collect() })
    })
}

/// Writes the result: JSON where it is asked for, and the text unless JSON took its place.
pub(super) fn print(text: &str, value: &Value, json: Option<&PathBuf>) -> u8 {
    if let Some(path) = json {
        let written = write_file(path, &mut |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        });
        if let Err(message) = written {
            draw::line(&message);
            return EXIT_INFRASTRUCTURE;
        }
    }
    if json.is_none_or(|path| path.as_os_str() != "-") {
        // A closed standard output leaves nobody to tell.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
    EXIT_PASS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immersions_are_those_of_the_textbook() {
        let check = |side: Side, share: f64, expected: (f64, f64)| {
            let found = side.immersion_rad(share);
            let near = (found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12;
            assert!(near, "{side:?} {share}: {found:?} instead of {expected:?}");
        };
        check(Side::Up, 0.5, (0.0, PI / 2.0));
        check(Side::Down, 0.5, (PI / 2.0, PI));
        check(Side::Down, 1.0, (0.0, PI));
        check(Side::Centre, 0.5, (PI / 3.0, 2.0 * PI / 3.0));
        assert!(within(1.0, 2.0, "mm")("2.5").is_err() && within(1.0, 2.0, "mm")("x").is_err());
        assert_eq!(within(1.0, 2.0, "mm")("1.5"), Ok(1.5));
    }
}
