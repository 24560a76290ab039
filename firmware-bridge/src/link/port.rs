//! Where a controller is reached, as a person writes it, and the open link to it.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use shared::time::Duration;

use super::{LinkError, Received, SerialLink, TcpLink};

/// Baud rate where none is written: what grbl is built with.
const BAUD: u32 = 115_200;

/// `tcp:ADDRESS:PORT` or `serial:PATH[@BAUD]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortAddress {
    /// A socket.
    Tcp(SocketAddr),
    /// A serial port or a pseudo terminal.
    Serial {
        /// Its device.
        path: PathBuf,
        /// Its speed.
        baud: u32,
    },
}

impl PortAddress {
    /// Reads an address; `None` where it is none. A host name is looked up.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix("tcp:") {
            return address.to_socket_addrs().ok()?.next().map(Self::Tcp);
        }
        let device = text.strip_prefix("serial:")?;
        let (path, baud) = match device.rsplit_once('@') {
            Some((path, baud)) => (path, baud.parse().ok().filter(|baud| (300..=12_000_000).contains(baud))?),
            None => (device, BAUD),
        };
        path.starts_with('/').then(|| Self::Serial { path: PathBuf::from(path), baud })
    }
}

impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Serial { path, baud } => write!(f, "serial:{}@{baud}", path.display()),
        }
    }
}

/// An open link.
#[derive(Debug)]
pub enum Port {
    /// A socket.
    Tcp(TcpLink),
    /// A serial port.
    Serial(SerialLink),
}

impl Port {
    /// Opens it; a socket has to answer within the time.
    ///
    /// # Errors
    /// [`LinkError::Io`].
    pub fn open(address: &PortAddress, within: Duration) -> Result<Self, LinkError> {
        match address {
            PortAddress::Tcp(address) => TcpLink::connect(*address, within).map(Self::Tcp),
            PortAddress::Serial { path, baud } => SerialLink::open(path, *baud).map(Self::Serial),
        }
    }

    /// Takes what has come, without waiting.
    ///
    /// # Errors
    /// [`LinkError`] where the link is broken.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<Received, LinkError> {
        match self {
            Self::Tcp(link) => link.receive(into),
            Self::Serial(link) => link.receive(into),
        }
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// [`LinkError`] where the link is broken or the peer does not read.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        match self {
            Self::Tcp(link) => link.send(bytes),
            Self::Serial(link) => link.send(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_said_back() {
        for text in ["tcp:127.0.0.1:7878", "serial:/dev/ttyUSB0@115200", "serial:/dev/serial/by-id/usb-x@250000"] {
            assert_eq!(PortAddress::parse(text).map(|address| address.to_string()).as_deref(), Some(text));
        }
        let default = PortAddress::parse("serial:/dev/ttyACM0").map(|address| address.to_string());
        assert_eq!(default.as_deref(), Some("serial:/dev/ttyACM0@115200"));
        for text in [
            "",
            "tcp:",
            "tcp:127.0.0.1",
            "serial:",
            "serial:ttyUSB0",
            "serial:/dev/x@fast",
            "serial:/dev/x@1",
            "usb:/dev/x",
        ] {
            assert_eq!(PortAddress::parse(text), None, "{text}");
        }
    }
}
