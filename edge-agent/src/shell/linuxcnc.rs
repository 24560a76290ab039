//! What a job and a configuration say about a LinuxCNC, for its link.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use firmware_bridge::dialect::linuxcnc::{ContextExpectation, ReaderConfig, STATUS_PROGRAM, writes_offsets};
use firmware_bridge::link::{ControllerLink, LinuxCncSettings, StatusSource};
use shared::files::JobFile;
use shared::ident::Digest;
use shared::plan::Override;
use shared::time::Duration;

use super::LoadedJob;
use super::config::LinuxCncConfig;
use super::stop::say;

/// Name of the status program in the state folder.
const STATUS_FILE: &str = "linuxcnc-status.py";
/// Reports older than this are as good as none: they come ten times a second at least.
const STATUS_AGE_MAX: Duration = Duration::from_ms(1000);
/// Work offsets in the order of LinuxCNC's numbers, from 1.
const OFFSETS: [&str; 9] = ["G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3"];

/// Opens the link; LinuxCNC need not run yet.
pub(super) fn open(
    config: &LinuxCncConfig,
    state_dir: &Path,
    job: &LoadedJob,
    without_us: Override,
) -> anyhow::Result<ControllerLink> {
    let status = match &config.status_socket {
        Some(socket) => StatusSource::Socket(socket.clone()),
        None => {
            let script = state_dir.join(STATUS_FILE);
            fs::write(&script, STATUS_PROGRAM).with_context(|| format!("writing {}", script.display()))?;
            StatusSource::Program { python: config.python.clone(), script }
        }
    };
    let settings = LinuxCncSettings {
        library: config.library.clone(),
        channel: config.sampler,
        status,
        reader: ReaderConfig {
            tick_period: config.tick_period,
            status_age_max: STATUS_AGE_MAX,
            power_wired: config.power_wired,
            spindle_measured: config.spindle_measured,
        },
        without_us,
        effect_time_max: config.effect_time_max,
        expected: expected(job),
    };
    ControllerLink::open_linuxcnc(settings, |what| say(&format!("LinuxCNC: {what}"))).context("the controller")
}

fn expected(job: &LoadedJob) -> ContextExpectation {
    ContextExpectation {
        program: Digest::of(&job.program),
        diameters: job.job.tools.iter().map(|(number, tool)| (*number, tool.diameter)).collect(),
        origins_mm: origins_mm(&job.manifest),
        writes_offsets: writes_offsets(&job.program),
    }
}

/// Origins that the job states; one in a unit that is none was refused when the job was compiled.
fn origins_mm(manifest: &JobFile) -> BTreeMap<u8, [f64; 3]> {
    let number = |name: &str| OFFSETS.iter().position(|known| *known == name).and_then(|at| u8::try_from(at + 1).ok());
    let mm = |units: &str| if units == "inch" { 25.4 } else { 1.0 };
    let stated = manifest.wcs.iter();
    stated.filter_map(|(name, wcs)| Some((number(name)?, wcs.origin.map(|value| value * mm(&wcs.units))))).collect()
}
