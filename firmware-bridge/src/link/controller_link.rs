//! The link to a controller of whatever kind, as the cycle of an agent uses it: samples in, commands out, nothing
//! waits.

use std::sync::Arc;

use shared::machine::{LengthUnit, Machine};
use shared::time::{Duration, Instant};

use super::{
    Came, GrblLink, GrblTurn, LinkError, LinuxCncFigures, LinuxCncLink, LinuxCncSettings, PortAddress, Received,
    Source, SourceLink, TcpLink,
};
use crate::controller::{Capabilities, Command, ControllerSample, Execution, Objection};
use crate::dialect::grbl::{
    Flavour, Numbering, Occurrence, OnTrouble, OverrideSettings, ProgramFault, SessionSettings, Streamer,
};
use crate::dialect::linuxcnc::CapabilityRecord;
use crate::dialect::mtconnect;
use crate::dialect::virtual_link::{self, LinkCommand, ReportDecoder, ReportEvent, encode_command, report_decoder};

/// Reads of one cycle, 4 kB each.
const READS_PER_CYCLE_MAX: usize = 16;

/// What is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerKind {
    /// Our own virtual controller.
    Virtual,
    /// grbl or grblHAL.
    Grbl(Flavour),
    /// Something that can only be read: an MTConnect agent, an SHDR adapter, a recording. Which, the address says.
    Advisory,
    /// LinuxCNC on this machine, with `cosim.hal` among its HAL files.
    LinuxCnc,
}

/// Time between two reports of LinuxCNC's task that say nothing new.
const STATUS_PERIOD: Duration = Duration::from_ms(100);
/// The watchdog that the installer writes; what it really is stands in the machine's `cosim.hal`.
const WATCHDOG: Duration = Duration::from_ms(50);

/// Who sends the program to a controller that is sent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramSender {
    /// The agent, when it is told to start.
    Agent,
    /// Another sender, through a port of its own that the agent gives it.
    Other,
}

/// How the controller is reached and what is done there.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerLinkSettings {
    /// What is there.
    pub kind: ControllerKind,
    /// Where; a virtual controller is behind a socket.
    pub address: PortAddress,
    /// Time between two samples, where they have to be asked for.
    pub sample_period: Duration,
    /// Greatest change of the factor upwards, ratio a second.
    pub raise_slew_per_s: f64,
    /// Who sends the program (grbl).
    pub sender: ProgramSender,
}

impl ControllerKind {
    /// What a controller of this kind can do on a machine: declared, not measured.
    pub fn capabilities(self, machine: &Machine, sample_period: Duration) -> Capabilities {
        match self {
            Self::Virtual => virtual_link::capabilities(machine, sample_period),
            Self::Grbl(flavour) => flavour.declaration(sample_period).capabilities,
            Self::Advisory => mtconnect::capabilities(sample_period),
            Self::LinuxCnc => CapabilityRecord::declared(sample_period, STATUS_PERIOD, Some(WATCHDOG)).capabilities(),
        }
    }

    /// What the person who installs it has to know, in sentences; empty for a controller that lets go by itself.
    pub fn advice(self, sample_period: Duration) -> Vec<&'static str> {
        match self {
            Self::Virtual | Self::LinuxCnc => Vec::new(),
            Self::Grbl(flavour) => {
                let declaration = flavour.declaration(sample_period);
                vec![declaration.no_speed_up, declaration.fail_safe]
            }
            Self::Advisory => vec![mtconnect::ADVICE],
        }
    }

    /// Lowest override it takes, per mille.
    pub fn override_min_permille(self) -> u16 {
        match self {
            Self::Virtual | Self::Advisory | Self::LinuxCnc => 0,
            Self::Grbl(flavour) => flavour.declaration(Duration::ZERO).override_min_permille,
        }
    }
}

/// An open link.
#[derive(Debug)]
pub enum ControllerLink {
    /// To our virtual controller.
    Virtual {
        /// The socket.
        link: TcpLink,
        /// Its reports.
        decoder: Box<ReportDecoder>,
        /// Bytes of one command.
        line: Vec<u8>,
    },
    /// To grbl or grblHAL.
    Grbl {
        /// Session and port.
        link: Box<GrblLink>,
        /// What is there.
        flavour: Flavour,
    },
    /// To something that can only be read.
    Advisory {
        /// Its thread.
        link: SourceLink,
    },
    /// To LinuxCNC.
    LinuxCnc(Box<LinuxCncLink>),
}

