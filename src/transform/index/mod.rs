//! Values of players and of coalitions, exact from a table.
//!
//! In comes a game as a [`ValueTable`] or its [`Dividends`] a; out go numbers for players, pairs, or all coalitions up to an
//! order. An interaction index is a weighted sum of dividends,
//!
//! index(S) = Σ_{T⊇S} w(|S|, |T|) a(T),
//!
//! a generalised value a weighted sum of what S adds to others,
//!
//! value(S) = Σ_{T⊆N∖S} q(|S|, |T|) (v(T∪S) − v(T)),
//!
//! and both are one superset sum for all coalitions of one size at once. Names and normalisations are those of the package
//! shapiq.

mod kind;
mod superset;
mod weights;

pub use kind::Index;

use rayon::prelude::*;

use super::{Dividends, mobius, walsh};
use crate::game::ValueTable;
use crate::{Coalition, Result};
use kind::Form;
use superset::{of_size, sums_of_size};

/// An index of every coalition of 1 to `order` players, by size and then in table order.
///
/// ∅ is left out: what an index says of it is a convention, see [`empty_entry`].
///
/// # Cost
/// Nothing of the size 4^n or 3^n is ever formed. [`Index::Mobius`] and [`Index::Fourier`] take one butterfly, n·2^(n−1) steps;
/// the interaction indices one more sum per order (one for all orders where the weight is a product), the values of players
/// and the generalised values only that sum, straight from the table. Such a sum takes some 2^n steps where the order is low,
/// n·2^(n−1) at most, and one table of memory. The list comes on top, which all coalitions of a large game make large.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) when `order` is 0 or more than [`Index::max_order`] allows.
///
/// # Example
/// ```
/// use harsanyi::{Coalition, game::synthetic, tabulate, transform::index};
/// let table = tabulate(&mut synthetic::parse("and(0,1,2)*6")?, |_| ())?;
/// let sii = index::interactions(&table, "SII".parse()?, 2)?;
/// assert_eq!(sii[0], (Coalition::from_players([0]), 2.0));
/// assert_eq!(sii[3], (Coalition::from_players([0, 1]), 3.0));
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn interactions(
    table: &ValueTable,
    index: Index,
    order: usize,
) -> Result<Vec<(Coalition, f64)>> {
    let players = table.players();
    index.check_order(order, players)?;
    let values = table.values();
    let grand = values.len() - 1;
    Ok(match index.form() {
        Form::Dividend => {
            let dividends = mobius(table);
            list(players, 1..=order, |_, s| dividends[s])
        }
        Form::Spectrum => {
            let spectrum = walsh(table);
            list(players, 1..=order, |_, s| spectrum[s])
        }
        Form::Alone => list(players, 1..=order, |_, s| values[s] - values[0]),
        Form::Last => list(players, 1..=order, |_, s| {
            values[grand] - values[grand & !s]
        }),
        Form::Contribution => {
            let per_size = (1..=order).map(|size| {
                let sums = contributions(table, index, size, order);
                list(players, size..=size, |_, s| sums[s])
            });
            per_size.collect::<Vec<_>>().concat()
        }
        Form::Interaction => {
            let dividends = mobius(table);
            from_dividends(&dividends, index, order)
        }
    })
}

/// An interaction index from dividends: Σ_{T⊇S} w(|S|, |T|) a(T).
fn from_dividends(dividends: &Dividends, index: Index, order: usize) -> Vec<(Coalition, f64)> {
    let players = dividends.players();
    if let Some((of_size, of_dividend)) = index.product(players) {
        // w(s, t) = of_size(s)·of_dividend(t): one sum serves all orders.
        let sums = superset::sums_up_to(dividends.values(), order, |t| of_dividend[t]);
        return list(players, 1..=order, |size, s| of_size[size] * sums[s]);
    }
    let per_size = (1..=order).map(|size| {
        if index.is_dividend(size, order) {
            return list(players, size..=size, |_, s| dividends[s]);
        }
        let weights = index.weights(size, order, players);
        let sums = sums_of_size(dividends.values(), size, |t, a| weights[t] * a);
        list(players, size..=size, |_, s| sums[s])
    });
    per_size.collect::<Vec<_>>().concat()
}

/// Σ_{T⊆N∖S} q(|S|, |T|) (v(T∪S) − v(T)) for every S of `size` players, at its place in a table that holds nothing else of
/// use.
///
/// The term of T∪S = U and that of T = N∖U, U ⊇ S in both, make one sum over supersets:
/// Σ_{U⊇S} q(s, |U|−s) v(U) − q(s, n−|U|) v(N∖U).
fn contributions(table: &ValueTable, index: Index, size: usize, order: usize) -> Vec<f64> {
    let players = table.players();
    let values = table.values();
    let grand = values.len() - 1;
    let shares = index.shares(size, order, players);
    let share = |t: Option<usize>| t.and_then(|t| shares.get(t)).copied().unwrap_or(0.0);
    let with: Vec<f64> = (0..=players).map(|u| share(u.checked_sub(size))).collect();
    let without: Vec<f64> = (0..=players).map(|u| share(Some(players - u))).collect();
    // Measured from v(∅), so that a large offset costs no digits.
    let empty = table.empty();
    superset::sums_by_place(values, size, |s, value| {
        let u = s.count_ones() as usize;
        with[u] * (value - empty) - without[u] * (values[grand & !s] - empty)
    })
}

