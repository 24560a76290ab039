//! Limits by tool and material: what `cosim optimise --limits` reads.
//!
//! TOML with the keys of a scenario's `[limits]`. `[limits]` holds for the job; `[material.NAME]` for every tool in
//! that material; `[tool.N]` for one tool; the later of these takes the place of the earlier, key by key. A share of
//! the peak means the program's own highest peak in `[limits]` and the tool's own in the others.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::files::{FileText, LengthRange, LimitsSection, parse_toml, read_limits};
use shared::ident::ToolNumber;
use shared::program::Diagnostic;

use crate::simulate::StatedLimits;

/// A limits file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    schema: u32,
    /// For the whole job.
    pub limits: Option<LimitsSection>,
    #[serde(default)]
    tool: BTreeMap<String, LoadSection>,
    #[serde(default)]
    material: BTreeMap<String, LoadSection>,
}

/// The keys of `[limits]` that may differ by tool.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadSection {
    force_peak_xy_n: Option<f64>,
    force_peak_share: Option<f64>,
    torque_n_m: Option<f64>,
    spindle_power_kw: Option<f64>,
    chip_thickness_mm: Option<LengthRange>,
    surface_cusp_mm: Option<f64>,
    deflection_mm: Option<f64>,
    bending_stress_n_mm2: Option<f64>,
    uncertainty: Option<f64>,
    first_contact: Option<f64>,
    plunge: Option<f64>,
}

/// A named choice of limits for who has none of his own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Each tool at most 70 % of its own highest peak force at 100 %; 70 % of the feed into material and down.
    Conservative,
    /// 85 % and 85 %.
    Normal,
}

impl Level {
    /// Names with what they stand for.
    pub const NAMES: [(&str, Self); 2] = [("conservative", Self::Conservative), ("normal", Self::Normal)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conservative => "conservative",
            Self::Normal => "normal",
        }
    }

    fn section(self) -> LoadSection {
        let share = match self {
            Self::Conservative => 0.7,
            Self::Normal => 0.85,
        };
        LoadSection {
            force_peak_share: Some(share),
            first_contact: Some(share),
            plunge: Some(share),
            ..LoadSection::default()
        }
    }
}

impl LoadSection {
    fn over(&self, below: &LimitsSection) -> LimitsSection {
        LimitsSection {
            force_peak_xy_n: self.force_peak_xy_n.or(below.force_peak_xy_n),
            force_peak_share: self.force_peak_share.or(below.force_peak_share),
            torque_n_m: self.torque_n_m.or(below.torque_n_m),
            spindle_power_kw: self.spindle_power_kw.or(below.spindle_power_kw),
            chip_thickness_mm: self.chip_thickness_mm.or(below.chip_thickness_mm),
            surface_cusp_mm: self.surface_cusp_mm.or(below.surface_cusp_mm),
            spindle_duty: below.spindle_duty,
            deflection_mm: self.deflection_mm.or(below.deflection_mm),
            bending_stress_n_mm2: self.bending_stress_n_mm2.or(below.bending_stress_n_mm2),
            uncertainty: self.uncertainty.or(below.uncertainty),
            first_contact: self.first_contact.or(below.first_contact),
            plunge: self.plunge.or(below.plunge),
            feed_override: below.feed_override,
            finish_do_not_touch: below.finish_do_not_touch.clone(),
        }
    }
}

