//! Many truths in one pass: one stock, one engagement, a load for each seed.

use std::collections::{BTreeMap, VecDeque};

use firmware_bridge::process::ToolMotion;
use shared::det::Rng;
use shared::geom::{Point, Vector};
use shared::ident::ToolNumber;
use shared::units::{Feedrate, Force, Length, Power, Seconds, Torque, Volume};

use super::edge::Cutter;
use super::law::{Draw, disturbed};
use super::revolution::{Advance, Revolution, Turn};
use super::stock::ColumnGrid;
use super::{Disturbance, DisturbanceStart, TruthError, TruthSetup};

/// Loads of one revolution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrueLoad {
    /// Greatest resultant in the plane.
    pub force_peak_xy: Force,
    /// Means along the feed, to the left of it (right for a spindle turning counter-clockwise), and along
    /// the axis towards the work.
    pub force_mean: [Force; 3],
    /// Mean torque at the cutter.
    pub torque: Torque,
    /// Mean power at the cutter.
    pub power: Power,
}

/// One evaluated pose.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation<'a> {
    /// Tip, work frame.
    pub at: Point,
    /// Length of path since the first motion, rapids included.
    pub travel: Length,
    /// Machine time since the first motion, at the beginning of the motion that holds the pose.
    pub time: Seconds,
    /// Speed along the path, as the chip has it.
    pub speed: Feedrate,
    /// True within a rapid.
    pub rapid: bool,
    /// One load a seed, in the order of the seeds.
    pub loads: &'a [TrueLoad],
}

/// What was done, and what could not be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    /// Poses looked at.
    pub evaluations: u64,
    /// Poses at which the cutter was in material.
    pub in_material: u64,
    /// Poses in material with the spindle stopped: no load is given, the material goes all the same.
    pub spindle_stopped: u64,
    /// Motions below the top of the stock with no tool, or one the truth does not know: nothing is cut.
    pub unknown_tool: u64,
    /// Removed volume. What was passed last follows when the tool turns, rests, leaves or is changed.
    pub removed: Volume,
}

/// The true processes of all seeds of a setup, in one stock.
#[derive(Clone, Debug)]
pub struct TruthEnsemble {
    grid: ColumnGrid,
    cutters: BTreeMap<ToolNumber, (Cutter, Revolution)>,
    draws: Vec<(Draw, Rng)>,
    noise: f64,
    every_mm: f64,
    disturbances: Vec<Disturbance>,
    /// When every cutter loses its first flute; `None` where none does, and once it has.
    flute_lost_from: Option<DisturbanceStart>,
    loads: Vec<TrueLoad>,
    counters: Counters,
    time_s: f64,
    travel_mm: f64,
    since_mm: f64,
    speed_mm_s: f64,
    tool: Option<ToolNumber>,
    stamped: Option<Point>,
    /// Evaluated poses not stamped yet, with the travel at which they were.
    pending: VecDeque<(Point, f64)>,
    direction: Vector,
    /// Where the tip was, with the travel there: back by [`Self::TRAIL_MM`].
    trail: VecDeque<(Point, f64)>,
}

impl TruthEnsemble {
    /// Change of speed that calls for an evaluation before its distance.
    const SPEED_CHANGE: f64 = 0.05;

    /// How far the stamping stays behind the cutter, in columns. The border of what was stamped is ragged by
    /// a column; seen from a pose right after it, the thin chips at the sides of a cut would be lost in that.
    /// From here the material ahead of the pose is whole, and as only what moves into it counts, what the
    /// cutter has passed since does not.
    const LAG_COLUMNS: f64 = 12.0;

    /// Cosine of the turn of the path at which everything pending is stamped: what lies ahead then is no
    /// longer what lay ahead before.
    const TURN_COS: f64 = 0.87;

    /// How far back the way of the tip is remembered: more than a tooth's feed and a column.
    const TRAIL_MM: f64 = 1.0;

