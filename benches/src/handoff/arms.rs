//! The arms: the processes at the two ends, and the router between them.
//!
//! They are this same binary under hidden commands. A client reads one line for each row of messages from standard
//! input, sends on an absolute timer, and prints what came back; an echo sends back what it hears; all end when their
//! standard input closes.

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use edge_agent::shell::TransportProbe;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec};
use shared::ident::Name;
use shared::wire::Preset;
use zenoh::Wait;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::Locality;

use crate::emulator::{mark, marked, monotonic_ns};

/// Keys of the bare arm.
const UP: &str = "handoff-bench/up";
const DOWN: &str = "handoff-bench/down";
/// Our machine's name.
const MACHINE: &str = "handoff-bench";
/// How long a client may take until its first message has come back.
const READY_MAX: Duration = Duration::from_secs(20);
/// Longest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arm {
    /// The agent's and the service's transport.
    Ours,
    /// Zenoh with the same settings and nothing around it.
    Zenoh,
    /// Datagrams.
    Udp,
}

impl Arm {
    /// All.
    pub const ALL: [Self; 3] = [Self::Ours, Self::Zenoh, Self::Udp];

    /// Its name in reports and hidden commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Zenoh => "zenoh",
            Self::Udp => "udp",
        }
    }
}

impl FromStr for Arm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|arm| arm.name() == text).ok_or_else(|| format!("{text}: give ours, zenoh or udp"))
    }
}

/// One row of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Number of the first message.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Time between two.
    pub period_ns: u64,
    /// How long answers are waited for after the last.
    pub timeout_ns: u64,
    /// Length of each, at least 16.
    pub bytes: usize,
}

impl Order {
    /// As the line that a client reads.
    pub fn line(&self) -> String {
        format!("{} {} {} {} {}", self.first, self.count, self.period_ns, self.timeout_ns, self.bytes)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace().map(|field| field.parse::<u64>().ok());
        let mut next = || fields.next().flatten();
        Some(Self {
            first: next()?,
            count: next()?.min(100_000_000),
            period_ns: next()?,
            timeout_ns: next()?,
            bytes: (next()? as usize).clamp(16, shared::wire::MESSAGE_BYTES_MAX),
        })
    }
}

/// Answers of the row that is under way, by number.
#[derive(Default)]
struct Answers {
    first: AtomicU64,
    at_ns: std::sync::RwLock<Arc<Vec<AtomicU64>>>,
    any: AtomicU64,
}

