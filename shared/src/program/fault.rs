//! What went wrong inside one line, before it is given a place in a file.
//!
//! The codes, with what each means, are constants here: a user greps for them, and tests name them.

use super::Severity;
use super::parameters::Parameter;
use std::ops::Range;

/// A number could not be read, or an integer was expected.
pub(super) const BAD_NUMBER: &str = "program::bad-number";
/// A character that has no meaning where it stands.
pub(super) const BAD_CHARACTER: &str = "program::bad-character";
/// A G or M code the dialect does not have.
pub(super) const UNKNOWN_CODE: &str = "program::unknown-code";
/// A code that is understood and not yet simulated.
pub(super) const UNSUPPORTED: &str = "program::unsupported";
/// Two codes of one modal group in a block.
pub(super) const MODAL_GROUP: &str = "program::modal-group";
/// A word given twice in a block.
pub(super) const REPEATED_WORD: &str = "program::repeated-word";
/// A word that no code of the block uses.
pub(super) const UNUSED_WORD: &str = "program::unused-word";
/// A word the code needs is not there.
pub(super) const MISSING_WORD: &str = "program::missing-word";
/// A value outside its range.
pub(super) const OUT_OF_RANGE: &str = "program::out-of-range";
/// A comment that does not end, or one inside another.
pub(super) const COMMENT: &str = "program::comment";
/// Centre, radius and end point of an arc do not agree.
pub(super) const ARC_RADIUS: &str = "program::arc-radius";
/// An arc without centre or radius, or with both.
pub(super) const ARC_FORM: &str = "program::arc-form";
/// A feed move before any F word.
pub(super) const NO_FEED: &str = "program::no-feed";
/// Axis words without a motion code.
pub(super) const NO_MOTION: &str = "program::no-motion";
/// Feed per revolution with a spindle that does not turn.
pub(super) const NO_SPEED: &str = "program::no-speed";
/// M6 with no tool selected.
pub(super) const NO_TOOL: &str = "program::no-tool";
/// A tool or H number without a length.
pub(super) const TOOL_LENGTH: &str = "program::tool-length";
/// Cycle words contradict each other.
pub(super) const CYCLE: &str = "program::cycle";
/// The diameter of the tool that is compensated for is not known.
pub(super) const TOOL_DIAMETER: &str = "program::tool-diameter";
/// The first move under cutter compensation is no longer than the radius of the cutter.
pub(super) const ENTRY: &str = "program::entry-move";
/// The compensated cutter does not fit into the contour.
pub(super) const GOUGE: &str = "program::gouge";
/// A code in a mode that forbids it.
pub(super) const WRONG_MODE: &str = "program::wrong-mode";
/// An expression is malformed.
pub(super) const EXPRESSION: &str = "program::expression";
/// An expression has no value: division by zero, root of a negative number.
pub(super) const ARITHMETIC: &str = "program::arithmetic";
/// A parameter that does not exist or cannot be written.
pub(super) const PARAMETER: &str = "program::parameter";
/// A value that is not known before the machine runs.
pub(super) const NOT_AHEAD: &str = "program::not-known-ahead";
/// Flow control is malformed or its partner is missing.
pub(super) const FLOW: &str = "program::flow";
/// A subprogram was not found.
pub(super) const NO_SUBPROGRAM: &str = "program::no-subprogram";
/// A named limit was reached; the interpretation ends there.
pub(super) const TOO_LONG: &str = "program::too-long";
/// The bytes are not text of one byte a character.
pub(super) const ENCODING: &str = "program::encoding";
/// Nothing to run.
pub(super) const EMPTY: &str = "program::empty";
/// The text ends without M2 or M30.
pub(super) const NO_END: &str = "program::no-end";
/// The unit was not said.
pub(super) const UNIT_ASSUMED: &str = "program::unit-assumed";
/// Something was assumed about how the control reads the block.
pub(super) const ASSUMED: &str = "program::assumed";

/// A diagnosis inside one line. `span` counts bytes from the start of the line.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) advice: String,
    /// True where the interpretation cannot go on.
    pub(super) fatal: bool,
    /// The unknown value that was read, where that is the reason.
    pub(super) asks: Option<Parameter>,
}

/// Boxed, so that the path without faults returns one pointer.
pub(super) type Checked<T> = Result<T, Box<Fault>>;

impl Fault {
    /// An error over a range of bytes of the line.
    pub(super) fn error(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Box<Self> {
        let (message, advice) = (message.into(), advice.into());
        Box::new(Self { severity: Severity::Error, code, span, message, advice, fatal: false, asks: None })
    }

    /// The same with another severity.
    pub(super) fn with(mut self: Box<Self>, severity: Severity) -> Box<Self> {
        self.severity = severity;
        self
    }

    /// The same, for a value that only the machine knows.
    pub(super) fn asking(mut self: Box<Self>, parameter: Parameter) -> Box<Self> {
        self.asks = Some(parameter);
        self
    }

    /// The same, ending the interpretation.
    pub(super) fn fatal(mut self: Box<Self>) -> Box<Self> {
        self.fatal = true;
        self
    }
}
