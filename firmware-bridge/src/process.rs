//! The seam between a virtual machine and what it cuts.

use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::units::{Feedrate, Force, Power, RotaryVelocity, Seconds};

/// A short stretch the tip really moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToolMotion {
    /// Tip at the beginning, work frame.
    pub from: Point,
    /// Tip at the end, work frame; the stretch between is straight.
    pub to: Point,
    /// How long it took.
    pub time: Seconds,
    /// Speed along the path at the end of the stretch.
    pub velocity: Feedrate,
    /// Spindle speed, negative counter-clockwise.
    pub spindle: RotaryVelocity,
    /// Tool in the spindle.
    pub tool: Option<ToolNumber>,
    /// True for a rapid.
    pub rapid: bool,
}

/// What the machine feels from the cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CutLoad {
    /// Mean cutting power at the cutter over a revolution.
    pub power: Power,
    /// Greatest resultant force in the plane over a revolution.
    pub force_peak_xy: Force,
}

/// The process behind a virtual machine.
pub trait CuttingProcess {
    /// Cuts one stretch and says what it took. Called in the order of the motion.
    fn cut(&mut self, motion: &ToolMotion) -> CutLoad;
}

/// A machine that cuts air.
#[derive(Clone, Copy, Debug)]
pub struct Air;

impl CuttingProcess for Air {
    fn cut(&mut self, _: &ToolMotion) -> CutLoad {
        CutLoad::default()
    }
}
