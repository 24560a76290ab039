//! What travels, field by field, and the conversions that check it.

use serde::{Deserialize, Serialize};

use super::codec::WireError;
use super::message::*;
use super::{BASELINE_PARTS_MAX, OFFER_BYTES_MAX, OFFER_PART_BYTES_MAX};
use crate::budget::WorkAllowance;
use crate::ident::{ContextDigest, Digest, Epoch, PlanSequence, ProgramDigest, SampleSequence};
use crate::motion::Station;
use crate::plan::{Binding, KeepAlive, Override, Reason, RejectReason, Span, StageStamps};
use crate::planted::{self, Bug};
use crate::time::{Duration, Instant};
use crate::units::{Feedrate, Length, Power};

type DigestBytes = [u8; 32];

/// Longest encoded [`SpanBody`]: station, factor, reason and two optional figures.
pub(super) const SPAN_BYTES_MAX: usize = 8 + 2 + 1 + 5 + 5;

/// Followed by `name_bytes` bytes of the machine's name.
#[derive(Serialize, Deserialize)]
pub(super) struct OfferHead {
    epoch: u64,
    program: DigestBytes,
    context: DigestBytes,
    path: DigestBytes,
    parts: u32,
    bytes: u64,
    blob: DigestBytes,
    time_scale: f64,
    pub(super) name_bytes: u32,
}

impl OfferHead {
    pub(super) fn of(offer: &Offer) -> Self {
        Self {
            epoch: offer.epoch.0,
            program: *offer.program.0.as_bytes(),
            context: *offer.context.0.as_bytes(),
            path: *offer.path.as_bytes(),
            parts: offer.parts,
            bytes: offer.bytes,
            blob: *offer.blob.as_bytes(),
            time_scale: offer.time_scale,
            name_bytes: offer.machine.as_str().len() as u32,
        }
    }

    pub(super) fn offer(self, machine: crate::ident::Name) -> Result<Offer, WireError> {
        check(self.time_scale.is_finite() && self.time_scale > 0.0, "time_scale")?;
        check(self.bytes <= OFFER_BYTES_MAX, "bytes")?;
        check(u64::from(self.parts) == self.bytes.div_ceil(OFFER_PART_BYTES_MAX as u64), "parts")?;
        Ok(Offer {
            epoch: Epoch(self.epoch),
            machine,
            program: ProgramDigest(Digest::from_bytes(self.program)),
            context: ContextDigest(Digest::from_bytes(self.context)),
            path: Digest::from_bytes(self.path),
            parts: self.parts,
            bytes: self.bytes,
            blob: Digest::from_bytes(self.blob),
            time_scale: self.time_scale,
        })
    }
}

/// Followed by `count` bytes.
#[derive(Serialize, Deserialize)]
pub(super) struct OfferPartHead {
    pub(super) epoch: u64,
    pub(super) index: u32,
    pub(super) count: u32,
}

/// Followed by `count` [`SampleBody`].
#[derive(Serialize, Deserialize)]
pub(super) struct StateHead {
    epoch: u64,
    trigger: u8,
    trigger_basis: Option<u64>,
    trigger_reach_nm: u64,
    admitted: Option<u64>,
    horizon_nm: u64,
    baseline_parts: u32,
    rejects: u32,
    last_reject: Option<u8>,
    pub(super) count: u32,
}

impl StateHead {
    pub(super) fn of(batch: &StateBatch) -> Self {
        Self {
            epoch: batch.epoch.0,
            trigger: u8::from(batch.trigger),
            trigger_basis: batch.trigger_basis.map(|sequence| sequence.0),
            trigger_reach_nm: batch.trigger_reach.as_nm(),
            admitted: batch.admitted.map(|sequence| sequence.0),
            horizon_nm: batch.horizon.as_nm(),
            baseline_parts: batch.baseline_parts,
            rejects: batch.rejects,
            last_reject: batch.last_reject.map(|reason| reason as u8),
            count: batch.samples.len() as u32,
        }
    }

    pub(super) fn batch(self, samples: Vec<StateSample>) -> Result<StateBatch, WireError> {
        check(self.trigger <= 1 && (self.trigger == 1) == self.trigger_basis.is_some(), "trigger")?;
        let rising = samples.windows(2).all(|pair| pair[0].sequence < pair[1].sequence);
        check(!samples.is_empty() && rising, "samples")?;
        let last_reject = match self.last_reject {
            None => None,
            Some(code) => Some(*RejectReason::ALL.get(usize::from(code)).ok_or(WireError::Value("last_reject"))?),
        };
        Ok(StateBatch {
            epoch: Epoch(self.epoch),
            samples,
            trigger: self.trigger == 1,
            trigger_basis: self.trigger_basis.map(SampleSequence),
            trigger_reach: Station::from_nm(self.trigger_reach_nm),
            admitted: self.admitted.map(PlanSequence),
            horizon: Station::from_nm(self.horizon_nm),
            baseline_parts: self.baseline_parts,
            rejects: self.rejects,
            last_reject,
        })
    }
}

