//! One revolution of one pose: where the edge is in material, and the forces over the turn.
//!
//! The turn is a ring of steps. Angles φ are measured from the left normal of the feed towards the feed (for
//! a spindle that turns clockwise; mirrored otherwise), so that a tooth at φ stands at sin φ ahead and cos φ
//! to the left. Flute j stands at φ + j·φ_p, its element at height z lags by z·tan β / R.
//!
//! The chip of flute j under the direction of feed d is h = f_z·(n·d), where n is the normal of the element;
//! with runout it is what the flutes that came before left: min over m of (m·h + (ρ_j − ρ_{j+m})·sin κ). The
//! force of an element is dF_t along the cutting direction, dF_r against n, and dF_a along the edge:
//!
//! ```text
//! F_x = −dF_t cos φ − (dF_r sin κ + dF_a cos κ) sin φ      along the feed
//! F_y = +dF_t sin φ − (dF_r sin κ + dF_a cos κ) cos φ      to the left
//! F_z = +dF_a sin κ − dF_r cos κ                            towards the work
//! ```
//!
//! All coefficients enter linearly. So the series hold, per step, the sums of chip and of edge length times
//! the six trigonometric factors above, and a seed is a weighted sum of them.

use std::f64::consts::TAU;
use std::ops::Range;

use shared::det::math;
use shared::geom::{Point, Vector};

use super::edge::{Cutter, Element};
use super::law::Draw;
use super::stock::ColumnGrid;

/// Steps of the turn, at least; rounded up to a multiple of the flutes.
const STEPS_MIN: usize = 180;

/// Looks into the stock per step.
const LOOKS: usize = 2;

/// Chips thinner than this share of the feed per tooth carry no force, edge force neither.
const CHIP_SHARE_MIN: f64 = 1e-6;

/// Teeth back that may have left the surface a tooth meets.
const TEETH_BACK: usize = 3;

/// How far a lost flute stands back, mm: more than any chip.
const LOST_FLUTE_MM: f32 = 100.0;

/// Entries of the table of x^exponent.
const POWER_STEPS: usize = 2048;

/// How the cutter moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Advance {
    /// Unit direction of the tip.
    pub(super) direction: Vector,
    /// Feed per tooth, mm, above zero.
    pub(super) per_tooth_mm: f64,
    /// True for a spindle that turns counter-clockwise.
    pub(super) counter_clockwise: bool,
}

/// Mean and peak over one revolution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Turn {
    pub(super) peak_xy_n: f64,
    pub(super) mean_n: [f64; 3],
    pub(super) torque_n_m: f64,
}

/// Trigonometric factors of one kind of weight (chip or edge length).
const LANES: usize = 6;
const COS: usize = 0;
const SIN: usize = 1;
const SIN_SK: usize = 2;
const COS_SK: usize = 3;
const SIN_CK: usize = 4;
const COS_CK: usize = 5;

/// Working memory for one cutter.
#[derive(Clone, Debug)]
pub(super) struct Revolution {
    steps: usize,
    sin: Vec<f32>,
    cos: Vec<f32>,
    /// Unit vectors (sin, cos) of the looks.
    looks: Vec<(f64, f64)>,
    rim_mm: Vec<f64>,
    elements: Vec<Element>,
    /// ρ_j − ρ_{j+m}, mm, by flute and m − 1.
    runout_mm: Vec<[f32; TEETH_BACK]>,
    /// x^exponent for x in [0, 1]; empty where the exponent is 1.
    powers: Vec<f32>,
    exponent: f64,
    /// [chip, edge] × lanes × steps.
    series: [Vec<f32>; 2 * LANES],
    sums: [f64; 2 * LANES],
    /// Σ weight · radius, Σ weight · sin κ, Σ weight · cos κ, for chip and edge.
    moments: [[f64; 3]; 2],
    /// [chip, edge] × [cos, sin] of the side, where κ is a right angle.
    side: [Vec<f32>; 4],
    share: Vec<f32>,
    chip: Vec<f32>,
    edge: Vec<f32>,
}

