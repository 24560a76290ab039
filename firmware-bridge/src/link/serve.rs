//! The virtual controller as a process: real time, one client at a time over TCP.
//!
//! One loop owns the machine. A reader thread a client stamps what it reads and hands it over through a
//! bounded channel, because a channel can be waited for with a microsecond's precision and a socket cannot.
//! The machine never waits for its client and does not stop when the client goes: it runs on, lets go of the
//! factor by its own dead man, and takes the next client.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration as StdDuration;

use shared::time::{Duration, Instant};

use super::{LinkClock, LinkError, std_duration};
use crate::controller::Execution;
use crate::virtual_controller::{TracePoint, VirtualController};

/// Pieces that wait between reader and machine; a full channel makes the client wait, not the machine.
const PIECES_MAX: usize = 64;

/// Bytes of one piece.
const PIECE_LEN: usize = 1024;

/// Longest sleep of the loop: how late a new client or a stop is noticed.
const TICK_MAX: StdDuration = StdDuration::from_millis(5);

/// How far the machine may lag behind the clock and still make up for it. A few times [`TICK_MAX`]: only a process
/// that was not run, or that cannot keep up with its speed, is later.
const BEHIND_MAX: Duration = Duration::from_ms(15);

/// How long a report may wait for a client that does not read.
const WRITE_PATIENCE: StdDuration = StdDuration::from_millis(20);

/// When the machine stops serving.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions<'a> {
    /// Set from outside to end it.
    pub stop: &'a AtomicBool,
    /// How long it stays after the end of the program, so that the client can read that it has ended.
    pub linger: Duration,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServeSummary {
    /// True where the program reached its end.
    pub completed: bool,
    /// Clients served, one after the other.
    pub clients: u32,
    /// Clients turned away because one was there.
    pub clients_refused: u32,
    /// Clients dropped because they did not read.
    pub clients_dropped: u32,
    /// Latest that the machine was moved behind the wall clock, beyond the planned sleep.
    pub late_max: Duration,
    /// How long the machine stood still in all because its process was not run.
    pub stood_still: Duration,
}

/// Runs the machine in real time until the program has ended and the linger time has passed, or until told to
/// stop. The machine must have been made with [`Instant::ORIGIN`] as its origin: that instant is now. Reports
/// that nobody reads are dropped. `trace` gets every step.
///
/// # Errors
/// [`LinkError::Io`] where the listener does not work; a client's trouble is never an error.
pub fn serve_virtual_controller(
    listener: &TcpListener,
    controller: &mut VirtualController,
    options: ServeOptions<'_>,
    trace: &mut dyn FnMut(&TracePoint),
) -> Result<ServeSummary, LinkError> {
    listener.set_nonblocking(true).map_err(LinkError::io("listening for a client"))?;
    let clock = LinkClock::start();
    let mut summary = ServeSummary::default();
    let mut client: Option<Client> = None;
    let mut out = Vec::new();
    let mut ended: Option<Instant> = None;
    while !options.stop.load(Ordering::Relaxed) {
        accept(listener, &mut client, clock, &mut summary)?;
        let now = clock.now();
        summary.stood_still = summary.stood_still.plus(controller.stand_still(now, BEHIND_MAX));
        controller.advance_to(now, trace);
        controller.poll_bytes(&mut out);
        let reads = client.as_mut().is_none_or(|client| client.send(&out));
        out.clear();
        if !reads {
            client = None;
            summary.clients_dropped += 1;
            controller.handle_disconnect();
        }
        if controller.execution() == Execution::ProgramCompleted {
            summary.completed = true;
            let ended = *ended.get_or_insert(now);
            if now.since(ended) >= options.linger {
                break;
            }
        }
        let wait = std_duration(controller.poll_timeout().since(clock.now())).min(TICK_MAX);
        let wake = clock.now().after(Duration::from_ns(wait.as_nanos() as u64));
        if hear(&mut client, controller, wait) == Heard::Silence {
            summary.late_max = summary.late_max.max(clock.now().since(wake));
        }
    }
    Ok(summary)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Something,
    Silence,
}

/// Waits for bytes of the client, at most so long, and gives them to the machine.
fn hear(client: &mut Option<Client>, controller: &mut VirtualController, wait: StdDuration) -> Heard {
    let Some(speaker) = client else {
        std::thread::sleep(wait);
        return Heard::Silence;
    };
    match speaker.pieces.recv_timeout(wait) {
        Ok((at, bytes)) => {
            controller.handle_bytes(at, &bytes);
            while let Ok((at, bytes)) = speaker.pieces.try_recv() {
                controller.handle_bytes(at, &bytes);
            }
            Heard::Something
        }
        Err(RecvTimeoutError::Timeout) => Heard::Silence,
        Err(RecvTimeoutError::Disconnected) => {
            controller.handle_disconnect();
            *client = None;
            Heard::Something
        }
    }
}

fn accept(
    listener: &TcpListener,
    client: &mut Option<Client>,
    clock: LinkClock,
    summary: &mut ServeSummary,
) -> Result<(), LinkError> {
    match listener.accept() {
        Ok((_, _)) if client.is_some() => summary.clients_refused += 1,
        Ok((stream, _)) => {
            *client = Client::new(stream, clock).ok();
            summary.clients += u32::from(client.is_some());
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        // A client that gave up between knocking and being let in.
        Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
        Err(error) => return Err(LinkError::io("accepting a client")(error)),
    }
    Ok(())
}

/// One connected client: the writing half here, the reading half in its thread.
struct Client {
    stream: TcpStream,
    pieces: Receiver<(Instant, Vec<u8>)>,
    gone: Arc<AtomicBool>,
}

impl Client {
    fn new(stream: TcpStream, clock: LinkClock) -> std::io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_PATIENCE))?;
        stream.set_read_timeout(Some(StdDuration::from_millis(50)))?;
        let reading = stream.try_clone()?;
        let (sender, pieces) = sync_channel(PIECES_MAX);
        let gone = Arc::new(AtomicBool::new(false));
        let leave = Arc::clone(&gone);
        std::thread::Builder::new()
            .name("virtual-link-reader".to_owned())
            .spawn(move || read(reading, clock, &sender, &leave))?;
        Ok(Self { stream, pieces, gone })
    }

    /// False where the client is gone or does not read.
    fn send(&mut self, bytes: &[u8]) -> bool {
        bytes.is_empty() || self.stream.write_all(bytes).is_ok()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        // Wakes the reader; a socket that is closed already has nobody to wake.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads until the client or the machine is gone; the end of the channel says so.
fn read(mut stream: TcpStream, clock: LinkClock, pieces: &SyncSender<(Instant, Vec<u8>)>, gone: &AtomicBool) {
    let mut piece = [0; PIECE_LEN];
    while !gone.load(Ordering::Relaxed) {
        match stream.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => {
                if pieces.send((clock.now(), piece[..count].to_vec())).is_err() {
                    return;
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}
