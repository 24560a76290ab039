//! One cycle: what is observed, what follows from it, and the command.

use firmware_bridge::controller::{Command, ControllerSample, Execution};
use shared::ident::SampleSequence;
use shared::motion::Station;
use shared::plan::{Binding, Override, Reason};
use shared::planted::{self, Bug};
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Length};

use super::{Agent, Decision, Switch, is_automatic};
use crate::blackbox::Event;
use crate::config::{Arming, DialRule};
use crate::fallback::{Recovery, Source};
use crate::gate::{Authority, Permit, Ramp, Window, authority};
use crate::guard::{Action, Condition, Conditions};
use crate::locator::Quality;
use crate::session::Phase;

/// A cycle that comes late may step as far as this many cycles would have: a stall must not become a jump.
const CATCH_UP_CYCLES: u64 = 3;
/// Without samples for this many times [`crate::AgentConfig::sample_age_max`], the machine is left to itself: until
/// then the lowest factor of the stretch on which the tool may be is held.
const SAMPLES_LOST_AGES: u64 = 10;
/// Most segments on which the tool may be for the place still to count as inside a forced stretch.
const FORCED_SEGMENTS_MAX: usize = 16;

impl Decision {
    pub(super) fn first(without_us: Override) -> Self {
        Self {
            source: Source::PassThrough,
            cause: Some(Condition::NotRunning),
            binding: Binding::plain(Reason::Programmed),
            authority: without_us,
            factor: without_us,
        }
    }
}

impl Agent {
    /// The command of this cycle: at most one a [`crate::AgentConfig::cycle_period`], which also renews the
    /// controller's dead man. `None` between cycles, in shadow, unarmed, switched off, and where the controller
    /// takes no factor. Allocates nothing.
    pub fn poll_command(&mut self, now: Instant) -> Option<Command> {
        if now < self.cycle_at {
            return None;
        }
        let period = self.config.cycle_period;
        let on_time = self.cycle_at.after(period);
        self.cycle_at = if now < on_time { on_time } else { now.after(period) };
        let cycles_max = if planted::on(Bug::ClockCatchesUp) { 1000 } else { CATCH_UP_CYCLES };
        let late = self.last_cycle.map_or(period, |last| now.since(last)).min(period.times(cycles_max));
        self.last_cycle = Some(now);
        self.watch(now);
        let (action, cause) = self.judge_conditions(now);
        let decision = self.decide(now, action, cause, late);
        self.trace_decision(now, decision);
        self.trigger(now, None);
        self.command(now, action)
    }

    /// Timers that concern no command.
    fn watch(&mut self, now: Instant) {
        if let Some(Some(basis)) = self.handoff.expire(now) {
            self.blackbox.push(now, Event::Miss { basis });
        }
        if self.session.is_silent(now, self.config.session_silence_max) {
            self.void_lease(now);
        }
    }

    fn judge_conditions(&mut self, now: Instant) -> (Action, Option<Condition>) {
        let hold = self.hold_ahead(now);
        self.held_before = hold.or(self.held_before);
        let mut observed = self.observed(now);
        observed.set(Condition::CollisionAhead, hold.is_some());
        let before = self.guard.observe(observed);
        if observed.has(Condition::NotAutomatic) {
            self.guard.raise(Condition::StockUnconfirmed);
        }
        let unhealthy = self.recovery != Recovery::Healthy && !self.follower.is_fresh(now);
        let faulty = self.guard.is_faulty() || unhealthy;
        self.recovery = self.recovery.observed(now, faulty, self.config.healthy_interval);
        if self.recovery != Recovery::Healthy {
            self.guard.raise(Condition::Recovering);
        }
        let set = self.guard.set();
        set.without(before).for_each(|condition| self.blackbox.push(now, Event::Raised { condition }));
        self.trace_cleared(now, before);
        self.guard.action()
    }

