//! A segment cut into the tri-dexel: steps with their engagement, sub-poses within them, contacts.

use shared::cutting::Engagement;
use shared::geom::{Point, Vector};
use shared::motion::{Segment, SegmentKind};
use shared::units::RotaryVelocity;

use super::Cutter;
use super::body::{ConvexPart, PartKind};
use super::dexel_cut::{Taken, TiltedPiece, cut_pieces, probe_pieces, reaches};
use super::motion::{SubPoses, ToolMotion};
use super::segment::{SegmentCut, SweepOptions};
use crate::collision::{Finding, FindingKind, RAPID_REMOVED_MAX_MM3, TOUCH_MAX_MM};
use crate::engagement::{CutStep, TiltedPose, Way, sample_tilted};
use crate::executor::Executor;
use crate::stock::TriDexel;

/// Most steps of one segment.
const STEPS_MAX: f64 = 100_000.0;

/// A descent along the axis beyond this share of the travel is a plunge for a cutter that does not cut at its centre: steeper
/// than 45°, as on a height map.
const PLUNGE_SINE: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// Volume, mm³, that holder or shank must stand in before it is a touch: a tenth of a rapid's.
const TOUCH_MIN_MM3: f64 = 0.001;

/// Mean loss of the rays under a step, mm, below which nothing was cut.
const CUT_MIN_MM: f64 = 1e-5;

/// What is cut, and how.
#[derive(Clone, Copy)]
pub(super) struct SegmentJob<'a> {
    pub(super) cutter: &'a Cutter,
    pub(super) index: u32,
    pub(super) segment: &'a Segment,
    pub(super) motion: &'a ToolMotion<'a>,
    pub(super) options: &'a SweepOptions,
}

/// Cuts one segment in steps into `out`, which is emptied first.
pub(super) fn cut_segment_rays(
    stock: &mut TriDexel,
    job: &SegmentJob<'_>,
    executor: &dyn Executor,
    out: &mut SegmentCut,
) {
    out.begin(job.index);
    out.turns = job.motion.turns() || job.motion.leans();
    if matches!(job.segment.kind, SegmentKind::Still(_)) || job.motion.stands() {
        return;
    }
    let body = job.cutter.revolved();
    let parts = |kind| body.of_kind(kind).collect::<Vec<&ConvexPart>>();
    let (height_mm, radius_mm) = (body.cutting_height_mm(), body.cutting_radius_mm());
    let cell_mm = stock.cell_mm().into_iter().fold(f64::INFINITY, f64::min);
    // Every step has a station of its own.
    let grains = (job.segment.end.as_nm() - job.segment.start.as_nm()) as f64;
    let steps = (job.motion.length_mm(height_mm) / job.options.step_mm.max(1e-3) - 1e-9).ceil();
    let steps = steps.min(grains).clamp(1.0, STEPS_MAX);
    let mut stepper = Stepper {
        stock,
        job,
        executor,
        cutting: parts(PartKind::Cutting),
        above: [
            (FindingKind::ShankInStock, parts(PartKind::Shank)),
            (FindingKind::HolderInStock, parts(PartKind::Holder)),
            (FindingKind::SpindleInStock, parts(PartKind::Spindle)),
        ],
        sub_poses: job.motion.sub_poses((height_mm * height_mm + radius_mm * radius_mm).sqrt(), cell_mm),
        step_mm: job.motion.length_mm(0.0) / steps,
        cell_mm,
    };
    let border = |step: usize| step as f64 / steps;
    for step in 0..steps as usize {
        let (from, to) = (border(step), border(step + 1));
        let mut done = CutStep {
            segment: job.index,
            from: job.segment.station(from),
            to: job.segment.station(to),
            removed_mm3: 0.0,
            removed_cells: 0,
            engagement: Engagement::default(),
            way: None,
        };
        stepper.step((from, to), &mut done, out);
        out.removed_mm3 += done.removed_mm3;
        out.steps.push(done);
    }
    out.findings
        .retain(|finding| finding.kind != FindingKind::RapidInStock || finding.removed_mm3 > RAPID_REMOVED_MAX_MM3);
}

