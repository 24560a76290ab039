//! The locator on real runs, as recorded and damaged.
//!
//! Recordings of two mills carry lines and times, not positions; the position given to the locator is the
//! middle of a move of the reported line. Lines are then torn, stretches of minutes lost, holds and dials from
//! 0 to 150 % put in. Whatever comes, the locator must not panic, must not run backwards while its lock holds,
//! must have the reported move within its uncertainty whenever it says it knows the place, and must find it again.
//! A run of another revision must be refused where it is whole.

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use edge_agent::locator::{Finding, Locator, Quality};
use firmware_bridge::dialect::shdr::{Completeness, Decoder, Event};
use shared::det::Rng;
use shared::files::{FileText, MachinePatch, read_machine};
use shared::motion::{CompileOptions, Path, Station, compile};
use shared::program;
use shared::time::{Duration, Instant};

const RUNS: [(&str, &str); 6] = [
    ("nist_cover.nc", "Cover-Op3-Hurco04-01of20.txt"),
    ("nist_cover.nc", "Cover-Op3-Hurco04-18of20.txt"),
    ("nist_box_op2_front.nc", "Box-OP2-Hurco02-10of20.txt"),
    ("nist_box_op2_front.nc", "Box-OP2-Hurco02-16of20.txt"),
    ("nist_plate_01.nc", "Plate-Op1-Hurco04-12of20.txt"),
    ("nist_plate_01.nc", "Plate-Op1-Hurco04-20of20.txt"),
];

const SEEDS: u64 = 6;
/// A gap that is put into every run under the last seed, s.
const MINUTE_S: f64 = 60.0;

/// A file of the shared folder; `None` where it is absent, which is said, and is a failure in CI.
#[allow(clippy::print_stderr, clippy::disallowed_methods)] // A skip must be seen; a test may read a file.
fn shared_file(name: &str) -> Option<Vec<u8>> {
    let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/{}"), name);
    let Ok(bytes) = std::fs::read(&path) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{path} is missing");
        eprintln!("SKIPPED: {name} is absent");
        return None;
    };
    Some(bytes)
}

fn path_of(file: &str, text: &[u8]) -> Arc<Path> {
    let machine = include_str!("../../scenarios/data/machines/hurco-04.toml");
    let (machine, _) =
        read_machine(FileText { name: "m", text: machine }, &MachinePatch::default()).expect("a machine");
    let options = program::Options {
        length_unit: machine.length_unit,
        tool_length_rule: machine.tool_length_rule,
        reference_mm: [0.0, 0.0, 100.0],
        ..program::Options::without_machine(program::Dialect::Auto)
    };
    let ops = program::interpret(file, text, &program::NoSubprograms, &options).ops;
    let (path, _) = compile(&ops, &CompileOptions { machine: &machine, work_origin_mm: [0.0; 3] });
    Arc::new(path.expect("a program that moves"))
}

/// What was done to a recording.
#[derive(Clone, Copy, Debug, Default)]
struct Damage {
    torn: u32,
    gaps: u32,
    longest_gap_s: f64,
    holds: u32,
    dials: u32,
}

impl Damage {
    fn add(&mut self, other: Self) {
        self.torn += other.torn;
        self.gaps += other.gaps;
        self.longest_gap_s = self.longest_gap_s.max(other.longest_gap_s);
        self.holds += other.holds;
        self.dials += other.dials;
    }
}

/// Time of day of a recorded line, s; `None` for a line without one.
fn stamp_s(line: &[u8]) -> Option<f64> {
    let stamp = std::str::from_utf8(line.split(|byte| *byte == b'|').next()?).ok()?;
    let (_, time) = stamp.trim_end_matches('Z').split_once('T')?;
    time.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

/// Lines that are lost behind one: now and then up to 300; under the last seed once a whole minute.
fn lost(lines: &[&[u8]], at: usize, seed: u64, before: Damage, rng: &mut Rng) -> usize {
    if rng.chance(0.002) {
        return rng.below(300) as usize;
    }
    let begins = seed == SEEDS - 1 && before.longest_gap_s < MINUTE_S && at > lines.len() / 10;
    let from_s = if begins { stamp_s(lines[at]) } else { None };
    let Some(from_s) = from_s else { return 0 };
    let within = |line: &&&[u8]| stamp_s(line).is_none_or(|to_s| to_s < from_s + MINUTE_S);
    lines[at + 1..].iter().take_while(within).count()
}

/// The recording as it is for seed 0, else damaged.
fn damaged(bytes: &[u8], seed: u64) -> (Vec<u8>, Damage) {
    let mut damage = Damage::default();
    if seed == 0 {
        return (bytes.to_vec(), damage);
    }
    let mut rng = Rng::new(seed);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let line = lines[at];
        if rng.chance(0.01) {
            damage.torn += 1;
            out.extend_from_slice(&line[..rng.below(line.len() as u64) as usize]);
            out.extend_from_slice(if rng.chance(0.5) { b"\n" } else { b"\x00\xff" });
        } else {
            out.extend_from_slice(line);
        }
        if rng.chance(0.005) {
            let stamp = line.split(|byte| *byte == b'|').next().unwrap_or_default();
            let dial = format!("|Feed_Override|{}|Rapid_Override|{}\n", rng.below(151), rng.below(101));
            out.extend_from_slice(stamp);
            let holds = rng.chance(0.5);
            damage.holds += u32::from(holds);
            damage.dials += u32::from(!holds);
            out.extend_from_slice(if holds { b"|Program_Status|FEED_HOLD\n" } else { dial.as_bytes() });
        }
        // A gap: a stretch of the recording is not there.
        let lost = lost(&lines, at, seed, damage, &mut rng);
        let after = lines.get(at + 1 + lost).and_then(|line| stamp_s(line));
        if let (1.., Some(from_s), Some(to_s)) = (lost, stamp_s(line), after) {
            damage.gaps += 1;
            damage.longest_gap_s = damage.longest_gap_s.max(to_s - from_s);
        }
        at += 1 + lost;
    }
    (out, damage)
}

