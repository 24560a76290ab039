use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use shared::ident::Name;
use shared::wire::preset::COPY_AFTER_MS;
use shared::wire::{Channel, Lane, MESSAGE_BYTES_MAX, Preset};
use zenoh::Wait;
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::{Locality, Sample};

use super::clock::Clock;
use super::frames::{FrameReader, FrameWriter};
use super::stop::{Stop, say};

/// Time between two attempts to reach the service.
const RETRY: Duration = Duration::from_millis(250);
/// When a copy follows its message.
const COPY_AFTER: Duration = Duration::from_millis(COPY_AFTER_MS);
/// Most copies that wait.
const COPIES_MAX: usize = 64;
/// How long a sender thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(20);
/// How long the first message waits for the service's subscription to become known.
const MATCHING_MAX: Duration = Duration::from_secs(2);
/// Closing a Zenoh session can hang; after this the process ends without it.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// How the service is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) endpoint: String,
    pub(super) preset: Preset,
    pub(super) tls: Option<TlsFiles>,
}

/// Certificates of an encrypted link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Who signed the service's certificate.
    pub(super) authority: PathBuf,
    /// Ours.
    pub(super) certificate: PathBuf,
    /// Its key.
    pub(super) private_key: PathBuf,
}

/// What the network threads have to say.
#[derive(Debug, Default)]
pub(super) struct NetworkState {
    /// True once the first connection stands; Zenoh reconnects by itself after that.
    pub(super) connected: AtomicBool,
    /// Messages that found an inbox full.
    pub(super) inbox_dropped: AtomicU64,
    /// Samples under a key that is not ours, or too long.
    pub(super) foreign: AtomicU64,
    /// Messages the transport refused.
    pub(super) puts_failed: AtomicU64,
    /// Thread to wake when something has come.
    door: Option<thread::Thread>,
}

/// The ends of the rings that belong to the network.
pub(super) struct NetworkRings {
    pub(super) control_in: FrameWriter,
    pub(super) bulk_in: FrameWriter,
    pub(super) control_out: FrameReader,
    pub(super) bulk_out: FrameReader,
    /// The thread that takes what has come, if it is not the cycle.
    pub(super) door: Option<thread::Thread>,
}

/// The network threads. The cycle never waits for them; each waits for the transport on behalf of one lane.
pub(super) struct Network {
    control: JoinHandle<()>,
    bulk: JoinHandle<()>,
    state: Arc<NetworkState>,
    closed: mpsc::Receiver<()>,
}

impl Network {
    /// Starts the threads; the service need not be there yet.
    pub(super) fn start(
        machine: &Name,
        access: &Access,
        clock: Clock,
        rings: NetworkRings,
        ending: &Arc<Stop>,
    ) -> anyhow::Result<Self> {
        let config = config(access)?;
        let copies = access.preset.copies();
        let state = Arc::new(NetworkState { door: rings.door.clone(), ..NetworkState::default() });
        let (session_to_bulk, session_from_control) = mpsc::sync_channel::<zenoh::Session>(1);
        let (closed_sender, closed) = mpsc::sync_channel(1);
        let NetworkRings { control_in, bulk_in, mut control_out, mut bulk_out, .. } = rings;
        let (name, shared, stop) = (machine.clone(), Arc::clone(&state), Arc::clone(ending));
        let control = move || {
            let Some(session) = open(&config, &shared, &stop) else { return };
            if let Err(error) = subscribe(&session, &name, clock, [control_in, bulk_in], &shared) {
                say(&format!("{error:#}"));
                return;
            }
            shared.connected.store(true, Ordering::Relaxed);
            let _ = session_to_bulk.send(session.clone());
            if let Err(error) = send(&session, (&name, Channel::State, copies), &mut control_out, &shared, &stop) {
                say(&format!("{error:#}"));
            }
            let _ = session.close().wait();
            let _ = closed_sender.send(());
        };
        let (name, shared, stop) = (machine.clone(), Arc::clone(&state), Arc::clone(ending));
        let bulk = move || {
            // Ends without a session when the control thread has given up.
            let Ok(session) = session_from_control.recv() else { return };
            if let Err(error) = send(&session, (&name, Channel::Offer, 1), &mut bulk_out, &shared, &stop) {
                say(&format!("{error:#}"));
            }
        };
        let start = |name: &str, body: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(body).context("a network thread does not start")
        };
        Ok(Self {
            control: start("send-control", Box::new(control))?,
            bulk: start("send-bulk", Box::new(bulk))?,
            state,
            closed,
        })
    }

    /// The threads to wake when something waits for them: control and bulk.
    pub(super) fn senders(&self) -> (thread::Thread, thread::Thread) {
        (self.control.thread().clone(), self.bulk.thread().clone())
    }

    pub(super) fn state(&self) -> &NetworkState {
        &self.state
    }

    /// Waits for what is on its way, but no longer than [`CLOSE_MAX`]. The stop given at the start must be wanted.
    pub(super) fn close(self) {
        self.control.thread().unpark();
        self.bulk.thread().unpark();
        if self.state.connected.load(Ordering::Relaxed) && self.closed.recv_timeout(CLOSE_MAX).is_err() {
            say("the network did not close in time");
        }
    }
}

/// Opens a session and closes it again: whether a router is there.
pub(super) fn reachable(access: &Access) -> anyhow::Result<()> {
    let session = zenoh::open(config(access)?).wait().map_err(|error| anyhow!("{error}"))?;
    session.close().wait().map_err(|error| anyhow!("{error}"))
}

