//! The cycle time of a program, what it is made of, and when each block begins.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use shared::job::Job;
use shared::motion::{Profile, SegmentKind, StillKind};

/// The report of `cosim time`.
#[derive(Debug, Serialize)]
pub struct TimingJson {
    /// Program, as it was named.
    pub program: String,
    /// Digest of its bytes.
    pub program_digest: String,
    /// Name of the machine.
    pub machine: String,
    /// Whole program at 100 %, without the waits for a person at stops, s.
    pub cycle_time_s: f64,
    /// What that time is made of, s: `rapid`, `feed`, `dwell`, `spindle`, `tool_change`, `m_code`. Sums to it.
    pub cycle_time_split_s: BTreeMap<&'static str, f64>,
    /// Length of all moves over their feeds, s: what the drives need no time for.
    pub distance_over_feed_s: f64,
    /// Length of all moves, mm.
    pub path_mm: f64,
    /// Pieces of the path.
    pub segments: usize,
    /// Stops that wait for a person (M0, M1, M60).
    pub stops: usize,
    /// What was not given and was filled in.
    pub assumed: Vec<String>,
}

/// One block that moves or waits: one line of JSON. A block of a subprogram or a loop comes once a run.
#[derive(Debug, Serialize)]
struct BlockJson {
    line: u32,
    source: u16,
    start_s: f64,
    end_s: f64,
    station_mm: f64,
    kind: &'static str,
}

/// The report of a profile of a job.
pub fn timing_json(program: &str, job: &Job, profile: &Profile, assumed: &[String]) -> TimingJson {
    let split = profile.split();
    let named = [
        ("rapid", split.rapid),
        ("feed", split.feed),
        ("dwell", split.dwell),
        ("spindle", split.spindle),
        ("tool_change", split.tool_change),
        ("m_code", split.m_code),
    ];
    let segments = job.path.segments();
    let moves = segments.iter().filter(|segment| !matches!(segment.kind, SegmentKind::Still(_)));
    TimingJson {
        program: program.to_owned(),
        program_digest: job.program.0.to_string(),
        machine: job.machine.name.clone(),
        cycle_time_s: profile.cycle_time().as_s(),
        cycle_time_split_s: named.map(|(name, time)| (name, time.as_s())).into(),
        distance_over_feed_s: moves.map(|segment| (segment.length / segment.feed).as_s()).sum(),
        path_mm: job.path.length().as_mm(),
        segments: segments.len(),
        stops: segments.iter().filter(|segment| segment.kind == SegmentKind::Still(StillKind::Stop)).count(),
        assumed: assumed.iter().chain(&job.assumed).cloned().collect(),
    }
}

/// The report in the words of the shop.
pub fn timing_text(report: &TimingJson) -> String {
    let mut out = String::new();
    let mut put = |line: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{line}");
    };
    put(format_args!("Program   {} on {}", report.program, report.machine));
    put(format_args!("Path      {:.1} mm in {} segments", report.path_mm, report.segments));
    put(format_args!("Cycle     {:.2} s at 100 %", report.cycle_time_s));
    for (name, time_s) in &report.cycle_time_split_s {
        put(format_args!("  {name:<12} {time_s:>10.2} s"));
    }
    put(format_args!("Distance over feed alone: {:.2} s", report.distance_over_feed_s));
    if report.stops > 0 {
        put(format_args!("Stops that wait for a person, not counted: {}", report.stops));
    }
    for line in &report.assumed {
        put(format_args!("Assumed   {line}"));
    }
    out
}

/// Writes when each block begins and ends as a JSON object a line.
///
/// # Errors
/// What the writer reports.
pub fn write_blocks(job: &Job, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let segments = job.path.segments();
    let mut first = 0;
    for (index, segment) in segments.iter().enumerate() {
        if segments.get(index + 1).is_some_and(|next| next.at == segment.at) {
            continue;
        }
        let block = BlockJson {
            line: segment.at.line,
            source: segment.at.source.0,
            start_s: profile.segment_start(first).as_s(),
            end_s: profile.segment_start(index + 1).as_s(),
            station_mm: segments[first].start.as_mm(),
            kind: kind(segment.kind),
        };
        first = index + 1;
        serde_json::to_writer(&mut *out, &block)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn kind(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Rapid => "rapid",
        SegmentKind::Feed => "feed",
        SegmentKind::Still(StillKind::Dwell) => "dwell",
        SegmentKind::Still(StillKind::ToolChange) => "tool_change",
        SegmentKind::Still(StillKind::Spindle) => "spindle",
        SegmentKind::Still(StillKind::MCode) => "m_code",
        SegmentKind::Still(StillKind::Stop) => "stop",
    }
}
