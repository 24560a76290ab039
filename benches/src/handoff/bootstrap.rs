//! How sure a ratio of two quantiles is.
//!
//! Latencies come in bursts, so that samples next to each other say nearly the same. A bootstrap that draws samples
//! one by one would believe them all; this one draws whole blocks of neighbours (moving blocks, Künsch 1989) from each
//! side, and tells where the middle 95 % of the ratios lie. The draws come from a seed: the same samples give the same
//! interval.

use shared::det::Rng;

/// Ratios that are drawn.
const DRAWS: usize = 500;

/// A ratio with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// As measured.
    pub value: f64,
    /// 2.5 % of the drawn ratios lie below.
    pub low: f64,
    /// 2.5 % lie above.
    pub high: f64,
}

/// The ratio of a quantile of `ours` to that of `theirs`, both in the order in which they were measured; blocks have
/// `block` samples. `None` of nothing.
pub fn quantile_ratio(ours: &[u64], theirs: &[u64], share: f64, block: usize, seed: u64) -> Option<Ratio> {
    let rng = Rng::new(seed);
    let (mut left, mut right) = (rng.fork("ours"), rng.fork("theirs"));
    let ratio = |ours: &mut Vec<u64>, theirs: &mut Vec<u64>| {
        let (ours, theirs) = (nearest_rank(ours, share)?, nearest_rank(theirs, share)?);
        (theirs > 0).then(|| ours as f64 / theirs as f64)
    };
    let value = ratio(&mut ours.to_vec(), &mut theirs.to_vec())?;
    let (mut a, mut b) = (Vec::with_capacity(ours.len()), Vec::with_capacity(theirs.len()));
    let mut drawn = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        resample(ours, block, &mut left, &mut a);
        resample(theirs, block, &mut right, &mut b);
        drawn.extend(ratio(&mut a, &mut b));
    }
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn.get((share * (drawn.len().max(1) - 1) as f64) as usize).copied();
    Some(Ratio { value, low: at(0.025)?, high: at(0.975)? })
}

/// The interval of a quantile itself, in ns.
pub fn quantile_interval(values: &[u64], share: f64, block: usize, seed: u64) -> Option<(u64, u64)> {
    let mut rng = Rng::new(seed).fork("interval");
    let mut sample = Vec::with_capacity(values.len());
    let mut drawn = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        resample(values, block, &mut rng, &mut sample);
        drawn.push(nearest_rank(&mut sample, share)?);
    }
    drawn.sort_unstable();
    Some((*drawn.get(DRAWS * 25 / 1000)?, *drawn.get(DRAWS * 975 / 1000)?))
}

/// The quantile of values in any order, O(n): sorting each of the drawn rows would take minutes after a soak.
fn nearest_rank(values: &mut [u64], share: f64) -> Option<u64> {
    let place = ((share * values.len() as f64).ceil() as usize).max(1) - 1;
    (place < values.len()).then(|| *values.select_nth_unstable(place).1)
}

/// As many samples as there are, in blocks of neighbours; the row is closed to a ring so that all count alike.
fn resample(values: &[u64], block: usize, rng: &mut Rng, out: &mut Vec<u64>) {
    out.clear();
    let block = block.clamp(1, values.len().max(1));
    while out.len() < values.len() {
        let start = rng.below(values.len() as u64) as usize;
        let length = block.min(values.len() - out.len());
        out.extend((start..start + length).map(|index| values[index % values.len()]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, count: usize, burst: usize) -> Vec<u64> {
        let mut rng = Rng::new(seed);
        let mut level = 0;
        (0..count)
            .map(|index| {
                if index % burst == 0 {
                    level = rng.below(1000);
                }
                1000 + level
            })
            .collect()
    }

    #[test]
    fn alike_samples_give_one_and_a_known_factor_lies_inside() {
        let values = noise(1, 20_000, 1);
        let same = quantile_ratio(&values, &values, 0.5, 100, 7).expect("samples");
        assert!(same.value == 1.0 && same.low <= 1.0 && same.high >= 1.0 && same.high - same.low < 0.05, "{same:?}");
        let slower: Vec<u64> = noise(2, 20_000, 1).iter().map(|value| value * 12 / 10).collect();
        let ratio = quantile_ratio(&slower, &values, 0.99, 100, 7).expect("samples");
        assert!(ratio.low < 1.2 && ratio.high > 1.19 && (ratio.value - 1.2).abs() < 0.01, "{ratio:?}");
        assert_eq!(quantile_ratio(&[], &values, 0.5, 100, 7), None);
        assert_eq!(ratio, quantile_ratio(&slower, &values, 0.99, 100, 7).expect("samples"), "from a seed");
    }

    #[test]
    fn the_quick_quantile_is_that_of_the_sorted_row() {
        let mut values = noise(9, 1_001, 3);
        let mut sorted = values.clone();
        sorted.sort_unstable();
        for share in [0.0, 0.001, 0.5, 0.99, 1.0] {
            assert_eq!(nearest_rank(&mut values, share), super::super::series::quantile(&sorted, share), "{share}");
        }
        assert_eq!(nearest_rank(&mut [], 0.5), None);
    }

    #[test]
    fn bursts_widen_the_interval() {
        let width = |burst: usize| {
            let (a, b) = (noise(3, 20_000, burst), noise(4, 20_000, burst));
            let ratio = quantile_ratio(&a, &b, 0.5, 500, 7).expect("samples");
            ratio.high - ratio.low
        };
        assert!(width(500) > 5.0 * width(1), "{} and {}", width(500), width(1));
    }

    #[test]
    fn the_interval_of_a_quantile_holds_it() {
        let values = noise(5, 20_000, 1);
        let (low, high) = quantile_interval(&values, 0.5, 50, 3).expect("samples");
        assert!((1_480..=1_520).contains(&low) && low <= high && high <= 1_525, "{low} {high}");
    }
}
