//! Multi-order interactions of pairs: how two players act together in contexts of a given size.
//!
//! In comes a [`ValueTable`]; out comes an [`OrderProfile`] with I^(m)(i,j) for every pair and every context size m, and
//! from it the strength J^(m) of each m. The *order* m here counts the players beside the pair, not those in an interaction;
//! hence [`ContextSize`] is a type of its own.

use rayon::prelude::*;

use crate::game::ValueTable;
use crate::{Error, Result};

/// Pieces in which the table is summed: fixed, so that the sums do not depend on the number of threads.
const PIECES: usize = 64;

/// m, the number of players present beside a pair: 0 to n−2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextSize(pub usize);

/// I^(m)(i,j) of all pairs i < j and all context sizes m of one game, in the units of v.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderProfile {
    players: usize,
    /// Row m holds the pairs in the order (0,1), (0,2), …, (1,2), …
    effects: Vec<f64>,
}

impl OrderProfile {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// All context sizes, 0 to n−2.
    pub fn context_sizes(&self) -> impl Iterator<Item = ContextSize> + use<> {
        (0..self.players - 1).map(ContextSize)
    }

    /// I^(m) of all pairs, in the order (0,1), (0,2), …, (0,n−1), (1,2), …
    ///
    /// # Panics
    /// If m exceeds n−2.
    pub fn at(&self, context: ContextSize) -> &[f64] {
        let pairs = self.players * (self.players - 1) / 2;
        &self.effects[context.0 * pairs..][..pairs]
    }

    /// I^(m)(i,j), whichever of the two is smaller.
    ///
    /// # Panics
    /// If m exceeds n−2, or i and j are not two players of the game.
    pub fn effect(&self, context: ContextSize, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        assert!(
            i < j && j < self.players,
            "{i} and {j} are no pair of {} players",
            self.players
        );
        self.at(context)[pair_index(self.players, i, j)]
    }

    /// The mean over pairs of |I^(m)(i,j)| for m = 0, …, n−2, in the units of v.
    ///
    /// Over several samples, average these before [`relative_strength`].
    pub fn mean_abs(&self) -> Vec<f64> {
        self.context_sizes()
            .map(|m| {
                let effects = self.at(m);
                effects.iter().map(|effect| effect.abs()).sum::<f64>() / effects.len() as f64
            })
            .collect()
    }
}

/// J^(m), the strength of each context size relative to the mean over all of them.
///
/// J^(m) = E_{ij} |I^(m)(i,j)| / E_{m'} E_{ij} |I^(m')(i,j)|
///
/// `None` when there is nothing to divide by: no pair interacts at any context size.
///
/// # Source
/// Deng, Ren, Zhang and Zhang 2022, *Discovering and explaining the representation bottleneck of DNNs*. There the mean over m'
/// goes over the sampled context sizes; here over those given.
pub fn relative_strength(mean_abs: &[f64]) -> Option<Vec<f64>> {
    let mean = mean_abs.iter().sum::<f64>() / mean_abs.len() as f64;
    (mean > 0.0).then(|| mean_abs.iter().map(|strength| strength / mean).collect())
}

/// Multi-order interactions of all pairs, exact.
///
/// I^(m)(i,j) = E_{S⊆N∖ij, |S|=m} [v(S∪ij) − v(S∪i) − v(S∪j) + v(S)]
///
/// Each of the four means follows from the sums of v over the coalitions of one size that hold both players, one of them,
/// or any, so one pass over the table serves all pairs and sizes. In dividends the same number is
/// Σ_{T⊆N∖ij, |T|≤m} C(n−2−|T|, m−|T|)/C(n−2, m) · μ(T∪ij); summing v instead spares the rounding errors of dividends, which
/// grow as 2^(|T|/2).
///
/// # Cost
/// About n²/8 additions for each of the 2^n values, no copy of the table.
///
/// # Errors
/// [`Error::Parameter`] when the game has a single player.
///
/// # Source
/// Zhang, Cheng, Chen and Zhang 2020, *Game-theoretic interactions of different orders*.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, tabulate};
/// use harsanyi::interaction::order::{ContextSize, multi_order};
/// let table = tabulate(&mut synthetic::parse("and(0,1,2)")?, |_| ())?;
/// let profile = multi_order(&table)?;
/// assert_eq!(profile.effect(ContextSize(0), 0, 1), 0.0);
/// assert_eq!(profile.effect(ContextSize(1), 0, 1), 1.0);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn multi_order(table: &ValueTable) -> Result<OrderProfile> {
    let players = table.players();
    if players < 2 {
        return Err(Error::Parameter {
            parameter: "the number of players",
            must: "at least 2, since interactions are of pairs",
            got: players.to_string(),
        });
    }
    // A constant offset cancels in I^(m) but would cost digits in the sums.
    let sums = SizeSums::new(table.values(), table.empty(), players);
    let mut effects = Vec::with_capacity((players - 1) * players * (players - 1) / 2);
    for m in 0..players - 1 {
        let contexts = binomial(players - 2, m);
        for i in 0..players {
            for j in i + 1..players {
                let both = |size| sums.pair(size, i, j);
                let with_one = sums.single(m + 1, i) + sums.single(m + 1, j) - 2.0 * both(m + 1);
                let with_none = sums.any(m) - sums.single(m, i) - sums.single(m, j) + both(m);
                effects.push((both(m + 2) - with_one + with_none) / contexts);
            }
        }
    }
    Ok(OrderProfile { players, effects })
}

