//! A network on a sample, seen as a cooperative game.
//!
//! In come a [`Model`], a text with its [`Players`], what stands where a player is absent, the [`Aim`] and the [`Readout`];
//! out goes a [`NetworkGame`] that answers v(S) like any other [`Game`]. A [`FeatureGame`] is the same for images and rows.

pub mod budget;
mod features;
mod fill;
mod memory;
mod noise;
mod readout;
mod sample;
mod shared;
mod target;

pub use features::FeatureGame;
pub use fill::{Sequence, fill};
pub use noise::{Noise, Probe, probe};
pub use readout::Readout;
pub use sample::SampleGame;
pub use target::Aim;

use std::collections::BTreeMap;

use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::game::Pieces;
use crate::input::baseline::Absence;
use crate::input::{Players, TokenizedText};
use crate::model::{Budget, Model, TokenBatch};
use crate::{Coalition, Error, Game, Result};

/// What was computed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Coalitions evaluated.
    pub coalitions: u64,
    /// Token positions that went through the network.
    pub token_positions: u64,
    /// Token positions of full sequences for the same coalitions.
    pub token_positions_naive: u64,
    /// Forward passes.
    pub forward_batches: u64,
    /// How often memory did not suffice and the batch was halved.
    #[serde(default)]
    pub halvings: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.coalitions += more.coalitions;
        self.token_positions += more.token_positions;
        self.token_positions_naive += more.token_positions_naive;
        self.forward_batches += more.forward_batches;
        self.halvings += more.halvings;
    }
}

/// Settings of a [`NetworkGame`].
#[derive(Clone, Copy, Debug)]
pub struct NetworkOptions {
    /// What the network is given where a player is absent.
    pub absence: Absence,
    /// Logits → v.
    pub readout: Readout,
    /// The most rows of one forward pass, which are coalitions, or token positions where prefixes are shared; `None` chooses
    /// by the memory that is free.
    pub batch: Option<usize>,
    /// Whether a decoder by recipe computes what several coalitions begin with only once. Otherwise every coalition is a
    /// row of its own, as it is in all other networks.
    pub share_prefixes: bool,
}

/// Coalitions whose sequences are written down at a time where each is a row of its own.
const PLAIN_CHUNK: usize = 1024;

/// Hears, from whichever thread, how many more coalitions are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// A network on one text, as a game: v(S) is the readout of the target with the players outside S absent.
///
/// v(S) does not depend on the coalitions it is asked with, up to the rounding of products of different shapes
/// ([`probe`] measures that).
pub struct NetworkGame<'a> {
    model: &'a Model,
    text: &'a TokenizedText,
    players: &'a Players,
    aim: &'a Aim,
    options: NetworkOptions,
    /// Rows are coalitions; see `budget` for those that share.
    batch: usize,
    budget: Budget,
    /// Bytes that the process may take in all.
    memory: Option<u64>,
    /// The embedding (D) of absence, where absence is an embedding.
    extra: Option<Tensor>,
    progress: Option<Progress<'a>>,
    counts: Counts,
}

impl<'a> NetworkGame<'a> {
    /// Puts the parts together and chooses the batch size.
    ///
    /// # Errors
    /// [`Error::Input`] for a sequence longer than the network takes, and for a readout that compares outputs where the
    /// network has only one.
    pub fn new(
        model: &'a Model,
        text: &'a TokenizedText,
        players: &'a Players,
        aim: &'a Aim,
        options: NetworkOptions,
    ) -> Result<Self> {
        let tokens = text.ids.len() + aim.suffix().len();
        check_length(model, tokens)?;
        if aim.is_class {
            options.readout.check(model.config().classes.len())?;
        }
        let extra = match options.absence {
            Absence::MeanEmbedding => Some(model.mean_embedding()?),
            _ => None,
        };
        let mut game = Self {
            model,
            text,
            players,
            aim,
            options,
            batch: 1,
            budget: Budget {
                segments: 1,
                positions: 1,
            },
            memory: None,
            extra,
            progress: None,
            counts: Counts::default(),
        };
        game.choose_batch();
        Ok(game)
    }

    /// Keeps the process within `bytes` of memory, where given; chooses the batch size anew.
    pub fn with_memory(mut self, bytes: Option<u64>) -> Self {
        self.memory = bytes;
        self.choose_batch();
        self
    }

