use std::io::{self, Write};

use cloud_sim::loads::StepLoads;
use serde::Serialize;
use shared::motion::SegmentKind;
use shared::plan::Reason;

use super::Figure;
use crate::depths::radial_depth_mm;
use crate::simulate::Simulation;

/// One segment, one line of JSON; null where the segment touches nothing.
#[derive(Debug, Serialize)]
struct SegmentJson {
    line: u32,
    station_mm: f64,
    length_mm: f64,
    removed_mm3: f64,
    ap_mm: Option<f64>,
    ae_mm: Option<f64>,
    phi_start_deg: Option<f64>,
    phi_exit_deg: Option<f64>,
    force_peak_xy_n: Option<Figure>,
    power_w: Option<Figure>,
    #[serde(rename = "override")]
    factor: f64,
    reason: &'static str,
    fixtures: &'static str,
}

/// Writes every moving segment as a JSON object a line.
///
/// # Errors
/// What the writer reports.
pub fn write_segments(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let prediction = &simulation.prediction;
    let mut first = 0;
    for (index, segment) in simulation.job.path.segments().iter().enumerate() {
        let count = prediction.steps[first..].iter().take_while(|step| step.segment as usize == index).count();
        let steps = first..first + count;
        first += count;
        if matches!(segment.kind, SegmentKind::Still(_)) {
            continue;
        }
        let (factor, reason) = decided(simulation, index);
        let mut line = SegmentJson {
            line: segment.at.line,
            station_mm: segment.start.as_mm(),
            length_mm: segment.length.as_mm(),
            removed_mm3: prediction.steps[steps.clone()].iter().map(|step| step.removed_mm3).sum(),
            ap_mm: None,
            ae_mm: None,
            phi_start_deg: None,
            phi_exit_deg: None,
            force_peak_xy_n: None,
            power_w: None,
            factor,
            reason: reason.name(),
            fixtures: prediction.clearances.get(index).copied().unwrap_or_default().name(),
        };
        if steps.clone().any(|step| !matches!(prediction.loads[step], StepLoads::Air)) {
            engaged(simulation, steps, &mut line);
        }
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Lowest factor on a segment and what binds there.
fn decided(simulation: &Simulation, index: usize) -> (f64, Reason) {
    let segment = &simulation.job.path.segments()[index];
    let last = segment.station(1.0);
    let last = shared::motion::Station::from_nm(last.as_nm() - 1);
    simulation
        .plan
        .lowest(segment.start, last)
        .map_or((1.0, Reason::Programmed), |span| (span.factor.ratio(), span.binding.reason))
}

/// Depths and angles of the step that removes most, and the greatest loads of the segment under the plan.
fn engaged(simulation: &Simulation, steps: std::ops::Range<usize>, line: &mut SegmentJson) {
    let prediction = &simulation.prediction;
    let heaviest = steps
        .clone()
        .max_by(|a, b| prediction.steps[*a].removed_mm3.total_cmp(&prediction.steps[*b].removed_mm3))
        .unwrap_or(steps.start);
    let step = &prediction.steps[heaviest];
    line.ap_mm = Some(step.engagement.axial_depth_mm());
    if let Some((start, exit)) = step.engagement.immersion_rad() {
        line.phi_start_deg = Some(start.to_degrees());
        line.phi_exit_deg = Some(exit.to_degrees());
    }
    let tool = simulation.job.path.segments()[step.segment as usize].tool;
    let tool = tool.and_then(|tool| simulation.job.tools.get(&tool));
    line.ae_mm = tool.and_then(|tool| radial_depth_mm(&step.engagement, tool));
    let loads: Option<Vec<_>> = steps.map(|step| simulation.loads(step, simulation.planned_factor(step))).collect();
    let greatest = |value: fn(&shared::cutting::Loads) -> f64| {
        Figure(loads.as_ref().map(|loads| loads.iter().map(value).fold(0.0, f64::max)))
    };
    line.force_peak_xy_n = Some(greatest(|loads| loads.force_peak_xy.as_n()));
    line.power_w = Some(greatest(|loads| loads.power.as_w()));
}
