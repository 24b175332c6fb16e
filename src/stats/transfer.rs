//! What explanations have in common: across models, samples or seeds.

use std::collections::BTreeSet;

use super::faithfulness::faithfulness;
use crate::game::ValueTable;
use crate::interaction::{AndOr, Interactions, Kind, MAX_REFIT, Threshold, refit};
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

/// Two sets of interactions beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SetOverlap {
    /// How many interactions each set holds.
    pub counts: [usize; 2],
    /// How many both hold.
    pub shared: usize,
    /// shared / (how many either holds), the Jaccard index; 0 where both are empty.
    pub jaccard: f64,
    /// What `shared` would be on average for sets of these sizes drawn at random: k₁·k₂/K among the K = 2·2^n − 2 − n interactions
    /// that there can be.
    pub chance: f64,
}

/// What the interactions `a` and `b` over `players` players have in common, effects aside.
///
/// # Cost
/// A sort of each.
pub fn set_overlap(players: usize, a: &Interactions, b: &Interactions) -> SetOverlap {
    let set = |of: &Interactions| -> BTreeSet<_> {
        let keys = of.iter().map(|found| (found.kind, found.players.clone()));
        keys.collect()
    };
    let (a, b) = (set(a), set(b));
    let shared = a.intersection(&b).count();
    let either = a.len() + b.len() - shared;
    let all = 2.0 * (players as f64).exp2() - 2.0 - players as f64;
    SetOverlap {
        counts: [a.len(), b.len()],
        shared,
        jaccard: shared as f64 / either.max(1) as f64,
        chance: a.len() as f64 * b.len() as f64 / all,
    }
}

/// How much of a table the interactions of another one leave unexplained, as Σ(explained − v)² / Σ(v − v(∅))².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// With their effects as they are, and the constant v(∅) of the table.
    pub as_they_are: f64,
    /// With effects and constant fitted anew by least squares: 0 where the same interactions serve both.
    pub refitted: f64,
}

/// Explains `table` by `interactions` that were found elsewhere; of more than [`MAX_REFIT`] the strongest are refitted.
///
/// # Cost
/// k³/3 for k interactions, and some butterflies.
///
/// # Errors
/// A player that the table does not have.
pub fn transfer(table: &ValueTable, interactions: &Interactions) -> Result<Transfer> {
    let as_they_are = faithfulness(table, table.empty(), interactions)?.unexplained;
    let refitted = refit(table, &interactions.clone().strongest(MAX_REFIT))?.residual_rms;
    let from_empty = |value: &f64| (value - table.empty()).powi(2);
    let spread: f64 = table.values().iter().map(from_empty).sum();
    let squares = refitted * refitted * table.values().len() as f64;
    Ok(Transfer {
        as_they_are,
        refitted: if squares == 0.0 {
            0.0
        } else {
            squares / spread
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

    #[test]
    fn sets_and_what_they_explain_elsewhere_are_compared() {
        let table = |game: &str| {
            tabulate(&mut synthetic::parse(game).expect("a game"), |_| ()).expect("a table")
        };
        let salient = |table: &crate::ValueTable| {
            let found = and_or(table, &AndOrOptions::default()).expect("defaults");
            found.salient(0.01)
        };
        let a = table("n=4; and(0,1)*3 + or(2,3)*2");
        let b = table("n=4; and(0,1)*6 + or(2,3)*2 + and(1,2,3)*5");
        let (of_a, of_b) = (salient(&a), salient(&b));
        let sets = set_overlap(4, &of_a, &of_b);
        assert_eq!((sets.counts, sets.shared), ([2, 3], 2));
        assert!((sets.jaccard - 2.0 / 3.0).abs() < 1e-15);
        assert!((sets.chance - 6.0 / 26.0).abs() < 1e-15);
        // What b has beyond a: 3·[01] + 5·[123], over 16 coalitions, beside b itself.
        let squares =
            |game: &str| -> f64 { table(game).values().iter().map(|value| value * value).sum() };
        let expected = squares("n=4; and(0,1)*3 + and(1,2,3)*5")
            / squares("n=4; and(0,1)*6 + or(2,3)*2 + and(1,2,3)*5");
        let found = transfer(&b, &of_a).expect("like players");
        assert!(
            (found.as_they_are - expected).abs() < 1e-4,
            "{found:?} {expected}"
        );
        assert!(found.refitted < found.as_they_are && found.refitted > 1e-3);
        let back = transfer(&a, &of_b).expect("like players");
        assert!(back.refitted < 1e-12 && back.as_they_are > 0.1, "{back:?}");
    }
}
