//! Ticks and reports to samples.

use shared::det::math::sin_cos;
use shared::geom::Point;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Power, RotaryVelocity};

use super::execution::ProgramRun;
use super::status::{CodesOf, TaskStatus};
use super::tick::{MotionType, Tick};
use super::tick_clock::TickClock;
use crate::controller::ControllerSample;

/// What has to be known beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReaderConfig {
    /// Period of the servo thread (`[EMCMOT]SERVO_PERIOD`).
    pub tick_period: Duration,
    /// Reports older than this are as good as none.
    pub status_age_max: Duration,
    /// Whether something is wired to `cosim-power`, so that its value means power.
    pub power_wired: bool,
    /// Whether something measures the spindle (`spindle.0.speed-in`); the commanded speed is given else.
    pub spindle_measured: bool,
}

/// A tick as a sample, with what only LinuxCNC says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TickSample {
    /// The sample.
    pub sample: ControllerSample,
    /// The tick it is from.
    pub tick: Tick,
    /// Ticks lost since the one before.
    pub lost: u64,
}

/// Where program coordinates lie in the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    g5x: [f64; 9],
    g92: [f64; 9],
    rotation_rad: f64,
}

/// Keeps the last report and makes a sample of each tick.
///
/// Positions are the tip's in the frame of the program's first work offset. That frame is taken from the first report
/// after motion began and kept until the program ends: whoever changes an offset in mid-run moves what the program says
/// next, not the part on the table.
#[derive(Clone, Debug)]
pub struct Reader {
    config: ReaderConfig,
    clock: TickClock,
    status: Option<(Instant, TaskStatus)>,
    run: ProgramRun,
    frame: Option<Frame>,
    /// Since when reports have codes of a motion that is over.
    outdated_since: Option<Instant>,
    tick: Option<Tick>,
    lost: u64,
}

impl Reader {
    /// A reader that has heard nothing yet.
    pub fn new(config: ReaderConfig) -> Self {
        let clock = TickClock::new(config.tick_period);
        let run = ProgramRun::new();
        Self { config, clock, status: None, run, frame: None, outdated_since: None, tick: None, lost: 0 }
    }

    /// LinuxCNC was started again: nothing of before holds.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }

    /// Takes a report that came at `now`.
    pub fn handle_status(&mut self, now: Instant, status: &TaskStatus) {
        self.run.handle_status(status, self.tick.as_ref());
        self.status = Some((now, *status));
        let outdated = status.codes_of() == Some(CodesOf::MotionBefore);
        self.outdated_since = self.outdated_since.or(Some(now)).filter(|_| outdated);
        let moving = self.tick.is_some_and(|tick| tick.program_line > 0 && tick.motion_type != MotionType::Idle);
        if !self.run.is_running() {
            self.frame = None;
        } else if self.frame.is_none() && moving {
            self.frame = frame_of(status);
        }
    }

    /// Takes the ticks that one look at `now` brought, oldest first, and hands over a sample for each.
    pub fn handle_ticks(&mut self, now: Instant, ticks: &[Tick], mut sample: impl FnMut(TickSample)) {
        if let Some(newest) = ticks.last() {
            self.clock.handle_look(now, newest.number);
        }
        for tick in ticks {
            let time = self.clock.time_of(now, tick.number);
            self.lost += time.lost;
            self.tick = Some(*tick);
            sample(TickSample { sample: self.sample(now, time.valid_at, tick), tick: *tick, lost: time.lost });
        }
    }

    /// The newest tick.
    pub fn tick(&self) -> Option<&Tick> {
        self.tick.as_ref()
    }

    /// The last report, unless it is too old.
    pub fn status(&self, now: Instant) -> Option<&TaskStatus> {
        let (at, status) = self.status.as_ref()?;
        (now.since(*at) <= self.config.status_age_max).then_some(status)
    }

    /// Ticks lost so far.
    pub fn ticks_lost(&self) -> u64 {
        self.lost
    }

