//! Round trips, every prefix, every flipped bit, hostile counts, and the bytes themselves.

use super::*;
use crate::budget::WorkAllowance;
use crate::det::Rng;
use crate::ident::{ContextDigest, Digest, Epoch, Name, PlanSequence, ProgramDigest, SampleSequence};
use crate::motion::Station;
use crate::plan::{Binding, KeepAlive, Override, OverridePlan, PlanChunk, Reason, RejectReason, Span, StageStamps};
use crate::time::{Duration, Instant};
use crate::units::{Feedrate, Length, Power};

fn digest(seed: u8) -> Digest {
    Digest::from_bytes([seed; 32])
}

fn plan(spans: u64) -> OverridePlan {
    let span = |i: u64| Span {
        from: Station::from_nm(1000 + 10 * i),
        to: Station::from_nm(1010 + 10 * i),
        factor: Override::from_permille((i * 7 % 1001) as u16).expect("in range"),
        binding: Binding {
            reason: Reason::ALL[i as usize % Reason::ALL.len()],
            value: i.is_multiple_of(2).then_some(1.5),
            limit: i.is_multiple_of(3).then_some(2.5),
        },
    };
    OverridePlan::new((0..spans).map(span).collect()).expect("contiguous")
}

fn sample(sequence: u64) -> StateSample {
    StateSample {
        sequence: SampleSequence(sequence),
        valid_at: Instant::from_ns(90 + sequence),
        sent_at: Instant::from_ns(100 + sequence),
        station: Station::from_mm(12.5),
        uncertainty: Length::mm(0.25),
        velocity: Some(Feedrate::mm_s(8.0)),
        factor: Override::from_permille(900).expect("in range"),
        dial_permille: Some(1000),
        activity: Activity::Running,
        spindle_power: None,
    }
}

fn batch(samples: u64) -> StateBatch {
    StateBatch {
        epoch: Epoch(3),
        samples: (1..=samples).map(sample).collect(),
        trigger: true,
        trigger_basis: Some(SampleSequence(1)),
        trigger_reach: Station::from_mm(40.0),
        admitted: Some(PlanSequence(4)),
        horizon: Station::from_mm(20.0),
        baseline_parts: 2,
        rejects: 1,
        last_reject: Some(RejectReason::Expired),
    }
}

fn chunk(spans: u64) -> PlanMessage {
    PlanMessage {
        basis_sent_at: Instant::from_ns(101),
        chunk: PlanChunk {
            epoch: Epoch(3),
            sequence: PlanSequence(5),
            program: ProgramDigest(digest(1)),
            context: ContextDigest(digest(2)),
            basis: SampleSequence(1),
            time_to_live: Duration::from_ms(500),
            plan: plan(spans),
            stamps: StageStamps {
                queue: Duration::from_us(1),
                simulate: Duration::from_us(2),
                plan: Duration::from_us(3),
                total: Duration::from_us(7),
            },
            work: WorkAllowance(64),
            removed_cells: 1234,
        },
    }
}

fn messages() -> Vec<Message> {
    let epoch = Epoch(3);
    vec![
        Message::Offer(Offer {
            epoch,
            machine: Name::parse("mill-1").expect("valid"),
            program: ProgramDigest(digest(1)),
            context: ContextDigest(digest(2)),
            path: digest(3),
            parts: 2,
            bytes: OFFER_PART_BYTES_MAX as u64 + 1,
            blob: digest(4),
            time_scale: 4.0,
        }),
        Message::OfferPart(OfferPart { epoch, index: 1, bytes: vec![7, 8, 9] }),
        Message::State(batch(2)),
        Message::Close { epoch },
        Message::Accept(Accept {
            epoch,
            program: ProgramDigest(digest(1)),
            context: ContextDigest(digest(2)),
            path: digest(3),
        }),
        Message::Refuse(Refuse { epoch, reason: "tool T7 has no flutes – add it".to_owned() }),
        Message::Progress(Progress { epoch, done_permille: 500 }),
        Message::BaselinePart(BaselinePart {
            epoch,
            context: ContextDigest(digest(2)),
            index: 0,
            count: 1,
            plan: plan(3),
        }),
        Message::Plan(chunk(3)),
        Message::KeepAlive(KeepAlive {
            epoch,
            sequence: PlanSequence(6),
            basis: SampleSequence(2),
            context: ContextDigest(digest(2)),
            stands_behind: PlanSequence(5),
        }),
    ]
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out).expect("within the limits");
    out
}

