//! Cooperative games: players, coalitions, and what each coalition is worth.
//!
//! In comes anything that can answer v(S): a network on a sample, a file, another program, a formula. Out goes a [`ValueTable`] of all 2^n
//! values, from which every exact quantity of the crate follows.

pub mod file;
pub mod memo;
mod pieces;
pub mod process;
mod roster;
mod samples;
pub mod store;
pub mod synthetic;
mod table;

pub use pieces::{Pieces, Shard};
pub use roster::{Groups, Roster};
pub use samples::{Samples, ask};
pub use table::ValueTable;

use crate::{Coalition, Error, Result};

/// The most players for which all 2^n coalitions are tabulated: 2^24 values are 128 MiB.
pub const MAX_EXACT_PLAYERS: usize = 24;

/// Coalitions handed to a game at a time while a table is filled: all of them for most games, so that a game can share work
/// between any two, and no more than some tens of megabytes.
const CHUNK: usize = 1 << 20;

/// A cooperative game (N, v): how many players, and what each coalition of them is worth.
pub trait Game {
    /// n, the number of players.
    fn players(&self) -> usize;

    /// v(S) for every coalition asked, in the order asked.
    ///
    /// # Errors
    /// Whatever keeps the game from answering.
    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>>;

    /// The same, and `heard` is told the place and the value of each coalition as soon as it is known, in whatever order, so
    /// that an error loses nothing that was answered before it. Games that answer at once tell at the end.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    fn values_heard(
        &mut self,
        coalitions: &[Coalition],
        heard: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f64>> {
        let values = self.values(coalitions)?;
        for (at, value) in values.iter().enumerate() {
            heard(at, *value);
        }
        Ok(values)
    }
}

impl<G: Game + ?Sized> Game for Box<G> {
    fn players(&self) -> usize {
        (**self).players()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        (**self).values(coalitions)
    }

    fn values_heard(
        &mut self,
        coalitions: &[Coalition],
        heard: &mut dyn FnMut(usize, f64),
    ) -> Result<Vec<f64>> {
        (**self).values_heard(coalitions, heard)
    }
}

/// How many values arrive between two reports of progress, at the most.
const STEP: usize = 64;

/// Evaluates every coalition of `game`; `progress` hears how many are done, the last time of all of them.
///
/// # Cost
/// 2^n evaluations of v, 8·2^n bytes.
///
/// # Errors
/// Too many players for the exact path, an error of the game's own, a wrong number of values, or a value that is not finite.
pub fn tabulate(game: &mut dyn Game, mut progress: impl FnMut(usize)) -> Result<ValueTable> {
    let players = game.players();
    check_exact(players)?;
    let size = 1usize << players;
    let mut values = Vec::with_capacity(size);
    while values.len() < size {
        let end = size.min(values.len() + CHUNK);
        let coalitions: Vec<_> = (values.len()..end)
            .map(|index| Coalition::from_index(index as u64))
            .collect();
        let mut done = values.len();
        let answered = game.values_heard(&coalitions, &mut |_, _| {
            done += 1;
            if done.is_multiple_of(STEP) && done < end {
                progress(done);
            }
        })?;
        values.extend(checked(answered, &coalitions)?);
        progress(values.len());
    }
    ValueTable::new(players, values)
}

/// What a game answered, once it is known to be as many values as coalitions were asked, every one finite.
///
/// # Errors
/// A wrong number of values, or a value that is not finite.
pub fn checked(values: Vec<f64>, coalitions: &[Coalition]) -> Result<Vec<f64>> {
    if values.len() != coalitions.len() {
        return Err(Error::ValueCount {
            expected: coalitions.len(),
            got: values.len(),
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::NotFinite {
            coalition: coalitions[at].clone(),
            value: values[at],
        }),
        None => Ok(values),
    }
}

/// Refuses games beyond [`MAX_EXACT_PLAYERS`] and games without a player.
///
/// # Errors
/// [`Error::TooManyPlayers`], or [`Error::Parameter`] when there is no player.
pub fn check_exact(players: usize) -> Result<()> {
    if players == 0 {
        return Err(Error::Parameter {
            parameter: "the number of players",
            must: "at least 1",
            got: "0".into(),
        });
    }
    if players > MAX_EXACT_PLAYERS {
        return Err(Error::TooManyPlayers {
            players,
            max: MAX_EXACT_PLAYERS,
        });
    }
    Ok(())
}
