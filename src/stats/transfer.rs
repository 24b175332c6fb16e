//! What explanations have in common: across models, samples or seeds.

use crate::interaction::{AndOr, Kind, Threshold};
use crate::{Error, Result};

/// How many of the strongest interactions of one kind all explanations share.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// k, how many interactions of each explanation were compared.
    pub count: usize,
    /// How many of them are among the k strongest of every explanation.
    pub shared: usize,
    /// shared / k, the generalization power of the papers.
    pub ratio: f64,
    /// What `ratio` would be on average for sets of k drawn at random: (k / K)^(M−1) among the K = 2^n − 1 AND
    /// or 2^n − 1 − n OR interactions that there can be.
    pub chance: f64,
    /// (ratio − chance) / (1 − chance): 0 at chance, 1 when all agree; 0 where chance already makes them agree.
    pub above_chance: f64,
}

/// The overlap of the k strongest interactions of `kind` over all `models`; k is `count`, or the fewest interactions of this kind
/// that a model has.
///
/// # Cost
/// A sort of 2^n effects per model.
///
/// # Errors
/// No model, or models of different players.
///
/// # Source
/// Chen et al. 2024, *Defining and extracting generalizable interaction primitives from DNNs*; the chance level is the crate's own
/// addition, without which large k look better than they are.
pub fn overlap(models: &[AndOr], kind: Kind, count: usize) -> Result<Overlap> {
    let players = models
        .first()
        .map(AndOr::players)
        .ok_or_else(|| Error::Input("an overlap needs at least one explanation".into()))?;
    if models.iter().any(|model| model.players() != players) {
        return Err(Error::Input(
            "an overlap needs explanations over the same players".into(),
        ));
    }
    let ranked: Vec<Vec<_>> = models
        .iter()
        .map(|model| {
            let all = model.salient(Threshold::Abs(0.0));
            let of_kind = all.iter().filter(|found| found.kind == kind);
            of_kind.map(|found| found.players.clone()).collect()
        })
        .collect();
    let count = ranked.iter().map(Vec::len).min().unwrap_or(0).min(count);
    let shared = ranked[0][..count]
        .iter()
        .filter(|players| {
            ranked[1..]
                .iter()
                .all(|other| other[..count].contains(players))
        })
        .count();
    let ratio = if count == 0 {
        0.0
    } else {
        shared as f64 / count as f64
    };
    // Single players stand under AND only.
    let all = match kind {
        Kind::And => (players as f64).exp2() - 1.0,
        Kind::Or => (players as f64).exp2() - 1.0 - players as f64,
    };
    let chance = (count as f64 / all).min(1.0).powi(models.len() as i32 - 1);
    Ok(Overlap {
        count,
        shared,
        ratio,
        chance,
        above_chance: if chance < 1.0 {
            (ratio - chance) / (1.0 - chance)
        } else {
            0.0
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::{AndOrOptions, and_or};
    use crate::{game::synthetic, tabulate};

    #[test]
    fn overlap_counts_what_all_share() {
        let of = |game: &str| {
            let table =
                tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table");
            and_or(&table, &AndOrOptions::default()).expect("defaults")
        };
        let models = [
            of("and(0,1)*3 + and(1,2)*2 + and(0,2,3)"),
            of("and(0,1)*2 + and(2,3)*3 + and(1,2)"),
        ];
        let one = overlap(&models, Kind::And, 2).expect("like players");
        assert_eq!((one.count, one.shared), (2, 1));
        assert!((one.chance - 2.0 / 15.0).abs() < 1e-12);
        assert_eq!(
            overlap(&models, Kind::Or, 5).expect("like players").count,
            0
        );
    }
}
