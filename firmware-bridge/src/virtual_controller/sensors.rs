//! What the outside learns: sampled, filtered, noisy, and sometimes broken.

use shared::det::{Rng, math};
use shared::geom::Vector;
use shared::machine::Machine;
use shared::motion::StillKind;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Power, RotaryVelocity, Seconds};

use super::{FaultKind, OUT_LEN_MAX, VirtualConfig, VirtualController};
use crate::controller::{ControllerMode, ControllerSample};
use crate::dialect::SourceTime;
use crate::dialect::shdr::encode_report;

/// Sampling instants, the power meter and the noise.
#[derive(Clone, Debug)]
pub(super) struct Sensors {
    origin: Instant,
    period: Duration,
    jitter_max: Duration,
    count: u64,
    next_at: Instant,
    filter_s: f64,
    step_w: f64,
    filtered_w: f64,
    noise: Rng,
    timing: Rng,
    faults: Rng,
}

impl Sensors {
    pub(super) fn new(config: &VirtualConfig, machine: &Machine, origin: Instant) -> Self {
        let rng = Rng::new(config.seed);
        let mut sensors = Self {
            origin,
            period: config.sample_period,
            jitter_max: config.noise.jitter_max,
            count: 0,
            next_at: origin,
            filter_s: config.meter.filter.as_s(),
            step_w: config.meter.step_share * machine.spindle.power_max.as_w(),
            filtered_w: 0.0,
            noise: rng.fork("noise"),
            timing: rng.fork("timing"),
            faults: rng.fork("faults"),
        };
        sensors.plan_next();
        sensors
    }

    /// The instant of the next sample.
    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// The grid of instants is fixed; jitter delays each for itself and does not add up.
    fn plan_next(&mut self) {
        self.count += 1;
        let jitter = Duration::from_ns(self.timing.below(self.jitter_max.as_ns().saturating_add(1)));
        self.next_at = self.origin.after(self.period.times(self.count)).after(jitter);
    }

    /// Feeds the power meter with what the drive takes over a step.
    pub(super) fn measure(&mut self, power: Power, step: Seconds) {
        let share = if self.filter_s > 0.0 { 1.0 - math::exp(-step.as_s() / self.filter_s) } else { 1.0 };
        self.filtered_w += (power.as_w() - self.filtered_w) * share;
    }

    fn power(&mut self, noise: Power) -> Power {
        let noisy_w = (self.filtered_w + noise.as_w() * self.noise.normal()).max(0.0);
        Power::w(if self.step_w > 0.0 { (noisy_w / self.step_w).round() * self.step_w } else { noisy_w })
    }
}

impl VirtualController {
    /// Takes a sample at an instant and writes its report.
    pub(super) fn sample(&mut self, at: Instant) {
        let broken = self.break_reports(at);
        let dropped = self.sensors.timing.chance(self.config.noise.drop_share);
        let stalled = at < self.state.stalled_until;
        let sample = self.observe(at);
        self.sensors.plan_next();
        if dropped || stalled {
            self.counters.reports_dropped += 1;
            return;
        }
        if self.out.len() >= OUT_LEN_MAX {
            self.counters.reports_overflowed += 1;
            return;
        }
        self.counters.reports += 1;
        let start = self.out.len();
        let stamp = SourceTime::Relative(at.since(self.sensors.origin).as_ns());
        encode_report(stamp, &sample, &mut self.out);
        if broken {
            let length = self.out.len() - start;
            let cut = 1 + self.sensors.faults.below(length as u64 - 2) as usize;
            self.out.truncate(start + cut);
            self.out.push(b'\n');
        }
    }

    fn observe(&mut self, at: Instant) -> ControllerSample {
        let motion = self.state.motion;
        let segment = &self.path.segments()[motion.segment];
        let noise = self.config.noise;
        let mut normal = || self.sensors.noise.normal();
        let offset = Vector::new(normal(), normal(), normal()) * noise.position.as_mm();
        let feedrate_mm_s = motion.velocity.as_mm_s() * (1.0 + noise.feedrate_share * normal());
        let in_force = Override::floor_of_ratio(self.dead_man.ratio(self.clock.present()));
        let power = self.sensors.power(noise.power);
        ControllerSample {
            valid_at: at,
            execution: Some(self.execution()),
            mode: Some(ControllerMode::Automatic),
            line: Some(segment.at.line),
            position: Some(motion.position + offset),
            path_feedrate: Some(Feedrate::mm_s(feedrate_mm_s.max(0.0))),
            dial_permille: Some(self.state.dial_permille),
            factor: in_force,
            factor_enabled: Some(segment.forced.is_none()),
            rotary_velocity: Some(RotaryVelocity::rev_s(self.state.spindle_rev_s)),
            spindle_power: Some(power),
            // During a change the spindle holds neither tool.
            tool: segment.tool.filter(|_| motion.still != Some(StillKind::ToolChange)),
        }
    }

    /// Begins the faults that are due; true where the next report is to be torn.
    fn break_reports(&mut self, at: Instant) -> bool {
        let Some(started) = self.state.started else {
            return false;
        };
        let mut torn = false;
        while let Some(fault) = self.config.faults.get(self.state.fault_next) {
            if started.after(fault.at) > at {
                break;
            }
            self.state.fault_next += 1;
            match fault.kind {
                FaultKind::Stall(span) => {
                    self.state.stalled_until = self.state.stalled_until.max(started.after(fault.at).after(span));
                }
                FaultKind::TornLine => torn = true,
                FaultKind::Garbage { bytes } => {
                    let faults = &mut self.sensors.faults;
                    let drawn = (0..bytes).map(|_| faults.next_u64() as u8);
                    if self.out.len() < OUT_LEN_MAX {
                        self.out.extend(drawn.filter(|byte| *byte != b'\n'));
                        self.out.push(b'\n');
                    }
                }
            }
        }
        torn
    }
}
