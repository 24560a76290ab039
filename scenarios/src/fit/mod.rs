//! Machine parameters from recordings of real runs.
//!
//! A machine file says how quickly axes accelerate, how exactly corners are passed, and how long the spindle
//! and the changer take. Makers do not publish these figures; a recording of the machine's own block numbers,
//! feeds and spindle speeds contains them. This room reads such recordings ([`Recording`]), lays them beside
//! the program that was run ([`Alignment`]), cuts both into the same intervals, and moves the parameters of
//! the machine file until the planner's times agree ([`fit_machine`]).
//!
//! What it deliberately does not know: names. Programs, machines and recordings are told apart by what is in
//! them. A parameter that the recordings do not determine stays where the machine file had it, and is said to.
//!
//! Rules by which a recording is cleaned are in [`Alignment`]; the method is in `least_squares`.

mod alignment;
mod dials;
mod fitting;
mod intervals;
mod least_squares;
mod machine_text;
mod parameters;
mod recording;
mod report;
mod spindle_trace;

pub use alignment::{Alignment, BlockTiming, ForeignRun};
pub use fitting::{Case, FitOutcome, FittedParameter, IntervalRow, fit_machine, interval_rows};
pub use intervals::{Interval, IntervalKind};
pub use machine_text::fitted_text;
pub use parameters::{Parameter, Units};
pub use recording::{Recording, RecordingError};
pub use report::{fit_json, fit_text, run_json, run_text};
