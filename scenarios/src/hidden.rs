//! What the virtual machine really cuts in a run, and a tally of how it felt.
//!
//! The hidden process ([`crate::truth`]) knows coefficients that the planner does not. Here it is set up from a
//! job, and every evaluation is held against the limit the plan was made for: peaks by seed, overshoots with
//! their duration, and the peaks within the first radius of path after each entry into material.

use std::sync::{Arc, Mutex, PoisonError};

use cloud_sim::mesh::{MeshLimits, read_stl};
use cloud_sim::stock::HeightMap;
use firmware_bridge::process::{CutLoad, CuttingProcess, ToolMotion};
use shared::cutting::CuttingLaw;
use shared::job::{Job, StockSpec};
use shared::units::{Angle, Force, Length, Power};

use crate::format::TruthSection;
use crate::truth::{
    Disturbance, DisturbanceStart, Evaluation, SixCoefficients, TrueLaw, TrueStock, TruthEnsemble, TruthError,
    TruthSetup,
};

/// Columns of the true stock, at most: finer than the planner's map where memory allows.
const COLUMNS_MAX: f64 = 9e6;
/// Cells of the true stock in one cell of the planner's map, along one side.
const FINER: f64 = 2.0;
/// Path between two evaluations, in radii of the smallest cutter, and at most this much.
const EVALUATE_RADII: f64 = 0.05;
const EVALUATE_MM_MAX: f64 = 0.1;

/// How a run felt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feeling {
    /// Highest true peak by seed, N.
    pub peak_n: Vec<f64>,
    /// Number of times a peak rose above the limit, all seeds.
    pub overshoots: u64,
    /// Time above the limit, all seeds, machine seconds.
    pub overshoot_s: f64,
    /// Highest true peak of the first seed within the first radius after each entry into material, N.
    pub entry_peaks_n: Vec<f64>,
    /// Evaluations in material.
    pub evaluations: u64,
    /// Where the highest peak of all seeds was felt; `None` while nothing was.
    pub worst: Option<WorstPlace>,
}

/// Where and when a peak was felt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorstPlace {
    /// The peak, N.
    pub peak_n: f64,
    /// Machine time since the first motion, s.
    pub time_s: f64,
    /// Tip in the work frame, mm.
    pub at_mm: [f64; 3],
    /// Speed along the path, mm/min.
    pub feed_mm_min: f64,
}

/// A hidden process whose tally is shared with whoever reports.
pub struct Hidden {
    ensemble: TruthEnsemble,
    limit: Option<Force>,
    entry_length: Length,
    feeling: Arc<Mutex<Feeling>>,
    tally: Tally,
}

/// State of the tally between two evaluations.
#[derive(Debug)]
struct Tally {
    above: Vec<bool>,
    last_time_s: f64,
    /// Where material was last left.
    left_at_mm: Option<f64>,
    /// Where the present entry began, and the peak so far.
    entry: Option<(f64, f64)>,
    in_material: bool,
}

impl Hidden {
    /// The hidden process of a job. `start` is the raw part as the planner's map has it; only its surface is
    /// read, and only for stock that no closed shape describes.
    ///
    /// # Errors
    /// [`TruthError`] where the job cannot be cut by the truth.
    pub fn new(
        job: &Job,
        start: &HeightMap,
        section: &TruthSection,
        seeds: Vec<u64>,
        limit: Option<Force>,
    ) -> Result<(Self, Arc<Mutex<Feeling>>), TruthError> {
        let radius = job.tools.values().map(|tool| tool.radius()).fold(Length::mm(f64::MAX), Length::min);
        let bounds = start.bounds().size();
        let coarsest_mm = (bounds.x * bounds.y / COLUMNS_MAX).sqrt();
        let cell_mm = (start.cell_mm().0 / FINER).max(coarsest_mm);
        let count = seeds.len();
        let setup = TruthSetup {
            stock: stock(job, start),
            cell: Length::mm(cell_mm),
            tools: job.tools.values().cloned().collect(),
            law: law(&job.material.law),
            spread: section.spread,
            runout: Length::mm(section.runout_mm),
            runout_angle: Angle::ZERO,
            noise: section.noise,
            evaluate_every: Length::mm((radius.as_mm() * EVALUATE_RADII).min(EVALUATE_MM_MAX)),
            disturbances: Vec::new(),
            seeds,
        };
        let feeling = Arc::new(Mutex::new(Feeling { peak_n: vec![0.0; count], ..Feeling::default() }));
        let tally =
            Tally { above: vec![false; count], last_time_s: 0.0, left_at_mm: None, entry: None, in_material: false };
        let ensemble = TruthEnsemble::new(setup)?;
        let hidden = Self { ensemble, limit, entry_length: radius, feeling: Arc::clone(&feeling), tally };
        Ok((hidden, feeling))
    }

    /// From then on the cutters lack a flute.
    pub fn lose_flute(&mut self, from: DisturbanceStart) {
        self.ensemble.lose_flute(from);
    }

