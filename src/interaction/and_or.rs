//! The split of a game into AND and OR interactions.

use super::Fit;
use crate::game::ValueTable;
use crate::transform::{butterfly, mobius};
use crate::{Error, Result};

/// Settings of [`and_or`].
#[derive(Clone, Debug)]
pub struct AndOrOptions {
    /// How closely the explanation must follow v.
    pub fit: Fit,
    /// Measured standard deviation of the noise of v, in the units of v; 0 where it is unknown or there is none.
    pub noise: f64,
    /// Relative gap between objective and lower bound at which the search stops.
    pub gap: f64,
    /// Iterations after which the search stops with the gap it has.
    pub max_iterations: usize,
}

impl Default for AndOrOptions {
    fn default() -> Self {
        Self {
            fit: Fit::Auto,
            noise: 0.0,
            gap: 1e-4,
            max_iterations: 20_000,
        }
    }
}

/// AND and OR interactions that explain a game: for every coalition T
///
/// v(T) + residual(T) = empty + Σ_{∅≠S⊆T} and(S) + Σ_{S∩T≠∅} or(S).
#[derive(Clone, Debug, PartialEq)]
pub struct AndOr {
    pub(super) players: usize,
    pub(super) empty: f64,
    pub(super) span: f64,
    pub(super) and: Vec<f64>,
    pub(super) or: Vec<f64>,
    pub(super) fit: Fit,
    pub(super) objective: f64,
    pub(super) lower_bound: f64,
    pub(super) iterations: usize,
    pub(super) residual_rms: f64,
    pub(super) residual_max: f64,
}

impl AndOr {
    /// n, the number of players.
    pub fn players(&self) -> usize {
        self.players
    }

    /// The constant of the explanation: v(∅), up to the residual there where the fit allows one.
    pub fn empty(&self) -> f64 {
        self.empty
    }

    /// v(N) − v(∅) of the game explained, the unit of several thresholds.
    pub fn span(&self) -> f64 {
        self.span
    }

    /// AND effects in index order; the one at 0 is 0. Interactions of a single player stand here, since AND and OR of one
    /// player are the same function.
    pub fn and(&self) -> &[f64] {
        &self.and
    }

    /// OR effects in index order; zero at 0 and at single players.
    pub fn or(&self) -> &[f64] {
        &self.or
    }

    /// The fit that was made, never [`Fit::Auto`], its parameters filled in.
    pub fn fit(&self) -> &Fit {
        &self.fit
    }

    /// What was minimised: the L1 norm, for least squares with (μ/2)·‖residual‖₂² added.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// ‖a‖₁ + ‖o‖₁ over orders 1 and more.
    pub fn l1(&self) -> f64 {
        l1(&self.and) + l1(&self.or)
    }

    /// A number that the objective of no explanation under this fit can fall below, proven by a feasible point of the dual
    /// problem; 0 where the fit brings no proof.
    pub fn lower_bound(&self) -> f64 {
        self.lower_bound
    }

    /// (objective − lower bound) / objective: at most this share of the objective could still be saved. 0 for a constant game.
    pub fn gap(&self) -> f64 {
        if self.objective > 0.0 {
            (self.objective - self.lower_bound) / self.objective
        } else {
            0.0
        }
    }

    /// Iterations of the solver.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Root mean square over all coalitions of what is explained minus v.
    pub fn residual_rms(&self) -> f64 {
        self.residual_rms
    }

    /// The largest |residual(T)|.
    pub fn residual_max(&self) -> f64 {
        self.residual_max
    }

    /// The game that the interactions make.
    ///
    /// # Cost
    /// Two butterflies, three tables of memory.
    ///
    /// # Panics
    /// If the sums overflow, which effects extracted from values below 1e300 do not.
    pub fn reconstruct(&self) -> ValueTable {
        let values = explained(self.empty, &self.and, &self.or);
        ValueTable::new(self.players, values)
            .expect("sums of finite effects on as many players as came in")
    }
}

/// empty + Σ_{∅≠S⊆T} and(S) + Σ_{S∩T≠∅} or(S) for every T.
fn explained(empty: f64, and: &[f64], or: &[f64]) -> Vec<f64> {
    let mut values = and.to_vec();
    values[0] = empty;
    butterfly(&mut values, |without, with| (without, with + without));
    // The ORs that T fires are those that do not lie within N∖T.
    let mut missed = or.to_vec();
    missed[0] = 0.0;
    butterfly(&mut missed, |without, with| (without, with + without));
    let total = missed[missed.len() - 1];
    for (value, missed) in values.iter_mut().zip(missed.iter().rev()) {
        *value += total - missed;
    }
    values
}

fn l1(effects: &[f64]) -> f64 {
    effects[1..].iter().map(|effect| effect.abs()).sum()
}

/// Explains `table` by AND and OR interactions of the smallest total strength.
///
/// # Errors
/// Options out of range.
pub fn and_or(table: &ValueTable, options: &AndOrOptions) -> Result<AndOr> {
    options.fit.check()?;
    for (parameter, value) in [("the noise of v", options.noise), ("the gap", options.gap)] {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::Parameter {
                parameter,
                must: "a number of at least 0",
                got: value.to_string(),
            });
        }
    }
    let half = |table: &ValueTable| {
        mobius(table)
            .into_values()
            .into_iter()
            .map(|effect| 0.5 * effect)
            .collect::<Vec<_>>()
    };
    Ok(assemble(table, half(table), half(&table.dual()), Fit::Half))
}

/// Merges order 1 under AND and measures what the effects explain.
fn assemble(table: &ValueTable, mut and: Vec<f64>, mut or: Vec<f64>, fit: Fit) -> AndOr {
    (and[0], or[0]) = (0.0, 0.0);
    for player in 0..table.players() {
        let single = 1 << player;
        and[single] += std::mem::take(&mut or[single]);
    }
    let empty = table.empty();
    let residuals: Vec<f64> = explained(empty, &and, &or)
        .iter()
        .zip(table.values())
        .map(|(explained, value)| explained - value)
        .collect();
    let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
    let objective = l1(&and) + l1(&or);
    AndOr {
        players: table.players(),
        empty,
        span: table.span(),
        and,
        or,
        fit,
        objective,
        lower_bound: 0.0,
        iterations: 0,
        residual_rms: (squares / residuals.len() as f64).sqrt(),
        residual_max: residuals.iter().fold(0.0, |max, r| r.abs().max(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_half_reproduces_the_game() {
        let values = (0..16).map(|s| f64::from(s * s % 7) - 1.5).collect();
        let table = ValueTable::new(4, values).expect("finite");
        let options = AndOrOptions {
            fit: Fit::Half,
            ..AndOrOptions::default()
        };
        let split = and_or(&table, &options).expect("in range");
        assert!(split.residual_max() < 1e-12);
        assert!((0..4).all(|player| split.or()[1 << player] == 0.0));
        for (value, explained) in table.values().iter().zip(split.reconstruct().values()) {
            assert!((value - explained).abs() < 1e-12);
        }
    }
}
