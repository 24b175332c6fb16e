//! Harsanyi dividends and back.

use std::ops::Index;

use super::butterfly_of;
use crate::game::ValueTable;

/// The Harsanyi dividends μ(S) of a game over all 2^n coalitions, in index order; `dividends[s]` is μ(S).
#[derive(Clone, Debug, PartialEq)]
pub struct Dividends {
    players: usize,
    values: Vec<f64>,
}

impl Dividends {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// All dividends in index order; the first is μ(∅) = v(∅).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The dividends as a plain vector.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

impl Index<usize> for Dividends {
    type Output = f64;

    fn index(&self, coalition: usize) -> &f64 {
        &self.values[coalition]
    }
}

/// Harsanyi dividends, the Möbius transform of v.
///
/// μ(S) = Σ_{T⊆S} (−1)^{|S|−|T|} v(T)
///
/// The AND interactions of v are `mobius(table)`, its OR interactions `mobius(&table.dual())` (for S ≠ ∅).
///
/// # Cost
/// n·2^(n−1) subtractions, one table of memory.
///
/// # Source
/// Harsanyi 1963; Rota 1964.
///
/// # Example
/// ```
/// use harsanyi::{game::ValueTable, transform::{mobius, zeta}};
/// let table = ValueTable::new(2, vec![1.0, 3.0, 4.0, 9.0])?;
/// assert_eq!(mobius(&table).values(), [1.0, 2.0, 3.0, 3.0]);
/// assert_eq!(zeta(&mobius(&table)), table);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn mobius(table: &ValueTable) -> Dividends {
    Dividends {
        players: table.players(),
        values: butterfly_of(
            table.values(),
            |_, value| value,
            |without, with| (without, with - without),
        ),
    }
}

/// The inverse of [`mobius`]: v(S) = Σ_{T⊆S} μ(T).
///
/// # Cost
/// n·2^(n−1) additions, one table of memory.
///
/// # Panics
/// If the sums overflow, which dividends made by [`mobius`] from values below 1e300 do not.
pub fn zeta(dividends: &Dividends) -> ValueTable {
    let values = butterfly_of(
        &dividends.values,
        |_, dividend| dividend,
        |without, with| (without, with + without),
    );
    ValueTable::new(dividends.players, values)
        .expect("sums of finite dividends within the exact path's limit")
}
