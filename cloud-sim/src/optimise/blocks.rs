//! What a whole block may run at: for programs, which have one feed a block.
//!
//! A plan over station slows where it has to. An F word holds for a whole block, so a block gets the lowest of the
//! bounds on it, widened by the uncertainty of the station like those of a plan. No slew counts: between blocks
//! the control changes its feed as fast as the drives can.

use shared::budget::WorkAllowance;
use shared::motion::{Segment, SegmentKind};
use shared::plan::Binding;
use shared::units::Length;

use super::profile::Cell;
use super::schedule::{ScheduleInput, cells_of};

/// The lowest bound on each segment of the path with what binds there; `None` for segments outside the range.
pub fn lowest_by_segment(input: &ScheduleInput<'_>) -> Vec<Option<(f64, Binding)>> {
    let cells = cells_of(input, WorkAllowance(u32::MAX));
    let mut next = 0;
    let lowest = |segment: &Segment| {
        let (from_nm, to_nm) = (segment.start.as_nm(), segment.end.as_nm());
        while next < cells.len() && cells[next].to_nm <= from_nm {
            next += 1;
        }
        let within = cells[next..].iter().take_while(|cell| cell.from_nm < to_nm);
        let least = within.reduce(|least, cell| if cell.ratio < least.ratio { cell } else { least });
        least.map(|cell| (cell.ratio, cell.binding))
    };
    input.path.segments().iter().map(lowest).collect()
}

/// When a block is worth being split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitRules {
    /// Shortest piece.
    pub piece_min: Length,
    /// Most pieces of a block.
    pub pieces_max: usize,
    /// Least share of a block's time that all its cuts together have to win.
    pub gain_min: f64,
}

/// A stretch of a block under one bound.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from_nm: u64,
    to_nm: u64,
    ratio: f64,
    feed_mm_s: f64,
    reached_mm_s: f64,
}

impl Piece {
    fn of(cell: &Cell) -> Self {
        let Cell { from_nm, to_nm, ratio, feed_mm_s, reached_mm_s, .. } = *cell;
        Self { from_nm, to_nm, ratio, feed_mm_s, reached_mm_s }
    }

    fn joined(&self, next: &Self) -> Self {
        let reached_mm_s = self.reached_mm_s.max(next.reached_mm_s);
        Self { to_nm: next.to_nm, ratio: self.ratio.min(next.ratio), reached_mm_s, ..*self }
    }

    fn time_s(&self) -> f64 {
        (self.to_nm - self.from_nm) as f64 * 1e-6 / self.reached_mm_s.min(self.ratio * self.feed_mm_s)
    }
}

/// Where to cut each segment so that no piece runs at the feed of another's worst place: shares of its length, rising; none
/// where a cut wins too little, and for what does not move at a feed that may change.
pub fn cuts_by_segment(input: &ScheduleInput<'_>, rules: SplitRules) -> Vec<Vec<f64>> {
    let cells = cells_of(input, WorkAllowance(u32::MAX));
    let mut next = 0;
    let cuts = |segment: &Segment| {
        let (from_nm, to_nm) = (segment.start.as_nm(), segment.end.as_nm());
        while next < cells.len() && cells[next].to_nm <= from_nm {
            next += 1;
        }
        let within = cells[next..].iter().take_while(|cell| cell.from_nm < to_nm);
        let within: Vec<&Cell> = within.collect();
        if segment.kind != SegmentKind::Feed || within.iter().any(|cell| cell.is_exempt()) {
            return Vec::new();
        }
        let pieces = joined(within.into_iter().map(Piece::of).collect(), rules);
        let length_nm = (to_nm - from_nm) as f64;
        pieces.iter().skip(1).map(|piece| (piece.from_nm - from_nm) as f64 / length_nm).collect()
    };
    input.path.segments().iter().map(cuts).collect()
}

