//! A grbl at the end of a port: the session, its bytes, and what happens when the port goes.

use shared::time::{Duration, Instant};

use super::{LinkError, Port, PortAddress, Pty, Received};
use crate::controller::Command;
use crate::dialect::grbl::{Occurrence, Role, Session, SessionSettings, Streamer, Taken, Tap};

/// Reads of one turn, 4 kB each.
const READS_PER_TURN_MAX: usize = 16;
/// Time between two attempts to open a port that is gone.
const REOPEN: Duration = Duration::from_ms(1000);
/// How long one attempt may take.
const REOPEN_WITHIN: Duration = Duration::from_ms(100);

/// How a turn went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrblTurn {
    /// The port is open.
    Open,
    /// It has just been opened again; nothing goes on by itself.
    Reopened,
    /// It is not there; tried again every second.
    Away,
}

/// The session with its port. Turned by whoever owns the cycle; it never waits, except for the attempt to open a
/// port that was lost (100 ms, once a second).
#[derive(Debug)]
pub struct GrblLink {
    session: Session,
    address: PortAddress,
    port: Option<Port>,
    reopen_at: Instant,
    /// The way for another sender.
    sender: Option<Pty>,
    /// What the other sender has said and the session has not taken.
    waiting: Vec<u8>,
    sender_bytes_lost: u64,
    out: Vec<u8>,
}

impl GrblLink {
    /// Opens the port. With `watched` another sender gets a port of its own, through us: [`Self::sender_path`].
    ///
    /// # Errors
    /// [`LinkError`] where the controller's port or the other sender's cannot be opened.
    pub fn open(
        address: PortAddress,
        settings: SessionSettings,
        watched: bool,
        within: Duration,
    ) -> Result<Self, LinkError> {
        Ok(Self {
            port: Some(Port::open(&address, within)?),
            session: Session::new(settings, Role::Watching(Tap::new())),
            address,
            reopen_at: Instant::ORIGIN,
            sender: if watched { Some(Pty::open()?) } else { None },
            waiting: Vec::with_capacity(4096),
            sender_bytes_lost: 0,
            out: Vec::with_capacity(1 << 16),
        })
    }

    /// The state machine.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Where the other sender finds its port.
    pub fn sender_path(&self) -> Option<&std::path::Path> {
        self.sender.as_ref().map(Pty::path)
    }

    /// Bytes of the controller that the other sender did not read in time, or while nobody was there.
    pub fn sender_bytes_lost(&self) -> u64 {
        self.sender_bytes_lost
    }

    /// Sends a program, as the sender. Not while another sender has the port.
    pub fn send_program(&mut self, streamer: Streamer) -> bool {
        let ours = self.sender.is_none();
        if ours {
            self.session.send_program(streamer);
        }
        ours
    }

    /// Takes a command; the bytes go with the next [`Self::send`].
    pub fn command(&mut self, now: Instant, command: Command) -> Taken {
        self.session.handle_command(now, command)
    }

    /// Gives the operator's value back. Turn on for some hundred milliseconds before leaving.
    pub fn let_go(&mut self) {
        self.session.let_go();
    }

    /// Reads and writes once; for callers that decide nothing in between.
    pub fn turn(&mut self, now: Instant, occurred: &mut dyn FnMut(Occurrence<'_>)) -> GrblTurn {
        let turn = self.receive(now, occurred);
        if turn == GrblTurn::Open && !self.send(now, occurred) { GrblTurn::Away } else { turn }
    }

    /// Takes what has come from the controller and from the other sender.
    pub fn receive(&mut self, now: Instant, occurred: &mut dyn FnMut(Occurrence<'_>)) -> GrblTurn {
        let Some(port) = &mut self.port else {
            return self.reopen(now);
        };
        if !read(port, &mut self.session, now, occurred) {
            self.lose(now, occurred);
            return GrblTurn::Away;
        }
        self.hear_sender(now);
        GrblTurn::Open
    }

    /// Sends what is due, commands of this cycle among it. False where the port is gone.
    pub fn send(&mut self, now: Instant, occurred: &mut dyn FnMut(Occurrence<'_>)) -> bool {
        let Some(port) = &mut self.port else { return false };
        self.out.clear();
        self.session.poll_bytes(now, &mut self.out);
        let taken = port.send(&self.out).is_ok();
        self.answer_sender();
        if !taken {
            self.lose(now, occurred);
        }
        taken
    }

    fn lose(&mut self, now: Instant, occurred: &mut dyn FnMut(Occurrence<'_>)) {
        self.port = None;
        self.waiting.clear();
        self.reopen_at = now.after(REOPEN);
        self.session.handle_disconnect(occurred);
    }

    fn reopen(&mut self, now: Instant) -> GrblTurn {
        if now < self.reopen_at {
            return GrblTurn::Away;
        }
        self.reopen_at = now.after(REOPEN);
        self.port = Port::open(&self.address, REOPEN_WITHIN).ok();
        if self.port.is_some() { GrblTurn::Reopened } else { GrblTurn::Away }
    }

    fn hear_sender(&mut self, now: Instant) {
        let Some(sender) = &mut self.sender else { return };
        let mut bytes = [0; 1024];
        // What was not taken waits here, and what waits here keeps the rest in the other sender's port.
        if self.waiting.is_empty()
            && let Ok(Received::Bytes(count)) = sender.receive(&mut bytes)
        {
            self.waiting.extend_from_slice(&bytes[..count]);
        }
        let taken = self.session.handle_sender(now, &self.waiting);
        self.waiting.drain(..taken);
    }

    fn answer_sender(&mut self) {
        let Some(sender) = &mut self.sender else { return };
        self.out.clear();
        self.session.poll_sender(&mut self.out);
        // Nobody there, or a sender that does not read. The controller must be heard all the same; what the sender
        // misses it notices by its own counts, and we count it too.
        for part in self.out.chunks(1024) {
            if sender.send(part).is_err() {
                self.sender_bytes_lost += part.len() as u64;
            }
        }
        if let Some(tap) = self.session.tap().filter(|tap| tap.is_stuck()) {
            tap.reset_sender();
        }
    }
}

/// False once the port is gone.
fn read(port: &mut Port, session: &mut Session, now: Instant, occurred: &mut dyn FnMut(Occurrence<'_>)) -> bool {
    let mut bytes = [0; 4096];
    for _ in 0..READS_PER_TURN_MAX {
        match port.receive(&mut bytes) {
            Ok(Received::Bytes(count)) => session.handle_bytes(now, &bytes[..count], occurred),
            Ok(Received::Nothing) => return true,
            Ok(Received::Closed) | Err(_) => return false,
        }
    }
    true
}
