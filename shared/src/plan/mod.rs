//! What the cloud proposes and what the edge makes of it.
//!
//! A plan is a function of station, never of time (DESIGN.md, invariant 3). It is a contiguous list of spans, each with
//! one factor and the [`Reason`] that binds there, so that whoever reads the report can be told why the
//! machine was slowed at a line. The edge judges a [`PlanChunk`] by [`Admission`]; what it rejects has a
//! [`RejectReason`], and each of those is counted.

mod admission;
mod chunk;
mod factor;
mod limits;
mod override_plan;
mod reason;

pub use admission::{Admission, Envelope, RejectReason};
pub use chunk::{KeepAlive, PlanChunk, StageStamps};
pub use factor::Override;
pub use limits::Limits;
pub use override_plan::{OverridePlan, PlanError, PlanView, Span};
pub use reason::{Binding, Reason};
