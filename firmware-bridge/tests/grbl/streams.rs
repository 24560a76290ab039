use std::sync::Arc;

use firmware_bridge::controller::Execution;
use firmware_bridge::dialect::grbl::{
    AlarmCode, ErrorCode, Flavour, Numbering, OnTrouble, ProgramFault, Role, Session, StreamEnd, StreamReport, Streamer,
};
use firmware_bridge::grbl_emulator::{EmulatorConfig, Incident, IncidentKind, Noise};
use shared::det::Rng;
use shared::time::Duration;

use crate::rig::{FLAVOURS, Rig, settings};

const LINES: u32 = 2000;

/// Every line is another one, some are blank or comments, one in 200 is refused.
fn program() -> Vec<String> {
    let line = |number: u32| match number {
        1 => "%".to_owned(),
        _ if number.is_multiple_of(97) => String::new(),
        _ if number.is_multiple_of(89) => format!("(comment {number})"),
        _ if number % 200 == 150 => format!("G99 Y{}", number / 200),
        _ => format!("G1 X{}.{} F2400 (line {number})", number / 4, 25 * (number % 4)),
    };
    (1..=LINES).map(line).collect()
}

/// What the parser should see of a line; `None` where it is not even sent.
fn parsed(line: &str) -> Option<Vec<u8>> {
    let bare = line.split('(').next().unwrap_or("").replace(' ', "");
    (!line.is_empty() && line != "%").then(|| bare.into_bytes())
}

fn streamer(flavour: Flavour, lines: &[String], on_trouble: OnTrouble) -> Streamer {
    let bytes: Arc<[u8]> = lines.join("\n").into_bytes().into();
    Streamer::new(bytes, &flavour.declaration(Duration::from_ms(50)), on_trouble, Numbering::AsWritten)
        .expect("the program can be streamed")
}

struct Outcome {
    rig: Rig,
    report: StreamReport,
    /// Lines the parser answered before the controller started anew, as the controller knows it.
    taken: Vec<(Vec<u8>, u8)>,
}

/// Streams from 1 s on, until it ends and a while beyond: nothing may follow.
fn stream(config: EmulatorConfig, lines: &[String], on_trouble: OnTrouble) -> Outcome {
    let what = format!("{:?} seed {} {on_trouble:?}", config.flavour, config.seed);
    let (flavour, settings) = (config.flavour, settings(config.flavour));
    let mut rig = Rig::with(config, Session::new(settings, Role::Watching(firmware_bridge::dialect::grbl::Tap::new())));
    rig.run(1000);
    rig.answered.clear();
    rig.session.send_program(streamer(flavour, lines, on_trouble));
    let starts = rig.starts;
    let mut taken = None;
    for _ in 0..200_000 {
        rig.step();
        if rig.starts > starts && taken.is_none() {
            taken = Some(rig.answered.clone());
        }
        if rig.ended.is_some() {
            break;
        }
    }
    assert!(rig.ended.is_some(), "{what}: the stream hangs: {:?}", rig.session.streamer().map(Streamer::report));
    rig.sent.clear();
    rig.run(4000);
    let more = rig.sent.iter().filter(|byte| !b"?!".contains(byte)).count();
    assert_eq!(more, 0, "{what}: {:?} was sent after the end", String::from_utf8_lossy(&rig.sent));
    let report = rig.session.streamer().expect("we send").report();
    report.validate().unwrap_or_else(|what_fails| panic!("{what}: {what_fails}: {report:?}"));
    let taken = taken.unwrap_or_else(|| rig.answered.clone());
    let taken = taken.into_iter().filter(|(line, _)| line != b"$G").collect();
    Outcome { rig, report, taken }
}

/// The account against what the controller knows: no line twice, none out of order, none lost without a word.
fn audit(what: &str, lines: &[String], outcome: &Outcome, joined: bool) {
    let Outcome { report, taken, .. } = outcome;
    let sent: Vec<(u32, Vec<u8>)> =
        (1..).zip(lines).filter_map(|(number, line)| parsed(line).map(|line| (number, line))).collect();
    assert!(taken.len() <= sent.len(), "{what}: {} lines arrived of {}", taken.len(), sent.len());
    if !joined {
        for ((line, _), (number, expected)) in taken.iter().zip(&sent) {
            assert_eq!(line, expected, "{what}: line {number} arrived as {:?}", String::from_utf8_lossy(line));
        }
    }
    let unclear = |number: u32| report.unclear.iter().any(|stretch| (stretch.first..=stretch.last).contains(&number));
    for (index, (number, _)) in sent.iter().enumerate() {
        let refused = report.refused.iter().find(|(line, _)| line == number).map(|(_, code)| code.0);
        match taken.get(index) {
            // What is proven and clear is so, and with this answer.
            Some((_, error)) if *number <= report.proven_through && !unclear(*number) => {
                assert_eq!(refused.unwrap_or(0), *error, "{what}: the answer to line {number}");
            }
            Some(_) => assert!(*number <= report.sent_through, "{what}: line {number} arrived and was never sent"),
            None => assert!(
                *number > report.proven_through || unclear(*number),
                "{what}: line {number} never arrived and is not in doubt: {report:?}"
            ),
        }
    }
    if report.end == StreamEnd::Completed {
        assert!(taken.len() == sent.len() || joined, "{what}: completed with {} of {}", taken.len(), sent.len());
    }
}

