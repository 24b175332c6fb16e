//! Values of players and interaction indices of coalitions, exact from the dividends.
//!
//! In comes a game's [`Dividends`] a; out go numbers for players, pairs, or all coalitions up to an order. Every index here is
//!
//! index(S) = Σ_{T⊇S} w(|S|, |T|) a(T)
//!
//! so one weighting by size and one superset-sum butterfly serve all coalitions S of one size at once. Indices carry the
//! names that the package shapiq gives them.

use std::fmt;
use std::str::FromStr;

use super::{Dividends, butterfly_of};
use crate::game::ValueTable;
use crate::{Coalition, Error, Result};

/// An interaction index; s = |S|, t = |T| ≥ s in the weights below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// Shapley value of single players, weight 1/t (Shapley 1953).
    ShapleyValue,
    /// Banzhaf value of single players, weight 2^(1−t) (Banzhaf 1965).
    BanzhafValue,
    /// Shapley interaction index, weight 1/(t−s+1) (Grabisch and Roubens 1999).
    ShapleyInteraction,
    /// Banzhaf interaction index, weight 2^(s−t) (Grabisch and Roubens 1999).
    BanzhafInteraction,
    /// Chaining interaction index, weight s/t (Marichal and Roubens 1999).
    ChainingInteraction,
    /// Shapley-Taylor index of order k: the dividend itself for s < k, weight 1/C(t,k) for s = k (Sundararajan, Dhamdhere
    /// and Agarwal 2020).
    ShapleyTaylor,
    /// The dividends a(S) themselves.
    Mobius,
    /// Weight 1: the external Möbius transform, whose values are the OR interactions up to the sign (−1)^(s+1).
    CoMobius,
}

impl Index {
    /// All indices, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::ShapleyValue,
        Self::BanzhafValue,
        Self::ShapleyInteraction,
        Self::BanzhafInteraction,
        Self::ChainingInteraction,
        Self::ShapleyTaylor,
        Self::Mobius,
        Self::CoMobius,
    ];

    /// The name in shapiq.
    pub fn name(self) -> &'static str {
        match self {
            Self::ShapleyValue => "SV",
            Self::BanzhafValue => "BV",
            Self::ShapleyInteraction => "SII",
            Self::BanzhafInteraction => "BII",
            Self::ChainingInteraction => "CHII",
            Self::ShapleyTaylor => "STII",
            Self::Mobius => "Moebius",
            Self::CoMobius => "Co-Moebius",
        }
    }

    /// The highest order that the index is defined for among `players`.
    pub fn max_order(self, players: usize) -> usize {
        match self {
            Self::ShapleyValue | Self::BanzhafValue => 1,
            _ => players,
        }
    }

    /// w(s, t) for t ≥ s, when the index is asked up to order k.
    fn weight(self, s: usize, t: usize, order: usize) -> f64 {
        let dividend = f64::from(u8::from(s == t));
        match self {
            Self::ShapleyValue | Self::ShapleyInteraction => 1.0 / (t - s + 1) as f64,
            Self::BanzhafValue | Self::BanzhafInteraction => 0.5f64.powi((t - s) as i32),
            Self::ChainingInteraction => s as f64 / t as f64,
            Self::ShapleyTaylor if s == order => {
                // 1/C(t,k), a product of s factors none of which exceeds 1.
                (0..s).map(|i| (s - i) as f64 / (t - i) as f64).product()
            }
            Self::ShapleyTaylor | Self::Mobius => dividend,
            Self::CoMobius => 1.0,
        }
    }
}

/// The name in shapiq: `SV`, `BV`, `SII`, `BII`, `CHII`, `STII`, `Moebius`, `Co-Moebius`.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes the names that [`Index`] displays, in upper or lower case.
impl FromStr for Index {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|index| index.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::Parameter {
                parameter: "the index",
                must: "one of SV, BV, SII, BII, CHII, STII, Moebius, Co-Moebius",
                got: format!("`{text}`"),
            })
    }
}

