//! Eight numbers in one AVX register.
//!
//! A value of [`Avx2`] exists only inside [`run`], and `run` is entered only with a [`Simd`] that found AVX2 on
//! this processor: that is why each call of an intrinsic below is sound. Everything is `inline(always)`, so that it
//! becomes part of the function that has the feature.

use std::arch::x86_64::{
    __m256, _CMP_LE_OQ, _CMP_LT_OQ, _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_andnot_ps,
    _mm256_blendv_ps, _mm256_cmp_ps, _mm256_cvtepi32_ps, _mm256_cvttps_epi32, _mm256_loadu_ps, _mm256_max_ps,
    _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_ps, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_slli_epi32, _mm256_sqrt_ps, _mm256_srai_epi32, _mm256_storeu_ps, _mm256_storeu_si256,
    _mm256_sub_ps,
};
use std::ops::{Add, BitAnd, Mul, Sub};

use super::{CELL_BITS, COLUMN_BITS, COLUMN_MASK, Cells, Job, LANES, Lanes, ROW_BITS, ROW_MASK, Simd, Way};

/// Eight numbers in one register.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

/// Runs a job with AVX2.
#[inline]
pub(super) fn run<J: Job>(simd: Simd, job: J) -> J::Output {
    assert!(simd.0 == Way::Avx2);
    // SAFETY: only `Simd::widest` makes `Way::Avx2`, and only where the processor has AVX2.
    unsafe { with_avx2(job) }
}

#[target_feature(enable = "avx2")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    job.run::<Avx2>()
}

impl Add for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }
}

impl Sub for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
}

impl Mul for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
}

impl BitAnd for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_and_ps(self.0, other.0) })
    }
}

impl Lanes for Avx2 {
    type Mask = Self;

    #[inline(always)]
    fn new(values: [f32; LANES]) -> Self {
        // SAFETY: see the module; eight numbers are readable, and the load needs no alignment.
        Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn to_array(self) -> [f32; LANES] {
        let mut values = [0.0; LANES];
        // SAFETY: see the module; eight numbers are writable, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) };
        values
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }

    #[inline(always)]
    fn least(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn greatest(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn lt(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn le(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_cmp_ps::<_CMP_LE_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn select(mask: Self, yes: Self, no: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, mask.0) })
    }

    #[inline(always)]
    fn any(mask: Self) -> bool {
        // SAFETY: see the module.
        unsafe { _mm256_movemask_ps(mask.0) != 0 }
    }

    #[inline(always)]
    fn bits(mask: Self) -> u32 {
        // SAFETY: see the module.
        unsafe { _mm256_movemask_ps(mask.0) as u32 }
    }

    #[inline(always)]
    fn trunc(self) -> [i32; LANES] {
        let mut values = [0; LANES];
        // SAFETY: see the module; eight integers are writable, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), _mm256_cvttps_epi32(self.0)) };
        values
    }

    #[inline(always)]
    fn cells(x: Self, y: Self, tile_columns: i32) -> Cells<Self> {
        // SAFETY: see the module.
        let (columns, rows) = unsafe { (_mm256_cvttps_epi32(x.0), _mm256_cvttps_epi32(y.0)) };
        // SAFETY: see the module.
        let tile = unsafe {
            let before =
                _mm256_mullo_epi32(_mm256_srai_epi32::<{ ROW_BITS as i32 }>(rows), _mm256_set1_epi32(tile_columns));
            _mm256_add_epi32(before, _mm256_srai_epi32::<{ COLUMN_BITS as i32 }>(columns))
        };
        // SAFETY: see the module.
        let cell = unsafe {
            let row = _mm256_and_si256(rows, _mm256_set1_epi32(ROW_MASK));
            let column = _mm256_and_si256(columns, _mm256_set1_epi32(COLUMN_MASK));
            _mm256_or_si256(_mm256_slli_epi32::<{ COLUMN_BITS as i32 }>(row), column)
        };
        let mut pairs = [0; LANES / 2];
        // SAFETY: see the module; four integers of 64 bits are writable, and the store needs no alignment.
        unsafe {
            let before = _mm256_slli_epi32::<{ CELL_BITS as i32 }>(tile);
            _mm256_storeu_si256(pairs.as_mut_ptr().cast(), _mm256_or_si256(before, cell));
        }
        // SAFETY: see the module.
        let (column, row) = unsafe { (Self(_mm256_cvtepi32_ps(columns)), Self(_mm256_cvtepi32_ps(rows))) };
        Cells { pairs, column, row }
    }
}
