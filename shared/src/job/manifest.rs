use super::fixture::fixture_problems;
use super::stock::{StockSpec, length_unit};
use crate::files::{JobFile, read_limits};
use crate::program::Dialect;

/// Names of the work offsets in a job file, in the order of their numbers.
pub(super) const OFFSET_NAMES: [&str; 9] = ["G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3"];

/// Greatest spindle speed a job may state.
const SPEED_RPM_MAX: f64 = 1e6;

/// A value of a job file that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestProblem {
    /// Its key, for instance `stock.max` or `wcs.G54.units`.
    pub key: String,
    /// What was read and what was expected.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// Checks every value of a job file that does not need another file to be judged. What a parser can refuse
/// (spelling, kinds) it has refused before.
pub fn check_manifest(manifest: &JobFile) -> Vec<ManifestProblem> {
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String, advice: &'static str| {
        problems.push(ManifestProblem { key: key.to_owned(), message, advice });
    };
    let program = &manifest.program;
    if Dialect::parse(&program.dialect).is_none() {
        let message = format!("`{}` is not a dialect", program.dialect);
        problem("program.dialect", message, "use auto, rs274ngc, fanuc, haas, siemens or grbl");
    }
    if let Some(word) = program.units.as_ref().filter(|word| length_unit(word).is_none()) {
        problem("program.units", format!("`{word}` is not a unit"), "use \"mm\" or \"inch\"");
    }
    for name in program.params.keys().filter(|name| name.parse::<u32>().is_err()) {
        problem("program.params", format!("`{name}` is not a number of a variable"), "write \"501\" = 1");
    }
    for (name, section) in &manifest.wcs {
        if !OFFSET_NAMES.contains(&name.as_str()) {
            let message = format!("`{name}` is not a work offset");
            problem(&format!("wcs.{name}"), message, "use G54 to G59 or G59.1 to G59.3");
        }
        if length_unit(&section.units).is_none() {
            let message = format!("`{}` is not a unit", section.units);
            problem(&format!("wcs.{name}.units"), message, "use \"mm\" or \"inch\"");
        }
        if section.origin.iter().any(|value| !(value.is_finite() && value.abs() < 1e6)) {
            let message = format!("{:?} is not a place, expected three numbers below 1000000", section.origin);
            problem(&format!("wcs.{name}.origin"), message, "give machine coordinates");
        }
    }
    if let Some(Err((key, message))) = manifest.stock.as_ref().map(StockSpec::from_section) {
        problem(key, message, "correct [stock]");
    }
    for (key, message) in fixture_problems(manifest) {
        problem(&key, message, "correct the entry");
    }
    if let Some(word) = manifest.tools.units.as_ref().filter(|word| length_unit(word).is_none()) {
        problem("tools.units", format!("`{word}` is not a unit"), "use \"mm\" or \"inch\"");
    }
    for number in manifest.tools.map.keys().filter(|number| number.parse::<u32>().is_err()) {
        problem("tools.map", format!("`{number}` is not a tool number"), "write \"23\" = \"1/8 SPOTDRILL\"");
    }
    if let Some(rpm) = manifest.tools.speed_rpm.filter(|rpm| !(*rpm > 0.0 && *rpm <= SPEED_RPM_MAX)) {
        let message = format!("{rpm} is not a spindle speed, expected above 0 and at most {SPEED_RPM_MAX} rpm");
        problem("tools.speed_rpm", message, "correct the figure");
    }
    let coefficients =
        [("material.kc1_1", manifest.material.kc1_1, 1.0..=1e5), ("material.mc", manifest.material.mc, 0.0..=0.99)];
    for (key, value, range) in coefficients {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            problem(
                key,
                format!("{value} is not a coefficient, expected {} to {}", range.start(), range.end()),
                "correct the figure",
            );
        }
    }
    if let Err((key, message)) = read_limits(&manifest.limits) {
        problem(key, message, "correct the figure in [limits]");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str =
        "schema = 1\nname = \"a\"\n[program]\nfile = \"a.nc\"\n[machine]\nfile = \"m\"\n[material]\nname = \"x\"\n";

    #[test]
    fn every_value_that_cannot_be_meant_is_named_by_its_key() {
        let check = |more: &str, expected: &[&str]| {
            let job: JobFile = toml::from_str(&format!("{JOB}{more}")).expect("the kinds are right");
            let keys: Vec<String> = check_manifest(&job).into_iter().map(|problem| problem.key).collect();
            assert_eq!(keys, expected, "{more}");
        };
        check("", &[]);
        check("kc1_1 = -3.0\nmc = 2.0\n", &["material.kc1_1", "material.mc"]);
        check("[wcs.G54]\norigin = [0.0, nan, 0.0]\nunits = \"cm\"\n", &["wcs.G54.units", "wcs.G54.origin"]);
        check("[wcs.G60]\norigin = [0.0, 0.0, 0.0]\nunits = \"mm\"\n", &["wcs.G60"]);
        check("[tools]\nspeed_rpm = -5.0\n", &["tools.speed_rpm"]);
        check("[limits]\nuncertainty = nan\n", &["limits.uncertainty"]);
        let stock =
            |max: &str| format!("[stock]\nshape = \"box\"\nmin = [0.0, 0.0, 0.0]\nmax = {max}\nunits = \"mm\"\n");
        check(&stock("[1.0, 1.0, 1.0]"), &[]);
        check(&stock("[1.0, -1.0, 1.0]"), &["stock.max"]);
        check(&stock("[1.0, 1.0, 1e9]"), &["stock.max"]);
    }
}
