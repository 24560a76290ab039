//! What a control remembers from block to block.

use super::canon::{FeedMode, ForcedReason, Modal, PathMode, Plane, Pose, SpindleState, SurfaceSpeed};
use super::compensation::Compensation;
use super::corner::Waiting;
use super::fanuc::{Extras, extended_origins};
use super::frame::{Axes, Frame};
use super::local::Local;
use super::nurbs::Spline;
use super::options::{Dialect, Options};
use crate::ident::ToolNumber;
use crate::machine::{LengthUnit, ToolLengthRule};
use crate::units::{Feedrate, RotaryVelocity};
use std::collections::BTreeMap;

/// Words that stay in force from one cycle block to the next, until the cycle ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sticky {
    /// Bottom along the normal, as written, mm.
    pub(super) bottom: Option<f64>,
    /// Retract plane, as written, mm.
    pub(super) retract: Option<f64>,
    /// Peck, mm.
    pub(super) peck: Option<f64>,
    /// Dwell, s.
    pub(super) dwell_s: Option<f64>,
    /// I, J and K of G87, as written, mm.
    pub(super) bore: [Option<f64>; 3],
    /// Place along the normal when the first cycle of the series began, mm.
    pub(super) initial: Option<f64>,
}

/// An answer of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// G38: where the probe tripped.
    Probe,
    /// M66: an input.
    Input,
}

/// What M70 saves and M72 brings back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saved {
    unit: LengthUnit,
    plane: Plane,
    is_plane_of_uvw: bool,
    is_incremental: bool,
    is_arc_absolute: bool,
    feed_mode: FeedMode,
    feed: Option<f64>,
    work: u8,
    path: PathMode,
    returns_to_initial: bool,
    is_diameter: bool,
    pub(super) spindle: SpindleState,
    pub(super) has_mist: bool,
    pub(super) has_flood: bool,
}

/// The modal state of the control.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Parameters of the control are numbered as on Fanuc.
    pub(super) is_macro_b: bool,
    /// Place in program coordinates.
    pub(super) position: Axes,
    pub(super) frame: Frame,
    /// The programmable frame: from the words of a block to program coordinates.
    pub(super) local: Local,
    /// A line that waits for its corner.
    pub(super) corner: Option<Waiting>,
    pub(super) unit: LengthUnit,
    /// Motion code times ten; `None` after G80 and at the start.
    pub(super) motion: Option<u16>,
    /// The last of G0 to G3, which Fanuc returns to when a cycle ends.
    pub(super) line_motion: Option<u16>,
    pub(super) plane: Plane,
    /// G17.1 to G19.1: the plane of U, V, W that is named like `plane`; only straight moves go on in it.
    pub(super) is_plane_of_uvw: bool,
    pub(super) is_incremental: bool,
    pub(super) is_arc_absolute: bool,
    pub(super) feed_mode: FeedMode,
    /// F as said: mm/min, mm per revolution, or 1/min.
    pub(super) feed: Option<f64>,
    pub(super) spindle: SpindleState,
    pub(super) has_mist: bool,
    pub(super) has_flood: bool,
    pub(super) selected: Option<ToolNumber>,
    pub(super) tool: Option<ToolNumber>,
    /// P of the last cycle that had one, s: a tapping cycle without P takes it over on RS274/NGC, whatever came between.
    pub(super) tap_dwell_s: f64,
    /// Index of the active work offset.
    pub(super) work: u8,
    pub(super) work_offsets: [Axes; 9],
    pub(super) rotations_deg: [f64; 9],
    /// Origins of further work offsets, by index from 9: G54.1 P1, G154 P1, G510.
    pub(super) extended: BTreeMap<u8, Axes>,
    /// What only Fanuc and Haas have.
    pub(super) extras: Extras,
    /// G92 and G52, also while G92.2 suspends them.
    pub(super) suspended: Axes,
    /// G28 and G30, machine coordinates.
    pub(super) references: [Axes; 2],
    pub(super) path: PathMode,
    /// G98: cycles return to the height they began at.
    pub(super) returns_to_initial: bool,
    pub(super) sticky: Sticky,
    /// M49, M50 P0, M52 P0.
    pub(super) override_disabled: [bool; 3],
    /// M51 P0, M52 P1, M53 P0: known to the program by their named parameters alone.
    pub(super) speed_override_off: bool,
    pub(super) is_adaptive: bool,
    pub(super) feed_hold_off: bool,
    /// G92 or G52 is in force, be it with zeros.
    pub(super) is_shifted: bool,
    /// The line in work and the depth of calls.
    pub(super) line: u32,
    pub(super) depth: u16,
    /// A reason of the cycle or probe in work.
    pub(super) forced: Option<ForcedReason>,
    /// Offset of the tool in the spindle, applied at its change.
    pub(super) offset_at_change: Axes,
    /// G7: X words are diameters.
    pub(super) is_diameter: bool,
    /// Control points since the first G5.2.
    pub(super) spline: Spline,
    /// G96.
    pub(super) surface_speed: Option<SurfaceSpeed>,
    /// What the block asked of the machine, whose answer is not known ahead.
    pub(super) awaits: Option<Awaits>,
    /// P and Q of the last G5, mm.
    pub(super) spline_end: [f64; 2],
    /// What M70 or M73 saved in the running call.
    pub(super) saved: Option<Saved>,
    /// M73: bring it back at the end of the call.
    pub(super) restores: bool,
    /// Offsets by tool, mm and degrees, changed by G10 L1, L10 and L11 of the program.
    pub(super) tool_offsets: BTreeMap<ToolNumber, Axes>,
    /// Diameters by tool, changed by G10 L1 with R.
    pub(super) diameters_mm: BTreeMap<ToolNumber, f64>,
    /// Orientations of lathe tools, changed by G10 L1 with Q.
    pub(super) orientations: BTreeMap<ToolNumber, u8>,
    /// G40 to G42.1, and the moves it holds back.
    pub(super) compensation: Compensation,
}