/// Joins neighbours until every piece is long enough and there are few enough of them, each time the pair that loses the
/// least time; one piece where even that wins too little.
fn joined(mut pieces: Vec<Piece>, rules: SplitRules) -> Vec<Piece> {
    let least_nm = (rules.piece_min.as_mm() * 1e6) as u64;
    // Equal neighbours cost nothing to join.
    pieces.dedup_by(|next, before| {
        let alike = (next.ratio - before.ratio).abs() <= 1e-3;
        if alike {
            *before = before.joined(next);
        }
        alike
    });
    let whole_s = pieces.iter().copied().reduce(|a, b| a.joined(&b)).map_or(0.0, |piece| piece.time_s());
    while pieces.len() > 1 {
        let short = pieces.iter().any(|piece| piece.to_nm - piece.from_nm < least_nm);
        let loss = |index: usize| {
            let (a, b) = (&pieces[index], &pieces[index + 1]);
            a.joined(b).time_s() - a.time_s() - b.time_s()
        };
        let is_short =
            |index: usize| [index, index + 1].iter().any(|i| pieces[*i].to_nm - pieces[*i].from_nm < least_nm);
        let candidates = (0..pieces.len() - 1).filter(|index| !short || is_short(*index));
        let Some(best) = candidates.min_by(|a, b| loss(*a).total_cmp(&loss(*b))) else { break };
        let gain_s: f64 = whole_s - pieces.iter().map(Piece::time_s).sum::<f64>();
        // Few and long enough: go on only while a cut is worth nothing by itself.
        if !short && pieces.len() <= rules.pieces_max && loss(best) > 0.25 * rules.gain_min * whole_s {
            return if gain_s >= rules.gain_min * whole_s { pieces } else { Vec::new() };
        }
        let next = pieces.remove(best + 1);
        pieces[best] = pieces[best].joined(&next);
    }
    Vec::new()
}

/// The levels to which factors are rounded down when a program may have only so many of them: the choice that
/// loses the least time. Rising; the least of the factors is always one of them.
///
/// `factors` holds each factor in per mille with the time its blocks take at 1.0. Exact by dynamic programming: levels
/// cut the sorted factors into groups, each group runs at its least. O(buckets · n²) for n distinct factors.
pub fn bucket_levels(factors: &[(u16, f64)], buckets: usize) -> Vec<u16> {
    let mut rows: Vec<(u16, f64)> = Vec::new();
    let mut sorted = factors.to_vec();
    sorted.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    for (factor, time_s) in sorted.into_iter().filter(|row| row.0 > 0) {
        match rows.last_mut().filter(|last| last.0 == factor) {
            Some(last) => last.1 += time_s,
            None => rows.push((factor, time_s)),
        }
    }
    if rows.len() <= buckets || buckets == 0 {
        return rows.iter().map(|row| row.0).collect();
    }
    let mut sums = vec![0.0];
    for row in &rows {
        sums.push(sums[sums.len() - 1] + row.1);
    }
    // best[i]: least time of the first i rows in the groups so far; from[g][i]: where the last of them begins.
    let group_s = |begin: usize, end: usize| (sums[end] - sums[begin]) / f64::from(rows[begin].0);
    let mut best: Vec<f64> = (0..=rows.len()).map(|end| if end == 0 { 0.0 } else { group_s(0, end) }).collect();
    let mut from: Vec<Vec<usize>> = vec![vec![0; rows.len() + 1]];
    for _ in 1..buckets {
        let mut next = best.clone();
        let mut begins = vec![usize::MAX; rows.len() + 1];
        for end in 1..=rows.len() {
            for (begin, before_s) in best.iter().enumerate().take(end).skip(1) {
                let time_s = before_s + group_s(begin, end);
                if time_s < next[end] {
                    (next[end], begins[end]) = (time_s, begin);
                }
            }
        }
        best = next;
        from.push(begins);
    }
    let (mut levels, mut end, mut group) = (Vec::new(), rows.len(), buckets - 1);
    while end > 0 {
        // No better cut with this many groups: the same rows were cut best with one fewer.
        if from[group][end] == usize::MAX {
            group -= 1;
            continue;
        }
        end = from[group][end];
        levels.push(rows[end].0);
        group = group.saturating_sub(1);
    }
    levels.reverse();
    levels
}

