//! A run and its prediction, cut at the same places.

use shared::motion::{Path, Profile, SegmentKind, StillKind};

use super::alignment::{Alignment, Block, Seen};
use super::recording::Recording;

/// What an interval is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalKind {
    /// From ACTIVE to the first block.
    Start,
    /// The block of a tool change.
    ToolChange,
    /// From the end of a tool change to the last movement with that tool.
    Cut,
    /// From the last movement with a tool to its change: the spindle stops.
    SpindleStop,
    /// From the last movement to the completion of the program.
    End,
    /// From the end of a tool change to the first feed move seen: the spindle runs up.
    Approach,
    /// From the first feed move of a cut to the first thing seen behind the last one.
    Feeds,
    /// From there to the tool change or the completion: the spindle stops while the axes retract.
    Retract,
    /// A part of the feed moves.
    LineRange,
    /// The reported speed of the spindle from zero to the programmed speed.
    SpinUp,
}

impl IntervalKind {
    /// For reports.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::ToolChange => "tool change",
            Self::Cut => "cut",
            Self::SpindleStop => "spindle stop",
            Self::End => "end",
            Self::Approach => "approach",
            Self::Feeds => "feed moves",
            Self::Retract => "retract and stop",
            Self::LineRange => "lines",
            Self::SpinUp => "spin-up",
        }
    }
}

impl IntervalKind {
    /// True for what a fit rests on. A whole cut does not: it ends with moves to places of the machine that the
    /// program does not say. Neither does the end, for the same reason; both are in what is.
    pub(super) const fn is_fitted(self) -> bool {
        !matches!(self, Self::Cut | Self::End | Self::SpinUp)
    }
}

/// A stretch of time of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// What it is.
    pub kind: IntervalKind,
    /// Tool at its end; `None` where there is none.
    pub tool: Option<u32>,
    /// First and last line of the program.
    pub lines: (u32, u32),
    /// Its time in the recording without what a person took.
    pub measured_s: f64,
    /// What a person took, by rule: holds and silence.
    pub held_s: f64,
    /// Span in the recording since ACTIVE.
    pub(super) span_s: (f64, f64),
    /// The stretches of station it is: first and last segment, the last not included.
    pub(super) segments: (usize, usize),
}

impl Interval {
    /// What a profile says it takes.
    pub(super) fn predicted_s(&self, profile: &Profile) -> f64 {
        (profile.segment_start(self.segments.1) - profile.segment_start(self.segments.0)).as_s()
    }
}

/// Cuts of one path, by what the segments say.
struct Cutter<'a> {
    path: &'a Path,
    blocks: &'a [Block],
    alignment: &'a Alignment,
    recording: &'a Recording,
    /// Half the time between two looks of the controller at its line.
    late_s: f64,
}

/// The intervals of a run in order.
pub(super) fn intervals(path: &Path, blocks: &[Block], alignment: &Alignment, recording: &Recording) -> Vec<Interval> {
    let cutter = Cutter { path, blocks, alignment, recording, late_s: 0.5 * recording.sampling_s() };
    let mut found = Vec::new();
    let changes: Vec<usize> = alignment.blocks.clone().filter(|block| cutter.change_in(*block).is_some()).collect();
    let mut from = alignment.blocks.start;
    if alignment.whole {
        found.extend(cutter.start(&mut from));
    }
    let begin = from;
    let ends = changes.into_iter().filter(|change| *change > begin).chain([alignment.blocks.end]);
    for end in ends {
        if cutter.change_in(from).is_some() {
            found.extend(cutter.tool_change(from));
            from += 1;
        }
        found.extend(cutter.cut(from, end));
        from = end;
    }
    found
}

