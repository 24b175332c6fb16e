//! A network of numbers on an image or a row, seen as a game.

use rayon::prelude::*;

use super::{Aim, Counts, Progress, Readout, budget, memory};
use crate::game::Pieces;
use crate::input::{Features, Players};
use crate::model::{FeatureModel, Shape};
use crate::{Coalition, Error, Game, Result};

/// A network on one image or row, as a game: v(S) is the readout of the target with the elements of the players outside S
/// at their baseline.
///
/// On the CPU in f32 v(S) is the same to the last bit whatever it is asked with.
pub struct FeatureGame<'a> {
    model: &'a FeatureModel,
    features: &'a Features,
    players: &'a Players,
    aim: &'a Aim,
    readout: Readout,
    /// The layer that the features enter.
    layer: usize,
    /// The batch that was asked for.
    asked: Option<usize>,
    batch: usize,
    progress: Option<Progress<'a>>,
    counts: Counts,
}

impl<'a> FeatureGame<'a> {
    /// Puts the parts together; `batch` is the most coalitions of one forward pass, chosen by the memory that is free where it
    /// is `None`.
    ///
    /// # Errors
    /// [`Error::Input`] for features that are not what the network takes, and for a readout that compares outputs where
    /// the network has only one.
    ///
    /// # Panics
    /// If the players do not own the elements of these features.
    pub fn new(
        model: &'a FeatureModel,
        features: &'a Features,
        players: &'a Players,
        aim: &'a Aim,
        readout: Readout,
        batch: Option<usize>,
    ) -> Result<Self> {
        Self::at_layer(model, 0, features, players, aim, readout, batch)
    }

    /// The same where the features enter the network at `layer`: players are then cells of a feature map.
    ///
    /// # Errors
    /// As [`FeatureGame::new`].
    ///
    /// # Panics
    /// As [`FeatureGame::new`], and if there is no such layer.
    pub fn at_layer(
        model: &'a FeatureModel,
        layer: usize,
        features: &'a Features,
        players: &'a Players,
        aim: &'a Aim,
        readout: Readout,
        batch: Option<usize>,
    ) -> Result<Self> {
        assert_eq!(
            players.owner.len(),
            features.elements(),
            "an owner per element"
        );
        let [c, h, w] = model.shape(layer);
        if features.present.len() != c * h * w {
            return Err(misfit([c, h, w], features));
        }
        readout.check(model.classes().len())?;
        let game = Self {
            model,
            features,
            players,
            aim,
            readout,
            layer,
            asked: batch,
            batch: 1,
            progress: None,
            counts: Counts::default(),
        };
        Ok(game.with_memory(None))
    }

    /// Keeps the process within `bytes` of memory, where given; chooses the batch size anew.
    pub fn with_memory(mut self, bytes: Option<u64>) -> Self {
        let chosen = || {
            budget::images(
                self.model.widest(),
                memory::free(self.model.device(), bytes),
            )
        };
        self.batch = self.asked.unwrap_or_else(chosen).max(1);
        self
    }

    /// The pieces in which its table is best asked for: of a size that follows from the network alone.
    ///
    /// # Errors
    /// No player, or too many for a table.
    pub fn pieces(&self) -> Result<Pieces> {
        // Every weight meets every place of the features at most.
        let [_, height, width] = self.model.shape(self.layer);
        let operations = 2.0 * (self.model.parameters() * height * width) as f64;
        let players = self.players.count();
        Pieces::new(players, budget::split(players, operations, |_| 1.0))
    }

    /// What was computed since this was asked last.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Sets the most coalitions of one forward pass, at least one.
    pub fn set_batch(&mut self, rows: usize) {
        self.batch = rows.max(1);
    }

    /// Has `progress` called as coalitions are done.
    pub fn with_progress(mut self, progress: Progress<'a>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// What was computed so far; positions are images or rows here.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The most coalitions of one forward pass.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// v of `coalitions` in one forward pass.
    fn forward(&self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(coalitions.len() * self.features.present.len());
        for coalition in coalitions {
            fill(self.features, self.players, coalition, &mut values);
        }
        let logits = self
            .model
            .logits(&values, self.layer)
            .map_err(|error| match error {
                Error::Tensor(source) => Error::Forward {
                    batch: coalitions.len(),
                    source,
                },
                other => other,
            })?;
        if let Some(progress) = self.progress {
            progress(coalitions.len() as u64);
        }
        let rows = logits.chunks_exact(self.model.classes().len());
        Ok(rows
            .map(|row| self.readout.value(row, self.aim.outputs[0] as usize))
            .collect())
    }
}

impl Game for FeatureGame<'_> {
    fn players(&self) -> usize {
        self.players.count()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let batches: Vec<&[Coalition]> = coalitions.chunks(self.batch).collect();
        // Batches side by side use the cores better than one batch spread over them.
        let answers: Vec<Vec<f64>> = match self.model.device().is_cpu() {
            true => batches
                .par_iter()
                .map(|batch| self.forward(batch))
                .collect::<Result<_>>()?,
            false => batches
                .iter()
                .map(|batch| self.forward(batch))
                .collect::<Result<_>>()?,
        };
        let values = answers.concat();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                coalition: coalitions[at].clone(),
                value: values[at],
            });
        }
        self.counts.coalitions += coalitions.len() as u64;
        self.counts.forward_batches += batches.len() as u64;
        Ok(values)
    }
}

/// Says that a network does not take these features.
pub(super) fn misfit([c, h, w]: Shape, features: &Features) -> Error {
    Error::Input(format!(
        "the network takes {c} × {h} × {w} numbers, and the sample has {features}"
    ))
}

/// Writes the numbers (C, H, W) of `coalition` behind those in `out`: present players' elements and the background as they
/// are, absent ones' as the baseline has them.
fn fill(features: &Features, players: &Players, coalition: &Coalition, out: &mut Vec<f32>) {
    let present: Vec<bool> = (0..players.count())
        .map(|player| coalition.contains(player))
        .collect();
    let elements = features.elements();
    let planes = features
        .present
        .chunks_exact(elements)
        .zip(features.absent.chunks_exact(elements));
    for (own, baseline) in planes {
        let both = own.iter().zip(baseline).zip(&players.owner);
        out.extend(both.map(|((&own, &baseline), owner)| match owner {
            Some(player) if !present[*player] => baseline,
            _ => own,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_elements_are_the_baseline_in_every_channel() {
        let features = Features {
            channels: 2,
            height: 1,
            width: 3,
            present: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            absent: vec![-1.0, -2.0, -3.0, -4.0, -5.0, -6.0],
        };
        let players = Players {
            owner: vec![Some(1), None, Some(0)],
            labels: vec!["a".into(), "b".into()],
        };
        for (coalition, expected) in [
            (0b00, [-1.0, 2.0, -3.0, -4.0, 5.0, -6.0]),
            (0b01, [-1.0, 2.0, 3.0, -4.0, 5.0, 6.0]),
            (0b11, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ] {
            let mut values = Vec::new();
            fill(
                &features,
                &players,
                &Coalition::from_index(coalition),
                &mut values,
            );
            assert_eq!(values, expected);
        }
    }
}
