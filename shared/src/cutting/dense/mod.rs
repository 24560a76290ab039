//! The dense evaluation of the loads: the reference for [`super::model`] in tests.
//!
//! For every tooth and every element of its edge the force as a function of the immersion φ is sampled at the
//! borders and the middles of the mask's bins. Simpson's rule over the bins gives the means; the helix, which
//! spreads an element over a range of angles, and the other teeth enter only where the greatest force over a
//! revolution is sought ([`super::peak`]).
//!
//! Chip of tooth j: what lies between its path and the deepest of the paths of the teeth before it,
//! h = max(0, min over m = 1 … N of m·f·sinφ·sinκ + m·f_a·cosκ + (ρ_j − ρ_(j+m))·sinκ), with the runout
//! ρ_j = e·cos(λ − jφ_p). For m = 1 that is the formula of Altintas (section 2.7); the further terms count when
//! runout is as large as the feed, so that a tooth may miss the material and the next one takes its share.
//!
//! Directions: dF_x = −dF_t·cosφ − dF_n·sinφ, dF_y = dF_t·sinφ − dF_n·cosφ with dF_n = dF_r·sinκ − dF_a·cosκ,
//! and dF_z = dF_r·cosκ + dF_a·sinκ. With κ = 90° that is the tool frame of PROCESS.md.

mod peak;

use std::f64::consts::{PI, TAU};

use crate::cutting::beam::Beam;
use crate::cutting::edge::{self, EdgeElement};
use crate::cutting::engagement::{ANGLE_BINS, Engagement};
use crate::cutting::law::CuttingLaw;
use crate::cutting::loads::{CuttingMotion, Loads, Runout};
use crate::cutting::model::CuttingModel;
use crate::det::math;
use crate::tool::Tool;
use crate::units::{Force, Length, Power, Torque};
use peak::{Peak, Revolution, ToothForce};

/// Samples of φ over a turn: borders and middles of bins, the turn closed.
const NODES: usize = 2 * ANGLE_BINS + 1;

/// Steps of the table of u^(1 − m_c).
const POWER_STEPS: usize = 256;

/// Angles at which no chip is formed unless the cutter also goes down: the trailing half turn.
const FORWARD: u128 = (1 << (ANGLE_BINS / 2)) - 1;

const GROUP_BINS: f64 = 2.0;

/// Neighbouring elements taken as one: their edge as a whole, and by bin how much of it is in material.
#[derive(Clone, Debug)]
struct DenseGroup {
    /// All of them together; its mask holds every bin that any of them has.
    element: EdgeElement,
    /// Share of the edge in material, by bin.
    shares: [f64; ANGLE_BINS],
}

impl DenseGroup {
    /// Takes the longest group from the front of `elements`, and leaves the rest. Neighbours on a cylinder form the
    /// same chip at the same angle, so that they differ only in where they are in material; within
    /// [`GROUP_BINS`] of lag their forces may be summed by bin.
    fn take(elements: &mut &[EdgeElement]) -> Option<Self> {
        let (first, mut rest) = elements.split_first()?;
        let mut group = Self { element: *first, shares: [0.0; ANGLE_BINS] };
        group.add(first);
        while let Some((next, after)) = rest.split_first() {
            let element = &group.element;
            let cylinder = element.dr_mm == 0.0 && next.dr_mm == 0.0 && element.radius_mm == next.radius_mm;
            let touches = (element.lag_high_bins - next.lag_low_bins).abs() <= 1e-6;
            if !(cylinder && touches && next.lag_high_bins - element.lag_low_bins <= GROUP_BINS) {
                break;
            }
            group.element.dz_mm += next.dz_mm;
            group.element.ds_mm += next.ds_mm;
            group.element.lag_high_bins = next.lag_high_bins;
            group.element.mask |= next.mask;
            group.add(next);
            rest = after;
        }
        *elements = rest;
        let whole_mm = group.element.ds_mm;
        group.shares.iter_mut().for_each(|share| *share /= whole_mm);
        Some(group)
    }

    fn add(&mut self, element: &EdgeElement) {
        let mut left = element.mask;
        while left != 0 {
            self.shares[left.trailing_zeros() as usize] += element.ds_mm;
            left &= left - 1;
        }
    }
}

