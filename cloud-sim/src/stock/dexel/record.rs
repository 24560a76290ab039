use std::sync::Arc;

/// Rows of a tile of rays.
pub(crate) const RAY_ROWS: usize = 8;
/// Columns of a tile of rays.
pub(crate) const RAY_COLUMNS: usize = 32;
/// Rays of a tile.
const RAYS: usize = RAY_ROWS * RAY_COLUMNS;

/// Intervals that a record holds by itself.
const INLINE: usize = 2;

/// Most intervals of one ray. Where a cut would make one more, the narrowest gap is filled again: material is kept
/// that is not there, never the other way round. A part that crosses itself so often on one line has walls thinner than its cells.
pub const INTERVALS_MAX: usize = 16;

/// Where one ray is in material: at most two intervals, or the number of an entry in the tile's spill table.
///
/// `[low, high, low, high]` from the low end of the ray, mm. Without material low is +∞ and high −∞, so that an
/// overlap with anything is negative. A NaN in the third place says that the fourth holds the bits of a spill index;
/// the first two then are the ends of everything.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(16))]
pub(crate) struct Record([f32; 4]);

const _: () = assert!(size_of::<Record>() == 16);

/// More intervals than a record holds, rising.
#[derive(Clone, Copy, Debug)]
struct Spill {
    count: usize,
    intervals: [[f32; 2]; INTERVALS_MAX],
}

/// 8 × 32 rays of one direction.
#[derive(Clone, Debug)]
pub(crate) struct RayTile {
    records: [Record; RAYS],
    spill: Vec<Spill>,
    free: Vec<u32>,
}

/// No material of a tile lies outside; may be wider than the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RayBounds {
    pub(crate) low: f32,
    pub(crate) high: f32,
    /// Rays cut since the bounds were exact.
    pub(crate) stale: u32,
}

/// Cut rays after which the bounds of a tile are taken again.
const STALE_MAX: u32 = 128;

/// Bytes of a tile with what it costs to keep it, without spilled intervals.
pub(crate) const RAY_TILE_BYTES: u64 =
    (size_of::<RayTile>() + size_of::<Arc<RayTile>>() + size_of::<RayBounds>() + 2 * size_of::<usize>()) as u64;

impl Record {
    pub(crate) const EMPTY: Self = Self([f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY, f32::NEG_INFINITY]);

    pub(crate) const fn whole(low: f32, high: f32) -> Self {
        Self([low, high, f32::INFINITY, f32::NEG_INFINITY])
    }

    const fn spilled(low: f32, high: f32, index: u32) -> Self {
        Self([low, high, f32::NAN, f32::from_bits(index)])
    }

    fn is_spilled(self) -> bool {
        self.0[2].is_nan()
    }
}

