//! A recorded run laid beside the path of its program.
//!
//! A controller reports the physical line it is at, sampled every 0.15 s or so; short blocks are never seen,
//! and lines without movement come and go. Seen lines are therefore walked along the path in order: each
//! belongs to the next block of that line, or, where the line has none (M5, an optional stop that is off), to
//! the first block behind it.
//!
//! A run that is at lines the program does not have, or cuts with a tool the program does not have there, is
//! another revision and is refused as a whole ([`ForeignRun`]). The stretch of one tool may still be the same
//! program text moved as a whole; such stretches agree in tool and number of lines and can be compared by
//! themselves ([`Alignment::by_tool`]).
//!
//! Rules of cleaning: time before ACTIVE does not count; a state other than ACTIVE, and a silence of more
//! than 2.5 s of a controller that reports its runtime every second, are times of a person and are taken out
//! of the interval they lie in; where the reported speeds stand at another ratio to the programmed ones, or
//! a dial is reported away from 100 %, the interval is predicted at that ratio and takes no part in a fit.

use std::collections::BTreeMap;
use std::ops::Range;

use shared::motion::{Path, Profile, SegmentKind, StillKind};

use super::recording::{Recording, Said};

/// A wrong tool must be reported this long before the run counts as foreign, s: line and tool are sampled at
/// different instants, and a tool change takes seconds.
const WRONG_TOOL_S: f64 = 12.0;

/// Consecutive segments of one block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) line: u32,
    pub(super) segments: Range<usize>,
}

/// Proof that a run is of another program, or of another revision of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForeignRun {
    /// It is at a line that the program does not have.
    #[error("another revision: it runs line {line}, the program ends at {lines}")]
    Line {
        /// Line.
        line: u32,
        /// Lines of the program.
        lines: u32,
    },
    /// It cuts with a tool that the program does not have there.
    #[error("another revision: it runs line {line} with T{tool}, the program has T{programmed} there")]
    Tool {
        /// Line.
        line: u32,
        /// The reported tool.
        tool: u32,
        /// The program's.
        programmed: u32,
    },
}

/// A line of a run that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    /// Time since ACTIVE.
    pub(super) at_s: f64,
    /// The block it belongs to.
    pub(super) block: usize,
    /// True if it is the block's own line, not one before it that has no block.
    pub(super) own: bool,
}

/// Lines of a run in the order in which they were seen, each with its block.
#[derive(Clone, Debug)]
pub struct Alignment {
    pub(super) seen: Vec<Seen>,
    /// Blocks that this alignment is about.
    pub(super) blocks: Range<usize>,
    /// True if it begins at the start of the program and ends with it.
    pub(super) whole: bool,
}

/// How well the predicted block agrees with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockTiming {
    /// Lines compared.
    pub count: usize,
    /// Median of the distance from the instant at which a line was reported to the time in which the
    /// prediction is at its block, s.
    pub median_s: f64,
    /// The distance that 95 of 100 stay within, s.
    pub p95_s: f64,
    /// Growth of the signed distance with time, by least squares.
    pub slope: f64,
}

/// Blocks of a path in order.
pub(super) fn blocks(path: &Path) -> Vec<Block> {
    let segments = path.segments();
    let mut blocks: Vec<Block> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        match blocks.last_mut() {
            Some(last) if segments[last.segments.start].at == segment.at => last.segments.end = index + 1,
            _ => blocks.push(Block { line: segment.at.line, segments: index..index + 1 }),
        }
    }
    blocks
}

/// The tools of a program in order: tool, line at which it is changed in, first block.
fn tool_stretches(path: &Path, blocks: &[Block]) -> Vec<(u32, u32, usize)> {
    let mut found: Vec<(u32, u32, usize)> = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let changes = |segment: usize| path.segments()[segment].kind == SegmentKind::Still(StillKind::ToolChange);
        if block.segments.clone().any(changes) {
            let tool = path.segments()[block.segments.end - 1].tool.map_or(0, |tool| tool.0);
            found.push((tool, block.line, index));
        }
    }
    found
}

impl Alignment {
    /// Lays a run beside the whole program of so many lines.
    ///
    /// # Errors
    /// [`ForeignRun`] where the run cannot be one of this program.
    pub fn new(path: &Path, lines: u32, recording: &Recording) -> Result<Self, ForeignRun> {
        if recording.line_max > lines {
            return Err(ForeignRun::Line { line: recording.line_max, lines });
        }
        let blocks = blocks(path);
        check_tools(path, &blocks, recording)?;
        let all = 0..blocks.len();
        Ok(Self { seen: walk(&blocks, &all, 0, recording.lines()), blocks: all, whole: true })
    }

