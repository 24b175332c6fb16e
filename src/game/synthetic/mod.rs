//! Games with known answers, written as a short string.
//!
//! A game is a sum of terms, each a coefficient times one of the shapes of [`Shape`]. [`parse()`] documents the notation;
//! [`Synthetic`] displays in it, so that a game found by a test can be handed to the program and back.

mod parse;
mod symbols;

pub use parse::parse;

use std::fmt;

use super::Game;
use crate::{Coalition, Error, Result};

/// A sum of terms over a fixed number of players; a [`Game`] of up to [`Coalition::MAX_PLAYERS`] players.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    players: usize,
    terms: Vec<Term>,
}

/// A coefficient, in the units of v, times a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What the shape is multiplied by.
    pub coefficient: f64,
    /// What depends on the coalition.
    pub shape: Shape,
}

/// A function of a coalition S.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// 1, whoever is present.
    Constant,
    /// 1 when all of these players are present, else 0: one AND interaction.
    And(Coalition),
    /// 1 when any of these players is present, else 0: one OR interaction.
    Or(Coalition),
    /// 1 when more than half of these players are present, else 0.
    Majority(Coalition),
    /// 1 when an odd number of these players is present, else 0: the densest game there is.
    Parity(Coalition),
    /// A draw of the normal distribution with mean 0, independent between coalitions, and always the same for the same
    /// coalition and seed.
    Noise {
        /// Standard deviation.
        sigma: f64,
        /// Two seeds give two unrelated games.
        seed: u64,
    },
}

impl Synthetic {
    /// A game over `players` players.
    ///
    /// # Errors
    /// No player or more than [`Coalition::MAX_PLAYERS`], a term that names a player beyond them or nobody at all, or a
    /// coefficient or sigma that is not finite.
    pub fn new(players: usize, terms: Vec<Term>) -> Result<Self> {
        if players == 0 || players > Coalition::MAX_PLAYERS {
            return Err(Error::Parameter {
                parameter: "the number of players",
                must: "from 1 to 1024",
                got: players.to_string(),
            });
        }
        let grand = Coalition::grand(players);
        for Term { coefficient, shape } in &terms {
            if !coefficient.is_finite() {
                return Err(Error::Parameter {
                    parameter: "a coefficient",
                    must: "finite",
                    got: coefficient.to_string(),
                });
            }
            match shape {
                Shape::Noise { sigma, .. } if !(sigma.is_finite() && *sigma >= 0.0) => {
                    return Err(Error::Parameter {
                        parameter: "the sigma of a noise",
                        must: "finite and at least 0",
                        got: sigma.to_string(),
                    });
                }
                _ => {}
            }
            if let Some(set) = shape.players()
                && (set.is_empty() || !set.is_subset_of(&grand))
            {
                return Err(Error::Parameter {
                    parameter: "the players of a term",
                    must: "one or more of the game's own",
                    got: format!("{set} in a game of {players}"),
                });
            }
        }
        Ok(Self { players, terms })
    }

    /// The terms, in the order in which they are summed.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// v(S), the sum of the terms in their order.
    pub fn value(&self, coalition: &Coalition) -> f64 {
        self.terms
            .iter()
            .map(|term| term.coefficient * term.shape.value(coalition))
            .sum()
    }
}

impl Game for Synthetic {
    fn players(&self) -> usize {
        self.players
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        Ok(coalitions.iter().map(|s| self.value(s)).collect())
    }
}

impl Shape {
    /// The players that the shape looks at; `None` for a constant and for noise.
    pub fn players(&self) -> Option<&Coalition> {
        match self {
            Self::Constant | Self::Noise { .. } => None,
            Self::And(set) | Self::Or(set) | Self::Majority(set) | Self::Parity(set) => Some(set),
        }
    }

    /// What the shape is for the coalition S.
    fn value(&self, coalition: &Coalition) -> f64 {
        let present = |set: &Coalition| {
            set.players()
                .filter(|&player| coalition.contains(player))
                .count()
        };
        let fires = match self {
            Self::Constant => true,
            Self::And(set) => set.is_subset_of(coalition),
            Self::Or(set) => set.players().any(|player| coalition.contains(player)),
            Self::Majority(set) => 2 * present(set) > set.len(),
            Self::Parity(set) => present(set) % 2 == 1,
            Self::Noise { sigma, seed } => return sigma * normal(coalition, *seed),
        };
        f64::from(u8::from(fires))
    }
}

