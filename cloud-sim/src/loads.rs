//! Loads of the steps the kernel has cut.
//!
//! The kernel says where the cutter stood in material; the path says how it moved; `shared::cutting` says what
//! that costs. Here the three are joined, once per step, into something a planner can use without looking at
//! the engagement again: the loads at the programmed feed and their lines over the feed.
//!
//! Three states and no fourth: in air nothing is loaded; where flutes, spindle speed, tool or material are
//! unknown the load is *unknown*, never a number; else it is known.

use std::collections::BTreeMap;

use shared::cutting::{AffineLoads, CuttingLaw, CuttingModel, CuttingMotion, Loads, Material, Runout};
use shared::ident::ToolNumber;
use shared::motion::{Segment, Station};
use shared::tool::Tool;

use crate::engagement::CutStep;

/// Why a load is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnknownLoad {
    /// No tool in the spindle, or one that is not in the table.
    Tool,
    /// The tool's flutes are not known, or its data cannot cut.
    Cutter,
    /// The spindle stands, or the program has not said a speed.
    Spindle,
}

impl UnknownLoad {
    /// Its stable name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Cutter => "cutter",
            Self::Spindle => "spindle",
        }
    }
}

/// Loads of one step at the programmed feed, and over the feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownLoads {
    /// How the cutter moves at the programmed feed.
    pub motion: CuttingMotion,
    /// Loads at the programmed feed.
    pub full: Loads,
    /// Loads over the ratio of the programmed feed.
    pub lines: AffineLoads,
}

/// What a step asks of the machine.
// Most steps of a program cut: a row of these by value is smaller than one of boxes, and it is read in order.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepLoads {
    /// Nothing touches.
    Air,
    /// Something touches, and what it costs is not known.
    Unknown(UnknownLoad),
    /// Something touches.
    Known(KnownLoads),
}

impl StepLoads {
    /// The loads where they are known; zero in air.
    pub fn full(&self) -> Option<Loads> {
        match self {
            Self::Air => Some(Loads::AIR),
            Self::Unknown(_) => None,
            Self::Known(known) => Some(known.full),
        }
    }
}

/// What losing one tooth does to a cut, as ratios to the cut with all teeth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LostTooth {
    /// Mean power.
    pub power_ratio: f64,
    /// Peak resultant.
    pub peak_ratio: f64,
}

/// One force model for every tool of a job, in one material.
#[derive(Clone, Debug)]
pub struct LoadModels {
    models: BTreeMap<ToolNumber, Option<CuttingModel>>,
    law: CuttingLaw,
    runout: Runout,
    /// Factors on loads that were learned, above 1.
    raises: BTreeMap<ToolNumber, f64>,
}

impl LoadModels {
    /// Models of these tools in a material. Runout is that of every tool; [`Runout::ASSUMED`] unless measured.
    pub fn new<'a>(tools: impl IntoIterator<Item = &'a Tool>, material: &Material, runout: Runout) -> Self {
        let models = tools.into_iter().map(|tool| (tool.number, CuttingModel::new(tool, &material.law, runout)));
        Self { models: models.collect(), law: material.law, runout, raises: BTreeMap::new() }
    }

    /// From now on every load of a tool counts for this factor of it when it is held against a limit; below 1 is 1.
    pub fn set_raise(&mut self, tool: ToolNumber, factor: f64) {
        self.raises.insert(tool, factor.max(1.0));
    }

    /// Factor on the loads of a tool when they are held against a limit: 1 where nothing was learned.
    pub fn raise(&self, tool: Option<ToolNumber>) -> f64 {
        tool.and_then(|tool| self.raises.get(&tool)).copied().unwrap_or(1.0)
    }

    /// What losing a tooth would do to a step at a ratio of its feed: the mean power over all teeth that may be lost,
    /// and the worst peak. `None` in air, where the loads are not known, and for a tool with one tooth.
    pub fn lost_tooth(&self, step: &CutStep, segment: &Segment, ratio: f64) -> Option<LostTooth> {
        let model = self.model(segment.tool)?;
        let motion = motion_of(step, segment)?.at_ratio(ratio);
        let whole = model.loads(&step.engagement, &motion)?;
        let (mut power_w, mut peak_n, mut count) = (0.0, 0.0f64, 0.0);
        for lost in 0..model.tool().flutes? {
            let broken = CuttingModel::with_lost_tooth(model.tool(), &self.law, self.runout, lost)?;
            let loads = broken.loads(&step.engagement, &motion)?;
            power_w += loads.power.as_w();
            peak_n = peak_n.max(loads.force_peak_xy.as_n());
            count += 1.0;
        }
        let (whole_w, whole_n) = (whole.power.as_w(), whole.force_peak_xy.as_n());
        (count > 0.0 && whole_w > 0.0 && whole_n > 0.0)
            .then(|| LostTooth { power_ratio: power_w / count / whole_w, peak_ratio: peak_n / whole_n })
    }

    /// The law of the material.
    pub fn law(&self) -> &CuttingLaw {
        &self.law
    }

    /// The model of a tool; `None` where the tool or what is needed of it is not known.
    pub fn model(&self, tool: Option<ToolNumber>) -> Option<&CuttingModel> {
        self.models.get(&tool?)?.as_ref()
    }

    /// Loads of one step. `segment` is the segment the step belongs to.
    pub fn of_step(&self, step: &CutStep, segment: &Segment) -> StepLoads {
        if step.engagement.is_air() {
            return StepLoads::Air;
        }
        let known_tool = segment.tool.and_then(|tool| self.models.get(&tool));
        let model = match known_tool {
            None => return StepLoads::Unknown(UnknownLoad::Tool),
            Some(None) => return StepLoads::Unknown(UnknownLoad::Cutter),
            Some(Some(model)) => model,
        };
        let Some(motion) = motion_of(step, segment) else {
            return StepLoads::Unknown(UnknownLoad::Spindle);
        };
        let known = model.loads(&step.engagement, &motion).and_then(|full| {
            let lines = AffineLoads::of(model, &step.engagement, &motion, &full)?;
            Some(KnownLoads { motion, full, lines })
        });
        known.map_or(StepLoads::Unknown(UnknownLoad::Spindle), StepLoads::Known)
    }

    /// Loads of one step at a ratio of the programmed feed, evaluated and not read from the lines: what a
    /// report prints for the feed as planned. `None` where they are not known.
    pub fn at_ratio(&self, step: &CutStep, segment: &Segment, ratio: f64) -> Option<Loads> {
        if step.engagement.is_air() {
            return Some(Loads::AIR);
        }
        let motion = motion_of(step, segment)?;
        self.model(segment.tool)?.loads(&step.engagement, &motion.at_ratio(ratio))
    }
}

/// How the cutter moves in the middle of a step at the programmed feed; `None` where the spindle stands or
/// its speed is unknown. Where the work turns or the tool leans, that is the way against the work which the step states,
/// across the tool's own axis and along it.
pub fn motion_of(step: &CutStep, segment: &Segment) -> Option<CuttingMotion> {
    let spindle = segment.spindle.filter(|spindle| spindle.as_rev_s() != 0.0)?;
    if let Some(way) = step.way {
        return Some(CuttingMotion {
            spindle,
            across: segment.feed * way.across_ratio,
            down: segment.feed * way.down_ratio,
        });
    }
    let middle = Station::from_nm(step.from.as_nm() + (step.to.as_nm() - step.from.as_nm()) / 2);
    let direction = segment.geometry.tangent(segment.fraction(middle));
    Some(CuttingMotion::along(&direction, segment.feed, spindle))
}
