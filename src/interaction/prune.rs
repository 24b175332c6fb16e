//! Dropping interactions one by one, each time the one that is missed least.

use super::gram::{Products, Term, inner};
use super::split::{place, reconstruct};
use super::{Interaction, Interactions};
use crate::Result;
use crate::game::ValueTable;

/// Interactions in the order in which pruning drops them, and the error that each stage leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruned {
    /// Every interaction, the first to be dropped first.
    dropped: Vec<Interaction>,
    /// Σ_T (explained − v)² with the last k of them kept, by k.
    errors: Vec<f64>,
    /// Σ_T (v − v(∅))².
    spread: f64,
}

impl Pruned {
    /// The k interactions that pruning keeps longest.
    pub fn kept(&self, count: usize) -> Interactions {
        let from = self.dropped.len().saturating_sub(count);
        Interactions::new(self.dropped[from..].to_vec())
    }

    /// Σ_T (explained − v)² / Σ_T (v − v(∅))² with k kept, for k = 0, 1, …: the normalized error of the papers.
    pub fn errors(&self) -> Vec<f64> {
        let scale = if self.spread > 0.0 {
            1.0 / self.spread
        } else {
            0.0
        };
        self.errors.iter().map(|error| error * scale).collect()
    }

    /// The fewest interactions that pruning can keep with a normalized error of at most `error`; all of them where none does.
    pub fn fewest(&self, error: f64) -> usize {
        let enough = self
            .errors
            .iter()
            .position(|kept| *kept <= error * self.spread);
        enough.unwrap_or(self.dropped.len())
    }
}

/// Drops interactions one by one: of the `candidates` weakest that are left, the one whose loss leaves the least squared error
/// over all coalitions, effects and the constant `empty` staying as they are.
///
/// # Cost
/// One update of O(1) per interaction left and drop, since the inner products are known in closed form: O(k²) for k
/// interactions, and two butterflies. (The published code multiplies by a dense matrix per trial: O(candidates·8^n).)
///
/// # Errors
/// A player that the table does not have.
///
/// # Source
/// Ren et al. 2023, *Defining and quantifying the emergence of sparse concepts in DNNs*, with 20 candidates; the update is the
/// crate's own.
///
/// # Example
/// ```
/// use harsanyi::{game::synthetic, interaction::{AndOrOptions, and_or, prune}, tabulate};
/// let table = tabulate(&mut synthetic::parse("and(0,1)*2 + or(1,2)*0.1 + 0.5")?, |_| ())?;
/// let split = and_or(&table, &AndOrOptions::default())?;
/// let pruned = prune(&table, split.empty(), &split.salient(0.0), 20)?;
/// assert_eq!(pruned.kept(1)[0].players.to_string(), "{0,1}");
/// assert_eq!(pruned.fewest(0.1), 1);
/// # Ok::<(), harsanyi::Error>(())
/// ```
pub fn prune(
    table: &ValueTable,
    empty: f64,
    interactions: &Interactions,
    candidates: usize,
) -> Result<Pruned> {
    let players = table.players();
    let explained = reconstruct(players, empty, interactions)?;
    let residual: Vec<f64> = table
        .values()
        .iter()
        .zip(explained.values())
        .map(|(value, explained)| value - explained)
        .collect();
    let mut error: f64 = residual.iter().map(|r| r * r).sum();
    let products = Products::new(residual);
    let mut left: Vec<Left> = Vec::with_capacity(interactions.len());
    for interaction in interactions.iter() {
        let term = (interaction.kind, place(players, interaction)?);
        left.push(Left {
            with_residual: products.with(term),
            norm: inner(players, term, term),
            interaction: interaction.clone(),
            term,
        });
    }
    let mut errors = vec![error.max(0.0)];
    let mut dropped = Vec::with_capacity(left.len());
    while !left.is_empty() {
        // Interactions come strongest first, so that the weakest stand at the end.
        let from = left.len() - candidates.clamp(1, left.len());
        let (mut at, mut least) = (from, f64::INFINITY);
        for (place, candidate) in left.iter().enumerate().skip(from) {
            if candidate.loss() < least {
                (at, least) = (place, candidate.loss());
            }
        }
        let gone = left.remove(at);
        error += least;
        for other in &mut left {
            other.with_residual += gone.interaction.effect * inner(players, gone.term, other.term);
        }
        // Differences of nearly equal squares: rounding must not make an error negative.
        errors.push(error.max(0.0));
        dropped.push(gone.interaction);
    }
    errors.reverse();
    let spread = table
        .values()
        .iter()
        .map(|v| (v - table.empty()).powi(2))
        .sum();
    Ok(Pruned {
        dropped,
        errors,
        spread,
    })
}

/// An interaction that is still there.
struct Left {
    interaction: Interaction,
    term: Term,
    /// ⟨1_S, v − explained⟩.
    with_residual: f64,
    /// ⟨1_S, 1_S⟩.
    norm: f64,
}

impl Left {
    /// What dropping it adds to the squared error.
    fn loss(&self) -> f64 {
        let effect = self.interaction.effect;
        effect * (2.0 * self.with_residual + effect * self.norm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interaction::{AndOrOptions, Fit, Threshold, and_or};

    #[test]
    fn every_stage_has_the_error_that_its_reconstruction_has() {
        let values = (0..32u32)
            .map(|t| f64::from(t * t * 7 % 13) * 0.3)
            .collect();
        let table = ValueTable::new(5, values).expect("finite");
        let options = AndOrOptions {
            fit: Fit::Half,
            ..AndOrOptions::default()
        };
        let split = and_or(&table, &options).expect("in range");
        let all = split.salient(Threshold::Abs(1e-9));
        let pruned = prune(&table, split.empty(), &all, 20).expect("its own");
        let errors = pruned.errors();
        assert_eq!(errors.len(), all.len() + 1);
        for (count, error) in errors.iter().enumerate() {
            let kept = reconstruct(5, split.empty(), &pruned.kept(count)).expect("its own");
            let squares: f64 = kept
                .values()
                .iter()
                .zip(table.values())
                .map(|(a, b)| (a - b).powi(2))
                .sum();
            let spread: f64 = table
                .values()
                .iter()
                .map(|v| (v - table.empty()).powi(2))
                .sum();
            assert!((squares / spread - error).abs() < 1e-9, "{count} kept");
        }
    }
}