/// What the package shapiq writes for ∅ beside an index up to `order`, a convention that differs between indices.
///
/// The mean of v for BV, BII and Fourier, Σ_T a(T)/(|T|+1) for SII, the constant of the fit for FBII, and v(∅) for all others.
///
/// # Cost
/// One sum over the table; one butterfly for FBII.
///
/// # Errors
/// As [`interactions`].
pub fn empty_entry(table: &ValueTable, index: Index, order: usize) -> Result<f64> {
    let players = table.players();
    index.check_order(order, players)?;
    let weights: Vec<f64> = match index {
        Index::BanzhafValue | Index::BanzhafInteraction | Index::Fourier => {
            vec![0.5f64.powi(players as i32); players + 1]
        }
        Index::ShapleyInteraction => (0..=players)
            .map(|t| 1.0 / ((players + 1) as f64 * weights::binomial(players, t)))
            .collect(),
        Index::FaithfulBanzhaf => {
            let weights = index.weights(0, order, players);
            return Ok(weighted_sum(mobius(table).values(), &weights));
        }
        _ => return Ok(table.empty()),
    };
    Ok(weighted_sum(table.values(), &weights))
}

/// Σ_S weights(|S|) x(S), in blocks of a fixed size so that it does not depend on the threads.
fn weighted_sum(values: &[f64], weights: &[f64]) -> f64 {
    const BLOCK: usize = 1 << 12;
    let blocks: Vec<f64> = values
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(at, block)| {
            (at * BLOCK..)
                .zip(block)
                .map(|(s, value)| weights[s.count_ones() as usize] * value)
                .sum()
        })
        .collect();
    blocks.iter().sum()
}

/// Shapley value of each player: φ(i) = Σ_{S∋i} a(S)/|S|; they sum to v(N) − v(∅).
///
/// # Cost
/// Some 2^n steps, one table of memory.
///
/// # Source
/// Shapley 1953; the form in dividends is Harsanyi's, 1963.
pub fn shapley(dividends: &Dividends) -> Vec<f64> {
    of_players(dividends, Index::ShapleyValue)
}

/// Banzhaf value of each player: Σ_{S∋i} a(S)/2^(|S|−1), the mean of v(S∪i) − v(S) over all S without i.
///
/// # Cost
/// Some 2^n steps, one table of memory.
///
/// # Source
/// Banzhaf 1965; Owen 1975.
pub fn banzhaf(dividends: &Dividends) -> Vec<f64> {
    of_players(dividends, Index::BanzhafValue)
}

/// What the grand coalition loses with each player: v(N) − v(N∖i), which is Σ_{S∋i} a(S).
///
/// # Cost
/// n subtractions.
pub fn leave_one_out(table: &ValueTable) -> Vec<f64> {
    let grand = table.values().len() - 1;
    (0..table.players())
        .map(|i| table.grand() - table[grand & !(1 << i)])
        .collect()
}

/// Shapley interaction index of each pair: Σ_{T⊇ij} a(T)/(|T|−1), in the order of [`pairs`].
///
/// # Cost
/// Some 2^n steps, one table of memory.
///
/// # Source
/// Owen 1972; Grabisch and Roubens 1999.
pub fn pairwise_shapley(dividends: &Dividends) -> Vec<f64> {
    let players = dividends.players();
    let weights = Index::ShapleyInteraction.weights(2, 2, players);
    let sums = sums_of_size(dividends.values(), 2, |t, a| weights[t] * a);
    pairs(players).map(|(i, j)| sums[1 << i | 1 << j]).collect()
}

/// All pairs i < j of `players` players: (0,1), (0,2), …, (0,n−1), (1,2), …
pub fn pairs(players: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..players).flat_map(move |i| (i + 1..players).map(move |j| (i, j)))
}

fn of_players(dividends: &Dividends, index: Index) -> Vec<f64> {
    let weights = index.weights(1, 1, dividends.players());
    let sums = sums_of_size(dividends.values(), 1, |t, a| weights[t] * a);
    (0..dividends.players()).map(|i| sums[1 << i]).collect()
}

/// All coalitions of the sizes asked, with what `value(size, s)` says of each.
fn list(
    players: usize,
    sizes: std::ops::RangeInclusive<usize>,
    value: impl Fn(usize, usize) -> f64,
) -> Vec<(Coalition, f64)> {
    let count: f64 = sizes
        .clone()
        .map(|size| weights::binomial(players, size))
        .sum();
    let mut found = Vec::with_capacity(count as usize);
    for size in sizes {
        found.extend(
            of_size(players, size).map(|s| (Coalition::from_index(s as u64), value(size, s))),
        );
    }
    found
}
