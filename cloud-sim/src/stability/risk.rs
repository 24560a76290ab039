//! Where a program cuts deeper than its cut bears.
//!
//! A part of a program is a tool at a speed in an arc. For each of them the deepest cut is held against both methods: a cut
//! that holds at its deepest place is taken to hold at the others, islands of chatter below
//! a stable depth excepted. Stability limits speed and depth: no bound on the feed comes from here.

use std::collections::BTreeMap;

use shared::cutting::{ANGLE_BINS, CuttingLaw};
use shared::ident::ToolNumber;
use shared::machine::{TipDynamics, tip_of};
use shared::motion::Path;
use shared::units::{Length, RotaryVelocity};

use super::limit::{depth_limit, multiplier, speed_suggestion};
use super::{ChatterCut, Suggestion, TipResponse, band_hz, zeroth_order};
use crate::engagement::CutStep;
use crate::loads::{LoadModels, StepLoads};

/// Most parts of one tool that are looked at, deepest first.
const PARTS_MAX: usize = 16;
/// Bins that count as one border of an arc: 11°.
const BORDER_BINS: u32 = 4;
/// Steps of the chatter frequency in the zeroth order.
const FREQUENCY_STEPS: u32 = 4000;

/// A cut that chatters by one of the methods.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChatterRisk {
    /// Tool.
    pub tool: ToolNumber,
    /// Line of the program with the deepest cut.
    pub line: u32,
    /// Programmed speed.
    pub spindle: RotaryVelocity,
    /// a_p there.
    pub depth: Length,
    /// φ_st and φ_ex in rad.
    pub immersion_rad: (f64, f64),
    /// Limit by the zeroth order; `None` where it knows none.
    pub zeroth: Option<Length>,
    /// Limit by semi-discretisation; `None` where the cut holds by it.
    pub semi: Option<Length>,
    /// A near speed at which it would hold.
    pub suggestion: Option<Suggestion>,
}

/// What is known of chatter in a program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatterSurvey {
    /// Cuts that chatter, by line.
    pub risks: Vec<ChatterRisk>,
    /// Parts that were looked at.
    pub parts: usize,
    /// Parts that were left out, because a tool has too many.
    pub left_out: usize,
    /// Tools that cut and of whose tip nothing is known, or whose measured response shows no mode.
    pub unknown: Vec<ToolNumber>,
    /// Greatest error of the modes fitted to a measured response, by tool.
    pub fit_error: BTreeMap<ToolNumber, f64>,
}

/// A part of a program: its deepest cut.
#[derive(Clone, Copy)]
struct Part {
    tool: ToolNumber,
    line: u32,
    spindle: RotaryVelocity,
    depth: Length,
    chip: Length,
    immersion_rad: (f64, f64),
    feeds_along_x: bool,
}

/// Holds every part of a cut program against both methods, where the machine says how tips give way.
pub fn chatter_survey(
    path: &Path,
    (steps, loads): (&[CutStep], &[StepLoads]),
    models: &LoadModels,
    tips: &[TipDynamics],
    speed_max: RotaryVelocity,
) -> ChatterSurvey {
    let mut survey = ChatterSurvey::default();
    let parts = parts(path, steps, loads);
    for (tool, mut parts) in parts {
        let flutes = models.model(Some(tool)).and_then(|model| model.tool().flutes);
        let (Some(tip), Some(flutes)) = (tip_of(tips, tool), flutes) else {
            survey.unknown.push(tool);
            continue;
        };
        parts.sort_by(|a, b| b.depth.as_mm().total_cmp(&a.depth.as_mm()).then(a.line.cmp(&b.line)));
        survey.left_out += parts.len().saturating_sub(PARTS_MAX);
        for part in parts.iter().take(PARTS_MAX) {
            let cut = cut_of(part, tip, models.law(), flutes);
            let Some((modal, error)) = cut.modal() else {
                survey.unknown.push(tool);
                break;
            };
            if error > 0.0 {
                survey.fit_error.insert(tool, error);
            }
            survey.parts += 1;
            survey.risks.extend(risk(part, &cut, &modal, speed_max));
        }
    }
    survey.risks.sort_by_key(|risk| (risk.line, risk.tool));
    survey
}

