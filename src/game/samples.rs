//! The values of some coalitions, when there are too many to ask for all.

use std::io::Write;

use super::{Game, checked};
use crate::{Coalition, Error, Result};

/// Coalitions handed to a game at a time.
const CHUNK: usize = 1 << 14;

/// v(S) for some coalitions of a game, every value finite and every weight finite and above 0.
///
/// The weight of a sample is what its squared error counts for in a fit, or what it counts for in a mean: 1 where coalitions
/// are drawn from the distribution that is of interest.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    players: usize,
    coalitions: Vec<Coalition>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Samples {
    /// Takes one value and one weight per coalition; a coalition may occur more than once.
    ///
    /// # Errors
    /// No player or more than [`Coalition::MAX_PLAYERS`], lengths that differ, a coalition with a player beyond the game's
    /// own, a value that is not finite, a weight that is not finite or not above 0.
    pub fn new(
        players: usize,
        coalitions: Vec<Coalition>,
        values: Vec<f64>,
        weights: Vec<f64>,
    ) -> Result<Self> {
        if players == 0 || players > Coalition::MAX_PLAYERS {
            return Err(Error::Parameter {
                parameter: "the number of players",
                must: "from 1 to 1024",
                got: players.to_string(),
            });
        }
        for len in [values.len(), weights.len()] {
            if len != coalitions.len() {
                return Err(Error::ValueCount {
                    expected: coalitions.len(),
                    got: len,
                });
            }
        }
        let grand = Coalition::grand(players);
        if let Some(stranger) = coalitions.iter().find(|s| !s.is_subset_of(&grand)) {
            return Err(Error::Parameter {
                parameter: "a coalition",
                must: "of the game's own players",
                got: format!("{stranger} in a game of {players}"),
            });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                coalition: coalitions[at].clone(),
                value: values[at],
            });
        }
        if let Some(weight) = weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
            return Err(Error::Parameter {
                parameter: "the weight of a sample",
                must: "finite and above 0",
                got: weight.to_string(),
            });
        }
        Ok(Self {
            players,
            coalitions,
            values,
            weights,
        })
    }

    /// n, the number of players of the game.
    pub fn players(&self) -> usize {
        self.players
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.coalitions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.coalitions.is_empty()
    }

    /// The coalitions, in the order asked.
    pub fn coalitions(&self) -> &[Coalition] {
        &self.coalitions
    }

    /// v of each coalition.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The weight of each sample.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Writes them as CSV: `coalition` (the players present, ascending, separated by blanks), `value`, `weight`.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn write_csv(&self, file: &mut dyn Write) -> std::io::Result<()> {
        writeln!(file, "coalition,value,weight")?;
        for ((coalition, value), weight) in
            self.coalitions.iter().zip(&self.values).zip(&self.weights)
        {
            for (place, player) in coalition.players().enumerate() {
                let blank = if place > 0 { " " } else { "" };
                write!(file, "{blank}{player}")?;
            }
            writeln!(file, ",{value},{weight}")?;
        }
        Ok(())
    }
}

/// v of each of `coalitions`, with weight 1; `progress` hears how many are done.
///
/// # Errors
/// An error of the game's own, a wrong number of values, or what [`Samples::new`] refuses.
pub fn ask(
    game: &mut dyn Game,
    coalitions: Vec<Coalition>,
    mut progress: impl FnMut(usize),
) -> Result<Samples> {
    let mut values = Vec::with_capacity(coalitions.len());
    for chunk in coalitions.chunks(CHUNK) {
        values.extend(checked(game.values(chunk)?, chunk)?);
        progress(values.len());
    }
    let weights = vec![1.0; values.len()];
    Samples::new(game.players(), coalitions, values, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::synthetic;

    #[test]
    fn samples_are_checked_and_written() {
        let mut game = synthetic::parse("n=70; and(0,69)*2 + 0.5").expect("a game");
        let coalitions = vec![Coalition::EMPTY, Coalition::from_players([0, 69])];
        let samples = ask(&mut game, coalitions.clone(), |_| ()).expect("answers");
        assert_eq!(samples.values(), [0.5, 2.5]);
        let mut csv = Vec::new();
        samples.write_csv(&mut csv).expect("memory");
        assert_eq!(csv, b"coalition,value,weight\n,0.5,1\n0 69,2.5,1\n");
        let refused = |players, values: &[f64], weight| {
            Samples::new(
                players,
                coalitions.clone(),
                values.to_vec(),
                vec![weight; 2],
            )
            .is_err()
        };
        assert!(refused(69, &[0.0, 1.0], 1.0));
        assert!(refused(70, &[0.0], 1.0));
        assert!(refused(70, &[0.0, f64::NAN], 1.0));
        assert!(refused(70, &[0.0, 1.0], 0.0));
        assert!(!refused(70, &[0.0, 1.0], 1.0));
    }
}
