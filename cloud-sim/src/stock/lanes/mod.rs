//! Eight numbers at once, in three ways that give the same bits.
//!
//! The inner loops of the kernel are written once over [`Lanes`] and compiled three times: with the registers that
//! every processor of its kind has ([`Wide`]: SSE2 or NEON, by the crate `wide`), with AVX2 where the processor has
//! it, and without any ([`Scalar`]), which is what the other two are tested against. Each operation here is one that
//! IEEE 754 rounds exactly, none is fused, and minimum and maximum say which of two equal numbers they
//! return; so a result never depends on the way it was computed.
//!
//! Which way is taken is decided where a cutter is prepared ([`Simd`]), not in the loop: a loop runs as a [`Job`]
//! handed to [`Simd::run`], inside of which the compiler may use the wider registers.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "DESIGN.md, invariant 4: SIMD is one of the two rooms for unsafe")]
mod avx2;

use std::ops::{Add, BitAnd, Mul, Sub};
use std::sync::Arc;

use super::tile::{COLUMNS, ROWS, Tile};

/// Numbers that are computed at once.
pub(crate) const LANES: usize = 8;

/// Eight single-precision numbers.
pub(crate) trait Lanes: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// Eight answers.
    type Mask: Copy + BitAnd<Output = Self::Mask>;

    fn new(values: [f32; LANES]) -> Self;
    fn to_array(self) -> [f32; LANES];
    fn splat(value: f32) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    /// `self` where it is less than `other`, else `other`.
    fn least(self, other: Self) -> Self;
    /// `self` where it is greater than `other`, else `other`.
    fn greatest(self, other: Self) -> Self;
    fn lt(self, other: Self) -> Self::Mask;
    fn le(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    fn any(mask: Self::Mask) -> bool;
    fn bits(mask: Self::Mask) -> u32;
    /// Towards zero; the values must lie within ±2³¹.
    fn trunc(self) -> [i32; LANES];

    /// The cells that hold places of a map, counted in cells from its corner, with so many tiles in a row; the places must lie
    /// in the map, which has at most [`TILES_MAX`] tiles.
    #[inline(always)]
    fn cells(x: Self, y: Self, tile_columns: i32) -> Cells<Self> {
        let (columns, rows) = (x.trunc(), y.trunc());
        let cell = |lane: usize| {
            let (row, column) = (rows[lane], columns[lane]);
            let tile: i32 = (row >> ROW_BITS).wrapping_mul(tile_columns).wrapping_add(column >> COLUMN_BITS);
            let cell = (row & ROW_MASK) << COLUMN_BITS | (column & COLUMN_MASK);
            u64::from((tile << CELL_BITS | cell).cast_unsigned())
        };
        Cells {
            pairs: std::array::from_fn(|pair| cell(2 * pair) | cell(2 * pair + 1) << 32),
            column: Self::new(columns.map(|column| column as f32)),
            row: Self::new(rows.map(|row| row as f32)),
        }
    }
}

/// Eight cells of a map.
#[derive(Clone, Copy)]
pub(crate) struct Cells<L> {
    /// Two cells each, the first in the lower half: the index of the tile above [`CELL_BITS`] and below them that of
    /// the cell in its tile.
    pub(crate) pairs: [u64; LANES / 2],
    /// Column and row in the map.
    pub(crate) column: L,
    pub(crate) row: L,
}

impl<L> Cells<L> {
    /// The heights of the cells.
    #[inline(always)]
    pub(crate) fn heights(&self, tiles: &[Arc<Tile>]) -> [f32; LANES] {
        const TILE: u64 = TILES_MAX - 1;
        let height = |tile: u64, cell: u64| tiles[tile as usize].rows.as_flattened()[cell as usize % (COLUMNS * ROWS)];
        let mut heights = [0.0; LANES];
        for (heights, pair) in heights.as_chunks_mut::<2>().0.iter_mut().zip(self.pairs) {
            *heights = [height(pair >> CELL_BITS & TILE, pair), height(pair >> (32 + CELL_BITS), pair >> 32)];
        }
        heights
    }
}

/// Most tiles of a map: its cells are counted in 32 bits.
pub(crate) const TILES_MAX: u64 = 1 << (32 - CELL_BITS);
const CELL_BITS: u32 = ROW_BITS + COLUMN_BITS;
const COLUMN_BITS: u32 = COLUMNS.trailing_zeros();
const ROW_BITS: u32 = ROWS.trailing_zeros();
const COLUMN_MASK: i32 = COLUMNS as i32 - 1;
const ROW_MASK: i32 = ROWS as i32 - 1;
const _: () = assert!(COLUMNS.is_power_of_two() && ROWS.is_power_of_two());

/// A way of computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simd(Way);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Scalar,
    Wide,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// A loop to be compiled for each way.
pub(crate) trait Job {
    type Output;

    /// Runs it; must be `#[inline(always)]`, or the wider registers are not used.
    fn run<L: Lanes>(self) -> Self::Output;
}

impl Simd {
    /// One number at a time.
    pub const SCALAR: Self = Self(Way::Scalar);
    /// What every processor of this kind has.
    pub const PORTABLE: Self = Self(Way::Wide);

    /// The widest way this processor has.
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self(Way::Avx2);
        }
        Self::PORTABLE
    }

    /// Its name, for reports.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Way::Scalar => "scalar",
            Way::Wide => "portable",
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => "AVX2",
        }
    }

    /// Runs a job this way.
    #[inline]
    pub(crate) fn run<J: Job>(self, job: J) -> J::Output {
        match self.0 {
            Way::Scalar => job.run::<Scalar>(),
            Way::Wide => job.run::<Wide>(),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => avx2::run(self, job),
        }
    }
}