/// One sample of a [`StateHead`].
#[derive(Serialize, Deserialize)]
pub(super) struct SampleBody {
    sequence: u64,
    valid_at_ns: u64,
    sent_at_ns: u64,
    station_nm: u64,
    uncertainty_mm: f64,
    velocity_mm_s: Option<f64>,
    factor_permille: u16,
    dial_permille: Option<u16>,
    activity: u8,
    spindle_power_w: Option<f64>,
}

impl SampleBody {
    pub(super) fn of(sample: &StateSample) -> Self {
        Self {
            sequence: sample.sequence.0,
            valid_at_ns: sample.valid_at.as_ns(),
            sent_at_ns: sample.sent_at.as_ns(),
            station_nm: sample.station.as_nm(),
            uncertainty_mm: sample.uncertainty.as_mm(),
            velocity_mm_s: sample.velocity.map(Feedrate::as_mm_s),
            factor_permille: sample.factor.permille(),
            dial_permille: sample.dial_permille,
            activity: sample.activity as u8,
            spindle_power_w: sample.spindle_power.map(Power::as_w),
        }
    }

    pub(super) fn sample(self) -> Result<StateSample, WireError> {
        check(is_magnitude(self.uncertainty_mm), "uncertainty_mm")?;
        check(self.velocity_mm_s.is_none_or(is_magnitude), "velocity_mm_s")?;
        check(self.spindle_power_w.is_none_or(is_magnitude), "spindle_power_w")?;
        let activity = Activity::ALL.get(usize::from(self.activity)).ok_or(WireError::Value("activity"))?;
        Ok(StateSample {
            sequence: SampleSequence(self.sequence),
            valid_at: Instant::from_ns(self.valid_at_ns),
            sent_at: Instant::from_ns(self.sent_at_ns),
            station: Station::from_nm(self.station_nm),
            uncertainty: Length::mm(self.uncertainty_mm),
            velocity: self.velocity_mm_s.map(Feedrate::mm_s),
            factor: Override::from_permille(self.factor_permille).ok_or(WireError::Value("factor_permille"))?,
            dial_permille: self.dial_permille,
            activity: *activity,
            spindle_power: self.spindle_power_w.map(Power::w),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CloseBody {
    pub(super) epoch: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AcceptBody {
    epoch: u64,
    program: DigestBytes,
    context: DigestBytes,
    path: DigestBytes,
}

impl AcceptBody {
    pub(super) fn of(accept: &Accept) -> Self {
        Self {
            epoch: accept.epoch.0,
            program: *accept.program.0.as_bytes(),
            context: *accept.context.0.as_bytes(),
            path: *accept.path.as_bytes(),
        }
    }

    pub(super) fn accept(self) -> Accept {
        Accept {
            epoch: Epoch(self.epoch),
            program: ProgramDigest(Digest::from_bytes(self.program)),
            context: ContextDigest(Digest::from_bytes(self.context)),
            path: Digest::from_bytes(self.path),
        }
    }
}

/// Followed by `count` bytes of UTF-8 without control characters.
#[derive(Serialize, Deserialize)]
pub(super) struct RefuseHead {
    pub(super) epoch: u64,
    pub(super) count: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProgressBody {
    pub(super) epoch: u64,
    pub(super) done_permille: u16,
}

/// Followed by `spans` [`SpanBody`].
#[derive(Serialize, Deserialize)]
pub(super) struct BaselineHead {
    pub(super) epoch: u64,
    pub(super) context: DigestBytes,
    pub(super) index: u32,
    pub(super) count: u32,
    pub(super) from_nm: u64,
    pub(super) spans: u32,
}

impl BaselineHead {
    pub(super) fn check(&self) -> Result<(), WireError> {
        check((1..=BASELINE_PARTS_MAX).contains(&self.count) && self.index < self.count, "index")
    }
}

/// Followed by `spans` [`SpanBody`].
#[derive(Serialize, Deserialize)]
pub(super) struct PlanHead {
    epoch: u64,
    sequence: u64,
    program: DigestBytes,
    context: DigestBytes,
    basis: u64,
    basis_sent_at_ns: u64,
    time_to_live_ns: u64,
    queue_ns: u64,
    simulate_ns: u64,
    plan_ns: u64,
    total_ns: u64,
    work: u32,
    removed_cells: u64,
    pub(super) from_nm: u64,
    pub(super) spans: u32,
}

impl PlanHead {
    pub(super) fn of(message: &PlanMessage) -> Self {
        let chunk = &message.chunk;
        Self {
            epoch: chunk.epoch.0,
            sequence: chunk.sequence.0,
            program: *chunk.program.0.as_bytes(),
            context: *chunk.context.0.as_bytes(),
            basis: chunk.basis.0,
            basis_sent_at_ns: message.basis_sent_at.as_ns(),
            time_to_live_ns: chunk.time_to_live.as_ns(),
            queue_ns: chunk.stamps.queue.as_ns(),
            simulate_ns: chunk.stamps.simulate.as_ns(),
            plan_ns: chunk.stamps.plan.as_ns(),
            total_ns: chunk.stamps.total.as_ns(),
            work: chunk.work.0,
            removed_cells: chunk.removed_cells,
            from_nm: chunk.plan.from().as_nm(),
            spans: chunk.plan.spans().len() as u32,
        }
    }

    pub(super) fn head(&self) -> ChunkHead {
        ChunkHead {
            epoch: Epoch(self.epoch),
            sequence: PlanSequence(self.sequence),
            program: ProgramDigest(Digest::from_bytes(self.program)),
            context: ContextDigest(Digest::from_bytes(self.context)),
            basis: SampleSequence(self.basis),
            basis_sent_at: Instant::from_ns(self.basis_sent_at_ns),
            time_to_live: Duration::from_ns(self.time_to_live_ns),
            stamps: StageStamps {
                queue: Duration::from_ns(self.queue_ns),
                simulate: Duration::from_ns(self.simulate_ns),
                plan: Duration::from_ns(self.plan_ns),
                total: Duration::from_ns(self.total_ns),
            },
            work: WorkAllowance(self.work),
            removed_cells: self.removed_cells,
        }
    }
}

/// One span; it begins where the one before it ended, the first at `from_nm` of its head.
#[derive(Serialize, Deserialize)]
pub(super) struct SpanBody {
    to_nm: u64,
    factor_permille: u16,
    reason: u8,
    value: Option<f32>,
    limit: Option<f32>,
}

impl SpanBody {
    pub(super) fn of(span: &Span) -> Self {
        Self {
            to_nm: span.to.as_nm(),
            factor_permille: span.factor.permille(),
            reason: span.binding.reason.code(),
            value: span.binding.value,
            limit: span.binding.limit,
        }
    }

    pub(super) fn span(self, from: Station) -> Result<Span, WireError> {
        let to = Station::from_nm(self.to_nm);
        check(to > from, "to_nm")?;
        check(self.value.is_none_or(f32::is_finite), "value")?;
        check(self.limit.is_none_or(f32::is_finite), "limit")?;
        let permille =
            if planted::on(Bug::CodecFactorClamped) { self.factor_permille.min(1000) } else { self.factor_permille };
        let factor = Override::from_permille(permille).ok_or(WireError::Value("factor_permille"))?;
        let reason = Reason::from_code(self.reason).ok_or(WireError::Value("reason"))?;
        Ok(Span { from, to, factor, binding: Binding { reason, value: self.value, limit: self.limit } })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct KeepAliveBody {
    epoch: u64,
    sequence: u64,
    basis: u64,
    context: DigestBytes,
    stands_behind: u64,
}

impl KeepAliveBody {
    pub(super) fn of(keep_alive: &KeepAlive) -> Self {
        Self {
            epoch: keep_alive.epoch.0,
            sequence: keep_alive.sequence.0,
            basis: keep_alive.basis.0,
            context: *keep_alive.context.0.as_bytes(),
            stands_behind: keep_alive.stands_behind.0,
        }
    }

    pub(super) fn keep_alive(self) -> KeepAlive {
        KeepAlive {
            epoch: Epoch(self.epoch),
            sequence: PlanSequence(self.sequence),
            basis: SampleSequence(self.basis),
            context: ContextDigest(Digest::from_bytes(self.context)),
            stands_behind: PlanSequence(self.stands_behind),
        }
    }
}

/// A finite number that is not negative.
fn is_magnitude(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// The named field holds what it may hold.
pub(super) fn check(holds: bool, field: &'static str) -> Result<(), WireError> {
    if holds { Ok(()) } else { Err(WireError::Value(field)) }
}