    /// Sets up stock, cutters and the draws of all seeds.
    ///
    /// # Errors
    /// [`TruthError`] where a figure is out of range.
    pub fn new(setup: TruthSetup) -> Result<Self, TruthError> {
        validate(&setup)?;
        let grid = ColumnGrid::new(&setup.stock, setup.cell.as_mm())?;
        let mut cutters = BTreeMap::new();
        for tool in &setup.tools {
            let cutter = Cutter::new(tool)?;
            let (runout_mm, angle_rad) = (setup.runout.as_mm(), setup.runout_angle.as_rad());
            let revolution = Revolution::new(&cutter, runout_mm, angle_rad, setup.law.chip_exponent());
            cutters.insert(tool.number, (cutter, revolution));
        }
        let draw = |seed: &u64| (setup.law.draw(*seed, setup.spread), Rng::new(*seed).fork("true noise"));
        Ok(Self {
            grid,
            cutters,
            draws: setup.seeds.iter().map(draw).collect(),
            noise: setup.noise,
            every_mm: setup.evaluate_every.as_mm(),
            loads: vec![TrueLoad::default(); setup.seeds.len()],
            disturbances: setup.disturbances,
            flute_lost_from: None,
            counters: Counters::default(),
            time_s: 0.0,
            travel_mm: 0.0,
            since_mm: 0.0,
            speed_mm_s: 0.0,
            tool: None,
            stamped: None,
            pending: VecDeque::new(),
            direction: Vector::zeros(),
            trail: VecDeque::new(),
        })
    }

    /// From then on the cutters lack their first flute; nobody is told.
    pub fn lose_flute(&mut self, from: DisturbanceStart) {
        self.flute_lost_from = Some(from);
    }

    /// Hidden changes of the coefficients beside those of the setup.
    pub fn disturb(&mut self, disturbance: Disturbance) {
        self.disturbances.push(disturbance);
    }

