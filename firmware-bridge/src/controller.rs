//! The vocabulary of a controller, in MTConnect's words.
//!
//! Every field of a sample is a value or unavailable: a controller that does not say is not one that says
//! zero. What a controller can do at all is declared in [`Capabilities`].

use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Power, RotaryVelocity};

/// MTConnect `Execution`: what the controller is doing with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Execution {
    /// Ready to start.
    Ready,
    /// Running.
    Active,
    /// Interrupted by the operator, without losing the place.
    Interrupted,
    /// Motion is held, the program goes on when released.
    FeedHold,
    /// Stopped; the place may be lost.
    Stopped,
    /// Waits at M0 or M60.
    ProgramStopped,
    /// Waits at M1.
    OptionalStop,
    /// Reached its end.
    ProgramCompleted,
}

/// MTConnect `ControllerMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControllerMode {
    /// Runs a program.
    Automatic,
    /// Jog, handwheel.
    Manual,
    /// Single commands.
    ManualDataInput,
    /// One block a press.
    SingleBlock,
}

/// What the controller said about one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ControllerSample {
    /// The instant it is about, on the edge's clock.
    pub valid_at: Instant,
    /// What it is doing.
    pub execution: Option<Execution>,
    /// Mode.
    pub mode: Option<ControllerMode>,
    /// Physical line of the motion being executed, from 1. Not unique: loops and cycles repeat it.
    pub line: Option<u32>,
    /// Tip of the tool in the work frame ([`shared::geom`]).
    pub position: Option<Point>,
    /// Speed along the path.
    pub path_feedrate: Option<Feedrate>,
    /// The operator's dial in per mille; ours is not in it.
    pub dial_permille: Option<u16>,
    /// The factor of ours that is in force, read back from the controller.
    pub factor: Option<Override>,
    /// Whether the controller obeys the factor at this instant.
    pub factor_enabled: Option<bool>,
    /// Spindle speed, negative counter-clockwise.
    pub rotary_velocity: Option<RotaryVelocity>,
    /// Spindle power at the drive.
    pub spindle_power: Option<Power>,
    /// Tool in the spindle.
    pub tool: Option<ToolNumber>,
}

impl ControllerSample {
    /// A sample that says nothing yet.
    pub const fn unavailable(valid_at: Instant) -> Self {
        Self {
            valid_at,
            execution: None,
            mode: None,
            line: None,
            position: None,
            path_feedrate: None,
            dial_permille: None,
            factor: None,
            factor_enabled: None,
            rotary_velocity: None,
            spindle_power: None,
            tool: None,
        }
    }
}

/// A command to the controller; it expires unless renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Multiply programmed feeds by a factor until the time has passed; then the controller ramps to the
    /// value without us by itself.
    Factor {
        /// The factor.
        factor: Override,
        /// How long it holds.
        time_to_live: Duration,
    },
    /// Hold the feed.
    FeedHold,
}

/// What a controller can do, as its dialect declares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capabilities {
    /// It accepts [`Command::Factor`].
    pub factor: bool,
    /// Factors are multiples of this many per mille.
    pub factor_step_permille: u16,
    /// From command to the first change of velocity, upper bound.
    pub effect_time: Duration,
    /// Usual time between two samples.
    pub sample_period: Duration,
    /// It lets go by itself when commands stop.
    pub watchdog: bool,
}

/// Why a machine has to be left to itself although its samples look right: what it has loaded is not what the job rests
/// on, or it does not obey as it was said to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Objection {
    /// Other bytes than the job's program.
    Program = 1,
    /// The tool's row has another diameter.
    ToolDiameter = 2,
    /// The tool's row has other offsets than before.
    ToolLength = 3,
    /// The work offset is not where the job, or the first run, had it.
    WorkOffset = 4,
    /// G92 shifts the work.
    G92Offset = 5,
    /// The work offset is turned.
    Rotation = 6,
    /// A factor takes longer to have its effect than plans allow for.
    EffectTime = 7,
}

impl Objection {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Program,
        Self::ToolDiameter,
        Self::ToolLength,
        Self::WorkOffset,
        Self::G92Offset,
        Self::Rotation,
        Self::EffectTime,
    ];
}
