use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};

use firmware_bridge::link::schedule_real_time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::set_current_timer_slack;
use scenarios::link::{Fate, Fates, LinkProfile, Way};
use shared::det::Rng;
use shared::time::Instant;
use tun_rs::{DeviceBuilder, SyncDevice};

use super::messages::find;
use super::namespaces::Namespaces;
use super::stamps::{PacketStamp, monotonic_ns};
use super::{EmulatorError, ForwarderEnd, Side};

/// Above the agent's cycle: a network does not wait for the computers at its ends.
const PRIORITY: u8 = 80;
/// Most packets under way in both directions; what comes on top is dropped, as by a full queue.
const UNDER_WAY_MAX: usize = 65_536;
/// Most packets that are read in one turn from one device.
const READ_MAX: usize = 64;
/// Longest sleep, so that the end is noticed.
const TURN_NS: u64 = 20_000_000;
/// Longest packet.
const PACKET_BYTES_MAX: usize = 65_536;

/// Both devices.
pub(super) struct Sockets {
    edge: SyncDevice,
    cloud: SyncDevice,
}

impl Sockets {
    pub(super) fn open(namespaces: &Namespaces, mtu: u16) -> Result<Self, EmulatorError> {
        let open = |side: Side| -> Result<SyncDevice, EmulatorError> {
            let name = namespaces.device(side);
            let device = DeviceBuilder::new()
                .name(name.as_str())
                .enable(false)
                .build_sync()
                .map_err(|error| EmulatorError::NotAllowed { why: format!("no TUN device: {error}") })?;
            // Its descriptor stays good when the device moves to another namespace.
            namespaces.adopt(side, &name, mtu)?;
            device
                .set_nonblocking(true)
                .map_err(|error| EmulatorError::Failed { doing: "opening a device", why: error.to_string() })?;
            Ok(device)
        };
        Ok(Self { edge: open(Side::Edge)?, cloud: open(Side::Cloud)? })
    }
}

/// A packet that waits for its time.
struct Held {
    way: Way,
    place: Option<usize>,
    packet: Vec<u8>,
}

/// The thread between the two devices.
pub(super) struct Forwarder {
    profile: LinkProfile,
    sockets: Sockets,
    up: Fates,
    down: Fates,
    up_at_ns: u64,
    /// By time and order of entry, so that equal times keep their order.
    due: BinaryHeap<Reverse<(u64, u64)>>,
    held: std::collections::BTreeMap<u64, Held>,
    entered: u64,
    end: ForwarderEnd,
    buffer: Vec<u8>,
}

impl Forwarder {
    pub(super) fn new(profile: LinkProfile, seed: u64, sockets: Sockets) -> Self {
        let rng = Rng::new(seed);
        let fates = |way: Way| Fates::new(profile.rules(way), rng.fork(way.name()));
        Self {
            up: fates(Way::Up),
            down: fates(Way::Down),
            profile,
            sockets,
            up_at_ns: monotonic_ns(),
            due: BinaryHeap::new(),
            held: std::collections::BTreeMap::new(),
            entered: 0,
            end: ForwarderEnd::default(),
            buffer: vec![0; PACKET_BYTES_MAX],
        }
    }

    pub(super) fn run(mut self, stop: &AtomicBool) -> ForwarderEnd {
        self.end.real_time = schedule_real_time(PRIORITY).is_ok();
        // An ordinary thread is woken up to 50 µs late, so that the kernel can gather timers.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        while !stop.load(Ordering::Relaxed) {
            self.release(monotonic_ns());
            let now = monotonic_ns();
            let next = self.due.peek().map_or(TURN_NS, |Reverse((due, _))| due.saturating_sub(now).min(TURN_NS));
            let timeout = Timespec { tv_sec: 0, tv_nsec: next as _ };
            let Sockets { edge, cloud } = &self.sockets;
            let mut fds = [PollFd::new(edge, PollFlags::IN), PollFd::new(cloud, PollFlags::IN)];
            // An interrupted wait is a short one.
            let _ = poll(&mut fds, Some(&timeout));
            let [from_edge, from_cloud] = [0, 1].map(|index| fds[index].revents().contains(PollFlags::IN));
            if from_edge {
                self.read(Way::Up);
            }
            if from_cloud {
                self.read(Way::Down);
            }
        }
        self.end
    }

    /// Takes what a device has.
    fn read(&mut self, way: Way) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..READ_MAX {
            let device = match way {
                Way::Up => &self.sockets.edge,
                Way::Down => &self.sockets.cloud,
            };
            match device.recv(&mut buffer) {
                Ok(length) => self.take(way, &buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.buffer = buffer;
    }

    fn take(&mut self, way: Way, packet: &[u8]) {
        // What the kernel says about itself over IPv6 is no part of the experiment and must not use up draws.
        if packet.first().is_none_or(|first| first >> 4 != 4) {
            return;
        }
        let entered_ns = monotonic_ns();
        let now = Instant::from_ns(entered_ns - self.up_at_ns);
        let fates = if way == Way::Up { &mut self.up } else { &mut self.down };
        let fate = fates.tell(now, packet.len());
        let number = fates.index();
        let cut = self.profile.is_cut(way, Instant::ORIGIN, now) || self.held.len() >= UNDER_WAY_MAX;
        let arrivals = match fate {
            Fate::Arrives { at, again } if !cut => [Some(at), again],
            _ => [None, None],
        };
        let arrivals = arrivals.map(|at| at.map(|at| at.as_ns() + self.up_at_ns));
        let stamp = PacketStamp {
            way,
            number,
            bytes: packet.len() as u32,
            entered_ns,
            due_ns: arrivals.into_iter().flatten().min().unwrap_or(0),
            left_ns: 0,
            noted: find(packet),
        };
        let place = self.end.stamps.push(stamp);
        for due_ns in arrivals.into_iter().flatten() {
            self.entered += 1;
            self.due.push(Reverse((due_ns, self.entered)));
            self.held.insert(self.entered, Held { way, place, packet: packet.to_vec() });
        }
    }

    /// Sends everything whose time has come.
    fn release(&mut self, now_ns: u64) {
        while let Some(Reverse((due_ns, number))) = self.due.peek().copied() {
            if due_ns > now_ns {
                return;
            }
            self.due.pop();
            let Some(held) = self.held.remove(&number) else { continue };
            let since_up = Instant::from_ns(now_ns - self.up_at_ns);
            if self.profile.is_cut(held.way, Instant::ORIGIN, since_up) {
                // A cut takes what is under way with it.
                continue;
            }
            let device = match held.way {
                Way::Up => &self.sockets.cloud,
                Way::Down => &self.sockets.edge,
            };
            match device.send(&held.packet) {
                Ok(_) => self.end.stamps.left(held.place, monotonic_ns()),
                Err(_) => self.end.refused += 1,
            }
        }
    }
}
