//! Parameters the control computes: where it stands and which modes are in force.
//!
//! RS274/NGC and macro B number them differently, and what is a parameter of the control in one is an ordinary
//! one in the other.

use super::canon::{FeedMode, Plane};
use super::expression::System;
use super::state::State;
use crate::ident::ToolNumber;
use crate::machine::LengthUnit;

impl State {
    /// In the program's unit for linear axes, in degrees for rotary ones.
    fn in_unit(&self, axis: usize, value: f64) -> f64 {
        if axis < 3 { value / self.unit.mm() } else { value }
    }

    /// Work offsets: #5221 and on, twenty numbers apart.
    fn work_parameter(&self, number: u32) -> Option<f64> {
        let (work, slot) = (((number - 5221) / 20) as usize, ((number - 5221) % 20) as usize);
        match slot {
            0..=5 => Some(self.work_offsets.get(work)?[slot]),
            9 => self.rotations_deg.get(work).copied(),
            _ => None,
        }
    }

    fn ngc(&self, number: u32) -> Option<f64> {
        let of = |base: u32| (number - base) as usize;
        Some(match number {
            5161..=5166 => self.references[0][of(5161)],
            5181..=5186 => self.references[1][of(5181)],
            5210 => truth(self.is_shifted),
            5211..=5216 => self.suspended[of(5211)],
            5220 => f64::from(self.work) + 1.0,
            5221..=5400 => return if number == 5400 { Some(self.tool_number()) } else { self.work_parameter(number) },
            5401..=5406 => {
                self.tool.and_then(|tool| self.tool_offsets.get(&tool)).map_or(0.0, |offset| offset[of(5401)])
            }
            5410 => self.tool.and_then(|tool| self.diameters_mm.get(&tool).copied()).unwrap_or(0.0),
            5413 => f64::from(self.tool.and_then(|tool| self.orientations.get(&tool).copied()).unwrap_or(0)),
            5407..=5409 | 5426..=5428 => 0.0,
            5420..=5425 => self.in_unit(of(5420), self.position[of(5420)]),
            _ => return None,
        })
    }

    /// Fanuc custom macro B: positions, modal information, work offsets.
    fn macro_b(&self, number: u32) -> Option<f64> {
        let of = |base: u32| (number - base) as usize;
        Some(match number {
            4001 => f64::from(self.motion.unwrap_or(0)) / 10.0,
            4002 => match self.plane {
                Plane::Xy => 17.0,
                Plane::Zx => 18.0,
                Plane::Yz => 19.0,
            },
            4003 => {
                if self.is_incremental {
                    91.0
                } else {
                    90.0
                }
            }
            4005 => match self.feed_mode {
                FeedMode::PerMinute => 94.0,
                FeedMode::InverseTime => 93.0,
                FeedMode::PerRevolution => 95.0,
            },
            4006 => {
                if self.unit == LengthUnit::Inch {
                    20.0
                } else {
                    21.0
                }
            }
            4010 => {
                if self.returns_to_initial {
                    98.0
                } else {
                    99.0
                }
            }
            4014 => 54.0 + f64::from(self.work.min(5)),
            4109 => self.feed.unwrap_or(0.0) / self.unit.mm(),
            4119 => self.spindle.speed.map_or(0.0, |speed| speed.as_rpm()),
            4120 => self.selected.map_or(0.0, |tool| f64::from(tool.0)),
            5001..=5006 => self.in_unit(of(5001), self.position[of(5001)]),
            5021..=5026 => self.in_unit(of(5021), self.frame.machine(&self.position)[of(5021)]),
            5041..=5046 => self.in_unit(of(5041), self.position[of(5041)]),
            5221..=5326 if of(5221) % 20 < 6 => {
                let axis = of(5221) % 20;
                self.in_unit(axis, self.work_offsets[of(5221) / 20][axis])
            }
            _ => return None,
        })
    }

    fn tool_number(&self) -> f64 {
        self.tool.map_or(0.0, |tool| f64::from(tool.0))
    }
}

impl System for State {
    fn number(&self, number: u32) -> Option<f64> {
        if self.is_macro_b { self.macro_b(number) } else { self.ngc(number) }
    }