fn risk(part: &Part, cut: &ChatterCut, modal: &ChatterCut, speed_max: RotaryVelocity) -> Option<ChatterRisk> {
    let (spindle, depth) = (part.spindle, part.depth);
    let band = band_hz(cut)?;
    let zeroth = zeroth_order(cut, spindle, band, FREQUENCY_STEPS).map(|lobe| lobe.depth);
    let grows = multiplier(modal, spindle, depth).is_some_and(|mu| mu > 1.0);
    if !grows && zeroth.is_none_or(|limit| limit >= depth) {
        return None;
    }
    let start = zeroth.map_or(depth * 0.05, |limit| limit.min(depth) * 0.3);
    let semi = if grows { depth_limit(modal, spindle, start) } else { None };
    let suggestion = speed_suggestion(cut, modal, spindle, depth, speed_max);
    let Part { tool, line, immersion_rad, .. } = *part;
    Some(ChatterRisk { tool, line, spindle, depth, immersion_rad, zeroth, semi, suggestion })
}

/// The deepest cut of each tool at each speed in each arc.
fn parts(path: &Path, steps: &[CutStep], loads: &[StepLoads]) -> BTreeMap<ToolNumber, Vec<Part>> {
    let mut deepest: BTreeMap<(ToolNumber, u64, u32, u32, bool), Part> = BTreeMap::new();
    for (step, loads) in steps.iter().zip(loads) {
        let segment = &path.segments()[step.segment as usize];
        let (StepLoads::Known(known), Some(tool), Some(spindle)) = (loads, segment.tool, segment.spindle) else {
            continue;
        };
        let Some((first, end, depth_mm)) = arc(step) else { continue };
        let middle = segment.fraction(step.from).midpoint(segment.fraction(step.to));
        let direction = segment.geometry.tangent(middle);
        // A plunge swings along the spindle, of which a tip's response says nothing.
        if direction.z.abs() > 0.7 {
            continue;
        }
        let along_x = direction.x.abs() >= direction.y.abs();
        let bin_rad = std::f64::consts::TAU / ANGLE_BINS as f64;
        let part = Part {
            tool,
            line: segment.at.line,
            spindle,
            depth: Length::mm(depth_mm),
            chip: known.full.chip_max,
            immersion_rad: (f64::from(first) * bin_rad, f64::from(end) * bin_rad),
            feeds_along_x: along_x,
        };
        let key = (tool, spindle.as_rev_s().to_bits(), first / BORDER_BINS, end / BORDER_BINS, along_x);
        let kept = deepest.entry(key).or_insert(part);
        if part.depth > kept.depth {
            *kept = part;
        }
    }
    let mut by_tool: BTreeMap<ToolNumber, Vec<Part>> = BTreeMap::new();
    deepest.into_values().for_each(|part| by_tool.entry(part.tool).or_default().push(part));
    by_tool
}

/// First bin and the one behind the last in which chips form, and a_p in mm.
fn arc(step: &CutStep) -> Option<(u32, u32, f64)> {
    let forward = (1u128 << (ANGLE_BINS / 2)) - 1;
    let cutting = || step.engagement.slices.iter().filter(|slice| slice.mask & forward != 0);
    let mask = cutting().fold(0u128, |mask, slice| mask | slice.mask & forward);
    let depth_mm: f64 =
        cutting().map(|slice| slice.high_mm - slice.low_mm.max(0.0)).filter(|height| *height > 0.0).sum();
    (mask != 0 && depth_mm > 0.0).then(|| (mask.trailing_zeros(), 128 - mask.leading_zeros(), depth_mm))
}

/// The cut in the frame of its feed. A tip is known along the machine's axes: a move takes the axis it is nearer to as the one
/// along its feed; a tool that gives way by the same in both does not notice.
fn cut_of(part: &Part, tip: &TipDynamics, law: &CuttingLaw, flutes: u32) -> ChatterCut {
    let (x, y): (&TipResponse, &TipResponse) = if part.feeds_along_x { (&tip.x, &tip.y) } else { (&tip.y, &tip.x) };
    let k_tc = law.specific_force(part.chip);
    let k_rc = match *law {
        CuttingLaw::Mechanistic { k_rc, .. } => k_rc,
        CuttingLaw::Kienzle { radial_ratio, .. } => k_tc * radial_ratio,
    };
    let (start_rad, exit_rad) = part.immersion_rad;
    ChatterCut { x: x.clone(), y: y.clone(), k_tc, k_rc, flutes, start_rad, exit_rad }
}
