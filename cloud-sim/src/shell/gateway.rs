use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use shared::ident::Name;
use shared::time::Instant;
use shared::wire::preset::COPY_AFTER_MS;
use shared::wire::{Channel, Lane, MESSAGE_BYTES_MAX, Preset};
use zenoh::Wait;
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::{Locality, Sample};

use super::clock::Clock;
use super::ring::{Bell, Ring};
use super::stop::{Stop, say};

/// State batches that wait for the scheduler; older ones are superseded.
const STATES_MAX: usize = 256;
/// Offers and their parts that wait for the scheduler: 32 MB of parts.
const OFFERS_MAX: usize = 1024;
/// Plans and keep-alives that wait for the transport.
const CONTROL_MAX: usize = 64;
/// Parts of baselines and answers to offers that wait for the transport.
const BULK_MAX: usize = 4096;
/// When a copy follows its message.
const COPY_AFTER: Duration = Duration::from_millis(COPY_AFTER_MS);
/// Most copies that wait; of 256 machines each has room for one plan.
const COPIES_MAX: usize = 256;
/// How long a sender thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(100);
/// Closing a Zenoh session can hang; after this the process ends without it.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Where the network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Bring a router that listens here.
    Listen(String),
    /// Use the router that listens there.
    Connect(String),
}

/// How edge agents reach the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) place: Place,
    pub(super) preset: Preset,
    pub(super) tls: Option<TlsFiles>,
}

/// Certificates of an encrypted link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Who signed the agents' certificates.
    pub(super) authority: PathBuf,
    /// Ours.
    pub(super) certificate: PathBuf,
    /// Its key.
    pub(super) private_key: PathBuf,
}

/// A message from an edge agent, as it came.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) at: Instant,
    pub(super) machine: Name,
    pub(super) channel: Channel,
    pub(super) bytes: Vec<u8>,
}

/// A message to an edge agent.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    pub(super) machine: Name,
    pub(super) channel: Channel,
    pub(super) bytes: Vec<u8>,
}

/// What has come and waits for the scheduler.
#[derive(Debug)]
pub(super) struct Inbox {
    states: Ring<Inbound>,
    offers: Ring<Inbound>,
    bell: Arc<Bell>,
    foreign: AtomicU64,
}

impl Inbox {
    fn new() -> Self {
        let bell = Arc::new(Bell::default());
        Self {
            states: Ring::new(STATES_MAX, &bell),
            offers: Ring::new(OFFERS_MAX, &bell),
            bell,
            foreign: AtomicU64::new(0),
        }
    }

    /// The next message; a state before an offer.
    pub(super) fn pop(&self) -> Option<Inbound> {
        self.states.pop().or_else(|| self.offers.pop())
    }

    pub(super) fn wait(&self, time: Duration) {
        self.bell.wait(time);
    }

    /// Runs on Zenoh's receive runtime: nothing but a copy and a push.
    fn take(&self, at: Instant, sample: &Sample) {
        let payload = sample.payload();
        let key = Channel::parse(sample.key_expr().as_str()).filter(|_| payload.len() <= MESSAGE_BYTES_MAX);
        let Some((machine, channel)) = key else {
            self.foreign.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let inbound = Inbound { at, machine, channel, bytes: payload.to_bytes().into_owned() };
        match channel.lane() {
            Lane::Control => self.states.push(inbound),
            Lane::Bulk => self.offers.push(inbound),
        }
    }
}

/// What waits for the sender threads.
#[derive(Debug)]
pub(super) struct Outboxes {
    control: Outbox,
    bulk: Outbox,
}

#[derive(Debug)]
struct Outbox {
    ring: Ring<Outbound>,
    bell: Arc<Bell>,
    failed: AtomicU64,
}

impl Outbox {
    fn new(capacity: usize) -> Self {
        let bell = Arc::new(Bell::default());
        Self { ring: Ring::new(capacity, &bell), bell, failed: AtomicU64::new(0) }
    }
}

impl Outboxes {
    pub(super) fn push(&self, outbound: Outbound) {
        match outbound.channel.lane() {
            Lane::Control => self.control.ring.push(outbound),
            Lane::Bulk => self.bulk.ring.push(outbound),
        }
    }
}

/// Messages lost inside this process, by place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    pub(super) states_dropped: u64,
    pub(super) offers_dropped: u64,
    pub(super) foreign: u64,
    pub(super) control_dropped: u64,
    pub(super) bulk_dropped: u64,
    pub(super) puts_failed: u64,
}