    /// Loads of the last evaluation, one a seed; zero in air and at rest.
    pub fn loads(&self) -> &[TrueLoad] {
        &self.loads
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Volume of what is left, mm³.
    #[cfg(test)]
    pub(super) fn volume_mm3(&self) -> f64 {
        self.grid.volume_mm3()
    }

    /// Cuts one straight stretch of any length and hands over every pose it evaluates. Above the highest
    /// point of the stock nothing is evaluated.
    pub fn cut(&mut self, motion: &ToolMotion, evaluated: &mut dyn FnMut(&Evaluation<'_>)) {
        let stretch = motion.to - motion.from;
        let length_mm = stretch.norm();
        if self.tool != motion.tool {
            self.stamp_pending(f64::NEG_INFINITY);
            self.tool = motion.tool;
            self.stamped = None;
        }
        let known = motion.tool.is_some_and(|tool| self.cutters.contains_key(&tool));
        let above = motion.from.z.min(motion.to.z) >= self.grid.top_mm();
        self.counters.unknown_tool += u64::from(!known && !above && length_mm > 0.0);
        if known && !above && length_mm > 0.0 {
            self.cut_inside(motion, stretch / length_mm, length_mm, evaluated);
        } else {
            self.loads.fill(TrueLoad::default());
            self.since_mm = 0.0;
            self.stamp_pending(f64::NEG_INFINITY);
            self.stamped = self.stamped.filter(|_| length_mm == 0.0);
            if length_mm > 0.0 {
                self.trail.clear();
            }
        }
        self.travel_mm += length_mm;
        self.time_s += motion.time.as_s().max(0.0);
    }

    fn cut_inside(
        &mut self,
        motion: &ToolMotion,
        direction: Vector,
        length_mm: f64,
        evaluated: &mut dyn FnMut(&Evaluation<'_>),
    ) {
        let mean_mm_s = if motion.time.as_s() > 0.0 { length_mm / motion.time.as_s() } else { 0.0 };
        let velocity_mm_s = motion.velocity.as_mm_s().abs();
        let speed_mm_s = if velocity_mm_s > 0.0 { velocity_mm_s } else { mean_mm_s };
        if self.trail.back().is_none_or(|(at, _)| *at != motion.from) {
            self.trail.clear();
            self.trail.push_back((motion.from, self.travel_mm));
        }
        let heading = self.way(motion.to, self.travel_mm + length_mm, self.grid.cell_mm(), direction);
        if heading.dot(&self.direction) < Self::TURN_COS {
            self.stamp_pending(f64::NEG_INFINITY);
        }
        self.direction = heading;
        let mut done_mm = 0.0;
        loop {
            let due_mm = done_mm + self.every_mm - self.since_mm;
            let changed = (speed_mm_s - self.speed_mm_s).abs() > Self::SPEED_CHANGE * self.speed_mm_s;
            let at_mm = if due_mm <= length_mm {
                due_mm
            } else if changed && self.since_mm + length_mm - done_mm >= 0.1 * self.every_mm {
                length_mm
            } else {
                self.since_mm += length_mm - done_mm;
                break;
            };
            done_mm = at_mm;
            self.since_mm = 0.0;
            self.speed_mm_s = speed_mm_s;
            let at = motion.from + direction * at_mm;
            self.evaluate(motion, at, direction, speed_mm_s, at_mm);
            evaluated(&Evaluation {
                at,
                travel: Length::mm(self.travel_mm + at_mm),
                time: Seconds::s(self.time_s),
                speed: Feedrate::mm_s(speed_mm_s),
                rapid: motion.rapid,
                loads: &self.loads,
            });
            if done_mm >= length_mm {
                break;
            }
        }
        let reached_mm = self.travel_mm + length_mm;
        while self.trail.get(1).is_some_and(|(_, at_mm)| *at_mm <= reached_mm - Self::TRAIL_MM) {
            self.trail.pop_front();
        }
        self.trail.push_back((motion.to, reached_mm));
    }

    /// Direction in which the tip has moved over the last `over_mm` of travel. A stretch shorter than that (a corner
    /// between two blocks, a rounding remainder of a fraction of a micrometre) turns it by its share alone.
    fn way(&self, at: Point, travel_mm: f64, over_mm: f64, along: Vector) -> Vector {
        let since_mm = travel_mm - over_mm;
        let before = self.trail.iter().rposition(|(_, reached_mm)| *reached_mm <= since_mm).unwrap_or(0);
        let Some(&(from, from_mm)) = self.trail.get(before) else { return along };
        let (to, to_mm) = self.trail.get(before + 1).copied().unwrap_or((at, travel_mm));
        let share = if to_mm > from_mm { ((since_mm - from_mm) / (to_mm - from_mm)).clamp(0.0, 1.0) } else { 0.0 };
        (at - (from + (to - from) * share)).try_normalize(1e-9).unwrap_or(along)
    }

    fn evaluate(&mut self, motion: &ToolMotion, at: Point, along: Vector, speed_mm_s: f64, at_mm: f64) {
        let Some(flutes) = motion.tool.and_then(|tool| self.cutters.get(&tool)).map(|(cutter, _)| cutter.flutes) else {
            return;
        };
        self.counters.evaluations += 1;
        let breaks = |from: &mut DisturbanceStart| from.has_come(self.time_s, self.travel_mm + at_mm);
        if self.flute_lost_from.take_if(breaks).is_some() {
            self.cutters.values_mut().for_each(|(_, revolution)| revolution.lose_flute(0));
        }
        let spindle_rev_s = motion.spindle.as_rev_s();
        let turning_rev_s = spindle_rev_s.abs();
        let per_tooth_mm = speed_mm_s / (turning_rev_s.max(1e-6) * flutes as f64);
        // What has passed since the tooth before makes the chip.
        let direction = self.way(at, self.travel_mm + at_mm, per_tooth_mm.min(Self::TRAIL_MM), along);
        let Some((cutter, revolution)) = motion.tool.and_then(|tool| self.cutters.get_mut(&tool)) else {
            return;
        };
        let advance = Advance { direction, per_tooth_mm, counter_clockwise: spindle_rev_s < 0.0 };
        let touches = per_tooth_mm > 0.0 && revolution.integrate(&self.grid, cutter, at, advance);
        self.counters.in_material += u64::from(touches);
        let stopped = touches && turning_rev_s < 1e-3;
        self.counters.spindle_stopped += u64::from(stopped);
        if touches && !stopped {
            let factor = disturbed(&self.disturbances, self.time_s, self.travel_mm + at_mm);
            for (load, (draw, noise)) in self.loads.iter_mut().zip(&mut self.draws) {
                let turn = revolution.turn(draw, factor);
                *load = load_of(&turn, turning_rev_s, self.noise, noise);
            }
        } else {
            self.loads.fill(TrueLoad::default());
        }
        let travel_mm = self.travel_mm + at_mm;
        self.pending.push_back((at, travel_mm));
        self.stamp_pending(Self::LAG_COLUMNS * self.grid.cell_mm());
    }

    /// Stamps what is pending and lies at least `lag_mm` of travel behind the newest of it.
    fn stamp_pending(&mut self, lag_mm: f64) {
        let newest_mm = self.pending.back().map_or(0.0, |(_, travel_mm)| *travel_mm);
        let Some((cutter, _)) = self.tool.and_then(|tool| self.cutters.get(&tool)) else {
            self.pending.clear();
            return;
        };
        while let Some((at, travel_mm)) = self.pending.front().copied() {
            if newest_mm - travel_mm < lag_mm {
                return;
            }
            self.pending.pop_front();
            let volume_mm3 = self.grid.stamp(cutter.underside, at, self.stamped);
            self.counters.removed += Volume::mm3(volume_mm3);
            self.stamped = Some(at);
        }
    }
}

fn load_of(turn: &Turn, turning_rev_s: f64, noise: f64, rng: &mut Rng) -> TrueLoad {
    let mut noisy = || if noise > 0.0 { 1.0 + noise * rng.normal().clamp(-3.0, 3.0) } else { 1.0 };
    let (on_force, on_power) = (noisy(), noisy());
    TrueLoad {
        force_peak_xy: Force::n(turn.peak_xy_n * on_force),
        force_mean: turn.mean_n.map(|mean_n| Force::n(mean_n * on_force)),
        torque: Torque::n_m(turn.torque_n_m * on_power),
        power: Power::w(turn.torque_n_m * turning_rev_s * std::f64::consts::TAU * on_power),
    }
}

fn validate(setup: &TruthSetup) -> Result<(), TruthError> {
    setup.law.validate()?;
    if setup.seeds.is_empty() {
        return Err(TruthError::NoSeed);
    }
    let every_mm = setup.evaluate_every.as_mm();
    let checks = [
        ("the spread", setup.spread, (0.0..1.0).contains(&setup.spread)),
        ("the runout in mm", setup.runout.as_mm(), (0.0..1.0).contains(&setup.runout.as_mm())),
        ("the runout's angle", setup.runout_angle.as_rad(), setup.runout_angle.is_finite()),
        ("the noise", setup.noise, (0.0..0.3).contains(&setup.noise)),
        ("the distance between evaluations in mm", every_mm, every_mm > 0.0 && every_mm <= 10.0),
    ];
    for (what, value, fits) in checks {
        if !fits {
            return Err(TruthError::OutOfRange { what, value });
        }
    }
    match setup.disturbances.iter().find(|disturbance| !(disturbance.factor.is_finite() && disturbance.factor > 0.0)) {
        Some(disturbance) => Err(TruthError::OutOfRange { what: "a disturbance", value: disturbance.factor }),
        None => Ok(()),
    }
}