fn less(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

fn more(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Length that two intervals share; negative or zero where they share none.
fn shared(a: f32, b: f32, low: f32, high: f32) -> f32 {
    less(b, high) - more(a, low)
}

impl RayTile {
    pub(crate) fn filled(record: Record) -> Self {
        Self { records: [record; RAYS], spill: Vec::new(), free: Vec::new() }
    }

    /// The intervals of a ray, rising.
    pub(crate) fn intervals(&self, ray: usize) -> impl Iterator<Item = [f32; 2]> {
        let record = self.records[ray];
        let [low, high, low_2, high_2] = record.0;
        let spill = record.is_spilled().then(|| &self.spill[high_2.to_bits() as usize]);
        let inline = [[low, high], [low_2, high_2]].into_iter().filter(move |_| spill.is_none());
        let inline = inline.filter(|[low, high]| low < high);
        spill.into_iter().flat_map(|spill| spill.intervals[..spill.count].iter().copied()).chain(inline)
    }

    /// Length of the material on a ray, mm.
    pub(crate) fn length(&self, ray: usize) -> f64 {
        self.intervals(ray).map(|[low, high]| f64::from(high) - f64::from(low)).sum()
    }

    /// True where a place on a ray lies in material.
    pub(crate) fn covers(&self, ray: usize, at: f32) -> bool {
        let record = self.records[ray];
        let [low, high, low_2, high_2] = record.0;
        if record.is_spilled() {
            return self.intervals(ray).any(|[low, high]| at > low && at < high);
        }
        (at > low && at < high) || (at > low_2 && at < high_2)
    }

    /// Puts intervals on a ray: rising, each longer than nothing, at most [`INTERVALS_MAX`].
    pub(crate) fn set(&mut self, ray: usize, intervals: &[[f32; 2]]) {
        if self.records[ray].is_spilled() {
            self.free.push(self.records[ray].0[3].to_bits());
        }
        self.records[ray] = match *intervals {
            [] => Record::EMPTY,
            [[low, high]] => Record::whole(low, high),
            [[low, high], [low_2, high_2]] => Record([low, high, low_2, high_2]),
            [[low, _], .., [_, high]] => {
                let mut spill = Spill { count: intervals.len(), intervals: [[0.0; 2]; INTERVALS_MAX] };
                spill.intervals[..intervals.len()].copy_from_slice(intervals);
                let index = match self.free.pop() {
                    Some(index) => {
                        self.spill[index as usize] = spill;
                        index
                    }
                    None => {
                        self.spill.push(spill);
                        self.spill.len() as u32 - 1
                    }
                };
                Record::spilled(low, high, index)
            }
        };
    }

    /// Takes [a, b] from a ray; returns the length that was in material.
    #[inline]
    pub(crate) fn cut(&mut self, ray: usize, a: f32, b: f32) -> f32 {
        let record = &mut self.records[ray];
        let [low, high, low_2, high_2] = record.0;
        let taken = shared(a, b, low, high);
        if low_2 == f32::INFINITY {
            // One interval or none: nearly every ray.
            if taken <= 0.0 {
                return 0.0;
            }
            if a <= low {
                *record = if b < high { Record::whole(b, high) } else { Record::EMPTY };
            } else if b >= high {
                record.0[1] = a;
            } else {
                record.0 = [low, a, b, high];
            }
            return taken;
        }
        if taken <= 0.0 && (record.is_spilled() || shared(a, b, low_2, high_2) <= 0.0) {
            return 0.0;
        }
        self.cut_many(ray, a, b)
    }

    /// The length of [a, b] that is in material.
    pub(crate) fn overlap(&self, ray: usize, a: f32, b: f32) -> f32 {
        self.intervals(ray).map(|[low, high]| more(shared(a, b, low, high), 0.0)).sum()
    }

    #[cold]
    fn cut_many(&mut self, ray: usize, a: f32, b: f32) -> f32 {
        let mut left = [[0.0f32; 2]; INTERVALS_MAX + 1];
        let (mut count, mut taken) = (0, 0.0);
        for [low, high] in self.intervals(ray) {
            let share = shared(a, b, low, high);
            if share <= 0.0 {
                left[count] = [low, high];
                count += 1;
                continue;
            }
            taken += share;
            if low < a {
                left[count] = [low, a];
                count += 1;
            }
            if b < high {
                left[count] = [b, high];
                count += 1;
            }
        }
        if taken <= 0.0 {
            return 0.0;
        }
        if count > INTERVALS_MAX {
            let gap = |at: usize| left[at + 1][0] - left[at][1];
            let narrowest = (0..count - 1).min_by(|&a, &b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
            taken -= gap(narrowest);
            left[narrowest][1] = left[narrowest + 1][1];
            left.copy_within(narrowest + 2..count, narrowest + 1);
            count -= 1;
        }
        self.set(ray, &left[..count]);
        taken
    }

    /// The exact bounds.
    pub(crate) fn bounds(&self) -> RayBounds {
        let mut bounds = RayBounds { low: f32::INFINITY, high: f32::NEG_INFINITY, stale: 0 };
        for record in &self.records {
            let [low, high, _, high_2] = record.0;
            bounds.low = less(bounds.low, low);
            bounds.high = more(bounds.high, high);
            if !record.is_spilled() {
                bounds.high = more(bounds.high, high_2);
            }
        }
        bounds
    }

    /// Bytes of the spill table.
    pub(crate) fn spill_bytes(&self) -> u64 {
        (self.spill.capacity() * size_of::<Spill>() + self.free.capacity() * size_of::<u32>()) as u64
    }

    /// Most intervals of any ray.
    pub(crate) fn intervals_most(&self) -> usize {
        (0..RAYS).map(|ray| self.intervals(ray).count()).max().unwrap_or(0)
    }
}

const _: () = assert!(INLINE == 2);

impl RayBounds {
    /// Takes note of a visit that cut `rays` rays and looks at the tile again where that pays.
    pub(crate) fn visited(&mut self, tile: &RayTile, rays: u32) {
        self.stale = self.stale.saturating_add(rays);
        if self.stale >= STALE_MAX || (self.stale > 0 && rays == 0) {
            *self = tile.bounds();
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::det::Rng;

    use super::*;

    /// The same ray as a row of small boxes.
    struct Boxes(Vec<bool>);

    #[test]
    fn cuts_in_any_number_and_order_agree_with_a_row_of_boxes() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut tile = RayTile::filled(Record::EMPTY);
            tile.set(5, &[[0.0, 1000.0]]);
            let mut boxes = Boxes(vec![true; 1000]);
            let cuts = 1 + rng.below(INTERVALS_MAX as u64 - 1);
            let mut made = Vec::new();
            for _ in 0..cuts {
                let from = rng.below(1000);
                let to = (from + 1 + rng.below(30)).min(1000);
                made.push((from as f32, to as f32));
                let expected = boxes.0[from as usize..to as usize].iter().filter(|full| **full).count();
                assert_eq!(tile.overlap(5, from as f32, to as f32), expected as f32, "seed {seed}");
                assert_eq!(tile.cut(5, from as f32, to as f32), expected as f32, "seed {seed}");
                boxes.0[from as usize..to as usize].fill(false);
            }
            let left = boxes.0.iter().filter(|full| **full).count();
            assert_eq!(tile.length(5), left as f64, "seed {seed}");
            for (place, full) in boxes.0.iter().enumerate() {
                assert_eq!(tile.covers(5, place as f32 + 0.5), *full, "seed {seed}, place {place}");
            }
            let mut backwards = RayTile::filled(Record::EMPTY);
            backwards.set(5, &[[0.0, 1000.0]]);
            for &(from, to) in made.iter().rev() {
                backwards.cut(5, from, to);
            }
            assert!(tile.intervals(5).eq(backwards.intervals(5)), "seed {seed}: order shows");
        }
    }

    #[test]
    fn a_ray_with_too_many_gaps_keeps_material_and_frees_its_spill_when_it_is_gone() {
        let mut tile = RayTile::filled(Record::whole(0.0, 1000.0));
        for gap in 0..INTERVALS_MAX {
            tile.cut(0, gap as f32 * 10.0 + 5.0, gap as f32 * 10.0 + 6.0 + gap as f32 * 0.01);
        }
        assert_eq!(tile.intervals_most(), INTERVALS_MAX);
        // The narrowest gap, the first, was filled.
        assert!(tile.covers(0, 5.5) && !tile.covers(0, 15.5));
        let spill_bytes = tile.spill_bytes();
        assert!(spill_bytes > 0);
        assert!(tile.cut(0, -1.0, 2000.0) > 900.0);
        assert_eq!(tile.length(0), 0.0);
        tile.set(1, &[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]);
        assert_eq!(tile.spill.len(), 1, "the entry is used again");
    }
}
