//! Sources that can only be read, each followed by a thread of its own: an MTConnect agent, an adapter, a recording.
//!
//! Connecting, asking and reading XML may wait and allocate, so nothing of it happens in the cycle of an agent: the thread
//! hands samples through a bounded channel, stamped on its clock, and the cycle takes what lies there. A channel that is
//! full loses the newest, and the loss is a [`Break`] like any other.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration as StdDuration;

use shared::time::{Duration, Instant};

use super::{LinkClock, LinkError, PortAddress, Replay, std_duration};
use crate::controller::ControllerSample;
use crate::dialect::mtconnect::{Adapter, AdapterTurn, Break, Event, Session, SessionSettings, Turn};
use crate::dialect::shdr::{self, Completeness, Decoder};

/// Samples and breaks that wait for the cycle.
const NEWS_MAX: usize = 4096;
/// Sentences that wait for a person; what does not fit is not said.
const NOTICES_MAX: usize = 64;
/// Longest wait of a thread: how late it notices that it is not wanted any more.
const TURN: StdDuration = StdDuration::from_millis(50);
/// How long a connection may take.
const CONNECT_MAX: StdDuration = StdDuration::from_millis(3000);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of one read.
const READ_LEN: usize = 16 << 10;
/// Wait before the first new attempt.
const RETRY: Duration = Duration::from_ms(500);
/// Longest silence that is asked of an agent.
const HEARTBEAT: Duration = Duration::from_ms(2000);
/// Most observations in one part of a stream.
const COUNT: u32 = 1000;

/// What is followed.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An MTConnect agent.
    Agent(SessionSettings),
    /// An adapter: name or address, and port.
    Adapter(String),
    /// A recording in SHDR lines.
    Recording {
        /// The file.
        path: PathBuf,
        /// How fast, 1 is as it was made.
        speed: f64,
    },
}

