//! A link of the kind one wants, under the real network stacks.
//!
//! Not every kernel can delay and lose packets by itself. Two network namespaces, each with one TUN device, are joined
//! by a forwarder thread that reads the packets of one and writes them to the other when the rules of
//! `scenarios::link` say so:
//!
//! ```text
//!   namespace "edge"                    forwarder                    namespace "cloud"
//!   10.77.0.1 ── tun ──▶ read, tell fate, hold until its time, write ──▶ tun ── 10.77.0.2
//! ```
//!
//! What is started with [`Emulator::inside`] in front of its command line lives in one of the two and knows nothing of
//! it: its TCP, QUIC and UDP are the kernel's own. The draws are a function of seed, direction and packet number; the
//! forwarder stamps each packet, so that what a program says about its network can be held against what the network
//! did.
//!
//! It needs the right to make namespaces and TUN devices (root, and `/dev/net/tun`); [`EmulatorError::NotAllowed`] says
//! where that is missing. Namespaces are made by `ip` of iproute2, devices by a crate; nothing of it outlives the
//! [`Emulator`], and what a killed process left behind is removed by the next.

mod forwarder;
mod messages;
mod namespaces;
mod stamps;

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use scenarios::link::LinkProfile;

use forwarder::{Forwarder, Sockets};
use namespaces::Namespaces;

pub(crate) use messages::marked;
pub use messages::{MARK, Noted, mark};
pub use stamps::{PacketStamp, Stamps, monotonic_ns};

/// Which end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The gateway beside the machine.
    Edge,
    /// The service.
    Cloud,
}

impl Side {
    /// Its address inside the emulated network.
    pub const fn address(self) -> Ipv4Addr {
        match self {
            Self::Edge => Ipv4Addr::new(10, 77, 0, 1),
            Self::Cloud => Ipv4Addr::new(10, 77, 0, 2),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Cloud => "cloud",
        }
    }
}

/// Why a link cannot be emulated.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The system does not let us.
    #[error("an emulated link needs root and /dev/net/tun: {why}")]
    NotAllowed {
        /// What was refused.
        why: String,
    },
    /// Something failed that should not.
    #[error("{doing}: {why}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What happened.
        why: String,
    },
}

/// What the forwarder did.
#[derive(Clone, Debug, Default)]
pub struct ForwarderEnd {
    /// One entry for each packet, in the order in which they entered.
    pub stamps: Stamps,
    /// Whether the forwarder ran before ordinary threads.
    pub real_time: bool,
    /// Packets that the far device did not take.
    pub refused: u64,
}

/// A running link.
#[derive(Debug)]
pub struct Emulator {
    namespaces: Namespaces,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<ForwarderEnd>>,
}

impl Emulator {
    /// Brings a link up. `mtu` is the longest packet in bytes; 1500 is what Ethernet carries.
    ///
    /// # Errors
    /// [`EmulatorError`].
    pub fn start(profile: &LinkProfile, seed: u64, mtu: u16) -> Result<Self, EmulatorError> {
        let namespaces = Namespaces::make()?;
        let sockets = Sockets::open(&namespaces, mtu)?;
        let stop = Arc::new(AtomicBool::new(false));
        let forwarder = Forwarder::new(profile.clone(), seed, sockets);
        let thread = std::thread::Builder::new()
            .name("forwarder".to_owned())
            .spawn({
                let stop = Arc::clone(&stop);
                move || forwarder.run(&stop)
            })
            .map_err(|error| EmulatorError::Failed { doing: "starting the forwarder", why: error.to_string() })?;
        Ok(Self { namespaces, stop, thread: Some(thread) })
    }

    /// What to put in front of a command line so that it runs at this end.
    pub fn inside(&self, side: Side) -> Vec<OsString> {
        self.namespaces.inside(side)
    }

    /// Takes the link down and gives what the forwarder saw.
    pub fn finish(mut self) -> ForwarderEnd {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A forwarder that panicked has said so; the namespaces go all the same.
            let _ = thread.join();
        }
    }
}