/// One number at a time.
#[derive(Clone, Copy)]
pub(crate) struct Scalar([f32; LANES]);

/// Eight answers of [`Scalar`].
#[derive(Clone, Copy)]
pub(crate) struct Answers([bool; LANES]);

impl Scalar {
    #[inline(always)]
    fn zip(self, other: Self, function: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| function(self.0[lane], other.0[lane])))
    }

    #[inline(always)]
    fn compare(self, other: Self, function: impl Fn(f32, f32) -> bool) -> Answers {
        Answers(std::array::from_fn(|lane| function(self.0[lane], other.0[lane])))
    }
}

impl Add for Scalar {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Scalar {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Scalar {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl BitAnd for Answers {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] & other.0[lane]))
    }
}

impl Lanes for Scalar {
    type Mask = Answers;

    #[inline(always)]
    fn new(values: [f32; LANES]) -> Self {
        Self(values)
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        self.0
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }

    #[inline(always)]
    fn least(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn greatest(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn lt(self, other: Self) -> Answers {
        self.compare(other, |a, b| a < b)
    }

    #[inline(always)]
    fn le(self, other: Self) -> Answers {
        self.compare(other, |a, b| a <= b)
    }

    #[inline(always)]
    fn select(mask: Answers, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|lane| if mask.0[lane] { yes.0[lane] } else { no.0[lane] }))
    }

    #[inline(always)]
    fn any(mask: Answers) -> bool {
        mask.0.contains(&true)
    }

    #[inline(always)]
    fn bits(mask: Answers) -> u32 {
        mask.0.iter().enumerate().fold(0, |bits, (lane, yes)| bits | u32::from(*yes) << lane)
    }

    #[inline(always)]
    fn trunc(self) -> [i32; LANES] {
        self.0.map(|value| value as i32)
    }
}

/// The registers that every processor of its kind has.
#[derive(Clone, Copy)]
pub(crate) struct Wide(wide::f32x8);

impl Add for Wide {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Wide {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for Wide {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl BitAnd for Wide {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Lanes for Wide {
    type Mask = Self;

    #[inline(always)]
    fn new(values: [f32; LANES]) -> Self {
        Self(wide::f32x8::new(values))
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        self.0.to_array()
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(wide::f32x8::splat(value))
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }

    // `fast_min` is this very choice on x86, and another one of equal zeros on ARM.
    #[inline(always)]
    fn least(self, other: Self) -> Self {
        #[cfg(target_arch = "x86_64")]
        return Self(self.0.fast_min(other.0));
        #[cfg(not(target_arch = "x86_64"))]
        Self::select(self.lt(other), self, other)
    }

    #[inline(always)]
    fn greatest(self, other: Self) -> Self {
        #[cfg(target_arch = "x86_64")]
        return Self(self.0.fast_max(other.0));
        #[cfg(not(target_arch = "x86_64"))]
        Self::select(other.lt(self), self, other)
    }

    #[inline(always)]
    fn lt(self, other: Self) -> Self {
        Self(self.0.simd_lt(other.0))
    }

    #[inline(always)]
    fn le(self, other: Self) -> Self {
        Self(self.0.simd_le(other.0))
    }

    #[inline(always)]
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        Self(mask.0.bitselect(yes.0, no.0))
    }

    #[inline(always)]
    fn any(mask: Self) -> bool {
        mask.0.any()
    }

    #[inline(always)]
    fn bits(mask: Self) -> u32 {
        mask.0.to_bitmask()
    }

    #[inline(always)]
    fn trunc(self) -> [i32; LANES] {
        self.0.fast_trunc_int().to_array()
    }
}

#[cfg(test)]
mod tests {
    use shared::det::Rng;

    use super::*;

    /// Every operation on two rows of numbers, as bits.
    #[derive(Clone, Copy)]
    struct Everything {
        a: [f32; LANES],
        b: [f32; LANES],
    }

    impl Job for Everything {
        type Output = (Vec<[u32; LANES]>, Vec<u32>, [i32; LANES], [u64; LANES / 2]);

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let (a, b) = (L::new(self.a), L::new(self.b));
            let values = [a + b, a - b, a * b, a.abs().sqrt(), a.abs(), a.least(b), a.greatest(b), L::splat(self.a[3])];
            let select = L::select(a.lt(b), a, b);
            let bits = |value: L| value.to_array().map(f32::to_bits);
            let masks = [a.lt(b), a.le(b), a.lt(b) & b.le(a)];
            let answers = masks.iter().flat_map(|mask| [L::bits(*mask), u32::from(L::any(*mask))]).collect();
            let cells = L::cells(a.abs(), b.abs(), 1500);
            let values = values.into_iter().chain([select, cells.column, cells.row]);
            (values.map(bits).collect(), answers, a.trunc(), cells.pairs)
        }
    }

    #[test]
    fn three_ways_give_the_same_bits() {
        let mut rng = Rng::new(3);
        let odd = [0.0, -0.0, 1.0, -1.0, f32::MIN_POSITIVE, 1e-42, 3.0, 1e6];
        for round in 0..4000 {
            let mut row = || -> [f32; LANES] {
                std::array::from_fn(|_| match rng.below(3) {
                    0 => odd[rng.below(odd.len() as u64) as usize],
                    1 => rng.between(-2.0, 2.0) as f32,
                    _ => rng.between(-1e5, 1e5) as f32,
                })
            };
            let job = Everything { a: row(), b: row() };
            let scalar = Simd::SCALAR.run(job);
            assert_eq!(Simd::PORTABLE.run(job), scalar, "round {round}: {:?} {:?}", job.a, job.b);
            assert_eq!(Simd::widest().run(job), scalar, "round {round}: {:?} {:?}", job.a, job.b);
        }
    }
}