impl Revolution {
    pub(super) fn new(cutter: &Cutter, runout_mm: f64, runout_angle_rad: f64, exponent: f64) -> Self {
        let flutes = cutter.flutes;
        let steps = STEPS_MIN.div_ceil(flutes) * flutes;
        let angle = |index: usize, of: usize| (index as f64 + 0.5) * TAU / of as f64;
        let rho = |flute: usize| runout_mm * math::cos(runout_angle_rad - flute as f64 * TAU / flutes as f64);
        let relative = |flute: usize| std::array::from_fn(|m| (rho(flute) - rho((flute + m + 1) % flutes)) as f32);
        let power = |step: usize| math::pow(step as f64 / POWER_STEPS as f64, exponent) as f32;
        Self {
            steps,
            sin: (0..steps).map(|step| math::sin(angle(step, steps)) as f32).collect(),
            cos: (0..steps).map(|step| math::cos(angle(step, steps)) as f32).collect(),
            looks: (0..steps * LOOKS).map(|look| math::sin_cos(angle(look, steps * LOOKS))).collect(),
            rim_mm: vec![0.0; steps * LOOKS],
            elements: Vec::new(),
            runout_mm: (0..flutes).map(relative).collect(),
            powers: if exponent == 1.0 { Vec::new() } else { (0..=POWER_STEPS).map(power).collect() },
            exponent,
            series: std::array::from_fn(|_| vec![0.0; steps]),
            sums: [0.0; 2 * LANES],
            moments: [[0.0; 3]; 2],
            side: std::array::from_fn(|_| vec![0.0; steps]),
            share: vec![0.0; steps],
            chip: vec![0.0; steps],
            edge: vec![0.0; steps],
        }
    }

    /// A flute is gone: it cuts nothing, and the next one takes its chip as well.
    pub(super) fn lose_flute(&mut self, lost: usize) {
        let flutes = self.runout_mm.len();
        for (flute, relative) in self.runout_mm.iter_mut().enumerate() {
            for (back, mm) in relative.iter_mut().enumerate() {
                let before = (flute + back + 1) % flutes;
                let (here_mm, before_mm) = (f32::from(u8::from(flute == lost)), f32::from(u8::from(before == lost)));
                *mm += (before_mm - here_mm) * LOST_FLUTE_MM;
            }
        }
    }

    /// Integrates one turn of a pose; false in air.
    pub(super) fn integrate(&mut self, grid: &ColumnGrid, cutter: &Cutter, at: Point, advance: Advance) -> bool {
        let frame = Frame::new(&advance);
        let Some(height_mm) = self.engaged_height_mm(grid, cutter, at, &frame) else {
            return false;
        };
        let lag_step_mm = 1.5 * TAU / self.steps as f64 * cutter.radius_mm / cutter.tan_helix.abs().max(1e-9);
        let mut elements = std::mem::take(&mut self.elements);
        let plunging = advance.direction.z < -1e-9;
        cutter.elements(height_mm, lag_step_mm.min(0.5 * cutter.radius_mm), plunging, &mut elements);
        self.series.iter_mut().chain(&mut self.side).for_each(|lane| lane.fill(0.0));
        self.moments = [[0.0; 3]; 2];
        for element in &elements {
            if let Some(range) = self.shares(grid, cutter, at, &frame, element) {
                self.add(cutter, element, &advance, &frame, range);
            }
        }
        self.elements = elements;
        self.fold_side();
        for (total, lane) in self.sums.iter_mut().zip(&self.series) {
            *total = sum(lane);
        }
        self.moments[1][0] > 0.0
    }

