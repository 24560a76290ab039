//! At what share of the programmed speeds a stretch was run, by the speeds it reports.
//!
//! A controller reports a dial when it is turned, not where it stood before; and a shop changes an F word
//! without changing the name of the file. Both show in the reported speed of moves that reach their feed. Of
//! the moves that the prediction says do, the ratio of reported to programmed speed at which most reports
//! agree is taken, if enough of them do.

use shared::motion::{Path, Profile, SegmentKind, Station};

use super::alignment::{Alignment, Block};
use super::recording::{Recording, Said};

/// Ratios within this share of each other agree.
const AGREE_SHARE: f64 = 0.01;
/// Least reports that must agree, and their share of all.
const AGREE_MIN: usize = 4;
const AGREE_OF_ALL: f64 = 0.2;
/// A move must be predicted to hold its speed for this long, s: speeds are sampled like lines.
const LEVEL_S_MIN: f64 = 0.1;
/// Share of the speed that must be reached in its middle.
const REACHED_SHARE: f64 = 0.985;
/// A ratio this close to 1 is 1.
pub(super) const UNTOUCHED: f64 = 0.015;

/// Reported over programmed speed; `None` where no move says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dials {
    pub(super) feed: Option<f64>,
    pub(super) rapid: Option<f64>,
}

impl Dials {
    /// True if both are 1 as far as is known.
    pub(super) fn untouched(self) -> bool {
        [self.feed, self.rapid].into_iter().flatten().all(|ratio| (ratio - 1.0).abs() <= UNTOUCHED)
    }
}

/// The dials over a span of a run.
pub(super) fn dials(
    (path, profile): (&Path, &Profile),
    blocks: &[Block],
    (alignment, recording): (&Alignment, &Recording),
    span_s: (f64, f64),
) -> Dials {
    let mut ratios = [Vec::new(), Vec::new()];
    for (at_s, block, speed_mm_s) in reported_speeds(alignment, recording) {
        if at_s < span_s.0 || at_s > span_s.1 {
            continue;
        }
        let kinds =
            |kind: SegmentKind| path.segments()[blocks[block].segments.clone()].iter().any(|its| its.kind == kind);
        if kinds(SegmentKind::Feed) && kinds(SegmentKind::Rapid) {
            // A drill cycle: which of its speeds was reported is not known.
            continue;
        }
        for index in blocks[block].segments.clone() {
            let segment = &path.segments()[index];
            let kind = match segment.kind {
                SegmentKind::Feed => 0,
                SegmentKind::Rapid => 1,
                SegmentKind::Still(_) => continue,
            };
            let middle = Station::from_nm(segment.start.as_nm().midpoint(segment.end.as_nm()));
            let (feed_mm_s, there_mm_s) = (segment.feed.as_mm_s(), profile.velocity_at(path, middle).as_mm_s());
            let level_s = segment.length.as_mm() / feed_mm_s;
            if there_mm_s >= REACHED_SHARE * feed_mm_s && level_s >= LEVEL_S_MIN {
                ratios[kind].push(speed_mm_s / feed_mm_s);
            }
        }
    }
    let [feed, rapid] = ratios.map(most_agree);
    Dials { feed, rapid }
}

/// Reported speeds with the block that was reported last before them.
pub(super) fn reported_speeds<'a>(
    alignment: &'a Alignment,
    recording: &'a Recording,
) -> impl Iterator<Item = (f64, usize, f64)> + 'a {
    recording.said.iter().filter_map(|(at_s, said)| {
        let Said::Feed(speed_mm_s) = *said else { return None };
        let next = alignment.seen.partition_point(|seen| seen.at_s <= *at_s);
        let block = alignment.seen.get(next.checked_sub(1)?)?.block;
        Some((*at_s, block, speed_mm_s))
    })
}

/// The ratio at which most agree; the middle one of those.
fn most_agree(mut ratios: Vec<f64>) -> Option<f64> {
    ratios.sort_by(f64::total_cmp);
    let all = ratios.len();
    let mut best = (0, 0.0);
    for (first, low) in ratios.iter().enumerate() {
        let agree = ratios[first..].partition_point(|ratio| *ratio <= low * (1.0 + 2.0 * AGREE_SHARE));
        if agree > best.0 {
            best = (agree, ratios[first + agree / 2]);
        }
    }
    (best.0 >= AGREE_MIN && best.0 as f64 >= AGREE_OF_ALL * all as f64).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::most_agree;

    #[test]
    fn most_reports_decide_and_few_do_not() {
        assert_eq!(most_agree(vec![0.4, 1.2, 1.2, 1.201, 0.9, 1.2, 0.1]), Some(1.2));
        assert_eq!(most_agree(vec![1.0, 1.0, 1.0]), None);
        let scattered: Vec<f64> = (0..100).map(|k| 0.3 + 0.05 * f64::from(k)).collect();
        assert_eq!(most_agree(scattered), None);
    }
}
