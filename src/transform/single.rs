//! The butterfly in single precision and vector registers, for tables that guide a search and are read once.
//!
//! It is some ten times faster than the one in double precision; rounding makes up to n·6e-8 of the largest value.

use pulp::bytemuck::{cast, cast_slice_mut};
use pulp::{Arch, Scalar, Simd, WithSimd};

/// A linear map of two values, that of a coalition without a player and that of the same with it.
///
/// It is marked `inline(always)`: what is not inlined is compiled for the narrowest vectors.
pub(crate) trait Step: Copy {
    /// What becomes of the two.
    fn of<S: Simd>(self, simd: S, without: S::f32s, with: S::f32s) -> (S::f32s, S::f32s);
}

/// Σ_T (−1)^|S ∩ T| x(T)
#[derive(Clone, Copy)]
pub(crate) struct WalshSums;

impl Step for WalshSums {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, without: S::f32s, with: S::f32s) -> (S::f32s, S::f32s) {
        (simd.add_f32s(without, with), simd.sub_f32s(without, with))
    }
}

/// Σ_{T ⊇ S} x(T)
#[derive(Clone, Copy)]
pub(crate) struct SupersetSums;

impl Step for SupersetSums {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, without: S::f32s, with: S::f32s) -> (S::f32s, S::f32s) {
        (simd.add_f32s(without, with), with)
    }
}

/// Applies `step` along every player, in place, as [`butterfly`](super::butterfly) does.
///
/// # Panics
/// If the length is no power of two.
pub(crate) fn butterfly32<P: Step>(values: &mut [f32], step: P) {
    assert!(values.len().is_power_of_two(), "a table has 2^n values");
    Arch::new().dispatch(Passes { values, step });
}

/// Walsh sums of `factors` times the Walsh sums of the values, in place: Σ_T x(T) Σ_U factor(U) (−1)^|U ∩ (S△T)|.
///
/// With up to 14 players the table passes through memory three times, with 16 five times.
///
/// # Panics
/// If the lengths differ or are no power of two.
pub(crate) fn walsh_filter(values: &mut [f32], factors: &[f32]) {
    assert!(
        values.len().is_power_of_two() && values.len() == factors.len(),
        "two tables of 2^n values"
    );
    if values.len() < SMALL {
        butterfly32(values, WalshSums);
        for (value, factor) in values.iter_mut().zip(factors) {
            *value *= factor;
        }
        butterfly32(values, WalshSums);
        return;
    }
    Arch::new().dispatch(Filter { values, factors });
}

struct Filter<'a> {
    values: &'a mut [f32],
    factors: &'a [f32],
}

impl WithSimd for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, factors } = self;
        let block = BLOCK.min(values.len());
        for values in values.chunks_exact_mut(block) {
            all_passes(simd, values, WalshSums);
        }
        // More blocks at once would meet in the same places of a cache.
        let few = (4 * block).min(values.len());
        wide_passes(simd, values, few, WalshSums);
        let parts = values.chunks_exact_mut(few);
        for (values, factors) in parts.zip(factors.chunks_exact(few)) {
            match few / block {
                1 => across::<S, 1>(simd, values, factors),
                2 => across::<S, 2>(simd, values, factors),
                _ => across::<S, 4>(simd, values, factors),
            }
        }
        wide_passes(simd, values, few, WalshSums);
        for values in values.chunks_exact_mut(block) {
            all_passes(simd, values, WalshSums);
        }
    }
}

/// What a filter does between the passes within blocks, of which there are `BLOCKS`: the passes across them, the factors, and
/// the passes again, a register of each block at a time.
#[inline(always)]
fn across<S: Simd, const BLOCKS: usize>(simd: S, values: &mut [f32], factors: &[f32]) {
    let (values, factors) = (S::as_mut_simd_f32s(values).0, S::as_simd_f32s(factors).0);
    let stride = values.len() / BLOCKS;
    for at in 0..stride {
        let mut x = [simd.splat_f32s(0.0); BLOCKS];
        for block in 0..BLOCKS {
            x[block] = values[block * stride + at];
        }
        walsh_of_registers(simd, &mut x);
        for block in 0..BLOCKS {
            x[block] = simd.mul_f32s(x[block], factors[block * stride + at]);
        }
        walsh_of_registers(simd, &mut x);
        for block in 0..BLOCKS {
            values[block * stride + at] = x[block];
        }
    }
}

#[inline(always)]
fn walsh_of_registers<S: Simd, const BLOCKS: usize>(simd: S, x: &mut [S::f32s; BLOCKS]) {
    let mut half = 1;
    while half < BLOCKS {
        for block in 0..BLOCKS {
            if block & half == 0 {
                (x[block], x[block | half]) = WalshSums.of(simd, x[block], x[block | half]);
            }
        }
        half *= 2;
    }
}

/// Floats of a block whose passes run in the first-level cache.
const BLOCK: usize = 1 << 12;

/// Below this many values there are no four registers of the widest kind.
const SMALL: usize = 64;

struct Passes<'a, P> {
    values: &'a mut [f32],
    step: P,
}

impl<P: Step> WithSimd for Passes<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, step } = self;
        let scalar = Scalar::new();
        if values.len() < SMALL {
            let mut half = 1;
            while half < values.len() {
                for pair in values.chunks_exact_mut(2 * half) {
                    let (low, high) = pair.split_at_mut(half);
                    for (low, high) in low.iter_mut().zip(high) {
                        (*low, *high) = step.of(scalar, *low, *high);
                    }
                }
                half *= 2;
            }
            return;
        }
        let block = BLOCK.min(values.len());
        for values in values.chunks_exact_mut(block) {
            all_passes(simd, values, step);
        }
        wide_passes(simd, values, block, step);
    }
}

