//! A tool in its holder in the spindle, as convex bodies of revolution about +Z.
//!
//! The outline of each is a hull of circles in the half plane (r, z): a flat end mill is the hull of two points, a bull nose
//! has a circle of its corner radius, a ball one of its whole radius. So every cutter is exact, a support point costs one
//! look at a handful of circles, and a body inflated by a margin is the same body with greater circles.

use shared::det::math;
use shared::machine::NoseSection;
use shared::tool::{CutterShape, Tool, UndercutForm};
use shared::units::Length;

/// Part of the machine that moves with the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolPart {
    /// The cutting end with its flutes.
    Cutter,
    /// Between flutes and holder.
    Shank,
    /// The holder.
    Holder,
    /// The nose of the spindle.
    Spindle,
}

impl ToolPart {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cutter => "cutter",
            Self::Shank => "shank",
            Self::Holder => "holder",
            Self::Spindle => "spindle",
        }
    }
}

/// A circle in the half plane through the axis; its radius may be zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    /// Distance of its centre from the axis, mm.
    pub(super) r: f64,
    /// Height of its centre above the tip, mm.
    pub(super) z: f64,
    /// Radius, mm.
    pub(super) round: f64,
}

impl Node {
    const fn point(r: f64, z: f64) -> Self {
        Self { r, z, round: 0.0 }
    }
}

/// A convex body of revolution: the hull of its circles, turned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turned {
    pub(super) part: ToolPart,
    pub(super) nodes: Vec<Node>,
    /// Greatest radius, mm.
    pub(super) radius: f64,
    /// Lowest and highest point above the tip, mm.
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Turned {
    fn new(part: ToolPart, nodes: Vec<Node>) -> Self {
        let over = |value: &dyn Fn(&Node) -> f64, pick: fn(f64, f64) -> f64, from: f64| {
            nodes.iter().map(value).fold(from, pick)
        };
        let radius = over(&|node| node.r + node.round, f64::max, 0.0);
        let low = over(&|node| node.z - node.round, f64::min, f64::INFINITY);
        let high = over(&|node| node.z + node.round, f64::max, f64::NEG_INFINITY);
        Self { part, nodes, radius, low, high }
    }

    fn frustum(part: ToolPart, (low, radius_low): (f64, f64), (high, radius_high): (f64, f64)) -> Self {
        Self::new(part, vec![Node::point(radius_low, low), Node::point(radius_high, high)])
    }

    /// How far it can be made slimmer before nothing is left, mm.
    pub(super) fn slimming_max(&self) -> f64 {
        self.radius.min((self.high - self.low) / 2.0)
    }

    /// The body slimmer by this all round, and shorter by it at either end.
    pub(super) fn slimmer(&self, by: f64) -> Self {
        let slim = |node: &Node| {
            let rest = (by - node.round).max(0.0);
            Node {
                r: (node.r - rest).max(0.0),
                z: node.z.clamp(self.low + by.min(self.slimming_max()), self.high - by.min(self.slimming_max())),
                round: (node.round - by).max(0.0),
            }
        };
        Self::new(self.part, self.nodes.iter().map(slim).collect())
    }
}

/// Everything that moves with the tip.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolBody {
    pub(super) parts: Vec<Turned>,
    /// Greatest radius and height of all, mm.
    pub(super) radius: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Heights at which the outline of a cutter without a form of its own is sampled.
const SAMPLES: usize = 32;

impl ToolBody {
    /// The cutter, its shank, its holder, and above the gauge line the nose of the spindle.
    ///
    /// Where the holder is not known, the nose begins at the length offset of the tool or at its stick-out, whichever is
    /// higher up.
    pub fn new(tool: &Tool, nose: &[NoseSection]) -> Self {
        let radius = tool.radius().as_mm();
        let flutes = tool.flute_length.as_mm().max(tool.tip_height().as_mm()).max(1e-3);
        let stickout = tool.stickout.as_mm();
        let mut parts = vec![Turned::new(ToolPart::Cutter, cutter(tool, radius, flutes))];
        if stickout > flutes {
            let shank = tool.shank_diameter.as_mm() / 2.0;
            parts.push(Turned::frustum(ToolPart::Shank, (flutes, shank), (stickout, shank)));
        }
        let mut low = stickout.max(flutes);
        let mut stack = |part, low: &mut f64, diameter_low: Length, diameter_high: Length, length: Length| {
            let high = *low + length.as_mm();
            let radii = (diameter_low.as_mm() / 2.0, diameter_high.as_mm() / 2.0);
            parts.push(Turned::frustum(part, (*low, radii.0), (high, radii.1)));
            *low = high;
        };
        for section in &tool.holder {
            stack(ToolPart::Holder, &mut low, section.diameter_low, section.diameter_high, section.length);
        }
        if tool.holder.is_empty() {
            low = low.max(tool.length_offset.as_mm());
        }
        for section in nose {
            stack(ToolPart::Spindle, &mut low, section.diameter_low, section.diameter_high, section.length);
        }
        let over =
            |value: fn(&Turned) -> f64, pick: fn(f64, f64) -> f64| parts.iter().map(value).reduce(pick).unwrap_or(0.0);
        let (radius, low) = (over(|part| part.radius, f64::max), over(|part| part.low, f64::min));
        let high = over(|part| part.high, f64::max);
        Self { parts, radius, low, high }
    }
}

impl ToolBody {
    /// Greatest distance of any of its places from the tip, mm.
    pub fn reach_mm(&self) -> f64 {
        let up = self.high.max(-self.low);
        (up * up + self.radius * self.radius).sqrt()
    }
}

/// The outline of the cutting end up to the end of its flutes.
fn cutter(tool: &Tool, radius: f64, flutes: f64) -> Vec<Node> {
    let top = Node::point(radius, flutes);
    match tool.shape {
        CutterShape::Flat | CutterShape::Special(_) => vec![Node::point(radius, 0.0), top],
        CutterShape::Undercut(UndercutForm::TSlot) => vec![Node::point(radius, 0.0), top],
        CutterShape::Undercut(UndercutForm::Lollipop) => vec![Node { r: 0.0, z: radius, round: radius }],
        CutterShape::Undercut(UndercutForm::Dovetail { taper }) => {
            let narrower = flutes * math::tan(taper.as_rad());
            vec![Node::point(radius, 0.0), Node::point((radius - narrower).max(0.0), flutes)]
        }
        CutterShape::Ball => vec![Node { r: 0.0, z: radius, round: radius }, top],
        CutterShape::BullNose { corner_radius } => {
            let corner = corner_radius.as_mm().clamp(0.0, radius);
            vec![Node { r: radius - corner, z: corner, round: corner }, top]
        }
        CutterShape::Cone { .. } | CutterShape::Drill { .. } => {
            vec![Node::point(0.0, 0.0), Node::point(radius, tool.tip_height().as_mm()), top]
        }
        #[allow(unreachable_patterns)] // A form that is added later is enclosed until it gets a row of its own.
        _ => sampled(tool, radius, top),
    }
}

/// Encloses a convex outline: at each height the width that it has at the next one up.
fn sampled(tool: &Tool, radius: f64, top: Node) -> Vec<Node> {
    let tip = tool.tip_height().as_mm();
    let at = |sample: usize| tip * sample as f64 / SAMPLES as f64;
    let width = |height: f64| tool.width(Length::mm(height)).as_mm();
    let mut nodes: Vec<Node> = (0..SAMPLES).map(|sample| Node::point(width(at(sample + 1)), at(sample))).collect();
    nodes.extend([Node::point(radius, tip), top]);
    nodes
}