/// The force law of a cutter, with everything computed in advance that does not depend on the cut.
#[derive(Clone, Debug)]
pub(in crate::cutting) struct DenseModel {
    tool: Tool,
    flutes: u32,
    law: CuttingLaw,
    beam: Beam,
    /// ρ_j in mm.
    offsets_mm: Vec<f64>,
    /// The greatest |ρ_j|.
    offset_max_mm: f64,
    /// sin φ at the nodes.
    sin: Vec<f64>,
    /// cos φ at the nodes.
    cos: Vec<f64>,
    /// u^(1 − m_c) for u = i / [`POWER_STEPS`]; empty for the mechanistic law.
    powers: Vec<f64>,
}

/// Feed of one tooth: along the path in the plane and downwards, in mm.
#[derive(Clone, Copy)]
struct ToothFeed {
    across_mm: f64,
    down_mm: f64,
}

/// Sums over a revolution; the integrals are over φ, of all teeth and elements, in bins.
#[derive(Default)]
struct Sums {
    force_n: [f64; 3],
    /// Tangential force times radius, N·mm: all, and its cutting term.
    moment_n_mm: [f64; 2],
    /// Chip area times radius, mm³.
    volume_mm3: f64,
    chip_area_mm2: f64,
    edge_mm: f64,
    chip_max_mm: f64,
}

/// Samples of one tooth on one element at the nodes from its first bin on.
struct Samples {
    /// Chip area, mm².
    area_mm2: [f64; NODES],
    /// What the cutting coefficients are multiplied with: the chip area, or the tangential force of Kienzle's law.
    scale: [f64; NODES],
    x_n: [f64; NODES],
    y_n: [f64; NODES],
    /// By bin, the share of the edge that forms a chip.
    cuts: [f64; ANGLE_BINS],
}

impl DenseModel {
    /// The model of a tool in a material. `None` where the tool's flutes are unknown or zero, where its form or size
    /// has no force model, or where the law is not valid: what is not known is not computed.
    pub(in crate::cutting) fn new(tool: &Tool, law: &CuttingLaw, runout: Runout) -> Option<Self> {
        let flutes = tool.flutes.filter(|&flutes| (1..=Self::FLUTES_MAX).contains(&flutes))?;
        let radius_mm = tool.radius().as_mm();
        let sound = tool.shape.has_force_model()
            && radius_mm.is_finite()
            && radius_mm > 0.0
            && tool.helix.abs().as_rad() < PI / 2.0;
        if !(sound && law.is_valid() && runout.offset.is_finite() && runout.angle.is_finite()) {
            return None;
        }
        let offsets_mm = (0..flutes).map(|tooth| {
            let pitch = TAU * f64::from(tooth) / f64::from(flutes);
            runout.offset.as_mm() * math::cos(runout.angle.as_rad() - pitch)
        });
        let offsets_mm: Vec<f64> = offsets_mm.collect();
        let node_rad = |i: usize| PI * i as f64 / ANGLE_BINS as f64;
        let powers = match *law {
            CuttingLaw::Mechanistic { .. } => Vec::new(),
            CuttingLaw::Kienzle { m_c, .. } => {
                (0..=POWER_STEPS).map(|i| math::pow(i as f64 / POWER_STEPS as f64, 1.0 - m_c)).collect()
            }
        };
        Some(Self {
            tool: tool.clone(),
            flutes,
            law: *law,
            beam: Beam::of(tool),
            offset_max_mm: offsets_mm.iter().fold(0.0, |greatest: f64, offset_mm| greatest.max(offset_mm.abs())),
            offsets_mm,
            sin: (0..NODES).map(|i| math::sin(node_rad(i))).collect(),
            cos: (0..NODES).map(|i| math::cos(node_rad(i))).collect(),
            powers,
        })
    }

    const FLUTES_MAX: u32 = CuttingModel::FLUTES_MAX;

