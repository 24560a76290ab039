//! G-code text to canonical operations.
//!
//! This file holds the seam between language and motion: what an operation is, where it came from, and
//! what a diagnosis looks like. The interpreter itself is below it.

mod canon;
mod diagnostic;

pub use canon::{
    Call, CanonOp, FeedMode, ForcedReason, Modal, Plane, Pose, Provenance, SourceId, SpindleState, StopKind,
};
pub use diagnostic::{Diagnostic, Severity, Span};