/// The network side of the service.
pub(super) struct Gateway {
    session: zenoh::Session,
    endpoint: String,
    inbox: Arc<Inbox>,
    outboxes: Arc<Outboxes>,
}

impl Gateway {
    /// Opens the network and starts the sender threads.
    pub(super) fn open(access: &Access, clock: Clock, sessions_max: usize, stop: &Arc<Stop>) -> anyhow::Result<Self> {
        let session = zenoh::open(config(access)?).wait().map_err(|error| match &access.place {
            Place::Listen(endpoint) => anyhow!("cannot listen on {endpoint}: {error}; is the port taken?"),
            Place::Connect(endpoint) => anyhow!("no Zenoh router answers at {endpoint}: {error}"),
        })?;
        let endpoint = match &access.place {
            Place::Connect(endpoint) => endpoint.clone(),
            Place::Listen(endpoint) => match session.info().locators().wait().first() {
                Some(locator) => locator.to_string(),
                None => endpoint.clone(),
            },
        };
        let inbox = Arc::new(Inbox::new());
        for channel in [Channel::Offer, Channel::State] {
            let inbox = Arc::clone(&inbox);
            session
                .declare_subscriber(channel.key_of_all())
                .allowed_origin(Locality::Remote)
                .callback(move |sample| inbox.take(clock.now(), &sample))
                .background()
                .wait()
                .map_err(|error| anyhow!("cannot subscribe to {}: {error}", channel.key_of_all()))?;
        }
        let outboxes = Arc::new(Outboxes { control: Outbox::new(CONTROL_MAX), bulk: Outbox::new(BULK_MAX) });
        for lane in [Lane::Control, Lane::Bulk] {
            let copies = if lane == Lane::Control { access.preset.copies() } else { 1 };
            let (session, outboxes, stop) = (session.clone(), Arc::clone(&outboxes), Arc::clone(stop));
            let name = if lane == Lane::Control { "send-control" } else { "send-bulk" };
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || send(&session, (lane, copies), &outboxes, sessions_max, &stop))
                .context("a sender thread does not start")?;
        }
        Ok(Self { session, endpoint, inbox, outboxes })
    }

    /// Where edge agents connect.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(super) fn outboxes(&self) -> &Outboxes {
        &self.outboxes
    }

    pub(super) fn losses(&self) -> Losses {
        let (control, bulk) = (&self.outboxes.control, &self.outboxes.bulk);
        Losses {
            states_dropped: self.inbox.states.dropped(),
            offers_dropped: self.inbox.offers.dropped(),
            foreign: self.inbox.foreign.load(Ordering::Relaxed),
            control_dropped: control.ring.dropped(),
            bulk_dropped: bulk.ring.dropped(),
            puts_failed: control.failed.load(Ordering::Relaxed) + bulk.failed.load(Ordering::Relaxed),
        }
    }

    /// Closes the network, but waits no longer than [`CLOSE_MAX`].
    pub(super) fn close(self) {
        let (done, closed) = mpsc::sync_channel(1);
        let session = self.session;
        let closing = thread::Builder::new().name("close".to_owned()).spawn(move || {
            let _ = session.close().wait();
            let _ = done.send(());
        });
        if closing.is_err() || closed.recv_timeout(CLOSE_MAX).is_err() {
            say("the network did not close in time");
        }
    }
}

