//! One step of the machine: commands that are due, the operator, motion, spindle, the cut.

use shared::geom::Point;
use shared::motion::{Drive, Geometry, Motion, SegmentKind, StillKind};
use shared::time::Instant;
use shared::units::{Feedrate, RotaryVelocity, Seconds};

use super::clock::StepClock;
use super::{TracePoint, VirtualController};
use crate::controller::Execution;
use crate::dead_man::Authority;
use crate::dialect::virtual_link::LinkCommand;
use crate::process::{CutLoad, ToolMotion};

impl VirtualController {
    pub(super) fn step(&mut self, trace: &mut dyn FnMut(&TracePoint)) {
        let at = self.clock.present();
        self.take_commands(at);
        self.turn_dial(at);
        let commanded = self.dead_man.authority(at) == Authority::Commanded;
        let running = self.execution() == Execution::Active;
        self.counters.expiries += u64::from(running && self.state.commanded && !commanded);
        self.state.commanded = commanded;
        self.clock.advance();
        self.turn_spindle();
        let factor = self.dead_man.ratio(at);
        if self.state.started.is_some() && !self.state.motion.finished {
            self.move_and_cut(factor);
            let waits = self.state.motion.still == Some(StillKind::Stop);
            self.state.running_s += if waits { 0.0 } else { StepClock::STEP_S };
            trace(&self.trace_point(factor));
        } else {
            self.state.load = CutLoad::default();
        }
        let turning = RotaryVelocity::rev_s(self.state.spindle_rev_s);
        let drive_power = self.machine.idle_power(turning) + self.state.load.power / self.machine.spindle.efficiency;
        self.sensors.measure(drive_power, Seconds::s(StepClock::STEP_S));
    }

    fn take_commands(&mut self, at: Instant) {
        while let Some((due, command)) = self.pending.front().copied() {
            if due > at {
                return;
            }
            self.pending.pop_front();
            match command {
                LinkCommand::Factor { factor, time_to_live } => {
                    // The grain is the controller's: whoever sends something finer gets the step below.
                    let factor = factor.quantised_down(self.machine.override_range.step_permille);
                    self.dead_man.renew(due, factor, time_to_live);
                }
                LinkCommand::Hold => self.state.held = true,
                LinkCommand::Resume => {
                    self.state.held = false;
                    self.runner.resume();
                }
                LinkCommand::Run if self.state.started.is_none() => self.state.started = Some(at),
                LinkCommand::Run => self.counters.commands_refused += 1,
                LinkCommand::Ping => {}
            }
        }
    }

    fn turn_dial(&mut self, at: Instant) {
        let Some(started) = self.state.started else {
            return;
        };
        while let Some(change) = self.config.dial.get(self.state.dial_next) {
            if started.after(change.at) > at {
                return;
            }
            self.state.dial_permille = change.permille;
            self.state.dial_next += 1;
        }
    }

    fn turn_spindle(&mut self) {
        let wanted = match self.state.started {
            Some(_) => self.path.segments()[self.state.motion.segment].spindle,
            None => None,
        };
        let wanted_rev_s = wanted.map_or(0.0, RotaryVelocity::as_rev_s);
        let change_rev_s = self.machine.spindle.speed_slew_rev_s2 * StepClock::STEP_S;
        let now_rev_s = self.state.spindle_rev_s;
        self.state.spindle_rev_s = now_rev_s + (wanted_rev_s - now_rev_s).clamp(-change_rev_s, change_rev_s);
    }

    fn move_and_cut(&mut self, factor: f64) {
        let before = self.state.motion;
        let drive = Drive { factor, dial: f64::from(self.state.dial_permille) / 1000.0, hold: self.state.held };
        let after = self.runner.advance(&self.path, &self.machine, Seconds::s(StepClock::STEP_S), drive);
        self.state.motion = after;
        let length_mm: f64 = self.pieces(&before, &after).map(|(_, from, to)| (to - from).norm()).sum();
        let path = std::sync::Arc::clone(&self.path);
        let mut load = CutLoad::default();
        for index in before.segment..=after.segment {
            let segment = &path.segments()[index];
            let Some((from, to)) = piece(&segment.geometry, index, &before, &after) else {
                continue;
            };
            let share = (to - from).norm() / length_mm.max(f64::MIN_POSITIVE);
            let felt = self.process.cut(&ToolMotion {
                from,
                to,
                time: Seconds::s(StepClock::STEP_S * if length_mm > 0.0 { share } else { 1.0 }),
                velocity: if length_mm > 0.0 { mean_velocity(&before, &after) } else { Feedrate::ZERO },
                spindle: RotaryVelocity::rev_s(self.state.spindle_rev_s),
                tool: segment.tool,
                rapid: segment.kind == SegmentKind::Rapid,
            });
            load.power += felt.power * if length_mm > 0.0 { share } else { 1.0 };
            load.force_peak_xy = load.force_peak_xy.max(felt.force_peak_xy);
        }
        self.state.load = load;
    }

    fn pieces<'a>(&'a self, before: &'a Motion, after: &'a Motion) -> impl Iterator<Item = (usize, Point, Point)> + 'a {
        let piece = move |index: usize| {
            let (from, to) = piece(&self.path.segments()[index].geometry, index, before, after)?;
            Some((index, from, to))
        };
        (before.segment..=after.segment).filter_map(piece)
    }

    fn trace_point(&self, factor: f64) -> TracePoint {
        let motion = self.state.motion;
        let segment = &self.path.segments()[motion.segment];
        TracePoint {
            wall: self.clock.present(),
            machine_time: Seconds::s(self.clock.machine_s()),
            station: motion.station,
            velocity: motion.velocity,
            spindle: RotaryVelocity::rev_s(self.state.spindle_rev_s),
            factor,
            dial_permille: self.state.dial_permille,
            line: segment.at.line,
            segment: motion.segment as u32,
            rapid: segment.kind == SegmentKind::Rapid,
            load: self.state.load,
        }
    }
}

/// The part of a segment that a step covers. A step that crosses a border is split there: corners stay sharp,
/// a rapid and a feed stay apart, and where the tip jumps because the tool length has changed, nothing moves.
/// A segment in which nothing moves gives a stretch of no length only if the whole step lies in it.
fn piece(geometry: &Geometry, index: usize, before: &Motion, after: &Motion) -> Option<(Point, Point)> {
    let alone = before.segment == after.segment;
    if matches!(geometry, Geometry::Still { .. }) {
        return alone.then_some((after.position, after.position));
    }
    let from = if index == before.segment { before.position } else { geometry.start() };
    let to = if index == after.segment { after.position } else { geometry.end() };
    (alone || from != to).then_some((from, to))
}

/// Speed over the step; its end alone would call the last step before a stop motionless.
fn mean_velocity(before: &Motion, after: &Motion) -> Feedrate {
    let mean = (before.velocity + after.velocity) / 2.0;
    if after.velocity > Feedrate::ZERO { after.velocity } else { mean }
}