impl State {
    /// At power-on: G17 G90 G91.1 G94 G54 G49 G40 G99, axes at the reference.
    pub(super) fn new(options: &Options, dialect: Dialect) -> Self {
        let six = |xyz: [f64; 3]| [xyz[0], xyz[1], xyz[2], 0.0, 0.0, 0.0];
        let reference = six(options.reference_mm);
        let work_offsets = options.work_offsets_mm.map(six);
        let rotation = |index: u32| options.parameters.get(&(5230 + 20 * index)).copied().unwrap_or(0.0);
        let rotations_deg = std::array::from_fn(|index| rotation(index as u32));
        let mut frame = Frame::new(work_offsets[0]);
        frame.rotate(rotations_deg[0]);
        Self {
            is_macro_b: dialect.is_fanuc_like(),
            position: frame.program(&reference),
            frame,
            local: Local::IDENTITY,
            corner: None,
            extended: extended_origins(options, dialect),
            extras: Extras::new(),
            unit: options.length_unit,
            motion: None,
            line_motion: None,
            plane: Plane::Xy,
            is_plane_of_uvw: false,
            is_incremental: false,
            is_arc_absolute: false,
            feed_mode: FeedMode::PerMinute,
            feed: None,
            spindle: SpindleState::default(),
            has_mist: false,
            has_flood: false,
            selected: None,
            tool: None,
            tap_dwell_s: 0.0,
            work: 0,
            work_offsets,
            rotations_deg,
            suspended: [0.0; 6],
            references: [reference; 2],
            path: PathMode::default(),
            returns_to_initial: false,
            sticky: Sticky::default(),
            override_disabled: [false; 3],
            speed_override_off: false,
            is_adaptive: false,
            feed_hold_off: false,
            is_shifted: false,
            line: 0,
            depth: 0,
            forced: None,
            offset_at_change: [0.0; 6],
            is_diameter: false,
            spline: Spline::default(),
            surface_speed: None,
            awaits: None,
            spline_end: [0.0; 2],
            saved: None,
            restores: false,
            tool_offsets: options
                .tool_lengths_mm
                .iter()
                .map(|(tool, length_mm)| (*tool, along_z(*length_mm)))
                .collect(),
            diameters_mm: options.tool_diameters_mm.clone(),
            orientations: options.tool_orientations.clone(),
            compensation: Compensation::default(),
        }
    }

    /// What M70 saves.
    pub(super) fn save(&self) -> Saved {
        Saved {
            unit: self.unit,
            plane: self.plane,
            is_plane_of_uvw: self.is_plane_of_uvw,
            is_incremental: self.is_incremental,
            is_arc_absolute: self.is_arc_absolute,
            feed_mode: self.feed_mode,
            feed: self.feed,
            work: self.work,
            path: self.path,
            returns_to_initial: self.returns_to_initial,
            is_diameter: self.is_diameter,
            spindle: self.spindle,
            has_mist: self.has_mist,
            has_flood: self.has_flood,
        }
    }

    /// Brings back what was saved, all but spindle and coolant, whose changes are operations.
    pub(super) fn restore(&mut self, saved: &Saved) {
        self.unit = saved.unit;
        self.plane = saved.plane;
        self.is_plane_of_uvw = saved.is_plane_of_uvw;
        self.is_incremental = saved.is_incremental;
        self.is_arc_absolute = saved.is_arc_absolute;
        self.feed_mode = saved.feed_mode;
        self.feed = saved.feed;
        self.path = saved.path;
        self.returns_to_initial = saved.returns_to_initial;
        self.is_diameter = saved.is_diameter;
        self.activate_work(saved.work);
    }

    /// The state as an operation carries it; `feed` is resolved for the move it stands beside.
    pub(super) fn modal(&self, feed: Option<Feedrate>) -> Modal {
        Modal {
            feed,
            feed_mode: self.feed_mode,
            tool: self.tool,
            tool_offset_mm: [self.frame.tool[0], self.frame.tool[1], self.frame.tool[2]],
            work_offset: self.work,
            spindle: SpindleState { speed: self.spindle_speed(), ..self.spindle },
            forced: self.forced_reason(),
            path: self.path,
            surface_speed: self.surface_speed,
        }
    }

