#![allow(clippy::disallowed_methods, reason = "a test may read files and take the platform's functions as an oracle")]

use shared::det::Rng;
use shared::geom::Point;
use shared::ident::ToolNumber;
use shared::plan::Override;
use shared::time::{Duration, Instant};
use shared::units::{Feedrate, Power, RotaryVelocity};

use super::*;
use crate::controller::{ControllerMode, ControllerSample, Execution};
use crate::dialect::SourceTime;

fn full_sample() -> ControllerSample {
    ControllerSample {
        valid_at: Instant::ORIGIN,
        execution: Some(Execution::Active),
        mode: Some(ControllerMode::Automatic),
        line: Some(1159),
        position: Some(Point::new(1.25, -0.000_001, 1e5)),
        path_feedrate: Some(Feedrate::mm_s(12.5)),
        dial_permille: Some(1055),
        factor: Override::from_permille(857),
        factor_enabled: Some(true),
        rotary_velocity: Some(RotaryVelocity::rev_s(-200.0)),
        spindle_power: Some(Power::w(312.5)),
        tool: Some(ToolNumber(21)),
    }
}

fn reports(decoder: &mut Decoder, bytes: &[u8], piece: usize) -> Vec<Report> {
    let mut found = Vec::new();
    for part in bytes.chunks(piece) {
        decoder.feed(part, Instant::ORIGIN, &mut |event| {
            if let Event::Report(report) = event {
                found.push(report);
            }
        });
    }
    found
}

fn one(completeness: Completeness, line: &str) -> (Vec<Report>, Counters) {
    let mut decoder = Decoder::new(completeness);
    let found = reports(&mut decoder, format!("{line}\n").as_bytes(), 64);
    (found, decoder.counters())
}