impl ControllerLink {
    /// Opens the link.
    ///
    /// # Errors
    /// [`LinkError`] where nobody is there.
    pub fn open(settings: &ControllerLinkSettings, within: Duration) -> Result<Self, LinkError> {
        match (settings.kind, &settings.address) {
            (ControllerKind::Virtual, PortAddress::Tcp(address)) => Ok(Self::Virtual {
                link: TcpLink::connect(*address, within)?,
                decoder: Box::new(report_decoder()),
                line: Vec::with_capacity(virtual_link::COMMAND_LEN_MAX),
            }),
            (ControllerKind::LinuxCnc, _) => Err(LinkError::Io {
                doing: "opening LinuxCNC".to_owned(),
                source: std::io::Error::other("it is opened with settings of its own"),
            }),
            (ControllerKind::Virtual, address) => Err(LinkError::Io {
                doing: format!("opening {address}"),
                source: std::io::Error::other("a virtual controller is behind a socket"),
            }),
            (ControllerKind::Grbl(flavour), address) => {
                let session = SessionSettings {
                    flavour,
                    status_period: settings.sample_period,
                    overrides: OverrideSettings { raise_slew_per_s: settings.raise_slew_per_s, operator_before: None },
                    report_unit: LengthUnit::Millimetre,
                };
                let watched = settings.sender == ProgramSender::Other;
                let link = Box::new(GrblLink::open(address.clone(), session, watched, within)?);
                Ok(Self::Grbl { link, flavour })
            }
            (ControllerKind::Advisory, address) => {
                let link = SourceLink::open(Source::of(address, settings.sample_period)?)?;
                Ok(Self::Advisory { link })
            }
        }
    }

    /// Opens the link to LinuxCNC, which need not run yet. `say` is told what happens, in a thread of the link.
    ///
    /// # Errors
    /// [`LinkError`] where the link's thread does not start.
    pub fn open_linuxcnc(settings: LinuxCncSettings, say: impl Fn(&str) + Send + 'static) -> Result<Self, LinkError> {
        Ok(Self::LinuxCnc(Box::new(LinuxCncLink::open(settings, say)?)))
    }

    /// What keeps the machine from being steered, if the controller tells.
    pub fn objection(&self) -> Option<Objection> {
        match self {
            Self::Virtual { .. } | Self::Grbl { .. } | Self::Advisory { .. } => None,
            Self::LinuxCnc(link) => link.objection(),
        }
    }

    /// The operator has re-armed: what the job leaves open counts as the controller has it now, and a feed hold of ours is
    /// released where it would stay otherwise.
    pub fn accept(&mut self) {
        if let Self::LinuxCnc(link) = self {
            link.accept();
        }
    }

    /// From a command to its effect as it was measured on this machine, once it was; declared before.
    pub fn effect_time(&self) -> Option<Duration> {
        match self {
            Self::Virtual { .. } | Self::Grbl { .. } | Self::Advisory { .. } => None,
            Self::LinuxCnc(link) => link.effect_time(),
        }
    }

    /// What the link to a LinuxCNC has counted.
    pub fn linuxcnc_figures(&self) -> Option<LinuxCncFigures> {
        match self {
            Self::Virtual { .. } | Self::Grbl { .. } | Self::Advisory { .. } => None,
            Self::LinuxCnc(link) => Some(link.figures()),
        }
    }

    /// Where another sender finds its port.
    pub fn sender_path(&self) -> Option<&std::path::Path> {
        match self {
            Self::Virtual { .. } | Self::Advisory { .. } | Self::LinuxCnc(_) => None,
            Self::Grbl { link, .. } => link.sender_path(),
        }
    }

    /// Sentences about what happened on the link, for a person; the first caller gets them, and none where the link has
    /// nothing to tell.
    pub fn take_notices(&mut self) -> Option<std::sync::mpsc::Receiver<String>> {
        match self {
            Self::Advisory { link } => link.take_notices(),
            Self::Virtual { .. } | Self::Grbl { .. } | Self::LinuxCnc(_) => None,
        }
    }

