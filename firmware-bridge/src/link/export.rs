//! Our own state for others to read: an SHDR adapter on loopback.
//!
//! An MTConnect agent of the shop, a display or a script connects and is told the state, then what changes of it, in lines
//! `time|key|value|…`; `* PING` is answered with `* PONG`. Nothing that a client says has any other effect. One thread
//! serves all: a client that does not read is dropped and counted before it can hold memory or anybody up, and whoever
//! publishes never waits. Only this computer can connect: what the agent does is nobody's business on the shop's network
//! unless a person puts something in front of it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration as StdDuration, SystemTime, UNIX_EPOCH};

use super::LinkError;
use crate::dialect::SourceTime;
use crate::dialect::lines::{Line, LineSplitter};
use crate::dialect::shdr::encode_pairs;

/// Clients at once; a further one is turned away.
const CLIENTS_MAX: usize = 16;
/// Most bytes that wait for a client that does not read.
const UNSENT_MAX: usize = 1 << 16;
/// Longest line of a client that is looked at.
const ASKED_MAX: usize = 64;
/// Most bytes of a client that are read in one turn.
const READ_LEN: usize = 1024;
/// How often clients are looked after.
const TURN: StdDuration = StdDuration::from_millis(20);
/// States that wait for the thread; each is whole, so a full channel loses nothing that the next does not say.
const STATES_MAX: usize = 8;
/// What a client that pings is promised: it hears something at least this often, because it pings.
const PONG: &[u8] = b"* PONG 10000\n";

/// A state: keys and values, always the same keys.
type Pairs = Vec<(&'static str, String)>;

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportCounts {
    /// Clients let in.
    pub clients: u64,
    /// Clients turned away because too many were there.
    pub refused: u64,
    /// Clients dropped because they did not read.
    pub dropped: u64,
    /// Lines written, each once however many clients got it.
    pub lines: u64,
    /// States that were not taken because the thread was busy.
    pub skipped: u64,
}

#[derive(Debug, Default)]
struct Counts {
    clients: AtomicU64,
    refused: AtomicU64,
    dropped: AtomicU64,
    lines: AtomicU64,
    skipped: AtomicU64,
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// The export. Dropping it closes its port and its clients.
#[derive(Debug)]
pub struct ShdrExport {
    states: SyncSender<Pairs>,
    counts: Arc<Counts>,
    address: SocketAddr,
}

impl ShdrExport {
    /// Opens the port.
    ///
    /// # Errors
    /// [`LinkError::NotLoopback`] for an address that others could reach, [`LinkError::Io`] where the port cannot be had.
    pub fn open(address: SocketAddr) -> Result<Self, LinkError> {
        if !address.ip().is_loopback() {
            return Err(LinkError::NotLoopback { address });
        }
        let doing = format!("showing our state on {address}");
        let listener = TcpListener::bind(address).map_err(LinkError::io(doing.as_str()))?;
        listener.set_nonblocking(true).map_err(LinkError::io(doing.as_str()))?;
        let address = listener.local_addr().map_err(LinkError::io(doing.as_str()))?;
        let (states, waiting) = sync_channel(STATES_MAX);
        let counts = Arc::new(Counts::default());
        let service = Service { listener, clients: Vec::new(), state: Pairs::new(), counts: Arc::clone(&counts) };
        std::thread::Builder::new()
            .name("shdr-export".to_owned())
            .spawn(move || service.run(&waiting))
            .map_err(LinkError::io(doing))?;
        Ok(Self { states, counts, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands over the state; never waits.
    pub fn publish(&self, state: Pairs) {
        if self.states.try_send(state).is_err() {
            add(&self.counts.skipped);
        }
    }

    /// How it went so far.
    pub fn counts(&self) -> ExportCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ExportCounts {
            clients: read(&self.counts.clients),
            refused: read(&self.counts.refused),
            dropped: read(&self.counts.dropped),
            lines: read(&self.counts.lines),
            skipped: read(&self.counts.skipped),
        }
    }
}

struct Service {
    listener: TcpListener,
    clients: Vec<Client>,
    state: Pairs,
    counts: Arc<Counts>,
}

impl Service {
    fn run(mut self, states: &Receiver<Pairs>) {
        loop {
            match states.recv_timeout(TURN) {
                Ok(state) => self.tell(state),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.accept();
            let dropped = &self.counts.dropped;
            self.clients.retain_mut(|client| {
                let health = client.look_after();
                if health == Health::Stuck {
                    add(dropped);
                }
                health == Health::Fine
            });
        }
    }

    /// Says what has changed.
    fn tell(&mut self, state: Pairs) {
        let before = std::mem::replace(&mut self.state, state);
        let changed = self.state.iter().filter(|pair| !before.contains(pair));
        let mut line = Vec::new();
        encode_pairs(now(), changed.map(|(key, value)| (*key, value.as_str())), &mut line);
        if !line.is_empty() {
            add(&self.counts.lines);
            self.clients.iter_mut().for_each(|client| client.hold(&line));
        }
    }

    fn accept(&mut self) {
        // A client that gave up between knocking and being let in is no trouble of ours.
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() >= CLIENTS_MAX {
                add(&self.counts.refused);
                continue;
            }
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            let mut client = Client { stream, unsent: Vec::new(), asked: LineSplitter::new(ASKED_MAX), stuck: false };
            let mut line = Vec::new();
            encode_pairs(now(), self.state.iter().map(|(key, value)| (*key, value.as_str())), &mut line);
            client.hold(&line);
            self.clients.push(client);
            add(&self.counts.clients);
        }
    }
}

/// The time of day: a display wants it, and nothing of ours reads it.
fn now() -> SourceTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SourceTime::Utc(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// How a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Fine,
    /// It does not read.
    Stuck,
    /// It has closed.
    Gone,
}

struct Client {
    stream: TcpStream,
    unsent: Vec<u8>,
    asked: LineSplitter,
    stuck: bool,
}

impl Client {
    fn hold(&mut self, bytes: &[u8]) {
        self.stuck |= self.unsent.len() + bytes.len() > UNSENT_MAX;
        if !self.stuck {
            self.unsent.extend_from_slice(bytes);
        }
    }

    fn look_after(&mut self) -> Health {
        if !self.read() || !self.write() {
            return Health::Gone;
        }
        if self.stuck { Health::Stuck } else { Health::Fine }
    }

    fn read(&mut self) -> bool {
        let mut bytes = [0; READ_LEN];
        let count = match self.stream.read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        };
        let mut pings = 0;
        self.asked.feed(&bytes[..count], |line| pings += usize::from(matches!(line, Line::Whole(b"* PING"))));
        (0..pings).for_each(|_| self.hold(PONG));
        true
    }

    fn write(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => return false,
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