impl Source {
    /// What an address leads to; `tcp:` is an adapter. A change of the line may take this long to show, and an agent is
    /// asked for news three times as often.
    ///
    /// # Errors
    /// [`LinkError::Io`] for a serial port.
    pub fn of(address: &PortAddress, sample_period: Duration) -> Result<Self, LinkError> {
        match address {
            PortAddress::Agent { host, device } => Ok(Self::Agent(SessionSettings {
                host: host.clone(),
                device: device.clone(),
                interval: Duration::from_ns(sample_period.as_ns() / 3),
                heartbeat: HEARTBEAT,
                count: COUNT,
                retry: RETRY,
            })),
            PortAddress::Tcp(address) => Ok(Self::Adapter(address.to_string())),
            PortAddress::File { path, speed_permille } => {
                Ok(Self::Recording { path: path.clone(), speed: f64::from(*speed_permille) / 1000.0 })
            }
            PortAddress::Serial { .. } => Err(LinkError::Io {
                doing: format!("opening {address}"),
                source: std::io::Error::other("agents and adapters are reached over a network"),
            }),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum News {
    Sample(ControllerSample),
    Break(Break),
}

/// A followed source. Dropping it ends its thread.
#[derive(Debug)]
pub struct SourceLink {
    news: Receiver<News>,
    notices: Option<Receiver<String>>,
    stop: Arc<AtomicBool>,
    clock: LinkClock,
}

/// What a source has to tell.
#[derive(Clone, Debug)]
pub enum Came {
    /// What the controller said.
    Sample(ControllerSample),
    /// Something that takes back what was agreed.
    Break(Break),
}

impl SourceLink {
    /// Begins to follow. Nobody has to be there yet: an agent or adapter is waited for.
    ///
    /// # Errors
    /// [`LinkError`] where a recording cannot be read or no thread be started.
    pub fn open(source: Source) -> Result<Self, LinkError> {
        let (sender, news) = sync_channel(NEWS_MAX);
        let (notice, notices) = sync_channel(NOTICES_MAX);
        let (stop, clock) = (Arc::new(AtomicBool::new(false)), LinkClock::start());
        let desk = Desk { news: sender, notice, lost: 0, stop: Arc::clone(&stop), clock };
        let recording = match &source {
            Source::Recording { path, speed } => Some(Replay::read(path, *speed)?),
            Source::Agent(_) | Source::Adapter(_) => None,
        };
        let body = move || match (source, recording) {
            (Source::Agent(settings), _) => follow_agent(desk, settings),
            (Source::Adapter(host), _) => follow_adapter(desk, &host),
            (Source::Recording { .. }, Some(replay)) => play(desk, replay),
            (Source::Recording { .. }, None) => {}
        };
        std::thread::Builder::new()
            .name("source".to_owned())
            .spawn(body)
            .map_err(LinkError::io("starting the thread of a source"))?;
        Ok(Self { news, notices: Some(notices), stop, clock })
    }

    /// Sentences about what happened, for the first who asks.
    pub fn take_notices(&mut self) -> Option<Receiver<String>> {
        self.notices.take()
    }

    /// Takes what has come, without waiting: samples with their instants on the caller's clock, on which it is `now`, and
    /// breaks in their place between them. False once nothing will come any more: a recording has ended.
    pub fn receive(&mut self, now: Instant, came: &mut dyn FnMut(Came)) -> bool {
        let ours = self.clock.now();
        for _ in 0..NEWS_MAX {
            match self.news.try_recv() {
                Ok(News::Sample(sample)) => {
                    let age = ours.since(sample.valid_at);
                    let valid_at = Instant::ORIGIN.after(now.since(Instant::ORIGIN).minus(age));
                    came(Came::Sample(ControllerSample { valid_at, ..sample }));
                }
                Ok(News::Break(what)) => came(Came::Break(what)),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }
}

impl Drop for SourceLink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Where the thread of a source puts what it has.
struct Desk {
    news: SyncSender<News>,
    notice: SyncSender<String>,
    /// Samples that found the channel full since the last that did not.
    lost: u64,
    stop: Arc<AtomicBool>,
    clock: LinkClock,
}

impl Desk {
    fn is_wanted(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn put(&mut self, event: Event) {
        if self.lost > 0 {
            if self.news.try_send(News::Break(Break::Gap { missing: self.lost })).is_err() {
                self.lost += 1;
                return;
            }
            self.say(format!("{} samples were not taken in time; the lease is void", self.lost));
            self.lost = 0;
        }
        let news = match event {
            Event::Report(report) => News::Sample(report.sample),
            Event::Break(broke) => {
                self.say(sentence(broke));
                News::Break(broke)
            }
        };
        self.lost += u64::from(self.news.try_send(news).is_err());
    }

    fn say(&self, sentence: String) {
        // Nobody listens, or not fast enough: it is for people only.
        let _ = self.notice.try_send(sentence);
    }

    /// Waits until an instant, but never longer than a turn.
    fn rest(&self, until: Instant) {
        std::thread::sleep(std_duration(until.since(self.clock.now())).min(TURN));
    }
}

/// A break as a person is told it.
fn sentence(broke: Break) -> String {
    let what = match broke {
        Break::Disconnected => "the connection closed".to_owned(),
        Break::Silent => "nothing is heard any more".to_owned(),
        Break::InstanceChanged { from, to } => format!("the agent was started again (instance {from}, now {to})"),
        Break::Gap { missing } => format!("{missing} observations are lost"),
        Break::SequenceBack { expected, found } => {
            format!("the agent's numbers went back (expected {expected}, found {found})")
        }
        Break::ProgramChanged => "another program is loaded".to_owned(),
        Break::Fault(fault) => fault.to_string(),
    };
    format!("{what}; the lease is void")
}

fn connect(host: &str) -> std::io::Result<TcpStream> {
    let mut last = ErrorKind::NotFound.into();
    for address in host.to_socket_addrs()?.take(ADDRESSES_MAX) {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(CONNECT_MAX))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What a look at a stream gave.
enum Heard {
    Bytes(usize),
    Nothing,
    Closed,
}

fn hear(stream: Option<&mut TcpStream>, into: &mut [u8], within: StdDuration) -> Heard {
    let Some(stream) = stream else { return Heard::Closed };
    let within = within.clamp(StdDuration::from_millis(1), TURN);
    match stream.set_read_timeout(Some(within)).and_then(|()| stream.read(into)) {
        Ok(0) => Heard::Closed,
        Ok(count) => Heard::Bytes(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            Heard::Nothing
        }
        Err(_) => Heard::Closed,
    }
}

fn follow_agent(mut desk: Desk, settings: SessionSettings) {
    let host = settings.host.clone();
    let (mut session, mut stream) = (Session::new(settings), None);
    let mut bytes = vec![0; READ_LEN];
    while desk.is_wanted() {
        let turn = session.poll(desk.clock.now(), &mut |event| desk.put(event));
        match turn {
            Turn::Ask(request) => {
                stream = connect(&host).and_then(|mut to| to.write_all(&request).map(|()| to)).ok();
            }
            Turn::Rest(until) => {
                stream = None;
                desk.rest(until);
                continue;
            }
            Turn::Listen(_) => {}
        }
        let heard = hear(stream.as_mut(), &mut bytes, TURN);
        let now = desk.clock.now();
        match heard {
            Heard::Bytes(count) => session.handle_bytes(now, &bytes[..count], &mut |event| desk.put(event)),
            Heard::Closed => session.handle_closed(now, &mut |event| desk.put(event)),
            Heard::Nothing => {}
        }
    }
}

fn follow_adapter(mut desk: Desk, host: &str) {
    let (mut adapter, mut stream) = (Adapter::new(RETRY), None);
    let mut bytes = vec![0; READ_LEN];
    while desk.is_wanted() {
        let turn = adapter.poll(desk.clock.now(), &mut |event| desk.put(event));
        match turn {
            AdapterTurn::Connect => {
                stream = connect(host).ok();
                if stream.is_some() {
                    adapter.handle_connected(desk.clock.now());
                    continue;
                }
            }
            AdapterTurn::Say(what, _) => {
                if stream.as_mut().is_none_or(|to| to.write_all(what).is_err()) {
                    stream = None;
                }
            }
            AdapterTurn::Rest(until) => {
                stream = None;
                desk.rest(until);
                continue;
            }
            AdapterTurn::Listen(_) => {}
        }
        let heard = hear(stream.as_mut(), &mut bytes, TURN);
        let now = desk.clock.now();
        match heard {
            Heard::Bytes(count) => adapter.handle_bytes(now, &bytes[..count], &mut |event| desk.put(event)),
            Heard::Closed => adapter.handle_closed(now, &mut |event| desk.put(event)),
            Heard::Nothing => {}
        }
    }
}

fn play(mut desk: Desk, mut replay: Replay) {
    let mut decoder = Decoder::new(Completeness::WholePairs);
    let mut bytes = Vec::new();
    while let Some(due) = replay.poll_timeout().filter(|_| desk.is_wanted()) {
        desk.rest(Instant::ORIGIN.after(due));
        let now = desk.clock.now();
        bytes.clear();
        replay.poll_bytes(now.since(Instant::ORIGIN), &mut bytes);
        decoder.feed(&bytes, now, &mut |event| {
            if let shdr::Event::Report(report) = event {
                desk.put(Event::Report(report));
            }
        });
    }
    decoder.disconnect();
    let counters = decoder.counters();
    let damaged = counters.torn_lines + counters.garbage_lines + counters.long_lines;
    desk.say(format!("the recording has ended: {} reports, {damaged} damaged lines", counters.reports));
}