    /// Takes what has come and hands over the samples in it. False once the link is closed for good; a grbl whose
    /// port is gone is waited for. Its reset, its alarm and its return are samples that say stopped.
    pub fn receive(&mut self, now: Instant, sampled: &mut dyn FnMut(ControllerSample)) -> bool {
        match self {
            Self::Virtual { link, decoder, .. } => receive_reports(link, decoder, now, sampled),
            Self::Grbl { link, .. } => {
                let before = link.receive(now, &mut |occurrence| sample_of(now, &occurrence, sampled));
                if before == GrblTurn::Reopened {
                    sampled(stopped(now));
                }
                true
            }
            // What broke takes back what was agreed, and a machine that stopped does just that.
            Self::Advisory { link } => link.receive(now, &mut |came| match came {
                Came::Sample(sample) => sampled(sample),
                Came::Break(_) => sampled(stopped(now)),
            }),
            Self::LinuxCnc(link) => {
                link.receive(now, sampled);
                true
            }
        }
    }

    /// Takes a command; false where it was refused. It goes out with the next [`Self::flush`].
    pub fn command(&mut self, now: Instant, command: Command) -> bool {
        match self {
            Self::Virtual { link, line, .. } => say(link, line, LinkCommand::from(command)),
            Self::Grbl { link, .. } => {
                link.command(now, command);
                true
            }
            Self::Advisory { .. } => false,
            Self::LinuxCnc(link) => {
                link.command(now, command);
                true
            }
        }
    }

    /// Starts the program: tells a virtual controller to, streams it to a grbl. False where that is not ours to do.
    ///
    /// # Errors
    /// [`ProgramFault`] where the program cannot be streamed; nothing of it was sent.
    pub fn start(&mut self, program: &Arc<[u8]>) -> Result<bool, ProgramFault> {
        match self {
            Self::Virtual { link, line, .. } => Ok(say(link, line, LinkCommand::Run)),
            Self::Grbl { link, flavour } => {
                let declaration = flavour.declaration(Duration::ZERO);
                // Only where reports carry the line is it worth changing what is sent.
                let numbering = if declaration.line_numbers { Numbering::Physical } else { Numbering::AsWritten };
                let streamer = Streamer::new(Arc::clone(program), &declaration, OnTrouble::HoldAndStop, numbering)?;
                Ok(link.send_program(streamer))
            }
            Self::Advisory { .. } => Ok(false),
            // Its operator does.
            Self::LinuxCnc(_) => Ok(false),
        }
    }

    /// Sends what is due.
    pub fn flush(&mut self, now: Instant, sampled: &mut dyn FnMut(ControllerSample)) {
        match self {
            Self::Virtual { .. } | Self::Advisory { .. } => {}
            Self::Grbl { link, .. } => {
                link.send(now, &mut |occurrence| sample_of(now, &occurrence, sampled));
            }
            Self::LinuxCnc(link) => link.flush(now),
        }
    }
}

fn say(link: &mut TcpLink, line: &mut Vec<u8>, command: LinkCommand) -> bool {
    line.clear();
    encode_command(command, line) && link.send(line).is_ok()
}

fn receive_reports(
    link: &mut TcpLink,
    decoder: &mut ReportDecoder,
    now: Instant,
    sampled: &mut dyn FnMut(ControllerSample),
) -> bool {
    let mut bytes = [0; 4096];
    for _ in 0..READS_PER_CYCLE_MAX {
        match link.receive(&mut bytes) {
            Ok(Received::Bytes(count)) => decoder.feed(&bytes[..count], now, &mut |event| {
                if let ReportEvent::Report(report) = event {
                    sampled(report.sample);
                }
            }),
            Ok(Received::Nothing) => return true,
            Ok(Received::Closed) | Err(_) => {
                decoder.disconnect();
                return false;
            }
        }
    }
    true
}

fn sample_of(now: Instant, occurrence: &Occurrence<'_>, sampled: &mut dyn FnMut(ControllerSample)) {
    match occurrence {
        Occurrence::Sample(sample) => sampled(*sample),
        // The state word may come only with the next report, or not at all.
        Occurrence::Reset { .. } | Occurrence::Alarm(_) => sampled(stopped(now)),
        Occurrence::StreamEnded(_) | Occurrence::Message(_) => {}
    }
}

fn stopped(now: Instant) -> ControllerSample {
    ControllerSample { execution: Some(Execution::Stopped), ..ControllerSample::unavailable(now) }
}