/// One lane's sender: the only thread that waits for the transport on its behalf.
fn send(session: &zenoh::Session, (lane, copies): (Lane, u32), outboxes: &Outboxes, sessions_max: usize, stop: &Stop) {
    let outbox = if lane == Lane::Control { &outboxes.control } else { &outboxes.bulk };
    let mut publishers: BTreeMap<(Name, Channel), Publisher<'static>> = BTreeMap::new();
    // Four channels go down to each machine.
    let publishers_max = sessions_max * 4;
    let mut put = |outbound: Outbound| {
        let key = (outbound.machine, outbound.channel);
        if !publishers.contains_key(&key) {
            if publishers.len() >= publishers_max {
                publishers.clear();
            }
            match publisher(session, &key.0, key.1) {
                Ok(publisher) => publishers.insert(key.clone(), publisher),
                Err(error) => {
                    outbox.failed.fetch_add(1, Ordering::Relaxed);
                    say(&format!("{}: cannot publish: {error}", key.0));
                    return;
                }
            };
        }
        let sent = publishers.get(&key).map(|publisher| publisher.put(outbound.bytes).wait());
        if !matches!(sent, Some(Ok(()))) {
            outbox.failed.fetch_add(1, Ordering::Relaxed);
        }
    };
    // Copies that wait for their time.
    let mut again: VecDeque<(Duration, Outbound)> = VecDeque::new();
    let clock = Clock::start();
    let now = || Duration::from_nanos(clock.now().as_ns());
    while !stop.is_wanted() {
        while again.front().is_some_and(|(due, _)| *due <= now()) {
            again.pop_front().into_iter().for_each(|(_, copy)| put(copy));
        }
        let Some(outbound) = outbox.ring.pop() else {
            let due = again.front().map(|(due, _)| due.saturating_sub(now()));
            outbox.bell.wait(due.map_or(IDLE, |due| due.min(IDLE)));
            continue;
        };
        if copies > 1 {
            if again.len() == COPIES_MAX {
                again.pop_front();
            }
            again.push_back((now() + COPY_AFTER, outbound.clone()));
        }
        put(outbound);
    }
}

fn publisher(session: &zenoh::Session, machine: &Name, channel: Channel) -> zenoh::Result<Publisher<'static>> {
    let builder = session.declare_publisher(channel.key(machine)).allowed_destination(Locality::Remote);
    match channel.lane() {
        // Dropped rather than late: the next one supersedes it.
        Lane::Control => {
            builder.congestion_control(CongestionControl::Drop).priority(Priority::RealTime).express(true).wait()
        }
        // Waits for the transport, in this thread only.
        Lane::Bulk => builder.congestion_control(CongestionControl::Block).priority(Priority::DataLow).wait(),
    }
}

/// Settings of the network, JSON5 by path.
fn config(access: &Access) -> anyhow::Result<zenoh::Config> {
    let quoted = |text: &str| format!("{text:?}");
    let (mode, listen, connect) = match &access.place {
        Place::Listen(endpoint) => ("router", format!("[{}]", quoted(endpoint)), "[]".to_owned()),
        Place::Connect(endpoint) => ("client", "[]".to_owned(), format!("[{}]", quoted(endpoint))),
    };
    let mut settings: Vec<(&str, String)> = vec![
        ("mode", quoted(mode)),
        ("listen/endpoints", listen),
        ("connect/endpoints", connect),
        ("transport/unicast/max_sessions", "256".to_owned()),
    ];
    settings.extend(access.preset.settings().into_iter().map(|(path, value)| (path, value.to_owned())));
    if let Some(tls) = &access.tls {
        let quoted = |path: &Path| quoted(&path.display().to_string());
        let (certificate, key) = (quoted(&tls.certificate), quoted(&tls.private_key));
        settings.push(("transport/link/tls/root_ca_certificate", quoted(&tls.authority)));
        settings.push(("transport/link/tls/listen_certificate", certificate.clone()));
        settings.push(("transport/link/tls/listen_private_key", key.clone()));
        settings.push(("transport/link/tls/connect_certificate", certificate));
        settings.push(("transport/link/tls/connect_private_key", key));
    }
    let mut config = zenoh::Config::default();
    for (path, value) in settings {
        config.insert_json5(path, &value).map_err(|error| anyhow!("the network setting {path} = {value}: {error}"))?;
    }
    Ok(config)
}
