//! Bytes of entries and files, and replays that find the first difference.

use std::io::Cursor;
use std::sync::Arc;

use firmware_bridge::controller::{Command, ControllerMode, ControllerSample, Execution, Objection};
use shared::geom::Point;
use shared::ident::{Epoch, Name, ToolNumber};
use shared::motion::{Geometry, Path, Segment, SegmentKind, Station};
use shared::plan::Override;
use shared::program::{Provenance, SourceId};
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Length, Power, RotaryVelocity, Seconds};
use shared::wire::Channel;

use super::*;
use crate::agent_fixture as fixture;
use crate::{Agent, OperatorAction};

fn at(ms: u64) -> Instant {
    Instant::ORIGIN.after(Duration::from_ms(ms))
}

fn sample(ms: u64) -> ControllerSample {
    ControllerSample {
        execution: Some(Execution::Active),
        mode: Some(ControllerMode::Automatic),
        line: Some(1),
        position: Some(Point::new(-0.0, f64::MIN_POSITIVE / 2.0, 0.1 + 0.2)),
        path_feedrate: Some(Feedrate::mm_s(1.0 / 3.0)),
        dial_permille: Some(1200),
        factor: Some(Override::PROGRAMMED),
        factor_enabled: Some(false),
        rotary_velocity: Some(RotaryVelocity::rev_s(-133.3)),
        spindle_power: Some(Power::w(1e-300)),
        tool: Some(ToolNumber(7)),
        ..ControllerSample::unavailable(at(ms))
    }
}

fn entries() -> Vec<Entry<'static>> {
    let factor = Override::from_permille(735).expect("in range");
    vec![
        Entry::Sample(sample(3)),
        Entry::Sample(ControllerSample::unavailable(at(4))),
        Entry::Message { received_at: at(5), bytes: b"not a message of ours" },
        Entry::Operator(OperatorAction::Arm),
        Entry::Operator(OperatorAction::Off),
        Entry::Operator(OperatorAction::ReArm),
        Entry::Operator(OperatorAction::ConfirmStock),
        Entry::Grant(Epoch(9)),
        Entry::Cycle(None),
        Entry::Cycle(Some(Command::Factor { factor, time_to_live: Duration::from_ms(100) })),
        Entry::Cycle(Some(Command::FeedHold)),
        Entry::Operator(OperatorAction::ArmFirstPart),
        Entry::Transmit(Transmitted::of(Channel::State, b"bytes")),
        Entry::Objection(Objection::Program),
        Entry::Objection(Objection::EffectTime),
    ]
}

#[test]
fn every_entry_survives_the_round_trip_bit_by_bit_and_no_prefix_reads() {
    for entry in entries() {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        let decoded = Entry::decode(entry.kind(), &bytes).expect("its own bytes");
        let mut again = Vec::new();
        decoded.encode(&mut again);
        assert_eq!((decoded, &again), (entry, &bytes));
        if matches!(entry, Entry::Message { .. }) {
            continue;
        }
        for length in 0..bytes.len() {
            assert!(Entry::decode(entry.kind(), &bytes[..length]).is_err(), "{entry:?} cut to {length}");
        }
        bytes.push(0);
        assert!(Entry::decode(entry.kind(), &bytes).is_err(), "{entry:?} with a byte behind it");
    }
    let kinds: std::collections::BTreeSet<_> = entries().iter().map(Entry::kind).collect();
    assert!(kinds.into_iter().eq(EntryKind::ALL), "every kind is covered");
}

#[test]
fn values_that_no_entry_holds_are_refused() {
    let mut bytes = Vec::new();
    Entry::Sample(ControllerSample::unavailable(at(1))).encode(&mut bytes);
    let check = |bytes: &[u8], place: usize, value: u8| {
        let mut changed = bytes.to_vec();
        changed[place] = value;
        assert!(Entry::decode(EntryKind::Sample, &changed).is_err(), "byte {place} = {value}");
    };
    // A bit beyond the last field; a value without its bit; an execution nobody knows, with its bit.
    check(&bytes, 9, 0x80);
    check(&bytes, 10, 3);
    bytes[8] = 1;
    check(&bytes, 10, 8);
    for (kind, wrong) in [
        (EntryKind::Operator, &[9_u8][..]),
        (EntryKind::Cycle, &[3]),
        (EntryKind::Cycle, &[1, 0xff, 0xff]),
        (EntryKind::Objection, &[0]),
    ] {
        assert!(Entry::decode(kind, wrong).is_err());
    }
}