#[test]
fn our_own_report_is_readable_and_comes_back_whole() {
    let mut bytes = Vec::new();
    encode_report(SourceTime::Relative(1_234_567_890), &full_sample(), &mut bytes);
    encode_report(SourceTime::Relative(1_244_567_890), &ControllerSample::unavailable(Instant::ORIGIN), &mut bytes);
    insta::assert_snapshot!(String::from_utf8(bytes.clone()).expect("text"), @r"
    1234.567890|Execution|ACTIVE|ControllerMode|AUTOMATIC|LineNumber|1159|PathPosition|1.250000 -0.000001 100000.000000|PathFeedrate|12.5000|PathFeedrateOverride|105.5000|PathFeedrateFactor|857|PathFeedrateFactorState|ENABLED|RotaryVelocity|-12000.0000|SpindlePower|312.5000|ToolNumber|21|Fields|11
    1244.567890|Execution|UNAVAILABLE|ControllerMode|UNAVAILABLE|LineNumber|UNAVAILABLE|PathPosition|UNAVAILABLE|PathFeedrate|UNAVAILABLE|PathFeedrateOverride|UNAVAILABLE|PathFeedrateFactor|UNAVAILABLE|PathFeedrateFactorState|UNAVAILABLE|RotaryVelocity|UNAVAILABLE|SpindlePower|UNAVAILABLE|ToolNumber|UNAVAILABLE|Fields|11
    ");
    let expected = reports(&mut Decoder::new(Completeness::Counted), &bytes, bytes.len());
    assert_eq!(
        expected.iter().map(|report| report.sample).collect::<Vec<_>>(),
        [full_sample(), ControllerSample::unavailable(Instant::ORIGIN)]
    );
    for piece in 1..bytes.len() {
        assert_eq!(reports(&mut Decoder::new(Completeness::Counted), &bytes, piece), expected, "pieces of {piece}");
    }
}

#[test]
fn utc_stamps_come_back() {
    let mut bytes = Vec::new();
    let at = SourceTime::Utc(1_486_496_910_187_500_000);
    encode_report(at, &full_sample(), &mut bytes);
    assert!(bytes.starts_with(b"2017-02-07T19:48:30.187500000Z|"));
    assert_eq!(reports(&mut Decoder::new(Completeness::Counted), &bytes, 9)[0].source, Some(at));
}

#[test]
fn no_prefix_of_our_report_is_believed() {
    let mut bytes = Vec::new();
    encode_report(SourceTime::Relative(1_000), &full_sample(), &mut bytes);
    for cut in 1..bytes.len() - 1 {
        let line = std::str::from_utf8(&bytes[..cut]).expect("ASCII");
        let (found, counters) = one(Completeness::Counted, line);
        assert_eq!((found.len(), counters.torn_lines + counters.garbage_lines), (0, 1), "{line:?}");
    }
    // A lost line feed glues two reports together; a lost middle glues the ends of two.
    let text = std::str::from_utf8(&bytes[..bytes.len() - 1]).expect("ASCII");
    assert!(one(Completeness::Counted, &format!("{text}{text}")).0.is_empty());
    assert!(one(Completeness::Counted, &format!("{}{text}", &text[..100])).0.is_empty());
}

#[test]
fn the_keys_of_the_recordings_are_converted() {
    let line = "2017-02-07T19:48:30Z|Block_Number|7|Feed_Rate|583.1|Feed_Override|150|Rapid_Override|100.000000|\
                Spindle_Override|50|Spindle_Speed|12000.0|Current_Tool|3.000000|Program_Status|FEED_HOLD|\
                Program_Runtime_Seconds|60";
    let (found, counters) = one(Completeness::WholePairs, line);
    let report = found[0];
    assert_eq!(report.sample.line, Some(7));
    let feedrate_mm_s = report.sample.path_feedrate.expect("said").as_mm_s();
    assert!((feedrate_mm_s - 583.1).abs() < 1e-9);
    assert_eq!(report.sample.dial_permille, Some(1500));
    assert_eq!((report.rapid_override_permille, report.spindle_override_permille), (Some(1000), Some(500)));
    assert_eq!(report.sample.rotary_velocity, Some(RotaryVelocity::rev_s(200.0)));
    assert_eq!(report.sample.tool, Some(ToolNumber(3)));
    assert_eq!(report.sample.execution, Some(Execution::FeedHold));
    assert_eq!((report.runtime_s, report.sample.position, report.sample.factor), (Some(60), None, None));
    assert_eq!(counters, Counters { reports: 1, ..Counters::default() });
}

#[test]
fn a_field_stays_until_it_changes_and_nonsense_makes_it_unavailable() {
    let mut decoder = Decoder::new(Completeness::WholePairs);
    let stream = "1|LineNumber|5\n2|PathFeedrate|3\n3|LineNumber|x\n4|PathFeedrate|NaN|Weight|7\n5|LineNumber|6\n";
    let found = reports(&mut decoder, stream.as_bytes(), 3);
    let lines: Vec<_> = found.iter().map(|report| report.sample.line).collect();
    assert_eq!(lines, [Some(5), Some(5), None, None, Some(6)]);
    let feeds: Vec<_> = found.iter().map(|report| report.sample.path_feedrate.map(|feed| feed.as_mm_s())).collect();
    assert_eq!(feeds, [None, Some(3.0), Some(3.0), None, None]);
    let expected = Counters { reports: 5, bad_values: 2, unknown_keys: 1, ..Counters::default() };
    assert_eq!(decoder.counters(), expected);
}

#[test]
fn values_no_machine_can_mean_are_unavailable() {
    for pair in [
        "PathFeedrate|inf",
        "PathFeedrate|1e300",
        "PathFeedrate|",
        "PathPosition|1 2",
        "PathPosition|1 2 3 4",
        "PathPosition|1 2 NaN",
        "PathFeedrateFactor|1001",
        "PathFeedrateFactor|-1",
        "PathFeedrateOverride|-5",
        "ToolNumber|-1",
        "ToolNumber|1.5",
        "LineNumber|-3",
        "Block_Number|4294967296",
        "Execution|active",
    ] {
        let (found, counters) = one(Completeness::WholePairs, &format!("1|{pair}"));
        assert_eq!(found[0].sample, ControllerSample::unavailable(Instant::ORIGIN), "{pair}");
        assert_eq!(counters.bad_values, 1, "{pair}");
    }
}

#[test]
fn pings_are_events_and_other_stars_are_nothing() {
    let mut decoder = Decoder::new(Completeness::WholePairs);
    let mut found = Vec::new();
    decoder.feed(b"* PONG 10000\n* PING\n* device: mill\n* PONG x\n", Instant::ORIGIN, &mut |event| found.push(event));
    let silence_max = Some(Duration::from_ms(10_000));
    assert_eq!(found, [Event::Heartbeat { silence_max }, Event::Heartbeat { silence_max: None }]);
}

#[test]
fn a_lost_connection_forgets_what_was_said() {
    let mut decoder = Decoder::new(Completeness::WholePairs);
    reports(&mut decoder, b"1|LineNumber|5\n2|Path", 8);
    decoder.disconnect();
    let found = reports(&mut decoder, b"3|PathFeedrate|2\n", 8);
    assert_eq!((found[0].sample.line, decoder.counters().torn_lines), (None, 1));
}

/// Noise of every kind, cut anywhere: no panic, no growth, the same events.
#[test]
fn hostile_bytes_never_panic_and_cuts_do_not_matter() {
    let parts: [&[u8]; 12] = [
        b"1.5|",
        b"Execution|ACTIVE",
        b"|LineNumber|",
        b"77",
        b"\n",
        b"\r\n",
        b"|",
        b"* PONG 9",
        b"\xff\x00\x80",
        b"|Fields|1\n",
        b"2017-02-07T19:48:30Z|Feed_Rate|",
        &[b'9'; 5000],
    ];
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let mut bytes = Vec::new();
        for _ in 0..rng.below(60) {
            bytes.extend_from_slice(parts[rng.below(parts.len() as u64) as usize]);
        }
        for completeness in [Completeness::Counted, Completeness::WholePairs] {
            let mut whole = Decoder::new(completeness);
            let expected = reports(&mut whole, &bytes, bytes.len().max(1));
            let mut cut = Decoder::new(completeness);
            let mut found = Vec::new();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (part, after) = rest.split_at((1 + rng.below(40) as usize).min(rest.len()));
                found.extend(reports(&mut cut, part, part.len()));
                rest = after;
            }
            assert_eq!((found, cut.counters()), (expected, whole.counters()), "seed {seed}");
        }
    }
}

