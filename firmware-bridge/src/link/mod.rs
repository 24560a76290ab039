//! The only I/O of this crate: TCP, serial ports, pseudo terminals, files, LinuxCNC's HAL and its status, and the process
//! bodies of the virtual controller and of the grbl emulator.
//!
//! Nothing here decides anything. Bytes go in and out of the codecs and state machines of the other rooms,
//! stamped with this process's monotonic clock. Every buffer is bounded and every wait has an end: a peer
//! that does not read, does not answer or sends without end costs its connection, never the process.
#![allow(clippy::disallowed_methods, reason = "clock, threads, files and environment are what this room is for")]

mod controller_link;
mod export;
mod grbl;
mod grbl_serve;
#[cfg(test)]
mod grbl_tests;
pub mod hal;
mod linuxcnc;
mod port;
mod replay;
mod scheduling;
mod serve;
mod source;
mod status_program;
mod tcp;
#[cfg(test)]
mod tests;
mod tty;

use std::io;

pub use controller_link::{ControllerKind, ControllerLink, ControllerLinkSettings, ProgramSender};
pub use export::{ExportCounts, ShdrExport};
pub use grbl::{GrblLink, GrblTurn};
pub use grbl_serve::{EmulatorLine, serve_grbl_emulator};
pub use linuxcnc::{LinuxCncFigures, LinuxCncLink, LinuxCncSettings, StatusSource};
pub use port::{Port, PortAddress};
pub use replay::Replay;
pub use scheduling::{CYCLE_PRIORITY, MACHINE_PRIORITY, lock_memory, pin_to, schedule_real_time};
pub use serve::{ServeOptions, ServeSummary, serve_virtual_controller};
pub use source::{Came, Source, SourceLink};
pub use status_program::StatusProgram;
pub use tcp::{Received, TcpLink};
pub use tty::{Pty, SerialLink};

use shared::time::{Duration, Instant};

/// Why a link does not work.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The operating system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried, with its object.
        doing: String,
        /// What it said.
        source: io::Error,
    },
    /// The peer does not take what is sent to it.
    #[error("the peer has not read {unsent} bytes; the limit is {max}")]
    Stuck {
        /// How many bytes wait.
        unsent: usize,
        /// How many may.
        max: usize,
    },
    /// An address that others than this computer could reach.
    #[error("{address} is not a loopback address: our state is shown on this computer only")]
    NotLoopback {
        /// Which.
        address: std::net::SocketAddr,
    },
    /// A file is larger than what is read into memory.
    #[error("{path} has {bytes} bytes; at most {max} are replayed")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        bytes: u64,
        /// Greatest size.
        max: u64,
    },
}

impl LinkError {
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// This process's monotonic clock, counted from when it was made.
#[derive(Clone, Copy, Debug)]
struct LinkClock(std::time::Instant);

impl LinkClock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(self) -> Instant {
        Instant::ORIGIN.after(Duration::from_ns(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)))
    }
}

fn std_duration(span: Duration) -> std::time::Duration {
    std::time::Duration::from_nanos(span.as_ns())
}