/// Drives an agent as a shell would and records it.
fn recorded(cycles: u64) -> (Vec<u8>, RecordingEnd, Arc<Path>) {
    let (config, path) = (fixture::config(), path());
    let job = fixture::job(Arc::clone(&path));
    let machine = Name::parse("mill-1").expect("valid");
    let head = RecordingHead {
        epoch: Epoch(4),
        started_at: at(0),
        machine: &machine,
        config: &config,
        capabilities: job.capabilities,
        job: &job.offer.clone(),
    };
    let mut recorder = Recorder::new(Cursor::new(Vec::new()), &head).expect("memory takes it");
    let mut agent = Agent::new(config, job, Epoch(4), at(0)).expect("valid settings");
    let mut bytes = Vec::new();
    let mut note = |now, entry: &Entry<'_>| recorder.record(now, entry).expect("memory takes it");
    note(at(0), &Entry::Operator(OperatorAction::Arm));
    agent.handle_operator(at(0), OperatorAction::Arm);
    for cycle in 0..cycles {
        let now = at(cycle * 10);
        let mut sample = sample(cycle * 10);
        sample.position = Some(Point::new(cycle as f64 * 0.1, 0.0, 0.0));
        note(now, &Entry::Sample(sample));
        agent.handle_sample(now, &sample);
        note(now, &Entry::Message { received_at: now, bytes: b"noise" });
        agent.handle_message(now, b"noise");
        note(now, &Entry::Cycle(agent.poll_command(now)));
        for _ in 0..TRANSMITS_PER_CYCLE_MAX {
            let Some(channel) = agent.poll_transmit(now, &mut bytes) else { break };
            note(now, &Entry::Transmit(Transmitted::of(channel, &bytes)));
        }
    }
    let (out, end) = recorder.finish().expect("memory takes it");
    (out.into_inner(), end, path)
}

/// One straight cut of 100 mm.
fn path() -> Arc<Path> {
    let segment = Segment {
        kind: SegmentKind::Feed,
        geometry: Geometry::Line { start: Point::new(0.0, 0.0, 0.0), end: Point::new(100.0, 0.0, 0.0) },
        start: Station::START,
        end: Station::from_mm(100.0),
        length: Length::mm(100.0),
        feed: Feedrate::mm_s(10.0),
        spindle: None,
        tool: Some(ToolNumber(7)),
        at: Provenance { source: SourceId(0), line: 1, ..Provenance::default() },
        forced: None,
        still: Seconds::s(0.0),
        stop_at_end: true,
        corner: shared::motion::CornerRule::Machine,
        turn_rad: [0.0; 3],
    };
    Arc::new(Path::new(vec![segment]).expect("a path"))
}

#[test]
fn invariant_5_equal_runs_give_equal_files_and_a_replay_gives_the_same_digest() {
    let (first, end, path) = recorded(50);
    let (second, ..) = recorded(50);
    assert_eq!(first, second);
    let tape = Tape::read(&first).expect("its own bytes");
    assert!(tape.is_complete());
    assert_eq!(tape.end(), end);
    let result = replay_with(fixture::job(path), &tape).expect("it begins");
    assert_eq!((result.difference, result.digest), (None, end.digest));
    assert_eq!((result.cycles, result.inputs), (50, 101));
    assert!(result.commands > 0 && result.transmits > 0, "{result:?}");
}

#[test]
fn the_first_difference_is_found() {
    let (bytes, end, path) = recorded(50);
    let tape = Tape::read(&bytes).expect("its own bytes");
    // Another job behind the same inputs: its offer is another message in the first cycle.
    let mut job = fixture::job(path);
    job.offer = Arc::from(b"another job".as_slice());
    let result = replay_with(job, &tape).expect("it begins");
    assert!(matches!(result.difference, Some(Difference::Transmit { .. })), "{result:?}");
    assert_ne!(result.digest, end.digest);
}

#[test]
fn a_broken_off_file_is_read_to_its_last_whole_chunk_and_a_changed_one_is_refused() {
    let (bytes, end, _) = recorded(4000);
    let tape = Tape::read(&bytes[..bytes.len() * 3 / 4]).expect("what is there");
    assert!(!tape.is_complete());
    assert!(tape.end().entries > 0 && tape.end().entries < end.entries, "{:?} of {end:?}", tape.end());
    let mut refused = 0;
    for place in (bytes.len() / 8..bytes.len() / 2).step_by(997) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        // What does not read any more ends the tape early; what reads must not pass for the whole.
        refused += u64::from(!Tape::read(&changed).is_ok_and(|tape| tape.is_complete() && tape.end() == end));
    }
    assert!(refused > 10, "only {refused}");
    assert!(Tape::read(b"").is_err() && Tape::read(&bytes[..100]).is_err());
}

#[test]
fn a_recording_with_a_loss_is_not_replayed() {
    let config = fixture::config();
    let machine = Name::parse("mill-1").expect("valid");
    let job = fixture::job(path());
    let head = RecordingHead {
        epoch: Epoch(1),
        started_at: at(0),
        machine: &machine,
        config: &config,
        capabilities: job.capabilities,
        job: b"job",
    };
    let mut recorder = Recorder::new(Cursor::new(Vec::new()), &head).expect("memory takes it");
    recorder.note_lost(3);
    let (out, _) = recorder.finish().expect("memory takes it");
    let tape = Tape::read(&out.into_inner()).expect("its own bytes");
    assert!(matches!(replay_with(job, &tape), Err(ReplayError::Lost { lost: 3 })));
    assert_eq!((tape.head().config, tape.head().capabilities), (&config, head.capabilities));
}
