//! The split of a game into AND and OR interactions.

use super::{Interaction, Interactions, Kind};
use crate::game::ValueTable;
use crate::transform::mobius;
use crate::{Coalition, Result};

/// Settings of [`and_or`].
#[derive(Clone, Debug, Default)]
pub struct AndOrOptions {}

/// AND and OR interactions that explain a game.
#[derive(Clone, Debug)]
pub struct AndOr {
    players: usize,
    empty: f64,
    and: Vec<f64>,
    or: Vec<f64>,
}

/// Splits v half and half.
pub fn and_or(table: &ValueTable, _options: &AndOrOptions) -> Result<AndOr> {
    let half = |table: &ValueTable| {
        mobius(table)
            .into_values()
            .into_iter()
            .map(|effect| 0.5 * effect)
            .collect::<Vec<_>>()
    };
    Ok(AndOr {
        players: table.players(),
        empty: table.empty(),
        and: half(table),
        or: half(&table.dual()),
    })
}

impl AndOr {
    /// Salient.
    pub fn salient(&self, fraction: f64) -> Interactions {
        let max = self
            .and
            .iter()
            .chain(&self.or)
            .fold(0.0f64, |max, effect| max.max(effect.abs()));
        let of = |kind, effects: &[f64]| -> Vec<Interaction> {
            (1..effects.len())
                .filter(|&s| effects[s].abs() > fraction * max)
                .map(|s| Interaction {
                    kind,
                    players: Coalition::from_index(s as u64),
                    effect: effects[s],
                })
                .collect()
        };
        let _ = (self.players, self.empty);
        Interactions::new([of(Kind::And, &self.and), of(Kind::Or, &self.or)].concat())
    }
}
