//! LinuxCNC: the servo tick's record and the task's status in, a factor, a hold and a heartbeat out.
//!
//! Two sources speak about one controller, and neither says everything. HAL's sampler gives one consistent record of
//! each servo tick ([`Tick`]): where the axes are, how fast, which source line moves them, which factor is in force.
//! What only the task knows, the operator's dial, modes, modal codes, tool and offsets, comes from a small program
//! beside LinuxCNC that reads and never writes (`linuxcnc/status.py` of this crate, [`StatusDecoder`]). It comes late
//! and may be missing: a field that only it knows is then unavailable, and nothing else changes.
//!
//! [`Reader`] makes [`crate::controller::ControllerSample`]s of both. Which motion runs is said by the tick's program
//! line alone: the interpreter is thousands of lines ahead. Whether the factor is obeyed is said by the modal codes *of
//! the motion that runs* (LinuxCNC carries them with each motion), not by the last M code read.
//!
//! [`Commander`] turns commands into what is written to HAL. The operator's dial is LinuxCNC's own feed override and is
//! never written; ours is `motion.adaptive-feed`, a second factor that multiplies. The heartbeat changes only in a cycle
//! that passed the gate and only while a command lives; the watchdog in HAL does the rest ([`hal_file`]).
//!
//! Source: `motion(9)`, `sampler(9)` and the source of LinuxCNC 2.9; the modal codes and states as observed on Debian's
//! package.

mod capability;
mod command;
mod context;
mod effect;
mod execution;
mod hal_file;
mod install;
mod reader;
mod status;
mod tick;
mod tick_clock;

#[cfg(test)]
mod tests;

pub use capability::{Basis, CapabilityRecord, FailSafeOwner, Figure};
pub use command::{Commander, DialInCommand, GateVerdict, HalWrite, factor_beside_dial};
pub use context::{ContextExpectation, ContextWatch, writes_offsets};
pub use effect::{EffectMeter, EffectTimes};
pub use hal_file::{HalOptions, Wiring, hal_file, off_file};
pub use install::{InstallError, Installed, install, uninstall};
pub use reader::{Reader, ReaderConfig, TickSample};
pub use status::{
    CODES_MAX, CodesOf, Interpreter, STATUS_LINE_MAX, STATUS_PROGRAM, StatusDecoder, StatusEvent, TaskPower,
    TaskStatus, ToolRow,
};
pub use tick::{FIELD_TYPES, FIELDS, MotionType, Tick};
pub use tick_clock::TickClock;
