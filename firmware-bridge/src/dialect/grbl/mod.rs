//! grbl 1.1 and grblHAL: lines one way, answers and status reports the other, and single bytes that act at once.
//!
//! The two share a language and differ in what hurts: the size of their buffers, and what happens to override bytes
//! that come close together. grbl keeps one flag a command, so five presses in one write are one press; grblHAL keeps
//! sixteen and drops the rest. Neither tells a sender that an answer was lost, neither checks what it receives, and
//! neither lets go of an override when its sender dies. What this room builds on that:
//!
//! * [`status`] and [`Decoder`]: bytes in, events out. Everything in a status report is optional; a line that is
//!   nearly an answer is not one.
//! * [`OverrideLoop`]: from the reported override to a wanted one, paced, decreases first, and the operator's hand
//!   told from ours.
//! * [`Streamer`]: the program by character counting, with proof of what was answered.
//! * [`Tap`]: another sender keeps the port and its bytes; ours go between them.
//! * [`Session`]: all of it as one state machine in the vocabulary of [`crate::controller`].
//!
//! What it does not know: plans, clocks, ports. Source: grbl 1.1 wiki ("Interface", "Commands", "Configuration"),
//! grblHAL core documentation of its report extensions, and what was measured (CONTROLLERS.md section 2).

mod answers;
mod decode;
mod override_loop;
mod program_lines;
mod real_time;
mod session;
pub mod status;
mod steps;
mod stream;
mod stream_report;
mod tap;

pub use answers::{AlarmCode, Answer, ErrorCode};
pub use decode::{Counters, Decoder, Event, LINE_LEN_MAX};
pub use override_loop::{OverrideLoop, OverrideSettings, Standing};
pub use program_lines::{Numbering, ProgramFault};
pub use real_time::RealTime;
pub use session::{Occurrence, Role, Session, SessionSettings, Taken};
pub use steps::{FeedStep, OVERRIDE_MAX, OVERRIDE_MIN, Register};
pub use stream::{OnTrouble, PROOF_LINES, Streamer};
pub use stream_report::{StreamEnd, StreamReport, Unclear};
pub use tap::{TO_CONTROLLER_MAX, TO_SENDER_MAX, Tap};

use shared::time::Duration;

use crate::controller::Capabilities;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flavour {
    /// grbl 1.1 on an 8-bit board.
    Grbl,
    /// grblHAL.
    GrblHal,
}

/// What happens to override bytes that come faster than the controller looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideIntake {
    /// One flag a command: presses of the same kind between two looks are one press.
    Coalesces,
    /// A queue; what does not fit is dropped without a word.
    Queues {
        /// Its places.
        places: u8,
    },
}

/// What a controller of this family can do, and why not more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declaration {
    /// In the words of every controller.
    pub capabilities: Capabilities,
    /// Bytes its receive buffer holds.
    pub receive_bytes: usize,
    /// Motions its planner holds: so many answered lines may not have been cut when it stops.
    pub planner_blocks: usize,
    /// Longest line it takes, without spaces and comments.
    pub line_len_max: usize,
    /// What it does with bursts.
    pub override_intake: OverrideIntake,
    /// Lowest override it takes, per mille.
    pub override_min_permille: u16,
    /// Whether status reports can carry the line number of the motion.
    pub line_numbers: bool,
    /// Why nothing beyond the operator's value is offered.
    pub no_speed_up: &'static str,
    /// Who lets go when the agent dies.
    pub fail_safe: &'static str,
}

/// Shortest time between two status requests: the documented usual rate is 5 to 10 Hz, and at 115200 baud a report
/// takes some 6 ms of the line.
pub const STATUS_PERIOD_MIN: Duration = Duration::from_ms(20);

impl Flavour {
    /// What is declared for it; nothing of this is measured. `status_period` is how often it will be asked.
    pub fn declaration(self, status_period: Duration) -> Declaration {
        let (receive_bytes, planner_blocks, line_len_max, override_intake) = match self {
            Self::Grbl => (128, 15, 79, OverrideIntake::Coalesces),
            Self::GrblHal => (1024, 100, 256, OverrideIntake::Queues { places: 16 }),
        };
        Declaration {
            capabilities: Capabilities {
                factor: true,
                factor_step_permille: 10,
                // Fifteen paced bytes, and the step segments that are already prepared still run.
                effect_time: Duration::from_ms(150),
                sample_period: status_period.max(STATUS_PERIOD_MIN),
                watchdog: false,
            },
            receive_bytes,
            planner_blocks,
            line_len_max,
            override_intake,
            override_min_permille: 100,
            line_numbers: self == Self::GrblHal,
            no_speed_up: "there is one override register, shared with the operator, and it keeps its value when the \
                          agent dies: a raised one would stay raised, so the agent only ever lowers",
            fail_safe: "nobody: the controller has no watchdog on its sender. The agent gives the operator's value \
                        back when its plan ends; if it is killed while it slows, the slow value stays until the \
                        operator presses 100 %",
        }
    }

    /// Which of the two says so in its welcome.
    pub(crate) fn of_welcome(line: &str) -> Option<(Self, &str)> {
        // The longer name first: a future `Grbl…` of the other kind must not be taken for the small one.
        let (flavour, rest) = match line.strip_prefix("GrblHAL ") {
            Some(rest) => (Self::GrblHal, rest),
            None => (Self::Grbl, line.strip_prefix("Grbl ")?),
        };
        let (version, rest) = rest.split_once(' ')?;
        let numbered = version.starts_with(|letter: char| letter.is_ascii_digit());
        (numbered && rest.starts_with("['$'") && rest.ends_with(']')).then_some((flavour, version))
    }
}