#[derive(Default)]
struct Seen {
    samples: u32,
    located: u32,
    /// Samples after which the place was not known although it had been, and after which it was again.
    lost: u32,
    found: u32,
    relocked: u32,
    refused: bool,
    located_at_end: bool,
}

fn follow(path: &Arc<Path>, lines_max: u32, same_revision: bool, bytes: &[u8], what: &str) -> Seen {
    let mut by_line: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, segment) in path.segments().iter().enumerate().filter(|(_, segment)| segment.length.as_mm() > 0.0) {
        by_line.entry(segment.at.line).or_default().push(index);
    }
    let mut job = world::job(world::path(None));
    (job.path, job.lines_max) = (path.clone(), lines_max);
    let mut locator = Locator::new(&world::config(), &job);
    let (mut seen, mut last) = (Seen::default(), Station::START);
    let mut was_known = false;
    let mut decoder = Decoder::new(Completeness::WholePairs);
    // One feed: the stamps then carry all there is of time, however late the bytes come.
    let (mut samples, mut received) = (Vec::new(), Instant::ORIGIN.after(Duration::from_ms(100_000_000)));
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        received = received.after(Duration::from_ms(1));
        decoder.feed(line, received, &mut |event| {
            if let Event::Report(report) = event {
                samples.push((report.source, report.sample));
            }
        });
    }
    let first = samples.iter().find_map(|(source, _)| *source).expect("a stamp").as_ns();
    for (source, mut sample) in samples {
        let Some(source) = source else { continue };
        sample.valid_at = Instant::from_ns(1 + source.as_ns().saturating_sub(first));
        let places = sample.line.and_then(|line| by_line.get(&line));
        let place = places.map(|places| places[0]);
        sample.position = place.map(|place| path.segments()[place].geometry.point(0.5));
        let finding = locator.handle_sample(&sample);
        let fix = locator.fix();
        seen.samples += 1;
        seen.relocked += u32::from(finding == Finding::Relocked);
        assert!(
            finding == Finding::Relocked || fix.station >= last,
            "{what}: backwards from {last} to {} by {finding:?}",
            fix.station
        );
        last = fix.station;
        assert!(fix.uncertainty.as_mm() >= 0.0 && fix.uncertainty.as_mm().is_finite(), "{what}: {fix:?}");
        // Proof of another revision voids every place; nothing is admitted from then on.
        let refused = matches!(finding, Finding::RevisionLine { .. } | Finding::RevisionTool { .. });
        seen.refused |= refused;
        let known = fix.quality == Quality::Located;
        seen.lost += u32::from(was_known && !known);
        seen.found += u32::from(!was_known && known && seen.located > 0);
        was_known = known;
        if !known || seen.refused || !same_revision {
            continue;
        }
        seen.located += 1;
        seen.located_at_end |= fix.station >= path.segments()[path.segments().len() * 9 / 10].start;
        if let (Some(places), true) = (places, fix.valid_at == sample.valid_at) {
            let (low, high) = (fix.station.advanced(-fix.uncertainty), fix.station.advanced(fix.uncertainty));
            let within = |place: &usize| path.segments()[*place].start <= high && path.segments()[*place].end >= low;
            assert!(places.iter().any(within), "{what}: line {:?} is not within {fix:?}", sample.line);
        }
    }
    seen
}

#[test]
#[allow(clippy::print_stdout)] // The figures of the report come from here.
fn recordings_as_they_are_and_damaged_never_mislead_the_locator() {
    let (mut damage, mut found_again) = (Damage::default(), 0);
    for (program, recording) in RUNS {
        let files =
            (shared_file(&format!("corpus/nist/{program}")), shared_file(&format!("recordings/nist/{recording}")));
        let (Some(text), Some(bytes)) = files else { return };
        let path = path_of(program, &text);
        let lines_max = text.split(|byte| *byte == b'\n').count() as u32;
        // The plate was run with its tools in another order: a place in it is no truth about this program.
        let same_revision = !program.starts_with("nist_plate");
        for seed in 0..SEEDS {
            let what = format!("{recording}, seed {seed}");
            let (bytes, done) = damaged(&bytes, seed);
            let seen = follow(&path, lines_max, same_revision, &bytes, &what);
            let Seen { samples, located, lost, found, relocked, refused, located_at_end } = seen;
            println!("{what}: {done:?}");
            println!("  {samples} samples, {located} located, lost {lost}, found {found}, relocked {relocked} times");
            damage.add(done);
            assert!(refused != same_revision || (seed > 0 && !same_revision), "{what}: refused: {refused}");
            if same_revision {
                found_again += found;
                assert!(located * 4 > samples, "{what}: {located} of {samples} located");
                assert!(located_at_end, "{what}: the place was not found again");
            }
        }
    }
    println!("{damage:?}, found again {found_again} times");
    let Damage { torn, gaps, longest_gap_s, holds, dials } = damage;
    assert!(torn > 100 && gaps > 10 && longest_gap_s >= MINUTE_S && holds > 50 && dials > 50, "{damage:?}");
    assert!(found_again > 10, "{found_again}");
}
