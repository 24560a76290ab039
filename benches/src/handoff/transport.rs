//! Transport alone: the arms in turn, over the same link, in the same run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;

use super::arms::{Arm, Order};
pub use super::children::Places;
use super::children::{Ends, Starter};
use super::host::RealTime;
use super::series::{Series, Shot};
use crate::emulator::{Noted, Stamps};
use scenarios::link::Way;

/// What is to be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportPlan {
    /// The arms, in the order A B.
    pub arms: Vec<Arm>,
    /// Messages a second.
    pub rate_hz: f64,
    /// How many of each arm.
    pub count: u64,
    /// Times through A B B A.
    pub rounds: u64,
    /// Messages of each arm before that; their first is the cold start.
    pub warm_up: u64,
    /// The `handoff-bench` to start; this program itself where absent. Tests are another program.
    pub program: Option<PathBuf>,
    /// What Zenoh speaks: `tcp` or `udp`.
    pub transport: String,
    /// Length of a message, both ways.
    pub bytes: usize,
    /// What has not come back by then is lost, ns.
    pub timeout_ns: u64,
    /// What comes back later is a miss, ns.
    pub budget_ns: u64,
}

/// What one arm did.
#[derive(Clone, Debug)]
pub struct ArmResult {
    /// Which.
    pub arm: Arm,
    /// All messages after the warm-up, in order.
    pub series: Series,
    /// The first message after the processes had come up; `None` where it was lost.
    pub cold_ns: Option<u64>,
}

/// Where the time of one message went, by the forwarder's stamps; ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageStages {
    /// Scheduled → handed to the transport.
    pub generator: u64,
    /// Handed over → on the link.
    pub stack_out: u64,
    /// On the link, up.
    pub up: u64,
    /// At the far end: stack, router, echo, router, stack.
    pub far_end: u64,
    /// On the link, down.
    pub down: u64,
    /// Off the link → received.
    pub stack_in: u64,
}

impl MessageStages {
    /// Names in the order of the fields.
    pub const NAMES: [&'static str; 6] = ["generator", "stack out", "link up", "far end", "link down", "stack in"];

    /// In the order of [`Self::NAMES`].
    pub fn values(&self) -> [u64; 6] {
        [self.generator, self.stack_out, self.up, self.far_end, self.down, self.stack_in]
    }
}

/// Runs the plan. `say` is told before each row.
///
/// # Errors
/// A process that does not come up, or ends.
pub fn measure(
    plan: &TransportPlan,
    places: &Places,
    real_time: &RealTime,
    say: &mut dyn FnMut(&str),
) -> anyhow::Result<Vec<ArmResult>> {
    let listen = format!("{}/{}:0", plan.transport, places.address);
    let starter = Starter { program: plan.program.as_deref(), real_time };
    let router = starter.start(&places.cloud, &["__router", &listen]).context("the router")?;
    let mut ends = Vec::new();
    for arm in &plan.arms {
        say(&format!("starting the ends of {}", arm.name()));
        ends.push(Ends::start(*arm, places, &router.place, &starter)?);
    }
    let period_ns = (1e9 / plan.rate_hz) as u64;
    let mut next = 1;
    let mut order = |count: u64| {
        let first = next;
        next += count;
        Order { first, count, period_ns, timeout_ns: plan.timeout_ns, bytes: plan.bytes }
    };
    let mut results: Vec<ArmResult> = Vec::new();
    for end in &mut ends {
        say(&format!("warming up {}", end.arm.name()));
        let shots = end.client.measure(&order(plan.warm_up.max(1)))?;
        let series = Series { shots: Vec::new(), timeout_ns: plan.timeout_ns, budget_ns: plan.budget_ns };
        results.push(ArmResult { arm: end.arm, series, cold_ns: shots.first().and_then(Shot::latency_ns) });
    }
    let rounds = plan.rounds.max(1);
    let row = (plan.count / (2 * rounds)).max(1);
    for round in 0..rounds {
        let forth = 0..ends.len();
        for index in forth.clone().chain(forth.rev()) {
            let Some((end, result)) = ends.get_mut(index).zip(results.get_mut(index)) else { continue };
            say(&format!("round {} of {rounds}: {row} messages through {}", round + 1, end.arm.name()));
            result.series.shots.extend(end.client.measure(&order(row))?);
        }
    }
    Ok(results)
}

/// What the forwarder saw of one message in one direction: when its first packet entered, when its first left.
type Seen = BTreeMap<(bool, u64), (u64, u64)>;

/// Where the time went, for the messages that the forwarder saw both ways.
///
/// Only the packet with the message's head is seen, so with messages longer than a packet the last packet's way stands
/// under the stage after it.
pub fn stages(series: &Series, stamps: &Stamps) -> Vec<MessageStages> {
    let mut seen = Seen::new();
    for stamp in stamps.entries() {
        if let Some(Noted::Marked { number }) = stamp.noted
            && stamp.left_ns > 0
        {
            // A retransmission comes later; the first that got through carried the message.
            seen.entry((stamp.way == Way::Up, number)).or_insert((stamp.entered_ns, stamp.left_ns));
        }
    }
    series.shots.iter().filter_map(|shot| stages_of(shot, &seen)).collect()
}

fn stages_of(shot: &Shot, seen: &Seen) -> Option<MessageStages> {
    let (up_in, up_out) = *seen.get(&(true, shot.number))?;
    let (down_in, down_out) = *seen.get(&(false, shot.number))?;
    Some(MessageStages {
        generator: shot.lag_ns(),
        stack_out: up_in.saturating_sub(shot.sent_ns),
        up: up_out.saturating_sub(up_in),
        far_end: down_in.saturating_sub(up_out),
        down: down_out.saturating_sub(down_in),
        stack_in: shot.received_ns?.saturating_sub(down_out),
    })
}
