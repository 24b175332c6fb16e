//! A game whose values stand in a file.

use std::fmt;

use crate::error::Source;
use crate::game::{Game, Roster, ValueTable, check_exact, roster};
use crate::{Coalition, Error, Result};

/// A game that knows the values of all coalitions or of some, each finite, and who its players are.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    roster: Roster,
    known: Known,
    missing: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Known {
    All(ValueTable),
    /// Ascending, each coalition once.
    Some(Vec<(Coalition, f64)>),
}

/// What is wrong with a list of values.
#[derive(Debug)]
struct Contradiction {
    coalition: Coalition,
    values: (f64, f64),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.values;
        let coalition = &self.coalition;
        write!(
            f,
            "v({coalition}) stands in it twice, as {first} and {second}"
        )
    }
}

impl std::error::Error for Contradiction {}

impl From<ValueTable> for Recorded {
    fn from(table: ValueTable) -> Self {
        Self {
            roster: Roster::numbered(table.players()),
            known: Known::All(table),
            missing: None,
        }
    }
}

impl Recorded {
    /// The values `rows` of coalitions of the players in `roster`, in any order.
    ///
    /// # Errors
    /// No player or too many, no row, a value that is not finite, a coalition with two values, or a player beyond the roster.
    pub fn new(roster: Roster, mut rows: Vec<(Coalition, f64)>) -> Result<Self, Source> {
        let players = roster.players();
        roster::check(players)?;
        if rows.is_empty() {
            return Err("it holds no value".into());
        }
        for (coalition, value) in &rows {
            if !value.is_finite() {
                let (coalition, value) = (coalition.clone(), *value);
                return Err(Error::NotFinite { coalition, value }.into());
            }
            if let Some(player) = coalition.players().find(|&player| player >= players) {
                return Err(format!("it names player {player}, and there are {players}").into());
            }
        }
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        for pair in rows.windows(2) {
            let [(a, first), (b, second)] = pair else {
                continue;
            };
            if a == b && first != second {
                let (coalition, values) = (a.clone(), (*first, *second));
                return Err(Contradiction { coalition, values }.into());
            }
        }
        rows.dedup_by(|a, b| a.0 == b.0);
        let complete = check_exact(players).is_ok() && rows.len() == 1 << players;
        let known = match complete {
            // Ascending and without gaps: the place of each is its index.
            true => {
                let values = rows.into_iter().map(|(_, value)| value).collect();
                Known::All(ValueTable::new(players, values)?)
            }
            false => Known::Some(rows),
        };
        Ok(Self {
            roster,
            known,
            missing: None,
        })
    }

    /// The same game, in which every coalition without a value has the value `missing`.
    pub fn with_missing(self, missing: Option<f64>) -> Self {
        Self { missing, ..self }
    }

    /// Who the players are.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// How many coalitions have a value of their own.
    pub fn count(&self) -> usize {
        match &self.known {
            Known::All(table) => table.values().len(),
            Known::Some(rows) => rows.len(),
        }
    }

    /// The coalitions that have a value of their own with that value, ascending.
    pub fn rows(&self) -> Vec<(Coalition, f64)> {
        match &self.known {
            Known::Some(rows) => rows.clone(),
            Known::All(table) => {
                let values = table.values().iter().enumerate();
                values
                    .map(|(index, &value)| (Coalition::from_index(index as u64), value))
                    .collect()
            }
        }
    }

    /// The values of all 2^n coalitions.
    ///
    /// # Cost
    /// 8·2^n bytes where the file was not complete; none where it was.
    ///
    /// # Errors
    /// Too many players for the exact path, or [`Error::Incomplete`] where a coalition has no value.
    pub fn into_table(self) -> Result<ValueTable> {
        let rows = match self.known {
            Known::All(table) => return Ok(table),
            Known::Some(rows) => rows,
        };
        let players = self.roster.players();
        check_exact(players)?;
        let size = 1usize << players;
        let Some(missing) = self.missing else {
            let mut indices = rows.iter().map(|(coalition, _)| coalition.index());
            let first = (0..size as u64).find(|&index| indices.next().flatten() != Some(index));
            return Err(Error::Incomplete {
                missing: size - rows.len(),
                of: size,
                first: Coalition::from_index(first.unwrap_or_default()),
            });
        };
        let mut values = vec![missing; size];
        for (coalition, value) in rows {
            let index = coalition.index().expect("at most 24 players");
            values[index as usize] = value;
        }
        ValueTable::new(players, values)
    }
}

impl Game for Recorded {
    fn players(&self) -> usize {
        self.roster.players()
    }

    /// # Errors
    /// [`Error::NoValue`] for a coalition that the file does not hold, where nothing stands in for it.
    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let rows = match &mut self.known {
            Known::All(table) => return Game::values(table, coalitions),
            Known::Some(rows) => rows,
        };
        let value = |coalition: &Coalition| {
            let found = rows.binary_search_by(|(known, _)| known.cmp(coalition));
            let value = found.map(|at| rows[at].1).ok().or(self.missing);
            value.ok_or_else(|| Error::NoValue {
                coalition: coalition.clone(),
            })
        };
        coalitions.iter().map(value).collect()
    }
}