    /// f_z in mm along the path in the plane, and f_a downwards. `None` where the spindle stands.
    fn tooth_feed(&self, motion: &CuttingMotion) -> Option<ToothFeed> {
        let teeth_per_s = motion.spindle.abs().as_rev_s() * f64::from(self.flutes);
        let feed = ToothFeed {
            across_mm: motion.across.as_mm_s() / teeth_per_s,
            down_mm: motion.down.as_mm_s() / teeth_per_s,
        };
        (feed.across_mm.is_finite() && feed.down_mm.is_finite()).then_some(feed)
    }

    /// Loads of a cut. `None` where the spindle stands or a speed is not finite; all zero in air.
    ///
    /// A few microseconds: teeth × elements × bins in material.
    pub(in crate::cutting) fn loads(&self, engagement: &Engagement, motion: &CuttingMotion) -> Option<Loads> {
        let feed = self.tooth_feed(motion)?;
        let elements = edge::elements(engagement, &self.tool, feed.down_mm > 0.0);
        let mut sums = Sums::default();
        let mut revolution = Revolution::new(&elements, self.pitch_bins(self.leading_tooth()));
        let mut force = ToothForce::new();
        let mut samples = Samples {
            area_mm2: [0.0; NODES],
            scale: [0.0; NODES],
            x_n: [0.0; NODES],
            y_n: [0.0; NODES],
            cuts: [0.0; ANGLE_BINS],
        };
        let mut rest = elements.as_slice();
        while let Some(group) = DenseGroup::take(&mut rest) {
            let element = &group.element;
            let down_mm2 = element.dr_mm * feed.down_mm;
            let mask = if down_mm2 > 0.0 { element.mask } else { element.mask & FORWARD };
            if mask == 0 {
                continue;
            }
            let greatest_mm2 = element.dz_mm * feed.across_mm * self.sine_max(mask) + down_mm2;
            sums.chip_max_mm = sums.chip_max_mm.max(greatest_mm2 / element.ds_mm);
            // Without runout, and at the bottom, every tooth does the same.
            let alike = self.offset_max_mm == 0.0 || element.dz_mm == 0.0;
            for tooth in 0..self.flutes {
                if tooth == 0 || !alike {
                    let share = if alike { f64::from(self.flutes) } else { 1.0 };
                    self.sample(element, mask, feed, tooth as usize, &mut samples);
                    self.take(&group, mask, share, &mut samples, &mut force, &mut sums);
                }
                revolution.add(element, &force, self.pitch_bins(tooth as usize));
            }
        }
        Some(self.summarise(&sums, revolution.peak(&elements, self.flutes), motion))
    }

    /// The greatest sin φ at the borders of the bins of a mask.
    fn sine_max(&self, mask: u128) -> f64 {
        let bins = (0..ANGLE_BINS).filter(|bin| mask >> bin & 1 == 1);
        bins.map(|bin| self.sin[2 * bin].max(self.sin[2 * bin + 2])).fold(-1.0, f64::max)
    }

    /// The tooth that stands out furthest: it takes the thickest chip.
    fn leading_tooth(&self) -> usize {
        let chip = |tooth: usize| self.offsets_mm[tooth] - self.offsets_mm[(tooth + 1) % self.offsets_mm.len()];
        (0..self.offsets_mm.len())
            .reduce(|best, tooth| if chip(tooth) > chip(best) { tooth } else { best })
            .unwrap_or(0)
    }

    /// How many bins of turn a tooth comes after the first one.
    fn pitch_bins(&self, tooth: usize) -> f64 {
        (ANGLE_BINS * tooth) as f64 / f64::from(self.flutes)
    }

    /// Chip area of one tooth on one element, from the area `even_mm2` it would have without runout, where an
    /// earlier path than the last one may lie deepest.
    fn deepest_area_mm2(&self, even_mm2: f64, dz_mm: f64, tooth: usize) -> f64 {
        let count = self.offsets_mm.len();
        let behind = |back: usize| {
            let step_mm = self.offsets_mm[tooth] - self.offsets_mm[(tooth + back) % count];
            back as f64 * even_mm2 + dz_mm * step_mm
        };
        (1..=count).map(behind).fold(f64::INFINITY, f64::min).max(0.0)
    }