#[cfg(test)]
mod tests {
    use shared::det::Rng;

    use super::*;

    #[test]
    fn pieces_are_cut_where_it_pays_and_lose_little_against_cells() {
        let rules = SplitRules { piece_min: Length::mm(2.0), pieces_max: 6, gain_min: 0.02 };
        let mut rng = Rng::new(77);
        let mut cut = 0;
        for case in 0..300 {
            let mut at_nm = 0;
            let cells: Vec<Piece> = (0..1 + rng.below(30))
                .map(|_| {
                    let from_nm = at_nm;
                    at_nm += 1 + (rng.between(0.05, 9.0) * 1e6) as u64;
                    let ratio = if rng.chance(0.4) { 1.0 } else { rng.between(0.2, 1.0) };
                    Piece { from_nm, to_nm: at_nm, ratio, feed_mm_s: 20.0, reached_mm_s: 18.0 }
                })
                .collect();
            let found = joined(cells.clone(), rules);
            if found.is_empty() {
                continue;
            }
            cut += 1;
            assert!(found.len() <= rules.pieces_max && found[0].from_nm == 0, "case {case}: {found:?}");
            assert_eq!(found.last().map(|piece| piece.to_nm), Some(at_nm));
            for (index, piece) in found.iter().enumerate() {
                assert!(piece.to_nm - piece.from_nm >= 2_000_000, "case {case}: {piece:?}");
                assert!(index == 0 || found[index - 1].to_nm == piece.from_nm);
                let within = cells.iter().filter(|cell| cell.from_nm < piece.to_nm && cell.to_nm > piece.from_nm);
                let least = within.map(|cell| cell.ratio).fold(1.0, f64::min);
                assert!(piece.ratio <= least + 1.1e-3, "case {case}: a piece faster than what it covers");
            }
            let whole = cells.iter().copied().reduce(|a, b| a.joined(&b)).expect("cells").time_s();
            let time: f64 = found.iter().map(Piece::time_s).sum();
            assert!(time <= whole * 0.98 + 1e-9, "case {case}: {time} against {whole}");
        }
        assert!(cut > 150, "{cut} blocks were cut");
    }

    fn time_at(factors: &[(u16, f64)], levels: &[u16]) -> f64 {
        let level = |factor: u16| levels.iter().rev().find(|level| **level <= factor).copied().expect("a level below");
        factors.iter().map(|(factor, time_s)| time_s / f64::from(level(*factor))).sum()
    }

    #[test]
    fn levels_lose_the_least_time_of_all_choices() {
        let mut rng = Rng::new(31);
        for case in 0..200 {
            let count = 2 + rng.below(6) as usize;
            let factors: Vec<(u16, f64)> =
                (0..count).map(|_| (rng.below(1000) as u16 + 1, rng.between(0.1, 5.0))).collect();
            let mut distinct: Vec<u16> = factors.iter().map(|row| row.0).collect();
            distinct.sort_unstable();
            distinct.dedup();
            let buckets = 1 + rng.below(4) as usize;
            let found = bucket_levels(&factors, buckets);
            assert!(found.len() <= buckets && found[0] == distinct[0], "case {case}: {found:?} of {factors:?}");
            // Brute force: every set of levels that holds the least.
            let mut best = f64::INFINITY;
            for set in 0u32..1 << distinct.len() {
                let chosen = |index: &usize| set >> index & 1 == 1;
                let levels: Vec<u16> = (0..distinct.len()).filter(chosen).map(|index| distinct[index]).collect();
                if set & 1 == 1 && levels.len() <= buckets {
                    best = best.min(time_at(&factors, &levels));
                }
            }
            let time_s = time_at(&factors, &found);
            assert!((time_s / best - 1.0).abs() < 1e-12, "case {case}: {time_s} against {best}");
        }
        assert!(bucket_levels(&[], 3).is_empty());
    }
}
