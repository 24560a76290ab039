//! The cases: one raster of our own that cuts for minutes, the demo, and a real program on two spindles.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scenarios::format::Scenario;
use shared::job::Job;
use tempfile::TempDir;

/// A face of 300 x 200 mm in two layers: first a slot, then half immersion, in a material with an edge part.
const RASTER: &str = r#"
schema = 1
name = "raster"
seed = 5
[program]
file = "part.nc"
[machine]
file = "generic-vmc"
[stock]
shape = "box"
min = [0.0, 0.0, -20.0]
max = [300.0, 130.0, 0.0]
units = "mm"
[tools]
library = "tools.toml"
[material]
name = "7050-T7451"
[limits]
feed_override = { min = 0.30, max = 1.00, step = 0.01, slew_per_s = 5.0 }
force_peak_share = 0.9
[run]
sample_ms = 20.0
[truth]
spread = 0.0
noise = 0.01
"#;

const RASTER_TOOLS: &str = "schema = 1\n[[tool]]\nnumber = 1\nname = \"end mill 20 mm\"\nshape = \"flat\"\ndiameter_mm = 20.0\nflutes = 4\n\
    helix_deg = 30.0\nflute_length_mm = 38.0\nshank_diameter_mm = 20.0\nstickout_mm = 60.0\n";

fn raster_program() -> String {
    let mut text = "G21 G90 G17 G94\nT1 M6\nS5000 M3\nG0 X-15. Y10. Z10.\nG4 P6.\n".to_owned();
    for layer in 1..=2 {
        let z = -4.0 * f64::from(layer);
        text += &format!("G0 X-15. Y10.\nG1 Z{z} F2000.\n");
        for pass in 0..11 {
            let y = 10.0 + 10.0 * f64::from(pass);
            let x = if pass % 2 == 0 { 315.0 } else { -15.0 };
            text += &format!("G1 Y{y} F2000.\nG1 X{x} F2000.\n");
        }
        text += "G0 Z10.\nG4 P4.\n";
    }
    text + "M30\n"
}

/// A scenario with its compiled job.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) job: Arc<Job>,
    /// Its files, while they are needed.
    _folder: Option<TempDir>,
}

fn case(name: &'static str, path: &Path, folder: Option<TempDir>, spindle: Option<(&str, &str)>) -> Case {
    let mut scenario = Scenario::load(path.to_str().expect("a path of text"), 1.0).expect("the case loads");
    scenario.file.truth.spread = 0.0;
    if let Some((usual, small)) = spindle {
        let replaced = scenario.sources.parts.values_mut().filter_map(|part| {
            let text = std::str::from_utf8(part).ok().filter(|text| text.contains(usual))?.replace(usual, small);
            *part = text.into_bytes();
            Some(())
        });
        assert_eq!(replaced.count(), 1, "{name}: one file says `{usual}`");
    }
    let (job, diagnostics) = Job::compile(&scenario.sources);
    let job = Arc::new(job.unwrap_or_else(|| panic!("{name}: {diagnostics:?}")));
    Case { name, scenario, job, _folder: folder }
}

pub(crate) fn raster() -> Case {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a writable folder");
    write("case.toml", RASTER);
    write("part.nc", &raster_program());
    write("tools.toml", RASTER_TOOLS);
    let path = folder.path().join("case.toml");
    case("raster", &path, Some(folder), None)
}

pub(crate) fn demo() -> Case {
    case("demo", Path::new("demo"), None, None)
}

/// The NIST box with its 6 mm cutter; `None`, loudly, where the corpus is absent. In CI it must be there.
///
/// On the mill it was recorded on, 13 kW, a step of the load meter is more than the whole cut, and nothing can be learned.
/// [`Spindle::Router`] gives it a spindle of 0.5 kW that idles at 40 W, as small routers have.
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen.
pub(crate) fn nist_box(spindle: Spindle) -> Option<Case> {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus"));
    if corpus.is_dir() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/nist-box-op2/scenario.toml");
        return Some(match spindle {
            Spindle::Mill => case("box on a mill", &path, None, None),
            Spindle::Router => case("box on a router", &path, None, Some((MILL, ROUTER))),
        });
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "the real programs are absent in CI");
    eprintln!("SKIPPED: {} is absent; no real program was run", corpus.display());
    None
}

/// True where the long form is asked for: `ESTIMATOR_LONG=1`.
#[allow(clippy::disallowed_methods)] // A form of the test, no input of what is tested.
pub(crate) fn is_long() -> bool {
    std::env::var_os("ESTIMATOR_LONG").is_some_and(|form| form == "1")
}

/// What turns the cutter of the box.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spindle {
    Mill,
    Router,
}

/// The lines of the machine file that say it.
const MILL: &str = "power_max_kw = 13.0\ntorque_max_n_m = 80.0\nefficiency = 0.85\nidle_power_kw = 0.5";
const ROUTER: &str = "power_max_kw = 0.5\ntorque_max_n_m = 4.0\nefficiency = 0.85\nidle_power_kw = 0.04";