    fn sample(&self, now: Instant, valid_at: Instant, tick: &Tick) -> ControllerSample {
        let status = self.status(now);
        let units_per_mm = status.and_then(|status| status.units_per_mm);
        let finite = |value: f64| value.is_finite().then_some(value);
        let rotation = if self.config.spindle_measured { tick.speed_in_rev_s } else { tick.speed_out_rev_s };
        ControllerSample {
            valid_at,
            execution: self.run.execution(status, tick),
            mode: status.and_then(|status| status.mode),
            line: u32::try_from(tick.program_line).ok().filter(|line| *line > 0),
            position: status.and_then(|status| self.position(status, tick)),
            path_feedrate: units_per_mm.and_then(|units| finite(tick.current_vel / units)).map(Feedrate::mm_s),
            dial_permille: status.and_then(dial_in_force),
            // Written as a whole number of per mille; the sum of a ramp's steps is not, so the nearest is meant.
            factor: finite(tick.factor).and_then(|factor| Override::floor_of_ratio(factor + 0.0005)),
            factor_enabled: status.and_then(|status| self.factor_enabled(now, status, tick)),
            rotary_velocity: finite(rotation).map(RotaryVelocity::rev_s),
            spindle_power: finite(tick.power_w).filter(|_| self.config.power_wired).map(Power::w),
            tool: status.and_then(|status| status.tool).filter(|tool| tool.0 > 0),
        }
    }

    /// Whether the motion that runs obeys the factor.
    ///
    /// It does under M52 P1 where the agent is granted its say, and not while the spindle leads the axes. Where the
    /// program has switched the feed dial off (M50 P0, M49) LinuxCNC would obey the factor still; but who wrote that wants
    /// no override at this place, so it counts as not enabled and the value without us is written. Where the codes are not
    /// those of the motion that runs, both what was read and what is queued have to allow it.
    fn factor_enabled(&self, now: Instant, status: &TaskStatus, tick: &Tick) -> Option<bool> {
        let commanded = status.factor_enabled?;
        let of_codes = status.m_codes.map(|codes| codes[M_ADAPTIVE] == 52);
        let adaptive = match of_codes {
            Some(of_motion) if status.codes_of() == Some(CodesOf::Motion) => of_motion,
            other => commanded && other.unwrap_or(true),
        };
        let outdated = self.outdated_since.is_some_and(|since| now.since(since) > OUTDATED_MAX);
        let led_by_spindle = status.is_synchronised(tick.motion_type) || (outdated && is_feed(tick));
        Some(adaptive && dial_enabled(status)? && !led_by_spindle && tick.granted)
    }

    fn position(&self, status: &TaskStatus, tick: &Tick) -> Option<Point> {
        let units_per_mm = status.units_per_mm?;
        let tool = status.tool_offset?;
        let frame = self.frame.or_else(|| frame_of(status))?;
        let machine: [f64; 3] = std::array::from_fn(|axis| tick.axes[axis] - tool[axis] - frame.g5x[axis]);
        let (sin, cos) = sin_cos(frame.rotation_rad);
        let turned = [machine[0] * cos + machine[1] * sin, machine[1] * cos - machine[0] * sin, machine[2]];
        let place: [f64; 3] = std::array::from_fn(|axis| (turned[axis] - frame.g92[axis]) / units_per_mm);
        place.iter().all(|value| value.is_finite()).then(|| Point::from(place))
    }
}

fn frame_of(status: &TaskStatus) -> Option<Frame> {
    let rotation_rad = status.rotation_deg?.to_radians();
    Some(Frame { g5x: status.work_offset?, g92: status.g92_offset?, rotation_rad })
}

/// Slots of LinuxCNC's M codes: overrides (48 to 51), adaptive feed (52), feed hold (53).
const M_OVERRIDES: usize = 6;
const M_ADAPTIVE: usize = 7;

/// Codes of a motion that is over, for longer than this: the motion that runs does not tell its own.
const OUTDATED_MAX: Duration = Duration::from_ms(30);

fn is_feed(tick: &Tick) -> bool {
    matches!(tick.motion_type, MotionType::Feed | MotionType::Arc)
}

/// The dial as it counts for the motion that runs: 1000 where the program has switched it off.
fn dial_in_force(status: &TaskStatus) -> Option<u16> {
    let dial = status.dial_permille?;
    Some(if dial_enabled(status)? { dial } else { 1000 })
}

fn dial_enabled(status: &TaskStatus) -> Option<bool> {
    let commanded = status.dial_enabled?;
    // 48: both dials count, 50: only the feed's, 51: only the spindle's, 49: none.
    let of_motion = status.m_codes.map(|codes| matches!(codes[M_OVERRIDES], 48 | 50));
    Some(match of_motion {
        Some(of_motion) if status.codes_of() == Some(CodesOf::Motion) => of_motion,
        other => commanded && other.unwrap_or(true),
    })
}
