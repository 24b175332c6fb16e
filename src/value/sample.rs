//! A game on a sample of whatever kind.

use super::{Counts, FeatureGame, NetworkGame, Progress};
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

    /// What was computed so far.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Text(game) => game.counts(),
            Self::Features(game) => game.counts(),
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