/// Tries until the service answers; `None` when the agent ends before it does.
fn open(config: &zenoh::Config, state: &NetworkState, stop: &Stop) -> Option<zenoh::Session> {
    let mut said = false;
    while !stop.is_wanted() {
        match zenoh::open(config.clone()).wait() {
            Ok(session) => return Some(session),
            Err(error) => {
                state.puts_failed.fetch_add(u64::from(said), Ordering::Relaxed);
                if !std::mem::replace(&mut said, true) {
                    say(&format!("the simulation service does not answer yet ({error}); trying on"));
                }
                thread::park_timeout(RETRY);
            }
        }
    }
    None
}

fn subscribe(
    session: &zenoh::Session,
    machine: &Name,
    clock: Clock,
    inboxes: [FrameWriter; 2],
    state: &Arc<NetworkState>,
) -> anyhow::Result<()> {
    // Several links may call back at the same time, so they take turns among themselves; the cycle at the other
    // end of the ring never takes this lock.
    let inboxes = Arc::new(inboxes.map(Mutex::new));
    let down = Channel::ALL.into_iter().filter(|channel| channel.direction() == shared::wire::Direction::Down);
    for channel in down {
        let (inboxes, state) = (Arc::clone(&inboxes), Arc::clone(state));
        let inbox = if channel.lane() == Lane::Control { 0 } else { 1 };
        session
            .declare_subscriber(channel.key(machine))
            .allowed_origin(Locality::Remote)
            .callback(move |sample| take(&sample, clock, &inboxes[inbox], &state))
            .background()
            .wait()
            .map_err(|error| anyhow!("cannot subscribe to {}: {error}", channel.key(machine)))?;
    }
    Ok(())
}

/// Runs on Zenoh's receive runtime: nothing but a stamp, a copy, a push and a nudge.
fn take(sample: &Sample, clock: Clock, inbox: &Mutex<FrameWriter>, state: &NetworkState) {
    let received_at = clock.now().as_ns().to_le_bytes();
    let payload = sample.payload();
    if payload.len() > MESSAGE_BYTES_MAX {
        state.foreign.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let bytes = payload.to_bytes();
    let fits = inbox.lock().unwrap_or_else(PoisonError::into_inner).push(&[&received_at, &bytes]);
    state.inbox_dropped.fetch_add(u64::from(!fits), Ordering::Relaxed);
    if let Some(door) = &state.door {
        door.unpark();
    }
}

/// One lane's sender: runs until a stop is wanted and nothing waits any more.
fn send(
    session: &zenoh::Session,
    (machine, channel, copies): (&Name, Channel, u32),
    ring: &mut FrameReader,
    state: &NetworkState,
    stop: &Stop,
) -> anyhow::Result<()> {
    let publisher = publisher(session, machine, channel)
        .map_err(|error| anyhow!("cannot publish {}: {error}", channel.key(machine)))?;
    wait_until_heard(&publisher, stop);
    let put = |message: &[u8]| {
        let failed = publisher.put(message).wait().is_err();
        state.puts_failed.fetch_add(u64::from(failed), Ordering::Relaxed);
    };
    let mut message = Vec::with_capacity(MESSAGE_BYTES_MAX);
    // Copies that wait for their time; at one state batch a cycle some tens, and the oldest goes first when full.
    let mut again: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    loop {
        while again.front().is_some_and(|(due, _)| *due <= Instant::now()) {
            again.pop_front().iter().for_each(|(_, copy)| put(copy));
        }
        if ring.pop(&mut message) {
            put(&message);
            if copies > 1 {
                if again.len() == COPIES_MAX {
                    again.pop_front();
                }
                again.push_back((Instant::now() + COPY_AFTER, message.clone()));
            }
        } else if stop.is_wanted() {
            return Ok(());
        } else {
            let due = again.front().map(|(due, _)| due.saturating_duration_since(Instant::now()));
            thread::park_timeout(due.map_or(IDLE, |due| due.min(IDLE)));
        }
    }
}

/// What is sent before the service's subscription has travelled here is lost, and would have to be asked for again.
fn wait_until_heard(publisher: &Publisher<'_>, stop: &Stop) {
    let turns = MATCHING_MAX.as_millis() / IDLE.as_millis();
    for _ in 0..turns {
        let heard = publisher.matching_status().wait().is_ok_and(|status| status.matching());
        if heard || stop.is_wanted() {
            return;
        }
        thread::sleep(IDLE);
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
    let connect = format!("[{:?}]", access.endpoint);
    let mut settings: Vec<(&str, String)> = vec![("mode", "\"client\"".to_owned()), ("connect/endpoints", connect)];
    settings.extend(access.preset.settings().into_iter().map(|(path, value)| (path, value.to_owned())));
    if let Some(tls) = &access.tls {
        let quoted = |path: &std::path::Path| format!("{:?}", path.display().to_string());
        settings.push(("transport/link/tls/root_ca_certificate", quoted(&tls.authority)));
        settings.push(("transport/link/tls/connect_certificate", quoted(&tls.certificate)));
        settings.push(("transport/link/tls/connect_private_key", quoted(&tls.private_key)));
    }
    let mut config = zenoh::Config::default();
    for (path, value) in settings {
        config.insert_json5(path, &value).map_err(|error| anyhow!("the network setting {path} = {value}: {error}"))?;
    }
    Ok(config)
}
