//! From the override that is reported to the one that is wanted, closed over the reports.
//!
//! Three parties move one register: the operator, we, and the controller itself (a reset and the end of a program
//! put it back to 100). Bytes can be lost, reports come late and mention the register only when it has changed and
//! every ten to thirty times. Counting presses therefore fails sooner or later; what holds is this:
//!
//! * A byte goes out at least a *pace* after the one before it, because presses that meet in the controller are one.
//!   The pace starts at 5 ms and doubles up to 40 ms where bytes turn out to be lost.
//! * A report can be lost too, and with it the only mention of a change. So a byte that is not confirmed is not sent
//!   again: one more decrease by 1 is, a *probe*, which makes the controller state the register.
//! * Of bytes that are not confirmed we know which values they can lead to, any of them lost: the *explained* values.
//!   A report of another value is somebody else's doing, and that is the operator.
//! * The operator's value is the one that stands without us. His decrease becomes it; his increase raises it if it is
//!   above it: pressing +10 at 60, where we hold 60 of his 100, must not leave him with 70. We drive to
//!   min(operator, wanted), and back to the operator's value when we let go.
//! * One digit broken in a report would look like an operator's press. While we hold, a surprising value is believed
//!   once a second report agrees; a single −1 makes the controller state the register again.
//!
//! What cannot be told: a decrease by the operator in the same tens of milliseconds in which we raise looks like a
//! byte of ours that was lost, and is taken for that. At most four raises are under way at a time for this reason.
//!
//! Source of the pacing figures: CONTROLLERS.md section 2.

use shared::time::{Duration, Instant};

use super::steps::{FeedStep, Register, next_step};

/// Shortest time between two bytes.
const PACE_MIN: Duration = Duration::from_ms(5);
/// Longest, after losses.
const PACE_MAX: Duration = Duration::from_ms(40);
/// Bytes under way, not yet confirmed: what grblHAL's queue holds, less one.
const UNDER_WAY_MAX: u32 = 15;
/// Raises under way.
const RAISES_UNDER_WAY_MAX: u32 = 4;
/// Where bytes are not confirmed after this, with two reports since, a probe goes out.
const LOST_AFTER: Duration = Duration::from_ms(250);
/// Reports that must have come since.
const LOST_REPORTS: u32 = 2;
/// So many probes in a row without any movement: the controller does not obey.
const DISOBEYED_MAX: u32 = 3;
/// How often it is then tried again.
const RETRY: Duration = Duration::from_ms(1000);

/// Disobedience is forgotten when nothing was tried for so long.
const DISOBEYED_FOR: Duration = Duration::from_ms(5000);

/// Settings; no default, both matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverrideSettings {
    /// Greatest change upwards, ratio a second; zero or less: as fast as the pace allows.
    pub raise_slew_per_s: f64,
    /// The operator's value as it was before this agent started, where a shell kept it. Without it the first reported
    /// value counts as the operator's, also where an agent that was killed left it behind.
    pub operator_before: Option<Register>,
}

/// What is known about the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Last reported value.
    pub reported: Option<Register>,
    /// The value without us.
    pub operator: Option<Register>,
    /// What we drive to.
    pub target: Option<Register>,
    /// True while a wanted value is in force, reached or not.
    pub holding: bool,
    /// False where bytes had no effect several times in a row (M50 P0 and the like).
    pub obeyed: bool,
    /// Bytes sent so far.
    pub bytes: u64,
    /// Bytes found lost.
    pub lost: u64,
    /// Changes found to be somebody else's.
    pub operator_changes: u64,
}

/// A set of register values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Values([u64; 4]);

impl Values {
    const ALL: Self = Self([u64::MAX; 4]);

    fn only(value: Register) -> Self {
        let mut set = Self([0; 4]);
        set.insert(value);
        set
    }

    fn insert(&mut self, value: Register) {
        self.0[usize::from(value.percent() / 64)] |= 1 << (value.percent() % 64);
    }

    fn has(&self, value: Register) -> bool {
        self.0[usize::from(value.percent() / 64)] & (1 << (value.percent() % 64)) != 0
    }

    /// With every value that a step leads to from one of them, and without it.
    fn spread(&mut self, step: FeedStep) {
        let before = *self;
        for percent in super::OVERRIDE_MIN..=super::OVERRIDE_MAX {
            if let Some(value) = Register::new(percent).filter(|value| before.has(*value)) {
                self.insert(value.after(step));
            }
        }
    }
}

/// A reported value that nothing of ours explains, not yet confirmed.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    value: Register,
    /// What we expected when it came.
    before: Register,
    /// What our bytes since then make of it, any of them lost.
    after: Values,
    /// What they make of it when none is lost.
    end: Register,
}

/// The register as we follow it.
#[derive(Clone, Copy, Debug)]
struct Track {
    /// Last value reported or implied.
    reported: Register,
    /// Value once all bytes under way have acted.
    expected: Register,
    explained: Values,
    suspect: Option<Suspect>,
    under_way: u32,
    /// Reports since the last byte.
    reports: u32,
    /// The last byte was a probe; everything before it has acted or is lost.
    probing: bool,
    operator: Register,
}

