//! Interactions: which players act together, how strongly, and of which kind.
//!
//! In comes a [`ValueTable`](crate::game::ValueTable); out go AND and OR interactions ([`and_or()`]), the salient ones among
//! them ([`AndOr::salient`]) with their effects refitted ([`refit()`]), pruned ([`prune()`]) or drawn as a graph ([`graph`]),
//! interactions that several models share ([`joint`](mod@joint)), and multi-order interactions of pairs, exact
//! ([`order`]) or sampled ([`order_sampled`]).

mod and_or;
mod fit;
mod gram;
pub mod graph;
pub mod joint;
pub mod order;
pub mod order_sampled;
mod papers;
mod prune;
mod refit;
mod select;
mod sparsify;
mod split;
mod ties;

pub use and_or::{AndOrOptions, and_or, and_or_observed};
pub use fit::{Fit, PublishedRule};
pub use prune::{Pruned, prune};
pub use refit::{MAX_REFIT, Refit, refit};
pub use select::Threshold;
pub use sparsify::Progress;
pub use split::{AndOr, reconstruct};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Coalition;

/// When an interaction S fires: with all of its players, or with any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Adds its effect to v(T) when S ⊆ T.
    And,
    /// Adds its effect to v(T) when S ∩ T ≠ ∅.
    Or,
}

/// `AND` or `OR`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "AND",
            Self::Or => "OR",
        })
    }
}

/// One interaction: its kind, its players S, and its effect on v in the units of v.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// AND or OR; an interaction of one player is always AND, since the two are the same function.
    pub kind: Kind,
    /// S.
    pub players: Coalition,
    /// I(S), in the units of v.
    pub effect: f64,
}

impl Interaction {
    /// |S|, the number of players in the interaction.
    pub fn order(&self) -> usize {
        self.players.len()
    }
}

/// A list of interactions, strongest first; ties stand in the order of kind, then players.
///
/// Displays one line each: `AND{0,1} 2.000`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interactions(Vec<Interaction>);

impl Interactions {
    /// Sorts `list` by |effect|, strongest first.
    pub fn new(mut list: Vec<Interaction>) -> Self {
        list.sort_by(|a, b| {
            b.effect
                .abs()
                .total_cmp(&a.effect.abs())
                .then(a.kind.cmp(&b.kind))
                .then(a.players.cmp(&b.players))
        });
        Self(list)
    }

    /// The `count` strongest of them.
    pub fn strongest(mut self, count: usize) -> Self {
        self.0.truncate(count);
        self
    }
}

impl std::ops::Deref for Interactions {
    type Target = [Interaction];

    fn deref(&self) -> &[Interaction] {
        &self.0
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Interaction {
            kind,
            players,
            effect,
        } in &self.0
        {
            writeln!(f, "{kind}{players} {effect:.3}")?;
        }
        Ok(())
    }
}
