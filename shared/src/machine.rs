//! What the controller and the machine can do: axis limits, spindle, options that change the meaning of a
//! program, and the range of its overrides.
//!
//! Two mills read the same block differently: one applies the tool length at M6, one waits for G43; one
//! moves its rapids along a line, one lets each axis arrive when it can. Such options are data of the
//! machine, never constants of the code. Files that describe machines are read in [`crate::files`].

mod dynamics;

pub use dynamics::{FrequencyResponse, Mode, ResponsePoint, TipDynamics, TipResponse, tip_of};

use crate::geom::Point;
use crate::units::{Acceleration, Feedrate, Jerk, Length, Power, RotaryVelocity, Seconds, Torque};

/// One linear axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Travel in machine coordinates, lower and upper end; `None` where the description does not say.
    pub travel: Option<(Length, Length)>,
    /// Greatest speed in a feed move.
    pub feed_max: Feedrate,
    /// Speed of a rapid.
    pub rapid: Feedrate,
    /// Greatest acceleration in a feed move.
    pub acceleration: Acceleration,
    /// Greatest acceleration in a rapid.
    pub rapid_acceleration: Acceleration,
    /// Greatest jerk; `None` for drives that step their acceleration.
    pub jerk: Option<Jerk>,
}

/// One rotary axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RotaryAxis {
    /// Greatest speed in a feed move, rad/s.
    pub feed_max_rad_s: f64,
    /// Speed of a rapid, rad/s.
    pub rapid_rad_s: f64,
    /// Greatest acceleration, rad/s².
    pub acceleration_rad_s2: f64,
    /// Greatest jerk, rad/s³; `None` for drives that step their acceleration.
    pub jerk_rad_s3: Option<f64>,
}

/// When the program goes on after a spindle command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpindleStart {
    /// When the spindle has its speed.
    AtCommand,
    /// At once; the next move or dwell waits for what is left. Coolant and other M codes in between cost no time
    /// of their own as long as the spindle takes longer (Hurco).
    BeforeMotion,
}

/// How a rapid that moves several axes gets to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RapidMode {
    /// Along the straight line.
    Linear,
    /// Each axis at its own speed; they arrive separately, so the path is a dog-leg.
    Dogleg,
}

/// When the length of a tool takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolLengthRule {
    /// By G43 H in the program (LinuxCNC, Fanuc, Haas, Siemens D words).
    ByProgram,
    /// With the tool change itself (Hurco and other conversational controls).
    AtToolChange,
}

/// Unit of a program that does not say G20 or G21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Millimetres.
    Millimetre,
    /// Inches.
    Inch,
}

impl LengthUnit {
    /// Millimetres in one unit.
    pub const fn mm(self) -> f64 {
        match self {
            Self::Millimetre => 1.0,
            Self::Inch => 25.4,
        }
    }
}

/// What the spindle can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spindle {
    /// Greatest speed.
    pub speed_max: RotaryVelocity,
    /// Change of speed in one second, for spin-up, reversal and stop.
    pub speed_slew_rev_s2: f64,
    /// Continuous power at the cutter's end of the drive.
    pub power_max: Power,
    /// Continuous torque at low speed.
    pub torque_max: Torque,
    /// Share of the drive's power that arrives at the cutter, in (0, 1].
    pub efficiency: f64,
    /// Power the spindle takes when it turns in air, at greatest speed; falls in proportion to speed.
    pub idle_power: Power,
}

/// A pair of ratings of a spindle's drive (IEC 60034-1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpindleRating {
    /// Power.
    pub power_max: Power,
    /// Torque at low speed.
    pub torque_max: Torque,
}

/// Which rating a job may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpindleDuty {
    /// Continuous: the load may last.
    S1,
    /// Periodic with 40 % load: for cuts with air between them. Where a machine does not say it, S1 holds.
    S6,
}

/// Who keeps the feed along the contour of an inside arc, where the cutter's axis runs on a smaller circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsideArcs {
    /// Post or control, or nobody wants it: the feed of the axis stays as programmed.
    AsProgrammed,
    /// Neither does: the plan slows down by (R − r)/R.
    Reduce,
}

