//! Linear maps on value tables that are Kronecker powers of one 2×2 matrix, and what is read off them.
//!
//! In comes a [`ValueTable`](crate::game::ValueTable); out go dividends, spectra and indices. One routine,
//! [`butterfly`], serves them all: n passes, nothing larger than the table is ever stored.

mod few;
pub mod index;
mod mobius;
mod single;
mod walsh;

pub(crate) use few::{superset_sums, walsh_filter};
pub use mobius::{Dividends, mobius, zeta};
pub(crate) use single::{SupersetSums, WalshSums, butterfly32};
pub use walsh::{Spectrum, inverse_walsh, walsh};

use rayon::prelude::*;

/// log2 of the block that stays in a core's second-level cache: 2^15 doubles are 256 KiB.
const BLOCK_BITS: usize = 15;

/// Doubles of each of the four rows that one task of a high pass takes.
const STRIP: usize = 4096;

/// Applies the 2×2 map `step` along every player, in place: for each player i and each coalition S without i,
/// (x(S), x(S∪i)) ← `step`(x(S), x(S∪i)), players in ascending order.
///
/// The result is the same bit for bit for any number of threads, because every element sees the same operations in the
/// same order. Runs on the current rayon pool.
///
/// # Cost
/// n·2^(n−1) steps. The low 15 players are handled block by block in cache, the others two to a pass: about (n−15)/2 + 1
/// passes over memory.
///
/// # Panics
/// If the length is no power of two.
pub fn butterfly<F>(values: &mut [f64], step: F)
where
    F: Fn(f64, f64) -> (f64, f64) + Copy + Sync,
{
    assert!(
        values.len().is_power_of_two(),
        "a table has 2^n values, this slice {}",
        values.len()
    );
    if values.len() <= 1 << BLOCK_BITS {
        low_passes(values, step);
        return;
    }
    values
        .par_chunks_mut(1 << BLOCK_BITS)
        .for_each(|block| low_passes(block, step));
    high_passes(values, step);
}

/// [`butterfly`] of a function of the values, into a table of its own: `source(s, value)` is what stands at place `s` before the
/// first pass.
///
/// Each block is filled by the thread that transforms it, so that new memory is touched first by many threads, and is in
/// cache when the passes begin.
fn butterfly_of<F>(values: &[f64], source: impl Fn(usize, f64) -> f64 + Sync, step: F) -> Vec<f64>
where
    F: Fn(f64, f64) -> (f64, f64) + Copy + Sync,
{
    let size = values.len().min(1 << BLOCK_BITS);
    let mut result = vec![0.0; values.len()];
    result
        .par_chunks_mut(size)
        .zip(values.par_chunks(size))
        .enumerate()
        .for_each(|(at, (block, values))| {
            for (s, (to, from)) in (at * size..).zip(block.iter_mut().zip(values)) {
                *to = source(s, *from);
            }
            low_passes(block, step);
        });
    high_passes(&mut result, step);
    result
}

/// The passes of the players above a block, two at a time.
fn high_passes<F: Fn(f64, f64) -> (f64, f64) + Copy + Sync>(values: &mut [f64], step: F) {
    let bits = values.len().trailing_zeros() as usize;
    let mut bit = BLOCK_BITS;
    while bit + 1 < bits {
        values
            .par_chunks_mut(4 << bit)
            .for_each(|block| double_pass(block, step));
        bit += 2;
    }
    if bit < bits {
        values
            .par_chunks_mut(2 << bit)
            .for_each(|block| single_pass(block, step));
    }
}

/// All passes within one block.
fn low_passes<F: Fn(f64, f64) -> (f64, f64) + Copy>(block: &mut [f64], step: F) {
    let mut half = 1;
    if block.len() >= 8 {
        for eight in block.chunks_exact_mut(8) {
            first_three(eight, step);
        }
        half = 8;
    }
    while half < block.len() {
        for pair in block.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            apply(low, high, step);
        }
        half *= 2;
    }
}

/// Players 0, 1, 2 of eight neighbours, in registers.
fn first_three<F: Fn(f64, f64) -> (f64, f64) + Copy>(eight: &mut [f64], step: F) {
    for at in [0, 2, 4, 6] {
        (eight[at], eight[at + 1]) = step(eight[at], eight[at + 1]);
    }
    for at in [0, 1, 4, 5] {
        (eight[at], eight[at + 2]) = step(eight[at], eight[at + 2]);
    }
    for at in [0, 1, 2, 3] {
        (eight[at], eight[at + 4]) = step(eight[at], eight[at + 4]);
    }
}

fn apply<F: Fn(f64, f64) -> (f64, f64) + Copy>(low: &mut [f64], high: &mut [f64], step: F) {
    for (low, high) in low.iter_mut().zip(high) {
        (*low, *high) = step(*low, *high);
    }
}

/// The pass of the one player whose bit halves `block`.
fn single_pass<F: Fn(f64, f64) -> (f64, f64) + Copy + Sync>(block: &mut [f64], step: F) {
    let (low, high) = block.split_at_mut(block.len() / 2);
    low.par_chunks_mut(STRIP)
        .zip(high.par_chunks_mut(STRIP))
        .for_each(|(low, high)| apply(low, high, step));
}

/// The passes of the two players whose bits quarter `block`, the lower one first, in one sweep over memory.
fn double_pass<F: Fn(f64, f64) -> (f64, f64) + Copy + Sync>(block: &mut [f64], step: F) {
    let quarter = block.len() / 4;
    let (front, back) = block.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (front.split_at_mut(quarter), back.split_at_mut(quarter));
    (
        a.par_chunks_mut(STRIP),
        b.par_chunks_mut(STRIP),
        c.par_chunks_mut(STRIP),
        d.par_chunks_mut(STRIP),
    )
        .into_par_iter()
        .for_each(|(a, b, c, d)| {
            for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                (*a, *b) = step(*a, *b);
                (*c, *d) = step(*c, *d);
                (*a, *c) = step(*a, *c);
                (*b, *d) = step(*b, *d);
            }
        });
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    /// The specification: player by player, coalition by coalition.
    fn obvious(values: &mut [f64], step: impl Fn(f64, f64) -> (f64, f64)) {
        for player in 0..values.len().trailing_zeros() {
            for s in (0..values.len()).filter(|s| s >> player & 1 == 0) {
                let with = s | 1 << player;
                (values[s], values[with]) = step(values[s], values[with]);
            }
        }
    }

    #[test]
    fn the_blocked_butterfly_equals_the_obvious_one_bit_for_bit() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for bits in (0..=10).chain([14, 15, 16, 17, 18]) {
            let values: Vec<f64> = (0..1usize << bits)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let step = |low: f64, high: f64| (0.6 * low - 0.8 * high, 0.8 * low + 0.6 * high);
            let (mut fast, mut slow) = (values.clone(), values);
            butterfly(&mut fast, step);
            obvious(&mut slow, step);
            assert_eq!(fast, slow, "2^{bits} values");
        }
    }
}
