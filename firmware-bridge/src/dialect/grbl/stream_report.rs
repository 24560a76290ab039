//! What became of every line of a streamed program.
//!
//! After a reset the sender's honest answer is a partition: refused, accepted, unclear, on the way, never sent.
//! "Accepted" is not "cut": the planner holds up to fifteen (grblHAL a hundred) motions that were answered and are
//! thrown away by a reset.

use super::answers::{AlarmCode, ErrorCode};

/// Most refused lines, and most unclear stretches, that are listed one by one; more end the stream.
pub(super) const LISTED_MAX: usize = 64;

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// Every line was answered, and that was proven.
    Completed,
    /// The controller has started anew.
    Reset,
    /// The controller stopped.
    Alarm(AlarmCode),
    /// The link broke.
    Disconnected,
    /// A line was refused.
    Refused {
        /// Physical line, from 1.
        line: u32,
        /// Why.
        code: ErrorCode,
    },
    /// Answers were lost or unreadable, and it cannot be said which lines they belonged to.
    Unsure,
    /// The sender's own doing.
    Stopped,
}

/// A stretch of lines whose answers do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// First physical line of the stretch.
    pub first: u32,
    /// Last.
    pub last: u32,
    /// Answers that never came readably. All lines were taken; what these were answered is unknown.
    pub lost: u32,
    /// Answers in the stretch that were errors; whose, is unknown.
    pub errors: u32,
}

/// The account. Lines are physical, from 1; the ranges are consecutive and together the whole program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Why it ended.
    pub end: StreamEnd,
    /// Lines of the program.
    pub lines: u32,
    /// Lines 1 to this were answered, and the count of answers was proven, but for `unclear`.
    pub proven_through: u32,
    /// Lines after `proven_through` up to this were answered as far as one can tell.
    pub answered_through: u32,
    /// Lines after `answered_through` up to this were sent and have no answer: they may have run or not.
    pub sent_through: u32,
    /// Refused lines with their reasons, in order.
    pub refused: Vec<(u32, ErrorCode)>,
    /// Stretches whose answers do not add up, in order.
    pub unclear: Vec<Unclear>,
    /// Lines 1 to this were certainly carried out: the machine was idle with nothing on the way.
    pub done_through: u32,
    /// Answered lines after this one may have waited in the planner and are gone after a reset.
    pub maybe_not_done_after: u32,
    /// The controller no longer knows where it is.
    pub position_lost: bool,
}

impl StreamReport {
    /// Lines never sent.
    pub fn unsent(&self) -> u32 {
        self.lines - self.sent_through
    }

    /// Checks that every line is in exactly one class.
    ///
    /// # Errors
    /// What does not hold.
    pub fn validate(&self) -> Result<(), &'static str> {
        let marks = [0, self.proven_through, self.answered_through, self.sent_through, self.lines];
        if !marks.is_sorted() {
            return Err("the marks are not in order");
        }
        if self.done_through > self.answered_through || self.maybe_not_done_after > self.answered_through {
            return Err("a line was done that was not answered");
        }
        if !self.refused.is_sorted_by(|left, right| left.0 < right.0) {
            return Err("a line was refused twice");
        }
        let stretches = self.unclear.iter().flat_map(|stretch| [stretch.first, stretch.last]);
        if !stretches.is_sorted() || self.unclear.iter().any(|stretch| stretch.last > self.answered_through) {
            return Err("unclear stretches overlap");
        }
        let within = |line: u32| self.unclear.iter().any(|stretch| (stretch.first..=stretch.last).contains(&line));
        if self.refused.iter().any(|(line, _)| within(*line) || *line > self.answered_through) {
            return Err("a refused line is also something else");
        }
        let complete = self.end != StreamEnd::Completed || self.proven_through == self.lines;
        if complete { Ok(()) } else { Err("completed without proof") }
    }
}