impl LimitsFile {
    /// Reads a limits file.
    ///
    /// # Errors
    /// What is wrong, with its line and what to do.
    pub fn parse(file: FileText<'_>) -> Result<Self, Vec<Diagnostic>> {
        let read: Self = parse_toml(file).map_err(|error| vec![*error])?;
        let wrong =
            |key: &str, message: String, advice: &str| file.error_at(key, "limits::value", message, advice.to_owned());
        let mut errors = Vec::new();
        if read.schema != 1 {
            errors.push(wrong("schema", format!("schema {} is not known", read.schema), "this version reads schema 1"));
        }
        if let Some(Err((key, message))) = read.limits.as_ref().map(read_limits) {
            errors.push(wrong(key, format!("`{key}`: {message}"), "correct the figure; the unit is in the key"));
        }
        for (kind, sections) in [("tool", &read.tool), ("material", &read.material)] {
            for (name, section) in sections {
                if let Err((key, message)) = read_limits(&section.over(&LimitsSection::default())) {
                    let key = format!("{kind}.{name}.{}", key.trim_start_matches("limits."));
                    let message = format!("`{key}`: {message}");
                    errors.push(wrong(&key, message, "correct the figure; the unit is in the key"));
                }
            }
        }
        for name in read.tool.keys().filter(|name| name.parse::<u32>().is_err()) {
            let message = format!("`tool.{name}` names no tool");
            errors.push(wrong(&format!("tool.{name}"), message, "write the T number: [tool.3]"));
        }
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// Numbers of the tools that have sections.
    pub fn tools(&self) -> impl Iterator<Item = ToolNumber> {
        self.tool.keys().filter_map(|name| name.parse().ok()).map(ToolNumber)
    }
}

/// The limits of each tool: those of the job, in their place those of the level, of the material, and of the tool.
///
/// # Errors
/// The first combination that cannot be meant, with a sentence.
pub fn limits_by_tool(
    tools: impl Iterator<Item = ToolNumber>,
    material: &str,
    job: &LimitsSection,
    level: Option<Level>,
    file: Option<&LimitsFile>,
) -> Result<BTreeMap<ToolNumber, StatedLimits>, String> {
    let level = level.map(Level::section);
    let of_material = file.and_then(|file| file.material.get(material));
    let mut stated = BTreeMap::new();
    for tool in tools {
        let of_tool = file.and_then(|file| file.tool.get(&tool.0.to_string()));
        // A share of the job is one of the program's peak and stays with the job.
        let mut section = LimitsSection { force_peak_share: None, ..job.clone() };
        let own = [level.as_ref(), of_material, of_tool];
        if own.iter().all(Option::is_none) {
            continue;
        }
        for above in own.into_iter().flatten() {
            section = above.over(&section);
        }
        let limits = read_limits(&section).map_err(|(key, message)| format!("{tool}: `{key}`: {message}"))?;
        stated.insert(tool, StatedLimits { limits, force_peak_share: section.force_peak_share });
    }
    Ok(stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "schema = 1\n[limits]\nspindle_power_kw = 2.0\n[material.\"C45E\"]\nforce_peak_xy_n = 500.0\n\
                        [tool.3]\nforce_peak_xy_n = 90.0\nplunge = 0.5\n";

    fn parsed(text: &str) -> Result<LimitsFile, Vec<Diagnostic>> {
        LimitsFile::parse(FileText { name: "limits.toml", text })
    }

    #[test]
    fn the_tool_takes_the_place_of_the_material_and_that_of_the_job() {
        let file = parsed(FILE).expect("a limits file");
        let job = file.limits.clone().expect("limits of the job");
        let of = |material: &str, tool: u32| {
            let tool = ToolNumber(tool);
            let all = limits_by_tool([tool].into_iter(), material, &job, None, Some(&file)).expect("limits");
            all.get(&tool)
                .map(|stated| (stated.limits.force_peak_xy.map(|n| n.as_n()), stated.limits.plunge_factor.permille()))
        };
        assert_eq!(of("C45E", 3), Some((Some(90.0), 500)));
        assert_eq!(of("C45E", 4), Some((Some(500.0), 1000)));
        assert_eq!(of("6061-T6", 4), None);
        let level = limits_by_tool([ToolNumber(4)].into_iter(), "x", &job, Some(Level::Normal), None).expect("limits");
        assert_eq!(level[&ToolNumber(4)].force_peak_share, Some(0.85));
        assert_eq!(level[&ToolNumber(4)].limits.power_max.map(|w| w.as_w()), Some(2000.0));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let check = |text: &str, line: u32, words: &str| {
            let errors = parsed(text).expect_err(text);
            assert!(errors[0].line == line && errors[0].to_string().contains(words), "{text}: {}", errors[0]);
        };
        check("schema = 2\n", 1, "schema 2");
        check("schema = 1\n[tool.3]\nforce = 1.0\n", 3, "force");
        check("schema = 1\n[tool.3]\nforce_peak_xy_n = -1.0\n", 3, "tool.3.force_peak_xy_n");
        check("schema = 1\n[tool.T3]\nforce_peak_xy_n = 1.0\n", 2, "names no tool");
        check("schema = 1\n[limits]\nplunge = 3.0\n", 3, "limits.plunge");
    }
}
