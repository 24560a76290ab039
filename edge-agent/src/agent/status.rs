//! The agent's state in a few figures, for lamps and displays.

use firmware_bridge::controller::Execution;
use shared::ident::{Epoch, PlanSequence};
use shared::motion::Station;
use shared::plan::{Binding, Override};
use shared::time::{Duration, Instant};
use shared::units::Length;

use super::{Agent, Switch};
use crate::config::Arming;
use crate::fallback::{Cause, Source};
use crate::guard::{Action, Condition};
use crate::locator::Quality;
use crate::session::Phase;

/// One lamp for a person across the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// Follows a fresh plan, or is ready and the program does not run.
    Ok,
    /// Follows a fresh plan, but an answer is overdue or plans are not trusted fully again yet.
    Late,
    /// On the baseline or the value without us, because of a fault.
    Fallback,
    /// Decides and reports, commands nothing.
    Shadow,
    /// Not armed, or switched off.
    Off,
    /// The session is being opened; no plan has been admitted yet.
    Opening,
}

impl Lamp {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::Fallback => "fallback",
            Self::Shadow => "shadow",
            Self::Off => "off",
            Self::Opening => "opening",
        }
    }
}

/// The agent at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// Lamp.
    pub lamp: Lamp,
    /// Where the factor comes from.
    pub source: Source,
    /// Why it does not come from the plan; `None` where it does.
    pub cause: Option<Cause>,
    /// What binds at this place.
    pub binding: Binding,
    /// Factor of the last cycle.
    pub factor: Override,
    /// Greatest factor permitted here.
    pub authority: Override,
    /// Source line of the place, from 1.
    pub line: u32,
    /// Place on the path.
    pub station: Station,
    /// Its uncertainty.
    pub uncertainty: Length,
    /// How the place was found.
    pub quality: Quality,
    /// Admitted plan reaches up to here; the start without a fresh one.
    pub horizon: Station,
    /// Age of the newest sample; `None` before the first.
    pub sample_age: Option<Duration>,
    /// Age of the sample the plan in use rests on; `None` without a fresh plan.
    pub information_age: Option<Duration>,
    /// When the admitted plan expires, or expired; `None` without one in this session.
    pub fresh_until: Option<Instant>,
    /// The controller's state.
    pub execution: Option<Execution>,
    /// The session.
    pub phase: Phase,
    /// Granted lease.
    pub epoch: Option<Epoch>,
    /// Newest admitted chunk.
    pub admitted: Option<PlanSequence>,
    /// While the feed is held for what would touch: source line of the move that would, from 1.
    pub held_before_line: Option<u32>,
    /// True where a latch waits for the operator to re-arm.
    pub latched: bool,
}

impl Status {
    /// Stable key of the reason for the present factor: why there is no plan, else what binds.
    pub fn reason(&self) -> &'static str {
        match self.cause {
            Some(cause) => cause.name(),
            None => self.binding.reason.name(),
        }
    }
}

impl Agent {
    /// The agent now. What cycles decide is as of the last [`Agent::poll_command`].
    pub fn status(&self, now: Instant) -> Status {
        let fix = self.locator.fix();
        let path = &self.job.path;
        let fresh = self.follower.admitted().filter(|_| self.follower.is_fresh(now));
        Status {
            lamp: self.lamp(),
            source: self.decision.source,
            cause: self.decision.cause,
            binding: self.decision.binding,
            factor: self.decision.factor,
            authority: self.decision.authority,
            line: path.segments()[path.index_at(fix.station)].at.line,
            station: fix.station,
            uncertainty: fix.uncertainty,
            quality: fix.quality,
            horizon: self.follower.horizon(now),
            sample_age: self.sample.map(|sample| now.since(sample.valid_at)),
            information_age: fresh.map(|admitted| now.since(admitted.basis_sent_at)),
            fresh_until: self.follower.admitted().map(|admitted| admitted.deadline.instant()),
            execution: self.sample.and_then(|sample| sample.execution),
            phase: self.session.phase(),
            epoch: self.lease.epoch(),
            admitted: self.newest_admitted(),
            held_before_line: self.held_before_line(),
            latched: self.guard.is_latched(),
        }
    }

    fn held_before_line(&self) -> Option<u32> {
        let held = self.guard.set().has(Condition::CollisionAhead);
        let (_, to) = self.held_before.filter(|_| held)?;
        let path = &self.job.path;
        // The stretch ends with the move that touches.
        let last = path.index_at(to.advanced(-Length::mm(0.001)));
        Some(path.segments()[last].at.line)
    }

    fn lamp(&self) -> Lamp {
        let set = self.guard.set();
        if self.switch == Switch::Off {
            return Lamp::Off;
        }
        if self.config.arming == Arming::Shadow {
            return Lamp::Shadow;
        }
        if self.switch == Switch::NeverArmed {
            return Lamp::Off;
        }
        if self.guard.is_latched() {
            return Lamp::Fallback;
        }
        let opening = matches!(self.session.phase(), Phase::NoLease | Phase::Opening | Phase::Computing { .. });
        match self.guard.action() {
            (Action::Report, _) if set.has(Condition::HandoffLate) => Lamp::Late,
            (Action::Report, _) => Lamp::Ok,
            (Action::Cautious, Some(Condition::FirstPart)) => Lamp::Ok,
            (Action::Cautious, _) => Lamp::Late,
            _ if opening => Lamp::Opening,
            (_, Some(Condition::NotRunning)) => Lamp::Ok,
            (_, Some(Condition::NoPlanYet)) => Lamp::Opening,
            _ => Lamp::Fallback,
        }
    }
}
