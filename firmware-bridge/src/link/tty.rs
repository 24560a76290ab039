//! Serial ports and pseudo terminals, raw: eight bits, no echo, no line discipline. Anything else would eat or change
//! bytes above 0x7F, among them every override command.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{ControlModes, OptionalActions};

use super::{LinkError, Received};

/// Most bytes that wait for a peer that does not read: a full receive buffer of grblHAL and some overrides.
const UNSENT_MAX: usize = 4096;

/// A serial port, opened for us alone.
#[derive(Debug)]
pub struct SerialLink {
    line: Line,
}

/// Both ends of a pseudo terminal look like this.
#[derive(Debug)]
struct Line {
    file: File,
    unsent: Vec<u8>,
}

impl SerialLink {
    /// Opens a port at a speed in baud.
    ///
    /// Many boards reset when a port is opened that was closed before, because the DTR line rises. Closing does not
    /// lower it here, so only the first opening after plugging in does that.
    ///
    /// # Errors
    /// [`LinkError::Io`] where it is not there, not a terminal, in use, or does not know the speed.
    pub fn open(path: &Path, baud: u32) -> Result<Self, LinkError> {
        let doing = format!("opening {} at {baud} baud", path.display());
        let open = || -> rustix::io::Result<OwnedFd> {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let port = rustix::fs::open(path, flags, Mode::empty())?;
            rustix::termios::ioctl_tiocexcl(port.as_fd())?;
            make_raw(&port, Some(baud))?;
            Ok(port)
        };
        let port = open().map_err(std::io::Error::from).map_err(LinkError::io(doing))?;
        Ok(Self { line: Line::new(port) })
    }

    /// Takes what has come, without waiting.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the port is broken.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<Received, LinkError> {
        self.line.receive(into)
    }

    /// Sends without waiting; what the system does not take now goes first next time.
    ///
    /// # Errors
    /// [`LinkError::Stuck`] where too much would wait (nothing of `bytes` is kept then), [`LinkError::Io`] where the
    /// port is broken.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.line.send(bytes)
    }
}

/// A pseudo terminal: a port for somebody else on this machine, with us at the far end.
#[derive(Debug)]
pub struct Pty {
    line: Line,
    path: PathBuf,
    /// Kept open, so that a peer that leaves is silence and not an error.
    _near: OwnedFd,
}

impl Pty {
    /// Makes one.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the system has none left.
    pub fn open() -> Result<Self, LinkError> {
        let open = || -> rustix::io::Result<(OwnedFd, OwnedFd, PathBuf)> {
            let far = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
            rustix::pty::grantpt(&far)?;
            rustix::pty::unlockpt(&far)?;
            let name = rustix::pty::ptsname(&far, Vec::new())?;
            let path = PathBuf::from(name.to_string_lossy().into_owned());
            let near = rustix::fs::open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
            make_raw(&near, None)?;
            rustix::io::ioctl_fionbio(&far, true)?;
            Ok((far, near, path))
        };
        let (far, near, path) =
            open().map_err(std::io::Error::from).map_err(LinkError::io("making a pseudo terminal"))?;
        Ok(Self { line: Line::new(far), path, _near: near })
    }

    /// Where others open it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As [`SerialLink::receive`]. Never closed: a peer that leaves is silence.
    ///
    /// # Errors
    /// [`LinkError::Io`].
    pub fn receive(&mut self, into: &mut [u8]) -> Result<Received, LinkError> {
        self.line.receive(into)
    }

    /// As [`SerialLink::send`].
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.line.send(bytes)
    }
}

impl Line {
    fn new(fd: OwnedFd) -> Self {
        Self { file: File::from(fd), unsent: Vec::with_capacity(UNSENT_MAX) }
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<Received, LinkError> {
        loop {
            return match self.file.read(into) {
                Ok(0) if !into.is_empty() => Ok(Received::Closed),
                Ok(count) => Ok(Received::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Received::Nothing),
                Err(error) => Err(LinkError::io("reading from the port")(error)),
            };
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.push()?;
        let unsent = self.unsent.len() + bytes.len();
        if unsent > UNSENT_MAX {
            return Err(LinkError::Stuck { unsent, max: UNSENT_MAX });
        }
        self.unsent.extend_from_slice(bytes);
        self.push()
    }

    fn push(&mut self) -> Result<(), LinkError> {
        while !self.unsent.is_empty() {
            match self.file.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(LinkError::io("writing to the port")(error)),
            }
        }
        Ok(())
    }
}

fn make_raw(port: &OwnedFd, baud: Option<u32>) -> rustix::io::Result<()> {
    let mut settings = rustix::termios::tcgetattr(port)?;
    settings.make_raw();
    settings.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL;
    settings.control_modes &= !(ControlModes::HUPCL | ControlModes::CSTOPB | ControlModes::CRTSCTS);
    if let Some(baud) = baud {
        settings.set_speed(baud)?;
    }
    rustix::termios::tcsetattr(port, OptionalActions::Now, &settings)
}