/// Range and grain of the override the controller accepts from us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverrideRange {
    /// Smallest factor in per mille that still moves.
    pub min_permille: u16,
    /// Grain in per mille; factors are multiples of it.
    pub step_permille: u16,
    /// Greatest change of the factor in one second.
    pub slew_per_s: f64,
    /// From writing a factor to the first change of the velocity, upper bound.
    pub effect_time: Seconds,
}

/// How a control rounds corners by arcs of its own (LinuxCNC).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CornerBlend {
    /// Share of the shorter of two moves by which the way may leave their corner at most, in (0, 0.5]; the only
    /// bound where the program gives no tolerance.
    pub share: f64,
    /// Greatest feed override the arcs are made for: they are wide enough for this many times the programmed speed.
    pub speed_ratio: f64,
    /// Share of the acceleration that the control uses along arcs on which the axes could not run at their own
    /// speed, in (0, 1]; it rises to all of it on wide ones.
    pub arc_share: f64,
    /// Period of the interpolator. A ride from rest to rest takes whole ones; zero where that is not to be counted.
    pub cycle: Seconds,
}

/// What is in the spindle when a program starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolAtStart {
    /// Not known: the first tool is changed in.
    Unknown,
    /// The tool the program ends with: parts are made one after the other.
    AsAtEnd,
}

/// How a control goes from a rapid to a feed move and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RapidEnd {
    /// Like any other corner.
    Blended,
    /// It comes to rest between them, whatever the angle.
    AtRest,
}

/// How long the spindle takes beyond its reported ramp, on a control that lets the axes move meanwhile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpindleWait {
    /// From M3 or M4 until the control takes greatest speed as reached.
    pub ready: Seconds,
    /// From M5 until the control takes the spindle as standing, from greatest speed.
    pub stopped: Seconds,
}

impl SpindleWait {
    /// Time between two speeds. Beyond its base speed a spindle speeds up at constant power, so that time goes
    /// with the kinetic energy, the square of the speed; a change of direction goes through standstill.
    pub fn between(self, from: RotaryVelocity, to: RotaryVelocity, speed_max: RotaryVelocity) -> Seconds {
        let share = |speed: RotaryVelocity| {
            let share = speed.abs() / speed_max;
            share * share
        };
        let reverses = from.as_rev_s() * to.as_rev_s() < 0.0;
        if reverses {
            return self.stopped * share(from) + self.ready * share(to);
        }
        let change = share(to) - share(from);
        if change >= 0.0 { self.ready * change } else { self.stopped * -change }
    }
}

/// What the control adds to axes, spindle and changer: its own delays, and how it rounds accelerations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Control {
    /// From the start of the program until its first block is executed.
    pub start: Seconds,
    /// From the last block until the program is reported as completed.
    pub end: Seconds,
    /// Time over which an acceleration is built up: the jerk along the path is the acceleration over this. A
    /// control that filters its set points has one such time for all moves. Zero where it does not.
    pub smoothing: Seconds,
    /// What happens between a rapid and a feed move.
    pub rapid_end: RapidEnd,
    /// Which tool the first tool change finds.
    pub tool_at_start: ToolAtStart,
    /// Set where the spindle runs up and down while the axes move: the block of the spindle word moves at
    /// once and the next one waits, and M5 is waited for by the next stop, tool change or end. Otherwise the
    /// axes stand while the spindle changes speed, for the time of its ramp.
    pub spindle_wait: Option<SpindleWait>,
}

impl Control {
    /// A control that adds nothing.
    pub const NONE: Self = Self {
        start: Seconds::ZERO,
        end: Seconds::ZERO,
        smoothing: Seconds::ZERO,
        rapid_end: RapidEnd::Blended,
        tool_at_start: ToolAtStart::Unknown,
        spindle_wait: None,
    };
}

