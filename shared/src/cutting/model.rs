//! Forces of one cutter in one material, from where it is engaged and how it moves.
//!
//! A cut is a list of pieces of the edge ([`super::edge`]); on each of them the force of a tooth over the
//! immersion φ is a short list of changes ([`super::density`]), whose integrals are closed. The means over a
//! revolution are these integrals; the helix, which spreads a piece over a range of angles, and the other teeth enter
//! only where the greatest force over a revolution is sought ([`super::revolution`]). Nothing is sampled over
//! an arc, so that the cost is that of its ends: teeth × pieces × changes.
//!
//! Chip of tooth j: h = max(0, min over m = 1 … N of m·f·sinφ·sinκ + m·f_a·cosκ + (ρ_j − ρ_(j+m))·sinκ), see
//! [`super::tooth`].
//!
//! Directions: dF_x = −dF_t·cosφ − dF_n·sinφ, dF_y = dF_t·sinφ − dF_n·cosφ with dF_n = dF_r·sinκ − dF_a·cosκ,
//! and dF_z = dF_r·cosκ + dF_a·sinκ. With κ = 90° that is the tool frame of Altintas. In the plane it is one product of
//! complex numbers: dF_x + i·dF_y = −(dF_t + i·dF_n)·e^(−iφ).

use std::f64::consts::{PI, TAU};

use super::beam::Beam;
use super::chain::{Chain, Cut};
use super::complex::Complex;
use super::density::{Integrals, Tables, ToothFeed};
use super::edge::{self, EdgeElement};
use super::engagement::{ANGLE_BINS, Engagement};
use super::law::CuttingLaw;
use super::loads::{CuttingMotion, Loads, Runout};
use super::revolution::{LINEAR, Peak, QUADRATIC, Revolution, Waves};
use super::tooth::{ChipLine, chip_lines};
use crate::det::math;
use crate::tool::Tool;
use crate::units::{Force, Length, Power, Stress, Torque};

/// Width of a bin of the mask in rad.
pub(super) const BIN_RAD: f64 = TAU / ANGLE_BINS as f64;

/// How far a lost tooth stands back: more than any chip.
const LOST_TOOTH_MM: f64 = 100.0;

/// Angles at which no chip is formed unless the cutter also goes down: the trailing half turn.
const FORWARD: u128 = (1 << (ANGLE_BINS / 2)) - 1;

/// The force law of a cutter, with everything computed in advance that does not depend on the cut.
#[derive(Clone, Debug)]
pub struct CuttingModel {
    tool: Tool,
    flutes: u32,
    law: CuttingLaw,
    beam: Beam,
    /// The chip of each tooth over the chip without runout.
    lines: Vec<Vec<ChipLine>>,
    /// By how much a chip may be thicker than without runout, across the axis.
    step_max_mm: f64,
    /// False where every tooth does the same.
    runs_out: bool,
    /// The tooth that stands out furthest from the next one: it takes the thickest chip.
    leading: u32,
    tables: Tables,
    waves: Waves,
}

/// Sums over a revolution, of all teeth and elements: integrals over φ.
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

/// A law applied to one element: forces of a millimetre for a scale of one, and of its edge, in tangential, normal (in the plane) and axial
/// direction.
struct ElementLaw {
    cutting: [f64; 3],
    edge_n_mm: [f64; 3],
}

impl CuttingModel {
    /// Most flutes of a cutter.
    pub const FLUTES_MAX: u32 = 64;

    /// The model of a tool in a material. `None` where the tool's flutes are unknown or zero, where its form or size
    /// has no force model, or where the law is not valid: what is not known is not computed.
    pub fn new(tool: &Tool, law: &CuttingLaw, runout: Runout) -> Option<Self> {
        Self::with_teeth(tool, law, runout, None)
    }

    /// The model of a tool that has lost a tooth, `lost` from 0: the next one takes its chip as well. `None` as for
    /// [`Self::new`], and where there is no such tooth or no other.
    pub fn with_lost_tooth(tool: &Tool, law: &CuttingLaw, runout: Runout, lost: u32) -> Option<Self> {
        let flutes = tool.flutes.filter(|&flutes| flutes > 1 && lost < flutes);
        flutes.and_then(|_| Self::with_teeth(tool, law, runout, Some(lost)))
    }

