//! The butterfly in single precision and vector registers, for tables that guide a search and are read once.
//!
//! It is some ten times faster than the one in double precision; rounding makes up to n·6e-8 of the largest value.

use pulp::bytemuck::{cast, cast_slice_mut};
use pulp::{Scalar, Simd, WithSimd};

use crate::lanes::{is_scalar, on_registers};

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
    on_registers(Passes { values, step });
}

/// Floats of a block whose passes run in the first-level cache.
pub(super) const BLOCK: usize = 1 << 12;

/// Below this many values there are no four registers of the widest kind.
const SMALL: usize = 64;

pub(super) struct Passes<'a, P> {
    pub(super) values: &'a mut [f32],
    pub(super) step: P,
}

impl<P: Step> WithSimd for Passes<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { values, step } = self;
        if is_plain::<S>(values) {
            return plain_passes(values, step);
        }
        let block = BLOCK.min(values.len());
        for values in values.chunks_exact_mut(block) {
            all_passes(simd, values, step);
        }
        wide_passes(simd, values, block, step);
    }
}

/// Whether nothing can be gained by registers.
#[inline(always)]
pub(super) fn is_plain<S: Simd>(values: &[f32]) -> bool {
    values.len() < SMALL || is_scalar::<S>()
}

/// All players, pair by pair.
#[inline(always)]
pub(super) fn plain_passes<P: Step>(values: &mut [f32], step: P) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = step.of(Scalar::new(), *low, *high);
            }
        }
        half *= 2;
    }
}

/// All players of one block.
#[inline(always)]
pub(super) fn all_passes<S: Simd, P: Step>(simd: S, values: &mut [f32], step: P) {
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
pub(super) fn wide_passes<S: Simd, P: Step>(simd: S, values: &mut [f32], mut half: usize, step: P) {
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
pub(super) mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::lanes::tests::on_every_kind;
    use crate::transform::butterfly;

    /// In double precision.
    pub(in crate::transform) fn exact(
        values: &[f32],
        step: fn(f64, f64) -> (f64, f64),
    ) -> Vec<f64> {
        let mut table: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
        butterfly(&mut table, step);
        table
    }

    pub(in crate::transform) fn assert_close(exact: &[f64], found: &[f32]) {
        let most = exact.iter().fold(1.0f64, |most, x| most.max(x.abs()));
        assert_eq!(exact.len(), found.len());
        for (exact, found) in exact.iter().zip(found) {
            let off = (exact - f64::from(*found)).abs();
            assert!(off < 1e-6 * most, "{exact} {found}");
        }
    }

    #[test]
    fn they_equal_those_in_double_precision() {
        on_every_kind(|| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
            for bits in 0..=17 {
                let values: Vec<f32> = (0..1usize << bits)
                    .map(|_| rng.random_range(-1.0..1.0))
                    .collect();
                let mut found = values.clone();
                butterfly32(&mut found, WalshSums);
                assert_close(&exact(&values, |a, b| (a + b, a - b)), &found);
                let mut found = values.clone();
                butterfly32(&mut found, SupersetSums);
                assert_close(&exact(&values, |a, b| (a + b, b)), &found);
            }
        });
    }
}