/// A machine tool and its controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Name for reports.
    pub name: String,
    /// X, Y and Z.
    pub axes: [Axis; 3],
    /// A, B and C; `None` where there is none or its limits are not known.
    pub rotary: [Option<RotaryAxis>; 3],
    /// Path of rapids.
    pub rapid_mode: RapidMode,
    /// Greatest deviation from the programmed corner that the control allows itself, for rounding corners
    /// at speed. Zero stops at each corner that is not tangential.
    pub corner_deviation: Length,
    /// Set where the control rounds corners by arcs of its own; `None` where it keeps to the programmed path and
    /// passes corners at the speed that its corner deviation allows.
    pub corner_blend: Option<CornerBlend>,
    /// Greatest speed along the path, whatever the axes could do together; `None` where only they limit it.
    pub path_speed_max: Option<Feedrate>,
    /// Spindle.
    pub spindle: Spindle,
    /// Its rating for periodic load; `None` where only the continuous one is known.
    pub spindle_s6: Option<SpindleRating>,
    /// Who keeps the feed along inside arcs.
    pub inside_arcs: InsideArcs,
    /// Whether M codes overlap with its spin-up.
    pub spindle_start: SpindleStart,
    /// From M6 until the next block moves.
    pub tool_change: Seconds,
    /// Time of an M code that waits for the machine's logic (M3 to M9 and M0/M1 without the operator).
    pub m_code: Seconds,
    /// When tool length applies.
    pub tool_length_rule: ToolLengthRule,
    /// Unit at power-on.
    pub length_unit: LengthUnit,
    /// Where G28 and G30 take the axes, machine coordinates.
    pub reference: Point,
    /// Override channel.
    pub override_range: OverrideRange,
    /// Delays and smoothing of the control.
    pub control: Control,
}

impl Machine {
    /// A millimetre machine with three equal axes and a 12 000 rpm spindle, whose control adds nothing of its own: for
    /// calculations and tests that need a machine and mean no particular one.
    pub fn of_equal_axes(axis: Axis) -> Self {
        Self {
            name: "equal axes".to_owned(),
            axes: [axis; 3],
            rotary: [None; 3],
            rapid_mode: RapidMode::Linear,
            corner_deviation: Length::mm(0.01),
            corner_blend: None,
            path_speed_max: None,
            spindle: Spindle {
                speed_max: RotaryVelocity::rev_s(200.0),
                speed_slew_rev_s2: 100.0,
                power_max: Power::w(10e3),
                torque_max: Torque::n_m(60.0),
                efficiency: 0.8,
                idle_power: Power::w(300.0),
            },
            spindle_s6: None,
            inside_arcs: InsideArcs::AsProgrammed,
            spindle_start: SpindleStart::AtCommand,
            tool_change: Seconds::s(5.0),
            m_code: Seconds::s(0.1),
            tool_length_rule: ToolLengthRule::ByProgram,
            length_unit: LengthUnit::Millimetre,
            reference: Point::origin(),
            override_range: OverrideRange {
                min_permille: 100,
                step_permille: 10,
                slew_per_s: 2.0,
                effect_time: Seconds::s(0.05),
            },
            control: Control::NONE,
        }
    }

    /// The rating that a duty allows: that of S1 where the machine says no other.
    pub fn rating(&self, duty: SpindleDuty) -> SpindleRating {
        let Spindle { power_max, torque_max, .. } = self.spindle;
        let continuous = SpindleRating { power_max, torque_max };
        match duty {
            SpindleDuty::S1 => continuous,
            SpindleDuty::S6 => self.spindle_s6.unwrap_or(continuous),
        }
    }

    /// Power the spindle takes when it turns in air at a speed.
    pub fn idle_power(&self, speed: RotaryVelocity) -> Power {
        self.spindle.idle_power * (speed.abs() / self.spindle.speed_max).min(1.0)
    }

    /// Torque available at a speed: constant until the power limit, then falling with speed.
    pub fn torque_at(&self, speed: RotaryVelocity) -> Torque {
        let turning = speed.abs().as_rev_s();
        if turning == 0.0 {
            return self.spindle.torque_max;
        }
        let by_power = Torque::n_m(self.spindle.power_max.as_w() / (std::f64::consts::TAU * turning));
        self.spindle.torque_max.min(by_power)
    }
}