    /// The turn of one seed, coefficients multiplied by `factor`.
    pub(super) fn turn(&self, draw: &Draw, factor: f64) -> Turn {
        let lane = |kind: usize, index: usize| &self.series[kind * LANES + index][..self.steps];
        let mut peak = 0.0f32;
        let [t_c, r_c, a_c] = draw.cutting.map(|k| (k * factor) as f32);
        let [t_e, r_e, a_e] = draw.edge.map(|k| (k * factor) as f32);
        let (c0, c1, c2, c3, c4, c5) = (lane(0, 0), lane(0, 1), lane(0, 2), lane(0, 3), lane(0, 4), lane(0, 5));
        let (e0, e1, e2, e3, e4, e5) = (lane(1, 0), lane(1, 1), lane(1, 2), lane(1, 3), lane(1, 4), lane(1, 5));
        for i in 0..self.steps {
            let x = t_c * c0[i] + r_c * c2[i] + a_c * c4[i] + t_e * e0[i] + r_e * e2[i] + a_e * e4[i];
            let y = t_c * c1[i] - r_c * c3[i] - a_c * c5[i] + t_e * e1[i] - r_e * e3[i] - a_e * e5[i];
            let square = x * x + y * y;
            peak = if square > peak { square } else { peak };
        }
        let mut turn = Turn { peak_xy_n: f64::from(peak).sqrt(), ..Turn::default() };
        let per_step = factor / self.steps as f64;
        for (kind, [k_t, k_r, k_a]) in [draw.cutting, draw.edge].into_iter().enumerate() {
            let sum = |index: usize| self.sums[kind * LANES + index] * per_step;
            let [radius, sin_kappa, cos_kappa] = self.moments[kind].map(|moment| moment * per_step);
            turn.mean_n[0] -= k_t * sum(COS) + k_r * sum(SIN_SK) + k_a * sum(SIN_CK);
            turn.mean_n[1] += k_t * sum(SIN) - k_r * sum(COS_SK) - k_a * sum(COS_CK);
            turn.mean_n[2] += k_a * sin_kappa - k_r * cos_kappa;
            turn.torque_n_m += k_t * radius * 1e-3;
        }
        turn
    }

    /// How high above the tip material reaches; `None` where nothing is touched. Fills the rim.
    fn engaged_height_mm(&mut self, grid: &ColumnGrid, cutter: &Cutter, at: Point, frame: &Frame) -> Option<f64> {
        let mut height_mm = 0.0f64;
        let tip_mm = cutter.height_mm(cutter.radius_mm);
        for (rim_mm, unit) in self.rim_mm.iter_mut().zip(&self.looks) {
            *rim_mm = frame.top_at(grid, at, cutter.radius_mm, *unit) - at.z;
            if *rim_mm > tip_mm {
                height_mm = height_mm.max(*rim_mm);
            }
        }
        // Inside the rim a level flat cutter meets nothing; all others are probed on a few circles.
        if cutter.height_mm(0.5 * cutter.radius_mm) > 0.0 || tip_mm > 0.0 || frame.falls {
            let mut probe = |share: f64, unit: (f64, f64)| {
                let r_mm = share * cutter.radius_mm;
                let top_mm = frame.top_at(grid, at, r_mm, unit) - at.z;
                if top_mm > cutter.height_mm(r_mm) {
                    height_mm = height_mm.max(top_mm);
                }
            };
            probe(0.0, (0.0, 1.0));
            for share in [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.97] {
                self.looks.iter().step_by(8).for_each(|unit| probe(share, *unit));
            }
        }
        // A little more than seen: the circles can miss the highest point, an empty element costs little.
        (height_mm > 0.0).then_some(height_mm * 1.02)
    }

    /// The share of an element that is in material, by step; the range of steps that have any.
    fn shares(
        &mut self,
        grid: &ColumnGrid,
        cutter: &Cutter,
        at: Point,
        frame: &Frame,
        element: &Element,
    ) -> Option<Range<usize>> {
        let floor_mm = grid.floor_mm() - at.z;
        let on_rim = element.radius_mm == cutter.radius_mm;
        let (mut first, mut last) = (self.steps, 0);
        for step in 0..self.steps {
            let towards = frame.towards(element, f64::from(self.sin[step]));
            let mut share = 0.0;
            if towards > CHIP_SHARE_MIN {
                for index in step * LOOKS..(step + 1) * LOOKS {
                    let top_mm = match on_rim {
                        true => self.rim_mm[index],
                        false => frame.top_at(grid, at, element.radius_mm, self.looks[index]) - at.z,
                    };
                    share += covered(element, floor_mm, top_mm);
                }
            }
            self.share[step] = (share / LOOKS as f64) as f32;
            if share > 0.0 {
                first = first.min(step);
                last = step + 1;
            }
        }
        (first < last).then_some(first..last)
    }

