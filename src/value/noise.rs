//! How far v moves when the same coalition is evaluated in another batch.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::game::{Game, ValueTable};
use crate::{Coalition, Result};

/// What a probe of re-evaluated coalitions found, in the units of v.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Noise {
    /// Coalitions evaluated again.
    pub probes: usize,
    /// Root mean square of the differences.
    pub probe_std: f64,
    /// The largest difference.
    pub probe_max: f64,
}

/// Evaluates `probes` coalitions, drawn by `seed`, again, each with `companions` others, and compares them with `table`. The
/// batch must not be the one that the table was made in, or there is nothing to see.
///
/// # Errors
/// Whatever the game meets.
pub fn probe(
    game: &mut dyn Game,
    table: &ValueTable,
    probes: usize,
    companions: usize,
    seed: u64,
) -> Result<Noise> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || rng.random_range(0..table.values().len());
    let (mut squares, mut probe_max) = (0.0, 0.0f64);
    for _ in 0..probes {
        let asked: Vec<usize> = (0..=companions).map(|_| draw()).collect();
        let coalitions: Vec<_> = asked
            .iter()
            .map(|&s| Coalition::from_index(s as u64))
            .collect();
        let again = game.values(&coalitions)?;
        let difference = again
            .first()
            .map_or(0.0, |again| (again - table[asked[0]]).abs());
        squares += difference * difference;
        probe_max = probe_max.max(difference);
    }
    Ok(Noise {
        probes,
        probe_std: (squares / probes.max(1) as f64).sqrt(),
        probe_max,
    })
}