    /// What holds at this instant, apart from what latches.
    fn observed(&self, now: Instant) -> Conditions {
        let mut set = Conditions::default();
        let running = self.is_running();
        let fix = self.locator.fix();
        let age = self.sample.map_or(Duration::ZERO, |sample| now.since(sample.valid_at));
        set.set(Condition::NotArmed, self.switch == Switch::NeverArmed && self.config.arming == Arming::Active);
        set.set(Condition::OperatorOff, self.switch == Switch::Off && !planted::on(Bug::OffIgnored));
        set.set(Condition::NotRunning, !running);
        set.set(Condition::FirstPart, self.first_part && self.switch == Switch::Armed);
        let mode = self.sample.and_then(|sample| sample.mode);
        set.set(Condition::NotAutomatic, running && !is_automatic(mode));
        let stale_at = self.config.sample_age_max;
        set.set(Condition::SamplesStale, running && age > stale_at);
        set.set(Condition::SamplesLost, running && age > stale_at.times(SAMPLES_LOST_AGES));
        set.set(Condition::Unlocated, running && matches!(fix.quality, Quality::Unlocked | Quality::Lost));
        set.set(Condition::Refused, self.session.phase() == Phase::Refused);
        let accepted = self.session.is_accepted();
        set.set(Condition::NoSession, !accepted && self.session.phase() != Phase::Refused);
        let fresh = self.follower.is_fresh(now);
        let admitted = self.follower.admitted().is_some();
        set.set(Condition::NoPlanYet, accepted && !admitted);
        set.set(Condition::PlanExpired, accepted && admitted && !fresh);
        let at_end = fix.station >= self.job.path.end();
        set.set(Condition::HorizonEnd, accepted && fresh && !self.is_covered(now) && !at_end);
        let disabled = self.sample.is_some_and(|sample| sample.factor_enabled == Some(false));
        set.set(Condition::FactorDisabled, disabled);
        let overdue = self.handoff.open().is_some_and(|open| now.since(open.at) > self.config.latency_bound);
        set.set(Condition::HandoffLate, fresh && overdue);
        set
    }

    /// The stretch before which the feed is to be held now: the first one that a hold commanded a cycle later could
    /// not keep the tool out of. None in another context, and none where the place is not known.
    fn hold_ahead(&self, now: Instant) -> Option<(Station, Station)> {
        let other = self.guard.set().is_other_job();
        let fix = self.locator.fix();
        let blind = planted::on(Bug::HoldIgnored);
        if blind || !self.is_active() || other || !matches!(fix.quality, Quality::Located | Quality::Held) {
            return None;
        }
        let in_force = self.job.capabilities.effect_time.plus(self.config.cycle_period.times(2));
        let braking = self.config.braking.way(Feedrate::mm_s(self.speed_mm_s()));
        let until = if planted::on(Bug::HoldForgetsTheSpeed) {
            fix.station
        } else {
            self.ahead(now, in_force).advanced(braking)
        };
        let held = if planted::on(Bug::HoldEndsWithTheBaseline) && !self.follower.is_fresh(now) {
            return None;
        } else {
            self.follower.held(now)
        };
        held.hold_within(fix.station.advanced(-fix.uncertainty), until)
    }

    /// True where the fresh plan says something about the place.
    fn is_covered(&self, now: Instant) -> bool {
        self.follower.held(now).plan.is_some_and(|plan| plan.span_at(self.locator.fix().station).is_some())
    }

    fn is_running(&self) -> bool {
        let over = [Some(Execution::Ready), Some(Execution::ProgramCompleted), Some(Execution::Stopped)];
        self.sample.is_some_and(|sample| !over.contains(&sample.execution))
    }

    fn is_active(&self) -> bool {
        self.sample.is_some_and(|sample| sample.execution == Some(Execution::Active))
    }

    fn decide(&mut self, now: Instant, action: Action, cause: Option<Condition>, late: Duration) -> Decision {
        let source = Source::of(action);
        let mut authority = self.authority_of(now, source);
        if planted::on(Bug::SlowDownFrozen) && source == Source::Baseline {
            authority.factor = authority.factor.min(self.decision.factor);
        }
        // Without us the dial alone counts, above 100 % too, and so it does where overrides are forbidden.
        let left_alone = source == Source::PassThrough || (self.is_forced() && !planted::on(Bug::ForcedIgnored));
        let target = if left_alone { authority.factor.ratio() } else { self.beside_dial(authority.factor) };
        let mut ramp =
            self.ramp.filter(|_| self.is_in_control(now)).unwrap_or_else(|| Ramp::at(self.factor_in_force()));
        let step = self.config.envelope.slew_per_s * self.config.machine_s(late);
        let uncertain = self.is_running() && self.locator.fix().quality == Quality::Held;
        let lower = action == Action::Hold || (uncertain && action < Action::PassThrough);
        let permit = if lower { Permit::Lower } else { Permit::Both };
        // A cycle that holds the feed commands no factor, so that there is none to go on from.
        if !(action == Action::Hold && self.is_active()) {
            ramp.step(target, step, permit);
        }
        self.ramp = Some(ramp);
        let grain = self.config.envelope.step_permille.max(self.job.capabilities.factor_step_permille);
        let factor = ramp.factor(grain, self.config.envelope.factor_min).min(self.config.envelope.factor_max);
        let cause = cause.filter(|_| action > Action::Report);
        Decision { source, cause, binding: authority.binding, authority: authority.factor, factor }
    }