    /// Adds one element of all flutes to the series.
    fn add(&mut self, cutter: &Cutter, element: &Element, advance: &Advance, frame: &Frame, range: Range<usize>) {
        let middle_mm = (element.low_mm + element.high_mm) / 2.0;
        let lag = (middle_mm * cutter.tan_helix / cutter.radius_mm * self.steps as f64 / TAU).round() as i64;
        let pitch = (self.steps / cutter.flutes) as i64;
        for flute in 0..cutter.flutes {
            self.chips(element, advance, frame, flute, range.clone());
            let shift = (lag - flute as i64 * pitch).rem_euclid(self.steps as i64) as usize;
            // The ring is cut where it wraps, so that both pieces are plain runs.
            let wrap = (self.steps - shift).clamp(range.start, range.end);
            self.add_run(element, range.start..wrap, range.start + shift);
            self.add_run(element, wrap..range.end, (wrap + shift) % self.steps);
        }
    }

    /// Chip areas of one flute into `chip` (thickness, raised to the law's exponent, times length).
    fn chips(&mut self, element: &Element, advance: &Advance, frame: &Frame, flute: usize, range: Range<usize>) {
        let ahead = (frame.level * element.sin_kappa * advance.per_tooth_mm) as f32;
        let down = (-frame.rise * element.cos_kappa * advance.per_tooth_mm) as f32;
        let [one, two, three] = self.runout_mm[flute].map(|mm| mm * element.sin_kappa as f32);
        let length_mm = element.length_mm as f32;
        let steps = self.chip[range.clone()].iter_mut().zip(&self.sin[range.clone()]).zip(&self.share[range.clone()]);
        for ((chip, sin), share) in steps {
            let plain = ahead * sin + down;
            let left = (plain + one).min(2.0 * plain + two).min(3.0 * plain + three);
            *chip = if *share > 0.0 && left > 0.0 { left } else { 0.0 };
        }
        if !self.powers.is_empty() {
            let greatest = self.chip[range.clone()].iter().fold(0.0f32, |most, chip| most.max(*chip)).max(1e-12);
            let scale = math::pow(f64::from(greatest), self.exponent) as f32;
            for chip in &mut self.chip[range.clone()] {
                let place = *chip / greatest * POWER_STEPS as f32;
                let below = (place as usize).min(POWER_STEPS - 1);
                let share = place - below as f32;
                *chip = scale * (self.powers[below] + (self.powers[below + 1] - self.powers[below]) * share);
            }
        }
        let weights = self.chip[range.clone()].iter_mut().zip(&mut self.edge[range.clone()]).zip(&self.share[range]);
        for ((chip, edge), share) in weights {
            // A flute that misses its chip has no edge force either.
            *edge = if *chip > 0.0 { share * length_mm } else { 0.0 };
            *chip *= share * length_mm;
        }
    }