/// Sums of v over the coalitions of one size: all of them, those with i, those with i and j.
struct SizeSums {
    players: usize,
    /// For each size, a row of n·n sums: pairs at i·n+j with i < j, single players at i·n+i.
    sums: Vec<f64>,
    any: Vec<f64>,
}

impl SizeSums {
    fn new(values: &[f64], offset: f64, players: usize) -> Self {
        let width = players * players;
        let piece = values.len().div_ceil(PIECES);
        let parts: Vec<_> = values
            .par_chunks(piece)
            .enumerate()
            .map(|(at, values)| {
                let mut sums = vec![0.0; (players + 1) * width];
                let mut any = vec![0.0; players + 1];
                for (s, value) in (at * piece..).zip(values) {
                    let (size, value) = (s.count_ones() as usize, value - offset);
                    any[size] += value;
                    let row = &mut sums[size * width..][..width];
                    let mut rest = s;
                    while rest != 0 {
                        let i = rest.trailing_zeros() as usize;
                        let row = &mut row[i * players..][..players];
                        let mut others = rest;
                        while others != 0 {
                            row[others.trailing_zeros() as usize] += value;
                            others &= others - 1;
                        }
                        rest &= rest - 1;
                    }
                }
                (sums, any)
            })
            .collect();
        let mut total = Self {
            players,
            sums: vec![0.0; (players + 1) * width],
            any: vec![0.0; players + 1],
        };
        for (sums, any) in parts {
            add(&mut total.sums, &sums);
            add(&mut total.any, &any);
        }
        total
    }

    fn any(&self, size: usize) -> f64 {
        self.any[size]
    }

    fn single(&self, size: usize, i: usize) -> f64 {
        self.pair(size, i, i)
    }

    fn pair(&self, size: usize, i: usize, j: usize) -> f64 {
        self.sums[(size * self.players + i) * self.players + j]
    }
}

fn add(total: &mut [f64], part: &[f64]) {
    for (total, part) in total.iter_mut().zip(part) {
        *total += part;
    }
}

/// The place of the pair i < j in the order (0,1), (0,2), …, (0,n−1), (1,2), …
fn pair_index(players: usize, i: usize, j: usize) -> usize {
    i * (2 * players - i - 1) / 2 + j - i - 1
}

/// C(n, k), exact for the n of the exact path.
fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1u64, |c, i| c * (n - i) as u64 / (i + 1) as u64) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbered_row_by_row() {
        let players = 7;
        let pairs = (0..players).flat_map(|i| (i + 1..players).map(move |j| (i, j)));
        for (at, (i, j)) in pairs.enumerate() {
            assert_eq!(pair_index(players, i, j), at);
        }
    }

    #[test]
    fn relative_strengths_average_to_one_or_are_absent() {
        let strengths = relative_strength(&[3.0, 0.0, 1.5]).expect("not all zero");
        assert_eq!(strengths, [2.0, 0.0, 1.0]);
        assert_eq!(relative_strength(&[0.0, 0.0]), None);
        assert_eq!(relative_strength(&[]), None);
    }

    #[test]
    fn one_player_makes_no_pair() {
        let table = ValueTable::new(1, vec![0.0, 1.0]).expect("finite");
        assert_eq!(
            multi_order(&table).expect_err("refused").to_string(),
            "the number of players must be at least 2, since interactions are of pairs, got 1"
        );
    }
}