    fn with_teeth(tool: &Tool, law: &CuttingLaw, runout: Runout, lost: Option<u32>) -> Option<Self> {
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
            let short_mm = if lost == Some(tooth) { LOST_TOOTH_MM } else { 0.0 };
            runout.offset.as_mm() * math::cos(runout.angle.as_rad() - pitch) - short_mm
        });
        let offsets_mm: Vec<f64> = offsets_mm.collect();
        let step_mm = |tooth: u32| {
            let (here, next) = (tooth as usize, (tooth as usize + 1) % offsets_mm.len());
            offsets_mm[here] - offsets_mm[next]
        };
        let leading = (0..flutes).reduce(|best, tooth| if step_mm(tooth) > step_mm(best) { tooth } else { best });
        let leading = leading.unwrap_or(0);
        let exponent = match *law {
            CuttingLaw::Mechanistic { .. } => None,
            CuttingLaw::Kienzle { m_c, .. } => Some(1.0 - m_c),
        };
        Some(Self {
            tool: tool.clone(),
            flutes,
            law: *law,
            beam: Beam::of(tool),
            lines: (0..offsets_mm.len()).map(|tooth| chip_lines(&offsets_mm, tooth)).collect(),
            step_max_mm: step_mm(leading).max(0.0),
            runs_out: offsets_mm.iter().any(|offset_mm| *offset_mm != 0.0),
            leading,
            tables: Tables::new(exponent),
            waves: Waves::new(),
        })
    }

    /// The tool.
    pub fn tool(&self) -> &Tool {
        &self.tool
    }

    /// The material's law.
    pub fn law(&self) -> &CuttingLaw {
        &self.law
    }

    /// The tool as a clamped beam.
    pub fn beam(&self) -> &Beam {
        &self.beam
    }

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
    /// A few microseconds: teeth × pieces of the edge × changes along an arc.
    pub fn loads(&self, engagement: &Engagement, motion: &CuttingMotion) -> Option<Loads> {
        self.loads_at(engagement, motion, [1.0]).map(|[loads]| loads)
    }

    /// Loads of a cut at several ratios of its feed; the edge is cut into pieces once. `None` as for
    /// [`Self::loads`].
    pub fn loads_at<const COUNT: usize>(
        &self,
        engagement: &Engagement,
        motion: &CuttingMotion,
        ratios: [f64; COUNT],
    ) -> Option<[Loads; COUNT]> {
        let feed = self.tooth_feed(motion)?;
        let elements = edge::elements(engagement, &self.tool, feed.down_mm > 0.0);
        if elements.is_empty() {
            return Some([Loads::AIR; COUNT]);
        }
        Some(ratios.map(|ratio| {
            let feed = ToothFeed { across_mm: feed.across_mm * ratio, down_mm: feed.down_mm * ratio };
            let (sums, peak) = match self.law {
                CuttingLaw::Mechanistic { .. } => self.revolve::<LINEAR>(&elements, feed),
                CuttingLaw::Kienzle { .. } => self.revolve::<QUADRATIC>(&elements, feed),
            };
            self.summarise(&sums, peak, &motion.at_ratio(ratio))
        }))
    }

    fn revolve<const L: usize>(&self, elements: &[EdgeElement], feed: ToothFeed) -> (Sums, Peak) {
        let mut sums = Sums::default();
        let mut revolution = Revolution::<L>::new(elements, self.flutes, self.leading);
        let chip_scale = self.chip_scale(elements, feed, &mut sums);
        let mut chain = Chain::default();
        let mut rest = elements;
        while chain.take(&mut rest, feed) {
            let law = ElementLaw::new(&self.law, &chain.element);
            let plane = |[t, n, _]: [f64; 3]| Complex::new(-t, -n);
            let cut = Cut { feed, chip_scale, cutting: plane(law.cutting), edge: plane(law.edge_n_mm) };
            // Without runout, and at the bottom, every tooth does the same.
            let alike = !self.runs_out || chain.element.dz_mm == 0.0;
            for number in 0..self.flutes {
                if number == 0 || !alike {
                    let share = if alike { f64::from(self.flutes) } else { 1.0 };
                    let integrals = chain.lay(&self.tables, &self.lines[number as usize], &cut);
                    sums.add(&chain.element, &law, &integrals, share);
                }
                revolution.add(chain.ends(), number, &cut);
            }
        }
        let peak = revolution.peak(&self.waves, elements);
        (sums, peak)
    }

    /// The thickest chip of the cut, runout included, and its power; notes the thickest without runout.
    fn chip_scale(&self, elements: &[EdgeElement], feed: ToothFeed, sums: &mut Sums) -> [f64; 2] {
        let mut chip_max_mm = 0.0f64;
        for element in elements {
            let mask = cutting_mask(element, feed);
            if mask == 0 {
                continue;
            }
            let across_mm = feed.across_mm * self.tables.sine_max(mask);
            let even_mm = (element.dz_mm * across_mm + element.dr_mm * feed.down_mm) / element.ds_mm;
            sums.chip_max_mm = sums.chip_max_mm.max(even_mm);
            let stepped_mm = even_mm + self.step_max_mm * element.dz_mm / element.ds_mm;
            // However far a tooth stands out, it takes no more than what all of them would have taken.
            chip_max_mm = chip_max_mm.max(stepped_mm.min(even_mm * f64::from(self.flutes)));
        }
        match self.law {
            CuttingLaw::Mechanistic { .. } => [chip_max_mm, chip_max_mm],
            CuttingLaw::Kienzle { m_c, .. } => [chip_max_mm, math::pow(chip_max_mm, 1.0 - m_c)],
        }
    }

    fn summarise(&self, sums: &Sums, peak: Peak, motion: &CuttingMotion) -> Loads {
        // Mean over a turn.
        let share = 1.0 / TAU;
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
            removal_rate_mm3_s: sums.volume_mm3 * spindle.as_rev_s(),
            chip_max: Length::mm(sums.chip_max_mm),
            chip_mean: Length::mm(if sums.edge_mm > 0.0 { sums.chip_area_mm2 / sums.edge_mm } else { 0.0 }),
            deflection: Length::mm(peak.normal_n * self.beam.compliance_mm_n),
            bending_stress: Stress::n_mm2(peak.resultant_n * self.beam.stress_n_mm2_n),
        }
    }
}