impl Track {
    fn at(value: Register, operator: Register) -> Self {
        Self {
            reported: value,
            expected: value,
            explained: Values::only(value),
            suspect: None,
            under_way: 0,
            reports: 0,
            probing: false,
            operator,
        }
    }

    fn settle(&mut self, value: Register) {
        *self = Self::at(value, self.operator);
    }
}

/// Drives the feed override.
#[derive(Clone, Copy, Debug)]
pub struct OverrideLoop {
    settings: OverrideSettings,
    track: Option<Track>,
    wanted: Option<(Register, Instant)>,
    pace: Duration,
    last_byte: Option<Instant>,
    raise_at: Instant,
    unmoved: u32,
    probe_due: bool,
    bytes: u64,
    lost: u64,
    operator_changes: u64,
}

impl OverrideLoop {
    /// Knows nothing yet and sends nothing until the first report.
    pub fn new(settings: OverrideSettings) -> Self {
        Self {
            settings,
            track: None,
            wanted: None,
            pace: PACE_MIN,
            last_byte: None,
            raise_at: Instant::ORIGIN,
            unmoved: 0,
            probe_due: false,
            bytes: 0,
            lost: 0,
            operator_changes: 0,
        }
    }

    /// Hold the override at `wanted` or below until `until`, unless renewed. Never raises beyond the operator.
    pub fn hold(&mut self, wanted: Register, until: Instant) {
        self.wanted = Some((wanted.min(Register::PROGRAMMED), until));
    }

    /// Give the operator's value back.
    pub fn let_go(&mut self) {
        self.wanted = None;
    }

    /// The controller was reset or the link broke: whatever was known no longer holds. What was wanted is dropped
    /// too: it must be asked for again.
    pub fn forget(&mut self) {
        let operator_before = None;
        let settings = OverrideSettings { operator_before, ..self.settings };
        *self =
            Self { bytes: self.bytes, lost: self.lost, operator_changes: self.operator_changes, ..Self::new(settings) };
    }

    /// What is known at `now`.
    pub fn standing(&self, now: Instant) -> Standing {
        Standing {
            reported: self.track.map(|track| track.reported),
            operator: self.track.map(|track| track.operator),
            target: self.track.map(|track| self.target(&track, now)),
            holding: self.wanted_at(now).is_some(),
            obeyed: self.unmoved < DISOBEYED_MAX,
            bytes: self.bytes,
            lost: self.lost,
            operator_changes: self.operator_changes,
        }
    }

    /// Takes a status report; `stated` is its `Ov`. That a report has none says little: it should mean unchanged, but
    /// a report in between may have been lost.
    pub fn handle_report(&mut self, now: Instant, stated: Option<Register>) {
        let Some(mut track) = self.track else {
            if let Some(value) = stated {
                self.track = Some(Track::at(value, self.settings.operator_before.unwrap_or(value)));
            }
            return;
        };
        track.reports += 1;
        if let Some(value) = stated {
            self.stated(&mut track, now, value);
        }
        self.look_for_losses(&mut track, now);
        self.track = Some(track);
    }

    fn stated(&mut self, track: &mut Track, now: Instant, value: Register) {
        let moved = track.reported != value;
        let agrees = |suspect: &Suspect| suspect.after.has(value) && !track.explained.has(value);
        if let Some(suspect) = track.suspect.filter(agrees) {
            self.operators(track, suspect, value);
        } else if track.explained.has(value) {
            track.suspect = None;
            track.reported = value;
            if value == track.expected {
                track.settle(value);
            } else if track.probing && moved || Self::is_stopped(track) && self.has_waited(now) {
                self.lost += 1;
                self.pace = self.pace.times(2).min(PACE_MAX);
                track.settle(value);
            }
            if moved {
                self.unmoved = 0;
            }
        } else if self.wanted_at(now).is_none() && track.expected == track.operator {
            // Nothing of ours is in the register: whatever it shows is the operator's.
            track.operator = value;
            track.settle(value);
            self.operator_changes += 1;
        } else {
            let before = track.expected;
            track.suspect = Some(Suspect { value, before, after: Values::only(value), end: value });
            self.probe_due = true;
        }
    }

    /// A surprise was confirmed by a second report, of `value`.
    fn operators(&mut self, track: &mut Track, suspect: Suspect, value: Register) {
        let pressed = suspect.value;
        track.operator = if pressed < suspect.before { pressed } else { track.operator.max(pressed) };
        (track.reported, track.expected, track.explained, track.suspect) = (value, suspect.end, suspect.after, None);
        if value == suspect.end {
            track.settle(value);
        }
        self.probe_due = false;
        self.unmoved = 0;
        self.operator_changes += 1;
    }

