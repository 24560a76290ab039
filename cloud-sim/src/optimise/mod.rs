//! From loads to a plan: what bounds the feed at each step, and one factor over station that keeps to all of it.
//!
//! A *bound* is the greatest ratio of the programmed feed at which one limit still holds at one step; the least
//! of them is the step's [`StepBound`], which names the reason that binds. A *schedule* makes of a row of
//! bounds a function the edge can follow: widened by the uncertainty of the station, slowed down early and
//! speeded up late so that the factor's slew is kept, rounded down to the controller's grain and held for a
//! least length. Each of these steps only ever lowers, so none of them can break a bound.
//!
//! What the room does not know: how the stock was cut, how a controller plans its corners (it is told the
//! speed the drives reach), and who will admit the plan.

mod air;
mod blocks;
mod bound;
#[cfg(test)]
mod bound_tests;
mod caps;
mod compare;
mod contact;
mod profile;
#[cfg(test)]
mod runner_tests;
mod schedule;
mod slew;
#[cfg(test)]
pub(crate) mod tests;

pub use air::{air_segments, is_clear};
pub use blocks::{SplitRules, bucket_levels, cuts_by_segment, lowest_by_segment};
pub use bound::{
    BoundContext, LimitsByTool, StepBound, bound_step, bound_steps, bound_steps_by_tool, load_over_limit,
    verify_bounds, verify_by_tool, verify_in_parts,
};
pub use compare::{best_constant, constant_plan, lost_time_by_reason, time_by_reason, time_of, won_by_reason};
pub use schedule::{ScheduleInput, schedule};
