use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use firmware_bridge::dialect::grbl::Flavour;
use firmware_bridge::link::hal::HAL_LIBRARY;
use firmware_bridge::link::{ControllerKind, PortAddress, ProgramSender};
use serde::Deserialize;
use shared::ident::Name;
use shared::time::Duration;
use shared::wire::{Preset, PublicKey};
use toml::Spanned;

use super::network::{Access, TlsFiles};
use crate::config::Arming;
use crate::setup::Budget;

/// Greatest size of a configuration.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with a configuration, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}; {advice}")]
pub(super) struct ConfigError {
    file: String,
    line: usize,
    column: usize,
    message: String,
    advice: &'static str,
}

/// A configuration that has been checked. Paths are relative to the folder of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) machine_name: Name,
    pub(super) job: PathBuf,
    pub(super) state_dir: PathBuf,
    pub(super) recording: Option<PathBuf>,
    pub(super) arming: Arming,
    pub(super) arm_at_start: bool,
    pub(super) kind: ControllerKind,
    pub(super) controller: Controller,
    pub(super) sender: ProgramSender,
    pub(super) sample_period: Duration,
    pub(super) start: Start,
    pub(super) cloud: Access,
    pub(super) pin: Pin,
    pub(super) budget: Budget,
    /// Where our state is shown.
    pub(super) export: Option<SocketAddr>,
    pub(super) real_time: RealTimeWish,
}

/// What the system is asked for beside the cycle's priority.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RealTimeWish {
    /// Processors the agent stays on; all where empty.
    pub(super) cpus: Vec<usize>,
    /// Keep all memory in RAM.
    pub(super) lock_memory: bool,
}

/// How the controller is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Controller {
    /// Through a socket or a serial port.
    Port(PortAddress),
    /// In HAL, on this machine.
    LinuxCnc(LinuxCncConfig),
}

/// `[controller]` of kind `linuxcnc`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LinuxCncConfig {
    /// The machine's INI file: for `doctor`, and for the servo period.
    pub(super) ini: Option<PathBuf>,
    /// Where somebody else tells the status; the agent starts the program itself where absent.
    pub(super) status_socket: Option<PathBuf>,
    pub(super) python: PathBuf,
    pub(super) sampler: u32,
    pub(super) library: String,
    pub(super) tick_period: Duration,
    pub(super) power_wired: bool,
    pub(super) spindle_measured: bool,
    pub(super) effect_time_max: Duration,
}

/// Whose messages are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Those that the service with this key signed.
    Key(PublicKey),
    /// All: said in so many words, for demonstrations.
    AcceptUnsigned,
    /// No key is named: nothing may be commanded.
    Nobody,
}