/// Where an element forms chips if it is in material there.
pub(super) fn cutting_mask(element: &EdgeElement, feed: ToothFeed) -> u128 {
    if element.dr_mm * feed.down_mm > 0.0 { element.mask } else { element.mask & FORWARD }
}

impl Sums {
    fn add(&mut self, element: &EdgeElement, law: &ElementLaw, integrals: &Integrals, share: f64) {
        let ([c_t, _, c_z], [e_t, _, e_z]) = (law.cutting, law.edge_n_mm);
        let share = share * element.ds_mm;
        let (cutting, touch) = (integrals.scale, integrals.touch);
        self.force_n[0] += share * integrals.force.re;
        self.force_n[1] += share * integrals.force.im;
        self.force_n[2] += share * (c_z * cutting + e_z * touch);
        self.moment_n_mm[0] += share * element.radius_mm * (c_t * cutting + e_t * touch);
        self.moment_n_mm[1] += share * element.radius_mm * c_t * cutting;
        self.volume_mm3 += share * element.radius_mm * integrals.chip;
        self.chip_area_mm2 += share * integrals.chip;
        self.edge_mm += share * touch;
    }
}

impl ElementLaw {
    fn new(law: &CuttingLaw, element: &EdgeElement) -> Self {
        let (sin_k, cos_k) = (element.dz_mm / element.ds_mm, element.dr_mm / element.ds_mm);
        let turned = |[t, r, a]: [f64; 3]| [t, r * sin_k - a * cos_k, r * cos_k + a * sin_k];
        match *law {
            CuttingLaw::Mechanistic { k_tc, k_rc, k_ac, k_te_n_mm, k_re_n_mm, k_ae_n_mm } => Self {
                cutting: turned([k_tc.as_n_mm2(), k_rc.as_n_mm2(), k_ac.as_n_mm2()]),
                edge_n_mm: turned([k_te_n_mm, k_re_n_mm, k_ae_n_mm]),
            },
            CuttingLaw::Kienzle { k_c11, radial_ratio, axial_ratio, .. } => {
                let k = k_c11.as_n_mm2();
                Self { cutting: turned([k, k * radial_ratio, k * axial_ratio]), edge_n_mm: [0.0; 3] }
            }
        }
    }
}