    fn authority_of(&self, now: Instant, source: Source) -> Authority {
        let envelope = &self.config.envelope;
        let without_us = Authority { factor: self.config.without_us, binding: Binding::plain(Reason::Programmed) };
        if source == Source::PassThrough {
            return without_us;
        }
        if self.is_forced() && !planted::on(Bug::ForcedIgnored) {
            return Authority { binding: Binding::plain(Reason::Locked), ..without_us };
        }
        let window = self.window(now);
        let held = |held| authority(&held, window, envelope.factor_min);
        let found = match source {
            Source::Plan => held(self.follower.held(now)),
            Source::Baseline | Source::PassThrough => held(self.follower.held_without_plan()),
            Source::LowerOfBoth => {
                let (plan, baseline) = (held(self.follower.held(now)), held(self.follower.held_without_plan()));
                if baseline.factor < plan.factor { baseline } else { plan }
            }
        };
        let stopped = found.factor == Override::STOP;
        let factor = if stopped { found.factor } else { found.factor.clamp(envelope.factor_min, envelope.factor_max) };
        let highest = if self.may_speed_up(source) { Override::PROGRAMMED } else { self.config.without_us };
        Authority { factor: factor.min(highest), ..found }
    }

    /// Whether anything may be faster than without us (a ceiling program): it takes a plan that is followed, which
    /// implies lease, freshness and an armed operator, and a controller that lets go by itself.
    fn may_speed_up(&self, source: Source) -> bool {
        source == Source::Plan && self.lease.epoch().is_some() && self.job.capabilities.watchdog
    }

    /// True where the tool can only be on segments on which overrides must stay as programmed.
    fn is_forced(&self) -> bool {
        let fix = self.locator.fix();
        let path = &self.job.path;
        let first = path.index_at(fix.station.advanced(-fix.uncertainty));
        let last = path.index_at(fix.station.advanced(fix.uncertainty));
        last - first < FORCED_SEGMENTS_MAX
            && path.segments()[first..=last].iter().all(|segment| segment.forced.is_some())
    }

    fn window(&self, now: Instant) -> Window {
        let fix = self.locator.fix();
        let speed_mm_s = self.speed_mm_s();
        // The ramp moves the factor; what the tool feels is the factor times the dial.
        let dial = if self.config.dial_rule == DialRule::Product { self.dial().unwrap_or(1.0) } else { 1.0 };
        let slew_per_s = self.config.envelope.slew_per_s * dial;
        // What is decided now is what the machine obeys until the next cycle's command has its effect.
        let in_force = self.job.capabilities.effect_time.plus(self.config.cycle_period);
        Window {
            from: fix.station.advanced(-fix.uncertainty),
            to: if planted::on(Bug::AuthorityAtPoint) { fix.station } else { self.ahead(now, in_force) },
            ramp_per_mm: if planted::on(Bug::AuthorityShortSighted) {
                f64::INFINITY
            } else if speed_mm_s > 0.0 {
                slew_per_s / speed_mm_s
            } else {
                f64::INFINITY
            },
        }
    }

    /// Where the tool may be a span from now at most: what it may travel meanwhile, and has travelled since
    /// the fix.
    pub(super) fn ahead(&self, now: Instant, span: Duration) -> Station {
        let fix = self.locator.fix();
        // A program that does not run travels nothing, however old its sample is.
        let age = if self.is_running() { now.since(fix.valid_at) } else { Duration::ZERO };
        let travelled_mm = self.speed_mm_s() * self.config.machine_s(age.plus(span));
        fix.station.advanced(fix.uncertainty + Length::mm(travelled_mm))
    }

    /// Speed along the path in machine time: as reported, but not less than what is commanded, because a tool
    /// that gathers speed is reported slower than it will be.
    fn speed_mm_s(&self) -> f64 {
        let finite = |speed_mm_s: f64| if speed_mm_s.is_finite() { speed_mm_s.abs() } else { 0.0 };
        let path = &self.job.path;
        let programmed = finite(path.segments()[path.index_at(self.locator.fix().station)].feed.as_mm_s());
        let dial = self.dial().unwrap_or(1.0);
        let reported = self.sample.and_then(|sample| sample.path_feedrate).map_or(0.0, |speed| finite(speed.as_mm_s()));
        let factor = self.decision.factor.ratio();
        let overridden = match self.config.dial_rule {
            DialRule::Product => dial * factor,
            DialRule::LowerOfBoth => dial.min(factor),
        };
        reported.max(programmed * overridden)
    }

    fn dial(&self) -> Option<f64> {
        self.sample.and_then(|sample| sample.dial_permille).map(|dial| f64::from(dial) / 1000.0)
    }

