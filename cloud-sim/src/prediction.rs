//! A whole program, predicted: every step with its loads, and the figures that limits and reports are made of.
//!
//! "At 100 %" means at the feed the drives really reach, not at the commanded one: where an axis cannot
//! follow, the chip is thinner and the force lower, and a limit derived from the peak of such a run must be
//! derived from what the run would feel.

use shared::job::Job;
use shared::motion::Path;
use shared::plan::Limits;
use shared::units::{Feedrate, Force};

use crate::ahead::CutAhead;
use crate::collision::{Clearance, Finding};
use crate::engagement::CutStep;
use crate::loads::StepLoads;

/// Everything the kernel and the load models say about a program.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// Steps in order of station.
    pub steps: Vec<CutStep>,
    /// Loads by step.
    pub loads: Vec<StepLoads>,
    /// Greatest speed the drives reach within each step at 100 %.
    pub reached: Vec<Feedrate>,
    /// Contacts that must not be.
    pub findings: Vec<Finding>,
    /// How each segment passes the fixtures.
    pub clearances: Vec<Clearance>,
    /// Removed volume, mm³, summed over segments in order.
    pub removed_mm3: f64,
    /// Lowered cells of the stock.
    pub removed_cells: u64,
}

impl Prediction {
    /// Appends a cut segment.
    pub fn take(&mut self, cut: CutAhead) {
        self.removed_mm3 += cut.cut.removed_mm3;
        self.removed_cells += cut.cut.steps.iter().map(|step| u64::from(step.removed_cells)).sum::<u64>();
        self.findings.extend(cut.cut.findings);
        self.clearances.push(cut.clearance);
        self.steps.extend(cut.cut.steps);
        self.loads.extend(cut.loads);
        self.reached.extend(cut.reached);
    }

    /// The findings that are contacts, in the order of the path.
    pub fn contacts(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.kind.is_contact())
    }

    /// Ratio of the programmed feed that the drives reach in a step at 100 %, at most 1.
    pub fn reached_ratio(&self, path: &Path, index: usize) -> f64 {
        let feed = path.segments()[self.steps[index].segment as usize].feed;
        if feed > Feedrate::ZERO { (self.reached[index] / feed).min(1.0) } else { 1.0 }
    }

    /// Peak resultant of one step at a ratio of its programmed feed; `None` where it is not known, zero in air.
    pub fn force_peak_at(&self, index: usize, ratio: f64) -> Option<Force> {
        match &self.loads[index] {
            StepLoads::Air => Some(Force::ZERO),
            StepLoads::Unknown(_) => None,
            StepLoads::Known(known) if ratio >= 1.0 => Some(known.full.force_peak_xy),
            StepLoads::Known(known) => Some(Force::n(known.lines.force_peak_n.at(ratio)).min(known.full.force_peak_xy)),
        }
    }

    /// Highest peak resultant of the program at 100 %; `None` where any cut has an unknown load.
    pub fn force_peak_programmed(&self, path: &Path) -> Option<Force> {
        (0..self.steps.len()).try_fold(Force::ZERO, |peak, index| {
            Some(peak.max(self.force_peak_at(index, self.reached_ratio(path, index))?))
        })
    }

    /// The job's limits with a limit given as a share of the 100 % peak turned into newtons. Where the peak is not
    /// known, or nothing is cut, such a limit does not bind.
    pub fn resolved_limits(&self, job: &Job) -> Limits {
        let by_share = job.force_peak_share.and_then(|share| {
            let peak = self.force_peak_programmed(&job.path).filter(|peak| *peak > Force::ZERO)?;
            Some(peak * share)
        });
        let force_peak_xy = match (job.limits.force_peak_xy, by_share) {
            (Some(stated), Some(share)) => Some(stated.min(share)),
            (stated, share) => stated.or(share),
        };
        Limits { force_peak_xy, ..job.limits.clone() }
    }
}
