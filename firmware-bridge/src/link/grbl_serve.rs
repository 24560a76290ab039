//! The grbl emulator as a process: in real time, behind a pseudo terminal or one TCP client at a time.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::time::{Duration, Instant};

use super::{LinkClock, LinkError, Pty, Received, TcpLink, std_duration};
use crate::grbl_emulator::{Emulator, Happening};

/// Time between two turns.
const TURN: Duration = Duration::from_ms(1);

/// How the emulator is reached.
#[derive(Debug)]
pub enum EmulatorLine {
    /// As a serial port.
    Pty(Pty),
    /// As a socket; a second client is turned away.
    Tcp {
        /// Where clients knock.
        listener: TcpListener,
        /// The one that is in.
        client: Option<TcpLink>,
    },
}

impl EmulatorLine {
    /// A socket with nobody in yet.
    ///
    /// # Errors
    /// [`LinkError::Io`] where the listener does not work.
    pub fn tcp(listener: TcpListener) -> Result<Self, LinkError> {
        listener.set_nonblocking(true).map_err(LinkError::io("listening for a client"))?;
        Ok(Self::Tcp { listener, client: None })
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        let received = match self {
            Self::Pty(pty) => pty.receive(into),
            Self::Tcp { listener, client } => {
                accept(listener, client);
                client.as_mut().map_or(Ok(Received::Nothing), |client| client.receive(into))
            }
        };
        match (received, self) {
            (Ok(Received::Bytes(count)), _) => count,
            (Ok(Received::Closed) | Err(_), Self::Tcp { client, .. }) => {
                *client = None;
                0
            }
            _ => 0,
        }
    }

    /// What nobody takes is lost, as on a real line.
    fn send(&mut self, bytes: &[u8]) {
        let sent = match self {
            Self::Pty(pty) => pty.send(bytes),
            Self::Tcp { client, .. } => client.as_mut().map_or(Ok(()), |client| client.send(bytes)),
        };
        if let (Err(_), Self::Tcp { client, .. }) = (sent, self) {
            *client = None;
        }
    }
}

fn accept(listener: &TcpListener, client: &mut Option<TcpLink>) {
    match listener.accept() {
        Ok((stream, _)) if client.is_none() => *client = TcpLink::of(stream).ok(),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        // A client that gave up between knocking and being let in.
        Err(_) => {}
    }
}

/// Runs an emulator in real time until told to stop. It must have been made at [`Instant::ORIGIN`]: that instant is
/// now. `happened` gets what it does.
pub fn serve_grbl_emulator(
    line: &mut EmulatorLine,
    emulator: &mut Emulator,
    stop: &AtomicBool,
    happened: &mut dyn FnMut(Happening<'_>),
) {
    let clock = LinkClock::start();
    let (mut bytes, mut out) = ([0; 4096], Vec::with_capacity(4096));
    while !stop.load(Ordering::Relaxed) {
        let now: Instant = clock.now();
        let count = line.receive(&mut bytes);
        emulator.handle_bytes(now, &bytes[..count]);
        emulator.advance_to(now, happened);
        out.clear();
        emulator.poll_bytes(now, &mut out);
        if !out.is_empty() {
            line.send(&out);
        }
        std::thread::sleep(std_duration(TURN));
    }
}
