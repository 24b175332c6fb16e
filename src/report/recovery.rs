//! `interactions.json` and `indices.json` of a recovery from samples.

use serde::Serialize;

use super::{IndexValue, InteractionEntry};
use crate::Result;
use crate::game::synthetic::Shape;
use crate::interaction::{Interaction, Interactions, Kind};
use crate::sampling::sparse::{HeldOut, Method, Recovery, player_values};

/// Of the strongest effect: what a salient one has at least.
const SALIENT: f64 = 0.05;

/// AND and OR interactions recovered from the values of some coalitions.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryReport {
    /// The constant, what the sum is for ∅.
    pub empty: f64,
    /// AND interactions, strongest first; those of one player stand here.
    pub and: Vec<InteractionEntry>,
    /// OR interactions of two and more players, strongest first.
    pub or: Vec<InteractionEntry>,
    /// How they were found.
    pub method: &'static str,
    /// How many coalitions were asked, the held-out ones included.
    pub samples: usize,
    /// How well a fit by this method to the others predicted the samples held out.
    pub held_out: HeldOutReport,
    /// The same for all methods that were tried.
    pub tried: Vec<HeldOutReport>,
}

/// R² on held-out samples.
#[derive(Clone, Debug, Serialize)]
pub struct HeldOutReport {
    /// The method.
    pub method: &'static str,
    /// How many samples were held out.
    pub samples: usize,
    /// 1 − Σ(v − f)² / Σ(v − v̄)² over them.
    pub r2: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// Values of players and pairs, in closed form from the recovered terms.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveredIndices {
    /// The players' names.
    pub labels: Vec<String>,
    /// Shapley values of the recovered sum.
    pub shapley: Vec<f64>,
    /// Banzhaf values.
    pub banzhaf: Vec<f64>,
    /// Shapley interaction index of each pair that occurs in a term; that of all others is 0.
    pub shapley_interaction: Vec<IndexValue>,
}

impl HeldOutReport {
    fn new(method: Method, held_out: &HeldOut) -> Self {
        Self {
            method: method.name(),
            samples: held_out.samples,
            r2: held_out.r2,
            standard_error: held_out.standard_error,
        }
    }
}

impl RecoveryReport {
    /// Collects the terms of `found`, from `samples` samples, named by `labels`.
    pub fn new(found: &Recovery, samples: usize, labels: &[String]) -> Self {
        let mut empty = 0.0;
        let mut list = Vec::new();
        for term in found.model.terms() {
            let (kind, players) = match &term.shape {
                Shape::And(players) => (Kind::And, players),
                Shape::Or(players) => (Kind::Or, players),
                _ => {
                    empty += term.coefficient;
                    continue;
                }
            };
            list.push(Interaction {
                kind,
                players: players.clone(),
                effect: term.coefficient,
            });
        }
        let list = Interactions::new(list);
        let bar = SALIENT * list.first().map_or(0.0, |strongest| strongest.effect.abs());
        let of = |kind: Kind| {
            let entries = list.iter().filter(|found| found.kind == kind);
            entries
                .map(|found| InteractionEntry::new(found, labels, found.effect.abs() > bar))
                .collect()
        };
        let tried = found.tried.iter();
        Self {
            empty,
            and: of(Kind::And),
            or: of(Kind::Or),
            method: found.method.name(),
            samples,
            held_out: HeldOutReport::new(found.method, &found.held_out),
            tried: tried
                .map(|(method, held_out)| HeldOutReport::new(*method, held_out))
                .collect(),
        }
    }
}

impl RecoveredIndices {
    /// The values of what was recovered.
    ///
    /// # Errors
    /// None for what [`recover`](crate::sampling::sparse::recover) returns.
    pub fn new(found: &Recovery, labels: &[String]) -> Result<Self> {
        let values = player_values(&found.model)?;
        let pairs = values.shapley_interaction.into_iter();
        Ok(Self {
            labels: labels.to_vec(),
            shapley: values.shapley,
            banzhaf: values.banzhaf,
            shapley_interaction: pairs
                .map(|((i, j), value)| IndexValue {
                    players: vec![i, j],
                    value,
                    error: None,
                })
                .collect(),
        })
    }
}
