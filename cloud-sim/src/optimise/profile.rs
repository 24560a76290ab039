//! A row of cells over station: bounds without gaps, widened by the uncertainty of the station.

use std::collections::VecDeque;

use shared::motion::{Path, SegmentKind, Station};
use shared::plan::{Binding, Limits, Reason};

use super::bound::{StepBound, fixed_reason, is_exempt};

/// One stretch with one bound, one feed and one reached speed. Stations in nm, because passes work on
/// borders between those of the steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) from_nm: u64,
    pub(super) to_nm: u64,
    pub(super) ratio: f64,
    pub(super) binding: Binding,
    pub(super) feed_mm_s: f64,
    pub(super) reached_mm_s: f64,
    /// Time of a stretch without movement in seconds for each mm of its equivalent; zero for moves.
    pub(super) still_s_mm: f64,
}

impl Cell {
    pub(super) fn is_exempt(&self) -> bool {
        is_exempt(self.binding.reason)
    }

    pub(super) fn length_mm(&self) -> f64 {
        (self.to_nm - self.from_nm) as f64 * 1e-6
    }

    /// Time over a part of the cell at a factor.
    pub(super) fn time_s(&self, length_mm: f64, factor: f64) -> f64 {
        if self.still_s_mm > 0.0 || self.binding.reason == Reason::Still {
            return self.still_s_mm * length_mm;
        }
        let factor = if self.is_exempt() { 1.0 } else { factor };
        length_mm / self.reached_mm_s.min(factor * self.feed_mm_s)
    }
}

/// Cells over [from, to) as the bounds have them; where there is no bound, what the path says, and on feed
/// moves *unknown*: as programmed at most.
pub(super) fn cells(path: &Path, bounds: &[StepBound], limits: &Limits, from: Station, to: Station) -> Vec<Cell> {
    let end = to.min(path.end());
    let mut cells = Vec::with_capacity(bounds.len() + 8);
    let mut at = from;
    let mut next = bounds.partition_point(|bound| bound.to <= from);
    let mut index = path.index_at(from);
    while at < end {
        while next < bounds.len() && bounds[next].to <= at {
            next += 1;
        }
        while path.segments()[index].end <= at {
            index += 1;
        }
        let segment = &path.segments()[index];
        let still_s_mm = match segment.kind {
            SegmentKind::Still(_) => segment.still.as_s() / segment.end.beyond(segment.start).as_mm(),
            SegmentKind::Rapid | SegmentKind::Feed => 0.0,
        };
        let covering = bounds.get(next).filter(|bound| bound.from <= at);
        let (until, ratio, binding, feed, reached) = match covering {
            Some(bound) => (bound.to, bound.feed_max_ratio, bound.binding, bound.feed, bound.reached),
            None => {
                let until = bounds.get(next).map_or(segment.end, |bound| bound.from.min(segment.end));
                let reason = fixed_reason(segment, limits);
                let ratio = if reason.is_some() { 1.0 } else { limits.ratio_max() };
                (until, ratio, Binding::plain(reason.unwrap_or(Reason::Unknown)), segment.feed, segment.feed)
            }
        };
        let until = until.min(segment.end).min(end);
        cells.push(Cell {
            from_nm: at.as_nm(),
            to_nm: until.as_nm(),
            ratio,
            binding,
            feed_mm_s: feed.as_mm_s(),
            reached_mm_s: reached.as_mm_s(),
            still_s_mm,
        });
        at = until;
    }
    cells
}

/// The least bound within `margin_nm` to both sides of each station. Cells with a fixed factor neither give
/// nor take. O(n) after sorting three sorted rows of borders.
pub(super) fn widened(cells: &[Cell], margin_nm: u64) -> Vec<Cell> {
    if margin_nm == 0 || cells.is_empty() {
        return cells.to_vec();
    }
    let (start, end) = (cells[0].from_nm, cells[cells.len() - 1].to_nm);
    let mut borders: Vec<u64> = cells.iter().map(|cell| cell.from_nm).collect();
    let giving = cells.iter().filter(|cell| !cell.is_exempt());
    borders.extend(giving.clone().map(|cell| cell.from_nm.saturating_sub(margin_nm)));
    borders.extend(giving.map(|cell| cell.to_nm.saturating_add(margin_nm)));
    borders.push(end);
    borders.retain(|border| (start..=end).contains(border));
    borders.sort();
    borders.dedup();

    let mut widened: Vec<Cell> = Vec::with_capacity(borders.len());
    // Indices of cells in reach, bounds rising from front to back: the front is the least.
    let mut reach: VecDeque<usize> = VecDeque::new();
    let (mut entering, mut own) = (0, 0);
    for pair in borders.windows(2) {
        let [from_nm, to_nm] = [pair[0], pair[1]];
        while entering < cells.len() && cells[entering].from_nm.saturating_sub(margin_nm) <= from_nm {
            if !cells[entering].is_exempt() {
                while reach.back().is_some_and(|&last| cells[last].ratio > cells[entering].ratio) {
                    reach.pop_back();
                }
                reach.push_back(entering);
            }
            entering += 1;
        }
        while reach.front().is_some_and(|&first| cells[first].to_nm.saturating_add(margin_nm) <= from_nm) {
            reach.pop_front();
        }
        while cells[own].to_nm <= from_nm {
            own += 1;
        }
        let mut cell = Cell { from_nm, to_nm, ..cells[own] };
        if let Some(&least) = reach.front().filter(|_| !cell.is_exempt())
            && cells[least].ratio < cell.ratio
        {
            cell.ratio = cells[least].ratio;
            cell.binding = cells[least].binding;
        }
        push_merged(&mut widened, cell);
    }
    widened
}

/// Appends a cell; grows the one before it where nothing but its end would differ.
fn push_merged(cells: &mut Vec<Cell>, cell: Cell) {
    if let Some(last) = cells.last_mut()
        && *last == (Cell { from_nm: last.from_nm, to_nm: last.to_nm, ..cell })
        && last.to_nm == cell.from_nm
    {
        last.to_nm = cell.to_nm;
        return;
    }
    cells.push(cell);
}

/// Joins neighbours so that at most about `cells_max` cells are left: groups of 2^k, each with the least bound
/// and the greatest speeds of its members, so that every schedule of the coarse row lies below that of the
/// fine one. Groups end at cells with a fixed factor.
pub(super) fn coarsened(cells: Vec<Cell>, cells_max: usize) -> Vec<Cell> {
    let mut group = 1;
    while cells.len() / group > cells_max.max(1) && group < cells.len() {
        group *= 2;
    }
    if group == 1 {
        return cells;
    }
    let mut coarse: Vec<Cell> = Vec::with_capacity(cells.len() / group + 8);
    let mut members = 0;
    for cell in cells {
        let joins = members > 0 && members < group && !cell.is_exempt();
        if let Some(last) = coarse.last_mut().filter(|_| joins) {
            last.to_nm = cell.to_nm;
            last.feed_mm_s = last.feed_mm_s.max(cell.feed_mm_s);
            last.reached_mm_s = last.reached_mm_s.max(cell.reached_mm_s);
            if cell.ratio < last.ratio {
                last.ratio = cell.ratio;
                last.binding = cell.binding;
            }
            members += 1;
        } else {
            members = usize::from(!cell.is_exempt());
            coarse.push(cell);
        }
    }
    coarse
}
