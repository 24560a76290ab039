//! Where a controller is reached, as a person writes it, and the open link to it.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use shared::time::Duration;

use super::{LinkError, Received, SerialLink, TcpLink};

/// Baud rate where none is written: what grbl is built with.
const BAUD: u32 = 115_200;

/// `tcp:ADDRESS:PORT`, `serial:PATH[@BAUD]`, `http://ADDRESS:PORT[/DEVICE]` or `file:PATH[@SPEED]`.
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
    /// An MTConnect agent.
    Agent {
        /// Name or address, and port.
        host: String,
        /// The device, where the agent has several.
        device: Option<String>,
    },
    /// A recording.
    File {
        /// The file.
        path: PathBuf,
        /// How fast it is played, per mille of how fast it was made.
        speed_permille: u32,
    },
}

impl PortAddress {
    /// Reads an address; `None` where it is none. A host name is looked up.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix("tcp:") {
            return address.to_socket_addrs().ok()?.next().map(Self::Tcp);
        }
        if let Some(rest) = text.strip_prefix("http://") {
            return agent(rest);
        }
        if let Some(file) = text.strip_prefix("file:") {
            return recording(file);
        }
        let device = text.strip_prefix("serial:")?;
        let (path, baud) = match device.rsplit_once('@') {
            Some((path, baud)) => (path, baud.parse().ok().filter(|baud| (300..=12_000_000).contains(baud))?),
            None => (device, BAUD),
        };
        path.starts_with('/').then(|| Self::Serial { path: PathBuf::from(path), baud })
    }
}

fn agent(text: &str) -> Option<PortAddress> {
    let (host, device) = text.split_once('/').unwrap_or((text, ""));
    let (name, port) = host.rsplit_once(':')?;
    port.parse::<u16>().ok().filter(|port| *port > 0)?;
    // What goes into the head of a question must not be able to end its line.
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    let device = (!device.is_empty()).then(|| device.to_owned());
    let fits = !name.is_empty() && plain(host) && device.as_deref().is_none_or(plain);
    fits.then(|| PortAddress::Agent { host: host.to_owned(), device })
}

fn recording(text: &str) -> Option<PortAddress> {
    let (path, speed) = match text.rsplit_once('@') {
        Some((path, speed)) => (path, speed.parse().ok().filter(|speed| (0.001..=1000.0).contains(speed))?),
        None => (text, 1.0_f64),
    };
    let speed_permille = (speed * 1000.0).round() as u32;
    (!path.is_empty()).then(|| PortAddress::File { path: PathBuf::from(path), speed_permille })
}

impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Serial { path, baud } => write!(f, "serial:{}@{baud}", path.display()),
            Self::Agent { host, device: None } => write!(f, "http://{host}"),
            Self::Agent { host, device: Some(device) } => write!(f, "http://{host}/{device}"),
            Self::File { path, speed_permille } => {
                write!(f, "file:{}@{}", path.display(), f64::from(*speed_permille) / 1000.0)
            }
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
            PortAddress::Agent { .. } | PortAddress::File { .. } => Err(LinkError::Io {
                doing: format!("opening {address}"),
                source: std::io::Error::other("it is followed, not opened as a port"),
            }),
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
