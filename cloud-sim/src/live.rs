//! From an agreed job to a baseline, and from samples to chunks.
//!
//! The baseline is a whole-program plan that the edge holds for the time when nothing fresh arrives. It is
//! made with a wider band of uncertainty than live chunks ([`BASELINE_EXTRA_UNCERTAINTY`]): nobody will look
//! at how the cut really goes while it is in force. A chunk covers the stretch from the machine's newest
//! station to the end of the horizon and is absolute: it says the same as earlier ones where they overlap,
//! unless something was learned.
//!
//! Work is asked for by need, never by sample: a trigger of the edge, or a horizon that has become shorter
//! than [`REFILL_SHARE`] of its target.

use std::collections::VecDeque;
use std::sync::Arc;

use shared::budget::WorkAllowance;
use shared::ident::{Epoch, PlanSequence, SampleSequence};
use shared::job::{Job, JobSources};
use shared::motion::Station;
use shared::plan::{KeepAlive, Limits, OverridePlan, PlanChunk, StageStamps};
use shared::time::{Duration, Instant};
use shared::units::{Length, Seconds};
use shared::wire::{
    Accept, BASELINE_PARTS_MAX, BASELINE_SPANS_MAX, BaselinePart, CHUNK_SPANS_MAX, Message, PlanMessage, Progress,
    StateBatch,
};

use crate::ahead::Ahead;
use crate::executor::Executor;
use crate::loads::StepLoads;
use crate::optimise::{Program, bound_steps, schedule};
use crate::prediction::{Prediction, resolved_limits};
use crate::session::{ChunkTiming, Numbering, Outbox, SessionConfig, SessionEvent};

/// Added to the uncertainty of the predictions for the baseline.
pub const BASELINE_EXTRA_UNCERTAINTY: f64 = 0.05;

/// A horizon shorter than this share of its target is filled again.
const REFILL_SHARE: f64 = 0.7;

/// Stations behind the machine that are kept, for samples that come late, mm.
const KEPT_BEHIND_MM: f64 = 5.0;

/// Time after which baseline parts that were not acknowledged are sent again.
const BASELINE_RESEND: Duration = Duration::from_ms(500);

/// Baseline parts sent again at once.
const BASELINE_RESEND_PARTS: usize = 32;