/// Real executions of two mills: every line is accounted for.
#[test]
fn the_nist_recordings_are_read_to_the_last_line() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recordings/nist");
    let check = |file: &str, tool: u32, line_max: u32| {
        let Ok(bytes) = std::fs::read(format!("{folder}/{file}")) else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the recordings are missing: {file}");
            std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: no recordings beside the project\n")
                .expect("standard error is open");
            return;
        };
        let mut decoder = Decoder::new(Completeness::WholePairs);
        let found = reports(&mut decoder, &bytes, 1000);
        decoder.disconnect();
        let counters = decoder.counters();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
        assert_eq!(counters.reports + counters.torn_lines + counters.garbage_lines, lines, "{file}");
        assert_eq!((counters.garbage_lines, counters.bad_values, counters.long_lines), (0, 0, 0), "{file}");
        let last = found.last().expect("not empty").sample;
        assert_eq!((last.execution, last.tool.map(|tool| tool.0)), (Some(Execution::ProgramCompleted), Some(tool)));
        assert_eq!(found.iter().filter_map(|report| report.sample.line).max(), Some(line_max), "{file}");
    };
    check("Box-OP2-Hurco02-16of20.txt", 21, 1185);
    check("Box-OP2-Hurco02-03of20.txt", 21, 1209);
}