/// All players of one block.
#[inline(always)]
fn all_passes<S: Simd, P: Step>(simd: S, values: &mut [f32], step: P) {
    let (registers, _) = S::as_mut_simd_f32s(values);
    for four in registers.as_chunks_mut::<4>().0 {
        *four = first_three(simd, *four, step);
        for [low, high] in cast_slice_mut::<S::f32s, [[f32; 8]; 2]>(four) {
            let (without, with) = (*low, *high);
            for at in 0..8 {
                (low[at], high[at]) = step.of(Scalar::new(), without[at], with[at]);
            }
        }
    }
    wide_passes(simd, values, 16, step);
}

/// Players 0, 1, 2 of the values in four registers: neighbours are moved into registers of their own, and back.
#[inline(always)]
fn first_three<S: Simd, P: Step>(simd: S, [a, b, c, d]: [S::f32s; 4], step: P) -> [S::f32s; 4] {
    let [a, b] = neighbours(simd, [a, b], step);
    let [c, d] = neighbours(simd, [c, d], step);
    // Pairs of floats, moved as doubles.
    let pairs: [S::f64s; 4] = [cast(a), cast(b), cast(c), cast(d)];
    let [a, b, c, d] = simd.deinterleave_shfl_f64s(pairs);
    let (a, b, c, d) = four(simd, cast(a), cast(b), cast(c), cast(d), step);
    let pairs: [S::f64s; 4] = [cast(a), cast(b), cast(c), cast(d)];
    let [a, b, c, d] = simd.interleave_shfl_f64s(pairs);
    [cast(a), cast(b), cast(c), cast(d)]
}

/// Player 0 of the values in two registers.
#[inline(always)]
fn neighbours<S: Simd, P: Step>(simd: S, pair: [S::f32s; 2], step: P) -> [S::f32s; 2] {
    let [without, with] = simd.deinterleave_shfl_f32s(pair);
    let (without, with) = step.of(simd, without, with);
    simd.interleave_shfl_f32s([without, with])
}

/// Two players at once: of a quarter each, without both, with the lower, with the higher, with both.
#[inline(always)]
fn four<S: Simd, P: Step>(
    simd: S,
    a: S::f32s,
    b: S::f32s,
    c: S::f32s,
    d: S::f32s,
    step: P,
) -> (S::f32s, S::f32s, S::f32s, S::f32s) {
    let ((a, b), (c, d)) = (step.of(simd, a, b), step.of(simd, c, d));
    let ((a, c), (b, d)) = (step.of(simd, a, c), step.of(simd, b, d));
    (a, b, c, d)
}

/// The players from the one whose bit is worth `half` upwards, two to a sweep; `half` is a multiple of every register.
#[inline(always)]
fn wide_passes<S: Simd, P: Step>(simd: S, values: &mut [f32], mut half: usize, step: P) {
    while 2 * half < values.len() {
        for quarters in values.chunks_exact_mut(4 * half) {
            let (front, back) = quarters.split_at_mut(2 * half);
            let ((a, b), (c, d)) = (front.split_at_mut(half), back.split_at_mut(half));
            let (a, b) = (S::as_mut_simd_f32s(a).0, S::as_mut_simd_f32s(b).0);
            let (c, d) = (S::as_mut_simd_f32s(c).0, S::as_mut_simd_f32s(d).0);
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                (*a, *b, *c, *d) = four(simd, *a, *b, *c, *d, step);
            }
        }
        half *= 4;
    }
    if half < values.len() {
        let (low, high) = values.split_at_mut(half);
        let (low, high) = (S::as_mut_simd_f32s(low).0, S::as_mut_simd_f32s(high).0);
        for (low, high) in low.iter_mut().zip(high) {
            (*low, *high) = step.of(simd, *low, *high);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::transform::butterfly;

    #[test]
    fn they_equal_those_in_double_precision() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        for bits in 0..=17 {
            let values: Vec<f32> = (0..1usize << bits)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let exact = |step: fn(f64, f64) -> (f64, f64)| {
                let mut table: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
                butterfly(&mut table, step);
                table
            };
            let close = |exact: Vec<f64>, found: Vec<f32>| {
                let most = exact.iter().fold(1.0f64, |most, x| most.max(x.abs()));
                for (exact, found) in exact.iter().zip(found) {
                    let off = (exact - f64::from(found)).abs();
                    assert!(off < 1e-6 * most, "2^{bits} values: {exact} {found}");
                }
            };
            let mut found = values.clone();
            butterfly32(&mut found, WalshSums);
            close(exact(|a, b| (a + b, a - b)), found);
            let factors: Vec<f32> = values.iter().map(|v| v * v).collect();
            let mut slow = exact(|a, b| (a + b, a - b));
            for (value, factor) in slow.iter_mut().zip(&factors) {
                *value *= f64::from(*factor);
            }
            butterfly(&mut slow, |a, b| (a + b, a - b));
            let mut found = values.clone();
            walsh_filter(&mut found, &factors);
            close(slow, found);
            let mut found = values.clone();
            butterfly32(&mut found, SupersetSums);
            close(exact(|a, b| (a + b, b)), found);
        }
    }
}