    fn forced_reason(&self) -> Option<ForcedReason> {
        if self.forced.is_some() {
            return self.forced;
        }
        if self.feed_mode == FeedMode::PerRevolution || self.surface_speed.is_some() {
            return Some(ForcedReason::Synchronised);
        }
        self.override_disabled.contains(&true).then_some(ForcedReason::DisabledByProgram)
    }

    /// Feed along the path of a move that is not resolved by its own length; `None` where the program has
    /// not said one, or where it depends on the move (G93).
    pub(super) fn feed_by_time(&self) -> Option<Feedrate> {
        let feed = self.feed?;
        match self.feed_mode {
            FeedMode::PerMinute => Some(Feedrate::mm_s(feed / 60.0)),
            FeedMode::PerRevolution => self.spindle_speed().map(|speed| Feedrate::mm_s(feed * speed.as_rev_s())),
            FeedMode::InverseTime => None,
        }
    }

    /// S as said; under G96 the speed that belongs to the cutting speed where the axes stand, no faster than
    /// its limit. On the axis itself it is the limit, or not known.
    pub(super) fn spindle_speed(&self) -> Option<RotaryVelocity> {
        let Some(surface) = self.surface_speed else { return self.spindle.speed };
        let turn_mm = std::f64::consts::TAU * self.position[0].abs();
        let speed = RotaryVelocity::rev_s(surface.speed_mm_s / turn_mm);
        match surface.greatest {
            Some(greatest) if greatest.as_rev_s() > 0.0 && speed.as_rev_s().min(f64::MAX) >= greatest.as_rev_s() => {
                Some(greatest)
            }
            _ => Some(speed).filter(|speed| speed.as_rev_s().is_finite()),
        }
    }

    /// What must not change while cutter compensation holds moves back.
    pub(super) fn basis(&self) -> (Frame, Local, Plane, Option<ToolNumber>) {
        (self.frame, self.local, self.plane, self.tool)
    }

    /// A place of the program in both frames.
    pub(super) fn pose(&self, at: &Axes) -> Pose {
        let machine = self.frame.machine(at);
        Pose {
            program_mm: [at[0], at[1], at[2]],
            machine_mm: [machine[0], machine[1], machine[2]],
            rotary_rad: [at[3].to_radians(), at[4].to_radians(), at[5].to_radians()],
        }
    }

    /// Writes a parameter of the control. Origins hold from the next time they are made active, references at
    /// once. False for those the control computes.
    pub(super) fn write(&mut self, number: u32, value: f64) -> bool {
        let of = |base: u32| (number - base) as usize;
        match number {
            5161..=5166 => self.references[0][of(5161)] = value,
            5181..=5186 => self.references[1][of(5181)] = value,
            5211..=5216 => self.suspended[of(5211)] = value,
            5221..=5390 => {
                let (work, slot) = (of(5221) / 20, of(5221) % 20);
                match slot {
                    0..=5 if work < 9 => self.work_offsets[work][slot] = value,
                    9 if work < 9 => self.rotations_deg[work] = value,
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    /// Changes the frame; the axes do not move, so the program coordinates of their place do.
    pub(super) fn reframe(&mut self, change: impl FnOnce(&mut Frame)) {
        let machine = self.frame.machine(&self.position);
        change(&mut self.frame);
        self.position = self.frame.program(&machine);
    }

    /// Makes a work offset active, or takes over new values of the active one.
    pub(super) fn activate_work(&mut self, work: u8) {
        self.work = work;
        let (origin, rotation_deg) = self.work_origin(work);
        self.reframe(|frame| {
            frame.origin = origin;
            frame.rotate(rotation_deg);
        });
    }

    /// Origin and rotation of a work offset.
    pub(super) fn work_origin(&self, work: u8) -> (Axes, f64) {
        match self.work_offsets.get(usize::from(work)) {
            Some(origin) => (*origin, self.rotations_deg[usize::from(work)]),
            None => (self.extended.get(&work).copied().unwrap_or_default(), 0.0),
        }
    }

    /// Takes the offset of a tool into the frame.
    pub(super) fn apply_offset(&mut self, offset: Axes) {
        self.reframe(|frame| frame.tool = offset);
    }

    /// Length in force when G49 cancels what the program applied.
    pub(super) fn base_offset(&self, rule: ToolLengthRule) -> Axes {
        match rule {
            ToolLengthRule::ByProgram => [0.0; 6],
            ToolLengthRule::AtToolChange => self.offset_at_change,
        }
    }
}

/// The offset of a tool that is only long.
pub(super) fn along_z(length_mm: f64) -> Axes {
    [0.0, 0.0, length_mm, 0.0, 0.0, 0.0]
}
/// No work offset: G500.
pub(super) const NO_OFFSET: u8 = u8::MAX;

/// Index of the work offset of G54 to G59.3, the code times ten.
pub(super) fn work_index(code: u16) -> u8 {
    (if code <= 590 { (code - 540) / 10 } else { code - 590 + 5 }) as u8
}
