use std::collections::BTreeMap;
use std::ops::Range;

use shared::ident::ToolNumber;
use shared::motion::Path;

use super::{Cutter, NotCut, SegmentCut, SweepOptions, cut_segment};
use crate::executor::Executor;
use crate::stock::HeightMap;

/// What cuts and how: the unchanging part of cutting a path.
#[derive(Clone, Copy)]
pub struct PathCutter<'a> {
    /// Prepared tools by number.
    pub cutters: &'a BTreeMap<ToolNumber, Cutter>,
    /// The path.
    pub path: &'a Path,
    /// Steps.
    pub options: &'a SweepOptions,
    /// Who does the work.
    pub executor: &'a dyn Executor,
}

/// Cuts the segments of a range in order and hands over what each did.
///
/// A moving segment whose tool is not known is handed over uncut, with the reason in
/// [`SegmentCut::not_cut`]. Indices beyond the path are ignored.
pub fn cut_path(map: &mut HeightMap, what: &PathCutter<'_>, range: Range<usize>, sink: &mut dyn FnMut(SegmentCut)) {
    let segments = what.path.segments();
    let end = range.end.min(segments.len());
    for (index, segment) in segments.iter().enumerate().take(end).skip(range.start) {
        let mut cut = SegmentCut::default();
        let number = index as u32;
        match segment.tool.map(|tool| what.cutters.get(&tool)) {
            Some(Some(cutter)) => cut_segment(map, cutter, number, segment, what.options, what.executor, &mut cut),
            Some(None) => cut.leave(number, segment, NotCut::UnknownTool),
            None => cut.leave(number, segment, NotCut::NoTool),
        }
        sink(cut);
    }
}