impl Answers {
    /// Makes room for a row.
    fn expect(&self, order: &Order) -> Arc<Vec<AtomicU64>> {
        let row: Arc<Vec<AtomicU64>> = Arc::new((0..order.count).map(|_| AtomicU64::new(0)).collect());
        self.first.store(order.first, Ordering::SeqCst);
        *self.at_ns.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&row);
        row
    }

    fn take(&self, message: &[u8]) {
        let now = monotonic_ns();
        self.any.fetch_add(1, Ordering::Relaxed);
        let Some(number) = marked(message) else { return };
        let row = Arc::clone(&self.at_ns.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        let place = number.checked_sub(self.first.load(Ordering::SeqCst)).and_then(|index| row.get(index as usize));
        if let Some(place) = place {
            // The first arrival counts; a double changes nothing.
            let _ = place.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// The near end: sends and notes what comes back. Never returns before standard input closes.
///
/// # Errors
/// The far end does not answer.
pub fn client(arm: Arm, endpoint: &str) -> anyhow::Result<()> {
    let answers = Arc::new(Answers::default());
    let mut send = sender(arm, endpoint, &answers)?;
    let mut message = vec![0; shared::wire::MESSAGE_BYTES_MAX];
    let until = monotonic_ns() + READY_MAX.as_nanos() as u64;
    while answers.any.load(Ordering::Relaxed) == 0 {
        if monotonic_ns() > until {
            bail!("the far end of {} does not answer within {} s", arm.name(), READY_MAX.as_secs());
        }
        mark(&mut message, u64::MAX);
        send(&message[..64]);
        thread::sleep(Duration::from_millis(100));
    }
    tell("READY -")?;
    for line in std::io::stdin().lock().lines() {
        let Some(order) = Order::parse(&line?) else { bail!("an order of five numbers is expected") };
        let row = answers.expect(&order);
        let begin = monotonic_ns() + 20_000_000;
        let mut sent = Vec::with_capacity(order.count as usize);
        for index in 0..order.count {
            let scheduled = begin + index * order.period_ns;
            sleep_until(scheduled);
            let at = monotonic_ns();
            mark(&mut message, order.first + index);
            send(&message[..order.bytes]);
            sent.push((scheduled, at));
        }
        sleep_until(begin + order.count.max(1).saturating_sub(1) * order.period_ns + order.timeout_ns);
        report(&order, &sent, &row)?;
    }
    Ok(())
}

fn report(order: &Order, sent: &[(u64, u64)], row: &[AtomicU64]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (index, ((scheduled, at), received)) in sent.iter().zip(row).enumerate() {
        let received = received.load(Ordering::SeqCst);
        writeln!(out, "{} {scheduled} {at} {received}", order.first + index as u64)?;
    }
    writeln!(out, "DONE")?;
    out.flush().context("nobody listens")
}

/// Sleeps until an instant of the clock that all processes share.
fn sleep_until(at_ns: u64) {
    let request = Timespec { tv_sec: (at_ns / 1_000_000_000) as i64, tv_nsec: (at_ns % 1_000_000_000) as _ };
    while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(rustix::io::Errno::INTR) {}
}

type Sending = Box<dyn FnMut(&[u8])>;

/// Opens one arm; what it hears goes to `answers`.
fn sender(arm: Arm, endpoint: &str, answers: &Arc<Answers>) -> anyhow::Result<Sending> {
    let answers = Arc::clone(answers);
    match arm {
        Arm::Ours => {
            let machine = Name::parse(MACHINE).map_err(|error| anyhow!("{error}"))?;
            let mut probe = TransportProbe::start(&machine, endpoint, move |message| answers.take(message))?;
            Ok(Box::new(move |message| {
                // What a full ring does not take never comes back, and counts so.
                probe.send(message);
            }))
        }
        Arm::Zenoh => {
            let session = open(&client_settings(endpoint))?;
            session
                .declare_subscriber(DOWN)
                .allowed_origin(Locality::Remote)
                .callback(move |sample| answers.take(&sample.payload().to_bytes()))
                .background()
                .wait()
                .map_err(|error| anyhow!("{error}"))?;
            let publisher = publisher(&session, UP)?;
            Ok(Box::new(move |message| {
                let _ = (&session, publisher.put(message).wait());
            }))
        }
        Arm::Udp => {
            let socket = UdpSocket::bind(("0.0.0.0", 0)).context("a datagram socket")?;
            socket.connect(address(endpoint)?).context("a datagram socket")?;
            let hearing = socket.try_clone()?;
            thread::Builder::new().name("datagrams".to_owned()).spawn(move || {
                let mut message = vec![0; DATAGRAM_BYTES_MAX];
                loop {
                    // A refused datagram is told as an error here; the far end may only be starting.
                    if let Ok(length) = hearing.recv(&mut message) {
                        answers.take(&message[..length]);
                    }
                }
            })?;
            Ok(Box::new(move |message| {
                let _ = socket.send(message);
            }))
        }
    }
}

/// The far end.
///
/// # Errors
/// No router, or a port that is taken.
pub fn echo(arm: Arm, endpoint: &str) -> anyhow::Result<()> {
    match arm {
        Arm::Ours => cloud_sim::shell::echo(endpoint),
        Arm::Zenoh => {
            let session = open(&client_settings(endpoint))?;
            let publisher = publisher(&session, DOWN)?;
            let samples = session
                .declare_subscriber(UP)
                .allowed_origin(Locality::Remote)
                .wait()
                .map_err(|error| anyhow!("{error}"))?;
            // Not in the callback: putting there is what Zenoh forbids, and what any service must avoid.
            thread::Builder::new().name("echo".to_owned()).spawn(move || {
                while let Ok(sample) = samples.recv() {
                    let _ = publisher.put(sample.payload().clone()).wait();
                }
            })?;
            tell("READY -")?;
            until_stdin_closes();
            Ok(())
        }
        Arm::Udp => {
            let socket = UdpSocket::bind(address(endpoint)?).context("a datagram socket")?;
            let place = socket.local_addr()?;
            thread::Builder::new().name("echo".to_owned()).spawn(move || {
                let mut message = vec![0; DATAGRAM_BYTES_MAX];
                loop {
                    if let Ok((length, from)) = socket.recv_from(&mut message) {
                        let _ = socket.send_to(&message[..length], from);
                    }
                }
            })?;
            tell(&format!("READY udp/{place}"))?;
            until_stdin_closes();
            Ok(())
        }
    }
}

/// The router between the ends.
///
/// # Errors
/// A port that is taken.
pub fn router(endpoint: &str) -> anyhow::Result<()> {
    let mut settings = common_settings();
    settings.push(("mode", "\"router\"".to_owned()));
    settings.push(("listen/endpoints", format!("[{endpoint:?}]")));
    let session = open(&settings)?;
    let place = session.info().locators().wait().first().map_or_else(|| endpoint.to_owned(), ToString::to_string);
    tell(&format!("READY {place}"))?;
    until_stdin_closes();
    Ok(())
}

fn address(endpoint: &str) -> anyhow::Result<SocketAddr> {
    let text = endpoint.rsplit('/').next().unwrap_or(endpoint);
    text.parse().with_context(|| format!("the address {endpoint}"))
}

fn publisher(session: &zenoh::Session, key: &'static str) -> anyhow::Result<zenoh::pubsub::Publisher<'static>> {
    session
        .declare_publisher(key)
        .allowed_destination(Locality::Remote)
        .congestion_control(CongestionControl::Drop)
        .priority(Priority::RealTime)
        .express(true)
        .wait()
        .map_err(|error| anyhow!("cannot publish: {error}"))
}

fn client_settings(endpoint: &str) -> Vec<(&'static str, String)> {
    let mut settings = common_settings();
    settings.push(("mode", "\"client\"".to_owned()));
    settings.push(("connect/endpoints", format!("[{endpoint:?}]")));
    settings
}

/// What agent and service set too.
fn common_settings() -> Vec<(&'static str, String)> {
    Preset::Lan.settings().into_iter().map(|(path, value)| (path, value.to_owned())).collect()
}

fn open(settings: &[(&'static str, String)]) -> anyhow::Result<zenoh::Session> {
    let mut config = zenoh::Config::default();
    for (path, value) in settings {
        config.insert_json5(path, value).map_err(|error| anyhow!("the network setting {path} = {value}: {error}"))?;
    }
    zenoh::open(config).wait().map_err(|error| anyhow!("{error}"))
}

fn tell(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("nobody listens")
}

fn until_stdin_closes() {
    let mut sink = [0; 256];
    while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_their_line() {
        let order = Order { first: 7, count: 100, period_ns: 10_000_000, timeout_ns: 5, bytes: 4096 };
        assert_eq!(Order::parse(&order.line()), Some(order));
        assert_eq!(Order::parse("1 2 3"), None);
    }

    #[test]
    fn the_first_answer_counts_and_those_of_another_row_do_not() {
        let answers = Answers::default();
        let order = Order { first: 100, count: 3, period_ns: 1, timeout_ns: 1, bytes: 16 };
        let row = answers.expect(&order);
        let mut message = [0; 16];
        for number in [99, 101, 103] {
            mark(&mut message, number);
            answers.take(&message);
        }
        let first = row[1].load(Ordering::SeqCst);
        mark(&mut message, 101);
        answers.take(&message);
        assert!(first > 0 && row[1].load(Ordering::SeqCst) == first);
        assert_eq!((row[0].load(Ordering::SeqCst), row[2].load(Ordering::SeqCst)), (0, 0));
    }
}
