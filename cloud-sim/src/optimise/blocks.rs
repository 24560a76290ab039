//! What a whole block may run at: for programs, which have one feed a block.
//!
//! A plan over station slows where it has to. An F word holds for a whole block, so a block gets the lowest of the
//! bounds on it, widened by the uncertainty of the station like those of a plan. No slew counts: between blocks
//! the control changes its feed as fast as the drives can.

use shared::budget::WorkAllowance;
use shared::plan::Binding;

use super::schedule::{ScheduleInput, cells_of};

/// The lowest bound on each segment of the path with what binds there; `None` for segments outside the range.
pub fn lowest_by_segment(input: &ScheduleInput<'_>) -> Vec<Option<(f64, Binding)>> {
    let cells = cells_of(input, WorkAllowance(u32::MAX));
    let mut next = 0;
    let lowest = |segment: &shared::motion::Segment| {
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
