use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use shared::ident::Name;
use shared::wire::{MESSAGE_BYTES_MAX, Preset};

use super::clock::Clock;
use super::frames::{FrameReader, FrameWriter, frames};
use super::network::{Access, Network, NetworkRings};
use super::stop::Stop;
use super::{BULK_IN_BYTES, BULK_OUT_BYTES, CONTROL_IN_BYTES, CONTROL_OUT_BYTES, spawn};

/// How long the receiving thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_millis(5);
/// Bytes of the instant of arrival before each message.
const STAMP_BYTES: usize = 8;

/// The agent's transport without the agent: the same rings, threads and network settings around bytes that mean
/// nothing. For measuring what the transport alone costs.
pub struct TransportProbe {
    network: Network,
    out: FrameWriter,
    sender: Thread,
    receiver: JoinHandle<()>,
    ending: Arc<Stop>,
    /// Held so that the lanes that are not measured stay open.
    _bulk: (FrameReader, FrameWriter),
}

impl TransportProbe {
    /// Connects as the agent of `machine`; what comes down on the control lane is given to `receive`, in the thread
    /// that in the agent verifies signatures. The service need not be there yet.
    ///
    /// # Errors
    /// A thread that does not start, or settings that Zenoh does not take.
    pub fn start(
        machine: &Name,
        endpoint: &str,
        mut receive: impl FnMut(&[u8]) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let ending = Arc::new(Stop::default());
        let (control_in, mut inbox) = frames(CONTROL_IN_BYTES);
        let (bulk_in, bulk_inbox) = frames(BULK_IN_BYTES);
        let (out, control_out) = frames(CONTROL_OUT_BYTES);
        let (bulk_outbox, bulk_out) = frames(BULK_OUT_BYTES);
        let stop = Arc::clone(&ending);
        let receiver = spawn("door", move || {
            let mut frame = Vec::with_capacity(MESSAGE_BYTES_MAX + STAMP_BYTES);
            while !stop.is_wanted() {
                if inbox.pop(&mut frame) {
                    receive(frame.get(STAMP_BYTES..).unwrap_or_default());
                } else {
                    thread::park_timeout(IDLE);
                }
            }
        })?;
        let door = Some(receiver.thread().clone());
        let rings = NetworkRings { control_in, bulk_in, control_out, bulk_out, door };
        let access = Access { endpoint: endpoint.to_owned(), preset: Preset::Lan, tls: None };
        let network = Network::start(machine, &access, Clock::start(), rings, &ending)?;
        let (sender, _) = network.senders();
        Ok(Self { network, out, sender, receiver, ending, _bulk: (bulk_inbox, bulk_outbox) })
    }

    /// True once the first connection stands.
    pub fn is_connected(&self) -> bool {
        self.network.state().connected.load(Ordering::Relaxed)
    }

    /// Hands bytes to the sender thread, as the cycle does; false where its ring is full.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        let fits = self.out.push(&[bytes]);
        self.sender.unpark();
        fits
    }

    /// Ends the threads.
    pub fn close(self) {
        self.ending.want();
        self.network.close();
        // A receiver that panicked has said so.
        let _ = self.receiver.join();
    }
}