    /// A hidden change of the coefficients: a harder spot, a worn edge.
    pub fn disturb(&mut self, disturbance: Disturbance) {
        self.ensemble.disturb(disturbance);
    }
}

impl CuttingProcess for Hidden {
    /// The loads of the first seed: power as the mean, force as the greatest over the stretch.
    fn cut(&mut self, motion: &ToolMotion) -> CutLoad {
        let Self { ensemble, limit, entry_length, feeling, tally } = self;
        let mut feeling = feeling.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut power, mut peak, mut count) = (Power::ZERO, Force::ZERO, 0.0);
        ensemble.cut(motion, &mut |evaluation| {
            tally.take(evaluation, *limit, *entry_length, &mut feeling);
            power += evaluation.loads[0].power;
            peak = peak.max(evaluation.loads[0].force_peak_xy);
            count += 1.0;
        });
        if count > 0.0 {
            return CutLoad { power: power / count, force_peak_xy: peak };
        }
        let last = self.ensemble.loads()[0];
        CutLoad { power: last.power, force_peak_xy: last.force_peak_xy }
    }
}

impl Tally {
    fn take(&mut self, evaluation: &Evaluation<'_>, limit: Option<Force>, entry_length: Length, feeling: &mut Feeling) {
        let (travel_mm, time_s) = (evaluation.travel.as_mm(), evaluation.time.as_s());
        // Evaluations follow each other closely within a cut; a longer gap is a way through the air.
        let span_s = (time_s - self.last_time_s).clamp(0.0, SPAN_S_MAX);
        self.last_time_s = time_s;
        for (seed, load) in evaluation.loads.iter().enumerate() {
            let peak = load.force_peak_xy;
            feeling.peak_n[seed] = feeling.peak_n[seed].max(peak.as_n());
            if feeling.worst.map_or(0.0, |worst| worst.peak_n) < peak.as_n() {
                let at_mm = [evaluation.at.x, evaluation.at.y, evaluation.at.z];
                let feed_mm_min = evaluation.speed.as_mm_s() * 60.0;
                feeling.worst = Some(WorstPlace { peak_n: peak.as_n(), time_s, at_mm, feed_mm_min });
            }
            let above = limit.is_some_and(|limit| peak > limit);
            feeling.overshoots += u64::from(above && !self.above[seed]);
            feeling.overshoot_s += if above { span_s } else { 0.0 };
            self.above[seed] = above;
        }
        let peak_n = evaluation.loads[0].force_peak_xy.as_n();
        let in_material = peak_n > 0.0;
        feeling.evaluations += u64::from(in_material);
        let through_air = self.left_at_mm.is_none_or(|left_mm| travel_mm - left_mm >= entry_length.as_mm());
        if in_material && !self.in_material && through_air {
            self.entry = Some((travel_mm, 0.0));
            feeling.entry_peaks_n.push(0.0);
        }
        if in_material {
            self.left_at_mm = Some(travel_mm);
        }
        self.in_material = in_material;
        if let Some((began_mm, so_far_n)) = &mut self.entry {
            *so_far_n = so_far_n.max(peak_n);
            if let Some(last) = feeling.entry_peaks_n.last_mut() {
                *last = *so_far_n;
            }
            if travel_mm - *began_mm >= entry_length.as_mm() {
                self.entry = None;
            }
        }
    }
}

/// Longest time one evaluation stands for.
const SPAN_S_MAX: f64 = 0.2;

fn law(law: &CuttingLaw) -> TrueLaw {
    match *law {
        CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => {
            TrueLaw::Mechanistic(SixCoefficients {
                k_tc_n_mm2: k_tc.as_n_mm2(),
                k_rc_n_mm2: k_rc.as_n_mm2(),
                k_ac_n_mm2: k_ac.as_n_mm2(),
                k_te_n_mm,
                k_re_n_mm,
                k_ae_n_mm,
            })
        }
        CuttingLaw::Kienzle { k_c11, m_c, radial_ratio, axial_ratio } => {
            TrueLaw::Kienzle { k_c11_n_mm2: k_c11.as_n_mm2(), m_c, radial_ratio, axial_ratio }
        }
    }
}

fn stock(job: &Job, start: &HeightMap) -> TrueStock {
    match &job.stock {
        StockSpec::Box(bounds) => TrueStock::Box { min: bounds.min, max: bounds.max },
        StockSpec::Cylinder { centre, diameter, height } => {
            TrueStock::Cylinder { base: *centre, diameter: *diameter, height: *height }
        }
        StockSpec::Mesh { .. } | StockSpec::Roughed { .. } => {
            let mut mesh = Vec::new();
            start.to_stl(&mut mesh);
            // What was just written reads again; an empty surface would be refused by the truth.
            TrueStock::Surface(read_stl(&mesh, 1.0, &MeshLimits::STANDARD).unwrap_or_default())
        }
    }
}
