//! A program as its spindle's powers over time: what is predicted, and what a fault would make of it.

use std::sync::Arc;

use cloud_sim::ahead::MapChoice;
use cloud_sim::estimator::{sawn, skin_per_mm};
use cloud_sim::executor::Serial;
use cloud_sim::loads::StepLoads;
use scenarios::simulate::Simulation;
use scenarios::world::session_config;
use shared::ident::ToolNumber;
use shared::job::{Job, StockSpec};
use shared::units::{Length, RotaryVelocity, Seconds};

use crate::case::Case;

/// Time between two points, s.
pub(crate) const POINT_S: f64 = 0.1;

/// Powers at one instant at 100 %.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Point {
    pub(crate) tool: Option<ToolNumber>,
    /// Cutting and edge part at the cutter, W.
    pub(crate) parts_w: [f64; 2],
    pub(crate) idle_w: f64,
    /// Share of the power that a millimetre more of the raw part would add.
    pub(crate) skin_per_mm: f64,
    /// What losing a tooth does to power and peak.
    pub(crate) lost: Option<cloud_sim::loads::LostTooth>,
}

/// What is wrong with the job although nobody said so.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    Nothing,
    /// Every cutter is smaller by this share of its diameter.
    Diameter(f64),
    /// The raw part is larger by this much on its top and its four sides, mm.
    Stock(f64),
}

pub(crate) fn wronged(job: &Job, wrong: Wrong) -> Job {
    let mut job = job.clone();
    match wrong {
        Wrong::Nothing => {}
        Wrong::Diameter(share) => {
            for tool in job.tools.values_mut() {
                tool.diameter = tool.diameter * (1.0 - share);
            }
        }
        Wrong::Stock(by_mm) => {
            if let StockSpec::Box(bounds) = &mut job.stock {
                (bounds.min.x, bounds.min.y) = (bounds.min.x - by_mm, bounds.min.y - by_mm);
                (bounds.max.x, bounds.max.y, bounds.max.z) =
                    (bounds.max.x + by_mm, bounds.max.y + by_mm, bounds.max.z + by_mm);
            }
        }
    }
    job
}

/// The powers of a case over time. `with_lost` looks at every heavy point for what a lost tooth would do.
pub(crate) fn series(case: &Case, wrong: Wrong, with_lost: bool) -> Vec<Point> {
    let job = Arc::new(wronged(&case.job, wrong));
    let session = session_config(&case.scenario.file);
    let choice = MapChoice { cell_mm: session.cell_mm, memory_max_bytes: session.memory_max_bytes };
    let simulation = Simulation::run(&job, &case.scenario.sources, choice, &Serial).expect("it simulates");
    let (profile, prediction) = (&simulation.programmed, &simulation.prediction);
    let count = (profile.cycle_time().as_s() / POINT_S) as usize;
    let points = (0..count).map(|index| {
        let station = profile.station_at(&job.path, Seconds::s(index as f64 * POINT_S));
        let segment = &job.path.segments()[job.path.index_at(station)];
        let idle_w = job.machine.idle_power(segment.spindle.unwrap_or(RotaryVelocity::ZERO)).as_w();
        let mut point = Point { tool: segment.tool, idle_w, ..Point::default() };
        let at = prediction.steps.partition_point(|step| step.to <= station);
        let Some(step) = prediction.steps.get(at).filter(|step| step.from <= station) else { return point };
        let StepLoads::Known(known) = &prediction.loads[at] else { return point };
        let radius_mm = segment.tool.and_then(|tool| job.tools.get(&tool)).map_or(0.0, |tool| tool.radius().as_mm());
        point.skin_per_mm = skin_per_mm(step, segment, radius_mm, sawn(&job.stock).as_ref());
        let ratio = (profile.velocity_at(&job.path, station) / segment.feed).clamp(0.0, 1.0);
        let edge_w = (known.full.power - known.full.power_cutting).as_w().max(0.0);
        if ratio > 0.01 {
            point.parts_w = [(known.lines.power_w.at(ratio) - edge_w).max(0.0), edge_w];
        }
        if with_lost && known.full.power.as_w() > 50.0 {
            point.lost = simulation.models.lost_tooth(step, segment, ratio.max(0.1));
        }
        point
    });
    points.collect()
}

/// Diameter by which the smallest cutter of a case is smaller at a share, for the printed table.
pub(crate) fn smaller_by(case: &Case, share: f64) -> Length {
    case.job.tools.values().map(|tool| tool.diameter * share).fold(Length::mm(1e9), Length::min)
}
