use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use shared::time::Duration;

use super::{LinkError, std_duration};

/// What a look at the link gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes at the beginning of the buffer.
    Bytes(usize),
    /// Nothing has come.
    Nothing,
    /// The peer has closed.
    Closed,
}

/// A TCP connection that never blocks the cycle that uses it.
#[derive(Debug)]
pub struct TcpLink {
    stream: TcpStream,
    unsent: Vec<u8>,
}

impl TcpLink {
    /// Most bytes that wait for a peer that does not read: some forty commands. Older ones than that are
    /// worthless anyway, and a peer so far behind is as good as gone.
    pub const UNSENT_MAX: usize = 1024;

    /// Connects within a time.
    ///
    /// # Errors
    /// [`LinkError::Io`] where nobody answers.
    pub fn connect(address: SocketAddr, within: Duration) -> Result<Self, LinkError> {
        let doing = format!("connecting to {address}");
        let stream = TcpStream::connect_timeout(&address, std_duration(within.max(Duration::from_ms(1))));
        let stream = stream.map_err(LinkError::io(doing.as_str()))?;
        Self::of(stream).map_err(LinkError::io(doing))
    }

    /// The other end: a client that was let in.
    ///
    /// # Errors
    /// What the system says where the client is gone already.
    pub fn of(stream: TcpStream) -> std::io::Result<Self> {
        // Commands are a few bytes that must not wait for company.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, unsent: Vec::with_capacity(Self::UNSENT_MAX) })
    }

    /// Takes what has come, without waiting.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the connection is broken.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<Received, LinkError> {
        loop {
            return match self.stream.read(into) {
                Ok(0) if !into.is_empty() => Ok(Received::Closed),
                Ok(count) => Ok(Received::Bytes(count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    Ok(Received::Nothing)
                }
                Err(error) => Err(LinkError::io("reading from the controller")(error)),
            };
        }
    }

    /// Takes what comes within a time; for callers that have nothing else to do. The kernel rounds the time up to
    /// its tick.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the connection is broken.
    pub fn receive_within(&mut self, into: &mut [u8], within: Duration) -> Result<Received, LinkError> {
        let within = std_duration(within.max(Duration::from_ms(1)));
        let blocking = |stream: &TcpStream, yes: bool| stream.set_nonblocking(!yes);
        blocking(&self.stream, true)
            .and_then(|()| self.stream.set_read_timeout(Some(within)))
            .map_err(LinkError::io("waiting for the controller"))?;
        let received = self.receive(into);
        blocking(&self.stream, false).map_err(LinkError::io("waiting for the controller"))?;
        received
    }

    /// Sends without waiting; what the kernel does not take now goes first next time. Send nothing to push
    /// what is left.
    ///
    /// # Errors
    /// [`LinkError::Stuck`] where more than [`Self::UNSENT_MAX`] bytes would wait (nothing of `bytes` is kept
    /// then), [`LinkError::Io`] where the connection is broken.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.push()?;
        let unsent = self.unsent.len() + bytes.len();
        if unsent > Self::UNSENT_MAX {
            return Err(LinkError::Stuck { unsent, max: Self::UNSENT_MAX });
        }
        self.unsent.extend_from_slice(bytes);
        self.push()
    }

    fn push(&mut self) -> Result<(), LinkError> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => {
                    self.unsent.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(LinkError::io("writing to the controller")(error)),
            }
        }
        Ok(())
    }
}