    /// What is to be commanded so that dial and authority together give the lower of both.
    fn beside_dial(&self, authority: Override) -> f64 {
        match (self.config.dial_rule, self.dial()) {
            (DialRule::Product, Some(dial)) if dial > 0.0 && !planted::on(Bug::DialIgnored) => {
                (authority.ratio() / dial).min(1.0)
            }
            _ => authority.ratio(),
        }
    }

    /// True while the controller still holds our last command, so that the ramp may go on from it.
    fn is_in_control(&self, now: Instant) -> bool {
        let commands = self.config.arming == Arming::Active && self.job.capabilities.factor;
        !commands || self.commanded.is_some_and(|(at, _)| now.since(at) < self.config.command_time_to_live)
    }

    /// A first command goes out only from a factor that was read back just now: without a sample, or from an old one,
    /// it would be assumed, and might be a jump.
    fn knows_the_factor(&self, now: Instant) -> bool {
        let held = self.commanded.is_some_and(|(at, _)| now.since(at) < self.config.command_time_to_live);
        held || self.sample.is_some_and(|sample| now.since(sample.valid_at) <= self.config.sample_age_max)
    }

    /// The factor the controller says is in force; the value without us where it does not say.
    fn factor_in_force(&self) -> Override {
        if planted::on(Bug::ClockRestartAssumes) {
            return self.config.without_us;
        }
        self.sample.and_then(|sample: ControllerSample| sample.factor).unwrap_or(self.config.without_us)
    }

    fn trace_decision(&mut self, now: Instant, decision: Decision) {
        let before = std::mem::replace(&mut self.decision, decision);
        let Decision { source, cause, factor, authority, .. } = decision;
        if (before.source, before.cause) != (source, cause) {
            self.blackbox.push(now, Event::Source { source, cause });
        }
        if before.factor != factor {
            let station = self.locator.fix().station;
            self.blackbox.push(now, Event::Factor { factor, authority, station });
        }
    }

    fn command(&mut self, now: Instant, action: Action) -> Option<Command> {
        if self.config.arming == Arming::Shadow || !self.job.capabilities.factor || !self.knows_the_factor(now) {
            return None;
        }
        // Silence begins only once the machine was told the value without us: no ramp is broken short.
        let at_rest = self.commanded.is_none_or(|(_, last)| last >= self.config.without_us);
        if action == Action::Hold && self.is_active() {
            return Some(Command::FeedHold);
        }
        if action == Action::Silent && at_rest {
            self.commanded = None;
            return None;
        }
        let factor = self.decision.factor;
        self.commanded = Some((now, factor));
        Some(Command::Factor { factor, time_to_live: self.config.command_time_to_live })
    }

    /// Clock time until the tool reaches the admitted horizon at programmed speed: none where the plan says
    /// nothing about the place, the greatest span where it reaches the end of the program.
    pub(super) fn slack(&self, now: Instant) -> Duration {
        let horizon = self.follower.horizon(now);
        if !self.is_covered(now) {
            return Duration::ZERO;
        }
        if horizon >= self.job.path.end() {
            return Duration::from_ns(u64::MAX);
        }
        let timetable = self.locator.timetable();
        let here_s = timetable.time_s(self.locator.fix().station);
        let age_s = if self.is_running() { self.config.machine_s(now.since(self.locator.fix().valid_at)) } else { 0.0 };
        Duration::from_s((timetable.time_s(horizon) - here_s - age_s) / self.config.time_scale)
    }

    /// Fires a trigger where the admitted horizon has come too near. Only a running, located, armed program
    /// with an open session fires.
    pub(super) fn trigger(&mut self, now: Instant, carried: Option<SampleSequence>) {
        let active = self.is_active();
        let located = matches!(self.locator.fix().quality, Quality::Located | Quality::Held);
        let armed = self.switch == Switch::Armed || self.config.arming == Arming::Shadow;
        let able = active && located && armed && !self.guard.is_latched() && self.session.phase() == Phase::Ready;
        let fix = self.locator.fix();
        let done = fix.station >= self.job.path.end();
        if !able || done || self.handoff.open().is_some() || self.slack(now) >= self.config.horizon_min {
            return;
        }
        let timetable = self.locator.timetable();
        let required_s = self.config.machine_s(self.config.horizon_required);
        let reach = timetable.station(timetable.time_s(fix.station) + required_s);
        let reach = reach.min(self.job.path.end()).min(fix.station.advanced(self.config.envelope.reach_max));
        self.handoff.fire(now, reach, carried);
        // The state that carries the trigger goes out at once.
        self.state_at = now;
        let basis = carried.unwrap_or_else(|| self.sequence.next());
        self.blackbox.push(now, Event::Trigger { basis, reach });
    }
}