    fn add_run(&mut self, element: &Element, from: Range<usize>, to: usize) {
        if from.is_empty() {
            return;
        }
        let into = to..to + from.len();
        let (sin, cos) = (&self.sin[from.clone()], &self.cos[from.clone()]);
        let (sin_kappa, cos_kappa) = (element.sin_kappa as f32, element.cos_kappa as f32);
        let weights = [&self.chip[from.clone()], &self.edge[from]];
        for (kind, weight) in weights.into_iter().enumerate() {
            let total = sum(weight);
            let moment = &mut self.moments[kind];
            moment[0] += total * element.radius_mm;
            moment[1] += total * element.sin_kappa;
            moment[2] += total * element.cos_kappa;
            if cos_kappa == 0.0 {
                add_turned(&mut self.side[kind * 2][into.clone()], weight, cos, 1.0);
                add_turned(&mut self.side[kind * 2 + 1][into.clone()], weight, sin, 1.0);
                continue;
            }
            let lanes = [
                (COS, cos, 1.0),
                (SIN, sin, 1.0),
                (SIN_SK, sin, sin_kappa),
                (COS_SK, cos, sin_kappa),
                (SIN_CK, sin, cos_kappa),
                (COS_CK, cos, cos_kappa),
            ];
            for (lane, turned, scale) in lanes {
                add_turned(&mut self.series[kind * LANES + lane][into.clone()], weight, turned, scale);
            }
        }
    }

    /// Adds what the side has gathered to the lanes: there sin κ is 1 and cos κ is 0.
    fn fold_side(&mut self) {
        for kind in 0..2 {
            for (lane, turned) in [(COS, 0), (COS_SK, 0), (SIN, 1), (SIN_SK, 1)] {
                let side = &self.side[kind * 2 + turned];
                self.series[kind * LANES + lane].iter_mut().zip(side).for_each(|(sum, side)| *sum += side);
            }
        }
    }
}

fn add_turned(series: &mut [f32], weight: &[f32], turned: &[f32], scale: f32) {
    for ((sum, weight), turned) in series.iter_mut().zip(weight).zip(turned) {
        *sum += weight * turned * scale;
    }
}

/// Sum in a fixed order of eight lanes, which the compiler can keep in vector registers.
fn sum(values: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 8];
    let whole = values.chunks_exact(8);
    let rest: f32 = whole.remainder().iter().sum();
    for part in whole {
        lanes.iter_mut().zip(part).for_each(|(lane, value)| *lane += value);
    }
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// Share of an element's height between the underside of the stock and its top.
fn covered(element: &Element, floor_mm: f64, top_mm: f64) -> f64 {
    let height_mm = element.high_mm - element.low_mm;
    if height_mm <= 0.0 {
        return if element.low_mm < top_mm && element.low_mm >= floor_mm { 1.0 } else { 0.0 };
    }
    ((element.high_mm.min(top_mm) - element.low_mm.max(floor_mm)) / height_mm).clamp(0.0, 1.0)
}

/// The feed's own frame.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Unit horizontal direction.
    ahead: (f64, f64),
    /// Unit horizontal normal from which φ counts.
    normal: (f64, f64),
    /// Horizontal and vertical share of the direction.
    level: f64,
    rise: f64,
    falls: bool,
}

impl Frame {
    fn new(advance: &Advance) -> Self {
        let direction = advance.direction;
        let level = (direction.x * direction.x + direction.y * direction.y).sqrt();
        // A tool that only goes down has no heading; any will do.
        let ahead = if level > 1e-9 { (direction.x / level, direction.y / level) } else { (1.0, 0.0) };
        let side = if advance.counter_clockwise { -1.0 } else { 1.0 };
        let normal = (-ahead.1 * side, ahead.0 * side);
        let level = if level > 1e-9 { level } else { 0.0 };
        Self { ahead, normal, level, rise: direction.z, falls: direction.z < -1e-9 }
    }

    fn top_at(&self, grid: &ColumnGrid, at: Point, radius_mm: f64, (sin, cos): (f64, f64)) -> f64 {
        let x_mm = at.x + radius_mm * (sin * self.ahead.0 + cos * self.normal.0);
        let y_mm = at.y + radius_mm * (sin * self.ahead.1 + cos * self.normal.1);
        grid.top_at(x_mm, y_mm)
    }

    /// n·d of an element at an angle: how squarely it moves into the material.
    fn towards(&self, element: &Element, sin: f64) -> f64 {
        self.level * element.sin_kappa * sin - self.rise * element.cos_kappa
    }
}
