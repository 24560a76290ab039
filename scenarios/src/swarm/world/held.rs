//! Lives towards something that would touch: the baseline says where, and the tool must not get there.
//!
//! The oracle of these lives asks for one thing only (promise 10): an armed agent that has had its baseline keeps the
//! tool out of the stretch until the operator has re-armed, whatever becomes of link, service and dial; and it does so by
//! a feed hold, since a factor of 0 alone goes on by itself.

use edge_agent::{OperatorAction, Phase};
use firmware_bridge::controller::Execution;
use shared::time::{Duration, Instant};

use super::World;
use crate::checkers::Breach;
use crate::swarm::faults::Fault;
use crate::swarm::machine::EFFECT;

/// One life in so many leads towards a hold.
const ONE_IN: u64 = 16;
/// The stretch that must not be entered, mm.
pub(in crate::swarm) const STRETCH_MM: std::ops::Range<usize> = 400..430;
/// A tool that is slower than this so near before the stretch is there to be held.
const CREEP_MM_S: f64 = 0.5;
const BEFORE_MM: f64 = 3.0;
const HELD_WITHIN: Duration = Duration::from_ms(1000);
/// Deceleration of the machine, mm/s².
const BRAKING_MM_S2: f64 = 1000.0;
/// What may go wrong on the way: nothing that takes the agent's baseline or its sight.
const FAULTS: [Fault; 14] = [
    Fault::CutUp,
    Fault::CutDown,
    Fault::CutBoth,
    Fault::LossBurst,
    Fault::Slow,
    Fault::Duplicates,
    Fault::CloudStop,
    Fault::CloudRestart,
    Fault::PlanChange,
    Fault::Dial,
    Fault::Damage,
    Fault::Replay,
    Fault::Unsealed,
    Fault::OtherKey,
];

/// The books of such a life.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The agent has had its baseline.
    ready: bool,
    /// The operator has seen to what would touch.
    seen_to: bool,
    /// Since when the tool has stood before the stretch without a feed hold.
    creeping_since: Option<Instant>,
    /// When a feed hold has its effect.
    hold_at: Option<Instant>,
    pub(super) breaches: Vec<Breach>,
}

impl Held {
    pub(super) fn of(seed: u64) -> Option<Self> {
        (seed % ONE_IN == 1).then(Self::default)
    }

    pub(super) fn may_happen(fault: Fault) -> bool {
        FAULTS.contains(&fault)
    }

    /// The operator re-arms while the lamp says for what the feed is held.
    pub(super) fn seen_to(&mut self) {
        self.seen_to = true;
    }

    /// The machine was told to hold the feed.
    pub(super) fn told(&mut self, now: Instant) {
        self.hold_at.get_or_insert(now.after(EFFECT));
    }
}

impl World {
    /// The machine brakes, the operator sees to it, and the tool is looked for where it must not be.
    pub(super) fn advance_held(&mut self) {
        let now = self.now;
        let Some(held) = &mut self.held else { return };
        held.ready |= self.agent.status(now).phase == Phase::Ready;
        let machine = &mut self.machine;
        if held.hold_at.is_some_and(|at| now >= at) {
            held.hold_at = None;
            let speed_mm_s = machine.speed_mm_s();
            machine.at_mm += speed_mm_s * speed_mm_s / (2.0 * BRAKING_MM_S2);
            if machine.execution == Execution::Active {
                machine.execution = Execution::FeedHold;
            }
        }
        let inside = machine.at_mm > STRETCH_MM.start as f64 && machine.at_mm < STRETCH_MM.end as f64;
        if held.ready && !held.seen_to && inside && held.breaches.is_empty() {
            let what = format!("the tool is at {:.2} mm, where it would touch", machine.at_mm);
            held.breaches.push(Breach { promise: 10, at_ns: now.as_ns(), what });
        }
        let creeps = machine.execution == Execution::Active && machine.speed_mm_s() < CREEP_MM_S;
        let before = machine.at_mm > STRETCH_MM.start as f64 - BEFORE_MM && !inside;
        held.creeping_since = (creeps && before).then(|| held.creeping_since.unwrap_or(now));
        let unheld = held.creeping_since.is_some_and(|since| now.since(since) > HELD_WITHIN);
        if held.ready && !held.seen_to && unheld && held.breaches.is_empty() {
            let what = format!("the tool stands at {:.2} mm and the feed is not held", machine.at_mm);
            held.breaches.push(Breach { promise: 10, at_ns: now.as_ns(), what });
        }
        if machine.execution == Execution::FeedHold && self.rng.chance(0.002) {
            self.go_on();
        }
    }

    /// The operator re-arms and starts again, or only starts again.
    fn go_on(&mut self) {
        if self.rng.chance(0.5) {
            self.operate(OperatorAction::ReArm);
        }
        self.machine.execution = Execution::Active;
        self.note(|| "operator: cycle start".to_owned());
    }
}