    fn is_hidden(&self, number: u32) -> bool {
        !self.is_macro_b && self.compensation.is_on() && (5420..=5428).contains(&number)
    }

    fn named(&self, name: &str) -> Option<f64> {
        self.place_named(name).or_else(|| self.mode_named(name)).or_else(|| self.device_named(name))
    }
}

/// The version of LinuxCNC whose reading is followed.
const VERSION: [f64; 2] = [2.9, 0.0];

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

impl State {
    /// Where the axes stand. U, V and W do not exist and stand at zero.
    fn place_named(&self, name: &str) -> Option<f64> {
        let linear = |axis: usize| self.position[axis] / self.unit.mm();
        Some(match name {
            "_x" => linear(0),
            "_y" => linear(1),
            "_z" => linear(2),
            "_a" => self.position[3],
            "_b" => self.position[4],
            "_c" => self.position[5],
            "_u" | "_v" | "_w" => 0.0,
            _ => return None,
        })
    }

    /// Which modes are in force.
    fn mode_named(&self, name: &str) -> Option<f64> {
        Some(match name {
            "_metric" => truth(self.unit == LengthUnit::Millimetre),
            "_imperial" => truth(self.unit == LengthUnit::Inch),
            "_absolute" => truth(!self.is_incremental),
            "_incremental" => truth(self.is_incremental),
            "_ijk_absolute_mode" => truth(self.is_arc_absolute),
            "_motion_mode" => f64::from(self.motion.unwrap_or(800)),
            "_plane" => {
                let code = match self.plane {
                    Plane::Xy => 170.0,
                    Plane::Zx => 180.0,
                    Plane::Yz => 190.0,
                };
                code + truth(self.is_plane_of_uvw)
            }
            "_inverse_time" => truth(self.feed_mode == FeedMode::InverseTime),
            "_units_per_minute" => truth(self.feed_mode == FeedMode::PerMinute),
            "_units_per_rev" => truth(self.feed_mode == FeedMode::PerRevolution),
            "_spindle_css_mode" => truth(self.surface_speed.is_some()),
            "_spindle_rpm_mode" => truth(self.surface_speed.is_none()),
            "_tool_offset" => truth(self.frame.tool != [0.0; 6]),
            "_retract_r_plane" => truth(!self.returns_to_initial),
            "_retract_old_z" => truth(self.returns_to_initial),
            "_lathe_diameter_mode" => truth(self.is_diameter),
            "_lathe_radius_mode" => truth(!self.is_diameter),
            "_coord_system" if self.work < 6 => 540.0 + 10.0 * f64::from(self.work),
            "_coord_system" => 585.0 + f64::from(self.work),
            _ => return None,
        })
    }

    /// Tools, spindle, coolant, overrides, and the interpreter itself.
    fn device_named(&self, name: &str) -> Option<f64> {
        let number = |tool: Option<ToolNumber>| tool.map_or(-1.0, |tool| f64::from(tool.0));
        Some(match name {
            "_vmajor" => VERSION[0],
            "_vminor" => VERSION[1],
            "_feed" => self.feed.unwrap_or(0.0) / self.unit.mm(),
            "_rpm" => self.spindle_speed().map_or(0.0, |speed| speed.as_rpm()),
            "_current_tool" => self.tool_number(),
            "_selected_tool" => number(self.selected),
            "_spindle_on" => truth(self.spindle.direction != 0),
            "_spindle_cw" => truth(self.spindle.direction > 0),
            "_mist" => truth(self.has_mist),
            "_flood" => truth(self.has_flood),
            "_feed_override" => truth(!self.override_disabled[0] && !self.override_disabled[1]),
            "_speed_override" => truth(!self.override_disabled[0] && !self.speed_override_off),
            "_adaptive_feed" => truth(self.is_adaptive),
            "_feed_hold" => truth(!self.feed_hold_off),
            "_line" => f64::from(self.line),
            "_call_level" => f64::from(self.depth),
            "_task" | "_remap_level" | "_value" | "_value_returned" => 0.0,
            _ => return None,
        })
    }
}
