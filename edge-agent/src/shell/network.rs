use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, anyhow};
use shared::ident::Name;
use shared::wire::{Channel, Lane, MESSAGE_BYTES_MAX};
use zenoh::Wait;
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::sample::{Locality, Sample};

use super::clock::Clock;
use super::frames::{FrameReader, FrameWriter};
use super::stop::{Stop, say};

/// Time between two attempts to reach the service.
const RETRY: Duration = Duration::from_millis(250);
/// How long a sender thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(20);
/// How long the first message waits for the service's subscription to become known.
const MATCHING_MAX: Duration = Duration::from_secs(2);
/// Closing a Zenoh session can hang; after this the process ends without it.
const CLOSE_MAX: Duration = Duration::from_secs(1);

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
        endpoint: &str,
        clock: Clock,
        rings: NetworkRings,
        ending: &Arc<Stop>,
    ) -> anyhow::Result<Self> {
        let config = config(endpoint)?;
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
            if let Err(error) = send(&session, &name, Channel::State, &mut control_out, &shared, &stop) {
                say(&format!("{error:#}"));
            }
            let _ = session.close().wait();
            let _ = closed_sender.send(());
        };
        let (name, shared, stop) = (machine.clone(), Arc::clone(&state), Arc::clone(ending));
        let bulk = move || {
            // Ends without a session when the control thread has given up.
            let Ok(session) = session_from_control.recv() else { return };
            if let Err(error) = send(&session, &name, Channel::Offer, &mut bulk_out, &shared, &stop) {
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
pub(super) fn reachable(endpoint: &str) -> anyhow::Result<()> {
    let session = zenoh::open(config(endpoint)?).wait().map_err(|error| anyhow!("{error}"))?;
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
    machine: &Name,
    channel: Channel,
    ring: &mut FrameReader,
    state: &NetworkState,
    stop: &Stop,
) -> anyhow::Result<()> {
    let publisher = publisher(session, machine, channel)
        .map_err(|error| anyhow!("cannot publish {}: {error}", channel.key(machine)))?;
    wait_until_heard(&publisher, stop);
    let mut message = Vec::with_capacity(MESSAGE_BYTES_MAX);
    loop {
        if ring.pop(&mut message) {
            let failed = publisher.put(message.as_slice()).wait().is_err();
            state.puts_failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        } else if stop.is_wanted() {
            return Ok(());
        } else {
            thread::park_timeout(IDLE);
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

/// Settings of the network, JSON5 by path. Times in ms unless said otherwise.
fn config(endpoint: &str) -> anyhow::Result<zenoh::Config> {
    let connect = format!("[{endpoint:?}]");
    let settings: [(&str, &str); 15] = [
        ("mode", "\"client\""),
        ("connect/endpoints", &connect),
        ("connect/retry", "{ period_init_ms: 100, period_max_ms: 500, period_increase_factor: 2 }"),
        ("scouting/multicast/enabled", "false"),
        ("scouting/gossip/enabled", "false"),
        ("adminspace/enabled", "false"),
        // A lost service is known after a second; nothing that matters waits for it.
        ("transport/link/tx/lease", "1000"),
        ("transport/link/tx/keep_alive", "4"),
        ("transport/unicast/open_timeout", "2000"),
        ("transport/unicast/accept_timeout", "2000"),
        // The default would let one message reserve 1 GiB.
        ("transport/link/rx/max_message_size", "1048576"),
        // A 64 kB batch blocks a 10 Mbit/s link for 52 ms.
        ("transport/link/tx/batch_size", "8192"),
        // In µs: even a dropped message waits this long for room.
        ("transport/link/tx/queue/congestion_control/drop/wait_before_drop", "200"),
        // In µs: longest stall of a bulk sender before the link is given up.
        ("transport/link/tx/queue/congestion_control/block/wait_before_close", "5000000"),
        ("transport/unicast/compression/enabled", "false"),
    ];
    let mut config = zenoh::Config::default();
    for (path, value) in settings {
        config.insert_json5(path, value).map_err(|error| anyhow!("the network setting {path} = {value}: {error}"))?;
    }
    Ok(config)
}