    /// Chip areas of one tooth on one element at the nodes of the bins in material.
    fn sample(&self, element: &EdgeElement, mask: u128, feed: ToothFeed, tooth: usize, samples: &mut Samples) {
        let (first, last) = (mask.trailing_zeros() as usize, ANGLE_BINS - mask.leading_zeros() as usize);
        let (across_mm2, down_mm2) = (element.dz_mm * feed.across_mm, element.dr_mm * feed.down_mm);
        let next = (tooth + 1) % self.offsets_mm.len();
        let step_mm2 = element.dz_mm * (self.offsets_mm[tooth] - self.offsets_mm[next]);
        let sines = &self.sin[2 * first..=2 * last];
        let areas_mm2 = &mut samples.area_mm2[..sines.len()];
        for (area_mm2, sin) in areas_mm2.iter_mut().zip(sines) {
            *area_mm2 = (across_mm2 * sin + down_mm2 + step_mm2).max(0.0);
        }
        // Two offsets differ by at most 2e; from that feed on no earlier path than the last can lie deeper.
        let shallow_mm2 = 2.0 * element.dz_mm * self.offset_max_mm;
        if shallow_mm2 > 0.0 {
            for (area_mm2, sin) in areas_mm2.iter_mut().zip(sines) {
                let even_mm2 = across_mm2 * sin + down_mm2;
                if even_mm2 < shallow_mm2 {
                    *area_mm2 = self.deepest_area_mm2(even_mm2, element.dz_mm, tooth);
                }
            }
        }
    }

    /// Turns sampled chip areas into forces, and adds `share` times their integrals to the sums.
    fn take(
        &self,
        group: &DenseGroup,
        mask: u128,
        share: f64,
        samples: &mut Samples,
        force: &mut ToothForce,
        sums: &mut Sums,
    ) {
        let (first, last) = (mask.trailing_zeros() as usize, ANGLE_BINS - mask.leading_zeros() as usize);
        let (bins, nodes) = (last - first, 2 * (last - first) + 1);
        let element = &group.element;
        let areas_mm2 = &samples.area_mm2[..nodes];
        let law = ElementLaw::new(&self.law, &self.powers, element, areas_mm2);
        law.scale(areas_mm2, &mut samples.scale[..nodes]);
        let scales = &samples.scale[..nodes];
        let (sines, cosines) = (&self.sin[2 * first..][..nodes], &self.cos[2 * first..][..nodes]);
        let (x_n, y_n) = (&mut samples.x_n[..nodes], &mut samples.y_n[..nodes]);
        let ([c_t, c_n, c_z], [e_t, e_n, e_z]) = (law.cutting, law.edge_n);
        for node in 0..nodes {
            let (t, n) = (c_t * scales[node] + e_t, c_n * scales[node] + e_n);
            x_n[node] = -t * cosines[node] - n * sines[node];
            y_n[node] = t * sines[node] - n * cosines[node];
        }
        let (mut cutting, mut chips_mm2, mut count) = (0.0, 0.0, 0.0);
        let rows = areas_mm2.windows(3).step_by(2).zip(scales.windows(3).step_by(2)).zip(&group.shares[first..last]);
        for (cuts, ((area, scale), share)) in samples.cuts.iter_mut().zip(rows) {
            let forms = if area[1] > 0.0 { *share } else { 0.0 };
            *cuts = forms;
            cutting += forms * (scale[0] + 4.0 * scale[1] + scale[2]);
            chips_mm2 += forms * (area[0] + 4.0 * area[1] + area[2]);
            count += forms;
        }
        // Simpson's rule.
        (cutting, chips_mm2) = (cutting / 6.0, chips_mm2 / 6.0);
        force.fill(first, &samples.cuts[..bins], [x_n, y_n]);
        let [x_total, y_total] = force.total();
        sums.force_n[0] += share * x_total;
        sums.force_n[1] += share * y_total;
        sums.force_n[2] += share * (c_z * cutting + e_z * count);
        sums.moment_n_mm[0] += share * element.radius_mm * (c_t * cutting + e_t * count);
        sums.moment_n_mm[1] += share * element.radius_mm * c_t * cutting;
        sums.volume_mm3 += share * element.radius_mm * chips_mm2;
        sums.chip_area_mm2 += share * chips_mm2;
        sums.edge_mm += share * element.ds_mm * count;
    }

