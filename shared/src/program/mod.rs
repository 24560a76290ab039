//! G-code text to canonical operations.
//!
//! A program says what the tool does in a language of switches: a word such as G20 or G55 changes the meaning
//! of every later line, and a line may state its words in any order while they are carried out in a fixed one.
//! This room turns that text into a flat sequence of operations that mean one thing each: go there, along this
//! arc, at this feed. Whoever reads on (motion, engagement, a person) needs to know no G-code.
//!
//! * [`Interpreter`] is pulled: it takes as many lines as the next [`CanonOp`] needs, and its memory does not
//!   grow with the program. [`interpret`] collects everything.
//! * A [`Checkpoint`] is the place between two lines with everything that is remembered there: an interpretation
//!   goes on from it, also with the next [`Piece`] of a program too long to hold.
//! * Bad text is never a failure. What is wrong stands beside the operations as [`Diagnostic`]s, with place,
//!   code and advice; what was merely assumed is a note; what was accepted without effect is a fact.
//! * Every operation knows its [`Provenance`] and the [`Modal`] state that made it.
//! * [`tools_from_comments`] reads the tool list that posts write into comments.
//!
//! Language and order of execution follow RS274/NGC (Kramer, Proctor and Messina, NISTIR 6556) as LinuxCNC
//! reads it; where Fanuc, Haas and grbl differ, [`Dialect`] decides. Siemens has a reader of its own. Frames are those of [`crate::geom`].
//!
//! The room knows no machine: what a program leaves open (unit at power-on, work offsets, lengths of tools)
//! comes in by [`Options`].

mod arc;
mod block;
mod calls;
mod canon;
mod checkpoint;
mod codes;
mod comments;
mod compensation;
mod corner;
mod curves;
mod cycle;
mod detect;
mod diagnostic;
mod digest;
mod execute;
mod expression;
mod facts;
mod fanuc;
mod fault;
mod flow;
mod frame;
mod grbl;
mod interpreter;
mod labels;
mod lathe;
mod local;
mod moves;
mod number;
mod nurbs;
mod options;
mod owords;
mod parameters;
mod profile;
mod rates;
mod report;
mod rewrite;
mod roughing;
mod siemens;
mod signals;
mod split;
mod state;
mod system;
mod text;
mod threading;
mod tool_names;
mod tooling;
mod unknown;
mod words;

#[cfg(test)]
mod tests;

pub use calls::CallSite;
pub use canon::{
    Call, CallStackId, CanonOp, FeedMode, ForcedReason, Modal, PathMode, Plane, Pose, Provenance, SourceId,
    SpindleState, StopKind, SurfaceSpeed,
};
pub use checkpoint::{Checkpoint, Piece, is_straight};
pub use comments::{CommentTool, tool_from_words, tools_from_comments};
pub use diagnostic::{Diagnostic, Severity, Span};
pub use digest::digest;
pub use facts::{Facts, WithoutEffect};
pub use interpreter::{Interpreted, Interpreter, interpret};
pub use options::{Dialect, Limits, NoSubprograms, Options, Sources};
pub use parameters::Parameter;
pub use rewrite::{LINE_FACTOR_MAX, LineFactors, RewriteError, Rewritten, rewrite};
pub use split::{LineCuts, Split, split_blocks};
pub use tool_names::{tool_names, tools_from_names};
pub use unknown::UnknownValue;
