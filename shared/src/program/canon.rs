use crate::ident::ToolNumber;
use crate::units::{Feedrate, RotaryVelocity, Seconds};

/// Which text a line belongs to: 0 is the main program, the others are subprograms in order of first use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// Which chain of calls led to a line: 0 in the main program; [`super::Facts::call_stack`] tells the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallStackId(pub u32);

/// Where an operation came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provenance {
    /// Text.
    pub source: SourceId,
    /// Physical line, from 1.
    pub line: u32,
    /// Depth of subprogram calls; 0 in the main program.
    pub depth: u16,
    /// The calls that led here.
    pub calls: CallStackId,
}

/// Plane of arcs. First and second axis in the order of RS274: XY, ZX, YZ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plane {
    /// G17.
    #[default]
    Xy,
    /// G18.
    Zx,
    /// G19.
    Yz,
}

impl Plane {
    /// Indices of first axis, second axis and normal.
    pub const fn axes(self) -> [usize; 3] {
        match self {
            Self::Xy => [0, 1, 2],
            Self::Zx => [2, 0, 1],
            Self::Yz => [1, 2, 0],
        }
    }
}

/// Where a motion ends, in three frames of [`crate::geom`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Program coordinates X, Y, Z in mm, as the canonical call has them.
    pub program_mm: [f64; 3],
    /// Machine coordinates X, Y, Z in mm: after rotation, offsets and tool length.
    pub machine_mm: [f64; 3],
    /// Rotary axes A, B, C in rad.
    pub rotary_rad: [f64; 3],
}

/// What the F word means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedMode {
    /// G94: length per time.
    #[default]
    PerMinute,
    /// G93: one over the time of the block.
    InverseTime,
    /// G95: length per spindle revolution.
    PerRevolution,
}

/// Why a stretch must run as programmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForcedReason {
    /// Spindle-synchronised: tapping, threading, rigid tapping, G95, G96.
    Synchronised,
    /// Probing.
    Probing,
    /// Reaming, boring or a chip-breaking drill cycle.
    HoleCycle,
    /// The program disabled overrides (M49, M50 P0, M52 P0).
    DisabledByProgram,
}

/// Direction and speed of the spindle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpindleState {
    /// Programmed S; `None` until the program has said one.
    pub speed: Option<RotaryVelocity>,
    /// +1 for M3, −1 for M4, 0 for M5.
    pub direction: i8,
}

/// How the path may leave the programmed one between blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PathMode {
    /// G61: every point is visited, without a stop where the path is smooth.
    ExactPath,
    /// G61.1: the axes stop at the end of each block.
    ExactStop,
    /// G64: corners may be rounded.
    Continuous {
        /// P: greatest deviation from the path, mm; `None` where the program leaves it open, for best speed.
        tolerance_mm: Option<f64>,
        /// Q (or P where there is no Q): greatest deviation when short lines are joined, mm.
        naive_cam_mm: Option<f64>,
    },
}

impl Default for PathMode {
    /// G64 without words, as at power-on.
    fn default() -> Self {
        Self::Continuous { tolerance_mm: None, naive_cam_mm: None }
    }
}

/// G96: the spindle turns so that the cutting speed at X is constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceSpeed {
    /// Cutting speed in mm/s.
    pub speed_mm_s: f64,
    /// D: the spindle turns no faster.
    pub greatest: Option<RotaryVelocity>,
}

/// What was in force when an operation was made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Modal {
    /// Feed of the next feed move along its path; `None` until the program has said one. Already resolved
    /// from inverse time and per-revolution feeds for the move it stands beside.
    pub feed: Option<Feedrate>,
    /// How the F word was read.
    pub feed_mode: FeedMode,
    /// Tool in the spindle; `None` until the first tool change.
    pub tool: Option<ToolNumber>,
    /// Tool length in force along X, Y, Z, mm: machine coordinates minus this is the tip.
    pub tool_offset_mm: [f64; 3],
    /// Active work offset: 0 for G54, 1 for G55, … 8 for G59.3, 9 for G54.1 P1 and G154 P1, and so on; 255 for
    /// none (G500).
    pub work_offset: u8,
    /// Spindle.
    pub spindle: SpindleState,
    /// Set while overrides must stay at 1.0.
    pub forced: Option<ForcedReason>,
    /// G61, G61.1 or G64 with its tolerances.
    pub path: PathMode,
    /// Set under G96; [`SpindleState::speed`] is then that at the end of the operation.
    pub surface_speed: Option<SurfaceSpeed>,
}

/// Why the program waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// M0.
    Unconditional,
    /// M1 with the optional stop switched on.
    Optional,
    /// M60, pallet change.
    Pallet,
}

/// One canonical operation, named after the RS274/NGC canonical machining functions.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Rapid to a place.
    StraightTraverse {
        /// Where it ends.
        end: Pose,
    },
    /// Straight line at feed.
    StraightFeed {
        /// Where it ends.
        end: Pose,
    },
    /// Arc or helix at feed.
    ArcFeed {
        /// Where it ends.
        end: Pose,
        /// Plane of the circle.
        plane: Plane,
        /// Centre on the plane's first and second axis, program coordinates, mm.
        centre_mm: [f64; 2],
        /// Centre, machine coordinates, mm; the component along the normal is not used.
        centre_machine_mm: [f64; 3],
        /// Signed turns: +1 is one counter-clockwise arc of up to a full circle, as ARC_FEED counts.
        turns: i32,
    },
    /// Wait.
    Dwell {
        /// How long.
        time: Seconds,
    },
    /// T word: the tool that M6 will bring. A preselect, no motion.
    SelectTool {
        /// The tool.
        tool: ToolNumber,
    },
    /// M6.
    ChangeTool {
        /// The tool now in the spindle.
        tool: ToolNumber,
    },
    /// S word.
    SetSpindleSpeed {
        /// Speed without sign.
        speed: RotaryVelocity,
    },
    /// M3, M4 or M5.
    SetSpindleDirection {
        /// +1, −1 or 0.
        direction: i8,
    },
    /// M7, M8 or M9.
    Coolant {
        /// True if any coolant is on afterwards.
        on: bool,
    },
    /// M0, M1 with its switch on, M60.
    Stop {
        /// Which.
        kind: StopKind,
    },
    /// M2, M30 or the last line.
    End,
}

/// An operation with its origin and the state it was made in.
#[derive(Clone, Debug, PartialEq)]
pub struct CanonOp {
    /// What is done.
    pub call: Call,
    /// Where it came from.
    pub at: Provenance,
    /// What was in force, after the block's own words.
    pub modal: Modal,
}