#[test]
fn a_clean_stream_is_complete_proven_and_done() {
    let lines = program();
    for flavour in FLAVOURS {
        let outcome = stream(EmulatorConfig::router(flavour, 1), &lines, OnTrouble::GoOn);
        audit("clean", &lines, &outcome, false);
        let StreamReport { end, proven_through, done_through, ref refused, ref unclear, .. } = outcome.report;
        assert_eq!((end, proven_through, done_through, unclear.len()), (StreamEnd::Completed, LINES, LINES, 0));
        let codes: Vec<u32> = refused.iter().map(|(line, _)| *line).collect();
        assert_eq!(codes, (0..10).map(|index| 150 + 200 * index).collect::<Vec<_>>());
        assert!(refused.iter().all(|(_, code)| *code == ErrorCode(20)));
        assert_eq!(outcome.rig.emulator.bytes_dropped(), 0, "the receive buffer never overflows");
        assert_eq!(outcome.rig.sample.and_then(|sample| sample.execution), Some(Execution::ProgramCompleted));
    }
}

#[test]
fn a_refused_line_stops_the_stream_and_holds_the_feed() {
    let lines = program();
    let outcome = stream(EmulatorConfig::router(Flavour::Grbl, 1), &lines, OnTrouble::HoldAndStop);
    audit("refused", &lines, &outcome, false);
    assert_eq!(outcome.report.end, StreamEnd::Refused { line: 150, code: ErrorCode(20) });
    assert_eq!(outcome.rig.sample.and_then(|sample| sample.execution), Some(Execution::FeedHold));
    assert!(outcome.report.unsent() > 1800);
}

/// Damage of all kinds on the way back, and lost line ends on the way there.
#[test]
fn no_line_is_lost_or_doubled_silently_through_garbage() {
    let refused = program();
    let clean: Vec<String> = program().into_iter().map(|line| line.replace("G99", "G1F2400")).collect();
    let (mut ends, mut damaged, mut unclear, mut streams) = ([0; 3], 0, 0, 0);
    for (flavour, seed) in FLAVOURS.into_iter().flat_map(|flavour| (0..60).map(move |seed| (flavour, seed))) {
        for on_trouble in [OnTrouble::GoOn, OnTrouble::HoldAndStop] {
            let share = [0.0, 2e-4, 1e-3, 4e-3][seed as usize % 4];
            let joined = if seed % 5 == 4 { 2e-3 } else { 0.0 };
            let noise = Noise { garbled: share, torn: share, inserted: share, swallowed: share / 2.0, joined };
            let config = EmulatorConfig { noise, ..EmulatorConfig::router(flavour, seed) };
            let lines = if on_trouble == OnTrouble::GoOn { &refused } else { &clean };
            let outcome = stream(config, lines, on_trouble);
            audit(&format!("{flavour:?} seed {seed} {on_trouble:?}"), lines, &outcome, joined > 0.0);
            match outcome.report.end {
                StreamEnd::Completed => ends[0] += 1,
                StreamEnd::Unsure => ends[1] += 1,
                _ => ends[2] += 1,
            }
            (streams, damaged) = (streams + 1, damaged + outcome.rig.emulator.lines_damaged());
            unclear += outcome.report.unclear.len();
        }
    }
    eprintln!(
        "{streams} streams of {LINES} lines, {damaged} damaged: {} completed, {} unsure, {} otherwise; {unclear} unclear stretches",
        ends[0], ends[1], ends[2]
    );
    assert!(ends[0] > 20 && ends[1] > 20 && damaged > 500, "the damage proves nothing: {ends:?}");
}

