//! From LinuxCNC's states to the one word for what it does with the program.

use super::status::{Interpreter, TaskPower, TaskStatus};
use super::tick::Tick;
use crate::controller::{ControllerMode, Execution};

/// Task states in which everything that was read is done, or only motion is waited for.
const EXEC_DONE: i32 = 2;
const EXEC_WAITS_FOR_MOTION: i32 = 3;

/// Follows the program from report to report.
///
/// LinuxCNC's task says that nothing runs after an end and after an abort alike. They are told apart by what was before:
/// a program has come to its end where the interpreter has read M2 or M30, nothing but motion was waited for, and the
/// axes are in position as it goes idle. An abort leaves them short of it for at least the braking time. What cannot be
/// told is called stopped: the place is then not believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramRun {
    /// What it ended as, while nothing runs.
    rest: Execution,
    running: bool,
    last_execution: Option<i32>,
}

impl ProgramRun {
    pub(super) const fn new() -> Self {
        Self { rest: Execution::Ready, running: false, last_execution: None }
    }

    /// A program runs: from its first report to its last.
    pub(super) const fn is_running(&self) -> bool {
        self.running
    }

    /// Takes a report, with the newest tick beside it.
    pub(super) fn handle_status(&mut self, status: &TaskStatus, tick: Option<&Tick>) {
        let on = status.power == Some(TaskPower::On);
        let runs = on
            && status.mode == Some(ControllerMode::Automatic)
            && status.interpreter.is_some_and(|interpreter| interpreter != Interpreter::Idle);
        if runs {
            self.running = true;
        } else if self.running {
            self.running = false;
            self.rest = if self.has_ended(status, tick) { Execution::ProgramCompleted } else { Execution::Stopped };
        } else if on && self.rest == Execution::Stopped && status.interpreter == Some(Interpreter::Idle) {
            // Stopped is an event; after it the controller is ready again, as soon as nothing moves.
            if tick.is_some_and(|tick| tick.in_position) {
                self.rest = Execution::Ready;
            }
        }
        if !on && status.power.is_some() {
            self.rest = Execution::Stopped;
        }
        self.last_execution = status.execution;
    }

    fn has_ended(&self, status: &TaskStatus, tick: Option<&Tick>) -> bool {
        let read_end = status.m_codes.is_some_and(|codes| matches!(codes[1], 2 | 30));
        let only_motion = matches!(self.last_execution, Some(EXEC_DONE | EXEC_WAITS_FOR_MOTION));
        let on = status.power == Some(TaskPower::On);
        on && read_end && only_motion && tick.is_some_and(|tick| tick.in_position)
    }

    /// The word at this tick; `None` where no report says.
    pub(super) fn execution(&self, status: Option<&TaskStatus>, tick: &Tick) -> Option<Execution> {
        let status = status?;
        if !tick.motion_enabled || status.power != Some(TaskPower::On) {
            return status.power.map(|_| Execution::Stopped);
        }
        if !self.running {
            return Some(self.rest);
        }
        if tick.feed_hold {
            return Some(Execution::FeedHold);
        }
        if status.paused == Some(true) || status.interpreter == Some(Interpreter::Paused) {
            return Some(match status.m_codes.map(|codes| codes[1]) {
                Some(0 | 60) => Execution::ProgramStopped,
                Some(1) => Execution::OptionalStop,
                _ => Execution::Interrupted,
            });
        }
        Some(Execution::Active)
    }
}