/// An index of every coalition of 1 to `order` players, by size and then in table order.
///
/// ∅ is left out: what an index says of it is a convention that differs between indices.
///
/// # Cost
/// One butterfly and one table of memory per order (none for [`Index::Mobius`]), and the list, which all coalitions of a
/// large game make large.
///
/// # Errors
/// [`Error::Parameter`] when `order` is 0 or more than [`Index::max_order`] allows.
///
/// # Example
/// ```
/// use harsanyi::{Coalition, game::synthetic, tabulate, transform::{index, mobius}};
/// let table = tabulate(&mut synthetic::parse("and(0,1,2)*6")?, |_| ())?;
/// let sii = index::interactions(&mobius(&table), "SII".parse()?, 2)?;
/// assert_eq!(sii[0], (Coalition::from_players([0]), 2.0));
/// assert_eq!(sii[3], (Coalition::from_players([0, 1]), 3.0));
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn interactions(
    dividends: &Dividends,
    index: Index,
    order: usize,
) -> Result<Vec<(Coalition, f64)>> {
    let players = dividends.players();
    if order == 0 || order > index.max_order(players) {
        return Err(Error::Parameter {
            parameter: "the order of the index",
            must: match index.max_order(players) {
                1 => "1 for a value of single players",
                _ => "from 1 to the number of players",
            },
            got: format!("{order} for {index} of {players} players"),
        });
    }
    let mut found = Vec::new();
    for size in 1..=order {
        let list = |values: &[f64]| -> Vec<_> {
            of_size(players, size)
                .map(|s| (Coalition::from_index(s as u64), values[s]))
                .collect()
        };
        let is_dividend = index == Index::Mobius || (index == Index::ShapleyTaylor && size < order);
        found.extend(if is_dividend {
            list(dividends.values())
        } else {
            list(&superset_sums(dividends, |t| {
                index.weight(size, t.max(size), order)
            }))
        });
    }
    Ok(found)
}

/// Shapley value of each player: φ(i) = Σ_{S∋i} a(S)/|S|; they sum to v(N) − v(∅).
///
/// # Cost
/// One butterfly, one table of memory.
///
/// # Source
/// Shapley 1953; the form in dividends is Harsanyi's, 1963.
pub fn shapley(dividends: &Dividends) -> Vec<f64> {
    of_players(dividends, Index::ShapleyValue)
}

/// Banzhaf value of each player: Σ_{S∋i} a(S)/2^(|S|−1), the mean of v(S∪i) − v(S) over all S without i.
///
/// # Cost
/// One butterfly, one table of memory.
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
/// One butterfly, one table of memory.
///
/// # Source
/// Owen 1972; Grabisch and Roubens 1999.
pub fn pairwise_shapley(dividends: &Dividends) -> Vec<f64> {
    let sums = superset_sums(dividends, |t| {
        Index::ShapleyInteraction.weight(2, t.max(2), 2)
    });
    pairs(dividends.players())
        .map(|(i, j)| sums[1 << i | 1 << j])
        .collect()
}

/// All pairs i < j of `players` players: (0,1), (0,2), …, (0,n−1), (1,2), …
pub fn pairs(players: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..players).flat_map(move |i| (i + 1..players).map(move |j| (i, j)))
}

fn of_players(dividends: &Dividends, index: Index) -> Vec<f64> {
    let sums = superset_sums(dividends, |t| index.weight(1, t.max(1), 1));
    (0..dividends.players()).map(|i| sums[1 << i]).collect()
}

/// Σ_{T⊇S} weight(|T|) a(T) for every S.
fn superset_sums(dividends: &Dividends, weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let weights: Vec<f64> = (0..=dividends.players()).map(weight).collect();
    butterfly_of(
        dividends.values(),
        |s, dividend| weights[s.count_ones() as usize] * dividend,
        |without, with| (without + with, with),
    )
}

/// The table indices of all coalitions of `size` ≥ 1 players, ascending.
fn of_size(players: usize, size: usize) -> impl Iterator<Item = usize> {
    // The next larger number with as many bits set (Gosper's rule).
    std::iter::successors(Some((1usize << size) - 1), |s| {
        let lowest = s & s.wrapping_neg();
        let carried = s + lowest;
        Some(carried | (((carried ^ s) >> 2) / lowest))
    })
    .take_while(move |s| s >> players == 0)
}

#[cfg(test)]
mod tests {
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
    fn names_come_back_and_others_are_refused() {
        for index in Index::ALL {
            assert_eq!(index.to_string().parse::<Index>().expect("a name"), index);
        }
        assert_eq!(
            "k-SII".parse::<Index>().expect_err("refused").to_string(),
            "the index must be one of SV, BV, SII, BII, CHII, STII, Moebius, Co-Moebius, got `k-SII`"
        );
    }
}
