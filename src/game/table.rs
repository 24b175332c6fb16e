//! The values of all coalitions.

use std::ops::Index;

use rayon::prelude::*;

use super::{Game, check_exact};
use crate::{Coalition, Error, Result};

/// v(S) for all 2^n coalitions of a game, every value finite; `table[s]` is v(S), where bit i of `s` is player i.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTable {
    players: usize,
    values: Vec<f64>,
}

impl ValueTable {
    /// Takes `values` in index order.
    ///
    /// # Errors
    /// A length other than 2^n, no player or too many, or a value that is not finite (the first one is named).
    pub fn new(players: usize, values: Vec<f64>) -> Result<Self> {
        check_exact(players)?;
        if values.len() != 1 << players {
            return Err(Error::TableLength {
                players,
                len: values.len(),
            });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                coalition: Coalition::from_index(at as u64),
                value: values[at],
            });
        }
        Ok(Self { players, values })
    }

    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// All values in index order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// v(∅).
    pub fn empty(&self) -> f64 {
        self.values[0]
    }

    /// v(N).
    pub fn grand(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// v(N) − v(∅), what the players are worth together: the unit of several thresholds.
    pub fn span(&self) -> f64 {
        self.grand() - self.empty()
    }

    /// The dual game v*(S) = v(N) − v(N∖S), whose dividends are the OR interactions of v.
    pub fn dual(&self) -> Self {
        let grand = self.grand();
        let values = self
            .values
            .par_iter()
            .rev()
            .map(|value| grand - value)
            .collect();
        Self {
            players: self.players,
            values,
        }
    }
}

/// A table answers for every coalition of its players.
impl Game for ValueTable {
    fn players(&self) -> usize {
        self.players
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let value = |coalition: &Coalition| {
            let index = coalition.index().and_then(|at| usize::try_from(at).ok());
            let value = index.and_then(|at| self.values.get(at)).copied();
            value.ok_or_else(|| Error::Parameter {
                parameter: "a coalition",
                must: "of the table's own players",
                got: format!("{coalition} in a game of {}", self.players),
            })
        };
        coalitions.iter().map(value).collect()
    }
}

impl Index<usize> for ValueTable {
    type Output = f64;

    fn index(&self, coalition: usize) -> &f64 {
        &self.values[coalition]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_a_game_of_its_own_players() {
        let mut table = ValueTable::new(2, vec![0.5, -1.0, 2.0, 3.5]).expect("finite");
        let own = [Coalition::from_players([1]), Coalition::EMPTY];
        assert_eq!(Game::values(&mut table, &own).expect("its own"), [2.0, 0.5]);
        for stranger in [2, 64] {
            assert!(Game::values(&mut table, &[Coalition::from_players([stranger])]).is_err());
        }
    }

    #[test]
    fn the_dual_of_the_dual_is_the_centred_game() {
        let table = ValueTable::new(2, vec![0.5, -1.0, 2.0, 3.5]).expect("finite");
        assert_eq!(table.dual().values(), [0.0, 1.5, 4.5, 3.0]);
        assert_eq!(table.dual().dual().values(), [0.0, -1.5, 1.5, 3.0]);
    }

    #[test]
    fn a_table_refuses_what_is_no_table() {
        let message = |players, values| {
            ValueTable::new(players, values)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            message(2, vec![0.0; 3]),
            "a table over 2 players holds 2^2 values, got 3"
        );
        assert_eq!(
            message(2, vec![0.0, 1.0, 2.0, f64::NAN]),
            "v({0,1}) is NaN; every value must be finite"
        );
        assert_eq!(
            message(25, vec![]),
            "25 players make 2^25 coalitions; the exact path takes at most 24 players"
        );
        assert_eq!(
            message(0, vec![0.0]),
            "the number of players must be at least 1, got 0"
        );
    }
}
