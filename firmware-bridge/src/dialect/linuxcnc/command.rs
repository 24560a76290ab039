//! From commands to what is written to HAL.

use shared::plan::Override;
use shared::time::{Deadline, Instant};

use super::reader::TickSample;
use super::tick::MotionType;
use crate::controller::Command;

/// What one cycle writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalWrite {
    /// The request.
    pub factor: Override,
    /// The feed hold that is asked for; `None` leaves what is asked for as it is.
    pub hold: Option<bool>,
    /// Whether the heartbeat changes. Without a change in time the watchdog lets go.
    pub beat: bool,
}

/// Whether the cycle that commands came through its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerdict {
    /// All checks were made and held.
    Passed,
    /// Something did not hold, or was not checked.
    Refused,
}

/// What the commanded factor is a factor of.
///
/// LinuxCNC multiplies dial and factor, so a plan has to be divided by the dial once, and only once: dividing twice
/// would lift it where the operator has turned the dial down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialInCommand {
    /// Commands state the factor to write; who commands has divided (the agent's `DialRule::Product`).
    Divided,
    /// Commands state the plan, a factor of the programmed feed.
    ToDivide,
}

/// The factor that makes dial × factor the lower of dial and plan: min(1, min(dial, plan)/dial), rounded down.
///
/// With a dial at 0 nothing moves whatever the factor; it is 1 then.
pub fn factor_beside_dial(plan: Override, dial_permille: u16) -> Override {
    let (plan, dial) = (u32::from(plan.permille()), u32::from(dial_permille));
    if plan >= dial {
        return Override::PROGRAMMED;
    }
    let permille = u16::try_from(plan * 1000 / dial).unwrap_or(0);
    Override::from_permille(permille).unwrap_or(Override::PROGRAMMED)
}

/// Holds the last command until it expires.
///
/// A command that is not renewed in its time to live is over: the heartbeat stops and the watchdog in HAL ramps to the
/// value without us, exactly as if the process had died. There is no other way to let go.
#[derive(Clone, Copy, Debug)]
pub struct Commander {
    dial: DialInCommand,
    without_us: Override,
    factor: Option<(Override, Deadline)>,
    hold: Option<bool>,
    last: Override,
}

impl Commander {
    /// Nothing is commanded yet. `without_us` is the value the watchdog lets go to: 1.0, or 1/k under a ceiling
    /// program.
    pub fn new(dial: DialInCommand, without_us: Override) -> Self {
        Self { dial, without_us, factor: None, hold: None, last: without_us }
    }

    /// Takes a command that came at `now`. A hold stays asked for until [`Self::release_hold`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Factor { factor, time_to_live } => {
                self.factor = Some((factor, Deadline::at(now.after(time_to_live))));
            }
            Command::FeedHold => self.hold = Some(true),
        }
    }

    /// The operator wants motion again. Nothing else releases a hold, and no agent that has just started does.
    pub fn release_hold(&mut self) {
        self.hold = Some(false);
    }

    /// What to write in this cycle; `newest` is the newest tick, `None` where none came yet.
    pub fn poll_write(&mut self, now: Instant, newest: Option<&TickSample>, gate: GateVerdict) -> HalWrite {
        let alive = self.factor.filter(|(_, deadline)| !deadline.has_passed(now));
        self.last = match alive {
            Some((commanded, _)) => self.beside_machine(commanded, newest),
            // What the watchdog does now is repeated, so that the next heartbeat begins where it stands.
            None => newest.and_then(|newest| newest.sample.factor).unwrap_or(self.last),
        };
        // A hold is taken over by HAL only with a heartbeat; once it is, it needs none.
        let pending = self.hold.is_some_and(|hold| newest.is_none_or(|newest| newest.tick.feed_hold != hold));
        let beat = gate == GateVerdict::Passed && (alive.is_some() || pending);
        HalWrite { factor: self.last, hold: self.hold, beat }
    }

    /// The factor for what the machine does now. A stop stays a stop whatever it does.
    ///
    /// Rapids are not ours: on G0 the factor is 1.0. The motion's kind is known with the tick, so the first ticks of a
    /// move still have the factor of the one before. Where the motion does not obey us, or the program wants no override
    /// at all, the value without us is written: LinuxCNC obeys `motion.adaptive-feed` under M50 P0 too.
    fn beside_machine(&self, commanded: Override, newest: Option<&TickSample>) -> Override {
        let Some(newest) = newest.filter(|_| commanded != Override::STOP) else { return commanded };
        if newest.tick.motion_type == MotionType::Traverse {
            return Override::PROGRAMMED;
        }
        if newest.sample.factor_enabled == Some(false) {
            return self.without_us;
        }
        match self.dial {
            DialInCommand::Divided => commanded,
            // Without a dial to be seen it is taken to be at 1.0: the factor is then the plan itself.
            DialInCommand::ToDivide => factor_beside_dial(commanded, newest.sample.dial_permille.unwrap_or(1000)),
        }
    }
}
