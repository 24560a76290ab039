//! The self-check of forces against volume: two ways to the energy of a cut that share only the chips.
//!
//! One way integrates the tangential force of the cutting term over the cutter's engagement. The other counts
//! what the stock lost, by the kernel, times the specific force k_c(h) that the law gives for the chips of that cut.
//! k_c of a cut is the mean over its chips by volume: with Kienzle's law k_c falls with h, and the mean
//! over the length of the edge, which the bottom of an end mill on a ramp drags down with chips of a micrometre,
//! would count up to a quarter too much. What is left to differ is the removal rate: that of the engagement,
//! sampled ahead of the cut, against that of the stock.
//!
//! A height map resolves no strip thinner than a few cells, and where a run begins and ends it is uncertain by a
//! cell of path. So steps are compared where the cut is at least [`THICKNESS_CELLS`] cells thick, over runs
//! of at least [`RUN_CELLS`] cells of path, which leaves 2 % to their ends: single segments, or, in programs that
//! are made of shorter ones, neighbours together. The share of the volume that was compared is part of the result.

use cloud_sim::engagement::CutStep;
use cloud_sim::loads::StepLoads;
use shared::cutting::{ANGLE_BINS, Engagement};
use shared::det::math;
use shared::motion::Segment;
use shared::tool::Tool;
use shared::units::Length;
use std::f64::consts::TAU;

use crate::simulate::Simulation;

/// Least thickness of a cut, in cells of the stock map: its section over the greater of a_p and a_e.
pub const THICKNESS_CELLS: f64 = 5.0;

/// Least length of path of one comparison, in cells of the stock map.
pub const RUN_CELLS: f64 = 50.0;

/// Horizontal share of the travel from which on a wall beside it is compared: on a steeper move, one that is not a
/// plunge, the wall is met by less than a cell for each ten cells of depth.
const ACROSS_SHARE_MIN: f64 = 0.1;
const PLUNGE_SHARE: f64 = 1e-3;

/// Greatest relative difference at which both ways agree.
pub const AGREES_WITHIN: f64 = 0.05;

/// Outcome of the check over a program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PowerCheck {
    /// Greatest relative difference of a run; `None` where nothing could be compared.
    pub worst: Option<f64>,
    /// Physical line of its first segment.
    pub line: u32,
    /// How many runs were compared.
    pub compared: usize,
    /// How many of them differ by more than [`AGREES_WITHIN`].
    pub beyond: usize,
    /// Share of the removed volume in them.
    pub volume_share: f64,
}

/// Energy of a run, counted both ways, in J.
#[derive(Clone, Copy, Default)]
struct Run {
    line: u32,
    length_mm: f64,
    volume_mm3: f64,
    by_force_j: f64,
    by_volume_j: f64,
}

impl Run {
    fn difference(&self) -> f64 {
        let greater = self.by_force_j.max(self.by_volume_j);
        // Where the loads know no removal, there is no k_c either: all of it is missing.
        if greater > 0.0 { (self.by_force_j - self.by_volume_j).abs() / greater } else { 1.0 }
    }
}

/// Checks a whole program.
pub fn power_check(simulation: &Simulation) -> PowerCheck {
    let prediction = &simulation.prediction;
    let cell_mm = simulation.map_report.cell_mm.0.max(simulation.map_report.cell_mm.1);
    let (mut check, mut run, mut compared_mm3) = (PowerCheck::default(), Run::default(), 0.0);
    for (index, step) in prediction.steps.iter().enumerate() {
        count(simulation, index, cell_mm, &mut run);
        let ends = prediction.steps.get(index + 1).is_none_or(|next| next.segment != step.segment);
        if ends && run.length_mm >= RUN_CELLS * cell_mm {
            let difference = run.difference();
            if check.worst.is_none_or(|worst| difference > worst) {
                (check.worst, check.line) = (Some(difference), run.line);
            }
            check.compared += 1;
            check.beyond += usize::from(difference > AGREES_WITHIN);
            compared_mm3 += run.volume_mm3;
            run = Run::default();
        }
    }
    check.volume_share = if prediction.removed_mm3 > 0.0 { compared_mm3 / prediction.removed_mm3 } else { 0.0 };
    check
}

/// Adds a step to a run if its loads are known and the map resolves it.
fn count(simulation: &Simulation, index: usize, cell_mm: f64, run: &mut Run) {
    let step = &simulation.prediction.steps[index];
    let StepLoads::Known(known) = &simulation.prediction.loads[index] else { return };
    let segment = &simulation.job.path.segments()[step.segment as usize];
    let Some(tool) = segment.tool.and_then(|tool| simulation.job.tools.get(&tool)) else { return };
    if thickness_mm(step, tool) < THICKNESS_CELLS * cell_mm || is_nearly_vertical(step, segment) {
        return;
    }
    let length = step.to.beyond(step.from);
    let specific_n_mm2 = known.full.specific_force().map_or(0.0, |force| force.as_n_mm2());
    if run.length_mm == 0.0 {
        run.line = segment.at.line;
    }
    run.length_mm += length.as_mm();
    run.volume_mm3 += step.removed_mm3;
    run.by_force_j += known.full.power_cutting.as_w() * (length / segment.feed).as_s();
    run.by_volume_j += specific_n_mm2 * step.removed_mm3 * 1e-3;
}

fn is_nearly_vertical(step: &CutStep, segment: &Segment) -> bool {
    let travel = segment.geometry.tangent(segment.fraction(step.to));
    (PLUNGE_SHARE..ACROSS_SHARE_MIN).contains(&math::hypot(travel.x, travel.y))
}

/// Section of a step over the greater of its height and its width; zero where it removes nothing. The width
/// is that of the whole turn: on a descent a ball is in material with its trailing half alone.
fn thickness_mm(step: &CutStep, tool: &Tool) -> f64 {
    let length_mm = step.to.beyond(step.from).as_mm();
    let depth_mm = step.engagement.axial_depth_mm().max(width_mm(&step.engagement, tool));
    if length_mm > 0.0 && depth_mm > 0.0 { step.removed_mm3 / length_mm / depth_mm } else { 0.0 }
}

/// From the leftmost to the rightmost engaged point of the whole turn, seen along the feed, mm.
fn width_mm(engagement: &Engagement, tool: &Tool) -> f64 {
    let (mut least_mm, mut most_mm) = (f64::INFINITY, f64::NEG_INFINITY);
    for slice in engagement.slices.iter().filter(|slice| slice.high_mm > slice.low_mm) {
        let radius_mm = tool.width(Length::mm(slice.high_mm)).as_mm();
        for bin in (0..ANGLE_BINS).filter(|bin| slice.mask >> bin & 1 == 1) {
            let across_mm = radius_mm * math::cos((bin as f64 + 0.5) * TAU / ANGLE_BINS as f64);
            (least_mm, most_mm) = (least_mm.min(across_mm), most_mm.max(across_mm));
        }
    }
    (most_mm - least_mm).max(0.0)
}