impl Cutter<'_> {
    fn change_in(&self, block: usize) -> Option<usize> {
        let kind = |segment: &usize| self.path.segments()[*segment].kind == SegmentKind::Still(StillKind::ToolChange);
        self.blocks[block].segments.clone().find(kind)
    }

    /// When a block was first seen by its own line, or one behind it.
    fn first_seen(&self, block: usize) -> Option<Seen> {
        let at = self.alignment.seen.partition_point(|seen| seen.block < block);
        let from = &self.alignment.seen[at..];
        from.iter().find(|seen| seen.own && seen.block == block).or(from.first()).copied()
    }

    fn tool(&self, block: usize) -> Option<u32> {
        let block = self.blocks.get(block.min(self.blocks.len().saturating_sub(1)))?;
        self.path.segments()[block.segments.end - 1].tool.map(|tool| tool.0)
    }

    fn interval(
        &self,
        kind: IntervalKind,
        span_s: (f64, f64),
        blocks: (usize, usize),
        segments: (usize, usize),
    ) -> Interval {
        let held_s = self.recording.held_s(span_s.0, span_s.1);
        let line = |block: usize| self.blocks[block.min(self.blocks.len() - 1)].line;
        let last = line(blocks.1.saturating_sub(1).max(blocks.0));
        Interval {
            kind,
            tool: self.tool(blocks.1.saturating_sub(1).max(blocks.0)),
            lines: (line(blocks.0), last),
            measured_s: span_s.1 - span_s.0 - held_s,
            held_s,
            span_s,
            segments,
        }
    }

    /// The delay of the control before the first block. Where that changes the tool, both are one interval: at
    /// which of the two a run is, the controller does not always say.
    fn start(&self, from: &mut usize) -> Option<Interval> {
        let block = &self.blocks[*from];
        let delay = self.path.segments()[block.segments.start].kind == SegmentKind::Still(StillKind::MCode);
        let alone = block.segments.len() == 1 && delay;
        *from += usize::from(alone);
        let first = if self.change_in(*from).is_some() { *from + 1 } else { *from };
        let end = if first > *from || alone {
            self.blocks.get(first)?.segments.start
        } else {
            block.segments.start + usize::from(delay)
        };
        *from = first;
        let seen = self.alignment.seen.iter().find(|seen| seen.at_s > 0.0 && seen.block >= first)?;
        let span_s = (0.0, seen.at_s - self.late_s);
        (seen.block == first).then(|| self.interval(IntervalKind::Start, span_s, (first, first + 1), (0, end)))
    }

    fn tool_change(&self, block: usize) -> Option<Interval> {
        let change = self.change_in(block)?;
        let (from, to) = (self.first_seen(block)?, self.first_seen(block + 1)?);
        // Seen from its beginning, and the next block too.
        let whole = from.own && from.block == block && from.at_s > 0.0 && to.block == block + 1;
        let segments = (change, self.blocks[block].segments.end);
        whole.then(|| self.interval(IntervalKind::ToolChange, (from.at_s, to.at_s), (block, block + 1), segments))
    }

    /// A cut, its line ranges, and what follows it until the next tool or the end.
    fn cut(&self, from: usize, to: usize) -> Vec<Interval> {
        let moves = |block: &usize| {
            self.blocks[*block]
                .segments
                .clone()
                .any(|at| !matches!(self.path.segments()[at].kind, SegmentKind::Still(_)))
        };
        let mut out = Vec::new();
        let Some(last) = (from..to).rev().find(moves) else { return out };
        let (Some(begin), Some(end)) = (self.first_seen(from), self.first_seen(last)) else { return out };
        if begin.block != from {
            return out;
        }
        // What is seen first behind the last movement: a line between that has no block of its own counts to the
        // next block, which is reported twice then.
        let behind = self.alignment.seen.iter().position(|seen| seen.block > last);
        let moving_end = self.moving_end(last);
        let begin_segment = self.blocks[from].segments.start;
        if let Some(behind) = behind {
            let end_s = self.alignment.seen[behind].at_s;
            out.push(self.interval(
                IntervalKind::Cut,
                (begin.at_s, end_s),
                (from, last + 1),
                (begin_segment, moving_end),
            ));
            out.extend(self.feed_moves(from, last));
            out.extend(self.after(behind, last, moving_end));
        } else if end.block == last && self.alignment.whole && to == self.blocks.len() {
            // Nothing is seen behind it: the end of the program belongs to the cut.
            let span_s = (begin.at_s, self.recording.duration_s);
            let all = (begin_segment, self.path.segments().len());
            out.push(self.interval(IntervalKind::Cut, span_s, (from, last + 1), all));
            out.extend(self.feed_moves(from, last));
        }
        out
    }

    /// Segment behind the last movement of a block.
    fn moving_end(&self, block: usize) -> usize {
        let still = |at: &usize| matches!(self.path.segments()[*at].kind, SegmentKind::Still(_));
        let segments = self.blocks[block].segments.clone();
        segments.clone().rev().find(|at| !still(at)).map_or(segments.end, |at| at + 1)
    }

    fn after(&self, behind: usize, last: usize, moving_end: usize) -> Option<Interval> {
        let Seen { at_s: from_s, block: next, .. } = self.alignment.seen[behind];
        let Some(change) = self.change_in(next) else {
            let ends = self.alignment.whole && next + 1 == self.blocks.len();
            let all = (moving_end, self.path.segments().len());
            let span_s = (from_s, self.recording.duration_s);
            return ends.then(|| self.interval(IntervalKind::End, span_s, (last, last + 1), all));
        };
        // The same block is reported again when its own line comes.
        let own = self.alignment.seen[behind + 1..].iter().find(|seen| seen.block >= next)?;
        let again = own.block == next;
        again.then(|| {
            self.interval(IntervalKind::SpindleStop, (from_s, own.at_s), (last, last + 1), (moving_end, change))
        })
    }

    /// What of a cut is known from the program alone: the approach, the feed moves as a whole and in pieces of
    /// about [`RANGE_S`] between blocks that were seen, and the retract with the stop of the spindle, which lasts
    /// as long as the spindle does wherever the axes go.
    fn feed_moves(&self, from: usize, last: usize) -> Vec<Interval> {
        let mut out = Vec::new();
        let feeds = |block: &usize| {
            self.blocks[*block].segments.clone().any(|at| self.path.segments()[at].kind == SegmentKind::Feed)
        };
        let ends = ((from..=last).find(feeds), (from..=last).rev().find(feeds));
        let (Some(first), Some(final_feed)) = ends else { return out };
        let seen = &self.alignment.seen;
        let at = |block: usize| seen.partition_point(|seen| seen.block < block);
        let (begin, end) = (at(first), at(final_feed + 1));
        let (Some(start), Some(open), Some(close)) = (self.first_seen(from), seen.get(begin), seen.get(end)) else {
            return out;
        };
        let segment = |block: usize| self.blocks[block].segments.start;
        let mut put = |kind: IntervalKind, a: (f64, usize), b: (f64, usize)| {
            if b.1 > a.1 {
                out.push(self.interval(kind, (a.0, b.0), (a.1, b.1), (segment(a.1), segment(b.1))));
            }
        };
        put(IntervalKind::Approach, (start.at_s, from), (open.at_s, open.block));
        put(IntervalKind::Feeds, (open.at_s, open.block), (close.at_s, close.block));
        let mut before = (open.at_s, open.block);
        for now in &seen[begin..=end] {
            if now.block > before.1 && now.at_s - before.0 >= RANGE_S {
                put(IntervalKind::LineRange, before, (now.at_s, now.block));
                before = (now.at_s, now.block);
            }
        }
        out.extend(self.retract(end, close, last));
        out
    }

    fn retract(&self, from: usize, close: &Seen, last: usize) -> Option<Interval> {
        let change = |seen: &&Seen| seen.own && seen.block > last && self.change_in(seen.block).is_some();
        let start = self.blocks[close.block].segments.start;
        if let Some(next) = self.alignment.seen[from..].iter().find(change) {
            let to = self.change_in(next.block)?;
            let blocks = (close.block, next.block);
            return Some(self.interval(IntervalKind::Retract, (close.at_s, next.at_s), blocks, (start, to)));
        }
        let span_s = (close.at_s, self.recording.duration_s);
        let all = (start, self.path.segments().len());
        self.alignment
            .whole
            .then(|| self.interval(IntervalKind::Retract, span_s, (close.block, self.blocks.len()), all))
    }
}

/// Least time of a line range, s: long against the sampling of lines.
const RANGE_S: f64 = 2.0;
