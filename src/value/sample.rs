//! A game on a sample of whatever kind.

use super::{Counts, FeatureGame, NetworkGame, Progress};
use crate::game::Pieces;
use crate::{Coalition, Game, Result};

/// A network on a text, an image or a row.
pub enum SampleGame<'a> {
    /// On a text.
    Text(NetworkGame<'a>),
    /// On an image or a row.
    Features(FeatureGame<'a>),
}

impl<'a> SampleGame<'a> {
    /// Has `progress` called as coalitions are done.
    pub fn with_progress(self, progress: Progress<'a>) -> Self {
        match self {
            Self::Text(game) => Self::Text(game.with_progress(progress)),
            Self::Features(game) => Self::Features(game.with_progress(progress)),
        }
    }

    /// Keeps the process within `bytes` of memory, where given; chooses the batch size anew.
    pub fn with_memory(self, bytes: Option<u64>) -> Self {
        match self {
            Self::Text(game) => Self::Text(game.with_memory(bytes)),
            Self::Features(game) => Self::Features(game.with_memory(bytes)),
        }
    }

    /// The pieces in which its table is best asked for: of a size that follows from the network and the sample alone.
    ///
    /// # Errors
    /// No player, or too many for a table.
    pub fn pieces(&self) -> Result<Pieces> {
        match self {
            Self::Text(game) => game.pieces(),
            Self::Features(game) => game.pieces(),
        }
    }

    /// What was computed so far.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Text(game) => game.counts(),
            Self::Features(game) => game.counts(),
        }
    }

    /// What was computed since this was asked last.
    pub fn take_counts(&mut self) -> Counts {
        match self {
            Self::Text(game) => game.take_counts(),
            Self::Features(game) => game.take_counts(),
        }
    }

    /// Sets the most rows of one forward pass, at least one.
    pub fn set_batch(&mut self, rows: usize) {
        match self {
            Self::Text(game) => game.set_batch(rows),
            Self::Features(game) => game.set_batch(rows),
        }
    }

    /// The most rows of one forward pass.
    pub fn batch(&self) -> usize {
        match self {
            Self::Text(game) => game.batch(),
            Self::Features(game) => game.batch(),
        }
    }
}

impl Game for SampleGame<'_> {
    fn players(&self) -> usize {
        match self {
            Self::Text(game) => game.players(),
            Self::Features(game) => game.players(),
        }
    }

    fn values(&mut self, coalitions: &[Coalition]) -> Result<Vec<f64>> {
        match self {
            Self::Text(game) => game.values(coalitions),
            Self::Features(game) => game.values(coalitions),
        }
    }
}
