//! Sums over supersets, for the small coalitions only.

use rayon::prelude::*;

/// Tables up to this length are summed by one thread.
const ALONE: usize = 1 << 14;

/// Σ_{U⊇S} source(U, x(U)) for every S of exactly `size` players, at its place in a table that holds nothing else of use.
///
/// # Cost
/// Some 2^n steps for the lowest sizes, n·2^(n−1) at most; one table of memory.
pub(super) fn sums_by_place(
    values: &[f64],
    size: usize,
    source: impl Fn(usize, f64) -> f64 + Sync,
) -> Vec<f64> {
    let mut sums = filled(values, source);
    let players = values.len().trailing_zeros() as usize;
    fold(&mut sums, players, size, size);
    sums
}

/// [`sums_by_place`] of a source that depends on |U| and x(U).
pub(super) fn sums_of_size(
    values: &[f64],
    size: usize,
    source: impl Fn(usize, f64) -> f64 + Sync,
) -> Vec<f64> {
    sums_by_place(values, size, |s, value| {
        source(s.count_ones() as usize, value)
    })
}

/// Σ_{U⊇S} weight(|U|) x(U) for every S of at most `size` players.
pub(super) fn sums_up_to(
    values: &[f64],
    size: usize,
    weight: impl Fn(usize) -> f64 + Sync,
) -> Vec<f64> {
    let mut sums = filled(values, |s, value| weight(s.count_ones() as usize) * value);
    let players = values.len().trailing_zeros() as usize;
    fold(&mut sums, players, 0, size);
    sums
}

fn filled(values: &[f64], source: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let mut filled = vec![0.0; values.len()];
    filled
        .par_chunks_mut(ALONE)
        .zip(values.par_chunks(ALONE))
        .enumerate()
        .for_each(|(at, (to, from))| {
            for (s, (to, from)) in (at * ALONE..).zip(to.iter_mut().zip(from)) {
                *to = source(s, *from);
            }
        });
    filled
}

/// The superset sums, in place, of the coalitions of `least` to `most` of the `players` whose table `values` is.
///
/// With its highest player a coalition lies in the upper half, where one player fewer is to be found; without, its supersets
/// are those of both halves together. What no coalition of the sizes asked needs is never summed.
fn fold(values: &mut [f64], players: usize, least: usize, most: usize) {
    if most == 0 {
        values[0] = total(values);
        return;
    }
    if least > players || players == 0 {
        return;
    }
    let (low, high) = values.split_at_mut(1 << (players - 1));
    let rest = players - 1;
    if low.len() < ALONE {
        if least <= rest {
            add(low, high);
        }
        fold(low, rest, least, most);
        fold(high, rest, least.saturating_sub(1), most - 1);
        return;
    }
    low.par_chunks_mut(ALONE)
        .zip(high.par_chunks(ALONE))
        .for_each(|(low, high)| add(low, high));
    rayon::join(
        || fold(low, rest, least, most),
        || fold(high, rest, least.saturating_sub(1), most - 1),
    );
}

fn add(low: &mut [f64], high: &[f64]) {
    for (low, high) in low.iter_mut().zip(high) {
        *low += high;
    }
}

/// The sum of all `values`, halves first, so that it neither depends on the threads nor waits for one addition at a time.
fn total(values: &[f64]) -> f64 {
    const LANES: usize = 16;
    if values.len() <= ALONE {
        let mut lanes = [0.0; LANES];
        for some in values.chunks(LANES) {
            for (lane, value) in lanes.iter_mut().zip(some) {
                *lane += value;
            }
        }
        return lanes.iter().sum();
    }
    let (low, high) = values.split_at(values.len() / 2);
    let (low, high) = rayon::join(|| total(low), || total(high));
    low + high
}

/// The table indices of all coalitions of `size` ≥ 1 players, ascending.
pub(super) fn of_size(players: usize, size: usize) -> impl Iterator<Item = usize> {
    // The next larger number with as many bits set (Gosper's rule).
    std::iter::successors(Some((1usize << size) - 1), |s| {
        let lowest = s & s.wrapping_neg();
        let carried = s + lowest;
        Some(carried | (((carried ^ s) >> 2) >> lowest.trailing_zeros()))
    })
    .take_while(move |s| s >> players == 0)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn coalitions_of_a_size_are_all_there_and_ascend() {
        for players in 1..=9 {
            for size in 1..=players {
                let slow: Vec<usize> = (0..1usize << players)
                    .filter(|s| s.count_ones() as usize == size)
                    .collect();
                assert_eq!(of_size(players, size).collect::<Vec<_>>(), slow);
            }
        }
    }

    #[test]
    fn sums_over_supersets_are_what_loops_say_at_every_size() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        for players in 1..=9usize {
            let values: Vec<f64> = (0..1usize << players)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            let weight = |t: usize| 1.0 / (t + 1) as f64;
            let slow = |s: usize| -> f64 {
                (0..values.len())
                    .filter(|u| u & s == s)
                    .map(|u| weight(u.count_ones() as usize) * values[u])
                    .sum()
            };
            for size in 1..=players {
                let exactly = sums_of_size(&values, size, |t, value| weight(t) * value);
                let up_to = sums_up_to(&values, size, weight);
                for s in 0..values.len() {
                    let of = s.count_ones() as usize;
                    assert!(of != size || (exactly[s] - slow(s)).abs() < 1e-12);
                    assert!(of > size || (up_to[s] - slow(s)).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn large_tables_sum_as_loops_do_for_any_number_of_threads() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let players = 17;
        let values: Vec<f64> = (0..1usize << players)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool")
                .install(|| sums_of_size(&values, 2, |_, value| value))
        };
        let sums = with(1);
        for s in [0b11, 1 << 16 | 1, 1 << 16 | 1 << 15, 1 << 9 | 1 << 4] {
            let slow: f64 = (0..values.len())
                .filter(|u| u & s == s)
                .map(|u| values[u])
                .sum();
            assert!((sums[s] - slow).abs() < 1e-10);
        }
        assert_eq!(with(3), sums);
    }
}
