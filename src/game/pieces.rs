//! A table cut into pieces, each asked for and stored as one.

use std::ops::Range;

use super::{Game, ValueTable, check_exact, checked};
use crate::{Coalition, Error, Result};

/// How the 2^n coalitions of a table are cut: those in which the first `split` players stand alike form a piece.
///
/// A piece holds the fixed coalitions {k·2^split + piece}, whatever was computed before and by whom, so that a game whose
/// values round differently in other company answers the same to each piece whenever it is asked. It fixes the first players
/// and not the last because a network that reads left to right shares what the first players have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    players: usize,
    split: usize,
}

impl Pieces {
    /// Cuts the table of `players` by its first `split` players into 2^split pieces.
    ///
    /// # Errors
    /// No player or too many for a table, or more to split by than there are.
    pub fn new(players: usize, split: usize) -> Result<Self> {
        check_exact(players)?;
        if split > players {
            return Err(Error::Parameter {
                parameter: "the number of players that pieces are split by",
                must: "at most the number of players",
                got: split.to_string(),
            });
        }
        Ok(Self { players, split })
    }

    /// n, the number of players of the table.
    pub fn players(self) -> usize {
        self.players
    }

    /// How many players the pieces are split by.
    pub fn split(self) -> usize {
        self.split
    }

    /// How many pieces there are.
    pub fn count(self) -> usize {
        1 << self.split
    }

    /// How many coalitions each piece holds.
    pub fn len(self) -> usize {
        1 << (self.players - self.split)
    }

    /// Never: a piece holds at least one coalition.
    pub fn is_empty(self) -> bool {
        false
    }

    /// The table indices of the coalitions in `piece`, in the order of its values.
    pub fn indices(self, piece: usize) -> impl ExactSizeIterator<Item = usize> {
        (0..self.len()).map(move |k| (k << self.split) + piece)
    }

    /// v of the coalitions in `piece`.
    ///
    /// # Errors
    /// The game's own, a wrong number of values, or one that is not finite.
    pub fn ask<G: Game + ?Sized>(self, game: &mut G, piece: usize) -> Result<Vec<f64>> {
        let coalitions: Vec<Coalition> = self
            .indices(piece)
            .map(|index| Coalition::from_index(index as u64))
            .collect();
        checked(game.values(&coalitions)?, &coalitions)
    }

    /// The table of all pieces, in order.
    ///
    /// # Errors
    /// Pieces that do not make up a table, as in [`ValueTable::new`].
    pub fn join(self, pieces: impl IntoIterator<Item = Vec<f64>>) -> Result<ValueTable> {
        let mut values = vec![f64::NAN; 1 << self.players];
        for (piece, own) in pieces.into_iter().enumerate() {
            for (index, value) in self.indices(piece).zip(own) {
                values[index] = value;
            }
        }
        ValueTable::new(self.players, values)
    }
}

/// The share of one of several processes that fill a table together, written `i/K`: its i-th of K, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The most processes that share a table.
    const MOST: usize = 1 << 16;

    /// Whether `item`, a piece or a sample by number, is this one's to do.
    pub fn owns(self, item: usize) -> bool {
        item % self.of == self.index
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(i, of)| Some((i.parse().ok()?, of.parse::<usize>().ok()?)));
        match numbers {
            Some((i, of)) if (1..=of).contains(&i) && of <= Self::MOST => {
                Ok(Self { index: i - 1, of })
            }
            _ => Err("expected i/K, as 1/4 to 4/4 for four processes".into()),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

/// Numbers in ascending order as people write them: `0–2, 5, 7–8`.
pub(super) fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some(run) if run.end == number => run.end += 1,
            _ => runs.push(number..number + 1),
        }
    }
    const SHOWN: usize = 8;
    let mut words: Vec<String> = runs
        .iter()
        .take(SHOWN)
        .map(|run| match run.len() {
            1 => run.start.to_string(),
            _ => format!("{}–{}", run.start, run.end - 1),
        })
        .collect();
    if runs.len() > SHOWN {
        words.push("…".into());
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::{synthetic, tabulate};

    #[test]
    fn pieces_hold_every_coalition_once_and_make_up_the_table() {
        let mut game =
            synthetic::parse("and(0,1)*2 - or(3,4,5)*1.5 + noise(0.3,7)").expect("a game");
        let whole = tabulate(&mut game, |_| ()).expect("a table");
        for split in 0..=6 {
            let pieces = Pieces::new(6, split).expect("pieces");
            let mut all: Vec<usize> = (0..pieces.count())
                .flat_map(|p| pieces.indices(p))
                .collect();
            all.sort_unstable();
            assert_eq!(all, (0..64).collect::<Vec<_>>());
            let parts =
                (0..pieces.count()).map(|piece| pieces.ask(&mut game, piece).expect("values"));
            assert_eq!(pieces.join(parts).expect("a table"), whole);
        }
        assert!(Pieces::new(6, 7).is_err() && Pieces::new(0, 0).is_err());
        let half = Pieces::new(6, 1).expect("pieces").join([vec![0.0; 32]]);
        assert!(matches!(half, Err(Error::NotFinite { .. })));
    }

    #[test]
    fn shards_share_out_everything_and_are_read_as_they_are_written() {
        let shards: Vec<Shard> = (1..=3)
            .map(|i| format!("{i}/3").parse().expect("a shard"))
            .collect();
        for item in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.owns(item)).count(), 1);
        }
        assert_eq!(shards[2].to_string(), "3/3");
        for text in ["", "0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/99999999"] {
            text.parse::<Shard>().expect_err(text);
        }
    }

    #[test]
    fn numbers_are_told_in_runs() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0–2, 5, 7–8");
        assert_eq!(ranges(&[]), "");
        let many: Vec<usize> = (0..40).step_by(2).collect();
        assert!(ranges(&many).ends_with("14, …"));
    }
}