/// Who starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The operator, at the machine.
    Operator,
    /// The agent, on a virtual controller or as the sender to a grbl, once the baseline lies here or this time has
    /// passed.
    WhenReady {
        /// Longest wait.
        within: Duration,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    machine_name: Spanned<String>,
    job: PathBuf,
    state_dir: PathBuf,
    recording: Option<PathBuf>,
    /// A new installation decides and reports, and commands nothing.
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    arm: Arm,
    controller: ControllerSection,
    cloud: CloudSection,
    #[serde(default)]
    budget: BudgetSection,
    #[serde(default)]
    real_time: RealTimeWish,
    export: Option<ExportSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportSection {
    shdr: Spanned<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Shadow,
    Active,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Arm {
    #[default]
    ByOperator,
    AtStart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ControllerSection {
    #[serde(default)]
    kind: KindWord,
    /// Address; not for LinuxCNC, which is on this machine.
    link: Option<Spanned<String>>,
    /// grbl: who sends the program.
    #[serde(default)]
    sender: SenderWord,
    sample_ms: Option<Spanned<f64>>,
    #[serde(default)]
    start: StartWord,
    start_within_s: Option<Spanned<f64>>,
    /// LinuxCNC: its INI file.
    ini: Option<PathBuf>,
    /// LinuxCNC: where the status program listens, if somebody else runs it.
    status_socket: Option<PathBuf>,
    python: Option<PathBuf>,
    hal_library: Option<String>,
    sampler: Option<u32>,
    servo_period_us: Option<Spanned<f64>>,
    #[serde(default)]
    power_wired: bool,
    #[serde(default)]
    spindle_measured: bool,
    effect_time_max_ms: Option<Spanned<f64>>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    #[default]
    Virtual,
    Grbl,
    GrblHal,
    LinuxCnc,
    /// An MTConnect agent.
    Mtconnect,
    /// An MTConnect adapter.
    Shdr,
    /// A recording of one.
    Recording,
}

impl KindWord {
    fn kind(self) -> ControllerKind {
        match self {
            Self::Virtual => ControllerKind::Virtual,
            Self::Grbl => ControllerKind::Grbl(Flavour::Grbl),
            Self::GrblHal => ControllerKind::Grbl(Flavour::GrblHal),
            Self::LinuxCnc => ControllerKind::LinuxCnc,
            Self::Mtconnect | Self::Shdr | Self::Recording => ControllerKind::Advisory,
        }
    }

    /// Ten times a second is usual for grbl, and what the agent needs is more. What adapters of mills say of the line is up
    /// to two looks of 0.15 s old.
    fn sample_ms(self) -> f64 {
        match self {
            Self::Virtual => 10.0,
            Self::Grbl | Self::GrblHal => 40.0,
            // A servo tick.
            Self::LinuxCnc => 1.0,
            Self::Mtconnect | Self::Shdr | Self::Recording => 300.0,
        }
    }

    fn fits(self, address: &PortAddress) -> bool {
        match self {
            Self::Virtual | Self::Shdr => matches!(address, PortAddress::Tcp(_)),
            Self::Grbl | Self::GrblHal => matches!(address, PortAddress::Tcp(_) | PortAddress::Serial { .. }),
            Self::Mtconnect => matches!(address, PortAddress::Agent { .. }),
            Self::Recording => matches!(address, PortAddress::File { .. }),
            // It has no address.
            Self::LinuxCnc => false,
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SenderWord {
    #[default]
    Agent,
    Other,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StartWord {
    #[default]
    ByOperator,
    WhenReady,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudSection {
    connect: Spanned<String>,
    preset: Option<Spanned<String>>,
    tls: Option<TlsSection>,
    key: Option<Spanned<String>>,
    #[serde(default)]
    unsigned: Unsigned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSection {
    ca: PathBuf,
    certificate: PathBuf,
    private_key: PathBuf,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unsigned {
    #[default]
    Refuse,
    Accept,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetSection {
    cycle_ms: Option<Spanned<f64>>,
    end_to_end_ms: Option<Spanned<f64>>,
    horizon_min_s: Option<Spanned<f64>>,
    horizon_target_s: Option<Spanned<f64>>,
    time_to_live_ms: Option<Spanned<f64>>,
}

/// Longest effect time under which a plan is followed, unless the file says otherwise: five times what is declared.
const EFFECT_MS_MAX: f64 = 50.0;
/// LinuxCNC's own Python has its module.
const PYTHON: &str = "/usr/bin/python3";

/// Servo period of the INI file, if it can be read; LinuxCNC's usual one else.
fn servo_period_us(section: &ControllerSection, folder: &Path) -> f64 {
    let text = section.ini.as_ref().and_then(|ini| fs::read_to_string(folder.join(ini)).ok()).unwrap_or_default();
    let period = |line: &str| line.trim().strip_prefix("SERVO_PERIOD")?.trim().strip_prefix('=')?.trim().parse().ok();
    let period_ns: Option<f64> = text.lines().find_map(period);
    period_ns.map_or(1000.0, |ns| ns * 1e-3)
}

fn linuxcnc(
    section: &ControllerSection,
    folder: &Path,
    tick_period: Duration,
    effect_time_max: Duration,
) -> LinuxCncConfig {
    LinuxCncConfig {
        ini: section.ini.as_ref().map(|path| folder.join(path)),
        status_socket: section.status_socket.as_ref().map(|path| folder.join(path)),
        python: section.python.clone().unwrap_or_else(|| PYTHON.into()),
        sampler: section.sampler.unwrap_or(0),
        library: section.hal_library.clone().unwrap_or_else(|| HAL_LIBRARY.to_owned()),
        tick_period,
        power_wired: section.power_wired,
        spindle_measured: section.spindle_measured,
        effect_time_max,
    }
}

/// Reads and checks a configuration file.
pub(super) fn read(path: &Path) -> Result<Config, ConfigError> {
    let name = path.display().to_string();
    let unreadable = |message: String| ConfigError {
        file: name.clone(),
        line: 0,
        column: 0,
        message,
        advice: "name a configuration file in TOML",
    };
    let size = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > CONFIG_BYTES_MAX {
        return Err(unreadable(format!("the file has {size} bytes; at most {CONFIG_BYTES_MAX} are read")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    parse(&name, &text, path.parent().unwrap_or(Path::new("")))
}

fn parse(name: &str, text: &str, folder: &Path) -> Result<Config, ConfigError> {
    let reader = Reader { name, text };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.error(
            at,
            error.message().to_owned(),
            "correct the line; `edge-agent run --help` says what the file is for",
        )
    })?;
    let machine_name = reader.machine_name(&file)?;
    let within = |value: &Option<Spanned<f64>>, default: f64, min: f64, max: f64| -> Result<f64, ConfigError> {
        let Some(spanned) = value else { return Ok(default) };
        let found = *spanned.get_ref();
        if found.is_finite() && (min..=max).contains(&found) {
            return Ok(found);
        }
        let message = format!("{found} is outside {min} to {max}");
        Err(reader.error(spanned.span().start, message, "correct the figure"))
    };
    let ms = |value: f64| Duration::from_s(value * 1e-3);
    let budget = &file.budget;
    let horizon_min_s = within(&budget.horizon_min_s, 0.5, 0.01, 60.0)?;
    let start_within_s = within(&file.controller.start_within_s, 60.0, 0.0, 3600.0)?;
    let section = &file.controller;
    let mut sample_period = ms(within(&section.sample_ms, section.kind.sample_ms(), 0.1, 10_000.0)?);
    let controller = if section.kind == KindWord::LinuxCnc {
        let told_us = within(&section.servo_period_us, servo_period_us(section, folder), 50.0, 100_000.0)?;
        sample_period = ms(told_us * 1e-3);
        let effect_ms = within(&section.effect_time_max_ms, EFFECT_MS_MAX, 1.0, 1000.0)?;
        Controller::LinuxCnc(linuxcnc(section, folder, sample_period, ms(effect_ms)))
    } else {
        Controller::Port(reader.address(section)?)
    };
    Ok(Config {
        machine_name,
        job: folder.join(&file.job),
        state_dir: folder.join(&file.state_dir),
        recording: file.recording.as_ref().map(|path| folder.join(path)),
        arming: reader.arming(&file)?,
        arm_at_start: file.arm == Arm::AtStart,
        kind: file.controller.kind.kind(),
        controller,
        sender: match file.controller.sender {
            SenderWord::Agent => ProgramSender::Agent,
            SenderWord::Other => ProgramSender::Other,
        },
        sample_period,
        start: match file.controller.start {
            StartWord::ByOperator => Start::Operator,
            StartWord::WhenReady => Start::WhenReady { within: Duration::from_s(start_within_s) },
        },
        cloud: reader.access(&file.cloud, folder)?,
        pin: reader.pin(&file)?,
        budget: Budget {
            cycle: ms(within(&budget.cycle_ms, 5.0, 0.5, 100.0)?),
            end_to_end: ms(within(&budget.end_to_end_ms, 50.0, 1.0, 10_000.0)?),
            horizon_min: Duration::from_s(horizon_min_s),
            horizon_target: Duration::from_s(within(&budget.horizon_target_s, 1.5, horizon_min_s, 60.0)?),
            time_to_live: ms(within(&budget.time_to_live_ms, 200.0, 10.0, 10_000.0)?),
        },
        export: file.export.as_ref().map(|export| reader.loopback(&export.shdr)).transpose()?,
        real_time: file.real_time.clone(),
    })
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn error(&self, at: usize, message: String, advice: &'static str) -> ConfigError {
        let before = self.text.get(..at).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        ConfigError { file: self.name.to_owned(), line, column, message, advice }
    }

    fn machine_name(&self, file: &File) -> Result<Name, ConfigError> {
        let at = file.machine_name.span().start;
        let advice = "the name is part of network keys and file names";
        Name::parse(file.machine_name.get_ref()).map_err(|error| self.error(at, error.to_string(), advice))
    }

    fn address(&self, controller: &ControllerSection) -> Result<PortAddress, ConfigError> {
        let Some(link) = &controller.link else {
            let message = "a controller of this kind needs a link".to_owned();
            return Err(self.error(0, message, "write link = \"tcp:ADDRESS:PORT\" or \"serial:PATH@BAUD\""));
        };
        let (text, at) = (link.get_ref(), link.span().start);
        let found = PortAddress::parse(text);
        found.filter(|found| controller.kind.fits(found)).ok_or_else(|| {
            let message = format!("`{text}` is not a link to a controller of this kind");
            let advice = match controller.kind {
                KindWord::Virtual | KindWord::Shdr => "write tcp:ADDRESS:PORT, for example tcp:127.0.0.1:7878",
                KindWord::Mtconnect => {
                    "write http://NAME:PORT or http://NAME:PORT/DEVICE, for example http://agent:5000/mill-1"
                }
                KindWord::Recording => "write file:PATH or file:PATH@SPEED, for example file:/var/run-3.txt@10",
                KindWord::Grbl | KindWord::GrblHal | KindWord::LinuxCnc => {
                    "write serial:PATH@BAUD, for example serial:/dev/ttyUSB0@115200, or tcp:ADDRESS:PORT"
                }
            };
            self.error(at, message, advice)
        })
    }

    /// Whether commands go out; a controller that can only be read takes none.
    fn arming(&self, file: &File) -> Result<Arming, ConfigError> {
        match file.mode {
            Mode::Shadow => Ok(Arming::Shadow),
            Mode::Active if file.controller.kind.kind() == ControllerKind::Advisory => {
                let message = "a controller of this kind can only be read".to_owned();
                let at = file.controller.link.as_ref().map_or(0, |link| link.span().start);
                Err(self.error(at, message, "write mode = \"shadow\""))
            }
            Mode::Active => Ok(Arming::Active),
        }
    }

    /// An address on this computer.
    fn loopback(&self, address: &Spanned<String>) -> Result<SocketAddr, ConfigError> {
        let found = address.get_ref().parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
        found.ok_or_else(|| {
            let message = format!("`{}` is not an address on this computer", address.get_ref());
            self.error(address.span().start, message, "write 127.0.0.1:PORT, for example 127.0.0.1:7879")
        })
    }

    fn pin(&self, file: &File) -> Result<Pin, ConfigError> {
        if let Some(key) = &file.cloud.key {
            let found = PublicKey::parse(key.get_ref()).map_err(|error| {
                self.error(key.span().start, error.to_string(), "copy the key that the service says when it starts")
            })?;
            return Ok(Pin::Key(found));
        }
        if file.cloud.unsigned == Unsigned::Accept {
            return Ok(Pin::AcceptUnsigned);
        }
        if matches!(file.mode, Mode::Active) {
            let message = "mode \"active\" needs the key of the service".to_owned();
            let advice = "write key = \"...\" as the service says it, or unsigned = \"accept\" for a demonstration";
            return Err(self.error(file.cloud.connect.span().start, message, advice));
        }
        Ok(Pin::Nobody)
    }

    fn endpoint(&self, endpoint: &Spanned<String>) -> Result<String, ConfigError> {
        let text = endpoint.get_ref();
        let after_scheme = ["tcp/", "tls/", "quic/", "udp/"].iter().find_map(|scheme| text.strip_prefix(scheme));
        if after_scheme.is_some_and(|address| address.contains(':')) {
            return Ok(text.clone());
        }
        let message = format!("`{text}` is not an endpoint of the service");
        Err(self.error(endpoint.span().start, message, "write tcp/ADDRESS:PORT, for example tcp/127.0.0.1:7447"))
    }

    fn access(&self, cloud: &CloudSection, folder: &Path) -> Result<Access, ConfigError> {
        let endpoint = self.endpoint(&cloud.connect)?;
        let preset = match &cloud.preset {
            None => Preset::Lan,
            Some(word) => Preset::parse(word.get_ref()).ok_or_else(|| {
                let message = format!("`{}` is no preset", word.get_ref());
                self.error(word.span().start, message, "write lan, wan-lossy or nat-tls, the same at both ends")
            })?,
        };
        if let Some(objection) = preset.objection(&endpoint) {
            let advice = "give the service's name and port behind tls/, and [cloud.tls]";
            return Err(self.error(cloud.connect.span().start, objection.to_owned(), advice));
        }
        let tls = cloud.tls.as_ref().map(|tls| TlsFiles {
            authority: folder.join(&tls.ca),
            certificate: folder.join(&tls.certificate),
            private_key: folder.join(&tls.private_key),
        });
        if preset == Preset::NatTls && tls.is_none() {
            let message = "the preset nat-tls needs certificates".to_owned();
            let advice = "add [cloud.tls] with ca, certificate and private_key";
            return Err(self.error(cloud.connect.span().start, message, advice));
        }
        Ok(Access { endpoint, preset, tls })
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