    /// Has `progress` called as coalitions are done.
    pub fn with_progress(mut self, progress: Progress<'a>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// What was computed so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was computed since this was asked last.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The pieces in which its table is best asked for: of a size that follows from the network and the sample alone.
    ///
    /// # Errors
    /// No player, or too many for a table.
    pub fn pieces(&self) -> Result<Pieces> {
        let players = self.players.count();
        let per_position = 2.0 * self.model.parameters() as f64;
        let operations = per_position * self.tokens() as f64;
        // A position is computed once for each way in which the players up to it stand, and once more for each piece.
        let positions = |split: usize| {
            let mut seen = vec![false; players];
            let mut ways = split as i32;
            let mut sum = 0.0;
            for owner in &self.players.owner {
                if let Some(player) = *owner {
                    let new = !std::mem::replace(&mut seen[player], true);
                    ways += i32::from(new && player >= split);
                }
                sum += f64::from(ways).exp2();
            }
            sum + self.aim.suffix().len() as f64 * (players as f64).exp2()
        };
        let split = match self.shares_prefixes() {
            // A table that is soon done is made whole, and computes no position twice.
            true if per_position * positions(0) < budget::SHORT_TABLE => 0,
            true => budget::split(players, operations, positions),
            false => budget::split(players, operations, |_| 1.0),
        };
        Pieces::new(players, split)
    }

    /// The most rows of one forward pass, see [`NetworkOptions::batch`].
    pub fn batch(&self) -> usize {
        match self.shares_prefixes() {
            true => self.budget.segments.max(1),
            false => self.batch,
        }
    }

    /// Sets the most rows of one forward pass, at least one.
    pub fn set_batch(&mut self, rows: usize) {
        self.batch = rows.max(1);
        self.budget = Budget {
            segments: self.batch,
            positions: self.batch,
        };
    }

    /// The tokens of the full sequence.
    fn tokens(&self) -> usize {
        self.text.ids.len() + self.aim.suffix().len()
    }

    fn shares_prefixes(&self) -> bool {
        self.options.share_prefixes && self.model.takes_tries()
    }

    fn fill(&self, coalition: &Coalition) -> Sequence {
        fill(
            self.text,
            self.players,
            self.options.absence,
            self.model.config().vocabulary,
            self.aim.suffix(),
            coalition,
        )
    }

    /// v of `coalitions`, each a row of its own.
    fn plain(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let sequences: Vec<Sequence> = coalitions.iter().map(|c| self.fill(c)).collect();
        if sequences
            .iter()
            .any(|sequence| sequence.ids.len() < self.aim.outputs.len())
        {
            return Err(nothing_to_read());
        }
        let batches = self.batches(&sequences);
        let forward = |rows: &Vec<usize>| self.forward(&sequences, rows);
        // Batches side by side use the cores better than one batch spread over them: every step then runs on one core.
        let answers: Vec<Vec<f64>> = match self.model.device().is_cpu() {
            true => batches.par_iter().map(forward).collect::<Result<_>>()?,
            false => batches.iter().map(forward).collect::<Result<_>>()?,
        };
        let mut values = vec![0.0; coalitions.len()];
        for (&row, &value) in batches.iter().flatten().zip(answers.iter().flatten()) {
            values[row] = value;
        }
        let positions = sequences.iter().map(|sequence| sequence.ids.len() as u64);
        self.counts.token_positions += positions.sum::<u64>();
        self.counts.forward_batches += batches.len() as u64;
        Ok(values)
    }

    /// v of the sequences at `rows`, all of one length.
    fn forward(&self, sequences: &[Sequence], rows: &[usize]) -> Result<Vec<f64>> {
        let failed = |error: Error| match error {
            Error::Tensor(source) => Error::Forward {
                batch: rows.len(),
                source,
            },
            other => other,
        };
        let first = &sequences[rows[0]];
        let shared = rows
            .iter()
            .all(|&row| sequences[row].positions == first.positions);
        let batch = TokenBatch {
            ids: rows
                .iter()
                .flat_map(|&row| sequences[row].ids.iter().copied())
                .collect(),
            positions: match shared {
                true => first.positions.clone(),
                false => rows
                    .iter()
                    .flat_map(|&row| sequences[row].positions.iter().copied())
                    .collect(),
            },
            tokens: first.ids.len(),
            read: self.aim.outputs.len(),
            extra: self.extra.as_ref(),
        };
        let logits = self.model.logits(&batch).map_err(failed)?;
        let (_, read, outputs) = logits.dims3().map_err(Error::from).map_err(failed)?;
        let logits: Vec<f32> = logits
            .flatten_all()
            .and_then(|all| all.to_vec1())
            .map_err(Error::from)
            .map_err(failed)?;
        if let Some(progress) = self.progress {
            progress(rows.len() as u64);
        }
        let value = |row: &[f32]| {
            let outputs = row.chunks(outputs).zip(&self.aim.outputs);
            outputs
                .map(|(logits, &target)| self.options.readout.value(logits, target as usize))
                .sum()
        };
        Ok(logits.chunks(read * outputs).map(value).collect())
    }

    /// Sequences of one length share batches, so that nothing is padded.
    fn batches(&self, sequences: &[Sequence]) -> Vec<Vec<usize>> {
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, sequence) in sequences.iter().enumerate() {
            by_length.entry(sequence.ids.len()).or_default().push(row);
        }
        by_length
            .values()
            .flat_map(|rows| rows.chunks(self.batch).map(<[usize]>::to_vec))
            .collect()
    }
}

/// Refuses sequences longer than the network was built for.
fn check_length(model: &Model, tokens: usize) -> Result<()> {
    let most = model.max_tokens();
    if tokens > most {
        let sentence = format!("the sample has {tokens} tokens; the network takes at most {most}");
        return Err(Error::Input(sentence));
    }
    Ok(())
}

impl Game for NetworkGame<'_> {
    fn players(&self) -> usize {
        self.players.count()
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        let values = if self.shares_prefixes() {
            self.within_memory(|game| game.shared(coalitions))?
        } else {
            // Whole sequences are written down, so that only some are held at a time.
            let mut values = Vec::with_capacity(coalitions.len());
            for chunk in coalitions.chunks(PLAIN_CHUNK) {
                values.extend(self.within_memory(|game| game.plain(chunk))?);
            }
            values
        };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                coalition: coalitions[at].clone(),
                value: values[at],
            });
        }
        self.counts.coalitions += coalitions.len() as u64;
        self.counts.token_positions_naive += (coalitions.len() * self.tokens()) as u64;
        Ok(values)
    }
}

fn nothing_to_read() -> Error {
    Error::Input("with every player absent no token is left to read; keep one as background".into())
}
