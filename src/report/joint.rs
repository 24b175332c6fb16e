//! The joint extraction of several tables as a document.

use serde::{Deserialize, Serialize};

use super::InteractionReport;
use crate::Result;
use crate::interaction::joint::Joint;
use crate::interaction::{Kind, Threshold};
use crate::stats::transfer::overlap;

/// Interactions of several tables that were extracted together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JointReport {
    /// α: what an interaction pays for each model that has it.
    pub alpha: f64,
    /// The joint objective.
    pub objective: f64,
    /// A bound on it that no joint explanation can beat.
    pub lower_bound: f64,
    /// (objective − lower bound) / objective.
    pub gap: f64,
    /// By how much a model's own part of γ exceeds its published bound anywhere; 0 where it stays within.
    pub own_excess: f64,
    /// How many of the strongest interactions all models share, beside what chance would share.
    pub overlap: Vec<OverlapEntry>,
    /// One document per table, in the order given.
    pub models: Vec<InteractionReport>,
}

/// The overlap of the k strongest of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OverlapEntry {
    /// AND or OR.
    pub kind: Kind,
    /// k
    pub count: usize,
    /// How many of the k are among the k of every model.
    pub shared: usize,
    /// shared / k
    pub ratio: f64,
    /// What the ratio would be on average for sets of k drawn at random.
    pub chance: f64,
    /// (ratio − chance) / (1 − chance)
    pub above_chance: f64,
}

impl JointReport {
    /// Collects `found`, named by `labels`; overlaps are taken at 5, 10, 20 and 50 interactions.
    ///
    /// # Errors
    /// None for explanations that were found together.
    pub fn new(found: &Joint, alpha: f64, labels: &[String], threshold: Threshold) -> Result<Self> {
        let mut entries: Vec<OverlapEntry> = Vec::new();
        for kind in [Kind::And, Kind::Or] {
            for count in [5, 10, 20, 50] {
                let overlap = overlap(found.models(), kind, count)?;
                if overlap.count < count {
                    break;
                }
                entries.push(OverlapEntry {
                    kind,
                    count,
                    shared: overlap.shared,
                    ratio: overlap.ratio,
                    chance: overlap.chance,
                    above_chance: overlap.above_chance,
                });
            }
        }
        let models = found.models().iter();
        Ok(Self {
            alpha,
            objective: found.objective(),
            lower_bound: found.lower_bound(),
            gap: found.gap(),
            own_excess: found.own_excess(),
            overlap: entries,
            models: models
                .map(|model| InteractionReport::new(model, labels, threshold))
                .collect(),
        })
    }
}
