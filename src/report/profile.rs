//! All that a run folder says of one sample: what pages and charts are made from.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::{self, LARGEST};
use super::{InteractionReport, OrderReport, PlayerIndices, Record, SparsityReport};
use crate::{Error, Result};

/// The documents of one sample.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// `record.json`
    pub record: Record,
    /// `interactions.json`
    pub interactions: InteractionReport,
    /// `orders.json`
    pub orders: OrderReport,
    /// `indices.json`
    pub indices: PlayerIndices,
    /// `sparsity.json`
    pub sparsity: SparsityReport,
}

impl Profile {
    /// Reads the documents of the run folder `dir`.
    ///
    /// # Errors
    /// A document that is missing, is not what its name says, or speaks of other players than the record does.
    pub fn read(dir: &Path) -> Result<Self> {
        let profile = Self {
            record: folder::read_json(&dir.join("record.json"), "record")?,
            interactions: folder::read_json(
                &dir.join("interactions.json"),
                "list of interactions",
            )?,
            orders: folder::read_json(&dir.join("orders.json"), "order profile")?,
            indices: folder::read_json(&dir.join("indices.json"), "list of indices")?,
            sparsity: folder::read_json(&dir.join("sparsity.json"), "sparsity report")?,
        };
        let disagree = |what| {
            let dir = dir.display();
            Error::Input(format!(
                "the files in `{dir}` do not belong together: {what}"
            ))
        };
        profile.check().map_err(disagree)?;
        Ok(profile)
    }

    /// What of the documents contradicts the record.
    fn check(&self) -> Result<(), &'static str> {
        let n = self.record.n;
        let agree = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        let mut players = self.record.players.iter().enumerate();
        agree(
            n > 0 && self.record.players.len() == n && players.all(|(at, one)| one.index == at),
            "the record does not list its n players",
        )?;
        let lists = self.interactions.lists();
        let mut entries = lists.iter().flat_map(|list| list.iter());
        agree(
            entries.all(|entry| {
                let ascending = entry.players.is_sorted_by(|a, b| a < b);
                let known = entry.players.last().is_some_and(|&last| last < n);
                ascending && known && entry.labels.len() == entry.players.len()
            }),
            "an interaction has players that the record does not",
        )?;
        let indices = &self.indices;
        agree(
            indices.labels.len() == n
                && [&indices.shapley, &indices.banzhaf, &indices.leave_one_out]
                    .iter()
                    .all(|values| values.len() == n),
            "the indices are not of n players",
        )?;
        agree(
            self.orders.is_of(n),
            "the order profile is not of n players",
        )?;
        agree(
            self.numbers().all(|number| number.abs() <= LARGEST),
            "a number exceeds 1e100",
        )
    }

    /// The numbers that pages measure lengths by.
    fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let effects = self.interactions.lists().into_iter().flatten();
        [self.record.v_empty, self.record.v_full]
            .into_iter()
            .chain(effects.map(|entry| entry.effect))
            .chain(
                self.indices
                    .shapley_interaction
                    .iter()
                    .map(|pair| pair.value),
            )
            .chain(self.orders.numbers())
            .chain(
                [
                    &self.indices.shapley,
                    &self.indices.banzhaf,
                    &self.indices.leave_one_out,
                    &self.sparsity.strength_curve,
                ]
                .into_iter()
                .flatten()
                .copied(),
            )
            .chain(
                self.sparsity
                    .faithfulness
                    .strongest
                    .iter()
                    .map(|entry| entry.rms),
            )
    }
}
