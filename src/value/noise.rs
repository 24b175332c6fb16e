//! How far v moves when the same coalition is evaluated in another batch.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::game::{Game, ValueTable};
use crate::{Coalition, Result};

/// Coalitions evaluated in another batch than that of the table, to be compared with it once it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Table indices.
    pub coalitions: Vec<usize>,
    /// v of each.
    #[serde(with = "bits")]
    pub values: Vec<f64>,
}

/// Values as the integers that their bits are: a number read back from its digits may be off by the last bit.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        bits.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let bits = Vec::<u64>::deserialize(from)?;
        Ok(bits.into_iter().map(f64::from_bits).collect())
    }
}

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

/// Evaluates `probes` coalitions, drawn by `seed`, each with `companions` others. The batch must not be the one that the
/// table is made in, or there is nothing to see.
///
/// # Errors
/// Whatever the game meets.
pub fn probe(game: &mut dyn Game, probes: usize, companions: usize, seed: u64) -> Result<Probe> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || rng.random_range(0..1usize << game.players());
    let asked: Vec<Vec<usize>> = (0..probes)
        .map(|_| (0..=companions).map(|_| draw()).collect())
        .collect();
    let mut found = Probe {
        coalitions: Vec::new(),
        values: Vec::new(),
    };
    for asked in asked {
        let coalitions: Vec<_> = asked
            .iter()
            .map(|&s| Coalition::from_index(s as u64))
            .collect();
        let values = game.values(&coalitions)?;
        found.coalitions.extend(asked.first());
        found.values.extend(values.first());
    }
    Ok(found)
}

impl Noise {
    /// How far `probe` lies from `table`; coalitions that the table does not have are left out.
    pub fn new(probe: &Probe, table: &ValueTable) -> Self {
        let pairs = probe.coalitions.iter().zip(&probe.values);
        let differences: Vec<f64> = pairs
            .filter_map(|(&s, value)| Some((value - table.values().get(s)?).abs()))
            .collect();
        let squares: f64 = differences
            .iter()
            .map(|difference| difference * difference)
            .sum();
        Self {
            probes: differences.len(),
            probe_std: (squares / differences.len().max(1) as f64).sqrt(),
            probe_max: differences
                .iter()
                .fold(0.0, |max, &difference| max.max(difference)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_was_kept_is_the_same_to_the_last_bit() {
        let probe = Probe {
            coalitions: vec![0, 3],
            values: vec![0.1 + 0.2, -7.914050233612536e-8],
        };
        let kept = serde_json::to_string(&probe).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Probe>(&kept).expect("a probe"),
            probe
        );
        let table = ValueTable::new(2, vec![0.3, 1.0, 2.0, 0.0]).expect("finite");
        let noise = Noise::new(&probe, &table);
        assert_eq!(noise.probes, 2);
        assert!((noise.probe_max - 7.914050233612536e-8).abs() < 1e-20);
        assert!((noise.probe_std - noise.probe_max / 2f64.sqrt()).abs() < 1e-20);
    }
}