/// A standard normal draw that depends on the coalition and the seed alone: its bits are hashed word by word, and two
/// uniform numbers taken from the hash make one normal number (Box and Muller 1958).
fn normal(coalition: &Coalition, seed: u64) -> f64 {
    let hash = coalition
        .words()
        .iter()
        .fold(mix(seed), |hash, word| mix(hash ^ mix(*word)));
    // 53 bits each; the first is shifted into (0, 1] because its logarithm is taken.
    let uniform = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
    let radius = (-2.0 * (1.0 - uniform(hash)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(mix(hash))).cos()
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits that scatters neighbours.
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The notation of [`parse()`]: `and(0,1)*2 - or(3..6)*1.5 + 0.3`.
impl fmt::Display for Synthetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self
            .terms
            .iter()
            .filter_map(|term| term.shape.players()?.players().last())
            .max()
            .map_or(0, |last| last + 1);
        if named != self.players {
            write!(f, "n={}; ", self.players)?;
        }
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        for (at, Term { coefficient, shape }) in self.terms.iter().enumerate() {
            f.write_str(match (at, coefficient.is_sign_negative()) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let size = coefficient.abs();
            match shape {
                Shape::Constant => write!(f, "{size}")?,
                _ if size == 1.0 => write!(f, "{shape}")?,
                _ => write!(f, "{shape}*{size}")?,
            }
        }
        Ok(())
    }
}

/// `and(0,1)`, `noise(0.5,7)`, and `1` for the constant.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, set) = match self {
            Self::Constant => return f.write_str("1"),
            Self::Noise { sigma, seed } => return write!(f, "noise({sigma},{seed})"),
            Self::And(set) => ("and", set),
            Self::Or(set) => ("or", set),
            Self::Majority(set) => ("majority", set),
            Self::Parity(set) => ("parity", set),
        };
        let players: Vec<_> = set.players().collect();
        let runs: Vec<String> = players
            .chunk_by(|a, b| a + 1 == *b)
            .flat_map(|run| match run {
                [first, .., last] if run.len() > 2 => vec![format!("{first}..{}", last + 1)],
                _ => run.iter().map(usize::to_string).collect(),
            })
            .collect();
        write!(f, "{name}({})", runs.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_means_what_it_says() {
        let value = |game: &str, players: &[usize]| {
            parse(game)
                .expect("a game")
                .value(&Coalition::from_players(players.iter().copied()))
        };
        assert_eq!(value("and(0,2)*2 + 1", &[0, 2]), 3.0);
        assert_eq!(value("and(0,2)*2 + 1", &[0, 1]), 1.0);
        assert_eq!(value("or(1,2)", &[2]), 1.0);
        assert_eq!(value("or(1,2)", &[0]), 0.0);
        assert_eq!(value("majority(0..5)", &[0, 4, 7]), 0.0);
        assert_eq!(value("majority(0..5)", &[0, 3, 4]), 1.0);
        assert_eq!(value("majority(0,1)", &[0]), 0.0);
        assert_eq!(value("parity(0..3)", &[0, 1, 2]), 1.0);
        assert_eq!(value("parity(0..3)", &[0, 2]), 0.0);
        assert_eq!(value("and(0,1023)", &[0, 1023]), 1.0);
    }

    #[test]
    fn noise_is_standard_normal_and_a_function_of_the_coalition() {
        let draws: Vec<f64> = (0..20_000)
            .map(|s| normal(&Coalition::from_index(s), 3))
            .collect();
        let moment = |power| draws.iter().map(|x: &f64| x.powi(power)).sum::<f64>() / 20_000.0;
        for (power, expected, tolerance) in
            [(1, 0.0, 0.03), (2, 1.0, 0.04), (3, 0.0, 0.1), (4, 3.0, 0.3)]
        {
            assert!((moment(power) - expected).abs() < tolerance);
        }
        assert_eq!(draws[77], normal(&Coalition::from_players([0, 2, 3, 6]), 3));
        assert_ne!(draws[77], normal(&Coalition::from_index(77), 4));
        assert_ne!(
            normal(&Coalition::from_players([64]), 3),
            normal(&Coalition::from_players([128]), 3)
        );
    }

    #[test]
    fn a_game_displays_in_the_notation_that_it_is_read_from() {
        for text in [
            "and(0,1)*2 - or(3..6)*1.5 + 0.3",
            "n=12; majority(0..5)",
            "-parity(0,2,5..9) + noise(0.25,7)*3",
            "n=4; 0",
        ] {
            let game = parse(text).expect("a game");
            assert_eq!(game.to_string(), text);
            assert_eq!(parse(&game.to_string()).expect("a game"), game);
        }
    }

    #[test]
    fn a_game_refuses_players_that_it_does_not_have() {
        let term = |players: &[usize]| Term {
            coefficient: 1.0,
            shape: Shape::And(Coalition::from_players(players.iter().copied())),
        };
        assert!(Synthetic::new(3, vec![term(&[0, 2])]).is_ok());
        assert_eq!(
            Synthetic::new(3, vec![term(&[1, 3])])
                .expect_err("refused")
                .to_string(),
            "the players of a term must be one or more of the game's own, got {1,3} in a game of 3"
        );
        assert!(Synthetic::new(3, vec![term(&[])]).is_err());
        assert!(Synthetic::new(1025, vec![]).is_err());
    }
}
