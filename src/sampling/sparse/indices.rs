//! Values of players and pairs, in closed form from AND and OR terms.

use std::collections::BTreeMap;

use crate::game::Game;
use crate::game::synthetic::{Shape, Synthetic};
use crate::{Error, Result};

/// The customary values of a sum of AND and OR terms.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerValues {
    /// Shapley value of each player; they sum to v(N) − v(∅).
    pub shapley: Vec<f64>,
    /// Banzhaf value of each player.
    pub banzhaf: Vec<f64>,
    /// Shapley interaction index of each pair i < j that occurs in a term; 0 for all others.
    pub shapley_interaction: BTreeMap<(usize, usize), f64>,
}

/// Shapley and Banzhaf values and the Shapley interaction index of pairs, of a sum of constants, ANDs and ORs.
///
/// A term c over s players gives each of them c/s and c/2^(s−1), be it an AND or an OR, which is the dual game of the AND;
/// it gives each pair c/(s−1) if it is an AND, and −c/(s−1) if it is an OR.
///
/// # Cost
/// s² per term.
///
/// # Errors
/// A term of another shape.
///
/// # Source
/// Harsanyi 1963; Owen 1975; for duals Grabisch and Roubens 1999, proposition 3 on I(v*) = (−1)^(s+1) I(v).
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, sampling::sparse::player_values};
/// let values = player_values(&synthetic::parse("and(0,1,2)*6 - or(1,500)*4")?)?;
/// assert_eq!((values.shapley[1], values.banzhaf[1]), (0.0, -0.5));
/// assert_eq!(values.shapley_interaction[&(1, 500)], 4.0);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn player_values(model: &Synthetic) -> Result<PlayerValues> {
    let mut values = PlayerValues {
        shapley: vec![0.0; model.players()],
        banzhaf: vec![0.0; model.players()],
        shapley_interaction: BTreeMap::new(),
    };
    for term in model.terms() {
        let (set, sign) = match &term.shape {
            Shape::Constant => continue,
            Shape::And(set) => (set, 1.0),
            Shape::Or(set) => (set, -1.0),
            other => {
                return Err(Error::Parameter {
                    parameter: "a term",
                    must: "an AND, an OR or a constant",
                    got: other.to_string(),
                });
            }
        };
        let players: Vec<usize> = set.players().collect();
        let size = players.len();
        for (at, &player) in players.iter().enumerate() {
            values.shapley[player] += term.coefficient / size as f64;
            values.banzhaf[player] += term.coefficient * 0.5f64.powi(size as i32 - 1);
            for &other in &players[at + 1..] {
                *values
                    .shapley_interaction
                    .entry((player, other))
                    .or_default() += sign * term.coefficient / (size - 1) as f64;
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::synthetic;
    use crate::tabulate;
    use crate::transform::{index, mobius};

    #[test]
    fn they_are_those_of_the_table() {
        let mut game = synthetic::parse(
            "n=7; 0.3 + and(0)*1.5 - and(1,2) + and(0,1,3,4)*2 - or(2,3)*0.7 + or(0,4,5)*1.1 - or(1,2,3,4,5)*3",
        )
        .expect("a game");
        let found = player_values(&game).expect("ANDs and ORs");
        let dividends = mobius(&tabulate(&mut game, |_| ()).expect("a table"));
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&found.shapley, &index::shapley(&dividends)));
        assert!(close(&found.banzhaf, &index::banzhaf(&dividends)));
        for (pair, value) in index::pairs(7).zip(index::pairwise_shapley(&dividends)) {
            let own = found.shapley_interaction.get(&pair).copied().unwrap_or(0.0);
            assert!((own - value).abs() < 1e-12, "{pair:?}");
        }
        let parity = synthetic::parse("parity(0,1)").expect("a game");
        assert!(player_values(&parity).is_err());
    }
}