/// Bytes with a header that fits them, as a hostile but able sender would make it.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() - HEADER_BYTES) as u32;
    bytes[7] = 0;
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let sum = *blake3::Hasher::new().update(&bytes[..12]).update(&bytes[HEADER_BYTES..]).finalize().as_bytes();
    bytes[12..20].copy_from_slice(&sum[..8]);
    bytes
}

#[test]
fn every_kind_makes_the_round_trip_and_the_list_is_complete() {
    let messages = messages();
    let kinds: Vec<_> = messages.iter().map(Message::kind).collect();
    assert_eq!(kinds, MessageKind::ALL);
    for message in &messages {
        assert_eq!(decode(&encoded(message)).as_ref(), Ok(message));
    }
}

#[test]
fn the_longest_lists_fit_and_one_more_is_refused() {
    let full = Message::Plan(chunk(CHUNK_SPANS_MAX as u64));
    assert!(encoded(&full).len() <= MESSAGE_BYTES_MAX);
    assert_eq!(decode(&encoded(&full)).as_ref(), Ok(&full));
    let mut out = vec![1];
    let more = Message::Plan(chunk(CHUNK_SPANS_MAX as u64 + 1));
    let count = CHUNK_SPANS_MAX + 1;
    assert_eq!(encode(&more, &mut out), Err(WireError::TooMany { field: "spans", count, max: CHUNK_SPANS_MAX }));
    assert!(out.is_empty());
    assert!(encode(&Message::State(batch(STATE_SAMPLES_MAX as u64)), &mut out).is_ok());
    assert!(encode(&Message::State(batch(STATE_SAMPLES_MAX as u64 + 1)), &mut out).is_err());
    assert!(encode(&Message::State(batch(0)), &mut out).is_err());
    let part = |len| Message::OfferPart(OfferPart { epoch: Epoch(1), index: 0, bytes: vec![0; len] });
    assert!(encode(&part(OFFER_PART_BYTES_MAX), &mut out).is_ok() && out.len() <= MESSAGE_BYTES_MAX);
    assert!(encode(&part(OFFER_PART_BYTES_MAX + 1), &mut out).is_err());
}

#[test]
fn a_long_refusal_is_cut_at_a_character_and_at_a_line_end() {
    let reason = |text: String| match decode(&encoded(&Message::Refuse(Refuse { epoch: Epoch(1), reason: text }))) {
        Ok(Message::Refuse(refuse)) => refuse.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("ä".repeat(400)).len(), REFUSAL_BYTES_MAX);
    assert_eq!(reason("one\u{1b}[2Jtwo".to_owned()), "one");
}

#[test]
fn every_prefix_and_every_longer_message_is_refused() {
    for message in messages() {
        let bytes = encoded(&message);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{:?} cut to {end}", message.kind());
            if end >= HEADER_BYTES {
                assert!(decode(&resealed(bytes[..end].to_vec())).is_err(), "{:?} resealed at {end}", message.kind());
            }
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(decode(&longer), Err(WireError::Length { .. })));
        assert!(decode(&resealed(longer)).is_err(), "{:?} with a byte after it", message.kind());
    }
}

#[test]
fn h3_every_single_flipped_bit_is_found() {
    for message in messages() {
        let bytes = encoded(&message);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "{:?} bit {bit}", message.kind());
        }
    }
}

#[test]
fn h12_resealed_garbage_never_yields_a_value_out_of_range() {
    let mut rng = Rng::new(12);
    let mut accepted = 0u32;
    for round in 0..60_000 {
        let list = messages();
        let mut bytes = encoded(&list[round % list.len()]);
        for _ in 0..=rng.below(3) {
            let at = HEADER_BYTES + rng.below((bytes.len() - HEADER_BYTES) as u64) as usize;
            bytes[at] = [0x00, 0xff, 0x7f, 0xf0, 0x80, rng.next_u64() as u8][rng.below(6) as usize];
        }
        // A body that still decodes must hold only what its types allow: encoding it gives the same bytes.
        if let Ok(message) = decode(&resealed(bytes.clone())) {
            accepted += 1;
            assert_eq!(encoded(&message), resealed(bytes), "round {round}");
            assert!(finite(&message), "round {round}: {message:?}");
        }
    }
    assert!(accepted > 1000, "only {accepted} mutated bodies decoded: the test no longer reaches the checks");
}