    fn look_for_losses(&mut self, track: &mut Track, now: Instant) {
        if self.last_byte.is_some_and(|at| now.since(at) >= DISOBEYED_FOR) {
            self.unmoved = 0;
        }
        let asked = track.suspect.is_some() || track.reports < LOST_REPORTS;
        if track.under_way == 0 || asked || !self.has_waited(now) {
            return;
        }
        let stopped = Self::is_stopped(track);
        if track.probing || stopped {
            self.unmoved = self.unmoved.saturating_add(u32::from(!stopped));
        }
        if self.unmoved >= DISOBEYED_MAX {
            let reported = track.reported;
            track.settle(reported);
        }
        self.probe_due = !stopped && self.unmoved < DISOBEYED_MAX;
        track.reports = 0;
    }

    fn has_waited(&self, now: Instant) -> bool {
        self.last_byte.is_some_and(|at| now.since(at) >= LOST_AFTER)
    }

    /// At the end stop a probe changes nothing; the next statement comes by itself.
    fn is_stopped(track: &Track) -> bool {
        track.expected.percent() == super::OVERRIDE_MIN
    }

    /// Another sender's byte went to the controller (watching): the operator's hand, known exactly.
    pub fn handle_operator_step(&mut self, now: Instant, step: FeedStep) {
        self.last_byte = Some(now);
        let Some(track) = &mut self.track else { return };
        let pressed = track.expected.after(step);
        track.operator = match step {
            FeedStep::Reset => Register::PROGRAMMED,
            FeedStep::Minus10 | FeedStep::Minus1 => track.operator.min(pressed),
            FeedStep::Plus10 | FeedStep::Plus1 => track.operator.max(pressed),
        };
        self.operator_changes += 1;
        Self::step(track, step);
        // Too many presses to follow: until it is quiet, every value is explained.
        if track.under_way > UNDER_WAY_MAX {
            track.explained = Values::ALL;
        }
    }

    /// The next byte, where one is due.
    pub fn poll_step(&mut self, now: Instant) -> Option<FeedStep> {
        let mut track = self.track?;
        let paced = self.last_byte.is_none_or(|at| now.since(at) >= self.pace);
        if !paced || track.under_way >= UNDER_WAY_MAX || self.is_backing_off(now) {
            return None;
        }
        let probes = std::mem::take(&mut self.probe_due);
        let step = if probes {
            FeedStep::Minus1
        } else {
            let target = self.target(&track, now);
            // A reset that raises is a jump; where raises have a slew it is not used.
            let may_reset = self.settings.raise_slew_per_s <= 0.0 || track.expected > Register::PROGRAMMED;
            let (step, _) = next_step(track.expected, target, may_reset && track.under_way == 0)?;
            let raises = track.expected.after(step) > track.expected;
            let late = now < self.raise_at || track.suspect.is_some() || track.under_way >= RAISES_UNDER_WAY_MAX;
            if raises && late {
                return None;
            }
            if raises {
                self.raise_at = now.after(self.raise_takes(track.expected, step));
            }
            step
        };
        Self::step(&mut track, step);
        track.probing = probes;
        self.track = Some(track);
        self.last_byte = Some(now);
        self.bytes += 1;
        Some(step)
    }

    /// When to ask again for a byte; `None` where only a report or a command can change anything.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let track = self.track?;
        let until = self.wanted_at(now).map(|(_, until)| until);
        let due = (track.expected != self.target(&track, now) || self.probe_due).then(|| {
            let paced = self.last_byte.map_or(now, |at| at.after(self.pace));
            paced.max(if track.expected < self.target(&track, now) {
                self.raise_at.min(now.after(RETRY))
            } else {
                paced
            })
        });
        match (due, until) {
            (Some(due), Some(until)) => Some(due.min(until)),
            (due, until) => due.or(until),
        }
    }

    fn step(track: &mut Track, step: FeedStep) {
        track.expected = track.expected.after(step);
        track.explained.spread(step);
        if let Some(suspect) = &mut track.suspect {
            suspect.after.spread(step);
            suspect.end = suspect.end.after(step);
        }
        track.under_way += 1;
        track.probing = false;
        track.reports = 0;
    }

    fn wanted_at(&self, now: Instant) -> Option<(Register, Instant)> {
        self.wanted.filter(|(_, until)| now < *until)
    }

    fn target(&self, track: &Track, now: Instant) -> Register {
        self.wanted_at(now).map_or(track.operator, |(wanted, _)| wanted.min(track.operator))
    }

    fn is_backing_off(&self, now: Instant) -> bool {
        self.unmoved >= DISOBEYED_MAX && self.last_byte.is_some_and(|at| now.since(at) < RETRY)
    }

    fn raise_takes(&self, from: Register, step: FeedStep) -> Duration {
        let rise = f64::from(from.after(step).percent().saturating_sub(from.percent())) / 100.0;
        let slew = self.settings.raise_slew_per_s;
        if slew > 0.0 { Duration::from_s(rise / slew) } else { Duration::ZERO }
    }
}