    /// The stretches of single tools that agree in tool and number of lines, in the order of the run.
    pub fn by_tool(path: &Path, recording: &Recording) -> Vec<(u32, Self)> {
        let blocks = blocks(path);
        let programmed = tool_stretches(path, &blocks);
        let run = run_stretches(recording);
        let mut found = Vec::new();
        for (index, &(tool, line, from_s)) in run.iter().enumerate() {
            let next = run.get(index + 1);
            let to_line = next.map_or(recording.line_max, |next| next.1);
            let to_s = next.map_or(recording.duration_s, |next| next.2);
            let fits = |&(place, &(_, its_line, _)): &(usize, &(u32, u32, usize))| {
                let end = programmed.get(place + 1).map(|next| next.1);
                let last = blocks.last().map_or(its_line, |block| block.line);
                match (end, next) {
                    (Some(end), Some(_)) => end - its_line == to_line.wrapping_sub(line),
                    // The last lines of a program have no movement and may have no block.
                    (None, None) => to_line.saturating_sub(line).abs_diff(last - its_line) <= 4,
                    _ => false,
                }
            };
            let mut same = programmed.iter().enumerate().filter(|(_, entry)| entry.0 == tool).filter(fits);
            let (Some((place, &(_, its_line, first))), None) = (same.next(), same.next()) else { continue };
            // The next change belongs to it: it is what is seen behind the last movement.
            let end = programmed.get(place + 1).map_or(blocks.len(), |next| next.2 + 1);
            let shift = i64::from(its_line) - i64::from(line);
            let lines = recording.lines().filter(|(at_s, _)| (from_s..=to_s).contains(at_s));
            let seen = walk(&blocks, &(first..end), shift, lines);
            found.push((tool, Self { seen, blocks: first..end, whole: false }));
        }
        found
    }

    /// Compares the instants at which lines were reported with a prediction, after taking out the times for
    /// which the run was held.
    pub fn block_timing(&self, path: &Path, profile: &Profile, recording: &Recording) -> BlockTiming {
        let blocks = blocks(path);
        let mut signed: Vec<(f64, f64)> = Vec::with_capacity(self.seen.len());
        for &Seen { at_s, block, .. } in self.seen.iter().filter(|seen| seen.at_s > 0.0) {
            let clock_s = at_s - recording.held_s(0.0, at_s);
            let segments = &blocks[block].segments;
            let (from_s, to_s) =
                (profile.segment_start(segments.start).as_s(), profile.segment_start(segments.end).as_s());
            signed.push((clock_s, clock_s - clock_s.clamp(from_s, to_s)));
        }
        let mut distances: Vec<f64> = signed.iter().map(|(_, off_s)| off_s.abs()).collect();
        distances.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let index = (share * distances.len() as f64) as usize;
            distances.get(index.min(distances.len().saturating_sub(1))).copied().unwrap_or(0.0)
        };
        BlockTiming { count: signed.len(), median_s: quantile(0.5), p95_s: quantile(0.95), slope: slope(&signed) }
    }
}

/// Slope of a straight line through points, by least squares; zero for less than two.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| points.iter().map(part).sum::<f64>() / count;
    let (middle, level) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - middle) * (point.0 - middle)).sum();
    let common: f64 = points.iter().map(|point| (point.0 - middle) * (point.1 - level)).sum();
    if spread > 0.0 { common / spread } else { 0.0 }
}

/// Each line with its block, in the order in which blocks follow each other. A line that lies behind the
/// last one and comes again nowhere is left out: a controller may show a line of its read-ahead.
fn walk(blocks: &[Block], within: &Range<usize>, shift: i64, lines: impl Iterator<Item = (f64, u32)>) -> Vec<Seen> {
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for index in within.clone() {
        places.entry(blocks[index].line).or_default().push(index);
    }
    let mut at = within.start;
    let mut seen = Vec::new();
    for (at_s, line) in lines {
        let Ok(line) = u32::try_from(i64::from(line) + shift) else { continue };
        let same = places.get(&line).and_then(|places| places.iter().find(|place| **place >= at)).copied();
        let place = same.or_else(|| {
            let behind = blocks.get(at).is_some_and(|block| line < block.line);
            let later = |place: &usize| blocks[*place].line > line;
            if behind || line == 0 { None } else { (at..within.end).find(later) }
        });
        if let Some(place) = place {
            at = place;
            seen.push(Seen { at_s, block: place, own: same.is_some() });
        }
    }
    seen
}

/// The tools of a run in order: tool, line at which it came, time.
fn run_stretches(recording: &Recording) -> Vec<(u32, u32, f64)> {
    let (mut line, mut line_s) = (0, 0.0);
    let mut found: Vec<(u32, u32, f64)> = Vec::new();
    for &(at_s, said) in &recording.said {
        match said {
            Said::Line(now) => (line, line_s) = (now, at_s),
            Said::Tool(tool) if tool != 0 && found.last().is_none_or(|last| last.0 != tool) => {
                found.push((tool, line, line_s));
            }
            _ => {}
        }
    }
    found
}

/// Refuses a run that cuts with tools the program does not have where it is.
fn check_tools(path: &Path, blocks: &[Block], recording: &Recording) -> Result<(), ForeignRun> {
    let mut programmed: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for block in blocks {
        let cuts = |segment: &usize| path.segments()[*segment].kind == SegmentKind::Feed;
        for segment in block.segments.clone().filter(cuts) {
            if let Some(tool) = path.segments()[segment].tool {
                programmed.entry(block.line).or_default().push(tool.0);
            }
        }
    }
    let (mut tool, mut wrong_s) = (None, None);
    for &(at_s, said) in &recording.said {
        match said {
            Said::Tool(now) => tool = Some(now).filter(|now| *now != 0),
            Said::Line(line) => {
                let Some((tools, tool)) = programmed.get(&line).zip(tool) else { continue };
                if tools.contains(&tool) {
                    wrong_s = None;
                } else if at_s - *wrong_s.get_or_insert(at_s) > WRONG_TOOL_S {
                    return Err(ForeignRun::Tool { line, tool, programmed: tools[0] });
                }
            }
            _ => {}
        }
    }
    Ok(())
}