#[test]
fn h11_resets_and_alarms_end_the_stream_with_an_account() {
    let lines: Vec<String> = program().into_iter().map(|line| line.replace("G99", "G1F2400")).collect();
    let (mut resets, mut alarms) = (0, 0);
    for (flavour, seed) in FLAVOURS.into_iter().flat_map(|flavour| (0..60).map(move |seed| (flavour, seed))) {
        let mut rng = Rng::new(seed);
        let at = Duration::from_ms(1500 + rng.below(12_000));
        let kind = match seed % 4 {
            0 => IncidentKind::PowerCycle,
            1 => IncidentKind::Alarm(1),
            2 => IncidentKind::Alarm(3),
            _ => IncidentKind::Alarm(4),
        };
        let share = if seed % 3 == 0 { 1e-3 } else { 0.0 };
        let noise = Noise { garbled: share, torn: share, inserted: share, swallowed: 0.0, joined: 0.0 };
        let config =
            EmulatorConfig { noise, incidents: vec![Incident { at, kind }], ..EmulatorConfig::router(flavour, seed) };
        let what = format!("{flavour:?} seed {seed} {kind:?}");
        let outcome = stream(config, &lines, OnTrouble::GoOn);
        audit(&what, &lines, &outcome, false);
        let report = &outcome.report;
        match report.end {
            StreamEnd::Reset => resets += 1,
            StreamEnd::Alarm(code) => {
                alarms += 1;
                assert_eq!(report.position_lost, code != AlarmCode(4), "{what}");
            }
            StreamEnd::Unsure => {}
            end => panic!("{what}: ended by {end:?}"),
        }
        assert!(report.unsent() > 0, "{what}: it came after the last line");
        // Lines before the border were really carried out; the planner held the rest.
        let moves = |through: u32| lines[..through as usize].iter().filter(|line| line.starts_with("G1")).count();
        let done = outcome.rig.done.len();
        if report.end != StreamEnd::Unsure {
            assert!(moves(report.maybe_not_done_after) <= done + 1, "{what}: {done} done, {report:?}");
        }
        assert!(moves(report.done_through) <= done, "{what}");
    }
    assert!(resets >= 20 && alarms >= 60, "{resets} resets, {alarms} alarms");
}

/// The link breaks in mid-stream: the account stands, and a new link continues nothing.
#[test]
fn a_broken_link_ends_the_stream_and_reconnecting_sends_nothing() {
    let lines = program();
    let mut rig = Rig::new(EmulatorConfig::router(Flavour::Grbl, 2));
    rig.run(1000);
    rig.session.send_program(streamer(Flavour::Grbl, &lines, OnTrouble::GoOn));
    rig.factor(500, 600_000);
    rig.run(3000);
    assert_eq!(rig.emulator.feed_override(), 50);
    let mut ended = None;
    rig.session.handle_disconnect(&mut |occurrence| {
        if let firmware_bridge::dialect::grbl::Occurrence::StreamEnded(end) = occurrence {
            ended = Some(end);
        }
    });
    assert_eq!(ended, Some(StreamEnd::Disconnected));
    let report = rig.session.streamer().expect("we send").report();
    assert!(report.sent_through > report.proven_through && report.unsent() > 0 && report.validate().is_ok());
    rig.sent.clear();
    rig.run(5000);
    assert!(rig.sent.iter().all(|byte| *byte == b'?'), "only questions after a reconnect: {:?}", rig.sent);
}

/// `Ln` is the physical line where the streamer puts it there.
#[test]
fn physical_line_numbers_come_back_in_reports() {
    let lines = ["G91", "N7 G1 X5 F600", "(comment)", "", "n9999X5"];
    let bytes: Arc<[u8]> = lines.join("\r\n").into_bytes().into();
    let declaration = Flavour::GrblHal.declaration(Duration::from_ms(50));
    let streamer = Streamer::new(bytes, &declaration, OnTrouble::HoldAndStop, Numbering::Physical).expect("valid");
    let mut rig = Rig::new(EmulatorConfig::router(Flavour::GrblHal, 1));
    rig.run(500);
    rig.session.send_program(streamer);
    let mut seen = Vec::new();
    for _ in 0..3000 {
        rig.step();
        if let Some(line) = rig.sample.and_then(|sample| sample.line) {
            seen.push(line);
        }
    }
    seen.dedup();
    assert_eq!(seen, [2, 5]);
    assert_eq!(rig.ended, Some(StreamEnd::Completed));
    let position = rig.sample.and_then(|sample| sample.position).expect("the offset has come");
    assert!((position.x - (10.0 - 10.0)).abs() < 1e-9 && (position.y - -20.0).abs() < 1e-9, "{position:?}");
}

#[test]
fn a_program_that_would_be_obeyed_instead_of_read_is_refused_whole() {
    let check = |program: &str, expected: ProgramFault| {
        let declaration = Flavour::Grbl.declaration(Duration::from_ms(50));
        let bytes: Arc<[u8]> = program.as_bytes().into();
        let found = Streamer::new(bytes, &declaration, OnTrouble::GoOn, Numbering::AsWritten).err();
        assert_eq!(found, Some(expected), "{program:?}");
    };
    check("G0X1\n(really?)\n", ProgramFault::RealTimeByte { line: 2, byte: b'?' });
    check("G0X1 !", ProgramFault::RealTimeByte { line: 1, byte: b'!' });
    check("(Gr\u{f6}\u{df}e)", ProgramFault::RealTimeByte { line: 1, byte: 0xC3 });
    check("G0\n$H\n", ProgramFault::Setting { line: 2 });
    let long = format!("G1{}", "X1".repeat(50));
    check(&long, ProgramFault::LineTooLong { line: 1, len: 102, max: 79 });
    let comment = format!("G1X1 ({})", "c".repeat(130));
    check(&comment, ProgramFault::LineTooLong { line: 1, len: 137, max: 79 });
}