struct Stepper<'a> {
    stock: &'a mut TriDexel,
    job: &'a SegmentJob<'a>,
    executor: &'a dyn Executor,
    cutting: Vec<&'a ConvexPart>,
    above: [(FindingKind, Vec<&'a ConvexPart>); 3],
    sub_poses: SubPoses,
    /// Length of a step along the way of the tip, mm.
    step_mm: f64,
    cell_mm: f64,
}

impl Stepper<'_> {
    fn step(&mut self, (from, to): (f64, f64), done: &mut CutStep, out: &mut SegmentCut) {
        let motion = self.job.motion;
        let pieces = motion.pieces((from, to), &self.sub_poses);
        if reaches(self.stock, &self.cutting, &pieces) {
            let pose = self.pose((from, to));
            let engagement = sample_tilted(self.stock, self.job.cutter.revolved(), &pose);
            let taken = cut_pieces(self.stock, &self.cutting, &pieces, self.executor);
            done.removed_mm3 = taken.removed_mm3;
            done.removed_cells = taken.rays;
            let area_mm2 = self.cell_mm * self.cell_mm;
            if taken.removed_mm3 >= CUT_MIN_MM * area_mm2 * f64::from(taken.rays) / 3.0 {
                done.way = self.way((from, to), &engagement);
                done.engagement = engagement;
                self.note_cut(&pose, &taken, done, out);
            }
        }
        for (kind, parts) in &self.above {
            self.note_touch(*kind, parts, &pieces, done, out);
        }
    }

    /// The middle of a step, less the cell that the sampler looks ahead.
    fn pose(&self, (from, to): (f64, f64)) -> TiltedPose {
        let motion = self.job.motion;
        let middle = 0.5 * (from + to);
        let back = if self.step_mm > 0.0 { self.cell_mm / self.step_mm * (to - from) } else { 0.0 };
        let at = (middle - back).max(from);
        let mut travel = motion.travel(at, 0.0);
        if travel == Vector::zeros() {
            // The tip stands on the line that everything turns about: the flank cuts.
            travel = motion.travel(at, 0.5 * self.job.cutter.revolved().cutting_height_mm());
        }
        TiltedPose {
            tool: motion.pose(at),
            travel,
            mirrored: self.job.segment.spindle.is_some_and(|speed| speed < RotaryVelocity::ZERO),
            straight_on_mm: self.step_mm * ((1.0 - at) / (to - from)) + self.job.options.beyond_mm,
        }
    }

    /// How the middle of the engaged height moves in the middle of a step, where that is not how the segment does.
    fn way(&self, (from, to): (f64, f64), engagement: &Engagement) -> Option<Way> {
        let motion = self.job.motion;
        if !(motion.turns() || motion.leans()) {
            return None;
        }
        let mut engaged = engagement.slices.iter().filter(|slice| slice.mask != 0);
        let first = engaged.next()?;
        let height_mm = 0.5 * (first.low_mm + engaged.next_back().unwrap_or(first).high_mm);
        let middle = 0.5 * (from + to);
        let rate_mm = motion.rate_mm(middle, height_mm);
        let axis = motion.pose(middle).axis;
        let along_mm = rate_mm.dot(&axis);
        let span_mm = self.job.segment.end.beyond(self.job.segment.start).as_mm();
        let across_mm = (rate_mm - axis * along_mm).norm();
        (span_mm > 0.0).then(|| Way { across_ratio: across_mm / span_mm, down_ratio: -along_mm / span_mm })
    }

    fn note_cut(&self, pose: &TiltedPose, taken: &Taken, done: &CutStep, out: &mut SegmentCut) {
        let Some((place, depth_mm)) = taken.deepest else {
            return;
        };
        let mut note = |kind| {
            let finding = self.finding(kind, done, place, depth_mm);
            out.note(Finding { removed_mm3: taken.removed_mm3, ..finding });
        };
        if self.job.segment.kind == SegmentKind::Rapid {
            note(FindingKind::RapidInStock);
        }
        if !self.job.cutter.centre_cutting() && -pose.travel.dot(&pose.tool.axis) > PLUNGE_SINE {
            note(FindingKind::NonCentreCuttingPlunge);
        }
    }

    /// Shank and holder after the cutter has cut; what they stand in stays.
    fn note_touch(
        &self,
        kind: FindingKind,
        parts: &[&ConvexPart],
        pieces: &[TiltedPiece],
        done: &CutStep,
        out: &mut SegmentCut,
    ) {
        if parts.is_empty() {
            return;
        }
        let taken = probe_pieces(self.stock, parts, pieces);
        if let Some((place, depth_mm)) = taken.deepest
            && taken.removed_mm3 > TOUCH_MIN_MM3
            && depth_mm > TOUCH_MAX_MM
        {
            out.note(self.finding(kind, done, place, depth_mm));
        }
    }

    fn finding(&self, kind: FindingKind, done: &CutStep, place: Point, depth_mm: f64) -> Finding {
        let line = self.job.segment.at.line;
        Finding { kind, segment: self.job.index, line, station: done.to, place, depth_mm, removed_mm3: 0.0 }
    }
}
