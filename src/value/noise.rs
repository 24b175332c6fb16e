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

/// Evaluates `probes` coalitions, drawn by `seed`, again and each alone, and compares them with `table`.
///
/// # Errors
/// Whatever the game meets.
pub fn probe(game: &mut dyn Game, table: &ValueTable, probes: usize, seed: u64) -> Result<Noise> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut squares = 0.0;
    let mut probe_max = 0.0f64;
    for _ in 0..probes {
        let coalition = rng.random_range(0..table.values().len());
        let again = game.values(&[Coalition::from_index(coalition as u64)])?;
        let difference = again
            .first()
            .map_or(0.0, |again| (again - table[coalition]).abs());
        squares += difference * difference;
        probe_max = probe_max.max(difference);
    }
    Ok(Noise {
        probes,
        probe_std: (squares / probes.max(1) as f64).sqrt(),
        probe_max,
    })
}
