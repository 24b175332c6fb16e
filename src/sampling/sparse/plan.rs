//! Which coalitions to ask.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Coalition, Error, Result};

/// ∅, N, and distinct coalitions that hold every player with probability one half, `budget` in all, in random order behind the
/// first two; all 2^n where the budget allows that.
///
/// Half is the rate that serves AND and OR terms alike: each of order k fires, or stays away, in a share 2^−k of the
/// coalitions, the sizes of which are then spread around n/2 by √n/2.
///
/// # Errors
/// No player, more than [`Coalition::MAX_PLAYERS`], or a budget below 2.
///
/// # Example
/// ```
/// use harsanyi::sampling::sparse::plan;
/// let coalitions = plan(300, 1000, 7)?;
/// assert_eq!(coalitions.len(), 1000);
/// assert_eq!(coalitions, plan(300, 1000, 7)?);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn plan(players: usize, budget: usize, seed: u64) -> Result<Vec<Coalition>> {
    if players == 0 || players > Coalition::MAX_PLAYERS {
        return Err(Error::Parameter {
            parameter: "the number of players",
            must: "from 1 to 1024",
            got: players.to_string(),
        });
    }
    if budget < 2 {
        return Err(Error::Parameter {
            parameter: "the budget",
            must: "at least 2 coalitions",
            got: budget.to_string(),
        });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // A table this small is shuffled, since drawing until all are distinct would go on for long.
    if players < 24 && budget >= 1 << (players - 1) {
        let mut inner: Vec<_> = (1..(1u64 << players) - 1)
            .map(Coalition::from_index)
            .collect();
        inner.shuffle(&mut rng);
        inner.truncate(budget - 2);
        let ends = [Coalition::EMPTY, Coalition::grand(players)];
        return Ok(ends.into_iter().chain(inner).collect());
    }
    let mut coalitions = vec![Coalition::EMPTY, Coalition::grand(players)];
    let mut known: BTreeSet<Coalition> = coalitions.iter().cloned().collect();
    while coalitions.len() < budget {
        let drawn = draw(players, &mut rng);
        if known.insert(drawn.clone()) {
            coalitions.push(drawn);
        }
    }
    Ok(coalitions)
}

/// Each player with probability one half.
fn draw(players: usize, rng: &mut ChaCha8Rng) -> Coalition {
    let words: Vec<u64> = (0..players.div_ceil(64)).map(|_| rng.random()).collect();
    Coalition::from_players((0..players).filter(|&i| words[i / 64] >> (i % 64) & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_distinct_even_and_as_large_as_asked() {
        for (players, budget, expected) in [
            (1, 9, 2),
            (5, 30, 30),
            (9, 100, 100),
            (9, 900, 512),
            (700, 500, 500),
        ] {
            let coalitions = plan(players, budget, 3).expect("a plan");
            assert_eq!(coalitions.len(), expected);
            let distinct: BTreeSet<_> = coalitions.iter().collect();
            assert_eq!(distinct.len(), expected);
            assert!(coalitions.contains(&Coalition::EMPTY));
            assert!(coalitions.contains(&Coalition::grand(players)));
        }
        let sizes = plan(700, 500, 3).expect("a plan");
        let mean = sizes.iter().map(Coalition::len).sum::<usize>() as f64 / 500.0;
        assert!((mean - 350.0).abs() < 3.0, "{mean}");
        assert_ne!(sizes, plan(700, 500, 4).expect("a plan"));
        assert!(plan(0, 10, 0).is_err() && plan(1025, 10, 0).is_err() && plan(5, 1, 0).is_err());
    }
}