fn finite(message: &Message) -> bool {
    let ok = |value: f64| value.is_finite() && value >= 0.0;
    match message {
        Message::Offer(offer) => ok(offer.time_scale),
        Message::State(batch) => batch.samples.iter().all(|s| {
            ok(s.uncertainty.as_mm())
                && s.velocity.is_none_or(|v| ok(v.as_mm_s()))
                && s.spindle_power.is_none_or(|p: Power| ok(p.as_w()))
        }),
        Message::Plan(plan) => plan.chunk.plan.spans().iter().all(|span| {
            span.factor <= Override::PROGRAMMED
                && span.binding.value.is_none_or(f32::is_finite)
                && span.binding.limit.is_none_or(f32::is_finite)
        }),
        _ => true,
    }
}

#[test]
fn h29_another_major_is_named_and_a_newer_minor_is_read() {
    let bytes = encoded(&Message::Close { epoch: Epoch(3) });
    let mut other = bytes.clone();
    other[4] = 1;
    let error = decode(&resealed(other)).expect_err("another major");
    assert_eq!((error, error.reject_reason()), (WireError::Version { found: 1 }, RejectReason::Version));
    let mut newer = bytes;
    newer[5] = 9;
    assert_eq!(decode(&resealed(newer)), Ok(Message::Close { epoch: Epoch(3) }));
}

#[test]
fn a_hostile_count_takes_no_memory() {
    let mut bytes = encoded(&Message::Plan(chunk(1)));
    let count_at = bytes.len() - (8 + 2 + 1 + 5 + 5) - 4;
    assert_eq!(bytes[count_at..count_at + 4], 1u32.to_le_bytes(), "the count lies elsewhere now");
    bytes[count_at..count_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let (count, max) = (u32::MAX as usize, CHUNK_SPANS_MAX);
    assert_eq!(decode(&resealed(bytes)), Err(WireError::TooMany { field: "spans", count, max }));
}

#[test]
fn a_chunk_read_into_a_buffer_is_the_chunk() {
    let message = chunk(9);
    let bytes = encoded(&Message::Plan(message.clone()));
    let mut spans = plan(2).spans().to_vec();
    let head = Frame::open(&bytes).expect("whole").chunk_into(&mut spans).expect("a chunk");
    assert_eq!(head, ChunkHead::of(&message));
    assert_eq!(spans, message.chunk.plan.spans());
    let close = encoded(&Message::Close { epoch: Epoch(3) });
    assert!(matches!(Frame::open(&close).expect("whole").chunk_into(&mut spans), Err(WireError::Kind)));
}

#[test]
fn golden_vectors() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for message in messages() {
        let bytes = encoded(&message);
        let vector = format!("{:?} {}", message.kind(), hex(&bytes));
        insta::assert_snapshot!(format!("golden_{:?}", message.kind()), vector);
    }
}

#[test]
fn h12_every_bit_pattern_of_a_factor_and_every_class_of_a_float_is_judged() {
    let bytes = encoded(&Message::Plan(chunk(1)));
    let span_at = bytes.len() - (8 + 2 + 1 + 5 + 5);
    let factor_at = span_at + 8;
    for permille in 0..=u16::MAX {
        let mut changed = bytes.clone();
        changed[factor_at..factor_at + 2].copy_from_slice(&permille.to_le_bytes());
        assert_eq!(decode(&resealed(changed)).is_ok(), permille <= 1000, "{permille}");
    }
    let value_at = factor_at + 2 + 1 + 1;
    assert_eq!(bytes[value_at..value_at + 4], 1.5f32.to_le_bytes(), "the value lies elsewhere now");
    for high in 0..512u32 {
        for mantissa in [0, 1, 0x2a_aaaa, 0x40_0000, 0x7f_ffff] {
            let value = f32::from_bits(high << 23 | mantissa);
            let mut changed = bytes.clone();
            changed[value_at..value_at + 4].copy_from_slice(&value.to_le_bytes());
            assert_eq!(decode(&resealed(changed)).is_ok(), value.is_finite(), "{value} {:08x}", value.to_bits());
        }
    }
    for high in 0..4096u64 {
        for mantissa in [0, 1, 1 << 51, (1 << 52) - 1] {
            let value = f64::from_bits(high << 52 | mantissa);
            let mut one = batch(1);
            one.samples[0].uncertainty = Length::mm(value);
            let passes = value.is_finite() && value >= 0.0;
            assert_eq!(decode(&encoded(&Message::State(one))).is_ok(), passes, "{value}");
        }
    }
}