    fn summarise(&self, sums: &Sums, peak: Peak, motion: &CuttingMotion) -> Loads {
        // Mean over a turn of an integral in bins.
        let share = 1.0 / ANGLE_BINS as f64;
        let mean_n = sums.force_n.map(|integral| integral * share);
        let torque = Torque::n_m(sums.moment_n_mm[0] * share * 1e-3);
        let spindle = motion.spindle.abs();
        let power_cutting = Torque::n_m(sums.moment_n_mm[1] * share * 1e-3) * spindle;
        Loads {
            force_peak_xy: Force::n(peak.resultant_n),
            force_normal: Force::n(peak.normal_n),
            force_mean: Force::n(math::hypot(mean_n[0], mean_n[1])),
            force_mean_xyz_n: mean_n,
            torque_mean: torque,
            power: torque * spindle,
            power_cutting: Power::w(power_cutting.as_w()),
            removal_rate_mm3_s: sums.volume_mm3 * BIN_RAD * spindle.as_rev_s(),
            chip_max: Length::mm(sums.chip_max_mm),
            chip_mean: Length::mm(if sums.edge_mm > 0.0 { sums.chip_area_mm2 / sums.edge_mm } else { 0.0 }),
            deflection: Length::mm(peak.normal_n * self.beam.compliance_mm_n),
            bending_stress: crate::units::Stress::n_mm2(peak.resultant_n * self.beam.stress_n_mm2_n),
        }
    }
}

/// Width of a bin of the mask in rad.
const BIN_RAD: f64 = TAU / ANGLE_BINS as f64;

/// A law applied to one element: cutting and edge coefficients in tangential, normal (in the plane) and axial
/// direction.
struct ElementLaw<'a> {
    cutting: [f64; 3],
    edge_n: [f64; 3],
    /// For Kienzle: table of u^(1 − m_c), the area that is u = 1, and the tangential force there.
    power: Option<(&'a [f64], f64, f64)>,
}

impl<'a> ElementLaw<'a> {
    fn new(law: &CuttingLaw, powers: &'a [f64], element: &EdgeElement, areas_mm2: &[f64]) -> Self {
        let (sin_k, cos_k) = (element.dz_mm / element.ds_mm, element.dr_mm / element.ds_mm);
        let turned = |[t, r, a]: [f64; 3]| [t, r * sin_k - a * cos_k, r * cos_k + a * sin_k];
        match *law {
            CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => Self {
                cutting: turned([k_tc.as_n_mm2(), k_rc.as_n_mm2(), k_ac.as_n_mm2()]),
                edge_n: turned([k_te_n_mm, k_re_n_mm, k_ae_n_mm]).map(|k_n_mm| k_n_mm * element.ds_mm),
                power: None,
            },
            CuttingLaw::Kienzle { k_c11, m_c, radial_ratio, axial_ratio } => {
                let greatest_mm2 = areas_mm2.iter().copied().fold(0.0, f64::max);
                let chip_mm = greatest_mm2 / element.ds_mm;
                let top_n =
                    if chip_mm > 0.0 { k_c11.as_n_mm2() * math::pow(chip_mm, 1.0 - m_c) * element.ds_mm } else { 0.0 };
                Self {
                    cutting: turned([1.0, radial_ratio, axial_ratio]),
                    edge_n: [0.0; 3],
                    power: (greatest_mm2 > 0.0).then_some((powers, greatest_mm2, top_n)),
                }
            }
        }
    }

    /// What the cutting coefficients are multiplied with, for each chip area.
    fn scale(&self, areas_mm2: &[f64], scales: &mut [f64]) {
        let Some((powers, greatest_mm2, top_n)) = self.power else {
            scales.copy_from_slice(areas_mm2);
            return;
        };
        for (scale, area_mm2) in scales.iter_mut().zip(areas_mm2) {
            let place = area_mm2 / greatest_mm2 * POWER_STEPS as f64;
            let index = (place as usize).min(POWER_STEPS - 1);
            *scale = top_n * (powers[index] + (powers[index + 1] - powers[index]) * (place - index as f64));
        }
    }
}
